//! Every flow that ships, with its test file, against the manifests that ship.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};

use matricula_core::manifest::Manifest;
use matricula_flow::{Flow, FlowFile, testing};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn manifests() -> Vec<Manifest> {
    let mut all = Vec::new();
    for folder in std::fs::read_dir(root().join("connectors")).unwrap() {
        let manifest = folder.unwrap().path().join("manifest.json");
        if let Ok(json) = std::fs::read(&manifest) {
            let read = Manifest::parse(&json);
            all.push(read.unwrap_or_else(|wrong| panic!("{}: {wrong}", manifest.display())));
        }
    }
    all
}

/// Everything that is wrong with a flow.
fn wrong_with(flow: &str, manifests: &[Manifest]) -> Result<Vec<String>, String> {
    let said = |wrong: matricula_flow::Diagnostics| wrong.to_string();
    let read =
        |name: &str| std::fs::read_to_string(root().join(name)).map_err(|e| format!("{name}: {e}"));
    let (name, tests) = (
        format!("flows/{flow}.flow.yaml"),
        format!("flows/{flow}.test.yaml"),
    );
    let file = FlowFile::parse(&name, &read(&name)?).map_err(said)?;
    let ids: Vec<&str> = manifests
        .iter()
        .map(|manifest| manifest.id.as_str())
        .collect();
    let unknown = file.unknown_connectors(&ids);
    if !unknown.0.is_empty() {
        return Err(said(unknown));
    }
    let of = |id: &str| manifests.iter().find(|manifest| manifest.id == id).unwrap();
    let (source, target) = (of(file.source().0), of(file.target().0));
    let checked = Flow::check(file, source, target).map_err(said)?;
    let mut wrong = Vec::new();
    if checked.name() != flow {
        wrong.push(format!("{name} is named {} inside", checked.name()));
    }
    let results = testing::run(&checked, &tests, &read(&tests)?).map_err(said)?;
    if results.len() < 5 {
        wrong.push(format!("{tests} has {} cases", results.len()));
    }
    for result in results.iter().filter(|result| !result.failures.is_empty()) {
        wrong.push(format!("{tests}: {}: {:#?}", result.name, result.failures));
    }
    Ok(wrong)
}

#[test]
fn every_flow_fits_its_manifests_and_passes_its_cases() {
    let manifests = manifests();
    let mut flows = 0;
    let mut wrong = Vec::new();
    for file in std::fs::read_dir(root().join("flows")).unwrap() {
        let name = file.unwrap().file_name();
        if let Some(flow) = name.to_str().unwrap().strip_suffix(".flow.yaml") {
            flows += 1;
            wrong.extend(wrong_with(flow, &manifests).unwrap_or_else(|reason| vec![reason]));
        }
    }
    assert!(flows > 1, "{flows}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
