//! The flows as they lie in the folder, checked once and kept until their file changes.
//!
//! Lists of automations ask for each whether there is a newer version, so that must cost no more than a look at
//! the file's date and size.

use std::sync::PoisonError;
use std::time::SystemTime;

use matricula_flow::Flow;

use crate::Matricula;
use crate::error::Error;

/// By what a file is taken for unchanged: when it was written, and how many bytes it has.
pub(crate) type Stamp = (Option<SystemTime>, u64);

impl Matricula {
    /// The flow of this name as it lies in the folder now. Unlike [`crate::Flows::load`] it takes names alone and
    /// no paths, so the name may come from anybody.
    ///
    /// # Errors
    /// [`Error::FlowUnknown`] if there is none, or there is no folder; as [`crate::Flows::load`].
    pub fn offered(&self, name: &str) -> Result<Flow, Error> {
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        let flows = self.flows.as_ref().filter(|_| is_name && !name.is_empty());
        let flows = flows.ok_or_else(|| Error::FlowUnknown {
            name: name.to_owned(),
            folder: Default::default(),
            hint: "a flow is asked for by its name, of lower-case letters, digits and hyphens"
                .to_owned(),
        })?;
        let found = flows.find(name)?;
        let stamp = std::fs::metadata(found.path())
            .map(|file| (file.modified().ok(), file.len()))
            .map_err(|error| Error::Unreadable {
                path: found.path().to_owned(),
                error,
            })?;
        let folder = &self.kept.folder;
        let lock = || folder.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((kept, flow)) = lock().get(name)
            && *kept == stamp
        {
            return Ok(flow.clone());
        }
        let flow = flows.load(name, &self.connectors)?;
        lock().insert(name.to_owned(), (stamp, flow.clone()));
        Ok(flow)
    }
}
