//! What a method of a manifest asks for, and whether what was entered is that.

use std::collections::BTreeMap;

use matricula_core::credential::Secrets;
use matricula_core::manifest::Method;

use crate::error::{Error, there_are};

/// The fields of a credential as they are entered, before anything is kept.
#[derive(Debug, Clone, Copy)]
pub struct Entered<'a> {
    /// Those that are no secrets.
    pub public: &'a BTreeMap<String, String>,
    /// Those that are.
    pub secrets: &'a Secrets,
}

/// A field of a credential that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongField {
    /// The field.
    pub name: String,
    /// Whether it stands, or is missing, among the secrets.
    pub secret: bool,
    /// Stable: `field.unknown`, `field.half`, `field.missing` or `field.not-entered`.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// The method of this id, or the only one.
pub(super) fn choose_method<'a>(
    connector: &str,
    methods: &[&'a Method],
    id: Option<&str>,
) -> Result<&'a Method, Error> {
    let ids = || there_are(methods.iter().map(|method| method.id.as_str()));
    match (id, methods) {
        (None, [only]) => Ok(*only),
        (None, _) => Err(Error::CredentialFields(format!(
            "{connector} has several methods of authentication, choose one: {}",
            ids()
        ))),
        (Some(id), _) => methods
            .iter()
            .copied()
            .find(|method| method.id == id)
            .ok_or_else(|| {
                Error::CredentialFields(format!(
                    "{connector} has no method of authentication \"{id}\": {}",
                    ids()
                ))
            }),
    }
}

pub(super) fn check_fields(
    method: &Method,
    public: &BTreeMap<String, String>,
    secrets: &Secrets,
) -> Result<(), Error> {
    // What is missing is told by the gateway, which knows what it can do without.
    let wrong = misplaced(method, Entered { public, secrets });
    match wrong.into_iter().next() {
        Some(first) => Err(Error::CredentialFields(first.message)),
        None => Ok(()),
    }
}

/// Fields that the method does not have, or has in the other half.
pub(super) fn misplaced(method: &Method, entered: Entered<'_>) -> Vec<WrongField> {
    let public = entered.public.keys().map(|name| (name.as_str(), false));
    let secrets = entered.secrets.iter().map(|(name, _)| (name, true));
    let of = |(name, secret): (&str, bool)| {
        let known = method.fields.iter().find(|field| field.name == name);
        let (code, message) = match known {
            None => {
                let known = there_are(method.fields.iter().map(|field| field.name.as_str()));
                let message = format!("there is no field \"{name}\": {known}");
                ("field.unknown", message)
            }
            Some(field) if field.given || field.connected => {
                let who = match field.given {
                    true => "is given by the application",
                    false => "is filled in by connecting",
                };
                let message = format!("the field {name} {who} and must not be entered");
                ("field.not-entered", message)
            }
            Some(field) if field.secret == secret => return None,
            Some(_) => {
                let message = match secret {
                    false => format!("the field {name} is a secret and must be given as one"),
                    true => format!("the field {name} is no secret and must not be given as one"),
                };
                ("field.half", message)
            }
        };
        Some(WrongField {
            name: name.to_owned(),
            secret,
            code,
            message,
        })
    };
    public.chain(secrets).filter_map(of).collect()
}

/// Fields that the method needs and that are empty or not there at all.
pub(super) fn missing(method: &Method, entered: Entered<'_>) -> Vec<WrongField> {
    let value = |name: &str| {
        let public = entered.public.get(name).map(String::as_str);
        public.or_else(|| entered.secrets.get(name))
    };
    let lacks = |name: &str| value(name).is_none_or(|value| value.trim().is_empty());
    let entered = method
        .fields
        .iter()
        .filter(|field| !field.given && !field.connected);
    let fields = entered.filter(|field| field.required);
    fields
        .filter(|field| lacks(&field.name))
        .map(|field| WrongField {
            name: field.name.clone(),
            secret: field.secret,
            code: "field.missing",
            message: format!("the field {} is needed", field.name),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn method() -> Method {
        serde_json::from_value(json!({
            "id": "token", "title": { "en": "Token" }, "sessions": [],
            "fields": [
                { "name": "url", "title": { "en": "Address" }, "format": "uri" },
                { "name": "token", "title": { "en": "Token" }, "secret": true },
                { "name": "note", "title": { "en": "Note" }, "required": false },
            ],
        }))
        .unwrap()
    }

    fn check(public: &[(&str, &str)], secrets: &[(&str, &str)]) -> Result<(), String> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let public = public.iter().map(own).collect();
        let secrets = Secrets::new(secrets.iter().map(own));
        check_fields(&method(), &public, &secrets).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_must_be_known_and_in_the_right_half() {
        let url = ("url", "https://academy.example.com/scim/v2");
        assert_eq!(check(&[url], &[("token", "t")]), Ok(()));
        for (public, secrets, reason) in [
            (
                vec![url, ("token", "t")],
                vec![],
                "the field token is a secret and must be given as one",
            ),
            (
                vec![],
                vec![url, ("token", "t")],
                "the field url is no secret and must not be given as one",
            ),
            (
                vec![url, ("tokn", "t")],
                vec![("token", "t")],
                "there is no field \"tokn\": there are url, token, note",
            ),
        ] {
            assert_eq!(check(&public, &secrets), Err(reason.to_owned()));
        }
    }

    #[test]
    fn what_is_missing_is_told_with_what_is_misplaced() {
        let public = BTreeMap::from([("token".to_owned(), "t".to_owned())]);
        let secrets = Secrets::default();
        let entered = Entered {
            public: &public,
            secrets: &secrets,
        };
        let told = |wrong: Vec<WrongField>| -> Vec<(String, bool, &str)> {
            let wrong = wrong.into_iter();
            wrong.map(|of| (of.name, of.secret, of.code)).collect()
        };
        assert_eq!(
            told(misplaced(&method(), entered)),
            [("token".to_owned(), false, "field.half")]
        );
        assert_eq!(
            told(missing(&method(), entered)),
            [("url".to_owned(), false, "field.missing")]
        );
    }

    #[test]
    fn the_method_is_chosen_where_there_is_only_one() {
        let (one, other) = (method(), method());
        let methods = [&one];
        assert_eq!(choose_method("x", &methods, None).unwrap().id, "token");
        let error = choose_method("x", &methods, Some("oauth"))
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "x has no method of authentication \"oauth\": there is only token"
        );
        assert!(choose_method("x", &[&one, &other], None).is_err());
    }
}
