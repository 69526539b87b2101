//! Which attributes a service knows, of users and of groups.

use serde_json::{Value, json};

use super::flavour::MemberRemoval;
use super::schema::{
    COMMON_SPECS, CORE, CORE_SPECS, ENTERPRISE, ENTERPRISE_SPECS, Extension, GROUP, GROUP_SPECS,
    Spec, describe, find,
};

/// A type of resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Group,
}

impl Kind {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// The path of the resources of this type.
    pub(super) const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }
}

/// The attributes of one type of resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vocabulary {
    pub kind: Kind,
    /// Those of a user's core schema, besides the ones that no service can do without; all if `None`.
    pub core: Option<&'static [&'static str]>,
    pub enterprise: bool,
    pub extension: Option<Extension>,
    pub groups: bool,
    /// Whether groups have an `externalId`; users always have.
    pub group_external_id: bool,
    pub removal: MemberRemoval,
}

impl Vocabulary {
    /// The same service's words for groups.
    pub(super) fn of_groups(self) -> Self {
        Self {
            kind: Kind::Group,
            ..self
        }
    }

    /// The URN of the schema that every resource of this type has.
    pub(super) fn urn(self) -> &'static str {
        match self.kind {
            Kind::User => CORE,
            Kind::Group => GROUP,
        }
    }

    fn knows(self, spec: &Spec) -> bool {
        match (self.kind, spec.name) {
            (Kind::User, "groups") => self.groups,
            (Kind::User, name) => {
                spec.required || self.core.is_none_or(|core| core.contains(&name))
            }
            (Kind::Group, _) => true,
        }
    }

    fn own_specs(self) -> &'static [Spec] {
        match self.kind {
            Kind::User => CORE_SPECS,
            Kind::Group => GROUP_SPECS,
        }
    }

    /// An attribute directly on a resource.
    pub(super) fn root(self, name: &str) -> Option<&'static Spec> {
        let common = |spec: &&Spec| {
            spec.name != "externalId" || self.kind == Kind::User || self.group_external_id
        };
        find(self.own_specs(), name)
            .filter(|spec| self.knows(spec))
            .or_else(|| find(COMMON_SPECS, name).filter(common))
    }

    /// The extensions that are in force: the key under which they stand on a user, and their attributes.
    pub(super) fn extensions(self) -> impl Iterator<Item = (&'static str, &'static [Spec])> {
        let users = self.kind == Kind::User;
        let enterprise = (users && self.enterprise).then_some((ENTERPRISE, ENTERPRISE_SPECS));
        let own = self.extension.filter(|_| users);
        let own = own.map(|own| (own.urn, own.attributes));
        enterprise.into_iter().chain(own)
    }

    /// The schemas of users and groups as `/Schemas` shows them.
    pub(super) fn documents(self, base: &str) -> Vec<Value> {
        let core = CORE_SPECS.iter().filter(|spec| self.knows(spec));
        let mut documents = vec![document(base, CORE, "User", core)];
        if self.groups {
            documents.push(document(base, GROUP, "Group", GROUP_SPECS.iter()));
        }
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
