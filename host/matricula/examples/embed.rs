//! Matricula inside a service of one's own, under `/automations`: `embed DATA VENDORS CONNECTORS [FROM=TO …]`.
#![expect(clippy::print_stdout, reason = "a program")]

use std::{env, fs, path::PathBuf};

use axum::{Router, routing::get};
use matricula::{Engine, Reference, Vendors};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let data = PathBuf::from(arguments.next().ok_or("DATA is missing")?);
    let vendors = fs::read_to_string(arguments.next().ok_or("VENDORS is missing")?)?;
    let vendors = Vendors::parse(&vendors, |reference| match reference {
        Reference::Variable(name) => env::var(name).map(Into::into).map_err(|e| e.to_string()),
        Reference::File(name) => fs::read_to_string(name)
            .map(Into::into)
            .map_err(|e| e.to_string()),
    })?;
    // A real service takes its key from where it keeps its other secrets.
    let key = *b"32 bytes for an example, no more";
    fs::create_dir_all(&data)?;
    let connectors = arguments.next().ok_or("CONNECTORS is missing")?;
    let mut builder = Engine::builder(data.join("matricula.db"), &key)
        .connectors(connectors)
        .flows("flows")
        .vendors(vendors);
    // Leads to a sandbox what is meant for the real systems.
    for argument in arguments {
        let (from, to) = argument.split_once('=').ok_or("FROM=TO is expected")?;
        builder = builder.map_origin(from, to);
    }
    let engine = builder.build()?;
    let running = engine.start()?;

    let app = Router::new()
        .route("/", get(|| async { "My service" }))
        .nest("/automations", engine.router());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("http://{}", listener.local_addr()?);
    let ended = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    axum::serve(listener, app)
        .with_graceful_shutdown(ended)
        .await?;
    running.stop().await;
    Ok(())
}
