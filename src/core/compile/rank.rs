//! What comes before a rule and cannot speak: a rule that may come first, and cannot be read or is suspended, keeps those behind
//! it from doing what it might forbid.

use super::{Holder, Matches, Policy, PolicySet, same_action};
use crate::core::ids::AccountId;
use crate::core::objects::Mode;

/// A policy of which little more than its priority can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Its name, or the place where it is declared.
    pub name: String,
    /// As far as it can be read; else the default.
    pub priority: i32,
}

/// Why a rule that matches does not act yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Before {
    /// By the labels of the account, which cannot be read, another rule may come first.
    Account,
    /// A policy of higher priority is malformed: its name or place.
    Unreadable(String),
    /// A policy of higher priority means the finding and is suspended: index into [`PolicySet::policies`].
    Suspended(usize),
}

impl PolicySet {
    /// What comes, or may come, before the rule that would act on a finding of this account. A malformed policy of the same
    /// priority does not count: one bad file must not stop every other.
    pub fn before(&self, holder: &Holder, matches: &Matches, account: AccountId) -> Option<Before> {
        let &Holder::Rule { policy, rule } = holder else { return None };
        let own = &self.policies[policy].spec;
        let suspended = |&&(number, other): &&(usize, usize)| {
            let spec = &self.policies[number].spec;
            spec.suspend
                && spec.mode == Mode::Enforce
                && (spec.priority > own.priority
                    || spec.priority == own.priority && !same_action(spec.rules[other].response, own.rules[rule].response))
        };
        if let Some(&(number, _)) = matches.rules.iter().find(suspended) {
            return Some(Before::Suspended(number));
        }
        if let Some(hidden) = self.hidden.iter().find(|hidden| hidden.priority > own.priority) {
            return Some(Before::Unreadable(hidden.name.clone()));
        }
        let faulty = |&(number, p): &(usize, &Policy)| {
            p.fault.is_some()
                && p.spec.mode == Mode::Enforce
                && p.spec.priority > own.priority
                && (!p.scoped || matches.scopes.contains(&number))
        };
        if let Some((_, faulty)) = self.policies.iter().enumerate().find(faulty) {
            return Some(Before::Unreadable(faulty.meta.object.to_string()));
        }
        self.account_hides(policy, rule, account).then_some(Before::Account)
    }

    fn account_hides(&self, policy: usize, rule: usize, account: AccountId) -> bool {
        if self.complete || self.accounts.contains(&account) {
            return false;
        }
        let own = &self.policies[policy].spec;
        let earlier = own.rules[..rule].iter().any(|earlier| earlier.matches.account_selector.is_some());
        let selects = |p: &Policy| {
            p.spec.scope.account_selector.is_some() || p.spec.rules.iter().any(|rule| rule.matches.account_selector.is_some())
        };
        let higher = |&(number, p): &(usize, &Policy)| {
            number != policy && p.spec.priority >= own.priority && self.enforces(number) && selects(p)
        };
        earlier || self.policies.iter().enumerate().any(|p| higher(&p))
    }
}
