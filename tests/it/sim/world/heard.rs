//! What the loop says, kept for tests to look at.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use hubkeeper::core::ids::ObjectRef;
use hubkeeper::engine::ports::{Event, EventSink, Figures, Meter, ObjectStatus, SinkError, StatusSink};

/// What the loop said.
#[derive(Debug, Default)]
pub struct Heard {
    pub(super) statuses: Mutex<BTreeMap<ObjectRef, ObjectStatus>>,
    pub(super) events: Mutex<Vec<Event>>,
    pub(super) figures: Mutex<Figures>,
    pub(super) writes: Mutex<BTreeMap<ObjectRef, u64>>,
}

#[async_trait]
impl StatusSink for Heard {
    async fn write(&self, status: &ObjectStatus) -> Result<(), SinkError> {
        *self.writes.lock().unwrap().entry(status.object.clone()).or_default() += 1;
        self.statuses.lock().unwrap().insert(status.object.clone(), status.clone());
        Ok(())
    }

    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError> {
        Ok(self.statuses.lock().unwrap().keys().cloned().collect())
    }

    async fn forget(&self, object: &ObjectRef) -> Result<(), SinkError> {
        self.statuses.lock().unwrap().remove(object);
        Ok(())
    }
}

impl EventSink for Heard {
    fn emit(&self, event: Event) {
        self.events.lock().unwrap().push(event);
    }
}

impl Meter for Heard {
    fn record(&self, figures: Figures) {
        *self.figures.lock().unwrap() = figures;
    }
}
