//! Certificates from the academy into the personnel files in Personio, each exactly once.
//!
//! An upload cannot be taken back, so what counts is what lies in Personio in the end, whatever happened on the
//! way: both sides of the sandbox are compared as wholes. A title and a date are the same for many people and
//! courses; the comment names the certificate, which is what doubts are resolved by too, and the hash its bytes.

use std::collections::BTreeMap;

use matricula_sandbox::{Builder, Entry, Fault, FaultKind, Sandbox, System, Trouble};
use serde_json::Value;

use crate::kill::{run_killed, was_killed};
use crate::world::World;

const FLOW: &str = "sync-certificates";

/// Sixty uploads a minute are what Personio allows; the sandbox allows more where it is told to.
const FAST: &str = "--no-documented-limits";

/// A world whose people have accounts and certificates.
fn started(builder: Builder) -> World {
    let world = World::start(builder);
    let (run, code) = world.run(&[]);
    assert_eq!(code, 0, "{run:#}");
    world
}

/// One run of the certificate flow; its JSON and its exit code.
fn deliver(world: &World, arguments: &[&str]) -> (Value, i32) {
    let mut all = vec!["run", FLOW, "--json", FAST];
    all.extend(arguments);
    let said = world.matricula(&all);
    let json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    (json, said.code)
}

/// Employee, title, date, comment and hash of a document.
type Filed = (String, String, String, String, String);

/// Every document that ought to be there.
fn wanted(world: &World) -> BTreeMap<Filed, usize> {
    let mut wanted = BTreeMap::new();
    for certificate in world.sandbox.certificates().list(true) {
        let unfit = certificate
            .trouble
            .is_some_and(|trouble| !matches!(trouble, Trouble::Expired | Trouble::Replaced));
        let (Some(employee), Some(sha256), false) =
            (certificate.employee, certificate.sha256, unfit)
        else {
            continue;
        };
        let (title, date) = (certificate.course, certificate.completed_on.to_string());
        let comment = format!(
            "{title}, completed on {date} (certificate {})",
            certificate.id
        );
        *wanted
            .entry((employee, title, date, comment, sha256))
            .or_default() += 1;
    }
    wanted
}

/// Every document in Personio, and how often it is there.
fn held(world: &World) -> BTreeMap<Filed, usize> {
    let mut held = BTreeMap::new();
    for document in world.sandbox.documents().list() {
        let date = document.date.map(|date| date.to_string());
        *held
            .entry((
                document.employee.to_string(),
                document.title,
                date.unwrap_or_default(),
                document.comment.unwrap_or_default(),
                document.sha256,
            ))
            .or_default() += 1;
    }
    held
}

/// So many certificates are there, each once, with the right owner, title, date, comment and bytes, in the right
/// category.
fn assert_delivered(world: &World, number: usize) {
    let (wanted, held) = (wanted(world), held(world));
    assert_eq!(wanted.len(), number, "certificates that can be delivered");
    let missing: Vec<_> = wanted
        .iter()
        .filter(|(filed, count)| held.get(*filed) != Some(*count))
        .take(3)
        .collect();
    let too_many: Vec<_> = held
        .iter()
        .filter(|(filed, count)| wanted.get(*filed) != Some(*count))
        .take(3)
        .collect();
    assert!(
        missing.is_empty() && too_many.is_empty(),
        "{} of {number}; missing {missing:?}; too many {too_many:?}",
        held.len(),
    );
    let documents = world.sandbox.documents();
    let category = documents.categories();
    let category = category
        .iter()
        .find(|category| category.name == "Learning certificates")
        .unwrap();
    let listed = documents.list();
    assert_eq!(listed.len(), number);
    for document in listed {
        assert_eq!(document.category, category.id);
        assert_eq!(document.media_type.as_deref(), Some("application/pdf"));
    }
}

/// Uploads that go wrong in every way that leaves somebody in doubt, and in some that do not.
fn trouble(builder: Builder) -> Builder {
    let upload = |kind| {
        Fault::new(kind)
            .system(System::Personio)
            .method("POST")
            .path("/documents")
    };
    builder
        .fault(upload(FaultKind::LostAnswer).probability(0.05))
        .fault(upload(FaultKind::Status(500)).probability(0.01))
        .fault(upload(FaultKind::TooManyRequests(Some(1))).every(97))
        .fault(
            Fault::new(FaultKind::Status(500))
                .system(System::Reteach)
                .probability(0.01),
        )
}

/// Runs until a run is not killed; how often one was. Each is killed after so many requests.
fn with_kills(world: &World, after: impl Fn(u64) -> u64, most: u64) -> (u64, Value, i32) {
    for round in 0..most {
        let at = world.sandbox.journal().last_number() + after(round);
        let condition = move |entry: &Entry| entry.number == at;
        let run = ["run", FLOW, "--json", FAST];
        let output = run_killed(world, &run, round % 2 == 1, condition);
        if was_killed(&output) {
            continue;
        }
        let run = serde_json::from_slice(&output.stdout).unwrap();
        return (round, run, output.status.code().unwrap_or(-1));
    }
    panic!("killed {most} times without an end");
}

#[test]
fn everything_issued_earlier_arrives_and_what_is_new_follows() {
    let world = started(Sandbox::builder().people(40).certificates(300).limits(None));
    let said = world.matricula(&["plan", FLOW, "--json"]);
    let plan: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    assert_eq!(plan["counts"]["created"], 300, "{plan:#}");
    assert!(world.sandbox.documents().is_empty());
    let (run, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &run["counts"]["created"]),
        (0, &300.into()),
        "{run:#}"
    );
    assert_eq!(
        run["notes"][0],
        "category: nothing was chosen, so \"Learning certificates\" of Personio was taken"
    );
    assert_delivered(&world, 300);

    let holder = world.sandbox.documents().list()[0].employee.to_string();
    let holder = matricula_sandbox::Holder::Employee(holder);
    world
        .sandbox
        .certificates()
        .issue(&matricula_sandbox::Issue::to(holder));
    let (run, _) = deliver(&world, &[]);
    assert_eq!(run["cycle"], "incremental");
    assert_eq!(run["counts"]["created"], 1, "{run:#}");
    let (run, code) = deliver(&world, &["--full"]);
    assert_eq!(
        (code, &run["counts"]["unchanged"]),
        (0, &301.into()),
        "{run:#}"
    );
    assert_delivered(&world, 301);
}

#[test]
fn five_thousand_arrive_once_whatever_happens() {
    let builder = Sandbox::builder()
        .people(200)
        .certificates(5_000)
        .certificate_bytes(2_000)
        .limits(None);
    let world = started(trouble(builder));
    let said = world.matricula(&["start", FLOW, "--yes"]);
    assert_eq!(said.code, 0, "{said:?}");
    let (kills, run, code) = with_kills(&world, |round| 300 + (round * 379) % 1_500, 60);
    assert!(kills >= 5, "{kills} kills");
    // What was lost on the way is not sent again by the same run. Nobody waits ten minutes for it here.
    let mut last = (run, code);
    for _ in 0..8 {
        if last.1 == 0 {
            break;
        }
        let said = world.matricula(&["automation", "retry", FLOW]);
        assert_eq!(said.code, 0, "{said:?}");
        last = deliver(&world, &[]);
    }
    assert_eq!(last.1, 0, "{:#}", last.0);
    assert_delivered(&world, 5_000);
    world.sandbox.faults().clear();
    let (run, code) = deliver(&world, &["--full"]);
    assert_eq!(
        (code, &run["counts"]["unchanged"]),
        (0, &5_000.into()),
        "{run:#}"
    );
}

#[test]
fn without_the_right_to_read_documents_nothing_is_doubled() {
    let builder = Sandbox::builder()
        .people(50)
        .certificates(600)
        .no_documents_read()
        .limits(None);
    let world = started(trouble(builder));
    let (kills, ..) = with_kills(&world, |round| 150 + (round * 131) % 400, 40);
    assert!(kills >= 2, "{kills} kills");
    world.sandbox.faults().clear();
    let (run, code) = deliver(&world, &["--full"]);
    assert_eq!(code, 6, "partial: {run:#}");
    let doubtful = run["counts"]["ambiguous"].as_u64().unwrap();
    assert!(doubtful >= 10, "{doubtful}");
    let (wanted_now, held_now) = (wanted(&world), held(&world));
    // Of the doubtful ones nobody knows; all others are there.
    let certain = 600 - usize::try_from(doubtful).unwrap();
    assert!(held_now.len() >= certain, "{} documents", held_now.len());
    for filed in &held_now {
        assert_eq!(wanted_now.get(filed.0), Some(filed.1), "{filed:?}");
    }

    // Each is listed, and an owner decides by what is there.
    let said = world.matricula(&["documents", FLOW, "--json"]);
    let listed: Vec<Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(listed.len() as u64, doubtful, "{listed:?}");
    let comments: Vec<String> = world
        .sandbox
        .documents()
        .list()
        .into_iter()
        .filter_map(|document| document.comment)
        .collect();
    for document in &listed {
        assert_eq!(document["state"], "doubtful");
        let key = document["key"].as_str().unwrap();
        let named = format!("(certificate {key})");
        let there = comments.iter().any(|comment| comment.ends_with(&named));
        let decision = if there { "--arrived" } else { "--send-again" };
        let said = world.matricula(&["documents", FLOW, decision, "--key", key]);
        assert_eq!(said.code, 0, "{said:?}");
    }
    let (run, code) = deliver(&world, &[]);
    assert_eq!(code, 0, "{run:#}");
    assert_delivered(&world, 600);
}

#[test]
fn each_certificate_that_cannot_be_delivered_says_why() {
    let builder = Sandbox::builder()
        .people(20)
        .certificates(40)
        .certificates_for_nobody(2)
        .certificate_trouble(Trouble::NoPdf, 3)
        .certificate_trouble(Trouble::Empty, 5)
        .certificate_trouble(Trouble::Large, 7)
        .certificate_trouble(Trouble::Gone, 9)
        .certificate_trouble(Trouble::Revoked, 11)
        .certificate_trouble(Trouble::Expired, 13)
        .certificate_trouble(Trouble::Replaced, 15)
        .limits(None);
    let world = started(builder);
    let (run, code) = deliver(&world, &[]);
    assert_eq!(code, 6, "{run:#}");
    assert_eq!(run["counts"]["failed"], 4, "{run:#}");
    assert_eq!(run["counts"]["skipped"], 3, "{run:#}");
    let id = run["run"].to_string();
    let said = world.matricula(&["run", "show", &id, "--json", "--all"]);
    let shown: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let code_of = |ordinal: usize| {
        let certificates = world.sandbox.certificates().list(false);
        let id = &certificates[ordinal - 1].id;
        let told = shown["outcomes"].as_array().unwrap();
        let outcome = told.iter().find(|outcome| outcome["key"] == id.as_str());
        outcome.unwrap_or_else(|| panic!("{ordinal}: {shown:#}"))["code"].clone()
    };
    for (ordinal, code) in [
        (3, "file-type"),
        (5, "file-empty"),
        (7, "file-too-large"),
        (9, "file-gone"),
        (11, "revoked"),
        (13, "expired"),
        (15, "replaced"),
    ] {
        assert_eq!(code_of(ordinal), code, "{ordinal}");
    }
    assert_delivered(&world, 35);
}

#[test]
fn it_starts_only_once_the_employee_flow_has_succeeded() {
    let world = World::start(Sandbox::builder().people(10).certificates(10).limits(None));
    let said = world.matricula(&["start", FLOW, "--yes"]);
    assert_ne!(said.code, 0);
    assert!(said.err.contains("sync-employees"), "{said:?}");
    let (run, code) = deliver(&world, &[]);
    assert_ne!(code, 0, "{run:#}");
    assert_eq!(run["error"]["code"], "people-missing", "{run:#}");
    assert!(world.sandbox.documents().is_empty());

    assert_eq!(world.run(&[]).1, 0);
    let said = world.matricula(&["start", FLOW, "--yes", "--setting", "carry_over=all"]);
    assert_eq!(said.code, 0, "{said:?}");
    let (run, code) = deliver(&world, &[]);
    assert_eq!(
        (code, &run["counts"]["created"]),
        (0, &10.into()),
        "{run:#}"
    );
    assert_delivered(&world, 10);
}

#[test]
fn a_category_that_was_removed_ends_the_run_with_that_reason() {
    let world = started(Sandbox::builder().people(10).certificates(10).limits(None));
    let documents = world.sandbox.documents();
    let chosen = documents.add_category("Diplomas");
    let setting = format!("category={chosen}");
    let (run, code) = deliver(&world, &["--setting", &setting]);
    assert_eq!(code, 0, "{run:#}");
    let categories: Vec<u64> = documents
        .list()
        .iter()
        .map(|document| document.category)
        .collect();
    assert_eq!(categories, [chosen; 10]);
    documents.remove_category(chosen);
    let (run, code) = deliver(&world, &["--full"]);
    assert_ne!(code, 0);
    assert_eq!(run["error"]["code"], "choice-gone", "{run:#}");
}
