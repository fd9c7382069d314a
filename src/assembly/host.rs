//! Security Hub Local on a socket, and its events to a queue of another server.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::pass::SoleWriter;
use super::reach::Reach;
use super::time::{Dice, HouseClock};
use crate::aws::feed::{QueueAddress, QueueUrlError};
use crate::aws::queue_target::SqsTarget;
use crate::aws::quota::{Quota, Share};
use crate::aws::transport::{Settings, Transport, TransportError};
use crate::core::ids::{IdError, Region};
use crate::engine::ports::Clock;
use crate::local::feed::EventTarget;
use crate::local::snapshot::SnapshotError;
use crate::local::{Local, Standing};

pub use crate::core::filter::MissingField;
pub use crate::local::buckets::Sharing;
pub use crate::local::clock::{Speed, SpeedError};
pub use crate::local::faults::{CallFault, EventFaults, Fault, Faults, ThrottleCode};
pub use crate::local::hub::lifetime::Lifetimes;
pub use crate::local::hub::pace::Pace;
pub use crate::local::hub::topology::view::OldFindings;
pub use crate::local::hub::{BadValue, Resets, RulesSee, SuppressedOnPassed, Switches, UserFields};
pub use crate::local::options::{LocalOptions, PRINCIPALS};
pub use crate::wire::error::UnprocessedCode;
use crate::wire::securityhub::LinkingMode;

/// What is told once it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Hosted {
    pub address: SocketAddr,
    /// The account that the event queue belongs to, and its Region.
    pub administrator: String,
    pub members: Vec<String>,
    pub home: String,
    pub linked: Vec<String>,
    /// Nobody administers anybody yet: the management account of the organization, to begin with.
    pub bare: Option<String>,
    pub queue_url: String,
    pub findings: usize,
    /// Whether it goes on from the snapshot.
    pub restored: bool,
}

/// Why it cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The organization cannot be made.
    #[error("failed to make the organization: {0}")]
    Options(#[from] IdError),
    /// The address.
    #[error("failed to listen on {address}: {source}; name another with --listen, port 0 takes a free one")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The server ended.
    #[error("failed to serve: {0}")]
    Served(std::io::Error),
    /// The snapshot was not read: nothing of it was used, and it is as it was.
    #[error("failed to go on from the snapshot {path}: {source}")]
    Restore {
        /// Which.
        path: PathBuf,
        /// Why.
        source: SnapshotError,
    },
    /// The snapshot was not written: one that was there is as it was.
    #[error("failed to write the snapshot {path}: {source}")]
    Save {
        /// Which.
        path: PathBuf,
        /// Why.
        source: SnapshotError,
    },
    /// The queue that events go to.
    #[error(transparent)]
    Queue(#[from] QueueUrlError),
    /// The way to it.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// The system's time now: what Security Hub Local shows at first unless told otherwise.
pub fn now() -> jiff::Timestamp {
    HouseClock::system().now()
}

/// Serves until `shutdown`. `snapshot`: a file that it goes on from if it is there, and that is written at the end and when
/// asked for. `forward`: the URL of a queue of another server that every event is sent to as well, reached by the
/// ambient identity.
pub async fn host(
    options: LocalOptions,
    listen: SocketAddr,
    snapshot: Option<&Path>,
    forward: Option<&str>,
    shutdown: CancellationToken,
    ready: impl FnOnce(&Hosted),
) -> Result<(), HostError> {
    let kept =
        snapshot.map(|path| restore(path, &options).map_err(|source| HostError::Restore { path: path.to_owned(), source }));
    let kept = kept.transpose()?.flatten();
    let restored = kept.is_some();
    let local = match kept {
        Some(local) => local,
        None => Local::new(options)?,
    };
    if let Some(path) = snapshot.map(Path::to_owned) {
        local.set_saver(move |local| match save(local, &path) {
            Ok(findings) => Ok(format!("{findings} findings are in {}", path.display())),
            Err(error) => Err(format!("failed to write the snapshot {}: {error}", path.display())),
        });
    }
    let target = match forward {
        Some(url) => Some(Outside(target(url, local.home()).await?)),
        None => None,
    };
    let failed = |source| HostError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let (organization, standing) = (local.organization(), local.standing());
    let (administrator, name) = local.event_queue();
    let bare = standing.administrator.is_none() && standing.home.is_none();
    ready(&Hosted {
        address,
        administrator: administrator.to_string(),
        members: standing.members.iter().map(ToString::to_string).collect(),
        home: organization.home.to_string(),
        linked: linked(&standing),
        bare: bare.then(|| standing.management.to_string()),
        queue_url: format!("http://{address}/{administrator}/{name}"),
        findings: local.len(),
        restored,
    });
    let stop = shutdown.clone();
    let serving = crate::local::http::serve(listener, local.clone(), async move { stop.cancelled().await });
    match target {
        None => serving.await.map_err(HostError::Served)?,
        Some(target) => tokio::select! {
            served = serving => served.map_err(HostError::Served)?,
            () = local.forward_events(&target) => {}
        },
    }
    match snapshot {
        None => Ok(()),
        Some(path) => save(&local, path).map(|_| ()).map_err(|source| HostError::Save { path: path.to_owned(), source }),
    }
}

/// The linked Regions, for people.
fn linked(standing: &Standing) -> Vec<String> {
    match standing.linking {
        Some(LinkingMode::AllRegions) => vec!["all".to_owned()],
        Some(LinkingMode::AllRegionsExceptSpecified) => {
            let but = standing.regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ");
            vec![format!("all but {but}")]
        }
        Some(LinkingMode::SpecifiedRegions | LinkingMode::NoRegions) | None => {
            standing.regions.iter().map(Region::to_string).collect()
        }
    }
}

/// The hub in a snapshot; `None`: there is none yet, and it can be written later.
#[expect(clippy::disallowed_methods, reason = "the edge: a snapshot is a file")]
fn restore(path: &Path, options: &LocalOptions) -> Result<Option<Local>, SnapshotError> {
    match fs::File::open(path) {
        Ok(file) => Local::restore(file, options.clone()).map(Some),
        // Better now than when there is something to lose.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(fs::metadata(folder(path)).map(|_| None)?),
        Err(error) => Err(error.into()),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes beside it, and puts it in its place when it is whole and on disk.
#[expect(clippy::disallowed_methods, reason = "the edge: a snapshot is a file")]
fn save(local: &Local, path: &Path) -> Result<usize, SnapshotError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let written = fs::File::create(&beside).map_err(SnapshotError::from).and_then(|mut file| {
        let findings = local.save(&mut file)?;
        file.sync_all()?;
        fs::rename(&beside, path)?;
        fs::File::open(folder(path))?.sync_all()?;
        Ok(findings)
    });
    if written.is_err() {
        // What is left of it is of no use; that it cannot be removed is not what went wrong.
        let _ = fs::remove_file(&beside);
    }
    written
}

async fn target(url: &str, home: &Region) -> Result<SqsTarget, HostError> {
    let clock: Arc<dyn Clock> = Arc::new(HouseClock::system());
    let queue = QueueAddress::parse(url, home)?;
    // The queue's own address says where it is: an endpoint override would lead the events back here.
    let Reach { endpoint, profile, .. } = Reach::default();
    let transport = Transport::load(Settings { endpoint, profile, ..Settings::new(home.clone(), Arc::clone(&clock)) }).await?;
    let quota = Quota::new(clock, Arc::new(Dice::fair()), Share::percent(100)).with_fence(Arc::new(SoleWriter));
    Ok(SqsTarget::new(&transport, Arc::new(quota), queue))
}

struct Outside(SqsTarget);

#[async_trait]
impl EventTarget for Outside {
    async fn send(&self, bodies: Vec<String>) -> Result<(), String> {
        self.0.send(bodies).await.map_err(|error| error.to_string())
    }
}
