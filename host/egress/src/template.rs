//! The credential's fields, and the manifest's templates that name them.
//!
//! A template is text with `{field}` in it. Where a template becomes an address, a value may not decide
//! more than its place says: in `https://{company}.example.com` the value `evil.org/` would name another
//! host, so values inside a host are letters, digits, hyphens and dots, values inside a path are
//! percent-encoded, and only a template that begins with a field takes its value for an address.

use std::collections::BTreeMap;

use matricula_core::credential::{Credential, Secrets};
use matricula_core::manifest::{Manifest, Method};
use matricula_core::template::{Part, climbs, parts};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use zeroize::Zeroizing;

use crate::SessionError;

/// The values of a credential, by the names that templates use.
pub(crate) struct Fields {
    connector: String,
    values: BTreeMap<String, Field>,
    /// Fields that only other methods of the manifest have.
    elsewhere: Vec<String>,
}

struct Field {
    value: Zeroizing<String>,
    secret: bool,
}

impl Fields {
    /// Collects the fields of `method`; a required one that is empty is an error.
    pub(crate) fn new(
        manifest: &Manifest,
        method: &Method,
        credential: &Credential,
        secrets: &Secrets,
    ) -> Result<Self, SessionError> {
        let mut values = BTreeMap::new();
        for field in &method.fields {
            let value = if field.secret {
                secrets.get(&field.name)
            } else {
                credential.public.get(&field.name).map(String::as_str)
            };
            let value = Zeroizing::new(value.unwrap_or_default().to_owned());
            if field.required && value.trim().is_empty() {
                return Err(SessionError::FieldMissing {
                    credential: credential.name.clone(),
                    field: field.name.clone(),
                });
            }
            values.insert(
                field.name.clone(),
                Field {
                    value,
                    secret: field.secret,
                },
            );
        }
        let elsewhere = manifest
            .authentication
            .iter()
            .flat_map(|method| &method.fields)
            .map(|field| field.name.clone())
            .filter(|name| !values.contains_key(name))
            .collect();
        Ok(Self {
            connector: manifest.id.clone(),
            values,
            elsewhere,
        })
    }

    /// Every secret value.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.values
            .values()
            .filter(|field| field.secret)
            .map(|field| field.value.as_str())
    }

    /// Fills in a template. `None` if it names a field that was left empty. `more` is a value that is
    /// not the credential's.
    pub(crate) fn fill(
        &self,
        template: &str,
        more: Option<(&str, &str)>,
    ) -> Result<Option<Zeroizing<String>>, SessionError> {
        let mut text = Zeroizing::new(String::new());
        for part in parts(template) {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Field(name) => match more {
                    Some((known, value)) if known == name => text.push_str(value),
                    _ => match self.get(name)? {
                        Some(field) => text.push_str(&field.value),
                        None => return Ok(None),
                    },
                },
            }
        }
        Ok(Some(text))
    }

    /// Fills in a template that is an address. `None` if it names a field that was left empty, or one
    /// that the credential's method does not have.
    pub(crate) fn address(&self, template: &str) -> Result<Option<Url>, SessionError> {
        let parts: Vec<_> = parts(template).collect();
        let mut text = String::new();
        for (index, part) in parts.iter().enumerate() {
            let name = match part {
                Part::Literal(literal) => {
                    text.push_str(literal);
                    continue;
                }
                Part::Field(name) => *name,
            };
            if self.elsewhere.iter().any(|other| other == name) {
                return Ok(None);
            }
            let Some(field) = self.get(name)? else {
                return Ok(None);
            };
            if field.secret {
                return Err(self.wrong(format!(
                    "the address {template} names the secret field {name}: secrets do not belong into addresses"
                )));
            }
            let value = field.value.trim();
            if index == 0 {
                match parts.get(1) {
                    None => text.push_str(value),
                    Some(Part::Literal(rest)) if rest.starts_with('/') => {
                        text.push_str(value.trim_end_matches('/'));
                    }
                    Some(_) => {
                        return Err(self.wrong(format!(
                            "in the address {template} a path must follow the field {name}"
                        )));
                    }
                }
            } else if in_path(&text) {
                if climbs(value) {
                    return Err(SessionError::Field {
                        field: name.to_owned(),
                        reason: "it is a part of an address, and nothing but dots".into(),
                    });
                }
                text.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
            } else if value
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
            {
                text.push_str(value);
            } else {
                return Err(SessionError::Field {
                    field: name.to_owned(),
                    reason: "it is a part of a host name: only letters, digits, hyphens and dots"
                        .into(),
                });
            }
        }
        match Url::parse(&text) {
            Ok(url) => Ok(Some(url)),
            Err(error) => Err(match parts.first() {
                Some(Part::Field(name)) => SessionError::Field {
                    field: (*name).to_owned(),
                    reason: format!(
                        "it is not an address such as https://api.example.com: {error}"
                    ),
                },
                _ => self.wrong(format!("{template} is not an address: {error}")),
            }),
        }
    }

    /// A manifest that contradicts itself.
    pub(crate) fn wrong(&self, reason: String) -> SessionError {
        SessionError::Manifest {
            connector: self.connector.clone(),
            reason,
        }
    }

    fn get(&self, name: &str) -> Result<Option<&Field>, SessionError> {
        match self.values.get(name) {
            Some(field) if field.value.trim().is_empty() => Ok(None),
            Some(field) => Ok(Some(field)),
            None => Err(self.wrong(format!("a template names the unknown field {name}"))),
        }
    }
}

/// Whether the address so far has left the host behind.
fn in_path(so_far: &str) -> bool {
    so_far
        .split_once("://")
        .is_some_and(|(_, rest)| rest.contains(['/', '?', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(public: &[(&str, &str)]) -> Fields {
        let mut values: BTreeMap<_, _> = public
            .iter()
            .map(|(name, value)| {
                let value = Zeroizing::new((*value).to_owned());
                (
                    (*name).to_owned(),
                    Field {
                        value,
                        secret: false,
                    },
                )
            })
            .collect();
        let secret = Field {
            value: Zeroizing::new("s3cr3t".into()),
            secret: true,
        };
        values.insert("key".into(), secret);
        Fields {
            connector: "example".into(),
            values,
            elsewhere: vec!["other".into()],
        }
    }

    fn address(template: &str, public: &[(&str, &str)]) -> Result<Option<String>, SessionError> {
        Ok(fields(public).address(template)?.map(Into::into))
    }

    #[test]
    fn a_template_is_filled_and_a_stray_brace_stays() {
        let fields = fields(&[("user", "ada"), ("empty", " ")]);
        let fill = |template| {
            fields
                .fill(template, None)
                .map(|text| text.map(|t| t.to_string()))
        };
        assert_eq!(fill("{user}:{key}").unwrap().as_deref(), Some("ada:s3cr3t"));
        assert_eq!(
            fill("{ x }{}{user").unwrap().as_deref(),
            Some("{ x }{}{user")
        );
        assert_eq!(
            fill("Token {key}!").unwrap().as_deref(),
            Some("Token s3cr3t!")
        );
        assert_eq!(fill("{user}{empty}").unwrap(), None);
        assert!(matches!(
            fill("{nobody}"),
            Err(SessionError::Manifest { .. })
        ));
        let more = fields
            .fill("{refresh_token}", Some(("refresh_token", "r")))
            .unwrap()
            .unwrap();
        assert_eq!(&*more, "r");
    }

    #[test]
    fn a_value_cannot_choose_more_than_its_place_in_an_address() {
        let host = "https://{company}.example.com";
        assert_eq!(
            address(host, &[("company", "acme")]).unwrap().as_deref(),
            Some("https://acme.example.com/")
        );
        for evil in [
            "evil.org/",
            "evil.org#",
            "evil.org?",
            "a@evil.org:443/",
            "evil.org\\",
            "a b",
        ] {
            assert!(
                matches!(
                    address(host, &[("company", evil)]),
                    Err(SessionError::Field { .. })
                ),
                "{evil}"
            );
        }
        assert_eq!(
            address(
                "https://example.com/{company}/token",
                &[("company", "../a?b")]
            )
            .unwrap()
            .as_deref(),
            Some("https://example.com/%2E%2E%2Fa%3Fb/token")
        );
        // Encoded they would still be taken for what they are.
        for evil in [".", "..", " .. "] {
            let led = address(
                "https://example.com/a/{company}/token",
                &[("company", evil)],
            );
            assert!(matches!(led, Err(SessionError::Field { .. })), "{led:?}");
        }
    }

    #[test]
    fn a_field_may_be_the_address_itself() {
        let base = [("base", " https://academy.example.com/scim/v2/ ")];
        assert_eq!(
            address("{base}", &base).unwrap().as_deref(),
            Some("https://academy.example.com/scim/v2/")
        );
        assert_eq!(
            address("{base}/token", &base).unwrap().as_deref(),
            Some("https://academy.example.com/scim/v2/token")
        );
        assert!(address("{base}.example.org", &base).is_err());
        assert!(matches!(
            address("{base}", &[("base", "academy")]),
            Err(SessionError::Field { .. })
        ));
        assert_eq!(address("{base}", &[("base", "")]).unwrap(), None);
        assert_eq!(address("{other}", &[]).unwrap(), None);
        assert!(
            address("https://example.com/{key}", &[]).is_err(),
            "secrets stay out of addresses"
        );
    }
}
