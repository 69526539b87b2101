//! What is counted, and how it is written for Prometheus.
//!
//! Labels have a handful of values that are known beforehand, never a tenant, an automation or a person: it keeps
//! the number of series fixed and says nothing about whom the server works for. Every series exists from the start,
//! since a counter that appears with its first event hides that event from `rate()`.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use matricula_core::run::{OutcomeKind, Run, RunStatus};
use matricula_engine::schedule::Gauge as Watcher;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::overview::Seen;
use crate::remote::Remote;

/// Seconds from being due to being begun; the schedule aims at 30 for nearly all.
const LAGS: [f64; 12] = [
    0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0,
];
/// Seconds of a cycle: milliseconds if nothing has changed, an hour for a slow remote's whole population.
const CYCLES: [f64; 12] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];
/// How a cycle can end.
const ENDINGS: [&str; 6] = [
    "succeeded",
    "partial",
    "failed",
    "stopped",
    "interrupted",
    "not-begun",
];
const SOURCE: &str = "source";
const TARGET: &str = "target";

/// One label.
type Label = [(&'static str, &'static str); 1];

/// What a server counts. Given to the scheduler as its gauge, and to the API to be asked for.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    lag: Histogram,
    duration: Histogram,
    cycles: Family<Label, Counter>,
    people: Family<Label, Counter>,
    requests: Family<Label, Counter>,
    events: Family<Label, Counter>,
    pub(crate) remote: Remote,
}

/// What is true at the moment of asking and is not counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Present {
    /// None if the store does not answer.
    pub(crate) overview: Option<Seen>,
    pub(crate) running: usize,
    pub(crate) ready: bool,
}

impl Metrics {
    /// Nothing counted yet. `version` is what `matricula_build_info` says.
    pub fn new(version: &'static str) -> Self {
        let mut registry = Registry::with_prefix("matricula");
        let lag = Histogram::new(LAGS);
        let duration = Histogram::new(CYCLES);
        let cycles = family("status", &ENDINGS);
        let people = family("outcome", &outcomes().map(OutcomeKind::as_str));
        let requests = family("side", &[SOURCE, TARGET]);
        let events = family("signature", &["taken", "refused"]);
        let build: Info<Label> = Info::new([("version", version)]);
        registry.register("build", "What runs", build);
        registry.register_with_unit(
            "begin_lag",
            "From the moment a cycle was due to its begin",
            Unit::Seconds,
            lag.clone(),
        );
        registry.register_with_unit(
            "cycle_duration",
            "From the begin of a cycle to its end",
            Unit::Seconds,
            duration.clone(),
        );
        registry.register(
            "cycles",
            "Cycles that ended, by status; interrupted ones are resumed, of those not-begun there is no run",
            cycles.clone(),
        );
        registry.register(
            "people",
            "People whom ended runs looked at, by outcome",
            people.clone(),
        );
        registry.register(
            "requests",
            "Requests that ended runs made, by the side of the flow",
            requests.clone(),
        );
        registry.register(
            "events",
            "Signed events of remote systems, by whether their signature was right",
            events.clone(),
        );
        let remote = Remote::register(&mut registry);
        Self {
            registry,
            lag,
            duration,
            cycles,
            people,
            requests,
            events,
            remote,
        }
    }

    /// Counts a signed event as `taken` or `refused`.
    pub(crate) fn event(&self, signature: &'static str) {
        let label = [("signature", signature)];
        self.events.get_or_create(&label).inc();
    }

    /// Everything, as `OpenMetrics` text. What only the store knows is left out if it does not answer.
    pub(crate) fn render(&self, present: &Present) -> Result<String, fmt::Error> {
        let mut text = String::new();
        encode_registry(&mut text, &self.registry)?;
        encode_registry(&mut text, &at_present(present))?;
        encode_eof(&mut text)?;
        Ok(text)
    }
}

impl Watcher for Metrics {
    fn begun(&self, lag: Duration) {
        self.lag.observe(lag.as_secs_f64());
    }

    fn ended(&self, run: Option<&Run>, took: Duration) {
        self.duration.observe(took.as_secs_f64());
        let count = |ending| {
            self.cycles.get_or_create(&[("status", ending)]).inc();
        };
        let Some(run) = run else {
            return count("not-begun");
        };
        count(match run.status {
            RunStatus::Running => "interrupted",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Partial => "partial",
            RunStatus::Failed => "failed",
            RunStatus::Stopped => "stopped",
        });
        // The run goes on with these counts when it is resumed, and tells all of them at its end.
        if run.status == RunStatus::Running {
            return;
        }
        for kind in outcomes() {
            self.people
                .get_or_create(&[("outcome", kind.as_str())])
                .inc_by(of(run, kind));
        }
        for (side, requests) in [(SOURCE, run.requests.source), (TARGET, run.requests.target)] {
            self.requests
                .get_or_create(&[("side", side)])
                .inc_by(requests);
        }
    }
}

/// A family with every value that its label can have.
fn family(label: &'static str, values: &[&'static str]) -> Family<Label, Counter> {
    let family = Family::default();
    for value in values {
        let _: Counter = family.get_or_create_owned(&[(label, *value)]);
    }
    family
}

fn outcomes() -> [OutcomeKind; 9] {
    [
        OutcomeKind::Created,
        OutcomeKind::Updated,
        OutcomeKind::Unchanged,
        OutcomeKind::Deactivated,
        OutcomeKind::Reactivated,
        OutcomeKind::Skipped,
        OutcomeKind::Staged,
        OutcomeKind::Ambiguous,
        OutcomeKind::Failed,
    ]
}

fn of(run: &Run, kind: OutcomeKind) -> u64 {
    let counts = &run.counts;
    match kind {
        OutcomeKind::Created => counts.created,
        OutcomeKind::Updated => counts.updated,
        OutcomeKind::Unchanged => counts.unchanged,
        OutcomeKind::Deactivated => counts.deactivated,
        OutcomeKind::Reactivated => counts.reactivated,
        OutcomeKind::Skipped => counts.skipped,
        OutcomeKind::Staged => counts.staged,
        OutcomeKind::Ambiguous => counts.ambiguous,
        OutcomeKind::Failed => counts.failed,
    }
}

/// The gauges of one answer. They are made anew each time: one that kept its last value would go on saying it
/// when the store no longer does.
fn at_present(present: &Present) -> Registry {
    let mut registry = Registry::with_prefix("matricula");
    let mut tell = |name: &str, help: &str, value: u64| {
        let gauge = Gauge::<u64, AtomicU64>::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let running = u64::try_from(present.running).unwrap_or(u64::MAX);
    tell("cycles_running", "Cycles that run in this process", running);
    tell(
        "schedule_kept",
        "1 if this process keeps the schedule",
        present.ready.into(),
    );
    tell(
        "store_answers",
        "1 if the store answered when it was last asked for these figures",
        present.overview.is_some().into(),
    );
    let Some(Seen {
        schedule,
        deliveries,
    }) = present.overview
    else {
        return registry;
    };
    tell(
        "automations_due",
        "Automations that are due and not running",
        schedule.due,
    );
    tell(
        "automations_overdue",
        "Automations of which no run has begun for twice their interval",
        schedule.overdue,
    );
    tell(
        "deliveries_waiting",
        "Deliveries of notices that wait",
        deliveries,
    );
    let lag = Gauge::<f64, AtomicU64>::default();
    lag.set(schedule.lag.as_secs_f64());
    registry.register_with_unit(
        "lag",
        "For how long the first of the automations that are due has been",
        Unit::Seconds,
        lag,
    );
    let states = Family::<Label, Gauge<u64, AtomicU64>>::default();
    for (state, count) in [
        (
            "active",
            schedule.active.saturating_sub(schedule.quarantined),
        ),
        ("quarantined", schedule.quarantined),
        ("paused", schedule.paused),
        ("deactivated", schedule.deactivated),
    ] {
        states.get_or_create(&[("state", state)]).set(count);
    }
    registry.register(
        "automations",
        "Automations by state; quarantined ones run at a slower pace",
        states,
    );
    registry
}
