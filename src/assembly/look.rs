//! What a survey found, for people: what would change and why, and the decision on one finding. Values only, no text layout.

use std::sync::Arc;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::reach::{Progress, Reach};
use super::survey::survey;
use crate::core::compile::{Fault, Holder, PolicySet, Verdict};
use crate::core::decide::Action;
use crate::core::hub_owner::Standing;
use crate::core::ids::{ObjectRef, Region};
use crate::core::marker::MarkerState;
use crate::core::matcher::Scratch;
use crate::core::objects::{Broken, Desired, Mode};
use crate::core::reasons;
use crate::core::responses::{self, Wish};
use crate::engine::keeper::Keeper;
use crate::engine::ports::{AwsFailure, FailureKind, World};
use crate::inventory::{Inventory, RowId};

pub use crate::engine::ports::Figures;

/// Findings that are named when a text fits several.
const CANDIDATES: usize = 5;

/// Why a survey knows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookError {
    /// AWS said no.
    #[error("{0}")]
    Aws(AwsFailure),
    /// No such hub.
    #[error("failed to find SecurityHub/{0} among what is declared")]
    NoHub(String),
    /// Somebody stopped it.
    #[error("failed to read the whole hub: interrupted")]
    Interrupted,
}

impl LookError {
    /// What a person does next.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Aws(failure) if matches!(failure.kind, FailureKind::Transient | FailureKind::Throttled) => {
                "Try again; if it lasts, see AWS's health dashboard."
            }
            Self::Aws(failure) => failure.advice(),
            Self::NoHub(_) => "Declare it, or name one that is declared with --hub.",
            Self::Interrupted => "Start it again when you want to know.",
        }
    }
}

/// A finding as plans and explanations name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Named {
    pub control: Option<String>,
    pub account: String,
    pub region: String,
    pub resource: String,
    pub id: String,
    pub product_arn: String,
}

/// One change that `run` would make.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct PlannedChange {
    /// As markers name it: `ControlPolicy/baseline`, `inherited`.
    pub owner: String,
    /// `suppress`, `give back`, ...
    pub action: &'static str,
    /// A constant of `core::reasons`.
    pub reason: &'static str,
    pub finding: Named,
    pub from: &'static str,
    pub to: &'static str,
}

/// Changes that a limit would hold back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct OverLimit {
    pub owner: String,
    pub action: &'static str,
    pub wanted: u64,
    pub max_findings: u64,
    pub digest: String,
}

/// A change that a policy in Audit would make if it were enforced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Audited {
    pub policy: String,
    pub finding: Named,
}

/// Something that is declared and changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct NoEffect {
    /// `FindingException/team-pay/cdn`.
    pub object: String,
    /// A constant of `core::reasons`.
    pub reason: &'static str,
    /// One sentence for people, lower case, without a full stop.
    pub message: String,
}

/// Who owns the hub of one Region, as its tag says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Owned {
    pub region: String,
    pub owner: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What would change in one hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct HubPlan {
    pub hub: String,
    pub account: Option<String>,
    pub regions: Vec<String>,
    pub findings: usize,
    /// Who alone writes to it, in each Region where somebody does, home first.
    pub owners: Vec<Owned>,
    /// Nothing but expiry would be written.
    pub suspended: bool,
    /// Sorted by owner, action and reason.
    pub changes: Vec<PlannedChange>,
    pub over_limit: Vec<OverLimit>,
    pub audited: Vec<Audited>,
    /// Policies and exceptions that decide nothing now, and why: not granted, not approved, expired, in conflict with a limit of
    /// their grant.
    pub without_effect: Vec<NoEffect>,
    /// Findings whose history could not settle what people said: left.
    pub in_doubt: usize,
}

/// The decision on one finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Explanation {
    pub hub: String,
    pub finding: Named,
    pub resources: Vec<String>,
    pub workflow: &'static str,
    pub compliance: Option<&'static str>,
    pub record_state: &'static str,
    pub marker: Option<String>,
    pub chain: Vec<Answered>,
    /// `leave`, `ask the history`, or the change: `suppress`, `give back`, ...
    pub action: &'static str,
    pub reason: &'static str,
    /// Who decides it: `FindingException/team-pay/cdn`, `ControlPolicy/baseline, rule logging`.
    pub decided_by: Option<String>,
    /// The workflow status that would be set.
    pub sets: Option<&'static str>,
    /// Policies in Audit that would decide it, with the rule and whether that suppresses.
    pub audit: Vec<String>,
    /// Exceptions whose targets match it, and policies with a rule that does, that have no effect; and why.
    pub without_effect: Vec<NoEffect>,
    /// What its history told, or why it tells nothing, where the decision rests on that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<String>,
    /// Other findings of the same problem.
    pub same_problem: Vec<String>,
}

/// One check of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs)]
pub struct Answered {
    pub check: &'static str,
    pub answer: String,
}

/// What a text that should name a finding does name.
#[derive(Debug)]
pub enum Sought {
    /// One.
    Found(Box<Explanation>),
    /// None.
    Nothing,
    /// Several: how many, and the first of them.
    Several(usize, Vec<String>),
}

impl HubPlan {
    /// Leaves only what is about objects of a namespace.
    pub fn narrow_to(&mut self, namespace: &str) {
        let within = |object: &str| {
            let object: Option<ObjectRef> = object.parse().ok();
            object.is_some_and(|object| object.namespace.as_deref() == Some(namespace))
        };
        self.changes.retain(|change| within(&change.owner));
        self.over_limit.retain(|hold| within(&hold.owner));
        self.without_effect.retain(|declared| within(&declared.object));
        self.audited.clear();
        self.in_doubt = 0;
    }
}

/// A hub that was read whole and decided.
pub struct Surveyed {
    keeper: Keeper,
    /// What is declared and cannot be read.
    broken: Vec<Broken>,
}

impl std::fmt::Debug for Surveyed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surveyed").finish_non_exhaustive()
    }
}

/// Reads the hub of this name whole and decides everything; writes nothing.
pub async fn look(
    reach: &Reach,
    desired: Arc<Desired>,
    hub: &str,
    progress: Progress,
    stop: CancellationToken,
) -> Result<Surveyed, LookError> {
    look_in(reach.onlooker(progress), desired, hub, stop).await
}

/// The same in a world that is given.
pub async fn look_in(world: World, desired: Arc<Desired>, hub: &str, stop: CancellationToken) -> Result<Surveyed, LookError> {
    let broken = desired.broken.clone();
    let mut keeper = survey(world, desired, hub, stop.clone()).await;
    if keeper.evaluator().is_none() {
        return Err(LookError::NoHub(hub.to_owned()));
    }
    if let Some(failure) = keeper.failure().filter(|failure| failure.kind != FailureKind::Throttled) {
        return Err(LookError::Aws(failure.clone()));
    }
    if stop.is_cancelled() {
        return Err(LookError::Interrupted);
    }
    Ok(Surveyed { keeper, broken })
}

impl Surveyed {
    /// What would change.
    pub fn plan(&mut self) -> HubPlan {
        let keeper = &mut self.keeper;
        let over_limit = keeper.over_limits().iter().map(|held| OverLimit {
            owner: held.owner.to_string(),
            action: held.hold.action,
            wanted: held.hold.wanted,
            max_findings: held.hold.ceiling,
            digest: held.hold.digest.clone(),
        });
        let over_limit: Vec<OverLimit> = over_limit.collect();
        let description = keeper.described().cloned();
        let mut plan = HubPlan {
            hub: String::new(),
            account: description.as_ref().map(|description| description.account.to_string()),
            regions: Vec::new(),
            findings: 0,
            owners: owners(keeper),
            suspended: false,
            changes: Vec::new(),
            over_limit,
            audited: Vec::new(),
            without_effect: Vec::new(),
            in_doubt: 0,
        };
        let Some((evaluator, inventory)) = keeper.evaluator() else { return plan };
        let set = Arc::clone(evaluator.set());
        set.hub.as_ref().clone_into(&mut plan.hub);
        plan.suspended = set.hub_spec.suspend;
        plan.findings = inventory.len();
        plan.regions.push(set.hub_spec.home_region.to_string());
        let linked = set.hub_spec.linked_regions.clone().or_else(|| description.and_then(|d| d.linked_regions));
        plan.regions.extend(linked.into_iter().flatten().map(|region| region.to_string()));
        for (&row, wanted) in evaluator.wanted() {
            let (Some(finding), Some(view)) = (named(inventory, row), inventory.get(row)) else { continue };
            plan.changes.push(PlannedChange {
                owner: wanted.change.owner.to_string(),
                action: wanted.change.kind.as_str(),
                reason: wanted.reason,
                finding,
                from: view.workflow().as_str(),
                to: wanted.change.workflow.as_str(),
            });
        }
        plan.changes.sort();
        for (row, policy) in evaluator.audited() {
            let Some(finding) = named(inventory, row) else { continue };
            plan.audited.push(Audited { policy: set.policies[policy].meta.object.to_string(), finding });
        }
        plan.audited.sort();
        let faulty = (0..set.policies.len()).filter_map(|policy| without_effect(&set, policy));
        let exceptions = (0..set.exceptions.len()).filter_map(|x| not_in_force(&set, evaluator.verdicts(), x));
        let broken = self.broken.iter().filter_map(|broken| {
            let message = format!("{}; what it holds is left as it is", broken.message);
            Some(NoEffect { object: broken.object.as_ref()?.to_string(), reason: reasons::UNREADABLE, message })
        });
        plan.without_effect = faulty.chain(exceptions).chain(broken).collect();
        plan.without_effect.sort();
        plan.in_doubt = inventory.rows().filter(|row| evaluator.reason(*row) == Some(reasons::IN_DOUBT)).count();
        plan
    }

    /// The decision on the finding whose id is, ends with or begins with `text`.
    pub fn explain(&mut self, text: &str) -> Sought {
        let now = self.keeper.now();
        let denied = self.keeper.denied_history().cloned();
        let rewriters = self.keeper.rewriters().clone();
        let Some((evaluator, inventory)) = self.keeper.evaluator() else { return Sought::Nothing };
        let ids: Vec<(RowId, String)> = inventory.rows().filter_map(|row| Some((row, inventory.get(row)?.key().id))).collect();
        let fitting = |fits: &dyn Fn(&str) -> bool| -> Vec<&(RowId, String)> { ids.iter().filter(|(_, id)| fits(id)).collect() };
        let mut found = fitting(&|id| id == text);
        if found.is_empty() {
            found = fitting(&|id| id.ends_with(text));
        }
        if found.is_empty() {
            found = fitting(&|id| id.starts_with(text));
        }
        let row = match found.as_slice() {
            [] => return Sought::Nothing,
            [(row, _)] => *row,
            several => {
                let mut names: Vec<String> = several.iter().map(|(_, id)| id.clone()).collect();
                names.sort();
                names.truncate(CANDIDATES);
                return Sought::Several(several.len(), names);
            }
        };
        let (Some(finding), Some(view)) = (named(inventory, row), inventory.get(row)) else { return Sought::Nothing };
        let set = Arc::clone(evaluator.set());
        let (decision, steps) = evaluator.explain(inventory, row, now);
        let facts = view.facts();
        let matches = set.matches(&facts, now, &mut Scratch::default());
        let audit =
            matches.rules.iter().filter(|(policy, _)| set.policies[*policy].spec.mode == Mode::Audit).map(|(policy, rule)| {
                let rule = &set.policies[*policy].spec.rules[*rule];
                let would = match responses::wish(rule.response) {
                    Wish::Suppressed => "would suppress it",
                    Wish::Untouched => "would leave it",
                };
                format!("{}, rule {}: {would}", set.policies[*policy].meta.object, rule.name)
            });
        let exceptions = matches.exceptions.iter().filter_map(|x| not_in_force(&set, evaluator.verdicts(), *x));
        let policies = matches.rules.iter().filter_map(|(policy, _)| without_effect(&set, *policy));
        let (action, sets) = match &decision.action {
            Action::Leave => ("leave", None),
            Action::Ask(_) => ("ask the history", None),
            Action::Change(change) => (change.kind.as_str(), Some(change.workflow.as_str())),
        };
        let history = match decision.reason {
            reasons::FLAPPING => rewriters.get(&row).map(|who| format!("it was last rewritten by {who}")),
            reasons::IN_DOUBT => {
                denied.map(|failure| format!("cannot be read, so that nobody knows who answered last: {failure}"))
            }
            _ => None,
        };
        let others = inventory.by_problem(view.problem()).iter().filter(|other| **other != row);
        Sought::Found(Box::new(Explanation {
            hub: set.hub.to_string(),
            resources: facts.resources.iter().map(|resource| resource.id.to_string()).collect(),
            finding,
            workflow: view.workflow().as_str(),
            compliance: view.compliance().map(crate::core::status::ComplianceStatus::as_str),
            record_state: view.record_state().as_str(),
            marker: match view.marker() {
                MarkerState::None => None,
                MarkerState::Ours(marker) => Some(format!("{} {}", marker.owner, marker.state())),
                MarkerState::Broken(error) => Some(format!("unreadable: {error}")),
            },
            chain: steps.into_iter().map(|step| Answered { check: step.check, answer: step.answer }).collect(),
            action,
            reason: decision.reason,
            decided_by: decided_by(&set, &decision.holder),
            sets,
            audit: audit.collect(),
            without_effect: exceptions.chain(policies).collect(),
            history,
            same_problem: others.filter_map(|other| inventory.get(*other)).map(|view| view.key().id).collect(),
        }))
    }
}

fn owners(keeper: &Keeper) -> Vec<Owned> {
    let owned = |(region, standing): (Region, Standing)| {
        let named = standing.named()?;
        let since = named.since.map(|since| format!("{since:.0}"));
        Some(Owned { region: region.to_string(), owner: named.name.clone(), since })
    };
    keeper.standings().into_iter().filter_map(owned).collect()
}

fn no_effect(object: &ObjectRef, fault: Option<&Fault>) -> Option<NoEffect> {
    fault.map(|fault| NoEffect { object: object.to_string(), reason: fault.reason, message: fault.message.clone() })
}

/// Why a policy decides nothing, if it does not.
fn without_effect(set: &PolicySet, policy: usize) -> Option<NoEffect> {
    let policy = set.policies.get(policy)?;
    let message = match policy.spec.mode {
        Mode::Enforce => "suspended, and keeps those behind it from acting",
        Mode::Audit => "suspended",
    };
    let suspended = || Fault { reason: reasons::SUSPENDED, message: message.to_owned() };
    let fault = policy.fault.clone().or_else(|| policy.spec.suspend.then(suspended));
    no_effect(&policy.meta.object, fault.as_ref())
}

/// Why an exception has no effect, if it has none.
fn not_in_force(set: &PolicySet, verdicts: &[Verdict], exception: usize) -> Option<NoEffect> {
    let (exception, verdict) = (set.exceptions.get(exception)?, verdicts.get(exception)?);
    let spec = &exception.spec;
    let fault = match verdict {
        Verdict::Active => return None,
        Verdict::Faulty(fault) => fault.clone(),
        Verdict::Pending => Fault { reason: reasons::PENDING, message: format!("begins at {}", spec.starts_at) },
        Verdict::Expired => Fault { reason: reasons::EXPIRED, message: format!("expired at {}", spec.expires_at) },
        Verdict::Suspended => Fault { reason: reasons::SUSPENDED, message: "suspended".to_owned() },
    };
    no_effect(&exception.meta.object, Some(&fault))
}

fn decided_by(set: &PolicySet, holder: &Holder) -> Option<String> {
    match holder {
        Holder::Nobody => None,
        Holder::Exception(x) => Some(set.exceptions[*x].meta.object.to_string()),
        Holder::Rule { policy, rule } => {
            let policy = &set.policies[*policy];
            Some(format!("{}, rule {}", policy.meta.object, policy.spec.rules[*rule].name))
        }
        Holder::Conflict(policies) => {
            let names: Vec<String> = policies.iter().map(|p| set.policies[*p].meta.object.to_string()).collect();
            Some(format!("nobody: {} disagree", names.join(" and ")))
        }
    }
}

fn named(inventory: &Inventory, row: RowId) -> Option<Named> {
    let view = inventory.get(row)?;
    let (key, facts) = (view.key(), view.facts());
    Some(Named {
        control: facts.control.map(str::to_owned),
        account: facts.account.to_string(),
        region: facts.region.to_owned(),
        resource: facts.resources.first().map(|resource| resource.id.to_string()).unwrap_or_default(),
        id: key.id,
        product_arn: key.product_arn,
    })
}
