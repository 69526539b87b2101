//! What a connection delivers: which attributes an HR system has, Kombo reads and the customer lets through.
//!
//! An attribute that is not delivered comes as null with every employee, as if it were empty. So what is
//! delivered is asked for once a run, before the first page, and attributes that are not are left out of
//! every record: what is absent clears nothing at the target.

use matricula_sdk::{Context, Failure, FailureKind, Result};
use serde::Deserialize;

use crate::api;

/// A connection, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(crate) struct Integration {
    pub(crate) tool: Tool,
    pub(crate) status: String,
    pub(crate) setup_status: String,
    pub(crate) end_user: EndUser,
    /// Set while what Kombo has does not fit the connection's changed settings: the next sync clears it.
    #[serde(default)]
    pub(crate) data_expired_at: Option<String>,
    #[serde(default)]
    read_models: Vec<Datapoint>,
    #[serde(default)]
    write_actions: Vec<Datapoint>,
}

/// The HR system.
#[derive(Debug, Deserialize)]
pub(crate) struct Tool {
    pub(crate) label: String,
}

/// Whose connection it is.
#[derive(Debug, Deserialize)]
pub(crate) struct EndUser {
    #[serde(default)]
    pub(crate) organization_name: String,
}

/// A model, an action, or a field of one.
#[derive(Debug, Deserialize)]
pub(crate) struct Datapoint {
    id: String,
    pub(crate) is_available: bool,
    #[serde(default)]
    coverage_status: String,
    #[serde(default)]
    opted_out_by_customer: bool,
    #[serde(default)]
    fields: Vec<Datapoint>,
}

/// Why something is not delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Kombo does not have it for this HR system.
    NotCovered,
    /// The customer has left it out while connecting.
    OptedOut,
    /// It is not in the connection's scope.
    NotEnabled,
}

impl Integration {
    /// Asks Kombo.
    pub(crate) fn get(cx: &Context<'_>) -> Result<Self> {
        let id = cx.credential("integration_id").unwrap_or_default().trim();
        if id.is_empty() {
            return Err(Failure::new(
                FailureKind::Config,
                "the credential names no connection to an HR system: connect one, or enter its integration ID",
            )
            .code("no-integration"));
        }
        let data = api::get(cx, &format!("integrations/{}", api::encoded(id)))?;
        serde_json::from_value(data).map_err(|error| {
            Failure::new(
                FailureKind::Protocol,
                format!("Kombo's description of the connection cannot be read: {error}"),
            )
            .code("no-integration")
        })
    }

    /// Those of the attributes of employees that are not delivered.
    pub(crate) fn undelivered<'n>(&self, attributes: &'n [String]) -> Vec<(&'n str, Reason)> {
        let missing = |name: &'n String| Some((name.as_str(), self.missing(name)?));
        attributes.iter().filter_map(missing).collect()
    }

    /// Why an attribute is not delivered. What Kombo says nothing of is taken for delivered.
    fn missing(&self, attribute: &str) -> Option<Reason> {
        let (model, fields): (Option<&str>, &[&str]) = match attribute {
            // Kombo's own.
            "id" | "remote_id" => return None,
            "department" | "departments" | "team" | "cost_center" => {
                (Some("hris_teams"), &["groups", "teams"])
            }
            "legal_entity" => (
                Some("hris_legal_entities"),
                &["legal_entity", "legal_entity_id"],
            ),
            "work_location" => (
                Some("hris_locations"),
                &["work_location", "work_location_id"],
            ),
            "manager_id" => (None, &["manager_id", "manager"]),
            other => (None, &[other]),
        };
        if let Some(model) = model.and_then(|id| self.model(id))
            && !model.is_available
        {
            return Some(model.reason());
        }
        let employees = self.model("hris_employees")?;
        let mut listed = employees
            .fields
            .iter()
            .filter(|field| fields.contains(&field.id.as_str()));
        let first = listed.next()?;
        let delivered = first.is_available || listed.any(|field| field.is_available);
        (!delivered).then(|| first.reason())
    }

    /// Something that can be read.
    pub(crate) fn model(&self, id: &str) -> Option<&Datapoint> {
        self.read_models.iter().find(|model| model.id == id)
    }

    /// The action that puts documents into personnel files. Kombo does not publish its name.
    pub(crate) fn upload(&self) -> Option<&Datapoint> {
        let mut actions = self.write_actions.iter();
        actions.find(|action| action.id.starts_with("hris_") && action.id.contains("document"))
    }
}

impl Datapoint {
    /// Why it is not available.
    pub(crate) fn reason(&self) -> Reason {
        if self.opted_out_by_customer {
            Reason::OptedOut
        } else if matches!(
            self.coverage_status.as_str(),
            "UNSUPPORTED" | "NOT_IMPLEMENTED" | "UNKNOWN"
        ) {
            Reason::NotCovered
        } else {
            Reason::NotEnabled
        }
    }
}
