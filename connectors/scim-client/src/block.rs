//! Blocking somebody whose other values are refused.
//!
//! A change is one request, so a value that the service does not take (an address that somebody else has got
//! meanwhile) refuses all of it. Whoever is to be shut out must not stay in for that: then only the blocking is
//! sent, and the refusal is told all the same, as of a change that is made in part.

use matricula_sdk::{Effect, FailureKind, Result};
use serde_json::{Map, Value};

use crate::canonical::edits;
use crate::client::Client;
use crate::learned::Learned;

/// The attribute that says whether an account may be used.
const ACTIVE: &str = "active";

impl Client<'_> {
    /// Makes an account as the data says; blocks it at least, where the data says so and the rest is refused.
    /// False if it was so already.
    pub(crate) fn modify_or_block(
        &self,
        learned: &Learned,
        id: &str,
        data: &Map<String, Value>,
    ) -> Result<bool> {
        let failure = match edits(self.profile, learned, data)
            .and_then(|edits| self.modify(learned, id, &edits, None))
        {
            Err(failure) => failure,
            modified => return modified,
        };
        let refused = matches!(failure.kind, FailureKind::Input | FailureKind::Conflict)
            && failure.effect == Effect::None;
        let blocks = data.get(ACTIVE) == Some(&Value::Bool(false)) && data.len() > 1;
        if !(refused && blocks) {
            return Err(failure);
        }
        let only = Map::from_iter([(ACTIVE.to_owned(), Value::Bool(false))]);
        let blocked = edits(self.profile, learned, &only)
            .and_then(|edits| self.modify(learned, id, &edits, None));
        Err(match blocked {
            Ok(_) => failure.effect(Effect::Applied),
            Err(_) => failure,
        })
    }
}
