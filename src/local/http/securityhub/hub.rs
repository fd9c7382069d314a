//! The hub itself: DescribeHub, EnableSecurityHub, DisableSecurityHub.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::EnableSecurityHub;

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family =
    &[("DescribeHub", describe), ("EnableSecurityHub", enable), ("DisableSecurityHub", disable)];

fn describe(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.describe(ask.caller))?)
}

fn enable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let _: EnableSecurityHub = ask.body()?;
    local.with_hub(|hub, now| hub.enable(ask.caller, now))?;
    Ok(Done::empty())
}

fn disable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    local.with_hub(|hub, _| hub.disable(ask.caller))?;
    Ok(Done::empty())
}
