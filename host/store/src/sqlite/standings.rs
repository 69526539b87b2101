//! How automations stand.
//!
//! Tenant, flow and credentials of a standing are the automation's own; they are read with it and never
//! written here, so that the two cannot disagree.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use matricula_core::agenda::{Change, Overview};
use matricula_core::standing::{Lifecycle, Standing};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, Cadence, CredentialId, RunId, TenantId};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::codes::{Code, count, from_json, json, opt_timestamp, timestamp, value};
use super::fault::Fault;
use super::{automations, documents, journal, notices};

const TABLE: &str = "standing";

pub(super) const COLUMNS: &str = "automation.id, automation.tenant, automation.flow, automation.source, \
    automation.target, standing.lifecycle, standing.cadence, standing.next_run_at, standing.demand, \
    standing.hold, standing.failures, standing.last_run, standing.last_started_at, standing.last_ended_at, \
    standing.last_succeeded_at, standing.overdue, standing.version";

/// The longest waiting first, as the index has them; leases are looked up one by one. Only those that are
/// running are read in vain, which the machine's own limit keeps few.
pub(super) const DUE: &str = "FROM standing INDEXED BY standing_due \
    CROSS JOIN automation ON automation.number = standing.automation \
    CROSS JOIN lease ON lease.automation = standing.automation \
    WHERE standing.lifecycle <> 2 AND standing.next_run_at <= ?1 \
        AND (lease.owner IS NULL OR lease.owner = ?3 OR lease.until <= ?1) \
    ORDER BY standing.next_run_at, standing.automation LIMIT ?2";

/// Whoever runs is due again once the lease has run out, if not before.
pub(super) const NEXT_DUE: &str = "SELECT min(at) FROM ( \
        SELECT at FROM (SELECT standing.next_run_at AS at FROM standing INDEXED BY standing_due \
            CROSS JOIN lease ON lease.automation = standing.automation \
            WHERE standing.lifecycle <> 2 AND standing.next_run_at IS NOT NULL AND lease.owner IS NULL \
            ORDER BY standing.next_run_at LIMIT 1) \
        UNION ALL \
        SELECT max(standing.next_run_at, lease.until) FROM lease INDEXED BY lease_held \
            CROSS JOIN standing ON standing.automation = lease.automation \
            WHERE lease.owner IS NOT NULL AND standing.lifecycle <> 2 \
                AND standing.next_run_at IS NOT NULL)";

pub(super) const OF_TENANT: &str = "FROM automation INDEXED BY automation_by_tenant \
    CROSS JOIN standing ON standing.automation = automation.number \
    WHERE automation.tenant = ?1 AND automation.id > ?2 ORDER BY automation.id LIMIT ?3";

pub(super) const OF_ALL: &str = "FROM automation \
    CROSS JOIN standing ON standing.automation = automation.number \
    WHERE automation.id > ?1 ORDER BY automation.id LIMIT ?2";

/// How many columns [`COLUMNS`] has.
pub(super) const WIDTH: usize = 17;

pub(super) fn decode(row: &Row<'_>) -> Result<Standing, Fault> {
    let text = |column| -> Result<Option<&str>, Fault> {
        Ok(row
            .get_ref(column)?
            .as_str_or_null()
            .map_err(rusqlite::Error::from)?)
    };
    Ok(Standing {
        automation: AutomationId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        flow: row.get(2)?,
        source: CredentialId::new(row.get::<_, String>(3)?),
        target: CredentialId::new(row.get::<_, String>(4)?),
        lifecycle: value(row.get(5)?, TABLE)?,
        cadence: from_json(text(6)?.unwrap_or_default(), TABLE)?,
        next_run_at: opt_timestamp(row.get(7)?, TABLE)?,
        demand: text(8)?
            .map(|demand| from_json(demand, TABLE))
            .transpose()?,
        hold: text(9)?.map(|hold| from_json(hold, TABLE)).transpose()?,
        failures: row.get(10)?,
        last_run: row.get::<_, Option<i64>>(11)?.map(RunId),
        last_started_at: opt_timestamp(row.get(12)?, TABLE)?,
        last_ended_at: opt_timestamp(row.get(13)?, TABLE)?,
        last_succeeded_at: opt_timestamp(row.get(14)?, TABLE)?,
        overdue: row.get(15)?,
        version: row.get(16)?,
    })
}

/// The moment after which no run has begun for twice the interval, although one was due for a whole one: who
/// runs at a slower pace, or has just been started again, is not overdue for that. Times of the day have
/// different distances; there it is the second of them that is missed.
fn overdue_at(standing: &Standing, begun: Timestamp) -> Option<Timestamp> {
    let missed = |from: Timestamp, times: i64| match &standing.cadence {
        Cadence::OnDemand => None,
        Cadence::Every { seconds } => {
            let interval = i64::try_from(*seconds).unwrap_or(i64::MAX);
            let span = SignedDuration::from_secs(interval.saturating_mul(times));
            Some(from.saturating_add(span).unwrap_or(Timestamp::MAX))
        }
        cadence @ Cadence::Cron { .. } => (0..times).try_fold(from, |at, _| {
            // What cannot be read any more is never due and so never overdue.
            cadence.next(at, 0).ok().flatten()
        }),
    };
    let since_due = standing.next_run_at.and_then(|due| missed(due, 1));
    missed(begun, 2).max(since_due)
}

pub(super) fn enroll(tx: &Transaction<'_>, change: &Change) -> Result<(), Fault> {
    let id = &change.standing.automation;
    let number = automations::number(tx, id)?;
    let enrolled = tx
        .prepare_cached("SELECT 1 FROM standing WHERE automation = ?1")?
        .exists([number])?;
    if enrolled {
        return Err(Fault::Store(StoreError::Exists(format!(
            "the automation “{id}” is in the schedule already"
        ))));
    }
    tx.prepare_cached(
        "INSERT INTO standing (automation, lifecycle, overdue, failures, version, cadence) \
         VALUES (?1, ?2, 0, 0, ?3, '')",
    )?
    .execute((
        number,
        change.standing.lifecycle.code(),
        change.standing.version,
    ))?;
    write(tx, number, &change.standing, change.standing.version)?;
    tell(tx, number, change)
}

/// Whether it was written. An automation that was removed in the meantime has no version that could fit.
pub(super) fn change(tx: &Transaction<'_>, change: &Change) -> Result<bool, Fault> {
    let standing = &change.standing;
    let Some(number) = automations::find(tx, &standing.automation)? else {
        return Ok(false);
    };
    if !write(tx, number, standing, standing.version.saturating_add(1))? {
        return Ok(false);
    }
    tell(tx, number, change)?;
    Ok(true)
}

/// Whether the version was still the one that the standing was made from.
fn write(
    tx: &Transaction<'_>,
    number: i64,
    standing: &Standing,
    version: i64,
) -> Result<bool, Fault> {
    let begun = match standing.last_started_at {
        Some(at) => at,
        None => tx
            .prepare_cached("SELECT created_at FROM automation WHERE number = ?1")?
            .query_row([number], |row| row.get(0))
            .map_err(Fault::from)
            .and_then(|at| timestamp(at, "automation"))?,
    };
    let written = tx
        .prepare_cached(
            "UPDATE standing SET lifecycle = ?3, next_run_at = ?4, overdue_at = ?5, overdue = ?6, \
                 failures = ?7, last_run = ?8, last_started_at = ?9, last_ended_at = ?10, \
                 last_succeeded_at = ?11, cadence = ?12, demand = ?13, hold = ?14, version = ?15 \
             WHERE automation = ?1 AND version = ?2",
        )?
        .execute(params![
            number,
            standing.version,
            standing.lifecycle.code(),
            standing.next_run_at.map(Timestamp::as_millisecond),
            overdue_at(standing, begun).map(Timestamp::as_millisecond),
            standing.overdue,
            standing.failures,
            standing.last_run.map(|run| run.0),
            standing.last_started_at.map(Timestamp::as_millisecond),
            standing.last_ended_at.map(Timestamp::as_millisecond),
            standing.last_succeeded_at.map(Timestamp::as_millisecond),
            json(&standing.cadence)?,
            standing.demand.as_ref().map(json).transpose()?,
            standing.hold.as_ref().map(json).transpose()?,
            version,
        ])?;
    Ok(written > 0)
}

/// What is withdrawn comes first: a reason that ends and begins again in one change is told again.
fn tell(tx: &Transaction<'_>, number: i64, change: &Change) -> Result<(), Fault> {
    for entry in &change.journal {
        journal::add(tx, entry)?;
    }
    notices::withdraw(tx, number, &change.withdrawn)?;
    for notice in &change.notices {
        notices::post(tx, notice)?;
    }
    Ok(())
}

pub(super) fn of(tx: &Transaction<'_>, id: &AutomationId) -> Result<Option<Standing>, Fault> {
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM automation JOIN standing ON standing.automation = automation.number \
         WHERE automation.id = ?1"
    ))?
    .query_and_then([id.as_str()], decode)?
    .next()
    .transpose()
}

pub(super) fn page(
    tx: &Transaction<'_>,
    tenant: Option<&TenantId>,
    after: Option<&AutomationId>,
    limit: u32,
) -> Result<Vec<Standing>, Fault> {
    // No identifier is the empty text's predecessor: everybody comes after none.
    let after = after.map_or("", AutomationId::as_str);
    match tenant {
        Some(tenant) => tx
            .prepare_cached(&format!("SELECT {COLUMNS} {OF_TENANT}"))?
            .query_and_then((tenant.as_str(), after, limit), decode)?
            .collect(),
        None => tx
            .prepare_cached(&format!("SELECT {COLUMNS} {OF_ALL}"))?
            .query_and_then((after, limit), decode)?
            .collect(),
    }
}

pub(super) fn due(
    tx: &Transaction<'_>,
    now: Timestamp,
    me: &str,
    limit: u32,
) -> Result<Vec<Standing>, Fault> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} {DUE}"))?
        .query_and_then((now.as_millisecond(), limit, me), decode)?
        .collect()
}

pub(super) fn next_due(tx: &Transaction<'_>) -> Result<Option<Timestamp>, Fault> {
    let at = tx
        .prepare_cached(NEXT_DUE)?
        .query_row((), |row| row.get(0))?;
    opt_timestamp(at, TABLE)
}

/// One pass over all standings.
pub(super) fn overview(tx: &Transaction<'_>, now: Timestamp) -> Result<Overview, Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT count(*) FILTER (WHERE lifecycle = ?2), \
             count(*) FILTER (WHERE lifecycle = ?2 AND hold IS NOT NULL), \
             count(*) FILTER (WHERE lifecycle = ?3), \
             count(*) FILTER (WHERE lifecycle = ?4), \
             count(*) FILTER (WHERE due), \
             count(*) FILTER (WHERE lifecycle = ?2 AND free AND overdue_at < ?1), \
             min(next_run_at) FILTER (WHERE due) \
         FROM (SELECT lifecycle, hold, overdue_at, next_run_at, free, \
                 free AND lifecycle <> ?4 AND next_run_at IS NOT NULL AND next_run_at <= ?1 AS due \
             FROM (SELECT standing.*, NOT EXISTS (SELECT 1 FROM lease INDEXED BY lease_held \
                     WHERE lease.automation = standing.automation AND owner IS NOT NULL \
                         AND until > ?1) AS free \
                 FROM standing))",
    )?;
    let parameters = (
        now.as_millisecond(),
        Lifecycle::Active.code(),
        Lifecycle::Paused.code(),
        Lifecycle::Deactivated.code(),
    );
    let (counts, first): ([i64; 6], Option<i64>) = statement.query_row(parameters, |row| {
        let mut counts = [0; 6];
        for (column, count) in counts.iter_mut().enumerate() {
            *count = row.get(column)?;
        }
        Ok((counts, row.get(6)?))
    })?;
    let [active, quarantined, paused, deactivated, due, overdue] =
        counts.map(|stored| count(stored, TABLE));
    let waited = first.map_or(0, |first| now.as_millisecond().saturating_sub(first));
    Ok(Overview {
        active: active?,
        quarantined: quarantined?,
        paused: paused?,
        deactivated: deactivated?,
        due: due?,
        overdue: overdue?,
        lag: Duration::from_millis(u64::try_from(waited).unwrap_or(0)),
    })
}

/// Forgets what was seen, of the automation, of each person and of each document. A run that was cut off is not gone on
/// with: it is told from its program, which is nobody's now.
pub(super) fn reevaluate(tx: &Transaction<'_>, number: i64) -> Result<(), Fault> {
    tx.prepare_cached(
        "UPDATE automation SET state = NULL, full_at = NULL, program = NULL WHERE number = ?1",
    )?
    .execute([number])?;
    tx.prepare_cached("UPDATE progress SET program = '' WHERE automation = ?1")?
        .execute([number])?;
    tx.prepare_cached("UPDATE link SET record = zeroblob(16) WHERE automation = ?1")?
        .execute([number])?;
    documents::reevaluate(tx, number)?;
    Ok(())
}

/// The digest of the secret in an automation's address for webhooks.
pub(super) fn hook(tx: &Transaction<'_>, number: i64) -> Result<Option<[u8; 32]>, Fault> {
    Ok(tx
        .prepare_cached("SELECT digest FROM hook WHERE automation = ?1")?
        .query_row([number], |row| row.get(0))
        .optional()?)
}

pub(super) fn set_hook(
    tx: &Transaction<'_>,
    number: i64,
    digest: Option<[u8; 32]>,
) -> Result<(), Fault> {
    match digest {
        Some(digest) => tx
            .prepare_cached(
                "INSERT INTO hook (automation, digest) VALUES (?1, ?2) \
                 ON CONFLICT (automation) DO UPDATE SET digest = excluded.digest",
            )?
            .execute((number, digest))?,
        None => tx
            .prepare_cached("DELETE FROM hook WHERE automation = ?1")?
            .execute([number])?,
    };
    Ok(())
}
