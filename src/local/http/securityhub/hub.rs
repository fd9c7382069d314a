//! The hub itself: DescribeHub, EnableSecurityHub, UpdateSecurityHubConfiguration, DisableSecurityHub.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{EnableSecurityHub, UpdateConfiguration};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("DescribeHub", describe),
    ("EnableSecurityHub", enable),
    ("UpdateSecurityHubConfiguration", configure),
    ("DisableSecurityHub", disable),
];

fn describe(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let arn = ask.argument("HubArn");
    Done::with(&local.with_hub(|hub, _| hub.describe(ask.caller, arn.as_deref()))?)
}

fn enable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: EnableSecurityHub = ask.body()?;
    local.with_hub(|hub, now| hub.enable(ask.caller, &request, now))?;
    Ok(Done::empty())
}

fn configure(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateConfiguration = ask.body()?;
    local.with_hub(|hub, now| hub.configure(ask.caller, &request, now))?;
    Ok(Done::empty())
}

fn disable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    local.with_hub(|hub, now| hub.disable(ask.caller, now))?;
    Ok(Done::empty())
}
