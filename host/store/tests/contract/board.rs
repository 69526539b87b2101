//! Automations at a glance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use matricula_core::automation::Automation;
use matricula_core::board::{Attention, BEATS, Beat, Card, CardFilter, CardPosition};
use matricula_core::document::{Document, DocumentDecision, DocumentState};
use matricula_core::link::{Decision, Link};
use matricula_core::notice::Contact;
use matricula_core::run::{CycleKind, Run, RunStatus, Trigger};
use matricula_core::standing::{Hold, Lifecycle, Standing};
use matricula_core::store::Commit;
use matricula_core::{AutomationId, Failure, FailureKind, SourceKey, TenantId};
use proptest::prelude::*;

use super::made_up::*;

fn all() -> CardFilter {
    CardFilter {
        limit: 200,
        ..CardFilter::default()
    }
}

fn position(card: &Card) -> CardPosition {
    CardPosition {
        attention: card.attention,
        flow: card.standing.flow.clone(),
        automation: card.standing.automation.clone(),
    }
}

fn held() -> Option<Hold> {
    Some(Hold {
        failure: Failure::new(FailureKind::Unavailable, "no answer"),
        since: at(1),
        attempts: 3,
    })
}

async fn ids(store: &AnyStore, filter: &CardFilter) -> Vec<String> {
    let cards = store.cards(&tenant(), filter, at(0)).await.unwrap();
    cards
        .iter()
        .map(|card| card.standing.automation.as_str().to_owned())
        .collect()
}

async fn glance(store: &AnyStore, id: &AutomationId, now: i64) -> Card {
    store.card(id, at(now)).await.unwrap().unwrap()
}

pub async fn everything_at_a_glance(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    let fresh = glance(&store, &id, 0).await;
    let expected = Card {
        standing: store.standing(&id).await.unwrap().unwrap(),
        attention: Attention::None,
        running: false,
        last_run: None,
        health: Vec::new(),
        staged: 0,
        doubtful: 0,
        automation: store.automation(&id).await.unwrap().unwrap(),
        contacts: Vec::new(),
        linked: 0,
        active: 0,
    };
    assert_eq!(fresh, expected);
    let contact = Contact {
        email: "erika@example.com".to_owned(),
        name: None,
        language: "de".to_owned(),
        alerts: true,
        report: false,
    };
    let contacts = [contact];
    store.set_contacts(&id, &contacts).await.unwrap();

    let running = Running::of(store.clone(), "automation").await;
    running
        .write([
            leaving("a", Decision::Staged),
            leaving("b", Decision::Staged),
            leaving("c", Decision::Open),
            leaving("d", Decision::Approved),
        ])
        .await;
    running
        .file([
            stands("e", DocumentState::Doubtful),
            stands("f", DocumentState::Failed),
        ])
        .await;
    let card = glance(&store, &id, 1_999).await;
    let known = store.population(&id, at(0)).await.unwrap();
    assert_eq!(known.linked, 4);
    let beat = Beat {
        run: running.run.id,
        status: RunStatus::Running,
        started_at: at(1_000),
    };
    let expected = Card {
        attention: Attention::Decision,
        running: true,
        last_run: Some(running.run.clone()),
        health: vec![beat],
        staged: 2,
        doubtful: 1,
        contacts: contacts.to_vec(),
        linked: known.linked,
        active: known.active,
        ..expected
    };
    assert_eq!(card, expected);
    let listed = store.cards(&tenant(), &all(), at(1_999)).await.unwrap();
    assert_eq!(listed, [expected]);
    // The lease has run out, or was given back.
    assert!(!glance(&store, &id, 2_000).await.running);
    store.release(&running.lease).await.unwrap();
    assert!(!glance(&store, &id, 1_999).await.running);

    let nowhere = AutomationId::new("nowhere");
    assert_eq!(store.card(&nowhere, at(0)).await.unwrap(), None);
    let silent = set_up(&store, "not started").await;
    assert_eq!(store.card(&silent, at(0)).await.unwrap(), None);
    assert_eq!(ids(&store, &all()).await, ["automation"]);
    let other = TenantId::new("other");
    assert_eq!(store.cards(&other, &all(), at(0)).await.unwrap(), []);
}

pub async fn the_last_runs(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    let other = enrolled(&store, "other").await.automation;
    let statuses = [
        RunStatus::Succeeded,
        RunStatus::Partial,
        RunStatus::Failed,
        RunStatus::Stopped,
    ];
    let mut expected = Vec::new();
    for number in 0..40 {
        for id in [&id, &other] {
            let lease = take(&store, id, "node-a").await.unwrap();
            let (trigger, kind) = (Trigger::Schedule, CycleKind::Incremental);
            let began = at(1_000 + number);
            let begun = store.begin(&lease, FLOW, &trigger, kind, began).await;
            let run = Run {
                status: statuses[usize::try_from(number).unwrap() % 4],
                finished_at: Some(at(1_500 + number)),
                ..begun.unwrap()
            };
            store.finish(&lease, &run, None).await.unwrap();
            store.release(&lease).await.unwrap();
            if id.as_str() == "automation" {
                expected.push(run);
            }
        }
    }
    let card = glance(&store, &id, 0).await;
    assert_eq!(card.last_run.as_ref(), expected.last());
    let beats: Vec<Beat> = expected[10..]
        .iter()
        .map(|run| Beat {
            run: run.id,
            status: run.status,
            started_at: run.started_at,
        })
        .collect();
    assert_eq!(beats.len(), BEATS);
    assert_eq!(card.health, beats);

    // What is no longer kept is not shown.
    let kept = at(1_500 + 38);
    while store.prune(&tenant(), kept, 9).await.unwrap() > 0 {}
    assert_eq!(glance(&store, &id, 0).await.health, beats[28..]);
}

pub async fn who_needs_somebody_first(store: AnyStore) {
    let mut flows: Vec<&str> = Vec::new();
    for (id, flow) in [
        ("a", "sync"),
        ("b", "sync"),
        ("c", "file"),
        ("d", "sync"),
        ("e", "file"),
        ("f", "sync"),
        ("g", "file"),
        ("h", "sync"),
    ] {
        flows.push(flow);
        let id = enrolled(&store, id).await.automation;
        let of_flow = Automation {
            flow: flow.to_owned(),
            ..automation(id.as_str())
        };
        store.put_automation(&of_flow).await.unwrap();
    }
    let change = async |id: &str, change: &dyn Fn(&mut Standing)| {
        changed(&store, &AutomationId::new(id), |standing| change(standing)).await;
    };
    change("h", &|standing| standing.lifecycle = Lifecycle::Paused).await;
    change("g", &|standing| standing.hold = held()).await;
    change("f", &|standing| standing.overdue = true).await;
    change("e", &|standing| {
        standing.lifecycle = Lifecycle::Deactivated;
        standing.overdue = true;
        standing.hold = held();
    })
    .await;
    let running = Running::of(store.clone(), "d").await;
    let of_flow = Automation {
        flow: "sync".to_owned(),
        ..automation("d")
    };
    store.put_automation(&of_flow).await.unwrap();
    running.write([leaving("x", Decision::Staged)]).await;
    let expected = ["h", "d", "g", "f", "c", "e", "a", "b"];
    assert_eq!(ids(&store, &all()).await, expected);

    // In pages of any size.
    for limit in 1..9 {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let filter = CardFilter {
                after,
                limit,
                ..all()
            };
            let page = store.cards(&tenant(), &filter, at(0)).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit as usize);
            after = Some(position(last));
            found.extend(page);
        }
        let found: Vec<&str> = found
            .iter()
            .map(|card| card.standing.automation.as_str())
            .collect();
        assert_eq!(found, expected, "{limit}");
    }
    let none = CardFilter { limit: 0, ..all() };
    assert_eq!(ids(&store, &none).await, [""; 0]);

    let only = async |flow: Option<&str>, lifecycle, after: Option<(Attention, &str, &str)>| {
        let filter = CardFilter {
            flow: flow.map(str::to_owned),
            lifecycle,
            after: after.map(|(attention, flow, id)| CardPosition {
                attention,
                flow: flow.to_owned(),
                automation: AutomationId::new(id),
            }),
            limit: 9,
        };
        ids(&store, &filter).await
    };
    let stopped = Some(Lifecycle::Deactivated);
    let active = Some(Lifecycle::Active);
    assert_eq!(only(Some("file"), None, None).await, ["g", "c", "e"]);
    assert_eq!(only(None, stopped, None).await, ["e"]);
    assert_eq!(only(Some("sync"), stopped, None).await, [""; 0]);
    assert_eq!(only(Some("sync"), active, None).await, ["d", "f", "a", "b"]);
    assert_eq!(only(None, Some(Lifecycle::Paused), None).await, ["h"]);
    // After a card that has moved or gone in the meantime, and of another flow.
    let after = (Attention::None, "file", "d");
    assert_eq!(only(None, None, Some(after)).await, ["e", "a", "b"]);
    assert_eq!(only(Some("file"), None, Some(after)).await, ["e"]);
    assert_eq!(only(Some("sync"), None, Some(after)).await, ["a", "b"]);
    let after = (Attention::None, "sync", "");
    assert_eq!(only(Some("file"), None, Some(after)).await, [""; 0]);

    let counted = store.automations_by_flow(&tenant()).await.unwrap();
    let count = |flow: &str| flows.iter().filter(|one| **one == flow).count() as u64;
    let pair = |flow: &str| (flow.to_owned(), count(flow));
    assert_eq!(counted, [pair("file"), pair("sync")]);
}

const AUTOMATIONS: [&str; 4] = ["a", "a\0b", "b", "ä"];

/// What anybody can do that a card may depend on.
#[derive(Debug, Clone)]
enum Deed {
    Stand(Lifecycle, bool, bool),
    Flow(&'static str),
    Page(Vec<Link>, Vec<Document>, Vec<String>),
    Decide(Decision),
    DecideDocuments(DocumentDecision),
    Forget(String),
    Erase(String),
    Reevaluate,
    Remove,
}

fn any_deed() -> impl Strategy<Value = Deed> {
    use DocumentState::{Again, Delivered, Doubtful, Failed, Intended, Unwanted, Waiting};
    let lifecycle = prop_oneof![
        3 => Just(Lifecycle::Active),
        1 => Just(Lifecycle::Paused),
        1 => Just(Lifecycle::Deactivated),
    ];
    let state = prop_oneof![
        1 => Just(Doubtful),
        1 => proptest::sample::select(vec![Waiting, Intended, Delivered, Failed, Again, Unwanted]),
    ];
    let document =
        ("[p-r]", state, proptest::option::of("[k-n]")).prop_map(|(key, state, owner)| Document {
            owner: owner.map(SourceKey::new),
            ..stands(&key, state)
        });
    let decision = prop_oneof![
        3 => Just(Some(Decision::Staged)),
        1 => Just(Some(Decision::Open)),
        1 => Just(Some(Decision::Approved)),
        1 => Just(None),
    ];
    let link = ("[k-n]", decision).prop_map(|(key, decision)| match decision {
        Some(decision) => leaving(&key, decision),
        None => member(&key),
    });
    let page = (
        proptest::collection::vec(link, 0..3),
        proptest::collection::vec(document, 0..3),
        proptest::collection::vec("[p-r]", 0..2),
    );
    prop_oneof![
        6 => (lifecycle, any::<bool>(), any::<bool>())
            .prop_map(|(lifecycle, hold, overdue)| Deed::Stand(lifecycle, hold, overdue)),
        1 => proptest::sample::select(vec!["f", "g", "f\0", "é"]).prop_map(Deed::Flow),
        6 => page.prop_map(|(links, documents, forgotten)| Deed::Page(links, documents, forgotten)),
        3 => proptest::sample::select(vec![Decision::Approved, Decision::Discarded]).prop_map(Deed::Decide),
        3 => proptest::sample::select(vec![DocumentDecision::Arrived, DocumentDecision::SendAgain])
            .prop_map(Deed::DecideDocuments),
        2 => "[k-n]".prop_map(Deed::Forget),
        2 => "[k-n]".prop_map(Deed::Erase),
        1 => Just(Deed::Reevaluate),
        2 => Just(Deed::Remove),
    ]
}

async fn do_it(store: &AnyStore, id: &AutomationId, deed: Deed) {
    match deed {
        Deed::Stand(lifecycle, hold, overdue) => {
            if store.standing(id).await.unwrap().is_none() {
                let first = Standing {
                    lifecycle,
                    ..standing(id)
                };
                store.enroll(&silent(first)).await.unwrap();
            }
            changed(store, id, |standing| {
                standing.lifecycle = lifecycle;
                standing.hold = hold.then(held).flatten();
                standing.overdue = overdue;
            })
            .await;
        }
        Deed::Flow(flow) => {
            let renamed = Automation {
                flow: flow.to_owned(),
                ..automation(id.as_str())
            };
            store.put_automation(&renamed).await.unwrap();
        }
        Deed::Page(links, documents, forgotten) => {
            let lease = take(store, id, "node-a").await.unwrap();
            let run = match store.unfinished(id).await.unwrap() {
                Some((run, _)) => run,
                None => {
                    let kind = CycleKind::Full;
                    let begun = store.begin(&lease, FLOW, &manual(), kind, at(1_000)).await;
                    begun.unwrap()
                }
            };
            let (store, id) = (store.clone(), id.clone());
            let running = Running {
                store,
                id,
                lease,
                run,
            };
            let page = Commit {
                links: links.into_iter().map(|link| written(link, None)).collect(),
                documents,
                forgotten: forgotten.into_iter().map(SourceKey::new).collect(),
                ..running.page()
            };
            running.store.commit(&running.lease, page).await.unwrap();
            running.store.release(&running.lease).await.unwrap();
        }
        Deed::Decide(decision) => {
            store.decide(id, decision).await.unwrap();
        }
        Deed::DecideDocuments(decision) => {
            store.decide_documents(id, None, decision).await.unwrap();
        }
        Deed::Forget(key) => {
            store.forget(id, &SourceKey::new(key)).await.unwrap();
        }
        Deed::Erase(key) => {
            store.erase(id, &SourceKey::new(key)).await.unwrap();
        }
        Deed::Reevaluate => store.reevaluate(id).await.unwrap(),
        Deed::Remove => {
            store.remove_automation(id, at(0)).await.unwrap();
            set_up(store, id.as_str()).await;
        }
    }
}

/// What a card must say, from everything that it is made of.
async fn from_scratch(store: &AnyStore) -> Vec<(Attention, String, AutomationId, u64, u64)> {
    let mut expected = Vec::new();
    for standing in store.standings(Some(&tenant()), None, 99).await.unwrap() {
        let id = standing.automation.clone();
        let staged = store.leaving(&id, &[Decision::Staged], None, 99).await;
        let doubtful = store
            .documents_in(&id, &[DocumentState::Doubtful], None, 99)
            .await;
        let (staged, doubtful) = (staged.unwrap().len() as u64, doubtful.unwrap().len() as u64);
        let attention = match standing.lifecycle {
            Lifecycle::Paused => Attention::Paused,
            Lifecycle::Deactivated => Attention::None,
            Lifecycle::Active if staged + doubtful > 0 => Attention::Decision,
            Lifecycle::Active if standing.is_quarantined() => Attention::Quarantined,
            Lifecycle::Active if standing.overdue => Attention::Overdue,
            Lifecycle::Active => Attention::None,
        };
        expected.push((attention, standing.flow, id, staged, doubtful));
    }
    expected.sort();
    expected
}

/// After any sequence of deeds, the list is the one that is made by looking at everything.
pub async fn cards_are_right_after_anything(store: AnyStore) {
    for id in AUTOMATIONS {
        set_up(&store, id).await;
    }
    let met: Arc<Mutex<BTreeSet<Attention>>> = Arc::default();
    let seen = Arc::clone(&met);
    let deeds = proptest::collection::vec(
        (proptest::sample::select(&AUTOMATIONS[..]), any_deed()),
        1..4,
    );
    property(deeds, 192, async move |deeds| {
        for (id, deed) in deeds {
            do_it(&store, &AutomationId::new(id), deed).await;
        }
        let expected = from_scratch(&store).await;
        let cards = store.cards(&tenant(), &all(), at(0)).await.unwrap();
        let found: Vec<_> = cards
            .iter()
            .map(|card| {
                let CardPosition {
                    attention,
                    flow,
                    automation,
                } = position(card);
                (attention, flow, automation, card.staged, card.doubtful)
            })
            .collect();
        prop_assert_eq!(&found, &expected);
        for card in &cards {
            seen.lock().unwrap().insert(card.attention);
            let id = &card.standing.automation;
            let (same, stands) = (store.card(id, at(0)).await, store.standing(id).await);
            prop_assert_eq!(same.unwrap(), Some(card.clone()));
            prop_assert_eq!(stands.unwrap(), Some(card.standing.clone()));
        }
        let mut flows = BTreeMap::new();
        for (_, flow, ..) in &expected {
            *flows.entry(flow.clone()).or_insert(0_u64) += 1;
        }
        let counted = store.automations_by_flow(&tenant()).await.unwrap();
        prop_assert_eq!(counted, flows.into_iter().collect::<Vec<_>>());
        Ok(())
    })
    .await;
    assert_eq!(met.lock().unwrap().len(), 5, "each was met");
}

/// A run that is removed with its automation is nobody's last one.
pub async fn a_card_goes_with_its_automation(store: AnyStore) {
    let id = enrolled(&store, "automation").await.automation;
    let running = Running::of(store.clone(), "automation").await;
    running.write([leaving("a", Decision::Staged)]).await;
    running.file([stands("b", DocumentState::Doubtful)]).await;
    store.remove_automation(&id, at(2_000)).await.unwrap();
    assert_eq!(ids(&store, &all()).await, [""; 0]);
    assert_eq!(store.automations_by_flow(&tenant()).await.unwrap(), []);
    // One of the same name begins anew.
    enrolled(&store, "automation").await;
    let card = glance(&store, &id, 0).await;
    assert_eq!(
        (card.attention, card.staged, card.doubtful, card.last_run),
        (Attention::None, 0, 0, None)
    );
    assert!(card.health.is_empty());
}
