//! From what is wanted to what is sent: limits, freshness, and calls of up to a hundred findings that share a patch.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::evaluate::{Evaluator, Wanted};
use super::ports::{LimitHold, Patch, ReadFilter};
use crate::core::compile::{OwnerState, PolicySet};
use crate::core::decide::ChangeKind;
use crate::core::digest;
use crate::core::ids::{AccountId, ControlId, ObjectRef};
use crate::core::limits::{self, Ledger};
use crate::core::marker::Owner;
use crate::core::note;
use crate::core::reasons;
use crate::core::status::{ComplianceStatus, RecordState};
use crate::inventory::{Inventory, NoteKind, Place, RowId};

/// Findings that one BatchUpdateFindings takes.
pub const BATCH: usize = 100;
/// Values that one filter field takes.
const FILTER_VALUES: usize = 20;
/// Findings that one page brings.
const PAGE: usize = 100;
/// So many rows in between that nobody wants part two windows.
const GAP: usize = 10 * PAGE;

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
    /// Whether the hub's limits hold it back, and not only the owner's own.
    pub by_hub: bool,
}

/// What can be done now.
#[derive(Debug, Default)]
pub struct Plan {
    /// To be sent.
    pub batches: Vec<Batch>,
    /// Over a limit.
    pub held: Vec<Held>,
    /// Seen too long ago: to be read again first.
    pub stale: Vec<RowId>,
    /// Calls that are not full wait for others that share them.
    pub waits: bool,
    /// The oldest sighting of those that wait for others that are being read again.
    pub waits_since: Option<Timestamp>,
}

/// What planning looks at besides the evaluator and the inventory.
pub struct Circumstances<'a> {
    /// The moment.
    pub now: Timestamp,
    /// What was changed lately.
    pub ledger: &'a Ledger,
    /// What is being sent and not yet in the ledger.
    pub reserved: &'a BTreeMap<String, u64>,
    /// Rows of a hub that is not known to be ours: nothing is to be done about them.
    pub elsewhere: &'a dyn Fn(RowId) -> bool,
    /// Rows that are not to be touched now: in flight, or failed lately.
    pub blocked: &'a dyn Fn(RowId) -> bool,
    /// Rows that are being read again and have not come yet.
    pub looking: &'a dyn Fn(RowId) -> bool,
    /// When a row came that was read again to be written, if that is not too long ago.
    pub arrived: &'a dyn Fn(RowId) -> Option<Timestamp>,
    /// How old a sighting may be.
    pub freshness: Duration,
    /// How many calls can be sent to each place; none to a place that is not named.
    pub calls: BTreeMap<Place, usize>,
    /// Whether calls that are not full have waited long enough.
    pub idle: bool,
}

/// The changes that one owner wants of one kind, and that may be sent: by the age of their sighting, oldest first, because the
/// oldest is the next that would have to be read again.
struct Group<'a> {
    rows: Vec<(Timestamp, RowId, &'a Wanted)>,
    /// Others of them are being read again.
    more: bool,
}

/// Plans the next calls for what is wanted.
pub fn plan(evaluator: &Evaluator, inventory: &Inventory, at: &Circumstances<'_>) -> Plan {
    let mut plan = Plan::default();
    let mut groups = admitted(evaluator, inventory, at, &mut plan);
    groups.sort_by_key(|group| group.rows.first().map(|(seen, row, _)| (*seen, *row)));
    let mut room = at.calls.clone();
    for group in groups {
        room.retain(|_, calls| *calls > 0);
        if room.is_empty() {
            break;
        }
        pack(evaluator.set(), inventory, at, &group, &mut room, &mut plan);
    }
    plan
}

/// What may be sent within the limits, seen lately; notes what is over a limit, and what was seen too long ago.
fn admitted<'a>(evaluator: &'a Evaluator, inventory: &'a Inventory, at: &Circumstances<'_>, plan: &mut Plan) -> Vec<Group<'a>> {
    let set = evaluator.set();
    let mut wanted_by: BTreeMap<(&Owner, ChangeKind), Wishes<'_>> = BTreeMap::new();
    for (&row, wanted) in evaluator.wanted() {
        let frozen = set.hub_spec.suspend && wanted.reason != reasons::EXPIRED;
        if frozen || (at.elsewhere)(row) {
            continue;
        }
        let wishes = wanted_by.entry((&wanted.change.owner, wanted.change.kind)).or_default();
        match ((at.blocked)(row), wanted.free) {
            (false, true) => wishes.free.push((row, wanted)),
            (false, false) => wishes.paid.push((row, wanted)),
            (true, true) => {}
            (true, false) => wishes.waiting += 1,
        }
    }
    let mut allowances = Allowances::new(evaluator, inventory);
    let mut spent: BTreeMap<String, u64> = at.reserved.clone();
    let mut in_flight: BTreeMap<String, u64> = at.reserved.clone();
    let mut groups = Vec::new();
    for ((owner, kind), wishes) in wanted_by {
        let Wishes { paid: mut paying, free: mut rows, waiting } = wishes;
        let name = owner.to_string();
        // What was not taken belongs to the batch; what is in flight was admitted before and is counted as spent.
        let flying = in_flight.entry(name.clone()).or_default();
        let counted = waiting.min(*flying);
        *flying -= counted;
        let waiting = waiting - counted;
        let paid = paying.len() as u64;
        let wanted = paid + waiting;
        if paid > 0 {
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
                let by_hub = wanted > room.of_hub.free;
                let wanted = wanted - admitted;
                // Of inherited answers the next goes as soon as there is room for it.
                let least = if matches!(owner, Owner::Object(_)) { wanted } else { 1 };
                let until = room.until(&name, least, at);
                let hold = LimitHold { action: kind.as_str(), wanted, ceiling, digest, since: at.now, until };
                plan.held.push(Held { owner: owner.clone(), hold, by_hub });
            }
            *spent.entry(name).or_default() += admitted;
            *spent.entry(String::new()).or_default() += admitted;
            paying.truncate(usize::try_from(admitted).unwrap_or(usize::MAX));
            rows.append(&mut paying);
        }
        let mut group = Group { rows: Vec::with_capacity(rows.len()), more: false };
        for (row, wanted) in rows {
            let Some(view) = inventory.get(row) else { continue };
            let seen = (at.arrived)(row).map_or(view.seen_at(), |arrived| arrived.max(view.seen_at()));
            if (at.looking)(row) {
                group.more = true;
            } else if age(seen, at.now) > at.freshness {
                group.more = true;
                plan.stale.push(row);
            } else {
                group.rows.push((seen, row, wanted));
            }
        }
        group.rows.sort_by_key(|(seen, row, _)| (*seen, *row));
        groups.push(group);
    }
    groups
}

/// Packs a group into calls: full ones at once, others when nothing more is to come soon.
fn pack(
    set: &PolicySet,
    inventory: &Inventory,
    at: &Circumstances<'_>,
    group: &Group<'_>,
    room: &mut BTreeMap<Place, usize>,
    plan: &mut Plan,
) {
    let mut calls: BTreeMap<(Place, Patch), Vec<(RowId, &Wanted)>> = BTreeMap::new();
    for &(_, row, wanted) in &group.rows {
        let Some(view) = inventory.get(row) else { continue };
        let Some(left) = room.get_mut(&view.place()) else { continue };
        let marker = note::marker(&wanted.change, at.now);
        let text = (view.note() != NoteKind::Foreign).then(|| note::text(set, &wanted.change, &wanted.holder, wanted.reason));
        let user_defined_fields = note::user_defined_fields(&marker, view.foreign().map(AsRef::as_ref));
        let patch = Patch { workflow: wanted.change.workflow, note: text, user_defined_fields };
        let key = (view.place(), patch);
        let rows = calls.entry(key.clone()).or_default();
        rows.push((row, wanted));
        if rows.len() == BATCH {
            let rows = std::mem::take(rows);
            calls.remove(&key);
            plan.batches.push(batch(key.0, key.1, &rows));
            *left -= 1;
            if *left == 0 {
                room.remove(&key.0);
            }
            if room.is_empty() {
                return;
            }
        }
    }
    let oldest = group.rows.first().map(|(seen, _, _)| *seen);
    // Others of the group come with the next page; but none of these may grow too old meanwhile.
    let patient = group.more && oldest.is_some_and(|seen| age(seen, at.now) < at.freshness / 2);
    for ((place, patch), rows) in calls {
        let Some(left) = room.get_mut(&place).filter(|left| **left > 0) else { continue };
        if patient {
            plan.waits_since = plan.waits_since.into_iter().chain(oldest).min();
        } else if !at.idle {
            plan.waits = true;
        } else {
            *left -= 1;
            plan.batches.push(batch(place, patch, &rows));
        }
    }
}

fn batch(place: Place, patch: Patch, rows: &[(RowId, &Wanted)]) -> Batch {
    let mut paid: BTreeMap<String, u64> = BTreeMap::new();
    for (_, wanted) in rows.iter().filter(|(_, wanted)| !wanted.free) {
        *paid.entry(wanted.change.owner.to_string()).or_default() += 1;
    }
    Batch { place, rows: rows.iter().map(|(row, _)| *row).collect(), patch, paid }
}

/// What one owner wants done in one way.
#[derive(Default)]
struct Wishes<'w> {
    paid: Vec<(RowId, &'w Wanted)>,
    free: Vec<(RowId, &'w Wanted)>,
    /// Paid rows that are not to be touched now.
    waiting: u64,
}

/// What an owner has used of the hour, and how much more it may.
struct Room {
    used: u64,
    free: u64,
    /// Of the hub's limits.
    of_hub: Bound,
    /// Of the owner's own.
    own: Option<Bound>,
}

/// A limit of the rolling hour.
#[derive(Clone, Copy)]
struct Bound {
    /// How many may change in an hour.
    allowance: u64,
    /// How many more may change now.
    free: u64,
    /// What is being sent and not yet in the ledger.
    sending: u64,
}

impl Bound {
    /// What the ledger may hold at most for `wanted` more; `None`: they are more than an hour ever takes.
    fn cap(self, wanted: u64) -> Option<u64> {
        self.allowance.checked_sub(wanted.saturating_add(self.sending))
    }
}

impl Room {
    /// When the hour has room for `wanted` without an approval.
    fn until(&self, owner: &str, wanted: u64, at: &Circumstances<'_>) -> Option<Timestamp> {
        let of_hub = at.ledger.hub_calms(self.of_hub.cap(wanted)?, at.now);
        let own = match self.own {
            Some(own) => at.ledger.calms(owner, own.cap(wanted)?, at.now),
            None => None,
        };
        of_hub.max(own)
    }
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
}

impl<'a> Allowances<'a> {
    fn new(evaluator: &'a Evaluator, inventory: &'a Inventory) -> Self {
        Self { evaluator, inventory, in_scope: None }
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
        let bound = |recent: u64, sending: u64, allowance: u64| Bound {
            allowance,
            free: limits::room(recent + sending, allowance, None),
            sending,
        };
        let of_hub = bound(at.ledger.of_hub(at.now), taken(""), self.hub_allowance(set));
        let own = match object.as_ref().map(|object| set.owner_state(object)) {
            Some(OwnerState::Policy(policy)) => set.policies[policy].spec.limits.map(|limits| (policy, limits)),
            _ => None,
        };
        let own = own.map(|(policy, limits)| {
            bound(at.ledger.of(name, at.now), taken(name), limits::allowance(limits, self.policy_scope(policy)))
        });
        let free = of_hub.free.min(own.map_or(u64::MAX, |own| own.free));
        Room { used, free: free.max(limits::room(used, 0, approved)), of_hub, own }
    }

    fn hub_allowance(&self, set: &PolicySet) -> u64 {
        limits::allowance(set.hub_spec.limits, self.inventory.actionable() as u64)
    }

    fn policy_scope(&mut self, policy: usize) -> u64 {
        let evaluator = self.evaluator;
        let counts = self.in_scope.get_or_insert_with(|| evaluator.counts().0.iter().map(|counts| counts.in_scope).collect());
        counts.get(policy).copied().unwrap_or(0)
    }
}

/// A read that shows some rows again, and which.
#[derive(Debug, Clone, PartialEq)]
pub struct LookUp {
    /// Where.
    pub place: Place,
    /// What to ask for.
    pub filter: ReadFilter,
    /// The rows that it is for.
    pub rows: Vec<RowId>,
}

/// What choosing a read looks at, of every row of a place.
struct Known<'a> {
    created: i64,
    row: RowId,
    control: Option<&'a str>,
    account: AccountId,
    compliance: Option<ComplianceStatus>,
    record_state: RecordState,
    wanted: bool,
}

/// The cheapest reads that show these rows again: by control and account, by creation, by both, or by id, whichever brings
/// fewer pages.
pub fn look_ups(inventory: &Inventory, rows: &[RowId]) -> Vec<LookUp> {
    let mut by_place: BTreeMap<Place, BTreeSet<RowId>> = BTreeMap::new();
    for &row in rows {
        if let Some(view) = inventory.get(row) {
            by_place.entry(view.place()).or_default().insert(row);
        }
    }
    let mut reads = Vec::new();
    for (place, rows) in by_place {
        // One call of a few ids is not beaten by anything.
        if rows.len() <= FILTER_VALUES {
            reads.extend(by_id(inventory, place, rows));
            continue;
        }
        let views = inventory.rows().filter_map(|row| inventory.get(row)).filter(|view| view.place() == place);
        let mut known: Vec<Known<'_>> = views
            .map(|view| Known {
                created: view.created_at().as_millisecond(),
                row: view.id(),
                control: view.control(),
                account: view.account(),
                compliance: view.compliance(),
                record_state: view.record_state(),
                wanted: rows.contains(&view.id()),
            })
            .collect();
        known.sort_unstable_by_key(|known| (known.created, known.row));
        for window in windows(&known) {
            reads.extend(cheapest(inventory, place, window));
        }
    }
    reads
}

/// The stretches of time around the wanted rows, without the long ones between them where none is wanted: a full read that went
/// on for too long leaves two, at its two beginnings.
fn windows<'k, 'a>(known: &'k [Known<'a>]) -> Vec<&'k [Known<'a>]> {
    let mut windows = Vec::new();
    let mut first: Option<usize> = None;
    let mut last = 0;
    for (number, _) in known.iter().enumerate().filter(|(_, known)| known.wanted) {
        // Ends are inclusive: a gap is one only between different times.
        let gap = first.is_some() && number - last > GAP && known[number].created > known[last].created;
        if gap && let Some(start) = first.replace(number) {
            windows.push(&known[start..=last]);
        }
        first.get_or_insert(number);
        last = number;
    }
    if let Some(start) = first {
        windows.push(&known[start..=last]);
    }
    windows
}

/// The cheapest way to see the wanted rows of a window again.
fn cheapest(inventory: &Inventory, place: Place, window: &[Known<'_>]) -> Vec<LookUp> {
    let rows: BTreeSet<RowId> = window.iter().filter(|known| known.wanted).map(|known| known.row).collect();
    let time = |known: Option<&Known<'_>>| known.and_then(|known| Timestamp::from_millisecond(known.created).ok());
    let during = narrowed(
        window,
        ReadFilter { created_from: time(window.first()), created_to: time(window.last()), ..ReadFilter::default() },
    );
    let by_window = window.iter().filter(|known| passes(&during, known)).count().div_ceil(PAGE).max(1);
    let ids = rows.len().div_ceil(FILTER_VALUES);
    let (by_control, reads) = control_reads(place, &during, window).unwrap_or((usize::MAX, Vec::new()));
    if by_window <= by_control.min(ids) {
        vec![LookUp { place, filter: during, rows: rows.into_iter().collect() }]
    } else if by_control <= ids {
        reads
    } else {
        by_id(inventory, place, rows)
    }
}

/// Narrowed to what the checks of all wanted rows said, where they have one. A check may say something else by now: what such a
/// read does not show is looked up by id.
fn narrowed(window: &[Known<'_>], mut filter: ReadFilter) -> ReadFilter {
    let wanted = || window.iter().filter(|known| known.wanted);
    let compliance: Option<BTreeSet<ComplianceStatus>> = wanted().map(|known| known.compliance).collect();
    filter.compliance = compliance.unwrap_or_default().into_iter().collect();
    filter.record_states = wanted().map(|known| known.record_state).collect::<BTreeSet<_>>().into_iter().collect();
    filter
}

fn passes(filter: &ReadFilter, known: &Known<'_>) -> bool {
    let compliance = filter.compliance.is_empty() || known.compliance.is_some_and(|status| filter.compliance.contains(&status));
    compliance && filter.record_states.contains(&known.record_state)
}

/// Look-ups by id: they show these rows if anything does.
pub fn by_ids(inventory: &Inventory, rows: &BTreeSet<RowId>) -> Vec<LookUp> {
    let mut by_place: BTreeMap<Place, BTreeSet<RowId>> = BTreeMap::new();
    for &row in rows {
        if let Some(view) = inventory.get(row) {
            by_place.entry(view.place()).or_default().insert(row);
        }
    }
    by_place.into_iter().flat_map(|(place, rows)| by_id(inventory, place, rows)).collect()
}

fn by_id(inventory: &Inventory, place: Place, rows: BTreeSet<RowId>) -> Vec<LookUp> {
    let rows: Vec<RowId> = rows.into_iter().collect();
    let chunks = rows.chunks(FILTER_VALUES).map(|chunk| {
        let ids = chunk.iter().filter_map(|row| inventory.get(*row)).map(|view| view.key().id).collect();
        LookUp { place, filter: ReadFilter { ids, ..ReadFilter::default() }, rows: chunk.to_vec() }
    });
    chunks.collect()
}

/// Reads by control within a window, narrowed to the accounts where they are few; `None` if a wanted row has no control.
fn control_reads(place: Place, during: &ReadFilter, window: &[Known<'_>]) -> Option<(usize, Vec<LookUp>)> {
    let mut controls: BTreeMap<&str, BTreeSet<AccountId>> = BTreeMap::new();
    for known in window.iter().filter(|known| known.wanted) {
        controls.entry(known.control?).or_default().insert(known.account);
    }
    let names: Vec<&str> = controls.keys().copied().collect();
    let mut filters: Vec<ReadFilter> = Vec::new();
    let mut filter_of: BTreeMap<&str, usize> = BTreeMap::new();
    for chunk in names.chunks(FILTER_VALUES) {
        let mut accounts: BTreeSet<AccountId> = chunk.iter().flat_map(|control| &controls[control]).copied().collect();
        if accounts.len() > FILTER_VALUES {
            accounts.clear();
        }
        filter_of.extend(chunk.iter().map(|control| (*control, filters.len())));
        let controls = chunk.iter().map(|control| ControlId::new(control)).collect();
        filters.push(ReadFilter { controls, accounts: accounts.into_iter().collect(), ..during.clone() });
    }
    let mut reads: Vec<(usize, LookUp)> =
        filters.into_iter().map(|filter| (0, LookUp { place, filter, rows: Vec::new() })).collect();
    for known in window {
        let Some(&number) = known.control.and_then(|control| filter_of.get(control)) else { continue };
        let (brings, read) = &mut reads[number];
        let account = read.filter.accounts.is_empty() || read.filter.accounts.binary_search(&known.account).is_ok();
        *brings += usize::from(account && passes(&read.filter, known));
        if known.wanted {
            read.rows.push(known.row);
        }
    }
    let calls = reads.iter().map(|(brings, _)| brings.div_ceil(PAGE).max(1)).sum();
    Some((calls, reads.into_iter().map(|(_, read)| read).collect()))
}
