//! The organization: delegated administrator, configuration of its accounts.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{OrganizationAdminAccount, UpdateOrganizationConfiguration};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("EnableOrganizationAdminAccount", enable),
    ("DisableOrganizationAdminAccount", disable),
    ("ListOrganizationAdminAccounts", list),
    ("DescribeOrganizationConfiguration", describe),
    ("UpdateOrganizationConfiguration", update),
];

fn enable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: OrganizationAdminAccount = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.enable_administrator(ask.caller, &request, now))?)
}

fn disable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: OrganizationAdminAccount = ask.body()?;
    local.with_hub(|hub, now| hub.disable_administrator(ask.caller, &request, now))?;
    Ok(Done::empty())
}

fn list(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (feature, (size, token)) = (ask.argument("Feature"), ask.page()?);
    let (feature, token) = (feature.as_deref(), token.as_deref());
    Done::with(&local.with_hub(|hub, _| hub.administrators(ask.caller, feature, size, token))?)
}

fn describe(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, now| hub.organization_configuration(ask.caller, now))?)
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateOrganizationConfiguration = ask.body()?;
    local.with_hub(|hub, now| hub.update_organization_configuration(ask.caller, &request, now))?;
    Ok(Done::empty())
}
