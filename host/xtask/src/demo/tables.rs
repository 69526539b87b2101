//! What the demonstration shows of cycles, accounts and documents.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;

/// Counts by outcome, and how many for each reason.
pub(super) fn plan_in_short(plan: &Value) -> String {
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for person in plan
        .get("people")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if let Some(code) = person.get("code").and_then(Value::as_str) {
            *reasons.entry(code).or_default() += 1;
        }
    }
    let mut said = counts(plan)
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{count} {name}"))
        .collect::<Vec<_>>()
        .join(", ");
    if !reasons.is_empty() {
        let reasons: Vec<_> = reasons
            .iter()
            .map(|(code, count)| format!("{count} {code}"))
            .collect();
        said.push_str(&format!("; among them {}", reasons.join(", ")));
    }
    said
}

fn counts(summary: &Value) -> impl Iterator<Item = (&str, u64)> {
    let counts = summary.get("counts").and_then(Value::as_object);
    counts
        .into_iter()
        .flatten()
        .map(|(name, count)| (name.as_str(), count.as_u64().unwrap_or(0)))
}

/// What a cycle says that it wrote.
pub(super) fn counted_writes(summary: &Value) -> u64 {
    let written = ["created", "updated", "deactivated", "reactivated"];
    counts(summary)
        .filter(|(name, _)| written.contains(name))
        .map(|(_, count)| count)
        .sum()
}

/// How many write requests the systems themselves saw.
pub(super) fn writes(stats: &Value) -> Result<u64> {
    let seen = stats.get("writes").and_then(Value::as_object);
    let counts = seen.into_iter().flatten().map(|(_, count)| count.as_u64());
    let sum = counts.sum::<Option<u64>>().filter(|_| seen.is_some());
    sum.context("the sandbox does not say how many writes it saw")
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    }
}

/// Both cycles of a flow side by side.
pub(super) fn summaries(flow: &str, cycles: &[(&str, Value, u64)]) -> String {
    let mut rows: Vec<(&str, Vec<String>)> = Vec::new();
    let mut row = |name, cell: &dyn Fn(&Value) -> String| {
        rows.push((
            name,
            cycles.iter().map(|(_, summary, _)| cell(summary)).collect(),
        ));
    };
    row("cycle", &|summary| text(summary.get("cycle")));
    row("status", &|summary| text(summary.get("status")));
    for name in [
        "created",
        "updated",
        "unchanged",
        "deactivated",
        "reactivated",
        "skipped",
        "staged",
        "ambiguous",
        "failed",
    ] {
        row(name, &|summary| {
            text(summary.pointer(&format!("/counts/{name}")))
        });
    }
    row("requests to source", &|summary| {
        text(summary.pointer("/requests/source"))
    });
    row("requests to target", &|summary| {
        text(summary.pointer("/requests/target"))
    });
    row("milliseconds", &|summary| text(summary.get("elapsed_ms")));
    let mut page = format!("\n{flow:31}");
    for (name, _, _) in cycles {
        page.push_str(&format!("{name:>12}"));
    }
    page.push('\n');
    for (name, cells) in rows {
        page.push_str(&format!("  {name:29}"));
        for cell in cells {
            page.push_str(&format!("{cell:>12}"));
        }
        page.push('\n');
    }
    page
}

/// An account, whatever system it is in.
struct Account {
    name: String,
    position: String,
    department: String,
    active: bool,
}

/// The accounts of a SCIM service.
pub(super) fn scim_accounts(people: u64, accounts: &Value) -> String {
    let enterprise = "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/department";
    let accounts = accounts.as_array().into_iter().flatten();
    let accounts = accounts.map(|account| Account {
        name: name(account, "/name/givenName", "/name/familyName"),
        position: text(account.get("title")),
        department: text(account.pointer(enterprise)),
        active: account.get("active") != Some(&Value::Bool(false)),
    });
    some_accounts(people, &accounts.collect::<Vec<_>>())
}

/// The users of Engagedly.
pub(super) fn engagedly_users(people: u64, users: &Value) -> String {
    let users = users.as_array().into_iter().flatten();
    let users = users.map(|user| Account {
        name: name(user, "/first_name", "/last_name"),
        position: text(user.pointer("/job_title/name")),
        department: text(user.pointer("/departments/0/name")),
        active: user.get("status").and_then(Value::as_str) == Some("Active"),
    });
    some_accounts(people, &users.collect::<Vec<_>>())
}

fn name(account: &Value, first: &str, last: &str) -> String {
    let [first, last] = [first, last].map(|at| text(account.pointer(at)));
    format!("{first} {last}")
}

/// How many there are, and a few of them: some that can be used, some that cannot.
fn some_accounts(people: u64, accounts: &[Account]) -> String {
    let blocked = accounts.iter().filter(|account| !account.active).count();
    let mut page = format!(
        "\nThere are now {} accounts for {people} people, {blocked} of them blocked.\n\nSome of them:\n",
        accounts.len()
    );
    for active in [true, false] {
        let some = accounts.iter().filter(|account| account.active == active);
        for account in some.take(4) {
            let state = if active { "active" } else { "blocked" };
            page.push_str(&format!(
                "  {:26} {:24} {:18} {state}\n",
                account.name, account.position, account.department
            ));
        }
    }
    page
}

/// The groups of a SCIM service.
pub(super) fn groups(groups: &Value) -> String {
    let groups = groups.as_array().map_or(&[][..], Vec::as_slice);
    let mut page = format!("\nThere are now {} groups. Some of them:\n", groups.len());
    for group in groups.iter().take(8) {
        let members = group.get("members").and_then(Value::as_array);
        let members = members.map_or(0, Vec::len);
        page.push_str(&format!(
            "  {:40} {members:>4} member{}\n",
            text(group.get("displayName")),
            if members == 1 { "" } else { "s" }
        ));
    }
    page
}

/// A few of the documents in people's files.
pub(super) fn documents(documents: &Value, categories: &Value) -> String {
    let documents = documents.as_array().map_or(&[][..], Vec::as_slice);
    let category = |document: &Value| {
        let categories = categories.as_array().into_iter().flatten();
        let named = categories
            .filter(|category| category.get("id") == document.get("category"))
            .find_map(|category| category.get("name"));
        text(named)
    };
    let mut page = format!(
        "\nPersonio now has {} documents in its people's files.\n\nSome of them:\n",
        documents.len()
    );
    for document in documents.iter().take(8) {
        let of = |name: &str| text(document.get(name));
        page.push_str(&format!(
            "  employee {:9} {:22} {:10}  {:39} {:>6} bytes\n",
            of("employee"),
            category(document),
            of("date"),
            of("title"),
            of("size")
        ));
    }
    page
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_write_in_a_summary_is_noticed() {
        let summary = |name: &str| json!({ "counts": { name: 1, "unchanged": 9, "failed": 3 } });
        for name in ["created", "updated", "deactivated", "reactivated"] {
            assert_eq!(counted_writes(&summary(name)), 1, "{name}");
        }
        assert_eq!(counted_writes(&summary("skipped")), 0);
    }

    #[test]
    fn the_systems_own_count_must_be_there() {
        let stats = json!({ "writes": { "personio": 9, "reteach": 1, "scim": 2 } });
        assert_eq!(writes(&stats).unwrap(), 12);
        assert!(writes(&json!({ "writes": 3 })).is_err());
        assert!(writes(&json!({ "writes": { "kombo": "many" } })).is_err());
    }

    #[test]
    fn a_plan_in_short_counts_reasons() {
        let plan = json!({
            "counts": { "created": 3, "updated": 0 },
            "people": [{ "code": "end-reached" }, { "code": "end-reached" }, { "code": null }],
        });
        assert_eq!(plan_in_short(&plan), "3 created; among them 2 end-reached");
    }
}
