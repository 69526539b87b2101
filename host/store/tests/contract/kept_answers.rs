//! Requests that are sent once more get the answer once more.

use matricula_core::TenantId;
use matricula_core::board::{KeptAnswer, Reservation};

use super::made_up::*;

const ONE: [u8; 32] = [1; 32];
const OTHER: [u8; 32] = [2; 32];

pub fn kept(body: &str) -> KeptAnswer {
    KeptAnswer {
        status: 201,
        headers: vec![("location".to_owned(), "/api/v1/webhooks/7".to_owned())],
        body: body.as_bytes().to_vec(),
    }
}

async fn reserve(store: &AnyStore, key: &str, request: [u8; 32], now: i64) -> Reservation {
    store
        .reserve(&tenant(), key, request, at(now), at(now + 100))
        .await
        .unwrap()
}

async fn answer(store: &AnyStore, request: [u8; 32], answer: Option<&KeptAnswer>, keep: i64) {
    store
        .answer(&tenant(), "key", request, answer, at(keep))
        .await
        .unwrap();
}

pub async fn answered_once(store: AnyStore) {
    let taken = Reservation::Taken;
    assert_eq!(reserve(&store, "key", ONE, 0).await, taken);
    assert_eq!(reserve(&store, "key", ONE, 1).await, Reservation::Busy);
    assert_eq!(
        reserve(&store, "key", OTHER, 1).await,
        Reservation::Mismatch
    );
    assert_eq!(reserve(&store, "Key", OTHER, 1).await, taken, "another key");
    let other = TenantId::new("other");
    let theirs = store.reserve(&other, "key", OTHER, at(1), at(100)).await;
    assert_eq!(theirs.unwrap(), taken, "another tenant");

    let first = kept("the first\0");
    answer(&store, ONE, Some(&first), 1_000).await;
    let again = Reservation::Answered(first.clone());
    assert_eq!(reserve(&store, "key", ONE, 2).await, again);
    assert_eq!(reserve(&store, "key", ONE, 999).await, again);
    assert_eq!(
        reserve(&store, "key", OTHER, 2).await,
        Reservation::Mismatch
    );
    // The same request, come late: the first answer stays.
    answer(&store, ONE, Some(&kept("the second")), 5_000).await;
    answer(&store, ONE, None, 5_000).await;
    assert_eq!(reserve(&store, "key", ONE, 999).await, again);
    assert_eq!(reserve(&store, "key", OTHER, 1_000).await, taken);
}

pub async fn given_back(store: AnyStore) {
    reserve(&store, "key", ONE, 0).await;
    answer(&store, OTHER, None, 0).await;
    assert_eq!(reserve(&store, "key", ONE, 1).await, Reservation::Busy);
    answer(&store, ONE, None, 0).await;
    assert_eq!(reserve(&store, "key", OTHER, 1).await, Reservation::Taken);
}

/// A process that was killed answers nothing; one that was slow must not answer for another request.
pub async fn free_again(store: AnyStore) {
    reserve(&store, "key", ONE, 0).await;
    assert_eq!(reserve(&store, "key", ONE, 99).await, Reservation::Busy);
    assert_eq!(reserve(&store, "key", OTHER, 100).await, Reservation::Taken);
    for late in [Some(&kept("late")), None] {
        answer(&store, ONE, late, 5_000).await;
        assert_eq!(reserve(&store, "key", OTHER, 101).await, Reservation::Busy);
    }
    let own = kept("its own");
    answer(&store, OTHER, Some(&own), 5_000).await;
    let answered = Reservation::Answered(own);
    assert_eq!(reserve(&store, "key", OTHER, 4_999).await, answered);
}

pub async fn dropped_when_their_time_is_over(store: AnyStore) {
    for number in 0..7 {
        let key = format!("key-{number}");
        assert_eq!(reserve(&store, &key, ONE, number).await, Reservation::Taken);
    }
    let answer = kept("kept for longer");
    let kept_for = at(9_000);
    store
        .answer(&tenant(), "key-0", ONE, Some(&answer), kept_for)
        .await
        .unwrap();
    let drop = async |now, limit| store.drop_answers(at(now), limit).await.unwrap();
    assert_eq!(drop(100, 9).await, 0, "the first was answered");
    assert_eq!(drop(104, 3).await, 3);
    assert_eq!(drop(104, 3).await, 1);
    assert_eq!(drop(104, 3).await, 0);
    // Whoever was dropped while it was under way has nothing to answer to.
    store
        .answer(&tenant(), "key-1", ONE, Some(&answer), kept_for)
        .await
        .unwrap();
    assert_eq!(reserve(&store, "key-1", ONE, 104).await, Reservation::Taken);
    assert_eq!(reserve(&store, "key-5", ONE, 104).await, Reservation::Busy);
    let answered = Reservation::Answered(answer);
    assert_eq!(reserve(&store, "key-0", ONE, 8_999).await, answered);
    assert_eq!(drop(9_000, 9).await, 4);
}

/// However many send it at once.
pub async fn one_of_many_takes_it(store: AnyStore) {
    let asking: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { reserve(&store, "key", ONE, 0).await })
        })
        .collect();
    let mut taken = 0;
    for task in asking {
        match task.await.unwrap() {
            Reservation::Taken => taken += 1,
            other => assert_eq!(other, Reservation::Busy),
        }
    }
    assert_eq!(taken, 1);
}
