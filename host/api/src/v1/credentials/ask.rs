//! What a system is asked with a credential while somebody waits: whether it works, what there is to choose from,
//! and a few records.

#![expect(
    unused_qualifications,
    reason = "what utoipa writes for two sets of parameters"
)]

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use matricula_core::connector::{Choice, Choices, Finding, Report};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::find;
use crate::Shared;
use crate::problem::Problem;
use crate::v1::bounds::{Bounds, parameter};
use crate::v1::extract::{Body, Owner, Page, Paging, Path, Query, Signed};
use crate::v1::shapes::FailureShape;

/// Records that are shown of a stream.
const SAMPLES: u32 = 5;

pub(super) fn routes() -> OpenApiRouter<Arc<Shared>> {
    OpenApiRouter::new()
        .routes(routes!(test))
        .routes(routes!(lookup))
        .routes(routes!(samples))
}

/// What a credential is tested for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestFor {
    /// The flow that would use it; without one, those that do.
    #[schema(max_length = 100)]
    flow: Option<String>,
}

/// What came of a test.
#[derive(Serialize, ToSchema)]
#[schema(as = Test)]
struct TestShape {
    /// It is accepted and has every right.
    ok: bool,
    /// "Connected as …".
    account: Option<String>,
    /// One per right or attribute.
    findings: Vec<FindingShape>,
    /// Why the system rejects it or cannot be reached.
    failure: Option<FailureShape>,
}

/// What a system says of a credential.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Report)]
pub(in crate::v1) struct ReportShape {
    /// "Connected as …".
    account: Option<String>,
    /// One per right or attribute.
    findings: Vec<FindingShape>,
}

/// One right or attribute that was tested.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Finding)]
pub(in crate::v1) struct FindingShape {
    /// Whether it is as needed.
    ok: bool,
    /// By the name that the owner sees in the system.
    subject: String,
    /// What is wrong and what to do.
    message: String,
}

impl From<Finding> for FindingShape {
    fn from(finding: Finding) -> Self {
        Self {
            ok: finding.ok,
            subject: finding.subject,
            message: finding.message,
        }
    }
}

impl From<Report> for ReportShape {
    fn from(report: Report) -> Self {
        Self {
            account: report.account,
            findings: report.findings.into_iter().map(Into::into).collect(),
        }
    }
}

/// Test a credential
///
/// By the cheapest calls. What came of it is kept with the credential. That the system rejects it is an answer too:
/// `ok` is false then.
#[utoipa::path(
    post, path = "/credentials/{id}/test", tag = "credentials",
    params(("id" = String, Path, max_length = 100)), request_body = TestFor,
    responses((status = 200, body = TestShape))
)]
async fn test(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Body(wanted): Body<TestFor>,
) -> Result<Json<TestShape>, Problem> {
    let flow = wanted.flow.as_deref();
    Bounds::default().optional("/flow", flow, 0, 100).held()?;
    let credential = find(&shared, owner.tenant(), id).await?;
    let _pass = shared.remote(owner.tenant()).await?;
    let language = owner.session.locale.as_str();
    let matricula = &shared.matricula;
    let answer = matricula
        .try_credential(&credential, flow, language)
        .await?;
    Ok(Json(match answer {
        Ok(report) => TestShape {
            ok: report.findings.iter().all(|finding| finding.ok),
            account: report.account,
            findings: report.findings.into_iter().map(Into::into).collect(),
            failure: None,
        },
        Err(failure) => TestShape {
            ok: false,
            account: None,
            findings: Vec::new(),
            failure: Some(failure.into()),
        },
    }))
}

/// What is looked for among choices.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Part of what is shown.
    #[param(max_length = 200)]
    search: Option<String>,
}

/// Something to choose.
#[derive(Serialize, ToSchema)]
#[schema(as = Choice)]
struct ChoiceShape {
    /// What is kept.
    value: String,
    /// What is shown.
    label: String,
    /// What is shown smaller.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// Where a list of choices goes on: in the system's own list, and within its page.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Place {
    position: Option<String>,
    skip: usize,
}

/// What there is to choose from
///
/// Live from the system, for a setting whose `x-options` name this lookup.
#[utoipa::path(
    get, path = "/credentials/{id}/lookups/{name}", tag = "credentials",
    params(("id" = String, Path, max_length = 100), ("name" = String, Path, max_length = 100), Search, Paging),
    responses((status = 200, body = Page<ChoiceShape>))
)]
async fn lookup(
    State(shared): State<Arc<Shared>>,
    signed: Signed,
    Path((id, name)): Path<(String, String)>,
    Query(search): Query<Search>,
    Query(paging): Query<Paging>,
) -> Result<Json<Page<ChoiceShape>>, Problem> {
    parameter("search", search.search.as_deref(), 200)?;
    let limit = paging.limit()?;
    let place: Place = paging.after()?.unwrap_or_default();
    let credential = find(&shared, signed.tenant(), id).await?;
    let _pass = shared.remote(signed.tenant()).await?;
    let search = search.search.filter(|search| !search.trim().is_empty());
    let position = place.position.as_deref();
    let choices = shared
        .matricula
        .choices(&credential, &name, search.as_deref(), position)
        .await?;
    Ok(Json(page(choices, &place, limit)))
}

/// A part of a system's page, whose length is the system's own.
fn page(choices: Choices, place: &Place, limit: u32) -> Page<ChoiceShape> {
    let end = place.skip.saturating_add(limit as usize);
    let next = match choices.items.len() > end {
        true => Some(Place {
            position: place.position.clone(),
            skip: end,
        }),
        false => choices.next.map(|next| Place {
            position: Some(next),
            skip: 0,
        }),
    };
    let items = choices.items.into_iter();
    let items = items.skip(place.skip).take(limit as usize);
    Page::at(items.map(ChoiceShape::from).collect(), next.as_ref())
}

impl From<Choice> for ChoiceShape {
    fn from(choice: Choice) -> Self {
        Self {
            value: choice.value,
            label: choice.label,
            hint: choice.hint,
        }
    }
}

/// Of what records are wanted.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FromStream {
    /// The stream.
    #[param(max_length = 100)]
    stream: String,
}

/// A record of a source.
#[derive(Serialize, ToSchema)]
struct Sample {
    /// Its key.
    key: String,
    /// Its attributes, as far as the credential may read them.
    #[schema(value_type = Object)]
    record: Map<String, Value>,
}

/// A few records of a source
///
/// Live from the system, at most five, to try expressions on. Nothing of them is kept.
#[utoipa::path(
    get, path = "/credentials/{id}/samples", tag = "credentials",
    params(("id" = String, Path, max_length = 100), FromStream),
    responses((status = 200, body = Page<Sample>))
)]
async fn samples(
    State(shared): State<Arc<Shared>>,
    owner: Owner,
    Path(id): Path<String>,
    Query(from): Query<FromStream>,
) -> Result<Json<Page<Sample>>, Problem> {
    parameter("stream", Some(&from.stream), 100)?;
    let credential = find(&shared, owner.tenant(), id).await?;
    let _pass = shared.remote(owner.tenant()).await?;
    let samples = shared
        .matricula
        .samples(&credential, &from.stream, SAMPLES)
        .await?;
    let samples = samples.into_iter().map(|(key, record)| Sample {
        key: key.to_string(),
        record,
    });
    Ok(Json(Page::whole(samples.collect())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(values: &[&str], next: Option<&str>) -> Choices {
        let choice = |value: &&str| Choice {
            value: (*value).to_owned(),
            label: value.to_uppercase(),
            hint: None,
        };
        Choices {
            items: values.iter().map(choice).collect(),
            next: next.map(str::to_owned),
        }
    }

    #[test]
    fn a_page_of_the_system_is_cut_and_continued() {
        let mut place = Place::default();
        let mut seen = Vec::new();
        for _ in 0..10 {
            let of_system = match place.position.as_deref() {
                None => choices(&["a", "b", "c"], Some("second")),
                Some(_) => choices(&["d"], None),
            };
            let page = page(of_system, &place, 2);
            seen.push(
                page.items
                    .iter()
                    .map(|c| c.value.clone())
                    .collect::<String>(),
            );
            let paging = Paging {
                limit: None,
                cursor: page.next,
            };
            match paging.after::<Place>().unwrap() {
                Some(next) => place = next,
                None => break,
            }
        }
        assert_eq!(seen, ["ab", "c", "d"]);
    }
}
