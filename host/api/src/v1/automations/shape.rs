//! An automation as people see it.
//!
//! The store gives a card; what is not in it (titles, icons, names of credentials) is asked for once for a whole
//! list.

use std::collections::HashMap;

use jiff::Timestamp;
use matricula_core::automation::Automation;
use matricula_core::board::{Beat, Card};
use matricula_core::connector::Connector as _;
use matricula_core::notice::{Contact, Records};
use matricula_core::run::RunStatus;
use matricula_core::standing::{Hold, Lifecycle};
use matricula_core::{Cadence, CredentialId, TenantId, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Shared;
use crate::problem::Problem;
use crate::v1::bounds::Bounds;
use crate::v1::etag::Tag;
use crate::v1::shapes::{CadenceShape, FailureShape, RunShape, Words};

/// A flow that the tenant has started.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Automation)]
pub(in crate::v1) struct AutomationShape {
    /// Its id.
    id: String,
    /// The flow's name.
    flow: String,
    /// The version of the flow that it runs; null if its file cannot be read.
    version: Option<String>,
    /// What the flow is called.
    title: Words,
    /// What it carries.
    records: RecordsShape,
    /// How it stands.
    state: StateShape,
    /// Whether a run is under way.
    running: bool,
    /// Where it reads.
    source: SideShape,
    /// Where it writes.
    target: SideShape,
    /// What was filled in.
    settings: Map<String, Value>,
    /// When cycles are due.
    schedule: CadenceShape,
    /// When it is next looked at.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_run_at: Option<Timestamp>,
    /// The last run that is kept, also one that is under way.
    last_run: Option<RunShape>,
    /// When a run was last a success.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_succeeded_at: Option<Timestamp>,
    /// Why it is paused or runs at the slower pace.
    hold: Option<HoldShape>,
    /// No run has begun for twice the interval.
    overdue: bool,
    /// Deactivations that wait for a decision.
    staged: u64,
    /// Documents that wait for a decision.
    doubtful: u64,
    /// How many people it knows.
    population: PopulationShape,
    /// The last runs, the oldest first.
    #[schema(max_items = 30)]
    health: Vec<BeatShape>,
    /// There is another version of the flow, which can be adopted.
    update_available: bool,
    /// When it was started.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Who is told about it.
    contacts: Vec<ContactShape>,
}

/// What a flow carries.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Records)]
#[serde(rename_all = "kebab-case")]
pub(in crate::v1) enum RecordsShape {
    /// People, whose accounts it keeps.
    People,
    /// Documents, which it puts into people's files.
    Documents,
}

impl From<Records> for RecordsShape {
    fn from(records: Records) -> Self {
        match records {
            Records::People => Self::People,
            Records::Documents => Self::Documents,
        }
    }
}

/// How an automation stands.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = State)]
#[serde(rename_all = "kebab-case")]
pub(in crate::v1) enum StateShape {
    /// Its cycles come when they are due.
    Active,
    /// They come at a slower pace, since too many failed.
    Quarantined,
    /// Its credentials or settings do not work; it goes on by itself once they do.
    Paused,
    /// Somebody has stopped it.
    Deactivated,
}

/// One side of an automation.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AutomationSide)]
pub(in crate::v1) struct SideShape {
    /// The credential's id.
    id: String,
    /// What the owner calls it.
    name: String,
    /// The connector.
    connector: String,
    /// What the system is called.
    title: Words,
    /// SVG.
    icon: Option<String>,
}

/// Why an automation does not run at its pace.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Hold)]
pub(in crate::v1) struct HoldShape {
    /// What went wrong, and what to do.
    failure: FailureShape,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// How often it was tried since.
    attempts: u32,
}

impl From<Hold> for HoldShape {
    fn from(hold: Hold) -> Self {
        Self {
            failure: hold.failure.into(),
            since: hold.since,
            attempts: hold.attempts,
        }
    }
}

/// How many people an automation knows.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Population)]
pub(in crate::v1) struct PopulationShape {
    /// With an account.
    linked: u64,
    /// With an account that may be used.
    active: u64,
}

/// One of the last runs.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Beat)]
pub(in crate::v1) struct BeatShape {
    /// Its number.
    run: i64,
    /// How it stands.
    #[schema(value_type = String)]
    status: RunStatus,
    /// When it was triggered.
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
}

impl From<Beat> for BeatShape {
    fn from(beat: Beat) -> Self {
        Self {
            run: beat.run.0,
            status: beat.status,
            started_at: beat.started_at,
        }
    }
}

/// Somebody who is told about an automation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Contact)]
#[serde(deny_unknown_fields)]
pub(in crate::v1) struct ContactShape {
    /// Where to.
    #[schema(
        max_length = 254,
        pattern = r"^[^@\s\x00-\x1f\x7f-\x9f]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+$"
    )]
    email: String,
    /// What to call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    name: Option<String>,
    /// The language of the texts.
    language: LanguageShape,
    /// Is told of failures, pauses, staged changes and recoveries.
    alerts: bool,
    /// Gets the daily report.
    report: bool,
}

/// The language of mails.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(as = MailLanguage)]
#[serde(rename_all = "kebab-case")]
pub(in crate::v1) enum LanguageShape {
    /// English.
    En,
    /// German.
    De,
}

impl ContactShape {
    /// Holds the one at this place of a body's contacts to its bounds; whether the address can be one is looked at
    /// elsewhere.
    pub(super) fn bound(&self, bounds: Bounds, at: usize) -> Bounds {
        bounds
            .text(&format!("/contacts/{at}/email"), &self.email, 0, 254)
            .optional(
                &format!("/contacts/{at}/name"),
                self.name.as_deref(),
                0,
                200,
            )
    }
}

impl From<ContactShape> for Contact {
    fn from(contact: ContactShape) -> Self {
        Self {
            email: contact.email,
            name: contact.name,
            language: match contact.language {
                LanguageShape::En => "en".to_owned(),
                LanguageShape::De => "de".to_owned(),
            },
            alerts: contact.alerts,
            report: contact.report,
        }
    }
}

impl From<Contact> for ContactShape {
    fn from(contact: Contact) -> Self {
        Self {
            email: contact.email,
            name: contact.name,
            language: match contact.language.as_str() {
                "de" => LanguageShape::De,
                _ => LanguageShape::En,
            },
            alerts: contact.alerts,
            report: contact.report,
        }
    }
}

/// The tag of what an owner can change of an automation. That it was paused is not among it: an owner who
/// repairs it must not be refused because it was paused meanwhile.
pub(super) fn tag(card: &Card) -> Tag {
    #[derive(Serialize)]
    struct Changeable<'a> {
        deactivated: bool,
        settings: &'a Value,
        schedule: &'a Cadence,
        source: &'a CredentialId,
        target: &'a CredentialId,
        contacts: &'a [Contact],
        file: Option<&'a str>,
    }
    Tag::of(&Changeable {
        deactivated: card.standing.lifecycle == Lifecycle::Deactivated,
        settings: &card.automation.settings,
        schedule: &card.standing.cadence,
        source: &card.automation.source,
        target: &card.automation.target,
        contacts: &card.contacts,
        file: card.automation.file.as_deref(),
    })
}

/// Makes shapes of cards; asks for what several have in common once.
pub(in crate::v1) struct Shaper<'a> {
    shared: &'a Shared,
    /// Name and connector of each credential.
    credentials: HashMap<CredentialId, (String, String)>,
    systems: HashMap<String, (Words, Option<String>)>,
    flows: HashMap<(String, Option<String>), FlowFacts>,
    newest: HashMap<String, Option<String>>,
}

/// What is said of a flow.
#[derive(Clone)]
struct FlowFacts {
    title: Words,
    version: Option<String>,
    records: RecordsShape,
}

impl<'a> Shaper<'a> {
    /// For automations of one tenant.
    ///
    /// # Errors
    /// What the store says.
    pub(in crate::v1) async fn new(shared: &'a Shared, tenant: &TenantId) -> Result<Self, Problem> {
        let credentials = shared.matricula.store().credentials(tenant).await?;
        let credentials = credentials
            .into_iter()
            .map(|credential| (credential.id, (credential.name, credential.connector)))
            .collect();
        Ok(Self {
            shared,
            credentials,
            systems: HashMap::new(),
            flows: HashMap::new(),
            newest: HashMap::new(),
        })
    }

    /// The shape of a card.
    pub(in crate::v1) async fn shape(&mut self, card: Card) -> AutomationShape {
        let Card {
            standing,
            automation,
            ..
        } = card;
        let facts = self.facts(&automation).await;
        let update_available = self.is_outdated(&automation);
        let state = match standing.lifecycle {
            Lifecycle::Active if standing.is_quarantined() => StateShape::Quarantined,
            Lifecycle::Active => StateShape::Active,
            Lifecycle::Paused => StateShape::Paused,
            Lifecycle::Deactivated => StateShape::Deactivated,
        };
        AutomationShape {
            id: automation.id.to_string(),
            flow: automation.flow,
            version: facts.version,
            title: facts.title,
            records: facts.records,
            state,
            running: card.running,
            source: self.side(&standing.source),
            target: self.side(&standing.target),
            settings: match automation.settings {
                Value::Object(settings) => settings,
                _ => Map::new(),
            },
            schedule: standing.cadence.into(),
            next_run_at: standing.next_run_at,
            last_run: card.last_run.map(RunShape::from),
            last_succeeded_at: standing.last_succeeded_at,
            hold: standing.hold.map(HoldShape::from),
            overdue: standing.overdue,
            staged: card.staged,
            doubtful: card.doubtful,
            population: PopulationShape {
                linked: card.linked,
                active: card.active,
            },
            health: card.health.into_iter().map(BeatShape::from).collect(),
            update_available,
            created_at: automation.created_at,
            contacts: card.contacts.into_iter().map(ContactShape::from).collect(),
        }
    }

    fn side(&mut self, id: &CredentialId) -> SideShape {
        let (name, connector) = self.credentials.get(id).cloned().unwrap_or_default();
        let connectors = self.shared.matricula.connectors();
        let known = self.systems.entry(connector.clone());
        let (title, icon) = known.or_insert_with(|| match connectors.load(&connector) {
            Ok(loaded) => {
                let manifest = loaded.manifest();
                ((&manifest.title).into(), manifest.icon.clone())
            }
            // One that is gone is called by its name.
            Err(_) => ((&named(&connector)).into(), None),
        });
        SideShape {
            id: id.to_string(),
            name,
            title: title.clone(),
            icon: icon.clone(),
            connector,
        }
    }

    async fn facts(&mut self, automation: &Automation) -> FlowFacts {
        let key = (automation.flow.clone(), automation.file.clone());
        if let Some(facts) = self.flows.get(&key) {
            return facts.clone();
        }
        let matricula = &self.shared.matricula;
        let flow = match automation.file {
            Some(_) => matricula.flow_of(automation).await,
            None => matricula.offered(&automation.flow),
        };
        let facts = match flow {
            Ok(flow) => FlowFacts {
                title: flow.title().into(),
                version: Some(flow.version().to_owned()),
                records: matricula_service::records(&flow).into(),
            },
            Err(_) => FlowFacts {
                title: (&named(&automation.flow)).into(),
                version: None,
                records: RecordsShape::People,
            },
        };
        self.flows.insert(key, facts.clone());
        facts
    }

    fn is_outdated(&mut self, automation: &Automation) -> bool {
        let matricula = &self.shared.matricula;
        let newest = self.newest.entry(automation.flow.clone());
        let newest = newest.or_insert_with_key(|name| {
            let flow = matricula.offered(name).ok();
            flow.map(|flow| flow.text_digest())
        });
        // One without a file of its own runs whatever lies in the folder.
        match (&automation.file, newest) {
            (Some(own), Some(newest)) => own != newest,
            _ => false,
        }
    }
}

fn named(name: &str) -> Text {
    Text([("en".to_owned(), name.to_owned())].into())
}
