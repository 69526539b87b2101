//! Documents, one by one, by how they stand, and counted.

use std::collections::BTreeMap;
use std::sync::Mutex;

use matricula_core::document::{Document, DocumentFigures, DocumentState};
use matricula_core::store::{Commit, StoreError};
use matricula_core::{AutomationId, SourceKey, TargetId};
use proptest::prelude::*;

use super::made_up::*;

use DocumentState::{Again, Delivered, Doubtful, Failed, Intended, Unwanted, Waiting};

const STATES: [DocumentState; 7] = [
    Waiting, Intended, Delivered, Failed, Doubtful, Again, Unwanted,
];

fn any_state() -> impl Strategy<Value = DocumentState> {
    proptest::sample::select(STATES.to_vec())
}

prop_compose! {
    /// Any document at all, of one of these keys, that waits for one of these accounts.
    fn any_document(key: impl Strategy<Value = String>, account: impl Strategy<Value = String>)(
        (key, state, record) in (key, any_state(), any::<u128>()),
        owner in proptest::option::of(any::<String>()),
        wants in proptest::option::of(account),
        target in proptest::option::of(any::<String>()),
        hashes in proptest::collection::vec(any::<(u32, u64)>(), 0..6),
        size in proptest::option::of(0..=i64::MAX as u64),
        sha256 in proptest::option::of("[0-9a-f]{64}"),
        (sent_at, not_before) in (proptest::option::of(any_time()), proptest::option::of(any_time())),
        attempts in any::<u32>(),
    ) -> Document {
        let mut document = stands(&key, state);
        for (name, hash) in hashes {
            document.sent.set(name, hash);
        }
        Document {
            record, size, sha256, sent_at, attempts, not_before,
            owner: owner.map(SourceKey::new),
            wants: wants.map(TargetId::new),
            target: target.map(TargetId::new),
            ..document
        }
    }
}

fn keys(documents: &[Document]) -> Vec<&str> {
    documents
        .iter()
        .map(|document| document.key.as_str())
        .collect()
}

async fn figures(running: &Running, people: Option<&AutomationId>, now: i64) -> DocumentFigures {
    let figures = running
        .store
        .document_figures(&running.id, people, at(now))
        .await;
    figures.unwrap()
}

pub async fn any_document_survives(store: AnyStore) {
    let running = Running::new(store).await;
    let strategy = any_document(any::<String>(), any::<String>());
    property(strategy, 256, async move |document| {
        // Two writes, because the second takes another way than the first. What the first left must not be
        // something that the second does not write over.
        let before = Document {
            state: Intended,
            ..Document::new(document.key.clone())
        };
        running.file([before]).await;
        running.file([document.clone()]).await;
        let found = running.document(document.key.as_str()).await;
        prop_assert_eq!(found, Some(document.clone()));

        let Running { store, id, .. } = &running;
        let page = Commit {
            forgotten: vec![document.key.clone()],
            ..running.page()
        };
        store.commit(&running.lease, page).await.unwrap();
        prop_assert_eq!(running.document(document.key.as_str()).await, None);
        running.file([document.clone()]).await;
        let found = store.documents_in(id, &[document.state], None, 99).await;
        prop_assert!(found.unwrap().contains(&document));
        Ok(())
    })
    .await;
}

pub async fn a_digest_that_is_none_is_not_written(store: AnyStore) {
    let running = Running::new(store).await;
    for sha256 in ["", "abc", &"AB".repeat(32), &"0".repeat(65)] {
        let wrong = Document {
            sha256: Some(sha256.to_owned()),
            ..stands("2", Delivered)
        };
        let page = Commit {
            documents: vec![stands("1", Delivered), wrong],
            ..running.page()
        };
        let error = running.store.commit(&running.lease, page).await;
        assert!(matches!(error, Err(StoreError::Failed(_))), "{error:?}");
    }
    assert_eq!(running.document("1").await, None, "the page is whole");
    assert_eq!(figures(&running, None, 0).await, DocumentFigures::default());
}

pub async fn found_by_key(store: AnyStore) {
    let running = Running::new(store).await;
    let Running { store, id, .. } = &running;
    running.file(ODD.map(|key| stands(key, Waiting))).await;
    let asked = ["9", "never seen", "a", "9"].map(SourceKey::new);
    assert_eq!(
        store.documents(id, &asked).await.unwrap(),
        [
            Some(stands("9", Waiting)),
            None,
            Some(stands("a", Waiting)),
            Some(stands("9", Waiting))
        ]
    );
    assert_eq!(store.documents(id, &[]).await.unwrap(), []);
}

/// Every state alone and several together, in pages of any size.
pub async fn by_state_in_the_order_of_keys(store: AnyStore) {
    let running = Running::new(store).await;
    let Running { store, id, .. } = &running;
    let mut all: Vec<Document> = (0..STATES.len() * 5)
        .map(|number| {
            // Neighbours stand differently, and no state has its keys together.
            stands(&format!("{:02}", number * 11 % 35), STATES[number % 7])
        })
        .collect();
    all.extend(ODD.iter().zip(STATES.iter().cycle()).map(|(key, state)| {
        let key = format!("z{key}");
        stands(&key, *state)
    }));
    running.file(all.clone()).await;
    all.sort_by(|one, other| one.key.cmp(&other.key));

    let read = async |states: &[DocumentState], limit: u32| {
        let mut found: Vec<Document> = Vec::new();
        loop {
            let after = found.last().map(|document| document.key.clone());
            let page = store
                .documents_in(id, states, after.as_ref(), limit)
                .await
                .unwrap();
            assert!(page.len() <= limit as usize);
            if page.is_empty() {
                return found;
            }
            found.extend(page);
        }
    };
    let mut asked: Vec<Vec<DocumentState>> = STATES.iter().map(|state| vec![*state]).collect();
    asked.extend([
        vec![Intended, Again],
        vec![Again, Delivered, Again],
        vec![Unwanted, Waiting, Failed],
        STATES.to_vec(),
    ]);
    for states in &asked {
        let expected: Vec<Document> = all
            .iter()
            .filter(|document| states.contains(&document.state))
            .cloned()
            .collect();
        assert!(expected.len() > 5);
        for limit in [1, 4, 100] {
            let found = read(states, limit).await;
            assert_eq!(found, expected, "{states:?} in pages of {limit}");
        }
    }
    assert_eq!(read(&[], 100).await, []);

    running.file([stands("00", Delivered)]).await;
    for state in STATES {
        let found = store.documents_in(id, &[state], None, 99).await.unwrap();
        assert_eq!(keys(&found).contains(&"00"), state == Delivered);
    }
}

pub async fn what_was_delivered_as_what(store: AnyStore) {
    let running = Running::new(store).await;
    let Running { store, id, .. } = &running;
    running
        .file([
            delivered("1", "7"),
            delivered("2", "8"),
            stands("3", Delivered),
        ])
        .await;
    let asked = ["8", "9", "7", "8"].map(TargetId::new);
    let [one, two] = ["1", "2"].map(SourceKey::new);
    assert_eq!(
        store.delivered_as(id, &asked).await.unwrap(),
        [Some(two.clone()), None, Some(one.clone()), Some(two)]
    );
    running
        .file([delivered("1", "9"), stands("2", Again)])
        .await;
    assert_eq!(
        store.delivered_as(id, &asked).await.unwrap(),
        [None, Some(one), None, None]
    );
    assert_eq!(store.delivered_as(id, &[]).await.unwrap(), []);
}

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
        proptest::option::of(proptest::sample::select(vec![Delivered, Again])),
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
            if document.state != Doubtful || !matches!(kept, Some(Again | Delivered)) {
                known.insert(document.key.clone(), document);
            }
        }
        if let Some(decision) = decision {
            for document in known.values_mut() {
                if document.state == Doubtful {
                    document.state = decision;
                    document.attempts = 0;
                    if decision == Again {
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

pub async fn an_owner_decides(store: AnyStore) {
    let running = Running::new(store).await;
    let Running { store, id, .. } = &running;
    let doubtful = |key: &str| Document {
        record: 7,
        attempts: 3,
        owner: Some(SourceKey::new("17")),
        sent_at: Some(at(5)),
        size: Some(1),
        ..stands(key, Doubtful)
    };
    let doubts = ["a", "b", "c", "d", "e"].map(doubtful);
    running.file(doubts).await;
    running.file([stands("f", Intended)]).await;
    let decide = async |keys: Option<&[&str]>, decision| {
        let keys: Option<Vec<SourceKey>> =
            keys.map(|keys| keys.iter().copied().map(SourceKey::new).collect());
        store.decide_documents(id, keys.as_deref(), decision).await
    };
    for wrong in [Waiting, Intended, Failed, Doubtful, Unwanted] {
        let error = decide(None, wrong).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error}");
    }
    assert_eq!(decide(Some(&[]), Again).await, Ok(0));
    let some = ["b", "f", "never seen", "b"];
    assert_eq!(decide(Some(&some), Again).await, Ok(1));
    assert_eq!(decide(Some(&some), Delivered).await, Ok(0), "decided");
    assert_eq!(decide(Some(&["a", "d"]), Delivered).await, Ok(2));
    let arrived = |key: &str| Document {
        state: Delivered,
        attempts: 0,
        ..doubtful(key)
    };
    let again = |key: &str| Document {
        state: Again,
        record: 0,
        ..arrived(key)
    };
    assert_eq!(running.document("a").await, Some(arrived("a")));
    assert_eq!(running.document("b").await, Some(again("b")));
    assert_eq!(running.document("c").await, Some(doubtful("c")));
    assert_eq!(running.document("d").await, Some(arrived("d")));
    assert_eq!(running.document("f").await, Some(stands("f", Intended)));
    assert_eq!(
        figures(&running, None, 0).await,
        DocumentFigures {
            delivered: 2,
            doubtful: 2,
            due: 2,
            ..DocumentFigures::default()
        }
    );
    assert_eq!(decide(None, Again).await, Ok(2));
    assert_eq!(running.document("c").await, Some(again("c")));
    running.file([doubtful("f")]).await;
    assert_eq!(decide(None, Delivered).await, Ok(1));
    assert_eq!(running.document("f").await, Some(arrived("f")));
    let nowhere = AutomationId::new("nowhere");
    let error = store.decide_documents(&nowhere, None, Again).await;
    assert!(matches!(error, Err(StoreError::NotFound(_))), "{error:?}");
}

/// An owner may decide between a cycle's reading of a document and its writing of the same.
pub async fn a_decision_stands(store: AnyStore) {
    let running = Running::new(store).await;
    let doubtful = Document {
        record: 7,
        attempts: 3,
        ..stands("a", Doubtful)
    };
    for decision in [Again, Delivered] {
        let Running { store, id, .. } = &running;
        for state in [Intended, Doubtful] {
            let before = Document {
                state,
                ..doubtful.clone()
            };
            running.file([before]).await;
        }
        assert_eq!(store.decide_documents(id, None, decision).await, Ok(1));
        let decided = running.document("a").await;
        let stale = Document {
            attempts: 4,
            ..doubtful.clone()
        };
        running.file([stale]).await;
        assert_eq!(running.document("a").await, decided, "{decision:?}");
        let now = figures(&running, None, 0).await;
        assert_eq!(now.doubtful, 0);
        assert_eq!(
            (now.due, now.delivered),
            match decision {
                Again => (1, 0),
                _ => (0, 1),
            }
        );
        // It was found at the target, or is on its way.
        running.file([stands("a", Intended)]).await;
        assert_eq!(running.document("a").await, Some(stands("a", Intended)));
    }
}

pub async fn forgotten_with_the_page(store: AnyStore) {
    let running = Running::new(store).await;
    running
        .file(["a", "b", "c"].map(|key| stands(key, Waiting)))
        .await;
    let page = Commit {
        forgotten: ["a", "c", "never seen"].map(SourceKey::new).into(),
        documents: vec![stands("c", Unwanted), stands("d", Waiting)],
        ..running.page()
    };
    let Running {
        store, id, lease, ..
    } = &running;
    store.commit(lease, page).await.unwrap();
    let all = store.documents_in(id, &STATES, None, 99).await.unwrap();
    assert_eq!(
        all,
        [
            stands("b", Waiting),
            stands("c", Unwanted),
            stands("d", Waiting)
        ]
    );
    assert_eq!(figures(&running, None, 0).await.waiting, 2);
}

pub async fn only_with_the_lease(store: AnyStore) {
    let running = Running::new(store).await;
    running.file([delivered("a", "1")]).await;
    let Running {
        store, id, lease, ..
    } = &running;
    store
        .acquire(id, "node-b", at(2_000), at(3_000), &|_| false)
        .await
        .unwrap()
        .unwrap();
    let pages = [
        Commit {
            documents: vec![stands("b", Intended)],
            ..running.page()
        },
        Commit {
            forgotten: vec![SourceKey::new("a")],
            ..running.page()
        },
    ];
    for page in pages {
        assert_eq!(store.commit(lease, page).await, Err(StoreError::LeaseLost));
    }
    assert_eq!(running.document("a").await, Some(delivered("a", "1")));
    assert_eq!(running.document("b").await, None);
    assert_eq!(
        figures(&running, None, 0).await,
        DocumentFigures {
            delivered: 1,
            ..DocumentFigures::default()
        }
    );
}

pub async fn each_automation_has_its_own(store: AnyStore) {
    let one = Running::of(store.clone(), "one").await;
    let two = Running::of(store.clone(), "two").await;
    one.file([delivered("1", "7"), stands("2", Doubtful)]).await;
    two.file([stands("1", Waiting)]).await;

    assert_eq!(two.document("1").await, Some(stands("1", Waiting)));
    assert_eq!(two.document("2").await, None);
    let asked = [TargetId::new("7")];
    assert_eq!(store.delivered_as(&two.id, &asked).await.unwrap(), [None]);
    let found = store.documents_in(&two.id, &STATES, None, 9).await.unwrap();
    assert_eq!(found, [stands("1", Waiting)]);
    assert_eq!(store.decide_documents(&two.id, None, Again).await, Ok(0));
    let key = [SourceKey::new("2")];
    let decided = store.decide_documents(&two.id, Some(&key), Again).await;
    assert_eq!(decided, Ok(0));
    let page = Commit {
        forgotten: vec![SourceKey::new("2")],
        ..two.page()
    };
    store.commit(&two.lease, page).await.unwrap();
    assert_eq!(one.document("2").await, Some(stands("2", Doubtful)));
    let counted = figures(&one, None, 0).await;
    assert_eq!((counted.delivered, counted.doubtful), (1, 1));

    store.release(&one.lease).await.unwrap();
    store.remove_automation(&one.id, at(1)).await.unwrap();
    set_up(&store, "one").await;
    assert_eq!(one.document("1").await, None);
    assert_eq!(figures(&one, None, 0).await, DocumentFigures::default());
    assert_eq!(figures(&two, None, 0).await.waiting, 1);
    for result in [
        store
            .documents(&AutomationId::new("nowhere"), &[])
            .await
            .map(drop),
        store
            .documents_in(&AutomationId::new("nowhere"), &STATES, None, 9)
            .await
            .map(drop),
        store
            .delivered_as(&AutomationId::new("nowhere"), &asked)
            .await
            .map(drop),
    ] {
        assert!(matches!(result, Err(StoreError::NotFound(_))), "{result:?}");
    }
}
