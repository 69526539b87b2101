//! `matricula staged`: the deactivations that the guard holds back, and an owner's decision on them.

use matricula_core::link::{Leaving, LeavingAction, LeavingReason, Link};
use serde_json::{Value, json};

use super::{drive, selection};
use crate::args::{Common, StagedArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::table::Table;
use crate::{output, setup};

pub(crate) fn run(common: &Common, args: &StagedArgs) -> Result<Exit, Fault> {
    let matricula = setup::open(common)?;
    let flow = setup::flows(common).load(&args.flow, matricula.connectors())?;
    let selection = selection(&args.chosen, &[], &flow);
    let tenant = setup::tenant();
    let decides = args.approve || args.discard;
    let (staged, decided) = drive(async {
        let automation = matricula.automation(&tenant, &flow, &selection).await?;
        let staged = matricula.staged(&automation.id).await?;
        let decided = match decides {
            true => Some(matricula.decide(&automation.id, args.approve).await?),
            false => None,
        };
        Ok((staged, decided))
    })?;
    let decision = if args.approve {
        "approved"
    } else {
        "discarded"
    };
    match (common.json, decided) {
        (true, Some(count)) => {
            output::json(&json!({ "flow": flow.name(), "decision": decision, "count": count }))?;
        }
        (true, None) => {
            for link in &staged {
                output::json(&to_json(link))?;
            }
        }
        (false, Some(count)) => output::text(&decided_text(count, args.approve))?,
        (false, None) => output::text(&to_text(flow.name(), &staged))?,
    }
    Ok(Exit::Done)
}

fn to_json(link: &Link) -> Value {
    json!({ "key": link.key, "target": link.target, "leaving": link.leaving })
}

fn decided_text(count: u64, approve: bool) -> String {
    match (count, approve) {
        (0, _) => "Nothing is held back.".to_owned(),
        (count, true) => format!("{count} approved; the next run applies them."),
        (count, false) => format!("{count} discarded; these people keep their access."),
    }
}

fn to_text(flow: &str, staged: &[Link]) -> String {
    if staged.is_empty() {
        return "Nothing is held back.".to_owned();
    }
    let mut table = Table::new(["KEY", "ACCOUNT", "WOULD BE", "REASON"]);
    for link in staged {
        let (action, reason) = link.leaving.as_ref().map(words).unwrap_or_default();
        let account = link
            .target
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        table.row([
            link.key.to_string(),
            account,
            action.to_owned(),
            reason.to_owned(),
        ]);
    }
    format!(
        "{}\nDecide on all {}: matricula staged {flow} --approve, or --discard\n",
        table.render(),
        staged.len()
    )
}

fn words(leaving: &Leaving) -> (&'static str, &'static str) {
    let action = match leaving.action {
        LeavingAction::Block => "blocked",
        LeavingAction::Delete => "deleted",
    };
    let reason = match leaving.reason {
        LeavingReason::StartPending => "the contract has not begun",
        LeavingReason::EndReached => "the contract's end has been reached",
        LeavingReason::Barred => "the record in the source says so",
        LeavingReason::OutOfScope => "the flow's scope no longer takes this person in",
        LeavingReason::Gone => "missing from two successive complete reads of the source",
    };
    (action, reason)
}

#[cfg(test)]
mod tests {
    use matricula_core::link::Decision;

    use super::*;

    #[test]
    fn what_is_held_back_is_shown_with_what_to_do() {
        let link = Link {
            target: Some("a-1".into()),
            leaving: Some(Leaving {
                action: LeavingAction::Block,
                reason: LeavingReason::EndReached,
                decision: Decision::Staged,
            }),
            ..Link::new("17".into())
        };
        assert_eq!(
            to_text("sync", &[link]),
            "KEY  ACCOUNT  WOULD BE  REASON\n\
             17   a-1      blocked   the contract's end has been reached\n\
             \n\
             Decide on all 1: matricula staged sync --approve, or --discard\n"
        );
        assert_eq!(to_text("sync", &[]), "Nothing is held back.");
    }
}
