//! The shipped program in a process of its own, and what it and the kernel say of it.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The program.
pub const BIN: &str = env!("CARGO_BIN_EXE_hubkeeper");
/// How long a child may take to say where it listens, and the controller to converge.
pub const PATIENCE: Duration = Duration::from_mins(15);

/// Ends with its owner.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program, and waits until it says at which address it listens.
pub fn start(mut command: Command, says: &'static str) -> (Running, String) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (tell, told) = mpsc::channel();
    let outputs: [Option<Box<dyn Read + Send>>; 2] =
        [child.stdout.take().map(|out| Box::new(out) as _), child.stderr.take().map(|out| Box::new(out) as _)];
    for output in outputs.into_iter().flatten() {
        let tell = tell.clone();
        // Read to the end, so that the program never waits for a reader.
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once(says) {
                    let _ = tell.send(address.trim().to_owned());
                }
            }
        });
    }
    let running = Running(child);
    let address = told.recv_timeout(PATIENCE).unwrap();
    (running, address)
}

/// What the kernel says of its memory, in KiB.
pub fn resident(running: &Running, name: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", running.0.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(f64::NAN)
}

/// All its figures.
pub fn metrics(address: &str) -> String {
    page(address, "/metrics")
}

/// What it answers, head and all; empty if it does not.
pub fn page(address: &str, path: &str) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        let _ = write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        let _ = stream.read_to_string(&mut text);
    }
    text
}

/// One of them, of the first hub.
pub fn metric(address: &str, name: &str) -> Option<f64> {
    let text = metrics(address);
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split_once("} ")?.1.trim().parse().ok())
}
