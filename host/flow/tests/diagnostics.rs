//! What an author reads who made a mistake.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use common::{academy, check, flow, flow_text, people};
use matricula_flow::{Flow, FlowFile};

/// Everything that is wrong with a flow with these parts.
fn wrong(parts: &[(&str, &str)]) -> String {
    check(&flow_text(parts)).unwrap_err().to_string()
}

/// What is wrong with an expression under `map`, without the excerpt.
fn in_map(attribute: &str, expression: &str) -> String {
    let map = format!("map:\n  email: e.email\n  {attribute}: {expression}");
    let wrong = check(&flow_text(&[("map", &map)])).unwrap_err();
    let line = |one: &matricula_flow::Diagnostic| {
        let hint = one
            .hint
            .as_ref()
            .map(|hint| format!(" = {hint}"))
            .unwrap_or_default();
        format!("{}:{} {}{hint}", one.line, one.column, one.message)
    };
    wrong.0.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn everything_is_said_at_once_in_the_order_of_the_file() {
    insta::assert_snapshot!(wrong(&[
        ("title", "titel: { en: Staff }"),
        ("settings", "settings:\n  zone: { type: strin, title: { en: Zone } }"),
        ("scope", "scope: e.statsu == \"active\""),
        ("match", "match:\n  - phone: e.email"),
        ("map", "map:\n  name: 'trim(e.first_nam) + \" \"'\n  departement: e.department.nam"),
        ("access", "access:\n  from: e.hire_dat\n  until: e.first_name"),
        ("rest", "leavers: remove\nschedule: { every: often }"),
    ]), @r#"
    staff.flow.yaml:1:1: a flow needs "title"
      |
    1 | flow: staff
      | ^

    staff.flow.yaml:3:1: a flow has no key "titel"
      |
    3 | titel: { en: Staff }
      | ^^^^^
      = did you mean "title"?

    staff.flow.yaml:7:17: "strin" is not a type that a setting can have
      |
    7 |   zone: { type: strin, title: { en: Zone } }
      |                 ^^^^^
      = did you mean "string"?

    staff.flow.yaml:8:10: people employees has no attribute "statsu"
      |
    8 | scope: e.statsu == "active"
      |          ^^^^^^
      = did you mean "status"?

    staff.flow.yaml:10:5: accounts cannot be found by "phone"
       |
    10 |   - phone: e.email
       |     ^^^^^
      = there are key, email, remote-id

    staff.flow.yaml:11:1: academy upsert-user needs the attribute "email", which map does not give
       |
    11 | map:
       | ^^^

    staff.flow.yaml:12:17: people employees has no attribute "first_nam"
       |
    12 |   name: 'trim(e.first_nam) + " "'
       |                 ^^^^^^^^^
      = did you mean "first_name"?

    staff.flow.yaml:13:3: academy upsert-user has no attribute "departement"
       |
    13 |   departement: e.department.nam
       |   ^^^^^^^^^^^
      = did you mean "department"?

    staff.flow.yaml:13:29: department has no attribute "nam"
       |
    13 |   departement: e.department.nam
       |                             ^^^
      = did you mean "name"?

    staff.flow.yaml:15:11: people employees has no attribute "hire_dat"
       |
    15 |   from: e.hire_dat
       |           ^^^^^^^^
      = did you mean "hire_date"?

    staff.flow.yaml:16:10: until must be a date, and this is text or null
       |
    16 |   until: e.first_name
       |          ^^^^^^^^^^^^
      = write date(e.first_name)

    staff.flow.yaml:17:10: "remove" is nothing that can be done with leavers
       |
    17 | leavers: remove
       |          ^^^^^^
      = there are block, keep, delete

    staff.flow.yaml:18:20: "often" is not a span of time
       |
    18 | schedule: { every: often }
       |                    ^^^^^
      = a number with m, h or d, for example 5m, 24h or 7d
    "#);
}

#[test]
fn a_position_in_a_folded_expression_is_that_in_the_file() {
    insta::assert_snapshot!(wrong(&[(
        "scope",
        "scope: >-\n  e.status == \"ä\" ||\n  e.stats == 'b'"
    )]), @r#"
    staff.flow.yaml:8:5: people employees has no attribute "stats"
      |
    8 |   e.stats == 'b'
      |     ^^^^^
      = did you mean "status"?
    "#);
}

#[test]
fn unknown_names() {
    insta::assert_snapshot!(in_map("name", "e.firstname"), @r#"10:11 people employees has no attribute "firstname" = did you mean "first_name"?"#);
    insta::assert_snapshot!(in_map("name", "e.dynamik_1"), @r#"10:11 people employees has no attribute "dynamik_1" = there are boss, changed_at, department, email, end_date, first_name, hire_date, hours, id, remote, status, tags"#);
    insta::assert_snapshot!(in_map("name", "e.department.nmae"), @r#"10:22 department has no attribute "nmae" = did you mean "name"?"#);
    insta::assert_snapshot!(in_map("name", "e[\"firstname\"]"), @r#"10:12 people employees has no attribute "firstname" = did you mean "first_name"?"#);
    insta::assert_snapshot!(in_map("name", "e.?firstname.orValue(\"\")"), @r#"10:12 people employees has no attribute "firstname" = did you mean "first_name"?"#);
    insta::assert_snapshot!(in_map("name", "settings.zone"), @r#"10:18 there is no setting "zone""#);
    insta::assert_snapshot!(in_map("name", "x.first_name"), @r#"10:9 there is nothing called "x" = did you mean "e"?"#);
    insta::assert_snapshot!(in_map("name", "today"), @r#"10:9 there is nothing called "today" = expressions do not know the time; dates are declared under access, and only remarks know today"#);
    insta::assert_snapshot!(in_map("name", "lowr(e.first_name)"), @r#"10:9 there is no function "lowr" = did you mean "lower"?"#);
    insta::assert_snapshot!(in_map("name", "e.first_name.trim()"), @r#"10:22 there is no function "trim" = write trim(e.first_name)"#);
    insta::assert_snapshot!(in_map("name", "e.first_name.startWith(\"a\")"), @r#"10:22 there is no function "startWith" = did you mean "startsWith"?"#);
    insta::assert_snapshot!(in_map("nmae", "e.first_name"), @r#"10:3 academy upsert-user has no attribute "nmae" = did you mean "name"?"#);
    insta::assert_snapshot!(in_map("name", "string(e)"), @"10:16 e cannot be used as a whole; name an attribute of it");
}

#[test]
fn wrong_kinds() {
    insta::assert_snapshot!(in_map("name", "e.department"), @"10:9 name takes text, and this is an object or null = did you mean e.department.name?");
    insta::assert_snapshot!(in_map("name", "e.id"), @"10:9 name takes text, and this is a whole number = write string(e.id)");
    insta::assert_snapshot!(in_map("name", "e.tags"), @r#"10:9 name takes text, and this is a list = write join(e.tags, ", ")"#);
    insta::assert_snapshot!(in_map("end", "e.hours"), @"10:8 end takes a date, and this is a number or null");
    insta::assert_snapshot!(in_map("end", "e.changed_at"), @"10:8 end takes a date, and this is a date with time or null = write date(e.changed_at)");
    insta::assert_snapshot!(in_map("hours", "e.status"), @"10:10 hours takes a number, and this is text or null");
    insta::assert_snapshot!(in_map("strict", "e.status"), @r#"10:11 this may be null, which strict does not take = write coalesce(e.status, "")"#);
    insta::assert_snapshot!(in_map("name", "\"e.status == 1 ? 'a' : 'b'\""), @"10:10 text or null and a whole number are never equal = string(…) makes a number a text");
    insta::assert_snapshot!(in_map("name", "\"e.hours < 20 ? 'part' : 'full'\""), @"10:10 this may be null, which a comparison cannot take = write coalesce(e.hours, 0)");
    insta::assert_snapshot!(in_map("name", "\"e.first_name + 'x'\""), @r#"10:10 this may be null, which + cannot take = write coalesce(e.first_name, "")"#);
    insta::assert_snapshot!(in_map("name", "lower(e.id)"), @"10:15 lower takes text, and this is a whole number");
    insta::assert_snapshot!(in_map("name", "e.?first_name + \"x\""), @"10:9 this may hold nothing (because of .?) = write e.?first_name.orValue(…), or e.first_name");
    insta::assert_snapshot!(in_map("name", "e.first_name.orValue(\"\")"), @"10:9 orValue is for what may be absent = write .? before the attribute that may be absent");
    insta::assert_snapshot!(in_map("hours", "e.id + 0.5"), @"10:10 + cannot take a whole number and a number together = make both of the same kind with int(…) or double(…)");
    insta::assert_snapshot!(in_map("name", "\"e.id in ['a'] ? 'a' : 'b'\""), @"10:10 a whole number and text are never equal = string(…) makes a number a text");
    insta::assert_snapshot!(in_map("name", "replace(e.first_name, \"a\")"), @"10:9 replace does not take 2 arguments");
    insta::assert_snapshot!(in_map("name", "e.first_name.name"), @r#"10:9 e.first_name has no "name": it is text or null"#);
    insta::assert_snapshot!(in_map("name", "\"e.tags.exists(e, true) ? 'a' : 'b'\""), @r#"10:10 the loop's variable "e" has a meaning already"#);
    insta::assert_snapshot!(in_map("name", "\"e.status.matches('(') ? 'a' : 'b'\""), @r#"
    10:10 this may be null, which matches cannot take = write coalesce(e.status, "")
    10:27 "(" is not a regular expression
    "#);
    insta::assert_snapshot!(in_map("name", "'switch({\"a\": 1, \"a\": 2}, e.status, 0)'"), @r#"10:26 "a" is there twice"#);
}

#[test]
fn references() {
    insta::assert_snapshot!(in_map("manager", "e.boss.id"), @"10:12 manager is the account of another person = write person(e.boss.id)");
    insta::assert_snapshot!(in_map("manager", "person(e.boss)"), @"10:12 person takes the key of a person, and this is an object or null = did you mean person(e.boss.id)?");
    insta::assert_snapshot!(in_map("name", "person(e.boss.id)"), @"10:9 name does not take another person");
    insta::assert_snapshot!(in_map("name", "string(person(e.boss.id))"), @"10:16 person(…) is only allowed as the whole value of a reference in map");
    insta::assert_snapshot!(in_map("active", "e.remote"), @r#"10:3 "active" is decided by access, scope and leavers = declare under access who is blocked (barred)"#);
}

#[test]
fn what_cannot_be_parsed() {
    insta::assert_snapshot!(in_map("name", "lower(e.first_name"), @r#"10:27 a closing ")" is missing"#);
    insta::assert_snapshot!(in_map("name", "e.first_name +"), @"10:23 the expression ends too early");
    insta::assert_snapshot!(in_map("name", "e."), @"10:11 the expression ends too early");
    insta::assert_snapshot!(in_map("name", "e.status = \"a\" ? \"b\" : \"c\""), @"10:30 this is not YAML: mapping values are not allowed in this context = put the whole expression between single quotes");
    insta::assert_snapshot!(in_map("name", "e.remote and true ? \"b\" : \"c\""), @"10:33 this is not YAML: mapping values are not allowed in this context = put the whole expression between single quotes");
    insta::assert_snapshot!(in_map("name", "'e.remote = true ? \"b\" : \"c\"'"), @r#"10:19 "=" means nothing here = equality is written =="#);
    insta::assert_snapshot!(in_map("name", "'e.remote and true ? \"b\" : \"c\"'"), @r#"10:19 "and" is not expected here = and is written &&"#);
    insta::assert_snapshot!(in_map("name", "'e.remote & true ? \"b\" : \"c\"'"), @r#"10:19 "&" means nothing here = write &&"#);
    insta::assert_snapshot!(in_map("name", "'\"äöü\" + e.remote)'"), @r#"10:26 ")" is not expected here"#);
    insta::assert_snapshot!(in_map("name", "e.status == \"a"), @"10:21 this text has no closing quote");
    insta::assert_snapshot!(in_map("name", "e.remote ? \"b\""), @"10:23 the expression ends too early");
    insta::assert_snapshot!(in_map("name", "has(e)"), @"10:13 has() takes one attribute = for example has(e.email)");
    insta::assert_snapshot!(in_map("name", "\"'äö' + $x\""), @r#"10:17 "$" means nothing here"#);
    insta::assert_snapshot!(in_map("name", "for"), @r#"10:9 "for" is a reserved word"#);
    insta::assert_snapshot!(in_map("name", &format!("{}1{}", "(".repeat(200), ")".repeat(200))), @"10:105 the expression is nested too deeply = give parts of it a name under let");
    insta::assert_snapshot!(in_map("name", &vec!["e.status"; 400].join(" + ")), @"10:9 the expression is longer than 4096 bytes = give parts of it a name under let");
    insta::assert_snapshot!(in_map("name", ""), @"10:7 name must be an expression, not nothing");
    insta::assert_snapshot!(in_map("name", "{ a: 1 }"), @"10:9 name must be an expression, not a map = an expression that is a map is put between single quotes");
}

#[test]
fn helpers_that_go_round_in_a_circle() {
    insta::assert_snapshot!(wrong(&[(
        "let",
        "let:\n  a: trim(b)\n  b: c + \"x\"\n  c: lower(a)\n  d: d\n  fine: lower(e.first_name)\n  uses: fine + a"
    )]), @"
    staff.flow.yaml:7:3: let goes round in a circle: a → b → c → a
      |
    7 |   a: trim(b)
      |   ^

    staff.flow.yaml:10:3: let goes round in a circle: d → d
       |
    10 |   d: d
       |   ^
    ");
}

#[test]
fn helpers_that_multiply_are_refused() {
    let doubled: Vec<String> = (1..30)
        .map(|at| format!("  x{at}: x{} + x{}", at - 1, at - 1))
        .collect();
    let lets = format!(
        "let:\n  x0: coalesce(e.first_name, \"\")\n{}",
        doubled.join("\n")
    );
    let found = check(&flow_text(&[("let", &lets)])).unwrap_err();
    assert!(
        found.0.iter().all(|one| one.message.contains("too large")),
        "{found}"
    );
}

#[test]
fn scope_access_and_match() {
    insta::assert_snapshot!(wrong(&[
        ("scope", "scope: e.remote"),
        ("match", "match:\n  - key: e.id\n  - name: e.first_name"),
        ("access", "access:\n  from: e.changed_at\n  until: [e.end_date, e.hours]\n  barred: e.status\n  \
            last_day: open\n  time_zone: Europe/Berlin"),
    ]), @r#"
    staff.flow.yaml:6:8: scope must be true or false, and this is true or false or null
      |
    6 | scope: e.remote
      |        ^^^^^^^^
      = write coalesce(e.remote, false)

    staff.flow.yaml:8:10: key must be text, and this is a whole number
      |
    8 |   - key: e.id
      |          ^^^^
      = write string(e.id)

    staff.flow.yaml:9:5: accounts cannot be found by "name"
      |
    9 |   - name: e.first_name
      |     ^^^^
      = there are key, email, remote-id

    staff.flow.yaml:13:9: from must be a date, and this is a date with time or null
       |
    13 |   from: e.changed_at
       |         ^^^^^^^^^^^^
      = write date(e.changed_at)

    staff.flow.yaml:14:23: until must be a date, and this is a number or null
       |
    14 |   until: [e.end_date, e.hours]
       |                       ^^^^^^^

    staff.flow.yaml:15:11: barred must be true or false, and this is text or null
       |
    15 |   barred: e.status
       |           ^^^^^^^^

    staff.flow.yaml:16:13: last_day is an expression; a text in it stands between quotes
       |
    16 |   last_day: open
       |             ^^^^
      = write '"open"'

    staff.flow.yaml:17:14: time_zone is an expression; a text in it stands between quotes
       |
    17 |   time_zone: Europe/Berlin
       |              ^^^^^^^^^^^^^
      = write '"Europe/Berlin"'
    "#);
}

#[test]
fn connectors_and_what_they_have() {
    insta::assert_snapshot!(wrong(&[
        ("source", "source: { connector: people, stream: employes }"),
        ("target", "target: { connector: academy, operation: upsert-users }"),
    ]), @r#"
    staff.flow.yaml:4:38: people has no stream "employes"
      |
    4 | source: { connector: people, stream: employes }
      |                                      ^^^^^^^^
      = did you mean "employees"?

    staff.flow.yaml:5:42: academy has no operation "upsert-users"
      |
    5 | target: { connector: academy, operation: upsert-users }
      |                                          ^^^^^^^^^^^^
      = did you mean "upsert-user"?
    "#);
    let text = flow_text(&[("source", "source: { connector: peopl, stream: employees }")]);
    let file = FlowFile::parse("staff.flow.yaml", &text).unwrap();
    insta::assert_snapshot!(file.unknown_connectors(&["people", "academy"]), @r#"
    staff.flow.yaml:4:22: there is no connector "peopl"
      |
    4 | source: { connector: peopl, stream: employees }
      |                      ^^^^^
      = did you mean "people"?
    "#);
    assert!(Flow::check(file, &people(), &academy()).is_err());
}

#[test]
fn a_required_attribute_is_missing_and_deleting_is_not_offered() {
    insta::assert_snapshot!(wrong(&[
        ("map", "map:\n  name: e.first_name"),
        ("rest", "leavers: delete"),
    ]), @r#"
    staff.flow.yaml:8:1: academy upsert-user needs the attribute "email", which map does not give
      |
    8 | map:
      | ^^^

    staff.flow.yaml:10:10: upsert-user of academy cannot delete
       |
    10 | leavers: delete
       |          ^^^^^^
      = block or keep
    "#);
}

#[test]
fn the_rest_of_the_file() {
    insta::assert_snapshot!(wrong(&[
        ("version", "version: 1.0"),
        ("title", "title: { de: Personal }"),
        ("match", "match: { email: e.email }"),
        ("rest", "guard: { share: 20, form: 3, count: -1 }\nschedule: { every: 10s, full: 90d }\nsumary: x"),
    ]), @r#"
    staff.flow.yaml:2:10: version must be a text, not a number
      |
    2 | version: 1.0
      |          ^^^
      = put it between quotes

    staff.flow.yaml:3:8: title needs an English text (en)
      |
    3 | title: { de: Personal }
      |        ^

    staff.flow.yaml:6:8: match must be a list of rules, not a map
      |
    6 | match: { email: e.email }
      |        ^
      = one rule a line, for example - external_id: string(e.id)

    staff.flow.yaml:9:17: share must be a number from 0 to 1
      |
    9 | guard: { share: 20, form: 3, count: -1 }
      |                 ^^
      = 0.2 is 20 %

    staff.flow.yaml:9:21: guard has no key "form"
      |
    9 | guard: { share: 20, form: 3, count: -1 }
      |                     ^^^^
      = did you mean "from"?

    staff.flow.yaml:9:37: count must be a whole number, 0 or more
      |
    9 | guard: { share: 20, form: 3, count: -1 }
      |                                     ^^

    staff.flow.yaml:10:20: every must be between 1m and 31d
       |
    10 | schedule: { every: 10s, full: 90d }
       |                    ^^^

    staff.flow.yaml:10:31: full must be between 1m and 31d
       |
    10 | schedule: { every: 10s, full: 90d }
       |                               ^^^

    staff.flow.yaml:11:1: a flow has no key "sumary"
       |
    11 | sumary: x
       | ^^^^^^
      = did you mean "summary"?
    "#);
    insta::assert_snapshot!(wrong(&[("flow", "flow: Staff Sync")]), @r#"
    staff.flow.yaml:1:7: "Staff Sync" is not a flow's name
      |
    1 | flow: Staff Sync
      |       ^^^^^^^^^^
      = a name is made of a-z, 0-9 and -, for example sync-employees
    "#);
    insta::assert_snapshot!(wrong(&[("rest", "schedule: { every: 48h }")]), @"
    staff.flow.yaml:10:20: full cycles (full, 24h where it is not given) cannot come more often than cycles
       |
    10 | schedule: { every: 48h }
       |                    ^^^
    ");
    insta::assert_snapshot!(FlowFile::parse("x.yaml", "- a\n").unwrap_err(), @"
    x.yaml:1:1: a flow must be a map, not a list
      |
    1 | - a
      | ^
    ");
}

#[test]
fn settings() {
    insta::assert_snapshot!(wrong(&[(
        "settings",
        "settings:\n  a: { title: { en: A } }\n  b: { type: string, format: timezone, title: { en: B } }\n  \
         c: { type: string, format: time-zone, default: Europe/Berln, title: { en: C } }\n  \
         d: { enum: [x, y], default: z, title: { en: D }, x-labels: { w: { en: W } } }\n  \
         e-f: { type: boolean }\n  \
         g: { type: array, items: { type: string }, title: { en: G }, x-options: { connector: people, lookup: teams } }\n  \
         h: { type: integer, minimum: lots, titel: { en: H }, x-options: { connector: peopl, lookup: departments } }"
    )]), @r#"
    staff.flow.yaml:7:3: setting a needs a "type" or an "enum"
      |
    7 |   a: { title: { en: A } }
      |   ^

    staff.flow.yaml:8:30: "timezone" is not a format that a setting can have
      |
    8 |   b: { type: string, format: timezone, title: { en: B } }
      |                              ^^^^^^^^
      = did you mean "time-zone"?

    staff.flow.yaml:9:50: the default is not a time zone such as Europe/Berlin
      |
    9 |   c: { type: string, format: time-zone, default: Europe/Berln, title: { en: C } }
      |                                                  ^^^^^^^^^^^^

    staff.flow.yaml:10:64: "w" is none of the values under enum
       |
    10 |   d: { enum: [x, y], default: z, title: { en: D }, x-labels: { w: { en: W } } }
       |                                                                ^

    staff.flow.yaml:11:3: "e-f" is not a name that expressions can use
       |
    11 |   e-f: { type: boolean }
       |   ^^^
      = a name is made of letters, digits and _

    staff.flow.yaml:11:8: setting e-f needs "title"
       |
    11 |   e-f: { type: boolean }
       |        ^

    staff.flow.yaml:12:104: people has no lookup "teams"
       |
    12 |   g: { type: array, items: { type: string }, title: { en: G }, x-options: { connector: people, lookup: teams } }
       |                                                                                                        ^^^^^
      = there is only "departments"

    staff.flow.yaml:13:6: setting h needs "title"
       |
    13 |   h: { type: integer, minimum: lots, titel: { en: H }, x-options: { connector: peopl, lookup: departments } }
       |      ^

    staff.flow.yaml:13:32: minimum must be a number
       |
    13 |   h: { type: integer, minimum: lots, titel: { en: H }, x-options: { connector: peopl, lookup: departments } }
       |                                ^^^^

    staff.flow.yaml:13:38: setting h has no key "titel"
       |
    13 |   h: { type: integer, minimum: lots, titel: { en: H }, x-options: { connector: peopl, lookup: departments } }
       |                                      ^^^^^
      = did you mean "title"?

    staff.flow.yaml:13:80: "peopl" is none of the flow's connectors
       |
    13 |   h: { type: integer, minimum: lots, titel: { en: H }, x-options: { connector: peopl, lookup: departments } }
       |                                                                                ^^^^^
      = did you mean "people"?
    "#);
}

#[test]
fn diagnostics_are_data_too() {
    let found = check(&flow_text(&[("scope", "scope: e.statsu == \"a\"")])).unwrap_err();
    insta::assert_snapshot!(serde_json::to_string_pretty(&found).unwrap(), @r#"
    [
      {
        "file": "staff.flow.yaml",
        "line": 6,
        "column": 10,
        "message": "people employees has no attribute \"statsu\"",
        "hint": "did you mean \"status\"?",
        "excerpt": "  |\n6 | scope: e.statsu == \"a\"\n  |          ^^^^^^"
      }
    ]
    "#);
}

#[test]
fn what_is_right_passes() {
    let flow = flow(&[
        (
            "settings",
            "settings:\n  zone: { type: string, format: time-zone, title: { en: Zone } }\n  \
            least: { type: number, default: 10, title: { en: Hours } }\n  \
            teams: { type: array, items: { type: string }, title: { en: Teams } }",
        ),
        (
            "let",
            "let:\n  name: trim(e.first_name)\n  greeting: 'coalesce(name, \"\") + \"!\"'",
        ),
        (
            "scope",
            "scope: settings.teams == [] || e.tags.exists(t, t in settings.teams)",
        ),
        (
            "match",
            "match:\n  - remote-id: e.dynamic_7\n  - key: string(e.id)",
        ),
        (
            "map",
            "map:\n  email: e.email\n  name: greeting\n  department: coalesce(e.?department.name, \"none\")\n  \
            end: date(e.changed_at)\n  hours: 'coalesce(e.hours, 0) > settings.least ? e.hours : null'\n  \
            level: 'switch({\"a\": \"junior\"}, e.status, \"senior\")'\n  strict: coalesce(e.status, \"\")\n  \
            manager: person(e.?boss.id)",
        ),
        (
            "access",
            "access:\n  from: e.hire_date\n  until: [e.end_date, date(e.dynamic_end)]\n  \
            barred: e.remote\n  last_day: '\"open\"'\n  time_zone: coalesce(settings.zone, \"UTC\")",
        ),
    ]);
    assert_eq!(
        flow.attributes(),
        [
            "boss",
            "changed_at",
            "department",
            "dynamic_7",
            "dynamic_end",
            "email",
            "end_date",
            "first_name",
            "hire_date",
            "hours",
            "id",
            "remote",
            "status",
            "tags",
        ]
    );
}
