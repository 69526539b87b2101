//! What people are told, and by which ways.

use matricula_core::agenda::Change;
use matricula_core::notice::{Channel, Contact, NoticeKind};
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, CredentialId};

use super::made_up::*;

fn contact(email: &str) -> Contact {
    Contact {
        email: email.to_owned(),
        name: None,
        language: "de".to_owned(),
        alerts: true,
        report: false,
    }
}

fn webhook() -> Channel {
    Channel::Webhook {
        endpoint: CredentialId::new("hook"),
        url: "https://hooks.example.com/in".to_owned(),
    }
}

fn ways() -> [Channel; 2] {
    [Channel::Mail(contact("owner@example.com")), webhook()]
}

/// Posts one for the automation and gives its number.
async fn posted(store: &AnyStore) -> i64 {
    let id = set_up(store, "automation").await;
    let notice = notice(Some(&id), NoticeKind::Paused, "auth");
    assert!(store.post(&notice).await.unwrap());
    store.unaddressed(1).await.unwrap()[0].0
}

pub async fn told_once_while_it_stands(store: AnyStore) {
    let [one, two] = ["one", "two"].map(|id| set_up(&store, id));
    let (one, two) = (one.await, two.await);
    let all = [
        notice(Some(&one), NoticeKind::Paused, "auth"),
        notice(Some(&two), NoticeKind::Paused, "auth"),
        notice(Some(&one), NoticeKind::Overdue, "auth"),
        notice(Some(&one), NoticeKind::Paused, "permission"),
        notice(None, NoticeKind::Report, "2026-11-21"),
    ];
    for notice in &all {
        assert!(store.post(notice).await.unwrap(), "{notice:?}");
    }
    for notice in &all[..4] {
        assert!(!store.post(notice).await.unwrap(), "{notice:?}");
    }
    let unaddressed = store.unaddressed(9).await.unwrap();
    let (numbers, notices): (Vec<i64>, Vec<_>) = unaddressed.into_iter().unzip();
    assert_eq!(notices, all);
    assert!(numbers.is_sorted());
    assert_eq!(store.unaddressed(2).await.unwrap().len(), 2);
    // That it has gone its way does not mean that its reason is gone.
    store.address(numbers[0], &[], at(1)).await.unwrap();
    assert!(!store.post(&all[0]).await.unwrap());
    let error = store
        .post(&notice(
            Some(&AutomationId::new("nowhere")),
            NoticeKind::Paused,
            "auth",
        ))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

pub async fn told_again_after_it_was_withdrawn(store: AnyStore) {
    let first = enrolled(&store, "automation").await;
    let other = enrolled(&store, "another").await.automation;
    let id = first.automation.clone();
    let paused = notice(Some(&id), NoticeKind::Paused, "auth");
    let theirs = notice(Some(&other), NoticeKind::Paused, "auth");
    let overdue = notice(Some(&id), NoticeKind::Overdue, "overdue");
    for notice in [&paused, &theirs, &overdue] {
        assert!(store.post(notice).await.unwrap());
    }
    let recovered = Change {
        notices: vec![notice(Some(&id), NoticeKind::Recovered, "auth")],
        withdrawn: vec![NoticeKind::Paused, NoticeKind::Quarantined],
        ..silent(first)
    };
    assert!(store.change(&recovered).await.unwrap());
    assert!(!store.post(&theirs).await.unwrap(), "of another automation");
    assert!(!store.post(&overdue).await.unwrap(), "of another kind");
    assert!(store.post(&paused).await.unwrap());
    assert!(!store.post(&paused).await.unwrap());

    // What stands is left out without a word; what is withdrawn in the same change is told anew.
    let before = store.unaddressed(99).await.unwrap().len();
    let standing = store.standing(&id).await.unwrap().unwrap();
    let again = Change {
        notices: vec![paused, overdue],
        withdrawn: vec![NoticeKind::Paused],
        ..silent(standing)
    };
    assert!(store.change(&again).await.unwrap());
    let told = store.unaddressed(99).await.unwrap();
    assert_eq!(told.len(), before + 1);
    assert_eq!(
        told.last().map(|(_, notice)| notice.kind),
        Some(NoticeKind::Paused)
    );
}

pub async fn tests_are_always_told(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    for automation in [Some(&id), None] {
        for _ in 0..2 {
            let test = notice(automation, NoticeKind::Test, "test");
            assert!(store.post(&test).await.unwrap());
        }
    }
    let nobodys = notice(None, NoticeKind::Paused, "auth");
    assert!(store.post(&nobodys).await.unwrap());
    assert!(store.post(&nobodys).await.unwrap());
    assert_eq!(store.unaddressed(9).await.unwrap().len(), 6);
}

pub async fn delivered_by_every_way(store: AnyStore) {
    let number = posted(&store).await;
    let told = store.unaddressed(1).await.unwrap().remove(0).1;
    assert_eq!(store.waiting().await.unwrap(), 0);
    store.address(number, &ways(), at(6_000)).await.unwrap();
    assert_eq!(store.unaddressed(9).await.unwrap(), []);
    assert_eq!(store.waiting().await.unwrap(), 2);
    assert_eq!(store.deliverable(at(5_999), 9).await.unwrap(), []);
    let found = store.deliverable(at(6_000), 9).await.unwrap();
    let channels: Vec<_> = found.iter().map(|way| way.channel.clone()).collect();
    assert_eq!(channels, ways());
    for delivery in &found {
        assert_eq!((delivery.notice_id, delivery.attempts), (number, 0));
        assert_eq!(delivery.notice, told);
    }
    assert_eq!(store.deliverable(at(6_000), 1).await.unwrap(), found[..1]);

    store.delivered(found[0].id, at(6_100)).await.unwrap();
    assert_eq!(store.deliverable(at(9_000), 9).await.unwrap(), found[1..]);
    store.delivered(found[1].id, at(6_100)).await.unwrap();
    assert_eq!(store.waiting().await.unwrap(), 0);
}

pub async fn nobody_wants_it(store: AnyStore) {
    let number = posted(&store).await;
    store.address(number, &[], at(6_000)).await.unwrap();
    assert_eq!(store.unaddressed(9).await.unwrap(), []);
    assert_eq!(store.waiting().await.unwrap(), 0);
}

pub async fn addressed_once(store: AnyStore) {
    let number = posted(&store).await;
    for _ in 0..2 {
        store.address(number, &ways(), at(6_000)).await.unwrap();
    }
    assert_eq!(store.waiting().await.unwrap(), 2);
    let error = store.address(number + 1, &ways(), at(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

pub async fn tried_again_and_given_up(store: AnyStore) {
    let number = posted(&store).await;
    store
        .address(number, &[webhook()], at(6_000))
        .await
        .unwrap();
    let delivery = &store.deliverable(at(6_000), 9).await.unwrap()[0];
    let error = "the mail server does not answer";
    store
        .postponed(delivery.id, Some(at(7_000)), error)
        .await
        .unwrap();
    assert_eq!(store.deliverable(at(6_999), 9).await.unwrap(), []);
    assert_eq!(store.waiting().await.unwrap(), 1);
    let again = &store.deliverable(at(7_000), 9).await.unwrap()[0];
    assert_eq!((again.id, again.attempts), (delivery.id, 1));
    store.postponed(delivery.id, None, error).await.unwrap();
    assert_eq!(
        store.deliverable(at(i64::from(u32::MAX)), 9).await.unwrap(),
        []
    );
    assert_eq!(store.waiting().await.unwrap(), 0);

    let nowhere = delivery.id + 1;
    for result in [
        store.delivered(nowhere, at(1)).await,
        store.postponed(nowhere, None, error).await,
    ] {
        assert!(matches!(result, Err(StoreError::NotFound(_))), "{result:?}");
    }
}

pub async fn who_is_told(store: AnyStore) {
    let id = set_up(&store, "automation").await;
    assert_eq!(store.contacts(&id).await.unwrap(), []);
    let several = [
        contact("owner@example.com"),
        Contact {
            name: Some("The office".to_owned()),
            language: "en".to_owned(),
            alerts: false,
            report: true,
            ..contact("office@example.com")
        },
        // One address may be told in two languages.
        Contact {
            language: "en".to_owned(),
            ..contact("owner@example.com")
        },
    ];
    for contacts in [&several[..], &several[1..2], &[]] {
        store.set_contacts(&id, contacts).await.unwrap();
        assert_eq!(store.contacts(&id).await.unwrap(), contacts);
    }
    let nowhere = AutomationId::new("nowhere");
    let error = store.set_contacts(&nowhere, &several).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

pub async fn who_gets_the_report(store: AnyStore) {
    let reader = Contact {
        report: true,
        ..contact("reader@example.com")
    };
    for (id, contacts) in [
        ("c", vec![contact("owner@example.com"), reader.clone()]),
        ("a", vec![reader.clone(), reader]),
        ("b", vec![contact("owner@example.com")]),
        ("d", vec![]),
    ] {
        let id = set_up(&store, id).await;
        store.set_contacts(&id, &contacts).await.unwrap();
    }
    let [a, c] = ["a", "c"].map(AutomationId::new);
    let both = [a, c];
    let [a, c] = &both;
    assert_eq!(store.reporting(None, 9).await.unwrap(), both);
    assert_eq!(store.reporting(None, 1).await.unwrap(), both[..1]);
    assert_eq!(store.reporting(Some(a), 9).await.unwrap(), both[1..]);
    assert_eq!(store.reporting(Some(c), 9).await.unwrap(), []);
}
