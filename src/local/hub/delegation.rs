//! The organization and Security Hub: its delegated administrator, how accounts that join are configured, and central
//! configuration.
//!
//! Sources: the service's model; the guide's designate-orgs-admin-account, remove-admin-overview, accounts-orgs-auto-enable,
//! start-central-configuration, aggregation-central-configuration. AWS Organizations itself is not served: every account
//! belongs to the one organization, unless the admin API says that it does not.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::core::ids::{AccountId, Region};
use crate::local::clock::after;
use crate::wire::error::AwsError;
use crate::wire::limits::{ADMINISTRATORS_PAGE_MAX, MEMBERS_MAX};
use crate::wire::regions::ON_BY_DEFAULT;
use crate::wire::securityhub::{
    AdminAccount, AdminAccounts, AutoEnableStandards, ConfigurationStatus, ConfigurationType, DescribedConfiguration,
    EnabledAdminAccount, Feature, MemberStatus, OrganizationAdminAccount, OrganizationConfiguration,
    UpdateOrganizationConfiguration,
};

use super::Hub;
use super::caller::Caller;
use super::members::accounts;
use super::page::{Asked, page_size};
use super::topology::membership::{Bond, Membership};
use super::topology::{Central, Known, NewAccounts};

impl Hub {
    /// EnableOrganizationAdminAccount, in this Region. The hub of the account is enabled too, unless it is the management
    /// account's. Designating who is designated already changes nothing.
    pub fn enable_administrator(
        &mut self,
        caller: &Caller,
        request: &OrganizationAdminAccount,
        now: Timestamp,
    ) -> Result<EnabledAdminAccount, AwsError> {
        let (account, feature) = self.named_administrator(caller, request)?;
        let region = &caller.region;
        if !self.topology.in_organization(account) {
            return Err(AwsError::invalid_input(format!(
                "The request was rejected because the account {account} is not a member of the organization"
            )));
        }
        if let Some((elsewhere, other)) = self.topology.delegations(feature).find(|(_, other)| *other != account) {
            return Err(AwsError::invalid_input(format!(
                "The request was rejected because account {other} is the administrator account in {elsewhere}: it must be the \
                 same in every Region. Disable it first"
            )));
        }
        if feature == Feature::SecurityHub {
            if let Some(of) = self.topology.administrator(account, region) {
                return Err(AwsError::invalid_input(format!(
                    "The request was rejected because account {account} is a member account of administrator {of}"
                )));
            }
            if !self.is_enabled(account, region) {
                if account == self.topology.management {
                    return Err(AwsError::invalid_input(
                        "The request was rejected because Security Hub cannot be enabled automatically in the management account \
                         of the organization: enable it there first",
                    ));
                }
                self.begin(account, region, None, true, now);
            }
            self.delegate(account, region, now);
        } else {
            self.topology.set_delegated(feature, region, Some(account));
        }
        Ok(EnabledAdminAccount { admin_account_id: account.to_string(), feature })
    }

    /// DisableOrganizationAdminAccount, in this Region: its members through the organization are standalone accounts again,
    /// with their hubs on.
    pub fn disable_administrator(
        &mut self,
        caller: &Caller,
        request: &OrganizationAdminAccount,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let (account, feature) = self.named_administrator(caller, request)?;
        if self.topology.delegated(feature, &caller.region) != Some(account) {
            return Err(AwsError::invalid_input(format!(
                "The request was rejected because account {account} is not the administrator account in {}",
                caller.region
            )));
        }
        if feature == Feature::SecurityHub {
            if self.topology.is_central(&caller.region) {
                return Err(AwsError::invalid_input(
                    "The request was rejected because the organization uses central configuration: the administrator account \
                     cannot be removed by Security Hub",
                ));
            }
            self.undelegate(account, &caller.region, now);
        }
        self.topology.set_delegated(feature, &caller.region, None);
        Ok(())
    }

    /// ListOrganizationAdminAccounts, of this Region.
    pub fn administrators(
        &self,
        caller: &Caller,
        feature: Option<&str>,
        size: Option<i64>,
        token: Option<&str>,
    ) -> Result<AdminAccounts, AwsError> {
        let size = page_size(size, ADMINISTRATORS_PAGE_MAX, ADMINISTRATORS_PAGE_MAX)?;
        let feature = read_feature(feature)?;
        if caller.account != self.topology.management {
            return Err(AwsError::invalid_access(format!("Account {} is not the management account", caller.account)));
        }
        let account = |id: AccountId| AdminAccount { account_id: id.to_string(), status: "ENABLED".to_owned() };
        let all = self.topology.delegated(feature, &caller.region).map(account).into_iter();
        let arguments = format!("{feature:?}");
        let asked = Asked { operation: "ListOrganizationAdminAccounts", caller, arguments: &arguments, size, token };
        let (admin_accounts, next_token) = self.page(&asked, all)?;
        Ok(AdminAccounts { admin_accounts, next_token, feature })
    }

    /// DescribeOrganizationConfiguration, of this Region.
    pub fn organization_configuration(&self, caller: &Caller, now: Timestamp) -> Result<DescribedConfiguration, AwsError> {
        self.require_delegated(caller)?;
        let region = &caller.region;
        let members = self.topology.members(caller.account, region);
        let members = members.filter(|(_, membership)| membership.bond == Bond::Organization).count();
        let central = self.topology.central().filter(|_| self.topology.is_central(region));
        let of = self.topology.new_accounts(region);
        let (auto_enable, auto_enable_standards) =
            if central.is_some() { (false, AutoEnableStandards::None) } else { (of.auto_enable, of.standards) };
        let (configuration_type, status) = match central {
            None => (ConfigurationType::Local, ConfigurationStatus::Enabled),
            Some(central) if now < central.ready => (ConfigurationType::Central, ConfigurationStatus::Pending),
            Some(_) => (ConfigurationType::Central, ConfigurationStatus::Enabled),
        };
        Ok(DescribedConfiguration {
            auto_enable,
            member_account_limit_reached: members >= MEMBERS_MAX,
            auto_enable_standards,
            organization_configuration: OrganizationConfiguration { configuration_type, status },
        })
    }

    /// UpdateOrganizationConfiguration, of this Region; central configuration is of the home Region and all linked ones.
    pub fn update_organization_configuration(
        &mut self,
        caller: &Caller,
        request: &UpdateOrganizationConfiguration,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let standards = request.auto_enable_standards.as_deref().map(|text| {
            AutoEnableStandards::parse(text).ok_or_else(|| {
                AwsError::invalid_input(format!("Invalid parameter 'AutoEnableStandards': {text} is not one of NONE, DEFAULT"))
            })
        });
        let standards = standards.transpose()?;
        let wanted = request.organization_configuration.as_ref().and_then(|wanted| wanted.configuration_type.as_deref());
        let wanted = wanted.map(|text| {
            ConfigurationType::parse(text).ok_or_else(|| {
                AwsError::invalid_input(format!(
                    "Invalid parameter 'OrganizationConfiguration.ConfigurationType': {text} is not one of CENTRAL, LOCAL"
                ))
            })
        });
        let wanted = wanted.transpose()?;
        self.require_delegated(caller)?;
        let region = &caller.region;
        let central = self.topology.central().filter(|_| self.topology.is_central(region));
        if central.is_some_and(|central| now < central.ready) {
            return Err(AwsError::conflict(
                "The configuration type of the organization is being changed: wait until it is not PENDING",
            ));
        }
        let is = if central.is_some() { ConfigurationType::Central } else { ConfigurationType::Local };
        let will_be = wanted.unwrap_or(is);
        if will_be == ConfigurationType::Central {
            if request.auto_enable || standards == Some(AutoEnableStandards::Default) {
                return Err(AwsError::invalid_input(
                    "With central configuration AutoEnable must be false, and AutoEnableStandards NONE",
                ));
            }
            if is == ConfigurationType::Local {
                self.start_central(caller, now)?;
            }
            return Ok(());
        }
        if is == ConfigurationType::Central {
            self.require_home(caller)?;
            self.topology.set_central(None);
        }
        let before = self.topology.new_accounts(region);
        let new = NewAccounts { auto_enable: request.auto_enable, standards: standards.unwrap_or(before.standards) };
        self.topology.set_new_accounts(region, new);
        Ok(())
    }

    /// What is known of an account from now on. One that joins the organization becomes a member where the delegated
    /// administrator wants that; one that leaves is none any more.
    pub fn know_account(&mut self, account: AccountId, known: Known, now: Timestamp) {
        let (was_in, suspended) = (self.topology.in_organization(account), known.suspended);
        self.topology.set_known(account, known);
        let is_in = self.topology.in_organization(account);
        let delegations: Vec<(Region, AccountId)> =
            self.topology.delegations(Feature::SecurityHub).map(|(region, of)| (region.clone(), of)).collect();
        for (region, administrator) in delegations {
            if was_in && !is_in {
                if administrator == account {
                    self.undelegate(account, &region, now);
                    self.topology.set_delegated(Feature::SecurityHub, &region, None);
                }
                self.unbind(administrator, &region, account, MemberStatus::Removed, now);
            }
            let wanted = self.topology.new_accounts(&region).auto_enable && !self.topology.is_central(&region);
            if !was_in && is_in && wanted && !suspended {
                // Who cannot is left as it is: there is nobody to tell.
                let _ = self.add_from_organization(administrator, &region, account, None, now);
            }
        }
        if self.topology.central().is_some_and(|central| central.administrator == account && !is_in) {
            self.topology.set_central(None);
        }
    }

    /// Central configuration reaches the Regions that are linked now: the delegated administrator is that in all of them, with
    /// its hub on, and accounts of the organization that have a hub there are its members.
    pub(super) fn centralize(&mut self, now: Timestamp) {
        let Some(Central { administrator, .. }) = self.topology.central() else { return };
        let on = self.enabled.keys().map(|(_, region)| region.clone());
        let all = on.chain(ON_BY_DEFAULT.iter().filter_map(|name| name.parse().ok()));
        let named = self.topology.aggregator(administrator).map(|aggregator| aggregator.regions.clone()).unwrap_or_default();
        let all: BTreeSet<Region> = all.chain(named).collect();
        for region in all.into_iter().filter(|region| self.topology.is_central(region)).collect::<Vec<_>>() {
            if !self.is_enabled(administrator, &region) {
                self.begin(administrator, &region, None, true, now);
            }
            if self.topology.administrator(administrator, &region).is_none() {
                self.delegate(administrator, &region, now);
            }
            let here = |(account, of): &&(AccountId, Region)| *of == region && self.topology.in_organization(*account);
            let accounts: Vec<AccountId> = self.enabled.keys().filter(here).map(|(account, _)| *account).collect();
            for account in accounts {
                // Members of others stay what they are.
                let _ = self.add_from_organization(administrator, &region, account, None, now);
            }
        }
    }

    fn start_central(&mut self, caller: &Caller, now: Timestamp) -> Result<(), AwsError> {
        if caller.account == self.topology.management {
            return Err(AwsError::invalid_input(
                "Central configuration needs a delegated administrator other than the management account of the organization",
            ));
        }
        self.require_home(caller)?;
        let ready = after(now, self.pace.centralizing);
        self.topology.set_central(Some(Central { administrator: caller.account, ready }));
        self.centralize(now);
        Ok(())
    }

    /// The account is the delegated administrator here. Those that it had invited, and that belong to the organization, are
    /// members through the organization.
    fn delegate(&mut self, account: AccountId, region: &Region, now: Timestamp) {
        self.topology.set_delegated(Feature::SecurityHub, region, Some(account));
        let members = self.topology.members(account, region);
        let own = members.filter(|(member, of)| of.bond == Bond::Invitation && self.topology.in_organization(*member));
        let own: Vec<(AccountId, Membership)> =
            own.filter(|(_, of)| of.status == MemberStatus::Enabled).map(|(member, of)| (member, of.clone())).collect();
        for (member, of) in own {
            let of = Membership { bond: Bond::Organization, invitation: None, updated_at: now, ..of };
            self.topology.put_member(account, region, member, of);
        }
    }

    fn undelegate(&mut self, account: AccountId, region: &Region, now: Timestamp) {
        let members = self.topology.members(account, region);
        let own = members.filter(|(_, of)| of.bond == Bond::Organization).map(|(member, _)| member);
        for member in own.collect::<Vec<_>>() {
            self.unbind(account, region, member, MemberStatus::Removed, now);
            self.topology.remove_member(account, region, member);
        }
    }

    /// The account and the feature of a request that only the management account may make.
    fn named_administrator(&self, caller: &Caller, request: &OrganizationAdminAccount) -> Result<(AccountId, Feature), AwsError> {
        let feature = read_feature(request.feature.as_deref())?;
        let account = accounts("AdminAccountId", std::iter::once(request.admin_account_id.as_str()))?;
        if caller.account != self.topology.management {
            return Err(AwsError::access_denied(
                "The request was rejected because you don't have sufficient permissions to perform this operation: only the \
                 management account of the organization may",
            ));
        }
        let account = account.first().copied().ok_or_else(|| AwsError::invalid_input("Invalid parameter 'AdminAccountId'"))?;
        Ok((account, feature))
    }

    /// The words: hashicorp/terraform-provider-aws, issue 23079.
    fn require_delegated(&self, caller: &Caller) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        if self.topology.delegated(Feature::SecurityHub, &caller.region) == Some(caller.account) {
            return Ok(());
        }
        Err(AwsError::invalid_access(format!("Account {} is not an administrator for this organization", caller.account)))
    }

    /// The configuration type is changed in the home Region.
    fn require_home(&self, caller: &Caller) -> Result<(), AwsError> {
        let Some(aggregator) = self.topology.aggregator(caller.account) else {
            return Err(AwsError::not_found(
                "Central configuration needs a home Region, and there is no finding aggregator: create one first",
            ));
        };
        if aggregator.home == caller.region {
            return Ok(());
        }
        Err(AwsError::invalid_input(format!(
            "The configuration type of the organization is changed in the home Region, {}",
            aggregator.home
        )))
    }
}

fn read_feature(text: Option<&str>) -> Result<Feature, AwsError> {
    let Some(text) = text else { return Ok(Feature::default()) };
    Feature::parse(text).ok_or_else(|| {
        AwsError::invalid_input(format!("Invalid parameter 'Feature': {text} is not one of SecurityHub, SecurityHubV2"))
    })
}
