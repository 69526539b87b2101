//! Winningtemp as a source: people and teams as its REST API lists them, by flows that read them into the academy.

use matricula_sandbox::{Fault, FaultKind, Sandbox, System};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::SCIM;
use crate::world::World;

/// More than a page of the API holds.
const PEOPLE: usize = 130;

const FROM_PEOPLE: &str = "
flow: people-of-winningtemp
version: 1.0.0
title: { en: People of Winningtemp into the academy }
source: { connector: winningtemp, stream: users, as: u }
target: { connector: reteach, operation: upsert-user }
schedule: { every: 1h, full: 24h }
match:
  - external_id: u.id
map:
  external_id: u.id
  email: lower(trim(u.email))
  first_name: trim(u.first_name)
  last_name: trim(u.last_name)
leavers: block
";

/// A mailbox for each team.
const FROM_TEAMS: &str = "
flow: teams-of-winningtemp
version: 1.0.0
title: { en: Mailboxes of Winningtemp's teams in the academy }
source: { connector: winningtemp, stream: teams, as: t }
target: { connector: reteach, operation: upsert-user }
schedule: { every: 1h, full: 24h }
match:
  - external_id: t.id
map:
  external_id: t.id
  email: 'lower(t.id) + \"@example.com\"'
  first_name: t.type
  last_name: trim(t.name)
leavers: block
";

/// A world with that flow; the folder of flows goes with the test.
fn reading(flow: &str, text: &str) -> (World, TempDir) {
    let flows = TempDir::new().unwrap();
    std::fs::write(flows.path().join(format!("{flow}.flow.yaml")), text).unwrap();
    let world = World::start_for(&["winningtemp", "reteach"], Sandbox::builder().people(1));
    (world.with_flows(flows.path()), flows)
}

fn planned(world: &World, flow: &str) -> Value {
    let said = world.matricula(&["plan", flow, "--json"]);
    let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    plan["counts"].clone()
}

#[test]
fn people_are_read_to_the_last_page_and_who_is_gone_is_noticed_only_in_a_complete_list() {
    const FLOW: &str = "people-of-winningtemp";
    let (world, _flows) = reading(FLOW, FROM_PEOPLE);
    let there = world.sandbox.accounts_of(SCIM);
    for number in 0..PEOPLE {
        let address = format!("Person{number}@example.com");
        let user = json!({
            "userName": address,
            "name": {"givenName": format!("Given {number}"), "familyName": format!("Family {number}")},
            "emails": [{"value": address, "type": "work", "primary": true}],
        });
        there.insert(user).unwrap();
    }
    assert_eq!(planned(&world, FLOW)["created"], PEOPLE);
    assert_eq!(world.writes(), 0);
    assert_eq!(world.counts_of(FLOW, &[])["created"], PEOPLE);
    let academy = world.sandbox.accounts();
    assert_eq!(academy.len(), PEOPLE);
    for person in there.list() {
        let account = academy.by_external_id(&person.id).unwrap();
        let address = person.text("/emails/0/value").unwrap().to_lowercase();
        assert_eq!((account.user_name, account.active), (address, true));
        for pointer in ["/name/givenName", "/name/familyName"] {
            let account = academy.by_external_id(&person.id).unwrap();
            assert_eq!(account.text(pointer), person.text(pointer));
        }
    }
    let rest = world.sandbox.journal().requests(System::Winningtemp);
    assert!(rest > 2, "over the API: {rest}");
    world.sandbox.journal().clear();
    assert_eq!(world.counts_of(FLOW, &[])["unchanged"], PEOPLE);
    assert_eq!(world.writes(), 0);

    // A list that has fewer people than it says makes nobody a leaver.
    let gone = there.list()[7].id.clone();
    assert!(there.remove(&gone));
    let more = Fault::new(FaultKind::WrongTotal(3)).system(System::Winningtemp);
    let more = world.sandbox.faults().add(more.path("/users/v2"));
    for _ in 0..3 {
        world.counts_of(FLOW, &[]);
    }
    assert!(world.sandbox.faults().fired(more) > 0);
    assert!(academy.by_external_id(&gone).unwrap().active);
    world.sandbox.faults().clear();
    world.counts_of(FLOW, &[]);
    assert_eq!(world.counts_of(FLOW, &[])["deactivated"], 1);
    assert!(!academy.by_external_id(&gone).unwrap().active);
    assert_eq!(academy.blocked(), 1);
}

#[test]
fn teams_are_read_with_their_names() {
    const FLOW: &str = "teams-of-winningtemp";
    let (world, _flows) = reading(FLOW, FROM_TEAMS);
    let groups = world.sandbox.groups(SCIM);
    for name in ["Department IT", "Näherei & Co", "Peter Wright's team"] {
        groups.insert(json!({"displayName": name})).unwrap();
    }
    // Too many questions are a matter of waiting here as anywhere.
    let fault = Fault::new(FaultKind::TooManyRequests(Some(1))).system(System::Winningtemp);
    let fault = fault.path("/teams/v2").times(1);
    let fault = world.sandbox.faults().add(fault);
    assert_eq!(world.counts_of(FLOW, &[])["created"], 3);
    assert_eq!(world.sandbox.faults().fired(fault), 1);
    for team in groups.list() {
        let account = world.sandbox.accounts().by_external_id(&team.id).unwrap();
        assert_eq!(account.text("/name/familyName"), Some(team.name.as_str()));
        assert_eq!(account.text("/name/givenName"), Some("Flex"));
    }
    let team = groups.list()[0].id.clone();
    groups
        .patch(
            &team,
            json!([{"op": "replace", "path": "displayName", "value": "Department Engineering"}]),
        )
        .unwrap();
    assert_eq!(world.counts_of(FLOW, &[])["updated"], 1);
    let account = world.sandbox.accounts().by_external_id(&team).unwrap();
    assert_eq!(
        account.text("/name/familyName"),
        Some("Department Engineering")
    );
}
