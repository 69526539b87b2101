//! Files that pass through: the host holds them between two remotes, and nobody else sees their bytes.
//!
//! A connector names a file by its [`FileId`], which is not to be guessed; the engine hands it from the
//! connector that fetched it to the one that sends it on, and lets it go once what became of it is recorded.

use serde::{Deserialize, Serialize};

/// A file in the host's hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Names it for as long as it is held.
    pub id: FileId,
    /// As the remote called it.
    pub name: Option<String>,
    /// By its first bytes, whatever the remote said; `application/octet-stream` where they say nothing.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// Names a held file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileId(pub String);

/// What a target takes as a file: the object under `x-file` in an operation's schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRule {
    /// Media types; none: any.
    #[serde(default)]
    pub types: Vec<String>,
    /// The most bytes.
    pub largest: u64,
}

/// A part of a `multipart/form-data` body.
#[derive(Debug, Clone)]
pub struct Part {
    /// The field.
    pub name: String,
    /// What the file is called; none for a plain field.
    pub filename: Option<String>,
    /// The part's content type.
    pub media_type: Option<String>,
    /// What is in it.
    pub content: Content,
}

/// A piece of a body that has files inside it.
#[derive(Debug, Clone)]
pub enum Piece {
    /// These bytes.
    Bytes(bytes::Bytes),
    /// A held file, in base64.
    Base64(FileId),
}

/// What a part holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// These bytes.
    Bytes(bytes::Bytes),
    /// A held file.
    File(FileId),
}
