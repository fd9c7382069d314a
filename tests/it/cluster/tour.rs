//! `demo --cluster`, as a person uses it: what it prints is typed as it stands, and Ctrl-C ends it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use hubkeeper::controlplane::Binaries;
use regex::Regex;

use super::binaries;
use crate::cli::{Running, code, get, hubkeeper, installed, root, text, until};

/// `demo --cluster` with a folder for all that it makes, and programs that are nowhere in its `PATH`.
fn demo(place: &Path) -> Command {
    let (bin, temporary) = (place.join("bin"), place.join("tmp"));
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(&temporary).unwrap();
    // What guards the programs of the control plane.
    std::os::unix::fs::symlink("/bin/sh", bin.join("sh")).unwrap();
    let mut command = hubkeeper(&["demo", "--cluster"]);
    command.env("TMPDIR", &temporary).env("PATH", &bin).env("KUBEBUILDER_ASSETS", binaries().folder());
    command
}

/// Lines of standard output, as they come.
fn lines(child: &mut std::process::Child) -> Receiver<String> {
    let (tell, told) = channel();
    let out = BufReader::new(child.stdout.take().unwrap());
    std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    told
}

/// The next line that contains this, and all before it.
fn up_to(lines: &Receiver<String>, what: &str) -> Vec<String> {
    let mut page = Vec::new();
    loop {
        let line = lines.recv_timeout(Duration::from_mins(4));
        let line = line.unwrap_or_else(|error| panic!("{error}: no {what:?} after\n{}", page.join("\n")));
        page.push(line);
        if page.last().is_some_and(|line| line.contains(what)) {
            return page;
        }
    }
}

/// Programs that were started with something of this folder.
fn running_in(place: &Path) -> Vec<String> {
    let place = place.to_str().unwrap();
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    let processes = processes.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
    processes.filter(|line| line.contains(place)).collect()
}

/// Nothing that it made is left, and nothing that it started.
fn assert_gone(place: &Path) {
    let temporary = place.join("tmp");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "its folder is removed");
    assert_eq!(running_in(&temporary), Vec::<String>::new());
}

fn signal(running: &Running, signal: &str) {
    assert!(Command::new("kill").args([signal, &running.0.id().to_string()]).status().unwrap().success());
}

#[test]
fn what_the_tour_in_a_cluster_prints_can_be_typed_is_followed_and_ctrl_c_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let mut child = demo(place.path()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let told = lines(&mut child);
    let mut running = Running(child);
    let page = up_to(&told, "Ctrl-C ends all of it");
    let story = page.join("\n");

    // The story, in its order.
    let mut rest = story.as_str();
    for sentence in [
        "1. A cluster and a hub",
        "  control plane                   ready after ",
        "  administrator                   111122223333\n",
        "2. Hubkeeper, as a controller\n",
        "  leads ",
        "3. What is declared\n",
        "  controlpolicy.hubkeeper.dev/baseline created\n",
        "4. What came of it",
        "  first write after ",
        "  everything Ready after ",
        "5. Your turn",
    ] {
        let at = rest.find(sentence).unwrap_or_else(|| panic!("{sentence:?} is not where it belongs:\n{story}"));
        rest = &rest[at + sentence.len()..];
    }
    let held = Regex::new(r"FindingException/team-pay/cdn +holds (\d+) findings").unwrap();
    let held: usize = held.captures(&story).unwrap_or_else(|| panic!("{story}"))[1].parse().unwrap();
    let metrics = Regex::new(r"its metrics +http://(\S+)/metrics").unwrap().captures(&story).unwrap()[1].to_owned();
    assert!(get(&metrics, "/readyz").unwrap().starts_with("HTTP/1.1 200"));

    // What it says to type, in a shell that has the AWS CLI and nothing of ours.
    let typed: Vec<&str> = page.iter().filter_map(|line| line.strip_prefix("  ")).collect();
    let exports: Vec<&str> = typed.iter().copied().filter(|line| line.starts_with("export ")).collect();
    let commands: Vec<&str> = typed.windows(2).filter(|pair| pair[0].starts_with("# ")).map(|pair| pair[1]).collect();
    assert!(exports.len() == 4 && commands.len() == 9, "{story}");
    let aws = installed("aws");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", aws.parent().unwrap().display());
    let bash = |line: &str| -> Output {
        let mut command = Command::new("bash");
        command.env_clear().env("PATH", &path).env("HOME", place.path()).env("AWS_PAGER", "");
        command.args(["-eu", "-o", "pipefail", "-c", &format!("{}\n{line}", exports.join("\n"))]).output().unwrap()
    };
    let the = |start: &str| -> &str {
        let mut found = commands.iter().filter(|line| line.starts_with(start));
        let line = found.next().unwrap_or_else(|| panic!("{start}: {commands:#?}"));
        assert!(found.next().is_none(), "{start}");
        line
    };
    let says = |start: &str| -> String {
        let output = bash(the(start));
        assert_eq!((code(&output), text(&output.stderr).as_str()), (0, ""), "{}", the(start));
        text(&output.stdout)
    };
    let suppressed = || says("aws securityhub get-findings ").matches("SUPPRESSED").count();

    let all = says("kubectl get hubkeeper");
    assert!(all.contains("findingexception.hubkeeper.dev/cdn") && all.contains("Active"), "{all}");
    assert!(says("kubectl describe findingexception").contains("in force"));
    assert_eq!(suppressed(), held);
    assert!(says("hubkeeper explain").contains("decided by   FindingException/team-pay/cdn"));
    assert!(says("hubkeeper plan").contains("nothing to do"));
    assert!(says("aws securityhub get-finding-history").contains("user/hubkeeper"));

    // The exception goes, and comes back: the hub follows, and the first terminal tells it.
    assert!(says("kubectl delete findingexception").contains("deleted"));
    until("its findings are given back", || suppressed() == 0);
    up_to(&told, &format!("FindingException/team-pay/cdn holds: 0 findings ({held} before)"));
    assert!(says("kubectl apply").contains("findingexception.hubkeeper.dev/cdn created"));
    until("its findings are suppressed again", || suppressed() == held);
    up_to(&told, &format!("FindingException/team-pay/cdn holds: {held} findings (0 before)"));
    let refused = bash(the("kubectl patch"));
    assert!(!refused.status.success() && text(&refused.stderr).contains("expiresAt must be later than startsAt"));

    // Ctrl-C.
    signal(&running, "-INT");
    up_to(&told, "Gone: ");
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    let mut said = String::new();
    std::io::Read::read_to_string(&mut running.0.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(said, "\nending what was started\n", "nothing scary");
    assert_gone(place.path());
}

#[test]
fn a_tour_in_a_cluster_that_is_stopped_while_it_starts_leaves_nothing_behind_either() {
    let place = tempfile::tempdir().unwrap();
    let running = demo(place.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Running(running);
    until("the API server is started", || running_in(place.path()).iter().any(|line| line.contains("/kube-apiserver ")));
    signal(&running, "-TERM");
    assert_eq!(running.0.wait().unwrap().code(), Some(0));
    assert_gone(place.path());
}

#[test]
fn without_a_control_plane_one_sentence_says_what_to_do() {
    let empty = tempfile::tempdir().unwrap();
    let output = hubkeeper(&["demo", "--cluster"]).env("XDG_CACHE_HOME", empty.path()).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!((code(&output), text(&output.stdout), said.lines().count()), (1, String::new(), 1), "{said}");
    assert!(said.contains("run tests/setup.sh controlplane") && said.contains("KUBEBUILDER_ASSETS"), "{said}");

    // It looks for what that builds.
    if std::env::var_os("KUBEBUILDER_ASSETS").is_none() {
        let built = fs::canonicalize(root().join(".cache/controlplane")).unwrap();
        assert!(said.contains(built.file_name().unwrap().to_str().unwrap()), "{said}: {}", built.display());
        let cache = built.parent().unwrap().parent().unwrap();
        assert_eq!(Binaries::built(cache).unwrap().folder(), built);
    }
}
