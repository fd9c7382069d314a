//! Aggregators, and what is seen from the home Region.

use super::members::{create, designate, ids as accounts, world};
use super::*;
use crate::local::hub::Lags;
use crate::local::hub::topology::view::OldFindings;
use crate::wire::securityhub::{CreateFindingAggregator, FindingAggregator, UpdateFindingAggregator};

const OTHER: &str = "ap-northeast-1";

fn aggregate(hub: &mut Hub, account: &str, mode: &str, regions: &[&str], now: u64) -> Result<FindingAggregator, AwsError> {
    let regions = (!regions.is_empty()).then(|| regions.iter().map(|name| (*name).to_owned()).collect());
    let request = CreateFindingAggregator { region_linking_mode: mode.to_owned(), regions };
    hub.create_aggregator(&caller(account, HOME), &request, at(now))
}

fn relink(hub: &mut Hub, arn: &str, mode: &str, regions: &[&str], now: u64) -> Result<FindingAggregator, AwsError> {
    let regions = (!regions.is_empty()).then(|| regions.iter().map(|name| (*name).to_owned()).collect());
    let request =
        UpdateFindingAggregator { finding_aggregator_arn: arn.to_owned(), region_linking_mode: mode.to_owned(), regions };
    hub.update_aggregator(&caller(ADMIN, HOME), &request, at(now))
}

/// Imports a failed finding at that time.
fn put(hub: &mut Hub, account: &str, region: &str, bucket: &str, now: u64) -> FindingKey {
    let finding = failed(account, region, bucket, 0);
    import(hub, account, region, vec![finding.document()], now);
    FindingKey { id: finding.id(), product_arn: finding.product_arn() }
}

fn seen(hub: &Hub, account: &str, region: &str, now: u64) -> Vec<String> {
    let page = hub.get_findings(&caller(account, region), &GetFindings::default(), at(now), None).unwrap();
    let findings: Vec<Value> = page.texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let mut ids: Vec<String> = ids(&findings).into_iter().map(str::to_owned).collect();
    ids.sort_unstable();
    ids
}

fn three() -> Hub {
    world(&[(ADMIN, HOME), (ADMIN, LINKED), (ADMIN, OTHER)])
}

#[test]
fn what_is_new_or_updated_after_a_region_is_linked_is_seen_from_home_and_stays_there_once_the_aggregator_is_deleted() {
    let mut hub = three();
    let old = put(&mut hub, ADMIN, LINKED, "old", 10);
    put(&mut hub, ADMIN, HOME, "home", 10);
    let arn = aggregate(&mut hub, ADMIN, "SPECIFIED_REGIONS", &[LINKED], 20).unwrap().finding_aggregator_arn;
    put(&mut hub, ADMIN, LINKED, "new", 30);
    put(&mut hub, ADMIN, OTHER, "elsewhere", 30);
    assert_eq!(seen(&hub, ADMIN, HOME, 40), ["home", "new"]);
    let history = |hub: &Hub| {
        let request = GetFindingHistory {
            finding_identifier: identifier(&old),
            start_time: None,
            end_time: None,
            next_token: None,
            max_results: None,
        };
        hub.finding_history(&caller(ADMIN, HOME), &request, at(40)).is_ok()
    };
    assert!(!history(&hub));
    assert_eq!(codes(&update(&mut hub, ADMIN, &[&old], workflow(WorkflowStatus::Notified))), ["FindingNotFound"]);
    hub.check(&old, ComplianceStatus::Failed, at(50)).unwrap();
    assert_eq!(seen(&hub, ADMIN, HOME, 60), ["home", "new", "old"]);
    assert!(history(&hub));
    // Updates at home are in the linked Region too.
    assert_eq!(codes(&update(&mut hub, ADMIN, &[&old], workflow(WorkflowStatus::Notified))), [""; 0]);
    let there = get(&hub, ADMIN, LINKED, &GetFindings::default());
    assert!(there.iter().any(|finding| finding["Workflow"]["Status"] == "NOTIFIED"));
    assert_eq!(seen(&hub, ADMIN, LINKED, 100), ["new", "old"], "what is linked sees no more than before");
    hub.delete_aggregator(&caller(ADMIN, HOME), &arn, at(100)).unwrap();
    put(&mut hub, ADMIN, LINKED, "after", 110);
    assert_eq!(seen(&hub, ADMIN, HOME, 120), ["home", "new", "old"], "what had flown stays, and nothing more comes");
    assert_eq!(codes(&update(&mut hub, ADMIN, &[&old], workflow(WorkflowStatus::Resolved))), [""; 0]);
    assert_eq!(hub.aggregators(&caller(ADMIN, LINKED), None, None).unwrap().finding_aggregators, []);
}

#[test]
fn a_write_is_seen_at_once_in_its_region_and_in_others_once_it_is_replicated() {
    let mut hub = three();
    hub.set_lags(Lags { all: Duration::from_secs(5), replication: Duration::from_secs(30), ..Lags::default() });
    aggregate(&mut hub, ADMIN, "ALL_REGIONS", &[], 0).unwrap();
    let key = put(&mut hub, ADMIN, LINKED, "a", 100);
    let there = |hub: &Hub, region: &str, now| seen(hub, ADMIN, region, now).len();
    assert_eq!([104, 105].map(|now| there(&hub, LINKED, now)), [0, 1]);
    assert_eq!([134, 135].map(|now| there(&hub, HOME, now)), [0, 1]);
    // Back from home: seen at home first.
    let request = BatchUpdateFindings { finding_identifiers: vec![identifier(&key)], ..workflow(WorkflowStatus::Notified) };
    hub.update(&caller(ADMIN, HOME), &request, at(200), &mut |_| None).unwrap();
    let status = |hub: &Hub, region: &str, now| {
        let page = hub.get_findings(&caller(ADMIN, region), &GetFindings::default(), at(now), None).unwrap();
        let finding: Value = serde_json::from_str(&page.texts[0]).unwrap();
        finding["Workflow"]["Status"].as_str().unwrap().to_owned()
    };
    assert_eq!([204, 205].map(|now| status(&hub, HOME, now)), ["NEW", "NOTIFIED"]);
    assert_eq!([234, 235].map(|now| status(&hub, LINKED, now)), ["NEW", "NOTIFIED"]);
    // What is written there meanwhile stands on what came from home.
    hub.update(&caller(ADMIN, HOME), &request, at(300), &mut |_| None).unwrap();
    hub.check(&key, ComplianceStatus::Passed, at(310)).unwrap();
    assert_eq!([314, 315].map(|now| status(&hub, LINKED, now)), ["NOTIFIED", "RESOLVED"]);
    assert_eq!([344, 345].map(|now| status(&hub, HOME, now)), ["NOTIFIED", "RESOLVED"]);
}

#[test]
fn each_mode_shows_its_regions_and_links_that_stay_keep_what_has_flown() {
    let mut hub = three();
    let arn = aggregate(&mut hub, ADMIN, "ALL_REGIONS", &[], 0).unwrap().finding_aggregator_arn;
    for (region, bucket) in [(LINKED, "l"), (OTHER, "o")] {
        put(&mut hub, ADMIN, region, bucket, 10);
    }
    assert_eq!(seen(&hub, ADMIN, HOME, 20), ["l", "o"]);
    relink(&mut hub, &arn, "ALL_REGIONS_EXCEPT_SPECIFIED", &[OTHER], 20).unwrap();
    put(&mut hub, ADMIN, OTHER, "p", 25);
    assert_eq!(seen(&hub, ADMIN, HOME, 28), ["l", "o"], "what had flown stays, and no more comes");
    relink(&mut hub, &arn, "SPECIFIED_REGIONS", &[OTHER, LINKED], 30).unwrap();
    assert_eq!(seen(&hub, ADMIN, HOME, 30), ["l", "o"], "the other Region is linked anew, and what it had meanwhile is old");
    let none = relink(&mut hub, &arn, "NO_REGIONS", &[], 40).unwrap();
    put(&mut hub, ADMIN, LINKED, "q", 50);
    assert_eq!((none.region_linking_mode.as_str(), none.regions.len()), ("NO_REGIONS", 0));
    assert_eq!(seen(&hub, ADMIN, HOME, 60), ["l", "o"]);
}

#[test]
fn what_stays_at_home_when_a_link_ends_is_seen_by_whom_it_concerns_and_a_row_that_is_used_again_is_not_it() {
    let mut hub = world(&[(ADMIN, HOME), (ADMIN, LINKED), (MEMBER, HOME), (MEMBER, LINKED)]);
    let arn = aggregate(&mut hub, ADMIN, "ALL_REGIONS", &[], 0).unwrap().finding_aggregator_arn;
    for region in [HOME, LINKED] {
        designate(&mut hub, ADMIN, region);
        create(&mut hub, ADMIN, region, &[MEMBER]);
    }
    put(&mut hub, MEMBER, LINKED, "m", 10);
    put(&mut hub, ADMIN, LINKED, "a", 10);
    hub.delete_aggregator(&caller(ADMIN, HOME), &arn, at(20)).unwrap();
    let both = |hub: &Hub| (seen(hub, ADMIN, HOME, 30), seen(hub, MEMBER, HOME, 30));
    assert_eq!(both(&hub), (strings(&["a", "m"]), strings(&["m"])));
    for row in 0..2 {
        hub.store.remove(row);
    }
    put(&mut hub, ADMIN, LINKED, "b", 25);
    put(&mut hub, ADMIN, LINKED, "c", 25);
    assert_eq!(both(&hub), (vec![], vec![]));
}

#[test]
fn in_the_millisecond_of_a_link_only_what_comes_after_it_flows() {
    let mut hub = three();
    put(&mut hub, ADMIN, LINKED, "before", 10);
    aggregate(&mut hub, ADMIN, "ALL_REGIONS", &[], 10).unwrap();
    put(&mut hub, ADMIN, LINKED, "after", 10);
    assert_eq!(seen(&hub, ADMIN, HOME, 10), ["after"]);
}

#[test]
fn where_old_findings_are_replicated_too_they_come_one_by_one() {
    let mut hub = three();
    hub.switches.old_findings = OldFindings::Replicated;
    hub.pace.linking = Duration::from_secs(1_000);
    for number in 0..40 {
        put(&mut hub, ADMIN, LINKED, &format!("b{number:02}"), 10);
    }
    aggregate(&mut hub, ADMIN, "ALL_REGIONS", &[], 100).unwrap();
    let counts: Vec<usize> = [100, 400, 700, 1_100].map(|now| seen(&hub, ADMIN, HOME, now).len()).into();
    assert!(counts.is_sorted() && counts[0] < 5 && (1..40).contains(&counts[1]) && counts[3] == 40, "{counts:?}");
}

#[test]
fn findings_of_a_member_flow_to_the_home_region_where_it_is_a_member_in_both() {
    let mut hub = world(&[(ADMIN, HOME), (ADMIN, LINKED), (MEMBER, HOME), (MEMBER, LINKED), (MEMBER, OTHER)]);
    aggregate(&mut hub, ADMIN, "ALL_REGIONS", &[], 0).unwrap();
    for region in [HOME, LINKED] {
        designate(&mut hub, ADMIN, region);
    }
    create(&mut hub, ADMIN, LINKED, &[MEMBER]);
    put(&mut hub, MEMBER, LINKED, "m", 10);
    put(&mut hub, MEMBER, OTHER, "not-administered", 10);
    assert_eq!((seen(&hub, ADMIN, LINKED, 20), seen(&hub, ADMIN, HOME, 20)), (vec!["m".to_owned()], vec![]));
    create(&mut hub, ADMIN, HOME, &[MEMBER]);
    put(&mut hub, MEMBER, LINKED, "n", 30);
    put(&mut hub, ADMIN, LINKED, "a", 30);
    // Here both Regions are administered since a second after the start.
    assert_eq!(seen(&hub, ADMIN, HOME, 40), ["a", "m", "n"]);
    assert_eq!((seen(&hub, MEMBER, HOME, 40), seen(&hub, MEMBER, LINKED, 40)), (strings(&["m", "n"]), strings(&["m", "n"])));
    assert_eq!(seen(&hub, MEMBER, OTHER, 40), ["not-administered"]);
    // A hub that is off at home keeps them back.
    hub.switch_off(MEMBER.parse().unwrap(), &HOME.parse().unwrap(), at(3));
    assert_eq!(seen(&hub, ADMIN, HOME, 40), ["a"]);
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_member_has_its_administrators_aggregator_and_may_not_change_it_nor_have_one_of_its_own() {
    let mut hub = world(&[(ADMIN, HOME), (MEMBER, HOME)]);
    let own = aggregate(&mut hub, MEMBER, "ALL_REGIONS", &[], 0).unwrap().finding_aggregator_arn;
    let arn = aggregate(&mut hub, ADMIN, "SPECIFIED_REGIONS", &[LINKED], 0).unwrap().finding_aggregator_arn;
    designate(&mut hub, ADMIN, HOME);
    create(&mut hub, ADMIN, HOME, &[MEMBER]);
    let member = caller(MEMBER, HOME);
    let listed = hub.aggregators(&member, None, None).unwrap().finding_aggregators;
    assert_eq!(listed[0].finding_aggregator_arn, arn);
    assert_eq!(hub.aggregator(&member, &arn).unwrap().regions, [LINKED]);
    assert_eq!(hub.aggregator(&member, &own).unwrap_err().code, "ResourceNotFoundException", "its own has ended");
    assert_eq!(hub.delete_aggregator(&member, &arn, at(100)).unwrap_err().code, "AccessDeniedException");
    let refused = aggregate(&mut hub, MEMBER, "ALL_REGIONS", &[], 5).unwrap_err();
    assert_eq!(refused.message, "A finding aggregator cannot be created by a member account.");
    hub.disassociate_members(&caller(ADMIN, HOME), &accounts(&[MEMBER]), at(6)).unwrap();
    assert_eq!(hub.aggregators(&member, None, None).unwrap().finding_aggregators, []);
}

#[test]
fn an_account_has_one_aggregator_which_is_changed_from_its_home_region() {
    let mut hub = three();
    let arn = aggregate(&mut hub, ADMIN, "NO_REGIONS", &[], 0).unwrap().finding_aggregator_arn;
    assert!(arn.starts_with("arn:aws:securityhub:eu-west-1:111122223333:finding-aggregator/"));
    let elsewhere = caller(ADMIN, LINKED);
    let second = CreateFindingAggregator { region_linking_mode: "ALL_REGIONS".to_owned(), regions: None };
    assert_eq!(hub.create_aggregator(&elsewhere, &second, at(1)).unwrap_err().code, "InvalidInputException");
    assert_eq!(hub.aggregator(&elsewhere, &arn).unwrap().finding_aggregation_region, HOME);
    assert_eq!(hub.delete_aggregator(&elsewhere, &arn, at(100)).unwrap_err().code, "InvalidInputException");
    hub.delete_aggregator(&caller(ADMIN, HOME), &arn, at(100)).unwrap();
    assert_eq!(hub.delete_aggregator(&caller(ADMIN, HOME), &arn, at(100)).unwrap_err().code, "ResourceNotFoundException");
    assert_eq!(hub.create_aggregator(&elsewhere, &second, at(2)).unwrap().finding_aggregation_region, LINKED);
}

#[test]
fn modes_and_regions_that_do_not_go_together_are_refused() {
    let mut hub = three();
    for (mode, regions) in [
        ("NO_REGIONS", &[LINKED][..]),
        ("ALL_REGIONS", &[LINKED]),
        ("SPECIFIED_REGIONS", &[]),
        ("ALL_REGIONS_EXCEPT_SPECIFIED", &[]),
        ("SPECIFIED_REGIONS", &[HOME]),
        ("SPECIFIED_REGIONS", &["Mars"]),
        ("EVERYWHERE", &[]),
    ] {
        assert_eq!(aggregate(&mut hub, ADMIN, mode, regions, 0).unwrap_err().code, "InvalidInputException", "{mode} {regions:?}");
    }
    let opt_in = caller(ADMIN, "me-south-1");
    hub.enable(&opt_in, &EnableSecurityHub::default(), at(0)).unwrap();
    let all = CreateFindingAggregator { region_linking_mode: "ALL_REGIONS".to_owned(), regions: None };
    assert_eq!(hub.create_aggregator(&opt_in, &all, at(0)).unwrap_err().code, "InvalidInputException");
}

#[test]
fn an_event_goes_to_the_buses_of_the_account_and_its_administrator_here_and_at_home() {
    let hub = hub();
    let bus = |account: &str, region: &str| (account.parse().unwrap(), region.parse().unwrap());
    let buses = |account: &str, region: &str| hub.topology().buses(account.parse().unwrap(), &region.parse().unwrap());
    assert_eq!(buses(MEMBER, LINKED), [bus(MEMBER, LINKED), bus(MEMBER, HOME), bus(ADMIN, LINKED), bus(ADMIN, HOME)]);
    assert_eq!(buses(ADMIN, HOME), [bus(ADMIN, HOME)]);
    assert_eq!(buses(STRANGER, LINKED), [bus(STRANGER, LINKED)]);
    assert_eq!(buses(MEMBER, OTHER), [bus(MEMBER, OTHER)]);
}
