//! The event queue: SQS behind [`Feed`].

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::operation::receive_message::ReceiveMessageError;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, MessageSystemAttributeName};

use super::failure::{Fail, read};
use super::quota::{Operation, Quota, Retry};
use super::transport::{Endpoint, EndpointError, Transport, WAIT_SECONDS};
use crate::core::ids::Region;
use crate::engine::ports::{AwsFailure, FailureKind, Feed, Message};

/// Messages in one call, the most that SQS allows.
const BATCH: usize = 10;
/// How often what could not be removed is tried again.
const AGAIN: u32 = 3;

/// Where a queue is, by its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueAddress {
    url: String,
    region: Region,
    endpoint: Option<Endpoint>,
}

/// Why a text is no queue URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueUrlError {
    /// Not a URL with a queue's path.
    #[error("failed to use the queue URL {0:?}: copy it from SQS, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")]
    Shape(String),
    /// Its host is not allowed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl QueueAddress {
    /// Reads a queue URL. AWS's own hosts name the Region; a host of somebody else's (moto, Security Hub Local) is the endpoint
    /// itself, in `home`.
    pub fn parse(url: &str, home: &Region) -> Result<Self, QueueUrlError> {
        let shape = || QueueUrlError::Shape(url.to_owned());
        let uri: http::Uri = url.parse().map_err(|_| shape())?;
        let (scheme, authority) = (uri.scheme_str().ok_or_else(shape)?, uri.authority().ok_or_else(shape)?);
        if uri.query().is_some() || uri.path().trim_matches('/').is_empty() {
            return Err(shape());
        }
        let endpoint: Endpoint = format!("{scheme}://{authority}").parse()?;
        let labels: Vec<&str> = authority.host().split('.').collect();
        let (region, own) = match labels.as_slice() {
            ["sqs", region, "amazonaws", "com"] | ["sqs", region, "amazonaws", "com", "cn"] if scheme == "https" => {
                (region.parse().map_err(|_| shape())?, false)
            }
            // Older names, interface endpoints, FIPS and dual-stack hosts: theirs is the endpoint, and the Region is in it.
            [region, "queue", "amazonaws", "com", ..] | [_, "sqs", region, "vpce", "amazonaws", "com", ..] => {
                (region.parse().map_err(|_| shape())?, true)
            }
            ["sqs-fips", region, ..] | ["sqs", region, "api", "aws"] => (region.parse().map_err(|_| shape())?, true),
            _ => (home.clone(), true),
        };
        Ok(Self { url: url.to_owned(), region, endpoint: own.then_some(endpoint) })
    }

    /// The whole URL, which SQS wants in every call.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The Region that its requests are signed for.
    pub fn region(&self) -> &Region {
        &self.region
    }

    pub(super) fn client(&self, transport: &Transport) -> aws_sdk_sqs::Client {
        transport.sqs(&self.region, self.endpoint.as_ref())
    }
}

/// One SQS queue as the feed of events.
pub struct SqsFeed {
    client: aws_sdk_sqs::Client,
    queue: QueueAddress,
    quota: Arc<Quota>,
}

impl fmt::Debug for SqsFeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsFeed").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl SqsFeed {
    /// Reads `queue` with the identity of `transport`.
    pub fn new(transport: &Transport, quota: Arc<Quota>, queue: QueueAddress) -> Self {
        Self { client: queue.client(transport), queue, quota }
    }

    /// Removes at most ten; returns those to try again and what the service said of the last of them.
    async fn delete(&self, receipts: &[String]) -> Result<(Vec<String>, Option<String>), AwsFailure> {
        let entries: Result<Vec<_>, _> = (receipts.iter().enumerate())
            .map(|(id, receipt)| DeleteMessageBatchRequestEntry::builder().id(id.to_string()).receipt_handle(receipt).build())
            .collect();
        let entries = entries.map_err(|error| {
            Fail::new(FailureKind::Invalid, error.to_string()).during(format!("remove messages from {}", self.queue.url))
        })?;
        let request = self.client.delete_message_batch().queue_url(&self.queue.url).set_entries(Some(entries));
        let output = self
            .quota
            .call(&self.queue.region, Operation::DeleteMessageBatch, Retry::READ, || async {
                request.clone().send().await.map_err(|error| read(&error))
            })
            .await?;
        let mut settled = vec![false; receipts.len()];
        let mut settle = |id: &str| {
            if let Some(settled) = id.parse::<usize>().ok().and_then(|id| settled.get_mut(id)) {
                *settled = true;
            }
        };
        let mut code = None;
        for done in output.successful() {
            settle(done.id());
        }
        for failed in output.failed() {
            if failed.sender_fault() {
                // The receipt is too old: the message is on its way back to us, under a new one.
                tracing::debug!(code = failed.code(), "a message could not be removed and will be delivered again");
                settle(failed.id());
            } else {
                code = Some(failed.code().to_owned());
            }
        }
        let left = receipts.iter().zip(settled).filter(|(_, settled)| !settled).map(|(receipt, _)| receipt.clone());
        Ok((left.collect(), code))
    }
}

#[async_trait]
impl Feed for SqsFeed {
    async fn receive(&self) -> Result<Vec<Message>, AwsFailure> {
        let request = self
            .client
            .receive_message()
            .queue_url(&self.queue.url)
            .max_number_of_messages(10)
            .wait_time_seconds(WAIT_SECONDS.into())
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount);
        let output = self
            .quota
            // A lost answer hides its messages for a while only: they come again.
            .call(&self.queue.region, Operation::ReceiveMessage, Retry::READ, || async {
                request.clone().send().await.map_err(|error| {
                    let gone = error.as_service_error().is_some_and(ReceiveMessageError::is_queue_does_not_exist);
                    let fail = read(&error);
                    if gone { Fail { kind: FailureKind::NoQueue, ..fail } } else { fail }
                })
            })
            .await?;
        let messages = output.messages().iter().filter_map(|message| {
            let count = message.attributes().and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount));
            Some(Message {
                body: message.body().unwrap_or_default().to_owned(),
                receipt: message.receipt_handle()?.to_owned(),
                deliveries: count.and_then(|count| count.parse().ok()).unwrap_or(1).max(1),
            })
        });
        Ok(messages.collect())
    }

    async fn acknowledge(&self, receipts: &[String]) -> Result<(), AwsFailure> {
        let mut left = Vec::new();
        let mut last = None;
        for chunk in receipts.chunks(BATCH) {
            let mut open = chunk.to_vec();
            for tries in 0..=AGAIN {
                if tries > 0 {
                    self.quota.back_off(Duration::from_millis(500), tries).await;
                }
                let (still, code) = self.delete(&open).await?;
                open = still;
                last = code.or(last);
                if open.is_empty() {
                    break;
                }
            }
            left.extend(open);
        }
        if left.is_empty() {
            return Ok(());
        }
        let message = format!("{} of {} messages were not removed and will come again", left.len(), receipts.len());
        let action = format!("call {} in {}", Operation::DeleteMessageBatch, self.queue.region);
        Err(Fail { code: last, ..Fail::new(FailureKind::Transient, message) }.during(action))
    }
}

#[cfg(test)]
mod tests;
