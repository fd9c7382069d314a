//! Doubles shared by the tests of this room.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use jiff::Timestamp;
use tokio::time::Instant;

use super::inprocess::InProcess;
use super::quota::{Quota, Share};
use super::transport::{Settings, Transport};
use crate::core::ids::Region;
use crate::engine::ports::{Clock, Rng};

/// Tokio's clock, paused or not, from a fixed wall time.
#[derive(Debug)]
pub(super) struct TokioClock {
    wall: Timestamp,
    start: Instant,
}

impl TokioClock {
    pub(super) fn new() -> Self {
        Self { wall: "2026-11-21T08:00:00Z".parse().unwrap(), start: Instant::now() }
    }
}

#[async_trait]
impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.wall + jiff::SignedDuration::try_from(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A seeded generator.
pub(super) struct Seeded(Mutex<fastrand::Rng>);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Rng for Seeded {
    fn fraction(&self) -> f64 {
        self.0.lock().unwrap().f64()
    }
}

pub(super) fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

pub(super) fn quota(clock: Arc<dyn Clock>, percent: u8) -> Arc<Quota> {
    Arc::new(Quota::new(clock, Arc::new(Seeded::new(7)), Share::percent(percent)))
}

pub(super) fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("111122223333", "example", None, None, "tests"))
}

/// A transport whose every request is answered by `router`.
pub(super) async fn transport(clock: Arc<dyn Clock>, router: axum::Router) -> Arc<Transport> {
    let mut settings = Settings::new(region(), clock);
    settings.http = Some(SharedHttpClient::new(InProcess::new(router)));
    settings.credentials = Some(credentials());
    Arc::new(Transport::load(settings).await.unwrap())
}
