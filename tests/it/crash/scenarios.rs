//! The scenarios, as data. How each has to end is told by its clean run, and that by `ends`.

use hubkeeper::core::status::ComplianceStatus::Failed;
use hubkeeper::core::status::WorkflowStatus::{self, New, Notified, Suppressed};

use super::play::Step::{self, Approve, Check, Declare, Fail, Note, Person, Recreate, Until};
use crate::sim::world::{exception, exception_with, grant, policy, policy_with};

const A: &str = "arn:aws:s3:::a";
const B: &str = "arn:aws:s3:::b";
const C: &str = "arn:aws:s3:::c";
const LOGS: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
const BOTH: &str = "{name: logs, match: {controls: [S3.9, S3.8]}, response: {suppress: {reason: OutOfScope}}}";
const IGNORE: &str = "{name: all, response: {ignore: {}}}";

pub struct Scenario {
    pub name: &'static str,
    pub steps: Vec<Step>,
    /// Workflow status and holder of each finding at the end.
    pub ends: Vec<(&'static str, WorkflowStatus, Option<&'static str>)>,
}

fn target(resource: &str) -> String {
    format!("{{controls: [S3.8], accounts: ['111122223333'], resources: ['{resource}']}}")
}

pub fn all() -> Vec<Scenario> {
    vec![suppress(), take_back(), expiry(), retain(), transfer(), approval(), inheritance(), narrowed(), overridden()]
}

/// The shortest ones: for pairs of crashes.
pub fn short() -> Vec<Scenario> {
    vec![suppress(), take_back(), retain()]
}

fn suppress() -> Scenario {
    Scenario {
        name: "suppress",
        steps: vec![
            Fail("a", "S3.9", A),
            Fail("b", "S3.9", B),
            Note("b"),
            Fail("other", "S3.8", A),
            Declare(policy("p", LOGS)),
            Fail("late", "S3.9", C),
            Until("2026-12-01T08:04:00Z"),
        ],
        ends: vec![
            ("a", Suppressed, Some("ControlPolicy/p")),
            ("b", Suppressed, Some("ControlPolicy/p")),
            ("late", Suppressed, Some("ControlPolicy/p")),
            ("other", New, None),
        ],
    }
}

fn take_back() -> Scenario {
    Scenario {
        name: "take back",
        steps: vec![
            Fail("a", "S3.9", A),
            Fail("b", "S3.9", B),
            Fail("theirs", "S3.9", C),
            Person("b", Notified),
            Person("theirs", Suppressed),
            Declare(policy("p", LOGS)),
            Declare(String::new()),
        ],
        ends: vec![("a", New, None), ("b", Notified, None), ("theirs", Suppressed, None)],
    }
}

fn expiry() -> Scenario {
    let declared = grant() + &exception("x", &target(A), "2026-12-01T08:40:00Z") + &policy("p", LOGS);
    Scenario {
        name: "expiry",
        steps: vec![Fail("a", "S3.8", A), Fail("b", "S3.9", B), Declare(declared), Until("2026-12-01T08:41:00Z")],
        ends: vec![("a", New, None), ("b", Suppressed, Some("ControlPolicy/p"))],
    }
}

fn retain() -> Scenario {
    Scenario {
        name: "policy deletion with Retain",
        steps: vec![
            Fail("a", "S3.9", A),
            Fail("b", "S3.9", B),
            Note("b"),
            Declare(policy_with("p", "  deletionPolicy: Retain", LOGS)),
            Declare(String::new()),
        ],
        ends: vec![("a", Suppressed, None), ("b", Suppressed, None)],
    }
}

fn transfer() -> Scenario {
    let low = policy_with("p", "  priority: 100", LOGS);
    let high = |priority: u32| {
        let rule = "{name: q, match: {controls: [S3.9]}, response: {suppress: {reason: AcceptedRisk}}}";
        policy_with("q", &format!("  priority: {priority}"), rule)
    };
    Scenario {
        name: "change of priority",
        steps: vec![
            Fail("a", "S3.9", A),
            Fail("b", "S3.9", B),
            Declare(low.clone() + &high(50)),
            Declare(low.clone() + &high(200)),
            Declare(high(200)),
        ],
        ends: vec![("a", Suppressed, Some("ControlPolicy/q")), ("b", Suppressed, Some("ControlPolicy/q"))],
    }
}

fn approval() -> Scenario {
    Scenario {
        name: "approval over a limit",
        steps: vec![
            Fail("a", "S3.9", A),
            Fail("b", "S3.9", B),
            Fail("c", "S3.9", C),
            Note("c"),
            Declare(policy_with("p", "  limits: {maxFindings: 2, maxPercent: 100}", LOGS)),
            Approve("p"),
        ],
        ends: ["a", "b", "c"].map(|name| (name, Suppressed, Some("ControlPolicy/p"))).to_vec(),
    }
}

fn inheritance() -> Scenario {
    Scenario {
        name: "inheritance",
        steps: vec![
            Fail("a", "S3.8", A),
            Declare(policy("p", IGNORE)),
            Person("a", Suppressed),
            Recreate("a", "a2"),
            Recreate("a2", "a3"),
        ],
        ends: vec![("a", Suppressed, None), ("a2", Suppressed, Some("inherited")), ("a3", Suppressed, Some("inherited"))],
    }
}

fn narrowed() -> Scenario {
    let x = |targets: &[&str]| {
        let targets: Vec<String> = targets.iter().map(|resource| target(resource)).collect();
        grant() + &exception("x", &targets.join(", "), "2026-12-05T08:00:00Z")
    };
    Scenario {
        name: "narrowed exception",
        steps: vec![
            Fail("a", "S3.8", A),
            Fail("b", "S3.8", B),
            Fail("c", "S3.9", C),
            Declare(x(&[A, B])),
            Declare(x(&[A]) + &policy("p", LOGS)),
            Declare(x(&[A]) + &policy("p", BOTH)),
        ],
        ends: vec![
            ("a", Suppressed, Some("FindingException/team/x")),
            ("b", Suppressed, Some("ControlPolicy/p")),
            ("c", Suppressed, Some("ControlPolicy/p")),
        ],
    }
}

/// A person takes back what a policy holds, and an exception that adopts takes over what a person suppressed.
fn overridden() -> Scenario {
    let adopting = grant() + &exception_with("x", "  adopt: true", &target(A), "2026-12-01T08:12:00Z");
    Scenario {
        name: "answers of people",
        steps: vec![
            Fail("a", "S3.8", A),
            Fail("b", "S3.9", B),
            Fail("c", "S3.9", C),
            Person("a", Suppressed),
            Declare(adopting + &policy("p", LOGS)),
            Person("b", New),
            Check("c", hubkeeper::core::status::ComplianceStatus::Passed),
            Check("c", Failed),
            Until("2026-12-01T08:13:00Z"),
        ],
        ends: vec![("a", New, None), ("b", New, Some("ControlPolicy/p")), ("c", Suppressed, Some("ControlPolicy/p"))],
    }
}
