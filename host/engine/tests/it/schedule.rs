//! The schedule under a simulated clock: every cycle that is due runs once, whatever happens in between.

use std::time::Duration;

use matricula_core::agenda::Agenda;
use matricula_core::clock::Clock;
use matricula_core::journal::Deed;
use matricula_core::notice::{NoticeKind, Records};
use matricula_core::run::{Counts, RunStatus, Trigger};
use matricula_core::standing::{Demand, Lifecycle};
use matricula_core::{Cadence, Failure, FailureKind, Person, TenantId};
use matricula_engine::Halt;
use matricula_engine::schedule::Pace;

use crate::plan::*;

#[tokio::test]
async fn thirty_days_of_three_tenants_over_the_change_to_summer_time() {
    thirty_days("2026-03-10T00:00:00Z", "2026-04-09T00:00:00Z", (23, 24)).await;
}

#[tokio::test]
async fn thirty_days_of_three_tenants_over_the_change_to_winter_time() {
    thirty_days("2026-10-10T00:00:00Z", "2026-11-09T00:00:00Z", (24, 25)).await;
}

/// Every cycle that is due runs once. `nightly`: the shortest and the longest night in hours.
async fn thirty_days(start: &str, end: &str, nightly: (i64, i64)) {
    let days = 30;
    let plan = Plan::new(start);
    plan.enroll("quick", "a", every(5), None).await;
    plan.enroll("nightly", "b", cron("30 2 * * *", "Europe/Berlin"), None)
        .await;
    plan.enroll("twice", "c", cron("0 6,18 * * *", "America/New_York"), None)
        .await;
    plan.enroll("utc", "c", cron("0 4 * * *", "UTC"), None)
        .await;
    plan.until(end).await;
    for (id, expected) in [
        ("quick", days * 288),
        ("nightly", days),
        ("twice", days * 2),
        ("utc", days),
    ] {
        let runs = plan.runs(id);
        assert_eq!(runs.len(), expected, "{id} from {start}");
        assert!(runs.is_sorted_by(|a, b| a < b), "{id}");
    }
    let gaps = |id: &str| {
        let runs = plan.runs(id);
        let gaps = runs
            .windows(2)
            .map(|two| two[0].duration_until(two[1]).as_hours());
        gaps.min().zip(
            runs.windows(2)
                .map(|two| two[0].duration_until(two[1]).as_hours())
                .max(),
        )
    };
    assert_eq!(gaps("quick"), Some((0, 0)));
    assert_eq!(gaps("utc"), Some((24, 24)));
    assert_eq!(gaps("nightly"), Some(nightly), "from {start}");
}

#[tokio::test]
async fn a_demand_runs_at_once_and_once() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", cron("0 4 * * *", "UTC"), None).await;
    let mut standing = plan.standing("a").await;
    standing.demand = Some(Demand {
        trigger: Trigger::Manual {
            by: Person::named("Ada"),
        },
        full: true,
        at: plan.clock.now(),
    });
    standing.next_run_at = Some(plan.clock.now());
    plan.put(standing).await;
    plan.until("2026-03-10T01:00:00Z").await;
    {
        let ran = plan.cycles.ran.lock().unwrap();
        assert_eq!(ran.len(), 1);
        assert!(matches!(&ran[0].2, Trigger::Manual { by } if by.name == "Ada") && ran[0].3);
    }
    let standing = plan.standing("a").await;
    assert_eq!(standing.demand, None);
    assert!(standing.next_run_at >= Some(at("2026-03-10T04:00:00Z")));
    assert_eq!(plan.notices().await, [NoticeKind::FirstSuccess]);
}

#[tokio::test]
async fn each_success_is_told_where_the_flow_says_so_and_nothing_else() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    *plan.cycles.tells_success.lock().unwrap() = true;
    plan.enroll("a", "t", cron("0 5,17 * * *", "UTC"), None)
        .await;
    plan.until("2026-03-11T12:00:00Z").await;
    let told = [
        NoticeKind::FirstSuccess,
        NoticeKind::Succeeded,
        NoticeKind::Succeeded,
    ];
    assert_eq!(plan.notices().await, told);
    plan.answer(Answer::Status(RunStatus::Partial));
    plan.until("2026-03-12T12:00:00Z").await;
    assert_eq!(plan.runs("a").len(), 5);
    assert_eq!(plan.notices().await, told);

    // Of an event it is told only if something came of it.
    for (updated, until, more) in [
        (0, "2026-03-12T12:10:00Z", 0),
        (1, "2026-03-12T12:20:00Z", 1),
    ] {
        let counts = Counts {
            updated,
            ..Counts::default()
        };
        plan.answer(Answer::Counts(counts));
        let mut standing = plan.standing("a").await;
        standing.demand = Some(Demand {
            trigger: Trigger::Webhook,
            full: false,
            at: plan.clock.now(),
        });
        standing.next_run_at = Some(plan.clock.now());
        plan.put(standing).await;
        plan.until(until).await;
        assert_eq!(plan.notices().await.len(), told.len() + more, "{updated}");
    }
    assert_eq!(plan.runs("a").len(), 7);
}

#[tokio::test]
async fn a_demand_is_not_done_by_a_run_that_was_begun_before_it() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", cron("0 4 * * *", "UTC"), None).await;
    let begun = plan.clock.now();
    plan.clock.advance(Duration::from_secs(30));
    let mut standing = plan.standing("a").await;
    standing.demand = Some(Demand {
        trigger: Trigger::Webhook,
        full: true,
        at: plan.clock.now(),
    });
    standing.next_run_at = Some(plan.clock.now());
    plan.put(standing).await;
    *plan.cycles.first_begun.lock().unwrap() = Some(begun);
    plan.until("2026-03-10T01:00:00Z").await;
    assert_eq!(
        plan.runs("a").len(),
        2,
        "the resumed one, and the one that was demanded"
    );
    assert_eq!(plan.standing("a").await.demand, None);
}

#[tokio::test]
async fn events_are_gathered_into_one_cycle() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", Cadence::OnDemand, None).await;
    assert_eq!(plan.store.next_due().await.unwrap(), None);
    let mut standing = plan.standing("a").await;
    standing.demand = Some(Demand {
        trigger: Trigger::Webhook,
        full: false,
        at: plan.clock.now(),
    });
    // As long as nobody has looked, the reconciler sees to it that the demand is due.
    plan.put(standing).await;
    plan.until("2026-03-10T00:10:00Z").await;
    assert_eq!(plan.runs("a"), [at("2026-03-10T00:00:05Z")]);
    assert_eq!(plan.standing("a").await.next_run_at, None);
}

#[tokio::test]
async fn rejected_credentials_pause_once_and_resume_by_themselves() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    let rejected = Failure::new(FailureKind::Auth, "the credentials were rejected");
    plan.answer(Answer::Fails(rejected.clone()));
    *plan.cycles.probe.lock().unwrap() = Err(rejected);
    plan.until("2026-03-11T00:00:00Z").await;
    let standing = plan.standing("a").await;
    assert_eq!(standing.lifecycle, Lifecycle::Paused);
    assert_eq!(plan.runs("a").len(), 1, "a paused automation only probes");
    let probes = plan.cycles.probed.lock().unwrap().len();
    assert!(
        (5..=10).contains(&probes),
        "{probes} probes with growing distance"
    );
    assert_eq!(
        plan.notices().await,
        [NoticeKind::Paused],
        "one mail, not one a probe"
    );
    assert!(standing.next_run_at.is_some());

    plan.answer(Answer::Status(RunStatus::Succeeded));
    *plan.cycles.probe.lock().unwrap() = Ok(());
    plan.until("2026-03-12T12:00:00Z").await;
    let standing = plan.standing("a").await;
    assert_eq!(
        (standing.lifecycle, standing.hold.clone()),
        (Lifecycle::Active, None)
    );
    assert!(plan.runs("a").len() > 100);
    assert_eq!(
        plan.notices().await,
        [
            NoticeKind::Paused,
            NoticeKind::Recovered,
            NoticeKind::FirstSuccess
        ]
    );
    let history = plan
        .store
        .journal(&TenantId::new("t"), None, None, 10)
        .await
        .unwrap();
    let deeds: Vec<Deed> = history.into_iter().map(|(_, entry)| entry.deed).collect();
    assert_eq!(deeds, [Deed::Resumed, Deed::Paused]);

    // The same reason again is told again, since it had been over.
    plan.answer(Answer::Fails(Failure::new(
        FailureKind::Auth,
        "rejected again",
    )));
    plan.until("2026-03-12T13:00:00Z").await;
    let paused = plan.notices().await;
    assert_eq!(
        paused
            .iter()
            .filter(|kind| **kind == NoticeKind::Paused)
            .count(),
        2
    );
}

#[tokio::test]
async fn many_failures_are_a_slower_pace_and_never_an_end() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    plan.answer(Answer::Fails(outage()));
    plan.until("2026-03-17T00:00:00Z").await;
    let standing = plan.standing("a").await;
    assert!(standing.is_quarantined());
    assert_eq!(plan.notices().await, [NoticeKind::Quarantined]);
    let runs = plan.runs("a");
    // Ten within the hour, one an hour for a day, then one in six hours.
    assert!((45..=75).contains(&runs.len()), "{} runs", runs.len());
    let last_gap = runs[runs.len() - 2].duration_until(runs[runs.len() - 1]);
    assert_eq!(last_gap.as_hours(), 6);

    plan.answer(Answer::Status(RunStatus::Succeeded));
    plan.until("2026-03-18T00:00:00Z").await;
    assert!(!plan.standing("a").await.is_quarantined());
    assert_eq!(
        plan.notices().await,
        [
            NoticeKind::Quarantined,
            NoticeKind::Recovered,
            NoticeKind::FirstSuccess
        ]
    );
}

#[tokio::test]
async fn a_run_in_which_most_people_fail_counts_as_failed() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    let counts = |failed, unchanged| Counts {
        failed,
        unchanged,
        ..Counts::default()
    };
    plan.answer(Answer::Counts(counts(49, 0)));
    plan.until("2026-03-10T06:00:00Z").await;
    assert!(
        !plan.standing("a").await.is_quarantined(),
        "too few to tell"
    );
    plan.answer(Answer::Counts(counts(100, 200)));
    plan.until("2026-03-10T12:00:00Z").await;
    assert!(
        !plan.standing("a").await.is_quarantined(),
        "a third is bad, not hopeless"
    );
    plan.answer(Answer::Counts(counts(100, 50)));
    plan.until("2026-03-11T00:00:00Z").await;
    assert!(plan.standing("a").await.is_quarantined());
}

#[tokio::test]
async fn staged_changes_are_told_once_until_they_are_decided() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    plan.answer(Answer::Counts(Counts {
        staged: 7,
        ..Counts::default()
    }));
    plan.until("2026-03-10T02:00:00Z").await;
    assert_eq!(
        plan.notices().await,
        [NoticeKind::FirstSuccess, NoticeKind::Staged]
    );
}

fn in_doubt(ambiguous: u64) -> Counts {
    Counts {
        ambiguous,
        ..Counts::default()
    }
}

#[tokio::test]
async fn documents_in_doubt_are_told_once_until_none_is_left() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    *plan.cycles.records.lock().unwrap() = Records::Documents;
    plan.enroll("a", "t", every(5), None).await;
    plan.answer(Answer::Counts(in_doubt(4)));
    plan.until("2026-03-10T02:00:00Z").await;
    let posted = plan.posted().await;
    let told: Vec<_> = posted
        .iter()
        .map(|notice| (notice.kind, notice.reason.as_str(), notice.facts.records))
        .collect();
    let of = Records::Documents;
    let first = [
        (NoticeKind::FirstSuccess, "first", of),
        (NoticeKind::Staged, "doubtful", of),
    ];
    assert_eq!(told, first);
    assert_eq!(posted[1].facts.counts, Some(in_doubt(4)));

    // A cycle that reads the changes only does not meet those that wait.
    plan.answer(Answer::Status(RunStatus::Succeeded));
    plan.until("2026-03-10T03:00:00Z").await;
    plan.answer(Answer::Counts(in_doubt(5)));
    plan.until("2026-03-10T04:00:00Z").await;
    assert_eq!(plan.notices().await.len(), 2);

    // Whoever reads all of them and meets none knows that none is left.
    *plan.cycles.full.lock().unwrap() = true;
    plan.until("2026-03-10T05:00:00Z").await;
    plan.answer(Answer::Status(RunStatus::Succeeded));
    plan.until("2026-03-10T06:00:00Z").await;
    assert_eq!(plan.notices().await.len(), 2);
    plan.answer(Answer::Counts(in_doubt(1)));
    plan.until("2026-03-10T07:00:00Z").await;
    assert_eq!(plan.notices().await[2..], [NoticeKind::Staged]);
}

#[tokio::test]
async fn documents_in_doubt_are_told_of_a_run_that_was_left_too() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    *plan.cycles.records.lock().unwrap() = Records::Documents;
    plan.enroll("a", "t", every(5), None).await;
    plan.answer(Answer::Left(in_doubt(1), outage()));
    plan.until("2026-03-10T00:30:00Z").await;
    assert_eq!(plan.notices().await, [NoticeKind::Staged]);
}

#[tokio::test]
async fn people_whose_accounts_are_ambiguous_are_no_documents_in_doubt() {
    let plan = Plan::new("2026-03-10T00:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    plan.answer(Answer::Counts(in_doubt(4)));
    plan.until("2026-03-10T02:00:00Z").await;
    assert_eq!(plan.notices().await, [NoticeKind::FirstSuccess]);
}

#[tokio::test]
async fn a_run_in_which_most_fail_says_what_failed() {
    for (records, text) in [
        (Records::People, "60 of 60 people failed"),
        (Records::Documents, "60 of 60 documents failed"),
    ] {
        let plan = Plan::new("2026-03-10T00:00:00Z");
        *plan.cycles.records.lock().unwrap() = records;
        plan.enroll("a", "t", every(5), None).await;
        plan.answer(Answer::Counts(Counts {
            failed: 60,
            ..Counts::default()
        }));
        plan.until("2026-03-11T00:00:00Z").await;
        let posted = plan.posted().await;
        let failure = posted[0].facts.failure.as_ref().unwrap();
        assert!(failure.message.starts_with(text), "{}", failure.message);
        assert_eq!(posted[0].facts.records, records);
    }
}

#[tokio::test]
async fn a_credential_has_so_many_cycles_at_a_time() {
    let plan = Plan::with(
        "2026-03-10T00:00:00Z",
        Pace {
            cycles: 8,
            per_credential: 2,
            ..Pace::default()
        },
    );
    for number in 0..6 {
        plan.enroll(&format!("shared-{number}"), "t", every(5), Some("one"))
            .await;
    }
    plan.enroll("alone", "t", every(5), None).await;
    plan.clock.advance(Duration::from_secs(600));
    // On this thread nothing that was begun goes on before it is waited for.
    assert_eq!(
        plan.scheduler.turn().await.unwrap(),
        3,
        "two of the shared ones and the other"
    );
    plan.scheduler.idle().await;
    plan.turn().await;
    assert_eq!(plan.cycles.ran.lock().unwrap().len(), 7);
}

#[tokio::test]
async fn a_clock_that_jumps_is_noticed_both_ways() {
    let plan = Plan::new("2026-03-10T12:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    plan.until("2026-03-10T13:00:00Z").await;
    let before = plan.runs("a").len();

    plan.clock.set(at("2026-03-11T13:00:00Z"));
    plan.turn().await;
    assert_eq!(
        plan.runs("a").len(),
        before + 1,
        "what was missed is one cycle"
    );
    assert!(!plan.standing("a").await.overdue, "nobody forgot it");

    plan.clock.set(at("2026-03-10T13:00:00Z"));
    plan.turn().await;
    let next = plan.standing("a").await.next_run_at.unwrap();
    assert!(next <= at("2026-03-10T13:05:00Z"), "{next}");
}

#[tokio::test]
async fn what_lost_its_next_moment_gets_one() {
    let plan = Plan::new("2026-03-10T12:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    plan.turn().await;
    let mut standing = plan.standing("a").await;
    standing.next_run_at = None;
    plan.put(standing).await;
    plan.clock.advance(Duration::from_secs(60));
    plan.turn().await;
    assert!(plan.standing("a").await.next_run_at.is_some());
}

#[tokio::test]
async fn what_is_not_begun_for_twice_its_interval_is_overdue_and_said_so() {
    // No room for anything.
    let plan = Plan::with(
        "2026-03-10T12:00:00Z",
        Pace {
            cycles: 0,
            ..Pace::default()
        },
    );
    *plan.cycles.records.lock().unwrap() = Records::Documents;
    plan.enroll("a", "t", every(5), None).await;
    for _ in 0..30 {
        plan.clock.advance(Duration::from_secs(60));
        plan.scheduler.turn().await.unwrap();
    }
    assert!(plan.standing("a").await.overdue);
    let posted = plan.posted().await;
    assert_eq!(posted.len(), 1);
    assert_eq!(posted[0].kind, NoticeKind::Overdue);
    assert_eq!(posted[0].facts.records, Records::Documents);
}

#[tokio::test]
async fn who_was_stopped_stays_stopped_whatever_its_run_says() {
    let plan = Plan::new("2026-03-10T12:00:00Z");
    plan.enroll("a", "t", every(5), None).await;
    plan.clock.advance(Duration::from_secs(600));
    plan.answer(Answer::Fails(Failure::new(FailureKind::Auth, "rejected")));
    plan.cycles.gate.forget_permits(1_000_000);
    assert_eq!(plan.scheduler.turn().await.unwrap(), 1);
    let mut standing = plan.standing("a").await;
    standing.lifecycle = Lifecycle::Deactivated;
    standing.next_run_at = None;
    let halt = || plan.cycles.stop.lock().unwrap().halt();
    assert_eq!(halt(), None);
    // Another process has stopped it: the next look, a second later, notices it.
    plan.put(standing).await;
    plan.scheduler.turn().await.unwrap();
    assert_eq!(halt(), Some(Halt::Stopped));
    plan.cycles.gate.add_permits(1);
    plan.scheduler.idle().await;
    let standing = plan.standing("a").await;
    assert_eq!(
        (standing.lifecycle, standing.next_run_at, standing.hold),
        (Lifecycle::Deactivated, None, None)
    );
    assert_eq!(plan.notices().await, []);
}
