use serde_json::{Value, json};

use super::*;
use crate::core::objects::ControlGroup;

fn accounts() -> Vec<Object<AccountSpec>> {
    vec![account(111_122_223_333, &[("env", "prod")]), account(444_455_556_666, &[("env", "dev")])]
}

fn compiled(json: Value) -> Matcher {
    let accounts = accounts();
    Matcher::compile(&spec(json), &Context::new(&accounts, [])).unwrap()
}

fn matches(json: Value, finding: &Finding) -> bool {
    compiled(json).matches(&finding.facts(), now())
}

fn as_rule(scope: Value, rule: Value, finding: &Finding) -> bool {
    let accounts = accounts();
    let context = Context::new(&accounts, []);
    Matcher::compile_pair(&spec(scope), &spec(rule), Defaults::Rule, &context).unwrap().matches(&finding.facts(), now())
}

#[test]
fn values_of_a_field_are_alternatives_and_all_fields_must_hold() {
    let finding = Finding::default();
    assert!(matches(json!({}), &finding));
    assert!(matches(json!({"controls": ["EC2.1", "s3.8"], "regions": ["eu-west-1", "us-east-1"]}), &finding));
    assert!(!matches(json!({"controls": ["s3.8"], "regions": ["us-east-1"]}), &finding));
    assert!(matches(json!({"controls": ["S3.*"], "exceptControls": ["S3.1"]}), &finding));
    assert!(!matches(json!({"controls": ["S3.*"], "exceptControls": ["s3.8"]}), &finding));
    assert!(!matches(json!({"exceptControls": ["s3.*"]}), &finding));
    assert!(!matches(json!({"controls": ["S3.*"], "groups": ["tagging"]}), &finding));
    assert!(matches(json!({"groups": ["public-exposure"], "categories": ["protect"]}), &finding));
    assert!(matches(
        json!({"resourceTypes": ["AwsS3Bucket"], "accounts": ["111122223333"], "products": ["aws/securityhub"]}),
        &finding
    ));
    assert!(matches(json!({"generators": ["security-control/S3.8"]}), &finding));
    assert!(!matches(json!({"generators": ["security-control/s3.8"]}), &finding));
}

#[test]
fn a_finding_without_control_is_in_no_set_of_controls_and_outside_every_exception_from_one() {
    let finding = Finding { control: None, ..Finding::default() };
    assert!(!matches(json!({"controls": ["S3.*"]}), &finding));
    assert!(!matches(json!({"categories": ["Protect"]}), &finding));
    assert!(matches(json!({"exceptControls": ["S3.*"]}), &finding));
}

#[test]
fn a_control_newer_than_the_catalogue_matches_by_id_and_service_only() {
    let finding = Finding { control: Some("S3.999".to_owned()), ..Finding::default() };
    assert!(matches(json!({"controls": ["s3.999"]}), &finding));
    assert!(matches(json!({"controls": ["S3.*"]}), &finding));
    assert!(!matches(json!({"categories": ["Protect", "Identify", "Detect", "Recover"]}), &finding));
}

#[test]
fn severity_is_the_rating_of_the_control_and_not_what_a_passed_finding_says() {
    let mut finding = Finding { severity: Some(SeverityLabel::Informational), ..Finding::default() };
    finding.compliance = Some(ComplianceStatus::Warning);
    assert!(matches(json!({"severities": ["HIGH"]}), &finding));
    assert!(!matches(json!({"severities": ["INFORMATIONAL"]}), &finding));
    // A control that nobody knows: what a failed finding says is the rating, what others say is nothing.
    finding.control = Some("Quantum.1".to_owned());
    for label in SeverityLabel::ALL {
        assert!(!matches(json!({"severities": [label]}), &finding));
    }
    finding.compliance = Some(ComplianceStatus::Failed);
    finding.severity = Some(SeverityLabel::Low);
    assert!(matches(json!({"severities": ["LOW"]}), &finding));
    // Not a control at all: the provider's own.
    let alert = Finding { control: None, compliance: None, severity: Some(SeverityLabel::Critical), ..Finding::default() };
    assert!(matches(json!({"severities": ["CRITICAL", "LOW"]}), &alert));
    assert!(!matches(json!({"severities": ["CRITICAL"]}), &Finding { severity: None, ..alert }));
}

#[test]
fn standards_are_named_with_version_without_or_whole() {
    let finding = Finding {
        standards: vec!["ruleset/cis-aws-foundations-benchmark/v/1.2.0".into(), "standards/pci-dss/v/4.0.1".into()],
        ..Finding::default()
    };
    for yes in [
        "pci-dss",
        "PCI-DSS/v/4.0.1",
        " standards/pci-dss/v/4.0.1 ",
        "cis-aws-foundations-benchmark/v/1.2.0",
        "ruleset/cis-aws-foundations-benchmark/v/1.2.0",
        "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0",
    ] {
        assert!(matches(json!({"standards": [yes]}), &finding), "{yes}");
    }
    for no in ["pci", "pci-dss/v/3.2.1", "standards/pci-dss/v/3.2.1", "pci-dss/v/4", "nist-800-53"] {
        assert!(!matches(json!({"standards": [no]}), &finding), "{no}");
    }
}

#[test]
fn every_tag_must_be_on_some_resource_and_any_resource_may_match_a_glob() {
    let finding = Finding {
        resources: vec![resource("AwsEc2Instance", "i-1"), resource("AwsEc2SecurityGroup", "sg-2")],
        tags: More(vec![("team".to_owned(), "pay".to_owned()), ("env".to_owned(), "prod".to_owned())]),
        ..Finding::default()
    };
    assert!(matches(json!({"tags": {"team": ["ops", "pay"], "env": ["prod"]}}), &finding));
    assert!(!matches(json!({"tags": {"team": ["pay"], "env": ["dev"]}}), &finding));
    assert!(!matches(json!({"tags": {"team": []}}), &finding));
    assert!(!matches(json!({"tags": {"Team": ["pay"]}}), &finding));
    assert!(matches(json!({"resources": ["x", "sg-*"]}), &finding));
    assert!(!matches(json!({"resources": ["g-*"]}), &finding));
}

#[test]
fn a_selector_confines_to_the_accounts_it_selects_and_one_without_accounts_matches_nothing() {
    let finding = Finding::default();
    assert!(matches(json!({"accountSelector": {"matchLabels": {"env": "prod"}}}), &finding));
    assert!(matches(json!({"accountSelector": {}}), &finding));
    assert!(!matches(json!({"accountSelector": {}}), &Finding { account: 777_777_777_777, ..finding.clone() }));
    let none = compiled(json!({"accountSelector": {"matchLabels": {"env": "qa"}}}));
    assert!(none.is_never() && !none.matches(&finding.facts(), now()));
    assert!(compiled(json!({"accounts": ["444455556666"], "accountSelector": {"matchLabels": {"env": "prod"}}})).is_never());
    let unknown = Matcher::compile(&spec(json!({"accountSelector": {}})), &Context::default()).unwrap();
    assert!(unknown.is_never(), "no accounts are declared");
}

#[test]
fn filters_see_the_facts_themselves_so_that_as_if_holds_for_them_too() {
    let finding = Finding::default();
    let filter = |field: &str, value: &str| json!({"filters": {field: [{"Value": value, "Comparison": "EQUALS"}]}});
    for (field, value) in [
        ("AwsAccountId", "111122223333"),
        ("Region", "eu-west-1"),
        ("GeneratorId", "security-control/S3.8"),
        ("SeverityLabel", "HIGH"),
        ("ComplianceStatus", "FAILED"),
        ("ComplianceSecurityControlId", "S3.8"),
        ("ComplianceAssociatedStandardsId", "standards/aws-foundational-security-best-practices/v/1.0.0"),
        ("RecordState", "ACTIVE"),
        ("WorkflowStatus", "NEW"),
        ("ResourceType", "AwsS3Bucket"),
        ("ResourceId", "arn:aws:s3:::cdn"),
    ] {
        assert!(matches(filter(field, value), &finding), "{field}");
        assert!(!matches(filter(field, "other"), &finding), "{field}");
    }
    let passing = Facts { compliance: Some(ComplianceStatus::Passed), ..finding.facts() };
    assert!(!compiled(filter("ComplianceStatus", "FAILED")).matches(&passing, now()));
    let low = Finding { account: 42, ..Finding::default() };
    assert!(matches(filter("AwsAccountId", "000000000042"), &low));
}

#[test]
fn a_rule_means_active_failed_findings_of_security_hub_unless_it_says_otherwise() {
    let failed = Finding::default();
    let passed = Finding { compliance: Some(ComplianceStatus::Passed), ..Finding::default() };
    let archived = Finding { record_state: RecordState::Archived, ..Finding::default() };
    let checked = Finding { product: "prowler/prowler", ..Finding::default() };
    let alert = Finding { product: "aws/guardduty", control: None, compliance: None, ..Finding::default() };
    let odd = Finding { compliance: None, ..Finding::default() };
    let said = |rule: Value| {
        [&failed, &passed, &archived, &checked, &alert, &odd].map(|finding| as_rule(json!({}), rule.clone(), finding))
    };

    assert_eq!(said(json!({})), [true, false, false, false, false, false]);
    assert_eq!(said(json!({"compliance": ["PASSED"]})), [false, true, false, false, false, false]);
    assert_eq!(said(json!({"products": ["aws/guardduty", "prowler/prowler"]})), [false, false, false, true, true, false]);
    let eq = |value: &str| json!([{"Value": value, "Comparison": "EQUALS"}]);
    assert_eq!(said(json!({"filters": {"RecordState": eq("ARCHIVED")}})), [false, false, true, false, false, false]);
    assert_eq!(said(json!({"filters": {"ComplianceStatus": eq("PASSED")}})), [false, true, false, false, false, false]);
    // Naming the field in the scope counts as well.
    assert!(as_rule(json!({"compliance": ["PASSED"]}), json!({}), &passed));
    // A generator names its product.
    assert!(as_rule(json!({}), json!({"generators": ["gd/1"]}), &Finding { generator: "gd/1", ..alert }));
    let grant = Matcher::compile_pair(&spec(json!({})), &spec(json!({})), Defaults::Grant, &Context::default()).unwrap();
    assert!(grant.matches(&archived.facts(), now()) && grant.matches(&odd.facts(), now()));
}

#[test]
fn declared_groups_count_beside_the_built_in_ones_and_hide_those_of_their_name() {
    let group = |name: &str, id: &str| ControlGroup { name: name.to_owned(), controls: vec![id.to_owned().try_into().unwrap()] };
    let groups = [group("ours", "S3.8"), group("tagging", "S3.8"), group("nothing", "EC2.1")];
    let context = Context::new(&[], &groups);
    let facts = Finding::default();
    let holds = |name: &str| Matcher::compile(&spec(json!({"groups": [name]})), &context).unwrap().matches(&facts.facts(), now());
    assert!(holds("ours") && holds("tagging") && holds("public-exposure"));
    assert!(!holds("nothing") && !holds("logging"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let bad = spec(json!({
        "groups": ["public-exposur"],
        "categories": ["Resiliance"],
        "accountSelector": {"matchExpressions": [{"key": "env", "operator": "In"}]},
        "filters": {"Regoin": [{"Value": "x", "Comparison": "EQUALS"}]},
    }));
    let errors = Matcher::compile(&bad, &Context::default()).unwrap_err();
    assert_eq!(errors.iter().map(MatchError::field).collect::<Vec<_>>(), ["groups", "categories", "accountSelector", "filters"]);
    assert_eq!(
        errors[0].to_string(),
        "groups: \"public-exposur\" is not a known control group; did you mean \"public-exposure\"?"
    );
}

#[test]
fn a_projection_must_keep_what_rules_ask_beyond_the_facts() {
    let matcher = compiled(json!({
        "tags": {"team": ["pay"]},
        "filters": {"Title": [{"Value": "x", "Comparison": "PREFIX"}], "Region": [{"Value": "x", "Comparison": "EQUALS"}]},
    }));
    let mut wanted = [Field::TITLE, Field::RESOURCE_TAGS];
    wanted.sort();
    assert_eq!(matcher.projected_fields(), wanted);
}
