//! The API server as the source of desired state: one watch for each kind, for as long as the program runs, whoever leads.

mod reflect;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::definitions::Definitions;
use super::store::Store;
use crate::core::ids::Kind;
use crate::core::objects::Desired;
use crate::engine::ports::{Clock, DesiredSource, SourceError};

/// Changes that come together make one new state: `kubectl apply` of a folder is one change.
const REST: Duration = Duration::from_millis(100);

/// Watches every kind into `store` until `stop`.
pub fn watch_all(client: &Client, store: &Arc<Store>, clock: &Arc<dyn Clock>, tasks: &TaskTracker, stop: &CancellationToken) {
    let definitions = Arc::new(Definitions::new(client.clone(), Arc::clone(clock)));
    for kind in Kind::ALL {
        let reflect = reflect::Reflect::new(client.clone(), kind, Arc::clone(store), Arc::clone(clock), Arc::clone(&definitions));
        let stop = stop.clone();
        tasks.spawn(async move {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = reflect.run() => {}
            }
        });
    }
}

/// What is declared in the cluster.
pub struct ClusterSource {
    store: Arc<Store>,
    changes: watch::Receiver<u64>,
    clock: Arc<dyn Clock>,
    given: Option<Arc<Desired>>,
}

impl ClusterSource {
    /// Gives nothing until every kind was listed completely.
    pub fn new(store: &Arc<Store>, clock: Arc<dyn Clock>) -> Self {
        let mut changes = store.changes();
        changes.mark_changed();
        Self { store: Arc::clone(store), changes, clock, given: None }
    }
}

#[async_trait]
impl DesiredSource for ClusterSource {
    async fn next(&mut self) -> Result<Arc<Desired>, SourceError> {
        loop {
            // Marked as seen only after the rest: a caller who cancels here comes back to the same change.
            let ended = |_| SourceError("the watches have ended".to_owned());
            if !self.changes.has_changed().map_err(ended)? {
                self.changes.changed().await.map_err(ended)?;
                self.changes.mark_changed();
            }
            self.clock.sleep(REST).await;
            self.changes.mark_unchanged();
            if self.given.is_none() && !self.store.waiting().is_empty() {
                continue;
            }
            let desired = Arc::new(self.store.desired());
            if self.given.as_ref() != Some(&desired) {
                self.given = Some(Arc::clone(&desired));
                return Ok(desired);
            }
        }
    }
}
