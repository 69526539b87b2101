//! Calls into a test at an exact request, so that it can act (kill the client, change a person) at
//! the k-th page or the k-th write and at no other moment.

use std::sync::{Arc, Mutex};

use crate::journal::Entry;
use crate::lock;

/// What becomes of the request after a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Proceed,
    /// The connection is closed. Before the handling: the request never took effect. After it: it
    /// did, and its answer is lost.
    Drop,
}

/// A hook that returns nothing lets the request go on.
impl From<()> for Verdict {
    fn from((): ()) -> Self {
        Verdict::Proceed
    }
}

type Predicate = Arc<dyn Fn(&Entry) -> bool + Send + Sync>;
type Action = Arc<dyn Fn(&Entry) -> Verdict + Send + Sync>;

#[derive(Clone, Default)]
pub(crate) struct Hooks {
    inner: Arc<Mutex<Vec<(Predicate, Action)>>>,
}

impl Hooks {
    pub(crate) fn add<V: Into<Verdict>>(
        &self,
        predicate: impl Fn(&Entry) -> bool + Send + Sync + 'static,
        action: impl Fn(&Entry) -> V + Send + Sync + 'static,
    ) {
        lock(&self.inner).push((Arc::new(predicate), Arc::new(move |e| action(e).into())));
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.inner).is_empty()
    }

    pub(crate) fn clear(&self) {
        lock(&self.inner).clear();
    }

    /// Runs every hook whose predicate holds, without holding a lock meanwhile. One `Drop` decides.
    pub(crate) fn run(&self, entry: &Entry) -> Verdict {
        let hooks = lock(&self.inner).clone();
        let mut verdict = Verdict::Proceed;
        for (predicate, action) in hooks {
            if predicate(entry) && action(entry) == Verdict::Drop {
                verdict = Verdict::Drop;
            }
        }
        verdict
    }
}
