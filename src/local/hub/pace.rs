//! How long things take that do not happen at once, by the hub's clock.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The times. Those of the guide are its longest; of "minutes" it says no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// PENDING until READY.
    pub enabling: Duration,
    /// DELETING until gone.
    pub disabling: Duration,
    /// UPDATING until READY, after the parameters of a control were changed.
    pub updating: Duration,
    /// From a change of a resource to the run of the checks that changes trigger; `None`: they wait for their sweep (AWS: some
    /// minutes, mostly).
    pub change_triggered: Option<Duration>,
    /// From the last update of a finding whose control is off until it is archived, at least (the guide: 3 to 5 days).
    pub archive_after: Duration,
    /// The most that is added to it; each control has its own share.
    pub archive_spread: Duration,
    /// The longest that findings take to follow a change of ControlFindingGenerator (the guide: up to 24 hours).
    pub consolidation: Duration,
    /// The longest that findings take that a Region had before it was linked, if they are replicated at all (see
    /// [`super::topology::view::OldFindings`]).
    pub linking: Duration,
    /// PENDING until ENABLED, after central configuration was started.
    pub centralizing: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            enabling: Duration::from_secs(30),
            disabling: Duration::from_secs(30),
            updating: Duration::from_secs(30),
            change_triggered: None,
            archive_after: Duration::from_hours(3 * 24),
            archive_spread: Duration::from_hours(2 * 24),
            consolidation: Duration::from_hours(24),
            linking: Duration::from_hours(24),
            centralizing: Duration::from_secs(30),
        }
    }
}

impl Pace {
    /// The share of `spread` that is `of`'s own: the same for the same name, and between nothing and all for different ones.
    pub fn share(spread: Duration, of: &str) -> Duration {
        // FNV-1a: any hash that is the same everywhere.
        let hash = of.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        spread / 1000 * (hash % 1001)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_between_nothing_and_all_and_differs_by_name() {
        let day = Duration::from_hours(24);
        let shares: std::collections::BTreeSet<Duration> = (0..100).map(|n| Pace::share(day, &format!("EC2.{n}"))).collect();
        assert!(shares.len() > 50 && shares.iter().all(|share| *share <= day));
        assert_eq!(Pace::share(day, "S3.8"), Pace::share(day, "S3.8"));
    }
}
