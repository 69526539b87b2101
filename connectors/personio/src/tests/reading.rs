//! What a page says of people.

use matricula_sdk::FailureKind;
use serde_json::{Value, json};

use super::{Transcript, data, employees, manifest, read, recorded};

const WANTED: [&str; 19] = [
    "first_name",
    "email",
    "gender",
    "status",
    "position",
    "hire_date",
    "contract_end_date",
    "weekly_working_hours",
    "supervisor",
    "department",
    "office",
    "subcompany",
    "cost_centers",
    "work_schedule",
    "created_at",
    "dynamic_1",
    "dynamic_2",
    "dynamic_3",
    "dynamic_4",
];

fn quirks() -> (Vec<String>, Vec<Value>) {
    let transcript = recorded!("read-quirks.json");
    let page = read(&transcript, &employees(&WANTED)).unwrap();
    transcript.done();
    assert!(page.complete);
    assert_eq!((page.total, page.next.as_deref()), (Some(4), None));
    (
        page.items.iter().map(|item| item.key.clone()).collect(),
        data(&page),
    )
}

#[test]
fn every_spelling_of_a_value_becomes_one() {
    let (keys, people) = quirks();
    assert_eq!(keys, ["101", "102", "103", "104"]);
    assert_eq!(
        people[0],
        json!({
            "id": 101, "first_name": "Grace", "email": "grace.muster@example.com", "gender": null,
            "status": "active", "position": null, "hire_date": "2014-11-09", "contract_end_date": null,
            "weekly_working_hours": 40, "supervisor": null, "department": {"id": 7, "name": "IT"},
            "office": null, "subcompany": null, "cost_centers": [],
            "work_schedule": {
                "id": 1_067_807_102_794_692_000_u64, "name": "Full-time", "monday": "08:00",
                "tuesday": "08:00", "wednesday": "08:00", "thursday": "08:00", "friday": "08:00",
                "saturday": "00:00", "sunday": "00:00"
            },
            "created_at": "2020-08-10T13:05:07+01:00", "dynamic_1": ["Data security", "Product"],
            "dynamic_2": "1995-02-19", "dynamic_3": "single", "dynamic_4": 3
        })
    );
    assert_eq!(
        people[1],
        json!({
            "id": 102, "first_name": "Jörg \"Joe\"", "email": "joe@example.com", "gender": "diverse",
            "status": "sabbatical", "position": null, "hire_date": null,
            "contract_end_date": "2026-07-31", "weekly_working_hours": 38.5,
            "supervisor": {"id": 101, "first_name": "Grace", "last_name": "Muster"},
            "department": null, "office": null, "subcompany": null,
            "cost_centers": [
                {"id": 9, "name": "Sales", "percentage": 50}, {"id": 10, "name": "R&D", "percentage": 50}
            ],
            "work_schedule": null, "created_at": null, "dynamic_1": ["A, B", "C"], "dynamic_2": null,
            "dynamic_3": null, "dynamic_4": null
        })
    );
}

#[test]
fn what_may_not_be_read_is_absent_and_not_null() {
    let (_, people) = quirks();
    assert_eq!(people[2], json!({"id": 103, "first_name": "Kim"}));
}

#[test]
fn a_shape_never_seen_before_fails_neither_the_page_nor_other_attributes() {
    let (_, people) = quirks();
    assert_eq!(
        people[3],
        json!({
            "id": 104, "first_name": {}, "email": "bare@example.com", "gender": null, "status": "true",
            "hire_date": "2026-02-31", "supervisor": null, "department": {"id": 7, "name": "IT"},
            "cost_centers": [], "dynamic_1": ["X"], "dynamic_2": {}
        })
    );
}

#[test]
fn records_are_valid_against_the_manifest_and_what_is_not_is_named() {
    let (_, people) = quirks();
    let schema = &manifest::parsed().streams["employees"].schema;
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap();
    for person in &people[..3] {
        let errors: Vec<String> = validator
            .iter_errors(person)
            .map(|e| e.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    let mut wrong: Vec<String> = validator
        .iter_errors(&people[3])
        .map(|e| e.instance_path().to_string())
        .collect();
    wrong.sort();
    assert_eq!(wrong, ["/dynamic_2", "/first_name", "/hire_date"]);
}

#[test]
fn nothing_is_handed_on_that_was_not_asked_for() {
    let transcript = recorded!("read-quirks.json");
    let page = read(&transcript, &employees(&WANTED)).unwrap();
    assert!(
        page.items
            .iter()
            .all(|item| !item.data.contains("salary") && !item.data.contains("label"))
    );
}

#[test]
fn attributes_are_asked_for_once_each_after_the_identifier() {
    let transcript = Transcript::new(json!([{
        "request": "GET https://api.personio.de/v1/company/employees?limit=7&offset=0\
                    &attributes%5B%5D=id&attributes%5B%5D=email&attributes%5B%5D=a%26b",
        "response": {"success": true, "metadata": {"total_elements": 0}, "data": []}
    }]));
    let mut wanted = employees(&["email", "id", "email", "a&b"]);
    wanted.limit = 7;
    read(&transcript, &wanted).unwrap();
    transcript.done();
}

#[test]
fn a_record_without_identifier_is_left_out_and_the_read_is_not_whole() {
    let transcript = recorded!("read-without-id.json");
    let page = read(&transcript, &employees(&["email"])).unwrap();
    assert_eq!(data(&page), [json!({"id": 1, "email": "ada@example.com"})]);
    assert!(!page.complete);
    assert_eq!(page.next, None);
}

#[test]
fn a_page_of_people_without_identifier_is_a_failure() {
    let transcript = Transcript::new(json!([{
        "request": "GET https://api.personio.de/v1/company/employees?limit=100&offset=0&attributes%5B%5D=id",
        "response": {"success": true, "metadata": {"total_elements": 1}, "data": [{"attributes": {}}]}
    }]));
    let failure = read(&transcript, &employees(&[])).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_deref()),
        (FailureKind::Protocol, Some("no-id"))
    );
}

#[test]
fn another_stream_is_not_offered() {
    let transcript = Transcript::new(json!([]));
    let mut other = employees(&[]);
    other.stream = "absences".into();
    assert_eq!(
        read(&transcript, &other).unwrap_err().code.as_deref(),
        Some("not-offered")
    );
}
