//! Runs, how far they have come, and what became of the records.

use jiff::Timestamp;
use matricula_core::agenda::{RunFilter, Tally};
use matricula_core::automation::Memory;
use matricula_core::run::{
    Counts, CycleKind, Outcome, OutcomeKind, Progress, Requests, Run, RunStatus, Trigger,
};
use matricula_core::store::{Commit, Lease, OutcomeFilter, StoreError};
use matricula_core::{AutomationId, RunId, SourceKey, TargetId, Text};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Deserialize;

use super::codes::{Code, bits, count, from_json, json, opt_timestamp, stored, timestamp, value};
use super::fault::Fault;
use super::links::Writer;
use super::{automations, documents, groups};

const COLUMNS: &str = "run.id, automation.id, run.flow, run.started_by, run.cycle, run.status, \
                       run.started_at, run.finished_at, run.counts, run.requests, run.error, run.notes";

pub(super) const NEWEST_OF_TENANT: &str = "SELECT id FROM run INDEXED BY run_by_tenant \
    WHERE tenant = ?1 AND status = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4";

pub(super) const NEWEST_OF_AUTOMATION: &str = "SELECT id FROM run INDEXED BY run_by_automation \
    WHERE automation = ?1 AND status = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4";

/// Whatever became of them; read from the index alone.
pub(super) const RECENT: &str = "SELECT id, status, started_at FROM run INDEXED BY run_recent \
    WHERE automation = ?1 ORDER BY id DESC LIMIT ?2";

pub(super) const TALLY: &str = "SELECT status, counts FROM run INDEXED BY run_ended \
    WHERE automation = ?1 AND finished_at >= ?2 AND finished_at < ?3 ORDER BY finished_at, id";

/// Those of a run that was kept before they came in several languages are plain strings.
#[derive(Deserialize)]
#[serde(transparent)]
struct Notes(#[serde(deserialize_with = "matricula_core::text::kept")] Vec<Text>);

fn decode(row: &Row<'_>) -> Result<Run, Fault> {
    const TABLE: &str = "run";
    let text = |column| -> Result<&str, Fault> {
        Ok(row
            .get_ref(column)?
            .as_str()
            .map_err(rusqlite::Error::from)?)
    };
    let error = match row.get_ref(10)? {
        ValueRef::Null => None,
        _ => Some(from_json(text(10)?, TABLE)?),
    };
    Ok(Run {
        id: RunId(row.get(0)?),
        automation: AutomationId::new(row.get::<_, String>(1)?),
        flow: row.get(2)?,
        trigger: from_json(text(3)?, TABLE)?,
        cycle: value(row.get(4)?, TABLE)?,
        status: value(row.get(5)?, TABLE)?,
        started_at: timestamp(row.get(6)?, TABLE)?,
        finished_at: opt_timestamp(row.get(7)?, TABLE)?,
        counts: from_json(text(8)?, TABLE)?,
        requests: from_json(text(9)?, TABLE)?,
        error,
        notes: from_json::<Notes>(text(11)?, TABLE)?.0,
    })
}

pub(super) fn begin(
    tx: &Transaction<'_>,
    lease: &Lease,
    flow: String,
    trigger: Trigger,
    cycle: CycleKind,
    now: Timestamp,
) -> Result<Run, Fault> {
    let automation = automations::held(tx, lease)?;
    if let Some((run, _)) = unfinished(tx, automation)? {
        return Err(Fault::Store(StoreError::Exists(format!(
            "run {} of this automation has not ended; resume it or end it first",
            run.id
        ))));
    }
    let mut run = Run {
        id: RunId(0),
        automation: lease.automation.clone(),
        flow,
        trigger,
        cycle,
        status: RunStatus::Running,
        // As it will be read again.
        started_at: timestamp(now.as_millisecond(), "run")?,
        finished_at: None,
        counts: Counts::default(),
        requests: Requests::default(),
        error: None,
        notes: Vec::new(),
    };
    run.id = tx
        .prepare_cached(
            "INSERT INTO run (automation, tenant, flow, started_by, cycle, status, started_at, counts, \
                 requests, notes) \
             SELECT number, tenant, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM automation WHERE number = ?1 \
             RETURNING id",
        )?
        .query_row(
            params![
                automation,
                run.flow,
                json(&run.trigger)?,
                run.cycle.code(),
                run.status.code(),
                run.started_at.as_millisecond(),
                json(&run.counts)?,
                json(&run.requests)?,
                json(&run.notes)?,
            ],
            |row| Ok(RunId(row.get(0)?)),
        )?;
    let progress = Progress::default();
    tx.prepare_cached(
        "INSERT INTO progress (run, automation, phase, complete, read, program) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        run.id.0,
        automation,
        progress.phase.code(),
        progress.complete,
        stored(progress.read)?,
        progress.program,
    ])?;
    Ok(run)
}

pub(super) fn unfinished(
    tx: &Transaction<'_>,
    automation: i64,
) -> Result<Option<(Run, Progress)>, Fault> {
    const TABLE: &str = "progress";
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS}, progress.phase, progress.position, progress.state, progress.complete, \
             progress.read, progress.total, progress.program \
         FROM progress JOIN run ON run.id = progress.run \
             JOIN automation ON automation.number = progress.automation \
         WHERE progress.automation = ?1"
    ))?
    .query_and_then([automation], |row| {
        let progress = Progress {
            phase: value(row.get(12)?, TABLE)?,
            position: row.get(13)?,
            state: row.get(14)?,
            complete: row.get(15)?,
            read: count(row.get(16)?, TABLE)?,
            total: row
                .get::<_, Option<i64>>(17)?
                .map(|total| count(total, TABLE))
                .transpose()?,
            program: row.get(18)?,
        };
        Ok((decode(row)?, progress))
    })?
    .next()
    .transpose()
}

pub(super) fn commit(tx: &Transaction<'_>, lease: &Lease, commit: &Commit) -> Result<(), Fault> {
    let automation = automations::held(tx, lease)?;
    let Commit {
        run,
        progress,
        links,
        documents,
        forgotten,
        groups,
        outcomes,
        seen,
    } = commit;
    let went_on = tx
        .prepare_cached(
            "UPDATE progress SET phase = ?3, position = ?4, state = ?5, complete = ?6, read = ?7, \
                 total = ?8, program = ?9 \
             WHERE run = ?1 AND automation = ?2",
        )?
        .execute(params![
            run.id.0,
            automation,
            progress.phase.code(),
            progress.position,
            progress.state,
            progress.complete,
            stored(progress.read)?,
            progress.total.map(stored).transpose()?,
            progress.program,
        ])?;
    if went_on == 0 {
        return Err(Fault::Store(StoreError::NotFound(format!(
            "run {} of this automation is not going on; nothing was written",
            run.id
        ))));
    }
    write(tx, automation, run)?;
    if !links.is_empty() {
        let mut writer = Writer::new(tx, automation)?;
        for link in links {
            writer.write(link)?;
        }
    }
    groups::write(tx, automation, groups)?;
    documents::forget(tx, automation, forgotten)?;
    documents::write(tx, automation, documents)?;
    add_outcomes(tx, run.id, outcomes)?;
    if !seen.is_empty() {
        let hashes: Vec<u8> = seen.iter().flat_map(|hash| hash.to_le_bytes()).collect();
        tx.prepare_cached("INSERT INTO seen (run, hashes) VALUES (?1, ?2)")?
            .execute((run.id.0, hashes))?;
    }
    Ok(())
}

pub(super) fn finish(
    tx: &Transaction<'_>,
    lease: &Lease,
    run: &Run,
    memory: Option<&Memory>,
) -> Result<(), Fault> {
    let automation = automations::held(tx, lease)?;
    write(tx, automation, run)?;
    if let Some(memory) = memory {
        automations::remember(tx, automation, memory)?;
    }
    tx.prepare_cached("DELETE FROM progress WHERE run = ?1")?
        .execute([run.id.0])?;
    tx.prepare_cached("DELETE FROM seen WHERE run = ?1")?
        .execute([run.id.0])?;
    Ok(())
}

/// Writes what changes in the record of a run.
fn write(tx: &Transaction<'_>, automation: i64, run: &Run) -> Result<(), Fault> {
    let written = tx
        .prepare_cached(
            "UPDATE run SET flow = ?3, started_by = ?4, cycle = ?5, status = ?6, started_at = ?7, \
                 finished_at = ?8, counts = ?9, requests = ?10, error = ?11, notes = ?12 \
             WHERE id = ?1 AND automation = ?2",
        )?
        .execute(params![
            run.id.0,
            automation,
            run.flow,
            json(&run.trigger)?,
            run.cycle.code(),
            run.status.code(),
            run.started_at.as_millisecond(),
            run.finished_at.map(Timestamp::as_millisecond),
            json(&run.counts)?,
            json(&run.requests)?,
            run.error.as_ref().map(json).transpose()?,
            json(&run.notes)?,
        ])?;
    if written == 0 {
        return Err(Fault::Store(StoreError::NotFound(format!(
            "this automation has no run {}; nothing was written",
            run.id
        ))));
    }
    Ok(())
}

fn add_outcomes(tx: &Transaction<'_>, run: RunId, outcomes: &[Outcome]) -> Result<(), Fault> {
    if outcomes.is_empty() {
        return Ok(());
    }
    let last: Option<i64> = tx
        .prepare_cached("SELECT number FROM outcome WHERE run = ?1 ORDER BY number DESC LIMIT 1")?
        .query_row([run.0], |row| row.get(0))
        .optional()?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO outcome (run, number, kind, key, target, code, reason, changed) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for (number, outcome) in (last.unwrap_or(0) + 1..).zip(outcomes) {
        let changed = match outcome.changed.as_slice() {
            [] => None,
            names => Some(json(names)?),
        };
        insert.execute(params![
            run.0,
            number,
            outcome.kind.code(),
            outcome.key.as_str(),
            outcome.target.as_ref().map(TargetId::as_str),
            outcome.code,
            outcome.reason,
            changed,
        ])?;
    }
    Ok(())
}

pub(super) fn seen(tx: &Transaction<'_>, run: RunId) -> Result<Vec<u64>, Fault> {
    let mut statement = tx.prepare_cached("SELECT hashes FROM seen WHERE run = ?1")?;
    let mut rows = statement.query([run.0])?;
    let mut seen = Vec::new();
    while let Some(row) = rows.next()? {
        let hashes = row.get_ref(0)?.as_bytes().map_err(rusqlite::Error::from)?;
        let (hashes, rest) = hashes.as_chunks::<8>();
        if !rest.is_empty() {
            return Err(Fault::Unreadable("seen"));
        }
        seen.extend(hashes.iter().map(|hash| u64::from_le_bytes(*hash)));
    }
    Ok(seen)
}

/// Runs of a tenant, the newest first. The indexes have the runs of each status in their order; so many of
/// each are enough to have the newest of all.
pub(super) fn newest(
    tx: &Transaction<'_>,
    tenant: &str,
    filter: &RunFilter,
) -> Result<Vec<Run>, Fault> {
    let before = filter.before.map_or(i64::MAX, |run| run.0);
    let mut statement = match filter.automation {
        Some(_) => tx.prepare_cached(NEWEST_OF_AUTOMATION)?,
        None => tx.prepare_cached(NEWEST_OF_TENANT)?,
    };
    let owner = match &filter.automation {
        Some(id) => match automations::of_tenant_by_id(tx, tenant, id)? {
            Some(number) => Value::Integer(number),
            None => return Ok(Vec::new()),
        },
        None => Value::Text(tenant.to_owned()),
    };
    let mut ids: Vec<i64> = Vec::new();
    for status in (0..).map_while(RunStatus::from_code) {
        if filter.status.is_some_and(|wanted| wanted != status) {
            continue;
        }
        let parameters = params![owner, status.code(), before, filter.limit];
        for id in statement.query_map(parameters, |row| row.get(0))? {
            ids.push(id?);
        }
    }
    ids.sort_unstable_by(|one, other| other.cmp(one));
    ids.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    ids.into_iter()
        .filter_map(|id| by_id(tx, RunId(id)).transpose())
        .collect()
}

/// What the runs did that ended from the one moment until before the other.
pub(super) fn tally(
    tx: &Transaction<'_>,
    automation: i64,
    from: Timestamp,
    to: Timestamp,
) -> Result<Tally, Fault> {
    let mut statement = tx.prepare_cached(TALLY)?;
    let mut rows = statement.query((automation, from.as_millisecond(), to.as_millisecond()))?;
    let mut tally = Tally::default();
    while let Some(row) = rows.next()? {
        let counts: Counts = from_json(
            row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?,
            "run",
        )?;
        let status: RunStatus = value(row.get(0)?, "run")?;
        tally.runs += 1;
        tally.failed += u64::from(status == RunStatus::Failed);
        let sums = &tally.counts;
        tally.counts = Counts {
            created: sums.created.saturating_add(counts.created),
            updated: sums.updated.saturating_add(counts.updated),
            deactivated: sums.deactivated.saturating_add(counts.deactivated),
            reactivated: sums.reactivated.saturating_add(counts.reactivated),
            ..counts
        };
    }
    Ok(tally)
}

pub(super) fn by_id(tx: &Transaction<'_>, id: RunId) -> Result<Option<Run>, Fault> {
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM run JOIN automation ON automation.number = run.automation \
         WHERE run.id = ?1"
    ))?
    .query_and_then([id.0], decode)?
    .next()
    .transpose()
}

pub(super) fn outcomes(
    tx: &Transaction<'_>,
    run: RunId,
    filter: &OutcomeFilter,
) -> Result<Vec<(i64, Outcome)>, Fault> {
    tx.prepare_cached(
        "SELECT number, kind, key, target, code, reason, changed FROM outcome \
         WHERE run = ?1 AND number > ?2 AND (1 << kind) & ?3 <> 0 ORDER BY number LIMIT ?4",
    )?
    .query_and_then(
        (
            run.0,
            filter.after.unwrap_or(0),
            bits::<OutcomeKind>(&filter.kinds),
            filter.limit,
        ),
        |row| {
            let changed = match row
                .get_ref(6)?
                .as_str_or_null()
                .map_err(rusqlite::Error::from)?
            {
                Some(names) => from_json(names, "outcome")?,
                None => Vec::new(),
            };
            let outcome = Outcome {
                kind: value(row.get(1)?, "outcome")?,
                key: SourceKey::new(row.get::<_, String>(2)?),
                target: row.get::<_, Option<String>>(3)?.map(TargetId::new),
                code: row.get(4)?,
                reason: row.get(5)?,
                changed,
            };
            Ok((row.get(0)?, outcome))
        },
    )?
    .collect()
}
