//! Insights.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{CreateInsight, GetInsights, UpdateInsight};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("CreateInsight", create),
    ("GetInsights", get),
    ("UpdateInsight", update),
    ("DeleteInsight", delete),
    ("GetInsightResults", results),
];

fn create(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: CreateInsight = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.create_insight(ask.caller, &request))?)
}

fn get(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: GetInsights = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.insights(ask.caller, &request))?)
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateInsight = ask.body()?;
    local.with_hub(|hub, _| hub.update_insight(ask.caller, &ask.label(), &request))?;
    Ok(Done::empty())
}

fn delete(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.delete_insight(ask.caller, &ask.label()))?)
}

fn results(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, now| hub.insight_results(ask.caller, &ask.label(), now))?)
}
