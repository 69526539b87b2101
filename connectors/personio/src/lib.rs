//! Personio as a source of employees

/// Placeholder.
pub struct P;
impl matricula_sdk::Connector for P {}
matricula_sdk::export!(P, manifest = "../manifest.json");
