//! Employees from Personio to Winningtemp: matched by e-mail address, and honest about what SCIM does not carry there.

mod reading;

use matricula_sandbox::{
    Account, Attribute, Builder, Entry, Extension, Fault, FaultKind, Sandbox, ScimSchemas, System,
};
use serde_json::{Value, json};

use crate::cycle::{date, today};
use crate::teams::{assert_right, move_to_department_of, unit};
use crate::world::World;

const FLOW: &str = "sync-employees-to-winningtemp";
const SCIM: System = System::WinningtempScim;

/// What a service could offer beyond what is documented.
const GENEROUS: Extension = Extension {
    urn: "urn:ietf:params:scim:schemas:extension:winningtemp:2.0:User",
    name: "Winningtemp User",
    attributes: &[
        Attribute::text("gender", "Gender"),
        Attribute::day("birthday", "Birthday"),
        Attribute::day("hireDate", "First day of work"),
        Attribute::day("terminationDate", "Last day of work"),
        Attribute::yes_or_no("sendInvitation", "Whether the person is invited"),
    ],
};

fn start(sandbox: Builder) -> World {
    World::start_for(&["personio", "winningtemp"], sandbox)
}

fn run(world: &World, arguments: &[&str]) -> Value {
    let (run, code) = world.run_flow(FLOW, arguments);
    assert_eq!((code, &run["status"]), (0, &json!("succeeded")), "{run:#}");
    run
}

/// What the external id of somebody's account says.
fn key(id: u64) -> String {
    format!("personio:{id}")
}

fn account(world: &World, id: u64) -> Account {
    let found = world.sandbox.accounts_of(SCIM).by_external_id(&key(id));
    found.unwrap_or_else(|| panic!("no account of {id}"))
}

/// Everybody has one account, with the right address, and nobody else has.
fn assert_in_step(world: &World) {
    let people = world.sandbox.people();
    for id in people.ids() {
        let address = people.text(id, "email").trim().to_lowercase();
        assert_eq!(account(world, id).user_name, address);
    }
    assert_eq!(world.sandbox.accounts_of(SCIM).len(), people.len());
}

/// Whether somebody's account is to be active; the last day can still be worked.
fn works(world: &World, id: u64) -> bool {
    let begun = date(world, id, "hire_date").is_none_or(|day| day <= today());
    let ended = ["contract_end_date", "termination_date"]
        .into_iter()
        .filter_map(|key| date(world, id, key))
        .any(|day| day < today());
    begun && !ended && world.sandbox.people().text(id, "status") != "inactive"
}

fn working(world: &World) -> Vec<u64> {
    let ids = world.sandbox.people().ids().into_iter();
    ids.filter(|&id| works(world, id)).collect()
}

fn writes(world: &World) -> Vec<Entry> {
    let entries = world.sandbox.journal().entries().into_iter();
    entries
        .filter(|e| e.system == SCIM && e.method != "GET")
        .collect()
}

#[test]
fn everybody_is_there_and_the_second_cycle_writes_nothing() {
    let world = start(Sandbox::builder().people(120).seed(5));
    let first = run(&world, &[]);
    assert_eq!(
        (&first["flow"], &first["cycle"], &first["counts"]["created"]),
        (&json!(FLOW), &json!("full"), &json!(120))
    );
    assert_in_step(&world);
    let people = world.sandbox.people();
    for id in people.ids() {
        let account = account(&world, id);
        assert_eq!(account.active, works(&world, id), "{id}");
        assert_eq!(
            account.text("/name/givenName"),
            Some(people.text(id, "first_name").trim())
        );
        assert_eq!(
            account.text("/name/familyName"),
            Some(people.text(id, "last_name").trim())
        );
    }
    assert!(world.sandbox.groups(SCIM).is_empty(), "none were chosen");

    world.sandbox.journal().clear();
    let second = world.counts_of(FLOW, &[]);
    assert_eq!(second["unchanged"], 120);
    assert_eq!(run(&world, &[])["cycle"], "incremental");
    assert!(writes(&world).is_empty(), "{:#?}", writes(&world));
}

#[test]
fn what_scim_does_not_carry_is_said_by_the_run_and_by_the_test_of_the_credential() {
    let world = start(Sandbox::builder().people(20));
    let said = run(&world, &[]).to_string();
    for name in [
        "Gender",
        "Birthday",
        "Hire date",
        "Termination date",
        "Automatic invitation",
    ] {
        assert!(said.contains(name), "{name} in {said}");
    }
    let tested = world.matricula(&["credential", "test", "winningtemp", "--flow", FLOW]);
    assert_eq!(tested.code, 5, "{tested:?}");
    for name in ["Gender", "Birthday", "Automatic invitation"] {
        assert!(tested.out.contains(name), "{name} in {}", tested.out);
    }
    assert!(tested.out.contains("people there: 20"), "{}", tested.out);
}

#[test]
fn what_scim_does_carry_arrives() {
    let world = start(Sandbox::builder().people(30).seed(5).flavour(SCIM, |f| {
        f.schemas = ScimSchemas::WithExtension;
        f.extension = Some(GENEROUS);
    }));
    let people = world.sandbox.people();
    let id = working(&world)[0];
    people.set(id, "gender", "female");
    people.set(id, "dynamic_9100002", "1990-02-03T00:00:00+01:00");
    let first = run(&world, &["--setting", "invitations=false"]);
    assert!(!first.to_string().contains("Birthday"), "{first:#}");
    let known = account(&world, id);
    let own = &known.resource[GENEROUS.urn];
    assert_eq!(own["gender"], "female");
    assert_eq!(own["birthday"], "1990-02-03");
    assert_eq!(own["hireDate"], people.text(id, "hire_date")[..10]);
    assert_eq!(own["sendInvitation"], false);
    assert_eq!(own.get("terminationDate"), None);
    let tested = world.matricula(&["credential", "test", "winningtemp", "--flow", FLOW]);
    assert_eq!(tested.code, 0, "{tested:?}");

    world.sandbox.journal().clear();
    assert_eq!(
        world.counts_of(FLOW, &["--setting", "invitations=false"])["unchanged"],
        30
    );
    assert!(writes(&world).is_empty());
    run(&world, &["--full", "--setting", "invitations=true"]);
    let invited = account(&world, id);
    assert_eq!(invited.resource[GENEROUS.urn]["sendInvitation"], true);
}

#[test]
fn a_last_day_that_is_to_come_is_written_changed_and_cleared() {
    let world = start(Sandbox::builder().people(30).seed(5).flavour(SCIM, |f| {
        f.schemas = ScimSchemas::WithExtension;
        f.extension = Some(GENEROUS);
    }));
    let people = world.sandbox.people();
    let stays = |id: &u64| {
        date(&world, *id, "contract_end_date").is_none()
            && date(&world, *id, "termination_date").is_none()
    };
    let id = working(&world).into_iter().find(stays).unwrap();
    run(&world, &[]);
    let (soon, later) = (
        today().saturating_add(jiff::Span::new().days(30)),
        today().saturating_add(jiff::Span::new().days(60)),
    );
    for day in [Some(soon), Some(later), None] {
        let text = day.map(|day| format!("{day}T00:00:00+01:00"));
        people.set(id, "termination_date", json!(text));
        world.sandbox.journal().clear();
        let changed = run(&world, &[]);
        assert_eq!(
            (&changed["cycle"], &changed["counts"]["updated"]),
            (&json!("incremental"), &json!(1)),
            "{changed:#}"
        );
        let account = account(&world, id);
        let own = &account.resource[GENEROUS.urn];
        let day = day.map(|day| day.to_string());
        assert_eq!(own["terminationDate"].as_str(), day.as_deref());
        assert!(account.active, "the last day can still be worked");
        assert_eq!(own["hireDate"], people.text(id, "hire_date")[..10]);
        world.sandbox.journal().clear();
        assert_eq!(world.counts_of(FLOW, &[])["updated"], 0);
        assert!(writes(&world).is_empty(), "{:#?}", writes(&world));
    }
}

#[test]
fn who_is_there_already_is_found_by_the_e_mail_address() {
    let world = start(Sandbox::builder().people(30).seed(5));
    let people = world.sandbox.people();
    let ids = people.ids();
    let address = people.text(ids[0], "email").to_uppercase();
    let accounts = world.sandbox.accounts_of(SCIM);
    let known = accounts
        .insert(json!({"userName": address, "emails": [{"value": address, "primary": true}]}))
        .unwrap();
    // Another integration numbers people as well; that says nothing about who they are.
    let stranger = accounts
        .insert(
            json!({"userName": "stranger@example.org", "externalId": ids[1].to_string(),
            "emails": [{"value": "stranger@example.org", "primary": true}]}),
        )
        .unwrap();
    let first = run(&world, &[]);
    assert_eq!(
        (&first["counts"]["created"], &first["counts"]["updated"]),
        (&json!(29), &json!(1)),
        "{first:#}"
    );
    let adopted = accounts.get(&known.id).unwrap();
    assert_eq!(adopted.external_id, Some(key(ids[0])));
    assert_eq!(accounts.get(&stranger.id).unwrap(), stranger);
}

#[test]
fn changes_leavers_and_rehires_follow() {
    let world = start(Sandbox::builder().people(40).seed(5));
    let departments = ["--setting", r#"teams_from=["department"]"#];
    run(&world, &departments);
    assert_right(&world, SCIM, &["department"]);
    let people = world.sandbox.people();
    let ids = working(&world);
    let (married, leaver) = (ids[0], ids[1]);
    let moved = ids.iter().copied().find(|&id| {
        id != married
            && id != leaver
            && unit(&world, id, "department") != unit(&world, married, "department")
    });
    let moved = moved.unwrap();
    let before = account(&world, leaver).id;
    world.sandbox.journal().clear();
    people.set_email(married, "new.name@example.com");
    people.terminate(leaver, today().yesterday().unwrap());
    move_to_department_of(&world, moved, married);
    let changed = run(&world, &departments);
    assert_eq!(changed["cycle"], "incremental");
    assert_eq!(
        (
            &changed["counts"]["updated"],
            &changed["counts"]["deactivated"]
        ),
        (&json!(2), &json!(1)),
        "{changed:#}"
    );
    assert_eq!(account(&world, married).user_name, "new.name@example.com");
    assert_eq!(
        account(&world, married).text("/emails/0/value"),
        Some("new.name@example.com")
    );
    assert!(!account(&world, leaver).active);
    assert_right(&world, SCIM, &["department"]);

    people.rehire(leaver, today());
    let back = run(&world, &departments);
    assert_eq!(back["counts"]["reactivated"], 1, "{back:#}");
    let after = account(&world, leaver);
    assert_eq!((after.active, after.id), (true, before));
    assert_right(&world, SCIM, &["department"]);
    assert_eq!(world.sandbox.journal().creates(), 0);
}

#[test]
fn one_refused_person_does_not_hold_up_the_others_and_comes_with_the_next_cycle() {
    let world = start(Sandbox::builder().people(40).seed(5));
    let refused = Fault::new(FaultKind::Status(400))
        .system(SCIM)
        .method("POST");
    world.sandbox.faults().add(refused.path("/Users").nth(4));
    let (first, code) = world.run_flow(FLOW, &[]);
    assert_eq!(
        (code, &first["status"]),
        (6, &json!("partial")),
        "{first:#}"
    );
    assert_eq!(
        (&first["counts"]["failed"], &first["counts"]["created"]),
        (&json!(1), &json!(39))
    );
    // Whoever was refused is tried again at once when there is something new about them.
    let people = world.sandbox.people();
    let accounts = world.sandbox.accounts_of(SCIM);
    let missing = |id: &u64| accounts.by_external_id(&key(*id)).is_none();
    let refused = people.ids().into_iter().find(missing).unwrap();
    people.set(refused, "last_name", "Newname");
    assert_eq!(run(&world, &[])["counts"]["created"], 1);
    assert_in_step(&world);
}

#[test]
fn winningtemp_is_waited_for() {
    let world = start(Sandbox::builder().people(30).seed(5));
    for nth in [1, 5] {
        let fault = Fault::new(FaultKind::TooManyRequests(Some(1))).system(SCIM);
        world.sandbox.faults().add(fault.path("/Users").nth(nth));
    }
    run(&world, &[]);
    assert_eq!(world.sandbox.journal().stats().limited, 2);
    assert_in_step(&world);
}

#[test]
fn it_runs_every_night_and_reports_to_the_named_recipients_once_the_owner_knows_what_is_not_carried()
 {
    let world = start(Sandbox::builder().people(10));
    let mut begin = vec!["start", FLOW, "--yes", "--report", "owner@example.com:de"];
    let refused = world.matricula(&begin);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(
        format!("{}{}", refused.out, refused.err).contains("Birthday"),
        "{refused:?}"
    );
    begin.push("--accept-findings");
    let begun = world.matricula(&begin);
    assert_eq!(begun.code, 0, "{begun:?}");
    let shown = world.matricula(&["automation", "show", FLOW, "--json"]);
    for expected in ["0 1 * * *", "Europe/Stockholm", "owner@example.com"] {
        assert!(shown.out.contains(expected), "{expected} in {}", shown.out);
    }
}
