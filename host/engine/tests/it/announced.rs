//! Remotes that say themselves when they will be there again, longer ahead than a run waits.

use std::time::Duration;

use matricula_core::notice::NoticeKind;
use matricula_core::run::RunStatus;
use matricula_core::{Failure, FailureKind};

use crate::plan::*;

fn in_minutes(kind: FailureKind, minutes: u64) -> Failure {
    Failure::new(kind, "not now").with_retry_after(Duration::from_secs(60 * minutes))
}

#[tokio::test]
async fn what_is_announced_is_no_reason_to_alarm_anybody() {
    for kind in [FailureKind::Unavailable, FailureKind::RateLimited] {
        let plan = Plan::new("2026-03-10T00:00:00Z");
        plan.enroll("often", "a", every(5), None).await;
        plan.enroll("nightly", "b", cron("0 1 * * *", "UTC"), None)
            .await;
        plan.answer(Answer::Fails(in_minutes(kind, 5)));
        plan.until("2026-03-10T12:00:00Z").await;
        for id in ["often", "nightly"] {
            assert!(!plan.standing(id).await.is_quarantined(), "{id} {kind:?}");
        }
        // Both begin by themselves once it is over: one at its own pace, the other within the hour.
        plan.answer(Answer::Status(RunStatus::Succeeded));
        plan.until("2026-03-10T12:05:01Z").await;
        assert!(plan.standing("often").await.last_succeeded_at.is_some());
        plan.until("2026-03-10T13:00:01Z").await;
        assert!(plan.standing("nightly").await.last_succeeded_at.is_some());
        assert_eq!(
            plan.notices().await,
            [NoticeKind::FirstSuccess, NoticeKind::FirstSuccess]
        );
    }
}

#[tokio::test]
async fn nobody_is_believed_for_ever() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("often", "a", every(5), None).await;
    plan.enroll("nightly", "b", cron("0 1 * * *", "UTC"), None)
        .await;
    plan.answer(Answer::Fails(in_minutes(FailureKind::Unavailable, 5)));
    plan.until("2026-03-10T23:55:00Z").await;
    assert_eq!(plan.notices().await, []);
    plan.until("2026-03-11T04:00:00Z").await;
    assert_eq!(
        plan.notices().await,
        [NoticeKind::Quarantined, NoticeKind::Quarantined]
    );
}

#[tokio::test]
async fn a_short_wait_is_an_outage_as_any_other() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("often", "a", every(5), None).await;
    plan.answer(Answer::Fails(in_minutes(FailureKind::RateLimited, 1)));
    plan.until("2026-03-10T01:00:00Z").await;
    assert_eq!(plan.notices().await, [NoticeKind::Quarantined]);
}
