//! Credentials and their secrets.

use matricula_core::automation::Automation;
use matricula_core::credential::{Credential, Secrets};
use matricula_core::store::StoreError;
use matricula_core::{CredentialId, TenantId};

use super::made_up::*;

pub async fn a_credential_survives(store: AnyStore) {
    let fields = [
        ("token", "töken\n\0"),
        ("code", ""),
        ("client_secret", "x".repeat(5_000).leak()),
    ];
    let given = Secrets::new(fields.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let mut credential = credential("a");
    credential
        .public
        .insert("url".to_owned(), "https://academy.example.com".to_owned());
    store.add_credential(&credential, &given).await.unwrap();

    assert_eq!(
        store.credentials(&tenant()).await.unwrap(),
        [credential.clone()]
    );
    let kept = store.secrets(&credential.id).await.unwrap();
    assert_eq!(kept.iter().collect::<Vec<_>>(), fields);
    assert_eq!(
        store.credentials(&TenantId::new("other")).await.unwrap(),
        []
    );
    let missing = store.secrets(&CredentialId::new("b")).await.unwrap_err();
    assert!(matches!(missing, StoreError::NotFound(_)), "{missing}");
}

pub async fn a_name_is_given_once(store: AnyStore) {
    store
        .add_credential(&credential("a"), &secrets())
        .await
        .unwrap();
    let same_name = Credential {
        id: CredentialId::new("b"),
        ..credential("a")
    };
    let error = store
        .add_credential(&same_name, &secrets())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is a credential named “The a one” already; choose another name, or renew that one: \
         credential add … --replace"
    );
    assert!(matches!(error, StoreError::Exists(_)));

    let other = TenantId::new("other");
    let elsewhere = Credential {
        tenant: other.clone(),
        ..same_name
    };
    store.add_credential(&elsewhere, &secrets()).await.unwrap();
    let same_id = Credential {
        name: "Another".to_owned(),
        tenant: other,
        ..credential("a")
    };
    let error = store
        .add_credential(&same_id, &secrets())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");

    let mut names = Vec::new();
    for id in ["z", "c", "m"] {
        store
            .add_credential(&credential(id), &secrets())
            .await
            .unwrap();
    }
    for credential in store.credentials(&tenant()).await.unwrap() {
        names.push(credential.name);
    }
    assert_eq!(names, ["The a one", "The c one", "The m one", "The z one"]);
}

pub async fn what_is_used_stays(store: AnyStore) {
    set_up(&store, "automation").await;
    store
        .add_credential(&credential("spare"), &secrets())
        .await
        .unwrap();
    for id in ["source", "target"] {
        let error = store
            .remove_credential(&CredentialId::new(id))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the credential “The {id} one” is used by the automation of the flow “sync-employees”; \
                 to renew its secret, replace it under the same name: credential add … --replace"
            )
        );
        assert!(matches!(error, StoreError::InUse(_)));
        assert!(store.secrets(&CredentialId::new(id)).await.is_ok());
    }

    let moved = Automation {
        source: CredentialId::new("spare"),
        ..automation("automation")
    };
    store.put_automation(&moved).await.unwrap();
    let source = CredentialId::new("source");
    store.remove_credential(&source).await.unwrap();
    for error in [
        store.secrets(&source).await.map(drop).unwrap_err(),
        store.remove_credential(&source).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    }
    // Name and id are free again.
    store
        .add_credential(&credential("source"), &secrets())
        .await
        .unwrap();
}

pub async fn a_credential_is_renewed(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    let renewed = Credential {
        method: "token".to_owned(),
        public: [("client_id".to_owned(), "papi-renewed".to_owned())].into(),
        ..credential("source")
    };
    let fresh = Secrets::new([("token".to_owned(), "renewed-for-tests-only".to_owned())]);
    store.replace_credential(&renewed, &fresh).await.unwrap();

    assert_eq!(
        store.credentials(&tenant()).await.unwrap(),
        [renewed.clone(), credential("target")]
    );
    let kept = store.secrets(&renewed.id).await.unwrap();
    assert_eq!(
        kept.iter().collect::<Vec<_>>(),
        [("token", "renewed-for-tests-only")]
    );
    let other = store.secrets(&CredentialId::new("target")).await.unwrap();
    assert_eq!(
        other.iter().collect::<Vec<_>>(),
        secrets().iter().collect::<Vec<_>>()
    );
    let automations = store.automations(&tenant()).await.unwrap();
    assert_eq!(automations.len(), 1);
    assert_eq!(
        (&automations[0].id, &automations[0].source),
        (&id, &renewed.id)
    );

    // Only the credential that is meant, and never one that is not there yet.
    for wrong in [
        credential("nobody"),
        Credential {
            tenant: TenantId::new("other"),
            ..renewed.clone()
        },
        Credential {
            connector: "reteach".to_owned(),
            ..renewed.clone()
        },
        Credential {
            name: "Another".to_owned(),
            ..renewed.clone()
        },
    ] {
        let error = store
            .replace_credential(&wrong, &secrets())
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    }
    let kept = store.secrets(&renewed.id).await.unwrap();
    assert_eq!(
        kept.iter().collect::<Vec<_>>(),
        [("token", "renewed-for-tests-only")]
    );
}
