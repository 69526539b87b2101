//! Tokens that have been verified, by the hash of the whole token.
//!
//! A page asks twenty things at once with the same token: one of them pays for the signature. A token is kept
//! no longer than it is taken, so a key that its vendor withdraws lives on here for eleven minutes at most.

use std::collections::HashMap;

use jiff::Timestamp;
use ring::digest;

use crate::claims::is_over;
use crate::session::Session;

/// How many tokens are kept. A thousand people at once are far more than one server has.
const MOST: usize = 1024;

/// What a token is found by.
pub(crate) type Digest = [u8; 32];

/// The SHA-256 of a token.
pub(crate) fn digest(token: &str) -> Digest {
    let mut octets = [0; 32];
    octets.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    octets
}

/// Verified tokens.
#[derive(Default)]
pub(crate) struct Cache(HashMap<Digest, Session>);

impl Cache {
    /// The session of a token that is still good.
    pub(crate) fn get(&self, digest: &Digest, now: Timestamp) -> Option<Session> {
        self.0
            .get(digest)
            .filter(|session| !is_over(session.expires_at, now))
            .cloned()
    }

    /// Keeps a session. If there is no room, those that are over go, else the one that ends first.
    pub(crate) fn put(&mut self, digest: Digest, session: Session, now: Timestamp) {
        if self.0.len() >= MOST && !self.0.contains_key(&digest) {
            self.0.retain(|_, kept| !is_over(kept.expires_at, now));
        }
        if self.0.len() >= MOST && !self.0.contains_key(&digest) {
            let first = self
                .0
                .iter()
                .min_by_key(|(_, kept)| kept.expires_at)
                .map(|(digest, _)| *digest);
            if let Some(first) = first {
                self.0.remove(&first);
            }
        }
        self.0.insert(digest, session);
    }
}

#[cfg(test)]
mod tests {
    use matricula_core::{Person, TenantId};

    use super::*;
    use crate::session::{Locale, Role};

    fn until(second: i64) -> Session {
        Session {
            vendor: "northwind".into(),
            tenant: TenantId::from("northwind/1"),
            person_id: "1".into(),
            person: Person::named("Ada"),
            organization: None,
            role: Role::Viewer,
            locale: Locale::En,
            flows: None,
            expires_at: Timestamp::from_second(second).unwrap(),
            local: false,
        }
    }

    #[test]
    fn is_bounded_and_lets_go_of_what_ends_first() {
        let now = Timestamp::UNIX_EPOCH;
        let mut cache = Cache::default();
        for at in 0..=MOST {
            let second = 1000 + i64::try_from(at).unwrap();
            cache.put(digest(&at.to_string()), until(second), now);
        }
        assert_eq!(cache.0.len(), MOST);
        assert!(cache.get(&digest("0"), now).is_none());
        assert!(cache.get(&digest("1"), now).is_some());

        let later = Timestamp::from_second(1500 + 60).unwrap();
        assert!(cache.get(&digest("500"), later).is_none(), "it is over");
        cache.put(digest("new"), until(3000), later);
        assert_eq!(cache.0.len(), MOST - 500 + 1, "all that were over are gone");
    }
}
