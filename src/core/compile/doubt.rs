//! What may mean a finding of which a field that filters name is not known yet.

use jiff::Timestamp;

use super::{Entry, Guardrail, Matches, PolicySet};
use crate::core::facts::Facts;
use crate::core::filter::Field;
use crate::core::matcher::{Index, Matcher, RuleKey, Scratch};
use crate::core::objects::Mode;

/// What can be told of findings that lack the same fields.
#[derive(Debug)]
pub struct Doubts {
    /// Rules and targets that ask for a missing field, without what they ask of it.
    index: Index<RuleKey>,
    /// Per exception: whether a guardrail of it judges by a missing field.
    judging: Vec<bool>,
    scratch: Scratch,
}

/// Whose meaning of one finding cannot be told.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// Policies, ascending.
    pub policies: Vec<usize>,
    /// Exceptions, ascending: those that may cover it, and those that do but whose grant cannot be told.
    pub exceptions: Vec<usize>,
}

impl Doubt {
    /// Whether everything can be told.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty() && self.exceptions.is_empty()
    }

    fn add(list: &mut Vec<usize>, number: usize) {
        if let Err(at) = list.binary_search(&number) {
            list.insert(at, number);
        }
    }
}

impl PolicySet {
    /// What can be told of findings that lack these fields.
    pub fn doubts(&self, missing: &[Field]) -> Doubts {
        let asks = |matcher: &Matcher| matcher.projects(missing);
        let judges = |guardrail: &Guardrail| guardrail.grants.iter().chain(&guardrail.approvals).any(asks);
        let judging = self.exceptions.iter();
        let judging = judging.map(|x| x.guardrails.iter().filter_map(|&g| self.guardrails.get(g)).any(judges));
        Doubts { index: self.index.without(missing), judging: judging.collect(), scratch: Scratch::default() }
    }

    /// Adds whose meaning of a finding with these facts cannot be told. `matches`: what means it for sure.
    pub fn doubt(&self, doubts: &mut Doubts, facts: &Facts<'_>, matches: &Matches, now: Timestamp, doubt: &mut Doubt) {
        let Doubts { index, judging, scratch } = doubts;
        index.matching(facts, now, scratch, |key| match self.entries.get(key.0 as usize) {
            Some(&Entry::Target { exception }) => Doubt::add(&mut doubt.exceptions, exception),
            Some(&(Entry::Scope { policy } | Entry::Rule { policy, .. })) => Doubt::add(&mut doubt.policies, policy),
            None => {}
        });
        for &exception in matches.exceptions.iter().filter(|&&x| judging.get(x) == Some(&true)) {
            Doubt::add(&mut doubt.exceptions, exception);
        }
    }

    /// Whether a finding has to be left until the doubt is gone: somebody who may mean it would act, or keep others from acting
    /// while suspended. Audit does neither.
    pub fn is_open(&self, doubt: &Doubt) -> bool {
        !doubt.exceptions.is_empty() || doubt.policies.iter().any(|&policy| self.policies[policy].spec.mode == Mode::Enforce)
    }
}
