//! One way to say a thing, out of Personio's many.
//!
//! | Personio sends | the record says |
//! | --- | --- |
//! | `null`, `""`, blank, and for an object also `[]` | `null` |
//! | no list: `null`, `""`, `[]` | `[]` |
//! | `"2014-11-09T00:00:00+01:00"` for a date | `"2014-11-09"`: midnight in somebody's zone; UTC would be a day early |
//! | `"40"` for a number | `40` |
//! | `"A,B"` or `"[\"A\",\"B\"]"` or `["A","B"]` for tags | `["A","B"]` |
//! | `{"type": …, "attributes": {"id": 7, "name": "IT"}}` | `{"id": 7, "name": "IT"}` |
//!
//! What fits none of this is passed on: text as it came, an object as `{}`. The host's check against the
//! schema then fails this one record and names the attribute; to leave it out would hide for good that
//! changes no longer arrive.

use std::fmt::Write as _;

use crate::raw::Raw;

/// How an attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The employee's own identifier.
    Id,
    /// Text, or null.
    Text,
    /// Text of a known vocabulary, to which others may be added at any time.
    Choice(&'static [&'static str]),
    /// `YYYY-MM-DD`, or null.
    Date,
    /// Date, time and zone as they came, or null.
    Moment,
    /// A number, or null.
    Number,
    /// `{"id", "first_name", "last_name"}`, the names where they came, or null.
    Person,
    /// `{"id", "name"}`, or null.
    Named,
    /// `{"id", "name", "monday", …}`, or null.
    Schedule,
    /// A list of `{"id", "name", "percentage"}`.
    CostCenters,
    /// An attribute that an account made up: what it is comes with it.
    Custom,
}

impl Kind {
    /// By the attribute's key.
    pub(crate) fn of(key: &str) -> Self {
        match key {
            "id" => Self::Id,
            "first_name" | "last_name" | "preferred_name" | "email" | "position"
            | "termination_type" | "termination_reason" => Self::Text,
            "gender" => Self::Choice(&["male", "female", "diverse"]),
            "status" => Self::Choice(&["onboarding", "active", "leave", "inactive"]),
            "employment_type" => Self::Choice(&["internal", "external"]),
            "hire_date"
            | "contract_end_date"
            | "termination_date"
            | "date_of_birth"
            | "last_working_day"
            | "probation_period_end" => Self::Date,
            "created_at" | "last_modified_at" => Self::Moment,
            "weekly_working_hours" => Self::Number,
            "supervisor" => Self::Person,
            "department" | "office" | "subcompany" | "team" | "holiday_calendar" => Self::Named,
            "work_schedule" => Self::Schedule,
            "cost_centers" => Self::CostCenters,
            _ => Self::Custom,
        }
    }
}

/// Writes values as JSON.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// What has been written.
    pub(crate) out: String,
    /// The most minutes west of Greenwich that a time had.
    pub(crate) west: u16,
}

impl Writer {
    /// With room for this many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self {
            out: String::with_capacity(bytes),
            west: 0,
        }
    }

    /// Writes the value of an attribute; `of` is Personio's own type of it.
    pub(crate) fn value(&mut self, kind: Kind, value: &Raw<'_>, of: &str) {
        match kind {
            Kind::Id | Kind::Text => self.text(value),
            Kind::Choice(known) => self.choice(known, value),
            Kind::Date => self.date(value),
            Kind::Moment => {
                self.look_west(value);
                self.text(value);
            }
            Kind::Number => self.number(value),
            Kind::Person => self.person(object(value)),
            Kind::Named => self.object(value, &[], None),
            Kind::Schedule => self.object(value, &DAYS, None),
            Kind::CostCenters => {
                self.list(items(value), |writer, item| {
                    writer.object(item, &[], Some("percentage"))
                });
            }
            Kind::Custom => self.custom(value, of),
        }
    }

    fn custom(&mut self, value: &Raw<'_>, of: &str) {
        let is = |name: &str| of.eq_ignore_ascii_case(name);
        if is("tags") {
            self.tags(value);
        } else if is("date") {
            self.date(value);
        } else if is("integer") || is("decimal") {
            self.number(value);
        } else {
            match value {
                Raw::Bool(value) => self.put(format_args!("{value}")),
                Raw::Whole(_) | Raw::Number(_) => self.number(value),
                _ => self.text(value),
            }
        }
    }

    fn text(&mut self, value: &Raw<'_>) {
        match value {
            Raw::Null => self.null(),
            Raw::Text(text) if text.trim().is_empty() => self.null(),
            Raw::Text(text) => self.string(text),
            Raw::Whole(number) => self.put(format_args!("\"{number}\"")),
            Raw::Number(number) => self.put(format_args!("\"{number}\"")),
            Raw::Bool(value) => self.put(format_args!("\"{value}\"")),
            Raw::List(list) if list.is_empty() => self.null(),
            Raw::List(list) => self.list(list, Self::text),
            Raw::Object(_) => match object(value).field("name").and_then(Raw::text) {
                Some(name) => self.string(name),
                None => self.out.push_str("{}"),
            },
        }
    }

    fn choice(&mut self, known: &[&str], value: &Raw<'_>) {
        let text = value.text().unwrap_or_default().trim();
        match known.iter().find(|known| known.eq_ignore_ascii_case(text)) {
            Some(known) => self.string(known),
            None => self.text(value),
        }
    }

    fn date(&mut self, value: &Raw<'_>) {
        self.look_west(value);
        match value.text().map(str::trim) {
            Some(text) => self.string(day(text).unwrap_or(text)),
            None => self.text(value),
        }
    }

    fn number(&mut self, value: &Raw<'_>) {
        match (value, value.number()) {
            (Raw::Whole(number), _) => self.put(format_args!("{number}")),
            (_, Some(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
                self.put(format_args!("{}", number as i64));
            }
            (_, Some(number)) => self.put(format_args!("{}", serde_json::Value::from(number))),
            (_, None) => self.text(value),
        }
    }

    fn tags(&mut self, value: &Raw<'_>) {
        let Some(text) = value.text() else {
            return self.list(items(value), Self::text);
        };
        let encoded: Option<Vec<String>> = text
            .trim_start()
            .starts_with('[')
            .then(|| serde_json::from_str(text).ok())
            .flatten();
        let mut tags: Vec<Raw<'_>> = match encoded {
            Some(tags) => tags.into_iter().map(|tag| Raw::Text(tag.into())).collect(),
            None => text.split(',').map(|tag| Raw::Text(tag.into())).collect(),
        };
        for tag in &mut tags {
            if let Raw::Text(text) = tag {
                *text = text.trim().to_owned().into();
            }
        }
        self.list(&tags, Self::text);
    }

    /// Somebody without an identifier is nobody.
    fn person(&mut self, value: &Raw<'_>) {
        let Some(id) = id(value) else {
            return self.null();
        };
        self.put(format_args!("{{\"id\":{id}"));
        for field in ["first_name", "last_name"] {
            if let Some(name) = value.field(field) {
                self.put(format_args!(",\"{field}\":"));
                self.text(plain(name));
            }
        }
        self.out.push('}');
    }

    /// An object of identifier and name, of the texts named, and of one number. Without identifier and
    /// name it is null.
    fn object(&mut self, value: &Raw<'_>, texts: &[&str], number: Option<&str>) {
        let value = object(value);
        let id = id(value);
        let name = value.field("name").map(plain).unwrap_or(value).text();
        // Somebody's identifier as bare text is taken for one, not for a name.
        let name = name.filter(|_| id.is_none() || matches!(value, Raw::Object(_)));
        if id.is_none() && name.is_none() {
            return self.null();
        }
        match id {
            Some(id) => self.put(format_args!("{{\"id\":{id},\"name\":")),
            None => self.out.push_str("{\"id\":null,\"name\":"),
        }
        match name {
            Some(name) => self.string(name),
            None => self.null(),
        }
        for field in texts {
            if let Some(text) = value.field(field) {
                self.put(format_args!(",\"{field}\":"));
                self.text(plain(text));
            }
        }
        if let Some(field) = number
            && let Some(number) = value.field(field)
        {
            self.put(format_args!(",\"{field}\":"));
            self.number(plain(number));
        }
        self.out.push('}');
    }

    /// A list without the nulls.
    fn list(&mut self, list: &[Raw<'_>], item: impl Fn(&mut Self, &Raw<'_>)) {
        self.out.push('[');
        let begin = self.out.len();
        for value in list {
            let before = self.out.len();
            if before > begin {
                self.out.push(',');
            }
            let at = self.out.len();
            item(self, value);
            if &self.out[at..] == "null" {
                self.out.truncate(before);
            }
        }
        self.out.push(']');
    }

    fn look_west(&mut self, value: &Raw<'_>) {
        if let Raw::Text(text) = value {
            self.west = self.west.max(west(text));
        }
    }

    fn string(&mut self, text: &str) {
        if text
            .bytes()
            .any(|byte| byte < b' ' || byte == b'"' || byte == b'\\')
        {
            self.put(format_args!("{}", serde_json::Value::from(text)));
        } else {
            self.out.push('"');
            self.out.push_str(text);
            self.out.push('"');
        }
    }

    fn null(&mut self) {
        self.out.push_str("null");
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into a String cannot fail.
        let _ = self.out.write_fmt(text);
    }
}

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// The fields of an object: its `attributes` where it has any, or of the first in a list.
fn object<'r, 'de>(value: &'r Raw<'de>) -> &'r Raw<'de> {
    match value {
        Raw::Object(_) => match value.field("attributes") {
            Some(inner @ Raw::Object(_)) => inner,
            _ => value,
        },
        Raw::List(list) => list.first().map_or(&Raw::Null, object),
        _ => value,
    }
}

/// Within an employee each field is an attribute again, `{"value": …}`; elsewhere it is the value.
fn plain<'r, 'de>(value: &'r Raw<'de>) -> &'r Raw<'de> {
    value.field("value").unwrap_or(value)
}

fn id(object: &Raw<'_>) -> Option<u64> {
    match object {
        Raw::Object(_) => plain(object.field("id")?).whole(),
        bare => bare.whole(),
    }
}

/// The items of a list; one thing alone is a list of one.
fn items<'r, 'de>(value: &'r Raw<'de>) -> &'r [Raw<'de>] {
    match value {
        Raw::List(list) => list,
        Raw::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// The first ten characters, if they are digits where a date has digits.
fn day(text: &str) -> Option<&str> {
    let day = text.get(..10)?;
    let shaped = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    shaped.then_some(day)
}

/// The minutes of an offset such as `-08:00` at the end; 0 for one to the east, or for none.
pub(crate) fn west(text: &str) -> u16 {
    let offset = text.get(19..).unwrap_or_default();
    // Fractions of a second may come before it.
    let Some((_, offset)) = offset.split_once('-') else {
        return 0;
    };
    let parsed = offset.split_once(':').and_then(|(hours, minutes)| {
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours <= 12 && minutes < 60).then_some(hours * 60 + minutes)
    });
    parsed.unwrap_or(0)
}
