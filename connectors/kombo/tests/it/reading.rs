//! Reading employees.

use matricula_sdk::{Effect, FailureKind, Read};
use serde_json::{Value, json};

use crate::support::{
    BASE, INTEGRATION, asked, assert_private, data, datapoint, employees, error, integration, play,
    read,
};

/// Where a read at the transcripts' time, 2026-11-21T12:00:00Z, makes the next one start.
const TEN_TO_NOON: &str = "2026-11-21T11%3A50%3A00.000Z";

fn answer(results: Value, next: Option<&str>) -> Value {
    json!({"status": "success", "data": {"results": results, "next": next}})
}

fn get(query: &str, response: Value) -> Value {
    json!({
        "request": format!("GET {BASE}/hris/employees?page_size={query}"),
        "response": response
    })
}

/// One page, with the connection asked for first.
fn first(query: &str, integration: Value, response: Value) -> Value {
    json!([asked(integration), get(query, response)])
}

#[test]
fn an_employee_of_the_documentation() {
    let vendors: Value =
        serde_json::from_str(include_str!("../transcripts/employees.json")).unwrap();
    let wanted = employees(&[
        "id",
        "remote_id",
        "first_name",
        "work_email",
        "gender",
        "employment_status",
        "employment_type",
        "start_date",
        "termination_date",
        "team",
        "department",
        "legal_entity",
        "work_location",
        "manager_id",
    ]);
    let page = play(first("250", integration(), vendors), |cx| {
        read(cx, &wanted).unwrap()
    });
    assert_eq!(page.items[0].key, "26vafvWSRmbhNcxJYqjCzuJg");
    assert!(!page.complete && page.next.is_some(), "{page:?}");
    assert_eq!(
        data(&page)[0],
        json!({
            "id": "26vafvWSRmbhNcxJYqjCzuJg", "remote_id": "32", "first_name": "John",
            "work_email": "john.doe@example.com", "gender": "MALE", "employment_status": "INACTIVE",
            "employment_type": "FULL_TIME", "start_date": "2020-04-07", "termination_date": "2022-05-20",
            "team": {"id": "4B9bKBpX5tnwjiG93TAqF7ci", "name": "Customer Success"}, "department": null,
            "legal_entity": {"id": "4B9bKBpX5tnwjiG93TAqF7ci", "name": "ACME Inc."},
            "work_location": {"id": "22st2Ji8XpncEYEak8mvQgQF", "name": "Kombo HQ"},
            "manager_id": "9pf2pxBB8VX8EQMC9aipW2Bo"
        })
    );
}

#[test]
fn what_kombo_could_not_map_goes_on_as_it_came() {
    let odd = json!([{
        "id": "1", "gender": "divers", "employment_type": "Minijob", "start_date": "soon",
        "termination_date": "2026-09-29T22:00:00.000Z", "remote_deleted_at": null,
        "groups": [
            {"id": "9", "name": "Tools", "type": "TEAM"}, {"id": "8", "name": "Core", "type": "TEAM"},
            {"id": "7", "name": "All", "type": null}
        ]
    }]);
    let wanted = employees(&[
        "gender",
        "employment_type",
        "start_date",
        "termination_date",
        "team",
    ]);
    let page = play(first("250", integration(), answer(odd, None)), |cx| {
        read(cx, &wanted).unwrap()
    });
    assert_eq!(
        data(&page)[0],
        json!({
            "gender": "divers", "employment_type": "Minijob", "start_date": "soon",
            "termination_date": "2026-09-30", "team": {"id": "8", "name": "Core"}
        })
    );
}

/// Kombo sends null for what is not delivered, as if it were empty.
#[test]
fn what_the_connection_does_not_deliver_is_absent() {
    let mut described = integration();
    let models = &mut described["data"]["read_models"];
    models[0]["fields"] = json!([
        datapoint("first_name", true, "SUPPORTED", false),
        datapoint("gender", false, "SUPPORTED", true),
        datapoint("job_title", false, "UNSUPPORTED", false),
        datapoint("groups", true, "SUPPORTED", false),
        datapoint("manager_id", false, "SUPPORTED", false)
    ]);
    let groups = datapoint("hris_teams", false, "SUPPORTED", false);
    models.as_array_mut().unwrap().push(groups);
    let nobody = json!([{
        "id": "1", "first_name": null, "gender": null, "job_title": null, "manager_id": null,
        "work_email": null, "groups": [], "remote_deleted_at": null
    }]);
    let wanted = employees(&[
        "first_name",
        "gender",
        "job_title",
        "manager_id",
        "department",
        "work_email",
    ]);
    let exchanges = json!([
        asked(described),
        get("250", answer(nobody.clone(), Some("c"))),
        // It is asked for once in a run.
        get("250&cursor=c", answer(nobody, None)),
    ]);
    play(exchanges, |cx| {
        let expected = json!({"first_name": null, "work_email": null});
        let page = read(cx, &wanted).unwrap();
        assert_eq!(data(&page), std::slice::from_ref(&expected));
        let position = page.next;
        let page = read(
            cx,
            &Read {
                position,
                ..wanted.clone()
            },
        )
        .unwrap();
        assert_eq!(data(&page), [expected]);
        assert!(page.complete);
    });
}

#[test]
fn later_reads_ask_for_what_changed_and_who_is_gone() {
    let one = json!([{"id": "1", "remote_deleted_at": null}]);
    let full = play(first("250", integration(), answer(one, None)), |cx| {
        read(cx, &employees(&["id"])).unwrap()
    });
    assert!(full.complete);
    let gone = json!([
        {"id": "1", "first_name": null, "remote_deleted_at": "2026-11-21T11:00:00.000Z"},
        {"id": "2", "first_name": "Ada", "remote_deleted_at": null}
    ]);
    let query = format!("250&updated_after={TEN_TO_NOON}&include_deleted=true");
    let later = Read {
        state: full.state.clone(),
        ..employees(&["first_name"])
    };
    let page = play(first(&query, integration(), answer(gone, None)), |cx| {
        read(cx, &later).unwrap()
    });
    let told: Vec<_> = page
        .items
        .iter()
        .map(|item| (item.key.as_str(), item.deleted))
        .collect();
    assert_eq!(told, [("1", true), ("2", false)]);
    assert_eq!(page.items[0].data, "{}");
    assert!(!page.complete && page.state.is_some() && page.next.is_none());
}

/// Kombo would go on giving out what it read before.
#[test]
fn a_connection_that_the_hr_system_rejects_delivers_nothing() {
    let mut invalid = integration();
    invalid["data"]["status"] = json!("INVALID");
    let failure = play(json!([asked(invalid)]), |cx| {
        read(cx, &employees(&["id"])).unwrap_err()
    });
    assert_eq!(failure.kind, FailureKind::Auth);
    assert_eq!(
        failure.code.as_deref(),
        Some("INTEGRATION.AUTHENTICATION_INVALID")
    );
}

#[test]
fn data_that_is_out_of_date_proves_no_absence() {
    let mut expired = integration();
    expired["data"]["data_expired_at"] = json!("2026-11-21T10:00:00.000Z");
    let page = play(first("250", expired, answer(json!([]), None)), |cx| {
        read(cx, &employees(&["id"])).unwrap()
    });
    assert!(!page.complete && page.state.is_some());
    let nameless = json!([{"id": null}, {"id": "1"}]);
    let page = play(first("250", integration(), answer(nameless, None)), |cx| {
        read(cx, &employees(&["id"])).unwrap()
    });
    assert_eq!((page.items.len(), page.complete), (1, false));
}

/// A field that has just been let through is null with everybody until Kombo has read it.
#[test]
fn of_data_that_is_out_of_date_null_is_not_taken_for_empty() {
    let ada = json!([{"id": "1", "first_name": "Ada", "job_title": null, "termination_date": null, "groups": []}]);
    let wanted = employees(&[
        "first_name",
        "job_title",
        "termination_date",
        "department",
        "departments",
    ]);
    let mut expired = integration();
    expired["data"]["data_expired_at"] = json!("2026-11-21T10:00:00.000Z");
    let exchanges = first("250", expired, answer(ada.clone(), None));
    let page = play(exchanges, |cx| read(cx, &wanted).unwrap());
    assert_eq!(data(&page)[0], json!({"first_name": "Ada"}));
    let exchanges = first("250", integration(), answer(ada, None));
    let page = play(exchanges, |cx| read(cx, &wanted).unwrap());
    assert_eq!(
        data(&page)[0],
        json!({
            "first_name": "Ada", "job_title": null, "termination_date": null, "department": null, "departments": []
        })
    );
}

#[test]
fn all_departments_are_told_beside_the_first() {
    let ada = json!([{"id": "1", "groups": [
        {"id": "9", "name": "Sales", "type": "DEPARTMENT"}, {"id": "8", "name": "Legal", "type": "DEPARTMENT"},
        {"id": "7", "name": "Core", "type": "TEAM"}, {"id": "6", "name": null, "type": "DEPARTMENT"}
    ]}]);
    let exchanges = first("250", integration(), answer(ada, None));
    let page = play(exchanges, |cx| {
        read(cx, &employees(&["departments"])).unwrap()
    });
    assert_eq!(data(&page)[0], json!({"departments": ["Legal", "Sales"]}));
}

#[test]
fn a_cursor_that_is_not_known_any_more_starts_the_walk_anew_twice_at_most() {
    let expired = || {
        json!({
            "request": format!("GET {BASE}/hris/employees?page_size=100&cursor=c"),
            "status": 400, "response": error("PLATFORM.INPUT_INVALID")
        })
    };
    let page = || get("100", answer(json!([{"id": "1"}]), Some("c")));
    let exchanges = json!([
        asked(integration()),
        page(),
        expired(),
        page(),
        expired(),
        page(),
        expired()
    ]);
    play(exchanges, |cx| {
        let mut at = Read {
            limit: 100,
            ..employees(&["id"])
        };
        for keys in [1, 0, 1, 0, 1] {
            let page = read(cx, &at).unwrap();
            assert_eq!(
                (page.items.len(), page.complete, &page.state),
                (keys, false, &None)
            );
            assert_ne!(page.next, at.position);
            at.position = page.next;
        }
        let failure = read(cx, &at).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Protocol);
    });
}

#[test]
fn refusals_are_told_by_their_codes() {
    use FailureKind::{Auth, Config, Permission, Protocol, RateLimited, Unavailable};
    for (status, code, kind, wait) in [
        (401, "PLATFORM.AUTHENTICATION_INVALID", Auth, None),
        (403, "PLATFORM.IP_NOT_WHITELISTED", Permission, None),
        (404, "PLATFORM.INTEGRATION_NOT_FOUND", Auth, None),
        (400, "PLATFORM.INPUT_INVALID", Protocol, None),
        (429, "PLATFORM.RATE_LIMIT_EXCEEDED", RateLimited, Some(1000)),
        (
            429,
            "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED",
            RateLimited,
            Some(1000),
        ),
        (500, "PLATFORM.UNKNOWN_ERROR", Unavailable, None),
        (504, "PLATFORM.TASK_TIMED_OUT", Unavailable, None),
        (403, "INTEGRATION.PERMISSION_MISSING", Permission, None),
        (400, "INTEGRATION.AUTHENTICATION_INVALID", Auth, None),
        (400, "INTEGRATION.INACTIVE", Auth, None),
        (400, "INTEGRATION.QA_FAILED", Permission, None),
        (400, "INTEGRATION.SETUP_INCOMPLETE", Permission, None),
        (
            400,
            "INTEGRATION.SETUP_SYNC_PENDING",
            Unavailable,
            Some(300_000),
        ),
        (400, "INTEGRATION.MODEL_NOT_AVAILABLE", Config, None),
        (400, "INTEGRATION.MODEL_DISABLED", Permission, None),
        (503, "REMOTE.SERVICE_UNAVAILABLE", Unavailable, None),
        (429, "REMOTE.RATE_LIMIT_EXCEEDED", RateLimited, Some(1000)),
        (502, "REMOTE.UNKNOWN_HTTP_ERROR", Unavailable, None),
    ] {
        let exchanges =
            json!([{"request": INTEGRATION, "status": status, "response": error(code)}]);
        let failure = play(exchanges, |cx| read(cx, &employees(&["id"])).unwrap_err());
        assert_eq!(
            (failure.kind, failure.retry_after_ms),
            (kind, wait),
            "{code}"
        );
        assert_eq!(failure.code.as_deref(), Some(code));
        assert_eq!(failure.effect, Effect::None);
        assert_private(&failure);
    }
}

#[test]
fn answers_that_are_none() {
    use FailureKind::{Auth, Protocol, RateLimited, Unavailable};
    let no_code = json!({"status": "error", "error": {
        "code": null, "title": null, "message": "ada@example.com", "log_url": null
    }});
    for (exchange, kind) in [
        (json!({"status": 401, "response": no_code}), Auth),
        (
            json!({"status": 429, "response": "slow down", "response_headers": [["retry-after", "7"]]}),
            RateLimited,
        ),
        (json!({"status": 502, "response": "<html>"}), Unavailable),
        (json!({"response": "<html>"}), Unavailable),
        (json!({"response": "{\"data\":"}), Protocol),
        (json!({"response": {"data": {}}}), Protocol),
        (
            json!({"response": {"status": "success", "data": {"id": 1}}}),
            Protocol,
        ),
        (json!({"error": "timeout"}), Unavailable),
    ] {
        let mut exchange = exchange;
        exchange["request"] = json!(INTEGRATION);
        let failure = play(json!([exchange]), |cx| {
            read(cx, &employees(&["id"])).unwrap_err()
        });
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert_private(&failure);
        if kind == RateLimited {
            assert_eq!(failure.retry_after_ms, Some(7000));
        }
    }
    let no_list = json!({"status": "success", "data": {"results": {}, "next": null}});
    let failure = play(first("250", integration(), no_list), |cx| {
        read(cx, &employees(&["id"])).unwrap_err()
    });
    assert_eq!(failure.code.as_deref(), Some("no-list"));
}

#[test]
fn a_credential_that_names_no_connection() {
    use matricula_connector_kombo::Kombo;
    use matricula_sdk::Connector as _;
    use matricula_sdk::transcript::Transcript;
    for (credential, code) in [
        (
            json!({"api_url": "https://api.kombo.dev"}),
            "no-integration",
        ),
        (json!({"integration_id": "personio:1"}), "no-address"),
    ] {
        let transcript = Transcript::new(json!([]));
        let cx = transcript.context(&json!({"credential": credential}));
        let failure = Kombo::read(&cx, &employees(&["id"])).unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_deref()),
            (FailureKind::Config, Some(code))
        );
    }
}
