//! What can be wrong with a certificate.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is wrong with a certificate or its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// The file is an HTML page, sent as `application/pdf`.
    NoPdf,
    /// The file has no bytes.
    Empty,
    /// The file is a PDF of 32 MiB, more than Personio takes.
    Large,
    /// The file is gone: 404.
    Gone,
    /// The certificate was revoked; its file is still there.
    Revoked,
    /// The certificate has expired; its file is still there.
    Expired,
    /// The certificate was replaced by another one; its file is still there.
    Replaced,
}

const ALL: [(&str, Trouble); 7] = [
    ("no-pdf", Trouble::NoPdf),
    ("empty", Trouble::Empty),
    ("large", Trouble::Large),
    ("gone", Trouble::Gone),
    ("revoked", Trouble::Revoked),
    ("expired", Trouble::Expired),
    ("replaced", Trouble::Replaced),
];

impl Trouble {
    /// The name used in JSON and on the command line.
    pub fn name(self) -> &'static str {
        ALL.iter().find(|a| a.1 == self).map_or("", |a| a.0)
    }
}

/// Reads the command line's form.
impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = ALL.iter().find(|(name, _)| *name == text).map(|a| a.1);
        found.ok_or_else(|| {
            let names = ALL.map(|a| a.0).join(", ");
            format!("unknown trouble `{text}`; there are: {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for (name, trouble) in ALL {
            assert_eq!(serde_json::json!(trouble), name);
            assert_eq!(name.parse(), Ok(trouble));
            assert_eq!(trouble.name(), name);
        }
        assert!("lost".parse::<Trouble>().unwrap_err().contains("no-pdf"));
    }
}
