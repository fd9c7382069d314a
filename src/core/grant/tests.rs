use proptest::prelude::*;
use proptest::sample::subsequence;
use serde_json::{Value, json};

use super::*;
use crate::core::objects::ControlGroup;

fn spec(json: Value) -> MatchSpec {
    serde_json::from_value(json).unwrap()
}

fn said(target: Value, grants: Value) -> Option<String> {
    let groups = [ControlGroup { name: "ours".to_owned(), controls: vec!["S3.8".to_owned().try_into().unwrap()] }];
    let grants: Vec<MatchSpec> = serde_json::from_value(grants).unwrap();
    outside(&spec(target), &grants, &Context::new(&[], &groups))
}

#[test]
fn a_target_within_one_grant_is_not_outside() {
    let grants = json!([{"accounts": ["111122223333", "444455556666"], "exceptControls": ["IAM.*"]}]);
    assert_eq!(said(json!({"accounts": ["111122223333"], "controls": ["S3.8", "EC2.*"]}), grants.clone()), None);
    assert_eq!(
        said(json!({"controls": ["S3.8"], "resources": ["arn:aws:s3:::x"]}), grants),
        None,
        "accounts show in the findings"
    );
    assert_eq!(said(json!({"controls": ["S3.8"], "accounts": ["111122223333"]}), json!([{}])), None);
    assert_eq!(said(json!({"controls": ["S3.8"]}), json!([{"groups": ["ours"]}])), None);
}

#[test]
fn the_value_that_is_too_much_is_named() {
    let grants = json!([{"accounts": ["111122223333"], "regions": ["eu-west-1"], "exceptControls": ["IAM.*", "S3.1"]}]);
    for (target, expected) in [
        (json!({"accounts": ["111122223333", "444455556666"]}), "account 444455556666 is in no grant"),
        (json!({"regions": ["eu-west-1", "us-east-1"]}), "Region us-east-1 is in no grant"),
        (json!({"controls": ["S3.8", "iam.6"]}), "control IAM.6 is in no grant"),
        (json!({"controls": ["iam.*"]}), "IAM.* is in no grant"),
        (json!({"controls": ["S3.*"]}), "control S3.1 is in no grant"),
        (
            json!({"categories": ["Root user access restrictions"], "accounts": ["777777777777"]}),
            "account 777777777777 is in no grant",
        ),
    ] {
        assert_eq!(said(target, grants.clone()).as_deref(), Some(expected));
    }
    assert_eq!(said(json!({"controls": ["S3.*"], "exceptControls": ["S3.1"]}), grants), None);
    let listed = json!([{"controls": ["EC2.13", "EC2.14"]}]);
    assert_eq!(said(json!({"controls": ["ec2.*"]}), listed.clone()).as_deref(), Some("EC2.* is in no grant"));
    assert_eq!(said(json!({"controls": ["ec2.14"]}), listed), None);
}

#[test]
fn several_grants_count_together_but_each_combination_needs_one_of_them() {
    let grants = json!([
        {"accounts": ["111122223333"], "controls": ["S3.*"]},
        {"accounts": ["444455556666"], "controls": ["EC2.*"], "regions": ["eu-west-1"]},
    ]);
    let target = |accounts: &[&str], controls: &[&str]| said(json!({"accounts": accounts, "controls": controls}), grants.clone());
    assert_eq!(target(&["111122223333"], &["S3.8"]), None);
    assert_eq!(target(&["444455556666"], &["EC2.13"]), None);
    let both = target(&["111122223333", "444455556666"], &["S3.8"]).unwrap();
    assert_eq!(both, "account 444455556666 and control S3.8 together are in no grant");
    assert!(target(&["111122223333", "444455556666"], &["S3.8", "EC2.13"]).is_some());
    let split = json!([{"controls": ["S3.*"]}, {"controls": ["EC2.*"]}]);
    assert_eq!(said(json!({"controls": ["S3.8", "EC2.13"], "accounts": ["111122223333"]}), split), None);
}

#[test]
fn no_grant_or_a_broken_one_grants_nothing_and_a_target_of_nothing_is_never_outside() {
    let target = json!({"controls": ["S3.8"]});
    assert_eq!(said(target.clone(), json!([])).as_deref(), Some("nothing is granted"));
    assert_eq!(said(target.clone(), json!([{"groups": ["no-such"]}])).as_deref(), Some("nothing is granted"));
    assert!(said(target, json!([{"accountSelector": {"matchLabels": {"env": "qa"}}}])).is_some(), "a selector without accounts");
    assert_eq!(said(json!({"accountSelector": {"matchLabels": {"env": "qa"}}}), json!([{"accounts": ["111122223333"]}])), None);
}

#[test]
fn more_grants_than_bits_in_a_word_are_told_apart() {
    let grants: Vec<Value> =
        (0..130).map(|n| json!({"accounts": [format!("{n:012}")], "controls": [format!("S3.{n}")]})).collect();
    let target =
        |account: u32, control: u32| json!({"accounts": [format!("{account:012}")], "controls": [format!("S3.{control}")]});
    assert_eq!(said(target(129, 129), json!(grants)), None);
    assert!(said(target(129, 65), json!(grants)).is_some());
}

/// Whether `spec`, which names accounts, Regions and controls only, means this combination.
fn means(spec: &MatchSpec, account: &str, region: &str, control: &str) -> bool {
    (spec.accounts.is_empty() || spec.accounts.iter().any(|own| own.to_string() == account))
        && (spec.regions.is_empty() || spec.regions.iter().any(|own| own.as_str() == region))
        && (spec.controls.is_empty() || spec.controls.iter().any(|own| own.covers(control)))
        && !spec.except_controls.iter().any(|own| own.covers(control))
}

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "777777777777"];
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const PATTERNS: [&str; 5] = ["S3.*", "s3.1", "S3.8", "EC2.*", "EC2.13"];

prop_compose! {
    fn written(least: usize)(
        accounts in subsequence(&ACCOUNTS[..], least..=2),
        regions in subsequence(&REGIONS[..], least..=2),
        controls in subsequence(&PATTERNS[..], least..=3),
        except in subsequence(&PATTERNS[..], 0..=1),
    ) -> MatchSpec {
        spec(json!({"accounts": accounts, "regions": regions, "controls": controls, "exceptControls": except}))
    }
}

proptest! {
    #[test]
    fn a_target_is_outside_exactly_if_something_it_means_is_in_no_grant(
        target in written(1),
        grants in proptest::collection::vec(written(0), 1..5),
    ) {
        let mut outside_at = None;
        for account in ACCOUNTS {
            for region in REGIONS {
                // The last two stand for controls that nobody names.
                for control in ["S3.1", "S3.8", "EC2.13", "S3.99", "EC2.99"] {
                    let granted = grants.iter().any(|grant| means(grant, account, region, control));
                    if means(&target, account, region, control) && !granted {
                        outside_at = Some((account, region, control));
                    }
                }
            }
        }
        let said = outside(&target, &grants, &Context::default());
        prop_assert_eq!(said.is_some(), outside_at.is_some(), "{:?} {:?}", said, outside_at);
    }
}
