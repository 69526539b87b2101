//! Delivers what people are to be told: by mail, and by webhooks.
//!
//! Notices lie in an outbox, written together with the change that they tell of. The [`Courier`] chooses
//! the ways by which each goes, sends it, and writes down what became of it. Nothing else waits for it: a mail
//! server that is down delays notices and never a cycle.
//!
//! The crate knows the ports [`Outbox`](matricula_core::agenda::Outbox) and
//! [`Clock`](matricula_core::clock::Clock), and no store, engine or HTTP client. Webhooks leave through the
//! host's own egress (the trait [`Post`]), which is where private addresses are refused. Nothing that names a
//! person is logged, neither addresses nor the words of a mail server, which often repeat them.
#![forbid(unsafe_code)]

pub mod brand;
pub mod courier;
pub mod letter;
pub mod smtp;
pub mod webhook;

mod addressing;
mod identity;
mod moment;
mod schedule;

pub use brand::{Accent, AutomationLink, Brand, BrandError};
pub use courier::{Courier, Endpoint, Endpoints, Pass};
pub use letter::{Letter, LetterError, Writer};
pub use smtp::{Mail, MailError, Mailer, Outgoing, Security, SettingsError, SmtpSettings, Stage};
pub use webhook::{Answer, KeyError, Keys, Post, PostError, Posting, SigningKey, Webhooks};
