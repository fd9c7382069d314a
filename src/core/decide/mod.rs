//! The decision: a chain of small checks over one finding, each with a reason. The first that answers ends the chain.
//!
//! Order: what is ours and no longer has its reason is taken back first; what cannot be acted on is left; a person's answer
//! comes before an exception, an exception before a rule. `explain` prints the same chain.

mod chain;

use jiff::Timestamp;

use self::chain::Chain;
use super::compile::{Holder, Matches, PolicySet, Verdict};
use super::facts::Facts;
use super::marker::{Digest8, Hold, Marker, MarkerState, Owner};
use super::matcher::Scratch;
use super::objects::DeletionPolicy;
use super::reasons;
use super::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// How often within a day something else may rewrite a finding: at this one we stop.
pub const FLAP_LIMIT: u8 = 3;

/// The newest workflow status that anybody but us set on a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What they set.
    pub status: WorkflowStatus,
    /// When, as far as it is known.
    pub at: Timestamp,
    /// Who, where the history was asked.
    pub by: Option<std::sync::Arc<str>>,
}

impl Answer {
    /// Whether an automation rule set it, as the history names it: by the ARN of the rule.
    pub fn is_by_rule(&self) -> bool {
        self.by.as_deref().is_some_and(|by| by.contains(":automation-rule/"))
    }
}

/// What is known of the answers that people gave on one finding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Knowledge {
    /// Only what the finding itself shows.
    #[default]
    Unasked,
    /// Seen happening, or read from the history; `None`: nobody ever set it.
    Known(Option<Answer>),
    /// The history cannot be read.
    Denied,
}

/// One finding, as deciding sees it.
#[derive(Clone, Copy)]
#[allow(missing_docs)]
pub struct Finding<'a> {
    pub row: u32,
    pub facts: Facts<'a>,
    /// As it is now; `facts.workflow` is as it would be without us.
    pub workflow: WorkflowStatus,
    pub marker: &'a MarkerState,
    pub created_at: Timestamp,
    /// When the compliance status last changed.
    pub first_observed: Option<Timestamp>,
    /// Whether its provider has said something since the marker was written: an automation rule writes only then.
    pub refreshed: bool,
    pub knowledge: &'a Knowledge,
}

impl Finding<'_> {
    /// Held by us, and as we set it.
    pub fn ours(&self) -> Option<&Marker> {
        self.marker.marker().map(std::convert::AsRef::as_ref).filter(|marker: &&Marker| marker.is_ours(self.workflow))
    }

    /// Held by us, and not as we set it.
    pub fn mismatch(&self) -> Option<&Marker> {
        self.marker.held().map(std::convert::AsRef::as_ref).filter(|marker: &&Marker| marker.set != self.workflow)
    }

    /// Whether the check passes.
    pub fn passed(&self) -> bool {
        self.facts.compliance == Some(ComplianceStatus::Passed)
    }

    /// Whether there is something to act on: current, and not passing.
    pub fn actionable(&self) -> bool {
        self.facts.record_state == RecordState::Active && !self.passed()
    }
}

/// What a change is, in plans, limits and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Set SUPPRESSED for an owner.
    Suppress,
    /// Take over a suppression that a person made.
    Adopt,
    /// Set SUPPRESSED because a person suppressed the same problem.
    Inherit,
    /// Set SUPPRESSED again after the service or somebody else undid it.
    Reassert,
    /// Another owner takes it over.
    Transfer,
    /// Back to what it was.
    GiveBack,
    /// Left suppressed, no longer ours.
    Release,
    /// Reopen what a person suppressed.
    Reopen,
}

impl ChangeKind {
    /// As plans print it and digests contain it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Suppress => "suppress",
            Self::Adopt => "adopt",
            Self::Inherit => "inherit",
            Self::Reassert => "reassert",
            Self::Transfer => "transfer",
            Self::GiveBack => "give back",
            Self::Release => "release",
            Self::Reopen => "reopen",
        }
    }
}

/// A wanted change of one finding. The time in the marker is filled in when it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is.
    pub kind: ChangeKind,
    /// Whose limits it counts against, and who is named in the marker.
    pub owner: Owner,
    /// The workflow status to set.
    pub workflow: WorkflowStatus,
    /// Held or released.
    pub hold: Hold,
    /// The workflow status before us.
    pub prior: WorkflowStatus,
    /// What to do when the owner is deleted.
    pub deletion: DeletionPolicy,
    /// What decided.
    pub digest: Digest8,
    /// How often it was set again.
    pub again: u8,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Leave,
    /// This.
    Change(Change),
    /// The histories of these rows have to be asked first.
    Ask(Vec<u32>),
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: &'static str,
    /// Who decides it, where somebody does.
    pub holder: Holder,
    /// Policies that govern or conflict: for their figures.
    pub governing: Option<usize>,
}

/// One answered check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The name of the check.
    pub check: &'static str,
    /// Its answer.
    pub answer: String,
}

/// Collects the chain for `explain`; silent otherwise.
#[derive(Debug, Default)]
pub struct Trace(Option<Vec<Step>>);

impl Trace {
    /// One that listens.
    pub fn listening() -> Self {
        Self(Some(Vec::new()))
    }

    /// Adds a step; the text is made only if somebody listens.
    pub fn say(&mut self, check: &'static str, answer: impl FnOnce() -> String) {
        if let Some(steps) = &mut self.0 {
            steps.push(Step { check, answer: answer() });
        }
    }

    /// What was said.
    pub fn steps(self) -> Vec<Step> {
        self.0.unwrap_or_default()
    }
}

/// What a decision is made with.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// What is declared.
    pub set: &'a PolicySet,
    /// What is known of each exception, in the order of `set.exceptions`.
    pub verdicts: &'a [Verdict],
    /// The moment.
    pub now: Timestamp,
}

/// Decides one finding. `problem`: all findings of its problem, itself included, in a stable order. `matches`: what matches it
/// as it is.
pub fn decide(
    bench: Bench<'_>,
    finding: &Finding<'_>,
    problem: &[Finding<'_>],
    matches: &Matches,
    scratch: &mut Scratch,
    trace: &mut Trace,
) -> Decision {
    let mut chain = Chain { bench, finding, problem, matches, scratch, trace };
    if let MarkerState::Broken(error) = finding.marker {
        chain.trace.say("marker", || error.to_string());
        return leave(reasons::MARKER_UNREADABLE);
    }
    if finding.facts.record_state == RecordState::Archived {
        chain.trace.say("actionable", || "archived: left as it is, whatever holds it".to_owned());
        return leave(reasons::ARCHIVED);
    }
    match finding.ours() {
        Some(marker) => chain.ours(marker),
        None => chain.open(),
    }
}

/// The finding as it might fail: every status of a check that has not passed, every severity.
pub fn as_failing<'a>(actual: &Facts<'a>) -> impl Iterator<Item = Facts<'a>> + use<'a> {
    let actual = *actual;
    // The label of a check that does not fail is INFORMATIONAL, so an unknown control may have had any rating.
    let severities = move || std::iter::once(actual.severity).chain(SeverityLabel::ALL.iter().copied().map(Some));
    let failing = [ComplianceStatus::Failed, ComplianceStatus::Warning, ComplianceStatus::NotAvailable];
    let facts = move |compliance| severities().map(move |severity| Facts { compliance: Some(compliance), severity, ..actual });
    failing.into_iter().flat_map(facts)
}

fn leave(reason: &'static str) -> Decision {
    Decision { action: Action::Leave, reason, holder: Holder::Nobody, governing: None }
}
