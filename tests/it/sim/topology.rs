//! A hub at size, in the three shapes that decide how much of the quota there is.

use std::fmt::Write as _;

use hubkeeper::core::ids::{AccountId, Region};
use hubkeeper::local::Local;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::faults::{CallFault, EventFaults, Fault, Faults, ThrottleCode};
use hubkeeper::local::hub::Hub as HubState;
use hubkeeper::local::hub::caller::{Caller, Principal};
use hubkeeper::wire::limits::{RATE_GET_FINDINGS, RATE_UPDATE_FINDINGS, Rate};
use hubkeeper::wire::securityhub::{AccountDetails, BatchImportFindings, CreateMembers, OrganizationAdminAccount};
use jiff::{SignedDuration, Timestamp};

use super::world::{FILLERS, Sim};

/// Every Region of an account that has enabled none of those that are off at first.
pub const REGIONS: [&str; 17] = [
    "eu-west-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];
/// Accounts of each.
pub const ACCOUNTS: usize = 12;
/// Half of them are what [`RULE`] matches.
const CONTROLS: [&str; 8] = ["S3.9", "S3.13", "EC2.8", "EC2.19", "RDS.5", "IAM.3", "KMS.3", "ECS.5"];
/// What is declared.
pub const RULE: &str =
    "{name: noise, match: {controls: [S3.9, S3.13, RDS.5, KMS.3]}, response: {suppress: {reason: OutOfScope}}}";

/// Where the findings are, and who reads them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// All in one Region.
    OneRegion,
    /// Spread over 17 Regions that an aggregator links: all is read and written at home.
    Aggregator,
    /// 17 Regions, none linked: each is read and written there. Two fifths are in one of them.
    Uneven,
}

impl Topology {
    /// All three.
    pub const ALL: [Self; 3] = [Self::OneRegion, Self::Aggregator, Self::Uneven];

    /// How many findings each Region has, the fullest first.
    pub fn findings(self, all: usize) -> Vec<usize> {
        match self {
            Self::OneRegion => vec![all],
            Self::Aggregator => spread(all, REGIONS.len()),
            Self::Uneven => [vec![all * 2 / 5], spread(all - all * 2 / 5, REGIONS.len() - 1)].concat(),
        }
    }

    /// Findings whose reads and writes share a quota, the most first. The simulation's own fillers are at home.
    pub fn pools(self, all: usize) -> Vec<usize> {
        match self {
            Self::OneRegion | Self::Aggregator => vec![all + FILLERS],
            Self::Uneven => {
                let mut pools = self.findings(all);
                pools[0] += FILLERS;
                pools
            }
        }
    }

    /// The hub, with the service's quota, and one call in a hundred throttled beside it; reads lag by five seconds, events by two.
    /// What AWS leaves unsaid is at its default: what is measured is time, calls and pages, and none of the switches has a part in it
    /// that the scenarios of [`both_ways`](super::world::both_ways) do not play.
    pub fn build(self, findings: usize) -> Sim {
        let regions = if self == Self::Aggregator { REGIONS.len() } else { 1 };
        let sim = Sim::with(Local::builder().accounts(ACCOUNTS).regions(regions).seed(7).buckets(true).record_calls(false));
        let names: Vec<Region> = match self {
            Self::Aggregator => sim.local.organization().regions().cloned().collect(),
            Self::OneRegion | Self::Uneven => REGIONS.iter().map(|name| name.parse().unwrap()).collect(),
        };
        for (region, count) in names.iter().zip(self.findings(findings)) {
            fill(&sim.local, region, count);
        }
        let throttle = CallFault { operation: None, ..CallFault::of("", Fault::Throttle(ThrottleCode::TooManyRequests)) };
        sim.local.set_faults(Faults {
            calls: vec![throttle.percent(1)],
            lag_millis: 5_000,
            events: EventFaults { delay_millis: 2_000, ..EventFaults::default() },
            ..Faults::default()
        });
        sim
    }

    /// The Regions that a SecurityHub has to name: those that are not linked.
    pub fn named(self) -> String {
        if self == Self::Uneven { format!("  linkedRegions: [{}]\n", REGIONS[1..].join(", ")) } else { String::new() }
    }
}

fn spread(all: usize, over: usize) -> Vec<usize> {
    (0..over).map(|number| all / over + usize::from(number < all % over)).collect()
}

/// Seconds that so many calls take at a share of a full bucket, in percent.
pub fn seconds(calls: usize, rate: Rate, share: u32) -> f64 {
    let (calls, share) = (f64::from(u32::try_from(calls).unwrap()), f64::from(share) / 100.0);
    (calls - f64::from(rate.burst) * share).max(0.0) / (f64::from(rate.per_second) * share)
}

/// The time that the quota of the fullest pool takes if every page and every call is full.
pub fn bound(pools: &[usize], written: &[usize], share: u32) -> f64 {
    let most = |counts: &[usize]| counts.iter().map(|count| count.div_ceil(100)).max().unwrap_or_default();
    seconds(most(pools), RATE_GET_FINDINGS, share) + seconds(most(written), RATE_UPDATE_FINDINGS, share)
}

/// Control findings of a Region that fail, made over some eighty days.
pub fn fill(local: &Local, region: &Region, count: usize) {
    let organization = local.organization();
    let accounts: Vec<_> = organization.accounts().map(|account| account.id).collect();
    let start = local.clock().now();
    local.with_hub(|hub, now| {
        for &account in &accounts {
            hub.switch_on(account, region, now);
        }
        if !organization.regions().any(|of_ours| of_ours == region) {
            administer(hub, organization.management, &accounts, region, now);
        }
        let mut batch = Vec::new();
        for number in 0..count {
            let (account, control) = (accounts[number % accounts.len()], CONTROLS[number / accounts.len() % CONTROLS.len()]);
            let mut resource = String::new();
            write!(resource, "arn:aws:s3:::bucket-{region}-{number}").unwrap();
            let created = start - SignedDuration::from_secs(1 + i64::try_from(number).unwrap() * 37 % 7_000_000);
            batch.push(ControlFinding::failed(account, region.clone(), control, "AwsS3Bucket", &resource, created).document());
            if batch.len() == 100 || number + 1 == count {
                let caller = Caller { account: accounts[0], region: region.clone(), principal: Principal::Root };
                let request = BatchImportFindings { findings: std::mem::take(&mut batch) };
                let answer = hub.import(&caller, &request, now).unwrap();
                assert_eq!(answer.failed_count, 0, "{:?}", answer.failed_findings.first());
                // What was there at first is told by no event.
                hub.take_changes();
            }
        }
    });
}

/// Makes the first of these accounts the administrator of the others in a Region that the generator has left out.
fn administer(hub: &mut HubState, management: AccountId, accounts: &[AccountId], region: &Region, now: Timestamp) {
    let caller = |account| Caller { account, region: region.clone(), principal: Principal::Root };
    let designated = OrganizationAdminAccount { admin_account_id: accounts[0].to_string(), feature: None };
    hub.enable_administrator(&caller(management), &designated, now).unwrap();
    let details = |account: &AccountId| AccountDetails { account_id: account.to_string(), email: None };
    let members = CreateMembers { account_details: accounts[1..].iter().map(details).collect() };
    let answer = hub.create_members(&caller(accounts[0]), &members, now).unwrap();
    assert_eq!(answer.unprocessed_accounts, []);
}
