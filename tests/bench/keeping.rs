//! What the loop costs in calls and in time: the shipped loop and adapters against Security Hub Local in process, under paused
//! time, with the service's own token buckets on. Counts are those of the server.

#![expect(clippy::print_stdout, clippy::expect_used, reason = "figures for people, of a world that is known")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::fmt::Write as _;
use std::future::Future;
use std::time::{Duration, Instant};

use hubkeeper::core::catalogue::Catalogue;
use hubkeeper::core::ids::Region;
use hubkeeper::local::Local;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::faults::{CallFault, Fault, Faults, ThrottleCode};
use hubkeeper::local::hub::caller::{Caller, Principal};
use hubkeeper::wire::limits::{RATE_GET_FINDINGS, RATE_UPDATE_FINDINGS};
use hubkeeper::wire::securityhub::BatchImportFindings;

use crate::topology::{self, Topology};
use crate::world::{Sim, policy};

/// Seconds between looks at the loop.
const TICK: f64 = 0.1;

/// GetFindings calls of a full sync, however many policies there are.
pub fn calls() {
    const FINDINGS: usize = 20_000;
    println!("calls: one full sync of {FINDINGS} findings, 12 accounts, 3 linked Regions, all of the quota");
    println!(
        "{:>8}  {:>11} {:>6} {:>6}  {:>8} {:>8}  {:>7}",
        "policies", "GetFindings", "fewest", "ratio", "re-reads", "writes", "CPU s"
    );
    for policies in [1, 100, 1_000] {
        simulate(async move {
            let mut sim = Sim::with(Local::builder().findings(FINDINGS).accounts(12).regions(3).seed(7).buckets(true));
            let mut manifests = hub(100, "");
            for number in 0..policies {
                let account = sim.local.organization().accounts().nth(number % 12).expect("twelve accounts").id;
                let controls: Vec<_> = Catalogue::built_in().controls().iter().collect();
                let control = controls[number / 12 * 7 % controls.len()].id.as_str();
                let rule = format!(
                    "{{name: rule, match: {{accounts: ['{account}'], controls: ['{control}']}}, response: {{suppress: {{reason: OutOfScope}}}}}}"
                );
                manifests += &policy(&format!("p{number}"), &rule);
            }
            sim.declare(&manifests);
            let began = Instant::now();
            sim.start();
            until(&sim, |sim| !sim.figures().syncing && sim.figures().findings > 0).await;
            let calls = reads(&sim);
            until(&sim, |sim| sim.figures().converged).await;
            let fewest = FINDINGS.div_ceil(100) as u64;
            println!(
                "{policies:>8}  {calls:>11} {fewest:>6} {:>6.3}  {:>8} {:>8}  {:>7.2}",
                calls as f64 / fewest as f64,
                reads(&sim) - calls,
                sim.writes(),
                began.elapsed().as_secs_f64()
            );
        });
    }
}

/// Writes after convergence.
pub fn cycles() {
    const FINDINGS: usize = 10_000;
    const CYCLES: u64 = 5;
    simulate(async {
        let mut sim = Sim::with(Local::builder().findings(FINDINGS).accounts(12).regions(3).seed(7).buckets(true));
        sim.declare(&(hub(100, "  syncIntervalSeconds: 3600\n") + &policy("p", NOISE)));
        sim.start();
        until(&sim, |sim| sim.figures().converged).await;
        // What was written is echoed before it is looked at.
        sim.pass(600).await;
        let (written, read, told) = (sim.writes(), reads(&sim), sim.status_writes());
        let began = Instant::now();
        sim.pass(CYCLES * 3600).await;
        let fewest = CYCLES * FINDINGS.div_ceil(100) as u64;
        println!(
            "cycles: {CYCLES} sync intervals after convergence ({FINDINGS} findings, {} changed in {written} calls):",
            sim.figures().written_findings
        );
        println!(
            "  {} writes, {} GetFindings (fewest {fewest}: the audit), {} status writes, {:.2} CPU s",
            sim.writes() - written,
            reads(&sim) - read,
            sim.status_writes() - told,
            began.elapsed().as_secs_f64()
        );
    });
}

/// 100,000 findings against the quota of one Region, where all are linked.
pub fn converge() {
    convergence(1);
}

/// The same against the quotas of three Regions, where none is linked.
pub fn regions() {
    convergence(3);
}

fn convergence(pools: usize) {
    const FINDINGS: usize = 100_000;
    println!("converge: {FINDINGS} findings of 12 accounts, one rule that suppresses MEDIUM and LOW; virtual seconds");
    println!("bound: the quota, if every page and every call were full and nothing were read twice");
    println!("fresh: the same, and what was seen more than freshnessSeconds (300) before its write read again beside the writes");
    println!(
        "{:>5} {:>6} {:>7} {:>8}  {:>6} {:>6} {:>6}  {:>6} {:>6}  {:>6} {:>7} {:>8}  {:>6} {:>7} {:>6}  {:>9} {:>6}",
        "share",
        "pools",
        "latency",
        "throttle",
        "bound",
        "took",
        "ratio",
        "fresh",
        "ratio",
        "reads",
        "fewest",
        "re-reads",
        "fewest",
        "writes",
        "fewest",
        "throttled",
        "CPU s"
    );
    for share in [100, 60] {
        for (latency, throttle) in [(0, 0), (300, 0), (0, 1), (300, 1)] {
            simulate(converged(FINDINGS, share, pools, latency, throttle));
        }
    }
}

/// 100,000 findings in three shapes, with throttles and lag, and what is written in a day after that.
pub fn topologies() {
    let findings = std::env::var("HUBKEEPER_BENCH_FINDINGS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000);
    println!(
        "topologies: {findings} findings of 12 accounts, one rule that suppresses half of them; all of the quota; 1 % of calls throttled,"
    );
    println!(
        "reads lag by 5 s, events by 2 s; virtual seconds. bound: the quota of the fullest pool, if every page and call were full"
    );
    println!("after: calls in the day after convergence, of which one is the audit");
    println!(
        "{:>11} {:>6}  {:>6} {:>6} {:>6}  {:>6} {:>7} {:>8}  {:>6} {:>7}  {:>9}  {:>12} {:>11}  {:>6}",
        "topology",
        "pools",
        "bound",
        "took",
        "ratio",
        "reads",
        "fewest",
        "re-reads",
        "writes",
        "fewest",
        "throttled",
        "after: reads",
        "after: writes",
        "CPU s"
    );
    for topology in Topology::ALL {
        simulate(at_size(topology, findings));
    }
}

async fn at_size(topology: Topology, findings: usize) {
    let mut sim = topology.build(findings);
    sim.declare(&(hub(100, &topology.named()) + &policy("p", topology::RULE)));
    let (start, began) = (sim.now(), Instant::now());
    sim.start();
    until(&sim, |sim| !sim.figures().syncing && sim.figures().findings > 0).await;
    let first = reads(&sim);
    until(&sim, |sim| sim.figures().converged).await;
    let took = sim.now().duration_since(start).as_secs_f64();
    let pools = topology.pools(findings);
    let written: Vec<usize> = pools.iter().map(|count| count / 2).collect();
    let fewest = |counts: &[usize]| counts.iter().map(|count| count.div_ceil(100)).sum::<usize>();
    let bound = topology::bound(&pools, &written, 100);
    let throttled: u64 = ["GetFindings", "BatchUpdateFindings"].iter().map(|name| sim.local.count(name).throttled).sum();
    let (all, writes) = (reads(&sim), sim.writes() - sim.local.count("BatchUpdateFindings").throttled);
    sim.pass(86_400 + 3_600).await;
    let (read_after, written_after) =
        (reads(&sim) - all, sim.writes() - sim.local.count("BatchUpdateFindings").throttled - writes);
    println!(
        "{:>11} {:>6}  {bound:>6.0} {took:>6.0} {:>6.3}  {first:>6} {:>7} {:>8}  {writes:>6} {:>7}  {throttled:>9}  {read_after:>12} {written_after:>13}  {:>6.1}",
        format!("{topology:?}"),
        pools.len(),
        took / bound,
        fewest(&pools),
        all - first,
        fewest(&written),
        began.elapsed().as_secs_f64()
    );
    assert_eq!(written_after, 0, "the loop goes on writing after it converged");
}

async fn converged(findings: usize, share: u32, pools: usize, latency: u64, throttle: u8) {
    // One pool: Regions are linked, all is read at home. More: each Region is read by itself.
    let mut sim = if pools == 1 {
        Sim::with(Local::builder().findings(findings).accounts(12).regions(3).seed(7).buckets(true).record_calls(false))
    } else {
        let sim = Sim::with(Local::builder().accounts(12).buckets(true).record_calls(false));
        let regions = ["eu-west-1", "us-east-1", "ap-northeast-1"];
        fill(&sim.local, regions.get(..pools).expect("three at most"), findings);
        sim
    };
    let linked = if pools == 1 { "" } else { "  linkedRegions: [us-east-1, ap-northeast-1]\n" };
    let fault = CallFault { operation: None, ..CallFault::of("", Fault::Throttle(ThrottleCode::TooManyRequests)) };
    if throttle > 0 {
        sim.local.set_faults(Faults { calls: vec![fault.percent(throttle)], ..Faults::default() });
    }
    sim.latency = Duration::from_millis(latency);
    sim.declare(&(hub(share, linked) + &policy("p", NOISE)));
    let (start, began) = (sim.now(), Instant::now());
    sim.start();
    until(&sim, |sim| !sim.figures().syncing && sim.figures().findings > 0).await;
    let seconds = |sim: &Sim| sim.now().duration_since(start).as_secs_f64();
    let first = reads(&sim);
    until(&sim, |sim| sim.figures().converged).await;
    let (took, cpu) = (seconds(&sim), began.elapsed().as_secs_f64());
    let written = sim.figures().written_findings;
    let pages = findings.div_ceil(100) as f64;
    let part = f64::from(share) / 100.0;
    let time =
        |calls: f64, rate: u32, burst: u32| (calls / pools as f64 - f64::from(burst) * part).max(0.0) / (f64::from(rate) * part);
    let calls = (written as f64 / 100.0).ceil();
    let reading = time(pages, RATE_GET_FINDINGS.per_second, RATE_GET_FINDINGS.burst);
    let writing = time(calls, RATE_UPDATE_FINDINGS.per_second, RATE_UPDATE_FINDINGS.burst);
    let bound = reading + writing;
    // What was seen longer ago than 300 s when the last page had come.
    let stale = (written as f64 * (1.0 - 300.0 / reading).max(0.0) / 100.0).ceil();
    let fresh = reading + writing.max(time(stale, RATE_GET_FINDINGS.per_second, 0));
    let throttled: u64 = ["GetFindings", "BatchUpdateFindings"].iter().map(|name| sim.local.count(name).errors).sum();
    println!(
        "{share:>4}% {pools:>6} {latency:>4} ms {throttle:>7}%  {bound:>6.0} {took:>6.0} {:>6.3}  {fresh:>6.0} {:>6.3}  {first:>6} {pages:>7} {:>8}  {:>6.0} {:>7} {calls:>6}  {throttled:>9} {cpu:>6.1}",
        took / bound,
        took / fresh,
        reads(&sim) - first,
        stale,
        sim.writes(),
    );
}

const NOISE: &str = "{name: noise, match: {severities: [MEDIUM, LOW]}, response: {suppress: {reason: OutOfScope}}}";

/// A hub with this share of the quota, and more lines.
fn hub(share: u32, more: &str) -> String {
    let interval = if more.contains("syncIntervalSeconds") { "" } else { "  syncIntervalSeconds: 86400\n" };
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {{name: main}}
spec:
  homeRegion: eu-west-1
  apiQuotaPercent: {share}
  events: {{queueUrl: \"http://127.0.0.1:4600/111122223333/hubkeeper\"}}
  limits: {{maxFindings: 1000000, maxPercent: 100}}
{interval}{more}"
    )
}

/// Control findings that fail, spread evenly over Regions that are not linked.
pub fn fill(local: &Local, regions: &[&str], findings: usize) {
    let accounts: Vec<_> = local.organization().accounts().map(|account| account.id).collect();
    let start = local.clock().now();
    local.with_hub(|hub, now| {
        for (number, region) in regions.iter().enumerate() {
            let region: Region = region.parse().expect("a Region");
            for &account in &accounts {
                hub.switch_on(account, &region, now);
            }
            let mut batch = Vec::new();
            for finding in (number..findings).step_by(regions.len()) {
                let (place, check) = (finding / regions.len(), finding / regions.len() / accounts.len());
                let account = accounts[place % accounts.len()];
                let control = ["S3.9", "S3.13", "EC2.8", "EC2.19", "RDS.5", "IAM.3", "KMS.3", "ECS.5"][check % 8];
                let mut text = String::new();
                write!(text, "arn:aws:s3:::bucket-{finding}").expect("a String takes all");
                let created = start - jiff::SignedDuration::from_secs(1 + (finding as i64) * 37 % 7_000_000);
                batch.push(ControlFinding::failed(account, region.clone(), control, "AwsS3Bucket", &text, created).document());
                if batch.len() == 100 || finding + regions.len() >= findings {
                    let caller = Caller { account: accounts[0], region: region.clone(), principal: Principal::Root };
                    let request = BatchImportFindings { findings: std::mem::take(&mut batch) };
                    let answer = hub.import(&caller, &request, now).expect("the hub is on");
                    assert_eq!(answer.failed_count, 0, "{:?}", answer.failed_findings.first());
                    hub.take_changes();
                }
            }
        }
    });
}

/// Calls of GetFindings, throttled ones not counted.
fn reads(sim: &Sim) -> u64 {
    let count = sim.local.count("GetFindings");
    count.calls - count.errors
}

/// Lets time pass until it is so.
async fn until(sim: &Sim, so: impl Fn(&Sim) -> bool) {
    for _ in 0..200_000 {
        if so(sim) {
            return;
        }
        tokio::time::sleep(Duration::from_secs_f64(TICK)).await;
    }
    panic!("not within {} virtual seconds: {:?}", 200_000.0 * TICK, sim.figures());
}

fn simulate(run: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    runtime.block_on(run);
}
