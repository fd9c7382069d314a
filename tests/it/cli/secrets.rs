//! Secrets that it is given are in nothing that it writes (I11): planted ones are searched for in all of it.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Manifests, Running, get, hubkeeper, local, root, text, until};

/// As a person or a webhook would leak them: whole, and as they are sent.
const PLANTED: [(&str, &str); 3] = [
    ("AWS_SECRET_ACCESS_KEY", "pLaNtEdSeCrEtKeY/0123456789+abcdefghijkl"),
    ("AWS_SESSION_TOKEN", "pLaNtEdSeSsIoNtOkEn0123456789"),
    ("HTTPS_PROXY", "http://planted-user:pLaNtEdPaSsWoRd@127.0.0.1:9"),
];

/// What none of it may hold.
const NEVER: [&str; 4] = ["pLaNtEdSeCrEt", "pLaNtEdSeSsIoN", "pLaNtEdPaSs", "pLaNtEdExTeRnAl"];

fn planted<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command.env("AWS_ENDPOINT_URL", url).env("AWS_ACCESS_KEY_ID", "111122223333").envs(PLANTED)
}

fn files(directory: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(fs::read_to_string(path).unwrap()) }
    }
    all
}

fn assert_clean(what: &str, page: &str) {
    for never in NEVER {
        let place = page.find(never).map(|at| page[at.saturating_sub(200)..].chars().take(300).collect::<String>());
        assert_eq!(place, None, "{what} holds {never}");
    }
}

#[test]
fn no_secret_is_in_a_log_a_status_or_a_metric_however_much_is_asked_for_and_whatever_fails() {
    let trouble = ["--findings", "300", "--accounts", "3", "--regions", "2", "--throttle-percent", "20", "--error-percent", "10"];
    let (_hub, url, _) = local(&[&trouble[..], &["--partial-percent", "20"]].concat());
    let manifests = Manifests::example("quickstart");
    // A role that nobody lets us have.
    let hub = fs::read_to_string(root().join("examples/quickstart/hub.yaml")).unwrap();
    let refused = hub.replace("name: main", "name: refused").replace(
        "homeRegion: eu-west-1",
        "homeRegion: eu-west-1\n  role: {arn: \"arn:aws:iam::999988887777:role/hubkeeper\", externalId: pLaNtEdExTeRnAl}",
    );
    assert!(refused.contains("pLaNtEd"));
    manifests.write("refused.yaml", refused);
    let state = tempfile::tempdir().unwrap();
    let log = tempfile::NamedTempFile::new().unwrap();
    let args = ["run", "-f", manifests.given(), "--state-dir", state.path().to_str().unwrap()];
    let mut command = hubkeeper(&[&args[..], &["--listen", "127.0.0.1:0", "--log", "trace", "--log-format", "json"]].concat());
    // A token that the hub did not give is refused before anything is done: that one is tried below.
    let command = planted(&mut command, &url).env_remove("AWS_SESSION_TOKEN");
    let child = command.stderr(Stdio::from(log.reopen().unwrap())).stdout(Stdio::piped()).spawn().unwrap();
    let mut running = Running(child);
    let logged = || fs::read_to_string(log.path()).unwrap();
    until("it says where it listens", || logged().contains("listening on http://"));
    let address = logged().lines().find_map(|line| line.strip_prefix("listening on http://").map(str::to_owned)).unwrap();
    let metric = |line: &str| get(&address, "/metrics").is_some_and(|page| page.contains(line));
    until("it writes, whatever fails", || metric("operation=\"BatchUpdateFindings\""));
    let status = || files(state.path()).join("\n");
    let refusal = || fs::read_to_string(state.path().join("status/SecurityHub/_/refused.yaml")).unwrap_or_default();
    until("the refusal is told", || refusal().contains("status: \"False\""));
    let metrics = get(&address, "/metrics").unwrap();
    assert_eq!(running.stop(), Some(0));
    let mut said = String::new();
    running.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(logged().lines().count() > 10, "it says what it does");
    for (what, page) in [("the log", logged()), ("standard output", said), ("a status", status()), ("the metrics", metrics)] {
        assert_clean(what, &page);
    }
}

#[test]
fn no_secret_is_in_a_plan_or_in_an_error() {
    let (_hub, url, _) = local(&["--findings", "60", "--accounts", "2", "--regions", "1"]);
    for (what, url) in
        [("a plan", url.as_str()), ("an error", "http://127.0.0.1:9"), ("a proxy that is not there", "https://hub.example.com")]
    {
        for more in [&[][..], &["-o", "json"]] {
            let output = planted(&mut hubkeeper(&[&["plan", "examples/quickstart"][..], more].concat()), url).output().unwrap();
            assert!(!output.stdout.is_empty() || !output.stderr.is_empty());
            assert_clean(what, &text(&output.stdout));
            assert_clean(what, &text(&output.stderr));
        }
    }
}
