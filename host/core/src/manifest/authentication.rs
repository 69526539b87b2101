//! How a connector's requests are authenticated: what the owner enters, and what the host makes of it.
//!
//! Templates name fields of the credential (`{client_secret}`); the egress fills them in, so that no component
//! ever holds a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Connect;
#[cfg(doc)]
use super::Manifest;
use crate::text::Text;

/// One way to authenticate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Stable name.
    pub id: String,
    /// What the owner chooses by.
    pub title: Text,
    /// The exact clicks that lead to the values.
    #[serde(default)]
    pub help: Text,
    /// What the owner enters, the vendor gives, or connecting fills in.
    pub fields: Vec<Field>,
    /// How the owner signs in to the system in a window of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<Connect>,
    /// How requests are authenticated, by origin. A rule whose template names an optional field that was
    /// left empty does not apply.
    pub sessions: Vec<Session>,
}

/// One value of a credential.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Name in templates.
    pub name: String,
    /// Label.
    pub title: Text,
    /// Where to find it.
    #[serde(default)]
    pub help: Text,
    /// Never shown again and never given to the component.
    #[serde(default)]
    pub secret: bool,
    /// Whether it must be filled in.
    #[serde(default = "yes")]
    pub required: bool,
    /// Given by the embedding vendor and not by the owner. A method that lacks a required one is not offered.
    #[serde(default, skip_serializing_if = "is_no")]
    pub given: bool,
    /// Filled in by connecting ([`Method::connect`]); nobody types it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub connected: bool,
    /// `uri` is checked to be an absolute https address (http only where the operator allows it).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

fn yes() -> bool {
    true
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_no(value: &bool) -> bool {
    !*value
}

/// How requests to one origin are authenticated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// An origin or a template, as in [`Manifest::origins`].
    pub origin: String,
    /// Only paths that begin so; of several sessions for an origin the longest that fits counts.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// What is added to each request.
    pub scheme: Scheme,
}

/// What is added to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Scheme {
    /// `Authorization: Bearer …`.
    Bearer {
        /// Template.
        token: String,
    },
    /// `Authorization: Basic …`.
    Basic {
        /// Template.
        user: String,
        /// Template.
        password: String,
    },
    /// Headers of the remote's own.
    Headers {
        /// Name → template.
        headers: BTreeMap<String, String>,
    },
    /// A token is asked for first and sent as `Authorization: Bearer …`: OAuth 2 client credentials, and
    /// the remotes that exchange credentials for a token in a body of their own.
    Token(Box<TokenExchange>),
}

/// How a token is had.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenExchange {
    /// Absolute; its origin must be one of the manifest's.
    pub url: String,
    /// How the fields are sent.
    pub body: BodyKind,
    /// Name → template. Credentials go into the body, never into the address.
    pub fields: BTreeMap<String, String>,
    /// What identifies the client in a header besides, as OAuth 2 has it (RFC 6749 §2.3.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// JSON pointer to the token in the answer.
    pub token: String,
    /// JSON pointer to its life in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<String>,
    /// Its life in seconds where the answer does not tell.
    #[serde(default = "an_hour")]
    pub default_life: u64,
    /// JSON pointer to a boolean that must be true, for remotes that answer 200 to a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<String>,
    /// How the token is renewed without the credential.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<Refresh>,
    /// Statuses by which a resource request says that the token is not accepted: the token is renewed
    /// once and the request repeated.
    #[serde(default = "unauthorized")]
    pub rejected: Vec<u16>,
}

/// `Authorization: Basic …` of a token request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// Template.
    pub user: String,
    /// Template.
    pub password: String,
}

fn an_hour() -> u64 {
    3600
}

fn unauthorized() -> Vec<u16> {
    vec![401]
}

/// How a token is renewed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// JSON pointer to the refresh token in the answer.
    pub token: String,
    /// Name → template; `{refresh_token}` is the refresh token.
    pub fields: BTreeMap<String, String>,
}

/// How a body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BodyKind {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
}
