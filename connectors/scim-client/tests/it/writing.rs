//! Creating, adopting, updating and deleting against recorded exchanges.

use crate::common::{BASE, LEARNED, PLAIN, PROFILE, play};
use matricula_scim::Client;
use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Change, Disposition, Effect, Failure, FailureKind, Receipt};
use serde_json::{Value, json};

fn create(data: Value) -> Change {
    Change {
        idempotency_key: "k".into(),
        remote_id: None,
        data: data.to_string(),
    }
}

fn update(id: &str, data: Value) -> Change {
    Change {
        remote_id: Some(id.into()),
        ..create(data)
    }
}

fn ada() -> Change {
    create(json!({
        "external_id": "7", "email": "ada@example.org", "first_name": "Ada", "position": null, "active": true,
    }))
}

type Outcome = Result<Receipt, Failure>;

fn write(name: &str, prepared: &str, changes: &[Change]) -> Vec<Outcome> {
    play(name, |client| client.write(prepared, changes).unwrap())
}

fn write_one(name: &str, prepared: &str, change: Change) -> Outcome {
    write(name, prepared, &[change]).remove(0)
}

fn receipt(id: &str, disposition: Disposition) -> Outcome {
    Ok(Receipt {
        remote_id: Some(id.into()),
        disposition,
    })
}

/// Kind, code and effect of a failure, whose message must tell nothing of the person.
fn failed(outcome: Outcome) -> (FailureKind, String, Effect) {
    let failure = outcome.unwrap_err();
    assert!(failure.message.contains("Example"), "{}", failure.message);
    assert!(
        !failure.message.to_lowercase().contains("ada"),
        "{}",
        failure.message
    );
    (
        failure.kind,
        failure.code.unwrap_or_default(),
        failure.effect,
    )
}

mod create {
    use super::*;

    #[test]
    fn one_request_creates() {
        assert_eq!(
            write_one("create", PLAIN, ada()),
            receipt("a1", Disposition::Created)
        );
    }

    #[test]
    fn everything_goes_where_it_was_learned_to_go() {
        let change = create(json!({
            "external_id": "7", "email": "ada@example.org", "first_name": "Ada", "last_name": "Example",
            "position": "Clerk", "department": "IT", "location": "Berlin", "gender": "female",
            "employment_type": "internal", "contract_end": "2026-12-31", "manager": "m1", "active": false,
        }));
        assert_eq!(
            write_one("create-full", LEARNED, change),
            receipt("a1", Disposition::Created)
        );
    }

    #[test]
    fn the_identity_is_found_where_the_answer_does_not_have_it() {
        let created = receipt("a1", Disposition::Created);
        assert_eq!(write_one("create-location-only", PLAIN, ada()), created);
        assert_eq!(write_one("create-without-answer", PLAIN, ada()), created);
        let (kind, _, effect) = failed(write_one("create-without-answer-lost", PLAIN, ada()));
        assert_eq!((kind, effect), (FailureKind::Unavailable, Effect::Applied));
    }

    #[test]
    fn a_lost_answer_leaves_the_effect_unknown() {
        for name in [
            "create-interrupted",
            "create-500-page",
            "create-login-page",
            "create-timeout",
        ] {
            let (kind, _, effect) = failed(write_one(name, PLAIN, ada()));
            assert_eq!(
                (kind, effect),
                (FailureKind::Unavailable, Effect::Unknown),
                "{name}"
            );
        }
    }

    #[test]
    fn an_address_without_a_service_is_a_wrong_setting() {
        let (kind, _, effect) = failed(write_one("create-no-service", PLAIN, ada()));
        assert_eq!((kind, effect), (FailureKind::Config, Effect::None));
    }

    #[test]
    fn one_bad_change_does_not_stop_the_batch() {
        let bob = create(json!({"email": "bob@example.org"}));
        let wrong = create(json!({"email": null}));
        let mut outcomes = write("create-invalid", PLAIN, &[ada(), wrong, bob]);
        assert_eq!(outcomes.remove(2), receipt("b1", Disposition::Created));
        let empty = (FailureKind::Input, "empty".to_owned(), Effect::None);
        assert_eq!(failed(outcomes.remove(1)), empty);
        let invalid = (FailureKind::Input, "invalidValue".to_owned(), Effect::None);
        assert_eq!(failed(outcomes.remove(0)), invalid);
    }

    #[test]
    fn what_every_change_would_meet_is_met_once() {
        let changes = [ada(), ada(), ada()];
        let outcomes = write("create-rate-limited", PLAIN, &changes);
        assert!(outcomes.iter().all(|outcome| {
            let failure = outcome.as_ref().unwrap_err();
            failure.kind == FailureKind::RateLimited && failure.retry_after_ms == Some(3000)
        }));
        let outcomes = write("create-rejected", PLAIN, &changes);
        assert!(
            outcomes
                .into_iter()
                .all(|outcome| failed(outcome).0 == FailureKind::Auth)
        );
        let effects = write("create-timeout", PLAIN, &changes)
            .into_iter()
            .map(|o| failed(o).2);
        assert_eq!(
            effects.collect::<Vec<_>>(),
            [Effect::Unknown, Effect::None, Effect::None]
        );
    }
}

mod adopt {
    use super::*;

    #[test]
    fn an_account_that_is_nobodys_is_adopted() {
        let adopted = receipt("a1", Disposition::Adopted);
        assert_eq!(write_one("adopt-by-user-name", PLAIN, ada()), adopted);
    }

    #[test]
    fn an_adoption_can_be_repeated() {
        let adopted = receipt("a1", Disposition::Adopted);
        assert_eq!(write_one("adopt-again", PLAIN, ada_without_null()), adopted);
        assert_eq!(
            write_one("adopt-already-so", PLAIN, ada_without_null()),
            adopted
        );
    }

    #[test]
    fn an_account_changed_meanwhile_is_read_again() {
        let outcome = write_one("adopt-versioned", r#"{"e":true}"#, ada_without_null());
        assert_eq!(outcome, receipt("a1", Disposition::Adopted));
    }

    #[test]
    fn a_foreign_or_doubtful_account_is_left_alone() {
        for (name, code) in [
            ("adopt-foreign", "foreign-account"),
            ("adopt-ambiguous", "ambiguous-account"),
            ("adopt-hidden", "uniqueness"),
        ] {
            let outcome = failed(write_one(name, PLAIN, ada()));
            assert_eq!(
                outcome,
                (FailureKind::Conflict, code.to_owned(), Effect::None),
                "{name}"
            );
        }
    }

    fn ada_without_null() -> Change {
        create(
            json!({"external_id": "7", "email": "ada@example.org", "first_name": "Ada", "active": true}),
        )
    }
}

mod update {
    use super::*;

    fn updated() -> Outcome {
        receipt("a1", Disposition::Updated)
    }

    #[test]
    fn an_answer_with_or_without_a_body_is_fine() {
        let data = json!({"position": "Clerk", "department": "IT", "contract_end": "2026-12-31"});
        assert_eq!(
            write_one("update-204", LEARNED, update("a1", data)),
            updated()
        );
        assert_eq!(
            write_one("update-200", PLAIN, update("a1", json!({"active": false}))),
            updated()
        );
    }

    #[test]
    fn a_new_address_changes_how_one_signs_in_too() {
        let change = update("a1", json!({"email": "new@example.org"}));
        assert_eq!(write_one("update-email", PLAIN, change), updated());
    }

    #[test]
    fn a_manager_is_set_and_cleared() {
        let changes =
            [json!({"manager": "m1"}), json!({"manager": null})].map(|data| update("a1", data));
        assert_eq!(
            write("update-manager", PLAIN, &changes),
            [updated(), updated()]
        );
    }

    #[test]
    fn null_clears_and_what_is_not_offered_is_left_out() {
        let data = json!({"position": null, "gender": "", "location": "Berlin"});
        assert_eq!(
            write_one("update-clear", LEARNED, update("a1", data)),
            updated()
        );
        let transcript = Transcript::new(json!([]));
        let cx = transcript.context(&json!({}));
        let client = Client::new(&cx, BASE, &PROFILE).unwrap();
        let outcomes = client
            .write(PLAIN, &[update("a1", json!({"location": "Berlin"}))])
            .unwrap();
        assert_eq!(outcomes, [receipt("a1", Disposition::Unchanged)]);
    }

    #[test]
    fn a_path_without_a_target_is_written_from_what_is_there() {
        let change = update("a1", json!({"email": "ada@example.org", "position": null}));
        assert_eq!(
            write_one("update-nothing-to-clear", PLAIN, change),
            updated()
        );
    }

    #[test]
    fn a_version_refused_is_read_again_once() {
        let outcome = failed(write_one(
            "update-412",
            PLAIN,
            update("a1", json!({"position": "Clerk"})),
        ));
        assert_eq!(
            outcome,
            (FailureKind::Unavailable, "412".to_owned(), Effect::None)
        );
    }

    #[test]
    fn a_linked_account_that_is_gone_is_said_to_be() {
        let outcome = failed(write_one(
            "update-gone",
            PLAIN,
            update("a1", json!({"position": "Clerk"})),
        ));
        assert_eq!(
            outcome,
            (FailureKind::NotFound, "404".to_owned(), Effect::None)
        );
    }

    #[test]
    fn an_address_that_is_taken_is_a_conflict() {
        let change = update("a1", json!({"email": "bob@example.org"}));
        let outcome = failed(write_one("update-duplicate", PLAIN, change));
        assert_eq!(
            outcome,
            (FailureKind::Conflict, "uniqueness".to_owned(), Effect::None)
        );
    }

    #[test]
    fn a_lost_answer_leaves_the_effect_unknown() {
        let outcome = failed(write_one(
            "update-interrupted",
            PLAIN,
            update("a1", json!({"position": "Clerk"})),
        ));
        assert_eq!(
            outcome,
            (
                FailureKind::Unavailable,
                "interrupted".to_owned(),
                Effect::Unknown
            )
        );
    }

    #[test]
    fn without_patch_the_account_is_replaced_and_nothing_of_it_lost() {
        let change = || update("a1", json!({"position": "Clerk", "department": "IT"}));
        let outcomes = write(
            "update-by-put",
            r#"{"p":false,"e":true}"#,
            &[change(), change()],
        );
        assert_eq!(outcomes, [updated(), receipt("a1", Disposition::Unchanged)]);
        let change = update("a1", json!({"position": "Clerk"}));
        assert_eq!(write_one("update-patch-unknown", PLAIN, change), updated());
    }
}

#[test]
fn an_account_that_is_gone_is_deleted() {
    let delete = |id: &str| Change {
        data: "null".into(),
        ..update(id, Value::Null)
    };
    let outcomes = write("delete", PLAIN, &[delete("a1"), delete("a2"), delete("a3")]);
    let deleted = |id| receipt(id, Disposition::Deleted);
    assert_eq!(outcomes, [deleted("a1"), deleted("a2"), deleted("a3")]);
}
