//! From a token to a session.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use matricula_core::TenantId;
use matricula_core::clock::Clock;

use crate::cache::{Cache, digest};
use crate::claims::Claims;
use crate::error::{Reason, SessionError};
use crate::fetch::Fetch;
use crate::jwks::Published;
use crate::key::{Algorithm, Key};
use crate::local::Local;
use crate::session::Session;
use crate::token::{LONGEST, Unverified};
use crate::vendors::{LOCAL, Vendor, Vendors};

/// Tells who somebody is by their token.
pub struct Sessions {
    vendors: Vendors,
    published: HashMap<String, Arc<Published>>,
    local: Option<Arc<Local>>,
    clock: Arc<dyn Clock>,
    cache: Mutex<Cache>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("vendors", &self.vendors)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// Tokens of these vendors, and of nobody else. `fetch` gets the keys of those that publish them; nothing
    /// is fetched before a token needs it.
    pub fn new(vendors: Vendors, fetch: &Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Self {
        let published = vendors
            .iter()
            .filter_map(|vendor| {
                let url = vendor.jwks()?.clone();
                let keys = Published::new(vendor.id(), url, Arc::clone(fetch), Arc::clone(&clock));
                Some((vendor.id().to_owned(), Arc::new(keys)))
            })
            .collect();
        Self {
            vendors,
            published,
            local: None,
            clock,
            cache: Mutex::default(),
        }
    }

    /// Takes tokens of the local sign-in too.
    #[must_use]
    pub fn with_local(mut self, local: Arc<Local>) -> Self {
        self.local = Some(local);
        self
    }

    /// The vendors.
    pub fn vendors(&self) -> &Vendors {
        &self.vendors
    }

    /// The local sign-in, if there is one.
    pub fn local(&self) -> Option<&Arc<Local>> {
        self.local.as_ref()
    }

    /// Who the bearer of this token is.
    ///
    /// The token is a JWT of at most 8 KiB. Its `iss` names the vendor, `kid` the key, and `alg` must be that
    /// key's. `aud` must be the vendor's audience; `exp`, `iat` and `nbf` are held against the clock with
    /// 60 seconds to spare, and `exp` is at most ten minutes after `iat`. `tenant` and `sub` have 1 to 200
    /// characters, `role` is `owner` or `viewer`. `locale`, `name`, `email`, `picture` and `flows` may be left
    /// out. A tokio runtime must be running, since keys may have to be fetched.
    ///
    /// # Errors
    /// [`SessionError`]; its reasons hold nothing of the token.
    pub async fn verify(&self, token: &str) -> Result<Session, SessionError> {
        if token.is_empty() {
            return Err(SessionError::Missing);
        }
        if token.len() > LONGEST {
            return Err(Reason::TooLong.into());
        }
        let digest = digest(token);
        let kept = self.cache().get(&digest, self.clock.now());
        if let Some(session) = kept {
            return Ok(session);
        }
        let token = Unverified::read(token)?;
        let issuer = token.issuer().ok_or(Reason::UnknownVendor)?;
        let session = if issuer == LOCAL {
            let local = self.local.as_ref().ok_or(Reason::NotLocal)?;
            local.verify(token, self.clock.now())?.0
        } else {
            let vendor = self.vendors.vendor(issuer).ok_or(Reason::UnknownVendor)?;
            let key = self.key(vendor, &token).await?;
            of_vendor(vendor, token, &key, self.clock.now())?
        };
        self.cache().put(digest, session.clone(), self.clock.now());
        Ok(session)
    }

    /// The key that a token names: one that is configured, else one that is published.
    async fn key(&self, vendor: &Vendor, token: &Unverified<'_>) -> Result<Arc<Key>, Reason> {
        if let Some(key) = vendor.key(token.kid()) {
            return Ok(key);
        }
        let Some(published) = self.published.get(vendor.id()) else {
            return Err(Reason::UnknownKey {
                vendor: vendor.id().to_owned(),
            });
        };
        // No published key has another algorithm, so that asking for it would be for nothing.
        let public = [Algorithm::EdDsa, Algorithm::Rs256].map(Algorithm::as_str);
        if !public.contains(&token.algorithm()) {
            return Err(Reason::Algorithm);
        }
        published.key(token.kid()).await
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_vendor(
    vendor: &Vendor,
    token: Unverified<'_>,
    key: &Key,
    now: Timestamp,
) -> Result<Session, SessionError> {
    let claims = Claims::read(&token.verify(key)?, vendor.audience(), now)?;
    Ok(Session {
        vendor: vendor.id().to_owned(),
        tenant: TenantId::new(format!("{}/{}", vendor.id(), claims.tenant)),
        person_id: claims.subject,
        person: claims.person,
        organization: claims.organization,
        role: claims.role,
        locale: claims.locale,
        flows: both(claims.flows, vendor.flows()),
        expires_at: claims.expires_at,
        local: false,
    })
}

/// What is in both sets, where none is everything.
fn both(
    bought: Option<BTreeSet<String>>,
    offered: Option<&BTreeSet<String>>,
) -> Option<BTreeSet<String>> {
    match (bought, offered) {
        (Some(bought), Some(offered)) => Some(bought.intersection(offered).cloned().collect()),
        (bought, offered) => bought.or_else(|| offered.cloned()),
    }
}

/// The token in an `Authorization` header's value.
///
/// # Errors
/// [`SessionError::Missing`] if there is no header, no token in it, or another scheme than `Bearer`.
pub fn bearer(authorization: Option<&str>) -> Result<&str, SessionError> {
    let (scheme, token) = authorization
        .and_then(|value| value.trim().split_once(' '))
        .ok_or(SessionError::Missing)?;
    let token = token.trim_start();
    if !scheme.eq_ignore_ascii_case("Bearer") || token.is_empty() {
        return Err(SessionError::Missing);
    }
    Ok(token)
}
