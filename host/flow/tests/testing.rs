//! Test files, right and wrong.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cabinet;
mod common;

use cabinet::documents;
use common::flow;
use matricula_flow::{Diagnostics, Flow, testing};

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
    said(testing::run(&staff(), "staff.test.yaml", text))
}

fn run_documents(text: &str) -> String {
    said(testing::run(
        &documents(&[]),
        "certificates.test.yaml",
        text,
    ))
}

fn said(results: Result<Vec<testing::CaseResult>, Diagnostics>) -> String {
    match results {
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

#[test]
fn what_is_not_as_expected_of_documents_is_said() {
    insta::assert_snapshot!(run_documents("\
flow: certificates
now: 2026-11-22T12:00:00Z
record: { id: 7, person: account, course: Fire safety, file: x, issued_on: null, expires_on: null, revoked_on: null }
cases:
  - name: all is well
    expect:
      once: \"7\"
      scope: true
      unless: null
      remark: null
      fields: { employee: { person: account }, title: Fire safety, date: null }
  - name: it has expired
    record: { expires_on: \"2026-11-21\" }
    expect: { remark: expired }
  - name: it has not expired yet
    now: 2026-11-21T12:00:00Z
    record: { expires_on: \"2026-11-21\" }
    expect: { remark: null }
  - name: it was revoked
    record: { revoked_on: \"2026-11-21\" }
    expect: { unless: revoked, absent: [title] }
  - name: nothing is
    record: { revoked_on: \"2026-11-21\" }
    expect:
      once: \"8\"
      scope: false
      unless: null
      remark: expired
      fields: { title: Fire safety }
  - name: all that is expected is absent
    expect: { absent: [title, employee] }
  - name: an error is missing
    expect: { error: { code: invalid-value } }
  - name: an error is not expected
    without: [id]
    expect: { scope: true }
  - name: another error
    without: [person]
    expect: { error: { code: invalid-value, attribute: person, message: blue } }
"), @r#"
    all is well: []
    it has expired: []
    it has not expired yet: []
    it was revoked: []
    nothing is: ["once: expected \"8\", is \"7\"", "scope: expected false, is true", "unless: expected null, is \"revoked\"", "remark: expected \"expired\", is null", "title: expected \"Fire safety\", is absent"]
    all that is expected is absent: ["title: expected to be absent, has a value", "employee: expected to be absent, has a value"]
    an error is missing: ["no error"]
    an error is not expected: ["error missing-attribute: it cannot be said which document this is: id may not be read; allow the credential to read \"Identifier\" in School"]
    another error: ["error code: expected \"invalid-value\", is \"missing-attribute\"", "error attribute: expected \"person\", is \"employee\"", "error message: expected \"blue\" in \"no employee: person may not be read; allow the credential to read \\\"Participant\\\" in School\""]
    "#);
}

#[test]
fn what_is_wrong_with_a_file_for_documents_is_said() {
    insta::assert_snapshot!(run_documents("\
flow: certificates
cases:
  - name: a
    expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
"), @r#"
    certificates.test.yaml:3:11: a case needs "now": the flow's remarks use today
      |
    3 |   - name: a
      |           ^

    certificates.test.yaml:4:15: expect has no key "match"
      |
    4 |     expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
      |               ^^^^^
      = there are once, scope, unless, remark, fields, absent, error

    certificates.test.yaml:4:26: expect has no key "access"
      |
    4 |     expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
      |                          ^^^^^^
      = there are once, scope, unless, remark, fields, absent, error

    certificates.test.yaml:4:38: expect has no key "remrk"
      |
    4 |     expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
      |                                      ^^^^^
      = did you mean "remark"?

    certificates.test.yaml:4:56: the flow has no reason "revokd" for unless
      |
    4 |     expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
      |                                                        ^^^^^^
      = did you mean "revoked"?

    certificates.test.yaml:4:72: the flow has no reason "revoked" for remark
      |
    4 |     expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
      |                                                                        ^^^^^^^
      = there is only "expired"

    certificates.test.yaml:4:87: once must be a text, not a number
      |
    4 |     expect: { match: {}, access: {}, remrk: x, unless: revokd, remark: revoked, once: 7 }
      |                                                                                       ^
      = put it between quotes
    "#);
}
