//! What a service says about itself (RFC 7644 §4).

use hyper::StatusCode;
use serde_json::{Value, json};

use super::check::Refusal;
use super::flavour::Tags;
use super::scim::LIST;
use super::service::Service;
use super::vocabulary::Kind;
use crate::answer::{Answer, SCIM_JSON};
use crate::config::ScimSchemas;

pub(super) fn answer(service: &Service, kind: &str, id: Option<&str>) -> Result<Answer, Refusal> {
    let nothing = || Refusal::plain(StatusCode::NOT_FOUND, "There is nothing here.");
    let flavour = &service.flavour;
    let base = service.accounts.with(|store| store.base().to_owned());
    let documents = match kind {
        "Schemas" if flavour.schemas == ScimSchemas::NotFound => return Err(nothing()),
        "Schemas" => flavour.vocabulary().documents(&base),
        "ResourceTypes" => {
            let mut types = vec![resource_type(service, Kind::User, &base)];
            if flavour.groups {
                types.push(resource_type(service, Kind::Group, &base));
            }
            types
        }
        _ if !flavour.config => return Err(nothing()),
        _ => {
            let config = config(service, &base).to_string();
            return Ok(Answer::new(StatusCode::OK, SCIM_JSON, config));
        }
    };
    let document = match id {
        Some(id) => documents
            .into_iter()
            .find(|d| d["id"].as_str() == Some(id))
            .ok_or_else(nothing)?,
        None => json!({
            "schemas": [LIST],
            "totalResults": documents.len(),
            "startIndex": 1,
            "itemsPerPage": documents.len(),
            "Resources": documents,
        }),
    };
    Ok(Answer::new(StatusCode::OK, SCIM_JSON, document.to_string()))
}

fn resource_type(service: &Service, kind: Kind, base: &str) -> Value {
    let users = service.flavour.vocabulary();
    let (words, about) = match kind {
        Kind::User => (users, "A user account"),
        Kind::Group => (users.of_groups(), "A group of users"),
    };
    let extensions: Vec<Value> = words
        .extensions()
        .map(|(urn, _)| json!({"schema": urn, "required": false}))
        .collect();
    let name = kind.name();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name,
        "name": name,
        "endpoint": format!("/{}", kind.endpoint()),
        "description": about,
        "schema": words.urn(),
        "schemaExtensions": extensions,
        "meta": {"resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}")},
    })
}

fn config(service: &Service, base: &str) -> Value {
    let flavour = &service.flavour;
    let (operations, bytes) = flavour.bulk.map_or((0, 0), |b| (b.operations, b.bytes));
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "documentationUri": "https://support.example.com/scim",
        "patch": {"supported": true},
        "bulk": {
            "supported": flavour.bulk.is_some(),
            "maxOperations": operations,
            "maxPayloadSize": bytes,
        },
        "filter": {"supported": true, "maxResults": flavour.page},
        "changePassword": {"supported": false},
        "sort": {"supported": false},
        "etag": {"supported": flavour.tags != Tags::No},
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token shown in the settings",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}
