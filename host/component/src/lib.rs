//! Runs connector components on wasmtime
