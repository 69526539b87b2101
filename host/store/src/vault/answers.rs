//! Encryption of answers that are kept for requests that may be sent again.
//!
//! An answer is kept for a day and is small, so that it is encrypted under the vault's key itself and, when that
//! is replaced, anew as a whole. It is bound to the tenant and the idempotency key that it belongs to. The hash
//! of the request lies in it as well: of a request with a password in it, a hash that can be read would tell who
//! guesses that the guess is right.

use matricula_core::board::KeptAnswer;
use matricula_core::store::StoreError;
use zeroize::Zeroizing;

use super::{Binding, Vault, decrypt, encrypt, put, take};

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The hash of the request.
    pub(crate) request: [u8; 32],
    /// None while it is under way.
    pub(crate) answer: Option<KeptAnswer>,
}

impl Vault {
    /// Encrypts under the active key, or another of the vault's if `accepted` says that the store has left the
    /// active one; the key's name, and what is stored.
    pub(crate) fn seal_answer(
        &self,
        tenant: &str,
        key: &str,
        kept: &Kept,
        accepted: &[String],
    ) -> Result<(String, Vec<u8>), StoreError> {
        let vault_key = self.sealing_key(accepted)?;
        let binding = binding(&vault_key.id, tenant, key);
        let body = encrypt(&vault_key.bytes, &binding, &encode(kept))?;
        Ok((vault_key.id.clone(), body))
    }

    /// [`StoreError::WrongKey`] if it needs a key that the vault does not have, [`StoreError::Failed`] if it
    /// does not belong to this tenant and key.
    pub(crate) fn open_answer(
        &self,
        tenant: &str,
        key: &str,
        vault_key: &str,
        body: &[u8],
    ) -> Result<Kept, StoreError> {
        let Some(vault_key) = self.key(vault_key) else {
            return Err(StoreError::WrongKey(format!(
                "an answer that is kept is encrypted under the key {vault_key}, which was not given; give it as \
                 an earlier key, or send the request under another idempotency key"
            )));
        };
        decrypt(&vault_key.bytes, &binding(&vault_key.id, tenant, key), body)
            .and_then(|plain| decode(&plain))
            .ok_or_else(|| {
                StoreError::Failed(
                    "an answer that is kept does not belong to its idempotency key: the database was changed \
                     by something else; send the request under another key"
                        .to_owned(),
                )
            })
    }
}

fn binding(vault_key: &str, tenant: &str, key: &str) -> Vec<u8> {
    Binding::new("matricula answer 1")
        .with(vault_key)
        .with(tenant)
        .with(key)
        .0
}

/// The hash; then, if there is an answer, status, headers between two numbers of bytes each, and the body to the
/// end. Allocated at its full length at once, because a vector that grows leaves copies behind.
fn encode(kept: &Kept) -> Zeroizing<Vec<u8>> {
    let headers = |answer: &KeptAnswer| -> usize {
        let parts = answer.headers.iter();
        parts
            .map(|(name, value)| 16 + name.len() + value.len())
            .sum()
    };
    let length = 32
        + kept
            .answer
            .as_ref()
            .map_or(0, |answer| 10 + headers(answer) + answer.body.len());
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    bytes.extend_from_slice(&kept.request);
    if let Some(answer) = &kept.answer {
        bytes.extend_from_slice(&answer.status.to_le_bytes());
        bytes.extend_from_slice(&(answer.headers.len() as u64).to_le_bytes());
        for (name, value) in &answer.headers {
            put(&mut bytes, name);
            put(&mut bytes, value);
        }
        bytes.extend_from_slice(&answer.body);
    }
    bytes
}

fn decode(bytes: &[u8]) -> Option<Kept> {
    let (request, rest) = bytes.split_first_chunk::<32>()?;
    let answer = match rest {
        [] => None,
        rest => Some(decode_answer(rest)?),
    };
    Some(Kept {
        request: *request,
        answer,
    })
}

fn decode_answer(bytes: &[u8]) -> Option<KeptAnswer> {
    let (status, rest) = bytes.split_first_chunk::<2>()?;
    let (number, mut rest) = rest.split_first_chunk::<8>()?;
    let mut headers = Vec::new();
    for _ in 0..u64::from_le_bytes(*number) {
        let name = take(&mut rest)?;
        let value = take(&mut rest)?;
        headers.push((name.to_owned(), value.to_owned()));
    }
    Some(KeptAnswer {
        status: u16::from_le_bytes(*status),
        headers,
        body: rest.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    fn accepted(vault: &Vault) -> Vec<String> {
        vault.key_ids().map(str::to_owned).collect()
    }

    fn answer() -> KeptAnswer {
        KeptAnswer {
            status: 201,
            headers: vec![
                ("location".to_owned(), "/api/v1/webhooks/1".to_owned()),
                ("etag".to_owned(), String::new()),
            ],
            body: b"{\"key\":\"shown-only-once\"}\0\xFF".to_vec(),
        }
    }

    #[test]
    fn any_answer_survives() {
        let vault = Vault::new(&OLD);
        let bare = KeptAnswer {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
        };
        for answer in [None, Some(answer()), Some(bare)] {
            let kept = Kept {
                request: [9; 32],
                answer,
            };
            assert_eq!(encode(&kept).capacity(), encode(&kept).len());
            let (id, body) = vault
                .seal_answer("acme", "k", &kept, &accepted(&vault))
                .unwrap();
            assert_eq!(vault.open_answer("acme", "k", &id, &body).unwrap(), kept);
            for (tenant, key) in [("acm", "ek"), ("other", "k"), ("acme", "K")] {
                let error = vault.open_answer(tenant, key, &id, &body).unwrap_err();
                assert!(matches!(error, StoreError::Failed(_)), "{error}");
            }
            let other = Vault::new(&NEW);
            let error = other.open_answer("acme", "k", &id, &body).unwrap_err();
            assert!(
                matches!(&error, StoreError::WrongKey(text) if text.contains(&id)),
                "{error}"
            );
        }
    }

    #[test]
    fn nothing_of_it_is_printed() {
        let printed = format!("{:?}", answer());
        assert!(!printed.contains("shown"), "{printed}");
        assert!(printed.contains("201"), "{printed}");
    }

    #[test]
    fn what_was_cut_off_is_no_answer() {
        let kept = Kept {
            request: [9; 32],
            answer: Some(answer()),
        };
        let bytes = encode(&kept);
        let body = bytes.len() - answer().body.len();
        for length in (0..body).filter(|length| *length != 32) {
            assert_eq!(decode(&bytes[..length]), None, "{length}");
        }
        assert_eq!(decode(&bytes), Some(kept));
    }
}
