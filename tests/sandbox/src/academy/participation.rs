//! Participations and certificates in the academy's REST API.
//!
//! Their fields are documented, what a participation says of its certificate is not. The reading
//! taken, beside what `rest.rs` says of lists:
//! - A participation shows its certificate as an object, or null; `url` is the file's address, which
//!   wants the same token as everything else.
//! - The order is that in which people took part, not that of completion.
//! - `completedAtSince` means strictly after, takes a moment or a day, and leaves out who has not
//!   completed the course. `status` is a list by commas of `completed` and `started`.
//! - Revoking or replacing a certificate moves `updatedAt` and leaves `completedAt` as it is.

use hyper::StatusCode;
use hyper::header::CONTENT_DISPOSITION;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::certificates::{Issued, Participation, Register};
use super::rest::{self, DEFAULT_PAGE, LARGEST_PAGE};
use super::store::Store;
use crate::answer::{Answer, rest_error};
use crate::request::Call;
use crate::serve::Twist;
use crate::shared::Shared;

struct Query {
    limit: usize,
    page: usize,
    has_certificate: Option<bool>,
    since: Option<Timestamp>,
    customer: Option<String>,
    course: Option<String>,
    certificate: Option<String>,
    status: Option<Vec<String>>,
}

impl Query {
    fn read(call: &Call) -> Result<Self, String> {
        let mut query = Self {
            limit: DEFAULT_PAGE,
            page: 1,
            has_certificate: None,
            since: None,
            customer: None,
            course: None,
            certificate: None,
            status: None,
        };
        for (key, value) in call.query_pairs() {
            match (key.as_str(), value.parse::<usize>()) {
                ("limit", Ok(n @ 1..=LARGEST_PAGE)) => query.limit = n,
                ("page", Ok(n @ 1..)) => query.page = n,
                ("limit" | "page", _) => {
                    return Err(format!(
                        "{key} must be a number from 1 (limit: to {LARGEST_PAGE})"
                    ));
                }
                ("hasCertificate", _) => {
                    let given = value.parse();
                    let refusal = |_| "hasCertificate must be true or false".to_owned();
                    query.has_certificate = Some(given.map_err(refusal)?);
                }
                ("completedAtSince", _) => query.since = Some(since(&value)?),
                ("customerIdentifier", _) => query.customer = Some(value),
                ("courseId", _) => query.course = Some(value),
                ("customerCertificateId", _) => query.certificate = Some(value),
                ("status", _) => {
                    query.status = Some(value.split(',').map(|s| s.trim().to_owned()).collect());
                }
                _ => {}
            }
        }
        Ok(query)
    }

    fn fits(&self, p: &Participation, register: &Register) -> bool {
        let certificate = p.certificate.as_ref();
        self.has_certificate
            .is_none_or(|has| has == certificate.is_some())
            && self
                .since
                .is_none_or(|since| p.completed.is_some_and(|at| at > since))
            && self
                .course
                .as_ref()
                .is_none_or(|id| register.course_id(p.course) == *id)
            && self
                .certificate
                .as_ref()
                .is_none_or(|id| certificate.is_some_and(|c| c.id == *id))
            && self
                .status
                .as_ref()
                .is_none_or(|list| list.iter().any(|s| s == status(p)))
    }
}

fn since(text: &str) -> Result<Timestamp, String> {
    let day = || {
        let day: Date = text.parse().ok().filter(|_| text.len() == 10)?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    let moment = text.parse().ok().or_else(day);
    moment.ok_or_else(|| "completedAtSince must be a valid ISO 8601 date string".to_owned())
}

fn status(participation: &Participation) -> &'static str {
    match participation.completed {
        Some(_) => "completed",
        None => "started",
    }
}

/// `GET /participation`.
pub(super) fn list(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    page(shared, call, twist, participation)
}

/// `GET /certificates`: the same list, of the certificates alone.
pub(super) fn certificates(shared: &Shared, call: &Call, twist: Twist) -> Answer {
    page(shared, call, twist, |register, store, p, slot| {
        let mut out = match &p.certificate {
            Some(issued) => certificate(register, issued),
            None => return Value::Null,
        };
        out["course"] = course(register, p);
        out["customer"] = customer(store, slot);
        out["completedAt"] = json!(p.completed);
        out
    })
}

fn page(
    shared: &Shared,
    call: &Call,
    twist: Twist,
    show: impl Fn(&Register, &Store, &Participation, usize) -> Value,
) -> Answer {
    let mut query = match Query::read(call) {
        Ok(query) => query,
        Err(message) => return rest_error(StatusCode::BAD_REQUEST, &message),
    };
    if call.path.contains("certificates") {
        query.has_certificate = Some(true);
    }
    shared.certificates.with(|register, store| {
        let only = query
            .customer
            .as_deref()
            .map(|id| rest::identified(store, id));
        let all = register.participations.iter();
        let found: Vec<(&Participation, usize)> = all
            .filter(|p| query.fits(p, register))
            .filter_map(|p| Some((p, register.account(p, store)?)))
            .filter(|(_, slot)| only.is_none_or(|only| only == Some(*slot)))
            .collect();
        let offset = (query.page - 1).saturating_mul(query.limit);
        let ranges = twist.window(offset, query.limit, found.len());
        let results: Vec<Value> = ranges
            .into_iter()
            .filter_map(|range| found.get(range))
            .flatten()
            .map(|(p, slot)| show(register, store, p, *slot))
            .collect();
        let body = json!({"resultCount": twist.total(found.len()), "results": results});
        Answer::json(StatusCode::OK, &body)
    })
}

/// `GET /participation/{id}`.
pub(super) fn one(shared: &Shared, id: &str) -> Answer {
    shared.certificates.with(|register, store| {
        let found = register.participations.iter().find(|p| p.id == id);
        match found.and_then(|p| Some((p, register.account(p, store)?))) {
            Some((p, slot)) => {
                Answer::json(StatusCode::OK, &participation(register, store, p, slot))
            }
            None => rest_error(StatusCode::NOT_FOUND, "Participation not found"),
        }
    })
}

/// `GET /certificates/{id}/file`.
pub(super) fn file(shared: &Shared, id: &str) -> Answer {
    shared.certificates.with(|register, _| {
        let place = register.place(id);
        let of = place.and_then(|place| register.participations.get(place));
        let issued = of.and_then(|p| Some((p, p.certificate.as_ref()?)));
        match (issued, place.and_then(|place| register.file(place))) {
            (Some((p, issued)), Some(file)) => {
                let name = format!("{} {}.pdf", register.course(p.course), issued.number);
                let disposition = format!(
                    "attachment; filename=\"certificate-{}.pdf\"; filename*=UTF-8''{}",
                    issued.number,
                    encoded(&name)
                );
                Answer::file("application/pdf", file).header(CONTENT_DISPOSITION, &disposition)
            }
            _ => rest_error(StatusCode::NOT_FOUND, "Certificate file not found"),
        }
    })
}

fn participation(register: &Register, store: &Store, p: &Participation, slot: usize) -> Value {
    let done = p.completed.is_some();
    json!({
        "id": p.id,
        "externalId": null,
        "status": status(p),
        "progress": if done { 100 } else { 60 },
        "isRequired": p.course.is_multiple_of(2),
        "invitedAt": p.started,
        "invitationAcceptedAt": p.started,
        "joinedAt": p.started,
        "startedAt": p.started,
        "completedAt": p.completed,
        "deadline": null,
        "updatedAt": p.updated,
        "timeSpentToComplete": if done { json!(2_700) } else { Value::Null },
        "acceptedCompleteConfirmationText": null,
        "course": course(register, p),
        "customer": customer(store, slot),
        "certificate": p.certificate.as_ref().map(|c| certificate(register, c)),
    })
}

fn course(register: &Register, p: &Participation) -> Value {
    json!({"id": register.course_id(p.course), "name": register.course(p.course)})
}

/// The account in short.
fn customer(store: &Store, slot: usize) -> Value {
    let whole = rest::record(store, slot);
    let keys = [
        "id",
        "externalId",
        "userName",
        "email",
        "firstName",
        "lastName",
    ];
    keys.into_iter()
        .map(|key| (key.to_owned(), whole.get(key).cloned().unwrap_or_default()))
        .collect()
}

fn certificate(register: &Register, issued: &Issued) -> Value {
    json!({
        "id": issued.id,
        "number": issued.number,
        "url": format!("{}/certificates/{}/file", register.base, issued.id),
        "issuedAt": issued.issued,
        "expiresAt": issued.expires,
        "revokedAt": issued.revoked,
        "replacedBy": issued.replaced_by,
    })
}

/// Percent-encodes what a header's extended parameter cannot carry.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
