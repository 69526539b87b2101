//! Origins: scheme, host and port, in one canonical form.
//!
//! Everything that is allowed or denied is an origin, compared as a whole. A comparison of strings would
//! let `https://api.example.com.evil.org` or `https://api.example.com@evil.org` pass for something else.
//! The WHATWG parser of `url` has by then turned `0x7f.1`, `2130706433` and `％３１` into what they mean,
//! and international names into their ASCII form.

use std::fmt;

use url::{Host, Url};

/// Scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin {
    secure: bool,
    host: Host<String>,
    port: u16,
}

/// Why an address has no origin that could be allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    #[error("it is not an absolute address such as https://api.example.com")]
    NotAbsolute,
    #[error("its scheme is {0}; only https and http are spoken")]
    Scheme(String),
    #[error("it holds a user name or password before the @")]
    UserInfo,
    #[error("its host ends in a dot")]
    TrailingDot,
    #[error("it holds more than scheme, host and port")]
    MoreThanOrigin,
}

impl Origin {
    /// The origin of an address.
    pub(crate) fn of(url: &Url) -> Result<Self, OriginError> {
        let secure = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(OriginError::Scheme(other.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(OriginError::UserInfo);
        }
        let host = url.host().ok_or(OriginError::NotAbsolute)?.to_owned();
        // `example.com.` is another name than `example.com` to a certificate and to an allow list, but
        // the same one to the resolver.
        if matches!(&host, Host::Domain(name) if name.ends_with('.')) {
            return Err(OriginError::TrailingDot);
        }
        let port = url
            .port_or_known_default()
            .ok_or(OriginError::NotAbsolute)?;
        Ok(Self { secure, host, port })
    }

    /// Reads an origin that an operator wrote: an address without path, query or fragment.
    pub(crate) fn parse(text: &str) -> Result<Self, OriginError> {
        let url = Url::parse(text.trim()).map_err(|_| OriginError::NotAbsolute)?;
        let origin = Self::of(&url)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(OriginError::MoreThanOrigin);
        }
        Ok(origin)
    }

    /// Whether it is https.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// Its host.
    pub(crate) fn host(&self) -> &Host<String> {
        &self.host
    }

    /// What the `Host` header says: the port is left out where it is the scheme's own.
    pub(crate) fn authority(&self) -> String {
        if self.port == if self.secure { 443 } else { 80 } {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The same path and query at this origin.
    pub(crate) fn rebase(&self, url: &Url) -> Option<Url> {
        let mut text = format!("{self}{}", url.path());
        if let Some(query) = url.query() {
            text.push('?');
            text.push_str(query);
        }
        Url::parse(&text).ok()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            if self.secure { "https" } else { "http" },
            self.authority()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, OriginError> {
        let url = Url::parse(text).map_err(|_| OriginError::NotAbsolute)?;
        Origin::of(&url).map(|origin| origin.to_string())
    }

    #[test]
    fn odd_forms_of_an_address_come_to_one_origin() {
        for (text, origin) in [
            ("https://API.Example.com", "https://api.example.com"),
            (
                "https://api.example.com:443/x?y#z",
                "https://api.example.com",
            ),
            (
                "https://api.example.com:8443",
                "https://api.example.com:8443",
            ),
            ("http://api.example.com:80", "http://api.example.com"),
            ("https://0x7f.1/", "https://127.0.0.1"),
            ("https://2130706433/", "https://127.0.0.1"),
            ("https://0177.0.0.1/", "https://127.0.0.1"),
            ("https://１２７.0.0.1/", "https://127.0.0.1"),
            ("https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            (r"https:\\api.example.com\x", "https://api.example.com"),
            ("https://api.example.com\t\n/x", "https://api.example.com"),
        ] {
            assert_eq!(of(text).as_deref(), Ok(origin), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_an_origin_is_none() {
        assert_eq!(
            of("https://api.example.com@evil.example.org/"),
            Err(OriginError::UserInfo)
        );
        assert_eq!(
            of("https://:secret@api.example.com/"),
            Err(OriginError::UserInfo)
        );
        assert_eq!(
            of("https://api.example.com./"),
            Err(OriginError::TrailingDot)
        );
        assert_eq!(
            of("ftp://api.example.com/"),
            Err(OriginError::Scheme("ftp".into()))
        );
        assert_eq!(
            of("file:///etc/hosts"),
            Err(OriginError::Scheme("file".into()))
        );
        assert_eq!(of("/v1/employees"), Err(OriginError::NotAbsolute));
        assert_eq!(
            Origin::parse("https://api.example.com/v1"),
            Err(OriginError::MoreThanOrigin)
        );
    }

    #[test]
    fn rebasing_keeps_path_and_query_as_they_are_written() {
        let to = Origin::parse("http://127.0.0.1:8080").unwrap();
        let url = Url::parse("https://api.example.com/a%2Fb/?q=%20x&y=1#f").unwrap();
        assert_eq!(
            to.rebase(&url).unwrap().as_str(),
            "http://127.0.0.1:8080/a%2Fb/?q=%20x&y=1"
        );
    }
}
