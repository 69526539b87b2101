//! `matricula credential`: access to remote systems. Secrets come in and are never shown again.

use matricula_core::connector::Report;
use matricula_core::credential::Credential;
use matricula_flow::Flow;
use matricula_service::{ConnectionFate, Connectors, NewCredential};
use serde_json::{Value, json};

use super::drive;
use super::start::by;
use crate::args::{Common, CredentialAddArgs, CredentialCommand};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{fields, output, setup};

pub(crate) fn run(common: &Common, command: &CredentialCommand) -> Result<Exit, Fault> {
    match command {
        CredentialCommand::Add(args) => add(common, args),
        CredentialCommand::List => list(common),
        CredentialCommand::Test { name, flow } => test(common, name, flow.as_deref()),
        CredentialCommand::Remove { name } => remove(common, name),
    }
}

fn add(common: &Common, args: &CredentialAddArgs) -> Result<Exit, Fault> {
    let matricula = setup::open_or_make(common)?;
    let tenant = setup::tenant();
    let credential = drive(async {
        let mut method = args.method.clone();
        if args.replace {
            // Told before anything is asked for.
            let old = matricula
                .replaceable(&tenant, &args.name, &args.connector)
                .await?;
            method.get_or_insert(old.method);
        }
        let method = matricula.method(&tenant, &args.connector, method.as_deref())?;
        let id = method.id.clone();
        let set = args.set.clone();
        // On a thread of its own, so that an interruption is not left waiting for an answer.
        let entered = tokio::task::spawn_blocking(move || fields::collect(&method, &set))
            .await
            .map_err(|error| Fault::new(Exit::Unexpected, "input.failed", error))??;
        let new = NewCredential {
            name: args.name.clone(),
            connector: args.connector.clone(),
            method: Some(id),
            public: entered.public,
            secrets: entered.secrets,
        };
        Ok(match args.replace {
            true => matricula.replace_credential(&tenant, new, &by()).await?,
            false => matricula.add_credential(&tenant, new).await?,
        })
    })?;
    if common.json {
        output::json(&to_json(&credential))?;
    } else {
        let name = output::visible(&credential.name);
        output::text(&format!(
            "The credential {name} for {} is kept. Test it: matricula credential test {name}",
            credential.connector
        ))?;
    }
    Ok(Exit::Done)
}

fn list(common: &Common) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    let credentials = drive(async { Ok(matricula.credentials(&tenant).await?) })?;
    if common.json {
        for credential in &credentials {
            output::json(&to_json(credential))?;
        }
        return Ok(Exit::Done);
    }
    let mut table = Table::new(["NAME", "CONNECTOR", "METHOD", "FIELDS", "ADDED"]);
    for credential in credentials {
        let public: Vec<_> = credential
            .public
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.row([
            credential.name,
            credential.connector,
            credential.method,
            public.join(" "),
            output::moment(credential.created_at),
        ]);
    }
    output::text(&table.render())?;
    Ok(Exit::Done)
}

fn test(common: &Common, name: &str, flow: Option<&str>) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    let (credential, report) = drive(async {
        let credential = matricula.credential(&tenant, name).await?;
        let flows = flows(common, &credential, flow, matricula.connectors())?;
        let report = matricula.test_credential(&credential, &flows, "en").await?;
        Ok((credential, report))
    })?;
    let ok = report.findings.iter().all(|finding| finding.ok);
    if common.json {
        output::json(&json!({
            "credential": credential.name,
            "connector": credential.connector,
            "ok": ok,
            "account": report.account,
            "findings": report.findings,
        }))?;
    } else {
        output::text(&output::visible_lines(&tested(&credential.name, &report)))?;
    }
    Ok(if ok { Exit::Done } else { Exit::Credential })
}

/// The flow that was asked for, or all in the folder that use the credential's connector. One that is
/// wrong is said and left out: it is not what is tested here.
fn flows(
    common: &Common,
    credential: &Credential,
    only: Option<&str>,
    connectors: &Connectors,
) -> Result<Vec<Flow>, Fault> {
    let flows = setup::flows(common);
    if let Some(name) = only {
        return Ok(vec![flows.load(name, connectors)?]);
    }
    let mut all = Vec::new();
    for name in flows.names()? {
        match flows.load(&name, connectors) {
            Ok(flow) => all.push(flow),
            Err(error) => {
                tracing::warn!(
                    flow = name,
                    code = error.code(),
                    "A flow is wrong; its needs are not tested."
                );
            }
        }
    }
    all.retain(|flow| [flow.source().0, flow.target().0].contains(&credential.connector.as_str()));
    Ok(all)
}

fn tested(name: &str, report: &Report) -> String {
    let mut text = match &report.account {
        Some(account) => format!("{name}: connected as {account}\n"),
        None => format!("{name}: connected\n"),
    };
    for finding in &report.findings {
        let mark = if finding.ok { "ok     " } else { "MISSING" };
        let message = if finding.message.is_empty() {
            String::new()
        } else {
            format!(": {}", finding.message)
        };
        text.push_str(&format!("  {mark} {}{message}\n", finding.subject));
    }
    text
}

fn remove(common: &Common, name: &str) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let tenant = setup::tenant();
    drive(async {
        let credential = matricula.credential(&tenant, name).await?;
        let parting = matricula.parting(&credential, ConnectionFate::End).await?;
        Ok(matricula.remove_credential(&credential, parting).await?)
    })?;
    if common.json {
        output::json(&json!({ "removed": name }))?;
    } else {
        output::text(&format!(
            "The credential {} is removed.",
            output::visible(name)
        ))?;
    }
    Ok(Exit::Done)
}

fn to_json(credential: &Credential) -> Value {
    json!({
        "name": credential.name,
        "connector": credential.connector,
        "method": credential.method,
        "public": credential.public,
        "created_at": credential.created_at,
    })
}

#[cfg(test)]
mod tests {
    use matricula_core::connector::Finding;

    use super::*;

    #[test]
    fn what_is_missing_stands_out() {
        let finding = |ok, subject: &str, message: &str| Finding {
            ok,
            subject: subject.to_owned(),
            message: message.to_owned(),
        };
        let report = Report {
            account: Some("Example GmbH".to_owned()),
            findings: vec![
                finding(true, "Employees", ""),
                finding(false, "Hire date", "Tick this attribute in Personio."),
            ],
        };
        assert_eq!(
            tested("hr", &report),
            "hr: connected as Example GmbH\n  \
             ok      Employees\n  \
             MISSING Hire date: Tick this attribute in Personio.\n"
        );
    }
}
