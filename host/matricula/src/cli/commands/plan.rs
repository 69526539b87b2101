//! `matricula plan`: what a run would do. The one command that shows values of people's attributes.

use std::sync::Arc;

use matricula_core::notice::Records;
use matricula_core::run::OutcomeKind;
use matricula_engine::{Change, Observer, Planned, Preview};
use serde_json::{Value, json};

use super::{drive, selection};
use crate::args::{Common, PlanArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::progress::Progress;
use crate::table::Table;
use crate::{output, setup};

pub(crate) fn run(common: &Common, args: &PlanArgs) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(&args.flow, matricula.connectors())?;
    let selection = selection(&args.chosen, &args.setting, &flow);
    let tenant = setup::tenant();
    let progress = Arc::new(Progress::start(common.json, &flow));
    let observer: Arc<dyn Observer> = progress.clone();
    let preview = drive(async {
        let opened = matricula.open(&tenant, &flow, &selection).await?;
        Ok(matricula.preview(&opened, &observer).await?)
    });
    progress.clear();
    let preview = preview?;
    if common.json {
        let Value::Object(mut object) = json!(preview) else {
            return Err(Fault::new(
                Exit::Unexpected,
                "output.failed",
                "the plan is no JSON object",
            ));
        };
        object.insert("flow".to_owned(), json!(flow.name()));
        let guard = preview.guard.as_ref().map(|guard| guard.get("en"));
        object.insert("guard".to_owned(), json!(guard));
        object.insert("notes".to_owned(), json!(output::english(&preview.notes)));
        output::json(&object)?;
    } else {
        let most = if args.all { usize::MAX } else { output::ROWS };
        output::text(&to_text(
            flow.name(),
            matricula_service::records(&flow),
            &preview,
            most,
        ))?;
    }
    Ok(Exit::Done)
}

fn to_text(flow: &str, records: Records, preview: &Preview, most: usize) -> String {
    let mut text = format!(
        "{flow}, {} cycle, would end with: {}\n",
        output::cycle(preview.cycle),
        output::counted(&preview.counts, records)
    );
    if !preview.people.is_empty() {
        let mut table = match records {
            Records::People => Table::new(["WHAT", "WHO", "REASON", "CHANGES"]),
            Records::Documents => Table::new(["WHAT", "DOCUMENT", "PERSON", "REMARK"]),
        };
        for planned in preview.people.iter().take(most) {
            table.row(match records {
                Records::People => [
                    what(planned),
                    who(planned),
                    reason(planned),
                    changes(planned),
                ],
                Records::Documents => [
                    output::outcome(planned.kind, records).to_owned(),
                    title(planned),
                    planned.who.clone().unwrap_or_default(),
                    reason(planned),
                ],
            });
        }
        text.push('\n');
        text.push_str(&table.render());
        text.push_str(&output::and_more(preview.people.len(), most));
    }
    if let Some(guard) = &preview.guard {
        text.push_str(&format!(
            "\nThe guard would hold the deactivations back: {}\n",
            guard.get("en")
        ));
    }
    for note in &preview.notes {
        text.push_str(&format!("\nNote: {}\n", note.get("en")));
    }
    output::visible_lines(&text)
}

fn what(person: &Planned) -> String {
    let what = person.kind.as_str();
    if person.adopts {
        format!("{what} (adopts)")
    } else {
        what.to_owned()
    }
}

fn who(person: &Planned) -> String {
    match &person.who {
        Some(who) => who.clone(),
        None => format!("key {}", person.key),
    }
}

/// What people call a document, else its key.
fn title(document: &Planned) -> String {
    let title = document
        .changes
        .iter()
        .find(|change| change.attribute == "title")
        .and_then(|change| change.new.as_str())
        .filter(|title| !title.trim().is_empty());
    match title {
        Some(title) => title.to_owned(),
        None => format!("key {}", document.key),
    }
}

fn reason(person: &Planned) -> String {
    person
        .reason
        .as_ref()
        .or(person.code.as_ref())
        .cloned()
        .unwrap_or_default()
}

/// Old and new of each attribute. A new account has no old values, and its new ones would fill the
/// screen: their number is enough, `--json` has them.
fn changes(person: &Planned) -> String {
    if person.kind == OutcomeKind::Created {
        return match person.changes.len() {
            0 => String::new(),
            1 => "1 attribute".to_owned(),
            many => format!("{many} attributes"),
        };
    }
    person
        .changes
        .iter()
        .map(change)
        .collect::<Vec<_>>()
        .join(", ")
}

fn change(change: &Change) -> String {
    let new = value(&change.new);
    match &change.old {
        Some(old) => format!("{}: {} → {new}", change.attribute, value(old)),
        None => format!("{}: {new}", change.attribute),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "empty".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use matricula_core::Text;
    use matricula_core::run::{Counts, CycleKind};

    use super::*;

    fn person(
        kind: OutcomeKind,
        who: Option<&str>,
        changes: &[(&str, Option<Value>, Value)],
    ) -> Planned {
        Planned {
            key: "17".into(),
            who: who.map(str::to_owned),
            kind,
            code: (kind == OutcomeKind::Deactivated).then(|| "end-reached".to_owned()),
            reason: None,
            adopts: kind == OutcomeKind::Updated,
            changes: changes
                .iter()
                .map(|(attribute, old, new)| Change {
                    attribute: (*attribute).to_owned(),
                    old: old.clone(),
                    new: new.clone(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_plan_shows_who_and_what_and_how_much_more() {
        let preview = Preview {
            cycle: CycleKind::Full,
            counts: Counts {
                created: 1,
                updated: 1,
                deactivated: 1,
                unchanged: 7,
                ..Counts::default()
            },
            people: vec![
                person(
                    OutcomeKind::Updated,
                    Some("zoe@example.com"),
                    &[
                        ("position", Some(json!("Dev")), json!("Lead")),
                        ("company", Some(Value::Null), json!("Example")),
                        ("manager", None, Value::Null),
                    ],
                ),
                person(
                    OutcomeKind::Created,
                    None,
                    &[("email", None, json!("x")), ("active", None, json!(true))],
                ),
                person(OutcomeKind::Deactivated, Some("max@example.com"), &[]),
            ],
            guard: Some(Text::said("20 % of 5 people", "20 % von 5 Personen")),
            notes: vec![Text::said(
                "The academy has no field for gender.",
                "Die Akademie hat kein Feld für das Geschlecht.",
            )],
        };
        insta::assert_snapshot!(to_text("sync", Records::People, &preview, 2));
    }

    #[test]
    fn a_plan_of_documents_shows_which_and_whose() {
        let delivered = |title: Value, remark: Option<&str>| Planned {
            reason: remark.map(str::to_owned),
            ..person(OutcomeKind::Created, Some("17"), &[("title", None, title)])
        };
        let revoked = Planned {
            key: "c-9".into(),
            code: Some("revoked".to_owned()),
            ..person(OutcomeKind::Skipped, None, &[])
        };
        let preview = Preview {
            cycle: CycleKind::Incremental,
            counts: Counts {
                created: 2,
                skipped: 1,
                ..Counts::default()
            },
            people: vec![
                delivered(json!("Fire safety"), Some("it had expired")),
                delivered(Value::Null, None),
                revoked,
            ],
            guard: None,
            notes: vec![],
        };
        assert_eq!(
            to_text("certificates", Records::Documents, &preview, 50),
            "certificates, incremental cycle, would end with: 2 delivered, 1 not wanted or waiting\n\
             \n\
             WHAT       DOCUMENT     PERSON  REMARK\n\
             delivered  Fire safety  17      it had expired\n\
             delivered  key 17       17\n\
             skipped    key c-9              revoked\n"
        );
    }
}
