//! How the engine reaches the two systems.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use matricula_core::connector::{
    Call, Change, Choice, Choices, Connector, Disposition, Found, Item, Need, Page, Preparation,
    ReadRequest, Receipt, Report,
};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::file::{File, FileId};
use matricula_core::manifest::Manifest;
use matricula_core::{Effect, Failure, FailureKind, SourceKey, TargetId};
use serde_json::{Map, Value};

use super::remotes::{Content, Fault, Remotes};

pub(super) struct Academy(pub(super) Arc<Remotes>);
pub(super) struct Archive(pub(super) Arc<Remotes>);

#[async_trait]
impl Connector for Academy {
    fn manifest(&self) -> &Manifest {
        &self.0.academy
    }

    async fn check(&self, _: &Call, _: &[Need]) -> Result<Report, Failure> {
        Ok(Report::default())
    }

    async fn options(
        &self,
        _: &Call,
        _: &str,
        _: Option<&str>,
        _: Option<&str>,
    ) -> Result<Choices, Failure> {
        Ok(Choices::default())
    }

    async fn read(&self, _: &Call, request: &ReadRequest) -> Result<Page, Failure> {
        let certificates = self.0.certificates.lock().unwrap();
        let from: usize = request
            .position
            .as_deref()
            .map_or(0, |at| at.parse().unwrap());
        let all: Vec<_> = match &request.state {
            // An incremental read sees what was issued under a greater number.
            Some(state) => certificates
                .iter()
                .filter(|(id, _)| id.as_str() > state.as_str())
                .collect(),
            None => certificates.iter().collect(),
        };
        let items: Vec<Item> = all
            .iter()
            .skip(from)
            .take(request.limit as usize)
            .map(|(id, data)| Item {
                key: SourceKey::new(id.as_str()),
                deleted: false,
                data: data.to_string(),
            })
            .collect();
        let until = from + items.len();
        let last = until >= all.len();
        let newest = certificates.keys().last().cloned();
        Ok(Page {
            items,
            next: (!last).then(|| until.to_string()),
            state: last
                .then(|| newest.or_else(|| request.state.clone()))
                .flatten(),
            complete: last && request.state.is_none(),
            total: Some(all.len() as u64),
        })
    }

    async fn fetch(
        &self,
        _: &Call,
        stream: &str,
        reference: &str,
        largest: u64,
    ) -> Result<File, Failure> {
        assert_eq!((stream, largest), ("certificates", 1000));
        let number = self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let content = self.0.contents.lock().unwrap().get(reference).cloned();
        let (size, media_type) = match content.unwrap_or(Content::Pdf(10 + reference.len() as u64))
        {
            Content::Pdf(size) => (size, "application/pdf"),
            Content::Html => (40, "text/html"),
            Content::Gone => {
                let gone = Failure::new(FailureKind::NotFound, "the file is gone");
                return Err(gone.with_code("file-gone"));
            }
            Content::Down => {
                return Err(Failure::new(FailureKind::Unavailable, "error 500"));
            }
        };
        let id = format!("held-{number}");
        self.0
            .held
            .lock()
            .unwrap()
            .insert(id.clone(), reference.to_owned());
        Ok(File {
            id: FileId(id),
            name: None,
            media_type: media_type.to_owned(),
            size,
            sha256: "0".repeat(64),
        })
    }

    async fn prepare(&self, _: &Call, _: &str, _: &[String]) -> Result<Preparation, Failure> {
        unreachable!("the academy is only read")
    }

    async fn find(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        _: &str,
        _: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        unreachable!("the academy is only read")
    }

    async fn write(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        _: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        unreachable!("the academy is only read")
    }
}

#[async_trait]
impl Connector for Archive {
    fn manifest(&self) -> &Manifest {
        &self.0.archive
    }

    async fn check(&self, _: &Call, _: &[Need]) -> Result<Report, Failure> {
        Ok(Report::default())
    }

    async fn options(
        &self,
        _: &Call,
        _: &str,
        _: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices, Failure> {
        // One on a page.
        let categories = self.0.categories.lock().unwrap();
        let at: usize = position.map_or(0, |at| at.parse().unwrap());
        Ok(Choices {
            items: categories
                .get(at)
                .map(|(value, label)| Choice {
                    value: value.clone(),
                    label: label.clone(),
                    hint: None,
                })
                .into_iter()
                .collect(),
            next: (at + 1 < categories.len()).then(|| (at + 1).to_string()),
        })
    }

    async fn read(&self, _: &Call, _: &ReadRequest) -> Result<Page, Failure> {
        unreachable!("the archive is only written")
    }

    async fn prepare(&self, _: &Call, _: &str, _: &[String]) -> Result<Preparation, Failure> {
        Ok(Preparation::default())
    }

    async fn find(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        assert_eq!(attribute, "person");
        if let Some(failure) = self.0.unreadable.lock().unwrap().clone() {
            return Err(failure);
        }
        {
            let mut lag = self.0.lag.lock().unwrap();
            if *lag > 0 {
                *lag -= 1;
                return Ok(values.iter().map(|_| Vec::new()).collect());
            }
        }
        let mut documents = self.0.documents.lock().unwrap().clone();
        if !*self.0.tells_comments.lock().unwrap() {
            for (_, data) in &mut documents {
                data.remove("comment");
            }
        }
        let of = |person: &String| {
            let theirs = documents
                .iter()
                .filter(|(_, data)| data["person"] == person.as_str());
            theirs
                .map(|(id, data)| Found {
                    target: TargetId::new(id.as_str()),
                    data: Value::Object(data.clone()).to_string(),
                })
                .collect()
        };
        Ok(values.iter().map(of).collect())
    }

    async fn write(
        &self,
        _: &Call,
        _: &str,
        _: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        let [change] = changes else {
            panic!("one document a call")
        };
        let number = self.0.uploads.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some((after, stop)) = &*self.0.halt_after.lock().unwrap()
            && number == *after
        {
            stop.ask(matricula_engine::Halt::Later);
        }
        // Others get their turn, as on a network.
        tokio::task::yield_now().await;
        let data: Map<String, Value> = serde_json::from_str(&change.data).unwrap();
        let lost = || {
            Failure::new(FailureKind::Unavailable, "the connection broke")
                .with_effect(Effect::Unknown)
        };
        let outcome = match self.0.take_fault(data["title"].as_str().unwrap()) {
            Some(Fault::Fail(failure)) => Err(failure),
            Some(Fault::LoseBefore) => Err(lost()),
            Some(Fault::LoseAfter) => {
                self.0.store(&data);
                Err(lost())
            }
            None => Ok(Receipt {
                target: Some(self.0.store(&data)),
                disposition: Disposition::Created,
            }),
        };
        tokio::task::yield_now().await;
        Ok(vec![outcome])
    }
}

pub(super) struct Hold(pub(super) Arc<Remotes>);

#[async_trait]
impl Egress for Hold {
    async fn send(&self, _: Request, _: Duration) -> Result<Response, SendError> {
        Err(SendError::Timeout)
    }

    fn release(&self, file: &FileId) {
        self.0.held.lock().unwrap().remove(&file.0);
    }

    fn requests(&self) -> u64 {
        0
    }
}
