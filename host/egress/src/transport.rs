//! The connections of one credential.
//!
//! `reqwest` without any of its conveniences that would reach past the gate: no redirects, no proxies
//! from the environment, no cookies, a resolver of our own. Certificates are checked against Mozilla's
//! roots, which are compiled in, and the operator's own: the platform's store would depend on
//! `SSL_CERT_FILE` and on what a container image happens to hold, and this crate may run inside
//! somebody's server, whose process state is not ours to read or to set.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use matricula_core::egress::SendError;
use reqwest::header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, redirect};
use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};

use crate::address::Reach;
use crate::composed;
use crate::hold::{Filled, Unread};
use crate::intake::{Intake, Unheld, receive};
use crate::multipart;
use crate::origin::Origin;
use crate::policy::{Policy, Route};
use crate::resolver::{Blocked, Checked, Lookup, Unresolved};
use crate::wire::{Outgoing, Payload};

/// The largest body of an answer, after decompression.
pub(crate) const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// How long a connection may take, TLS included.
const CONNECT: Duration = Duration::from_secs(10);

/// A file of which nothing came for so long does not come any more.
const STALLED: Duration = Duration::from_secs(60);

/// Below the minute after which many servers and load balancers close an idle connection.
const IDLE: Duration = Duration::from_secs(50);

/// As many as there may be requests at a time: a smaller pool closes connections after each burst only
/// to open them again.
const IDLE_CONNECTIONS: usize = crate::wire::AT_A_TIME;

/// The clients, by what their connections may reach. Connections and TLS sessions are shared with no
/// other credential.
pub(crate) struct Transport {
    clients: BTreeMap<Reach, Client>,
}

/// An answer, its body whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// What came instead of a body.
    pub(crate) file: Option<Filled>,
}

/// Why there is none.
pub(crate) enum Lost {
    /// The resolver refused the addresses.
    Blocked,
    /// Anything else.
    Error(SendError),
}

/// The TLS configuration that all sessions start from.
pub(crate) fn tls(policy: &Policy) -> Result<ClientConfig, rustls::Error> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in policy.roots() {
        roots.add(root.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

impl Transport {
    pub(crate) fn new<'a>(
        tls: &ClientConfig,
        lookup: &Arc<dyn Lookup>,
        routes: impl Iterator<Item = &'a Route>,
    ) -> Result<Self, reqwest::Error> {
        let reaches: BTreeSet<_> = routes.map(|route| route.reach).collect();
        let resumption = Resumption::in_memory_sessions(32);
        let mut clients = BTreeMap::new();
        for reach in reaches {
            let mut tls = tls.clone();
            tls.resumption = resumption.clone();
            tls.alpn_protocols = vec![b"http/1.1".to_vec()];
            // HTTP/2 has the connection's own name in the place of `Host`, so a mapped origin, which is
            // connected elsewhere under its own name, speaks HTTP/1.1.
            if reach != Reach::Any {
                tls.alpn_protocols.insert(0, b"h2".to_vec());
            }
            let client = Client::builder()
                .tls_backend_preconfigured(tls)
                .dns_resolver(Checked {
                    lookup: Arc::clone(lookup),
                    reach,
                })
                .redirect(redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .user_agent(concat!("Matricula/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_CONNECTIONS)
                .http2_max_header_list_size(64 * 1024);
            let client = if reach == Reach::Any {
                client.http1_only()
            } else {
                client
            };
            clients.insert(reach, client.build()?);
        }
        Ok(Self { clients })
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(
        &self,
        origin: &Origin,
        route: &Route,
        request: Outgoing<'_>,
    ) -> Result<Answer, Lost> {
        let unsendable =
            || Lost::Error(SendError::Connect(format!("{origin} cannot be addressed")));
        let client = self.clients.get(&route.reach).ok_or_else(unsendable)?;
        let mut headers = request.headers;
        let url = match &route.mapped {
            None => request.url.clone(),
            Some(to) => {
                let host = HeaderValue::from_str(&origin.authority()).map_err(|_| unsendable())?;
                headers.insert(HOST, host);
                to.rebase(request.url).ok_or_else(unsendable)?
            }
        };
        let mut outgoing = reqwest::Request::new(request.method.clone(), url);
        *outgoing.headers_mut() = headers;
        match request.body {
            Payload::Nothing => {}
            Payload::Bytes(bytes) => *outgoing.body_mut() = Some(bytes.into()),
            Payload::Form(pieces) => {
                outgoing = multipart::form(&pieces)
                    .and_then(|form| {
                        RequestBuilder::from_parts(client.clone(), outgoing)
                            .multipart(form)
                            .build()
                    })
                    .map_err(|error| lost(origin, &error))?;
            }
            Payload::Composed(segments) => {
                // Remotes that keep a file whole want to know how much will come.
                let length = composed::length(&segments).into();
                outgoing.headers_mut().insert(CONTENT_LENGTH, length);
                *outgoing.body_mut() = Some(composed::body(&segments));
            }
        }
        let executed = client.execute(outgoing);
        // A file may take long to arrive, but not to begin; one that is sent has no answer before its end.
        let response = match request.intake {
            Some(_) => tokio::time::timeout(STALLED, executed)
                .await
                .map_err(|_| Lost::Error(SendError::Timeout))?,
            None => executed.await,
        };
        let response = response.map_err(|error| lost(origin, &error))?;
        match request.intake {
            Some(intake) if response.status().is_success() => held(origin, response, intake).await,
            _ => whole(origin, response).await,
        }
    }
}

/// Reads an answer into memory.
async fn whole(origin: &Origin, mut response: reqwest::Response) -> Result<Answer, Lost> {
    let too_large = || {
        Lost::Error(SendError::TooLarge(format!(
            "{origin} answered more than the {} MiB allowed",
            LARGEST_BODY / (1024 * 1024)
        )))
    };
    let announced = response.content_length().unwrap_or_default();
    if announced > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    // What a remote announces is not believed further than this.
    let mut body = BytesMut::with_capacity(announced.min(1024 * 1024) as usize);
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| lost(origin, &error))?
    {
        if body.len() + chunk.len() > LARGEST_BODY {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status,
        headers,
        body: body.freeze(),
        file: None,
    })
}

/// Reads an answer into the hold.
async fn held(
    origin: &Origin,
    mut response: reqwest::Response,
    intake: &Intake,
) -> Result<Answer, Lost> {
    let status = response.status().as_u16();
    let room = intake.take().ok_or_else(|| {
        Lost::Error(SendError::Interrupted(format!(
            "{origin} answered with a file (status {status}), but by the connector's manifest this status \
             means a rejected token, so the file was let go: whoever makes the connector has to take {status} \
             out of `rejected`"
        )))
    })?;
    let largest = room.largest;
    let too_large = || {
        Lost::Error(SendError::TooLarge(format!(
            "the file at {origin} is larger than the {largest} bytes allowed"
        )))
    };
    if response
        .content_length()
        .is_some_and(|announced| announced > largest)
    {
        return Err(too_large());
    }
    let headers = std::mem::take(response.headers_mut());
    let body = Box::pin(response.bytes_stream());
    let file = receive(room, body, STALLED)
        .await
        .map_err(|unheld| match unheld {
            Unheld::Broken(error) => lost(origin, &error),
            Unheld::TooLarge => too_large(),
            Unheld::Stalled => Lost::Error(SendError::Timeout),
            Unheld::Disk(error) => Lost::Error(SendError::Interrupted(format!(
                "the file from {origin} cannot be {}",
                intake.unwritable(&error)
            ))),
        })?;
    Ok(Answer {
        status,
        headers,
        body: Bytes::new(),
        file: Some(file),
    })
}

/// What became of a request that got no whole answer. Only what failed before the connection stood is
/// said to be unsent.
fn lost(origin: &Origin, error: &reqwest::Error) -> Lost {
    if error.is_connect() {
        if find::<Blocked>(error).is_some() {
            return Lost::Blocked;
        }
        return Lost::Error(if let Some(unresolved) = find::<Unresolved>(error) {
            SendError::Connect(format!("{origin} cannot be reached: {unresolved}"))
        } else if let Some(tls) = find::<rustls::Error>(error) {
            SendError::Tls(format!("{origin}: {tls}"))
        } else if error.is_timeout() {
            SendError::Connect(format!(
                "{origin} cannot be reached: no connection within {} s",
                CONNECT.as_secs()
            ))
        } else {
            SendError::Connect(format!("{origin} cannot be reached: {}", innermost(error)))
        });
    }
    Lost::Error(if error.is_timeout() {
        SendError::Timeout
    } else if error.is_builder() {
        SendError::Connect(format!("{origin}: the request cannot be written"))
    } else if let Some(unread) = find::<Unread>(error) {
        SendError::Interrupted(unread.to_string())
    } else {
        SendError::Interrupted(format!(
            "the connection to {origin} broke: {}",
            innermost(error)
        ))
    })
}

/// The first cause of a type. An `io::Error` hides the error that it carries from `source`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.downcast_ref::<std::io::Error>().map_or_else(
            || error.source(),
            |io| io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        );
    }
    None
}

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use matricula_core::clock::SimClock;
    use tokio::io::AsyncReadExt as _;

    use super::*;
    use crate::budget::Budget;
    use crate::hold::Hold;

    #[tokio::test]
    async fn a_held_file_that_cannot_be_read_is_not_the_remotes_fault() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Arc::new(Hold::new(folder.path().into())).shelf();
        let clock = SimClock::new("2026-11-21T12:00:00Z".parse().unwrap());
        let budget = Budget::new(Arc::new(clock), Duration::from_secs(60));
        let room = shelf.room(10, &budget).await.unwrap();
        let body = futures::stream::iter([Ok::<_, ()>(Bytes::from_static(b"%PDF-1.7"))]);
        let filled = receive(room, body, STALLED).await.unwrap();
        let held = shelf.get(&shelf.keep(filled, None).unwrap().id).unwrap();
        held.spoil();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        let remote = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read_to_end(&mut Vec::new()).await;
        });
        let sent = Client::builder()
            .tls_backend_preconfigured(tls(&Policy::default()).unwrap())
            .no_proxy()
            .build()
            .unwrap()
            .post(&address)
            .body(reqwest::Body::wrap_stream(held.read()))
            .send();
        let error = sent.await.unwrap_err();
        let origin = Origin::of(&address.parse().unwrap()).unwrap();
        let Lost::Error(SendError::Interrupted(said)) = lost(&origin, &error) else {
            panic!("{error:?}")
        };
        assert_eq!(
            said,
            "a file that this host held cannot be read (unexpected end of file): is the disk with the folder \
             for held files well?"
        );
        remote.await.unwrap();
    }
}
