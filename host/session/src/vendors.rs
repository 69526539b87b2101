//! Vendors, as the operator has configured them.
//!
//! The text is TOML and comes from the caller, as does everything it points to: this crate opens no file and
//! reads no variable. All of it is checked here, once, so that a token is never refused for what could have
//! been said when the server started.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use matricula_core::Text;
use matricula_core::credential::{Gifts, Given};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::gifts;
use crate::key::{Algorithm, Key};
use crate::origin;

/// The issuer and tenant of the local sign-in, which no vendor can have.
pub(crate) const LOCAL: &str = "local";
/// What tokens are meant for, unless the vendor says otherwise.
pub(crate) const AUDIENCE: &str = "matricula";

/// What a configuration points to, and the caller is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The text of a file (`public_file`, `…_file`), named as in the configuration.
    File(&'a str),
    /// The value of an environment variable (`secret_env`, `…_env`).
    Variable(&'a str),
}

/// Somebody who embeds the product in their own.
#[derive(Debug)]
pub struct Vendor {
    id: String,
    title: Text,
    audience: String,
    origins: Vec<String>,
    not_bought: Text,
    flows: Option<BTreeSet<String>>,
    keys: HashMap<String, Arc<Key>>,
    jwks: Option<Url>,
    connectors: BTreeMap<String, Gifts>,
}

impl Vendor {
    /// The `iss` of its tokens: lower-case letters, digits and hyphens.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What its product is called.
    pub fn title(&self) -> &Text {
        &self.title
    }

    /// The `aud` of its tokens.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// The pages that may embed, as browsers write origins: `https://app.example.com`. They are safe to write
    /// into a `Content-Security-Policy`.
    pub fn origins(&self) -> &[String] {
        &self.origins
    }

    /// Whether pages of this origin may embed; compared as a whole.
    pub fn may_embed(&self, origin: &str) -> bool {
        self.origins.iter().any(|own| own == origin)
    }

    /// What is said about a flow that a tenant has not bought.
    pub fn not_bought(&self) -> &Text {
        &self.not_bought
    }

    /// Whether any tenant of this vendor may see this flow at all, bought or not.
    pub fn offers(&self, flow: &str) -> bool {
        self.flows.as_ref().is_none_or(|flows| flows.contains(flow))
    }

    pub(crate) fn flows(&self) -> Option<&BTreeSet<String>> {
        self.flows.as_ref()
    }

    pub(crate) fn key(&self, kid: &str) -> Option<Arc<Key>> {
        self.keys.get(kid).cloned()
    }

    pub(crate) fn jwks(&self) -> Option<&Url> {
        self.jwks.as_ref()
    }
}

/// All vendors of a server.
#[derive(Debug, Default)]
pub struct Vendors(BTreeMap<String, Vendor>);

impl Vendors {
    /// Reads a configuration. `resolve` gets what it points to; its error, a sentence's end such as
    /// `there is no such file`, is shown with the vendor and the key.
    ///
    /// # Errors
    /// [`ConfigError`], with the first thing that is wrong.
    pub fn parse(
        text: &str,
        mut resolve: impl FnMut(Reference<'_>) -> Result<Zeroizing<String>, String>,
    ) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| syntax(text, &error))?;
        let mut vendors = BTreeMap::new();
        for entry in file.vendor {
            let id = entry.id.clone();
            let vendor = entry.check(&mut resolve)?;
            if vendors.insert(id.clone(), vendor).is_some() {
                return Err(ConfigError::Vendor {
                    vendor: id,
                    problem: "is configured twice; give every [[vendor]] an id of its own".into(),
                });
            }
        }
        Ok(Self(vendors))
    }

    /// The vendor of this id.
    pub fn vendor(&self, id: &str) -> Option<&Vendor> {
        self.0.get(id)
    }

    /// All vendors, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Vendor> {
        self.0.values()
    }

    /// What the vendors give to their tenants' credentials.
    pub fn given(&self) -> Given {
        let mut given = Given::default();
        for vendor in self.iter() {
            for (connector, gifts) in &vendor.connectors {
                given.insert(&vendor.id, connector, gifts.clone());
            }
        }
        given
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    vendor: Vec<VendorEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VendorEntry {
    id: String,
    title: Text,
    #[serde(default = "audience")]
    audience: String,
    origins: Vec<String>,
    #[serde(default = "not_bought")]
    not_bought: Text,
    flows: Option<BTreeSet<String>>,
    #[serde(default)]
    key: Vec<KeyEntry>,
    jwks: Option<JwksEntry>,
    #[serde(default)]
    connectors: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    kid: String,
    alg: Algorithm,
    public: Option<String>,
    public_file: Option<String>,
    secret_env: Option<String>,
    /// Only to say where it belongs.
    secret: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JwksEntry {
    url: String,
}

fn audience() -> String {
    AUDIENCE.to_owned()
}

fn not_bought() -> Text {
    Text(BTreeMap::from([
        ("en".into(), "This is not part of your plan.".into()),
        (
            "de".into(),
            "Das ist in Ihrem Tarif nicht enthalten.".into(),
        ),
    ]))
}

impl VendorEntry {
    fn check(
        self,
        resolve: &mut impl FnMut(Reference<'_>) -> Result<Zeroizing<String>, String>,
    ) -> Result<Vendor, ConfigError> {
        let refused = |problem: String| ConfigError::Vendor {
            vendor: self.id.clone(),
            problem,
        };
        check_id(&self.id).map_err(|problem| refused(problem.into()))?;
        for (name, text) in [("title", &self.title), ("not_bought", &self.not_bought)] {
            if !text.0.contains_key("en") || text.0.values().any(|text| text.trim().is_empty()) {
                return Err(refused(format!(
                    "{name} needs a text in English, and no empty one; write {name} = {{ en = \"…\", de = \"…\" }}"
                )));
            }
        }
        if self.audience.is_empty() {
            return Err(refused(format!(
                "audience is empty; leave it out to take {AUDIENCE:?}"
            )));
        }
        let mut seen = BTreeSet::new();
        for text in &self.origins {
            origin::exact(text).map_err(|problem| refused(format!("origin {text:?} {problem}")))?;
            if !seen.insert(text) {
                return Err(refused(format!("origin {text:?} is named twice")));
            }
        }
        let jwks = self
            .jwks
            .as_ref()
            .map(|jwks| origin::jwks(&jwks.url))
            .transpose()
            .map_err(|problem| refused(format!("jwks.url {problem}")))?;
        if self.key.is_empty() && jwks.is_none() {
            return Err(refused(
                "has no key, so that no token of it could be believed; add [[vendor.key]] or [vendor.jwks]".into(),
            ));
        }
        let mut connectors = BTreeMap::new();
        for (connector, entries) in &self.connectors {
            let gifts = gifts::read(entries, resolve)
                .map_err(|problem| refused(format!("connectors.{connector}: {problem}")))?;
            connectors.insert(connector.clone(), gifts);
        }
        let mut keys = HashMap::new();
        for entry in &self.key {
            let refused = |problem: String| ConfigError::Key {
                vendor: self.id.clone(),
                key: entry.kid.clone(),
                problem,
            };
            let key = entry.check(resolve).map_err(refused)?;
            if keys.insert(entry.kid.clone(), Arc::new(key)).is_some() {
                return Err(refused(
                    "is configured twice; give every [[vendor.key]] a kid of its own".into(),
                ));
            }
        }
        Ok(Vendor {
            id: self.id,
            title: self.title,
            audience: self.audience,
            origins: self.origins,
            not_bought: self.not_bought,
            flows: self.flows,
            keys,
            jwks,
            connectors,
        })
    }
}

fn check_id(id: &str) -> Result<(), &'static str> {
    let fits = |octet: u8| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-';
    if id == LOCAL {
        return Err("this id belongs to the local sign-in; choose another");
    }
    if id.is_empty() || id.len() > 64 || !id.bytes().all(fits) {
        return Err("an id has 1 to 64 lower-case letters, digits and hyphens");
    }
    Ok(())
}

impl KeyEntry {
    fn check(
        &self,
        resolve: &mut impl FnMut(Reference<'_>) -> Result<Zeroizing<String>, String>,
    ) -> Result<Key, String> {
        if self.kid.is_empty() || self.kid.len() > 200 || self.kid.chars().any(char::is_control) {
            return Err("a kid has 1 to 200 characters, and no control characters".into());
        }
        if self.secret.is_some() {
            return Err(
                "a secret does not belong into a file; put it into an environment variable and write secret_env = \"ITS_NAME\"".into(),
            );
        }
        match (&self.public, &self.public_file, &self.secret_env) {
            (Some(pem), None, None) => Key::from_pem(self.alg, pem).map_err(str::to_owned),
            (None, Some(name), None) => {
                let pem = resolve(Reference::File(name))
                    .map_err(|problem| format!("public_file {name:?}: {problem}"))?;
                Key::from_pem(self.alg, &pem)
                    .map_err(|problem| format!("public_file {name:?}: {problem}"))
            }
            (None, None, Some(_)) if self.alg != Algorithm::Hs256 => Err(format!(
                "alg {} is checked with a public key; give public or public_file in place of secret_env",
                self.alg.as_str()
            )),
            (None, None, Some(name)) => {
                let secret = resolve(Reference::Variable(name))
                    .map_err(|problem| format!("secret_env {name:?}: {problem}"))?;
                Key::from_secret(secret.as_bytes())
                    .map_err(|problem| format!("secret_env {name:?}: {problem}"))
            }
            _ => Err("give exactly one of public, public_file and secret_env".into()),
        }
    }
}

/// Where and what; not the line itself, which may hold what was meant to be secret.
fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let before = error
        .span()
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    ConfigError::Syntax {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        message: error.message().to_owned(),
    }
}
