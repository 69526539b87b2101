//! Signing in to a system in a window of its own, and the events that such a system signs.
//!
//! Some systems (Kombo is one) let the embedding vendor hold an account and give each customer a window in
//! which they sign in to *their* HR system. What the window hands back is a token that is good once; the host
//! exchanges it for what names the connection. So a method has fields of three kinds: those that the owner
//! types, those that the vendor gives ([`Field::given`]), and those that the exchange fills in
//! ([`Field::connected`]), which nobody types: whoever could would name another customer's connection.
//!
//! Templates here may name the method's fields and what is known of whoever asks: `{tenant}`, `{language}`,
//! `{user_email}`, `{organization}`; those of an exchange `{token}` as well.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Field, Manifest, Method, Scheme, Session};
use crate::template::names;

/// What the templates of a [`Link`] may name beside the method's fields: who connects.
const KNOWN: &[&str] = &["tenant", "language", "user_email", "organization"];
/// What those of an [`Exchange`] may name beside the fields: the window's token as well.
const EXCHANGED: &[&str] = &["tenant", "language", "user_email", "organization", "token"];
/// What those of a [`Disconnect`] may name beside the fields: a connection may be ended where nobody is signed in.
const DISCONNECTED: &[&str] = &["tenant"];

/// How somebody signs in to a system in a window of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// How the page and the window speak to each other.
    pub widget: Widget,
    /// The origin of the window, which the page may frame.
    pub frame: String,
    /// How the address of a window is had.
    pub link: Link,
    /// The same for a connection that there is, to sign in to it anew. Without it a connection can only be made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relink: Option<Link>,
    /// How the window's token becomes the values of the [`Field::connected`] fields.
    pub exchange: Exchange,
    /// How a connection that nobody has a credential of any more is ended. Without it, it outlives them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disconnect: Option<Disconnect>,
}

/// The windows that the page can open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Widget {
    /// Kombo Connect.
    Kombo,
}

impl Widget {
    /// As the manifest writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kombo => "kombo",
        }
    }
}

/// A request that answers with an address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// Of the request.
    pub method: String,
    /// Template; at one of the manifest's origins.
    pub url: String,
    /// JSON in which each text is a template. A member whose template names something that is not known is left
    /// out; `{user_email}` is an error then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// JSON pointer to the address in the answer.
    pub result: String,
    /// For how many seconds the address is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub life: Option<u32>,
}

/// A request that answers with what a token stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Of the request.
    pub method: String,
    /// Template; at one of the manifest's origins.
    pub url: String,
    /// As in [`Link::body`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
    /// Name of a connected field → JSON pointer to its value in the answer.
    pub fields: BTreeMap<String, String>,
    /// JSON pointer → template that the answer must agree with: whose connection it is (`{tenant}`), at least
    /// where the vendor gives what many customers share. Anything else is no connection of whoever asks.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub expect: BTreeMap<String, String>,
}

/// A request that ends a connection. That there is none any more (404, 410) is an end as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// Of the request.
    pub method: String,
    /// Template that names the connection by [`Field::connected`] fields, which must be required ones; at one of the
    /// manifest's origins.
    pub url: String,
    /// As in [`Link::body`]. It and the address may name fields that are no secrets and, of what is known beside the
    /// fields, `{tenant}` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

/// Events that the system sends to `/hooks/connector/<id>` and signs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// How it is signed.
    pub signature: Signature,
    /// JSON pointer into the event → `{field}`, a field that is no secret: the event is for the credentials of
    /// which all agree.
    #[serde(rename = "match")]
    pub matches: BTreeMap<String, String>,
    /// JSON pointer into the event → values of which it must have one to matter. Others are taken without
    /// effect.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub when: BTreeMap<String, Vec<Value>>,
}

/// How an event is signed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The header that has it.
    pub header: String,
    /// Over the body as it came.
    pub algorithm: Algorithm,
    /// How it is written.
    pub encoding: Encoding,
    /// `{field}`, a secret one.
    pub secret: String,
}

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HmacSha256,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// With `-` and `_`, with or without padding.
    Base64url,
    /// With `+` and `/`, with or without padding.
    Base64,
    /// Two digits an octet, in either case.
    Hex,
}

impl Disconnect {
    /// The names of the connected fields of `method` that say which connection is ended.
    pub fn of<'a>(&'a self, method: &'a Method) -> impl Iterator<Item = &'a str> {
        names(&self.url).filter(|name| {
            let mut fields = method.fields.iter();
            fields.any(|field| field.connected && field.name == *name)
        })
    }
}

impl Signature {
    /// The field that has the secret.
    pub fn field(&self) -> Option<&str> {
        only(&self.secret)
    }
}

impl Webhook {
    /// JSON pointer → field that must agree with it.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.matches.iter();
        pairs.filter_map(|(pointer, template)| Some((pointer.as_str(), only(template)?)))
    }

    /// Whether this event matters.
    pub fn concerns(&self, event: &Value) -> bool {
        let mut rules = self.when.iter();
        rules.all(|(pointer, values)| {
            let found = event.pointer(pointer);
            found.is_some_and(|found| values.contains(found))
        })
    }
}

/// The name in a template that is nothing but a field.
fn only(template: &str) -> Option<&str> {
    let name = template.strip_prefix('{')?.strip_suffix('}')?;
    (names(template).eq([name])).then_some(name)
}

impl Method {
    /// The method as it is before somebody has connected: without the connected fields, and without what is
    /// sent of them. It authenticates the requests that make a connection.
    #[must_use]
    pub fn unconnected(&self) -> Self {
        let connected = |template: &str| {
            let fields = &self.fields;
            names(template).any(|name| {
                let of = |field: &Field| field.connected && field.name == name;
                fields.iter().any(of)
            })
        };
        let sessions = self.sessions.iter().filter_map(|session| {
            let scheme = match &session.scheme {
                Scheme::Headers { headers } => {
                    let own = headers.iter().filter(|(_, value)| !connected(value));
                    let headers = own.map(|(name, value)| (name.clone(), value.clone()));
                    Scheme::Headers {
                        headers: headers.collect(),
                    }
                }
                Scheme::Bearer { token } if connected(token) => return None,
                Scheme::Basic { user, password } if connected(user) || connected(password) => {
                    return None;
                }
                Scheme::Token(exchange)
                    if connected(&exchange.url)
                        || exchange.fields.values().any(|of| connected(of))
                        || exchange
                            .basic
                            .iter()
                            .any(|basic| connected(&basic.user) || connected(&basic.password)) =>
                {
                    return None;
                }
                other => other.clone(),
            };
            let session = Session {
                scheme,
                ..session.clone()
            };
            (!connected(&session.origin)).then_some(session)
        });
        let fields = self.fields.iter().filter(|field| !field.connected);
        Self {
            fields: fields.cloned().collect(),
            sessions: sessions.collect(),
            ..self.clone()
        }
    }
}

/// What of a method contradicts itself.
pub(super) fn check_method(method: &Method) -> Result<(), String> {
    let id = &method.id;
    for field in &method.fields {
        let name = &field.name;
        if field.given && field.connected {
            return Err(format!(
                "the field {name} of method {id} is either given or connected, not both"
            ));
        }
        if field.connected && method.connect.is_none() {
            return Err(format!(
                "the field {name} of method {id} is connected, and the method has no `connect`"
            ));
        }
    }
    let Some(connect) = &method.connect else {
        return Ok(());
    };
    let typed = |field: &&Field| !field.given && !field.connected;
    if let Some(field) = method.fields.iter().find(typed) {
        return Err(format!(
            "the field {} of method {id} is neither given nor connected; whoever connects types nothing",
            field.name
        ));
    }
    let host = connect.frame.strip_prefix("https://").unwrap_or_default();
    let fits = |octet: u8| octet.is_ascii_alphanumeric() || b".-:".contains(&octet);
    if host.is_empty() || !host.bytes().all(fits) {
        return Err(format!(
            "the frame of method {id} is no origin such as https://connect.example.com"
        ));
    }
    let links = [Some(&connect.link), connect.relink.as_ref()];
    for link in links.into_iter().flatten() {
        check_pointer(id, &link.result)?;
        check_names(method, &link.url, link.body.as_ref(), KNOWN)?;
        if link.life == Some(0) {
            return Err(format!("a link of method {id} is good for 0 seconds"));
        }
    }
    if let Some(disconnect) = &connect.disconnect {
        check_disconnect(method, disconnect)?;
    }
    let exchange = &connect.exchange;
    check_names(method, &exchange.url, exchange.body.as_ref(), EXCHANGED)?;
    for pointer in exchange.fields.values().chain(exchange.expect.keys()) {
        check_pointer(id, pointer)?;
    }
    for template in exchange.expect.values() {
        check_names(method, template, None, EXCHANGED)?;
    }
    let whose = |template: &String| template == "{tenant}";
    if method.fields.iter().any(|field| field.given) && !exchange.expect.values().any(whose) {
        return Err(format!(
            "the exchange of method {id} must expect {{tenant}}: with what the vendor gives, a token of any customer \
             is exchanged"
        ));
    }
    let connected = method.fields.iter().filter(|field| field.connected);
    let mut connected: Vec<&str> = connected.map(|field| field.name.as_str()).collect();
    connected.sort_unstable();
    if !exchange.fields.keys().eq(connected.iter().copied()) {
        return Err(format!(
            "the exchange of method {id} must fill exactly the connected fields: {}",
            connected.join(", ")
        ));
    }
    Ok(())
}

fn check_pointer(method: &str, pointer: &str) -> Result<(), String> {
    match pointer.starts_with('/') {
        true => Ok(()),
        false => Err(format!(
            "\"{pointer}\" in method {method} is no JSON pointer such as /data/id"
        )),
    }
}

/// Whatever is named is known when there is nothing but the credential: a name that nobody fills in would keep a
/// connection that nobody uses.
fn check_disconnect(method: &Method, disconnect: &Disconnect) -> Result<(), String> {
    let id = &method.id;
    let Disconnect { url, body, .. } = disconnect;
    check_names(method, url, body.as_ref(), DISCONNECTED)?;
    let field = |name: &str| method.fields.iter().find(|field| field.name == name);
    let mut named = all_names(url, body.as_ref());
    if let Some(name) = named.find(|name| field(name).is_some_and(|field| field.secret)) {
        return Err(format!(
            "the request by which method {id} disconnects names the secret {{{name}}}; secrets are sent by `sessions`"
        ));
    }
    if disconnect.of(method).next().is_none() {
        return Err(format!(
            "the address by which method {id} disconnects names no connection: it needs a connected field"
        ));
    }
    let optional = |name: &&str| field(name).is_some_and(|field| !field.required);
    match disconnect.of(method).find(optional) {
        Some(name) => Err(format!(
            "the address by which method {id} disconnects names {{{name}}}, which must be required"
        )),
        None => Ok(()),
    }
}

/// What a template and the texts of a body name.
fn all_names<'a>(text: &'a str, body: Option<&'a Value>) -> impl Iterator<Item = &'a str> {
    let mut templates = vec![text];
    let mut values: Vec<&Value> = body.into_iter().collect();
    while let Some(value) = values.pop() {
        match value {
            Value::String(text) => templates.push(text),
            Value::Array(items) => values.extend(items),
            Value::Object(members) => values.extend(members.values()),
            _ => {}
        }
    }
    templates.into_iter().flat_map(names)
}

fn check_names(
    method: &Method,
    text: &str,
    body: Option<&Value>,
    known: &[&str],
) -> Result<(), String> {
    for name in all_names(text, body) {
        let field = || method.fields.iter().any(|field| field.name == name);
        if !known.contains(&name) && !field() {
            return Err(format!(
                "method {} connects with the unknown {{{name}}}: there are its fields and {}",
                method.id,
                known.join(", ")
            ));
        }
    }
    Ok(())
}

/// What of a manifest's webhook contradicts the rest.
pub(super) fn check_webhook(manifest: &Manifest) -> Result<(), String> {
    let Some(webhook) = &manifest.webhook else {
        return Ok(());
    };
    let known = |name: &str, secret: bool| {
        let methods = manifest.authentication.iter();
        let mut fields = methods.flat_map(|method| &method.fields);
        fields.any(|field| field.name == name && field.secret == secret)
    };
    let secret = webhook.signature.field();
    if !secret.is_some_and(|name| known(name, true)) {
        return Err("the secret of the webhook's signature must be {…} with a secret field".into());
    }
    if webhook.matches.is_empty() {
        return Err("the webhook does not say which credentials an event is for".into());
    }
    for (pointer, template) in &webhook.matches {
        check_pointer("the webhook", pointer)?;
        if !only(template).is_some_and(|name| known(name, false)) {
            return Err(format!(
                "the webhook matches {template}: it must be {{…}} with a field that is no secret"
            ));
        }
    }
    for pointer in webhook.when.keys() {
        check_pointer("the webhook", pointer)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "connect_tests.rs"]
mod tests;
