//! Any SCIM 2.0 service as a target of people and groups.
//!
//! Everything that the standard's schemas have goes where the standard says. What they lack (gender, place of
//! work, dates of a contract) is learned by name from whatever schema the service describes; so is `x_NAME`
//! for any other attribute NAME of the service's own.

// The line that exports the component expands to code that needs it.
#![deny(unsafe_code)]

use matricula_scim::{Attribute, Kind, Profile};

/// The operation's attributes and where they go.
pub static PROFILE: Profile = Profile {
    system: "the SCIM service",
    secret: "token or password",
    secret_de: "Token oder Passwort",
    page: 100,
    own: true,
    attributes: &[
        Attribute::at("external_id", "External ID", TEXT, &["externalId"]),
        Attribute::login("email", "E-mail"),
        Attribute::at("first_name", "First name", TEXT, &["name.givenName"]),
        Attribute::at("last_name", "Last name", TEXT, &["name.familyName"]),
        Attribute::at(
            "display_name",
            "Display name",
            TEXT,
            &["displayName", "name.formatted"],
        ),
        Attribute::at("position", "Job title", TEXT, &["title"]),
        Attribute::at("phone", "Work phone", TEXT, &[PHONE]),
        Attribute::at("language", "Language", TEXT, &["preferredLanguage"]),
        Attribute::at("time_zone", "Time zone", TEXT, &["timezone"]),
        Attribute::at("user_type", "User type", TEXT, &["userType"]),
        Attribute::at("employee_number", "Employee number", TEXT, &[NUMBER]),
        Attribute::at("company", "Company", TEXT, &[ORGANIZATION]),
        Attribute::at("division", "Division", TEXT, &[DIVISION]),
        Attribute::at("department", "Department", TEXT, &[DEPARTMENT]),
        Attribute::at("cost_center", "Cost center", TEXT, &[COST_CENTER]),
        Attribute::at("manager", "Manager", Kind::Reference, &[MANAGER]),
        Attribute::learned("location", "Location", TEXT, LOCATION),
        Attribute::learned("gender", "Gender", TEXT, &["gender"]),
        Attribute::learned("birth_date", "Date of birth", DATE, BIRTH),
        Attribute::learned("employment_type", "Employment type", TEXT, EMPLOYMENT),
        Attribute::learned("hire_date", "Hire date", DATE, HIRE),
        Attribute::learned("contract_start", "Start of contract", DATE, START),
        Attribute::learned("contract_end", "End of contract", DATE, END),
        Attribute::learned("termination_date", "Termination date", DATE, TERMINATION),
        Attribute::at("active", "Active", Kind::Boolean, &["active"]),
    ],
};

const TEXT: Kind = Kind::Text;
const DATE: Kind = Kind::Date;
const PHONE: &str = "phoneNumbers[type eq \"work\"].value";
const NUMBER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber";
const ORGANIZATION: &str =
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:organization";
const DIVISION: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:division";
const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const COST_CENTER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter";
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";
const LOCATION: &[&str] = &["location", "workLocation", "office", "officeLocation"];
const BIRTH: &[&str] = &["birthDate", "birthday", "dateOfBirth"];
const EMPLOYMENT: &[&str] = &["employmentType", "employeeType"];
const HIRE: &[&str] = &["hireDate", "dateOfHire", "startDate", "joiningDate"];
const START: &[&str] = &["contractStart", "contractStartDate"];
const END: &[&str] = &["contractEnd", "contractEndDate"];
const TERMINATION: &[&str] = &["terminationDate", "dateOfTermination", "endDate"];

matricula_scim::connector!(
    /// The connector.
    Scim,
    PROFILE,
    manifest = "../manifest.json"
);
