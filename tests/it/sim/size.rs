//! I6 and I10 at size: a hub converges within its quota in every shape that hubs have, although calls are throttled and reads
//! lag, and then nothing is written any more. Counted at the server. `make bench` does the same with 100,000 findings.

use hubkeeper::core::status::WorkflowStatus::Suppressed;

use super::topology::{RULE, Topology, bound};
use super::world::{hub_with, policy};

const FINDINGS: usize = 3_000;

#[tokio::test(start_paused = true)]
async fn every_shape_of_hub_converges_within_its_quota_and_then_rests() {
    for topology in Topology::ALL {
        let mut sim = topology.build(FINDINGS);
        sim.declare(&(hub_with(&topology.named()) + &policy("p", RULE)));
        let start = sim.now();
        sim.start();
        sim.settle().await;
        let took = sim.now().duration_since(start).as_secs_f64();

        let findings = sim.local.findings_json();
        let held = findings.iter().filter(|finding| finding["Workflow"]["Status"] == Suppressed.as_str()).count();
        assert_eq!(held, topology.findings(FINDINGS).iter().map(|count| matched(*count)).sum::<usize>(), "{topology:?}");
        assert_eq!(sim.policy("p").held, u64::try_from(held).unwrap());

        let (reads, writes) = (sim.local.count("GetFindings"), sim.local.count("BatchUpdateFindings"));
        let pools = topology.pools(FINDINGS);
        let pages: usize = pools.iter().map(|count| count.div_ceil(100)).sum();
        let written: Vec<usize> = topology.pools(FINDINGS).iter().map(|count| count / 2).collect();
        let calls: usize = written.iter().map(|count| count.div_ceil(100)).sum();
        let (read, wrote) = (reads.calls - reads.throttled, writes.calls - writes.throttled);
        // Each pool's last page is not full, and a few more are read for events that were late.
        let more = pools.len() + 3;
        assert!(read <= (pages + more) as u64, "{topology:?}: {read} reads, and {pages} are the fewest");
        assert!(wrote <= (calls + 2) as u64, "{topology:?}: {wrote} writes, and {calls} are the fewest");
        // Besides: two seconds until events come, and three looks two seconds apart.
        let bound = bound(&pools, &written, 100);
        assert!(took <= 1.05 * bound + 10.0, "{topology:?}: {took} s, where the quota allows {bound} s");
        sim.assert_stays().await;
    }
}

/// Of so many findings of a Region, those of the rule's controls.
fn matched(count: usize) -> usize {
    (0..count).filter(|number| matches!(number / super::topology::ACCOUNTS % 8, 0 | 1 | 4 | 6)).count()
}
