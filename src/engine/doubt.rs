//! What a finding's history tells: who answered last, if it was not us.

use std::sync::Arc;

use super::ports::HistoryRecord;
use crate::core::decide::Answer;

/// Updates by customers; the service's own checks come as BATCH_IMPORT_FINDINGS.
const CUSTOMER: &str = "BATCH_UPDATE_FINDINGS";

/// The newest workflow status that anybody but us set. `records`: newest first.
pub fn newest_answer(records: &[HistoryRecord], own_arn: &str) -> Option<Answer> {
    let foreign = foreign(records, own_arn).find_map(|record| Some((record, record.workflow?)));
    foreign.map(|(record, status)| Answer { status, at: record.at, by: Some(record.identity.as_str().into()) })
}

/// Who wrote last, if it was not us.
pub fn newest_writer(records: &[HistoryRecord], own_arn: &str) -> Option<Arc<str>> {
    foreign(records, own_arn).next().map(|record| record.identity.as_str().into())
}

fn foreign<'r>(records: &'r [HistoryRecord], own_arn: &str) -> impl Iterator<Item = &'r HistoryRecord> {
    let own = principal(own_arn).to_owned();
    records.iter().filter(move |record| record.source == CUSTOMER && principal(&record.identity) != own)
}

/// The identity without the session name, which differs from run to run.
fn principal(arn: &str) -> &str {
    match arn.split_once(":assumed-role/") {
        Some((head, tail)) => {
            let role = tail.find('/').unwrap_or(tail.len());
            &arn[..head.len() + ":assumed-role/".len() + role]
        }
        None => arn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::status::WorkflowStatus;

    const OWN: &str = "arn:aws:sts::111122223333:assumed-role/hubkeeper/1";

    fn record(second: i64, source: &str, identity: &str, workflow: Option<WorkflowStatus>) -> HistoryRecord {
        let at = jiff::Timestamp::from_second(second).unwrap();
        HistoryRecord { at, source: source.into(), identity: identity.into(), workflow, fields: Vec::new() }
    }

    #[test]
    fn the_newest_answer_is_a_customers_and_not_ours_whatever_the_session() {
        let records = [
            record(5, "BATCH_IMPORT_FINDINGS", "securityhub", Some(WorkflowStatus::New)),
            record(4, CUSTOMER, "arn:aws:sts::111122223333:assumed-role/hubkeeper/2", Some(WorkflowStatus::Suppressed)),
            record(3, CUSTOMER, "arn:aws:iam::111122223333:user/bob", None),
            record(2, CUSTOMER, "arn:aws:iam::111122223333:user/alice", Some(WorkflowStatus::Resolved)),
        ];
        let answer = newest_answer(&records, OWN).unwrap();
        assert_eq!(
            (answer.status, answer.by.as_deref()),
            (WorkflowStatus::Resolved, Some("arn:aws:iam::111122223333:user/alice"))
        );
        assert_eq!(newest_writer(&records, OWN).as_deref(), Some("arn:aws:iam::111122223333:user/bob"));
    }
}
