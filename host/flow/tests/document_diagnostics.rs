//! What an author reads who made a mistake in a flow that delivers documents.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cabinet;
mod common;

use cabinet::{cabinet_with, check_documents, document_text, documents, school};
use common::{check, flow, flow_text, people};
use matricula_core::manifest::Manifest;
use matricula_flow::{Diagnostics, Flow, FlowFile};
use serde_json::json;

/// What is wrong, without the excerpts.
fn lines(wrong: &Diagnostics) -> String {
    let line = |one: &matricula_flow::Diagnostic| {
        let hint = one.hint.as_ref().map(|hint| format!(" = {hint}"));
        let hint = hint.unwrap_or_default();
        format!("{}:{} {}{hint}", one.line, one.column, one.message)
    };
    wrong.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn with(parts: &[(&str, &str)], cabinet: &Manifest) -> String {
    lines(&check_documents(&document_text(parts), cabinet).unwrap_err())
}

fn wrong(parts: &[(&str, &str)]) -> String {
    with(parts, &cabinet_with(json!({})))
}

fn map(file: &str) -> String {
    format!("map:\n  employee: person(c.person)\n  folder: '\"f\"'\n  title: '\"t\"'\n  {file}")
}

#[test]
fn what_is_right_passes() {
    assert!(flow(&[]).delivery().is_none());
    assert!(documents(&[]).delivery().is_some());
}

#[test]
fn each_kind_of_flow_has_its_own_keys() {
    insta::assert_snapshot!(wrong(&[(
        "rest",
        "match:\n  - title: c.nothing\naccess: { until: c.nothing }\nleavers: keep\nguard: { share: 0.1 }"
    )]), @r#"
    19:1 "match" does not belong to a flow that delivers documents = cabinet upload makes something new each time; accounts are matched and blocked by the flow that people names
    21:1 "access" does not belong to a flow that delivers documents = cabinet upload makes something new each time; accounts are matched and blocked by the flow that people names
    22:1 "leavers" does not belong to a flow that delivers documents = cabinet upload makes something new each time; accounts are matched and blocked by the flow that people names
    23:1 "guard" does not belong to a flow that delivers documents = cabinet upload makes something new each time; accounts are matched and blocked by the flow that people names
    "#);
    insta::assert_snapshot!(wrong(&[("once", ""), ("people", ""), ("unless", ""), ("remarks", "")]), @r#"
    1:1 a flow that delivers documents needs "once"
    1:1 a flow that delivers documents needs "people"
    "#);
    let people = lines(
        &check(&flow_text(&[(
            "rest",
            "once: e.nothing\npeople: staff\nunless: { a: e.nothing }\nremarks: {}",
        )]))
        .unwrap_err(),
    );
    insta::assert_snapshot!(people, @r#"
    10:1 "once" only belongs to a flow that delivers documents = academy upsert-user keeps accounts: its manifest does not say that it writes once
    11:1 "people" only belongs to a flow that delivers documents = academy upsert-user keeps accounts: its manifest does not say that it writes once
    12:1 "unless" only belongs to a flow that delivers documents = academy upsert-user keeps accounts: its manifest does not say that it writes once
    13:1 "remarks" only belongs to a flow that delivers documents = academy upsert-user keeps accounts: its manifest does not say that it writes once
    "#);
    insta::assert_snapshot!(lines(&check(&flow_text(&[("match", "")])).unwrap_err()), @r#"1:1 a flow needs "match""#);
    // Of an operation that there is not, the file's own word is taken.
    insta::assert_snapshot!(wrong(&[("target", "target: { connector: cabinet, operation: uplaod }")]), @r#"5:42 cabinet has no operation "uplaod" = did you mean "upload"?"#);
}

#[test]
fn people_are_those_of_a_required_flow() {
    insta::assert_snapshot!(wrong(&[("people", "people: staf")]), @r#"7:9 "staf" is not among requires = did you mean "staff"?"#);
    insta::assert_snapshot!(wrong(&[("requires", "")]), @r#"6:9 "staff" is not among requires = write under requires: - flow: staff"#);
    insta::assert_snapshot!(wrong(&[("people", "people: My Staff")]), @r#"7:9 "My Staff" is not a flow's name = a name is made of a-z, 0-9 and -, for example sync-employees"#);
    insta::assert_snapshot!(wrong(&[("people", "people: [staff]")]), @"7:9 people must be a text, not a list");
}

#[test]
fn once_and_reasons() {
    insta::assert_snapshot!(wrong(&[("once", "once: c.withdrawn")]), @"8:7 once must be text or a number, and this is true or false or null = write string(c.withdrawn)");
    insta::assert_snapshot!(wrong(&[("once", "once: c")]), @"8:7 c cannot be used as a whole; name an attribute of it");
    insta::assert_snapshot!(wrong(&[("once", "once: today")]), @r#"8:7 there is nothing called "today" = expressions do not know the time; dates are declared under access, and only remarks know today"#);
    insta::assert_snapshot!(wrong(&[("once", "once: []")]), @"8:7 once must be an expression, not a list");
    insta::assert_snapshot!(wrong(&[("unless", "unless:\n  revoked: c.revoked_on")]), @"10:12 revoked must be true or false, and this is a date or null = write c.revoked_on != null");
    insta::assert_snapshot!(wrong(&[("unless", "unless:\n  withdrawn: '!c.withdrawn'")]), @"10:16 this may be null, which ! cannot take = write coalesce(c.withdrawn, false)");
    insta::assert_snapshot!(wrong(&[("unless", "unless:\n  expired: coalesce(c.expires_on, today) < today")]), @r#"
    10:35 there is nothing called "today" = expressions do not know the time; dates are declared under access, and only remarks know today
    10:44 there is nothing called "today" = expressions do not know the time; dates are declared under access, and only remarks know today
    12:3 "expired" is the name of a reason under unless too
    "#);
    insta::assert_snapshot!(wrong(&[("unless", "unless: c.withdrawn")]), @"9:9 unless must be a map, not a text");
    insta::assert_snapshot!(wrong(&[("unless", "unless:\n  Not Wanted: c.withdrawn")]), @r#"10:3 "Not Wanted" cannot be the name of a reason = a name is made of a-z, 0-9 and -, for example not-wanted"#);
    insta::assert_snapshot!(wrong(&[("remarks", "remarks:\n  revoked: c.withdrawn\n  long: c.course")]), @r#"
    12:3 "revoked" is the name of a reason under unless too
    13:9 long must be true or false, and this is text
    "#);
}

#[test]
fn a_file_is_a_file_of_the_source() {
    insta::assert_snapshot!(wrong(&[("map", &map("file: c.link"))]), @"17:9 file takes a file of school certificates, as it is = write c.file");
    insta::assert_snapshot!(wrong(&[("map", &map("file: trim(c.file)"))]), @"17:9 file takes a file of school certificates, as it is = write c.file");
    insta::assert_snapshot!(wrong(&[("map", &map("file: c.?file"))]), @"17:9 file takes a file of school certificates, as it is = write c.file");
    insta::assert_snapshot!(wrong(&[("map", &map("file: c.fiel"))]), @r#"17:11 school certificates has no attribute "fiel" = did you mean "file"?"#);
    insta::assert_snapshot!(wrong(&[("map", &map("date: c.issued_on"))]), @r#"13:1 cabinet upload needs its file "file", which map does not give"#);
    let employees = document_text(&[
        (
            "source",
            "source: { connector: people, stream: employees, as: c }",
        ),
        ("once", "once: c.id"),
        ("unless", ""),
        ("remarks", ""),
        (
            "map",
            "map:\n  employee: person(c.id)\n  folder: '\"f\"'\n  title: '\"t\"'\n  file: c.email",
        ),
    ]);
    let file = FlowFile::parse("f", &employees).unwrap();
    let error = Flow::check(file, &people(), &cabinet_with(json!({}))).unwrap_err();
    insta::assert_snapshot!(lines(&error), @"13:9 file takes a file of people employees, as it is = people employees has none: its manifest marks no attribute with x-file");
}

#[test]
fn an_operation_takes_one_file_for_one_person() {
    let other = json!({"boss": {"type": "string", "x-reference": true}});
    insta::assert_snapshot!(wrong(&[("map", "map:\n  folder: '\"f\"'\n  title: '\"t\"'\n  file: c.file")]), @"13:1 map does not say whose file a document belongs into = write employee: person(…)");
    insta::assert_snapshot!(wrong(&[("map", &map("file: c.file").replace("person(c.person)", "c.person"))]), @"14:13 employee is the account of another person = write person(c.person)");
    insta::assert_snapshot!(with(&[("map", &map("file: c.file\n  boss: person(c.id)"))], &cabinet_with(other)), @"13:1 map names several people, and a document belongs into the file of one");
    let none = json!({"file": {"type": "string"}});
    insta::assert_snapshot!(with(&[("map", &map("file: c.link"))], &cabinet_with(none)), @"5:42 the manifest of cabinet is wrong about upload: it takes no file (x-file)");
    let two = json!({"other": {"type": "string", "x-file": {"largest": 1}}});
    insta::assert_snapshot!(with(&[], &cabinet_with(two)), @"5:42 the manifest of cabinet is wrong about upload: it takes several files (x-file)");
    let odd = json!({"file": {"type": "string", "x-file": {"biggest": 1}}});
    insta::assert_snapshot!(with(&[], &cabinet_with(odd)), @"5:42 the manifest of cabinet is wrong about upload: x-file of file: unknown field `biggest`, expected `types` or `largest`");
    // Only what is delivered once takes files.
    let text = document_text(&[
        (
            "target",
            "target: { connector: cabinet, operation: upsert-user }",
        ),
        ("requires", ""),
        ("people", ""),
        ("once", ""),
        ("unless", ""),
        ("remarks", ""),
        ("rest", "match: [{ title: c.course }]"),
    ]);
    let file = FlowFile::parse("f", &text).unwrap();
    let error = Flow::check(file, &school(), &cabinet_with(json!({}))).unwrap_err();
    insta::assert_snapshot!(lines(&error), @"11:3 cabinet upsert-user takes a file and does not write once = files go into documents: the manifest is wrong about it");
}

#[test]
fn settings_that_the_host_fills_in() {
    let wrong = |setting: &str| {
        let other = "b: { enum: [x, y], default: x, title: { en: B } }";
        wrong(&[(
            "settings",
            &format!("settings:\n  {other}\n  a: {{ title: {{ en: A }}, {setting} }}"),
        )])
    };
    let folders = "x-options: { connector: cabinet, lookup: folders }";
    insta::assert_snapshot!(wrong("type: [string, null]"), @r#"10:32 several types must be one and "null" = for example type: [string, "null"]"#);
    insta::assert_snapshot!(wrong("type: [array, \"null\"]"), @"10:33 a list is never null: left empty, it is an empty list");
    insta::assert_snapshot!(wrong("type: []"), @"10:32 type must be a text, not a list");
    insta::assert_snapshot!(wrong("type: [text, \"null\"]"), @r#"10:33 "text" is not a type that a setting can have = there are string, integer, number, boolean, array"#);
    insta::assert_snapshot!(wrong("type: string, x-default-named: [A]"), @"10:40 x-default-named only goes with x-options, where it looks for the names");
    insta::assert_snapshot!(wrong(&format!("type: string, default: x, {folders}, x-default-named: [A]")), @r#"10:104 setting a is never null, so no default is looked for = write type: [string, "null"] and default: null"#);
    insta::assert_snapshot!(wrong(&format!("type: string, required: true, {folders}, x-default-named: [A]")), @r#"10:108 setting a is never null, so no default is looked for = write type: [string, "null"] and default: null"#);
    insta::assert_snapshot!(wrong(&format!("type: array, {folders}, x-default-named: [A]")), @r#"10:91 setting a is never null, so no default is looked for = write type: [string, "null"] and default: null"#);
    insta::assert_snapshot!(wrong(&format!("type: string, {folders}, x-default-named: A")), @"10:109 x-default-named must be a list of names");
    insta::assert_snapshot!(wrong("type: string, format: date-time, x-fill: end"), @r#"10:67 "end" is nothing that a setting is filled with = there is only "start""#);
    insta::assert_snapshot!(wrong("type: string, x-fill: start"), @r#"10:40 setting a cannot hold the moment of the start = write type: [string, "null"], format: date-time and default: null"#);
    insta::assert_snapshot!(wrong("type: string, x-needed-when: { c: x }"), @r#"10:57 there is no other setting "c" = did you mean "b"?"#);
    insta::assert_snapshot!(wrong("type: string, x-needed-when: { b: z }"), @r#"10:60 this is none of the values of the setting b = did you mean "x"?"#);
    insta::assert_snapshot!(wrong("type: string, x-needed-when: b"), @"10:55 x-needed-when must be a map, not a text");
}
