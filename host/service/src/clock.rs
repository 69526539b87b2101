//! The time of this machine.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use matricula_core::clock::Clock;

/// The machine's clock; waits on tokio's timer.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
