//! Memberships, sent as changes of groups: what a target takes of a page, and what it refuses.
//!
//! A change that is refused is taken apart, so that one account which a group does not take does not keep the
//! others out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use matricula_core::group::DueMembership;
use matricula_core::{Failure, FailureKind, SourceKey, TargetId};
use serde_json::{Map, Value};

use super::keep::Keeping;
use crate::cycle::Cycle;
use crate::target::Target;
use crate::write::{Work, write};

/// The most people whom one change adds or removes.
const MEMBERS: usize = 100;

/// What became of the rows of a page.
#[derive(Default)]
pub(super) struct Page {
    pub(super) results: Vec<(DueMembership, Result<(), Failure>)>,
    /// Changes by which a group was not found.
    pub(super) unfound: Vec<Broken>,
    /// Groups that were not found by a change, and are there all the same.
    pub(super) there: HashSet<SourceKey>,
    pub(super) stop: Option<Failure>,
}

/// A change that was not accepted.
pub(super) struct Broken {
    pub(super) rows: Vec<DueMembership>,
    pub(super) failure: Failure,
}

impl Cycle<'_> {
    pub(super) async fn write_page(
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
        broken.extend(self.still_there(&mut page).await);
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
            let mut refused = self.send_members(target, singles, &mut page).await;
            refused.extend(self.still_there(&mut page).await);
            for single in refused {
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
                Some(Err(failure)) => {
                    let there = rows.iter().any(|row| page.there.contains(&row.group));
                    match failure.kind == FailureKind::NotFound && !there {
                        true => page.unfound.push(Broken { rows, failure }),
                        false => broken.push(Broken { rows, failure }),
                    }
                }
            }
        }
    }

    /// What was not found may have been a member instead of the group: taking the group for gone would forget who
    /// is in it. The changes of groups that are still there; of those that nobody can tell of, the rows stay due.
    async fn still_there(&self, page: &mut Page) -> Vec<Broken> {
        let unfound = std::mem::take(&mut page.unfound);
        let Some(groups) = self.groups.as_ref().filter(|_| page.stop.is_none()) else {
            return Vec::new();
        };
        let asked: BTreeMap<&SourceKey, (&TargetId, Option<&str>)> = unfound
            .iter()
            .filter_map(|broken| broken.rows.first())
            .map(|row| {
                let name = groups.names.get(&row.group).map(String::as_str);
                (&row.group, (&row.target, name))
            })
            .collect();
        let nothing = HashSet::new();
        match self.maker(groups, &nothing).there(&asked).await {
            Ok(there) => page.there.extend(there),
            Err(failure) => {
                page.stop = Some(failure);
                return Vec::new();
            }
        }
        let (there, gone): (Vec<_>, Vec<_>) = unfound.into_iter().partition(|broken| {
            broken
                .rows
                .iter()
                .any(|row| page.there.contains(&row.group))
        });
        page.unfound = gone;
        there
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
