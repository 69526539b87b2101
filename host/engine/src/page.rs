//! A page of people, planned: who needs nothing, who is settled, and what has to be written for whom.
//!
//! Shared by runs and previews. Nothing here writes to the target or to the store.

use std::collections::{HashMap, HashSet};

use matricula_core::connector::Item;
use matricula_core::link::{LeavingReason, Link, Trouble};
use matricula_core::run::{Outcome, OutcomeKind};
use matricula_core::{SourceKey, TargetId};
use matricula_flow::FieldValue;

use crate::cycle::Cycle;
use crate::matching::{Matched, Matcher};
use crate::plan::{self, Assessed, Intent, Mapped, Planner};
use crate::{EngineError, backoff};

/// A page, sorted into what needs nothing, what is settled and what has to be written.
#[derive(Default)]
pub(crate) struct Planned {
    pub(crate) untouched: Vec<OutcomeKind>,
    pub(crate) settled: Vec<(Link, Option<Outcome>, Option<OutcomeKind>)>,
    pub(crate) intents: Vec<(Intent, Option<String>)>,
}

impl Planned {
    fn settle(&mut self, link: Link, outcome: Outcome) {
        let kind = outcome.kind;
        self.settled.push((link, Some(outcome), Some(kind)));
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.settled.is_empty() && self.intents.is_empty()
    }
}

/// Plans a page: shared by runs and previews.
pub(crate) async fn plan_page(
    cycle: &Cycle<'_>,
    planner: &Planner<'_>,
    matcher: &mut Matcher,
    items: &[Item],
) -> Result<Planned, EngineError> {
    let items = last_of_each(items);
    let keys: Vec<SourceKey> = items.iter().map(|item| item.key.clone()).collect();
    let known = cycle
        .engine
        .store
        .links(&cycle.automation.id, &keys)
        .await?;

    let mut planned = Planned::default();
    let mut mapped: Vec<Mapped> = Vec::new();
    for (item, link) in items.into_iter().zip(known) {
        if item.deleted {
            if let Some(link) = link {
                planned.settled.extend(gone(planner, link));
            }
            continue;
        }
        match planner.assess(item, link) {
            Assessed::Untouched(kind) => planned.untouched.extend(kind),
            Assessed::Settled(link, outcome, kind) => planned.settled.push((*link, outcome, kind)),
            Assessed::Mapped(one) => mapped.push(*one),
        }
    }
    if mapped.is_empty() {
        return Ok(planned);
    }

    let references = resolve_references(cycle, &mapped).await?;
    let (linked, unlinked): (Vec<_>, Vec<_>) = mapped
        .into_iter()
        .partition(|mapped| mapped.link.target.is_some());
    for one in linked {
        let who = who(&one);
        planned
            .intents
            .push((planner.update(one, &references), who));
    }
    plan_unlinked(cycle, planner, matcher, unlinked, &references, &mut planned).await?;
    Ok(planned)
}

/// A page may hold somebody twice when the source changes while it is read: the later one counts.
fn last_of_each(items: &[Item]) -> Vec<&Item> {
    let mut places: HashMap<&SourceKey, usize> = HashMap::with_capacity(items.len());
    let mut unique: Vec<&Item> = Vec::with_capacity(items.len());
    for item in items {
        match places.get(&item.key) {
            Some(place) => {
                if let Some(slot) = unique.get_mut(*place) {
                    *slot = item;
                }
            }
            None => {
                places.insert(&item.key, unique.len());
                unique.push(item);
            }
        }
    }
    unique
}

/// The source says itself that somebody is gone.
fn gone(
    planner: &Planner<'_>,
    mut link: Link,
) -> Option<(Link, Option<Outcome>, Option<OutcomeKind>)> {
    if link.missed >= 2 {
        return None;
    }
    link.missed = 2;
    link.record = 0;
    link.trouble = None;
    planner.leave(
        &mut link,
        LeavingReason::Gone,
        planner.program.flow().leavers(),
    );
    Some((link, None, None))
}

/// The accounts of those whom these people refer to.
pub(crate) async fn resolve_references(
    cycle: &Cycle<'_>,
    mapped: &[Mapped],
) -> Result<HashMap<SourceKey, TargetId>, EngineError> {
    let wanted: HashSet<&SourceKey> = mapped
        .iter()
        .flat_map(|one| &one.person.fields)
        .filter_map(|field| match field {
            FieldValue::Reference(Some(key)) => Some(key),
            _ => None,
        })
        .collect();
    let wanted: Vec<SourceKey> = wanted.into_iter().cloned().collect();
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let links = cycle
        .engine
        .store
        .links(&cycle.automation.id, &wanted)
        .await?;
    Ok(links
        .into_iter()
        .flatten()
        .filter_map(|link| Some((link.key, link.target?)))
        .collect())
}

/// How an owner recognises somebody: by what the last rule matches that says anything of them, usually the e-mail
/// address.
fn who(mapped: &Mapped) -> Option<String> {
    mapped.person.matches.iter().rev().flatten().next().cloned()
}

/// Plans those who have no account yet: adopts the one that matches, or makes one.
pub(crate) async fn plan_unlinked(
    cycle: &Cycle<'_>,
    planner: &Planner<'_>,
    matcher: &mut Matcher,
    people: Vec<Mapped>,
    references: &HashMap<SourceKey, TargetId>,
    planned: &mut Planned,
) -> Result<(), EngineError> {
    let rules = planner.program.flow().match_rules();
    let values: Vec<Vec<Option<String>>> = people
        .iter()
        .map(|one| one.person.matches.clone())
        .collect();
    let matched = matcher.matches(&cycle.target, rules, &values).await?;

    let found: Vec<TargetId> = matched
        .iter()
        .filter_map(|matched| match matched {
            Matched::One(account) => Some(account.target.clone()),
            _ => None,
        })
        .collect();
    let owners = cycle
        .engine
        .store
        .linked_to(&cycle.automation.id, &found)
        .await?;
    let mut owners: HashMap<TargetId, SourceKey> = found
        .into_iter()
        .zip(owners)
        .filter_map(|(target, owner)| Some((target, owner?)))
        .collect();

    for (one, matched) in people.into_iter().zip(matched) {
        let who = who(&one);
        match matched {
            Matched::None => planned.intents.push((planner.create(one, references), who)),
            Matched::Several(count) => {
                let mut link = one.link;
                link.trouble = Some(trouble(&link, true, planner));
                let reason = format!(
                    "{count} accounts match; nothing was written: keep one of them, or give the right one this \
                     person's external id"
                );
                let outcome = plan::outcome(&link, OutcomeKind::Ambiguous, "ambiguous", reason);
                planned.settle(link, outcome);
            }
            Matched::One(account) => {
                let target = account.target.clone();
                if let Some(owner) = owners.get(&target).filter(|owner| **owner != one.link.key) {
                    let Some(former) =
                        take_over(cycle, planner, &one, (owner, &target), planned).await?
                    else {
                        continue;
                    };
                    // What this page had planned for the former owner is void with the account.
                    let former = planned
                        .intents
                        .extract_if(.., |(intent, _)| intent.link.key == former.key)
                        .map(|(intent, _)| Link {
                            target: None,
                            leaving: None,
                            ..intent.before
                        })
                        .last()
                        .unwrap_or(former);
                    planned.settled.push((former, None, None));
                }
                owners.insert(target, one.link.key.clone());
                planned
                    .intents
                    .push((planner.adopt(one, account, references), who));
            }
        }
    }
    Ok(())
}

/// The account that matches belongs to another person of the source already. If that one has left, this is
/// a rehire under a new record: the account changes hands. Otherwise nothing is written.
async fn take_over(
    cycle: &Cycle<'_>,
    planner: &Planner<'_>,
    one: &Mapped,
    (owner, target): (&SourceKey, &TargetId),
    planned: &mut Planned,
) -> Result<Option<Link>, EngineError> {
    let owner = cycle
        .engine
        .store
        .links(&cycle.automation.id, std::slice::from_ref(owner))
        .await?
        .into_iter()
        .flatten()
        .next();
    let mut link = one.link.clone();
    match owner {
        Some(mut former)
            if !former.active && former.target.as_ref() == Some(target) && one.standing.allowed =>
        {
            former.target = None;
            former.leaving = None;
            return Ok(Some(former));
        }
        Some(_) if !one.standing.allowed => {
            link.trouble = None;
            let reason = "the account belongs to another record of the same person, who may not come in by \
                          this one now";
            let outcome = plan::outcome(&link, OutcomeKind::Skipped, "superseded", reason);
            planned.settle(link, outcome);
        }
        _ => {
            link.trouble = Some(trouble(&link, false, planner));
            let reason = "the matching account belongs to another person of the source; two records share \
                          an identity: correct one of them there";
            let outcome = plan::outcome(&link, OutcomeKind::Failed, "account-taken", reason);
            planned.settle(link, outcome);
        }
    }
    Ok(None)
}

fn trouble(link: &Link, ambiguous: bool, planner: &Planner<'_>) -> Trouble {
    let attempts = link.trouble.as_ref().map_or(0, |trouble| trouble.attempts) + 1;
    Trouble {
        ambiguous,
        attempts,
        not_before: Some(backoff::retry_at(planner.now, attempts)),
    }
}
