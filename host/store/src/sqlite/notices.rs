//! Notices, the ways by which they go, and who is told.

use jiff::Timestamp;
use matricula_core::notice::{Channel, Contact, Delivery, Notice, NoticeKind};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, TenantId};
use rusqlite::{Row, Transaction, params};

use super::automations;
use super::codes::{Code, count, from_json, json, timestamp, value};
use super::fault::Fault;

pub(super) const COLUMNS: &str = "notice.id, notice.kind, notice.tenant, automation.id, notice.reason, notice.at, \
                       notice.facts";

/// How many columns [`COLUMNS`] has.
const WIDTH: usize = 7;

pub(super) const UNADDRESSED: &str = "FROM notice INDEXED BY notice_unaddressed \
    LEFT JOIN automation ON automation.number = notice.automation \
    WHERE notice.addressed = 0 ORDER BY notice.id LIMIT ?1";

pub(super) const DELIVERABLE: &str = "FROM delivery INDEXED BY delivery_due \
    CROSS JOIN notice ON notice.id = delivery.notice \
    LEFT JOIN automation ON automation.number = notice.automation \
    WHERE delivery.due_at <= ?1 ORDER BY delivery.due_at, delivery.id LIMIT ?2";

pub(super) const OF_TENANT: &str = "FROM notice INDEXED BY notice_by_tenant \
    LEFT JOIN automation ON automation.number = notice.automation \
    WHERE notice.tenant = ?1 AND notice.id < ?2 ORDER BY notice.id DESC LIMIT ?3";

fn decode(row: &Row<'_>) -> Result<(i64, Notice), Fault> {
    const TABLE: &str = "notice";
    let notice = Notice {
        kind: value(row.get(1)?, TABLE)?,
        tenant: TenantId::new(row.get::<_, String>(2)?),
        automation: row.get::<_, Option<String>>(3)?.map(AutomationId::new),
        reason: row.get(4)?,
        at: timestamp(row.get(5)?, TABLE)?,
        facts: from_json(
            row.get_ref(6)?.as_str().map_err(rusqlite::Error::from)?,
            TABLE,
        )?,
    };
    Ok((row.get(0)?, notice))
}

/// Whether it was posted: not if its reason still stands. What somebody asks for, and what concerns no
/// automation, has no reason that could stand.
pub(super) fn post(tx: &Transaction<'_>, notice: &Notice) -> Result<bool, Fault> {
    let automation = match &notice.automation {
        Some(id) => Some(automations::number(tx, id)?),
        None => None,
    };
    let stands = automation.is_some() && notice.kind != NoticeKind::Test;
    let posted = tx
        .prepare_cached(
            "INSERT INTO notice (kind, tenant, automation, reason, at, facts, stands, addressed) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0) \
             ON CONFLICT (automation, kind, reason) WHERE stands = 1 DO NOTHING",
        )?
        .execute(params![
            notice.kind.code(),
            notice.tenant.as_str(),
            automation,
            notice.reason,
            notice.at.as_millisecond(),
            json(&notice.facts)?,
            stands,
        ])?;
    Ok(posted > 0)
}

pub(super) fn withdraw(
    tx: &Transaction<'_>,
    automation: i64,
    kinds: &[NoticeKind],
) -> Result<(), Fault> {
    for kind in kinds {
        tx.prepare_cached(
            "UPDATE notice INDEXED BY notice_stands SET stands = 0 \
             WHERE automation = ?1 AND kind = ?2 AND stands = 1",
        )?
        .execute((automation, kind.code()))?;
    }
    Ok(())
}

pub(super) fn unaddressed(tx: &Transaction<'_>, limit: u32) -> Result<Vec<(i64, Notice)>, Fault> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} {UNADDRESSED}"))?
        .query_and_then([limit], decode)?
        .collect()
}

/// What was told to a tenant, the newest first.
pub(super) fn newest(
    tx: &Transaction<'_>,
    tenant: &str,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, Notice)>, Fault> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} {OF_TENANT}"))?
        .query_and_then((tenant, before.unwrap_or(i64::MAX), limit), decode)?
        .collect()
}

/// The ways of a notice are chosen once; whoever comes second has chosen in vain.
pub(super) fn address(
    tx: &Transaction<'_>,
    notice: i64,
    channels: &[Channel],
    now: Timestamp,
) -> Result<(), Fault> {
    let chosen = tx
        .prepare_cached("UPDATE notice SET addressed = 1 WHERE id = ?1 AND addressed = 0")?
        .execute([notice])?;
    if chosen == 0 {
        let exists = tx
            .prepare_cached("SELECT 1 FROM notice WHERE id = ?1")?
            .exists([notice])?;
        if exists {
            return Ok(());
        }
        return Err(Fault::Store(StoreError::NotFound(format!(
            "there is no notice {notice}"
        ))));
    }
    for channel in channels {
        tx.prepare_cached(
            "INSERT INTO delivery (notice, channel, attempts, due_at) VALUES (?1, ?2, 0, ?3)",
        )?
        .execute((notice, json(channel)?, now.as_millisecond()))?;
    }
    Ok(())
}

pub(super) fn deliverable(
    tx: &Transaction<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Delivery>, Fault> {
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS}, delivery.id, delivery.channel, delivery.attempts {DELIVERABLE}"
    ))?
    .query_and_then((now.as_millisecond(), limit), |row| {
        let (notice_id, notice) = decode(row)?;
        let channel = row
            .get_ref(WIDTH + 1)?
            .as_str()
            .map_err(rusqlite::Error::from)?;
        Ok(Delivery {
            id: row.get(WIDTH)?,
            notice_id,
            notice,
            channel: from_json(channel, "delivery")?,
            attempts: row.get(WIDTH + 2)?,
        })
    })?
    .collect()
}

pub(super) fn delivered(tx: &Transaction<'_>, delivery: i64, now: Timestamp) -> Result<(), Fault> {
    let ended = tx
        .prepare_cached(
            "UPDATE delivery SET attempts = attempts + 1, due_at = NULL, delivered_at = ?2, error = NULL \
             WHERE id = ?1",
        )?
        .execute((delivery, now.as_millisecond()))?;
    found(delivery, ended)
}

pub(super) fn postponed(
    tx: &Transaction<'_>,
    delivery: i64,
    until: Option<Timestamp>,
    error: &str,
) -> Result<(), Fault> {
    let postponed = tx
        .prepare_cached(
            "UPDATE delivery SET attempts = attempts + 1, due_at = ?2, error = ?3 WHERE id = ?1",
        )?
        .execute((delivery, until.map(Timestamp::as_millisecond), error))?;
    found(delivery, postponed)
}

fn found(delivery: i64, rows: usize) -> Result<(), Fault> {
    if rows == 0 {
        return Err(Fault::Store(StoreError::NotFound(format!(
            "there is no delivery {delivery}; its automation may have been removed"
        ))));
    }
    Ok(())
}

pub(super) fn waiting(tx: &Transaction<'_>) -> Result<u64, Fault> {
    let waiting = tx
        .prepare_cached(
            "SELECT count(*) FROM delivery INDEXED BY delivery_due WHERE due_at IS NOT NULL",
        )?
        .query_row((), |row| row.get(0))?;
    count(waiting, "delivery")
}

pub(super) fn contacts(tx: &Transaction<'_>, automation: i64) -> Result<Vec<Contact>, Fault> {
    tx.prepare_cached(
        "SELECT email, name, language, alerts, report FROM contact WHERE automation = ?1 \
         ORDER BY position",
    )?
    .query_and_then([automation], |row| {
        Ok(Contact {
            email: row.get(0)?,
            name: row.get(1)?,
            language: row.get(2)?,
            alerts: row.get(3)?,
            report: row.get(4)?,
        })
    })?
    .collect()
}

pub(super) fn reporting(
    tx: &Transaction<'_>,
    after: Option<&AutomationId>,
    limit: u32,
) -> Result<Vec<AutomationId>, Fault> {
    tx.prepare_cached(
        "SELECT id FROM automation WHERE id > ?1 AND EXISTS (SELECT 1 FROM contact \
             WHERE contact.automation = automation.number AND contact.report = 1) \
         ORDER BY id LIMIT ?2",
    )?
    .query_and_then((after.map_or("", AutomationId::as_str), limit), |row| {
        Ok(AutomationId::new(row.get::<_, String>(0)?))
    })?
    .collect()
}

pub(super) fn set_contacts(
    tx: &Transaction<'_>,
    automation: i64,
    contacts: &[Contact],
) -> Result<(), Fault> {
    tx.prepare_cached("DELETE FROM contact WHERE automation = ?1")?
        .execute([automation])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO contact (automation, position, email, name, language, alerts, report) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (position, contact) in (0_i64..).zip(contacts) {
        insert.execute(params![
            automation,
            position,
            contact.email,
            contact.name,
            contact.language,
            contact.alerts,
            contact.report,
        ])?;
    }
    Ok(())
}
