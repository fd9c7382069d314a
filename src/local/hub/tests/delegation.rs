//! The delegated administrator, and how the accounts of the organization are configured.

use super::members::{create, designate, world};
use super::*;
use crate::core::ids::AccountId;
use crate::local::hub::topology::Known;
use crate::wire::securityhub::{
    AutoEnableStandards, ConfigurationStatus, ConfigurationType, CreateFindingAggregator, DescribedConfiguration, Feature,
    OrganizationAdminAccount, UpdateFindingAggregator, UpdateOrganizationConfiguration, WantedConfiguration,
};

const MANAGEMENT: &str = "000000000000";
const OTHER: &str = "ap-northeast-1";

fn named(account: &str) -> OrganizationAdminAccount {
    OrganizationAdminAccount { admin_account_id: account.to_owned(), feature: None }
}

fn listed(hub: &Hub, region: &str) -> Vec<String> {
    let all = hub.administrators(&caller(MANAGEMENT, region), None, None, None).unwrap().admin_accounts;
    all.into_iter().map(|account| account.account_id).collect()
}

fn enabled(hub: &Hub, region: &str) -> Vec<String> {
    let members = hub.members(&caller(ADMIN, region), None, None, None).unwrap().members;
    members.into_iter().map(|member| member.account_id).collect()
}

fn configured(auto_enable: bool, standards: Option<&str>, kind: Option<&str>) -> UpdateOrganizationConfiguration {
    UpdateOrganizationConfiguration {
        auto_enable,
        auto_enable_standards: standards.map(str::to_owned),
        organization_configuration: kind
            .map(|kind| WantedConfiguration { configuration_type: Some(kind.to_owned()), ..WantedConfiguration::default() }),
    }
}

fn described(hub: &Hub, region: &str, now: u64) -> DescribedConfiguration {
    hub.organization_configuration(&caller(ADMIN, region), at(now)).unwrap()
}

#[test]
fn the_management_account_designates_one_administrator_region_by_region() {
    let mut hub = world(&[]);
    assert_eq!(hub.enable_administrator(&caller(ADMIN, HOME), &named(ADMIN), at(0)).unwrap_err().code, "AccessDeniedException");
    designate(&mut hub, ADMIN, HOME);
    designate(&mut hub, ADMIN, HOME);
    assert_eq!((listed(&hub, HOME), listed(&hub, LINKED)), (vec![ADMIN.to_owned()], vec![]));
    let management = caller(MANAGEMENT, LINKED);
    let other = hub.enable_administrator(&management, &named(MEMBER), at(1)).unwrap_err();
    assert_eq!(other.code, "InvalidInputException", "it is the same in every Region");
    let v2 = OrganizationAdminAccount { feature: Some("SecurityHubV2".to_owned()), ..named(MEMBER) };
    assert_eq!(hub.enable_administrator(&management, &v2, at(1)).unwrap().feature, Feature::SecurityHubV2);
    assert_eq!(listed(&hub, LINKED), [""; 0], "the other service has one of its own");
    assert!(!hub.is_enabled(MEMBER.parse().unwrap(), &LINKED.parse().unwrap()));
    for (account, caller) in [(MEMBER, caller(MANAGEMENT, HOME)), (ADMIN, management)] {
        assert_eq!(hub.disable_administrator(&caller, &named(account), at(2)).unwrap_err().code, "InvalidInputException");
    }
    assert_eq!(hub.administrators(&caller(ADMIN, HOME), None, None, None).unwrap_err().code, "InvalidAccessException");
}

#[test]
fn without_its_administrator_members_of_the_organization_stand_alone_with_their_hubs_on() {
    let mut hub = world(&[]);
    designate(&mut hub, ADMIN, HOME);
    create(&mut hub, ADMIN, HOME, &[MEMBER]);
    add(&mut hub, &failed(MEMBER, HOME, "m", 0));
    hub.disable_administrator(&caller(MANAGEMENT, HOME), &named(ADMIN), at(5)).unwrap();
    let members = hub.members(&caller(ADMIN, HOME), Some(false), None, None).unwrap().members;
    assert_eq!((listed(&hub, HOME), members), (vec![], vec![]));
    assert_eq!(super::ids(&get(&hub, ADMIN, HOME, &GetFindings::default())), [""; 0]);
    assert_eq!(super::ids(&get(&hub, MEMBER, HOME, &GetFindings::default())), ["m"]);
    // Now another may be, and both may be switched off.
    hub.disable(&caller(ADMIN, HOME), at(60)).unwrap();
    designate(&mut hub, MEMBER, HOME);
    assert_eq!(hub.disable(&caller(MEMBER, HOME), at(60)).unwrap_err().code, "InvalidInputException");
}

#[test]
fn who_cannot_administer_is_not_designated() {
    let mut hub = world(&[]);
    let management = caller(MANAGEMENT, HOME);
    let refused = |hub: &mut Hub, account| hub.enable_administrator(&management, &named(account), at(0)).unwrap_err().code;
    hub.know_account(STRANGER.parse().unwrap(), Known { outside: true, ..Known::default() }, at(0));
    assert_eq!(refused(&mut hub, STRANGER), "InvalidInputException", "it is not of the organization");
    assert_eq!(refused(&mut hub, MANAGEMENT), "InvalidInputException", "its hub is off, and is not enabled for it");
    assert_eq!(refused(&mut hub, "12"), "InvalidInputException");
    hub.enable(&caller(MANAGEMENT, HOME), &EnableSecurityHub::default(), at(0)).unwrap();
    designate(&mut hub, MANAGEMENT, HOME);
    create(&mut hub, MANAGEMENT, HOME, &[MEMBER]);
    hub.disable_administrator(&management, &named(MANAGEMENT), at(1)).unwrap();
    designate(&mut hub, ADMIN, HOME);
    create(&mut hub, ADMIN, HOME, &[MEMBER]);
    hub.disable_administrator(&management, &named(ADMIN), at(1)).unwrap();
    assert_eq!(listed(&hub, HOME), [""; 0]);
}

#[test]
fn accounts_that_join_become_members_where_that_is_wanted_and_members_that_leave_are_none() {
    let mut hub = world(&[]);
    let (joins, at_once): (AccountId, AccountId) = (STRANGER.parse().unwrap(), MEMBER.parse().unwrap());
    let outside = |outside| Known { outside, ..Known::default() };
    hub.know_account(joins, outside(true), at(0));
    for region in [HOME, LINKED] {
        designate(&mut hub, ADMIN, region);
    }
    let first = described(&hub, HOME, 0);
    assert_eq!((first.auto_enable, first.auto_enable_standards), (false, AutoEnableStandards::Default));
    assert_eq!(
        (first.organization_configuration.configuration_type, first.member_account_limit_reached),
        (ConfigurationType::Local, false)
    );
    hub.update_organization_configuration(&caller(ADMIN, LINKED), &configured(true, Some("NONE"), None), at(1)).unwrap();
    assert_eq!((described(&hub, HOME, 1).auto_enable, described(&hub, LINKED, 1).auto_enable), (false, true));
    hub.know_account(joins, outside(false), at(2));
    assert_eq!((enabled(&hub, HOME), enabled(&hub, LINKED)), (vec![], vec![STRANGER.to_owned()]));
    let none = crate::wire::securityhub::GetEnabledStandards::default();
    let standards = hub.enabled_standards(&caller(STRANGER, LINKED), &none, at(2)).unwrap();
    assert_eq!(standards.standards_subscriptions, []);
    // Who belonged to it before is left as it is.
    hub.know_account(at_once, outside(false), at(3));
    assert_eq!(enabled(&hub, LINKED), [STRANGER]);
    hub.know_account(joins, outside(true), at(4));
    assert_eq!(enabled(&hub, LINKED), [""; 0]);
    for caller in [caller(MEMBER, HOME), caller(ADMIN, OTHER)] {
        hub.switch_on(caller.account, &caller.region, at(5));
        let refused = hub.organization_configuration(&caller, at(5)).unwrap_err();
        assert_eq!(refused.message, format!("Account {} is not an administrator for this organization", caller.account));
    }
}

#[test]
fn central_configuration_begins_pending_at_home_and_makes_members_in_every_linked_region() {
    let mut hub = world(&[(MEMBER, HOME), (MEMBER, LINKED), (MEMBER, OTHER)]);
    designate(&mut hub, ADMIN, HOME);
    let (home, elsewhere) = (caller(ADMIN, HOME), caller(ADMIN, LINKED));
    let central = configured(false, None, Some("CENTRAL"));
    let change = |hub: &mut Hub, caller: &Caller, request: &UpdateOrganizationConfiguration, now| {
        hub.update_organization_configuration(caller, request, at(now)).map_err(|error| error.code)
    };
    assert_eq!(change(&mut hub, &home, &central, 0), Err("ResourceNotFoundException"), "there is no home Region");
    let only =
        CreateFindingAggregator { region_linking_mode: "SPECIFIED_REGIONS".to_owned(), regions: Some(vec![LINKED.to_owned()]) };
    let arn = hub.create_aggregator(&home, &only, at(0)).unwrap().finding_aggregator_arn;
    designate(&mut hub, ADMIN, LINKED);
    assert_eq!(change(&mut hub, &elsewhere, &central, 0), Err("InvalidInputException"), "not the home Region");
    for wrong in [configured(true, None, Some("CENTRAL")), configured(false, Some("DEFAULT"), Some("CENTRAL"))] {
        assert_eq!(change(&mut hub, &home, &wrong, 0), Err("InvalidInputException"));
    }
    change(&mut hub, &home, &central, 0).unwrap();
    let of = described(&hub, LINKED, 1);
    assert_eq!((of.auto_enable, of.auto_enable_standards), (false, AutoEnableStandards::None));
    assert_eq!(of.organization_configuration.configuration_type, ConfigurationType::Central);
    assert_eq!(of.organization_configuration.status, ConfigurationStatus::Pending);
    assert_eq!(change(&mut hub, &home, &central, 1), Err("ResourceConflictException"));
    assert_eq!(described(&hub, HOME, 30).organization_configuration.status, ConfigurationStatus::Enabled);
    assert_eq!((enabled(&hub, HOME), enabled(&hub, LINKED)), (vec![MEMBER.to_owned()], vec![MEMBER.to_owned()]));
    assert_eq!(change(&mut hub, &home, &configured(true, None, None), 31), Err("InvalidInputException"), "AutoEnable stays off");
    let removed = hub.disable_administrator(&caller(MANAGEMENT, HOME), &named(ADMIN), at(31)).unwrap_err();
    assert_eq!(removed.code, "InvalidInputException");
    // A Region that is linked later is reached too.
    assert!(hub.members(&caller(ADMIN, OTHER), None, None, None).is_err());
    let all = UpdateFindingAggregator {
        finding_aggregator_arn: arn.clone(),
        region_linking_mode: "ALL_REGIONS".to_owned(),
        regions: None,
    };
    hub.update_aggregator(&home, &all, at(40)).unwrap();
    assert_eq!((enabled(&hub, OTHER), listed(&hub, OTHER)), (vec![MEMBER.to_owned()], vec![ADMIN.to_owned()]));
    // Without a home Region it ends, and members stay.
    hub.delete_aggregator(&home, &arn, at(100)).unwrap();
    let local = described(&hub, HOME, 50);
    assert_eq!(local.organization_configuration.configuration_type, ConfigurationType::Local);
    assert_eq!(enabled(&hub, HOME), [MEMBER]);
    change(&mut hub, &home, &configured(true, Some("DEFAULT"), None), 51).unwrap();
    assert!(described(&hub, HOME, 51).auto_enable);
}

#[test]
fn central_configuration_goes_back_to_local_from_the_home_region() {
    let mut hub = world(&[]);
    designate(&mut hub, ADMIN, HOME);
    let home = caller(ADMIN, HOME);
    let all = CreateFindingAggregator { region_linking_mode: "ALL_REGIONS".to_owned(), regions: None };
    hub.create_aggregator(&home, &all, at(0)).unwrap();
    hub.update_organization_configuration(&home, &configured(false, Some("NONE"), Some("CENTRAL")), at(0)).unwrap();
    let local = configured(false, None, Some("LOCAL"));
    let elsewhere = hub.update_organization_configuration(&caller(ADMIN, LINKED), &local, at(60)).unwrap_err();
    assert_eq!(elsewhere.code, "InvalidInputException");
    hub.update_organization_configuration(&home, &local, at(60)).unwrap();
    let of = described(&hub, LINKED, 60).organization_configuration;
    assert_eq!((of.configuration_type, of.status), (ConfigurationType::Local, ConfigurationStatus::Enabled));
    assert_eq!(
        hub.update_organization_configuration(&home, &configured(false, None, Some("GLOBAL")), at(61)).unwrap_err().code,
        "InvalidInputException"
    );
    assert_eq!(
        hub.update_organization_configuration(&home, &configured(false, Some("SOME"), None), at(61)).unwrap_err().code,
        "InvalidInputException"
    );
}
