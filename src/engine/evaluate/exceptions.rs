//! What every exception covers, and whether it is in force.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::backfill::Backfill;
use super::kept::Kept;
use super::outcomes::Undone;
use crate::core::compile::{Fault, Judged, Matches, PolicySet, Verdict};
use crate::core::facts::Facts;
use crate::core::reasons;
use crate::inventory::{Inventory, RowId};

/// Counts for the status of an exception.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct ExceptionCounts {
    pub matched: u64,
    pub overridden: u64,
    pub flapping: u64,
}

#[derive(Debug)]
pub(super) struct Exceptions {
    pub(super) verdicts: Vec<Verdict>,
    /// The guardrail that grants each exception in force.
    pub(super) granting: Vec<Option<usize>>,
    /// What each covers, with the number of what its guardrails say of it.
    covered: Vec<BTreeMap<RowId, u32>>,
    said: Kept<Vec<Judged>>,
    /// Exceptions whose findings changed since they were judged.
    unjudged: BTreeSet<usize>,
}

impl Exceptions {
    pub(super) fn new(set: &PolicySet) -> Self {
        Self {
            // Until the findings were looked at, no exception is in force.
            verdicts: vec![Verdict::Pending; set.exceptions.len()],
            granting: vec![None; set.exceptions.len()],
            covered: vec![BTreeMap::new(); set.exceptions.len()],
            said: Kept::new(),
            unjudged: BTreeSet::new(),
        }
    }

    pub(super) fn uncover(&mut self, row: RowId, matches: &Matches) {
        for &exception in &matches.exceptions {
            self.covered[exception].remove(&row);
            self.unjudged.insert(exception);
        }
    }

    pub(super) fn cover(&mut self, set: &PolicySet, row: RowId, facts: &Facts<'_>, matches: &Matches, now: Timestamp) {
        for &exception in &matches.exceptions {
            let said = self.said.number(set.judged_by(exception, facts, now));
            self.covered[exception].insert(row, said);
            self.unjudged.insert(exception);
        }
    }

    /// These have to be judged anew.
    pub(super) fn touch(&mut self, exceptions: impl IntoIterator<Item = usize>) {
        self.unjudged.extend(exceptions);
    }

    pub(super) fn is_dirty(&self) -> bool {
        !self.unjudged.is_empty()
    }

    /// Judges those that were touched; those that have another verdict now.
    pub(super) fn judge(&mut self, inventory: &Inventory, set: &PolicySet, backfill: &Backfill, now: Timestamp) -> Vec<usize> {
        let mut others = Vec::new();
        for exception in std::mem::take(&mut self.unjudged) {
            let (verdict, granting) = match set.standing(exception, now) {
                Verdict::Active => match self.granted_by(inventory, set, backfill, exception, now) {
                    Ok(guardrail) => (Verdict::Active, guardrail),
                    Err(fault) => (Verdict::Faulty(fault), None),
                },
                other => (other, None),
            };
            self.granting[exception] = granting;
            if self.verdicts[exception] != verdict {
                self.verdicts[exception] = verdict;
                others.push(exception);
            }
        }
        others
    }

    pub(super) fn covered(&self, exception: usize) -> impl Iterator<Item = RowId> + '_ {
        self.covered[exception].keys().copied()
    }

    /// The guardrail that grants an exception, by the findings it covers. An error: why it has no effect, by the first refusal.
    fn granted_by(
        &self,
        inventory: &Inventory,
        set: &PolicySet,
        backfill: &Backfill,
        exception: usize,
        now: Timestamp,
    ) -> Result<Option<usize>, Fault> {
        if backfill.of_exception(exception) > 0 {
            let message = "findings have to be read again before it can be told what it covers".to_owned();
            return Err(Fault { reason: reasons::BACKFILLING, message });
        }
        if let Some(denied) = set.denial(exception, now) {
            return Err(denied);
        }
        let mut refusal = None;
        for (position, &guardrail) in set.exceptions[exception].guardrails.iter().enumerate() {
            match self.refused_by(inventory, set, (exception, position, guardrail), now) {
                None => return Ok(Some(guardrail)),
                Some(fault) => refusal.get_or_insert(fault),
            };
        }
        refusal.map_or(Ok(None), Err)
    }

    fn refused_by(
        &self,
        inventory: &Inventory,
        set: &PolicySet,
        (exception, position, number): (usize, usize, usize),
        now: Timestamp,
    ) -> Option<Fault> {
        let rows = &self.covered[exception];
        let guardrail = set.guardrails.get(number)?;
        let unknown = Judged { in_grant: false, triggered: u64::MAX };
        let judged = |said: u32| self.said.get(said).and_then(|judged| judged.get(position)).copied().unwrap_or(unknown);
        if let Some((row, _)) = rows.iter().find(|&(_, &said)| !judged(said).in_grant) {
            let what = inventory.get(*row).map(|view| describe(&view.facts())).unwrap_or_default();
            let message = format!("it covers {what}, which {} does not grant: narrow spec.targets", guardrail.meta.object);
            return Some(Fault { reason: reasons::OUT_OF_GRANT, message });
        }
        let most = guardrail.spec.max_findings as usize;
        if rows.len() > most {
            let message = format!(
                "it covers {} findings, and {} grants at most {most}: narrow spec.targets",
                rows.len(),
                guardrail.meta.object
            );
            return Some(Fault { reason: reasons::TOO_MANY_FINDINGS, message });
        }
        let triggered = rows.values().fold(0, |bits, &said| bits | judged(said).triggered);
        set.missing_approval(exception, number, triggered, now)
    }

    /// The figures of every exception, in the order of the set.
    pub(super) fn counts(&self, undone: &[Undone]) -> Vec<ExceptionCounts> {
        let counts = self.covered.iter().zip(undone);
        counts
            .map(|(covered, &Undone { overridden, flapping })| {
                let matched = covered.len() as u64;
                ExceptionCounts { matched, overridden, flapping }
            })
            .collect()
    }
}

fn describe(facts: &Facts<'_>) -> String {
    let what = facts.control.unwrap_or(facts.generator);
    let resource = facts.resources.first().map(|resource| resource.id.as_ref()).unwrap_or_default();
    format!("{what} on {resource} in account {} ({})", facts.account, facts.region)
}
