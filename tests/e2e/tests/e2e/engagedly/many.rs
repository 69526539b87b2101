//! More users than a page has, and more requests than a minute has.

use std::time::Duration;

use matricula_sandbox::{Entry, Sandbox, System};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{FLOW, present, start, user, writes};
use crate::world::{World, connectors};

/// More than two pages of fifty.
const MANY: usize = 120;
/// The limit has a test of its own.
const FAST: &str = "--no-documented-limits";

/// Everybody in Personio has a user already, in the same order.
fn everybody_is_there(world: &World, known: impl Fn(u64) -> Value) -> Vec<String> {
    let ids = world.sandbox.people().ids();
    ids.into_iter()
        .map(|id| present(world, &known(id)))
        .collect()
}

fn asked_for(world: &World, page: u32, what: &str) -> usize {
    let page = format!("/beta/users?page={page}&size=50{what}");
    let journal = world.sandbox.journal();
    journal.count(|entry| entry.system == System::Engagedly && entry.target == page)
}

fn held(world: &World) -> Vec<String> {
    let users = world.sandbox.engagedly().users();
    users
        .iter()
        .map(|user| user["id"].as_str().unwrap().to_owned())
        .collect()
}

/// All are taken over, wherever in the list they are, and the next full cycle finds nothing to do.
fn all_are_taken_over(known: impl Fn(&World, u64) -> Value, setting: &str) -> World {
    let world = start(Sandbox::builder().people(MANY).engagedly_limit(None));
    let there = everybody_is_there(&world, |id| known(&world, id));
    let (run, code) = world.run_flow(FLOW, &[FAST, "--setting", setting]);
    assert_eq!(
        (code, &run["counts"]["updated"], &run["counts"]["created"]),
        (0, &json!(MANY), &json!(0)),
        "{run:#}"
    );
    assert_eq!(held(&world), there);
    for page in 1..=3 {
        assert_eq!(asked_for(&world, page, "&include=primary_reporter"), 1);
    }
    assert_eq!(asked_for(&world, 4, "&include=primary_reporter"), 0);
    let people = world.sandbox.people();
    for id in people.ids() {
        assert_eq!(
            user(&world, id)["last_name"],
            people.text(id, "last_name"),
            "{id}"
        );
    }
    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(FLOW, &[FAST])["unchanged"], MANY);
    assert_eq!(writes(&world), 0);
    world
}

#[test]
fn users_on_every_page_are_recognised_by_address() {
    let by_address = |world: &World, id| {
        let address = world.sandbox.people().text(id, "email");
        json!({"email": address.to_uppercase()})
    };
    all_are_taken_over(by_address, "identifier=email");
}

#[test]
fn users_on_every_page_are_recognised_by_employee_id() {
    let by_id = |_: &World, id: u64| json!({"email": format!("former{id}@example.org"), "employee_id": id.to_string()});
    let world = all_are_taken_over(by_id, "identifier=employee_id");

    // One more, whom a single search finds on the last page.
    let known = json!({"email": "late@example.org", "employee_id": "990001"});
    let known = present(&world, &known);
    let people = world.sandbox.people();
    let values = [
        ("id", json!(990_001)),
        ("first_name", json!("Late")),
        ("last_name", json!("Comer")),
        ("email", json!("late.comer@example.com")),
    ];
    let id = people.add(&values).unwrap();
    people.rehire(id, "2020-02-01".parse().unwrap());
    world.sandbox.journal().clear();
    let (run, code) = world.run_flow(FLOW, &[FAST]);
    assert_eq!((code, &run["counts"]["created"]), (0, &json!(0)), "{run:#}");
    assert_eq!(user(&world, id)["id"], known);
    assert_eq!(asked_for(&world, 3, ""), 1);
    assert_eq!(held(&world).len(), MANY + 1);
}

/// How many requests in so many seconds, here: a minute is too long for a test.
const REQUESTS: usize = 60;
const SECONDS: u64 = 2;

/// The connectors, Engagedly's with another limit in its manifest.
fn with_limit() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (personio, engagedly) = ("personio.wasm", "engagedly.wasm");
    std::fs::copy(connectors().join(personio), folder.path().join(personio)).unwrap();
    let mut component = std::fs::read(connectors().join(engagedly)).unwrap();
    let documented = br#""requests": 200, "seconds": 60}"#;
    // As long as what it takes the place of.
    let shorter = format!(r#""requests": {REQUESTS:3}, "seconds": {SECONDS:2}}}"#);
    assert_eq!(shorter.len(), documented.len());
    let mut found = 0;
    for at in 0..component.len() - documented.len() {
        let place = &mut component[at..at + documented.len()];
        if place == documented {
            place.copy_from_slice(shorter.as_bytes());
            found += 1;
        }
    }
    assert!(found > 0, "the manifest has another limit than documented");
    std::fs::write(folder.path().join(engagedly), component).unwrap();
    folder
}

/// The most requests that any stretch of so many milliseconds saw.
fn busiest(asked: &[Entry], length: u64) -> usize {
    let at = |place: usize| asked[place].at_ms;
    (0..asked.len())
        .map(|first| {
            let later = (first..asked.len()).take_while(|place| at(*place) < at(first) + length);
            later.count()
        })
        .max()
        .unwrap_or(0)
}

/// Engagedly punishes whoever asks too much with a rest that grows: nobody may ever be told so. Its minute goes by
/// in two seconds here, in the sandbox as in the connector's manifest. The sandbox takes a little more than the manifest
/// says, so that its answers never say that nothing is left, which would be heeded too: it is the manifest that is kept.
#[test]
fn the_limit_is_never_run_into() {
    let folder = with_limit();
    let people = 60;
    let builder = Sandbox::builder()
        .people(people)
        .engagedly_limit(Some(REQUESTS + 15))
        .engagedly_minute(Duration::from_secs(SECONDS));
    let world = start(builder).with_connectors(folder.path());
    let (run, code) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (code, &run["counts"]["created"]),
        (0, &json!(people)),
        "{run:#}"
    );
    let mut asked = world.sandbox.journal().entries();
    asked.retain(|entry| entry.system == System::Engagedly);
    assert!(asked.len() > 200, "only {} requests", asked.len());
    assert!(asked.iter().all(|entry| entry.status != Some(429)));
    // It was the limit that held them back. A machine that has much else to do may be a little slower than that.
    let most = busiest(&asked, SECONDS * 1000);
    assert!((REQUESTS / 2..=REQUESTS).contains(&most), "{most}");
}
