//! Encryption of secrets at rest.
//!
//! Every credential has a data key of its own, made at random; its secrets are encrypted under the data
//! key, and the data key under one of the vault's keys. Replacing a vault key therefore re-encrypts a
//! few dozen bytes a row and never touches a secret. Both layers are XChaCha20-Poly1305, whose nonce is
//! long enough to be drawn at random.
//!
//! What is encrypted is bound to the row it belongs to: the data key to tenant and credential, the
//! secrets to these and to connector, method and public fields as well. Whoever can write to the
//! database but does not have the key can neither exchange the secrets of two credentials nor send a
//! token elsewhere by changing the address in the public fields: the secrets no longer open.
//!
//! A key is named by a hash of itself, so that a row says which key it needs and no key can be given
//! under a wrong name.

pub(crate) mod answers;

use std::sync::{Arc, Mutex, PoisonError};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::store::StoreError;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of a nonce; it stands before what was encrypted with it.
const NONCE: usize = 24;

/// What a key encrypts to prove that it is the right one.
const PROOF: &[u8] = b"this store opens with this key";

/// The keys under which data keys are encrypted. One is active; the others only open what was encrypted
/// before it. Wiped when dropped, and never printed.
pub struct Vault {
    active: Arc<VaultKey>,
    previous: Vec<Arc<VaultKey>>,
    source: Option<Source>,
    /// Keys that the source has given since.
    late: Mutex<Vec<Arc<VaultKey>>>,
}

/// Gives the key that is in use by now.
type Source = Box<dyn Fn() -> Option<Zeroizing<[u8; 32]>> + Send + Sync>;

struct VaultKey {
    id: String,
    bytes: Zeroizing<[u8; 32]>,
}

/// The encrypted secrets of one credential, as they are stored.
pub(crate) struct Sealed {
    /// The vault key that the data key needs.
    pub(crate) key: String,
    /// The data key, encrypted.
    pub(crate) data_key: Vec<u8>,
    /// The secrets, encrypted under the data key.
    pub(crate) body: Vec<u8>,
}

impl Vault {
    /// A vault with one key of 32 random bytes, see [`new_key`].
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            active: Arc::new(VaultKey::new(key)),
            previous: Vec::new(),
            source: None,
            late: Mutex::default(),
        }
    }

    /// Also opens what was encrypted under this earlier key. Nothing is encrypted under it any more, and
    /// it can be left out again after [`SqliteStore::rotate`](crate::SqliteStore::rotate).
    #[must_use]
    pub fn with_previous(mut self, key: &[u8; 32]) -> Self {
        self.previous.push(Arc::new(VaultKey::new(key)));
        self
    }

    /// Asks for the key that is in use by now when it meets one that it does not have: so a process goes on
    /// after another one has rotated the key. `source` is asked seldom and may block for a moment.
    #[must_use]
    pub fn with_source(
        mut self,
        source: impl Fn() -> Option<Zeroizing<[u8; 32]>> + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The name of the active key: sixteen hexadecimal digits that say nothing about the key.
    pub fn key_id(&self) -> &str {
        &self.active.id
    }

    /// The names of all keys, the active one first.
    pub(crate) fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.keys().map(|key| key.id.as_str())
    }

    /// Encrypts the secrets of a credential under a new data key, and that under the active key, or another
    /// of the vault's if `accepted` says that the store has left the active one.
    ///
    /// [`StoreError::WrongKey`] if the store accepts none of them.
    pub(crate) fn seal(
        &self,
        credential: &Credential,
        secrets: &Secrets,
        accepted: &[String],
    ) -> Result<Sealed, StoreError> {
        let key = self.sealing_key(accepted)?;
        let data_key = new_key()?;
        let (tenant, id) = (credential.tenant.as_str(), credential.id.as_str());
        Ok(Sealed {
            key: key.id.clone(),
            data_key: wrap(&key, tenant, id, &data_key)?,
            body: encrypt(&data_key, &credential_binding(credential), &encode(secrets))?,
        })
    }

    /// Decrypts the secrets of a credential.
    ///
    /// [`StoreError::WrongKey`] if they need a key that the vault does not have, [`StoreError::Failed`]
    /// if they do not belong to this credential as it is now.
    pub(crate) fn open(
        &self,
        credential: &Credential,
        sealed: &Sealed,
    ) -> Result<Secrets, StoreError> {
        let (tenant, id) = (credential.tenant.as_str(), credential.id.as_str());
        let data_key = self.unwrap(tenant, id, &sealed.key, &sealed.data_key)?;
        decrypt(&data_key, &credential_binding(credential), &sealed.body)
            .and_then(|plain| decode(&plain))
            .ok_or_else(|| exchanged(id))
    }

    /// Encrypts a data key under the active key; takes it as it was encrypted under any key.
    pub(crate) fn rewrap(
        &self,
        tenant: &str,
        credential: &str,
        key: &str,
        data_key: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let data_key = self.unwrap(tenant, credential, key, data_key)?;
        wrap(&self.active, tenant, credential, &data_key)
    }

    /// What the store keeps to recognise the active key by.
    pub(crate) fn proof(&self) -> Result<Vec<u8>, StoreError> {
        encrypt(&self.active.bytes, &proof_binding(&self.active.id), PROOF)
    }

    /// Whether a proof was made with the key of that name; none if the vault does not have it.
    pub(crate) fn proves(&self, key: &str, proof: &[u8]) -> Option<bool> {
        let key = self.key(key)?;
        let plain = decrypt(&key.bytes, &proof_binding(&key.id), proof);
        Some(plain.is_some_and(|plain| plain.as_slice() == PROOF))
    }

    /// The active key, or another of the vault's that the store accepts if it has left the active one.
    fn sealing_key(&self, accepted: &[String]) -> Result<Arc<VaultKey>, StoreError> {
        let own = self.keys().find(|key| accepted.contains(&key.id)).cloned();
        let late = || accepted.iter().find_map(|id| self.late(id));
        own.or_else(late).ok_or_else(|| {
            StoreError::WrongKey(format!(
                "the key {} was replaced while this process was running; start it again with the new key",
                self.active.id
            ))
        })
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<VaultKey>> {
        std::iter::once(&self.active).chain(&self.previous)
    }

    fn key(&self, id: &str) -> Option<Arc<VaultKey>> {
        let own = self.keys().find(|key| key.id == id).cloned();
        own.or_else(|| self.late(id))
    }

    /// A key that came into use after this vault was made.
    fn late(&self, id: &str) -> Option<Arc<VaultKey>> {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = late.iter().find(|key| key.id == id) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(VaultKey::new(&*self.source.as_ref()?()?));
        let fits = key.id == id;
        if fits {
            late.push(Arc::clone(&key));
        }
        fits.then_some(key)
    }

    fn unwrap(
        &self,
        tenant: &str,
        credential: &str,
        key: &str,
        data_key: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, StoreError> {
        let Some(key) = self.key(key) else {
            return Err(StoreError::WrongKey(format!(
                "the secrets of the credential “{credential}” are encrypted under the key {key}, which was \
                 not given; give it as an earlier key, or add the credential again"
            )));
        };
        let binding = data_key_binding(&key.id, tenant, credential);
        decrypt(&key.bytes, &binding, data_key)
            .and_then(|plain| <[u8; 32]>::try_from(plain.as_slice()).ok())
            .map(Zeroizing::new)
            .ok_or_else(|| exchanged(credential))
    }
}

fn wrap(
    key: &VaultKey,
    tenant: &str,
    credential: &str,
    data_key: &[u8; 32],
) -> Result<Vec<u8>, StoreError> {
    let binding = data_key_binding(&key.id, tenant, credential);
    encrypt(&key.bytes, &binding, data_key)
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.key_ids()).finish()
    }
}

impl VaultKey {
    fn new(key: &[u8; 32]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"matricula key id 1");
        hash.update(key);
        let hash = hash.finalize();
        let id = hash
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            id,
            bytes: Zeroizing::new(*key),
        }
    }
}

/// Makes a key from the operating system's random numbers.
pub fn new_key() -> Result<Zeroizing<[u8; 32]>, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    random(key.as_mut_slice())?;
    Ok(key)
}

fn random(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|error| {
        StoreError::Failed(format!(
            "the operating system gave no random numbers: {error}"
        ))
    })
}

fn exchanged(credential: &str) -> StoreError {
    StoreError::Failed(format!(
        "the secrets of the credential “{credential}” do not belong to it as it is stored: the database \
         was changed by something else; remove the credential and add it again"
    ))
}

/// Nonce, then what was encrypted, then the tag.
fn encrypt(key: &[u8; 32], binding: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    let sealed = XChaCha20Poly1305::new(&Key::from(*key))
        .encrypt(
            &XNonce::from(nonce),
            Payload {
                msg: plain,
                aad: binding,
            },
        )
        .map_err(|_| StoreError::Failed("this is too long to be encrypted".to_owned()))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// None if key, binding or bytes are not those of [`encrypt`].
fn decrypt(key: &[u8; 32], binding: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
    XChaCha20Poly1305::new(&Key::from(*key))
        .decrypt(
            &XNonce::from(*nonce),
            Payload {
                msg: sealed,
                aad: binding,
            },
        )
        .ok()
        .map(Zeroizing::new)
}

/// Associated data: parts with their lengths, so that no two lists of parts give the same bytes.
struct Binding(Vec<u8>);

impl Binding {
    fn new(purpose: &str) -> Self {
        Self(Vec::new()).with(purpose)
    }

    fn with(mut self, part: &str) -> Self {
        put(&mut self.0, part);
        self
    }
}

fn credential_binding(credential: &Credential) -> Vec<u8> {
    let binding = Binding::new("matricula secrets 1")
        .with(credential.tenant.as_str())
        .with(credential.id.as_str())
        .with(&credential.connector)
        .with(&credential.method);
    credential
        .public
        .iter()
        .fold(binding, |binding, (name, value)| {
            binding.with(name).with(value)
        })
        .0
}

fn data_key_binding(key: &str, tenant: &str, credential: &str) -> Vec<u8> {
    Binding::new("matricula data key 1")
        .with(key)
        .with(tenant)
        .with(credential)
        .0
}

fn proof_binding(key: &str) -> Vec<u8> {
    Binding::new("matricula proof 1").with(key).0
}

fn put(bytes: &mut Vec<u8>, part: &str) {
    bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
    bytes.extend_from_slice(part.as_bytes());
}

/// Allocated at its full length at once, because a vector that grows leaves copies behind.
fn encode(secrets: &Secrets) -> Zeroizing<Vec<u8>> {
    let length = secrets
        .iter()
        .map(|(name, value)| 16 + name.len() + value.len())
        .sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    for (name, value) in secrets.iter() {
        put(&mut bytes, name);
        put(&mut bytes, value);
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<Secrets> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let name = take(&mut bytes)?;
        let value = take(&mut bytes)?;
        fields.push((name.to_owned(), value.to_owned()));
    }
    Some(Secrets::new(fields))
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    std::str::from_utf8(part).ok()
}

#[cfg(test)]
mod tests;
