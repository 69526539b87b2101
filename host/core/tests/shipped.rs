//! Every manifest that ships says everything that people read in both of the product's languages.
//!
//! Read as JSON and not as [`Manifest`]: a text that is missing would have its default there.

use std::path::Path;

use matricula_core::manifest::Manifest;
use serde_json::{Map, Value};

/// Where texts are not in both languages.
#[derive(Default)]
struct Gaps(Vec<String>);

impl Gaps {
    fn text(&mut self, of: &Value, key: &str, at: &str) {
        for language in ["en", "de"] {
            let text = of[key][language].as_str().unwrap_or_default();
            if text.trim().is_empty() {
                self.0.push(format!("{at}/{key} has no {language}"));
            }
        }
    }

    /// Whatever else is a text, however deep: what `properties` holds are names and no texts.
    fn deep(&mut self, value: &Value, at: &str, names: bool) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.deep(value, at, false)),
            Value::Object(object) => {
                for (key, inner) in object {
                    let texts = ["title", "help", "summary", "x-label"].contains(&key.as_str());
                    if texts && !names {
                        self.text(value, key, at);
                    } else {
                        let holds_names = ["properties", "patternProperties"];
                        let names = !names && holds_names.contains(&key.as_str());
                        self.deep(inner, &format!("{at}/{key}"), names);
                    }
                }
            }
            _ => {}
        }
    }
}

fn gaps(manifest: &Value) -> Vec<String> {
    let list = |of: &Value, key: &str| of[key].as_array().cloned().unwrap_or_default();
    let map = |of: &Value, key: &str| -> Map<String, Value> {
        of[key].as_object().cloned().unwrap_or_default()
    };
    let mut gaps = Gaps::default();
    gaps.deep(manifest, "", false);
    gaps.text(manifest, "title", "");
    gaps.text(manifest, "summary", "");
    for method in list(manifest, "authentication") {
        let at = format!("/authentication/{}", method["id"]);
        gaps.text(&method, "title", &at);
        gaps.text(&method, "help", &at);
        for field in list(&method, "fields") {
            let at = format!("{at}/{}", field["name"]);
            gaps.text(&field, "title", &at);
            gaps.text(&field, "help", &at);
        }
    }
    for kind in ["streams", "operations", "lookups"] {
        for (name, one) in map(manifest, kind) {
            gaps.text(&one, "title", &format!("/{kind}/{name}"));
            for (attribute, described) in map(&one["schema"], "properties") {
                gaps.text(
                    &described,
                    "x-label",
                    &format!("/{kind}/{name}/{attribute}"),
                );
            }
        }
    }
    gaps.0
}

#[test]
fn everything_that_people_read_is_in_both_languages() {
    let connectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../connectors");
    let mut manifests = 0;
    let mut wrong = Vec::new();
    for folder in std::fs::read_dir(connectors).unwrap() {
        let Ok(json) = std::fs::read(folder.unwrap().path().join("manifest.json")) else {
            continue;
        };
        manifests += 1;
        let id = Manifest::parse(&json).unwrap().id;
        let found = gaps(&serde_json::from_slice(&json).unwrap());
        wrong.extend(found.into_iter().map(|gap| format!("{id}{gap}")));
    }
    assert!(manifests >= 7, "{manifests}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_text_that_is_missing_is_found_wherever_it_is() {
    let whole = serde_json::json!({
        "title": {"en": "A", "de": "A"}, "summary": {"en": "A", "de": "A"},
        "authentication": [{"id": "key", "title": {"en": "A", "de": "A"}, "help": {"en": "A", "de": "A"},
            "fields": [{"name": "key", "title": {"en": "A", "de": "A"}, "help": {"en": "A", "de": "A"}}]}],
        "streams": {"people": {"title": {"en": "A", "de": "A"}, "schema": {"properties": {
            "title": {"type": "string", "x-label": {"en": "A", "de": "A"}}}}}},
    });
    assert_eq!(gaps(&whole), Vec::<String>::new());
    for place in [
        "/summary",
        "/authentication/0/help",
        "/authentication/0/fields/0/title",
        "/streams/people/schema/properties/title/x-label",
    ] {
        let mut wrong = whole.clone();
        wrong.pointer_mut(place).unwrap()["de"] = " ".into();
        assert!(!gaps(&wrong).is_empty(), "{place}");
        *wrong.pointer_mut(place).unwrap() = Value::Null;
        assert!(!gaps(&wrong).is_empty(), "{place}");
    }
}
