//! What a vendor gives to its tenants' credentials, as the operator has configured it.
//!
//! `name = "…"` is a value, `name_env` and `name_file` say where one is. Which fields a connector has, and which of
//! them are secrets, is not known here: whoever knows the connectors refuses a secret that was written openly.

use std::collections::BTreeMap;

use matricula_core::credential::{Gifts, Secrets};
use zeroize::Zeroizing;

use crate::vendors::Reference;

/// The most octets of a value: a private key fits.
const LONGEST: usize = 16 * 1024;

/// Reads the values for one connector, getting those that lie elsewhere.
///
/// # Errors
/// With what is wrong and what to do.
pub(crate) fn read(
    entries: &BTreeMap<String, String>,
    resolve: &mut impl FnMut(Reference<'_>) -> Result<Zeroizing<String>, String>,
) -> Result<Gifts, String> {
    let mut open = BTreeMap::new();
    let mut hidden: BTreeMap<String, String> = BTreeMap::new();
    for (key, text) in entries {
        let (name, reference) = match (key.strip_suffix("_env"), key.strip_suffix("_file")) {
            (Some(name), _) => (name, Some(Reference::Variable(text))),
            (_, Some(name)) => (name, Some(Reference::File(text))),
            (None, None) => (key.as_str(), None),
        };
        let twice = || format!("{name} is given twice; keep one");
        let value = match reference {
            None => {
                let before = open.insert(name.to_owned(), text.clone());
                if before.is_some() || hidden.contains_key(name) {
                    return Err(twice());
                }
                text.trim()
            }
            Some(reference) => {
                let found = resolve(reference).map_err(|why| format!("{key} {text:?}: {why}"))?;
                // Files end with a line.
                let value = found.trim().to_owned();
                if hidden.insert(name.to_owned(), value).is_some() || open.contains_key(name) {
                    return Err(twice());
                }
                hidden.get(name).map_or("", String::as_str)
            }
        };
        if value.is_empty() || value.len() > LONGEST || value.chars().any(|c| c == '\0') {
            return Err(format!(
                "{key} gives no value of 1 to {LONGEST} octets; correct it or take it out"
            ));
        }
    }
    Ok(Gifts {
        open,
        hidden: Secrets::new(hidden),
    })
}
