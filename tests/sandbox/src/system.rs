//! The faked systems: their names, and where the real ones are found.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the faked systems, each on a listener of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// Personio's API.
    Personio,
    /// The academy's REST API.
    Reteach,
    /// The academy's SCIM service, which stands for any SCIM service as well.
    Scim,
    /// edyoucated's SCIM service.
    Edyoucated,
    /// Winningtemp's REST API.
    Winningtemp,
    /// Winningtemp's SCIM service.
    WinningtempScim,
    /// Engagedly's API.
    Engagedly,
    /// Kombo's unified API.
    Kombo,
}

impl System {
    /// All of them, in the order of their listeners.
    pub const ALL: [Self; 8] = [
        Self::Personio,
        Self::Reteach,
        Self::Scim,
        Self::Edyoucated,
        Self::Winningtemp,
        Self::WinningtempScim,
        Self::Engagedly,
        Self::Kombo,
    ];

    /// The name in JSON and on the command line, such as `winningtemp-scim`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Personio => "personio",
            Self::Reteach => "reteach",
            Self::Scim => "scim",
            Self::Edyoucated => "edyoucated",
            Self::Winningtemp => "winningtemp",
            Self::WinningtempScim => "winningtemp-scim",
            Self::Engagedly => "engagedly",
            Self::Kombo => "kombo",
        }
    }

    /// The origin under which connectors know the real system. Those of an academy and of an edyoucated
    /// account are a customer's own and made up here.
    pub const fn origin(self) -> &'static str {
        match self {
            Self::Personio => "https://api.personio.de",
            Self::Reteach => "https://api.reteach.io",
            Self::Scim => "https://academy.example.com",
            Self::Edyoucated => "https://edyoucated.example.com",
            Self::Winningtemp => "https://api.winningtemp.com",
            Self::WinningtempScim => "https://scim.prod.winningtemp.com",
            Self::Engagedly => "https://api.engagedly.com",
            Self::Kombo => "https://api.kombo.dev",
        }
    }

    /// The path that is part of the address which a customer is told: that of a SCIM service's base;
    /// empty for the others.
    pub const fn base(self) -> &'static str {
        match self {
            Self::Scim | Self::Edyoucated => "/scim/v2",
            Self::WinningtempScim => "/api/scim",
            _ => "",
        }
    }

    /// The address that a customer of the real system is told, such as `https://academy.example.com/scim/v2`.
    pub fn real_url(self) -> String {
        format!("{}{}", self.origin(), self.base())
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for System {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|system| system.name() == text);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown system `{text}`; there are {names}")
        })
    }
}

/// Where the fakes listen. As JSON, an object with an address for each system's name and for `admin`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addresses {
    /// Origin of the endpoints by which another process inspects and drives the fakes.
    pub admin: String,
    /// What [`Sandbox::url`](crate::Sandbox::url) gives, for every system.
    #[serde(flatten)]
    pub systems: BTreeMap<System, String>,
}

impl Addresses {
    /// The address of a system: its origin, `http://127.0.0.1:PORT`, and for a SCIM service the path of
    /// its base.
    pub fn of(&self, system: System) -> &str {
        self.systems.get(&system).map_or("", String::as_str)
    }

    /// The origin of a system, without the path of a SCIM service's base.
    pub fn origin(&self, system: System) -> &str {
        let url = self.of(system);
        url.strip_suffix(system.base()).unwrap_or(url)
    }

    /// For each system, the origin under which connectors know the real one and that of its fake.
    pub fn origins(&self) -> Vec<(&'static str, &str)> {
        System::ALL
            .into_iter()
            .map(|system| (system.origin(), self.origin(system)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere() {
        for (index, system) in System::ALL.into_iter().enumerate() {
            assert_eq!(system.index(), index);
            assert_eq!(system.name().parse(), Ok(system));
            assert_eq!(serde_json::json!(system), system.name());
        }
        let said = "moodle".parse::<System>().unwrap_err();
        assert!(said.contains("winningtemp-scim, engagedly"), "{said}");
    }

    #[test]
    fn addresses_are_one_flat_object() {
        let systems =
            System::ALL.map(|s| (s, format!("http://127.0.0.1:{}{}", s.index(), s.base())));
        let addresses = Addresses {
            admin: "http://127.0.0.1:9".into(),
            systems: systems.into(),
        };
        let json = serde_json::to_value(&addresses).unwrap();
        assert_eq!(json["admin"], "http://127.0.0.1:9");
        assert_eq!(json["winningtemp-scim"], "http://127.0.0.1:5/api/scim");
        let again: Addresses = serde_json::from_value(json).unwrap();
        assert_eq!(again.origin(System::WinningtempScim), "http://127.0.0.1:5");
        assert_eq!(again.origins().len(), System::ALL.len());
    }
}
