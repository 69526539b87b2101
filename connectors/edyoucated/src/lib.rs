//! edyoucated as a target of people and teams.
//!
//! edyoucated publishes no API. It gives SCIM access by agreement, so this is the SCIM client with what
//! edyoucated's settings know of a person: first name, last name, e-mail address and status, and if wanted a
//! job title and a language. Its teams are SCIM's groups.

// The line that exports the component expands to code that needs it.
#![deny(unsafe_code)]

use matricula_scim::{Attribute, Kind, Profile};

/// The operation's attributes and where they go.
pub static PROFILE: Profile = Profile {
    system: "edyoucated",
    secret: "SCIM token",
    secret_de: "SCIM-Token",
    page: 100,
    own: false,
    attributes: &[
        Attribute::at("external_id", "ID", Kind::Text, &["externalId"]),
        Attribute::login("email", "E-mail"),
        Attribute::at("first_name", "First name", Kind::Text, &["name.givenName"]),
        Attribute::at("last_name", "Last name", Kind::Text, &["name.familyName"]),
        Attribute::at("job_title", "Job title", Kind::Text, &["title"]),
        Attribute::at(
            "language",
            "Default language",
            Kind::Text,
            &["preferredLanguage"],
        ),
        Attribute::at("active", "Status", Kind::Boolean, &["active"]),
    ],
};

matricula_scim::connector!(
    /// The connector.
    Edyoucated,
    PROFILE,
    manifest = "../manifest.json"
);
