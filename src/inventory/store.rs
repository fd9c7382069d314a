//! The inventory: rows, what they share, and the indexes over them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hashbrown::HashTable;
use jiff::Timestamp;

use super::base::{Bases, Refs};
use super::coverage::Place;
use super::index::{Holders, Problems, Tally};
use super::key::{LongTails, Parts};
use super::pending::{Basis, Pending, PendingWrites, REMEMBERED, Written};
use super::pool::{Chunks, Pool, hash_of, table_bytes};
use super::row::{Millis, NOWHERE, Row};
use super::state::{Expected, NoteKind, Removed, Snapshot};
use super::values::PathSets;
use super::view::RowView;
use crate::core::decide::Knowledge;
use crate::core::filter::Field;
use crate::core::ids::{AccountId, FindingKey};
use crate::core::marker::MarkerState;
use crate::core::marker::Owner;
use crate::core::problem::ProblemId;
use crate::core::status::WorkflowStatus;

/// The number of a row. Freed numbers are used again: do not keep one across a sighting, a sweep or a removal without asking
/// [`Inventory::get`] for the key or problem that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u32);

/// How many findings an account has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct AccountCount {
    pub findings: u64,
    /// With a held marker.
    pub held: u64,
}

/// Bytes in use, by accounting (capacities, without what the allocator adds).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Rows and long ends of ids.
    pub rows: usize,
    /// Indexes by key, problem, owner, account.
    pub indexes: usize,
    /// Projected values: accounts, Regions, controls, resources, values that filters name.
    pub projection: usize,
    /// Markers, pending writes, answers, foreign fields.
    pub aside: usize,
}

impl Memory {
    /// All of it.
    pub fn total(self) -> usize {
        self.rows + self.indexes + self.projection + self.aside
    }
}

/// What we know of every finding.
#[derive(Debug)]
pub struct Inventory {
    pub(super) lag: Duration,
    rows: Chunks<Row>,
    free: Vec<u32>,
    /// Row numbers by key.
    pub(super) keys: HashTable<u32>,
    pub(super) tails: LongTails,
    pub(super) bases: Bases,
    pub(super) markers: Pool<MarkerState>,
    pub(super) problems: Problems,
    pub(super) holders: Holders,
    pub(super) tally: Tally,
    pub(super) paths: PathSets,
    pub(super) pending: PendingWrites,
    pub(super) foreign: BTreeMap<RowId, Arc<BTreeMap<String, String>>>,
    /// What is known of people's answers, where anything is.
    knowledge: BTreeMap<RowId, Knowledge>,
    /// Rows that one complete read did not see: when that read was started.
    pub(super) missed: BTreeMap<RowId, i64>,
    visits: AtomicU64,
}

impl Inventory {
    /// Empty. `lag`: how long the hub may go on answering with the state before a write of ours (30 min is safe).
    pub fn new(lag: Duration) -> Self {
        Self {
            lag,
            rows: Chunks::new(),
            free: Vec::new(),
            keys: HashTable::new(),
            tails: LongTails::new(),
            bases: Bases::new(),
            markers: Pool::new(),
            problems: Problems::new(),
            holders: Holders::default(),
            tally: Tally::default(),
            paths: PathSets::new(),
            pending: PendingWrites::default(),
            foreign: BTreeMap::new(),
            knowledge: BTreeMap::new(),
            missed: BTreeMap::new(),
            visits: AtomicU64::new(0),
        }
    }

    // Writes of ours.

    /// A write is about to be sent. To be told before the call, as its effect may be seen before its answer.
    pub fn expect(&mut self, row: RowId, expected: Expected) {
        let Some(known) = self.row(row) else { return };
        let now = Written { workflow: known.small().workflow, marker: self.marker_of(known).clone() };
        let basis = Basis { version: known.version.ms(), before: self.snapshot_of(known), sent_at: expected.sent_at };
        let mut before = self.pending.remove(row).map(|pending| pending.before).unwrap_or_default();
        if !before.contains(&now) {
            before.push(now);
        }
        if before.len() > REMEMBERED {
            before.remove(0);
        }
        let written = expected.written();
        before.retain(|state| *state != written);
        self.pending.insert(row, Pending { expected, settled: false, before, raced: false });
        self.pending.note_basis(row, basis);
    }

    /// The write succeeded: the row takes the expected state at once, and stays pending until the hub shows it. What the row
    /// was before; `None`: nothing was expected, or it was settled already.
    pub fn settle(&mut self, row: RowId) -> Option<Snapshot> {
        let known = *self.row(row)?;
        let expected = self.pending.settle(row)?;
        let note = expected.note;
        let Written { workflow, marker } = expected.written();
        let before = self.snapshot_of(&known);
        let account = self.account_of(&known);
        self.holders.remove(row, account, &before.marker, before.workflow);
        self.holders.add(row, account, &marker, workflow);
        let marker = self.acquire_marker(&marker);
        self.release_marker(known.marker);
        if let Some(known) = self.row_mut(row) {
            known.marker = marker;
            known.update(|small| {
                small.workflow = workflow;
                small.refreshed = false;
                if note {
                    small.note = NoteKind::Ours;
                }
            });
        }
        Some(before)
    }

    /// The write surely had no effect: nothing is expected any more. Does nothing to a row that was settled. `true`: somebody
    /// else's write was seen meanwhile and not taken over, so that the row has to be read again.
    pub fn withdraw(&mut self, row: RowId) -> bool {
        if self.pending.get(row).is_some_and(|pending| !pending.settled) {
            return self.pending.remove(row).is_some_and(|pending| pending.raced);
        }
        false
    }

    /// What the last write to this row was decided on: its version and its workflow status. `None`: that is too long ago, or
    /// there was none.
    pub fn decided_on(&self, row: RowId) -> Option<(Timestamp, WorkflowStatus)> {
        let basis = self.pending.basis(row)?;
        Some((Millis::from_ms(basis.version).time(), basis.before.workflow))
    }

    /// Whether the last write to this row was a race has been settled: no sighting says so again.
    pub fn close_race(&mut self, row: RowId) {
        self.pending.forget_basis(row);
    }

    /// The write that the hub does not show yet.
    pub fn pending(&self, row: RowId) -> Option<&Expected> {
        self.pending.get(row).map(|pending| &pending.expected)
    }

    /// When the oldest write that the hub does not show yet is given up.
    pub fn next_pending_expiry(&self) -> Option<Timestamp> {
        let (oldest, _) = self.pending.oldest()?;
        oldest.checked_add(self.lag).ok()
    }

    /// Gives up waiting for writes sent `lag` or longer ago; their rows, ascending: to be read again.
    pub fn pending_expired(&mut self, now: Timestamp) -> Vec<RowId> {
        let mut rows = Vec::new();
        while let Some((_, row)) = self.pending.oldest().filter(|(sent_at, _)| self.outlasts(*sent_at, now)) {
            self.pending.remove(row);
            rows.push(row);
        }
        rows.sort_unstable();
        let lag = self.lag;
        self.pending.forget_bases(|sent_at| outlasts(lag, sent_at, now));
        rows
    }

    // Projection.

    /// The filter fields that current rules name. Rows lack the values of new ones until they are seen again: see
    /// [`RowView::missing`].
    pub fn set_paths(&mut self, paths: &[Field]) {
        if !self.paths.set(paths) {
            // Too many generations of rules since the rows were read: all of them count as never projected.
            for row in self.rows().collect::<Vec<_>>() {
                let set = self.row(row).map_or(0, |row| row.paths);
                let set = self.paths.demote(set);
                if let Some(row) = self.row_mut(row) {
                    row.paths = set;
                }
            }
            self.paths.set(paths);
        }
    }

    // Looking up.

    /// The row of a finding.
    pub fn find(&self, key: &FindingKey) -> Option<RowId> {
        self.find_parts(&key.product_arn, Parts::of(&key.id))
    }

    /// The row, if the number is in use.
    pub fn get(&self, row: RowId) -> Option<RowView<'_>> {
        self.row(row).and_then(|known| RowView::new(self, row, known))
    }

    /// Rows with a held marker of this owner, whatever their workflow status; ascending.
    pub fn by_owner(&self, owner: &Owner) -> impl Iterator<Item = RowId> + use<'_> {
        self.holders.owners.get(owner).into_iter().flatten().copied()
    }

    /// How many rows of [`Self::by_owner`] have the workflow status that the marker says we set.
    pub fn held_by(&self, owner: &Owner) -> u64 {
        self.holders.ours.get(owner).copied().unwrap_or(0)
    }

    /// How many rows are active and have not passed.
    pub fn actionable(&self) -> usize {
        self.tally.actionable
    }

    /// The rows of a problem, ascending.
    pub fn by_problem(&self, problem: ProblemId) -> &[RowId] {
        self.problems.rows(problem)
    }

    /// Findings and held findings per account.
    pub fn accounts(&self) -> &BTreeMap<AccountId, AccountCount> {
        &self.holders.accounts
    }

    /// Rows whose marker cannot be read; ascending.
    pub fn broken(&self) -> impl Iterator<Item = RowId> + '_ {
        self.holders.broken.iter().copied()
    }

    /// How many rows have a marker that cannot be read.
    pub fn broken_markers(&self) -> usize {
        self.holders.broken.len()
    }

    /// Every row in use, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> + '_ {
        self.iter().map(|(row, _)| row)
    }

    /// How many findings.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// How many problems.
    pub fn problems(&self) -> usize {
        self.problems.len()
    }

    // Answers of people.

    /// What is known of the answers that people gave on this finding.
    pub fn knowledge(&self, row: RowId) -> &Knowledge {
        self.knowledge.get(&row).unwrap_or(&Knowledge::Unasked)
    }

    /// Notes what is known. It goes with the row.
    pub fn set_knowledge(&mut self, row: RowId, knowledge: Knowledge) {
        if knowledge == Knowledge::Unasked || self.row(row).is_none() {
            self.knowledge.remove(&row);
        } else {
            self.knowledge.insert(row, knowledge);
        }
    }

    // Reading windows.

    /// All of a place has been read completely by reads started at `started_at` or later. Rows that neither these reads nor
    /// complete ones before them have seen are gone from the hub: removed. One reading alone proves nothing, because reads are
    /// eventually consistent. Looks at every row: to be called once a reading, not once a window of it.
    pub fn sweep(&mut self, place: Place, started_at: Timestamp) -> Vec<Removed> {
        let started = started_at.as_millisecond();
        let unseen = |row: &Row| row.place == place && row.seen.ms() < started;
        let rows: Vec<RowId> = self.iter().filter(|(_, row)| unseen(row)).map(|(id, _)| id).collect();
        let mut removed = Vec::new();
        for row in rows {
            match self.missed.get(&row) {
                None => {
                    self.missed.insert(row, started);
                }
                Some(&first) if first < started => removed.extend(self.remove(row)),
                Some(_) => {}
            }
        }
        removed
    }

    /// Forgets a row, for example because the hub says that there is no such finding.
    pub fn remove(&mut self, row: RowId) -> Option<Removed> {
        let known = *self.row(row)?;
        let removed = Removed {
            row,
            key: self.get(row)?.key(),
            problem: self.problems.id(known.problem),
            before: self.snapshot_of(&known),
            knowledge: self.knowledge.remove(&row).unwrap_or_default(),
        };
        let hash = self.hash(&known);
        if let Ok(entry) = self.keys.find_entry(hash, |&number| number == row.0) {
            entry.remove();
        }
        self.problems.remove(known.problem, row);
        self.holders.remove(row, self.account_of(&known), &removed.before.marker, removed.before.workflow);
        self.tally.remove(&known);
        self.release_marker(known.marker);
        self.bases.release(Refs { origin: known.origin, check: known.check, subject: known.subject });
        self.tails.free(known.small().form, known.tail);
        self.paths.leave(known.paths);
        self.pending.remove(row);
        self.pending.forget_basis(row);
        self.foreign.remove(&row);
        self.missed.remove(&row);
        if let Some(place) = self.rows.get_mut(row.0) {
            place.origin = NOWHERE;
        }
        self.free.push(row.0);
        Some(removed)
    }

    /// At most `windows - 1` ascending CreatedAt cuts that part the rows of a place into about equal windows: the input of
    /// [`super::Window::split`]. Looks at every row: once a round of the audit.
    pub fn quantiles(&self, place: Place, windows: usize) -> Vec<Timestamp> {
        let mut created: Vec<i64> = self.iter().filter(|(_, row)| row.place == place).map(|(_, row)| row.created.ms()).collect();
        created.sort_unstable();
        let Some(&first) = created.first() else { return Vec::new() };
        let mut cuts: Vec<i64> = (1..windows).filter_map(|n| created.get(n * created.len() / windows).copied()).collect();
        cuts.dedup();
        cuts.retain(|&cut| cut > first);
        cuts.into_iter().map(|cut| Millis::from_ms(cut).time()).collect()
    }

    /// How many rows a place has.
    pub fn count(&self, place: Place) -> usize {
        self.tally.places.get(&place).copied().unwrap_or(0)
    }

    /// How many rows were looked at because something went through all of them, ever: nothing does while nothing happens.
    pub fn visits(&self) -> u64 {
        self.visits.load(Ordering::Relaxed)
    }

    /// Bytes in use.
    pub fn memory(&self) -> Memory {
        let foreign = |fields: &Arc<BTreeMap<String, String>>| {
            fields.iter().map(|(key, value)| key.len() + value.len() + 2 * size_of::<String>()).sum::<usize>() + 64
        };
        Memory {
            rows: self.rows.bytes() + self.free.capacity() * 4 + self.tails.bytes(),
            indexes: table_bytes(&self.keys) + self.problems.bytes() + self.holders.bytes(),
            projection: self.bases.bytes(),
            aside: self.markers.bytes()
                + self.pending.len() * 3 * size_of::<Pending>() / 2
                + self.pending.bases_len() * 3 * size_of::<Basis>() / 2
                + self.knowledge.len() * 3 * size_of::<Knowledge>() / 2
                + self.missed.len() * 24
                + self.foreign.values().map(foreign).sum::<usize>(),
        }
    }

    // For the other files of this room.

    pub(super) fn row(&self, row: RowId) -> Option<&Row> {
        self.rows.get(row.0).filter(|row| row.origin != NOWHERE)
    }

    pub(super) fn row_mut(&mut self, row: RowId) -> Option<&mut Row> {
        self.rows.get_mut(row.0).filter(|row| row.origin != NOWHERE)
    }

    fn iter(&self) -> impl Iterator<Item = (RowId, &Row)> {
        self.visits.fetch_add(self.rows.len() as u64, Ordering::Relaxed);
        (0..).map(RowId).zip(self.rows.iter()).filter(|(_, row)| row.origin != NOWHERE)
    }

    pub(super) fn has_room(&self) -> bool {
        !self.free.is_empty() || self.rows.len() < NOWHERE as usize
    }

    /// The number that the next row gets.
    pub(super) fn allocate(&self) -> RowId {
        match self.free.last() {
            Some(&row) => RowId(row),
            None => RowId(u32::try_from(self.rows.len()).unwrap_or(NOWHERE)),
        }
    }

    /// Puts a row at the number from [`Self::allocate`], and makes it known by its key.
    pub(super) fn place_row(&mut self, id: RowId, row: Row) {
        match self.free.pop() {
            Some(free) => {
                if let Some(place) = self.rows.get_mut(free) {
                    *place = row;
                }
            }
            None => {
                self.rows.push(row);
            }
        }
        self.tally.add(&row);
        let hash = self.hash(&row);
        let mut keys = std::mem::take(&mut self.keys);
        keys.insert_unique(hash, id.0, |&row| self.row(RowId(row)).map_or(0, |row| self.hash(row)));
        self.keys = keys;
    }

    fn hash(&self, row: &Row) -> u64 {
        let origin = self.bases.origins.get(row.origin).map_or(0, |origin| origin.hash);
        let check = self.bases.checks.get(row.check).map_or(0, |check| check.hash);
        self.tails.hash(origin, check, row.small().form, row.tail)
    }

    /// `None` cannot be: a row in use has an origin.
    pub(super) fn account_of(&self, row: &Row) -> Option<AccountId> {
        self.bases.origins.get(row.origin).map(|origin| origin.account)
    }

    pub(super) fn marker_of(&self, row: &Row) -> &MarkerState {
        self.markers.get(row.marker).unwrap_or(&MarkerState::None)
    }

    pub(super) fn acquire_marker(&mut self, marker: &MarkerState) -> u32 {
        let hash = match marker {
            MarkerState::None => return NOWHERE,
            MarkerState::Ours(marker) => hash_of(marker),
            MarkerState::Broken(error) => hash_of(error.to_string()),
        };
        self.markers.acquire(hash, |known| known == marker, || (marker.clone(), marker_heap(marker)))
    }

    pub(super) fn release_marker(&mut self, marker: u32) {
        if marker != NOWHERE {
            self.markers.release(marker, marker_heap);
        }
    }

    pub(super) fn snapshot_of(&self, row: &Row) -> Snapshot {
        let small = row.small();
        Snapshot {
            workflow: small.workflow,
            compliance: small.compliance,
            record_state: small.record_state,
            marker: self.marker_of(row).clone(),
        }
    }
}

/// Whether `at` is `lag` or more after `since`.
pub(super) fn outlasts(lag: Duration, since: Timestamp, at: Timestamp) -> bool {
    u128::try_from(at.as_millisecond() - since.as_millisecond()).is_ok_and(|passed| passed >= lag.as_millis())
}

/// The counters of the Arc, the marker, and the owner's name.
fn marker_heap(marker: &MarkerState) -> usize {
    match marker {
        MarkerState::None => 0,
        MarkerState::Ours(marker) => 16 + size_of_val(&**marker) + 48,
        MarkerState::Broken(error) => 16 + error.to_string().len(),
    }
}
