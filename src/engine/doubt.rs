//! What a finding's history tells: who answered last, if it was not us, and whose answer a write of ours replaced unseen.

use std::sync::Arc;

use jiff::Timestamp;

use super::ports::HistoryRecord;
use crate::core::decide::Answer;
use crate::core::status::WorkflowStatus;

/// Who we are, to whoever reads a history.
#[derive(Debug, Clone, Copy)]
pub struct Own<'a> {
    /// Whose identity we use.
    pub arn: &'a str,
    /// Whether that may be a person's, who only looks: what they say by hand is theirs, and who keeps the hub is another.
    pub person: bool,
}

impl Own<'_> {
    /// Whether Hubkeeper wrote it: whoever keeps a hub sets the marker with every write.
    fn wrote(self, record: &HistoryRecord) -> bool {
        let marks = record.marks || record.fields.iter().any(|field| field.starts_with("UserDefinedFields"));
        record.source == CUSTOMER
            && (record.marks || (principal(&record.identity) == principal(self.arn) && (marks || !self.person)))
    }
}

/// Updates by customers; the service's own checks come as BATCH_IMPORT_FINDINGS.
const CUSTOMER: &str = "BATCH_UPDATE_FINDINGS";

/// The newest workflow status that anybody but us set; an automation rule's only where it is of after our newest write, and no
/// person's is. `records`: newest first.
pub fn newest_answer(records: &[HistoryRecord], own: Own<'_>) -> Option<Answer> {
    let answer = |record: &HistoryRecord| {
        let status = record.workflow?;
        Some(Answer { status, at: record.at, by: Some(record.identity.as_str().into()) })
    };
    let since = records.iter().find(|record| own.wrote(record)).map(|record| record.at);
    let after_ours = |answer: &Answer| since.is_none_or(|since| answer.at >= since);
    let all = || foreign(records, own).filter_map(answer);
    let person = all().find(|answer| !answer.is_by_rule());
    if person.as_ref().is_some_and(after_ours) {
        return person;
    }
    all().find(|answer| answer.is_by_rule() && after_ours(answer)).or(person)
}

/// Who wrote last, if it was not us.
pub fn newest_writer(records: &[HistoryRecord], own: Own<'_>) -> Option<Arc<str>> {
    foreign(records, own).next().map(|record| record.identity.as_str().into())
}

/// The answer that our newest write replaced, although it was decided on a state of before that answer: of version `since`, with
/// workflow status `known`. `None`: the history proves no such thing. `records`: newest first.
pub fn lost_race(records: &[HistoryRecord], own: Own<'_>, since: Timestamp, known: WorkflowStatus) -> Option<Answer> {
    let is_own = |record: &HistoryRecord| own.wrote(record);
    let ours = records.iter().position(is_own)?;
    let mut between = records.get(ours + 1..)?.iter().take_while(|record| record.at > since && !is_own(record));
    // What the service reset since was not lost by us.
    let (record, status) = between.find_map(|record| Some((record, record.workflow?)))?;
    let lost = record.source == CUSTOMER && status != known;
    lost.then(|| Answer { status, at: record.at, by: Some(record.identity.as_str().into()) })
}

fn foreign<'r>(records: &'r [HistoryRecord], own: Own<'r>) -> impl Iterator<Item = &'r HistoryRecord> {
    records.iter().filter(move |record| record.source == CUSTOMER && !own.wrote(record))
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

    const ARN: &str = "arn:aws:sts::111122223333:assumed-role/hubkeeper/1";
    const OWN: Own<'_> = Own { arn: ARN, person: false };

    fn record(second: i64, source: &str, identity: &str, workflow: Option<WorkflowStatus>) -> HistoryRecord {
        let at = jiff::Timestamp::from_second(second).unwrap();
        HistoryRecord { at, source: source.into(), identity: identity.into(), workflow, fields: Vec::new(), marks: false }
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

    #[test]
    fn who_only_looks_is_a_person_like_others_and_who_sets_the_marker_is_not() {
        const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
        let marked = HistoryRecord { marks: true, ..record(3, CUSTOMER, ARN, Some(WorkflowStatus::New)) };
        let records = [marked, record(2, CUSTOMER, ALICE, Some(WorkflowStatus::Suppressed))];
        for person in [false, true] {
            let newest = newest_answer(&records, Own { arn: ALICE, person }).map(|answer| answer.at.as_second());
            assert_eq!(newest, person.then_some(2));
        }
    }

    #[test]
    fn a_race_is_lost_only_where_ours_came_right_after_an_answer_that_we_did_not_know() {
        use WorkflowStatus::{New, Notified, Suppressed};
        const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
        let lost = |records: &[HistoryRecord], since: i64, known| {
            let since = jiff::Timestamp::from_second(since).unwrap();
            lost_race(records, OWN, since, known).map(|answer| (answer.status, answer.at.as_second()))
        };
        let ours = |second| record(second, CUSTOMER, ARN, Some(Suppressed));
        let hers = |second, status| record(second, CUSTOMER, ALICE, Some(status));
        let reset = |second| record(second, "BATCH_IMPORT_FINDINGS", "securityhub", Some(New));
        let note = |second| record(second, CUSTOMER, ALICE, None);
        assert_eq!(lost(&[ours(5), hers(4, Notified)], 3, New), Some((Notified, 4)));
        assert_eq!(lost(&[note(6), ours(5), note(5), hers(4, Notified)], 3, New), Some((Notified, 4)), "notes are no answers");
        for (why, records, since, known) in [
            ("decided on it", vec![ours(5), hers(4, Notified)], 4, Notified),
            ("decided on a later state", vec![ours(5), hers(4, Notified)], 4, New),
            ("it is what we knew", vec![ours(5), hers(4, New), hers(4, Notified)], 3, New),
            ("after ours", vec![hers(6, Notified), ours(5)], 3, New),
            ("replaced by an earlier one of ours", vec![ours(5), ours(4), hers(3, Notified)], 2, Suppressed),
            ("reset by the service", vec![ours(5), reset(4), hers(3, Notified)], 2, New),
            ("ours never landed", vec![hers(4, Notified)], 3, New),
        ] {
            assert_eq!(lost(&records, since, known), None, "{why}");
        }
    }
}
