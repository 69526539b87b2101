//! Who is missing, and whose dates have come.
//!
//! Absence is only believed of a complete full read, and only the second time in a row. A date takes effect
//! in the first cycle after its local midnight, whether or not the record was read in that cycle.

use std::collections::HashSet;

use matricula_core::link::{LeavingReason, Link, Trouble};
use matricula_core::run::{CycleKind, Phase};
use matricula_core::store::LinkWrite;
use matricula_core::{SourceKey, Text};
use matricula_flow::access::standing;

use crate::cycle::Cycle;
use crate::plan::Planner;
use crate::{EngineError, hash};

/// Rows in hand at a time.
const ROWS: u32 = 1000;

impl Cycle<'_> {
    /// Notes absence and dates in the links; what follows from them is for the guard.
    pub(crate) async fn leave(&mut self) -> Result<(), EngineError> {
        let mut links = Vec::new();
        if self.run.cycle == CycleKind::Full {
            if self.progress.complete {
                let seen: HashSet<u64> = self
                    .engine
                    .store
                    .seen(self.run.id)
                    .await?
                    .into_iter()
                    .collect();
                links = self.missing(&seen).await?;
            } else {
                let (read, total) = (self.progress.read, self.progress.total);
                let of = |word| {
                    total
                        .map(|total| format!(" {word} {total}"))
                        .unwrap_or_default()
                };
                self.note(Text::said(
                    format!(
                        "{} did not give its whole population ({read} read{}): nobody is taken for gone in this run",
                        self.sides.source.title(),
                        of("of"),
                    ),
                    format!(
                        "{} hat nicht alle Personen geliefert ({read}{} gelesen): in diesem Durchgang gilt niemand \
                         als ausgeschieden",
                        self.sides.source.title_in("de"),
                        of("von"),
                    ),
                ));
            }
        }
        // One transaction: counting somebody as missing twice for one read would make a leaver of them.
        self.progress.phase = Phase::Deactivate;
        let writes = links
            .into_iter()
            .map(|link| LinkWrite {
                link,
                references: None,
                resolved: Vec::new(),
            })
            .collect();
        self.commit(writes, Vec::new()).await
    }

    /// Links of those who were not seen, with one more miss.
    pub(crate) async fn missing(&self, seen: &HashSet<u64>) -> Result<Vec<Link>, EngineError> {
        let (store, id) = (&self.engine.store, &self.automation.id);
        let planner = self.planner();
        let mut missing = Vec::new();
        let mut after: Option<SourceKey> = None;
        loop {
            let keys = store.keys(id, after.as_ref(), ROWS).await?;
            let Some((last, _)) = keys.last() else { break };
            after = Some(last.clone());
            let absent: Vec<SourceKey> = keys
                .into_iter()
                .filter(|(key, missed)| *missed < 2 && !seen.contains(&hash::key(key)))
                .map(|(key, _)| key)
                .collect();
            if absent.is_empty() {
                continue;
            }
            for mut link in store.links(id, &absent).await?.into_iter().flatten() {
                link.missed += 1;
                // Without a record there is nothing to try again.
                if let Some(trouble) = &mut link.trouble {
                    trouble.not_before = None;
                }
                if link.missed >= 2 {
                    planner.leave(
                        &mut link,
                        LeavingReason::Gone,
                        planner.program.flow().leavers(),
                    );
                }
                missing.push(link);
            }
        }
        Ok(missing)
    }

    /// A page of those whose access changes by date now, as it is now: the link, and whether the account
    /// has to be opened again.
    pub(crate) async fn dates_due(
        &self,
        after: Option<&SourceKey>,
    ) -> Result<Vec<(Link, bool)>, EngineError> {
        let planner = self.planner();
        let due = self
            .engine
            .store
            .access_due(&self.automation.id, planner.now, after, ROWS)
            .await?;
        Ok(due
            .into_iter()
            .map(|link| apply_date(&planner, link))
            .collect())
    }
}

fn apply_date(planner: &Planner<'_>, mut link: Link) -> (Link, bool) {
    let standing = standing(&link.access, planner.now);
    link.access_changes_at = standing.changes_at;
    if link.target.is_none() && link.in_scope && link.missed < 2 && standing.allowed {
        // Somebody whose account belonged to an earlier record until now: the next cycle is full and
        // deals with the record again.
        link.record = 0;
        link.trouble = Some(Trouble {
            ambiguous: false,
            attempts: 0,
            not_before: Some(planner.now),
        });
    }
    let concerned = link.in_scope && link.missed < 2 && link.target.is_some();
    if !concerned {
        return (link, false);
    }
    if !standing.allowed {
        let reason = standing.reason.unwrap_or(LeavingReason::Barred);
        planner.leave(&mut link, reason, planner.program.flow().leavers());
        return (link, false);
    }
    link.leaving = None;
    let opens = !link.active && planner.active.is_some();
    (link, opens)
}
