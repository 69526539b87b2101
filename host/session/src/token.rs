//! A JWT in its parts (RFC 7515, compact form): read without believing any of it, and signed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Map, Value, json};

use crate::error::Reason;
use crate::key::Key;

/// No token is longer. It leaves room for a small picture.
pub(crate) const LONGEST: usize = 8 * 1024;

/// A token that has been read and not been believed yet.
pub(crate) struct Unverified<'a> {
    algorithm: String,
    kid: String,
    claims: Map<String, Value>,
    signed: &'a [u8],
    signature: Vec<u8>,
}

impl<'a> Unverified<'a> {
    /// Reads a token.
    pub(crate) fn read(token: &'a str) -> Result<Self, Reason> {
        if token.len() > LONGEST {
            return Err(Reason::TooLong);
        }
        let shape = Reason::Shape;
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or(shape("it has no three parts"))?;
        let (header, payload) = signed
            .split_once('.')
            .ok_or(shape("it has no three parts"))?;
        let mut header = object(header).ok_or(shape("its header is no base64url JSON object"))?;
        let claims = object(payload).ok_or(shape("its payload is no base64url JSON object"))?;
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| shape("its signature is not base64url"))?;
        // RFC 7515 §4.1.11: what is marked critical must be understood, and nothing of it is.
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(shape("its header holds crit or b64"));
        }
        // A token made for another purpose, such as `at+jwt`, is not one of ours (RFC 8725 §3.11).
        let typ = header.remove("typ");
        if typ.is_some_and(|typ| {
            !typ.as_str()
                .is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"))
        }) {
            return Err(shape("its typ is not JWT"));
        }
        let mut text = |name| match header.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        Ok(Self {
            algorithm: text("alg").ok_or(Reason::Algorithm)?,
            kid: text("kid").ok_or(shape("its header has no kid"))?,
            claims,
            signed: signed.as_bytes(),
            signature,
        })
    }

    /// Who claims to have signed it.
    pub(crate) fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The algorithm it names.
    pub(crate) fn algorithm(&self) -> &str {
        &self.algorithm
    }

    /// The key it names.
    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The claims, if the key has signed them with its own algorithm.
    pub(crate) fn verify(self, key: &Key) -> Result<Map<String, Value>, Reason> {
        if self.algorithm != key.algorithm().as_str() {
            return Err(Reason::Algorithm);
        }
        if !key.verifies(self.signed, &self.signature) {
            return Err(Reason::Signature);
        }
        Ok(self.claims)
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Signs claims as a vendor's backend does that shares a secret with this server: a JWT with HS256 and `kid`.
///
/// `claims` are taken as they are: [`Sessions::verify`](crate::Sessions::verify) says what must be in them.
pub fn sign_hs256(secret: &[u8], kid: &str, claims: &Map<String, Value>) -> String {
    sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), kid, claims)
}

pub(crate) fn sign(key: &hmac::Key, kid: &str, claims: &Map<String, Value>) -> String {
    let header = json!({ "alg": "HS256", "kid": kid, "typ": "JWT" });
    let claims = Value::Object(claims.clone());
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = format!("{header}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(key, signed.as_bytes()));
    format!("{signed}.{signature}")
}
