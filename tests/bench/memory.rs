//! What the controller holds in memory: the real binary keeps a real server over HTTP until nothing is left to do. Linux only, for
//! the peak is the kernel's (`VmHWM`). The quota paces it: 100 findings a page, 3 pages a second.

#![expect(clippy::print_stdout, reason = "figures for people")]

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{BIN, PATIENCE, metric, metrics, resident, start};

/// Peak and present resident memory.
pub fn run() {
    println!("memory: `hubkeeper run` with the manifests of examples/quickstart, all of the quota, over HTTP, until converged");
    println!("goal: 40 MiB and 64 B a finding, and what the rules project");
    println!("own: without the pages of the program's file, which the kernel takes back when it needs them");
    println!(
        "{:>8}  {:>8} {:>8} {:>8} {:>8}  {:>7} {:>6}",
        "findings", "peak MiB", "now MiB", "own MiB", "goal MiB", "written", "took s"
    );
    let mut peaks = Vec::new();
    for findings in [2_000_u32, 50_000] {
        peaks.push((findings, keep(findings)));
    }
    if let [(few, less), (many, more)] = peaks[..] {
        println!("  {:.0} B of peak for each further finding", (more - less) * 1024.0 / f64::from(many - few));
    }
}

/// Keeps a hub until it has converged; the peak in KiB.
fn keep(findings: u32) -> f64 {
    let place = tempfile::tempdir().unwrap();
    let manifests = place.path().join("manifests");
    declare(&manifests);
    let count = findings.to_string();
    let mut local = Command::new(BIN);
    local.args(["local", "--listen", "127.0.0.1:0", "--findings", &count]);
    let (_local, hub) = start(local, "Security Hub Local on http://");
    let mut keeper = Command::new(BIN);
    keeper
        .args(["run", "--listen", "127.0.0.1:0", "--state-dir"])
        .arg(place.path().join("state"))
        .arg("--manifests")
        .arg(&manifests)
        .env("AWS_ENDPOINT_URL", format!("http://{hub}"))
        .envs([("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "111122223333"), ("AWS_SECRET_ACCESS_KEY", "bench")]);
    let began = Instant::now();
    let (keeper, health) = start(keeper, "listening on http://");
    while metric(&health, "hubkeeper_converged") != Some(1.0) {
        assert!(began.elapsed() < PATIENCE, "not converged:\n{}", metrics(&health));
        thread::sleep(Duration::from_millis(500));
    }
    let took = began.elapsed().as_secs_f64();
    let (peak, now, own) = (resident(&keeper, "VmHWM"), resident(&keeper, "VmRSS"), resident(&keeper, "RssAnon"));
    let goal = 40.0 + f64::from(findings) * 64.0 / 1024.0 / 1024.0;
    println!(
        "{findings:>8}  {:>8.1} {:>8.1} {:>8.1} {goal:>8.1}  {:>7} {took:>6.0}",
        peak / 1024.0,
        now / 1024.0,
        own / 1024.0,
        metric(&health, "hubkeeper_written_findings_total").unwrap_or_default()
    );
    peak
}

/// The quickstart, without the brakes that it has for beginners.
fn declare(manifests: &Path) {
    std::fs::create_dir(manifests).unwrap();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickstart");
    for file in std::fs::read_dir(examples).unwrap() {
        let file = file.unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        let careful = "limits: {maxFindings: 5000, maxPercent: 60}";
        let text = text.replace(careful, "limits: {maxFindings: 1000000, maxPercent: 100}\n  apiQuotaPercent: 100");
        std::fs::write(manifests.join(file.file_name()), text).unwrap();
    }
}
