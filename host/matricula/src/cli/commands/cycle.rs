//! `matricula run FLOW`: one cycle.

use std::time::Instant;

use matricula::Trigger;
use matricula::core::run::Run;
use serde_json::{Value, json};

use super::{drive, selection};
use crate::args::{Common, RunArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::{output, setup};

pub(crate) fn run(common: &Common, args: &RunArgs, flow: &str) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(flow, matricula.connectors())?;
    let selection = selection(&args.chosen, &args.setting);
    let tenant = setup::tenant();
    let began = Instant::now();
    let progress = Progress::start(common.json);
    let run = drive(async {
        let opened = matricula.open(&tenant, &flow, &selection).await?;
        let trigger = Trigger::Manual {
            by: "command line".to_owned(),
        };
        Ok(matricula
            .run(&opened, trigger, args.full, &progress)
            .await?)
    });
    drop(progress);
    let run = run?;
    let elapsed = began.elapsed().as_millis();
    if common.json {
        output::json(&to_json(&run, elapsed))?;
    } else {
        output::text(&to_text(&run, elapsed))?;
    }
    Ok(Exit::of(&run))
}

fn to_json(run: &Run, elapsed: u128) -> Value {
    json!({
        "flow": run.flow,
        "cycle": run.cycle,
        "status": run.status,
        "counts": run.counts,
        "requests": run.requests,
        "elapsed_ms": u64::try_from(elapsed).unwrap_or(u64::MAX),
        "run": run.id,
        "notes": run.notes,
        "error": run.error,
    })
}

fn to_text(run: &Run, elapsed: u128) -> String {
    let mut text = format!(
        "{} {} in {} ({} cycle, run {})\n  {}: {}\n  requests: {} to the source, {} to the target\n",
        run.flow,
        output::status(run.status),
        output::duration(elapsed),
        output::cycle(run.cycle),
        run.id,
        output::people(run.counts.total()),
        output::counted(&run.counts),
        run.requests.source,
        run.requests.target,
    );
    for note in &run.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    if let Some(error) = &run.error {
        text.push_str(&format!("  why: {}\n", error.message));
    }
    let counts = &run.counts;
    if counts.failed + counts.ambiguous > 0 {
        text.push_str(&format!(
            "  who and why: matricula run show {} --only failed,ambiguous\n",
            run.id
        ));
    }
    if counts.staged > 0 {
        text.push_str(&format!(
            "  held back by the guard: matricula staged {}\n",
            run.flow
        ));
    }
    output::visible_lines(&text)
}

#[cfg(test)]
mod tests {
    use matricula::core::run::{Counts, CycleKind, Requests, RunStatus};
    use matricula::core::{Failure, FailureKind, RunId};

    use super::*;

    fn partial() -> Run {
        Run {
            id: RunId(3),
            automation: "a".into(),
            flow: "sync".to_owned(),
            trigger: Trigger::Schedule,
            cycle: CycleKind::Full,
            status: RunStatus::Partial,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            finished_at: None,
            counts: Counts {
                created: 9,
                failed: 1,
                staged: 2,
                ..Counts::default()
            },
            requests: Requests {
                source: 3,
                target: 14,
            },
            error: Some(Failure::new(
                FailureKind::Unavailable,
                "The academy does not answer.",
            )),
            notes: vec!["The academy has no field for gender.".to_owned()],
        }
    }

    #[test]
    fn a_summary_says_what_to_do_next() {
        insta::assert_snapshot!(to_text(&partial(), 1_234));
    }

    #[test]
    fn the_json_summary_has_its_fixed_shape() {
        insta::assert_json_snapshot!(to_json(&partial(), 1_234));
    }
}
