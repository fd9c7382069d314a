//! The heart as a whole, as the loop drives it: pages in, decisions out, applied to a small hub by hand. One sentence of the
//! design per test, and laws over random worlds.

mod batches;
mod chain;
mod grants;
mod laws;
mod owners;
mod people;
mod rank;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::evaluate::{Evaluator, Wanted};
use super::ingest;
use crate::core::compile::{Declared, Hidden, PolicySet};
use crate::core::decide::{Answer, Knowledge, Step};
use crate::core::ids::{FindingKey, Kind, ObjectRef};
use crate::core::marker::{Hold, Marker, OWNER_KEY, STATE_KEY};
use crate::core::note;
use crate::core::objects::*;
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};
use crate::inventory::{Inventory, Place, RowId};

use ComplianceStatus::{Failed, NotAvailable, Passed, Warning};
use WorkflowStatus::{New, Notified, Resolved, Suppressed};

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

fn start() -> Timestamp {
    "2026-12-10T08:00:00Z".parse().unwrap()
}

/// A finding as the hub has it.
#[derive(Debug, Clone)]
struct Fake {
    number: u32,
    account: &'static str,
    region: &'static str,
    control: &'static str,
    product: &'static str,
    resource: (&'static str, String),
    standard: &'static str,
    workflow: WorkflowStatus,
    compliance: ComplianceStatus,
    severity: SeverityLabel,
    record: RecordState,
    created: Timestamp,
    version: Timestamp,
    observed: Timestamp,
    fields: BTreeMap<String, String>,
    tags: Value,
    /// What people set: `GetFindingHistory`, oldest first.
    history: Vec<(Timestamp, WorkflowStatus)>,
}

impl Fake {
    /// The key that BatchUpdateFindings takes.
    fn key(&self) -> FindingKey {
        let Self { number, account, region, control, product, .. } = self;
        FindingKey {
            id: format!(
                "arn:aws:securityhub:{region}:{account}:security-control/{control}/finding/0f0e0d0c-1111-4222-8333-{number:012x}"
            ),
            product_arn: format!("arn:aws:securityhub:{region}::product/{product}"),
        }
    }

    fn marker(&self) -> Option<Marker> {
        let value = |key: &str| self.fields.get(key).map(String::as_str);
        Marker::read(value(OWNER_KEY), value(STATE_KEY)).ok().flatten()
    }

    /// Held by us and as we set it.
    fn is_held(&self) -> bool {
        self.marker().is_some_and(|marker| marker.is_ours(self.workflow))
    }

    fn json(&self) -> Value {
        let FindingKey { id, product_arn } = self.key();
        let control = (self.product == "aws/securityhub").then_some(self.control);
        json!({
            "Id": id,
            "ProductArn": product_arn,
            "GeneratorId": format!("security-control/{}", self.control),
            "AwsAccountId": self.account,
            "Region": self.region,
            "CreatedAt": self.created,
            "UpdatedAt": self.created,
            "ProcessedAt": self.version,
            "FirstObservedAt": self.observed,
            "Severity": {"Label": self.severity.as_str()},
            "Resources": [{"Type": self.resource.0, "Id": self.resource.1, "Tags": self.tags}],
            "Compliance": {
                "Status": self.compliance.as_str(),
                "SecurityControlId": control,
                "AssociatedStandards": [{"StandardsId": self.standard}],
            },
            "Workflow": {"Status": self.workflow.as_str()},
            "RecordState": self.record.as_str(),
            "UserDefinedFields": self.fields,
        })
    }
}

/// A hub of a few findings, what is declared for it, and what we know.
struct World {
    now: Timestamp,
    hub: BTreeMap<u32, Fake>,
    objects: Objects,
    complete: bool,
    unreadable: BTreeSet<ObjectRef>,
    hidden: Vec<Hidden>,
    inventory: Inventory,
    evaluator: Evaluator,
    /// Whether GetFindingHistory is allowed.
    history: bool,
    asked: usize,
}

fn meta(object: ObjectRef) -> Meta {
    Meta { object, generation: 1, labels: BTreeMap::new(), requested_at: None, digest: "sha256:0".into(), origin: None }
}

/// Reads the match of a manifest.
fn matching(json: Value) -> MatchSpec {
    serde_json::from_value(json).unwrap()
}

fn rule(name: &str, matches: Value, suppress: bool) -> RuleSpec {
    let response = if suppress { Response::Suppress { reason: Reason::OutOfScope } } else { Response::Ignore };
    RuleSpec { name: name.to_owned(), matches: matching(matches), response }
}

fn policy(name: &str) -> Object<PolicySpec> {
    let spec = PolicySpec {
        hubs: Vec::new(),
        mode: Mode::Enforce,
        priority: 0,
        scope: MatchSpec::default(),
        manual_suppression: ManualSuppression::Respect,
        limits: None,
        deletion_policy: DeletionPolicy::Revert,
        rules: vec![rule("all", json!({}), true)],
        suspend: false,
    };
    Object { meta: meta(ObjectRef::cluster(Kind::ControlPolicy, name)), spec }
}

/// Governs everything and decides nothing.
fn governing() -> Object<PolicySpec> {
    let mut governing = policy("governing");
    governing.spec.priority = -100;
    governing.spec.rules = vec![rule("nothing", json!({"accounts": ["999999999999"]}), true)];
    governing
}

fn exception(name: &str, target: Value) -> Object<ExceptionSpec> {
    let spec = ExceptionSpec {
        effect: Effect::Accept,
        targets: vec![matching(target)],
        reason: Reason::AcceptedRisk,
        justification: "known".to_owned(),
        owner: "pay-sec@example.com".to_owned(),
        ticket_ref: None,
        starts_at: start() - SignedDuration::from_hours(24),
        expires_at: start() + SignedDuration::from_hours(24 * 20),
        adopt: false,
        suspend: false,
    };
    let mut meta = meta(ObjectRef::namespaced(Kind::FindingException, "team", name));
    meta.digest = format!("sha256:{name}").into();
    Object { meta, spec }
}

/// S3.8 of the account, whatever the resource.
fn accept(name: &str) -> Object<ExceptionSpec> {
    exception(name, json!({"controls": ["S3.8"], "accounts": [ACCOUNT]}))
}

fn guardrail(name: &str, grants: Value) -> Object<ExceptionPolicySpec> {
    let spec = ExceptionPolicySpec {
        namespaces: vec!["team".to_owned()],
        grants: serde_json::from_value(grants).unwrap(),
        effects: vec![Effect::Accept],
        max_days: 180,
        max_findings: 50,
        approvals: Vec::new(),
    };
    Object { meta: meta(ObjectRef::cluster(Kind::ExceptionPolicy, name)), spec }
}

fn approval(name: &str, subject: ObjectRef, digest: &str) -> Object<ApprovalSpec> {
    let spec = ApprovalSpec {
        subject,
        digest: digest.to_owned(),
        decision: ApprovalDecision::Approve,
        approver: name.to_owned(),
        reason: "seen".to_owned(),
        expires_at: None,
        max_findings: None,
    };
    Object { meta: meta(ObjectRef::namespaced(Kind::Approval, "sec", name)), spec }
}

fn account(id: &str, labels: Value) -> Object<AccountSpec> {
    let mut meta = meta(ObjectRef::cluster(Kind::Account, &format!("a{id}")));
    meta.labels = serde_json::from_value(labels).unwrap();
    Object { meta, spec: AccountSpec { id: id.parse().unwrap(), owner: None } }
}

/// A hub whose limits are in nobody's way.
pub(in crate::engine) fn hub() -> Object<HubSpec> {
    let spec = HubSpec {
        home_region: "eu-west-1".parse().unwrap(),
        linked_regions: None,
        role: None,
        queue_url: None,
        sync_interval_seconds: 86_400,
        freshness_seconds: 300,
        api_quota_percent: 60,
        limits: Limits { max_findings: 5000, max_percent: 100 },
        approval_namespaces: vec!["sec".to_owned()],
        control_groups: Vec::new(),
        suspend: false,
    };
    Object { meta: meta(ObjectRef::cluster(Kind::SecurityHub, "main")), spec }
}

fn compile(objects: &Objects, complete: bool, unreadable: &BTreeSet<ObjectRef>, hidden: &[Hidden]) -> Arc<PolicySet> {
    let declared = Declared { objects: objects.clone(), complete, unreadable: unreadable.clone(), hidden: hidden.to_vec() };
    Arc::new(PolicySet::compile(&declared, "main").unwrap())
}

impl World {
    /// An empty hub; all grants to the namespace `team`.
    fn new() -> Self {
        let objects =
            Objects { hubs: vec![hub()], exception_policies: vec![guardrail("team", json!([{}]))], ..Objects::default() };
        let evaluator = Evaluator::new(compile(&objects, true, &BTreeSet::new(), &[]));
        Self {
            now: start(),
            hub: BTreeMap::new(),
            objects,
            complete: true,
            unreadable: BTreeSet::new(),
            hidden: Vec::new(),
            inventory: Inventory::new(Duration::from_mins(30)),
            evaluator,
            history: true,
            asked: 0,
        }
    }

    fn with(policies: Vec<Object<PolicySpec>>, exceptions: Vec<Object<ExceptionSpec>>) -> Self {
        let mut world = Self::new();
        world.declare(|objects| {
            objects.policies = policies;
            objects.exceptions = exceptions;
        });
        world
    }

    /// A failing finding S3.8 on `resource`, created now.
    fn add(&mut self, number: u32, resource: &str) -> &mut Fake {
        self.tick();
        let at = self.now;
        self.hub.entry(number).or_insert(Fake {
            number,
            account: ACCOUNT,
            region: "eu-west-1",
            control: "S3.8",
            product: "aws/securityhub",
            resource: ("AwsS3Bucket", format!("arn:aws:s3:::{resource}")),
            standard: "standards/aws-foundational-security-best-practices/v/1.0.0",
            workflow: New,
            compliance: Failed,
            severity: SeverityLabel::High,
            record: RecordState::Active,
            created: at,
            version: at,
            observed: at,
            fields: BTreeMap::new(),
            tags: json!({}),
            history: Vec::new(),
        })
    }

    fn tick(&mut self) {
        self.pass(SignedDuration::from_mins(1));
    }

    fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.checked_add(time).unwrap();
    }

    /// Changes what is declared.
    fn declare(&mut self, change: impl FnOnce(&mut Objects)) {
        change(&mut self.objects);
        self.objects.policies.sort_by(|a, b| a.meta.object.cmp(&b.meta.object));
        self.objects.exceptions.sort_by(|a, b| a.meta.object.cmp(&b.meta.object));
        self.compile();
    }

    fn compile(&mut self) {
        let set = compile(&self.objects, self.complete, &self.unreadable, &self.hidden);
        self.inventory.set_paths(&set.fields);
        self.evaluator = Evaluator::new(set);
    }

    /// A person or another program sets the workflow status.
    fn person(&mut self, number: u32, status: WorkflowStatus) {
        self.tick();
        let finding = self.hub.get_mut(&number).unwrap();
        finding.workflow = status;
        finding.version = self.now;
        finding.history.push((self.now, status));
    }

    /// A check comes to a result: the service moves the workflow status as documented.
    fn check(&mut self, number: u32, compliance: ComplianceStatus) {
        self.tick();
        let finding = self.hub.get_mut(&number).unwrap();
        if finding.compliance == compliance {
            return;
        }
        finding.workflow = match (compliance, finding.workflow) {
            (Passed, New | Notified) => Resolved,
            (_, Notified | Resolved) if finding.compliance == Passed => New,
            (_, workflow) => workflow,
        };
        finding.compliance = compliance;
        finding.severity = if compliance == Failed { SeverityLabel::High } else { SeverityLabel::Informational };
        finding.observed = self.now;
        finding.version = self.now;
    }

    /// As [`Self::check`], where the service resets a suppression: the documents do not say that it does not.
    fn relapse(&mut self, number: u32) {
        self.check(number, Passed);
        self.see();
        self.check(number, Failed);
        self.hub.get_mut(&number).unwrap().workflow = New;
    }

    /// Reads all of the hub.
    fn see(&mut self) {
        let findings: Vec<Value> = self.hub.values().map(Fake::json).collect();
        let body = json!({"Findings": findings}).to_string();
        let taken = ingest::page(&mut self.inventory, body.as_bytes(), Place(0), self.now, None, &|_| true).unwrap();
        assert_eq!((taken.unreadable, taken.first_error), (0, None));
        let known: Vec<RowId> = self.inventory.rows().collect();
        for row in known {
            let key = self.inventory.get(row).unwrap().key();
            if !self.hub.values().any(|finding| finding.key() == key) {
                self.inventory.remove(row);
            }
        }
        self.evaluator.touch_all();
    }

    fn decide(&mut self) {
        self.see();
        self.evaluator.round(&self.inventory, self.now);
    }

    fn row(&self, number: u32) -> RowId {
        self.inventory.find(&self.hub[&number].key()).unwrap()
    }

    fn number(&self, row: RowId) -> u32 {
        let key = self.inventory.get(row).unwrap().key();
        self.hub.values().find(|finding| finding.key() == key).unwrap().number
    }

    /// A restart: everything that is only in memory is lost.
    fn restart(&mut self) {
        self.inventory = Inventory::new(Duration::from_mins(30));
        self.compile();
    }

    /// Answers the history questions; whether there were any.
    fn answer(&mut self) -> bool {
        let asks: Vec<RowId> = self.evaluator.asks().iter().copied().collect();
        for &row in &asks {
            self.asked += 1;
            let newest = self.hub[&self.number(row)].history.last().copied();
            let known = Knowledge::Known(newest.map(|(at, status)| Answer { status, at, by: None }));
            self.inventory.set_knowledge(row, if self.history { known } else { Knowledge::Denied });
        }
        !asks.is_empty()
    }

    /// Applies a wanted change as the hub would.
    fn apply(&mut self, row: RowId, wanted: &Wanted) {
        let number = self.number(row);
        let finding = self.hub.get_mut(&number).unwrap();
        let foreign = self.inventory.get(row).unwrap().foreign().map(AsRef::as_ref).cloned();
        let marker = note::marker(&wanted.change, self.now);
        finding.workflow = wanted.change.workflow;
        finding.fields = note::user_defined_fields(&marker, foreign.as_ref());
        finding.version = self.now;
    }

    /// Reads, decides, asks and applies until nothing is wanted; the number of writes.
    fn settle(&mut self) -> usize {
        let mut writes = 0;
        for _ in 0..12 {
            self.tick();
            self.decide();
            let wanted: Vec<(RowId, Wanted)> = self.evaluator.wanted().iter().map(|(row, w)| (*row, w.clone())).collect();
            for (row, wanted) in &wanted {
                self.apply(*row, wanted);
            }
            writes += wanted.len();
            if !self.answer() && wanted.is_empty() {
                return writes;
            }
        }
        panic!("never settles: {:?}", self.evaluator.wanted());
    }

    fn workflow(&self, number: u32) -> WorkflowStatus {
        self.hub[&number].workflow
    }

    /// Who holds a finding, as we set it.
    fn held_by(&self, number: u32) -> Option<String> {
        let finding = &self.hub[&number];
        finding.is_held().then(|| finding.marker().map(|marker| marker.owner.to_string())).flatten()
    }

    fn released(&self, number: u32) -> bool {
        self.hub[&number].marker().is_some_and(|marker| marker.hold == Hold::Released)
    }

    fn reason(&self, number: u32) -> &'static str {
        self.evaluator.reason(self.row(number)).unwrap()
    }

    fn explain(&mut self, number: u32) -> Vec<Step> {
        let row = self.row(number);
        self.evaluator.explain(&self.inventory, row, self.now).1
    }
}

const POLICY: &str = "ControlPolicy/p";
const CDN: &str = "FindingException/team/cdn";
