//! I9: at most so much changes in an hour without an approval, and what is over it is held as a whole.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::engine::ports::LimitHold;

use super::world::{Sim, both_ways, exception, grant, hub, policy_with};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
const LIMIT: &str = "  limits: {maxFindings: 5, maxPercent: 100}";

fn buckets(sim: &Sim, from: usize, to: usize) -> Vec<FindingKey> {
    (from..to).map(|n| sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::b-{n}"))).collect()
}

fn suppressed(sim: &Sim, keys: &[FindingKey]) -> usize {
    keys.iter().filter(|key| sim.workflow(key) == Suppressed).count()
}

fn approval(name: &str, hold: &LimitHold, decision: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: Approval
metadata: {{name: {name}, namespace: sec-approvals}}
spec:
  subject: {{kind: ControlPolicy, name: p}}
  digest: \"{}\"
  decision: {decision}
  approver: {name}
  reason: planned
  maxFindings: {}
",
        hold.digest, hold.ceiling
    )
}

/// A policy over its limit, and what it asks for.
async fn over(sim: &mut Sim, count: usize) -> (Vec<FindingKey>, String, LimitHold) {
    let keys = buckets(sim, 0, count);
    let declared = hub() + &policy_with("p", LIMIT, RULE);
    sim.declare(&declared);
    sim.start();
    sim.pass(120).await;
    assert_eq!((suppressed(sim, &keys), sim.writes()), (0, 0), "held as a whole");
    assert_eq!(sim.ready("ControlPolicy/p"), (Some(false), "LimitExceeded"));
    let holds = sim.policy("p").limit_holds;
    assert_eq!((holds.len(), holds[0].action, holds[0].wanted), (1, "suppress", count as u64));
    assert!(sim.hub_detail().limit_holds.is_empty(), "the policy's own limit, and not the hub's");
    assert_eq!(holds[0].until, None, "more than the hour ever lets go");
    assert!(sim.message("ControlPolicy/p").contains(&holds[0].digest));
    (keys, declared, holds[0].clone())
}

#[tokio::test(start_paused = true)]
async fn what_is_over_a_limit_is_held_whole_and_an_approval_of_its_digest_releases_it_up_to_the_ceiling() {
    both_ways(async |mut sim| {
        let (keys, declared, hold) = over(&mut sim, 8).await;
        assert_eq!(hold.ceiling, 10);
        sim.declare(&(declared + &approval("alice", &hold, "Approve")));
        sim.settle().await;
        assert_eq!(suppressed(&sim, &keys), 8);
        assert_eq!(sim.ready("Approval/sec-approvals/alice"), (Some(true), "Counts"));
        assert_eq!(sim.ready("ControlPolicy/p").0, Some(true));
        // Beyond the ceiling the approval does not reach, at once or later.
        let more = buckets(&sim, 100, 111);
        sim.pass(120).await;
        assert_eq!(suppressed(&sim, &more), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_denial_of_the_digest_outweighs_its_approval_and_another_digest_is_none() {
    both_ways(async |mut sim| {
        let (keys, declared, hold) = over(&mut sim, 8).await;
        let other =
            LimitHold { digest: hold.digest.replace("sha256:", "sha256:0")[..hold.digest.len()].to_owned(), ..hold.clone() };
        sim.declare(&(declared.clone() + &approval("alice", &other, "Approve")));
        sim.pass(120).await;
        assert_eq!((suppressed(&sim, &keys), sim.ready("Approval/sec-approvals/alice").1), (0, "Stale"));
        sim.declare(&(declared + &approval("alice", &hold, "Approve") + &approval("bob", &hold, "Deny")));
        sim.pass(120).await;
        assert_eq!(suppressed(&sim, &keys), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_multiply_what_is_allowed() {
    both_ways(async |mut sim| {
        let first = buckets(&sim, 0, 4);
        sim.declare(&(hub() + &policy_with("p", LIMIT, RULE)));
        sim.start();
        sim.settle().await;
        assert_eq!(suppressed(&sim, &first), 4);
        sim.crash().await;
        let second = buckets(&sim, 10, 14);
        sim.start();
        sim.pass(600).await;
        assert_eq!(suppressed(&sim, &second), 0, "one is left of the hour's five");
        sim.crash().await;
        sim.start();
        // An hour after the first four, the next four may go.
        sim.pass(3600).await;
        assert_eq!(suppressed(&sim, &second), 4);
        sim.settle().await;
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_hub_s_limit_counts_everybody_together() {
    both_ways(async |mut sim| {
        let (a, b) = (buckets(&sim, 0, 3), sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::one"));
        let hub = hub().replace("maxFindings: 100000", "maxFindings: 3");
        let p = policy_with("p", "", RULE);
        sim.declare(&(hub.clone() + &p));
        sim.start();
        sim.settle().await;
        assert_eq!(suppressed(&sim, &a), 3);
        sim.declare(&(hub + &p + &policy_with("q", "", &RULE.replace("S3.9", "S3.8"))));
        sim.pass(600).await;
        assert_eq!((sim.workflow(&b), sim.ready("ControlPolicy/q").1), (New, "LimitExceeded"));
        sim.pass(3600).await;
        assert_eq!(sim.workflow(&b), Suppressed);
        sim.settle().await;
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_hub_s_limits_hold_back_stands_in_its_status_until_the_hour_or_an_approval_lets_it_go() {
    both_ways(async |mut sim| {
        let (a, b) = (buckets(&sim, 0, 3), sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::one"));
        let hub = hub().replace("maxFindings: 100000", "maxFindings: 3");
        let both = hub.clone() + &policy_with("p", "", RULE) + &policy_with("q", "", &RULE.replace("S3.9", "S3.8"));
        sim.declare(&(hub + &policy_with("p", "", RULE)));
        sim.start();
        sim.settle().await;
        assert!(sim.hub_detail().limit_holds.is_empty());
        sim.declare(&both);
        sim.pass(600).await;
        let holds = sim.hub_detail().limit_holds;
        assert_eq!((holds.len(), holds[0].owner.to_string().as_str()), (1, "ControlPolicy/q"));
        let hold = holds[0].hold.clone();
        assert_eq!((hold.action, hold.wanted, hold.ceiling), ("suppress", 1, 1));
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "LimitExceeded"));
        assert!(sim.message("SecurityHub/main").contains(&hold.digest), "{}", sim.message("SecurityHub/main"));
        assert_eq!(sim.policy("q").limit_holds.first(), Some(&hold), "the policy says the same");
        let (since, until) = (hold.since, hold.until.unwrap());
        let waited = sim.now().as_second() - since.as_second();
        assert!((590..=600).contains(&waited), "{waited} s: since it was declared");
        // To the second, and no sooner: up to half a minute later, since the hour alone wakes nobody.
        sim.pass(u64::try_from(until.as_second() - sim.now().as_second()).unwrap() - 1).await;
        assert_eq!((sim.workflow(&b), sim.hub_detail().limit_holds[0].hold.since), (New, since));
        sim.pass(60).await;
        assert_eq!(sim.workflow(&b), Suppressed);
        sim.settle().await;
        assert!(sim.hub_detail().limit_holds.is_empty());
        // More than the hour ever takes: only an approval helps.
        let more = buckets(&sim, 10, 18);
        sim.pass(2 * 3600).await;
        let hold = sim.hub_detail().limit_holds[0].hold.clone();
        assert_eq!((hold.wanted, hold.until, suppressed(&sim, &more)), (8, None, 0));
        sim.declare(&(both + &approval("alice", &hold, "Approve")));
        sim.settle().await;
        assert_eq!((suppressed(&sim, &more), suppressed(&sim, &a)), (8, 3));
        assert!(sim.hub_detail().limit_holds.is_empty());
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_scope_is_a_limit_too() {
    // In the scope of the first are all findings of the hub, so that 11 are less than half; in that of the second only they.
    for (scope, end) in [("", 11), ("  scope: {controls: [S3.9]}\n", 0)] {
        both_ways(async |mut sim| {
            let keys = buckets(&sim, 0, 11);
            let more = format!("{scope}  limits: {{maxFindings: 100, maxPercent: 50}}");
            sim.declare(&(hub() + &policy_with("p", &more, RULE)));
            sim.start();
            sim.pass(120).await;
            assert_eq!(suppressed(&sim, &keys), end, "{scope}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn expiry_is_exempt_and_deletion_is_not() {
    both_ways(async |mut sim| {
        let keys: Vec<FindingKey> = (0..8).map(|n| sim.fail("S3.8", "AwsS3Bucket", &format!("arn:aws:s3:::b-{n}"))).collect();
        let target = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::b-*']}";
        let wide = hub();
        let tight = hub().replace("maxFindings: 100000", "maxFindings: 5");
        let ours = grant() + &exception("cdn", target, "2026-12-01T12:00:00Z");
        sim.declare(&(wide + &ours));
        sim.start();
        sim.settle().await;
        assert_eq!(suppressed(&sim, &keys), 8);
        sim.pass(3700).await;
        sim.declare(&tight);
        sim.pass(600).await;
        assert_eq!(suppressed(&sim, &keys), 8, "giving back eight at once is over the limit of five");
        sim.declare(&(tight + &ours));
        sim.settle().await;
        sim.pass(3 * 3600).await;
        assert_eq!(suppressed(&sim, &keys), 0);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_known_problem_under_a_new_id_costs_nothing() {
    both_ways(async |mut sim| {
        let keys = buckets(&sim, 0, 5);
        sim.declare(&(hub() + &policy_with("p", LIMIT, RULE)));
        sim.start();
        sim.settle().await;
        assert_eq!(suppressed(&sim, &keys), 5);
        sim.local.recreate_all();
        sim.settle().await;
        for n in 0..5 {
            assert_eq!(sim.workflow(&sim.active("S3.9", &format!("arn:aws:s3:::b-{n}"))), Suppressed);
        }
        sim.assert_stays().await;
    })
    .await;
}
