//! Signing in to a system in a window of its own, and the values that vendors give.
//!
//! The vendor's values are joined with a credential's own at the moment at which a session is opened, and are
//! never stored with it: a key that the vendor replaces counts at once, and nobody can read it back.
//! The requests that make a connection go out through the gateway like all others, under the manifest's rules and
//! the operator's policy, authenticated by what of the method is known before there is a connection.
//!
//! Whoever connects types nothing. What names a connection comes from the exchange alone ([`Connected`] cannot be
//! made otherwise): with a key that many customers share, whoever could type the name of a connection could read
//! another customer's people.

mod ask;
mod end;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use matricula_core::connector::Connector as _;
use matricula_core::credential::{Credential, Given, Secrets};
use matricula_core::manifest::{Connect, Field, Manifest, Method};
use matricula_core::{CredentialId, Failure, FailureKind, TenantId};
use serde_json::Value;
use url::Url;

use crate::Matricula;
use crate::error::{Error, there_are};
use ask::{Asked, Values, address, ask, body};

pub use end::Parting;

/// What templates know of whoever connects.
#[derive(Debug, Clone, Copy, Default)]
pub struct Visitor<'a> {
    /// A tag, such as `de`.
    pub language: &'a str,
    /// Their address.
    pub email: Option<&'a str>,
    /// What their tenant is called; its id where that is not known.
    pub organization: Option<&'a str>,
}

/// What becomes of the connection that a credential was made with, when it is removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ConnectionFate {
    /// The system ends it, unless another credential is of the same one.
    #[default]
    End,
    /// It stays as it is.
    Keep,
}

/// A window that somebody signs in to a system in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its address, good once.
    pub link: String,
    /// How the page and the window speak to each other: the manifest's name for it.
    pub widget: &'static str,
    /// The window's origin.
    pub frame: String,
    /// When the address ends.
    pub expires_at: Option<Timestamp>,
}

/// What a window's token stands for.
#[derive(Debug)]
pub struct Connected {
    connector: String,
    method: String,
    public: BTreeMap<String, String>,
    secrets: Secrets,
}

impl Connected {
    /// Joins what the exchange has filled in with what was entered.
    pub(crate) fn join(
        self,
        connector: &str,
        method: &Method,
        public: &mut BTreeMap<String, String>,
        secrets: Secrets,
    ) -> Result<Secrets, Error> {
        if self.connector != connector || self.method != method.id {
            return Err(Error::ConnectRefused);
        }
        public.extend(self.public);
        Ok(both(&secrets, &self.secrets))
    }

    /// Whether it is the connection that a credential has.
    pub(crate) fn is_of(&self, credential: &Credential) -> bool {
        let mut own = self.public.iter();
        credential.method != self.method
            || own.all(|(name, value)| credential.public.get(name).is_none_or(|of| of == value))
    }
}

fn both(one: &Secrets, other: &Secrets) -> Secrets {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    Secrets::new(one.iter().chain(other.iter()).map(own))
}

impl Matricula {
    /// Takes what vendors give to their tenants' credentials, once, before anybody is served.
    ///
    /// # Errors
    /// [`Error::Given`] if a connector has no such field, a secret was written openly, or what is given is not
    /// enough for any method; [`Error::Busy`] if it was
    /// taken before; as [`crate::Connectors::load`].
    pub fn give(&self, given: Given) -> Result<(), Error> {
        for (vendor, connector, gifts) in given.iter() {
            let component = self.connectors.load(connector)?;
            let methods = &component.manifest().authentication;
            let fields = || methods.iter().flat_map(|method| &method.fields);
            let wrong = |problem: String| Error::Given {
                vendor: vendor.to_owned(),
                connector: connector.to_owned(),
                problem,
            };
            for name in gifts.names() {
                let mut of = fields().filter(|field| field.given && field.name == name);
                let Some(field) = of.next() else {
                    let names = fields().filter(|field| field.given);
                    let known = there_are(names.map(|field| field.name.as_str()));
                    return Err(wrong(format!("it has no field {name} to give: {known}")));
                };
                if field.secret && gifts.open.contains_key(name) {
                    return Err(wrong(format!(
                        "{name} is a secret and does not belong into this file; write {name}_env or {name}_file"
                    )));
                }
            }
            // Owners would only miss a way to sign in, and nobody would know why.
            let takes = |method: &&Method| method.fields.iter().any(|field| field.given);
            let needed = |field: &&Field| field.given && field.required;
            let missing = |field: &&Field| needed(field) && gifts.get(&field.name).is_none();
            let lacking = methods.iter().filter(takes);
            let lacking: Vec<Option<&Field>> = lacking
                .map(|method| method.fields.iter().find(missing))
                .collect();
            if lacking.iter().all(Option::is_some)
                && let Some(Some(field)) = lacking.first()
            {
                return Err(wrong(format!(
                    "{} is not given, and nobody can sign in without it",
                    field.name
                )));
            }
        }
        self.given.set(given).map_err(|_| Error::Busy)
    }

    /// The methods of a manifest that a tenant may choose from: those that lack nothing that its vendor has to
    /// give.
    pub fn methods<'a>(
        &self,
        tenant: &TenantId,
        manifest: &'a Manifest,
    ) -> impl Iterator<Item = &'a Method> {
        let vendor = tenant.vendor().map(str::to_owned);
        let methods = manifest.authentication.iter();
        methods.filter(move |method| self.offers(vendor.as_deref(), &manifest.id, method))
    }

    fn offers(&self, vendor: Option<&str>, connector: &str, method: &Method) -> bool {
        let gifts = vendor.and_then(|vendor| self.given.get()?.from(vendor, connector));
        let mut fields = method.fields.iter();
        fields.all(|field| {
            let has = || gifts.is_some_and(|gifts| gifts.get(&field.name).is_some());
            !field.given || !field.required || has()
        })
    }

    /// The origins of windows that the page of a vendor may open. A connector that cannot be loaded any more has
    /// none: all others can still be worked with.
    pub fn frames(&self, vendor: &str) -> Vec<String> {
        let Some(given) = self.given.get() else {
            return Vec::new();
        };
        let mut frames = Vec::new();
        for (_, connector, _) in given.iter().filter(|(of, ..)| *of == vendor) {
            let component = match self.connectors.load(connector) {
                Ok(component) => component,
                Err(error) => {
                    tracing::warn!(
                        connector,
                        %error,
                        "Nobody can connect in a window: a connector cannot be loaded."
                    );
                    continue;
                }
            };
            let manifest = component.manifest();
            for method in &manifest.authentication {
                if let Some(connect) = &method.connect
                    && self.offers(Some(vendor), connector, method)
                    && let Some(frame) = self.shown(&connect.frame)
                {
                    frames.push(frame.origin().ascii_serialization());
                }
            }
        }
        frames.sort();
        frames.dedup();
        frames
    }

    /// Where a browser finds an address that a manifest or a system has named.
    fn shown(&self, address: &str) -> Option<Url> {
        self.gateway.located(&Url::parse(address).ok()?)
    }

    /// What a credential's session is made of: its own values and those that the vendor gives.
    pub(crate) fn whole(
        &self,
        manifest: &Manifest,
        credential: &Credential,
        secrets: Secrets,
    ) -> (Credential, Secrets) {
        let mut credential = credential.clone();
        let Some(method) = manifest.method(&credential.method) else {
            return (credential, secrets);
        };
        let given = self.given.get();
        let gifts = given.and_then(|given| given.of(&credential.tenant, &manifest.id));
        let mut more = Vec::new();
        for field in method.fields.iter().filter(|field| field.given) {
            // Whatever a credential may hold under this name is not the vendor's.
            credential.public.remove(&field.name);
            let Some(value) = gifts.and_then(|gifts| gifts.get(&field.name)) else {
                continue;
            };
            match field.secret {
                true => more.push((field.name.clone(), value.to_owned())),
                false => {
                    let name = field.name.clone();
                    credential.public.insert(name, value.to_owned());
                }
            }
        }
        (credential, both(&Secrets::new(more), &secrets))
    }

    /// Whether a tenant's vendor gives what a method needs of it. The owner of a credential cannot enter it.
    ///
    /// # Errors
    /// A failure for the operator to put right.
    pub(crate) fn is_given(
        &self,
        tenant: &TenantId,
        manifest: &Manifest,
        method: &str,
    ) -> Result<(), Failure> {
        let lacks = |method: &&Method| !self.offers(tenant.vendor(), &manifest.id, method);
        let Some(method) = manifest.method(method).filter(lacks) else {
            return Ok(());
        };
        let message = format!(
            "the application that embeds this one no longer gives what the method {} of {} needs; whoever runs the \
             application has to give it again",
            method.id, manifest.id
        );
        Err(Failure::new(FailureKind::Config, message).with_code("connect.not-given"))
    }

    /// Opens a window in which somebody signs in to a system; to the connection that `credential` has, if one is
    /// named.
    ///
    /// # Errors
    /// [`Error::ConnectUnknown`] if the method has no window, or none to sign in anew; [`Error::ConnectEmail`] if
    /// the system asks for an address and there is none; [`Error::Failure`] if the system gives no window.
    pub async fn window(
        &self,
        tenant: &TenantId,
        connector: &str,
        method: &str,
        visitor: Visitor<'_>,
        credential: Option<&Credential>,
    ) -> Result<Window, Error> {
        let component = self.connectors.load(connector)?;
        let manifest = component.manifest();
        let method = self.chosen(tenant, manifest, Some(method))?;
        let connect = connect_of(connector, method)?;
        let link = match credential {
            None => Some(&connect.link),
            Some(_) => connect.relink.as_ref(),
        };
        let link = link.ok_or_else(|| no_window(connector, method))?;
        let (before, egress) = self.before(tenant, manifest, method)?;
        let mut values = Values::new(tenant, visitor, &before);
        if let Some(credential) = credential {
            values.put_connected(method, credential);
        }
        let asked = Asked {
            method: &link.method,
            url: address(connector, &link.url, &values)?,
            body: body(link.body.as_ref(), &values)?,
        };
        let system = manifest.title.get("en");
        let answer = ask(system, egress.as_ref(), asked).await?;
        let answer = answer.ok_or_else(|| {
            let message =
                format!("{system} opens no window to sign in with: it refuses what it was asked");
            Failure::new(FailureKind::Config, message).with_code("connect.link")
        })?;
        let elsewhere = || {
            let message = format!("{system} has answered with no address of its window");
            Error::from(Failure::new(FailureKind::Protocol, message).with_code("connect.link"))
        };
        let told = answer.pointer(&link.result).and_then(Value::as_str);
        let told = told.and_then(|text| Url::parse(text).ok());
        let frame = Url::parse(&connect.frame).map_err(|_| elsewhere())?;
        // The page frames this origin and no other.
        let told = told.filter(|told| told.origin() == frame.origin());
        let told = told.ok_or_else(elsewhere)?;
        let located = |url: &Url| self.gateway.located(url).ok_or_else(elsewhere);
        let life = link.life.map(|life| SignedDuration::from_secs(life.into()));
        Ok(Window {
            link: located(&told)?.into(),
            widget: connect.widget.as_str(),
            frame: located(&frame)?.origin().ascii_serialization(),
            expires_at: life.and_then(|life| self.clock.now().checked_add(life).ok()),
        })
    }

    /// Exchanges a window's token for what it stands for.
    ///
    /// # Errors
    /// [`Error::ConnectUnknown`] if the method has no window; [`Error::ConnectRefused`] if the token is not taken, or
    /// stands for what is not this tenant's; [`Error::Failure`] if the system does not answer.
    pub async fn take_up(
        &self,
        tenant: &TenantId,
        connector: &str,
        method: &str,
        visitor: Visitor<'_>,
        token: &str,
    ) -> Result<Connected, Error> {
        let component = self.connectors.load(connector)?;
        let manifest = component.manifest();
        let method = self.chosen(tenant, manifest, Some(method))?;
        let exchange = &connect_of(connector, method)?.exchange;
        let (before, egress) = self.before(tenant, manifest, method)?;
        let mut values = Values::new(tenant, visitor, &before);
        values.put("token", token);
        let asked = Asked {
            method: &exchange.method,
            url: address(connector, &exchange.url, &values)?,
            body: body(exchange.body.as_ref(), &values)?,
        };
        let system = manifest.title.get("en");
        let answer = ask(system, egress.as_ref(), asked).await?;
        let answer = answer.ok_or(Error::ConnectRefused)?;
        for (pointer, template) in &exchange.expect {
            let expected = values.text(template)?;
            let found = answer.pointer(pointer).and_then(Value::as_str);
            if expected.is_none() || found != expected.as_deref() {
                tracing::warn!(
                    connector,
                    pointer,
                    "A connection is not of the tenant that made it and is refused."
                );
                return Err(Error::ConnectRefused);
            }
        }
        let mut public = BTreeMap::new();
        let mut secrets = Vec::new();
        for field in method.fields.iter().filter(|field| field.connected) {
            let pointer = exchange.fields.get(&field.name);
            let found = pointer.and_then(|pointer| answer.pointer(pointer));
            let value = match found {
                Some(Value::String(text)) => text.trim().to_owned(),
                Some(Value::Number(number)) => number.to_string(),
                _ => String::new(),
            };
            if value.is_empty() {
                if !field.required {
                    continue;
                }
                let message = format!(
                    "{system} does not say which connection was made: {} is missing",
                    field.name
                );
                let failure = Failure::new(FailureKind::Protocol, message);
                return Err(failure.with_code("connect.exchange").into());
            }
            match field.secret {
                true => secrets.push((field.name.clone(), value)),
                false => _ = public.insert(field.name.clone(), value),
            }
        }
        Ok(Connected {
            connector: connector.to_owned(),
            method: method.id.clone(),
            public,
            secrets: Secrets::new(secrets),
        })
    }

    /// A session with what is known before there is a connection, and the credential that it is of.
    fn before(
        &self,
        tenant: &TenantId,
        manifest: &Manifest,
        method: &Method,
    ) -> Result<(Credential, std::sync::Arc<matricula_egress::Session>), Error> {
        let own = Credential {
            // No credential's id has a slash: its limits and connections are its own.
            id: CredentialId::new(format!("connect/{}/{}", manifest.id, method.id)),
            tenant: tenant.clone(),
            connector: manifest.id.clone(),
            method: method.id.clone(),
            name: method.id.clone(),
            public: BTreeMap::new(),
            created_at: self.clock.now(),
        };
        let mut manifest = manifest.clone();
        for of in &mut manifest.authentication {
            if of.id == method.id {
                *of = of.unconnected();
            }
        }
        let (credential, secrets) = self.whole(&manifest, &own, Secrets::default());
        let egress = self.gateway.session(&manifest, &credential, secrets)?;
        Ok((credential, egress))
    }
}

fn connect_of<'a>(connector: &str, method: &'a Method) -> Result<&'a Connect, Error> {
    let connect = method.connect.as_ref();
    connect.ok_or_else(|| no_window(connector, method))
}

fn no_window(connector: &str, method: &Method) -> Error {
    Error::ConnectUnknown {
        connector: connector.to_owned(),
        method: method.id.clone(),
    }
}
