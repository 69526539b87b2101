//! Options for forms.

use matricula_connector_kombo::Kombo;
use matricula_sdk::Connector as _;
use serde_json::json;

use crate::support::{BASE, play};

#[test]
fn categories_go_by_identity_and_departments_by_name() {
    let categories = json!([{
        "request": format!("GET {BASE}/hris/employee-document-categories?page_size=250"),
        "response": {"status": "success", "data": {"next": "c2", "results": [
            {"id": "26vafvWSRmbhNcxJYqjCzuJg", "remote_id": "32", "name": "Bildungszertifikate",
             "remote_data": null, "changed_at": "2026-08-07T14:01:29.196Z", "remote_deleted_at": null},
            {"id": "2", "remote_id": "33", "name": "Gone", "remote_data": null,
             "changed_at": "2026-08-07T14:01:29.196Z", "remote_deleted_at": "2026-08-07T14:01:29.196Z"},
            {"id": "3", "remote_id": "34", "name": null, "remote_data": null,
             "changed_at": "2026-08-07T14:01:29.196Z", "remote_deleted_at": null}
        ]}}
    }]);
    let choices = play(categories, |cx| {
        Kombo::options(cx, "document-categories", None, None).unwrap()
    });
    assert_eq!(choices.next.as_deref(), Some("c2"));
    let [category] = &choices.items[..] else {
        panic!("{choices:?}");
    };
    assert_eq!(
        (&*category.value, &*category.label),
        ("26vafvWSRmbhNcxJYqjCzuJg", "Bildungszertifikate")
    );

    let departments = json!([{
        "request": format!("GET {BASE}/hris/groups?page_size=250&types=DEPARTMENT&cursor=a%2Fb%3D"),
        "response": {"status": "success", "data": {"next": null, "results": [
            {"id": "1", "name": "Sales", "type": "DEPARTMENT"},
            {"id": "2", "name": "Development", "type": "DEPARTMENT"},
            {"id": "3", "name": "Development", "type": "DEPARTMENT"}
        ]}}
    }]);
    let choices = play(departments, |cx| {
        Kombo::options(cx, "departments", Some(" DEV"), Some("a/b=")).unwrap()
    });
    let values: Vec<_> = choices.items.iter().map(|c| c.value.as_str()).collect();
    assert_eq!((values, choices.next), (vec!["Development"], None));
}
