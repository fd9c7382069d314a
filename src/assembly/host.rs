//! Security Hub Local on a socket, and its events to a queue of another server.

use std::net::SocketAddr;
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
use crate::local::Local;
use crate::local::feed::EventTarget;

pub use crate::core::filter::MissingField;
pub use crate::local::clock::Speed;
pub use crate::local::faults::{CallFault, EventFaults, Fault, Faults, ThrottleCode};
pub use crate::local::hub::{BadValue, SuppressedOnPassed, Switches, UserFields};
pub use crate::local::options::{LocalOptions, PRINCIPALS};
pub use crate::wire::error::UnprocessedCode;

/// What is told once it listens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Hosted {
    pub address: SocketAddr,
    pub administrator: String,
    pub members: Vec<String>,
    pub home: String,
    pub linked: Vec<String>,
    pub queue_url: String,
    pub findings: usize,
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

/// Serves until `shutdown`. `forward`: the URL of a queue of another server that every event is sent to as well, reached by the
/// ambient identity.
pub async fn host(
    options: LocalOptions,
    listen: SocketAddr,
    forward: Option<&str>,
    shutdown: CancellationToken,
    ready: impl FnOnce(&Hosted),
) -> Result<(), HostError> {
    let local = Local::new(options)?;
    let target = match forward {
        Some(url) => Some(Outside(target(url, local.home()).await?)),
        None => None,
    };
    let failed = |source| HostError::Listen { address: listen, source };
    let listener = TcpListener::bind(listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let organization = local.organization();
    let (administrator, name) = local.event_queue();
    ready(&Hosted {
        address,
        administrator: administrator.to_string(),
        members: organization.members.iter().map(|member| member.id.to_string()).collect(),
        home: organization.home.to_string(),
        linked: organization.linked.iter().map(Region::to_string).collect(),
        queue_url: format!("http://{address}/{administrator}/{name}"),
        findings: local.len(),
    });
    let stop = shutdown.clone();
    let serving = crate::local::http::serve(listener, local.clone(), async move { stop.cancelled().await });
    match target {
        None => serving.await.map_err(HostError::Served),
        Some(target) => tokio::select! {
            served = serving => served.map_err(HostError::Served),
            () = local.forward_events(&target) => Ok(()),
        },
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
