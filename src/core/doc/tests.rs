use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SAMPLE: &str = include_str!("sample.json");

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

/// The sample with one place changed.
fn with(pointer: &str, value: Value) -> String {
    let mut finding = sample();
    *finding.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) = value;
    finding.to_string()
}

fn without(name: &str) -> String {
    let mut finding = sample();
    finding.as_object_mut().unwrap().remove(name).unwrap();
    finding.to_string()
}

fn error(raw: &str) -> String {
    Doc::parse(raw).expect_err("refused").to_string()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn a_consolidated_control_finding_is_read_whole() {
    let doc = Doc::parse(SAMPLE).unwrap();
    assert_eq!(&*doc.generator_id, "security-control/S3.8");
    assert_eq!(doc.control_id(), Some("S3.8"));
    assert_eq!(&*doc.aws_account_id, "111122223333");
    assert_eq!(doc.region.as_deref(), Some("eu-west-1"));
    assert_eq!(doc.compliance_status(), Some(ComplianceStatus::Failed));
    assert_eq!(doc.workflow_status(), WorkflowStatus::New);
    assert_eq!(doc.record_state, RecordState::Active);
    assert_eq!(doc.severity.as_ref().and_then(|severity| severity.label), Some(SeverityLabel::High));
    assert_eq!(doc.first_observed_at, Some(at("2026-07-24T19:02:49.891Z")));
    assert_eq!(doc.version(), at("2026-07-24T19:05:25.002Z"));
    let [resource] = doc.resources.as_slice() else { panic!("one resource: {:?}", doc.resources) };
    assert_eq!((&*resource.kind, &*resource.id), ("AwsS3Bucket", "arn:aws:s3:::example"));
    let tags: Vec<(&str, &str)> = resource.tags.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(tags, [("team", "pay")]);
    let standards = &doc.compliance.as_ref().unwrap().associated_standards;
    assert_eq!(&*standards[0].standards_id, "standards/aws-foundational-security-best-practices/v/1.0.0");
    assert!(doc.note.is_none() && doc.user_defined_fields.is_empty());
}

#[test]
fn texts_without_escapes_are_borrowed_and_others_are_unescaped() {
    let doc = Doc::parse(SAMPLE).unwrap();
    assert!(matches!(doc.id.0, Cow::Borrowed(_)) && matches!(doc.resources[0].id.0, Cow::Borrowed(_)));
    assert!(doc.resources[0].tags.iter().all(|(key, value)| matches!((&key.0, &value.0), (Cow::Borrowed(_), Cow::Borrowed(_)))));
    let raw = with("/Title", json!("a \"b\"\né"));
    assert_eq!(Doc::parse(&raw).unwrap().title.as_deref(), Some("a \"b\"\né"));
}

#[test]
fn times_have_up_to_nine_digits_of_a_fraction_and_any_offset() {
    for (text, same) in [
        ("2026-07-24T19:02:49Z", "2026-07-24T19:02:49Z"),
        ("2026-07-24T19:02:49.123456789Z", "2026-07-24T19:02:49.123456789Z"),
        ("2026-07-24T19:02:49.123456+00:00", "2026-07-24T19:02:49.123456Z"),
        ("2026-07-25T04:02:49+09:00", "2026-07-24T19:02:49Z"),
        ("2026-07-24T01:17:49.5-1745", "2026-07-24T19:02:49.5Z"),
    ] {
        assert_eq!(Doc::parse(&with("/CreatedAt", json!(text))).unwrap().created_at, at(same), "{text}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (raw, start) in [
        (with("/CreatedAt", json!("2026-07-24")), "CreatedAt: "),
        (with("/CreatedAt", json!("2026-07-24T19:02:49.1234567890Z")), "CreatedAt: "),
        (with("/CreatedAt", json!("2026-07-24T19:02:49")), "CreatedAt: "),
        (with("/CreatedAt", json!(null)), "CreatedAt: invalid type: null"),
        (with("/UpdatedAt", json!(1_785_000_000)), "UpdatedAt: invalid type: integer"),
        (with("/Id", json!(["x"])), "Id: invalid type: sequence"),
        (with("/RecordState", json!("GONE")), "RecordState: unknown variant `GONE`"),
        (with("/RecordState", json!(5)), "RecordState: expected value"),
        (with("/RecordState", json!(null)), "RecordState: expected value"),
        (with("/Workflow/Status", json!("DONE")), "Workflow.Status: unknown variant `DONE`"),
        (with("/Compliance/AssociatedStandards/0/StandardsId", json!({})), "Compliance.AssociatedStandards[0].StandardsId: "),
        (with("/Resources", json!([{"Type": "A", "Id": "b"}, {"Type": "A"}])), "Resources[1]: missing field `Id`"),
        (with("/Resources", json!([{"Type": "A", "Id": "b"}, null])), "Resources[1]: invalid type: null"),
        (with("/Resources/0/Tags", json!({"a,{[\"b": "x", "team": 5})), "Resources[0].Tags.team: invalid type: integer `5`"),
        (with("/Resources/0/Tags", json!(["a"])), "Resources[0].Tags: invalid type: sequence"),
        (without("Id"), "missing field `Id`"),
        (without("UpdatedAt"), "missing field `UpdatedAt`"),
        ("[]".to_owned(), "invalid length 0"),
        ("null".to_owned(), "invalid type: null"),
        (String::new(), "EOF while parsing"),
        (r#"{"Severity": {"Label": }}"#.to_owned(), "Severity.Label: expected value"),
        (r#"{"Resources": [{"Type": "A""#.to_owned(), "Resources[0].Type: EOF while parsing"),
    ] {
        let message = error(&raw);
        assert!(message.starts_with(start), "{start:?} is not the start of {message:?}");
        assert!(message.contains(" at line "), "{message}");
    }
}

#[test]
fn a_place_on_a_later_line_is_found_too() {
    let raw = SAMPLE.replace("\"FAILED\",\n    \"SecurityControlId\"", "\"BAD\",\n    \"SecurityControlId\"");
    assert!(error(&raw).starts_with("Compliance.Status: unknown variant `BAD`"), "{}", error(&raw));
}

#[test]
fn null_counts_as_absent() {
    let mut finding = sample();
    for name in ["Region", "Title", "ProcessedAt", "Severity", "Workflow", "Note", "UserDefinedFields"] {
        finding[name] = Value::Null;
    }
    finding["Resources"][0]["Tags"] = Value::Null;
    finding["Compliance"]["AssociatedStandards"] = Value::Null;
    let raw = finding.to_string();
    let doc = Doc::parse(&raw).unwrap();
    assert!(doc.user_defined_fields.is_empty() && doc.resources[0].tags.is_empty());
    assert!(doc.compliance.as_ref().unwrap().associated_standards.is_empty());
    assert_eq!(doc.version(), doc.updated_at);

    finding["Resources"] = Value::Null;
    finding["Compliance"] = Value::Null;
    finding["UserDefinedFields"] = json!({"a": null, "b": "c"});
    let raw = finding.to_string();
    let doc = Doc::parse(&raw).unwrap();
    assert!(doc.resources.is_empty() && doc.compliance_status().is_none());
    let fields: Vec<(&str, &str)> = doc.user_defined_fields.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(fields, [("b", "c")]);
}

#[test]
fn of_a_key_that_comes_twice_the_last_counts_and_a_member_that_comes_twice_is_an_error() {
    let raw = SAMPLE.replace(r#""team": "pay""#, r#""team": "web", "team": "pay""#);
    let doc = Doc::parse(&raw).unwrap();
    assert_eq!(doc.resources[0].tags.values().map(|value| &**value).collect::<Vec<_>>(), ["pay"]);
    let raw = SAMPLE.replacen('{', r#"{"Id": "other", "#, 1);
    assert!(error(&raw).contains("duplicate field `Id`"), "{}", error(&raw));
}

#[test]
fn deep_nesting_in_members_that_are_not_read_is_skipped() {
    let deep = format!("{}{}", "[{\"a\":".repeat(100_000), "}]".repeat(100_000)).replace(":}", ":0}");
    let raw = SAMPLE.replacen('{', &format!(r#"{{"Network": {deep}, "#), 1);
    assert_eq!(Doc::parse(&raw).unwrap().control_id(), Some("S3.8"));
    let body = format!(r#"{{"Findings": [{raw}, {{"Id": 1}}], "NextToken": "t"}}"#);
    let page = page(body.as_bytes()).unwrap();
    assert_eq!(page.next_token.as_deref(), Some("t"));
    assert!(Doc::parse(page.findings[0].get()).is_ok() && Doc::parse(page.findings[1].get()).is_err());
}

#[test]
fn deep_nesting_where_a_value_is_read_is_an_error_with_its_place() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let raw = SAMPLE.replacen("\"HIGH\"", &deep, 1);
    assert!(error(&raw).starts_with("Severity.Label: "), "{}", error(&raw));
}

#[test]
fn an_empty_or_cut_page_is_an_error_and_never_no_findings() {
    for body in
        ["", "{}", "null", "[]", r#"{"Findings": null}"#, r#"{"Findings": ["#, r#"{"Findings": []"#, r#"{"Message": "x"}"#]
    {
        assert!(page(body.as_bytes()).is_err(), "{body}");
    }
    let whole = format!(r#"{{"Findings": [{SAMPLE}]}}"#);
    for end in (0..whole.len()).step_by(97) {
        assert!(page(&whole.as_bytes()[..end]).is_err(), "cut at {end}");
    }
    assert!(page(br#"{"Findings": []}"#).unwrap().findings.is_empty());
    assert!(page(b"{\"Findings\": [], \"NextToken\": \"\xff\"}").is_err());
}

proptest! {
    #[test]
    fn no_change_of_a_byte_makes_reading_panic(at in 0usize..SAMPLE.len(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut raw = SAMPLE.as_bytes().to_vec();
        raw[at] = byte;
        if cut {
            raw.truncate(at + 1);
        }
        let _ = page(&raw);
        if let Ok(raw) = std::str::from_utf8(&raw) && let Err(error) = Doc::parse(raw) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
