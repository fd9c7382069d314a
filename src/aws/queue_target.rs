//! Sends events to an SQS queue: what EventBridge does for Security Hub, for a Security Hub Local that feeds a real queue.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{SendMessageBatchRequestEntry, SendMessageBatchResultEntry};

use super::failure::{Fail, read};
use super::feed::QueueAddress;
use super::quota::{Operation, Quota, Retry};
use super::transport::Transport;
use crate::engine::ports::{AwsFailure, FailureKind};

/// Messages in one call, the most that SQS allows.
const BATCH: usize = 10;
/// Bytes in one call: 256 KiB was the limit of every queue until 2025, and still is of many servers like it.
const BATCH_BYTES: usize = 256 * 1024;
/// How often what was not taken is sent again.
const AGAIN: u32 = 3;

/// One SQS queue to send to.
pub struct SqsTarget {
    client: aws_sdk_sqs::Client,
    queue: QueueAddress,
    quota: Arc<Quota>,
}

impl fmt::Debug for SqsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsTarget").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl SqsTarget {
    /// Sends to `queue` with the identity of `transport`.
    pub fn new(transport: &Transport, quota: Arc<Quota>, queue: QueueAddress) -> Self {
        Self { client: queue.client(transport), queue, quota }
    }

    /// Sends all `bodies`, in order as far as SQS keeps it. What is not taken for a passing reason is sent again.
    pub async fn send(&self, bodies: Vec<String>) -> Result<(), AwsFailure> {
        let mut rest = bodies.as_slice();
        while !rest.is_empty() {
            let (batch, more) = rest.split_at(batch_len(rest));
            let mut open: Vec<&String> = batch.iter().collect();
            for tries in 0..=AGAIN {
                if tries > 0 {
                    self.quota.back_off(Duration::from_millis(500), tries).await;
                }
                let (left, refusal) = self.send_batch(&open).await?;
                open = left;
                match refusal {
                    _ if open.is_empty() => break,
                    Some(refusal) if tries == AGAIN || refusal.kind == FailureKind::Invalid => {
                        return Err(refusal.during(self.action()));
                    }
                    None if tries == AGAIN => {
                        let message = format!("{} messages were not taken", open.len());
                        return Err(Fail::new(FailureKind::Transient, message).during(self.action()));
                    }
                    _ => {}
                }
            }
            rest = more;
        }
        Ok(())
    }

    fn action(&self) -> String {
        format!("call {} in {}", Operation::SendMessageBatch, self.queue.region())
    }

    async fn send_batch<'a>(&self, bodies: &[&'a String]) -> Result<(Vec<&'a String>, Option<Fail>), AwsFailure> {
        let entries: Result<Vec<_>, _> = (bodies.iter().enumerate())
            .map(|(id, body)| SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(*body).build())
            .collect();
        let entries = entries.map_err(|error| Fail::new(FailureKind::Invalid, error.to_string()).during(self.action()))?;
        let request = self.client.send_message_batch().queue_url(self.queue.url()).set_entries(Some(entries));
        let output = self
            .quota
            .call(self.queue.region(), Operation::SendMessageBatch, Retry::READ, || async {
                request.clone().send().await.map_err(|error| read(&error))
            })
            .await?;
        let taken: Vec<&str> = output.successful().iter().map(SendMessageBatchResultEntry::id).collect();
        let left = bodies.iter().enumerate().filter(|(id, _)| !taken.contains(&id.to_string().as_str()));
        let left = left.map(|(_, body)| *body).collect();
        let refusal = output.failed().iter().max_by_key(|failed| failed.sender_fault()).map(|failed| Fail {
            kind: if failed.sender_fault() { FailureKind::Invalid } else { FailureKind::Transient },
            code: Some(failed.code().to_owned()),
            message: failed.message().unwrap_or("the message was not taken").to_owned(),
            retry_after: None,
        });
        Ok((left, refusal))
    }
}

/// How many of `bodies` fit into one call; at least one, which the service may then refuse.
fn batch_len(bodies: &[String]) -> usize {
    let mut bytes = 0;
    let fits = bodies.iter().take(BATCH).take_while(|body| {
        bytes += body.len();
        bytes <= BATCH_BYTES
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_bounded_in_number_and_in_bytes() {
        assert_eq!(batch_len(&vec!["x".to_owned(); 25]), 10);
        assert_eq!(batch_len(&vec!["x".repeat(100 * 1024); 5]), 2);
        assert_eq!(batch_len(&["x".repeat(300 * 1024)]), 1);
    }
}
