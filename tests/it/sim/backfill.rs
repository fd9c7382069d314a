//! A rule that names a finding field for the first time: only what it may mean is read again, and only that waits.

use std::time::Duration;

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};

use super::world::{FILLERS, Sim, both_ways, exception, grant, hub, policy};

/// Of S3.9, whose title begins with `S3` as every S3 control's does.
fn titled(name: &str, control: &str, more: &str) -> String {
    let filters = format!("{{Title: [{{Value: S3, Comparison: PREFIX}}]{more}}}");
    policy(
        name,
        &format!(
            "{{name: t, match: {{controls: [{control}], filters: {filters}}}, response: {{suppress: {{reason: OutOfScope}}}}}}"
        ),
    )
}

fn buckets(sim: &mut Sim, control: &str, count: usize) -> Vec<FindingKey> {
    (0..count).map(|n| sim.fail(control, "AwsS3Bucket", &format!("arn:aws:s3:::{control}-{n}"))).collect()
}

fn calls(sim: &Sim) -> u64 {
    sim.calls("GetFindings")
}

/// Pages are counted here, and those of the audit come by the clock: nobody else keeps the loop waiting.
async fn settled(sim: &mut Sim, declared: &str) {
    sim.crowded = false;
    buckets(sim, "S3.9", 250);
    buckets(sim, "S3.8", 130);
    sim.declare(&(hub() + declared));
    sim.start();
    sim.settle().await;
}

fn suppressed(sim: &Sim, control: &str, count: usize) -> usize {
    let mut held = 0;
    for finding in sim.local.findings_json() {
        let of = finding["Compliance"]["SecurityControlId"] == control;
        held += usize::from(of && finding["Workflow"]["Status"] == "SUPPRESSED");
    }
    assert!(held <= count);
    held
}

#[tokio::test(start_paused = true)]
async fn a_path_that_no_filter_named_before_costs_the_pages_of_what_the_rule_may_mean() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        let reads = calls(&sim);
        sim.declare(&(hub() + &titled("p", "S3.9", "")));
        sim.settle().await;
        assert_eq!(calls(&sim) - reads, 3, "250 findings of S3.9 among {}", 380 + FILLERS);
        assert_eq!((suppressed(&sim, "S3.9", 250), suppressed(&sim, "S3.8", 130)), (250, 0));
        let events = sim.events();
        let told = events.iter().filter(|event| event.reason == "Backfilling").map(|event| event.message.as_str());
        assert!(told.clone().any(|message| message.ends_with("0 of 250 findings are read")), "{:?}", told.collect::<Vec<_>>());
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn several_new_paths_share_one_read_and_known_ones_cost_none() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        let reads = calls(&sim);
        let other = ", Description: [{Value: never, Comparison: NOT_EQUALS}]";
        let both = titled("p", "S3.9", "") + &titled("q", "S3.9", other);
        sim.declare(&(hub() + &both));
        sim.settle().await;
        assert_eq!(calls(&sim) - reads, 3);
        sim.declare(&(hub() + &both + &titled("r", "S3.9", ", Description: [{Value: x, Comparison: PREFIX}]")));
        sim.settle().await;
        assert_eq!(calls(&sim) - reads, 3, "every path is known by now");
        assert_eq!(suppressed(&sim, "S3.9", 250), 250);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_rule_cannot_mean_is_decided_while_the_rest_waits() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        sim.latency = Duration::from_secs(4);
        sim.stop().await;
        sim.start();
        sim.settle().await;
        let plain = policy("plain", "{name: plain, match: {controls: [S3.8]}, response: {suppress: {reason: OutOfScope}}}");
        sim.declare(&(hub() + &titled("p", "S3.9", "") + &plain));
        // One call's time and a half: the write for S3.8 goes out beside the first page for S3.9.
        sim.pass(6).await;
        assert_eq!(suppressed(&sim, "S3.9", 250), 0);
        assert!(suppressed(&sim, "S3.8", 130) > 0);
        assert_eq!(sim.ready("ControlPolicy/p").1, "Backfilling");
        assert_ne!(sim.ready("ControlPolicy/plain").1, "Backfilling");
        sim.settle().await;
        assert_eq!((suppressed(&sim, "S3.9", 250), suppressed(&sim, "S3.8", 130)), (250, 130));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_path_that_no_finding_has_is_read_for_once_and_freezes_nothing() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        let reads = calls(&sim);
        let malware = policy(
            "m",
            "{name: m, match: {controls: [S3.9], filters: {MalwareName: [{Value: x, Comparison: EQUALS}]}}, response: {suppress: {reason: OutOfScope}}}",
        );
        let plain = policy("plain", "{name: plain, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}");
        sim.declare(&(hub() + &malware + &plain));
        sim.settle().await;
        // What is written is decided on a state seen within the freshness, which the read for the field has just brought.
        assert_eq!(calls(&sim) - reads, 3);
        assert_eq!(suppressed(&sim, "S3.9", 250), 250);
        assert_eq!(sim.ready("ControlPolicy/m").0, Some(true));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_exception_by_tags_waits_for_what_it_may_cover_and_then_acts() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        let reads = calls(&sim);
        let target = "{controls: [S3.9], accounts: ['111122223333'], resources: ['arn:aws:s3:::S3.9-7'], filters: {Title: [{Value: S3, Comparison: PREFIX}]}}";
        sim.declare(&(hub() + &grant() + &exception("x", target, "2027-03-01T00:00:00Z")));
        sim.settle().await;
        assert_eq!(calls(&sim) - reads, 1, "one finding");
        assert_eq!(suppressed(&sim, "S3.9", 250), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_held_is_not_given_back_while_its_owner_waits_for_a_field() {
    let plain = policy("p", "{name: t, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}");
    both_ways(async |mut sim| {
        settled(&mut sim, &plain).await;
        assert_eq!(suppressed(&sim, "S3.9", 250), 250);
        let written = sim.calls("BatchUpdateFindings");
        sim.declare(&(hub() + &titled("p", "S3.9", "")));
        sim.settle().await;
        assert_eq!((suppressed(&sim, "S3.9", 250), sim.calls("BatchUpdateFindings")), (250, written));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_starts_again_and_ends_the_same() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        sim.latency = Duration::from_secs(5);
        sim.stop().await;
        sim.start();
        sim.settle().await;
        sim.declare(&(hub() + &titled("p", "S3.9", "")));
        sim.pass(7).await;
        sim.crash().await;
        assert_eq!(suppressed(&sim, "S3.9", 250), 0);
        sim.latency = Duration::ZERO;
        sim.start();
        sim.settle().await;
        assert_eq!((suppressed(&sim, "S3.9", 250), suppressed(&sim, "S3.8", 130)), (250, 0));
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rule_that_is_withdrawn_before_it_was_read_for_frees_what_waited() {
    both_ways(async |mut sim| {
        settled(&mut sim, "").await;
        sim.latency = Duration::from_secs(4);
        sim.stop().await;
        sim.start();
        sim.settle().await;
        let plain = policy("plain", "{name: plain, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}");
        sim.declare(&(hub() + &titled("p", "S3.9", "") + &plain));
        sim.pass(2).await;
        sim.declare(&(hub() + &plain));
        sim.settle().await;
        assert_eq!(suppressed(&sim, "S3.9", 250), 250);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn while_nothing_happens_no_finding_is_looked_at() {
    both_ways(async |mut sim| {
        settled(&mut sim, &titled("p", "S3.9", "")).await;
        let visited = sim.figures().rows_visited;
        // Less than a window of the audit takes, and more than a dozen turns of the loop: counters, empty receives.
        sim.pass(700).await;
        assert_eq!(sim.figures().rows_visited, visited);
        let key: FindingKey = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::one-more");
        sim.pass(20).await;
        assert_eq!(sim.workflow(&key), Suppressed);
        let after = sim.figures().rows_visited - visited;
        assert!((1..=8).contains(&after), "{after} visits for one new finding, its write and its echo");
        sim.person("bob", &key, New);
        sim.pass(20).await;
        assert!(sim.figures().rows_visited - visited <= 16);
    })
    .await;
}
