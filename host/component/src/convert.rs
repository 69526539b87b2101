//! Between the contract's data and the domain's, with the checks that types cannot make: a component can
//! return any number of anything, of any length.

use std::time::Duration;

use matricula_core::connector::{
    Call, Change, Choice, Choices, Disposition, Finding, Found, Item, Need, Page, Preparation,
    Receipt, Report,
};
use matricula_core::{Effect, Failure, FailureKind, SourceKey, TargetId};

use crate::bindings::{check, destination, lookup, source, types};
use crate::limits::{CODE, IDENTITY, MESSAGE, RETRY_AFTER, TOKEN};
use crate::text;

/// What is wrong with what a component returned, to be read after "… while …: ".
pub(crate) type Checked<T> = Result<T, String>;

pub(crate) fn context(call: &Call) -> types::Context {
    types::Context {
        config: call.config.as_ref().to_owned(),
        now_ms: call.now_ms,
        idempotency_key: call.idempotency_key.clone(),
    }
}

pub(crate) fn failure(failure: types::Failure) -> Failure {
    use types::FailureKind as Wit;
    Failure {
        kind: match failure.kind {
            Wit::Auth => FailureKind::Auth,
            Wit::Permission => FailureKind::Permission,
            Wit::Config => FailureKind::Config,
            Wit::Input => FailureKind::Input,
            Wit::NotFound => FailureKind::NotFound,
            Wit::Conflict => FailureKind::Conflict,
            Wit::RateLimited => FailureKind::RateLimited,
            Wit::Unavailable => FailureKind::Unavailable,
            Wit::Protocol => FailureKind::Protocol,
            Wit::Internal => FailureKind::Internal,
        },
        code: failure.code.map(|code| text::cut(code, CODE)),
        message: text::cut(failure.message, MESSAGE),
        retry_after: failure
            .retry_after_ms
            .map(|ms| Duration::from_millis(ms).min(RETRY_AFTER)),
        effect: match failure.effect {
            types::Effect::None => Effect::None,
            types::Effect::Unknown => Effect::Unknown,
            types::Effect::Applied => Effect::Applied,
        },
    }
}

/// A text that the host keeps and hands back.
fn token(what: &str, token: Option<String>) -> Checked<Option<String>> {
    match token {
        Some(token) if token.len() > TOKEN => Err(format!(
            "a {what} of {} bytes, of which {TOKEN} are allowed",
            token.len()
        )),
        token => Ok(token),
    }
}

fn identity(what: &str, id: String) -> Checked<String> {
    match id.len() {
        0 => Err(format!("{what} without an identity")),
        length if length > IDENTITY => Err(format!(
            "{what} with an identity of {length} bytes, of which {IDENTITY} are allowed"
        )),
        _ => Ok(id),
    }
}

/// A page of at most `most` records that leads on from `position`.
pub(crate) fn page(page: source::Page, position: Option<&str>, most: u32) -> Checked<Page> {
    if page.items.len() > most as usize {
        return Err(format!(
            "{} records, of which {most} were asked for",
            page.items.len()
        ));
    }
    let next = token("position", page.next)?;
    if next.is_some() && next.as_deref() == position {
        return Err(
            "the position that was asked for as the next one, which would never end".into(),
        );
    }
    let item = |item: source::Item| {
        let key = SourceKey::new(identity("a record", item.key)?);
        Ok(Item {
            key,
            deleted: item.deleted,
            data: item.data,
        })
    };
    Ok(Page {
        items: page.items.into_iter().map(item).collect::<Checked<_>>()?,
        next,
        state: token("state", page.state)?,
        complete: page.complete,
        total: page.total,
    })
}

pub(crate) fn needs(needs: &[Need]) -> Vec<check::Need> {
    let need = |need: &Need| check::Need {
        subject: need.subject.clone(),
        attributes: need.attributes.clone(),
    };
    needs.iter().map(need).collect()
}

pub(crate) fn report(report: check::Report) -> Report {
    let finding = |finding: check::Finding| Finding {
        ok: finding.ok,
        subject: text::cut(finding.subject, IDENTITY),
        message: text::cut(finding.message, MESSAGE),
    };
    Report {
        account: report.account.map(|account| text::cut(account, IDENTITY)),
        findings: report.findings.into_iter().map(finding).collect(),
    }
}

pub(crate) fn choices(choices: lookup::Choices) -> Checked<Choices> {
    let choice = |choice: lookup::Choice| {
        let value = identity("an option", choice.value)?;
        Ok(Choice {
            value,
            label: text::cut(choice.label, IDENTITY),
            hint: choice.hint.map(|hint| text::cut(hint, IDENTITY)),
        })
    };
    let items = choices
        .items
        .into_iter()
        .map(choice)
        .collect::<Checked<_>>()?;
    Ok(Choices {
        items,
        next: token("position", choices.next)?,
    })
}

pub(crate) fn preparation(preparation: destination::Preparation) -> Checked<Preparation> {
    let prepared = token("preparation", Some(preparation.prepared))?.unwrap_or_default();
    Ok(Preparation {
        prepared: prepared.into(),
        unavailable: preparation.unavailable,
    })
}

/// One list per value.
pub(crate) fn found(
    lists: Vec<Vec<destination::Found>>,
    values: usize,
) -> Checked<Vec<Vec<Found>>> {
    if lists.len() != values {
        return Err(format!("{} answers to {values} questions", lists.len()));
    }
    let one = |found: destination::Found| {
        let target = TargetId::new(identity("an account", found.remote_id)?);
        Ok(Found {
            target,
            data: found.data,
        })
    };
    lists
        .into_iter()
        .map(|list| list.into_iter().map(one).collect())
        .collect()
}

pub(crate) fn changes(changes: &[Change]) -> Vec<destination::Change> {
    let one = |change: &Change| destination::Change {
        idempotency_key: change.idempotency_key.clone(),
        remote_id: change
            .target
            .as_ref()
            .map(|target| target.as_str().to_owned()),
        data: change.data.clone(),
    };
    changes.iter().map(one).collect()
}

/// One outcome per change.
pub(crate) fn outcomes(
    outcomes: Vec<Result<destination::Receipt, types::Failure>>,
    changes: usize,
) -> Checked<Vec<Result<Receipt, Failure>>> {
    if outcomes.len() != changes {
        return Err(format!("{} outcomes of {changes} changes", outcomes.len()));
    }
    let one = |outcome| match outcome {
        Ok(receipt) => receipt_of(receipt).map(Ok),
        Err(refused) => Ok(Err(failure(refused))),
    };
    outcomes.into_iter().map(one).collect()
}

fn receipt_of(receipt: destination::Receipt) -> Checked<Receipt> {
    use destination::Disposition as Wit;
    let target = receipt
        .remote_id
        .map(|id| identity("an account", id))
        .transpose()?;
    Ok(Receipt {
        target: target.map(TargetId::new),
        disposition: match receipt.disposition {
            Wit::Created => Disposition::Created,
            Wit::Updated => Disposition::Updated,
            Wit::Unchanged => Disposition::Unchanged,
            Wit::Adopted => Disposition::Adopted,
            Wit::Deleted => Disposition::Deleted,
            Wit::Skipped => Disposition::Skipped,
        },
    })
}
