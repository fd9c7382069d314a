//! What cannot speak and comes first: nothing behind it does what it might forbid.

use super::*;
use crate::core::reasons;

/// Leaves S3.8 alone, before [`policy`].
fn shield() -> Object<PolicySpec> {
    let mut shield = policy("shield");
    shield.spec.priority = 10;
    shield.spec.rules = vec![rule("keep", json!({"controls": ["S3.8"]}), false)];
    shield
}

fn other(world: &mut World, number: u32) {
    world.add(number, "other").control = "S3.9";
}

#[test]
fn a_suspended_policy_still_comes_first() {
    let mut world = World::with(vec![policy("p"), shield()], vec![]);
    world.declare(|objects| objects.policies[1].spec.suspend = true);
    world.add(1, "a");
    other(&mut world, 2);
    assert_eq!((world.settle(), world.workflow(1), world.reason(1)), (1, New, reasons::SUSPENDED));
    assert_eq!(world.held_by(2).as_deref(), Some(POLICY), "what it does not mean goes on");
    assert!(world.explain(1).iter().any(|step| step.answer.contains("ControlPolicy/shield comes first and is suspended")));
    world.declare(|objects| objects.policies[1].spec.mode = Mode::Audit);
    assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some(POLICY)), "one that only audits never comes first");
}

#[test]
fn a_suspended_policy_of_the_same_priority_counts_only_if_it_disagrees() {
    let mut same = policy("same");
    same.spec.suspend = true;
    let mut world = World::with(vec![policy("p"), same], vec![]);
    world.add(1, "a");
    assert_eq!(world.settle(), 1);
    world.declare(|objects| objects.policies[1].spec.rules = vec![rule("keep", json!({}), false)]);
    world.add(2, "b");
    assert_eq!((world.settle(), world.reason(2)), (0, reasons::SUSPENDED));
    assert_eq!(world.held_by(1).as_deref(), Some(POLICY), "what is held stays");
}

#[test]
fn under_revert_nothing_is_reopened_that_a_suspended_policy_means() {
    let mut revert = policy("p");
    revert.spec.manual_suppression = ManualSuppression::Revert;
    revert.spec.rules = vec![rule("keep", json!({}), false)];
    let mut first = shield();
    first.spec.suspend = true;
    let mut world = World::with(vec![revert, first], vec![]);
    world.add(1, "a");
    other(&mut world, 2);
    world.person(1, Suppressed);
    world.person(2, Suppressed);
    assert_eq!((world.settle(), world.workflow(1), world.workflow(2)), (1, Suppressed, New));
}

#[test]
fn a_policy_that_cannot_be_read_keeps_lower_ones_from_starting_and_not_its_equals() {
    for (hidden, writes) in [(1, 0), (0, 1), (-1, 1)] {
        let mut world = World::with(vec![policy("p")], vec![]);
        world.hidden = vec![Hidden { name: "ControlPolicy/shield".to_owned(), priority: hidden }];
        world.compile();
        world.add(1, "a");
        assert_eq!(world.settle(), writes, "priority {hidden}");
        if writes == 0 {
            assert_eq!(world.reason(1), reasons::OWNER_UNREADABLE);
        }
    }
}

#[test]
fn what_is_held_stays_held_and_is_given_back_while_a_higher_policy_cannot_be_read() {
    let mut world = World::with(vec![policy("p")], vec![accept("cdn")]);
    world.add(1, "a");
    other(&mut world, 2);
    assert_eq!(world.settle(), 2);
    world.hidden = vec![Hidden { name: "ControlPolicy/shield".to_owned(), priority: 9 }];
    world.compile();
    assert_eq!(world.settle(), 0);
    world.declare(|objects| objects.policies[0].spec.rules[0].matches = matching(json!({"controls": ["S3.8"]})));
    assert_eq!((world.settle(), world.workflow(2)), (1, New), "a smaller selection is told without the other");
}

#[test]
fn a_malformed_policy_keeps_lower_ones_out_of_its_scope_only() {
    let mut first = shield();
    first.spec.scope = matching(json!({"accounts": [ACCOUNT]}));
    first.spec.rules = vec![rule("keep", json!({"groups": ["no-such-group"]}), false)];
    let mut world = World::with(vec![policy("p"), first], vec![]);
    world.add(1, "a");
    world.add(2, "b").account = "444455556666";
    assert_eq!((world.settle(), world.reason(1)), (1, reasons::OWNER_UNREADABLE));
    assert_eq!(world.held_by(2).as_deref(), Some(POLICY));
    // Whose scope cannot be told may mean anything.
    world.declare(|objects| objects.policies[1].spec.scope = matching(json!({"groups": ["no-such-group"]})));
    world.add(3, "c").account = "444455556666";
    assert_eq!((world.settle(), world.reason(3)), (0, reasons::OWNER_UNREADABLE));
}
