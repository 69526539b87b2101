//! Files that pass through: the host holds the bytes, a connector has only their description.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::{Failure, FailureKind, Result};

/// A file in the host's hold.
///
/// As JSON it is the object that a change's data has for an attribute that the operation's schema marks
/// with `x-file`: `{"id", "name", "media_type", "size", "sha256"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Names it in a [`Part`]; valid until the host is done with the record.
    pub id: String,
    /// As the remote called it.
    #[serde(default)]
    pub name: Option<String>,
    /// By its first bytes, whatever the remote said; `application/octet-stream` where they say nothing.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl File {
    /// Reads the object that a change's data has for an `x-file` attribute.
    ///
    /// # Errors
    /// Kind `internal` if it is none: the host made it.
    pub fn from_json(value: &Value) -> Result<Self> {
        Self::deserialize(value).map_err(|error| {
            Failure::new(
                FailureKind::Internal,
                format!("the host passed a file that cannot be read: {error}"),
            )
        })
    }
}

/// A part of a `multipart/form-data` body. Parts are sent in the order in which they are given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The form's field.
    pub name: String,
    /// What the file is called; none for a plain field.
    pub filename: Option<String>,
    /// The part's content type; none writes none.
    pub media_type: Option<String>,
    /// What is in it.
    pub content: Content,
}

impl Part {
    /// A plain field.
    pub fn text(name: &str, text: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            filename: None,
            media_type: None,
            content: Content::Bytes(text.into().into_bytes()),
        }
    }

    /// A held file, under the name that the target is to know it by, with the file's own media type.
    pub fn file(name: &str, filename: impl Into<String>, file: &File) -> Self {
        Self {
            name: name.to_owned(),
            filename: Some(filename.into()),
            media_type: Some(file.media_type.clone()),
            content: Content::File(file.id.clone()),
        }
    }
}

/// A piece of a body that has files inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The content of the held file with this [`File::id`] in base64: padded, on one line.
    Base64(String),
}

impl Piece {
    /// A JSON body in which the one string that is the file's id stands for the file's content in base64. The id
    /// is the host's and not to be guessed, so no other text in the body can be taken for it.
    ///
    /// # Errors
    /// Kind `internal` unless the id stands there exactly once.
    pub fn json(body: &Value, file: &File) -> Result<Vec<Self>> {
        let text = body.to_string();
        let mark = Value::from(file.id.as_str()).to_string();
        let mut between = text.split(&mark);
        let (Some(before), Some(after), None) = (between.next(), between.next(), between.next())
        else {
            return Err(Failure::new(
                FailureKind::Internal,
                "a body has to name its file exactly once",
            ));
        };
        let bytes = |text: String| Self::Bytes(text.into_bytes());
        Ok(vec![
            bytes(format!("{before}\"")),
            Self::Base64(file.id.clone()),
            bytes(format!("\"{after}")),
        ])
    }
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// The held file with this [`File::id`].
    File(String),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_read_from_a_change_and_sent_as_a_part() {
        let data = json!({
            "id": "f1", "name": null, "media_type": "application/pdf", "size": 5,
            "sha256": "0".repeat(64),
        });
        let file = File::from_json(&data).unwrap();
        assert_eq!((file.size, &file.name), (5, &None));
        assert_eq!(serde_json::to_value(&file).unwrap(), data);
        let part = Part::file("file", "certificate.pdf", &file);
        assert_eq!(part.media_type.as_deref(), Some("application/pdf"));
        assert_eq!(part.content, Content::File("f1".into()));
    }

    #[test]
    fn a_file_stands_in_json_as_text() {
        let file = |id: &str| File {
            id: id.to_owned(),
            name: None,
            media_type: "application/pdf".into(),
            size: 5,
            sha256: "0".repeat(64),
        };
        let body = json!({ "document": { "data": "f1", "name": "f1 \"f1\".pdf" }, "more": 1 });
        let pieces = Piece::json(&body, &file("f1")).unwrap();
        let text = |piece: &Piece| match piece {
            Piece::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            Piece::Base64(id) => format!("<{id}>"),
        };
        assert_eq!(
            pieces.iter().map(text).collect::<String>(),
            r#"{"document":{"data":"<f1>","name":"f1 \"f1\".pdf"},"more":1}"#
        );
        for body in [json!({}), json!(["f1", "f1"])] {
            let failure = Piece::json(&body, &file("f1")).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Internal);
        }
    }

    #[test]
    fn what_is_no_file_is_the_host_s_fault() {
        let failure = File::from_json(&json!({ "id": "f1" })).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Internal);
        assert!(failure.message.contains("media_type"), "{failure:?}");
        assert!(File::from_json(&json!("f1")).is_err());
    }
}
