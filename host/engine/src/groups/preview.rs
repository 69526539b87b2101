//! What a cycle would do about groups.
//!
//! The store has hashes of names, so a group that somebody would leave is called by its name only where a
//! record that was read says it.

use std::collections::{BTreeMap, HashMap, HashSet};

use matricula_core::group::{Membership, kind};
use matricula_core::run::OutcomeKind;
use matricula_core::{SourceKey, TargetId, Text};
use matricula_flow::Reading;
use serde_json::Value;

use super::make::Sight;
use super::{Groups, Refused, adopted, belongs, needs};
use crate::cycle::Cycle;
use crate::observe::Change;
use crate::plan::Intent;
use crate::{EngineError, hash};

/// What a cycle would do about one person's groups.
#[derive(Default)]
pub(crate) struct Foreseen {
    pub(crate) changes: Vec<Change>,
    /// Why the person would be told that something is wrong.
    pub(crate) refused: Option<Refused>,
}

/// What has been learnt of the groups that a cycle would need.
#[derive(Default)]
pub(crate) struct Forecast {
    /// What records call groups.
    names: BTreeMap<SourceKey, String>,
    /// Groups that have been looked for.
    looked: HashSet<SourceKey>,
    refused: HashMap<SourceKey, Refused>,
    /// Groups that would be taken over.
    claimed: HashSet<TargetId>,
    made: u64,
    renamed: u64,
    several: u64,
}

impl Forecast {
    /// What would become of the groups of these people, by person. Whoever has nothing else to be changed
    /// becomes somebody to be updated.
    pub(crate) async fn look_ahead(
        &mut self,
        cycle: &Cycle<'_>,
        intents: &mut [(Intent, Option<String>)],
    ) -> Result<HashMap<SourceKey, Foreseen>, EngineError> {
        let mut foreseen = HashMap::new();
        let Some(groups) = &cycle.groups else {
            return Ok(foreseen);
        };
        self.look(cycle, groups, intents).await?;
        let specs = cycle.program.flow().groups();
        let keys: Vec<SourceKey> = intents
            .iter()
            .map(|(intent, _)| intent.link.key.clone())
            .collect();
        let (store, id) = (&cycle.engine.store, &cycle.automation.id);
        let held = store.memberships(id, &keys).await?;
        for ((intent, _), held) in intents.iter_mut().zip(held) {
            let mut one = Foreseen::default();
            for (spec, reading) in specs.iter().zip(&intent.person.groups) {
                let Reading::Known(group) = reading else {
                    continue;
                };
                let refused = group
                    .as_ref()
                    .and_then(|group| self.refused.get(&group.key));
                if let Some(refused) = refused.filter(|_| needs(intent)) {
                    one.refused.get_or_insert_with(|| refused.clone());
                    continue;
                }
                // Whoever is blocked is in no group.
                let new = group.as_ref().filter(|_| intent.link.active);
                let old = held.iter().find(|held| is_in(held, &spec.kind));
                if old.map(|held| &held.group) == new.map(|group| &group.key) {
                    continue;
                }
                one.changes.push(Change {
                    attribute: format!("groups.{}", spec.kind),
                    old: match old {
                        None => Some(Value::Null),
                        Some(held) => self.names.get(&held.group).map(|name| Value::from(&**name)),
                    },
                    new: new.map_or(Value::Null, |group| Value::from(group.name.as_str())),
                });
            }
            // Kinds that the flow has no more.
            let of_before = held.iter().filter(|held| {
                let of = kind(&held.group);
                held.member.is_some() && specs.iter().all(|spec| spec.kind != of)
            });
            one.changes.extend(of_before.map(|held| Change {
                attribute: format!("groups.{}", kind(&held.group)),
                old: None,
                new: Value::Null,
            }));
            if let Some(refused) = &one.refused {
                intent.kind = refused.kind;
            } else if !one.changes.is_empty() && intent.kind == OutcomeKind::Unchanged {
                intent.kind = OutcomeKind::Updated;
            }
            foreseen.insert(intent.link.key.clone(), one);
        }
        Ok(foreseen)
    }

    /// Looks for the groups that these people need and that no page before has needed.
    async fn look(
        &mut self,
        cycle: &Cycle<'_>,
        groups: &Groups,
        intents: &[(Intent, Option<String>)],
    ) -> Result<(), EngineError> {
        let mut needed = Vec::new();
        for (intent, _) in intents {
            for (key, name) in belongs(cycle.program.flow().groups(), intent).1 {
                if needs(intent) && !self.names.contains_key(key) {
                    self.names.insert(key.clone(), name.to_owned());
                }
                if needs(intent) && self.looked.insert(key.clone()) {
                    needed.push(key.clone());
                }
            }
        }
        let (store, id) = (&cycle.engine.store, &cycle.automation.id);
        let known = store.groups(id, &needed).await?;
        let mut unknown: Vec<(SourceKey, String)> = Vec::new();
        for (key, known) in needed.into_iter().zip(known) {
            let Some(name) = self.names.get(&key) else {
                continue;
            };
            match known.filter(|group| group.target.is_some()) {
                Some(group) => {
                    let same = group.name == Some(hash::text(name, cycle.automation.salt));
                    self.renamed += u64::from(!same);
                }
                None => unknown.push((key, name.clone())),
            }
        }
        let sights = cycle.maker(groups, &self.claimed).look(&unknown).await?;
        for ((key, name), sight) in unknown.into_iter().zip(sights) {
            match sight {
                Sight::None => self.made += 1,
                Sight::Ours(_, held) => self.renamed += u64::from(held != name),
                Sight::Named(target) => {
                    self.claimed.insert(target);
                }
                Sight::Several(count) => {
                    self.several += 1;
                    self.refused.insert(key, Refused::several(count));
                }
                Sight::Failed(failure) if super::make::stops(&failure) => {
                    return Err(failure.into());
                }
                Sight::Failed(failure) => {
                    self.refused.insert(key, Refused::failed(&failure));
                }
            }
        }
        Ok(())
    }

    /// What would become of the groups themselves.
    pub(crate) fn notes(&self) -> impl Iterator<Item = Text> {
        let made = counted(
            self.made,
            ["1 group would be made", "groups would be made"],
            ["1 Gruppe würde angelegt", "Gruppen würden angelegt"],
        );
        let renamed = counted(
            self.renamed,
            ["1 group would be renamed", "groups would be renamed"],
            ["1 Gruppe würde umbenannt", "Gruppen würden umbenannt"],
        );
        let several = counted(
            self.several,
            [
                "1 group has a name that several groups at the target have: it would be left alone",
                "groups have names that several groups at the target have: they would be left alone",
            ],
            [
                "1 Gruppe heißt wie mehrere Gruppen im Zielsystem und bliebe unberührt",
                "Gruppen heißen wie mehrere Gruppen im Zielsystem und blieben unberührt",
            ],
        );
        let taken = adopted(self.claimed.len() as u64);
        [taken, made, renamed, several].into_iter().flatten()
    }
}

fn is_in(held: &Membership, of: &str) -> bool {
    held.member.is_some() && kind(&held.group) == of
}

fn counted(count: u64, [one, many]: [&str; 2], [one_de, many_de]: [&str; 2]) -> Option<Text> {
    match count {
        0 => None,
        1 => Some(Text::said(one.to_owned(), one_de.to_owned())),
        _ => Some(Text::said(
            format!("{count} {many}"),
            format!("{count} {many_de}"),
        )),
    }
}
