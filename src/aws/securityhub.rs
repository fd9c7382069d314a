//! Security Hub behind [`HubRead`], [`HubWrite`] and [`History`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_securityhub::Client;
use aws_sdk_securityhub::operation::batch_update_findings::BatchUpdateFindingsOutput;
use aws_sdk_securityhub::types::{
    AwsSecurityFindingIdentifier, FindingHistoryRecord, NoteUpdate, WorkflowStatus as SdkStatus, WorkflowUpdate,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use jiff::Timestamp;

use super::failure::{Fail, read};
use super::quota::{Operation, Quota, Retry};
use super::raw;
use super::transport::Transport;
use crate::core::ids::{AccountId, FindingKey, Region};
use crate::core::marker::{NOTE_AUTHOR, STATE_KEY};
use crate::core::status::WorkflowStatus;
use crate::engine::ports::{
    AwsFailure, FailureKind, History, HistoryRecord, HubDescription, HubRead, HubWrite, PageRequest, Patch, Unprocessed,
};

mod filters;
mod tags;

/// How often findings that were not processed for a passing reason are sent again.
const RESENDS: u32 = 3;
/// Further calls to find what the service refuses in one batch: enough for two findings of 100, each 2 x log2(100).
const BISECTIONS: u32 = 30;
/// Pages of one finding's history: 90 days of a finding that changes hourly.
const HISTORY_PAGES: usize = 25;

/// Security Hub of one account, in any Region.
pub struct SecurityHub {
    transport: Arc<Transport>,
    quota: Arc<Quota>,
    home: Region,
    clients: Mutex<BTreeMap<Region, Client>>,
}

impl fmt::Debug for SecurityHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecurityHub").field("home", &self.home).finish_non_exhaustive()
    }
}

impl SecurityHub {
    /// The hub whose aggregation Region is `home`, reached by `transport` within `quota`.
    pub fn new(transport: Arc<Transport>, quota: Arc<Quota>, home: Region) -> Self {
        Self { transport, quota, home, clients: Mutex::new(BTreeMap::new()) }
    }

    fn client(&self, region: &Region) -> Client {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.clone()).or_insert_with(|| self.transport.security_hub(region)).clone()
    }

    async fn caller(&self) -> Result<(AccountId, String), AwsFailure> {
        let client = self.transport.sts();
        let region = self.transport.region();
        self.quota
            .call(region, Operation::GetCallerIdentity, Retry::READ, || async {
                let identity = client.get_caller_identity().send().await.map_err(|error| read(&error))?;
                match (identity.account().and_then(|account| account.parse().ok()), identity.arn()) {
                    (Some(account), Some(arn)) => Ok((account, arn.to_owned())),
                    _ => Err(no_answer("the answer names no account")),
                }
            })
            .await
    }

    async fn hub_arn(&self) -> Result<String, AwsFailure> {
        let client = self.client(&self.home);
        self.quota
            .call(&self.home, Operation::DescribeHub, Retry::READ, || async {
                let hub = client.describe_hub().send().await.map_err(|error| {
                    let fail = read(&error);
                    // The hub is all that DescribeHub looks for.
                    let gone = fail.code.as_deref() == Some("ResourceNotFoundException");
                    if gone { Fail { kind: FailureKind::NotEnabled, ..fail } } else { fail }
                })?;
                hub.hub_arn().map(str::to_owned).ok_or_else(|| no_answer("the answer names no hub"))
            })
            .await
    }

    /// Home and linked Regions of the aggregator that this Region knows, if there is one.
    async fn aggregator(&self) -> Result<Option<(Region, Option<Vec<Region>>)>, AwsFailure> {
        let client = self.client(&self.home);
        let mut token: Option<String> = None;
        let arn = loop {
            let listed = self
                .quota
                .call(&self.home, Operation::ListFindingAggregators, Retry::READ, || async {
                    let request = client.list_finding_aggregators().set_next_token(token.clone());
                    request.send().await.map_err(|error| read(&error))
                })
                .await?;
            let first = listed.finding_aggregators().iter().find_map(|aggregator| aggregator.finding_aggregator_arn());
            let next = listed.next_token().filter(|next| Some(*next) != token.as_deref()).map(str::to_owned);
            match (first, next) {
                (Some(arn), _) => break arn.to_owned(),
                (None, None) => return Ok(None),
                (None, next) => token = next,
            }
        };
        self.quota
            .call(&self.home, Operation::GetFindingAggregator, Retry::READ, || async {
                let request = client.get_finding_aggregator().finding_aggregator_arn(&arn);
                let aggregator = request.send().await.map_err(|error| read(&error))?;
                let home: Region = aggregator
                    .finding_aggregation_region()
                    .and_then(|region| region.parse().ok())
                    .ok_or_else(|| no_answer("the aggregator names no home Region"))?;
                let linked = linked(&home, aggregator.region_linking_mode(), aggregator.regions());
                Ok(Some((home, linked)))
            })
            .await
    }

    /// Sends all of `keys`, narrowing down what the service refuses as a whole.
    async fn send(&self, region: &Region, keys: &[FindingKey], patch: &Patch) -> Result<Vec<Unprocessed>, AwsFailure> {
        let mut unprocessed = Vec::new();
        let mut extra = BISECTIONS;
        let mut parts = vec![keys];
        while let Some(part) = parts.pop() {
            match self.send_once(region, part, patch).await {
                Ok(some) => unprocessed.extend(some),
                Err(refusal) if refusal.kind == FailureKind::Invalid => {
                    if part.len() > 1 && extra >= 2 {
                        extra -= 2;
                        let (first, second) = part.split_at(part.len().div_ceil(2));
                        parts.extend([second, first]);
                    } else {
                        unprocessed.extend(part.iter().map(|key| refused(key, &refusal)));
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(unprocessed)
    }

    async fn send_once(&self, region: &Region, keys: &[FindingKey], patch: &Patch) -> Result<Vec<Unprocessed>, AwsFailure> {
        let client = self.client(region);
        let identifiers = keys.iter().map(identifier).collect();
        let fields = patch.user_defined_fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        let note = patch.note.as_ref().map(|text| NoteUpdate::builder().text(text).updated_by(NOTE_AUTHOR).build());
        let request = client
            .batch_update_findings()
            .set_finding_identifiers(Some(identifiers))
            .set_note(note)
            .set_user_defined_fields(Some(fields))
            .workflow(WorkflowUpdate::builder().status(sdk_status(patch.workflow)).build());
        self.quota
            .call(region, Operation::BatchUpdateFindings, Retry::WRITE, || async {
                let sent = request.clone().customize().mutate_request(canonical).send().await;
                sent.map(|output| unprocessed_of(keys, &output)).map_err(|error| read(&error))
            })
            .await
    }
}

#[async_trait]
impl HubRead for SecurityHub {
    async fn describe(&self) -> Result<HubDescription, AwsFailure> {
        let (account, caller_arn) = self.caller().await?;
        let hub_arn = self.hub_arn().await?;
        let aggregator = self.aggregator().await?;
        let (aggregator_home, linked_regions) = match aggregator {
            Some((home, linked)) => (Some(home), linked),
            None => (None, None),
        };
        Ok(HubDescription { account, caller_arn, hub_arn, linked_regions, aggregator_home })
    }

    async fn page(&self, request: &PageRequest) -> Result<Bytes, AwsFailure> {
        let call = self
            .client(&request.region)
            .get_findings()
            .filters(filters::filters(&request.filter))
            .set_sort_criteria(request.order.map(filters::sort))
            .set_next_token(request.token.clone())
            .max_results(i32::from(request.size.clamp(1, 100)));
        self.quota
            .call(&request.region, Operation::GetFindings, Retry::READ, || async {
                let body = raw::get_findings(call.clone()).await?;
                match crate::core::doc::page(&body) {
                    Ok(_) => Ok(body),
                    Err(error) => Err(no_answer(format!("the answer is not a page of findings: {error}"))),
                }
            })
            .await
    }
}

#[async_trait]
impl HubWrite for SecurityHub {
    async fn update(&self, region: &Region, keys: &[FindingKey], patch: &Patch) -> Result<Vec<Unprocessed>, AwsFailure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (mut again, mut lasting) = split(self.send(region, keys, patch).await?);
        for tries in 1..=RESENDS {
            if again.is_empty() {
                break;
            }
            self.quota.back_off(Duration::from_secs(1), tries).await;
            let keys: Vec<_> = again.iter().map(|unprocessed| unprocessed.key.clone()).collect();
            match self.send(region, &keys, patch).await {
                Ok(unprocessed) => {
                    let (passing, more) = split(unprocessed);
                    again = passing;
                    lasting.extend(more);
                }
                // The others are done: that must not be lost with this failure. These keep the code they had.
                Err(failure) => {
                    tracing::warn!(%region, findings = keys.len(), %failure, "could not send findings again");
                    break;
                }
            }
        }
        lasting.extend(again);
        lasting.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(lasting)
    }
}

#[async_trait]
impl History for SecurityHub {
    async fn history(&self, region: &Region, key: &FindingKey) -> Result<Vec<HistoryRecord>, AwsFailure> {
        let client = self.client(region);
        let action = || format!("call {} in {region}", Operation::GetFindingHistory);
        let identifier = identifier(key);
        let mut records = Vec::new();
        let mut seen = BTreeSet::new();
        let mut token: Option<String> = None;
        loop {
            let page = self
                .quota
                .call(region, Operation::GetFindingHistory, Retry::READ, || async {
                    let request = client.get_finding_history().finding_identifier(identifier.clone()).max_results(100);
                    request.set_next_token(token.clone()).send().await.map_err(|error| read(&error))
                })
                .await?;
            records.extend(page.records().iter().filter_map(record));
            let Some(next) = page.next_token().filter(|next| !next.is_empty()) else { break };
            if seen.len() >= HISTORY_PAGES || !seen.insert(next.to_owned()) {
                return Err(no_answer("the pages of the history do not end").during(action()));
            }
            token = Some(next.to_owned());
        }
        records.sort_by_key(|record| std::cmp::Reverse(record.at));
        Ok(records)
    }
}

fn no_answer(message: impl Into<String>) -> Fail {
    Fail::new(FailureKind::Transient, message)
}

/// The linked Regions that the aggregator names; `None` where its mode names those that are not linked, or all.
fn linked(home: &Region, mode: Option<&str>, regions: &[String]) -> Option<Vec<Region>> {
    match mode {
        Some("SPECIFIED_REGIONS") => {
            let regions: BTreeSet<Region> = regions.iter().filter_map(|region| region.parse().ok()).collect();
            Some(regions.into_iter().filter(|region| region != home).collect())
        }
        Some("NO_REGIONS") => Some(Vec::new()),
        _ => None,
    }
}

fn identifier(key: &FindingKey) -> AwsSecurityFindingIdentifier {
    AwsSecurityFindingIdentifier::builder().id(&key.id).product_arn(&key.product_arn).build()
}

fn sdk_status(status: WorkflowStatus) -> SdkStatus {
    match status {
        WorkflowStatus::New => SdkStatus::New,
        WorkflowStatus::Notified => SdkStatus::Notified,
        WorkflowStatus::Resolved => SdkStatus::Resolved,
        WorkflowStatus::Suppressed => SdkStatus::Suppressed,
    }
}

fn refused(key: &FindingKey, refusal: &AwsFailure) -> Unprocessed {
    let code = refusal.code.clone().unwrap_or_else(|| "InvalidInputException".to_owned());
    Unprocessed { key: key.clone(), code, message: refusal.message.clone() }
}

/// Those that another try may help, and those that it will not.
fn split(unprocessed: Vec<Unprocessed>) -> (Vec<Unprocessed>, Vec<Unprocessed>) {
    unprocessed.into_iter().partition(|one| matches!(one.code.as_str(), "ConcurrentUpdateError" | "InternalFailure"))
}

fn place(identifier: &AwsSecurityFindingIdentifier) -> Option<(&str, &str)> {
    Some((identifier.id()?, identifier.product_arn()?))
}

/// What the answer says of every key; one that it says nothing of was not processed.
fn unprocessed_of(keys: &[FindingKey], output: &BatchUpdateFindingsOutput) -> Vec<Unprocessed> {
    let mut open: BTreeMap<(&str, &str), &FindingKey> =
        keys.iter().map(|key| ((key.id.as_str(), key.product_arn.as_str()), key)).collect();
    let mut unprocessed = Vec::new();
    for one in output.unprocessed_findings() {
        let found = one.finding_identifier().and_then(place);
        let key = found.and_then(|found| open.remove(&found));
        if let Some(key) = key {
            let text = |text: Option<&str>, other: &str| text.unwrap_or(other).to_owned();
            let code = text(one.error_code(), "InternalFailure");
            unprocessed.push(Unprocessed { key: key.clone(), code, message: text(one.error_message(), "no message") });
        }
    }
    for found in output.processed_findings().iter().filter_map(place) {
        open.remove(&found);
    }
    unprocessed.extend(open.into_values().map(|key| Unprocessed {
        key: key.clone(),
        code: "InternalFailure".to_owned(),
        message: "the answer does not name it".to_owned(),
    }));
    unprocessed
}

/// Sorts the keys of the body: maps serialise in random order otherwise, and equal writes would differ in their bytes.
fn canonical(request: &mut HttpRequest) {
    let Some(sorted) = request.body().bytes().and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok()) else {
        return;
    };
    let mut sorted = sorted;
    sorted.sort_all_objects();
    let body = sorted.to_string();
    request.headers_mut().insert("content-length", body.len().to_string());
    *request.body_mut() = SdkBody::from(body);
}

/// A record of the history; one without a time says nothing.
fn record(record: &FindingHistoryRecord) -> Option<HistoryRecord> {
    let time = record.update_time()?;
    let at = Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()?;
    let source = record.update_source();
    let workflow = record.updates().iter().rev().find_map(|update| workflow_of(update.updated_field()?, update.new_value()?));
    let fields = record.updates().iter().filter_map(|update| update.updated_field()).map(str::to_owned).collect();
    let marks = record.updates().iter().any(|update| update.new_value().is_some_and(|value| value.contains(STATE_KEY)));
    Some(HistoryRecord {
        at,
        source: source.and_then(|source| source.r#type()).map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        identity: source.and_then(|source| source.identity()).unwrap_or_default().to_owned(),
        workflow,
        fields,
        marks,
    })
}

/// The API does not say how it spells the field: a path, one word, or the object with its value as JSON.
fn workflow_of(field: &str, value: &str) -> Option<WorkflowStatus> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Workflow {
        status: WorkflowStatus,
    }
    if !matches!(field, "Workflow" | "Workflow.Status" | "WorkflowStatus" | "Workflow/Status") {
        return None;
    }
    let plain = WorkflowStatus::parse(value.trim().trim_matches('"'));
    plain.or_else(|| serde_json::from_str::<Workflow>(value).ok().map(|workflow| workflow.status))
}

#[cfg(test)]
mod tests;
