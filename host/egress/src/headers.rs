//! Which headers pass, in both directions.

use matricula_core::egress::SendError;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::scrub::Scrubber;

/// How large the headers of a request may be, names and values together.
const LARGEST: usize = 32 * 1024;

/// Headers that authenticate or frame a request: they are the host's. A component that sets one is
/// refused rather than quietly corrected, so that its author learns of it in the first test.
const HOST_ONLY: [&str; 14] = [
    "authorization",
    "cookie",
    "host",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
    "forwarded",
    "via",
];

/// Headers of an answer that are not handed on: they carry or ask for credentials, or speak of a body
/// that has been decoded since.
const DROPPED: [&str; 12] = [
    "authorization",
    "authentication-info",
    "cookie",
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "alt-svc",
    "trailer",
];

/// The headers of a component's request. `own` are those that this credential's authentication sets.
///
/// A header that the host keeps for itself, or that cannot be sent, is [`SendError::OriginNotAllowed`]:
/// the request breaks the rules before anything is asked of the network.
pub(crate) fn of_request(
    system: &str,
    headers: &[(String, String)],
    own: &HeaderMap,
) -> Result<HeaderMap, SendError> {
    let size: usize = headers
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if size > LARGEST {
        return Err(SendError::TooLarge(format!(
            "the headers of a request to {system} are {size} bytes, more than the {LARGEST} allowed"
        )));
    }
    let mut map = HeaderMap::with_capacity(headers.len() + own.len());
    for (name, value) in headers {
        let refused = |reason: &str| {
            let name: String = name.chars().take(40).filter(|c| !c.is_control()).collect();
            SendError::OriginNotAllowed(format!(
                "the connector of {system} set the header \"{name}\": {reason}"
            ))
        };
        let parsed = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| refused("that is not a header's name"))?;
        if HOST_ONLY.contains(&parsed.as_str())
            || parsed.as_str().starts_with("proxy-")
            || own.contains_key(&parsed)
        {
            return Err(refused("the host sets it, as the manifest describes"));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| refused("its value holds characters that cannot be sent"))?;
        map.append(parsed, value);
    }
    Ok(map)
}

/// The headers of an answer, for the component.
pub(crate) fn of_answer(headers: &HeaderMap, scrubber: &Scrubber) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| {
            !DROPPED.contains(&name.as_str()) && !name.as_str().starts_with("proxy-")
        })
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), scrubber.text(&value))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(name: &str, value: &str) -> Option<String> {
        let own = HeaderMap::from_iter([(
            HeaderName::from_static("x-api-key"),
            HeaderValue::from_static("k"),
        )]);
        match of_request("Example", &[(name.into(), value.into())], &own) {
            Ok(_) => None,
            Err(SendError::OriginNotAllowed(why)) => Some(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn components_do_not_set_what_is_the_hosts() {
        for name in [
            "Authorization",
            "authorization",
            "COOKIE",
            "Host",
            "Proxy-Authorization",
            "proxy-x",
            "Content-Length",
            "Transfer-Encoding",
            "Connection",
            "Upgrade",
            "TE",
            "X-API-Key",
        ] {
            let why = refused(name, "x").unwrap_or_else(|| panic!("{name} passed"));
            assert!(
                why.contains(name) && why.contains("the host sets it"),
                "{why}"
            );
        }
        assert_eq!(refused("X-Personio-App-ID", "MATRICULA"), None);
        assert_eq!(refused("If-Match", "W/\"1\""), None);
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        assert!(refused("X-A", "1\r\nAuthorization: Bearer x").is_some());
        let why = refused("X-A: 1\r\nAuthorization", "x").unwrap();
        assert!(!why.contains('\r') && !why.contains('\n'), "{why}");
    }

    #[test]
    fn headers_are_bounded() {
        let headers = [("x-a".to_owned(), "x".repeat(LARGEST))];
        assert!(matches!(
            of_request("Example", &headers, &HeaderMap::new()),
            Err(SendError::TooLarge(_))
        ));
    }
}
