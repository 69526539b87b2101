use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt as _;
use matricula_core::Cadence;
use matricula_core::automation::{Automation, Memory};
use matricula_core::board::Attention;
use matricula_core::run::{Counts, CycleKind, Requests, Trigger};
use matricula_core::standing::Standing;
use serde_json::Value;

use super::*;

/// What is seen at each look; the last of it from then on.
struct Scripted {
    seen: Mutex<Vec<Result<Option<Glance>, StoreError>>>,
    looks: Arc<AtomicUsize>,
    /// Over after so many looks.
    until: usize,
}

impl Eyes for Scripted {
    fn is_over(&mut self) -> bool {
        self.looks.load(Ordering::Relaxed) >= self.until
    }

    async fn look(&self) -> Result<Option<Glance>, StoreError> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let mut seen = self.seen.lock().unwrap();
        match seen.len() {
            1 => match &seen[0] {
                Ok(Some(glance)) => Ok(Some(Glance {
                    card: glance.card.clone(),
                    progress: glance.progress.clone(),
                })),
                Ok(None) => Ok(None),
                Err(error) => Err(error.clone()),
            },
            _ => seen.remove(0),
        }
    }

    async fn standing(&self, card: Card) -> Option<String> {
        Some(serde_json::json!({ "staged": card.staged }).to_string())
    }
}

fn run(id: i64, status: RunStatus, created: u64) -> Run {
    Run {
        id: RunId(id),
        automation: "a".into(),
        flow: "sync".to_owned(),
        trigger: Trigger::Schedule,
        cycle: CycleKind::Full,
        status,
        started_at: jiff::Timestamp::UNIX_EPOCH,
        finished_at: None,
        counts: Counts {
            created,
            ..Counts::default()
        },
        requests: Requests::default(),
        error: None,
        notes: Vec::new(),
    }
}

fn glance(staged: u64, last: Option<Run>, read: Option<u64>) -> Result<Option<Glance>, StoreError> {
    let automation = Automation {
        id: "a".into(),
        tenant: "t".into(),
        flow: "sync".to_owned(),
        source: "s".into(),
        target: "t".into(),
        settings: Value::Null,
        file: None,
        salt: 1,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        memory: Memory::default(),
    };
    let progress = last.clone().zip(read).map(|(run, read)| {
        let progress = Progress {
            read,
            ..Progress::default()
        };
        (run, progress)
    });
    let card = Card {
        standing: Standing::new(&automation, Cadence::OnDemand, None),
        attention: Attention::None,
        running: read.is_some(),
        last_run: last,
        health: Vec::new(),
        staged,
        doubtful: 0,
        automation,
        contacts: Vec::new(),
        linked: 0,
        active: 0,
    };
    Ok(Some(Glance { card, progress }))
}

fn eyes(seen: Vec<Result<Option<Glance>, StoreError>>, until: usize) -> Scripted {
    Scripted {
        seen: Mutex::new(seen),
        looks: Arc::default(),
        until,
    }
}

/// Everything that a stream sends until it ends, with the second at which it does.
async fn sent(eyes: Scripted) -> (Vec<(u64, String)>, u64) {
    let begun = Instant::now();
    let mut stream = std::pin::pin!(stream(eyes));
    let mut sent = Vec::new();
    while let Some(Ok(bytes)) = stream.next().await {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        sent.push((begun.elapsed().as_secs(), text));
    }
    (sent, begun.elapsed().as_secs())
}

/// The names of the events in each part, and `:` for a comment.
fn names(sent: &[(u64, String)]) -> Vec<(u64, Vec<&str>)> {
    let named = |text: &'static str| text;
    let of = |text: &str| {
        text.split("\n\n")
            .filter(|part| !part.is_empty())
            .map(|part| match part.strip_prefix("event: ") {
                Some(rest) => match rest.lines().next() {
                    Some("standing") => named("standing"),
                    Some("progress") => named("progress"),
                    Some("ended") => named("ended"),
                    other => panic!("{other:?}"),
                },
                None => {
                    assert_eq!(part, ":");
                    named(":")
                }
            })
            .collect()
    };
    sent.iter().map(|(at, text)| (*at, of(text))).collect()
}

#[tokio::test(start_paused = true)]
async fn only_what_has_changed_is_sent() {
    let running = |created| Some(run(2, RunStatus::Running, created));
    let script = vec![
        glance(0, Some(run(1, RunStatus::Succeeded, 9)), None),
        glance(0, Some(run(1, RunStatus::Succeeded, 9)), None),
        Err(StoreError::Busy("locked".to_owned())),
        glance(0, running(0), Some(10)),
        glance(0, running(0), Some(10)),
        glance(0, running(3), Some(20)),
        glance(1, Some(run(2, RunStatus::Partial, 4)), None),
    ];
    let (sent, _) = sent(eyes(script, 9)).await;
    // The run that had ended before is no news.
    let expected = [
        (0, vec!["standing"]),
        (3, vec!["standing", "progress"]),
        (5, vec!["standing", "progress"]),
        (6, vec!["standing", "ended"]),
    ];
    assert_eq!(names(&sent), expected);
    assert_eq!(sent[0].1, "event: standing\ndata: {\"staged\":0}\n\n");
    let ended = sent[3].1.split("\n\n").nth(1).unwrap();
    let ended = ended.strip_prefix("event: ended\ndata: ").unwrap();
    let ended: Value = serde_json::from_str(ended).unwrap();
    assert_eq!(ended["run"], 2);
    assert_eq!(ended["status"], "partial");
    assert_eq!(ended["counts"]["created"], 4);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_saw_running_has_ended_all_the_same() {
    let script = vec![
        glance(0, None, None),
        glance(0, Some(run(1, RunStatus::Failed, 0)), None),
    ];
    let (sent, _) = sent(eyes(script, 4)).await;
    let expected = [(0, vec!["standing"]), (1, vec!["standing", "ended"])];
    assert_eq!(names(&sent), expected);
}

#[tokio::test(start_paused = true)]
async fn a_comment_every_ten_seconds_and_an_end_after_an_hour() {
    let script = vec![glance(0, None, None)];
    let (sent, end) = sent(eyes(script, usize::MAX)).await;
    assert_eq!(end, 3600);
    let names = names(&sent);
    let expected = [(0, vec!["standing"]), (10, vec![":"]), (20, vec![":"])];
    assert_eq!(names[..3], expected);
    assert_eq!(names.len(), 360);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_automation_and_with_the_session() {
    let script = vec![glance(0, None, None), glance(0, None, None), Ok(None)];
    assert_eq!(sent(eyes(script, usize::MAX)).await.1, 2);
    let script = vec![glance(0, None, None)];
    let (_, end) = sent(eyes(script, 5)).await;
    assert_eq!(end, 5);
}
