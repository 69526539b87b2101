//! What an owner decides about doubtful documents.

use matricula_core::document::{Document, DocumentDecision, DocumentFigures, DocumentState};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, SourceKey};

use super::documents::figures;
use super::made_up::*;

use DocumentDecision::{Arrived, SendAgain};
use DocumentState::{Again, Delivered, Doubtful, Intended};

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
    assert_eq!(decide(Some(&[]), SendAgain).await, Ok(0));
    let some = ["b", "f", "never seen", "b"];
    assert_eq!(decide(Some(&some), SendAgain).await, Ok(1));
    assert_eq!(decide(Some(&some), Arrived).await, Ok(0), "decided");
    assert_eq!(decide(Some(&["a", "d"]), Arrived).await, Ok(2));
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
    assert_eq!(decide(None, SendAgain).await, Ok(2));
    assert_eq!(running.document("c").await, Some(again("c")));
    running.file([doubtful("f")]).await;
    assert_eq!(decide(None, Arrived).await, Ok(1));
    assert_eq!(running.document("f").await, Some(arrived("f")));
    let nowhere = AutomationId::new("nowhere");
    let error = store.decide_documents(&nowhere, None, SendAgain).await;
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
    for decision in [SendAgain, Arrived] {
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
                SendAgain => (1, 0),
                _ => (0, 1),
            }
        );
        // On its way again; but what lies there lies there for ever.
        running.file([stands("a", Intended)]).await;
        let expected = match decision {
            SendAgain => Some(stands("a", Intended)),
            Arrived => decided,
        };
        assert_eq!(running.document("a").await, expected);
    }
}
