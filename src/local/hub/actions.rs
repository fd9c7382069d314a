//! Custom actions: targets that people send findings to, in AWS's console alone. Sources: the service's model; the guide's
//! securityhub-cwe-custom-actions.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::ids::{AccountId, Region};
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{ACTION_CHARS, ACTION_FINDINGS, ACTIONS_MAX, PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{
    ActionTarget, ActionTargetArn, ActionTargets, CreateActionTarget, DescribeActionTargets, FindingIdentifier,
    UpdateActionTarget,
};

use super::Hub;
use super::caller::{Caller, Principal};
use super::given::not_blank;
use super::page::{Asked, page_size};

/// The targets of an account in a Region, by id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Actions(BTreeMap<String, Target>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Target {
    name: String,
    description: String,
}

/// Findings that somebody sent to a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// Whose console it was.
    pub account: AccountId,
    /// Where.
    pub region: Region,
    /// The target.
    pub target: ActionTarget,
    /// An event's id and the finding's JSON, one each.
    pub findings: Vec<(String, String)>,
}

impl Actions {
    fn answers<'a>(&'a self, caller: &'a Caller) -> impl Iterator<Item = ActionTarget> + 'a {
        self.0.iter().map(|(id, target)| ActionTarget {
            action_target_arn: arn::action_target(id, caller.account, &caller.region),
            name: target.name.clone(),
            description: target.description.clone(),
        })
    }
}

fn checked_name(name: &str) -> Result<&str, AwsError> {
    let right = !name.trim().is_empty() && name.chars().count() <= ACTION_CHARS;
    let problem = || format!("Invalid parameter 'Name': must have 1 to {ACTION_CHARS} characters");
    if right { Ok(name) } else { Err(AwsError::invalid_input(problem())) }
}

/// The id of a target that may be the caller's here.
fn read<'a>(caller: &Caller, target_arn: &'a str) -> Result<&'a str, AwsError> {
    let not_one = || {
        AwsError::invalid_input(format!("Invalid parameter 'ActionTargetArn': {target_arn} is not the ARN of a custom action"))
    };
    let (place, resource) = arn::read(target_arn).ok_or_else(not_one)?;
    let id = resource.strip_prefix("action/custom/").ok_or_else(not_one)?;
    let own = (place.account, &place.region) == (caller.account, &caller.region);
    if own { Ok(id) } else { Err(missing(target_arn)) }
}

fn missing(target_arn: &str) -> AwsError {
    AwsError::not_found(format!("Action target {target_arn} not found"))
}

impl Hub {
    /// CreateActionTarget.
    pub fn create_action(&mut self, caller: &Caller, request: &CreateActionTarget) -> Result<ActionTargetArn, AwsError> {
        self.require_enabled(caller)?;
        let (name, description) = (checked_name(&request.name)?, not_blank("Description", &request.description)?);
        let id = request.id.as_str();
        if !(1..=ACTION_CHARS).contains(&id.len()) || !id.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            return Err(AwsError::invalid_input(format!(
                "Invalid parameter 'Id': must have 1 to {ACTION_CHARS} alphanumeric characters"
            )));
        }
        let actions = &mut self.own_settings(caller)?.actions.0;
        if actions.contains_key(id) {
            // The words: aws-samples/aws-securityhub-to-slack, pull request 12.
            return Err(AwsError::conflict(format!("Action with Id: {id} already exists")));
        }
        if actions.len() >= ACTIONS_MAX {
            return Err(AwsError::limit_exceeded(format!("An account may have at most {ACTIONS_MAX} custom actions")));
        }
        actions.insert(id.to_owned(), Target { name: name.to_owned(), description: description.to_owned() });
        Ok(ActionTargetArn { action_target_arn: arn::action_target(id, caller.account, &caller.region) })
    }

    /// DescribeActionTargets: all, or those that are asked for, of which each must be there.
    pub fn actions(&self, caller: &Caller, request: &DescribeActionTargets) -> Result<ActionTargets, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(request.max_results, PAGE_DEFAULT, PAGE_MAX)?;
        let settings = self.settings(caller.account, &caller.region);
        let wanted = request.action_target_arns.as_deref().unwrap_or_default();
        for target_arn in wanted {
            let id = read(caller, target_arn)?;
            if settings.is_none_or(|settings| !settings.actions.0.contains_key(id)) {
                return Err(missing(target_arn));
            }
        }
        let all = settings.into_iter().flat_map(|settings| settings.actions.answers(caller));
        let asked_for = all.filter(|target| wanted.is_empty() || wanted.contains(&target.action_target_arn));
        let arguments = wanted.join(",");
        let token = request.next_token.as_deref();
        let asked = Asked { operation: "DescribeActionTargets", caller, arguments: &arguments, size, token };
        let (action_targets, next_token) = self.page(&asked, asked_for)?;
        Ok(ActionTargets { action_targets, next_token })
    }

    /// UpdateActionTarget: what is not named stays.
    pub fn update_action(&mut self, caller: &Caller, target_arn: &str, request: &UpdateActionTarget) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let name = request.name.as_deref().map(checked_name).transpose()?;
        let description = request.description.as_deref().map(|text| not_blank("Description", text)).transpose()?;
        let id = read(caller, target_arn)?;
        let target = self.own_settings(caller)?.actions.0.get_mut(id).ok_or_else(|| missing(target_arn))?;
        if let Some(name) = name {
            name.clone_into(&mut target.name);
        }
        if let Some(description) = description {
            description.clone_into(&mut target.description);
        }
        Ok(())
    }

    /// DeleteActionTarget.
    pub fn delete_action(&mut self, caller: &Caller, target_arn: &str) -> Result<ActionTargetArn, AwsError> {
        self.require_enabled(caller)?;
        let id = read(caller, target_arn)?;
        self.own_settings(caller)?.actions.0.remove(id).ok_or_else(|| missing(target_arn))?;
        Ok(ActionTargetArn { action_target_arn: target_arn.to_owned() })
    }

    /// Somebody sends findings to a target, from the account and Region of the target: what only the console does on AWS. All
    /// of them are seen there, or none is sent.
    pub fn invoke_action(
        &mut self,
        target_arn: &str,
        findings: &[FindingIdentifier],
        now: Timestamp,
    ) -> Result<Invocation, AwsError> {
        let (place, _) = arn::read(target_arn).ok_or_else(|| missing(target_arn))?;
        let caller = Caller { account: place.account, region: place.region, principal: Principal::Root };
        let request =
            DescribeActionTargets { action_target_arns: Some(vec![target_arn.to_owned()]), ..DescribeActionTargets::default() };
        let target = self.actions(&caller, &request)?.action_targets.pop().ok_or_else(|| missing(target_arn))?;
        if !(1..=ACTION_FINDINGS).contains(&findings.len()) {
            return Err(AwsError::invalid_input(format!(
                "between 1 and {ACTION_FINDINGS} findings are sent at a time, and these are {}",
                findings.len()
            )));
        }
        let view = self.view(&caller, now);
        let mut texts = Vec::new();
        for key in findings {
            let mut found = self.store.find(&key.id, &key.product_arn).into_iter();
            let seen = found.find(|(row, found)| view.shows(*row, found.account, found.region));
            let text = seen.map(|(_, found)| found.text());
            texts.push(text.ok_or_else(|| AwsError::not_found(format!("Finding {} not found", key.id)))?);
        }
        let findings = texts.into_iter().map(|text| (self.uuid(), text)).collect();
        Ok(Invocation { account: caller.account, region: caller.region, target, findings })
    }
}
