//! The stage of `demo --cluster`: a control plane on loopback, Security Hub Local on a socket, and `run` between them, as it runs
//! in a cluster. Objects are declared with kubectl; what comes of them is read from the API server and from the hub.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Seen, Stage, TourError};
use crate::api::crds_yaml;
use crate::assembly::cluster::Cluster;
use crate::assembly::lead::{Lead, LeadError, lead};
use crate::assembly::reach::Reach;
use crate::cluster::resource::resource;
use crate::controlplane::{ControlPlane, Options};
use crate::core::ids::{AccountId, Kind};
use crate::local::clock::Speed;
use crate::local::{Local, LocalOptions};

pub use crate::controlplane::Binaries;

/// Namespace and name of the Lease.
const OURS: &str = "hubkeeper";
/// How long what is begun may take in the end.
const FAREWELL: Duration = Duration::from_secs(5);

/// The programs of a control plane: those in `assets`, if there is such a folder, else those that `tests/setup.sh` has built into
/// the user's cache.
pub fn programs(assets: Option<&Path>, cache: &Path) -> Result<Binaries, TourError> {
    Ok(assets.map_or_else(|| Binaries::built(cache), Binaries::in_folder)?)
}

/// What was written to the hub so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Calls of BatchUpdateFindings.
    pub calls: u64,
    /// Findings in them.
    pub findings: u64,
}

/// A cluster and a hub, and who keeps them alike. Ends with this value; [`Self::end`] does so in order.
pub struct ClusterTour {
    // Fields are dropped in this order: the folder after those that write into it.
    plane: ControlPlane,
    folder: Folder,
    client: Client,
    local: Local,
    address: SocketAddr,
    health: Arc<OnceLock<SocketAddr>>,
    keeping: Option<JoinHandle<Result<(), LeadError>>>,
    tasks: TaskTracker,
    /// Ends the hub's server.
    served: CancellationToken,
    /// Ends who keeps it.
    stop: CancellationToken,
}

impl std::fmt::Debug for ClusterTour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterTour").field("plane", &self.plane).field("address", &self.address).finish_non_exhaustive()
    }
}

impl ClusterTour {
    /// Fills a hub, serves it on a free port, and starts a control plane that has our definitions.
    pub async fn new(binaries: &Binaries, stage: &Stage, start: Timestamp, stop: CancellationToken) -> Result<Self, TourError> {
        let local = Local::new(LocalOptions {
            findings: stage.findings,
            accounts: stage.accounts,
            regions: stage.regions,
            seed: stage.seed,
            speed: Speed::Real,
            ..LocalOptions::new(start)
        })?;
        let failed = |source| TourError::Io("find a free port".to_owned(), source);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let folder = Folder::new()?;
        let options = Options { controllers: true, ..Options::default() };
        let plane = tokio::select! {
            biased;
            () = stop.cancelled() => return Err(TourError::Interrupted),
            plane = ControlPlane::start(binaries, &folder.0, &options) => plane?,
        };
        let client = Client::try_from(plane.config().await?)?;
        let (tasks, served) = (TaskTracker::new(), CancellationToken::new());
        let ended = served.clone();
        let serving = crate::local::http::serve(listener, local.clone(), async move { ended.cancelled().await });
        tasks.spawn(serving);
        let health = Arc::default();
        let tour = Self { plane, folder, client, local, address, health, keeping: None, tasks, served, stop };
        let definitions = crds_yaml().map_err(|error| TourError::Manifests(error.to_string()))?;
        let definitions: Vec<String> = definitions.into_iter().map(|(_, content)| content).collect();
        let definitions = definitions.join("---\n");
        tour.kubectl(&["apply", "--server-side", "--filename", "-"], definitions).await?;
        tour.kubectl(&["wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"], String::new()).await?;
        Ok(tour)
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        self.plane.kubeconfig()
    }

    /// The folder with everything that there is.
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }

    /// Where manifests are declared from.
    pub fn manifests(&self) -> PathBuf {
        self.folder.0.join("manifests")
    }

    /// Where the hub is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The hub's event queue.
    pub fn queue_url(&self) -> String {
        let (account, _, name) = self.local.event_queue();
        format!("{}/{account}/{name}", self.url())
    }

    /// The administrator's account.
    pub fn administrator(&self) -> AccountId {
        self.local.administrator()
    }

    /// Home Region first.
    pub fn regions(&self) -> Vec<String> {
        self.local.organization().regions().map(ToString::to_string).collect()
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> usize {
        self.local.organization().accounts().count()
    }

    /// Every finding as the hub has it. Not asked for: Hubkeeper would have to share the quota of GetFindings.
    pub fn read(&self) -> Result<Vec<Seen>, TourError> {
        self.local.findings_json().iter().map(|finding| Seen::parse(&finding.to_string())).collect()
    }

    /// What was written to the hub so far.
    pub fn written(&self) -> Written {
        let count = self.local.count("BatchUpdateFindings");
        Written { calls: count.calls, findings: count.findings }
    }

    /// Where health and metrics are served.
    pub fn health(&self) -> Option<SocketAddr> {
        self.health.get().copied()
    }

    /// Starts `run` in a namespace of its own, as the administrator.
    pub async fn keep(&mut self) -> Result<(), TourError> {
        self.namespaces(&[OURS]).await?;
        let reach = Reach::local(&self.url(), self.administrator(), OURS)
            .map_err(|error| TourError::Local(format!("its address cannot be used: {error}")))?;
        let settings = Lead {
            cluster: Cluster { kubeconfig: Some(self.kubeconfig().to_owned()), context: None },
            namespace: Some(OURS.to_owned()),
            lease: OURS.to_owned(),
            lease_duration: Duration::from_secs(30),
            identity: "demo".to_owned(),
            listen: Some((Ipv4Addr::LOCALHOST, 0).into()),
            owner: None,
            reach,
            abort_at: None,
        };
        let (stop, health) = (self.stop.clone(), Arc::clone(&self.health));
        self.keeping = Some(self.tasks.spawn(async move {
            // Told once.
            let listening = move |address| {
                let _ = health.set(address);
            };
            lead(settings, stop, listening).await
        }));
        Ok(())
    }

    /// Whether it leads: who holds the Lease.
    pub async fn leader(&mut self) -> Result<Option<String>, TourError> {
        self.alive().await?;
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), OURS);
        let lease = leases.get_opt(OURS).await?;
        Ok(lease.and_then(|lease| lease.spec?.holder_identity).filter(|holder| !holder.is_empty()))
    }

    /// Makes namespaces.
    pub async fn namespaces(&self, names: &[&str]) -> Result<(), TourError> {
        for name in names {
            self.kubectl(&["create", "namespace", name], String::new()).await?;
        }
        Ok(())
    }

    /// Writes manifests and applies them with kubectl; what it said.
    #[expect(clippy::disallowed_methods, reason = "the edge: manifests are files")]
    pub async fn declare(&self, files: &[(&str, String)]) -> Result<String, TourError> {
        let folder = self.manifests();
        let failed = |source| TourError::Files { path: folder.display().to_string(), source };
        std::fs::create_dir(&folder).map_err(failed)?;
        for (name, text) in files {
            std::fs::write(folder.join(name), text).map_err(failed)?;
        }
        self.kubectl(&["apply", "--filename", &folder.to_string_lossy()], String::new()).await
    }

    /// Whether all that acts is as declared: hubs, policies and exceptions are Ready.
    pub async fn kept(&mut self) -> Result<bool, TourError> {
        self.alive().await?;
        for kind in [Kind::SecurityHub, Kind::ControlPolicy, Kind::FindingException] {
            let objects: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource(kind));
            let objects = objects.list(&ListParams::default()).await?;
            if !objects.items.iter().all(is_ready) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// An error, if it does not run any more.
    async fn alive(&mut self) -> Result<(), TourError> {
        if self.stop.is_cancelled() {
            return Err(TourError::Interrupted);
        }
        match self.keeping.take_if(|keeping| keeping.is_finished()) {
            Some(ended) => Err(why(ended.await)),
            None => Ok(()),
        }
    }

    /// Waits real time; an error if the tour is stopped meanwhile.
    pub async fn pause(&self, wait: Duration) -> Result<(), TourError> {
        tokio::select! {
            () = self.stop.cancelled() => Err(TourError::Interrupted),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    /// Waits real time; `false`: somebody stops it.
    pub async fn stay(&mut self, wait: Duration) -> Result<bool, TourError> {
        match self.pause(wait).await {
            Err(TourError::Interrupted) => Ok(false),
            waited => {
                waited?;
                self.alive().await?;
                Ok(true)
            }
        }
    }

    /// Ends everything, and removes the folder: who keeps first, the control plane last.
    pub async fn end(mut self) {
        self.stop.cancel();
        if let Some(keeping) = self.keeping.take() {
            // What it says of its end, nobody needs any more.
            let _ = tokio::time::timeout(FAREWELL, keeping).await;
        }
        self.served.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(FAREWELL, self.tasks.wait()).await;
    }

    /// Runs kubectl to its end, as the administrator. Nothing of it is left: its cache is in the folder.
    async fn kubectl(&self, args: &[&str], input: String) -> Result<String, TourError> {
        let mut command = Command::new(self.plane.kubectl());
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(["--request-timeout=30s"]).args(args);
        // Ctrl-C is for us.
        command.env_clear().env("HOME", &self.folder.0).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let action = args.join(" ");
        let failed = |source: std::io::Error| TourError::Kubectl(action.clone(), source.to_string());
        let output = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(input.as_bytes())?;
            }
            child.wait_with_output()
        });
        let output = output.await.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)?;
        if self.stop.is_cancelled() {
            return Err(TourError::Interrupted);
        }
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(TourError::Kubectl(action, String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// Why it ended by itself.
fn why(ended: Result<Result<(), LeadError>, tokio::task::JoinError>) -> TourError {
    match ended {
        Ok(Ok(())) => TourError::Interrupted,
        Ok(Err(error)) => error.into(),
        Err(error) => TourError::Io("keep the hub".to_owned(), std::io::Error::other(error)),
    }
}

fn is_ready(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let conditions = status["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let told = status["observedGeneration"].as_i64() == object.metadata.generation;
    told && conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// A folder for one tour, for nobody else's eyes: there are keys in it. Removed with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, TourError> {
        let path = std::env::temp_dir().join(format!("hubkeeper-demo-{:08x}", fastrand::u32(..)));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|source| TourError::Io(format!("make the folder {}", path.display()), source))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the system's temporary directory does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
