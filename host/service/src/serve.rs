//! Keeping the schedule: the scheduler and the housekeeping, until they are told to end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use matricula_core::AutomationId;
use matricula_core::notice::{Facts, Notice, NoticeKind};
use matricula_core::standing::Lifecycle;
use matricula_engine::schedule::{Cycles, Gauge, Pace, Scheduler};
use tokio::sync::watch;

use crate::Matricula;
use crate::error::Error;

/// Between two looks at reports and old runs.
const LOOK: Duration = Duration::from_secs(60);
/// Between two removals of old runs and answers.
const PRUNE: Duration = Duration::from_secs(3600);
/// Runs, or answers that were kept, that are removed in one transaction.
const PRUNED: u32 = 200;
/// Automations in hand at a time.
const ROWS: u32 = 500;
/// When the report is made for a flow that does not say it.
const REPORT: (jiff::civil::Time, &str) = (jiff::civil::Time::constant(7, 0, 0, 0), "UTC");

/// How the schedule is kept.
pub struct Service {
    /// How patient it is.
    pub pace: Pace,
    /// For how many days runs are kept where a tenant has not chosen.
    pub retention_days: u32,
    /// Watches cycles.
    pub gauge: Arc<dyn Gauge>,
}

impl Matricula {
    /// Keeps the schedule until `end` says so; every running page is committed then. Only once in a process.
    ///
    /// # Errors
    /// [`Error::Busy`] if it is being kept already.
    pub async fn serve(
        self: &Arc<Self>,
        service: Service,
        mut end: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let scheduler = Scheduler::new(
            Arc::clone(&self.store) as _,
            Arc::clone(&self.clock),
            Arc::clone(self) as Arc<dyn Cycles>,
            service.gauge,
            service.pace,
        )
        .as_process(&self.owner, Arc::clone(&self.gone));
        if self.scheduler.set(scheduler.clone()).is_err() {
            return Err(Error::Busy);
        }
        // Compiling a connector takes seconds: nobody who asks for one should wait for that.
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            // What is wrong with one is told when it is asked for.
            let _ = (this.systems(), this.catalogue());
        });
        let mut ended = end.clone();
        let schedule = scheduler.run(async move {
            // A sender that is gone is an end as well.
            let _ = ended.wait_for(|end| *end).await;
        });
        let housekeeping = async {
            let mut chores = Chores {
                matricula: self,
                retention_days: service.retention_days,
                pruned_at: None,
                reported: HashMap::new(),
            };
            loop {
                if let Err(error) = chores.turn().await {
                    tracing::warn!(%error, "Reports and the removal of old runs wait for the store.");
                }
                tokio::select! {
                    _ = end.wait_for(|end| *end) => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        };
        tokio::join!(schedule, housekeeping);
        Ok(())
    }

    /// How many cycles run in this process; none if it keeps no schedule.
    pub fn running(&self) -> usize {
        self.scheduler.get().map_or(0, Scheduler::running)
    }

    /// Reports and the removal of old runs, once: what [`Self::serve`] does every minute.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn keep_house(&self, retention_days: u32) -> Result<(), Error> {
        let mut chores = Chores {
            matricula: self,
            retention_days,
            pruned_at: None,
            reported: HashMap::new(),
        };
        chores.turn().await
    }
}

struct Chores<'a> {
    matricula: &'a Matricula,
    retention_days: u32,
    pruned_at: Option<Timestamp>,
    /// The last day that a report was made of; the store knows as well, this only spares it the question.
    reported: HashMap<AutomationId, jiff::civil::Date>,
}

impl Chores<'_> {
    async fn turn(&mut self) -> Result<(), Error> {
        let now = self.matricula.clock.now();
        let due = self
            .pruned_at
            .is_none_or(|at| at.duration_until(now).unsigned_abs() >= PRUNE);
        if due {
            self.prune(now).await?;
            self.pruned_at = Some(now);
        }
        self.report(now).await
    }

    async fn prune(&self, now: Timestamp) -> Result<(), Error> {
        let store = &self.matricula.store;
        for (tenant, days) in store.tenants().await? {
            let days = days.unwrap_or(self.retention_days);
            let kept = Duration::from_secs(u64::from(days) * 24 * 3600);
            let before = now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
            // Small transactions: cycles write in between.
            while store.prune(&tenant, before, PRUNED).await? >= u64::from(PRUNED) {}
        }
        while store.drop_answers(now, PRUNED).await? >= u64::from(PRUNED) {}
        Ok(())
    }

    async fn report(&mut self, now: Timestamp) -> Result<(), Error> {
        let store = &self.matricula.store;
        let mut after: Option<AutomationId> = None;
        loop {
            let ids = store.reporting(after.as_ref(), ROWS).await?;
            let Some(last) = ids.last() else {
                return Ok(());
            };
            after = Some(last.clone());
            for id in ids {
                self.report_one(&id, now).await?;
            }
        }
    }

    /// Makes the report of the day that has ended at the time of the report, once.
    async fn report_one(&mut self, id: &AutomationId, now: Timestamp) -> Result<(), Error> {
        let Matricula { store, .. } = self.matricula;
        let Some(standing) = store.standing(id).await? else {
            return Ok(());
        };
        let Some(automation) = store.automation(id).await? else {
            return Ok(());
        };
        if standing.lifecycle == Lifecycle::Deactivated {
            return Ok(());
        }
        // A flow that cannot be read has its automation paused; the report comes all the same.
        let flow = self.matricula.flow_of(&automation).await.ok();
        let own = flow.as_ref().and_then(|flow| flow.report());
        let (time, zone) = own.map_or(REPORT, |report| (report.time, report.time_zone.as_str()));
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let Some((from, to)) = day_of_report(&now.to_zoned(zone), time) else {
            return Ok(());
        };
        let day = to.date();
        if self.reported.get(id) == Some(&day) || automation.created_at > to.timestamp() {
            return Ok(());
        }
        let about = Cycles::about(self.matricula, &standing);
        let tally = store.tally(id, from.timestamp(), to.timestamp()).await?;
        let notice = Notice {
            kind: NoticeKind::Report,
            tenant: standing.tenant.clone(),
            automation: Some(id.clone()),
            reason: day.to_string(),
            at: now,
            facts: Facts {
                title: about.title,
                records: about.records,
                failure: standing.hold.map(|hold| hold.failure),
                counts: Some(tally.counts),
                runs: Some((tally.runs, tally.failed)),
                run: standing.last_run,
                since: Some(from.timestamp()),
                next_at: standing.next_run_at,
            },
        };
        store.post(&notice).await?;
        self.reported.insert(id.clone(), day);
        Ok(())
    }
}

/// The last span from one report's time to the next that has ended.
fn day_of_report(now: &Zoned, time: jiff::civil::Time) -> Option<(Zoned, Zoned)> {
    let at = |date: jiff::civil::Date| {
        date.to_datetime(time)
            .to_zoned(now.time_zone().clone())
            .ok()
    };
    let today = at(now.date())?;
    let end = if today <= *now {
        today
    } else {
        at(now.date().yesterday().ok()?)?
    };
    let begin = at(end.date().yesterday().ok()?)?;
    Some((begin, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_of_the_last_day_that_has_ended() {
        let span = |now: &str| {
            let now: Zoned = now.parse().unwrap();
            let time = jiff::civil::time(7, 0, 0, 0);
            let (from, to) = day_of_report(&now, time).unwrap();
            (from.timestamp().to_string(), to.timestamp().to_string())
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            span("2026-03-02T06:59:00[Europe/Berlin]"),
            pair("2026-02-28T06:00:00Z", "2026-03-01T06:00:00Z")
        );
        assert_eq!(
            span("2026-03-02T07:00:00[Europe/Berlin]"),
            pair("2026-03-01T06:00:00Z", "2026-03-02T06:00:00Z")
        );
        // The day on which the clock is put forward has 23 hours.
        assert_eq!(
            span("2026-03-29T12:00:00[Europe/Berlin]"),
            pair("2026-03-28T06:00:00Z", "2026-03-29T05:00:00Z")
        );
    }
}
