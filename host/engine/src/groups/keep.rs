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
use serde_json::{Map, Value};

use super::Refused;
use crate::cycle::Cycle;
use crate::observe::Event;
use crate::plan;
use crate::target::Target;
use crate::write::{Work, write};
use crate::{EngineError, backoff, hash};

/// Memberships in hand at a time.
const ROWS: u32 = 1000;

/// The most people whom one change adds or removes.
const MEMBERS: usize = 100;

/// Where to go on: after this group and person.
type Cursor = Option<(SourceKey, SourceKey)>;

/// What this step has learnt.
struct Keeping {
    /// When it began. What fails is not tried again in the same step, however long that takes.
    now: Timestamp,
    /// Who was told of a membership that was written.
    written: HashSet<u64>,
    /// Who was told of one that could not be.
    failed: HashSet<u64>,
    /// Groups that take nobody.
    closed: HashMap<SourceKey, Failure>,
    /// Groups that were made anew.
    remade: HashSet<SourceKey>,
}

/// What became of the rows of a page.
#[derive(Default)]
struct Page {
    results: Vec<(DueMembership, Result<(), Failure>)>,
    /// Groups that are there no more, with the rows that found that out.
    vanished: HashMap<SourceKey, Vec<DueMembership>>,
    stop: Option<Failure>,
}

/// A change that was not accepted.
struct Broken {
    rows: Vec<DueMembership>,
    failure: Failure,
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

    async fn write_page(
        &self,
        target: &Arc<Target>,
        keeping: &mut Keeping,
        rows: Vec<DueMembership>,
    ) -> Page {
        let mut page = Page::default();
        let mut changes: Vec<Vec<DueMembership>> = Vec::new();
        for row in rows {
            if let Some(failure) = keeping.closed.get(&row.group) {
                page.results.push((row, Err(failure.clone())));
                continue;
            }
            match changes.last_mut() {
                Some(change)
                    if change.len() < MEMBERS
                        && change.last().is_some_and(|last| last.group == row.group) =>
                {
                    change.push(row);
                }
                _ => changes.push(vec![row]),
            }
        }
        let mut broken = self.send_members(target, changes, &mut page).await;
        // The first of each group is taken apart. Only if that shows that the group takes somebody are the others.
        while page.stop.is_none() && !broken.is_empty() {
            let mut groups = HashSet::new();
            let (first, rest): (Vec<_>, Vec<_>) =
                broken
                    .into_iter()
                    .partition(|broken| match broken.rows.first() {
                        Some(row) => groups.insert(row.group.clone()),
                        None => false,
                    });
            let mut singles = Vec::new();
            for broken in first {
                if broken.rows.len() == 1 || broken.failure.kind == FailureKind::Permission {
                    let failure = broken.failure;
                    let failed = broken
                        .rows
                        .into_iter()
                        .map(|row| (row, Err(failure.clone())));
                    page.results.extend(failed);
                } else {
                    singles.extend(broken.rows.into_iter().map(|row| vec![row]));
                }
            }
            for single in self.send_members(target, singles, &mut page).await {
                let failure = single.failure;
                let failed = single
                    .rows
                    .into_iter()
                    .map(|row| (row, Err(failure.clone())));
                page.results.extend(failed);
            }
            let takes: HashSet<&SourceKey> = page
                .results
                .iter()
                .filter(|(_, result)| result.is_ok())
                .map(|(row, _)| &row.group)
                .collect();
            let (open, closed): (Vec<_>, Vec<_>) = rest
                .into_iter()
                .partition(|broken| broken.rows.iter().all(|row| takes.contains(&row.group)));
            for broken in closed {
                for row in broken.rows {
                    keeping
                        .closed
                        .insert(row.group.clone(), broken.failure.clone());
                    page.results.push((row, Err(broken.failure.clone())));
                }
            }
            broken = open;
        }
        page
    }

    /// Sends changes, of each group one after the other, since a service that reads and writes back what it has
    /// would lose one of two; those that were not accepted.
    async fn send_members(
        &self,
        target: &Arc<Target>,
        changes: Vec<Vec<DueMembership>>,
        page: &mut Page,
    ) -> Vec<Broken> {
        let mut rounds: Vec<Vec<Vec<DueMembership>>> = Vec::new();
        let mut of_group: HashMap<SourceKey, usize> = HashMap::new();
        for change in changes {
            let Some(first) = change.first() else {
                continue;
            };
            let round = of_group.entry(first.group.clone()).or_default();
            match rounds.get_mut(*round) {
                Some(others) => others.push(change),
                None => rounds.push(vec![change]),
            }
            *round += 1;
        }
        let mut broken = Vec::new();
        for round in rounds {
            // What is never tried stays due.
            if page.stop.is_some() {
                break;
            }
            self.send_round(target, round, page, &mut broken).await;
        }
        broken
    }

    /// Sends one change of each group.
    async fn send_round(
        &self,
        target: &Arc<Target>,
        changes: Vec<Vec<DueMembership>>,
        page: &mut Page,
        broken: &mut Vec<Broken>,
    ) {
        let work = changes.iter().filter_map(|rows| change(rows)).collect();
        let written = write(target, &self.run_key(), work).await;
        page.stop = written.stop;
        for (rows, result) in changes.into_iter().zip(written.results) {
            match result {
                None => {}
                Some(Ok(_)) => page
                    .results
                    .extend(rows.into_iter().map(|row| (row, Ok(())))),
                Some(Err(failure)) if failure.kind == FailureKind::NotFound => {
                    if let Some(first) = rows.first() {
                        let group = first.group.clone();
                        page.vanished.entry(group).or_default().extend(rows);
                    }
                }
                Some(Err(failure)) => broken.push(Broken { rows, failure }),
            }
        }
    }

    /// Writes down what became of a page; where to go on instead of after it, if groups were made anew.
    async fn record_page(
        &mut self,
        keeping: &mut Keeping,
        page: Page,
    ) -> Result<Cursor, EngineError> {
        let mut links = Vec::new();
        let mut outcomes = Vec::new();
        for (row, result) in page.results {
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
        let (again, stop) = self
            .make_anew(keeping, page.vanished, &mut outcomes)
            .await?;
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
        if let Some(groups) = &mut self.groups {
            groups.refused.clear();
        }
        let tried: Vec<SourceKey> = named.iter().map(|(group, _)| group.key.clone()).collect();
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

    /// Counts somebody of whom nothing has been told yet; a full read has counted the person as what the link says.
    fn recount(&mut self, link: &Link, kind: OutcomeKind) {
        if self.run.cycle == CycleKind::Full
            && link.missed == 0
            && let Some(former) = self.planner().standing_outcome(link)
        {
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

/// The change that these rows of one group ask for. A row with both is taken out first.
fn change(rows: &[DueMembership]) -> Option<Work> {
    let first = rows.first()?;
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for row in rows {
        match (&row.remove, &row.add) {
            (Some(member), _) => remove.push(Value::from(member.as_str())),
            (None, Some(member)) => add.push(Value::from(member.as_str())),
            (None, None) => {}
        }
    }
    let data = [("add", add), ("remove", remove)]
        .into_iter()
        .filter(|(_, members)| !members.is_empty())
        .map(|(name, members)| (name.to_owned(), Value::Array(members)));
    Some(Work {
        key: first.group.clone(),
        target: Some(first.target.clone()),
        data: Some(Map::from_iter(data)),
        identity: None,
    })
}

fn gone() -> Refused {
    Refused::failed(&Failure::new(
        FailureKind::NotFound,
        "the group no longer exists at the target; it is made anew in the next full cycle",
    ))
}
