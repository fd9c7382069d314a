//! Finding aggregators.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{CreateFindingAggregator, UpdateFindingAggregator};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("CreateFindingAggregator", create),
    ("GetFindingAggregator", get),
    ("UpdateFindingAggregator", update),
    ("DeleteFindingAggregator", delete),
    ("ListFindingAggregators", list),
];

fn create(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: CreateFindingAggregator = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.create_aggregator(ask.caller, &request, now))?)
}

fn get(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.aggregator(ask.caller, &ask.label()))?)
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateFindingAggregator = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.update_aggregator(ask.caller, &request, now))?)
}

fn delete(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    local.with_hub(|hub, now| hub.delete_aggregator(ask.caller, &ask.label(), now))?;
    Ok(Done::empty())
}

fn list(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (size, token) = ask.page()?;
    Done::with(&local.with_hub(|hub, _| hub.aggregators(ask.caller, size, token.as_deref()))?)
}
