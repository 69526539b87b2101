//! Credentials, their encrypted secrets, and the keys that the store knows.

use matricula_core::board::{Tested, Use};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId, TenantId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::answers;
use super::codes::{Code, from_json, json, timestamp, value};
use super::fault::Fault;
use super::worker::in_transaction;
use crate::vault::{Sealed, Vault};

const COLUMNS: &str = "id, tenant, connector, method, name, public, created_at";

fn decode(row: &Row<'_>) -> Result<Credential, Fault> {
    Ok(Credential {
        id: CredentialId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        connector: row.get(2)?,
        method: row.get(3)?,
        name: row.get(4)?,
        public: from_json(
            row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?,
            "credential",
        )?,
        created_at: timestamp(row.get(6)?, "credential")?,
    })
}

pub(super) fn add(
    tx: &Transaction<'_>,
    vault: &Vault,
    new: &Credential,
    secrets: &Secrets,
) -> Result<(), Fault> {
    let named = tx
        .prepare_cached("SELECT 1 FROM credential WHERE tenant = ?1 AND name = ?2")?
        .exists((new.tenant.as_str(), &new.name))?;
    if named {
        return Err(Fault::Store(StoreError::Exists(format!(
            "there is a credential named “{}” already; choose another name, or renew that one: \
             credential add … --replace",
            new.name
        ))));
    }
    if by_id(tx, new.id.as_str())?.is_some() {
        return Err(Fault::Store(StoreError::Exists(format!(
            "there is a credential with the id “{}” already",
            new.id
        ))));
    }
    let sealed = vault.seal(new, secrets, &accepted(tx)?)?;
    tx.prepare_cached(
        "INSERT INTO credential (id, tenant, connector, method, name, public, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        new.id.as_str(),
        new.tenant.as_str(),
        new.connector,
        new.method,
        new.name,
        json(&new.public)?,
        new.created_at.as_millisecond(),
    ])?;
    tx.prepare_cached(
        "INSERT INTO secret (credential, vault_key, data_key, body) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        new.id.as_str(),
        sealed.key,
        sealed.data_key,
        sealed.body
    ])?;
    Ok(())
}

/// Writes method, public fields and secrets anew. The secrets are bound to the others, so that all of them
/// change together.
pub(super) fn replace(
    tx: &Transaction<'_>,
    vault: &Vault,
    new: &Credential,
    secrets: &Secrets,
) -> Result<(), Fault> {
    let sealed = vault.seal(new, secrets, &accepted(tx)?)?;
    let written = tx
        .prepare_cached(
            "UPDATE credential SET method = ?5, public = ?6 \
             WHERE id = ?1 AND tenant = ?2 AND connector = ?3 AND name = ?4",
        )?
        .execute(params![
            new.id.as_str(),
            new.tenant.as_str(),
            new.connector,
            new.name,
            new.method,
            json(&new.public)?,
        ])?;
    if written == 0 {
        return Err(Fault::Store(StoreError::NotFound(format!(
            "there is no credential “{}” for {} with the id “{}”",
            new.name, new.connector, new.id
        ))));
    }
    tx.prepare_cached(
        "UPDATE secret SET vault_key = ?2, data_key = ?3, body = ?4 WHERE credential = ?1",
    )?
    .execute(params![
        new.id.as_str(),
        sealed.key,
        sealed.data_key,
        sealed.body
    ])?;
    // What came of testing it was said of the fields that are no more.
    tx.prepare_cached("DELETE FROM credential_test WHERE credential = ?1")?
        .execute([new.id.as_str()])?;
    Ok(())
}

pub(super) fn set_tested(tx: &Transaction<'_>, id: &str, tested: Tested) -> Result<(), Fault> {
    if by_id(tx, id)?.is_none() {
        return Err(missing(id));
    }
    tx.prepare_cached(
        "INSERT INTO credential_test (credential, at, result) VALUES (?1, ?2, ?3) \
         ON CONFLICT (credential) DO UPDATE SET at = excluded.at, result = excluded.result",
    )?
    .execute((id, tested.at.as_millisecond(), tested.result.code()))?;
    Ok(())
}

pub(super) const TESTED: &str = "SELECT credential.id, credential_test.at, credential_test.result \
    FROM credential CROSS JOIN credential_test ON credential_test.credential = credential.id \
    WHERE credential.tenant = ?1 ORDER BY credential.name";

pub(super) fn tested(
    tx: &Transaction<'_>,
    tenant: &str,
) -> Result<Vec<(CredentialId, Tested)>, Fault> {
    tx.prepare_cached(TESTED)?
        .query_and_then([tenant], |row| {
            let tested = Tested {
                at: timestamp(row.get(1)?, "credential_test")?,
                result: value(row.get(2)?, "credential_test")?,
            };
            Ok((CredentialId::new(row.get::<_, String>(0)?), tested))
        })?
        .collect()
}

/// The digest of the secrets as they are encrypted: under a nonce of their own each time that they are written, and
/// not anew when the vault's key is replaced.
pub(super) fn revision(tx: &Transaction<'_>, id: &str) -> Result<Option<[u8; 32]>, Fault> {
    Ok(tx
        .prepare_cached("SELECT body FROM secret WHERE credential = ?1")?
        .query_row([id], |row| {
            Ok(Sha256::digest(row.get_ref(0)?.as_blob()?).into())
        })
        .optional()?)
}

/// Of the connector's credentials all are looked at: events name one of them a few times a day.
pub(super) const WHERE: &str = "SELECT id, tenant, connector, method, name, public, created_at \
    FROM credential INDEXED BY credential_by_connector WHERE connector = ?1 AND method = ?2 \
    AND public ->> ?3 = ?4 ORDER BY id LIMIT ?5";

pub(super) fn of_value(
    tx: &Transaction<'_>,
    [connector, method]: [&str; 2],
    field: &str,
    value: &str,
    limit: u32,
) -> Result<Vec<Credential>, Fault> {
    // What cannot stand in quotes is the name of nothing that is kept.
    if field.contains(['"', '\\']) {
        return Ok(Vec::new());
    }
    let path = format!("$.\"{field}\"");
    tx.prepare_cached(WHERE)?
        .query_and_then(params![connector, method, path, value, limit], decode)?
        .collect()
}

pub(super) const USES: &str = "SELECT id, flow, source, target \
    FROM automation INDEXED BY automation_by_tenant WHERE tenant = ?1 ORDER BY id";

pub(super) fn uses(tx: &Transaction<'_>, tenant: &str) -> Result<Vec<Use>, Fault> {
    let mut uses = Vec::new();
    let mut statement = tx.prepare_cached(USES)?;
    let mut rows = statement.query([tenant])?;
    while let Some(row) = rows.next()? {
        let [source, target] = [row.get::<_, String>(2)?, row.get(3)?].map(CredentialId::new);
        let one = Use {
            credential: source,
            automation: AutomationId::new(row.get::<_, String>(0)?),
            flow: row.get(1)?,
        };
        if target != one.credential {
            uses.push(Use {
                credential: target,
                ..one.clone()
            });
        }
        uses.push(one);
    }
    uses.sort_unstable_by(|one, other| {
        (&one.credential, &one.flow, &one.automation).cmp(&(
            &other.credential,
            &other.flow,
            &other.automation,
        ))
    });
    Ok(uses)
}

/// The keys that the store opens with now. Another process may have moved it to another key since this one
/// opened it, so this is asked in the transaction that writes.
pub(super) fn accepted(tx: &Transaction<'_>) -> Result<Vec<String>, Fault> {
    tx.prepare_cached("SELECT id FROM vault_key ORDER BY id")?
        .query_and_then((), |row| Ok(row.get(0)?))?
        .collect()
}

pub(super) fn of_tenant(tx: &Transaction<'_>, tenant: &str) -> Result<Vec<Credential>, Fault> {
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM credential WHERE tenant = ?1 ORDER BY name"
    ))?
    .query_and_then([tenant], decode)?
    .collect()
}

/// A credential and its secrets as they are stored.
pub(super) fn sealed(tx: &Transaction<'_>, id: &str) -> Result<(Credential, Sealed), Fault> {
    let credential = by_id(tx, id)?.ok_or_else(|| missing(id))?;
    let sealed = tx
        .prepare_cached("SELECT vault_key, data_key, body FROM secret WHERE credential = ?1")?
        .query_row([id], |row| {
            Ok(Sealed {
                key: row.get(0)?,
                data_key: row.get(1)?,
                body: row.get(2)?,
            })
        })?;
    Ok((credential, sealed))
}

pub(super) fn remove(tx: &Transaction<'_>, id: &str) -> Result<(), Fault> {
    let credential = by_id(tx, id)?.ok_or_else(|| missing(id))?;
    let flow: Option<String> = tx
        .prepare_cached(
            "SELECT flow FROM automation WHERE source = ?1 OR target = ?1 ORDER BY number LIMIT 1",
        )?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if let Some(flow) = flow {
        return Err(Fault::Store(StoreError::InUse(format!(
            "the credential “{}” is used by the automation of the flow “{flow}”; to renew its secret, \
             replace it under the same name: credential add … --replace",
            credential.name
        ))));
    }
    tx.prepare_cached("DELETE FROM credential WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

pub(super) fn by_id(tx: &Transaction<'_>, id: &str) -> Result<Option<Credential>, Fault> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM credential WHERE id = ?1"))?
        .query_and_then([id], decode)?
        .next()
        .transpose()
}

fn missing(id: &str) -> Fault {
    Fault::Store(StoreError::NotFound(format!(
        "there is no credential with the id “{id}”"
    )))
}

/// Checks at opening that the vault has the keys that this store needs. The first vault to open a new
/// store becomes its own.
pub(super) fn check_keys(connection: &mut Connection, vault: &Vault) -> Result<(), Fault> {
    let read = TransactionBehavior::Deferred;
    if in_transaction(connection, read, |tx| is_known(tx, vault))? {
        return Ok(());
    }
    in_transaction(connection, TransactionBehavior::Immediate, |tx| {
        if !is_known(tx, vault)? {
            accept(tx, vault)?;
        }
        Ok(())
    })
}

/// Keeps what the active key is recognised by.
fn accept(tx: &Transaction<'_>, vault: &Vault) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO vault_key (id, proof) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
        (vault.key_id(), vault.proof()?),
    )?;
    Ok(())
}

/// Whether the store knows the active key; an error if it does not fit the vault.
fn is_known(tx: &Transaction<'_>, vault: &Vault) -> Result<bool, Fault> {
    let mut known = Vec::new();
    let mut statement = tx.prepare("SELECT id, proof FROM vault_key ORDER BY id")?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        let (id, proof): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        if vault.proves(&id, &proof) == Some(false) {
            return Err(Fault::Unreadable("vault_key"));
        }
        known.push(id);
    }
    if !known.is_empty()
        && !vault
            .key_ids()
            .any(|id| known.iter().any(|known| known == id))
    {
        return Err(Fault::Store(StoreError::WrongKey(format!(
            "the key {} is not the key of this store, which was made with {}; nothing was opened. Give the \
             key that the store was made with",
            vault.key_id(),
            known.join(" and ")
        ))));
    }
    let mut needed = tx.prepare("SELECT vault_key, count(*) FROM secret GROUP BY vault_key")?;
    let mut rows = needed.query(())?;
    while let Some(row) = rows.next()? {
        let (id, credentials): (String, i64) = (row.get(0)?, row.get(1)?);
        if !vault.key_ids().any(|key| key == id) {
            return Err(Fault::Store(StoreError::WrongKey(format!(
                "{credentials} of the stored credentials are encrypted under the key {id}, which was not \
                 given; nothing was opened. Give it as an earlier key, together with {}",
                vault.key_id()
            ))));
        }
    }
    Ok(known.iter().any(|known| known == vault.key_id()))
}

/// Encrypts every data key and every kept answer under the active key and forgets the other keys; how many
/// credentials there were.
pub(super) fn rotate(tx: &Transaction<'_>, vault: &Vault) -> Result<u64, Fault> {
    // Another process may have moved the store to its key since this one opened it.
    accept(tx, vault)?;
    let mut read = tx.prepare(
        "SELECT credential.tenant, credential.id, vault_key, data_key \
         FROM secret JOIN credential ON credential.id = secret.credential WHERE vault_key <> ?1",
    )?;
    let mut write =
        tx.prepare("UPDATE secret SET vault_key = ?2, data_key = ?3 WHERE credential = ?1")?;
    let old: Vec<(String, String, String, Vec<u8>)> = read
        .query_map([vault.key_id()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    for (tenant, id, key, data_key) in &old {
        let data_key = vault.rewrap(tenant, id, key, data_key)?;
        write.execute(params![id, vault.key_id(), data_key])?;
    }
    answers::rotate(tx, vault)?;
    tx.execute("DELETE FROM vault_key WHERE id <> ?1", [vault.key_id()])?;
    Ok(old.len() as u64)
}
