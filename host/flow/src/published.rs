//! Whether `flows/flow.schema.json`, by which editors help, says the same as what reads a file.

use std::collections::BTreeSet;

use matricula_core::manifest::Manifest;
use serde_json::Value;

use crate::file::{ACCESS_KEYS, FlowFile, KEYS};
use crate::flow::Flow;
use crate::groups::{GROUPS_KEYS, SET_KEYS};
use crate::mapping::MAPPING_KEYS;
use crate::schedule::{REPORT_KEYS, SCHEDULE_KEYS};
use crate::terms::REQUIREMENT_KEYS;
use crate::yaml::Source;

const FLOW: &str = include_str!("../../../flows/sync-employees.flow.yaml");
const DOCUMENTS: &str = include_str!("../../../flows/sync-certificates.flow.yaml");

const GROUPS: &str = "{ operation: upsert-group, sets: { department: { when: 'true', \
    key: e.department.id, name: e.department.name, title: { en: Department } } } }";

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../flows/flow.schema.json")).unwrap()
}

fn is_valid(text: &str) -> bool {
    let json = Source::new("f", text).read().unwrap().json();
    jsonschema::validator_for(&schema())
        .unwrap()
        .is_valid(&json)
}

#[test]
fn the_published_schema_takes_the_flows_that_ship() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for flow in [FLOW, DOCUMENTS] {
        let json = Source::new("f", flow).read().unwrap().json();
        let wrong: Vec<String> = validator
            .iter_errors(&json)
            .map(|wrong| wrong.to_string())
            .collect();
        assert_eq!(wrong, Vec::<String>::new());
    }
    assert!(is_valid(&FLOW.replace("leavers: block", "leavers: keep")));
    assert!(!is_valid(
        &FLOW.replace("leavers: block", "leavers: remove")
    ));
    assert!(!is_valid(&FLOW.replace("scope:", "scoop:")));
}

#[test]
fn the_published_schema_and_the_reader_agree_on_what_has_no_expressions() {
    let agree = |key: &str, value: &str, right: bool| {
        // What follows a key is indented, so it goes with it.
        let documents = ["people", "once", "unless", "remarks"].contains(&key);
        let mut own = false;
        let lines = if documents { DOCUMENTS } else { FLOW }
            .lines()
            .filter(|line| {
                if !line.starts_with([' ', '#']) {
                    own = line.starts_with(&format!("{key}:"));
                }
                !own
            });
        let text = lines.collect::<Vec<_>>().join("\n") + &format!("\n{key}: {value}\n");
        assert_eq!(is_valid(&text), right, "the schema: {key}: {value}");
        let read = FlowFile::parse("f", &text).unwrap();
        assert_eq!(read.found.is_empty(), right, "{key}: {value}");
    };
    for (key, value, right) in [
        ("schedule", "{}", true),
        ("schedule", "{ every: 5m, full: 24h, webhook: true }", true),
        ("schedule", "{ cron: 0 4 * * * }", true),
        (
            "schedule",
            "{ cron: 0 4 * * *, time_zone: Europe/Berlin, full: 7d }",
            true,
        ),
        ("schedule", "{ webhook: true }", true),
        ("schedule", "{ every: often }", false),
        ("schedule", "{ every: 5m, cron: 0 4 * * * }", false),
        ("schedule", "{ every: 5m, time_zone: Europe/Berlin }", false),
        ("schedule", "{ time_zone: Europe/Berlin }", false),
        ("schedule", "{ cron: 0 4 * * }", false),
        ("schedule", "{ cron: 4 }", false),
        ("schedule", "{ webhook: 1 }", false),
        ("schedule", "{ evry: 5m }", false),
        ("report", "{ daily: 06:00 }", true),
        (
            "report",
            "{ daily: '23:59', time_zone: Europe/Berlin }",
            true,
        ),
        ("report", "{ daily: '24:00' }", false),
        ("report", "{ daily: '6:00' }", false),
        ("report", "{ daily: 6 }", false),
        ("report", "{ time_zone: Europe/Berlin }", false),
        ("report", "{ daily: '06:00', at: 1 }", false),
        ("requires", "[]", true),
        (
            "requires",
            "[{ flow: sync-teams }, { flow: sync-staff }]",
            true,
        ),
        (
            "requires",
            "[{ flow: sync-teams }, { flow: sync-teams }]",
            false,
        ),
        ("requires", "[{ flow: Sync Teams }]", false),
        ("requires", "[sync-teams]", false),
        ("requires", "[{}]", false),
        ("requires", "{ flow: sync-teams }", false),
        ("mapping", "{ open: all }", true),
        ("mapping", "{ open: [] }", true),
        ("mapping", "{ open: [position, company] }", true),
        ("mapping", "{ open: [position, position] }", false),
        ("mapping", "{ open: none }", false),
        ("mapping", "{ open: [1] }", false),
        ("mapping", "{ open: { position: true } }", false),
        ("mapping", "{ opne: all }", false),
        ("mapping", "{}", false),
        ("mapping", "all", false),
        ("initial", "[position]", true),
        ("initial", "[]", true),
        ("initial", "[position, position]", false),
        ("initial", "position", false),
        ("initial", "[1]", false),
        ("leavers", "keep", true),
        ("leavers", "remove", false),
        ("activate", "tested", true),
        ("activate", "at-once", true),
        ("activate", "later", false),
        ("activate", "true", false),
        ("notify", "[success]", true),
        ("notify", "[]", true),
        ("notify", "[failure]", false),
        ("notify", "success", false),
        ("notify", "[1]", false),
        ("groups", GROUPS, true),
        (
            "groups",
            "{ operation: o, sets: { a1_b: { key: 1, name: '\"x\"', title: { en: A } } } }",
            true,
        ),
        ("groups", "{ operation: upsert-group, sets: {} }", false),
        ("groups", "{ operation: upsert-group }", false),
        ("groups", "{ operation: upsert-group, sets: [team] }", false),
        (
            "groups",
            "{ operation: upsert-group, sets: { team: e.team } }",
            false,
        ),
        ("groups", "{}", false),
        ("groups", "upsert-group", false),
        ("guard", "{ share: 0.5, from: 1, count: 10 }", true),
        ("guard", "{ share: 20 }", false),
        ("people", "sync-employees", true),
        ("people", "Sync Employees", false),
        ("people", "[sync-employees]", false),
        ("once", "c.id", true),
        ("once", "{ id: c.id }", false),
        ("once", "[c.id]", false),
        ("unless", "{}", true),
        ("unless", "{ not-wanted: c.id == '', void: true }", true),
        ("unless", "{ Not Wanted: 'false' }", false),
        ("unless", "{ void: [] }", false),
        ("unless", "[void]", false),
        ("remarks", "{ old: 'true' }", true),
        ("remarks", "{ Old: 'true' }", false),
        ("remarks", "old", false),
    ] {
        agree(key, value, right);
    }
    for (from, to) in [
        ("department:", "Department:"),
        ("department:", "cost-center:"),
        ("department:", "dédépartement:"),
        ("department:", &format!("{}:", "d".repeat(41))),
        ("operation:", "opration:"),
        ("operation: upsert-group", "operation: 7"),
        ("when:", "if:"),
        ("key: e.department.id,", ""),
        ("name: e.department.name,", ""),
        ("name: e.department.name,", "name: [],"),
        (", title: { en: Department }", ""),
        ("{ en: Department }", "{ de: Abteilung }"),
        ("{ en: Department }", "Department"),
    ] {
        assert!(GROUPS.contains(from), "{from}");
        agree("groups", &GROUPS.replace(from, to), false);
    }
    let longest = format!("{}:", "d".repeat(40));
    agree("groups", &GROUPS.replace("department:", &longest), true);
}

/// Which keys belong to which kind of flow is checked against the manifests; here only the operation counts.
#[test]
fn the_published_schema_and_the_checker_agree_on_the_keys_of_each_kind_of_flow() {
    let manifest = |json: &[u8]| Manifest::parse(json).unwrap();
    let personio = manifest(include_bytes!("../../../connectors/personio/manifest.json"));
    let reteach = manifest(include_bytes!("../../../connectors/reteach/manifest.json"));
    for (flow, source, target, line) in [
        (FLOW, &personio, &reteach, "once: e.id"),
        (FLOW, &personio, &reteach, "people: sync-employees"),
        (FLOW, &personio, &reteach, "unless: {}"),
        (FLOW, &personio, &reteach, "remarks: {}"),
        (DOCUMENTS, &reteach, &personio, "match: [{ title: c.id }]"),
        (DOCUMENTS, &reteach, &personio, "mapping: { open: [title] }"),
        (DOCUMENTS, &reteach, &personio, "access: {}"),
        (
            DOCUMENTS,
            &reteach,
            &personio,
            "groups: { operation: o, sets: { a: { key: c.id, name: c.id, title: { en: A } } } }",
        ),
        (DOCUMENTS, &reteach, &personio, "leavers: keep"),
        (DOCUMENTS, &reteach, &personio, "guard: {}"),
    ] {
        let found = |text: &str| {
            let file = FlowFile::parse("f", text).unwrap();
            Flow::check(file, source, target).err()
        };
        assert!(is_valid(flow) && found(flow).is_none());
        let text = format!("{flow}\n{line}\n");
        assert!(!is_valid(&text), "{line}");
        let found = found(&text).unwrap().0;
        assert!(
            found
                .iter()
                .any(|one| one.message.contains("a flow that delivers documents")),
            "{line}"
        );
    }
    for (flow, key) in [(FLOW, "match:"), (DOCUMENTS, "people:")] {
        assert!(!is_valid(&flow.replace(&format!("\n{key}"), "\nlet2:")));
    }
}

#[test]
fn the_published_schema_has_the_keys_that_are_read() {
    let schema = schema();
    let keys = |pointer: &str| -> BTreeSet<String> {
        schema
            .pointer(pointer)
            .unwrap()
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let known =
        |keys: &[&str]| -> BTreeSet<String> { keys.iter().map(|key| (*key).to_owned()).collect() };
    assert_eq!(keys("/properties"), known(&KEYS));
    assert_eq!(keys("/properties/access/properties"), known(&ACCESS_KEYS));
    assert_eq!(keys("/properties/groups/properties"), known(&GROUPS_KEYS));
    let set = "/properties/groups/properties/sets/additionalProperties/properties";
    assert_eq!(keys(set), known(&SET_KEYS));
    assert_eq!(keys("/properties/mapping/properties"), known(&MAPPING_KEYS));
    assert_eq!(
        keys("/properties/schedule/properties"),
        known(&SCHEDULE_KEYS)
    );
    assert_eq!(keys("/properties/report/properties"), known(&REPORT_KEYS));
    assert_eq!(
        keys("/properties/requires/items/properties"),
        known(&REQUIREMENT_KEYS)
    );
    assert_eq!(
        keys("/$defs/setting/properties"),
        known(&crate::settings::KEYS)
    );
}
