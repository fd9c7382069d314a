//! What the inventory makes of sightings.

mod model;
mod paths;
mod sweeps;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::core::decide::{Answer, Knowledge};
use crate::core::doc::Doc;
use crate::core::marker::{Digest8, Hold, Marker, MarkerState, OWNER_KEY, STATE_KEY};
use crate::core::objects::DeletionPolicy;
use crate::core::problem::ProblemId;
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

const HOME: Place = Place(0);
const LAG: Duration = Duration::from_mins(30);

/// Minutes after some start.
fn minute(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap()
}

fn read(at: i64) -> Seen {
    Seen { at: minute(at), source: Source::Read, place: HOME }
}

fn event(at: i64) -> Seen {
    Seen { at: minute(at), source: Source::Event, place: HOME }
}

fn marker(owner: &str, at: i64) -> Arc<Marker> {
    Arc::new(Marker {
        owner: owner.parse().unwrap(),
        hold: Hold::Held,
        set: WorkflowStatus::Suppressed,
        prior: WorkflowStatus::New,
        at: minute(at),
        deletion: DeletionPolicy::Revert,
        digest: Digest8(7),
        again: 0,
    })
}

/// A control finding; tests change what they are about.
#[derive(Debug, Clone)]
struct Finding {
    number: u32,
    account: String,
    control: String,
    resource: String,
    workflow: WorkflowStatus,
    compliance: ComplianceStatus,
    record_state: RecordState,
    severity: SeverityLabel,
    created: i64,
    version: i64,
    fields: Vec<(String, String)>,
    note: Option<(String, String)>,
    tags: Value,
}

impl Finding {
    fn new(number: u32) -> Self {
        Self {
            number,
            account: "111122223333".to_owned(),
            control: "S3.8".to_owned(),
            resource: format!("arn:aws:s3:::example-{number}"),
            workflow: WorkflowStatus::New,
            compliance: ComplianceStatus::Failed,
            record_state: RecordState::Active,
            severity: SeverityLabel::High,
            created: i64::from(number),
            version: 100,
            fields: Vec::new(),
            note: None,
            tags: json!({}),
        }
    }

    fn version(mut self, version: i64) -> Self {
        self.version = version;
        self
    }

    fn workflow(mut self, workflow: WorkflowStatus) -> Self {
        self.workflow = workflow;
        self
    }

    fn compliance(mut self, compliance: ComplianceStatus) -> Self {
        self.compliance = compliance;
        self
    }

    fn marked(mut self, marker: &Marker) -> Self {
        self.fields.push((OWNER_KEY.to_owned(), marker.owner.to_string()));
        self.fields.push((STATE_KEY.to_owned(), marker.state()));
        self
    }

    fn id(&self) -> String {
        let Self { number, account, control, .. } = self;
        format!(
            "arn:aws:securityhub:eu-west-1:{account}:security-control/{control}/finding/0f0e0d0c-1111-4222-8333-{number:012x}"
        )
    }

    fn json(&self) -> String {
        let fields: serde_json::Map<String, Value> =
            self.fields.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
        let mut json = json!({
            "Id": self.id(),
            "ProductArn": "arn:aws:securityhub:eu-west-1::product/aws/securityhub",
            "GeneratorId": format!("security-control/{}", self.control),
            "AwsAccountId": self.account,
            "Region": "eu-west-1",
            "CreatedAt": minute(self.created),
            "UpdatedAt": minute(0),
            "ProcessedAt": minute(self.version),
            "Severity": {"Label": self.severity.as_str()},
            "Resources": [{"Type": "AwsS3Bucket", "Id": self.resource, "Tags": self.tags}],
            "Compliance": {
                "Status": self.compliance.as_str(),
                "SecurityControlId": self.control,
                "AssociatedStandards": [{"StandardsId": "standards/b"}, {"StandardsId": "standards/a"}],
            },
            "Workflow": {"Status": self.workflow.as_str()},
            "RecordState": self.record_state.as_str(),
            "UserDefinedFields": fields,
        });
        if let Some((text, by)) = &self.note {
            json["Note"] = json!({"Text": text, "UpdatedBy": by, "UpdatedAt": minute(1)});
        }
        json.to_string()
    }

    fn problem(&self) -> ProblemId {
        ProblemId::of(&Doc::parse(&self.json()).unwrap())
    }
}

fn see(inventory: &mut Inventory, finding: &Finding, seen: Seen) -> Observed {
    let raw = finding.json();
    inventory.observe(&Doc::parse(&raw).unwrap(), &raw, seen).unwrap()
}

fn change(inventory: &mut Inventory, finding: &Finding, seen: Seen) -> Change {
    see(inventory, finding, seen).change
}

#[test]
fn a_finding_comes_back_as_it_was_seen() {
    let mut inventory = Inventory::new(LAG);
    let mut finding = Finding::new(7);
    finding.fields.push(("team".to_owned(), "pay".to_owned()));
    let seen = see(&mut inventory, &finding, read(200));
    assert_eq!(seen.change, Change::New);
    let view = inventory.get(seen.row).unwrap();
    assert_eq!(view.key().id, finding.id());
    assert_eq!(inventory.find(&view.key()), Some(seen.row));
    assert_eq!((view.created_at(), view.version(), view.seen_at()), (minute(7), minute(100), minute(200)));
    assert_eq!(view.foreign().unwrap().get("team").map(String::as_str), Some("pay"));
    let facts = view.facts();
    assert_eq!((facts.account.to_string(), facts.region, facts.control), (finding.account.clone(), "eu-west-1", Some("S3.8")));
    assert_eq!((facts.product, facts.generator), ("aws/securityhub", "security-control/S3.8"));
    assert_eq!(facts.standards.iter().map(|standard| &**standard).collect::<Vec<_>>(), ["standards/a", "standards/b"]);
    assert_eq!((&*facts.resources[0].kind, &*facts.resources[0].id), ("AwsS3Bucket", "arn:aws:s3:::example-7"));
    assert_eq!(inventory.by_problem(finding.problem()), [seen.row]);
}

#[test]
fn the_marker_and_our_status_are_invisible_to_matching() {
    let mut inventory = Inventory::new(LAG);
    let held = marker("FindingException/team-pay/cdn", 10);
    let ours = Finding::new(1).workflow(WorkflowStatus::Suppressed).marked(&held);
    let row = see(&mut inventory, &ours, read(200)).row;
    let view = inventory.get(row).unwrap();
    assert!(view.is_ours());
    assert_eq!((view.workflow(), view.facts().workflow), (WorkflowStatus::Suppressed, WorkflowStatus::New));
    assert!(view.foreign().is_none());
    // A person took it back: still filed under its owner, and matching sees what the hub has.
    let taken = ours.version(101).workflow(WorkflowStatus::Notified);
    assert!(matches!(change(&mut inventory, &taken, read(201)), Change::Changed { overwritten: false, .. }));
    let view = inventory.get(row).unwrap();
    assert!(!view.is_ours());
    assert_eq!(view.facts().workflow, WorkflowStatus::Notified);
    assert_eq!(inventory.by_owner(&held.owner).collect::<Vec<_>>(), [row]);
}

#[test]
fn events_in_any_order_and_number_end_in_the_newest_state() {
    let states = [
        Finding::new(1).version(100),
        Finding::new(1).version(101).workflow(WorkflowStatus::Notified),
        Finding::new(1).version(102).compliance(ComplianceStatus::Passed).workflow(WorkflowStatus::Resolved),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut inventory = Inventory::new(LAG);
        for at in order.into_iter().chain(order) {
            see(&mut inventory, &states[at], event(200));
        }
        let view = inventory.get(RowId(0)).unwrap();
        assert_eq!((view.workflow(), view.version()), (WorkflowStatus::Resolved, minute(102)), "{order:?}");
    }
}

#[test]
fn at_one_version_a_read_wins_and_an_event_is_doubtful() {
    let mut inventory = Inventory::new(LAG);
    see(&mut inventory, &Finding::new(1), read(200));
    let other = Finding::new(1).workflow(WorkflowStatus::Suppressed);
    assert_eq!(change(&mut inventory, &other, event(201)), Change::Doubtful);
    assert_eq!(inventory.get(RowId(0)).unwrap().workflow(), WorkflowStatus::New);
    assert!(matches!(change(&mut inventory, &other, read(202)), Change::Changed { .. }));
    assert_eq!(change(&mut inventory, &other, event(203)), Change::Same);
}

#[test]
fn a_version_that_reads_never_reach_does_not_blind_us_for_longer_than_the_lag() {
    let mut inventory = Inventory::new(LAG);
    see(&mut inventory, &Finding::new(1).version(190), event(200));
    let shown = Finding::new(1).version(100).workflow(WorkflowStatus::Suppressed);
    assert_eq!(change(&mut inventory, &shown, read(229)), Change::Stale);
    assert_eq!(change(&mut inventory, &shown, event(300)), Change::Stale);
    assert!(matches!(change(&mut inventory, &shown, read(230)), Change::Changed { .. }));
}

#[test]
fn an_old_sighting_does_not_make_a_row_fresh() {
    let mut inventory = Inventory::new(LAG);
    see(&mut inventory, &Finding::new(1).version(150), read(200));
    see(&mut inventory, &Finding::new(1).version(100), read(210));
    assert_eq!(inventory.get(RowId(0)).unwrap().seen_at(), minute(200));
    see(&mut inventory, &Finding::new(1).version(150), read(210));
    assert_eq!(inventory.get(RowId(0)).unwrap().seen_at(), minute(210));
}

#[test]
fn an_unreadable_marker_is_kept_as_such_and_counted() {
    let mut inventory = Inventory::new(LAG);
    let mut broken = Finding::new(1);
    broken.fields.push((OWNER_KEY.to_owned(), "somebody".to_owned()));
    let row = see(&mut inventory, &broken, read(200)).row;
    assert!(matches!(inventory.get(row).unwrap().marker(), MarkerState::Broken(_)));
    assert_eq!((inventory.broken_markers(), inventory.broken().collect::<Vec<_>>()), (1, vec![row]));
    see(&mut inventory, &Finding::new(1).version(101), read(201));
    assert_eq!(inventory.broken_markers(), 0);
}

#[test]
fn an_account_that_is_none_is_an_error_and_changes_nothing() {
    let mut inventory = Inventory::new(LAG);
    let mut finding = Finding::new(1);
    finding.account = "example".to_owned();
    let raw = finding.json();
    let error = inventory.observe(&Doc::parse(&raw).unwrap(), &raw, read(1)).unwrap_err();
    assert!(error.to_string().contains("AwsAccountId"), "{error}");
    assert!(inventory.is_empty());
}

#[test]
fn an_answer_goes_with_its_row() {
    let mut inventory = Inventory::new(LAG);
    let row = see(&mut inventory, &Finding::new(1), read(1)).row;
    let answer = Answer { status: WorkflowStatus::Suppressed, at: minute(1), by: None };
    let knowledge = Knowledge::Known(Some(answer));
    inventory.set_knowledge(row, knowledge.clone());
    assert_eq!(inventory.knowledge(row), &knowledge);
    assert_eq!(inventory.remove(row).unwrap().knowledge, knowledge);
    assert_eq!(see(&mut inventory, &Finding::new(2), read(2)).row, row, "the number is used again");
    assert_eq!(inventory.knowledge(row), &Knowledge::Unasked);
}

#[test]
fn a_finding_costs_64_bytes_and_its_indexes_less_than_48() {
    let mut inventory = Inventory::new(LAG);
    for number in 0..8192 {
        see(&mut inventory, &Finding::new(number), read(10_000));
    }
    let memory = inventory.memory();
    assert!(memory.rows <= 72 * 8192, "{memory:?}");
    assert!(memory.indexes <= 48 * 8192, "{memory:?}");
    assert_eq!(memory.total(), memory.rows + memory.indexes + memory.projection + memory.aside);
}
