//! One aggregator: its home Region, which Regions it links, and since when.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::Region;
use crate::wire::securityhub::LinkingMode;

/// An aggregator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregator {
    /// The end of its ARN.
    pub id: String,
    /// Where it was created.
    pub home: Region,
    /// `RegionLinkingMode`.
    pub mode: LinkingMode,
    /// The Regions that the mode is about, sorted.
    pub regions: Vec<Region>,
    /// Since when a Region is linked, where that is not `others`.
    begun: BTreeMap<Region, Option<Timestamp>>,
    others: Option<Timestamp>,
    /// Rows of findings that were processed in the very millisecond of a link, and before it; ascending.
    early: Vec<u32>,
}

/// What the home Region keeps of links that have ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remains {
    /// The home Region.
    pub home: Region,
    /// When they ended: what has come since is nothing of it.
    pub ended: Timestamp,
    /// Rows of the findings that had flown; ascending.
    pub rows: Vec<u32>,
}

impl Aggregator {
    /// One that links since `since`; `None`: from the start, so that nothing is older.
    pub fn new(id: String, home: Region, mode: LinkingMode, mut regions: Vec<Region>, since: Option<Timestamp>) -> Self {
        regions.sort_unstable();
        regions.dedup();
        Self { id, home, mode, regions, begun: BTreeMap::new(), others: since, early: Vec::new() }
    }

    /// Whether findings of this Region flow to the home Region.
    pub fn links(&self, region: &Region) -> bool {
        let named = self.regions.binary_search(region).is_ok();
        *region != self.home
            && match self.mode {
                LinkingMode::AllRegions => true,
                LinkingMode::AllRegionsExceptSpecified => !named,
                LinkingMode::SpecifiedRegions => named,
                LinkingMode::NoRegions => false,
            }
    }

    /// The same, where the findings of these rows were processed at the time of the link, and before it; ascending.
    #[must_use]
    pub fn later_than(mut self, early: Vec<u32>) -> Self {
        self.early.extend(early);
        self.early.sort_unstable();
        self.early.dedup();
        self
    }

    /// Whether the finding of a row, processed at the time of a link, was so after it.
    pub fn is_late(&self, row: u32) -> bool {
        self.early.binary_search(&row).is_err()
    }

    /// Since when a linked Region is linked; `None`: from the start.
    pub fn since(&self, region: &Region) -> Option<Timestamp> {
        self.begun.get(region).copied().unwrap_or(self.others)
    }

    /// The same home Region, and other links: those that stay are as old as they were.
    #[must_use]
    pub fn relinked(&self, mode: LinkingMode, regions: Vec<Region>, now: Timestamp) -> Self {
        let mut new = Self::new(self.id.clone(), self.home.clone(), mode, regions, Some(now));
        let all = |mode| matches!(mode, LinkingMode::AllRegions | LinkingMode::AllRegionsExceptSpecified);
        if all(self.mode) && all(mode) {
            new.others = self.others;
        }
        let named: BTreeSet<&Region> = self.regions.iter().chain(&new.regions).chain(self.begun.keys()).collect();
        let since = |region: &Region| if self.links(region) { self.since(region) } else { Some(now) };
        new.early.clone_from(&self.early);
        new.begun = named.into_iter().map(|region| (region.clone(), since(region))).collect();
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LinkingMode::{AllRegions, AllRegionsExceptSpecified, NoRegions, SpecifiedRegions};

    fn region(name: &str) -> Region {
        name.parse().unwrap()
    }

    fn made(mode: LinkingMode, regions: &[&str]) -> Aggregator {
        let regions = regions.iter().map(|name| region(name)).collect();
        Aggregator::new("a".to_owned(), region("eu-west-1"), mode, regions, Some(at(1)))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_mode_links_what_it_says_and_never_the_home_region() {
        let links = |mode, regions: &[&str]| {
            let of = made(mode, regions);
            ["eu-west-1", "us-east-1", "us-west-2", "xx-new-1"].map(|name| of.links(&region(name)))
        };
        assert_eq!(links(AllRegions, &[]), [false, true, true, true]);
        assert_eq!(links(AllRegionsExceptSpecified, &["us-east-1"]), [false, false, true, true]);
        assert_eq!(links(SpecifiedRegions, &["us-west-2", "us-east-1", "us-east-1"]), [false, true, true, false]);
        assert_eq!(links(NoRegions, &[]), [false; 4]);
    }

    #[test]
    fn a_link_that_stays_is_as_old_as_it_was_and_a_new_one_begins_now() {
        let second = |of: &Aggregator, name: &str| of.since(&region(name)).unwrap().as_second();
        let first = made(SpecifiedRegions, &["us-east-1"]);
        let all = first.relinked(AllRegions, Vec::new(), at(2));
        assert_eq!(["us-east-1", "us-west-2"].map(|name| second(&all, name)), [1, 2]);
        let but = all.relinked(AllRegionsExceptSpecified, vec![region("us-east-1")], at(3));
        assert!(!but.links(&region("us-east-1")));
        assert_eq!(second(&but, "us-west-2"), 2);
        let again = but.relinked(AllRegions, Vec::new(), at(4));
        assert_eq!(["us-east-1", "us-west-2", "xx-new-1"].map(|name| second(&again, name)), [4, 2, 2]);
        let two = again.relinked(SpecifiedRegions, vec![region("us-west-2"), region("us-east-1")], at(5));
        assert_eq!(["us-east-1", "us-west-2"].map(|name| second(&two, name)), [4, 2]);
        let none = two.relinked(NoRegions, Vec::new(), at(6)).relinked(AllRegions, Vec::new(), at(7));
        assert_eq!(["us-east-1", "eu-north-1"].map(|name| second(&none, name)), [7, 7]);
    }
}
