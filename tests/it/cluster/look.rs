//! `plan`, `explain`, `digest` and `approve` of what a cluster has: the same as of files, by who may only read; and what they say
//! where there is no cluster, no right, no definition.

use std::collections::VecDeque;
use std::fs;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use http::{Request, Response};
use hubkeeper::cluster::read::Reader;
use hubkeeper::controlplane::{ControlPlane, Options};
use hubkeeper::core::ids::Kind;
use hubkeeper::local::Local;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::chart::Release;
use super::run::blocking;
use super::{admin, apply, binaries, controllers, kubectl, plane};
use crate::cli::{BIN, Hub, code, hubkeeper, page, reach, readme, root, text, transcript, until};

/// A kubeconfig that anybody may have; gone with the test.
struct Kubeconfig(tempfile::TempDir);

impl Kubeconfig {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config"), content).unwrap();
        Self(folder)
    }

    /// Of a ServiceAccount in `default`, which is made for it.
    fn of_account(name: &str) -> Self {
        kubectl(&["create", "serviceaccount", name, "-n", "default"], "");
        let token = kubectl(&["create", "token", name, "-n", "default"], "");
        Self::new(plane().kubeconfig_of(token.trim()).unwrap())
    }

    /// Of a user, as the API server takes the administrator's word for it.
    fn of_user(name: &str) -> Self {
        let own = fs::read_to_string(plane().kubeconfig()).unwrap();
        Self::new(own.replace("  user:\n", &format!("  user:\n    as: {name}\n")))
    }

    fn given(&self) -> String {
        self.0.path().join("config").to_str().unwrap().to_owned()
    }
}

/// The program with a kubeconfig, against a hub.
fn asked(args: &[&str], kubeconfig: &str, url: &str) -> Output {
    let mut command = hubkeeper(args);
    reach(&mut command, url).env("KUBECONFIG", kubeconfig).output().unwrap()
}

fn done(output: &Output) -> String {
    assert!([0, 2].contains(&code(output)), "{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

const NOWHERE: &str = "http://127.0.0.1:1";

/// A hub as `examples/quickstart` declares it, applied.
async fn quickstart() -> Hub {
    let hub = Hub::start(Local::builder().findings(200).accounts(3).regions(2).buckets(false)).await;
    hub.fail("S3.8", "arn:aws:s3:::cdn");
    blocking(|| {
        apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-pay}\n");
        kubectl(&["apply", "-f", root().join("examples/quickstart").to_str().unwrap()], "");
    })
    .await;
    hub
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_cluster_is_said_what_is_said_of_the_files_that_were_applied() {
    let _one = controllers().await;
    let hub = quickstart().await;
    let url = hub.served.endpoint();
    blocking(move || {
        let cluster = plane().kubeconfig().to_str().unwrap();
        let both = |args: &[&str]| {
            let files = done(&asked(&[args, &["-f", "examples/quickstart"]].concat(), "/nonexistent", &url));
            let objects = done(&asked(args, cluster, &url));
            let flagged =
                done(&asked(&[args, &["--kubeconfig", cluster, "--context", "hubkeeper"]].concat(), "/nonexistent", &url));
            assert_eq!(objects, files, "{args:?}");
            assert_eq!(objects, flagged, "{args:?}");
            files
        };
        let plan: Value = serde_json::from_str(&both(&["plan", "-o", "json"])).unwrap();
        let id = plan["hubs"][0]["changes"][0]["finding"]["id"].as_str().unwrap();
        assert!(both(&["explain", id]).contains("decided by   ControlPolicy/baseline"));
        let limit = ["ControlPolicy/baseline", "--over-limit", "--action", "suppress", "--max-findings", "1000"];
        both(&["digest", "FindingException/team-pay/cdn"]);
        both(&[&["digest"][..], &limit].concat());
        let who = ["--approver", "alice", "--reason", "read the plan"];
        both(&[&["approve"][..], &limit, &who].concat());

        // A name without a namespace is one of the namespace that is meant: the flag's, or the context's.
        let digest = both(&["digest", "FindingException/team-pay/cdn"]);
        for name in ["FindingException/cdn", "findingexception.hubkeeper.dev/cdn", "findingexception/team-pay/cdn"] {
            assert_eq!(done(&asked(&["digest", name, "-n", "team-pay"], cluster, &url)), digest);
        }
        let elsewhere = asked(&["digest", "FindingException/team-pay/cdn", "-n", "other"], cluster, &url);
        assert!(text(&elsewhere.stderr).contains("is in team-pay, and --namespace says other"), "{}", text(&elsewhere.stderr));
        let nobody = asked(&["digest", "FindingException/nobody", "-n", "team-pay"], cluster, &url);
        assert!(text(&nobody.stderr).contains("failed to find FindingException/team-pay/nobody in the cluster"));
        let there = fs::read_to_string(cluster).unwrap().replace("user: user}", "user: user, namespace: team-pay}");
        let there = Kubeconfig::new(there);
        assert_eq!(done(&asked(&["digest", "FindingException/cdn"], &there.given(), &url)), digest);

        // Who approves, if nobody is named, is who asks.
        let approval = done(&asked(&[&["approve"][..], &limit, &["--reason", "read the plan"]].concat(), cluster, &url));
        assert!(approval.contains("approver: admin\n"), "{approval}");
        apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: sec-approvals}\n");
        apply(&approval);
        kubectl(&["delete", "approvals", "--all", "-n", "sec-approvals"], "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_readme_look_at_a_cluster() {
    let _one = controllers().await;
    let hub = Hub::start(Local::builder().findings(200).accounts(3).regions(2).buckets(false)).await;
    let url = hub.served.endpoint();
    blocking(move || {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("security")).unwrap();
        for (number, yaml) in readme::blocks("yaml").iter().filter(|yaml| yaml.starts_with("apiVersion")).enumerate() {
            fs::write(folder.path().join(format!("security/{number}.yaml")), yaml).unwrap();
        }
        apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: team-pay}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: sec-approvals}\n");
        kubectl(&["apply", "-f", folder.path().join("security").to_str().unwrap()], "");
        for (name, program) in [("hubkeeper", BIN.into()), ("kubectl", plane().kubectl())] {
            std::os::unix::fs::symlink::<std::path::PathBuf, _>(program, folder.path().join(name)).unwrap();
        }
        let mut shell = Command::new("bash");
        reach(shell.env_clear(), &url).env("PATH", format!("{}:/usr/bin:/bin", folder.path().display())).env("HOME", folder.path());
        shell.env("KUBECONFIG", plane().kubeconfig()).args(["-eu", "-o", "pipefail", "-c", &readme::block("sh", "hubkeeper plan ")]);
        let output = shell.current_dir(folder.path()).output().unwrap();
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert!(output.status.success() && said.contains("hub main: account 111122223333"), "{said}");
        assert!(said.contains("approval.hubkeeper.dev/cdn-"), "{said}");
        kubectl(&["delete", "approvals", "--all", "-n", "sec-approvals"], "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_what_a_pull_request_would_change_and_what_is_stored_and_cannot_be_read() {
    let _one = controllers().await;
    let hub = quickstart().await;
    let url = hub.served.endpoint();
    blocking(move || {
        let cluster = plane().kubeconfig().to_str().unwrap();
        let plan = |args: &[&str]| -> Value {
            let output = asked(&[&["plan", "-o", "json"], args].concat(), cluster, &url);
            serde_json::from_str::<Value>(&done(&output)).unwrap()["hubs"][0].clone()
        };
        let owners = |plan: &Value, owner: &str| {
            plan["changes"].as_array().unwrap().iter().filter(|change| change["owner"] == owner).count()
        };
        let before = plan(&[]);
        let ruled = owners(&before, "ControlPolicy/baseline");
        assert!(ruled > 0, "{before}");

        // What is proposed comes into the place of what is there, and beside it.
        let proposed = Kubeconfig::new(
            fs::read_to_string(root().join("examples/quickstart/policy.yaml")).unwrap().replace("mode: Enforce", "mode: Audit"),
        );
        let folder = proposed.0.path();
        fs::rename(folder.join("config"), folder.join("policy.yaml")).unwrap();
        fs::write(folder.join("other.yaml"), "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: other}\nspec: {mode: Enforce, rules: [{name: cdn, match: {resources: [\"arn:aws:s3:::cdn\"]}, response: {suppress: {reason: OutOfScope}}}]}\n").unwrap();
        let after = plan(&["--overlay", folder.to_str().unwrap()]);
        assert_eq!((owners(&after, "ControlPolicy/baseline"), owners(&after, "ControlPolicy/other")), (0, 1), "{after}");
        assert_eq!(plan(&[]), before, "nothing is written to the cluster");

        // Of one namespace.
        let output = asked(&["plan", "-n", "nobodys"], cluster, &url);
        assert_eq!((code(&output), text(&output.stdout).contains("nothing to do")), (0, true));

        // kubectl takes a null out: what was meant is not known, so what it holds is left, and that is said.
        apply("apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: nulled}\nspec: {scope: {controls: null}, rules: [{name: a, response: {ignore: {}}}]}\n");
        let nulled = plan(&[]);
        let said = nulled["withoutEffect"].as_array().unwrap().iter().find(|said| said["object"] == "ControlPolicy/nulled");
        let said = said.unwrap_or_else(|| panic!("{nulled}"));
        assert!(said["reason"] == "Unreadable" && said["message"].as_str().unwrap().contains("spec.scope.controls"), "{said}");
        let output = asked(
            &["approve", "ControlPolicy/nulled", "--over-limit", "--action", "suppress", "--max-findings", "3", "--reason", "x"],
            cluster,
            &url,
        );
        assert!(text(&output.stderr).contains("failed to use ControlPolicy/nulled: spec.scope.controls"), "{}", text(&output.stderr));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_views_the_cluster_may_plan_and_who_may_not_is_told_the_command_that_lets_them() {
    let _one = controllers().await;
    let hub = quickstart().await;
    let url = hub.served.endpoint();
    blocking(move || {
        let _release = Release::install_with("hubkeeper-look", &["--set=fullnameOverride=hubkeeper"]);
        let (viewer, stranger) = (Kubeconfig::of_account("look-viewer"), Kubeconfig::of_account("look-stranger"));
        let bind = ["create", "clusterrolebinding", "look-viewer", "--clusterrole=view", "--serviceaccount=default:look-viewer"];
        kubectl(&bind, "");
        // The aggregated view is enough, and nothing less is let pass.
        until("the viewer may plan", || code(&asked(&["plan"], &viewer.given(), &url)) == 2);
        let plan = done(&asked(&["plan", "-o", "json"], &viewer.given(), &url));
        let plan: Value = serde_json::from_str(&plan).unwrap();
        let id = plan["hubs"][0]["changes"][0]["finding"]["id"].as_str().unwrap();
        done(&asked(&["explain", id], &viewer.given(), &url));
        done(&asked(&["digest", "FindingException/team-pay/cdn"], &viewer.given(), &url));

        let refused = asked(&["plan"], &stranger.given(), &url);
        insta::assert_snapshot!(
            "refused",
            page(&[
                transcript(&["plan"], &refused),
                transcript(&["explain", "x"], &asked(&["explain", "x"], &stranger.given(), &url)),
                transcript(
                    &["digest", "FindingException/cdn"],
                    &asked(&["digest", "FindingException/cdn"], &stranger.given(), &url)
                ),
            ])
        );
        let said = text(&refused.stderr);
        let mends =
            said.lines().map(str::trim).find(|line| line.starts_with("kubectl create")).unwrap_or_else(|| panic!("{said}"));
        kubectl(&mends.split(' ').skip(1).collect::<Vec<_>>(), "");
        until("the stranger may plan", || code(&asked(&["plan"], &stranger.given(), &url)) == 2);

        // A user of a namespace may read an exception of it, and not what its approval counts from.
        kubectl(&["create", "rolebinding", "look-maria", "-n", "team-pay", "--clusterrole=view", "--user=maria"], "");
        let maria = Kubeconfig::of_user("maria");
        let args = ["digest", "FindingException/cdn", "-n", "team-pay"];
        let said = asked(&args, &maria.given(), &url);
        let page = transcript(&args, &said);
        assert!(page.contains("failed to list exceptionpolicies.hubkeeper.dev: User \"maria\" cannot list"), "{page}");
        assert!(page.contains("--clusterrole=hubkeeper-view --user=maria\n"), "{page}");

        for binding in ["look-viewer", "hubkeeper-view-look-stranger"] {
            kubectl(&["delete", "clusterrolebinding", binding], "");
        }
        kubectl(&["delete", "rolebinding", "look-maria", "-n", "team-pay"], "");
        kubectl(&["delete", "serviceaccount", "look-viewer", "look-stranger", "-n", "default"], "");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cluster_no_context_no_sign_in_and_no_definitions_are_each_a_sentence_and_a_command() {
    blocking(|| {
        let gone = Kubeconfig::of_account("look-gone");
        kubectl(&["delete", "serviceaccount", "look-gone", "-n", "default"], "");
        let admin = fs::read_to_string(plane().kubeconfig()).unwrap();
        let port = format!("127.0.0.1:{}", plane().port());
        let nobody = Kubeconfig::new(admin.replace(&port, "127.0.0.1:1"));
        let none = Kubeconfig::new(admin.replace("current-context: hubkeeper", ""));
        let torn = Kubeconfig::new("clusters: [");
        let authority = admin.lines().find(|line| line.contains("certificate-authority-data")).unwrap();
        let untrusted = Kubeconfig::new(admin.replace(authority, ""));
        let said = |title: &str, kubeconfig: Option<&str>, args: &[&str]| {
            let mut command = hubkeeper(args);
            if let Some(kubeconfig) = kubeconfig {
                command.env("KUBECONFIG", kubeconfig);
            }
            let output = command.output().unwrap();
            assert_eq!(code(&output), 1, "{title}: {}", text(&output.stdout));
            format!("# {title}\n{}", transcript(args, &output))
        };
        let explain = ["explain", "x"];
        until("the token is refused", || {
            text(&asked(&explain, &gone.given(), NOWHERE).stderr).contains("does not know who asks")
        });
        let mut pages = vec![
            said("nothing is named", None, &["plan"]),
            said("nothing is named, nor a context of it", None, &["plan", "--context", "prod"]),
            said("a file that is not there", None, &["plan", "--kubeconfig", "nowhere.yaml"]),
            said("a context that is not there", None, &["explain", "x", "--kubeconfig", &none.given(), "--context", "prod"]),
            said("no current context", Some(&none.given()), &["plan"]),
            said("no kubeconfig at all", Some(&torn.given()), &["plan"]),
            said("nobody answers", None, &["plan", "--kubeconfig", &nobody.given(), "--context", "hubkeeper"]),
            said("somebody else answers", Some(&untrusted.given()), &["plan"]),
            said("a token of nobody", Some(&gone.given()), &explain),
            said(
                "an approver in a directory",
                None,
                &[
                    "approve",
                    "-f",
                    "examples/quickstart",
                    "ControlPolicy/baseline",
                    "--over-limit",
                    "--action",
                    "suppress",
                    "--max-findings",
                    "3",
                    "--reason",
                    "x",
                ],
            ),
            said("files and a cluster", None, &["plan", "-f", "examples/quickstart", "--context", "prod"]),
            said("a directory and a cluster", None, &["plan", "examples/quickstart", "--kubeconfig", "x"]),
            said("run: nothing is named", None, &["run"]),
        ];
        // An API server without our definitions.
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bare = runtime.block_on(ControlPlane::start(&binaries(), folder.path(), &Options::default())).unwrap();
        let bare_config = bare.kubeconfig().to_str().unwrap();
        pages.push(said("no definitions", Some(bare_config), &["plan"]));
        pages.push(said("no definitions, by a flag", None, &["digest", "FindingException/a/b", "--kubeconfig", bare_config]));
        insta::assert_snapshot!("no_cluster", page(&pages));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_of_more_objects_than_a_page_has_is_read_whole() {
    let _one = controllers().await;
    let client = admin().await;
    let accounts: Api<hubkeeper::api::Account> = Api::all(client.clone());
    let make = |number: usize| {
        let account = json!({
            "apiVersion": "hubkeeper.dev/v1alpha1",
            "kind": "Account",
            "metadata": {"name": format!("many-{number}")},
            "spec": {"id": format!("{number:012}")},
        });
        let (accounts, account) = (accounts.clone(), serde_json::from_value(account).unwrap());
        async move { accounts.create(&PostParams::default(), &account).await.unwrap() }
    };
    let all: Vec<usize> = (1..=510).collect();
    for some in all.chunks(50) {
        futures::future::join_all(some.iter().map(|number| make(*number))).await;
    }
    let reader = Reader::new(client, String::new());
    reader.everything().await.unwrap();
    let desired = reader.desired();
    assert_eq!((desired.objects.accounts.len(), desired.complete), (510, true));
    accounts.delete_collection(&DeleteParams::default(), &ListParams::default()).await.unwrap();
}

/// A client of an API server that gives these answers, one after the other.
fn answering(answers: Vec<(u16, Value)>) -> (Reader, Arc<Mutex<Vec<String>>>) {
    let (answers, asked) = (Mutex::new(VecDeque::from(answers)), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&asked);
    let service = tower::service_fn(move |request: Request<Body>| {
        seen.lock().unwrap().push(request.uri().to_string());
        let (status, body) = answers.lock().unwrap().pop_front().expect("an answer is left");
        let response = Response::builder().status(status).body(Body::from(body.to_string().into_bytes())).unwrap();
        async move { Ok::<_, std::convert::Infallible>(response) }
    });
    (Reader::new(Client::new(service, "default"), "https://example.com".to_owned()), asked)
}

fn accounts(names: &[&str], more: Option<&str>, left: Option<i64>) -> (u16, Value) {
    let item = |name: &&str| json!({"metadata": {"name": name}, "spec": {"id": "111122223333"}});
    let items: Vec<Value> = names.iter().map(item).collect();
    let metadata = json!({"resourceVersion": "7", "continue": more, "remainingItemCount": left});
    (200, json!({"apiVersion": "hubkeeper.dev/v1alpha1", "kind": "AccountList", "metadata": metadata, "items": items}))
}

fn too_old() -> (u16, Value) {
    let message = "The provided continue parameter is too old";
    (
        410,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "Expired", "code": 410}),
    )
}

#[tokio::test]
async fn a_listing_that_grew_too_old_begins_anew_and_what_is_not_complete_is_an_error() {
    let first = || accounts(&["a"], Some("next"), Some(1));
    let (reader, asked) = answering(vec![first(), too_old(), first(), accounts(&["b"], None, None)]);
    reader.list(Kind::Account).await.unwrap();
    assert_eq!(reader.desired().objects.accounts.len(), 2);
    let asked = asked.lock().unwrap().clone();
    let later: Vec<bool> = asked.iter().map(|uri| uri.contains("continue=next")).collect();
    assert_eq!(later, [false, true, false, true], "{asked:?}");
    assert!(asked.iter().all(|uri| !uri.contains("resourceVersion") && !uri.contains("watch")), "{asked:?}");

    let (reader, _) = answering((0..3).flat_map(|_| [first(), too_old()]).collect());
    let said = reader.list(Kind::Account).await.unwrap_err().to_string();
    assert_eq!(said, "failed to list accounts.hubkeeper.dev: 3 times it grew too old before it was complete");
    assert!(reader.desired().objects.accounts.is_empty() && !reader.desired().complete);

    let (reader, _) = answering(vec![accounts(&["a"], Some("next"), Some(5)), accounts(&["b"], None, None)]);
    let said = reader.list(Kind::Account).await.unwrap_err();
    assert_eq!(said.to_string(), "failed to list accounts.hubkeeper.dev: the API server gave 2 objects of 6");
    assert_eq!(
        said.advice(" --context prod"),
        "Try again; `kubectl --context prod get --raw /readyz` tells how the API server is."
    );
    assert!(reader.desired().objects.accounts.is_empty(), "what is not read completely is not read at all");
}
