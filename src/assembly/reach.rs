//! How the command line reaches AWS: the ambient identity and endpoint, unless told otherwise.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::connect::AwsConnector;
use super::pass::{ListingProves, OpenGate, SoleWriter};
use super::time::{Dice, HouseClock};
use crate::aws::quota::{Attempt, OnAttempt};
use crate::aws::transport::{Endpoint, EndpointError};
use crate::core::hub_owner::HubOwner;
use crate::core::ids::{AccountId, ObjectRef};
use crate::engine::ports::{Clock, Event, EventSink, Figures, Gate, Meter, ObjectStatus, SinkError, StatusSink, World};

/// What was said about the way to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Instead of AWS's own endpoints and `AWS_ENDPOINT_URL`.
    pub endpoint: Option<Endpoint>,
    /// Instead of `AWS_PROFILE`.
    pub profile: Option<String>,
    /// Instead of the ambient identity: an access key. Nothing that AWS would take.
    pub identity: Option<Credentials>,
}

impl Reach {
    /// From texts. Refused: plain http to another machine.
    pub fn new(endpoint: Option<&str>, profile: Option<&str>) -> Result<Self, EndpointError> {
        Ok(Self { endpoint: endpoint.map(str::parse).transpose()?, profile: profile.map(str::to_owned), identity: None })
    }

    /// Security Hub Local at this URL, as a principal of an account.
    pub fn local(url: &str, account: AccountId, principal: &str) -> Result<Self, EndpointError> {
        let identity = Credentials::new(account.to_string(), principal, None, None, "demo");
        Ok(Self { identity: Some(identity), ..Self::new(Some(url), None)? })
    }

    pub(super) fn connector(&self, clock: &Arc<dyn Clock>, gate: &Arc<dyn Gate>, on_attempt: Option<OnAttempt>) -> AwsConnector {
        AwsConnector {
            clock: Arc::clone(clock),
            rng: Arc::new(Dice::fair()),
            gate: Arc::clone(gate),
            fence: Arc::new(SoleWriter),
            http: None,
            credentials: self.identity.clone().map(SharedCredentialsProvider::new),
            endpoint: self.endpoint.clone(),
            profile: self.profile.clone(),
            on_attempt,
            feed: true,
            longest: None,
        }
    }

    /// The world of a survey: reads AWS, tells nobody but `progress`.
    pub fn onlooker(&self, progress: Progress) -> World {
        let clock: Arc<dyn Clock> = Arc::new(HouseClock::system());
        let gate: Arc<dyn Gate> = Arc::new(OpenGate);
        let (throttled, time, patience) = (Arc::clone(&progress.throttled), Arc::clone(&clock), Mutex::new(Patience::default()));
        let on_attempt: OnAttempt = Arc::new(move |attempt: &Attempt<'_>| {
            let mut patience = patience.lock().unwrap_or_else(PoisonError::into_inner);
            if patience.ends(time.elapsed(), attempt.throttled) {
                throttled();
            }
        });
        let connector = AwsConnector { feed: false, ..self.connector(&clock, &gate, Some(on_attempt)) };
        World {
            owner: HubOwner::files(),
            clock,
            rng: Arc::new(Dice::fair()),
            gate,
            fence: Arc::new(SoleWriter),
            status: Arc::new(Silent),
            events: Arc::new(Silent),
            meter: Arc::new(progress),
            connector: Arc::new(connector),
            absence: Arc::new(ListingProves),
        }
    }
}

/// Shows the figures of a loop to somebody.
#[derive(Clone)]
pub struct Progress {
    figures: Arc<dyn Fn(Figures) + Send + Sync>,
    throttled: Arc<dyn Fn() + Send + Sync>,
}

impl Progress {
    /// `figures` hears of every round; `throttled`, now and then, that AWS throttles most calls.
    pub fn new(figures: impl Fn(Figures) + Send + Sync + 'static, throttled: impl Fn() + Send + Sync + 'static) -> Self {
        Self { figures: Arc::new(figures), throttled: Arc::new(throttled) }
    }

    /// To nobody.
    pub fn none() -> Self {
        Self::new(|_| {}, || {})
    }
}

impl Meter for Progress {
    fn record(&self, figures: Figures) {
        (self.figures)(figures);
    }
}

/// How long AWS may throttle most calls until somebody hears of it.
const PATIENCE: Duration = Duration::from_secs(20);
/// And until they hear of it again.
const AGAIN: Duration = Duration::from_mins(2);

/// Since when, and how much, AWS throttles.
#[derive(Debug, Default)]
struct Patience {
    /// Since a call was throttled: the calls and how many of them were.
    since: Option<(Duration, u32, u32)>,
    told: bool,
}

impl Patience {
    /// Takes in a call at `elapsed`; whether it is time to tell.
    fn ends(&mut self, elapsed: Duration, throttled: bool) -> bool {
        if self.since.is_none() && !throttled {
            return false;
        }
        let (since, calls, refused) = self.since.get_or_insert((elapsed, 0, 0));
        *calls = calls.saturating_add(1);
        *refused = refused.saturating_add(u32::from(throttled));
        if elapsed.saturating_sub(*since) < if self.told { AGAIN } else { PATIENCE } {
            return false;
        }
        let most = *refused > *calls / 2;
        self.since = None;
        self.told |= most;
        most
    }
}

/// Takes status and events, and keeps them to itself.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

#[async_trait]
impl StatusSink for Silent {
    async fn write(&self, _status: &ObjectStatus) -> Result<(), SinkError> {
        Ok(())
    }

    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError> {
        Ok(Vec::new())
    }

    async fn forget(&self, _object: &ObjectRef) -> Result<(), SinkError> {
        Ok(())
    }
}

impl EventSink for Silent {
    fn emit(&self, _event: Event) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_calls_throttled_for_some_time_is_told_and_told_again_later_and_single_throttles_are_not() {
        let told = |throttled: fn(u64) -> bool| {
            let mut patience = Patience::default();
            let at = |second: &u64| patience.ends(Duration::from_secs(*second), throttled(*second));
            (0..300).filter(at).collect::<Vec<u64>>()
        };
        assert_eq!(told(|_| true), [20, 141, 262]);
        assert_eq!(told(|second| second % 4 != 0).len(), 3);
        assert!(told(|second| second % 4 == 0).is_empty());
        assert!(told(|_| false).is_empty());
    }
}
