//! The real binary, as a user starts it: its words, its exit codes, and the main job over real HTTP.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

const BIN: &str = env!("CARGO_BIN_EXE_hubkeeper");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program with nothing of the tester's own environment.
fn hubkeeper(args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(args).current_dir(root()).env_clear().stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    hubkeeper(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Security Hub Local on a free port, and how to reach it.
fn local(findings: &str) -> (Running, String) {
    let args = ["local", "--listen", "127.0.0.1:0", "--findings", findings, "--accounts", "4", "--regions", "2", "--no-buckets"];
    let mut child = hubkeeper(&args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let url = first.trim().strip_prefix("Security Hub Local on ").expect("it says where it is").to_owned();
    (Running(child), url)
}

fn against(command: &mut Command, url: &str) -> Output {
    reach(command, url).output().unwrap()
}

fn reach<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command.env("AWS_ENDPOINT_URL", url).env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "hubkeeper")
}

fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn the_version_is_the_packages() {
    assert_eq!(text(&run(&["version"]).stdout), format!("hubkeeper {}\n", env!("CARGO_PKG_VERSION")));
    let json: serde_json::Value = serde_json::from_slice(&run(&["version", "-o", "json"]).stdout).unwrap();
    assert_eq!(json["apiVersion"], "hubkeeper.dev/v1alpha1");
}

#[test]
fn the_definitions_are_those_of_the_repository() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&["crds", "--dir", directory.path().to_str().unwrap()]);
    assert_eq!(code(&output), 0);
    let files = |path: PathBuf| -> Vec<(String, String)> {
        let mut files: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.iter().map(|path| (name(path), fs::read_to_string(path).unwrap())).collect()
    };
    assert_eq!(files(directory.path().to_owned()), files(root().join("crds")));
}

#[test]
fn the_examples_are_valid() {
    for example in ["examples/quickstart", "examples/organization"] {
        let output = run(&["validate", example]);
        assert_eq!((code(&output), text(&output.stderr)), (0, String::new()), "{}", text(&output.stdout));
    }
}

#[test]
fn all_errors_are_said_at_once_with_file_line_field_and_what_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let bad = "apiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {name: main}\nspec:\n  homeRegion: Ireland\n  apiQuotaPercent: 200\n";
    fs::write(directory.path().join("hub.yaml"), bad).unwrap();
    let output = hubkeeper(&["validate", "."]).current_dir(directory.path()).output().unwrap();
    assert_eq!(code(&output), 1);
    let said = text(&output.stdout);
    assert!(said.contains("hub.yaml:5: error: spec.homeRegion"), "{said}");
    assert!(said.contains("hub.yaml:6: error: spec.apiQuotaPercent"), "{said}");
    let output = hubkeeper(&["validate", ".", "-o", "json"]).current_dir(directory.path()).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), json["errors"][0]["line"].as_u64()), (1, Some(5)));
    let plan = hubkeeper(&["plan", "."]).current_dir(directory.path()).output().unwrap();
    assert_eq!(code(&plan), 1, "manifests with errors are no plan");
}

#[test]
fn wrong_use_is_an_error_and_not_a_change() {
    for args in [&["plan", "--nope"][..], &["plan"], &["explain", "x"], &["local", "--listen", "0.0.0.0:0"], &[]] {
        let output = run(args);
        assert_eq!(code(&output), 1, "{args:?}: {}", text(&output.stderr));
        assert!(!output.stderr.is_empty() && !text(&output.stderr).contains("Error {"), "{args:?}");
    }
    assert_eq!(code(&run(&["--help"])), 0);
}

#[test]
fn every_shell_gets_its_completion() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completion", shell]);
        assert!(code(&output) == 0 && text(&output.stdout).contains("hubkeeper"), "{shell}");
    }
}

#[test]
fn an_approval_carries_the_digest_and_is_a_valid_manifest() {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root().join("examples/quickstart")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    let manifests = directory.path().to_str().unwrap();
    let limit = ["ControlPolicy/baseline", "--over-limit", "--action", "suppress", "--max-findings", "1000"];
    let digest = run(&[&["digest", "-f", manifests][..], &limit].concat());
    let digest = text(&digest.stdout).trim().to_owned();
    let who = ["--approver", "alice", "--reason", "read the plan: all of it", "--expires-at", "2027-01-31T00:00:00Z"];
    let approval = run(&[&["approve", "-f", manifests][..], &limit, &who].concat());
    let yaml = text(&approval.stdout);
    assert!(digest.starts_with("sha256:") && yaml.contains(&digest), "{yaml}\n{}", text(&approval.stderr));
    assert!(yaml.contains("namespace: sec-approvals") && yaml.contains("maxFindings: 1000"), "{yaml}");
    fs::write(directory.path().join("approval.yaml"), yaml).unwrap();
    let validated = run(&["validate", manifests]);
    assert_eq!(code(&validated), 0, "{}", text(&validated.stdout));
    // The quickstart's guardrail asks for no approval: there is nowhere to put one.
    let exception = run(&[&["approve", "-f", manifests, "FindingException/team-pay/cdn"][..], &who].concat());
    assert_eq!(code(&exception), 1);
}

#[test]
fn plan_says_what_run_then_does_and_afterwards_there_is_nothing_to_do() {
    let (_hub, url) = local("400");
    let plan = against(&mut hubkeeper(&["plan", "examples/quickstart", "-o", "json"]), &url);
    assert_eq!(code(&plan), 2, "{}", text(&plan.stderr));
    let planned: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    let changes = planned["hubs"][0]["changes"].as_array().unwrap();
    assert!(!changes.is_empty() && planned["hubs"][0]["findings"].as_u64() >= Some(400));
    let table = text(&against(&mut hubkeeper(&["plan", "examples/quickstart"]), &url).stdout);
    assert!(table.contains("ControlPolicy/baseline") && table.lines().all(|line| line.chars().count() <= 80), "{table}");

    let id = changes[0]["finding"]["id"].as_str().unwrap();
    let explain = against(&mut hubkeeper(&["explain", &id[id.len() - 36..], "-f", "examples/quickstart", "-o", "json"]), &url);
    let explained: serde_json::Value = serde_json::from_slice(&explain.stdout).unwrap();
    assert_eq!((explained["finding"]["id"].as_str(), &explained["action"]), (Some(id), &changes[0]["action"]));
    assert!(!explained["chain"].as_array().unwrap().is_empty());

    let state = tempfile::tempdir().unwrap();
    let state = state.path().to_str().unwrap();
    let args = ["run", "-f", "examples/quickstart", "--state-dir", state, "--listen", "127.0.0.1:0"];
    let mut child = reach(&mut hubkeeper(&args), &url).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    errors.read_line(&mut first).unwrap();
    let mut running = Running(child);
    let address = first.trim().strip_prefix("listening on http://").expect(&first).to_owned();
    let converged = (0..600).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        get(&address, "/metrics").is_some_and(|page| page.contains("hubkeeper_converged{hub=\"main\"} 1\n"))
    });
    assert!(converged, "not converged within a minute: {:?}", get(&address, "/metrics"));
    assert!(get(&address, "/readyz").unwrap().starts_with("HTTP/1.1 200"));

    let second = against(&mut hubkeeper(&["run", "-f", "examples/quickstart", "--state-dir", state]), &url);
    assert_eq!(code(&second), 1);
    assert!(text(&second.stderr).contains("is using it"), "{}", text(&second.stderr));

    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(running.0.wait().unwrap().code(), Some(0), "SIGTERM is an order and no error");

    let again = against(&mut hubkeeper(&["plan", "examples/quickstart"]), &url);
    assert_eq!(code(&again), 0, "{}", text(&again.stdout));
    assert!(text(&again.stdout).contains("nothing to do"));
}

#[test]
fn a_process_that_dies_at_an_effect_leaves_nothing_that_its_successor_cannot_finish() {
    let (_hub, url) = local("400");
    let plan = against(&mut hubkeeper(&["plan", "examples/quickstart", "-o", "json"]), &url);
    let planned: serde_json::Value = serde_json::from_slice(&plan.stdout).unwrap();
    let wanted = planned["hubs"][0]["changes"].as_array().unwrap().len();
    let state = tempfile::tempdir().unwrap();
    let args = ["run", "-f", "examples/quickstart", "--state-dir", state.path().to_str().unwrap()];
    // Some passages are of statuses, some before and after calls that change findings; each process dies at one of them.
    let mut died = 0;
    for passage in [3, 13, 15, 17, 20] {
        let mut command = hubkeeper(&args);
        let child = reach(&mut command, &url).env("HUBKEEPER_ABORT_AT_EFFECT", passage.to_string()).stderr(Stdio::null());
        let mut running = Running(child.spawn().unwrap());
        let ended = (0..300).find_map(|_| {
            std::thread::sleep(Duration::from_millis(100));
            running.0.try_wait().unwrap()
        });
        // One that came to rest before its passage has nothing left to die at.
        died += usize::from(ended.is_some_and(|status| status.code().is_none()));
        if ended.is_none() {
            break;
        }
    }
    assert!(died >= 3, "{died} processes died");
    let mut running = Running(reach(&mut hubkeeper(&args), &url).stderr(Stdio::null()).spawn().unwrap());
    let rests = (0..60).any(|_| {
        std::thread::sleep(Duration::from_millis(500));
        code(&against(&mut hubkeeper(&["plan", "examples/quickstart"]), &url)) == 0
    });
    assert!(rests, "not finished within the tries: {wanted} changes were wanted");
    running.0.kill().unwrap();
}

#[test]
fn an_unreachable_endpoint_is_one_sentence_and_advice() {
    let output = against(&mut hubkeeper(&["plan", "examples/quickstart"]), "http://127.0.0.1:9");
    let said = text(&output.stderr);
    assert_eq!(code(&output), 1);
    assert!(said.starts_with("error: failed to ") && !said.contains("SdkError") && said.lines().count() <= 3, "{said}");
}
