//! Security Hub Local on a socket, and its events to a queue of another server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;

use super::pass::SoleWriter;
use super::reach::Reach;
use super::snapshot_file::{FileError, SnapshotFile};
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
pub use crate::local::queue::dead_letters;
pub use crate::wire::error::UnprocessedCode;
pub use crate::wire::limits::{NAME_CHARS as QUEUE_NAME_CHARS, RECEIVES_MAX};
use crate::wire::securityhub::LinkingMode;
pub use crate::wire::sqs::is_name as is_queue_name;

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
    /// It broke while it was made.
    #[error("failed to make the hub: {0}")]
    Broken(String),
    /// The snapshot's file is of no use.
    #[error("failed to use the snapshot {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: FileError,
    },
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

/// How it is asked to end.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// In order: answers that are under way are waited for. While the hub is made, there is nothing to wait for.
    pub in_order: CancellationToken,
    /// Now; the snapshot is still written.
    pub at_once: CancellationToken,
}

/// Serves until it is asked to end. `snapshot`: a file that it goes on from if it is there, and that is written at the end
/// and when asked for. `forward`: the URL of a queue of another server that every event is sent to as well, reached by the
/// ambient identity.
pub async fn host(
    options: LocalOptions,
    listen: SocketAddr,
    snapshot: Option<&Path>,
    forward: Option<&str>,
    ending: Ending,
    ready: impl FnOnce(&Hosted),
) -> Result<(), HostError> {
    let made = async {
        let Made { local, file, restored } = make(options, snapshot.map(Path::to_owned)).await?;
        let target = match forward {
            Some(url) => Some(Outside(target(url, local.home()).await?)),
            None => None,
        };
        let failed = |source| HostError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok::<_, HostError>((local, file, restored, target, listener, address))
    };
    let (local, file, restored, target, listener, address) = tokio::select! {
        biased;
        () = ending.in_order.cancelled() => return Ok(()),
        made = made => made?,
    };
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
    let Ending { in_order, at_once } = ending;
    let serving = crate::local::http::serve(listener, local.clone(), async move { in_order.cancelled().await });
    let forwarding = async {
        match &target {
            Some(target) => local.forward_events(target).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        served = serving => served.map_err(HostError::Served)?,
        () = forwarding => {}
        () = at_once.cancelled() => {}
    }
    match file {
        None => Ok(()),
        Some((path, file)) => {
            // Off the runtime, which still hears signals.
            let saved = spawn_blocking(move || file.save(&local)).await.map_err(|error| HostError::Broken(error.to_string()))?;
            saved.map(|_| ()).map_err(|source| HostError::Save { path, source })
        }
    }
}

/// A hub that is not served yet.
struct Made {
    local: Local,
    /// Where it is kept, as the user calls it.
    file: Option<(PathBuf, Arc<SnapshotFile>)>,
    restored: bool,
}

/// Makes the hub, or goes on from the snapshot: seconds of work for a big one, off the runtime, which hears signals meanwhile.
async fn make(options: LocalOptions, snapshot: Option<PathBuf>) -> Result<Made, HostError> {
    let work = move || {
        let Some(path) = snapshot else {
            return Ok(Made { local: Local::new(options)?, file: None, restored: false });
        };
        let opened = SnapshotFile::open(&path).map_err(|source| HostError::File { path: path.clone(), source })?;
        let file = Arc::new(opened);
        let kept = file.read().map_err(SnapshotError::from);
        let kept = kept.and_then(|kept| kept.map(|kept| Local::restore(kept, options.clone())).transpose());
        let kept = kept.map_err(|source| HostError::Restore { path: path.clone(), source })?;
        let restored = kept.is_some();
        let local = match kept {
            Some(local) => local,
            None => Local::new(options)?,
        };
        let (saving, named) = (Arc::clone(&file), path.clone());
        local.set_saver(move |local| match saving.save(local) {
            Ok(findings) => Ok(format!("{findings} findings are in {}", named.display())),
            Err(error) => Err(format!("failed to write the snapshot {}: {error}", named.display())),
        });
        Ok(Made { local, file: Some((path, file)), restored })
    };
    spawn_blocking(work).await.unwrap_or_else(|error| Err(HostError::Broken(error.to_string())))
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
