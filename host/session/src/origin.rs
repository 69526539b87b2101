//! Addresses that an operator writes: origins of pages that may embed, and of a JWKS.
//!
//! Origins end up in a `Content-Security-Policy` header and are compared as text with what a browser says.
//! So they must be written exactly as a browser writes them, and hold nothing that means more there: no
//! wildcard, no semicolon, no quote.

use url::{Host, Url};

/// Checks an origin. The error says what to write.
pub(crate) fn exact(text: &str) -> Result<(), String> {
    let url = Url::parse(text)
        .map_err(|_| "is not an origin; write one such as https://app.example.com".to_owned())?;
    secure(&url)?;
    let plain = match url.host() {
        Some(Host::Domain(name)) => name
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_')),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    };
    if !plain {
        return Err(
            "has a host that is no plain name; every origin is written out, without wildcards"
                .to_owned(),
        );
    }
    let canonical = url.origin().ascii_serialization();
    if canonical != text {
        return Err(format!(
            "is not written as browsers write it, without path and usual port; write {canonical}"
        ));
    }
    Ok(())
}

/// Checks the address of a JWKS. The error says what to write.
pub(crate) fn jwks(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|_| {
        "is no address; write one such as https://app.example.com/.well-known/jwks.json".to_owned()
    })?;
    secure(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password; a JWKS is public".to_owned());
    }
    if url.fragment().is_some() {
        return Err("holds a fragment; leave out the # and what follows".to_owned());
    }
    Ok(url)
}

/// `https`, or `http` to this machine.
fn secure(url: &Url) -> Result<(), String> {
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err("is not https (http is only for localhost)".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_exactly_as_a_browser_writes_them() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "http://localhost:5173",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "https://xn--bcher-kva.example.com",
        ] {
            assert_eq!(exact(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "app.example.com",
            "https://*.example.com",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://app.example.com:443",
            "https://App.example.com",
            "https://bücher.example.com",
            "https://user@app.example.com",
            "https://a;sandbox",
            "https://a'unsafe-inline'.example.com",
            "https://a,b.example.com",
            "http://app.example.com",
            "http://localhost.example.com",
            "ws://localhost",
            "file:///etc",
            "data:text/html,x",
        ] {
            assert!(exact(bad).is_err(), "{bad}");
        }
        let said = exact("https://App.example.com/").unwrap_err();
        assert!(said.contains("write https://app.example.com"), "{said}");
    }

    #[test]
    fn keys_are_fetched_by_https_or_from_this_machine() {
        assert!(jwks("https://app.example.com/.well-known/jwks.json").is_ok());
        assert!(jwks("http://127.0.0.1:8080/jwks").is_ok());
        for bad in [
            "http://app.example.com/jwks",
            "https://user:word@app.example.com/jwks",
            "https://app.example.com/jwks#one",
            "file:///jwks.json",
            "jwks.json",
        ] {
            assert!(jwks(bad).is_err(), "{bad}");
        }
    }
}
