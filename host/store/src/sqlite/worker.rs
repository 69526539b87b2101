//! The thread that owns the connection.
//!
//! A caller that no longer waits when its turn comes is skipped; one that stops waiting afterwards
//! finds its change made or not made, never half of it, because every change is one transaction.

use std::thread::JoinHandle;

use matricula_core::store::StoreError;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::fault::Fault;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Waiting jobs. An engine sends one at a time for each automation; more wait at the caller's.
const QUEUE: usize = 64;

pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn start(mut connection: Connection) -> Result<Self, StoreError> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let thread = std::thread::Builder::new()
            .name("matricula-store".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    job(&mut connection);
                }
                if let Err((_, error)) = connection.close() {
                    tracing::warn!(error = %StoreError::from(Fault::from(error)), "closing the store");
                }
            })
            .map_err(|error| StoreError::Failed(format!("no thread could be started: {error}")))?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Runs statements that only read, on one snapshot.
    pub(super) async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.run(TransactionBehavior::Deferred, job).await
    }

    /// Runs statements as one change: all of them or, after an error, none.
    pub(super) async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.run(TransactionBehavior::Immediate, job).await
    }

    /// Runs what is no part of a transaction, with the connection to itself.
    pub(super) async fn alone<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if reply.is_closed() {
                return;
            }
            // Nobody hears the answer if the caller has gone in the meantime.
            let _ = reply.send(job(connection));
        });
        let jobs = self.jobs.as_ref().ok_or_else(ended)?;
        jobs.send(job).await.map_err(|_| ended())?;
        Ok(answer.await.map_err(|_| ended())??)
    }

    async fn run<T, F>(&self, behavior: TransactionBehavior, job: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.alone(move |connection| in_transaction(connection, behavior, job))
            .await
    }
}

impl Drop for Worker {
    /// Waits until the file is closed, so that whoever opens it next finds nothing half done.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the store has panicked");
        }
    }
}

pub(super) fn in_transaction<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    job: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let value = job(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

pub(super) fn ended() -> StoreError {
    StoreError::Failed("the thread of the store has ended".to_owned())
}
