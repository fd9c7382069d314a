//! A Kubernetes control plane of one's own, on loopback: etcd, kube-apiserver and, if asked for, kube-controller-manager, with
//! their own certificates in a folder of their own. To try Hubkeeper in a cluster and to test against; nothing of it is kept.
//!
//! Not here: nodes. Objects are stored, judged, watched and collected; no container ever runs.

mod binaries;
mod certificates;
mod kubeconfig;
mod process;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use binaries::Binaries;
use certificates::{Authority, Identity};
use process::Process;

/// Somebody who is let in by a bearer token; what they may do is up to RBAC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The token.
    pub token: String,
    /// The name.
    pub name: String,
    /// The groups.
    pub groups: Vec<String>,
}

/// What a control plane is to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Run kube-controller-manager: deletion of namespaces, garbage collection, default ServiceAccounts.
    pub controllers: bool,
    /// Write an audit log of every request (metadata only): [`ControlPlane::audit_log`].
    pub audit: bool,
    /// Who is let in besides the administrator.
    pub users: Vec<User>,
}

/// Why a control plane does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The programs are not there.
    #[error(
        "failed to find {missing} in {folder}; run tests/setup.sh controlplane in the sources, or set KUBEBUILDER_ASSETS to a folder \
         that has them"
    )]
    NoBinaries {
        /// Where they were looked for.
        folder: PathBuf,
        /// Which.
        missing: String,
    },
    /// A file, a folder or a process.
    #[error("failed to {action}: {source}")]
    Io {
        /// "write /tmp/x/ca.crt".
        action: String,
        /// Why.
        source: io::Error,
    },
    /// A certificate.
    #[error("failed to make the certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// It ended, or is not ready in time.
    #[error("failed to start {program}: {why}; its log ends:\n{log}")]
    NotReady {
        /// Which.
        program: &'static str,
        /// What happened.
        why: String,
        /// The last lines.
        log: String,
    },
    /// The configuration cannot be used by a client.
    #[error("failed to use the new kubeconfig: {0}")]
    Kubeconfig(String),
}

fn io_error(action: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
    let action = action.into();
    move |source| Error::Io { action, source }
}

/// How long a program may take to be ready.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often it is asked.
const POLL: Duration = Duration::from_millis(100);

/// A control plane that runs; ends with this value, and with this process whatever happens to it.
pub struct ControlPlane {
    binaries: Binaries,
    folder: PathBuf,
    port: u16,
    kubeconfig: PathBuf,
    audit: Option<PathBuf>,
    // In the order in which they are to end.
    controllers: Option<Process>,
    api_server: Option<Process>,
    etcd: Option<Process>,
    api_server_arguments: Vec<String>,
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlane").field("folder", &self.folder).field("port", &self.port).finish_non_exhaustive()
    }
}

impl ControlPlane {
    /// Starts one in an empty folder that the caller owns, and waits until it is ready.
    pub async fn start(binaries: &Binaries, folder: &Path, options: &Options) -> Result<Self, Error> {
        let files = Files::write(folder, options)?;
        let (etcd_port, peer_port, port) = (free_port()?, free_port()?, free_port()?);
        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let etcd = [
            format!("--data-dir={}", folder.join("etcd").display()),
            format!("--listen-client-urls={etcd_url}"),
            format!("--advertise-client-urls={etcd_url}"),
            format!("--listen-peer-urls=http://127.0.0.1:{peer_port}"),
            format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer_port}"),
            format!("--initial-cluster=default=http://127.0.0.1:{peer_port}"),
            // Nothing of it is worth keeping.
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ];
        let etcd = Process::start(&binaries.folder, "etcd", &etcd, folder)?;
        let api_server_arguments = files.api_server_arguments(port, &etcd_url, options);
        let kubeconfig = folder.join("admin.kubeconfig");
        write(&kubeconfig, &kubeconfig::with_certificate(port, &files.authority, &files.admin))?;
        let mut plane = Self {
            binaries: binaries.clone(),
            folder: folder.to_owned(),
            port,
            kubeconfig,
            audit: options.audit.then(|| folder.join("audit.log")),
            controllers: None,
            api_server: None,
            etcd: Some(etcd),
            api_server_arguments,
        };
        plane.start_api_server().await?;
        if options.controllers {
            let kubeconfig = folder.join("controllers.kubeconfig");
            write(&kubeconfig, &kubeconfig::with_certificate(port, &files.authority, &files.controllers))?;
            let arguments = files.controllers_arguments(&kubeconfig, free_port()?);
            plane.controllers = Some(Process::start(&binaries.folder, "kube-controller-manager", &arguments, folder)?);
        }
        Ok(plane)
    }

    /// Starts the API server, where it does not run: as at first, on the same port and data.
    pub async fn start_api_server(&mut self) -> Result<(), Error> {
        if self.api_server.is_some() {
            return Ok(());
        }
        self.api_server =
            Some(Process::start(&self.binaries.folder, "kube-apiserver", &self.api_server_arguments, &self.folder)?);
        self.until_ready().await
    }

    /// Kills the API server; its data stays in etcd.
    pub fn stop_api_server(&mut self) {
        self.api_server = None;
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A kubeconfig with a bearer token, as text.
    pub fn kubeconfig_of(&self, token: &str) -> Result<String, Error> {
        let authority = self.folder.join("ca.crt");
        #[expect(clippy::disallowed_methods, reason = "the edge: certificates are files")]
        let authority = std::fs::read_to_string(&authority).map_err(io_error(format!("read {}", authority.display())))?;
        Ok(kubeconfig::with_token(self.port, &authority, token))
    }

    /// The port of the API server, on 127.0.0.1, TLS.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// One JSON line per request, if asked for.
    pub fn audit_log(&self) -> Option<&Path> {
        self.audit.as_deref()
    }

    /// `kubectl`.
    pub fn kubectl(&self) -> PathBuf {
        self.binaries.kubectl()
    }

    /// How a client of ours reaches it, as the administrator.
    pub async fn config(&self) -> Result<kube::Config, Error> {
        let failed = |error: kube::config::KubeconfigError| Error::Kubeconfig(error.to_string());
        let kubeconfig = kube::config::Kubeconfig::read_from(&self.kubeconfig).map_err(failed)?;
        kube::Config::from_custom_kubeconfig(kubeconfig, &kube::config::KubeConfigOptions::default()).await.map_err(failed)
    }

    async fn until_ready(&mut self) -> Result<(), Error> {
        let mut config = self.config().await?;
        config.default_retry = false;
        let client = kube::Client::try_from(config).map_err(|error| Error::Kubeconfig(error.to_string()))?;
        let tries = PATIENCE.as_millis() / POLL.as_millis();
        let mut last = String::new();
        for _ in 0..tries {
            for process in [&mut self.etcd, &mut self.api_server].into_iter().flatten() {
                if let Some(why) = process.ended() {
                    return Err(Error::NotReady { program: process.program(), why, log: process.log() });
                }
            }
            let request = http::Request::get("/readyz").body(Vec::new());
            let request = request.map_err(|error| Error::Kubeconfig(error.to_string()))?;
            match client.request_text(request).await {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(POLL).await;
        }
        let log = self.api_server.as_ref().map(Process::log).unwrap_or_default();
        Err(Error::NotReady { program: "kube-apiserver", why: format!("it is not ready: {last}"), log })
    }
}

/// A port that was free a moment ago.
fn free_port() -> Result<u16, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io_error("find a free port"))?;
    Ok(listener.local_addr().map_err(io_error("find a free port"))?.port())
}

#[expect(clippy::disallowed_methods, reason = "the edge: a control plane reads its configuration from files")]
fn write(path: &Path, content: &str) -> Result<(), Error> {
    std::fs::write(path, content).map_err(io_error(format!("write {}", path.display())))
}

/// The files that the programs read.
struct Files {
    folder: PathBuf,
    authority: Authority,
    admin: Identity,
    controllers: Identity,
}

impl Files {
    fn write(folder: &Path, options: &Options) -> Result<Self, Error> {
        let authority = Authority::new()?;
        let admin = authority.client("admin", Some("system:masters"))?;
        let controllers = authority.client("system:kube-controller-manager", None)?;
        let server = authority.server()?;
        let tokens: Vec<String> = options
            .users
            .iter()
            .map(|User { token, name, groups }| format!("{token},{name},{name},\"{}\"\n", groups.join(",")))
            .collect();
        let audit = "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n";
        for (name, content) in [
            ("ca.crt", authority.certificate()),
            ("ca.key", authority.key()),
            ("server.crt", server.certificate()),
            ("server.key", server.key()),
            // What signs the tokens of ServiceAccounts.
            ("accounts.key", server.key()),
            ("accounts.pub", server.public_key()),
            ("tokens.csv", &tokens.concat()),
            ("audit-policy.yaml", audit),
        ] {
            write(&folder.join(name), content)?;
        }
        Ok(Self { folder: folder.to_owned(), authority, admin, controllers })
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn api_server_arguments(&self, port: u16, etcd_url: &str, options: &Options) -> Vec<String> {
        let mut arguments = vec![
            format!("--etcd-servers={etcd_url}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--advertise-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", self.path("server.crt")),
            format!("--tls-private-key-file={}", self.path("server.key")),
            format!("--client-ca-file={}", self.path("ca.crt")),
            format!("--token-auth-file={}", self.path("tokens.csv")),
            format!("--service-account-issuer=https://127.0.0.1:{port}"),
            format!("--service-account-key-file={}", self.path("accounts.pub")),
            format!("--service-account-signing-key-file={}", self.path("accounts.key")),
            "--service-cluster-ip-range=10.0.0.0/24".to_owned(),
            "--authorization-mode=RBAC".to_owned(),
            "--allow-privileged=true".to_owned(),
            "--endpoint-reconciler-type=none".to_owned(),
        ];
        if options.users.is_empty() {
            // The API server refuses an empty list.
            arguments.retain(|argument| !argument.starts_with("--token-auth-file"));
        }
        if !options.controllers {
            // Nobody makes default ServiceAccounts, and pods would be refused without.
            arguments.push("--disable-admission-plugins=ServiceAccount".to_owned());
        }
        if options.audit {
            arguments.push(format!("--audit-policy-file={}", self.path("audit-policy.yaml")));
            arguments.push(format!("--audit-log-path={}", self.path("audit.log")));
            arguments.push("--audit-log-mode=blocking".to_owned());
        }
        arguments
    }

    fn controllers_arguments(&self, kubeconfig: &Path, port: u16) -> Vec<String> {
        let kubeconfig = kubeconfig.display();
        vec![
            format!("--kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            "--leader-elect=false".to_owned(),
            "--use-service-account-credentials=true".to_owned(),
            format!("--service-account-private-key-file={}", self.path("accounts.key")),
            format!("--root-ca-file={}", self.path("ca.crt")),
            format!("--cluster-signing-cert-file={}", self.path("ca.crt")),
            format!("--cluster-signing-key-file={}", self.path("ca.key")),
        ]
    }
}
