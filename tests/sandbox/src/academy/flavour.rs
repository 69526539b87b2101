//! What one SCIM service does differently from another.
//!
//! The standard leaves much to a service; each choice is a field here, so that a test can start the
//! academy with the habits of any service it has met.

use super::schema::{Extension, Spec, Vocabulary};
use crate::config::{PatchAnswer, ScimSchemas};
use crate::system::System;

/// The habits of a SCIM service.
#[derive(Clone, Debug)]
pub struct Flavour {
    /// What it says under `/Schemas`.
    pub schemas: ScimSchemas,
    /// How it answers a PATCH.
    pub patch: PatchAnswer,
    /// The most resources that a page holds, whatever `count` says.
    pub page: usize,
    /// The attributes of the core schema that it knows, besides `userName`, `externalId` and `id`; all
    /// if `None`. Others are refused.
    pub core: Option<&'static [&'static str]>,
    /// Whether it knows the enterprise extension.
    pub enterprise: bool,
    /// Its own extension.
    pub extension: Option<Extension>,
    /// The base that `meta.location` is written with; the listener's own if `None`.
    pub public_url: Option<String>,
}

impl Flavour {
    /// The habits that a system has; `None` for one that is no SCIM service.
    ///
    /// edyoucated publishes nothing: it is taken to be a service that keeps to the standard alone and
    /// answers a PATCH by 204. Winningtemp's is what its documentation lists: the name, the e-mail
    /// addresses and whether somebody is active, and nothing else.
    pub fn of(system: System) -> Option<Self> {
        let academy = Self {
            schemas: ScimSchemas::WithExtension,
            patch: PatchAnswer::Account,
            page: 100,
            core: None,
            enterprise: true,
            extension: Some(Extension::RETEACH),
            public_url: None,
        };
        match system {
            System::Scim => Some(academy),
            System::Edyoucated => Some(Self {
                patch: PatchAnswer::NoContent,
                extension: None,
                public_url: Some(system.real_url()),
                ..academy
            }),
            System::WinningtempScim => Some(Self {
                schemas: ScimSchemas::NotFound,
                core: Some(&["name", "emails", "active"]),
                enterprise: false,
                extension: None,
                public_url: Some(system.real_url()),
                ..academy
            }),
            _ => None,
        }
    }

    pub(super) fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            core: self.core,
            enterprise: self.enterprise,
            extension: self
                .extension
                .filter(|_| self.schemas != ScimSchemas::WithoutExtension),
        }
    }
}

impl Extension {
    /// The academy's own: gender, place of work, type of employment and the dates of the contract.
    pub const RETEACH: Self = Self {
        urn: super::schema::EXTENSION,
        name: "Academy User",
        attributes: super::schema::EXTENSION_SPECS,
    };

    /// One that a service might have for what employees' systems know of people besides: gender, birth
    /// date, first and last day.
    pub const PERSON: Self = Self {
        urn: "urn:ietf:params:scim:schemas:extension:person:2.0:User",
        name: "Person",
        attributes: &[
            Spec::text("gender", "Gender"),
            Spec::day("birthDate", "Date of birth, YYYY-MM-DD"),
            Spec::day("hireDate", "First day of work, YYYY-MM-DD"),
            Spec::day("terminationDate", "Last day of work, YYYY-MM-DD"),
        ],
    };
}
