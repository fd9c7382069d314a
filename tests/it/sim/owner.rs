//! One owner writes to a hub: the one that the tag on its ARN names. Nobody else does, whatever is declared.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use hubkeeper::core::hub_owner::{OWNER_TAG, SINCE_TAG};
use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::engine::ports::{Blocked, Effect, Gate};
use hubkeeper::local::Local;
use hubkeeper::local::faults::{CallFault, Fault, Faults, ThrottleCode};
use hubkeeper::local::hub::caller::Principal;

use super::world::{Sim, both_ways, everywhere, exception, grant, hub, hub_with, policy};
use crate::crash::gate::{Blow, Passages};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
/// Who reads the tags at least this often notices at the latest then; and a call.
const NOTICED: u64 = 125;

fn logs(sim: &Sim, name: &str) -> FindingKey {
    sim.fail("S3.9", "AwsS3Bucket", &format!("arn:aws:s3:::{name}"))
}

/// How often somebody changed findings or tags.
fn effects_of(local: &Local, principal: &str) -> (usize, usize) {
    let is = |caller: &Principal| *caller == Principal::User(principal.into());
    let calls = local.calls();
    let count = |operations: &[&str]| {
        calls
            .iter()
            .filter(|call| {
                operations.contains(&call.operation)
                    && !call.throttled
                    && call.caller.as_ref().is_some_and(|caller| is(&caller.principal))
            })
            .count()
    };
    (count(&["BatchUpdateFindings"]), count(&["TagResource", "UntagResource"]))
}

/// Takes its time to tag a hub.
struct Slow;

#[async_trait]
impl Gate for Slow {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        if *effect == Effect::HubTag {
            tokio::time::sleep(Duration::from_secs(8)).await;
        }
        Ok(())
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

/// A loop that holds a finding for a policy, and another for an exception that is in force until nine.
async fn holding(sim: &mut Sim) -> (FindingKey, FindingKey) {
    let (ruled, excepted) = (logs(sim, "logs"), sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn"));
    let target = "{controls: [S3.8], accounts: ['111122223333']}";
    sim.declare(&(hub() + &policy("p", RULE) + &grant() + &exception("x", target, "2026-12-01T09:00:00Z")));
    sim.start();
    sim.settle().await;
    assert_eq!((sim.workflow(&ruled), sim.workflow(&excepted)), (Suppressed, Suppressed));
    (ruled, excepted)
}

#[tokio::test(start_paused = true)]
async fn a_hub_that_is_nobodys_is_claimed_before_anything_is_written_and_kept_with_one_look_in_two_minutes() {
    everywhere(async |mut sim: Sim| {
        let key = logs(&sim, "a");
        sim.declare(&(hub() + &policy("p", RULE)));
        sim.start();
        sim.settle().await;
        assert_eq!((sim.workflow(&key), sim.owned_by().as_deref()), (Suppressed, Some("files")));
        let calls: Vec<&str> = sim.local.calls().iter().map(|call| call.operation).collect();
        let first = |name: &str| calls.iter().position(|call| *call == name).unwrap();
        assert!(first("ListTagsForResource") < first("TagResource") && first("TagResource") < first("BatchUpdateFindings"));
        let claimed = sim.events().into_iter().find(|event| event.reason == "Claimed").unwrap();
        assert_eq!(claimed.message, "the hub in eu-west-1 was nobody's and is files's from now on");
        assert!(sim.figures().owned);
        let detail = sim.hub_detail();
        assert_eq!((detail.owner.as_deref(), detail.keeper.as_deref()), (Some("files"), Some("files")));

        sim.pass(600).await;
        sim.local.clear_calls();
        sim.pass(1200).await;
        assert_eq!((sim.calls("ListTagsForResource"), sim.calls("TagResource")), (10, 0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn in_a_hub_that_is_anothers_nothing_is_written_nor_expires_nor_is_given_back() {
    both_ways(async |mut sim| {
        let (ruled, excepted) = holding(&mut sim).await;
        sim.stop().await;
        sim.give_to("cluster-b");
        let fresh = logs(&sim, "fresh");
        sim.local.clear_calls();
        let waiting = sim.local.queues().bodies(&sim.local.event_queue()).len();
        assert!(waiting > 0);
        // The policy is gone, the exception ends, another policy wants what is new: an owner would do three things.
        let rule = "{name: all, match: {controls: [S3.9], resources: ['*fresh']}, response: {suppress: {reason: OutOfScope}}}";
        let target = "{controls: [S3.8], accounts: ['111122223333']}";
        sim.declare(&(hub() + &policy("q", rule) + &grant() + &exception("x", target, "2026-12-01T09:00:00Z")));
        sim.start();
        sim.pass(4 * 3600).await;
        assert_eq!((sim.writes(), sim.calls("TagResource")), (0, 0));
        let is = [&ruled, &excepted, &fresh].map(|key| sim.workflow(key));
        assert_eq!(is, [Suppressed, Suppressed, New]);
        assert_eq!(sim.local.queues().bodies(&sim.local.event_queue()).len(), waiting, "its owner needs the events");
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "OwnedElsewhere"));
        assert_eq!(sim.ready("ControlPolicy/q"), (Some(false), "OwnedElsewhere"));
        assert_eq!(
            sim.message("SecurityHub/main"),
            "the hub in eu-west-1 is owned by cluster-b since 2026-11-30T12:00:00Z, and this is files: nothing is written there; \
             `hubkeeper take-over main --owner files` moves it"
        );
        let told = sim.events().into_iter().find(|event| event.reason == "OwnedElsewhere").unwrap();
        assert!(told.warning);
        assert!(!sim.figures().owned && !sim.figures().converged);
        assert_eq!(sim.hub_detail().owner.as_deref(), Some("cluster-b"));
        // It goes on reading, but no more than an audit of each interval and a look at the tags.
        let (pages, looks) = (sim.calls("GetFindings"), sim.calls("ListTagsForResource"));
        assert!(pages <= 2 + 16 * 4 && (118..=122).contains(&looks), "{pages} pages, {looks} looks");

        // Given to us, it does all of that.
        sim.give_to("files");
        sim.pass(NOTICED).await;
        sim.settle().await;
        let is = [&ruled, &excepted, &fresh].map(|key| sim.workflow(key));
        assert_eq!(is, [New, New, Suppressed]);
        assert_eq!(sim.ready("SecurityHub/main").0, Some(true));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_taken_over_while_it_runs_stops_at_the_next_look() {
    both_ways(async |mut sim| {
        let (ruled, _) = holding(&mut sim).await;
        sim.give_to("cluster-b");
        sim.pass(NOTICED).await;
        let writes = sim.writes();
        let fresh = logs(&sim, "fresh");
        sim.declare(&hub());
        // Past the end of the exception, too.
        sim.pass(2 * 3600).await;
        assert_eq!((sim.writes(), sim.workflow(&fresh), sim.workflow(&ruled)), (writes, New, Suppressed));
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "OwnedElsewhere"));
    })
    .await;
}

// Of two loops: what is tried is in what order their calls come, which others in the account would only disturb. So these two play
// under the defaults alone.
#[tokio::test(start_paused = true)]
async fn of_two_that_find_a_hub_without_an_owner_one_writes_and_the_other_says_whose_it_is() {
    for (first, second) in [(0, 0), (0, 300), (300, 0), (450, 900), (900, 50)] {
        let mut one = Sim::new();
        let mut two = one.rival("two", "bob");
        one.latency = Duration::from_millis(first);
        two.latency = Duration::from_millis(second);
        let keys: Vec<FindingKey> = (0..5).map(|n| logs(&one, &format!("b-{n}"))).collect();
        // The queue can only be one's.
        let declared = hub().replace("  events:", "  # events:") + &policy("p", RULE);
        one.declare(&declared);
        two.declare(&declared);
        one.start();
        two.start();
        one.pass(1200).await;
        let owner = one.owned_by().unwrap();
        let (winner, loser) =
            if owner == "two" { (("bob", &two), ("hubkeeper", &one)) } else { (("hubkeeper", &one), ("bob", &two)) };
        assert!(keys.iter().all(|key| one.workflow(key) == Suppressed));
        assert!(effects_of(&one.local, winner.0).0 > 0);
        assert_eq!(effects_of(&one.local, loser.0).0, 0, "{first} ms, {second} ms: both write");
        assert_eq!(winner.1.ready("SecurityHub/main").0, Some(true));
        assert_eq!(loser.1.ready("SecurityHub/main"), (Some(false), "OwnedElsewhere"));
        assert!(loser.1.message("SecurityHub/main").contains(&format!("owned by {owner} since")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_slower_than_the_time_that_it_is_left_is_noticed_by_the_next_look() {
    let mut one = Sim::new();
    let mut two = one.rival("two", "bob");
    // Its claim lands long after one has read back its own.
    two.gate = Arc::new(Slow);
    one.latency = Duration::from_millis(500);
    let declared = hub().replace("  events:", "  # events:") + &policy("p", RULE);
    logs(&one, "a");
    one.declare(&declared);
    two.declare(&declared);
    one.start();
    two.start();
    one.pass(300).await;
    assert_eq!(one.owned_by().as_deref(), Some("two"));
    assert_eq!(one.ready("SecurityHub/main"), (Some(false), "OwnedElsewhere"));
    let writes = effects_of(&one.local, "hubkeeper");
    let late = logs(&one, "late");
    one.pass(1200).await;
    assert_eq!((one.workflow(&late), effects_of(&one.local, "hubkeeper")), (Suppressed, writes));
}

#[tokio::test(start_paused = true)]
async fn while_the_tags_are_denied_nothing_is_written_and_the_missing_permission_is_named() {
    for operation in ["ListTagsForResource", "TagResource"] {
        both_ways(async |mut sim| {
            let key = logs(&sim, "a");
            sim.local.set_faults(Faults { calls: vec![CallFault::of(operation, Fault::AccessDenied)], ..Faults::default() });
            sim.declare(&(hub() + &policy("p", RULE)));
            sim.start();
            sim.pass(3600).await;
            assert_eq!((sim.writes(), sim.workflow(&key), sim.figures().owned), (0, New, false), "{operation}");
            assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "OwnerUnknown"));
            assert_eq!(sim.condition("SecurityHub/main", "Stalled").unwrap().0, Some(true));
            let message = sim.message("SecurityHub/main");
            assert!(message.contains(&format!("securityhub:{operation} with an explicit deny")), "{message}");
            assert!(message.contains("Allow securityhub:ListTagsForResource and securityhub:TagResource"), "{message}");

            sim.local.set_faults(Faults::default());
            sim.pass(310).await;
            sim.settle().await;
            assert_eq!(sim.workflow(&key), Suppressed, "{operation}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_denied_the_tags_while_it_runs_stops_at_the_next_look() {
    both_ways(async |mut sim| {
        let (ruled, _) = holding(&mut sim).await;
        sim.local
            .set_faults(Faults { calls: vec![CallFault::of("ListTagsForResource", Fault::AccessDenied)], ..Faults::default() });
        sim.pass(NOTICED).await;
        let (writes, fresh) = (sim.writes(), logs(&sim, "fresh"));
        sim.pass(3600).await;
        assert_eq!((sim.writes(), sim.workflow(&fresh), sim.workflow(&ruled)), (writes, New, Suppressed));
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "OwnerUnknown"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_the_tags_counts_for_five_minutes_while_they_cannot_be_read() {
    for fault in [Fault::ServerError(503), Fault::Throttle(ThrottleCode::TooManyRequests)] {
        both_ways(async |mut sim| {
            holding(&mut sim).await;
            sim.local
                .set_faults(Faults { calls: vec![CallFault::of("ListTagsForResource", fault.clone())], ..Faults::default() });
            sim.pass(150).await;
            let soon = logs(&sim, "soon");
            sim.pass(20).await;
            assert_eq!(sim.workflow(&soon), Suppressed, "one read that fails changes nothing");
            sim.pass(300).await;
            let (writes, late) = (sim.writes(), logs(&sim, "late"));
            sim.pass(600).await;
            assert_eq!((sim.writes(), sim.workflow(&late)), (writes, New));
            assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "OwnerUnknown"));
            sim.local.set_faults(Faults::default());
            sim.pass(310).await;
            sim.settle().await;
            assert_eq!(sim.workflow(&late), Suppressed);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_crashed_before_reading_its_claim_back_goes_on_with_it() {
    for passage in [0, 1] {
        both_ways(async |mut sim| {
            let gate = Arc::new(Passages::default());
            sim.gate = gate.clone();
            let key = logs(&sim, "a");
            sim.declare(&(hub() + &policy("p", RULE)));
            // Statuses pass the gate as well: the claim is the first effect on the hub.
            gate.strike_at_tag(passage, Blow::Crash);
            sim.start();
            gate.crashed().await;
            sim.crash().await;
            assert_eq!((sim.owned_by().is_some(), sim.writes()), (passage == 1, 0));
            gate.revive();
            sim.start();
            sim.settle().await;
            assert_eq!((sim.workflow(&key), sim.owned_by().as_deref()), (Suppressed, Some("files")));
            assert_eq!(sim.calls("TagResource"), 1);
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_somebody_takes_away_is_set_again() {
    both_ways(async |mut sim| {
        holding(&mut sim).await;
        sim.local.as_person("alice").untag_hub(&[OWNER_TAG, SINCE_TAG]).unwrap();
        sim.pass(NOTICED + 5).await;
        assert_eq!(sim.owned_by().as_deref(), Some("files"));
        assert_eq!(sim.ready("SecurityHub/main").0, Some(true));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_regions_that_are_not_linked_only_those_are_written_that_are_ours() {
    both_ways(async |mut sim| {
        let far: hubkeeper::core::ids::Region = "ap-northeast-1".parse().unwrap();
        let there = sim.local.as_person("alice").in_region(far.clone());
        there.enable_hub(&[(OWNER_TAG, "cluster-b")]).unwrap();
        let home = logs(&sim, "home");
        let away = sim.fail_in(sim.local.administrator(), far, "S3.9", "AwsS3Bucket", "arn:aws:s3:::away");
        sim.declare(&(hub_with("  linkedRegions: [ap-northeast-1]") + &policy("p", RULE)));
        sim.start();
        sim.pass(600).await;
        assert_eq!((sim.workflow(&home), sim.workflow(&away)), (Suppressed, New));
        assert_eq!(sim.ready("SecurityHub/main"), (Some(false), "OwnedElsewhere"));
        assert!(
            sim.message("SecurityHub/main").starts_with("the hub in ap-northeast-1 is owned by cluster-b, and this is files")
        );
        // What cannot be written there is not read for it again and again.
        let pages = sim.calls("GetFindings");
        sim.pass(900).await;
        assert!(sim.calls("GetFindings") <= pages + 6, "{}", sim.calls("GetFindings") - pages);

        there.tag_hub(&[(OWNER_TAG, "files")]).unwrap();
        sim.pass(NOTICED).await;
        sim.settle().await;
        assert_eq!(sim.workflow(&away), Suppressed);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_hub_whose_object_is_gone_is_let_go_once_nothing_is_held_there() {
    both_ways(async |mut sim| {
        let (ruled, _) = holding(&mut sim).await;
        sim.remove().await;
        assert_eq!(sim.owned_by().as_deref(), Some("files"), "what is held would look abandoned to whoever comes next");
        sim.declare(&hub());
        sim.start();
        sim.settle().await;
        assert_eq!(sim.workflow(&ruled), New);
        sim.remove().await;
        assert_eq!(sim.local.as_person("auditor").hub_tags().unwrap().len(), 0);

        // Not what is another's by then; and nobody waits for AWS for long.
        sim.start();
        sim.settle().await;
        sim.give_to("cluster-b");
        sim.remove().await;
        assert_eq!(sim.owned_by().as_deref(), Some("cluster-b"));
        sim.give_to("files");
        sim.start();
        sim.settle().await;
        sim.local.set_faults(Faults { calls: vec![CallFault::of("UntagResource", Fault::TimeoutBefore)], ..Faults::default() });
        let before = tokio::time::Instant::now();
        sim.remove().await;
        assert_eq!(before.elapsed().as_secs(), 10);
        assert_eq!(sim.owned_by().as_deref(), Some("files"));
    })
    .await;
}
