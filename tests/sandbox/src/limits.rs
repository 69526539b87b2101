//! Rate limits as sliding windows.
//!
//! A window forgives nothing: the n+1st request within it is refused wherever the minute began, which
//! is the harshest reading of "300 per minute". Refused requests do not count. Time is passed in.

use std::collections::VecDeque;
use std::time::Duration;

/// At most `most` requests in any stretch of `window`; exceeding it may start a cool-down.
pub(crate) struct Window {
    most: usize,
    window: Duration,
    cool_down: Duration,
    taken: VecDeque<Duration>,
    closed_until: Duration,
}

impl Window {
    pub(crate) fn new(most: u32, window: Duration) -> Self {
        Self {
            most: most as usize,
            window,
            cool_down: Duration::ZERO,
            taken: VecDeque::new(),
            closed_until: Duration::ZERO,
        }
    }

    pub(crate) fn with_cool_down(mut self, cool_down: Duration) -> Self {
        self.cool_down = cool_down;
        self
    }

    fn open(&mut self, now: Duration) -> bool {
        while self.taken.front().is_some_and(|&t| t + self.window <= now) {
            self.taken.pop_front();
        }
        if now < self.closed_until {
            return false;
        }
        if self.taken.len() >= self.most {
            self.closed_until = now + self.cool_down;
            return false;
        }
        true
    }
}

/// Whether a request at `now` is within all windows; it is then counted in each.
pub(crate) fn admit(windows: &mut [&mut Window], now: Duration) -> bool {
    let mut open = true;
    for window in windows.iter_mut() {
        // Every window is asked, so that each starts its own cool-down.
        open &= window.open(now);
    }
    if open {
        for window in windows {
            window.taken.push_back(now);
        }
    }
    open
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn burst_and_minute_hold_together() {
        let mut second = Window::new(15, Duration::from_secs(1));
        let mut minute = Window::new(300, Duration::from_secs(60));
        let mut admitted = 0;
        for _ in 0..16 {
            admitted += u32::from(admit(&mut [&mut second, &mut minute], at(0)));
        }
        assert_eq!(admitted, 15);
        assert!(!admit(&mut [&mut second, &mut minute], at(999)));
        for s in 1..20 {
            for _ in 0..15 {
                assert!(
                    admit(&mut [&mut second, &mut minute], at(s * 1000)),
                    "second {s}"
                );
            }
        }
        // 300 are used up, the first fifteen of them leave the window after a minute.
        assert!(!admit(&mut [&mut second, &mut minute], at(59_999)));
        assert!(admit(&mut [&mut second, &mut minute], at(60_000)));
    }

    #[test]
    fn cool_down_starts_with_the_request_too_many() {
        let mut auth =
            Window::new(2, Duration::from_secs(60)).with_cool_down(Duration::from_secs(60));
        assert!(admit(&mut [&mut auth], at(0)));
        assert!(admit(&mut [&mut auth], at(1)));
        assert!(!admit(&mut [&mut auth], at(50_000)));
        assert!(
            !admit(&mut [&mut auth], at(109_999)),
            "the window is free, the cool-down not over"
        );
        assert!(admit(&mut [&mut auth], at(110_000)));
    }
}
