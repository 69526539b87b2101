//! The systems that there are connectors for.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use matricula_core::manifest::{Field, Manifest, Method, Stream, properties};
use matricula_flow::title;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Page, Path, Signed};
use super::shapes::Words;
use crate::Shared;
use crate::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
}

/// A connector: a remote system that can be read or written.
#[derive(Serialize, ToSchema)]
#[schema(as = Connector)]
struct ConnectorShape {
    /// Names it.
    id: String,
    /// Its version.
    version: String,
    /// What the system is called.
    title: Words,
    /// What it does, in a sentence.
    summary: Words,
    /// An SVG.
    icon: Option<String>,
    /// The ways to sign in to the system that the tenant has; an owner chooses one.
    methods: Vec<MethodShape>,
    /// What can be read.
    streams: Vec<StreamShape>,
}

/// A way to sign in to a system.
#[derive(Serialize, ToSchema)]
#[schema(as = Method)]
struct MethodShape {
    /// Names it.
    id: String,
    /// What it is called.
    title: Words,
    /// The exact clicks that lead to the values.
    help: Words,
    /// What is entered.
    fields: Vec<FieldShape>,
    /// Whether somebody signs in to the system in a window of its own instead: see `connect`.
    sign_in: bool,
    /// Whether a connection that there is can be signed in to anew in such a window.
    renews: bool,
    /// Whether such a connection is ended when its last credential is removed.
    ends: bool,
}

/// A value that is entered.
#[derive(Serialize, ToSchema)]
#[schema(as = Field)]
struct FieldShape {
    /// Names it.
    name: String,
    /// What it is called.
    title: Words,
    /// Where it is found.
    help: Words,
    /// Whether it is never shown again.
    secret: bool,
    /// Whether it must be filled in.
    required: bool,
    /// `uri`: an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
}

/// What can be read.
#[derive(Serialize, ToSchema)]
#[schema(as = Stream)]
struct StreamShape {
    /// Names it.
    name: String,
    /// What the records are.
    title: Words,
    /// The attributes of a record.
    attributes: Vec<AttributeShape>,
}

/// An attribute of a record.
#[derive(Serialize, ToSchema)]
#[schema(as = Attribute)]
pub(super) struct AttributeShape {
    /// Its name in expressions.
    pub(super) name: String,
    /// What people see in the system.
    pub(super) title: Words,
}

/// The connectors that there are
#[utoipa::path(get, path = "/connectors", tag = "catalogue", responses((status = 200, body = Page<ConnectorShape>)))]
async fn list(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
) -> Result<Json<Page<ConnectorShape>>, Problem> {
    let systems = shared.matricula.systems()?;
    let systems = systems.iter();
    let all = systems.map(|system| shape(&shared, &signed, system.manifest()));
    Ok(Json(Page::whole(all.collect())))
}

/// A connector
#[utoipa::path(
    get, path = "/connectors/{id}", tag = "catalogue", params(("id" = String, Path, max_length = 100)),
    responses((status = 200, body = ConnectorShape))
)]
async fn show(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path(id): Path<String>,
) -> Result<Json<ConnectorShape>, Problem> {
    let system = shared.matricula.system(&id)?;
    Ok(Json(shape(&shared, &signed, system.manifest())))
}

fn shape(shared: &Shared, signed: &Signed, manifest: &Manifest) -> ConnectorShape {
    let methods = shared.matricula.methods(signed.tenant(), manifest);
    ConnectorShape {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        title: (&manifest.title).into(),
        summary: (&manifest.summary).into(),
        icon: manifest.icon.clone(),
        methods: methods.map(Into::into).collect(),
        streams: manifest.streams.iter().map(Into::into).collect(),
    }
}

impl From<&Method> for MethodShape {
    fn from(method: &Method) -> Self {
        let fields = method.fields.iter();
        let entered = fields.filter(|field| !field.given && !field.connected);
        let connect = method.connect.as_ref();
        Self {
            id: method.id.clone(),
            title: (&method.title).into(),
            help: (&method.help).into(),
            fields: entered.map(Into::into).collect(),
            sign_in: connect.is_some(),
            renews: connect.is_some_and(|connect| connect.relink.is_some()),
            ends: connect.is_some_and(|connect| connect.disconnect.is_some()),
        }
    }
}

impl From<&Field> for FieldShape {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            title: (&field.title).into(),
            help: (&field.help).into(),
            secret: field.secret,
            required: field.required,
            format: field.format.clone(),
        }
    }
}

impl From<(&String, &Stream)> for StreamShape {
    fn from((name, stream): (&String, &Stream)) -> Self {
        let names = properties(&stream.schema).into_iter().flatten();
        let attributes = names.map(|(name, _)| AttributeShape {
            name: name.clone(),
            title: title(&stream.schema, name).into(),
        });
        Self {
            name: name.clone(),
            title: (&stream.title).into(),
            attributes: attributes.collect(),
        }
    }
}
