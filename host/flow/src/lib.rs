//! Flow files: parse, check, evaluate, map.
//!
//! Pure: no I/O, no clock. A flow file becomes a [`FlowFile`] (its YAML is right), then a [`Flow`] (it fits the
//! connectors' manifests, every expression is compiled and typed), then with an owner's settings a
//! [`Program`], which turns one record into one [`Person`] or, in a flow that delivers documents, one
//! [`Paper`]. What depends on the time is not evaluated here: a person carries dates, and
//! [`access::standing`] says what they mean at a given moment. Only what is remarked about a document
//! depends on the day, which is passed in.
//!
//! - [`diagnostic`]: what is wrong with a file, where, and what was probably meant.
//! - [`expression`]: the expression language (CEL), behind one module.
//! - [`access`], [`guard`]: the two rules that decide whether an account may be used and whether a
//!   cycle takes too many accounts away.
//! - Owners may map attributes that a file opens otherwise (`mapping`): in an automation's settings the key
//!   `$map` holds expressions by attribute of the target, or null where one is not to be written.
//!   [`Flow::try_expression`] says of one that is being written what is wrong with it and what it gives.
//! - A flow can keep groups of accounts at the target (`groups`): a person then says of each of [`Flow::groups`]
//!   to which group of that kind they belong.
//! - [`testing`]: `*.test.yaml` files beside a flow.
#![forbid(unsafe_code)]

pub mod access;
mod check;
mod choices;
pub mod diagnostic;
mod document;
pub mod expression;
mod file;
mod flow;
mod groups;
pub mod guard;
mod initial;
mod mapping;
mod paper;
mod parts;
mod person;
mod program;
#[cfg(test)]
mod published;
mod schedule;
mod schema;
mod settings;
mod source;
mod terms;
pub mod testing;
mod titles;
mod trial;
mod yaml;

pub use choices::ChoiceSetting;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use document::Delivery;
pub use file::FlowFile;
pub use flow::{Activation, FieldSpec, Flow, Leavers, Report, Requirement, Schedule};
pub use groups::GroupSpec;
pub use guard::Guard;
pub use mapping::Problem;
pub use paper::Paper;
pub use person::{AccessValues, FieldValue, GroupValue, Person, Reading, RecordError};
pub use program::Program;
pub use schedule::span;
pub use settings::{SettingError, SettingsError};
pub use titles::title;
pub use trial::Tried;
