//! `matricula run FLOW`: one cycle.

use std::sync::Arc;
use std::time::Instant;

use matricula_core::TenantId;
use matricula_core::notice::Records;
use matricula_core::run::Trigger;
use matricula_core::run::{OutcomeKind, Run};
use matricula_core::store::{OutcomeFilter, Store, StoreError};
use matricula_core::{Person, RunId};
use matricula_engine::Observer;
use serde_json::{Value, json};

use super::{drive, selection};
use crate::args::{Common, RunArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::{output, setup};

/// How many of the newest runs are looked through for what an earlier one told.
pub(super) const EARLIER: u32 = 50;

pub(crate) fn run(common: &Common, args: &RunArgs, flow: &str) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(flow, matricula.connectors())?;
    let selection = selection(&args.chosen, &args.setting, &flow);
    let tenant = setup::tenant();
    let began = Instant::now();
    let progress = Arc::new(Progress::start(common.json, &flow));
    let observer: Arc<dyn Observer> = progress.clone();
    let ended = drive(async {
        let opened = matricula.open(&tenant, &flow, &selection).await?;
        let trigger = Trigger::Manual {
            by: Person::named("command line"),
        };
        let run = matricula
            .run(&opened, trigger, args.full, &observer)
            .await?;
        // Without the hint the summary is still right.
        let told = told_by(matricula.store(), &tenant, &run).await;
        Ok((run, told.unwrap_or_default()))
    });
    progress.clear();
    let (run, told) = ended.map_err(|fault| match fault.exit {
        Exit::Interrupted => fault.with_hint("The next run goes on where this one stopped."),
        _ => fault,
    })?;
    let elapsed = began.elapsed().as_millis();
    if common.json {
        output::json(&to_json(&run, elapsed))?;
    } else {
        output::text(&to_text(
            &run,
            matricula_service::records(&flow),
            told,
            elapsed,
        ))?;
    }
    Ok(Exit::of(&run))
}

/// The run that has the reasons of those who failed or are ambiguous: this one, else the newest earlier one
/// that has any. A person who still cannot be taken over is counted every time and told once.
async fn told_by(
    store: &dyn Store,
    tenant: &TenantId,
    run: &Run,
) -> Result<Option<RunId>, StoreError> {
    if run.counts.failed + run.counts.ambiguous == 0 {
        return Ok(None);
    }
    let filter = OutcomeFilter {
        kinds: vec![OutcomeKind::Failed, OutcomeKind::Ambiguous],
        after: None,
        limit: 1,
    };
    let earlier = store.runs(tenant, EARLIER).await?;
    let earlier = earlier
        .iter()
        .filter(|earlier| earlier.automation == run.automation && earlier.id < run.id)
        .filter(|earlier| earlier.counts.failed + earlier.counts.ambiguous > 0)
        .map(|earlier| earlier.id);
    for id in std::iter::once(run.id).chain(earlier) {
        if !store.outcomes(id, &filter).await?.is_empty() {
            return Ok(Some(id));
        }
    }
    Ok(None)
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
        "notes": output::english(&run.notes),
        "error": run.error,
    })
}

fn to_text(run: &Run, records: Records, told: Option<RunId>, elapsed: u128) -> String {
    let mut text = format!(
        "{} {} in {} ({} cycle, run {})\n  {}: {}\n  requests: {} to the source, {} to the target\n",
        run.flow,
        output::status(run.status),
        output::duration(elapsed),
        output::cycle(run.cycle),
        run.id,
        output::how_many(run.counts.total(), records),
        output::counted(&run.counts, records),
        run.requests.source,
        run.requests.target,
    );
    for note in &run.notes {
        text.push_str(&format!("  note: {}\n", note.get("en")));
    }
    if let Some(error) = &run.error {
        text.push_str(&format!("  why: {}\n", error.message));
    }
    let counts = &run.counts;
    if let Some(told) = told {
        let who = match records {
            Records::People => "who",
            Records::Documents => "which",
        };
        let earlier = match told == run.id {
            true => "",
            false => " was told by an earlier run",
        };
        text.push_str(&format!(
            "  {who} and why{earlier}: matricula run show {told} --only failed,ambiguous\n"
        ));
    }
    if counts.staged > 0 {
        text.push_str(&format!(
            "  held back by the guard: matricula staged {}\n",
            run.flow
        ));
    }
    if counts.ambiguous > 0 && records == Records::Documents {
        text.push_str(&format!(
            "  nobody knows whether they arrived: matricula documents {}\n",
            run.flow
        ));
    }
    output::visible_lines(&text)
}

#[cfg(test)]
mod tests {
    use matricula_core::automation::{Automation, Memory};
    use matricula_core::credential::{Credential, Secrets};
    use matricula_core::run::{Counts, CycleKind, Outcome, Requests, RunStatus};
    use matricula_core::store::Commit;
    use matricula_core::{Failure, FailureKind, Text};
    use matricula_store::{SqliteStore, Vault};

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
            notes: vec![Text::said(
                "The academy has no field for gender.",
                "Die Akademie hat kein Feld für das Geschlecht.",
            )],
        }
    }

    #[test]
    fn a_summary_says_what_to_do_next() {
        insta::assert_snapshot!(to_text(&partial(), Records::People, Some(RunId(3)), 1_234));
    }

    #[test]
    fn who_failed_is_looked_up_where_it_was_told() {
        let hint = |told| {
            let text = to_text(&partial(), Records::People, told, 1_234);
            let line = text.lines().find(|line| line.contains("who and why"));
            line.map(|line| line.trim().to_owned())
        };
        assert_eq!(
            hint(Some(RunId(2))).unwrap(),
            "who and why was told by an earlier run: matricula run show 2 --only failed,ambiguous"
        );
        assert_eq!(hint(None), None);
    }

    #[test]
    fn a_summary_of_documents_speaks_of_documents() {
        let run = Run {
            counts: Counts {
                created: 9,
                ambiguous: 1,
                ..Counts::default()
            },
            error: None,
            ..partial()
        };
        insta::assert_snapshot!(to_text(&run, Records::Documents, Some(RunId(3)), 1_234));
    }

    #[tokio::test]
    async fn the_newest_run_that_has_the_reasons_is_found() {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let tenant = TenantId::from("local");
        let store = SqliteStore::in_memory(Vault::new(&[7; 32])).unwrap();
        let credential = Credential {
            id: "c".into(),
            tenant: tenant.clone(),
            connector: "personio".to_owned(),
            method: "token".to_owned(),
            name: "hr".to_owned(),
            public: Default::default(),
            created_at: at,
        };
        let automation = Automation {
            id: "a".into(),
            tenant: tenant.clone(),
            flow: "sync".to_owned(),
            source: "c".into(),
            target: "c".into(),
            settings: json!({}),
            file: None,
            salt: 1,
            created_at: at,
            memory: Memory::default(),
        };
        store
            .add_credential(&credential, &Secrets::default())
            .await
            .unwrap();
        store.put_automation(&automation).await.unwrap();
        let until = jiff::Timestamp::from_second(60).unwrap();
        let lease = store
            .acquire(&automation.id, "me", at, until, &|_| false)
            .await
            .unwrap()
            .unwrap();
        let mut runs = Vec::new();
        for told in [true, false] {
            let mut run = store
                .begin(&lease, "sync", &Trigger::Schedule, CycleKind::Full, at)
                .await
                .unwrap();
            run.counts.failed = 1;
            run.status = RunStatus::Partial;
            let outcome = Outcome {
                key: "17".into(),
                target: None,
                kind: OutcomeKind::Failed,
                code: None,
                reason: None,
                changed: vec![],
            };
            let commit = Commit {
                run: run.clone(),
                progress: Default::default(),
                links: vec![],
                documents: vec![],
                forgotten: vec![],
                groups: Default::default(),
                outcomes: told.then_some(outcome).into_iter().collect(),
                seen: vec![],
            };
            store.commit(&lease, commit).await.unwrap();
            store.finish(&lease, &run, None).await.unwrap();
            runs.push(run);
        }
        for run in &runs {
            let told = told_by(&store, &tenant, run).await.unwrap();
            assert_eq!(told, Some(runs[0].id));
        }
        let nobody = Run {
            counts: Counts::default(),
            ..runs[0].clone()
        };
        assert_eq!(told_by(&store, &tenant, &nobody).await.unwrap(), None);
    }

    #[test]
    fn the_json_summary_has_its_fixed_shape() {
        insta::assert_json_snapshot!(to_json(&partial(), 1_234));
    }
}
