//! What a good token says is what the session holds.

use std::collections::BTreeSet;
use std::time::Duration;

use matricula_session::{Locale, Role, SessionError, bearer, sign_hs256};
use serde_json::json;

use crate::support::{Pen, SECRET, World, claims, claims_with, header, now, token};

#[tokio::test]
async fn a_token_of_every_algorithm_is_taken() {
    let world = World::new();
    for (alg, kid, pen) in [
        ("EdDSA", "ed", Pen::ed()),
        ("RS256", "rsa", Pen::rsa()),
        ("HS256", "hs", Pen::Secret(SECRET.into())),
    ] {
        let token = token(&header(alg, kid), &claims(), &pen);
        let session = world.sessions.verify(&token).await.unwrap();
        assert_eq!(session.vendor, "northwind");
        assert_eq!(session.tenant.as_str(), "northwind/acme");
        assert_eq!(session.person_id, "u-17");
        assert_eq!(session.person.name, "Ada Byron");
        assert_eq!(session.person.email.as_deref(), Some("ada@example.com"));
        assert_eq!(
            session.person.picture.as_deref(),
            Some("https://app.northwind.example/ada.png")
        );
        assert_eq!(session.role, Role::Owner);
        assert_eq!(session.locale, Locale::De);
        assert_eq!(session.flows, None);
        assert_eq!(session.expires_at, now() + Duration::from_secs(300));
        assert!(!session.local);
    }
    let ours = sign_hs256(SECRET.as_bytes(), "hs", &claims());
    assert!(world.sessions.verify(&ours).await.is_ok());
}

#[tokio::test]
async fn what_is_left_out_has_a_sensible_place_holder() {
    let world = World::new();
    let none = json!({ "name": null, "email": null, "picture": null, "locale": null });
    let session = world.says(&claims_with(none)).await.unwrap();
    assert_eq!(session.person.name, "u-17");
    assert_eq!(session.person.email, None);
    assert_eq!(session.organization, None);
    assert_eq!(session.person.picture, None);
    assert_eq!(session.locale, Locale::En);

    let empty = json!({ "name": "", "picture": "", "locale": "fr-FR" });
    let session = world.says(&claims_with(empty)).await.unwrap();
    assert_eq!(session.person.name, "ada@example.com");
    assert_eq!(session.person.picture, None);
    assert_eq!(session.locale, Locale::En);
}

#[tokio::test]
async fn a_viewer_changes_nothing_and_an_owner_starts_what_was_bought() {
    let world = World::new();
    let viewer = claims_with(json!({ "role": "viewer" }));
    let viewer = world.says(&viewer).await.unwrap();
    assert!(!viewer.may_change());
    assert!(viewer.bought("sync-employees"));
    assert!(!viewer.may_start("sync-employees"));

    let owner = claims_with(json!({ "flows": ["sync-employees"] }));
    let owner = world.says(&owner).await.unwrap();
    assert!(owner.may_change());
    assert!(owner.may_start("sync-employees"));
    assert!(!owner.may_start("collect-documents"));

    let nothing = claims_with(json!({ "flows": [] }));
    assert!(!world.says(&nothing).await.unwrap().bought("sync-employees"));
}

#[tokio::test]
async fn a_tenant_has_no_flow_that_its_vendor_does_not_offer() {
    let world = World::new();
    let southridge = |changes| {
        let mut claims = claims_with(changes);
        claims.insert("iss".into(), json!("southridge"));
        claims.insert("aud".into(), json!(["other", "southridge-automations"]));
        token(&header("EdDSA", "ed"), &claims, &Pen::seeded(7))
    };
    let some = southridge(json!({ "flows": ["sync-employees", "erase-everything"] }));
    let session = world.sessions.verify(&some).await.unwrap();
    assert_eq!(session.tenant.as_str(), "southridge/acme");
    assert_eq!(
        session.flows,
        Some(BTreeSet::from(["sync-employees".to_owned()]))
    );

    let all = world.sessions.verify(&southridge(json!({}))).await.unwrap();
    assert!(all.bought("collect-documents"));
    assert!(!all.bought("erase-everything"));
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let world = World::new();
    let second = now().as_second();
    let fast = json!({ "iat": second + 60, "nbf": second + 60, "exp": second + 660 });
    assert!(world.says(&claims_with(fast)).await.is_ok());

    let token = token(&header("EdDSA", "ed"), &claims(), &Pen::ed());
    world.clock.advance(Duration::from_secs(359));
    assert!(world.sessions.verify(&token).await.is_ok());
    world.clock.advance(Duration::from_secs(1));
    // It lies in the cache, and is over all the same.
    assert_eq!(
        world.sessions.verify(&token).await.unwrap_err(),
        SessionError::Expired
    );
}

#[tokio::test]
async fn fractions_of_seconds_are_cut_off() {
    let world = World::new();
    let second = now().as_second();
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of today are exact in a double"
    )]
    let fractions = json!({ "iat": second as f64 + 0.9, "exp": second as f64 + 300.9 });
    let session = world.says(&claims_with(fractions)).await.unwrap();
    assert_eq!(session.expires_at, now() + Duration::from_secs(300));
}

#[tokio::test]
async fn a_session_in_a_log_line_names_nobody() {
    let session = World::new().says(&claims()).await.unwrap();
    let line = format!("{session:?}");
    for private in ["Ada", "ada@", "u-17", "png"] {
        assert!(!line.contains(private), "{line}");
    }
    assert!(line.contains("northwind/acme"), "{line}");
}

#[test]
fn the_bearer_is_taken_out_of_its_header() {
    assert_eq!(bearer(Some("Bearer a.b.c")), Ok("a.b.c"));
    assert_eq!(bearer(Some("bearer   a.b.c ")), Ok("a.b.c"));
    for none in [
        None,
        Some(""),
        Some("Bearer"),
        Some("Bearer "),
        Some("Basic a.b.c"),
    ] {
        assert_eq!(bearer(none), Err(SessionError::Missing), "{none:?}");
    }
}
