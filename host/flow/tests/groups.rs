//! Groups: what an author can write, and to which groups records belong.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{academy, check, flow, flow_text, people};
use matricula_core::manifest::{Manifest, Operation};
use matricula_flow::{Activation, Diagnostics, Flow, FlowFile, Program, Reading, testing};
use serde_json::{Value, json};

const TEAMS: &str = "settings:
  teams_from: { type: array, items: { enum: [department, boss] }, default: [department, boss], title: { en: Teams } }
  language: { enum: [en, de], default: en, title: { en: Language } }";

const GROUPS: &str = r#"groups:
  operation: upsert-group
  sets:
    department:
      when: '"department" in settings.teams_from'
      key: e.department.id
      name: '(settings.language == "de" ? "Abteilung " : "Department ") + e.department.name'
      title: { en: Department, de: Abteilung }
    boss:
      when: '"boss" in settings.teams_from'
      key: e.boss.id
      name: 'e.boss.name + "''s team"'
      title: { en: Boss }"#;

/// The target's manifest, with operations that keep groups.
fn academy_with_groups() -> Manifest {
    let mut manifest = academy();
    let groups = |members_of: &str| -> Operation {
        let list = json!({"type": "array", "items": {"type": "string"}});
        serde_json::from_value(json!({"title": {"en": "Groups"}, "members_of": members_of,
            "find": ["external_id", "name"], "schema": {"type": "object", "required": ["name"],
            "properties": {"external_id": {"type": "string"}, "name": {"type": "string"},
                "add": list, "remove": list}}}))
        .unwrap()
    };
    let operations = &mut manifest.operations;
    operations.insert("upsert-group".into(), groups("upsert-user"));
    operations.insert("upsert-class".into(), groups("upsert-course"));
    manifest
}

fn check_on(target: &Manifest, rest: &str) -> Result<Flow, Diagnostics> {
    let text = flow_text(&[("settings", TEAMS), ("rest", rest)]);
    Flow::check(
        FlowFile::parse("staff.flow.yaml", &text)?,
        &people(),
        target,
    )
}

fn grouped(groups: &str) -> Flow {
    check_on(&academy_with_groups(), groups).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn program(settings: Value) -> Program {
    grouped(GROUPS).program(&settings).unwrap()
}

/// One kind whose key and name these expressions give.
fn one(key: &str, name: &str) -> String {
    format!(
        "groups:\n  operation: upsert-group\n  sets:\n    team:\n      key: {key}\n      name: {name}\n      \
         title: {{ en: Team }}"
    )
}

/// What is wrong, without the excerpts.
fn wrong(groups: &str) -> String {
    said(&check_on(&academy_with_groups(), groups).unwrap_err())
}

fn said(wrong: &Diagnostics) -> String {
    let line = |one: &matricula_flow::Diagnostic| {
        let hint = one.hint.as_ref().map(|hint| format!(" = {hint}"));
        let hint = hint.unwrap_or_default();
        format!("{}:{} {}{hint}", one.line, one.column, one.message)
    };
    wrong.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The groups of a record, as `kind:key = name`, - where there is none, ? where it may not be read.
fn groups(program: &Program, mut record: Value) -> String {
    record["email"] = json!("ada@example.com");
    let person = program
        .evaluate(&record)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(person.groups.len(), program.flow().groups().len());
    let groups = person.groups.iter().map(|group| match group {
        Reading::Absent => "?".to_owned(),
        Reading::Known(None) => "-".to_owned(),
        Reading::Known(Some(group)) => format!("{} = {}", group.key, group.name),
    });
    groups.collect::<Vec<_>>().join(", ")
}

fn of_one(key: &str, name: &str, record: Value) -> String {
    groups(
        &grouped(&one(key, name)).program(&json!({})).unwrap(),
        record,
    )
}

#[test]
fn a_record_says_to_which_group_of_each_kind_somebody_belongs() {
    let flow = grouped(GROUPS);
    assert_eq!(flow.group_operation(), Some("upsert-group"));
    let kinds: Vec<&str> = flow
        .groups()
        .iter()
        .map(|spec| spec.kind.as_str())
        .collect();
    assert_eq!(kinds, ["department", "boss"]);
    assert_eq!(flow.groups()[0].title.get("de"), "Abteilung");
    let program = program(json!({}));
    let record =
        json!({"department": {"id": 17, "name": "IT"}, "boss": {"id": 3, "name": "Peter Wright"}});
    assert_eq!(
        groups(&program, record),
        "department:17 = Department IT, boss:3 = Peter Wright's team"
    );
}

#[test]
fn a_flow_without_groups_keeps_none() {
    let flow = flow(&[]);
    assert_eq!(flow.group_operation(), None);
    assert!(flow.groups().is_empty());
    let program = flow.program(&json!({})).unwrap();
    assert_eq!(groups(&program, json!({"department": {"id": 17}})), "");
}

#[test]
fn null_absent_and_empty() {
    let program = program(json!({}));
    let is = |record: Value, expected: &str| {
        assert_eq!(groups(&program, record.clone()), expected, "{record}");
    };
    is(json!({}), "?, ?");
    is(json!({"department": null, "boss": {}}), "-, ?");
    is(
        json!({"department": {"id": 17, "name": null}, "boss": null}),
        "-, -",
    );
    is(
        json!({"department": {"id": 17}, "boss": {"id": 3, "name": ""}}),
        "?, boss:3 = 's team",
    );
    // Of a group that there is not no name is asked.
    assert_eq!(
        of_one("e.status", "e.first_name", json!({"status": null})),
        "-"
    );
    let named = |record: Value| of_one("e.status", "e.first_name", record);
    assert_eq!(named(json!({"status": " ", "first_name": "A"})), "-");
    assert_eq!(named(json!({"status": "x", "first_name": " \n"})), "-");
    assert_eq!(named(json!({"status": "x", "first_name": ""})), "-");
    assert_eq!(
        named(json!({"status": " x ", "first_name": " A\r\nB\u{7f} "})),
        "team:x = A B"
    );
}

#[test]
fn a_name_of_which_a_part_is_null_is_none() {
    let record = json!({"id": 1, "first_name": "Ada", "status": null, "department": null});
    let is = |name: &str, expected: &str| {
        assert_eq!(of_one("e.id", name, record.clone()), expected, "{name}");
    };
    is("e.first_name + \" x\"", "team:1 = Ada x");
    is("e.first_name + \" \" + e.status", "-");
    is("'\"a\" + (e.status + e.first_name)'", "-");
    is("e.department.name + e.first_name", "-");
    is("'e.id == 1 ? \"a\" + e.status : \"b\"'", "-");
    is(
        "'e.id == 2 ? \"a\" + e.status : \"b\" + e.first_name'",
        "team:1 = bAda",
    );
    is("e.first_name + coalesce(e.status, \"-\")", "team:1 = Ada-");
    is(
        "e.first_name + e.?email.orValue(\"\")",
        "team:1 = Adaada@example.com",
    );
    is("e.first_name + e.dynamic_x", "?");
    is("string(null)", "-");
    is("'trim(\" b \" + e.first_name + \" \")'", "team:1 = b Ada");
    is("'upper(truncate(\"b\" + e.status, 20))'", "-");
    is("'replace(\"b\" + e.status, \"b\", \"c\")'", "-");
}

#[test]
fn keys_are_texts_and_numbers() {
    let is = |key: &str, record: Value, expected: &str| {
        let record = json!({"first_name": "A", "dynamic_k": record});
        assert_eq!(of_one(key, "e.first_name", record), expected);
    };
    is("e.dynamic_k", json!(7), "team:7 = A");
    is("e.dynamic_k", json!(-7), "team:-7 = A");
    is(
        "e.dynamic_k",
        json!(u64::MAX),
        "team:18446744073709551615 = A",
    );
    is("e.dynamic_k", json!(7.0), "team:7 = A");
    is("e.dynamic_k", json!(38.5), "team:38.5 = A");
    is("e.dynamic_k", json!("a:b"), "team:a:b = A");
    let long = format!("{}ä", "x".repeat(300));
    let first = of_one(
        "e.dynamic_k",
        "e.first_name",
        json!({"first_name": "A", "dynamic_k": long}),
    );
    let key = first.strip_suffix(" = A").unwrap();
    assert_eq!(key.chars().count(), "team:".len() + 128);
}

#[test]
fn names_have_at_most_200_characters() {
    let name = |name: &str| of_one("e.id", "e.first_name", json!({"id": 1, "first_name": name}));
    let long = "ß".repeat(200);
    assert_eq!(name(&long), format!("team:1 = {long}"));
    assert_eq!(name(&format!("{long}x")), format!("team:1 = {long}"));
    let spaced = format!("{} x", "ß".repeat(199));
    assert_eq!(name(&spaced), format!("team:1 = {}", "ß".repeat(199)));
}

#[test]
fn of_a_kind_that_is_not_wanted_nothing_is_kept_and_nothing_read() {
    let both = json!({"department": {"id": 17, "name": "IT"}, "boss": {"id": 3, "name": "P"}});
    let all = program(json!({}));
    assert_eq!(all.attributes(), ["boss", "department", "email"]);
    assert_eq!(all.flow().attributes(), all.attributes());
    let some = program(json!({"teams_from": ["boss"]}));
    assert_eq!(some.attributes(), ["boss", "email"]);
    assert_eq!(groups(&some, both.clone()), "-, boss:3 = P's team");
    let none = program(json!({"teams_from": []}));
    assert_eq!(none.attributes(), ["email"]);
    assert_eq!(groups(&none, both), "-, -");
    // What is not read cannot be wrong.
    assert_eq!(groups(&none, json!({"boss": "nobody"})), "-, -");
    let german = program(json!({"language": "de"}));
    let record = json!({"department": {"id": 17, "name": "IT"}, "boss": null});
    assert_eq!(groups(&german, record), "department:17 = Abteilung IT, -");
}

#[test]
fn an_error_names_the_kind_and_no_value() {
    let error = |key: &str, name: &str, mut record: Value| {
        record["email"] = json!("ada@example.com");
        let program = grouped(&one(key, name)).program(&json!({})).unwrap();
        let error = program.evaluate(&record).unwrap_err();
        assert!(!error.message.contains("secret"), "{error}");
        format!(
            "{} {:?}: {error}",
            error.code,
            error.attribute.as_deref().unwrap_or_default()
        )
    };
    insta::assert_snapshot!(error("e.dynamic_k", "e.first_name", json!({"dynamic_k": ["secret"]})), @r#"expression "groups.team": groups.team.key cannot be computed: it does not give a text or a number"#);
    insta::assert_snapshot!(error("e.id", "e.dynamic_k", json!({"id": 1, "dynamic_k": ["secret"]})), @r#"expression "groups.team": groups.team.name cannot be computed: it does not give a text"#);
    insta::assert_snapshot!(error("e.id", "e.first_name + e.dynamic_k", json!({"id": 1, "first_name": "secret", "dynamic_k": 1})), @r#"expression "groups.team": groups.team.name cannot be computed: + takes texts here"#);
    insta::assert_snapshot!(error("e.id", "e.first_name", json!({"id": "secret"})), @r#"invalid-value "id": id is not a whole number; correct "Number" in People"#);
    insta::assert_snapshot!(error("date(e.status)", "e.first_name", json!({"status": "secret"})), @r#"expression "groups.team": groups.team.key cannot be computed: this text does not begin with a date (YYYY-MM-DD)"#);
}

#[test]
fn nobody_out_of_scope_is_said_to_be_in_a_group() {
    let rest = format!("scope: e.status == \"active\"\n{GROUPS}");
    let program = grouped(&rest).program(&json!({})).unwrap();
    let record = json!({"status": "left", "department": null, "boss": null});
    assert_eq!(groups(&program, record), "?, ?");
}

#[test]
fn what_groups_mean_counts_into_the_digest() {
    let digest =
        |groups: &str, settings: Value| grouped(groups).program(&settings).unwrap().digest();
    let same = digest(GROUPS, json!({}));
    assert_eq!(
        same,
        digest(&GROUPS.replace("en: Boss", "en: Head"), json!({}))
    );
    assert_eq!(
        same,
        digest(
            &GROUPS.replace("key: e.boss.id", "key:  e.boss . id "),
            json!({})
        )
    );
    for other in [
        digest("leavers: block", json!({})),
        digest(
            &GROUPS.replace("key: e.boss.id", "key: e.boss.name"),
            json!({}),
        ),
        digest(&GROUPS.replace("s team", "s people"), json!({})),
        digest(&GROUPS.replace("boss:", "head:"), json!({})),
        digest(
            &GROUPS.replace("\"boss\" in", "!(\"boss\" in").replace(
                "teams_from'\n      key: e.boss",
                "teams_from)'\n      key: e.boss",
            ),
            json!({}),
        ),
        digest(GROUPS, json!({"teams_from": ["boss"]})),
        digest(GROUPS, json!({"language": "de"})),
    ] {
        assert_ne!(same, other);
    }
}

#[test]
fn owners_map_fields_and_not_groups() {
    let rest = format!("mapping: {{ open: all }}\n{GROUPS}");
    let flow = grouped(&rest);
    let program = flow
        .program(&json!({"teams_from": ["department"], "$map": {}}))
        .unwrap();
    assert_eq!(program.attributes(), ["department", "email"]);
    let error = flow.program(&json!({"$map": {"groups.boss": "e.id"}}));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the flow writes no attribute"), "{error}");
}

#[test]
fn what_is_wrong_with_the_parts_is_said_at_its_place() {
    insta::assert_snapshot!(wrong("groups: {}"), @r#"
13:9 groups needs "operation"
13:9 groups needs "sets"
"#);
    insta::assert_snapshot!(wrong("groups: teams"), @"13:9 groups must be a map, not a text");
    insta::assert_snapshot!(wrong("groups:\n  operation: upsert-group\n  sets: {}"), @"15:9 sets needs at least one kind of groups");
    insta::assert_snapshot!(wrong("groups:\n  operation: upsert-group\n  sets:\n    Cost-Center: { kye: e.id, name: [], title: Centre }"), @r#"
16:5 "Cost-Center" cannot be the name of a kind of groups = a name is made of a-z, 0-9 and _, for example cost_center
16:18 Cost-Center needs "key"
16:20 Cost-Center has no key "kye" = did you mean "key"?
16:37 name must be an expression, not a list
16:48 title must be a map, not a text
"#);
    insta::assert_snapshot!(wrong("groups:\n  operation: upsert-group\n  sets: { team: }"), @"15:15 team must be a map, not nothing");
    let long = one("e.id", "e.first_name").replace("team:", &format!("{}:", "d".repeat(41)));
    insta::assert_snapshot!(wrong(&long), @"16:5 the name of a kind is longer than 40 characters");
}

#[test]
fn the_operation_keeps_groups_of_the_accounts_that_the_flow_keeps() {
    insta::assert_snapshot!(wrong(&GROUPS.replace("upsert-group", "upsert-gruop")), @r#"14:14 academy has no operation "upsert-gruop" = did you mean "upsert-group"?"#);
    insta::assert_snapshot!(wrong(&GROUPS.replace("upsert-group", "upsert-class")), @r#"14:14 upsert-class of academy keeps no groups of upsert-user = there is only "upsert-group""#);
    insta::assert_snapshot!(wrong(&GROUPS.replace("upsert-group", "upsert-user")), @r#"14:14 upsert-user of academy keeps no groups of upsert-user = there is only "upsert-group""#);
    let without = check(&flow_text(&[("settings", TEAMS), ("rest", GROUPS)]));
    insta::assert_snapshot!(said(&without.unwrap_err()), @r#"14:14 academy has no operation "upsert-group" = its manifest marks no operation with members_of: upsert-user, so it offers no groups"#);
}

#[test]
fn expressions_are_checked_at_their_place() {
    insta::assert_snapshot!(wrong(&one("e.department", "e.department")), @r#"
17:12 key must be text or a number, and this is an object or null = did you mean e.department.id?
18:13 name must be text, and this is an object or null = did you mean e.department.name?
"#);
    insta::assert_snapshot!(wrong(&one("e.departmnt.id", "e.department.nam")), @r#"
17:14 people employees has no attribute "departmnt" = did you mean "department"?
18:26 department has no attribute "nam" = did you mean "name"?
"#);
    insta::assert_snapshot!(wrong(&one("e.remote", "e.hours")), @r#"
17:12 key must be text or a number, and this is true or false or null = write string(e.remote)
18:13 name must be text, and this is a number or null = write string(e.hours)
"#);
    insta::assert_snapshot!(wrong(&one("e.tags", "e.tags")), @r#"
17:12 key must be text or a number, and this is a list
18:13 name must be text, and this is a list
"#);
    insta::assert_snapshot!(wrong(&one("e.id", "'\"Team \" + e.id + e.hours'")), @r#"
18:24 + takes text here, and this is a whole number = write string(e.id)
18:31 + takes text here, and this is a number or null = write string(e.hours)
"#);
    insta::assert_snapshot!(wrong(&one("e.id", "'\"Team \" + e.?first_name'")), @"18:24 this may hold nothing (because of .?) = write e.?first_name.orValue(…), or e.first_name");
    insta::assert_snapshot!(wrong(&one("e.id", "'ifEmpty(\"Team\" + e.first_name, \"-\")'")), @r#"18:31 this may be null, which + cannot take = write coalesce(e.first_name, "")"#);
    insta::assert_snapshot!(wrong(&one("person(e.id)", "today")), @r#"
17:12 person(…) is only allowed as the whole value of a reference in map
18:13 there is nothing called "today" = expressions do not know the time; dates are declared under access, and only remarks know today
"#);
    let when = |when: &str| {
        let groups = one("e.id", "e.first_name");
        wrong(&groups.replace("      key", &format!("      when: {when}\n      key")))
    };
    insta::assert_snapshot!(when("e.remote"), @"17:13 when is decided by the settings alone, and this reads remote = whoever is in no group of this kind has the key null");
    insta::assert_snapshot!(when("e.status == settings.language"), @"17:13 when is decided by the settings alone, and this reads status = whoever is in no group of this kind has the key null");
    insta::assert_snapshot!(when("settings.language"), @"17:13 when must be true or false, and this is text");
    insta::assert_snapshot!(when("settings.teams"), @r#"17:22 there is no setting "teams" = there are language, teams_from"#);
}

#[test]
fn whether_a_kind_is_kept_must_be_computable() {
    let groups = one("e.id", "e.first_name").replace(
        "      key",
        "      when: settings.teams_from[3] == \"boss\"\n      key",
    );
    let error = grouped(&groups).program(&json!({})).unwrap_err();
    insta::assert_snapshot!(error, @"setting groups.team.when: cannot be computed: a list has no such place; use [?…]");
}

#[test]
fn a_start_may_need_a_test() {
    assert_eq!(grouped("leavers: block").activation(), Activation::AtOnce);
    assert_eq!(
        grouped("activate: at-once").activation(),
        Activation::AtOnce
    );
    assert_eq!(grouped("activate: tested").activation(), Activation::Tested);
    insta::assert_snapshot!(wrong("activate: testd"), @r#"13:11 "testd" is no way in which a flow is activated = did you mean "tested"?"#);
    insta::assert_snapshot!(wrong("activate: true"), @"13:11 activate must be a text, not a boolean = put it between quotes");
}

fn test_file(text: &str) -> String {
    match testing::run(&grouped(GROUPS), "staff.test.yaml", text) {
        Err(wrong) => wrong.to_string(),
        Ok(results) => {
            let line =
                |result: &testing::CaseResult| format!("{}: {:?}", result.name, result.failures);
            results.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn test_files_say_which_groups_are_expected() {
    insta::assert_snapshot!(test_file("\
flow: staff
record: { email: a@example.com, department: { id: 17, name: IT }, boss: null }
cases:
  - name: as expected
    expect: { groups: { department: Department IT, boss: null } }
  - name: by key
    expect: { groups: { department: { key: 17, name: Department IT }, boss: { key: null } } }
  - name: another
    expect: { groups: { department: { key: 18, name: Department HR }, boss: \"Peter Wright's team\" } }
  - name: none
    settings: { teams_from: [] }
    expect: { groups: { department: Department IT, boss: null } }
  - name: may not be read
    without: [boss]
    expect: { absent: [groups.boss, groups.department], groups: { boss: null } }
"), @r#"
as expected: []
by key: []
another: ["groups department key: expected \"18\", is \"17\"", "groups department name: expected \"Department HR\", is \"Department IT\"", "groups boss: expected \"Peter Wright's team\", is null"]
none: ["groups department: expected \"Department IT\", is null"]
may not be read: ["groups boss: expected null, is absent", "groups.department: expected to be absent, has a value"]
"#);
    insta::assert_snapshot!(test_file("\
flow: staff
cases:
  - name: a
    expect: { absent: [groups.bos], groups: { departement: x, boss: [x], department: { nmae: x } } }
"), @r#"
staff.test.yaml:4:15: there is no field "groups.bos" in this flow
  |
4 |     expect: { absent: [groups.bos], groups: { departement: x, boss: [x], department: { nmae: x } } }
  |               ^^^^^^
  = did you mean "groups.boss"?

staff.test.yaml:4:47: there is no kind of groups "departement" in this flow
  |
4 |     expect: { absent: [groups.bos], groups: { departement: x, boss: [x], department: { nmae: x } } }
  |                                               ^^^^^^^^^^^
  = did you mean "department"?

staff.test.yaml:4:69: boss must be a group's name, not a list
  |
4 |     expect: { absent: [groups.bos], groups: { departement: x, boss: [x], department: { nmae: x } } }
  |                                                                     ^
  = or { key: …, name: … }, or null where there is none

staff.test.yaml:4:88: department has no key "nmae"
  |
4 |     expect: { absent: [groups.bos], groups: { departement: x, boss: [x], department: { nmae: x } } }
  |                                                                                        ^^^^
  = did you mean "name"?
"#);
}
