//! `matricula runs` and `matricula run show`.

use std::collections::HashMap;

use matricula_core::agenda::RunFilter;
use matricula_core::notice::Records;
use matricula_core::run::Trigger;
use matricula_core::run::{Outcome, OutcomeKind, Run};
use matricula_core::store::{OutcomeFilter, Store, StoreError};
use matricula_core::{AutomationId, RunId};
use matricula_service::Matricula;
use serde_json::{Map, Value, json};

use super::{drive, records_of};
use crate::args::{Common, RunsArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{output, setup};

pub(crate) fn list(common: &Common, args: &RunsArgs) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    let runs = drive(async {
        let filter = RunFilter {
            automation: args.automation.as_deref().map(AutomationId::new),
            status: args.status,
            before: args.before.map(RunId),
            limit: args.limit,
        };
        let runs = matricula.store().runs_of(&tenant, &filter).await;
        Ok(runs.map_err(matricula_service::Error::from)?)
    })?;
    if common.json {
        for run in &runs {
            output::json(&object(run)?)?;
        }
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        output::text("There is no run yet.")?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        "RUN", "FLOW", "CYCLE", "STATUS", "STARTED", "TOOK", "OUTCOMES",
    ]);
    let known = drive(async {
        let mut known: HashMap<AutomationId, Records> = HashMap::new();
        for run in &runs {
            if !known.contains_key(&run.automation) {
                let records = records_of(&matricula, &tenant, &run.automation).await;
                known.insert(run.automation.clone(), records);
            }
        }
        Ok(known)
    })?;
    for run in runs {
        let records = known.get(&run.automation).copied().unwrap_or_default();
        table.row([
            run.id.to_string(),
            run.flow.clone(),
            output::cycle(run.cycle).to_owned(),
            output::status(run.status).to_owned(),
            output::moment(run.started_at),
            took(&run).unwrap_or_default(),
            output::counted(&run.counts, records),
        ]);
    }
    output::text(&table.render())?;
    Ok(Exit::Done)
}

/// A run for programs: its notes in English.
fn object(run: &Run) -> Result<Map<String, Value>, Fault> {
    let Value::Object(mut object) = json!(run) else {
        return Err(Fault::new(
            Exit::Unexpected,
            "output.failed",
            "the run is no JSON object",
        ));
    };
    object.insert("notes".to_owned(), json!(output::english(&run.notes)));
    Ok(object)
}

/// The outcomes of a run, a row each.
pub(crate) fn csv(common: &Common, id: i64, only: &[OutcomeKind]) -> Result<Exit, Fault> {
    let (_, outcomes) = found(&setup::open(common)?, id, only)?;
    let mut rows = csv::Writer::from_writer(std::io::stdout().lock());
    let failed = |error: csv::Error| Fault::from(std::io::Error::other(error));
    rows.write_record(["key", "target", "outcome", "code", "reason", "changed"])
        .map_err(failed)?;
    for outcome in &outcomes {
        rows.write_record([
            outcome.key.as_str(),
            outcome.target.as_ref().map_or("", |target| target.as_str()),
            outcome.kind.as_str(),
            outcome.code.as_deref().unwrap_or_default(),
            outcome.reason.as_deref().unwrap_or_default(),
            &outcome.changed.join(" "),
        ])
        .map_err(failed)?;
    }
    rows.flush()?;
    Ok(Exit::Done)
}

/// A run of this tenant with its outcomes.
fn found(
    matricula: &Matricula,
    id: i64,
    only: &[OutcomeKind],
) -> Result<(Run, Vec<Outcome>), Fault> {
    let found = drive(async {
        let store = matricula.store();
        let found = async {
            let Some(run) = store.run(RunId(id)).await? else {
                return Ok(None);
            };
            let outcomes = outcomes(store, run.id, only).await?;
            Ok::<_, StoreError>(Some((run, outcomes)))
        };
        Ok(found.await.map_err(matricula_service::Error::from)?)
    })?;
    found.ok_or_else(|| {
        Fault::new(Exit::Usage, "run.unknown", format!("there is no run {id}"))
            .with_hint("`matricula runs` lists them.")
    })
}

pub(crate) fn show(
    common: &Common,
    id: i64,
    only: &[OutcomeKind],
    all: bool,
) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let (run, outcomes) = found(&matricula, id, only)?;
    if common.json {
        let mut object = object(&run)?;
        object.insert("outcomes".to_owned(), json!(outcomes));
        output::json(&object)?;
    } else {
        let most = if all { usize::MAX } else { output::ROWS };
        let tenant = setup::tenant();
        let records = drive(async { Ok(records_of(&matricula, &tenant, &run.automation).await) })?;
        output::text(&to_text(&run, records, &outcomes, most))?;
    }
    Ok(Exit::Done)
}

/// Every outcome of a run, or those of these kinds.
pub(super) async fn outcomes(
    store: &dyn Store,
    run: RunId,
    only: &[OutcomeKind],
) -> Result<Vec<Outcome>, StoreError> {
    let mut filter = OutcomeFilter {
        kinds: only.to_vec(),
        after: None,
        limit: 1_000,
    };
    let mut outcomes = Vec::new();
    loop {
        let page = store.outcomes(run, &filter).await?;
        let Some((last, _)) = page.last() else {
            return Ok(outcomes);
        };
        filter.after = Some(*last);
        outcomes.extend(page.into_iter().map(|(_, outcome)| outcome));
    }
}

fn to_text(run: &Run, records: Records, outcomes: &[Outcome], most: usize) -> String {
    let by = match &run.trigger {
        Trigger::Manual { by } => format!("by {}", by.name),
        Trigger::Webhook => "by webhook".to_owned(),
        Trigger::Schedule => "by the schedule".to_owned(),
    };
    let mut text = format!(
        "Run {} of {}: {}\n  {} cycle, started {} {by}{}\n  {}\n  requests: {} to the source, {} to the target\n",
        run.id,
        run.flow,
        output::status(run.status),
        output::cycle(run.cycle),
        output::moment(run.started_at),
        took(run)
            .map(|took| format!(", took {took}"))
            .unwrap_or_default(),
        output::counted(&run.counts, records),
        run.requests.source,
        run.requests.target,
    );
    if let Some(error) = &run.error {
        text.push_str(&format!("  why: {}\n", error.message));
    }
    for note in &run.notes {
        text.push_str(&format!("  note: {}\n", note.get("en")));
    }
    if !outcomes.is_empty() {
        let mut table = Table::new(["KEY", "WHAT", "CODE", "REASON", "CHANGED"]);
        for outcome in outcomes.iter().take(most) {
            table.row([
                outcome.key.to_string(),
                output::outcome(outcome.kind, records).to_owned(),
                outcome.code.clone().unwrap_or_default(),
                outcome.reason.clone().unwrap_or_default(),
                outcome.changed.join(", "),
            ]);
        }
        text.push('\n');
        text.push_str(&table.render());
        text.push_str(&output::and_more(outcomes.len(), most));
    }
    output::visible_lines(&text)
}

fn took(run: &Run) -> Option<String> {
    let millis = run.finished_at?.duration_since(run.started_at).as_millis();
    Some(output::duration(u128::try_from(millis).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use matricula_core::Person;
    use matricula_core::run::{Counts, CycleKind, Requests, RunStatus};

    use super::*;

    fn run() -> Run {
        Run {
            id: RunId(3),
            automation: "a".into(),
            flow: "sync".to_owned(),
            trigger: Trigger::Manual {
                by: Person::named("command line"),
            },
            cycle: CycleKind::Incremental,
            status: RunStatus::Partial,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            finished_at: Some(jiff::Timestamp::from_millisecond(2_500).unwrap()),
            counts: Counts {
                updated: 1,
                failed: 1,
                ..Counts::default()
            },
            requests: Requests {
                source: 1,
                target: 2,
            },
            error: None,
            notes: vec![],
        }
    }

    #[test]
    fn a_run_is_shown_with_its_people() {
        let outcome = |key: &str, kind, code: Option<&str>, changed: &[&str]| Outcome {
            key: key.into(),
            target: None,
            kind,
            code: code.map(str::to_owned),
            reason: code.map(|_| "The record has no e-mail address.".to_owned()),
            changed: changed.iter().map(|name| (*name).to_owned()).collect(),
        };
        let outcomes = [
            outcome("17", OutcomeKind::Updated, None, &["position", "company"]),
            outcome("18", OutcomeKind::Failed, Some("missing-attribute"), &[]),
        ];
        insta::assert_snapshot!(to_text(&run(), Records::People, &outcomes, 50));
    }

    #[test]
    fn a_run_of_documents_speaks_of_documents() {
        let outcomes = [Outcome {
            key: "c-1".into(),
            target: Some("d-1".into()),
            kind: OutcomeKind::Created,
            code: None,
            reason: None,
            changed: vec![],
        }];
        let run = Run {
            counts: Counts {
                created: 1,
                ..Counts::default()
            },
            ..run()
        };
        let text = to_text(&run, Records::Documents, &outcomes, 50);
        assert!(text.contains("\n  1 delivered\n"), "{text}");
        assert!(text.ends_with("KEY  WHAT\nc-1  delivered\n"), "{text}");
    }
}
