//! Matricula inside a service of one's own: `embed DATA CONNECTORS FLOWS VENDORS [FROM=TO …]`.
//!
//! The service has a page of its own at `/`, and everything of Matricula under `/automations`.

use std::path::{Path, PathBuf};

use axum::{Router, routing::get};
use matricula::{Engine, Reference, Vendors};
use zeroize::Zeroizing;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("{what} is missing"));
    let (data, connectors) = (PathBuf::from(next("DATA")?), next("CONNECTORS")?);
    let (flows, vendors) = (next("FLOWS")?, PathBuf::from(next("VENDORS")?));
    // A real service takes its key from where it keeps its other secrets.
    let key = *b"32 bytes for an example, no more";
    let folder = vendors.parent().unwrap_or(Path::new("."));
    let read = |reference: Reference<'_>| match reference {
        Reference::File(name) => std::fs::read_to_string(folder.join(name))
            .map(Zeroizing::new)
            .map_err(|error| error.to_string()),
        Reference::Variable(_) => Err("this example has no secrets".to_owned()),
    };
    let vendors = Vendors::parse(&std::fs::read_to_string(&vendors)?, read)?;
    std::fs::create_dir_all(&data)?;
    let mut builder = Engine::builder(data.join("matricula.db"), &key)
        .connectors(connectors)
        .flows(flows)
        .vendors(vendors);
    for (from, to) in arguments
        .filter_map(|a| Some(a.split_once('=')?).map(|(f, t)| (f.to_owned(), t.to_owned())))
    {
        builder = builder.map_origin(&from, &to);
    }
    let engine = builder.build()?;
    let running = engine.start()?;
    let app = Router::new()
        .route("/", get(|| async { "My service" }))
        .nest("/automations", engine.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    axum::serve(listener, app)
        .with_graceful_shutdown(async { _ = tokio::signal::ctrl_c().await })
        .await?;
    running.stop().await;
    Ok(())
}
