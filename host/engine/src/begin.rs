//! How a run begins: full or incremental, anew or where the last one stopped, and with what.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use matricula_core::automation::Automation;
use matricula_core::run::{Counts, CycleKind, OutcomeKind, Progress, Run, RunStatus};
use matricula_core::store::{Commit, Lease, OutcomeFilter};
use matricula_core::{Failure, FailureKind};
use matricula_flow::Program;

use crate::groups::{Groups, Offer};
use crate::observe::Observer;
use crate::side::Sides;
use crate::target::Target;
use crate::{Engine, EngineError, RunRequest, choices, documents, hash};

/// The share of its interval after which a full cycle is due.
const FULL_EARLY: f64 = 0.94;

/// What a cycle works with: the program with every choice made, the target, and where groups are kept.
pub(crate) async fn prepare(
    engine: &Engine,
    sides: &Sides,
    program: &Arc<Program>,
    run: &mut Run,
    observer: &Arc<dyn Observer>,
) -> Result<(Arc<Program>, Target, Option<Groups>), EngineError> {
    if program.flow().delivery().is_some() {
        documents::need_people(sides, program)?;
    }
    let (program, notes) = choices::resolve(engine, sides, program, &**observer).await?;
    for note in notes {
        if !run.notes.contains(&note) {
            run.notes.push(note);
        }
    }
    let target = Target::prepare(engine, &sides.target, &program, observer).await?;
    let groups =
        match Groups::prepare(engine, &run.automation, &sides.target, &program, observer).await? {
            Offer::Made(groups) => Some(*groups),
            Offer::None(note) => {
                let new = note.filter(|note| !run.notes.contains(note));
                run.notes.extend(new);
                None
            }
        };
    Ok((program, target, groups))
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
    let retries_due = if flow.delivery().is_some() {
        let (id, people) = (
            &automation.id,
            sides.people.as_ref().map(|people| &people.automation),
        );
        engine.store.document_figures(id, people, now).await?.due
    } else {
        engine
            .store
            .population(&automation.id, now)
            .await?
            .retries_due
    };
    Ok(if retries_due > 0 {
        CycleKind::Full
    } else {
        CycleKind::Incremental
    })
}

/// The run to go on with: the one that was cut off, a new one from where the last one failed, or a new one
/// from the beginning.
pub(crate) async fn open_run(
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
        documents: Vec::new(),
        forgotten: Vec::new(),
        groups: Default::default(),
        outcomes: Vec::new(),
        seen,
    };
    store.commit(lease, commit).await?;
    Ok((run, progress))
}

/// What those were told who got an outcome before the run was cut off; the last word counts.
pub(crate) async fn told(
    engine: &Engine,
    run: &Run,
) -> Result<HashMap<u64, OutcomeKind>, EngineError> {
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

/// Whom an incremental read had met before the run was cut off.
pub(crate) async fn met(engine: &Engine, run: &Run) -> Result<HashSet<u64>, EngineError> {
    if run.cycle == CycleKind::Full || run.counts == Counts::default() {
        return Ok(HashSet::new());
    }
    Ok(engine.store.seen(run.id).await?.into_iter().collect())
}

pub(crate) fn note_unavailable(run: &mut Run, target: &Target) {
    if let Some(note) = target.left_out()
        && !run.notes.contains(&note)
    {
        run.notes.push(note);
    }
}
