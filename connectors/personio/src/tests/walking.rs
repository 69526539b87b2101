//! From page to page: where a read ends, and what it may claim then.

use matricula_sdk::{Page, Read};
use serde_json::{Value, json};

use super::{Transcript, employees, read};

/// The request for a page of identifiers, with `since` for an incremental read.
fn request(offset: u64, since: Option<&str>) -> String {
    let since = since
        .map(|since| format!("&updated_since={since}"))
        .unwrap_or_default();
    format!(
        "GET https://api.personio.de/v1/company/employees?limit=100&offset={offset}&attributes%5B%5D=id{since}"
    )
}

fn answer(total: impl Into<Value>, ids: impl IntoIterator<Item = u64>) -> Value {
    let employee =
        |id| json!({"type": "Employee", "attributes": {"id": {"value": id, "type": "integer"}}});
    let data: Vec<Value> = ids.into_iter().map(employee).collect();
    json!({"success": true, "metadata": {"total_elements": total.into()}, "data": data})
}

/// Plays pages, given as the offset that must be asked for, the total that is announced and the
/// identifiers that come, and reads until there is no next. All keys in order, and the last page.
fn walk(pages: &[(u64, Value, Vec<u64>)]) -> (Vec<String>, Page) {
    walk_from(None, None, pages)
}

fn walk_from(
    state: Option<&str>,
    since: Option<&str>,
    pages: &[(u64, Value, Vec<u64>)],
) -> (Vec<String>, Page) {
    let exchange = |(offset, total, ids): &(u64, Value, Vec<u64>)| json!({"request": request(*offset, since), "response": answer(total.clone(), ids.iter().copied())});
    let transcript = Transcript::new(pages.iter().map(exchange).collect());
    let mut keys = Vec::new();
    let mut at = Read {
        state: state.map(str::to_owned),
        ..employees(&[])
    };
    loop {
        let page = read(&transcript, &at).unwrap();
        keys.extend(page.items.iter().map(|item| item.key.clone()));
        if page.next.is_none() {
            transcript.done();
            return (keys, page);
        }
        assert!(
            !page.complete && page.state.is_none(),
            "only the last page may say so"
        );
        assert!(page.next.as_ref().unwrap().len() <= 64 * 1024);
        at.position = page.next;
    }
}

fn ids(range: std::ops::Range<u64>) -> Vec<u64> {
    range.collect()
}

#[test]
fn a_whole_population_is_complete() {
    let (keys, page) = walk(&[
        (0, json!(250), ids(0..100)),
        (100, json!("250"), ids(100..200)),
        (200, json!(250), ids(200..250)),
    ]);
    assert_eq!(keys.len(), 250);
    assert!(page.complete);
    assert_eq!(page.total, Some(250));
}

#[test]
fn a_short_page_leaves_no_gap() {
    let (keys, page) = walk(&[
        (0, json!(150), ids(0..40)),
        (40, json!(150), ids(40..140)),
        (140, json!(150), ids(140..150)),
    ]);
    assert_eq!(keys.len(), 150);
    assert!(page.complete);
}

#[test]
fn a_larger_page_than_asked_for_is_taken_whole() {
    let (keys, page) = walk(&[(0, json!(250), ids(0..250))]);
    assert_eq!(keys.len(), 250);
    assert!(page.complete);
}

#[test]
fn an_empty_page_before_the_total_ends_the_read_as_not_whole() {
    let (keys, page) = walk(&[(0, json!(150), ids(0..100)), (100, json!(150), vec![])]);
    assert_eq!(keys.len(), 100);
    assert!(!page.complete);
}

#[test]
fn somebody_twice_on_a_page_is_handed_on_once_and_the_read_is_not_whole() {
    let (keys, page) = walk(&[(0, json!(3), vec![1, 2, 1])]);
    assert_eq!(keys, ["1", "2"]);
    assert!(!page.complete);
}

#[test]
fn somebody_twice_across_pages_means_that_another_was_missed() {
    let mut second = vec![99];
    second.extend(101..200);
    let (keys, page) = walk(&[(0, json!(200), ids(0..100)), (100, json!(200), second)]);
    assert_eq!(keys.len(), 199);
    assert!(!page.complete, "100 has slipped past");
}

#[test]
fn somebody_who_comes_back_many_pages_later_is_noticed() {
    // 3 was renamed and sorts last now; everybody moved up, and 100 slipped past.
    let (keys, page) = walk(&[
        (0, json!(300), ids(0..100)),
        (100, json!(300), ids(101..201)),
        (
            200,
            json!(300),
            ids(201..300).into_iter().chain([3]).collect(),
        ),
    ]);
    assert_eq!(keys.len(), 299);
    assert!(!page.complete);
}

#[test]
fn a_total_that_changes_under_way_is_not_whole_even_if_the_sum_fits() {
    let (keys, page) = walk(&[
        (0, json!(199), ids(0..100)),
        (100, json!(200), ids(100..200)),
    ]);
    assert_eq!(keys.len(), 200);
    assert!(!page.complete);
}

#[test]
fn without_a_total_the_read_goes_on_to_the_end_and_is_not_whole() {
    let (keys, page) = walk(&[
        (0, Value::Null, ids(0..100)),
        (100, Value::Null, ids(100..130)),
        (130, Value::Null, vec![]),
    ]);
    assert_eq!(keys.len(), 130);
    assert!(!page.complete);
    // Where the offset is ignored as well, the same people come for ever.
    let (keys, page) = walk(&[
        (0, Value::Null, ids(0..100)),
        (100, Value::Null, ids(0..100)),
    ]);
    assert_eq!(keys.len(), 100);
    assert!(!page.complete);
}

#[test]
fn a_company_without_employees_is_never_whole() {
    let (keys, page) = walk(&[(0, json!(0), vec![])]);
    assert!(keys.is_empty());
    assert!(!page.complete);
    assert!(page.state.is_some());
}

/// Fifty thousand people whose identifiers have no order and few neighbours: an odd factor modulo a power
/// of two makes them all different.
fn scattered() -> Vec<(u64, Value, Vec<u64>)> {
    let id = |n: u64| (n * 0x9e37_79b1) % (1 << 27);
    let page = |no: u64| {
        (
            no * 100,
            json!(50_000),
            (no * 100..no * 100 + 100).map(id).collect(),
        )
    };
    (0..500).map(page).collect()
}

#[test]
fn fifty_thousand_scattered_people_fit_into_a_position() {
    let (keys, page) = walk(&scattered());
    assert_eq!(keys.len(), 50_000);
    assert!(page.complete);
}

#[test]
fn somebody_of_the_previous_page_is_noticed_even_where_not_all_are_remembered() {
    let mut pages = scattered();
    let odd = pages[498].2.iter().copied().find(|id| id % 2 == 1).unwrap();
    pages[499].2[0] = odd;
    let (keys, page) = walk(&pages);
    assert_eq!(keys.len(), 49_999);
    assert!(!page.complete);
}

#[test]
fn the_next_run_starts_before_this_one_began() {
    // The transcript's clock says 12:00 UTC.
    let (_, page) = walk(&[(0, json!(2), vec![1, 2])]);
    assert_eq!(
        page.state.as_deref(),
        Some(r#"{"since":"2026-11-21T10:30:00"}"#)
    );
}

#[test]
fn the_start_of_the_read_counts_and_not_its_end() {
    let first =
        Transcript::new(json!([{"request": request(0, None), "response": answer(101, 0..100)}]));
    let page = read(&first, &employees(&[])).unwrap();
    let last = Transcript::new(
        json!([{"request": request(100, None), "response": answer(101, 100..101)}]),
    );
    let an_hour_later =
        matricula_sdk::Context::new(&last, "{}", 1_795_262_400_000 + 3_600_000, "").unwrap();
    let read = Read {
        position: page.next,
        ..employees(&[])
    };
    let page = <crate::Personio as matricula_sdk::Connector>::read(&an_hour_later, &read).unwrap();
    assert_eq!(
        page.state.as_deref(),
        Some(r#"{"since":"2026-11-21T10:30:00"}"#)
    );
}

#[test]
fn an_account_in_the_west_gets_a_longer_overlap_and_keeps_it() {
    let hired = json!({"value": "2026-01-01T00:00:00-08:00", "type": "date"});
    let transcript = Transcript::new(json!([{
        "request": format!("{}&attributes%5B%5D=hire_date", request(0, None)),
        "response": {"success": true, "metadata": {"total_elements": 1},
            "data": [{"attributes": {"id": {"value": 1}, "hire_date": hired}}]}
    }]));
    let page = read(&transcript, &employees(&["hire_date"])).unwrap();
    let state = page.state.unwrap();
    assert_eq!(state, r#"{"since":"2026-11-21T02:30:00","west":480}"#);
    let (_, page) = walk_from(
        Some(&state),
        Some("2026-11-21T02:30:00"),
        &[(0, json!(0), vec![])],
    );
    assert_eq!(page.state.as_deref(), Some(state.as_str()));
}

const STATE: &str = r#"{"since":"2026-11-20T08:15:30"}"#;
const SINCE: Option<&str> = Some("2026-11-20T08:15:30");

#[test]
fn an_incremental_read_pages_too_and_is_never_the_whole_population() {
    let (keys, page) = walk_from(
        Some(STATE),
        SINCE,
        &[
            (0, json!(120), ids(0..100)),
            (100, json!(120), ids(100..120)),
        ],
    );
    assert_eq!(keys.len(), 120);
    assert!(!page.complete);
    assert_eq!(
        page.state.as_deref(),
        Some(r#"{"since":"2026-11-21T10:30:00"}"#)
    );
}

#[test]
fn an_incremental_read_that_broke_off_is_asked_for_again() {
    let (_, page) = walk_from(
        Some(STATE),
        SINCE,
        &[(0, json!(120), ids(0..100)), (100, json!(120), vec![])],
    );
    assert_eq!(page.state.as_deref(), Some(STATE));
}

#[test]
fn a_repeated_call_gives_the_same_page() {
    let transcript = Transcript::new(json!([
        {"request": request(0, None), "response": answer(101, 0..100)},
        {"request": request(0, None), "response": answer(101, 0..100)}
    ]));
    assert_eq!(
        read(&transcript, &employees(&[])),
        read(&transcript, &employees(&[]))
    );
}

#[test]
fn a_position_of_somebody_else_is_refused() {
    let transcript = Transcript::new(json!([]));
    let foreign = Read {
        position: Some("{\"page\":2}".into()),
        ..employees(&[])
    };
    assert_eq!(
        read(&transcript, &foreign).unwrap_err().kind,
        matricula_sdk::FailureKind::Internal
    );
}

#[test]
fn the_date_of_birth_is_read_under_the_accounts_own_key_which_is_looked_up_once() {
    let page = |offset: u64, ids: std::ops::Range<u64>| {
        let employee = |id: u64| {
            json!({"type": "Employee", "attributes": {
                "id": {"value": id, "type": "integer"},
                "dynamic_71": {"value": "1995-02-19T00:00:00+01:00", "type": "date", "universal_id": "date_of_birth"},
            }})
        };
        json!({
            "request": format!(
                "GET https://api.personio.de/v1/company/employees?limit=100&offset={offset}&attributes%5B%5D=id\
                 &attributes%5B%5D=dynamic_71"
            ),
            "response": {"success": true, "metadata": {"total_elements": 150},
                "data": ids.map(employee).collect::<Vec<_>>()},
        })
    };
    let attributes = json!({
        "request": "GET https://api.personio.de/v1/company/employees/attributes",
        "response": {"success": true, "data": [
            {"key": "dynamic_70", "label": "Visa", "universal_id": null},
            {"key": "dynamic_71", "label": "Birthday", "universal_id": "date_of_birth"},
        ]},
    });
    let transcript = Transcript::new(json!([attributes, page(0, 0..100), page(100, 100..150)]));
    let mut at = employees(&["date_of_birth"]);
    let first = read(&transcript, &at).unwrap();
    at.position.clone_from(&first.next);
    let second = read(&transcript, &at).unwrap();
    transcript.done();
    assert!(second.complete);
    assert_eq!(
        super::data(&first)[0],
        json!({"id": 0, "date_of_birth": "1995-02-19"})
    );
}

#[test]
fn a_date_of_birth_that_may_not_be_read_is_not_there() {
    let transcript = Transcript::new(json!([
        {
            "request": "GET https://api.personio.de/v1/company/employees/attributes",
            "response": {"success": true, "data": [{"key": "email", "label": "Email", "universal_id": "email"}]},
        },
        {"request": request(0, None), "response": answer(1, [7])},
    ]));
    let page = read(&transcript, &employees(&["date_of_birth"])).unwrap();
    transcript.done();
    assert_eq!(super::data(&page), [json!({"id": 7})]);
}
