//! moto's server in a process of its own, and Security Hub Local on a socket.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hubkeeper::local::Local;
use tokio_util::sync::CancellationToken;

/// A program of the virtual environment. Fails, and says how to get it, where there is none: a test that was not run is none.
pub fn program(name: &str) -> PathBuf {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.cache/venv/bin")).join(name);
    assert!(
        path.is_file(),
        "{} is not there: run `make test`, or `tests/setup.sh moto` once before `cargo test`",
        path.display()
    );
    path
}

/// Runs a script of this directory against Security Hub Local, and gives what it printed; one that fails is a test that does.
pub async fn python(script: &str, served: &Served, arguments: &[&str]) -> String {
    let output = tokio::process::Command::new(program("python3"))
        .arg(format!("{}/tests/it/real/{script}", env!("CARGO_MANIFEST_DIR")))
        .arg(served.endpoint())
        .args(arguments)
        // Nothing of this machine's own configuration, and nothing left behind.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    said.into_owned()
}

/// moto's server. It ends with this value.
pub struct Moto {
    process: Child,
    address: SocketAddr,
}

impl Moto {
    /// Starts it on a free port, and waits until it answers.
    pub async fn start() -> Self {
        let server = program("moto_server");
        // Between finding a free port and using it somebody else may take it: then another one.
        for _ in 0..5 {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
            let process = Command::new(&server)
                .args(["--host", "127.0.0.1", "--port", &free.port().to_string()])
                .env("MOTO_ACCOUNT_ID", "111122223333")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut moto = Self { process, address: free };
            if moto.answers().await {
                return moto;
            }
        }
        panic!("moto_server did not start: try {} by hand", server.display());
    }

    async fn answers(&mut self) -> bool {
        let began = Instant::now();
        while began.elapsed() < Duration::from_mins(2) {
            if self.process.try_wait().unwrap().is_some() {
                return false;
            }
            if tokio::net::TcpStream::connect(self.address).await.is_ok() {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Security Hub Local on a free port. It ends with this value.
pub struct Served {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Served {
    /// Serves a hub.
    pub async fn start(local: &Local) -> Self {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        tokio::spawn(hubkeeper::local::http::serve(listener, local.clone(), stop.clone().cancelled_owned()));
        Self { address, stop }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Waits for what has to become true; fails after two minutes.
pub async fn until(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !so().await {
        assert!(began.elapsed() < Duration::from_mins(2), "not within two minutes: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
