//! `run`: a directory of manifests, a state directory, AWS, telemetry; until told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pass::{AbortAt, AbortGate, ListingProves, OpenGate, SoleWriter};
use super::reach::Reach;
use super::run::{MeterOf, run};
use super::serve::{ListenError, serve};
use super::time::{Dice, HouseClock};
use crate::aws::quota::{Attempt, OnAttempt};
use crate::core::hub_owner::HubOwner;
use crate::core::objects::Desired;
use crate::engine::ports::{Clock, DesiredSource, Gate, Meter, SourceError, World};
use crate::manifest::source::DirectorySource;
use crate::manifest::status::{FileStatus, LockError, StateLock};
use crate::telemetry::events::Events;
use crate::telemetry::health::Readiness;
use crate::telemetry::metrics::Metrics;

pub use crate::telemetry::log::{Format, LogError};

/// Problems of manifests that are logged one by one; the rest is a count.
const TOLD: usize = 20;

/// What `run` is told.
#[derive(Debug, Clone)]
pub struct Keep {
    /// The directory of manifests.
    pub manifests: PathBuf,
    /// The lock and the status files.
    pub state: PathBuf,
    /// Where health and metrics are served; port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// By what name it owns hubs.
    pub owner: HubOwner,
    /// The way to AWS.
    pub reach: Reach,
    /// For crash tests: the process aborts at this passage of the gate.
    pub abort_at: Option<AbortAt>,
}

/// Why `run` cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The state directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// Starts logging to stderr.
pub fn log(format: Format, filter: &str) -> Result<(), LogError> {
    crate::telemetry::log::init(format, filter, Arc::new(HouseClock::system()))
}

/// Keeps every declared hub until `shutdown`. `listening` is told where health and metrics are served.
pub async fn keep(settings: Keep, shutdown: CancellationToken, listening: impl FnOnce(SocketAddr)) -> Result<(), KeepError> {
    let lock = StateLock::acquire(&settings.state)?;
    let clock: Arc<dyn Clock> = Arc::new(HouseClock::system());
    let gate: Arc<dyn Gate> = match settings.abort_at {
        Some(passage) => Arc::new(AbortGate::at(passage)),
        None => Arc::new(OpenGate),
    };
    let metrics = Metrics::new();
    let counted = metrics.clone();
    let on_attempt: OnAttempt = Arc::new(move |attempt: &Attempt<'_>| {
        counted.aws_request(attempt.operation.as_str(), attempt.code, attempt.throttled);
    });
    let metered = metrics.clone();
    let meter_of: MeterOf = Arc::new(move |hub: &str| Arc::new(metered.meter(hub)) as Arc<dyn Meter>);
    let world = World {
        owner: settings.owner,
        clock: Arc::clone(&clock),
        rng: Arc::new(Dice::fair()),
        gate: Arc::clone(&gate),
        fence: Arc::new(SoleWriter),
        status: Arc::new(FileStatus::new(&settings.state, Arc::clone(&clock))),
        events: Arc::new(Events::new(Arc::clone(&clock), metrics.clone())),
        meter: Arc::new(super::reach::Progress::none()),
        connector: Arc::new(settings.reach.connector(&clock, &gate, Some(on_attempt))),
        absence: Arc::new(ListingProves),
    };
    let readiness = Readiness::waiting("reading the manifests");
    let (tasks, served) = (TaskTracker::new(), CancellationToken::new());
    if let Some(address) = settings.listen {
        listening(serve(address, readiness.clone(), metrics, &tasks, served.clone()).await?);
    }
    let source = Box::new(Told(DirectorySource::new(&settings.manifests, Arc::clone(&clock))));
    run(world, meter_of, source, shutdown, || readiness.ready()).await;
    readiness.not_ready("stopping");
    served.cancel();
    tasks.close();
    tasks.wait().await;
    drop(lock);
    Ok(())
}

/// A directory that says in the log what is wrong with it.
struct Told(DirectorySource);

#[async_trait]
impl DesiredSource for Told {
    async fn next(&mut self) -> Result<Arc<Desired>, SourceError> {
        let desired = self.0.next().await?;
        let verdict = self.0.verdict();
        for problem in verdict.errors.iter().take(TOLD) {
            tracing::error!(place = problem.place(), "{}", problem.sentence());
        }
        for problem in verdict.warnings.iter().take(TOLD) {
            tracing::warn!(place = problem.place(), "{}", problem.sentence());
        }
        tracing::info!(
            objects = super::manifests::metas(&desired.objects).len(),
            errors = verdict.errors.len(),
            warnings = verdict.warnings.len(),
            "manifests are read"
        );
        Ok(desired)
    }
}
