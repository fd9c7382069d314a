//! The stage of `demo`: Security Hub Local in this process, the shipped loop on it, and a second client that counts what the
//! hub has. Everything goes through the AWS SDK; only the console's clicks and the service's own checks are made directly.

use std::collections::BTreeMap;
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
use crate::core::doc::{Doc, Page};
use crate::core::hub_owner::HubOwner;
use crate::core::ids::{AccountId, FindingKey};
use crate::core::marker::{Hold, Marker};
use crate::core::objects::HubSpec;
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};
use crate::engine::ports::{AwsFailure, Clock, Connector as _, Figures, HubPorts, Meter, PageRequest, ReadFilter, World};
use crate::local::clock::{LocalClock, Speed};
use crate::local::{Local, LocalOptions};
use crate::manifest::source::DirectorySource;
use crate::manifest::{Loaded, load};

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
    /// Somebody stopped it.
    #[error("failed to finish the tour: interrupted")]
    Interrupted,
}

/// A finding, as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Seen {
    pub key: FindingKey,
    pub account: String,
    pub region: String,
    pub control: Option<String>,
    pub resource: String,
    pub standards: Vec<String>,
    pub workflow: WorkflowStatus,
    pub failed: bool,
    pub archived: bool,
    /// Who holds it, if its marker says so and its status is the marker's.
    pub held_by: Option<String>,
    /// Whether there is a marker at all.
    pub marked: bool,
    pub note: Option<String>,
}

impl Seen {
    fn of(doc: &Doc<'_>) -> Self {
        let field = |name: &str| doc.user_defined_fields.iter().find(|(key, _)| key.0 == name).map(|(_, value)| value.0.as_ref());
        let (owner, state) = (field(crate::core::marker::OWNER_KEY), field(crate::core::marker::STATE_KEY));
        let marker = Marker::read(owner, state).ok().flatten();
        let workflow = doc.workflow.as_ref().and_then(|workflow| workflow.status).unwrap_or(WorkflowStatus::New);
        let compliance = doc.compliance.as_ref();
        let standards = compliance.map(|c| c.associated_standards.iter().map(|s| s.standards_id.to_string()).collect());
        Self {
            key: FindingKey { id: doc.id.to_string(), product_arn: doc.product_arn.to_string() },
            account: doc.aws_account_id.to_string(),
            region: doc.region.as_ref().map(|region| region.to_string()).unwrap_or_default(),
            control: doc.control_id().map(str::to_owned),
            resource: doc.resources.first().map(|resource| resource.id.to_string()).unwrap_or_default(),
            standards: standards.unwrap_or_default(),
            workflow,
            failed: compliance.and_then(|compliance| compliance.status) == Some(ComplianceStatus::Failed),
            archived: doc.record_state == RecordState::Archived,
            held_by: marker
                .as_ref()
                .filter(|marker| marker.hold == Hold::Held && marker.is_ours(workflow))
                .map(|marker| marker.owner.to_string()),
            marked: marker.is_some(),
            note: doc.note.as_ref().map(|note| note.text.to_string()),
        }
    }
}

/// Security Hub Local with somebody who keeps it.
pub struct Tour {
    local: Local,
    manifests: PathBuf,
    directory: PathBuf,
    observer: HubPorts,
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
        let spec = HubSpec {
            home_region: local.home().clone(),
            linked_regions: None,
            role: None,
            queue_url: None,
            sync_interval_seconds: 86_400,
            freshness_seconds: 300,
            api_quota_percent: 40,
            limits: crate::core::objects::Limits { max_findings: 1, max_percent: 1 },
            approval_namespaces: Vec::new(),
            control_groups: Vec::new(),
            suspend: false,
        };
        let observer = connector(&local, "ops").connect(&spec).await?;
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
        self.pages(ReadFilter::default()).await
    }

    /// One finding, read with GetFindings.
    pub async fn read_one(&self, key: &FindingKey) -> Result<Option<Seen>, TourError> {
        Ok(self.pages(ReadFilter { ids: vec![key.id.clone()], ..ReadFilter::default() }).await?.pop())
    }

    async fn pages(&self, filter: ReadFilter) -> Result<Vec<Seen>, TourError> {
        let unreadable = |error: &dyn std::fmt::Display| TourError::Local(format!("an answer does not parse: {error}"));
        let mut request = PageRequest { region: self.local.home().clone(), filter, order: None, token: None, size: 100 };
        let mut seen = Vec::new();
        loop {
            let bytes = self.observer.read.page(&request).await?;
            let page: Page<'_> = serde_json::from_slice(&bytes).map_err(|error| unreadable(&error))?;
            for raw in &page.findings {
                let doc: Doc<'_> = serde_json::from_str(raw.get()).map_err(|error| unreadable(&error))?;
                seen.push(Seen::of(&doc));
            }
            request.token = page.next_token.map(|token| token.to_string());
            if request.token.is_none() {
                return Ok(seen);
            }
        }
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

/// How many findings each owner holds.
pub fn held(seen: &[Seen]) -> BTreeMap<&str, usize> {
    let mut held = BTreeMap::new();
    for owner in seen.iter().filter_map(|finding| finding.held_by.as_deref()) {
        *held.entry(owner).or_default() += 1;
    }
    held
}
