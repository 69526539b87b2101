//! Documents: what was put into people's files, and how each stands.
//!
//! Nearly all of them are delivered, which nothing is done about any more. So what is looked for by state lies
//! in indexes of the others alone, and how many stand how is kept by triggers.

use jiff::Timestamp;
use matricula_core::document::{Document, DocumentDecision, DocumentFigures, DocumentState};
use matricula_core::link::Applied;
use matricula_core::{SourceKey, TargetId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::codes::{Code, count, hex, opt_timestamp, stored, unhex, value};
use super::fault::Fault;

const TABLE: &str = "document";

/// What [`decode`] reads, in its order.
pub(super) const COLUMNS: &str =
    "key, state, record, owner, wants, target, sent, size, sha256, sent_at, attempts, not_before";

/// An owner may decide while a cycle has the same document in hand. Such a cycle read it as doubtful and
/// writes it as doubtful: the decision is newer, and the row stays as it is. Nothing else becomes doubtful
/// without having been intended before. And what was delivered stays delivered, whatever a cycle writes:
/// forgetting it would put it into the personnel file a second time.
const WRITE: &str = "INSERT INTO document (automation, key, state, record, owner, wants, target, sent, size, sha256, \
        sent_at, attempts, not_before) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) \
    ON CONFLICT (automation, key) DO UPDATE SET state = excluded.state, record = excluded.record, \
        owner = excluded.owner, wants = excluded.wants, target = excluded.target, sent = excluded.sent, \
        size = excluded.size, sha256 = excluded.sha256, sent_at = excluded.sent_at, \
        attempts = excluded.attempts, not_before = excluded.not_before \
    WHERE (document.state <> ?15 OR excluded.state = ?15) \
        AND (excluded.state <> ?14 OR document.state <> ?16)";

/// Of a state that is looked for.
pub(super) const OPEN: &str = "FROM document INDEXED BY document_open \
    WHERE automation = ?1 AND state = ?2 AND state > 1 AND key >= ?3 ORDER BY key LIMIT ?4";

/// Of a state that most are in.
pub(super) const CLOSED: &str = "FROM document NOT INDEXED \
    WHERE automation = ?1 AND state = ?2 AND key >= ?3 ORDER BY key LIMIT ?4";

pub(super) const DELIVERED_AS: &str = "SELECT key FROM document INDEXED BY document_by_target \
    WHERE automation = ?1 AND target = ?2 ORDER BY key LIMIT 1";

pub(super) const FIGURES: &str = "SELECT state, number FROM document_figure WHERE automation = ?1";

pub(super) const RETRIES_DUE: &str = "SELECT count(*) FROM document INDEXED BY document_by_retry \
    WHERE automation = ?1 AND state = 4 AND not_before IS NOT NULL AND not_before <= ?2";

/// Several wait for the same person, who is looked up once.
pub(super) const KNOWN_BY_NOW: &str = "SELECT coalesce(sum(number), 0) FROM (SELECT wants, count(*) AS number \
        FROM document INDEXED BY document_waiting \
        WHERE automation = ?1 AND state = 2 AND wants IS NOT NULL GROUP BY wants) AS waiting \
    WHERE EXISTS (SELECT 1 FROM link INDEXED BY link_by_target \
        WHERE link.automation = ?2 AND link.target = waiting.wants)";

pub(super) const RETRY_NOW: &str = "UPDATE document INDEXED BY document_by_retry \
    SET not_before = min(not_before, ?2) \
    WHERE automation = ?1 AND state = 4 AND not_before IS NOT NULL";

/// One that is sent again is dealt with whatever its record is.
const DECIDE: &str = "SET state = ?2, attempts = 0, record = iif(?2 = ?3, zeroblob(16), record)";

fn decode(row: &Row<'_>) -> Result<Document, Fault> {
    let sent = row.get_ref(6)?.as_bytes().map_err(rusqlite::Error::from)?;
    Ok(Document {
        key: SourceKey::new(row.get::<_, String>(0)?),
        state: value(row.get(1)?, TABLE)?,
        record: u128::from_be_bytes(row.get(2)?),
        owner: row.get::<_, Option<String>>(3)?.map(SourceKey::new),
        wants: row.get::<_, Option<String>>(4)?.map(TargetId::new),
        target: row.get::<_, Option<String>>(5)?.map(TargetId::new),
        sent: Applied::from_bytes(sent),
        size: row
            .get::<_, Option<i64>>(7)?
            .map(|size| count(size, TABLE))
            .transpose()?,
        sha256: row
            .get::<_, Option<[u8; 32]>>(8)?
            .map(|digest| hex(&digest)),
        sent_at: opt_timestamp(row.get(9)?, TABLE)?,
        attempts: row.get(10)?,
        not_before: opt_timestamp(row.get(11)?, TABLE)?,
    })
}

pub(super) fn write(
    connection: &Connection,
    automation: i64,
    documents: &[Document],
) -> Result<(), Fault> {
    if documents.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(WRITE)?;
    for document in documents {
        statement.execute(params![
            automation,
            document.key.as_str(),
            document.state.code(),
            document.record.to_be_bytes(),
            document.owner.as_ref().map(SourceKey::as_str),
            document.wants.as_ref().map(TargetId::as_str),
            document.target.as_ref().map(TargetId::as_str),
            document.sent.to_bytes(),
            document.size.map(stored).transpose()?,
            document.sha256.as_deref().map(unhex).transpose()?,
            document.sent_at.map(Timestamp::as_millisecond),
            document.attempts,
            document.not_before.map(Timestamp::as_millisecond),
            DocumentState::Doubtful.code(),
            DocumentState::Delivered.code(),
            DocumentState::Again.code(),
        ])?;
    }
    Ok(())
}

pub(super) fn forget(
    connection: &Connection,
    automation: i64,
    keys: &[SourceKey],
) -> Result<(), Fault> {
    if keys.is_empty() {
        return Ok(());
    }
    let mut statement =
        connection.prepare_cached("DELETE FROM document WHERE automation = ?1 AND key = ?2")?;
    for key in keys {
        statement.execute((automation, key.as_str()))?;
    }
    Ok(())
}

pub(super) fn of_keys(
    tx: &Transaction<'_>,
    automation: i64,
    keys: &[SourceKey],
) -> Result<Vec<Option<Document>>, Fault> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM document WHERE automation = ?1 AND key = ?2"
    ))?;
    keys.iter()
        .map(|key| {
            statement
                .query_and_then((automation, key.as_str()), decode)?
                .next()
                .transpose()
        })
        .collect()
}

/// Each state is read by its index, in the order of keys; a page is the beginning of all of them together.
pub(super) fn in_states(
    tx: &Transaction<'_>,
    automation: i64,
    states: &[DocumentState],
    first: &str,
    limit: u32,
) -> Result<Vec<Document>, Fault> {
    let mut codes: Vec<i64> = states.iter().map(|state| state.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    let mut found = Vec::new();
    for code in codes {
        let source = if code > 1 { OPEN } else { CLOSED };
        let mut statement = tx.prepare_cached(&format!("SELECT {COLUMNS} {source}"))?;
        for document in statement.query_and_then((automation, code, first, limit), decode)? {
            found.push(document?);
        }
    }
    found.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

pub(super) fn delivered_as(
    tx: &Transaction<'_>,
    automation: i64,
    targets: &[TargetId],
) -> Result<Vec<Option<SourceKey>>, Fault> {
    let mut statement = tx.prepare_cached(DELIVERED_AS)?;
    targets
        .iter()
        .map(|target| {
            let key = statement
                .query_row((automation, target.as_str()), |row| row.get::<_, String>(0))
                .optional()?;
            Ok(key.map(SourceKey::new))
        })
        .collect()
}

/// Whom the waiting ones wait for is looked up among the links of `people`; none: nobody is known.
pub(super) fn figures(
    tx: &Transaction<'_>,
    automation: i64,
    people: Option<i64>,
    now: Timestamp,
) -> Result<DocumentFigures, Fault> {
    let mut figures = DocumentFigures::default();
    let mut statement = tx.prepare_cached(FIGURES)?;
    let rows = statement.query_and_then([automation], |row| {
        let state: DocumentState = value(row.get(0)?, TABLE)?;
        Ok::<_, Fault>((state, count(row.get(1)?, TABLE)?))
    })?;
    for row in rows {
        let (state, number) = row?;
        match state {
            DocumentState::Waiting => figures.waiting = number,
            DocumentState::Intended | DocumentState::Again => figures.due += number,
            DocumentState::Delivered => figures.delivered = number,
            DocumentState::Failed => figures.failed = number,
            DocumentState::Doubtful => figures.doubtful = number,
            DocumentState::Unwanted => {}
        }
    }
    if figures.failed > 0 {
        let due = tx
            .prepare_cached(RETRIES_DUE)?
            .query_row((automation, now.as_millisecond()), |row| row.get(0))?;
        figures.due += count(due, TABLE)?;
    }
    if let Some(people) = people
        && figures.waiting > 0
    {
        let due = tx
            .prepare_cached(KNOWN_BY_NOW)?
            .query_row((automation, people), |row| row.get(0))?;
        figures.due += count(due, TABLE)?;
    }
    Ok(figures)
}

pub(super) fn decide_all() -> String {
    format!(
        "UPDATE document INDEXED BY document_open {DECIDE} \
         WHERE automation = ?1 AND state = ?4 AND state > 1"
    )
}

pub(super) fn decide(
    tx: &Transaction<'_>,
    automation: i64,
    keys: Option<&[SourceKey]>,
    decision: DocumentDecision,
) -> Result<u64, Fault> {
    let (decided, again) = (decision.state().code(), DocumentState::Again.code());
    let doubtful = DocumentState::Doubtful.code();
    let Some(keys) = keys else {
        let number = tx
            .prepare_cached(&decide_all())?
            .execute((automation, decided, again, doubtful))?;
        return Ok(number as u64);
    };
    let mut statement = tx.prepare_cached(&format!(
        "UPDATE document {DECIDE} WHERE automation = ?1 AND state = ?4 AND key = ?5"
    ))?;
    let mut number = 0;
    for key in keys {
        number += statement.execute((automation, decided, again, doubtful, key.as_str()))?;
    }
    Ok(number as u64)
}

/// Those that failed and wait for their next try.
pub(super) fn retry_now(
    tx: &Transaction<'_>,
    automation: i64,
    now: Timestamp,
) -> Result<u64, Fault> {
    let failed = tx
        .prepare_cached(RETRY_NOW)?
        .execute((automation, now.as_millisecond()))?;
    Ok(failed as u64)
}

pub(super) fn reevaluate(tx: &Transaction<'_>, automation: i64) -> Result<(), Fault> {
    tx.prepare_cached("UPDATE document SET record = zeroblob(16) WHERE automation = ?1")?
        .execute([automation])?;
    Ok(())
}
