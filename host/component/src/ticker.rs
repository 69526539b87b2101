//! The clock by which busy loops are interrupted.
//!
//! Compiled code looks at the engine's epoch at every loop and function head; a thread advances it
//! every [`TICK`]. When nothing has run for a while the thread parks, so that an idle server does not
//! wake up a hundred times a second; the next call wakes it. The thread holds the engine weakly and
//! ends with it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// How often running code yields to the runtime, and how late a deadline may be noticed. In a prototype
/// a busy loop with a deadline of 100 ms ended after 111 ms; other lengths were not compared.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// So many ticks without a call and the thread parks.
const IDLE_TICKS: u32 = 200;

/// Advances an engine's epoch while calls run.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Default)]
struct Shared {
    running: AtomicUsize,
    parked: AtomicBool,
}

/// A call that is running; keeps the ticker awake.
pub(crate) struct Running<'a>(&'a Shared);

impl Ticker {
    /// Starts the thread.
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, weak) = (engine.weak(), Arc::downgrade(&shared));
        let thread = std::thread::Builder::new()
            .name("matricula-epoch".into())
            .spawn(move || run(&engine, &weak))?
            .thread()
            .clone();
        Ok(Self { shared, thread })
    }

    /// Keeps the epoch going until the guard is dropped.
    pub(crate) fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.parked.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // The thread then finds nothing to upgrade and ends.
        self.shared = Arc::default();
        self.thread.unpark();
    }
}

fn run(engine: &EngineWeak, shared: &Weak<Shared>) {
    let mut idle = 0;
    loop {
        std::thread::sleep(TICK);
        let (Some(engine), Some(shared)) = (engine.upgrade(), shared.upgrade()) else {
            return;
        };
        engine.increment_epoch();
        idle = if shared.running.load(Ordering::SeqCst) == 0 {
            idle + 1
        } else {
            0
        };
        if idle < IDLE_TICKS {
            continue;
        }
        idle = 0;
        // Announced before the last look: a call that begins in between sees it and unparks.
        shared.parked.store(true, Ordering::SeqCst);
        if shared.running.load(Ordering::SeqCst) == 0 {
            drop((engine, shared));
            std::thread::park();
        }
    }
}
