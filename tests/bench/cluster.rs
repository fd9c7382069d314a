//! What it costs in a cluster: the real binary, a real API server on loopback, Security Hub Local over HTTP with its token buckets.
//! Needs the programs of `tests/setup.sh controlplane` (`rights`: of `tests/setup.sh tools`); Linux only.

#![expect(clippy::print_stdout, reason = "figures for people")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hubkeeper::controlplane::{Binaries, ControlPlane, Options, User};
use hubkeeper::core::catalogue::Catalogue;
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;
use hubkeeper::local::options::Builder;
use hubkeeper::wire::limits::RATE_UPDATE_FINDINGS;
use jiff::Timestamp;
use serde_json::Value;

use crate::keeping::fill;
use crate::process::{BIN, PATIENCE, Running, metric, metrics, page, start};

/// Who Hubkeeper is to the API server, so that its audit log tells it from us.
const TOKEN: &str = "figures-of-hubkeeper";
const NAME: &str = "hubkeeper";

/// A control plane with our definitions.
struct Cluster {
    // Fields are dropped in this order.
    plane: ControlPlane,
    kubeconfig: PathBuf,
    _folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Cluster {
    fn new() -> Self {
        let assets = std::env::var_os("KUBEBUILDER_ASSETS")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/controlplane"), PathBuf::from);
        let folder = tempfile::tempdir().unwrap();
        let groups = vec!["system:masters".to_owned()];
        let users = vec![User { token: TOKEN.to_owned(), name: NAME.to_owned(), groups }];
        let options = Options { controllers: false, audit: true, users };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let began = Instant::now();
        let binaries = Binaries::in_folder(&assets).unwrap();
        let plane = runtime.block_on(ControlPlane::start(&binaries, folder.path(), &options)).unwrap();
        let kubeconfig = folder.path().join("hubkeeper.kubeconfig");
        std::fs::write(&kubeconfig, plane.kubeconfig_of(TOKEN).unwrap()).unwrap();
        let cluster = Self { plane, kubeconfig, _folder: folder, runtime };
        let definitions: Vec<String> = hubkeeper::api::crds_yaml().unwrap().into_iter().map(|(_, text)| text).collect();
        cluster.kubectl(&["create", "-f", "-"], &definitions.join("\n---\n"));
        cluster.kubectl(&["wait", "--for=condition=Established", "crd", "--all"], "");
        println!("  (control plane ready after {:.1} s)", began.elapsed().as_secs_f64());
        cluster
    }

    fn kubectl(&self, args: &[&str], input: &str) -> String {
        let mut command = Command::new(self.plane.kubectl());
        command.arg("--kubeconfig").arg(self.plane.kubeconfig()).args(args).env("HOME", "/nonexistent");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "kubectl {args:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Takes away all that is declared.
    fn clear(&self) {
        let kinds = "findingexceptions,approvals,controlpolicies,exceptionpolicies,accounts,securityhubs";
        self.kubectl(&["delete", kinds, "--all", "--all-namespaces"], "");
    }

    /// Serves a hub until this process ends; its URL.
    fn serve(&self, local: &Local) -> String {
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        self.runtime.spawn(hubkeeper::local::http::serve(listener, local.clone(), std::future::pending()));
        format!("http://{address}")
    }

    /// Starts `run`; where it tells how it is.
    fn run(&self, url: &str) -> (Running, String) {
        let mut command = Command::new(BIN);
        command.args(["run", "--namespace", "default", "--listen", "127.0.0.1:0", "--kubeconfig"]).arg(&self.kubeconfig);
        command.env_clear().env("AWS_ENDPOINT_URL", url);
        command.envs([("AWS_ACCESS_KEY_ID", "111122223333"), ("AWS_SECRET_ACCESS_KEY", NAME), ("HOSTNAME", "figures")]);
        start(command, "listening on http://")
    }
}

/// A hub on real time, to be filled.
fn local() -> Builder {
    Local::builder().start(Timestamp::now()).speed(Speed::Real).accounts(12).buckets(true)
}

fn hub(share: u32, url: &str) -> String {
    format!(
        "apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {{name: main}}
spec:
  homeRegion: eu-west-1
  apiQuotaPercent: {share}
  events: {{queueUrl: \"{url}/111122223333/hubkeeper\"}}
  limits: {{maxFindings: 1000000, maxPercent: 100}}
"
    )
}

fn policy(name: &str, matching: &str) -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {{name: {name}}}
spec:
  mode: Enforce
  limits: {{maxFindings: 1000000, maxPercent: 100}}
  rules: [{{name: rule, match: {{{matching}}}, response: {{suppress: {{reason: OutOfScope}}}}}}]
"
    )
}

/// Waits until the hub is read and nothing is left to do.
fn until_kept(health: &str, findings: usize) {
    until(health, || {
        metric(health, "hubkeeper_findings") == Some(findings as f64) && metric(health, "hubkeeper_converged") == Some(1.0)
    });
}

fn until(health: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}:\n{}", metrics(health));
        thread::sleep(Duration::from_millis(10));
    }
}

/// From `kubectl apply` of a policy to the first write, and to nothing left to do.
pub fn apply() {
    const FINDINGS: usize = 10_000;
    println!("apply: a hub of {FINDINGS} failing findings is known; a policy is applied that suppresses all of them");
    println!("seconds from the return of `kubectl apply`; bound: the quota, if every call were full");
    let cluster = Cluster::new();
    println!(
        "{:>5}  {:>9} {:>7} {:>6} {:>8}  {:>7} {:>11} {:>10} {:>9} {:>6}  {:>6} {:>6}",
        "share",
        "kubectl s",
        "written",
        "calls",
        "fewest",
        "re-read",
        "first write",
        "last write",
        "converged",
        "Ready",
        "bound",
        "ratio"
    );
    for share in [60, 100] {
        let local = local().record_calls(true).build().unwrap();
        fill(&local, &["eu-west-1"], FINDINGS);
        let url = cluster.serve(&local);
        cluster.kubectl(&["create", "-f", "-"], &hub(share, &url));
        let (keeper, health) = cluster.run(&url);
        until_kept(&health, FINDINGS);
        let read = local.count("GetFindings").calls;
        let begin = Timestamp::now();
        cluster.kubectl(&["apply", "-f", "-"], &policy("all", "severities: [LOW, MEDIUM, HIGH, CRITICAL]"));
        let applied = Timestamp::now();
        let since = |at: Timestamp| at.duration_since(applied).as_secs_f64();
        until(&health, || local.count("BatchUpdateFindings").findings >= FINDINGS as u64);
        until(&health, || {
            metric(&health, "hubkeeper_converged") == Some(1.0) && metric(&health, "hubkeeper_changes_pending") == Some(0.0)
        });
        let converged = since(Timestamp::now());
        cluster.kubectl(&["wait", "--for=condition=Ready", "controlpolicy/all", "--timeout=120s"], "");
        let ready = since(Timestamp::now());
        let writes: Vec<_> =
            local.calls().into_iter().filter(|call| call.operation == "BatchUpdateFindings" && call.error.is_none()).collect();
        let written: usize = writes.iter().map(|call| call.findings).sum();
        let fewest = written.div_ceil(100) as f64;
        let part = f64::from(share) / 100.0;
        let burst = f64::from(RATE_UPDATE_FINDINGS.burst) * part;
        let bound = (fewest - burst).max(0.0) / (f64::from(RATE_UPDATE_FINDINGS.per_second) * part);
        println!(
            "{share:>4}%  {:>9.2} {written:>7} {:>6} {fewest:>8}  {:>7} {:>11.2} {:>10.2} {converged:>9.2} {ready:>6.2}  {bound:>6.2} {:>6.3}",
            applied.duration_since(begin).as_secs_f64(),
            writes.len(),
            local.count("GetFindings").calls - read,
            since(writes.first().unwrap().at),
            since(writes.last().unwrap().at),
            converged / bound
        );
        drop(keeper);
        cluster.clear();
    }
}

/// So many objects of every kind but Approval, over ten namespaces: a hub, accounts, guardrails, policies of one rule, exceptions of
/// one target. The first policy suppresses what is MEDIUM or LOW.
fn declare(cluster: &Cluster, objects: usize, url: &str) {
    let organization = local().build().unwrap().organization().clone();
    let accounts: Vec<_> = organization.accounts().map(|account| account.id).collect();
    let controls: Vec<_> = Catalogue::built_in().controls().iter().map(|control| control.id.as_str()).collect();
    let (mut text, mut made) = (hub(100, url), 1);
    let many = |share: usize| (objects * share / 100).max(1);
    for (number, account) in accounts.iter().enumerate().take(many(1)) {
        write!(
            text,
            "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nmetadata: {{name: a{number}}}\nspec: {{id: \"{account}\"}}\n"
        )
        .unwrap();
        made += 1;
    }
    for number in 0..many(1) {
        write!(text, "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: ExceptionPolicy\nmetadata: {{name: g{number}}}\nspec:\n  namespaces: {{names: [team-{number}]}}\n  grants: [{{accounts: [\"{}\"]}}]\n  effects: [Accept]\n  maxDays: 3650\n  maxFindings: 1000\n", accounts[number % accounts.len()]).unwrap();
        made += 1;
    }
    let policies = (objects - made) / 2;
    for number in 0..policies {
        let (account, control) = (accounts[number % accounts.len()], controls[number * 7 % controls.len()]);
        // The first finds much to do, the others are there.
        let matching = match number {
            0 => "severities: [LOW, MEDIUM]".to_owned(),
            _ => format!("accounts: [\"{account}\"], controls: [{control}]"),
        };
        text += &policy(&format!("p{number}"), &matching);
        made += 1;
    }
    for number in 0..objects - made {
        let team = number % many(1);
        let (account, control) = (accounts[team % accounts.len()], controls[number * 11 % controls.len()]);
        write!(text, "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: FindingException\nmetadata: {{name: e{number}, namespace: team-{team}}}\nspec:\n  effect: Accept\n  targets: [{{controls: [{control}], accounts: [\"{account}\"]}}]\n  reason: AcceptedRisk\n  justification: for the figures\n  owner: pay@example.com\n  startsAt: \"2026-01-01T00:00:00Z\"\n  expiresAt: \"2034-12-31T00:00:00Z\"\n").unwrap();
    }
    let mut namespaces = String::new();
    for number in 0..many(1) {
        write!(namespaces, "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: team-{number}}}\n").unwrap();
    }
    cluster.kubectl(&["apply", "-f", "-"], &namespaces);
    let kinds = cluster.kubectl(&["create", "-f", "-", "-o", "name"], &text);
    assert_eq!(kinds.lines().count(), objects);
}

/// From the start of the process to `/readyz`.
pub fn ready() {
    println!("ready: from the start of `run` to 200 of /readyz, that is until everything declared was listed; ten starts each");
    println!("{:>8}  {:>7} {:>7} {:>7}", "objects", "fastest", "median", "slowest");
    let cluster = Cluster::new();
    let url = cluster.serve(&local().build().unwrap());
    for objects in [10, 1_000] {
        declare(&cluster, objects, &url);
        let mut times: Vec<f64> = (0..10)
            .map(|_| {
                let began = Instant::now();
                let (_keeper, health) = cluster.run(&url);
                while !page(&health, "/readyz").starts_with("HTTP/1.1 200") {
                    assert!(began.elapsed() < PATIENCE, "not ready");
                    thread::sleep(Duration::from_millis(2));
                }
                began.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        println!("{objects:>8}  {:>5.2} s {:>5.2} s {:>5.2} s", times[0], times[5], times[9]);
        cluster.clear();
    }
}

/// Resident memory against findings and objects.
fn keep(cluster: &Cluster, findings: usize, objects: usize) {
    let local = local().regions(3).seed(7).findings(findings).record_calls(false).build().unwrap();
    let known = local.len();
    let url = cluster.serve(&local);
    declare(cluster, objects, &url);
    let began = Instant::now();
    let (keeper, health) = cluster.run(&url);
    until_kept(&health, known);
    let took = began.elapsed().as_secs_f64();
    let [peak, now, own] = ["VmHWM", "VmRSS", "RssAnon"].map(|name| crate::process::resident(&keeper, name) / 1024.0);
    let written = metric(&health, "hubkeeper_written_findings_total").unwrap_or_default();
    println!("{findings:>8} {objects:>8}  {peak:>8.1} {now:>8.1} {own:>8.1}  {written:>7} {took:>6.0}");
    drop(keeper);
    cluster.clear();
}

/// The same for all that is asked.
pub fn resident() {
    println!("resident: `run` in a cluster, all of the quota, until converged; MiB");
    println!("own: without the pages of the program's file, which the kernel takes back when it needs them");
    println!("{:>8} {:>8}  {:>8} {:>8} {:>8}  {:>7} {:>6}", "findings", "objects", "peak", "now", "own", "written", "took s");
    let cluster = Cluster::new();
    for objects in [10, 1_000] {
        for findings in [2_000, 10_000, 50_000] {
            keep(&cluster, findings, objects);
        }
    }
}

/// What the API server is asked for while nothing happens.
pub fn idle() {
    const WINDOW: Duration = Duration::from_mins(10);
    const FINDINGS: usize = 10_000;
    println!("idle: `run` with 100 objects and {FINDINGS} findings, kept for two minutes, then watched for ten");
    let cluster = Cluster::new();
    let local = local().regions(3).seed(7).findings(FINDINGS).record_calls(false).build().unwrap();
    let (known, url) = (local.len(), cluster.serve(&local));
    declare(&cluster, 100, &url);
    let (_keeper, health) = cluster.run(&url);
    until_kept(&health, known);
    thread::sleep(Duration::from_mins(2));
    let (from, writes) = (Timestamp::now(), local.count("BatchUpdateFindings").calls);
    thread::sleep(WINDOW);
    let requests = asked(&cluster, from, Timestamp::now());
    for (what, times) in &requests {
        println!("{times:>6}  {what}");
    }
    println!(
        "{:>6}  in all; writes to the hub meanwhile: {}",
        requests.values().sum::<usize>(),
        local.count("BatchUpdateFindings").calls - writes
    );
    let other: Vec<&String> = requests.keys().filter(|what| !what.starts_with("watch ") && !what.ends_with(" leases")).collect();
    assert!(other.is_empty(), "nothing but watches and the lease is expected: {other:?}");
}

/// Requests of Hubkeeper by verb and resource, by the audit log. A request has several lines there, and one id.
fn asked(cluster: &Cluster, from: Timestamp, until: Timestamp) -> BTreeMap<String, usize> {
    let log = std::fs::read_to_string(cluster.plane.audit_log().unwrap()).unwrap();
    let (mut ids, mut requests) = (BTreeSet::new(), BTreeMap::new());
    for line in log.lines().filter(|line| line.ends_with('}')) {
        let entry: Value = serde_json::from_str(line).unwrap();
        let at: Timestamp = entry["requestReceivedTimestamp"].as_str().unwrap().parse().unwrap();
        let ours = entry["user"]["username"] == NAME && (from..until).contains(&at);
        if ours && ids.insert(entry["auditID"].as_str().unwrap().to_owned()) {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let object = &entry["objectRef"];
            let mut what = format!("{} {}", text(&entry["verb"]), text(&object["resource"]));
            if let Some(subresource) = object["subresource"].as_str() {
                let _ = write!(what, "/{subresource}");
            }
            *requests.entry(what).or_default() += 1;
        }
    }
    requests
}

/// What the chart lets it do.
pub fn rights() {
    println!("rights: what the chart's roles grant the controller, by resource");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut helm = Command::new(root.join(".cache/go-tools/helm"));
    helm.args(["template", NAME, "charts/hubkeeper", "--show-only", "templates/rbac.yaml"]);
    let output = helm.args(["--set=image.repository=registry.example.com/hubkeeper"]).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rendered = String::from_utf8(output.stdout).unwrap();
    let mut rights: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for document in rendered.split("\n---\n") {
        let role: Value = serde_saphyr::from_str(document.trim_start_matches("---\n")).unwrap();
        for rule in role["rules"].as_array().into_iter().flatten() {
            let list = |field: &str| -> Vec<String> {
                rule[field].as_array().into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
            };
            let scope = match (role["kind"].as_str(), list("resourceNames").join(", ")) {
                (Some("ClusterRole"), _) => "everywhere".to_owned(),
                (_, names) if names.is_empty() => "own namespace".to_owned(),
                (_, names) => format!("own namespace, {names} only"),
            };
            for group in list("apiGroups") {
                for resource in list("resources") {
                    rights.entry((format!("{resource}.{group}"), scope.clone())).or_default().extend(list("verbs"));
                }
            }
        }
    }
    for ((resource, scope), verbs) in rights {
        println!("  {resource:<42} {:<18} {scope}", verbs.into_iter().collect::<Vec<_>>().join(", "));
    }
}
