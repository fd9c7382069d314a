//! [`ReadFilter`] and [`Order`] as GetFindings takes them.

use aws_sdk_securityhub::types::builders::AwsSecurityFindingFiltersBuilder;
use aws_sdk_securityhub::types::{
    AwsSecurityFindingFilters, DateFilter, MapFilter, MapFilterComparison, SortCriterion, SortOrder, StringFilter,
    StringFilterComparison,
};
use jiff::{Timestamp, ToSpan as _};

use crate::core::marker::OWNER_KEY;
use crate::engine::ports::{Order, ReadFilter};

/// Before every finding.
const FIRST: &str = "1970-01-01T00:00:00.000Z";
/// After every finding: far enough, and a year that every parser knows.
const LAST: &str = "2999-12-31T23:59:59.999Z";

/// The filters of a read. Empty fields are left out: an empty list would be an error.
pub(super) fn filters(filter: &ReadFilter) -> AwsSecurityFindingFilters {
    let ReadFilter {
        created_from,
        created_to,
        accounts,
        controls,
        regions,
        ids,
        generators,
        resources,
        owners,
        compliance,
        record_states,
    } = filter;
    let mut builder: AwsSecurityFindingFiltersBuilder = AwsSecurityFindingFilters::builder()
        .set_aws_account_id(equals(accounts.iter().map(ToString::to_string)))
        .set_compliance_security_control_id(equals(controls.iter().map(|control| control.as_str().to_owned())))
        .set_compliance_status(equals(compliance.iter().map(|status| status.as_str().to_owned())))
        .set_record_state(equals(record_states.iter().map(|state| state.as_str().to_owned())))
        .set_region(equals(regions.iter().map(|region| region.as_str().to_owned())))
        .set_id(equals(ids.iter().cloned()))
        .set_generator_id(equals(generators.iter().cloned()))
        .set_resource_id(equals(resources.iter().cloned()));
    for owner in owners {
        let entry = MapFilter::builder().key(OWNER_KEY).value(owner).comparison(MapFilterComparison::Equals);
        builder = builder.user_defined_fields(entry.build());
    }
    if created_from.is_some() || created_to.is_some() {
        // AWS refuses a window that is open at one end.
        let start = created_from.map_or_else(|| FIRST.to_owned(), |at| millis(at, false));
        let end = created_to.map_or_else(|| LAST.to_owned(), |at| millis(at, true));
        builder = builder.created_at(DateFilter::builder().start(start).end(end).build());
    }
    builder.build()
}

/// Sorting by `CreatedAt`, which we never write.
pub(super) fn sort(order: Order) -> Vec<SortCriterion> {
    let order = match order {
        Order::Oldest => SortOrder::Ascending,
        Order::Newest => SortOrder::Descending,
    };
    vec![SortCriterion::builder().field("CreatedAt").sort_order(order).build()]
}

fn equals(values: impl Iterator<Item = String>) -> Option<Vec<StringFilter>> {
    let entries = values.map(|value| StringFilter::builder().value(value).comparison(StringFilterComparison::Equals).build());
    let entries: Vec<_> = entries.collect();
    (!entries.is_empty()).then_some(entries)
}

/// Milliseconds, as AWS writes them; a finer end is rounded up, so that a window never loses what it names.
fn millis(at: Timestamp, up: bool) -> String {
    let fine = at.subsec_nanosecond() % 1_000_000 != 0;
    let at = if up && fine { at.checked_add(1.millisecond()).unwrap_or(at) } else { at };
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_never_narrowed_by_rounding() {
        assert_eq!(millis(at("2026-11-21T08:00:00.0019Z"), false), "2026-11-21T08:00:00.001Z");
        assert_eq!(millis(at("2026-11-21T08:00:00.0011Z"), true), "2026-11-21T08:00:00.002Z");
        assert_eq!(millis(at("2026-11-21T08:00:00Z"), true), "2026-11-21T08:00:00.000Z");
    }

    #[test]
    fn an_empty_filter_names_no_field() {
        assert_eq!(filters(&ReadFilter::default()), AwsSecurityFindingFilters::builder().build());
    }

    #[test]
    fn every_field_is_asked_for_by_equality() {
        let filter = ReadFilter {
            created_from: Some(at("2026-01-01T00:00:00Z")),
            created_to: None,
            accounts: vec!["111122223333".parse().unwrap()],
            controls: vec![crate::core::ids::ControlId::new("S3.8")],
            regions: vec!["eu-west-1".parse().unwrap()],
            ids: vec!["a".into()],
            generators: vec!["security-control/S3.8".into()],
            resources: vec!["arn:aws:s3:::cdn".into()],
            owners: vec!["ControlPolicy/fsbp".into(), "inherited".into()],
            compliance: vec![crate::core::status::ComplianceStatus::Failed],
            record_states: vec![crate::core::status::RecordState::Active],
        };
        let built = filters(&filter);
        assert_eq!(built.aws_account_id()[0].value(), Some("111122223333"));
        assert_eq!(built.compliance_security_control_id()[0].comparison(), Some(&StringFilterComparison::Equals));
        assert_eq!(built.region().len() + built.id().len() + built.generator_id().len() + built.resource_id().len(), 4);
        assert_eq!((built.compliance_status()[0].value(), built.record_state()[0].value()), (Some("FAILED"), Some("ACTIVE")));
        assert_eq!(built.user_defined_fields().len(), 2);
        assert_eq!(built.user_defined_fields()[0].key(), Some(OWNER_KEY));
        assert_eq!(built.created_at()[0].start(), Some("2026-01-01T00:00:00.000Z"));
        assert_eq!(built.created_at()[0].end(), Some(LAST), "AWS refuses a window that is open at one end");
    }

    #[test]
    fn reads_are_sorted_by_what_we_never_write() {
        let criteria = sort(Order::Newest);
        assert_eq!((criteria[0].field(), criteria[0].sort_order()), (Some("CreatedAt"), Some(&SortOrder::Descending)));
    }
}
