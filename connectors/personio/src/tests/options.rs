//! Options for a form.

use matricula_sdk::{Choices, Connector, FailureKind, Result};
use serde_json::{Value, json};

use super::{Transcript, config, recorded};
use crate::Personio;

fn options(
    transcript: &Transcript,
    field: &str,
    search: Option<&str>,
    position: Option<&str>,
) -> Result<Choices> {
    Personio::options(&transcript.context(&config()), field, search, position)
}

fn values(choices: &Choices) -> Vec<&str> {
    assert!(
        choices
            .items
            .iter()
            .all(|choice| choice.value == choice.label)
    );
    choices
        .items
        .iter()
        .map(|choice| choice.value.as_str())
        .collect()
}

#[test]
fn names_come_once_and_in_order() {
    let transcript = recorded!("lookup-departments.json");
    let choices = options(&transcript, "departments", None, None).unwrap();
    transcript.done();
    assert_eq!(
        values(&choices),
        ["Außendienst", "IT", "it support", "Sales"]
    );
    assert_eq!(choices.next, None);
}

#[test]
fn a_search_is_containment_in_any_case() {
    for (search, found) in [
        (" It", vec!["IT", "it support"]),
        ("AUSSEN", vec![]),
        ("AUßEN", vec!["Außendienst"]),
    ] {
        let transcript = recorded!("lookup-departments.json");
        let choices = options(&transcript, "departments", Some(search), None).unwrap();
        assert_eq!(values(&choices), found, "{search}");
    }
}

#[test]
fn an_attribute_that_may_not_be_read_is_said_and_not_shown_as_an_empty_list() {
    let transcript = recorded!("lookup-unreadable.json");
    let failure = options(&transcript, "departments", None, None).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Permission);
    assert!(
        failure
            .message
            .contains("\"Department\" of Personio's employees"),
        "{}",
        failure.message
    );
}

#[test]
fn each_field_has_an_attribute_of_its_own() {
    for (field, attribute) in [
        ("departments", "department"),
        ("offices", "office"),
        ("companies", "subcompany"),
    ] {
        let transcript = Transcript::new(json!([page(attribute, 0, 1, &["One"])]));
        assert_eq!(
            values(&options(&transcript, field, None, None).unwrap()),
            ["One"]
        );
    }
    let transcript = Transcript::new(json!([]));
    assert_eq!(
        options(&transcript, "teams", None, None)
            .unwrap_err()
            .code
            .as_deref(),
        Some("not-offered")
    );
}

#[test]
fn categories_are_chosen_by_identifier_and_found_by_name() {
    let all = || {
        let data = json!([
            {"id": 12, "type": "DocumentCategory", "attributes": {"name": "Sonstige Dokumente"}},
            {"id": "7", "attributes": {"name": " Bildungszertifikate "}},
            {"id": 3, "name": "Äußerungen"},
            {"id": 9, "attributes": {"name": "Sonstige Dokumente"}},
            {"attributes": {"name": "Without an id"}},
            {"id": 4, "attributes": {}},
        ]);
        Transcript::new(json!([{
            "request": "GET https://api.personio.de/v1/company/document-categories",
            "headers": [["x-personio-app-id", "MATRICULA"]],
            "response": {"success": true, "data": data}
        }]))
    };
    let shown = |search: Option<&str>| -> Vec<(String, String, Option<String>)> {
        let choices = options(&all(), "document-categories", search, None).unwrap();
        assert_eq!(choices.next, None);
        let shown = choices.items.into_iter();
        shown.map(|c| (c.value, c.label, c.hint)).collect()
    };
    let one = |id: &str, name: &str, hint: Option<&str>| {
        (id.to_owned(), name.to_owned(), hint.map(str::to_owned))
    };
    assert_eq!(
        shown(None),
        [
            one("4", "4", None),
            one("7", "Bildungszertifikate", None),
            one("12", "Sonstige Dokumente", Some("ID 12")),
            one("9", "Sonstige Dokumente", Some("ID 9")),
            one("3", "Äußerungen", None),
        ]
    );
    assert_eq!(
        shown(Some(" ZERTIFIKAT ")),
        [one("7", "Bildungszertifikate", None)]
    );
    assert_eq!(shown(Some("nothing like it")), []);
}

#[test]
fn categories_that_may_not_be_read_are_a_missing_right() {
    let transcript = Transcript::new(json!([{
        "request": "GET https://api.personio.de/v1/company/document-categories", "status": 403,
        "response": {"success": false, "error": {"code": 403, "message": "x"}}
    }]));
    let failure = options(&transcript, "document-categories", None, None).unwrap_err();
    assert_eq!(failure.kind, FailureKind::Permission);
    assert_eq!(
        failure.message,
        "Personio accepts the credentials but they lack the right \"Documents: read\" (documents:read): in \
         Personio, open Marketplace > Connected integrations, choose the integration and give it that right"
    );
}

#[test]
fn a_large_company_is_read_in_several_calls_and_no_name_comes_twice() {
    let five = |from: u64, names: &[&str]| -> Transcript {
        Transcript::new(
            (0..5)
                .map(|page_no| page("office", from + page_no * 2, 20, names))
                .collect(),
        )
    };
    let first = five(0, &["London", "Berlin"]);
    let choices = options(&first, "offices", None, None).unwrap();
    first.done();
    assert_eq!(values(&choices), ["Berlin", "London"]);
    let second = five(10, &["London", "Madrid"]);
    let choices = options(&second, "offices", None, choices.next.as_deref()).unwrap();
    second.done();
    assert_eq!(values(&choices), ["Madrid"]);
    assert_eq!(choices.next, None);
}

#[test]
fn the_position_stays_small() {
    let name = |n: u64| format!("{n:0>200}");
    let names: Vec<String> = (0..500).map(name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let pages = (0..5).map(|no| page("office", no * 100, 9999, &names[no as usize * 100..][..100]));
    let choices = options(&Transcript::new(pages.collect()), "offices", None, None).unwrap();
    assert_eq!(choices.items.len(), 500);
    assert!(choices.next.unwrap().len() < 40_000);
}

/// A page with one employee in each of these.
fn page(attribute: &str, offset: u64, total: u64, names: &[&str]) -> Value {
    let employee = |name: &&str| {
        let value = json!({"type": "X", "attributes": {"id": 1, "name": name}});
        json!({"type": "Employee", "attributes": {attribute: {"value": value, "type": "standard"}}})
    };
    let data: Vec<Value> = names.iter().map(employee).collect();
    json!({
        "request": format!(
            "GET https://api.personio.de/v1/company/employees?limit=100&offset={offset}\
             &attributes%5B%5D=id&attributes%5B%5D={attribute}"
        ),
        "response": {"success": true, "metadata": {"total_elements": total}, "data": data}
    })
}
