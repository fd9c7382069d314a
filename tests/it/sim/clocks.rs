//! The clock of the machine is wrong, or is set while it runs (F6).

use hubkeeper::core::status::WorkflowStatus::{Notified, Suppressed};
use jiff::SignedDuration;

use super::world::{both_ways, exception, grant, hub, policy};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";
const TARGET: &str = "{controls: [S3.8], accounts: ['111122223333'], resources: ['arn:aws:s3:::cdn']}";

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_makes_nothing_fresh_that_was_seen_before() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::logs");
        sim.declare(&hub());
        sim.start();
        sim.settle().await;
        let reads = sim.calls("GetFindings");
        sim.clock.set(SignedDuration::from_mins(-90));
        sim.pass(2 * 3600).await;
        let said: Vec<_> = sim.events().into_iter().filter(|event| event.reason == "ClockSetBack").collect();
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].message.contains("5400 s"), "{said:?}");
        assert!(sim.calls("GetFindings") > reads, "everything is read anew");
        sim.declare(&(hub() + &policy("logs", RULE)));
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        sim.assert_stays().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ten_minutes_ends_an_exception_by_no_more_than_that_and_settles() {
    for by in [10, -10] {
        both_ways(async |mut sim| {
            let key = sim.fail("S3.8", "AwsS3Bucket", "arn:aws:s3:::cdn");
            sim.person("alice", &key, Notified);
            let end = sim.now() + SignedDuration::from_hours(2);
            sim.declare(&(hub() + &grant() + &exception("cdn", TARGET, &end.to_string())));
            sim.start();
            sim.settle().await;
            assert_eq!(sim.workflow(&key), Suppressed);
            sim.clock.set(SignedDuration::from_mins(by));
            let until = end - SignedDuration::from_mins(11);
            sim.pass(u64::try_from(until.duration_since(sim.now()).as_secs()).unwrap()).await;
            assert_eq!(sim.workflow(&key), Suppressed, "not before its time, as far as the clock is right: {by}");
            sim.pass(22 * 60).await;
            assert_eq!(sim.workflow(&key), Notified, "{by}");
            let writes = sim.writes();
            // And set right again, past the end.
            sim.clock.set(SignedDuration::from_mins(-by));
            sim.pass(3600).await;
            assert_eq!((sim.workflow(&key), sim.writes()), (Notified, writes), "{by}");
            sim.assert_stays().await;
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_drifts_a_little_is_adjusted_without_a_word() {
    both_ways(async |mut sim| {
        let key = sim.fail("S3.9", "AwsS3Bucket", "arn:aws:s3:::logs");
        sim.declare(&(hub() + &policy("logs", RULE)));
        sim.start();
        for _ in 0..20 {
            sim.pass(60).await;
            sim.clock.set(SignedDuration::from_secs(-2));
        }
        sim.settle().await;
        assert_eq!(sim.workflow(&key), Suppressed);
        assert!(!sim.events().iter().any(|event| event.reason == "ClockSetBack"));
    })
    .await;
}
