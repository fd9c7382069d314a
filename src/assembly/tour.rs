//! The stage of `demo`: Security Hub Local in this process, the shipped loop on it, and a second client that counts what the
//! hub has. Everything goes through the AWS SDK; only the console's clicks and the service's own checks are made directly.
//!
//! `cluster` is the stage of `demo --cluster`; `seen` is the second client of both.

pub mod cluster;
mod seen;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connect::AwsConnector;
use super::look::{LookError, Surveyed, look_in};
use super::pass::{ListingProves, OpenGate, SoleWriter};
use super::reach::{Progress, Silent};
use super::run::{MeterOf, run};
use super::time::Dice;
use crate::aws::inprocess::InProcess;
use crate::core::hub_owner::HubOwner;
use crate::core::ids::{AccountId, FindingKey};
use crate::core::status::{ComplianceStatus, WorkflowStatus};
use crate::engine::ports::{AwsFailure, Clock, Figures, Meter, World};
use crate::local::clock::{LocalClock, Speed};
use crate::local::{Local, LocalOptions};
use crate::manifest::source::DirectorySource;
use crate::manifest::{Loaded, load};

use seen::Observer;
pub use seen::{Seen, held};

/// How the stage is set.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Stage {
    pub findings: usize,
    pub accounts: usize,
    pub regions: usize,
    pub seed: u64,
    /// How many times as fast as the wall clock the hub's clock goes.
    pub factor: u32,
}

/// Why the tour cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TourError {
    /// The hub cannot be made.
    #[error("failed to make the organization: {0}")]
    Stage(#[from] crate::core::ids::IdError),
    /// The manifests cannot be written.
    #[error("failed to write the manifests to {path}: {source}")]
    Files {
        /// Where.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The manifests are wrong.
    #[error("failed to load the manifests: {0}")]
    Manifests(String),
    /// The hub answered with an error.
    #[error(transparent)]
    Aws(#[from] AwsFailure),
    /// The survey failed.
    #[error(transparent)]
    Look(#[from] LookError),
    /// A person's click or the service's check did not go through.
    #[error("failed to change a finding of the local hub: {0}")]
    Local(String),
    /// The hub did not come to what was awaited.
    #[error("failed to see {0} within {1} s")]
    Late(String, u64),
    /// The control plane does not run.
    #[error(transparent)]
    ControlPlane(#[from] crate::controlplane::Error),
    /// What kubectl said.
    #[error("failed to run kubectl {0}: {1}")]
    Kubectl(String, String),
    /// The API server refused what was asked.
    #[error("failed to ask the API server: {0}")]
    ApiServer(#[from] kube::Error),
    /// Hubkeeper does not run in the cluster.
    #[error(transparent)]
    Lead(#[from] super::lead::LeadError),
    /// A socket, a folder or a process.
    #[error("failed to {0}: {1}")]
    Io(String, std::io::Error),
    /// Somebody stopped it.
    #[error("failed to finish the tour: interrupted")]
    Interrupted,
}

/// Security Hub Local with somebody who keeps it.
pub struct Tour {
    local: Local,
    manifests: PathBuf,
    directory: PathBuf,
    observer: Observer,
    figures: Arc<Mutex<Figures>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl std::fmt::Debug for Tour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tour").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Tour {
    /// Makes the hub, showing `start` and filled with findings, and an empty directory for manifests.
    pub async fn new(stage: &Stage, start: Timestamp, stop: CancellationToken) -> Result<Self, TourError> {
        let local = Local::new(LocalOptions {
            findings: stage.findings,
            accounts: stage.accounts,
            regions: stage.regions,
            seed: stage.seed,
            speed: Speed::Accelerated(stage.factor),
            ..LocalOptions::new(start)
        })?;
        let directory = std::env::temp_dir().join(format!("hubkeeper-demo-{}", std::process::id()));
        let manifests = directory.join("manifests");
        let failed = |source| TourError::Files { path: manifests.display().to_string(), source };
        std::fs::create_dir_all(&manifests).map_err(failed)?;
        let observer = Observer::of(&local).await?;
        let (figures, tasks) = (Arc::default(), TaskTracker::new());
        Ok(Self { local, manifests, directory, observer, figures, tasks, stop })
    }

    /// Now, by the hub's clock.
    pub fn now(&self) -> Timestamp {
        self.local.clock().now()
    }

    /// The administrator's account.
    pub fn administrator(&self) -> AccountId {
        self.local.administrator()
    }

    /// The URL of the event queue.
    pub fn queue_url(&self) -> String {
        self.local.event_queue_url()
    }

    /// Home Region first.
    pub fn regions(&self) -> Vec<String> {
        self.local.organization().regions().map(ToString::to_string).collect()
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> usize {
        self.local.organization().accounts().count()
    }

    /// Writes a manifest.
    #[expect(clippy::disallowed_methods, reason = "the edge: manifests are files")]
    pub fn write(&self, name: &str, text: &str) -> Result<(), TourError> {
        let path = self.manifests.join(name);
        std::fs::write(&path, text).map_err(|source| TourError::Files { path: path.display().to_string(), source })
    }

    /// Reads what was written, as every command does.
    pub fn load(&self) -> Loaded {
        load(&self.manifests)
    }

    /// Where the manifests are.
    pub fn manifests(&self) -> &Path {
        &self.manifests
    }

    fn world(&self) -> World {
        let clock: Arc<dyn Clock> = Arc::new(HubTime(self.local.clock().clone()));
        let figures = Arc::clone(&self.figures);
        World {
            owner: HubOwner::files(),
            clock,
            rng: Arc::new(Dice::fair()),
            gate: Arc::new(OpenGate),
            fence: Arc::new(SoleWriter),
            status: Arc::new(Silent),
            events: Arc::new(Silent),
            meter: Arc::new(Progress::new(move |now| *lock(&figures) = now, || {})),
            connector: Arc::new(connector(&self.local, "hubkeeper")),
            absence: Arc::new(ListingProves),
        }
    }

    /// Reads the hub and decides; writes nothing.
    pub async fn plan(&self, hub: &str) -> Result<Surveyed, TourError> {
        let loaded = self.load();
        if let Some(problem) = loaded.verdict.errors.first() {
            return Err(TourError::Manifests(problem.to_string()));
        }
        Ok(look_in(self.world(), Arc::new(loaded.desired), hub, self.stop.clone()).await?)
    }

    /// Starts `run` on the directory.
    pub fn start(&self) {
        let world = self.world();
        let (clock, meter) = (Arc::clone(&world.clock), Arc::clone(&world.meter));
        let meter_of: MeterOf = Arc::new(move |_: &str| Arc::clone(&meter) as Arc<dyn Meter>);
        let source = Box::new(DirectorySource::new(&self.manifests, clock));
        let stop = self.stop.clone();
        self.tasks.spawn(async move { run(world, meter_of, source, stop, || {}).await });
    }

    /// The loop's figures: for progress only.
    pub fn figures(&self) -> Figures {
        *lock(&self.figures)
    }

    /// Waits real time; an error if the tour is stopped meanwhile.
    pub async fn pause(&self, wait: Duration) -> Result<(), TourError> {
        tokio::select! {
            () = self.stop.cancelled() => Err(TourError::Interrupted),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Every finding, read with GetFindings.
    pub async fn read(&self) -> Result<Vec<Seen>, TourError> {
        self.observer.read().await
    }

    /// One finding, read with GetFindings.
    pub async fn read_one(&self, key: &FindingKey) -> Result<Option<Seen>, TourError> {
        self.observer.read_one(key).await
    }

    /// What `alice` does in the console.
    pub fn click(&self, person: &str, key: &FindingKey, status: WorkflowStatus) -> Result<(), TourError> {
        let answer =
            self.local.as_person(person).set_workflow(key, status).map_err(|error| TourError::Local(error.to_string()))?;
        match answer.unprocessed_findings.first() {
            None => Ok(()),
            Some(refused) => Err(TourError::Local(format!("{refused:?}"))),
        }
    }

    /// The service archives a finding and makes a new one for the same problem.
    pub fn recreate(&self, key: &FindingKey) -> Result<FindingKey, TourError> {
        let made = self.local.recreate(key, ComplianceStatus::Failed);
        made.ok_or_else(|| TourError::Local(format!("there is no finding {}", key.id)))
    }

    /// Stops the loop and removes the directory.
    pub async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Tour {
    fn drop(&mut self) {
        // What is left in the system's temporary directory does no harm.
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn lock(figures: &Mutex<Figures>) -> MutexGuard<'_, Figures> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The way of one principal to the local hub.
fn connector(local: &Local, principal: &str) -> AwsConnector {
    let credentials = Credentials::new(local.administrator().to_string(), principal, None, None, "demo");
    AwsConnector {
        clock: Arc::new(HubTime(local.clock().clone())),
        rng: Arc::new(Dice::fair()),
        gate: Arc::new(OpenGate),
        fence: Arc::new(SoleWriter),
        http: Some(SharedHttpClient::new(InProcess::new(local.router()))),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        endpoint: "http://127.0.0.1:4600".parse().ok(),
        profile: None,
        on_attempt: None,
        feed: true,
        longest: None,
    }
}

/// The hub's clock as everybody's.
#[derive(Debug, Clone)]
struct HubTime(LocalClock);

#[async_trait]
impl Clock for HubTime {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }
}
