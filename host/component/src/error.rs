//! Why the host cannot start, and why a component is not loaded.

use std::path::PathBuf;

use matricula_core::manifest::ManifestError;

use crate::limits::{COMPONENT_FILE, MANIFEST, MEMORIES, TABLES};

/// Why the host cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The compiler or the runtime does not work on this machine, or the limits make no sense to it.
    #[error("the component engine cannot start: {0:#}")]
    Engine(wasmtime::Error),
    /// The thread that ends busy loops cannot be started.
    #[error("the component engine cannot start its clock: {0}")]
    Clock(std::io::Error),
    /// The folder for compiled components cannot be used safely.
    #[error("the folder for compiled components, {}, cannot be used: {reason}", dir.display())]
    Cache {
        /// The folder.
        dir: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
}

/// Why a component is not loaded: which, and what is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {refusal}")]
pub struct LoadError {
    /// The file, or what the caller called the bytes.
    pub name: String,
    /// What is wrong with it and what to do.
    #[source]
    pub refusal: Refusal,
}

impl LoadError {
    pub(crate) fn new(name: &str, refusal: Refusal) -> Self {
        Self {
            name: name.to_owned(),
            refusal,
        }
    }
}

/// What is wrong with a component and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(std::io::Error),
    /// Far larger than any connector.
    #[error("is {size} bytes large; a component may have {COMPONENT_FILE}")]
    TooLarge {
        /// Its size in bytes.
        size: u64,
    },
    /// Not WebAssembly at all.
    #[error("is no WebAssembly component; build it with `cargo build --target wasm32-wasip2`")]
    NotWasm,
    /// A core module, as other targets make it.
    #[error(
        "is a WebAssembly core module, not a component; build it for the target wasm32-wasip2 \
         instead of wasm32-unknown-unknown or wasm32-wasip1"
    )]
    CoreModule,
    /// Not valid WebAssembly, or uses a feature that connectors do not need.
    #[error("is not valid: {0}; build it again with the tool chain that Matricula names")]
    Invalid(String),
    /// It says nowhere what it is.
    #[error("has no manifest; end the connector's crate with `matricula_sdk::export!`")]
    NoManifest,
    /// It says twice what it is.
    #[error("has more than one manifest; only one crate in it may have `matricula_sdk::export!`")]
    SeveralManifests,
    /// A manifest that nobody wrote by hand.
    #[error("has a manifest of {size} bytes; it may have {MANIFEST}")]
    ManifestTooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// The manifest is wrong, or made for a newer contract.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// It wants something that connectors do not get.
    #[error("imports {import}, which connectors do not get; {advice}")]
    Import {
        /// The import's full name.
        import: String,
        /// What to use instead.
        advice: &'static str,
    },
    /// The manifest promises what the component does not have.
    #[error(
        "has {promise} in its manifest but does not export {export}; export it, or take the promise \
         out of the manifest"
    )]
    MissingExport {
        /// The interface.
        export: &'static str,
        /// What needs it.
        promise: String,
    },
    /// More memories or tables, or larger ones, than a connector may have.
    #[error(
        "has {memories} memories of up to {memory} bytes and {tables} tables; a component may have \
         {MEMORIES} memories of up to {limit} bytes and {TABLES} tables"
    )]
    TooMuch {
        /// How many memories.
        memories: u32,
        /// The largest initial memory in bytes.
        memory: u64,
        /// What one may have.
        limit: usize,
        /// How many tables.
        tables: u32,
    },
    /// The engine refuses it: an import or export with another type than the contract's, for instance.
    #[error("does not fit this host: {0}; build it with the SDK of this version of Matricula")]
    Incompatible(String),
}
