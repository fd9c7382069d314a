//! On a real API server: one control plane for all tests of a run, started by the first that asks.

mod admission;
mod chart;
mod exceptions;
mod faults;
mod lease;
mod look;
mod owner;
mod replicas;
mod run;
mod tour;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use hubkeeper::controlplane::{Binaries, ControlPlane, Options};
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};

/// The programs, as `tests/setup.sh controlplane` or `KUBEBUILDER_ASSETS` has them.
fn binaries() -> Binaries {
    let folder = std::env::var_os("KUBEBUILDER_ASSETS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/controlplane"), PathBuf::from);
    Binaries::in_folder(&folder).unwrap()
}

/// The control plane of this run, with our definitions. It ends with this process.
fn plane() -> &'static ControlPlane {
    static PLANE: OnceLock<(ControlPlane, tempfile::TempDir)> = OnceLock::new();
    let (plane, _) = PLANE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let start = async {
            let options = Options { controllers: true, audit: true, ..Options::default() };
            let plane = ControlPlane::start(&binaries(), folder.path(), &options).await.unwrap();
            define(&Client::try_from(plane.config().await.unwrap()).unwrap()).await;
            plane
        };
        // Not in the runtime of the test that asks first: it ends with that test.
        let plane = std::thread::scope(|scope| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            scope.spawn(move || runtime.block_on(start)).join().unwrap()
        });
        (plane, folder)
    });
    plane
}

/// A client of the administrator, in the runtime of the test.
async fn admin() -> Client {
    let mut config = plane().config().await.unwrap();
    config.default_retry = false;
    Client::try_from(config).unwrap()
}

/// Installs our definitions and waits until they are served.
async fn define(client: &Client) {
    use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    for crd in hubkeeper::api::all_crds() {
        let name = crd.metadata.name.clone().unwrap();
        api.patch(&name, &PatchParams::apply("tests").force(), &Patch::Apply(&crd)).await.unwrap();
        kube::runtime::wait::await_condition(api.clone(), &name, kube::runtime::conditions::is_crd_established()).await.unwrap();
    }
}

/// Our kinds, namespaced ones first.
const KINDS: &str = "findingexceptions,approvals,securityhubs,controlpolicies,exceptionpolicies,accounts";

/// The right to run controllers: they keep every hub that is declared, so there is one test at a time, and it begins with none.
async fn controllers() -> tokio::sync::MutexGuard<'static, ()> {
    static ONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let guard = ONE.lock().await;
    tokio::task::spawn_blocking(|| kubectl(&["delete", KINDS, "--all", "--all-namespaces", "--wait"], "")).await.unwrap();
    guard
}

/// Runs kubectl as the administrator, with this on standard input; what it said. Fails if it fails.
fn kubectl(args: &[&str], input: &str) -> String {
    let mut command = Command::new(plane().kubectl());
    command.arg("--kubeconfig").arg(plane().kubeconfig()).args(args).env("HOME", "/nonexistent");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "kubectl {args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// `kubectl apply` of this.
fn apply(manifests: &str) {
    kubectl(&["apply", "-f", "-"], manifests);
}

/// One field of an object, as kubectl prints it.
fn field(kind: &str, name: &str, path: &str) -> String {
    kubectl(&["get", kind, name, "-o", &format!("jsonpath={path}")], "")
}
