//! The arrows between crates stay as ARCHITECTURE.md draws them.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::world::root;

/// Whom each crate of the product may know.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("matricula-core", &[]),
    ("matricula-flow", &["matricula-core"]),
    ("matricula-component", &["matricula-core"]),
    ("matricula-egress", &["matricula-core"]),
    ("matricula-store", &["matricula-core"]),
    ("matricula-engine", &["matricula-core", "matricula-flow"]),
    ("matricula-notice", &["matricula-core"]),
    ("matricula-session", &["matricula-core"]),
    ("matricula-page", &[]),
    (
        "matricula-service",
        &[
            "matricula-core",
            "matricula-flow",
            "matricula-component",
            "matricula-egress",
            "matricula-store",
            "matricula-engine",
            "matricula-notice",
        ],
    ),
    (
        "matricula-api",
        &[
            "matricula-core",
            "matricula-flow",
            "matricula-egress",
            "matricula-engine",
            "matricula-service",
            "matricula-session",
            "matricula-page",
        ],
    ),
    (
        "matricula",
        &[
            "matricula-core",
            "matricula-flow",
            "matricula-component",
            "matricula-egress",
            "matricula-store",
            "matricula-engine",
            "matricula-notice",
            "matricula-service",
            "matricula-session",
            "matricula-api",
        ],
    ),
    ("matricula-sdk", &[]),
    ("matricula-scim", &["matricula-sdk"]),
    ("matricula-connector-personio", &["matricula-sdk"]),
    (
        "matricula-connector-reteach",
        &["matricula-sdk", "matricula-scim"],
    ),
    (
        "matricula-connector-scim",
        &["matricula-sdk", "matricula-scim"],
    ),
    (
        "matricula-connector-edyoucated",
        &["matricula-sdk", "matricula-scim"],
    ),
    (
        "matricula-connector-winningtemp",
        &["matricula-sdk", "matricula-scim"],
    ),
    ("matricula-connector-engagedly", &["matricula-sdk"]),
    ("matricula-connector-kombo", &["matricula-sdk"]),
    // The sandbox must not read the world with the product's eyes.
    ("matricula-sandbox", &[]),
];

/// What cargo says of the workspace.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn dependencies_point_one_way() {
    let metadata = metadata();
    let known: BTreeMap<&str, Vec<&str>> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let ours = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|dependency| dependency["kind"].is_null() && dependency["path"].is_string())
                .map(|dependency| dependency["name"].as_str().unwrap())
                .collect();
            (package["name"].as_str().unwrap(), ours)
        })
        .collect();
    for (name, allowed) in MAY_KNOW {
        for dependency in &known[name] {
            assert!(
                allowed.contains(dependency),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn every_connector_and_every_crate_of_the_host_is_listed_above() {
    let metadata = metadata();
    let mut found = 0;
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let manifest = Path::new(package["manifest_path"].as_str().unwrap());
        let place = manifest.strip_prefix(root()).unwrap();
        // What builds the product is no part of it.
        let ours = place.starts_with("connectors")
            || place.starts_with("host") && !place.starts_with("host/xtask");
        if ours {
            let listed = MAY_KNOW.iter().any(|(listed, _)| *listed == name);
            assert!(listed, "MAY_KNOW does not say whom {name} may know");
            found += 1;
        }
    }
    assert!(found > 15, "{found} crates were looked at");
}

#[test]
fn libraries_touch_neither_environment_nor_terminal() {
    let forbidden = [
        "std::env",
        "env::var",
        "println!",
        "eprintln!",
        "home_dir",
        "std::process::exit",
    ];
    for name in [
        "core",
        "flow",
        "component",
        "egress",
        "store",
        "engine",
        "notice",
        "session",
        "page",
        "service",
        "api",
    ] {
        let mut folders = vec![root().join("host").join(name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap_or_default();
                for word in forbidden {
                    let used = code
                        .lines()
                        .any(|line| !line.trim_start().starts_with("//") && line.contains(word));
                    assert!(!used, "{word} in {}", path.display());
                }
            }
        }
    }
}
