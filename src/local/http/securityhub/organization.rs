//! The organization: aggregators, members, administrator.

use crate::local::Local;
use crate::wire::error::AwsError;

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("ListFindingAggregators", aggregators),
    ("GetFindingAggregator", aggregator),
    ("ListMembers", members),
    ("GetAdministratorAccount", administrator),
];

fn aggregators(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (size, token) = ask.page()?;
    Done::with(&local.with_hub(|hub, _| hub.aggregators(ask.caller, size, token.as_deref()))?)
}

fn aggregator(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.aggregator(ask.caller, &ask.label()))?)
}

fn members(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (size, token) = ask.page()?;
    Done::with(&local.with_hub(|hub, _| hub.members(ask.caller, size, token.as_deref()))?)
}

fn administrator(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.administrator(ask.caller))?)
}
