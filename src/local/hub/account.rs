//! An account's hub in a Region: switched on, described, configured, switched off. Sources: the service's model; the guide's
//! asff-changes-consolidation.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::core::ids::{AccountId, Region};
use crate::local::clock::{after, stamp};
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{EnableSecurityHub, Generator, Hub as HubAnswer, UpdateConfiguration};

use super::Hub;
use super::caller::Caller;
use super::settings::Settings;
use super::standards::DEFAULT_STANDARDS;
use super::tags;
use super::tasks::Task;

/// How long what a hub had is kept while it is off [M: DisableSecurityHub].
const KEPT: Duration = Duration::from_hours(90 * 24);

impl Hub {
    /// DescribeHub; `hub_arn`: the one that is asked for.
    pub fn describe(&self, caller: &Caller, hub_arn: Option<&str>) -> Result<HubAnswer, AwsError> {
        let (account, region) = (caller.account, &caller.region);
        let settings = self.settings(account, region).ok_or_else(|| AwsError::not_subscribed(account))?;
        let own = arn::hub(account, region);
        if let Some(asked) = hub_arn.filter(|asked| *asked != own) {
            let parts: Vec<&str> = asked.split(':').collect();
            return Err(match parts.as_slice() {
                ["arn", _, "securityhub", _, _, "hub/default"] => AwsError::not_found(format!("Hub {asked} not found")),
                _ => AwsError::invalid_input(format!("Invalid parameter 'HubArn': {asked} is not the ARN of a hub")),
            });
        }
        Ok(HubAnswer {
            hub_arn: own,
            subscribed_at: stamp(settings.since),
            auto_enable_controls: settings.auto_enable_controls,
            control_finding_generator: self.generator(account, region),
        })
    }

    /// EnableSecurityHub, with its tags, and the two default standards unless they are not wanted.
    pub fn enable(&mut self, caller: &Caller, request: &EnableSecurityHub, now: Timestamp) -> Result<(), AwsError> {
        let place = (caller.account, caller.region.clone());
        let generator = request.control_finding_generator.as_deref().map(generator).transpose()?.unwrap_or_default();
        request.tags.as_ref().map_or(Ok(()), tags::check)?;
        if self.enabled.contains_key(&place) {
            return Err(AwsError::conflict("Account is already subscribed to Security Hub"));
        }
        self.begin(caller.account, &caller.region, Some(generator), request.enable_default_standards.unwrap_or(true), now);
        if let Some(tags) = &request.tags {
            self.tags.insert(arn::hub(caller.account, &caller.region), tags.clone());
        }
        Ok(())
    }

    /// A hub is on from now on, with the default standards or without.
    pub(super) fn begin(
        &mut self,
        account: AccountId,
        region: &Region,
        generator: Option<Generator>,
        default_standards: bool,
        now: Timestamp,
    ) {
        let mut settings =
            self.settings_of_one_that_was_off(account, region, now).unwrap_or_else(|| Settings::new(now, Generator::default()));
        settings.generator = generator.unwrap_or_default();
        for standard in DEFAULT_STANDARDS.into_iter().filter(|_| default_standards) {
            settings.subscribe(standard, BTreeMap::new(), now, after(now, self.pace.enabling));
        }
        self.enabled.insert((account, region.clone()), settings);
    }

    /// UpdateSecurityHubConfiguration. What findings are like is the administrator's to say, for its members too.
    pub fn configure(&mut self, caller: &Caller, request: &UpdateConfiguration, now: Timestamp) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let wanted = request.control_finding_generator.as_deref().map(generator).transpose()?;
        if wanted.is_some() && self.topology.administrator(caller.account, &caller.region).is_some() {
            return Err(AwsError::invalid_access(
                "ControlFindingGenerator can only be updated in the administrator account of the organization",
            ));
        }
        let before = self.generator(caller.account, &caller.region);
        if let Some(settings) = self.enabled.get_mut(&(caller.account, caller.region.clone())) {
            settings.auto_enable_controls = request.auto_enable_controls.unwrap_or(settings.auto_enable_controls);
            settings.generator = wanted.unwrap_or(settings.generator);
        }
        if self.generator(caller.account, &caller.region) != before {
            self.convert_later(caller.account, &caller.region, now);
        }
        Ok(())
    }

    /// DisableSecurityHub; not in the account that administers others (the words: hashicorp/terraform-provider-aws, resource
    /// `securityhub_account`), and not in a member account before it is disassociated (the guide's securityhub-disable).
    pub fn disable(&mut self, caller: &Caller, now: Timestamp) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let (account, region) = (caller.account, &caller.region);
        if self.topology.administers(account, region) {
            return Err(AwsError::invalid_input("Cannot disable Security Hub on the Security Hub administrator"));
        }
        if let Some(administrator) = self.topology.administrator(account, region) {
            return Err(AwsError::invalid_access(format!(
                "Account {account} is a member account of administrator {administrator}: it must be disassociated before \
                 Security Hub can be disabled"
            )));
        }
        self.topology.forget_lists(account, region);
        self.switch_off(caller.account, &caller.region, now);
        Ok(())
    }

    /// Switches a hub off, whoever's it is: findings, insights, rules, actions, products, parameters and tags are gone from sight,
    /// and back when it is on again within 90 days. Its standards are not.
    pub fn switch_off(&mut self, account: AccountId, region: &Region, now: Timestamp) {
        let place = (account, region.clone());
        if let Some(settings) = self.enabled.remove(&place) {
            self.off.insert(place, (now, settings));
            self.later(after(now, KEPT), Task::Forget { account, region: region.clone() });
        }
    }

    /// The time of a hub that was off is up at `due`, unless it was on again since.
    pub(super) fn forget_hub(&mut self, account: AccountId, region: &Region, due: Timestamp) {
        let place = (account, region.clone());
        if self.off.get(&place).is_none_or(|(since, _)| after(*since, KEPT) > due) {
            return;
        }
        self.off.remove(&place);
        self.forget_tags_in(account, region);
        let here = |row: &u32| self.store.get(*row).is_some_and(|stored| stored.account == account && stored.region == region);
        let rows: Vec<u32> = self.store.rows().into_iter().filter(here).collect();
        for row in rows {
            self.remove(row);
        }
    }

    fn settings_of_one_that_was_off(&mut self, account: AccountId, region: &Region, now: Timestamp) -> Option<Settings> {
        self.off.remove(&(account, region.clone())).map(|(_, settings)| settings.again(now))
    }

    /// Switches a hub on with every standard, if it is not.
    pub fn switch_on(&mut self, account: AccountId, region: &Region, now: Timestamp) {
        if self.is_enabled(account, region) {
            return;
        }
        let settings = match self.settings_of_one_that_was_off(account, region, now) {
            Some(settings) => settings.with_every_standard(now),
            None => Settings::whole(now),
        };
        self.enabled.insert((account, region.clone()), settings);
    }
}

fn generator(text: &str) -> Result<Generator, AwsError> {
    Generator::parse(text).ok_or_else(|| {
        AwsError::invalid_input(format!(
            "Invalid parameter 'ControlFindingGenerator': {text} is not one of STANDARD_CONTROL, SECURITY_CONTROL"
        ))
    })
}
