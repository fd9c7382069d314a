//! SQS over HTTP: awsJson1.0.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::core::ids::AccountId;
use crate::local::Local;
use crate::local::clock::after;
use crate::local::faults::Fault;
use crate::local::hub::caller::Caller;
use crate::local::queue::{QueueKey, QueueSettings};
use crate::wire::error::AwsError;
use crate::wire::limits::{
    DELAY_SECONDS_MAX, MESSAGE_BYTES, MESSAGES_MAX, RECEIVES_MAX, VISIBILITY_SECONDS_MAX, WAIT_SECONDS_MAX,
};
use crate::wire::sqs::{
    CreateQueue, DeleteMessageBatch, DeletedBatch, EntryId, FailedEntry, GetQueueUrl, QueueAttributes, QueueRequest, QueueUrl,
    ReceiptRequest, ReceiveMessage, Received, SendEntry, SendMessage, SendMessageBatch, Sent, SentBatch, SentEntry, is_name,
};

use super::Incoming;
use super::securityhub::{error_of, silence};

pub(super) async fn handle(local: &Local, incoming: &Incoming, operation: &str) -> Result<String, AwsError> {
    let caller = local.identities().caller(incoming, local.clock().now())?;
    let fault = local.state().switchboard.judge_named(operation, &caller);
    match fault {
        Some(Fault::TimeoutBefore) => return silence().await,
        Some(Fault::EmptyBody) => return Ok(String::new()),
        Some(Fault::Throttle(_) | Fault::ServerError(_) | Fault::AccessDenied) => {
            return Err(error_of(fault, &format!("sqs:{operation}"), &caller));
        }
        Some(Fault::TimeoutAfter | Fault::Partial { .. }) | None => {}
    }
    let answer = perform(local, incoming, &caller, operation).await;
    if fault == Some(Fault::TimeoutAfter) { silence().await } else { answer }
}

async fn perform(local: &Local, incoming: &Incoming, caller: &Caller, operation: &str) -> Result<String, AwsError> {
    let queues = local.queues();
    match operation {
        "ReceiveMessage" => {
            let request: ReceiveMessage = read(incoming)?;
            let key = queue_of(caller, &request.queue_url)?;
            let most = request.max_number_of_messages.unwrap_or(1);
            between("MaxNumberOfMessages", most as u64, 1, MESSAGES_MAX as u64)?;
            let wait = request.wait_time_seconds.unwrap_or(0);
            between("WaitTimeSeconds", wait, 0, WAIT_SECONDS_MAX)?;
            let visibility = visibility(request.visibility_timeout)?;
            let messages = queues.receive(&key, most, Duration::from_secs(wait), visibility).await?;
            write(&Received { messages })
        }
        "DeleteMessage" => {
            let request: ReceiptRequest = read(incoming)?;
            queues.delete(&queue_of(caller, &request.queue_url)?, &request.receipt_handle)?;
            Ok("{}".to_owned())
        }
        "DeleteMessageBatch" => {
            let request: DeleteMessageBatch = read(incoming)?;
            let key = queue_of(caller, &request.queue_url)?;
            batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
            let mut answer = DeletedBatch { successful: Vec::new(), failed: Vec::new() };
            for entry in request.entries {
                match queues.delete(&key, &entry.receipt_handle) {
                    Ok(()) => answer.successful.push(EntryId { id: entry.id }),
                    Err(error) if error.code == "QueueDoesNotExist" => return Err(error),
                    Err(AwsError { code, message, .. }) => {
                        answer.failed.push(FailedEntry { id: entry.id, sender_fault: true, code: code.to_owned(), message });
                    }
                }
            }
            write(&answer)
        }
        "ChangeMessageVisibility" => {
            let request: ReceiptRequest = read(incoming)?;
            let hidden = visibility(request.visibility_timeout)?
                .ok_or_else(|| AwsError::invalid_parameter("VisibilityTimeout is required"))?;
            queues.hide(&queue_of(caller, &request.queue_url)?, &request.receipt_handle, hidden)?;
            Ok("{}".to_owned())
        }
        "SendMessage" => {
            let request: SendMessage = read(incoming)?;
            between("MessageBody length", request.message_body.len() as u64, 1, MESSAGE_BYTES as u64)?;
            let due = after(local.clock().now(), delay(request.delay_seconds)?);
            let message_id = queues.send(&queue_of(caller, &request.queue_url)?, request.message_body, due, 0)?;
            write(&Sent { message_id })
        }
        "SendMessageBatch" => {
            let request: SendMessageBatch = read(incoming)?;
            let key = queue_of(caller, &request.queue_url)?;
            batch(request.entries.iter().map(|entry| entry.id.as_str()))?;
            let mut answer = SentBatch { successful: Vec::new(), failed: Vec::new() };
            for SendEntry { id, message_body, delay_seconds } in request.entries {
                let fits = between("MessageBody length", message_body.len() as u64, 1, MESSAGE_BYTES as u64);
                let due = fits.and_then(|()| Ok(after(local.clock().now(), delay(delay_seconds)?)));
                match due.and_then(|due| queues.send(&key, message_body, due, 0)) {
                    Ok(message_id) => answer.successful.push(SentEntry { id, message_id }),
                    Err(error) if error.code == "QueueDoesNotExist" => return Err(error),
                    Err(AwsError { code, message, .. }) => {
                        answer.failed.push(FailedEntry { id, sender_fault: true, code: code.to_owned(), message });
                    }
                }
            }
            write(&answer)
        }
        "CreateQueue" => {
            let request: CreateQueue = read(incoming)?;
            if !is_name(&request.queue_name) {
                return Err(AwsError::invalid_parameter("QueueName takes 1 to 80 letters, digits, hyphens and underscores"));
            }
            queues.create((caller.account, request.queue_name.clone()), settings(&request.attributes)?);
            write(&QueueUrl { queue_url: url(incoming, caller.account, &request.queue_name) })
        }
        "GetQueueUrl" => {
            let request: GetQueueUrl = read(incoming)?;
            let owner = request.owner.and_then(|owner| owner.parse().ok()).unwrap_or(caller.account);
            queues.depth(&(owner, request.queue_name.clone()))?;
            write(&QueueUrl { queue_url: url(incoming, owner, &request.queue_name) })
        }
        "GetQueueAttributes" => {
            let request: QueueRequest = read(incoming)?;
            let key = queue_of(caller, &request.queue_url)?;
            write(&QueueAttributes { attributes: attributes(local, &key)? })
        }
        "PurgeQueue" => {
            let request: QueueRequest = read(incoming)?;
            queues.purge(&queue_of(caller, &request.queue_url)?)?;
            Ok("{}".to_owned())
        }
        other => Err(AwsError::not_implemented(format!("Security Hub Local does not have {other} of SQS"))),
    }
}

/// Account and name from the URL, whatever its host; only the account's own queues are served.
fn queue_of(caller: &Caller, url: &str) -> Result<QueueKey, AwsError> {
    let mut parts = url.trim_end_matches('/').rsplit('/');
    let name = parts.next().unwrap_or_default();
    let account: AccountId = parts.next().and_then(|account| account.parse().ok()).ok_or_else(|| AwsError {
        code: "InvalidAddress",
        ..AwsError::invalid_parameter(format!("The address {url} is not valid for this endpoint."))
    })?;
    if account != caller.account {
        return Err(AwsError::access_denied(format!("Access to the resource {url} is denied.")));
    }
    Ok((account, name.to_owned()))
}

fn url(incoming: &Incoming, account: AccountId, name: &str) -> String {
    format!("{}://{}/{account}/{name}", incoming.scheme, incoming.host)
}

fn between(name: &str, value: u64, least: u64, most: u64) -> Result<(), AwsError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(AwsError::invalid_parameter(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be between {least} and {most}, if provided."
    )))
}

fn visibility(seconds: Option<u64>) -> Result<Option<Duration>, AwsError> {
    if let Some(seconds) = seconds {
        between("VisibilityTimeout", seconds, 0, VISIBILITY_SECONDS_MAX)?;
    }
    Ok(seconds.map(Duration::from_secs))
}

fn delay(seconds: Option<i64>) -> Result<Duration, AwsError> {
    let seconds = seconds.unwrap_or(0);
    let delay = u64::try_from(seconds).ok().filter(|_| seconds <= DELAY_SECONDS_MAX).map(Duration::from_secs);
    delay.ok_or_else(|| {
        AwsError::invalid_parameter(format!(
            "Value {seconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= {DELAY_SECONDS_MAX}."
        ))
    })
}

/// Refuses a whole batch for the ids of its entries.
fn batch<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), AwsError> {
    let mut known = BTreeSet::new();
    let mut count = 0;
    for id in ids {
        count += 1;
        if !is_name(id) {
            return Err(AwsError::invalid_entry_id(
                "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
            ));
        }
        if !known.insert(id) {
            return Err(AwsError::repeated_entry_id(format!("Id {id} repeated.")));
        }
    }
    match count {
        0 => Err(AwsError::empty_batch("There should be at least one entry in the request.")),
        1..=MESSAGES_MAX => Ok(()),
        _ => Err(AwsError::too_many_entries(format!(
            "Maximum number of entries per request are {MESSAGES_MAX}. You have sent {count}."
        ))),
    }
}

/// The code of the query protocol, where it is another one (the model's `awsQueryError`).
pub(super) fn query_code(code: &str) -> Option<&'static str> {
    Some(match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue;Sender",
        "EmptyBatchRequest" => "AWS.SimpleQueueService.EmptyBatchRequest;Sender",
        "TooManyEntriesInBatchRequest" => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest;Sender",
        "InvalidBatchEntryId" => "AWS.SimpleQueueService.InvalidBatchEntryId;Sender",
        "BatchEntryIdsNotDistinct" => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct;Sender",
        _ => return None,
    })
}

/// `VisibilityTimeout` and `RedrivePolicy`; the other attributes of a queue change nothing here.
fn settings(attributes: &BTreeMap<String, String>) -> Result<QueueSettings, AwsError> {
    let mut settings = QueueSettings::default();
    if let Some(text) = attributes.get("VisibilityTimeout") {
        let bad = || AwsError::invalid_parameter("Invalid value for the parameter VisibilityTimeout.");
        let seconds = text.parse().map_err(|_| bad())?;
        settings.visibility = visibility(Some(seconds))?.unwrap_or(settings.visibility);
    }
    if let Some(text) = attributes.get("RedrivePolicy") {
        let policy: Value = serde_json::from_str(text).unwrap_or_default();
        // Both spellings are in use: a number and a text.
        let receives = policy.get("maxReceiveCount").and_then(|count| count.as_u64().or_else(|| count.as_str()?.parse().ok()));
        let target = policy.get("deadLetterTargetArn").and_then(Value::as_str).and_then(|arn| arn.rsplit(':').next());
        let (Some(receives), Some(target)) = (receives.and_then(|count| u32::try_from(count).ok()), target) else {
            return Err(AwsError::invalid_parameter(
                "Value for parameter RedrivePolicy is invalid. Reason: it needs maxReceiveCount and deadLetterTargetArn",
            ));
        };
        if !(1..=RECEIVES_MAX).contains(&receives) {
            return Err(AwsError::invalid_parameter(format!(
                "Value {receives} for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: {receives}, \
                 valid values are from 1 to {RECEIVES_MAX} both inclusive."
            )));
        }
        settings.redrive = Some((target.to_owned(), receives));
    }
    Ok(settings)
}

fn attributes(local: &Local, key: &QueueKey) -> Result<BTreeMap<String, String>, AwsError> {
    let depth = local.queues().depth(key)?;
    let settings = local.queues().settings(key).unwrap_or_default();
    let arn = |name: &str| format!("arn:aws:sqs:{}:{}:{name}", local.home(), key.0);
    let mut attributes = BTreeMap::from([
        ("QueueArn".to_owned(), arn(&key.1)),
        ("ApproximateNumberOfMessages".to_owned(), depth.visible.to_string()),
        ("ApproximateNumberOfMessagesNotVisible".to_owned(), depth.in_flight.to_string()),
        ("ApproximateNumberOfMessagesDelayed".to_owned(), depth.delayed.to_string()),
        ("VisibilityTimeout".to_owned(), settings.visibility.as_secs().to_string()),
    ]);
    if let Some((name, receives)) = settings.redrive {
        let policy = serde_json::json!({"deadLetterTargetArn": arn(&name), "maxReceiveCount": receives});
        attributes.insert("RedrivePolicy".to_owned(), policy.to_string());
    }
    Ok(attributes)
}

fn read<T: DeserializeOwned>(incoming: &Incoming) -> Result<T, AwsError> {
    serde_json::from_slice(&incoming.body)
        .map_err(|error| AwsError::serialization(format!("The request cannot be read: {error}")))
}

fn write(answer: &impl Serialize) -> Result<String, AwsError> {
    serde_json::to_string(answer).map_err(|error| AwsError::internal(error.to_string()))
}
