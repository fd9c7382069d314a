//! Plays steps against a world, through crashes, and says how the hub ended.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::marker::{Marker, OWNER_KEY, STATE_KEY};
use hubkeeper::core::status::{ComplianceStatus, WorkflowStatus};
use hubkeeper::engine::ports::{Detail, ObjectStatus};
use hubkeeper::local::Local;
use hubkeeper::local::faults::Faults;
use serde_json::Value;

use super::gate::Passages;
use crate::sim::world::{Sim, at};

/// Seconds between two audits of the hubs declared here.
pub const CYCLE: u64 = 120;
/// How many of them nothing may be written in.
pub const CYCLES: u64 = 5;

/// A hub that is audited every two minutes.
pub fn hub(max_findings: u32) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {{name: main}}
spec:
  homeRegion: eu-west-1
  syncIntervalSeconds: {CYCLE}
  freshnessSeconds: 60
  apiQuotaPercent: 100
  events: {{queueUrl: \"http://127.0.0.1:4600/111122223333/hubkeeper\"}}
  limits: {{maxFindings: {max_findings}, maxPercent: 100}}
  approvalNamespaces: [sec-approvals]
"
    )
}

/// Something that happens to the world.
#[derive(Debug, Clone)]
pub enum Step {
    /// This, and the hub, is all that is declared from now on.
    Declare(String),
    /// What is over the limits of this policy is approved, by a manifest beside the others.
    Approve(&'static str),
    /// A check fails: a finding by this name.
    Fail(&'static str, &'static str, &'static str),
    /// A person sets the workflow status.
    Person(&'static str, WorkflowStatus),
    /// A person writes a note.
    Note(&'static str),
    /// The check runs again.
    Check(&'static str, ComplianceStatus),
    /// The problem gets a new finding, under the second name.
    Recreate(&'static str, &'static str),
    /// Nothing, until this time.
    Until(&'static str),
}

/// When a crashed process is started again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// After some seconds.
    Soon,
    /// After the next step has happened.
    Late,
}

/// How the world ended.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    /// What every finding shows, by name; without times.
    pub findings: BTreeMap<String, String>,
    /// What every object says; without times.
    pub statuses: BTreeMap<String, ObjectStatus>,
    /// How often we wrote each finding.
    pub writes: BTreeMap<String, usize>,
}

/// A world in motion.
pub struct Play {
    pub sim: Sim,
    pub gate: Arc<Passages>,
    pub names: BTreeMap<String, FindingKey>,
    manifests: String,
    max_findings: u32,
    back: Back,
    down: bool,
}

impl Play {
    pub fn new(gate: Passages, back: Back, faults: Faults) -> Self {
        let mut sim = Sim::with(Local::builder().record_calls(false).faults(faults));
        let gate = Arc::new(gate);
        sim.gate = gate.clone();
        Self { sim, gate, names: BTreeMap::new(), manifests: String::new(), max_findings: 100_000, back, down: true }
    }

    pub fn key(&self, name: &str) -> FindingKey {
        self.names.get(name).unwrap_or_else(|| panic!("no finding named {name}")).clone()
    }

    /// With a hub where so many findings may change in an hour.
    pub fn limited(mut self, max_findings: u32) -> Self {
        self.max_findings = max_findings;
        self
    }

    pub fn declare(&mut self, manifests: &str) {
        manifests.clone_into(&mut self.manifests);
        let all = hub(self.max_findings) + &self.manifests;
        self.sim.declare(&all);
    }

    /// Ends the process in good order and starts another.
    pub async fn restart(&mut self) {
        if !self.down {
            self.gate.calm();
            self.sim.stop().await;
            self.down = true;
        }
        self.up();
    }

    /// A process that starts from nothing finds nothing to write.
    pub async fn fresh(&mut self) -> Result<(), String> {
        let state = self.sim.local.findings_json();
        self.sim.crash().await;
        self.down = true;
        self.up();
        let writes = self.sim.writes();
        self.settle().await;
        self.pass(2 * CYCLE).await;
        match self.sim.writes() - writes {
            0 => Ok(()),
            more => {
                let after = self.sim.local.findings_json();
                let changed = state.iter().zip(&after).filter(|(before, after)| before != after);
                let told: Vec<String> =
                    changed.map(|(before, after)| format!("{}\n  -> {}", shown(before), shown(after))).collect();
                Err(format!("a process that starts from nothing writes {more} times\n  {}", told.join("\n  ")))
            }
        }
    }

    /// Starts the process, if it does not run.
    pub fn up(&mut self) {
        if std::mem::take(&mut self.down) {
            self.gate.revive();
            self.sim.start();
        }
    }

    /// Does one step, and waits until its consequences are through.
    pub async fn step(&mut self, step: &Step) {
        match step {
            Step::Declare(manifests) => self.declare(manifests),
            Step::Approve(policy) => {
                // Approving takes the digest from the status, so the process has to be there to say it.
                self.up();
                self.held(policy).await;
                let manifests = self.manifests.clone() + &self.approvals(policy);
                self.declare(&manifests);
            }
            Step::Fail(name, control, resource) => {
                let kind = if control.starts_with("S3") { "AwsS3Bucket" } else { "AwsEc2SecurityGroup" };
                let key = self.sim.fail(control, kind, resource);
                self.names.insert((*name).to_owned(), key);
            }
            Step::Person(name, status) => self.sim.person("alice", &self.key(name), *status),
            Step::Note(name) => {
                self.sim.local.as_person("alice").set_note(&self.key(name), "seen by alice").unwrap();
            }
            Step::Check(name, compliance) => {
                assert!(self.sim.local.check(&self.key(name), *compliance));
            }
            Step::Recreate(name, new) => {
                let key = self.sim.local.recreate(&self.key(name), ComplianceStatus::Failed).unwrap();
                self.names.insert((*new).to_owned(), key);
            }
            Step::Until(time) => {
                let left = at(time).duration_since(self.sim.now());
                // Behind a lag, earlier steps may have taken longer than this.
                self.pass(u64::try_from(left.as_secs()).unwrap_or(0)).await;
            }
        }
        if !matches!(step, Step::Fail(..) | Step::Note(_)) {
            self.up();
            self.settle().await;
        }
    }

    /// Waits until something of this policy is over its limits: whatever the hub answers, an audit later it is.
    async fn held(&mut self, policy: &str) {
        for _ in 0..20 {
            self.settle().await;
            self.up();
            let status = self.sim.statuses().remove(&format!("ControlPolicy/{policy}"));
            if matches!(status.map(|status| status.detail), Some(Detail::Policy(detail)) if !detail.limit_holds.is_empty()) {
                return;
            }
            self.pass(30).await;
        }
        panic!("nothing of {policy} is over a limit");
    }

    fn approvals(&self, policy: &str) -> String {
        let mut manifests = String::new();
        for (n, hold) in self.sim.policy(policy).limit_holds.iter().enumerate() {
            write!(
                manifests,
                "---
apiVersion: hubkeeper.dev/v1alpha1
kind: Approval
metadata: {{name: a{n}, namespace: sec-approvals}}
spec:
  subject: {{kind: ControlPolicy, name: {policy}}}
  digest: \"{}\"
  decision: Approve
  approver: alice
  reason: seen with the team
  maxFindings: {}
",
                hold.digest, hold.ceiling
            )
            .unwrap();
        }
        manifests
    }

    /// Lets time pass; a crash meanwhile is followed by a new process, sooner or later.
    pub async fn pass(&mut self, seconds: u64) {
        let until = tokio::time::Instant::now() + std::time::Duration::from_secs(seconds);
        loop {
            let gate = Arc::clone(&self.gate);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(until) => return,
                () = gate.crashed(), if !self.down => {
                    self.sim.crash().await;
                    self.down = true;
                    if self.back == Back::Soon {
                        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
                        self.up();
                    }
                }
            }
        }
    }

    /// Lets time pass until nothing is left to do, or nothing was written for two minutes: over a limit there is always
    /// something left.
    pub async fn settle(&mut self) {
        // Behind a hub that shows old states there is no telling before an audit after the lag.
        let lag = self.sim.local.faults().lag_millis.div_ceil(1000);
        if lag > 0 {
            self.pass(lag + 2 * CYCLE).await;
        }
        let (mut quiet, mut idle, mut writes) = (0, 0, self.sim.writes());
        for _ in 0..900 {
            self.pass(2).await;
            if self.down {
                return;
            }
            let now = self.sim.writes();
            idle = if now == writes { idle + 1 } else { 0 };
            quiet = if self.sim.converged() { quiet + 1 } else { 0 };
            writes = now;
            if quiet >= 3 || idle >= 60 {
                return;
            }
        }
        panic!("something is written again and again for half an hour");
    }

    /// The end of the steps: whatever is down comes up, and everything settles.
    pub async fn rest(&mut self) {
        self.up();
        self.settle().await;
        // A blow may have fallen while settling.
        self.up();
        self.settle().await;
        // Counters of statuses lag by a minute, and one that could not be written by another.
        self.pass(130).await;
        self.up();
        self.settle().await;
    }

    /// I6: nothing is written over several audits.
    pub async fn stays(&mut self) -> Result<(), String> {
        let (writes, state) = (self.sim.writes(), self.sim.local.findings_json());
        self.pass(CYCLES * CYCLE).await;
        if self.sim.writes() != writes {
            return Err(format!("I6: {} more writes in {CYCLES} cycles", self.sim.writes() - writes));
        }
        if self.sim.local.findings_json() != state {
            return Err("I6: the hub changes although nothing is written".to_owned());
        }
        Ok(())
    }

    pub fn end(&self) -> End {
        let findings = self.names.iter().map(|(name, key)| (name.clone(), shown(&self.sim.finding(key)))).collect();
        let writes = self.names.iter().map(|(name, key)| (name.clone(), own_writes(&self.sim.local, key))).collect();
        let mut statuses = self.sim.statuses();
        for status in statuses.values_mut() {
            if let Detail::Hub(detail) = &mut status.detail {
                detail.last_full_sync = None;
                detail.proven_since = None;
            }
        }
        End { findings, statuses, writes }
    }
}

/// The marker of a finding.
pub fn marker(finding: &Value) -> Option<Marker> {
    let fields = &finding["UserDefinedFields"];
    Marker::read(fields[OWNER_KEY].as_str(), fields[STATE_KEY].as_str()).unwrap()
}

/// What people see of a finding and what we remember by it, without times.
fn shown(finding: &Value) -> String {
    let marker = marker(finding).map(|marker| {
        let Marker { owner, hold, set, prior, at: _, deletion, digest, again } = marker;
        format!("{owner} {hold:?} set={set} prior={prior} {deletion:?} {digest} again={again}")
    });
    format!(
        "{} {} {} | {} | {}",
        finding["RecordState"].as_str().unwrap(),
        finding["Compliance"]["Status"].as_str().unwrap(),
        finding["Workflow"]["Status"].as_str().unwrap(),
        marker.unwrap_or_else(|| "no marker".to_owned()),
        finding["Note"]["Text"].as_str().unwrap_or("no note"),
    )
}

/// How often we changed this finding.
pub fn own_writes(local: &Local, key: &FindingKey) -> usize {
    let history = local.as_person("auditor").history(key).unwrap();
    history.records.iter().filter(|record| record.update_source.identity.ends_with("user/hubkeeper")).count()
}
