//! A request as the handlers see it: read whole, path split from query. Of the files of a form only
//! what `multipart.rs` says is kept.

use bytes::{Bytes, BytesMut};
use hyper::body::{Body as _, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, Method, Request};

use crate::multipart::Upload;

/// More than any client of these systems has reason to send.
const LARGEST_BODY: usize = 8 << 20;

const FORM: &str = "multipart/form-data";

pub(crate) struct Call {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    /// Empty for a form with files.
    pub body: Bytes,
    /// What a `multipart/form-data` body held.
    pub upload: Option<Upload>,
}

impl Call {
    /// Reads a request to its end; `None` if it broke off, is too large, or is to be cut off as its
    /// body is longer than `cut`.
    pub(crate) async fn read(request: Request<Incoming>, cut: Option<u64>) -> Option<Self> {
        let (parts, mut incoming) = request.into_parts();
        let mut body = BytesMut::new();
        let content_type = parts.headers.get(CONTENT_TYPE);
        let content_type = content_type
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let mut upload = None;
        if content_type
            .get(..FORM.len())
            .is_some_and(|kind| kind.eq_ignore_ascii_case(FORM))
        {
            upload = Some(Upload::read(content_type, &mut incoming, cut).await?);
        }
        while upload.is_none()
            && let Some(frame) =
                std::future::poll_fn(|cx| std::pin::Pin::new(&mut incoming).poll_frame(cx)).await
        {
            if let Ok(data) = frame.ok()?.into_data() {
                body.extend_from_slice(&data);
                let cut = cut.is_some_and(|cut| body.len() as u64 > cut);
                if cut || body.len() > LARGEST_BODY {
                    return None;
                }
            }
        }
        Some(Self {
            method: parts.method,
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: body.freeze(),
            upload,
        })
    }

    /// Path and query as they came.
    pub(crate) fn target(&self) -> String {
        if self.query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, self.query)
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of `Authorization: Bearer`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The media type of the body, lower-case and without parameters.
    pub(crate) fn media_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase()
    }

    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        pairs(&self.query)
    }
}

/// The pairs of a query or of a form body.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decoded(key, true), decoded(value, true))
        })
        .collect()
}

/// Undoes percent encoding; `plus` reads `+` as a blank, as in queries and forms.
pub(crate) fn decoded(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let pair = bytes.get(at + 1).zip(bytes.get(at + 2));
        match (
            byte,
            pair.and_then(|(&h, &l)| Some((nibble(h)?, nibble(l)?))),
        ) {
            (b'%', Some((high, low))) => {
                out.push(high << 4 | low);
                at += 3;
                continue;
            }
            (b'+', _) if plus => out.push(b' '),
            _ => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn nibble(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|d| u8::try_from(d).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded() {
        assert_eq!(
            pairs("attributes%5B%5D=first_name&filter=userName+eq+%22a%2Bb%40example.com%22&x"),
            [
                ("attributes[]".to_owned(), "first_name".to_owned()),
                (
                    "filter".to_owned(),
                    "userName eq \"a+b@example.com\"".to_owned()
                ),
                ("x".to_owned(), String::new()),
            ]
        );
        assert_eq!(decoded("50%", true), "50%");
        assert_eq!(decoded("a+b", false), "a+b");
    }
}
