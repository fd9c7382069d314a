//! What is done to both: the random sequences.

use proptest::prelude::*;
use proptest::sample::select;

use super::STEP;
use super::oracle::{ADMINISTRATOR, Filter, HOME, Readings, Values};
use crate::wire::error::UnprocessedCode;

/// A version of a finding: which, and what of it.
#[derive(Debug, Clone)]
pub struct Said {
    pub what: usize,
    pub age: i64,
    pub compliance: &'static str,
    pub record: &'static str,
    pub severity: Result<&'static str, i64>,
    pub confidence: Option<i64>,
    pub title: &'static str,
    pub first: Option<&'static str>,
}

/// What somebody does, by number of the caller and of the findings.
#[derive(Debug, Clone)]
pub enum Step {
    Import { by: usize, said: Vec<Said> },
    Update { by: usize, what: Vec<usize>, values: Values },
    Read { by: usize, filters: Vec<Filter>, page: i64 },
    History { by: usize, what: usize },
    Refuse(Option<(usize, UnprocessedCode)>),
    Pass(i64),
}

fn said() -> impl Strategy<Value = Said> {
    let severity = prop_oneof![
        select(vec!["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]).prop_map(Ok),
        select(vec![0, 1, 39, 40, 69, 70, 89, 90, 100]).prop_map(Err),
    ];
    let compliance = select(vec!["FAILED", "FAILED", "PASSED", "WARNING", "NOT_AVAILABLE"]);
    let record = select(vec!["ACTIVE", "ACTIVE", "ACTIVE", "ARCHIVED"]);
    let first = prop::option::of(select(vec!["NEW", "NOTIFIED", "SUPPRESSED"]));
    let title = select(vec!["S3 buckets", "S3 buckets should", "EC2"]);
    (0..8_usize, 0..4_i64, compliance, record, severity, prop::option::of(0..=100_i64), title, first).prop_map(
        |(what, age, compliance, record, severity, confidence, title, first)| Said {
            what,
            age,
            compliance,
            record,
            severity,
            confidence,
            title,
            first,
        },
    )
}

fn values() -> impl Strategy<Value = Values> {
    let status = select(vec!["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED", "SUPPRESSED", "DONE"]).prop_map(str::to_owned);
    let text = prop_oneof![
        4 => select(vec!["seen", "accepted"]).prop_map(str::to_owned),
        1 => Just("x".repeat(512)),
        1 => Just("x".repeat(513)),
    ];
    let note = (text, select(vec!["alice", "bob"]).prop_map(str::to_owned));
    let fields = prop::collection::btree_map("[ab]", "[xy]", 0..3);
    let severity = prop_oneof![
        select(vec!["INFORMATIONAL", "LOW", "MEDIUM", "HIGH", "CRITICAL"]).prop_map(|label| Ok(label.to_owned())),
        (0..=100_i64).prop_map(Err),
    ];
    let confidence = prop_oneof![5 => 0..=100_i64, 1 => Just(101_i64)];
    let verification = select(vec!["TRUE_POSITIVE", "UNKNOWN"]).prop_map(str::to_owned);
    let option = prop::option::of::<BoxedStrategy<_>>;
    (
        prop::option::of(status),
        prop::option::of(note),
        prop::option::of(fields),
        option(severity.boxed()),
        prop::option::weighted(0.3, confidence),
        prop::option::weighted(0.2, verification),
    )
        .prop_map(|(workflow, note, user_fields, severity, confidence, verification)| Values {
            workflow,
            note,
            user_fields,
            severity,
            confidence,
            verification,
        })
}

fn map() -> impl Strategy<Value = Filter> {
    let entry = (select(vec!["EQUALS", "NOT_EQUALS"]), "[ab]", "[xy]");
    // One comparison in a filter: what mixed ones mean is not documented.
    prop::collection::vec(entry, 1..4).prop_map(|entries| {
        let how = entries[0].0;
        Filter::Map(entries.into_iter().filter(|entry| entry.0 == how).collect())
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let fields = vec![
        ("ComplianceStatus", "FAILED"),
        ("ComplianceStatus", "PASSED"),
        ("WorkflowStatus", "NEW"),
        ("WorkflowStatus", "SUPPRESSED"),
        ("RecordState", "ACTIVE"),
        ("SeverityLabel", "HIGH"),
        ("AwsAccountId", ADMINISTRATOR),
        ("Region", HOME),
        ("Title", "S3 buckets"),
        ("Title", "S3"),
        ("NoteText", "seen"),
        ("VerificationState", "UNKNOWN"),
    ];
    let comparison = select(vec!["EQUALS", "EQUALS", "PREFIX", "NOT_EQUALS", "PREFIX_NOT_EQUALS"]);
    let other = select(vec!["", "NOTIFIED", "N", "acc", "MEDIUM", "EC2", "WARNING"]);
    let text =
        (select(fields), comparison.clone(), prop::option::of((comparison, other))).prop_map(|((name, value), how, more)| {
            let more = more.map(|(how, value)| (how, value.to_owned()));
            Filter::Text(name, [(how, value.to_owned())].into_iter().chain(more).filter(|(_, value)| !value.is_empty()).collect())
        });
    let date = (select(vec!["UpdatedAt", "CreatedAt"]), -40..4_i64, 0..40_i64)
        .prop_map(|(name, from, length)| Filter::Date(name, from * STEP, (from + length) * STEP));
    // Ends that numbers have: the labels' own.
    let ends = prop_oneof![1 => 0..=100_i64, 3 => select(vec![0_i64, 1, 40, 70, 90, 100])];
    let number = (select(vec!["Confidence", "SeverityNormalized"]), 0..100_i64, ends)
        .prop_map(|(name, from, to)| Filter::Number(name, from.min(to), to));
    prop_oneof![5 => text, 3 => map(), 1 => date, 2 => number]
}

fn step() -> impl Strategy<Value = Step> {
    let refusal =
        prop::option::of((0..8_usize, select(vec![UnprocessedCode::InternalFailure, UnprocessedCode::ConcurrentUpdateError])));
    prop_oneof![
        6 => (0..9_usize, prop::collection::vec(said(), 1..4)).prop_map(|(by, said)| Step::Import { by, said }),
        6 => (0..9_usize, prop::collection::vec(0..9_usize, 0..5), values())
            .prop_map(|(by, what, values)| Step::Update { by, what, values }),
        // What changes nothing, mostly.
        2 => (0..9_usize, prop::collection::vec(0..9_usize, 1..5)).prop_map(|(by, what)| {
            let (note, user_fields, severity, confidence, verification) = (None, None, None, None, None);
            let values = Values { workflow: Some("NEW".to_owned()), note, user_fields, severity, confidence, verification };
            Step::Update { by, what, values }
        }),
        8 => (0..9_usize, prop::collection::vec(filter(), 0..4), 1..5_i64)
            .prop_map(|(by, filters, page)| Step::Read { by, filters, page }),
        // Nothing beside them, which might hide what they choose.
        2 => (0..9_usize, map(), 1..5_i64).prop_map(|(by, map, page)| Step::Read { by, filters: vec![map], page }),
        3 => (0..9_usize, 0..9_usize).prop_map(|(by, what)| Step::History { by, what }),
        1 => refusal.prop_map(Step::Refuse),
        3 => select(vec![1, 1, 8, 29 * 8, 60 * 8]).prop_map(Step::Pass),
    ]
}

fn readings() -> impl Strategy<Value = Readings> {
    any::<[bool; 4]>().prop_map(|[merges_user_fields, resolves_suppressed, negatives_match_missing, bad_value_per_finding]| {
        Readings { merges_user_fields, resolves_suppressed, negatives_match_missing, bad_value_per_finding }
    })
}

/// A reading, and what is done under it.
pub fn plays() -> impl Strategy<Value = (Readings, Vec<Step>)> {
    (readings(), prop::collection::vec(step(), 1..40))
}
