use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use super::*;
use crate::core::catalogue::Catalogue;
use crate::core::filter::Filters;

const CONTROLS: [&str; 7] = ["S3.8", "s3.8", "EC2.13", "eC2.19", "IAM.6", "Quantum.1", "CloudFront.14"];
const ACCOUNTS: [&str; 4] = ["111122223333", "444455556666", "000000000042", "777777777777"];
const IDS: [&str; 6] = [
    "arn:aws:s3:::cdn",
    "arn:aws:s3:::team-pay-logs",
    "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0abc",
    "arn:aws:iam::444455556666:role/ci",
    "AWS::::Account:111122223333",
    "i-0é",
];

fn declared() -> Vec<Object<AccountSpec>> {
    vec![account(111_122_223_333, &[("env", "prod")]), account(444_455_556_666, &[("env", "dev")]), account(42, &[])]
}

fn some(values: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(values, 1..=values.len().min(3))
}

fn field() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        3 => some(&["S3.8", "s3.8", "EC2.*", "iam.6", "Quantum.1", "ec2.13", "Nothing.*"]).prop_map(|v| ("controls", json!(v))),
        2 => some(&["S3.*", "ec2.13", "IAM.6"]).prop_map(|v| ("exceptControls", json!(v))),
        1 => some(&["security-control/S3.8", "gd/1"]).prop_map(|v| ("generators", json!(v))),
        1 => some(&["public-exposure", "tagging", "root-account"]).prop_map(|v| ("groups", json!(v))),
        1 => some(&["protect", "Detect", "Secure network configuration"]).prop_map(|v| ("categories", json!(v))),
        1 => some(&["pci-dss", "pci-dss/v/4.0.1", "standards/nist-800-53/v/5.0.0"]).prop_map(|v| ("standards", json!(v))),
        1 => some(&["aws/securityhub", "aws/guardduty"]).prop_map(|v| ("products", json!(v))),
        1 => some(&["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL"]).prop_map(|v| ("severities", json!(v))),
        1 => some(&["PASSED", "WARNING", "FAILED", "NOT_AVAILABLE"]).prop_map(|v| ("compliance", json!(v))),
        2 => some(&ACCOUNTS).prop_map(|v| ("accounts", json!(v))),
        1 => select(&["prod", "dev", "qa"][..]).prop_map(|v| ("accountSelector", json!({"matchLabels": {"env": v}}))),
        1 => select(&["In", "NotIn"][..])
            .prop_map(|op| ("accountSelector", json!({"matchExpressions": [{"key": "env", "operator": op, "values": ["prod"]}]}))),
        1 => some(&["eu-west-1", "us-east-1"]).prop_map(|v| ("regions", json!(v))),
        1 => some(&["AwsS3Bucket", "AwsAccount"]).prop_map(|v| ("resourceTypes", json!(v))),
        3 => vec(prop_oneof![select(&IDS[..]).prop_map(str::to_owned), "[*]?(arn|pay|s3|:|[*]){1,4}[*]?"], 1..4)
            .prop_map(|v| ("resources", json!(v))),
        1 => (select(&["team", "env"][..]), some(&["pay", "prod", "ops"])).prop_map(|(k, v)| ("tags", json!({k: v}))),
        1 => (select(&["AwsAccountId", "Region", "ResourceType", "ResourceId", "GeneratorId", "RecordState", "ComplianceStatus"][..]),
              select(&["EQUALS", "PREFIX", "NOT_EQUALS", "PREFIX_NOT_EQUALS"][..]),
              select(&["111122223333", "12345", "eu-west-1", "AwsS3Bucket", "arn:aws:s3:::cdn", "gd/1", "ARCHIVED", "FAILED"][..]))
            .prop_map(|(field, op, value)| ("filters", json!({field: [{"Value": value, "Comparison": op}]}))),
        1 => select(&["EQUALS", "NOT_EQUALS"][..])
            .prop_map(|op| ("filters", json!({"ResourceTags": [{"Key": "team", "Value": "pay", "Comparison": op}]}))),
    ]
}

/// A match of a few fields. Some mixes are hostile by nature: only globs, only negatives, nothing at all.
fn written() -> impl Strategy<Value = MatchSpec> {
    vec(field(), 0..4)
        .prop_map(|fields| spec(Value::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())))
}

prop_compose! {
    fn finding()(
        account in select(&ACCOUNTS[..]),
        region in select(&["eu-west-1", "us-east-1"][..]),
        control in proptest::option::weighted(0.8, select(&CONTROLS[..])),
        generator in select(&["security-control/S3.8", "gd/1"][..]),
        product in prop_oneof![3 => Just(SECURITY_HUB), 1 => Just("aws/guardduty")],
        standards in subsequence(&["standards/pci-dss/v/4.0.1", "standards/pci-dss/v/3.2.1", "standards/nist-800-53/v/5.0.0"][..], 0..3),
        severity in proptest::option::of(select(SeverityLabel::ALL)),
        compliance in proptest::option::weighted(0.8, prop_oneof![3 => Just(ComplianceStatus::Failed), 1 => select(ComplianceStatus::ALL)]),
        record_state in prop_oneof![4 => Just(RecordState::Active), 1 => Just(RecordState::Archived)],
        resources in vec((select(&["AwsS3Bucket", "AwsAccount", "Other"][..]), select(&IDS[..])), 0..3),
        tags in vec((select(&["team", "env"][..]), select(&["pay", "prod"][..])), 0..3),
    ) -> Finding {
        Finding {
            account: account.parse().unwrap(),
            region,
            control: control.map(str::to_owned),
            generator,
            product,
            standards: standards.into_iter().map(Into::into).collect(),
            severity,
            compliance,
            record_state,
            resources: resources.into_iter().map(|(kind, id)| resource(kind, id)).collect(),
            tags: More(tags.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()),
        }
    }
}

/// DESIGN's words for one match, without any preparation.
fn holds(spec: &MatchSpec, facts: &Facts<'_>) -> bool {
    fn any<T>(alternatives: &[T], test: impl FnMut(&T) -> bool) -> bool {
        alternatives.is_empty() || alternatives.iter().any(test)
    }
    let control = facts.control.unwrap_or("-");
    let known = Catalogue::built_in().get(control);
    let catalogue = Catalogue::built_in();
    let severity = match (facts.control, known) {
        (_, Some(known)) => Some(known.severity),
        (Some(_), None) if facts.compliance != Some(ComplianceStatus::Failed) => None,
        _ => facts.severity,
    };
    let standard = |named: &String| {
        facts
            .standards
            .iter()
            .any(|id| **id == **named || id.ends_with(&format!("/{named}")) || id.contains(&format!("/{named}/v/")))
    };
    let mut entries = Vec::new();
    facts.more.visit(Field::RESOURCE_TAGS, &mut |item| {
        if let Item::Entry(key, value) = item {
            entries.push((key.to_owned(), value.to_owned()));
        }
    });
    any(&spec.controls, |pattern| pattern.covers(control))
        && !spec.except_controls.iter().any(|pattern| pattern.covers(control))
        && any(&spec.generators, |generator| generator == facts.generator)
        && any(&spec.groups, |group| {
            known.is_some_and(|own| catalogue.group(group).unwrap().controls(catalogue).any(|c| c == own))
        })
        && any(&spec.categories, |category| known.is_some_and(|own| own.category_matches(category)))
        && any(&spec.standards, standard)
        && any(&spec.products, |product| product == facts.product)
        && any(&spec.severities, |label| Some(*label) == severity)
        && any(&spec.compliance, |status| Some(*status) == facts.compliance)
        && any(&spec.accounts, |account| *account == facts.account)
        && spec.account_selector.as_ref().is_none_or(|selector| {
            declared().iter().any(|account| account.spec.id == facts.account && selects(selector, &account.meta.labels))
        })
        && any(&spec.regions, |region| region.as_str() == facts.region)
        && any(&spec.resource_types, |kind| facts.resources.iter().any(|resource| *resource.kind == **kind))
        && any(&spec.resources, |glob| facts.resources.iter().any(|resource| Glob::new(glob).matches(&resource.id)))
        && spec.tags.iter().all(|(key, values)| entries.iter().any(|(k, v)| k == key && values.contains(v)))
        && spec.filters.as_ref().is_none_or(|filters| Filters::parse(filters).unwrap().matches(&FactsFields(facts), now()))
}

fn with_defaults(scope: &MatchSpec, rule: &MatchSpec, facts: &Facts<'_>) -> bool {
    let both = [scope, rule];
    let filtered = |name: &str| both.iter().any(|spec| spec.filters.as_ref().is_some_and(|filters| filters.get(name).is_some()));
    let product = both.iter().any(|spec| !spec.products.is_empty() || !spec.generators.is_empty());
    let compliance = both.iter().any(|spec| !spec.compliance.is_empty()) || filtered("ComplianceStatus");
    let failed = facts.compliance == Some(ComplianceStatus::Failed);
    both.iter().all(|spec| holds(spec, facts))
        && (product || facts.product == SECURITY_HUB)
        && (filtered("RecordState") || facts.record_state == RecordState::Active)
        && (compliance || failed || (facts.product != SECURITY_HUB && facts.compliance.is_none()))
}

fn found(index: &Index<u32>, facts: &Facts<'_>, scratch: &mut Scratch) -> Vec<u32> {
    let mut found = Vec::new();
    index.matching(facts, now(), scratch, |key| found.push(key));
    found
}

proptest! {
    #[test]
    fn a_compiled_match_means_what_is_written(scope in written(), rule in written(), findings in vec(finding(), 1..20)) {
        let accounts = declared();
        let context = Context::new(&accounts, []);
        let plain = Matcher::compile(&rule, &context).unwrap();
        let paired = Matcher::compile_pair(&scope, &rule, Defaults::Rule, &context).unwrap();
        for finding in &findings {
            let facts = finding.facts();
            prop_assert_eq!(plain.matches(&facts, now()), holds(&rule, &facts), "{:?}", finding);
            prop_assert_eq!(paired.matches(&facts, now()), with_defaults(&scope, &rule, &facts), "{:?}", finding);
        }
    }

    #[test]
    fn the_index_finds_what_the_loop_finds(
        pairs in vec((written(), written(), any::<bool>()), 0..60),
        findings in vec(finding(), 1..30),
    ) {
        let accounts = declared();
        let context = Context::new(&accounts, []);
        let compile = |(scope, rule, defaults): &(MatchSpec, MatchSpec, bool)| {
            let defaults = if *defaults { Defaults::Rule } else { Defaults::Grant };
            Matcher::compile_pair(scope, rule, defaults, &context).unwrap()
        };
        let rules: Vec<(u32, Matcher)> = (0..).zip(pairs.iter().map(compile)).collect();
        // The order in which rules are handed over does not matter.
        let index = Index::build(rules.iter().rev().cloned().collect());
        let mut scratch = Scratch::default();
        for finding in &findings {
            let facts = finding.facts();
            let expected: Vec<u32> = naive(&rules, &facts, now()).copied().collect();
            prop_assert_eq!(found(&index, &facts, &mut scratch), expected, "{:?}", finding);
        }
    }
}

#[test]
fn rules_are_filed_under_what_few_findings_have_and_the_rest_is_counted() {
    let accounts = declared();
    let context = Context::new(&accounts, []);
    let rule = |json: Value| Matcher::compile_pair(&MatchSpec::default(), &spec(json), Defaults::Rule, &context).unwrap();
    let always =
        [json!({}), json!({"exceptControls": ["S3.*"]}), json!({"resources": ["*"]}), json!({"resources": ["i-0é", "*"]})];
    let filed = [
        json!({"controls": ["EC2.13"]}),
        json!({"controls": ["EC2.13"], "accounts": ["444455556666"]}),
        json!({"resources": ["*pay-stuff*"]}),
        json!({"resources": ["arn:aws:s3:::other"]}),
        json!({"severities": ["LOW"]}),
        json!({"tags": {"team": ["x"]}}),
        json!({"filters": {"AwsAccountId": [{"Value": "444455556666", "Comparison": "EQUALS"}]}}),
        json!({"products": ["aws/guardduty"]}),
    ];
    let rules: Vec<(u32, Matcher)> = (0..).zip(always.iter().chain(&filed).cloned().map(rule)).collect();
    let index = Index::build(rules);
    assert_eq!((index.len(), index.always_count()), (12, 4));
    assert_eq!(index.candidate_count(&Finding::default().facts()), 4, "a finding that has none of these properties");
}

#[test]
fn a_rule_that_can_never_match_is_not_kept() {
    let never = Matcher::compile(&spec(json!({"accountSelector": {"matchLabels": {"env": "qa"}}})), &Context::default()).unwrap();
    assert!(Index::build(vec![(1, never)]).is_empty());
}

#[test]
fn scratch_may_go_from_index_to_index() {
    let all = |n: u32| Index::build((0..n).map(|key| (key, Matcher::default())).collect());
    let finding = Finding::default();
    let mut scratch = Scratch::default();
    for rules in [3, 1, 3, 0, 5] {
        assert_eq!(found(&all(rules), &finding.facts(), &mut scratch), (0..rules).collect::<Vec<_>>());
    }
    assert_eq!(all(3).always_count(), 3);
}
