//! Who asks, and what they may ask: GetFindings, or an automation rule V1, whose criteria are filters over fewer attributes with
//! more comparisons. Source: the API model, `AutomationRulesFindingFilters`, `StringFilter`, `MapFilter`.

use serde_json::Value;

use super::parse::{FilterErrors, MAX_ATTRIBUTES, MAX_VALUES, Refusal};
use super::{Field, Filters};

/// Values of one criterion, of those that take more than [`MAX_VALUES`]. Source: API model, AutomationRulesFindingFilters.
const MANY_VALUES: usize = 100;
/// Criteria that take that many.
const WITH_MANY: [Field; 4] = [Field::AWS_ACCOUNT_ID, Field::GENERATOR_ID, Field::RESOURCE_ID, Field::TITLE];

/// What a rule may ask for, in the order of the API model.
const CRITERIA: [Field; 41] = [
    Field::PRODUCT_ARN,
    Field::AWS_ACCOUNT_ID,
    Field::ID,
    Field::GENERATOR_ID,
    Field::TYPE,
    Field::FIRST_OBSERVED_AT,
    Field::LAST_OBSERVED_AT,
    Field::CREATED_AT,
    Field::UPDATED_AT,
    Field::CONFIDENCE,
    Field::CRITICALITY,
    Field::TITLE,
    Field::DESCRIPTION,
    Field::SOURCE_URL,
    Field::PRODUCT_NAME,
    Field::COMPANY_NAME,
    Field::SEVERITY_LABEL,
    Field::RESOURCE_TYPE,
    Field::RESOURCE_ID,
    Field::RESOURCE_PARTITION,
    Field::RESOURCE_REGION,
    Field::RESOURCE_TAGS,
    Field::RESOURCE_DETAILS_OTHER,
    Field::COMPLIANCE_STATUS,
    Field::COMPLIANCE_SECURITY_CONTROL_ID,
    Field::COMPLIANCE_ASSOCIATED_STANDARDS_ID,
    Field::VERIFICATION_STATE,
    Field::WORKFLOW_STATUS,
    Field::RECORD_STATE,
    Field::RELATED_FINDINGS_PRODUCT_ARN,
    Field::RELATED_FINDINGS_ID,
    Field::NOTE_TEXT,
    Field::NOTE_UPDATED_AT,
    Field::NOTE_UPDATED_BY,
    Field::USER_DEFINED_FIELDS,
    Field::RESOURCE_APPLICATION_ARN,
    Field::RESOURCE_APPLICATION_NAME,
    Field::AWS_ACCOUNT_NAME,
    Field::RESOURCE_PROVIDER,
    Field::RESOURCE_OWNER_ACCOUNT_ID,
    Field::RESOURCE_OWNER_ORG_ID,
];

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Contains,
    Equals,
    Prefix,
    NotContains,
    NotEquals,
    PrefixNotEquals,
}

impl Comparison {
    /// `NOT_EQUALS`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::Equals => "EQUALS",
            Self::Prefix => "PREFIX",
            Self::NotContains => "NOT_CONTAINS",
            Self::NotEquals => "NOT_EQUALS",
            Self::PrefixNotEquals => "PREFIX_NOT_EQUALS",
        }
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// GetFindings, and whatever takes its filters.
    GetFindings,
    /// An automation rule V1.
    Rule,
}

impl Dialect {
    pub(super) fn has(self, field: Field) -> bool {
        self == Self::GetFindings || CRITERIA.contains(&field)
    }

    pub(super) fn unknown(self, name: &str) -> Refusal {
        let near = Field::near(name).filter(|field| self.has(*field));
        match self {
            Self::GetFindings => Refusal::UnknownAttribute { near },
            Self::Rule => Refusal::UnknownCriterion { near },
        }
    }

    pub(super) fn refuses_number(self, attributes: usize) -> Option<Refusal> {
        match self {
            Self::GetFindings => (attributes > MAX_ATTRIBUTES).then_some(Refusal::TooManyAttributes(attributes)),
            // The guide: "one or more rule criteria"; it knows no bound.
            Self::Rule => (attributes == 0).then_some(Refusal::NoCriterion),
        }
    }

    pub(super) fn most_values(self, field: Field) -> usize {
        if self == Self::Rule && WITH_MANY.contains(&field) { MANY_VALUES } else { MAX_VALUES }
    }

    /// Comparisons of string filters.
    pub(super) fn of_texts(self) -> &'static [Comparison] {
        use Comparison::{Contains, Equals, NotContains, NotEquals, Prefix, PrefixNotEquals};
        match self {
            Self::GetFindings => &[Equals, Prefix, NotEquals, PrefixNotEquals],
            Self::Rule => &[Contains, Equals, Prefix, NotContains, NotEquals, PrefixNotEquals],
        }
    }

    /// Comparisons of map filters.
    pub(super) fn of_maps(self) -> &'static [Comparison] {
        use Comparison::{Contains, Equals, NotContains, NotEquals};
        match self {
            Self::GetFindings => &[Equals, NotEquals],
            Self::Rule => &[Contains, Equals, NotContains, NotEquals],
        }
    }

    /// Why a comparison that is not allowed is none.
    pub(super) fn refuses(self, text: &str, allowed: &[Comparison]) -> Refusal {
        let allowed = allowed.iter().map(|known| known.name()).collect::<Vec<_>>().join(", ");
        let elsewhere = [
            ("CONTAINS", "in automation rules"),
            ("NOT_CONTAINS", "in automation rules V1"),
            ("CONTAINS_WORD", "in the V2 APIs"),
        ];
        match elsewhere.into_iter().find(|(known, _)| self == Self::GetFindings && *known == text) {
            Some((text, place)) => Refusal::ElsewhereComparison { text, place, allowed },
            None => Refusal::UnknownComparison { text: text.to_owned(), allowed },
        }
    }
}

impl Filters {
    /// Compiles the criteria of an automation rule V1, `AutomationRulesFindingFilters` as JSON.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse_criteria(criteria: &Value) -> Result<Self, FilterErrors> {
        Self::parse_as(Dialect::Rule, criteria)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(value: &str, comparison: &str) -> Value {
        json!({"Value": value, "Comparison": comparison})
    }

    fn tag(key: &str, value: &str, comparison: &str) -> Value {
        json!({"Key": key, "Value": value, "Comparison": comparison})
    }

    fn matches(criteria: &Value, finding: &Value) -> bool {
        let now = "2026-08-01T00:00:00Z".parse().unwrap();
        Filters::parse_criteria(criteria).unwrap_or_else(|errors| panic!("{criteria}: {errors}")).matches(finding, now)
    }

    fn refusal(criteria: &Value) -> String {
        Filters::parse_criteria(criteria).unwrap_err().to_string()
    }

    #[test]
    fn texts_are_searched_for_what_they_contain() {
        let (cloud, finding) = (json!({"Title": "S3 and CloudFront"}), |title: &str| json!({"Title": title}));
        assert!(matches(&json!({"Title": [text("Lambda", "CONTAINS"), text("CloudFront", "CONTAINS")]}), &cloud));
        assert!(!matches(&json!({"Title": [text("cloudfront", "CONTAINS")]}), &cloud));
        let neither = json!({"Title": [text("Lambda", "NOT_CONTAINS"), text("CloudFront", "NOT_CONTAINS")]});
        assert!(!matches(&neither, &cloud));
        assert!(matches(&neither, &finding("S3")));
        assert!(!matches(&neither, &json!({})), "a negative on a missing field does not match");
        let of_types = json!({"Type": [text("TTPs", "NOT_CONTAINS")]});
        assert!(!matches(&of_types, &json!({"Types": ["Effects/x", "TTPs/y"]})), "it forbids all values");
    }

    #[test]
    fn maps_are_searched_in_the_value_of_the_key() {
        let tagged = json!({"Resources": [{"Tags": {"team": "Security team"}}, {"Tags": {"stage": "prod"}}]});
        assert!(matches(&json!({"ResourceTags": [tag("team", "Security", "CONTAINS")]}), &tagged));
        assert!(!matches(&json!({"ResourceTags": [tag("stage", "Security", "CONTAINS")]}), &tagged));
        assert!(matches(&json!({"ResourceTags": [tag("team", "Finance", "NOT_CONTAINS")]}), &tagged));
        assert!(!matches(&json!({"ResourceTags": [tag("team", "Security", "NOT_CONTAINS")]}), &tagged));
        assert!(!matches(&json!({"ResourceTags": [tag("owner", "Security", "NOT_CONTAINS")]}), &tagged), "no such key");
    }

    #[test]
    fn comparisons_that_contain_stand_alone() {
        let alone = |of: &str| format!("{of} filters can only be used with other {of} filters");
        for other in ["EQUALS", "PREFIX", "NOT_EQUALS", "PREFIX_NOT_EQUALS"] {
            for one in ["CONTAINS", "NOT_CONTAINS"] {
                assert_eq!(refusal(&json!({"Title": [text("a", one), text("b", other)]})), format!("Title: {}", alone(one)));
            }
        }
        let mixed = refusal(&json!({"UserDefinedFields": [tag("a", "b", "CONTAINS"), tag("a", "c", "NOT_CONTAINS")]}));
        assert!(mixed.contains(&alone("CONTAINS")) && mixed.contains(&alone("NOT_CONTAINS")), "{mixed}");
        assert!(
            refusal(&json!({"Title": [text("a", "CONTAINS_WORD")]})).contains("is not a comparison: one of CONTAINS, EQUALS")
        );
    }

    #[test]
    fn a_rule_asks_for_its_own_attributes_and_for_some_by_a_hundred_values() {
        let mut names: Vec<&str> = CRITERIA.iter().map(|field| field.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 41);
        assert!(refusal(&json!({"Keyword": [{"Value": "x"}]})).contains("is not a criterion of automation rules"));
        assert!(refusal(&json!({"severityLabel": []})).contains("did you mean SeverityLabel?"));
        assert_eq!(refusal(&json!({})), "filters: must have at least one criterion");
        for (name, most) in [("ResourceId", 100), ("Title", 100), ("ResourceType", 20), ("ProductArn", 20)] {
            let criteria = |count: usize| json!({name: vec![text("x", "EQUALS"); count]});
            assert!(!matches(&criteria(most), &json!({})));
            assert!(refusal(&criteria(most + 1)).contains(&format!("up to {most} filter values")), "{name}");
        }
        // More than GetFindings takes.
        let all: serde_json::Map<String, Value> = CRITERIA
            .iter()
            .filter(|field| field.kind() == super::super::FieldKind::String)
            .map(|field| (field.name().to_owned(), json!([text("x", "EQUALS")])))
            .collect();
        assert!(all.len() > MAX_ATTRIBUTES && Filters::parse_criteria(&Value::Object(all)).is_ok());
    }
}
