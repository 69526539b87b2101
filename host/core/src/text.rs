//! Texts that people read come in several languages.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A text by language tag (`en`, `de`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub BTreeMap<String, String>);

impl Text {
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

#[cfg(test)]
mod tests {
    use super::*;

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
