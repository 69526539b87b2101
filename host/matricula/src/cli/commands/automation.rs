//! `matricula automation`: the automations that were started.

use std::io::IsTerminal as _;
use std::sync::Arc;

use matricula_core::TenantId;
use matricula_core::document::DocumentState;
use matricula_core::journal::Actor;
use matricula_core::notice::Records;
use matricula_core::standing::{Lifecycle, Standing};
use matricula_core::{AutomationId, SourceKey};
use matricula_engine::Observer;
use matricula_service::Matricula;
use serde_json::{Value, json};

use super::start::{by, confirmed};
use super::{drive, records_of, terms, values};
use crate::args::{AutomationCommand, Common, Which};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::table::Table;
use crate::{output, setup};

/// What somebody's file may hold already.
const DELIVERED: [DocumentState; 3] = [
    DocumentState::Delivered,
    DocumentState::Intended,
    DocumentState::Doubtful,
];

/// Rows of a history that is shown.
const HISTORY: u32 = 100;

pub(crate) fn run(common: &Common, command: &AutomationCommand) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    let product = &matricula;
    match command {
        AutomationCommand::List => list(common, product, &tenant),
        AutomationCommand::Show(which) => show(common, product, &tenant, which),
        AutomationCommand::History(which) => history(common, product, &tenant, which),
        AutomationCommand::Adopt { which, yes } => adopt(common, product, &tenant, which, *yes),
        AutomationCommand::Hook(which) => hook(common, product, &tenant, which),
        AutomationCommand::Remove { which, yes } => remove(common, product, &tenant, which, *yes),
        change => {
            let said = drive(changed(product, &tenant, change))?;
            match common.json {
                true => output::json(&said.0)?,
                false => output::text(&said.1)?,
            }
            Ok(Exit::Done)
        }
    }
}

/// Does what needs no more than a word; what is said of it, for programs and for people.
async fn changed(
    matricula: &Matricula,
    tenant: &TenantId,
    command: &AutomationCommand,
) -> Result<(Value, String), Fault> {
    let by = by();
    let said = |standing: Standing, words: &str| {
        let text = format!("{} ({}) {words}", standing.flow, standing.automation);
        (json!(standing), text)
    };
    Ok(match command {
        AutomationCommand::Run { which, full } => {
            let id = find(matricula, tenant, which).await?;
            let standing = matricula.run_now(tenant, &id, *full, &by).await?;
            said(standing, "is due now; `matricula serve` runs it.")
        }
        AutomationCommand::Deactivate(which) => {
            let id = find(matricula, tenant, which).await?;
            let words = match records_of(matricula, tenant, &id).await {
                Records::People => "is deactivated; accounts stay as they are.",
                Records::Documents => "is deactivated; documents stay where they are.",
            };
            said(matricula.deactivate(tenant, &id, &by).await?, words)
        }
        AutomationCommand::Activate(which) => {
            let id = find(matricula, tenant, which).await?;
            said(
                matricula.reactivate(tenant, &id, &by).await?,
                "is active again; a full cycle is due now.",
            )
        }
        AutomationCommand::Set {
            which,
            chosen,
            setting,
            cadence,
            contacts,
            no_contacts,
        } => {
            let id = find(matricula, tenant, which).await?;
            let cadence = terms::cadence(cadence)?;
            let contacts = terms::contacts(contacts);
            if !setting.is_empty() {
                let flow = matricula.flow_by_id(tenant, &id).await?;
                let settings = values(setting, flow.settings_schema());
                matricula.reconfigure(tenant, &id, &settings, &by).await?;
            }
            if let Some(cadence) = &cadence {
                matricula.reschedule(tenant, &id, cadence, &by).await?;
            }
            if chosen.source.is_some() || chosen.target.is_some() {
                let (source, target) = (chosen.source.as_deref(), chosen.target.as_deref());
                matricula
                    .change_credentials(tenant, &id, source, target, &by)
                    .await?;
            }
            if !contacts.is_empty() || *no_contacts {
                matricula.set_contacts(tenant, &id, &contacts, &by).await?;
            }
            said(matricula.standing(tenant, &id).await?, "is changed.")
        }
        AutomationCommand::Retry(which) => {
            let id = find(matricula, tenant, which).await?;
            let count = matricula.retry_failed(tenant, &id, &by).await?;
            (
                json!({ "automation": id, "records": count }),
                retried(count, records_of(matricula, tenant, &id).await),
            )
        }
        AutomationCommand::Reevaluate(which) => {
            let id = find(matricula, tenant, which).await?;
            matricula.reevaluate(tenant, &id, &by).await?;
            (
                json!({ "automation": id }),
                reevaluated(records_of(matricula, tenant, &id).await).to_owned(),
            )
        }
        AutomationCommand::Forget { which, key } => {
            let id = find(matricula, tenant, which).await?;
            let key = SourceKey::new(key.as_str());
            let forgotten = matricula.forget(tenant, &id, &key, &by).await?;
            let text = match forgotten {
                true => "The link is forgotten; the next full cycle matches this person anew.",
                false => "There is no link of this key.",
            };
            (
                json!({ "automation": id, "forgotten": forgotten }),
                text.to_owned(),
            )
        }
        AutomationCommand::List
        | AutomationCommand::Show(_)
        | AutomationCommand::History(_)
        | AutomationCommand::Adopt { .. }
        | AutomationCommand::Hook(_)
        | AutomationCommand::Remove { .. } => {
            return Err(Fault::usage("this is done by a function of its own"));
        }
    })
}

fn retried(count: u64, records: Records) -> String {
    let are = if count == 1 { "is" } else { "are" };
    format!(
        "{} {are} tried again in the next cycle, which is due now.",
        output::how_many(count, records)
    )
}

fn reevaluated(records: Records) -> &'static str {
    match records {
        Records::People => "Everybody is evaluated anew in the next cycle, which is due now.",
        Records::Documents => {
            "Every document is evaluated anew in the next cycle, which is due now; what was delivered is not \
             sent again."
        }
    }
}

/// By id, by the beginning of one, or by the flow where there is only one automation of it.
async fn find(
    matricula: &Matricula,
    tenant: &TenantId,
    which: &Which,
) -> Result<AutomationId, Fault> {
    let name = which.which.as_str();
    let standings = matricula.standings(tenant).await?;
    let fits = |standing: &&Standing| {
        standing.flow == name
            || (!name.is_empty() && standing.automation.as_str().starts_with(name))
    };
    let mut fitting = standings.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only.automation.clone()),
        (None, _) => {
            Err(matricula_service::Error::AutomationUnknown(AutomationId::new(name)).into())
        }
        (Some(_), Some(_)) => Err(Fault::usage(format!(
            "several automations fit \"{name}\"; give the beginning of the id that is meant"
        ))),
    }
}

fn list(common: &Common, matricula: &Matricula, tenant: &TenantId) -> Result<Exit, Fault> {
    let standings = drive(async { Ok(matricula.standings(tenant).await?) })?;
    if common.json {
        for standing in &standings {
            output::json(&json!(standing))?;
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new([
        "AUTOMATION",
        "FLOW",
        "STATE",
        "SCHEDULE",
        "LAST SUCCESS",
        "NEXT",
    ]);
    for standing in &standings {
        let id = standing.automation.as_str();
        table.row([
            id.get(..8).unwrap_or(id).to_owned(),
            standing.flow.clone(),
            state(standing).to_owned(),
            terms::words(&standing.cadence),
            standing
                .last_succeeded_at
                .map(output::moment)
                .unwrap_or_default(),
            standing.next_run_at.map(output::moment).unwrap_or_default(),
        ]);
    }
    match standings.is_empty() {
        true => output::text("No flow was started yet. Start one: matricula start FLOW")?,
        false => output::text(&table.render())?,
    }
    Ok(Exit::Done)
}

fn state(standing: &Standing) -> &'static str {
    match standing.lifecycle {
        Lifecycle::Deactivated => "deactivated",
        Lifecycle::Paused => "paused",
        Lifecycle::Active if standing.is_quarantined() => "quarantined",
        Lifecycle::Active if standing.overdue => "overdue",
        Lifecycle::Active => "active",
    }
}

fn show(
    common: &Common,
    matricula: &Matricula,
    tenant: &TenantId,
    which: &Which,
) -> Result<Exit, Fault> {
    let (standing, settings, contacts) = drive(async {
        let id = find(matricula, tenant, which).await?;
        let standing = matricula.standing(tenant, &id).await?;
        let automation = matricula.store().automation(&id).await;
        let automation = automation.map_err(matricula_service::Error::from)?;
        let settings = automation.map(|automation| automation.settings);
        let contacts = matricula.store().contacts(&id).await;
        let contacts = contacts.map_err(matricula_service::Error::from)?;
        Ok((standing, settings.unwrap_or_default(), contacts))
    })?;
    if common.json {
        let mut object = json!(standing);
        object["state"] = json!(state(&standing));
        object["settings"] = settings;
        object["contacts"] = json!(contacts);
        output::json(&object)?;
        return Ok(Exit::Done);
    }
    let mut text = format!(
        "{} ({})\n  state      {}\n  schedule   {}\n",
        standing.flow,
        standing.automation,
        state(&standing),
        terms::words(&standing.cadence)
    );
    let mut line = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("  {name:<10} {value}\n"));
        }
    };
    line("next", standing.next_run_at.map(output::moment));
    line("begun", standing.last_started_at.map(output::moment));
    line("success", standing.last_succeeded_at.map(output::moment));
    line("last run", standing.last_run.map(|run| run.to_string()));
    line("settings", Some(settings.to_string()));
    for contact in &contacts {
        let told = match (contact.alerts, contact.report) {
            (true, true) => "alerts and report",
            (true, false) => "alerts",
            _ => "report",
        };
        line(
            "contact",
            Some(format!("{} ({told}, {})", contact.email, contact.language)),
        );
    }
    if let Some(hold) = &standing.hold {
        line("since", Some(output::moment(hold.since)));
        line("because", Some(hold.failure.message.clone()));
    }
    output::text(&output::visible_lines(&text))?;
    Ok(Exit::Done)
}

fn history(
    common: &Common,
    matricula: &Matricula,
    tenant: &TenantId,
    which: &Which,
) -> Result<Exit, Fault> {
    let entries = drive(async {
        let id = find(matricula, tenant, which).await?;
        let entries = matricula
            .store()
            .journal(tenant, Some(&id), None, HISTORY)
            .await;
        Ok(entries.map_err(matricula_service::Error::from)?)
    })?;
    if common.json {
        for (_, entry) in &entries {
            output::json(&json!(entry))?;
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["WHEN", "WHO", "WHAT", "DETAILS"]);
    for (_, entry) in entries {
        let who = match entry.actor {
            Actor::Person(person) => person.name,
            Actor::System => "by itself".to_owned(),
        };
        let deed = json!(entry.deed);
        let details = match entry.details {
            Value::Null => String::new(),
            details => details.to_string(),
        };
        table.row([
            output::moment(entry.at),
            who,
            deed.as_str().unwrap_or_default().replace('-', " "),
            details,
        ]);
    }
    output::text(&table.render())?;
    Ok(Exit::Done)
}

fn adopt(
    common: &Common,
    matricula: &Matricula,
    tenant: &TenantId,
    which: &Which,
    yes: bool,
) -> Result<Exit, Fault> {
    let id = drive(find(matricula, tenant, which))?;
    let flow = drive(async { Ok(matricula.standing(tenant, &id).await?.flow) })?;
    let flow = setup::flows(common).load(&flow, matricula.connectors())?;
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Fault::usage(
                "what the new version changes is shown and confirmed on a terminal; elsewhere give --yes",
            ));
        }
        let progress = Arc::new(Progress::start(common.json, &flow));
        let observer: Arc<dyn Observer> = progress.clone();
        let preview = drive(async {
            let opened = matricula.with_version(tenant, &id, &flow).await?;
            Ok(matricula.preview(&opened, &observer).await?)
        });
        progress.clear();
        output::error_line(&format!(
            "With version {} the next cycle would end with: {}",
            flow.version(),
            output::counted(&preview?.counts, matricula_service::records(&flow))
        ));
        if !confirmed("Adopt it?")? {
            return Err(Fault::interrupted().with_hint("Nothing was changed."));
        }
    }
    let standing = drive(async { Ok(matricula.adopt(tenant, &id, &flow, &by()).await?) })?;
    if common.json {
        output::json(&json!(standing))?;
    } else {
        output::text(&format!(
            "{} runs version {} from now on; a full cycle is due.",
            standing.flow,
            flow.version()
        ))?;
    }
    Ok(Exit::Done)
}

fn hook(
    common: &Common,
    matricula: &Matricula,
    tenant: &TenantId,
    which: &Which,
) -> Result<Exit, Fault> {
    let (id, secret) = drive(async {
        let id = find(matricula, tenant, which).await?;
        let secret = matricula.renew_hook(tenant, &id, &by()).await?;
        Ok((id, secret))
    })?;
    let path = format!("/hooks/{id}/{secret}");
    if common.json {
        output::json(&json!({ "automation": id, "path": path }))?;
    } else {
        output::text(&format!(
            "{path}\nThis path of the server is a secret and is shown only now. What is posted there begins a \
             cycle within seconds; the former path no longer works."
        ))?;
    }
    Ok(Exit::Done)
}

fn remove(
    common: &Common,
    matricula: &Matricula,
    tenant: &TenantId,
    which: &Which,
    yes: bool,
) -> Result<Exit, Fault> {
    let (id, records) = drive(async {
        let id = find(matricula, tenant, which).await?;
        // By what is kept, as its flow may not be read any more.
        let kept = matricula
            .store()
            .documents_in(&id, &DELIVERED, None, 1)
            .await;
        let records = match kept.map_err(matricula_service::Error::from)?.is_empty() {
            true => records_of(matricula, tenant, &id).await,
            false => Records::Documents,
        };
        Ok((id, records))
    })?;
    if !yes {
        if !std::io::stdin().is_terminal() {
            return Err(Fault::usage(
                "this is confirmed on a terminal; elsewhere give --yes",
            ));
        }
        if !confirmed(removal(records))? {
            return Err(Fault::interrupted().with_hint("Nothing was removed."));
        }
    }
    drive(async { Ok(matricula.remove_automation(tenant, &id).await?) })?;
    match common.json {
        true => output::json(&json!({ "automation": id, "removed": true }))?,
        false => output::text(removed(records))?,
    }
    Ok(Exit::Done)
}

fn removal(records: Records) -> &'static str {
    match records {
        Records::People => "Remove it with its links and runs? Accounts stay as they are.",
        Records::Documents => {
            "Removing it also forgets which documents were delivered. Started again, it recognises them only if \
             the target lists documents and its credential may read them; otherwise they are sent a second time.\nRemove it with \
             its runs? Documents stay where they are."
        }
    }
}

fn removed(records: Records) -> &'static str {
    match records {
        Records::People => "The automation is removed.",
        Records::Documents => {
            "The automation is removed, and with it what it knew of delivered documents: started again, it \
             recognises them only if the target lists documents and its credential may read them; otherwise \
             they are sent a second time."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again_is_called_by_its_name() {
        assert_eq!(
            retried(3, Records::People),
            "3 people are tried again in the next cycle, which is due now."
        );
        assert_eq!(
            retried(1, Records::Documents),
            "1 document is tried again in the next cycle, which is due now."
        );
    }

    #[test]
    fn removing_what_delivers_documents_warns() {
        for words in [removal, removed] {
            assert!(words(Records::Documents).contains("sent a second time"));
            assert!(!words(Records::People).contains("documents"));
        }
    }
}
