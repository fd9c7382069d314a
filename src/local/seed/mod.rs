//! A company's findings from a seed: accounts with owners, Regions, resources with tags that several controls look at, several
//! findings of one problem, archived and passed ones, people's answers, other products.
//!
//! Same seed, number, accounts, Regions and start: same findings, to the byte.

mod products;
mod resources;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use crate::core::catalogue::{Catalogue, Control};
use crate::core::ids::{FindingKey, IdError, Region};
use crate::core::problem::is_global;
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};
use crate::wire::regions::ON_BY_DEFAULT;
use crate::wire::securityhub::{BatchUpdateFindings, FindingIdentifier, NoteUpdate, WorkflowUpdate};
use crate::wire::sigv4::sha256;

use super::clock::{after, before};
use super::document::ControlFinding;
use super::hub::caller::{Caller, Principal};
use super::hub::organization::{Account, Organization};
use super::hub::{Hub, uuid};

use resources::Place;

/// Accounts by name, team and environment: the example ids of AWS's documentation first. The first administers.
const ACCOUNTS: [(&str, &str, &str, &str); 12] = [
    ("111122223333", "security-tooling", "security", "prod"),
    ("444455556666", "payments-prod", "payments", "prod"),
    ("777788889999", "payments-dev", "payments", "dev"),
    ("123456789012", "shop-prod", "shop", "prod"),
    ("210987654321", "shop-staging", "shop", "staging"),
    ("555566667777", "data-lake", "data", "prod"),
    ("666677778888", "data-sandbox", "data", "dev"),
    ("888899990000", "platform-prod", "platform", "prod"),
    ("999900001111", "platform-dev", "platform", "dev"),
    ("222233334444", "log-archive", "security", "prod"),
    ("333344445555", "mobile-prod", "mobile", "prod"),
    ("000011112222", "mobile-dev", "mobile", "dev"),
];

/// The account that designates the administrator, unless another is named.
const MANAGEMENT: &str = "000000000000";

/// The controls that such a company fails; one that the catalogue does not know is left out.
const CONTROLS: [&str; 64] = [
    "S3.1",
    "S3.5",
    "S3.8",
    "S3.9",
    "S3.12",
    "S3.13",
    "S3.14",
    "S3.15",
    "S3.17",
    "S3.20",
    "EC2.2",
    "EC2.3",
    "EC2.6",
    "EC2.7",
    "EC2.8",
    "EC2.9",
    "EC2.13",
    "EC2.15",
    "EC2.18",
    "EC2.19",
    "EC2.21",
    "EC2.28",
    "IAM.1",
    "IAM.3",
    "IAM.4",
    "IAM.5",
    "IAM.6",
    "IAM.8",
    "IAM.9",
    "IAM.22",
    "RDS.2",
    "RDS.3",
    "RDS.5",
    "RDS.6",
    "RDS.8",
    "RDS.9",
    "RDS.11",
    "RDS.13",
    "RDS.17",
    "Lambda.1",
    "Lambda.2",
    "Lambda.3",
    "KMS.3",
    "KMS.4",
    "CloudTrail.1",
    "CloudTrail.2",
    "CloudTrail.4",
    "CloudTrail.5",
    "Config.1",
    "GuardDuty.1",
    "DynamoDB.1",
    "DynamoDB.2",
    "DynamoDB.3",
    "ECR.1",
    "ECR.2",
    "ECR.3",
    "ECS.2",
    "ECS.4",
    "ECS.5",
    "EKS.1",
    "ELB.4",
    "SNS.1",
    "SQS.1",
    "SecretsManager.1",
];

const DAY: u64 = 86_400;

/// A company: its accounts and Regions, and the seed of all else.
#[derive(Debug, Clone)]
pub struct Company {
    organization: Organization,
    /// All accounts, the administrator first.
    places: Vec<Place>,
    seed: u64,
}

impl Company {
    /// A company of so many accounts and Regions, at least one each. `first`: its home Region.
    pub fn new(accounts: usize, regions: usize, seed: u64, first: Option<&Region>) -> Result<Self, IdError> {
        let mut places = Vec::new();
        for number in 0..accounts.max(1) {
            places.push(Place::number(number)?);
        }
        let home = first.map_or_else(|| ON_BY_DEFAULT[0].parse(), |first| Ok(first.clone()))?;
        let mut linked = Vec::new();
        // AWS has no more than it has, but a test may want them.
        let names =
            ON_BY_DEFAULT.iter().map(|region| (*region).to_owned()).chain((1..).map(|number| format!("xx-local-{number}")));
        for name in names.filter(|name| name != home.as_str()).take(regions.max(1) - 1) {
            linked.push(name.parse()?);
        }
        linked.sort_unstable();
        let account = |place: &Place| Account { id: place.id, name: place.name.clone() };
        let mut members: Vec<Account> = places.iter().skip(1).map(account).collect();
        members.sort_by_key(|member| member.id);
        let administrator = account(&Place::number(0)?);
        let management = MANAGEMENT.parse()?;
        Ok(Self { organization: Organization { management, administrator, members, home, linked }, places, seed })
    }

    /// Administrator, members, Regions.
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// Makes so many findings, as they are at `now`.
    pub fn fill(&self, hub: &mut Hub, findings: usize, now: Timestamp) {
        let controls: Vec<&Control> = CONTROLS.iter().filter_map(|id| Catalogue::built_in().get(id)).collect();
        if controls.is_empty() {
            return;
        }
        let mut maker = Maker {
            company: self,
            hub,
            now,
            wanted: findings,
            rng: fastrand::Rng::with_seed(self.seed),
            controls,
            problems: BTreeSet::new(),
            // A resource is looked at by several controls.
            resources: 2 + findings / (self.places.len() * (1 + self.organization.linked.len()) * 12),
        };
        while maker.hub.len() < findings {
            match maker.rng.u32(0..100) {
                0..84 => maker.control(),
                84..91 => maker.other(products::inspector),
                91..96 => maker.other(products::guardduty),
                _ => maker.other(products::prowler),
            }
            // Nobody listens while these are made; held to the end, the events of a million findings would take gigabytes.
            maker.hub.take_changes();
        }
    }
}

impl Place {
    /// Account number `number` of every company.
    fn number(number: usize) -> Result<Self, IdError> {
        let place = |id: &str, name: &str, team: &str, env: &str| -> Result<Self, IdError> {
            Ok(Self { id: id.parse()?, name: name.to_owned(), team: team.to_owned(), env: env.to_owned() })
        };
        if let Some((id, name, team, env)) = ACCOUNTS.get(number) {
            return place(id, name, team, env);
        }
        let (_, _, team, env) = ACCOUNTS[number % ACCOUNTS.len()];
        place(&format!("1000{number:08}"), &format!("workload-{number:04}"), team, env)
    }
}

/// Makes findings until there are enough.
struct Maker<'a> {
    company: &'a Company,
    hub: &'a mut Hub,
    now: Timestamp,
    wanted: usize,
    rng: fastrand::Rng,
    controls: Vec<&'static Control>,
    /// What has a finding already: digests of account, Region, control and resource.
    problems: BTreeSet<u64>,
    /// Resources of each type in each place.
    resources: usize,
}

impl Maker<'_> {
    fn is_full(&self) -> bool {
        self.hub.len() >= self.wanted
    }

    fn place(&mut self) -> (Place, Region) {
        let places = &self.company.places;
        let place = places[self.rng.usize(0..places.len())].clone();
        let regions: Vec<&Region> = self.company.organization.regions().collect();
        // Half of everything is in the home Region.
        let region = if self.rng.bool() { 0 } else { self.rng.usize(0..regions.len()) };
        (place, regions[region].clone())
    }

    /// So many days before now, and some milliseconds, so that no two times are equal by habit.
    fn ago(&mut self, days: std::ops::Range<u64>) -> Timestamp {
        let millis = self.rng.u64(days.start * DAY * 1000..days.end * DAY * 1000);
        before(self.now, Duration::from_millis(millis))
    }

    /// The findings of one problem: one, or one per Region where the resource is global, and perhaps an older archived one.
    fn control(&mut self) {
        let control = self.controls[self.rng.usize(0..self.controls.len())];
        let kind = control.resource_types.first().map_or("AwsAccount", |kind| &*kind.asff).to_owned();
        let (place, region) = self.place();
        let number = self.rng.usize(0..self.resources);
        let (resource, tags, details) = resources::of(&kind, &place, &region, number, self.now);
        let global = is_global(&kind, control.id.as_str());
        let regions: Vec<Region> = if global { self.company.organization.regions().cloned().collect() } else { vec![region] };
        let home = self.company.organization.home.clone();
        let region = if global { &home } else { &regions[0] };
        let digest = sha256(format!("{} {region} {} {resource}", place.id, control.id).as_bytes());
        let problem = digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte));
        if !self.problems.insert(problem) {
            // The pool is used up: let there be more resources.
            self.resources += usize::from(self.rng.u8(0..10) == 0);
            return;
        }
        let compliance = match self.rng.u32(0..100) {
            0..52 => ComplianceStatus::Failed,
            52..92 => ComplianceStatus::Passed,
            92..97 => ComplianceStatus::Warning,
            _ => ComplianceStatus::NotAvailable,
        };
        let created = self.ago(2..400);
        let archived = compliance == ComplianceStatus::NotAvailable || self.rng.u32(0..100) < 4;
        let mut keys = Vec::new();
        for region in regions {
            if self.is_full() {
                break;
            }
            let mut finding = ControlFinding {
                uuid: uuid(&mut self.rng),
                tags: tags.clone(),
                details: details.clone(),
                compliance,
                record: if archived { RecordState::Archived } else { RecordState::Active },
                updated: if archived { self.ago(1..25) } else { self.ago(0..1) },
                ..ControlFinding::failed(place.id, region.clone(), control.id.as_str(), &kind, &resource, created)
            };
            finding.updated = finding.updated.max(finding.created);
            if self.take(&region, &finding).is_some() {
                keys.push(FindingIdentifier { id: finding.id(), product_arn: finding.product_arn() });
            }
            // The Config rule was in trouble once: an older finding of the same problem.
            if self.rng.u32(0..100) < 7 && !self.is_full() {
                let older = ControlFinding {
                    uuid: uuid(&mut self.rng),
                    record: RecordState::Archived,
                    created: before(created, Duration::from_secs(20 * DAY)),
                    updated: before(created, Duration::from_mins(1)).max(self.kept_since(created)),
                    ..finding
                };
                self.take(&region, &older);
            }
        }
        if !archived && compliance == ComplianceStatus::Failed {
            self.answer(keys);
        }
    }

    /// A time of the last four weeks, always the same for `created`: archived findings that are older are gone.
    fn kept_since(&self, created: Timestamp) -> Timestamp {
        let millis = created.as_millisecond().rem_euclid(i64::from(27 * 86_400) * 1000);
        before(self.now, Duration::from_secs(DAY) + Duration::from_millis(millis.unsigned_abs()))
    }

    fn take(&mut self, region: &Region, finding: &ControlFinding) -> Option<u32> {
        let processed = after(finding.updated, Duration::from_millis(1_700));
        self.hub.take(finding.account, region, &finding.document(), processed)
    }

    /// Some failing findings have been answered by people.
    fn answer(&mut self, keys: Vec<FindingIdentifier>) {
        let (status, text) = match self.rng.u32(0..100) {
            0..4 => (WorkflowStatus::Suppressed, "Accepted in the review of the quarter"),
            4..10 => (WorkflowStatus::Notified, "Told the team"),
            10..12 => (WorkflowStatus::Resolved, "Fixed by hand"),
            _ => return,
        };
        let name = ["alice", "bob", "carol"][self.rng.usize(0..3)];
        let organization = &self.company.organization;
        let caller = Caller {
            account: organization.administrator.id,
            region: organization.home.clone(),
            principal: Principal::User(name.into()),
        };
        let request = BatchUpdateFindings {
            finding_identifiers: keys,
            workflow: Some(WorkflowUpdate { status: Some(status.as_str().to_owned()) }),
            note: Some(NoteUpdate { text: text.to_owned(), updated_by: name.to_owned() }),
            ..BatchUpdateFindings::default()
        };
        let at = self.ago(0..1);
        // Nothing is refused that was just made; an empty list is.
        let _ = self.hub.update(&caller, &request, at, &mut |_| None);
    }

    fn other(&mut self, make: fn(&Place, &Region, &mut fastrand::Rng, [Timestamp; 2]) -> serde_json::Value) {
        let (place, region) = self.place();
        let created = self.ago(1..80);
        let updated = self.ago(0..1).max(created);
        let finding = make(&place, &region, &mut self.rng, [created, updated]);
        self.hub.take(place.id, &region, &finding, after(updated, Duration::from_millis(900)));
    }
}

/// What a finding made by the seed is called.
pub fn key_of(finding: &serde_json::Value) -> FindingKey {
    let text = |name: &str| super::hub::store::text(finding, name).to_owned();
    FindingKey { id: text("Id"), product_arn: text("ProductArn") }
}
