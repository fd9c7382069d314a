//! I4: an answer on one finding of a problem is an answer for all of them, newest first.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::{Failed, Passed};
use hubkeeper::core::status::WorkflowStatus::{New, Resolved, Suppressed};

use super::world::{Sim, everywhere, everywhere_with, hub, policy};

const CDN: &str = "arn:aws:s3:::cdn";
const IGNORE: &str = "{name: all, response: {ignore: {}}}";

fn bucket(sim: &Sim) -> FindingKey {
    sim.fail("S3.8", "AwsS3Bucket", CDN)
}

fn kept(sim: &mut Sim) {
    sim.declare(&(hub() + &policy("p", IGNORE)));
    sim.start();
}

#[tokio::test(start_paused = true)]
async fn a_suppression_made_after_the_fix_counts_when_the_same_finding_fails_again() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        kept(&mut sim);
        sim.settle().await;
        sim.local.check(&key, Passed);
        sim.pass(60).await;
        sim.person("alice", &key, Suppressed);
        sim.pass(60).await;
        sim.local.check(&key, Failed);
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key), sim.writes()), (Suppressed, None, 0));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_suppression_made_after_the_fix_is_inherited_by_a_finding_with_a_new_id() {
    everywhere(async |mut sim| {
        for down in [false, true] {
            let name = if down { "arn:aws:s3:::down" } else { "arn:aws:s3:::up" };
            let key = sim.fail("S3.8", "AwsS3Bucket", name);
            kept(&mut sim);
            sim.settle().await;
            sim.local.check(&key, Passed);
            sim.pass(60).await;
            sim.person("alice", &key, Suppressed);
            sim.pass(60).await;
            if down {
                sim.crash().await;
            }
            let next = sim.local.recreate(&key, Failed).unwrap();
            if down {
                sim.start();
            }
            sim.settle().await;
            assert_eq!((sim.workflow(&next), sim.held_for(&next).as_deref()), (Suppressed, Some("inherited")), "down: {down}");
            // And by the one after that, although the person's own finding is long archived.
            sim.pass(3600).await;
            let third = sim.local.recreate(&next, Failed).unwrap();
            sim.settle().await;
            assert_eq!((sim.workflow(&third), sim.held_for(&third).as_deref()), (Suppressed, Some("inherited")), "down: {down}");
            sim.assert_stays().await;
            sim.stop().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn new_ids_for_every_finding_keep_every_answer_and_every_owner() {
    everywhere(async |mut sim| {
        let theirs = bucket(&sim);
        let (ours, plain) = (sim.fail("S3.9", "AwsS3Bucket", CDN), sim.fail("S3.5", "AwsS3Bucket", CDN));
        sim.person("alice", &theirs, Suppressed);
        let rules =
            format!("{{name: logs, match: {{controls: [S3.9]}}, response: {{suppress: {{reason: OutOfScope}}}}}}\n  - {IGNORE}");
        sim.declare(&(hub() + &policy("p", &rules)));
        sim.start();
        sim.settle().await;
        for down in [false, true] {
            sim.pass(60).await;
            if down {
                sim.crash().await;
            }
            sim.local.recreate_all();
            if down {
                sim.start();
            }
            sim.settle().await;
            let now = |control: &str| {
                let key = sim.active(control, CDN);
                (sim.workflow(&key), sim.held_for(&key))
            };
            assert_eq!(now("S3.8"), (Suppressed, Some("inherited".to_owned())), "down: {down}");
            assert_eq!(now("S3.9"), (Suppressed, Some("ControlPolicy/p".to_owned())), "down: {down}");
            assert_eq!(now("S3.5"), (New, None), "down: {down}");
            sim.assert_stays().await;
        }
        assert_ne!(sim.active("S3.9", CDN), ours);
        assert_ne!(sim.active("S3.5", CDN), plain);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn resolved_by_a_person_ends_the_inheritance() {
    everywhere(async |mut sim| {
        for down in [false, true] {
            let key = sim.fail("S3.8", "AwsS3Bucket", if down { "arn:aws:s3:::down" } else { "arn:aws:s3:::up" });
            kept(&mut sim);
            sim.settle().await;
            sim.person("alice", &key, Suppressed);
            sim.pass(60).await;
            let next = sim.local.recreate(&key, Failed).unwrap();
            sim.settle().await;
            assert_eq!(sim.held_for(&next).as_deref(), Some("inherited"));
            sim.pass(60).await;
            if down {
                sim.crash().await;
            }
            sim.person("bob", &next, Resolved);
            sim.pass(60).await;
            sim.local.check(&next, Passed);
            sim.pass(60).await;
            sim.local.check(&next, Failed);
            if down {
                sim.start();
            }
            sim.settle().await;
            sim.assert_stays().await;
            assert_eq!(sim.workflow(&next), New, "down: {down}");
            let third = sim.local.recreate(&next, Failed).unwrap();
            sim.settle().await;
            sim.assert_stays().await;
            assert_eq!(sim.workflow(&third), New, "down: {down}");
            sim.stop().await;
        }
    })
    .await;
}

/// The same user, seen in two Regions: one problem, since users are global.
fn user_in_two_regions(sim: &Sim) -> (FindingKey, FindingKey) {
    let user = "arn:aws:iam::111122223333:user/alice";
    let regions: Vec<_> = sim.local.organization().regions().cloned().collect();
    let account = sim.local.administrator();
    let a = sim.fail_in(account, regions[0].clone(), "IAM.5", "AwsIamUser", user);
    let b = sim.fail_in(account, regions[1].clone(), "IAM.5", "AwsIamUser", user);
    (a, b)
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_a_global_resource_counts_in_every_region() {
    everywhere_with(
        |hub| hub.regions(2),
        async |mut sim| {
            let (a, b) = user_in_two_regions(&sim);
            kept(&mut sim);
            sim.settle().await;
            assert_eq!(sim.hub_detail().problems, super::world::FILLERS as u64 + 1);
            sim.person("alice", &a, Suppressed);
            sim.settle().await;
            assert_eq!((sim.workflow(&b), sim.held_for(&b).as_deref()), (Suppressed, Some("inherited")));
            sim.assert_stays().await;
            sim.person("alice", &a, New);
            sim.settle().await;
            assert_eq!((sim.workflow(&a), sim.workflow(&b), sim.held_for(&b)), (New, New, None));
            sim.assert_stays().await;
        },
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_two_different_answers_the_newest_wins_by_history() {
    for (down, suppress_last) in [(false, false), (false, true), (true, false), (true, true)] {
        everywhere_with(
            |hub| hub.regions(2),
            async |mut sim| {
                let (a, b) = user_in_two_regions(&sim);
                if !down {
                    kept(&mut sim);
                    sim.settle().await;
                }
                let alice = |sim: &Sim| sim.person("alice", &a, Suppressed);
                let bob = |sim: &Sim| sim.person("bob", &b, Resolved);
                if suppress_last {
                    bob(&sim);
                } else {
                    alice(&sim);
                }
                sim.pass(3).await;
                if suppress_last {
                    alice(&sim);
                } else {
                    bob(&sim);
                }
                if down {
                    kept(&mut sim);
                }
                sim.settle().await;
                sim.assert_stays().await;
                let end = if suppress_last { Suppressed } else { Resolved };
                assert_eq!(sim.workflow(&a), Suppressed, "a person's own suppression is never removed");
                assert_eq!(sim.workflow(&b), end, "down: {down}, suppressed last: {suppress_last}");
            },
        )
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_inherited_stays_through_a_restart_and_the_archiving_of_its_source() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        kept(&mut sim);
        sim.settle().await;
        sim.person("alice", &key, Suppressed);
        sim.pass(60).await;
        let next = sim.local.recreate(&key, Failed).unwrap();
        sim.settle().await;
        sim.crash().await;
        sim.start();
        sim.settle().await;
        sim.assert_stays().await;
        assert_eq!((sim.workflow(&next), sim.held_for(&next).as_deref()), (Suppressed, Some("inherited")));
    })
    .await;
}
