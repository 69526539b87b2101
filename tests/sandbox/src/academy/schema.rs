//! The attributes of users and groups, by RFC 7643, and extensions.

use serde_json::{Value, json};

pub(crate) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(super) const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:reteach:2.0:User";

/// What an attribute holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    /// A text of the form `YYYY-MM-DD`. SCIM has no type for a day, so `/Schemas` says `string`.
    Day,
    Bool,
    Complex(&'static [Spec]),
}

/// One attribute.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    pub(super) multi: bool,
    pub(super) required: bool,
    pub(super) read_only: bool,
    pub(super) case_exact: bool,
    pub(super) unique: bool,
    pub(super) about: &'static str,
}

impl Spec {
    /// An attribute that holds a text.
    pub const fn text(name: &'static str, about: &'static str) -> Self {
        plain(name, Type::Text, about)
    }

    /// An attribute that holds a day, `YYYY-MM-DD`.
    pub const fn day(name: &'static str, about: &'static str) -> Self {
        plain(name, Type::Day, about)
    }

    /// An attribute that is true or false.
    pub const fn yes_or_no(name: &'static str, about: &'static str) -> Self {
        plain(name, Type::Bool, about)
    }
}

/// A schema that a service adds to those of the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The URN under which its attributes stand on a user.
    pub urn: &'static str,
    /// What the service calls it.
    pub name: &'static str,
    /// Its attributes.
    pub attributes: &'static [Spec],
}

const fn plain(name: &'static str, kind: Type, about: &'static str) -> Spec {
    Spec {
        name,
        kind,
        multi: false,
        required: false,
        read_only: false,
        case_exact: false,
        unique: false,
        about,
    }
}

const fn text(name: &'static str, about: &'static str) -> Spec {
    plain(name, Type::Text, about)
}

const NAME: &[Spec] = &[
    text("formatted", "Profile name"),
    text("familyName", "Surname"),
    text("givenName", "First name"),
    text("middleName", "Middle name"),
    text("honorificPrefix", "Title before the name"),
    text("honorificSuffix", "Title after the name"),
];

const VALUES: &[Spec] = &[
    text("value", "The value itself"),
    text("display", "How the value is shown"),
    text("type", "What the value is for"),
    plain("primary", Type::Bool, "Whether this is the preferred one"),
];

const GROUPS: &[Spec] = &[
    Spec {
        case_exact: true,
        ..text("value", "Id of the group")
    },
    text("$ref", "URL of the group"),
    text("display", "Name of the group"),
    text("type", "How the user is in it: direct"),
];

pub(super) const CORE_SPECS: &[Spec] = &[
    Spec {
        required: true,
        unique: true,
        ..text("userName", "Name for signing in")
    },
    plain("name", Type::Complex(NAME), "Parts of the name"),
    text("displayName", "Name shown to others"),
    text("nickName", "Casual name"),
    text("profileUrl", "Page about the user"),
    text("title", "Position"),
    text("userType", "Relation to the organisation"),
    text("preferredLanguage", "Language of the academy's pages"),
    text("locale", "Region"),
    text("timezone", "Time zone"),
    plain("active", Type::Bool, "Active, or blocked if false"),
    Spec {
        multi: true,
        ..plain("emails", Type::Complex(VALUES), "E-mail addresses")
    },
    Spec {
        multi: true,
        ..plain("phoneNumbers", Type::Complex(VALUES), "Telephone numbers")
    },
    Spec {
        multi: true,
        read_only: true,
        ..plain("groups", Type::Complex(GROUPS), "Groups the user is in")
    },
];

/// Common attributes, which RFC 7643 §3.1 keeps out of the schemas.
pub(super) const COMMON_SPECS: &[Spec] = &[
    Spec {
        case_exact: true,
        unique: true,
        ..text("externalId", "Id in the client's system")
    },
    Spec {
        case_exact: true,
        unique: true,
        read_only: true,
        ..text("id", "Id of the account")
    },
];

const MEMBER: &[Spec] = &[
    Spec {
        case_exact: true,
        ..text("value", "Id of the member's account")
    },
    Spec {
        case_exact: true,
        ..text("$ref", "URL of the member's account")
    },
    text("type", "Kind of the member: User"),
    text("display", "The member's name"),
];

pub(super) const GROUP_SPECS: &[Spec] = &[
    Spec {
        required: true,
        ..text("displayName", "Name of the group")
    },
    Spec {
        multi: true,
        ..plain("members", Type::Complex(MEMBER), "Who is in the group")
    },
];

const MANAGER: &[Spec] = &[
    Spec {
        case_exact: true,
        ..text("value", "Id of the manager's account")
    },
    Spec {
        case_exact: true,
        ..text("$ref", "URL of the manager's account")
    },
    Spec {
        read_only: true,
        ..text("displayName", "The manager's name")
    },
];

pub(super) const ENTERPRISE_SPECS: &[Spec] = &[
    text("employeeNumber", "Number in the organisation"),
    text("costCenter", "Cost centre"),
    text("organization", "Company"),
    text("division", "Division"),
    text("department", "Department"),
    plain("manager", Type::Complex(MANAGER), "Manager"),
];

pub(super) const EXTENSION_SPECS: &[Spec] = &[
    text("gender", "Gender"),
    text("location", "Place of work"),
    text("employmentType", "Type of employment"),
    plain(
        "contractStart",
        Type::Day,
        "First day of the contract, YYYY-MM-DD",
    ),
    plain(
        "contractEnd",
        Type::Day,
        "Last day of the contract, YYYY-MM-DD",
    ),
];

/// An attribute among others; names are compared without case.
pub(super) fn find(specs: &'static [Spec], name: &str) -> Option<&'static Spec> {
    specs.iter().find(|s| s.name.eq_ignore_ascii_case(name))
}

/// An attribute as `/Schemas` shows it.
pub(super) fn describe(spec: &Spec) -> Value {
    let kind = match spec.kind {
        Type::Text | Type::Day => "string",
        Type::Bool => "boolean",
        Type::Complex(_) => "complex",
    };
    let mut document = json!({
        "name": spec.name,
        "type": kind,
        "multiValued": spec.multi,
        "description": spec.about,
        "required": spec.required,
        "mutability": if spec.read_only { "readOnly" } else { "readWrite" },
        "returned": "default",
    });
    match spec.kind {
        Type::Complex(subs) => {
            document["subAttributes"] = subs.iter().map(describe).collect();
        }
        Type::Text | Type::Day => {
            document["caseExact"] = spec.case_exact.into();
            document["uniqueness"] = if spec.unique { "server" } else { "none" }.into();
        }
        Type::Bool => {}
    }
    document
}
