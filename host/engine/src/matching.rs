//! Who has an account already? The ordered match rules, asked of the target.
//!
//! A handful of people are looked up one by one. A first cycle has thousands: then the target's accounts
//! are listed once and matched here, which costs it a request per hundred accounts instead of two a person.

use std::collections::HashMap;

use futures::{StreamExt, TryStreamExt, stream};
use matricula_core::connector::Found;
use matricula_core::{Failure, FailureKind, TargetId};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::plan::Account;
use crate::target::Target;

/// From so many unlinked people in a page on, all accounts are listed.
const LIST_FROM: usize = 10;

/// What the rules say of one person.
pub(crate) enum Matched {
    /// Nobody.
    None,
    /// Exactly one account by the first rule that found any.
    One(Account),
    /// So many accounts by the same rule.
    Several(usize),
}

/// Matches people against accounts, page after page.
#[derive(Default)]
pub(crate) struct Matcher {
    accounts: Option<Accounts>,
}

/// Every account of the target.
struct Accounts {
    data: Vec<(TargetId, Box<str>)>,
    /// By rule: hash of the value in lower case → places in `data`.
    by_rule: Vec<HashMap<u64, Vec<u32>>>,
}

impl Matcher {
    /// Applies the rules to each person's values (one per rule, none where it cannot be evaluated).
    pub(crate) async fn matches(
        &mut self,
        target: &Target,
        rules: &[String],
        people: &[Vec<Option<String>>],
    ) -> Result<Vec<Matched>, Failure> {
        if people.is_empty() {
            return Ok(Vec::new());
        }
        if self.accounts.is_none()
            && people.len() >= LIST_FROM
            && let Some(stream) = &target.operation.accounts
        {
            self.accounts = Some(Accounts::list(target, stream, rules).await?);
        }
        match &self.accounts {
            Some(accounts) => people
                .iter()
                .map(|values| accounts.apply(rules, values))
                .collect(),
            None => look_up(target, rules, people).await,
        }
    }
}

impl Accounts {
    async fn list(target: &Target, stream: &str, rules: &[String]) -> Result<Self, Failure> {
        let manifest = target.side.connector.manifest();
        let attributes: Vec<String> =
            matricula_core::manifest::properties(&target.operation.schema)
                .map(|properties| properties.keys().cloned().collect())
                .unwrap_or_default();
        let limit = manifest
            .streams
            .get(stream)
            .map_or(100, |stream| stream.page);
        let mut accounts = Self {
            data: Vec::new(),
            by_rule: rules.iter().map(|_| HashMap::new()).collect(),
        };
        let mut seen = std::collections::HashSet::new();
        let mut position = None;
        loop {
            let page = target
                .accounts(stream, &attributes, position, limit)
                .await?;
            for item in page.items {
                // A list that moves while it is read shows some accounts twice.
                if item.deleted || !seen.insert(xxh3_64(item.key.as_str().as_bytes())) {
                    continue;
                }
                let record = parse(&item.data)?;
                let place = u32::try_from(accounts.data.len()).unwrap_or(u32::MAX);
                for (rule, index) in rules.iter().zip(&mut accounts.by_rule) {
                    if let Some(value) = record.get(rule).and_then(Value::as_str) {
                        index.entry(fold(value)).or_default().push(place);
                    }
                }
                accounts
                    .data
                    .push((TargetId::new(item.key.as_str()), item.data.into_boxed_str()));
            }
            match page.next {
                Some(next) => position = Some(next),
                None => return Ok(accounts),
            }
        }
    }

    fn apply(&self, rules: &[String], values: &[Option<String>]) -> Result<Matched, Failure> {
        for ((rule, index), value) in rules.iter().zip(&self.by_rule).zip(values) {
            let Some(value) = value else { continue };
            let mut found = Vec::new();
            for place in index.get(&fold(value)).into_iter().flatten() {
                let Some((target, data)) = self.data.get(*place as usize) else {
                    continue;
                };
                let data = parse(data)?;
                if same(data.get(rule), value) {
                    found.push(Account {
                        target: target.clone(),
                        data,
                    });
                }
            }
            if let Some(matched) = verdict(found) {
                return Ok(matched);
            }
        }
        Ok(Matched::None)
    }
}

/// Asks the target rule by rule, for those whom no earlier rule has found.
async fn look_up(
    target: &Target,
    rules: &[String],
    people: &[Vec<Option<String>>],
) -> Result<Vec<Matched>, Failure> {
    let mut matched: Vec<Matched> = people.iter().map(|_| Matched::None).collect();
    for (number, rule) in rules.iter().enumerate() {
        let wanted: Vec<(usize, String)> = people
            .iter()
            .enumerate()
            .filter(|(person, _)| matches!(matched.get(*person), Some(Matched::None)))
            .filter_map(|(person, values)| Some((person, values.get(number)?.clone()?)))
            .collect();
        let batch = target.operation.batch.max(1) as usize;
        let concurrency = target.operation.concurrency.max(1) as usize;
        let questions: Vec<_> = wanted
            .chunks(batch)
            .map(|chunk| ask(target, rule, chunk))
            .collect();
        let answers: Vec<Vec<(usize, String, Vec<Found>)>> = stream::iter(questions)
            .buffer_unordered(concurrency)
            .try_collect()
            .await?;
        for (person, value, found) in answers.into_iter().flatten() {
            let mut accounts = Vec::new();
            for found in found {
                let data = parse(&found.data)?;
                if same(data.get(rule), &value) {
                    accounts.push(Account {
                        target: found.target,
                        data,
                    });
                }
            }
            if let (Some(verdict), Some(slot)) = (verdict(accounts), matched.get_mut(person)) {
                *slot = verdict;
            }
        }
    }
    Ok(matched)
}

/// Asks for a few people by one rule.
async fn ask(
    target: &Target,
    rule: &str,
    people: &[(usize, String)],
) -> Result<Vec<(usize, String, Vec<Found>)>, Failure> {
    let values: Vec<String> = people.iter().map(|(_, value)| value.clone()).collect();
    let found = target.find(rule, &values).await?;
    let people = people.iter().cloned().zip(found);
    Ok(people
        .map(|((person, value), found)| (person, value, found))
        .collect())
}

fn verdict(mut found: Vec<Account>) -> Option<Matched> {
    match found.len() {
        0 => None,
        1 => found.pop().map(Matched::One),
        several => Some(Matched::Several(several)),
    }
}

/// Identities are compared without regard to case, as user names are.
fn same(held: Option<&Value>, wanted: &str) -> bool {
    held.and_then(Value::as_str)
        .is_some_and(|held| held.to_lowercase() == wanted.to_lowercase())
}

fn fold(value: &str) -> u64 {
    xxh3_64(value.to_lowercase().as_bytes())
}

pub(crate) fn parse(data: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(data).map_err(|_| {
        Failure::new(
            FailureKind::Protocol,
            "the connector passed an account that is no JSON object",
        )
    })
}
