//! The main job: suppress, respect, take back.

use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};

use super::world::{both_ways, exception, grant, hub, policy};

const BUCKET: &str = "arn:aws:s3:::cdn";

#[tokio::test(start_paused = true)]
async fn a_rule_suppresses_what_it_matches_and_nothing_else_and_then_rests() {
    both_ways(async |mut sim| {
        let one = sim.fail("S3.9", "AwsS3Bucket", BUCKET);
        let other = sim.fail("EC2.19", "AwsEc2SecurityGroup", "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-1");
        sim.declare(
            &(hub() + &policy("p", "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}")),
        );
        sim.start();
        sim.settle().await;
        assert_eq!(sim.workflow(&one), Suppressed);
        assert_eq!(sim.held_for(&one).as_deref(), Some("ControlPolicy/p"));
        assert_eq!(sim.workflow(&other), New);
        assert_eq!(sim.ready("ControlPolicy/p"), (Some(true), "ReconciliationSucceeded"));
        assert_eq!(sim.policy("p").held, 1);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_new_finding_is_suppressed_by_its_event_without_a_read() {
    both_ways(async |mut sim| {
        sim.declare(
            &(hub() + &policy("p", "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}")),
        );
        sim.start();
        sim.settle().await;
        let reads = sim.calls("GetFindings");
        let key = sim.fail("S3.9", "AwsS3Bucket", BUCKET);
        sim.pass(5).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        assert_eq!(sim.calls("GetFindings"), reads);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_holds_until_its_second_and_is_really_taken_back() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.8", "AwsS3Bucket", BUCKET);
        let target = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::cdn']}";
        sim.declare(&(hub() + &grant() + &exception("cdn", target, "2026-12-01T10:00:00Z")));
        sim.start();
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        assert_eq!(sim.exception("team", "cdn").state, "Active");
        sim.pass(2 * 3600 - 120).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.pass(180).await;
        assert_eq!(sim.workflow(&key), New);
        assert_eq!(sim.held_for(&key), None);
        assert_eq!(sim.exception("team", "cdn").state, "Expired");
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_person_s_suppression_is_respected_and_inherited_by_the_next_finding() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.8", "AwsS3Bucket", BUCKET);
        sim.declare(&(hub() + &policy("p", "{name: all, response: {ignore: {}}}")));
        sim.start();
        sim.settle().await;
        sim.person("alice", &key, Suppressed);
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        assert_eq!(sim.held_for(&key), None);
        let next = sim.local.recreate(&key, hubkeeper::core::status::ComplianceStatus::Failed).unwrap();
        sim.settle().await;
        assert_eq!(sim.workflow(&next), Suppressed);
        assert_eq!(sim.held_for(&next).as_deref(), Some("inherited"));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_policy_gives_back_exactly_what_it_held() {
    both_ways(async |mut sim| {
        let ours = sim.fail("S3.9", "AwsS3Bucket", BUCKET);
        let theirs = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::other");
        sim.person("alice", &theirs, Suppressed);
        sim.declare(
            &(hub() + &policy("p", "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}")),
        );
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&ours), sim.held_for(&theirs)), (Suppressed, None));
        sim.stop().await;
        sim.declare(&hub());
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&ours), sim.workflow(&theirs)), (New, Suppressed));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_reached_anew_in_the_middle_of_its_writes_converges_all_the_same() {
    both_ways(async |mut sim| {
        let keys: Vec<_> = (0..250).map(|number| sim.fail("S3.9", "AwsS3Bucket", &format!("{BUCKET}-{number}"))).collect();
        let rule = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
        sim.declare(&(hub() + &policy("p", rule)));
        sim.start();
        while sim.writes() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        sim.declare(&(hub().replace("apiQuotaPercent: 100", "apiQuotaPercent: 90") + &policy("p", rule)));
        sim.settle().await;
        assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
        assert_eq!(sim.policy("p").held, 250);
        sim.assert_stays().await;
    })
    .await;
}
