use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;

const SAMPLE: &str = include_str!("../doc/sample.json");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-08-01T00:00:00Z")
}

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

fn filters(value: &Value) -> Filters {
    Filters::parse(value).unwrap_or_else(|errors| panic!("{value}: {errors}"))
}

fn matches(value: &Value, finding: &Value) -> bool {
    filters(value).matches(finding, now())
}

fn refusals(value: &Value) -> Vec<FilterError> {
    Filters::parse(value).expect_err("refused").0
}

/// Exactly one refusal: where, and its words.
fn refusal(value: &Value) -> (String, String) {
    let mut errors = refusals(value);
    assert_eq!(errors.len(), 1, "{value}: {errors:?}");
    let error = errors.remove(0);
    (error.path, error.refusal.to_string())
}

fn text(value: &str, comparison: &str) -> Value {
    json!({"Value": value, "Comparison": comparison})
}

#[test]
fn every_field_is_found_by_its_name_and_has_a_place() {
    // 107: the members of AwsSecurityFindingFilters in the API model.
    assert_eq!(Field::all().count(), 107);
    for field in Field::all() {
        assert_eq!(Field::from_name(field.name()), Some(field));
        assert_eq!(field.path().is_empty(), field == Field::KEYWORD);
    }
    assert_eq!(Field::RESOURCE_TAGS.kind(), FieldKind::Map);
    assert_eq!(Field::RESOURCE_TAGS.path(), "Resources[].Tags");
    assert_eq!(Field::from_name("resourcetags"), None);
}

#[test]
fn every_field_is_read_from_its_place_also_in_lists() {
    for field in Field::all().filter(|field| *field != Field::KEYWORD) {
        let (value, item) = match field.kind() {
            FieldKind::Number => (json!(1), Item::Number(1.0)),
            FieldKind::Boolean => (json!(true), Item::Flag(true)),
            FieldKind::Map => (json!({"k": "v"}), Item::Entry("k", "v")),
            _ => (json!("v"), Item::Text("v")),
        };
        let finding = field.path().rsplit('.').fold(value, |inner, step| match step.strip_suffix("[]") {
            Some(name) => json!({name: [null, inner]}),
            None => json!({step: inner}),
        });
        let mut items = Vec::new();
        finding.visit(field, &mut |item| items.push(OwnedItem::from(item)));
        assert_eq!(items, [OwnedItem::from(item)], "{field}: {finding}");
    }
}

#[test]
fn every_kind_of_field_is_read_from_the_sample_finding() {
    let cases = [
        json!({"ComplianceSecurityControlId": [text("S3.8", "EQUALS")]}),
        json!({"ComplianceAssociatedStandardsId": [text("standards/aws-foundational", "PREFIX")]}),
        json!({"ResourceTags": [{"Key": "team", "Value": "pay", "Comparison": "EQUALS"}]}),
        json!({"Type": [text("Software and Configuration Checks", "PREFIX")]}),
        json!({"FindingProviderFieldsTypes": [text("Software", "PREFIX")]}),
        json!({"ResourceAwsS3BucketOwnerId": [text("79a59df9", "PREFIX")]}),
        json!({"ProductFields": [{"Key": "PreviousComplianceStatus", "Value": "FAILED", "Comparison": "EQUALS"}]}),
        json!({"SeverityNormalized": [{"Gte": 70, "Lt": 90}]}),
        json!({"CreatedAt": [{"Start": "2026-07-24T00:00:00Z", "End": "2026-07-25T00:00:00Z"}]}),
        json!({"UpdatedAt": [{"DateRange": {"Value": 8, "Unit": "DAYS"}}]}),
        json!({"WorkflowStatus": [text("SUPPRESSED", "NOT_EQUALS"), text("RESOLVED", "NOT_EQUALS")]}),
        json!({"RecordState": [text("ACTIVE", "EQUALS")], "Region": [text("eu-", "PREFIX")]}),
        json!({"Keyword": [{"Value": "block public access"}]}),
        json!({}),
    ];
    for case in cases {
        assert!(matches(&case, &sample()), "{case}");
    }
}

#[test]
fn values_are_case_sensitive() {
    for case in [
        json!({"ComplianceSecurityControlId": [text("s3.8", "EQUALS")]}),
        json!({"ProductName": [text("security hub", "EQUALS")]}),
        json!({"ResourceTags": [{"Key": "Team", "Value": "pay", "Comparison": "EQUALS"}]}),
        json!({"Keyword": [{"Value": "BLOCK"}]}),
    ] {
        assert!(!matches(&case, &sample()), "{case}");
    }
}

#[test]
fn attributes_are_joined_by_and_and_positive_values_by_or() {
    let both = |region| json!({"Region": [text("us-east-1", "EQUALS"), text(region, "PREFIX")], "RecordState": [text("ACTIVE", "EQUALS")]});
    assert!(matches(&both("eu-"), &sample()));
    assert!(!matches(&both("ap-"), &sample()));
    let mut archived = sample();
    archived["RecordState"] = json!("ARCHIVED");
    assert!(!matches(&both("eu-"), &archived));
}

#[test]
fn prefixes_include_first_and_negatives_exclude_then() {
    // The example of the API reference, StringFilter.
    let asked = json!({"ResourceType": [
        text("AwsIam", "PREFIX"), text("AwsEc2", "PREFIX"),
        text("AwsIamPolicy", "NOT_EQUALS"), text("AwsEc2NetworkInterface", "NOT_EQUALS"),
    ]});
    let of = |kinds: &[&str]| json!({"Resources": kinds.iter().map(|kind| json!({"Type": kind})).collect::<Vec<_>>()});
    assert!(matches(&asked, &of(&["AwsIamRole"])));
    assert!(matches(&asked, &of(&["AwsEc2Instance"])));
    assert!(!matches(&asked, &of(&["AwsIamPolicy"])));
    assert!(!matches(&asked, &of(&["AwsS3Bucket"])));
    assert!(!matches(&asked, &of(&["AwsIamRole", "AwsIamPolicy"])), "one excluded value excludes the finding");
    assert!(matches(&asked, &of(&["AwsS3Bucket", "AwsIamRole"])), "one included value includes it");
}

#[test]
fn map_equals_are_alternatives_even_of_different_keys() {
    let entry = |key: &str, value: &str, comparison: &str| json!({"Key": key, "Value": value, "Comparison": comparison});
    let either = json!({"ResourceTags": [entry("team", "web", "EQUALS"), entry("env", "prod", "EQUALS")]});
    let tagged = |tags: Value| json!({"Resources": [{"Tags": {"team": "pay"}}, {"Tags": tags}]});
    assert!(matches(&either, &tagged(json!({"env": "prod"}))));
    assert!(matches(&either, &tagged(json!({"team": "web"}))));
    assert!(!matches(&either, &tagged(json!({"env": "dev"}))));
    let neither = json!({"ResourceTags": [entry("team", "web", "NOT_EQUALS"), entry("env", "prod", "NOT_EQUALS")]});
    assert!(matches(&neither, &tagged(json!({"env": "dev"}))));
    assert!(!matches(&neither, &tagged(json!({"env": "prod"}))));
    assert!(!matches(&neither, &tagged(json!({"env": "dev", "team": "web"}))), "a second value of the key is excluded too");
}

#[test]
fn a_negative_on_what_is_missing_matches_only_under_the_other_reading() {
    let finding = json!({"Resources": [{"Type": "AwsS3Bucket", "Tags": {"team": "pay"}}], "Region": null});
    for asked in [
        json!({"Region": [text("eu-west-1", "NOT_EQUALS")]}),
        json!({"Region": [text("eu-", "PREFIX_NOT_EQUALS")]}),
        json!({"NoteText": [text("x", "NOT_EQUALS")]}),
        json!({"ResourceTags": [{"Key": "env", "Value": "prod", "Comparison": "NOT_EQUALS"}]}),
        json!({"ResourceTags": [
            {"Key": "team", "Value": "web", "Comparison": "NOT_EQUALS"}, {"Key": "env", "Value": "prod", "Comparison": "NOT_EQUALS"},
        ]}),
    ] {
        let filters = filters(&asked);
        assert!(!filters.matches_with(&finding, now(), MissingField::NoMatch), "{asked}");
        assert!(filters.matches_with(&finding, now(), MissingField::Match), "{asked}");
    }
    // A prefix is positive: what is not there never has it.
    let asked = filters(&json!({"Region": [text("eu-", "PREFIX"), text("eu-west-1", "NOT_EQUALS")]}));
    assert!(!asked.matches_with(&finding, now(), MissingField::Match));
}

#[test]
fn both_ends_of_a_window_are_inclusive_to_the_millisecond() {
    let asked = json!({"CreatedAt": [{"Start": "2026-07-01T00:00:00Z", "End": "2026-07-02T09:00:00.5+09:00"}]});
    for (created, expected) in [
        ("2026-06-30T23:59:59.999Z", false),
        ("2026-06-30T23:59:59.9996Z", true),
        ("2026-07-01T00:00:00Z", true),
        ("2026-07-02T00:00:00.500Z", true),
        ("2026-07-02T00:00:00.500400001Z", true),
        ("2026-07-02T00:00:00.501Z", false),
        ("2026-07-02T09:00:00.500+0900", true),
        ("yesterday", false),
        ("", false),
    ] {
        assert_eq!(matches(&asked, &json!({"CreatedAt": created})), expected, "{created}");
    }
}

#[test]
fn days_are_counted_back_from_now_in_24_hours() {
    let within = json!({"CreatedAt": [{"DateRange": {"Value": 7, "Unit": "DAYS", "Comparison": "WITHIN"}}]});
    let older = json!({"CreatedAt": [{"DateRange": {"Value": 7, "Unit": "DAYS", "Comparison": "OLDER_THAN"}}]});
    for (created, is_within, is_older) in [
        ("2026-07-25T00:00:00Z", true, false),
        ("2026-07-24T23:59:59.999Z", false, true),
        ("2026-08-01T00:00:00Z", true, false),
        ("2026-08-01T00:00:00.001Z", false, false),
    ] {
        let finding = json!({"CreatedAt": created});
        assert_eq!(matches(&within, &finding), is_within, "{created}");
        assert_eq!(matches(&older, &finding), is_older, "{created}");
    }
    assert!(filters(&within).is_relative());
    assert!(!filters(&json!({"Region": [text("x", "EQUALS")]})).is_relative());
}

#[test]
fn a_window_of_all_days_there_are_does_not_overflow() {
    let asked = |comparison| json!({"CreatedAt": [{"DateRange": {"Value": i32::MAX, "Unit": "DAYS", "Comparison": comparison}}]});
    let finding = json!({"CreatedAt": "2026-07-24T23:59:59.999Z"});
    assert!(matches(&asked("WITHIN"), &finding));
    assert!(!matches(&asked("OLDER_THAN"), &finding));
}

#[test]
fn the_bounds_of_one_number_filter_hold_together_and_several_filters_are_alternatives() {
    let asked = json!({"SeverityNormalized": [{"Gt": 0, "Lte": 39.5}, {"Eq": 90}]});
    for (number, expected) in [(0.0, false), (0.5, true), (39.5, true), (40.0, false), (90.0, true)] {
        assert_eq!(matches(&asked, &json!({"Severity": {"Normalized": number}})), expected, "{number}");
    }
    assert!(!matches(&asked, &json!({"Severity": {"Normalized": "90"}})), "a text is no number");
}

#[test]
fn addresses_are_looked_up_in_networks_of_their_own_version() {
    let asked = json!({"NetworkSourceIpV4": [{"Cidr": "10.0.0.0/8"}, {"Cidr": "192.0.2.1/32"}]});
    for (address, expected) in
        [("10.255.0.1", true), ("192.0.2.1", true), ("192.0.2.2", false), ("::ffff:10.0.0.1", false), ("x", false)]
    {
        assert_eq!(matches(&asked, &json!({"Network": {"SourceIpV4": address}})), expected, "{address}");
    }
    let asked = json!({"ResourceAwsEc2InstanceIpV6Addresses": [{"Cidr": "2001:db8::/32"}]});
    let instance = |addresses: Value| json!({"Resources": [{"Details": {"AwsEc2Instance": {"IpV6Addresses": addresses}}}]});
    assert!(matches(&asked, &instance(json!(["fe80::1", "2001:DB8::1"]))));
    assert!(!matches(&asked, &instance(json!(["fe80::1"]))));
}

#[test]
fn booleans_are_alternatives_and_absent_is_neither() {
    let sample = |wanted: Value, finding: Value| matches(&json!({"Sample": wanted}), &finding);
    assert!(sample(json!([{"Value": true}]), json!({"Sample": true})));
    assert!(!sample(json!([{"Value": false}]), json!({"Sample": true})));
    assert!(sample(json!([{"Value": false}, {"Value": true}]), json!({"Sample": false})));
    assert!(!sample(json!([{"Value": false}]), json!({})));
}

#[test]
fn the_documented_illegal_mixes_are_refused_in_the_words_of_the_reference() {
    let mixed = "you can't provide both an EQUALS filter and a NOT_EQUALS or PREFIX_NOT_EQUALS filter on the same field";
    for negative in ["NOT_EQUALS", "PREFIX_NOT_EQUALS"] {
        let (path, words) = refusal(&json!({"Region": [text("a", "EQUALS"), text("b", negative)]}));
        assert_eq!((path.as_str(), words.as_str()), ("Region", mixed));
    }
    let (path, words) = refusal(&json!({"UserDefinedFields": [
        {"Key": "a", "Value": "x", "Comparison": "EQUALS"}, {"Key": "b", "Value": "y", "Comparison": "NOT_EQUALS"},
    ]}));
    assert_eq!(path, "UserDefinedFields");
    assert_eq!(words, "you can't have both an EQUALS filter and a NOT_EQUALS filter on the same field");
    // And these are taken.
    filters(&json!({"Region": [text("a", "PREFIX"), text("b", "NOT_EQUALS"), text("c", "PREFIX_NOT_EQUALS")]}));
    filters(&json!({"Region": [text("a", "PREFIX"), text("b", "EQUALS")]}));
}

#[test]
fn comparisons_of_automation_rules_and_of_the_v2_apis_are_refused_by_name() {
    for (comparison, place) in
        [("CONTAINS", "in automation rules"), ("NOT_CONTAINS", "in automation rules V1"), ("CONTAINS_WORD", "in the V2 APIs")]
    {
        let (path, words) = refusal(&json!({"Title": [text("x", comparison)]}));
        assert_eq!(path, "Title[0].Comparison");
        assert!(words.starts_with(&format!("{comparison} works only {place}, not with GetFindings")), "{words}");
    }
    let (_, words) = refusal(&json!({"ResourceTags": [{"Key": "a", "Value": "b", "Comparison": "PREFIX"}]}));
    assert_eq!(words, r#""PREFIX" is not a comparison: one of EQUALS, NOT_EQUALS"#);
}

#[test]
fn limits_are_ten_attributes_of_twenty_values() {
    let attributes = |count: usize| -> Value {
        Field::all()
            .filter(|field| field.kind() == FieldKind::String)
            .take(count)
            .map(|field| (field.name().to_owned(), json!([text("x", "EQUALS")])))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    filters(&attributes(10));
    assert_eq!(refusal(&attributes(11)).1, "you can filter by up to 10 finding attributes, and these are 11");
    let values = |count: usize| json!({"Region": vec![text("x", "EQUALS"); count]});
    filters(&values(20));
    let (path, words) = refusal(&values(21));
    assert_eq!(path, "Region");
    assert_eq!(words, "for each attribute, you can provide up to 20 filter values, and these are 21");
}

#[test]
fn every_bad_shape_is_refused_at_its_place() {
    let cases = [
        (json!([]), "", "must be an object of finding attributes"),
        (json!(null), "", "must be an object of finding attributes"),
        (json!({"SeverityLabels": []}), "SeverityLabels", "did you mean SeverityLabel?"),
        (json!({"Severity.Label": []}), "Severity.Label", "did you mean SeverityLabel?"),
        (json!({"complianceStatus": []}), "complianceStatus", "did you mean ComplianceStatus?"),
        (json!({"ProcessedAt": []}), "ProcessedAt", "is not an attribute that GetFindings filters by"),
        (json!({"Region": "eu-west-1"}), "Region", "must be a list of filters"),
        (json!({"Region": null}), "Region", "must be a list of filters"),
        (json!({"Region": []}), "Region", "must have at least one filter"),
        (json!({"Region": ["eu-west-1"]}), "Region[0]", "must be a filter"),
        (
            json!({"Region": [text("a", "EQUALS"), {"Values": "b", "Value": "b", "Comparison": "EQUALS"}]}),
            "Region[1].Values",
            "is not part",
        ),
        (json!({"Region": [{"Value": "a"}]}), "Region[0].Comparison", "is required"),
        (json!({"Region": [{"Comparison": "EQUALS"}]}), "Region[0].Value", "is required"),
        (json!({"Region": [{"Value": null, "Comparison": "EQUALS"}]}), "Region[0].Value", "is required"),
        (json!({"Region": [{"Value": 1, "Comparison": "EQUALS"}]}), "Region[0].Value", "must be a string"),
        (json!({"Region": [text(" ", "EQUALS")]}), "Region[0].Value", "must not be empty"),
        (json!({"Region": [text("a", "equals")]}), "Region[0].Comparison", "is not a comparison"),
        (json!({"ResourceTags": [{"Value": "a", "Comparison": "EQUALS"}]}), "ResourceTags[0].Key", "is required"),
        (json!({"CreatedAt": [{}]}), "CreatedAt[0]", "must have both Start and End, or DateRange"),
        (json!({"CreatedAt": [{"Start": "2026-01-01T00:00:00Z"}]}), "CreatedAt[0]", "must have both Start and End, or DateRange"),
        (json!({"CreatedAt": [{"End": "2026-01-01T00:00:00Z"}]}), "CreatedAt[0]", "must have both Start and End, or DateRange"),
        (
            json!({"CreatedAt": [{"Start": "2026-01-01T00:00:00Z", "DateRange": {"Value": 1, "Unit": "DAYS"}}]}),
            "CreatedAt[0]",
            "must have either Start and End or DateRange, not both",
        ),
        (json!({"CreatedAt": [{"Start": "2026-01-01", "End": "2026-02-01T00:00:00Z"}]}), "CreatedAt[0].Start", "is not a time"),
        (json!({"CreatedAt": [{"DateRange": 7}]}), "CreatedAt[0].DateRange", "must be a filter"),
        (json!({"CreatedAt": [{"DateRange": {"Unit": "DAYS"}}]}), "CreatedAt[0].DateRange.Value", "is required"),
        (
            json!({"CreatedAt": [{"DateRange": {"Value": 0, "Unit": "DAYS"}}]}),
            "CreatedAt[0].DateRange.Value",
            "must be a whole number",
        ),
        (
            json!({"CreatedAt": [{"DateRange": {"Value": 1.5, "Unit": "DAYS"}}]}),
            "CreatedAt[0].DateRange.Value",
            "must be a whole number",
        ),
        (
            json!({"CreatedAt": [{"DateRange": {"Value": 1e300, "Unit": "DAYS"}}]}),
            "CreatedAt[0].DateRange.Value",
            "must be a whole number",
        ),
        (json!({"CreatedAt": [{"DateRange": {"Value": 1}}]}), "CreatedAt[0].DateRange.Unit", "is required"),
        (json!({"CreatedAt": [{"DateRange": {"Value": 1, "Unit": "HOURS"}}]}), "CreatedAt[0].DateRange.Unit", "must be DAYS"),
        (
            json!({"CreatedAt": [{"DateRange": {"Value": 1, "Unit": "DAYS", "Comparison": "BEFORE"}}]}),
            "CreatedAt[0].DateRange.Comparison",
            "one of WITHIN, OLDER_THAN",
        ),
        (json!({"Confidence": [{}]}), "Confidence[0]", "must have at least one of Eq, Gte, Lte, Gt, Lt"),
        (json!({"Confidence": [{"Eq": "90"}]}), "Confidence[0].Eq", "must be a number"),
        (json!({"NetworkSourceIpV4": [{"Cidr": "10.0.0.1"}]}), "NetworkSourceIpV4[0].Cidr", "write it as 10.0.0.1/32"),
        (json!({"NetworkSourceIpV4": [{"Cidr": "10.0.0.0/33"}]}), "NetworkSourceIpV4[0].Cidr", "is not a CIDR block"),
        (json!({"NetworkSourceIpV4": [{}]}), "NetworkSourceIpV4[0].Cidr", "is required"),
        (json!({"Sample": [{"Value": "true"}]}), "Sample[0].Value", "must be true or false"),
        (json!({"Keyword": [{"Value": ""}]}), "Keyword[0].Value", "must not be empty"),
    ];
    for (value, place, words) in cases {
        let (path, said) = refusal(&value);
        assert_eq!(path, place, "{value}");
        assert!(said.contains(words), "{value}: {said}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let errors = refusals(&json!({
        "Region": [text("a", "LIKE"), {"Value": 1}],
        "Nope": [],
        "CreatedAt": [{"Start": "x", "End": "y"}],
    }));
    let mut places: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
    places.sort_unstable();
    assert_eq!(
        places,
        ["CreatedAt[0].End", "CreatedAt[0].Start", "Nope", "Region[0].Comparison", "Region[1].Comparison", "Region[1].Value"]
    );
    let all = FilterErrors(errors).to_string();
    assert!(all.contains("; ") && all.contains("Nope: is not an attribute"), "{all}");
}

#[test]
fn times_are_read_in_the_documented_formats_only() {
    for good in [
        "2019-01-31T23:00:00Z",
        "2019-01-31T23:00:00.123456789Z",
        "2024-01-04T15:25:10+17:59",
        "2024-01-04T15:25:10-1759",
        "2024-01-04T15:25:10.123456789+17:59",
        "2024-01-04T15:25:10+09",
        "2024-01-04T15:25:10-18:00",
    ] {
        assert!(timestamp(good).is_some(), "{good}");
    }
    assert_eq!(timestamp("2024-10-31T23:00:00.123456789Z"), Some(at("2024-10-31T23:00:00.123Z")));
    for bad in [
        "",
        "2019-01-31",
        "2019-01-31T23:00:00",
        "2019-01-31 23:00:00Z",
        "2019-01-31T23:00:00z",
        "2019-01-31T23:00:00.Z",
        "2019-01-31T23:00:00.1234567890Z",
        "2019-02-30T23:00:00Z",
        "2019-01-31T25:00:00Z",
        "2024-01-04T15:25:10+18:01",
        "2024-01-04T15:25:10+19",
        "2024-01-04T15:25:10+9:00",
        "2024-01-04T15:25:10+09:00[Asia/Tokyo]",
        "2024-01-04T15:25:10Zé",
        "2024-01-04T15:25:1é",
        "1704381910",
    ] {
        assert_eq!(timestamp(bad), None, "{bad}");
    }
}

#[test]
fn an_index_learns_the_values_of_pure_equals_only() {
    let asked = filters(&json!({
        "Region": [text("b", "EQUALS"), text("a", "EQUALS")],
        "ResourceType": [text("b", "EQUALS"), text("a", "PREFIX")],
        "Title": [text("x", "NOT_EQUALS")],
        "ResourceTags": [{"Key": "k", "Value": "v", "Comparison": "EQUALS"}],
    }));
    assert_eq!(asked.equals_any(Field::REGION), Some(&["b".to_owned(), "a".to_owned()][..]));
    for field in [Field::RESOURCE_TYPE, Field::TITLE, Field::RESOURCE_TAGS, Field::ID] {
        assert_eq!(asked.equals_any(field), None, "{field}");
    }
    assert_eq!(asked.equals_any_entry(Field::RESOURCE_TAGS), Some(&[("k".to_owned(), "v".to_owned())][..]));
    let named: Vec<Field> = asked.fields().collect();
    assert_eq!(named, [Field::REGION, Field::TITLE, Field::RESOURCE_TYPE, Field::RESOURCE_TAGS]);
    assert!(!asked.is_empty() && filters(&json!({})).is_empty());
}

#[test]
fn a_projection_has_the_named_fields_sorted_and_each_value_once() {
    let fields = [Field::RESOURCE_TAGS, Field::REGION, Field::SEVERITY_NORMALIZED];
    let finding = json!({
        "Region": "eu-west-1", "Severity": {"Normalized": 70}, "Title": "not named",
        "Resources": [{"Tags": {"b": "2", "a": "1"}}, {"Tags": {"a": "1", "c": null}}, {"Tags": null}, null],
    });
    let items = extract_raw(&finding.to_string(), &fields).unwrap();
    let entry = |key: &str, value: &str| (Field::RESOURCE_TAGS, OwnedItem::Entry(key.into(), value.into()));
    assert_eq!(
        items,
        [
            (Field::REGION, OwnedItem::Text("eu-west-1".into())),
            (Field::SEVERITY_NORMALIZED, OwnedItem::number(70.0)),
            entry("a", "1"),
            entry("b", "2"),
        ]
    );
    assert_eq!(items, extract(&finding, &fields));
}

#[test]
fn a_projection_of_what_is_no_finding_is_an_error() {
    for bad in ["", "[]", "null", "{\"Region\":", "{} {}"] {
        assert!(extract_raw(bad, &[Field::REGION]).is_err(), "{bad}");
    }
}

#[test]
fn deep_nesting_neither_overflows_nor_hides_other_fields() {
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let raw = format!(r#"{{"Network":{deep},"Region":"eu-west-1"}}"#);
    assert_eq!(extract_raw(&raw, &[Field::REGION]).unwrap().len(), 1, "what is not asked for is skipped");
    assert!(extract_raw(&raw, &[Field::NETWORK_DIRECTION]).is_err());
    assert!(extract_raw(&raw, &[Field::KEYWORD]).is_err());
}

#[test]
fn numbers_keep_their_order_as_bits() {
    let numbers = [f64::MIN, -1.5, -f64::MIN_POSITIVE, 0.0, f64::MIN_POSITIVE, 1.0, 1.5, f64::MAX];
    for pair in numbers.windows(2) {
        assert!(OwnedItem::number(pair[0]) < OwnedItem::number(pair[1]), "{pair:?}");
    }
    for number in numbers {
        assert_eq!(OwnedItem::number(number).as_item(), Item::Number(number));
    }
    assert_eq!(OwnedItem::number(-0.0), OwnedItem::number(0.0));
}
