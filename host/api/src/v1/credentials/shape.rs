//! What is told of a credential.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use matricula_core::board::{TestResult, Tested, Use};
use matricula_core::credential::Credential;
use matricula_core::{CredentialId, TenantId};
use matricula_service::Matricula;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::v1::shapes::Words;

/// A tenant's access to a remote system.
#[derive(Serialize, ToSchema)]
#[schema(as = Credential)]
pub(super) struct CredentialShape {
    /// Names it.
    id: String,
    /// What the owner calls it.
    name: String,
    /// The connector that it is for.
    connector: String,
    /// The way to sign in.
    method: String,
    /// The fields that are no secrets.
    public: BTreeMap<String, String>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last tested, with these fields.
    #[schema(value_type = Option<String>, format = DateTime)]
    tested_at: Option<Timestamp>,
    /// What came of that.
    tested: Option<TestedShape>,
    /// The automations that use it.
    used_by: Vec<UseShape>,
}

/// What came of testing a credential.
#[derive(Serialize, ToSchema)]
#[schema(as = TestResult)]
#[serde(rename_all = "kebab-case")]
enum TestedShape {
    /// It has every right that was asked for.
    Ok,
    /// Rights are missing.
    Findings,
    /// The system rejects it or cannot be reached.
    Failed,
}

/// An automation that uses a credential.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Use)]
struct UseShape {
    /// Its id.
    automation: String,
    /// Its flow's name.
    flow: String,
    /// What the flow is called.
    title: Words,
}

/// What is known of a tenant's credentials beside themselves.
pub(super) struct Known {
    tested: HashMap<CredentialId, Tested>,
    uses: HashMap<CredentialId, Vec<UseShape>>,
}

impl Known {
    pub(super) async fn read(matricula: &Matricula, tenant: &TenantId) -> Result<Self, Problem> {
        let tested = matricula.store().tested(tenant).await?;
        let mut titles: HashMap<String, Words> = HashMap::new();
        let mut uses: HashMap<CredentialId, Vec<UseShape>> = HashMap::new();
        for used in matricula.store().uses(tenant).await? {
            let Use {
                credential,
                automation,
                flow,
            } = used;
            let title = titles
                .entry(flow.clone())
                .or_insert_with(|| matricula.flow_title(&flow).into());
            uses.entry(credential).or_default().push(UseShape {
                automation: automation.to_string(),
                title: title.clone(),
                flow,
            });
        }
        Ok(Self {
            tested: tested.into_iter().collect(),
            uses,
        })
    }

    pub(super) fn show(&self, credential: Credential) -> CredentialShape {
        let tested = self.tested.get(&credential.id);
        CredentialShape {
            tested_at: tested.map(|tested| tested.at),
            tested: tested.map(|tested| match tested.result {
                TestResult::Ok => TestedShape::Ok,
                TestResult::Findings => TestedShape::Findings,
                TestResult::Failed => TestedShape::Failed,
            }),
            used_by: self.uses.get(&credential.id).cloned().unwrap_or_default(),
            id: credential.id.to_string(),
            name: credential.name,
            connector: credential.connector,
            method: credential.method,
            public: credential.public,
            created_at: credential.created_at,
        }
    }
}
