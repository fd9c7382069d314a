//! Automation rules V1: what an administrator has the service write into findings as they come in.
//!
//! A rule is looked at when a provider or a check makes or updates a finding, after the rule was made, and never at
//! BatchUpdateFindings; in the administrator's account and its members', in the Region of the rule alone. Rules go by their order,
//! then by when they were edited; the last one that is applied wins, and one that is terminal ends it. What criteria are compared
//! with is the finding as its provider sent it, completed by the service ([`RulesSee`]). What a rule writes is what
//! BatchUpdateFindings would: the same fields, the same owner of them afterwards.
//!
//! Sources: the guide's automation-rules; the service's model. A rule in a finding's history is a customer's update (the model
//! has two kinds of sources, and does not say which), with the rule's ARN as who did it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::filter::{FilterErrors, Filters};
use crate::core::ids::{AccountId, Region};
use crate::local::clock::stamp;
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{FINDING_BYTES, PAGE_DEFAULT, PAGE_MAX, RULE_ORDER_MAX, RULES_BATCH, RULES_MAX};
use crate::wire::securityhub::{
    AutomationRule, AutomationRuleMetadata, AutomationRuleUpdate, AutomationRules, AutomationRulesArns, AutomationRulesList,
    BatchUpdateAutomationRules, BatchUpdateFindings, CreateAutomationRule, CreatedAutomationRule, FindingFieldsUpdate,
    ProcessedAutomationRules, RuleAction, UnprocessedAutomationRule,
};

use super::caller::Caller;
use super::given::{batch, not_blank};
use super::page::{Asked, page_size};
use super::update::{apply, validate};
use super::{Hub, RulesSee, tags};

/// The one thing that rules do.
const UPDATE: &str = "FINDING_FIELDS_UPDATE";

/// The rules of an account in a Region, in the order in which they are applied.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rules(Vec<Rule>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rule {
    arn: String,
    enabled: bool,
    order: i64,
    name: String,
    description: String,
    terminal: bool,
    criteria: Criteria,
    update: FindingFieldsUpdate,
    created: Timestamp,
    updated: Timestamp,
    created_by: String,
}

/// Criteria as they were written, and what they mean.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
struct Criteria {
    written: Value,
    filters: Filters,
}

impl TryFrom<Value> for Criteria {
    type Error = FilterErrors;

    fn try_from(written: Value) -> Result<Self, FilterErrors> {
        Ok(Self { filters: Filters::parse_criteria(&written)?, written })
    }
}

impl From<Criteria> for Value {
    fn from(criteria: Criteria) -> Self {
        criteria.written
    }
}

/// A finding after the rules.
pub(super) struct Ruled {
    /// What is filed.
    pub(super) finding: Value,
    /// Twins of `FindingProviderFields` that are the customer's from now on.
    pub(super) twins: Vec<&'static str>,
    /// The ARN of each rule that was applied, and the finding before and after it, in their order.
    pub(super) steps: Vec<(String, Value, Value)>,
}

impl Rules {
    fn find(&self, arn: &str) -> Option<usize> {
        self.0.iter().position(|rule| rule.arn == arn)
    }

    /// Files a rule that is new, or was edited, behind those of the same order that were edited before.
    fn put(&mut self, rule: Rule) {
        self.0.push(rule);
        self.0.sort_by_key(|rule| (rule.order, rule.updated));
    }
}

impl Rule {
    fn metadata(&self) -> AutomationRuleMetadata {
        AutomationRuleMetadata {
            rule_arn: self.arn.clone(),
            rule_status: if self.enabled { "ENABLED" } else { "DISABLED" }.to_owned(),
            rule_order: self.order,
            rule_name: self.name.clone(),
            description: self.description.clone(),
            is_terminal: self.terminal,
            created_at: stamp(self.created),
            updated_at: stamp(self.updated),
            created_by: self.created_by.clone(),
        }
    }

    fn whole(&self) -> AutomationRule {
        let action = RuleAction { kind: Some(UPDATE.to_owned()), finding_fields_update: Some(self.update.clone()) };
        AutomationRule { metadata: self.metadata(), criteria: self.criteria.written.clone(), actions: vec![action] }
    }
}

/// What may be said of a rule, once it was checked.
#[derive(Default)]
struct Said {
    enabled: Option<bool>,
    order: Option<i64>,
    name: Option<String>,
    description: Option<String>,
    terminal: Option<bool>,
    criteria: Option<Criteria>,
    update: Option<FindingFieldsUpdate>,
}

impl Said {
    fn of(given: &AutomationRuleUpdate) -> Result<Self, AwsError> {
        Ok(Self {
            enabled: given.rule_status.as_deref().map(status).transpose()?,
            order: given.rule_order.map(order).transpose()?,
            name: given.rule_name.as_deref().map(|text| not_blank("RuleName", text).map(str::to_owned)).transpose()?,
            description: given
                .description
                .as_deref()
                .map(|text| not_blank("Description", text).map(str::to_owned))
                .transpose()?,
            terminal: given.is_terminal,
            criteria: given.criteria.clone().map(criteria).transpose()?,
            update: given.actions.as_deref().map(action).transpose()?,
        })
    }

    fn change(self, rule: &mut Rule) {
        fn set<T>(to: &mut T, said: Option<T>) {
            if let Some(said) = said {
                *to = said;
            }
        }
        set(&mut rule.enabled, self.enabled);
        set(&mut rule.order, self.order);
        set(&mut rule.name, self.name);
        set(&mut rule.description, self.description);
        set(&mut rule.terminal, self.terminal);
        set(&mut rule.criteria, self.criteria);
        set(&mut rule.update, self.update);
    }
}

fn status(text: &str) -> Result<bool, AwsError> {
    match text {
        "ENABLED" => Ok(true),
        "DISABLED" => Ok(false),
        _ => Err(AwsError::invalid_input("Invalid parameter 'RuleStatus': must be one of ENABLED, DISABLED")),
    }
}

/// The words: awslabs/landing-zone-accelerator-on-aws, issue 1178.
fn order(order: i64) -> Result<i64, AwsError> {
    let refuse = |what: String| Err(AwsError::invalid_input(format!("Invalid parameter 'RuleOrder'. '{order}' is {what}.")));
    match order {
        ..=0 => refuse("less than minimum value: 1".to_owned()),
        1..=RULE_ORDER_MAX => Ok(order),
        _ => refuse(format!("greater than maximum value: {RULE_ORDER_MAX}")),
    }
}

fn criteria(written: Value) -> Result<Criteria, AwsError> {
    Criteria::try_from(written).map_err(|error| AwsError::invalid_input(format!("Invalid parameter 'Criteria': {error}")))
}

fn action(actions: &[RuleAction]) -> Result<FindingFieldsUpdate, AwsError> {
    let refuse = |problem: &str| AwsError::invalid_input(format!("Invalid parameter 'Actions': {problem}"));
    let [action] = actions else { return Err(refuse("must have exactly 1 item")) };
    if action.kind.as_deref() != Some(UPDATE) {
        return Err(refuse("Type must be FINDING_FIELDS_UPDATE"));
    }
    let update = action.finding_fields_update.clone().unwrap_or_default();
    if update == FindingFieldsUpdate::default() {
        return Err(refuse("FindingFieldsUpdate must name at least one field"));
    }
    validate(&update.clone().into()).map_err(AwsError::invalid_input)?;
    Ok(update)
}

impl Hub {
    /// CreateAutomationRule.
    pub fn create_rule(
        &mut self,
        caller: &Caller,
        request: &CreateAutomationRule,
        now: Timestamp,
    ) -> Result<CreatedAutomationRule, AwsError> {
        self.require_ruling(caller, AwsError::access_denied)?;
        request.tags.as_ref().map_or(Ok(()), tags::check)?;
        let update = action(&request.actions)?;
        let id = self.uuid();
        let arn = arn::automation_rule(&id, caller.account, &caller.region);
        let rule = Rule {
            arn: arn.clone(),
            enabled: request.rule_status.as_deref().map_or(Ok(true), status)?,
            order: order(request.rule_order)?,
            name: not_blank("RuleName", &request.rule_name)?.to_owned(),
            description: not_blank("Description", &request.description)?.to_owned(),
            terminal: request.is_terminal.unwrap_or_default(),
            criteria: criteria(request.criteria.clone())?,
            update,
            created: now,
            updated: now,
            created_by: caller.arn(),
        };
        let rules = &mut self.own_settings(caller)?.rules;
        if rules.0.len() >= RULES_MAX {
            return Err(AwsError::limit_exceeded(format!("An account may have at most {RULES_MAX} automation rules")));
        }
        rules.put(rule);
        if let Some(tags) = &request.tags {
            self.tags.insert(arn.clone(), tags.clone());
        }
        Ok(CreatedAutomationRule { rule_arn: arn })
    }

    /// BatchGetAutomationRules, in the order of the request.
    pub fn rules(&self, caller: &Caller, request: &AutomationRulesArns) -> Result<AutomationRules, AwsError> {
        self.require_ruling(caller, AwsError::access_denied)?;
        let arns = &request.automation_rules_arns;
        batch("AutomationRulesArns", arns.len(), RULES_BATCH)?;
        let mut answer = AutomationRules { rules: Vec::new(), unprocessed_automation_rules: Vec::new() };
        for arn in arns {
            match self.own_rules(caller).and_then(|rules| rules.0.get(rules.find(arn)?)) {
                Some(rule) => answer.rules.push(rule.whole()),
                None => answer.unprocessed_automation_rules.push(unprocessed(caller, arn)),
            }
        }
        Ok(answer)
    }

    /// ListAutomationRules, in the order in which they are applied.
    pub fn list_rules(&self, caller: &Caller, size: Option<i64>, token: Option<&str>) -> Result<AutomationRulesList, AwsError> {
        self.require_ruling(caller, AwsError::access_denied)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        let all = self.own_rules(caller).into_iter().flat_map(|rules| &rules.0).map(Rule::metadata);
        let asked = Asked { operation: "ListAutomationRules", caller, arguments: "", size, token };
        let (automation_rules_metadata, next_token) = self.page(&asked, all)?;
        Ok(AutomationRulesList { automation_rules_metadata, next_token })
    }

    /// BatchUpdateAutomationRules: a value that is refused refuses the request, a rule that is not there only itself.
    pub fn update_rules(
        &mut self,
        caller: &Caller,
        request: &BatchUpdateAutomationRules,
        now: Timestamp,
    ) -> Result<ProcessedAutomationRules, AwsError> {
        self.require_ruling(caller, AwsError::invalid_access)?;
        let items = &request.update_automation_rules_request_items;
        batch("UpdateAutomationRulesRequestItems", items.len(), RULES_BATCH)?;
        let said: Vec<(&str, Said)> =
            items.iter().map(|item| Ok((item.rule_arn.as_str(), Said::of(item)?))).collect::<Result<_, AwsError>>()?;
        let rules = &mut self.own_settings(caller)?.rules;
        let mut answer = ProcessedAutomationRules::default();
        for (arn, said) in said {
            let Some(place) = rules.find(arn) else {
                answer.unprocessed_automation_rules.push(unprocessed(caller, arn));
                continue;
            };
            let mut rule = rules.0.remove(place);
            said.change(&mut rule);
            rule.updated = now;
            rules.put(rule);
            answer.processed_automation_rules.push(arn.to_owned());
        }
        Ok(answer)
    }

    /// BatchDeleteAutomationRules.
    pub fn delete_rules(&mut self, caller: &Caller, request: &AutomationRulesArns) -> Result<ProcessedAutomationRules, AwsError> {
        self.require_ruling(caller, AwsError::invalid_access)?;
        let arns = &request.automation_rules_arns;
        batch("AutomationRulesArns", arns.len(), RULES_BATCH)?;
        let mut answer = ProcessedAutomationRules::default();
        for arn in arns {
            let rules = &mut self.own_settings(caller)?.rules;
            let Some(place) = rules.find(arn) else {
                answer.unprocessed_automation_rules.push(unprocessed(caller, arn));
                continue;
            };
            rules.0.remove(place);
            self.forget_tags(arn);
            answer.processed_automation_rules.push(arn.clone());
        }
        Ok(answer)
    }

    /// Whether the caller has this rule here.
    pub(super) fn has_rule(&self, caller: &Caller, arn: &str) -> bool {
        self.own_rules(caller).is_some_and(|rules| rules.find(arn).is_some())
    }

    /// Whether anything rules findings of `account` in `region`.
    pub(super) fn is_ruled(&self, account: AccountId, region: &Region) -> bool {
        self.rules_over(account, region).next().is_some()
    }

    /// What the rules make of a finding that is about to be filed. `original`: see [`RulesSee::Original`]; `None`: no rule is
    /// looked at.
    pub(super) fn apply_rules(
        &self,
        account: AccountId,
        region: &Region,
        original: Option<&Value>,
        finding: Value,
        now: Timestamp,
    ) -> Ruled {
        let mut ruled = Ruled { finding, twins: Vec::new(), steps: Vec::new() };
        let Some(original) = original else { return ruled };
        for rule in self.rules_over(account, region) {
            let seen = match self.switches.rules_see {
                RulesSee::Original => original,
                RulesSee::Current => &ruled.finding,
            };
            if !rule.criteria.filters.matches_with(seen, now, self.switches.missing_field) {
                continue;
            }
            let mut after = ruled.finding.clone();
            let request: BatchUpdateFindings = rule.update.clone().into();
            // A map that would have too many pairs stays, and the rule writes the rest.
            let applied = apply(&mut after, &request, self.switches.user_fields, now);
            // One that would grow too large stays as it is: an update of it would be refused.
            if let Some(applied) = applied.filter(|_| after.to_string().len() <= FINDING_BYTES) {
                ruled.twins.extend(applied.twins);
                let before = std::mem::replace(&mut ruled.finding, after.clone());
                ruled.steps.push((rule.arn.clone(), before, after));
            }
            if rule.terminal {
                break;
            }
        }
        ruled
    }

    /// Files what the rules did to a row: who owns the fields from now on, and the history.
    pub(super) fn record_rules(&mut self, row: u32, ruled: Ruled, now: Timestamp) {
        self.store.give_to_customer(row, &ruled.twins);
        for (arn, before, after) in ruled.steps {
            self.record(row, now, true, arn, &before, &after);
        }
    }

    /// The rules that are on and rule findings of `account` in `region`, in their order.
    fn rules_over(&self, account: AccountId, region: &Region) -> impl Iterator<Item = &Rule> {
        let ruler = self.topology.administrator(account, region).unwrap_or(account);
        let settings = self.settings(ruler, region).filter(|_| self.is_enabled(account, region));
        settings.into_iter().flat_map(|settings| &settings.rules.0).filter(|rule| rule.enabled)
    }

    fn own_rules(&self, caller: &Caller) -> Option<&Rules> {
        self.settings(caller.account, &caller.region).map(|settings| &settings.rules)
    }

    /// Refused: where the hub is off, and to members, with `denied`: the model has not the same error for all operations.
    fn require_ruling(&self, caller: &Caller, denied: fn(String) -> AwsError) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        if let Some(administrator) = self.topology.administrator(caller.account, &caller.region) {
            return Err(denied(format!(
                "Account {} is not authorized to perform this action: automation rules are made and managed in the \
                 administrator account {administrator}",
                caller.account
            )));
        }
        Ok(())
    }
}

/// Why a rule was not processed.
fn unprocessed(caller: &Caller, arn: &str) -> UnprocessedAutomationRule {
    let of = |error_code, error_message| UnprocessedAutomationRule { rule_arn: arn.to_owned(), error_code, error_message };
    match arn::read(arn).filter(|(_, resource)| resource.starts_with("automation-rule/")) {
        None => of(400, format!("{arn} is not the ARN of an automation rule")),
        Some((place, _)) if place.account != caller.account => {
            of(403, format!("Account {} is not authorized to use {arn}", caller.account))
        }
        Some(_) => of(404, format!("Automation rule {arn} not found")),
    }
}
