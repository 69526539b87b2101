//! Texts that people read come in several languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

/// A text by language tag (`en`, `de`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub BTreeMap<String, String>);

impl Text {
    /// What the product itself says, in the languages that its page has.
    pub fn said(en: impl Into<String>, de: impl Into<String>) -> Self {
        Self(BTreeMap::from([
            ("en".to_owned(), en.into()),
            ("de".to_owned(), de.into()),
        ]))
    }

    /// The text in `language`, else in English, else in any language; empty if there is none.
    pub fn get(&self, language: &str) -> &str {
        let base = language.split(['-', '_']).next().unwrap_or(language);
        self.0
            .get(language)
            .or_else(|| self.0.get(base))
            .or_else(|| self.0.get("en"))
            .or_else(|| self.0.values().next())
            .map_or("", String::as_str)
    }
}

/// Reads a list of texts of which some may be plain strings, as they were kept while they were English only.
///
/// # Errors
/// If an element is neither a string nor a text.
pub fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Text>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Kept {
        English(String),
        Text(Text),
    }
    let kept = Vec::deserialize(deserializer)?.into_iter();
    Ok(kept
        .map(|one| match one {
            Kept::English(text) => Text(BTreeMap::from([("en".to_owned(), text)])),
            Kept::Text(text) => text,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_strings_are_english() {
        let json = r#"["Ada", {"en": "People", "de": "Menschen"}]"#;
        let texts = kept(&mut serde_json::Deserializer::from_str(json)).unwrap();
        assert_eq!(texts[0].get("de"), "Ada");
        assert_eq!(texts[1], Text::said("People", "Menschen"));
        assert!(kept(&mut serde_json::Deserializer::from_str("[1]")).is_err());
    }

    #[test]
    fn falls_back_from_region_to_language_to_english() {
        let text = Text(BTreeMap::from([
            ("en".into(), "People".into()),
            ("de".into(), "Menschen".into()),
        ]));
        assert_eq!(text.get("de-AT"), "Menschen");
        assert_eq!(text.get("fr"), "People");
        assert_eq!(Text::default().get("en"), "");
    }
}
