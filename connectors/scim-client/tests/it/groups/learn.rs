//! What is learned of groups once in a run.

use super::*;

const ATTRIBUTES: [&str; 4] = ["external_id", "name", "add", "remove"];
const LIST: &str = "Groups?startIndex=1&count=1&excludedAttributes=members";
const SEARCH: &str = "Groups?filter=externalId%20eq%20%22matricula%22&excludedAttributes=members&startIndex=1&count=1";

fn answer(path: &str, status: u16) -> Value {
    let groups = json!({"totalResults": 0, "Resources": []});
    json!({"request": at("GET", path), "status": status, "response": groups})
}

fn prepare(filter: bool, answers: &[Value]) -> Result<Vec<String>, Failure> {
    let asked: Vec<String> = ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect();
    let config = json!({"etag": {"supported": true}, "filter": {"supported": filter}});
    let config = json!({"request": at("GET", "ServiceProviderConfig"), "response": config});
    let exchanges: Vec<Value> = [config]
        .into_iter()
        .chain(answers.iter().cloned())
        .collect();
    let prepared = play(&exchanges, |client| client.prepare_groups(&asked))?;
    assert!(prepared.prepared.contains(r#""e":true"#), "{prepared:?}");
    Ok(prepared.unavailable)
}

#[test]
fn one_search_tells_that_there_are_groups_with_external_ids() {
    assert_eq!(prepare(true, &[answer(SEARCH, 200)]), Ok(vec![]));
    // Some answer a search without a result by 404.
    assert_eq!(
        prepare(true, &[answer(SEARCH, 404), answer(LIST, 200)]),
        Ok(vec![])
    );
    assert_eq!(prepare(false, &[answer(LIST, 200)]), Ok(vec![]));
}

#[test]
fn groups_that_cannot_be_searched_by_external_id_are_found_by_name_alone() {
    let answers = [answer(SEARCH, 400), answer(LIST, 200)];
    assert_eq!(prepare(true, &answers).unwrap(), ["external_id"]);
}

#[test]
fn a_service_without_groups_has_no_attribute_of_one() {
    for status in [403, 404, 501] {
        let answers = [answer(SEARCH, status), answer(LIST, status)];
        assert_eq!(prepare(true, &answers).unwrap(), ATTRIBUTES, "{status}");
    }
    for (status, kind) in [(401, FailureKind::Auth), (503, FailureKind::Unavailable)] {
        let answers = [answer(SEARCH, status), answer(LIST, status)];
        assert_eq!(prepare(true, &answers).unwrap_err().kind, kind);
    }
}

#[test]
fn what_may_not_be_seen_is_told_from_what_there_is_not() {
    let ask = |status: u16, response: Value| {
        let path = "Groups?startIndex=1&count=1&excludedAttributes=members";
        let exchange = json!({"request": at("GET", path), "status": status, "response": response});
        play(&[exchange], |client| client.groups())
    };
    assert_eq!(
        ask(200, json!({"totalResults": 0})),
        Ok(Groups::Offered(Some(0)))
    );
    assert_eq!(ask(403, Value::Null), Ok(Groups::Forbidden));
    assert_eq!(ask(404, Value::Null), Ok(Groups::NotOffered));
}
