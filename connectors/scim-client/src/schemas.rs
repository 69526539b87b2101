//! What a service says of itself: `/Schemas` and, where that leaves a doubt, `/ResourceTypes`.

use serde_json::Value;

use crate::learned::{Holds, Own};
use crate::path::{Path, boolean, member};
use crate::profile::{CORE, ENTERPRISE, Kind};

/// The schemas of a service, as far as they can be those of a user.
#[derive(Debug, Default)]
pub(crate) struct Schemas(Vec<Schema>);

#[derive(Debug)]
struct Schema {
    id: String,
    attributes: Vec<Definition>,
}

#[derive(Debug)]
struct Definition {
    name: String,
    kind: String,
    many: bool,
    writable: bool,
    parts: Vec<Definition>,
}

/// Where an attribute was found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) path: String,
    /// Dates are written with a time there.
    pub(crate) date_time: bool,
}

impl Schemas {
    pub(crate) fn read(resources: &[Value]) -> Self {
        let schema = |resource: &Value| {
            let id = member(resource, "id")?.as_str()?.to_owned();
            Some(Schema {
                id,
                attributes: definitions(member(resource, "attributes")),
            })
        };
        Self(
            resources
                .iter()
                .filter_map(schema)
                .filter(|s| may_describe_users(&s.id))
                .collect(),
        )
    }

    /// Whether the service can take something at this place of a standard schema.
    pub(crate) fn offers(&self, path: &Path<'_>) -> bool {
        let schema = self
            .0
            .iter()
            .find(|s| s.id.eq_ignore_ascii_case(path.urn.unwrap_or(CORE)));
        let Some(schema) = schema else {
            // Every user has the core schema, described or not.
            return path.urn.is_none();
        };
        if schema.attributes.is_empty() {
            return true;
        }
        let Some(attribute) = find(&schema.attributes, path.attribute) else {
            return false;
        };
        let part = path.sub.map(|sub| find(&attribute.parts, sub));
        attribute.writable
            && match part {
                // A service that names no parts at all leaves them to the standard.
                None | Some(None) if attribute.parts.is_empty() => true,
                None => true,
                Some(part) => part.is_some_and(|part| part.writable),
            }
    }

    /// Whether several schemas, or one that is not plainly a user's, have an attribute of these names;
    /// only then is it worth asking which schemas belong to users.
    pub(crate) fn is_doubtful(&self, names: &[&str]) -> bool {
        let mut homes = self
            .0
            .iter()
            .filter(|s| s.attributes.iter().any(|a| named(a, names)));
        match (homes.next(), homes.next()) {
            (None, _) => false,
            (Some(one), None) => !plainly_of_users(&one.id),
            (Some(_), Some(_)) => true,
        }
    }

    /// Keeps only the schemas that belong to users.
    pub(crate) fn keep(&mut self, extensions: &[String]) {
        self.0.retain(|schema| {
            let id = &schema.id;
            id.eq_ignore_ascii_case(CORE) || extensions.iter().any(|e| e.eq_ignore_ascii_case(id))
        });
    }

    /// Where there is an attribute of one of these names that can hold such values: in the core schema
    /// first, then in the enterprise extension, then in extensions of the service's own.
    pub(crate) fn learn(&self, names: &[&str], kind: Kind) -> Option<Place> {
        let is = |found: &Definition, name: &str| found.kind.eq_ignore_ascii_case(name);
        let fits = |found: &Definition| match kind {
            Kind::Boolean => is(found, "boolean"),
            Kind::Date => is(found, "string") || is(found, "dateTime"),
            _ => is(found, "string"),
        };
        let (path, found) = self.look(names, fits)?;
        Some(Place {
            path,
            date_time: is(found, "dateTime"),
        })
    }

    /// Where there is an attribute of this name that holds one value without parts, and what it takes.
    pub(crate) fn learn_own(&self, name: &str) -> Option<Own> {
        let (at, found) = self.look(&[name], |found| holds(found).is_some())?;
        Some(Own {
            at,
            holds: holds(found)?,
        })
    }

    fn look(
        &self,
        names: &[&str],
        fits: impl Fn(&Definition) -> bool,
    ) -> Option<(String, &Definition)> {
        let mut schemas: Vec<&Schema> = self.0.iter().collect();
        schemas.sort_by_key(|schema| match &schema.id {
            id if id.eq_ignore_ascii_case(CORE) => 0,
            id if id.eq_ignore_ascii_case(ENTERPRISE) => 1,
            id if plainly_of_users(id) => 2,
            _ => 3,
        });
        // The names are in order of preference, so they go before the schemas.
        names.iter().find_map(|name| {
            schemas.iter().find_map(|schema| {
                let found = schema.attributes.iter().find(|a| named(a, &[name]))?;
                if !fits(found) || found.many || !found.writable {
                    return None;
                }
                let path = match &schema.id {
                    id if id.eq_ignore_ascii_case(CORE) => found.name.clone(),
                    id => format!("{id}:{}", found.name),
                };
                Some((path, found))
            })
        })
    }
}

fn holds(definition: &Definition) -> Option<Holds> {
    let known = [
        ("string", Holds::Text),
        ("integer", Holds::Number),
        ("decimal", Holds::Number),
        ("boolean", Holds::Boolean),
        ("dateTime", Holds::Moment),
    ];
    let found = known
        .iter()
        .find(|(name, _)| definition.kind.eq_ignore_ascii_case(name));
    found.map(|(_, holds)| *holds)
}

/// The extensions that users have, from the answer of `/ResourceTypes`.
pub(crate) fn user_extensions(resource_types: &[Value]) -> Option<Vec<String>> {
    let text = |value: &Value, name| {
        member(value, name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let user = resource_types.iter().find(|kind| {
        let endpoint = text(kind, "endpoint").unwrap_or_default();
        endpoint.trim_matches('/').eq_ignore_ascii_case("users")
            || text(kind, "schema").is_some_and(|schema| schema.eq_ignore_ascii_case(CORE))
    })?;
    let extensions = member(user, "schemaExtensions").and_then(Value::as_array);
    Some(
        extensions
            .into_iter()
            .flatten()
            .filter_map(|e| text(e, "schema"))
            .collect(),
    )
}

fn definitions(list: Option<&Value>) -> Vec<Definition> {
    let definition = |value: &Value| {
        let text = |name| member(value, name).and_then(Value::as_str);
        Some(Definition {
            name: text("name")?.to_owned(),
            // RFC 7643 §7: what is not said is a string that can be read and written.
            kind: text("type").unwrap_or("string").to_owned(),
            many: member(value, "multiValued").and_then(boolean) == Some(true),
            writable: !text("mutability").is_some_and(|m| m.eq_ignore_ascii_case("readOnly")),
            parts: definitions(member(value, "subAttributes")),
        })
    };
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(definition)
        .collect()
}

fn find<'d>(definitions: &'d [Definition], name: &str) -> Option<&'d Definition> {
    definitions
        .iter()
        .find(|definition| definition.name.eq_ignore_ascii_case(name))
}

fn named(definition: &Definition, names: &[&str]) -> bool {
    let plain = |name: &str| {
        name.chars()
            .filter(|c| !matches!(c, '_' | '-'))
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    names
        .iter()
        .any(|name| plain(name) == plain(&definition.name))
}

/// Groups and the protocol's own messages have schemas too.
fn may_describe_users(id: &str) -> bool {
    let id = id.to_ascii_lowercase();
    let core = id.starts_with("urn:ietf:params:scim:schemas:core:2.0:");
    let message = id.starts_with("urn:ietf:params:scim:api:");
    !message && !id.ends_with(":group") && (!core || id == CORE.to_ascii_lowercase())
}

fn plainly_of_users(id: &str) -> bool {
    id.rsplit(':')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case("user"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schemas(list: Value) -> Schemas {
        Schemas::read(list.as_array().unwrap())
    }

    fn learned(schemas: &Schemas, names: &[&str], kind: Kind) -> Option<String> {
        schemas.learn(names, kind).map(|place| place.path)
    }

    #[test]
    fn an_attribute_is_learned_by_name_wherever_it_is() {
        let schemas = schemas(json!([
            {"id": CORE, "attributes": [{"name": "title"}, {"name": "Gender"}]},
            {"id": "urn:example:people:1.0:User", "attributes": [
                {"name": "employment_type", "type": "string"},
                {"name": "contractEnd", "type": "dateTime"},
                {"name": "location", "type": "complex"},
                {"name": "contractStart", "type": "string", "mutability": "readOnly"},
            ]},
            {"id": "urn:example:people:1.0:Group", "attributes": [{"name": "site"}]},
        ]));
        assert_eq!(
            learned(&schemas, &["gender"], Kind::Text),
            Some("Gender".into())
        );
        assert_eq!(
            learned(&schemas, &["employmentType"], Kind::Text),
            Some("urn:example:people:1.0:User:employment_type".into())
        );
        let end = schemas.learn(&["contractEnd"], Kind::Date).unwrap();
        assert_eq!(end.path, "urn:example:people:1.0:User:contractEnd");
        assert!(end.date_time);
        assert_eq!(
            learned(&schemas, &["contractEnd"], Kind::Text),
            None,
            "text is no time"
        );
        assert_eq!(
            learned(&schemas, &["location"], Kind::Text),
            None,
            "complex"
        );
        assert_eq!(
            learned(&schemas, &["contractStart"], Kind::Date),
            None,
            "read-only"
        );
        assert_eq!(learned(&schemas, &["site"], Kind::Text), None, "a group's");
    }

    #[test]
    fn only_an_odd_schema_is_in_doubt() {
        let mut schemas = schemas(json!([
            {"id": "urn:example:people:1.0:User", "attributes": [{"name": "gender"}]},
            {"id": "urn:example:rooms:1.0:Room", "attributes": [{"name": "location"}]},
        ]));
        assert!(!schemas.is_doubtful(&["gender"]));
        assert!(schemas.is_doubtful(&["location"]));
        assert!(!schemas.is_doubtful(&["contractEnd"]));
        let types = [json!({"endpoint": "/Users", "schemaExtensions": [
            {"schema": "urn:example:people:1.0:User", "required": false}
        ]})];
        schemas.keep(&user_extensions(&types).unwrap());
        assert_eq!(learned(&schemas, &["location"], Kind::Text), None);
        assert!(learned(&schemas, &["gender"], Kind::Text).is_some());
        assert_eq!(user_extensions(&[json!({"endpoint": "/Groups"})]), None);
    }

    #[test]
    fn what_the_described_schemas_lack_is_not_offered() {
        let schemas = schemas(json!([{"id": CORE, "attributes": [
            {"name": "name", "subAttributes": [{"name": "givenName"}, {"name": "formatted", "mutability": "readOnly"}]},
            {"name": "title"},
            {"name": "emails"},
        ]}]));
        let offers = |path| schemas.offers(&Path::parse(path));
        assert!(offers("title") && offers("name.givenName"));
        assert!(
            offers("emails[type eq \"work\"].value"),
            "its parts are left to the standard"
        );
        assert!(
            !offers("name.familyName") && !offers("name.formatted") && !offers("preferredLanguage")
        );
        assert!(!offers(&format!("{ENTERPRISE}:department")));
        assert!(Schemas::default().offers(&Path::parse("title")));
    }
}
