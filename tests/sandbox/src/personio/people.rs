//! The people in Personio, as a test sees and changes them.

use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use serde_json::{Map, Value};

use super::directory::Directory;
use crate::{Clock, lock};

/// The people in Personio; clones show the same ones.
///
/// Every change moves `last_modified_at` to the sandbox's present moment. Values are given in the raw
/// shapes of the API, with three short forms: a supervisor may be given by id, a department, office,
/// subcompany or team by its name, and a date as `YYYY-MM-DD`.
#[derive(Clone)]
pub struct People {
    directory: Arc<Mutex<Directory>>,
    clock: Clock,
}

impl People {
    pub(crate) fn new(directory: Directory, clock: Clock) -> Self {
        Self {
            directory: Arc::new(Mutex::new(directory)),
            clock,
        }
    }

    pub(super) fn with<T>(&self, f: impl FnOnce(&mut Directory) -> T) -> T {
        f(&mut lock(&self.directory))
    }

    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.with(|d| d.len())
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everybody's id, in the order in which Personio lists them.
    pub fn ids(&self) -> Vec<u64> {
        self.with(|d| d.ids())
    }

    /// All values of a person by key, hidden ones too.
    pub fn get(&self, id: u64) -> Option<Map<String, Value>> {
        self.with(|d| d.values(id))
    }

    /// One value of a person; `None` if there is no such person or attribute.
    pub fn value(&self, id: u64, key: &str) -> Option<Value> {
        self.with(|d| d.value(id, key))
    }

    /// A value as text; empty if it is none.
    pub fn text(&self, id: u64, key: &str) -> String {
        self.value(id, key)
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// Adds a person at the end of the list and returns the id. What is not given is empty; `id` may
    /// be given. `None` if that id is taken.
    pub fn add(&self, values: &[(&str, Value)]) -> Option<u64> {
        let now = self.now();
        self.with(|d| {
            let wanted = values
                .iter()
                .find(|(key, _)| *key == "id")
                .and_then(|(_, v)| v.as_u64());
            let id = d.add(wanted, now)?;
            for (key, value) in values.iter().filter(|(key, _)| *key != "id") {
                d.set(id, key, value, now);
            }
            Some(id)
        })
    }

    /// Removes a person, as if deleted in Personio; false if there was none.
    pub fn remove(&self, id: u64) -> bool {
        self.with(|d| d.remove(id))
    }

    /// Sets one attribute; false if there is no such person, or for `id`, which never changes. An
    /// unknown key becomes an attribute.
    pub fn set(&self, id: u64, key: &str, value: impl Into<Value>) -> bool {
        let now = self.now();
        self.with(|d| d.set(id, key, &value.into(), now))
    }

    /// Sets the e-mail address.
    pub fn set_email(&self, id: u64, email: &str) -> bool {
        self.set(id, "email", email)
    }

    /// Sets the status: `onboarding`, `active`, `leave` or `inactive`.
    pub fn set_status(&self, id: u64, status: &str) -> bool {
        self.set(id, "status", status)
    }

    /// Sets the first day and the end of the contract.
    pub fn set_dates(&self, id: u64, hire: Option<Date>, contract_end: Option<Date>) -> bool {
        let value =
            |date: Option<Date>| date.map(|d| d.to_string()).map_or(Value::Null, Value::from);
        self.set(id, "hire_date", value(hire))
            && self.set(id, "contract_end_date", value(contract_end))
    }

    /// Ends the employment on a day: dates of leaving, and status `inactive`.
    pub fn terminate(&self, id: u64, day: Date) -> bool {
        let day = day.to_string();
        self.set(id, "termination_date", day.as_str())
            && self.set(id, "last_working_day", day.as_str())
            && self.set(id, "contract_end_date", day.as_str())
            && self.set_status(id, "inactive")
    }

    /// Takes the same person on again from a day: new first day, no dates of leaving, `active`.
    pub fn rehire(&self, id: u64, day: Date) -> bool {
        ["termination_date", "last_working_day", "contract_end_date"]
            .into_iter()
            .all(|key| self.set(id, key, Value::Null))
            && self.set(id, "termination_type", "")
            && self.set(id, "hire_date", day.to_string())
            && self.set_status(id, "active")
    }

    /// Sets the supervisor.
    pub fn set_supervisor(&self, id: u64, supervisor: Option<u64>) -> bool {
        self.set(
            id,
            "supervisor",
            supervisor.map_or(Value::Null, Value::from),
        )
    }

    /// Moves `last_modified_at` without changing anything, which Personio does too.
    pub fn touch(&self, id: u64) -> bool {
        let now = self.now();
        self.with(|d| d.touch(id, now))
    }

    /// Makes a custom attribute known: key (`dynamic_…`), label, type (`standard`, `date`, `integer`,
    /// `decimal`, `list`, `link`, `tags`, `multiline`) and the options of a list.
    pub fn define(&self, key: &str, label: &str, kind: &str, options: &[&str]) {
        self.with(|d| d.define(key, label, kind, options));
    }

    /// Takes the right to read an attribute from the credential; false for an unknown key.
    pub fn hide(&self, key: &str) -> bool {
        self.with(|d| d.set_hidden(key, true))
    }

    /// Gives the right back.
    pub fn show(&self, key: &str) -> bool {
        self.with(|d| d.set_hidden(key, false))
    }
}
