//! Keys that a vendor publishes: rotation, outages, and one request for many.

use std::sync::Arc;
use std::time::Duration;

use matricula_session::{Fetch, Reason};
use serde_json::{Value, json};

use crate::support::{Pen, Publisher, World, claims_with, header, now, resolve, token};

const VENDORS: &str = r#"
[[vendor]]
id = "northwind"
title = { en = "Northwind" }
origins = []
[vendor.jwks]
url = "https://app.northwind.example/.well-known/jwks.json"
"#;

const MINUTE: Duration = Duration::from_secs(60);

fn world(publisher: &Arc<Publisher>) -> World {
    World::with(VENDORS, Arc::clone(publisher) as Arc<dyn Fetch>)
}

impl World {
    /// A token of this moment, unlike all others, so that no cache knows it.
    fn token(&self, kid: &str, seed: u8) -> String {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        use matricula_core::clock::Clock as _;
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let second = self.clock.now().as_second();
        let claims = claims_with(json!({ "iat": second, "exp": second + 300, "jti": number }));
        token(&header("EdDSA", kid), &claims, &Pen::seeded(seed))
    }

    async fn takes(&self, kid: &str, seed: u8) {
        let token = self.token(kid, seed);
        self.sessions.verify(&token).await.unwrap();
    }

    async fn turns_away(&self, kid: &str, seed: u8) -> Reason {
        let token = self.token(kid, seed);
        self.refuses(&token).await
    }
}

fn unknown() -> Reason {
    Reason::UnknownKey {
        vendor: "northwind".into(),
    }
}

fn unavailable() -> Reason {
    Reason::KeysUnavailable {
        vendor: "northwind".into(),
    }
}

#[tokio::test]
async fn keys_are_fetched_when_a_token_needs_them_and_kept_for_ten_minutes() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = world(&publisher);
    assert_eq!(publisher.asked(), 0);
    world.takes("one", 1).await;
    world.takes("one", 1).await;
    world.clock.advance(10 * MINUTE - Duration::from_secs(1));
    world.takes("one", 1).await;
    assert_eq!(publisher.asked(), 1);
    world.clock.advance(Duration::from_secs(1));
    world.takes("one", 1).await;
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn a_new_key_is_found_and_a_withdrawn_one_forgotten() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = world(&publisher);
    world.takes("one", 1).await;
    world.clock.advance(MINUTE);
    publisher.publish(&[Pen::seeded(2).jwk("two")]);
    world.takes("one", 1).await;
    world.takes("two", 2).await;
    assert_eq!(world.turns_away("one", 1).await, unknown());
    assert_eq!(publisher.asked(), 2);
    // All withdrawn.
    publisher.publish(&[]);
    world.clock.advance(10 * MINUTE);
    assert_eq!(world.turns_away("two", 2).await, unknown());
}

#[tokio::test]
async fn a_key_of_the_same_name_is_replaced() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("key")]);
    let world = world(&publisher);
    world.takes("key", 1).await;
    publisher.publish(&[Pen::seeded(2).jwk("key")]);
    world.clock.advance(10 * MINUTE);
    world.takes("key", 2).await;
    assert_eq!(world.turns_away("key", 1).await, Reason::Signature);
}

#[tokio::test]
async fn a_token_that_was_verified_lives_on_until_its_end_without_being_checked_again() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = world(&publisher);
    let seen = world.token("one", 1);
    let not_seen = world.token("one", 1);
    world.sessions.verify(&seen).await.unwrap();
    publisher.publish(&[Pen::seeded(2).jwk("two")]);
    world.clock.advance(MINUTE);
    world.takes("two", 2).await;
    assert!(world.sessions.verify(&seen).await.is_ok());
    assert_eq!(world.refuses(&not_seen).await, unknown());
}

#[tokio::test]
async fn guessing_names_of_keys_asks_once_a_minute() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = world(&publisher);
    world.takes("one", 1).await;
    for guess in 0..100 {
        assert_eq!(world.turns_away(&guess.to_string(), 9).await, unknown());
    }
    assert_eq!(publisher.asked(), 1);
    world.clock.advance(MINUTE);
    for guess in 0..100 {
        assert_eq!(world.turns_away(&guess.to_string(), 9).await, unknown());
    }
    assert_eq!(publisher.asked(), 2);
    world.takes("one", 1).await;
}

#[tokio::test]
async fn an_outage_of_a_day_is_survived_with_the_last_good_set() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = world(&publisher);
    world.takes("one", 1).await;
    publisher.fail();
    world.clock.advance(10 * MINUTE);
    for _ in 0..10 {
        world.takes("one", 1).await;
    }
    assert_eq!(publisher.asked(), 2, "once a minute, not with each token");
    publisher.answer("<html>under construction</html>");
    world
        .clock
        .set(now() + 24 * 60 * MINUTE - Duration::from_secs(1));
    world.takes("one", 1).await;
    assert_eq!(publisher.asked(), 3);
    world.clock.advance(MINUTE);
    assert_eq!(world.turns_away("one", 1).await, unavailable());
    publisher.publish(&[Pen::seeded(1).jwk("one")]);
    world.clock.advance(Duration::from_secs(5));
    world.takes("one", 1).await;
}

#[tokio::test]
async fn without_any_set_it_is_tried_again_after_five_seconds() {
    let publisher = Publisher::of(&[]);
    publisher.fail();
    let world = world(&publisher);
    assert_eq!(world.turns_away("one", 1).await, unavailable());
    assert_eq!(world.turns_away("one", 1).await, unavailable());
    assert_eq!(publisher.asked(), 1);
    publisher.publish(&[Pen::seeded(1).jwk("one")]);
    world.clock.advance(Duration::from_secs(5));
    world.takes("one", 1).await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_locks_nobody_out() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = world(&publisher);
    world.takes("one", 1).await;
    world.clock.set(now() - 24 * 60 * MINUTE);
    world.takes("one", 1).await;
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn one_odd_key_does_not_spoil_the_others() {
    let publisher = Publisher::of(&[
        json!(null),
        json!("key"),
        json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0", "alg": "HS256" }),
        json!({ "kty": "EC", "crv": "P-256", "kid": "one" }),
        Pen::seeded(1).jwk("one"),
        Pen::seeded(2).jwk("one"),
    ]);
    let world = world(&publisher);
    world.takes("one", 1).await;
    assert_eq!(world.turns_away("secret", 1).await, unknown());
}

#[tokio::test]
async fn a_published_rsa_key_is_taken() {
    let publisher = Publisher::of(&[json!({
        "kty": "RSA", "kid": "rsa", "e": "AQAB", "n": modulus(),
    })]);
    let world = world(&publisher);
    let good = token(
        &header("RS256", "rsa"),
        &claims_with(json!({})),
        &Pen::rsa(),
    );
    assert!(world.sessions.verify(&good).await.is_ok());
}

/// That of the RSA key in the tests' folder, as a JWKS has it.
fn modulus() -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let Pen::Rsa(pair) = Pen::rsa() else {
        unreachable!()
    };
    let components: ring::signature::RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
    json!(URL_SAFE_NO_PAD.encode(components.n))
}

#[tokio::test]
async fn nothing_is_fetched_for_a_token_with_a_shared_secret() {
    let world = world(&Publisher::of(&[]));
    let secret = token(
        &header("HS256", "one"),
        &claims_with(json!({})),
        &Pen::Nothing,
    );
    assert_eq!(world.refuses(&secret).await, Reason::Algorithm);
}

#[tokio::test]
async fn a_configured_key_comes_first() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let text = format!(
        "{VENDORS}[[vendor.key]]\nkid = \"ed\"\nalg = \"EdDSA\"\npublic_file = \"southridge.pem\"\n"
    );
    assert!(resolve(matricula_session::Reference::File("southridge.pem")).is_ok());
    let world = World::with(&text, Arc::clone(&publisher) as Arc<dyn Fetch>);
    world.takes("ed", 7).await;
    assert_eq!(publisher.asked(), 0);
    world.takes("one", 1).await;
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_one_request() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let held = publisher.gate.acquire_many(1_000).await.unwrap();
    let world = Arc::new(world(&publisher));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.takes("one", 1).await })
        })
        .collect();
    while publisher.asked() == 0 {
        tokio::task::yield_now().await;
    }
    drop(held);
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(publisher.asked(), 1);
}

#[tokio::test]
async fn who_has_an_old_key_does_not_wait_for_the_new_ones() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let world = Arc::new(world(&publisher));
    world.takes("one", 1).await;
    world.clock.advance(10 * MINUTE);
    let held = publisher.gate.acquire_many(1_000).await.unwrap();
    let first = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.takes("one", 1).await }
    });
    while publisher.asked() == 1 {
        tokio::task::yield_now().await;
    }
    let at_once = world.takes("one", 1);
    tokio::time::timeout(Duration::from_secs(10), at_once)
        .await
        .unwrap();
    assert!(!first.is_finished());
    drop(held);
    first.await.unwrap();
    assert_eq!(publisher.asked(), 2);
}

#[tokio::test]
async fn whoever_hangs_up_does_not_stop_the_fetch() {
    let publisher = Publisher::of(&[Pen::seeded(1).jwk("one")]);
    let held = publisher.gate.acquire_many(1_000).await.unwrap();
    let world = Arc::new(world(&publisher));
    let gone = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.takes("one", 1).await }
    });
    while publisher.asked() == 0 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    drop(held);
    world.takes("one", 1).await;
    assert_eq!(publisher.asked(), 1);
}
