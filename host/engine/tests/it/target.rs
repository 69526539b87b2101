//! An academy in memory that keeps a journal, and that fails on demand.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use async_trait::async_trait;
use matricula_core::connector::{
    Call, Change, Choices, Connector, Disposition, Found, Item, Need, Page, Preparation,
    ReadRequest, Receipt, Report,
};
use matricula_core::manifest::Manifest;
use matricula_core::{Effect, Failure, FailureKind, SourceKey, TargetId};
use serde_json::{Map, Value, json};

use crate::teams::Teams;

/// What happens to one change instead of what is asked.
#[derive(Clone)]
pub enum Fault {
    /// Nothing is done.
    Fail(Failure),
    /// It is done, but the answer is lost.
    Lose,
    /// The component traps, and with it the whole batch.
    Trap,
}

pub struct Academy {
    manifest: Manifest,
    pub accounts: Mutex<BTreeMap<String, Map<String, Value>>>,
    /// Every write that was carried out: what and with which attributes.
    pub journal: Mutex<Vec<(String, Value)>>,
    /// By e-mail address or account id, in order.
    pub faults: Mutex<HashMap<String, Vec<Fault>>>,
    pub unavailable: Mutex<Vec<String>>,
    pub prepare_fails: Mutex<Option<Failure>>,
    pub listed: Mutex<u64>,
    pub found: Mutex<u64>,
    next: Mutex<u64>,
    pub teams: Teams,
}

impl Academy {
    pub fn new() -> Self {
        let text = || json!({"type": ["string", "null"]});
        let manifest = json!({
            "contract": "1.0", "id": "academy", "version": "1.0.0", "title": {"en": "Academy"},
            "authentication": [], "origins": [],
            "streams": {"accounts": {"title": {"en": "Accounts"}, "page": 2,
                "schema": {"type": "object", "properties": {"email": text()}}}},
            "operations": {"upsert-user": {
                "title": {"en": "Write people"}, "batch": 3, "concurrency": 4,
                "find": ["external_id", "email"], "accounts": "accounts", "active": "active", "deletes": true,
                "schema": {"type": "object", "required": ["email"], "properties": {
                    "external_id": text(), "email": text(), "first_name": text(), "position": text(),
                    "department": text(), "active": {"type": "boolean"},
                    "manager": {"type": ["string", "null"], "x-reference": true},
                }},
            }, "upsert-group": {
                "title": {"en": "Keep groups"}, "batch": 3, "concurrency": 2, "members_of": "upsert-user",
                "find": ["external_id", "name"],
                "schema": {"type": "object", "required": ["name"], "properties": {
                    "external_id": {"type": "string"}, "name": {"type": "string"},
                    "add": {"type": "array"}, "remove": {"type": "array"},
                }},
            }},
        });
        Self {
            manifest: Manifest::parse(manifest.to_string().as_bytes()).unwrap(),
            accounts: Mutex::default(),
            journal: Mutex::default(),
            faults: Mutex::default(),
            unavailable: Mutex::default(),
            prepare_fails: Mutex::default(),
            listed: Mutex::default(),
            found: Mutex::default(),
            next: Mutex::new(1),
            teams: Teams::default(),
        }
    }

    /// An account that somebody else has made.
    pub fn insert(&self, account: Value) -> String {
        let mut next = self.next.lock().unwrap();
        let id = format!("a{next}");
        *next += 1;
        self.accounts
            .lock()
            .unwrap()
            .insert(id.clone(), account.as_object().unwrap().clone());
        id
    }

    pub fn fault(&self, who: &str, fault: Fault) {
        self.faults
            .lock()
            .unwrap()
            .entry(who.to_owned())
            .or_default()
            .push(fault);
    }

    /// The one account with this e-mail address.
    pub fn by_email(&self, email: &str) -> Map<String, Value> {
        let accounts = self.accounts.lock().unwrap();
        let found: Vec<_> = accounts
            .values()
            .filter(|account| account["email"] == email)
            .collect();
        assert_eq!(found.len(), 1, "accounts of {email}");
        found[0].clone()
    }

    pub fn is_active(&self, email: &str) -> bool {
        self.by_email(email)["active"] == json!(true)
    }

    /// What was written since this was last asked.
    pub fn take_journal(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.journal.lock().unwrap())
    }

    fn take_fault(&self, change: &Change, data: &Value) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let names = [
            data.get("email").and_then(Value::as_str).map(str::to_owned),
            change
                .target
                .as_ref()
                .map(|target| target.as_str().to_owned()),
        ];
        names.into_iter().flatten().find_map(|name| {
            let list = faults.get_mut(&name)?;
            (!list.is_empty()).then(|| list.remove(0))
        })
    }

    fn apply(&self, change: &Change, data: &Value) -> Result<Receipt, Failure> {
        let mut accounts = self.accounts.lock().unwrap();
        let mut journal = self.journal.lock().unwrap();
        let receipt = |id: &str, disposition| {
            Ok(Receipt {
                target: Some(TargetId::new(id)),
                disposition,
            })
        };
        let Some(data) = data.as_object() else {
            let id = change.target.as_ref().unwrap().as_str();
            accounts.remove(id);
            journal.push(("delete".into(), json!(id)));
            return receipt(id, Disposition::Deleted);
        };
        match &change.target {
            Some(target) => {
                let Some(account) = accounts.get_mut(target.as_str()) else {
                    return Err(Failure::new(FailureKind::NotFound, "no such account"));
                };
                account.extend(data.clone());
                journal.push(("update".into(), json!(data)));
                receipt(target.as_str(), Disposition::Updated)
            }
            None => {
                let taken = accounts.values().any(|a| {
                    a["email"].as_str().map(str::to_lowercase)
                        == data["email"].as_str().map(str::to_lowercase)
                });
                if taken {
                    return Err(Failure::new(FailureKind::Conflict, "the address is taken"));
                }
                let mut next = self.next.lock().unwrap();
                let id = format!("a{next}");
                *next += 1;
                accounts.insert(id.clone(), data.clone());
                journal.push(("create".into(), json!(data)));
                receipt(&id, Disposition::Created)
            }
        }
    }
}

#[async_trait]
impl Connector for Academy {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn prepare(
        &self,
        _: &Call,
        operation: &str,
        asked: &[String],
    ) -> Result<Preparation, Failure> {
        if operation == "upsert-group" {
            return Ok(Preparation {
                prepared: "groups".into(),
                unavailable: self.teams.unavailable.lock().unwrap().clone(),
            });
        }
        if let Some(failure) = self.prepare_fails.lock().unwrap().clone() {
            return Err(failure);
        }
        let unavailable = self.unavailable.lock().unwrap();
        let unavailable = unavailable
            .iter()
            .filter(|name| asked.contains(name))
            .cloned()
            .collect();
        Ok(Preparation {
            prepared: "{}".into(),
            unavailable,
        })
    }

    async fn read(&self, _: &Call, request: &ReadRequest) -> Result<Page, Failure> {
        *self.listed.lock().unwrap() += 1;
        let offset: usize = request
            .position
            .as_deref()
            .map_or(0, |offset| offset.parse().unwrap());
        let accounts = self.accounts.lock().unwrap();
        let items = accounts
            .iter()
            .skip(offset)
            .take(2)
            .map(|(id, account)| Item {
                key: SourceKey::new(id),
                deleted: false,
                data: json!(account).to_string(),
            })
            .collect();
        let next = (offset + 2 < accounts.len()).then(|| (offset + 2).to_string());
        Ok(Page {
            items,
            complete: next.is_none(),
            next,
            ..Page::default()
        })
    }

    async fn find(
        &self,
        _: &Call,
        operation: &str,
        _: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        if operation == "upsert-group" {
            return Ok(self.teams.find(attribute, values));
        }
        *self.found.lock().unwrap() += values.len() as u64;
        let accounts = self.accounts.lock().unwrap();
        let found = |value: &String| {
            accounts
                .iter()
                .filter(|(id, account)| match attribute {
                    "remote-id" => *id == value,
                    _ => account
                        .get(attribute)
                        .and_then(Value::as_str)
                        .is_some_and(|held| held.to_lowercase() == value.to_lowercase()),
                })
                .map(|(id, account)| Found {
                    target: TargetId::new(id),
                    data: json!(account).to_string(),
                })
                .collect()
        };
        Ok(values.iter().map(found).collect())
    }

    async fn write(
        &self,
        _: &Call,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        assert!(
            changes.len() <= 3,
            "a batch larger than the manifest allows"
        );
        if operation == "upsert-group" {
            assert_eq!(prepared, "groups");
            let _under_way = self.teams.begin(changes);
            tokio::task::yield_now().await;
            let outcomes = changes.iter().map(|change| self.teams.write(change));
            let outcomes = outcomes.collect();
            self.teams.survive().await;
            return Ok(outcomes);
        }
        let mut outcomes = Vec::new();
        for change in changes {
            let data: Value = serde_json::from_str(&change.data).unwrap();
            outcomes.push(match self.take_fault(change, &data) {
                Some(Fault::Fail(failure)) => Err(failure),
                Some(Fault::Lose) => {
                    self.apply(change, &data)?;
                    Err(
                        Failure::new(FailureKind::Unavailable, "the answer was lost")
                            .with_effect(Effect::Unknown),
                    )
                }
                Some(Fault::Trap) => {
                    // The trap comes back when the change is tried alone.
                    if changes.len() > 1 {
                        let who = data["email"].as_str().unwrap_or_default().to_owned();
                        self.fault(&who, Fault::Trap);
                    }
                    return Err(Failure::new(FailureKind::Fault, "the component panicked")
                        .with_code("component.panicked")
                        .with_effect(Effect::Unknown));
                }
                None => self.apply(change, &data),
            });
        }
        Ok(outcomes)
    }

    async fn check(&self, _: &Call, _: &[Need]) -> Result<Report, Failure> {
        Ok(Report::default())
    }

    async fn options(
        &self,
        _: &Call,
        _: &str,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Choices, Failure> {
        Ok(Choices::default())
    }
}
