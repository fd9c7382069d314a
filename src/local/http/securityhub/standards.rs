//! Standards, and their controls one by one.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{BatchDisableStandards, BatchEnableStandards, GetEnabledStandards, UpdateStandardsControl};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("DescribeStandards", describe),
    ("BatchEnableStandards", enable),
    ("BatchDisableStandards", disable),
    ("GetEnabledStandards", enabled),
    ("DescribeStandardsControls", controls),
    ("UpdateStandardsControl", update_control),
];

fn describe(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let ((size, token), providers) = (ask.page()?, ask.arguments("Providers"));
    Done::with(&local.with_hub(|hub, _| hub.standards(ask.caller, &providers, size, token.as_deref()))?)
}

fn enable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchEnableStandards = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.enable_standards(ask.caller, &request, now))?)
}

fn disable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchDisableStandards = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.disable_standards(ask.caller, &request, now))?)
}

fn enabled(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: GetEnabledStandards = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.enabled_standards(ask.caller, &request, now))?)
}

fn controls(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (arn, (size, token)) = (ask.label(), ask.page()?);
    Done::with(&local.with_hub(|hub, now| hub.standards_controls(ask.caller, &arn, size, token.as_deref(), now))?)
}

fn update_control(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateStandardsControl = ask.body()?;
    local.with_hub(|hub, now| hub.update_standards_control(ask.caller, &ask.label(), &request, now))?;
    Ok(Done::empty())
}
