//! What is added to a request so that the remote knows whose it is.
//!
//! Chosen by the origin and the path of each request, also of a followed redirect: what belongs to one origin is
//! never sent to another.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use matricula_core::clock::Clock;
use matricula_core::manifest::{Basic, Method, Scheme};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::SessionError;
use crate::exchange::Exchange;
use crate::origin::Origin;
use crate::scrub::Scrubber;
use crate::template::Fields;
use crate::token::TokenSource;

/// How requests to one origin are authenticated.
pub(crate) enum Authentication {
    /// The same headers each time.
    Fixed(HeaderMap),
    /// A token that is asked for.
    Token(Box<TokenSource>),
}

/// The rules of one credential, those with the longest paths first.
pub(crate) struct Rules(Vec<Rule>);

struct Rule {
    origin: Origin,
    path: String,
    authentication: Authentication,
}

impl Rules {
    /// The rules of a method that apply to this credential. Of several for one origin and path the first
    /// counts.
    /// `fields` is called for each rule that keeps them.
    pub(crate) fn new(
        method: &Method,
        fields: impl Fn() -> Result<Fields, SessionError>,
        clock: &Arc<dyn Clock>,
        scrubber: &mut Scrubber,
    ) -> Result<Self, SessionError> {
        let mut rules: Vec<Rule> = Vec::new();
        for session in &method.sessions {
            let fields = fields()?;
            let path = &session.path;
            if !path.is_empty() && (!path.starts_with('/') || path.contains(['?', '#'])) {
                return Err(fields.wrong(format!(
                    "the path \"{path}\" of a session is none: it begins with a slash and has no query"
                )));
            }
            let Some(url) = fields.address(&session.origin)? else {
                continue;
            };
            let origin = Origin::of(&url).map_err(|error| SessionError::Origin {
                template: session.origin.clone(),
                reason: error.to_string(),
            })?;
            let known = |rule: &Rule| rule.origin == origin && rule.path == *path;
            if rules.iter().any(known) {
                continue;
            }
            if let Some(authentication) =
                Authentication::new(&session.scheme, fields, clock, scrubber)?
            {
                rules.push(Rule {
                    origin,
                    path: path.clone(),
                    authentication,
                });
            }
        }
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.path.len()));
        Ok(Self(rules))
    }

    /// The rule for an address at an origin: the one with the longest path that its path begins with.
    pub(crate) fn get(&self, origin: &Origin, path: &str) -> Option<&Authentication> {
        self.0
            .iter()
            .find(|rule| rule.origin == *origin && path.starts_with(&rule.path))
            .map(|rule| &rule.authentication)
    }
}

impl Authentication {
    fn new(
        scheme: &Scheme,
        fields: Fields,
        clock: &Arc<dyn Clock>,
        scrubber: &mut Scrubber,
    ) -> Result<Option<Self>, SessionError> {
        let mut map = HeaderMap::new();
        match scheme {
            Scheme::Bearer { token } => {
                let Some(token) = fields.fill(token, None)? else {
                    return Ok(None);
                };
                let bearer = Zeroizing::new(format!("Bearer {}", token.trim()));
                map.insert(AUTHORIZATION, value("authorization", &bearer)?);
            }
            Scheme::Basic { user, password } => {
                let (Some(user), Some(password)) =
                    (fields.fill(user, None)?, fields.fill(password, None)?)
                else {
                    return Ok(None);
                };
                let basic = basic(&user, &password, scrubber)?;
                map.insert(AUTHORIZATION, basic);
            }
            Scheme::Headers { headers } => {
                for (name, template) in headers {
                    let Some(text) = fields.fill(template, None)? else {
                        return Ok(None);
                    };
                    let parsed = HeaderName::from_bytes(name.as_bytes())
                        .map_err(|_| fields.wrong(format!("\"{name}\" is no header's name")))?;
                    map.insert(parsed, value(name, text.trim())?);
                }
            }
            Scheme::Token(plan) => {
                let client = match &plan.basic {
                    None => None,
                    Some(Basic { user, password }) => {
                        let (Some(user), Some(password)) =
                            (fields.fill(user, None)?, fields.fill(password, None)?)
                        else {
                            return Ok(None);
                        };
                        Some(basic(user.trim(), password.trim(), scrubber)?)
                    }
                };
                return Ok(Exchange::new(plan, client, fields)?.map(|exchange| {
                    Self::Token(Box::new(TokenSource::new(exchange, Arc::clone(clock))))
                }));
            }
        }
        Ok(Some(Self::Fixed(map)))
    }
}

/// The value of `Authorization` for a user or client with a password, which is kept out of what is told.
fn basic(user: &str, password: &str, scrubber: &mut Scrubber) -> Result<HeaderValue, SessionError> {
    if user.contains(':') {
        return Err(SessionError::Field {
            field: "user name".into(),
            reason: "it holds a colon, which Basic authentication cannot carry".into(),
        });
    }
    scrubber.add_basic(user, password);
    let pair = Zeroizing::new(format!("{user}:{password}"));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    let basic = Zeroizing::new(format!("Basic {}", *encoded));
    value("authorization", &basic)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, SessionError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| SessionError::Field {
        field: name.to_owned(),
        reason: "it holds characters that cannot be sent in a header; copy the value again".into(),
    })?;
    value.set_sensitive(true);
    Ok(value)
}
