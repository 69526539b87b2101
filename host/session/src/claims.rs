//! What a token says, once its signature has been believed, and whether it may say so.
//!
//! Claims are taken one by one and not deserialised as a whole: an error then names the claim and never
//! quotes its value, which may be somebody's name.

use std::collections::BTreeSet;

use jiff::Timestamp;
use matricula_core::Person;
use serde_json::{Map, Value};
use url::Url;

use crate::error::{Reason, SessionError};
use crate::session::{Locale, Role};

/// How far the clocks of signer and server may differ, in seconds.
pub(crate) const SKEW: i64 = 60;
/// How long a token may live, in seconds.
pub(crate) const LIFE: i64 = 10 * 60;

/// The longest `tenant`, `sub`, `name` and `organization`, in characters.
pub(crate) const NAME: usize = 200;
/// The longest address of a mailbox.
const EMAIL: usize = 254;

/// The claims of a token, well-formed and within their time.
pub(crate) struct Claims {
    pub(crate) tenant: String,
    pub(crate) subject: String,
    pub(crate) role: Role,
    pub(crate) locale: Locale,
    pub(crate) person: Person,
    pub(crate) organization: Option<String>,
    pub(crate) flows: Option<BTreeSet<String>>,
    pub(crate) expires_at: Timestamp,
    /// When somebody signed in; only in tokens of the local sign-in.
    pub(crate) signed_in_at: Option<Timestamp>,
}

impl Claims {
    /// Reads the claims of a token whose signature was right.
    pub(crate) fn read(
        claims: &Map<String, Value>,
        audience: &str,
        now: Timestamp,
    ) -> Result<Self, SessionError> {
        if !is_meant_for(claims, audience)? {
            return Err(Reason::Audience.into());
        }
        let expires_at = in_time(claims, now)?;
        let subject = required(claims, "sub")?;
        let name = optional(claims, "name", NAME)?;
        let email = optional(claims, "email", EMAIL)?;
        Ok(Self {
            tenant: required(claims, "tenant")?,
            role: role(claims)?,
            locale: optional(claims, "locale", 35)?
                .map_or_else(Locale::default, |tag| Locale::of(&tag)),
            person: Person {
                name: name
                    .or_else(|| email.clone())
                    .unwrap_or_else(|| subject.clone()),
                email,
                picture: picture(claims)?,
            },
            subject,
            organization: optional(claims, "organization", NAME)?,
            flows: flows(claims)?,
            expires_at,
            signed_in_at: date(claims, "auth_time")?,
        })
    }
}

fn wrong(claim: &'static str, problem: &'static str) -> Reason {
    Reason::Claim { claim, problem }
}

fn is_meant_for(claims: &Map<String, Value>, audience: &str) -> Result<bool, Reason> {
    match claims.get("aud") {
        Some(Value::String(one)) => Ok(one == audience),
        Some(Value::Array(several)) => Ok(several.iter().any(|one| one == audience)),
        None => Err(wrong("aud", "is missing")),
        Some(_) => Err(wrong("aud", "is neither a text nor a list")),
    }
}

/// Checks `exp`, `iat` and `nbf`; gives the end.
fn in_time(claims: &Map<String, Value>, now: Timestamp) -> Result<Timestamp, SessionError> {
    let missing = |claim| wrong(claim, "is missing");
    let expires = date(claims, "exp")?.ok_or(missing("exp"))?;
    let issued = date(claims, "iat")?.ok_or(missing("iat"))?;
    let begins = date(claims, "nbf")?;
    let life = expires.as_second() - issued.as_second();
    if life <= 0 {
        return Err(wrong("exp", "is not after iat").into());
    }
    if life > LIFE {
        return Err(Reason::LongLived.into());
    }
    let latest = now.as_second() + SKEW;
    if issued.as_second() > latest {
        return Err(Reason::Early("iat").into());
    }
    if begins.is_some_and(|begins| begins.as_second() > latest) {
        return Err(Reason::Early("nbf").into());
    }
    if is_over(expires, now) {
        return Err(SessionError::Expired);
    }
    Ok(expires)
}

/// Whether a token that ends at `expires` is no longer taken.
pub(crate) fn is_over(expires: Timestamp, now: Timestamp) -> bool {
    now.as_second() >= expires.as_second() + SKEW
}

/// A moment as seconds since 1970. Some libraries write fractions, which are cut off.
fn date(claims: &Map<String, Value>, claim: &'static str) -> Result<Option<Timestamp>, Reason> {
    let Some(value) = claims.get(claim).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let problem = wrong(claim, "is no number of seconds since 1970");
    let second = match (value.as_i64(), value.as_f64()) {
        (Some(second), _) => second,
        #[expect(
            clippy::cast_possible_truncation,
            reason = "within the range in which seconds are exact, and the fraction is to be cut off"
        )]
        (None, Some(second)) if (0.0..1e12).contains(&second) => second as i64,
        _ => return Err(problem),
    };
    Timestamp::from_second(second)
        .map(Some)
        .map_err(|_| problem)
}

fn required(claims: &Map<String, Value>, claim: &'static str) -> Result<String, Reason> {
    match claims.get(claim) {
        Some(Value::String(text)) if text.is_empty() => Err(wrong(claim, "is empty")),
        Some(Value::String(text)) => checked(claim, text, NAME),
        None => Err(wrong(claim, "is missing")),
        Some(_) => Err(wrong(claim, "is not a text")),
    }
}

/// A text that may be missing; `null` and an empty one count as missing.
fn optional(
    claims: &Map<String, Value>,
    claim: &'static str,
    longest: usize,
) -> Result<Option<String>, Reason> {
    match claims.get(claim) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => checked(claim, text, longest).map(Some),
        Some(_) => Err(wrong(claim, "is not a text")),
    }
}

fn checked(claim: &'static str, text: &str, longest: usize) -> Result<String, Reason> {
    if text.chars().nth(longest).is_some() {
        return Err(wrong(claim, "is too long"));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong(claim, "holds control characters"));
    }
    Ok(text.to_owned())
}

fn role(claims: &Map<String, Value>) -> Result<Role, Reason> {
    match claims.get("role").map(Value::as_str) {
        Some(Some("owner")) => Ok(Role::Owner),
        Some(Some("viewer")) => Ok(Role::Viewer),
        None => Err(wrong("role", "is missing")),
        Some(_) => Err(wrong("role", "is neither owner nor viewer")),
    }
}

/// A picture is shown in the page, whose policy allows these two kinds of address.
fn picture(claims: &Map<String, Value>) -> Result<Option<String>, Reason> {
    let Some(picture) = optional(claims, "picture", crate::token::LONGEST)? else {
        return Ok(None);
    };
    let fits = Url::parse(&picture).is_ok_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "data" => url.path().starts_with("image/"),
        _ => false,
    });
    if fits {
        Ok(Some(picture))
    } else {
        Err(wrong(
            "picture",
            "is neither an https nor a data:image address",
        ))
    }
}

/// What the tenant has bought. `null` is refused: one signer means *everything* by it, another *nothing*.
fn flows(claims: &Map<String, Value>) -> Result<Option<BTreeSet<String>>, Reason> {
    match claims.get("flows") {
        None => Ok(None),
        Some(Value::Array(flows)) => flows
            .iter()
            .map(|flow| flow.as_str().map(str::to_owned))
            .collect::<Option<BTreeSet<_>>>()
            .map(Some)
            .ok_or(wrong("flows", "is not a list of texts")),
        Some(_) => Err(wrong(
            "flows",
            "is not a list; leave it out where everything is bought",
        )),
    }
}
