//! What a cycle would deliver, without delivering anything. Files are not fetched for it.

use matricula_core::Text;
use matricula_core::run::{Counts, CycleKind, OutcomeKind};

use super::plan::Parcel;
use crate::EngineError;
use crate::cycle::Cycle;
use crate::observe::{Change, Event, Planned, Preview};
use crate::pages::Reader;

/// Plans a cycle of documents.
pub(crate) async fn preview(cycle: &Cycle<'_>, notes: Vec<Text>) -> Result<Preview, EngineError> {
    let kind: CycleKind = cycle.run.cycle;
    let mut reader = Reader::start(cycle.engine, &cycle.sides.source, cycle.read_request());
    let mut counts = Counts::default();
    let mut people = Vec::new();
    let (mut read, mut total) = (0, None);
    while let Some(page) = reader.next(&**cycle.observer).await? {
        let planned = cycle.plan_documents(&page.items).await?;
        for (_, kind) in planned.untouched {
            counts.add(kind);
        }
        for settled in planned.settled {
            counts.add(settled.kind);
            people.extend(settled.outcome.map(|outcome| Planned {
                key: outcome.key,
                who: None,
                kind: outcome.kind,
                code: outcome.code,
                reason: outcome.reason,
                adopts: false,
                changes: Vec::new(),
            }));
        }
        for parcel in planned.parcels {
            counts.add(OutcomeKind::Created);
            people.push(describe(parcel));
        }
        read += page.items.len() as u64;
        total = page.total.or(total);
        cycle.observer.event(&Event::Page {
            read,
            total,
            counts: &counts,
        });
    }
    people.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    Ok(Preview {
        cycle: kind,
        counts,
        people,
        guard: None,
        notes,
    })
}

fn describe(parcel: Parcel) -> Planned {
    let Parcel {
        document,
        data,
        remark,
        ..
    } = parcel;
    let change = |(attribute, new)| Change {
        attribute,
        old: None,
        new,
    };
    Planned {
        key: document.key,
        who: document.owner.map(|owner| owner.as_str().to_owned()),
        kind: OutcomeKind::Created,
        reason: remark.as_deref().map(super::plan::explain),
        code: remark,
        adopts: false,
        changes: data.into_iter().map(change).collect(),
    }
}
