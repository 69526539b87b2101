//! Getting a vendor's JWKS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Client, StatusCode, redirect};
use url::Url;

use crate::error::FetchError;

/// A request, from connecting to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// No set of keys is larger.
const LARGEST: usize = 256 * 1024;

/// Gets the text behind an address.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Gets a JWKS. It returns within seconds, whatever the other side does, and with at most 256 KiB.
    ///
    /// # Errors
    /// [`FetchError`], with what happened; it is logged.
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, FetchError>;
}

/// Gets a JWKS over the network: within five seconds, at most 256 KiB, without following redirects and past
/// any proxy. The address is the operator's word, so no address is refused for where it points.
#[derive(Debug, Clone)]
pub struct HttpFetch(Client);

impl HttpFetch {
    /// Makes the client; it connects to nothing yet.
    ///
    /// # Errors
    /// [`FetchError`] if TLS cannot be set up.
    pub fn new() -> Result<Self, FetchError> {
        Self::within(TIMEOUT)
    }

    fn within(timeout: Duration) -> Result<Self, FetchError> {
        let roots = rustls::RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| FetchError(format!("TLS cannot be set up: {error}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Matricula/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .pool_max_idle_per_host(0)
            .build()
            .map(Self)
            .map_err(|error| FetchError(format!("the client cannot be made: {error}")))
    }
}

#[async_trait]
impl Fetch for HttpFetch {
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        let failed = |error: reqwest::Error| FetchError(with_causes(&error.without_url()));
        let mut response = self.0.get(url.clone()).send().await.map_err(failed)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError(format!(
                "the answer is {} and not 200 (redirects are not followed)",
                response.status().as_u16()
            )));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(FetchError("the answer is larger than 256 KiB".into()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// reqwest's own sentence is only "error sending request": what happened is in its causes.
fn with_causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers every request with the same octets; with none it holds the connection open.
    async fn server(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let mut request = [0; 2048];
                let _ = connection.read(&mut request).await.unwrap();
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                // A client that has read enough hangs up.
                let _ = connection.write_all(answer).await;
            }
        });
        address
    }

    async fn fetch(answer: &'static [u8]) -> Result<Vec<u8>, FetchError> {
        let address = server(answer).await;
        let url = Url::parse(&format!("http://{address}/jwks.json")).unwrap();
        HttpFetch::within(Duration::from_millis(200))
            .unwrap()
            .fetch(&url)
            .await
    }

    #[tokio::test]
    async fn brings_the_body() {
        let body = fetch(b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}").await;
        assert_eq!(body.unwrap(), b"{\"keys\":[]}");
    }

    #[tokio::test]
    async fn follows_no_redirect() {
        let error = fetch(
            b"HTTP/1.1 302 Found\r\nlocation: https://evil.example.com/\r\ncontent-length: 0\r\n\r\n",
        )
        .await
        .unwrap_err();
        assert!(error.0.contains("302"), "{error}");
    }

    #[tokio::test]
    async fn takes_no_error_page_for_keys() {
        let error = fetch(b"HTTP/1.1 503 Busy\r\ncontent-length: 11\r\n\r\n{\"keys\":[]}").await;
        assert!(error.unwrap_err().0.contains("503"));
    }

    #[tokio::test]
    async fn stops_reading_where_it_becomes_too_much() {
        let mut answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec();
        answer.resize(answer.len() + LARGEST + 1, b' ');
        let error = fetch(answer.leak()).await.unwrap_err();
        assert!(error.0.contains("256 KiB"), "{error}");
    }

    #[tokio::test]
    async fn does_not_wait_for_ever() {
        let error = fetch(b"").await.unwrap_err();
        assert!(error.0.contains("timed out"), "{error}");
    }
}
