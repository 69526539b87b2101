//! What the connector itself reads of its manifest: the names that an owner sees in Personio.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Names of attributes, by key.
#[derive(Debug, Default)]
pub(crate) struct Labels(BTreeMap<String, Label>);

/// A name, in the languages of Personio's pages that the manifest knows.
#[derive(Debug, Deserialize)]
struct Label {
    en: String,
    de: String,
}

/// The language of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Also where nothing can be told.
    English,
    /// German.
    German,
}

#[derive(Deserialize)]
struct Manifest {
    streams: BTreeMap<String, Described>,
    operations: BTreeMap<String, Described>,
}

/// A stream or an operation.
#[derive(Deserialize)]
struct Described {
    schema: Schema,
}

#[derive(Deserialize)]
struct Schema {
    properties: BTreeMap<String, Property>,
}

#[derive(Deserialize)]
struct Property {
    #[serde(rename = "x-label")]
    label: Label,
}

impl Labels {
    /// Those of the employees.
    pub(crate) fn employees() -> Self {
        Self::read(|mut manifest| manifest.streams.remove(crate::EMPLOYEES))
    }

    /// Those of the documents that are uploaded.
    pub(crate) fn documents() -> Self {
        Self::read(|mut manifest| manifest.operations.remove(crate::UPLOAD_DOCUMENT))
    }

    fn read(of: impl FnOnce(Manifest) -> Option<Described>) -> Self {
        // The manifest is part of this crate, and a test reads it.
        let manifest: Option<Manifest> =
            serde_json::from_str(include_str!("../manifest.json")).ok();
        let properties = manifest
            .and_then(of)
            .map(|described| described.schema.properties)
            .unwrap_or_default();
        Self(
            properties
                .into_iter()
                .map(|(key, property)| (key, property.label))
                .collect(),
        )
    }

    /// The name of an attribute, if it is one of Personio's own.
    pub(crate) fn get(&self, key: &str, language: Language) -> Option<&str> {
        self.0.get(key).map(|label| match language {
            Language::English => label.en.as_str(),
            Language::German => label.de.as_str(),
        })
    }

    /// The language in which Personio names these attributes, given as key and name.
    pub(crate) fn language<'a>(&self, named: impl Iterator<Item = (&'a str, &'a str)>) -> Language {
        let (mut english, mut german) = (0, 0);
        for (key, name) in named {
            if let Some(label) = self.0.get(key) {
                english += usize::from(label.en.eq_ignore_ascii_case(name));
                german += usize::from(label.de == name);
            }
        }
        if german > english {
            Language::German
        } else {
            Language::English
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_account_s_language() {
        let labels = Labels::employees();
        let german = [
            ("first_name", "Vorname"),
            ("status", "Status"),
            ("dynamic_1", "Email"),
        ];
        assert_eq!(labels.language(german.into_iter()), Language::German);
        assert_eq!(
            labels.language([("first_name", "First Name")].into_iter()),
            Language::English
        );
        assert_eq!(labels.language(std::iter::empty()), Language::English);
        assert_eq!(labels.get("office", Language::German), Some("Standort"));
        assert_eq!(labels.get("dynamic_1", Language::English), None);
        let documents = Labels::documents();
        assert_eq!(
            documents.get("employee", Language::English),
            Some("Employee")
        );
    }
}
