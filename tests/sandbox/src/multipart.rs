//! Uploads: `multipart/form-data`, read as it comes.
//!
//! Of a file only its size and its hash are kept, so that any number of uploads of any size take no
//! memory to speak of. What counts as a file is a part with a filename, as in the systems that these
//! are fakes of: a file sent as a plain field is a text to them.

use std::pin::Pin;
use std::task::{Poll, ready};

use hyper::body::{Body as _, Incoming};
use multer::{Field, Multipart};
use sha2::{Digest, Sha256};

use crate::academy::hex;

/// Where the gateway in front of the systems gives up reading.
const LARGEST_REQUEST: u64 = 64 << 20;

/// More than any plain field has reason to hold.
const LARGEST_FIELD: usize = 64 << 10;

/// What a form held.
#[derive(Default)]
pub(crate) struct Upload {
    /// The plain fields in order.
    pub fields: Vec<(String, String)>,
    /// The files in order, each with its field's name.
    pub files: Vec<(String, SentFile)>,
    /// The request was larger than the gateway lets through; it was not read to its end.
    pub too_large: bool,
}

/// What is kept of a file.
pub(crate) struct SentFile {
    pub name: String,
    pub media_type: Option<String>,
    pub size: u64,
    /// Hexadecimal digits.
    pub sha256: String,
}

/// Why reading stopped before the end.
enum Stop {
    Gone,
    TooLarge,
}

impl Upload {
    /// The first plain field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self.fields.iter().find(|f| f.0 == name);
        found.map(|f| f.1.as_str())
    }

    /// The first file of this name.
    pub(crate) fn file(&self, name: &str) -> Option<&SentFile> {
        self.files.iter().find(|f| f.0 == name).map(|f| &f.1)
    }

    /// Reads a form; `None` if the client broke off, or is cut off as the body is longer than `cut`. A
    /// body that is no well-formed form comes out with
    /// what was understood of it, which is how the systems take it.
    pub(crate) async fn read(
        content_type: &str,
        incoming: &mut Incoming,
        cut: Option<u64>,
    ) -> Option<Self> {
        let mut upload = Self::default();
        let mut stop = None;
        let mut total = 0u64;
        let over = |total: u64| {
            if cut.is_some_and(|cut| total > cut) {
                Some(Stop::Gone)
            } else {
                (total > LARGEST_REQUEST).then_some(Stop::TooLarge)
            }
        };
        if let Ok(boundary) = multer::parse_boundary(content_type) {
            let stream = futures::stream::poll_fn(|cx| {
                loop {
                    let data = match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
                        None => return Poll::Ready(None),
                        Some(Ok(frame)) => frame.into_data(),
                        Some(Err(e)) => {
                            stop = Some(Stop::Gone);
                            return Poll::Ready(Some(Err(std::io::Error::other(e))));
                        }
                    };
                    let Ok(data) = data else { continue };
                    total += data.len() as u64;
                    stop = over(total);
                    if stop.is_some() {
                        let end = std::io::Error::other("no more of this is read");
                        return Poll::Ready(Some(Err(end)));
                    }
                    return Poll::Ready(Some(Ok(data)));
                }
            });
            let mut form = Multipart::new(stream, boundary);
            while let Ok(Some(field)) = form.next_field().await {
                if upload.take(field).await.is_none() {
                    break;
                }
            }
        }
        // What follows the form, or all of what is none: a client is not to be cut off while it sends.
        while stop.is_none() {
            let frame = std::future::poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await;
            match frame {
                None => break,
                Some(Err(_)) => stop = Some(Stop::Gone),
                Some(Ok(frame)) => {
                    total += frame.data_ref().map_or(0, |data| data.len() as u64);
                    stop = over(total);
                }
            }
        }
        match stop {
            Some(Stop::Gone) => return None,
            Some(Stop::TooLarge) => upload.too_large = true,
            None => {}
        }
        Some(upload)
    }

    /// Takes one part in; `None` if it does not end as it should.
    async fn take(&mut self, mut field: Field<'_>) -> Option<()> {
        let key = field.name().unwrap_or_default().to_owned();
        match field.file_name().map(str::to_owned) {
            Some(name) => {
                let media_type = field.content_type().map(ToString::to_string);
                let (mut digest, mut size) = (Sha256::new(), 0);
                while let Some(chunk) = field.chunk().await.ok()? {
                    digest.update(&chunk);
                    size += chunk.len() as u64;
                }
                let file = SentFile {
                    name,
                    media_type,
                    size,
                    sha256: hex(&digest.finalize()),
                };
                self.files.push((key, file));
            }
            None => {
                let mut value = Vec::new();
                while let Some(chunk) = field.chunk().await.ok()? {
                    if value.len() + chunk.len() > LARGEST_FIELD {
                        return None;
                    }
                    value.extend_from_slice(&chunk);
                }
                let value = String::from_utf8_lossy(&value).into_owned();
                self.fields.push((key, value));
            }
        }
        Some(())
    }
}
