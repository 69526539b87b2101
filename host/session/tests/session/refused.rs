//! Every way in which a token is not to be believed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use matricula_session::{Reason, SessionError};
use serde_json::{Value, json};

use crate::support::{
    Pen, RSA_PUBLIC, SECRET, World, claims, claims_with, header, now, raw, token,
};

fn claim(claim: &'static str, problem: &'static str) -> Reason {
    Reason::Claim { claim, problem }
}

#[tokio::test]
async fn without_a_signature() {
    let world = World::new();
    for alg in ["none", "None", "NONE", ""] {
        let unsigned = token(&header(alg, "ed"), &claims(), &Pen::Nothing);
        assert_eq!(world.refuses(&unsigned).await, Reason::Algorithm);
    }
    let without = token(&json!({ "kid": "ed" }), &claims(), &Pen::ed());
    assert_eq!(world.refuses(&without).await, Reason::Algorithm);
    let cut = token(&header("EdDSA", "ed"), &claims(), &Pen::Nothing);
    assert_eq!(world.refuses(&cut).await, Reason::Signature);
}

#[tokio::test]
async fn with_an_algorithm_that_is_not_the_keys() {
    let world = World::new();
    let swapped = [
        // The public key, known to all, as the secret.
        ("HS256", "rsa", Pen::Secret(RSA_PUBLIC.into())),
        ("HS256", "ed", Pen::Secret(RSA_PUBLIC.into())),
        ("RS256", "ed", Pen::rsa()),
        ("EdDSA", "rsa", Pen::ed()),
        ("RS256", "hs", Pen::rsa()),
        // Right in all but the name.
        ("HS512", "hs", Pen::Secret(SECRET.into())),
        ("RS512", "rsa", Pen::rsa()),
        ("PS256", "rsa", Pen::rsa()),
        ("eddsa", "ed", Pen::ed()),
    ];
    for (alg, kid, pen) in swapped {
        let token = token(&header(alg, kid), &claims(), &pen);
        assert_eq!(
            world.refuses(&token).await,
            Reason::Algorithm,
            "{alg} {kid}"
        );
    }
    // And with the right name, but by somebody who has only the public key.
    let forged = token(
        &header("RS256", "rsa"),
        &claims(),
        &Pen::Secret(RSA_PUBLIC.into()),
    );
    assert_eq!(world.refuses(&forged).await, Reason::Signature);
}

#[tokio::test]
async fn of_a_key_that_is_not_the_vendors() {
    let world = World::new();
    let unknown = Reason::UnknownKey {
        vendor: "northwind".into(),
    };
    let other = token(&header("EdDSA", "2025"), &claims(), &Pen::ed());
    assert_eq!(world.refuses(&other).await, unknown);
    // A kid of the same name at another vendor does not help.
    let southridges = token(&header("EdDSA", "ed"), &claims(), &Pen::seeded(7));
    assert_eq!(world.refuses(&southridges).await, Reason::Signature);
    let for_southridge =
        claims_with(json!({ "iss": "southridge", "aud": "southridge-automations" }));
    let northwinds = token(&header("EdDSA", "ed"), &for_southridge, &Pen::ed());
    assert_eq!(world.refuses(&northwinds).await, Reason::Signature);
    let mut nameless = header("EdDSA", "ed");
    nameless.as_object_mut().unwrap().remove("kid");
    let nameless = token(&nameless, &claims(), &Pen::ed());
    assert_eq!(
        world.refuses(&nameless).await,
        Reason::Shape("its header has no kid")
    );
    // A key that the token brings along is not looked at.
    let mut own = header("EdDSA", "mine");
    own["jwk"] = Pen::seeded(9).jwk("mine");
    own["jku"] = json!("https://evil.example.com/jwks.json");
    let own = token(&own, &claims(), &Pen::seeded(9));
    assert_eq!(world.refuses(&own).await, unknown);
}

#[tokio::test]
async fn of_nobody_who_is_known() {
    let world = World::new();
    for iss in [json!("eastgate"), json!(""), json!(17), json!(null)] {
        let claims = claims_with(json!({ "iss": iss }));
        let token = token(&header("EdDSA", "ed"), &claims, &Pen::ed());
        assert_eq!(world.refuses(&token).await, Reason::UnknownVendor);
    }
    // Without a local sign-in nobody is local.
    let claims = claims_with(json!({ "iss": "local", "tenant": "local" }));
    let token = token(
        &header("HS256", "local"),
        &claims,
        &Pen::Secret(SECRET.into()),
    );
    assert_eq!(world.refuses(&token).await, Reason::NotLocal);
}

#[tokio::test]
async fn a_vendors_tenant_is_never_the_local_one_or_another_vendors() {
    let world = World::new();
    for tenant in ["local", "southridge/acme", "/local", "../local"] {
        let claims = claims_with(json!({ "tenant": tenant }));
        let session = world.says(&claims).await.unwrap();
        assert_eq!(session.tenant.as_str(), format!("northwind/{tenant}"));
        assert!(!session.local);
    }
}

#[tokio::test]
async fn tampered_with() {
    let world = World::new();
    let good = token(&header("EdDSA", "ed"), &claims(), &Pen::ed());
    assert!(world.sessions.verify(&good).await.is_ok());
    let parts: Vec<&str> = good.split('.').collect();
    let richer = claims_with(json!({ "tenant": "other" }));
    let richer = URL_SAFE_NO_PAD.encode(serde_json::to_string(&richer).unwrap());
    let payload = [parts[0], &richer, parts[2]].join(".");
    assert_eq!(world.refuses(&payload).await, Reason::Signature);

    let spaced = header("EdDSA", "ed").to_string() + " ";
    let head = [&URL_SAFE_NO_PAD.encode(spaced), parts[1], parts[2]].join(".");
    assert_eq!(world.refuses(&head).await, Reason::Signature);

    // One bit of the signature, at every place.
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    for at in 0..signature.len() {
        let mut bent = signature.clone();
        bent[at] ^= 1;
        let bent = URL_SAFE_NO_PAD.encode(bent);
        let bent = [parts[0], parts[1], &bent].join(".");
        assert_eq!(world.refuses(&bent).await, Reason::Signature);
    }
}

#[tokio::test]
async fn out_of_its_time() {
    let world = World::new();
    let second = now().as_second();
    let times =
        |iat: i64, exp: i64| claims_with(json!({ "iat": second + iat, "exp": second + exp }));
    let says = |claims| {
        let world = &world;
        async move { world.says(&claims).await.unwrap_err() }
    };
    assert_eq!(says(times(-360, -60)).await, SessionError::Expired);
    assert!(world.says(&times(-359, -59)).await.is_ok());
    assert_eq!(says(times(61, 300)).await, Reason::Early("iat").into());
    assert_eq!(says(times(0, 601)).await, Reason::LongLived.into());
    assert!(world.says(&times(0, 600)).await.is_ok());
    // However long ago it was made.
    assert_eq!(says(times(-86_400, 60)).await, Reason::LongLived.into());
    assert_eq!(
        says(times(10, 10)).await,
        claim("exp", "is not after iat").into()
    );
    let later = claims_with(json!({ "nbf": second + 61 }));
    assert_eq!(says(later).await, Reason::Early("nbf").into());
    for name in ["iat", "exp"] {
        for (value, problem) in [
            (Value::Null, "is missing"),
            (json!("1763794800"), "is no number of seconds since 1970"),
            (json!(1e300), "is no number of seconds since 1970"),
            (json!(-0.5), "is no number of seconds since 1970"),
            (json!(u64::MAX), "is no number of seconds since 1970"),
            (json!(i64::MAX), "is no number of seconds since 1970"),
            (json!(i64::MIN), "is no number of seconds since 1970"),
        ] {
            let claims = claims_with(json!({ name: value }));
            assert_eq!(says(claims).await, claim(name, problem).into());
        }
    }
}

#[tokio::test]
async fn for_another_audience() {
    let world = World::new();
    for aud in [
        json!("Matricula"),
        json!("southridge-automations"),
        json!(["other"]),
        json!([]),
        json!([["matricula"]]),
    ] {
        let claims = claims_with(json!({ "aud": aud }));
        let error = world.says(&claims).await.unwrap_err();
        assert_eq!(error, Reason::Audience.into(), "{aud}");
    }
    let without = claims_with(json!({ "aud": null }));
    let error = world.says(&without).await.unwrap_err();
    assert_eq!(error, claim("aud", "is missing").into());
}

#[tokio::test]
async fn with_claims_that_are_missing_or_malformed() {
    let world = World::new();
    let long = "x".repeat(201);
    for (name, value, problem) in [
        ("sub", json!(null), "is missing"),
        ("sub", json!(""), "is empty"),
        ("sub", json!(17), "is not a text"),
        ("sub", json!(long), "is too long"),
        ("tenant", json!(null), "is missing"),
        ("tenant", json!(""), "is empty"),
        ("tenant", json!("a\u{0}b"), "holds control characters"),
        ("tenant", json!("a\nb"), "holds control characters"),
        ("tenant", json!(long), "is too long"),
        ("role", json!(null), "is missing"),
        ("role", json!("admin"), "is neither owner nor viewer"),
        ("role", json!("Owner"), "is neither owner nor viewer"),
        ("role", json!(["owner"]), "is neither owner nor viewer"),
        ("name", json!("A\u{7}"), "holds control characters"),
        ("name", json!(long), "is too long"),
        ("email", json!("x".repeat(255)), "is too long"),
        ("locale", json!(["de"]), "is not a text"),
        ("organization", json!("A\u{7}"), "holds control characters"),
        ("organization", json!(long), "is too long"),
        (
            "picture",
            json!("javascript:alert(1)"),
            "is neither an https nor a data:image address",
        ),
        (
            "picture",
            json!("http://example.com/a.png"),
            "is neither an https nor a data:image address",
        ),
        (
            "picture",
            json!("data:text/html,<p>"),
            "is neither an https nor a data:image address",
        ),
        (
            "picture",
            json!("/a.png"),
            "is neither an https nor a data:image address",
        ),
        (
            "flows",
            json!("sync-employees"),
            "is not a list; leave it out where everything is bought",
        ),
        ("flows", json!([1]), "is not a list of texts"),
    ] {
        let error = world.says(&claims_with(json!({ name: value }))).await;
        assert_eq!(
            error.unwrap_err(),
            claim(name, problem).into(),
            "{name} {value}"
        );
    }
    let mut claims = claims();
    claims.insert("flows".into(), Value::Null);
    let error = world.says(&claims).await.unwrap_err();
    assert!(matches!(
        error,
        SessionError::Invalid(Reason::Claim { claim: "flows", .. })
    ));
    // Two hundred are not too many, counted as characters.
    let tenant = "ü".repeat(200);
    assert!(
        world
            .says(&claims_with(json!({ "tenant": tenant })))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn of_another_shape() {
    let world = World::new();
    let claims = serde_json::to_string(&claims()).unwrap();
    for text in ["a", "a.b", "a.b.c.d", "...", "eyJ9.eyJ9.eyJ9", "Bearer x"] {
        assert!(
            matches!(world.refuses(text).await, Reason::Shape(_)),
            "{text}"
        );
    }
    for head in [
        r#"{"alg":"EdDSA","kid":"ed","crit":["exp"],"exp":1}"#,
        r#"{"alg":"EdDSA","kid":"ed","b64":false,"crit":["b64"]}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":"at+jwt"}"#,
        r#"{"alg":"EdDSA","kid":"ed","typ":["JWT"]}"#,
        r#"{"alg":"EdDSA","kid":["ed"]}"#,
        r#"["EdDSA"]"#,
    ] {
        let token = raw(head, &claims, &Pen::ed());
        assert!(
            matches!(world.refuses(&token).await, Reason::Shape(_)),
            "{head}"
        );
    }
    let padded = raw(r#"{"alg":"EdDSA","kid":"ed"}"#, &claims, &Pen::ed()) + "=";
    assert!(matches!(world.refuses(&padded).await, Reason::Shape(_)));
    assert_eq!(
        world.sessions.verify("").await.unwrap_err(),
        SessionError::Missing
    );
}

#[tokio::test]
async fn longer_than_eight_kibibytes() {
    let world = World::new();
    let picture = format!("data:image/png;base64,{}", "A".repeat(5_000));
    let fits = claims_with(json!({ "picture": picture }));
    assert!(world.says(&fits).await.is_ok());
    let picture = format!("data:image/png;base64,{}", "A".repeat(6_000));
    let large = claims_with(json!({ "picture": picture }));
    let error = world.says(&large).await.unwrap_err();
    assert_eq!(error, Reason::TooLong.into());
}

#[tokio::test]
async fn reasons_hold_nothing_of_the_token() {
    let world = World::new();
    let private = "Zyxwv";
    for name in [
        "sub", "tenant", "role", "name", "email", "picture", "aud", "iss", "exp",
    ] {
        let value = format!("{private}\n");
        let claims = claims_with(json!({ name: value }));
        let token = token(&header("EdDSA", "ed"), &claims, &Pen::ed());
        let error = world.sessions.verify(&token).await.unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains(private), "{said}");
    }
    world.clock.advance(Duration::from_secs(86_400));
    let error = world.says(&claims()).await.unwrap_err();
    assert_eq!(error, SessionError::Expired);
}
