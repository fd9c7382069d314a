//! Kubernetes events, for `kubectl describe` and `kubectl get events`. Never waits and never fails: what does not fit is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event as KubeEvent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::Client;
use kube::api::{Api, ObjectMeta, PostParams};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::failure;
use super::store::Store;
use crate::api::API_VERSION;
use crate::engine::ports::{Blocked, Clock, Effect, Event, EventSink, Gate};

/// Events that wait; more are dropped, and counted in the log.
const WAITING: usize = 256;
/// What the API server takes of a note.
const NOTE_BYTES: usize = 1024;
/// Where events about objects without a namespace go, as everywhere in Kubernetes.
const DEFAULT_NAMESPACE: &str = "default";

/// Takes events; give it only news: the same event is written every time.
pub struct ClusterEvents {
    sender: mpsc::Sender<(Event, Timestamp)>,
    clock: Arc<dyn Clock>,
    dropped: AtomicU64,
}

/// Writes what [`ClusterEvents`] takes.
pub struct EventWriter {
    receiver: mpsc::Receiver<(Event, Timestamp)>,
    client: Client,
    store: Arc<Store>,
    gate: Arc<dyn Gate>,
    instance: String,
}

/// A sink and its writer. `instance` says which replica speaks.
pub fn events(
    client: Client,
    store: Arc<Store>,
    clock: Arc<dyn Clock>,
    gate: Arc<dyn Gate>,
    instance: &str,
) -> (ClusterEvents, EventWriter) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let writer = EventWriter { receiver, client, store, gate, instance: instance.to_owned() };
    (ClusterEvents { sender, clock, dropped: AtomicU64::new(0) }, writer)
}

impl EventSink for ClusterEvents {
    fn emit(&self, event: Event) {
        if self.sender.try_send((event, self.clock.now())).is_err() {
            let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
            tracing::debug!(dropped, "events come faster than they can be written");
        }
    }
}

impl EventWriter {
    /// Writes until `stop`.
    pub async fn run(mut self, stop: &CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                next = self.receiver.recv() => next,
            };
            let Some((event, at)) = next else { break };
            self.write(&event, at).await;
        }
    }

    async fn write(&self, event: &Event, at: Timestamp) {
        let object = &event.object;
        let namespace = object.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        let api: Api<KubeEvent> = Api::namespaced(self.client.clone(), namespace);
        // One that is gone has no uid, and what is said of it is worth hearing all the same.
        let uid = self.store.uid(object);
        let kube_event = KubeEvent {
            metadata: ObjectMeta { generate_name: Some(format!("{}-", object.name)), ..ObjectMeta::default() },
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(at)),
            note: Some(shortened(&event.message)),
            reason: Some(event.reason.to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some(API_VERSION.to_owned()),
                kind: Some(object.kind.as_str().to_owned()),
                name: Some(object.name.to_string()),
                namespace: object.namespace.as_ref().map(ToString::to_string),
                uid,
                ..ObjectReference::default()
            }),
            reporting_controller: Some("hubkeeper.dev/hubkeeper".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(if event.warning { "Warning" } else { "Normal" }.to_owned()),
            ..KubeEvent::default()
        };
        let (effect, action) = (Effect::Event(object.clone()), format!("write an event about {object}"));
        let written = async {
            let blocked = |blocked: Blocked| format!("failed to {action}: {blocked}");
            self.gate.before(&effect).await.map_err(blocked)?;
            let answer = api.create(&PostParams::default(), &kube_event).await;
            self.gate.after(&effect).await.map_err(blocked)?;
            answer.map_err(|error| failure::of(&error, &action))
        };
        if let Err(why) = written.await {
            tracing::warn!("{why}");
        }
    }
}

/// As much of a text as an event takes.
fn shortened(text: &str) -> String {
    if text.len() <= NOTE_BYTES {
        return text.to_owned();
    }
    let end = (0..=NOTE_BYTES - 3).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}...", &text[..end])
}
