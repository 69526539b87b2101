//! What was measured, and by which clocks.

use std::time::{Duration, Instant};

/// Time that passed, and time on the processor.
#[derive(Clone, Copy, Default)]
pub(super) struct Took {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

pub(super) struct Clock(Instant, Duration);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now(), on_cpu())
    }

    pub(super) fn elapsed(&self) -> Took {
        Took {
            wall: self.0.elapsed(),
            cpu: on_cpu().saturating_sub(self.1),
        }
    }
}

/// The processor time of every thread of this process; zero where there is no `/proc`.
fn on_cpu() -> Duration {
    let nanos = |task: std::fs::DirEntry| -> Option<u64> {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split_whitespace().next()?.parse().ok()
    };
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    Duration::from_nanos(tasks.filter_map(nanos).sum())
}

#[derive(Default)]
pub(super) struct Table(Vec<(String, Took, Option<Duration>)>);

impl Table {
    pub(super) fn line(&mut self, what: impl Into<String>, took: Took, budget_ms: Option<f64>) {
        let budget = budget_ms.map(|ms| Duration::from_secs_f64(ms / 1_000.0));
        self.0.push((what.into(), took, budget));
    }

    pub(super) fn print(&self) {
        for (what, took, budget) in &self.0 {
            let budget = match budget {
                Some(budget) if took.cpu <= *budget => format!("within {budget:?}"),
                Some(budget) => format!("OVER {budget:?}"),
                None => String::new(),
            };
            let [wall, cpu] = [took.wall, took.cpu].map(|took| took.as_secs_f64() * 1_000.0);
            println!("{what:<56} {wall:>10.3} ms {cpu:>10.3} ms   {budget}");
        }
    }
}

pub(super) fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
