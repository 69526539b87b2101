//! The systems that can be demonstrated: what gives access to each, and which flows are run with it.

use anyhow::{Result, bail};
use serde_json::{Map, Value, json};

use crate::sandbox::{EDYOUCATED_URL, KOMBO_URL, SCIM_URL, WINNINGTEMP_URL};

/// One system.
#[derive(Debug)]
pub(super) struct System {
    /// What `--system` takes.
    pub(super) name: &'static str,
    /// What the sandbox is, besides an account of the HR system.
    pub(super) title: &'static str,
    /// How many people there are unless it is said.
    pub(super) people: u32,
    /// The connectors that access is given to, the source's first.
    pub(super) connectors: &'static [&'static str],
    pub(super) flows: &'static [Flow],
}

/// One flow, as it is run.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) name: &'static str,
    /// The connector that it reads with.
    pub(super) source: &'static str,
    /// The connector that it writes with.
    pub(super) target: &'static str,
    /// Settings that are not the default, each with its JSON.
    pub(super) settings: &'static [(&'static str, &'static str)],
    pub(super) shows: Shows,
}

/// What is looked at after a flow has run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    /// The accounts of the SCIM service that the sandbox calls by this name.
    Accounts(&'static str),
    /// Its groups too.
    Groups(&'static str),
    /// The users of Engagedly.
    Engagedly,
    /// The documents in personnel files.
    Documents,
}

/// What a customer enters to give access to a system.
pub(crate) struct Access {
    /// What the credential is called.
    pub(crate) name: &'static str,
    pub(crate) method: Option<&'static str>,
    pub(crate) public: Value,
    pub(crate) secrets: Value,
}

impl Flow {
    /// The settings as one object.
    pub(super) fn settings(&self) -> Value {
        let parsed = self.settings.iter().map(|(name, json)| {
            let value = serde_json::from_str(json).unwrap_or_else(|_| (*json).into());
            ((*name).to_owned(), value)
        });
        Value::Object(parsed.collect::<Map<_, _>>())
    }
}

const BY_DEPARTMENT: &[(&str, &str)] = &[("teams_from", r#"["department"]"#)];

/// Those that there are; the first one is shown unless another is asked for.
pub(super) const SYSTEMS: &[System] = &[
    System {
        name: "reteach",
        title: "a reteach academy",
        people: 200,
        connectors: &["personio", "reteach"],
        flows: &[
            Flow {
                name: "sync-employees",
                source: "personio",
                target: "reteach",
                settings: &[],
                shows: Shows::Accounts("scim"),
            },
            Flow {
                name: "sync-certificates",
                source: "reteach",
                target: "personio",
                settings: &[],
                shows: Shows::Documents,
            },
        ],
    },
    System {
        name: "scim",
        title: "a SCIM 2.0 service",
        people: 200,
        connectors: &["personio", "scim"],
        flows: &[Flow {
            name: "sync-employees-to-scim",
            source: "personio",
            target: "scim",
            settings: BY_DEPARTMENT,
            shows: Shows::Groups("scim"),
        }],
    },
    System {
        name: "edyoucated",
        title: "an edyoucated workspace",
        people: 200,
        connectors: &["personio", "edyoucated"],
        flows: &[Flow {
            name: "sync-employees-to-edyoucated",
            source: "personio",
            target: "edyoucated",
            settings: &[("teams_from", r#"["department", "supervisor"]"#)],
            shows: Shows::Groups("edyoucated"),
        }],
    },
    System {
        name: "winningtemp",
        title: "a Winningtemp account",
        people: 200,
        connectors: &["personio", "winningtemp"],
        flows: &[Flow {
            name: "sync-employees-to-winningtemp",
            source: "personio",
            target: "winningtemp",
            settings: BY_DEPARTMENT,
            shows: Shows::Groups("winningtemp-scim"),
        }],
    },
    System {
        name: "engagedly",
        title: "an Engagedly account",
        // It takes 200 requests a minute, and each department, place and title is one more.
        people: 30,
        connectors: &["personio", "engagedly"],
        flows: &[Flow {
            name: "sync-employees-to-engagedly",
            source: "personio",
            target: "engagedly",
            settings: &[],
            shows: Shows::Engagedly,
        }],
    },
    System {
        name: "kombo",
        title: "a reteach academy, and Kombo between the two",
        people: 200,
        connectors: &["kombo", "reteach"],
        flows: &[
            Flow {
                name: "sync-employees-from-kombo",
                source: "kombo",
                target: "reteach",
                settings: &[],
                shows: Shows::Accounts("scim"),
            },
            Flow {
                name: "sync-certificates-to-kombo",
                source: "reteach",
                target: "kombo",
                settings: &[],
                shows: Shows::Documents,
            },
        ],
    },
];

/// The system of a name.
///
/// # Errors
/// There is none; the message says which there are.
pub(super) fn find(name: &str) -> Result<&'static System> {
    match SYSTEMS.iter().find(|system| system.name == name) {
        Some(system) => Ok(system),
        None => {
            let names: Vec<&str> = SYSTEMS.iter().map(|system| system.name).collect();
            bail!("there is no system {name}; there are {}", names.join(", "))
        }
    }
}

/// What the sandbox accepts from a connector.
///
/// # Errors
/// Nothing is known of this connector.
pub(crate) fn access(connector: &str) -> Result<Access> {
    let access = |name, public, secrets| Access {
        name,
        method: None,
        public,
        secrets,
    };
    Ok(match connector {
        "personio" => access(
            "Personio",
            json!({ "client_id": "sandbox-personio-id" }),
            json!({ "client_secret": "sandbox-personio-secret" }),
        ),
        "reteach" => access(
            "Academy",
            json!({ "scim_url": SCIM_URL, "client_id": "sandbox-reteach-id" }),
            json!({
                "scim_token": "sandbox-scim-token",
                "client_secret": "sandbox-reteach-secret",
                "client_code": "sandbox-reteach-code",
            }),
        ),
        "scim" => Access {
            method: Some("bearer"),
            ..access(
                "Directory",
                json!({ "scim_url": SCIM_URL }),
                json!({ "token": "sandbox-scim-token" }),
            )
        },
        "edyoucated" => access(
            "edyoucated",
            json!({ "scim_url": EDYOUCATED_URL }),
            json!({ "scim_token": "sandbox-edyoucated-token" }),
        ),
        "winningtemp" => access(
            "Winningtemp",
            json!({ "scim_url": WINNINGTEMP_URL, "client_id": "sandbox-winningtemp-id" }),
            json!({
                "scim_token": "sandbox-winningtemp-token",
                "client_secret": "sandbox-winningtemp-secret",
            }),
        ),
        "engagedly" => access(
            "Engagedly",
            json!({ "client_key": "sandbox-engagedly-client" }),
            json!({ "secret_key": "sandbox-engagedly-secret" }),
        ),
        "kombo" => Access {
            method: Some("key"),
            ..access(
                "Kombo",
                json!({ "api_url": KOMBO_URL, "integration_id": KOMBO_INTEGRATION }),
                json!({
                    "api_key": "sandbox-kombo-key",
                    "webhook_secret": "sandbox-kombo-webhook-secret",
                }),
            )
        },
        other => bail!("no access to {other} is known"),
    })
}

/// The integration of the sandbox's account.
const KOMBO_INTEGRATION: &str = "personio:SandboxConnection1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_system_needs_is_known() {
        for system in SYSTEMS {
            for connector in system.connectors {
                let access = access(connector).unwrap();
                assert!(access.public.is_object() && access.secrets.is_object());
            }
            for flow in system.flows {
                for connector in [flow.source, flow.target] {
                    assert!(system.connectors.contains(&connector), "{}", flow.name);
                }
                let settings = flow.settings();
                assert_eq!(settings.as_object().unwrap().len(), flow.settings.len());
                let lists = settings.get("teams_from").map(Value::is_array);
                assert_ne!(lists, Some(false), "{}", flow.name);
            }
        }
    }

    #[test]
    fn an_unknown_system_is_told_which_there_are() {
        assert_eq!(find("kombo").unwrap().name, "kombo");
        let said = find("moodle").unwrap_err().to_string();
        assert_eq!(
            said,
            "there is no system moodle; there are reteach, scim, edyoucated, winningtemp, engagedly, kombo"
        );
    }
}
