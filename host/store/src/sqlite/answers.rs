//! Idempotency keys, and the answers that are kept for requests that may be sent again.

use std::sync::Arc;

use jiff::Timestamp;
use matricula_core::board::{KeptAnswer, Reservation};
use rusqlite::{OptionalExtension, Transaction, params};

use super::credentials::accepted;
use super::fault::Fault;
use crate::vault::Vault;
use crate::vault::answers::Kept;

/// Whose key it is, and of which request.
pub(super) struct Claim {
    pub(super) vault: Arc<Vault>,
    pub(super) tenant: String,
    pub(super) key: String,
    pub(super) request: [u8; 32],
}

pub(super) const OF_KEY: &str =
    "SELECT until, vault_key, body FROM kept_answer WHERE tenant = ?1 AND key = ?2";

pub(super) const DROP: &str = "DELETE FROM kept_answer WHERE number IN (SELECT number \
    FROM kept_answer INDEXED BY kept_answer_by_age WHERE until <= ?1 ORDER BY until LIMIT ?2)";

impl Claim {
    /// What the key stands for, and until when.
    fn found(&self, tx: &Transaction<'_>) -> Result<Option<(i64, String, Vec<u8>)>, Fault> {
        Ok(tx
            .prepare_cached(OF_KEY)?
            .query_row((&self.tenant, &self.key), |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?)
    }

    fn open(&self, vault_key: &str, body: &[u8]) -> Result<Kept, Fault> {
        Ok(self
            .vault
            .open_answer(&self.tenant, &self.key, vault_key, body)?)
    }

    fn write(
        &self,
        tx: &Transaction<'_>,
        answer: Option<&KeptAnswer>,
        until: Timestamp,
    ) -> Result<(), Fault> {
        let kept = Kept {
            request: self.request,
            answer: answer.cloned(),
        };
        let accepted = accepted(tx)?;
        let (vault_key, body) =
            self.vault
                .seal_answer(&self.tenant, &self.key, &kept, &accepted)?;
        tx.prepare_cached(
            "INSERT INTO kept_answer (tenant, key, until, vault_key, body) VALUES (?1, ?2, ?3, ?4, ?5) \
             ON CONFLICT (tenant, key) DO UPDATE SET until = excluded.until, \
                 vault_key = excluded.vault_key, body = excluded.body",
        )?
        .execute(params![
            self.tenant,
            self.key,
            until.as_millisecond(),
            vault_key,
            body
        ])?;
        Ok(())
    }
}

/// What cannot be opened is an error and never taken for free: the request would be carried out twice.
pub(super) fn reserve(
    tx: &Transaction<'_>,
    claim: &Claim,
    now: Timestamp,
    until: Timestamp,
) -> Result<Reservation, Fault> {
    if let Some((kept_until, vault_key, body)) = claim.found(tx)?
        && kept_until > now.as_millisecond()
    {
        let kept = claim.open(&vault_key, &body)?;
        return Ok(match kept.answer {
            _ if kept.request != claim.request => Reservation::Mismatch,
            Some(answer) => Reservation::Answered(answer),
            None => Reservation::Busy,
        });
    }
    claim.write(tx, None, until)?;
    Ok(Reservation::Taken)
}

/// The first answer stays. Whoever was so late that the key is another request's changes nothing.
pub(super) fn answer(
    tx: &Transaction<'_>,
    claim: &Claim,
    answer: Option<&KeptAnswer>,
    keep: Timestamp,
) -> Result<(), Fault> {
    let Some((_, vault_key, body)) = claim.found(tx)? else {
        return Ok(());
    };
    let kept = claim.open(&vault_key, &body)?;
    if kept.request != claim.request || kept.answer.is_some() {
        return Ok(());
    }
    if answer.is_some() {
        return claim.write(tx, answer, keep);
    }
    tx.prepare_cached("DELETE FROM kept_answer WHERE tenant = ?1 AND key = ?2")?
        .execute((&claim.tenant, &claim.key))?;
    Ok(())
}

pub(super) fn drop_old(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Result<u64, Fault> {
    let dropped = tx
        .prepare_cached(DROP)?
        .execute((now.as_millisecond(), limit))?;
    Ok(dropped as u64)
}

/// Encrypts all of them under the active key. One that cannot be opened is dropped: nobody will be able to read
/// it, and a key must be replaceable although another one was lost.
pub(super) fn rotate(tx: &Transaction<'_>, vault: &Vault) -> Result<(), Fault> {
    let active = [vault.key_id().to_owned()];
    let mut read = tx.prepare(
        "SELECT number, tenant, key, vault_key, body FROM kept_answer WHERE vault_key <> ?1",
    )?;
    let mut write =
        tx.prepare("UPDATE kept_answer SET vault_key = ?2, body = ?3 WHERE number = ?1")?;
    let mut drop = tx.prepare("DELETE FROM kept_answer WHERE number = ?1")?;
    let old: Vec<(i64, String, String, String, Vec<u8>)> = read
        .query_map([vault.key_id()], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get(3)?,
                row.get(4)?,
            ))
        })?
        .collect::<Result<_, _>>()?;
    let mut lost = 0_u64;
    for (number, tenant, key, vault_key, body) in &old {
        match vault.open_answer(tenant, key, vault_key, body) {
            Ok(kept) => {
                let (vault_key, body) = vault.seal_answer(tenant, key, &kept, &active)?;
                write.execute(params![number, vault_key, body])?;
            }
            Err(_) => {
                drop.execute([number])?;
                lost += 1;
            }
        }
    }
    if lost > 0 {
        tracing::warn!(
            lost,
            "Answers that were kept for requests that are sent again cannot be read with any of the keys; they \
             were dropped."
        );
    }
    Ok(())
}
