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

/// One time of a pace, and how it is named.
type Named = (&'static str, fn(&mut Pace) -> &mut Duration);

/// All of them.
const NAMES: [Named; 8] = [
    ("enabling", |pace| &mut pace.enabling),
    ("disabling", |pace| &mut pace.disabling),
    ("updating", |pace| &mut pace.updating),
    ("archive-after", |pace| &mut pace.archive_after),
    ("archive-spread", |pace| &mut pace.archive_spread),
    ("consolidation", |pace| &mut pace.consolidation),
    ("linking", |pace| &mut pace.linking),
    ("centralizing", |pace| &mut pace.centralizing),
];

impl Pace {
    /// Another time, as a person writes it: `updating=0`, in seconds. An error says what could be written.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let names = || NAMES.map(|(name, _)| name).join(", ");
        let (name, seconds) = text.split_once('=').ok_or_else(|| format!("write NAME=SECONDS, where NAME is {}", names()))?;
        let (_, time) = NAMES.iter().find(|(known, _)| *known == name).ok_or_else(|| format!("write one of {}", names()))?;
        let seconds: u32 = seconds.parse().map_err(|_| "write a whole number of seconds".to_owned())?;
        *time(self) = Duration::from_secs(seconds.into());
        Ok(())
    }

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
    fn each_time_is_set_by_its_name_and_no_other() {
        let mut all: Vec<Pace> = Vec::new();
        for (name, _) in NAMES {
            let mut pace = Pace::default();
            pace.set(&format!("{name}=7")).unwrap();
            assert_ne!(pace, Pace::default(), "{name}");
            assert!(!all.contains(&pace), "{name}");
            all.push(pace);
        }
        let mut pace = Pace::default();
        assert_eq!(pace.set("updating=0"), Ok(()));
        assert_eq!(pace, Pace { updating: Duration::ZERO, ..Pace::default() });
        for (text, says) in [("updating", "NAME=SECONDS"), ("upgrading=1", "archive-after"), ("updating=soon", "seconds")] {
            assert!(pace.set(text).unwrap_err().contains(says), "{text}");
        }
    }

    #[test]
    fn a_share_is_between_nothing_and_all_and_differs_by_name() {
        let day = Duration::from_hours(24);
        let shares: std::collections::BTreeSet<Duration> = (0..100).map(|n| Pace::share(day, &format!("EC2.{n}"))).collect();
        assert!(shares.len() > 50 && shares.iter().all(|share| *share <= day));
        assert_eq!(Pace::share(day, "S3.8"), Pace::share(day, "S3.8"));
    }
}
