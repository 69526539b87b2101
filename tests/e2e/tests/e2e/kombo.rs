//! Kombo as a source of people and as the place for their certificates.

mod certificates;

use std::time::{Duration, Instant};

use matricula_sandbox::{
    Account, Builder, Entry, Fault, FaultKind, Kind, Sandbox, Setup, Status, System,
};
use serde_json::{Value, json};

use crate::cycle::{may_come_in, today};
use crate::served::Server;
use crate::world::World;

const PEOPLE: &str = "sync-employees-from-kombo";

fn started(builder: Builder) -> World {
    World::start_for(&["kombo", "reteach"], builder.limits(None))
}

fn account(world: &World, id: u64) -> Account {
    let id = world.sandbox.kombo().id(id);
    let all = world.sandbox.accounts().list();
    let mut found = all
        .into_iter()
        .filter(|account| account.external_id.as_deref() == Some(id.as_str()));
    let account = found.next();
    assert!(found.next().is_none(), "two accounts of {id}");
    account.unwrap_or_else(|| panic!("no account of {id}"))
}

/// Everybody has exactly one account, with the right address.
fn assert_in_step(world: &World) {
    let (people, kombo) = (world.sandbox.people(), world.sandbox.kombo());
    let wanted = people.ids().into_iter();
    let mut wanted: Vec<(String, String)> = wanted
        .map(|id| (kombo.id(id), people.text(id, "email").to_lowercase()))
        .collect();
    let held = world.sandbox.accounts().list().into_iter();
    let mut held: Vec<(String, String)> = held
        .map(|account| (account.external_id.unwrap_or_default(), account.user_name))
        .collect();
    wanted.sort();
    held.sort();
    assert_eq!(wanted.len(), held.len());
    assert_eq!(wanted, held);
}

/// An incremental run that must succeed; its counts.
fn run(world: &World) -> Value {
    let (run, code) = world.run_flow(PEOPLE, &[]);
    assert_eq!((code, &run["status"]), (0, &json!("succeeded")), "{run:#}");
    run
}

#[test]
fn everybody_has_an_account_and_an_unchanged_cycle_writes_nothing() {
    let world = started(Sandbox::builder().people(600).seed(5));
    let first = run(&world);
    assert_eq!(first["cycle"], "full");
    assert_eq!(first["counts"]["created"], 600, "{first:#}");
    // The connection once, and three pages.
    assert_eq!(first["requests"]["source"], 4, "{first:#}");
    assert_in_step(&world);
    let id = world.sandbox.people().ids()[0];
    let resource = account(&world, id).resource;
    let people = world.sandbox.people();
    let name = |key: &str| people.value(id, key).unwrap()["attributes"]["name"].clone();
    let enterprise = &resource["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    assert_eq!(enterprise["department"], name("department"));
    assert_eq!(enterprise["organization"], name("subcompany"));
    let with_manager = people.ids().into_iter().find_map(|id| {
        let boss = people.value(id, "supervisor")?["attributes"]["id"]["value"].as_u64()?;
        Some((id, boss))
    });
    let (id, boss) = with_manager.unwrap();
    let enterprise =
        account(&world, id).resource["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]
            .clone();
    assert_eq!(enterprise["manager"]["value"], account(&world, boss).id);

    world.sandbox.journal().clear();
    let second = run(&world);
    assert_eq!(second["cycle"], "incremental");
    assert_eq!(world.writes(), 0);
    assert_eq!(second["requests"]["source"], 2, "{second:#}");
    assert_eq!(world.counts_of(PEOPLE, &[])["unchanged"], 600);
    assert_eq!(world.writes(), 0);
}

#[test]
fn changes_leavers_the_deleted_and_rehires_follow() {
    let world = started(Sandbox::builder().people(40));
    run(&world);
    let people = world.sandbox.people();
    let mut ids = people
        .ids()
        .into_iter()
        .filter(|id| may_come_in(&world, *id));
    let (married, leaver, deleted) = (
        ids.next().unwrap(),
        ids.next().unwrap(),
        ids.next().unwrap(),
    );
    let before = people.get(deleted).unwrap();
    world.sandbox.journal().clear();
    people.set_email(married, "new.name@example.com");
    people.terminate(leaver, today().yesterday().unwrap());
    let changed = run(&world);
    assert_eq!(changed["cycle"], "incremental");
    assert_eq!(
        (
            &changed["counts"]["updated"],
            &changed["counts"]["deactivated"]
        ),
        (&json!(1), &json!(1)),
        "{changed:#}"
    );
    assert_eq!(account(&world, married).user_name, "new.name@example.com");
    assert!(!account(&world, leaver).active);
    assert_eq!(world.sandbox.journal().creates(), 0);

    // Deleted in the HR system: told by Kombo, and believed at once.
    people.remove(deleted);
    let gone = run(&world);
    assert_eq!(gone["counts"]["deactivated"], 1, "{gone:#}");
    assert!(!account(&world, deleted).active);

    people.rehire(leaver, today());
    people.add(&[("id", deleted.into())]);
    for (key, value) in before.iter().filter(|(key, _)| *key != "id") {
        people.set(deleted, key, value.clone());
    }
    let back = run(&world);
    assert_eq!(back["counts"]["reactivated"], 2, "{back:#}");
    assert!(account(&world, leaver).active && account(&world, deleted).active);
    assert_eq!(world.sandbox.journal().creates(), 0, "the old accounts");
    assert_in_step(&world);
}

#[test]
fn one_without_an_address_leaves_the_others_in_peace() {
    let world = started(Sandbox::builder().people(30));
    let people = world.sandbox.people();
    let id = people.ids()[3];
    let address = people.text(id, "email");
    people.set_email(id, "");
    let (partial, code) = world.run_flow(PEOPLE, &[]);
    assert_eq!((code, &partial["status"]), (6, &json!("partial")));
    assert_eq!(partial["counts"]["failed"], 1, "{partial:#}");
    assert_eq!(partial["counts"]["created"], 29);
    people.set_email(id, &address);
    let (fixed, code) = world.run_flow(PEOPLE, &["--full"]);
    assert_eq!(
        (code, &fixed["counts"]["created"]),
        (0, &json!(1)),
        "{fixed:#}"
    );
    assert_in_step(&world);
}

#[test]
fn whom_the_academy_refuses_fails_alone_and_comes_with_what_is_new() {
    let world = started(Sandbox::builder().people(30));
    let (people, kombo) = (world.sandbox.people(), world.sandbox.kombo());
    let accounts = world.sandbox.accounts();
    // The one refusal is made up. For the other the academy has its reason: the address is somebody else's.
    let fault = Fault::new(FaultKind::Status(400)).system(System::Scim);
    let fault = fault.method("POST").path("/Users").nth(4);
    let fault = world.sandbox.faults().add(fault);
    let taken = people.ids()[20];
    let address = people.text(taken, "email").trim().to_lowercase();
    let own = json!({"userName": "old@example.org", "externalId": kombo.id(taken)});
    let own = accounts.insert(own).unwrap();
    let holder = accounts.insert(json!({"userName": address})).unwrap();

    let (partial, code) = world.run_flow(PEOPLE, &[]);
    assert_eq!(
        (code, &partial["status"]),
        (6, &json!("partial")),
        "{partial:#}"
    );
    assert_eq!(
        (&partial["counts"]["failed"], &partial["counts"]["created"]),
        (&json!(2), &json!(28)),
        "{partial:#}"
    );
    assert_eq!(world.sandbox.faults().fired(fault), 1);
    assert_eq!(accounts.get(&own.id).unwrap(), own);
    let missing = people.ids().into_iter();
    let mut missing = missing.filter(|&id| accounts.by_external_id(&kombo.id(id)).is_none());
    let refused = missing.next().unwrap();
    assert_eq!(missing.next(), None);

    // Neither is forgotten nor made twice: something new about them is reason enough to try again.
    assert!(accounts.remove(&holder.id));
    for id in [refused, taken] {
        people.set(id, "position", "Trainer");
    }
    world.sandbox.journal().clear();
    let fixed = run(&world);
    assert_eq!(
        (&fixed["counts"]["created"], &fixed["counts"]["updated"]),
        (&json!(1), &json!(1)),
        "{fixed:#}"
    );
    assert_eq!(account(&world, taken).id, own.id);
    assert_eq!(world.sandbox.journal().creates(), 1);
    assert_in_step(&world);
}

#[test]
fn a_rate_limit_and_a_forgotten_cursor_are_got_over() {
    let world = started(Sandbox::builder().people(600));
    let faults = world.sandbox.faults();
    faults.add(
        Fault::new(FaultKind::TooManyRequests(Some(1)))
            .system(System::Kombo)
            .path("/v1/hris/employees")
            .nth(2),
    );
    // While the third page is asked for, Kombo loses its cursors.
    let kombo = world.sandbox.kombo();
    world.sandbox.on_request(
        |entry: &Entry| entry.system == System::Kombo && entry.kind == Kind::Page && entry.nth == 4,
        move |_: &Entry| kombo.forget_cursors(),
    );
    let first = run(&world);
    assert_eq!(first["counts"]["created"], 600, "{first:#}");
    assert_in_step(&world);
}

#[test]
fn nothing_happens_before_kombo_has_read_the_hr_system_and_then_it_goes_on() {
    let world = started(Sandbox::builder().people(20));
    let kombo = world.sandbox.kombo();
    kombo.set_setup(Setup::SyncPending);
    // The wizard's test of the credential has nothing to complain of.
    let said = world.matricula(&["credential", "test", "kombo"]);
    assert_eq!(said.code, 0, "{said:?}");
    let (pending, code) = world.run_flow(PEOPLE, &[]);
    assert_ne!(code, 0);
    assert_eq!(pending["status"], "failed", "{pending:#}");
    assert_eq!(pending["error"]["code"], "INTEGRATION.SETUP_SYNC_PENDING");
    let message = pending["error"]["message"].as_str().unwrap();
    assert!(message.contains("for the first time"), "{message}");
    assert!(!message.contains("log"), "{message}");
    assert!(world.sandbox.accounts().list().is_empty());
    kombo.set_setup(Setup::Completed);
    assert_eq!(run(&world)["counts"]["created"], 20);

    // Nobody goes on with what Kombo read before it lost its access.
    for status in [Status::Inactive, Status::Invalid] {
        kombo.set_status(status);
        let (refused, code) = world.run_flow(PEOPLE, &[]);
        assert_ne!(code, 0);
        assert_eq!(refused["error"]["kind"], "auth", "{refused:#}");
    }
    let said = world.matricula(&["credential", "test", "kombo"]);
    assert_ne!(said.code, 0, "{said:?}");
}

#[test]
fn what_the_connection_does_not_deliver_clears_nothing_and_is_named() {
    let world = started(Sandbox::builder().people(30));
    run(&world);
    let id = world.sandbox.people().ids()[0];
    let before = account(&world, id).resource;
    let kombo = world.sandbox.kombo();
    kombo.withhold("job_title", true);
    kombo.withhold("gender", false);
    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(PEOPLE, &[])["unchanged"], 30);
    assert_eq!(world.writes(), 0);
    assert_eq!(account(&world, id).resource, before);
    let said = world.matricula(&["credential", "test", "kombo"]);
    assert_eq!(said.code, 5, "{said:?}");
    for part in ["Job title", "was left out", "Gender", "does not get"] {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
}

#[test]
fn data_that_is_out_of_date_makes_nobody_a_leaver() {
    let world = started(Sandbox::builder().people(30));
    run(&world);
    let kombo = world.sandbox.kombo();
    kombo.set_expired(true);
    let gone = world.sandbox.people().ids()[0];
    world.sandbox.people().remove(gone);
    for _ in 0..3 {
        let (full, code) = world.run_flow(PEOPLE, &["--full"]);
        assert_eq!(
            (code, &full["counts"]["deactivated"]),
            (0, &json!(0)),
            "{full:#}"
        );
    }
    kombo.set_expired(false);
    world.counts_of(PEOPLE, &[]);
    world.counts_of(PEOPLE, &[]);
    assert!(!account(&world, gone).active);
}

#[test]
fn an_event_that_kombo_has_signed_sets_off_a_cycle_and_another_does_not() {
    let world = started(Sandbox::builder().people(20));
    let said = world.matricula(&["start", PEOPLE, "--yes", "--every", "1h"]);
    assert_eq!(said.code, 0, "{said:?}");
    let server = Server::start(&world);
    let ended = || {
        let said = world.matricula(&["automation", "show", PEOPLE, "--json"]);
        let standing: Value = serde_json::from_str(&said.out).unwrap();
        standing["demand"].is_null() && !standing["last_succeeded_at"].is_null()
    };
    patiently("the first cycle", ended);
    assert_in_step(&world);

    let people = world.sandbox.people();
    let id = people.ids()[0];
    people.set_email(id, "new.name@example.com");
    let kombo = world.sandbox.kombo();
    let to = format!("http://{}/hooks/connector/kombo", server.address);
    let event = kombo.data_changed("personio:SandboxConnection1");
    let requests = || world.sandbox.journal().requests(System::Kombo);
    let before = requests();
    let other = kombo.data_changed("personio:SandboxConnection2");
    for (body, signature) in [
        (&event, "wrong".to_owned()),
        (&event, kombo.signature(&other)),
    ] {
        assert_eq!(kombo.send(&to, body, &signature).unwrap(), 401);
    }
    assert_eq!((requests(), ended()), (before, true));

    let status = kombo.send(&to, &event, &kombo.signature(&event));
    assert_eq!(status.unwrap(), 202);
    patiently("the change", || {
        account(&world, id).user_name == "new.name@example.com"
    });
    drop(server);
}

/// Looks again and again, for a minute at most.
fn patiently(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < until, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(50));
    }
}
