//! A flow: a file that fits its connectors, with every expression compiled.

use std::sync::Arc;
use std::time::Duration;

use matricula_core::Text;
use matricula_core::manifest::Manifest;
use serde_json::Value;

use crate::diagnostic::Diagnostics;
use crate::expression::Expression;
use crate::file::FlowFile;
use crate::guard::Guard;
use crate::program::Program;
use crate::schema::Check;
use crate::settings::{Form, SettingsError};

/// One attribute of the target that the flow fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldSpec {
    /// The attribute.
    pub name: String,
    /// Whether its value is the account of another person.
    pub reference: bool,
    /// Whether nothing can be created without it.
    pub required: bool,
    /// A hash of the name that never changes, for [`matricula_core::link::Applied`].
    pub tag: u32,
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

/// How often cycles run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Between the beginnings of two cycles; none: only on demand and for the full cycle.
    pub every: Option<Duration>,
    /// Between the beginnings of two full cycles.
    pub full: Duration,
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
    pub schedule: Schedule,
    pub guard: Guard,
    pub leavers: Leavers,
    /// What expressions call the record.
    pub alias: String,
    pub attributes: Vec<String>,
    /// For each of `attributes`.
    pub source_attributes: Vec<SourceAttribute>,
    pub specs: Vec<FieldSpec>,
    pub fields: Vec<Field>,
    pub match_names: Vec<String>,
    pub matches: Vec<MatchRule>,
    pub scope: Option<Expression>,
    pub access: AccessRules,
    pub form: Form,
    /// What decides which person a record gives, apart from the settings.
    pub meaning: String,
}

/// An attribute that is read.
#[derive(Debug)]
pub(crate) struct SourceAttribute {
    /// What the owner sees in the source system.
    pub label: String,
    pub check: Check,
}

/// How one attribute of the target is filled.
#[derive(Debug)]
pub(crate) struct Field {
    pub spec: FieldSpec,
    pub expression: Expression,
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

    /// The top-level attributes of the source that any expression uses, sorted: what the owner must
    /// allow the credential to read, and all that is read.
    pub fn attributes(&self) -> &[String] {
        &self.0.attributes
    }

    /// The attributes of the target that it fills, in the file's order.
    pub fn fields(&self) -> &[FieldSpec] {
        &self.0.specs
    }

    /// The target attribute of each match rule, in order.
    pub fn match_rules(&self) -> &[String] {
        &self.0.match_names
    }

    /// How often cycles run.
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

    /// JSON Schema of the settings, an object with defaults. `title` and `description` are English; in all
    /// languages they are under `x-title` and `x-description`; `x-order` is the form's order.
    pub fn settings_schema(&self) -> &Value {
        &self.0.form.schema
    }

    /// The flow with an owner's settings. Settings that are not given have their defaults.
    ///
    /// # Errors
    /// Every setting that is wrong, by name.
    pub fn program(&self, settings: &Value) -> Result<Program, SettingsError> {
        Program::new(self.clone(), settings)
    }
}
