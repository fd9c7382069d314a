//! The chain, sentence by sentence.

use super::*;
use crate::core::reasons;

#[test]
fn a_rule_suppresses_and_then_nothing_is_left_to_do() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    assert_eq!(world.settle(), 1);
    assert_eq!((world.workflow(1), world.held_by(1).as_deref()), (Suppressed, Some(POLICY)));
    assert_eq!(world.reason(1), reasons::SUPPRESSED_BY_RULE);
    for _ in 0..5 {
        assert_eq!(world.settle(), 0);
    }
}

#[test]
fn what_passes_is_archived_or_matches_nothing_is_left() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a").compliance = Passed;
    world.add(2, "b").record = RecordState::Archived;
    world.add(3, "c").compliance = Warning;
    assert_eq!(world.settle(), 0);
    assert_eq!([1, 2, 3].map(|n| world.reason(n)), [reasons::PASSED, reasons::ARCHIVED, reasons::NO_MATCH]);
}

#[test]
fn an_exception_comes_before_a_rule_and_its_first_rule_before_the_others() {
    let mut p = policy("p");
    p.spec.rules.insert(0, rule("not this", json!({"resources": ["arn:aws:s3:::b"]}), false));
    let mut world = World::with(vec![p], vec![exception("cdn", json!({"controls": ["S3.8"], "resources": ["arn:aws:s3:::a"]}))]);
    world.add(1, "a");
    world.add(2, "b");
    world.add(3, "c");
    assert_eq!(world.settle(), 2);
    assert_eq!(world.held_by(1).as_deref(), Some(CDN));
    assert_eq!((world.held_by(2), world.reason(2)), (None, reasons::IGNORED));
    assert_eq!(world.held_by(3).as_deref(), Some(POLICY));
}

#[test]
fn the_higher_priority_wins_and_at_a_tie_those_that_disagree_do_not_act() {
    let ignoring = |name: &str, priority: i32| {
        let mut p = policy(name);
        p.spec.priority = priority;
        p.spec.rules = vec![rule("none", json!({}), false)];
        p
    };
    let mut world = World::with(vec![policy("p"), ignoring("high", 10)], vec![]);
    world.add(1, "a");
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::IGNORED));
    world.declare(|objects| objects.policies[0] = ignoring("high", 0));
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::CONFLICTED));
    let conflicted: Vec<u64> = world.evaluator.counts().0.iter().map(|counts| counts.conflicted).collect();
    assert_eq!(conflicted, [1, 1], "both say so");
    // Two that say the same do not conflict, whatever their reasons.
    let mut agreeing = policy("q");
    agreeing.spec.rules[0].response = Response::Suppress { reason: Reason::FalsePositive };
    world.declare(|objects| objects.policies = vec![policy("p"), agreeing]);
    assert_eq!(world.settle(), 1);
    assert_eq!(world.held_by(1).as_deref(), Some(POLICY));
}

#[test]
fn a_conflict_leaves_what_is_held_but_not_what_its_owner_no_longer_matches() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    world.settle();
    let mut disagreeing = policy("q");
    disagreeing.spec.rules = vec![rule("none", json!({}), false)];
    world.declare(|objects| objects.policies.push(disagreeing));
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::CONFLICTED));
    world.declare(|objects| {
        objects.policies.push(policy("r"));
        objects.policies[0].spec.rules = vec![rule("other", json!({"controls": ["EC2.13"]}), true)];
    });
    world.settle();
    assert_eq!(world.workflow(1), New);
}

#[test]
fn audit_policies_never_win_hide_or_conflict() {
    let mut audit = policy("audit");
    audit.spec.mode = Mode::Audit;
    audit.spec.priority = 100;
    audit.spec.rules = vec![rule("none", json!({}), false)];
    let mut same = policy("audit-too");
    same.spec.mode = Mode::Audit;
    let mut world = World::with(vec![audit, same, policy("p")], vec![]);
    world.add(1, "a");
    world.decide();
    let counts: Vec<_> = world.evaluator.counts().0.iter().map(|c| (c.decided, c.would_change, c.conflicted)).collect();
    assert_eq!(counts, [(1, 0, 0), (1, 1, 0), (1, 0, 0)]);
    world.settle();
    assert_eq!(world.held_by(1).as_deref(), Some(POLICY));
    let mut world = World::with(
        vec![{
            let mut p = policy("p");
            p.spec.mode = Mode::Audit;
            p
        }],
        vec![],
    );
    world.add(1, "a");
    assert_eq!((world.settle(), world.reason(1)), (0, reasons::NO_MATCH));
}

#[test]
fn a_warning_that_carries_informational_has_its_controls_rating() {
    let mut p = policy("p");
    p.spec.rules = vec![rule("warnings", json!({"severities": ["HIGH"], "compliance": ["WARNING"]}), true)];
    let mut world = World::with(vec![p], vec![]);
    let finding = world.add(1, "a");
    (finding.compliance, finding.severity) = (Warning, SeverityLabel::Informational);
    world.settle();
    assert_eq!(
        world.held_by(1).as_deref(),
        Some(POLICY),
        "S3.8 is rated {:?}",
        crate::core::catalogue::Catalogue::built_in().get("S3.8").map(|c| c.severity)
    );
}

#[test]
fn a_foreign_or_broken_marker_freezes_the_finding() {
    for fields in [
        json!({OWNER_KEY: "FindingException/team/cdn"}),
        json!({OWNER_KEY: "somebody", STATE_KEY: "v1 held"}),
        json!({STATE_KEY: "v1 held set=SUPPRESSED prior=NEW at=2026-12-01T00:00:00Z deletion=revert digest=0000000000000000 again=0"}),
        json!({OWNER_KEY: "ControlPolicy/p", STATE_KEY: "v9 held"}),
    ] {
        let mut world = World::with(vec![policy("p")], vec![]);
        let finding = world.add(1, "a");
        finding.fields = serde_json::from_value(fields).unwrap();
        finding.workflow = Suppressed;
        assert_eq!((world.settle(), world.reason(1)), (0, reasons::MARKER_UNREADABLE));
        world.hub.get_mut(&1).unwrap().workflow = New;
        assert_eq!(world.settle(), 0);
    }
}

#[test]
fn a_forged_marker_gains_nothing_but_a_give_back() {
    // A1, A6: it names an exception that does not exist, so the finding is reopened, and its own keys stay.
    let mut world = World::with(vec![], vec![]);
    let state = "v1 held set=SUPPRESSED prior=NOTIFIED at=2026-12-01T00:00:00Z deletion=revert digest=0000000000000000 again=0";
    let finding = world.add(1, "a");
    finding.workflow = Suppressed;
    finding.fields =
        serde_json::from_value(json!({OWNER_KEY: "FindingException/team/x", STATE_KEY: state, "team": "pay"})).unwrap();
    assert_eq!(world.settle(), 1);
    assert_eq!(world.workflow(1), Notified);
    assert_eq!(world.hub[&1].fields["team"], "pay");
}

#[test]
fn several_findings_of_one_problem_and_of_other_products_are_each_decided() {
    let mut p = policy("p");
    p.spec.rules.push(rule("inspector", json!({"products": ["aws/inspector"]}), true));
    let mut world = World::with(vec![p], vec![]);
    world.add(1, "a");
    world.add(2, "a").standard = "standards/pci-dss/v/4.0.1";
    world.add(3, "b").product = "aws/inspector";
    assert_eq!(world.settle(), 3);
    assert_eq!(world.inventory.by_problem(world.inventory.get(world.row(1)).unwrap().problem()).len(), 2);
}

#[test]
fn the_explanation_names_every_check() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a");
    world.decide();
    let checks: Vec<&str> = world.explain(1).iter().map(|step| step.check).collect();
    assert_eq!(checks, ["actionable", "person", "exception", "rule"]);
    world.settle();
    let checks: Vec<&str> = world.explain(1).iter().map(|step| step.check).collect();
    assert_eq!(checks, ["held", "take back"]);
}
