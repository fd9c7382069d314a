//! I3: what loses its reason is given back, exactly that, and only when it is proved.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::{Failed, Passed};
use hubkeeper::core::status::WorkflowStatus::{self, New, Notified, Resolved, Suppressed};

use super::world::{Sim, everywhere, exception, exception_with, grant, hub, parse_files, policy, policy_with};

const CDN: &str = "arn:aws:s3:::cdn";
const LOGS: &str = "arn:aws:s3:::logs";
const FAR: &str = "2027-03-01T00:00:00Z";
const SOON: &str = "2026-12-01T10:00:00Z";
const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";

fn target(resources: &str) -> String {
    format!("{{controls: [S3.8], accounts: ['111122223333'], resources: [{resources}]}}")
}

fn cdn() -> String {
    target("'arn:aws:s3:::cdn'")
}

fn bucket(sim: &Sim, name: &str) -> FindingKey {
    sim.fail("S3.8", "AwsS3Bucket", name)
}

/// Two findings, the first covered by exception `cdn`.
async fn covered(sim: &mut Sim, expires: &str) -> FindingKey {
    let key = bucket(sim, CDN);
    sim.declare(&(hub() + &grant() + &exception("cdn", &cdn(), expires)));
    sim.start();
    sim.settle().await;
    assert_eq!((sim.workflow(&key), sim.held_for(&key).as_deref()), (Suppressed, Some("FindingException/team/cdn")));
    key
}

#[tokio::test(start_paused = true)]
async fn a_deleted_exception_gives_back_what_it_held_and_nothing_that_a_person_suppressed() {
    everywhere(async |mut sim| {
        let theirs = bucket(&sim, LOGS);
        sim.person("alice", &theirs, Suppressed);
        let key = bucket(&sim, CDN);
        let targets = target("'arn:aws:s3:::cdn', 'arn:aws:s3:::logs'");
        sim.declare(&(hub() + &grant() + &exception("cdn", &targets, FAR)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&theirs)), (Suppressed, None));
        sim.declare(&(hub() + &grant()));
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        assert_eq!((sim.workflow(&theirs), sim.held_for(&theirs)), (Suppressed, None));
        assert!(!sim.has_status("FindingException/team/cdn"));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_that_expires_while_nobody_runs_is_taken_back_by_the_next_that_does() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, SOON).await;
        sim.crash().await;
        sim.pass(3 * 3600).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        assert_eq!(sim.exception("team", "cdn").state, "Expired");
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_exception_gives_back_only_what_it_no_longer_covers() {
    everywhere(async |mut sim| {
        let (cdn_key, logs) = (bucket(&sim, CDN), bucket(&sim, LOGS));
        let both = target("'arn:aws:s3:::cdn', 'arn:aws:s3:::logs'");
        sim.declare(&(hub() + &grant() + &exception("cdn", &both, FAR)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&cdn_key), sim.workflow(&logs)), (Suppressed, Suppressed));
        sim.declare(&(hub() + &grant() + &exception("cdn", &cdn(), FAR)));
        sim.settle().await;
        assert_eq!((sim.workflow(&cdn_key), sim.workflow(&logs)), (Suppressed, New));
        assert_eq!(sim.exception("team", "cdn").held, 1);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_that_is_narrowed_while_nobody_runs_gives_back_only_what_it_no_longer_covers() {
    everywhere(async |mut sim| {
        let (cdn_key, logs) = (bucket(&sim, CDN), bucket(&sim, LOGS));
        sim.declare(&(hub() + &grant() + &exception("cdn", &target("'arn:aws:s3:::cdn', 'arn:aws:s3:::logs'"), FAR)));
        sim.start();
        sim.settle().await;
        sim.stop().await;
        sim.declare(&(hub() + &grant() + &exception("cdn", &cdn(), FAR)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&cdn_key), sim.workflow(&logs)), (Suppressed, New));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_revoked_grant_takes_its_exceptions_with_it_and_brings_them_back() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, FAR).await;
        sim.declare(&(hub() + &exception("cdn", &cdn(), FAR)));
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "NotGranted"));
        sim.declare(&(hub() + &grant() + &exception("cdn", &cdn(), FAR)));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_narrowed_grant_ends_the_whole_exception_also_while_nobody_runs() {
    for down in [false, true] {
        everywhere(async |mut sim| {
            let key = covered(&mut sim, FAR).await;
            if down {
                sim.crash().await;
            }
            sim.declare(&(hub() + &grant().replace("111122223333", "444455556666") + &exception("cdn", &cdn(), FAR)));
            if down {
                sim.start();
            }
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
            assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "OutOfGrant"));
            assert!(
                sim.message("FindingException/team/cdn").contains("spec.targets[0]"),
                "{}",
                sim.message("FindingException/team/cdn")
            );
            sim.assert_stays().await;
        })
        .await;
    }
}

fn grant_with_approval() -> String {
    grant() + "  approvals: [{match: {controls: [S3.*]}, namespaces: [sec-approvals], count: 1}]\n"
}

fn approval(name: &str, digest: &str, decision: &str, more: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: Approval
metadata: {{name: {name}, namespace: sec-approvals}}
spec:
  subject: {{kind: FindingException, namespace: team, name: cdn}}
  digest: \"{digest}\"
  decision: {decision}
  approver: {name}
  reason: seen with the team
{more}
"
    )
}

/// An exception that needs an approval and has it.
async fn approved(sim: &mut Sim, more: &str) -> (FindingKey, String, String) {
    let key = bucket(sim, CDN);
    let base = hub() + &grant_with_approval() + &exception("cdn", &cdn(), FAR);
    sim.declare(&base);
    sim.start();
    sim.settle().await;
    assert_eq!(sim.workflow(&key), New);
    assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "ApprovalNeeded"));
    let digest = sim.exception("team", "cdn").digest;
    sim.declare(&(base.clone() + &approval("alice", &digest, "Approve", more)));
    sim.settle().await;
    assert_eq!(sim.workflow(&key), Suppressed);
    assert_eq!(sim.ready("Approval/sec-approvals/alice"), (Some(true), "Counts"));
    (key, base, digest)
}

#[tokio::test(start_paused = true)]
async fn a_lost_approval_takes_the_exception_back() {
    for down in [false, true] {
        everywhere(async |mut sim| {
            let (key, base, _) = approved(&mut sim, "").await;
            if down {
                sim.crash().await;
            }
            sim.declare(&base);
            if down {
                sim.start();
            }
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_outweighs_an_approval() {
    everywhere(async |mut sim| {
        let (key, base, digest) = approved(&mut sim, "").await;
        sim.declare(&(base + &approval("alice", &digest, "Approve", "") + &approval("bob", &digest, "Deny", "")));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "Denied"));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_approval_ends_at_its_second() {
    everywhere(async |mut sim| {
        let (key, _, _) = approved(&mut sim, "  expiresAt: \"2026-12-01T09:00:00Z\"").await;
        sim.pass(3600 - 120).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.pass(180).await;
        assert_eq!(sim.workflow(&key), New);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_approval_does_not_count_for_a_changed_exception() {
    everywhere(async |mut sim| {
        let (key, _, digest) = approved(&mut sim, "").await;
        let wider = exception("cdn", &target("'arn:aws:s3:::*'"), FAR);
        sim.declare(&(hub() + &grant_with_approval() + &wider + &approval("alice", &digest, "Approve", "")));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        assert_eq!(sim.ready("Approval/sec-approvals/alice"), (Some(true), "Stale"));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_exception_takes_over_without_a_moment_in_between() {
    everywhere(async |mut sim| {
        for down in [false, true] {
            let name = if down { "arn:aws:s3:::down" } else { "arn:aws:s3:::up" };
            let key = bucket(&sim, name);
            let target = target(&format!("'{name}'"));
            sim.declare(&(hub() + &grant() + &exception("first", &target, FAR)));
            sim.start();
            sim.settle().await;
            assert_eq!(sim.held_for(&key).as_deref(), Some("FindingException/team/first"));
            if down {
                sim.stop().await;
            }
            sim.declare(&(hub() + &grant() + &exception("second", &target, FAR)));
            if down {
                sim.start();
            }
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key).as_deref()), (Suppressed, Some("FindingException/team/second")));
            assert_eq!(sim.workflows(&key), ["SUPPRESSED"]);
            sim.stop().await;
            // Nothing was forgotten on the way: the end of the second gives it back to what it was before the first.
            sim.declare(&hub());
            sim.start();
            sim.settle().await;
            assert_eq!(sim.workflow(&key), New);
            sim.stop().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_takes_over_from_an_exception_that_expires() {
    everywhere(async |mut sim| {
        let key = bucket(&sim, CDN);
        let rule = policy("p", "{name: s3, match: {controls: [S3.8]}, response: {suppress: {reason: OutOfScope}}}");
        sim.declare(&(hub() + &grant() + &exception("cdn", &cdn(), SOON) + &rule));
        sim.start();
        sim.settle().await;
        assert_eq!(sim.held_for(&key).as_deref(), Some("FindingException/team/cdn"));
        sim.pass(3 * 3600).await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key).as_deref()), (Suppressed, Some("ControlPolicy/p")));
        assert_eq!(sim.workflows(&key), ["SUPPRESSED"]);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_policy_gives_back_or_retains_as_its_markers_say_also_while_nobody_runs() {
    everywhere(async |mut sim| {
        let mut left = Vec::new();
        for (deletion, end) in [("Revert", New), ("Retain", Suppressed)] {
            for down in [false, true] {
                let key = sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::{}-{down}", deletion.to_lowercase()));
                let more = format!("  deletionPolicy: {deletion}");
                sim.declare(&(hub() + &policy_with("p", &more, RULE)));
                sim.start();
                sim.settle().await;
                assert_eq!(sim.workflow(&key), Suppressed);
                if down {
                    sim.stop().await;
                }
                sim.declare(&hub());
                if down {
                    sim.start();
                }
                sim.settle().await;
                assert_eq!((sim.workflow(&key), sim.held_for(&key)), (end, None), "{deletion}, down: {down}");
                sim.stop().await;
                sim.local.archive(&key);
                left.push((key, end));
            }
        }
        sim.start();
        sim.settle().await;
        sim.assert_stays().await;
        assert!(left.iter().all(|(key, end)| sim.workflow(key) == *end));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_is_what_was_there_before() {
    everywhere(async |mut sim| {
        for (prior, end) in [(New, New), (Notified, Notified), (Resolved, New)] {
            let name = format!("arn:aws:s3:::was-{}", prior.as_str().to_lowercase());
            let key = sim.fail("S3.9", "AwsS3Bucket", &name);
            sim.person("ops", &key, prior);
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.settle().await;
            assert_eq!(sim.workflow(&key), Suppressed);
            sim.declare(&hub());
            sim.settle().await;
            assert_eq!(sim.workflow(&key), end, "was {prior}");
            sim.assert_stays().await;
            sim.stop().await;
            sim.local.archive(&key);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_finding_that_passed_meanwhile_comes_back_as_resolved() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, FAR).await;
        sim.local.check(&key, Passed);
        sim.settle().await;
        sim.declare(&(hub() + &grant()));
        sim.settle().await;
        assert_eq!((sim.compliance(&key), sim.workflow(&key)), (Passed, Resolved));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_relapse_under_an_exception_is_suppressed_whatever_passing_did() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, FAR).await;
        for down in [false, true, false] {
            if down {
                sim.crash().await;
            }
            sim.pass(600).await;
            sim.local.check(&key, Passed);
            sim.pass(600).await;
            sim.local.check(&key, Failed);
            if down {
                sim.start();
            }
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key).is_some()), (Suppressed, true));
            sim.pass(3600).await;
        }
        assert_eq!(sim.exception("team", "cdn").overridden, 0);
        sim.declare(&(hub() + &grant()));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_archived_finding_is_left_and_given_back_once_it_is_active_again() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, FAR).await;
        sim.local.archive(&key);
        sim.settle().await;
        sim.declare(&(hub() + &grant()));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.assert_stays().await;
        sim.local.check(&key, Failed);
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn suspended_owners_keep_what_they_hold_but_their_end_gives_it_back() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, SOON).await;
        let ruled = sim.fail("S3.9", "AwsS3Bucket", LOGS);
        sim.declare(&(hub() + &grant() + &exception("cdn", &cdn(), SOON) + &policy("p", RULE)));
        sim.settle().await;
        let suspended = exception_with("cdn", "  suspend: true", &cdn(), SOON) + &policy_with("p", "  suspend: true", RULE);
        sim.declare(&(hub() + &grant() + &suspended));
        let late = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::late");
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.workflow(&ruled), sim.workflow(&late)), (Suppressed, Suppressed, New));
        assert_eq!(sim.exception("team", "cdn").state, "Suspended");
        assert_eq!(sim.ready("ControlPolicy/p"), (Some(true), "Suspended"));
        sim.pass(3 * 3600).await;
        assert_eq!((sim.workflow(&key), sim.workflow(&ruled)), (New, Suppressed));
        sim.declare(&(hub() + &grant()));
        sim.settle().await;
        assert_eq!(sim.workflow(&ruled), New);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_suspended_hub_writes_nothing_but_expiry() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, SOON).await;
        let ruled = sim.fail("S3.9", "AwsS3Bucket", LOGS);
        let suspended = super::world::hub_with("  suspend: true\n");
        sim.declare(&(suspended.clone() + &grant() + &exception("cdn", &cdn(), SOON) + &policy("p", RULE)));
        sim.pass(600).await;
        assert_eq!((sim.workflow(&key), sim.workflow(&ruled)), (Suppressed, New));
        assert_eq!(sim.ready("SecurityHub/main"), (Some(true), "Suspended"));
        sim.pass(3 * 3600).await;
        assert_eq!((sim.workflow(&key), sim.workflow(&ruled)), (New, New));
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.settle().await;
        assert_eq!(sim.workflow(&ruled), Suppressed);
        sim.assert_stays().await;
    })
    .await;
}

/// A file that is half-written: it parses as nothing.
const HALF: &str = "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: other\n";

#[tokio::test(start_paused = true)]
async fn nothing_is_given_back_for_a_missing_owner_while_any_file_is_unreadable() {
    for down in [false, true] {
        everywhere(async |mut sim| {
            let key = sim.fail("S3.9", "AwsS3Bucket", LOGS);
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.settle().await;
            if down {
                sim.stop().await;
            }
            let desired = parse_files(&[("hub.yaml", &hub()), ("other.yaml", HALF)]);
            assert!(!desired.complete || !desired.broken.is_empty());
            sim.declare_as(desired);
            if down {
                sim.start();
            }
            sim.settle().await;
            sim.assert_stays().await;
            assert_eq!(
                (sim.workflow(&key), sim.held_for(&key).as_deref()),
                (Suppressed, Some("ControlPolicy/p")),
                "down: {down}"
            );
            sim.declare(&hub());
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None), "down: {down}");
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_exception_stays_as_it_last_was_expiry_included() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, SOON).await;
        let late = target("'arn:aws:s3:::cdn'");
        let broken = exception("cdn", &late, SOON).replace("effect: Accept", "effect: Acept");
        let desired = parse_files(&[("hub.yaml", &(hub() + &grant())), ("cdn.yaml", &broken)]);
        assert_eq!(desired.broken.len(), 1, "{:?}", desired.broken);
        sim.declare_as(desired);
        sim.pass(3600).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "Unreadable"));
        sim.pass(2 * 3600).await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key)), (New, None));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_an_unreadable_exception_freezes_what_it_holds() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, SOON).await;
        let other = bucket(&sim, LOGS);
        sim.crash().await;
        let broken = exception("cdn", &target("'arn:aws:s3:::*'"), SOON).replace("effect: Accept", "effect: Acept");
        sim.declare_as(parse_files(&[("hub.yaml", &(hub() + &grant())), ("cdn.yaml", &broken)]));
        sim.start();
        sim.settle().await;
        sim.assert_stays().await;
        assert_eq!((sim.workflow(&key), sim.workflow(&other)), (Suppressed, New));
        assert_eq!(sim.ready("FindingException/team/cdn"), (Some(false), "Unreadable"));
        sim.declare(&(hub() + &grant()));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), New);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_grant_or_account_ends_no_exception_after_a_restart() {
    everywhere(async |mut sim| {
        let key = covered(&mut sim, FAR).await;
        sim.crash().await;
        let broken = grant().replace("maxDays: 180", "maxDays: many");
        sim.declare_as(parse_files(&[("hub.yaml", &(hub() + &exception("cdn", &cdn(), FAR))), ("grant.yaml", &broken)]));
        sim.start();
        sim.settle().await;
        sim.assert_stays().await;
        assert_eq!((sim.workflow(&key), sim.held_for(&key).is_some()), (Suppressed, true));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nine_tenths_of_the_objects_missing_from_an_incomplete_listing_change_nothing() {
    for down in [false, true] {
        everywhere(async |mut sim| {
            let names: Vec<String> = (0..20).map(|n| format!("arn:aws:s3:::bucket-{n}")).collect();
            let keys: Vec<FindingKey> = names.iter().map(|name| bucket(&sim, name)).collect();
            let exceptions: Vec<String> = names
                .iter()
                .enumerate()
                .map(|(n, name)| exception(&format!("e{n}"), &target(&format!("'{name}'")), FAR))
                .collect();
            sim.declare(&(hub() + &grant() + &exceptions.concat()));
            sim.start();
            sim.settle().await;
            assert!(keys.iter().all(|key| sim.workflow(key) == Suppressed));
            if down {
                sim.crash().await;
            }
            let mut partial = super::world::parse(&(hub() + &grant() + &exceptions[..2].concat()));
            partial.complete = false;
            sim.declare_as(partial);
            if down {
                sim.start();
            }
            sim.settle().await;
            sim.assert_stays().await;
            let still: Vec<WorkflowStatus> = keys.iter().map(|key| sim.workflow(key)).collect();
            assert!(still.iter().all(|status| *status == Suppressed), "{still:?}");
            // The listing turns out complete: now they are gone, and it is proved.
            sim.declare(&(hub() + &grant() + &exceptions[..2].concat()));
            sim.settle().await;
            assert_eq!(keys.iter().filter(|key| sim.workflow(key) == Suppressed).count(), 2);
            sim.assert_stays().await;
        })
        .await;
    }
}
