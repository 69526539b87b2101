//! What came of testing credentials, and who uses them; what was told, and for how long it is kept.

use matricula_core::automation::Automation;
use matricula_core::board::{TestResult, Tested, Use};
use matricula_core::credential::Credential;
use matricula_core::notice::{Notice, NoticeKind};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId, TenantId};

use super::made_up::*;

fn tested(at_millis: i64, result: TestResult) -> Tested {
    Tested {
        at: at(at_millis),
        result,
    }
}

pub async fn the_last_test(store: AnyStore) {
    let ids = ["source", "target", "spare"].map(CredentialId::new);
    for id in &ids {
        let new = credential(id.as_str());
        store.add_credential(&new, &secrets()).await.unwrap();
    }
    let [source, target, spare] = &ids;
    let known = async || store.tested(&tenant()).await.unwrap();
    assert_eq!(known().await, []);
    for result in [TestResult::Failed, TestResult::Findings, TestResult::Ok] {
        store.set_tested(source, tested(5, result)).await.unwrap();
        assert_eq!(known().await, [(source.clone(), tested(5, result))]);
    }
    let failed = tested(7, TestResult::Failed);
    store.set_tested(target, failed).await.unwrap();
    store.set_tested(spare, failed).await.unwrap();
    assert_eq!(known().await.len(), 3);
    assert_eq!(store.tested(&TenantId::new("other")).await.unwrap(), []);

    // Written anew with the very same fields, it is another; a test makes it no other.
    let revision = async || store.revision(target).await.unwrap();
    let before = revision().await.unwrap();
    store.set_tested(target, failed).await.unwrap();
    assert_eq!(revision().await, Some(before));
    let same = credential("target");
    store.replace_credential(&same, &secrets()).await.unwrap();
    assert_ne!(revision().await, Some(before));
    let nobody = CredentialId::new("nobody");
    assert_eq!(store.revision(&nobody).await.unwrap(), None);
    store.set_tested(target, failed).await.unwrap();

    // Written anew or removed: what was said of it is said of nothing that there is.
    let renewed = Credential {
        public: [("client_id".to_owned(), "papi-renewed".to_owned())].into(),
        ..credential("source")
    };
    store
        .replace_credential(&renewed, &secrets())
        .await
        .unwrap();
    store.remove_credential(spare).await.unwrap();
    assert_eq!(known().await, [(target.clone(), failed)]);
    store
        .add_credential(&credential("spare"), &secrets())
        .await
        .unwrap();
    assert_eq!(known().await, [(target.clone(), failed)]);
    // A credential that is not written anew, since it is another's, keeps its test.
    let strange = Credential {
        tenant: TenantId::new("other"),
        ..credential("target")
    };
    store
        .replace_credential(&strange, &secrets())
        .await
        .unwrap_err();
    assert_eq!(known().await, [(target.clone(), failed)]);

    let nowhere = CredentialId::new("nowhere");
    let error = store.set_tested(&nowhere, failed).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

pub async fn who_uses_them(store: AnyStore) {
    enrolled(&store, "b").await;
    set_up(&store, "a").await;
    let alone = Automation {
        target: CredentialId::new("source"),
        flow: "a-flow".to_owned(),
        ..automation("c")
    };
    store.put_automation(&alone).await.unwrap();
    let one = |credential: &str, automation: &str, flow: &str| Use {
        credential: CredentialId::new(credential),
        automation: AutomationId::new(automation),
        flow: flow.to_owned(),
    };
    let expected = [
        one("source", "c", "a-flow"),
        one("source", "a", FLOW),
        one("source", "b", FLOW),
        one("target", "a", FLOW),
        one("target", "b", FLOW),
    ];
    assert_eq!(store.uses(&tenant()).await.unwrap(), expected);
    assert_eq!(store.uses(&TenantId::new("other")).await.unwrap(), []);
}

pub async fn what_was_told(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    let told: Vec<Notice> = vec![
        notice(Some(&id), NoticeKind::Paused, "auth"),
        notice(None, NoticeKind::Test, ""),
        Notice {
            at: at(1),
            ..notice(Some(&id), NoticeKind::Overdue, "overdue")
        },
    ];
    let strange = Notice {
        tenant: TenantId::new("other"),
        ..notice(None, NoticeKind::Test, "")
    };
    for notice in [&told[0], &told[1], &strange, &told[2]] {
        assert!(store.post(notice).await.unwrap());
    }
    let newest = store.notices(&tenant(), None, 9).await.unwrap();
    let notices: Vec<&Notice> = newest.iter().map(|(_, notice)| notice).collect();
    assert_eq!(notices, [&told[2], &told[1], &told[0]]);
    let first = store.notices(&tenant(), None, 1).await.unwrap();
    assert_eq!(first, newest[..1]);
    let rest = store.notices(&tenant(), Some(first[0].0), 9).await.unwrap();
    assert_eq!(rest, newest[1..]);
    let theirs = store.notices(&strange.tenant, None, 9).await.unwrap();
    assert_eq!(theirs.len(), 1);
    assert_eq!(theirs[0].1, strange);
}

pub async fn how_long_runs_are_kept(store: AnyStore) {
    assert_eq!(store.retention(&tenant()).await.unwrap(), None);
    for days in [Some(30), None, Some(0)] {
        store.set_retention(&tenant(), days).await.unwrap();
        assert_eq!(store.retention(&tenant()).await.unwrap(), days);
    }
    let other = TenantId::new("other");
    assert_eq!(store.retention(&other).await.unwrap(), None);
}

pub async fn credentials_by_what_they_hold(store: AnyStore) {
    let of = |id: &str, tenant: &str, connector: &str, value: &str| Credential {
        method: "connect".to_owned(),
        tenant: TenantId::new(tenant),
        connector: connector.to_owned(),
        public: [("integration_id".to_owned(), value.to_owned())].into(),
        ..credential(id)
    };
    for new in [
        of("a", "one", "kombo", "personio:1"),
        of("b", "two", "kombo", "personio:1"),
        of("c", "one", "kombo", "personio:2"),
        of("d", "one", "other", "personio:1"),
        Credential {
            method: "key".to_owned(),
            ..of("A", "three", "kombo", "personio:1")
        },
    ] {
        store.add_credential(&new, &secrets()).await.unwrap();
    }
    let found = async |connector: &str, field: &str, value: &str, limit: u32| {
        let found = store.credentials_where(connector, "connect", field, value, limit);
        let found = found.await.unwrap().into_iter();
        found.map(|found| found.id.to_string()).collect::<String>()
    };
    assert_eq!(
        found("kombo", "integration_id", "personio:1", 9).await,
        "ab"
    );
    assert_eq!(found("kombo", "integration_id", "personio:1", 1).await, "a");
    assert_eq!(found("kombo", "integration_id", "personio:2", 9).await, "c");
    // One of another method has no place among them.
    let by_key = store.credentials_where("kombo", "key", "integration_id", "personio:1", 9);
    let by_key = by_key.await.unwrap();
    assert_eq!((by_key.len(), by_key[0].id.as_str()), (1, "A"));
    // Neither parts of a value nor paths into it are the value.
    for (field, value) in [
        ("integration_id", "personio"),
        ("integration", "personio:1"),
        ("$", "personio:1"),
        ("integration_id\"", "personio:1"),
        ("", ""),
    ] {
        assert_eq!(found("kombo", field, value, 9).await, "", "{field}");
    }
}
