//! `matricula start FLOW`: everything is looked at, the first cycle is shown, and then it is asked.

use std::io::IsTerminal as _;
use std::sync::Arc;

use matricula_core::Person;
use matricula_core::notice::Records;
use matricula_engine::{Observer, Preview};
use matricula_service::{Examined, Terms};
use serde_json::json;

use super::{drive, selection, terms};
use crate::args::{Common, StartArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::{output, setup};

pub(crate) fn run(common: &Common, args: &StartArgs) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(&args.flow, matricula.connectors())?;
    let selection = selection(&args.chosen, &args.setting, &flow);
    let tenant = setup::tenant();
    let asked = Terms {
        cadence: terms::cadence(&args.cadence)?,
        contacts: terms::contacts(&args.contacts),
        accept_findings: args.accept_findings,
        language: "en".to_owned(),
    };
    if !args.yes {
        if !std::io::stdin().is_terminal() {
            return Err(Fault::usage(
                "the first cycle is shown and confirmed on a terminal; elsewhere give --yes, and see it by \
                 `matricula plan`",
            ));
        }
        let progress = Arc::new(Progress::start(common.json, &flow));
        let observer: Arc<dyn Observer> = progress.clone();
        let shown = drive(async {
            let examined = matricula
                .examine(&tenant, &flow, &selection, &asked)
                .await?;
            let preview = matricula.preview(&examined.opened, &observer).await?;
            Ok((examined, preview))
        });
        progress.clear();
        let (examined, preview) = shown?;
        output::error_line(&to_text(
            flow.name(),
            matricula_service::records(&flow),
            &examined,
            &preview,
        ));
        if !confirmed("Start it?")? {
            return Err(Fault::interrupted().with_hint("Nothing was started."));
        }
    }
    let standing = drive(async {
        let by = by();
        Ok(matricula
            .start(&tenant, &flow, &selection, &asked, &by)
            .await?)
    })?;
    if common.json {
        output::json(&json!(standing))?;
    } else {
        output::text(&format!(
            "{} is started as {}, {}. Its first cycle is due now; `matricula serve` runs it.",
            standing.flow,
            standing.automation,
            terms::words(&standing.cadence)
        ))?;
    }
    Ok(Exit::Done)
}

/// Who uses the command line: the machine's name for the user is not ours to read.
pub(super) fn by() -> Person {
    Person::named("command line")
}

fn to_text(flow: &str, records: Records, examined: &Examined, preview: &Preview) -> String {
    let mut text = format!("{flow}, {}\n", terms::words(&examined.cadence));
    for required in &examined.requirements {
        let met = if required.met { "ok" } else { "not yet" };
        text.push_str(&format!(
            "  {met}: a full cycle of {} has succeeded\n",
            required.flow
        ));
    }
    for finding in examined.findings() {
        text.push_str(&format!("  missing: {}\n", finding.message));
    }
    text.push_str(&format!(
        "The first cycle would end with: {}\n",
        output::counted(&preview.counts, records)
    ));
    if let Some(guard) = &preview.guard {
        text.push_str(&format!(
            "The guard would hold the deactivations back: {}\n",
            guard.get("en")
        ));
    }
    for note in &preview.notes {
        text.push_str(&format!("Note: {}\n", note.get("en")));
    }
    output::visible_lines(&text)
}

/// Asks on the terminal; anything but a yes is a no.
pub(super) fn confirmed(question: &str) -> Result<bool, Fault> {
    output::error_line(&format!("{question} [y/N]"));
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|error| Fault::usage(format!("standard input cannot be read: {error}")))?;
    Ok(matches!(
        answer.trim().to_lowercase().as_str(),
        "y" | "yes" | "j" | "ja"
    ))
}
