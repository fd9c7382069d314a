//! Which state of an object was seen: so that one from before is known as such, whoever tells it.

use std::collections::{BTreeSet, VecDeque};

use kube::api::DynamicObject;
use serde_json::Value;

/// Deleted objects remembered; the oldest is forgotten first.
const REMEMBERED: usize = 4096;

/// A state of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) uid: String,
    generation: i64,
    /// `metadata.resourceVersion`, where it is a number.
    version: Option<u64>,
    /// How many values its spec has: of one generation it only becomes less if the API server takes some out.
    pub(super) values: usize,
}

impl Seen {
    pub(super) fn of(object: &DynamicObject) -> Self {
        let meta = &object.metadata;
        Self {
            uid: meta.uid.clone().unwrap_or_default(),
            generation: meta.generation.unwrap_or_default(),
            version: meta.resource_version.as_deref().and_then(|version| version.parse().ok()),
            values: object.data.get("spec").map_or(0, values),
        }
    }

    /// Of the same object, and older. Only a reason to ask: a cluster that was restored from a backup counts from there.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        self.uid == other.uid && (self.generation < other.generation || (self.version < other.version && self.version.is_some()))
    }

    /// Whether nobody has changed the spec in between.
    pub(super) fn is_same_generation(&self, other: &Self) -> bool {
        self.uid == other.uid && self.generation == other.generation && self.generation > 0
    }
}

fn values(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(values).sum::<usize>(),
        Value::Array(items) => 1 + items.iter().map(values).sum::<usize>(),
        _ => 1,
    }
}

/// Objects that are proved to be gone: none of them comes back, but one may be told by somebody who does not know yet.
#[derive(Debug, Default)]
pub(super) struct Departed {
    uids: BTreeSet<String>,
    order: VecDeque<String>,
}

impl Departed {
    pub(super) fn add(&mut self, Seen { uid, .. }: Seen) {
        if uid.is_empty() || !self.uids.insert(uid.clone()) {
            return;
        }
        self.order.push_back(uid);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.uids.remove(&oldest);
        }
    }

    pub(super) fn has(&self, seen: &Seen) -> bool {
        self.uids.contains(&seen.uid)
    }
}
