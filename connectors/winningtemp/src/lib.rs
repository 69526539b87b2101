//! Winningtemp as a target of people and groups, and a source of people and teams.
//!
//! Winningtemp documents two ways in. Over SCIM people and groups are written, and what SCIM has of a person
//! there is a short list: names, e-mail address, external id and status. Gender, dates and birthday are not on
//! it, nor whether somebody gets an invitation. Those are attributes all the same, looked for in what the
//! service says of its schemas: where it offers one it is written, and where not, the wizard and each run
//! say so. Over the REST API people and teams are read; it needs credentials of its own, which are optional.

// The line that exports the component expands to code that needs it.
#![deny(unsafe_code)]

mod check;
mod lists;
mod rest;

use matricula_scim::{Attribute, Kind, Profile, Service};
use matricula_sdk::{
    Change, Connector, Context, Found, Need, Page, Preparation, Read, Receipt, Report, Result,
};

const USERS: &str = "users";
const TEAMS: &str = "teams";

/// The operation's attributes and where they go.
pub static PROFILE: Profile = Profile {
    system: "Winningtemp",
    secret: "SCIM token",
    secret_de: "SCIM-Token",
    page: 100,
    own: false,
    attributes: &[
        Attribute::at("external_id", "External ID", Kind::Text, &["externalId"]),
        Attribute::login("email", "E-mail"),
        Attribute::at("first_name", "First name", Kind::Text, &["name.givenName"]),
        Attribute::at("last_name", "Last name", Kind::Text, &["name.familyName"]),
        Attribute::learned("gender", "Gender", Kind::Text, &["gender"]),
        Attribute::learned("birth_date", "Birthday", Kind::Date, BIRTHDAY),
        Attribute::learned("hire_date", "Hire date", Kind::Date, HIRED),
        Attribute::learned("termination_date", "Termination date", Kind::Date, LEFT),
        Attribute::learned(
            "invitation",
            "Automatic invitation",
            Kind::Boolean,
            INVITATION,
        ),
        Attribute::at("active", "Status", Kind::Boolean, &["active"]),
    ],
};

const BIRTHDAY: &[&str] = &["birthday", "birthDate", "dateOfBirth"];
const HIRED: &[&str] = &["hireDate", "hiredDate", "employmentStart", "startDate"];
const LEFT: &[&str] = &["terminationDate", "employmentEnd", "endDate"];
const INVITATION: &[&str] = &["sendInvitation", "sendInvite", "invitation", "invite"];

const SCIM: Service = Service {
    profile: &PROFILE,
    manifest: include_str!("../manifest.json"),
};

/// The connector.
pub struct Winningtemp;

impl Connector for Winningtemp {
    fn check(cx: &Context<'_>, needs: &[Need]) -> Result<Report> {
        let report = SCIM.check(cx, needs)?;
        Ok(check::through_api(cx, needs, report))
    }

    fn read(cx: &Context<'_>, read: &Read) -> Result<Page> {
        match read.stream.as_str() {
            USERS => lists::read(cx, &lists::PEOPLE, read),
            TEAMS => lists::read(cx, &lists::TEAMS, read),
            _ => SCIM.read(cx, read),
        }
    }

    fn prepare(cx: &Context<'_>, operation: &str, attributes: &[String]) -> Result<Preparation> {
        SCIM.prepare(cx, operation, attributes)
    }

    fn find(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>> {
        SCIM.find(cx, operation, prepared, attribute, values)
    }

    fn write(
        cx: &Context<'_>,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt>>> {
        SCIM.write(cx, operation, prepared, changes)
    }
}

matricula_sdk::export!(Winningtemp, manifest = "../manifest.json");
