//! The folder of flow files: `<name>.flow.yaml`, each with a sibling `<name>.test.yaml`.

use std::path::{Path, PathBuf};

use matricula_core::connector::Connector as _;
use matricula_flow::{Flow, FlowFile, testing};

use crate::connectors::{Connectors, names_in};
use crate::error::{Error, there_are};

const FLOW: &str = ".flow.yaml";
const TEST: &str = ".test.yaml";

/// Finds and checks flow files.
#[derive(Debug, Clone)]
pub struct Flows {
    folder: PathBuf,
}

/// A flow file that was asked for, by its name in the folder or by a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowPath(PathBuf);

/// What the tests beside a flow gave.
#[derive(Debug, Clone)]
pub struct Tested {
    /// The flow.
    pub flow: Flow,
    /// The file of the tests.
    pub file: PathBuf,
    /// One per case, in the order of the file.
    pub cases: Vec<testing::CaseResult>,
}

impl Flows {
    /// The flows of a folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The names of all, sorted; none if the folder does not exist.
    pub fn names(&self) -> Result<Vec<String>, Error> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        names_in(&self.folder, FLOW)
    }

    /// Finds a flow file. What has a folder or ends in `.yaml` or `.yml` is a path, anything else a name.
    ///
    /// # Errors
    /// [`Error::FlowUnknown`] if there is no flow of that name.
    pub fn find(&self, name_or_path: &str) -> Result<FlowPath, Error> {
        let path = Path::new(name_or_path);
        let yaml = path
            .extension()
            .is_some_and(|end| end == "yaml" || end == "yml");
        if yaml || path.components().nth(1).is_some() || path.is_absolute() {
            return Ok(FlowPath(path.to_owned()));
        }
        let path = self.folder.join(format!("{name_or_path}{FLOW}"));
        if !path.is_file() {
            return Err(Error::FlowUnknown {
                name: name_or_path.to_owned(),
                folder: self.folder.clone(),
                hint: there_are(self.names()?.iter().map(String::as_str)),
            });
        }
        Ok(FlowPath(path))
    }

    /// Reads a flow file and checks it against the connectors that it names.
    ///
    /// # Errors
    /// [`Error::Flow`] if the file is wrong; [`Error::ConnectorUnknown`] and [`Error::ConnectorRefused`] if it
    /// is fine so far but names a connector that cannot be used.
    pub fn load(&self, name_or_path: &str, connectors: &Connectors) -> Result<Flow, Error> {
        self.find(name_or_path)?.load(connectors)
    }

    /// Reads a flow file and runs the tests beside it.
    ///
    /// # Errors
    /// As [`Self::load`]; [`Error::Unreadable`] if there are no tests beside it.
    pub fn test(&self, name_or_path: &str, connectors: &Connectors) -> Result<Tested, Error> {
        let path = self.find(name_or_path)?;
        let flow = path.load(connectors)?;
        let file = path.tests();
        let text = read(&file)?;
        let cases = testing::run(&flow, &file.to_string_lossy(), &text)?;
        Ok(Tested { flow, file, cases })
    }
}

impl FlowPath {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn load(&self, connectors: &Connectors) -> Result<Flow, Error> {
        let file = FlowFile::parse(&self.0.to_string_lossy(), &read(&self.0)?)?;
        let source = connectors.load(file.source().0)?;
        let target = connectors.load(file.target().0)?;
        Ok(Flow::check(file, source.manifest(), target.manifest())?)
    }

    /// The tests beside it: `x.test.yaml` for `x.flow.yaml`.
    fn tests(&self) -> PathBuf {
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        let stem = name
            .strip_suffix(FLOW)
            .or_else(|| name.rsplit_once('.').map(|(stem, _)| stem))
            .unwrap_or(&name);
        self.0.with_file_name(format!("{stem}{TEST}"))
    }
}

fn read(path: &Path) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|error| Error::Unreadable {
        path: path.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_asked_for_by_name_or_by_path() {
        let folder = tempfile::tempdir().unwrap();
        let flows = Flows::new(folder.path());
        std::fs::write(folder.path().join("sync.flow.yaml"), "").unwrap();
        let found = flows.find("sync").unwrap();
        assert_eq!(found.path(), folder.path().join("sync.flow.yaml"));
        for path in ["sync.flow.yaml", "./sync", "elsewhere/sync", "x.yml"] {
            assert_eq!(flows.find(path).unwrap().path(), Path::new(path));
        }
        let error = flows.find("snyc").unwrap_err();
        assert_eq!(error.code(), "flow.unknown");
        assert!(error.to_string().ends_with("there is only sync"), "{error}");
        assert!(Flows::new("no-such-folder").names().unwrap().is_empty());
    }

    #[test]
    fn tests_lie_beside_their_flow() {
        let tests = |path: &str| FlowPath(path.into()).tests();
        assert_eq!(
            tests("flows/sync.flow.yaml"),
            Path::new("flows/sync.test.yaml")
        );
        assert_eq!(tests("x.yml"), Path::new("x.test.yaml"));
    }
}
