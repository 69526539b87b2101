//! Events that Kombo sends: their bodies, their signatures, and the sending.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::json;
use sha2::Sha256;

use super::employee::kombo_id;
use super::state::Kombo;

impl Kombo {
    /// The body of the event that employees of a connection have changed.
    pub fn data_changed(&self, integration: &str) -> String {
        json!({
            "id": kombo_id("event", integration),
            "type": "data-changed",
            "data": {
                "integration_id": integration,
                "integration_tool": "personio",
                "integration_category": "HRIS",
                "changed_models": [{"name": "hris_employees"}],
            },
        })
        .to_string()
    }

    /// What `X-Kombo-Signature` has for a body.
    pub fn signature(&self, body: &str) -> String {
        // A key of any length is one.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.webhook_secret().as_bytes()) else {
            return String::new();
        };
        mac.update(body.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }

    /// Sends an event to an address on this machine (`http://127.0.0.1:PORT/path`), with this signature; the
    /// status of the answer.
    ///
    /// # Errors
    /// Nobody answers there, or not in HTTP.
    pub fn send(&self, to: &str, body: &str, signature: &str) -> anyhow::Result<u16> {
        let rest = to.strip_prefix("http://").context("only http is spoken")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut stream = TcpStream::connect(host)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        let request = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             x-kombo-signature: {signature}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let line = String::from_utf8_lossy(&answer);
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
        status.context("the answer is not HTTP")
    }
}
