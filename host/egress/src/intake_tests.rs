use futures::{TryStreamExt as _, stream};
use matricula_core::clock::SimClock;
use matricula_core::file::FileId;
use proptest::prelude::*;

use super::*;
use crate::hold::Hold;

const SHORT: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(60);

fn budget(total: Duration) -> Budget {
    let clock = SimClock::new("2026-11-21T12:00:00Z".parse().unwrap());
    Budget::new(Arc::new(clock), total)
}

fn hold(files: usize, bytes: u64) -> (tempfile::TempDir, Arc<Hold>) {
    let folder = tempfile::tempdir().unwrap();
    let hold = Hold::bounded(folder.path().into(), files, bytes);
    (folder, Arc::new(hold))
}

fn pieces(content: &[u8], length: usize) -> impl Stream<Item = Result<Bytes, ()>> + Unpin {
    let pieces: Vec<_> = content
        .chunks(length)
        .map(|piece| Ok(Bytes::copy_from_slice(piece)))
        .collect();
    stream::iter(pieces)
}

async fn put(shelf: &Shelf, content: &[u8], largest: u64) -> FileId {
    let room = shelf.room(largest, &budget(LONG)).await.unwrap();
    let filled = receive(room, pieces(content, 10_000), LONG).await.unwrap();
    shelf.keep(filled, None).unwrap().id
}

#[tokio::test]
async fn a_file_comes_out_as_it_went_in() {
    let (_folder, hold) = hold(4, 1 << 30);
    let shelf = hold.shelf();
    for (size, piece) in [
        (0, 1),
        (1, 1),
        (1000, 7),
        (BUFFER - 1, BUFFER),
        (BUFFER, 4096),
        (BUFFER + 1, BUFFER + 1),
        (3 * BUFFER + 17, 70_001),
        (5 * BUFFER, 4 * BUFFER),
    ] {
        let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let room = shelf.room(size as u64, &budget(LONG)).await.unwrap();
        let filled = receive(room, pieces(&content, piece), LONG).await.unwrap();
        let file = shelf.keep(filled, Some("x.pdf".into())).unwrap();
        assert_eq!(file.size, size as u64);
        assert_eq!(file.sha256, hex(&Sha256::digest(&content)));
        assert_eq!(file.name.as_deref(), Some("x.pdf"));
        assert_eq!((file.id.0.len(), file.media_type.as_str()), (32, UNKNOWN));
        let read =
            |held: Arc<crate::hold::Held>| held.read().map_ok(|piece| piece.to_vec()).try_concat();
        let held = shelf.get(&file.id).unwrap();
        let (one, other) = futures::join!(read(Arc::clone(&held)), read(held));
        assert!(
            one.unwrap() == content && other.unwrap() == content,
            "{size}"
        );
        shelf.release(&file.id);
        assert!(shelf.get(&file.id).is_none());
    }
}

#[tokio::test]
async fn what_does_not_come_whole_is_not_held() {
    let (_folder, hold) = hold(1, 4096);
    let shelf = hold.shelf();
    let room = async || shelf.room(100, &budget(SHORT)).await.unwrap();
    let larger = receive(room().await, pieces(&[0; 101], 20), LONG).await;
    assert!(matches!(larger, Err(Unheld::TooLarge)));
    let broken = stream::iter([Ok(Bytes::from_static(b"half")), Err("broken")]);
    let broken = receive(room().await, broken, LONG).await;
    assert!(matches!(broken, Err(Unheld::Broken("broken"))));
    let stalled = pieces(b"half", 4).chain(stream::pending());
    let stalled = receive(room().await, stalled, SHORT).await;
    assert!(matches!(stalled, Err(Unheld::Stalled)));
    // Each gave its place back, or there would have been no room for the next.
    receive(room().await, pieces(&[0; 100], 20), LONG)
        .await
        .unwrap();
}

#[tokio::test]
async fn whoever_finds_the_hold_full_waits_until_something_goes() {
    for (files, bytes) in [(2, 1 << 20), (16, 2048)] {
        let (_folder, hold) = hold(files, bytes);
        let (one, other) = (hold.shelf(), hold.shelf());
        let first = put(&one, &[1; 1024], 1024).await;
        put(&one, &[2; 1024], 1024).await;
        let error = other.room(1024, &budget(SHORT)).await.err().unwrap();
        assert!(
            matches!(&error, SendError::Connect(why) if why.contains("hold for files of this host is full")),
            "{error:?}"
        );
        let long = budget(LONG);
        let (room, ()) = tokio::join!(other.room(1024, &long), async {
            tokio::task::yield_now().await;
            // Still read by an upload: its place is not free before that ends.
            let held = one.get(&first).unwrap();
            one.release(&first);
            assert!(other.room(1024, &budget(SHORT)).await.is_err());
            drop(held);
        });
        assert!(room.is_ok());
    }
}

#[tokio::test]
async fn a_file_takes_up_what_it_may_become_and_then_what_it_is() {
    let (_folder, hold) = hold(16, 10 * 1024);
    let shelf = hold.shelf();
    let room = shelf.room(10 * 1024, &budget(SHORT)).await.unwrap();
    assert!(shelf.room(1, &budget(SHORT)).await.is_err());
    let filled = receive(room, pieces(&[0; 1025], 100), LONG).await.unwrap();
    shelf.keep(filled, None).unwrap();
    assert!(shelf.room(9 * 1024, &budget(SHORT)).await.is_err());
    assert!(shelf.room(8 * 1024, &budget(SHORT)).await.is_ok());
    // More than could ever be held is not waited for: it is too large if it comes.
    let empty = Arc::new(Hold::bounded(_folder.path().into(), 1, 1024)).shelf();
    let room = empty.room(u64::MAX, &budget(SHORT)).await.unwrap();
    assert_eq!(room.largest, 1024);
}

#[tokio::test]
async fn one_session_does_not_fill_the_hold_and_leaves_nothing_in_it() {
    let (folder, hold) = hold(100, 1 << 30);
    let (greedy, other) = (hold.shelf(), hold.shelf());
    let mut ids = Vec::new();
    for _ in 0..16 {
        ids.push(put(&greedy, b"x", 10).await);
    }
    assert!(greedy.room(10, &budget(SHORT)).await.is_err());
    let kept = put(&other, b"y", 10).await;
    assert!(other.get(&ids[0]).is_some(), "any session may send it on");
    let names = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(names, 0, "a held file has no name");
    drop(greedy);
    assert!(ids.iter().all(|id| other.get(id).is_none()));
    assert!(other.get(&kept).is_some());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_said_before_anything_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let shelf = Arc::new(Hold::new(file.join("below"))).shelf();
    let error = shelf.room(1, &budget(LONG)).await.err().unwrap();
    let folder = file.join("below");
    let said = format!(
        "no file can be written to {} (not a directory): is the disk full, or the folder not writable?",
        folder.display()
    );
    assert_eq!(error, SendError::Connect(said));
}

#[test]
fn a_type_is_told_by_the_first_bytes() {
    let docx = [
        &b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x11\0\0\0word/document.xml"[..],
        &[0; 40],
    ]
    .concat();
    for (head, expected) in [
        (&b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"[..], "application/pdf"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
        (b"GIF89a\x01\0\x01\0", "image/gif"),
        (b"PK\x03\x04\x14\0\0\0\0\0", "application/zip"),
        (
            &docx,
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (b"<!DOCTYPE html><html><body>", "text/html"),
        (b"Dear Ada,\n", UNKNOWN),
        (b"", UNKNOWN),
    ] {
        assert_eq!(
            media_type(head),
            expected,
            "{:?}",
            String::from_utf8_lossy(head)
        );
    }
}

proptest! {
    #[test]
    fn no_first_bytes_are_too_strange(
        magic in prop::sample::select(vec![
            &b""[..], b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"RIFF", b"%PDF", b"\0\0\0\x20ftyp",
            b"<?xml", b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0\0\0\0\0_rels/.rels",
        ]),
        rest in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        media_type(&[magic, &rest].concat());
    }
}
