//! Faults on demand: which requests are hit, and by what.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use crate::lock;
use crate::rng::Rng;
use crate::system::System;

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// 429, with `Retry-After` in seconds if given.
    TooManyRequests(Option<u64>),
    /// This status with the system's own kind of error body (500, 503, 401, …).
    Status(u16),
    /// 502 with a gateway's HTML page.
    HtmlError,
    /// 200 with no body at all.
    EmptyBody,
    /// 200 with `{"success":false,"error":…}`.
    SuccessFalse,
    /// The headers and half the body are sent, then the connection is reset (RST).
    ResetMidBody,
    /// The headers and half the body are sent, then the connection is closed (FIN).
    TruncatedBody,
    /// The connection is closed before the request is handled.
    Disconnect,
    /// The connection is closed while the client sends: after so many bytes of the body. The request
    /// never arrives, so the journal does not have it; requests with smaller bodies are let through.
    CutUpload(u64),
    /// The request is handled, then the connection is closed without an answer.
    LostAnswer,
    /// The request is handled at once, its answer comes after this many milliseconds.
    Slow(u64),
    /// A page holds this many records fewer than it should; its announced total stays.
    ShortPage(usize),
    /// A page starts with the last record of the page before it, in addition to its own.
    DuplicateRecord,
    /// A page starts this many records too early: these come twice and as many are left out at its
    /// end, which is what an unstable order does to record offsets.
    ShiftedPage(usize),
    /// The announced total is wrong by this much.
    WrongTotal(i64),
    /// An answer of this many bytes, sent in chunks without an announced length.
    HugeBody(u64),
    /// 307 to this URL.
    Redirect(String),
    /// 200 with a body that is no JSON.
    Garbage,
}

impl FaultKind {
    /// The name used in the journal, in JSON and on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooManyRequests(_) => "too-many-requests",
            Self::Status(_) => "status",
            Self::HtmlError => "html-error",
            Self::EmptyBody => "empty-body",
            Self::SuccessFalse => "success-false",
            Self::ResetMidBody => "reset-mid-body",
            Self::TruncatedBody => "truncated-body",
            Self::Disconnect => "disconnect",
            Self::CutUpload(_) => "cut-upload",
            Self::LostAnswer => "lost-answer",
            Self::Slow(_) => "slow",
            Self::ShortPage(_) => "short-page",
            Self::DuplicateRecord => "duplicate-record",
            Self::ShiftedPage(_) => "shifted-page",
            Self::WrongTotal(_) => "wrong-total",
            Self::HugeBody(_) => "huge-body",
            Self::Redirect(_) => "redirect",
            Self::Garbage => "garbage",
        }
    }

    /// Whether the request is handled in any case: the fault spoils the answer, not the question.
    pub(crate) fn needs_handling(&self) -> bool {
        matches!(
            self,
            Self::ResetMidBody
                | Self::TruncatedBody
                | Self::LostAnswer
                | Self::Slow(_)
                | Self::ShortPage(_)
                | Self::DuplicateRecord
                | Self::ShiftedPage(_)
                | Self::WrongTotal(_)
        )
    }
}

/// A fault and the requests it hits. Conditions that are not given hold for every request.
///
/// On the command line: `KIND[=VALUE][,system=S][,method=M][,path=P][,nth=N][,every=N]
/// [,probability=F][,times=N][,handled]`, such as `too-many-requests=2,system=scim,every=50`. As
/// JSON: `{"kind":{"slow":250},"system":"scim","method":"PATCH","nth":3}`; a kind without a value is
/// a plain string, `too-many-requests` without `Retry-After` is `{"too-many-requests":null}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only requests to this system.
    #[serde(default)]
    pub system: Option<System>,
    /// Only requests with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path (without query) contains this.
    #[serde(default)]
    pub path: Option<String>,
    /// Only the n-th request that fits the above, counted from 1 since the fault was set.
    #[serde(default)]
    pub nth: Option<u64>,
    /// Only every n-th of them.
    #[serde(default)]
    pub every: Option<u64>,
    /// Only this share of them (0 to 1), drawn from the sandbox's seed.
    #[serde(default)]
    pub probability: Option<f64>,
    /// At most so many times.
    #[serde(default)]
    pub times: Option<u64>,
    /// Whether an error is answered although the request was handled: a gateway that gave up
    /// waiting. Faults that need the handling have it anyway.
    #[serde(default)]
    pub handled: bool,
}

impl Fault {
    /// A fault that hits every request.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            system: None,
            method: None,
            path: None,
            nth: None,
            every: None,
            probability: None,
            times: None,
            handled: false,
        }
    }

    /// Only requests to this system.
    #[must_use]
    pub fn system(mut self, system: System) -> Self {
        self.system = Some(system);
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose path contains this.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    /// Only the n-th request that fits, from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Self {
        self.nth = Some(nth);
        self
    }

    /// Only every n-th request that fits.
    #[must_use]
    pub fn every(mut self, every: u64) -> Self {
        self.every = Some(every);
        self
    }

    /// Only this share of the requests that fit, 0 to 1.
    #[must_use]
    pub fn probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// At most so many times.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// The request is handled, the error is answered all the same.
    #[must_use]
    pub fn handled(mut self) -> Self {
        self.handled = true;
        self
    }
}

/// Reads the command line's form.
impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(',');
        let head = parts.next().unwrap_or_default();
        let (name, value) = match head.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (head.trim(), None),
        };
        let mut fault = Fault::new(kind(name, value)?);
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (key.trim(), value.trim());
            match key {
                "system" => fault.system = Some(value.parse()?),
                "method" => fault.method = Some(value.to_owned()),
                "path" => fault.path = Some(value.to_owned()),
                "nth" => fault.nth = Some(number(key, value)?),
                "every" => fault.every = Some(number(key, value)?),
                "times" => fault.times = Some(number(key, value)?),
                "probability" => fault.probability = Some(number(key, value)?),
                "handled" => fault.handled = true,
                _ => {
                    return Err(format!(
                        "unknown key `{key}`; use system, method, path, nth, every, probability, \
                         times or handled"
                    ));
                }
            }
        }
        Ok(fault)
    }
}

fn number<T: FromStr>(key: &str, value: &str) -> Result<T, String> {
    value
        .parse()
        .map_err(|_| format!("`{key}` wants a number, not `{value}`"))
}

fn kind(name: &str, value: Option<&str>) -> Result<FaultKind, String> {
    let needed = || value.ok_or_else(|| format!("`{name}` wants a value: `{name}=…`"));
    Ok(match name {
        "too-many-requests" => {
            FaultKind::TooManyRequests(value.map(|v| number(name, v)).transpose()?)
        }
        "status" => FaultKind::Status(status(number(name, needed()?)?)?),
        "html-error" => FaultKind::HtmlError,
        "empty-body" => FaultKind::EmptyBody,
        "success-false" => FaultKind::SuccessFalse,
        "reset-mid-body" => FaultKind::ResetMidBody,
        "truncated-body" => FaultKind::TruncatedBody,
        "disconnect" => FaultKind::Disconnect,
        "cut-upload" => FaultKind::CutUpload(number(name, needed()?)?),
        "lost-answer" => FaultKind::LostAnswer,
        "slow" => FaultKind::Slow(number(name, needed()?)?),
        "short-page" => FaultKind::ShortPage(number(name, needed()?)?),
        "duplicate-record" => FaultKind::DuplicateRecord,
        "shifted-page" => FaultKind::ShiftedPage(number(name, needed()?)?),
        "wrong-total" => FaultKind::WrongTotal(number(name, needed()?)?),
        "huge-body" => FaultKind::HugeBody(number(name, needed()?)?),
        "redirect" => FaultKind::Redirect(needed()?.to_owned()),
        "garbage" => FaultKind::Garbage,
        _ => {
            let mut names = String::new();
            for known in NAMES {
                let _ = write!(names, " {known}");
            }
            return Err(format!("unknown fault `{name}`; there are:{names}"));
        }
    })
}

fn status(code: u16) -> Result<u16, String> {
    if (200..600).contains(&code) {
        Ok(code)
    } else {
        Err(format!("`{code}` is no HTTP status to answer with"))
    }
}

const NAMES: [&str; 18] = [
    "too-many-requests[=SECONDS]",
    "status=CODE",
    "html-error",
    "empty-body",
    "success-false",
    "reset-mid-body",
    "truncated-body",
    "disconnect",
    "cut-upload=BYTES",
    "lost-answer",
    "slow=MILLISECONDS",
    "short-page=N",
    "duplicate-record",
    "shifted-page=N",
    "wrong-total=N",
    "huge-body=BYTES",
    "redirect=URL",
    "garbage",
];

/// The faults in force; clones show the same ones. The first set that hits a request wins.
#[derive(Clone)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    rng: Rng,
    next: u64,
    set: Vec<Armed>,
}

struct Armed {
    id: u64,
    fault: Fault,
    seen: u64,
    fired: u64,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        let inner = Inner {
            rng: Rng::new(seed ^ 0xFA17),
            next: 1,
            set: Vec::new(),
        };
        Self {
            inner: Arc::new(Mutex::new(inner)),
        }
    }

    /// Sets a fault and returns its number.
    pub fn add(&self, fault: Fault) -> u64 {
        let mut inner = lock(&self.inner);
        let id = inner.next;
        inner.next += 1;
        inner.set.push(Armed {
            id,
            fault,
            seen: 0,
            fired: 0,
        });
        id
    }

    /// Takes a fault back; false if there is none with that number.
    pub fn remove(&self, id: u64) -> bool {
        let mut inner = lock(&self.inner);
        let before = inner.set.len();
        inner.set.retain(|a| a.id != id);
        inner.set.len() < before
    }

    /// Takes all faults back.
    pub fn clear(&self) {
        lock(&self.inner).set.clear();
    }

    /// How often a fault has hit; 0 for an unknown number.
    pub fn fired(&self, id: u64) -> u64 {
        lock(&self.inner)
            .set
            .iter()
            .find(|a| a.id == id)
            .map_or(0, |a| a.fired)
    }

    /// The faults in force with their numbers.
    pub fn list(&self) -> Vec<(u64, Fault)> {
        lock(&self.inner)
            .set
            .iter()
            .map(|a| (a.id, a.fault.clone()))
            .collect()
    }

    /// The fault that this request meets, if any. Each fault counts the requests that fit it, also
    /// when another one wins.
    pub(crate) fn pick(&self, system: System, method: &str, path: &str) -> Option<Fault> {
        let arrived = |kind: &FaultKind| !matches!(kind, FaultKind::CutUpload(_));
        self.choose(arrived, system, method, path)
    }

    /// After how many bytes of its body a request that begins is cut off, if it is.
    pub(crate) fn cut(&self, system: System, method: &str, path: &str) -> Option<u64> {
        let sending = |kind: &FaultKind| matches!(kind, FaultKind::CutUpload(_));
        match self.choose(sending, system, method, path)?.kind {
            FaultKind::CutUpload(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn choose(
        &self,
        kinds: impl Fn(&FaultKind) -> bool,
        system: System,
        method: &str,
        path: &str,
    ) -> Option<Fault> {
        let mut inner = lock(&self.inner);
        let Inner { rng, set, .. } = &mut *inner;
        let mut chosen = None;
        for armed in set {
            let fault = &armed.fault;
            let fits = kinds(&fault.kind)
                && fault.system.is_none_or(|s| s == system)
                && fault
                    .method
                    .as_deref()
                    .is_none_or(|m| m.eq_ignore_ascii_case(method))
                && fault.path.as_deref().is_none_or(|p| path.contains(p));
            if !fits {
                continue;
            }
            armed.seen += 1;
            let hits = chosen.is_none()
                && fault.times.is_none_or(|t| armed.fired < t)
                && fault.nth.is_none_or(|n| armed.seen == n)
                && fault
                    .every
                    .is_none_or(|n| n != 0 && armed.seen.is_multiple_of(n))
                && fault.probability.is_none_or(|p| rng.unit() < p);
            if hits {
                armed.fired += 1;
                chosen = Some(fault.clone());
            }
        }
        chosen
    }
}
