//! What a call is given.

use serde_json::Value;

use crate::failure::{Failure, FailureKind};
use crate::file::{File, Part, Piece};
use crate::http::{Request, Response, SendError};

/// The way out: the host's HTTP client in a component, recorded answers in a test.
pub trait Http {
    /// Sends one request.
    fn send(&self, request: Request) -> Result<Response, SendError>;

    /// See [`Context::fetch`].
    fn fetch(&self, request: Request) -> Result<(Response, Option<File>), SendError>;

    /// See [`Context::upload`].
    fn upload(&self, request: Request, parts: Vec<Part>) -> Result<Response, SendError>;

    /// See [`Context::compose`].
    fn compose(&self, request: Request, pieces: Vec<Piece>) -> Result<Response, SendError>;
}

/// Everything that a call knows of the world.
pub struct Context<'a> {
    http: &'a dyn Http,
    config: Value,
    now_ms: u64,
    idempotency_key: String,
}

impl<'a> Context<'a> {
    /// Made by the component's adapter and by tests.
    pub fn new(http: &'a dyn Http, config: &str, now_ms: u64, key: &str) -> Result<Self, Failure> {
        let config = serde_json::from_str(config).map_err(|e| {
            Failure::new(
                FailureKind::Internal,
                format!("the host passed a configuration that is no JSON: {e}"),
            )
        })?;
        Ok(Self {
            http,
            config,
            now_ms,
            idempotency_key: key.to_owned(),
        })
    }

    /// Sends one request.
    pub fn send(&self, request: Request) -> Result<Response, SendError> {
        self.http.send(request)
    }

    /// Sends one request, and the body of a 2xx answer goes into the host's hold: the response's own body
    /// is empty, and the file tells what is held. Any other answer comes as with [`Self::send`], without
    /// a file. Only within [`crate::Connector::fetch`]; elsewhere the host holds nothing, and every file
    /// is [`crate::Denied::TooLarge`].
    pub fn fetch(&self, request: Request) -> Result<(Response, Option<File>), SendError> {
        self.http.fetch(request)
    }

    /// Sends one request with a `multipart/form-data` body of these parts, in this order. The request has
    /// no body of its own, and no content type: the host writes it with its boundary. A file that is not
    /// held (any more) is [`SendError::Connect`].
    pub fn upload(&self, request: Request, parts: Vec<Part>) -> Result<Response, SendError> {
        self.http.upload(request, parts)
    }

    /// Sends one request whose body is put together of these pieces, in this order ([`Piece::json`] makes them
    /// of a JSON body with a file in it). The request has no body of its own, but its content type. A
    /// file that is not held (any more) is [`SendError::Connect`].
    pub fn compose(&self, request: Request, pieces: Vec<Piece>) -> Result<Response, SendError> {
        self.http.compose(request, pieces)
    }

    /// A public field of the credential.
    pub fn credential(&self, name: &str) -> Option<&str> {
        self.config.get("credential")?.get(name)?.as_str()
    }

    /// One of the automation's settings.
    pub fn setting(&self, name: &str) -> Option<&Value> {
        self.config.get("settings")?.get(name)
    }

    /// The reader's language as a tag (`en`, `de`). Told in [`crate::Connector::check`], whose findings people
    /// read as they are; elsewhere it is English, since what is told there is kept and read by many.
    pub fn language(&self) -> &str {
        let told = self.config.get("language").and_then(Value::as_str);
        told.unwrap_or("en")
    }

    /// Of the same in English and in German the one that the reader understands.
    pub fn said<T>(&self, english: T, german: T) -> T {
        let language = self.language();
        match language.split(['-', '_']).next() {
            Some("de") => german,
            _ => english,
        }
    }

    /// Unix time in milliseconds, fixed for the whole call.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Stable over the retries of one logical operation.
    pub fn idempotency_key(&self) -> &str {
        &self.idempotency_key
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::transcript::Transcript;

    #[test]
    fn people_are_told_in_their_language_and_else_in_english() {
        let transcript = Transcript::new(json!([]));
        for (config, said) in [
            (json!({}), "accepted"),
            (json!({"language": "fr"}), "accepted"),
            (json!({"language": "de"}), "angenommen"),
            (json!({"language": "de-AT"}), "angenommen"),
        ] {
            let cx = transcript.context(&config);
            assert_eq!(cx.said("accepted", "angenommen"), said, "{config}");
        }
    }
}
