//! Automations, and who may run them.

use jiff::Timestamp;
use matricula_core::automation::{Automation, Memory};
use matricula_core::store::{Lease, StoreError};
use matricula_core::{AutomationId, CredentialId, TenantId};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::codes::{from_json, json, opt_timestamp, timestamp};
use super::fault::Fault;

const COLUMNS: &str = "id, tenant, flow, source, target, settings, salt, created_at, state, full_at, \
                       program, file";

fn decode(row: &Row<'_>) -> Result<Automation, Fault> {
    Ok(Automation {
        id: AutomationId::new(row.get::<_, String>(0)?),
        tenant: TenantId::new(row.get::<_, String>(1)?),
        flow: row.get(2)?,
        source: CredentialId::new(row.get::<_, String>(3)?),
        target: CredentialId::new(row.get::<_, String>(4)?),
        settings: from_json(
            row.get_ref(5)?.as_str().map_err(rusqlite::Error::from)?,
            "automation",
        )?,
        file: row.get(11)?,
        salt: row.get::<_, i64>(6)?.cast_unsigned(),
        created_at: timestamp(row.get(7)?, "automation")?,
        memory: Memory {
            state: row.get(8)?,
            full_at: opt_timestamp(row.get(9)?, "automation")?,
            program: row.get(10)?,
        },
    })
}

pub(super) fn put(tx: &Transaction<'_>, automation: &Automation) -> Result<(), Fault> {
    for credential in [&automation.source, &automation.target] {
        let known = tx
            .prepare_cached("SELECT 1 FROM credential WHERE id = ?1 AND tenant = ?2")?
            .exists((credential.as_str(), automation.tenant.as_str()))?;
        if !known {
            return Err(Fault::Store(StoreError::NotFound(format!(
                "the tenant has no credential with the id “{credential}”; add it first"
            ))));
        }
    }
    let (id, tenant) = (automation.id.as_str(), automation.tenant.as_str());
    let taken = tx
        .prepare_cached("SELECT 1 FROM automation WHERE id = ?1 AND tenant <> ?2")?
        .exists((id, tenant))?;
    if taken {
        return Err(Fault::Store(StoreError::Exists(format!(
            "the automation “{id}” belongs to another tenant"
        ))));
    }
    if let Some(file) = &automation.file {
        let kept = tx
            .prepare_cached("SELECT 1 FROM flow_file WHERE digest = ?1")?
            .exists([file])?;
        if !kept {
            return Err(Fault::Store(StoreError::NotFound(format!(
                "the store has no flow file with the digest {file}; keep its text first"
            ))));
        }
    }
    let memory = &automation.memory;
    let number: i64 = tx
        .prepare_cached(
            "INSERT INTO automation (id, tenant, flow, source, target, settings, salt, created_at, state, \
                 full_at, program, file) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
             ON CONFLICT (id) DO UPDATE SET flow = excluded.flow, source = excluded.source, \
                 target = excluded.target, settings = excluded.settings, salt = excluded.salt, \
                 created_at = excluded.created_at, file = excluded.file \
             RETURNING number",
        )?
        .query_row(
            params![
                id,
                tenant,
                automation.flow,
                automation.source.as_str(),
                automation.target.as_str(),
                json(&automation.settings)?,
                automation.salt.cast_signed(),
                automation.created_at.as_millisecond(),
                memory.state,
                memory.full_at.map(Timestamp::as_millisecond),
                memory.program,
                automation.file,
            ],
            |row| row.get(0),
        )?;
    tx.prepare_cached(
        "INSERT INTO lease (automation, owner, until, fence) VALUES (?1, NULL, 0, 0) \
         ON CONFLICT (automation) DO NOTHING",
    )?
    .execute([number])?;
    tx.prepare_cached(
        "INSERT INTO population (automation, linked, active) VALUES (?1, 0, 0) \
         ON CONFLICT (automation) DO NOTHING",
    )?
    .execute([number])?;
    Ok(())
}

pub(super) fn of_tenant(tx: &Transaction<'_>, tenant: &str) -> Result<Vec<Automation>, Fault> {
    tx.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM automation WHERE tenant = ?1 ORDER BY created_at, number"
    ))?
    .query_and_then([tenant], decode)?
    .collect()
}

pub(super) fn by_id(tx: &Transaction<'_>, id: &AutomationId) -> Result<Option<Automation>, Fault> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM automation WHERE id = ?1"))?
        .query_and_then([id.as_str()], decode)?
        .next()
        .transpose()
}

/// Everything else that is kept about it goes with it, by the foreign keys.
pub(super) fn remove(tx: &Transaction<'_>, id: &AutomationId, now: Timestamp) -> Result<(), Fault> {
    let tenure = tenure(tx, id)?;
    if tenure.owner.is_some() && !tenure.has_run_out(now) {
        return Err(Fault::Store(StoreError::InUse(format!(
            "the automation “{id}” is being run; stop it, and remove it once its run has ended"
        ))));
    }
    tx.prepare_cached("DELETE FROM automation WHERE id = ?1")?
        .execute([id.as_str()])?;
    Ok(())
}

pub(super) fn remember(
    tx: &Transaction<'_>,
    automation: i64,
    memory: &Memory,
) -> Result<(), Fault> {
    tx.prepare_cached(
        "UPDATE automation SET state = ?2, full_at = ?3, program = ?4 WHERE number = ?1",
    )?
    .execute(params![
        automation,
        memory.state,
        memory.full_at.map(Timestamp::as_millisecond),
        memory.program,
    ])?;
    Ok(())
}

/// The number that stands for an automation in the other tables.
pub(super) fn number(tx: &Transaction<'_>, id: &AutomationId) -> Result<i64, Fault> {
    find(tx, id)?.ok_or_else(|| {
        Fault::Store(StoreError::NotFound(format!(
            "there is no automation with the id “{id}”"
        )))
    })
}

/// The same; none if there is no such automation.
pub(super) fn find(tx: &Transaction<'_>, id: &AutomationId) -> Result<Option<i64>, Fault> {
    Ok(tx
        .prepare_cached("SELECT number FROM automation WHERE id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?)
}

/// The same, if it is the tenant's.
pub(super) fn of_tenant_by_id(
    tx: &Transaction<'_>,
    tenant: &str,
    id: &AutomationId,
) -> Result<Option<i64>, Fault> {
    Ok(tx
        .prepare_cached("SELECT number FROM automation WHERE id = ?1 AND tenant = ?2")?
        .query_row((id.as_str(), tenant), |row| row.get(0))
        .optional()?)
}

/// Who holds a lease, as it was at one moment.
#[derive(Debug, Clone)]
pub(super) struct Tenure {
    pub(super) owner: Option<String>,
    until: i64,
    fence: i64,
}

impl Tenure {
    pub(super) fn has_run_out(&self, now: Timestamp) -> bool {
        self.until <= now.as_millisecond()
    }
}

pub(super) fn tenure(tx: &Transaction<'_>, id: &AutomationId) -> Result<Tenure, Fault> {
    let number = number(tx, id)?;
    let tenure = tx
        .prepare_cached("SELECT owner, until, fence FROM lease WHERE automation = ?1")?
        .query_row([number], |row| {
            Ok(Tenure {
                owner: row.get(0)?,
                until: row.get(1)?,
                fence: row.get(2)?,
            })
        })?;
    Ok(tenure)
}

/// Hands the lease over if it still stands as it was seen; none if somebody took, kept or gave it back
/// in between.
pub(super) fn take(
    tx: &Transaction<'_>,
    id: &AutomationId,
    seen: &Tenure,
    owner: String,
    until: Timestamp,
) -> Result<Option<Lease>, Fault> {
    let number = number(tx, id)?;
    let fence = tx
        .prepare_cached(
            "UPDATE lease SET owner = ?2, until = ?3, fence = fence + 1 \
             WHERE automation = ?1 AND fence = ?4 AND owner IS ?5 AND until = ?6 RETURNING fence",
        )?
        .query_row(
            params![
                number,
                owner,
                until.as_millisecond(),
                seen.fence,
                seen.owner,
                seen.until
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(fence.map(|fence| Lease {
        automation: id.clone(),
        owner,
        fence,
    }))
}

pub(super) fn renew(tx: &Transaction<'_>, lease: &Lease, until: Timestamp) -> Result<(), Fault> {
    let number = held(tx, lease)?;
    tx.prepare_cached("UPDATE lease SET until = ?2 WHERE automation = ?1")?
        .execute((number, until.as_millisecond()))?;
    Ok(())
}

pub(super) fn release(tx: &Transaction<'_>, lease: &Lease) -> Result<(), Fault> {
    let number = held(tx, lease)?;
    tx.prepare_cached("UPDATE lease SET owner = NULL, until = 0 WHERE automation = ?1")?
        .execute([number])?;
    Ok(())
}

/// The automation's number if the lease is still held. One that ran out is, as long as nobody took it.
pub(super) fn held(tx: &Transaction<'_>, lease: &Lease) -> Result<i64, Fault> {
    tx.prepare_cached(
        "SELECT automation.number FROM automation JOIN lease ON lease.automation = automation.number \
         WHERE automation.id = ?1 AND lease.owner = ?2 AND lease.fence = ?3",
    )?
    .query_row((lease.automation.as_str(), &lease.owner, lease.fence), |row| row.get(0))
    .optional()?
    .ok_or(Fault::Store(StoreError::LeaseLost))
}

/// Few, however many automations there are: the index has only the leases that somebody holds.
pub(super) fn holders(tx: &Transaction<'_>, now: Timestamp) -> Result<Vec<String>, Fault> {
    tx.prepare_cached(
        "SELECT DISTINCT owner FROM lease INDEXED BY lease_held WHERE owner IS NOT NULL AND until > ?1",
    )?
    .query_and_then([now.as_millisecond()], |row| Ok(row.get(0)?))?
    .collect()
}

/// The fence stays: what the holder still writes, should it live after all, is refused once somebody else has
/// the lease.
pub(super) fn evict(tx: &Transaction<'_>, holder: &str) -> Result<u64, Fault> {
    let evicted = tx
        .prepare_cached(
            "UPDATE lease INDEXED BY lease_held SET owner = NULL, until = 0 \
             WHERE owner IS NOT NULL AND owner = ?1",
        )?
        .execute([holder])?;
    Ok(evicted as u64)
}
