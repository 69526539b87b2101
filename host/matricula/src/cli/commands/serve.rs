//! `matricula serve`: keeps the schedule, delivers notices, and answers for health, metrics and webhooks, until
//! it is told to end. Pages that are being written are committed then.

use std::sync::Arc;

use matricula::Service;
use matricula::engine::schedule::{Gauge, Pace};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::args::{Common, ServeArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::{mail, output, setup};

/// How long the parts may take to end once they were told to.
const GRACE: std::time::Duration = std::time::Duration::from_secs(30);

pub(crate) fn run(common: &Common, args: &ServeArgs) -> Result<Exit, Fault> {
    let matricula = Arc::new(setup::open_or_make(common)?);
    let mailer = mail::mailer(&args.mail)?;
    let courier = matricula.courier(mail::writer(&args.mail)?, mailer);
    struct Nothing;
    impl Gauge for Nothing {
        fn begun(&self, _: std::time::Duration) {}
        fn ended(&self, _: Option<&matricula::core::run::Run>, _: std::time::Duration) {}
    }
    let metrics = Arc::new(Nothing);
    let service = Service {
        pace: Pace {
            cycles: args.cycles.max(1),
            per_credential: args.cycles_per_credential.max(1),
            ..Pace::default()
        },
        retention_days: args.retention_days.max(1),
        gauge: Arc::clone(&metrics) as Arc<dyn Gauge>,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Exit::Unexpected, "runtime.failed", error))?;
    let ended = runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await.map_err(|error| {
            Fault::new(
                Exit::Usage,
                "listen.failed",
                format!("{} cannot be listened on: {error}", args.listen),
            )
            .with_hint("Give another address with --listen.")
        })?;
        let address = listener.local_addr().unwrap_or(args.listen);
        let (end, ending) = watch::channel(false);
        let ends = |ending: &watch::Receiver<bool>| {
            let mut ending = ending.clone();
            async move {
                // A sender that is gone is an end as well.
                let _ = ending.wait_for(|end| *end).await;
            }
        };
        drop(listener);
        let notices = courier.run(ends(&ending));
        let schedule = matricula.serve(service, ending.clone());
        match common.json {
            true => output::json(&json!({ "listening": address.to_string() }))?,
            false => output::text(&format!("Listening on http://{address}"))?,
        }
        let all = async {
            let ((), schedule) = tokio::join!(notices, schedule);
            schedule?;
            Ok::<_, Fault>(())
        };
        tokio::pin!(all);
        tokio::select! {
            ended = &mut all => return ended,
            signal = super::interruption() => {
                signal.map_err(|error| Fault::new(Exit::Unexpected, "signal.failed", error))?;
            }
        }
        tracing::info!("Ending: pages that are being written are committed.");
        let _ = end.send(true);
        tokio::select! {
            ended = &mut all => ended,
            () = tokio::time::sleep(GRACE) => {
                tracing::warn!("Something did not end in time; it goes on at its last page when started again.");
                Ok(())
            }
            // Whoever asks twice does not want to wait.
            _ = super::interruption() => Ok(()),
        }
    });
    runtime.shutdown_timeout(super::GRACE);
    ended.map(|()| Exit::Done)
}
