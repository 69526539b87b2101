//! How long one record of a page takes: `cargo run --release -p matricula-flow --example evaluate`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a program for the terminal"
)]

use std::hint::black_box;
use std::time::Instant;

use matricula_core::manifest::Manifest;
use matricula_flow::{Flow, FlowFile};
use serde_json::{Value, json};

const FLOW: &str = include_str!("../../../flows/sync-employees.flow.yaml");
const PERSONIO: &[u8] = include_bytes!("../../../connectors/personio/manifest.json");
const RETEACH: &[u8] = include_bytes!("../../../connectors/reteach/manifest.json");

const GROUPS: &str = r#"groups:
  operation: groups
  sets:
    department: { key: e.department.id, name: '"Department " + e.department.name', title: { en: Department } }
    office: { key: e.office.id, name: e.office.name, title: { en: Office } }"#;

fn main() {
    let some = json!({"departments": ["Team 1", "Team 2", "Team 3", "Team 4"]});
    for (what, text, settings) in [
        ("no groups", FLOW.to_owned(), json!({})),
        ("no groups", FLOW.to_owned(), some),
        ("two kinds", format!("{FLOW}\n{GROUPS}"), json!({})),
    ] {
        measure(what, &text, &settings);
    }
}

/// How long a record takes with these settings.
fn measure(what: &str, text: &str, settings: &Value) {
    let file = FlowFile::parse("sync-employees.flow.yaml", text).unwrap();
    let source = Manifest::parse(PERSONIO).unwrap();
    let mut target = Manifest::parse(RETEACH).unwrap();
    let mut groups = target.operations["upsert-user"].clone();
    groups.members_of = Some("upsert-user".into());
    target.operations.insert("groups".into(), groups);
    let flow = Flow::check(file, &source, &target).unwrap();
    let records: Vec<Value> = (0..100).map(person).collect();
    let program = flow.program(settings).unwrap();
    let mut best = f64::MAX;
    for _ in 0..500 {
        let start = Instant::now();
        for record in &records {
            black_box(program.evaluate(black_box(record)).unwrap());
        }
        best = best.min(start.elapsed().as_secs_f64() / records.len() as f64);
    }
    println!(
        "{:.2} µs per record, {what}, settings {settings}",
        best * 1e6
    );
}

fn person(number: usize) -> Value {
    json!({
        "id": number, "email": format!("Person.{number}@Example.com"), "first_name": "Ada",
        "last_name": format!("Example {number}"), "gender": "female", "status": "active",
        "position": "Engineer", "employment_type": "internal", "hire_date": "2024-01-01",
        "contract_end_date": number.is_multiple_of(3).then_some("2027-03-31"), "termination_date": null,
        "supervisor": {"id": number / 10}, "office": {"id": 2, "name": "Berlin"},
        "department": {"id": number % 7, "name": format!("Team {}", number % 7)},
        "subcompany": {"id": 3, "name": "Example GmbH"}, "team": null, "cost_centers": [],
        "weekly_working_hours": 40, "created_at": "2024-01-01T00:00:00Z",
        "last_modified_at": "2026-01-01T00:00:00Z", "dynamic_1": "x", "dynamic_2": null
    })
}
