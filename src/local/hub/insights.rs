//! Insights: findings that filters choose, counted by one of their attributes. Sources: the service's model; the guide's
//! securityhub-custom-insights. Those that AWS brings are in `managed`.

mod managed;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::core::filter::{Field, FieldKind, Filters};
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{INSIGHT_GROUPS, INSIGHTS_MAX, PAGE_DEFAULT, PAGE_MAX};
use crate::wire::securityhub::{
    CreateInsight, GetInsights, Insight as InsightAnswer, InsightArn, InsightResult, InsightResults, InsightResultsAnswer,
    Insights as InsightsAnswer, UpdateInsight,
};

use super::Hub;
use super::caller::Caller;
use super::given::not_blank;
use super::page::{Asked, page_size};

/// The insights of an account in a Region, in the order in which they were made.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Insights(Vec<Insight>);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Insight {
    arn: String,
    name: String,
    /// As they were written; they were right then.
    filters: Value,
    group_by: String,
}

impl Insight {
    fn answer(&self) -> InsightAnswer {
        InsightAnswer {
            insight_arn: self.arn.clone(),
            name: self.name.clone(),
            filters: self.filters.clone(),
            group_by_attribute: self.group_by.clone(),
        }
    }
}

/// The words begin as in aws-samples/aws-security-hub-summary-email, issue 10.
fn read_filters(filters: &Value) -> Result<Filters, AwsError> {
    Filters::parse(filters).map_err(|error| AwsError::invalid_input(format!("Invalid Filters in the input: {error}")))
}

/// Whatever GetFindings filters by, and has one value.
fn read_group(name: &str) -> Result<Field, AwsError> {
    let field = Field::from_name(name).filter(|field| !matches!(field.kind(), FieldKind::Map | FieldKind::Keyword));
    field.ok_or_else(|| {
        AwsError::invalid_input(format!(
            "Invalid parameter 'GroupByAttribute': {name} is no attribute that findings are grouped by"
        ))
    })
}

fn missing(insight_arn: &str) -> AwsError {
    AwsError::not_found(format!("Insight {insight_arn} not found"))
}

/// Refuses what is no ARN of an insight.
fn checked_arn(insight_arn: &str) -> Result<(), AwsError> {
    let resource = insight_arn.strip_prefix("arn:aws:securityhub:").and_then(|rest| rest.splitn(3, ':').nth(2));
    if resource.is_some_and(|resource| resource.starts_with("insight/")) {
        return Ok(());
    }
    let problem = format!("Invalid parameter 'InsightArn': {insight_arn} is not the ARN of an insight");
    Err(AwsError::invalid_input(problem))
}

/// Refuses what is no ARN of an insight that somebody may change.
fn changeable(insight_arn: &str) -> Result<(), AwsError> {
    checked_arn(insight_arn)?;
    if managed::is_managed(insight_arn) {
        let problem = format!("Invalid parameter 'InsightArn': {insight_arn} is managed, and cannot be changed or deleted");
        return Err(AwsError::invalid_input(problem));
    }
    Ok(())
}

impl Hub {
    /// CreateInsight.
    pub fn create_insight(&mut self, caller: &Caller, request: &CreateInsight) -> Result<InsightArn, AwsError> {
        self.require_enabled(caller)?;
        let name = not_blank("Name", &request.name)?;
        read_filters(&request.filters)?;
        read_group(&request.group_by_attribute)?;
        let id = self.uuid();
        let arn = arn::insight(&id, caller.account, &caller.region);
        let insights = &mut self.own_settings(caller)?.insights.0;
        if insights.len() >= INSIGHTS_MAX {
            return Err(AwsError::limit_exceeded(format!("An account may have at most {INSIGHTS_MAX} custom insights")));
        }
        insights.push(Insight {
            arn: arn.clone(),
            name: name.to_owned(),
            filters: request.filters.clone(),
            group_by: request.group_by_attribute.clone(),
        });
        Ok(InsightArn { insight_arn: arn })
    }

    /// GetInsights: all of one's own, or those that are asked for, of which each must be there.
    pub fn insights(&self, caller: &Caller, request: &GetInsights) -> Result<InsightsAnswer, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(request.max_results, PAGE_DEFAULT, PAGE_MAX)?;
        let wanted = request.insight_arns.as_deref().unwrap_or_default();
        let asked_for: Vec<InsightAnswer> = if wanted.is_empty() {
            self.own_insights(caller).map(Insight::answer).collect()
        } else {
            wanted.iter().map(|insight_arn| self.insight(caller, insight_arn)).collect::<Result<_, _>>()?
        };
        let arguments = wanted.join(",");
        let token = request.next_token.as_deref();
        let asked = Asked { operation: "GetInsights", caller, arguments: &arguments, size, token };
        let (insights, next_token) = self.page(&asked, asked_for.into_iter())?;
        Ok(InsightsAnswer { insights, next_token })
    }

    /// UpdateInsight: what is not named stays.
    pub fn update_insight(&mut self, caller: &Caller, insight_arn: &str, request: &UpdateInsight) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let name = request.name.as_deref().map(|name| not_blank("Name", name)).transpose()?;
        request.filters.as_ref().map(read_filters).transpose()?;
        request.group_by_attribute.as_deref().map(read_group).transpose()?;
        changeable(insight_arn)?;
        let insights = &mut self.own_settings(caller)?.insights.0;
        let found = insights.iter_mut().find(|insight| insight.arn == insight_arn);
        let insight = found.ok_or_else(|| missing(insight_arn))?;
        if let Some(name) = name {
            name.clone_into(&mut insight.name);
        }
        if let Some(filters) = &request.filters {
            insight.filters.clone_from(filters);
        }
        if let Some(group_by) = &request.group_by_attribute {
            insight.group_by.clone_from(group_by);
        }
        Ok(())
    }

    /// DeleteInsight.
    pub fn delete_insight(&mut self, caller: &Caller, insight_arn: &str) -> Result<InsightArn, AwsError> {
        self.require_enabled(caller)?;
        changeable(insight_arn)?;
        self.insight(caller, insight_arn)?;
        self.own_settings(caller)?.insights.0.retain(|insight| insight.arn != insight_arn);
        Ok(InsightArn { insight_arn: insight_arn.to_owned() })
    }

    /// GetInsightResults: of what the caller sees, the largest groups first, then by their value. A finding with several values
    /// of the attribute is in each of their groups, one without it in none.
    pub fn insight_results(&self, caller: &Caller, insight_arn: &str, now: Timestamp) -> Result<InsightResultsAnswer, AwsError> {
        self.require_enabled(caller)?;
        let insight = self.insight(caller, insight_arn)?;
        let reading = self.reading(caller, now, Duration::ZERO);
        let (filters, field) = (read_filters(&insight.filters)?, read_group(&insight.group_by_attribute)?);
        let mut groups: Vec<(String, u64)> = self.count_by(caller, &filters, field, &reading).into_iter().collect();
        groups.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let groups = groups.into_iter().take(INSIGHT_GROUPS);
        let result_values =
            groups.map(|(group_by_attribute_value, count)| InsightResult { group_by_attribute_value, count }).collect();
        let InsightAnswer { insight_arn, group_by_attribute, .. } = insight;
        let insight_results = InsightResults { insight_arn, group_by_attribute, result_values };
        Ok(InsightResultsAnswer { insight_results })
    }

    fn own_insights(&self, caller: &Caller) -> impl Iterator<Item = &Insight> {
        self.settings(caller.account, &caller.region).into_iter().flat_map(|settings| &settings.insights.0)
    }

    /// One of the caller's own here, or of AWS's.
    fn insight(&self, caller: &Caller, insight_arn: &str) -> Result<InsightAnswer, AwsError> {
        checked_arn(insight_arn)?;
        let own = self.own_insights(caller).find(|insight| insight.arn == insight_arn).map(Insight::answer);
        own.or_else(|| managed::find(insight_arn)).ok_or_else(|| missing(insight_arn))
    }
}
