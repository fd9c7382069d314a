//! The simulated world: a hub, a loop that can be stopped and crashed, manifests as text, and the promises that hold at the end
//! of every scenario.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use hubkeeper::assembly::connect::AwsConnector;
use hubkeeper::assembly::pass::{ListingProves, OpenGate, SoleWriter};
use hubkeeper::assembly::time::{Dice, HouseClock};
use hubkeeper::aws::inprocess::InProcess;
use hubkeeper::core::hub_owner::{HubOwner, OWNER_TAG, SINCE_TAG};
use hubkeeper::core::ids::{AccountId, FindingKey, Kind, ObjectRef, Region};
use hubkeeper::core::objects::Desired;
use hubkeeper::core::status::{ComplianceStatus, WorkflowStatus};
use hubkeeper::engine::keeper::{Keeper, Purpose};
use hubkeeper::engine::ports::{
    Absence, Clock, Detail, Event, EventSink, ExceptionDetail, Fence, Figures, Gate, HubDetail, Meter, ObjectStatus,
    PolicyDetail, SinkError, StatusSink, World,
};
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::hub::{SuppressedOnPassed, Switches, UserFields};
use hubkeeper::local::options::Builder;
use hubkeeper::manifest::load;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// When every simulation begins.
pub const START: &str = "2026-12-01T08:00:00Z";

/// Findings that every simulated hub has besides those of its scenario: of EC2.2, which no scenario declares anything about.
pub const FILLERS: usize = 40;

/// A time after the beginning.
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What the loop said.
#[derive(Debug, Default)]
pub struct Heard {
    statuses: Mutex<BTreeMap<ObjectRef, ObjectStatus>>,
    events: Mutex<Vec<Event>>,
    figures: Mutex<Figures>,
    writes: Mutex<BTreeMap<ObjectRef, u64>>,
}

#[async_trait]
impl StatusSink for Heard {
    async fn write(&self, status: &ObjectStatus) -> Result<(), SinkError> {
        *self.writes.lock().unwrap().entry(status.object.clone()).or_default() += 1;
        self.statuses.lock().unwrap().insert(status.object.clone(), status.clone());
        Ok(())
    }

    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError> {
        Ok(self.statuses.lock().unwrap().keys().cloned().collect())
    }

    async fn forget(&self, object: &ObjectRef) -> Result<(), SinkError> {
        self.statuses.lock().unwrap().remove(object);
        Ok(())
    }
}

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }
}

impl Meter for Heard {
    fn record(&self, figures: Figures) {
        *self.figures.lock().unwrap() = figures;
    }
}

/// Plays a scenario under every reading of what AWS leaves unsaid and what matters to what we hold.
pub async fn everywhere(scenario: impl AsyncFn(Sim)) {
    for user_fields in [UserFields::Replace, UserFields::Merge] {
        for suppressed_on_passed in [SuppressedOnPassed::Stays, SuppressedOnPassed::Resolved] {
            let switches = Switches { user_fields, suppressed_on_passed, ..Switches::default() };
            let told = TellOnPanic(switches);
            scenario(Sim::with(Local::builder().switches(switches))).await;
            drop(told);
        }
    }
}

/// Says under which switches a scenario failed.
struct TellOnPanic(Switches);

impl Drop for TellOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("under {:?}", self.0);
        }
    }
}

/// The clock of the loop's machine, which somebody may set; the hub has its own.
#[derive(Debug)]
pub struct SetClock {
    house: HouseClock,
    by: Mutex<SignedDuration>,
}

impl SetClock {
    /// Sets it this much forward, or back.
    pub fn set(&self, by: SignedDuration) {
        *self.by.lock().unwrap() += by;
    }
}

#[async_trait]
impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.house.now() + *self.by.lock().unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.house.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        self.house.sleep(duration).await;
    }
}

/// The right to write, which the loop has until it is taken away.
#[derive(Debug, Default)]
pub struct Right {
    lost: AtomicBool,
}

impl Right {
    /// Takes it away, or gives it back.
    pub fn lose(&self, lost: bool) {
        self.lost.store(lost, Ordering::Relaxed);
    }
}

#[async_trait]
impl Fence for Right {
    async fn may_write(&self) -> bool {
        !self.lost.load(Ordering::Relaxed)
    }
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
            clock: Arc::new(SetClock { house: HouseClock::from(at(START), 1), by: Mutex::default() }),
            heard: Arc::default(),
            gate: Arc::new(OpenGate),
            right: Arc::default(),
            owner: HubOwner::files(),
            principal: "hubkeeper",
            latency: Duration::ZERO,
            absence: Arc::new(ListingProves),
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

    /// Calls of BatchUpdateFindings by the loop.
    pub fn writes(&self) -> u64 {
        self.local.count("BatchUpdateFindings").calls
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

    pub fn finding(&self, key: &FindingKey) -> serde_json::Value {
        self.local.finding(key).unwrap_or_else(|| panic!("no finding {key:?}"))
    }

    pub fn workflow(&self, key: &FindingKey) -> WorkflowStatus {
        WorkflowStatus::parse(self.finding(key)["Workflow"]["Status"].as_str().unwrap()).unwrap()
    }

    pub fn compliance(&self, key: &FindingKey) -> ComplianceStatus {
        ComplianceStatus::parse(self.finding(key)["Compliance"]["Status"].as_str().unwrap()).unwrap()
    }

    /// The owner in the marker, if the finding is held.
    pub fn held_for(&self, key: &FindingKey) -> Option<String> {
        let finding = self.finding(key);
        let fields = &finding["UserDefinedFields"];
        let held = fields["hubkeeper.dev/state"].as_str()?.starts_with("v1 held");
        held.then(|| fields["hubkeeper.dev/owner"].as_str().unwrap().to_owned())
    }

    /// What a person does in the console.
    pub fn person(&self, name: &str, key: &FindingKey, status: WorkflowStatus) {
        let answer = self.local.as_person(name).set_workflow(key, status).unwrap();
        assert!(answer.unprocessed_findings.is_empty(), "{answer:?}");
    }

    /// The loop's own figures, as metrics have them.
    pub fn figures(&self) -> Figures {
        *self.heard.figures.lock().unwrap()
    }

    pub fn status(&self, object: &str) -> ObjectStatus {
        let statuses = self.heard.statuses.lock().unwrap();
        statuses.get(&object.parse().unwrap()).unwrap_or_else(|| panic!("no status of {object}: {statuses:#?}")).clone()
    }

    /// The last status of every object, by its name.
    pub fn statuses(&self) -> BTreeMap<String, ObjectStatus> {
        self.heard.statuses.lock().unwrap().iter().map(|(object, status)| (object.to_string(), status.clone())).collect()
    }

    /// Whether the loop says that nothing is left to do.
    pub fn converged(&self) -> bool {
        self.heard.figures.lock().unwrap().converged
    }

    /// Reason of the Ready condition.
    pub fn ready(&self, object: &str) -> (Option<bool>, &'static str) {
        let status = self.status(object);
        let ready = status.conditions.iter().find(|condition| condition.kind == "Ready").unwrap();
        (ready.status, ready.reason)
    }

    /// Status and reason of a condition, if there is one of this kind.
    pub fn condition(&self, object: &str, kind: &str) -> Option<(Option<bool>, &'static str)> {
        let status = self.status(object);
        status.conditions.iter().find(|condition| condition.kind == kind).map(|found| (found.status, found.reason))
    }

    pub fn message(&self, object: &str) -> String {
        let status = self.status(object);
        status.conditions.iter().find(|condition| condition.kind == "Ready").unwrap().message.clone()
    }

    pub fn policy(&self, name: &str) -> PolicyDetail {
        match self.status(&format!("ControlPolicy/{name}")).detail {
            Detail::Policy(detail) => detail,
            other => panic!("{other:?}"),
        }
    }

    pub fn exception(&self, namespace: &str, name: &str) -> ExceptionDetail {
        match self.status(&format!("FindingException/{namespace}/{name}")).detail {
            Detail::Exception(detail) => detail,
            other => panic!("{other:?}"),
        }
    }

    pub fn events(&self) -> Vec<Event> {
        self.heard.events.lock().unwrap().clone()
    }

    /// Statuses written so far, but the hub's own: it tells since when every finding has been seen, so every audit writes it.
    pub fn status_writes(&self) -> u64 {
        let writes = self.heard.writes.lock().unwrap();
        writes.iter().filter(|(object, _)| object.kind != Kind::SecurityHub).map(|(_, count)| count).sum()
    }

    pub fn has_status(&self, object: &str) -> bool {
        self.heard.statuses.lock().unwrap().contains_key(&object.parse().unwrap())
    }

    pub fn hub_detail(&self) -> HubDetail {
        match self.status("SecurityHub/main").detail {
            Detail::Hub(detail) => detail,
            other => panic!("{other:?}"),
        }
    }

    /// Every workflow status that was ever set on a finding by an update, oldest first.
    pub fn workflows(&self, key: &FindingKey) -> Vec<String> {
        let history = self.local.as_person("auditor").history(key).unwrap();
        let updates = history.records.iter().rev().flat_map(|record| &record.updates);
        updates.filter(|update| update.updated_field == "Workflow.Status").filter_map(|u| u.new_value.clone()).collect()
    }

    /// The active finding of a control on a resource, whatever its id is by now.
    pub fn active(&self, control: &str, resource: &str) -> FindingKey {
        let findings = self.local.findings_json();
        let mut found = findings.iter().filter(|f| {
            f["RecordState"] == "ACTIVE" && f["Compliance"]["SecurityControlId"] == control && f["Resources"][0]["Id"] == resource
        });
        let finding = found.next().unwrap_or_else(|| panic!("no active finding of {control} on {resource}"));
        assert!(found.next().is_none(), "several active findings of {control} on {resource}");
        let text = |name: &str| finding[name].as_str().unwrap().to_owned();
        FindingKey { id: text("Id"), product_arn: text("ProductArn") }
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        if let Some((_, running)) = self.running.take() {
            running.abort();
        }
    }
}

/// Files as a source would read them, broken ones included.
pub fn parse_files(files: &[(&str, &str)]) -> Desired {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    load(directory.path()).desired
}

/// Manifests as a source would read them.
pub fn parse(manifests: &str) -> Desired {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("all.yaml"), manifests).unwrap();
    load(directory.path()).desired
}

/// A hub that allows everything, reads every quarter of an hour and knows its queue.
pub fn hub() -> String {
    hub_with("")
}

/// The same with more lines in its spec.
pub fn hub_with(more: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {{name: main}}
spec:
  homeRegion: eu-west-1
  syncIntervalSeconds: 900
  apiQuotaPercent: 100
  events: {{queueUrl: \"http://127.0.0.1:4600/111122223333/hubkeeper\"}}
  limits: {{maxFindings: 100000, maxPercent: 100}}
  approvalNamespaces: [sec-approvals]
{more}
"
    )
}

/// A policy with one rule.
pub fn policy(name: &str, rule: &str) -> String {
    policy_with(name, "", rule)
}

/// A policy with one rule and more lines in its spec.
pub fn policy_with(name: &str, more: &str, rule: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {{name: {name}}}
spec:
  mode: Enforce
{more}
  rules:
  - {rule}
"
    )
}

/// A guardrail that lets namespace `team` except everything in account 111122223333.
pub fn grant() -> String {
    "---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {name: team}
spec:
  namespaces: {names: [team]}
  grants: [{accounts: ['111122223333']}]
  effects: [Accept]
  maxDays: 180
  maxFindings: 1000
"
    .to_owned()
}

/// An exception in namespace `team`, in force from the beginning to `expires`.
pub fn exception(name: &str, target: &str, expires: &str) -> String {
    exception_with(name, "", target, expires)
}

/// The same with more lines in its spec.
pub fn exception_with(name: &str, more: &str, target: &str, expires: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {{name: {name}, namespace: team}}
spec:
  effect: Accept
  targets: [{target}]
  reason: CompensatingControl
  justification: seen with the team
  owner: team@example.com
  startsAt: \"2026-12-01T00:00:00Z\"
  expiresAt: \"{expires}\"
{more}
"
    )
}
