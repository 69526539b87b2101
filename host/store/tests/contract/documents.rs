//! Documents, one by one and by how they stand.

use matricula_core::document::{Document, DocumentDecision, DocumentFigures, DocumentState};
use matricula_core::store::{Commit, StoreError};
use matricula_core::{AutomationId, SourceKey, TargetId};
use proptest::prelude::*;

use super::made_up::*;

use DocumentDecision::SendAgain;
use DocumentState::{Again, Delivered, Doubtful, Failed, Intended, Unwanted, Waiting};

const STATES: [DocumentState; 7] = [
    Waiting, Intended, Delivered, Failed, Doubtful, Again, Unwanted,
];

fn any_state() -> impl Strategy<Value = DocumentState> {
    proptest::sample::select(STATES.to_vec())
}

prop_compose! {
    /// Any document at all, of one of these keys, that waits for one of these accounts.
    pub fn any_document(key: impl Strategy<Value = String>, account: impl Strategy<Value = String>)(
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

pub async fn figures(
    running: &Running,
    people: Option<&AutomationId>,
    now: i64,
) -> DocumentFigures {
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
        let Running { store, id, .. } = &running;
        // An earlier round may have had the same key.
        let page = Commit {
            forgotten: vec![document.key.clone()],
            ..running.page()
        };
        store.commit(&running.lease, page).await.unwrap();
        running.file([before]).await;
        running.file([document.clone()]).await;
        let found = running.document(document.key.as_str()).await;
        prop_assert_eq!(found, Some(document.clone()));

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
    // What lies there lies there for ever, whatever a cycle writes.
    let two = SourceKey::new("2");
    assert_eq!(
        store.delivered_as(id, &asked).await.unwrap(),
        [Some(two.clone()), Some(one), None, Some(two)]
    );
    assert_eq!(store.delivered_as(id, &[]).await.unwrap(), []);
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
    assert_eq!(
        store.decide_documents(&two.id, None, SendAgain).await,
        Ok(0)
    );
    let key = [SourceKey::new("2")];
    let decided = store.decide_documents(&two.id, Some(&key), SendAgain).await;
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
