//! Documents in personnel files, and their categories, as a test sees and changes them.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::{Clock, Language, lock};

/// A document in an employee's file. Its bytes are not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Document {
    /// The id that Personio gave it.
    pub id: u64,
    /// Whose file it is in.
    pub employee: u64,
    /// The id of its category.
    pub category: u64,
    /// Its title.
    pub title: String,
    /// Its date.
    pub date: Option<Date>,
    /// Its comment.
    pub comment: Option<String>,
    /// The name of the file that was sent.
    pub filename: String,
    /// The media type that was sent with it.
    pub media_type: Option<String>,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of its bytes as hexadecimal digits.
    pub sha256: String,
    /// When it was stored, to the second.
    pub created_at: Timestamp,
}

/// A category of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    /// The id that Personio gave it.
    pub id: u64,
    /// Its name, in the language of the account.
    pub name: String,
}

/// The documents in Personio and their categories; clones show the same ones.
#[derive(Clone)]
pub struct Documents {
    inner: Arc<Mutex<Inner>>,
    clock: Clock,
}

struct Inner {
    documents: Vec<Document>,
    categories: Vec<Category>,
    /// Whether the credential may read documents.
    readable: bool,
    next_document: u64,
    next_category: u64,
}

/// The categories assumed when none is given.
fn usual(language: Language) -> [&'static str; 3] {
    match language {
        Language::English => [
            "Other documents",
            "Certificates of employment",
            "Learning certificates",
        ],
        Language::German => [
            "Sonstige Dokumente",
            "Arbeitszeugnisse",
            "Bildungszertifikate",
        ],
    }
}

impl Documents {
    pub(crate) fn new(names: &[String], language: Language, readable: bool, clock: Clock) -> Self {
        let documents = Self {
            inner: Arc::new(Mutex::new(Inner {
                documents: Vec::new(),
                categories: Vec::new(),
                readable,
                next_document: 7_310_001,
                next_category: 2_101,
            })),
            clock,
        };
        if names.is_empty() {
            for name in usual(language) {
                documents.add_category(name);
            }
        }
        for name in names {
            documents.add_category(name);
        }
        documents
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        lock(&self.inner).documents.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All documents, oldest first.
    pub fn list(&self) -> Vec<Document> {
        lock(&self.inner).documents.clone()
    }

    /// Removes a document, as if by hand; false if there was none with this id.
    pub fn remove(&self, id: u64) -> bool {
        let documents = &mut lock(&self.inner).documents;
        let before = documents.len();
        documents.retain(|d| d.id != id);
        documents.len() < before
    }

    /// The categories in the order in which Personio lists them.
    pub fn categories(&self) -> Vec<Category> {
        lock(&self.inner).categories.clone()
    }

    /// Adds a category at the end and returns its id. Names may occur more than once.
    pub fn add_category(&self, name: &str) -> u64 {
        let inner = &mut *lock(&self.inner);
        let id = inner.next_category;
        // Gaps, so that an id is not mistaken for a place.
        inner.next_category += 17;
        inner.categories.push(Category {
            id,
            name: name.to_owned(),
        });
        id
    }

    /// Removes a category; false if there was none with this id. Its documents stay as they are.
    pub fn remove_category(&self, id: u64) -> bool {
        let categories = &mut lock(&self.inner).categories;
        let before = categories.len();
        categories.retain(|c| c.id != id);
        categories.len() < before
    }

    /// Whether the credential has the right to read documents.
    pub fn readable(&self) -> bool {
        lock(&self.inner).readable
    }

    /// Gives or takes the right to read documents. Tokens given out before keep what they have.
    pub fn set_readable(&self, readable: bool) {
        lock(&self.inner).readable = readable;
    }

    pub(super) fn category(&self, id: u64) -> Option<Category> {
        let inner = lock(&self.inner);
        inner.categories.iter().find(|c| c.id == id).cloned()
    }

    /// Stores a document under an id of its own, which is returned.
    pub(crate) fn store(&self, mut document: Document) -> u64 {
        let now = self.clock.now().as_second();
        let inner = &mut *lock(&self.inner);
        document.id = inner.next_document;
        document.created_at = Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH);
        inner.next_document += 1;
        inner.documents.push(document);
        inner.next_document - 1
    }

    /// The documents that satisfy a condition, by id.
    pub(super) fn select(&self, condition: impl Fn(&Document) -> bool) -> Vec<Document> {
        let inner = lock(&self.inner);
        inner
            .documents
            .iter()
            .filter(|d| condition(d))
            .cloned()
            .collect()
    }
}
