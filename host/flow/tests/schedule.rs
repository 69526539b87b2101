//! When a flow runs and reports, what it requires, and which version of the file it is.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod common;

use std::time::Duration;

use common::{check, flow, flow_text};
use matricula_core::Cadence;
use matricula_flow::{FlowFile, Report, Requirement, Schedule};

/// Everything that is wrong with these last lines of a flow.
fn wrong(rest: &str) -> String {
    check(&flow_text(&[("rest", rest)]))
        .unwrap_err()
        .to_string()
}

fn schedule(text: &str) -> Schedule {
    let line = format!("schedule: {text}");
    flow(&[("rest", &line)]).schedule().clone()
}

fn cron(expression: &str, time_zone: &str) -> Cadence {
    Cadence::Cron {
        expression: expression.to_owned(),
        time_zone: time_zone.to_owned(),
    }
}

#[test]
fn an_interval_or_times_of_the_day_or_neither() {
    let day = Duration::from_hours(24);
    let of = |cadence, full, webhook| Schedule {
        cadence,
        full,
        webhook,
    };
    let on_demand = of(Cadence::OnDemand, day, false);
    assert_eq!(flow(&[]).schedule(), &on_demand);
    assert_eq!(schedule("{}"), on_demand);
    assert_eq!(
        schedule("{ webhook: true }"),
        of(Cadence::OnDemand, day, true)
    );
    assert_eq!(
        schedule("{ every: 30m, full: 7d }"),
        of(Cadence::Every { seconds: 1800 }, 7 * day, false)
    );
    assert_eq!(
        schedule("{ cron: \"0 4 * * *\" }"),
        of(cron("0 4 * * *", "UTC"), day, false)
    );
    assert_eq!(
        schedule("{ cron: '0 6,18 * * 1-5', time_zone: europe/berlin, full: 12h, webhook: true }"),
        of(cron("0 6,18 * * 1-5", "Europe/Berlin"), day / 2, true)
    );
    // Rarer than a full cycle: each is one.
    assert_eq!(
        schedule("{ cron: 0 4 1 1 * }").cadence,
        cron("0 4 1 1 *", "UTC")
    );
}

#[test]
fn times_of_the_day_that_cannot_be_kept() {
    insta::assert_snapshot!(wrong("schedule: { cron: 61 4 * * * }"), @r#"
    staff.flow.yaml:10:19: the schedule "61 4 * * *" cannot be read: value must be in range 0..=59; found 61
       |
    10 | schedule: { cron: 61 4 * * * }
       |                   ^^^^^^^^^^
      = minute, hour, day of the month, month, day of the week between quotes, for example "0 6,18 * * *"
    "#);
    insta::assert_snapshot!(wrong("schedule:\n  cron: 0 4 * *"), @r#"
    staff.flow.yaml:11:9: the schedule "0 4 * *" cannot be read: malformed expression
       |
    11 |   cron: 0 4 * *
       |         ^^^^^^^
      = minute, hour, day of the month, month, day of the week between quotes, for example "0 6,18 * * *"
    "#);
    insta::assert_snapshot!(wrong("schedule: { cron: 0 4 30 2 * }"), @r#"
    staff.flow.yaml:10:19: the schedule "0 4 30 2 *" never comes due: no such day exists
       |
    10 | schedule: { cron: 0 4 30 2 * }
       |                   ^^^^^^^^^^
    "#);
    insta::assert_snapshot!(wrong("schedule: { cron: 5 }"), @"
    staff.flow.yaml:10:19: cron must be a text, not a number
       |
    10 | schedule: { cron: 5 }
       |                   ^
      = put it between quotes
    ");
    insta::assert_snapshot!(wrong("schedule: { cron: 0 6,18 * * * }"), @r#"
    staff.flow.yaml:10:19: the schedule "0 6" cannot be read: malformed expression
       |
    10 | schedule: { cron: 0 6,18 * * * }
       |                   ^^^
      = minute, hour, day of the month, month, day of the week between quotes, for example "0 6,18 * * *"

    staff.flow.yaml:10:23: schedule has no key "18 * * *"
       |
    10 | schedule: { cron: 0 6,18 * * * }
       |                       ^^^^^^^^
      = there are every, cron, time_zone, full, webhook
    "#);
    insta::assert_snapshot!(wrong("schedule:\n  cron: */5 * * * *"), @"
    staff.flow.yaml:11:9: this is not YAML: while parsing node, found unknown anchor
       |
    11 |   cron: */5 * * * *
       |         ^
      = put a text that begins with * between quotes
    ");
    insta::assert_snapshot!(wrong("schedule: { cron: * * * * * }"), @"
    staff.flow.yaml:10:19: this is not YAML: while scanning an anchor or alias, did not find expected alphabetic or numeric character
       |
    10 | schedule: { cron: * * * * * }
       |                   ^
      = put a text that begins with * between quotes
    ");
}

#[test]
fn a_time_zone_that_does_not_exist() {
    insta::assert_snapshot!(wrong("schedule: { cron: 0 4 * * *, time_zone: Europe/Berln }"), @r#"
    staff.flow.yaml:10:41: there is no time zone "Europe/Berln"
       |
    10 | schedule: { cron: 0 4 * * *, time_zone: Europe/Berln }
       |                                         ^^^^^^^^^^^^
      = did you mean "Europe/Berlin"?
    "#);
    insta::assert_snapshot!(wrong("schedule: { cron: 0 24 * * *, time_zone: Mars }"), @r#"
    staff.flow.yaml:10:19: the schedule "0 24 * * *" cannot be read: value must be in range 0..=23; found 24
       |
    10 | schedule: { cron: 0 24 * * *, time_zone: Mars }
       |                   ^^^^^^^^^^
      = minute, hour, day of the month, month, day of the week between quotes, for example "0 6,18 * * *"

    staff.flow.yaml:10:42: there is no time zone "Mars"
       |
    10 | schedule: { cron: 0 24 * * *, time_zone: Mars }
       |                                          ^^^^
      = give an IANA name such as Europe/Berlin or UTC
    "#);
    insta::assert_snapshot!(wrong("schedule: { cron: 0 4 * * *, time_zone: Etc/Unknown }"), @r#"
    staff.flow.yaml:10:41: there is no time zone "Etc/Unknown"
       |
    10 | schedule: { cron: 0 4 * * *, time_zone: Etc/Unknown }
       |                                         ^^^^^^^^^^^
      = give an IANA name such as Europe/Berlin or UTC
    "#);
    insta::assert_snapshot!(wrong("schedule: { cron: 0 4 * * *, time_zone: 1 }"), @"
    staff.flow.yaml:10:41: time_zone must be a text, not a number
       |
    10 | schedule: { cron: 0 4 * * *, time_zone: 1 }
       |                                         ^
      = put it between quotes
    ");
}

#[test]
fn keys_that_do_not_go_together() {
    insta::assert_snapshot!(wrong("schedule: { every: 5m, cron: 0 4 * * *, time_zone: UTC }"), @"
    staff.flow.yaml:10:24: a schedule has either every or cron
       |
    10 | schedule: { every: 5m, cron: 0 4 * * *, time_zone: UTC }
       |                        ^^^^
      = every is an interval, cron gives times of the day
    ");
    insta::assert_snapshot!(wrong("schedule:\n  cron: 0 4 * * *\n  every: 5s"), @"
    staff.flow.yaml:12:3: a schedule has either every or cron
       |
    12 |   every: 5s
       |   ^^^^^
      = every is an interval, cron gives times of the day

    staff.flow.yaml:12:10: every must be between 1m and 31d
       |
    12 |   every: 5s
       |          ^^
    ");
    insta::assert_snapshot!(wrong("schedule: { every: 5m, time_zone: Europe/Berlin }"), @r#"
    staff.flow.yaml:10:24: time_zone only goes with cron
       |
    10 | schedule: { every: 5m, time_zone: Europe/Berlin }
       |                        ^^^^^^^^^
      = for example cron: "0 4 * * *"
    "#);
    insta::assert_snapshot!(wrong("schedule: { time_zone: Europe/Berln, webhook: yes, crom: 0 4 * * * }"), @r#"
    staff.flow.yaml:10:13: time_zone only goes with cron
       |
    10 | schedule: { time_zone: Europe/Berln, webhook: yes, crom: 0 4 * * * }
       |             ^^^^^^^^^
      = for example cron: "0 4 * * *"

    staff.flow.yaml:10:24: there is no time zone "Europe/Berln"
       |
    10 | schedule: { time_zone: Europe/Berln, webhook: yes, crom: 0 4 * * * }
       |                        ^^^^^^^^^^^^
      = did you mean "Europe/Berlin"?

    staff.flow.yaml:10:47: webhook must be true or false, not a text
       |
    10 | schedule: { time_zone: Europe/Berln, webhook: yes, crom: 0 4 * * * }
       |                                               ^^^

    staff.flow.yaml:10:52: schedule has no key "crom"
       |
    10 | schedule: { time_zone: Europe/Berln, webhook: yes, crom: 0 4 * * * }
       |                                                    ^^^^
      = did you mean "cron"?
    "#);
}

#[test]
fn the_daily_report() {
    assert_eq!(flow(&[]).report(), None);
    let report = |text: &str| flow(&[("rest", text)]).report().cloned().unwrap();
    assert_eq!(
        report("report: { daily: \"06:30\", time_zone: Europe/Berlin }"),
        Report {
            time: jiff::civil::time(6, 30, 0, 0),
            time_zone: "Europe/Berlin".to_owned()
        }
    );
    assert_eq!(report("report: { daily: 23:59 }").time_zone, "UTC");
    insta::assert_snapshot!(wrong("report: { daily: \"24:00\", time_zone: Berlin }"), @r#"
    staff.flow.yaml:10:18: "24:00" is not a time of the day
       |
    10 | report: { daily: "24:00", time_zone: Berlin }
       |                  ^^^^^^^
      = hours and minutes from 00:00 to 23:59, for example "06:00"

    staff.flow.yaml:10:38: there is no time zone "Berlin"
       |
    10 | report: { daily: "24:00", time_zone: Berlin }
       |                                      ^^^^^^
      = did you mean "Europe/Berlin"?
    "#);
    insta::assert_snapshot!(wrong("report: { weekly: monday }"), @r#"
    staff.flow.yaml:10:9: report needs "daily"
       |
    10 | report: { weekly: monday }
       |         ^

    staff.flow.yaml:10:11: report has no key "weekly"
       |
    10 | report: { weekly: monday }
       |           ^^^^^^
      = there are daily, time_zone
    "#);
    insta::assert_snapshot!(wrong("report: 06:00"), @"
    staff.flow.yaml:10:9: report must be a map, not a text
       |
    10 | report: 06:00
       |         ^^^^^
    ");
    for time in ["6:00", "06:60", "06:00:00", "+6:00", "0600", "", "٠٦:٠٠"] {
        let found = wrong(&format!("report: {{ daily: \"{time}\" }}"));
        assert!(found.contains("is not a time of the day"), "{found}");
    }
}

#[test]
fn what_must_have_succeeded_before() {
    assert_eq!(flow(&[]).requires(), []);
    let required = flow(&[(
        "rest",
        "requires:\n  - flow: sync-teams\n  - { flow: sync-employees }",
    )]);
    let of = |flow: &str| Requirement {
        flow: flow.to_owned(),
    };
    assert_eq!(
        required.requires(),
        [of("sync-teams"), of("sync-employees")]
    );
    insta::assert_snapshot!(wrong(
        "requires:\n  - flow: sync-teams\n  - flow: staff\n  - flow: sync-teams\n  - flow: Sync Teams\n  \
        - sync-teams\n  - { flw: sync-teams }"
    ), @r#"
    staff.flow.yaml:12:11: a flow cannot require itself
       |
    12 |   - flow: staff
       |           ^^^^^

    staff.flow.yaml:13:11: "sync-teams" is required twice
       |
    13 |   - flow: sync-teams
       |           ^^^^^^^^^^

    staff.flow.yaml:14:11: "Sync Teams" is not a flow's name
       |
    14 |   - flow: Sync Teams
       |           ^^^^^^^^^^
      = a name is made of a-z, 0-9 and -, for example sync-employees

    staff.flow.yaml:15:5: a requirement must be a map, not a text
       |
    15 |   - sync-teams
       |     ^^^^^^^^^^

    staff.flow.yaml:16:5: a requirement needs "flow"
       |
    16 |   - { flw: sync-teams }
       |     ^

    staff.flow.yaml:16:7: a requirement has no key "flw"
       |
    16 |   - { flw: sync-teams }
       |       ^^^
      = did you mean "flow"?
    "#);
    insta::assert_snapshot!(wrong("requires: sync-teams"), @"
    staff.flow.yaml:10:11: requires must be a list of flows, not a text
       |
    10 | requires: sync-teams
       |           ^^^^^^^^^^
      = one flow a line, for example - flow: sync-employees
    ");
}

#[test]
fn the_text_names_the_version_of_the_file() {
    let text = flow_text(&[(
        "title",
        "title: { en: Staff, de: Beschäftigte } # ☺\r\n# no more",
    )]);
    let flow = check(&text).unwrap();
    assert_eq!(flow.text(), text);
    assert_eq!(flow.text_digest().len(), 64);
    let again = FlowFile::parse("kept", flow.text()).unwrap();
    assert_eq!(again.name(), flow.name());
    let same = check(flow.text()).unwrap();
    assert_eq!(same.text_digest(), flow.text_digest());
    let other = check(&format!("{text}\n")).unwrap();
    assert_ne!(other.text_digest(), flow.text_digest());
    // As `sha256sum` says of the file.
    assert_eq!(
        check(&flow_text(&[])).unwrap().text_digest(),
        "aea326443bec479827a540bbdcf90a178c5c5d6fbc06497044dfbd0a28029b45"
    );
}
