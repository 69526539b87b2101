//! The target as a cycle uses it: prepared once, its reads retried.

use std::sync::Arc;

use matricula_core::connector::{Call, Found, Page, ReadRequest};
use matricula_core::manifest::Operation;
use matricula_core::{Failure, Text};
use matricula_flow::{Program, title};

use crate::observe::{Event, Observer};
use crate::side::Side;
use crate::{Engine, backoff};

/// How often a call that failed is tried again.
pub(crate) struct Patience<'a> {
    engine: &'a Engine,
    observer: &'a dyn Observer,
    attempt: u32,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(engine: &'a Engine, observer: &'a dyn Observer) -> Self {
        Self {
            engine,
            observer,
            attempt: 0,
        }
    }

    /// Waits and says yes if the failure may pass and there are attempts left.
    pub(crate) async fn again(&mut self, failure: &Failure) -> bool {
        self.attempt += 1;
        let options = &self.engine.options;
        if !failure.kind.is_transient()
            || self.attempt >= options.attempts
            || backoff::is_for_later(options, failure)
        {
            return false;
        }
        let wait = backoff::wait(&self.engine.options, self.attempt, failure);
        self.observer.event(&Event::Waiting {
            seconds: wait.as_secs_f64(),
            reason: &failure.message,
        });
        self.engine.clock.sleep(wait).await;
        true
    }
}

/// The target, ready to be written. Owns what it needs, since batches are written by tasks of their own.
pub(crate) struct Target {
    pub(crate) engine: Engine,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) side: Side,
    pub(crate) name: String,
    pub(crate) operation: Operation,
    pub(crate) prepared: Arc<str>,
    /// Attributes of the flow that the target does not offer.
    pub(crate) unavailable: Vec<String>,
}

impl Target {
    /// Asks the target what it can take of what the flow writes.
    pub(crate) async fn prepare(
        engine: &Engine,
        side: &Side,
        program: &Program,
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, Failure> {
        let (_, name) = program.flow().target();
        let attributes: Vec<String> = program.written().map(|field| field.name.clone()).collect();
        Self::of(engine, side, name, &attributes, observer).await
    }

    /// Asks the target what an operation can take of these attributes.
    pub(crate) async fn of(
        engine: &Engine,
        side: &Side,
        name: &str,
        attributes: &[String],
        observer: &Arc<dyn Observer>,
    ) -> Result<Self, Failure> {
        let operation = side
            .connector
            .manifest()
            .operations
            .get(name)
            .ok_or_else(|| {
                Failure::new(
                    matricula_core::FailureKind::Config,
                    format!("{} does not offer the operation {name}", side.title()),
                )
            })?;
        let mut patience = Patience::new(engine, &**observer);
        let preparation = loop {
            let call = call(engine, side, format!("prepare:{name}"));
            match side.connector.prepare(&call, name, attributes).await {
                Err(failure) if patience.again(&failure).await => {}
                result => break result?,
            }
        };
        Ok(Self {
            engine: engine.clone(),
            observer: Arc::clone(observer),
            side: side.clone(),
            name: name.to_owned(),
            operation: operation.clone(),
            prepared: preparation.prepared,
            unavailable: preparation.unavailable,
        })
    }

    /// Which attributes are left out, if any are.
    pub(crate) fn left_out(&self) -> Option<Text> {
        if self.unavailable.is_empty() {
            return None;
        }
        let titles = |language: &str| {
            let names = self.unavailable.iter();
            let titles =
                names.map(|name| title(&self.operation.schema, name).get(language).to_owned());
            titles.collect::<Vec<_>>().join(", ")
        };
        Some(Text::said(
            format!(
                "{} does not offer these attributes, they are left out: {}",
                self.side.title(),
                titles("en")
            ),
            format!(
                "{} bietet diese Attribute nicht an, sie werden ausgelassen: {}",
                self.side.title_in("de"),
                titles("de")
            ),
        ))
    }

    pub(crate) fn call(&self, key: String) -> Call {
        call(&self.engine, &self.side, key)
    }

    /// Finds accounts: one list per value, in order.
    pub(crate) async fn find(
        &self,
        attribute: &str,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        let mut patience = Patience::new(&self.engine, &*self.observer);
        loop {
            let call = self.call(format!("find:{attribute}"));
            let found = self
                .side
                .connector
                .find(&call, &self.name, &self.prepared, attribute, values)
                .await;
            match found {
                Err(failure) if patience.again(&failure).await => {}
                result => return result,
            }
        }
    }

    /// Reads a page of the stream that lists every account.
    pub(crate) async fn accounts(
        &self,
        stream: &str,
        attributes: &[String],
        position: Option<String>,
        limit: u32,
    ) -> Result<Page, Failure> {
        let request = ReadRequest {
            stream: stream.to_owned(),
            attributes: attributes.to_vec(),
            position,
            state: None,
            limit,
        };
        let mut patience = Patience::new(&self.engine, &*self.observer);
        loop {
            let call = self.call(format!("read:{stream}"));
            match self.side.connector.read(&call, &request).await {
                Err(failure) if patience.again(&failure).await => {}
                result => return result,
            }
        }
    }
}

fn call(engine: &Engine, side: &Side, key: String) -> Call {
    side.call(engine.clock.now(), key, engine.options.call_deadline)
}
