//! One cycle from beginning to end, and how it goes on after being cut off.
//!
//! The steps of [`Phase`] each leave the store in a state from which they can be begun again. A process
//! that is killed loses at most the page in hand: its accounts are found again by their identity, so
//! nothing is made twice. A cycle that fails (an outage, rejected credentials) keeps its position, and the
//! next run goes on from there instead of starting over.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use matricula_core::automation::{Automation, Memory};
use matricula_core::group::GroupChanges;
use matricula_core::run::{
    Counts, CycleKind, Outcome, OutcomeKind, Phase, Progress, Requests, Run, RunStatus,
};
use matricula_core::store::{Commit, Lease, LinkWrite};
use matricula_core::{Failure, SourceKey, Text};
use matricula_flow::Program;

use crate::begin::{due, met, note_unavailable, open_run, prepare, told};
use crate::groups::Groups;
use crate::observe::{Event, Observer};
use crate::plan::Planner;
use crate::side::Sides;
use crate::target::Target;
use crate::{Engine, EngineError, Halt, RunRequest, Stop, hash};

/// A cycle under way.
pub(crate) struct Cycle<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) automation: &'a Automation,
    pub(crate) program: &'a Arc<Program>,
    pub(crate) sides: &'a Sides,
    pub(crate) observer: &'a Arc<dyn Observer>,
    pub(crate) lease: Option<&'a Lease>,
    pub(crate) target: Arc<Target>,
    /// Where groups are kept; none without groups, or where the target offers none.
    pub(crate) groups: Option<Groups>,
    pub(crate) run: Run,
    pub(crate) progress: Progress,
    /// What those have been counted as who got an outcome in this run, or were mapped and found unchanged, by the
    /// hash of their key.
    pub(crate) told: HashMap<u64, OutcomeKind>,
    /// Hashes of the keys that were seen since the last commit.
    pub(crate) seen: Vec<u64>,
    /// Hashes of the keys that an incremental read has met, each of them counted.
    pub(crate) met: HashSet<u64>,
    /// What has become of groups since the last commit.
    pub(crate) group_changes: GroupChanges,
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
    let (program, target, groups) = match prepare(engine, sides, program, &mut run, observer).await
    {
        Ok(prepared) => prepared,
        Err(EngineError::Failure(failure)) => {
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
        Err(error) => return Err(error),
    };
    note_unavailable(&mut run, &target);
    let told = told(engine, &run).await?;
    let met = met(engine, &run).await?;
    let mut cycle = Cycle {
        engine,
        automation,
        program: &program,
        sides,
        observer,
        lease: Some(lease),
        target: Arc::new(target),
        groups,
        run,
        progress,
        told,
        seen: Vec::new(),
        met,
        group_changes: GroupChanges::default(),
        stop: request.stop.clone(),
        meter,
    };
    let ended = cycle.drive().await;
    cycle.run.requests = cycle.meter.read(sides);
    let Cycle {
        mut run,
        progress,
        seen,
        groups,
        ..
    } = cycle;
    match ended {
        Ok(()) => {
            end(&mut run);
            finish(
                engine,
                automation,
                lease,
                &mut run,
                (&progress, false),
                observer,
            )
            .await?;
        }
        Err(EngineError::Halted) if request.stop.halt() == Some(Halt::Stopped) => {
            run.status = RunStatus::Stopped;
            run.finished_at = Some(engine.clock.now());
            engine.store.finish(lease, &run, None).await?;
            observer.event(&Event::Ended {
                status: run.status,
                counts: &run.counts,
            });
        }
        // Of groups everything that is left is a row. The next cycle need not wait for them to read the source.
        Err(EngineError::Failure(failure)) if progress.phase == Phase::Group => {
            run.status = RunStatus::Failed;
            run.error = Some(failure);
            let unmade = groups.is_some_and(|groups| groups.down.is_some());
            finish(
                engine,
                automation,
                lease,
                &mut run,
                (&progress, unmade),
                observer,
            )
            .await?;
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

/// What a run that came to its end is.
fn end(run: &mut Run) {
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
    run.error = None;
}

/// Ends a run after which nothing of what was read has to be read again, or else all of it by a full cycle.
async fn finish(
    engine: &Engine,
    automation: &Automation,
    lease: &Lease,
    run: &mut Run,
    (progress, again): (&Progress, bool),
    observer: &Arc<dyn Observer>,
) -> Result<(), EngineError> {
    run.finished_at = Some(engine.clock.now());
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
    if again {
        memory.full_at = None;
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
        documents: Vec::new(),
        forgotten: Vec::new(),
        groups: Default::default(),
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
            groups: None,
            run,
            progress: Progress::default(),
            told: HashMap::new(),
            seen: Vec::new(),
            met: HashSet::new(),
            group_changes: GroupChanges::default(),
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
        let delivers = self.program.flow().delivery().is_some();
        match self.progress.phase {
            Phase::Read if delivers => self.deliver().await?,
            _ if delivers => {
                self.forget_missing().await?;
                return Ok(None);
            }
            Phase::Read => self.read().await?,
            Phase::Leave => self.leave().await?,
            Phase::Deactivate => self.deactivate().await?,
            Phase::Refer => {
                self.refer().await?;
                if self.groups.is_none() {
                    return Ok(None);
                }
                // Not worth a commit: what has been referred is not found again.
                self.progress.phase = Phase::Group;
            }
            Phase::Group => {
                self.keep_groups().await?;
                return match self.groups.as_ref().and_then(|groups| groups.down.clone()) {
                    Some(failure) => Err(failure.into()),
                    None => Ok(None),
                };
            }
        }
        Ok(Some(self.progress.phase))
    }

    /// What everybody is planned by.
    pub(crate) fn planner(&self) -> Planner<'_> {
        let mut basis = hash::basis(self.program.digest(), &self.target.unavailable);
        // Once the target offers groups, everybody is looked at again.
        if self.program.flow().group_operation().is_some() && self.groups.is_none() {
            basis = hash::basis(basis, &["groups".to_owned()]);
        }
        Planner {
            program: self.program,
            active: self.target.operation.active.as_deref(),
            unavailable: self.target.unavailable.iter().map(String::as_str).collect(),
            salt: self.automation.salt,
            basis,
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
        let commit = self.page_commit(links, outcomes);
        self.put(commit).await?;
        match self.halt() {
            Some(_) => Err(EngineError::Halted),
            None => Ok(()),
        }
    }

    /// Whether and how the run is to be halted.
    pub(crate) fn halt(&self) -> Option<Halt> {
        self.stop.halt()
    }

    /// What is written down now, with the run and its progress as they are.
    pub(crate) fn page_commit(&mut self, links: Vec<LinkWrite>, outcomes: Vec<Outcome>) -> Commit {
        self.run.requests = self.meter.read(self.sides);
        Commit {
            run: self.run.clone(),
            progress: self.progress.clone(),
            links,
            documents: Vec::new(),
            forgotten: Vec::new(),
            groups: std::mem::take(&mut self.group_changes),
            outcomes,
            seen: std::mem::take(&mut self.seen),
        }
    }

    /// Writes it down; a run that only looks writes nothing.
    pub(crate) async fn put(&self, commit: Commit) -> Result<(), EngineError> {
        if let Some(lease) = self.lease {
            self.engine.store.commit(lease, commit).await?;
        }
        Ok(())
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
    pub(crate) fn note(&mut self, note: Text) {
        if !self.run.notes.contains(&note) {
            self.run.notes.push(note);
        }
    }
}
