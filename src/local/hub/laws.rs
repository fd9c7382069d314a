//! Laws over random findings, changes and queries: whatever indexes are used, the pages are those of a look at every finding.

use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::caller::{Caller, Principal};
use super::lifetime::Lifetimes;
use super::organization::{Account, Organization};
use super::query::{Cost, Page, Visited};
use super::*;
use crate::core::filter::Filters;
use crate::core::status::{ComplianceStatus, RecordState};
use crate::local::clock::{after, stamp};
use crate::local::document::ControlFinding;
use crate::wire::securityhub::{
    BatchImportFindings, BatchUpdateFindings, FindingIdentifier, GetFindings, NoteUpdate, SeverityUpdate, SortCriterion,
    WorkflowUpdate,
};

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777788889999"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const CONTROLS: [&str; 3] = ["S3.8", "EC2.2", "IAM.4"];
const DAY: u64 = 86_400;

fn start() -> Timestamp {
    "2026-11-21T08:00:00Z".parse().unwrap()
}

fn caller(account: usize, region: usize) -> Caller {
    Caller { account: ACCOUNTS[account].parse().unwrap(), region: REGIONS[region].parse().unwrap(), principal: Principal::Root }
}

fn hub(missing_field: MissingField) -> Hub {
    let account = |id: &str| Account { id: id.parse().unwrap(), name: format!("name-{id}") };
    let organization = Organization {
        management: "000000000000".parse().unwrap(),
        administrator: account(ACCOUNTS[0]),
        members: ACCOUNTS[1..].iter().map(|id| account(id)).collect(),
        home: REGIONS[0].parse().unwrap(),
        linked: vec![REGIONS[1].parse().unwrap()],
    };
    Hub::new(organization, Switches { missing_field, ..Switches::default() }, 7, start())
}

/// What happens to a hub.
#[derive(Debug, Clone)]
enum Step {
    Import { account: usize, region: usize, control: usize, bucket: u8, age: u64, compliance: ComplianceStatus, tag: Option<u8> },
    Update { finding: usize, status: &'static str, owner: Option<u8>, severity: Option<&'static str> },
    Check { finding: usize, compliance: ComplianceStatus, archive: bool },
    Lag(u64),
    Pass(u64),
}

fn compliance() -> impl Strategy<Value = ComplianceStatus> {
    select(vec![ComplianceStatus::Passed, ComplianceStatus::Failed, ComplianceStatus::Warning])
}

fn step() -> impl Strategy<Value = Step> {
    let import = (0..3_usize, 0..2_usize, 0..3_usize, 0..9_u8, 0..40_u64, compliance(), prop::option::of(0..2_u8)).prop_map(
        |(account, region, control, bucket, days, compliance, tag)| Step::Import {
            account,
            region,
            control,
            bucket,
            // Some at the same time.
            age: days * DAY / 2,
            compliance,
            tag,
        },
    );
    let update = (
        any::<usize>(),
        select(vec!["NEW", "NOTIFIED", "SUPPRESSED", "RESOLVED"]),
        prop::option::of(0..2_u8),
        prop::option::of(select(vec!["LOW", "CRITICAL"])),
    )
        .prop_map(|(finding, status, owner, severity)| Step::Update { finding, status, owner, severity });
    let check = (any::<usize>(), compliance(), any::<bool>()).prop_map(|(finding, compliance, archive)| Step::Check {
        finding,
        compliance,
        archive,
    });
    prop_oneof![
        8 => import,
        4 => update,
        3 => check,
        1 => select(vec![0_u64, 30, 100_000]).prop_map(Step::Lag),
        1 => select(vec![1_u64, 50, DAY, 20 * DAY]).prop_map(Step::Pass),
    ]
}

fn play(steps: &[Step], missing: MissingField) -> (Hub, Timestamp) {
    let (mut hub, mut now) = (hub(missing), start());
    hub.set_lifetimes(Lifetimes { archived_after: Some(3), ..Lifetimes::default() });
    let mut keys = Vec::new();
    for step in steps {
        now = after(now, Duration::from_secs(1));
        match step {
            Step::Import { account, region, control, bucket, age, compliance, tag } => {
                let at = crate::local::clock::before(now, Duration::from_secs(*age));
                let (owner, place) = (ACCOUNTS[*account].parse().unwrap(), REGIONS[*region].parse().unwrap());
                let resource = format!("arn:aws:s3:::bucket-{bucket}");
                let finding = ControlFinding {
                    compliance: *compliance,
                    tags: tag.iter().map(|tag| ("team".to_owned(), format!("t{tag}"))).collect(),
                    ..ControlFinding::failed(owner, place, CONTROLS[*control], "AwsS3Bucket", &resource, at)
                };
                keys.push(FindingIdentifier { id: finding.id(), product_arn: finding.product_arn() });
                let request = BatchImportFindings { findings: vec![finding.document()] };
                assert_eq!(hub.import(&caller(*account, *region), &request, now).unwrap().failed_count, 0);
            }
            Step::Update { finding, status, owner, severity } => {
                let Some(key) = keys.get(finding % keys.len().max(1)) else { continue };
                let request = BatchUpdateFindings {
                    finding_identifiers: vec![key.clone()],
                    workflow: Some(WorkflowUpdate { status: Some((*status).to_owned()) }),
                    note: Some(NoteUpdate { text: "why".to_owned(), updated_by: format!("{owner:?}") }),
                    user_defined_fields: owner.map(|owner| [("owner".to_owned(), format!("o{owner}"))].into()),
                    severity: severity.map(|label| SeverityUpdate { label: Some(label.to_owned()), ..SeverityUpdate::default() }),
                    ..BatchUpdateFindings::default()
                };
                hub.update(&caller(0, 0), &request, now, &mut |_| None).unwrap();
            }
            Step::Check { finding, compliance, archive } => {
                let Some(key) = keys.get(finding % keys.len().max(1)) else { continue };
                let key = crate::core::ids::FindingKey { id: key.id.clone(), product_arn: key.product_arn.clone() };
                if *archive {
                    hub.archive(&key, now)
                } else {
                    hub.check(&key, *compliance, now)
                };
            }
            Step::Lag(seconds) => hub.set_lag(Duration::from_secs(*seconds)),
            Step::Pass(seconds) => {
                now = after(now, Duration::from_secs(*seconds));
                while hub.turn(now, 3) {}
            }
        }
    }
    (hub, now)
}

/// One attribute of filters.
fn attribute() -> impl Strategy<Value = (&'static str, Value)> {
    let op = || select(vec!["EQUALS", "PREFIX", "NOT_EQUALS", "PREFIX_NOT_EQUALS"]);
    let texts = select(vec![
        ("AwsAccountId", ACCOUNTS[1]),
        ("AwsAccountId", "4"),
        ("Region", "us-east-1"),
        ("ComplianceStatus", "FAILED"),
        ("ComplianceSecurityControlId", "S3.8"),
        ("ComplianceAssociatedStandardsId", "standards/"),
        ("WorkflowStatus", "NEW"),
        ("WorkflowStatus", "SUPPRESSED"),
        ("RecordState", "ARCHIVED"),
        ("SeverityLabel", "LOW"),
        ("ProductArn", "arn:aws:securityhub:us-east-1"),
        ("ResourceId", "arn:aws:s3:::bucket-3"),
        ("ResourceId", "arn:aws:s3:::bucket"),
        ("Id", "arn:aws:securityhub:eu-west-1:4"),
        ("Description", "This"),
        ("NoteUpdatedBy", "None"),
        ("Title", "S3"),
    ]);
    let texts = (texts, op(), prop::option::of(Just(()))).prop_map(|((name, value), op, twice)| {
        let one = json!({"Value": value, "Comparison": op});
        (name, json!(if twice.is_some() { vec![one.clone(), one] } else { vec![one] }))
    });
    let maps = (
        select(vec![
            ("UserDefinedFields", "owner", "o1"),
            ("ResourceTags", "team", "t0"),
            ("ProductFields", "aws/securityhub/CompanyName", "AWS"),
        ]),
        select(vec!["EQUALS", "NOT_EQUALS"]),
    )
        .prop_map(|((name, key, value), op)| (name, json!([{"Key": key, "Value": value, "Comparison": op}])));
    let windows = (select(vec!["CreatedAt", "UpdatedAt", "LastObservedAt"]), 0..30_u64, 0..30_u64, 0..3_u8).prop_map(
        |(name, from, to, kind)| {
            let at = |days: u64| stamp(crate::local::clock::before(start(), Duration::from_secs(days * DAY / 2)));
            let window = match kind {
                0 => json!([{"Start": at(from), "End": at(to)}]),
                1 => json!([{"DateRange": {"Value": from + 1, "Unit": "DAYS"}}, {"Start": at(to), "End": at(0)}]),
                _ => json!([{"DateRange": {"Value": from + 1, "Unit": "DAYS", "Comparison": "OLDER_THAN"}}]),
            };
            (name, window)
        },
    );
    let numbers = select(vec![json!([{"Gte": 40}]), json!([{"Lt": 40}])]).prop_map(|test| ("SeverityNormalized", test));
    prop_oneof![6 => texts, 2 => maps, 3 => windows, 1 => numbers]
}

fn query() -> impl Strategy<Value = (usize, usize, GetFindings)> {
    let sort = vec(
        (
            select(vec![
                "CreatedAt",
                "UpdatedAt",
                "SeverityLabel",
                "SeverityNormalized",
                "NoteUpdatedBy",
                "ResourceId",
                "LastObservedAt",
                "Compliance.Status",
                "No.Such",
            ]),
            select(vec!["asc", "desc"]),
        ),
        0..3,
    );
    (0..3_usize, 0..2_usize, vec(attribute(), 0..4), sort, 1..8_i64).prop_map(|(account, region, attributes, sort, size)| {
        let filters: Map<String, Value> = attributes.into_iter().map(|(name, tests)| (name.to_owned(), tests)).collect();
        let criterion =
            |(field, order): (&str, &str)| SortCriterion { field: Some(field.to_owned()), sort_order: Some(order.to_owned()) };
        let request = GetFindings {
            filters: Some(Value::Object(filters)),
            sort_criteria: Some(sort.into_iter().map(criterion).collect()),
            max_results: Some(size),
            next_token: None,
        };
        (account, region, request)
    })
}

/// All pages, at one time.
fn pages(hub: &Hub, caller: &Caller, request: &GetFindings, now: Timestamp, cost: Cost) -> Vec<Page> {
    let (mut pages, mut request) = (Vec::new(), request.clone());
    loop {
        let page = hub.find_page(caller, &request, &hub.reading(caller, now, Duration::ZERO), None, cost).unwrap();
        assert!(page.visited.looks <= cost.looks);
        request.next_token = page.next_token.clone();
        pages.push(Page { visited: Visited::default(), ..page });
        if request.next_token.is_none() {
            return pages;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn indexes_give_the_pages_and_tokens_of_a_look_at_every_finding(
        steps in vec(step(), 1..70),
        queries in vec(query(), 1..6),
        walk in 0..20_usize,
        few in select(vec![0_usize, 4, 500]),
        gather in 0..10_usize,
        missing in select(vec![MissingField::NoMatch, MissingField::Match]),
    ) {
        let (hub, now) = play(&steps, missing);
        let scan = Cost { looks: usize::MAX, walk: usize::MAX, few: 0, gather: 0, indexes: false };
        let indexed = Cost { looks: usize::MAX, walk, few, gather, indexes: true };
        for (account, region, request) in &queries {
            let caller = caller(*account, *region);
            let Ok(filters) = Filters::parse(request.filters.as_ref().unwrap()) else { continue };
            let all = pages(&hub, &caller, request, now, scan);
            prop_assert_eq!(&pages(&hub, &caller, request, now, indexed), &all, "{:?}", request);
            // A page that ends early does not end the read.
            let texts = |pages: &[Page]| pages.iter().flat_map(|page| page.texts.clone()).collect::<Vec<_>>();
            let short = pages(&hub, &caller, request, now, Cost { looks: 3, ..indexed });
            prop_assert_eq!(texts(&short), texts(&all));
            if hub.lag.is_zero() {
                let view = hub.view(&caller, now);
                let matching = hub.texts().iter().filter(|text| {
                    let finding: Value = serde_json::from_str(text).unwrap();
                    let account = finding["AwsAccountId"].as_str().unwrap().parse().unwrap();
                    view.sees(account, &finding["Region"].as_str().unwrap().parse().unwrap())
                        && filters.matches_with(&finding, now, missing)
                }).count();
                prop_assert_eq!(texts(&all).len(), matching);
            }
        }
    }
}

#[test]
fn a_page_looks_at_no_more_than_it_gives_where_fields_are_indexed() {
    let mut hub = hub(MissingField::NoMatch);
    let (now, who) = (start(), caller(0, 0));
    for number in 0..3_000_usize {
        let (account, region) = (number % 3, number / 3 % 2);
        let (owner, place) = (ACCOUNTS[account].parse().unwrap(), REGIONS[region].parse().unwrap());
        let resource = format!("arn:aws:s3:::bucket-{number}");
        let at = crate::local::clock::before(now, Duration::from_secs(number as u64 * 7 % 3_000 * 60));
        let finding = ControlFinding {
            compliance: if number % 50 == 0 { ComplianceStatus::Warning } else { ComplianceStatus::Failed },
            record: if number % 7 == 0 { RecordState::Archived } else { RecordState::Active },
            ..ControlFinding::failed(owner, place, CONTROLS[number % 3], "AwsS3Bucket", &resource, at)
        };
        hub.take(finding.account, &finding.region, &finding.document(), now).unwrap();
    }
    hub.take_changes();
    let equals = |value: &str| json!([{"Value": value, "Comparison": "EQUALS"}]);
    let not = |value: &str| json!([{"Value": value, "Comparison": "NOT_EQUALS"}]);
    for filters in [
        json!({}),
        json!({"ComplianceStatus": equals("WARNING"), "RecordState": equals("ACTIVE")}),
        json!({"ComplianceStatus": not("FAILED"), "AwsAccountId": equals(ACCOUNTS[2])}),
        json!({"ResourceId": equals("arn:aws:s3:::bucket-777")}),
        json!({"UserDefinedFields": [{"Key": "owner", "Value": "o1", "Comparison": "EQUALS"}]}),
        json!({"Region": not("eu-west-1"), "WorkflowStatus": equals("NEW"), "SeverityLabel": equals("HIGH")}),
        json!({"UpdatedAt": [{"Start": "2026-11-21T07:00:00Z", "End": "2026-11-21T07:30:00Z"}]}),
        json!({"CreatedAt": [{"DateRange": {"Value": 1, "Unit": "DAYS"}}], "RecordState": equals("ARCHIVED")}),
    ] {
        for sort in [None, Some(("UpdatedAt", "desc")), Some(("ResourceId", "asc"))] {
            let criterion = |(field, order): (&str, &str)| {
                vec![SortCriterion { field: Some(field.to_owned()), sort_order: Some(order.to_owned()) }]
            };
            let request = GetFindings {
                filters: Some(filters.clone()),
                sort_criteria: sort.map(criterion),
                max_results: Some(10),
                next_token: None,
            };
            let cost = Cost { few: 20, walk: 100, ..Cost::default() };
            let page = hub.find_page(&who, &request, &hub.reading(&who, now, Duration::ZERO), None, cost).unwrap();
            // The one more tells whether there is a next page.
            let looks = page.texts.len() + usize::from(page.next_token.is_some());
            assert_eq!(page.visited.looks, looks, "{request:?}");
            assert!(page.visited.rows <= 3_100, "{request:?}: {:?}", page.visited);
        }
    }
    let title = GetFindings { filters: Some(json!({"Description": equals("no such")})), ..GetFindings::default() };
    let page = hub.find_page(&who, &title, &hub.reading(&who, now, Duration::ZERO), None, Cost::default()).unwrap();
    assert_eq!((page.texts.len(), page.next_token.is_some(), page.visited.looks), (0, true, 2_000), "a bounded page");
}
