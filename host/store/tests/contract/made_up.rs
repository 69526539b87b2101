//! Made-up credentials, automations and links, and the shortest way to a run.

use std::sync::Arc;

use jiff::Timestamp;
use matricula_core::agenda::{Change, Ledger};
use matricula_core::automation::{Automation, Memory};
use matricula_core::credential::{Credential, Secrets};
use matricula_core::document::{Document, DocumentState};
use matricula_core::journal::{Actor, Deed, Entry};
use matricula_core::link::{
    Access, Decision, Leaving, LeavingAction, LeavingReason, Link, PendingReference, Trouble,
};
use matricula_core::notice::{Facts, Notice, NoticeKind};
use matricula_core::run::{CycleKind, Progress, Run, Trigger};
use matricula_core::standing::{Lifecycle, Standing};
use matricula_core::store::{Commit, Lease, LinkWrite};
use matricula_core::{AutomationId, Cadence, CredentialId, Person, SourceKey, TargetId, TenantId};
use proptest::prelude::*;

pub type AnyStore = Arc<dyn Ledger>;

pub const FLOW: &str = "sync-employees";

/// Keys that order, quote and terminate in unexpected ways.
pub const ODD: [&str; 12] = [
    "",
    "\0",
    "\0\0",
    " ",
    "'; DROP TABLE link; --",
    "10",
    "9",
    "A",
    "a",
    "a\0",
    "a\0b",
    "ä😀",
];

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap()
}

pub fn tenant() -> TenantId {
    TenantId::new("acme")
}

pub fn credential(id: &str) -> Credential {
    Credential {
        id: CredentialId::new(id),
        tenant: tenant(),
        connector: "personio".to_owned(),
        method: "client-credentials".to_owned(),
        name: format!("The {id} one"),
        public: [("client_id".to_owned(), "papi-example".to_owned())].into(),
        created_at: at(1_700_000_000_000),
    }
}

pub fn secrets() -> Secrets {
    Secrets::new([(
        "client_secret".to_owned(),
        "a-secret-for-tests-only".to_owned(),
    )])
}

pub fn automation(id: &str) -> Automation {
    Automation {
        id: AutomationId::new(id),
        tenant: tenant(),
        flow: FLOW.to_owned(),
        source: CredentialId::new("source"),
        target: CredentialId::new("target"),
        settings: serde_json::json!({ "scope": { "departments": [1, 2] }, "language": "de" }),
        file: None,
        salt: u64::MAX - 1,
        created_at: at(1_700_000_000_000),
        memory: Memory::default(),
    }
}

pub fn manual() -> Trigger {
    Trigger::Manual {
        by: Person::named("owner"),
    }
}

/// Credentials and an automation.
pub async fn set_up(store: &AnyStore, id: &str) -> AutomationId {
    for name in ["source", "target"] {
        // A second automation finds them there.
        let _ = store.add_credential(&credential(name), &secrets()).await;
    }
    store.put_automation(&automation(id)).await.unwrap();
    AutomationId::new(id)
}

/// An automation that is due every five minutes, as it stands before its first run.
pub fn standing(id: &AutomationId) -> Standing {
    Standing {
        automation: id.clone(),
        tenant: tenant(),
        flow: FLOW.to_owned(),
        source: CredentialId::new("source"),
        target: CredentialId::new("target"),
        lifecycle: Lifecycle::Active,
        cadence: Cadence::Every { seconds: 300 },
        next_run_at: Some(at(1_000)),
        demand: None,
        hold: None,
        failures: 0,
        last_run: None,
        last_started_at: None,
        last_ended_at: None,
        last_succeeded_at: None,
        overdue: false,
        version: 0,
    }
}

/// A change with nothing to tell.
pub fn silent(standing: Standing) -> Change {
    Change {
        standing,
        journal: Vec::new(),
        notices: Vec::new(),
        withdrawn: Vec::new(),
    }
}

/// An automation in the schedule.
pub async fn enrolled(store: &AnyStore, id: &str) -> Standing {
    let standing = standing(&set_up(store, id).await);
    store.enroll(&silent(standing.clone())).await.unwrap();
    standing
}

/// Writes a change of how it stands, as it is written when nobody else has.
pub async fn changed(store: &AnyStore, id: &AutomationId, change: impl FnOnce(&mut Standing)) {
    let mut standing = store.standing(id).await.unwrap().unwrap();
    change(&mut standing);
    assert!(store.change(&silent(standing)).await.unwrap());
}

pub fn entry(automation: Option<&AutomationId>, deed: Deed) -> Entry {
    Entry {
        at: at(5_000),
        tenant: tenant(),
        automation: automation.cloned(),
        actor: Actor::Person(Person::named("owner")),
        deed,
        details: serde_json::json!({ "interval": [300, 1800] }),
    }
}

pub fn notice(automation: Option<&AutomationId>, kind: NoticeKind, reason: &str) -> Notice {
    Notice {
        kind,
        tenant: tenant(),
        automation: automation.cloned(),
        reason: reason.to_owned(),
        at: at(5_000),
        facts: Facts {
            title: serde_json::json!({ "en": "Employees", "de": "Personen" }),
            since: Some(at(4_000)),
            ..Facts::default()
        },
    }
}

pub async fn take(store: &AnyStore, id: &AutomationId, owner: &str) -> Option<Lease> {
    store
        .acquire(id, owner, at(1_000), at(2_000), &|_| false)
        .await
        .unwrap()
}

/// An automation with a run that has begun.
pub struct Running {
    pub store: AnyStore,
    pub id: AutomationId,
    pub lease: Lease,
    pub run: Run,
}

impl Running {
    pub async fn new(store: AnyStore) -> Self {
        Self::of(store, "automation").await
    }

    pub async fn of(store: AnyStore, id: &str) -> Self {
        let id = set_up(&store, id).await;
        let lease = take(&store, &id, "node-a").await.unwrap();
        let run = store
            .begin(&lease, FLOW, &manual(), CycleKind::Full, at(1_000))
            .await
            .unwrap();
        Self {
            store,
            id,
            lease,
            run,
        }
    }

    pub fn page(&self) -> Commit {
        Commit {
            run: self.run.clone(),
            progress: Progress::default(),
            links: Vec::new(),
            documents: Vec::new(),
            forgotten: Vec::new(),
            groups: Default::default(),
            outcomes: Vec::new(),
            seen: Vec::new(),
        }
    }

    pub async fn write(&self, links: impl IntoIterator<Item = Link>) {
        let links = links.into_iter().map(|link| written(link, None)).collect();
        self.write_all(links).await;
    }

    pub async fn write_all(&self, links: Vec<LinkWrite>) {
        self.store
            .commit(
                &self.lease,
                Commit {
                    links,
                    ..self.page()
                },
            )
            .await
            .unwrap();
    }

    pub async fn file(&self, documents: impl IntoIterator<Item = Document>) {
        let page = Commit {
            documents: documents.into_iter().collect(),
            ..self.page()
        };
        self.store.commit(&self.lease, page).await.unwrap();
    }

    pub async fn document(&self, key: &str) -> Option<Document> {
        self.store
            .documents(&self.id, &[SourceKey::new(key)])
            .await
            .unwrap()
            .remove(0)
    }

    pub async fn link(&self, key: &str) -> Option<Link> {
        self.store
            .links(&self.id, &[SourceKey::new(key)])
            .await
            .unwrap()
            .remove(0)
    }
}

pub fn written(link: Link, references: Option<Vec<PendingReference>>) -> LinkWrite {
    LinkWrite {
        link,
        references,
        resolved: Vec::new(),
    }
}

/// Somebody without an account.
pub fn person(key: &str) -> Link {
    Link::new(SourceKey::new(key))
}

/// Somebody with an account that may be used.
pub fn member(key: &str) -> Link {
    Link {
        target: Some(TargetId::new(format!("account-{key}"))),
        active: true,
        ..person(key)
    }
}

pub fn leaving(key: &str, decision: Decision) -> Link {
    let leaving = Leaving {
        action: LeavingAction::Block,
        reason: LeavingReason::EndReached,
        decision,
    };
    Link {
        leaving: Some(leaving),
        ..member(key)
    }
}

/// A document of which nothing is known but how it stands.
pub fn stands(key: &str, state: DocumentState) -> Document {
    Document {
        state,
        ..Document::new(SourceKey::new(key))
    }
}

pub fn delivered(key: &str, target: &str) -> Document {
    Document {
        target: Some(TargetId::new(target)),
        ..stands(key, DocumentState::Delivered)
    }
}

pub fn waiting(key: &str, account: &str) -> Document {
    Document {
        wants: Some(TargetId::new(account)),
        ..stands(key, DocumentState::Waiting)
    }
}

pub fn failed(key: &str, not_before: Option<i64>) -> Document {
    Document {
        attempts: 3,
        not_before: not_before.map(at),
        ..stands(key, DocumentState::Failed)
    }
}

pub fn wants(attribute: &str, other: &str) -> PendingReference {
    PendingReference {
        attribute: attribute.to_owned(),
        wants: SourceKey::new(other),
    }
}

pub fn any_time() -> impl Strategy<Value = Timestamp> {
    let (first, last) = (
        Timestamp::MIN.as_millisecond(),
        Timestamp::MAX.as_millisecond(),
    );
    (first..=last).prop_map(at)
}

fn any_date() -> impl Strategy<Value = jiff::civil::Date> {
    (-9_999_i16..=9_999, 1_i8..=12, 1_i8..=28)
        .prop_map(|(year, month, day)| jiff::civil::Date::constant(year, month, day))
}

pub fn any_leaving() -> impl Strategy<Value = Leaving> {
    let action = prop_oneof![Just(LeavingAction::Block), Just(LeavingAction::Delete)];
    let reason = prop_oneof![
        Just(LeavingReason::StartPending),
        Just(LeavingReason::EndReached),
        Just(LeavingReason::Barred),
        Just(LeavingReason::OutOfScope),
        Just(LeavingReason::Gone),
    ];
    let decision = prop_oneof![
        Just(Decision::Open),
        Just(Decision::Staged),
        Just(Decision::Approved),
        Just(Decision::Discarded),
    ];
    (action, reason, decision).prop_map(|(action, reason, decision)| Leaving {
        action,
        reason,
        decision,
    })
}

prop_compose! {
    fn any_access()(
        from in proptest::option::of(any_date()),
        until in proptest::collection::vec(proptest::option::of(any_date()), 0..4),
        last_day_open in any::<bool>(),
        zone in prop_oneof![Just("Europe/Berlin".to_owned()), any::<String>()],
        barred in any::<bool>(),
    ) -> Access {
        Access { from, until, last_day_open, zone, barred }
    }
}

prop_compose! {
    fn any_trouble()(
        ambiguous in any::<bool>(),
        attempts in any::<u32>(),
        not_before in proptest::option::of(any_time()),
    ) -> Trouble {
        Trouble { ambiguous, attempts, not_before }
    }
}

prop_compose! {
    /// Any link at all, of one of these keys.
    pub fn any_link(key: impl Strategy<Value = String>)(
        (key, target, active) in (key, proptest::option::of(any::<String>()), any::<bool>()),
        record in any::<u128>(),
        hashes in proptest::collection::vec(any::<(u32, u64)>(), 0..12),
        access in any_access(),
        access_changes_at in proptest::option::of(any_time()),
        (in_scope, missed) in any::<(bool, u8)>(),
        leaving in proptest::option::of(any_leaving()),
        trouble in proptest::option::of(any_trouble()),
    ) -> Link {
        let mut link = person(&key);
        for (name, hash) in hashes {
            link.applied.set(name, hash);
        }
        Link {
            target: target.map(TargetId::new),
            active, record, access, access_changes_at, in_scope, missed, leaving, trouble,
            ..link
        }
    }
}

/// Runs a property whose body waits for the store.
pub async fn property<S, F>(strategy: S, cases: u32, check: F)
where
    S: Strategy + Send + 'static,
    F: AsyncFn(S::Value) -> Result<(), TestCaseError> + Send + 'static,
{
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let config = ProptestConfig {
            cases,
            failure_persistence: None,
            ..Default::default()
        };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        runner
            .run(&strategy, |value| runtime.block_on(check(value)))
            .map_err(|error| error.to_string())
    };
    if let Err(error) = tokio::task::spawn_blocking(run).await.unwrap() {
        panic!("{error}");
    }
}
