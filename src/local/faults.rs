//! Everything that may go wrong, as switches: set by the builder, by tests while it runs, by `PUT /_local/faults`, or by flags
//! (see [`text`] for the form that a person types).

mod denied;
pub mod text;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::wire::error::{AwsError, UnprocessedCode};

use super::forms;
use super::hub::Lags;
use super::hub::caller::Caller;
pub use denied::DeniedField;

/// The operation that sets fields, and processes some findings and not others.
const UPDATE: &str = "BatchUpdateFindings";
/// The operation that reads findings: its pages may be short, and what they show old.
const READ: &str = "GetFindings";

/// What goes wrong. The default: nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Faults {
    /// Calls that fail; the first that applies decides, but for slow, stale, short and partial answers, which all apply.
    pub calls: Vec<CallFault>,
    /// Reads within so many milliseconds of a write may not see it.
    pub lag_millis: u64,
    /// So many milliseconds more until a write in one Region is read in another, home or linked; in its own it is read before.
    pub replication_lag_millis: u64,
    /// Of 100 pages, how many hold fewer findings than asked for, sometimes none.
    pub short_page_percent: u8,
    /// What becomes of events.
    pub events: EventFaults,
    /// Findings that BatchUpdateFindings does not take.
    pub findings: Vec<FindingFault>,
}

impl Faults {
    /// How far reads are behind.
    pub fn lags(&self) -> Lags {
        let stale = self.calls.iter().map(|call| if let Fault::StaleMillis(millis) = call.fault { millis } else { 0 });
        Lags {
            all: Duration::from_millis(self.lag_millis),
            replication: Duration::from_millis(self.replication_lag_millis),
            stale: Duration::from_millis(stale.max().unwrap_or(0)),
        }
    }
}

/// A finding that BatchUpdateFindings does not take, until the fault is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindingFault {
    /// Its `Id`.
    pub id: String,
    /// Why it alone is not processed; absent: its presence fails the whole call with `InvalidInputException`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<UnprocessedCode>,
}

/// What becomes of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct EventFaults {
    /// Milliseconds of the hub's clock until an event is delivered.
    pub delay_millis: u64,
    /// Of 100 events, how many are delivered twice.
    pub duplicate_percent: u8,
    /// Of 100 events, how many overtake some of those before them.
    pub disorder_percent: u8,
    /// Of 100 events, how many are lost.
    pub loss_percent: u8,
}

/// One fault of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CallFault {
    /// Only this operation: `GetFindings`. Absent: every operation of Security Hub; those of SQS and STS must be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only calls of this account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Only calls in this Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What happens.
    pub fault: Fault,
    /// Of 100 calls, how many.
    #[serde(default = "always")]
    pub percent: u8,
    /// So many calls go well first.
    #[serde(default)]
    pub skip: u32,
    /// After so many faults it is over; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

fn always() -> u8 {
    100
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fault {
    /// Over the quota, with this code.
    Throttle(ThrottleCode),
    /// `InternalException` with this status, 500 to 599; nothing is done.
    ServerError(u16),
    /// IAM says no.
    AccessDenied,
    /// IAM says no to a BatchUpdateFindings that sets this field, to this value if one is named; to no other call.
    DeniedField(DeniedField),
    /// The session of the credentials is over.
    ExpiredCredentials,
    /// No answer, nothing done.
    TimeoutBefore,
    /// No answer, and yet done.
    TimeoutAfter,
    /// Status 200 with an empty body.
    EmptyBody,
    /// The answer comes so many milliseconds later than it would, by tokio's clock; at most as long as no answer at all.
    SlowMillis(u64),
    /// A read of findings sees nothing that was written within so many milliseconds, beyond the lag of all.
    StaleMillis(u64),
    /// A page of findings holds fewer than asked for, sometimes none.
    ShortPage,
    /// Findings of BatchUpdateFindings that are not processed.
    #[serde(rename_all = "camelCase")]
    Partial {
        /// Why.
        code: UnprocessedCode,
        /// Of 100 findings, how many.
        percent: u8,
    },
}

/// How a throttle is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThrottleCode {
    /// As seen in practice.
    #[default]
    #[serde(rename = "TooManyRequestsException")]
    TooManyRequests,
    /// As the model says.
    #[serde(rename = "LimitExceededException")]
    LimitExceeded,
}

impl ThrottleCode {
    /// The error.
    pub fn error(self) -> AwsError {
        match self {
            Self::TooManyRequests => AwsError::too_many_requests("Too Many Requests"),
            Self::LimitExceeded => AwsError::limit_exceeded("Rate exceeded"),
        }
    }
}

impl CallFault {
    /// `fault` at every call of `operation`.
    pub fn of(operation: &str, fault: Fault) -> Self {
        Self { operation: Some(operation.to_owned()), account: None, region: None, fault, percent: 100, skip: 0, times: None }
    }

    /// Only so often.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// After so many calls that go well.
    #[must_use]
    pub fn after(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }

    /// At this share of the calls.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = percent;
        self
    }

    fn concerns(&self, operation: &str, caller: &Caller, body: &[u8]) -> bool {
        self.operation.as_deref().is_none_or(|named| named == operation)
            && self.account.is_none_or(|account| account == caller.account)
            && self.region.as_ref().is_none_or(|region| *region == caller.region)
            && match &self.fault {
                Fault::DeniedField(denied) => operation == UPDATE && denied.is_set_by(body),
                Fault::Partial { .. } => operation == UPDATE,
                Fault::StaleMillis(_) | Fault::ShortPage => operation == READ,
                _ => true,
            }
    }
}

/// What is to happen to one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Instead of, before or after doing it.
    pub fault: Option<Fault>,
    /// Of 100 findings, how many fail with which code.
    pub partial: Vec<(UnprocessedCode, u8)>,
    /// The answer is this late.
    pub slow: Duration,
    /// The read is this far behind.
    pub stale: Duration,
    /// The page is short.
    pub short: bool,
}

/// The switches and what they have done so far.
#[derive(Debug, Serialize, Deserialize)]
pub struct Switchboard {
    faults: Faults,
    /// Calls that each fault has concerned, and faults that it has made.
    seen: Vec<(u32, u32)>,
    #[serde(with = "forms::rng")]
    rng: fastrand::Rng,
}

impl Switchboard {
    /// With a source of chance.
    pub fn new(faults: Faults, seed: u64) -> Self {
        let mut board = Self { faults: Faults::default(), seen: Vec::new(), rng: fastrand::Rng::with_seed(seed ^ 0xFA17) };
        board.set(faults);
        board
    }

    /// The switches as they are.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Other switches; counting starts anew.
    pub fn set(&mut self, faults: Faults) {
        self.seen = vec![(0, 0); faults.calls.len()];
        self.faults = faults;
    }

    /// What is to happen to a call of Security Hub.
    pub fn judge(&mut self, operation: &str, caller: &Caller, body: &[u8]) -> Verdict {
        self.judge_if(operation, caller, body, |_| true)
    }

    /// What is to happen to a call of SQS, STS or EC2: only faults that name the operation concern it.
    pub fn judge_named(&mut self, operation: &str, caller: &Caller) -> Verdict {
        self.judge_if(operation, caller, &[], |fault| fault.operation.is_some())
    }

    fn judge_if(&mut self, operation: &str, caller: &Caller, body: &[u8], also: impl Fn(&CallFault) -> bool) -> Verdict {
        let mut verdict = Verdict::default();
        for (fault, (calls, made)) in self.faults.calls.iter().zip(&mut self.seen) {
            if !also(fault) || !fault.concerns(operation, caller, body) {
                continue;
            }
            *calls += 1;
            let due = *calls > fault.skip && fault.times.is_none_or(|times| *made < times);
            if !due || !chance(&mut self.rng, fault.percent) {
                continue;
            }
            match &fault.fault {
                Fault::Partial { code, percent } => verdict.partial.push((*code, *percent)),
                Fault::SlowMillis(millis) => verdict.slow = verdict.slow.max(Duration::from_millis(*millis)),
                Fault::StaleMillis(millis) => verdict.stale = verdict.stale.max(Duration::from_millis(*millis)),
                Fault::ShortPage => verdict.short = true,
                _ if verdict.fault.is_some() => continue,
                other => verdict.fault = Some(other.clone()),
            }
            *made += 1;
        }
        verdict
    }

    /// How many findings a page of `size` holds at most, if this one is to be short.
    pub fn short_page(&mut self, size: usize, verdict: &Verdict) -> Option<usize> {
        let short = verdict.short || chance(&mut self.rng, self.faults.short_page_percent);
        short.then(|| self.rng.usize(0..size.max(1)))
    }

    /// Whether something that happens at `percent` of 100 happens now.
    pub fn chance(&mut self, percent: u8) -> bool {
        chance(&mut self.rng, percent)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { self.rng.usize(0..end) }
    }
}

/// Draws only where there is a choice, so that a switch that is off does not move the others.
fn chance(rng: &mut fastrand::Rng, percent: u8) -> bool {
    percent >= 100 || (percent > 0 && rng.u8(0..100) < percent)
}

#[cfg(test)]
mod tests {
    use super::super::hub::caller::Principal;
    use super::*;

    fn caller() -> Caller {
        Caller { account: "111122223333".parse().unwrap(), region: "eu-west-1".parse().unwrap(), principal: Principal::Root }
    }

    #[test]
    fn a_fault_starts_after_its_skip_and_ends_after_its_times() {
        let fault = CallFault::of("GetFindings", Fault::TimeoutAfter).after(1).times(2);
        let mut board = Switchboard::new(Faults { calls: vec![fault], ..Faults::default() }, 1);
        assert_eq!(board.judge("BatchUpdateFindings", &caller(), &[]), Verdict::default());
        let faults: Vec<bool> = (0..5).map(|_| board.judge("GetFindings", &caller(), &[]).fault.is_some()).collect();
        assert_eq!(faults, [false, true, true, false, false]);
    }

    #[test]
    fn a_share_of_calls_fails_and_always_the_same_ones_for_a_seed() {
        let fault = CallFault::of("GetFindings", Fault::ServerError(503)).percent(30);
        let run = |seed| -> Vec<bool> {
            let mut board = Switchboard::new(Faults { calls: vec![fault.clone()], ..Faults::default() }, seed);
            (0..1000).map(|_| board.judge("GetFindings", &caller(), &[]).fault.is_some()).collect()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        assert!((200..400).contains(&run(7).iter().filter(|failed| **failed).count()));
    }

    #[test]
    fn answers_may_be_slow_stale_and_short_at_once_and_where_chosen_only() {
        let mut stale = CallFault::of("GetFindings", Fault::StaleMillis(5_000));
        stale.account = Some(caller().account);
        let short = CallFault { operation: None, ..CallFault::of("", Fault::ShortPage) };
        let slow = |millis| CallFault { operation: None, ..CallFault::of("", Fault::SlowMillis(millis)) };
        let calls = vec![stale, short, slow(20), slow(70), CallFault::of("GetFindings", Fault::EmptyBody)];
        let mut board = Switchboard::new(Faults { calls, ..Faults::default() }, 1);
        let (slow, stale) = (Duration::from_millis(70), Duration::from_secs(5));
        let all = Verdict { fault: Some(Fault::EmptyBody), slow, stale, short: true, ..Verdict::default() };
        assert_eq!(board.judge("GetFindings", &caller(), &[]), all);
        let other = Caller { account: "444455556666".parse().unwrap(), ..caller() };
        assert_eq!(board.judge("GetFindings", &other, &[]), Verdict { stale: Duration::ZERO, ..all });
        assert_eq!(board.judge("DescribeHub", &caller(), &[]), Verdict { slow, ..Verdict::default() });
        assert_eq!((board.short_page(10, &Verdict::default()), board.faults().lags().stale), (None, stale));
        let short = Verdict { short: true, ..Verdict::default() };
        assert!(board.short_page(10, &short).is_some_and(|most| most < 10));
    }

    #[test]
    fn a_denied_field_denies_the_updates_that_set_it_and_is_counted_by_them_only() {
        let denied = Fault::DeniedField(DeniedField::new("Workflow.Status", Some("SUPPRESSED")).unwrap());
        let calls = vec![CallFault { operation: None, ..CallFault::of("", denied.clone()).after(1) }];
        let mut board = Switchboard::new(Faults { calls, ..Faults::default() }, 1);
        let mut judge = |operation, body: &str| board.judge(operation, &caller(), body.as_bytes()).fault;
        let suppresses = r#"{"Workflow": {"Status": "SUPPRESSED"}}"#;
        let answers: Vec<_> = [
            (UPDATE, r#"{"Workflow": {"Status": "NEW"}}"#),
            (UPDATE, "not JSON"),
            ("GetFindings", suppresses),
            (UPDATE, suppresses),
            (UPDATE, suppresses),
        ]
        .map(|(operation, body)| judge(operation, body))
        .into();
        assert_eq!(answers, [None, None, None, None, Some(denied)]);
    }

    #[test]
    fn the_json_form_is_readable_and_refuses_what_it_does_not_know() {
        let text = r#"{"calls":[{"operation":"GetFindings","account":"111122223333","fault":{"throttle":"LimitExceededException"},"times":3},
            {"fault":{"partial":{"code":"ConcurrentUpdateError","percent":10}}},{"fault":"timeoutAfter"},
            {"fault":{"deniedField":{"field":"Workflow.Status","value":"SUPPRESSED"}}},{"fault":{"slowMillis":5}},{"fault":"shortPage"}],"events":{"lossPercent":5},
            "findings":[{"id":"a","code":"InvalidInput"},{"id":"b"}]}"#;
        let faults: Faults = serde_json::from_str(text).unwrap();
        assert_eq!(faults.calls[0].fault, Fault::Throttle(ThrottleCode::LimitExceeded));
        assert_eq!(faults.events.loss_percent, 5);
        let codes: Vec<_> = faults.findings.iter().map(|finding| (finding.id.as_str(), finding.code)).collect();
        assert_eq!(codes, [("a", Some(UnprocessedCode::InvalidInput)), ("b", None)]);
        assert_eq!(serde_json::from_value::<Faults>(serde_json::to_value(&faults).unwrap()).unwrap(), faults);
        for wrong in [r#"{"lagMilis":5}"#, r#"{"calls":[{"fault":{"deniedField":{"field":"Workflow.State"}}}]}"#] {
            assert!(serde_json::from_str::<Faults>(wrong).is_err(), "{wrong}");
        }
    }
}
