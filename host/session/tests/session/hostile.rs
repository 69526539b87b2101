//! Whatever is sent or written, the answer is an error and not a panic.

use std::sync::{Arc, LazyLock};

use matricula_core::clock::{Clock, SimClock};
use matricula_session::{Fetch, Local, Vendors, bearer};
use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::{Builder, Runtime};

use crate::support::{Pen, Publisher, World, claims, header, now, raw, resolve, token};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().unwrap());

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|value| json!(value)),
        any::<i64>().prop_map(|value| json!(value)),
        any::<f64>().prop_map(|value| json!(value)),
        ".{0,20}".prop_map(|value| json!(value)),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|value| json!(value)),
            proptest::collection::btree_map(".{0,8}", inner, 0..4).prop_map(|value| json!(value)),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_as_a_token(text in "\\PC*|[A-Za-z0-9_.=-]{0,200}") {
        let world = World::new();
        prop_assert!(RUNTIME.block_on(world.sessions.verify(&text)).is_err());
        let _ = bearer(Some(&text));
    }

    #[test]
    fn any_two_texts_as_header_and_claims(head in "\\PC{0,60}", payload in "\\PC{0,60}") {
        let world = World::new();
        let token = raw(&head, &payload, &Pen::ed());
        prop_assert!(RUNTIME.block_on(world.sessions.verify(&token)).is_err());
    }

    #[test]
    fn any_value_of_any_claim(
        name in prop::sample::select(vec![
            "iss", "aud", "sub", "tenant", "role", "locale", "iat", "exp", "nbf", "name", "email",
            "picture", "flows", "auth_time", "organization",
        ]),
        value in json_value(),
    ) {
        let world = World::new();
        let mut claims = claims();
        claims.insert(name.to_owned(), value);
        // Some are good: what must hold then is that nobody leaves their vendor.
        if let Ok(session) = RUNTIME.block_on(world.says(&claims)) {
            prop_assert!(session.tenant.as_str().starts_with("northwind/"));
        }
    }

    #[test]
    fn any_change_of_a_good_token(at in 0usize..300, with in any::<char>()) {
        let world = World::new();
        let good = token(&header("EdDSA", "ed"), &claims(), &Pen::ed());
        let mut chars: Vec<char> = good.chars().collect();
        prop_assume!(chars[at] != with);
        chars[at] = with;
        let bent: String = chars.into_iter().collect();
        prop_assert!(RUNTIME.block_on(world.sessions.verify(&bent)).is_err());
    }

    #[test]
    fn any_answer_as_a_set_of_keys(text in "\\PC{0,100}", keys in json_value()) {
        let vendors = "[[vendor]]\nid = \"northwind\"\ntitle = { en = \"N\" }\norigins = []\n\
            [vendor.jwks]\nurl = \"https://app.northwind.example/\"\n";
        for answer in [text, keys.to_string(), json!({ "keys": keys }).to_string(), json!({ "keys": [keys] }).to_string()] {
            let publisher = Publisher::of(&[]);
            publisher.answer(&answer);
            let world = World::with(vendors, publisher as Arc<dyn Fetch>);
            let said = RUNTIME.block_on(world.says(&claims()));
            prop_assert!(said.is_err());
        }
    }

    #[test]
    fn any_text_as_a_configuration(text in "\\PC{0,200}") {
        let _ = Vendors::parse(&text, resolve);
        let key = format!(
            "[[vendor]]\nid = \"a\"\ntitle = {{ en = \"A\" }}\norigins = [{0:?}]\n[[vendor.key]]\nkid = {0:?}\nalg = \"RS256\"\npublic = {0:?}\n",
            text,
        );
        prop_assert!(Vendors::parse(&key, resolve).is_err());
    }

    #[test]
    fn any_text_as_a_code(text in "\\PC{0,100}") {
        let clock: Arc<dyn Clock> = Arc::new(SimClock::new(now()));
        let local = Local::new(clock).unwrap();
        let _code = local.code().unwrap();
        prop_assert!(local.exchange(&text).is_err());
        prop_assert!(local.renew(&text).is_err());
    }
}
