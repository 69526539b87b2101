//! Departments, business units, locations and job titles: users point to them by identifier, a flow has names.
//!
//! The names are learned once a run and travel with it. One that is not among them is looked for again, since
//! somebody, or an earlier batch of the same run, may have made it meanwhile; only then is it made. The
//! operation's calls come one after the other, so nothing is made twice.

use std::collections::BTreeMap;

use matricula_sdk::{Context, Effect, Failure, FailureKind, Result, json};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api;
use crate::listing;
use crate::refusal::{Doing, Told, refused};

/// What users point to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Departments,
    Businesses,
    Location,
    JobTitle,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [
        Self::Departments,
        Self::Businesses,
        Self::Location,
        Self::JobTitle,
    ];

    /// The operation's attribute that has the names.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Businesses => "businesses",
            Self::Location => "location",
            Self::JobTitle => "job_title",
        }
    }

    pub(crate) fn of(attribute: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.attribute() == attribute)
    }

    /// Where the list of them is.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Departments => "departments",
            Self::Businesses => "businesses",
            Self::Location => "locations",
            Self::JobTitle => "job_titles",
        }
    }

    /// Where a user has them.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Businesses => "business_unit",
            other => other.attribute(),
        }
    }

    /// Whether a user has several.
    pub(crate) fn is_many(self) -> bool {
        matches!(self, Self::Departments | Self::Businesses)
    }

    /// What several are called, in English and German.
    pub(crate) fn titles(self) -> (&'static str, &'static str) {
        match self {
            Self::Departments => ("Departments", "Abteilungen"),
            Self::Businesses => ("Business units", "Geschäftsbereiche"),
            Self::Location => ("Locations", "Standorte"),
            Self::JobTitle => ("Job titles", "Stellenbezeichnungen"),
        }
    }
}

/// The names of one kind, each with its identifier, in Engagedly's order.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Names(Vec<(String, String)>);

impl Names {
    /// All of them; none where the organisation has no such list.
    pub(crate) fn read(cx: &Context<'_>, kind: Kind) -> Result<Option<Self>> {
        let mut names = Self::default();
        let read = listing::all(cx, kind.path(), |entry| {
            let name = entry.get("name").and_then(json::text);
            if let (Some(name), Some(id)) = (name, listing::identity(&entry)) {
                names.0.push((name.to_owned(), id));
            }
        })?;
        Ok(read.map(|()| names))
    }

    /// The identifier for a name: written exactly so, else without regard to case.
    pub(crate) fn id(&self, name: &str) -> Option<&str> {
        let name = name.trim();
        let exact = self.0.iter().find(|(known, _)| known == name);
        let found = exact.or_else(|| {
            let folded = name.to_lowercase();
            self.0
                .iter()
                .find(|(known, _)| known.to_lowercase() == folded)
        });
        found.map(|(_, id)| id.as_str())
    }

    /// How much room they take in a token, about.
    pub(crate) fn size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, id)| name.len() + id.len() + 16)
            .sum()
    }

    /// Leaves out those that there is no room for; they are looked for again when they are wanted.
    pub(crate) fn shorten(&mut self, room: usize) {
        while self.size() > room {
            let keep = self.0.len() * room / self.size().max(1);
            self.0.truncate(keep.min(self.0.len().saturating_sub(1)));
        }
    }
}

/// Resolves names within one call.
pub(crate) struct Resolver<'a> {
    cx: &'a Context<'a>,
    learned: &'a BTreeMap<Kind, Names>,
    /// What was looked for again in this call.
    fresh: BTreeMap<Kind, Names>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(cx: &'a Context<'a>, learned: &'a BTreeMap<Kind, Names>) -> Self {
        Self {
            cx,
            learned,
            fresh: BTreeMap::new(),
        }
    }

    /// The identifier for a name, made if there is none. A failure has no effect on the user.
    pub(crate) fn id(&mut self, kind: Kind, name: &str) -> Result<String> {
        self.resolve(kind, name.trim())
            .map_err(|failure| failure.effect(Effect::None))
    }

    fn resolve(&mut self, kind: Kind, name: &str) -> Result<String> {
        if let Some(id) = self.known(kind, name) {
            return Ok(id.to_owned());
        }
        if !self.fresh.contains_key(&kind) {
            self.look_again(kind)?;
            if let Some(id) = self.known(kind, name) {
                return Ok(id.to_owned());
            }
        }
        let response = api::send(self.cx, "POST", kind.path(), Some(&json!({ "name": name })))?;
        if response.status == 422 && Told::read(&response).duplicates().is_some() {
            // Somebody was quicker.
            self.look_again(kind)?;
            let known = self.known(kind, name).map(str::to_owned);
            return known.ok_or_else(|| hidden(kind));
        }
        if !response.is_success() {
            return Err(not_made(kind, refused(&response, Doing::Creating)));
        }
        let made = api::data(&response, Doing::Creating)?;
        let id = match listing::identity(&made) {
            Some(id) => id,
            None => {
                self.look_again(kind)?;
                let known = self.known(kind, name).map(str::to_owned);
                return known.ok_or_else(|| hidden(kind));
            }
        };
        let fresh = self.fresh.entry(kind).or_default();
        fresh.0.push((name.to_owned(), id.clone()));
        Ok(id)
    }

    fn known(&self, kind: Kind, name: &str) -> Option<&str> {
        let fresh = self.fresh.get(&kind).and_then(|names| names.id(name));
        fresh.or_else(|| self.learned.get(&kind)?.id(name))
    }

    fn look_again(&mut self, kind: Kind) -> Result<()> {
        let names = Names::read(self.cx, kind)?.unwrap_or_default();
        self.fresh.insert(kind, names);
        Ok(())
    }
}

/// The failure of one user's change, where something that it points to could not be made. What is wrong
/// with the thing is not wrong with the user, and a missing right to make things is told as what it is.
fn not_made(kind: Kind, failure: Failure) -> Failure {
    let (what, _) = kind.titles();
    match failure.kind {
        FailureKind::Permission | FailureKind::Input | FailureKind::Conflict => Failure {
            message: format!(
                "{what}: one that is missing could not be made in Engagedly, make it there by hand: {}",
                failure.message
            ),
            ..failure
        },
        _ => failure,
    }
}

fn hidden(kind: Kind) -> Failure {
    let (what, _) = kind.titles();
    Failure::new(
        FailureKind::Conflict,
        format!(
            "{what}: Engagedly refuses one as a duplicate and does not list it: look there for one that is archived"
        ),
    )
    .code("duplicate_value")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[(&str, &str)]) -> Names {
        let own = |(name, id): &(&str, &str)| ((*name).to_owned(), (*id).to_owned());
        Names(list.iter().map(own).collect())
    }

    #[test]
    fn a_name_is_found_as_it_is_written_and_else_in_any_case() {
        let names = names(&[("it", "1"), ("IT", "2"), ("Größe", "3")]);
        assert_eq!(names.id(" IT "), Some("2"));
        assert_eq!(names.id("It"), Some("1"));
        assert_eq!(names.id("GRÖSSE"), None);
        assert_eq!(names.id("GRÖßE"), Some("3"));
        assert_eq!(names.id("I T"), None);
    }

    #[test]
    fn there_is_always_room() {
        let long = "x".repeat(200);
        let mut names = names(&[(long.as_str(), "1"), ("b", "2"), ("c", "3")]);
        names.shorten(100);
        assert!(names.size() <= 100);
        names.shorten(0);
        assert_eq!(names.size(), 0);
    }
}
