//! What bad input gets: a clear sentence, an exit code of its own, and nothing run.

use matricula_sandbox::{Credentials, Sandbox, System};
use tempfile::TempDir;

use crate::world::{World, root};

fn flow_with(change: impl Fn(&str) -> String) -> TempDir {
    let folder = TempDir::new().unwrap();
    let flow = std::fs::read_to_string(root().join("flows/sync-employees.flow.yaml")).unwrap();
    let changed = change(&flow);
    assert_ne!(flow, changed, "the flow file has changed: adapt this test");
    std::fs::write(folder.path().join("sync-employees.flow.yaml"), changed).unwrap();
    folder
}

#[test]
fn a_flow_file_with_mistakes_is_refused_with_their_places() {
    let cases: [(&str, &str, &[&str]); 5] = [
        (
            "position: trim(e.position)",
            "position: trim(e.positon)",
            &["positon", "position"],
        ),
        ("gender: e.gender", "gender: e.department", &["gender"]),
        (
            "first_name: trim(e.first_name)",
            "first_name: trim(e.first_name",
            &["first_name"],
        ),
        (
            "last_name: trim(e.last_name)",
            "last_nam: trim(e.last_name)",
            &["last_nam", "last_name"],
        ),
        ("every: 5m", "every: soon", &["every"]),
    ];
    for (right, wrong, words) in cases {
        let folder = flow_with(|flow| flow.replace(right, wrong));
        let world = World::people(5).with_flows(folder.path());
        for command in [["flow", "check"], ["run", "--full"]] {
            let mut arguments = command.to_vec();
            arguments.push("sync-employees");
            let said = world.matricula(&arguments);
            assert_eq!(said.code, 3, "{wrong}: {said:?}");
            for word in words {
                assert!(
                    said.err.contains(word) || said.out.contains(word),
                    "{word}: {said:?}"
                );
            }
            let place = format!("{}{}", said.out, said.err);
            assert!(
                place.contains("sync-employees.flow.yaml:"),
                "{wrong}: {place}"
            );
        }
        assert_eq!(
            world.sandbox.journal().requests(System::Personio),
            0,
            "{wrong}"
        );
    }
}

#[test]
fn cyclic_expressions_are_named() {
    let folder =
        flow_with(|flow| flow.replace("\nmap:\n", "\nlet:\n  one: two\n  two: one\nmap:\n"));
    let world = World::people(5).with_flows(folder.path());
    let said = world.matricula(&["flow", "check", "sync-employees"]);
    assert_eq!(said.code, 3, "{said:?}");
    assert!(
        format!("{}{}", said.out, said.err).contains("one"),
        "{said:?}"
    );
}

#[test]
fn the_flow_passes_its_check_and_its_tests() {
    let world = World::people(5);
    for command in ["check", "test"] {
        let said = world.matricula(&["flow", command, "sync-employees"]);
        assert_eq!(said.code, 0, "{said:?}");
    }
}

#[test]
fn wrong_credentials_are_one_sentence_and_nothing_is_written() {
    let world =
        World::without_credentials(Sandbox::builder().people(20).credentials(Credentials {
            personio_client_secret: "the right one".to_owned(),
            ..Credentials::default()
        }));
    let credentials = Credentials::default();
    world.with_input(
        &[
            "credential",
            "add",
            "personio",
            "--name",
            "hr",
            "--set",
            &format!("client_id={}", credentials.personio_client_id),
        ],
        "client_secret=a wrong one\n",
    );
    world.with_input(
        &[
            "credential",
            "add",
            "reteach",
            "--name",
            "academy",
            "--set",
            "scim_url=https://academy.example.com/scim/v2",
        ],
        &format!("scim_token={}\n", credentials.scim_token),
    );
    let (run, code) = world.run(&[]);
    assert_eq!(code, 5, "{run:#}");
    let message = run["error"]["message"].as_str().unwrap();
    assert!(message.contains("Personio"), "{message}");
    assert!(!message.contains("a wrong one"), "{message}");
    assert_eq!(world.writes(), 0);
    let tested = world.matricula(&["credential", "test", "hr"]);
    assert_eq!(tested.code, 5, "{tested:?}");
}

#[test]
fn secrets_are_refused_as_arguments() {
    let world = World::without_credentials(Sandbox::builder().people(1));
    let said = world.matricula(&[
        "credential",
        "add",
        "personio",
        "--name",
        "hr",
        "--set",
        "client_id=x",
        "--set",
        "client_secret=hush",
    ]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(!said.err.contains("hush"), "{said:?}");
}

#[test]
fn bad_records_have_their_own_outcome_and_everybody_else_goes_on() {
    let world = World::people(30);
    let people = world.sandbox.people();
    let ids = people.ids();
    people.set(ids[3], "email", "");
    people.set(ids[5], "contract_end_date", "2026-02-31T00:00:00+01:00");
    let (run, code) = world.run(&[]);
    assert_eq!(code, 6, "{run:#}");
    assert_eq!(run["counts"]["created"], 28, "{run:#}");
    assert_eq!(run["counts"]["failed"], 2);
    let shown = world.matricula(&["run", "show", &run["run"].to_string(), "--json"]);
    for id in [ids[3], ids[5]] {
        assert!(shown.out.contains(&id.to_string()), "{shown:?}");
    }
    assert!(shown.out.contains("contract_end_date"), "{shown:?}");
}
