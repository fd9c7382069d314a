//! From a declared SecurityHub to its ports on AWS, or on Security Hub Local.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::aws::feed::{QueueAddress, SqsFeed};
use crate::aws::quota::{OnAttempt, Quota, Share};
use crate::aws::securityhub::SecurityHub;
use crate::aws::transport::{Endpoint, Settings, Timeouts, Transport, TransportError};
use crate::core::objects::HubSpec;
use crate::engine::ports::{AwsFailure, Clock, Connector, FailureKind, Fence, Gate, HubPorts, Rng};

/// How to reach AWS, apart from what each SecurityHub says of itself.
#[derive(Clone)]
pub struct AwsConnector {
    /// Time for signatures, buckets and back-off.
    pub clock: Arc<dyn Clock>,
    /// Jitter.
    pub rng: Arc<dyn Rng>,
    /// Passed before and after a role is assumed.
    pub gate: Arc<dyn Gate>,
    /// Asked before each attempt.
    pub fence: Arc<dyn Fence>,
    /// The longest that a request may take, where a lease bounds it.
    pub longest: Option<Duration>,
    /// Instead of the network.
    pub http: Option<SharedHttpClient>,
    /// Instead of the ambient identity.
    pub credentials: Option<SharedCredentialsProvider>,
    /// Instead of AWS's own endpoints and the environment's.
    pub endpoint: Option<Endpoint>,
    /// Instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// Told of every attempt.
    pub on_attempt: Option<OnAttempt>,
    /// Whether the event queue is read: not by `plan`.
    pub feed: bool,
}

#[async_trait]
impl Connector for AwsConnector {
    async fn connect(&self, hub: &HubSpec) -> Result<HubPorts, AwsFailure> {
        let failed =
            |kind, message: String| AwsFailure { action: "reach AWS".to_owned(), kind, code: None, message, retry_after: None };
        let settings = Settings {
            http: self.http.clone(),
            credentials: self.credentials.clone(),
            endpoint: self.endpoint.clone(),
            profile: self.profile.clone(),
            role: hub.role.clone(),
            gate: Some(Arc::clone(&self.gate)),
            timeouts: self.longest.map_or_else(Timeouts::default, |longest| Timeouts::default().within(longest)),
            ..Settings::new(hub.home_region.clone(), Arc::clone(&self.clock))
        };
        let transport = Transport::load(settings).await.map_err(|error| {
            let kind = match error {
                TransportError::Endpoint(_) => FailureKind::Misconfigured,
                TransportError::NoCredentials => FailureKind::Credentials,
            };
            failed(kind, error.to_string())
        })?;
        let transport = Arc::new(transport);
        let mut quota = Quota::new(Arc::clone(&self.clock), Arc::clone(&self.rng), Share::percent(hub.api_quota_percent))
            .with_fence(Arc::clone(&self.fence));
        if let Some(on_attempt) = &self.on_attempt {
            quota = quota.with_observer(Arc::clone(on_attempt));
        }
        let quota = Arc::new(quota);
        let feed = match hub.queue_url.as_ref().filter(|_| self.feed) {
            Some(url) => {
                let queue = QueueAddress::parse(url, &hub.home_region)
                    .map_err(|error| failed(FailureKind::Misconfigured, error.to_string()))?;
                Some(Arc::new(SqsFeed::new(&transport, Arc::clone(&quota), queue)) as Arc<dyn crate::engine::ports::Feed>)
            }
            None => None,
        };
        let hub = Arc::new(SecurityHub::new(transport, quota, hub.home_region.clone()));
        Ok(HubPorts { read: hub.clone(), write: hub.clone(), history: hub.clone(), tags: hub, feed })
    }
}
