//! Outgoing webhooks, signed after the Standard Webhooks specification (version 1, symmetric signatures).
//!
//! What is signed is `id.timestamp.body`: the identity stays the same over attempts, so that a receiver can drop
//! what it has seen; the timestamp is that of the attempt, so that an old message cannot be played again. The body
//! is thin: what happened to which automation and how many, for a program; whoever wants more asks the API.
//!
//! Sending is the host's: its egress refuses addresses that are not public, and follows no redirect.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use matricula_core::CredentialId;
use matricula_core::notice::Notice;
use matricula_core::store::StoreError;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::identity;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// What secrets begin with.
const PREFIX: &str = "whsec_";

/// A request to be sent with `POST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Where to.
    pub url: String,
    /// Names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: Vec<u8>,
    /// From the connection to the end of the answer.
    pub timeout: Duration,
}

/// What the receiver answered. Its body does not matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The header `Retry-After` as it came.
    pub retry_after: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PostError(pub String);

/// Sends requests as the operator's policy allows.
#[async_trait]
pub trait Post: Send + Sync {
    /// Sends one and waits for the answer, without following redirects.
    async fn post(&self, posting: &Posting) -> Result<Answer, PostError>;
}

/// Knows the secrets of endpoints.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The secret (`whsec_…`) of an endpoint; none if the endpoint is no more.
    async fn key(&self, endpoint: &CredentialId) -> Result<Option<Zeroizing<String>>, StoreError>;
}

/// Why a secret is refused. It never repeats the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not Base64.
    #[error("the secret of the webhook is not \"whsec_\" followed by Base64")]
    Encoding,
    /// Too short or too long.
    #[error("the secret of the webhook has {0} bytes; give one of 24 to 64 bytes")]
    Length(usize),
}

/// The secret of one endpoint. Wiped when dropped, and never printed.
pub struct SigningKey(Zeroizing<Vec<u8>>);

impl SigningKey {
    /// Reads `whsec_` and Base64; the prefix may be missing.
    pub fn parse(secret: &str) -> Result<Self, KeyError> {
        let secret = secret.trim();
        let encoded = secret.strip_prefix(PREFIX).unwrap_or(secret);
        let bytes = STANDARD.decode(encoded).map_err(|_| KeyError::Encoding)?;
        Self::from_bytes(bytes)
    }

    /// Takes random bytes, 24 to 64 of them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(bytes);
        if (24..=64).contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(KeyError::Length(bytes.len()))
        }
    }

    /// The secret as the receiver needs it: `whsec_…`.
    pub fn reveal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(&*self.0)))
    }

    /// The header `webhook-signature` of a message.
    pub fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        #[expect(
            clippy::expect_used,
            reason = "HMAC takes a key of any length, so this cannot fail"
        )]
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(id.as_bytes());
        mac.update(format!(".{timestamp}.").as_bytes());
        mac.update(body);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Receipt {
    /// The receiver has it.
    Delivered,
    /// Not now; the receiver asked to wait so long.
    Again {
        error: String,
        asked: Option<Duration>,
    },
    /// The receiver wants nothing any more.
    Gone,
    /// It cannot be sent.
    Never { error: String },
}

/// Sends notices to endpoints.
#[derive(Clone)]
pub struct Webhooks {
    post: Arc<dyn Post>,
    keys: Arc<dyn Keys>,
}

impl Webhooks {
    /// Sends by `post`, signed with what `keys` has.
    pub fn new(post: Arc<dyn Post>, keys: Arc<dyn Keys>) -> Self {
        Self { post, keys }
    }

    /// Tries once. An error is that of a store that is busy, which says nothing about the receiver.
    pub(crate) async fn deliver(
        &self,
        notice_id: i64,
        notice: &Notice,
        endpoint: &CredentialId,
        url: &str,
        now: Timestamp,
    ) -> Result<Receipt, StoreError> {
        let again = |error: String| Receipt::Again { error, asked: None };
        let key = match self.keys.key(endpoint).await {
            Ok(Some(secret)) => SigningKey::parse(&secret),
            Ok(None) | Err(StoreError::NotFound(_)) => {
                return Ok(Receipt::Never {
                    error: "the endpoint has been removed".into(),
                });
            }
            Err(error @ StoreError::Busy(_)) => return Err(error),
            Err(error) => return Ok(again(error.to_string())),
        };
        let key = match key {
            Ok(key) => key,
            Err(error) => return Ok(again(error.to_string())),
        };
        let posting = posting(
            &key,
            &identity::of_message(notice_id, notice),
            url,
            body(notice),
            now,
        );
        Ok(match self.post.post(&posting).await {
            Ok(answer) => judge(&answer, now),
            Err(error) => again(error.to_string()),
        })
    }
}

fn posting(key: &SigningKey, id: &str, url: &str, body: Vec<u8>, now: Timestamp) -> Posting {
    let timestamp = now.as_second();
    let signature = key.sign(id, timestamp, &body);
    Posting {
        url: url.to_owned(),
        headers: vec![
            ("content-type", "application/json".into()),
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ],
        body,
        timeout: TIMEOUT,
    }
}

/// 2xx is the only good answer; a redirect is none, since nobody follows it.
fn judge(answer: &Answer, now: Timestamp) -> Receipt {
    match answer.status {
        200..=299 => Receipt::Delivered,
        410 => Receipt::Gone,
        status => Receipt::Again {
            error: format!("the receiver answered with status {status}"),
            asked: answer
                .retry_after
                .as_deref()
                .and_then(|text| patience(text, now)),
        },
    }
}

/// `Retry-After`: seconds, or a date.
fn patience(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Duration::try_from(until.duration_since(now)).ok()
}

/// What a receiver gets: the same for every attempt. Beside `type` and `timestamp`, `data` has what is known of:
///
/// | field | says |
/// | --- | --- |
/// | `tenant`, `automation` | whose it is, and which |
/// | `records` | what the automation carries and `counts` counts: `people` or `documents` |
/// | `reason` | why, for programs: `auth`, `guard`, `doubtful`, the day of a report |
/// | `failure` | `kind`, `message` and, if there is one, `code` |
/// | `counts` | how many were `created`, `failed` and so on, as in the run log |
/// | `runs` | how many there were (`total`), and how many of them `failed` |
/// | `run` | the number of the run |
/// | `since`, `next_at` | from when on, and when it is tried next |
pub(crate) fn body(notice: &Notice) -> Vec<u8> {
    let facts = &notice.facts;
    let mut data = Map::new();
    data.insert("tenant".into(), json!(notice.tenant));
    if let Some(automation) = &notice.automation {
        data.insert("automation".into(), json!(automation));
        data.insert("records".into(), json!(facts.records));
    }
    data.insert("reason".into(), json!(notice.reason));
    if let Some(failure) = &facts.failure {
        let mut told = json!({ "kind": failure.kind, "message": failure.message });
        if let Some(code) = &failure.code {
            told["code"] = json!(code);
        }
        data.insert("failure".into(), told);
    }
    if let Some(counts) = &facts.counts {
        data.insert("counts".into(), json!(counts));
    }
    if let Some((total, failed)) = facts.runs {
        data.insert("runs".into(), json!({ "total": total, "failed": failed }));
    }
    if let Some(run) = facts.run {
        data.insert("run".into(), json!(run));
    }
    if let Some(since) = facts.since {
        data.insert("since".into(), json!(since));
    }
    if let Some(next) = facts.next_at {
        data.insert("next_at".into(), json!(next));
    }
    json!({
        "type": notice.kind.as_str(),
        "timestamp": notice.at,
        "data": Value::Object(data),
    })
    .to_string()
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use matricula_core::notice::{Facts, NoticeKind, Records};
    use matricula_core::run::Counts;
    use matricula_core::{Failure, FailureKind, RunId};

    use super::*;

    const NOW: &str = "2026-11-21T03:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    /// The vector that the specification's own libraries test with.
    #[test]
    fn signs_as_the_specification_does() {
        let key = SigningKey::parse("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").unwrap();
        assert_eq!(
            key.sign(
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
                1_649_367_553,
                br#"{"email":"test@example.com","username":"test_user"}"#,
            ),
            "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw="
        );
        // What the Python library of the specification (1.1.0) signs, with letters outside of ASCII.
        let other = SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"data":{"reason":"Größe","tenant":"acme"},"timestamp":"2026-11-21T03:00:00Z","type":"test"}"#;
        assert_eq!(
            other.sign(
                "msg_0123456789abcdef0123456789abcdef",
                1_795_230_000,
                body.as_bytes()
            ),
            "v1,vTUPGse/xhISBaWMKS8N02LiRyP8pW2mv1fGCq7GttE="
        );
        assert_eq!(&*key.reveal(), "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    }

    #[test]
    fn weak_or_broken_secrets_are_refused_without_repeating_them() {
        for (secret, error) in [
            ("whsec_***", KeyError::Encoding),
            ("", KeyError::Length(0)),
            ("whsec_c2hvcnQ=", KeyError::Length(5)),
        ] {
            assert_eq!(SigningKey::parse(secret).unwrap_err(), error);
        }
        assert_eq!(
            SigningKey::from_bytes(vec![1; 65]).unwrap_err(),
            KeyError::Length(65)
        );
        let key = SigningKey::from_bytes(vec![1; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey");
    }

    #[test]
    fn the_headers_of_an_attempt() {
        let key = SigningKey::from_bytes(vec![7; 32]).unwrap();
        let posting = posting(
            &key,
            "msg_1",
            "https://h.example.com/",
            b"{}".to_vec(),
            now(),
        );
        let names: Vec<_> = posting.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "content-type",
                "webhook-id",
                "webhook-timestamp",
                "webhook-signature"
            ]
        );
        assert_eq!(posting.headers[2].1, now().as_second().to_string());
        assert_eq!(
            posting.headers[3].1,
            key.sign("msg_1", now().as_second(), b"{}")
        );
    }

    #[test]
    fn answers() {
        let judged = |status| {
            judge(
                &Answer {
                    status,
                    retry_after: None,
                },
                now(),
            )
        };
        for status in [200, 202, 204, 299] {
            assert_eq!(judged(status), Receipt::Delivered);
        }
        assert_eq!(judged(410), Receipt::Gone);
        for status in [301, 400, 401, 404, 408, 429, 500, 503] {
            let Receipt::Again { error, asked } = judged(status) else {
                panic!("{status}");
            };
            assert!(error.contains(&status.to_string()));
            assert_eq!(asked, None);
        }
    }

    #[test]
    fn the_patience_that_is_asked_for() {
        let seconds = |text: &str| patience(text, now()).map(|wait| wait.as_secs());
        assert_eq!(seconds(" 120 "), Some(120));
        assert_eq!(seconds("Sat, 21 Nov 2026 03:02:00 GMT"), Some(120));
        // A date that is over asks for nothing.
        assert_eq!(seconds("Sat, 21 Nov 2026 02:00:00 GMT"), None);
        assert_eq!(seconds("-5"), None);
        assert_eq!(seconds("soon"), None);
    }

    #[test]
    fn the_body_says_what_is_known_and_nothing_else() {
        let notice = Notice {
            kind: NoticeKind::Paused,
            tenant: "acme".into(),
            automation: Some("staff".into()),
            reason: "auth".into(),
            at: now(),
            facts: Facts {
                title: json!({ "en": "Certificates" }),
                records: Records::Documents,
                failure: Some(
                    Failure::new(FailureKind::Auth, "Personio rejected the credentials.")
                        .with_code("invalid_grant"),
                ),
                counts: Some(Counts {
                    created: 2,
                    ..Counts::default()
                }),
                runs: Some((24, 1)),
                run: Some(RunId(9)),
                since: Some(now()),
                next_at: Some(now()),
            },
        };
        insta::assert_json_snapshot!(serde_json::from_slice::<Value>(&body(&notice)).unwrap());
        let bare = Notice {
            kind: NoticeKind::Test,
            automation: None,
            facts: Facts::default(),
            ..notice
        };
        assert_eq!(
            String::from_utf8(body(&bare)).unwrap(),
            r#"{"data":{"reason":"auth","tenant":"acme"},"timestamp":"2026-11-21T03:00:00Z","type":"test"}"#
        );
    }
}
