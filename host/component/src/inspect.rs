//! What a component is and wants, read from its bytes without compiling or running any of it.
//!
//! Two passes. [`skim`] walks the sections and is done at every load: manifest, imports, exports.
//! [`validate`] type-checks every function and is done once per component and host: compiled code in
//! the cache is the proof that these very bytes have passed.

use std::collections::BTreeSet;

use matricula_core::manifest::{Manifest, SECTION, Stream, properties};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use crate::error::{LoadError, Refusal};
use crate::limits::{COMPONENT_FILE, MANIFEST};

/// What Rust 1.95 emits for `wasm32-wasip2`, and SIMD. Everything newer (threads, exceptions, garbage
/// collection, component-model async) is refused: what no connector needs is only surface.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::EXTENDED_CONST);

/// What a component says about itself.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) manifest: Manifest,
    pub(crate) exports: BTreeSet<String>,
}

/// Reads a component's manifest and checks, without compiling or running anything, that this host would
/// load it: its bytes are valid, it imports nothing that connectors do not get, and it exports what its
/// manifest promises.
///
/// `name` is what errors call it: its file, usually.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn inspect(name: &str, bytes: &[u8]) -> Result<Manifest, LoadError> {
    let parts = skim(bytes).and_then(|parts| validate(bytes).map(|()| parts));
    parts
        .map(|parts| parts.manifest)
        .map_err(|refusal| LoadError::new(name, refusal))
}

/// Walks the sections: is it a component, for this contract, with no forbidden import and every promised
/// export.
pub(crate) fn skim(bytes: &[u8]) -> Result<Parts, Refusal> {
    if bytes.len() > COMPONENT_FILE {
        return Err(Refusal::TooLarge {
            size: bytes.len() as u64,
        });
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Refusal::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(Refusal::NotWasm);
    }
    let mut manifest = None;
    let mut imports = Vec::new();
    let mut exports = BTreeSet::new();
    // 1 in the component itself; modules and components inside it are deeper.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(invalid)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                if depth == 1 && encoding != Encoding::Component {
                    return Err(Refusal::CoreModule);
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            // Anywhere: the linker leaves it in the core module that rustc made.
            Payload::CustomSection(section) if section.name() == SECTION => {
                let size = section.data().len();
                if size > MANIFEST {
                    return Err(Refusal::ManifestTooLarge { size });
                }
                if manifest.replace(section.data()).is_some() {
                    return Err(Refusal::SeveralManifests);
                }
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(invalid)?.name.name);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.insert(export.map_err(invalid)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    // What it wants comes before what it is: the name of a forbidden import says most about a file.
    imports.into_iter().try_for_each(check_import)?;
    let manifest = Manifest::parse(manifest.ok_or(Refusal::NoManifest)?)?;
    let parts = Parts { manifest, exports };
    check_promises(&parts)?;
    Ok(parts)
}

/// Type-checks everything.
pub(crate) fn validate(bytes: &[u8]) -> Result<(), Refusal> {
    Validator::new_with_features(FEATURES)
        .validate_all(bytes)
        .map(drop)
        .map_err(invalid)
}

fn invalid(error: wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Invalid(error.to_string())
}

/// The interfaces that a component can import. WASI's are those that Rust's standard library always
/// imports, and the seed of its hash maps; all of them are empty or deterministic here.
///
/// A component names the version that it was built for. Any of the contract's first series passes here,
/// because the linker finds by series too: what is of another type is refused there, and a component that
/// needs a newer contract says so in its manifest.
const IMPORTS: [(&str, &[&str]); 4] = [
    (
        "matricula:connector",
        &["types", "http", "transfer", "composition", "log"],
    ),
    ("wasi:io", &["error", "poll", "streams"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:random", &["insecure-seed"]),
];

fn check_import(import: &str) -> Result<(), Refusal> {
    let (path, version) = import.split_once('@').unwrap_or((import, ""));
    let (package, interface) = path.split_once('/').unwrap_or((path, ""));
    let series = if package == "matricula:connector" {
        "1."
    } else {
        "0.2."
    };
    let known = IMPORTS.iter().any(|(known, interfaces)| {
        *known == package && interfaces.contains(&interface) && version.starts_with(series)
    });
    if known {
        return Ok(());
    }
    let advice = match package {
        "wasi:sockets" | "wasi:http" => {
            "the way to the network is `Context::send` of the SDK, under the host's control"
        }
        "wasi:filesystem" => "they have no files; keep what must last in the position or the state",
        "wasi:clocks" => "the time is `Context::now_ms` of the SDK",
        "wasi:random" => {
            "they are deterministic; take `Context::idempotency_key` of the SDK where a value must \
             be unique"
        }
        "matricula:connector" => "build it with the SDK of this version of Matricula",
        _ => "build it with Rust for wasm32-wasip2 and the SDK, without other interfaces",
    };
    Err(Refusal::Import {
        import: import.to_owned(),
        advice,
    })
}

fn check_promises(Parts { manifest, exports }: &Parts) -> Result<(), Refusal> {
    let has = |interface: &str| {
        exports.iter().any(|export| {
            export
                .split_once('@')
                .is_some_and(|(path, version)| path == interface && version.starts_with("1."))
        })
    };
    let promises = [
        (
            "matricula:connector/source",
            "the stream",
            manifest.streams.keys().next(),
        ),
        (
            "matricula:connector/attachments",
            "files for the stream",
            manifest
                .streams
                .iter()
                .find_map(|(name, stream)| has_files(stream).then_some(name)),
        ),
        (
            "matricula:connector/destination",
            "the operation",
            manifest.operations.keys().next(),
        ),
        (
            "matricula:connector/lookup",
            "the lookup",
            manifest.lookups.keys().next(),
        ),
    ];
    for (export, kind, first) in promises {
        if let Some(name) = first
            && !has(export)
        {
            return Err(Refusal::MissingExport {
                export,
                promise: format!("{kind} {name}"),
            });
        }
    }
    Ok(())
}

/// Whether records of the stream refer to files.
fn has_files(stream: &Stream) -> bool {
    properties(&stream.schema).is_some_and(|properties| {
        let marks = |mark: &_| *mark == true;
        properties
            .values()
            .any(|attribute| attribute.get("x-file").is_some_and(marks))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_connectors_get_can_be_imported() {
        for allowed in [
            "matricula:connector/http@1.0.0",
            "matricula:connector/http@1.1.0",
            "matricula:connector/transfer@1.1.0",
            "matricula:connector/composition@1.2.0",
            "wasi:io/poll@0.2.0",
            "wasi:cli/terminal-stdin@0.2.12",
            "wasi:random/insecure-seed@0.2.6",
        ] {
            assert!(check_import(allowed).is_ok(), "{allowed}");
        }
        for refused in [
            "wasi:sockets/tcp@0.2.6",
            "wasi:io/poll@0.3.0",
            "wasi:io/poll",
            "wasi:io/poll-extra@0.2.0",
            "wasi:cli/stdin-x@0.2.0",
            "wasi:random/random@0.2.6",
            "wasi:clocks/wall-clock@0.2.6",
            "matricula:connector/http@2.0.0",
            "matricula:connector/source@1.0.0",
            "matricula:connector/attachments@1.1.0",
            "f",
            "",
        ] {
            let error = check_import(refused).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("imports {refused}, which")),
                "{error}"
            );
        }
    }
}
