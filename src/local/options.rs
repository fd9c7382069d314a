//! How a hub is set up.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::ids::{AccountId, IdError, Region};

use super::Local;
use super::buckets::Sharing;
use super::clock::Speed;
use super::faults::{Faults, ThrottleCode};
use super::hub::Switches;
use super::hub::lifetime::Lifetimes;
use super::hub::pace::Pace;

/// Names that a secret access key may have by default: the secret key is the name of the principal.
#[rustfmt::skip] // a list of names
pub const PRINCIPALS: [&str; 64] = [
    "alice", "bob", "carol", "chuck", "dave", "diana", "erin", "eve", "faythe", "frank", "grace", "hanako", "heidi", "ivan", "jane",
    "joe", "john", "judy", "kenji", "lena", "mallory", "maria", "mary", "max", "michael", "mike", "niaj", "olivia", "oscar", "paul",
    "peggy", "peter", "rupert", "sam", "sato", "sybil", "tanaka", "taro", "trent", "trudy", "tom", "victor", "walter", "wendy",
    "admin", "analyst", "auditor", "automation", "bot", "ci", "deploy", "developer", "hubkeeper", "lambda", "local", "operator", "ops",
    "prowler", "robot", "scanner", "security", "terraform", "test", "user",
];

/// Everything that can be chosen. Its `Debug` leaves out what serves as secret keys.
#[derive(Clone, PartialEq)]
pub struct LocalOptions {
    /// Findings to make; 0: none, and the organization is there all the same.
    pub findings: usize,
    /// Accounts, the administrator included; at least 1.
    pub accounts: usize,
    /// Regions, the home Region included; at least 1.
    pub regions: usize,
    /// The home Region; absent: eu-west-1.
    pub first_region: Option<Region>,
    /// Hubs are off, and nobody administers anybody: all of that is left to the operations. There are no findings.
    pub bare: bool,
    /// The management account of the organization; absent: 000000000000.
    pub management: Option<AccountId>,
    /// Same seed, same company, same ids, same faults.
    pub seed: u64,
    /// What the clock shows at first.
    pub start: Timestamp,
    /// How fast it goes.
    pub speed: Speed,
    /// How long findings stay.
    pub lifetimes: Lifetimes,
    /// Whether checks run by themselves, every 12, 18 or 24 hours.
    pub checks: bool,
    /// What AWS leaves unsaid.
    pub switches: Switches,
    /// How long things take that do not happen at once.
    pub pace: Pace,
    /// The service's token buckets.
    pub buckets: bool,
    /// Which operations have a bucket of their own.
    pub sharing: Sharing,
    /// How a throttle is called.
    pub throttle: ThrottleCode,
    /// What goes wrong.
    pub faults: Faults,
    /// Principals that are told apart by their secret key; any other signature is the account's root.
    pub principals: Vec<String>,
    /// ARN of a role to the external id that assuming it takes.
    pub external_ids: BTreeMap<String, String>,
    /// Name of the queue that events go to, in the administrator's account.
    pub queue: String,
    /// After so many receipts a message goes to the queue's `-dead-letters`.
    pub max_receives: u32,
    /// Whether every call is remembered: for tests, since it never stops growing.
    pub record_calls: bool,
}

impl std::fmt::Debug for LocalOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalOptions")
            .field("findings", &self.findings)
            .field("accounts", &self.accounts)
            .field("regions", &self.regions)
            .field("seed", &self.seed)
            .field("start", &self.start)
            .field("speed", &self.speed)
            .finish_non_exhaustive()
    }
}

impl LocalOptions {
    /// Buckets on, faults and lag off, real clock, no findings, no checks by themselves. `start`: what the clock shows at first.
    pub fn new(start: Timestamp) -> Self {
        Self {
            findings: 0,
            accounts: 3,
            regions: 2,
            first_region: None,
            bare: false,
            management: None,
            seed: 0,
            start,
            speed: Speed::Real,
            lifetimes: Lifetimes::default(),
            checks: false,
            switches: Switches::default(),
            pace: Pace::default(),
            buckets: true,
            sharing: Sharing::default(),
            throttle: ThrottleCode::default(),
            faults: Faults::default(),
            principals: PRINCIPALS.iter().map(|name| (*name).to_owned()).collect(),
            external_ids: BTreeMap::new(),
            queue: "hubkeeper".to_owned(),
            max_receives: 10,
            record_calls: false,
        }
    }
}

/// Sets up a hub for a test. See [`Local::builder`].
#[derive(Debug, Clone)]
pub struct Builder(LocalOptions);

impl Default for Builder {
    fn default() -> Self {
        // 2026-11-21T08:00:00Z.
        let start = Timestamp::from_second(1_795_248_000).unwrap_or(Timestamp::UNIX_EPOCH);
        Self(LocalOptions {
            accounts: 1,
            regions: 1,
            speed: Speed::Stepped,
            buckets: false,
            record_calls: true,
            ..LocalOptions::new(start)
        })
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $name:ident: $kind:ty;)+) => {
        impl Builder {
            $($(#[$meta])* #[must_use] pub fn $name(mut self, $name: $kind) -> Self {
                self.0.$name = $name;
                self
            })+
        }
    };
}

setters! {
    /// Findings to make.
    findings: usize;
    /// Accounts, the administrator included.
    accounts: usize;
    /// Regions, the home Region included.
    regions: usize;
    /// Hubs are off, and nobody administers anybody.
    bare: bool;
    /// Same seed, same everything.
    seed: u64;
    /// What the clock shows at first.
    start: Timestamp;
    /// How fast it goes.
    speed: Speed;
    /// How long findings stay.
    lifetimes: Lifetimes;
    /// Whether checks run by themselves.
    checks: bool;
    /// What AWS leaves unsaid.
    switches: Switches;
    /// How long things take that do not happen at once.
    pace: Pace;
    /// The service's token buckets.
    buckets: bool;
    /// Which operations have a bucket of their own.
    sharing: Sharing;
    /// How a throttle is called.
    throttle: ThrottleCode;
    /// What goes wrong.
    faults: Faults;
    /// After so many receipts a message goes to the dead letters.
    max_receives: u32;
    /// Whether every call is remembered.
    record_calls: bool;
}

impl Builder {
    /// A principal that is told apart by its secret key.
    #[must_use]
    pub fn principal(mut self, name: &str) -> Self {
        self.0.principals.push(name.to_owned());
        self
    }

    /// A role that takes an external id.
    #[must_use]
    pub fn external_id(mut self, role_arn: &str, external_id: &str) -> Self {
        self.0.external_ids.insert(role_arn.to_owned(), external_id.to_owned());
        self
    }

    /// The hub.
    pub fn build(self) -> Result<Local, IdError> {
        Local::new(self.0)
    }
}
