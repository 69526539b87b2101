//! The texts of flow files, found by what they are.

use rusqlite::{OptionalExtension, Transaction};
use sha2::{Digest, Sha256};

use super::codes::hex;
use super::fault::Fault;

pub(super) fn keep(tx: &Transaction<'_>, text: &str) -> Result<String, Fault> {
    let digest = hex(&Sha256::digest(text).into());
    tx.prepare_cached(
        "INSERT INTO flow_file (digest, text) VALUES (?1, ?2) ON CONFLICT (digest) DO NOTHING",
    )?
    .execute((&digest, text))?;
    Ok(digest)
}

pub(super) fn text(tx: &Transaction<'_>, digest: &str) -> Result<Option<String>, Fault> {
    Ok(tx
        .prepare_cached("SELECT text FROM flow_file WHERE digest = ?1")?
        .query_row([digest], |row| row.get(0))
        .optional()?)
}
