//! Is it there already? Asked before anything is put into a personnel file.
//!
//! In every full cycle, since an automation that was removed and started again, or a store that was lost, knows
//! nothing of what was delivered before; and always of a document that was sent before and not found then: a
//! list may lag behind what was uploaded, so one answer is not enough to send something twice.

use std::collections::{HashMap, HashSet};

use futures::{StreamExt, TryStreamExt, stream};
use matricula_core::document::DocumentState;
use matricula_core::run::{CycleKind, OutcomeKind};
use matricula_core::{SourceKey, Text};

use super::Planned;
use super::carrier::Carrier;
use super::listing::Listing;
use super::plan::{self, Parcel, Settled, Verdict, settled};
use crate::EngineError;
use crate::cycle::Cycle;

impl Cycle<'_> {
    /// Takes out of what is to be sent whatever lies there already, and whatever it cannot be told of.
    pub(super) async fn look(
        &mut self,
        carrier: &Carrier,
        planned: &mut Planned,
    ) -> Result<(), EngineError> {
        let full = self.run.cycle == CycleKind::Full;
        let concerned = |parcel: &Parcel| full || parcel.before.sent_at.is_some();
        let owners: HashSet<SourceKey> = planned
            .parcels
            .iter()
            .filter(|parcel| concerned(parcel))
            .filter_map(|parcel| parcel.document.owner.clone())
            .collect();
        let concurrency = carrier.target.operation.concurrency.max(1) as usize;
        let mut listings: HashMap<SourceKey, Listing> = stream::iter(owners)
            .map(|owner| async {
                let listing = carrier.list(&owner).await?;
                Ok::<_, EngineError>((owner, listing))
            })
            .buffer_unordered(concurrency)
            .try_collect()
            .await?;
        outage(&listings)?;
        for parcel in std::mem::take(&mut planned.parcels) {
            let owner = parcel.document.owner.as_ref();
            match owner.and_then(|owner| listings.get_mut(owner)) {
                Some(listing) if concerned(&parcel) => {
                    let verdict = self.sort(carrier, parcel, listing);
                    planned.take(verdict);
                }
                _ => planned.parcels.push(parcel),
            }
        }
        Ok(())
    }

    /// A parcel that is to be sent after all, or what has become of it.
    fn sort(&mut self, carrier: &Carrier, parcel: Parcel, listing: &mut Listing) -> Verdict {
        let maybe_sent = parcel.before.sent_at.is_some();
        match listing {
            Listing::Open(lying) => {
                // What was sent then may differ from what would be sent now.
                let place = lying.iter().position(|one| {
                    (maybe_sent && carrier.is_same(&parcel.before, one))
                        || carrier.is_same(&parcel.document, one)
                });
                let Some(place) = place else {
                    return Verdict::Send(Box::new(parcel));
                };
                let target = lying.swap_remove(place).target;
                let mut document = parcel.document;
                document.deliver_as(Some(target));
                let (kind, code) = match maybe_sent {
                    true => (OutcomeKind::Created, "arrived"),
                    false => (OutcomeKind::Updated, "adopted"),
                };
                settled(Settled::told(document, kind, code))
            }
            // Somebody has looked into it and said that it is not there.
            Listing::Closed if parcel.before.state == DocumentState::Again => {
                Verdict::Send(Box::new(parcel))
            }
            Listing::Closed if maybe_sent => {
                let mut document = parcel.before;
                document.state = DocumentState::Doubtful;
                settled(Settled::told(document, OutcomeKind::Ambiguous, "doubtful"))
            }
            Listing::Closed => {
                self.note(Text::said(
                    format!(
                        "{} does not let documents be listed: what was put there before this automation was started \
                         is not recognised, and a document whose answer is lost waits for a decision",
                        self.sides.target.title()
                    ),
                    format!(
                        "{} lässt Dokumente nicht auflisten: was dort vor dem Start dieser Automation abgelegt \
                         wurde, wird nicht erkannt, und ein Dokument, dessen Antwort verloren geht, wartet auf \
                         eine Entscheidung",
                        self.sides.target.title_in("de")
                    ),
                ));
                Verdict::Send(Box::new(parcel))
            }
            // Nobody is kept waiting for ever by a list that cannot be read: after the first full cycle it is
            // only missed by those who may have been sent before.
            Listing::Unreadable(_) if !maybe_sent && self.automation.memory.full_at.is_some() => {
                Verdict::Send(Box::new(parcel))
            }
            Listing::Unreadable(_) => {
                let why = ("not-listed", plan::explain("not-listed"));
                let now = self.engine.clock.now();
                settled(plan::failed(parcel.before, now, None, why))
            }
        }
    }
}

/// If nobody's file could be listed because the target does not answer, going on is pointless.
fn outage(listings: &HashMap<SourceKey, Listing>) -> Result<(), EngineError> {
    let mut last = None;
    for listing in listings.values() {
        match listing {
            Listing::Unreadable(failure) if failure.kind.is_transient() => last = Some(failure),
            _ => return Ok(()),
        }
    }
    match last {
        Some(failure) if listings.len() >= super::OUTAGE as usize => Err(failure.clone().into()),
        _ => Ok(()),
    }
}
