//! The chart in the real API server: what is installed, who may do what, and who approves.

use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{Release, TRUSTED, blocking, program};
use crate::cli::{readme, root, text, until};
use crate::cluster::{controllers, kubectl, plane};

/// kubectl with this on standard input, for what may fail.
fn tried(args: &[&str], input: &Value) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), input.to_string()).unwrap();
    let mut command = Command::new(plane().kubectl());
    command.arg("--kubeconfig").arg(plane().kubeconfig()).args(args).arg("-f").arg(file.path());
    command.env("HOME", "/nonexistent").output().unwrap()
}

fn get(args: &[&str]) -> Value {
    serde_json::from_str(&kubectl(&[&["get", "-o", "json"], args].concat(), "")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readmes_commands_install_it_where_pods_are_restricted() {
    let _one = controllers().await;
    blocking(|| {
        let release = Release::begin("hubkeeper");
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(program(), folder.path().join("helm")).unwrap();
        std::os::unix::fs::symlink(plane().kubectl(), folder.path().join("kubectl")).unwrap();
        // The tests have put the definitions there before.
        let wanted =
            format!("helm() {{ command helm \"$@\" --take-ownership '{TRUSTED}'; }}\n{}", readme::block("sh", "kubectl create"));
        let mut shell = Command::new("bash");
        shell.env_clear().env("PATH", format!("{}:/usr/bin:/bin", folder.path().display())).env("HOME", folder.path());
        shell.env("KUBECONFIG", plane().kubeconfig()).args(["-eu", "-o", "pipefail", "-c", &wanted]).current_dir(root());
        let output = shell.output().unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && said.contains("securityhub.hubkeeper.dev/main"), "{said}");
        assert!(said.contains("Hubkeeper 0.1.0 is installed in hubkeeper."), "{said}");

        // Its pods are made where everything less is refused.
        until("both pods are there", || get(&["pods", "-n", "hubkeeper"])["items"].as_array().unwrap().len() == 2);
        let template = get(&["deployment", "hubkeeper", "-n", "hubkeeper"])["spec"]["template"].clone();
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "tried", "namespace": "hubkeeper"}});
        pod["spec"] = template["spec"].clone();
        let create = ["create", "--dry-run=server"];
        let output = tried(&create, &pod);
        assert!(output.status.success(), "{}", text(&output.stderr));
        for (weaker, is) in [
            ("/spec/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
            ("/spec/containers/0/securityContext/capabilities/drop", json!([])),
            ("/spec/securityContext/runAsNonRoot", json!(false)),
            ("/spec/securityContext/seccompProfile/type", json!("Unconfined")),
        ] {
            let mut pod = pod.clone();
            *pod.pointer_mut(weaker).unwrap() = is;
            let output = tried(&create, &pod);
            assert!(text(&output.stderr).contains("violates PodSecurity \"restricted"), "{weaker}: {}", text(&output.stderr));
        }
        let container = &template["spec"]["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert!(template["spec"].get("volumes").is_none(), "nothing of the node, and nowhere to write");

        kubectl(&["delete", "securityhub", "main"], "");
        release.uninstall();
        for kind in hubkeeper::api::all_crds() {
            kubectl(&["get", "customresourcedefinition", &kind.metadata.name.unwrap()], "");
        }
        let left = kubectl(&["get", "clusterroles,clusterrolebindings,validatingadmissionpolicies", "-o", "name"], "");
        for name in ["hubkeeper", "hubkeeper-view", "hubkeeper-edit", "hubkeeper-approver"] {
            assert!(!left.lines().any(|line| line.ends_with(&format!("/{name}"))), "{left}");
        }
    })
    .await;
}

fn approval(namespace: &str, approver: &str) -> Value {
    json!({
        "apiVersion": "hubkeeper.dev/v1alpha1",
        "kind": "Approval",
        "metadata": {"name": "tried", "namespace": namespace},
        "spec": {
            "subject": {"kind": "ControlPolicy", "name": "baseline"},
            "digest": format!("sha256:{}", "0".repeat(64)),
            "decision": "Approve",
            "approver": approver,
            "reason": "seen",
            "maxFindings": 3,
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_made_by_its_approver_or_by_who_is_trusted_and_by_nobody_else() {
    const NAME: &str = "hubkeeper-approvals";
    const FLUX: &str = "system:serviceaccount:flux-system:kustomize-controller";
    let _one = controllers().await;
    blocking(|| {
        let release = Release::install(NAME);
        let role = format!("--clusterrole={}-approver", release.0);
        let users = ["--user=alice", "--user=bob", "--serviceaccount=flux-system:kustomize-controller"];
        kubectl(&[&["create", "rolebinding", "approvers", "-n", NAME, &role][..], &users].concat(), "");
        let makes = |who: &str, approver: &str| {
            let output = tried(&["create", "--dry-run=server", "--as", who], &approval(NAME, approver));
            if output.status.success() { Ok(()) } else { Err(text(&output.stderr)) }
        };
        // The policy is in force a moment after it is there.
        until("the policy is in force", || makes("alice", "bob").is_err());
        let said = makes("alice", "bob").unwrap_err();
        assert!(said.contains("spec.approver is bob, and you are alice: an Approval is made by its approver"), "{said}");
        assert_eq!(makes("alice", "alice"), Ok(()));
        assert_eq!(makes("bob", "bob"), Ok(()));
        assert_eq!((makes(FLUX, "alice"), makes(FLUX, "bob")), (Ok(()), Ok(())));
        assert!(makes("carol", "carol").unwrap_err().contains("cannot create resource \"approvals\""), "RBAC comes first");

        // What is there keeps its approver; labels are anybody's who may write it.
        let output = tried(&["create", "--as", "alice"], &approval(NAME, "alice"));
        assert!(output.status.success(), "{}", text(&output.stderr));
        kubectl(&["label", "approval", "tried", "-n", NAME, "--as", "bob", "seen=yes"], "");
        let mut forged = approval(NAME, "bob");
        forged["metadata"]["labels"] = json!({"seen": "no"});
        let output = tried(&["replace", "--as", "bob"], &forged);
        assert!(text(&output.stderr).contains("an Approval cannot be changed"), "{}", text(&output.stderr));
        let output = tried(&["replace", "--as", "bob"], &approval(NAME, "carol"));
        assert!(!output.status.success());
        assert_eq!(get(&["approval", "tried", "-n", NAME])["spec"]["approver"], "alice");
        kubectl(&["delete", "approval", "tried", "-n", NAME], "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_views_sees_all_who_edits_asks_for_exceptions_and_only_approvers_approve() {
    const NAME: &str = "hubkeeper-people";
    let _one = controllers().await;
    blocking(|| {
        let _release = Release::install(NAME);
        for (who, role) in [("vic", "view"), ("eve", "edit"), ("adam", "admin"), ("alice", "hubkeeper-people-approver")]
            .map(|(w, r)| (w, r.to_owned()))
        {
            let (role, user) = (format!("--clusterrole={role}"), format!("--user={who}"));
            kubectl(&["create", "rolebinding", who, "-n", NAME, &role, &user], "");
        }
        let may = |who: &str, verb: &str, resource: &str, namespace: &str| {
            let review = json!({
                "apiVersion": "authorization.k8s.io/v1",
                "kind": "SubjectAccessReview",
                "spec": {
                    "user": who,
                    "resourceAttributes": {"group": "hubkeeper.dev", "verb": verb, "resource": resource, "namespace": namespace},
                },
            });
            let answer = kubectl(&["create", "-o", "json", "-f", "-"], &review.to_string());
            serde_json::from_str::<Value>(&answer).unwrap()["status"]["allowed"] == true
        };
        until("the roles are taken in", || {
            may("vic", "list", "approvals", NAME)
                && may("eve", "create", "findingexceptions", NAME)
                && may("adam", "delete", "findingexceptions", NAME)
        });
        for who in ["vic", "eve", "adam"] {
            assert!(may(who, "get", "findingexceptions", NAME) && may(who, "watch", "approvals", NAME), "{who}");
            for verb in ["create", "update", "patch", "delete"] {
                assert!(!may(who, verb, "approvals", NAME), "{who} {verb}");
                assert!(!may(who, verb, "controlpolicies", ""), "{who} {verb}");
                assert!(!may(who, verb, "findingexceptions", "default"), "{who} {verb}: of another namespace");
                assert_eq!(may(who, verb, "findingexceptions", NAME), who != "vic", "{who} {verb}");
                assert!(!may(who, verb, "findingexceptions/status", NAME), "{who} {verb}");
            }
        }
        assert!(may("alice", "create", "approvals", NAME) && !may("alice", "create", "findingexceptions", NAME));
        assert!(!may("alice", "create", "approvals", "default"));
    })
    .await;
}
