//! Two vendors with keys of every kind, a clock that stands still, and a pen that signs anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use matricula_core::clock::{Clock, SimClock};
use matricula_session::{
    Fetch, FetchError, Reason, Reference, Session, SessionError, Sessions, Vendors,
};
use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{hmac, signature};
use serde_json::{Map, Value, json};
use url::Url;
use zeroize::Zeroizing;

pub const SECRET: &str = "a secret of the tests that is long enough";
pub const RSA_PUBLIC: &str = include_str!("keys/rsa-public.pem");

pub const VENDORS: &str = r#"
[[vendor]]
id = "northwind"
title = { en = "Northwind Academy", de = "Northwind Akademie" }
origins = ["https://app.northwind.example"]
not_bought = { en = "Ask your success manager to add this." }
[[vendor.key]]
kid = "ed"
alg = "EdDSA"
public_file = "ed25519-public.pem"
[[vendor.key]]
kid = "rsa"
alg = "RS256"
public_file = "rsa-public.pem"
[[vendor.key]]
kid = "hs"
alg = "HS256"
secret_env = "NORTHWIND_SECRET"

[[vendor]]
id = "southridge"
title = { en = "Southridge" }
audience = "southridge-automations"
origins = []
flows = ["sync-employees", "collect-documents"]
[[vendor.key]]
kid = "ed"
alg = "EdDSA"
public_file = "southridge.pem"
"#;

/// What the tests' configurations point to.
pub fn resolve(reference: Reference<'_>) -> Result<Zeroizing<String>, String> {
    let text = match reference {
        Reference::File("ed25519-public.pem") => include_str!("keys/ed25519-public.pem").to_owned(),
        Reference::File("rsa-public.pem") => RSA_PUBLIC.to_owned(),
        Reference::File("rsa-private.pem") => include_str!("keys/rsa-private.pem").to_owned(),
        Reference::File("rsa-1024-public.pem") => {
            include_str!("keys/rsa-1024-public.pem").to_owned()
        }
        Reference::File("p256-public.pem") => include_str!("keys/p256-public.pem").to_owned(),
        Reference::File("southridge.pem") => pem(&Pen::seeded(7)),
        Reference::File(_) => return Err("there is no such file".into()),
        Reference::Variable("NORTHWIND_SECRET") => SECRET.to_owned(),
        Reference::Variable("SHORT_SECRET") => "too short by one byte, not more".to_owned(),
        Reference::Variable(_) => return Err("the variable is not set".into()),
    };
    Ok(Zeroizing::new(text))
}

/// Something that signs.
pub enum Pen {
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Secret(Vec<u8>),
    Nothing,
}

impl Pen {
    /// Northwind's Ed25519 key.
    pub fn ed() -> Self {
        let der = der(include_str!("keys/ed25519-private.pem"));
        Self::Ed(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).unwrap())
    }

    /// Northwind's RSA key.
    pub fn rsa() -> Self {
        let der = der(include_str!("keys/rsa-private.pem"));
        Self::Rsa(RsaKeyPair::from_pkcs8(&der).unwrap())
    }

    /// An Ed25519 key by number; 7 is Southridge's.
    pub fn seeded(seed: u8) -> Self {
        Self::Ed(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    /// The published form of an Ed25519 key.
    pub fn jwk(&self, kid: &str) -> Value {
        let x = URL_SAFE_NO_PAD.encode(self.public());
        json!({ "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x, "use": "sig", "alg": "EdDSA" })
    }

    fn public(&self) -> &[u8] {
        match self {
            Self::Ed(pair) => pair.public_key().as_ref(),
            _ => panic!("not an Ed25519 key"),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signed = vec![0; pair.public().modulus_len()];
                let padding: &'static dyn signature::RsaEncoding = &RSA_PKCS1_SHA256;
                pair.sign(padding, &SystemRandom::new(), message, &mut signed)
                    .unwrap();
                signed
            }
            Self::Secret(secret) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
            Self::Nothing => Vec::new(),
        }
    }
}

fn der(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    STANDARD.decode(lines.collect::<String>()).unwrap()
}

fn pem(pen: &Pen) -> String {
    let mut info = vec![
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    info.extend(pen.public());
    let body = STANDARD.encode(info);
    format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
}

/// A token with this header and these claims.
pub fn token(header: &Value, claims: &Map<String, Value>, pen: &Pen) -> String {
    let claims = serde_json::to_string(claims).unwrap();
    raw(&header.to_string(), &claims, pen)
}

/// The same of any two texts.
pub fn raw(header: &str, claims: &str, pen: &Pen) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(pen.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

pub fn header(alg: &str, kid: &str) -> Value {
    json!({ "alg": alg, "kid": kid, "typ": "JWT" })
}

/// The moment at which the clock stands.
pub fn now() -> Timestamp {
    "2026-11-22T07:00:00Z".parse().unwrap()
}

/// The claims of an owner at Northwind, made now and for five minutes.
pub fn claims() -> Map<String, Value> {
    let second = now().as_second();
    let claims = json!({
        "iss": "northwind", "aud": "matricula", "sub": "u-17", "tenant": "acme", "role": "owner",
        "locale": "de-AT", "iat": second, "exp": second + 300,
        "name": "Ada Byron", "email": "ada@example.com", "picture": "https://app.northwind.example/ada.png",
    });
    match claims {
        Value::Object(claims) => claims,
        _ => unreachable!(),
    }
}

/// The claims with some replaced, or taken out by `null`.
pub fn claims_with(changes: Value) -> Map<String, Value> {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.remove(name);
        } else {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}

/// A server with the two vendors.
pub struct World {
    pub clock: SimClock,
    pub sessions: Sessions,
}

impl World {
    pub fn new() -> Self {
        Self::with(VENDORS, Arc::new(Offline))
    }

    pub fn with(vendors: &str, fetch: Arc<dyn Fetch>) -> Self {
        let clock = SimClock::new(now());
        let vendors = Vendors::parse(vendors, resolve).unwrap();
        let sessions = Sessions::new(vendors, &fetch, Arc::new(clock.clone()) as Arc<dyn Clock>);
        Self { clock, sessions }
    }

    /// Verifies claims that Northwind has signed with its Ed25519 key.
    pub async fn says(&self, claims: &Map<String, Value>) -> Result<Session, SessionError> {
        let token = token(&header("EdDSA", "ed"), claims, &Pen::ed());
        self.sessions.verify(&token).await
    }

    /// The reason for which a token is refused.
    pub async fn refuses(&self, token: &str) -> Reason {
        match self.sessions.verify(token).await {
            Err(SessionError::Invalid(reason)) => reason,
            other => panic!("not refused as invalid: {other:?}"),
        }
    }
}

/// No network, and nobody who should ask for it.
pub struct Offline;

#[async_trait]
impl Fetch for Offline {
    async fn fetch(&self, url: &Url) -> Result<Vec<u8>, FetchError> {
        panic!("nothing is to be fetched, and {url} was");
    }
}

/// A server of keys: what it answers, how often it was asked, and a gate that holds answers back.
pub struct Publisher {
    answer: std::sync::Mutex<Result<String, FetchError>>,
    asked: AtomicUsize,
    pub gate: tokio::sync::Semaphore,
}

impl Publisher {
    pub fn of(keys: &[Value]) -> Arc<Self> {
        let publisher = Self {
            answer: std::sync::Mutex::new(Ok(String::new())),
            asked: AtomicUsize::new(0),
            gate: tokio::sync::Semaphore::new(1_000),
        };
        publisher.publish(keys);
        Arc::new(publisher)
    }

    pub fn publish(&self, keys: &[Value]) {
        self.answer(&json!({ "keys": keys }).to_string());
    }

    pub fn answer(&self, text: &str) {
        *self.answer.lock().unwrap() = Ok(text.to_owned());
    }

    pub fn fail(&self) {
        *self.answer.lock().unwrap() = Err(FetchError("connection refused".into()));
    }

    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fetch for Publisher {
    async fn fetch(&self, _: &Url) -> Result<Vec<u8>, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let _open = self.gate.acquire().await.unwrap();
        let answer = self.answer.lock().unwrap().clone();
        answer.map(String::into_bytes)
    }
}
