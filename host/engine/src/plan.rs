//! What is to be done with one person: pure functions from a record, a link and an account to a verdict.
//!
//! Least writes: only attributes whose hash differs from what was last applied are written. Absent is not
//! empty: an attribute that could not be read is left alone at the target. Losing access is never written
//! here; it is noted in the link for the guard, which sees all of a cycle's deactivations together.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use matricula_core::connector::Item;
use matricula_core::link::{
    Access, Decision, Leaving, LeavingAction, LeavingReason, Link, PendingReference, Trouble,
};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::{SourceKey, TargetId};
use matricula_flow::access::{Standing, standing};
use matricula_flow::{AccessValues, FieldValue, Leavers, Person, Program, Reading};
use serde_json::{Map, Value};

use crate::hash;

/// What everybody of a cycle is planned by.
pub(crate) struct Planner<'a> {
    pub(crate) program: &'a Program,
    /// The boolean attribute for access, if the operation has one.
    pub(crate) active: Option<&'a str>,
    /// Attributes that the target does not offer.
    pub(crate) unavailable: HashSet<&'a str>,
    pub(crate) salt: u64,
    pub(crate) basis: u128,
    pub(crate) now: Timestamp,
}

/// The first look at a record.
pub(crate) enum Assessed {
    /// As it was dealt with before. None: the guard counts the person.
    Untouched(Option<OutcomeKind>),
    /// Dealt with without the target.
    Settled(Box<Link>, Option<Outcome>, Option<OutcomeKind>),
    /// To be mapped onto an account.
    Mapped(Box<Mapped>),
}

/// Somebody who is in scope and whose values are known.
pub(crate) struct Mapped {
    pub(crate) link: Link,
    pub(crate) person: Person,
    pub(crate) standing: Standing,
}

/// An account that exists already.
pub(crate) struct Account {
    pub(crate) target: TargetId,
    pub(crate) data: Map<String, Value>,
}

/// What is to be done at the target.
pub(crate) struct Intent {
    /// The link as it is once the write has succeeded.
    pub(crate) link: Link,
    /// The link as it was, with the record's hash: what is kept if the write fails.
    pub(crate) before: Link,
    /// What is written; empty: nothing needs to be.
    pub(crate) data: Map<String, Value>,
    pub(crate) kind: OutcomeKind,
    pub(crate) code: Option<&'static str>,
    pub(crate) adopts: bool,
    pub(crate) references: Vec<PendingReference>,
    /// Finds the account again if nobody knows whether it was made.
    pub(crate) identity: Option<(String, String)>,
    pub(crate) person: Person,
    pub(crate) standing: Standing,
    /// What an adopted account holds.
    pub(crate) held: Option<Map<String, Value>>,
}

impl Intent {
    /// Whether the guard will count the person.
    pub(crate) fn is_leaving(&self) -> bool {
        is_leaving(&self.link)
    }

    /// Names of the attributes that are written.
    pub(crate) fn changed(&self) -> Vec<String> {
        self.data.keys().cloned().collect()
    }
}

/// Whether the guard counts this person.
pub(crate) fn is_leaving(link: &Link) -> bool {
    link.leaving
        .as_ref()
        .is_some_and(|leaving| leaving.decision != Decision::Discarded)
}

/// An outcome without changes.
pub(crate) fn outcome(
    link: &Link,
    kind: OutcomeKind,
    code: &str,
    reason: impl Into<String>,
) -> Outcome {
    Outcome {
        key: link.key.clone(),
        target: link.target.clone(),
        kind,
        code: Some(code.to_owned()),
        reason: Some(reason.into()),
        changed: Vec::new(),
    }
}

impl Planner<'_> {
    /// Looks at a record: is it as it was, can it be evaluated, is it in scope?
    pub(crate) fn assess(&self, item: &Item, known: Option<Link>) -> Assessed {
        let record = hash::record(&item.data, self.basis, self.salt);
        let mut link = match known {
            Some(link) if self.is_settled(&link, record) => {
                return Assessed::Untouched(self.standing_outcome(&link));
            }
            Some(link) => link,
            None => Link::new(item.key.clone()),
        };
        link.record = record;
        link.missed = 0;

        let parsed = serde_json::from_str::<Value>(&item.data);
        let evaluated = match &parsed {
            Ok(record) => self
                .program
                .evaluate(record)
                .map_err(|error| (error.code, error.message)),
            Err(_) => {
                let reason = "the connector passed a record that is no JSON";
                Err(("unreadable", reason.to_owned()))
            }
        };
        let person = match evaluated {
            Ok(person) => person,
            Err((code, message)) => {
                let attempts = link.trouble.as_ref().map_or(0, |trouble| trouble.attempts) + 1;
                // Only another record can help.
                link.trouble = Some(Trouble {
                    ambiguous: false,
                    attempts,
                    not_before: None,
                });
                if let Some(access) = parsed.ok().and_then(|r| self.program.access_of(&r).ok()) {
                    self.follow_access(&mut link, &access);
                }
                let outcome = outcome(&link, OutcomeKind::Failed, code, message);
                return Assessed::Settled(Box::new(link), Some(outcome), Some(OutcomeKind::Failed));
            }
        };

        link.in_scope = person.in_scope;
        if !person.in_scope {
            link.trouble = None;
            self.leave(
                &mut link,
                LeavingReason::OutOfScope,
                self.program.flow().leavers(),
            );
            let outcome = outcome(
                &link,
                OutcomeKind::Skipped,
                "out-of-scope",
                "the flow's scope leaves this person out",
            );
            return self.settle(link, outcome);
        }
        let standing = self.follow_access(&mut link, &person.access);
        Assessed::Mapped(Box::new(Mapped {
            link,
            person,
            standing,
        }))
    }

    fn settle(&self, link: Link, outcome: Outcome) -> Assessed {
        let kind = (!is_leaving(&link)).then_some(outcome.kind);
        Assessed::Settled(Box::new(link), Some(outcome), kind)
    }

    /// Takes over what the record says of access, and notes that somebody loses it. The note is kept even
    /// if what else is to be written for this person fails.
    fn follow_access(&self, link: &mut Link, access: &AccessValues) -> Standing {
        merge_access(&mut link.access, access);
        let standing = standing(&link.access, self.now);
        link.access_changes_at = standing.changes_at;
        let by_date = |leaving: &Leaving| {
            !matches!(
                leaving.reason,
                LeavingReason::Gone | LeavingReason::OutOfScope
            )
        };
        if standing.allowed && link.leaving.as_ref().is_some_and(by_date) {
            link.leaving = None;
        }
        if !standing.allowed && self.active.is_some() {
            let reason = standing.reason.unwrap_or(LeavingReason::Barred);
            self.leave(link, reason, self.program.flow().leavers());
        }
        standing
    }

    /// Whether the record needs no second look.
    fn is_settled(&self, link: &Link, record: u128) -> bool {
        let date_has_come = link.access_changes_at.is_some_and(|at| at <= self.now);
        let retry_is_due = link
            .trouble
            .as_ref()
            .and_then(|trouble| trouble.not_before)
            .is_some_and(|at| at <= self.now);
        link.record == record && link.missed == 0 && !date_has_come && !retry_is_due
    }

    /// What somebody counts as of whom nothing has changed.
    pub(crate) fn standing_outcome(&self, link: &Link) -> Option<OutcomeKind> {
        if is_leaving(link) {
            return None;
        }
        Some(match &link.trouble {
            Some(trouble) if trouble.ambiguous => OutcomeKind::Ambiguous,
            Some(_) => OutcomeKind::Failed,
            None if !link.in_scope || link.target.is_none() => OutcomeKind::Skipped,
            None => OutcomeKind::Unchanged,
        })
    }

    /// Notes that somebody loses access. An owner's decision about the same thing stands.
    pub(crate) fn leave(&self, link: &mut Link, reason: LeavingReason, leavers: Leavers) {
        let action = match (reason, leavers) {
            (LeavingReason::Gone | LeavingReason::OutOfScope, Leavers::Keep) => return,
            (LeavingReason::Gone | LeavingReason::OutOfScope, Leavers::Delete) => {
                LeavingAction::Delete
            }
            _ => LeavingAction::Block,
        };
        let nothing_to_take = match action {
            LeavingAction::Block => !link.active || self.active.is_none(),
            LeavingAction::Delete => false,
        };
        if link.target.is_none() || nothing_to_take {
            link.leaving = None;
            return;
        }
        let same = link
            .leaving
            .as_ref()
            .is_some_and(|l| l.action == action && l.reason == reason);
        if !same {
            link.leaving = Some(Leaving {
                action,
                reason,
                decision: Decision::Open,
            });
        }
    }

    /// What is to be done for somebody who has an account already.
    pub(crate) fn update(
        &self,
        mapped: Mapped,
        references: &HashMap<SourceKey, TargetId>,
    ) -> Intent {
        self.bring_up_to_date(mapped, None, references)
    }

    /// What is to be done to take over an account that was found.
    pub(crate) fn adopt(
        &self,
        mut mapped: Mapped,
        account: Account,
        references: &HashMap<SourceKey, TargetId>,
    ) -> Intent {
        mapped.link.active = self
            .active
            .and_then(|name| account.data.get(name))
            .and_then(Value::as_bool)
            .unwrap_or(true);
        mapped.link.target = Some(account.target);
        let mut intent = self.bring_up_to_date(mapped, Some(&account.data), references);
        intent.held = Some(account.data);
        intent
    }

    fn bring_up_to_date(
        &self,
        mapped: Mapped,
        account: Option<&Map<String, Value>>,
        references: &HashMap<SourceKey, TargetId>,
    ) -> Intent {
        let Mapped {
            mut link,
            person,
            standing,
        } = mapped;
        let before = link.clone();
        link.trouble = None;
        let mut data = Map::new();
        let mut pending = Vec::new();
        self.each_value(
            &person,
            references,
            &mut pending,
            false,
            |name, tag, value| {
                let hash = hash::value(&value, self.salt);
                let same = match account {
                    Some(held) => held.get(name).unwrap_or(&Value::Null) == &value,
                    None => link.applied.get(tag) == Some(hash),
                };
                link.applied.set(tag, hash);
                if !same {
                    data.insert(name.to_owned(), value);
                }
            },
        );

        let mut kind = if data.is_empty() {
            OutcomeKind::Unchanged
        } else {
            OutcomeKind::Updated
        };
        if let Some(active) = self.active {
            match (standing.allowed, link.active) {
                (true, false) => {
                    data.insert(active.to_owned(), Value::Bool(true));
                    link.active = true;
                    link.leaving = None;
                    kind = OutcomeKind::Reactivated;
                }
                (true, true) => link.leaving = None,
                (false, _) => self.leave(
                    &mut link,
                    standing.reason.unwrap_or(LeavingReason::Barred),
                    self.program.flow().leavers(),
                ),
            }
        }
        let adopts = account.is_some();
        if adopts && kind == OutcomeKind::Unchanged {
            kind = OutcomeKind::Updated;
        }
        Intent {
            link,
            before,
            data,
            kind,
            code: adopts.then_some("adopted"),
            adopts,
            references: pending,
            identity: None,
            person,
            standing,
            held: None,
        }
    }

    /// What is to be done for somebody who has no account.
    pub(crate) fn create(
        &self,
        mapped: Mapped,
        references: &HashMap<SourceKey, TargetId>,
    ) -> Intent {
        let Mapped {
            mut link,
            person,
            standing,
        } = mapped;
        let before = link.clone();
        link.trouble = None;
        link.leaving = None;
        link.applied = Default::default();
        let mut data = Map::new();
        let mut pending = Vec::new();
        self.each_value(
            &person,
            references,
            &mut pending,
            true,
            |name, tag, value| {
                link.applied.set(tag, hash::value(&value, self.salt));
                if !value.is_null() {
                    data.insert(name.to_owned(), value);
                }
            },
        );
        let mut code = None;
        link.active = true;
        if let Some(active) = self.active {
            link.active = standing.allowed;
            data.insert(active.to_owned(), Value::Bool(standing.allowed));
            code = (!standing.allowed).then(|| blocked_code(standing.reason));
        }
        let identity = self
            .program
            .flow()
            .match_rules()
            .iter()
            .zip(&person.matches)
            .find_map(|(attribute, value)| Some((attribute.clone(), value.clone()?)));
        Intent {
            link,
            before,
            data,
            kind: OutcomeKind::Created,
            code,
            adopts: false,
            references: pending,
            identity,
            person,
            standing,
            held: None,
        }
    }

    /// Every value that the target can take, references resolved; those that cannot be go to `pending`. `making`: the
    /// account is made with them, and not changed.
    fn each_value(
        &self,
        person: &Person,
        references: &HashMap<SourceKey, TargetId>,
        pending: &mut Vec<PendingReference>,
        making: bool,
        mut each: impl FnMut(&str, u32, Value),
    ) {
        for (spec, field) in self.program.flow().fields().iter().zip(&person.fields) {
            if self.unavailable.contains(spec.name.as_str()) || spec.initial && !making {
                continue;
            }
            let value = match field {
                FieldValue::Absent => continue,
                FieldValue::Value(value) => value.clone(),
                FieldValue::Reference(None) => Value::Null,
                FieldValue::Reference(Some(key)) => match references.get(key) {
                    Some(target) => Value::String(target.as_str().to_owned()),
                    None => {
                        pending.push(PendingReference {
                            attribute: spec.name.clone(),
                            wants: key.clone(),
                        });
                        continue;
                    }
                },
            };
            each(&spec.name, spec.tag, value);
        }
    }
}

/// Takes over what could be read; what could not keeps what was known before.
fn merge_access(access: &mut Access, read: &AccessValues) {
    if let Reading::Known(from) = &read.from {
        access.from = *from;
    }
    access.until.resize(read.until.len(), None);
    for (known, read) in access.until.iter_mut().zip(&read.until) {
        if let Reading::Known(until) = read {
            *known = *until;
        }
    }
    if let Reading::Known(barred) = &read.barred {
        access.barred = *barred;
    }
    access.last_day_open = read.last_day_open;
    access.zone.clone_from(&read.zone);
}

/// The code of an outcome by which somebody has no access.
pub(crate) fn blocked_code(reason: Option<LeavingReason>) -> &'static str {
    match reason {
        Some(LeavingReason::StartPending) => "start-pending",
        Some(LeavingReason::EndReached) => "end-reached",
        Some(LeavingReason::OutOfScope) => "out-of-scope",
        Some(LeavingReason::Gone) => "gone",
        Some(LeavingReason::Barred) | None => "barred",
    }
}

/// What an owner reads for a code.
pub(crate) fn explain(code: &str) -> Option<&'static str> {
    Some(match code {
        "start-pending" => "blocked until the contract begins",
        "end-reached" => "blocked because the contract's end has been reached",
        "out-of-scope" => "the flow's scope no longer takes this person in",
        "gone" => "missing from two successive complete reads of the source",
        "barred" => "blocked because the record in the source says so",
        "adopted" => "an existing account was found and is kept up to date from now on",
        _ => return None,
    })
}
