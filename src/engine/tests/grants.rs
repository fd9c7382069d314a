//! I12: what no guardrail grants has no effect, and says why.

use super::*;
use crate::core::compile::Verdict;
use crate::core::reasons;

/// The exception `cdn` of `team`, and what becomes of it when the guardrail is changed.
fn refused(change: impl FnOnce(&mut Objects)) -> Option<&'static str> {
    let mut world = World::with(vec![], vec![accept("cdn")]);
    world.add(1, "a");
    world.declare(change);
    let writes = world.settle();
    let verdict = world.evaluator.verdicts()[0].clone();
    assert_eq!(writes, usize::from(verdict == Verdict::Active), "{verdict:?}");
    match verdict {
        Verdict::Active => None,
        Verdict::Faulty(fault) => Some(fault.reason),
        other => panic!("{other:?}"),
    }
}

fn grant(change: impl FnOnce(&mut ExceptionPolicySpec)) -> impl FnOnce(&mut Objects) {
    move |objects| change(&mut objects.exception_policies[0].spec)
}

#[test]
fn an_exception_has_its_effect_only_within_all_that_its_grant_says() {
    assert_eq!(refused(|_| {}), None);
    assert_eq!(refused(grant(|spec| spec.namespaces = vec!["other".to_owned()])), Some(reasons::NOT_GRANTED));
    assert_eq!(refused(|objects| objects.exception_policies.clear()), Some(reasons::NOT_GRANTED));
    assert_eq!(refused(grant(|spec| spec.effects.clear())), Some(reasons::EFFECT_NOT_GRANTED));
    let of_another = matching(json!({"accounts": [OTHER]}));
    assert_eq!(refused(grant(|spec| spec.grants = vec![of_another])), Some(reasons::OUT_OF_GRANT));
    let without = matching(json!({"exceptControls": ["S3.*"]}));
    assert_eq!(refused(grant(|spec| spec.grants = vec![without])), Some(reasons::OUT_OF_GRANT));
    assert_eq!(refused(grant(|spec| spec.grants.clear())), Some(reasons::OUT_OF_GRANT));
    assert_eq!(refused(grant(|spec| spec.max_findings = 0)), Some(reasons::TOO_MANY_FINDINGS));
}

#[test]
fn an_exception_lasts_as_long_as_its_grant_and_not_a_day_longer() {
    // From a day before the start to twenty days after it.
    assert_eq!(refused(grant(|spec| spec.max_days = 21)), None);
    assert_eq!(refused(grant(|spec| spec.max_days = 20)), Some(reasons::TOO_LONG));
}

#[test]
fn one_grant_that_holds_is_enough_and_one_of_another_namespace_does_not_count() {
    let second = |namespace: &'static str| {
        move |objects: &mut Objects| {
            objects.exception_policies[0].spec.max_days = 1;
            let mut other = guardrail("second", json!([{}]));
            other.spec.namespaces = vec![namespace.to_owned()];
            objects.exception_policies.push(other);
        }
    };
    assert_eq!(refused(second("team")), None);
    assert_eq!(refused(second("teams")), Some(reasons::TOO_LONG));
}
