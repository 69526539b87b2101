//! How automations stand, and changes of it.

use std::sync::Arc;
use std::time::Duration;

use matricula_core::agenda::{Change, Overview};
use matricula_core::automation::Automation;
use matricula_core::credential::Credential;
use matricula_core::journal::Deed;
use matricula_core::notice::NoticeKind;
use matricula_core::run::Trigger;
use matricula_core::standing::{Demand, Hold, Lifecycle, Standing};
use matricula_core::store::StoreError;
use matricula_core::{
    AutomationId, Cadence, CredentialId, Failure, FailureKind, Person, RunId, TenantId,
};
use proptest::prelude::*;

use super::made_up::*;

pub async fn enrolled_once(store: AnyStore) {
    let nowhere = AutomationId::new("nowhere");
    let error = store.enroll(&silent(standing(&nowhere))).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    assert_eq!(store.standing(&nowhere).await.unwrap(), None);
    assert!(!store.change(&silent(standing(&nowhere))).await.unwrap());

    let id = set_up(&store, "automation").await;
    assert_eq!(store.standing(&id).await.unwrap(), None);
    assert!(!store.change(&silent(standing(&id))).await.unwrap());
    let first = Change {
        journal: vec![entry(Some(&id), Deed::Started)],
        ..silent(standing(&id))
    };
    store.enroll(&first).await.unwrap();
    let error = store.enroll(&first).await.unwrap_err();
    assert!(matches!(error, StoreError::Exists(_)), "{error}");
    assert_eq!(store.standing(&id).await.unwrap(), Some(standing(&id)));
    let written = store.journal(&tenant(), None, None, 9).await.unwrap();
    assert_eq!(written.len(), 1, "the second time wrote nothing");
}

fn any_cadence() -> impl Strategy<Value = Cadence> {
    prop_oneof![
        any::<u64>().prop_map(|seconds| Cadence::Every { seconds }),
        Just(Cadence::OnDemand),
        (any::<String>(), any::<String>()).prop_map(|(expression, time_zone)| Cadence::Cron {
            expression,
            time_zone
        }),
        Just(Cadence::Cron {
            expression: "0 4 * * *".to_owned(),
            time_zone: "Europe/Berlin".to_owned()
        }),
    ]
}

prop_compose! {
    fn any_demand()(name in any::<String>(), full in any::<bool>(), time in any_time()) -> Demand {
        Demand { trigger: Trigger::Manual { by: Person::named(name) }, full, at: time }
    }
}

prop_compose! {
    fn any_hold()(message in any::<String>(), since in any_time(), attempts in any::<u32>()) -> Hold {
        Hold { failure: Failure::new(FailureKind::Auth, message), since, attempts }
    }
}

prop_compose! {
    fn any_standing(id: AutomationId)(
        lifecycle in prop_oneof![
            Just(Lifecycle::Active), Just(Lifecycle::Paused), Just(Lifecycle::Deactivated)
        ],
        cadence in any_cadence(),
        demand in proptest::option::of(any_demand()),
        hold in proptest::option::of(any_hold()),
        (failures, overdue) in any::<(u32, bool)>(),
        last_run in proptest::option::of(any::<i64>().prop_map(RunId)),
        times in proptest::array::uniform4(proptest::option::of(any_time())),
    ) -> Standing {
        let [next_run_at, last_started_at, last_ended_at, last_succeeded_at] = times;
        Standing {
            lifecycle, cadence, next_run_at, demand, hold, failures, last_run, last_started_at,
            last_ended_at, last_succeeded_at, overdue, ..standing(&id)
        }
    }
}

pub async fn any_standing_survives(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    property(any_standing(id.clone()), 128, async move |wanted| {
        let version = store.standing(&id).await.unwrap().unwrap().version;
        let wanted = Standing { version, ..wanted };
        prop_assert!(store.change(&silent(wanted.clone())).await.unwrap());
        let kept = store.standing(&id).await.unwrap();
        let wanted = Standing {
            version: version + 1,
            ..wanted
        };
        prop_assert_eq!(kept, Some(wanted));
        Ok(())
    })
    .await;
}

pub async fn only_from_the_version_it_was_made_from(store: AnyStore) {
    let first = enrolled(&store, "automation").await;
    let id = &first.automation;
    changed(&store, id, |standing| standing.failures = 1).await;
    let late = Change {
        standing: Standing {
            failures: 9,
            ..first.clone()
        },
        journal: vec![entry(Some(id), Deed::Paused)],
        notices: vec![notice(Some(id), NoticeKind::Paused, "auth")],
        withdrawn: Vec::new(),
    };
    assert!(!store.change(&late).await.unwrap());
    let kept = store.standing(id).await.unwrap().unwrap();
    assert_eq!((kept.failures, kept.version), (1, first.version + 1));
    assert_eq!(store.journal(&tenant(), None, None, 9).await.unwrap(), []);
    assert_eq!(store.unaddressed(9).await.unwrap(), []);

    let again = Change {
        standing: Standing {
            failures: 9,
            ..kept
        },
        ..late
    };
    assert!(store.change(&again).await.unwrap());
    assert_eq!(store.unaddressed(9).await.unwrap().len(), 1);
}

/// One part that cannot be written takes the others with it.
pub async fn a_change_is_whole(store: AnyStore) {
    let first = enrolled(&store, "automation").await;
    let id = &first.automation;
    let nowhere = AutomationId::new("nowhere");
    let broken = Change {
        standing: Standing {
            failures: 9,
            ..first.clone()
        },
        journal: vec![entry(Some(id), Deed::Paused)],
        notices: vec![
            notice(Some(id), NoticeKind::Paused, "auth"),
            notice(Some(&nowhere), NoticeKind::Paused, "auth"),
        ],
        withdrawn: Vec::new(),
    };
    let error = store.change(&broken).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
    assert_eq!(store.standing(id).await.unwrap(), Some(first.clone()));
    assert_eq!(store.journal(&tenant(), None, None, 9).await.unwrap(), []);
    assert_eq!(store.unaddressed(9).await.unwrap(), []);
}

pub async fn changes_at_the_same_time(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    let workers = (0..8).map(|_| {
        let (store, id) = (Arc::clone(&store), id.clone());
        tokio::spawn(async move {
            let mut written = 0;
            while written < 10 {
                let mut standing = store.standing(&id).await.unwrap().unwrap();
                standing.failures += 1;
                written += u32::from(store.change(&silent(standing)).await.unwrap());
            }
        })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    let standing = store.standing(&id).await.unwrap().unwrap();
    assert_eq!((standing.failures, standing.version), (80, 80));
}

pub async fn in_pages_by_id(store: AnyStore) {
    let mut mine = Vec::new();
    for id in ["b", "a", "d", "c", "e"] {
        mine.push(enrolled(&store, id).await);
    }
    mine.sort_by(|one, other| one.automation.cmp(&other.automation));
    set_up(&store, "not in the schedule").await;
    let other = TenantId::new("other");
    let credential = Credential {
        tenant: other.clone(),
        ..credential("theirs")
    };
    store.add_credential(&credential, &secrets()).await.unwrap();
    let automation = Automation {
        tenant: other.clone(),
        flow: "upload-certificates".to_owned(),
        source: credential.id.clone(),
        target: credential.id.clone(),
        ..automation("bb")
    };
    store.put_automation(&automation).await.unwrap();
    let theirs = Standing {
        tenant: other.clone(),
        flow: automation.flow,
        source: credential.id.clone(),
        target: credential.id,
        ..standing(&automation.id)
    };
    store.enroll(&silent(theirs.clone())).await.unwrap();

    let read = async |tenant: Option<&TenantId>| {
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let page = store.standings(tenant, after.as_ref(), 2).await.unwrap();
            let Some(last) = page.last() else {
                return found;
            };
            assert!(page.len() <= 2);
            after = Some(last.automation.clone());
            found.extend(page);
        }
    };
    assert_eq!(read(Some(&tenant())).await, mine);
    mine.insert(2, theirs);
    assert_eq!(read(Some(&other)).await, mine[2..3]);
    assert_eq!(read(None).await, mine);
    assert_eq!(read(Some(&TenantId::new("nobody"))).await, []);
    // Whoever has another credential now has it here as well.
    let mut moved = super::made_up::automation("a");
    moved.source = CredentialId::new("target");
    store.put_automation(&moved).await.unwrap();
    let kept = store.standing(&moved.id).await.unwrap().unwrap();
    assert_eq!(kept.source, moved.source);
}

async fn overdue(store: &AnyStore, now: i64) -> u64 {
    store.overview(at(now)).await.unwrap().overdue
}

pub async fn who_is_overdue(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    // The last run began ten minutes before it is due again, the interval is five.
    let write = |change: fn(&mut Standing)| changed(&store, &id, change);
    write(|standing| {
        standing.last_started_at = Some(at(1_000_000));
        standing.next_run_at = Some(at(1_300_000));
    })
    .await;
    assert_eq!(overdue(&store, 1_600_000).await, 0);
    assert_eq!(overdue(&store, 1_600_001).await, 1);
    // It is at work.
    let no = |_: &str| false;
    let lease = store
        .acquire(&id, "node-a", at(1_600_000), at(1_700_000), &no)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(overdue(&store, 1_699_999).await, 0);
    assert_eq!(overdue(&store, 1_700_001).await, 1);
    store.release(&lease).await.unwrap();
    assert_eq!(overdue(&store, 1_600_001).await, 1);

    // A slower pace, and a new beginning, are no delay.
    write(|standing| standing.next_run_at = Some(at(5_000_000))).await;
    assert_eq!(overdue(&store, 5_300_000).await, 0);
    assert_eq!(overdue(&store, 5_300_001).await, 1);
    write(|standing| standing.lifecycle = Lifecycle::Paused).await;
    assert_eq!(overdue(&store, 9_000_000).await, 0);
    write(|standing| {
        standing.lifecycle = Lifecycle::Active;
        standing.cadence = Cadence::OnDemand;
    })
    .await;
    assert_eq!(overdue(&store, 9_000_000).await, 0);

    // Four o'clock UTC each day; the run of the second of January 1970 does not come.
    let hour = 3_600_000;
    write(|standing| {
        standing.cadence = Cadence::Cron {
            expression: "0 4 * * *".to_owned(),
            time_zone: "UTC".to_owned(),
        };
        standing.last_started_at = Some(at(4 * 3_600_000));
        standing.next_run_at = Some(at(28 * 3_600_000));
    })
    .await;
    assert_eq!(overdue(&store, 52 * hour).await, 0);
    assert_eq!(overdue(&store, 52 * hour + 1).await, 1);
    // Who has never run counts from when it was started, whenever it ought to be due.
    write(|standing| {
        standing.cadence = Cadence::Every { seconds: 300 };
        standing.last_started_at = None;
        standing.next_run_at = None;
    })
    .await;
    let started = automation("automation").created_at.as_millisecond();
    assert_eq!(overdue(&store, started + 600_000).await, 0);
    assert_eq!(overdue(&store, started + 600_001).await, 1);
}

pub async fn seen_as_a_whole(store: AnyStore) {
    assert_eq!(
        store.overview(at(0)).await.unwrap(),
        Overview::default(),
        "nobody"
    );
    let hold = Hold {
        failure: Failure::new(FailureKind::Auth, "the key was rejected"),
        since: at(1),
        attempts: 1,
    };
    let far = Some(at(1_900_000_000_000));
    for (id, lifecycle, held, next_run_at) in [
        ("waiting", Lifecycle::Active, false, far),
        ("due", Lifecycle::Active, false, Some(at(4_000))),
        ("longer", Lifecycle::Active, true, Some(at(2_500))),
        ("running", Lifecycle::Active, false, Some(at(1_000))),
        ("probed", Lifecycle::Paused, true, Some(at(3_000))),
        ("stopped", Lifecycle::Deactivated, true, Some(at(1))),
        ("on demand", Lifecycle::Active, false, None),
    ] {
        let hold = held.then(|| hold.clone());
        let id = enrolled(&store, id).await.automation;
        changed(&store, &id, |standing| {
            standing.lifecycle = lifecycle;
            standing.hold = hold;
            standing.next_run_at = next_run_at;
        })
        .await;
    }
    let running = AutomationId::new("running");
    store
        .acquire(&running, "node-a", at(1_000), at(9_000), &|_| false)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        store.overview(at(4_000)).await.unwrap(),
        Overview {
            active: 5,
            quarantined: 1,
            paused: 1,
            deactivated: 1,
            due: 3,
            overdue: 0,
            lag: Duration::from_millis(1_500),
        }
    );
}
