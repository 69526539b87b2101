//! What is shown of a run while it goes on: a bar on a terminal, otherwise a line now and then.

use std::io::IsTerminal as _;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use matricula_core::notice::Records;
use matricula_core::run::{CycleKind, Phase};
use matricula_engine::{Event, Observer};
use matricula_flow::Flow;

use crate::output;

/// Standard error with a bar at its foot; everything else that is written there goes through
/// [`MultiProgress::suspend`].
pub(crate) static SCREEN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// At most one line of pages in this time.
const QUIET: Duration = Duration::from_secs(2);

/// Shows a run on standard error.
pub(crate) struct Progress {
    screen: Screen,
    records: Records,
}

enum Screen {
    Bar(ProgressBar),
    Lines(Mutex<Pace>),
    Silent,
}

/// When the last line about pages was written, and the rate since the first page.
pub(crate) struct Pace {
    began: Instant,
    last: Option<Instant>,
    resumed_at: u64,
    records: Records,
}

impl Progress {
    /// For this terminal, or none. With `--json` a line would be in the way of programs that read errors.
    pub(crate) fn start(json: bool, flow: &Flow) -> Self {
        let records = matricula_service::records(flow);
        let screen = if std::io::stderr().is_terminal() {
            let bar = SCREEN.add(ProgressBar::new_spinner());
            bar.set_style(style(&spinning(records)));
            bar.enable_steady_tick(Duration::from_millis(200));
            Screen::Bar(bar)
        } else if json {
            Screen::Silent
        } else {
            Screen::Lines(Mutex::new(Pace {
                began: Instant::now(),
                last: None,
                resumed_at: 0,
                records,
            }))
        };
        Self { screen, records }
    }

    fn draw(&self, bar: &ProgressBar, event: &Event<'_>) {
        match event {
            Event::Started { cycle, resumed_at } => {
                bar.set_prefix(began(*cycle, *resumed_at, self.records));
                bar.set_position(resumed_at.unwrap_or(0));
                bar.reset_eta();
            }
            Event::Phase(phase) => bar.set_prefix(doing(*phase, self.records)),
            Event::Page {
                read,
                total,
                counts,
            } => {
                if let Some(total) = total.filter(|_| bar.length().is_none()) {
                    bar.set_length(total);
                    bar.set_style(style(&filling(self.records)));
                }
                bar.set_position(*read);
                bar.set_message(output::counted(counts, self.records));
            }
            Event::Waiting { seconds, reason } => {
                bar.set_message(output::visible(&format!(
                    "waiting {seconds:.0} s: {reason}"
                )));
            }
            Event::Outcome(_) => {}
            Event::Ended { .. } => self.clear(),
        }
    }

    /// Takes the bar away, so that what follows stands on a clean line.
    pub(crate) fn clear(&self) {
        if let Screen::Bar(bar) = &self.screen {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Observer for Progress {
    fn event(&self, event: &Event<'_>) {
        match &self.screen {
            Screen::Silent => {}
            Screen::Bar(bar) => self.draw(bar, event),
            Screen::Lines(pace) => {
                let mut pace = pace.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = pace.line(event, Instant::now()) {
                    output::error_line(&output::visible(&line));
                }
            }
        }
    }
}

impl Pace {
    fn line(&mut self, event: &Event<'_>, now: Instant) -> Option<String> {
        match event {
            Event::Started { cycle, resumed_at } => {
                self.resumed_at = resumed_at.unwrap_or(0);
                Some(began(*cycle, *resumed_at, self.records))
            }
            Event::Phase(phase) => Some(doing(*phase, self.records)),
            Event::Page {
                read,
                total,
                counts,
            } => {
                if self
                    .last
                    .is_some_and(|last| now.duration_since(last) < QUIET)
                {
                    return None;
                }
                self.last = Some(now);
                let seconds = now.duration_since(self.began).as_secs_f64().max(0.001);
                let rate = read.saturating_sub(self.resumed_at) as f64 / seconds;
                let of = total
                    .map(|total| format!(" of {total}"))
                    .unwrap_or_default();
                Some(format!(
                    "  {read}{of} {}, {rate:.0}/s: {}",
                    self.records.as_str(),
                    output::counted(counts, self.records)
                ))
            }
            Event::Waiting { seconds, reason } => {
                Some(format!("  waiting {seconds:.0} s: {reason}"))
            }
            Event::Outcome(_) | Event::Ended { .. } => None,
        }
    }
}

fn began(cycle: CycleKind, resumed_at: Option<u64>, records: Records) -> String {
    let cycle = output::cycle(cycle);
    match resumed_at {
        Some(read) => format!("{cycle} cycle, going on after {read} {}", records.as_str()),
        None => format!("{cycle} cycle"),
    }
}

fn doing(phase: Phase, records: Records) -> String {
    let doing = match (phase, records) {
        (Phase::Read, _) => return format!("Reading {}", records.as_str()),
        (Phase::Leave, Records::People) => "Looking for those who left",
        (Phase::Leave, Records::Documents) => "Looking for documents that the source no longer has",
        (Phase::Deactivate, _) => "Blocking",
        (Phase::Refer, _) => "Joining references",
        (Phase::Group, _) => "Keeping groups",
    };
    doing.to_owned()
}

fn spinning(records: Records) -> String {
    let records = records.as_str();
    format!("{{spinner}} {{prefix}} {{pos}} {records}, {{rate}} {{msg}}")
}

fn filling(records: Records) -> String {
    let records = records.as_str();
    format!("{{prefix}} {{wide_bar}} {{pos}}/{{len}} {records}, {{rate}}  {{msg}}")
}

fn style(template: &str) -> ProgressStyle {
    // A template of ours that does not parse is seen by the test below; a plain bar is no reason to stop.
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key(
            "rate",
            |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // The bar's own `per_sec` has four decimals. Text in memory takes everything.
                let _ = write!(out, "{:.0}/s", state.per_sec());
            },
        )
}

#[cfg(test)]
mod tests {
    use matricula_core::run::Counts;

    use super::*;

    #[test]
    fn lines_about_pages_come_now_and_then() {
        let began = Instant::now();
        let mut pace = Pace {
            began,
            last: None,
            resumed_at: 0,
            records: Records::People,
        };
        let counts = Counts {
            created: 90,
            failed: 10,
            ..Counts::default()
        };
        let page = Event::Page {
            read: 100,
            total: Some(250),
            counts: &counts,
        };
        let at = |seconds| began + Duration::from_secs(seconds);
        let line = pace.line(&page, at(2)).unwrap();
        assert_eq!(line, "  100 of 250 people, 50/s: 90 created, 10 failed");
        assert_eq!(pace.line(&page, at(3)), None);
        assert!(pace.line(&Event::Phase(Phase::Refer), at(3)).is_some());
        assert!(pace.line(&page, at(4)).is_some());
    }

    #[test]
    fn a_run_that_goes_on_counts_its_rate_from_there() {
        let began = Instant::now();
        let mut pace = Pace {
            began,
            last: None,
            resumed_at: 0,
            records: Records::People,
        };
        let started = Event::Started {
            cycle: CycleKind::Full,
            resumed_at: Some(200),
        };
        assert_eq!(
            pace.line(&started, began).unwrap(),
            "full cycle, going on after 200 people"
        );
        let page = Event::Page {
            read: 300,
            total: None,
            counts: &Counts::default(),
        };
        let line = pace.line(&page, began + Duration::from_secs(10)).unwrap();
        assert_eq!(line, "  300 people, 10/s: nothing to do");
    }

    #[test]
    fn a_step_is_called_by_what_it_looks_at() {
        assert_eq!(doing(Phase::Read, Records::Documents), "Reading documents");
        assert_eq!(
            doing(Phase::Leave, Records::Documents),
            "Looking for documents that the source no longer has"
        );
        assert_eq!(
            doing(Phase::Leave, Records::People),
            "Looking for those who left"
        );
    }

    #[test]
    fn the_templates_parse() {
        for template in [spinning(Records::People), filling(Records::Documents)] {
            assert!(
                ProgressStyle::with_template(&template).is_ok(),
                "{template}"
            );
        }
    }
}
