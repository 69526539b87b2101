//! How a connector's attributes map to SCIM.
//!
//! A profile is static data: a connector for another SCIM service is a manifest and one of these. What
//! differs from service to service (whether there is an attribute, and where) is not in it but learned
//! once per run, see [`crate::learned`].

/// The schema of every SCIM group.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema of every SCIM user.
pub const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension: company, department, manager.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// How the names of attributes begin that a profile does not know: the rest of the name is that of an
/// attribute of one of the service's own schemas, see [`Profile::own`].
pub const OWN: &str = "x_";

pub(crate) const USER_NAME: &str = "userName";
pub(crate) const DISPLAY_NAME: &str = "displayName";
pub(crate) const EXTERNAL_ID: &str = "externalId";
pub(crate) const WORK_MAIL: &str = "emails[type eq \"work\"].value";

/// What a connector knows of its SCIM service beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// The system's name, for messages.
    pub system: &'static str,
    /// What the owner calls the secret: `SCIM token`.
    pub secret: &'static str,
    /// The same in German.
    pub secret_de: &'static str,
    /// The operation's attributes.
    pub attributes: &'static [Attribute],
    /// The most accounts to ask for in one page.
    pub page: u32,
    /// Whether there are attributes besides: `x_badge` is whatever schema of the service has an attribute
    /// `badge`. Their values are text, numbers, yes or no; the manifest has them as `patternProperties`.
    pub own: bool,
}

impl Profile {
    /// The attribute with this name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// The name in the service's schemas of an attribute that the profile does not know.
    pub(crate) fn own_name<'n>(&self, name: &'n str) -> Option<&'n str> {
        let own = name.strip_prefix(OWN).filter(|rest| !rest.is_empty());
        own.filter(|_| self.own)
    }

    /// The attribute that identifies the person in the source.
    pub(crate) fn external_id(&self) -> Option<&'static Attribute> {
        let is_external =
            |a: &&Attribute| matches!(a.home, Home::At(places) if places == [EXTERNAL_ID]);
        self.attributes.iter().find(is_external)
    }

    /// The attribute by which the person signs in.
    pub(crate) fn login(&self) -> Option<&'static Attribute> {
        self.attributes
            .iter()
            .find(|attribute| matches!(attribute.home, Home::Login))
    }
}

/// One attribute of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name in the manifest.
    pub name: &'static str,
    /// What the owner sees at the target.
    pub label: &'static str,
    /// What its values are.
    pub kind: Kind,
    /// Where it goes.
    pub home: Home,
}

/// What values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A day, `YYYY-MM-DD`.
    Date,
    /// Yes or no; cannot be cleared.
    Boolean,
    /// The identity of another account.
    Reference,
    /// Whatever the service has it as; only of attributes of its own.
    Own,
}

/// Where an attribute goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// The e-mail address that people sign in with: `userName` and the work e-mail address. Cannot be
    /// cleared.
    Login,
    /// The first of these places that the service offers, as PATCH writes paths. A service that does not
    /// tell what it offers is taken to have the first.
    At(&'static [&'static str]),
    /// In whatever schema of the service has an attribute of one of these names. Case, `_` and `-` make
    /// no difference.
    Learned(&'static [&'static str]),
}

impl Attribute {
    /// The e-mail address that people sign in with.
    pub const fn login(name: &'static str, label: &'static str) -> Self {
        Self {
            name,
            label,
            kind: Kind::Text,
            home: Home::Login,
        }
    }

    /// An attribute with the first of these places that the service offers.
    pub const fn at(
        name: &'static str,
        label: &'static str,
        kind: Kind,
        places: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            label,
            kind,
            home: Home::At(places),
        }
    }

    /// An attribute whose place is learned from the service's schemas by name.
    pub const fn learned(
        name: &'static str,
        label: &'static str,
        kind: Kind,
        names: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            label,
            kind,
            home: Home::Learned(names),
        }
    }
}
