//! Trust: whose certificate is taken, and what is spoken.

use std::sync::{Arc, Mutex};

use axum::http::Response as HttpResponse;
use futures::future::join_all;
use matricula_core::egress::SendError;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::support::*;

/// A server for `lms.example.com` with a certificate of its own authority.
struct Secure {
    port: u16,
    authority: Vec<u8>,
    /// The protocol that each connection agreed on.
    spoken: Arc<Mutex<Vec<Option<String>>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

async fn secure(protocols: &[&str]) -> Secure {
    let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["lms.example.com".to_owned()])
        .unwrap()
        .signed_by(&key, &authority)
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (spoken, heads): (Arc<Mutex<Vec<_>>>, Arc<Mutex<Vec<_>>>) = Default::default();
    let (spoken_of, heads_of) = (Arc::clone(&spoken), Arc::clone(&heads));
    let port = raw(move |stream| {
        let (acceptor, spoken, heads) = (
            acceptor.clone(),
            Arc::clone(&spoken_of),
            Arc::clone(&heads_of),
        );
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let protocol = stream
                .get_ref()
                .1
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned());
            spoken.lock().unwrap().push(protocol);
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                return http_2(stream, &heads).await;
            }
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
            heads
                .lock()
                .unwrap()
                .push(String::from_utf8_lossy(&head).into_owned());
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nsafe")
                .await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    Secure {
        port,
        authority: authority.der().to_vec(),
        spoken,
        heads,
    }
}

/// Answers each stream, and notes what stands in the place of the `Host` header.
async fn http_2(stream: TlsStream<TcpStream>, heads: &Mutex<Vec<String>>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        heads.lock().unwrap().push(request.uri().to_string());
        let mut body = respond.send_response(HttpResponse::new(()), false).unwrap();
        body.send_data("safe".into(), true).unwrap();
    }
}

impl Secure {
    fn case(&self, host: &str, trusted: bool) -> (Case, String) {
        let origin = format!("https://{host}:{}", self.port);
        let case = Case::new(&clock())
            .origins(&[&origin])
            .policy(|policy| {
                policy.allow_private(&origin).unwrap();
                if trusted {
                    policy.trust_authority(self.authority.clone()).unwrap();
                }
            })
            .names(Names::default().with(host, &[&["127.0.0.1"]]));
        (case, format!("{origin}/"))
    }
}

#[tokio::test]
async fn only_a_trusted_certificate_for_the_very_name_is_taken() {
    let server = secure(&["http/1.1"]).await;
    let (case, url) = server.case("lms.example.com", true);
    assert_eq!(get(&case.session(), &url).await.unwrap().body, "safe");

    for (host, trusted, reason) in [
        ("lms.example.com", false, "UnknownIssuer"),
        ("other.example.com", true, "not valid for name"),
    ] {
        let (case, url) = server.case(host, trusted);
        let session = case.session();
        let error = get(&session, &url).await.unwrap_err();
        assert!(
            matches!(&error, SendError::Tls(why) if why.contains(reason)),
            "{error:?}"
        );
    }
    assert_eq!(
        server.heads.lock().unwrap().len(),
        1,
        "nothing is sent without trust"
    );
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_gets_nothing() {
    let clock = clock();
    let server = Server::start(&clock, |_| async { reply(200, "") }).await;
    let origin = format!("https://lms.example.com:{}", server.port);
    let case = Case::new(&clock)
        .origins(&[&origin])
        .policy(|policy| policy.allow_private(&origin).unwrap())
        .names(Names::default().with("lms.example.com", &[&["127.0.0.1"]]));
    let error = get(&case.session(), &format!("{origin}/"))
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::Tls(_)), "{error:?}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn http_2_is_spoken_over_one_connection_where_it_is_offered() {
    let server = secure(&["h2", "http/1.1"]).await;
    let (case, url) = server.case("lms.example.com", true);
    let session = case.session();
    assert_eq!(get(&session, &url).await.unwrap().body, "safe");
    for answer in join_all((0..20).map(|_| get(&session, &url))).await {
        assert_eq!(answer.unwrap().body, "safe");
    }
    assert_eq!(*server.spoken.lock().unwrap(), [Some("h2".to_owned())]);
    assert_eq!(*server.heads.lock().unwrap(), vec![url; 21]);
}

#[tokio::test]
async fn a_mapped_origin_speaks_http_1_and_keeps_its_own_name() {
    let server = secure(&["h2", "http/1.1"]).await;
    let case = Case::new(&clock())
        .map(
            "https://api.example.com",
            &format!("https://lms.example.com:{}", server.port),
        )
        .policy(|policy| policy.trust_authority(server.authority.clone()).unwrap())
        .names(Names::default().with("lms.example.com", &[&["127.0.0.1"]]));
    assert_eq!(get(&case.session(), "/v1").await.unwrap().body, "safe");
    assert_eq!(
        *server.spoken.lock().unwrap(),
        [Some("http/1.1".to_owned())]
    );
    let head = server.heads.lock().unwrap().pop().unwrap();
    assert!(head.contains("host: api.example.com\r\n"), "{head}");
}
