//! How many may do something at a time: in all, and for each of those who ask.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use matricula_core::TenantId;
use tokio::sync::{Mutex as Turn, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::Shared;
use crate::problem::Problem;

/// How long a request waits to be let through to a remote system: a page asks for several things at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lets so many through.
pub(crate) struct Gate<K> {
    all: Arc<Semaphore>,
    each: usize,
    own: Mutex<HashMap<K, Arc<Semaphore>>>,
}

/// Somebody was let through, until this is dropped.
#[derive(Debug)]
pub(crate) struct Pass(#[expect(dead_code, reason = "held")] [OwnedSemaphorePermit; 2]);

/// Why somebody was not let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// They have as many as one may have.
    Own,
    /// Others have all there are.
    All,
}

impl<K: Eq + Hash> Gate<K> {
    /// So many in all, and for each.
    pub(crate) fn new(all: usize, each: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(all)),
            each,
            own: Mutex::default(),
        }
    }

    /// Lets somebody through; waits for as long as `patience`.
    pub(crate) async fn enter(&self, key: K, patience: Duration) -> Result<Pass, Full> {
        let own = self.own_of(key);
        let waited = timeout(patience, own.acquire_owned()).await;
        let Ok(Ok(own)) = waited else {
            return Err(Full::Own);
        };
        let waited = timeout(patience, Arc::clone(&self.all).acquire_owned()).await;
        match waited {
            Ok(Ok(all)) => Ok(Pass([own, all])),
            _ => Err(Full::All),
        }
    }

    fn own_of(&self, key: K) -> Arc<Semaphore> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever is through or waits holds a clone.
        own.retain(|_, places| Arc::strong_count(places) > 1);
        let places = own.entry(key);
        Arc::clone(places.or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }
}

/// Who changes something waits for those who are changing it.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<String, Arc<Turn<()>>>>);

impl Turns {
    /// The turn to change what is named so, until the guard is dropped.
    pub(crate) async fn of(&self, name: String) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(name).or_default())
        };
        turn.lock_owned().await
    }
}

impl Shared {
    /// Lets a request of a tenant through to remote systems.
    ///
    /// # Errors
    /// [`Problem::REMOTE_BUSY`] or [`Problem::REMOTES_BUSY`] after some seconds.
    pub(crate) async fn remote(&self, tenant: &TenantId) -> Result<Pass, Problem> {
        let pass = self.remotes.enter(tenant.clone(), PATIENCE).await;
        pass.map_err(|full| match full {
            Full::Own => Problem::REMOTE_BUSY,
            Full::All => Problem::REMOTES_BUSY,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_takes_all_there_is() {
        let gate = Gate::new(3, 2);
        let patience = Duration::from_secs(5);
        let first = gate.enter("a", patience).await.unwrap();
        let _second = gate.enter("a", patience).await.unwrap();
        assert_eq!(gate.enter("a", patience).await.unwrap_err(), Full::Own);
        let _other = gate.enter("b", patience).await.unwrap();
        assert_eq!(gate.enter("c", patience).await.unwrap_err(), Full::All);
        drop(first);
        let _third = gate.enter("c", patience).await.unwrap();
        assert_eq!(gate.enter("a", patience).await.unwrap_err(), Full::All);
        assert!(gate.own.lock().unwrap().len() <= 3);
    }

    #[tokio::test]
    async fn one_changes_after_the_other() {
        let turns = Arc::new(Turns::default());
        let first = turns.of("x".to_owned()).await;
        let _else = turns.of("y".to_owned()).await;
        let again = {
            let turns = Arc::clone(&turns);
            tokio::spawn(async move { turns.of("x".to_owned()).await })
        };
        tokio::task::yield_now().await;
        assert!(!again.is_finished());
        drop(first);
        drop(again.await.unwrap());
        drop(turns.of("z".to_owned()).await);
        assert_eq!(turns.0.lock().unwrap().len(), 2);
    }
}
