//! The connector against recorded answers, through the trait that the component exports.

mod checking;
mod failing;
mod listing;
mod manifest;
mod normalising;
mod options;
mod reading;
mod uploading;
mod walking;

use matricula_sdk::transcript::Transcript;
use matricula_sdk::{Connector, Page, Read, Result};
use serde_json::{Value, json};

use crate::Personio;

/// A file of `tests/transcripts`.
macro_rules! recorded {
    ($name:literal) => {
        Transcript::new(
            serde_json::from_str(include_str!(concat!("../../tests/transcripts/", $name))).unwrap(),
        )
    };
}
use recorded;

fn config() -> Value {
    json!({"credential": {"client_id": "papi-demo"}, "settings": {}})
}

fn employees(attributes: &[&str]) -> Read {
    Read {
        stream: "employees".into(),
        attributes: attributes.iter().map(ToString::to_string).collect(),
        limit: 100,
        ..Read::default()
    }
}

fn read(transcript: &Transcript, read: &Read) -> Result<Page> {
    Personio::read(&transcript.context(&config()), read)
}

fn data(page: &Page) -> Vec<Value> {
    page.items
        .iter()
        .map(|item| serde_json::from_str(&item.data).unwrap())
        .collect()
}
