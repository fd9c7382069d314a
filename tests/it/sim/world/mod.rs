//! The simulated world: a hub, a loop that can be stopped and crashed, manifests as text, and the promises that hold at the end
//! of every scenario.

mod heard;
mod looks;
mod manifests;
mod parts;
mod readings;

use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use hubkeeper::assembly::connect::AwsConnector;
use hubkeeper::assembly::pass::{ListingProves, OpenGate, SoleWriter};
use hubkeeper::assembly::time::Dice;
use hubkeeper::aws::inprocess::InProcess;
use hubkeeper::core::hub_owner::{HubOwner, OWNER_TAG, SINCE_TAG};
use hubkeeper::core::ids::{AccountId, FindingKey, Region};
use hubkeeper::core::objects::Desired;
use hubkeeper::core::status::WorkflowStatus;
use hubkeeper::engine::keeper::{Keeper, Purpose};
use hubkeeper::engine::ports::{Absence, Detail, Gate, ObjectStatus, World};
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::options::Builder;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use self::heard::Heard;
pub use self::manifests::{exception, exception_with, grant, hub, hub_with, parse, parse_files, policy, policy_with};
pub use self::parts::{Right, SetClock};
pub use self::readings::{both_ways, both_ways_with, everywhere, everywhere_with};

/// When every simulation begins.
pub const START: &str = "2026-12-01T08:00:00Z";

/// Findings that every simulated hub has besides those of its scenario: of EC2.2, which no scenario declares anything about.
pub const FILLERS: usize = 40;

/// A time after the beginning.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A hub and whoever keeps it.
pub struct Sim {
    pub local: Local,
    pub clock: Arc<SetClock>,
    pub heard: Arc<Heard>,
    pub gate: Arc<dyn Gate>,
    /// Whether the loop may write.
    pub right: Arc<Right>,
    /// By what name the loop owns hubs.
    pub owner: HubOwner,
    /// Whose calls the loop's are, in the hub's books.
    pub principal: &'static str,
    /// How long every call takes.
    pub latency: Duration,
    /// Who is asked whether an owner is really gone.
    pub absence: Arc<dyn Absence>,
    /// Whether others have used the account's quota up whenever the loop starts.
    pub crowded: bool,
    desired: watch::Sender<Arc<Desired>>,
    running: Option<(CancellationToken, JoinHandle<Keeper>)>,
}

impl Sim {
    /// A hub without findings, and nobody who keeps it yet.
    pub fn new() -> Self {
        Self::with(Local::builder())
    }

    /// A hub as the builder says; its clock is the simulation's.
    pub fn with(builder: Builder) -> Self {
        fastrand::seed(7);
        let local = builder.start(at(START)).speed(Speed::Real).build().unwrap();
        let (desired, _) = watch::channel(Arc::default());
        let sim = Self {
            local,
            clock: Arc::new(SetClock::from(at(START))),
            heard: Arc::default(),
            gate: Arc::new(OpenGate),
            right: Arc::default(),
            owner: HubOwner::files(),
            principal: "hubkeeper",
            latency: Duration::ZERO,
            absence: Arc::new(ListingProves),
            crowded: false,
            desired,
            running: None,
        };
        // Limits are a share too: a change of one finding is a small one only among others.
        for number in 0..FILLERS {
            sim.fail("EC2.2", "AwsEc2SecurityGroup", &format!("arn:aws:ec2:eu-west-1:111122223333:security-group/sg-{number}"));
        }
        sim
    }

    /// Another loop on the same hub, that owns hubs by another name and is told apart in the hub's books.
    pub fn rival(&self, owner: &str, principal: &'static str) -> Self {
        let (desired, _) = watch::channel(Arc::default());
        Self {
            local: self.local.clone(),
            clock: self.clock.clone(),
            heard: Arc::default(),
            gate: Arc::new(OpenGate),
            right: Arc::default(),
            owner: owner.parse().unwrap(),
            principal,
            latency: Duration::ZERO,
            absence: self.absence.clone(),
            crowded: self.crowded,
            desired,
            running: None,
        }
    }

    /// Whose the hub at home is, by its tag.
    pub fn owned_by(&self) -> Option<String> {
        self.local.as_person("auditor").hub_tags().unwrap().remove(OWNER_TAG)
    }

    /// Makes the hub at home another's, or ours.
    pub fn give_to(&self, owner: &str) {
        self.local.as_person("alice").tag_hub(&[(OWNER_TAG, owner), (SINCE_TAG, "2026-11-30T12:00:00Z")]).unwrap();
    }

    /// Declares these manifests, as one directory of one file.
    pub fn declare(&mut self, manifests: &str) {
        let desired = parse(manifests);
        assert!(desired.broken.is_empty(), "{:#?}", desired.broken);
        self.declare_as(desired);
    }

    /// Declares whatever a source may say, broken objects included.
    pub fn declare_as(&mut self, desired: Desired) {
        self.desired.send_replace(Arc::new(desired));
    }

    pub fn world(&self) -> World {
        let latency = self.latency;
        let router = self.local.router().layer(axum::middleware::from_fn(
            move |request: axum::extract::Request, next: axum::middleware::Next| async move {
                tokio::time::sleep(latency).await;
                next.run(request).await
            },
        ));
        let connector = AwsConnector {
            clock: self.clock.clone(),
            rng: Arc::new(Dice::seeded(11)),
            gate: self.gate.clone(),
            fence: Arc::new(SoleWriter),
            http: Some(SharedHttpClient::new(InProcess::new(router))),
            credentials: Some(SharedCredentialsProvider::new(Credentials::new(
                self.local.administrator().to_string(),
                self.principal,
                None,
                None,
                "simulation",
            ))),
            endpoint: Some("http://127.0.0.1:4600".parse().unwrap()),
            profile: None,
            on_attempt: None,
            feed: true,
            longest: None,
        };
        World {
            owner: self.owner.clone(),
            clock: self.clock.clone(),
            rng: Arc::new(Dice::seeded(13)),
            gate: self.gate.clone(),
            fence: self.right.clone(),
            status: self.heard.clone(),
            events: self.heard.clone(),
            meter: self.heard.clone(),
            connector: Arc::new(connector),
            absence: self.absence.clone(),
        }
    }

    /// Starts a loop for hub `main`.
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "one loop at a time");
        if self.crowded {
            readings::crowd(&self.local);
        }
        let stop = CancellationToken::new();
        let keeper = Keeper::new(self.world(), "main", Purpose::Keep);
        let running = tokio::spawn(keeper.run(self.desired.subscribe(), stop.clone()));
        self.running = Some((stop, running));
    }

    /// Asks the loop to end, and waits for it.
    pub async fn stop(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            stop.cancel();
            running.await.unwrap();
        }
    }

    /// Ends the loop because its SecurityHub is gone for good.
    pub async fn remove(&mut self) {
        if let Some((stop, running)) = self.running.take() {
            stop.cancel();
            running.await.unwrap().let_go().await;
        }
    }

    /// Ends the loop as a power cut would.
    pub async fn crash(&mut self) {
        if let Some((_, running)) = self.running.take() {
            running.abort();
            let _ = running.await;
        }
    }

    /// Lets time pass.
    pub async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    /// Lets time pass until the loop has nothing left to do; fails after a virtual hour.
    pub async fn settle(&self) {
        let mut quiet = 0;
        for _ in 0..1800 {
            self.pass(2).await;
            let figures = *self.heard.figures.lock().unwrap();
            quiet = if figures.converged { quiet + 1 } else { 0 };
            if quiet >= 3 {
                return;
            }
        }
        panic!(
            "not converged after an hour: {:?}\n{:#?}",
            self.heard.figures.lock().unwrap(),
            self.heard.statuses.lock().unwrap()
        );
    }

    /// I6: nothing is written any more, neither to findings nor to statuses, over five audits.
    pub async fn assert_stays(&self) {
        let writes = self.writes();
        let state = self.local.findings_json();
        // Counters of statuses lag by a minute.
        self.pass(125).await;
        let (statuses, status_writes) = (self.timeless_statuses(), self.status_writes());
        self.pass(5 * 900).await;
        assert_eq!(self.writes(), writes, "the loop goes on writing after it converged");
        assert_eq!(self.local.findings_json(), state);
        assert_eq!(self.timeless_statuses(), statuses);
        assert_eq!(self.status_writes(), status_writes, "statuses are written although nothing changes");
    }

    /// All statuses, without the times of a hub's reads.
    fn timeless_statuses(&self) -> Vec<ObjectStatus> {
        let mut statuses: Vec<ObjectStatus> = self.heard.statuses.lock().unwrap().values().cloned().collect();
        for status in &mut statuses {
            if let Detail::Hub(detail) = &mut status.detail {
                (detail.last_full_sync, detail.proven_since) = (None, None);
            }
        }
        statuses
    }

    /// A failed check, as the service would report it.
    pub fn fail(&self, control: &str, resource_type: &str, resource: &str) -> FindingKey {
        self.fail_in(self.local.administrator(), self.local.home().clone(), control, resource_type, resource)
    }

    /// The same in another account or Region.
    pub fn fail_in(&self, account: AccountId, region: Region, control: &str, resource_type: &str, resource: &str) -> FindingKey {
        let finding = ControlFinding::failed(account, region, control, resource_type, resource, self.now());
        let key = FindingKey { id: finding.id(), product_arn: finding.product_arn() };
        let answer = self.local.import(vec![finding.document()]).unwrap();
        assert_eq!(answer.failed_count, 0, "{answer:?}");
        key
    }

    pub fn now(&self) -> Timestamp {
        self.local.clock().now()
    }

    /// What a person does in the console.
    pub fn person(&self, name: &str, key: &FindingKey, status: WorkflowStatus) {
        let answer = self.local.as_person(name).set_workflow(key, status).unwrap();
        assert!(answer.unprocessed_findings.is_empty(), "{answer:?}");
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some((_, running)) = self.running.take() {
            running.abort();
        }
    }
}
