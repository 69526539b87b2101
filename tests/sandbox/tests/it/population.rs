//! What made-up people look like.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use matricula_sandbox::Sandbox;
use serde_json::{Map, Value};

use crate::http::{get, personio_token};

const NOW: &str = "2026-11-21T08:00:00Z";

fn start(people: usize, seed: u64) -> Sandbox {
    let now = NOW.parse().unwrap();
    Sandbox::builder()
        .people(people)
        .seed(seed)
        .now(now)
        .limits(None)
        .start_blocking()
        .unwrap()
}

fn everybody(sandbox: &Sandbox) -> Vec<Map<String, Value>> {
    let people = sandbox.people();
    people
        .ids()
        .into_iter()
        .map(|id| people.get(id).unwrap())
        .collect()
}

fn day(value: &Value) -> Option<&str> {
    value.as_str().map(|text| &text[..10])
}

#[test]
fn a_seed_names_a_population() {
    assert_eq!(everybody(&start(300, 7)), everybody(&start(300, 7)));
    assert_ne!(everybody(&start(300, 7)), everybody(&start(300, 8)));
}

#[test]
fn everything_that_occurs_in_real_accounts_occurs() {
    let all = everybody(&start(2000, 1));
    let count = |test: &dyn Fn(&Map<String, Value>) -> bool| all.iter().filter(|p| test(p)).count();
    let today = &NOW[..10];

    let mut statuses = BTreeMap::new();
    for person in &all {
        *statuses
            .entry(person["status"].as_str().unwrap())
            .or_insert(0) += 1;
    }
    assert_eq!(
        statuses.keys().copied().collect::<Vec<_>>(),
        ["active", "inactive", "leave", "onboarding"]
    );
    assert!(statuses["active"] > 1400 && statuses["inactive"] > 150 && statuses["onboarding"] > 40);

    assert!(
        all.iter()
            .all(|p| p["status"] != "onboarding" || day(&p["hire_date"]) > Some(today))
    );
    let past = |p: &Map<String, Value>, key: &str| day(&p[key]).is_some_and(|d| d < today);
    assert!(all.iter().all(|p| {
        p["status"] != "inactive" || past(p, "contract_end_date") || past(p, "termination_date")
    }));
    assert!(count(&|p| p["status"] == "active" && past(p, "contract_end_date")) > 5);
    assert!(count(&|p| day(&p["contract_end_date"]) > Some(today)) > 100);
    assert!(count(&|p| day(&p["termination_date"]) > Some(today)) > 10);
    assert!(count(&|p| p["hire_date"].is_null()) > 5);
    assert!(count(&|p| p["gender"] == "") > 50 && count(&|p| p["gender"] == "diverse") > 5);
    assert!(count(&|p| p["position"] == "") > 40);

    for hollow in [
        Value::Null,
        Value::from(""),
        Value::from(Vec::<Value>::new()),
    ] {
        assert!(count(&|p| p["team"] == hollow) > 10, "{hollow}");
    }
    let offsets: BTreeSet<&str> = all
        .iter()
        .filter_map(|p| p["hire_date"].as_str())
        .map(|t| &t[19..])
        .collect();
    assert_eq!(offsets, BTreeSet::from(["+00:00", "+01:00", "+02:00"]));
    assert!(all.iter().all(|p| p["weekly_working_hours"].is_string()));
    let schedule = all[0]["work_schedule"]["attributes"]["id"]
        .as_u64()
        .unwrap();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the loss is the point"
    )]
    let rounded = schedule as f64 as u64;
    assert_ne!(schedule, rounded, "a double cannot hold it");
    let tags = |encoded: bool| {
        count(&|p| {
            let text = p["dynamic_9100004"].as_str().unwrap();
            !text.is_empty() && text.starts_with('[') == encoded
        })
    };
    assert!(tags(true) > 100 && tags(false) > 500);
    assert!(
        count(&|p| p["fix_salary"].is_u64()) > 100 && count(&|p| p["fix_salary"].is_f64()) > 100
    );
    for key in ["department", "office", "subcompany", "team"] {
        let names: HashSet<String> = all
            .iter()
            .map(|p| p[key]["attributes"]["name"].to_string())
            .collect();
        assert!(names.len() > 3, "{key}");
    }
}

#[test]
fn addresses_are_unique_and_made_up() {
    let sandbox = start(20_000, 3);
    let people = sandbox.people();
    let emails: HashSet<String> = people
        .ids()
        .into_iter()
        .map(|id| people.text(id, "email"))
        .collect();
    assert_eq!(emails.len(), 20_000);
    assert!(
        emails
            .iter()
            .all(|e| e.is_ascii() && e.ends_with("@example.com") && !e.contains(' '))
    );
}

#[test]
fn supervisors_form_a_tree() {
    let all = everybody(&start(3000, 2));
    let supervisor: HashMap<u64, Option<u64>> = all
        .iter()
        .map(|p| {
            let boss = p["supervisor"]["attributes"]["id"]["value"].as_u64();
            (p["id"].as_u64().unwrap(), boss)
        })
        .collect();
    let order: HashMap<u64, usize> = all
        .iter()
        .enumerate()
        .map(|(i, p)| (p["id"].as_u64().unwrap(), i))
        .collect();
    let (mut later, mut without) = (0, 0);
    for (&id, &boss) in &supervisor {
        let mut steps = 0;
        let mut at = boss;
        while let Some(next) = at {
            steps += 1;
            assert!(steps < 50, "a cycle above {id}");
            at = supervisor[&next];
        }
        match boss {
            Some(boss) if order[&boss] > order[&id] => later += 1,
            Some(_) => {}
            None => without += 1,
        }
    }
    assert!(later > 1000, "{later} refer to somebody later in the list");
    assert!((10..200).contains(&without), "{without}");
}

#[test]
fn a_large_population_is_quick() {
    let begin = Instant::now();
    let sandbox = start(100_000, 1);
    let started = begin.elapsed();
    let token = personio_token(&sandbox);
    let keys = [
        "id",
        "first_name",
        "last_name",
        "email",
        "gender",
        "status",
        "position",
        "department",
        "office",
        "subcompany",
        "supervisor",
        "employment_type",
        "hire_date",
        "contract_end_date",
        "last_modified_at",
    ];
    let query: String = keys.iter().map(|k| format!("&attributes[]={k}")).collect();
    let url = format!(
        "{}/v1/company/employees?limit=100{query}",
        sandbox.personio_url()
    );
    let mut fastest = std::time::Duration::MAX;
    for page in 0..20 {
        let begin = Instant::now();
        let reply = get(&format!("{url}&offset={}", page * 100), &token);
        fastest = fastest.min(begin.elapsed());
        assert_eq!(reply.json()["data"].as_array().unwrap().len(), 100);
    }
    // Generous: an unoptimised build on a busy machine.
    assert!(started.as_secs() < 20, "{started:?}");
    assert!(fastest.as_millis() < 100, "{fastest:?}");
}
