//! Events on their way: from a changed finding to the queue, with what may happen on it.

use async_trait::async_trait;

use jiff::Timestamp;

use crate::core::ids::{AccountId, Region};
use crate::wire::error::AwsError;
use crate::wire::event::{custom_action, imported};
use crate::wire::securityhub::FindingIdentifier;

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
    /// What EventBridge does: every change of the organization's findings becomes an event on the administrator's bus in the
    /// home Region, and goes to the queue there. Other accounts have no bus here.
    pub(super) fn deliver(&self, changes: Vec<Change>) {
        for change in changes {
            if self.state().hub.organization().account(change.account).is_some() {
                self.post(|now, account, region| {
                    imported(&change.event_id, now, account, region, &change.resource, &change.text)
                });
            }
        }
    }

    /// Somebody sends findings to a custom action, as only the console does on AWS: an event for each, on the bus of the account
    /// and Region in which it was done. Refused where that is not the administrator's in the home Region, the only bus that is here.
    pub fn invoke_action(&self, target_arn: &str, findings: &[FindingIdentifier]) -> Result<usize, AwsError> {
        let invocation = self.with_hub(|hub, _| hub.invoke_action(target_arn, findings))?;
        let (account, region) = (self.administrator(), self.home());
        if (invocation.account, &invocation.region) != (account, region) {
            return Err(AwsError::conflict(format!(
                "nobody would hear of it: events are told on the bus of account {account} in {region} only"
            )));
        }
        let target = &invocation.target;
        let action = (target.action_target_arn.as_str(), target.name.as_str(), target.description.as_str());
        for (id, text) in &invocation.findings {
            self.post(|now, account, region| custom_action(id, now, account, region, action, text));
        }
        Ok(invocation.findings.len())
    }

    /// Brings an event to the queue, with what may happen on the way.
    fn post(&self, body: impl FnOnce(Timestamp, AccountId, &Region) -> String) {
        let (to, body, copies, due, overtake) = {
            let mut state = self.state();
            let organization = state.hub.organization();
            let (account, region) = (organization.administrator.id, organization.home.clone());
            let events = state.switchboard.faults().events.clone();
            if state.switchboard.chance(events.loss_percent) {
                return;
            }
            let copies = if state.switchboard.chance(events.duplicate_percent) { 2 } else { 1 };
            let out_of_order = state.switchboard.chance(events.disorder_percent);
            let overtake = if out_of_order { 1 + state.switchboard.below(5) as u64 } else { 0 };
            let now = self.clock().now();
            let due = after(now, std::time::Duration::from_millis(events.delay_millis));
            (self.event_targets(), body(now, account, &region), copies, due, overtake)
        };
        for key in &to {
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
