//! Documents: 50 000 that were delivered, and some of every other state.

use matricula_core::SourceKey;
use matricula_core::document::{Document, DocumentDecision, DocumentState};
use matricula_core::store::{Commit, Store, StoreError};
use matricula_core::{AutomationId, TargetId};

use super::table::{Clock, Table, Took};
use super::{Bench, PAGE, account, key, time};

const DOCUMENTS: u32 = 50_000;

/// Left over by a cycle that did not come to its end, in each of four states.
const OPEN: u32 = 5_000;

/// How often the figures are asked for.
const TIMES: u32 = 1_000;

fn certificate(number: u32) -> SourceKey {
    SourceKey::new((9_000_000 + number).to_string())
}

fn document(number: u32, state: DocumentState) -> Document {
    let mut document = Document::new(certificate(number));
    for attribute in 0..4_u32 {
        let name = attribute.wrapping_mul(0x9E37_79B1);
        document.sent.set(name, u64::from(number) << 20);
    }
    Document {
        state,
        record: u128::from(number) << 64 | 1,
        owner: Some(key(number)),
        size: Some(180_000),
        sha256: Some(format!("{number:064x}")),
        sent_at: Some(time(1)),
        ..document
    }
}

fn delivered(number: u32) -> Document {
    Document {
        target: Some(TargetId::new((40_000_000 + number).to_string())),
        ..document(number, DocumentState::Delivered)
    }
}

/// Each account has had two; every tenth of the accounts belongs to an employee.
fn waiting(number: u32) -> Document {
    let pair = number / 2;
    let wants = match pair % 10 {
        0 => account(pair),
        _ => TargetId::new(format!("nobody-{pair}")),
    };
    Document {
        owner: None,
        wants: Some(wants),
        ..document(number, DocumentState::Waiting)
    }
}

impl Bench {
    /// Writes documents page by page; the mean of a page.
    async fn file(
        &self,
        numbers: std::ops::Range<u32>,
        make: impl Fn(u32) -> Document,
    ) -> Result<Took, StoreError> {
        let numbers: Vec<u32> = numbers.collect();
        let mut all = Took::default();
        let pages = numbers.chunks(PAGE as usize);
        let count = pages.len() as u32;
        for page in pages {
            let commit = Commit {
                documents: page.iter().map(|number| make(*number)).collect(),
                ..self.commit(Vec::new(), None)
            };
            let start = Clock::start();
            self.store.commit(&self.lease, commit).await?;
            let took = start.elapsed();
            all.wall += took.wall;
            all.cpu += took.cpu;
        }
        Ok(Took {
            wall: all.wall / count,
            cpu: all.cpu / count,
        })
    }

    /// The mean of many.
    async fn figures(&self, due: u64) -> Result<Took, StoreError> {
        let people: Option<&AutomationId> = Some(&self.id);
        let start = Clock::start();
        for _ in 0..TIMES {
            let figures = self
                .store
                .document_figures(&self.id, people, time(1))
                .await?;
            assert_eq!(
                (figures.delivered, figures.due),
                (u64::from(DOCUMENTS), due)
            );
        }
        let all = start.elapsed();
        Ok(Took {
            wall: all.wall / TIMES,
            cpu: all.cpu / TIMES,
        })
    }

    pub(super) async fn documents(&self, table: &mut Table) -> Result<(), StoreError> {
        let Self { store, id, .. } = self;
        let intended = |number| document(number, DocumentState::Intended);
        let took = self.file(0..DOCUMENTS, intended).await?;
        table.line("commit(): 100 intended documents, mean", took, Some(3.0));
        let took = self.file(0..DOCUMENTS, delivered).await?;
        table.line("commit(): the same as delivered, mean", took, Some(3.0));
        let took = self.figures(0).await?;
        table.line("document_figures(): 50 000 delivered", took, Some(0.2));

        let start = Clock::start();
        for page in 0..DOCUMENTS / PAGE {
            let keys: Vec<SourceKey> = (page * PAGE..(page + 1) * PAGE).map(certificate).collect();
            let known = store.documents(id, &keys).await?.iter().flatten().count();
            assert_eq!(known, keys.len());
        }
        table.line(
            "documents(): 500 pages of 100",
            start.elapsed(),
            Some(150.0),
        );
        let start = Clock::start();
        let mut after = None;
        let mut count = 0;
        loop {
            let states = [DocumentState::Delivered];
            let page = store.documents_in(id, &states, after.as_ref(), 100).await?;
            count += page.len();
            let Some(last) = page.into_iter().last() else {
                break;
            };
            after = Some(last.key);
        }
        assert_eq!(count, DOCUMENTS as usize);
        table.line(
            "documents_in(): delivered, pages of 100",
            start.elapsed(),
            None,
        );

        let mut first = DOCUMENTS;
        let mut more = async |make: &dyn Fn(u32) -> Document| {
            let numbers = first..first + OPEN;
            first += OPEN;
            self.file(numbers, make).await
        };
        more(&waiting).await?;
        let known = u64::from(OPEN) / 10;
        let took = self.figures(known).await?;
        table.line("document_figures(): and 5 000 waiting", took, Some(10.0));
        more(&|number| Document {
            not_before: Some(time(i64::from(number % 2) + 1)),
            attempts: 1,
            ..document(number, DocumentState::Failed)
        })
        .await?;
        more(&|number| document(number, DocumentState::Doubtful)).await?;
        more(&intended).await?;
        let took = self.figures(known + u64::from(OPEN / 2 + OPEN)).await?;
        table.line(
            "document_figures(): 5 000 in each of 5 states",
            took,
            Some(10.0),
        );

        let start = Clock::start();
        let mut after = None;
        let mut count = 0;
        loop {
            let states = [
                DocumentState::Intended,
                DocumentState::Failed,
                DocumentState::Waiting,
            ];
            let page = store.documents_in(id, &states, after.as_ref(), 100).await?;
            count += page.len();
            let Some(last) = page.into_iter().last() else {
                break;
            };
            after = Some(last.key);
        }
        assert_eq!(count, 3 * OPEN as usize);
        table.line("documents_in(): 15 000 in 3 states", start.elapsed(), None);
        let start = Clock::start();
        let decided = store
            .decide_documents(id, None, DocumentDecision::SendAgain)
            .await?;
        assert_eq!(decided, u64::from(OPEN));
        table.line("decide_documents(): 5 000", start.elapsed(), None);
        Ok(())
    }
}
