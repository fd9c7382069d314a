//! Indexes over the rows: by problem, by owner, by account.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashTable;

use super::coverage::Place;
use super::pool::{Chunks, table_bytes};
use super::row::Row;
use super::store::{AccountCount, RowId};
use crate::core::ids::AccountId;
use crate::core::marker::MarkerState;
use crate::core::marker::Owner;
use crate::core::problem::ProblemId;
use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};

/// The rows of one problem: mostly one.
#[derive(Debug)]
enum Rows {
    One(RowId),
    /// A number in [`Problems::many`].
    Many(u32),
}

#[derive(Debug)]
struct Problem {
    /// In halves: a u128 would align to 16 bytes.
    id: [u64; 2],
    rows: Rows,
}

fn halves(id: ProblemId) -> [u64; 2] {
    let [a, b] = [id.0 >> 64, id.0 & u128::from(u64::MAX)];
    [u64::try_from(a).unwrap_or_default(), u64::try_from(b).unwrap_or_default()]
}

/// Problems by id, and their rows.
#[derive(Debug)]
pub(super) struct Problems {
    slots: Chunks<Option<Problem>>,
    table: HashTable<u32>,
    free: Vec<u32>,
    many: Vec<Vec<RowId>>,
    many_free: Vec<u32>,
}

impl Problems {
    pub(super) fn new() -> Self {
        Self { slots: Chunks::new(), table: HashTable::new(), free: Vec::new(), many: Vec::new(), many_free: Vec::new() }
    }

    fn slot(&self, id: [u64; 2]) -> Option<u32> {
        // The id is itself a digest.
        let same = |&slot: &u32| self.slots.get(slot).and_then(Option::as_ref).is_some_and(|problem| problem.id == id);
        self.table.find(id[0], same).copied()
    }

    /// Adds a row to a problem; the problem's number.
    pub(super) fn add(&mut self, id: ProblemId, row: RowId) -> u32 {
        let id = halves(id);
        if let Some(slot) = self.slot(id) {
            if let Some(problem) = self.slots.get_mut(slot).and_then(Option::as_mut) {
                match problem.rows {
                    Rows::Many(many) => {
                        if let Some(rows) = self.many.get_mut(many as usize)
                            && let Err(at) = rows.binary_search(&row)
                        {
                            rows.insert(at, row);
                        }
                    }
                    Rows::One(first) if first == row => {}
                    Rows::One(first) => {
                        let rows = vec![first.min(row), first.max(row)];
                        let many = self.many_free.pop().unwrap_or_else(|| {
                            self.many.push(Vec::new());
                            u32::try_from(self.many.len() - 1).unwrap_or(u32::MAX)
                        });
                        if let Some(place) = self.many.get_mut(many as usize) {
                            *place = rows;
                        }
                        problem.rows = Rows::Many(many);
                    }
                }
            }
            return slot;
        }
        let problem = Some(Problem { id, rows: Rows::One(row) });
        let slot = match self.free.pop() {
            Some(slot) => {
                if let Some(place) = self.slots.get_mut(slot) {
                    *place = problem;
                }
                slot
            }
            None => self.slots.push(problem),
        };
        let slots = &self.slots;
        self.table
            .insert_unique(id[0], slot, |&slot| slots.get(slot).and_then(Option::as_ref).map_or(0, |problem| problem.id[0]));
        slot
    }

    /// Takes a row out of a problem; a problem without rows goes.
    pub(super) fn remove(&mut self, slot: u32, row: RowId) {
        let Some(place) = self.slots.get_mut(slot) else { return };
        let Some(problem) = place else { return };
        if let Rows::Many(many) = problem.rows {
            if let Some(rows) = self.many.get_mut(many as usize) {
                if let Ok(at) = rows.binary_search(&row) {
                    rows.remove(at);
                }
                if let [last] = rows[..] {
                    *rows = Vec::new();
                    problem.rows = Rows::One(last);
                    self.many_free.push(many);
                }
            }
            return;
        }
        let hash = problem.id[0];
        *place = None;
        if let Ok(entry) = self.table.find_entry(hash, |&known| known == slot) {
            entry.remove();
        }
        self.free.push(slot);
    }

    pub(super) fn id(&self, slot: u32) -> ProblemId {
        let [a, b] = self.slots.get(slot).and_then(Option::as_ref).map_or([0, 0], |problem| problem.id);
        ProblemId(u128::from(a) << 64 | u128::from(b))
    }

    pub(super) fn rows(&self, id: ProblemId) -> &[RowId] {
        let problem = self.slot(halves(id)).and_then(|slot| self.slots.get(slot)).and_then(Option::as_ref);
        match problem.map(|problem| &problem.rows) {
            None => &[],
            Some(Rows::One(row)) => std::slice::from_ref(row),
            Some(Rows::Many(many)) => self.many.get(*many as usize).map_or(&[], Vec::as_slice),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn bytes(&self) -> usize {
        let many = self.many.iter().map(|rows| rows.capacity() * 4).sum::<usize>();
        let lists = self.many.capacity() * size_of::<Vec<RowId>>() + (self.free.capacity() + self.many_free.capacity()) * 4;
        self.slots.bytes() + table_bytes(&self.table) + many + lists
    }
}

/// Who holds what.
#[derive(Debug, Default)]
pub(super) struct Holders {
    pub(super) owners: BTreeMap<Owner, BTreeSet<RowId>>,
    /// How many of them have the workflow status that the marker says we set.
    pub(super) ours: BTreeMap<Owner, u64>,
    pub(super) accounts: BTreeMap<AccountId, AccountCount>,
    pub(super) broken: BTreeSet<RowId>,
}

impl Holders {
    /// A row with this account, marker and workflow status comes.
    pub(super) fn add(&mut self, row: RowId, account: Option<AccountId>, marker: &MarkerState, workflow: WorkflowStatus) {
        if let Some(account) = account {
            let count = self.accounts.entry(account).or_default();
            count.findings += 1;
            count.held += u64::from(marker.held().is_some());
        }
        if let Some(marker) = marker.held() {
            if marker.is_ours(workflow) {
                match self.ours.get_mut(&marker.owner) {
                    Some(count) => *count += 1,
                    None => {
                        self.ours.insert(marker.owner.clone(), 1);
                    }
                }
            }
            match self.owners.get_mut(&marker.owner) {
                Some(rows) => {
                    rows.insert(row);
                }
                None => {
                    self.owners.insert(marker.owner.clone(), BTreeSet::from([row]));
                }
            }
        }
        if matches!(marker, MarkerState::Broken(_)) {
            self.broken.insert(row);
        }
    }

    /// A row that had this account, marker and workflow status goes.
    pub(super) fn remove(&mut self, row: RowId, account: Option<AccountId>, marker: &MarkerState, workflow: WorkflowStatus) {
        let held = marker.held();
        if let Some(account) = account
            && let Some(count) = self.accounts.get_mut(&account)
        {
            count.findings = count.findings.saturating_sub(1);
            count.held = count.held.saturating_sub(u64::from(held.is_some()));
            if count.findings == 0 {
                self.accounts.remove(&account);
            }
        }
        if let Some(marker) = held.filter(|marker| marker.is_ours(workflow))
            && let Some(count) = self.ours.get_mut(&marker.owner)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.ours.remove(&marker.owner);
            }
        }
        if let Some(marker) = held
            && let Some(rows) = self.owners.get_mut(&marker.owner)
        {
            rows.remove(&row);
            if rows.is_empty() {
                self.owners.remove(&marker.owner);
            }
        }
        self.broken.remove(&row);
    }

    /// An estimate: leaves of a B-tree are two thirds full, with about 12 bytes beside 11 rows.
    pub(super) fn bytes(&self) -> usize {
        let rows = self.owners.values().map(BTreeSet::len).sum::<usize>() + self.broken.len();
        rows * 8 + self.owners.len() * 160 + self.accounts.len() * 40
    }
}

/// What is asked often and would need a look at every row.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) places: BTreeMap<Place, usize>,
    /// Active and not passed.
    pub(super) actionable: usize,
}

impl Tally {
    pub(super) fn add(&mut self, row: &Row) {
        *self.places.entry(row.place).or_default() += 1;
        self.actionable += usize::from(is_actionable(row));
    }

    pub(super) fn remove(&mut self, row: &Row) {
        if let Some(count) = self.places.get_mut(&row.place) {
            *count = count.saturating_sub(1);
        }
        self.actionable = self.actionable.saturating_sub(usize::from(is_actionable(row)));
    }
}

fn is_actionable(row: &Row) -> bool {
    let small = row.small();
    small.record_state == RecordState::Active && small.compliance != Some(ComplianceStatus::Passed)
}
