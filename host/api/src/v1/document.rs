//! The description of the API (`OpenAPI` 3.1), made from the code once in a process.

use std::sync::LazyLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
    ResponseBuilder, SecurityRequirement,
};

use super::extract::Mount;
use crate::problem::{FieldError, ProblemDocument};

static TEXT: LazyLock<String> = LazyLock::new(|| super::openapi().to_json().unwrap_or_default());

/// What stands above the routes.
pub(super) fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Matricula")
        .version("1")
        .description(Some(
            "Automations between HR systems and academies. Every request but those of the local sign-in carries a \
             session token (JWT) that the vendor's backend signs. Errors are problem documents (RFC 9457) with a \
             stable `code`. Lists are read a page at a time by `limit` and `cursor`.",
        ))
        .build();
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    let components = ComponentsBuilder::new()
        .security_scheme("session", SecurityScheme::Http(token))
        .schema_from::<ProblemDocument<'_>>()
        .schema_from::<FieldError>()
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new::<_, [&str; 0], &str>(
            "session",
            [],
        )]))
        .build()
}

/// The whole: every operation has an id of its own and answers errors in the same way.
pub(super) fn whole(mut api: OpenApi) -> OpenApi {
    for (path, item) in &mut api.paths.paths {
        let resource = path.trim_start_matches("/api/v1/").split('/').next();
        let resource = resource.unwrap_or_default().to_owned();
        let operations = [
            &mut item.get,
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ];
        for operation in operations.into_iter().flatten() {
            // Functions of several resources have the same name; an id must be there once.
            operation.operation_id = operation
                .operation_id
                .take()
                .map(|name| format!("{resource}_{name}"));
            let problem = ResponseBuilder::new()
                .description("A problem document.")
                .content(
                    "application/problem+json",
                    ContentBuilder::new()
                        .schema(Some(Ref::from_schema_name("Problem")))
                        .build(),
                )
                .build();
            operation
                .responses
                .responses
                .insert("default".to_owned(), RefOr::T(problem));
        }
    }
    api
}

/// `GET /api/v1/openapi.json`; below somebody else's path with that.
pub(super) async fn serve(Mount(mount): Mount) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-cache"),
    ];
    match TEXT.strip_prefix('{') {
        Some(rest) if !mount.is_empty() => {
            let servers = json!([{ "url": mount }]);
            (headers, format!("{{\"servers\":{servers},{rest}")).into_response()
        }
        _ => (headers, TEXT.as_str()).into_response(),
    }
}
