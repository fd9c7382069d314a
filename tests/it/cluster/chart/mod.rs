//! The chart, by helm: as it is rendered, and as it is installed into the real API server.

mod install;
mod render;
mod rights;

use std::path::PathBuf;
use std::process::{Command, Output};

use super::run::blocking;
use super::{kubectl, plane};
use crate::cli::{root, text};

const CHART: &str = "charts/hubkeeper";
const IMAGE: &str = "--set=image.repository=registry.example.com/hubkeeper";
/// The administrator is who the other tests apply as, and the policy is for the whole API server.
const TRUSTED: &str = r#"--set-json=approvals.trustedUsers=["admin","system:serviceaccount:flux-system:kustomize-controller"]"#;

/// helm. Fails, and says how to get it, where there is none: a test that was not run is none.
fn program() -> PathBuf {
    let path = root().join(".cache/go-tools/helm");
    assert!(
        path.is_file(),
        "{} is not there: run `make test`, or `tests/setup.sh tools` once before `cargo test`",
        path.display()
    );
    path
}

/// What helm answers, in the repository, without anything of the tester's own.
fn helm(args: &[&str]) -> Output {
    Command::new(program()).args(args).current_dir(root()).env_clear().env("HOME", "/nonexistent").output().unwrap()
}

/// The same for what must succeed.
fn helmed(args: &[&str]) -> String {
    let output = helm(args);
    assert!(output.status.success(), "helm {args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// A release in a namespace of the same name, where pods are restricted. Both are gone with this value.
pub struct Release(&'static str);

impl Release {
    /// Installs the chart but its definitions: those are there, and are others' too. The name has to contain the chart's: then it
    /// is the name of everything.
    fn install(name: &'static str) -> Self {
        Self::install_with(name, &[])
    }

    /// The same with other values.
    pub fn install_with(name: &'static str, values: &[&str]) -> Self {
        let release = Self::begin(name);
        kubectl(&["create", "namespace", name], "");
        kubectl(&["label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"], "");
        let kubeconfig = plane().kubeconfig().to_str().unwrap();
        let there = ["--kubeconfig", kubeconfig, "--namespace", name];
        helmed(&[&["install", name, CHART, IMAGE, TRUSTED, "--set=crds.install=false"][..], values, &there].concat());
        release
    }

    /// One that is installed by other means.
    fn begin(name: &'static str) -> Self {
        assert!(name.contains("hubkeeper"));
        Self(name)
    }

    fn uninstall(&self) -> String {
        let kubeconfig = plane().kubeconfig().to_str().unwrap();
        helmed(&["uninstall", self.0, "--ignore-not-found", "--kubeconfig", kubeconfig, "--namespace", self.0])
    }
}

impl Drop for Release {
    fn drop(&mut self) {
        // A test that fails says why itself.
        if !std::thread::panicking() {
            self.uninstall();
            kubectl(&["delete", "namespace", self.0, "--ignore-not-found", "--wait=false"], "");
        }
    }
}
