//! Questions for lists, held against the `OpenAPI` file.

use jiff::Timestamp;

use super::{Outcome, invalid};
use crate::request::Call;

pub(super) struct Query {
    pub cursor: Option<String>,
    pub size: usize,
    pub updated_after: Option<Timestamp>,
    pub include_deleted: bool,
    pub ids: Option<Vec<String>>,
    pub work_emails: Option<Vec<String>>,
    pub types: Option<Vec<String>>,
}

/// Parameters that every list has.
const COMMON: [&str; 7] = [
    "cursor",
    "page_size",
    "updated_after",
    "include_deleted",
    "ignore_unsupported_filters",
    "ids",
    "remote_ids",
];

impl Query {
    /// Reads a question with the common parameters and `more`.
    pub(super) fn read(call: &Call, more: &[&str]) -> Outcome<Self> {
        let mut query = Self {
            cursor: None,
            size: 100,
            updated_after: None,
            include_deleted: false,
            ids: None,
            work_emails: None,
            types: None,
        };
        for (key, value) in call.query_pairs() {
            if !COMMON.contains(&key.as_str()) && !more.contains(&key.as_str()) {
                return Err(invalid(format!("Unrecognized key: {key}")));
            }
            let list = || Some(value.split(',').map(str::to_owned).collect());
            match key.as_str() {
                "cursor" => query.cursor = Some(value),
                "page_size" => match value.parse() {
                    Ok(size @ 1..=250) => query.size = size,
                    _ => return Err(invalid("page_size must be between 1 and 250")),
                },
                "updated_after" => query.updated_after = Some(moment(&value)?),
                "include_deleted" => query.include_deleted = flag(&value)?,
                "ignore_unsupported_filters" => {
                    flag(&value)?;
                }
                "ids" => query.ids = list(),
                "work_emails" => query.work_emails = list(),
                "types" => query.types = list(),
                _ => return Err(invalid(format!("{key} is not faked"))),
            }
        }
        Ok(query)
    }
}

fn flag(value: &str) -> Outcome<bool> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid("a flag is either \"true\" or \"false\"")),
    }
}

/// `YYYY-MM-DDTHH:mm:ss.sssZ`, as the file's pattern has it: the time, its fraction and the Z may be left out.
fn moment(text: &str) -> Outcome<Timestamp> {
    let plain = text.strip_suffix('Z').unwrap_or(text);
    let whole = if plain.len() == 10 {
        format!("{plain}T00:00:00Z")
    } else {
        format!("{plain}Z")
    };
    whole
        .parse()
        .map_err(|_| invalid("updated_after has another form than YYYY-MM-DDTHH:mm:ss.sssZ"))
}
