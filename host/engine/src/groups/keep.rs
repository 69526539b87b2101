//! Who is put into groups and taken out of them.
//!
//! The rows that are due come by group, so that many people of one group are one request. What is about to be
//! sent is noted before: whoever asks again after a kill, or after the record has changed once more, must
//! not believe that nothing was sent. Adding somebody who is in and removing somebody who is not is no error,
//! so a request whose answer was lost is repeated.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use matricula_core::group::{DueMembership, Group, MembershipWrite};
use matricula_core::link::{Link, Trouble};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind};
use matricula_core::store::LinkWrite;
use matricula_core::{Effect, Failure, FailureKind, SourceKey};

use super::Refused;
use super::change::Page;
use crate::cycle::Cycle;
use crate::observe::Event;
use crate::plan;
use crate::{EngineError, backoff, hash};

/// Memberships in hand at a time.
const ROWS: u32 = 1000;

/// Where to go on: after this group and person.
type Cursor = Option<(SourceKey, SourceKey)>;

/// What this step has learnt.
pub(super) struct Keeping {
    /// When it began. What fails is not tried again in the same step, however long that takes.
    now: Timestamp,
    /// Who was told of a membership that was written.
    written: HashSet<u64>,
    /// Who was told of one that could not be.
    failed: HashSet<u64>,
    /// Groups that take nobody.
    pub(super) closed: HashMap<SourceKey, Failure>,
    /// Groups that were made anew.
    remade: HashSet<SourceKey>,
}

impl Cycle<'_> {
    /// Writes every membership that is due.
    pub(crate) async fn keep_groups(&mut self) -> Result<(), EngineError> {
        let Some(target) = self
            .groups
            .as_ref()
            .map(|groups| Arc::clone(&groups.target))
        else {
            return Ok(());
        };
        let mut keeping = Keeping {
            now: self.engine.clock.now(),
            written: HashSet::new(),
            failed: HashSet::new(),
            closed: HashMap::new(),
            remade: HashSet::new(),
        };
        let mut after: Cursor = None;
        loop {
            let rows = self
                .engine
                .store
                .memberships_due(
                    &self.automation.id,
                    keeping.now,
                    after.as_ref().map(|(group, key)| (group, key)),
                    ROWS,
                )
                .await?;
            let Some(last) = rows.last() else {
                return Ok(());
            };
            let next = Some((last.group.clone(), last.link.key.clone()));
            // An account that took the place of another is put in once that one is out.
            let twice = rows
                .iter()
                .any(|row| row.add.is_some() && row.remove.is_some());
            let rows = self.note_intents(rows).await?;
            let page = self.write_page(&target, &mut keeping, rows).await;
            let again = self.record_page(&mut keeping, page).await?;
            after = match again {
                Some(again) if twice => after.min(Some(again)),
                Some(again) => Some(again),
                None if twice => after,
                None => next,
            };
        }
    }

    /// Commits what is about to be sent; the rows for which something is.
    async fn note_intents(
        &mut self,
        rows: Vec<DueMembership>,
    ) -> Result<Vec<DueMembership>, EngineError> {
        let mut open = Vec::with_capacity(rows.len());
        for row in rows {
            let member = row.remove.as_ref().map_or(&row.add, |_| &row.member);
            // Where nothing is sent, the account is there no more, and nothing is left to be known.
            let sent = row.add.is_some() || row.remove.is_some();
            self.group_changes.memberships.push(MembershipWrite {
                member: member.clone(),
                sure: !sent,
                attempts: row.attempts,
                ..settled(&row)
            });
            if sent {
                open.push(row);
            }
        }
        self.commit(Vec::new(), Vec::new()).await?;
        Ok(open)
    }

    /// Writes down what became of a page; where to go on instead of after it, if groups were made anew.
    async fn record_page(
        &mut self,
        keeping: &mut Keeping,
        page: Page,
    ) -> Result<Cursor, EngineError> {
        let mut links = Vec::new();
        let mut outcomes = Vec::new();
        let mut vanished: HashMap<SourceKey, Vec<DueMembership>> = HashMap::new();
        for row in page.unfound.into_iter().flat_map(|broken| broken.rows) {
            vanished.entry(row.group.clone()).or_default().push(row);
        }
        for (row, result) in page.results {
            // Whoever was put into it before it vanished is in no group.
            if let Some(rows) = vanished.get_mut(&row.group) {
                rows.push(row);
                continue;
            }
            match result {
                Ok(()) => {
                    let member = row.add.clone().filter(|_| row.remove.is_none());
                    self.group_changes.memberships.push(MembershipWrite {
                        member,
                        ..settled(&row)
                    });
                    outcomes.extend(self.tell_written(keeping, &row.link));
                }
                Err(failure) => {
                    let attempts = row.attempts + 1;
                    let not_before = Some(backoff::retry_at(self.engine.clock.now(), attempts));
                    let known = failure.effect == Effect::None;
                    let member = match (known, &row.remove) {
                        (false, None) => row.add.clone(),
                        _ => row.member.clone(),
                    };
                    self.group_changes.memberships.push(MembershipWrite {
                        member,
                        sure: known && row.sure,
                        attempts,
                        not_before,
                        ..settled(&row)
                    });
                    outcomes.extend(self.tell_failed(
                        keeping,
                        &row.link,
                        &Refused::failed(&failure),
                    ));
                    // Of somebody whom the source has no more there is no record to try again.
                    if row.link.missed == 0 {
                        links.push(in_trouble(row.link, attempts, not_before));
                    }
                }
            }
        }
        let (again, stop) = self.make_anew(keeping, vanished, &mut outcomes).await?;
        self.commit(links, outcomes).await?;
        match page.stop.or(stop) {
            Some(failure) => Err(failure.into()),
            None => Ok(again),
        }
    }

    /// Groups that somebody has removed at the target: made anew at once where a record of this run says what
    /// they are called, else by the next cycle, which is a full one.
    async fn make_anew(
        &mut self,
        keeping: &mut Keeping,
        vanished: HashMap<SourceKey, Vec<DueMembership>>,
        outcomes: &mut Vec<Outcome>,
    ) -> Result<(Cursor, Option<Failure>), EngineError> {
        let mut named = Vec::new();
        let mut unmade: HashMap<SourceKey, Refused> = HashMap::new();
        for key in vanished.keys() {
            self.group_changes.groups.push(Group::new(key.clone()));
            let name = self
                .groups
                .as_ref()
                .and_then(|groups| groups.names.get(key));
            match name.filter(|_| !keeping.remade.contains(key)) {
                Some(name) => named.push((Group::new(key.clone()), name.clone())),
                None => {
                    self.group_changes.reread.push(key.clone());
                    unmade.insert(key.clone(), gone());
                }
            }
        }
        let tried: Vec<SourceKey> = named.iter().map(|(group, _)| group.key.clone()).collect();
        if let Some(groups) = &mut self.groups {
            groups.refused.retain(|key, _| !tried.contains(key));
        }
        let stop = self.settle_groups(named).await?;
        let mut again: Cursor = None;
        for key in tried {
            let refused = self
                .groups
                .as_ref()
                .and_then(|groups| groups.refused.get(&key));
            if let Some(refused) = refused {
                self.group_changes.reread.push(key.clone());
                unmade.insert(key, refused.clone());
            } else if stop.is_none() {
                let begin = (key.clone(), SourceKey::new(""));
                again = Some(again.map_or(begin.clone(), |again| again.min(begin)));
                keeping.remade.insert(key);
            } else {
                self.group_changes.reread.push(key);
            }
        }
        for (key, refused) in unmade {
            // Whoever was to be taken out is out.
            let rows = vanished.get(&key).into_iter().flatten();
            for row in rows.filter(|row| row.add.is_some()) {
                outcomes.extend(self.tell_failed(keeping, &row.link, &refused));
            }
        }
        Ok((again, stop))
    }

    /// Somebody whose groups were changed counts as updated, unless something else is told of the same person.
    fn tell_written(&mut self, keeping: &mut Keeping, link: &Link) -> Option<Outcome> {
        let key = hash::key(&link.key);
        if !keeping.written.insert(key) {
            return None;
        }
        match self.told.get(&key) {
            None => self.recount(link, OutcomeKind::Updated),
            Some(OutcomeKind::Unchanged) => self.count(&link.key, OutcomeKind::Updated),
            Some(OutcomeKind::Updated) => {}
            Some(_) => return None,
        }
        let outcome = Outcome {
            key: link.key.clone(),
            target: link.target.clone(),
            kind: OutcomeKind::Updated,
            code: None,
            reason: None,
            changed: vec!["groups".to_owned()],
        };
        self.observer.event(&Event::Outcome(&outcome));
        Some(outcome)
    }

    fn tell_failed(
        &mut self,
        keeping: &mut Keeping,
        link: &Link,
        refused: &Refused,
    ) -> Option<Outcome> {
        let key = hash::key(&link.key);
        if !keeping.failed.insert(key) {
            return None;
        }
        match self.told.contains_key(&key) {
            true => self.count(&link.key, refused.kind),
            false => self.recount(link, refused.kind),
        }
        let outcome = plan::outcome(link, refused.kind, refused.code, refused.reason.clone());
        self.observer.event(&Event::Outcome(&outcome));
        Some(outcome)
    }

    /// Counts somebody of whom nothing has been told yet; whoever was read has been counted as what the link says.
    fn recount(&mut self, link: &Link, kind: OutcomeKind) {
        let read = match self.run.cycle {
            CycleKind::Full => link.missed == 0,
            CycleKind::Incremental => self.met.contains(&hash::key(&link.key)),
        };
        if read && let Some(former) = self.planner().standing_outcome(link) {
            self.run.counts.take(former);
        }
        self.count(&link.key, kind);
    }
}

fn in_trouble(mut link: Link, attempts: u32, not_before: Option<Timestamp>) -> LinkWrite {
    link.trouble.get_or_insert(Trouble {
        ambiguous: false,
        attempts,
        not_before,
    });
    LinkWrite {
        link,
        references: None,
        resolved: Vec::new(),
    }
}

/// A row whose account is in no group, for certain.
fn settled(row: &DueMembership) -> MembershipWrite {
    MembershipWrite {
        key: row.link.key.clone(),
        group: row.group.clone(),
        member: None,
        sure: true,
        attempts: 0,
        not_before: None,
    }
}

fn gone() -> Refused {
    Refused::failed(&Failure::new(
        FailureKind::NotFound,
        "the group no longer exists at the target; it is made anew in the next full cycle",
    ))
}
