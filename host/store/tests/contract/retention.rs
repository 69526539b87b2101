//! What is dropped, by age and by person, and what is begun anew.

use matricula_core::automation::{Automation, Memory};
use matricula_core::document::{Document, DocumentState};
use matricula_core::journal::Deed;
use matricula_core::link::Trouble;
use matricula_core::notice::{Channel, NoticeKind};
use matricula_core::run::{CycleKind, Outcome, OutcomeKind, Progress, Run, RunStatus, Trigger};
use matricula_core::store::{Commit, OutcomeFilter, StoreError};
use matricula_core::{AutomationId, CredentialId, SourceKey, TargetId, TenantId};

use super::made_up::*;

fn outcome(key: &str) -> Outcome {
    Outcome {
        key: SourceKey::new(key),
        target: Some(TargetId::new(format!("account-{key}"))),
        kind: OutcomeKind::Updated,
        code: None,
        reason: None,
        changed: vec!["first_name".to_owned()],
    }
}

async fn outcomes(store: &AnyStore, run: &Run) -> Vec<String> {
    let filter = OutcomeFilter {
        limit: 99,
        ..OutcomeFilter::default()
    };
    let found = store.outcomes(run.id, &filter).await.unwrap();
    found
        .into_iter()
        .map(|(_, outcome)| outcome.key.as_str().to_owned())
        .collect()
}

/// Runs of the automation that ended at these moments.
async fn ended(running: &Running, moments: &[i64]) -> Vec<Run> {
    let Running {
        store, lease, run, ..
    } = running;
    let mut runs = Vec::new();
    let mut next = run.clone();
    for moment in moments {
        let page = Commit {
            run: next.clone(),
            outcomes: vec![outcome("1"), outcome("2")],
            ..running.page()
        };
        store.commit(lease, page).await.unwrap();
        let ended = Run {
            status: RunStatus::Succeeded,
            finished_at: Some(at(*moment)),
            ..next
        };
        store.finish(lease, &ended, None).await.unwrap();
        runs.push(ended);
        next = store
            .begin(
                lease,
                FLOW,
                &Trigger::Schedule,
                CycleKind::Incremental,
                at(*moment),
            )
            .await
            .unwrap();
    }
    runs
}

pub async fn old_runs_go_in_portions(store: AnyStore) {
    let running = Running::new(store).await;
    let runs = ended(&running, &[2_000, 3_000, 4_000, 5_000]).await;
    let store = &running.store;
    let other = TenantId::new("other");
    assert_eq!(store.prune(&other, at(9_000), 9).await.unwrap(), 0);
    assert_eq!(store.prune(&tenant(), at(2_000), 9).await.unwrap(), 0);
    assert_eq!(store.prune(&tenant(), at(5_000), 2).await.unwrap(), 2);
    assert_eq!(store.run(runs[1].id).await.unwrap(), None);
    assert!(outcomes(store, &runs[1]).await.is_empty());
    assert_eq!(
        store.run(runs[2].id).await.unwrap().as_ref(),
        Some(&runs[2])
    );
    assert_eq!(store.prune(&tenant(), at(5_000), 2).await.unwrap(), 1);
    assert_eq!(store.prune(&tenant(), at(5_000), 2).await.unwrap(), 0);
    assert_eq!(outcomes(store, &runs[3]).await, ["1", "2"]);
    assert!(
        store.unfinished(&running.id).await.unwrap().is_some(),
        "who runs is not old"
    );
}

pub async fn what_is_needed_stays(store: AnyStore) {
    let running = Running::new(store).await;
    let Running {
        store,
        id,
        lease,
        run,
    } = &running;
    // It failed, and the next one is to go on from where it was.
    let failed = Run {
        status: RunStatus::Failed,
        finished_at: Some(at(2_000)),
        ..run.clone()
    };
    let page = Commit {
        run: failed.clone(),
        progress: Progress {
            position: Some("page 7".to_owned()),
            ..Progress::default()
        },
        ..running.page()
    };
    store.commit(lease, page).await.unwrap();
    let kinds = [
        (NoticeKind::Paused, "delivered and stands"),
        (NoticeKind::Staged, "waits"),
        (NoticeKind::Overdue, "nobody was chosen"),
        (NoticeKind::Test, "delivered"),
        (NoticeKind::Report, "1970-01-01"),
    ];
    for (kind, reason) in kinds {
        let notice = notice(Some(id), kind, reason);
        assert!(store.post(&notice).await.unwrap());
    }
    let way = Channel::Webhook {
        endpoint: CredentialId::new("hook"),
        url: "https://hooks.example.com/".to_owned(),
    };
    let told = store.unaddressed(9).await.unwrap();
    for (number, notice) in &told {
        if notice.kind != NoticeKind::Overdue {
            store
                .address(*number, std::slice::from_ref(&way), at(5_000))
                .await
                .unwrap();
        }
    }
    for delivery in store.deliverable(at(5_000), 9).await.unwrap() {
        if delivery.notice.kind != NoticeKind::Staged {
            store.delivered(delivery.id, at(5_100)).await.unwrap();
        }
    }
    store.note(&entry(Some(id), Deed::Started)).await.unwrap();

    // What was told and noted at five thousand is not before five thousand.
    assert_eq!(store.prune(&tenant(), at(5_000), 9).await.unwrap(), 0);
    assert_eq!(
        store.journal(&tenant(), None, None, 9).await.unwrap().len(),
        1
    );
    assert_eq!(store.prune(&tenant(), at(9_000), 9).await.unwrap(), 0);
    assert_eq!(store.journal(&tenant(), None, None, 9).await.unwrap(), []);
    let (kept, progress) = store.unfinished(id).await.unwrap().unwrap();
    assert_eq!(
        (&kept, progress.position.as_deref()),
        (&failed, Some("page 7"))
    );
    assert_eq!(store.waiting().await.unwrap(), 1);
    assert_eq!(store.unaddressed(9).await.unwrap().len(), 1);
    // A reason that stands is still known; the day of a report has gone.
    for (kind, reason) in kinds {
        let posted = store.post(&notice(Some(id), kind, reason)).await.unwrap();
        let gone = matches!(kind, NoticeKind::Test | NoticeKind::Report);
        assert_eq!(posted, gone, "{kind:?}");
    }
    store.finish(lease, &failed, None).await.unwrap();
    assert_eq!(store.prune(&tenant(), at(9_000), 9).await.unwrap(), 1);
}

pub async fn days_by_tenant(store: AnyStore) {
    assert_eq!(store.tenants().await.unwrap(), []);
    for id in ["one", "two"] {
        set_up(&store, id).await;
    }
    assert_eq!(store.tenants().await.unwrap(), [(tenant(), None)]);
    for days in [Some(7), Some(0), None, Some(u32::MAX)] {
        store.set_retention(&tenant(), days).await.unwrap();
        assert_eq!(store.tenants().await.unwrap(), [(tenant(), days)]);
    }
    // Who has chosen before anything was started.
    let early = TenantId::new("early");
    store.set_retention(&early, Some(1)).await.unwrap();
    assert_eq!(store.tenants().await.unwrap().len(), 1);
}

pub async fn one_person_is_erased(store: AnyStore) {
    let running = Running::new(store).await;
    let neighbour = Running::of(running.store.clone(), "another").await;
    neighbour.write([member("1")]).await;
    running
        .write_all(vec![
            written(
                member("1"),
                Some(vec![wants("manager", "2"), wants("mentor", "3")]),
            ),
            written(
                member("2"),
                Some(vec![wants("manager", "1"), wants("mentor", "3")]),
            ),
        ])
        .await;
    let runs = ended(&running, &[2_000, 3_000]).await;
    let (open, _) = running
        .store
        .unfinished(&running.id)
        .await
        .unwrap()
        .unwrap();
    let running = Running {
        run: open,
        ..running
    };
    let Running { store, id, .. } = &running;
    let key = SourceKey::new("1");
    // The link, two references from them, one to them, and an outcome in each of two runs.
    assert_eq!(store.erase(id, &key).await.unwrap(), 6);
    assert_eq!(store.erase(id, &key).await.unwrap(), 0);
    assert_eq!(running.link("1").await, None);
    assert_eq!(running.link("2").await, Some(member("2")));
    for run in &runs {
        assert_eq!(outcomes(store, run).await, ["2"]);
    }
    assert_eq!(store.population(id, at(0)).await.unwrap().linked, 1);
    assert_eq!(neighbour.link("1").await, Some(member("1")));
    // Somebody new of the same key is not waited for by what was erased.
    running.write([member("1"), member("3")]).await;
    let waiting = store.resolvable(id, None, 9).await.unwrap();
    let waiting: Vec<_> = waiting
        .iter()
        .map(|found| (found.link.key.as_str(), found.attribute.as_str()))
        .collect();
    assert_eq!(waiting, [("2", "mentor")]);
    let nowhere = AutomationId::new("nowhere");
    let error = store.erase(&nowhere, &key).await.unwrap_err();
    assert!(matches!(error, StoreError::NotFound(_)), "{error}");
}

pub async fn a_link_is_forgotten(store: AnyStore) {
    let running = Running::new(store).await;
    running
        .write_all(vec![
            written(member("1"), Some(vec![wants("manager", "2")])),
            written(member("2"), Some(vec![wants("manager", "1")])),
        ])
        .await;
    let Running { store, id, .. } = &running;
    let key = SourceKey::new("1");
    assert!(store.forget(id, &key).await.unwrap());
    assert!(!store.forget(id, &key).await.unwrap());
    assert_eq!(running.link("1").await, None);
    assert!(store.resolvable(id, None, 9).await.unwrap().is_empty());
    // Found again, they are who the others wait for.
    running.write([member("1")]).await;
    assert_eq!(store.resolvable(id, None, 9).await.unwrap().len(), 1);
}

pub async fn failed_people_are_tried_at_once(store: AnyStore) {
    let running = Running::new(store).await;
    let troubled = |key: &str, not_before: Option<i64>| {
        let mut link = member(key);
        link.trouble = Some(Trouble {
            ambiguous: false,
            attempts: 3,
            not_before: not_before.map(at),
        });
        link
    };
    running
        .write([
            member("well"),
            troubled("later", Some(99_000)),
            troubled("already", Some(1_000)),
            troubled("another record", None),
        ])
        .await;
    let Running { store, id, .. } = &running;
    let due = async |now| store.population(id, at(now)).await.unwrap().retries_due;
    assert_eq!(due(5_000).await, 1);
    assert_eq!(store.retry_now(id, at(5_000)).await.unwrap(), 2);
    assert_eq!(due(4_999).await, 1);
    assert_eq!(due(5_000).await, 2);
    assert_eq!(
        running.link("later").await,
        Some(troubled("later", Some(5_000))),
        "how often it was tried is not forgotten"
    );
    for key in ["well", "another record"] {
        let before = if key == "well" {
            member(key)
        } else {
            troubled(key, None)
        };
        assert_eq!(running.link(key).await, Some(before));
    }
}

pub async fn everybody_anew(store: AnyStore) {
    let running = Running::new(store).await;
    let mut known = member("1");
    known.record = 7;
    known.applied.set(1, 2);
    let page = Commit {
        progress: Progress {
            position: Some("page 7".to_owned()),
            program: "c0ffee".to_owned(),
            ..Progress::default()
        },
        links: vec![written(known.clone(), None)],
        ..running.page()
    };
    let Running {
        store, id, lease, ..
    } = &running;
    store.commit(lease, page).await.unwrap();
    store.reevaluate(id).await.unwrap();
    known.record = 0;
    assert_eq!(
        running.link("1").await,
        Some(known.clone()),
        "what was applied is not forgotten"
    );
    let (_, progress) = store.unfinished(id).await.unwrap().unwrap();
    assert_eq!(progress.program, "", "not gone on with");

    let memory = Memory {
        state: Some("state".to_owned()),
        full_at: Some(at(1)),
        program: Some("c0ffee".to_owned()),
    };
    let ended = Run {
        status: RunStatus::Succeeded,
        finished_at: Some(at(2_000)),
        ..running.run.clone()
    };
    store.finish(lease, &ended, Some(&memory)).await.unwrap();
    store.reevaluate(id).await.unwrap();
    let automation = store.automation(id).await.unwrap().unwrap();
    assert_eq!(automation.memory, Memory::default());
}

/// As it is told of a document: by its own key.
async fn told(running: &Running, keys: &[&str]) {
    let page = Commit {
        outcomes: keys.iter().map(|key| outcome(key)).collect(),
        ..running.page()
    };
    running.store.commit(&running.lease, page).await.unwrap();
}

/// Documents lie in automations that write where this one reads.
pub async fn the_documents_of_one_person(store: AnyStore) {
    let people = Running::of(store.clone(), "people").await;
    // Credentials the other way round; then an automation that reads another academy; then one that writes
    // somewhere else.
    store
        .add_credential(&credential("elsewhere"), &secrets())
        .await
        .unwrap();
    let reading = async |id: &str, source: &str, target: &str| {
        let running = Running::of(store.clone(), id).await;
        let turned = Automation {
            source: CredentialId::new(source),
            target: CredentialId::new(target),
            ..automation(id)
        };
        store.put_automation(&turned).await.unwrap();
        running
    };
    let certificates = reading("certificates", "target", "source").await;
    let others = reading("others", "elsewhere", "source").await;
    let foreign = reading("foreign", "target", "elsewhere").await;
    people.write([member("1"), member("2")]).await;

    let of = |key: &str, owner: &str, state| Document {
        record: 7,
        owner: Some(SourceKey::new(owner)),
        target: Some(TargetId::new(format!("document-{key}"))),
        size: Some(1),
        sha256: Some("ab".repeat(32)),
        sent_at: Some(at(1)),
        ..stands(key, state)
    };
    use DocumentState::{Again, Delivered, Doubtful, Failed, Intended, Unwanted};
    let kept = [("a", Delivered), ("b", Intended), ("c", Doubtful)];
    let dropped = [("d", Failed), ("e", Again), ("f", Unwanted)];
    for (key, state) in kept.into_iter().chain(dropped) {
        certificates.file([of(key, "1", state)]).await;
    }
    for running in [&certificates, &others] {
        let waits = ["g", "h"].map(|key| waiting(key, "account-1"));
        running.file(waits).await;
        running
            .file([of("i", "2", Delivered), waiting("j", "account-2")])
            .await;
        told(running, &["a", "g", "i", "1"]).await;
    }
    others.file([of("a", "1", Delivered)]).await;
    foreign
        .file([of("a", "1", Delivered), waiting("g", "account-1")])
        .await;

    // Of the certificates eight documents and two outcomes, of the others one of each: its accounts are those of
    // another academy. And the link.
    let key = SourceKey::new("1");
    assert_eq!(
        store.erase(&people.id, &key).await.unwrap(),
        8 + 2 + 1 + 1 + 1
    );
    assert_eq!(store.erase(&people.id, &key).await.unwrap(), 0);
    for (key, _) in kept {
        let left = Some(stands(key, Delivered));
        assert_eq!(certificates.document(key).await, left, "not sent again");
    }
    for key in ["d", "e", "f", "g", "h"] {
        assert_eq!(certificates.document(key).await, None, "{key}");
    }
    assert_eq!(others.document("a").await, Some(stands("a", Delivered)));
    assert_eq!(others.document("g").await, Some(waiting("g", "account-1")));
    assert_eq!(outcomes(&store, &certificates.run).await, ["i", "1"]);
    assert_eq!(outcomes(&store, &others.run).await, ["g", "i", "1"]);
    for running in [&certificates, &others] {
        let theirs = Some(of("i", "2", Delivered));
        assert_eq!(running.document("i").await, theirs);
        let theirs = Some(waiting("j", "account-2"));
        assert_eq!(running.document("j").await, theirs);
    }
    assert_eq!(foreign.document("a").await, Some(of("a", "1", Delivered)));
    assert_eq!(foreign.document("g").await, Some(waiting("g", "account-1")));
    let figures = async |running: &Running| {
        store
            .document_figures(&running.id, None, at(0))
            .await
            .unwrap()
    };
    let counted = figures(&certificates).await;
    assert_eq!((counted.delivered, counted.waiting, counted.due), (4, 1, 0));

    // A person of the documents' own source is an account.
    let account = SourceKey::new("account-2");
    assert_eq!(store.erase(&certificates.id, &account).await.unwrap(), 1);
    assert_eq!(certificates.document("j").await, None);
    assert!(others.document("j").await.is_some());
}

pub async fn failed_documents_are_tried_at_once(store: AnyStore) {
    let running = Running::new(store).await;
    running
        .file([
            delivered("well", "1"),
            failed("later", Some(99_000)),
            failed("already", Some(1_000)),
            failed("another record", None),
        ])
        .await;
    let Running { store, id, .. } = &running;
    let due = async |now| {
        let figures = store.document_figures(id, None, at(now)).await;
        figures.unwrap().due
    };
    assert_eq!(due(5_000).await, 1);
    assert_eq!(store.retry_now(id, at(5_000)).await.unwrap(), 2);
    assert_eq!(due(4_999).await, 1);
    assert_eq!(due(5_000).await, 2);
    for (key, not_before) in [
        ("later", Some(5_000)),
        ("already", Some(1_000)),
        ("another record", None),
    ] {
        assert_eq!(running.document(key).await, Some(failed(key, not_before)));
    }
}

pub async fn every_document_anew(store: AnyStore) {
    let running = Running::new(store).await;
    let neighbour = Running::of(running.store.clone(), "another").await;
    let known = Document {
        record: 7,
        ..delivered("1", "2")
    };
    running.file([known.clone()]).await;
    neighbour.file([known.clone()]).await;
    running.store.reevaluate(&running.id).await.unwrap();
    let anew = Document {
        record: 0,
        ..known.clone()
    };
    assert_eq!(running.document("1").await, Some(anew));
    assert_eq!(neighbour.document("1").await, Some(known));
}
