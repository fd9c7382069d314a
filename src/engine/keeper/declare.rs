//! Desired state comes in: carried over, compiled, swapped whole.

use std::sync::Arc;

use super::{Keeper, LAG, Trouble};
use crate::core::compile::{PolicySet, carry_over};
use crate::core::ids::Region;
use crate::core::limits::Ledger;
use crate::core::objects::{Desired, HubSpec};
use crate::engine::evaluate::Evaluator;
use crate::inventory::{Coverage, Inventory, Place};

impl Keeper {
    pub(super) fn declare(&mut self, desired: Arc<Desired>) {
        let declared = carry_over(self.last_good.as_ref(), &desired);
        self.last_good = Some(declared.objects.clone());
        self.desired = Some(desired);
        if self.declared.as_ref() == Some(&declared) {
            return;
        }
        let set = PolicySet::compile(&declared, &self.hub).map(Arc::new);
        self.declared = Some(declared);
        let Some(set) = set else {
            self.evaluator = None;
            self.disconnect();
            return;
        };
        let before = self.spec().cloned();
        let reconnect = before.as_ref().is_none_or(|before| {
            let HubSpec { home_region, linked_regions, role, queue_url, api_quota_percent, .. } = before;
            (home_region, linked_regions, role, queue_url, api_quota_percent)
                != (
                    &set.hub_spec.home_region,
                    &set.hub_spec.linked_regions,
                    &set.hub_spec.role,
                    &set.hub_spec.queue_url,
                    &set.hub_spec.api_quota_percent,
                )
        });
        if reconnect {
            self.disconnect();
        }
        let forced = set.hub_meta.requested_at.clone();
        if self.evaluator.is_some() && forced != self.forced {
            let now = self.world.clock.now();
            for place in self.place_numbers() {
                self.sync.begin_pass(place, now);
            }
            self.look_again();
        }
        self.forced = forced;
        if before.is_some_and(|before| before.sync_interval_seconds != set.hub_spec.sync_interval_seconds) {
            self.plan_audits();
        }
        // What a rule that names a new field may mean waits for one read; everything else is decided from memory.
        self.inventory.set_paths(&set.fields);
        self.end_backfills();
        self.relative_due = None;
        self.refused.clear();
        self.evaluator = Some(Evaluator::new(set));
        self.planned = None;
        self.deadline = None;
    }

    pub(super) fn disconnect(&mut self) {
        // Answers to what is under way speak of the old hub and its rows. A write among them may have its effect all the same: the
        // new read shows it, and its marker says what was spent.
        self.in_flight.clear();
        self.connecting = false;
        self.reading.clear();
        self.writes.clear();
        self.acknowledging = 0;
        self.writing.clear();
        self.reserved.clear();
        self.receiving = false;
        self.ports = None;
        self.description = None;
        self.places.clear();
        self.owners.clear();
        self.inventory = Inventory::new(LAG);
        self.coverage = Coverage::new();
        self.sync.clear();
        self.looks.clear();
        self.looking.clear();
        self.looked.clear();
        self.arrived.clear();
        self.unseen.clear();
        self.unfilled.clear();
        self.swept.clear();
        self.planned = None;
        self.asking.clear();
        self.races.clear();
        self.ledger = Ledger::default();
        self.ledger_rebuilt = false;
        self.last_full_sync = None;
        self.trouble = Trouble::default();
        self.read_backoff.reset();
        if let Some(evaluator) = &self.evaluator {
            self.evaluator = Some(Evaluator::new(Arc::clone(evaluator.set())));
        }
    }

    /// The new set says what has to be read for it.
    fn end_backfills(&mut self) {
        for chain in self.sync.end_backfills() {
            for row in self.looking.remove(&chain).unwrap_or_default() {
                self.looked.remove(&row);
            }
        }
        self.unfilled.clear();
    }

    pub(super) fn place_numbers(&self) -> impl Iterator<Item = Place> + use<> {
        (0..self.places.len()).filter_map(|n| u8::try_from(n).ok()).map(Place)
    }

    pub(super) fn region(&self, place: Place) -> Option<Region> {
        self.places.get(usize::from(place.0)).cloned()
    }
}
