//! Housekeeping: the daily report and the removal of old runs and answers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use matricula_component::Host;
use matricula_core::agenda::{Agenda, Change, Outbox, RunFilter};
use matricula_core::automation::{Automation, Memory};
use matricula_core::board::{Board, Reservation};
use matricula_core::clock::{Clock, SimClock};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::notice::{Contact, NoticeKind};
use matricula_core::run::{Counts, CycleKind, RunStatus, Trigger};
use matricula_core::standing::Standing;
use matricula_core::store::Store;
use matricula_core::{AutomationId, Cadence, CredentialId, TenantId};
use matricula_egress::{Gateway, Policy};
use matricula_service::{Connectors, Matricula, Parts};
use matricula_store::{SqliteStore, Vault};
use serde_json::json;
use tempfile::TempDir;

pub(crate) struct House {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) clock: SimClock,
    pub(crate) matricula: Matricula,
    pub(crate) id: AutomationId,
    _folder: TempDir,
}

impl House {
    /// One automation, at noon UTC, of which Ada gets reports.
    pub(crate) async fn new() -> Self {
        let clock = SimClock::new("2026-03-02T12:00:00Z".parse().unwrap());
        let store = Arc::new(SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap());
        let folder = TempDir::new().unwrap();
        let host = Host::new(matricula_component::Options::default()).unwrap();
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let matricula = Matricula::new(Parts {
            store: Arc::clone(&store) as _,
            clock: Arc::clone(&shared),
            connectors: Connectors::new(host, folder.path()),
            gateway: Gateway::new(Policy::default(), shared).unwrap(),
            flows: None,
            options: matricula_engine::Options::default(),
            shortest_interval: Duration::from_secs(60),
            owner: "test".to_owned(),
            gone: Arc::new(|_| false),
        });
        let now = clock.now();
        let tenant = TenantId::new("t");
        let ids = ["hr", "lms"].map(CredentialId::new);
        for id in &ids {
            let credential = Credential {
                id: id.clone(),
                tenant: tenant.clone(),
                connector: id.to_string(),
                method: "m".to_owned(),
                name: id.to_string(),
                public: BTreeMap::new(),
                created_at: now,
            };
            store
                .add_credential(&credential, &Secrets::default())
                .await
                .unwrap();
        }
        let [source, target] = ids;
        let id = AutomationId::new("a");
        let automation = Automation {
            id: id.clone(),
            tenant: tenant.clone(),
            flow: "people".to_owned(),
            source: source.clone(),
            target: target.clone(),
            settings: json!({}),
            file: None,
            salt: 1,
            created_at: now,
            memory: Memory::default(),
        };
        store.put_automation(&automation).await.unwrap();
        let change = Change::to(Standing::new(&automation, Cadence::OnDemand, None));
        store.enroll(&change).await.unwrap();
        let contact = Contact {
            email: "ada@example.com".to_owned(),
            name: None,
            language: "en".to_owned(),
            alerts: false,
            report: true,
        };
        store.set_contacts(&id, &[contact]).await.unwrap();
        Self {
            store,
            clock,
            matricula,
            id,
            _folder: folder,
        }
    }

    async fn run(&self, created: u64) {
        let now = self.clock.now();
        let until = now + Duration::from_secs(60);
        let lease = self.store.acquire(&self.id, "test", now, until, &|_| false);
        let lease = lease.await.unwrap().unwrap();
        let mut run = self
            .store
            .begin(&lease, "people", &Trigger::Schedule, CycleKind::Full, now)
            .await
            .unwrap();
        run.status = RunStatus::Succeeded;
        run.finished_at = Some(now);
        run.counts = Counts {
            created,
            ..Counts::default()
        };
        self.store.finish(&lease, &run, None).await.unwrap();
        self.store.release(&lease).await.unwrap();
    }

    fn at(&self, moment: &str) {
        self.clock.set(moment.parse().unwrap());
    }

    async fn keep(&self) {
        self.matricula.keep_house(90).await.unwrap();
    }

    /// The created people of each report, oldest first.
    async fn reports(&self) -> Vec<(String, u64)> {
        let notices = self.store.unaddressed(100).await.unwrap();
        notices
            .into_iter()
            .filter(|(_, notice)| notice.kind == NoticeKind::Report)
            .map(|(_, notice)| (notice.reason, notice.facts.counts.unwrap().created))
            .collect()
    }
}

#[tokio::test]
async fn a_report_is_made_once_a_day_of_what_was_integrated() {
    let house = House::new().await;
    house.run(3).await;
    house.keep().await;
    assert_eq!(house.reports().await, [], "the day has not ended");
    house.at("2026-03-03T06:59:00Z");
    house.run(4).await;
    house.keep().await;
    assert_eq!(house.reports().await, []);
    for moment in [
        "2026-03-03T07:00:00Z",
        "2026-03-03T07:01:00Z",
        "2026-03-04T06:00:00Z",
    ] {
        house.at(moment);
        house.keep().await;
        assert_eq!(house.reports().await, [("2026-03-03".to_owned(), 7)]);
    }
    house.at("2026-03-04T09:00:00Z");
    house.keep().await;
    let second = ("2026-03-04".to_owned(), 0);
    assert_eq!(
        house.reports().await,
        [("2026-03-03".to_owned(), 7), second]
    );
}

#[tokio::test]
async fn runs_are_kept_as_long_as_the_tenant_wants() {
    let house = House::new().await;
    let tenant = TenantId::new("t");
    let runs = async || {
        let filter = RunFilter {
            limit: 100,
            ..RunFilter::default()
        };
        house.store.runs_of(&tenant, &filter).await.unwrap().len()
    };
    house.run(1).await;
    house.at("2026-05-01T12:00:00Z");
    house.run(1).await;
    house.keep().await;
    assert_eq!(runs().await, 2);
    house.at("2026-06-15T12:00:00Z");
    house.keep().await;
    assert_eq!(runs().await, 1, "ninety days");
    house.store.set_retention(&tenant, Some(30)).await.unwrap();
    house.keep().await;
    assert_eq!(runs().await, 0, "thirty days");
}

#[tokio::test]
async fn answers_whose_time_is_over_are_dropped() {
    let house = House::new().await;
    let tenant = TenantId::new("t");
    let now = house.clock.now();
    let reserved = async |key: &str, hours: u64| {
        let until = now + Duration::from_secs(hours * 3600);
        let taken = house.store.reserve(&tenant, key, [1; 32], now, until).await;
        assert_eq!(taken.unwrap(), Reservation::Taken);
    };
    for number in 0..450 {
        reserved(&format!("over-{number}"), 1).await;
    }
    reserved("kept", 24).await;
    house.clock.advance(Duration::from_secs(2 * 3600));
    house.keep().await;
    let later = now + Duration::from_secs(25 * 3600);
    let left = house.store.drop_answers(later, 1_000).await.unwrap();
    assert_eq!(left, 1, "the one that was kept for longer");
}
