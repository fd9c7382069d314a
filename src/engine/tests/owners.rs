//! Owners that go, narrow, break, pause or hand over.

use super::*;
use crate::core::reasons;

/// Holds finding 1 by the policy, finding 2 by the exception.
fn holding() -> World {
    let mut p = policy("p");
    p.spec.rules = vec![rule("a", json!({"resources": ["arn:aws:s3:::a"]}), true)];
    let mut world = World::with(vec![p], vec![exception("cdn", json!({"controls": ["S3.8"], "resources": ["arn:aws:s3:::b"]}))]);
    world.add(1, "a");
    world.add(2, "b").workflow = Notified;
    assert_eq!(world.settle(), 2);
    assert_eq!([1, 2].map(|n| world.held_by(n)), [Some(POLICY.to_owned()), Some(CDN.to_owned())]);
    world
}

fn both(world: &World) -> [WorkflowStatus; 2] {
    [1, 2].map(|n| world.workflow(n))
}

#[test]
fn what_is_deleted_is_given_back_to_what_it_was() {
    let mut world = holding();
    world.declare(|objects| (objects.policies, objects.exceptions) = (vec![], vec![]));
    assert_eq!((world.settle(), both(&world)), (2, [New, Notified]));
    assert!(world.released(1) && world.released(2));
    assert_eq!(world.settle(), 0);
}

#[test]
fn a_prior_resolved_is_given_back_as_new_and_a_passed_finding_as_resolved() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a").workflow = Resolved;
    world.add(2, "b");
    world.settle();
    world.check(2, Passed);
    assert_eq!((world.settle(), world.workflow(2)), (0, Suppressed), "a passing one stays with its holder");
    world.declare(|objects| objects.policies.clear());
    world.settle();
    assert_eq!(both(&world), [New, Resolved]);
}

#[test]
fn archived_ones_are_left() {
    let mut world = holding();
    world.hub.get_mut(&1).unwrap().record = RecordState::Archived;
    world.declare(|objects| (objects.policies, objects.exceptions) = (vec![], vec![]));
    assert_eq!((world.settle(), both(&world)), (1, [Suppressed, Notified]));
}

#[test]
fn absence_proves_nothing_while_the_source_is_incomplete() {
    for unreadable in [false, true] {
        let mut world = holding();
        if unreadable {
            world.unreadable.insert(ObjectRef::cluster(Kind::Account, "x"));
        } else {
            world.complete = false;
        }
        world.declare(|objects| (objects.policies, objects.exceptions) = (vec![], vec![]));
        assert_eq!((world.settle(), both(&world)), (0, [Suppressed, Suppressed]));
        assert_eq!(world.reason(1), reasons::OWNER_UNREADABLE);
        (world.complete, world.unreadable) = (true, BTreeSet::new());
        world.compile();
        assert_eq!(world.settle(), 2);
    }
}

#[test]
fn an_owner_that_is_unreadable_keeps_what_it_holds() {
    let mut world = holding();
    world.unreadable = [ObjectRef::cluster(Kind::ControlPolicy, "p"), world.objects.exceptions[0].meta.object.clone()].into();
    world.declare(|objects| (objects.policies, objects.exceptions) = (vec![], vec![]));
    world.restart();
    assert_eq!((world.settle(), both(&world)), (0, [Suppressed, Suppressed]));
}

#[test]
fn an_owner_that_is_malformed_keeps_what_it_holds_and_takes_no_more() {
    let mut world = holding();
    let broken = json!({"controls": ["S3.8"], "resources": ["*"], "groups": ["no-such-group"]});
    world.declare(|objects| {
        objects.policies[0].spec.rules[0].matches = matching(broken.clone());
        objects.exceptions[0].spec.targets[0] = matching(broken);
    });
    world.add(3, "b");
    assert_eq!((world.settle(), both(&world), world.workflow(3)), (0, [Suppressed, Suppressed], New));
    assert_eq!(world.reason(1), reasons::OWNER_UNREADABLE);
    // Expiry acts all the same.
    world.pass(SignedDuration::from_hours(24 * 30));
    assert_eq!((world.settle(), both(&world)), (1, [Suppressed, Notified]));
}

#[test]
fn a_malformed_guardrail_grants_nothing_new_and_takes_nothing_away() {
    let mut world = holding();
    world.declare(|objects| objects.exception_policies[0].spec.grants = vec![matching(json!({"groups": ["no-such-group"]}))]);
    world.add(3, "b");
    assert_eq!((world.settle(), world.workflow(2), world.workflow(3)), (0, Suppressed, New));
}

#[test]
fn what_an_owner_no_longer_means_is_given_back() {
    let mut world = holding();
    world.declare(|objects| {
        objects.policies[0].spec.rules[0].matches.resources = vec!["arn:aws:s3:::other".to_owned()];
        objects.exceptions[0].spec.targets[0].regions = vec!["us-east-1".parse().unwrap()];
    });
    assert_eq!((world.settle(), both(&world)), (2, [New, Notified]));
    let mut world = holding();
    world.declare(|objects| objects.policies[0].spec.hubs = vec!["another".to_owned()]);
    assert_eq!((world.settle(), both(&world)), (1, [New, Suppressed]));
}

/// A policy that keeps what it suppressed when it goes, and a finding that it holds.
fn retained() -> World {
    let mut policy = policy("p");
    policy.spec.deletion_policy = DeletionPolicy::Retain;
    let mut world = World::with(vec![policy], vec![]);
    world.add(1, "a");
    world.settle();
    world
}

#[test]
fn a_policy_for_another_hub_is_narrowed_and_not_deleted() {
    let mut world = retained();
    world.declare(|objects| objects.policies[0].spec.hubs = vec!["another".to_owned()]);
    assert_eq!((world.settle(), world.workflow(1)), (1, New));
}

#[test]
fn an_exception_expires_at_its_second() {
    let mut world = holding();
    let expiry = world.objects.exceptions[0].spec.expires_at;
    assert_eq!(world.evaluator.set().next_deadline(world.now), Some(expiry));
    world.now = expiry - SignedDuration::from_mins(1) - SignedDuration::from_secs(1);
    assert_eq!(world.settle(), 0);
    world.now = expiry - SignedDuration::from_mins(1);
    world.complete = false;
    world.compile();
    world.tick();
    world.decide();
    let (_, wanted) = world.evaluator.wanted().first_key_value().unwrap();
    assert_eq!((wanted.reason, wanted.free), (reasons::EXPIRED, true));
    world.settle();
    assert_eq!(both(&world), [Suppressed, Notified]);
}

#[test]
fn suspend_freezes_all_but_expiry_and_deletion() {
    let mut world = holding();
    world.declare(|objects| {
        objects.policies[0].spec.suspend = true;
        objects.policies[0].spec.rules[0].matches.resources = vec!["arn:aws:s3:::other".to_owned()];
        objects.exceptions[0].spec.suspend = true;
    });
    world.add(3, "b");
    assert_eq!((world.settle(), both(&world), world.workflow(3)), (0, [Suppressed, Suppressed], New));
    assert_eq!([1, 2].map(|n| world.reason(n)), [reasons::SUSPENDED, reasons::SUSPENDED]);
    world.pass(SignedDuration::from_hours(24 * 30));
    assert_eq!((world.settle(), both(&world)), (1, [Suppressed, Notified]));
    world.declare(|objects| objects.policies.clear());
    assert_eq!((world.settle(), both(&world)), (1, [New, Notified]));
}

#[test]
fn retain_releases_the_marker_and_stands_in_it() {
    let mut world = retained();
    world.declare(|objects| objects.policies.clear());
    world.restart();
    assert_eq!((world.settle(), world.workflow(1), world.released(1)), (1, Suppressed, true));
    assert_eq!(world.settle(), 0);
}

#[test]
fn a_grant_or_approval_that_is_lost_is_given_back_and_not_while_it_is_unreadable() {
    type Loss = fn(&mut Objects);
    let losses: [Loss; 5] = [
        |objects| objects.exception_policies.clear(),
        |objects| objects.exception_policies[0].spec.grants = vec![matching(json!({"accounts": [OTHER]}))],
        |objects| objects.exception_policies[0].spec.grants = vec![matching(json!({"resources": ["arn:aws:s3:::other"]}))],
        |objects| objects.exception_policies[0].spec.max_findings = 0,
        |objects| objects.exception_policies[0].spec.approvals = asking(&["HIGH", "MEDIUM", "LOW", "CRITICAL"], 1),
    ];
    for (number, loss) in losses.into_iter().enumerate() {
        let mut world = holding();
        world.complete = false;
        world.declare(loss);
        assert_eq!((world.settle(), both(&world)), (0, [Suppressed, Suppressed]), "loss {number}");
        world.complete = true;
        world.compile();
        assert_eq!((world.settle(), both(&world)), (1, [Suppressed, Notified]), "loss {number}");
    }
}

fn asking(severities: &[&str], count: u32) -> Vec<ApprovalRule> {
    let matches = matching(json!({"severities": severities}));
    vec![ApprovalRule { matches, namespaces: vec!["sec".to_owned()], count }]
}

#[test]
fn approvals_are_distinct_in_time_of_this_digest_and_from_the_right_namespace() {
    let mut world = World::with(vec![], vec![accept("cdn")]);
    world.declare(|objects| objects.exception_policies[0].spec.approvals = asking(&["LOW", "MEDIUM", "HIGH", "CRITICAL"], 2));
    world.add(1, "a");
    assert_eq!(world.settle(), 0);
    let subject = world.objects.exceptions[0].meta.object.clone();
    let yes = |name: &str| approval(name, subject.clone(), "sha256:cdn");
    let mut wrong: Vec<Object<ApprovalSpec>> = vec![yes("alice"), approval("eve", subject.clone(), "sha256:old")];
    let mut again = yes("second");
    again.spec.approver = "alice".to_owned();
    let mut elsewhere = yes("bob");
    elsewhere.meta.object = ObjectRef::namespaced(Kind::Approval, "team", "bob");
    let mut late = yes("carol");
    late.spec.expires_at = Some(world.now);
    wrong.extend([again, elsewhere, late]);
    world.declare(|objects| objects.approvals = wrong);
    assert_eq!(world.settle(), 0);
    world.declare(|objects| objects.approvals.push(yes("dave")));
    assert_eq!(world.settle(), 1);
    // A no ends it, also where no yes is needed.
    let mut no = yes("frank");
    no.spec.decision = ApprovalDecision::Deny;
    world.declare(|objects| objects.approvals.push(no));
    assert_eq!((world.settle(), world.workflow(1)), (1, New));
    world.declare(|objects| objects.exception_policies[0].spec.approvals = asking(&["INFORMATIONAL"], 1));
    assert_eq!(world.settle(), 0, "still denied");
    assert!(matches!(&world.evaluator.verdicts()[0], crate::core::compile::Verdict::Faulty(f) if f.reason == reasons::DENIED));
}

#[test]
fn an_unreadable_approval_is_not_a_missing_one_but_hides_no_deleted_owner() {
    let mut world = World::with(vec![policy("p")], vec![accept("cdn")]);
    world.declare(|objects| objects.exception_policies[0].spec.approvals = asking(&["LOW", "MEDIUM", "HIGH", "CRITICAL"], 1));
    let subject = world.objects.exceptions[0].meta.object.clone();
    let yes = approval("alice", subject, "sha256:cdn");
    world.declare(|objects| objects.approvals = vec![yes.clone()]);
    world.add(1, "a");
    world.add(2, "b").account = OTHER;
    world.settle();
    world.unreadable = [yes.meta.object].into();
    world.declare(|objects| (objects.approvals, objects.policies) = (vec![], vec![]));
    assert_eq!((world.settle(), both(&world)), (1, [Suppressed, New]));
    world.unreadable.clear();
    world.compile();
    assert_eq!((world.settle(), both(&world)), (1, [New, New]));
}

#[test]
fn guardrails_add_up_and_one_that_is_satisfied_is_enough() {
    let mut world = World::with(vec![], vec![accept("cdn")]);
    world.declare(|objects| objects.exception_policies[0].spec.max_findings = 1);
    world.add(1, "a");
    world.add(2, "b");
    assert_eq!(world.settle(), 0);
    let mut strict = guardrail("wide", json!([{}]));
    strict.spec.approvals = asking(&["LOW", "MEDIUM", "HIGH", "CRITICAL"], 1);
    world.declare(|objects| objects.exception_policies.push(strict));
    assert_eq!(world.settle(), 0);
    world.declare(|objects| objects.exception_policies[1].spec.approvals.clear());
    assert_eq!(world.settle(), 2);
}

#[test]
fn a_grant_by_tags_has_its_tags_and_waits_for_them_without_giving_back() {
    let mut world = World::with(vec![], vec![accept("cdn")]);
    world.add(1, "a").tags = json!({"team": "pay"});
    world.settle();
    world.declare(|objects| objects.exception_policies[0].spec.grants = vec![matching(json!({"tags": {"team": ["pay"]}}))]);
    // Not read again yet.
    world.evaluator.round(&world.inventory, world.now);
    assert!(world.evaluator.wanted().is_empty());
    // One of two has been read again.
    assert_eq!((world.settle(), world.workflow(1)), (0, Suppressed));
    world.add(2, "b").tags = json!({"team": "other"});
    world.settle();
    assert_eq!(both(&world), [New, New], "partly outside its grant: no effect at all");
}

#[test]
fn transfers_keep_the_prior_status() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a").workflow = Notified;
    world.settle();
    world.declare(|objects| objects.exceptions = vec![accept("cdn")]);
    assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some(CDN)));
    world.declare(|objects| {
        objects.exceptions.clear();
        objects.policies.push({
            let mut p = policy("q");
            p.spec.priority = 9;
            p
        });
    });
    assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some("ControlPolicy/q")));
    world.declare(|objects| objects.policies[1].spec.priority = -9);
    assert_eq!((world.settle(), world.held_by(1).as_deref()), (1, Some(POLICY)));
    world.declare(|objects| objects.policies.clear());
    assert_eq!((world.settle(), world.workflow(1)), (1, Notified));
}

#[test]
fn a_passing_finding_is_not_handed_to_an_exception_outside_its_grant() {
    let mut world = World::with(vec![policy("p")], vec![accept("cdn")]);
    world.declare(|objects| {
        objects.exception_policies[0].spec.grants = vec![matching(json!({"resources": ["arn:aws:s3:::other"]}))];
    });
    world.add(1, "a");
    world.settle();
    world.check(1, Passed);
    world.settle();
    world.declare(|objects| objects.policies.clear());
    assert_eq!((world.settle(), world.workflow(1)), (1, Resolved));
}

#[test]
fn an_account_that_is_unreadable_narrows_nothing_and_widens_nothing() {
    let mut p = policy("p");
    let selector = json!({"accountSelector": {"matchLabels": {"env": "prod"}}});
    p.spec.rules = vec![rule("prod", selector.clone(), true)];
    let mut world = World::with(vec![p], vec![]);
    world.declare(|objects| objects.accounts = vec![account(ACCOUNT, json!({"env": "prod"}))]);
    world.add(1, "a");
    assert_eq!(world.settle(), 1);
    world.unreadable = [world.objects.accounts[0].meta.object.clone()].into();
    world.declare(|objects| objects.accounts.clear());
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::OWNER_UNREADABLE));
    // A rule that would come first cannot be asked: a later one does not take its place.
    world.declare(|objects| objects.policies[0].spec.rules = vec![rule("prod", selector, false), rule("rest", json!({}), true)]);
    world.add(2, "b");
    assert_eq!((world.settle(), world.workflow(2), world.reason(2)), (0, New, reasons::OWNER_UNREADABLE));
    world.unreadable.clear();
    world.compile();
    assert_eq!(world.settle(), 1);
}

#[test]
fn the_last_good_version_is_carried_over_and_a_hole_is_known() {
    use crate::core::compile::carry_over;
    let good = Objects { policies: vec![policy("p"), policy("q")], ..Objects::default() };
    let broken = |name: &str| Broken {
        object: Some(ObjectRef::cluster(Kind::ControlPolicy, name)),
        origin: "x.yaml:1".into(),
        message: "broken".into(),
        priority: Some(200),
        generation: 0,
    };
    let now = Objects { policies: vec![policy("q")], ..Objects::default() };
    let desired = |broken: Vec<Broken>, complete: bool| Desired { objects: now.clone(), broken, complete };
    let kept = |declared: &Declared| declared.objects.policies.iter().map(|p| p.meta.object.name.to_string()).collect::<Vec<_>>();
    let carried = carry_over(Some(&good), &desired(vec![broken("p")], true));
    assert_eq!((kept(&carried), carried.complete, carried.unreadable.len()), (vec!["p".to_owned(), "q".to_owned()], true, 0));
    let hole = carry_over(None, &desired(vec![broken("p")], true));
    assert_eq!((kept(&hole), hole.unreadable.len()), (vec!["q".to_owned()], 1));
    let incomplete = carry_over(Some(&good), &desired(vec![], false));
    assert_eq!((kept(&incomplete).len(), incomplete.complete), (2, false));
    assert_eq!(kept(&carry_over(Some(&good), &desired(vec![], true))), ["q"]);
}

#[test]
fn which_of_two_exceptions_holds_does_not_depend_on_the_order_in_which_they_are_read() {
    // Found by `laws::order_does_not_matter`: one adopts what a person suppressed, the other respects it.
    let wanted = |reversed: bool| {
        let mut world = World::new();
        world.add(1, "a");
        world.person(1, Suppressed);
        world.declare(|own| {
            own.exception_policies = vec![guardrail("g", json!([{}]))];
            own.exceptions = vec![accept("x"), accept("y")];
            own.exceptions[1].spec.adopt = true;
            if reversed {
                own.exceptions.reverse();
            }
        });
        world.decide();
        world.evaluator.wanted().len()
    };
    assert_eq!((wanted(false), wanted(true)), (0, 0), "x comes first by its name");
}
