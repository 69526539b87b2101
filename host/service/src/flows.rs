//! The folder of flow files: `<name>.flow.yaml`, each with a sibling `<name>.test.yaml`.

use std::path::{Path, PathBuf};
use std::string::FromUtf8Error;

use matricula_core::connector::Connector as _;
use matricula_flow::{Diagnostic, Diagnostics, Flow, FlowFile, testing};

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
        self.named(name_or_path)
    }

    /// Finds a flow file of the folder by its name alone: what comes from elsewhere must not lead out of it.
    ///
    /// # Errors
    /// [`Error::FlowUnknown`] if there is no flow of that name.
    pub(crate) fn named(&self, name: &str) -> Result<FlowPath, Error> {
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        let path = self.folder.join(format!("{name}{FLOW}"));
        if !is_name || !path.is_file() {
            return Err(Error::FlowUnknown {
                name: name.to_owned(),
                folder: self.folder.clone(),
                hint: match self.folder.is_dir() {
                    true => there_are(self.names()?.iter().map(String::as_str)),
                    false => "this folder does not exist".to_owned(),
                },
            });
        }
        Ok(FlowPath(path))
    }

    /// Reads a flow file and checks it against the connectors that it names.
    ///
    /// # Errors
    /// [`Error::Flow`] if the file is wrong or names a connector that is not among those there are;
    /// [`Error::ConnectorRefused`] if one that it names cannot be used; [`Error::ConnectorUnknown`] if there
    /// are no connectors at all.
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

    pub(crate) fn load(&self, connectors: &Connectors) -> Result<Flow, Error> {
        check(&self.0.to_string_lossy(), &read(&self.0)?, connectors)
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

/// Checks the text of a flow file against the connectors that it names.
pub(crate) fn check(name: &str, text: &str, connectors: &Connectors) -> Result<Flow, Error> {
    let file = FlowFile::parse(name, text)?;
    let known = connectors.names()?;
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    // Where there is none at all, the folder is wrong and not the flow.
    if !known.is_empty() {
        let unknown = file.unknown_connectors(&known);
        if !unknown.0.is_empty() {
            return Err(unknown.into());
        }
    }
    let source = connectors.load(file.source().0)?;
    let target = connectors.load(file.target().0)?;
    Ok(Flow::check(file, source.manifest(), target.manifest())?)
}

fn read(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|error| Error::Unreadable {
        path: path.to_owned(),
        error,
    })?;
    String::from_utf8(bytes).map_err(|error| not_utf8(path, &error).into())
}

/// Says where a file stops being UTF-8.
fn not_utf8(path: &Path, error: &FromUtf8Error) -> Diagnostics {
    let good = error.utf8_error().valid_up_to();
    let good = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default());
    let begun = good.rsplit('\n').next().unwrap_or_default();
    let line = good.matches('\n').count() + 1;
    let margin = " ".repeat(line.to_string().len());
    let column = begun.chars().count();
    Diagnostics(vec![Diagnostic {
        file: path.to_string_lossy().into_owned(),
        line,
        column: column + 1,
        message: "the file is not UTF-8 from here on".to_owned(),
        hint: Some("save it with the encoding UTF-8".to_owned()),
        excerpt: format!(
            "{margin} |\n{line} | {}\u{fffd}\n{margin} | {}^",
            begun.replace('\t', " "),
            " ".repeat(column)
        ),
    }])
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
        let nowhere = Flows::new("no-such-folder");
        assert!(nowhere.names().unwrap().is_empty());
        assert_eq!(
            nowhere.find("sync").unwrap_err().to_string(),
            "there is no flow \"sync\" in no-such-folder: this folder does not exist"
        );
    }

    #[test]
    fn a_file_in_another_encoding_is_a_diagnostic() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latin.flow.yaml");
        std::fs::write(&path, b"flow: latin\ntitle: Z\xfcrich\n").unwrap();
        let Err(Error::Flow(diagnostics)) = read(&path) else {
            panic!("no diagnostic")
        };
        let [diagnostic] = diagnostics.0.as_slice() else {
            panic!("{diagnostics:?}")
        };
        assert_eq!((diagnostic.line, diagnostic.column), (2, 9));
        assert_eq!(
            diagnostic.excerpt,
            "  |\n2 | title: Z\u{fffd}\n  |         ^"
        );
    }

    #[test]
    fn a_connector_that_there_is_not_is_shown_where_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["personio.wasm", "reteach.wasm"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let path = folder.path().join("sync.flow.yaml");
        let text = "flow: sync\n\
                    source: { connector: persono, stream: employees }\n\
                    target: { connector: reteach, operation: put-user }\n";
        std::fs::write(&path, text).unwrap();
        let host = matricula_component::Host::new(matricula_component::Options::default()).unwrap();
        let connectors = Connectors::new(host, folder.path());
        let error = FlowPath(path).load(&connectors).unwrap_err();
        let Error::Flow(diagnostics) = &error else {
            panic!("{error}")
        };
        let [diagnostic] = diagnostics.0.as_slice() else {
            panic!("{diagnostics:?}")
        };
        assert_eq!((diagnostic.line, diagnostic.column), (2, 22));
        assert_eq!(diagnostic.message, "there is no connector \"persono\"");
        assert_eq!(
            diagnostic.hint.as_deref(),
            Some("did you mean \"personio\"?")
        );
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
