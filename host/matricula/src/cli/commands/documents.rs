//! `matricula documents`: what is not delivered and why, and an owner's decision about what nobody knows of.

use matricula::core::document::{Document, DocumentState};
use matricula::core::{Person, SourceKey};
use serde_json::{Value, json};

use super::{drive, selection};
use crate::args::{Common, DocumentsArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{output, setup};

pub(crate) fn run(common: &Common, args: &DocumentsArgs) -> Result<Exit, Fault> {
    let decides = args.arrived || args.send_again;
    if !decides && !args.key.is_empty() {
        let message = "--key says which documents are decided about: add --arrived or --send-again";
        return Err(Fault::usage(message));
    }
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(&args.flow, matricula.connectors())?;
    let selection = selection(&args.chosen, &[], &flow);
    let tenant = setup::tenant();
    let keys: Vec<SourceKey> = args.key.iter().map(|key| key.as_str().into()).collect();
    let (open, decided) = drive(async {
        let automation = matricula.automation(&tenant, &flow, &selection).await?;
        let open = matricula.open_documents(&automation.id).await?;
        let decided = match decides {
            true => {
                let by = Person::named("command line");
                let keys = (!keys.is_empty()).then_some(keys.as_slice());
                let decided = matricula
                    .decide_documents(&tenant, &automation.id, keys, args.arrived, &by)
                    .await?;
                Some(decided)
            }
            false => None,
        };
        Ok((open, decided))
    })?;
    match (common.json, decided) {
        (true, Some(count)) => {
            let decision = if args.arrived {
                "arrived"
            } else {
                "send-again"
            };
            output::json(&json!({ "flow": flow.name(), "decision": decision, "count": count }))?;
        }
        (true, None) => {
            for document in &open {
                output::json(&to_json(document))?;
            }
        }
        (false, Some(count)) => output::text(&decided_text(count, args.arrived))?,
        (false, None) => output::text(&to_text(flow.name(), &open))?,
    }
    Ok(Exit::Done)
}

fn to_json(document: &Document) -> Value {
    json!({
        "key": document.key,
        "state": document.state,
        "person": document.owner,
        "account": document.wants,
        "sent_at": document.sent_at,
        "attempts": document.attempts,
        "not_before": document.not_before,
    })
}

fn decided_text(count: u64, arrived: bool) -> String {
    match (count, arrived) {
        (0, _) => "None of these is doubtful.".to_owned(),
        (count, true) => format!("{count} taken for delivered."),
        (count, false) => format!("{count} will be sent again by the next run."),
    }
}

fn to_text(flow: &str, open: &[Document]) -> String {
    if open.is_empty() {
        return "Every document that is wanted is delivered.".to_owned();
    }
    let mut table = Table::new(["KEY", "PERSON", "STATE", "WHAT FOLLOWS"]);
    for document in open {
        let person = match (&document.owner, &document.wants) {
            (Some(owner), _) => owner.to_string(),
            (None, Some(account)) => format!("account {account}"),
            (None, None) => String::new(),
        };
        let (state, follows) = words(document);
        table.row([document.key.to_string(), person, state.to_owned(), follows]);
    }
    let doubtful = open
        .iter()
        .filter(|document| document.state == DocumentState::Doubtful)
        .count();
    let mut text = table.render();
    if doubtful > 0 {
        text.push_str(&format!(
            "\nLook into the files of these people, then decide on all {doubtful}: matricula documents {flow} --arrived, \
             or --send-again;\non one of them with --key KEY\n"
        ));
    }
    text
}

fn words(document: &Document) -> (&'static str, String) {
    match document.state {
        DocumentState::Waiting => (
            "waiting",
            "delivered once the employee flow has linked the person".to_owned(),
        ),
        DocumentState::Intended => ("sending", "the next run asks whether it arrived".to_owned()),
        DocumentState::Failed => {
            let follows = match document.not_before {
                Some(at) => format!("tried again from {}", output::moment(at)),
                None => "tried again by the next run".to_owned(),
            };
            ("failed", follows)
        }
        DocumentState::Doubtful => ("doubtful", "waits for a decision".to_owned()),
        DocumentState::Again => ("to be sent", "sent again by the next run".to_owned()),
        DocumentState::Delivered => ("delivered", String::new()),
        DocumentState::Unwanted => ("unwanted", String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_shown_with_what_to_do() {
        let document = |key: &str, state| Document {
            state,
            owner: Some("17".into()),
            ..Document::new(key.into())
        };
        let waiting = Document {
            owner: None,
            wants: Some("a-3".into()),
            ..document("c-2", DocumentState::Waiting)
        };
        let open = [document("c-1", DocumentState::Doubtful), waiting];
        assert_eq!(
            to_text("certificates", &open),
            "KEY  PERSON       STATE     WHAT FOLLOWS\n\
             c-1  17           doubtful  waits for a decision\n\
             c-2  account a-3  waiting   delivered once the employee flow has linked the person\n\
             \n\
             Look into the files of these people, then decide on all 1: matricula documents certificates --arrived, \
             or --send-again;\non one of them with --key KEY\n"
        );
        assert_eq!(
            to_text("certificates", &[]),
            "Every document that is wanted is delivered."
        );
    }
}
