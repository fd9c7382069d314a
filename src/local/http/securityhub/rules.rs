//! Automation rules V1.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{AutomationRulesArns, BatchUpdateAutomationRules, CreateAutomationRule};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("CreateAutomationRule", create),
    ("BatchGetAutomationRules", get),
    ("BatchUpdateAutomationRules", update),
    ("BatchDeleteAutomationRules", delete),
    ("ListAutomationRules", list),
];

fn create(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: CreateAutomationRule = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.create_rule(ask.caller, &request, now))?)
}

fn get(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AutomationRulesArns = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.rules(ask.caller, &request))?)
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchUpdateAutomationRules = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.update_rules(ask.caller, &request, now))?)
}

fn delete(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AutomationRulesArns = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.delete_rules(ask.caller, &request))?)
}

fn list(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (size, token) = ask.page()?;
    Done::with(&local.with_hub(|hub, _| hub.list_rules(ask.caller, size, token.as_deref()))?)
}
