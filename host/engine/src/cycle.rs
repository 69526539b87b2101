//! One cycle from beginning to end, and how it goes on after being cut off.
//!
//! The steps of [`Phase`] each leave the store in a state from which they can be begun again. A process
//! that is killed loses at most the page in hand: its accounts are found again by their identity, so
//! nothing is made twice. A cycle that fails (an outage, rejected credentials) keeps its position, and the
//! next run goes on from there instead of starting over.

use std::collections::HashMap;
use std::sync::Arc;

use matricula_core::automation::{Automation, Memory};
use matricula_core::run::{
    Counts, CycleKind, Outcome, OutcomeKind, Phase, Progress, Requests, Run, RunStatus,
};
use matricula_core::store::{Commit, Lease, LinkWrite, OutcomeFilter};
use matricula_core::{Failure, FailureKind, SourceKey};
use matricula_flow::Program;

use crate::observe::{Event, Observer};
use crate::plan::Planner;
use crate::side::Sides;
use crate::target::Target;
use crate::{Engine, EngineError, Halt, RunRequest, Stop, hash};

/// The share of its interval after which a full cycle is due.
const FULL_EARLY: f64 = 0.94;

/// A cycle under way.
pub(crate) struct Cycle<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) automation: &'a Automation,
    pub(crate) program: &'a Arc<Program>,
    pub(crate) sides: &'a Sides,
    pub(crate) observer: &'a Arc<dyn Observer>,
    pub(crate) lease: Option<&'a Lease>,
    pub(crate) target: Arc<Target>,
    pub(crate) run: Run,
    pub(crate) progress: Progress,
    /// What those have been counted as who got an outcome in this run, by the hash of their key.
    pub(crate) told: HashMap<u64, OutcomeKind>,
    /// Hashes of the keys that were seen since the last commit.
    pub(crate) seen: Vec<u64>,
    stop: Stop,
    meter: Meter,
}

/// Requests of this process for this run, on top of those that were recorded before.
struct Meter {
    recorded: Requests,
    begun: Requests,
}

/// Runs one cycle under a lease.
pub(crate) async fn run(
    engine: &Engine,
    automation: &Automation,
    program: &Arc<Program>,
    sides: &Sides,
    request: &RunRequest,
    lease: &Lease,
    observer: &Arc<dyn Observer>,
) -> Result<Run, EngineError> {
    let digest = format!("{:032x}", program.digest());
    let due = due(engine, automation, program, sides, request.full).await?;
    let (mut run, mut progress) =
        open_run(engine, automation, program, request, lease, due, &digest).await?;
    progress.program = digest;
    tracing::Span::current().record("run", run.id.0);
    tracing::info!(flow = run.flow, cycle = ?run.cycle, resumed = progress.read > 0, "A run began.");
    let resumed_at = (progress.read > 0).then_some(progress.read);
    observer.event(&Event::Started {
        cycle: run.cycle,
        resumed_at,
    });

    let meter = Meter {
        recorded: run.requests,
        begun: sent(sides),
    };
    let target = match Target::prepare(engine, &sides.target, program, observer).await {
        Ok(target) => target,
        Err(failure) => {
            run.requests = meter.read(sides);
            leave(
                engine,
                lease,
                &mut run,
                (progress, Vec::new()),
                failure,
                observer,
            )
            .await?;
            return Ok(run);
        }
    };
    note_unavailable(&mut run, &target);
    let told = told(engine, &run).await?;
    let mut cycle = Cycle {
        engine,
        automation,
        program,
        sides,
        observer,
        lease: Some(lease),
        target: Arc::new(target),
        run,
        progress,
        told,
        seen: Vec::new(),
        stop: request.stop.clone(),
        meter,
    };
    let ended = cycle.drive().await;
    cycle.run.requests = cycle.meter.read(sides);
    let Cycle {
        mut run,
        progress,
        seen,
        ..
    } = cycle;
    match ended {
        Ok(()) => finish(engine, automation, lease, &mut run, &progress, observer).await?,
        Err(EngineError::Halted) if request.stop.halt() == Some(Halt::Stopped) => {
            run.status = RunStatus::Stopped;
            run.finished_at = Some(engine.clock.now());
            engine.store.finish(lease, &run, None).await?;
            observer.event(&Event::Ended {
                status: run.status,
                counts: &run.counts,
            });
        }
        Err(EngineError::Failure(failure)) => {
            leave(engine, lease, &mut run, (progress, seen), failure, observer).await?;
        }
        Err(error) => return Err(error),
    }
    let counts = &run.counts;
    tracing::info!(
        status = ?run.status,
        error = run.error.as_ref().and_then(|error| error.code.as_deref()),
        written = counts.writes(),
        unchanged = counts.unchanged,
        failed = counts.failed,
        staged = counts.staged,
        source_requests = run.requests.source,
        target_requests = run.requests.target,
        "A run ended."
    );
    Ok(run)
}

/// Whether the whole population is due, or only the changes.
pub(crate) async fn due(
    engine: &Engine,
    automation: &Automation,
    program: &Program,
    sides: &Sides,
    full: bool,
) -> Result<CycleKind, EngineError> {
    let flow = program.flow();
    let (_, stream) = flow.source();
    let incremental = sides
        .source
        .connector
        .manifest()
        .streams
        .get(stream)
        .is_some_and(|stream| stream.incremental);
    let memory = &automation.memory;
    let now = engine.clock.now();
    // A little early rather than a whole cycle late: a daily cycle begins a few seconds sooner or later each
    // day, and on one day of the year after 23 hours.
    let full_every = flow.schedule().full.mul_f64(FULL_EARLY);
    // One in the future was remembered by a clock that has been put back, and so was the state.
    let recent = memory
        .full_at
        .filter(|at| *at <= now)
        .and_then(|at| at.checked_add(full_every).ok())
        .is_some_and(|until| now < until);
    let same_program = memory.program.as_deref() == Some(&format!("{:032x}", program.digest()));
    if full || !incremental || memory.state.is_none() || !recent || !same_program {
        return Ok(CycleKind::Full);
    }
    // The source does not send those again who failed; only a full read meets them.
    let population = engine.store.population(&automation.id, now).await?;
    Ok(if population.retries_due > 0 {
        CycleKind::Full
    } else {
        CycleKind::Incremental
    })
}

/// The run to go on with: the one that was cut off, a new one from where the last one failed, or a new one
/// from the beginning.
async fn open_run(
    engine: &Engine,
    automation: &Automation,
    program: &Program,
    request: &RunRequest,
    lease: &Lease,
    due: CycleKind,
    digest: &str,
) -> Result<(Run, Progress), EngineError> {
    let store = &engine.store;
    let now = engine.clock.now();
    let flow = program.flow().name();
    let Some((mut former, progress)) = store.unfinished(&automation.id).await? else {
        let run = store.begin(lease, flow, &request.trigger, due, now).await?;
        return Ok((run, Progress::default()));
    };
    let recent = former
        .started_at
        .checked_add(engine.options.resume_within)
        .is_ok_and(|until| now < until);
    let covers = former.cycle == due || former.cycle == CycleKind::Full;
    // What a read failed of for another reason than the network or the credentials may well be the position.
    let curable = former
        .error
        .as_ref()
        .is_none_or(|failure| failure.kind.is_transient() || failure.kind.stops_everything());
    let asked_anew = request.full && former.status == RunStatus::Failed;
    let resumable = recent && covers && curable && !asked_anew && progress.program == digest;
    if resumable && former.status == RunStatus::Running {
        return Ok((former, progress));
    }
    let seen = if resumable {
        store.seen(former.id).await?
    } else {
        Vec::new()
    };
    if former.status == RunStatus::Running {
        former.status = RunStatus::Failed;
        former.finished_at = Some(now);
        let reason = "the run was cut off and could not be resumed; it was begun anew";
        former.error = Some(Failure::new(FailureKind::Unavailable, reason).with_code("cut-off"));
    }
    store.finish(lease, &former, None).await?;
    let cycle = if resumable { former.cycle } else { due };
    let run = store
        .begin(lease, flow, &request.trigger, cycle, now)
        .await?;
    if !resumable {
        return Ok((run, Progress::default()));
    }
    let commit = Commit {
        run: run.clone(),
        progress: progress.clone(),
        links: Vec::new(),
        outcomes: Vec::new(),
        seen,
    };
    store.commit(lease, commit).await?;
    Ok((run, progress))
}

/// What those were told who got an outcome before the run was cut off; the last word counts.
async fn told(engine: &Engine, run: &Run) -> Result<HashMap<u64, OutcomeKind>, EngineError> {
    let mut told = HashMap::new();
    if run.counts == Counts::default() {
        return Ok(told);
    }
    let mut filter = OutcomeFilter {
        kinds: Vec::new(),
        after: None,
        limit: 1000,
    };
    loop {
        let rows = engine.store.outcomes(run.id, &filter).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(told);
        };
        filter.after = Some(*last);
        told.extend(
            rows.iter()
                .map(|(_, outcome)| (hash::key(&outcome.key), outcome.kind)),
        );
    }
}

fn note_unavailable(run: &mut Run, target: &Target) {
    if target.unavailable.is_empty() {
        return;
    }
    let note = format!(
        "{} does not offer {}: these attributes are left out",
        target.side.title(),
        target.unavailable.join(", ")
    );
    if !run.notes.contains(&note) {
        run.notes.push(note);
    }
}

/// Ends a run that came to its end.
async fn finish(
    engine: &Engine,
    automation: &Automation,
    lease: &Lease,
    run: &mut Run,
    progress: &Progress,
    observer: &Arc<dyn Observer>,
) -> Result<(), EngineError> {
    let now = engine.clock.now();
    let Counts {
        staged,
        ambiguous,
        failed,
        ..
    } = run.counts;
    run.status = if staged + ambiguous + failed > 0 {
        RunStatus::Partial
    } else {
        RunStatus::Succeeded
    };
    run.finished_at = Some(now);
    run.error = None;
    let mut memory: Memory = automation.memory.clone();
    memory.state = progress.state.clone().or(memory.state);
    if run.cycle == CycleKind::Full {
        if progress.complete {
            memory.full_at = Some(run.started_at);
            memory.program = Some(progress.program.clone());
        } else {
            memory.full_at = None;
        }
    }
    engine.store.finish(lease, run, Some(&memory)).await?;
    observer.event(&Event::Ended {
        status: run.status,
        counts: &run.counts,
    });
    Ok(())
}

/// Leaves a run that failed; its position is kept for the next one.
async fn leave(
    engine: &Engine,
    lease: &Lease,
    run: &mut Run,
    (progress, seen): (Progress, Vec<u64>),
    failure: Failure,
    observer: &Arc<dyn Observer>,
) -> Result<(), EngineError> {
    run.status = RunStatus::Failed;
    run.finished_at = Some(engine.clock.now());
    run.error = Some(failure);
    let commit = Commit {
        run: run.clone(),
        progress,
        links: Vec::new(),
        outcomes: Vec::new(),
        seen,
    };
    engine.store.commit(lease, commit).await?;
    observer.event(&Event::Ended {
        status: run.status,
        counts: &run.counts,
    });
    Ok(())
}

impl Meter {
    fn read(&self, sides: &Sides) -> Requests {
        let now = sent(sides);
        Requests {
            source: self.recorded.source + now.source - self.begun.source,
            target: self.recorded.target + now.target - self.begun.target,
        }
    }
}

fn sent(sides: &Sides) -> Requests {
    Requests {
        source: sides.source.egress.requests(),
        target: sides.target.egress.requests(),
    }
}

impl<'a> Cycle<'a> {
    /// A cycle that only looks.
    pub(crate) fn for_preview(
        engine: &'a Engine,
        automation: &'a Automation,
        program: &'a Arc<Program>,
        sides: &'a Sides,
        observer: &'a Arc<dyn Observer>,
        target: Arc<Target>,
        run: Run,
    ) -> Self {
        Self {
            engine,
            automation,
            program,
            sides,
            observer,
            lease: None,
            run,
            progress: Progress::default(),
            told: HashMap::new(),
            seen: Vec::new(),
            stop: Stop::default(),
            meter: Meter {
                recorded: Requests::default(),
                begun: sent(sides),
            },
            target,
        }
    }

    async fn drive(&mut self) -> Result<(), EngineError> {
        while let Some(phase) = self.step().await? {
            self.observer.event(&Event::Phase(phase));
        }
        Ok(())
    }

    /// Does the step that is next; the one after it, or none at the end.
    async fn step(&mut self) -> Result<Option<Phase>, EngineError> {
        match self.progress.phase {
            Phase::Read => self.read().await?,
            Phase::Leave => self.leave().await?,
            Phase::Deactivate => self.deactivate().await?,
            Phase::Refer => {
                self.refer().await?;
                return Ok(None);
            }
        }
        Ok(Some(self.progress.phase))
    }

    /// What everybody is planned by.
    pub(crate) fn planner(&self) -> Planner<'_> {
        Planner {
            program: self.program,
            active: self.target.operation.active.as_deref(),
            unavailable: self.target.unavailable.iter().map(String::as_str).collect(),
            salt: self.automation.salt,
            basis: hash::basis(self.program.digest(), &self.target.unavailable),
            now: self.engine.clock.now(),
        }
    }

    /// Names this run in idempotency keys.
    pub(crate) fn run_key(&self) -> String {
        format!("{}:{}", self.automation.id, self.run.id)
    }

    /// Writes what was done, in one transaction. Everything from here on can be left and gone on with later,
    /// so this is where a run is halted.
    pub(crate) async fn commit(
        &mut self,
        links: Vec<LinkWrite>,
        outcomes: Vec<Outcome>,
    ) -> Result<(), EngineError> {
        let Some(lease) = self.lease else {
            return Ok(());
        };
        self.run.requests = self.meter.read(self.sides);
        let commit = Commit {
            run: self.run.clone(),
            progress: self.progress.clone(),
            links,
            outcomes,
            seen: std::mem::take(&mut self.seen),
        };
        self.engine.store.commit(lease, commit).await?;
        match self.stop.halt() {
            Some(_) => Err(EngineError::Halted),
            None => Ok(()),
        }
    }

    /// Counts somebody as what this run says of them last. Whoever failed in one step stays failed.
    pub(crate) fn count(&mut self, key: &SourceKey, kind: OutcomeKind) {
        match self.told.insert(hash::key(key), kind) {
            Some(OutcomeKind::Failed) => {
                self.told.insert(hash::key(key), OutcomeKind::Failed);
                return;
            }
            Some(former) => self.run.counts.take(former),
            None => {}
        }
        self.run.counts.add(kind);
    }

    /// A note for the run as a whole, once.
    pub(crate) fn note(&mut self, note: String) {
        if !self.run.notes.contains(&note) {
            self.run.notes.push(note);
        }
    }
}
