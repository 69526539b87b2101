//! What one service was found to offer: the `prepared` token of a run.
//!
//! The token holds only what differs from the profile, so for a service that follows the standard it is
//! a few bytes, and reading it again for each batch costs nothing.

use std::collections::BTreeMap;

use matricula_sdk::{Preparation, Result, json as body};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::list::Listing;
use crate::path::{Path, boolean, member};
use crate::profile::{Attribute, EXTERNAL_ID, Home, Profile, USER_NAME, WORK_MAIL};
use crate::schemas::{Schemas, user_extensions};

/// What a service offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Learned {
    /// Accounts can be changed by PATCH; else they are read, changed and replaced.
    #[serde(rename = "p", default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) patch: bool,
    /// Accounts have versions that a change can depend on.
    #[serde(rename = "e", default, skip_serializing_if = "is_no")]
    pub(crate) etag: bool,
    /// Accounts can be searched for; else the list is gone through.
    #[serde(rename = "f", default = "yes", skip_serializing_if = "is_yes")]
    pub(crate) filter: bool,
    /// Accounts have e-mail addresses besides the user name.
    #[serde(rename = "m", default = "yes", skip_serializing_if = "is_yes")]
    mail: bool,
    /// Where attributes go that do not go where the profile says first.
    #[serde(rename = "a", default, skip_serializing_if = "BTreeMap::is_empty")]
    at: BTreeMap<String, String>,
    /// Those of them that take a date with a time.
    #[serde(rename = "t", default, skip_serializing_if = "Vec::is_empty")]
    date_time: Vec<String>,
    /// Attributes that would have a place by the profile and have none here.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    none: Vec<String>,
    /// Attributes of the service's own, by their names in the operation.
    #[serde(rename = "x", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) own: BTreeMap<String, Own>,
    /// Several changes can be sent as one request.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) bulk: Option<Bulk>,
}

/// Where an attribute of the service's own is, and what it takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Own {
    pub(crate) at: String,
    #[serde(rename = "h")]
    pub(crate) holds: Holds,
}

/// What values an attribute of the service's own has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Holds {
    Text,
    Number,
    Boolean,
    /// A date with a time.
    Moment,
}

/// How much goes into one bulk request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bulk {
    #[serde(rename = "n")]
    pub(crate) operations: u32,
    /// In bytes.
    #[serde(rename = "s")]
    pub(crate) payload: u64,
}

impl Bulk {
    /// What a service has that announces no limit of its own: as many changes as the host hands over.
    const UNSAID: Self = Self {
        operations: 100,
        payload: 1 << 20,
    };

    fn read(config: &Value) -> Option<Self> {
        let bulk = member(config, "bulk")?;
        let number = |name| member(bulk, name).and_then(Value::as_u64);
        let operations = number("maxOperations").map_or(Self::UNSAID.operations, |most| {
            u32::try_from(most).unwrap_or(u32::MAX)
        });
        let read = Self {
            operations,
            payload: number("maxPayloadSize").unwrap_or(Self::UNSAID.payload),
        };
        let offered = member(bulk, "supported").and_then(boolean) == Some(true);
        // One change in a request is what there is anyway.
        (offered && read.operations > 1).then_some(read)
    }
}

fn yes() -> bool {
    true
}
fn is_yes(value: &bool) -> bool {
    *value
}
fn is_no(value: &bool) -> bool {
    !*value
}

impl Default for Learned {
    fn default() -> Self {
        Self {
            patch: true,
            etag: false,
            filter: true,
            mail: true,
            at: BTreeMap::new(),
            date_time: Vec::new(),
            none: Vec::new(),
            own: BTreeMap::new(),
            bulk: None,
        }
    }
}

impl Learned {
    pub(crate) fn read(prepared: &str) -> Result<Self> {
        body::token("preparation", prepared)
    }

    pub(crate) fn token(&self) -> Result<String> {
        body::to_token("preparation", self)
    }

    /// Where an attribute goes; none if the service does not offer it. The login's place is the user
    /// name.
    pub(crate) fn place<'a>(&'a self, attribute: &'static Attribute) -> Option<Path<'a>> {
        if let Some(path) = self.at.get(attribute.name) {
            return Some(Path::parse(path));
        }
        match attribute.home {
            Home::Login => Some(Path::parse(USER_NAME)),
            Home::At(places) if !self.none.iter().any(|name| name == attribute.name) => {
                places.first().map(|path| Path::parse(path))
            }
            Home::At(_) | Home::Learned(_) => None,
        }
    }

    /// Where the work e-mail address goes, where accounts have one.
    pub(crate) fn work_mail(&self) -> Option<Path<'static>> {
        self.mail.then(|| Path::parse(WORK_MAIL))
    }

    /// Whether a date is written with a time.
    pub(crate) fn is_date_time(&self, attribute: &Attribute) -> bool {
        self.date_time.iter().any(|name| name == attribute.name)
    }

    /// Those of the attributes that have no place here, in the order asked.
    pub(crate) fn unavailable(&self, profile: &Profile, asked: &[String]) -> Vec<String> {
        let offered = |name: &String| {
            let attribute = profile.attribute(name);
            name == crate::REMOTE_ID
                || attribute.is_some_and(|a| self.place(a).is_some())
                || self.own.contains_key(name)
        };
        asked
            .iter()
            .filter(|name| !offered(name))
            .cloned()
            .collect()
    }

    /// Looks for a place for every attribute of the profile, and for those asked for besides.
    fn settle(&mut self, profile: &Profile, asked: &[String], schemas: Option<&Schemas>) {
        for name in asked {
            if let (Some(own), Some(schemas)) = (profile.own_name(name), schemas)
                && let Some(own) = schemas.learn_own(own)
            {
                self.own.insert(name.clone(), own);
            }
        }
        for attribute in profile.attributes {
            let name = || attribute.name.to_owned();
            match (attribute.home, schemas) {
                (Home::Login, Some(schemas)) => self.mail = schemas.offers(&Path::parse(WORK_MAIL)),
                (Home::At(places), Some(schemas)) => {
                    let offered =
                        |path: &&&str| is_common(path) || schemas.offers(&Path::parse(path));
                    match places.iter().find(offered) {
                        Some(path) if Some(path) == places.first() => {}
                        Some(path) => {
                            self.at.insert(name(), (*path).to_owned());
                        }
                        None => self.none.push(name()),
                    }
                }
                (Home::Learned(names), Some(schemas)) => {
                    if let Some(place) = schemas.learn(names, attribute.kind) {
                        self.at.insert(name(), place.path);
                        if place.date_time {
                            self.date_time.push(name());
                        }
                    }
                }
                // Nothing is told: the standard's schemas, and nothing else.
                (Home::Login | Home::At(_) | Home::Learned(_), None) => {}
            }
        }
    }
}

/// Attributes that every resource has without any schema describing them (RFC 7643 §3.1), and the two
/// that no service of use here can be without.
fn is_common(path: &str) -> bool {
    [EXTERNAL_ID, USER_NAME, "active"].contains(&path)
}

impl Client<'_> {
    /// Learns what the service offers, in two requests where it answers in one page.
    ///
    /// `prepared` of the result goes to [`Client::find`] and [`Client::write`]. Unavailable are those of
    /// the asked attributes that have no place at this service, an extension that it does not offer
    /// included. A service that tells nothing of itself is taken to have the core schema and the
    /// enterprise extension.
    pub fn prepare(&self, attributes: &[String]) -> Result<Preparation> {
        let learned = self.learn(attributes)?;
        let unavailable = learned.unavailable(self.profile, attributes);
        Ok(Preparation {
            prepared: learned.token()?,
            unavailable,
        })
    }

    pub(crate) fn learn(&self, asked: &[String]) -> Result<Learned> {
        let mut learned = self.learn_features()?;
        let schemas = self.schemas(asked)?;
        learned.settle(self.profile, asked, schemas.as_ref());
        Ok(learned)
    }

    /// What the service says of itself, not of its resources.
    pub(crate) fn learn_features(&self) -> Result<Learned> {
        let mut learned = Learned::default();
        if let Some(config) = self.get_if_offered("ServiceProviderConfig")? {
            let supports = |what| {
                let feature = member(&config, what)?;
                member(feature, "supported").and_then(boolean)
            };
            learned.patch = supports("patch").unwrap_or(true);
            learned.etag = supports("etag").unwrap_or(false);
            learned.filter = supports("filter").unwrap_or(true);
            learned.bulk = Bulk::read(&config);
        }
        Ok(learned)
    }

    fn schemas(&self, asked: &[String]) -> Result<Option<Schemas>> {
        let Some(resources) = self.all_if_offered("Schemas")? else {
            return Ok(None);
        };
        let mut schemas = Schemas::read(&resources);
        let in_doubt = self.profile.attributes.iter().any(
            |attribute| matches!(attribute.home, Home::Learned(names) if schemas.is_doubtful(names)),
        ) || asked
            .iter()
            .filter_map(|name| self.profile.own_name(name))
            .any(|own| schemas.is_doubtful(&[own]));
        if in_doubt
            && let Some(types) = self.all_if_offered("ResourceTypes")?
            && let Some(extensions) = user_extensions(&types)
        {
            schemas.keep(&extensions);
        }
        Ok(Some(schemas))
    }

    /// Every resource of a description that the service may not offer or may page.
    fn all_if_offered(&self, what: &str) -> Result<Option<Vec<Value>>> {
        let mut all: Vec<Value> = Vec::new();
        let mut path = what.to_owned();
        loop {
            let Some(list) = self.get_if_offered(&path)?.and_then(Listing::read) else {
                return Ok((path != what).then_some(all));
            };
            let repeated = list
                .resources
                .first()
                .is_some_and(|first| all.contains(first));
            if list.resources.is_empty() || repeated {
                return Ok(Some(all));
            }
            all.extend(list.resources);
            if list.total.is_none_or(|total| all.len() as u64 >= total) {
                return Ok(Some(all));
            }
            path = format!("{what}?startIndex={}", all.len() + 1);
        }
    }
}
