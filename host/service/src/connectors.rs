//! The folder of connectors: `<id>.wasm` each.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use matricula_component::{Component, Host};
use matricula_core::connector::Connector as _;

use crate::error::{Error, there_are};

/// Loads connectors once and keeps them.
pub struct Connectors {
    host: Host,
    folder: PathBuf,
    loaded: Mutex<HashMap<String, Arc<Component>>>,
}

impl Connectors {
    /// The connectors of a folder, run by `host`.
    pub fn new(host: Host, folder: impl Into<PathBuf>) -> Self {
        Self {
            host,
            folder: folder.into(),
            loaded: Mutex::default(),
        }
    }

    /// Where they lie.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The names of all, sorted.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        names_in(&self.folder, ".wasm")
    }

    /// The connector of this name.
    ///
    /// # Errors
    /// [`Error::ConnectorUnknown`] if there is no such file, [`Error::ConnectorRefused`] if it may not run here.
    pub fn load(&self, name: &str) -> Result<Arc<Component>, Error> {
        // A name comes from a flow file; it must not lead out of the folder.
        let is_name =
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let path = self.folder.join(format!("{name}.wasm"));
        if !is_name || !path.is_file() {
            return Err(Error::ConnectorUnknown {
                name: name.to_owned(),
                folder: self.folder.clone(),
                hint: there_are(self.names()?.iter().map(String::as_str)),
            });
        }
        if let Some(component) = self.loaded().get(name) {
            return Ok(Arc::clone(component));
        }
        let component = self.load_file(&path)?;
        let id = &component.manifest().id;
        if id != name {
            return Err(Error::ConnectorMisnamed {
                path,
                id: id.clone(),
            });
        }
        self.loaded()
            .insert(name.to_owned(), Arc::clone(&component));
        Ok(component)
    }

    /// A component from any file.
    ///
    /// # Errors
    /// [`Error::ConnectorRefused`] if it may not run here.
    pub fn load_file(&self, path: &Path) -> Result<Arc<Component>, Error> {
        self.host
            .load(path)
            .map_err(|error| Error::ConnectorRefused(Box::new(error)))
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Component>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the files of a folder that end so are called without that end, sorted.
pub(crate) fn names_in(folder: &Path, end: &str) -> Result<Vec<String>, Error> {
    let unreadable = |error| Error::Unreadable {
        path: folder.to_owned(),
        error,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(end)) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_with_the_right_end_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.wasm", "notes.txt"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(names_in(folder.path(), ".wasm").unwrap(), ["a", "b"]);
        let missing = folder.path().join("nowhere");
        assert_eq!(
            names_in(&missing, ".wasm").unwrap_err().code(),
            "file.unreadable"
        );
    }
}
