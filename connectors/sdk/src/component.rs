//! The component's side: WIT bindings, and the adapter between them and the [`Connector`] trait.

use crate::bindings::exports::matricula::connector as exports;
use crate::bindings::matricula::connector as imports;
use crate::bindings::matricula::connector::types as wit;
use crate::host::Host;
use crate::{
    Change, Connector, Context, Disposition, Effect, Failure, FailureKind, Found, Item, Need, Read,
};

#[doc(hidden)]
#[allow(
    missing_docs,
    unsafe_code,
    unused_qualifications,
    clippy::allow_attributes,
    clippy::all
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/v1",
        world: "connector",
        pub_export_macro: true,
        export_macro_name: "export_component",
        default_bindings_module: "matricula_sdk::bindings",
    });
}

/// Log levels.
pub use imports::log::Level;

/// Exports a [`Connector`] as a component with its manifest.
///
/// The path of the manifest is relative to the file that has this line, as in `include_bytes!`.
// rustfmt moves the lines of the inner block about.
#[rustfmt::skip]
#[macro_export]
macro_rules! export {
    ($connector:ty, manifest = $manifest:literal) => {
        /// The manifest, read by the host from the custom section before any code runs.
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        #[used]
        #[unsafe(link_section = "matricula:manifest")]
        static MATRICULA_MANIFEST: [u8; include_bytes!($manifest).len()] =
            *include_bytes!($manifest);

        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code)]
        const _: () = {
            type Exported = $crate::Adapter<$connector>;
            $crate::bindings::export_component!(Exported with_types_in $crate::bindings);
        };
    };
}

#[doc(hidden)]
pub struct Adapter<C>(std::marker::PhantomData<C>);

fn context(cx: &wit::Context) -> Result<Context<'static>, wit::Failure> {
    Context::new(&Host, &cx.config, cx.now_ms, &cx.idempotency_key).map_err(wit::Failure::from)
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        Self {
            kind: match failure.kind {
                FailureKind::Auth => wit::FailureKind::Auth,
                FailureKind::Permission => wit::FailureKind::Permission,
                FailureKind::Config => wit::FailureKind::Config,
                FailureKind::Input => wit::FailureKind::Input,
                FailureKind::NotFound => wit::FailureKind::NotFound,
                FailureKind::Conflict => wit::FailureKind::Conflict,
                FailureKind::RateLimited => wit::FailureKind::RateLimited,
                FailureKind::Unavailable => wit::FailureKind::Unavailable,
                FailureKind::Protocol => wit::FailureKind::Protocol,
                FailureKind::Internal => wit::FailureKind::Internal,
            },
            code: failure.code,
            message: failure.message,
            retry_after_ms: failure.retry_after_ms,
            effect: match failure.effect {
                Effect::None => wit::Effect::None,
                Effect::Unknown => wit::Effect::Unknown,
                Effect::Applied => wit::Effect::Applied,
            },
        }
    }
}

impl<C: Connector> exports::check::Guest for Adapter<C> {
    fn run(
        cx: exports::check::Context,
        needs: Vec<exports::check::Need>,
    ) -> Result<exports::check::Report, wit::Failure> {
        let needs: Vec<Need> = needs
            .into_iter()
            .map(|n| Need {
                subject: n.subject,
                attributes: n.attributes,
            })
            .collect();
        let report = C::check(&context(&cx)?, &needs)?;
        let finding = |f: crate::Finding| exports::check::Finding {
            ok: f.ok,
            subject: f.subject,
            message: f.message,
        };
        Ok(exports::check::Report {
            account: report.account,
            findings: report.findings.into_iter().map(finding).collect(),
        })
    }
}

impl<C: Connector> exports::lookup::Guest for Adapter<C> {
    fn options(
        cx: exports::lookup::Context,
        field: String,
        search: Option<String>,
        position: Option<String>,
    ) -> Result<exports::lookup::Choices, wit::Failure> {
        let choices = C::options(
            &context(&cx)?,
            &field,
            search.as_deref(),
            position.as_deref(),
        )?;
        let choice = |c: crate::Choice| exports::lookup::Choice {
            value: c.value,
            label: c.label,
            hint: c.hint,
        };
        Ok(exports::lookup::Choices {
            items: choices.items.into_iter().map(choice).collect(),
            next: choices.next,
        })
    }
}

impl<C: Connector> exports::source::Guest for Adapter<C> {
    fn read(
        cx: exports::source::Context,
        stream: String,
        attributes: Vec<String>,
        position: Option<String>,
        state: Option<String>,
        limit: u32,
    ) -> Result<exports::source::Page, wit::Failure> {
        let page = C::read(
            &context(&cx)?,
            &Read {
                stream,
                attributes,
                position,
                state,
                limit,
            },
        )?;
        let item = |i: Item| exports::source::Item {
            key: i.key,
            deleted: i.deleted,
            data: i.data,
        };
        Ok(exports::source::Page {
            items: page.items.into_iter().map(item).collect(),
            next: page.next,
            state: page.state,
            complete: page.complete,
            total: page.total,
        })
    }
}

impl<C: Connector> exports::attachments::Guest for Adapter<C> {
    fn fetch(
        cx: exports::attachments::Context,
        stream: String,
        reference: String,
    ) -> Result<exports::attachments::File, wit::Failure> {
        let file = C::fetch(&context(&cx)?, &stream, &reference)?;
        Ok(file.into())
    }
}

impl<C: Connector> exports::destination::Guest for Adapter<C> {
    fn prepare(
        cx: exports::destination::Context,
        operation: String,
        attributes: Vec<String>,
    ) -> Result<exports::destination::Preparation, wit::Failure> {
        let preparation = C::prepare(&context(&cx)?, &operation, &attributes)?;
        Ok(exports::destination::Preparation {
            prepared: preparation.prepared,
            unavailable: preparation.unavailable,
        })
    }

    fn find(
        cx: exports::destination::Context,
        operation: String,
        prepared: String,
        attribute: String,
        values: Vec<String>,
    ) -> Result<Vec<Vec<exports::destination::Found>>, wit::Failure> {
        let found = C::find(&context(&cx)?, &operation, &prepared, &attribute, &values)?;
        let one = |f: Found| exports::destination::Found {
            remote_id: f.remote_id,
            data: f.data,
        };
        Ok(found
            .into_iter()
            .map(|list| list.into_iter().map(one).collect())
            .collect())
    }

    fn write(
        cx: exports::destination::Context,
        operation: String,
        prepared: String,
        changes: Vec<exports::destination::Change>,
    ) -> Result<Vec<Result<exports::destination::Receipt, wit::Failure>>, wit::Failure> {
        let changes: Vec<Change> = changes
            .into_iter()
            .map(|c| Change {
                idempotency_key: c.idempotency_key,
                remote_id: c.remote_id,
                data: c.data,
            })
            .collect();
        let outcomes = C::write(&context(&cx)?, &operation, &prepared, &changes)?;
        Ok(outcomes
            .into_iter()
            .map(|outcome| match outcome {
                Ok(receipt) => Ok(exports::destination::Receipt {
                    remote_id: receipt.remote_id,
                    disposition: disposition(receipt.disposition),
                }),
                Err(failure) => Err(failure.into()),
            })
            .collect())
    }
}

fn disposition(disposition: Disposition) -> exports::destination::Disposition {
    use exports::destination::Disposition as Wit;
    match disposition {
        Disposition::Created => Wit::Created,
        Disposition::Updated => Wit::Updated,
        Disposition::Unchanged => Wit::Unchanged,
        Disposition::Adopted => Wit::Adopted,
        Disposition::Deleted => Wit::Deleted,
        Disposition::Skipped => Wit::Skipped,
    }
}
