//! The files behind certificates: made when asked for, chunk by chunk.
//!
//! A PDF is one page with the certificate's number, filled up to the size that was asked for by an
//! object that no reader looks at. Its bytes follow from the certificate's id and the size alone, so
//! a file of any size costs no memory and its hash can be had again at any time. The filling depends
//! on the id and on its place, so no two files are alike and none has a repeated stretch that a lost
//! or doubled chunk could hide in.

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::rng::Rng;

/// What a chunk holds at most.
const CHUNK: usize = 65_536;

/// A file that is made while it is sent.
#[derive(Clone)]
pub(crate) struct FileBody {
    head: Bytes,
    block: Bytes,
    filling: u64,
    tail: Bytes,
    sent: u64,
}

impl FileBody {
    /// A PDF of `size` bytes; larger if so small a one cannot be made (some 900 bytes).
    pub(super) fn pdf(id: &str, number: &str, size: u64) -> Self {
        let mut head = String::from("%PDF-1.4\n%\u{e2}\u{e3}\u{cf}\u{d3}\n");
        let text = format!(
            "BT /F1 24 Tf 72 760 Td (Certificate {number}) Tj 0 -36 Td /F1 12 Tf ({id}) Tj ET"
        );
        let objects = [
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
             /Resources << /Font << /F1 5 0 R >> >> >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len()),
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        ];
        let mut offsets = Vec::with_capacity(objects.len() + 1);
        for (number, object) in (1..).zip(&objects) {
            offsets.push(head.len());
            head.push_str(&format!("{number} 0 obj\n{object}\nendobj\n"));
        }
        offsets.push(head.len());
        // Numbers of a fixed width: what comes before and after the filling does not depend on it.
        let opening = |filling: u64| format!("6 0 obj\n<< /Length {filling:012} >>\nstream\n");
        let closing = |xref: u64| {
            let mut tail = String::from("\nendstream\nendobj\nxref\n0 7\n0000000000 65535 f \n");
            for offset in &offsets {
                tail.push_str(&format!("{offset:010} 00000 n \n"));
            }
            tail.push_str("trailer\n<< /Size 7 /Root 1 0 R >>\nstartxref\n");
            tail.push_str(&format!("{xref:012}\n%%EOF\n"));
            tail
        };
        let around = (head.len() + opening(0).len() + closing(0).len()) as u64;
        let filling = size.saturating_sub(around);
        head.push_str(&opening(filling));
        let xref = head.len() as u64 + filling + "\nendstream\nendobj\n".len() as u64;
        Self {
            block: block(id),
            filling,
            tail: closing(xref).into(),
            head: head.into(),
            sent: 0,
        }
    }

    /// A file that is what it is.
    pub(super) fn of(bytes: impl Into<Bytes>) -> Self {
        Self {
            head: bytes.into(),
            block: Bytes::new(),
            filling: 0,
            tail: Bytes::new(),
            sent: 0,
        }
    }

    /// All its bytes.
    pub(crate) fn len(&self) -> u64 {
        self.head.len() as u64 + self.filling + self.tail.len() as u64
    }

    /// SHA-256 of it, as hexadecimal digits.
    pub(super) fn sha256(self) -> String {
        let mut digest = Sha256::new();
        for chunk in self {
            digest.update(&chunk);
        }
        hex(&digest.finalize())
    }
}

/// Its chunks, in order; none is empty.
impl Iterator for FileBody {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let head = self.head.len() as u64;
        let chunk = if self.sent < head {
            self.head.clone()
        } else if self.sent < head + self.filling {
            let at = self.sent - head;
            let left = self.filling - at;
            let size = usize::try_from(left).map_or(CHUNK, |left| left.min(CHUNK));
            let mut chunk = self.block.get(..size)?.to_vec();
            for (byte, place) in chunk.iter_mut().zip(at.to_be_bytes()) {
                *byte ^= place;
            }
            chunk.into()
        } else if self.sent < self.len() {
            self.tail.clone()
        } else {
            return None;
        };
        self.sent += chunk.len() as u64;
        Some(chunk)
    }
}

/// What the filling is made of, different for each id.
fn block(id: &str) -> Bytes {
    let seed = Sha256::digest(id.as_bytes());
    let seed = seed.first_chunk().map_or(0, |b| u64::from_be_bytes(*b));
    let mut rng = Rng::new(seed);
    let mut block = Vec::with_capacity(CHUNK);
    while block.len() < CHUNK {
        block.extend_from_slice(&rng.next().to_be_bytes());
    }
    block.into()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(id: &str, size: u64) -> Vec<u8> {
        FileBody::pdf(id, "C-1", size).flatten().collect()
    }

    #[test]
    fn a_pdf_is_as_large_as_asked_and_its_table_is_right() {
        for size in [2_000, 65_536, 65_537, 300_000] {
            let bytes = whole("a", size);
            assert_eq!(bytes.len() as u64, size);
            assert_eq!(FileBody::pdf("a", "C-1", size).len(), size);
            assert!(bytes.starts_with(b"%PDF-1.4") && bytes.ends_with(b"%%EOF\n"));
            // One character a byte, so that offsets hold.
            let ascii = |&b: &u8| if b.is_ascii() { char::from(b) } else { '?' };
            let text: String = bytes.iter().map(ascii).collect();
            let (_, start) = text.rsplit_once("startxref\n").unwrap();
            let xref: usize = start.lines().next().unwrap().parse().unwrap();
            let table = text.get(xref..).unwrap();
            assert!(table.starts_with("xref\n0 7\n"), "{size}");
            let offsets = table.lines().skip(3).take(6);
            for (number, line) in (1..).zip(offsets) {
                let at: usize = line.split(' ').next().unwrap().parse().unwrap();
                assert!(
                    text[at..].starts_with(&format!("{number} 0 obj\n")),
                    "{size}"
                );
            }
            let (_, filling) = text.split_once("6 0 obj\n<< /Length ").unwrap();
            let length: usize = filling[..12].parse().unwrap();
            let begin = text.find("6 0 obj").unwrap()
                + "6 0 obj\n<< /Length 000000000000 >>\nstream\n".len();
            assert!(text[begin + length..].starts_with("\nendstream"), "{size}");
        }
    }

    #[test]
    fn bytes_follow_from_the_id() {
        assert_eq!(whole("a", 200_000), whole("a", 200_000));
        assert_ne!(whole("a", 200_000), whole("b", 200_000));
        assert_eq!(
            FileBody::pdf("a", "C-1", 10).len(),
            whole("a", 0).len() as u64
        );
        let (one, two) = (whole("a", 200_000), 2_000..67_536);
        assert_ne!(one[two.clone()], one[two.start + CHUNK..two.end + CHUNK]);
        assert_eq!(
            FileBody::of(&b"abc"[..]).sha256(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
