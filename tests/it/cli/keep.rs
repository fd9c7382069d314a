//! `run`, `plan` and `explain` on one hub: what is planned is done, and what died is finished.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use hubkeeper::local::Local;

use super::{Hub, Manifests, Running, SMALL, against, code, converged, get, hubkeeper, keeping, local, reach, text, until};

#[test]
fn plan_says_what_run_then_does_and_afterwards_there_is_nothing_to_do() {
    let (_hub, url, _) = local(&SMALL);
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
    let (mut running, address) = keeping(reach(&mut hubkeeper(&args), &url));
    until("the hub is kept", || converged(&address));
    assert!(get(&address, "/readyz").unwrap().starts_with("HTTP/1.1 200"));

    let second = against(&mut hubkeeper(&["run", "-f", "examples/quickstart", "--state-dir", state]), &url);
    assert_eq!(code(&second), 1);
    assert!(text(&second.stderr).contains("is using it"), "{}", text(&second.stderr));

    assert_eq!(running.stop(), Some(0), "SIGTERM is an order and no error");

    let again = against(&mut hubkeeper(&["plan", "examples/quickstart"]), &url);
    assert_eq!(code(&again), 0, "{}", text(&again.stdout));
    assert!(text(&again.stdout).contains("nothing to do"));
}

#[test]
fn a_process_that_dies_at_an_effect_leaves_nothing_that_its_successor_cannot_finish() {
    let (_hub, url, _) = local(&SMALL);
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

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_deleted_and_made_again_while_it_runs_is_followed_and_half_of_it_is_not() {
    let hub = Hub::start(Local::builder()).await;
    let key = hub.fail("S3.9", "arn:aws:s3:::logs");
    let policy = "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: logs}\nspec:\n  mode: Enforce\n  rules:\n  - {name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}\n";
    let main = "apiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {name: main}\nspec:\n  homeRegion: eu-west-1\n  limits: {maxFindings: 100, maxPercent: 100}\n";
    let manifests = Manifests::new(&[("hub.yaml", main), ("policy.yaml", policy)]);
    let url = hub.served.endpoint();
    let kept = tokio::task::spawn_blocking(move || {
        let state = tempfile::tempdir().unwrap();
        let args = ["run", "-f", ".", "--state-dir", state.path().to_str().unwrap(), "--listen", "127.0.0.1:0"];
        let (mut running, _) = keeping(reach(&mut hubkeeper(&args), &url).current_dir(manifests.path()));
        let (path, status) = (manifests.path().join("policy.yaml"), state.path().join("status/ControlPolicy/_/logs.yaml"));
        let is = |workflow: &str| until(workflow, || hub.workflow(&key) == workflow);
        is("SUPPRESSED");
        fs::remove_file(&path).unwrap();
        is("NEW");
        // As editors do it: a swap file, a backup, a rename.
        manifests.write(".policy.yaml.swp", "half");
        manifests.write("policy.yaml.new", policy);
        fs::rename(manifests.path().join("policy.yaml.new"), &path).unwrap();
        is("SUPPRESSED");
        manifests.write("policy.yaml", &policy[..90]);
        until("the half is told", || fs::read_to_string(&status).is_ok_and(|text| text.contains("reason: Unreadable")));
        assert_eq!(hub.workflow(&key), "SUPPRESSED", "half a file takes nothing back");
        fs::remove_file(&path).unwrap();
        is("NEW");
        until("its status is gone", || !status.exists());
        assert_eq!(running.stop(), Some(0));
    });
    kept.await.unwrap();
}
