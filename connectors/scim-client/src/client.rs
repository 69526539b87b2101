//! Requests to one SCIM service.

use matricula_sdk::{Context, Failure, FailureKind, Request, Response, Result, json as body};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::failure::{Doing, is_page, refused};
use crate::profile::Profile;

const MEDIA_TYPE: &str = "application/scim+json";
/// Everything but RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a service keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    Users,
    Groups,
}

impl Of {
    /// The path of them all.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Users => "Users",
            Self::Groups => "Groups",
        }
    }

    /// What owners call one of them.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Users => "account",
            Self::Groups => "group",
        }
    }

    /// What a listing leaves out: a group may have thousands of members, and nobody asks for them there.
    fn without(self) -> &'static str {
        match self {
            Self::Users => "",
            Self::Groups => "&excludedAttributes=members",
        }
    }

    /// The path of one of them.
    pub(crate) fn one(self, id: &str) -> String {
        format!("{}/{}", self.endpoint(), utf8_percent_encode(id, ENCODED))
    }

    /// The path of a search.
    pub(crate) fn search(self, attribute: &str, value: &str) -> String {
        // RFC 7644 §3.4.2.2: a compared value is written as JSON.
        let filter = format!("{attribute} eq {}", Value::String(value.to_owned()));
        let filter = utf8_percent_encode(&filter, ENCODED);
        format!("{}?filter={filter}{}", self.endpoint(), self.without())
    }

    /// The path of a part of the list; indices begin with 1.
    pub(crate) fn page(self, at: u64, count: u32) -> String {
        let (endpoint, without) = (self.endpoint(), self.without());
        format!("{endpoint}?startIndex={at}&count={count}{without}")
    }
}

/// One SCIM service, for the length of a call.
pub struct Client<'a> {
    cx: &'a Context<'a>,
    base: String,
    pub(crate) profile: &'static Profile,
}

/// An account, or a group, as it is at the service.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) version: Option<String>,
    pub(crate) resource: Value,
}

impl Account {
    /// None without an identity.
    pub(crate) fn read(resource: Value) -> Option<Self> {
        let id = body::id(crate::path::member(&resource, "id")?)?;
        let version = crate::path::member(&resource, "meta")
            .and_then(|meta| crate::path::member(meta, "version"))
            .and_then(body::text)
            .map(str::to_owned);
        Some(Self {
            id,
            version,
            resource,
        })
    }
}

impl<'a> Client<'a> {
    /// A client for the service at `base`, which is what comes before `/Users`. Fails with `config` if
    /// that is empty.
    pub fn new(cx: &'a Context<'a>, base: &str, profile: &'static Profile) -> Result<Self> {
        let base = base.trim().trim_end_matches('/');
        if base.is_empty() {
            return Err(Failure::new(
                FailureKind::Config,
                format!(
                    "the credential for {} has no SCIM address: enter it",
                    profile.system
                ),
            )
            .code("no-address"));
        }
        Ok(Self {
            cx,
            base: base.to_owned(),
            profile,
        })
    }

    /// Sends a request; any answer is returned, whatever its status.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        content: Option<&Value>,
        version: Option<&str>,
    ) -> Result<Response> {
        let mut request = Request::new(method, format!("{}/{path}", self.base))
            .header("accept", "application/scim+json, application/json");
        if let Some(version) = version {
            request = request.header("if-match", version);
        }
        if let Some(content) = content {
            request = request.header("content-type", MEDIA_TYPE).json(content);
        }
        let changes = method != "GET";
        self.cx
            .send(request)
            .map_err(|error| error.into_failure(self.profile.system, changes))
    }

    pub(crate) fn get(&self, path: &str) -> Result<Response> {
        self.send("GET", path, None, None)
    }

    /// The JSON of a successful answer to a read.
    pub(crate) fn json_of(&self, response: &Response) -> Result<Value> {
        if !response.is_success() {
            return Err(self.refused(response, Of::Users, Doing::Reading));
        }
        body::body(response, self.profile.system)
    }

    /// A description that services need not offer. Some refuse it to those who may only provision.
    pub(crate) fn get_if_offered(&self, path: &str) -> Result<Option<Value>> {
        let response = self.get(path)?;
        match response.status {
            400 | 403 | 404 | 405 | 501 => Ok(None),
            _ => self.json_of(&response).map(Some),
        }
    }

    /// One account or group; none if there is none of this identity.
    pub(crate) fn kept(&self, of: Of, id: &str) -> Result<Option<Account>> {
        let response = self.get(&of.one(id))?;
        if matches!(response.status, 404 | 410) {
            return Ok(None);
        }
        let resource = self.json_of(&response)?;
        let mut account = Account::read(resource).ok_or_else(|| self.nameless(of))?;
        if account.version.is_none() {
            account.version = response.header("etag").map(str::to_owned);
        }
        Ok(Some(account))
    }

    /// The same of one that must be there.
    pub(crate) fn existing(&self, of: Of, id: &str) -> Result<Account> {
        self.kept(of, id)?.ok_or_else(|| {
            let message = format!("the {} is no longer in {}", of.noun(), self.profile.system);
            Failure::new(FailureKind::NotFound, message).code("404")
        })
    }

    pub(crate) fn refused(&self, response: &Response, of: Of, doing: Doing) -> Failure {
        refused(self.profile, response, of, doing)
    }

    /// Whether a write was carried out: 2xx, and not the page of a proxy or login wall.
    pub(crate) fn is_done(response: &Response) -> bool {
        response.is_success() && !is_page(response)
    }

    fn nameless(&self, of: Of) -> Failure {
        let Profile { system, .. } = self.profile;
        let message = format!("{system} sent one {} without an id", of.noun());
        Failure::new(FailureKind::Protocol, message).code("no-id")
    }
}
