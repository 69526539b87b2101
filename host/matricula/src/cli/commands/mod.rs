//! One module for each group of commands.

mod automation;
mod connector;
mod credential;
mod cycle;
mod documents;
mod flow;
mod plan;
mod runs;
mod serve;
mod staged;
mod start;
mod terms;
mod upkeep;

use std::future::Future;
use std::time::Duration;

use crate::args::{Chosen, Cli, Command, RunCommand};
use crate::exit::Exit;
use crate::fault::Fault;
use matricula_core::AutomationId;
use matricula_core::TenantId;
use matricula_core::notice::Records;
use matricula_flow::Flow;
use matricula_service::{Matricula, Selection};
use serde_json::{Map, Value};

/// Does what was asked.
pub(crate) fn dispatch(cli: &Cli) -> Result<Exit, Fault> {
    let common = &cli.common;
    match &cli.command {
        Command::Flow(command) => flow::run(common, command),
        Command::Connector(command) => connector::run(common, command),
        Command::Credential(command) => credential::run(common, command),
        Command::Plan(args) => plan::run(common, args),
        Command::Run(args) => match (&args.command, &args.flow) {
            (Some(RunCommand::Show { id, only, csv, .. }), _) if *csv => {
                runs::csv(common, *id, only)
            }
            (Some(RunCommand::Show { id, only, all, .. }), _) => {
                runs::show(common, *id, only, *all)
            }
            (None, Some(flow)) => cycle::run(common, args, flow),
            (None, None) => Err(Fault::usage("a flow is needed: matricula run FLOW")),
        },
        Command::Runs(args) => runs::list(common, args),
        Command::Staged(args) => staged::run(common, args),
        Command::Documents(args) => documents::run(common, args),
        Command::Start(args) => start::run(common, args),
        Command::Automation(command) => automation::run(common, command),
        Command::Serve(args) => serve::run(common, args),
        Command::Webhook(command) => upkeep::webhook(common, command),
        Command::TestMail(args) => upkeep::test_mail(common, args),
        Command::Erase(args) => upkeep::erase(common, args),
        Command::Retention(args) => upkeep::retention(common, args),
        Command::Backup { file } => upkeep::backup(common, file),
        Command::Keys(command) => upkeep::keys(common, command),
    }
}

/// What is left running on another thread at the end may take this long: long enough for a prompt that was
/// interrupted to show again what is typed, too short to be waited for.
const GRACE: Duration = Duration::from_millis(200);

/// Drives a command to its end, or until it is interrupted: what is under way is dropped then, and the next
/// run goes on at the last page that was committed.
fn drive<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Exit::Unexpected, "runtime.failed", error))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = work => ended,
            signal = interruption() => Err(match signal {
                Ok(()) => Fault::interrupted(),
                Err(error) => Fault::new(Exit::Unexpected, "signal.failed", error),
            }),
        }
    });
    // A call that is still running must not keep the program.
    runtime.shutdown_timeout(GRACE);
    ended
}

/// Waits for Ctrl-C, or for the signal by which service managers and containers end a program.
async fn interruption() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

/// What an automation carries; people, where its flow cannot be read any more: the words are those of JSON then.
async fn records_of(matricula: &Matricula, tenant: &TenantId, id: &AutomationId) -> Records {
    let flow = matricula.flow_by_id(tenant, id).await;
    flow.map(|flow| matricula_service::records(&flow))
        .unwrap_or_default()
}

/// Which automation is meant, and with which settings.
fn selection(chosen: &Chosen, settings: &[(String, String)], flow: &Flow) -> Selection {
    Selection {
        source: chosen.source.clone(),
        target: chosen.target.clone(),
        settings: values(settings, flow.settings_schema()),
    }
}

/// Settings as JSON or else as text. What a setting takes only as text is text: an id of digits, say.
fn values(settings: &[(String, String)], schema: &Value) -> Map<String, Value> {
    let value = |(name, text): &(String, String)| {
        let of = |kind: &Value| kind == "string" || kind == "null";
        let only_text = match schema.pointer(&format!("/properties/{name}/type")) {
            Some(Value::Array(kinds)) => kinds.iter().all(of),
            Some(kind) => of(kind),
            None => false,
        };
        let value = match serde_json::from_str(text) {
            Ok(Value::Number(_) | Value::Bool(_)) if only_text => Value::String(text.clone()),
            Ok(value) => value,
            Err(_) => Value::String(text.clone()),
        };
        (name.clone(), value)
    };
    settings.iter().map(value).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_setting_is_json_or_else_text() {
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let settings = [
            pair("a", "[\"x\"]"),
            pair("b", "Europe/Berlin"),
            pair("c", "null"),
            pair("d", "\"7\""),
            pair("e", "7"),
            pair("f", "7"),
            pair("g", "true"),
        ];
        let schema = json!({"properties": {
            "e": {"type": ["string", "null"]}, "f": {"type": "integer"}, "g": {"enum": [true, "x"]},
        }});
        assert_eq!(
            Value::Object(values(&settings, &schema)),
            json!({
                "a": ["x"], "b": "Europe/Berlin", "c": null, "d": "7", "e": "7", "f": 7, "g": true
            })
        );
    }
}
