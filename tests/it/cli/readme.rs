//! The README's commands as they are written, in its order, against Security Hub Local and moto; by bash, with the released AWS CLI.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hubkeeper::local::Local;

use super::{
    BIN, Hub, Manifests, Running, SMALL, code, converged, hubkeeper, installed, keeping, local, reach, root, run, text, until,
};
use crate::real::moto::Moto;

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).unwrap()
}

/// The fenced blocks of a language.
pub fn blocks(language: &str) -> Vec<String> {
    let (readme, fence) = (readme(), format!("```{language}\n"));
    readme.split(&fence).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The one block that begins with this.
pub fn block(language: &str, start: &str) -> String {
    let mut found = blocks(language).into_iter().filter(|block| block.starts_with(start));
    let block = found.next().unwrap_or_else(|| panic!("no {language} block of the README begins with {start:?}"));
    assert!(found.next().is_none(), "{start}");
    block
}

/// A shell as the README expects it: hubkeeper and the AWS CLI on the PATH, nothing else of this machine.
fn shell(script: &str, home: &Path, directory: &Path) -> Output {
    let bin = home.join("bin");
    fs::create_dir_all(&bin).unwrap();
    let _ = std::os::unix::fs::symlink(BIN, bin.join("hubkeeper"));
    let venv = installed("aws");
    let path = format!("{}:{}:/usr/local/bin:/usr/bin:/bin", bin.display(), venv.parent().unwrap().display());
    let mut command = Command::new("bash");
    command.env_clear().env("PATH", path).env("HOME", home).env("AWS_PAGER", "").env("AWS_EC2_METADATA_DISABLED", "true");
    command.args(["-eu", "-o", "pipefail", "-c", script]).current_dir(directory).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_block_of_commands_is_tried_by_a_test() {
    let tried = [
        // The demo and the tests themselves.
        "cargo run --release -- demo",
        "cargo install --path . --locked",
        "hubkeeper run --manifests security",
        // By tests/it/cluster/run.rs.
        "hubkeeper crds | kubectl apply",
        // By tests/it/cluster/owner.rs.
        "hubkeeper take-over",
        // By tests/it/cluster/look.rs.
        "hubkeeper plan ",
        // By tests/it/cluster/tour.rs.
        "tests/setup.sh controlplane",
        // By tests/it/cluster/chart.
        "kubectl create namespace hubkeeper",
        "export AWS_DEFAULT_REGION=eu-west-1\n\naws sqs create-queue",
        "hubkeeper local --listen",
        "export AWS_ENDPOINT_URL=",
    ];
    for block in blocks("sh") {
        assert!(tried.iter().any(|start| block.starts_with(start)), "no test runs this block of the README:\n{block}");
    }
    for start in tried {
        block("sh", start);
    }
}

#[test]
fn the_readme_has_a_row_for_every_switch_of_security_hub_local() {
    let help = text(&run(&["local", "--help"]).stdout);
    let (_, behaviour) = help.split_once("\nBehaviour:\n").unwrap();
    // Up to the next heading.
    let lines = behaviour.lines().take_while(|line| line.is_empty() || line.starts_with(' '));
    let switches: Vec<&str> = lines.filter_map(|line| line.strip_prefix("      ")?.split(' ').next()).collect();
    let switches: Vec<&str> = switches.into_iter().filter(|word| word.starts_with("--")).collect();
    assert!(switches.len() >= 8, "{switches:?}");
    for switch in switches {
        assert!(readme().contains(&format!("\n| `{switch}` |")), "{switch} is not in the README's table");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_policy_and_the_first_exception_are_valid_planned_and_kept() {
    let hub = Hub::start(Local::builder().findings(200).accounts(3).regions(2)).await;
    let scratch = Manifests::new(&[]);
    for (number, yaml) in blocks("yaml").iter().filter(|yaml| yaml.starts_with("apiVersion")).enumerate() {
        scratch.write(&format!("security/{}.yaml", if number == 0 { "main".to_owned() } else { number.to_string() }), yaml);
    }
    let url = hub.served.endpoint();
    tokio::task::spawn_blocking(move || {
        let commands = block("sh", "cargo install");
        let commands: Vec<&str> = commands.lines().filter(|line| line.starts_with("hubkeeper ")).collect();
        assert_eq!(commands.len(), 2);
        let there = format!("export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=111122223333 AWS_SECRET_ACCESS_KEY=alice; ");
        for command in commands {
            let output = shell(&format!("{there}{command}"), scratch.path(), scratch.path());
            // Its policy is in Audit: there is nothing to do.
            assert_eq!((code(&output), text(&output.stderr)), (0, String::new()), "{command}: {}", said(&output));
        }
        let run = block("sh", "hubkeeper run");
        let args: Vec<&str> = run.trim().split(' ').skip(1).map(|arg| arg.replace("8080", "0").leak() as &str).collect();
        let (mut running, address) = keeping(reach(&mut hubkeeper(&args), &url).current_dir(scratch.path()));
        until("the README's manifests are kept", || converged(&address));
        assert!(scratch.path().join("state/status").is_dir());
        assert_eq!(running.stop(), Some(0));
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_queue_is_made_as_described() {
    let moto = Moto::start().await;
    let url = moto.endpoint();
    tokio::task::spawn_blocking(move || {
        let scratch = tempfile::tempdir().unwrap();
        let there = format!("export AWS_ENDPOINT_URL={url} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\naws() {{ command aws --endpoint-url {url} \"$@\"; }}\n");
        // The flag: for SQS, version 1 of the AWS CLI does not look at AWS_ENDPOINT_URL.
        let after = "aws sqs get-queue-attributes --attribute-names All --queue-url $(aws sqs get-queue-url --queue-name hubkeeper --output text)\naws events list-targets-by-rule --rule hubkeeper\n";
        let script = format!("{there}{}\n{after}", block("sh", "export AWS_DEFAULT_REGION"));
        let output = shell(&script, scratch.path(), scratch.path());
        assert_eq!(code(&output), 0, "{}", said(&output));
        let page = text(&output.stdout);
        for there in ["hubkeeper-dead", "\"VisibilityTimeout\": \"300\"", "\"Arn\": \"arn:aws:sqs:eu-west-1:111122223333:hubkeeper\""] {
            assert!(page.contains(there), "{there}: {page}");
        }
    })
    .await
    .unwrap();
}

#[test]
fn security_hub_local_is_talked_to_by_the_aws_cli_as_described() {
    let command = block("sh", "hubkeeper local");
    let args: Vec<&str> = command.trim().split(' ').skip(4).collect();
    let (_hub, url, _) = local(&args);
    let scratch = tempfile::tempdir().unwrap();
    let script = block("sh", "export AWS_ENDPOINT_URL").replace("http://127.0.0.1:4600", &url);
    let output = shell(&script, scratch.path(), root());
    // The last command is a plan, and there are changes.
    assert_eq!(code(&output), 2, "{}", said(&output));
    let page = text(&output.stdout);
    assert!(page.contains("\"Status\": \"FAILED\"") && page.contains("ControlPolicy/baseline"), "{page}");
}

#[test]
fn what_local_prints_at_its_start_can_be_typed_as_it_is() {
    let args = ["local", "--listen", "127.0.0.1:0", "--findings", "3", "--accounts", "2", "--principal", "zoe"];
    let mut child = hubkeeper(&args).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let _running = Running(child);
    let mut printed = Vec::new();
    for line in lines.map(Result::unwrap) {
        printed.push(line.trim().to_owned());
        if line.starts_with("  aws ") {
            break;
        }
    }
    let typed: Vec<&str> =
        printed.iter().map(String::as_str).filter(|l| l.starts_with("export ") || l.starts_with("aws ")).collect();
    assert_eq!(typed.len(), 3, "{printed:?}");
    let who = "\naws sts get-caller-identity\nAWS_SECRET_ACCESS_KEY=zoe aws sts get-caller-identity";
    let scratch = tempfile::tempdir().unwrap();
    let output = shell(&format!("{}{who}", typed.join("\n")), scratch.path(), scratch.path());
    assert_eq!(code(&output), 0, "{}", said(&output));
    let page = text(&output.stdout);
    assert!(page.contains("\"Findings\": [") && page.contains("user/alice") && page.contains("user/zoe"), "{page}");
}

#[test]
fn the_readme_lists_the_operations_that_security_hub_local_serves_and_no_other() {
    let (_hub, url, _) = local(&SMALL);
    let answer = super::http(&url, "GET /_local/operations", "", "").unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let all: serde_json::Value = serde_json::from_str(body).unwrap();
    let all = all.as_array().unwrap();
    let mut served: Vec<&str> =
        all.iter().filter(|operation| operation["served"] == true).map(|operation| operation["name"].as_str().unwrap()).collect();
    served.sort_unstable();
    let readme = readme();
    let (_, table) = readme.split_once("| Family | Operations |").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let mut listed: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    listed.sort_unstable();
    assert_eq!(listed, served);
    let sentence = format!("It serves {} of Security Hub's {} operations", served.len(), all.len());
    assert!(readme.contains(&sentence), "the README does not say: {sentence}");
}

#[test]
fn the_readme_names_every_command_and_no_other() {
    let readme = readme();
    for command in ["validate", "plan", "explain", "run", "take-over", "digest", "approve", "local", "demo", "crds"] {
        assert!(readme.contains(&format!("`hubkeeper {command}")), "{command}");
    }
    let (_hub, url, _) = local(&SMALL);
    let named = regex::Regex::new(r"`hubkeeper ([a-z-]+)").unwrap();
    for command in named.captures_iter(&readme).map(|found| found[1].to_owned()) {
        let output = reach(&mut hubkeeper(&[&command, "--help"]), &url).output().unwrap();
        assert_eq!(code(&output), 0, "the README names `hubkeeper {command}`: {}", said(&output));
    }
}
