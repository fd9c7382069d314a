//! Events on their way: from a changed finding to the queue, with what may happen on it.

use async_trait::async_trait;

use jiff::Timestamp;

use crate::core::ids::{AccountId, Region};
use crate::wire::error::AwsError;
use crate::wire::event::{custom_action, imported};
use crate::wire::securityhub::FindingIdentifier;

use super::Local;
use super::clock::after;
use super::hub::{Change, EventAccount};
use super::queue::QueueKey;

/// Where events go outside this process: a queue of a real SQS, or of something like it.
#[async_trait]
pub trait EventTarget: Send + Sync {
    /// Sends the bodies in order; on an error all of them are sent again.
    async fn send(&self, bodies: Vec<String>) -> Result<(), String>;
}

impl Local {
    /// What EventBridge does: every change of a finding becomes an event on the buses that see it ([`Topology::buses`]), and each
    /// bus brings it to the queue of the events' name in its account and Region, where somebody has made one. The queue of the
    /// administrator in the home Region as it was laid out is always there; it hears of what does not flow to that Region too,
    /// from the administrator's bus in the finding's own.
    ///
    /// [`Topology::buses`]: super::hub::topology::Topology::buses
    pub(super) fn deliver(&self, changes: Vec<Change>) {
        let main = (self.administrator(), self.home());
        for change in changes {
            let (buses, named) = {
                let state = self.state();
                (state.hub.topology().buses(change.account, &change.region), state.hub.switches.event_account)
            };
            let post = |id: &str, (bus, region): &(AccountId, Region), to: &[QueueKey]| {
                let account = match named {
                    EventAccount::Bus => *bus,
                    EventAccount::Finding => change.account,
                };
                self.post(to, |now| imported(id, now, account, region, &change.resource, &change.text));
            };
            let heard = |region: &&Region| buses.iter().any(|(account, of)| *account == main.0 && of == *region);
            if let Some(region) = [main.1, &change.region].into_iter().find(heard) {
                post(&change.event_id, &(main.0, region.clone()), &self.event_targets());
            }
            for bus in buses.iter().filter(|(account, region)| (*account, region) != main) {
                let queue = self.queue_at(bus.0, &bus.1);
                if self.queues().has(&queue) {
                    // An event of its own: no receiver sees one id twice that got everything once.
                    post(&self.uuid(), bus, &[queue]);
                }
            }
        }
    }

    /// Somebody sends findings to a custom action, as only the console does on AWS: an event for each, on the bus of the account
    /// and Region in which it was done. Refused where no queue hears that bus.
    pub fn invoke_action(&self, target_arn: &str, findings: &[FindingIdentifier]) -> Result<usize, AwsError> {
        let invocation = self.with_hub(|hub, now| hub.invoke_action(target_arn, findings, now))?;
        let (account, region) = (invocation.account, &invocation.region);
        let queue = self.queue_at(account, region);
        let to = if queue == self.event_queue() { self.event_targets() } else { vec![queue] };
        if let Some((_, _, name)) = to.first().filter(|queue| !self.queues().has(queue)) {
            return Err(AwsError::conflict(format!(
                "nobody would hear of it: make the queue {name} (CreateQueue) in account {account} in {region}"
            )));
        }
        let target = &invocation.target;
        let action = (target.action_target_arn.as_str(), target.name.as_str(), target.description.as_str());
        for (id, text) in &invocation.findings {
            self.post(&to, |now| custom_action(id, now, account, region, action, text));
        }
        Ok(invocation.findings.len())
    }

    /// Brings an event to queues, with what may happen on the way.
    fn post(&self, to: &[QueueKey], body: impl FnOnce(Timestamp) -> String) {
        let (body, copies, due, overtake) = {
            let mut state = self.state();
            let events = state.switchboard.faults().events.clone();
            if state.switchboard.chance(events.loss_percent) {
                return;
            }
            let copies = if state.switchboard.chance(events.duplicate_percent) { 2 } else { 1 };
            let out_of_order = state.switchboard.chance(events.disorder_percent);
            let overtake = if out_of_order { 1 + state.switchboard.below(5) as u64 } else { 0 };
            let now = self.clock().now();
            let due = after(now, std::time::Duration::from_millis(events.delay_millis));
            (body(now), copies, due, overtake)
        };
        for key in to {
            for _ in 0..copies {
                // A queue that somebody has not made is a rule without a target.
                let _ = self.queues().send(key, body.clone(), due, overtake);
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
