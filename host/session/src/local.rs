//! The sign-in of one person who runs the product alone.
//!
//! Whoever can read the terminal in which the server runs may use it: the server prints an address with a code,
//! good once and for a quarter of an hour. The code is exchanged for a token like those of vendors, signed with
//! a key that only this process has: after a restart everybody signs in again.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use matricula_core::TenantId;
use matricula_core::clock::Clock;
use ring::hmac;
use serde_json::{Map, json};
use zeroize::Zeroizing;

use crate::claims::{Claims, LIFE, NAME};
use crate::error::{LocalError, Reason, SessionError};
use crate::key::Key;
use crate::session::{Locale, Session};
use crate::token::{Unverified, sign};
use crate::vendors::{AUDIENCE, LOCAL};

/// How long a code is good, in seconds.
const CODE: i64 = 15 * 60;
/// How long somebody stays signed in by renewing, in seconds.
const DAY: i64 = 12 * 60 * 60;
/// How many codes are good at a time. A further one replaces the oldest.
const CODES: usize = 8;
/// How many wrong codes are looked at within [`WINDOW`]; then none is, right or wrong.
const TRIES: u32 = 10;
/// How long wrong codes are counted, from the first of them, in seconds.
const WINDOW: i64 = 60;

/// A token and its end.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant {
    /// The session token.
    pub token: String,
    /// When it ends; renewed before, it is replaced by another.
    pub expires_at: Timestamp,
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The local sign-in of one process.
pub struct Local {
    clock: Arc<dyn Clock>,
    name: String,
    locale: Locale,
    signing: hmac::Key,
    verifying: Key,
    codes: Mutex<Codes>,
}

#[derive(Default)]
struct Codes {
    /// The code's HMAC, and when it was made; oldest first.
    good: Vec<(hmac::Tag, Timestamp)>,
    wrong: u32,
    window: Option<Timestamp>,
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

impl Local {
    /// A sign-in with a new key, and no code yet.
    ///
    /// # Errors
    /// [`LocalError::Random`].
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, LocalError> {
        let secret = random()?;
        let key = || hmac::Key::new(hmac::HMAC_SHA256, &*secret);
        Ok(Self {
            clock,
            name: "Local".to_owned(),
            locale: Locale::default(),
            signing: key(),
            verifying: Key::Hmac(key()),
            codes: Mutex::default(),
        })
    }

    /// What to call whoever signs in; shown in the run log. Without it they are called `Local`.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        let name: String = name
            .chars()
            .filter(|char| !char.is_control())
            .take(NAME)
            .collect();
        if !name.is_empty() {
            self.name = name;
        }
        self
    }

    /// What language they read; English without it.
    #[must_use]
    pub fn locale(mut self, locale: Locale) -> Self {
        self.locale = locale;
        self
    }

    /// A new code of 43 letters, digits, hyphens and underscores: good once, and for 15 minutes. Of more than
    /// eight that are good the oldest is withdrawn.
    ///
    /// # Errors
    /// [`LocalError::Random`].
    pub fn code(&self) -> Result<Zeroizing<String>, LocalError> {
        let code = Zeroizing::new(URL_SAFE_NO_PAD.encode(random()?.as_slice()));
        let now = self.clock.now();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.forget_old(now);
        if codes.good.len() >= CODES {
            codes.good.remove(0);
        }
        codes.good.push((self.tag(&code), now));
        Ok(code)
    }

    /// Gives a token of ten minutes for a code, which is used up by it.
    ///
    /// # Errors
    /// [`LocalError::Code`]; [`LocalError::TooMany`] after ten wrong ones within a minute.
    pub fn exchange(&self, code: &str) -> Result<Grant, LocalError> {
        let now = self.clock.now();
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        codes.forget_old(now);
        if codes.wrong >= TRIES {
            return Err(LocalError::TooMany);
        }
        // HMACs are compared in constant time, and all of them.
        let mut found = None;
        for (at, (tag, _)) in codes.good.iter().enumerate() {
            if hmac::verify(&self.signing, &labelled(code), tag.as_ref()).is_ok() {
                found = Some(at);
            }
        }
        let Some(at) = found else {
            codes.wrong += 1;
            codes.window.get_or_insert(now);
            return Err(LocalError::Code);
        };
        codes.good.remove(at);
        drop(codes);
        Ok(self.grant(now, now))
    }

    /// Gives another token for one that is still good, for 12 hours after the sign-in.
    ///
    /// # Errors
    /// [`LocalError::Session`] with [`SessionError::Expired`] after that, or if the token is over or not one
    /// of this process.
    pub fn renew(&self, token: &str) -> Result<Grant, LocalError> {
        let now = self.clock.now();
        let (_, signed_in_at) =
            self.verify(Unverified::read(token).map_err(SessionError::from)?, now)?;
        if now.as_second() >= signed_in_at.as_second() + DAY {
            return Err(SessionError::Expired.into());
        }
        Ok(self.grant(signed_in_at, now))
    }

    /// The session of a token of this process, and when its person signed in.
    pub(crate) fn verify(
        &self,
        token: Unverified<'_>,
        now: Timestamp,
    ) -> Result<(Session, Timestamp), SessionError> {
        if token.issuer() != Some(LOCAL) || token.kid() != LOCAL {
            return Err(Reason::NotLocal.into());
        }
        let claims = Claims::read(&token.verify(&self.verifying)?, AUDIENCE, now)?;
        let signed_in_at = claims.signed_in_at.ok_or(Reason::NotLocal)?;
        let session = Session {
            vendor: LOCAL.to_owned(),
            tenant: TenantId::from(LOCAL),
            person_id: claims.subject,
            person: claims.person,
            organization: claims.organization,
            role: claims.role,
            locale: claims.locale,
            flows: claims.flows,
            expires_at: claims.expires_at,
            local: true,
        };
        Ok((session, signed_in_at))
    }

    fn grant(&self, signed_in_at: Timestamp, now: Timestamp) -> Grant {
        let issued = now.as_second();
        let signed_in = signed_in_at.as_second();
        let expires = (issued + LIFE).min(signed_in + DAY);
        let mut claims = Map::new();
        for (name, value) in [
            ("iss", json!(LOCAL)),
            ("aud", json!(AUDIENCE)),
            ("sub", json!(LOCAL)),
            ("tenant", json!(LOCAL)),
            ("role", json!("owner")),
            ("locale", json!(self.locale.as_str())),
            ("iat", json!(issued)),
            ("exp", json!(expires)),
            ("auth_time", json!(signed_in)),
            ("name", json!(self.name)),
        ] {
            claims.insert(name.to_owned(), value);
        }
        Grant {
            token: sign(&self.signing, LOCAL, &claims),
            expires_at: Timestamp::from_second(expires).unwrap_or(now),
        }
    }

    fn tag(&self, code: &str) -> hmac::Tag {
        hmac::sign(&self.signing, &labelled(code))
    }
}

impl Codes {
    fn forget_old(&mut self, now: Timestamp) {
        let age = |then: Timestamp| now.as_second() - then.as_second();
        self.good.retain(|(_, made)| age(*made) < CODE);
        // A clock that has been set back must not lock anybody out.
        if self
            .window
            .is_some_and(|began| !(0..WINDOW).contains(&age(began)))
        {
            self.window = None;
            self.wrong = 0;
        }
    }
}

/// The key signs tokens too: a NUL keeps codes apart from them, since no token holds one.
fn labelled(code: &str) -> Vec<u8> {
    [b"code\0", code.as_bytes()].concat()
}

fn random() -> Result<Zeroizing<[u8; 32]>, LocalError> {
    let mut octets = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *octets).map_err(|error| LocalError::Random(error.to_string()))?;
    Ok(octets)
}
