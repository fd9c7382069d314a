//! Health and metrics of a process, for as long as it runs.

use std::io;
use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::telemetry::health::{self, Readiness};
use crate::telemetry::metrics::Metrics;

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("failed to listen on {address}: {source}; name another with --listen, port 0 takes a free one")]
pub struct ListenError {
    /// Which.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
}

/// Serves `/livez`, `/readyz` and `/metrics` until `stop`; gives the address, with the port that was free for port 0.
pub(super) async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    metrics: Metrics,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result<SocketAddr, ListenError> {
    let failed = |source| ListenError { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    tasks.spawn(async move {
        let stop = async move { stop.cancelled().await };
        if let Err(error) = health::serve(listener, readiness, metrics, stop).await {
            tracing::warn!(%error, "health and metrics are no longer served");
        }
    });
    Ok(bound)
}
