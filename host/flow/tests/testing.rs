//! Test files, right and wrong.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::flow;
use matricula_flow::{Flow, testing};

fn staff() -> Flow {
    flow(&[
        ("scope", "scope: e.status != \"left\""),
        (
            "map",
            "map:\n  email: e.email\n  name: e.first_name\n  manager: person(e.boss.id)",
        ),
        ("access", "access:\n  until: e.end_date"),
    ])
}

fn run(text: &str) -> String {
    match testing::run(&staff(), "staff.test.yaml", text) {
        Err(wrong) => wrong.to_string(),
        Ok(results) => {
            let line =
                |result: &testing::CaseResult| format!("{}: {:?}", result.name, result.failures);
            results.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

#[test]
fn what_is_not_as_expected_is_said() {
    insta::assert_snapshot!(run("\
flow: staff
now: 2026-03-15T12:00:00Z
record: { email: a@example.com, status: active, first_name: Ada, boss: { id: 3 }, end_date: \"2026-03-15\" }
cases:
  - name: all is well
    expect:
      scope: true
      fields: { name: Ada, manager: { person: \"3\" } }
      match: { email: a@example.com }
      access: { allowed: false, reason: end-reached, until: \"2026-03-15\", time_zone: Europe/Berlin }
  - name: nothing is
    without: [first_name]
    record: { status: left }
    expect:
      scope: true
      fields: { name: Ada, manager: { person: \"4\" } }
      absent: [email]
      match: { email: b@example.com }
      access: { allowed: true, from: \"2026-01-01\" }
  - name: an error is missing
    expect: { error: { code: invalid-value } }
  - name: an error is not expected
    record: { email: null }
    expect: { scope: true }
  - name: another error
    record: { email: null }
    expect: { error: { code: invalid-value, attribute: name, message: blue } }
  - name: wrong settings
    settings: { x: 1 }
    expect: { scope: true }
"), @r#"
all is well: []
nothing is: ["scope: expected true, is false", "name: expected \"Ada\", is absent", "manager: expected {\"person\":\"4\"}, is absent", "match email: expected \"b@example.com\", is null", "access: the person is out of scope"]
an error is missing: ["no error"]
an error is not expected: ["error missing-attribute: no email: enter \"E-mail\" in People"]
another error: ["error code: expected \"invalid-value\", is \"missing-attribute\"", "error attribute: expected \"name\", is \"email\"", "error message: expected \"blue\" in \"no email: enter \\\"E-mail\\\" in People\""]
wrong settings: ["setting x: is unknown; the flow has no settings"]
"#);
}

#[test]
fn what_is_wrong_with_the_file_is_said_before_anything_runs() {
    insta::assert_snapshot!(run("\
flow: stuff
cases:
  - name: a
    recrod: {}
    expect: { fields: { nmae: x }, access: { allowed: true, untl: x }, absent: [manger] }
  - expect: {}
  - name: c
    now: tomorrow
"), @r#"
staff.test.yaml:1:7: these are the tests of staff
  |
1 | flow: stuff
  |       ^^^^^

staff.test.yaml:3:11: a case that expects access needs "now"
  |
3 |   - name: a
  |           ^

staff.test.yaml:4:5: a case has no key "recrod"
  |
4 |     recrod: {}
  |     ^^^^^^
  = did you mean "record"?

staff.test.yaml:5:25: there is no field "nmae" in this flow
  |
5 |     expect: { fields: { nmae: x }, access: { allowed: true, untl: x }, absent: [manger] }
  |                         ^^^^
  = did you mean "name"?

staff.test.yaml:5:61: there is no key of access "untl" in this flow
  |
5 |     expect: { fields: { nmae: x }, access: { allowed: true, untl: x }, absent: [manger] }
  |                                                             ^^^^
  = did you mean "until"?

staff.test.yaml:5:72: there is no field "manger" in this flow
  |
5 |     expect: { fields: { nmae: x }, access: { allowed: true, untl: x }, absent: [manger] }
  |                                                                        ^^^^^^
  = did you mean "manager"?

staff.test.yaml:6:5: a case needs "name"
  |
6 |   - expect: {}
  |     ^

staff.test.yaml:7:5: a case needs "expect"
  |
7 |   - name: c
  |     ^

staff.test.yaml:8:10: "tomorrow" is not a moment
  |
8 |     now: tomorrow
  |          ^^^^^^^^
  = for example 2026-03-15T12:00:00Z
"#);
    insta::assert_snapshot!(run("flow: staff\ncases: []\n"), @"
    staff.test.yaml:2:8: cases must be a list of cases
      |
    2 | cases: []
      |        ^
    ");
}
