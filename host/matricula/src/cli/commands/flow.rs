//! `matricula flow`: check and test flow files. Nothing is kept and nothing is sent.

use matricula_flow::Flow;
use serde_json::json;

use crate::args::{Common, FlowCommand};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::{output, setup};

pub(crate) fn run(common: &Common, command: &FlowCommand) -> Result<Exit, Fault> {
    let connectors = setup::connectors(common)?;
    let flows = setup::flows(common);
    match command {
        FlowCommand::Check { flow } => {
            let flow = flows.load(flow, &connectors)?;
            if common.json {
                output::json(&to_json(&flow))?;
            } else {
                output::text(&to_text(&flow))?;
            }
            Ok(Exit::Done)
        }
        FlowCommand::Test { flow } => {
            let tested = flows.test(flow, &connectors)?;
            let failed = tested
                .cases
                .iter()
                .filter(|case| !case.failures.is_empty())
                .count();
            if common.json {
                let case = |case: &matricula_flow::testing::CaseResult| {
                    json!({
                        "name": case.name,
                        "ok": case.failures.is_empty(),
                        "failures": case.failures,
                    })
                };
                output::json(&json!({
                    "flow": tested.flow.name(),
                    "ok": failed == 0,
                    "cases": tested.cases.iter().map(case).collect::<Vec<_>>(),
                }))?;
            } else {
                output::text(&tested_text(&tested))?;
            }
            Ok(if failed == 0 { Exit::Done } else { Exit::Flow })
        }
    }
}

fn to_json(flow: &Flow) -> serde_json::Value {
    let (source, stream) = flow.source();
    let (target, operation) = flow.target();
    json!({
        "flow": flow.name(),
        "version": flow.version(),
        "title": flow.title(),
        "source": { "connector": source, "stream": stream },
        "target": { "connector": target, "operation": operation },
        "attributes": flow.attributes(),
        "fields": flow.fields().iter().map(|field| &field.name).collect::<Vec<_>>(),
    })
}

fn to_text(flow: &Flow) -> String {
    let (source, stream) = flow.source();
    let (target, operation) = flow.target();
    let fields: Vec<&str> = flow
        .fields()
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    output::visible_lines(&format!(
        "{} {}: {}\n  reads  {source} {stream}: {}\n  writes {target} {operation}: {}\n",
        flow.name(),
        flow.version(),
        flow.title().get("en"),
        flow.attributes().join(", "),
        fields.join(", "),
    ))
}

fn tested_text(tested: &matricula_service::Tested) -> String {
    let mut text = String::new();
    for case in &tested.cases {
        let mark = if case.failures.is_empty() {
            "ok    "
        } else {
            "FAILED"
        };
        text.push_str(&format!("{mark} {}\n", output::visible(&case.name)));
        for failure in &case.failures {
            for line in output::visible_lines(&failure.to_string()).lines() {
                text.push_str(&format!("         {line}\n"));
            }
        }
    }
    let failed = tested
        .cases
        .iter()
        .filter(|case| !case.failures.is_empty())
        .count();
    text.push_str(&format!(
        "{}: {} of {} cases hold\n",
        tested.file.display(),
        tested.cases.len() - failed,
        tested.cases.len()
    ));
    text
}
