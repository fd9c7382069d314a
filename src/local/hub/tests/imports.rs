//! What providers may say, and what becomes of it.

use super::*;
use crate::wire::limits::FINDING_BYTES;

/// A finding of the account's own product.
fn own(change: &Value) -> Value {
    let mut finding = json!({
        "SchemaVersion": "2018-10-08", "Id": "scan/1", "GeneratorId": "scan", "AwsAccountId": ADMIN,
        "ProductArn": format!("arn:aws:securityhub:{HOME}:{ADMIN}:product/{ADMIN}/default"),
        "CreatedAt": "2026-11-21T08:00:00Z", "UpdatedAt": "2026-11-21T08:00:00Z", "Title": "t", "Description": "d",
        "Types": ["a/b/c"], "Severity": {"Label": "LOW"}, "Resources": [{"Type": "Other", "Id": "r"}],
    });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            finding.as_object_mut().unwrap().remove(name);
        } else {
            finding[name] = value.clone();
        }
    }
    finding
}

/// What is said of a finding that is not imported.
fn refusal(finding: Value) -> String {
    let answer = import(&mut hub(), ADMIN, HOME, vec![finding], 60);
    let [failed] = answer.failed_findings.as_slice() else { panic!("it was imported") };
    assert_eq!((answer.success_count, answer.failed_count, failed.error_code.as_str()), (0, 1, "InvalidInput"));
    failed.error_message.strip_prefix("Finding does not adhere to Amazon Finding Format. ").unwrap().to_owned()
}

fn only(hub: &Hub) -> Value {
    let mut found = get(hub, ADMIN, HOME, &GetFindings::default());
    assert_eq!(found.len(), 1);
    found.remove(0)
}

/// A later version of [`own`].
fn later(seconds: u64, change: &Value) -> Value {
    let mut finding = own(change);
    finding["UpdatedAt"] = crate::local::clock::stamp(at(seconds)).into();
    finding
}

#[test]
fn json_of_another_type_refuses_the_whole_request_before_anything_else() {
    for change in [
        json!({"Note": "hello"}),
        json!({"Confidence": 5.5}),
        json!({"Resources": [{"Type": "Other", "Id": "r", "Details": "x"}]}),
        json!({"FindingProviderFields": {"Severity": 3}}),
        json!({"Compliance": []}),
    ] {
        let mut hub = hub();
        let request = BatchImportFindings { findings: vec![own(&json!({})), own(&change)] };
        for account in [ADMIN, STRANGER] {
            let error = hub.import(&caller(account, HOME), &request, at(1)).unwrap_err();
            assert_eq!((error.code, error.status), ("SerializationException", 400));
        }
        assert!(hub.is_empty());
    }
}

#[test]
fn members_that_the_model_does_not_know_are_not_stored() {
    let mut hub = hub();
    let resource = json!({"Type": "Other", "Id": "r", "Colour": "red", "Region": null});
    import(&mut hub, ADMIN, HOME, vec![own(&json!({"Foo": {"a": 1}, "Resources": [resource]}))], 60);
    let finding = only(&hub);
    assert_eq!((finding.get("Foo"), &finding["Resources"]), (None, &json!([{"Type": "Other", "Id": "r"}])));
}

#[test]
fn limits_fail_the_finding_in_the_words_of_the_format() {
    let said = [
        (json!({"Types": null}), "data.Types should NOT have fewer than 1 items"),
        (json!({"Types": []}), "data.Types should NOT have fewer than 1 items"),
        (json!({"Severity": {}}), "data.Severity should have required property 'Label' or 'Normalized'"),
        (json!({"Severity": null}), "data.Severity should have required property 'Label' or 'Normalized'"),
        (json!({"RelatedFindings": []}), "data.RelatedFindings should NOT have fewer than 1 items"),
        (
            json!({"Note": {"Text": "x", "UpdatedBy": "a", "UpdatedAt": "now"}}),
            "data.Note.UpdatedAt should match format \"date-time\"",
        ),
        (
            json!({"Title": "x".repeat(257), "Confidence": 101}),
            "data.Confidence should be <= 100, data.Title should NOT be longer than 256 characters",
        ),
        (
            json!({"ProductFields": {"": "x"}}),
            "data.ProductFields should have keys of 1 to 128 and values of at most 2048 characters",
        ),
    ];
    for (change, said) in said {
        assert_eq!(refusal(own(&change)), said);
    }
    let mut hub = hub();
    let elsewhere = json!({
        "Types": null, "Severity": null, "FindingProviderFields": {"Types": ["a/b/c"], "Severity": {"Label": "HIGH"}},
    });
    assert_eq!(import(&mut hub, ADMIN, HOME, vec![own(&elsewhere)], 60).success_count, 1);
    assert_eq!((&only(&hub)["Types"], &only(&hub)["Severity"]["Label"]), (&json!(["a/b/c"]), &json!("HIGH")));
}

#[test]
fn a_check_has_a_result_and_ran_where_its_id_says() {
    let with = |pointer: &str, value: Value| {
        let mut finding = failed(ADMIN, HOME, "a", 0).document();
        *finding.pointer_mut(pointer).unwrap() = value;
        finding
    };
    assert_eq!(refusal(with("/Compliance", Value::Null)), "data should have required property 'Compliance'");
    assert_eq!(refusal(with("/Compliance/Status", Value::Null)), "data.Compliance should have required property 'Status'");
    let id =
        |region: &str, account: &str| format!("arn:aws:securityhub:{region}:{account}:security-control/S3.8/finding/x").into();
    assert_eq!(refusal(with("/Id", id(HOME, MEMBER))), "data.Id is not of the account of data.AwsAccountId");
    assert_eq!(refusal(with("/Id", id(LINKED, ADMIN))), "data.Id is not of the Region of data.ProductArn");
    let mut hub = hub();
    let unknown = with("/Compliance/SecurityControlId", "Quantum.1".into());
    assert_eq!(import(&mut hub, ADMIN, HOME, vec![unknown], 60).success_count, 1, "AWS adds controls every month");
}

#[test]
fn a_control_finding_that_is_too_large_loses_the_details_of_its_resources_and_others_are_refused() {
    let large = json!({"Other": {"text": "x".repeat(FINDING_BYTES)}});
    let mut check = failed(ADMIN, HOME, "a", 0).document();
    check["Resources"][0]["Details"] = large.clone();
    let mut hub = hub();
    assert_eq!(import(&mut hub, ADMIN, HOME, vec![check.clone()], 60).success_count, 1);
    let resource = &only(&hub)["Resources"][0];
    assert_eq!((resource.get("Details"), &resource["Type"]), (None, &json!("AwsS3Bucket")));
    check["Resources"][0]["Id"] = "x".repeat(FINDING_BYTES).into();
    assert_eq!(refusal(check), "Finding size exceeded 240 KB");
    let resources = json!([{"Type": "Other", "Id": "r", "Details": large}]);
    assert_eq!(refusal(own(&json!({"Resources": resources}))), "Finding size exceeded 240 KB");
}

#[test]
fn a_providers_severity_is_kept_and_completed() {
    let cases = [
        (json!({"Normalized": 45}), json!({"Label": "MEDIUM", "Normalized": 45})),
        (json!({"Label": "LOW"}), json!({"Label": "LOW", "Normalized": 1, "Original": "LOW"})),
        (json!({"Label": "LOW", "Normalized": 30}), json!({"Label": "LOW", "Normalized": 30})),
        (json!({"Label": "HIGH", "Normalized": 0}), json!({"Label": "HIGH", "Normalized": 0})),
        (
            json!({"Label": "HIGH", "Original": "8.9", "Product": 8.9}),
            json!({"Label": "HIGH", "Normalized": 70, "Original": "8.9", "Product": 8.9}),
        ),
    ];
    for (given, shown) in cases {
        let mut hub = hub();
        import(&mut hub, ADMIN, HOME, vec![own(&json!({"Severity": given}))], 60);
        let read = only(&hub);
        assert_eq!(read["Severity"], shown);
        // As read, it says the same.
        let mut again = read.clone();
        again["UpdatedAt"] = "2026-11-21T08:00:30Z".into();
        import(&mut hub, ADMIN, HOME, vec![again], 60);
        assert_eq!(only(&hub)["Severity"], shown);
        // The provider's own field has the last word.
        let other = json!({"Severity": read["Severity"], "FindingProviderFields": {"Severity": {"Label": "CRITICAL"}}});
        import(&mut hub, ADMIN, HOME, vec![later(40, &other)], 60);
        assert_eq!(only(&hub)["Severity"], json!({"Label": "CRITICAL", "Normalized": 90, "Original": "CRITICAL"}));
    }
}

#[test]
fn an_update_of_the_severity_changes_what_it_names_and_clears_nothing() {
    let mut hub = hub();
    import(&mut hub, ADMIN, HOME, vec![own(&json!({"Severity": {"Label": "HIGH", "Original": "8.9"}}))], 60);
    let key = crate::local::seed::key_of(&own(&json!({})));
    let severity =
        |label: Option<&str>, normalized, product| SeverityUpdate { label: label.map(str::to_owned), normalized, product };
    for (given, shown) in [
        (severity(None, None, None), json!({"Label": "HIGH", "Normalized": 70, "Original": "8.9"})),
        (severity(None, None, Some(3.5)), json!({"Label": "HIGH", "Normalized": 70, "Original": "8.9", "Product": 3.5})),
        (severity(None, Some(95), None), json!({"Label": "CRITICAL", "Normalized": 95, "Original": "8.9", "Product": 3.5})),
        (severity(Some("LOW"), None, None), json!({"Label": "LOW", "Normalized": 1, "Original": "8.9", "Product": 3.5})),
        (severity(Some("LOW"), Some(30), None), json!({"Label": "LOW", "Normalized": 30, "Original": "8.9", "Product": 3.5})),
    ] {
        let request = BatchUpdateFindings { severity: Some(given), ..BatchUpdateFindings::default() };
        update(&mut hub, ADMIN, &[&key], request);
        assert_eq!(only(&hub)["Severity"], shown);
    }
}

#[test]
fn nothing_can_be_cleared_by_an_update() {
    let mut hub = hub();
    import(&mut hub, ADMIN, HOME, vec![own(&json!({"UserDefinedFields": {"a": "1"}}))], 60);
    let key = crate::local::seed::key_of(&own(&json!({})));
    let empty = BatchUpdateFindings {
        types: Some(Vec::new()),
        user_defined_fields: Some(BTreeMap::new()),
        severity: Some(SeverityUpdate::default()),
        ..BatchUpdateFindings::default()
    };
    assert_eq!(update(&mut hub, ADMIN, &[&key], empty).processed_findings.len(), 1);
    let finding = only(&hub);
    assert_eq!((&finding["UserDefinedFields"], &finding["Types"]), (&json!({"a": "1"}), &json!(["a/b/c"])));
    // Nor is any of it the customer's by that.
    let change = json!({"Severity": {"Label": "HIGH"}, "Types": ["d/e/f"]});
    import(&mut hub, ADMIN, HOME, vec![later(30, &change)], 95);
    assert_eq!((&only(&hub)["Severity"]["Label"], &only(&hub)["Types"]), (&json!("HIGH"), &json!(["d/e/f"])));
}

#[test]
fn merged_user_defined_fields_have_at_most_fifty_pairs() {
    let mut hub = hub_with(Switches { user_fields: UserFields::Merge, ..Switches::default() });
    import(&mut hub, ADMIN, HOME, vec![own(&json!({}))], 60);
    let key = crate::local::seed::key_of(&own(&json!({})));
    let pairs = |names: std::ops::Range<usize>| BatchUpdateFindings {
        user_defined_fields: Some(names.map(|name| (format!("k{name}"), "v".to_owned())).collect()),
        ..BatchUpdateFindings::default()
    };
    for (names, expected) in [(0..30, vec![]), (20..50, vec![]), (50..51, vec!["InvalidInput"]), (49..50, vec![])] {
        assert_eq!(codes(&update(&mut hub, ADMIN, &[&key], pairs(names))), expected);
    }
    assert_eq!(only(&hub)["UserDefinedFields"].as_object().unwrap().len(), 50);
}

#[test]
fn a_version_that_changes_nothing_but_times_is_no_history() {
    let mut hub = hub();
    let history = |hub: &Hub, key: &FindingKey| {
        let request = GetFindingHistory {
            finding_identifier: identifier(key),
            start_time: None,
            end_time: None,
            next_token: None,
            max_results: None,
        };
        let records = hub.finding_history(&caller(ADMIN, HOME), &request, at(900)).unwrap().records;
        let fields = |record: crate::wire::securityhub::HistoryRecord| {
            record.updates.into_iter().map(|update| update.updated_field).collect::<Vec<_>>()
        };
        records.into_iter().map(fields).collect::<Vec<_>>()
    };
    import(&mut hub, ADMIN, HOME, vec![own(&json!({}))], 60);
    let times = json!({
        "CreatedAt": "2026-11-21T07:00:00Z", "FirstObservedAt": "2026-11-21T07:00:00Z", "LastObservedAt": "2026-11-21T08:00:10Z",
    });
    import(&mut hub, ADMIN, HOME, vec![later(30, &times)], 60);
    let key = crate::local::seed::key_of(&own(&json!({})));
    assert_eq!(history(&hub, &key), [[""; 0]]);
    import(&mut hub, ADMIN, HOME, vec![later(40, &json!({"Title": "u", "ProductFields": {"a": "b"}}))], 60);
    assert_eq!(history(&hub, &key), [vec!["ProductFields", "Title"], vec![]]);
    // The same result of a check, run after run.
    let check = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    for seconds in [100, 200] {
        hub.check(&check, ComplianceStatus::Failed, at(seconds)).unwrap();
    }
    assert_eq!(history(&hub, &check), [[""; 0]]);
    hub.check(&check, ComplianceStatus::Passed, at(300)).unwrap();
    let changed = history(&hub, &check).remove(0);
    assert!(
        changed.contains(&"Compliance.Status".to_owned()) && !changed.iter().any(|field| field.ends_with("At")),
        "{changed:?}"
    );
}

#[test]
fn a_later_version_moves_neither_creation_nor_first_observation_and_takes_back_what_it_says_no_more() {
    let mut hub = hub();
    let related = json!([{"Id": "x", "ProductArn": "y"}]);
    import(&mut hub, ADMIN, HOME, vec![own(&json!({"Confidence": 5, "RelatedFindings": related}))], 60);
    import(&mut hub, ADMIN, HOME, vec![later(30, &json!({"CreatedAt": "2026-11-21T08:00:20Z"}))], 60);
    let finding = only(&hub);
    let [created, first, last] = ["CreatedAt", "FirstObservedAt", "LastObservedAt"].map(|name| finding[name].as_str().unwrap());
    assert_eq!((created, first), ("2026-11-21T08:00:00.000Z", "2026-11-21T08:00:00.000Z"));
    assert_eq!(last, "2026-11-21T08:00:30.000Z");
    assert_eq!((finding.get("Confidence"), finding.get("RelatedFindings")), (None, None));
    let said = later(40, &json!({"FirstObservedAt": "2026-11-21T07:00:00Z"}));
    import(&mut hub, ADMIN, HOME, vec![said], 60);
    assert_eq!(only(&hub)["FirstObservedAt"], "2026-11-21T07:00:00.000Z");
}

#[test]
fn control_findings_name_the_requirements_of_the_standards_in_which_their_control_is_on() {
    let cis = |version: &str, number: &str| format!("CIS AWS Foundations Benchmark v{version}/{number}");
    let mut hub = hub();
    let key = add(&mut hub, &failed(ADMIN, HOME, "a", 0));
    let requirements = |hub: &Hub| hub.current(&key).unwrap()["Compliance"]["RelatedRequirements"].clone();
    assert_eq!(requirements(&hub), json!([cis("1.4.0", "2.1.5"), cis("3.0.0", "2.1.4"), cis("5.0.0", "2.1.4")]));
    // What the catalogue does not know is kept as it was sent.
    let mut again = ControlFinding { updated: at(50), ..failed(ADMIN, HOME, "a", 0) }.document();
    again["Compliance"]["RelatedRequirements"] = json!(["PCI DSS v3.2.1/1.2.1", cis("9.9.9", "1")]);
    import(&mut hub, ADMIN, HOME, vec![again], 60);
    let all = ["PCI DSS v3.2.1/1.2.1".to_owned(), cis("1.4.0", "2.1.5"), cis("3.0.0", "2.1.4"), cis("5.0.0", "2.1.4")];
    assert_eq!(requirements(&hub), json!(all));
    let none = ControlFinding::failed(
        ADMIN.parse().unwrap(),
        HOME.parse().unwrap(),
        "ACM.3",
        "AwsCertificateManagerCertificate",
        "c",
        at(0),
    );
    assert_eq!(none.document()["Compliance"].get("RelatedRequirements"), None);
}
