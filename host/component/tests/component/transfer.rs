//! Files: what reaches the egress, what a component is believed, and what is let go.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use matricula_component::{Component, Limits};
use matricula_core::connector::{Call, Change, Connector as _, Disposition, Receipt};
use matricula_core::egress::{Egress, Request, Response, SendError};
use matricula_core::file::{Content, File, FileId, Part, Piece};
use matricula_core::{Effect, Failure, FailureKind, TargetId};
use serde_json::json;

use crate::support::{assert_fault, call_through, load, only, read};

const ADDRESS: &str = "https://fixtures.example.com/1.pdf";

/// What a remote has for each fetch.
enum Behind {
    /// A file of so many bytes.
    File(u64),
    /// An answer that is none.
    Status(u16),
    Fails(SendError),
    NeverAnswers,
}

/// Records what it is asked for. Its files have a size, but no bytes.
struct Hold {
    behind: Behind,
    fetches: Mutex<Vec<(Request, u64, Duration)>>,
    uploads: Mutex<Vec<(Request, Vec<Part>, Duration)>>,
    composed: Mutex<Vec<(Request, Vec<Piece>)>>,
    released: Mutex<Vec<String>>,
}

impl Hold {
    fn new(behind: Behind) -> Arc<Self> {
        Arc::new(Self {
            behind,
            fetches: Mutex::default(),
            uploads: Mutex::default(),
            composed: Mutex::default(),
            released: Mutex::default(),
        })
    }

    fn released(&self) -> Vec<String> {
        self.released.lock().unwrap().clone()
    }

    fn answer(&self) -> Result<Response, SendError> {
        let (status, body) = match &self.behind {
            Behind::File(_) | Behind::NeverAnswers => (200, ""),
            Behind::Status(status) => (*status, "told why"),
            Behind::Fails(error) => return Err(error.clone()),
        };
        Ok(Response {
            status,
            headers: Vec::new(),
            body: Bytes::from_static(body.as_bytes()),
        })
    }
}

#[async_trait]
impl Egress for Hold {
    async fn send(&self, _: Request, _: Duration) -> Result<Response, SendError> {
        self.answer()
    }

    async fn fetch(
        &self,
        request: Request,
        largest: u64,
        remaining: Duration,
    ) -> Result<(Response, Option<File>), SendError> {
        let number = {
            let mut fetches = self.fetches.lock().unwrap();
            fetches.push((request, largest, remaining));
            fetches.len()
        };
        if matches!(self.behind, Behind::NeverAnswers) && number > 1 {
            std::future::pending::<()>().await;
        }
        let response = self.answer()?;
        let size = match self.behind {
            Behind::File(size) => Some(size),
            Behind::NeverAnswers => Some(1),
            Behind::Status(_) | Behind::Fails(_) => None,
        };
        Ok((response, size.map(|size| held(number, size))))
    }

    async fn upload(
        &self,
        request: Request,
        parts: Vec<Part>,
        remaining: Duration,
    ) -> Result<Response, SendError> {
        let mut uploads = self.uploads.lock().unwrap();
        uploads.push((request, parts, remaining));
        let answer = self.answer()?;
        Ok(Response {
            body: Bytes::from_static(b"12"),
            ..answer
        })
    }

    async fn compose(
        &self,
        request: Request,
        pieces: Vec<Piece>,
        _: Duration,
    ) -> Result<Response, SendError> {
        self.composed.lock().unwrap().push((request, pieces));
        let answer = self.answer()?;
        Ok(Response {
            body: Bytes::from_static(b"12"),
            ..answer
        })
    }

    fn release(&self, file: &FileId) {
        self.released.lock().unwrap().push(file.0.clone());
    }

    fn requests(&self) -> u64 {
        (self.fetches.lock().unwrap().len()
            + self.uploads.lock().unwrap().len()
            + self.composed.lock().unwrap().len()) as u64
    }
}

fn held(number: usize, size: u64) -> File {
    File {
        id: FileId(format!("file-{number}")),
        name: Some("Brandschutz.pdf".into()),
        media_type: "application/pdf".into(),
        size,
        sha256: "5".repeat(64),
    }
}

async fn fetch(component: &Component, call: &Call, stream: &str) -> Result<File, Failure> {
    component.fetch(call, stream, ADDRESS, 1000).await
}

#[tokio::test]
async fn a_file_is_fetched_and_stays_held() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let mut call = call_through(Arc::clone(&hold));
    call.deadline = Duration::from_secs(5);
    let file = fetch(&component, &call, "files").await.unwrap();
    assert_eq!(file, held(1, 900));
    let fetches = hold.fetches.lock().unwrap();
    let (request, largest, remaining) = &fetches[0];
    assert_eq!((&*request.method, &*request.url), ("GET", ADDRESS));
    assert_eq!(*largest, 1000);
    // Less than the deadline, so that the component can still say that there was no answer.
    assert!(*remaining < Duration::from_millis(4600), "{remaining:?}");
    assert_eq!(request.timeout, Some(*remaining));
    assert_eq!(hold.released(), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_is_not_in_the_component_s_memory() {
    // Little more than what the fixtures begin with.
    let component = load(Limits {
        memory: 2 * 1024 * 1024,
        ..Limits::default()
    });
    let size = 800 * 1024 * 1024;
    let call = call_through(Hold::new(Behind::File(size)));
    let file = component
        .fetch(&call, "files", ADDRESS, u64::MAX)
        .await
        .unwrap();
    assert_eq!(file.size, size);
    let receipt = upload(&component, &call, "upload").await.unwrap();
    assert_eq!(receipt.disposition, Disposition::Created);
}

#[tokio::test]
async fn an_answer_without_a_file_reaches_the_component() {
    let component = load(Limits::default());
    let call = call_through(Hold::new(Behind::Status(404)));
    let failure = fetch(&component, &call, "files").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NotFound);
    assert_eq!(failure.code.as_deref(), Some("file-gone"));
    assert_eq!(failure.message, "status 404: told why");
}

#[tokio::test]
async fn why_there_is_no_file_reaches_the_component() {
    let component = load(Limits::default());
    for (error, expected) in [
        (SendError::TooLarge("no".into()), "denied: TooLarge"),
        (
            SendError::OriginNotAllowed("no".into()),
            "denied: OriginNotAllowed",
        ),
        (SendError::Timeout, "Fixtures did not answer in time"),
    ] {
        let call = call_through(Hold::new(Behind::Fails(error)));
        let failure = fetch(&component, &call, "files").await.unwrap_err();
        assert_eq!(
            (&*failure.message, failure.effect),
            (expected, Effect::None)
        );
    }
}

#[tokio::test]
async fn what_a_call_fetched_for_nothing_is_let_go() {
    let component = load(Limits::default());
    for (stream, code) in [
        ("files-panic", Some("component.panicked")),
        ("files-loop", Some("component.timed-out")),
        ("files-fail", None),
    ] {
        let hold = Hold::new(Behind::File(900));
        let mut call = call_through(Arc::clone(&hold));
        call.deadline = Duration::from_millis(200);
        let failure = fetch(&component, &call, stream).await.unwrap_err();
        match code {
            Some(code) => assert_fault(&component, &failure, code).await,
            None => assert_eq!(failure.kind, FailureKind::Input),
        }
        assert_eq!(hold.released(), ["file-1"], "{stream}");
    }
}

#[tokio::test]
async fn what_a_call_fetched_that_was_given_up_is_let_go() {
    let component = load(Limits::default());
    // The second fetch waits for ever.
    let hold = Hold::new(Behind::NeverAnswers);
    let call = call_through(Arc::clone(&hold));
    {
        let fetch = fetch(&component, &call, "files-twice");
        tokio::pin!(fetch);
        while hold.fetches.lock().unwrap().len() < 2 {
            assert!(one_step(fetch.as_mut()).await.is_none());
        }
        assert_eq!(hold.released(), Vec::<String>::new());
    }
    assert_eq!(hold.released(), ["file-1"]);
}

/// Lets a future go one step on.
async fn one_step<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = future => Some(done),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test]
async fn of_several_files_the_one_that_is_returned_stays() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let file = fetch(&component, &call_through(Arc::clone(&hold)), "files-twice")
        .await
        .unwrap();
    assert_eq!(file.id.0, "file-1");
    assert_eq!(hold.released(), ["file-2"]);
}

#[tokio::test]
async fn a_call_cannot_fill_the_hold() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let call = call_through(Arc::clone(&hold));
    let failure = fetch(&component, &call, "files-without-end")
        .await
        .unwrap_err();
    assert_eq!(failure.message, "denied: BudgetExhausted");
    assert_eq!(hold.requests(), 4);
    assert_eq!(hold.released(), ["file-1", "file-2", "file-3", "file-4"]);
}

#[tokio::test]
async fn a_component_is_not_believed_what_a_file_is() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let call = call_through(Arc::clone(&hold));
    let file = fetch(&component, &call, "files-lied-about").await.unwrap();
    let known = held(1, 900);
    assert_eq!(
        (file.media_type, file.size, file.sha256),
        (known.media_type, known.size, known.sha256)
    );
    let file = fetch(&component, &call, "files-named").await.unwrap();
    assert_eq!(file.name.as_deref(), Some("by the connector"));
}

#[tokio::test]
async fn a_file_that_was_not_fetched_in_the_call_is_not_taken() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let failure = fetch(
        &component,
        &call_through(Arc::clone(&hold)),
        "files-made-up",
    )
    .await
    .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert_eq!(
        failure.message,
        "fixtures 0.1.0 broke the contract while fetching a file of files-made-up: it returned a \
         file that it has not fetched in this call"
    );
    assert_eq!(hold.released(), ["file-1"]);
}

#[tokio::test]
async fn nothing_is_fetched_where_no_file_was_asked_for() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let page = read(
        &component,
        &call_through(Arc::clone(&hold)),
        "fetch-while-reading",
    )
    .await
    .unwrap();
    assert_eq!(only(&page), json!({ "error": "Denied(TooLarge)" }));
    assert_eq!(hold.requests(), 0);
}

#[tokio::test]
async fn transfers_count_as_requests() {
    let component = load(Limits {
        requests: 2,
        ..Limits::default()
    });
    let hold = Hold::new(Behind::File(900));
    let call = call_through(Arc::clone(&hold));
    let failure = fetch(&component, &call, "files-without-end")
        .await
        .unwrap_err();
    assert_eq!(failure.message, "denied: BudgetExhausted");
    assert_eq!(hold.requests(), 2);
}

/// One document.
async fn upload(component: &Component, call: &Call, order: &str) -> Result<Receipt, Failure> {
    let file = json!({
        "id": "file-7", "name": "Brandschutz.pdf", "media_type": "application/pdf", "size": 900,
        "sha256": "5".repeat(64),
    });
    let change = Change {
        idempotency_key: "change".into(),
        target: None,
        data: json!({ "do": order, "title": "Fire safety", "file": file }).to_string(),
    };
    component
        .write(call, "upsert", "", &[change])
        .await
        .map(|mut outcomes| outcomes.remove(0))?
}

#[tokio::test]
async fn the_parts_of_an_upload_reach_the_egress_in_order() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    let mut call = call_through(Arc::clone(&hold));
    call.deadline = Duration::from_secs(5);
    let receipt = upload(&component, &call, "upload").await.unwrap();
    assert_eq!(receipt.target, Some(TargetId::from("12")));
    let uploads = hold.uploads.lock().unwrap();
    let (request, parts, remaining) = &uploads[0];
    assert_eq!(
        (&*request.method, &*request.url),
        ("POST", "https://fixtures.example.com/documents")
    );
    assert_eq!(request.body, None);
    assert!(*remaining < Duration::from_millis(4600), "{remaining:?}");
    assert_eq!(request.timeout, Some(*remaining));
    let [title, file] = &parts[..] else {
        panic!("{parts:?}");
    };
    assert_eq!(
        (&*title.name, &title.filename, &title.media_type),
        ("title", &None, &None)
    );
    assert!(
        matches!(&title.content, Content::Bytes(bytes) if bytes == "Fire safety"),
        "{title:?}"
    );
    assert_eq!(
        (
            &*file.name,
            file.filename.as_deref(),
            file.media_type.as_deref()
        ),
        ("file", Some("Brandschutz.pdf"), Some("application/pdf"))
    );
    assert!(
        matches!(&file.content, Content::File(FileId(id)) if id == "file-7"),
        "{file:?}"
    );
    // The engine lets it go, once it knows what came of it.
    assert_eq!(hold.released(), Vec::<String>::new());
}

#[tokio::test]
async fn the_pieces_of_a_body_reach_the_egress_in_order() {
    let component = load(Limits::default());
    let hold = Hold::new(Behind::File(900));
    upload(&component, &call_through(Arc::clone(&hold)), "compose")
        .await
        .unwrap();
    let composed = hold.composed.lock().unwrap();
    let (request, pieces) = &composed[0];
    assert_eq!((&*request.method, &request.body), ("POST", &None));
    let text = |piece: &Piece| match piece {
        Piece::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        Piece::Base64(FileId(id)) => format!("<{id}>"),
    };
    assert_eq!(
        pieces.iter().map(text).collect::<Vec<_>>(),
        ["{\"data\":\"", "<file-7>", "\",\"title\":\"Fire safety\"}"]
    );
}

#[tokio::test]
async fn an_upload_that_cannot_be_is_not_sent() {
    let component = load(Limits::default());
    for (order, expected) in [
        ("upload-bytes", "too-large"),
        ("upload-with-body", "connect"),
        ("compose-bytes", "too-large"),
        ("compose-with-body", "connect"),
    ] {
        let hold = Hold::new(Behind::File(900));
        let call = call_through(Arc::clone(&hold));
        let failure = upload(&component, &call, order).await.unwrap_err();
        assert_eq!(failure.code.as_deref(), Some(expected), "{failure:?}");
        assert_eq!(hold.requests(), 0, "{order}");
    }
}

#[tokio::test]
async fn an_upload_may_have_had_an_effect_unless_it_was_not_sent() {
    let component = load(Limits::default());
    for (behind, effect) in [
        (Behind::File(900), Effect::Unknown),
        (
            Behind::Fails(SendError::Interrupted("reset".into())),
            Effect::Unknown,
        ),
        (
            Behind::Fails(SendError::Connect("not held".into())),
            Effect::None,
        ),
    ] {
        let call = call_through(Hold::new(behind));
        let failure = upload(&component, &call, "upload-and-panic")
            .await
            .unwrap_err();
        assert_eq!(failure.code.as_deref(), Some("component.panicked"));
        assert_eq!(failure.effect, effect, "{failure:?}");
    }
}
