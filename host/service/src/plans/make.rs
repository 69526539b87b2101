//! What a plan is made of, and making it.

use std::sync::Arc;

use matricula_core::{Cadence, TenantId};
use matricula_engine::Observer;
use matricula_flow::Flow;

use super::PlanRequest;
use super::kept::Kept;
use crate::Matricula;
use crate::automation::{Opened, Selection, fits, merged};
use crate::error::Error;

impl Matricula {
    /// What a plan is made of, without asking a system.
    pub(super) async fn to_plan(
        &self,
        tenant: &TenantId,
        request: PlanRequest,
    ) -> Result<(Flow, Opened), Error> {
        let source = self.credential_by_id(tenant, &request.source).await?;
        let target = self.credential_by_id(tenant, &request.target).await?;
        let Some(id) = &request.automation else {
            let flow = self.offered(&request.flow)?;
            let selection = Selection {
                source: Some(source.name),
                target: Some(target.name),
                settings: request.settings,
            };
            let opened = self.open(tenant, &flow, &selection).await?;
            return Ok((flow, opened));
        };
        let mut automation = self.automation_by_id(tenant, id).await?;
        if automation.flow != request.flow {
            return Err(Error::FlowMismatch {
                automation: automation.flow,
                flow: request.flow,
            });
        }
        let flow = self.flow_of(&automation).await?;
        fits("source", &source, flow.source().0)?;
        fits("target", &target, flow.target().0)?;
        automation.source = source.id;
        automation.target = target.id;
        automation.settings = merged(&automation.settings, &request.settings);
        flow.at_start(&mut automation.settings, automation.created_at);
        let opened = self.opened(automation, &flow).await?;
        Ok((flow, opened))
    }

    /// Asks both systems and plans a cycle, telling how far it is.
    pub(super) async fn make(
        &self,
        kept: &Arc<Kept>,
        flow: &Flow,
        opened: Opened,
        cadence: Option<&Cadence>,
        language: &str,
    ) -> Result<(), Error> {
        let examined = self
            .examine_opened(&kept.tenant, flow, opened, cadence, language)
            .await?;
        {
            let plan = &mut kept.state().plan;
            plan.source = Some(examined.source);
            plan.target = Some(examined.target);
            plan.requirements = examined.requirements;
        }
        let observer: Arc<dyn Observer> = Arc::clone(kept) as _;
        let preview = self.preview(&examined.opened, &observer).await?;
        let mut state = kept.state();
        state.plan.cycle = Some(preview.cycle);
        state.plan.counts = preview.counts;
        state.plan.guard = preview.guard;
        state.plan.notes = preview.notes;
        state.people = Arc::new(preview.people);
        Ok(())
    }
}
