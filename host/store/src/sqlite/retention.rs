//! What is dropped: by age, by person, and for how long it is kept.

use jiff::Timestamp;
use matricula_core::TenantId;
use matricula_core::notice::NoticeKind;
use rusqlite::{Connection, Transaction};

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

/// Everything about one person; how many rows.
pub(super) fn erase(tx: &Transaction<'_>, automation: i64, key: &str) -> Result<u64, Fault> {
    let mut rows = 0;
    for sql in [
        "DELETE FROM pending_reference WHERE automation = ?1 AND key = ?2",
        "DELETE FROM pending_reference INDEXED BY pending_reference_by_wanted \
         WHERE automation = ?1 AND wants = ?2",
        "DELETE FROM link WHERE automation = ?1 AND key = ?2",
        "DELETE FROM outcome WHERE run IN (SELECT id FROM run INDEXED BY run_by_automation \
             WHERE automation = ?1) AND key = ?2",
    ] {
        rows += tx.prepare_cached(sql)?.execute((automation, key))?;
    }
    Ok(rows as u64)
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
