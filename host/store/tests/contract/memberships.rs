//! Memberships after anything: the store against a model in plain words.

use std::collections::BTreeMap;

use matricula_core::TargetId;
use matricula_core::group::{Belongs, Group, MembershipWrite};
use matricula_core::link::Link;
use proptest::prelude::*;

use super::groups::{belong, belongs, group, keep, of, put_in, rows, set};
use super::made_up::*;

#[derive(Debug, Clone)]
enum Step {
    Person(String, Option<String>, bool),
    Group(String, Option<String>),
    Belongs(String, Vec<String>, Vec<String>),
    Member(String, String, Option<String>, bool),
}

fn any_step() -> impl Strategy<Value = Step> {
    let account = || proptest::option::of("[x-z]");
    let groups = || proptest::sample::subsequence(vec!["t:1", "t:2", "o:1"], 0..=3);
    let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let one = || prop_oneof![Just("t:1"), Just("t:2"), Just("o:1")].prop_map(str::to_owned);
    let untold = proptest::sample::subsequence(vec!["t", "o"], 0..=2);
    prop_oneof![
        ("[ab]", account(), any::<bool>()).prop_map(|(key, to, on)| Step::Person(key, to, on)),
        (one(), proptest::option::of("[gh]")).prop_map(|(key, to)| Step::Group(key, to)),
        ("[ab]", groups(), untold).prop_map(move |(key, groups, untold)| Step::Belongs(
            key,
            owned(groups),
            owned(untold)
        )),
        ("[ab]", one(), account(), any::<bool>())
            .prop_map(|(key, group, to, sure)| Step::Member(key, group, to, sure)),
    ]
}

type Row = (bool, Option<String>, bool);

/// What the store is meant to know, in plain words.
#[derive(Default)]
struct Model {
    people: BTreeMap<String, (Option<String>, bool)>,
    groups: BTreeMap<String, Option<String>>,
    rows: BTreeMap<(String, String), Row>,
}

impl Model {
    fn take(&mut self, step: &Step) {
        match step {
            Step::Person(key, target, active) => {
                self.people.insert(key.clone(), (target.clone(), *active));
            }
            Step::Group(key, target) => {
                let former = self.groups.insert(key.clone(), target.clone());
                if former.is_some_and(|former| former != *target) {
                    for ((_, group), row) in &mut self.rows {
                        if group == key {
                            (row.1, row.2) = (None, true);
                        }
                    }
                }
            }
            Step::Belongs(key, groups, untold) => {
                for ((person, group), row) in &mut self.rows {
                    let silent = untold
                        .iter()
                        .any(|kind| group.starts_with(&format!("{kind}:")));
                    if person == key && !silent {
                        row.0 = false;
                    }
                }
                for group in groups {
                    let row = self.rows.entry((key.clone(), group.clone()));
                    row.or_insert((true, None, true)).0 = true;
                }
            }
            Step::Member(key, group, member, sure) => {
                if let Some(row) = self.rows.get_mut(&(key.clone(), group.clone())) {
                    (row.1, row.2) = (member.clone(), *sure);
                }
            }
        }
        self.rows
            .retain(|_, (wanted, member, sure)| *wanted || member.is_some() || !*sure);
    }

    fn due(&self) -> Vec<(String, String, Option<String>)> {
        let mut due = Vec::new();
        for ((key, group), (wanted, member, sure)) in &self.rows {
            let (target, active) = &self.people[key];
            let meant = target.clone().filter(|_| *wanted && *active);
            if self.groups[group].is_some() && (!sure || meant != *member) {
                let add = meant.filter(|meant| !sure || Some(meant) != member.as_ref());
                due.push((group.clone(), key.clone(), add));
            }
        }
        due.sort();
        due
    }
}

/// After any sequence of writes, due is what looking at every row gives.
pub async fn due_is_right_after_anything(store: AnyStore) {
    let running = Running::new(store).await;
    let number = std::sync::atomic::AtomicU32::new(0);
    property(
        proptest::collection::vec(any_step(), 1..20),
        64,
        async move |steps| {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let running = Running::of(running.store.clone(), &format!("automation-{number}")).await;
            let mut model = Model::default();
            let start = ["a", "b"].map(|key| Step::Person(key.to_owned(), None, false));
            let groups = ["t:1", "t:2", "o:1"].map(|key| Step::Group(key.to_owned(), None));
            for step in start.iter().chain(&groups).chain(&steps) {
                model.take(step);
                match step {
                    Step::Person(key, target, active) => {
                        let target = target.clone().map(TargetId::new);
                        let link = Link {
                            target,
                            active: *active,
                            ..person(key)
                        };
                        running.write([link]).await;
                    }
                    Step::Group(key, target) => {
                        let target = target.clone().map(TargetId::new);
                        keep(
                            &running,
                            [Group {
                                target,
                                ..group(key)
                            }],
                        )
                        .await;
                    }
                    Step::Belongs(key, groups, untold) => {
                        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
                        let untold = untold.clone();
                        belong(
                            &running,
                            [Belongs {
                                untold,
                                ..belongs(key, &groups)
                            }],
                        )
                        .await;
                    }
                    Step::Member(key, group, member, sure) => {
                        let write = put_in(key, group, member.as_deref());
                        set(
                            &running,
                            [MembershipWrite {
                                sure: *sure,
                                ..write
                            }],
                        )
                        .await;
                    }
                }
            }
            let found: Vec<_> = rows(&running)
                .await
                .into_iter()
                .map(|row| {
                    let add = row.add.map(|add| add.to_string());
                    (row.group.to_string(), row.link.key.to_string(), add)
                })
                .collect();
            prop_assert_eq!(found, model.due());
            for key in ["a", "b"] {
                let kept = of(&running, key).await.len();
                prop_assert_eq!(
                    kept,
                    model
                        .rows
                        .keys()
                        .filter(|(person, _)| person == key)
                        .count()
                );
            }
            Ok(())
        },
    )
    .await;
}
