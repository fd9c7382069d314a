//! Status into the API server: applied by one field manager, and only where it says something else than what is there.
//!
//! The loop hands a status over and goes on; a slow API server delays what people read, never what is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::failure;
use super::resource::api_of;
use super::store::Store;
use crate::api::conditions::Condition;
use crate::api::{API_VERSION, object_status};
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Clock, Effect, Fence, Gate, ObjectStatus, Rng, SinkError, StatusSink};

/// Our name in `metadata.managedFields`.
pub const FIELD_MANAGER: &str = "hubkeeper";
/// After a failure: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(2);
/// After somebody else has written over a status of ours: at first until it is written again. Doubled every time, so that two who
/// disagree do not wear out the API server.
const FIRST_REPAIR: Duration = Duration::from_secs(5);
/// How long the last statuses may take when we end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Everything that a write needs of the world.
#[derive(Clone)]
#[allow(missing_docs)]
pub struct Pen {
    pub client: Client,
    pub store: Arc<Store>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub gate: Arc<dyn Gate>,
    pub fence: Arc<dyn Fence>,
}

/// A status that waits to be written.
struct Waiting {
    status: ObjectStatus,
    /// By the clock's elapsed time.
    due: Duration,
    failures: u32,
}

/// What is known of an object's status.
#[derive(Default)]
struct Page {
    waiting: Option<Waiting>,
    /// What we wrote last.
    written: Option<Written>,
}

/// What we wrote last.
struct Written {
    status: ObjectStatus,
    value: Value,
    /// By the clock's elapsed time.
    at: Duration,
    /// How often it was written again because it did not stand.
    repairs: u32,
}

/// Statuses of objects in the cluster.
pub struct ClusterStatus {
    pen: Pen,
    pages: Mutex<BTreeMap<ObjectRef, Page>>,
    news: Notify,
}

impl ClusterStatus {
    /// Writes nothing until [`Self::run`] runs.
    pub fn new(pen: Pen) -> Arc<Self> {
        Arc::new(Self { pen, pages: Mutex::default(), news: Notify::new() })
    }

    fn pages(&self) -> MutexGuard<'_, BTreeMap<ObjectRef, Page>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what is due until `stop`; then what waits, as far as that goes quickly.
    pub async fn run(&self, stop: &CancellationToken) {
        let clock = &self.pen.clock;
        loop {
            let next = self.next();
            let now = clock.elapsed();
            match next {
                Some((object, due)) if due <= now => self.write_one(&object).await,
                _ => {
                    let wait = next.map_or(Duration::MAX, |(_, due)| due.saturating_sub(now));
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => break,
                        () = self.news.notified() => {}
                        objects = self.pen.store.restated() => self.repair(&objects),
                        () = clock.sleep(wait), if wait < Duration::MAX => {}
                    }
                }
            }
        }
        let until = clock.elapsed() + FAREWELL;
        let waiting: Vec<ObjectRef> =
            self.pages().iter().filter(|(_, page)| page.waiting.is_some()).map(|(object, _)| object.clone()).collect();
        for object in waiting {
            if clock.elapsed() >= until {
                break;
            }
            self.write_one(&object).await;
        }
    }

    /// Takes up again what we wrote and somebody else has written over. That it is our own status from before, which comes late,
    /// shows when it is due: then it stands.
    fn repair(&self, objects: &BTreeSet<ObjectRef>) {
        let mut pages = self.pages();
        for object in objects {
            let Some(page) = pages.get_mut(object).filter(|page| page.waiting.is_none()) else { continue };
            let Some(written) = &page.written else { continue };
            if self.pen.store.status(object, |there| stands(&written.value, there)) == Some(false) {
                let pause = FIRST_REPAIR.saturating_mul(1 << written.repairs.min(8)).min(LONGEST_PAUSE);
                page.waiting = Some(Waiting { status: written.status.clone(), due: written.at + pause, failures: 0 });
            }
        }
    }

    /// The object that is due first.
    fn next(&self) -> Option<(ObjectRef, Duration)> {
        let pages = self.pages();
        let due = pages.iter().filter_map(|(object, page)| Some((object, page.waiting.as_ref()?.due)));
        due.min_by_key(|&(_, due)| due).map(|(object, due)| (object.clone(), due))
    }

    async fn write_one(&self, object: &ObjectRef) {
        let Some(Waiting { status, failures, .. }) = self.pages().get_mut(object).and_then(|page| page.waiting.take()) else {
            return;
        };
        let Some((value, differs)) = self.value(&status) else { return };
        if !differs && self.pen.store.status(object, |there| stands(&value, there)) == Some(true) {
            return;
        }
        match self.apply(object, &value).await {
            Ok(()) => {
                let mut pages = self.pages();
                let page = pages.entry(object.clone()).or_default();
                let again = page.written.as_ref().filter(|written| written.status == status);
                let repairs = again.map_or(0, |written| written.repairs.saturating_add(1));
                page.written = Some(Written { status, value, at: self.pen.clock.elapsed(), repairs });
            }
            Err(why) => {
                let failures = failures.saturating_add(1);
                let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE);
                let pause = pause.mul_f64(0.5 + self.pen.rng.fraction() / 2.0);
                if failures == 1 {
                    tracing::warn!("{why}; it is tried again");
                }
                let due = self.pen.clock.elapsed() + pause;
                // A newer one may have come meanwhile: that one counts, and waits as long.
                let mut pages = self.pages();
                let page = pages.entry(object.clone()).or_default();
                let status = page.waiting.take().map_or(status, |newer| newer.status);
                page.waiting = Some(Waiting { status, due, failures });
            }
        }
    }

    async fn apply(&self, object: &ObjectRef, value: &Value) -> Result<(), String> {
        let action = format!("write the status of {object}");
        if !self.pen.fence.may_write().await {
            return Err(format!("failed to {action}: another instance leads now"));
        }
        let effect = Effect::Status(object.clone());
        self.pen.gate.before(&effect).await.map_err(|blocked| format!("failed to {action}: {blocked}"))?;
        let api: Api<DynamicObject> = api_of(&self.pen.client, object);
        let patch = json!({
            "apiVersion": API_VERSION,
            "kind": object.kind.as_str(),
            "metadata": {"name": object.name, "namespace": object.namespace},
            "status": value,
        });
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let answer = api.patch_status(&object.name, &params, &Patch::Apply(&patch)).await;
        self.pen.gate.after(&effect).await.map_err(|blocked| format!("failed to {action}: {blocked}"))?;
        match answer {
            Ok(_) => Ok(()),
            // Gone meanwhile: there is nothing to say any more.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(failure::of(&error, &action)),
        }
    }

    /// The status as JSON, and whether it says something else than what we wrote last, or found; `None`: the object is not there.
    fn value(&self, status: &ObjectStatus) -> Option<(Value, bool)> {
        // What is there may be from before our last write.
        let written =
            self.pages().get(&status.object).and_then(|page| page.written.as_ref().map(|written| written.value.clone()));
        let before = self.pen.store.status(&status.object, |there| written.unwrap_or_else(|| there.clone()))?;
        let conditions: Vec<Condition> =
            before.get("conditions").and_then(|list| serde_json::from_value(list.clone()).ok()).unwrap_or_default();
        let value = object_status::value(status, &conditions, self.pen.clock.now()).ok()?;
        let differs = value != before;
        Some((value, differs))
    }
}

/// Whether all that we say is there. What others say besides, in fields and conditions of their own, is theirs.
fn stands(ours: &Value, there: &Value) -> bool {
    match (ours, there) {
        (Value::Object(ours), Value::Object(there)) => {
            ours.iter().all(|(name, ours)| there.get(name).is_some_and(|there| stands(ours, there)))
        }
        (Value::Array(ours), Value::Array(there)) if ours.iter().all(|item| item.get("type").is_some()) => {
            let of_type = |item: &Value| there.iter().find(|there| there.get("type") == item.get("type"));
            ours.iter().all(|ours| of_type(ours).is_some_and(|there| stands(ours, there)))
        }
        (ours, there) => ours == there,
    }
}

#[async_trait]
impl StatusSink for ClusterStatus {
    async fn write(&self, status: &ObjectStatus) -> Result<(), SinkError> {
        let differs = self.value(status).is_some_and(|(_, differs)| differs);
        let mut pages = self.pages();
        let page = pages.entry(status.object.clone()).or_default();
        if !differs {
            // One that waits to be written again still has to.
            page.waiting.take_if(|waiting| waiting.status != *status);
            return Ok(());
        }
        // One that failed keeps its pause.
        let (due, failures) = page.waiting.as_ref().map_or((self.pen.clock.elapsed(), 0), |before| (before.due, before.failures));
        page.waiting = Some(Waiting { status: status.clone(), due, failures });
        drop(pages);
        self.news.notify_one();
        Ok(())
    }

    /// Statuses are part of their objects: none outlives them.
    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError> {
        Ok(Vec::new())
    }

    async fn forget(&self, object: &ObjectRef) -> Result<(), SinkError> {
        self.pages().remove(object);
        Ok(())
    }
}
