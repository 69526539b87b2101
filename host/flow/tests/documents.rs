//! Flows that deliver documents: what they make of records.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cabinet;
mod common;

use cabinet::{cabinet_with, check_documents, document_text, documents};
use common::flow;
use jiff::Timestamp;
use matricula_core::SourceKey;
use matricula_core::file::FileRule;
use matricula_flow::{ChoiceSetting, Delivery, FieldValue, Paper, Program, RecordError};
use serde_json::{Value, json};

const SETTINGS: &str = "settings:
  folder:
    type: [string, \"null\"]
    default: null
    title: { en: Folder }
    x-options: { connector: cabinet, lookup: folders }
    x-default-named: [Certificates, Other]
  teams:
    type: array
    items: { type: string }
    title: { en: Teams }
    x-options: { connector: cabinet, lookup: teams }
  which: { enum: [all, since], default: all, title: { en: Which } }
  since: { type: [string, \"null\"], format: date, title: { en: Since }, x-needed-when: { which: since } }
  started: { type: [string, \"null\"], format: date-time, title: { en: Started }, x-fill: start }";

fn program(parts: &[(&str, &str)]) -> Program {
    documents(parts).program(&json!({})).unwrap()
}

/// A record with these attributes besides or in place of its own.
fn record(other: Value) -> Value {
    let mut record = json!({"id": 7, "person": "account", "course": "Fire safety", "file": "https://x",
        "issued_on": "2026-03-05", "expires_on": null, "revoked_on": null});
    for (name, value) in other.as_object().unwrap() {
        record[name] = value.clone();
    }
    record
}

fn without(name: &str) -> Value {
    let mut record = record(json!({}));
    record.as_object_mut().unwrap().remove(name);
    record
}

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn paper(program: &Program, record: Value) -> Result<Paper, RecordError> {
    program.document(&record, noon())
}

#[test]
fn it_says_how_it_delivers() {
    let flow = documents(&[]);
    assert_eq!(
        flow.delivery().unwrap(),
        &Delivery {
            people: "staff".into(),
            file: "file".into(),
            rule: FileRule {
                types: vec!["application/pdf".into()],
                largest: 1000
            },
            owner: "employee".into(),
        }
    );
    // Neither is required by the operation, and without them nothing is delivered.
    let required = |name: &str| flow.fields().iter().any(|f| f.name == name && f.required);
    assert!(required("employee") && required("file") && !required("date"));
    let from_record = |name: &str| {
        flow.fields()
            .iter()
            .any(|f| f.name == name && f.from_record)
    };
    assert!(from_record("title") && !from_record("folder"));
    assert_eq!(
        flow.attributes(),
        [
            "course",
            "expires_on",
            "file",
            "id",
            "issued_on",
            "person",
            "revoked_on"
        ]
    );
    assert!(flow.match_rules().is_empty());
}

#[test]
fn a_flow_that_keeps_accounts_delivers_nothing() {
    let flow = flow(&[]);
    assert!(flow.delivery().is_none() && flow.choices().is_empty());
    let program = flow.program(&json!({})).unwrap();
    let message = "the flow delivers no documents";
    assert_eq!(program.once(&json!({})).unwrap_err().message, message);
    let error = program.document(&json!({}), noon()).unwrap_err();
    assert_eq!(
        (error.code, error.message.as_str()),
        ("expression", message)
    );
}

#[test]
fn a_record_gives_a_document() {
    let value = |value: &str| FieldValue::Value(value.into());
    assert_eq!(
        paper(
            &program(&[]),
            record(json!({"course": "Schädlingsbekämpfung"}))
        )
        .unwrap(),
        Paper {
            in_scope: true,
            unless: None,
            remark: None,
            fields: vec![
                FieldValue::Reference(Some(SourceKey::from("account"))),
                value("f"),
                value("Schädlingsbe"),
                value("2026-03-05"),
                value("https://x"),
            ]
        }
    );
}

#[test]
fn once_gives_a_text_or_a_number() {
    let program = program(&[]);
    let once = |record: Value| match program.once(&record) {
        Ok(key) => key.as_str().to_owned(),
        Err(error) => format!("{}: {error}", error.code),
    };
    assert_eq!(once(json!({"id": 7})), "7");
    assert_eq!(once(json!({"id": "c-7"})), "c-7");
    assert_eq!(once(json!({"id": u64::MAX})), u64::MAX.to_string());
    insta::assert_snapshot!(once(json!({"id": " "})), @"missing-attribute: it cannot be said which document this is: once gives nothing");
    insta::assert_snapshot!(once(json!({})), @r#"missing-attribute: it cannot be said which document this is: id may not be read; allow the credential to read "Identifier" in School"#);
    insta::assert_snapshot!(once(json!({"id": null})), @r#"invalid-value: id is not a whole number or a text; correct "Identifier" in School"#);
    insta::assert_snapshot!(once(json!([])), @"invalid-value: the record is not an object");
    // Whatever else is wrong with the record, it is known which document it is.
    assert_eq!(once(json!({"id": 7, "issued_on": "never"})), "7");
}

#[test]
fn the_first_reason_counts_and_nothing_else_is_evaluated() {
    let program = program(&[
        ("scope", "scope: c.course != \"Test\""),
        (
            "unless",
            "unless:\n  withdrawn: c.withdrawn\n  revoked: c.revoked_on != null",
        ),
        (
            "remarks",
            "remarks:\n  first: c.withdrawn\n  second: c.expires_on != null\n  third: c.id != 0",
        ),
    ]);
    let reasons = |other: Value| {
        let paper = paper(&program, record(other)).unwrap();
        let empty = paper.fields.iter().all(|f| *f == FieldValue::Absent);
        assert_eq!(empty, !paper.in_scope || paper.unless.is_some());
        assert_eq!(paper.fields.len(), 5);
        (paper.in_scope, paper.unless, paper.remark)
    };
    let some = |name: &str| Some(name.to_owned());
    let null = json!({"withdrawn": null});
    assert_eq!(reasons(null.clone()), (true, None, some("third")));
    let both = json!({"withdrawn": true, "revoked_on": "2026-01-01", "issued_on": "never"});
    assert_eq!(reasons(both), (true, some("withdrawn"), None));
    let expires = json!({"withdrawn": false, "expires_on": "2030-01-01"});
    assert_eq!(reasons(expires), (true, None, some("second")));
    let test = json!({"course": "Test", "withdrawn": true, "revoked_on": "never"});
    assert_eq!(reasons(test), (false, None, None));
    // A reason that cannot be known is not taken for false, a remark is.
    let error = paper(&program, record(json!({}))).unwrap_err();
    insta::assert_snapshot!(error, @r#"it cannot be said whether it is wanted (unless withdrawn): withdrawn may not be read; allow the credential to read "withdrawn" in School"#);
    let mut unknown = record(null);
    unknown.as_object_mut().unwrap().remove("expires_on");
    let paper = program.document(&unknown, noon()).unwrap();
    assert_eq!(paper.remark, some("third"));
}

#[test]
fn remarks_know_the_day_in_utc() {
    let program = program(&[]);
    let remark = |now: &str, record: &Value| {
        let paper = program.document(record, now.parse().unwrap()).unwrap();
        paper.remark
    };
    let expires = record(json!({"expires_on": "2026-11-22"}));
    assert_eq!(remark("2026-11-22T23:59:59Z", &expires), None);
    assert_eq!(
        remark("2026-11-23T00:00:00Z", &expires).as_deref(),
        Some("expired")
    );
    // It is no attribute: a record that has one of the name changes nothing.
    let forged = record(json!({"expires_on": "2026-11-22", "@today": "2000-01-01"}));
    assert!(remark("2026-11-23T00:00:00Z", &forged).is_some());
    // An expression that only cel can evaluate sees the same day.
    let slow = "remarks:\n  x: '[today].exists(d, d == \"2026-11-22\")'";
    let slow = documents(&[("remarks", slow)]).program(&json!({})).unwrap();
    let paper = slow.document(&record(json!({})), noon()).unwrap();
    assert_eq!(paper.remark.as_deref(), Some("x"));
}

#[test]
fn what_is_needed_is_named() {
    let program = program(&[]);
    let error = |record: Value| paper(&program, record).unwrap_err().to_string();
    insta::assert_snapshot!(error(without("person")), @r#"no employee: person may not be read; allow the credential to read "Participant" in School"#);
    insta::assert_snapshot!(error(record(json!({"person": null}))), @r#"no employee: enter "Participant" in School"#);
    insta::assert_snapshot!(error(record(json!({"file": null}))), @r#"no file: enter "file" in School"#);
    insta::assert_snapshot!(error(json!(1)), @"the record is not an object");
    let whole =
        "map:\n  employee: person(c.person)\n  folder: '\"f\"'\n  title: c.course\n  file: c.file";
    let long = documents(&[("map", whole)]).program(&json!({})).unwrap();
    let error = paper(&long, record(json!({"course": "Fire and more"}))).unwrap_err();
    insta::assert_snapshot!(error, @"title is longer than 12 characters");
    let chosen = "map:\n  employee: person(c.person)\n  folder: settings.folder\n  title: c.course\n  \
                  file: c.file";
    let chosen = documents(&[("settings", SETTINGS), ("map", chosen)]);
    let error = paper(&chosen.program(&json!({})).unwrap(), record(json!({}))).unwrap_err();
    insta::assert_snapshot!(error, @"no folder: the automation's settings give none");
    let chosen = chosen.program(&json!({"folder": "3"})).unwrap();
    assert!(paper(&chosen, record(json!({}))).is_ok());
}

#[test]
fn choices_are_told_in_the_order_of_the_form() {
    let flow = documents(&[("settings", SETTINGS)]);
    let choice = |setting: &str, lookup: &str, many: bool, named: &[&str]| ChoiceSetting {
        setting: setting.into(),
        connector: "cabinet".into(),
        lookup: lookup.into(),
        many,
        named: named.iter().map(|name| (*name).to_owned()).collect(),
    };
    assert_eq!(
        flow.choices(),
        [
            choice("folder", "folders", false, &["Certificates", "Other"]),
            choice("teams", "teams", true, &[]),
        ]
    );
}

#[test]
fn the_start_is_filled_in_once() {
    let flow = documents(&[("settings", SETTINGS)]);
    let now: Timestamp = "2026-11-22T12:00:00.9Z".parse().unwrap();
    let mut settings = json!({"which": "all", "started": null});
    flow.at_start(&mut settings, now);
    assert_eq!(
        settings,
        json!({"which": "all", "started": "2026-11-22T12:00:00Z"})
    );
    flow.at_start(&mut settings, "2027-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(settings["started"], "2026-11-22T12:00:00Z");
    let mut none = Value::Null;
    flow.at_start(&mut none, now);
    assert_eq!(none, json!({"started": "2026-11-22T12:00:00Z"}));
    assert!(flow.program(&none).is_ok());
    let schema = flow.settings_schema();
    assert_eq!(schema["properties"]["started"]["x-hidden"], true);
    assert!(schema["properties"]["since"].get("x-hidden").is_none());
}

#[test]
fn a_setting_is_needed_with_the_value_of_another() {
    let flow = documents(&[("settings", SETTINGS)]);
    let wrong = |settings: Value| flow.program(&settings).unwrap_err().to_string();
    insta::assert_snapshot!(wrong(json!({"which": "since"})), @"setting since: is needed where which is since");
    insta::assert_snapshot!(wrong(json!({"which": "since", "since": null})), @"setting since: is needed where which is since");
    insta::assert_snapshot!(wrong(json!({"since": 3, "started": "today"})), @"setting since: must be a text; setting started: is not a moment such as 2026-03-15T12:00:00Z");
    assert!(
        flow.program(&json!({"which": "since", "since": "2026-01-01"}))
            .is_ok()
    );
    assert!(flow.program(&json!({"which": "all"})).is_ok());
}

#[test]
fn the_digest_changes_with_the_meaning() {
    let digest = |parts: &[(&str, &str)]| program(parts).digest();
    let same = digest(&[]);
    assert_eq!(same, digest(&[("once", "once: (c.id)")]));
    for other in [
        ("once", "once: string(c.id)"),
        ("unless", "unless:\n  recalled: c.revoked_on != null"),
        ("unless", "unless:\n  revoked: c.issued_on != null"),
        ("unless", ""),
        (
            "remarks",
            "remarks:\n  expired: coalesce(c.expires_on, today) <= today",
        ),
        (
            "remarks",
            "remarks:\n  old: coalesce(c.expires_on, today) < today",
        ),
        ("remarks", ""),
    ] {
        assert_ne!(same, digest(&[other]), "{other:?}");
    }
    let people = [
        ("requires", "requires: [{ flow: crew }]"),
        ("people", "people: crew"),
    ];
    assert_ne!(same, digest(&people));
}

#[test]
fn a_helper_may_be_called_today() {
    let program = program(&[
        (
            "let",
            "let:\n  today: '\"2000-01-01\"'\n  gone: c.expires_on != null",
        ),
        (
            "remarks",
            "remarks:\n  expired: gone && today == \"2000-01-01\"",
        ),
    ]);
    let paper = paper(&program, record(json!({"expires_on": "2030-01-01"}))).unwrap();
    assert_eq!(paper.remark.as_deref(), Some("expired"));
}

#[test]
fn a_file_may_be_named_by_a_helper() {
    let map =
        "map:\n  employee: person(c.person)\n  folder: '\"f\"'\n  title: c.course\n  file: pdf";
    let text = document_text(&[("let", "let:\n  pdf: c.file"), ("map", map)]);
    let flow = check_documents(&text, &cabinet_with(json!({}))).unwrap();
    assert_eq!(flow.delivery().unwrap().file, "file");
}
