//! Matricula inside another Rust service: the same automations, the same page, in that service's own process.
//!
//! ```no_run
//! # async fn example(key: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! use matricula::{Engine, Vendors};
//!
//! let vendors = Vendors::parse(&std::fs::read_to_string("vendors.toml")?, |_| Err("not used".into()))?;
//! let engine = Engine::builder("data/matricula.db", &key)
//!     .connectors("connectors")
//!     .flows("flows")
//!     .vendors(vendors)
//!     .build()?;
//! let running = engine.start()?;
//! let app = axum::Router::new().nest("/automations", engine.router());
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! axum::serve(listener, app).await?;
//! running.stop().await;
//! # Ok(()) }
//! ```
//!
//! [`Builder`] is told where things are, [`Engine::start`] keeps the schedule and delivers notices until
//! [`Running::stop`], and [`Engine::router`] has the page, the script that embeds it, the API, the webhooks'
//! addresses and health and metrics. Nothing here reads the environment, the home folder or the terminal.
//! The command line is the other program of this package, over the same crates.
#![forbid(unsafe_code)]

mod builder;
mod embedded;

pub use builder::{Builder, Error};
pub use embedded::{Engine, Running};
pub use matricula_core::clock::Clock;
pub use matricula_notice::{Mailer, SmtpSettings};
pub use matricula_session::{Reference, Vendors};
