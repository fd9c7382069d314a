//! Findings: read, update, import, history.

use std::collections::BTreeSet;

use aws_sdk_securityhub::types::{
    AwsSecurityFinding, AwsSecurityFindingFilters, AwsSecurityFindingIdentifier, ComplianceStatus, FindingHistoryRecord,
    FindingHistoryUpdateSourceType, NoteUpdate, RecordState, RelatedFinding, Resource, Severity, SeverityLabel, SeverityUpdate,
    SortCriterion, SortOrder, StringFilter, StringFilterComparison, VerificationState, WorkflowStatus, WorkflowUpdate,
};

use super::{ADMIN, HOME, LINKED, World, equals};

pub const READ: &[&str] = &["GetFindings"];
pub const CHANGED: &[&str] = &["BatchImportFindings", "BatchUpdateFindings", "GetFindingHistory"];

fn identifier(finding: &AwsSecurityFinding) -> AwsSecurityFindingIdentifier {
    AwsSecurityFindingIdentifier::builder().id(finding.id().unwrap()).product_arn(finding.product_arn().unwrap()).build()
}

fn of(finding: &AwsSecurityFinding) -> AwsSecurityFindingFilters {
    AwsSecurityFindingFilters::builder().id(equals(finding.id().unwrap())).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_read_page_by_page_filtered_and_sorted() {
    let world = World::start().await;
    let admin = world.admin();
    let (findings, calls) = pages!(world, "GetFindings", admin.get_findings(), 50);
    let ids: BTreeSet<_> = findings.iter().map(|finding| finding.id().unwrap()).collect();
    assert_eq!((findings.len(), ids.len(), calls), (120, 120, 3));
    for finding in &findings {
        assert_eq!(finding.schema_version(), Some("2018-10-08"));
        assert!([Some(HOME), Some(LINKED)].contains(&finding.region()), "{finding:?}");
        assert!(
            !finding.types().is_empty() && !finding.resources().is_empty() && finding.product_fields().is_some(),
            "{finding:?}"
        );
        let known =
            finding.severity().and_then(Severity::label).is_some_and(|label| SeverityLabel::values().contains(&label.as_str()));
        assert!(known && finding.workflow().and_then(|workflow| workflow.status()).is_some(), "{finding:?}");
    }

    let failed = AwsSecurityFindingFilters::builder().compliance_status(equals("FAILED")).record_state(equals("ACTIVE")).build();
    let (failed, _) = pages!(world, "GetFindings", admin.get_findings().filters(failed), 100);
    let is_failed = |finding: &&AwsSecurityFinding| {
        finding.compliance().and_then(|compliance| compliance.status()) == Some(&ComplianceStatus::Failed)
            && finding.record_state() == Some(&RecordState::Active)
    };
    assert_eq!(failed.len(), findings.iter().filter(is_failed).count());
    assert!(!failed.is_empty() && failed.len() < findings.len());

    let newest = SortCriterion::builder().field("UpdatedAt").sort_order(SortOrder::Descending).build();
    let sorted = admin.get_findings().sort_criteria(newest).max_results(100).send().await.unwrap();
    assert!(sorted.findings().is_sorted_by(|one, other| one.updated_at() >= other.updated_at()));
    assert!(sorted.next_token().is_some());

    let contains = StringFilter::builder().value("x").comparison(StringFilterComparison::Contains).build();
    let contains = AwsSecurityFindingFilters::builder().title(contains).build();
    refused!(admin.get_findings().filters(contains), is_invalid_input_exception);
    refused!(admin.get_findings().max_results(101), is_invalid_input_exception);
    refused!(admin.get_findings().next_token("63.ff"), is_invalid_input_exception);
    refused!(world.client("999999999999", HOME).get_findings(), is_invalid_access_exception);
    over_quota!(world, "GetFindings", admin.get_findings());
    world.assert_called(READ);
}

#[tokio::test(flavor = "multi_thread")]
async fn findings_are_updated_and_imported_and_have_a_history() {
    let world = World::start().await;
    let admin = world.admin();
    let first = admin.get_findings().max_results(1).send().await.unwrap().findings()[0].clone();
    let update = || {
        admin
            .batch_update_findings()
            .finding_identifiers(identifier(&first))
            .finding_identifiers(
                AwsSecurityFindingIdentifier::builder().id("none").product_arn(first.product_arn().unwrap()).build(),
            )
            .note(NoteUpdate::builder().text("seen").updated_by("alice").build())
            .severity(SeverityUpdate::builder().label(SeverityLabel::Low).build())
            .verification_state(VerificationState::TruePositive)
            .confidence(42)
            .criticality(99)
            .types("Software and Configuration Checks/Vulnerabilities")
            .user_defined_fields("team", "payments")
            .related_findings(RelatedFinding::builder().product_arn(first.product_arn().unwrap()).id("related").build())
    };
    let status = |status| WorkflowUpdate::builder().status(status).build();
    let answer = update().workflow(status(WorkflowStatus::Notified)).send().await.unwrap();
    assert_eq!(answer.processed_findings(), [identifier(&first)]);
    let [unprocessed] = answer.unprocessed_findings() else { panic!("{answer:?}") };
    assert_eq!(unprocessed.error_code(), Some("FindingNotFound"));
    assert!(
        unprocessed.error_message().is_some() && unprocessed.finding_identifier().is_some_and(|one| one.id() == Some("none"))
    );

    let read = admin.get_findings().filters(of(&first)).send().await.unwrap();
    let [read] = read.findings() else { panic!("{read:?}") };
    assert_eq!(read.workflow().and_then(|workflow| workflow.status()), Some(&WorkflowStatus::Notified));
    assert_eq!(read.note().map(|note| (note.text(), note.updated_by())), Some((Some("seen"), Some("alice"))));
    assert_eq!(read.severity().and_then(Severity::label), Some(&SeverityLabel::Low));
    assert_eq!((read.confidence(), read.criticality()), (Some(42), Some(99)));
    assert_eq!(read.verification_state(), Some(&VerificationState::TruePositive));
    assert_eq!(read.user_defined_fields().and_then(|fields| fields.get("team")).map(String::as_str), Some("payments"));
    assert_eq!(read.related_findings()[0].id(), Some("related"));

    let (records, calls) =
        pages!(world, "GetFindingHistory", admin.get_finding_history().finding_identifier(identifier(&first)), 1);
    assert!(calls > 1 && records.len() > 1, "{records:?}");
    let source = records[0].update_source().unwrap();
    assert_eq!(source.r#type(), Some(&FindingHistoryUpdateSourceType::BatchUpdateFindings));
    assert_eq!(source.identity(), Some("arn:aws:iam::111122223333:user/alice"));
    assert!(records[0].update_time().is_some() && records[0].finding_identifier() == Some(&identifier(&first)));
    assert!(
        records[0].updates().iter().any(|update| update.new_value().is_some_and(|new| new.contains("NOTIFIED"))),
        "{records:?}"
    );
    assert_eq!(records.last().and_then(FindingHistoryRecord::finding_created), Some(true));

    refused!(update().workflow(status("DONE".into())), is_invalid_input_exception);
    refused!(admin.batch_update_findings(), is_invalid_input_exception);
    refused!(admin.get_finding_history().finding_identifier(identifier(&first)).max_results(0), is_invalid_input_exception);
    let gone = AwsSecurityFindingIdentifier::builder().id("none").product_arn(first.product_arn().unwrap()).build();
    refused!(admin.get_finding_history().finding_identifier(gone), is_invalid_input_exception);
    let stranger = world.client("999999999999", HOME);
    refused!(stranger.batch_update_findings().finding_identifiers(identifier(&first)), is_invalid_access_exception);
    refused!(stranger.get_finding_history().finding_identifier(identifier(&first)), is_invalid_access_exception);
    over_quota!(world, "BatchUpdateFindings", update());
    over_quota!(world, "GetFindingHistory", admin.get_finding_history().finding_identifier(identifier(&first)));

    let import = |id: &str, account: &str, created: &str| {
        AwsSecurityFinding::builder()
            .schema_version("2018-10-08")
            .id(id)
            .product_arn(format!("arn:aws:securityhub:{HOME}:{ADMIN}:product/{ADMIN}/default"))
            .generator_id("scanner")
            .aws_account_id(account)
            .types("Software and Configuration Checks/Vulnerabilities")
            .created_at(created)
            .updated_at("2026-11-21T08:00:00Z")
            .severity(Severity::builder().label(SeverityLabel::High).build())
            .title("An open port")
            .description("Port 22 is open to the world.")
            .resources(Resource::builder().r#type("Other").id("sg-1").build())
            .build()
    };
    let good = import("scanner/1", ADMIN, "2026-11-21T08:00:00Z");
    let bad = import("scanner/2", ADMIN, "yesterday");
    let answer = admin.batch_import_findings().findings(good.clone()).findings(bad).send().await.unwrap();
    assert_eq!((answer.success_count(), answer.failed_count()), (Some(1), Some(1)));
    let failed = &answer.failed_findings()[0];
    assert_eq!((failed.id(), failed.error_code()), (Some("scanner/2"), Some("InvalidInput")));
    let read = admin.get_findings().filters(of(&good)).send().await.unwrap();
    assert_eq!((read.findings()[0].title(), read.findings()[0].product_name()), (Some("An open port"), Some("Default")));
    refused!(admin.batch_import_findings(), is_invalid_input_exception);
    refused!(
        stranger.batch_import_findings().findings(import("a", "999999999999", "2026-11-21T08:00:00Z")),
        is_invalid_access_exception
    );
    over_quota!(world, "BatchImportFindings", admin.batch_import_findings());
    // An error that the model of the operation does not have is known by its code alone.
    let other = import("scanner/3", "555555555555", "2026-11-21T08:00:00Z");
    let error = admin.batch_import_findings().findings(other).send().await.unwrap_err();
    assert_eq!(error.as_service_error().and_then(|error| error.meta().code()), Some("AccessDeniedException"));
    world.assert_called(CHANGED);
}
