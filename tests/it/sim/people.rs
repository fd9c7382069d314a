//! I4: what people say of a finding stands, under every path.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::{Failed, Passed};
use hubkeeper::core::status::WorkflowStatus::{New, Notified, Resolved, Suppressed};
use hubkeeper::local::faults::{CallFault, Fault, Faults};

use super::world::{Sim, everywhere, exception, exception_with, grant, hub, policy, policy_with};

const CDN: &str = "arn:aws:s3:::cdn";
const FAR: &str = "2027-03-01T00:00:00Z";
const SOON: &str = "2026-12-01T10:00:00Z";
const SUPPRESS: &str = "{name: s3, match: {controls: [S3.8]}, response: {suppress: {reason: OutOfScope}}}";
const TARGET: &str = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::cdn']}";

fn bucket(sim: &Sim) -> FindingKey {
    sim.fail("S3.8", "AwsS3Bucket", CDN)
}

#[tokio::test(start_paused = true)]
async fn a_manual_suppression_is_respected_by_rules_exceptions_their_ends_and_restarts() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.person("alice", &key, Suppressed);
        let all = hub() + &grant() + &exception("cdn", TARGET, SOON) + &policy("p", SUPPRESS);
        for (step, manifests) in [&all, &(hub() + &policy("p", SUPPRESS)), &hub(), &all].into_iter().enumerate() {
            sim.declare(manifests);
            if step == 0 {
                sim.start();
            }
            sim.settle().await;
        }
        sim.pass(3 * 3600).await;
        sim.crash().await;
        sim.declare(&hub());
        sim.start();
        sim.settle().await;
        sim.assert_stays().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key), sim.writes()), (Suppressed, None, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_that_adopts_takes_a_manual_suppression_over_and_its_expiry_reopens() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.person("alice", &key, Suppressed);
        sim.declare(&(hub() + &grant() + &exception_with("cdn", "  adopt: true", TARGET, SOON)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key).as_deref()), (Suppressed, Some("FindingException/team/cdn")));
        sim.pass(3 * 3600).await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_person_takes_back_stays_so_through_a_restart_and_a_typo_until_the_targets_change() {
    everywhere(async |sim| {
        let mut sim = sim;
        for answer in [New, Notified, Resolved] {
            let name = format!("arn:aws:s3:::{}", answer.as_str().to_lowercase());
            let key = sim.fail("S3.8", "AwsS3Bucket", &name);
            let target = format!("{{controls: [S3.8], accounts: ['111122223333'], resources: ['{name}']}}");
            let declared = hub() + &grant() + &exception("cdn", &target, FAR);
            sim.declare(&declared);
            sim.start();
            sim.settle().await;
            assert_eq!(sim.workflow(&key), Suppressed);
            sim.pass(60).await;
            sim.person("bob", &key, answer);
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.exception("team", "cdn").overridden), (answer, 1));
            sim.crash().await;
            sim.start();
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.exception("team", "cdn").overridden), (answer, 1));
            sim.declare(&declared.replace("seen with the team", "seen with the whole team"));
            sim.settle().await;
            sim.assert_stays().await;
            assert_eq!(sim.workflow(&key), answer);
            sim.declare(&declared.replace(&format!("'{name}'"), &format!("'{name}', 'arn:aws:s3:::more'")));
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key).is_some()), (Suppressed, true), "was {answer}");
            sim.stop().await;
            sim.declare(&hub());
            sim.start();
            sim.settle().await;
            sim.stop().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_person_took_back_from_a_rule_is_applied_again_when_the_rule_changes() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        sim.person("bob", &key, New);
        sim.settle().await;
        sim.declare(&(hub() + &policy_with("p", "  priority: 7", &SUPPRESS.replace("name: s3", "name: renamed"))));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New, "neither a name nor a priority is what decides");
        sim.declare(&(hub() + &policy("p", &SUPPRESS.replace("[S3.8]", "[S3.8, S3.9]"))));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_relapse_does_not_undo_what_a_person_took_back() {
    everywhere(async |mut sim| {
        for down in [false, true] {
            let key = sim.fail("S3.8", "AwsS3Bucket", if down { "arn:aws:s3:::down" } else { "arn:aws:s3:::up" });
            sim.declare(&(hub() + &policy("p", SUPPRESS)));
            sim.start();
            sim.settle().await;
            assert_eq!(sim.workflow(&key), Suppressed);
            sim.pass(60).await;
            if down {
                sim.crash().await;
            }
            sim.person("bob", &key, New);
            sim.pass(60).await;
            sim.local.check(&key, Passed);
            sim.pass(60).await;
            sim.local.check(&key, Failed);
            if down {
                sim.start();
            }
            sim.settle().await;
            sim.assert_stays().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key).is_some()), (New, true), "down: {down}");
            assert_eq!(sim.workflows(&key).last().map(String::as_str), Some("NEW"));
            sim.stop().await;
            sim.local.archive(&key);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn resolved_by_a_person_re_arms_so_the_next_failure_is_suppressed_again() {
    everywhere(async |mut sim| {
        for down in [false, true] {
            let key = sim.fail("S3.8", "AwsS3Bucket", if down { "arn:aws:s3:::down" } else { "arn:aws:s3:::up" });
            sim.declare(&(hub() + &policy("p", SUPPRESS)));
            sim.start();
            sim.settle().await;
            sim.pass(60).await;
            sim.person("bob", &key, Resolved);
            sim.settle().await;
            assert_eq!(sim.workflow(&key), Resolved);
            if down {
                sim.crash().await;
            }
            sim.local.check(&key, Passed);
            sim.pass(60).await;
            sim.local.check(&key, Failed);
            if down {
                sim.start();
            }
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key).is_some()), (Suppressed, true), "down: {down}");
            sim.assert_stays().await;
            sim.stop().await;
            sim.local.archive(&key);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn where_the_history_is_denied_a_doubtful_finding_is_left_and_somebody_hears_of_it() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        sim.crash().await;
        sim.pass(60).await;
        sim.person("bob", &key, New);
        sim.local.check(&key, Passed);
        sim.pass(60).await;
        sim.local.check(&key, Failed);
        sim.local
            .set_faults(Faults { calls: vec![CallFault::of("GetFindingHistory", Fault::AccessDenied)], ..Faults::default() });
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.ready("SecurityHub/main")), (New, (Some(false), "AccessDenied")));
        assert!(sim.message("SecurityHub/main").contains("AccessDenied"), "{}", sim.message("SecurityHub/main"));
        sim.assert_stays().await;
        sim.local.set_faults(Faults::default());
        sim.stop().await;
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.ready("ControlPolicy/p").0), (New, Some(true)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn under_revert_only_git_suppresses_and_what_git_suppresses_stays() {
    everywhere(async |mut sim| {
        let (ruled, ignored) = (bucket(&sim), sim.fail("S3.9", "AwsS3Bucket", CDN));
        let rules = format!("{SUPPRESS}\n  - {{name: rest, match: {{controls: [S3.9]}}, response: {{ignore: {{}}}}}}");
        sim.person("alice", &ruled, Suppressed);
        sim.person("alice", &ignored, Suppressed);
        sim.declare(&(hub() + &policy_with("p", "  manualSuppression: Revert", &rules)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&ruled), sim.held_for(&ruled).as_deref()), (Suppressed, Some("ControlPolicy/p")));
        assert_eq!((sim.workflow(&ignored), sim.held_for(&ignored)), (New, None));
        sim.pass(60).await;
        sim.person("alice", &ruled, New);
        sim.person("alice", &ignored, Suppressed);
        sim.settle().await;
        assert_eq!((sim.workflow(&ruled), sim.workflow(&ignored)), (Suppressed, New));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_finding_that_something_keeps_rewriting_is_left_and_the_writer_named() {
    everywhere(async |mut sim| {
        let (ruled, ignored) = (bucket(&sim), sim.fail("S3.9", "AwsS3Bucket", CDN));
        let rules = format!("{SUPPRESS}\n  - {{name: rest, match: {{controls: [S3.9]}}, response: {{ignore: {{}}}}}}");
        sim.declare(&(hub() + &policy_with("p", "  manualSuppression: Revert", &rules)));
        sim.start();
        sim.settle().await;
        for _ in 0..6 {
            sim.person("ci", &ruled, New);
            sim.person("ci", &ignored, Suppressed);
            sim.pass(600).await;
        }
        assert_eq!((sim.workflow(&ruled), sim.workflow(&ignored)), (New, Suppressed));
        assert_eq!(sim.ready("ControlPolicy/p"), (Some(false), "Flapping"));
        assert!(sim.message("ControlPolicy/p").contains("user/ci"), "{}", sim.message("ControlPolicy/p"));
        let ours = sim.workflows(&ruled).iter().filter(|status| *status == "SUPPRESSED").count();
        assert_eq!(ours, 3, "once, and twice again: the third rewriting ends it");
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_s_note_and_fields_stay_whatever_updates_make_of_the_map() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.local.as_person("alice").set_note(&key, "ask me first").unwrap();
        sim.local.as_person("alice").set_user_fields(&key, &[("team", "web"), ("cost", "7")]).unwrap();
        sim.declare(&(hub() + &grant() + &exception("cdn", TARGET, SOON)));
        sim.start();
        sim.settle().await;
        assert!(sim.held_for(&key).is_some());
        let check = |sim: &Sim| {
            let finding = sim.finding(&key);
            assert_eq!(finding["Note"]["Text"], "ask me first");
            assert_eq!(
                (&finding["UserDefinedFields"]["team"], &finding["UserDefinedFields"]["cost"]),
                (&"web".into(), &"7".into())
            );
        };
        check(&sim);
        sim.pass(3 * 3600).await;
        assert_eq!(sim.workflow(&key), New);
        check(&sim);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_is_not_ours_freezes_its_finding() {
    everywhere(async |mut sim| {
        let key = bucket(&sim);
        sim.local
            .as_person("eve")
            .set_user_fields(&key, &[("hubkeeper.dev/owner", "Pod/x"), ("hubkeeper.dev/state", "v9")])
            .unwrap();
        sim.declare(&(hub() + &policy("p", SUPPRESS)));
        sim.start();
        sim.settle().await;
        sim.assert_stays().await;
        assert_eq!((sim.workflow(&key), sim.writes()), (New, 0));
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "MarkerUnreadable"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_forged_marker_that_names_another_s_object_gives_that_object_nothing() {
    everywhere(async |mut sim| {
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::forged");
        let state = "v1 held set=SUPPRESSED prior=NEW at=2026-12-01T07:00:00Z deletion=revert digest=0000000000000001 again=0";
        let fields = [("hubkeeper.dev/owner", "FindingException/team/cdn"), ("hubkeeper.dev/state", state)];
        sim.local.as_person("eve").set_user_fields(&key, &fields).unwrap();
        sim.person("eve", &key, Suppressed);
        sim.declare(&(hub() + &grant() + &exception("cdn", TARGET, FAR)));
        sim.start();
        sim.settle().await;
        // The object that it names does not decide this finding: it is given back like whatever lost its reason.
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        sim.assert_stays().await;
    })
    .await;
}
