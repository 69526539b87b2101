//! Which attributes an answer holds: the parameters `attributes` and `excludedAttributes` (RFC 7644 §3.9).
//!
//! Attributes directly on the resource are told apart, and extensions as wholes; `schemas` and `id` are
//! always there.

use serde_json::{Map, Value};

/// What to leave of a resource.
pub(super) enum Projection {
    All,
    Only(Vec<String>),
    Without(Vec<String>),
}

impl Projection {
    pub(super) fn of(query: &[(String, String)]) -> Self {
        let named = |parameter: &str| {
            let pair = query.iter().find(|(key, _)| key == parameter);
            pair.map(|(_, list)| list.split(',').map(top).collect::<Vec<_>>())
        };
        if let Some(names) = named("attributes") {
            Self::Only(names)
        } else if let Some(names) = named("excludedAttributes") {
            Self::Without(names)
        } else {
            Self::All
        }
    }

    /// Cuts a rendered resource down.
    pub(super) fn cut(&self, rendered: Vec<u8>) -> Vec<u8> {
        let keeps = |key: &str| {
            let key = key.to_ascii_lowercase();
            let always = key == "id" || key == "schemas";
            match self {
                Self::All => true,
                Self::Only(names) => always || names.contains(&key),
                Self::Without(names) => always || !names.contains(&key),
            }
        };
        if matches!(self, Self::All) {
            return rendered;
        }
        let Ok(mut resource) = serde_json::from_slice::<Map<String, Value>>(&rendered) else {
            return rendered;
        };
        resource.retain(|key, _| keeps(key));
        serde_json::to_vec(&resource).unwrap_or(rendered)
    }
}

/// The attribute directly on the resource that a name leads to, in lower case.
fn top(name: &str) -> String {
    let name = name.trim().to_ascii_lowercase();
    if name.starts_with("urn:") {
        // The dots of a version are no path.
        return match name
            .split_once(":user:")
            .or_else(|| name.split_once(":group:"))
        {
            Some((urn, _)) if name.contains(":extension:") => format!("{urn}:user"),
            Some((_, rest)) => rest.to_owned(),
            None => name,
        };
    }
    let end = name.find(['.', '[']).unwrap_or(name.len());
    name.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(parameter: &str, names: &str) -> String {
        let resource = r#"{"schemas":[],"id":"1","displayName":"IT","members":[],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{}}"#;
        let query = [(parameter.to_owned(), names.to_owned())];
        let left = Projection::of(&query).cut(resource.as_bytes().to_vec());
        let left: Map<String, Value> = serde_json::from_slice(&left).unwrap();
        let keys: Vec<String> = left.into_iter().map(|(key, _)| key).collect();
        keys.join(" ")
    }

    #[test]
    fn names_are_compared_without_case_and_path() {
        let urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        assert_eq!(cut("attributes", "DisplayName"), "displayName id schemas");
        assert_eq!(
            cut("excludedAttributes", "members.value, id"),
            format!("displayName id schemas {urn}")
        );
        let sub = format!("{urn}:department");
        assert_eq!(cut("attributes", &sub), format!("id schemas {urn}"));
    }
}
