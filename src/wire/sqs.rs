//! SQS in awsJson1.0: the shapes of the operations that an event queue needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::limits::NAME_CHARS;

/// Whether SQS takes this as the name of a queue, or as the id of an entry of a batch.
pub fn is_name(text: &str) -> bool {
    (1..=NAME_CHARS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The URL of a queue: the last two parts of its path are account and name, whatever the host.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct QueueRequest {
    pub queue_url: String,
}

/// CreateQueue.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreateQueue {
    pub queue_name: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
}

/// GetQueueUrl.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct GetQueueUrl {
    pub queue_name: String,
    #[serde(default, rename = "QueueOwnerAWSAccountId")]
    pub owner: Option<String>,
}

/// The answer of CreateQueue and GetQueueUrl.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct QueueUrl {
    pub queue_url: String,
}

/// SendMessage.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SendMessage {
    pub queue_url: String,
    pub message_body: String,
    #[serde(default)]
    pub delay_seconds: Option<i64>,
}

/// The answer of SendMessage. The MD5 that AWS adds is left out: no SDK of today checks it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Sent {
    pub message_id: String,
}

/// SendMessageBatch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SendMessageBatch {
    pub queue_url: String,
    /// 1 to 10.
    pub entries: Vec<SendEntry>,
}

/// One message of a batch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SendEntry {
    pub id: String,
    pub message_body: String,
    #[serde(default)]
    pub delay_seconds: Option<i64>,
}

/// The answer of SendMessageBatch, without MD5s as well.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SentBatch {
    pub successful: Vec<SentEntry>,
    pub failed: Vec<FailedEntry>,
}

/// A message of a batch that was taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct SentEntry {
    pub id: String,
    pub message_id: String,
}

/// ReceiveMessage.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ReceiveMessage {
    pub queue_url: String,
    #[serde(default)]
    pub max_number_of_messages: Option<usize>,
    #[serde(default)]
    pub wait_time_seconds: Option<u64>,
    #[serde(default)]
    pub visibility_timeout: Option<u64>,
}

/// The answer of ReceiveMessage.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Received {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<ReceivedMessage>,
}

/// One received message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ReceivedMessage {
    pub message_id: String,
    pub receipt_handle: String,
    pub body: String,
    /// `ApproximateReceiveCount`, `SentTimestamp`.
    pub attributes: BTreeMap<String, String>,
}

/// DeleteMessage and ChangeMessageVisibility.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct ReceiptRequest {
    pub queue_url: String,
    pub receipt_handle: String,
    #[serde(default)]
    pub visibility_timeout: Option<u64>,
}

/// DeleteMessageBatch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct DeleteMessageBatch {
    pub queue_url: String,
    pub entries: Vec<DeleteEntry>,
}

/// One entry of DeleteMessageBatch.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct DeleteEntry {
    pub id: String,
    pub receipt_handle: String,
}

/// The answer of DeleteMessageBatch.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct DeletedBatch {
    pub successful: Vec<EntryId>,
    pub failed: Vec<FailedEntry>,
}

/// An entry that was deleted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct EntryId {
    pub id: String,
}

/// An entry that was not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FailedEntry {
    pub id: String,
    pub sender_fault: bool,
    pub code: String,
    pub message: String,
}

/// GetQueueAttributes and its answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct QueueAttributes {
    pub attributes: BTreeMap<String, String>,
}
