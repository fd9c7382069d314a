//! Who leads: a Lease that is taken and renewed by compare-and-swap, and the fence that stands on it.
//!
//! Whether another's lease has run out is told by our own clock, from when we first saw it as it is: no two clocks are ever
//! compared. Our own right to write ends [`Terms::deadline`] after the start of the last renewal that succeeded, which with the
//! longest request is before anybody may take it.

mod fence;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use futures::future::{Either, select};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Api;
use kube::api::{ObjectMeta, PostParams, WatchEvent, WatchParams};
use tokio_util::sync::CancellationToken;

pub use fence::{LeaseFence, Standing};

use crate::engine::ports::{Blocked, Clock, Effect, Gate, Rng};

/// How a lease is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// Name of the Lease.
    pub name: String,
    /// Who we are: different for every process.
    pub identity: String,
    /// After this time without a renewal another may take it.
    pub duration: Duration,
    /// After this time without a renewal we start nothing any more.
    pub deadline: Duration,
    /// How often it is renewed.
    pub renew_every: Duration,
    /// How long one request for it may take.
    pub request: Duration,
}

impl Terms {
    /// The usual proportions: renewed every fifth of the duration, nothing started after half of it.
    pub fn lasting(duration: Duration, name: &str, identity: &str) -> Self {
        Self {
            name: name.to_owned(),
            identity: identity.to_owned(),
            duration,
            deadline: duration / 2,
            renew_every: duration / 5,
            request: duration / 5,
        }
    }

    /// The longest that a request to AWS may take, so that it has ended before another leads.
    pub fn longest_effect(&self) -> Duration {
        self.duration.saturating_sub(self.deadline).saturating_sub(Duration::from_secs(1)).max(self.duration / 4)
    }
}

/// What ended a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Another has it, or it could not be renewed in time.
    Lost,
    /// We were told to stop, and still have it.
    Stopped,
}

/// Somebody's lease, and since when we have seen it as it is.
#[derive(Debug, Clone)]
struct Seen {
    lease: Lease,
    since: Duration,
}

/// Why a request for the lease brought nothing.
#[derive(Debug, thiserror::Error)]
enum Missed {
    /// Somebody else was first.
    #[error("somebody else was first")]
    Conflict,
    /// It is not there.
    #[error("the Lease is gone")]
    Gone,
    /// A failure of the API server or the way to it.
    #[error("{0}")]
    Failed(String),
}

/// Takes part in the election.
pub struct Candidate {
    api: Api<Lease>,
    terms: Terms,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    gate: Arc<dyn Gate>,
    standing: Standing,
    seen: Option<Seen>,
}

impl Candidate {
    /// In the namespace of `api`, whose client must not retry by itself.
    pub fn new(api: Api<Lease>, terms: Terms, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>, gate: Arc<dyn Gate>) -> Self {
        let standing = Standing::new(Arc::clone(&clock));
        Self { api, terms, clock, rng, gate, standing, seen: None }
    }

    /// The right to write, as long as there is one.
    pub fn fence(&self) -> LeaseFence {
        LeaseFence::new(self.standing.clone())
    }

    /// Waits until we lead. `false`: told to stop before.
    pub async fn lead(&mut self, stop: &CancellationToken) -> bool {
        while !stop.is_cancelled() {
            match self.observe().await {
                Ok(()) if self.is_free() => match self.take().await {
                    Ok(()) => return true,
                    Err(Missed::Conflict | Missed::Gone) => {}
                    Err(error @ Missed::Failed(_)) => self.failed("take", &error, stop).await,
                },
                Ok(()) => self.wait(stop).await,
                Err(error) => self.failed("read", &error, stop).await,
            }
        }
        false
    }

    /// Renews until it is lost or we are told to stop.
    pub async fn hold(&mut self, stop: &CancellationToken) -> Ended {
        let mut pause = self.terms.renew_every;
        loop {
            if self.pause(pause, stop).await {
                return Ended::Stopped;
            }
            pause = self.terms.renew_every;
            let missed = match self.renew().await {
                Ok(()) => continue,
                Err(missed) => missed,
            };
            tracing::debug!(%missed, "the lease was not renewed");
            if !matches!(missed, Missed::Failed(_)) && self.observe().await.is_ok() && !self.is_ours() {
                break;
            }
            if !self.standing.stands() {
                break;
            }
            pause = (self.terms.renew_every / 4).min(Duration::from_secs(1));
        }
        self.standing.end();
        Ended::Lost
    }

    /// Gives it up, so that another may lead at once. Nothing may be written any more when this is called.
    pub async fn release(&mut self) {
        self.standing.end();
        let Some(seen) = self.seen.clone().filter(|_| self.is_ours()) else { return };
        let mut lease = seen.lease;
        if let Some(spec) = &mut lease.spec {
            spec.holder_identity = None;
            spec.lease_duration_seconds = Some(1);
            spec.renew_time = Some(MicroTime(self.clock.now()));
        }
        match self.replace(lease).await {
            Ok(()) => tracing::info!(lease = self.terms.name, "the lease is given up"),
            Err(missed) => tracing::warn!(%missed, lease = self.terms.name, "the lease is not given up: it runs out"),
        }
    }

    /// Reads the lease; remembers since when it is as it is.
    async fn observe(&mut self) -> Result<(), Missed> {
        let found = self.timely(self.api.get_opt(&self.terms.name)).await?;
        match found {
            Some(lease) => self.saw(lease),
            None => self.seen = None,
        }
        Ok(())
    }

    fn saw(&mut self, lease: Lease) {
        let version = |lease: &Lease| lease.metadata.resource_version.clone();
        if self.seen.as_ref().is_none_or(|seen| version(&seen.lease) != version(&lease)) {
            self.seen = Some(Seen { lease, since: self.clock.elapsed() });
        }
    }

    fn holder(&self) -> Option<&str> {
        let spec = self.seen.as_ref()?.lease.spec.as_ref()?;
        spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
    }

    fn is_ours(&self) -> bool {
        self.holder() == Some(self.terms.identity.as_str())
    }

    /// When another's lease runs out, by our clock.
    fn runs_out(&self) -> Option<Duration> {
        let seen = self.seen.as_ref()?;
        let promised = seen.lease.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        // What the holder promised to itself counts, not what we would.
        let lasts = promised.and_then(|seconds| u64::try_from(seconds).ok()).map_or(self.terms.duration, Duration::from_secs);
        Some(seen.since + lasts)
    }

    fn is_free(&self) -> bool {
        self.holder().is_none() || self.is_ours() || self.runs_out().is_none_or(|at| self.clock.elapsed() >= at)
    }

    fn spec(&self, now: Timestamp) -> LeaseSpec {
        let before = self.seen.as_ref().and_then(|seen| seen.lease.spec.clone()).unwrap_or_default();
        let again = before.holder_identity.as_deref() == Some(self.terms.identity.as_str());
        LeaseSpec {
            holder_identity: Some(self.terms.identity.clone()),
            lease_duration_seconds: i32::try_from(self.terms.duration.as_secs()).ok(),
            acquire_time: if again { before.acquire_time } else { Some(MicroTime(now)) },
            renew_time: Some(MicroTime(now)),
            lease_transitions: Some(before.lease_transitions.unwrap_or(0).saturating_add(i32::from(!again))),
            ..LeaseSpec::default()
        }
    }

    async fn take(&mut self) -> Result<(), Missed> {
        let from = self.clock.elapsed();
        let spec = self.spec(self.clock.now());
        if let Some(seen) = self.seen.clone() {
            self.replace(Lease { spec: Some(spec), ..seen.lease }).await?;
        } else {
            let metadata = ObjectMeta { name: Some(self.terms.name.clone()), ..ObjectMeta::default() };
            self.create(Lease { metadata, spec: Some(spec) }).await?;
        }
        self.standing.begin(from + self.terms.deadline);
        tracing::info!(lease = self.terms.name, identity = self.terms.identity, "leading");
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), Missed> {
        // The deadline counts from the start: the answer may be late, what it answers is not.
        let from = self.clock.elapsed();
        let Some(seen) = self.seen.clone().filter(|_| self.is_ours()) else { return Err(Missed::Gone) };
        let spec = self.spec(self.clock.now());
        self.replace(Lease { spec: Some(spec), ..seen.lease }).await?;
        self.standing.begin(from + self.terms.deadline);
        Ok(())
    }

    async fn create(&mut self, lease: Lease) -> Result<(), Missed> {
        let params = PostParams::default();
        let written = self.gated(self.api.create(&params, &lease)).await?;
        self.saw(written);
        Ok(())
    }

    /// Writes it if it is still as we have seen it: its `resourceVersion` goes along.
    async fn replace(&mut self, lease: Lease) -> Result<(), Missed> {
        let params = PostParams::default();
        let written = self.gated(self.api.replace(&self.terms.name, &params, &lease)).await?;
        self.saw(written);
        Ok(())
    }

    async fn gated<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, Missed> {
        let blocked = |blocked: Blocked| Missed::Failed(blocked.to_string());
        self.gate.before(&Effect::Lease).await.map_err(blocked)?;
        let answer = self.timely(request).await;
        self.gate.after(&Effect::Lease).await.map_err(blocked)?;
        answer
    }

    async fn timely<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, Missed> {
        let late = self.clock.sleep(self.terms.request);
        let answer = match select(Box::pin(request), late).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => return Err(Missed::Failed(format!("no answer within {:?}", self.terms.request))),
        };
        answer.map_err(|error| match error {
            kube::Error::Api(status) if status.code == 409 => Missed::Conflict,
            kube::Error::Api(status) if status.code == 404 => Missed::Gone,
            kube::Error::Api(status) => Missed::Failed(format!("{} ({})", status.message, status.reason)),
            other => Missed::Failed(other.to_string()),
        })
    }

    /// Waits while another leads: until its lease changes, or runs out.
    async fn wait(&mut self, stop: &CancellationToken) {
        let left = self.runs_out().map_or(Duration::ZERO, |at| at.saturating_sub(self.clock.elapsed()));
        let Some(version) = self.seen.as_ref().and_then(|seen| seen.lease.metadata.resource_version.clone()) else { return };
        let clock = Arc::clone(&self.clock);
        let changed = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            changed = self.changed(&version) => Some(changed),
            () = clock.sleep(left) => None,
        };
        match changed {
            Some(Ok(Some(lease))) => self.saw(lease),
            Some(Ok(None)) | None => {}
            Some(Err(error)) => self.failed("watch", &Missed::Failed(error.to_string()), stop).await,
        }
    }

    /// The lease after its next change; `None`: it is gone, or the watch ended.
    async fn changed(&self, version: &str) -> kube::Result<Option<Lease>> {
        let params = WatchParams::default().fields(&format!("metadata.name={}", self.terms.name));
        let mut watch = Box::pin(self.api.watch(&params, version).await?);
        while let Some(event) = watch.try_next().await? {
            match event {
                WatchEvent::Added(lease) | WatchEvent::Modified(lease) => return Ok(Some(lease)),
                WatchEvent::Deleted(_) => return Ok(None),
                WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
                WatchEvent::Bookmark(_) => {}
            }
        }
        Ok(None)
    }

    async fn failed(&self, action: &str, error: &Missed, stop: &CancellationToken) {
        tracing::warn!(%error, lease = self.terms.name, "failed to {action} the lease");
        self.pause(self.terms.renew_every.mul_f64(0.5 + self.rng.fraction()), stop).await;
    }

    /// `true`: told to stop meanwhile.
    async fn pause(&self, time: Duration, stop: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            () = stop.cancelled() => true,
            () = self.clock.sleep(time) => false,
        }
    }
}
