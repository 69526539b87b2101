//! Links and pending references.
//!
//! A page starts "after this key", or anywhere. Both are the same comparison, `key >= ?`, because the
//! first text after a key is that key followed by a zero byte; see [`first`].

use jiff::Timestamp;
use matricula_core::link::{
    Access, Applied, Decision, Leaving, Link, ResolvableReference, Trouble,
};
use matricula_core::store::{LinkWrite, Population};
use matricula_core::{SourceKey, TargetId};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, Transaction, params};

use super::codes::{Code, bits, count, date, day, day_bytes, days, opt_timestamp, value};
use super::fault::Fault;

/// What [`decode`] reads, in its order.
pub(super) const COLUMNS: &str = "link.key, link.missed, link.in_scope, link.active, link.access_changes_at, \
    link.leaving_action, link.leaving_reason, link.leaving_decision, link.attempts, link.ambiguous, \
    link.not_before, link.access_from, link.access_until, link.last_day_open, link.barred, link.zone, \
    link.target, link.record, link.applied";

/// How many columns [`COLUMNS`] has.
pub(super) const WIDTH: usize = 19;

/// An owner may decide while a cycle works on the same person. The cycle read the link as staged and
/// writes it as staged: the decision, being newer, stays unless what was decided about has changed.
const WRITE: &str = "INSERT INTO link (automation, key, missed, in_scope, active, access_changes_at, \
        leaving_action, leaving_reason, leaving_decision, attempts, ambiguous, not_before, access_from, \
        access_until, last_day_open, barred, zone, target, record, applied) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20) \
    ON CONFLICT (automation, key) DO UPDATE SET missed = excluded.missed, in_scope = excluded.in_scope, \
        active = excluded.active, access_changes_at = excluded.access_changes_at, \
        leaving_action = excluded.leaving_action, leaving_reason = excluded.leaving_reason, \
        leaving_decision = CASE \
            WHEN excluded.leaving_decision = ?21 AND link.leaving_decision IN (?22, ?23) \
                AND link.leaving_action = excluded.leaving_action \
                AND link.leaving_reason = excluded.leaving_reason \
            THEN link.leaving_decision ELSE excluded.leaving_decision END, \
        attempts = excluded.attempts, ambiguous = excluded.ambiguous, not_before = excluded.not_before, \
        access_from = excluded.access_from, access_until = excluded.access_until, \
        last_day_open = excluded.last_day_open, barred = excluded.barred, zone = excluded.zone, \
        target = excluded.target, record = excluded.record, applied = excluded.applied";

pub(super) fn decode(row: &Row<'_>) -> Result<Link, Fault> {
    const TABLE: &str = "link";
    let leaving = match (row.get(5)?, row.get(6)?, row.get(7)?) {
        (Some(action), Some(reason), Some(decision)) => Some(Leaving {
            action: value(action, TABLE)?,
            reason: value(reason, TABLE)?,
            decision: value(decision, TABLE)?,
        }),
        _ => None,
    };
    let trouble = match (row.get(8)?, row.get(9)?) {
        (Some(attempts), Some(ambiguous)) => Some(Trouble {
            ambiguous,
            attempts,
            not_before: opt_timestamp(row.get(10)?, TABLE)?,
        }),
        _ => None,
    };
    let day_of = |column| row.get::<_, Option<i64>>(column);
    let applied = row.get_ref(18)?.as_bytes().map_err(rusqlite::Error::from)?;
    Ok(Link {
        key: SourceKey::new(row.get::<_, String>(0)?),
        missed: row.get(1)?,
        in_scope: row.get(2)?,
        active: row.get(3)?,
        access_changes_at: opt_timestamp(row.get(4)?, TABLE)?,
        leaving,
        trouble,
        access: Access {
            from: day_of(11)?.map(|day| date(day, TABLE)).transpose()?,
            until: days(
                row.get_ref(12)?.as_bytes().map_err(rusqlite::Error::from)?,
                TABLE,
            )?,
            last_day_open: row.get(13)?,
            barred: row.get(14)?,
            zone: row.get(15)?,
        },
        target: row.get::<_, Option<String>>(16)?.map(TargetId::new),
        record: u128::from_be_bytes(row.get(17)?),
        applied: Applied::from_bytes(applied),
    })
}

/// The statements that write links, prepared once for a commit.
pub(super) struct Writer<'a> {
    automation: i64,
    link: CachedStatement<'a>,
    forget: CachedStatement<'a>,
    refer: CachedStatement<'a>,
    resolve: CachedStatement<'a>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: &'a Connection, automation: i64) -> Result<Self, Fault> {
        Ok(Self {
            automation,
            link: connection.prepare_cached(WRITE)?,
            forget: connection.prepare_cached(
                "DELETE FROM pending_reference WHERE automation = ?1 AND key = ?2",
            )?,
            refer: connection.prepare_cached(
                "INSERT OR IGNORE INTO pending_reference (automation, key, attribute, wants, ready) \
                 VALUES (?1, ?2, ?3, ?4, EXISTS (SELECT 1 FROM link \
                     WHERE automation = ?1 AND key = ?4 AND target IS NOT NULL))",
            )?,
            resolve: connection.prepare_cached(
                "DELETE FROM pending_reference WHERE automation = ?1 AND key = ?2 AND attribute = ?3",
            )?,
        })
    }

    pub(super) fn write(&mut self, write: &LinkWrite) -> Result<(), Fault> {
        let link = &write.link;
        let key = link.key.as_str();
        let leaving = link.leaving.as_ref();
        let trouble = link.trouble.as_ref();
        self.link.execute(params![
            self.automation,
            key,
            link.missed,
            link.in_scope,
            link.active,
            link.access_changes_at.map(Timestamp::as_millisecond),
            leaving.map(|leaving| leaving.action.code()),
            leaving.map(|leaving| leaving.reason.code()),
            leaving.map(|leaving| leaving.decision.code()),
            trouble.map(|trouble| trouble.attempts),
            trouble.map(|trouble| trouble.ambiguous),
            trouble
                .and_then(|trouble| trouble.not_before)
                .map(Timestamp::as_millisecond),
            link.access.from.map(day),
            day_bytes(&link.access.until),
            link.access.last_day_open,
            link.access.barred,
            link.access.zone,
            link.target.as_ref().map(TargetId::as_str),
            link.record.to_be_bytes(),
            link.applied.to_bytes(),
            Decision::Staged.code(),
            Decision::Approved.code(),
            Decision::Discarded.code(),
        ])?;
        if let Some(references) = &write.references {
            self.forget.execute((self.automation, key))?;
            for reference in references {
                self.refer.execute((
                    self.automation,
                    key,
                    &reference.attribute,
                    reference.wants.as_str(),
                ))?;
            }
        }
        for attribute in &write.resolved {
            self.resolve.execute((self.automation, key, attribute))?;
        }
        Ok(())
    }
}

pub(super) fn of_keys(
    tx: &Transaction<'_>,
    automation: i64,
    keys: &[SourceKey],
) -> Result<Vec<Option<Link>>, Fault> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM link WHERE automation = ?1 AND key = ?2"
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

pub(super) fn linked_to(
    tx: &Transaction<'_>,
    automation: i64,
    targets: &[TargetId],
) -> Result<Vec<Option<SourceKey>>, Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT key FROM link INDEXED BY link_by_target WHERE automation = ?1 AND target = ?2 \
         ORDER BY key LIMIT 1",
    )?;
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

pub(super) fn keys(
    tx: &Transaction<'_>,
    automation: i64,
    first: &str,
    limit: u32,
) -> Result<Vec<(SourceKey, u8)>, Fault> {
    tx.prepare_cached(
        "SELECT key, missed FROM link WHERE automation = ?1 AND key >= ?2 ORDER BY key LIMIT ?3",
    )?
    .query_and_then((automation, first, limit), |row| {
        Ok((SourceKey::new(row.get::<_, String>(0)?), row.get(1)?))
    })?
    .collect()
}

/// The index gives those that are due in the order of time. Only their keys are sorted and cut to a
/// page; the links are then read for the page alone.
pub(super) fn access_due(
    tx: &Transaction<'_>,
    automation: i64,
    now: Timestamp,
    first: &str,
    limit: u32,
) -> Result<Vec<Link>, Fault> {
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM (SELECT key AS due FROM link INDEXED BY link_by_change \
             WHERE automation = ?1 AND access_changes_at <= ?2 AND key >= ?3 ORDER BY key LIMIT ?4) \
         CROSS JOIN link ON link.automation = ?1 AND link.key = due ORDER BY due"
    ))?
    .query_and_then((automation, now.as_millisecond(), first, limit), decode)?
    .collect()
}

pub(super) fn leaving(
    tx: &Transaction<'_>,
    automation: i64,
    decisions: &[Decision],
    first: &str,
    limit: u32,
) -> Result<Vec<Link>, Fault> {
    if decisions.is_empty() {
        return Ok(Vec::new());
    }
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM link INDEXED BY link_by_leaving \
         WHERE automation = ?1 AND key >= ?2 AND leaving_decision IS NOT NULL \
             AND (1 << leaving_decision) & ?3 <> 0 \
         ORDER BY key LIMIT ?4"
    ))?
    .query_and_then((automation, first, bits(decisions), limit), decode)?
    .collect()
}

/// All references of one person come on one page, which may therefore be longer than asked for: the
/// next page starts after a person, not within one.
pub(super) fn resolvable(
    tx: &Transaction<'_>,
    automation: i64,
    first: &str,
    limit: u32,
) -> Result<Vec<ResolvableReference>, Fault> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT {COLUMNS}, pending.attribute, wanted.target \
         FROM pending_reference AS pending INDEXED BY pending_reference_ready \
         CROSS JOIN link ON link.automation = pending.automation AND link.key = pending.key \
         CROSS JOIN link AS wanted ON wanted.automation = pending.automation AND wanted.key = pending.wants \
         WHERE pending.automation = ?1 AND pending.ready = 1 AND pending.key >= ?2 \
             AND link.target IS NOT NULL AND wanted.target IS NOT NULL \
         ORDER BY pending.key, pending.attribute, pending.wants"
    ))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut rows = statement.query((automation, first))?;
    let mut found: Vec<ResolvableReference> = Vec::new();
    while let Some(row) = rows.next()? {
        if found.len() >= limit {
            let key = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
            if found
                .last()
                .is_none_or(|last| last.link.key.as_str() != key)
            {
                break;
            }
        }
        found.push(ResolvableReference {
            link: decode(row)?,
            attribute: row.get(WIDTH)?,
            target: TargetId::new(row.get::<_, String>(WIDTH + 1)?),
        });
    }
    Ok(found)
}

pub(super) fn population(
    tx: &Transaction<'_>,
    automation: i64,
    now: Timestamp,
) -> Result<Population, Fault> {
    let undecided = bits(&[Decision::Open, Decision::Staged]);
    let row: [i64; 4] = tx
        .prepare_cached(
            "SELECT linked, active, \
                 (SELECT count(*) FROM link INDEXED BY link_by_leaving WHERE automation = ?1 \
                     AND leaving_decision IS NOT NULL AND (1 << leaving_decision) & ?2 <> 0), \
                 (SELECT count(*) FROM link INDEXED BY link_by_retry \
                     WHERE automation = ?1 AND not_before <= ?3) \
             FROM population WHERE automation = ?1",
        )?
        .query_row((automation, undecided, now.as_millisecond()), |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })?;
    let [linked, active, leaving, retries_due] = row.map(|stored| count(stored, "population"));
    Ok(Population {
        linked: linked?,
        active: active?,
        leaving: leaving?,
        retries_due: retries_due?,
    })
}

pub(super) fn decide(
    tx: &Transaction<'_>,
    automation: i64,
    decision: Decision,
) -> Result<u64, Fault> {
    let decided = tx
        .prepare_cached(
            "UPDATE link INDEXED BY link_by_leaving SET leaving_decision = ?2 \
             WHERE automation = ?1 AND leaving_decision IS NOT NULL AND leaving_decision = ?3",
        )?
        .execute((automation, decision.code(), Decision::Staged.code()))?;
    Ok(decided as u64)
}

pub(super) fn forget(tx: &Transaction<'_>, automation: i64, key: &str) -> Result<bool, Fault> {
    let forgotten = tx
        .prepare_cached("DELETE FROM link WHERE automation = ?1 AND key = ?2")?
        .execute((automation, key))?;
    Ok(forgotten > 0)
}

/// Those who wait for their next try. Whoever waits for another record is not tried without one.
pub(super) fn retry_now(
    tx: &Transaction<'_>,
    automation: i64,
    now: Timestamp,
) -> Result<u64, Fault> {
    let waiting = tx
        .prepare_cached(
            "UPDATE link INDEXED BY link_by_retry SET not_before = min(not_before, ?2) \
             WHERE automation = ?1 AND not_before IS NOT NULL",
        )?
        .execute((automation, now.as_millisecond()))?;
    Ok(waiting as u64)
}

/// The first key of the page after a key.
pub(super) fn first(after: Option<&SourceKey>) -> String {
    after.map(|key| format!("{key}\0")).unwrap_or_default()
}
