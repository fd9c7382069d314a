//! How we reach AWS: one place that assembles the SDK's configuration, in production and in a test alike.
//!
//! The SDK's retries and its stalled-stream protection are off (the one retry loop is in `quota`; an attempt's timeout bounds a
//! stalled body), every call has a timeout, and no endpoint is used that could send credentials in the clear.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_runtime::invocation_id::SharedInvocationIdGenerator;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::identity::SharedIdentityCache;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;

use super::clock::SdkClock;
use super::raw::RefuseEmpty;
use crate::core::ids::Region;
use crate::core::objects::Role;
use crate::engine::ports::{Clock, Effect, Gate};

/// How long a poll of a queue waits for messages, in seconds: the most that SQS allows.
pub(super) const WAIT_SECONDS: u16 = 20;

/// An endpoint override: https anywhere, plain http only to this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

/// Why a text is no endpoint for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not `scheme://host[:port]`.
    #[error("failed to use the endpoint {0:?}: write it as https://host, https://host:port or http://127.0.0.1:port")]
    Shape(String),
    /// http to another machine.
    #[error("failed to use the endpoint {0:?}: plain http is allowed to 127.0.0.1, [::1] and localhost only; use https")]
    Clear(String),
}

impl Endpoint {
    /// As the SDK takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.parse::<http::Uri>().is_ok_and(|uri| uri.host().is_some_and(is_loopback))
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let shape = || EndpointError::Shape(text.to_owned());
        let uri: http::Uri = text.trim().parse().map_err(|_| shape())?;
        let authority = uri.authority().ok_or_else(shape)?;
        if authority.as_str().contains('@') || authority.host().is_empty() || uri.query().is_some() {
            return Err(shape());
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(authority.host()) => {}
            Some("http") => return Err(EndpointError::Clear(text.to_owned())),
            _ => return Err(shape()),
        }
        Ok(Self(text.trim().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// How long a call may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a connection is there.
    pub connect: Duration,
    /// One request, its answer read to the end. With the renew deadline it must stay below the lease (promise I8).
    pub attempt: Duration,
    /// The whole call, credentials included.
    pub operation: Duration,
    /// Getting credentials.
    pub credentials: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(3), attempt: seconds(20), operation: seconds(25), credentials: seconds(15) }
    }
}

impl Timeouts {
    /// As usual, but no request takes longer than this.
    #[must_use]
    pub fn within(self, longest: Duration) -> Self {
        let (attempt, operation) = (self.attempt.min(longest), self.operation.min(longest));
        Self { connect: self.connect.min(longest), attempt, operation, credentials: self.credentials.min(longest) }
    }

    fn config(self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.connect)
            .read_timeout(self.attempt)
            .operation_attempt_timeout(self.attempt)
            .operation_timeout(self.operation)
            .build()
    }

    fn long_poll(self) -> Self {
        let poll = Duration::from_secs(WAIT_SECONDS.into());
        Self { attempt: self.attempt + poll, operation: self.operation + poll, ..self }
    }

    /// STS is asked within the time for credentials, so that a slow STS is reported as such.
    fn sts(self) -> Self {
        let (attempt, operation) = (self.credentials.mul_f64(0.6), self.credentials.mul_f64(0.8));
        Self { attempt, operation, ..self }
    }
}

/// What the SDK's configuration is made from.
pub struct Settings {
    /// The Region of STS and of the queue, unless they say otherwise.
    pub region: Region,
    /// Our time.
    pub clock: Arc<dyn Clock>,
    /// Instead of the network.
    pub http: Option<SharedHttpClient>,
    /// Instead of the environment, the profile, SSO, web identity, container and instance.
    pub credentials: Option<SharedCredentialsProvider>,
    /// For all services; before `AWS_ENDPOINT_URL`, `AWS_ENDPOINT_URL_<SERVICE>` and the profile's `endpoint_url`.
    pub endpoint: Option<Endpoint>,
    /// Instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// Assumed with the identity above.
    pub role: Option<Role>,
    /// `RoleSessionName`: our name in CloudTrail and in finding histories.
    pub session_name: String,
    /// Passed before and after a role is assumed.
    pub gate: Option<Arc<dyn Gate>>,
    /// Instead of random ids, for byte-identical requests.
    pub invocation_ids: Option<SharedInvocationIdGenerator>,
    /// Bounds of every call.
    pub timeouts: Timeouts,
}

impl Settings {
    /// The ambient identity, AWS's own endpoints.
    pub fn new(region: Region, clock: Arc<dyn Clock>) -> Self {
        Self {
            region,
            clock,
            http: None,
            credentials: None,
            endpoint: None,
            profile: None,
            role: None,
            session_name: "hubkeeper".to_owned(),
            gate: None,
            invocation_ids: None,
            timeouts: Timeouts::default(),
        }
    }
}

/// Why there is no way to AWS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// An endpoint of the environment or the profile is not allowed.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// Nothing can provide credentials.
    #[error("failed to find a source of AWS credentials: set AWS_PROFILE, or run where a role is attached")]
    NoCredentials,
}

/// A way to AWS with one identity. Clients of one transport share its credentials.
pub struct Transport {
    http: Option<SharedHttpClient>,
    time: SharedTimeSource,
    sleep: SharedAsyncSleep,
    endpoints: Endpoints,
    region: Region,
    credentials: SharedCredentialsProvider,
    identities: SharedIdentityCache,
    invocation_ids: Option<SharedInvocationIdGenerator>,
    timeouts: Timeouts,
}

#[derive(Debug, Default)]
struct Endpoints {
    security_hub: Option<Endpoint>,
    sts: Option<Endpoint>,
    sqs: Option<Endpoint>,
}

impl Endpoints {
    fn all(endpoint: Endpoint) -> Self {
        Self { security_hub: Some(endpoint.clone()), sts: Some(endpoint.clone()), sqs: Some(endpoint) }
    }

    /// Those that the environment or the profile names, for one service or for all.
    fn of(loaded: &SdkConfig) -> Result<Self, EndpointError> {
        let service = |id| {
            let key = ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
            let own = key.ok().and_then(|key| loaded.service_config()?.load_config(key));
            own.or_else(|| loaded.endpoint_url().map(str::to_owned)).map(|text| text.parse()).transpose()
        };
        Ok(Self { security_hub: service("SecurityHub")?, sts: service("STS")?, sqs: service("SQS")? })
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_process = self.http.is_some();
        let fields = (&self.region, &self.endpoints, in_process);
        f.debug_struct("Transport").field("region, endpoints, in process", &fields).finish_non_exhaustive()
    }
}

impl Transport {
    /// Reads the environment and the profile (unless credentials are given), and prepares the role. Calls nothing yet.
    pub async fn load(settings: Settings) -> Result<Self, TransportError> {
        let clock = SdkClock::new(Arc::clone(&settings.clock));
        let (time, sleep) = (clock.time_source(), clock.async_sleep());
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(settings.region.as_str().to_owned()))
            .time_source(time.clone())
            .sleep_impl(sleep.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(settings.timeouts.sts().config())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(http) = &settings.http {
            loader = loader.http_client(http.clone());
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(endpoint) = &settings.endpoint {
            loader = loader.endpoint_url(endpoint.as_str());
        }
        // With credentials given, the environment and the home directory are none of our business.
        let (found, credentials) = if let Some(credentials) = settings.credentials {
            (Endpoints::default(), credentials)
        } else {
            let loaded = loader.load().await;
            (Endpoints::of(&loaded)?, loaded.credentials_provider().ok_or(TransportError::NoCredentials)?)
        };
        let endpoints = settings.endpoint.map_or(found, Endpoints::all);
        let identities = IdentityCache::lazy().load_timeout(settings.timeouts.credentials).build();
        let mut transport = Self {
            http: settings.http,
            time,
            sleep,
            endpoints,
            region: settings.region,
            credentials,
            identities,
            invocation_ids: settings.invocation_ids,
            timeouts: settings.timeouts,
        };
        if let Some(role) = settings.role {
            let region = transport.region.clone();
            let config = transport.config(&region, transport.endpoints.sts.as_ref(), transport.timeouts.sts());
            let mut provider = AssumeRoleProvider::builder(role.arn).session_name(settings.session_name).configure(&config);
            if let Some(external_id) = role.external_id {
                provider = provider.external_id(external_id);
            }
            let provider = Assumed { provider: provider.build().await, gate: settings.gate };
            transport.credentials = SharedCredentialsProvider::new(provider);
        }
        Ok(transport)
    }

    /// The Region of STS.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// Security Hub in one Region.
    pub fn security_hub(&self, region: &Region) -> aws_sdk_securityhub::Client {
        let config = self.config(region, self.endpoints.security_hub.as_ref(), self.timeouts);
        let mut builder = aws_sdk_securityhub::config::Builder::from(&config).interceptor(RefuseEmpty);
        if let Some(ids) = &self.invocation_ids {
            builder = builder.invocation_id_generator(ids.clone());
        }
        aws_sdk_securityhub::Client::from_conf(builder.build())
    }

    /// STS, to know who we are.
    pub fn sts(&self) -> aws_sdk_sts::Client {
        let config = self.config(&self.region, self.endpoints.sts.as_ref(), self.timeouts.sts());
        let mut builder = aws_sdk_sts::config::Builder::from(&config);
        if let Some(ids) = &self.invocation_ids {
            builder = builder.invocation_id_generator(ids.clone());
        }
        aws_sdk_sts::Client::from_conf(builder.build())
    }

    /// SQS in the Region and at the endpoint of a queue. An override for SQS replaces AWS's own hosts, not a queue's own.
    pub fn sqs(&self, region: &Region, own: Option<&Endpoint>) -> aws_sdk_sqs::Client {
        let config = self.config(region, own.or(self.endpoints.sqs.as_ref()), self.timeouts.long_poll());
        let mut builder = aws_sdk_sqs::config::Builder::from(&config);
        if let Some(ids) = &self.invocation_ids {
            builder = builder.invocation_id_generator(ids.clone());
        }
        aws_sdk_sqs::Client::from_conf(builder.build())
    }

    fn config(&self, region: &Region, endpoint: Option<&Endpoint>, timeouts: Timeouts) -> SdkConfig {
        // A simulated or local server keeps its own time: its Date header must not move our signatures.
        let skew = self.http.is_none() && !endpoint.is_some_and(Endpoint::is_loopback);
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(aws_config::Region::new(region.as_str().to_owned()))
            .credentials_provider(self.credentials.clone())
            .identity_cache(self.identities.clone())
            .time_source(self.time.clone())
            .sleep_impl(self.sleep.clone())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.config())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .disable_clock_skew_correction(!skew);
        if let Some(http) = &self.http {
            config = config.http_client(http.clone());
        }
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint.as_str());
        }
        config.build()
    }
}

/// The credentials of a role, through the gate.
struct Assumed {
    provider: AssumeRoleProvider,
    gate: Option<Arc<dyn Gate>>,
}

impl fmt::Debug for Assumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assumed").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl ProvideCredentials for Assumed {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let Some(gate) = &self.gate else { return self.provider.provide_credentials().await };
            gate.before(&Effect::Sts).await.map_err(CredentialsError::provider_error)?;
            let provided = self.provider.provide_credentials().await;
            gate.after(&Effect::Sts).await.map_err(CredentialsError::provider_error)?;
            provided
        })
    }
}

#[cfg(test)]
mod tests;
