//! Finding aggregators: created in the home Region, one for an account; members have their administrator's.
//!
//! Sources: the service's model; the guide's finding-aggregation, finding-aggregation-enable, finding-aggregation-stop.

use jiff::Timestamp;

use crate::core::ids::{AccountId, Region};
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::wire::regions::is_opt_in;
use crate::wire::securityhub::{
    AggregatorArn, CreateFindingAggregator, FindingAggregator, FindingAggregators, LinkingMode, UpdateFindingAggregator,
};

use super::Hub;
use super::caller::Caller;
use super::page::{Asked, page_size};
use super::topology::aggregator::{Aggregator, Remains};

impl Hub {
    /// CreateFindingAggregator: this is the home Region from now on.
    pub fn create_aggregator(
        &mut self,
        caller: &Caller,
        request: &CreateFindingAggregator,
        now: Timestamp,
    ) -> Result<FindingAggregator, AwsError> {
        self.require_enabled(caller)?;
        let home = &caller.region;
        let (mode, regions) = links(&request.region_linking_mode, request.regions.as_deref(), home)?;
        if self.topology.administrator(caller.account, home).is_some() {
            // nozaq/terraform-aws-secure-baseline, issue 254.
            return Err(AwsError::invalid_input("A finding aggregator cannot be created by a member account."));
        }
        if is_opt_in(home.as_str()) {
            return Err(AwsError::invalid_input(format!(
                "Region {home} is disabled by default: it cannot be the home Region of a finding aggregator"
            )));
        }
        if let Some(known) = self.topology.aggregator(caller.account) {
            return Err(AwsError::invalid_input(format!(
                "Account {} already has a finding aggregator, in {}: an account has one",
                caller.account, known.home
            )));
        }
        let new = Aggregator::new(self.uuid(), home.clone(), mode, regions, Some(now)).later_than(self.processed_at(now));
        let answer = described(caller.account, &new);
        self.topology.set_aggregator(caller.account, Some(new));
        Ok(answer)
    }

    /// UpdateFindingAggregator, in the home Region. A Region that is linked anew flows from now on.
    pub fn update_aggregator(
        &mut self,
        caller: &Caller,
        request: &UpdateFindingAggregator,
        now: Timestamp,
    ) -> Result<FindingAggregator, AwsError> {
        let aggregator = self.own_aggregator(caller, &request.finding_aggregator_arn)?;
        let (mode, regions) = links(&request.region_linking_mode, request.regions.as_deref(), &aggregator.home)?;
        let new = aggregator.relinked(mode, regions, now).later_than(self.processed_at(now));
        let answer = described(caller.account, &new);
        self.end_links(caller, |region| !new.links(region), now);
        self.topology.set_aggregator(caller.account, Some(new));
        if self.topology.central().is_some_and(|central| central.administrator == caller.account) {
            self.centralize(now);
        }
        Ok(answer)
    }

    /// DeleteFindingAggregator, in the home Region: nothing flows any more, and central configuration ends. What has flown stays.
    pub fn delete_aggregator(&mut self, caller: &Caller, arn: &str, now: Timestamp) -> Result<(), AwsError> {
        self.own_aggregator(caller, arn)?;
        self.end_links(caller, |_| true, now);
        self.topology.set_aggregator(caller.account, None);
        if self.topology.central().is_some_and(|central| central.administrator == caller.account) {
            self.topology.set_central(None);
        }
        Ok(())
    }

    /// Before the links of these Regions end: what has flown from them stays.
    fn end_links(&mut self, owner: &Caller, ends: impl Fn(&Region) -> bool, now: Timestamp) {
        let home = &owner.region;
        let of_ended = |row: &u32| self.store.get(*row).is_some_and(|found| found.region != home && ends(found.region));
        let rows = self.view(owner, now).rows().iter().filter(of_ended).collect();
        self.topology.keep_remains(owner.account, Remains { home: home.clone(), ended: now, rows });
    }

    /// Rows of the findings that were processed in this millisecond.
    fn processed_at(&self, now: Timestamp) -> Vec<u32> {
        let processed = self.store.processed().iter().zip(0_u32..);
        processed.filter(|(at, _)| **at == now.as_millisecond()).map(|(_, row)| row).collect()
    }

    /// ListFindingAggregators: works in any Region; members get their administrator's.
    pub fn aggregators(&self, caller: &Caller, size: Option<i64>, token: Option<&str>) -> Result<FindingAggregators, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        let found = self.topology.aggregator_for(caller.account, &caller.region);
        let found = found.map(|(owner, of)| AggregatorArn { finding_aggregator_arn: aggregator_arn(owner, of) });
        let asked = Asked { operation: "ListFindingAggregators", caller, arguments: "", size, token };
        let (finding_aggregators, next_token) = self.page(&asked, found.into_iter())?;
        Ok(FindingAggregators { finding_aggregators, next_token })
    }

    /// GetFindingAggregator: works in any Region; members get their administrator's.
    pub fn aggregator(&self, caller: &Caller, arn: &str) -> Result<FindingAggregator, AwsError> {
        let (owner, aggregator) = self.seen_aggregator(caller, arn)?;
        Ok(described(owner, aggregator))
    }

    fn seen_aggregator(&self, caller: &Caller, arn: &str) -> Result<(AccountId, &Aggregator), AwsError> {
        self.require_enabled(caller)?;
        if arn::read_finding_aggregator(arn).is_none() {
            return Err(AwsError::invalid_input(format!(
                "Invalid parameter 'FindingAggregatorArn': {arn} is not the ARN of a finding aggregator"
            )));
        }
        let found = self.topology.aggregator_for(caller.account, &caller.region);
        let found = found.filter(|(owner, aggregator)| aggregator_arn(*owner, aggregator) == arn);
        found.ok_or_else(|| AwsError::not_found(format!("Finding aggregator {arn} not found")))
    }

    /// The one that the caller may change here.
    fn own_aggregator(&self, caller: &Caller, arn: &str) -> Result<Aggregator, AwsError> {
        let (owner, aggregator) = self.seen_aggregator(caller, arn)?;
        if owner != caller.account {
            return Err(AwsError::access_denied(format!(
                "User: {} is not authorized to change {arn}: it is the administrator's, {owner}",
                caller.arn()
            )));
        }
        if aggregator.home != caller.region {
            return Err(AwsError::invalid_input(format!(
                "Finding aggregator {arn} can be changed from its home Region only, {}",
                aggregator.home
            )));
        }
        Ok(aggregator.clone())
    }
}

fn aggregator_arn(owner: AccountId, aggregator: &Aggregator) -> String {
    arn::finding_aggregator(&aggregator.id, owner, &aggregator.home)
}

fn described(owner: AccountId, aggregator: &Aggregator) -> FindingAggregator {
    FindingAggregator {
        finding_aggregator_arn: aggregator_arn(owner, aggregator),
        finding_aggregation_region: aggregator.home.to_string(),
        region_linking_mode: aggregator.mode.as_str().to_owned(),
        regions: aggregator.regions.iter().map(Region::to_string).collect(),
    }
}

/// Mode and Regions of a request, if they go together.
fn links(mode: &str, regions: Option<&[String]>, home: &Region) -> Result<(LinkingMode, Vec<Region>), AwsError> {
    let refused = |message: String| AwsError::invalid_input(message);
    let known = LinkingMode::parse(mode).ok_or_else(|| {
        let all = LinkingMode::ALL.map(LinkingMode::as_str).join(", ");
        refused(format!("Invalid parameter 'RegionLinkingMode': {mode} is not one of {all}"))
    })?;
    let regions = regions.unwrap_or_default();
    let takes = matches!(known, LinkingMode::SpecifiedRegions | LinkingMode::AllRegionsExceptSpecified);
    match (takes, regions.is_empty()) {
        (true, true) => return Err(refused(format!("Invalid parameter 'Regions': {mode} needs at least one Region"))),
        (false, false) => return Err(refused(format!("Invalid parameter 'Regions': {mode} takes no Regions"))),
        (true, false) | (false, true) => {}
    }
    let parsed = regions.iter().map(|name| {
        let region: Region = name.parse().map_err(|_| refused(format!("Invalid parameter 'Regions': {name:?} is no Region")))?;
        if region == *home {
            return Err(refused(format!("Invalid parameter 'Regions': {region} is the home Region")));
        }
        Ok(region)
    });
    Ok((known, parsed.collect::<Result<_, _>>()?))
}
