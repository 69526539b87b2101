//! Remotes that ask for patience: 429, `Retry-After`, `X-RateLimit-*`.
//!
//! The answer itself goes to the connector. What is kept here is only until when nothing more is sent to
//! that origin with this credential, so that requests that are already on their way to the network do
//! not make it worse.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use matricula_core::clock::Clock;
use matricula_core::egress::SendError;
use reqwest::header::HeaderMap;

use crate::budget::{Budget, after, until};
use crate::origin::Origin;

/// However long a remote asks for, it is asked again after this time. Engagedly asks for up to a quarter of an
/// hour, and for longer from whoever asks sooner.
const LONGEST: Duration = Duration::from_secs(900);

/// After a 429 that does not say how long. Personio's documentation asks for this much.
const UNSAID: Duration = Duration::from_secs(1);

/// Until when nothing is sent, by origin.
pub(crate) struct Patience {
    clock: Arc<dyn Clock>,
    until: Mutex<HashMap<Origin, Timestamp>>,
}

impl Patience {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            until: Mutex::default(),
        }
    }

    /// Waits until the origin may be asked again.
    pub(crate) async fn wait(&self, origin: &Origin, budget: &Budget) -> Result<(), SendError> {
        loop {
            let wait = self.remaining(origin);
            if wait.is_zero() {
                return Ok(());
            }
            if wait > budget.left() {
                return Err(SendError::Connect(format!(
                    "{origin} has asked for patience for another {} s, longer than this call may take",
                    wait.as_secs().max(1)
                )));
            }
            self.clock.sleep(wait).await;
        }
    }

    /// Whether the origin may be asked now.
    pub(crate) fn is_over(&self, origin: &Origin) -> bool {
        self.remaining(origin).is_zero()
    }

    /// For how long the origin is left alone that asked for most.
    pub(crate) fn longest(&self) -> Duration {
        let now = self.clock.now();
        let longest = self.lock().values().map(|then| until(now, *then)).max();
        longest.unwrap_or_default()
    }

    fn remaining(&self, origin: &Origin) -> Duration {
        let then = self.lock().get(origin).copied();
        then.map_or(Duration::ZERO, |then| until(self.clock.now(), then))
    }

    /// Notes what an answer says about further requests.
    pub(crate) fn note(&self, origin: &Origin, status: u16, headers: &HeaderMap) {
        let now = self.clock.now();
        let Some(wait) = asked(status, headers, now) else {
            return;
        };
        let then = after(now, wait.min(LONGEST));
        let mut until = self.lock();
        let known = until.entry(origin.clone()).or_insert(then);
        *known = then.max(*known);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Origin, Timestamp>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long an answer asks to wait.
fn asked(status: u16, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let reset = || {
        ["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"]
            .iter()
            .find_map(|name| moment(text(name)?, now))
    };
    match status {
        429 => text("retry-after")
            .and_then(|value| retry_after(value, now))
            .or_else(reset)
            .or(Some(UNSAID)),
        503 => text("retry-after").and_then(|value| retry_after(value, now)),
        _ => {
            let spent = [
                "x-ratelimit-remaining",
                "ratelimit-remaining",
                "x-rate-limit-remaining",
            ]
            .iter()
            .find_map(|name| text(name))
            .is_some_and(|left| left == "0");
            if spent { reset() } else { None }
        }
    }
}

/// Seconds, or an HTTP date.
fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    seconds(value).or_else(|| {
        let then = DateTimeParser::new().parse_timestamp(value).ok()?;
        Some(until(now, then))
    })
}

/// Remotes write the reset as seconds to wait, as Unix seconds or as Unix milliseconds.
fn moment(value: &str, now: Timestamp) -> Option<Duration> {
    const A_UNIX_TIME: u64 = 1_000_000_000;
    let wait = seconds(value)?;
    Some(match wait.as_secs() {
        0..A_UNIX_TIME => wait,
        A_UNIX_TIME..1_000_000_000_000 => until(
            now,
            Timestamp::from_second(i64::try_from(wait.as_secs()).ok()?).ok()?,
        ),
        milliseconds => until(
            now,
            Timestamp::from_millisecond(i64::try_from(milliseconds).ok()?).ok()?,
        ),
    })
}

fn seconds(value: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use matricula_core::clock::SimClock;
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    const NOW: &str = "2026-11-21T12:00:00Z";

    fn seconds_asked(status: u16, headers: &[(&str, &str)]) -> Option<f64> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    name.parse::<HeaderName>().unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                )
            })
            .collect();
        asked(status, &headers, NOW.parse().unwrap()).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn every_way_to_ask_for_patience_is_understood() {
        for (status, headers, wait) in [
            (429, &[("retry-after", "7")][..], Some(7.0)),
            (429, &[("retry-after", "0.5")], Some(0.5)),
            (
                429,
                &[("retry-after", "Sat, 21 Nov 2026 12:00:30 GMT")],
                Some(30.0),
            ),
            (
                429,
                &[("retry-after", "Sat, 21 Nov 2026 11:00:00 GMT")],
                Some(0.0),
            ),
            (429, &[("retry-after", "soon")], Some(1.0)),
            (429, &[("retry-after", "-3")], Some(1.0)),
            (429, &[("retry-after", "inf")], Some(1.0)),
            (429, &[], Some(1.0)),
            (429, &[("x-ratelimit-reset", "9")], Some(9.0)),
            (503, &[("retry-after", "3")], Some(3.0)),
            (503, &[], None),
            (200, &[("retry-after", "3")], None),
            (
                200,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "12")],
                Some(12.0),
            ),
            (
                200,
                &[
                    ("ratelimit-remaining", "0"),
                    ("ratelimit-reset", "1795262445"),
                ],
                Some(45.0),
            ),
            (
                200,
                &[
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset", "1795262402500"),
                ],
                Some(2.5),
            ),
            (
                200,
                &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "12")],
                None,
            ),
            (200, &[("x-ratelimit-remaining", "0")], None),
        ] {
            assert_eq!(seconds_asked(status, headers), wait, "{status} {headers:?}");
        }
    }

    #[tokio::test]
    async fn one_origin_waits_and_no_longer_than_is_sensible() {
        let clock = SimClock::new(NOW.parse().unwrap());
        let patience = Patience::new(Arc::new(clock.clone()));
        let asked = Origin::parse("https://api.example.com").unwrap();
        let other = Origin::parse("https://api.example.org").unwrap();
        let headers = HeaderMap::from_iter([(
            HeaderName::from_static("retry-after"),
            HeaderValue::from_static("86400"),
        )]);
        patience.note(&asked, 429, &headers);
        assert_eq!(patience.longest(), Duration::from_secs(900));
        let budget = |seconds| Budget::new(Arc::new(clock.clone()), Duration::from_secs(seconds));
        patience.wait(&other, &budget(0)).await.unwrap();
        let error = patience.wait(&asked, &budget(60)).await.unwrap_err();
        assert!(error.to_string().contains("another 900 s"), "{error}");
        patience.wait(&asked, &budget(901)).await.unwrap();
        assert_eq!(clock.now(), "2026-11-21T12:15:00Z".parse().unwrap());
        assert_eq!(patience.longest(), Duration::ZERO);
    }
}
