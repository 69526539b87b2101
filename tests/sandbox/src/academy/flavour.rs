//! What one SCIM service does differently from another.
//!
//! The standard leaves much to a service; each choice is a field here, so that a test can start the
//! academy with the habits of any service it has met.

use super::schema::{Extension, Spec};
use super::vocabulary::{Kind, Vocabulary};
use crate::config::{PatchAnswer, ScimSchemas};
use crate::system::System;

/// How members are taken out of a group by PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberRemoval {
    /// By a filter in the path, `members[value eq "ID"]`, or by a list as value, as Entra ID has it.
    Any,
    /// By a filter only; a value is refused.
    ByFilter,
    /// By a filter only; a value is ignored, so that everybody is removed, which is the standard's letter.
    ByFilterOrAll,
    /// By a list as value only; a filter is refused.
    ByValue,
    /// Not at all; a list of members can only be replaced.
    Never,
}

/// Whether resources have versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// No; `If-Match` means nothing.
    No,
    /// Yes, and a wrong `If-Match` is refused by 412.
    Offered,
    /// Yes, and a change without `If-Match` is refused by 428.
    Required,
}

/// How much a bulk request may hold; 413 beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Operations.
    pub operations: usize,
    /// Bytes of the body.
    pub bytes: usize,
}

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
    /// Whether it has groups; `/Groups` is 404 if not.
    pub groups: bool,
    /// Whether groups have an `externalId`; it is refused if not.
    pub group_external_id: bool,
    /// Whether no two groups may have the same name, in whatever case; 409 if so.
    pub unique_group_names: bool,
    /// How members are removed.
    pub removal: MemberRemoval,
    /// Whether resources have versions.
    pub tags: Tags,
    /// What it takes under `/Bulk`; 501 if `None`.
    pub bulk: Option<Bulk>,
    /// Whether it has `/ServiceProviderConfig`; 404 if not.
    pub config: bool,
    /// The base that `meta.location` is written with; the listener's own if `None`.
    pub public_url: Option<String>,
}

impl Flavour {
    /// The habits that a system has; `None` for one that is no SCIM service.
    ///
    /// edyoucated publishes nothing: it is taken to be a service that keeps to the standard alone and
    /// answers a PATCH by 204. Winningtemp's is what its documentation lists: the name, the e-mail
    /// addresses and whether somebody is active, and groups, and nothing else.
    pub fn of(system: System) -> Option<Self> {
        let academy = Self {
            schemas: ScimSchemas::WithExtension,
            patch: PatchAnswer::Account,
            page: 100,
            core: None,
            enterprise: true,
            extension: Some(Extension::RETEACH),
            groups: true,
            group_external_id: true,
            unique_group_names: true,
            removal: MemberRemoval::Any,
            tags: Tags::Offered,
            bulk: None,
            config: true,
            public_url: None,
        };
        match system {
            System::Scim => Some(academy),
            System::Edyoucated => Some(Self {
                patch: PatchAnswer::NoContent,
                extension: None,
                removal: MemberRemoval::ByFilter,
                public_url: Some(system.real_url()),
                ..academy
            }),
            System::WinningtempScim => Some(Self {
                schemas: ScimSchemas::NotFound,
                core: Some(&["name", "emails", "active"]),
                enterprise: false,
                extension: None,
                unique_group_names: false,
                public_url: Some(system.real_url()),
                ..academy
            }),
            _ => None,
        }
    }

    pub(super) fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            kind: Kind::User,
            groups: self.groups,
            group_external_id: self.group_external_id,
            removal: self.removal,
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
