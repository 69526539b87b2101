//! Making groups, or recognising them: by our identity, else by their name.
//!
//! A process that is killed after a group was made and before that was written down finds it again by its
//! identity. Of several groups with the same name none is touched. A group that is kept as another one is
//! not taken for this one, even if both have the same name in the source: whoever moved from the one to the
//! other would be taken out of both.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, stream};
use matricula_core::automation::Automation;
use matricula_core::connector::{Disposition, Found};
use matricula_core::group::Group;
use matricula_core::store::Store;
use matricula_core::{Failure, FailureKind, SourceKey, TargetId};
use serde_json::{Map, Value};

use super::Refused;
use crate::matching::parse;
use crate::target::Target;
use crate::write::{Work, ends_the_run, write};
use crate::{EngineError, hash};

/// What begins the identity of every group that is kept.
const OURS: &str = "matricula:";

/// What is needed to make groups.
pub(super) struct Maker<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) automation: &'a Automation,
    pub(super) target: &'a Arc<Target>,
    pub(super) identified: bool,
    /// Names this run in idempotency keys.
    pub(super) run: String,
    /// Groups that are taken although the store does not say so: those that a preview has counted on.
    pub(super) claimed: &'a HashSet<TargetId>,
}

/// What became of groups.
#[derive(Default)]
pub(super) struct Made {
    pub(super) groups: Vec<Group>,
    pub(super) refused: HashMap<SourceKey, Refused>,
    /// How many had been made by somebody else.
    pub(super) adopted: u64,
    /// What makes going on pointless.
    pub(super) stop: Option<Failure>,
}

/// What the target has of a group.
pub(super) enum Sight {
    None,
    /// Ours, with what it is called there.
    Ours(TargetId, String),
    /// Of that name, made by somebody else.
    Named(TargetId),
    Several(usize),
    Failed(Failure),
}

/// What became of groups that were sent.
#[derive(Default)]
struct Sent {
    /// Renamed in vain, since they are there no more.
    vanished: Vec<(SourceKey, String)>,
    fresh: Vec<Fresh>,
    /// Refused for their name.
    clashed: Vec<(Group, String)>,
}

/// A group that is said to be new, its name, and whether it was there already.
type Fresh = (Group, String, TargetId, bool);

/// The longest name of a group, in characters.
const NAME: usize = 200;

/// A name with what tells the group apart from others of that name, as the source calls it.
fn told_apart(name: &str, key: &SourceKey) -> String {
    let key = key.as_str();
    let apart = format!(" ({})", key.split_once(':').map_or(key, |(_, own)| own));
    let room = NAME.saturating_sub(apart.chars().count());
    name.chars().take(room).chain(apart.chars()).collect()
}

impl Maker<'_> {
    /// Sees to it that groups are there and have these names. One with a target is renamed; one that has
    /// vanished meanwhile is made anew.
    pub(super) async fn make(&self, open: Vec<(Group, String)>) -> Result<Made, EngineError> {
        let mut made = Made::default();
        let (named, unmade): (Vec<_>, Vec<_>) = open
            .into_iter()
            .partition(|(group, _)| group.target.is_some());
        let unmade = unmade.into_iter().map(|(group, name)| (group.key, name));
        let vanished = self.round(named, unmade.collect(), &mut made).await?;
        if made.stop.is_none() && !vanished.is_empty() {
            self.round(Vec::new(), vanished, &mut made).await?;
        }
        Ok(made)
    }

    /// Those that were renamed in vain, since they are there no more.
    async fn round(
        &self,
        mut renamed: Vec<(Group, String)>,
        unmade: Vec<(SourceKey, String)>,
        made: &mut Made,
    ) -> Result<Vec<(SourceKey, String)>, EngineError> {
        let sights = self.look(&unmade).await?;
        let mut created = Vec::new();
        for ((key, name), sight) in unmade.into_iter().zip(sights) {
            match sight {
                Sight::None => created.push((Group::new(key), name)),
                Sight::Ours(target, held) if held == name => {
                    made.groups.push(self.named(key, target, &name));
                }
                Sight::Ours(target, _) => {
                    let group = Group {
                        target: Some(target),
                        ..Group::new(key)
                    };
                    renamed.push((group, name));
                }
                Sight::Named(target) => {
                    made.adopted += 1;
                    made.groups.push(self.named(key, target, &name));
                }
                Sight::Several(count) => {
                    made.refused.insert(key, Refused::several(count));
                }
                Sight::Failed(failure) if stops(&failure) => {
                    made.stop = Some(failure);
                    return Ok(Vec::new());
                }
                Sight::Failed(failure) => {
                    made.refused.insert(key, Refused::failed(&failure));
                }
            }
        }
        let open: Vec<(Group, String)> = renamed.into_iter().chain(created).collect();
        let mut vanished = Vec::new();
        let mut open = open;
        for apart in [false, true] {
            let sent = self.send(open, apart, made).await;
            vanished.extend(sent.vanished);
            open = self.take_fresh(sent.fresh, apart, made).await?;
            open.extend(sent.clashed);
            if open.is_empty() || made.stop.is_some() {
                break;
            }
        }
        Ok(vanished)
    }

    /// Writes groups. With `apart` they have names that are told apart, since others have theirs: two supervisors may
    /// be called the same.
    async fn send(&self, open: Vec<(Group, String)>, apart: bool, made: &mut Made) -> Sent {
        let run = match apart {
            true => format!("{}:apart", self.run),
            false => self.run.clone(),
        };
        let work = open
            .iter()
            .map(|(group, name)| match apart {
                true => self.work(group, &told_apart(name, &group.key)),
                false => self.work(group, name),
            })
            .collect();
        let written = write(self.target, &run, work).await;
        made.stop = written.stop;
        let mut sent = Sent::default();
        for ((group, name), result) in open.into_iter().zip(written.results) {
            let Some(result) = result else { continue };
            let renames = group.target.is_some();
            match result {
                Ok(receipt) => match receipt.target.or(group.target) {
                    Some(target) if renames => {
                        made.groups.push(self.named(group.key, target, &name));
                    }
                    Some(target) => {
                        let adopted = receipt.disposition == Disposition::Adopted;
                        let group = self.named(group.key, target.clone(), &name);
                        sent.fresh.push((group, name, target, adopted));
                    }
                    None => {
                        let reason = "the connector made a group and did not say which";
                        let failure = Failure::new(FailureKind::Protocol, reason);
                        made.refused.insert(group.key, Refused::failed(&failure));
                    }
                },
                Err(failure) if renames && failure.kind == FailureKind::NotFound => {
                    made.groups.push(Group::new(group.key.clone()));
                    sent.vanished.push((group.key, name));
                }
                Err(failure) if !apart && failure.kind == FailureKind::Conflict => {
                    sent.clashed.push((group, name));
                }
                Err(failure) => {
                    made.refused.insert(group.key, Refused::failed(&failure));
                }
            }
        }
        sent
    }

    /// Where a service lets no two groups have one name, or an answer was lost, what is taken for a new group may
    /// be one that is kept as another. Those, unless even names that are told apart have not helped.
    async fn take_fresh(
        &self,
        fresh: Vec<Fresh>,
        apart: bool,
        made: &mut Made,
    ) -> Result<Vec<(Group, String)>, EngineError> {
        let targets: Vec<TargetId> = fresh.iter().map(|fresh| fresh.2.clone()).collect();
        let kept = self.store.kept_as(&self.automation.id, &targets).await?;
        let held = made.groups.iter().filter_map(|group| group.target.clone());
        let mut taken: HashSet<TargetId> = held.collect();
        let mut clashed = Vec::new();
        for ((group, name, target, adopted), kept) in fresh.into_iter().zip(kept) {
            let another = kept.is_some_and(|key| key != group.key) || !taken.insert(target);
            if another && !apart {
                clashed.push((Group::new(group.key), name));
            } else if another {
                let reason = "the target takes this group for another one of the same name that is kept already; \
                              nobody was put into it: give one of the two another name in the source";
                let failure = Failure::new(FailureKind::Conflict, reason);
                made.refused.insert(group.key, Refused::failed(&failure));
            } else {
                made.adopted += u64::from(adopted);
                made.groups.push(group);
            }
        }
        Ok(clashed)
    }

    fn named(&self, key: SourceKey, target: TargetId, name: &str) -> Group {
        Group {
            key,
            target: Some(target),
            name: Some(hash::text(name, self.automation.salt)),
        }
    }

    fn work(&self, group: &Group, name: &str) -> Work {
        let identity = self.identified.then(|| identity(&group.key));
        let mut data = Map::from_iter([("name".to_owned(), Value::from(name))]);
        if let (None, Some(identity)) = (&group.target, &identity) {
            data.insert("external_id".to_owned(), Value::from(identity.as_str()));
        }
        Work {
            key: group.key.clone(),
            target: group.target.clone(),
            data: Some(data),
            identity: Some(match identity {
                Some(identity) => ("external_id".to_owned(), identity),
                None => ("name".to_owned(), name.to_owned()),
            }),
        }
    }

    /// Which of these groups are there as what they are kept as: found by our identity, or by the name that a
    /// record of this run says. So is one of which the target does not tell.
    pub(super) async fn there(
        &self,
        groups: &BTreeMap<&SourceKey, (&TargetId, Option<&str>)>,
    ) -> Result<HashSet<SourceKey>, Failure> {
        let mut there = HashSet::new();
        for attribute in ["external_id", "name"] {
            let (mut asked, mut values) = (Vec::new(), Vec::new());
            for (key, (target, name)) in groups.iter().filter(|(key, _)| !there.contains(**key)) {
                let value = match attribute {
                    "name" => name.map(str::to_owned),
                    _ => self.identified.then(|| identity(key)),
                };
                if let Some(value) = value {
                    asked.push((*key, *target));
                    values.push(value);
                }
            }
            let found = self.find_all(attribute, values).await;
            for ((key, target), found) in asked.into_iter().zip(found) {
                match found {
                    Ok(found) if !found.iter().any(|found| found.target == *target) => {}
                    Err(failure) if stops(&failure) => return Err(failure),
                    _ => {
                        there.insert(key.clone());
                    }
                }
            }
        }
        Ok(there)
    }

    /// What the target has of groups that are not known yet, in their order.
    pub(super) async fn look(
        &self,
        groups: &[(SourceKey, String)],
    ) -> Result<Vec<Sight>, EngineError> {
        let mut sights: Vec<Option<Sight>> = groups.iter().map(|_| None).collect();
        if self.identified {
            let values = groups.iter().map(|(key, _)| identity(key)).collect();
            let found = self.find_all("external_id", values).await;
            for ((sight, found), (key, _)) in sights.iter_mut().zip(found).zip(groups) {
                *sight = by_identity(found, &identity(key));
            }
        }
        let unknown: Vec<(usize, &str)> = groups
            .iter()
            .enumerate()
            .filter(|(place, _)| matches!(sights.get(*place), Some(None)))
            .map(|(place, (_, name))| (place, name.as_str()))
            .collect();
        let values = unknown.iter().map(|(_, name)| (*name).to_owned()).collect();
        let mut named = Vec::new();
        for ((place, name), found) in unknown.into_iter().zip(self.find_all("name", values).await) {
            match found.and_then(|found| of_name(found, name)) {
                Ok(found) => named.push((place, found)),
                Err(failure) => put(&mut sights, place, Sight::Failed(failure)),
            }
        }
        let all: Vec<TargetId> = named.iter().flat_map(|(_, found)| found).cloned().collect();
        let kept = self.store.kept_as(&self.automation.id, &all).await?;
        let mut taken: HashSet<TargetId> = all
            .into_iter()
            .zip(kept)
            .filter_map(|(target, kept)| kept.map(|_| target))
            .chain(self.claimed.iter().cloned())
            .collect();
        for (place, mut found) in named {
            found.retain(|target| !taken.contains(target));
            let sight = match &found[..] {
                [] => Sight::None,
                [one] => {
                    taken.insert(one.clone());
                    Sight::Named(one.clone())
                }
                several => Sight::Several(several.len()),
            };
            put(&mut sights, place, sight);
        }
        let sights = sights.into_iter().map(|sight| sight.unwrap_or(Sight::None));
        Ok(sights.collect())
    }

    /// Finds groups, a list for each value. A question that fails for several values is asked for each.
    async fn find_all(
        &self,
        attribute: &str,
        values: Vec<String>,
    ) -> Vec<Result<Vec<Found>, Failure>> {
        let batch = self.target.operation.batch.max(1) as usize;
        let concurrency = self.target.operation.concurrency.max(1) as usize;
        let questions: Vec<_> = values
            .chunks(batch)
            .map(|chunk| self.find(attribute, chunk.to_vec()))
            .collect();
        let answers: Vec<Vec<_>> = stream::iter(questions)
            .buffered(concurrency)
            .collect()
            .await;
        answers.into_iter().flatten().collect()
    }

    async fn find(&self, attribute: &str, values: Vec<String>) -> Vec<Result<Vec<Found>, Failure>> {
        let failure = match self.target.find(attribute, &values).await {
            Ok(found) if found.len() == values.len() => return found.into_iter().map(Ok).collect(),
            Ok(_) => Failure::new(
                FailureKind::Protocol,
                "the connector answered for another number of groups",
            ),
            Err(failure) => failure,
        };
        if values.len() == 1 || stops(&failure) || failure.kind == FailureKind::Permission {
            return values.iter().map(|_| Err(failure.clone())).collect();
        }
        let mut found = Vec::with_capacity(values.len());
        for value in values {
            let answer = self.target.find(attribute, &[value]).await;
            found.push(answer.map(|mut answer| answer.pop().unwrap_or_default()));
        }
        found
    }
}

fn put(sights: &mut [Option<Sight>], place: usize, sight: Sight) {
    if let Some(slot) = sights.get_mut(place) {
        *slot = Some(sight);
    }
}

/// By which a group is found again.
fn identity(key: &SourceKey) -> String {
    format!("{OURS}{key}")
}

/// Whether a failure will be that of every other group as well, now.
pub(super) fn stops(failure: &Failure) -> bool {
    failure.kind.is_transient() || ends_the_run(failure)
}

fn by_identity(found: Result<Vec<Found>, Failure>, identity: &str) -> Option<Sight> {
    let found = match found {
        Ok(found) => found,
        Err(failure) => return Some(Sight::Failed(failure)),
    };
    let mut ours = Vec::new();
    for found in found {
        match parse(&found.data) {
            Ok(data) if text(&data, "external_id") == Some(identity) => {
                let name = text(&data, "name").unwrap_or_default().to_owned();
                ours.push((found.target, name));
            }
            Ok(_) => {}
            Err(failure) => return Some(Sight::Failed(failure)),
        }
    }
    match ours.len() {
        0 => None,
        1 => ours.pop().map(|(target, name)| Sight::Ours(target, name)),
        several => Some(Sight::Several(several)),
    }
}

/// Those that have exactly this name and are not kept as another group, by this store or another one.
fn of_name(found: Vec<Found>, name: &str) -> Result<Vec<TargetId>, Failure> {
    let mut named = Vec::new();
    for found in found {
        let data = parse(&found.data)?;
        let kept = text(&data, "external_id").is_some_and(|identity| identity.starts_with(OURS));
        if text(&data, "name") == Some(name) && !kept {
            named.push(found.target);
        }
    }
    Ok(named)
}

fn text<'a>(data: &'a Map<String, Value>, attribute: &str) -> Option<&'a str> {
    data.get(attribute).and_then(Value::as_str)
}
