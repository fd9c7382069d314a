//! Checks that run by themselves: findings are refreshed every 12 to 24 hours, and what becomes of a resource is seen then.

use hubkeeper::core::status::ComplianceStatus::{Failed, Passed};
use hubkeeper::core::status::WorkflowStatus::{Resolved, Suppressed};
use hubkeeper::local::Local;
use hubkeeper::local::hub::world::Becomes;
use hubkeeper::local::hub::{SuppressedOnPassed, Switches};
use serde_json::json;

use super::world::{Sim, hub, policy};

const DAY: u64 = 86_400;
const CDN: &str = "arn:aws:s3:::cdn";

#[tokio::test(start_paused = true)]
async fn refreshes_cost_no_write_and_what_fails_again_is_suppressed_again() {
    for suppressed_on_passed in [SuppressedOnPassed::Stays, SuppressedOnPassed::Resolved] {
        let switches = Switches { suppressed_on_passed, ..Switches::default() };
        let mut sim = Sim::with(Local::builder().checks(true).switches(switches));
        let (key, other) = (sim.fail("S3.8", "AwsS3Bucket", CDN), sim.fail("IAM.6", "AwsAccount", "AWS::::Account:111122223333"));
        sim.declare(
            &(hub() + &policy("p", "{name: all, match: {controls: [S3.8, IAM.6]}, response: {suppress: {reason: OutOfScope}}}")),
        );
        sim.start();
        sim.settle().await;
        assert_eq!([sim.workflow(&key), sim.workflow(&other)], [Suppressed; 2]);
        let (writes, seen) = (sim.writes(), sim.finding(&key)["UpdatedAt"].clone());
        sim.pass(DAY + 3_600).await;
        assert_ne!(sim.finding(&key)["UpdatedAt"], seen, "it was checked");
        assert_eq!(sim.writes(), writes, "{suppressed_on_passed:?}");

        let bucket = json!({"ResourceId": [{"Value": CDN, "Comparison": "EQUALS"}]});
        assert_eq!(sim.local.turn_world(&bucket, Becomes::Passed).unwrap(), 1);
        sim.pass(60).await;
        assert_eq!((sim.compliance(&key), sim.workflow(&key)), (Failed, Suppressed), "no check has seen it");
        sim.pass(DAY).await;
        let mended = if suppressed_on_passed == SuppressedOnPassed::Stays { Suppressed } else { Resolved };
        assert_eq!((sim.compliance(&key), sim.workflow(&key)), (Passed, mended));

        sim.local.turn_world(&bucket, Becomes::Failed).unwrap();
        sim.pass(DAY).await;
        assert_eq!((sim.compliance(&key), sim.workflow(&key)), (Failed, Suppressed), "{suppressed_on_passed:?}");
        sim.stop().await;
    }
}
