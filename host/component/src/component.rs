//! A loaded component, as the [`Connector`] that the engine works with.

use std::sync::Arc;

use async_trait::async_trait;
use matricula_core::connector::{
    Call, Change, Choices, Connector, Found, Need, Page, Preparation, ReadRequest, Receipt, Report,
};
use matricula_core::file::File;
use matricula_core::manifest::Manifest;
use matricula_core::{Failure, FailureKind};
use wasmtime::component::InstancePre;

use crate::bindings::{AttachedPre, ChecksPre, DestinationsPre, LookupsPre, SourcesPre};
use crate::call::{Purpose, Session, rested};
use crate::convert::{self, Checked};
use crate::engine::Shared;
use crate::inspect::Parts;
use crate::limits::{IDENTITY, MESSAGE};
use crate::state::State;
use crate::text;

/// A component that is ready to be called, any number of times at the same time.
pub struct Component {
    shared: Arc<Shared>,
    manifest: Manifest,
    digest: String,
    id: Arc<str>,
    label: String,
    checks: Option<ChecksPre<State>>,
    lookups: Option<LookupsPre<State>>,
    sources: Option<SourcesPre<State>>,
    attached: Option<AttachedPre<State>>,
    destinations: Option<DestinationsPre<State>>,
}

impl Component {
    pub(crate) fn new(
        shared: Arc<Shared>,
        parts: Parts,
        digest: String,
        pre: &InstancePre<State>,
    ) -> wasmtime::Result<Self> {
        // What it exports must be of the contract's types; what it does not export, it does not offer.
        let exports = |interface: &str| {
            let versioned = format!("matricula:connector/{interface}@");
            parts
                .exports
                .iter()
                .any(|export| export.starts_with(&versioned))
        };
        macro_rules! offered {
            ($interface:literal, $pre:ident) => {
                exports($interface)
                    .then(|| $pre::new(pre.clone()))
                    .transpose()?
            };
        }
        Ok(Self {
            checks: offered!("check", ChecksPre),
            lookups: offered!("lookup", LookupsPre),
            sources: offered!("source", SourcesPre),
            attached: offered!("attachments", AttachedPre),
            destinations: offered!("destination", DestinationsPre),
            shared,
            digest,
            id: parts.manifest.id.as_str().into(),
            label: format!("{} {}", parts.manifest.id, parts.manifest.version),
            manifest: parts.manifest,
        })
    }

    /// SHA-256 of the component in lower-case hexadecimal: its identity.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(crate) fn id(&self) -> Arc<str> {
        Arc::clone(&self.id)
    }

    /// Id and version, for messages.
    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    fn offered<'a, T>(&self, capability: &'a Option<T>, what: &str) -> Result<&'a T, Failure> {
        capability.as_ref().ok_or_else(|| {
            let message = format!("{} does not offer {what}", self.label);
            Failure::new(FailureKind::Internal, message).with_code("not-offered")
        })
    }

    /// What a component returned that breaks the contract.
    fn broken(&self, session: &Session<'_>, reason: &str) -> Failure {
        let message = format!(
            "{} broke the contract while {}: it returned {reason}",
            self.label,
            session.what()
        );
        Failure::new(FailureKind::Protocol, text::cut(message, MESSAGE))
            .with_code("component.broke-contract")
            .with_effect(session.effect())
    }
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("label", &self.label)
            .field("digest", &self.digest)
            .finish()
    }
}

/// One call of one exported function, what it returned and the session, which lasts until that has been
/// checked: a session, a fresh instance, the function.
macro_rules! run {
    (
        $self:ident, $call:ident, $what:expr, $purpose:expr,
        $pre:expr => $interface:ident . $function:ident ( $($argument:expr),* )
    ) => {{
        let what: String = $what;
        let pre = $self.offered(&$pre, &what)?;
        let (session, mut store) = Session::begin($self, $call, what, $purpose).await?;
        let context = convert::context($call);
        let result = session
            .run(async move {
                let instance = pre.instantiate_async(&mut store).await?;
                instance.$interface().$function(&mut store, &context, $($argument),*).await
            })
            .await?;
        let rested = |failure| rested($call, convert::failure(failure));
        (session, result.map_err(rested)?)
    }};
}

/// A call, and the checks of what it returned.
macro_rules! call {
    (
        $self:ident, $call:ident, $what:expr, $purpose:expr,
        $pre:expr => $interface:ident . $function:ident ( $($argument:expr),* ),
        $convert:expr
    ) => {{
        let (session, result) =
            run!($self, $call, $what, $purpose, $pre => $interface.$function($($argument),*));
        let checked: Checked<_> = $convert(result);
        checked.map_err(|reason| $self.broken(&session, &reason))
    }};
}

#[async_trait]
impl Connector for Component {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    async fn check(&self, call: &Call, needs: &[Need]) -> Result<Report, Failure> {
        let needs = convert::needs(needs);
        call!(
            self, call, "checking the credential".to_owned(), Purpose::Read,
            self.checks => matricula_connector_check.call_run(&needs),
            |report| Ok(convert::report(report))
        )
    }

    async fn options(
        &self,
        call: &Call,
        field: &str,
        search: Option<&str>,
        position: Option<&str>,
    ) -> Result<Choices, Failure> {
        call!(
            self, call, format!("listing options for {field}"), Purpose::Read,
            self.lookups => matricula_connector_lookup.call_options(field, search, position),
            convert::choices
        )
    }

    async fn read(&self, call: &Call, request: &ReadRequest) -> Result<Page, Failure> {
        let ReadRequest {
            stream,
            attributes,
            position,
            state,
            limit,
        } = request;
        // A remote may know pages of one size only.
        let page = self
            .manifest
            .streams
            .get(stream)
            .map_or(0, |stream| stream.page);
        let (position, state) = (position.as_deref(), state.as_deref());
        call!(
            self, call, format!("reading {stream}"), Purpose::Read,
            self.sources => matricula_connector_source
                .call_read(stream, attributes, position, state, *limit),
            |result| convert::page(result, position, (*limit).max(page))
        )
    }

    async fn fetch(
        &self,
        call: &Call,
        stream: &str,
        reference: &str,
        largest: u64,
    ) -> Result<File, Failure> {
        let (session, file) = run!(
            self, call, format!("fetching a file of {stream}"), Purpose::Fetch { largest },
            self.attached => matricula_connector_attachments.call_fetch(stream, reference)
        );
        // Not what the component says of it, but what the host knows.
        let held =
            session.meter.held.take(&file.id).ok_or_else(|| {
                self.broken(&session, "a file that it has not fetched in this call")
            })?;
        Ok(File {
            name: file.name.map(|name| text::cut(name, IDENTITY)),
            ..held
        })
    }

    async fn prepare(
        &self,
        call: &Call,
        operation: &str,
        attributes: &[String],
    ) -> Result<Preparation, Failure> {
        call!(
            self, call, format!("preparing {operation}"), Purpose::Read,
            self.destinations => matricula_connector_destination.call_prepare(operation, attributes),
            convert::preparation
        )
    }

    async fn find(
        &self,
        call: &Call,
        operation: &str,
        prepared: &str,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        call!(
            self, call, format!("finding accounts by {attribute}"), Purpose::Read,
            self.destinations => matricula_connector_destination
                .call_find(operation, prepared, attribute, values),
            |lists| convert::found(lists, values.len())
        )
    }

    async fn write(
        &self,
        call: &Call,
        operation: &str,
        prepared: &str,
        changes: &[Change],
    ) -> Result<Vec<Result<Receipt, Failure>>, Failure> {
        let wit = convert::changes(changes);
        let outcomes = call!(
            self, call, format!("writing {operation}"), Purpose::Write,
            self.destinations => matricula_connector_destination
                .call_write(operation, prepared, &wit),
            |outcomes| convert::outcomes(outcomes, changes.len())
        )?;
        let outcomes = outcomes.into_iter();
        Ok(outcomes
            .map(|outcome| outcome.map_err(|failure| rested(call, failure)))
            .collect())
    }
}
