//! Events on their way: from a changed finding to the queue, with what may happen on it.

use async_trait::async_trait;

use crate::core::ids::Region;
use crate::wire::event::imported;

use super::Local;
use super::clock::after;
use super::hub::Change;
use super::queue::QueueKey;

/// Where events go outside this process: a queue of a real SQS, or of something like it.
#[async_trait]
pub trait EventTarget: Send + Sync {
    /// Sends the bodies in order; on an error all of them are sent again.
    async fn send(&self, bodies: Vec<String>) -> Result<(), String>;
}

impl Local {
    /// What EventBridge does: every change of a finding becomes an event on the buses that see it ([`Topology::buses`]). Those of
    /// the account that the queue belongs to have a rule for it: in the home Region as it was laid out, and, for what does not
    /// flow there, in the finding's own.
    ///
    /// [`Topology::buses`]: super::hub::topology::Topology::buses
    pub(super) fn deliver(&self, changes: Vec<Change>) {
        for change in changes {
            let (to, body, copies, due, overtake) = {
                let mut state = self.state();
                let organization = state.hub.organization();
                let (account, home) = (organization.administrator.id, &organization.home);
                let buses = state.hub.topology().buses(change.account, &change.region);
                let seen = |from: &&Region| buses.iter().any(|(of, region)| *of == account && region == *from);
                let Some(region) = [home, &change.region].into_iter().find(seen).cloned() else { continue };
                let events = state.switchboard.faults().events.clone();
                if state.switchboard.chance(events.loss_percent) {
                    continue;
                }
                let copies = if state.switchboard.chance(events.duplicate_percent) { 2 } else { 1 };
                let out_of_order = state.switchboard.chance(events.disorder_percent);
                let overtake = if out_of_order { 1 + state.switchboard.below(5) as u64 } else { 0 };
                let now = self.clock().now();
                let body = imported(&change.event_id, now, account, &region, &change.resource, &change.text);
                let due = after(now, std::time::Duration::from_millis(events.delay_millis));
                (self.event_targets(), body, copies, due, overtake)
            };
            for key in &to {
                for _ in 0..copies {
                    // A queue that somebody has not made is a rule without a target.
                    let _ = self.queues().send(key, body.clone(), due, overtake);
                }
            }
        }
    }

    fn event_targets(&self) -> Vec<QueueKey> {
        let mut targets = vec![self.event_queue()];
        if self.forwards() {
            targets.push(self.outbox());
        }
        targets
    }

    /// Sends every event from now on to `target` too; returns when this future is dropped only. What cannot be sent is sent
    /// again after a second.
    pub async fn forward_events(&self, target: &dyn EventTarget) {
        self.start_forwarding();
        let outbox = self.outbox();
        let (wait, visibility) = (std::time::Duration::from_secs(20), Some(std::time::Duration::ZERO));
        loop {
            let Ok(messages) = self.queues().receive(&outbox, 10, wait, visibility).await else { return };
            if messages.is_empty() {
                continue;
            }
            match target.send(messages.iter().map(|message| message.body.clone()).collect()).await {
                Ok(()) => {
                    for message in &messages {
                        let _ = self.queues().delete(&outbox, &message.receipt_handle);
                    }
                }
                Err(error) => {
                    tracing::warn!(error, "failed to forward events; trying again in a second");
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                }
            }
        }
    }
}
