//! `matricula documents`: what is not delivered and why, and an owner's decision about what nobody knows of.

use std::collections::{BTreeMap, HashSet};
use std::io::IsTerminal as _;

use matricula_core::TenantId;
use matricula_core::agenda::{Ledger, RunFilter};
use matricula_core::document::{Document, DocumentDecision, DocumentState};
use matricula_core::notice::Records;
use matricula_core::run::OutcomeKind;
use matricula_core::store::StoreError;
use matricula_core::{AutomationId, RunId, SourceKey};
use matricula_service::Decided;
use serde_json::{Value, json};

use super::start::{by, confirmed};
use super::{cycle, drive, runs, selection};
use crate::args::{Common, DocumentsArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{output, setup};

/// The run that told why, by document.
type Told = BTreeMap<SourceKey, RunId>;

pub(crate) fn run(common: &Common, args: &DocumentsArgs) -> Result<Exit, Fault> {
    let decision = match (args.arrived, args.send_again) {
        (true, _) => Some(DocumentDecision::Arrived),
        (_, true) => Some(DocumentDecision::SendAgain),
        _ => None,
    };
    let asks = asks(args, decision, std::io::stdin().is_terminal())?;
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(&args.flow, matricula.connectors())?;
    if matricula_service::records(&flow) == Records::People {
        return Err(Fault::usage(no_documents(flow.name())));
    }
    let selection = selection(&args.chosen, &[], &flow);
    let tenant = setup::tenant();
    let (automation, open) = drive(async {
        let automation = matricula.automation(&tenant, &flow, &selection).await?;
        let open = matricula.open_documents(&automation.id).await?;
        Ok((automation, open))
    })?;
    let Some(decision) = decision else {
        // Without it the table is still right.
        let told =
            drive(async { Ok(told(matricula.store(), &tenant, &automation.id, &open).await) })?;
        let told = told.unwrap_or_default();
        if common.json {
            for document in &open {
                output::json(&to_json(document, &told))?;
            }
        } else {
            output::text(&to_text(flow.name(), &open, &told))?;
        }
        return Ok(Exit::Done);
    };
    let keys: Option<Vec<SourceKey>> = match (args.key.is_empty(), asks) {
        (false, _) => Some(args.key.iter().map(|key| key.as_str().into()).collect()),
        (true, false) => None,
        // No more than what was asked about.
        (true, true) => {
            let keys: Vec<SourceKey> = doubtful(&open).map(|one| one.key.clone()).collect();
            if keys.len() > 1 && !confirmed(&question(keys.len(), decision))? {
                return Err(Fault::interrupted().with_hint("Nothing was decided."));
            }
            Some(keys)
        }
    };
    let decided = drive(async {
        Ok(matricula
            .decide_documents(&tenant, &automation.id, keys.as_deref(), decision, &by())
            .await?)
    })?;
    if common.json {
        output::json(&json!({
            "flow": flow.name(),
            "decision": decision,
            "count": decided.count,
            "not_doubtful": decided.not_doubtful,
        }))?;
    } else {
        output::text(&decided_text(&decided, decision))?;
    }
    Ok(Exit::Done)
}

/// Whether a decision is confirmed where it is about several: it is about all, and nobody said yes beforehand.
fn asks(
    args: &DocumentsArgs,
    decision: Option<DocumentDecision>,
    terminal: bool,
) -> Result<bool, Fault> {
    match (decision, args.key.is_empty()) {
        (None, true) => Ok(false),
        (None, false) => Err(Fault::usage(
            "--key says which documents are decided about: add --arrived or --send-again",
        )),
        (Some(_), true) if !args.yes && !terminal => Err(Fault::usage(
            "without --key this decides about all doubtful documents, and is confirmed on a terminal; elsewhere \
             give --key or --yes",
        )),
        (Some(_), all) => Ok(all && !args.yes),
    }
}

fn question(count: usize, decision: DocumentDecision) -> String {
    match decision {
        DocumentDecision::Arrived => {
            format!("Take all {count} doubtful documents for delivered? They are never sent again.")
        }
        DocumentDecision::SendAgain => format!(
            "Send all {count} doubtful documents again? One that did arrive will lie in the person's file twice."
        ),
    }
}

fn no_documents(flow: &str) -> String {
    format!(
        "{flow} keeps accounts and delivers no documents; `matricula staged {flow}` shows what it holds back"
    )
}

fn doubtful(open: &[Document]) -> impl Iterator<Item = &Document> {
    open.iter()
        .filter(|document| document.state == DocumentState::Doubtful)
}

/// The newest run that told why, of each document that failed and that one of the newest runs told of.
async fn told(
    store: &dyn Ledger,
    tenant: &TenantId,
    automation: &AutomationId,
    open: &[Document],
) -> Result<Told, StoreError> {
    let mut wanted: HashSet<&SourceKey> = open
        .iter()
        .filter(|document| document.state == DocumentState::Failed)
        .map(|document| &document.key)
        .collect();
    let mut told = Told::new();
    if wanted.is_empty() {
        return Ok(told);
    }
    let filter = RunFilter {
        automation: Some(automation.clone()),
        limit: cycle::EARLIER,
        ..RunFilter::default()
    };
    for run in store.runs_of(tenant, &filter).await? {
        if run.counts.failed == 0 {
            continue;
        }
        for outcome in runs::outcomes(store, run.id, &[OutcomeKind::Failed]).await? {
            if wanted.remove(&outcome.key) {
                told.insert(outcome.key, run.id);
            }
        }
        if wanted.is_empty() {
            break;
        }
    }
    Ok(told)
}

fn to_json(document: &Document, told: &Told) -> Value {
    json!({
        "key": document.key,
        "state": document.state,
        "person": document.owner,
        "account": document.wants,
        "sent_at": document.sent_at,
        "attempts": document.attempts,
        "not_before": document.not_before,
        "told_by": told.get(&document.key),
    })
}

fn decided_text(decided: &Decided, decision: DocumentDecision) -> String {
    let Decided {
        count,
        not_doubtful,
    } = decided;
    let mut text = String::new();
    if !not_doubtful.is_empty() {
        let keys: Vec<&str> = not_doubtful.iter().map(SourceKey::as_str).collect();
        text.push_str(&format!(
            "{count} of {} decided; not doubtful: {}\n",
            count + not_doubtful.len() as u64,
            keys.join(", ")
        ));
    }
    let documents = output::how_many(*count, Records::Documents);
    let is = if *count == 1 { "is" } else { "are" };
    match (count, decision) {
        (0, _) if not_doubtful.is_empty() => text.push_str("No document is doubtful.\n"),
        (0, _) => {}
        (_, DocumentDecision::Arrived) => {
            text.push_str(&format!("{documents} {is} taken for delivered.\n"));
        }
        (_, DocumentDecision::SendAgain) => {
            text.push_str(&format!("{documents} {is} sent again by the next run.\n"));
        }
    }
    output::visible_lines(&text)
}

fn to_text(flow: &str, open: &[Document], told: &Told) -> String {
    if open.is_empty() {
        return "No document is open.".to_owned();
    }
    let mut table = Table::new(["KEY", "PERSON", "STATE", "WHY", "WHAT FOLLOWS"]);
    for document in open {
        let person = match (&document.owner, &document.wants) {
            (Some(owner), _) => owner.to_string(),
            (None, Some(account)) => format!("account {account}"),
            (None, None) => String::new(),
        };
        let why = told
            .get(&document.key)
            .map(|run| format!("told by run {run}"))
            .unwrap_or_default();
        let (state, follows) = words(document);
        table.row([
            document.key.to_string(),
            person,
            state.to_owned(),
            why,
            follows,
        ]);
    }
    let mut text = table.render();
    if let Some(newest) = told.values().max() {
        text.push_str(&format!(
            "\nWhy documents failed: matricula run show {newest} --only failed,ambiguous\n"
        ));
    }
    let decide = format!("matricula documents {flow} --arrived, or --send-again");
    match doubtful(open).count() {
        0 => {}
        1 => text.push_str(&format!(
            "\nLook into the file of the person whose document is doubtful, then decide: {decide}\n"
        )),
        count => text.push_str(&format!(
            "\nLook into the files of the people whose documents are doubtful, then decide on all {count}: {decide};\n\
             on one of them with --key KEY\n"
        )),
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
    use matricula_core::automation::{Automation, Memory};
    use matricula_core::credential::{Credential, Secrets};
    use matricula_core::run::{CycleKind, Outcome, Trigger};
    use matricula_core::store::{Commit, Store};
    use matricula_store::{SqliteStore, Vault};

    use super::*;
    use crate::args::Chosen;

    fn document(key: &str, state: DocumentState) -> Document {
        Document {
            state,
            owner: Some("17".into()),
            ..Document::new(key.into())
        }
    }

    #[test]
    fn what_is_open_is_shown_with_what_to_do() {
        let waiting = Document {
            owner: None,
            wants: Some("a-3".into()),
            ..document("c-2", DocumentState::Waiting)
        };
        let failed = document("c-3", DocumentState::Failed);
        let open = [document("c-1", DocumentState::Doubtful), waiting, failed];
        let told = Told::from([("c-3".into(), RunId(7))]);
        assert_eq!(
            to_text("certificates", &open, &told),
            "KEY  PERSON       STATE     WHY            WHAT FOLLOWS\n\
             c-1  17           doubtful                 waits for a decision\n\
             c-2  account a-3  waiting                  delivered once the employee flow has linked the person\n\
             c-3  17           failed    told by run 7  tried again by the next run\n\
             \n\
             Why documents failed: matricula run show 7 --only failed,ambiguous\n\
             \n\
             Look into the file of the person whose document is doubtful, then decide: \
             matricula documents certificates --arrived, or --send-again\n"
        );
        let two = ["c-1", "c-2"].map(|key| document(key, DocumentState::Doubtful));
        let text = to_text("certificates", &two, &Told::new());
        assert!(
            text.ends_with(
                "then decide on all 2: matricula documents certificates --arrived, or --send-again;\n\
                 on one of them with --key KEY\n"
            ),
            "{text}"
        );
        assert_eq!(
            to_text("certificates", &[], &Told::new()),
            "No document is open."
        );
    }

    #[test]
    fn what_was_decided_is_told_with_what_was_not() {
        let text = |count, keys: &[&str], decision| {
            let not_doubtful = keys.iter().copied().map(SourceKey::new).collect();
            decided_text(
                &Decided {
                    count,
                    not_doubtful,
                },
                decision,
            )
        };
        use DocumentDecision::{Arrived, SendAgain};
        assert_eq!(
            text(3, &["c-7", "c-9"], Arrived),
            "3 of 5 decided; not doubtful: c-7, c-9\n3 documents are taken for delivered.\n"
        );
        assert_eq!(
            text(1, &[], SendAgain),
            "1 document is sent again by the next run.\n"
        );
        assert_eq!(
            text(0, &["c-\u{1b}7"], SendAgain),
            "0 of 1 decided; not doubtful: c-\u{fffd}7\n"
        );
        assert_eq!(text(0, &[], Arrived), "No document is doubtful.\n");
    }

    #[test]
    fn a_decision_about_all_is_confirmed() {
        let args = |keys: &[&str], yes| DocumentsArgs {
            flow: "certificates".to_owned(),
            chosen: Chosen {
                source: None,
                target: None,
            },
            arrived: false,
            send_again: false,
            key: keys.iter().map(|key| (*key).to_owned()).collect(),
            yes,
        };
        let decision = Some(DocumentDecision::Arrived);
        let asked = |keys: &[&str], yes, decision, terminal| {
            asks(&args(keys, yes), decision, terminal).map_err(|fault| fault.exit)
        };
        assert_eq!(asked(&[], false, decision, true), Ok(true));
        assert_eq!(asked(&[], true, decision, true), Ok(false));
        assert_eq!(asked(&["c-1"], false, decision, true), Ok(false));
        assert_eq!(asked(&[], false, decision, false), Err(Exit::Usage));
        assert_eq!(asked(&[], true, decision, false), Ok(false));
        assert_eq!(asked(&["c-1"], false, decision, false), Ok(false));
        assert_eq!(asked(&[], false, None, false), Ok(false));
        assert_eq!(asked(&["c-1"], true, None, true), Err(Exit::Usage));
    }

    #[tokio::test]
    async fn the_reason_is_in_the_newest_run_that_told_of_the_document() {
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
            flow: "certificates".to_owned(),
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
        let failed = OutcomeKind::Failed;
        let told_of = [
            vec![("c-1", failed), ("c-2", failed)],
            vec![("c-2", failed), ("c-3", OutcomeKind::Skipped)],
            vec![],
        ];
        let mut ids = Vec::new();
        for keys in told_of {
            let mut run = store
                .begin(&lease, "x", &Trigger::Schedule, CycleKind::Full, at)
                .await
                .unwrap();
            run.counts.failed = 2;
            let outcome = |(key, kind): (&str, OutcomeKind)| Outcome {
                key: key.into(),
                target: None,
                kind,
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
                outcomes: keys.into_iter().map(outcome).collect(),
                seen: vec![],
            };
            store.commit(&lease, commit).await.unwrap();
            store.finish(&lease, &run, None).await.unwrap();
            ids.push(run.id);
        }
        let mut open = ["c-1", "c-2", "c-3"].map(|key| document(key, DocumentState::Failed));
        let found = told(&store, &tenant, &automation.id, &open).await.unwrap();
        let expected = Told::from([("c-1".into(), ids[0]), ("c-2".into(), ids[1])]);
        assert_eq!(found, expected);
        open[0].state = DocumentState::Again;
        let found = told(&store, &tenant, &automation.id, &open).await.unwrap();
        assert_eq!(found, Told::from([("c-2".into(), ids[1])]));
        assert_eq!(to_json(&open[1], &found)["told_by"], json!(ids[1]));
    }
}
