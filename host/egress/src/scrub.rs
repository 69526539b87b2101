//! Secrets are removed from whatever goes back to a component.
//!
//! A remote may echo what it was sent. Every secret value and every token of the session is searched
//! for, as it is and as a form, an address, a JSON text or a Basic header would write it. An exact
//! search has no false positives worth the name, as long as the value is long: values of 16 bytes and
//! more are removed everywhere; shorter ones (from 6 on) only from headers, from error texts and from
//! the bodies of failures up to 64 KiB, because a password such as `Sommer` may well be a word in
//! somebody's data.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use matricula_core::egress::SendError;
use memchr::memmem;
use zeroize::Zeroizing;

/// What stands where a secret was.
const REMOVED: &[u8] = b"[removed]";

/// No text shorter than this is searched for.
const SHORTEST: usize = 6;

/// From this length on a value does not occur by chance.
const UNMISTAKABLE: usize = 16;

/// The largest body of a failure that is searched for short values.
const FAILURE_BODY: usize = 64 * 1024;

/// How many texts of former tokens are remembered: a late answer may still hold one.
const TOKENS: usize = 32;

type Needle = Zeroizing<Vec<u8>>;

/// The secrets of one session.
#[derive(Default)]
pub(crate) struct Scrubber {
    fixed: Vec<Needle>,
    tokens: RwLock<VecDeque<Needle>>,
}

impl Scrubber {
    /// Searches for a value of the credential.
    pub(crate) fn add(&mut self, secret: &str) {
        for needle in forms(secret) {
            if !self.fixed.contains(&needle) {
                self.fixed.push(needle);
            }
        }
    }

    /// Searches for a Basic header.
    pub(crate) fn add_basic(&mut self, user: &str, password: &str) {
        let pair = Zeroizing::new(format!("{user}:{password}"));
        self.add(&Zeroizing::new(STANDARD.encode(pair.as_bytes())));
    }

    /// Searches for a token, until many others have followed it.
    pub(crate) fn add_token(&self, token: &str) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        for needle in forms(token) {
            if !tokens.contains(&needle) {
                tokens.push_back(needle);
            }
        }
        while tokens.len() > TOKENS {
            tokens.pop_front();
        }
    }

    /// A header's value or an error's text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        match self.remove(text.as_bytes(), SHORTEST) {
            Some(clean) => String::from_utf8_lossy(&clean).into_owned(),
            None => text.to_owned(),
        }
    }

    /// A body without secrets.
    pub(crate) fn body(&self, status: u16, body: Bytes) -> Bytes {
        let failure = status >= 400 && body.len() <= FAILURE_BODY;
        let shortest = if failure { SHORTEST } else { UNMISTAKABLE };
        self.remove(&body, shortest).map_or(body, Bytes::from)
    }

    /// An error without secrets.
    pub(crate) fn error(&self, error: SendError) -> SendError {
        use SendError as E;
        match error {
            E::OriginNotAllowed(text) => E::OriginNotAllowed(self.text(&text)),
            E::AddressBlocked(text) => E::AddressBlocked(self.text(&text)),
            E::TooLarge(text) => E::TooLarge(self.text(&text)),
            E::BudgetExhausted(text) => E::BudgetExhausted(self.text(&text)),
            E::Timeout => E::Timeout,
            E::Connect(text) => E::Connect(self.text(&text)),
            E::Tls(text) => E::Tls(self.text(&text)),
            E::Unauthenticated(text) => E::Unauthenticated(self.text(&text)),
            E::Interrupted(text) => E::Interrupted(self.text(&text)),
        }
    }

    fn remove(&self, text: &[u8], shortest: usize) -> Option<Vec<u8>> {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let mut clean: Option<Vec<u8>> = None;
        for needle in self
            .fixed
            .iter()
            .chain(tokens.iter())
            .filter(|n| n.len() >= shortest)
        {
            let text = clean.as_deref().unwrap_or(text);
            if let Some(replaced) = replace(text, needle) {
                clean = Some(replaced);
            }
        }
        clean
    }
}

/// The ways to write a secret.
fn forms(secret: &str) -> Vec<Needle> {
    let mut forms = vec![Zeroizing::new(secret.as_bytes().to_vec())];
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.get(1..json.len() - 1).unwrap_or_default();
    for other in [
        form.replace('+', "%20"),
        form,
        json.to_owned(),
        // As PHP and others write it: every slash escaped.
        json.replace('/', "\\/"),
    ] {
        let other = Zeroizing::new(other.into_bytes());
        if !forms.contains(&other) {
            forms.push(other);
        }
    }
    forms.retain(|needle| needle.len() >= SHORTEST);
    forms
}

fn replace(text: &[u8], needle: &[u8]) -> Option<Vec<u8>> {
    let finder = memmem::Finder::new(needle);
    let mut clean = Vec::new();
    let mut copied = 0;
    for at in finder.find_iter(text) {
        clean.extend_from_slice(&text[copied..at]);
        clean.extend_from_slice(REMOVED);
        copied = at + needle.len();
    }
    if copied == 0 {
        return None;
    }
    clean.extend_from_slice(&text[copied..]);
    Some(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber() -> Scrubber {
        let mut scrubber = Scrubber::default();
        scrubber.add("p/4 \"quoted\" & long enough");
        scrubber.add("Sommer");
        scrubber.add("abc");
        scrubber.add_basic("ada", "Sommer");
        scrubber.add_token("papi-0123456789abcdef");
        scrubber
    }

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let scrubber = scrubber();
        for text in [
            "x p/4 \"quoted\" & long enough y",
            "x p%2F4+%22quoted%22+%26+long+enough y",
            "x p%2F4%20%22quoted%22%20%26%20long%20enough y",
            r#"x p/4 \"quoted\" & long enough y"#,
            r#"x p\/4 \"quoted\" & long enough y"#,
            "x YWRhOlNvbW1lcg== y",
            "x papi-0123456789abcdef y",
        ] {
            assert_eq!(scrubber.text(text), "x [removed] y", "{text}");
        }
        assert_eq!(scrubber.text("SommerSommer"), "[removed][removed]");
        assert_eq!(
            scrubber.text("abc stays: too short to be told from a word"),
            "abc stays: too short to be told from a word"
        );
    }

    #[test]
    fn a_short_secret_does_not_change_data() {
        let scrubber = scrubber();
        let body = Bytes::from_static(b"{\"last_name\":\"Sommer\"}");
        assert_eq!(scrubber.body(200, body.clone()), body);
        assert_eq!(scrubber.body(400, body), "{\"last_name\":\"[removed]\"}");
        let large = Bytes::from([&[b'x'; FAILURE_BODY][..], b"Sommer"].concat());
        assert_eq!(scrubber.body(500, large.clone()), large);
        let echoed = Bytes::from_static(b"{\"token\":\"papi-0123456789abcdef\"}");
        assert_eq!(scrubber.body(200, echoed), "{\"token\":\"[removed]\"}");
    }

    #[test]
    fn bytes_that_are_no_text_survive() {
        let body = Bytes::from(vec![0xff, 0x00, 0xfe]);
        assert_eq!(scrubber().body(500, body.clone()), body);
    }

    #[test]
    fn former_tokens_are_forgotten_in_the_end() {
        let scrubber = scrubber();
        for number in 0..100 {
            scrubber.add_token(&format!("papi-{number:016}"));
        }
        assert_eq!(scrubber.tokens.read().unwrap().len(), TOKENS);
        assert_eq!(scrubber.text("papi-0000000000000099"), "[removed]");
    }
}
