//! Tokens that are not what they should be, on routes of every kind.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use matricula_core::clock::Clock as _;
use matricula_session::sign_hs256;
use serde_json::{Value, json};

use super::world::{Estate, OTHER, OWNER, RSA, SECRET, World};

fn signed(claims: &Value) -> String {
    sign_hs256(SECRET.as_bytes(), "shared", claims.as_object().unwrap())
}

fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims[name] = value;
    claims
}

/// A token with this header, and this signature.
fn made_of(header: &Value, claims: &Value, signature: &str) -> String {
    let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    format!("{header}.{claims}.{signature}")
}

fn routes(estate: &Estate) -> Vec<(&'static str, String, Option<Value>)> {
    vec![
        ("GET", "/session".to_owned(), None),
        ("GET", "/automations".to_owned(), None),
        ("GET", estate.path("/events"), None),
        ("GET", format!("/runs/{}/records.csv", estate.run), None),
        ("POST", estate.path("/run"), Some(json!({}))),
        ("DELETE", estate.path("/people/alpha-linked"), None),
    ]
}

#[tokio::test]
async fn a_token_is_taken_as_it_was_signed_or_not_at_all() {
    let world = World::new().await;
    let estate = world.estate(OWNER).await;
    let good = world.claims(OWNER);
    let now = world.clock.now().as_second();
    let expired = with(
        with(good.clone(), "iat", (now - 900).into()),
        "exp",
        (now - 400).into(),
    );
    let token = signed(&good);
    let signature = token.rsplit('.').next().unwrap();
    let header = |alg: &str, kid: &str| json!({ "alg": alg, "kid": kid, "typ": "JWT" });
    let cases = [
        ("expired", "session.expired", signed(&expired)),
        (
            "unsigned",
            "session.invalid",
            made_of(&header("none", "shared"), &good, ""),
        ),
        (
            "unsigned with a signature",
            "session.invalid",
            made_of(&header("none", "shared"), &good, signature),
        ),
        (
            "of another audience",
            "session.invalid",
            signed(&with(good.clone(), "aud", "elsewhere".into())),
        ),
        (
            "signed with a public key as if it were a secret",
            "session.invalid",
            sign_hs256(RSA.as_bytes(), "rsa", good.as_object().unwrap()),
        ),
        (
            "of another algorithm than its key's",
            "session.invalid",
            made_of(&header("RS256", "shared"), &good, signature),
        ),
        (
            "changed after it was signed",
            "session.invalid",
            made_of(&header("HS256", "shared"), &world.claims(OTHER), signature),
        ),
        (
            "signed by somebody else",
            "session.invalid",
            sign_hs256(&[7; 32], "shared", good.as_object().unwrap()),
        ),
        (
            "good for longer than ten minutes",
            "session.invalid",
            signed(&with(good.clone(), "exp", (now + 3600).into())),
        ),
        ("no token at all", "session.invalid", "x".to_owned()),
    ];
    let before = world.store.standing(&estate.automation).await.unwrap();
    for (method, path, body) in routes(&estate) {
        for (what, code, token) in &cases {
            let request = world.request(Some(token), method, &path, &[], body.as_ref());
            let answer = world.send(request).await;
            let about = format!("{method} {path} with a token {what}: {answer:?}");
            assert_eq!(answer.problem(), (401, (*code).to_owned()), "{about}");
        }
    }
    assert_eq!(
        world.store.standing(&estate.automation).await.unwrap(),
        before
    );
    // The same requests with the token that all of these were made from.
    for (method, path, body) in routes(&estate) {
        let request = world.request(Some(&token), method, &path, &[], body.as_ref());
        let answer = world.send(request).await;
        assert!(answer.status.is_success(), "{method} {path}: {answer:?}");
    }
}
