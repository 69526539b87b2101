//! What a cycle would do about groups.
//!
//! The store has hashes of names, so a group that somebody would leave is called by its name only where a
//! record that was read says it.

use std::collections::{BTreeMap, HashMap};

use matricula_core::group::{Group, Membership, kind};
use matricula_core::run::OutcomeKind;
use matricula_core::{SourceKey, Text};
use matricula_flow::Reading;
use serde_json::Value;

use super::make::Sight;
use super::{Groups, adopted, belongs, needs};
use crate::EngineError;
use crate::cycle::Cycle;
use crate::observe::Change;
use crate::plan::Intent;

/// Groups in hand at a time.
const GROUPS: usize = 500;

/// The groups that a cycle would need.
#[derive(Default)]
pub(crate) struct Forecast {
    /// What records call groups, and whether they have to be there.
    named: BTreeMap<SourceKey, (String, bool)>,
}

impl Forecast {
    /// What would change of the groups of these people, by person. Whoever has nothing else to be changed
    /// becomes somebody to be updated.
    pub(crate) async fn changes(
        &mut self,
        cycle: &Cycle<'_>,
        intents: &mut [(Intent, Option<String>)],
    ) -> Result<HashMap<SourceKey, Vec<Change>>, EngineError> {
        let mut changes = HashMap::new();
        if cycle.groups.is_none() || intents.is_empty() {
            return Ok(changes);
        }
        let specs = cycle.program.flow().groups();
        for (intent, _) in intents.iter() {
            for (key, name) in belongs(specs, intent).1 {
                let entry = self.named.entry(key.clone());
                entry.or_insert_with(|| (name.to_owned(), false)).1 |= needs(intent);
            }
        }
        let keys: Vec<SourceKey> = intents
            .iter()
            .map(|(intent, _)| intent.link.key.clone())
            .collect();
        let (store, id) = (&cycle.engine.store, &cycle.automation.id);
        let held = store.memberships(id, &keys).await?;
        for ((intent, _), held) in intents.iter_mut().zip(held) {
            let mut changed = Vec::new();
            for (spec, reading) in specs.iter().zip(&intent.person.groups) {
                let Reading::Known(group) = reading else {
                    continue;
                };
                // Whoever is blocked is in no group.
                let new = group.as_ref().filter(|_| intent.link.active);
                let old = held.iter().find(|held| is_in(held, &spec.kind));
                if old.map(|held| &held.group) == new.map(|group| &group.key) {
                    continue;
                }
                changed.push(Change {
                    attribute: format!("groups.{}", spec.kind),
                    old: match old {
                        None => Some(Value::Null),
                        Some(held) => self
                            .named
                            .get(&held.group)
                            .map(|(name, _)| Value::from(name.as_str())),
                    },
                    new: new.map_or(Value::Null, |group| Value::from(group.name.as_str())),
                });
            }
            if changed.is_empty() {
                continue;
            }
            if intent.kind == OutcomeKind::Unchanged {
                intent.kind = OutcomeKind::Updated;
            }
            changes.insert(intent.link.key.clone(), changed);
        }
        Ok(changes)
    }

    /// What would become of the groups themselves.
    pub(crate) async fn notes(
        &self,
        cycle: &Cycle<'_>,
        groups: &Groups,
    ) -> Result<Vec<Text>, EngineError> {
        let (mut made, mut taken, mut several) = (0_u64, 0_u64, 0_u64);
        let mut notes = Vec::new();
        let needed = self.named.iter().filter(|(_, (_, needed))| *needed);
        let needed: Vec<(&SourceKey, &String)> =
            needed.map(|(key, (name, _))| (key, name)).collect();
        for page in needed.chunks(GROUPS) {
            let keys: Vec<SourceKey> = page.iter().map(|(key, _)| (*key).clone()).collect();
            let known = cycle
                .engine
                .store
                .groups(&cycle.automation.id, &keys)
                .await?;
            let there =
                |group: &Option<Group>| group.as_ref().is_some_and(|group| group.target.is_some());
            let unknown: Vec<(SourceKey, String)> = page
                .iter()
                .zip(&known)
                .filter(|(_, known)| !there(known))
                .map(|((key, name), _)| ((*key).clone(), (*name).clone()))
                .collect();
            for sight in cycle.maker(groups).look(&unknown).await? {
                match sight {
                    Sight::None => made += 1,
                    Sight::Ours(..) => {}
                    Sight::Named(_) => taken += 1,
                    Sight::Several(_) => several += 1,
                    Sight::Failed(failure) => {
                        let note = Text::said(
                            format!("Some groups cannot be looked up: {}", failure.message),
                            format!(
                                "Manche Gruppen lassen sich nicht nachsehen: {}",
                                failure.message
                            ),
                        );
                        if !notes.contains(&note) {
                            notes.push(note);
                        }
                    }
                }
            }
        }
        notes.extend(adopted(taken));
        notes.extend(counted(
            made,
            ["1 group would be made", "groups would be made"],
            ["1 Gruppe würde angelegt", "Gruppen würden angelegt"],
        ));
        notes.extend(counted(
            several,
            [
                "1 group has a name that several groups at the target have: it would be left alone",
                "groups have names that several groups at the target have: they would be left alone",
            ],
            [
                "1 Gruppe heißt wie mehrere Gruppen im Zielsystem und bliebe unberührt",
                "Gruppen heißen wie mehrere Gruppen im Zielsystem und blieben unberührt",
            ],
        ));
        Ok(notes)
    }
}

fn is_in(held: &Membership, of: &str) -> bool {
    held.member.is_some() && kind(&held.group) == of
}

fn counted(count: u64, [one, many]: [&str; 2], [eine, viele]: [&str; 2]) -> Option<Text> {
    match count {
        0 => None,
        1 => Some(Text::said(one.to_owned(), eine.to_owned())),
        _ => Some(Text::said(
            format!("{count} {many}"),
            format!("{count} {viele}"),
        )),
    }
}
