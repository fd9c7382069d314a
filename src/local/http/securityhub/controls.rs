//! Security controls, and whether they are on in which standard.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{BatchGetAssociations, BatchGetSecurityControls, BatchUpdateAssociations, UpdateSecurityControl};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("ListSecurityControlDefinitions", definitions),
    ("GetSecurityControlDefinition", definition),
    ("BatchGetSecurityControls", controls),
    ("UpdateSecurityControl", update),
    ("ListStandardsControlAssociations", associations),
    ("BatchGetStandardsControlAssociations", details),
    ("BatchUpdateStandardsControlAssociations", update_associations),
];

fn definitions(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (standard, providers, (size, token)) = (ask.argument("StandardsArn"), ask.arguments("Providers"), ask.page()?);
    let (standard, token) = (standard.as_deref(), token.as_deref());
    Done::with(&local.with_hub(|hub, _| hub.definitions(ask.caller, standard, &providers, size, token))?)
}

fn definition(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let id = ask.required("SecurityControlId")?;
    Done::with(&local.with_hub(|hub, _| hub.definition(ask.caller, &id))?)
}

fn controls(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchGetSecurityControls = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.security_controls(ask.caller, &request, now))?)
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: UpdateSecurityControl = ask.body()?;
    local.with_hub(|hub, now| hub.update_security_control(ask.caller, &request, now))?;
    Ok(Done::empty())
}

fn associations(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (id, (size, token)) = (ask.required("SecurityControlId")?, ask.page()?);
    Done::with(&local.with_hub(|hub, now| hub.associations(ask.caller, &id, size, token.as_deref(), now))?)
}

fn details(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchGetAssociations = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.association_details(ask.caller, &request, now))?)
}

fn update_associations(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchUpdateAssociations = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.update_associations(ask.caller, &request, now))?)
}
