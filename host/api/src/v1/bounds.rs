//! The bounds that the description of the API names, held to: of texts, and of how many there are of something.

use std::borrow::Cow;

use crate::problem::{FieldError, Problem};

/// What is out of bounds in a body, collected.
#[derive(Debug, Default)]
pub(crate) struct Bounds(Vec<FieldError>);

impl Bounds {
    /// A text of so many characters at least and at most.
    pub(crate) fn text(mut self, pointer: &str, text: &str, least: usize, most: usize) -> Self {
        if !(least..=most).contains(&text.chars().count()) {
            self.wrong(pointer, format!("expected {least} to {most} characters"));
        }
        self
    }

    /// The same, where there is one.
    pub(crate) fn optional(
        self,
        pointer: &str,
        text: Option<&str>,
        least: usize,
        most: usize,
    ) -> Self {
        match text {
            Some(text) => self.text(pointer, text, least, most),
            None => self,
        }
    }

    /// At most so many of something.
    pub(crate) fn count(mut self, pointer: &str, count: usize, most: usize) -> Self {
        if count > most {
            self.wrong(pointer, format!("expected at most {most}"));
        }
        self
    }

    fn wrong(&mut self, pointer: &str, message: impl Into<Cow<'static, str>>) {
        self.0.push(FieldError {
            pointer: pointer.to_owned(),
            code: "body.bounds".into(),
            message: message.into().into_owned(),
        });
    }

    /// Refuses if something was out of bounds.
    ///
    /// # Errors
    /// [`Problem::BODY_INVALID`].
    pub(crate) fn held(self) -> Result<(), Problem> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(Problem::BODY_INVALID.at(self.0)),
        }
    }
}

/// A parameter of an address of at most so many characters.
///
/// # Errors
/// [`Problem::QUERY_INVALID`].
pub(crate) fn parameter(name: &str, text: Option<&str>, most: usize) -> Result<(), Problem> {
    match text.is_some_and(|text| text.chars().count() > most) {
        true => Err(Problem::QUERY_INVALID.at(vec![FieldError {
            pointer: String::new(),
            code: "query.bounds".into(),
            message: format!("{name}: expected at most {most} characters"),
        }])),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_and_all_that_is_wrong_is_told() {
        let fits = Bounds::default().text("/a", "ääää", 1, 4).count("/b", 2, 2);
        assert!(fits.held().is_ok());
        let wrong = Bounds::default()
            .text("/a", "", 1, 4)
            .optional("/b", Some("12345"), 0, 4)
            .optional("/c", None, 1, 1);
        let problem = wrong.held().unwrap_err();
        let at: Vec<_> = problem.errors.iter().map(|e| e.pointer.as_str()).collect();
        assert_eq!(at, ["/a", "/b"]);
        assert!(parameter("search", Some("ab"), 1).is_err());
    }
}
