//! Kombo as a test sees and changes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use serde::Deserialize;
use serde_json::{Value, json};

use super::employee::kombo_id;
use super::mirror::Mirror;
use crate::{Clock, lock};

/// How many actions may be under way for a connection.
const IN_FLIGHT: usize = 30;

/// Kombo's account; clones show the same one.
#[derive(Clone)]
pub struct Kombo {
    inner: Arc<Mutex<Inner>>,
    clock: Clock,
    webhook_secret: Arc<str>,
}

/// How far a connection is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Setup {
    /// It delivers.
    Completed,
    /// Kombo is reading the HR system for the first time.
    SyncPending,
    /// The customer has not finished.
    Incomplete,
}

/// Whether a connection works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It does.
    Active,
    /// The HR system rejects its credentials; what was read before is still given out.
    Invalid,
    /// It is switched off.
    Inactive,
}

/// One customer's connection.
#[derive(Clone, Debug)]
pub struct Integration {
    /// `personio:…`.
    pub id: String,
    /// What whoever made the link calls the customer.
    pub origin_id: Option<String>,
    /// The customer's name.
    pub organization: String,
    /// Who connected.
    pub email: String,
    /// How far it is set up.
    pub setup: Setup,
    /// Whether it works.
    pub status: Status,
}

pub(super) struct Inner {
    pub(super) integrations: BTreeMap<String, Integration>,
    /// What links that were handed out are for, by their token.
    pub(super) links: BTreeMap<String, Integration>,
    /// Connections by activation token.
    pub(super) activated: BTreeMap<String, String>,
    pub(super) mirror: Mirror,
    /// Cursors of an earlier number are not known any more.
    pub(super) cursors: u32,
    pub(super) made: u32,
    occupied: usize,
    /// Fields of employees that are not delivered, and whether the customer has opted out of them.
    blank: BTreeMap<String, bool>,
    disabled: BTreeSet<String>,
    expired: bool,
}

impl Inner {
    pub(super) fn undelivered(&self) -> impl Iterator<Item = &str> {
        self.blank.keys().map(String::as_str)
    }
}

impl Kombo {
    pub(crate) fn new(integration: &str, webhook_secret: &str, clock: Clock) -> Self {
        let first = Integration {
            id: integration.to_owned(),
            origin_id: None,
            organization: "Example GmbH".into(),
            email: "hr@example.com".into(),
            setup: Setup::Completed,
            status: Status::Active,
        };
        Self {
            inner: Arc::new(Mutex::new(Inner {
                integrations: BTreeMap::from([(first.id.clone(), first)]),
                links: BTreeMap::new(),
                activated: BTreeMap::new(),
                mirror: Mirror::default(),
                cursors: 1,
                made: 0,
                occupied: 0,
                blank: BTreeMap::new(),
                disabled: BTreeSet::new(),
                expired: false,
            })),
            clock,
            webhook_secret: webhook_secret.into(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }

    pub(super) fn webhook_secret(&self) -> &str {
        &self.webhook_secret
    }

    /// The identity that Kombo gives to an employee of Personio's.
    pub fn id(&self, employee: u64) -> String {
        kombo_id("employee", &employee.to_string())
    }

    /// The identity that Kombo gives to a document category of Personio's.
    pub fn category(&self, id: u64) -> String {
        kombo_id("category", &id.to_string())
    }

    /// A connection.
    pub fn integration(&self, id: &str) -> Option<Integration> {
        self.lock().integrations.get(id).cloned()
    }

    /// All connections.
    pub fn integrations(&self) -> Vec<Integration> {
        self.lock().integrations.values().cloned().collect()
    }

    /// How far every connection is set up.
    pub fn set_setup(&self, setup: Setup) {
        for integration in self.lock().integrations.values_mut() {
            integration.setup = setup;
        }
    }

    /// Whether the connections work.
    pub fn set_status(&self, status: Status) {
        for integration in self.lock().integrations.values_mut() {
            integration.status = status;
        }
    }

    /// Removes every connection, as if the customer had disconnected.
    pub fn disconnect(&self) {
        self.lock().integrations.clear();
    }

    /// A field of employees is not delivered: Kombo does not have it, or the customer has opted out of it.
    pub fn withhold(&self, field: &str, opted_out: bool) {
        self.lock().blank.insert(field.to_owned(), opted_out);
    }

    /// It is delivered again.
    pub fn deliver(&self, field: &str) {
        self.lock().blank.remove(field);
    }

    /// Takes a model (`hris_employees`, `hris_teams`, `hris_employee_document_categories`) or the action
    /// `hris_add_employee_document` out of the scope, or puts it in again.
    pub fn enable(&self, what: &str, enabled: bool) {
        let disabled = &mut self.lock().disabled;
        if enabled {
            disabled.remove(what);
        } else {
            disabled.insert(what.to_owned());
        }
    }

    /// What Kombo has is out of date, since the connection's settings were changed (`data_expired_at`).
    pub fn set_expired(&self, expired: bool) {
        self.lock().expired = expired;
    }

    /// Makes every cursor given out so far unknown.
    pub fn forget_cursors(&self) {
        self.lock().cursors += 1;
    }

    /// So many actions of others are under way; 30 leave no room.
    pub fn occupy(&self, actions: usize) {
        self.lock().occupied = actions;
    }

    pub(super) fn remaining(&self) -> usize {
        IN_FLIGHT.saturating_sub(self.lock().occupied)
    }

    pub(super) fn is_enabled(&self, what: &str) -> bool {
        !self.lock().disabled.contains(what)
    }

    /// What `GET /integrations/{id}` says.
    pub(super) fn described(&self, integration: &Integration) -> Value {
        let now = format!("{:.3}", self.clock.now());
        let inner = self.lock();
        let datapoint = |id: &str, label: &str, fields: Vec<Value>| {
            let enabled = !inner.disabled.contains(id);
            json!({
                "id": id, "label": label, "is_available": enabled, "coverage_status": "SUPPORTED",
                "scope_config_setting": if enabled { "ENABLED" } else { "DISABLED" },
                "opted_out_by_customer": false, "fields": fields,
            })
        };
        let field = |id: &&str| {
            let blank = inner.blank.get(*id);
            let opted_out = blank == Some(&true);
            json!({
                "id": id, "is_available": blank.is_none(),
                "coverage_status": if blank == Some(&false) { "UNSUPPORTED" } else { "SUPPORTED" },
                "scope_config_setting": if opted_out { "OPTIONAL" } else { "ENABLED" },
                "opted_out_by_customer": opted_out,
            })
        };
        json!({
            "id": integration.id,
            "tool": {
                "id": "personio", "label": "Personio", "internal_label": null,
                "logo_url": "https://storage.googleapis.com/kombo-assets/integrations/personio/logo.svg",
                "icon_url": "https://storage.googleapis.com/kombo-assets/integrations/personio/icon.svg",
            },
            "category": "HRIS",
            "status": match integration.status {
                Status::Active => "ACTIVE",
                Status::Invalid => "INVALID",
                Status::Inactive => "INACTIVE",
            },
            "setup_status": match integration.setup {
                Setup::Completed => "COMPLETED",
                Setup::SyncPending => "FINAL_SYNC_PENDING",
                Setup::Incomplete => "INCOMPLETE",
            },
            "end_user": {
                "organization_name": integration.organization,
                "creator_email": integration.email,
                "origin_id": integration.origin_id,
            },
            "scope_config": {"id": "B1hu5NGyhdjSq5X3hxEz4bAN", "name": "HR data"},
            "data_expired_at": inner.expired.then_some(now),
            "created_at": "2026-01-07T14:01:29.196Z",
            "beta": false,
            "read_models": [
                datapoint("hris_employees", "Employees", FIELDS.iter().map(field).collect()),
                datapoint("hris_teams", "Groups", Vec::new()),
                datapoint("hris_legal_entities", "Legal entities", Vec::new()),
                datapoint("hris_locations", "Work locations", Vec::new()),
                datapoint("hris_employee_document_categories", "Document categories", Vec::new()),
            ],
            "write_actions": [
                datapoint("hris_add_employee_document", "Add employee document", Vec::new()),
            ],
        })
    }
}

/// The fields of employees that connections are described by.
const FIELDS: [&str; 18] = [
    "employee_number",
    "first_name",
    "last_name",
    "display_full_name",
    "job_title",
    "work_email",
    "personal_email",
    "gender",
    "employment_status",
    "employment_type",
    "weekly_hours",
    "date_of_birth",
    "start_date",
    "termination_date",
    "work_location_id",
    "legal_entity_id",
    "manager_id",
    "groups",
];
