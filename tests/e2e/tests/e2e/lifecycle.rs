//! What owners do with automations, from the start to the end.

use serde_json::Value;

use crate::served::{Server, settled, standing, start, wait_for};
use crate::world::{World, root};

#[test]
fn a_flow_that_requires_another_waits_for_its_first_full_cycle() {
    let flows = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(root().join("flows/sync-employees.flow.yaml")).unwrap();
    std::fs::write(flows.path().join("sync-employees.flow.yaml"), &text).unwrap();
    let second = text.replace(
        "flow: sync-employees",
        "flow: second\nrequires: [{ flow: sync-employees }]",
    );
    std::fs::write(flows.path().join("second.flow.yaml"), second).unwrap();
    let world = World::people(5).with_flows(flows.path());
    let second = || world.matricula(&["start", "second", "--yes", "--json"]);
    let refused = second();
    let error: Value = serde_json::from_str(refused.err.trim()).unwrap();
    assert_eq!(
        (refused.code, &error["error"]["code"]),
        (2, &Value::from("automation.requirement"))
    );
    start(&world, &[]);
    assert_eq!(second().code, 2, "started is not yet succeeded");
    let server = Server::start(&world);
    wait_for(&world, "the first cycle", || settled(&world));
    let started = second();
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn a_new_version_of_a_flow_changes_nothing_until_it_is_adopted() {
    let flows = tempfile::tempdir().unwrap();
    let file = flows.path().join("sync-employees.flow.yaml");
    let text = std::fs::read_to_string(root().join("flows/sync-employees.flow.yaml")).unwrap();
    std::fs::write(&file, &text).unwrap();
    let world = World::people(8).with_flows(flows.path());
    start(&world, &[]);
    let server = Server::start(&world);
    wait_for(&world, "the first cycle", || settled(&world));
    let new = text
        .replace("version: 1.0.0", "version: 1.1.0")
        .replace("position: trim(e.position)", "position: \"'Staff'\"");
    assert_ne!(new, text);
    std::fs::write(&file, new).unwrap();
    let id = world.sandbox.people().ids()[0];
    let title = || world.account(id).resource["title"].clone();
    let run = world.matricula(&["automation", "run", "sync-employees", "--full"]);
    assert_eq!(run.code, 0, "{run:?}");
    wait_for(&world, "a cycle with the version that was started", || {
        standing(&world)["last_run"] == 2
    });
    assert_ne!(title(), "Staff");
    let adopted = world.matricula(&["automation", "adopt", "sync-employees", "--yes"]);
    assert_eq!(adopted.code, 0, "{adopted:?}");
    wait_for(&world, "a cycle with the new version", || {
        title() == "Staff"
    });
    let history = world.matricula(&["automation", "history", "sync-employees", "--json"]);
    let newest: Value = serde_json::from_str(history.out.lines().next().unwrap()).unwrap();
    assert_eq!(newest["deed"], "flow-adopted");
    assert_eq!(
        newest["details"],
        serde_json::json!({ "old": "1.0.0", "new": "1.1.0" })
    );
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn owners_begin_anew_with_one_person_the_failed_or_everybody() {
    let world = World::people(10);
    start(&world, &[]);
    let server = Server::start(&world);
    wait_for(&world, "the first cycle", || settled(&world));
    let automation = |rest: &[&str]| {
        let mut all = vec!["automation"];
        all.extend(rest);
        all.push("--json");
        let said = world.matricula(&all);
        assert_eq!(said.code, 0, "{said:?}");
        serde_json::from_str::<Value>(&said.out).unwrap()
    };
    let last_run = || standing(&world)["last_run"].as_i64().unwrap();
    let shown = |run: i64| -> Value {
        let said = world.matricula(&["run", "show", &run.to_string(), "--json"]);
        serde_json::from_str(&said.out).unwrap()
    };

    let id = world.sandbox.people().ids()[3];
    assert_eq!(
        automation(&["forget", "sync-employees", &id.to_string()])["forgotten"],
        true
    );
    automation(&["run", "sync-employees", "--full"]);
    wait_for(&world, "the cycle after a link was forgotten", || {
        last_run() == 2
    });
    let outcomes = shown(2)["outcomes"].as_array().unwrap().clone();
    assert_eq!(outcomes.len(), 1, "{outcomes:?}");
    assert_eq!(outcomes[0]["key"], id.to_string());
    assert_eq!(
        outcomes[0]["kind"], "updated",
        "adopted again, not made twice"
    );

    automation(&["reevaluate", "sync-employees"]);
    wait_for(&world, "the cycle that evaluates everybody", || {
        last_run() == 3
    });
    assert_eq!(shown(3)["cycle"], "full");
    assert_eq!(shown(3)["counts"]["unchanged"], 10);

    assert_eq!(automation(&["retry", "sync-employees"])["records"], 0);
    wait_for(&world, "the cycle that tries again", || last_run() == 4);
    let erased = world.matricula(&["erase", "--person", &id.to_string(), "--json"]);
    assert!(erased.out.contains("rows\":"), "{erased:?}");
    assert_eq!(shown(2)["outcomes"], serde_json::json!([]));
    let csv = world.matricula(&["run", "show", "1", "--csv"]);
    assert!(csv.out.lines().count() > 9, "those who were not erased");
    let erased = format!("{id},");
    assert!(!csv.out.lines().any(|line| line.starts_with(&erased)));
    assert_eq!(server.terminate(), Some(0));
    world.assert_in_step();
}

#[test]
fn what_cannot_be_started_is_refused_and_leaves_nothing() {
    let world = World::people(5);
    let refused: &[(&[&str], i32, &str)] = &[
        (&["no-such-flow"], 2, "flow.unknown"),
        (
            &["sync-employees", "--setting", "last_day=often"],
            3,
            "settings.wrong",
        ),
        (
            &["sync-employees", "--setting", "nonsense=1"],
            3,
            "settings.wrong",
        ),
        (
            &["sync-employees", "--cron", "0 0 30 2 *"],
            3,
            "schedule.never",
        ),
        (&["sync-employees", "--cron", "x"], 3, "schedule.unreadable"),
        (
            &[
                "sync-employees",
                "--cron",
                "0 4 * * *",
                "--time-zone",
                "Europe/Berln",
            ],
            3,
            "schedule.time-zone",
        ),
        (
            &["sync-employees", "--every", "30s"],
            3,
            "schedule.too-often",
        ),
        (
            &["sync-employees", "--source", "academy"],
            2,
            "credential.mismatch",
        ),
        (
            &["sync-employees", "--source", "nobody"],
            2,
            "credential.unknown",
        ),
        (&["sync-employees", "--alert", "nobody"], 2, "contact.wrong"),
    ];
    for (arguments, exit, code) in refused {
        let mut all = vec!["start", "--yes", "--json"];
        all.extend(*arguments);
        let said = world.matricula(&all);
        let error: Value =
            serde_json::from_str(said.err.trim()).unwrap_or_else(|_| panic!("{said:?}"));
        assert_eq!(
            (said.code, error["error"]["code"].as_str()),
            (*exit, Some(*code)),
            "{said:?}"
        );
        assert!(error["error"]["message"].as_str().unwrap().len() > 20);
    }
    let list = world.matricula(&["automation", "list", "--json"]);
    assert_eq!(list.out, "", "nothing was kept");
}

#[test]
fn a_started_automation_runs_at_once_and_can_be_stopped_and_started() {
    let world = World::people(40);
    start(&world, &[]);
    let server = Server::start(&world);
    wait_for(&world, "the first cycle", || settled(&world));
    world.assert_in_step();
    let stopped = world.matricula(&["automation", "deactivate", "sync-employees", "--json"]);
    let stopped: Value = serde_json::from_str(&stopped.out).unwrap();
    assert_eq!(stopped["lifecycle"], "deactivated");
    assert!(stopped["next_run_at"].is_null());

    let id = world.sandbox.people().ids()[0];
    world.sandbox.people().set_email(id, "moved@example.com");
    let run = world.matricula(&["automation", "run", "sync-employees"]);
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.err.contains("is deactivated"), "{run:?}");
    let before = world.matricula(&["runs", "--json"]).out.lines().count();
    let started = world.matricula(&["automation", "activate", "sync-employees"]);
    assert_eq!(started.code, 0, "{started:?}");
    wait_for(&world, "the cycle after it was started again", || {
        world.account(id).user_name == "moved@example.com"
    });
    assert_eq!(server.terminate(), Some(0));
    let after = world.matricula(&["runs", "--json"]).out;
    assert_eq!(after.lines().count(), before + 1);
    let history = world.matricula(&["automation", "history", "sync-employees", "--json"]);
    let deeds: Vec<String> = history
        .out
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).unwrap()["deed"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(deeds, ["reactivated", "deactivated", "started"]);
}
