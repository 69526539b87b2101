//! Decisions about documents that nobody knows of.

use std::time::Duration;

use matricula_core::agenda::{Agenda, Change, Outbox};
use matricula_core::clock::Clock;
use matricula_core::document::{Document, DocumentDecision, DocumentState};
use matricula_core::journal::Deed;
use matricula_core::notice::{Facts, Notice, NoticeKind};
use matricula_core::run::{CycleKind, Trigger};
use matricula_core::standing::Lifecycle;
use matricula_core::store::{Commit, Store};
use matricula_core::{Person, SourceKey, TenantId};
use matricula_service::Decided;
use serde_json::json;

use crate::house::House;

use DocumentDecision::{Arrived, SendAgain};

impl House {
    /// Documents as a run leaves them.
    async fn file(&self, documents: &[(&str, DocumentState)]) {
        let now = self.clock.now();
        let until = now + Duration::from_secs(60);
        let lease = self.store.acquire(&self.id, "test", now, until, &|_| false);
        let lease = lease.await.unwrap().unwrap();
        let kind = CycleKind::Incremental;
        let begun = self.store.begin(&lease, "x", &Trigger::Schedule, kind, now);
        let run = begun.await.unwrap();
        let document = |(key, state): &(&str, DocumentState)| Document {
            state: *state,
            ..Document::new(SourceKey::new(*key))
        };
        let commit = Commit {
            run: run.clone(),
            progress: Default::default(),
            links: Vec::new(),
            documents: documents.iter().map(document).collect(),
            forgotten: Vec::new(),
            groups: Default::default(),
            outcomes: Vec::new(),
            seen: Vec::new(),
        };
        self.store.commit(&lease, commit).await.unwrap();
        self.store.finish(&lease, &run, None).await.unwrap();
        self.store.release(&lease).await.unwrap();
    }

    /// Tells of doubtful documents, unless that stands already; how often it was told by now.
    async fn told(&self) -> usize {
        let standing = self.store.standing(&self.id).await.unwrap().unwrap();
        let notice = Notice {
            kind: NoticeKind::Staged,
            tenant: TenantId::new("t"),
            automation: Some(self.id.clone()),
            reason: "doubtful".to_owned(),
            at: self.clock.now(),
            facts: Facts::default(),
        };
        let change = Change {
            notices: vec![notice],
            ..Change::to(standing)
        };
        assert!(self.store.change(&change).await.unwrap());
        self.store.unaddressed(100).await.unwrap().len()
    }

    async fn decide(&self, keys: Option<&[&str]>, decision: DocumentDecision) -> Decided {
        let keys: Option<Vec<SourceKey>> =
            keys.map(|keys| keys.iter().copied().map(SourceKey::new).collect());
        let (tenant, ada) = (TenantId::new("t"), Person::named("Ada"));
        self.matricula
            .decide_documents(&tenant, &self.id, keys.as_deref(), decision, &ada)
            .await
            .unwrap()
    }

    async fn is_demanded(&self) -> bool {
        let standing = self.store.standing(&self.id).await.unwrap().unwrap();
        standing.demand.is_some()
    }
}

fn decided(count: u64, not_doubtful: &[&str]) -> Decided {
    Decided {
        count,
        not_doubtful: not_doubtful.iter().copied().map(SourceKey::new).collect(),
    }
}

#[tokio::test]
async fn the_notice_stands_until_nothing_is_doubtful() {
    let house = House::new().await;
    let doubts = ["a", "b", "c"].map(|key| (key, DocumentState::Doubtful));
    house.file(&doubts).await;
    house.file(&[("d", DocumentState::Intended)]).await;
    assert_eq!(house.told().await, 1);
    assert_eq!(house.decide(Some(&["a"]), Arrived).await, decided(1, &[]));
    assert_eq!(house.told().await, 1, "two are left");
    assert_eq!(house.decide(None, SendAgain).await, decided(2, &[]));
    assert_eq!(house.told().await, 2, "told anew, as it stood no more");
}

#[tokio::test]
async fn keys_that_match_nothing_are_named() {
    let house = House::new().await;
    let documents = [
        ("a", DocumentState::Doubtful),
        ("b", DocumentState::Failed),
        ("c", DocumentState::Doubtful),
    ];
    house.file(&documents).await;
    let keys = ["never seen", "b", "a", "b", "a"];
    let made = house.decide(Some(&keys), SendAgain).await;
    assert_eq!(made, decided(1, &["b", "never seen"]));
    let made = house.decide(Some(&keys), SendAgain).await;
    assert_eq!(made, decided(0, &["a", "b", "never seen"]));
    assert_eq!(house.decide(None, Arrived).await, decided(1, &[]));
    assert_eq!(house.decide(None, Arrived).await, decided(0, &[]));
}

#[tokio::test]
async fn a_decision_is_noted_and_what_is_sent_again_is_due_at_once() {
    let house = House::new().await;
    let doubts = ["a", "b", "c"].map(|key| (key, DocumentState::Doubtful));
    house.file(&doubts).await;
    house.decide(Some(&["a"]), Arrived).await;
    assert!(!house.is_demanded().await, "nothing is to be done");
    house.decide(Some(&["b"]), SendAgain).await;
    assert!(house.is_demanded().await);
    house.decide(Some(&["b"]), SendAgain).await;
    let tenant = TenantId::new("t");
    let entries = house.store.journal(&tenant, Some(&house.id), None, 10);
    let noted: Vec<_> = entries.await.unwrap();
    let noted: Vec<_> = noted
        .into_iter()
        .map(|(_, entry)| (entry.deed, entry.details))
        .collect();
    let deed = |decision: &str| {
        let details = json!({ "documents": 1, "decision": decision });
        (Deed::DocumentsDecided, details)
    };
    assert_eq!(noted, [deed("send-again"), deed("arrived")]);
}

#[tokio::test]
async fn a_decision_does_not_start_what_somebody_has_stopped() {
    let house = House::new().await;
    house.file(&[("a", DocumentState::Doubtful)]).await;
    let (tenant, ada) = (TenantId::new("t"), Person::named("Ada"));
    house
        .matricula
        .deactivate(&tenant, &house.id, &ada)
        .await
        .unwrap();
    assert_eq!(house.decide(None, SendAgain).await, decided(1, &[]));
    let standing = house.store.standing(&house.id).await.unwrap().unwrap();
    assert_eq!(standing.lifecycle, Lifecycle::Deactivated);
    assert_eq!(standing.demand, None);
}
