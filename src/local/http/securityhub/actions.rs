//! Custom actions.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{CreateActionTarget, DescribeActionTargets, UpdateActionTarget};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("CreateActionTarget", create),
    ("DescribeActionTargets", describe),
    ("UpdateActionTarget", update),
    ("DeleteActionTarget", delete),
];

fn create(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: CreateActionTarget = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.create_action(ask.caller, &request))?)
}

fn describe(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: DescribeActionTargets = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.actions(ask.caller, &request))?)
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateActionTarget = ask.body()?;
    local.with_hub(|hub, _| hub.update_action(ask.caller, &ask.label(), &request))?;
    Ok(Done::empty())
}

fn delete(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.delete_action(ask.caller, &ask.label()))?)
}
