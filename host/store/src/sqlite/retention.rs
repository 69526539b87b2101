//! What is dropped: by age, by person, and for how long it is kept.

use jiff::Timestamp;
use matricula_core::TenantId;
use matricula_core::document::DocumentState;
use matricula_core::notice::NoticeKind;
use rusqlite::{Connection, OptionalExtension, Transaction};

use super::codes::Code;
use super::fault::Fault;

pub(super) const RUNS: &str = "DELETE FROM run WHERE id IN (SELECT id FROM run INDEXED BY run_by_age \
                 WHERE tenant = ?1 AND finished_at < ?2 \
                     AND NOT EXISTS (SELECT 1 FROM progress WHERE progress.run = run.id) \
                 ORDER BY finished_at LIMIT ?3)";

pub(super) const NOTICES: &str = "DELETE FROM notice WHERE id IN (SELECT id FROM notice INDEXED BY notice_by_age \
                 WHERE tenant = ?1 AND at < ?2 AND addressed = 1 AND (stands = 0 OR kind = ?3) \
                     AND NOT EXISTS (SELECT 1 FROM delivery \
                         WHERE delivery.notice = notice.id AND due_at IS NOT NULL) \
                 LIMIT ?4)";

pub(super) const HISTORY: &str = "DELETE FROM journal WHERE id IN (SELECT id FROM journal INDEXED BY journal_by_age \
                 WHERE tenant = ?1 AND at < ?2 LIMIT ?3)";

/// Runs that ended before, with their outcomes. One that is to be gone on with is kept.
pub(super) fn drop_runs(
    tx: &Transaction<'_>,
    tenant: &str,
    before: Timestamp,
    limit: u32,
) -> Result<u64, Fault> {
    let dropped = tx
        .prepare_cached(RUNS)?
        .execute((tenant, before.as_millisecond(), limit))?;
    Ok(dropped as u64)
}

/// Notices that have gone their ways. One whose reason stands is what keeps it from being told again, and
/// stays; the reason of a report is its day, which does not come again.
pub(super) fn drop_notices(
    tx: &Transaction<'_>,
    tenant: &str,
    before: Timestamp,
    limit: u32,
) -> Result<u64, Fault> {
    let dropped = tx.prepare_cached(NOTICES)?.execute((
        tenant,
        before.as_millisecond(),
        NoticeKind::Report.code(),
        limit,
    ))?;
    Ok(dropped as u64)
}

pub(super) fn drop_history(
    tx: &Transaction<'_>,
    tenant: &str,
    before: Timestamp,
    limit: u32,
) -> Result<u64, Fault> {
    let dropped = tx
        .prepare_cached(HISTORY)?
        .execute((tenant, before.as_millisecond(), limit))?;
    Ok(dropped as u64)
}

pub(super) fn tenants(tx: &Transaction<'_>) -> Result<Vec<(TenantId, Option<u32>)>, Fault> {
    tx.prepare_cached(
        "SELECT automation.tenant, tenant.retention_days \
         FROM (SELECT DISTINCT tenant FROM automation INDEXED BY automation_by_tenant) AS automation \
         LEFT JOIN tenant ON tenant.id = automation.tenant ORDER BY automation.tenant",
    )?
    .query_and_then((), |row| {
        Ok((TenantId::new(row.get::<_, String>(0)?), row.get(1)?))
    })?
    .collect()
}

pub(super) fn days(tx: &Transaction<'_>, tenant: &str) -> Result<Option<u32>, Fault> {
    let chosen: Option<Option<u32>> = tx
        .prepare_cached("SELECT retention_days FROM tenant WHERE id = ?1")?
        .query_row([tenant], |row| row.get(0))
        .optional()?;
    Ok(chosen.flatten())
}

pub(super) fn set_retention(
    tx: &Transaction<'_>,
    tenant: &str,
    days: Option<u32>,
) -> Result<(), Fault> {
    tx.prepare_cached(
        "INSERT INTO tenant (id, retention_days) VALUES (?1, ?2) \
         ON CONFLICT (id) DO UPDATE SET retention_days = excluded.retention_days",
    )?
    .execute((tenant, days))?;
    Ok(())
}

/// Automations that write where this one reads: the owners of their documents are people of its source. And
/// whether they read where it writes: the accounts that their documents wait for are those of its links.
pub(super) const WRITING_BACK: &str = "SELECT other.number, other.source = mine.target FROM automation AS mine \
     CROSS JOIN automation AS other INDEXED BY automation_by_target ON other.target = mine.source \
     WHERE mine.number = ?1 AND other.tenant = mine.tenant";

/// Everything about one person; how many rows.
pub(super) fn erase(tx: &Transaction<'_>, automation: i64, key: &str) -> Result<u64, Fault> {
    let account: Option<String> = tx
        .prepare_cached("SELECT target FROM link WHERE automation = ?1 AND key = ?2")?
        .query_row((automation, key), |row| row.get(0))
        .optional()?
        .flatten();
    // The people of a source of documents are the accounts that they wait for.
    let mut rows = erase_documents(tx, automation, None, Some(key))?;
    let writing: Vec<(i64, bool)> = tx
        .prepare_cached(WRITING_BACK)?
        .query_map([automation], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (other, reads) in writing {
        let account = account.as_deref().filter(|_| reads);
        rows += erase_documents(tx, other, Some(key), account)?;
    }
    for sql in [
        "DELETE FROM pending_reference WHERE automation = ?1 AND key = ?2",
        "DELETE FROM pending_reference INDEXED BY pending_reference_by_wanted \
         WHERE automation = ?1 AND wants = ?2",
        "DELETE FROM membership WHERE automation = ?1 AND key = ?2",
        "DELETE FROM link WHERE automation = ?1 AND key = ?2",
        "DELETE FROM outcome WHERE run IN (SELECT id FROM run INDEXED BY run_by_automation \
             WHERE automation = ?1) AND key = ?2",
    ] {
        rows += tx.prepare_cached(sql)?.execute((automation, key))?;
    }
    Ok(rows as u64)
}

/// The documents of one person in one automation, with what was told of them. What may lie in the person's
/// file keeps its row, with nothing in it but its key: whoever is met again must not get everything twice.
fn erase_documents(
    tx: &Transaction<'_>,
    automation: i64,
    owner: Option<&str>,
    account: Option<&str>,
) -> Result<usize, Fault> {
    const THEIRS: &str = "automation = ?1 AND (owner = ?2 OR wants = ?3)";
    let outcomes = tx
        .prepare_cached(&format!(
            "DELETE FROM outcome WHERE run IN (SELECT id FROM run INDEXED BY run_by_automation \
                 WHERE automation = ?1) AND key IN (SELECT key FROM document WHERE {THEIRS})"
        ))?
        .execute((automation, owner, account))?;
    let [delivered, intended, doubtful] = [
        DocumentState::Delivered,
        DocumentState::Intended,
        DocumentState::Doubtful,
    ]
    .map(Code::code);
    let dropped = tx
        .prepare_cached(&format!(
            "DELETE FROM document WHERE {THEIRS} AND state NOT IN (?4, ?5, ?6)"
        ))?
        .execute((automation, owner, account, delivered, intended, doubtful))?;
    let emptied = tx
        .prepare_cached(&format!(
            "UPDATE document SET state = ?4, record = zeroblob(16), owner = NULL, wants = NULL, \
                 target = NULL, sent = x'', size = NULL, sha256 = NULL, sent_at = NULL, attempts = 0, \
                 not_before = NULL WHERE {THEIRS}"
        ))?
        .execute((automation, owner, account, delivered))?;
    Ok(outcomes + dropped + emptied)
}

/// Writes the log back into the file and cuts it off. Another process that reads at this moment keeps it;
/// then it goes with the next time that the log is full.
pub(super) fn empty_log(connection: &Connection) -> Result<(), Fault> {
    let kept: bool =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |row| row.get(0))?;
    if kept {
        tracing::warn!(
            "another process reads the store; its log keeps what was erased for a while"
        );
    }
    Ok(())
}
