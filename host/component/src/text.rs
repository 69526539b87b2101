//! Texts that come from a component, made fit for an owner's eyes and for logs.
//!
//! A connector handles personnel files, and its author cannot be relied on to keep them out of panic
//! messages and log lines. What is taken out here is what can be recognised: e-mail addresses, and, in
//! panics, everything in double quotes, since that is how Rust formats the value that surprised it.

use crate::limits::MESSAGE;

/// At most `limit` bytes, cut between characters, with `…` where something is missing.
pub(crate) fn cut(text: impl Into<String>, limit: usize) -> String {
    let mut text = text.into();
    if text.len() > limit {
        let room = limit.saturating_sub('…'.len_utf8());
        text.truncate(text.floor_char_boundary(room));
        text.push('…');
    }
    text
}

/// One line without control characters and e-mail addresses.
pub(crate) fn scrub(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let mut line = String::with_capacity(text.len());
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        if is_address(word) {
            line.push_str("<e-mail>");
        } else {
            line.push_str(word);
        }
    }
    line
}

fn is_address(word: &str) -> bool {
    word.match_indices('@').any(|(at, _)| {
        let before = word[..at].chars().next_back();
        let after = word[at + 1..].chars().next();
        before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
    })
}

/// What a Rust panic says on standard error, as one line: where, and the message without values.
pub(crate) fn panic(stderr: &str) -> Option<String> {
    const MARK: &str = "panicked at ";
    let text = &stderr[stderr.rfind(MARK)? + MARK.len()..];
    let (place, message) = text.split_once('\n').unwrap_or((text, ""));
    let message: Vec<_> = message
        .lines()
        .take_while(|line| !line.starts_with("note: run with"))
        .collect();
    let message = scrub(&unquoted(&message.join(" ")));
    let place = short(place.trim_end().trim_end_matches(':'));
    Some(cut(format!("panicked at {place}: {message}"), MESSAGE / 2))
}

/// The last parts of an absolute path: the rest is about the machine that built the component.
fn short(place: &str) -> String {
    if !place.starts_with('/') {
        return scrub(place);
    }
    let parts: Vec<_> = place.split('/').collect();
    scrub(&parts[parts.len().saturating_sub(4)..].join("/"))
}

/// With `"…"` for everything in double quotes; an escaped quote does not end them.
fn unquoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                result.push_str(if quoted { "\"" } else { "\"…" });
                quoted = !quoted;
            }
            '\\' if quoted => drop(characters.next()),
            _ if quoted => {}
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(cut("äöü", 6), "äöü");
        assert_eq!(cut("äöüß", 6), "ä…");
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn takes_out_addresses_and_control_characters() {
        assert_eq!(
            scrub("refused\u{1b}[31m for <ada@example.com>,\r\nsee user@ and @home"),
            "refused [31m for <e-mail> see user@ and @home"
        );
    }

    #[test]
    fn a_panic_is_told_without_the_values() {
        let stderr = "reading\n\nthread '<unnamed>' (1) panicked at src/lib.rs:7:9:\n\
            called `Result::unwrap()` on an `Err` value: Error(\"no \\\"Ada\\\" here\", line: 1)\n\
            note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        assert_eq!(
            panic(stderr).unwrap(),
            "panicked at src/lib.rs:7:9: called `Result::unwrap()` on an `Err` value: \
             Error(\"…\", line: 1)"
        );
        assert_eq!(panic("all is well"), None);
    }

    #[test]
    fn the_builder_s_home_folder_is_not_told() {
        let stderr =
            "panicked at /home/ada/.cargo/registry/src/index/serde-1.0/src/value.rs:1:2:\nno";
        assert_eq!(
            panic(stderr).unwrap(),
            "panicked at index/serde-1.0/src/value.rs:1:2: no"
        );
    }
}
