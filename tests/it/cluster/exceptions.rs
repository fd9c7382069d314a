//! `examples/exceptions`, as its README tells it: every block in its order, by whom it names, against the real API server, with the
//! chart's roles and admission policy, and the controller as the chart's ServiceAccount.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hubkeeper::local::Local;

use super::chart::Release;
use super::run::{becomes, blocking};
use super::{controllers, kubectl, plane};
use crate::cli::{BIN, Hub, Running, code, days, hubkeeper, installed, keeping, reach, root, text, until};

const NAMESPACE: &str = "hubkeeper-exceptions";

/// The README's blocks that are still to be tried, and where.
struct Play {
    blocks: std::vec::IntoIter<String>,
    folder: tempfile::TempDir,
    url: String,
}

impl Play {
    fn begin(url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let example = root().join("examples/exceptions");
        for part in ["platform", "team-pay"] {
            fs::create_dir(folder.path().join(part)).unwrap();
            for entry in fs::read_dir(example.join(part)).unwrap() {
                let path = entry.unwrap().path();
                // In force whenever this runs.
                let manifest = fs::read_to_string(&path).unwrap();
                let manifest = manifest.replace("2026-11-01T00:00:00Z", &days(-10)).replace("2027-01-31T00:00:00Z", &days(80));
                fs::write(folder.path().join(part).join(path.file_name().unwrap()), manifest).unwrap();
            }
        }
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(BIN, bin.join("hubkeeper")).unwrap();
        std::os::unix::fs::symlink(plane().kubectl(), bin.join("kubectl")).unwrap();
        let readme = fs::read_to_string(example.join("README.md")).unwrap();
        let blocks: Vec<String> =
            readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect();
        Self { blocks: blocks.into_iter(), folder, url: url.to_owned() }
    }

    /// The next block, which this person types.
    fn tried(&mut self, who: &str) -> Output {
        let block = self.blocks.next().expect("a block is left");
        assert!(block.starts_with(&format!("# {who}\n")), "{who} does not type this:\n{block}");
        let own: PathBuf = self.folder.path().join(format!("{who}.kubeconfig"));
        let kubeconfig: &Path = if who == "pia" { plane().kubeconfig() } else { &own };
        let venv = installed("aws");
        let folders = [&self.folder.path().join("bin"), venv.parent().unwrap(), Path::new("/usr/bin"), Path::new("/bin")];
        let mut command = Command::new("bash");
        reach(command.env_clear(), &self.url).env("AWS_DEFAULT_REGION", "eu-west-1").env("AWS_PAGER", "");
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("HOME", self.folder.path()).env("KUBECONFIG", kubeconfig);
        command.args(["-eu", "-o", "pipefail", "-c", &block]).current_dir(self.folder.path()).output().unwrap()
    }

    /// What was seen, of a block that ends with this exit code.
    fn ends(&mut self, expected: i32, who: &str) -> String {
        let output = self.tried(who);
        let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(code(&output), expected, "{who}: {said}");
        said
    }

    fn by(&mut self, who: &str) -> String {
        self.ends(0, who)
    }
}

/// A line of a table, by its first word, without what pads it.
fn line(page: &str, name: &str) -> String {
    let found = page.lines().find(|line| line.split_whitespace().next() == Some(name));
    found.unwrap_or_else(|| panic!("no line of {name}:\n{page}")).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Waits for an event, which comes a moment after the status.
fn event(exception: &str, kind: &str, message: &str) {
    until(message, || {
        let page = kubectl(&["describe", "findingexception", exception, "-n", "team-pay"], "");
        let events = page.split_once("Events:").map(|(_, events)| events).unwrap_or_default();
        events.lines().any(|line| line.trim().starts_with(kind) && line.contains(message))
    });
}

/// The controller, as the chart's ServiceAccount.
fn controller(url: &str) -> (Running, tempfile::NamedTempFile) {
    let token = kubectl(&["create", "token", "hubkeeper", "-n", NAMESPACE], "");
    let kubeconfig = tempfile::NamedTempFile::new().unwrap();
    fs::write(kubeconfig.path(), plane().kubeconfig_of(token.trim()).unwrap()).unwrap();
    let given = kubeconfig.path().to_str().unwrap();
    let args = ["run", "--kubeconfig", given, "--namespace", NAMESPACE, "--listen", "127.0.0.1:0"];
    let (running, _) = keeping(reach(&mut hubkeeper(&args), url).env("HOSTNAME", "hubkeeper-0"));
    (running, kubeconfig)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exception_flow_goes_as_its_readme_tells_it() {
    let _one = controllers().await;
    // Enough findings that two are few.
    let hub = Hub::start(Local::builder().findings(300).accounts(2).regions(2).buckets(false)).await;
    let cdn = hub.fail("S3.8", "arn:aws:s3:::cdn");
    let archive = hub.fail("S3.2", "arn:aws:s3:::press-archive");
    let root = hub.fail("IAM.6", "AWS::::Account:111122223333");
    let url = hub.served.endpoint();
    let (mut play, release, mut running) = blocking(move || {
        let release = Release::install_with(NAMESPACE, &["--set=fullnameOverride=hubkeeper"]);
        let mut play = Play::begin(&url);
        play.by("pia");
        let running = controller(&url);
        let said = play.by("pia");
        assert!(line(&said, "NAME").starts_with("NAME READY NAMESPACES MAX-DAYS MAX-FINDINGS EXCEPTIONS ACTIVE"), "{said}");
        let said = play.ends(2, "maria");
        assert!(
            said.contains("1 object valid") && said.contains("FindingException/team-pay/cdn\n       1  suppress (Excepted)"),
            "{said}"
        );
        (play, release, running)
    })
    .await;
    assert_eq!(hub.workflow(&cdn), "NEW", "a plan writes nothing");

    let mut play = blocking(move || {
        let said = play.by("maria");
        assert_eq!(&line(&said, "NAME")[..45], "NAME READY STATE WHY FINDINGS HELD EXPIRES OW", "{said}");
        play
    })
    .await;
    becomes(&hub, &cdn, "SUPPRESSED").await;
    let mut play = blocking(move || {
        let said = play.by("maria");
        assert!(said.contains("Type:                  InForce"), "{said}");
        event("cdn", "Normal", "in force");
        assert!(said.contains("decided by   FindingException/team-pay/cdn"), "{said}");

        let said = play.by("maria");
        let shown = line(&said, "archive");
        assert!(shown.starts_with("archive False Pending ApprovalNeeded 1 0 "), "{said}");
        let shown = line(&said, "cdn");
        assert!(shown.starts_with("cdn True Active Active 1 1 "), "{said}");
        let sentence = "FindingException/team-pay/archive (ApprovalNeeded): ExceptionPolicy/team-pay";
        assert!(said.replace("\n      ", " ").contains(sentence), "{said}");
        let said = play.ends(1, "maria");
        assert!(said.contains("User \"maria\" cannot") && said.contains("\"approvals\""), "{said}");
        play
    })
    .await;
    assert_eq!(hub.workflow(&archive), "NEW", "nobody has approved");

    let mut play = blocking(move || {
        let said = play.by("alice");
        let shown = said.lines().find(|line| line.starts_with("archive-")).unwrap_or_else(|| panic!("{said}"));
        let shown: Vec<&str> = shown.split_whitespace().skip(1).collect();
        assert_eq!(shown[..6], ["FindingException", "team-pay", "archive", "Approve", "alice", "true"], "{said}");
        play
    })
    .await;
    becomes(&hub, &archive, "SUPPRESSED").await;
    let mut play = blocking(move || {
        let said = play.by("maria");
        let shown = said.lines().find(|line| line.starts_with("archive-")).unwrap_or_else(|| panic!("{said}"));
        assert!(shown.contains(" false "), "{said}");
        play
    })
    .await;
    becomes(&hub, &archive, "NEW").await;
    let mut play = blocking(move || {
        play.by("maria");
        play
    })
    .await;
    becomes(&hub, &archive, "SUPPRESSED").await;

    let mut play = blocking(move || {
        let said = play.by("maria");
        let told = said.replace("\n      ", " ");
        assert!(told.contains("FindingException/team-pay/root (OutOfGrant)") && told.contains("IAM.6"), "{said}");
        assert!(said.trim_end().ends_with("nothing to do"), "{said}");
        let said = play.by("maria");
        assert!(line(&said, "root").starts_with("root False Invalid OutOfGrant 0 0 "), "{said}");
        event("root", "Warning", "control IAM.6 is in no grant");
        event("archive", "Warning", "asks for an approval of sha256:");
        let said = play.by("maria");
        assert!(line(&said, "cdn").starts_with("cdn True Expired Expired "), "{said}");
        play
    })
    .await;
    becomes(&hub, &cdn, "NEW").await;
    let play = blocking(move || {
        let said = play.by("maria");
        let shown = said.lines().find(|line| line.starts_with("archive-")).unwrap_or_else(|| panic!("{said}"));
        assert!(shown.contains(" alice "), "what was decided stays to be read: {said}");
        play
    })
    .await;
    becomes(&hub, &archive, "NEW").await;
    assert_eq!(hub.workflow(&root), "NEW", "never granted");
    assert_eq!(play.blocks.len(), 0, "every block is tried");
    blocking(move || {
        assert_eq!(running.0.stop(), Some(0));
        kubectl(&["delete", "clusterrolebinding", "hubkeeper-readers"], "");
        kubectl(&["delete", super::KINDS, "--all", "--all-namespaces", "--wait"], "");
        kubectl(&["delete", "rolebinding", "team", "-n", "team-pay"], "");
        drop(release);
    })
    .await;
}
