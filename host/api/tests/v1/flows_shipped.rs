//! Everything that ships is in the catalogue, with its texts in both languages, its attributes and its rights.
//!
//! What ships is read from the folders: a flow or a connector that is added is held to this by being there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::world::{OWNER, World};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The flow files by their flows' names.
fn flow_files() -> Vec<(String, PathBuf)> {
    let files = std::fs::read_dir(root().join("flows")).unwrap();
    let files = files.map(|file| file.unwrap().path());
    let mut named: Vec<_> = files
        .filter_map(|file| {
            let name = file.file_name()?.to_str()?.strip_suffix(".flow.yaml")?;
            Some((name.to_owned(), file))
        })
        .collect();
    named.sort();
    named
}

/// The manifest of each connector that ships.
fn manifests() -> Vec<Value> {
    let folders = std::fs::read_dir(root().join("connectors")).unwrap();
    let files = folders.map(|folder| folder.unwrap().path().join("manifest.json"));
    let files = files.filter(|file| file.exists());
    let texts = files.map(|file| std::fs::read_to_string(file).unwrap());
    texts
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

/// The items of a list, all of them.
async fn items(world: &World, path: &str) -> Vec<Value> {
    let list = world.get(OWNER, path).await.ok();
    assert_eq!(list["next"], Value::Null, "{path} has one page");
    list["items"].as_array().unwrap().clone()
}

fn texts<'a>(items: &'a Value, key: &str) -> BTreeSet<&'a str> {
    let items = items.as_array().unwrap().iter();
    items.map(|item| item[key].as_str().unwrap()).collect()
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// A text that a reader of either language has.
#[track_caller]
fn assert_text(text: &Value, of: &str) {
    for language in ["en", "de"] {
        let says = text[language].as_str().unwrap_or_default();
        assert!(!says.trim().is_empty(), "{of} says nothing in {language}");
    }
}

/// Attributes are called as the manifest calls them.
#[track_caller]
fn assert_titles(attributes: &Value, schema: &Value, of: &str) {
    let attributes = attributes.as_array().unwrap();
    assert!(!attributes.is_empty(), "{of} has no attributes");
    for attribute in attributes {
        let name = attribute["name"].as_str().unwrap();
        let title = &attribute["title"];
        assert_text(title, &format!("{of}: {name}"));
        if let Some(known) = schema["properties"].get(name) {
            assert_eq!(title, &known["x-label"], "{of}: {name}");
        }
    }
}

/// The form asks in both languages, and each choice of it is a text in both.
#[track_caller]
fn assert_form(schema: &Value, of: &str) {
    let properties = schema["properties"].as_object().unwrap();
    assert!(!properties.is_empty(), "{of} has no settings");
    for (name, setting) in properties {
        let of = format!("{of}: {name}");
        assert_text(&setting["x-title"], &of);
        if let Some(description) = setting.get("x-description") {
            assert_text(description, &of);
        }
        for choices in [setting, &setting["items"]] {
            let values = choices["enum"].as_array();
            for value in values.into_iter().flatten() {
                assert_text(&choices["x-labels"][value.as_str().unwrap()], &of);
            }
        }
    }
}

fn manifest<'a>(manifests: &'a [Value], id: &Value) -> &'a Value {
    let found = manifests.iter().find(|one| &one["id"] == id);
    found.unwrap_or_else(|| panic!("{id} has no manifest"))
}

#[tokio::test]
async fn every_flow_that_ships_is_offered_and_says_what_it_is() {
    let world = World::new().await;
    let files = flow_files();
    for (name, file) in &files {
        let to = world.flows.path().join(format!("{name}.flow.yaml"));
        std::fs::copy(file, to).unwrap();
    }
    let manifests = manifests();
    let flows = items(&world, "/flows").await;
    let names: Vec<_> = flows.iter().map(|flow| flow["name"].clone()).collect();
    let shipped: Vec<_> = files.iter().map(|(name, _)| json!(name)).collect();
    assert_eq!(names, shipped);

    for (flow, (name, file)) in flows.iter().zip(&files) {
        let path = format!("/flows/{name}");
        assert_eq!(&world.get(OWNER, &path).await.ok(), flow);
        for key in ["title", "summary"] {
            assert_text(&flow[key], name);
        }
        let text = std::fs::read_to_string(file).unwrap();
        for language in ["en", "de"] {
            let title = flow["title"][language].as_str().unwrap();
            assert!(text.contains(&format!("  {language}: {title}\n")), "{name}");
        }
        assert_eq!(flow["available"], true, "{name}");
        assert_form(&flow["settings_schema"], name);

        let (source, target) = (&flow["source"], &flow["target"]);
        for system in [source, target] {
            let manifest = manifest(&manifests, &system["connector"]);
            assert_eq!(
                (&system["title"], &system["icon"]),
                (&manifest["title"], &manifest["icon"])
            );
        }
        let needs = |side: &str| flow["needs"][side].as_array().unwrap().clone();
        for (side, kind, system, attributes) in [
            ("source", "streams", source, &flow["reads"]),
            ("target", "operations", target, &flow["writes"]),
        ] {
            let manifest = manifest(&manifests, &system["connector"]);
            let known = keys(&manifest[kind]);
            let needs = needs(side);
            assert!(!needs.is_empty(), "{name} needs no right of its {side}");
            let names = texts(attributes, "name");
            let mut covered = false;
            for need in &needs {
                let subject = need["subject"].as_str().unwrap();
                assert!(known.contains(subject), "{name} needs {subject}");
                let wanted = need["attributes"].as_array().unwrap().iter();
                let wanted: BTreeSet<_> = wanted.map(|one| one.as_str().unwrap()).collect();
                let schema = &manifest[kind][subject]["schema"];
                if wanted.is_superset(&names) {
                    covered = true;
                    assert_titles(attributes, schema, name);
                }
                let required = schema["required"].as_array().into_iter().flatten();
                for attribute in required.filter(|_| side == "target" && wanted == names) {
                    let attribute = attribute.as_str().unwrap();
                    assert!(wanted.contains(attribute), "{name} lacks {attribute}");
                }
            }
            assert!(covered, "{name}: {names:?} is not what {needs:?} covers");
        }
    }
}

#[tokio::test]
async fn every_connector_that_ships_is_offered_and_says_how_to_sign_in() {
    let world = World::new().await;
    let manifests = manifests();
    let connectors = items(&world, "/connectors").await;
    let of = |list: &[Value]| -> BTreeSet<String> {
        let ids = list.iter().map(|one| one["id"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    };
    assert_eq!(of(&connectors), of(&manifests));

    for connector in &connectors {
        let id = connector["id"].as_str().unwrap();
        let manifest = manifest(&manifests, &connector["id"]);
        for key in ["title", "summary"] {
            assert_text(&connector[key], id);
            assert_eq!(connector[key], manifest[key], "{id}");
        }
        assert!(connector["icon"].as_str().unwrap().starts_with("<svg"));
        assert_eq!(connector["version"], manifest["version"], "{id}");

        let (methods, known) = (&connector["methods"], &manifest["authentication"]);
        assert_eq!(texts(methods, "id"), texts(known, "id"), "{id}");
        for method in methods.as_array().unwrap() {
            assert_text(&method["title"], id);
            assert_text(&method["help"], id);
            let fields = method["fields"].as_array().unwrap();
            assert!(!fields.is_empty() || method["sign_in"] == true, "{id}");
            for field in fields {
                assert_text(&field["title"], id);
                assert_text(&field["help"], id);
            }
        }

        let streams = connector["streams"].as_array().unwrap();
        let names = texts(&connector["streams"], "name");
        assert_eq!(names, keys(&manifest["streams"]), "{id}");
        for stream in streams {
            let name = stream["name"].as_str().unwrap();
            let (of, schema) = (
                format!("{id}: {name}"),
                &manifest["streams"][name]["schema"],
            );
            assert_text(&stream["title"], &of);
            assert_titles(&stream["attributes"], schema, &of);
            let listed = texts(&stream["attributes"], "name");
            assert_eq!(listed, keys(&schema["properties"]), "{of}");
        }
    }
}
