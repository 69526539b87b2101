//! How the operation's attributes map to the academy's SCIM service.
//!
//! The core and enterprise attributes are those of the vendor's own table for directory providers. Where
//! gender, location, type of employment and the contract's dates go is not published and differs, so they
//! are learned from the academy's schemas by name.

use matricula_scim::{Attribute, Kind, Profile};

/// The operation's attributes and where they go.
pub static PROFILE: Profile = Profile {
    system: "reteach",
    secret: "SCIM token",
    secret_de: "SCIM-Token",
    own: false,
    page: 100,
    attributes: &[
        Attribute::at("external_id", "ID", Kind::Text, &["externalId"]),
        Attribute::login("email", "E-mail"),
        Attribute::at("first_name", "First name", Kind::Text, &["name.givenName"]),
        Attribute::at("last_name", "Surname", Kind::Text, &["name.familyName"]),
        // The vendor's table has the profile name here; other services have it as the display name.
        Attribute::at(
            "display_name",
            "Profile name",
            Kind::Text,
            &["name.formatted", "displayName"],
        ),
        Attribute::at("position", "Position", Kind::Text, &["title"]),
        Attribute::at("company", "Company", Kind::Text, &[ORGANIZATION]),
        Attribute::at("department", "Department", Kind::Text, &[DEPARTMENT]),
        Attribute::learned("location", "Location", Kind::Text, &["location"]),
        Attribute::learned("gender", "Gender", Kind::Text, &["gender"]),
        Attribute::learned(
            "employment_type",
            "Type of employment",
            Kind::Text,
            &["employmentType"],
        ),
        Attribute::learned("contract_start", "Start of contract", Kind::Date, START),
        Attribute::learned("contract_end", "End of contract", Kind::Date, END),
        Attribute::at("language", "Language", Kind::Text, &["preferredLanguage"]),
        Attribute::at("manager", "Manager", Kind::Reference, &[MANAGER]),
        Attribute::at("active", "Active", Kind::Boolean, &["active"]),
    ],
};

const ORGANIZATION: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization";
const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
const START: &[&str] = &["contractStart", "contractStartDate"];
const END: &[&str] = &["contractEnd", "contractEndDate"];
