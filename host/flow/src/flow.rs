//! A flow: a file that fits its connectors, with every expression compiled.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use matricula_core::manifest::Manifest;
use matricula_core::{Cadence, Text};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::choices::{self, ChoiceSetting};
use crate::diagnostic::Diagnostics;
use crate::document::{Delivery, DocumentRules};
use crate::expression::types::Type;
use crate::expression::{Expression, Names};
use crate::file::FlowFile;
use crate::groups::{GroupRules, GroupSpec};
use crate::guard::Guard;
use crate::program::Program;
use crate::schema::Check;
use crate::settings::{Form, SettingsError};
use crate::titles::title;

/// One attribute of the target that the flow fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// The attribute.
    pub name: String,
    /// Whether its value is the account of another person.
    pub reference: bool,
    /// Whether nothing can be created without it.
    pub required: bool,
    /// Whether its value depends on the record, and not on the settings alone.
    pub from_record: bool,
    /// A hash of the name that never changes, for [`matricula_core::link::Applied`].
    pub tag: u32,
    /// Whether owners may map it otherwise, see [`Flow::program`].
    pub open: bool,
    /// Whether it is written only when an account is made.
    pub initial: bool,
    /// The file's expression, as it is written there.
    pub expression: String,
    /// What people call it in the target, as the target's manifest says.
    pub title: Text,
}

/// What becomes of people who are gone from two successive complete reads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Leavers {
    /// The account is kept and cannot be used.
    #[default]
    Block,
    /// The account stays as it is.
    Keep,
    /// The account is removed.
    Delete,
}

/// What the owner has to have done before the flow is started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activation {
    /// Nothing: it is started when it is activated.
    #[default]
    AtOnce,
    /// A test: the owner has seen a preview, and confirms the start.
    Tested,
}

/// When cycles run, where the owner chooses nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When a cycle is due. One that was read from a file can be kept, and its time zone exists.
    pub cadence: Cadence,
    /// A cycle is full once the last full one is this long ago; where cycles are rarer, each is.
    pub full: Duration,
    /// Whether cycles can also be set off by a webhook.
    pub webhook: bool,
}

/// When the recipients whom an owner names get the daily report, where the owner chooses nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Time of the day, to the minute.
    pub time: Time,
    /// IANA name of the time zone that it is meant in.
    pub time_zone: String,
}

/// What must be so before the flow is started: a successful full cycle of that flow on the same two
/// credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The other flow's name. Only its form has been checked: whether there is such a flow is known to
    /// whoever has all of them.
    pub flow: String,
}

/// A checked and compiled flow. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Flow(pub(crate) Arc<Checked>);

/// What a flow consists of.
#[derive(Debug)]
pub(crate) struct Checked {
    pub name: String,
    pub version: String,
    pub title: Text,
    pub summary: Text,
    pub source: (String, String),
    pub target: (String, String),
    /// What people call the source system.
    pub source_title: String,
    /// The file as it was read.
    pub text: String,
    pub requires: Vec<Requirement>,
    pub schedule: Schedule,
    pub report: Option<Report>,
    pub guard: Guard,
    pub leavers: Leavers,
    pub activation: Activation,
    pub tells_success: bool,
    /// Only in a flow that keeps groups.
    pub groups: Option<GroupRules>,
    /// What expressions call the record.
    pub alias: String,
    /// What names mean in expressions.
    pub names: Names,
    /// The stream's schema.
    pub schema: Value,
    pub attributes: Vec<String>,
    /// For each of `attributes`.
    pub source_attributes: Vec<Arc<SourceAttribute>>,
    pub specs: Vec<FieldSpec>,
    pub fields: Vec<Field>,
    pub match_names: Vec<String>,
    pub matches: Vec<MatchRule>,
    pub scope: Option<Expression>,
    pub access: AccessRules,
    /// Only in a flow that delivers documents.
    pub document: Option<DocumentRules>,
    pub form: Form,
    /// What decides which person or document a record gives, apart from the settings.
    pub meaning: String,
}

/// An attribute that is read.
#[derive(Debug)]
pub(crate) struct SourceAttribute {
    /// What the owner sees in the source system.
    pub title: Text,
    pub check: Check,
}

/// How one attribute of the target is filled.
#[derive(Debug)]
pub(crate) struct Field {
    pub spec: FieldSpec,
    pub expression: Expression,
    /// What the attribute takes.
    pub of: Type,
    pub check: Check,
}

/// By what an existing account is found.
#[derive(Debug)]
pub(crate) struct MatchRule {
    pub attribute: String,
    pub expression: Expression,
}

/// What decides when a person may come in.
#[derive(Debug, Default)]
pub(crate) struct AccessRules {
    pub from: Option<Expression>,
    pub until: Vec<Expression>,
    pub barred: Option<Expression>,
    pub last_day: Option<Expression>,
    pub time_zone: Option<Expression>,
}

impl Checked {
    pub fn groups(&self) -> &[GroupSpec] {
        let groups = self.groups.as_ref();
        groups.map_or(&[], |groups| &groups.specs)
    }
}

impl AccessRules {
    pub fn all(&self) -> impl Iterator<Item = &Expression> {
        let single = [&self.from, &self.barred, &self.last_day, &self.time_zone];
        single.into_iter().flatten().chain(&self.until)
    }
}

impl Flow {
    /// Checks a file against the manifests of its connectors and compiles its expressions.
    ///
    /// # Errors
    /// Everything that is wrong with the file, by position.
    pub fn check(
        file: FlowFile,
        source: &Manifest,
        target: &Manifest,
    ) -> Result<Self, Diagnostics> {
        crate::check::check(file, source, target)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its version, `major.minor.patch`.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// What owners see in the catalogue.
    pub fn title(&self) -> &Text {
        &self.0.title
    }

    /// What it does, in a sentence.
    pub fn summary(&self) -> &Text {
        &self.0.summary
    }

    /// Connector and stream that it reads.
    pub fn source(&self) -> (&str, &str) {
        (&self.0.source.0, &self.0.source.1)
    }

    /// Connector and operation that it writes with.
    pub fn target(&self) -> (&str, &str) {
        (&self.0.target.0, &self.0.target.1)
    }

    /// The top-level attributes of the source that any expression of the file uses, sorted. What an
    /// automation reads, whose owner may have mapped some otherwise, is known to [`Program::attributes`].
    pub fn attributes(&self) -> &[String] {
        &self.0.attributes
    }

    /// What the source's owner calls an attribute of its stream: the title, by language, in the source's manifest;
    /// of one that the manifest does not know, its name.
    pub fn attribute_title(&self, attribute: &str) -> Text {
        title(&self.0.schema, attribute)
    }

    /// The attributes of the target that it fills, in the file's order, also those that an owner has left
    /// out (see [`Program::written`]).
    pub fn fields(&self) -> &[FieldSpec] {
        &self.0.specs
    }

    /// The target attribute of each match rule, in order.
    pub fn match_rules(&self) -> &[String] {
        &self.0.match_names
    }

    /// The file's text, as it was read: parsed and checked again, it gives the same flow.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// SHA-256 of [`Self::text`], 64 lower-case hexadecimal digits: names this version of the file exactly.
    pub fn text_digest(&self) -> String {
        let digest = Sha256::digest(&self.0.text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What must be so before it is started, in the file's order; no flow twice, and not this one.
    pub fn requires(&self) -> &[Requirement] {
        &self.0.requires
    }

    /// When the daily report is due; none: no report unless the owner asks for one.
    pub fn report(&self) -> Option<&Report> {
        self.0.report.as_ref()
    }

    /// When cycles run.
    pub fn schedule(&self) -> &Schedule {
        &self.0.schedule
    }

    /// How many may lose their access in one cycle.
    pub fn guard(&self) -> &Guard {
        &self.0.guard
    }

    /// What becomes of people who are gone.
    pub fn leavers(&self) -> Leavers {
        self.0.leavers
    }

    /// What has to be done before it is started.
    pub fn activation(&self) -> Activation {
        self.0.activation
    }

    /// Whether those who get reports are told of each cycle that was a success, and not only of the first. One that
    /// an event set off is told of only if it changed something.
    pub fn tells_success(&self) -> bool {
        self.0.tells_success
    }

    /// The kinds of groups that it keeps, in the file's order; none without `groups`.
    pub fn groups(&self) -> &[GroupSpec] {
        self.0.groups()
    }

    /// The operation of the target's connector by which it keeps groups; none without `groups`.
    pub fn group_operation(&self) -> Option<&str> {
        let groups = self.0.groups.as_ref();
        groups.map(|groups| groups.operation.as_str())
    }

    /// How it delivers documents; none: it keeps accounts.
    pub fn delivery(&self) -> Option<&Delivery> {
        self.0.document.as_ref().map(|document| &document.delivery)
    }

    /// The settings whose choices are looked up in one of the two systems, in the form's order.
    pub fn choices(&self) -> &[ChoiceSetting] {
        &self.0.form.choices
    }

    /// Fills in the settings that say when an automation was started (`x-fill: start`), where they are absent
    /// or null. Called once, when it is started; what it wrote is kept with the other settings, also when
    /// an owner changes those, who never sees it. Settings that are neither an object nor null are left alone.
    pub fn at_start(&self, settings: &mut Value, now: Timestamp) {
        choices::at_start(&self.0.form.schema, settings, now);
    }

    /// JSON Schema of the settings, an object with defaults. `title` and `description` are English; in all
    /// languages they are under `x-title` and `x-description`; `x-order` is the form's order. A setting with
    /// `x-hidden` is not for the owner; one with `x-needed-when` must be given where each setting in it has
    /// the value beside it, and means nothing otherwise.
    pub fn settings_schema(&self) -> &Value {
        &self.0.form.schema
    }

    /// The flow with an owner's settings. Settings that are not given have their defaults.
    ///
    /// Beside those of [`Self::settings_schema`] the reserved key `$map` is taken: an object that
    /// holds, for fields that are [open](FieldSpec::open), an expression (a text, at most 4096 bytes) that is used in
    /// place of the file's, or null where the attribute is not to be written at all. `{"$map": {"position":
    /// "upper(e.position)", "gender": null}}`
    ///
    /// # Errors
    /// Every setting and every expression that is wrong, by name.
    pub fn program(&self, settings: &Value) -> Result<Program, SettingsError> {
        Program::new(self.clone(), settings)
    }
}
