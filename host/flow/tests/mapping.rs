//! What owners map otherwise than a flow file does.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{check, flow, flow_text};
use matricula_core::SourceKey;
use matricula_flow::{FieldValue, Flow, Program, SettingsError};
use serde_json::{Value, json};

const MAP: &str = "map:
  email: lower(e.email)
  name: trim(e.first_name)
  department: e.department.name
  short: e.status
  end: e.end_date
  manager: person(e.boss.id)";

fn opened(open: &str) -> Flow {
    let rest = format!("mapping: {{ open: {open} }}");
    flow(&[("map", MAP), ("rest", &rest)])
}

fn mapped(map: Value) -> Result<Program, SettingsError> {
    opened("all").program(&json!({ "$map": map }))
}

fn values(program: &Program, record: &Value) -> Vec<FieldValue> {
    program.evaluate(record).unwrap().fields
}

fn record() -> Value {
    json!({"email": "Ada@example.com", "first_name": " Ada ", "department": {"id": 3, "name": "IT"},
        "status": "left", "end_date": "2026-12-31", "boss": {"id": 7, "name": "Grace"}, "hours": 38.5,
        "tags": ["a", "b"]})
}

#[test]
fn an_owner_s_expression_stands_in_place_of_the_file_s() {
    let program = mapped(
        json!({"name": "upper(trim(coalesce(e.first_name, \"\"))) + \"!\"", "department": null,
        "manager": "person(e.boss.name)"}),
    )
    .unwrap();
    let value = |value: Value| FieldValue::Value(value);
    assert_eq!(
        values(&program, &record()),
        [
            value("ada@example.com".into()),
            value("ADA!".into()),
            FieldValue::Absent,
            value("left".into()),
            value("2026-12-31".into()),
            FieldValue::Reference(Some(SourceKey::from("Grace"))),
        ]
    );
    let written: Vec<&str> = program.written().map(|spec| spec.name.as_str()).collect();
    assert_eq!(written, ["email", "name", "short", "end", "manager"]);
    assert_eq!(
        program.settings(),
        &json!({"$map": {"name": "upper(trim(coalesce(e.first_name, \"\"))) + \"!\"", "department": null,
            "manager": "person(e.boss.name)"}})
    );
    let again = opened("all").program(program.settings()).unwrap();
    assert_eq!(again.digest(), program.digest());
}

#[test]
fn what_is_read_follows_the_mapping() {
    let file = [
        "boss",
        "department",
        "email",
        "end_date",
        "first_name",
        "status",
    ];
    assert_eq!(opened("all").attributes(), file);
    assert_eq!(mapped(json!({})).unwrap().attributes(), file);
    let program = mapped(
        json!({"name": "string(e.hours)", "department": null, "end": "null",
        "short": "e.dynamic_1 == null ? \"-\" : \"+\""}),
    )
    .unwrap();
    assert_eq!(
        program.attributes(),
        ["boss", "dynamic_1", "email", "hours"]
    );
    // What is not read any more is not checked either, and what is new is.
    let mut record = record();
    record["department"] = json!("IT");
    record["dynamic_1"] = Value::Null;
    assert_eq!(
        values(&program, &record)[1],
        FieldValue::Value("38.5".into())
    );
    record["hours"] = json!("forty");
    let error = program.evaluate(&record).unwrap_err();
    assert_eq!(
        (error.code, error.attribute.as_deref()),
        ("invalid-value", Some("hours"))
    );
    // An attribute that the credential may not read leaves the target alone, as ever.
    record.as_object_mut().unwrap().remove("hours");
    assert_eq!(values(&program, &record)[1], FieldValue::Absent);
}

#[test]
fn another_mapping_is_another_digest() {
    let digest = |map: Value| mapped(map).unwrap().digest();
    let plain = opened("all").program(&json!({})).unwrap().digest();
    assert_eq!(digest(json!({})), plain);
    assert_eq!(digest(json!(null)), plain);
    let upper = digest(json!({"name": "upper(e.first_name)"}));
    let others = [
        plain,
        digest(json!({"name": null})),
        digest(json!({"short": null})),
        digest(json!({"name": "lower(e.first_name)"})),
        digest(json!({"department": "upper(e.first_name)"})),
    ];
    assert!(!others.contains(&upper));
    assert_eq!(upper, digest(json!({"name": " upper( e.first_name )"})));
}

#[test]
fn an_owner_s_expressions_are_checked_as_the_file_s_are() {
    let wrong = |map: Value| {
        let errors = mapped(map).unwrap_err().0;
        let lines = errors.into_iter().map(|error| {
            let place = error.line.zip(error.column);
            let place = place.map_or("-".into(), |(line, column)| format!("{line}:{column}"));
            let hint = error
                .hint
                .map_or(String::new(), |hint| format!(" = {hint}"));
            format!("{} {place} {}{hint}", error.pointer, error.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let name = |text: &str| wrong(json!({ "name": text }));
    insta::assert_snapshot!(name("e.first_nam"), @r#"/$map/name 1:3 people employees has no attribute "first_nam" = did you mean "first_name"?"#);
    insta::assert_snapshot!(name("\n  e.hours"), @"/$map/name 2:3 name takes text, and this is a number or null = write string(e.hours)");
    insta::assert_snapshot!(name("ä + e.first_name"), @r#"/$map/name 1:1 "ä" means nothing here"#);
    insta::assert_snapshot!(name("\"ä\" + e.department.name"), @r#"/$map/name 1:7 this may be null, which + cannot take = write coalesce(e.department.name, "")"#);
    insta::assert_snapshot!(name(""), @"/$map/name 1:1 the expression ends too early");
    insta::assert_snapshot!(name("settings.x"), @r#"/$map/name 1:10 there is no setting "x""#);
    insta::assert_snapshot!(name("settings[\"$map\"]"), @r#"/$map/name 1:11 there is no setting "$map""#);
    insta::assert_snapshot!(name("person(e.boss.id)"), @"/$map/name 1:1 name does not take another person");
    insta::assert_snapshot!(name("now"), @r#"/$map/name 1:1 there is nothing called "now" = expressions do not know the time; dates are declared under access"#);
    insta::assert_snapshot!(name(&format!("{}1{}", "(".repeat(200), ")".repeat(200))), @"/$map/name 1:97 the expression is nested too deeply = write it shorter");
    insta::assert_snapshot!(name(&vec!["e.id"; 250].join("+")), @"/$map/name 1:1 the expression is nested too deeply = write it shorter");
    insta::assert_snapshot!(name(&format!("\"{}\"", "x".repeat(4095))), @"/$map/name 1:1 the expression is longer than 4096 bytes = write it shorter");
    insta::assert_snapshot!(name("string(e.id).matches(\"(((a{99}){99}){99})\")"), @r#"/$map/name 1:22 "(((a{99}){99}){99})" is too large a regular expression"#);
    insta::assert_snapshot!(wrong(json!({"manager": "e.boss.id"})), @"/$map/manager 1:1 manager is the account of another person = write person(e.boss.id)");
    insta::assert_snapshot!(wrong(json!({"short": 5})), @"/$map/short 1:1 must be an expression, or null where it is not to be written");
    insta::assert_snapshot!(wrong(json!({"email": "e.email", "nam": "e.status"})), @r#"
    /$map/email 1:1 email is not open: the flow decides about it
    /$map/nam 1:1 the flow writes no attribute "nam" = did you mean "name"?
    "#);
    insta::assert_snapshot!(wrong(json!({"a/b~c": null})), @r#"/$map/a~1b~0c 1:1 the flow writes no attribute "a/b~c" = there are name, department, short, end, manager"#);
    insta::assert_snapshot!(wrong(json!(["name"])), @"/$map - must be an object of expressions by attribute");
    let error = opened("[name]")
        .program(&json!({"x": 1, "$map": {"short": null}}))
        .unwrap_err();
    insta::assert_snapshot!(error, @"setting x: is unknown; the flow has no settings; setting $map.short: short is not open: the flow decides about it (at 1:1)");
}

#[test]
fn helpers_and_settings_of_the_file_can_be_used() {
    let flow = flow(&[
        (
            "settings",
            "settings:\n  suffix: { type: string, default: GmbH, title: { en: S } }",
        ),
        ("let", "let:\n  full: coalesce(e.first_name, \"\")"),
        ("rest", "mapping: { open: [email] }"),
        ("match", "match:\n  - key: string(e.id)"),
    ]);
    let program = flow
        .program(&json!({"suffix": "AG", "$map": {"email": "full + \"@\" + settings.suffix"}}))
        .unwrap();
    assert_eq!(program.attributes(), ["first_name", "id"]);
    let record = json!({"id": 1, "first_name": "Ada"});
    assert_eq!(
        values(&program, &record),
        [FieldValue::Value("Ada@AG".into())]
    );
    // It was opened by name, so it may be replaced, but it stays required.
    let error = flow.program(&json!({"$map": {"email": null}})).unwrap_err();
    assert_eq!(
        error.0[0].message,
        "is needed: no account can be made without it"
    );
    let program = flow.program(&json!({"$map": {"email": "e.status"}}));
    let error = program
        .unwrap()
        .evaluate(&json!({"id": 1, "status": null}))
        .unwrap_err();
    assert_eq!(error.message, "no email: enter \"status\" in People");
}

#[test]
fn a_file_opens_what_can_be_opened() {
    let open = |open: &str| -> Vec<String> {
        let flow = opened(open);
        let open = flow.fields().iter().filter(|field| field.open);
        open.map(|field| field.name.clone()).collect()
    };
    assert_eq!(open("[end, name]"), ["name", "end"]);
    assert_eq!(open("[]"), Vec::<String>::new());
    assert_eq!(
        open("all"),
        ["name", "department", "short", "end", "manager"]
    );
    let closed = flow(&[("map", MAP)]);
    assert!(closed.fields().iter().all(|field| !field.open));
    let wrong = |rest: &str| {
        let text = flow_text(&[("map", MAP), ("rest", rest)]);
        let found = check(&text).unwrap_err().0;
        let lines = found.into_iter().map(|one| {
            let hint = one.hint.map_or(String::new(), |hint| format!(" = {hint}"));
            format!("{}:{} {}{hint}", one.line, one.column, one.message)
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(wrong("mapping: { open: [nmae, email] }"), @r#"
    15:19 map has no attribute "nmae" = did you mean "name"?
    15:25 accounts are found by "email", so it stays closed = with another value for it the next cycle would find other accounts
    "#);
    insta::assert_snapshot!(wrong("mapping: { open: [name, name] }"), @r#"15:25 "name" is opened twice"#);
    insta::assert_snapshot!(wrong("mapping: { open: some }"), @"15:18 open must be a list of attributes, or all = for example open: [position, company]");
    insta::assert_snapshot!(wrong("mapping: all"), @"15:10 mapping must be a map, not a text");
    insta::assert_snapshot!(wrong("mapping: { opne: all }"), @r#"
    15:10 mapping needs "open"
    15:12 mapping has no key "opne" = did you mean "open"?
    "#);
}

#[test]
fn a_field_says_what_the_catalogue_shows() {
    let flow = opened("[name]");
    let field = |name: &str| flow.fields().iter().find(|f| f.name == name).unwrap();
    let name = field("name");
    assert_eq!(
        (name.expression.as_str(), name.open, name.required),
        ("trim(e.first_name)", true, false)
    );
    assert_eq!(name.title.get("de"), "name");
    assert!(field("email").required && field("manager").reference && !field("manager").open);
    assert_eq!(flow.attribute_title("email").get("en"), "E-mail");
    assert_eq!(flow.attribute_title("status").get("en"), "status");
}

#[test]
fn an_attribute_that_is_written_when_an_account_is_made_is_marked_and_counts() {
    let with = |rest: &str| flow(&[("map", MAP), ("rest", rest)]);
    let marked = with("initial: [short]");
    let initial: Vec<&str> = marked
        .fields()
        .iter()
        .filter(|spec| spec.initial)
        .map(|spec| spec.name.as_str())
        .collect();
    assert_eq!(initial, ["short"]);
    let digest = |flow: &Flow| flow.program(&Value::Null).unwrap().digest();
    assert_ne!(digest(&marked), digest(&with("")));
    assert_eq!(digest(&with("initial: []")), digest(&with("")));
}

#[test]
fn what_cannot_be_left_to_its_first_value_is_refused() {
    for (initial, message, hint) in [
        (
            "[shrot]",
            "map has no attribute \"shrot\"",
            Some("did you mean \"short\"?"),
        ),
        (
            "[email]",
            "accounts are found by \"email\", so it is kept up to date",
            Some("an account that is found by another rule has to get it too"),
        ),
        (
            "[manager]",
            "\"manager\" is an account of somebody, which may come later",
            Some("references are kept up to date"),
        ),
        ("[short, short]", "\"short\" is named twice", None),
        (
            "short",
            "initial must be a list of attributes, not a text",
            Some("for example initial: [language]"),
        ),
    ] {
        let rest = format!("initial: {initial}");
        let found = check(&flow_text(&[("map", MAP), ("rest", &rest)])).unwrap_err();
        let first = found.0.first().unwrap();
        assert_eq!(
            (first.message.as_str(), first.hint.as_deref()),
            (message, hint),
            "{initial}"
        );
    }
}
