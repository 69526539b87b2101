//! Groups of accounts, and who belongs to them.

use jiff::Timestamp;
use matricula_core::group::{
    Belongs, DueMembership, Group, GroupChanges, Membership, MembershipWrite, kind,
};
use matricula_core::link::Link;
use matricula_core::{SourceKey, TargetId};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::fault::Fault;
use super::links;

/// The next memberships for which something is to be written. `lingers`: the account that was put in is still
/// somebody's who is not meant to be in the group.
pub(super) fn due_sql() -> String {
    format!(
        "SELECT {columns}, membership.group_key, target_group.target, membership.wanted, membership.member, \
             membership.sure, membership.attempts, \
             membership.member IS NOT NULL AND EXISTS (SELECT 1 FROM link AS owner INDEXED BY link_by_target \
                 WHERE owner.automation = membership.automation AND owner.target = membership.member \
                     AND NOT (owner.active AND EXISTS (SELECT 1 FROM membership AS other \
                         WHERE other.automation = owner.automation AND other.key = owner.key \
                             AND other.group_key = membership.group_key AND other.wanted))) AS lingers \
         FROM membership INDEXED BY membership_due \
         CROSS JOIN link ON link.automation = membership.automation AND link.key = membership.key \
         CROSS JOIN target_group ON target_group.automation = membership.automation \
             AND target_group.key = membership.group_key \
         WHERE membership.automation = ?1 AND membership.due = 1 \
             AND (membership.group_key, membership.key) >= (?2, ?3) \
             AND (membership.not_before IS NULL OR membership.not_before <= ?4) \
         ORDER BY membership.group_key, membership.key LIMIT ?5",
        columns = links::COLUMNS,
    )
}

/// The people of a group whose records are dealt with again; of these, one makes the next cycle a full one.
const REREAD: [&str; 2] = [
    "UPDATE link SET record = zeroblob(16) WHERE automation = ?1 AND key IN (SELECT key FROM membership \
         INDEXED BY membership_by_group WHERE automation = ?1 AND group_key = ?2 AND wanted)",
    "UPDATE link SET attempts = 0, ambiguous = 0, not_before = 0 WHERE automation = ?1 AND key = (SELECT link.key \
         FROM membership INDEXED BY membership_by_group \
         CROSS JOIN link ON link.automation = membership.automation AND link.key = membership.key \
         WHERE membership.automation = ?1 AND group_key = ?2 AND wanted AND missed = 0 AND in_scope \
             AND link.attempts IS NULL ORDER BY membership.key LIMIT 1)",
];

pub(super) fn of_keys(
    tx: &Transaction<'_>,
    automation: i64,
    keys: &[SourceKey],
) -> Result<Vec<Option<Group>>, Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT target, name FROM target_group WHERE automation = ?1 AND key = ?2",
    )?;
    keys.iter()
        .map(|key| {
            let found = statement
                .query_row((automation, key.as_str()), |row| {
                    Ok(Group {
                        key: key.clone(),
                        target: row.get::<_, Option<String>>(0)?.map(TargetId::new),
                        name: row.get::<_, Option<i64>>(1)?.map(i64::cast_unsigned),
                    })
                })
                .optional()?;
            Ok(found)
        })
        .collect()
}

pub(super) fn any(tx: &Transaction<'_>, automation: i64) -> Result<bool, Fault> {
    let found = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM target_group WHERE automation = ?1)")?
        .query_row([automation], |row| row.get(0))?;
    Ok(found)
}

pub(super) fn kept_as(
    tx: &Transaction<'_>,
    automation: i64,
    targets: &[TargetId],
) -> Result<Vec<Option<SourceKey>>, Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT key FROM target_group INDEXED BY target_group_by_target \
         WHERE automation = ?1 AND target = ?2 ORDER BY key LIMIT 1",
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

pub(super) fn memberships(
    tx: &Transaction<'_>,
    automation: i64,
    keys: &[SourceKey],
) -> Result<Vec<Vec<Membership>>, Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT group_key, wanted, member FROM membership WHERE automation = ?1 AND key = ?2 ORDER BY group_key",
    )?;
    keys.iter()
        .map(|key| {
            let rows = statement.query_map((automation, key.as_str()), |row| {
                Ok(Membership {
                    group: SourceKey::new(row.get::<_, String>(0)?),
                    wanted: row.get(1)?,
                    member: row.get::<_, Option<String>>(2)?.map(TargetId::new),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .collect()
}

pub(super) fn due(
    tx: &Transaction<'_>,
    automation: i64,
    now: Timestamp,
    first: (&str, &str),
    limit: u32,
) -> Result<Vec<DueMembership>, Fault> {
    tx.prepare_cached(&due_sql())?
        .query_and_then(
            (automation, first.0, first.1, now.as_millisecond(), limit),
            decode_due,
        )?
        .collect()
}

fn decode_due(row: &Row<'_>) -> Result<DueMembership, Fault> {
    const AFTER: usize = links::WIDTH;
    let link: Link = links::decode(row)?;
    let wanted: bool = row.get(AFTER + 2)?;
    let member = row.get::<_, Option<String>>(AFTER + 3)?.map(TargetId::new);
    let sure: bool = row.get(AFTER + 4)?;
    let lingers: bool = row.get(AFTER + 6)?;
    let meant = link.target.clone().filter(|_| wanted && link.active);
    let same = member == meant;
    Ok(DueMembership {
        group: SourceKey::new(row.get::<_, String>(AFTER)?),
        target: TargetId::new(row.get::<_, String>(AFTER + 1)?),
        remove: member.clone().filter(|_| lingers && !same),
        add: meant.filter(|_| !same || !sure),
        member,
        sure,
        attempts: row.get(AFTER + 5)?,
        link,
    })
}

/// Writes what a commit changes of groups.
pub(super) fn write(
    tx: &Transaction<'_>,
    automation: i64,
    changes: &GroupChanges,
) -> Result<(), Fault> {
    if changes.is_empty() {
        return Ok(());
    }
    let GroupChanges {
        groups,
        belongs,
        memberships,
        reread,
    } = changes;
    let mut put = tx.prepare_cached(
        "INSERT INTO target_group (automation, key, target, name) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (automation, key) DO UPDATE SET target = excluded.target, name = excluded.name",
    )?;
    for group in groups {
        put.execute((
            automation,
            group.key.as_str(),
            group.target.as_ref().map(TargetId::as_str),
            group.name.map(u64::cast_signed),
        ))?;
    }
    for person in belongs {
        belong(tx, automation, person)?;
    }
    for membership in memberships {
        set(tx, automation, membership)?;
    }
    for group in reread {
        for sql in REREAD {
            tx.prepare_cached(sql)?
                .execute((automation, group.as_str()))?;
        }
    }
    Ok(())
}

/// Writes down only what differs from what is known.
fn belong(tx: &Transaction<'_>, automation: i64, person: &Belongs) -> Result<(), Fault> {
    let key = person.key.as_str();
    let known = memberships(tx, automation, std::slice::from_ref(&person.key))?.pop();
    let known = known.unwrap_or_default();
    for held in &known {
        let wanted = person.groups.contains(&held.group);
        let untold = person.untold.iter().any(|told| told == kind(&held.group));
        if wanted == held.wanted || (untold && !wanted) {
            continue;
        }
        tx.prepare_cached(
            "UPDATE membership SET wanted = ?4, attempts = 0, not_before = NULL \
             WHERE automation = ?1 AND key = ?2 AND group_key = ?3",
        )?
        .execute((automation, key, held.group.as_str(), wanted))?;
        forget(tx, automation, key, &held.group)?;
    }
    for group in &person.groups {
        if known.iter().any(|held| held.group == *group) {
            continue;
        }
        tx.prepare_cached(
            "INSERT OR IGNORE INTO membership (automation, key, group_key, wanted, sure, attempts) \
             VALUES (?1, ?2, ?3, 1, 1, 0)",
        )?
        .execute((automation, key, group.as_str()))?;
    }
    Ok(())
}

fn set(tx: &Transaction<'_>, automation: i64, membership: &MembershipWrite) -> Result<(), Fault> {
    let (key, group) = (membership.key.as_str(), &membership.group);
    tx.prepare_cached(
        "UPDATE membership SET member = ?4, sure = ?5, attempts = ?6, not_before = ?7 \
         WHERE automation = ?1 AND key = ?2 AND group_key = ?3",
    )?
    .execute(params![
        automation,
        key,
        group.as_str(),
        membership.member.as_ref().map(TargetId::as_str),
        membership.sure,
        membership.attempts,
        membership.not_before.map(Timestamp::as_millisecond),
    ])?;
    forget(tx, automation, key, group)
}

/// Of a membership that is neither wanted nor there nothing is kept.
fn forget(
    tx: &Transaction<'_>,
    automation: i64,
    key: &str,
    group: &SourceKey,
) -> Result<(), Fault> {
    tx.prepare_cached(
        "DELETE FROM membership WHERE automation = ?1 AND key = ?2 AND group_key = ?3 \
             AND NOT wanted AND member IS NULL AND sure",
    )?
    .execute((automation, key, group.as_str()))?;
    Ok(())
}

/// Those whose next try is waited for.
pub(super) fn retry_now(
    tx: &Transaction<'_>,
    automation: i64,
    now: Timestamp,
) -> Result<(), Fault> {
    tx.prepare_cached(
        "UPDATE membership INDEXED BY membership_due SET not_before = min(not_before, ?2) \
         WHERE automation = ?1 AND due = 1 AND not_before IS NOT NULL",
    )?
    .execute((automation, now.as_millisecond()))?;
    Ok(())
}
