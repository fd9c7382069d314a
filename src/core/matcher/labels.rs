//! Kubernetes' label selector, on the labels of `Account` objects.

use std::collections::BTreeMap;

use crate::core::objects::{LabelExpression, LabelOperator, LabelSelector};

/// Whether these labels are selected. The empty selector selects everything, as in Kubernetes; `NotIn` also selects what lacks the key.
pub fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().all(|expression| holds(expression, labels))
}

fn holds(expression: &LabelExpression, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&expression.key);
    match expression.operator {
        LabelOperator::In => value.is_some_and(|value| expression.values.contains(value)),
        LabelOperator::NotIn => value.is_none_or(|value| !expression.values.contains(value)),
        LabelOperator::Exists => value.is_some(),
        LabelOperator::DoesNotExist => value.is_none(),
    }
}

/// What Kubernetes would refuse: the offending part and what is allowed.
pub(super) fn check(selector: &LabelSelector) -> Result<(), String> {
    for expression in &selector.match_expressions {
        let LabelExpression { key, operator, values } = expression;
        match operator {
            LabelOperator::In | LabelOperator::NotIn if values.is_empty() => {
                return Err(format!("matchExpressions on {key:?}: {operator:?} needs at least one value"));
            }
            LabelOperator::Exists | LabelOperator::DoesNotExist if !values.is_empty() => {
                return Err(format!("matchExpressions on {key:?}: {operator:?} takes no values"));
            }
            _ => {}
        }
        if key.is_empty() {
            return Err("matchExpressions needs a key".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(operator: LabelOperator, values: &[&str]) -> LabelSelector {
        let values = values.iter().map(ToString::to_string).collect();
        LabelSelector {
            match_labels: BTreeMap::new(),
            match_expressions: vec![LabelExpression { key: "env".to_owned(), operator, values }],
        }
    }

    #[test]
    fn selectors_mean_what_kubernetes_says() {
        use LabelOperator::{DoesNotExist, Exists, In, NotIn};
        let prod = BTreeMap::from([("env".to_owned(), "prod".to_owned())]);
        let none = BTreeMap::new();
        for (selector, on_prod, on_none) in [
            (LabelSelector::default(), true, true),
            (LabelSelector { match_labels: prod.clone(), match_expressions: Vec::new() }, true, false),
            (expression(In, &["dev", "prod"]), true, false),
            (expression(In, &["dev"]), false, false),
            (expression(NotIn, &["dev"]), true, true),
            (expression(NotIn, &["prod"]), false, true),
            (expression(Exists, &[]), true, false),
            (expression(DoesNotExist, &[]), false, true),
        ] {
            assert_eq!((selects(&selector, &prod), selects(&selector, &none)), (on_prod, on_none), "{selector:?}");
        }
    }

    #[test]
    fn an_expression_that_kubernetes_would_refuse_is_refused() {
        assert!(check(&expression(LabelOperator::In, &[])).is_err());
        assert!(check(&expression(LabelOperator::Exists, &["x"])).is_err());
        assert!(check(&expression(LabelOperator::NotIn, &["x"])).is_ok());
    }
}
