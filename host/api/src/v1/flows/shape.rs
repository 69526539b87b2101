//! What is told of a flow.

use matricula_core::connector::Need;
use matricula_core::notice::Records;
use matricula_flow::{Activation, Flow, Leavers};
use matricula_service::{Matricula, needs, records};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::v1::connectors::AttributeShape;
use crate::v1::extract::Signed;
use crate::v1::shapes::{CadenceShape, Words};

/// A flow: what is kept in step, and how.
#[derive(Serialize, ToSchema)]
#[schema(as = Flow)]
pub(super) struct FlowShape {
    /// Names it.
    name: String,
    /// `major.minor.patch`.
    version: String,
    /// What it is called.
    title: Words,
    /// What it does, in a sentence.
    summary: Words,
    /// What it carries.
    records: RecordsShape,
    /// The system that is read.
    source: SystemShape,
    /// The system that is written to.
    target: SystemShape,
    /// Whether the tenant has bought it.
    available: bool,
    /// When cycles are due where the owner chooses nothing else.
    schedule: CadenceShape,
    /// Flows that have to have succeeded on the same credentials before it is started.
    requires: Vec<Required>,
    /// The attributes of the source that it reads.
    reads: Vec<AttributeShape>,
    /// The attributes of the target that it writes.
    writes: Vec<Written>,
    /// The rights that it needs.
    needs: Needs,
    /// JSON Schema of its settings: an object with defaults. `x-title` and `x-description` are texts by language,
    /// `x-order` is the form's order, `x-options` names a lookup.
    #[schema(value_type = Object)]
    settings_schema: Value,
    /// What becomes of people who are gone from the source.
    leavers: LeaversShape,
    /// How many may lose their access in one cycle before an owner is asked.
    guard: GuardShape,
    /// What has to be done before it is started.
    activation: ActivationShape,
    /// The kinds of groups of accounts that it keeps. A change of one of a person's is called `groups.` and its kind.
    groups: Vec<GroupShape>,
    /// How many automations of it the tenant has started.
    automations: u64,
}

/// What has to be done before a flow is started.
#[derive(Serialize, ToSchema)]
#[schema(as = Activation)]
#[serde(rename_all = "kebab-case")]
enum ActivationShape {
    /// Nothing.
    AtOnce,
    /// A test: a plan of the same settings and credentials has to have been made, and is named by the start.
    Tested,
}

/// A kind of groups.
#[derive(Serialize, ToSchema)]
#[schema(as = GroupKind)]
struct GroupShape {
    /// Names it.
    kind: String,
    /// What it is called.
    title: Words,
}

/// What a flow carries.
#[derive(Serialize, ToSchema)]
#[schema(as = Records)]
#[serde(rename_all = "kebab-case")]
enum RecordsShape {
    /// People.
    People,
    /// Documents.
    Documents,
}

/// A remote system.
#[derive(Serialize, ToSchema)]
#[schema(as = System)]
struct SystemShape {
    /// Its connector's id.
    connector: String,
    /// What it is called.
    title: Words,
    /// An SVG.
    icon: Option<String>,
}

/// Another flow that has to have succeeded.
#[derive(Serialize, ToSchema)]
struct Required {
    /// Its name.
    flow: String,
    /// What it is called.
    title: Words,
}

/// An attribute that is written.
#[derive(Serialize, ToSchema)]
struct Written {
    /// Its name.
    name: String,
    /// What people see in the system.
    title: Words,
    /// What it is filled with.
    expression: String,
    /// Whether an owner may map it otherwise.
    open: bool,
    /// Whether nothing can be created without it.
    required: bool,
}

/// The rights that a flow needs.
#[derive(Serialize, ToSchema)]
struct Needs {
    /// Of the source's credential.
    source: Vec<NeedShape>,
    /// Of the target's credential.
    target: Vec<NeedShape>,
}

/// What a flow needs of a stream or an operation.
#[derive(Serialize, ToSchema)]
#[schema(as = Need)]
struct NeedShape {
    /// The stream or the operation.
    subject: String,
    /// The attributes of it.
    attributes: Vec<String>,
}

/// What becomes of people who are gone.
#[derive(Serialize, ToSchema)]
#[schema(as = Leavers)]
#[serde(rename_all = "kebab-case")]
enum LeaversShape {
    /// Their account is blocked.
    Block,
    /// Their account stays as it is.
    Keep,
    /// Their account is removed.
    Delete,
}

/// When an owner is asked before people lose their access.
#[derive(Serialize, ToSchema)]
#[schema(as = Guard)]
struct GuardShape {
    /// The greatest share of the people who can log in, 0 to 1.
    share: f64,
    /// From how many people on the share counts.
    from: u64,
    /// The greatest number, whatever the share.
    count: u64,
}

impl FlowShape {
    /// `started`: how many automations the tenant has of each flow.
    pub(super) fn of(
        matricula: &Matricula,
        signed: &Signed,
        flow: &Flow,
        started: &[(String, u64)],
    ) -> Result<Self, Problem> {
        let (source, target) = (flow.source().0, flow.target().0);
        let flows = std::slice::from_ref(flow);
        let guard = flow.guard();
        Ok(Self {
            name: flow.name().to_owned(),
            version: flow.version().to_owned(),
            title: flow.title().into(),
            summary: flow.summary().into(),
            records: match records(flow) {
                Records::People => RecordsShape::People,
                Records::Documents => RecordsShape::Documents,
            },
            source: SystemShape::of(matricula, source)?,
            target: SystemShape::of(matricula, target)?,
            available: signed.session.bought(flow.name()),
            schedule: flow.schedule().cadence.clone().into(),
            requires: flow
                .requires()
                .iter()
                .map(|required| Required {
                    flow: required.flow.clone(),
                    title: matricula.flow_title(&required.flow).into(),
                })
                .collect(),
            reads: flow
                .attributes()
                .iter()
                .map(|name| AttributeShape {
                    name: name.clone(),
                    title: flow.attribute_title(name).into(),
                })
                .collect(),
            writes: flow
                .fields()
                .iter()
                .map(|field| Written {
                    name: field.name.clone(),
                    title: (&field.title).into(),
                    expression: field.expression.clone(),
                    open: field.open,
                    required: field.required,
                })
                .collect(),
            needs: Needs {
                source: needs(source, flows).into_iter().map(Into::into).collect(),
                target: needs(target, flows).into_iter().map(Into::into).collect(),
            },
            settings_schema: flow.settings_schema().clone(),
            leavers: match flow.leavers() {
                Leavers::Block => LeaversShape::Block,
                Leavers::Keep => LeaversShape::Keep,
                Leavers::Delete => LeaversShape::Delete,
            },
            guard: GuardShape {
                share: guard.share,
                from: guard.from,
                count: guard.count,
            },
            activation: match flow.activation() {
                Activation::AtOnce => ActivationShape::AtOnce,
                Activation::Tested => ActivationShape::Tested,
            },
            groups: flow
                .groups()
                .iter()
                .map(|group| GroupShape {
                    kind: group.kind.clone(),
                    title: (&group.title).into(),
                })
                .collect(),
            automations: started
                .iter()
                .find(|(name, _)| name == flow.name())
                .map_or(0, |(_, count)| *count),
        })
    }
}

impl SystemShape {
    fn of(matricula: &Matricula, connector: &str) -> Result<Self, Problem> {
        let system = matricula.system(connector)?;
        let manifest = system.manifest();
        Ok(Self {
            connector: manifest.id.clone(),
            title: (&manifest.title).into(),
            icon: manifest.icon.clone(),
        })
    }
}

impl From<Need> for NeedShape {
    fn from(need: Need) -> Self {
        Self {
            subject: need.subject,
            attributes: need.attributes,
        }
    }
}
