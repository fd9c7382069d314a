//! All declared objects → one [`PolicySet`]: what a hub's findings are decided with, swapped whole on every change.
//!
//! Nothing here is an error: an object that cannot be used gets a diagnosis and decides nothing, never everything.

mod carry;
mod doubt;
mod parts;
mod rank;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

pub use self::carry::carry_over;
pub use self::doubt::{Doubt, Doubts};
use self::parts::{exception, guardrail, policy};
pub use self::rank::{Before, Hidden};

use super::digest;
use super::facts::Facts;
use super::filter::Field;
use super::ids::{AccountId, Kind, ObjectRef};
use super::marker::{Digest8, Owner};
use super::matcher::{Context, Index, Matcher, RuleKey, Scratch};
use super::objects::{
    ApprovalDecision, ApprovalSpec, ExceptionPolicySpec, ExceptionSpec, HubSpec, Meta, Mode, Object, Objects, PolicySpec,
    Response,
};
use super::reasons;

/// Why an object, or a part of it, decides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A constant of [`reasons`].
    pub reason: &'static str,
    /// One sentence: what is wrong, with the value, and what is allowed.
    pub message: String,
}

impl Fault {
    fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// A policy, ready to decide.
#[derive(Debug)]
pub struct Policy {
    /// Identity and provenance.
    pub meta: Meta,
    /// As declared.
    pub spec: PolicySpec,
    /// Why it decides nothing.
    pub fault: Option<Fault>,
    /// Whether its scope can be told, whatever else is wrong.
    pub scoped: bool,
    /// What decides, rule by rule: scope, match, response.
    pub digests: Vec<Digest8>,
    /// Whether what it matches depends on other objects (accounts, groups).
    pub depends: bool,
}

/// An exception, ready to decide if its verdict says so.
#[derive(Debug)]
pub struct Exception {
    /// Identity and provenance.
    pub meta: Meta,
    /// As declared.
    pub spec: ExceptionSpec,
    /// Why it has no effect, as far as that can be said without findings.
    pub fault: Option<Fault>,
    /// The first guardrail that admits it, as far as that can be said without findings.
    pub guardrail: Option<usize>,
    /// All that do: grants add up, each with its own conditions. One that is satisfied is enough.
    pub guardrails: Vec<usize>,
    /// What decides: targets and effect.
    pub digest: Digest8,
    /// Whether what it matches depends on other objects.
    pub depends: bool,
}

/// A guardrail, ready to judge.
#[derive(Debug)]
pub struct Guardrail {
    /// Identity and provenance.
    pub meta: Meta,
    /// As declared.
    pub spec: ExceptionPolicySpec,
    /// Why it grants nothing.
    pub fault: Option<Fault>,
    grants: Vec<Matcher>,
    approvals: Vec<Matcher>,
}

/// What the evaluator has found out about an exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// In force.
    Active,
    /// Starts later.
    Pending,
    /// Over.
    Expired,
    /// Without effect until somebody mends it.
    Faulty(Fault),
    /// Nothing is written for it.
    Suspended,
}

/// What a guardrail says of a finding that an exception covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judged {
    /// Whether some grant matches it.
    pub in_grant: bool,
    /// Which approval rules it triggers, as bits.
    pub triggered: u64,
}

/// What one declared thing in the index stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    Target { exception: usize },
    Scope { policy: usize },
    Rule { policy: usize, rule: usize },
}

/// What matches one finding, before anything is weighed.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matches {
    /// Exceptions with a target that matches, ascending.
    pub exceptions: Vec<usize>,
    /// Policies whose scope matches, ascending: highest priority first.
    pub scopes: Vec<usize>,
    /// The first rule that matches, of every policy that has one, ascending by policy.
    pub rules: Vec<(usize, usize)>,
}

/// Who would decide a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// Nobody.
    Nobody,
    /// An exception that is in force.
    Exception(usize),
    /// A rule of a policy.
    Rule {
        /// Index into [`PolicySet::policies`].
        policy: usize,
        /// Index into its rules.
        rule: usize,
    },
    /// Policies of equal priority that disagree: none of them.
    Conflict(Vec<usize>),
}

/// What is known of an object that a marker names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnerState {
    /// It is there, and can be asked.
    Policy(usize),
    /// It is there, and can be asked.
    Exception(usize),
    /// It is there, and not for this hub.
    Elsewhere,
    /// It is there and unreadable, or not proved to be gone.
    Unknown,
    /// Proved to be gone.
    Gone,
}

/// Everything that decides the findings of one hub.
#[derive(Debug)]
pub struct PolicySet {
    /// Name of the SecurityHub object.
    pub hub: Arc<str>,
    /// The hub as declared.
    pub hub_meta: Meta,
    /// The hub as declared.
    pub hub_spec: HubSpec,
    /// By priority, highest first, then by name.
    pub policies: Vec<Policy>,
    /// By name.
    pub exceptions: Vec<Exception>,
    /// By name.
    pub guardrails: Vec<Guardrail>,
    /// All approvals.
    pub approvals: Vec<Object<ApprovalSpec>>,
    /// Whether the listing is complete and everything in it readable: only then is absence proved, and a smaller selection real.
    pub complete: bool,
    /// Objects that are there but have no good version.
    pub unreadable: BTreeSet<ObjectRef>,
    hidden: Vec<Hidden>,
    /// The finding fields that filters name, beyond the fixed base: what the inventory has to project.
    pub fields: Vec<Field>,
    relative: bool,
    /// Ascending.
    deadlines: Vec<Timestamp>,
    index: Index,
    entries: Vec<Entry>,
    owners: BTreeMap<ObjectRef, OwnerState>,
    /// Accounts whose labels are known.
    accounts: BTreeSet<AccountId>,
}

/// What a source gave, after carrying over the last good versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// What is in force.
    pub objects: Objects,
    /// See [`PolicySet::complete`].
    pub complete: bool,
    /// See [`PolicySet::unreadable`].
    pub unreadable: BTreeSet<ObjectRef>,
    /// Policies among them that may enforce.
    pub hidden: Vec<Hidden>,
}

impl PolicySet {
    /// Compiles what is declared for the hub of this name. `None`: no such hub is declared.
    pub fn compile(declared: &Declared, hub: &str) -> Option<Self> {
        let Declared { objects, complete, unreadable, hidden } = declared;
        let hub_object = objects.hubs.iter().find(|object| &*object.meta.object.name == hub)?;
        let context = Context::new(&objects.accounts, &hub_object.spec.control_groups);
        let mut index = Vec::new();
        let mut entries = Vec::new();
        let mut fields = BTreeSet::new();
        let mut relative = false;
        let mut file = |entry: Entry, matcher: Matcher, index: &mut Vec<(RuleKey, Matcher)>| {
            fields.extend(matcher.projected_fields());
            relative |= matcher.is_relative();
            let key = RuleKey(u32::try_from(entries.len()).unwrap_or(u32::MAX));
            entries.push(entry);
            index.push((key, matcher));
        };

        let mut guardrails: Vec<Guardrail> =
            objects.exception_policies.iter().map(|object| guardrail(object, &context)).collect();
        guardrails.sort_by(|a, b| a.meta.object.cmp(&b.meta.object));
        let judging: Vec<&Matcher> = guardrails.iter().flat_map(|g| g.grants.iter().chain(&g.approvals)).collect();
        let judging_relative = judging.iter().any(|matcher| matcher.is_relative());
        let judging_fields: BTreeSet<Field> = judging.iter().flat_map(|matcher| matcher.projected_fields()).collect();

        let mut declared: Vec<&Object<ExceptionSpec>> = objects.exceptions.iter().collect();
        declared.sort_by(|a, b| a.meta.object.cmp(&b.meta.object));
        let mut exceptions = Vec::new();
        for object in declared {
            let number = exceptions.len();
            let (exception, matchers) = exception(object, &guardrails, &context);
            for matcher in matchers {
                file(Entry::Target { exception: number }, matcher, &mut index);
            }
            exceptions.push(exception);
        }

        let mut policies: Vec<&Object<PolicySpec>> =
            objects.policies.iter().filter(|p| p.spec.hubs.is_empty() || p.spec.hubs.iter().any(|name| name == hub)).collect();
        policies.sort_by(|a, b| b.spec.priority.cmp(&a.spec.priority).then_with(|| a.meta.object.cmp(&b.meta.object)));
        let policies = policies
            .into_iter()
            .enumerate()
            .map(|(number, object)| {
                let (policy, scope, rules) = policy(object, &context);
                if let Some(scope) = scope {
                    file(Entry::Scope { policy: number }, scope, &mut index);
                }
                if policy.fault.is_none() {
                    for (rule, matcher) in rules.into_iter().enumerate() {
                        file(Entry::Rule { policy: number, rule }, matcher, &mut index);
                    }
                }
                policy
            })
            .collect::<Vec<_>>();

        let dates = exceptions.iter().flat_map(|x| [x.spec.starts_at, x.spec.expires_at]);
        let mut deadlines: Vec<Timestamp> = dates.chain(objects.approvals.iter().filter_map(|a| a.spec.expires_at)).collect();
        deadlines.sort_unstable();

        let mut owners: BTreeMap<ObjectRef, OwnerState> =
            unreadable.iter().map(|object| (object.clone(), OwnerState::Unknown)).collect();
        owners.extend(objects.policies.iter().map(|p| (p.meta.object.clone(), OwnerState::Elsewhere)));
        owners.extend(policies.iter().enumerate().map(|(n, p)| (p.meta.object.clone(), OwnerState::Policy(n))));
        owners.extend(exceptions.iter().enumerate().map(|(n, x)| (x.meta.object.clone(), OwnerState::Exception(n))));
        Some(Self {
            hub: hub.into(),
            hub_meta: hub_object.meta.clone(),
            hub_spec: hub_object.spec.clone(),
            policies,
            exceptions,
            guardrails,
            approvals: objects.approvals.clone(),
            // A malformed Approval hides no owner: it counts only against exceptions that ask for approvals.
            complete: *complete && unreadable.iter().all(|object| object.kind == Kind::Approval),
            unreadable: unreadable.clone(),
            hidden: hidden.clone(),
            // A grant by tags is read finding by finding, so it needs them as much as a rule does.
            fields: fields.union(&judging_fields).copied().collect(),
            relative: relative || judging_relative,
            deadlines,
            index: Index::build(index),
            entries,
            owners,
            accounts: objects.accounts.iter().map(|account| account.spec.id).collect(),
        })
    }

    /// What matches a finding with these facts.
    pub fn matches(&self, facts: &Facts<'_>, now: Timestamp, scratch: &mut Scratch) -> Matches {
        let mut found = Matches::default();
        self.index.matching(facts, now, scratch, |key| match self.entries.get(key.0 as usize) {
            Some(&Entry::Target { exception }) if found.exceptions.last() != Some(&exception) => found.exceptions.push(exception),
            Some(&Entry::Scope { policy }) => found.scopes.push(policy),
            // Keys ascend, so the first rule of a policy comes first.
            Some(&Entry::Rule { policy, rule }) if found.rules.last().is_none_or(|last| last.0 != policy) => {
                found.rules.push((policy, rule));
            }
            _ => {}
        });
        found
    }

    /// Who decides, given what matches. Where several exceptions cover, the one that holds already goes on holding.
    pub fn holder(&self, matches: &Matches, verdicts: &[Verdict], current: Option<&Owner>) -> Holder {
        let mut active = matches.exceptions.iter().copied().filter(|&x| verdicts.get(x) == Some(&Verdict::Active));
        if let Some(first) = active.clone().next() {
            let held = active.find(|&x| current.is_some_and(|owner| self.is_exception(owner, x)));
            return Holder::Exception(held.unwrap_or(first));
        }
        let enforcing: Vec<(usize, usize)> = matches.rules.iter().copied().filter(|&(p, _)| self.enforces(p)).collect();
        self.highest(&enforcing, current)
    }

    /// Who would decide among these rules: the highest priority; at a tie, the response they agree on.
    pub fn highest(&self, rules: &[(usize, usize)], current: Option<&Owner>) -> Holder {
        let Some(&(first, _)) = rules.first() else { return Holder::Nobody };
        let priority = self.policies[first].spec.priority;
        let tied: Vec<(usize, usize)> =
            rules.iter().copied().take_while(|&(p, _)| self.policies[p].spec.priority == priority).collect();
        let response = |(p, r): (usize, usize)| self.policies[p].spec.rules[r].response;
        if tied.iter().any(|&rule| !same_action(response(rule), response(tied[0]))) {
            return Holder::Conflict(tied.into_iter().map(|(p, _)| p).collect());
        }
        let held = tied.iter().copied().find(|&(p, _)| current.is_some_and(|owner| self.is_policy(owner, p)));
        let (policy, rule) = held.unwrap_or(tied[0]);
        Holder::Rule { policy, rule }
    }

    /// Whether a policy acts at all: enforcing, not suspended, usable.
    pub fn enforces(&self, policy: usize) -> bool {
        let policy = &self.policies[policy];
        policy.fault.is_none() && policy.spec.mode == Mode::Enforce && !policy.spec.suspend
    }

    /// The policy that governs a finding: whose word counts about what people do to it.
    pub fn governing(&self, matches: &Matches) -> Option<usize> {
        let by_rule = matches.rules.iter().map(|&(p, _)| p).find(|&p| self.enforces(p));
        by_rule.or_else(|| matches.scopes.iter().copied().find(|&p| self.enforces(p)))
    }

    /// What is known of an owner.
    pub fn owner_state(&self, owner: &ObjectRef) -> OwnerState {
        match self.owners.get(owner) {
            Some(&state) => state,
            None if self.complete => OwnerState::Gone,
            None => OwnerState::Unknown,
        }
    }

    /// Whether a smaller selection of this owner is real, and not the effect of something unreadable.
    pub fn may_narrow(&self, state: OwnerState) -> bool {
        match state {
            OwnerState::Policy(p) => self.complete || !self.policies[p].depends,
            OwnerState::Exception(x) => self.complete || !self.exceptions[x].depends,
            OwnerState::Gone | OwnerState::Elsewhere => true,
            OwnerState::Unknown => false,
        }
    }

    /// Owner and deciding digest of a holder that suppresses.
    pub fn decider(&self, holder: &Holder) -> Option<(Owner, Digest8)> {
        match holder {
            Holder::Exception(x) => {
                let exception = &self.exceptions[*x];
                Some((Owner::Object(exception.meta.object.clone()), exception.digest))
            }
            Holder::Rule { policy, rule } => {
                let policy = &self.policies[*policy];
                Some((Owner::Object(policy.meta.object.clone()), policy.digests[*rule]))
            }
            Holder::Nobody | Holder::Conflict(_) => None,
        }
    }

    /// What an exception is, from its own dates and what is declared around it; the findings have the last word.
    pub fn standing(&self, exception: usize, now: Timestamp) -> Verdict {
        let Exception { spec, fault, .. } = &self.exceptions[exception];
        if now >= spec.expires_at {
            Verdict::Expired
        } else if spec.suspend {
            Verdict::Suspended
        } else if let Some(fault) = fault {
            Verdict::Faulty(fault.clone())
        } else if now < spec.starts_at {
            Verdict::Pending
        } else {
            Verdict::Active
        }
    }

    /// What each guardrail of an exception (in the order of [`Exception::guardrails`]) says of a finding that it covers.
    pub fn judged_by(&self, exception: usize, facts: &Facts<'_>, now: Timestamp) -> Vec<Judged> {
        let guardrails = self.exceptions[exception].guardrails.iter().filter_map(|&g| self.guardrails.get(g));
        guardrails
            .map(|guardrail| {
                let triggers = guardrail.approvals.iter().map(|rule| rule.matches(facts, now));
                // More rules than bits share the last one: rather one approval too many is asked for.
                let triggered = triggers.enumerate().fold(0, |bits, (n, yes)| bits | u64::from(yes) << n.min(63));
                Judged { in_grant: guardrail.grants.iter().any(|grant| grant.matches(facts, now)), triggered }
            })
            .collect()
    }

    /// Whether an exception may cover a finding with these facts: granted, and approved where that is asked for.
    pub fn admits(&self, exception: usize, facts: &Facts<'_>, now: Timestamp) -> bool {
        let judged = self.judged_by(exception, facts, now);
        let guardrails = self.exceptions[exception].guardrails.iter();
        guardrails.zip(judged).any(|(&guardrail, judged)| {
            judged.in_grant && self.missing_approval(exception, guardrail, judged.triggered, now).is_none()
        })
    }

    /// What is still missing for an exception whose findings triggered these approval rules of a guardrail.
    pub fn missing_approval(&self, exception: usize, guardrail: usize, triggered: u64, now: Timestamp) -> Option<Fault> {
        let Exception { meta, .. } = self.exceptions.get(exception)?;
        let guardrail = self.guardrails.get(guardrail)?;
        for (number, rule) in guardrail.spec.approvals.iter().enumerate().filter(|(n, _)| triggered >> (*n).min(63) & 1 != 0) {
            let approvers: BTreeSet<&str> = self
                .counting(&meta.object, &meta.digest, &rule.namespaces, now)
                .filter(|approval| approval.spec.decision == ApprovalDecision::Approve)
                .map(|approval| approval.spec.approver.as_str())
                .collect();
            if approvers.len() < rule.count as usize {
                let wanted = if rule.count == 1 { "an approval".to_owned() } else { format!("{} approvals", rule.count) };
                let there = match approvers.len() {
                    0 => "none counts".to_owned(),
                    there => format!("{there} counts"),
                };
                let message = format!(
                    "{} (spec.approvals[{number}]) asks for {wanted} of {} from {}, and {there}: `hubkeeper approve {}`",
                    guardrail.meta.object,
                    meta.digest,
                    rule.namespaces.join(" or "),
                    meta.object,
                );
                return Some(Fault::new(reasons::APPROVAL_NEEDED, message));
            }
        }
        None
    }

    /// A no counts whether or not a yes was needed, and whichever guardrail names the namespace that it comes from.
    pub fn denial(&self, exception: usize, now: Timestamp) -> Option<Fault> {
        let Exception { meta, guardrails, .. } = self.exceptions.get(exception)?;
        let rules = guardrails.iter().filter_map(|&g| self.guardrails.get(g)).flat_map(|g| &g.spec.approvals);
        let mut said = rules.flat_map(|rule| self.counting(&meta.object, &meta.digest, &rule.namespaces, now));
        let denial = said.find(|approval| approval.spec.decision == ApprovalDecision::Deny)?;
        Some(Fault::new(reasons::DENIED, format!("{} denies it: {}", denial.meta.object, denial.spec.reason)))
    }

    /// Whether an exception may be without effect only because something about it cannot be read: it, its grant, its
    /// approvals, or values of findings. Then nothing is given back.
    pub fn is_uncertain(&self, exception: usize, verdict: &Verdict) -> bool {
        let Verdict::Faulty(fault) = verdict else { return false };
        let approvers = || {
            let guardrails = self.exceptions[exception].guardrails.iter().filter_map(|&g| self.guardrails.get(g));
            guardrails.flat_map(|g| &g.spec.approvals).flat_map(|rule| &rule.namespaces)
        };
        let unreadable = |namespace: &String| {
            let of = |object: &&ObjectRef| object.kind == Kind::Approval && object.namespace.as_deref() == Some(namespace);
            self.unreadable.iter().any(|object| of(&object))
        };
        !self.complete
            || [reasons::INVALID, reasons::BACKFILLING].contains(&fault.reason)
            || (fault.reason == reasons::APPROVAL_NEEDED && approvers().any(unreadable))
    }

    /// Approvals of exactly this state, from these namespaces, in time.
    pub fn counting<'s>(
        &'s self,
        subject: &'s ObjectRef,
        digest: &'s str,
        namespaces: &'s [String],
        now: Timestamp,
    ) -> impl Iterator<Item = &'s Object<ApprovalSpec>> {
        self.approvals.iter().filter(move |approval| {
            let Object { meta, spec } = approval;
            spec.subject == *subject
                && spec.digest == digest
                && spec.expires_at.is_none_or(|until| now < until)
                && meta.object.namespace.as_deref().is_some_and(|from| namespaces.iter().any(|name| name == from))
        })
    }

    /// The ceiling that approvals allow for an action of an owner, if any: the highest approved, none if one denies it.
    pub fn approved_ceiling(&self, owner: &ObjectRef, spec_digest: &str, action: &str, now: Timestamp) -> Option<u64> {
        let mut highest = None;
        for approval in &self.approvals {
            let Some(ceiling) = approval.spec.max_findings.map(u64::from) else { continue };
            let digest = digest::over_limit(&self.hub, &owner.to_string(), spec_digest, action, ceiling);
            for counting in self.counting(owner, &digest, &self.hub_spec.approval_namespaces, now) {
                if counting.meta.object != approval.meta.object {
                    continue;
                }
                if counting.spec.decision == ApprovalDecision::Deny {
                    return None;
                }
                highest = highest.max(Some(ceiling));
            }
        }
        highest
    }

    /// The next moment after `now` at which time alone changes a decision.
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        self.deadlines.get(self.deadlines.partition_point(|&at| at <= now)).copied()
    }

    /// Whether time alone changes what some filter matches.
    pub fn is_relative(&self) -> bool {
        self.relative
    }

    /// How many rules and targets the index files under no property: each costs every finding a look.
    pub fn unindexed(&self) -> usize {
        self.index.always_count()
    }

    fn is_exception(&self, owner: &Owner, exception: usize) -> bool {
        matches!(owner, Owner::Object(object) if *object == self.exceptions[exception].meta.object)
    }

    fn is_policy(&self, owner: &Owner, policy: usize) -> bool {
        matches!(owner, Owner::Object(object) if *object == self.policies[policy].meta.object)
    }
}

/// Whether two responses do the same to a finding; why they do it may differ.
fn same_action(a: Response, b: Response) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}
