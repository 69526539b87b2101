//! Groups of accounts, made from what people have in common.
//!
//! A group is made where somebody needs it, while the record that names it is in hand ([`make`]): only records
//! say what groups are called, the store has hashes. What a record says of a person's groups is written with
//! the person's link. Who is put in and taken out follows from those rows in a step of its own ([`keep`]), when
//! the accounts are there and the guard has decided about everybody who leaves.

mod change;
mod keep;
mod make;
mod preview;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use matricula_core::group::{Belongs, Group};
use matricula_core::link::Trouble;
use matricula_core::run::OutcomeKind;
use matricula_core::{AutomationId, Failure, SourceKey, TargetId, Text};
use matricula_flow::{GroupSpec, Program, Reading};

use self::make::Maker;
pub(crate) use self::preview::{Forecast, Foreseen};
use crate::backoff;
use crate::cycle::Cycle;
use crate::observe::Observer;
use crate::plan::Intent;
use crate::side::Side;
use crate::target::Target;
use crate::{Engine, EngineError, hash};

/// What a group is written with.
const ATTRIBUTES: [&str; 4] = ["external_id", "name", "add", "remove"];

/// Where groups are kept, and what has been learnt of them in this run.
pub(crate) struct Groups {
    pub(crate) target: Arc<Target>,
    /// Whether groups carry an identity of ours.
    identified: bool,
    /// What records of this run call groups: the first one counts, so that records which disagree do not
    /// rename a group back and forth, and a group that has vanished is made anew under its name.
    names: HashMap<SourceKey, String>,
    /// Groups that this run could not see to; they are not tried again in it, however many pages need them.
    refused: HashMap<SourceKey, Refused>,
    /// Groups that somebody else had made and that this run took over.
    adopted: u64,
    /// Why this run makes no more groups. People do not wait for that: the next cycle makes them.
    pub(crate) down: Option<Failure>,
    /// Groups that this run has left to the next one.
    left: HashSet<SourceKey>,
}

/// What the target makes of the groups of a flow.
pub(crate) enum Offer {
    Made(Box<Groups>),
    /// None are kept, or the target offers none, as the note says.
    None(Option<Text>),
}

/// Why a group is not as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Refused {
    pub(crate) kind: OutcomeKind,
    pub(crate) code: &'static str,
    pub(crate) reason: String,
}

impl Refused {
    pub(crate) fn failed(failure: &Failure) -> Self {
        Self {
            kind: OutcomeKind::Failed,
            code: "group-failed",
            reason: failure.message.clone(),
        }
    }

    fn several(count: usize) -> Self {
        Self {
            kind: OutcomeKind::Ambiguous,
            code: "group-ambiguous",
            reason: format!(
                "{count} groups at the target have the name of this person's group; nobody was put into any of \
                 them: keep one of them, or rename the others"
            ),
        }
    }
}

impl Groups {
    /// Asks the target what it can take of groups.
    pub(crate) async fn prepare(
        engine: &Engine,
        automation: &AutomationId,
        side: &Side,
        program: &Program,
        observer: &Arc<dyn Observer>,
    ) -> Result<Offer, EngineError> {
        let Some(operation) = program.flow().group_operation() else {
            return Ok(Offer::None(None));
        };
        // Where no kind is chosen, somebody may still be in a group of a kind that was.
        if !program.keeps_groups() && !engine.store.keeps_groups(automation).await? {
            return Ok(Offer::None(None));
        }
        let attributes = ATTRIBUTES.map(str::to_owned);
        let target = Target::of(engine, side, operation, &attributes, observer).await?;
        let offered = |name: &str| !target.unavailable.iter().any(|missing| missing == name);
        if !["name", "add", "remove"].into_iter().all(offered) {
            let note = Text::said(
                format!(
                    "{} does not offer groups: nobody is put into any",
                    side.title()
                ),
                format!(
                    "{} bietet keine Gruppen an: niemand wird einer Gruppe zugeordnet",
                    side.title_in("de")
                ),
            );
            return Ok(Offer::None(Some(note)));
        }
        Ok(Offer::Made(Box::new(Self {
            identified: offered("external_id"),
            target: Arc::new(target),
            names: HashMap::new(),
            refused: HashMap::new(),
            adopted: 0,
            down: None,
            left: HashSet::new(),
        })))
    }
}

impl Groups {
    fn refusal(&self, belongs: &Belongs, intent: &Intent) -> Option<&Refused> {
        let mut groups = belongs.groups.iter().filter(|_| needs(intent));
        groups.find_map(|group| self.refused.get(group))
    }
}

/// What a record says of a person's groups, and what it calls them.
fn belongs<'a>(
    specs: &[GroupSpec],
    intent: &'a Intent,
) -> (Belongs, Vec<(&'a SourceKey, &'a str)>) {
    let mut belongs = Belongs {
        key: intent.link.key.clone(),
        groups: Vec::new(),
        untold: Vec::new(),
    };
    let mut named = Vec::new();
    for (spec, reading) in specs.iter().zip(&intent.person.groups) {
        match reading {
            Reading::Known(Some(group)) => {
                belongs.groups.push(group.key.clone());
                named.push((&group.key, group.name.as_str()));
            }
            Reading::Known(None) => {}
            Reading::Absent => belongs.untold.push(spec.kind.clone()),
        }
    }
    (belongs, named)
}

/// Whether somebody's groups have to be there: for somebody who is blocked for good, such as one who left years
/// ago, no group is made.
fn needs(intent: &Intent) -> bool {
    intent.link.active || intent.standing.changes_at.is_some()
}

impl Cycle<'_> {
    fn maker<'a>(&'a self, groups: &'a Groups, claimed: &'a HashSet<TargetId>) -> Maker<'a> {
        Maker {
            store: &*self.engine.store,
            automation: self.automation,
            target: &groups.target,
            identified: groups.identified,
            run: self.run_key(),
            claimed,
        }
    }

    /// Sees to it that the groups of these people are there and are called as they should be. What failed for a
    /// single group is told to its people; a failure that is returned makes going on pointless.
    pub(crate) async fn make_groups(
        &mut self,
        intents: &[(Intent, Option<String>)],
    ) -> Result<Option<Failure>, EngineError> {
        let specs = self.program.flow().groups();
        let Some(groups) = &mut self.groups else {
            return Ok(None);
        };
        let mut wanted: BTreeMap<&SourceKey, bool> = BTreeMap::new();
        for (intent, _) in intents {
            for (key, name) in belongs(specs, intent).1 {
                // A record of somebody who left long ago may be as old as that.
                let needed = needs(intent);
                *wanted.entry(key).or_default() |= needed;
                if needed && !groups.names.contains_key(key) {
                    groups.names.insert(key.clone(), name.to_owned());
                }
            }
        }
        if wanted.is_empty() {
            return Ok(None);
        }
        let keys: Vec<SourceKey> = wanted.keys().copied().cloned().collect();
        let known = self.engine.store.groups(&self.automation.id, &keys).await?;
        let mut open = Vec::new();
        for ((key, needed), known) in wanted.into_iter().zip(known) {
            if known.is_none() {
                // Memberships refer to it, whatever becomes of it.
                self.group_changes.groups.push(Group::new(key.clone()));
            }
            let Some(name) = groups.names.get(key).filter(|_| needed) else {
                continue;
            };
            let group = known.unwrap_or_else(|| Group::new(key.clone()));
            let as_it_should_be = group.target.is_some()
                && group.name == Some(hash::text(name, self.automation.salt));
            if !as_it_should_be && !groups.refused.contains_key(key) {
                open.push((group, name.clone()));
            }
        }
        if groups.down.is_some() {
            groups
                .left
                .extend(open.into_iter().map(|(group, _)| group.key));
            return Ok(None);
        }
        let mut left: HashSet<SourceKey> =
            open.iter().map(|(group, _)| group.key.clone()).collect();
        let stop = self.settle_groups(open).await?;
        let (Some(failure), Some(groups)) = (&stop, &mut self.groups) else {
            return Ok(stop);
        };
        if !failure.kind.is_transient() {
            return Ok(stop);
        }
        for group in &self.group_changes.groups {
            if group.target.is_some() && group.name.is_some() {
                left.remove(&group.key);
            }
        }
        left.retain(|key| !groups.refused.contains_key(key));
        groups.left = left;
        groups.down = stop;
        Ok(None)
    }

    /// Whether somebody's record has to be dealt with again, since only records name groups.
    pub(crate) fn is_left(&self, intent: &Intent) -> bool {
        let Some(groups) = self.groups.as_ref().filter(|_| needs(intent)) else {
            return false;
        };
        let specs = self.program.flow().groups();
        let named = belongs(specs, intent).0.groups;
        named.iter().any(|key| groups.left.contains(key))
    }

    /// Makes, finds or renames groups, and remembers what became of them.
    async fn settle_groups(
        &mut self,
        open: Vec<(Group, String)>,
    ) -> Result<Option<Failure>, EngineError> {
        let Some(groups) = &self.groups else {
            return Ok(None);
        };
        if open.is_empty() {
            return Ok(None);
        }
        let made = self.maker(groups, &HashSet::new()).make(open).await?;
        self.group_changes.groups.extend(made.groups);
        if let Some(groups) = &mut self.groups {
            groups.refused.extend(made.refused);
            let former = adopted(groups.adopted);
            groups.adopted += made.adopted;
            let now = adopted(groups.adopted);
            if let Some(former) = former {
                self.run.notes.retain(|note| *note != former);
            }
            if let Some(now) = now {
                self.note(now);
            }
        }
        Ok(made.stop)
    }

    /// Notes what the record says of somebody's groups; what is wrong with one of them, if anything is that the
    /// person needs.
    pub(crate) fn belong(&mut self, intent: &Intent) -> Option<Refused> {
        let groups = self.groups.as_ref()?;
        let (belongs, _) = belongs(self.program.flow().groups(), intent);
        let refused = groups.refusal(&belongs, intent).cloned();
        self.group_changes.belongs.push(belongs);
        refused
    }

    /// Somebody whose group could not be made is tried again like somebody whose account could not be.
    pub(crate) fn group_trouble(&self, intent: &Intent, refused: &Refused) -> Trouble {
        let former = intent.before.trouble.as_ref();
        let attempts = former.map_or(0, |trouble| trouble.attempts) + 1;
        Trouble {
            ambiguous: refused.kind == OutcomeKind::Ambiguous,
            attempts,
            not_before: Some(backoff::retry_at(self.engine.clock.now(), attempts)),
        }
    }
}

/// What is said of groups that were taken over.
fn adopted(count: u64) -> Option<Text> {
    match count {
        0 => None,
        1 => Some(Text::said(
            "1 existing group was found by its name and is kept up to date from now on".to_owned(),
            "1 vorhandene Gruppe wurde am Namen erkannt und wird ab jetzt gepflegt".to_owned(),
        )),
        _ => Some(Text::said(
            format!(
                "{count} existing groups were found by their names and are kept up to date from now on"
            ),
            format!(
                "{count} vorhandene Gruppen wurden am Namen erkannt und werden ab jetzt gepflegt"
            ),
        )),
    }
}
