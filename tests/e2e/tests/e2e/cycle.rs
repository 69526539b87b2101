//! The main job: people appear in the academy, the right ones blocked, and the second cycle writes nothing.

use jiff::civil::Date;
use matricula_sandbox::{Sandbox, System};
use serde_json::{Value, json};

use crate::world::World;

pub fn today() -> Date {
    jiff::Zoned::now()
        .with_time_zone(jiff::tz::TimeZone::get("Europe/Berlin").unwrap())
        .date()
}

pub fn date(world: &World, id: u64, key: &str) -> Option<Date> {
    let text = world.sandbox.people().text(id, key);
    text.get(..10)?.parse().ok()
}

/// What design §4.5 says of somebody, from the record as the source has it.
pub fn may_come_in(world: &World, id: u64) -> bool {
    let begun = date(world, id, "hire_date").is_none_or(|day| day <= today());
    let ended = ["contract_end_date", "termination_date"]
        .into_iter()
        .filter_map(|key| date(world, id, key))
        .any(|day| day <= today());
    begun && !ended && world.sandbox.people().text(id, "status") != "inactive"
}

#[test]
fn everybody_has_an_account_the_right_ones_are_blocked_and_the_second_cycle_writes_nothing() {
    let world = World::start(Sandbox::builder().people(260).seed(5));
    let (first, code) = world.run(&[]);
    assert_eq!(code, 0, "{first:#}");
    assert_eq!(first["flow"], "sync-employees");
    assert_eq!(first["cycle"], "full");
    assert_eq!(first["counts"]["created"], 260);
    assert!(first["requests"]["source"].as_u64() >= Some(3), "{first:#}");
    world.assert_in_step();

    let mut blocked = 0;
    for id in world.sandbox.people().ids() {
        let account = world.account(id);
        assert_eq!(account.active, may_come_in(&world, id), "{id}");
        blocked += usize::from(!account.active);
    }
    assert!(
        (10..200).contains(&blocked),
        "the population has {blocked} blocked people"
    );

    world.sandbox.journal().clear();
    let second = world.counts();
    assert_eq!(second["unchanged"], 260);
    assert_eq!(world.writes(), 0);
    let (third, _) = world.run(&[]);
    assert_eq!(third["cycle"], "incremental");
    assert_eq!(world.writes(), 0);
}

#[test]
fn every_attribute_arrives() {
    let world = World::people(40);
    let people = world.sandbox.people();
    let id = people.ids()[0];
    let boss = people.ids()[7];
    people.set(id, "position", "Head of Learning");
    people.set(id, "gender", "female");
    people.set(id, "employment_type", "internal");
    people.set_dates(id, "2020-02-01".parse().ok(), "2099-12-31".parse().ok());
    people.set_supervisor(id, Some(boss));
    world.run(&[]);
    let account: Value = world.account(id).resource;
    assert_eq!(account["userName"], people.text(id, "email").to_lowercase());
    assert_eq!(account["externalId"], id.to_string());
    assert_eq!(account["name"]["givenName"], people.text(id, "first_name"));
    assert_eq!(account["name"]["familyName"], people.text(id, "last_name"));
    assert_eq!(account["title"], "Head of Learning");
    let enterprise = &account["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
    let name = |key: &str| people.value(id, key).unwrap()["attributes"]["name"].clone();
    assert_eq!(enterprise["department"], name("department"));
    assert_eq!(enterprise["organization"], name("subcompany"));
    assert_eq!(enterprise["manager"]["value"], world.account(boss).id);
    let extension = &account["urn:ietf:params:scim:schemas:extension:reteach:2.0:User"];
    assert_eq!(extension["gender"], "female");
    assert_eq!(extension["location"], name("office"));
    assert_eq!(extension["employmentType"], "internal");
    assert_eq!(extension["contractEnd"], "2099-12-31");
}

#[test]
fn changes_leavers_and_rehires_follow_in_the_next_cycle() {
    let world = World::people(40);
    world.run(&[]);
    let people = world.sandbox.people();
    let ids: Vec<u64> = people
        .ids()
        .into_iter()
        .filter(|id| may_come_in(&world, *id))
        .collect();
    let (married, leaver) = (ids[0], ids[1]);
    world.sandbox.journal().clear();
    people.set_email(married, "new.name@example.com");
    people.terminate(leaver, today());
    let (run, code) = world.run(&[]);
    assert_eq!(code, 0, "{run:#}");
    assert_eq!(run["cycle"], "incremental");
    assert_eq!(
        (&run["counts"]["updated"], &run["counts"]["deactivated"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(world.account(married).user_name, "new.name@example.com");
    assert!(!world.account(leaver).active);
    assert_eq!(world.sandbox.journal().creates(), 0);

    people.rehire(leaver, today());
    let (run, _) = world.run(&[]);
    assert_eq!(run["counts"]["reactivated"], 1, "{run:#}");
    assert!(world.account(leaver).active);
    world.assert_in_step();
}

#[test]
fn a_mass_lock_out_is_staged_until_somebody_decides() {
    let world = World::people(60);
    world.run(&[]);
    for id in world.sandbox.people().ids() {
        world.sandbox.people().set_status(id, "inactive");
    }
    world.sandbox.journal().clear();
    let (run, code) = world.run(&[]);
    assert_eq!((code, &run["status"]), (6, &json!("partial")), "{run:#}");
    let staged = run["counts"]["staged"].as_u64().unwrap();
    assert!(staged > 12, "{run:#}");
    assert_eq!(run["counts"]["deactivated"], 0);
    let active = || {
        world
            .sandbox
            .accounts()
            .list()
            .iter()
            .filter(|a| a.active)
            .count() as u64
    };
    assert_eq!(active(), staged);

    let said = world.matricula(&["staged", "sync-employees", "--approve"]);
    assert_eq!(said.code, 0, "{said:?}");
    let (run, code) = world.run(&[]);
    assert_eq!(
        (code, run["counts"]["deactivated"].as_u64()),
        (0, Some(staged)),
        "{run:#}"
    );
    assert_eq!(active(), 0);
}

#[test]
fn an_existing_account_is_adopted_and_an_ambiguous_one_left_alone() {
    let world = World::people(30);
    let people = world.sandbox.people();
    let ids = people.ids();
    let address = people.text(ids[0], "email").to_uppercase();
    world
        .sandbox
        .accounts()
        .insert(json!({"userName": address, "active": true}))
        .unwrap();
    let (run, _) = world.run(&[]);
    assert_eq!(
        (&run["counts"]["created"], &run["counts"]["updated"]),
        (&json!(29), &json!(1)),
        "{run:#}"
    );
    assert_eq!(world.sandbox.journal().creates(), 29);
    world.assert_in_step();
}

#[test]
fn an_attribute_that_may_not_be_read_clears_nothing_and_is_named() {
    let world = World::people(30);
    world.run(&[]);
    let id = world.sandbox.people().ids()[0];
    let before = world.account(id);
    world.sandbox.people().hide("position");
    world.sandbox.people().hide("contract_end_date");
    world.sandbox.journal().clear();
    assert_eq!(world.counts()["unchanged"], 30);
    assert_eq!(world.writes(), 0);
    assert_eq!(world.account(id).resource, before.resource);

    let said = world.matricula(&["credential", "test", "hr"]);
    assert_eq!(said.code, 5, "{said:?}");
    for label in ["Position", "Contract end"] {
        assert!(said.out.contains(label), "{label} in {}", said.out);
    }
}

#[test]
fn secrets_are_nowhere_to_be_found() {
    let world = World::people(10);
    world.run(&["--log", "trace"]);
    let credentials = world.sandbox.credentials();
    let secrets = [
        &credentials.personio_client_secret,
        &credentials.scim_token,
        &credentials.reteach_client_secret,
        &credentials.reteach_client_code,
    ];
    let logged = world.matricula(&["run", "sync-employees", "--full", "--log", "trace"]);
    let listed = world.matricula(&["credential", "list", "--json"]);
    let mut places = vec![logged.out, logged.err, listed.out, listed.err];
    for entry in std::fs::read_dir(world.data.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            places.push(String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
        }
    }
    for place in places {
        for secret in secrets {
            assert!(
                !place.contains(secret.as_str()),
                "a secret in {}",
                &place[..place.len().min(200)]
            );
        }
    }
    // Tokens go to the right system only.
    assert!(world.sandbox.journal().requests(System::Personio) > 0);
}
