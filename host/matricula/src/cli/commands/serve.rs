//! `matricula serve`: keeps the schedule, delivers notices, and answers for health, metrics and webhooks, until
//! it is told to end. Pages that are being written are committed then.

use std::sync::Arc;
use std::time::Duration;

use matricula_api::telemetry::{Export, Telemetry};
use matricula_api::{Api, ApiOptions, Metrics, Readiness};
use matricula_core::clock::Clock;
use matricula_engine::schedule::{Gauge, Pace};
use matricula_service::{Service, SystemClock};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::args::{Common, ServeArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::{mail, output, owner, sessions, setup};

/// How long the parts may take to end once they were told to.
const GRACE: Duration = Duration::from_secs(30);

pub(crate) fn run(common: &Common, args: &ServeArgs) -> Result<Exit, Fault> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Exit::Unexpected, "runtime.failed", error))?;
    let ended = runtime.block_on(async {
        let telemetry = args.otlp.as_deref().map(export).transpose()?;
        setup::start_server_log(&common.log, args.log_json, telemetry.as_ref())?;
        let ended = serve(common, args).await;
        if let Some(telemetry) = telemetry {
            telemetry.close().await;
        }
        ended
    });
    runtime.shutdown_timeout(super::GRACE);
    ended.map(|()| Exit::Done)
}

fn export(endpoint: &str) -> Result<Telemetry, Fault> {
    let endpoint = endpoint
        .parse()
        .map_err(|error| Fault::usage(format!("--otlp {endpoint} is no address: {error}")))?;
    Telemetry::start(Export {
        endpoint,
        headers: Vec::new(),
        service: "matricula".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: Some(owner::name()),
        share: 1.0,
    })
    .map_err(|error| Fault::usage(error.to_string()))
}

async fn serve(common: &Common, args: &ServeArgs) -> Result<(), Fault> {
    let metrics = Arc::new(Metrics::new(env!("CARGO_PKG_VERSION")));
    let watch = Arc::clone(&metrics) as _;
    let matricula = Arc::new(setup::open_watched(common, Some(watch))?);
    let mailer = mail::mailer(&args.mail)?;
    let courier = matricula.courier(mail::writer(&args.mail)?, mailer);
    let service = Service {
        pace: Pace {
            cycles: args.cycles.max(1),
            per_credential: args.cycles_per_credential.max(1),
            ..Pace::default()
        },
        retention_days: args.retention_days.max(1),
        gauge: Arc::clone(&metrics) as Arc<dyn Gauge>,
    };
    let readiness = Readiness::default();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = ApiOptions::new(clock, readiness.clone());
    let clock_of_sessions = Arc::clone(&options.clock);
    let (sessions, local) = sessions::open(args, &matricula, clock_of_sessions)?;
    let router = Api::new(Arc::clone(&matricula), metrics, sessions, options).router();
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        let message = format!("{} cannot be listened on: {error}", args.listen);
        Fault::new(Exit::Usage, "listen.failed", message)
            .with_hint("Give another address with --listen.")
    })?;
    let address = listener.local_addr().unwrap_or(args.listen);

    let (end, ending) = watch::channel(false);
    let mut told = ending.clone();
    let web = matricula_api::serve(listener, router, ending.clone());
    let notices = courier.run(async move {
        // A sender that is gone is an end as well.
        let _ = told.wait_for(|end| *end).await;
    });
    let schedule = matricula.serve(service, ending);
    let link = local.as_deref().map(|local| sessions::link(local, address));
    let link = link.transpose()?;
    match common.json {
        true => output::json(&json!({
            "listening": address.to_string(),
            "sign_in": link.as_ref().map(|link| link.as_str()),
        }))?,
        false => {
            output::text(&format!("Listening on http://{address}"))?;
            if let Some(link) = &link {
                output::text(&format!(
                    "Sign in within a quarter of an hour, once: {}",
                    link.as_str()
                ))?;
            }
        }
    }
    readiness.set(true);
    let all = async {
        let ((), (), schedule) = tokio::join!(web, notices, schedule);
        Ok::<_, Fault>(schedule?)
    };
    tokio::pin!(all);
    tokio::select! {
        ended = &mut all => return ended,
        signal = super::interruption() => {
            signal.map_err(|error| Fault::new(Exit::Unexpected, "signal.failed", error))?;
        }
    }
    tracing::info!("Ending: pages that are being written are committed.");
    readiness.set(false);
    // Whoever listens has a copy of the receiver.
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
}
