//! What people call the attributes of a stream or an operation.

use matricula_core::Text;
use serde_json::Value;

/// What a manifest's schema calls an attribute: its `x-label`, else its `title`, each a text or texts by
/// language; where there is neither, its name. Of attributes that only a pattern describes, what the
/// pattern's schema says.
pub fn title(schema: &Value, name: &str) -> Text {
    let property = property(schema, name);
    let label = |key: &str| -> Option<Text> {
        match property?.get(key)? {
            Value::String(text) => Some(in_english(text)),
            texts => serde_json::from_value(texts.clone()).ok(),
        }
    };
    let label = label("x-label").or_else(|| label("title"));
    label.unwrap_or_else(|| in_english(name))
}

/// What a schema of objects says of one of their properties.
pub(crate) fn property<'s>(schema: &'s Value, name: &str) -> Option<&'s Value> {
    let known = schema
        .get("properties")
        .and_then(|properties| properties.get(name));
    known.or_else(|| {
        let patterns = schema.get("patternProperties")?.as_object()?;
        patterns.iter().find_map(|(pattern, property)| {
            let fits = regex::Regex::new(pattern).ok()?.is_match(name);
            fits.then_some(property)
        })
    })
}

fn in_english(text: &str) -> Text {
    Text([("en".to_owned(), text.to_owned())].into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_label_comes_before_a_title_and_that_before_the_name() {
        let schema = json!({"properties": {
            "a": {"x-label": {"en": "A", "de": "Ä"}, "title": "other"}, "b": {"title": "B"}, "c": {}},
            "patternProperties": {"^dynamic_": {"x-label": {"en": "Own"}}}});
        assert_eq!(title(&schema, "a").get("de"), "Ä");
        assert_eq!(title(&schema, "b").get("de"), "B");
        assert_eq!(title(&schema, "c").get("en"), "c");
        assert_eq!(title(&schema, "dynamic_1").get("en"), "Own");
        assert_eq!(title(&json!(true), "x").get("en"), "x");
    }
}
