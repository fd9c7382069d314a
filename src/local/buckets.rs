//! The service's token buckets: per account, Region and class of operation, on the hub's clock.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::local::forms;
use crate::wire::limits::Rate;
use crate::wire::operations::Operation;

/// Which operations have a bucket of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Sharing {
    /// Each.
    #[default]
    Each,
    /// Those with a quota by name; all others share one.
    Others,
}

/// The bucket that all others share.
const OTHERS: &str = "all others";

/// All buckets.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Buckets {
    /// When the bucket will be full again, in the clock's elapsed time: one number says how full it is.
    #[serde(with = "forms::map")]
    full_at: BTreeMap<(AccountId, Region, Cow<'static, str>), Duration>,
    /// See [`Sharing`].
    sharing: Sharing,
}

impl Buckets {
    /// Full ones.
    pub fn new(sharing: Sharing) -> Self {
        Self { sharing, ..Self::default() }
    }

    /// Which operations have one of their own.
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, account: AccountId, region: &Region, operation: &Operation, elapsed: Duration) -> bool {
        let (period, all_but_one) = pace(operation);
        let full_at = self.bucket(account, region, operation);
        let missing = full_at.saturating_sub(elapsed);
        if missing > all_but_one {
            return false;
        }
        *full_at = elapsed + missing + period;
        true
    }

    /// Others take every token until then: that is when the next one is there.
    pub fn use_up(&mut self, account: AccountId, region: &Region, operation: &Operation, until: Duration) {
        let (_, all_but_one) = pace(operation);
        let full_at = self.bucket(account, region, operation);
        *full_at = (*full_at).max(until + all_but_one);
    }

    /// When the bucket will be full again.
    fn bucket(&mut self, account: AccountId, region: &Region, operation: &Operation) -> &mut Duration {
        let bucket = if self.sharing == Sharing::Others && !operation.has_own_quota() { OTHERS } else { operation.name };
        self.full_at.entry((account, region.clone(), Cow::Borrowed(bucket))).or_default()
    }
}

/// The time in which a bucket gets a token, and that in which it gets all but one.
fn pace(operation: &Operation) -> (Duration, Duration) {
    let Rate { per_second, burst } = operation.rate;
    let period = Duration::from_secs(1) / per_second.max(1);
    (period, period * burst.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::operations::named;

    #[test]
    fn a_bucket_holds_its_burst_and_refills_at_its_rate_for_each_account_and_region() {
        let account: AccountId = "111122223333".parse().unwrap();
        let other: AccountId = "444455556666".parse().unwrap();
        let (home, linked): (Region, Region) = ("eu-west-1".parse().unwrap(), "us-east-1".parse().unwrap());
        let (mut buckets, get) = (Buckets::default(), named("GetFindings").unwrap());
        let mut run = |account, region: &Region, at| (0..100).filter(|_| buckets.take(account, region, get, at)).count();
        assert_eq!(run(account, &home, Duration::ZERO), 6);
        assert_eq!(run(account, &linked, Duration::ZERO), 6);
        assert_eq!(run(other, &home, Duration::ZERO), 6);
        assert_eq!(run(account, &home, Duration::from_millis(333)), 0);
        assert_eq!(run(account, &home, Duration::from_millis(334)), 1);
        assert_eq!(run(account, &home, Duration::from_millis(1334)), 3);
        assert_eq!(run(account, &home, Duration::from_mins(1)), 6);
    }

    #[test]
    fn what_others_use_up_comes_back_token_by_token() {
        let account: AccountId = "111122223333".parse().unwrap();
        let home: Region = "eu-west-1".parse().unwrap();
        let (mut buckets, get) = (Buckets::default(), named("GetFindings").unwrap());
        buckets.use_up(account, &home, get, Duration::from_secs(5));
        let mut run = |at| (0..100).filter(|_| buckets.take(account, &home, get, Duration::from_millis(at))).count();
        assert_eq!([run(0), run(4_999), run(5_000), run(5_300), run(5_700), run(60_000)], [0, 0, 1, 0, 2, 6]);
    }

    #[test]
    fn operations_have_their_own_buckets() {
        let account: AccountId = "111122223333".parse().unwrap();
        let home: Region = "eu-west-1".parse().unwrap();
        let mut buckets = Buckets::default();
        let mut run = |name| {
            let operation = named(name).unwrap();
            (0..100).filter(|_| buckets.take(account, &home, operation, Duration::ZERO)).count()
        };
        assert_eq!([run("GetFindings"), run("BatchUpdateFindings"), run("DescribeHub"), run("ListMembers")], [6, 30, 30, 30]);
        assert_eq!([run("BatchEnableStandards"), run("UpdateStandardsControl")], [1, 5]);
    }

    #[test]
    fn all_others_share_one_bucket_where_the_switch_says_so() {
        let account: AccountId = "111122223333".parse().unwrap();
        let home: Region = "eu-west-1".parse().unwrap();
        let mut buckets = Buckets::new(Sharing::Others);
        let mut run = |name| {
            let operation = named(name).unwrap();
            (0..20).filter(|_| buckets.take(account, &home, operation, Duration::ZERO)).count()
        };
        assert_eq!([run("DescribeHub"), run("ListMembers"), run("GetFindingHistory")], [20, 10, 0]);
        assert_eq!([run("GetFindings"), run("BatchUpdateFindings"), run("BatchImportFindings")], [6, 20, 20]);
        assert_eq!([run("BatchEnableStandards"), run("UpdateStandardsControl")], [1, 5]);
    }
}
