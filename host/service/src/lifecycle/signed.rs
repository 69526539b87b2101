//! Events that a remote system signs.
//!
//! Such a system sends the events of all connections to one address. Whose secret the signature fits says for which
//! tenants an event may speak: a vendor's for the credentials of its tenants that live on what it gives, a
//! credential's own for that credential alone. The event then names the connection. As with an automation's own
//! address nothing else of it is believed: the cycles ask the source themselves.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use matricula_core::connector::Connector as _;
use matricula_core::credential::Credential;
use matricula_core::manifest::{Algorithm, Encoding, Manifest, Method, Signature, Webhook};
use ring::hmac;
use serde_json::Value;

use crate::Matricula;
use crate::error::Error;

/// The most credentials by one method that one event can be for.
const MOST: u32 = 100;

/// Padded or not.
const EITHER: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER);
const BASE64URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedEvent {
    /// Its signature fits no secret, or it has none.
    Refused,
    /// It was signed rightly. Cycles of what it is for follow within seconds; often it is for nothing here.
    Taken,
}

impl Matricula {
    /// The header that has the signature of a connector's events; none if it sends none.
    ///
    /// # Errors
    /// As [`crate::Connectors::load`].
    pub fn signature_header(&self, connector: &str) -> Result<Option<String>, Error> {
        let component = self.connectors.load(connector)?;
        let webhook = component.manifest().webhook.as_ref();
        Ok(webhook.map(|webhook| webhook.signature.header.clone()))
    }

    /// Takes an event of a connector: its body as it came, and the value of the signature's header.
    ///
    /// # Errors
    /// [`Error::NotOffered`] if the connector's system sends none; [`Error::Store`].
    pub async fn signed_event(
        &self,
        connector: &str,
        signature: &str,
        body: &[u8],
    ) -> Result<SignedEvent, Error> {
        let component = self.connectors.load(connector)?;
        let manifest = component.manifest();
        let webhook = manifest.webhook.as_ref();
        let webhook = webhook.ok_or_else(|| Error::NotOffered {
            connector: connector.to_owned(),
            what: "webhook",
            name: connector.to_owned(),
            hint: "its system sends no signed events".to_owned(),
        })?;
        let Some(signature) = Signed::new(&webhook.signature, signature, body) else {
            return Ok(SignedEvent::Refused);
        };
        let secret = webhook.signature.field().unwrap_or_default();
        let vendors: Vec<&str> = match self.given.get() {
            None => Vec::new(),
            Some(given) => {
                let of = given.iter().filter(|(_, of, _)| *of == connector);
                let fits = of.filter(|(.., gifts)| signature.fits(gifts.hidden.get(secret)));
                fits.map(|(vendor, ..)| vendor).collect()
            }
        };
        // A JSON parser reads what strangers send; it is small, and its depth is bounded.
        let event: Value = serde_json::from_slice(body).unwrap_or_default();
        let mut taken = !vendors.is_empty();
        let mut meant = Vec::new();
        // Method by method, each with its own bound: whoever types another's connection into credentials of their
        // own crowds out nobody who has connected to it.
        for method in &manifest.authentication {
            let field = method.fields.iter().find(|field| field.name == secret);
            let Some(field) = field.filter(|field| !field.given || !vendors.is_empty()) else {
                continue;
            };
            for credential in self.named_by(manifest, method, webhook, &event).await? {
                let speaks = if field.given {
                    let vendor = credential.tenant.vendor();
                    vendor.is_some_and(|vendor| vendors.contains(&vendor))
                } else {
                    let own = self.store.secrets(&credential.id).await?;
                    let fits = signature.fits(own.get(secret));
                    taken |= fits;
                    fits
                };
                if speaks {
                    meant.push(credential);
                }
            }
        }
        if !taken {
            return Ok(SignedEvent::Refused);
        }
        if webhook.concerns(&event) {
            for credential in meant {
                self.wake_all_of(&credential).await?;
            }
        }
        Ok(SignedEvent::Taken)
    }

    /// The credentials by a method that an event names, of all tenants.
    async fn named_by(
        &self,
        manifest: &Manifest,
        method: &Method,
        webhook: &Webhook,
        event: &Value,
    ) -> Result<Vec<Credential>, Error> {
        let mut wanted = Vec::new();
        for (pointer, field) in webhook.fields() {
            match event.pointer(pointer).and_then(Value::as_str) {
                Some(value) if !value.trim().is_empty() => wanted.push((field, value)),
                _ => return Ok(Vec::new()),
            }
        }
        let Some((field, value)) = wanted.first() else {
            return Ok(Vec::new());
        };
        let store = &self.store;
        let mut named = store
            .credentials_where(&manifest.id, &method.id, field, value, MOST)
            .await?;
        named.retain(|credential| {
            let mut all = wanted.iter();
            all.all(|(field, value)| credential.public.get(*field).is_some_and(|of| of == value))
        });
        Ok(named)
    }

    /// Wants a cycle of everything that works with a credential.
    async fn wake_all_of(&self, credential: &Credential) -> Result<(), Error> {
        for used in self.store.uses(&credential.tenant).await? {
            if used.credential != credential.id {
                continue;
            }
            // One that was never started has none.
            if let Some(standing) = self.store.standing(&used.automation).await? {
                self.wake(&standing).await?;
            }
        }
        Ok(())
    }
}

/// A body and the signature that came with it.
struct Signed<'a> {
    algorithm: hmac::Algorithm,
    tag: Vec<u8>,
    body: &'a [u8],
}

impl<'a> Signed<'a> {
    /// None if the signature cannot be one.
    fn new(rule: &Signature, signature: &str, body: &'a [u8]) -> Option<Self> {
        let text = signature.trim();
        let tag = match rule.encoding {
            Encoding::Base64url => BASE64URL.decode(text).ok()?,
            Encoding::Base64 => BASE64.decode(text).ok()?,
            Encoding::Hex => hex(text)?,
        };
        let algorithm = match rule.algorithm {
            Algorithm::HmacSha256 => hmac::HMAC_SHA256,
        };
        (tag.len() == algorithm.digest_algorithm().output_len()).then_some(Self {
            algorithm,
            tag,
            body,
        })
    }

    /// Whether it was made with this secret; in a time that does not depend on where it differs.
    fn fits(&self, secret: Option<&str>) -> bool {
        let secret = secret.map(str::trim).filter(|secret| !secret.is_empty());
        secret.is_some_and(|secret| {
            let key = hmac::Key::new(self.algorithm, secret.as_bytes());
            hmac::verify(&key, self.body, &self.tag).is_ok()
        })
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |octet: u8| char::from(octet).to_digit(16);
    let octet = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    pairs.iter().map(octet).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"type":"data-changed"}"#;

    fn rule(encoding: Encoding) -> Signature {
        Signature {
            header: "x-signature".to_owned(),
            algorithm: Algorithm::HmacSha256,
            encoding,
            secret: "{secret}".to_owned(),
        }
    }

    #[test]
    fn a_signature_is_read_as_it_is_written() {
        let digest = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"the secret"), BODY);
        let bare = BASE64URL.encode(digest.as_ref());
        let hex: String = digest
            .as_ref()
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect();
        for (encoding, text) in [
            (Encoding::Base64url, bare.trim_end_matches('=').to_owned()),
            (Encoding::Base64url, bare),
            (Encoding::Base64, BASE64.encode(digest.as_ref())),
            (Encoding::Hex, hex.to_lowercase()),
            (Encoding::Hex, hex),
        ] {
            let signed = Signed::new(&rule(encoding), &text, BODY).unwrap();
            assert!(signed.fits(Some("the secret")), "{encoding:?}");
            assert!(signed.fits(Some("the secret\n")), "{encoding:?}");
            for other in [None, Some(""), Some(" "), Some("another secret")] {
                assert!(!signed.fits(other), "{encoding:?} {other:?}");
            }
            let more = [BODY, b" "].concat();
            let changed = Signed::new(&rule(encoding), &text, &more).unwrap();
            assert!(!changed.fits(Some("the secret")), "{encoding:?}");
        }
    }

    #[test]
    fn what_is_no_signature_is_none() {
        let whole = BASE64URL.encode([7; 32]);
        for text in [
            "",
            "x",
            "????",
            &whole[..20],
            &format!("{whole}AAAA"),
            "äöü",
        ] {
            assert!(
                Signed::new(&rule(Encoding::Base64url), text, BODY).is_none(),
                "{text}"
            );
        }
        for text in [
            "",
            "0",
            "zz",
            &"ab".repeat(31),
            &"ab".repeat(33),
            &"äb".repeat(16),
        ] {
            assert!(
                Signed::new(&rule(Encoding::Hex), text, BODY).is_none(),
                "{text}"
            );
        }
    }

    #[test]
    fn a_signature_is_what_others_compute() {
        // RFC 4231, test case 2.
        let text = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let body = b"what do ya want for nothing?";
        let signed = Signed::new(&rule(Encoding::Hex), text, body).unwrap();
        assert!(signed.fits(Some("Jefe")));
    }
}
