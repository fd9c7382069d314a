//! Which Regions are kept: what `spec.linkedRegions` lists, or all that the aggregator links.

use super::Keeper;
use crate::core::ids::Region;
use crate::core::objects::HubSpec;
use crate::engine::ports::{HubDescription, ReadFilter};
use crate::inventory::Place;

/// Values that one filter field takes.
const FILTER_VALUES: usize = 20;

/// The listed Regions beside what the aggregator links.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Regions {
    /// Listed and not linked: kept at their own place, with calls of their own.
    pub unlinked: Vec<Region>,
    /// Linked and not listed: their findings are left alone.
    pub left: Vec<Region>,
    /// Whether findings of other Regions than those listed may be seen at the home Region.
    pub narrowed: bool,
}

impl Regions {
    /// Compares them. An aggregator that links all Regions does not list them: whatever is listed is linked then.
    pub fn of(spec: &HubSpec, description: &HubDescription) -> Self {
        let Some(listed) = &spec.linked_regions else { return Self::default() };
        let linked = match (&description.aggregator_home, &description.linked_regions) {
            (Some(_), None) => return Self { narrowed: true, ..Self::default() },
            (_, linked) => linked.as_deref().unwrap_or_default(),
        };
        let without = |all: &[Region], others: &[Region]| -> Vec<Region> {
            all.iter().filter(|region| **region != spec.home_region && !others.contains(region)).cloned().collect()
        };
        let left = without(linked, listed);
        Self { unlinked: without(listed, linked), narrowed: !left.is_empty(), left }
    }
}

impl Keeper {
    /// The listed Regions beside the linked ones, once connected.
    pub(in crate::engine) fn regions(&self) -> Regions {
        match (self.spec(), &self.description) {
            (Some(spec), Some(description)) => Regions::of(spec, description),
            _ => Regions::default(),
        }
    }

    /// Regions whose findings are kept; `None`: whatever is seen.
    pub(super) fn kept_regions(&self) -> Option<Vec<Region>> {
        let spec = self.spec()?;
        let listed = spec.linked_regions.as_ref().filter(|_| self.regions().narrowed)?;
        Some(std::iter::once(&spec.home_region).chain(listed).cloned().collect())
    }

    /// Asks for no finding that would be left alone, where the filter can say so.
    pub(super) fn within_regions(&self, place: Place, mut filter: ReadFilter) -> ReadFilter {
        if place == Place(0)
            && filter.ids.is_empty()
            && let Some(kept) = self.kept_regions().filter(|kept| kept.len() <= FILTER_VALUES)
        {
            filter.regions = kept;
        }
        filter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions(names: &[&str]) -> Vec<Region> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn compare(listed: Option<&[&str]>, aggregator: bool, linked: Option<&[&str]>) -> Regions {
        let description = HubDescription {
            account: "111122223333".parse().unwrap(),
            caller_arn: String::new(),
            hub_arn: String::new(),
            linked_regions: linked.map(regions),
            aggregator_home: aggregator.then(|| "eu-west-1".parse().unwrap()),
        };
        let spec = HubSpec { linked_regions: listed.map(regions), ..crate::engine::tests::hub().spec };
        Regions::of(&spec, &description)
    }

    #[test]
    fn what_is_linked_and_not_listed_is_left_and_what_is_listed_and_not_linked_is_said() {
        let both: &[&str] = &["ap-northeast-1", "us-east-1"];
        assert_eq!(compare(None, true, Some(both)), Regions::default());
        assert_eq!(compare(Some(both), true, Some(both)), Regions::default());
        let some = compare(Some(&["us-east-1", "eu-north-1"]), true, Some(both));
        assert_eq!((some.unlinked, some.left, some.narrowed), (regions(&["eu-north-1"]), regions(&["ap-northeast-1"]), true));
        let none = compare(Some(&[]), true, Some(both));
        assert_eq!((none.left.len(), none.narrowed), (2, true));
    }

    #[test]
    fn an_aggregator_of_all_regions_links_what_is_listed_and_without_one_nothing_is_linked() {
        let all = compare(Some(&["us-east-1"]), true, None);
        assert!(all.unlinked.is_empty() && all.left.is_empty() && all.narrowed);
        let alone = compare(Some(&["us-east-1"]), false, None);
        assert_eq!((alone.unlinked, alone.narrowed), (regions(&["us-east-1"]), false));
    }
}
