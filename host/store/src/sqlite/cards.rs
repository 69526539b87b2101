//! Automations at a glance, in the order in which people see them.
//!
//! The table `card` has a row for each automation that was started, with why it needs somebody. Triggers keep it
//! (`schema/0005-board.sql`): whatever changes a standing, a decision about somebody's leaving or the figures of
//! documents changes the card in the same transaction, whoever wrote it. So a page is the beginning of a few
//! ranges of one index, and everything else is looked up for the page alone.

use jiff::Timestamp;
use matricula_core::AutomationId;
use matricula_core::board::{Attention, BEATS, Beat, Card, CardFilter};
use matricula_core::standing::Lifecycle;
use matricula_core::{RunId, TenantId};
use rusqlite::{Transaction, params};

use super::codes::{Code, count, timestamp, value};
use super::fault::Fault;
use super::{automations, notices, runs, standings};

const TABLE: &str = "card";

pub(super) const IN_ORDER: &str = "SELECT flow, id, automation FROM card INDEXED BY card_in_order \
    WHERE tenant = ?1 AND lifecycle = ?2 AND attention = ?3 AND (flow, id) >= (?4, ?5) \
    ORDER BY flow, id LIMIT ?6";

pub(super) const OF_FLOW: &str = "SELECT flow, id, automation FROM card INDEXED BY card_in_order \
    WHERE tenant = ?1 AND lifecycle = ?2 AND attention = ?3 AND flow = ?4 AND id >= ?5 \
    ORDER BY id LIMIT ?6";

/// Beside how it stands: state 5 of a document is doubtful.
pub(super) const FACTS: &str = "card.attention, lease.owner IS NOT NULL AND lease.until > ?2, population.staged, \
        coalesce((SELECT number FROM document_figure \
            WHERE document_figure.automation = card.automation AND state = 5), 0), \
        population.linked, population.active \
    FROM card \
    CROSS JOIN standing ON standing.automation = card.automation \
    CROSS JOIN automation ON automation.number = card.automation \
    CROSS JOIN lease ON lease.automation = card.automation \
    CROSS JOIN population ON population.automation = card.automation \
    WHERE card.automation = ?1";

pub(super) const BY_FLOW: &str =
    "SELECT flow, number FROM flow_figure WHERE tenant = ?1 AND number > 0 ORDER BY flow";

pub(super) fn page(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    filter: &CardFilter,
    now: Timestamp,
) -> Result<Vec<Card>, Fault> {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let mut numbers: Vec<i64> = Vec::new();
    for attention in (0..).map_while(Attention::from_code) {
        let Some(first) = First::of(filter, attention) else {
            continue;
        };
        let rest = limit - numbers.len();
        if rest == 0 {
            break;
        }
        // Those of each lifecycle lie in their order; so many of each are enough to have the first of all.
        let mut found: Vec<(String, String, i64)> = Vec::new();
        for lifecycle in (0..).map_while(Lifecycle::from_code) {
            if filter.lifecycle.is_some_and(|wanted| wanted != lifecycle) {
                continue;
            }
            let sql = match filter.flow {
                Some(_) => OF_FLOW,
                None => IN_ORDER,
            };
            let mut statement = tx.prepare_cached(sql)?;
            let rows = statement.query_map(
                params![
                    tenant.as_str(),
                    lifecycle.code(),
                    attention.code(),
                    first.flow,
                    first.id,
                    i64::try_from(rest).unwrap_or(i64::MAX)
                ],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )?;
            for row in rows {
                found.push(row?);
            }
        }
        found.sort_unstable();
        numbers.extend(found.into_iter().take(rest).map(|(.., number)| number));
    }
    numbers
        .into_iter()
        .map(|number| card(tx, number, now)?.ok_or(Fault::Unreadable(TABLE)))
        .collect()
}

/// The first flow and id of a page among the automations with one attention.
struct First<'a> {
    flow: &'a str,
    id: String,
}

impl<'a> First<'a> {
    /// None if all of them come before the page.
    fn of(filter: &'a CardFilter, attention: Attention) -> Option<Self> {
        let wanted = filter.flow.as_deref();
        let beginning = Self {
            flow: wanted.unwrap_or_default(),
            id: String::new(),
        };
        let Some(after) = &filter.after else {
            return Some(beginning);
        };
        let order = (attention, wanted.unwrap_or(&after.flow));
        match order.cmp(&(after.attention, &after.flow)) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Greater => Some(beginning),
            // The first text after another one is that one followed by a zero byte.
            std::cmp::Ordering::Equal => Some(Self {
                flow: &after.flow,
                id: format!("{}\0", after.automation),
            }),
        }
    }
}

pub(super) fn of(
    tx: &Transaction<'_>,
    id: &AutomationId,
    now: Timestamp,
) -> Result<Option<Card>, Fault> {
    match automations::find(tx, id)? {
        Some(number) => card(tx, number, now),
        None => Ok(None),
    }
}

fn card(tx: &Transaction<'_>, number: i64, now: Timestamp) -> Result<Option<Card>, Fault> {
    let columns = standings::COLUMNS;
    let found = tx
        .prepare_cached(&format!("SELECT {columns}, {FACTS}"))?
        .query_and_then((number, now.as_millisecond()), |row| {
            let at = |column| standings::WIDTH + column;
            let known = |column| count(row.get(at(column))?, "population");
            let standing = standings::decode(row)?;
            let automation = automations::by_id(tx, &standing.automation)?;
            Ok::<_, Fault>(Card {
                standing,
                attention: value(row.get(at(0))?, TABLE)?,
                running: row.get(at(1))?,
                last_run: None,
                health: Vec::new(),
                staged: known(2)?,
                doubtful: count(row.get(at(3))?, "document_figure")?,
                automation: automation.ok_or(Fault::Unreadable(TABLE))?,
                contacts: Vec::new(),
                linked: known(4)?,
                active: known(5)?,
            })
        })?
        .next()
        .transpose()?;
    let Some(mut card) = found else {
        return Ok(None);
    };
    card.contacts = notices::contacts(tx, number)?;
    card.health = tx
        .prepare_cached(runs::RECENT)?
        .query_and_then((number, BEATS as i64), |row| {
            Ok::<_, Fault>(Beat {
                run: RunId(row.get(0)?),
                status: value(row.get(1)?, "run")?,
                started_at: timestamp(row.get(2)?, "run")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    card.health.reverse();
    if let Some(last) = card.health.last() {
        card.last_run = runs::by_id(tx, last.run)?;
    }
    Ok(Some(card))
}

pub(super) fn by_flow(tx: &Transaction<'_>, tenant: &str) -> Result<Vec<(String, u64)>, Fault> {
    tx.prepare_cached(BY_FLOW)?
        .query_and_then([tenant], |row| {
            Ok((row.get(0)?, count(row.get(1)?, "flow_figure")?))
        })?
        .collect()
}
