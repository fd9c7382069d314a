//! What every object's state is, in its kind's words.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::word::{Word, trouble, unknown_owner};
use crate::core::compile::{Guardrail, PolicySet, Verdict};
use crate::core::digest;
use crate::core::ids::Kind;
use crate::core::marker::Owner;
use crate::core::objects::{ApprovalSpec, Broken, Meta, Mode, Object};
use crate::core::reasons;
use crate::engine::act::{self, Held};
use crate::engine::evaluate::{Evaluator, ExceptionCounts, PolicyCounts};
use crate::engine::keeper::{Keeper, NotOurs};
use crate::engine::ports::{
    ApprovalDetail, Condition, Detail, ExceptionDetail, ExceptionPolicyDetail, HubDetail, HubLimitHold, LimitHold, ObjectStatus,
    PolicyDetail,
};
use crate::inventory::RowId;

/// Everything that the words are made from.
pub(super) struct View<'a> {
    pub(super) keeper: &'a Keeper,
    pub(super) set: &'a PolicySet,
    pub(super) broken: &'a [Broken],
    pub(super) pending: &'a BTreeMap<Owner, u64>,
}

impl View<'_> {
    pub(super) fn status(meta: &Meta, word: Word, detail: Detail) -> ObjectStatus {
        ObjectStatus {
            object: meta.object.clone(),
            observed_generation: meta.generation,
            handled_request: meta.requested_at.clone(),
            conditions: word.conditions(),
            detail,
        }
    }

    /// What is wrong with an object, or with the place where it was when it could last be read.
    fn broken(&self, meta: &Meta) -> Option<&Broken> {
        let named = self.broken.iter().find(|broken| broken.object.as_ref() == Some(&meta.object));
        named.or_else(|| {
            let place = |origin: &str| origin.rsplit_once(':').map_or(origin, |(file, _)| file).to_owned();
            let own = meta.origin.as_deref().map(place)?;
            let lost = self.keeper.desired.as_ref().is_some_and(|desired| !desired.objects.contains(&meta.object));
            self.broken.iter().find(|broken| lost && broken.object.is_none() && place(&broken.origin) == own)
        })
    }

    /// What cannot be read at all may declare anything.
    fn unreadable_whole(&self) -> Option<Word> {
        let mut whole = self.broken.iter().filter(|broken| broken.object.is_none());
        let first = whole.next()?;
        let more = match whole.count() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let message =
            format!("{}{more}; until it can be read, nothing is given back for an owner that is missing", first.message);
        Some(Word::stalled(reasons::UNREADABLE, message))
    }

    /// Declared, readable, and nothing more to say.
    pub(super) fn fine(&self, meta: &Meta) -> Word {
        match self.broken(meta) {
            Some(broken) => Word::stalled(
                reasons::UNREADABLE,
                format!("{}: {}; the last good version stays in force", broken.origin, broken.message),
            ),
            None => Word::ready("in use"),
        }
    }

    /// What keeps every owner from being ready.
    fn common(&self, meta: &Meta) -> Option<Word> {
        if self.broken(meta).is_some() {
            return Some(self.fine(meta));
        }
        if let Some(failure) = self.keeper.trouble.first() {
            return Some(trouble(failure));
        }
        if let Some(word) = self.not_ours() {
            return Some(word);
        }
        if !self.keeper.ready() {
            return Some(Word::waits(reasons::SYNCING, format!("the first read of hub {} is under way", self.set.hub)));
        }
        None
    }

    /// What keeps the hub from being written. Nothing is said before anybody looked.
    fn not_ours(&self) -> Option<Word> {
        let (region, why) = self.keeper.not_ours()?;
        let (hub, own) = (&self.set.hub, &self.keeper.world.owner);
        match why {
            NotOurs::Unseen => None,
            NotOurs::Elsewhere(standing) => {
                let owner = standing.named().map(ToString::to_string).unwrap_or_default();
                Some(Word::stalled(
                    reasons::OWNED_ELSEWHERE,
                    format!(
                        "the hub in {region} is owned by {owner}, and this is {own}: nothing is written there; `hubkeeper take-over {hub} --owner {own}` moves it"
                    ),
                ))
            }
            NotOurs::Unknown(failure) => Some(unknown_owner(failure)),
        }
    }

    /// What is declared waits for findings that lack a field which it names anew.
    fn backfilling(&self) -> Option<Word> {
        let (waiting, of) = self.keeper.evaluator.as_ref()?.backfilling();
        let message = || format!("a filter names a field that has to be read first: {} of {of} findings are read", of - waiting);
        (waiting > 0).then(|| Word::waits(reasons::BACKFILLING, message()))
    }

    /// A policy waits only for findings that it may mean.
    fn waits(&self, policy: usize) -> Option<Word> {
        let waits = self.keeper.evaluator.as_ref().is_some_and(|evaluator| evaluator.policy_waits_for(policy) > 0);
        self.backfilling().filter(|_| waits)
    }

    pub(super) fn hub(&self) -> ObjectStatus {
        let keeper = self.keeper;
        let smallest = keeper.smallest_sync_interval();
        let interval = Duration::from_secs(u64::from(self.set.hub_spec.sync_interval_seconds));
        let word = if let Some(word) =
            self.common(&self.set.hub_meta).or_else(|| self.unreadable_whole()).or_else(|| self.backfilling())
        {
            word
        } else if let Some(smallest) = smallest.filter(|smallest| *smallest > interval) {
            let message = format!(
                "spec.syncIntervalSeconds is {}, and the quota allows no less than {} for the findings there are: raise it, or apiQuotaPercent",
                interval.as_secs(),
                smallest.as_secs()
            );
            Word::stalled(reasons::INTERVAL_TOO_SHORT, message)
        } else if let Some(failure) = &keeper.trouble.queue {
            trouble(failure)
        } else if self.set.hub_spec.suspend {
            Word::settled(reasons::SUSPENDED, "suspended: nothing is written but expiry")
        } else if let Some(word) = self.refused(None) {
            word
        } else if keeper.inventory.broken_markers() > 0 {
            let count = keeper.inventory.broken_markers();
            Word::stalled(
                reasons::MARKER_UNREADABLE,
                format!("{count} findings carry a marker that cannot be read and are left alone: see `hubkeeper explain`"),
            )
        } else if keeper.converged() {
            Word::ready("actual matches desired")
        } else if let Some(held) = keeper.held.iter().find(|held| held.by_hub) {
            Self::over_hub_limit(held)
        } else if !keeper.held.is_empty() {
            Word::stalled(reasons::LIMIT_EXCEEDED, "changes are over a limit: see the status of their owners")
        } else {
            Word::waits(reasons::PROGRESSING, "changes are under way")
        };
        let regions = keeper.regions();
        let detail = HubDetail {
            account: keeper.description.as_ref().map(|description| description.account),
            hub_arn: keeper.description.as_ref().map(|description| description.hub_arn.clone()),
            owner: keeper.owner_at_home(),
            keeper: Some(keeper.world.owner.to_string()),
            linked_regions: keeper
                .description
                .as_ref()
                .and_then(|description| description.linked_regions.clone())
                .unwrap_or_default(),
            findings: keeper.inventory.len() as u64,
            problems: keeper.inventory.problems() as u64,
            unreadable: keeper.unreadable,
            last_full_sync: keeper.last_full_sync,
            proven_since: keeper.proven_since(),
            smallest_sync_interval_seconds: smallest.map(|smallest| smallest.as_secs()),
            pending_changes: self.pending.values().sum(),
            left_regions: regions.left.clone(),
            limit_holds: keeper
                .held
                .iter()
                .filter(|held| held.by_hub)
                .map(|held| HubLimitHold { owner: held.owner.clone(), hold: held.hold.clone() })
                .collect(),
        };
        let mut status = Self::status(&self.set.hub_meta, word, Detail::Hub(detail));
        if keeper.description.is_some() {
            status.conditions.extend(Word::linked(self.set, &regions));
            status.conditions.sort_by_key(|condition| condition.kind);
        }
        status
    }

    fn over_hub_limit(held: &Held) -> Word {
        let hold = &held.hold;
        let what = format!("{} of {} findings for {} is over spec.limits", hold.action, hold.wanted, held.owner);
        let next = match &held.owner {
            Owner::Object(_) => {
                format!("an approval of {} with maxFindings {} allows it (`hubkeeper approve`)", hold.digest, hold.ceiling)
            }
            Owner::Inherited => "they follow as the hour allows".to_owned(),
        };
        Word::stalled(reasons::LIMIT_EXCEEDED, format!("{what}; {next}"))
    }

    /// Findings that the hub did not take, of one owner or of all: how many, the code, and one of them.
    fn refused(&self, owner: Option<&Owner>) -> Option<Word> {
        let wanted = self.keeper.evaluator.as_ref()?.wanted();
        let of_owner =
            |row: &RowId| owner.is_none_or(|owner| wanted.get(row).is_some_and(|wanted| wanted.change.owner == *owner));
        let refused = || self.keeper.refused.iter().filter(|(row, _)| of_owner(row));
        // What no time mends is told first.
        let (row, first) = refused().find(|(_, refusal)| refusal.lasting).or_else(|| refused().next())?;
        let count = refused().filter(|(_, refusal)| refusal.lasting == first.lasting).count();
        let example = self.keeper.inventory.get(*row).map(|view| view.key().id).unwrap_or_default();
        let said = format!("{count} findings were not taken: {} ({}), for example {example}", first.message, first.code);
        Some(if first.lasting {
            Word::stalled(reasons::REFUSED, format!("{said}; not sent again until they or what is declared of them change"))
        } else {
            Word::retried(reasons::AWS_FAILED, format!("{said}; they are tried again"))
        })
    }

    fn holds_of(&self, owner: &Owner) -> Vec<LimitHold> {
        self.keeper.held.iter().filter(|held| held.owner == *owner).map(|held| held.hold.clone()).collect()
    }

    fn over_limit(holds: &[LimitHold]) -> Option<Word> {
        let hold = holds.first()?;
        let message = format!(
            "{} of {} findings is over a limit; an approval of {} with maxFindings {} allows it (`hubkeeper approve`)",
            hold.action, hold.wanted, hold.digest, hold.ceiling
        );
        Some(Word::stalled(reasons::LIMIT_EXCEEDED, message))
    }

    fn held(&self, owner: &Owner) -> u64 {
        self.keeper.inventory.held_by(owner)
    }

    pub(super) fn policy(&self, number: usize, counts: PolicyCounts) -> ObjectStatus {
        let policy = &self.set.policies[number];
        let owner = Owner::Object(policy.meta.object.clone());
        let limit_holds = self.holds_of(&owner);
        let pending = self.pending.get(&owner).copied().unwrap_or(0);
        let audit = policy.spec.mode == Mode::Audit;
        let word = if let Some(fault) = &policy.fault {
            Word::stalled(fault.reason, fault.message.clone())
        } else if let Some(word) = self.common(&policy.meta).or_else(|| self.waits(number)) {
            word
        } else if policy.spec.suspend {
            Word::settled(reasons::SUSPENDED, "suspended: nothing is written for it")
        } else if counts.conflicted > 0 {
            Word::stalled(
                reasons::CONFLICTED,
                "a policy of the same priority says something else of the same findings: neither acts there",
            )
        } else if counts.flapping > 0 {
            Word::stalled(reasons::FLAPPING, self.flapping(&owner))
        } else if let Some(word) = Self::over_limit(&limit_holds) {
            word
        } else if let Some(word) = self.refused(Some(&owner)) {
            word
        } else if pending > 0 {
            Word::waits(reasons::PROGRESSING, "changes are under way")
        } else if audit {
            Word::ready("audited: decides and reports, writes nothing")
        } else {
            Word::ready("actual matches desired")
        };
        let detail = PolicyDetail {
            in_scope: counts.in_scope,
            decided: counts.decided,
            held: self.held(&owner),
            respected: counts.respected,
            excepted: counts.excepted,
            pending_changes: if audit { counts.would_change } else { pending },
            limit_holds,
        };
        Self::status(&policy.meta, word, Detail::Policy(detail))
    }

    /// Who keeps rewriting what this owner sets, and where.
    fn flapping(&self, owner: &Owner) -> String {
        let keeper = self.keeper;
        let ours = |row: &RowId| {
            let view = keeper.inventory.get(*row);
            view.is_some_and(|view| view.marker().marker().is_some_and(|marker| marker.owner == *owner))
        };
        let rows: Vec<&RowId> = keeper.flappers.keys().filter(|row| ours(row)).collect();
        let writers: BTreeSet<&str> = rows.iter().filter_map(|row| keeper.flappers.get(row)).map(AsRef::as_ref).collect();
        let names: Vec<&str> = writers.into_iter().take(3).collect();
        let names = if names.is_empty() { "something".to_owned() } else { names.join(", ") };
        let example =
            rows.first().and_then(|row| keeper.inventory.get(**row)).map(|view| format!(", for example on {}", view.key().id));
        format!("{names} keeps rewriting what it sets{}: stopped there", example.unwrap_or_default())
    }

    pub(super) fn exception(&self, number: usize, evaluator: &Evaluator, counts: ExceptionCounts) -> ObjectStatus {
        let exception = &self.set.exceptions[number];
        let owner = Owner::Object(exception.meta.object.clone());
        let limit_holds = self.holds_of(&owner);
        let pending = self.pending.get(&owner).copied().unwrap_or(0);
        let verdict =
            if self.keeper.ready() { evaluator.verdicts()[number].clone() } else { self.set.standing(number, self.keeper.now()) };
        // Which one grants it is told by the findings it covers; before that, the first that may.
        let granting = evaluator.granting()[number].or(exception.guardrail);
        let (state, word) = match &verdict {
            Verdict::Expired => (
                "Expired",
                match pending {
                    0 => Word::settled(reasons::EXPIRED, format!("expired at {}", exception.spec.expires_at)),
                    _ => Word::waits(
                        reasons::EXPIRED,
                        format!("expired at {}; findings are given back", exception.spec.expires_at),
                    ),
                },
            ),
            // It mends itself, by the read that is under way.
            Verdict::Faulty(fault) if fault.reason == reasons::BACKFILLING => {
                ("Pending", Word::waits(fault.reason, fault.message.clone()))
            }
            // Nothing about it is wrong.
            Verdict::Faulty(fault) if fault.reason == reasons::APPROVAL_NEEDED => {
                ("Pending", Word::stalled(fault.reason, fault.message.clone()))
            }
            Verdict::Faulty(fault) => ("Invalid", Word::stalled(fault.reason, fault.message.clone())),
            Verdict::Suspended => {
                ("Suspended", Word::settled(reasons::SUSPENDED, "suspended: nothing is written for it but its expiry"))
            }
            Verdict::Pending => ("Pending", Word::settled(reasons::PENDING, format!("begins at {}", exception.spec.starts_at))),
            Verdict::Active => ("Active", Word::ready("in force")),
        };
        let active = verdict == Verdict::Active;
        let in_force = Condition {
            kind: "InForce",
            // What waits for a read is not known to be either.
            status: (word.reason != reasons::BACKFILLING).then_some(active),
            reason: if active { reasons::ACTIVE } else { word.reason },
            message: word.message.clone(),
        };
        let word = match self.common(&exception.meta) {
            Some(common) if active || self.broken(&exception.meta).is_some() => common,
            _ if active && counts.flapping > 0 => Word::stalled(reasons::FLAPPING, self.flapping(&owner)),
            _ if active => match Self::over_limit(&limit_holds) {
                Some(over) => over,
                None if self.refused(Some(&owner)).is_some() => self.refused(Some(&owner)).unwrap_or(word),
                None if pending > 0 => Word::waits(reasons::PROGRESSING, "changes are under way"),
                None => word,
            },
            _ => word,
        };
        let detail = ExceptionDetail {
            state,
            digest: exception.meta.digest.to_string(),
            granted_by: granting.and_then(|g| self.set.guardrails.get(g)).map(|g| g.meta.object.name.to_string()),
            matched: counts.matched,
            held: self.held(&owner),
            overridden: counts.overridden,
            expires_at: Some(exception.spec.expires_at),
            limit_holds,
        };
        let mut status = Self::status(&exception.meta, word, Detail::Exception(detail));
        status.conditions.insert(0, in_force);
        status
    }

    pub(super) fn guardrail(&self, number: usize, granting: &[Option<usize>]) -> ObjectStatus {
        let guardrail = &self.set.guardrails[number];
        let admitted = self.set.exceptions.iter().filter(|exception| exception.guardrails.contains(&number));
        let detail = ExceptionPolicyDetail {
            exceptions: admitted.count() as u64,
            active: granting.iter().filter(|by| **by == Some(number)).count() as u64,
        };
        let word = match &guardrail.fault {
            Some(fault) => Word::stalled(fault.reason, fault.message.clone()),
            None => self.fine(&guardrail.meta),
        };
        Self::status(&guardrail.meta, word, Detail::ExceptionPolicy(detail))
    }

    pub(super) fn approval(&self, approval: &Object<ApprovalSpec>) -> ObjectStatus {
        let (now, set, spec) = (self.keeper.now(), self.set, &approval.spec);
        let from = approval.meta.object.namespace.as_deref().unwrap_or_default();
        let own = spec.digest.as_str();
        let exception = set.exceptions.iter().find(|exception| exception.meta.object == spec.subject);
        let as_exception = exception.is_some_and(|exception| {
            let mut guardrails = exception.guardrails.iter().filter_map(|&g| set.guardrails.get(g));
            let counted = |g: &Guardrail| g.spec.approvals.iter().any(|rule| rule.namespaces.iter().any(|n| n == from));
            *exception.meta.digest == *own && guardrails.any(counted)
        });
        let (spec_digest, _) = act::spec_digest(set, &Owner::Object(spec.subject.clone()));
        let as_limit = spec.max_findings.is_some_and(|ceiling| {
            let owner = spec.subject.to_string();
            let kinds = ["suppress", "adopt", "give back", "reopen"];
            let digests = kinds.map(|kind| digest::over_limit(&set.hub, &owner, &spec_digest, kind, u64::from(ceiling)));
            digests.iter().any(|digest| digest == own) && set.hub_spec.approval_namespaces.iter().any(|n| n == from)
        });
        let in_time = spec.expires_at.is_none_or(|until| now < until);
        let counts = in_time && (as_exception || as_limit);
        let word = if counts {
            Word::settled(reasons::COUNTS, "counts for the present state of its subject")
        } else if in_time {
            Word::settled(
                reasons::STALE,
                "does not count: its digest is of another state of its subject, or it is not in a namespace that counts",
            )
        } else {
            Word::settled(reasons::EXPIRED, "expired")
        };
        Self::status(&approval.meta, word, Detail::Approval(ApprovalDetail { counts }))
    }

    /// Objects that are there, cannot be read, and have no good version.
    pub(super) fn unreadable(&self) -> Vec<ObjectStatus> {
        let unknown = self.broken.iter().filter_map(|broken| Some((broken.object.clone()?, broken)));
        unknown
            .filter(|(object, _)| self.set.unreadable.contains(object) || object.kind == Kind::Approval)
            .map(|(object, broken)| {
                let detail = Detail::empty(object.kind);
                let word = Word::stalled(
                    reasons::UNREADABLE,
                    format!("{}: {}; what it holds is left as it is", broken.origin, broken.message),
                );
                ObjectStatus { object, observed_generation: 0, handled_request: None, conditions: word.conditions(), detail }
            })
            .collect()
    }
}
