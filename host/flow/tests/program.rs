//! What becomes of records.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{flow, flow_text};
use matricula_core::SourceKey;
use matricula_flow::{FieldValue, Flow, Program, Reading, RecordError};
use serde_json::{Value, json};

fn program(parts: &[(&str, &str)], settings: Value) -> Program {
    flow(parts)
        .program(&settings)
        .unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn mapped(map: &str) -> Program {
    program(
        &[("map", &format!("map:\n  email: e.email\n{map}"))],
        json!({}),
    )
}

fn fields(program: &Program, mut record: Value) -> Result<Vec<FieldValue>, RecordError> {
    if record.get("email").is_none() {
        record["email"] = json!("ada@example.com");
    }
    program
        .evaluate(&record)
        .map(|person| person.fields.into_iter().skip(1).collect())
}

#[test]
fn absent_null_and_a_value_are_three_things() {
    let program = mapped("  department: e.department.name\n  name: trim(e.first_name)");
    let value = |value: Value| FieldValue::Value(value);
    assert_eq!(
        fields(&program, json!({})).unwrap(),
        [FieldValue::Absent, FieldValue::Absent]
    );
    assert_eq!(
        fields(&program, json!({"department": null, "first_name": " A "})).unwrap(),
        [value(Value::Null), value("A".into())]
    );
    assert_eq!(
        fields(
            &program,
            json!({"department": {"id": 1}, "first_name": null})
        )
        .unwrap(),
        [FieldValue::Absent, value(Value::Null)]
    );
}

#[test]
fn references_name_a_person_by_the_source_key() {
    let program = mapped("  manager: person(e.?boss.id)");
    let reference = |key: Option<&str>| [FieldValue::Reference(key.map(SourceKey::from))];
    assert_eq!(
        fields(&program, json!({"boss": {"id": 7}})).unwrap(),
        reference(Some("7"))
    );
    assert_eq!(
        fields(&program, json!({"boss": null})).unwrap(),
        reference(None)
    );
    assert_eq!(fields(&program, json!({})).unwrap(), [FieldValue::Absent]);
    let by_text = mapped("  manager: person(trim(e.status))");
    assert_eq!(
        fields(&by_text, json!({"status": " x "})).unwrap(),
        reference(Some("x"))
    );
    assert_eq!(
        fields(&by_text, json!({"status": " "})).unwrap(),
        reference(None)
    );
}

#[test]
fn an_error_names_the_attribute_and_no_value() {
    let program = mapped(
        "  short: e.first_name\n  end: e.end_date\n  level: e.status\n  name: date(e.dynamic_d)",
    );
    let error = |record: Value| {
        let error = fields(&program, record).unwrap_err();
        assert!(!error.message.contains("secret"), "{error}");
        format!(
            "{} {:?}: {}",
            error.code,
            error.attribute.as_deref().unwrap_or("-"),
            error.message
        )
    };
    insta::assert_snapshot!(error(json!({"end_date": "2026-02-30"})), @r#"invalid-value "end_date": end_date is not a date; correct "end_date" in People"#);
    insta::assert_snapshot!(error(json!({"first_name": ["secret"]})), @r#"invalid-value "first_name": first_name is not a text; correct "first_name" in People"#);
    insta::assert_snapshot!(error(json!({"first_name": "secretive"})), @r#"invalid-value "short": short is longer than 5 characters"#);
    insta::assert_snapshot!(error(json!({"status": "secret"})), @r#"invalid-value "level": level is none of the values that it can have"#);
    insta::assert_snapshot!(error(json!({"dynamic_d": "secret"})), @r#"expression "name": name cannot be computed: this text does not begin with a date (YYYY-MM-DD)"#);
    insta::assert_snapshot!(error(json!({"dynamic_d": 5})), @r#"expression "name": name cannot be computed: a text is needed"#);
    insta::assert_snapshot!(error(json!({"email": null})), @r#"missing-attribute "email": no email: enter "E-mail" in People"#);
    insta::assert_snapshot!(error(json!({"email": 3})), @r#"invalid-value "email": email is not a text; correct "E-mail" in People"#);
    insta::assert_snapshot!(program.evaluate(&json!([])).unwrap_err(), @"the record is not an object");
    insta::assert_snapshot!(program.evaluate(&json!({"id": 1})).unwrap_err(), @r#"no email: email may not be read; allow the credential to read "E-mail" in People"#);
}

#[test]
fn attributes_that_the_flow_does_not_use_may_be_anything() {
    let program = mapped("  name: e.first_name");
    assert!(
        fields(
            &program,
            json!({"first_name": "A", "hire_date": "never", "id": "x"})
        )
        .is_ok()
    );
}

#[test]
fn nothing_else_is_asked_of_people_out_of_scope() {
    let program = program(
        &[
            ("scope", "scope: e.status == \"active\""),
            ("map", "map:\n  email: e.email\n  end: e.end_date"),
            ("access", "access:\n  from: e.hire_date"),
        ],
        json!({}),
    );
    let person = program
        .evaluate(&json!({"status": "left", "end_date": "2026-02-30"}))
        .unwrap();
    assert!(!person.in_scope);
    assert_eq!(person.fields, [FieldValue::Absent, FieldValue::Absent]);
    assert_eq!(person.matches, [None]);
    assert_eq!(person.access.from, Reading::Absent);
    let person = program
        .evaluate(&json!({"status": null, "email": "a@example.com"}))
        .unwrap();
    assert!(!person.in_scope);
    let error = program
        .evaluate(&json!({"email": "a@example.com"}))
        .unwrap_err();
    assert_eq!(
        (error.code, error.attribute.as_deref()),
        ("missing-attribute", Some("status"))
    );
}

#[test]
fn nothing_to_match_by_is_no_match() {
    let program = program(
        &[(
            "match",
            "match:\n  - key: string(e.id)\n  - email: trim(e.first_name)",
        )],
        json!({}),
    );
    let matches = |record: Value| program.evaluate(&record).unwrap().matches;
    let mail = "a@example.com";
    assert_eq!(
        matches(json!({"email": mail, "id": 5, "first_name": " "})),
        [Some("5".into()), None]
    );
    assert_eq!(
        matches(json!({"email": mail, "first_name": null})),
        [None, None]
    );
}

#[test]
fn the_earliest_known_end_counts() {
    let program = program(
        &[(
            "access",
            "access:\n  until: [e.end_date, e.hire_date]\n  barred: e.remote",
        )],
        json!({}),
    );
    let access = |mut record: Value| {
        record["email"] = json!("a@example.com");
        program.evaluate(&record).unwrap().access
    };
    let day = |day: &str| Reading::Known(Some(day.parse().unwrap()));
    let (early, late) = ("2026-01-01", "2026-12-31");
    assert_eq!(
        access(json!({"end_date": late, "hire_date": early})).end(),
        day(early)
    );
    assert_eq!(
        access(json!({"end_date": early, "hire_date": late})).end(),
        day(early)
    );
    assert_eq!(
        access(json!({"end_date": null, "hire_date": late})).end(),
        day(late)
    );
    assert_eq!(access(json!({"end_date": late})).end(), day(late));
    assert_eq!(access(json!({"hire_date": late})).end(), day(late));
    assert_eq!(
        access(json!({"hire_date": null})).end(),
        Reading::Known(None)
    );
    assert_eq!(access(json!({})).end(), Reading::Absent);
    assert_eq!(access(json!({})).from, Reading::Known(None));
    assert_eq!(access(json!({})).barred, Reading::Absent);
    assert_eq!(
        access(json!({"remote": null})).barred,
        Reading::Known(false)
    );
    assert_eq!(access(json!({"remote": true})).barred, Reading::Known(true));
}

#[test]
fn the_zone_may_depend_on_the_person() {
    let program = program(
        &[(
            "access",
            "access:\n  time_zone: 'switch({\"Lisbon\": \"Europe/Lisbon\"}, e.status, \"Europe/Berlin\")'",
        )],
        json!({}),
    );
    let zone = |status: &str| {
        program
            .evaluate(&json!({"email": "a@example.com", "status": status}))
            .unwrap()
            .access
            .zone
    };
    assert_eq!(
        (zone("Lisbon").as_str(), zone("?").as_str()),
        ("Europe/Lisbon", "Europe/Berlin")
    );
    let wrong = self::program(
        &[(
            "access",
            "access:\n  time_zone: coalesce(e.status, \"UTC\")",
        )],
        json!({}),
    );
    let error = wrong
        .evaluate(&json!({"email": "a@example.com", "status": "here"}))
        .unwrap_err();
    assert_eq!(error.code, "invalid-value");
    assert!(!error.message.contains("here"));
}

const SETTINGS: &str = "settings:\n  zone: { type: string, format: time-zone, default: Europe/Berlin, title: { en: Zone, de: Zone } }\n  \
    teams: { type: array, items: { type: string, minLength: 1 }, title: { en: Teams } }\n  \
    level: { enum: [a, b], title: { en: Level } }\n  \
    hours: { type: integer, minimum: 1, required: true, title: { en: Hours } }";

fn with_settings() -> Flow {
    flow(&[
        ("settings", SETTINGS),
        ("access", "access:\n  time_zone: settings.zone"),
        (
            "map",
            "map:\n  email: e.email\n  name: coalesce(settings.level, \"-\")\n  hours: settings.hours",
        ),
    ])
}

#[test]
fn settings_have_their_defaults() {
    let program = with_settings()
        .program(&json!({"hours": 3, "level": null}))
        .unwrap();
    assert_eq!(
        program.settings(),
        &json!({"zone": "Europe/Berlin", "teams": [], "hours": 3})
    );
    let values = fields(&program, json!({})).unwrap();
    assert_eq!(
        values,
        [FieldValue::Value("-".into()), FieldValue::Value(3.into())]
    );
}

#[test]
fn every_wrong_setting_is_named() {
    let wrong = |settings: Value| with_settings().program(&settings).unwrap_err().to_string();
    insta::assert_snapshot!(
        wrong(json!({"zone": "Berlin", "teams": ["", 3], "level": "c", "huors": 3})),
        @r#"setting hours: is needed; setting huors: is unknown; did you mean "hours"?; setting level: must be one of a, b; setting teams: needs 1 characters or more; setting teams: must be a text; setting zone: is not a time zone such as Europe/Berlin"#
    );
    insta::assert_snapshot!(wrong(json!({"hours": "many", "zone": 1, "teams": "x"})), @"setting hours: must be a whole number; setting teams: must be a list; setting zone: must be a text");
    insta::assert_snapshot!(wrong(json!({"hours": 0})), @"setting hours: must be 1 or more");
    insta::assert_snapshot!(wrong(json!([])), @"setting settings: must be an object");
}

#[test]
fn the_form_is_a_json_schema_with_texts_in_all_languages() {
    let flow = with_settings();
    let schema = flow.settings_schema();
    assert_eq!(
        schema["x-order"],
        json!(["zone", "teams", "level", "hours"])
    );
    assert_eq!(schema["required"], json!(["hours"]));
    assert_eq!(schema["properties"]["zone"]["title"], "Zone");
    assert_eq!(
        schema["properties"]["zone"]["x-title"],
        json!({"en": "Zone", "de": "Zone"})
    );
    assert_eq!(schema["properties"]["teams"]["default"], json!([]));
    assert!(jsonschema::meta::is_valid(schema));
}

#[test]
fn the_digest_changes_with_the_meaning_alone() {
    let digest = |parts: &[(&str, &str)], settings: Value| program(parts, settings).digest();
    let settings = (
        "settings",
        "settings:\n  zone: { type: string, default: UTC, title: { en: Z } }",
    );
    let same = digest(&[settings], json!({}));
    assert_eq!(digest(&[settings], json!({"zone": "UTC"})), same);
    assert_eq!(
        digest(&[settings, ("title", "title: { en: Other }")], json!({})),
        same
    );
    assert_eq!(
        digest(
            &[
                settings,
                ("rest", "guard: { share: 0.5 }\nschedule: { every: 1h }")
            ],
            json!({})
        ),
        same
    );
    assert_eq!(
        digest(
            &[
                settings,
                ("map", "# note\nmap:\n  email:   lower( e.email )")
            ],
            json!({})
        ),
        same
    );
    let different = [
        digest(&[settings], json!({"zone": "Europe/Berlin"})),
        digest(&[settings, ("map", "map:\n  email: e.email")], json!({})),
        digest(
            &[
                settings,
                ("map", "map:\n  email: lower(e.email)\n  name: e.status"),
            ],
            json!({}),
        ),
        digest(&[settings, ("scope", "scope: \"true\"")], json!({})),
        digest(
            &[settings, ("access", "access:\n  from: e.hire_date")],
            json!({}),
        ),
        digest(
            &[settings, ("match", "match:\n  - key: string(e.id)")],
            json!({}),
        ),
    ];
    for (at, one) in different.iter().enumerate() {
        assert!(*one != same && !different[..at].contains(one), "{at}");
    }
}

#[test]
fn a_change_of_a_helper_changes_the_digest() {
    let with = |helper: &str| {
        program(
            &[
                ("let", &format!("let:\n  x: {helper}")),
                ("map", "map:\n  email: x"),
            ],
            json!({}),
        )
        .digest()
    };
    assert_ne!(with("e.email"), with("lower(e.email)"));
    let unused = program(&[("let", "let:\n  x: e.status")], json!({})).digest();
    assert_eq!(unused, program(&[], json!({})).digest());
}

#[test]
fn tags_never_change() {
    let flow = flow(&[("map", "map:\n  email: e.email\n  name: e.status")]);
    let tags: Vec<u32> = flow.fields().iter().map(|field| field.tag).collect();
    assert_eq!(tags, [3_497_833_377, 3_259_660_245]);
}

#[test]
fn a_program_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Program>();
    shared::<Flow>();
    assert!(!flow_text(&[]).is_empty());
}
