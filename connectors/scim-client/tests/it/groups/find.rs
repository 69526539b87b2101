//! Groups that are there already.

use super::*;

fn find(
    prepared: &str,
    attribute: &str,
    values: &[&str],
    exchanges: &[Value],
) -> Vec<Vec<(String, Value)>> {
    let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
    let found = play(exchanges, |client| {
        client.find_groups(prepared, attribute, &values).unwrap()
    });
    let read =
        |found: matricula_sdk::Found| (found.remote_id, serde_json::from_str(&found.data).unwrap());
    found
        .into_iter()
        .map(|list| list.into_iter().map(read).collect())
        .collect()
}

#[test]
fn groups_are_found_by_external_id_and_by_name_exactly() {
    let it = json!({"id": "g1", "displayName": "Department IT", "externalId": "matricula:department:17"});
    let data = json!({"external_id": "matricula:department:17", "name": "Department IT"});
    let same = || vec![("g1".to_owned(), data.clone())];
    assert_eq!(
        find(
            PLAIN,
            "external_id",
            &["matricula:department:17"],
            &[found(BY_ID, json!([it]))]
        ),
        [same()]
    );
    let other = json!({"id": "g2", "displayName": "DEPARTMENT IT"});
    assert_eq!(
        find(
            PLAIN,
            "name",
            &["Department IT", ""],
            &[found(BY_NAME, json!([it, other]))]
        ),
        [same(), vec![]]
    );
    let by_id =
        json!({"request": at("GET", "Groups/g1"), "response": {"id": "g1", "displayName": "X"}});
    assert_eq!(
        find(PLAIN, "remote-id", &["g1"], &[by_id]),
        [vec![(
            "g1".to_owned(),
            json!({"external_id": null, "name": "X"})
        )]]
    );
}

#[test]
fn a_service_that_cannot_search_is_gone_through_page_by_page() {
    let page = |at_index: u32, groups: Value| {
        let path = format!("Groups?startIndex={at_index}&count=100&excludedAttributes=members");
        json!({"request": at("GET", &path), "response": {"totalResults": 3, "Resources": groups}})
    };
    let group = |id: &str, name: &str| json!({"id": id, "displayName": name});
    let exchanges = [
        page(1, json!([group("g1", "Team A"), group("g2", "Team B")])),
        page(3, json!([group("g3", "Team C")])),
    ];
    let found = find(
        r#"{"f":false}"#,
        "name",
        &["Team C", "Team D", "Team A"],
        &exchanges,
    );
    let ids = found
        .iter()
        .map(|list| list.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>());
    assert_eq!(ids.collect::<Vec<_>>(), [vec!["g3"], vec![], vec!["g1"]]);
}

#[test]
fn groups_are_not_found_by_anything_else() {
    let outcome = play(&[], |client| {
        client.find_groups(PLAIN, "members", &["u1".to_owned()])
    });
    let Err(failure) = outcome else {
        panic!("found")
    };
    assert_eq!(failure.code.as_deref(), Some("not-offered"));
}
