//! The store: automations, credentials, links, documents and runs, the schedule, its history and notices, in
//! `SQLite`.
//!
//! [`SqliteStore`] implements the ports [`Store`](matricula_core::store::Store),
//! [`Agenda`](matricula_core::agenda::Agenda), [`Outbox`](matricula_core::agenda::Outbox) and
//! [`Board`](matricula_core::board::Board). What holds for
//! every database, the encryption of secrets, is in [`vault`]; all SQL is below `sqlite`. The tests in
//! `tests/contract` are written against the ports alone, so that another database is held to the same
//! behaviour.
//!
//! One thread owns the only connection and takes its work from a bounded queue: the async methods wait
//! without blocking the runtime, writes of one process never compete with each other for `SQLite`'s lock,
//! and one page cache serves everybody. Other processes may open the same file at the same time; leases
//! keep them apart.
#![forbid(unsafe_code)]

mod sqlite;
pub mod vault;

pub use sqlite::SqliteStore;
pub use vault::Vault;
