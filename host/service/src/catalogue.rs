//! What owners may choose from: the flows of the folder and the connectors that they name.
//!
//! Whoever looks at the catalogue waits for it, so a flow file is parsed and checked once and again only when it has
//! changed. A file that is wrong is left out and told once in the log: one mistake of the operator's takes
//! nothing from the other flows.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use matricula_core::Text;
use matricula_core::connector::Connector;
use matricula_flow::Flow;

use crate::Matricula;
use crate::error::Error;

/// Flows by the name of their file.
#[derive(Default)]
pub(crate) struct Catalogue(Mutex<HashMap<String, Known>>);

struct Known {
    stamp: Stamp,
    /// None: the file is wrong, and that was told.
    flow: Option<Flow>,
}

/// By what a file that has changed is known.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl Catalogue {
    fn get(&self, name: &str, stamp: Stamp) -> Option<Option<Flow>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get(name).filter(|known| known.stamp == stamp)?;
        Some(known.flow.clone())
    }

    fn keep(&self, name: &str, stamp: Stamp, flow: Option<Flow>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(name.to_owned(), Known { stamp, flow });
    }

    fn retain(&self, names: &[String]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|name, _| names.contains(name));
    }
}

impl Matricula {
    /// Every flow of the folder that can be started here, by name; none where there is no folder. A file
    /// that is wrong, or names another flow than its own name does, is left out.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the folder cannot be read.
    pub fn catalogue(&self) -> Result<Vec<Flow>, Error> {
        let Some(flows) = &self.flows else {
            return Ok(Vec::new());
        };
        let names = flows.names()?;
        self.catalogue.retain(&names);
        let offered = |name: &String| self.offered(name).ok();
        Ok(names.iter().filter_map(offered).collect())
    }

    /// The flow of the folder with this name; never one of a path.
    ///
    /// # Errors
    /// [`Error::FlowUnknown`] if there is none; otherwise what is wrong with it, as [`crate::Flows::load`].
    pub fn offered(&self, name: &str) -> Result<Flow, Error> {
        let unknown = |hint: &str| Error::FlowUnknown {
            name: name.to_owned(),
            folder: PathBuf::new(),
            hint: hint.to_owned(),
        };
        let flows = self.flows.as_ref();
        let flows = flows.ok_or_else(|| unknown("no folder of flows was given"))?;
        let path = flows.named(name)?;
        let unreadable = |error| Error::Unreadable {
            path: path.path().to_owned(),
            error,
        };
        let file = std::fs::metadata(path.path()).map_err(unreadable)?;
        let stamp = Stamp {
            bytes: file.len(),
            modified: file.modified().ok(),
        };
        let known = self.catalogue.get(name, stamp);
        if let Some(Some(flow)) = known {
            return Ok(flow);
        }
        let loaded = path.load(&self.connectors).and_then(|flow| {
            let found = flow.name().to_owned();
            match found == name {
                true => Ok(flow),
                false => Err(unknown(&format!("the file of that name has {found}"))),
            }
        });
        if known.is_none() {
            if let Err(error) = &loaded {
                tracing::warn!(flow = name, %error, "A flow file cannot be used and is left out.");
            }
            self.catalogue
                .keep(name, stamp, loaded.as_ref().ok().cloned());
        } else if let Ok(flow) = &loaded {
            // What was missing before, a connector, is there by now.
            self.catalogue.keep(name, stamp, Some(flow.clone()));
        }
        loaded
    }

    /// What owners call a flow; its name where the folder does not have it any more.
    pub fn flow_title(&self, name: &str) -> Text {
        match self.offered(name) {
            Ok(flow) => flow.title().clone(),
            Err(_) => Text([("en".to_owned(), name.to_owned())].into()),
        }
    }

    /// Every connector of the folder that can be used here, by name.
    ///
    /// # Errors
    /// [`Error::Unreadable`] if the folder cannot be read.
    pub fn systems(&self) -> Result<Vec<Arc<dyn Connector>>, Error> {
        let mut systems: Vec<Arc<dyn Connector>> = Vec::new();
        for name in self.connectors.names()? {
            match self.connectors.load(&name) {
                Ok(connector) => systems.push(connector),
                Err(error) => {
                    tracing::warn!(connector = name, %error, "A connector is left out.");
                }
            }
        }
        Ok(systems)
    }

    /// The connector of this name.
    ///
    /// # Errors
    /// As [`crate::Connectors::load`].
    pub fn system(&self, name: &str) -> Result<Arc<dyn Connector>, Error> {
        let connector = self.connectors.load(name)?;
        Ok(connector)
    }
}
