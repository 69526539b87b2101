//! Hashes of records and values, seeded by the automation's salt so that the store tells nothing about
//! values to somebody who does not know the salt's automation.

use matricula_core::SourceKey;
use serde_json::Value;
use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// Of a record as it was read, together with what it is evaluated by. Never zero, which stands for
/// "deal with it again".
pub(crate) fn record(data: &str, basis: u128, salt: u64) -> u128 {
    (xxh3_128_with_seed(data.as_bytes(), salt) ^ basis).max(1)
}

/// Of what records are evaluated by.
pub(crate) fn basis(program: u128, unavailable: &[String]) -> u128 {
    let mut basis = program;
    for name in unavailable {
        basis = basis.rotate_left(7) ^ u128::from(xxh3_64_with_seed(name.as_bytes(), 1));
    }
    basis
}

/// Of a value at the target.
pub(crate) fn value(value: &Value, salt: u64) -> u64 {
    match value {
        Value::String(value) => text(value, salt),
        other => xxh3_64_with_seed(other.to_string().as_bytes(), salt ^ 1),
    }
}

/// Of a text at the target.
pub(crate) fn text(text: &str, salt: u64) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), salt)
}

/// Of a key, for the set of those that were seen.
pub(crate) fn key(key: &SourceKey) -> u64 {
    xxh3_64_with_seed(key.as_str().as_bytes(), 0)
}
