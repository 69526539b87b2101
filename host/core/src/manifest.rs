//! The manifest: what a connector is and what it may do.
//!
//! It is static data in a custom section of the component ([`SECTION`]), read before any code runs, so
//! that what code may do is never decided by that code. Templates in it (`{scim_url}`) name fields of
//! the credential; they are filled in by the egress, out of the component's sight.

mod authentication;
mod connect;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use authentication::{Basic, BodyKind, Field, Method, Refresh, Scheme, Session, TokenExchange};
pub use connect::{
    Algorithm, Connect, Disconnect, Encoding, Exchange, Link, Signature, Webhook, Widget,
};

use crate::text::Text;

/// The custom section that holds the manifest as JSON.
pub const SECTION: &str = "matricula:manifest";

/// The contract that this host speaks: `major.minor`. A component of another major or of a newer minor
/// is refused.
pub const CONTRACT: (u32, u32) = (1, 2);

/// What a connector is and may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The contract that it was built for, `major.minor`.
    pub contract: String,
    /// Stable name, e.g. `personio`.
    pub id: String,
    /// The connector's own version.
    pub version: String,
    /// The system's name.
    pub title: Text,
    /// What it does, in a sentence.
    #[serde(default)]
    pub summary: Text,
    /// An SVG.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// The ways to authenticate; the owner chooses one.
    pub authentication: Vec<Method>,
    /// The origins it may reach: `https://api.example.com`, or a template such as `{scim_url}`, of which
    /// the origin is taken.
    pub origins: Vec<String>,
    /// The remote's documented rate limits, per credential.
    #[serde(default)]
    pub limits: Vec<Limit>,
    /// What can be read.
    #[serde(default)]
    pub streams: BTreeMap<String, Stream>,
    /// What can be written.
    #[serde(default)]
    pub operations: BTreeMap<String, Operation>,
    /// Options for form fields.
    #[serde(default)]
    pub lookups: BTreeMap<String, Lookup>,
    /// Events that the system sends and signs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// A documented rate limit: at most `requests` in any window of `seconds`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Only this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only paths that begin so.
    #[serde(default)]
    pub path: String,
    /// How many.
    pub requests: u32,
    /// In how long.
    pub seconds: u32,
}

/// What can be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// What the records are.
    pub title: Text,
    /// JSON Schema of a record: an object whose `properties` are the attributes. A property's `title`
    /// is the name that people see in the remote system; `patternProperties` are attributes that a
    /// tenant makes up; `"x-file": true` marks one by which a file is fetched. Nothing is `required`: an attribute that may not be read is absent.
    pub schema: Value,
    /// The most records in a page.
    pub page: u32,
    /// Whether it can be read from a state on.
    #[serde(default)]
    pub incremental: bool,
}

/// What can be written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What it does.
    pub title: Text,
    /// JSON Schema of a change's data: `properties` are the attributes, `required` those without which
    /// nothing can be created. `"x-reference": true` marks an attribute that takes the identity of
    /// another account; `"x-file"` one that takes a file, and says which ([`crate::file::FileRule`]).
    pub schema: Value,
    /// The most changes in one call.
    #[serde(default = "one")]
    pub batch: u32,
    /// The most calls at a time.
    #[serde(default = "one")]
    pub concurrency: u32,
    /// The attributes by which accounts can be found. An operation that is `once` and has none puts documents
    /// where nobody can list them: what becomes of one whose answer is lost, a person decides.
    #[serde(default)]
    pub find: Vec<String>,
    /// The stream that lists every account, its records in this operation's attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<String>,
    /// The boolean attribute that says whether the account may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<String>,
    /// Whether accounts can be removed.
    #[serde(default)]
    pub deletes: bool,
    /// Whether each write makes something new that is not changed any more (a document): a flow that writes
    /// with it has `once`. `find` then lists what a person's file holds.
    #[serde(default)]
    pub once: bool,
    /// The operation whose accounts are members of the groups that this one keeps. Such an operation's
    /// attributes are exactly `external_id` and `name` (text), `add` and `remove` (arrays of text: remote ids
    /// of accounts); it requires `name` and finds by `external_id` and `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members_of: Option<String>,
}

fn one() -> u32 {
    1
}

/// Options for a form field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    /// What the options are.
    pub title: Text,
}

/// Why a manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON of the manifest's shape.
    #[error("the manifest cannot be read: {0}")]
    Unreadable(String),
    /// Built for a contract that this host does not speak.
    #[error(
        "the component is built for contract {found}, this host speaks {}.{}: {}",
        CONTRACT.0, CONTRACT.1,
        "update Matricula, or build the component with an older SDK"
    )]
    Contract {
        /// What the manifest says.
        found: String,
    },
    /// Something in it contradicts itself.
    #[error("the manifest of {id} is wrong: {reason}")]
    Wrong {
        /// The connector.
        id: String,
        /// What.
        reason: String,
    },
}

impl Manifest {
    /// Reads a manifest and checks that it makes sense and that its contract is spoken here.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Versioned {
            contract: String,
        }
        let unreadable = |e: serde_json::Error| ManifestError::Unreadable(e.to_string());
        // The version first: a newer manifest may have fields that this host does not know.
        let Versioned { contract } = serde_json::from_slice(json).map_err(unreadable)?;
        let version = contract
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        match version {
            Some((major, minor)) if major == CONTRACT.0 && minor <= CONTRACT.1 => {}
            Some::<(u32, u32)>(_) => return Err(ManifestError::Contract { found: contract }),
            None => {
                return Err(ManifestError::Unreadable(format!(
                    "contract \"{contract}\" is not of the form major.minor"
                )));
            }
        }
        let manifest: Self = serde_json::from_slice(json).map_err(unreadable)?;
        manifest.check().map_err(|reason| ManifestError::Wrong {
            id: manifest.id.clone(),
            reason,
        })?;
        Ok(manifest)
    }

    /// The method with this id.
    pub fn method(&self, id: &str) -> Option<&Method> {
        self.authentication.iter().find(|method| method.id == id)
    }

    fn check(&self) -> Result<(), String> {
        let valid_id = !self.id.is_empty()
            && self
                .id
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !valid_id {
            return Err(format!("id \"{}\" is not made of a-z, 0-9 and -", self.id));
        }
        for (name, stream) in &self.streams {
            if stream.page == 0 {
                return Err(format!("stream {name} has pages of 0 records"));
            }
            properties(&stream.schema).ok_or_else(|| no_properties("stream", name))?;
        }
        for (name, operation) in &self.operations {
            let known =
                properties(&operation.schema).ok_or_else(|| no_properties("operation", name))?;
            if operation.batch == 0 || operation.concurrency == 0 {
                return Err(format!("operation {name} has a batch or concurrency of 0"));
            }
            if let Some(active) = &operation.active
                && !known.contains_key(active)
            {
                return Err(format!(
                    "operation {name} has no attribute {active} for `active`"
                ));
            }
            if let Some(accounts) = &operation.accounts
                && !self.streams.contains_key(accounts)
            {
                return Err(format!(
                    "operation {name} names the unknown stream {accounts}"
                ));
            }
            if let Some(unknown) = operation
                .find
                .iter()
                .find(|name| !known.contains_key(*name))
            {
                return Err(format!(
                    "operation {name} cannot find by the unknown {unknown}"
                ));
            }
            if let Some(accounts) = &operation.members_of {
                self.check_groups(name, operation, known, accounts)?;
            }
        }
        for method in &self.authentication {
            let origins = method.sessions.iter().map(|session| &session.origin);
            for origin in origins {
                if !self.origins.contains(origin) {
                    return Err(format!(
                        "method {} authenticates {origin}, which is not among the origins",
                        method.id
                    ));
                }
            }
            connect::check_method(method)?;
        }
        connect::check_webhook(self)
    }

    /// The engine writes groups without knowing the remote, so their attributes are the contract's.
    fn check_groups(
        &self,
        name: &str,
        operation: &Operation,
        known: &serde_json::Map<String, Value>,
        accounts: &str,
    ) -> Result<(), String> {
        match self.operations.get(accounts) {
            Some(accounts) if accounts.members_of.is_none() => {}
            Some(_) => {
                return Err(format!(
                    "operation {name} keeps groups of {accounts}, which keeps groups itself"
                ));
            }
            None => {
                return Err(format!(
                    "operation {name} keeps groups of the unknown operation {accounts}"
                ));
            }
        }
        let fits = known.len() == GROUP.len()
            && GROUP.iter().all(|(attribute, kind)| {
                known.get(*attribute).and_then(|schema| schema.get("type"))
                    == Some(&Value::from(*kind))
            })
            && operation.schema.get("required") == Some(&serde_json::json!(["name"]));
        if !fits {
            return Err(format!(
                "operation {name} keeps groups: its attributes must be external_id and name (string), add \
                 and remove (array), of which name is required"
            ));
        }
        if !["external_id", "name"]
            .iter()
            .all(|by| operation.find.iter().any(|find| find == by))
        {
            return Err(format!(
                "operation {name} keeps groups: they must be found by external_id and name"
            ));
        }
        Ok(())
    }
}

/// The attributes of an operation that keeps groups, with the JSON type of each.
const GROUP: [(&str, &str); 4] = [
    ("external_id", "string"),
    ("name", "string"),
    ("add", "array"),
    ("remove", "array"),
];

fn no_properties(what: &str, name: &str) -> String {
    format!("the schema of {what} {name} has no properties")
}

/// The attributes that a schema describes.
pub fn properties(schema: &Value) -> Option<&serde_json::Map<String, Value>> {
    schema.get("properties")?.as_object()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(contract: &str, id: &str) -> Vec<u8> {
        format!(
            r#"{{"contract":"{contract}","id":"{id}","version":"1.0.0","title":{{"en":"X"}},
            "authentication":[],"origins":[]}}"#
        )
        .into_bytes()
    }

    #[test]
    fn a_newer_contract_is_refused_before_anything_else_is_read() {
        let newer = br#"{"contract":"1.9","unheard_of":true}"#;
        assert_eq!(
            Manifest::parse(newer).unwrap_err().to_string(),
            "the component is built for contract 1.9, this host speaks 1.2: update Matricula, or \
             build the component with an older SDK"
        );
        assert!(matches!(
            Manifest::parse(&manifest("2.0", "x")),
            Err(ManifestError::Contract { .. })
        ));
        assert!(Manifest::parse(&manifest("1.0", "x")).is_ok());
    }

    #[test]
    fn nonsense_is_named() {
        let error = Manifest::parse(&manifest("1.0", "Not An Id")).unwrap_err();
        assert!(error.to_string().contains("is not made of a-z"), "{error}");
        assert!(Manifest::parse(b"{}").is_err());
        assert!(Manifest::parse(&manifest("one", "x")).is_err());
    }

    fn with_groups(groups: &Value) -> Result<Manifest, ManifestError> {
        let json = serde_json::json!({"contract": "1.0", "id": "x", "version": "1.0.0", "title": {"en": "X"},
        "authentication": [], "origins": [], "operations": {
            "upsert-user": {"title": {"en": "Users"}, "schema": {"properties": {}}},
            "upsert-group": groups,
        }});
        Manifest::parse(json.to_string().as_bytes())
    }

    #[test]
    fn groups_have_the_attributes_that_the_engine_writes() {
        let good = serde_json::json!({"title": {"en": "Groups"}, "members_of": "upsert-user",
            "find": ["external_id", "name"], "schema": {"required": ["name"], "properties": {
                "external_id": {"type": "string"}, "name": {"type": "string"},
                "add": {"type": "array"}, "remove": {"type": "array"}}}});
        let manifest = with_groups(&good).unwrap();
        assert_eq!(
            manifest.operations["upsert-group"].members_of.as_deref(),
            Some("upsert-user")
        );
        let wrong = |pointer: &str, value: Value, expected: &str| {
            let mut groups = good.clone();
            *groups.pointer_mut(pointer).unwrap() = value;
            let error = with_groups(&groups).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        wrong(
            "/members_of",
            "upsert-account".into(),
            "unknown operation upsert-account",
        );
        wrong("/members_of", "upsert-group".into(), "keeps groups itself");
        wrong(
            "/find",
            serde_json::json!(["name"]),
            "found by external_id and name",
        );
        wrong(
            "/schema/required",
            serde_json::json!([]),
            "of which name is required",
        );
        wrong(
            "/schema/properties/add/type",
            "string".into(),
            "add and remove (array)",
        );
    }
}
