//! `run` in a cluster: objects from the API server, status and events back to it, and a lease that says who writes.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kube::{Api, Client};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::cluster::{ANSWER, Cluster, ClusterError, SILENCE, client};
use super::pass::{AbortAt, AbortGate, OpenGate};
use super::reach::{Progress, Reach};
use super::run::{MeterOf, run};
use super::serve::{ListenError, serve};
use super::time::{Dice, HouseClock};
use crate::aws::quota::{Attempt, OnAttempt};
use crate::cluster::absence::Asked;
use crate::cluster::events::events;
use crate::cluster::identity::{self, IdentityError};
use crate::cluster::lease::{Candidate, Ended, Terms};
use crate::cluster::source::{ClusterSource, watch_all};
use crate::cluster::status::{ClusterStatus, Pen};
use crate::cluster::store::Store;
use crate::core::hub_owner::HubOwner;
use crate::engine::ports::{Clock, Fence, Gate, Meter, Rng, World};
use crate::telemetry::events::Events;
use crate::telemetry::health::Readiness;
use crate::telemetry::metrics::Metrics;

/// What `run` in a cluster is told.
#[derive(Debug, Clone)]
pub struct Lead {
    /// Where.
    pub cluster: Cluster,
    /// Namespace of the lease; absent: the pod's, or the context's.
    pub namespace: Option<String>,
    /// Name of the lease.
    pub lease: String,
    /// How long it lasts without being renewed.
    pub lease_duration: Duration,
    /// Who we are, in the lease and in events.
    pub identity: String,
    /// Where health and metrics are served; port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// By what name it owns hubs; absent: the cluster's own.
    pub owner: Option<HubOwner>,
    /// The way to AWS.
    pub reach: Reach,
    /// For crash tests: the process aborts at this passage of the gate.
    pub abort_at: Option<AbortAt>,
}

/// Why `run` in a cluster cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// The cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// A client for it.
    #[error("failed to make a client of the API server: {0}")]
    Client(#[from] kube::Error),
    /// The address.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Which cluster it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// Keeps every declared hub whenever it leads, until `shutdown`. `listening` is told where health and metrics are served.
pub async fn lead(settings: Lead, shutdown: CancellationToken, listening: impl FnOnce(SocketAddr)) -> Result<(), LeadError> {
    let config = settings.cluster.config().await?;
    let namespace = settings.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
    let clock: Arc<dyn Clock> = Arc::new(HouseClock::system());
    let rng: Arc<dyn Rng> = Arc::new(Dice::fair());
    let gate: Arc<dyn Gate> = match settings.abort_at {
        Some(passage) => Arc::new(AbortGate::at(passage)),
        None => Arc::new(OpenGate),
    };
    let metrics = Metrics::new();
    let readiness = Readiness::waiting("reading what is declared");
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    if let Some(address) = settings.listen {
        listening(serve(address, readiness.clone(), metrics.clone(), &tasks, stop.clone()).await?);
    }

    // Standbys keep what is declared warm, and read neither hub nor queue.
    let store = Arc::new(Store::default());
    watch_all(&client(&config, SILENCE)?, &store, &clock, &tasks, &stop);
    tasks.spawn(tell_readiness(Arc::clone(&store), readiness.clone(), stop.clone()));

    let terms = Terms::lasting(settings.lease_duration, &settings.lease, &settings.identity);
    let leases = Api::namespaced(client(&config, terms.request)?, &namespace);
    let longest = terms.longest_effect();
    let mut candidate = Candidate::new(leases, terms, Arc::clone(&clock), Arc::clone(&rng), Arc::clone(&gate));
    let fence: Arc<dyn Fence> = Arc::new(candidate.fence());
    let counted = metrics.clone();
    let on_attempt: OnAttempt = Arc::new(move |attempt: &Attempt<'_>| {
        counted.aws_request(attempt.operation.as_str(), attempt.code, attempt.throttled);
    });
    let mut connector = settings.reach.connector(&clock, &gate, Some(on_attempt));
    connector.fence = Arc::clone(&fence);
    connector.longest = Some(longest);
    let client = client(&config, ANSWER)?;
    let (sink, writer) = events(client.clone(), Arc::clone(&store), Arc::clone(&clock), Arc::clone(&gate), &settings.identity);
    let writing = stop.clone();
    tasks.spawn(async move { writer.run(&writing).await });
    let metered = metrics.clone();
    let meter_of: MeterOf = Arc::new(move |hub: &str| Arc::new(metered.meter(hub)) as Arc<dyn Meter>);
    let news = Events::new(Arc::clone(&clock), metrics).onward(Arc::new(sink));
    let pen = Pen {
        client: client.clone(),
        store: Arc::clone(&store),
        clock: Arc::clone(&clock),
        rng: Arc::clone(&rng),
        gate: Arc::clone(&gate),
        fence: Arc::clone(&fence),
    };
    let owner = match settings.owner {
        Some(owner) => Some(owner),
        None => own_name(&client, &clock, &shutdown).await?,
    };
    // Stopped before the API server could say.
    let Some(owner) = owner else {
        stop.cancel();
        tasks.close();
        tasks.wait().await;
        return Ok(());
    };
    let mut world = World {
        owner,
        clock: Arc::clone(&clock),
        rng,
        gate,
        fence,
        status: ClusterStatus::new(pen.clone()),
        events: Arc::new(news),
        meter: Arc::new(Progress::none()),
        connector: Arc::new(connector),
        absence: Arc::new(Asked(client)),
    };
    while candidate.lead(&shutdown).await {
        // A term of its own: what another wrote meanwhile is not what we wrote last.
        let status = ClusterStatus::new(pen.clone());
        world.status = Arc::clone(&status) as _;
        let (term, done) = (CancellationToken::new(), CancellationToken::new());
        let source = Box::new(ClusterSource::new(&store, Arc::clone(&clock)));
        let keeping = async {
            run(world.clone(), Arc::clone(&meter_of), source, term.clone(), || {}).await;
            done.cancel();
        };
        let holding = async {
            let ended = candidate.hold(&shutdown).await;
            if ended == Ended::Lost {
                tracing::warn!("another instance leads, or the lease could not be renewed: standing by");
            }
            term.cancel();
        };
        tokio::join!(keeping, holding, status.run(&done));
        // After everything: from here on another may write.
        candidate.release().await;
    }
    readiness.not_ready("stopping");
    stop.cancel();
    tasks.close();
    tasks.wait().await;
    Ok(())
}

/// How long the API server is left alone when it could not say which cluster it is.
const IDENTITY_RETRY: Duration = Duration::from_secs(5);

/// The cluster's own name, as soon as the API server says it; `None`: stopped before.
async fn own_name(
    client: &Client,
    clock: &Arc<dyn Clock>,
    shutdown: &CancellationToken,
) -> Result<Option<HubOwner>, IdentityError> {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(None),
            named = identity::of(client) => match named {
                Ok(owner) => return Ok(Some(owner)),
                Err(error) if error.is_lasting() => return Err(error),
                Err(error) => tracing::warn!(%error, "trying again"),
            },
        }
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(None),
            () = clock.sleep(IDENTITY_RETRY) => {}
        }
    }
}

/// Ready when everything that is declared has been listed once.
async fn tell_readiness(store: Arc<Store>, readiness: Readiness, stop: CancellationToken) {
    let mut changes = store.changes();
    loop {
        let waiting = store.waiting();
        if waiting.is_empty() {
            readiness.ready();
            return;
        }
        let named = |(kind, why): &(crate::core::ids::Kind, Option<String>)| match why {
            Some(why) => why.clone(),
            None => format!("listing {kind}"),
        };
        readiness.not_ready(waiting.iter().map(named).collect::<Vec<_>>().join("; "));
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
}
