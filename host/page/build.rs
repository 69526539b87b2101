//! Puts what `cargo xtask page` has made into the library: every file as it is and compressed.
//!
//! Without Node there is nothing in `dist`, and the library has no page; everything else builds as always.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

fn main() -> Result<()> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).context(name);
    let dist = variable("CARGO_MANIFEST_DIR")?.join("dist");
    let out = variable("OUT_DIR")?;
    // Cargo watches all that lies in a folder; one that is missing would count as changed in every build.
    std::fs::create_dir_all(&dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = Vec::new();
    collect(&dist, &dist, &mut files)?;
    files.sort();
    let mut code = String::from("static ASSETS: &[Asset] = &[\n");
    for (number, name) in files.iter().enumerate() {
        let file = dist.join(name);
        let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
        let digest = Sha256::digest(&bytes);
        let digest: String = digest.iter().take(8).map(|b| format!("{b:02x}")).collect();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&bytes)?;
        let gzip = gzip.finish()?;
        // What is compressed already does not get smaller.
        let packed = match gzip.len() < bytes.len() {
            true => {
                let packed = out.join(format!("{number}.gz"));
                std::fs::write(&packed, gzip)?;
                format!("Some(include_bytes!({:?}))", packed)
            }
            false => "None".to_owned(),
        };
        writeln!(
            code,
            "    Asset {{ path: {name:?}, bytes: include_bytes!({file:?}), gzip: {packed}, digest: {digest:?} }},"
        )?;
    }
    code.push_str("];\n");
    std::fs::write(out.join("assets.rs"), code)?;
    Ok(())
}

/// The files under a folder, by their path from `root` on, with slashes.
fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
            continue;
        }
        let name: Vec<_> = path
            .strip_prefix(root)?
            .iter()
            .map(|part| part.to_string_lossy())
            .collect();
        let name = name.join("/");
        if !name.starts_with('.') {
            files.push(name);
        }
    }
    Ok(())
}
