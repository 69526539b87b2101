//! Groups at the academy: kept beside its accounts, with a journal of their own, and failing on demand.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use matricula_core::connector::{Change, Disposition, Found, Receipt};
use matricula_core::{Effect, Failure, FailureKind, TargetId};
use serde_json::{Value, json};

/// A group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Team {
    pub name: String,
    pub external_id: Option<String>,
    pub members: BTreeSet<String>,
}

/// What happens to one write instead of what is asked.
#[derive(Clone)]
pub enum Fault {
    /// Nothing is done.
    Fail(Failure),
    /// It is done, but the answer is lost.
    Lose,
    /// It is done, and then somebody removes the group.
    Vanish,
}

#[derive(Default)]
pub struct Teams {
    pub teams: Mutex<BTreeMap<String, Team>>,
    /// Every write that was carried out.
    pub journal: Mutex<Vec<Value>>,
    /// By a group's name or id, in order.
    pub faults: Mutex<HashMap<String, Vec<Fault>>>,
    /// Accounts that no group takes.
    pub unwelcome: Mutex<BTreeSet<String>>,
    /// Accounts of which a change that names them is answered as if the group were not found.
    pub missing: Mutex<BTreeSet<String>>,
    /// Whether making a group of a name that there is answers with that one.
    pub unique: Mutex<bool>,
    /// Groups that take nobody.
    pub closed: Mutex<BTreeSet<String>>,
    /// Writes that were asked for, carried out or not.
    pub asked: Mutex<u64>,
    pub found: Mutex<u64>,
    /// Attributes that are not offered.
    pub unavailable: Mutex<Vec<String>>,
    /// After so many calls that write, one is not answered any more.
    pub dies_after: Mutex<Option<u64>>,
    pub died: tokio::sync::Notify,
    /// Groups of which a change is under way.
    busy: Mutex<BTreeSet<String>>,
    next: Mutex<u64>,
}

/// Changes under way; over when dropped.
pub struct UnderWay<'a>(&'a Teams, Vec<String>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut busy = self.0.busy.lock().unwrap();
        self.1.iter().for_each(|group| {
            busy.remove(group);
        });
    }
}

impl Teams {
    /// A group that somebody else has made.
    pub fn insert(&self, name: &str, members: &[&str]) -> String {
        let team = Team {
            name: name.to_owned(),
            external_id: None,
            members: members.iter().map(|member| (*member).to_owned()).collect(),
        };
        self.add(team)
    }

    fn add(&self, team: Team) -> String {
        let mut next = self.next.lock().unwrap();
        *next += 1;
        let id = format!("g{next}");
        self.teams.lock().unwrap().insert(id.clone(), team);
        id
    }

    pub fn by_name(&self, name: &str) -> Team {
        let teams = self.teams.lock().unwrap();
        let found: Vec<&Team> = teams.values().filter(|team| team.name == name).collect();
        assert_eq!(found.len(), 1, "groups called {name}: {teams:?}");
        found[0].clone()
    }

    pub fn id_of(&self, name: &str) -> String {
        let teams = self.teams.lock().unwrap();
        let found = teams.iter().find(|(_, team)| team.name == name);
        found.expect("a group of that name").0.clone()
    }

    pub fn names(&self) -> Vec<String> {
        let teams = self.teams.lock().unwrap();
        let mut names: Vec<String> = teams.values().map(|team| team.name.clone()).collect();
        names.sort();
        names
    }

    pub fn take_journal(&self) -> Vec<Value> {
        std::mem::take(&mut *self.journal.lock().unwrap())
    }

    pub fn fault(&self, group: &str, fault: Fault) {
        let mut faults = self.faults.lock().unwrap();
        faults.entry(group.to_owned()).or_default().push(fault);
    }

    pub fn find(&self, attribute: &str, values: &[String]) -> Vec<Vec<Found>> {
        *self.found.lock().unwrap() += values.len() as u64;
        let teams = self.teams.lock().unwrap();
        let found = |value: &String| {
            let holds = |team: &Team| match attribute {
                "external_id" => team.external_id.as_ref() == Some(value),
                "name" => team.name.to_lowercase() == value.to_lowercase(),
                other => panic!("groups are not found by {other}"),
            };
            teams
                .iter()
                .filter(|(_, team)| holds(team))
                .map(|(id, team)| Found {
                    target: TargetId::new(id),
                    data: json!({"external_id": team.external_id, "name": team.name}).to_string(),
                })
                .collect()
        };
        values.iter().map(found).collect()
    }

    /// Two changes of one group never meet.
    pub fn begin(&self, changes: &[Change]) -> UnderWay<'_> {
        let targets = changes.iter().filter_map(|change| change.target.as_ref());
        let targets: Vec<String> = targets.map(ToString::to_string).collect();
        let mut busy = self.busy.lock().unwrap();
        for target in &targets {
            assert!(busy.insert(target.clone()), "{target} is being changed");
        }
        UnderWay(self, targets)
    }

    /// Waits for ever where the process is to die.
    pub async fn survive(&self) {
        let dies = {
            let mut left = self.dies_after.lock().unwrap();
            *left = left.map(|left| left.saturating_sub(1));
            *left == Some(0)
        };
        if dies {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub fn write(&self, change: &Change) -> Result<Receipt, Failure> {
        *self.asked.lock().unwrap() += 1;
        let data: Value = serde_json::from_str(&change.data).unwrap();
        let names = [
            data["name"].as_str().map(str::to_owned),
            change.target.as_ref().map(ToString::to_string),
        ];
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            names.into_iter().flatten().find_map(|name| {
                let list = faults.get_mut(&name)?;
                (!list.is_empty()).then(|| list.remove(0))
            })
        };
        match fault {
            Some(Fault::Fail(failure)) => Err(failure),
            Some(Fault::Lose) => {
                self.apply(change, &data)?;
                let lost = Failure::new(FailureKind::Unavailable, "the answer was lost");
                Err(lost.with_effect(Effect::Unknown))
            }
            Some(Fault::Vanish) => {
                let done = self.apply(change, &data)?;
                let id = done.target.as_ref().unwrap().as_str();
                self.teams.lock().unwrap().remove(id);
                Ok(done)
            }
            None => self.apply(change, &data),
        }
    }

    fn apply(&self, change: &Change, data: &Value) -> Result<Receipt, Failure> {
        let members = |name: &str| -> Vec<String> {
            let listed = data[name].as_array().cloned().unwrap_or_default();
            assert!(
                listed.len() <= 100,
                "{} members in one change",
                listed.len()
            );
            listed
                .iter()
                .map(|member| member.as_str().unwrap().to_owned())
                .collect()
        };
        let (add, remove) = (members("add"), members("remove"));
        let unwelcome = self.unwelcome.lock().unwrap();
        if add.iter().any(|member| unwelcome.contains(member)) {
            return Err(Failure::new(FailureKind::Input, "there is no such member"));
        }
        let missing = self.missing.lock().unwrap();
        if add
            .iter()
            .chain(&remove)
            .any(|member| missing.contains(member))
        {
            return Err(Failure::new(FailureKind::NotFound, "not found"));
        }
        if change.target.is_none() && *self.unique.lock().unwrap() {
            let teams = self.teams.lock().unwrap();
            let same = teams.iter().find(|(_, team)| data["name"] == team.name);
            if let Some((id, team)) = same {
                let own = data["external_id"].as_str();
                if team.external_id.is_some() && team.external_id.as_deref() != own {
                    return Err(Failure::new(FailureKind::Conflict, "the name is taken"));
                }
                return Ok(Receipt {
                    target: Some(TargetId::new(id)),
                    disposition: Disposition::Adopted,
                });
            }
        }
        let id = match &change.target {
            Some(id) => id.to_string(),
            None => {
                let name = data["name"].as_str().unwrap().to_owned();
                self.journal.lock().unwrap().push(json!({"create": name}));
                self.add(Team {
                    name,
                    external_id: data["external_id"].as_str().map(str::to_owned),
                    members: add.into_iter().collect(),
                })
            }
        };
        let disposition = match &change.target {
            Some(_) => Disposition::Updated,
            None => Disposition::Created,
        };
        if change.target.is_some() {
            let mut teams = self.teams.lock().unwrap();
            let Some(team) = teams.get_mut(&id) else {
                return Err(Failure::new(
                    FailureKind::NotFound,
                    "there is no such group",
                ));
            };
            if self.closed.lock().unwrap().contains(&team.name) {
                return Err(Failure::new(FailureKind::Input, "the group takes nobody"));
            }
            let mut entry = json!({"group": team.name, "add": members("add"), "remove": remove});
            if let Some(name) = data["name"].as_str() {
                entry["rename"] = json!(name);
                team.name = name.to_owned();
            }
            team.members.extend(members("add"));
            team.members.retain(|member| !remove.contains(member));
            self.journal.lock().unwrap().push(entry);
        }
        Ok(Receipt {
            target: Some(TargetId::new(id)),
            disposition,
        })
    }
}
