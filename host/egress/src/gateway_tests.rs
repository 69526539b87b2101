use std::collections::BTreeMap;

use matricula_core::clock::SimClock;

use super::*;

fn manifest() -> Manifest {
    Manifest::parse(
        br#"{"contract":"1.0","id":"example","version":"1.0.0","title":{"en":"Example"},
        "origins":["https://api.example.com"],
        "limits":[{"requests":15,"seconds":1}],
        "authentication":[{"id":"key","title":{},"sessions":[
            {"origin":"https://api.example.com","scheme":{"type":"bearer","token":"{key}"}}],
            "fields":[{"name":"key","title":{},"secret":true}]}]}"#,
    )
    .unwrap()
}

fn credential(id: &str) -> Credential {
    Credential {
        id: id.into(),
        tenant: "tenant".into(),
        connector: "example".into(),
        method: "key".into(),
        name: "Example, live".into(),
        public: BTreeMap::new(),
        created_at: "2026-11-21T12:00:00Z".parse().unwrap(),
    }
}

fn key(value: &str) -> Secrets {
    Secrets::new([("key".to_owned(), value.to_owned())])
}

fn gateway() -> Gateway {
    let clock = SimClock::new("2026-11-21T12:00:00Z".parse().unwrap());
    Gateway::new(Policy::default(), Arc::new(clock)).unwrap()
}

fn shared(gateway: &Gateway, id: &str) -> Option<Arc<Shared>> {
    let known = gateway.known.lock().unwrap();
    let key = (TenantId::from("tenant"), CredentialId::from(id));
    known
        .entries
        .get(&key)
        .map(|entry| Arc::clone(&entry.shared))
}

#[test]
fn a_credential_is_shared_until_its_secret_changes_and_its_limits_even_then() {
    let gateway = gateway();
    let manifest = manifest();
    gateway
        .session(&manifest, &credential("a"), key("one"))
        .unwrap();
    let first = shared(&gateway, "a").unwrap();
    gateway
        .session(&manifest, &credential("a"), key("one"))
        .unwrap();
    assert!(Arc::ptr_eq(&first, &shared(&gateway, "a").unwrap()));
    gateway
        .session(&manifest, &credential("b"), key("one"))
        .unwrap();
    assert!(!Arc::ptr_eq(&first, &shared(&gateway, "b").unwrap()));

    gateway
        .session(&manifest, &credential("a"), key("two"))
        .unwrap();
    let second = shared(&gateway, "a").unwrap();
    assert!(!Arc::ptr_eq(&first, &second));
    assert!(Arc::ptr_eq(&first.wire.limiter, &second.wire.limiter));

    let mut stricter = manifest;
    stricter.limits[0].requests = 5;
    gateway
        .session(&stricter, &credential("a"), key("two"))
        .unwrap();
    let third = shared(&gateway, "a").unwrap();
    assert!(!Arc::ptr_eq(&second.wire.limiter, &third.wire.limiter));
}

#[test]
fn only_credentials_that_nobody_uses_are_forgotten() {
    let gateway = gateway();
    let manifest = manifest();
    let used = gateway
        .session(&manifest, &credential("used"), key("k"))
        .unwrap();
    for number in 0..KEPT + 10 {
        gateway
            .session(&manifest, &credential(&number.to_string()), key("k"))
            .unwrap();
    }
    assert_eq!(gateway.known.lock().unwrap().entries.len(), KEPT + 1);
    assert!(shared(&gateway, "used").is_some());
    assert!(shared(&gateway, "0").is_none());
    assert!(shared(&gateway, &(KEPT + 9).to_string()).is_some());
    drop(used);
}

#[test]
fn what_is_wrong_with_a_credential_is_named_and_no_value_is() {
    let gateway = gateway();
    let manifest = manifest();
    let error = |credential: Credential, secrets| {
        gateway
            .session(&manifest, &credential, secrets)
            .err()
            .unwrap()
            .to_string()
    };
    assert_eq!(
        error(credential("a"), Secrets::default()),
        "the credential \"Example, live\" lacks key: enter it"
    );
    assert_eq!(
        error(credential("a"), key("line\nbreak")),
        "authorization cannot be used: it holds characters that cannot be sent in a header; copy the \
         value again"
    );
    let other = Credential {
        connector: "other".into(),
        ..credential("a")
    };
    assert_eq!(
        error(other, key("k")),
        "the credential \"Example, live\" is for other, not for example"
    );
    let old = Credential {
        method: "password".into(),
        ..credential("a")
    };
    assert!(error(old, key("k")).contains("no authentication method \"password\""));
}

#[test]
fn a_browser_is_sent_to_where_the_operator_maps() {
    let clock = SimClock::new("2026-11-21T12:00:00Z".parse().unwrap());
    let mut policy = Policy::default();
    policy
        .map_origin("https://connect.example.com", "http://127.0.0.1:8100")
        .unwrap();
    policy.deny("https://evil.example.com").unwrap();
    let gateway = Gateway::new(policy, Arc::new(clock)).unwrap();
    let located = |text: &str| gateway.located(&text.parse().unwrap()).map(String::from);
    assert_eq!(
        located("https://connect.example.com/v1?token=a%2Fb").as_deref(),
        Some("http://127.0.0.1:8100/v1?token=a%2Fb")
    );
    let own = "https://www.example.com/v1?token=x";
    assert_eq!(located(own).as_deref(), Some(own));
    assert_eq!(located("https://evil.example.com/v1"), None);
    assert_eq!(located("http://www.example.com/v1"), None);
    assert_eq!(located("javascript:alert(1)"), None);
}
