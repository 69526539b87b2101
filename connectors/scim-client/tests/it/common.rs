//! A service's profile, and transcripts of what services do: each file is one quirk.

use matricula_scim::{Attribute, Client, Kind, Profile};
use matricula_sdk::Context;
use matricula_sdk::transcript::Transcript;
use serde_json::json;

pub const BASE: &str = "https://scim.example.com/v2/";
const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
const MANAGER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value";

pub static PROFILE: Profile = Profile {
    system: "Example",
    secret: "SCIM token",
    secret_de: "SCIM-Token",
    own: true,
    page: 100,
    attributes: &[
        Attribute::at("external_id", "ID", Kind::Text, &["externalId"]),
        Attribute::login("email", "E-mail"),
        Attribute::at("first_name", "First name", Kind::Text, &["name.givenName"]),
        Attribute::at("last_name", "Surname", Kind::Text, &["name.familyName"]),
        Attribute::at("nickname", "Nickname", Kind::Text, &["nickName", "title"]),
        Attribute::at("position", "Position", Kind::Text, &["title"]),
        Attribute::at("department", "Department", Kind::Text, &[DEPARTMENT]),
        Attribute::learned("location", "Location", Kind::Text, &["location"]),
        Attribute::learned("gender", "Gender", Kind::Text, &["gender"]),
        Attribute::learned(
            "employment_type",
            "Employment",
            Kind::Text,
            &["employmentType"],
        ),
        Attribute::learned("contract_end", "Contract end", Kind::Date, &["contractEnd"]),
        Attribute::at("manager", "Manager", Kind::Reference, &[MANAGER]),
        Attribute::at("active", "Active", Kind::Boolean, &["active"]),
    ],
};

/// What was learned of a service that follows the standard and offers nothing else.
pub const PLAIN: &str = "{}";
/// What `learn.json` teaches.
pub const LEARNED: &str = r#"{"a":{"contract_end":"urn:example:people:2.0:User:contractEnd","employment_type":"urn:example:people:2.0:User:EmploymentType","gender":"urn:example:people:2.0:User:gender","nickname":"title"},"t":["contract_end"]}"#;

/// Plays a transcript to its end.
pub fn play<T>(name: &str, call: impl FnOnce(&Client<'_>) -> T) -> T {
    let path = format!(
        "{}/tests/transcripts/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).expect(&path);
    let transcript = Transcript::new(serde_json::from_str(&text).expect(&path));
    let cx: Context<'_> = transcript.context(&json!({}));
    let result = call(&Client::new(&cx, BASE, &PROFILE).unwrap());
    transcript.done();
    result
}
