//! A source of people that can be changed, and that fails and lies on demand.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use matricula_core::connector::{
    Call, Change, Choices, Connector, Found, Item, Need, Page, Preparation, ReadRequest, Receipt,
    Report,
};
use matricula_core::manifest::Manifest;
use matricula_core::{Failure, FailureKind, SourceKey};
use serde_json::{Value, json};

/// What happens to one read instead of an answer.
#[derive(Clone)]
pub enum Fault {
    Fail(Failure),
    /// Only so many of the page's people, without saying so.
    Short(usize),
    /// The last page says that it was not the whole population.
    Incomplete,
}

pub struct Source {
    manifest: Manifest,
    people: Mutex<Vec<(Value, u64)>>,
    version: AtomicU64,
    pub page: Mutex<usize>,
    /// By number of the read, counted from 1.
    pub faults: Mutex<VecDeque<(u64, Fault)>>,
    pub reads: AtomicU64,
    pub states: Mutex<Vec<Option<String>>>,
}

pub fn person(id: u64, name: &str) -> Value {
    json!({
        "id": id,
        "first_name": name,
        "email": format!("{}@example.com", name.to_lowercase()),
        "status": "active",
        "position": "Engineer",
        "hire_date": "2020-01-01",
        "contract_end_date": null,
        "termination_date": null,
        "department": {"id": 1, "name": "IT"},
        "supervisor": null,
    })
}

impl Source {
    pub fn new() -> Self {
        let text = |title: &str| json!({"type": ["string", "null"], "title": title});
        let manifest = json!({
            "contract": "1.0", "id": "hr", "version": "1.0.0", "title": {"en": "HR"},
            "authentication": [], "origins": [],
            "streams": {"employees": {
                "title": {"en": "Employees"}, "page": 3, "incremental": true,
                "schema": {"type": "object", "properties": {
                    "id": {"type": "integer"},
                    "first_name": text("First name"),
                    "email": text("E-mail"),
                    "status": text("Status"),
                    "position": text("Position"),
                    "hire_date": {"type": ["string", "null"], "format": "date"},
                    "contract_end_date": {"type": ["string", "null"], "format": "date"},
                    "termination_date": {"type": ["string", "null"], "format": "date"},
                    "department": {"type": ["object", "null"], "properties": {
                        "id": {"type": "integer"}, "name": {"type": "string"}}},
                    "supervisor": {"type": ["object", "null"], "properties": {"id": {"type": "integer"}}},
                }},
            }},
        });
        Self {
            manifest: Manifest::parse(manifest.to_string().as_bytes()).unwrap(),
            people: Mutex::default(),
            version: AtomicU64::new(1),
            page: Mutex::new(3),
            faults: Mutex::default(),
            reads: AtomicU64::new(0),
            states: Mutex::default(),
        }
    }

    /// Adds somebody, or replaces the one with the same id.
    pub fn put(&self, person: Value) {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        let mut people = self.people.lock().unwrap();
        match people
            .iter_mut()
            .find(|(known, _)| known["id"] == person["id"])
        {
            Some(known) => *known = (person, version),
            None => people.push((person, version)),
        }
    }

    /// Changes one attribute; `Value::Null` empties it.
    pub fn set(&self, id: u64, attribute: &str, value: Value) {
        let mut person = self.get(id);
        person[attribute] = value;
        self.put(person);
    }

    /// Takes the right to read an attribute away, for everybody.
    pub fn hide(&self, attribute: &str) {
        let version = self.version.fetch_add(1, Ordering::SeqCst) + 1;
        for (person, changed) in self.people.lock().unwrap().iter_mut() {
            person.as_object_mut().unwrap().remove(attribute);
            *changed = version;
        }
    }

    pub fn get(&self, id: u64) -> Value {
        let people = self.people.lock().unwrap();
        people
            .iter()
            .find(|(person, _)| person["id"] == id)
            .expect("somebody with this id")
            .0
            .clone()
    }

    pub fn remove(&self, id: u64) {
        self.people
            .lock()
            .unwrap()
            .retain(|(person, _)| person["id"] != id);
    }

    /// The nth read from now on (1 is the next one) goes wrong.
    pub fn fault(&self, nth: u64, fault: Fault) {
        let at = self.reads.load(Ordering::SeqCst) + nth;
        self.faults.lock().unwrap().push_back((at, fault));
    }
}

#[async_trait]
impl Connector for Source {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn read(&self, _: &Call, request: &ReadRequest) -> Result<Page, Failure> {
        let number = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = {
            let mut faults = self.faults.lock().unwrap();
            let at = faults.iter().position(|(at, _)| *at == number);
            at.and_then(|at| faults.remove(at)).map(|(_, fault)| fault)
        };
        if let Some(Fault::Fail(failure)) = fault {
            return Err(failure);
        }
        if request.position.is_none() {
            self.states.lock().unwrap().push(request.state.clone());
        }
        let since: u64 = request
            .state
            .as_deref()
            .map_or(0, |state| state.parse().unwrap());
        let offset: usize = request
            .position
            .as_deref()
            .map_or(0, |offset| offset.parse().unwrap());
        let people = self.people.lock().unwrap();
        let matching: Vec<&Value> = people
            .iter()
            .filter(|(_, version)| *version > since)
            .map(|(person, _)| person)
            .collect();
        let size = *self.page.lock().unwrap();
        let mut items: Vec<Item> = matching
            .iter()
            .skip(offset)
            .take(size)
            .map(|person| Item {
                key: SourceKey::new(person["id"].to_string()),
                deleted: false,
                data: person.to_string(),
            })
            .collect();
        let next = (offset + size < matching.len()).then(|| (offset + size).to_string());
        let last = next.is_none();
        let complete = last && request.state.is_none() && !matches!(fault, Some(Fault::Incomplete));
        if let Some(Fault::Short(size)) = fault {
            items.truncate(size);
        }
        Ok(Page {
            items,
            next,
            state: last.then(|| self.version.load(Ordering::SeqCst).to_string()),
            complete,
            total: Some(matching.len() as u64),
        })
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
        Err(not_offered())
    }

    async fn prepare(&self, _: &Call, _: &str, _: &[String]) -> Result<Preparation, Failure> {
        Err(not_offered())
    }

    async fn find(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        _: &str,
        _: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        Err(not_offered())
    }

    async fn write(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        _: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        Err(not_offered())
    }
}

fn not_offered() -> Failure {
    Failure::new(FailureKind::Internal, "not offered")
}
