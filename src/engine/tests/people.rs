//! A person's answer: respected, inherited, taken back, reverted, adopted.

use super::*;
use crate::core::reasons;

/// A governing policy, a finding that a person suppressed.
fn suppressed() -> World {
    let mut world = World::with(vec![governing()], vec![]);
    world.add(1, "a");
    world.settle();
    world.person(1, Suppressed);
    world
}

#[test]
fn a_persons_suppression_is_respected_by_rules_and_exceptions() {
    let mut world = World::with(vec![policy("p")], vec![accept("cdn")]);
    world.add(1, "a").workflow = Suppressed;
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::RESPECTED));
    world.declare(|objects| (objects.policies, objects.exceptions) = (vec![], vec![]));
    assert_eq!((world.settle(), world.workflow(1)), (0, Suppressed));
}

#[test]
fn a_new_finding_of_the_problem_inherits_it() {
    let mut world = suppressed();
    world.add(2, "a");
    world.add(3, "b");
    assert_eq!(world.settle(), 1);
    assert_eq!((world.held_by(2).as_deref(), world.reason(2)), (Some("inherited"), reasons::INHERITED));
    assert_eq!(world.workflow(3), New);
}

#[test]
fn a_suppression_after_the_fix_on_the_passed_finding_counts_with_the_same_id() {
    for restart in [false, true] {
        let mut world = World::with(vec![governing()], vec![]);
        world.add(1, "a");
        world.settle();
        world.check(1, Passed);
        world.settle();
        world.person(1, Suppressed);
        world.settle();
        if restart {
            world.restart();
        }
        world.check(1, Failed);
        assert_eq!((world.settle(), world.reason(1)), (0, reasons::RESPECTED));
        // And if the service does reset it, as far as we saw it happen.
        if !restart {
            world.relapse(1);
            world.settle();
            assert_eq!(world.held_by(1).as_deref(), Some("inherited"));
        }
    }
}

#[test]
fn a_suppression_after_the_fix_on_the_passed_finding_counts_with_a_new_id() {
    for archived in [false, true] {
        let mut world = World::with(vec![governing()], vec![]);
        world.add(1, "a").compliance = Passed;
        world.person(1, Suppressed);
        if archived {
            world.hub.get_mut(&1).unwrap().record = RecordState::Archived;
        }
        world.add(2, "a");
        world.settle();
        assert_eq!(world.held_by(2).as_deref(), Some("inherited"));
    }
}

#[test]
fn what_is_inherited_outlives_its_source_and_ends_with_a_contrary_answer() {
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    let source = world.hub.remove(&1).unwrap();
    assert_eq!((world.settle(), world.reason(2)), (0, reasons::INHERITED));
    world.restart();
    assert_eq!(world.settle(), 0);
    world.hub.insert(1, source);
    for status in [New, Notified, Resolved] {
        let mut world = suppressed();
        world.add(2, "a");
        world.settle();
        world.person(1, status);
        world.settle();
        assert_eq!((world.workflow(1), world.workflow(2)), (status, New), "{status}");
        assert!(world.released(2));
        assert_eq!(world.settle(), 0);
    }
}

#[test]
fn a_contrary_answer_given_while_nobody_was_running_is_found_in_the_history() {
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    world.person(1, New);
    world.restart();
    world.settle();
    assert_eq!((world.workflow(2), world.asked > 0), (New, true));
}

#[test]
fn without_a_history_an_open_question_changes_nothing() {
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    world.history = false;
    world.person(1, New);
    world.restart();
    assert_eq!((world.settle(), world.workflow(2)), (0, Suppressed));
}

#[test]
fn taking_back_what_was_inherited_ends_it() {
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    world.person(2, New);
    assert_eq!((world.settle(), world.workflow(2), world.workflow(1)), (0, New, Suppressed));
    world.restart();
    assert_eq!((world.settle(), world.workflow(2)), (0, New));
}

#[test]
fn resolved_by_a_person_ends_the_inheritance_and_re_arms() {
    for restart in [false, true] {
        let mut world = suppressed();
        world.add(2, "a");
        world.settle();
        world.person(2, Resolved);
        world.settle();
        world.check(2, Passed);
        world.settle();
        world.check(2, Failed);
        if restart {
            world.restart();
        }
        world.settle();
        assert_eq!(world.workflow(2), New, "restart: {restart}");
    }
    // What Git says applies again after the relapse.
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    world.settle();
    world.person(1, Resolved);
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::OVERRIDDEN));
    world.check(1, Passed);
    world.settle();
    world.check(1, Failed);
    world.settle();
    assert_eq!(world.held_by(1).as_deref(), Some(POLICY));
}

#[test]
fn an_inherited_answer_that_the_service_resets_is_inherited_again_without_its_source() {
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    world.hub.remove(&1);
    world.settle();
    world.relapse(2);
    world.settle();
    assert_eq!(world.held_by(2).as_deref(), Some("inherited"));
    assert!(world.asked > 0);
}

#[test]
fn what_a_person_took_back_is_overridden_also_after_a_restart() {
    for status in [New, Notified, Resolved] {
        let mut world = World::with(vec![policy("p")], vec![]);
        world.add(1, "a");
        world.settle();
        world.person(1, status);
        assert_eq!((world.settle(), world.reason(1)), (0, reasons::OVERRIDDEN));
        world.restart();
        assert_eq!((world.settle(), world.reason(1), world.workflow(1)), (0, reasons::OVERRIDDEN, status));
        assert_eq!(world.evaluator.counts().0[0].respected, 1);
    }
}

#[test]
fn overridden_is_lifted_by_what_decides_and_not_by_a_typo() {
    let mut world = World::with(vec![], vec![accept("cdn")]);
    world.add(1, "a");
    world.settle();
    world.person(1, New);
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::OVERRIDDEN));
    world.declare(|objects| objects.exceptions[0].spec.justification = "a typo mended".to_owned());
    assert_eq!(world.settle(), 0);
    world.declare(|objects| objects.exceptions[0].spec.targets[0].regions = vec!["eu-west-1".parse().unwrap()]);
    assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some(CDN)));
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    world.settle();
    world.person(1, New);
    world.settle();
    world.declare(|objects| objects.policies[0].spec.rules[0].name = "other name".to_owned());
    assert_eq!(world.settle(), 0);
    world.declare(|objects| objects.policies[0].spec.rules[0].response = Response::Suppress { reason: Reason::FalsePositive });
    assert_eq!(world.settle(), 1);
}

#[test]
fn taking_back_on_one_finding_is_an_answer_for_all_of_its_problem() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    world.add(2, "a");
    world.settle();
    world.person(1, New);
    assert_eq!(world.settle(), 1);
    assert_eq!((world.workflow(1), world.workflow(2)), (New, New));
    world.add(3, "a");
    assert_eq!((world.settle(), world.reason(3)), (0, reasons::OVERRIDDEN));
}

#[test]
fn a_reset_by_the_service_is_told_from_a_persons_take_back() {
    for restart in [false, true] {
        let mut world = World::with(vec![policy("p")], vec![]);
        world.add(1, "a");
        world.settle();
        world.relapse(1);
        if restart {
            world.restart();
        }
        world.settle();
        assert_eq!(world.held_by(1).as_deref(), Some(POLICY), "the service did it");
        // A person takes it back, and then the check changes.
        world.person(1, New);
        world.settle();
        world.check(1, Passed);
        world.settle();
        world.check(1, Failed);
        if restart {
            world.restart();
        }
        world.settle();
        assert_eq!((world.workflow(1), world.reason(1)), (New, reasons::OVERRIDDEN), "restart: {restart}");
    }
}

#[test]
fn a_take_back_and_a_check_seen_at_once_are_asked_of_the_history() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    world.settle();
    let row = world.row(1);
    world.inventory.set_knowledge(row, Knowledge::Known(None));
    world.person(1, New);
    world.check(1, Passed);
    world.see();
    world.check(1, Failed);
    world.settle();
    assert_eq!((world.workflow(1), world.reason(1)), (New, reasons::OVERRIDDEN));
    assert_eq!(world.asked, 1);
}

#[test]
fn adopt_takes_over_and_expiry_reopens_whatever_is_remembered() {
    for restart in [false, true] {
        let mut adopting = accept("cdn");
        adopting.spec.adopt = true;
        let mut world = World::with(vec![governing()], vec![]);
        world.add(1, "a");
        world.settle();
        world.person(1, Suppressed);
        world.settle();
        world.declare(|objects| objects.exceptions = vec![adopting]);
        assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some(CDN)));
        if restart {
            world.restart();
        }
        world.pass(SignedDuration::from_hours(24 * 30));
        assert_eq!(world.settle(), 1);
        assert_eq!(world.workflow(1), New);
        assert_eq!(world.settle(), 0);
    }
}

#[test]
fn adopt_takes_over_what_was_inherited() {
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    let mut adopting = accept("cdn");
    adopting.spec.adopt = true;
    world.declare(|objects| objects.exceptions = vec![adopting]);
    world.settle();
    assert_eq!([1, 2].map(|n| world.held_by(n)), [Some(CDN.to_owned()), Some(CDN.to_owned())]);
}

fn reverting(suppress: bool) -> Object<PolicySpec> {
    let mut p = policy("p");
    p.spec.manual_suppression = ManualSuppression::Revert;
    p.spec.rules[0].response = rule("x", json!({}), suppress).response;
    p
}

#[test]
fn under_revert_only_git_suppresses() {
    let mut world = World::with(vec![reverting(false)], vec![]);
    world.add(1, "a").workflow = Suppressed;
    assert_eq!(world.settle(), 1);
    assert_eq!((world.workflow(1), world.released(1)), (New, true));
    // What Git suppresses too is taken over; what was taken back is applied again.
    let mut world = World::with(vec![reverting(true)], vec![]);
    world.add(1, "a").workflow = Suppressed;
    world.settle();
    assert_eq!(world.held_by(1).as_deref(), Some(POLICY));
    world.person(1, New);
    assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some(POLICY)));
    // Nothing is inherited.
    let mut world = suppressed();
    world.add(2, "a");
    world.settle();
    world.declare(|objects| objects.policies = vec![reverting(false)]);
    world.settle();
    assert_eq!([1, 2].map(|n| world.workflow(n)), [New, New]);
}

#[test]
fn a_war_stops_at_the_third_rewriting_within_a_day_and_a_peace_starts_anew() {
    for (suppress, set) in [(true, New), (false, Suppressed)] {
        let mut world = World::with(vec![reverting(suppress)], vec![]);
        world.add(1, "a");
        world.settle();
        for _ in 0..2 {
            world.person(1, set);
            assert_eq!(world.settle(), 1);
        }
        world.person(1, set);
        assert_eq!((world.settle(), world.reason(1)), (0, reasons::FLAPPING));
        assert_eq!(world.evaluator.flapping().count(), 1);
        assert_eq!(world.evaluator.counts().0[0].flapping, 1);
        world.restart();
        assert_eq!((world.settle(), world.reason(1)), (0, reasons::FLAPPING));
        world.pass(SignedDuration::from_hours(25));
        assert_eq!(world.settle(), 1);
    }
}

#[test]
fn many_findings_of_one_problem_rewritten_once_each_are_no_war() {
    let mut world = World::with(vec![reverting(false)], vec![]);
    for number in 1..=6 {
        world.add(number, "a");
    }
    world.settle();
    for number in 1..=6 {
        world.person(number, Suppressed);
        assert_eq!(world.settle(), 1, "finding {number}");
    }
}

#[test]
fn what_is_inherited_is_judged_by_the_check_as_it_is_and_not_as_if_it_failed() {
    // A WARNING is governed by one policy, and would be by another if it failed.
    let of = |name: &str, compliance: &str, regime: ManualSuppression| {
        let mut policy = policy(name);
        policy.spec.scope = matching(json!({"compliance": [compliance]}));
        policy.spec.manual_suppression = regime;
        policy.spec.rules = vec![rule("nothing", json!({"accounts": ["999999999999"]}), false)];
        policy
    };
    let policies = vec![of("p", "FAILED", ManualSuppression::Revert), of("r", "WARNING", ManualSuppression::Respect)];
    let mut world = World::with(policies, vec![]);
    world.add(1, "a");
    world.person(1, Suppressed);
    world.add(2, "a").compliance = Warning;
    assert_eq!((world.settle(), world.workflow(2), world.reason(2)), (1, Suppressed, reasons::INHERITED));
    assert_eq!(world.settle(), 0);
}
