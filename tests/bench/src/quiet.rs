//! An incremental cycle in which nothing has changed, inside a process that runs many of them. The source
//! tells some people again each time, since a connector asks from a little before its last state on.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Result, ensure};
use matricula_core::TenantId;
use matricula_core::credential::Secrets;
use matricula_core::run::{CycleKind, Trigger};
use matricula_egress::{Gateway, Policy};
use matricula_engine::Silent;
use matricula_service::{
    Connectors, Flows, Matricula, NewCredential, Parts, Selection, SystemClock,
};
use matricula_store::{SqliteStore, Vault};

use crate::Places;
use crate::process::{Sandbox, cpu_of};
use crate::table::Table;

const CYCLES: u32 = 400;

pub(crate) fn measure(places: &Places, table: &mut Table) -> Result<()> {
    let sandbox = Sandbox::start(places, 1_000)?;
    let data = tempfile::tempdir()?;
    let mut policy = Policy::default();
    policy.map_origin("https://api.personio.de", sandbox.address("personio"))?;
    let scim = sandbox.address("scim").trim_end_matches("/scim/v2");
    policy.map_origin("https://academy.example.com", scim)?;
    policy.ignore_documented_limits(true);
    let clock = Arc::new(SystemClock);
    let host = matricula_component::Host::new(matricula_component::Options {
        cache_dir: Some(data.path().join("compiled")),
        ..Default::default()
    })?;
    let matricula = Matricula::new(Parts {
        store: Arc::new(SqliteStore::open(
            data.path().join("store.sqlite"),
            Vault::new(&[1; 32]),
        )?),
        clock: Arc::clone(&clock) as _,
        connectors: Connectors::new(host, &places.connectors),
        gateway: Gateway::new(policy, clock)?,
        flows: None,
        options: matricula_engine::Options::default(),
        shortest_interval: std::time::Duration::from_secs(60),
        owner: "bench".to_owned(),
        gone: Arc::new(|_| false),
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let cpu = runtime.block_on(async {
        let tenant = TenantId::new("bench");
        for (connector, public, secret) in [
            (
                "personio",
                ("client_id", "sandbox-personio-id"),
                ("client_secret", "sandbox-personio-secret"),
            ),
            (
                "reteach",
                ("scim_url", "https://academy.example.com/scim/v2"),
                ("scim_token", "sandbox-scim-token"),
            ),
        ] {
            let credential = NewCredential {
                connector: connector.to_owned(),
                method: None,
                name: connector.to_owned(),
                public: BTreeMap::from([(public.0.to_owned(), public.1.to_owned())]),
                secrets: Secrets::new([(secret.0.to_owned(), secret.1.to_owned())]),
            };
            matricula.add_credential(&tenant, credential).await?;
        }
        let flow = Flows::new(&places.flows).load("sync-employees", matricula.connectors())?;
        let opened = matricula
            .open(&tenant, &flow, &Selection::default())
            .await?;
        matricula
            .run(&opened, Trigger::Schedule, true, &Silent::observer())
            .await?;
        let opened = matricula
            .open(&tenant, &flow, &Selection::default())
            .await?;
        let begin = cpu_of("/proc/self/stat")?;
        for _ in 0..CYCLES {
            let run = matricula
                .run(&opened, Trigger::Schedule, false, &Silent::observer())
                .await?;
            ensure!(
                run.cycle == CycleKind::Incremental && run.counts.total() == run.counts.unchanged,
                "{run:?}"
            );
        }
        Ok(cpu_of("/proc/self/stat")? - begin)
    })?;
    table.hold(
        "incremental cycle without changes: CPU",
        cpu.as_secs_f64() * 1000.0 / f64::from(CYCLES),
        "ms",
        5.0,
    );
    Ok(())
}
