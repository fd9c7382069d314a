//! What AWS and the machine refuse, and what a person reads then.

use std::fs;
use std::process::Command;

use hubkeeper::local::Local;
use hubkeeper::local::faults::{CallFault, Fault, Faults};

use super::{Hub, Manifests, hubkeeper, keeping, page, reach, run, said, text, transcript};

fn manifests() -> Manifests {
    Manifests::example("quickstart")
}

fn plan(manifests: &Manifests, url: &str, with: impl FnOnce(&mut Command)) -> String {
    let args = ["plan", "."];
    let mut command = hubkeeper(&args);
    reach(&mut command, url).current_dir(manifests.path());
    with(&mut command);
    transcript(&args, &command.output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_refuses_is_one_sentence_with_its_code_and_advice() {
    let role = "arn:aws:iam::111122223333:role/hubkeeper";
    let hub = Hub::start(Local::builder().findings(50).accounts(2).regions(2).external_id(role, "example")).await;
    let (url, local) = (hub.served.endpoint(), hub.local.clone());
    let pages = tokio::task::spawn_blocking(move || {
        let good = manifests();
        let wrong_region = manifests();
        let text = fs::read_to_string(good.path().join("hub.yaml")).unwrap();
        wrong_region.write("hub.yaml", text.replace("homeRegion: eu-west-1", "homeRegion: us-east-1"));
        let stranger = manifests();
        stranger.write("hub.yaml", format!("{text}  role: {{arn: \"{role}\", externalId: other}}\n"));
        let mut pages = vec![
            format!(
                "# the hub is not enabled\n{}",
                plan(&good, &url, |c| {
                    c.env("AWS_ACCESS_KEY_ID", "999988887777");
                })
            ),
            format!("# another home Region\n{}", plan(&wrong_region, &url, |_| {})),
            format!("# a wrong external id\n{}", plan(&stranger, &url, |_| {})),
            format!(
                "# no credentials\n{}",
                plan(&good, &url, |c| {
                    c.env_remove("AWS_ACCESS_KEY_ID")
                        .env_remove("AWS_SECRET_ACCESS_KEY")
                        .env("AWS_EC2_METADATA_DISABLED", "true");
                })
            ),
            format!(
                "# a profile that is not there\n{}",
                plan(&good, &url, |c| {
                    c.env_remove("AWS_ACCESS_KEY_ID").env("AWS_PROFILE", "nope").env("HOME", "/nonexistent");
                    c.env("AWS_EC2_METADATA_DISABLED", "true");
                })
            ),
        ];
        for (name, operation, fault) in [
            ("DescribeHub is not allowed", "DescribeHub", Fault::AccessDenied),
            ("GetFindings is not allowed", "GetFindings", Fault::AccessDenied),
            ("a service in trouble", "GetFindings", Fault::ServerError(503)),
        ] {
            local.set_faults(Faults { calls: vec![CallFault::of(operation, fault)], ..Faults::default() });
            pages.push(format!("# {name}\n{}", plan(&good, &url, |_| {})));
        }
        pages
    });
    insta::assert_snapshot!(page(&pages.await.unwrap()));
}

#[test]
fn an_endpoint_where_nobody_listens_is_one_sentence_and_advice() {
    insta::assert_snapshot!(plan(&manifests(), "http://127.0.0.1:9", |_| {}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_that_cannot_be_chosen_is_said_with_what_there_is() {
    let hub = Hub::start(Local::builder()).await;
    let manifests = manifests();
    hub.fail("S3.8", "arn:aws:s3:::a");
    hub.fail("S3.9", "arn:aws:s3:::b");
    insta::assert_snapshot!(page(&[
        hub.said(manifests.path(), &["explain", "nothing-like-this", "-f", "."]).await,
        hub.said(manifests.path(), &["explain", "arn:aws:securityhub", "-f", "."]).await,
        hub.said(manifests.path(), &["explain", "x", "-f", ".", "--hub", "other"]).await,
    ]));
}

#[test]
fn a_state_directory_in_use_is_a_clear_refusal_and_a_missing_directory_is_waited_for() {
    let (directory, manifests) = (tempfile::tempdir().unwrap(), manifests());
    let args = ["run", "-f", manifests.given(), "--state-dir", "state", "--listen", "127.0.0.1:0"];
    let start = |args: &[&str]| {
        let mut command = hubkeeper(args);
        reach(&mut command, "http://127.0.0.1:9").current_dir(directory.path());
        command
    };
    let (_running, address) = keeping(&mut start(&args));
    let second = said(directory.path(), &["run", "-f", "nowhere", "--state-dir", "state"]);
    let port = said(directory.path(), &["run", "-f", "nowhere", "--state-dir", "other", "--listen", &address]);
    insta::assert_snapshot!(page(&[second, port]));
    // A directory that is mounted later: not an error of the process, but of the moment.
    let (mut waiting, address) = keeping(&mut start(&["run", "-f", "later", "--state-dir", "third", "--listen", "127.0.0.1:0"]));
    assert!(super::get(&address, "/livez").unwrap().starts_with("HTTP/1.1 200"));
    assert!(super::get(&address, "/readyz").unwrap().starts_with("HTTP/1.1 503"));
    assert_eq!(waiting.stop(), Some(0));
}

#[test]
fn an_unreadable_file_is_named_and_freezes_only_itself() {
    let manifests = manifests();
    let path = manifests.path().join("policy.yaml");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    // Root reads everything.
    if fs::read(&path).is_ok() {
        return;
    }
    let output = run(&["validate", manifests.given()]);
    assert!(text(&output.stdout).contains("policy.yaml: error: cannot be read: Permission denied"), "{}", text(&output.stdout));
}
