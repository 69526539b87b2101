//! Slow, lying and broken remotes.

use matricula_sandbox::{
    Fault, FaultKind, Language, Limits, PatchAnswer, Sandbox, ScimSchemas, System,
};
use serde_json::json;

use crate::world::World;

/// A fault in the third request of a system must not be seen in the result.
fn survives(system: System, method: &str, nth: u64, kind: FaultKind) {
    let name = format!("{kind:?} in {method} {nth} of {system:?}");
    let world = World::start(Sandbox::builder().people(120).limits(None));
    world
        .sandbox
        .faults()
        .add(Fault::new(kind).system(system).method(method).nth(nth));
    let (run, code) = world.run(&[]);
    assert_eq!(code, 0, "{name}: {run:#}");
    world.assert_in_step();
    assert_eq!(world.counts()["unchanged"], 120, "{name}");
}

#[test]
fn a_page_that_breaks_is_read_again() {
    for kind in [
        FaultKind::TooManyRequests(None),
        FaultKind::Status(500),
        FaultKind::HtmlError,
        FaultKind::EmptyBody,
        FaultKind::ResetMidBody,
        FaultKind::TruncatedBody,
        FaultKind::Disconnect,
    ] {
        survives(System::Personio, "GET", 2, kind);
    }
}

#[test]
fn a_write_that_breaks_is_repeated_and_never_doubled() {
    for kind in [
        FaultKind::TooManyRequests(Some(1)),
        FaultKind::Status(500),
        FaultKind::HtmlError,
        FaultKind::LostAnswer,
        FaultKind::ResetMidBody,
        FaultKind::Disconnect,
    ] {
        survives(System::Scim, "POST", 5, kind);
    }
}

#[test]
fn many_lost_answers_at_once() {
    let world = World::start(Sandbox::builder().people(150).limits(None));
    let lost = Fault::new(FaultKind::LostAnswer)
        .system(System::Scim)
        .method("POST")
        .every(4);
    world.sandbox.faults().add(lost);
    let (run, code) = world.run(&[]);
    world.sandbox.faults().clear();
    assert_eq!(code, 0, "{run:#}");
    world.assert_in_step();
    assert_eq!(world.sandbox.journal().creates(), 150);
}

#[test]
fn a_source_that_lies_about_its_size_makes_nobody_a_leaver() {
    for kind in [
        FaultKind::ShortPage(30),
        FaultKind::ShiftedPage(10),
        FaultKind::WrongTotal(20),
    ] {
        let world = World::start(Sandbox::builder().people(150).limits(None));
        world.counts();
        world.sandbox.journal().clear();
        let name = format!("{kind:?}");
        world.sandbox.faults().add(
            Fault::new(kind)
                .system(System::Personio)
                .path("/v1/company/employees"),
        );
        for _ in 0..3 {
            let (run, _) = world.run(&["--full"]);
            assert_eq!(run["counts"]["deactivated"], 0, "{name}: {run:#}");
            assert_eq!(
                run["notes"].as_array().map(Vec::len),
                Some(1),
                "{name}: {run:#}"
            );
        }
        assert_eq!(world.writes(), 0, "{name}");
    }
}

#[test]
fn success_false_is_a_failure_and_the_next_run_goes_on() {
    let world = World::start(Sandbox::builder().people(120).limits(None));
    world.sandbox.faults().add(
        Fault::new(FaultKind::SuccessFalse)
            .system(System::Personio)
            .path("/v1/company/employees")
            .times(100),
    );
    let (run, code) = world.run(&[]);
    assert_eq!((code, &run["status"]), (7, &json!("failed")), "{run:#}");
    assert!(
        run["error"]["message"]
            .as_str()
            .unwrap()
            .contains("Personio"),
        "{run:#}"
    );
    assert_eq!(world.writes(), 0);
    world.sandbox.faults().clear();
    let (run, code) = world.run(&[]);
    assert_eq!(
        (code, &run["counts"]["created"]),
        (0, &json!(120)),
        "{run:#}"
    );
}

#[test]
fn a_redirect_elsewhere_is_not_followed() {
    let world = World::start(Sandbox::builder().people(20).limits(None));
    let elsewhere = format!("{}/stats", world.sandbox.admin_url());
    world.sandbox.faults().add(
        Fault::new(FaultKind::Redirect(elsewhere))
            .system(System::Personio)
            .path("/v1/company/employees"),
    );
    let (run, code) = world.run(&[]);
    assert_eq!(code, 7, "{run:#}");
    assert_eq!(world.writes(), 0);
}

#[test]
fn documented_limits_are_kept() {
    let world = World::start(
        Sandbox::builder()
            .people(2_500)
            .limits(Some(Limits::default())),
    );
    let (run, code) = world.run(&["--full"]);
    assert_eq!(code, 0, "{run:#}");
    let refused = world
        .sandbox
        .journal()
        .count(|entry| entry.status == Some(429));
    assert_eq!(refused, 0);
}

#[test]
fn services_differ() {
    // PATCH answered by 204.
    let world = World::start(
        Sandbox::builder()
            .people(30)
            .patch_answer(PatchAnswer::NoContent),
    );
    world.run(&[]);
    let id = world.sandbox.people().ids()[0];
    world.sandbox.people().set(id, "position", "Lead");
    assert_eq!(world.run(&[]).0["counts"]["updated"], 1);

    // German labels change nothing.
    let german = World::start(Sandbox::builder().people(30).language(Language::German));
    assert_eq!(german.counts()["created"], 30);

    // An academy without its extension says so once.
    let plain = World::start(
        Sandbox::builder()
            .people(30)
            .schemas(ScimSchemas::WithoutExtension),
    );
    let (run, code) = plain.run(&[]);
    assert_eq!(code, 0, "{run:#}");
    let notes = run["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 1, "{run:#}");
    for attribute in [
        "Gender",
        "Location",
        "Type of employment",
        "End of contract",
    ] {
        assert!(
            notes[0].as_str().unwrap().contains(attribute),
            "{attribute}: {notes:?}"
        );
    }
    let silent = World::start(Sandbox::builder().people(30).schemas(ScimSchemas::NotFound));
    assert_eq!(silent.counts()["created"], 30);
}

#[test]
fn a_token_that_is_revoked_in_the_middle_is_renewed() {
    let world = World::start(Sandbox::builder().people(220).limits(None));
    world.sandbox.on_request(
        |e| {
            e.system == System::Personio
                && e.target.starts_with("/v1/company/employees")
                && e.nth == 2
        },
        |_| {},
    );
    world.run(&[]);
    world.sandbox.revoke_tokens(System::Personio);
    assert_eq!(world.counts()["unchanged"], 220);
}
