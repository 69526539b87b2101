use jiff::Timestamp;
use matricula_core::{CredentialId, TenantId};

use super::*;

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 32] = [2; 32];

fn credential(id: &str) -> Credential {
    Credential {
        id: CredentialId::new(id),
        tenant: TenantId::new("acme"),
        connector: "reteach".to_owned(),
        method: "scim".to_owned(),
        name: "Academy".to_owned(),
        public: [(
            "scim_url".to_owned(),
            "https://academy.example.com/scim/v2".to_owned(),
        )]
        .into(),
        created_at: Timestamp::UNIX_EPOCH,
    }
}

fn accepted(vault: &Vault) -> Vec<String> {
    vault.key_ids().map(str::to_owned).collect()
}

fn secrets() -> Secrets {
    Secrets::new([
        ("scim_token".to_owned(), "token-of-the-academy".to_owned()),
        ("empty".to_owned(), String::new()),
    ])
}

fn fields(secrets: &Secrets) -> Vec<(String, String)> {
    secrets
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn secrets_survive() {
    let vault = Vault::new(&OLD);
    let sealed = vault
        .seal(&credential("a"), &secrets(), &accepted(&vault))
        .unwrap();
    let opened = vault.open(&credential("a"), &sealed).unwrap();
    assert_eq!(fields(&opened), fields(&secrets()));
    let none = vault
        .seal(&credential("a"), &Secrets::default(), &accepted(&vault))
        .unwrap();
    assert_eq!(fields(&vault.open(&credential("a"), &none).unwrap()), []);
}

#[test]
fn nothing_secret_is_stored_or_printed() {
    let vault = Vault::new(&OLD);
    let sealed = vault
        .seal(&credential("a"), &secrets(), &accepted(&vault))
        .unwrap();
    for bytes in [&sealed.data_key, &sealed.body] {
        assert!(!bytes.windows(5).any(|window| window == b"token"));
    }
    assert_eq!(format!("{vault:?}"), format!("[{:?}]", vault.key_id()));
    assert_eq!(vault.key_id().len(), 16);
    let again = vault
        .seal(&credential("a"), &secrets(), &accepted(&vault))
        .unwrap();
    assert_ne!(
        sealed.body, again.body,
        "the same secrets must not look the same"
    );
}

#[test]
fn secrets_are_bound_to_their_row() {
    let vault = Vault::new(&OLD);
    let sealed = vault
        .seal(&credential("a"), &secrets(), &accepted(&vault))
        .unwrap();
    let mut moved = credential("a");
    moved.public.insert(
        "scim_url".to_owned(),
        "https://elsewhere.example.org".to_owned(),
    );
    let mut tenant = credential("a");
    tenant.tenant = TenantId::new("other");
    let mut connector = credential("a");
    connector.connector = "personio".to_owned();
    let mut method = credential("a");
    method.method = "rest".to_owned();
    for other in [credential("b"), tenant, connector, method, moved] {
        let error = vault.open(&other, &sealed).unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
    }
    let mut renamed = credential("a");
    renamed.name = "The academy".to_owned();
    assert!(
        vault.open(&renamed, &sealed).is_ok(),
        "a name is only a name"
    );
}

#[test]
fn every_changed_byte_is_noticed() {
    let vault = Vault::new(&OLD);
    let sealed = vault
        .seal(&credential("a"), &secrets(), &accepted(&vault))
        .unwrap();
    for at in 0..sealed.body.len() {
        let mut body = sealed.body.clone();
        body[at] ^= 1;
        let changed = Sealed {
            key: sealed.key.clone(),
            data_key: sealed.data_key.clone(),
            body,
        };
        assert!(vault.open(&credential("a"), &changed).is_err(), "byte {at}");
    }
    for at in 0..sealed.data_key.len() {
        let mut data_key = sealed.data_key.clone();
        data_key[at] ^= 1;
        let changed = Sealed {
            key: sealed.key.clone(),
            data_key,
            body: sealed.body.clone(),
        };
        assert!(vault.open(&credential("a"), &changed).is_err(), "byte {at}");
    }
    let short = Sealed {
        key: sealed.key,
        data_key: sealed.data_key,
        body: vec![0; 7],
    };
    assert!(vault.open(&credential("a"), &short).is_err());
}

#[test]
fn a_key_is_replaced_without_touching_the_secrets() {
    let old = Vault::new(&OLD);
    let sealed = old
        .seal(&credential("a"), &secrets(), &accepted(&old))
        .unwrap();
    let error = Vault::new(&NEW)
        .open(&credential("a"), &sealed)
        .unwrap_err();
    assert!(
        matches!(&error, StoreError::WrongKey(text) if text.contains(&sealed.key)),
        "{error}"
    );

    let both = Vault::new(&NEW).with_previous(&OLD);
    let data_key = both
        .rewrap("acme", "a", &sealed.key, &sealed.data_key)
        .unwrap();
    let sealed = Sealed {
        key: both.key_id().to_owned(),
        data_key,
        body: sealed.body,
    };
    let opened = Vault::new(&NEW).open(&credential("a"), &sealed).unwrap();
    assert_eq!(fields(&opened), fields(&secrets()));
    assert!(
        both.rewrap("acme", "b", &sealed.key, &sealed.data_key)
            .is_err()
    );
}

#[test]
fn a_proof_fits_its_key_only() {
    let (old, new) = (Vault::new(&OLD), Vault::new(&NEW));
    let proof = old.proof().unwrap();
    assert_eq!(old.proves(old.key_id(), &proof), Some(true));
    assert_eq!(new.proves(old.key_id(), &proof), None);
    assert_eq!(new.proves(new.key_id(), &proof), Some(false));
}
