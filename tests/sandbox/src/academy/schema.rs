//! The attributes of a user, by RFC 7643, with a service's own extension.

use serde_json::{Value, json};

pub(crate) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
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

/// The attributes that a service knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vocabulary {
    /// Those of the core schema, besides the ones that no service can do without; all if `None`.
    pub core: Option<&'static [&'static str]>,
    pub enterprise: bool,
    pub extension: Option<Extension>,
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
    text("value", "Id of the group"),
    text("display", "Name of the group"),
];

const CORE_SPECS: &[Spec] = &[
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
const COMMON_SPECS: &[Spec] = &[
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

const ENTERPRISE_SPECS: &[Spec] = &[
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

impl Vocabulary {
    fn knows(self, spec: &Spec) -> bool {
        spec.required || self.core.is_none_or(|core| core.contains(&spec.name))
    }

    /// An attribute directly on a user.
    pub(super) fn root(self, name: &str) -> Option<&'static Spec> {
        find(CORE_SPECS, name)
            .filter(|spec| self.knows(spec))
            .or_else(|| find(COMMON_SPECS, name))
    }

    /// The extensions that are in force: the key under which they stand on a user, and their attributes.
    pub(super) fn extensions(self) -> impl Iterator<Item = (&'static str, &'static [Spec])> {
        let enterprise = self.enterprise.then_some((ENTERPRISE, ENTERPRISE_SPECS));
        let own = self.extension.map(|own| (own.urn, own.attributes));
        enterprise.into_iter().chain(own)
    }

    /// The schemas as `/Schemas` shows them.
    pub(super) fn documents(self, base: &str) -> Vec<Value> {
        let core = CORE_SPECS.iter().filter(|spec| self.knows(spec));
        let mut documents = vec![document(base, CORE, "User", core)];
        if self.enterprise {
            let specs = ENTERPRISE_SPECS.iter();
            documents.push(document(base, ENTERPRISE, "Enterprise User", specs));
        }
        if let Some(own) = self.extension {
            documents.push(document(base, own.urn, own.name, own.attributes.iter()));
        }
        documents
    }
}

fn document(base: &str, id: &str, name: &str, specs: impl Iterator<Item = &'static Spec>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": id,
        "name": name,
        "description": name,
        "attributes": specs.map(describe).collect::<Vec<_>>(),
        "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{id}")},
    })
}

fn describe(spec: &Spec) -> Value {
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
