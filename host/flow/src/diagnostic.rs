//! What is wrong with a file: where, why, and what was probably meant.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file, as the caller named it.
    pub file: String,
    /// Counts from 1.
    pub line: usize,
    /// In characters; counts from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The line, and below it a caret under what the message is about.
    pub excerpt: String,
}

/// Everything that is wrong with a file, by position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts by position and leaves out what is said twice.
    pub(crate) fn sorted(mut self) -> Self {
        self.0
            .sort_by(|a, b| (a.line, a.column, &a.message).cmp(&(b.line, b.column, &b.message)));
        self.0.dedup();
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        f.write_str(&self.excerpt)?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  = {hint}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, diagnostic) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n\n")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}
impl std::error::Error for Diagnostics {}

/// The known name that is nearest to a misspelt one, if any is near enough to be what was meant.
pub(crate) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, candidate)| {
            *distance <= 1 + name.chars().count().min(candidate.chars().count()) / 4
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The hint for a misspelt name: the nearest one, else the list of all where it is short.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let known: Vec<&str> = known.into_iter().collect();
    if let Some(candidate) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean \"{candidate}\"?"));
    }
    match known.as_slice() {
        [] => None,
        [only] => Some(format!("there is only \"{only}\"")),
        few if few.len() <= 12 => Some(format!("there are {}", few.join(", "))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_must_be_near() {
        let known = ["hire_date", "status", "contract_end_date"];
        assert_eq!(nearest("hire_dat", known), Some("hire_date"));
        assert_eq!(nearest("HireDate", known), Some("hire_date"));
        assert_eq!(nearest("contract_end", known), None);
        assert_eq!(nearest("salary", known), None);
        assert_eq!(nearest("sttaus", known), Some("status"));
    }

    #[test]
    fn without_a_near_name_a_short_list_helps() {
        assert_eq!(
            did_you_mean("x", ["block", "keep"]).unwrap(),
            "there are block, keep"
        );
        assert_eq!(did_you_mean("x", []), None);
    }
}
