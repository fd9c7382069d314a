//! The real binary, as a stranger uses it: its words as snapshots, its exit codes, its commands over real HTTP.
//!
//! Snapshots are reviewed with `cargo insta review`. What varies from run to run is replaced by what it is: `PORT`, `TIME`.

mod approve;
mod demo;
mod errors;
mod explain;
mod help;
mod keep;
mod local;
mod plan;
pub mod readme;
mod secrets;
mod take_over;
mod terminal;
mod validate;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use hubkeeper::core::ids::FindingKey;
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::options::Builder;
use jiff::{Timestamp, ToSpan};
use regex::Regex;

use crate::real::moto::Served;

pub const BIN: &str = env!("CARGO_BIN_EXE_hubkeeper");

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program with nothing of the tester's own environment and no cluster of theirs, in the repository.
pub fn hubkeeper(args: &[&str]) -> Command {
    let mut command = Command::new(BIN);
    command.args(args).current_dir(root()).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command
}

pub fn run(args: &[&str]) -> Output {
    hubkeeper(args).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

pub fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

/// A process that ends with the test.
pub struct Running(pub Child);

impl Running {
    /// Asks it to end, and gives its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Security Hub Local in a process of its own on a free port, with these arguments besides; its URL and all that it said.
pub fn local(more: &[&str]) -> (Running, String, String) {
    serving(&mut hubkeeper(&[&["local", "--listen", "127.0.0.1:0"][..], more].concat()))
}

/// The same by a command that is made already.
pub fn serving(command: &mut Command) -> (Running, String, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let first = lines.next().expect("it says where it is");
    let url = first.strip_prefix("Security Hub Local on ").expect("it says where it is").to_owned();
    let rest: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("  aws ")).collect();
    (Running(child), url, rest.join("\n"))
}

/// What most scenarios take.
pub const SMALL: [&str; 7] = ["--findings", "400", "--accounts", "4", "--regions", "2", "--no-buckets"];

/// The way to a hub.
pub fn reach<'a>(command: &'a mut Command, url: &str) -> &'a mut Command {
    command.env("AWS_ENDPOINT_URL", url).env("AWS_ACCESS_KEY_ID", "111122223333").env("AWS_SECRET_ACCESS_KEY", "hubkeeper")
}

pub fn against(command: &mut Command, url: &str) -> Output {
    reach(command, url).output().unwrap()
}

/// One HTTP request without a client.
pub fn http(address: &str, request: &str, headers: &str, body: &str) -> Option<String> {
    let address = address.strip_prefix("http://").unwrap_or(address);
    let mut stream = TcpStream::connect(address).ok()?;
    let length = body.len();
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

pub fn get(address: &str, path: &str) -> Option<String> {
    http(address, &format!("GET {path}"), "", "")
}

/// Waits for what has to become true; fails after two minutes.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < Duration::from_mins(2), "not within two minutes: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A directory of manifests.
pub struct Manifests(tempfile::TempDir);

impl Manifests {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let manifests = Self(tempfile::tempdir().unwrap());
        for (name, content) in files {
            manifests.write(name, content);
        }
        manifests
    }

    /// The files of an example.
    pub fn example(name: &str) -> Self {
        let manifests = Self::new(&[]);
        for entry in fs::read_dir(root().join("examples").join(name)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, manifests.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        manifests
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn given(&self) -> &str {
        self.path().to_str().unwrap()
    }
}

/// A time so many days from now, at midnight: exceptions have to be in force whenever the tests run.
pub fn days(days: i64) -> String {
    let at = Timestamp::now().checked_add((days * 24).hours()).unwrap();
    at.strftime("%Y-%m-%dT00:00:00Z").to_string()
}

/// A hub in this process, on a socket, to be filled by a test.
pub struct Hub {
    pub local: Local,
    pub served: Served,
}

impl Hub {
    pub async fn start(builder: Builder) -> Self {
        let local = builder.start(Timestamp::now()).speed(Speed::Real).build().unwrap();
        let served = Served::start(&local).await;
        Self { local, served }
    }

    /// A failed check at home.
    pub fn fail(&self, control: &str, resource: &str) -> FindingKey {
        let at = self.local.clock().now();
        let (account, region) = (self.local.administrator(), self.local.home().clone());
        let finding = ControlFinding::failed(account, region, control, "AwsS3Bucket", resource, at);
        let key = FindingKey { id: finding.id(), product_arn: finding.product_arn() };
        assert_eq!(self.local.import(vec![finding.document()]).unwrap().failed_count, 0);
        key
    }

    pub fn workflow(&self, key: &FindingKey) -> String {
        self.local.finding(key).unwrap()["Workflow"]["Status"].as_str().unwrap().to_owned()
    }

    /// Runs the program against it, off the runtime that serves it.
    pub async fn said(&self, directory: &Path, args: &[&str]) -> String {
        let mut command = hubkeeper(args);
        reach(&mut command, &self.served.endpoint()).current_dir(directory);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        transcript(args, &output)
    }

    /// Keeps it with these manifests until nothing is left to do.
    pub async fn keep(&self, manifests: &Manifests) {
        let (url, directory) = (self.served.endpoint(), manifests.path().to_owned());
        let kept = tokio::task::spawn_blocking(move || {
            let state = tempfile::tempdir().unwrap();
            let args = ["run", "-f", ".", "--state-dir", state.path().to_str().unwrap(), "--listen", "127.0.0.1:0"];
            let mut command = hubkeeper(&args);
            let (mut running, address) = keeping(reach(&mut command, &url).current_dir(directory));
            until("the hub is kept", || converged(&address));
            assert_eq!(running.stop(), Some(0));
        });
        kept.await.unwrap();
    }
}

/// Starts `run --listen 127.0.0.1:0`, and says where it listens.
pub fn keeping(command: &mut Command) -> (Running, String) {
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut first = String::new();
    errors.read_line(&mut first).unwrap();
    // What it logs is read on, so that it never waits for a reader.
    std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
    let address = first.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{first}")).to_owned();
    (Running(child), address)
}

pub fn converged(address: &str) -> bool {
    get(address, "/metrics").is_some_and(|page| page.contains("hubkeeper_converged{hub=\"main\"} 1\n"))
}

/// What was typed, what was answered and how it ended, without what varies.
pub fn transcript(args: &[&str], output: &Output) -> String {
    let quoted = args.iter().map(|arg| if arg.contains([' ', '*']) { format!("'{arg}'") } else { (*arg).to_owned() });
    let mut page = format!("$ hubkeeper {}\n{}", quoted.collect::<Vec<_>>().join(" "), text(&output.stdout));
    if !output.stderr.is_empty() {
        page.push_str("--- standard error\n");
        page.push_str(&text(&output.stderr));
    }
    redacted(&format!("{page}--- exit code {}\n", code(output)))
}

/// Replaces ports, times, temporary directories and what depends on dates.
pub fn redacted(page: &str) -> String {
    let mut page = page.to_owned();
    for (pattern, instead) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
        (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
        (r"-[0-9a-f]{8}\n", "-DIGEST\n"),
        (r"process \d+", "process NUMBER"),
        (r"/tmp/\.tmp[A-Za-z0-9]+", "TEMPORARY"),
    ] {
        page = Regex::new(pattern).unwrap().replace_all(&page, instead).into_owned();
    }
    page
}

/// Several transcripts on one page; what was broken between lines is joined, because times differ in their length.
pub fn page(parts: &[String]) -> String {
    parts.join("\n").replace(BROKEN, " ")
}

/// A line of `explain` that goes on.
const BROKEN: &str = "\n               ";

/// Runs the program in a directory, and gives what was seen.
pub fn said(directory: &Path, args: &[&str]) -> String {
    transcript(args, &hubkeeper(args).current_dir(directory).output().unwrap())
}

/// Where something that the tests install is.
pub fn installed(name: &str) -> PathBuf {
    crate::real::moto::program(name)
}
