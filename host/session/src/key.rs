//! Keys that check signatures. A key has one algorithm, and nothing that a token says changes it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{hmac, signature};
use serde::Deserialize;
use serde_json::Value;

use crate::spki::{self, PublicKey};

/// How tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
pub enum Algorithm {
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// RSA PKCS #1 v1.5 with SHA-256, 2048 to 8192 bits.
    #[serde(rename = "RS256")]
    Rs256,
    /// HMAC with SHA-256; the secret has 32 bytes or more.
    #[serde(rename = "HS256")]
    Hs256,
}

impl Algorithm {
    /// The name in a token's header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }
}

/// A key that checks signatures.
pub(crate) enum Key {
    Ed25519([u8; 32]),
    Rsa(signature::RsaPublicKeyComponents<Vec<u8>>),
    Hmac(hmac::Key),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.algorithm()).finish()
    }
}

impl Key {
    /// A public key from a PEM text. The error says what to do.
    pub(crate) fn from_pem(algorithm: Algorithm, pem: &str) -> Result<Self, &'static str> {
        match (algorithm, spki::from_pem(pem)?) {
            (Algorithm::EdDsa, PublicKey::Ed25519(x)) => Self::ed25519(&x),
            (Algorithm::Rs256, PublicKey::Rsa { n, e }) => Self::rsa(&n, &e),
            (Algorithm::EdDsa, _) => Err("alg EdDSA needs an Ed25519 key, and this is another"),
            (Algorithm::Rs256, _) => Err("alg RS256 needs an RSA key, and this is another"),
            (Algorithm::Hs256, _) => Err(
                "alg HS256 has no public key; give secret_env, or set alg to what the key is for",
            ),
        }
    }

    /// A shared secret. The error says what to do.
    pub(crate) fn from_secret(secret: &[u8]) -> Result<Self, &'static str> {
        if secret.len() < 32 {
            return Err(
                "the secret has fewer than 32 bytes and could be guessed; make one with: openssl rand -hex 32",
            );
        }
        Ok(Self::Hmac(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// A key of a JWKS with its `kid`; the error says why it is left out. Symmetric keys are never taken: what
    /// is published is no secret.
    pub(crate) fn from_jwk(jwk: &Value) -> Result<(String, Self), &'static str> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| text(name).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let kid = text("kid")
            .filter(|kid| !kid.is_empty())
            .ok_or("it has no kid")?;
        if jwk.get("d").is_some() {
            return Err("it is a private key that has been published; withdraw it at once");
        }
        if jwk.get("use").is_some_and(|usage| usage != "sig") {
            return Err("its use is not sig");
        }
        let verifies = |operations: &Value| {
            operations
                .as_array()
                .is_some_and(|all| all.iter().any(|one| one == "verify"))
        };
        if jwk.get("key_ops").is_some_and(|all| !verifies(all)) {
            return Err("its key_ops do not hold verify");
        }
        let key = match text("kty") {
            Some("OKP") if text("crv") == Some("Ed25519") => {
                Self::ed25519(&bytes("x").ok_or("it has no x")?)?
            }
            Some("RSA") => Self::rsa(
                &bytes("n").ok_or("it has no n")?,
                &bytes("e").ok_or("it has no e")?,
            )?,
            Some("oct") => return Err("it is a symmetric key, and published"),
            _ => return Err("it is neither an Ed25519 nor an RSA key"),
        };
        match jwk.get("alg") {
            None => {}
            Some(alg) if alg == key.algorithm().as_str() => {}
            // RFC 9864 calls it by its curve.
            Some(alg) if alg == "Ed25519" && matches!(key, Self::Ed25519(_)) => {}
            Some(_) => return Err("its alg is neither EdDSA nor RS256, or does not fit its kty"),
        }
        Ok((kid.to_owned(), key))
    }

    fn ed25519(x: &[u8]) -> Result<Self, &'static str> {
        x.try_into()
            .map(Self::Ed25519)
            .map_err(|_| "an Ed25519 key has 32 bytes, and this has not")
    }

    fn rsa(n: &[u8], e: &[u8]) -> Result<Self, &'static str> {
        let [n, e] = [n, e].map(|number| {
            let zeros = number.iter().take_while(|octet| **octet == 0).count();
            number.get(zeros..).unwrap_or_default()
        });
        let bits = n.len() * 8 - n.first().map_or(0, |octet| octet.leading_zeros() as usize);
        let odd = |number: &[u8]| number.last().is_some_and(|octet| octet % 2 == 1);
        if bits < 2048 {
            return Err(
                "the RSA key has fewer than 2048 bits; make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072",
            );
        }
        if bits > 8192 {
            return Err("the RSA key has more than 8192 bits; 3072 are enough");
        }
        if !odd(n) || !odd(e) || e == [1] || e.len() > 4 {
            return Err("this is no sound RSA key: modulus or exponent cannot be right");
        }
        Ok(Self::Rsa(signature::RsaPublicKeyComponents {
            n: n.to_vec(),
            e: e.to_vec(),
        }))
    }

    /// The one algorithm it is for.
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::Rsa(_) => Algorithm::Rs256,
            Self::Hmac(_) => Algorithm::Hs256,
        }
    }

    /// Whether `signature` is this key's over `message`. HMACs are compared in constant time.
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(x) => signature::UnparsedPublicKey::new(&signature::ED25519, x)
                .verify(message, signature)
                .is_ok(),
            Self::Rsa(key) => key
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            Self::Hmac(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn octets(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// RFC 8037, appendix A.4.
    #[test]
    fn checks_the_example_of_the_standard() {
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": X });
        let (kid, key) = Key::from_jwk(&jwk).unwrap();
        let message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
        let signature = octets(
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        );
        assert_eq!(kid, "1");
        assert!(key.verifies(message, &signature));
        assert!(!key.verifies(&message[1..], &signature));
        assert!(!key.verifies(message, &signature[1..]));
    }

    #[test]
    fn a_published_key_is_taken_only_if_it_is_public_and_for_signatures() {
        let good = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "1", "x": X });
        for (name, value) in [
            ("use", json!("sig")),
            ("alg", json!("EdDSA")),
            ("alg", json!("Ed25519")),
            ("key_ops", json!(["verify"])),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value;
            assert!(Key::from_jwk(&jwk).is_ok(), "{jwk}");
        }
        for (name, value) in [
            ("use", json!("enc")),
            ("use", json!(1)),
            ("alg", json!("HS256")),
            ("alg", json!("RS256")),
            ("alg", json!(null)),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!("verify")),
            ("kid", json!("")),
            ("kid", json!(1)),
            ("crv", json!("Ed448")),
            ("kty", json!("EC")),
            ("x", json!("AAAA")),
            ("x", json!("not base64url")),
            ("d", json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")),
        ] {
            let mut jwk = good.clone();
            jwk[name] = value;
            assert!(Key::from_jwk(&jwk).is_err(), "{jwk}");
        }
        let secret = json!({ "kty": "oct", "kid": "1", "k": X, "alg": "HS256" });
        assert!(Key::from_jwk(&secret).is_err());
    }

    #[test]
    fn an_rsa_key_is_sound_and_neither_too_short_nor_too_long() {
        let usual = [1, 0, 1];
        let modulus = |octets: usize, first: u8, last: u8| {
            let mut modulus = vec![0xff; octets];
            modulus[0] = first;
            modulus[octets - 1] = last;
            modulus
        };
        assert!(Key::rsa(&modulus(256, 0x80, 1), &usual).is_ok());
        assert!(
            Key::rsa(&modulus(257, 0, 1), &usual).is_ok(),
            "a zero in front is no bit"
        );
        assert!(Key::rsa(&modulus(1024, 0xff, 1), &usual).is_ok());
        for (n, e) in [
            (modulus(256, 0x7f, 1), &usual[..]),
            (modulus(1025, 1, 1), &usual[..]),
            (modulus(256, 0x80, 2), &usual[..]),
            (modulus(256, 0x80, 1), &[1][..]),
            (modulus(256, 0x80, 1), &[1, 0, 0][..]),
            (modulus(256, 0x80, 1), &[0][..]),
            (modulus(256, 0x80, 1), &[][..]),
            (modulus(256, 0x80, 1), &[1, 0, 0, 0, 1][..]),
            (vec![0; 256], &usual[..]),
            (Vec::new(), &usual[..]),
        ] {
            assert!(Key::rsa(&n, e).is_err());
        }
    }
}
