//! From what is wanted to what is sent: limits, freshness, and calls of up to a hundred findings that share a patch.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::evaluate::{Evaluator, Wanted};
use super::ports::{LimitHold, Patch, ReadFilter};
use crate::core::compile::{OwnerState, PolicySet};
use crate::core::decide::ChangeKind;
use crate::core::digest;
use crate::core::ids::{ControlId, ObjectRef};
use crate::core::limits::{self, Ledger};
use crate::core::marker::Owner;
use crate::core::note;
use crate::core::reasons;
use crate::inventory::{Inventory, NoteKind, Place, RowId, Window};

/// Findings that one BatchUpdateFindings takes.
pub const BATCH: usize = 100;
/// Values that one filter field takes.
const FILTER_VALUES: usize = 20;
/// Findings that one page brings.
const PAGE: usize = 100;

/// One call.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Where.
    pub place: Place,
    /// Its findings.
    pub rows: Vec<RowId>,
    /// What it sets.
    pub patch: Patch,
    /// What each owner pays for it against its limits.
    pub paid: BTreeMap<String, u64>,
}

/// What waits for an approval, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The owner, as markers name it.
    pub owner: Owner,
    /// The figures and the digest.
    pub hold: LimitHold,
}

/// What can be done now.
#[derive(Debug, Default)]
pub struct Plan {
    /// To be sent, full calls first.
    pub batches: Vec<Batch>,
    /// Over a limit.
    pub held: Vec<Held>,
    /// Seen too long ago: to be read again first.
    pub stale: Vec<RowId>,
    /// All rows that may be changed, sent or stale.
    pub admitted: Vec<RowId>,
}

/// What planning looks at besides the evaluator and the inventory.
pub struct Circumstances<'a> {
    /// The moment.
    pub now: Timestamp,
    /// What was changed lately.
    pub ledger: &'a Ledger,
    /// What is being sent and not yet in the ledger.
    pub reserved: &'a BTreeMap<String, u64>,
    /// Rows that are not to be touched now: in flight, or failed lately.
    pub blocked: &'a dyn Fn(RowId) -> bool,
    /// How old a sighting may be.
    pub freshness: Duration,
}

/// Plans the calls for everything that is wanted.
pub fn plan(evaluator: &Evaluator, inventory: &Inventory, at: &Circumstances<'_>) -> Plan {
    let set = evaluator.set();
    let mut groups: BTreeMap<(&Owner, ChangeKind), Group<'_>> = BTreeMap::new();
    for (&row, wanted) in evaluator.wanted() {
        let frozen = set.hub_spec.suspend && wanted.reason != reasons::EXPIRED;
        if frozen {
            continue;
        }
        let group = groups.entry((&wanted.change.owner, wanted.change.kind)).or_default();
        match ((at.blocked)(row), wanted.free) {
            (false, true) => group.free.push((row, wanted)),
            (false, false) => group.paid.push((row, wanted)),
            (true, true) => {}
            (true, false) => group.waiting += 1,
        }
    }
    let mut plan = Plan::default();
    let mut allowances = Allowances::new(evaluator, inventory);
    let mut spent: BTreeMap<String, u64> = at.reserved.clone();
    let mut in_flight: BTreeMap<String, u64> = at.reserved.clone();
    let mut ready = Vec::new();
    for ((owner, kind), mut group) in groups {
        ready.append(&mut group.free);
        let name = owner.to_string();
        // What waits to be read again belongs to the batch; what is in flight was admitted before and is counted as spent.
        let flying = in_flight.entry(name.clone()).or_default();
        let counted = group.waiting.min(*flying);
        *flying -= counted;
        let waiting = group.waiting - counted;
        let paid = group.paid.len() as u64;
        let wanted = paid + waiting;
        if paid == 0 {
            continue;
        }
        let room = allowances.room(set, owner, kind, &name, &spent, at);
        // Nobody can approve for an inherited answer: as much of it as fits, the rest in the next hour.
        let admitted = match owner {
            Owner::Object(_) if wanted > room.free => 0,
            Owner::Object(_) => paid,
            Owner::Inherited => paid.min(room.free),
        };
        if admitted < paid {
            let (spec, _) = spec_digest(set, owner);
            let ceiling = limits::ceiling(room.used.saturating_add(wanted));
            let digest = digest::over_limit(&set.hub, &name, &spec, kind.as_str(), ceiling);
            let wanted = wanted - admitted;
            plan.held.push(Held { owner: owner.clone(), hold: LimitHold { action: kind.as_str(), wanted, ceiling, digest } });
        }
        *spent.entry(name).or_default() += admitted;
        *spent.entry(String::new()).or_default() += admitted;
        group.paid.truncate(usize::try_from(admitted).unwrap_or(usize::MAX));
        ready.append(&mut group.paid);
    }
    let mut calls: BTreeMap<(Place, Patch), Vec<(RowId, &Wanted)>> = BTreeMap::new();
    for (row, wanted) in ready {
        let Some(view) = inventory.get(row) else { continue };
        plan.admitted.push(row);
        if age(view.seen_at(), at.now) > at.freshness {
            plan.stale.push(row);
            continue;
        }
        let marker = note::marker(&wanted.change, at.now);
        let text = (view.note() != NoteKind::Foreign).then(|| note::text(set, &wanted.change, &wanted.holder, wanted.reason));
        let user_defined_fields = note::user_defined_fields(&marker, view.foreign().map(AsRef::as_ref));
        let patch = Patch { workflow: wanted.change.workflow, note: text, user_defined_fields };
        calls.entry((view.place(), patch)).or_default().push((row, wanted));
    }
    for ((place, patch), rows) in calls {
        for chunk in rows.chunks(BATCH) {
            let mut paid: BTreeMap<String, u64> = BTreeMap::new();
            for (_, wanted) in chunk.iter().filter(|(_, wanted)| !wanted.free) {
                *paid.entry(wanted.change.owner.to_string()).or_default() += 1;
            }
            plan.batches.push(Batch { place, rows: chunk.iter().map(|(row, _)| *row).collect(), patch: patch.clone(), paid });
        }
    }
    plan.batches.sort_by_key(|batch| std::cmp::Reverse(batch.rows.len()));
    plan
}

/// What one owner wants done in one way.
#[derive(Default)]
struct Group<'w> {
    paid: Vec<(RowId, &'w Wanted)>,
    free: Vec<(RowId, &'w Wanted)>,
    /// Paid rows that are not to be touched now.
    waiting: u64,
}

/// What an owner has used of the hour, and how much more it may.
struct Room {
    used: u64,
    free: u64,
}

fn age(seen: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(seen)).unwrap_or(Duration::ZERO)
}

/// The spec digest of an owner, and its object, for approvals.
pub fn spec_digest(set: &PolicySet, owner: &Owner) -> (String, Option<ObjectRef>) {
    let Owner::Object(object) = owner else { return ("none".to_owned(), None) };
    let digest = match set.owner_state(object) {
        OwnerState::Policy(p) => set.policies[p].meta.digest.to_string(),
        OwnerState::Exception(x) => set.exceptions[x].meta.digest.to_string(),
        OwnerState::Gone | OwnerState::Elsewhere | OwnerState::Unknown => "absent".to_owned(),
    };
    (digest, Some(object.clone()))
}

/// What may change in an hour, counted only if somebody asks.
struct Allowances<'a> {
    evaluator: &'a Evaluator,
    inventory: &'a Inventory,
    in_scope: Option<Vec<u64>>,
    hub: Option<u64>,
}

impl<'a> Allowances<'a> {
    fn new(evaluator: &'a Evaluator, inventory: &'a Inventory) -> Self {
        Self { evaluator, inventory, in_scope: None, hub: None }
    }

    /// An approval of an owner's changes lifts its own limit and the hub's, to its ceiling of what this owner changes in an hour.
    fn room(
        &mut self,
        set: &PolicySet,
        owner: &Owner,
        kind: ChangeKind,
        name: &str,
        spent: &BTreeMap<String, u64>,
        at: &Circumstances<'_>,
    ) -> Room {
        let taken = |name: &str| spent.get(name).copied().unwrap_or(0);
        let used = at.ledger.of(name, at.now) + taken(name);
        let (spec, object) = spec_digest(set, owner);
        let approved = object.as_ref().and_then(|object| set.approved_ceiling(object, &spec, kind.as_str(), at.now));
        let of_hub = limits::room(at.ledger.of_hub(at.now) + taken(""), self.hub_allowance(set), None);
        let own = match object.as_ref().map(|object| set.owner_state(object)) {
            Some(OwnerState::Policy(policy)) => set.policies[policy].spec.limits.map(|limits| (policy, limits)),
            _ => None,
        };
        let own = own.map_or(u64::MAX, |(policy, limits)| {
            limits::room(used, limits::allowance(limits, self.policy_scope(policy)), None)
        });
        Room { used, free: of_hub.min(own).max(limits::room(used, 0, approved)) }
    }

    fn hub_allowance(&mut self, set: &PolicySet) -> u64 {
        let inventory = self.inventory;
        *self.hub.get_or_insert_with(|| {
            let actionable = inventory.rows().filter_map(|row| inventory.get(row)).filter(|view| {
                view.record_state() == crate::core::status::RecordState::Active
                    && view.compliance() != Some(crate::core::status::ComplianceStatus::Passed)
            });
            limits::allowance(set.hub_spec.limits, actionable.count() as u64)
        })
    }

    fn policy_scope(&mut self, policy: usize) -> u64 {
        let evaluator = self.evaluator;
        let counts = self.in_scope.get_or_insert_with(|| evaluator.counts().0.iter().map(|counts| counts.in_scope).collect());
        counts.get(policy).copied().unwrap_or(0)
    }
}

/// The cheapest reads that show these rows again: by control and account, by creation, or by id, whichever brings fewer pages.
pub fn look_ups(inventory: &Inventory, rows: &[RowId]) -> Vec<(Place, ReadFilter, Vec<RowId>)> {
    let mut by_place: BTreeMap<Place, Vec<RowId>> = BTreeMap::new();
    for &row in rows {
        if let Some(view) = inventory.get(row) {
            by_place.entry(view.place()).or_default().push(row);
        }
    }
    let mut reads = Vec::new();
    for (place, rows) in by_place {
        let by_id = rows.len().div_ceil(FILTER_VALUES);
        let created = |row: &RowId| inventory.get(*row).map(crate::inventory::RowView::created_at);
        let window = Window { from: rows.iter().filter_map(created).min(), to: rows.iter().filter_map(created).max() };
        let by_window = inventory.count_between(place, window).div_ceil(PAGE);
        let controls = control_reads(inventory, place, &rows);
        let by_control = controls.as_ref().map_or(usize::MAX, |(calls, _)| *calls);
        if by_window <= by_control.min(by_id) {
            reads.push((place, ReadFilter { created_from: window.from, created_to: window.to, ..ReadFilter::default() }, rows));
        } else if let (true, Some((_, filters))) = (by_control <= by_id, controls) {
            // Every row waits for its own filter; which one that is does not matter before all of them are back.
            reads.extend(filters.into_iter().map(|filter| (place, filter, rows.clone())));
        } else {
            for chunk in rows.chunks(FILTER_VALUES) {
                let ids = chunk.iter().filter_map(|row| inventory.get(*row)).map(|view| view.key().id).collect();
                reads.push((place, ReadFilter { ids, ..ReadFilter::default() }, chunk.to_vec()));
            }
        }
    }
    reads
}

/// Reads by control, narrowed to the accounts where they are few; `None` if a row has no control.
fn control_reads(inventory: &Inventory, place: Place, rows: &[RowId]) -> Option<(usize, Vec<ReadFilter>)> {
    let mut wanted: BTreeMap<ControlId, Vec<crate::core::ids::AccountId>> = BTreeMap::new();
    for &row in rows {
        let view = inventory.get(row)?;
        let facts = view.facts();
        wanted.entry(ControlId::new(facts.control?)).or_default().push(facts.account);
    }
    let mut filters: Vec<ReadFilter> = Vec::new();
    let controls: Vec<(ControlId, Vec<_>)> = wanted.into_iter().collect();
    for chunk in controls.chunks(FILTER_VALUES) {
        let mut accounts: Vec<_> = chunk.iter().flat_map(|(_, accounts)| accounts.iter().copied()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        if accounts.len() > FILTER_VALUES {
            accounts.clear();
        }
        filters.push(ReadFilter { controls: chunk.iter().map(|(c, _)| c.clone()).collect(), accounts, ..ReadFilter::default() });
    }
    let mut brought = vec![0usize; filters.len()];
    for view in inventory.rows().filter_map(|row| inventory.get(row)).filter(|view| view.place() == place) {
        let facts = view.facts();
        let Some(control) = facts.control.map(ControlId::new) else { continue };
        for (filter, count) in filters.iter().zip(&mut brought) {
            let account = filter.accounts.is_empty() || filter.accounts.contains(&facts.account);
            *count += usize::from(account && filter.controls.contains(&control));
        }
    }
    Some((brought.iter().map(|count| count.div_ceil(PAGE).max(1)).sum(), filters))
}
