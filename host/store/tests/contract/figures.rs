//! How many documents stand how, and how many are due.

use std::collections::BTreeMap;
use std::sync::Mutex;

use matricula_core::document::{Document, DocumentDecision, DocumentFigures, DocumentState};
use matricula_core::store::{Commit, StoreError};
use matricula_core::{AutomationId, SourceKey, TargetId};
use proptest::prelude::*;

use super::documents::{any_document, figures};
use super::made_up::*;

use DocumentDecision::{Arrived, SendAgain};
use DocumentState::{Again, Delivered, Doubtful, Failed, Intended, Unwanted, Waiting};

pub async fn due_for_each_reason(store: AnyStore) {
    let people = Running::of(store.clone(), "people").await;
    let running = Running::of(store, "documents").await;
    let count = async |people, now| figures(&running, people, now).await;
    assert_eq!(count(None, 0).await, DocumentFigures::default());

    running
        .file([
            delivered("delivered", "1"),
            stands("unwanted", Unwanted),
            stands("doubtful", Doubtful),
            failed("later", Some(500)),
            failed("another record", None),
            waiting("waiting 1", "account-1"),
            waiting("waiting 1 as well", "account-1"),
            waiting("waiting 2", "account-2"),
            stands("waiting for nobody", Waiting),
        ])
        .await;
    let quiet = DocumentFigures {
        delivered: 1,
        waiting: 4,
        doubtful: 1,
        failed: 2,
        due: 0,
    };
    assert_eq!(count(Some(&people.id), 499).await, quiet);
    let due = |due| DocumentFigures { due, ..quiet };
    assert_eq!(count(Some(&people.id), 500).await, due(1));

    // Who has an account now; somebody else with one; and the documents' own links are nobody's.
    people.write([member("1"), member("3"), person("2")]).await;
    running.write([member("2")]).await;
    assert_eq!(count(Some(&people.id), 499).await, due(2));
    assert_eq!(count(None, 499).await, due(0));
    people.write([member("2")]).await;
    assert_eq!(count(Some(&people.id), 500).await, due(4));
    people.write([person("1"), person("2")]).await;
    assert_eq!(count(Some(&people.id), 499).await, due(0));
    people.write([member("1")]).await;

    // Whatever is on its way.
    running
        .file([stands("doubtful", Again), stands("later", Intended)])
        .await;
    let mut expected = DocumentFigures {
        doubtful: 0,
        failed: 1,
        due: 4,
        ..quiet
    };
    assert_eq!(count(Some(&people.id), i64::from(u32::MAX)).await, expected);
    // One that is dealt with is no longer due, whatever is left in its row.
    let sent = Document {
        wants: Some(TargetId::new("account-1")),
        not_before: Some(at(1)),
        ..delivered("waiting 1", "2")
    };
    running.file([sent]).await;
    expected.delivered += 1;
    expected.waiting -= 1;
    expected.due -= 1;
    assert_eq!(count(Some(&people.id), 500).await, expected);

    // An automation that is no more has no links.
    let nowhere = AutomationId::new("nowhere");
    expected.due -= 1;
    assert_eq!(count(Some(&nowhere), 500).await, expected);
    let error = people
        .store
        .document_figures(&nowhere, None, at(0))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

/// After any sequence of pages and decisions, the figures are those that counting one by one gives.
pub async fn figures_are_right_after_anything(store: AnyStore) {
    let people = Running::of(store.clone(), "people").await;
    people.write(["a", "b"].map(member)).await;
    let running = Running::of(store, "documents").await;
    let known: Mutex<BTreeMap<SourceKey, Document>> = Mutex::default();
    let page = (
        proptest::collection::vec(any_document("[a-h]", "account-[a-d]"), 0..6),
        proptest::collection::vec("[a-h]", 0..3),
        proptest::option::of(proptest::sample::select(vec![Arrived, SendAgain])),
    );
    property((page, any_time()), 128, async move |(page, now)| {
        let (documents, forgotten, decision) = page;
        let Running { store, id, .. } = &running;
        let commit = Commit {
            forgotten: forgotten.iter().map(SourceKey::new).collect(),
            documents: documents.clone(),
            ..running.page()
        };
        store.commit(&running.lease, commit).await.unwrap();
        let mut doubtful = 0;
        let mut decided = 0;
        if let Some(decision) = decision {
            let found = store.documents_in(id, &[Doubtful], None, 99).await;
            doubtful = found.unwrap().len() as u64;
            decided = store.decide_documents(id, None, decision).await.unwrap();
        }
        prop_assert_eq!(decided, doubtful);
        let all: Vec<SourceKey> = ["a", "b", "c", "d", "e", "f", "g", "h"]
            .map(SourceKey::new)
            .into();
        let stored = store.documents(id, &all).await.unwrap();
        let counted = store
            .document_figures(id, Some(&people.id), now)
            .await
            .unwrap();

        let mut known = known.lock().unwrap();
        for key in &forgotten {
            known.remove(&SourceKey::new(key));
        }
        for document in documents {
            let kept = known.get(&document.key).map(|kept| kept.state);
            let lies_there = kept == Some(Delivered) && document.state != Delivered;
            let decided = kept == Some(Again) && document.state == Doubtful;
            if !lies_there && !decided {
                known.insert(document.key.clone(), document);
            }
        }
        if let Some(decision) = decision {
            for document in known.values_mut() {
                if document.state == Doubtful {
                    document.state = decision.state();
                    document.attempts = 0;
                    if decision == SendAgain {
                        document.record = 0;
                    }
                }
            }
        }
        let expected: Vec<_> = all.iter().map(|key| known.get(key).cloned()).collect();
        prop_assert_eq!(stored, expected);

        let count = |wanted: &dyn Fn(&Document) -> bool| {
            known.values().filter(|document| wanted(document)).count() as u64
        };
        let has_come = |document: &Document| {
            let accounts = ["account-a", "account-b"].map(TargetId::new);
            match document.state {
                Intended | Again => true,
                Failed => document.not_before.is_some_and(|time| time <= now),
                Waiting => document
                    .wants
                    .as_ref()
                    .is_some_and(|account| accounts.contains(account)),
                Delivered | Doubtful | Unwanted => false,
            }
        };
        let expected = DocumentFigures {
            delivered: count(&|document| document.state == Delivered),
            waiting: count(&|document| document.state == Waiting),
            doubtful: count(&|document| document.state == Doubtful),
            failed: count(&|document| document.state == Failed),
            due: count(&has_come),
        };
        prop_assert_eq!(counted, expected);
        Ok(())
    })
    .await;
}
