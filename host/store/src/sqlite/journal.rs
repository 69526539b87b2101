//! The history of changes.

use matricula_core::journal::Entry;
use matricula_core::{AutomationId, TenantId};
use rusqlite::{Row, Transaction, params};

use super::automations;
use super::codes::{Code, from_json, json, timestamp, value};
use super::fault::Fault;

const TABLE: &str = "journal";

pub(super) const COLUMNS: &str = "journal.id, journal.tenant, automation.id, journal.at, journal.actor, journal.deed, \
                       journal.details";

pub(super) const OF_AUTOMATION: &str = "FROM automation \
    CROSS JOIN journal INDEXED BY journal_by_automation ON journal.automation = automation.number \
    WHERE automation.id = ?2 AND journal.tenant = ?1 AND journal.id < ?3 \
    ORDER BY journal.id DESC LIMIT ?4";

pub(super) const OF_TENANT: &str = "FROM journal INDEXED BY journal_by_tenant \
    LEFT JOIN automation ON automation.number = journal.automation \
    WHERE journal.tenant = ?1 AND journal.id < ?2 ORDER BY journal.id DESC LIMIT ?3";

fn decode(row: &Row<'_>) -> Result<(i64, Entry), Fault> {
    let text = |column| -> Result<&str, Fault> {
        Ok(row
            .get_ref(column)?
            .as_str()
            .map_err(rusqlite::Error::from)?)
    };
    let entry = Entry {
        tenant: TenantId::new(row.get::<_, String>(1)?),
        automation: row.get::<_, Option<String>>(2)?.map(AutomationId::new),
        at: timestamp(row.get(3)?, TABLE)?,
        actor: from_json(text(4)?, TABLE)?,
        deed: value(row.get(5)?, TABLE)?,
        details: from_json(text(6)?, TABLE)?,
    };
    Ok((row.get(0)?, entry))
}

pub(super) fn add(tx: &Transaction<'_>, entry: &Entry) -> Result<(), Fault> {
    let automation = match &entry.automation {
        Some(id) => Some(automations::number(tx, id)?),
        None => None,
    };
    tx.prepare_cached(
        "INSERT INTO journal (tenant, automation, at, actor, deed, details) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        entry.tenant.as_str(),
        automation,
        entry.at.as_millisecond(),
        json(&entry.actor)?,
        entry.deed.code(),
        json(&entry.details)?,
    ])?;
    Ok(())
}

pub(super) fn newest(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    automation: Option<&AutomationId>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, Entry)>, Fault> {
    let before = before.unwrap_or(i64::MAX);
    match automation {
        Some(id) => tx
            .prepare_cached(&format!("SELECT {COLUMNS} {OF_AUTOMATION}"))?
            .query_and_then((tenant.as_str(), id.as_str(), before, limit), decode)?
            .collect(),
        None => tx
            .prepare_cached(&format!("SELECT {COLUMNS} {OF_TENANT}"))?
            .query_and_then((tenant.as_str(), before, limit), decode)?
            .collect(),
    }
}
