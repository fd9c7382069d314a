//! How the command line reaches AWS: the ambient identity and endpoint, unless told otherwise.

use std::sync::Arc;

use async_trait::async_trait;

use super::connect::AwsConnector;
use super::pass::{ListingProves, OpenGate, SoleWriter};
use super::time::{Dice, HouseClock};
use crate::aws::quota::OnAttempt;
use crate::aws::transport::{Endpoint, EndpointError};
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Clock, Event, EventSink, Figures, Gate, Meter, ObjectStatus, SinkError, StatusSink, World};

/// What was said about the way to AWS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Instead of AWS's own endpoints and `AWS_ENDPOINT_URL`.
    pub endpoint: Option<Endpoint>,
    /// Instead of `AWS_PROFILE`.
    pub profile: Option<String>,
}

impl Reach {
    /// From texts. Refused: plain http to another machine.
    pub fn new(endpoint: Option<&str>, profile: Option<&str>) -> Result<Self, EndpointError> {
        Ok(Self { endpoint: endpoint.map(str::parse).transpose()?, profile: profile.map(str::to_owned) })
    }

    pub(super) fn connector(&self, clock: &Arc<dyn Clock>, gate: &Arc<dyn Gate>, on_attempt: Option<OnAttempt>) -> AwsConnector {
        AwsConnector {
            clock: Arc::clone(clock),
            rng: Arc::new(Dice::fair()),
            gate: Arc::clone(gate),
            fence: Arc::new(SoleWriter),
            http: None,
            credentials: None,
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
        let connector = AwsConnector { feed: false, ..self.connector(&clock, &gate, None) };
        World {
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
pub struct Progress(pub Arc<dyn Fn(Figures) + Send + Sync>);

impl Progress {
    /// To nobody.
    pub fn none() -> Self {
        Self(Arc::new(|_| {}))
    }
}

impl Meter for Progress {
    fn record(&self, figures: Figures) {
        (self.0)(figures);
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
