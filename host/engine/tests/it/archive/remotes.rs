//! What the two systems hold, and what goes wrong with them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use matricula_core::manifest::Manifest;
use matricula_core::{Failure, TargetId};
use matricula_engine::Stop;
use serde_json::{Map, Value, json};

/// What happens to one upload.
#[derive(Clone)]
pub enum Fault {
    /// Nothing is done.
    Fail(Failure),
    /// It is stored, but the answer is lost.
    LoseAfter,
    /// The request is lost, and nobody can tell.
    LoseBefore,
}

/// What the academy has as a file.
#[derive(Clone)]
pub enum Content {
    Pdf(u64),
    Html,
    Gone,
    Down,
}

pub struct Remotes {
    pub(super) academy: Manifest,
    pub(super) archive: Manifest,
    pub certificates: Mutex<BTreeMap<String, Value>>,
    pub contents: Mutex<HashMap<String, Content>>,
    pub documents: Mutex<Vec<(String, Map<String, Value>)>>,
    pub categories: Mutex<Vec<(String, String)>>,
    /// By title, in order.
    pub faults: Mutex<HashMap<String, Vec<Fault>>>,
    /// The archive does not let its documents be listed.
    pub unreadable: Mutex<Option<Failure>>,
    /// So many lists are still empty.
    pub lag: Mutex<u32>,
    pub tells_comments: Mutex<bool>,
    pub fetches: AtomicU64,
    pub uploads: AtomicU64,
    pub held: Mutex<HashMap<String, String>>,
    /// Asked to halt after so many uploads.
    pub halt_after: Mutex<Option<(u64, Stop)>>,
}

fn text() -> Value {
    json!({"type": ["string", "null"]})
}

impl Remotes {
    pub(super) fn new() -> Self {
        let academy = json!({
            "contract": "1.1", "id": "academy", "version": "1.0.0", "title": {"en": "Academy"},
            "authentication": [], "origins": [],
            "streams": {"certificates": {
                "title": {"en": "Certificates"}, "page": 4, "incremental": true,
                "schema": {"type": "object", "properties": {
                    "id": {"type": "string"}, "account": text(), "course": {"type": "string"},
                    "done": {"type": "string", "format": "date"},
                    "revoked": {"type": "boolean"}, "replaced": {"type": "boolean"},
                    "file": {"type": "string", "x-file": true},
                }},
            }},
        });
        let archive = json!({
            "contract": "1.1", "id": "archive", "version": "1.0.0", "title": {"en": "Archive"},
            "authentication": [], "origins": [],
            "lookups": {"categories": {"title": {"en": "Categories"}}},
            "operations": {"upload": {
                "title": {"en": "Upload"}, "batch": 1, "concurrency": 2, "once": true, "find": ["person"],
                "schema": {"type": "object",
                    "required": ["person", "category", "title", "file"],
                    "properties": {
                        "person": {"type": "string", "x-reference": true},
                        "category": {"type": "string"}, "title": {"type": "string", "maxLength": 20},
                        "date": {"type": ["string", "null"], "format": "date"}, "comment": text(),
                        "file": {"type": "string",
                            "x-file": {"types": ["application/pdf"], "largest": 1000}},
                    }},
            }},
        });
        let parse = |manifest: Value| Manifest::parse(manifest.to_string().as_bytes()).unwrap();
        Self {
            academy: parse(academy),
            archive: parse(archive),
            certificates: Mutex::default(),
            contents: Mutex::default(),
            documents: Mutex::default(),
            categories: Mutex::new(vec![
                ("1".to_owned(), "Other".to_owned()),
                ("2".to_owned(), "Certificates".to_owned()),
            ]),
            faults: Mutex::default(),
            unreadable: Mutex::default(),
            lag: Mutex::default(),
            tells_comments: Mutex::new(true),
            fetches: AtomicU64::new(0),
            uploads: AtomicU64::new(0),
            held: Mutex::default(),
            halt_after: Mutex::default(),
        }
    }

    /// A certificate for the holder of an academy account.
    pub fn issue(&self, id: &str, account: &str, course: &str) {
        let certificate = json!({
            "id": id, "account": account, "course": course, "done": "2026-02-01",
            "revoked": false, "replaced": false, "file": format!("file-{id}"),
        });
        self.certificates
            .lock()
            .unwrap()
            .insert(id.to_owned(), certificate);
    }

    pub fn change(&self, id: &str, attribute: &str, value: Value) {
        self.certificates.lock().unwrap().get_mut(id).unwrap()[attribute] = value;
    }

    pub fn fault(&self, title: &str, fault: Fault) {
        let mut faults = self.faults.lock().unwrap();
        faults.entry(title.to_owned()).or_default().push(fault);
    }

    /// Person and title of every document, sorted.
    pub fn archive(&self) -> Vec<(String, String)> {
        let documents = self.documents.lock().unwrap();
        let mut all: Vec<_> = documents
            .iter()
            .map(|(_, data)| {
                let of = |name: &str| data[name].as_str().unwrap().to_owned();
                (of("person"), of("title"))
            })
            .collect();
        all.sort();
        all
    }

    pub(super) fn take_fault(&self, title: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let list = faults.get_mut(title)?;
        (!list.is_empty()).then(|| list.remove(0))
    }

    pub(super) fn store(&self, data: &Map<String, Value>) -> TargetId {
        let mut documents = self.documents.lock().unwrap();
        let id = format!("d{}", documents.len() + 1);
        let mut kept = data.clone();
        let file = kept.remove("file").unwrap();
        let name = self.held.lock().unwrap();
        assert!(
            name.contains_key(file["id"].as_str().unwrap()),
            "a file that is not held"
        );
        kept.insert("size".to_owned(), file["size"].clone());
        documents.push((id.clone(), kept));
        TargetId::new(id)
    }
}
