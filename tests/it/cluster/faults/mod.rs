//! What goes wrong around a controller on a real API server: on a control plane of their own, because some of these break it.
//!
//! Each ends as it should: when the fault is over, the hub is as declared, and then nothing is written any more, neither to the hub
//! nor to the API server.

mod attacks;
mod conflicts;
mod crashes;
mod definitions;
mod departed;
mod network;
mod proxy;
mod rights;
mod size;
mod transitions;
mod watches;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use futures::future::select_all;
use hubkeeper::controlplane::{ControlPlane, Options};
use hubkeeper::core::ids::FindingKey;
use hubkeeper::local::Local;
use kube::Client;

use self::proxy::{Proxy, Seen};
use super::{KINDS, binaries, define};
use crate::cli::{self, Hub, Running, hubkeeper};
use crate::manifests::policy;

/// A control plane that tests may break, one test at a time.
struct Ground {
    plane: ControlPlane,
    _folder: tempfile::TempDir,
}

/// The ground, without any object of ours, and with our definitions.
async fn ground() -> tokio::sync::MutexGuard<'static, Option<Ground>> {
    // Most of the time of such a test is waiting: two side by side take half of it.
    static GROUNDS: [tokio::sync::Mutex<Option<Ground>>; 2] = [const { tokio::sync::Mutex::const_new(None) }; 2];
    let (mut guard, ..) = select_all(GROUNDS.iter().map(|ground| Box::pin(ground.lock()))).await;
    if guard.is_none() {
        let folder = tempfile::tempdir().unwrap();
        let plane = ControlPlane::start(&binaries(), folder.path(), &Options::default()).await.unwrap();
        *guard = Some(Ground { plane, _folder: folder });
    }
    let ground = guard.as_mut().unwrap();
    // A test that failed may have left it stopped.
    ground.plane.start_api_server().await.unwrap();
    define(&ground.client().await).await;
    ground.kubectl(&["delete", KINDS, "--all", "--all-namespaces", "--wait"], "");
    ground.kubectl(&["delete", "lease", "--all", "-n", "default"], "");
    guard
}

impl Ground {
    async fn config(&self) -> kube::Config {
        let mut config = self.plane.config().await.unwrap();
        config.default_retry = false;
        config
    }

    async fn client(&self) -> Client {
        Client::try_from(self.config().await).unwrap()
    }

    async fn proxy(&self) -> Proxy {
        Proxy::start(self.config().await, None).await
    }

    /// kubectl as the administrator; what it said, or what it complained of.
    fn tried(&self, args: &[&str], input: &str) -> Result<String, String> {
        tokio::task::block_in_place(|| {
            let mut command = Command::new(self.plane.kubectl());
            command.arg("--kubeconfig").arg(self.plane.kubeconfig()).args(args).env("HOME", "/nonexistent");
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            if output.status.success() { Ok(cli::text(&output.stdout)) } else { Err(cli::text(&output.stderr)) }
        })
    }

    fn kubectl(&self, args: &[&str], input: &str) -> String {
        self.tried(args, input).unwrap_or_else(|why| panic!("kubectl {args:?}: {why}"))
    }

    fn apply(&self, manifests: &str) {
        self.kubectl(&["apply", "-f", "-"], manifests);
    }

    /// One field: of `controlpolicy/logs`, or `-n team-pay findingexception/cdn`.
    fn field(&self, object: &str, path: &str) -> String {
        let path = format!("jsonpath={path}");
        let mut args = vec!["get", "-o", &path, "--ignore-not-found"];
        args.extend(object.split(' '));
        self.kubectl(&args, "")
    }

    /// Reason and message of an object's condition Ready.
    fn ready(&self, object: &str) -> String {
        self.field(object, "{range .status.conditions[?(@.type=='Ready')]}{.status} {.reason}: {.message}{end}")
    }

    /// Waits until this is said of it.
    fn says(&self, object: &str, said: &str) {
        let mut last = String::new();
        until(&format!("{object} says {said}"), || {
            last = self.ready(object);
            last.contains(said)
        });
    }

    /// Events about an object: reason and note.
    fn events(&self, name: &str) -> String {
        let path = format!("jsonpath={{range .items[?(@.regarding.name=='{name}')]}}{{.reason}}: {{.note}}\n{{end}}");
        self.kubectl(&["get", "events.events.k8s.io", "-A", "-o", &path], "")
    }
}

/// Waits for what has to become true.
fn until(what: &str, so: impl FnMut() -> bool) {
    tokio::task::block_in_place(|| cli::until(what, so));
}

/// A hub that reads everything anew every two seconds.
const HUB: &str = "apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {name: main}
spec: {homeRegion: eu-west-1, syncIntervalSeconds: 2, limits: {maxFindings: 1000, maxPercent: 100}}
---
";

/// Lets a namespace except what is in the account.
fn grant(namespace: &str, more: &str) -> String {
    format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: {namespace}}}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {{name: {namespace}}}
spec:
  namespaces: {{names: [{namespace}]}}
  grants: [{{accounts: [\"111122223333\"], exceptControls: [IAM.*]}}]
  effects: [Accept]
  maxDays: 3650
  maxFindings: 50
{more}
---
"
    )
}

/// Accepts a control of a bucket.
fn exception(namespace: &str, name: &str, control: &str, resource: &str, expires: &str) -> String {
    format!(
        "apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  effect: Accept
  targets: [{{controls: [{control}], accounts: [\"111122223333\"], resources: [\"{resource}\"]}}]
  reason: CompensatingControl
  justification: Served only through CloudFront
  owner: pay-sec@example.com
  startsAt: \"2026-01-01T00:00:00Z\"
  expiresAt: \"{expires}\"
---
"
    )
}

/// Long after any test.
const LATER: &str = "2034-12-31T00:00:00Z";

/// An empty hub.
async fn hub() -> Hub {
    Hub::start(Local::builder().findings(0).accounts(2).regions(2).buckets(false)).await
}

/// A controller, what it logs, and where it tells how it is.
struct Replica {
    running: Running,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Replica {
    /// Its writes stand under its name in the findings' histories.
    fn start(hub: &Hub, proxy: &Proxy, name: &str, more: &[&str], environment: &[(&str, &str)]) -> Self {
        let kubeconfig = proxy.kubeconfig().to_str().unwrap();
        let args = [&["run", "--kubeconfig", kubeconfig, "--namespace", "default", "--listen", "127.0.0.1:0"][..], more].concat();
        let mut command = hubkeeper(&args);
        command.env("AWS_ENDPOINT_URL", hub.served.endpoint()).env("AWS_ACCESS_KEY_ID", "111122223333");
        command.env("AWS_SECRET_ACCESS_KEY", name).env("HOSTNAME", name).envs(environment.iter().copied());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let mut log = heard.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
        let address = first.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{first}")).to_owned();
        Self { running: Running(child), address, log }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What `/readyz` says.
    fn readiness(&self) -> String {
        tokio::task::block_in_place(|| cli::get(&self.address, "/readyz")).unwrap_or_default()
    }

    fn is_ready(&self) -> bool {
        self.readiness().starts_with("HTTP/1.1 200")
    }

    fn metrics(&self) -> String {
        tokio::task::block_in_place(|| cli::get(&self.address, "/metrics")).unwrap_or_default()
    }

    fn is_converged(&self) -> bool {
        tokio::task::block_in_place(|| cli::converged(&self.address))
    }

    fn stop(mut self) -> Option<i32> {
        tokio::task::block_in_place(|| self.running.stop())
    }
}

/// Waits until a finding has this workflow status.
fn becomes(hub: &Hub, key: &FindingKey, status: &str) {
    until(&format!("{} becomes {status}", key.id), || hub.workflow(key) == status);
}

/// Workflow statuses of a finding in the order in which they were set, and by whom.
fn changes(hub: &Hub, key: &FindingKey) -> Vec<(String, String)> {
    let history = hub.local.as_person("alice").history(key).unwrap();
    let mut changes = Vec::new();
    for record in history.records.iter().rev() {
        let by = record.update_source.identity.rsplit('/').next().unwrap_or_default();
        let statuses = record.updates.iter().filter(|update| update.updated_field == "Workflow.Status");
        changes.extend(statuses.filter_map(|update| Some((by.to_owned(), update.new_value.clone()?))));
    }
    changes
}

fn hub_writes(hub: &Hub) -> u64 {
    hub.local.count("BatchUpdateFindings").calls
}

/// How often everything is read anew while nothing may be written.
const CYCLES: u64 = 4;

/// The hub is as declared, and it stays so: over some full reads nothing is written to it or to the API server.
fn rests(hub: &Hub, proxies: &[&Proxy], leader: &Replica) {
    until("the hub is kept", || leader.is_converged());
    let written = || (hub_writes(hub), proxies.iter().map(|proxy| told(&proxy.writes())).collect::<Vec<_>>());
    let reads = || hub.local.count("GetFindings").calls;
    let (mut state, mut from) = (written(), reads());
    until("nothing is written over some full reads", || {
        let now = written();
        if now != state {
            (state, from) = (now, reads());
        }
        reads() >= from + CYCLES
    });
    assert!(leader.is_converged());
}

/// Writes by object. Of a hub's own status the times of its reads are told once a minute: that is no news.
fn told(writes: &[Seen]) -> BTreeMap<(String, String, String), usize> {
    let mut told = BTreeMap::new();
    for Seen { verb, resource, name, .. } in writes.iter().filter(|seen| seen.resource != "securityhubs/status") {
        *told.entry((verb.clone(), resource.clone(), name.clone())).or_default() += 1;
    }
    told
}
