//! What the API server said last: every declared object, judged once when it came, and of it only what is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::{DynamicObject, ObjectMeta};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::api::judge::{Declared, judge};
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::{Broken, Desired};

/// One object.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// What it declares, or why that cannot be used.
    said: Result<Declared, Broken>,
    uid: String,
    /// Its status as it stands there.
    status: Value,
}

/// Objects of one kind.
#[derive(Debug, Default)]
struct Shelf {
    objects: BTreeMap<ObjectRef, Kept>,
    /// A listing that is under way: it counts when it is complete.
    listing: Option<BTreeMap<ObjectRef, Kept>>,
    /// Whether it was listed completely once.
    listed: bool,
    /// Why it cannot be listed now.
    doubt: Option<String>,
}

/// Objects of all kinds.
#[derive(Debug)]
pub struct Store {
    shelves: Mutex<BTreeMap<Kind, Shelf>>,
    changes: watch::Sender<u64>,
}

impl Default for Store {
    fn default() -> Self {
        Self { shelves: Mutex::default(), changes: watch::Sender::new(0) }
    }
}

impl Store {
    fn shelves(&self) -> MutexGuard<'_, BTreeMap<Kind, Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, kind: Kind, change: impl FnOnce(&mut Shelf) -> bool) {
        let changed = change(self.shelves().entry(kind).or_default());
        if changed {
            self.changes.send_modify(|number| *number += 1);
        }
    }

    /// A receiver that wakes with every change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A listing begins.
    pub(super) fn begin(&self, kind: Kind) {
        self.change(kind, |shelf| {
            shelf.listing = Some(BTreeMap::new());
            false
        });
    }

    /// The listing has this one.
    pub(super) fn list(&self, kind: Kind, object: &DynamicObject) {
        let Some((name, kept)) = keep(kind, object) else { return };
        self.change(kind, |shelf| {
            shelf.listing.get_or_insert_default().insert(name, kept);
            false
        });
    }

    /// What the listing that is under way has.
    pub(super) fn listing(&self, kind: Kind) -> BTreeSet<ObjectRef> {
        let shelves = self.shelves();
        let listing = shelves.get(&kind).and_then(|shelf| shelf.listing.as_ref());
        listing.map(|listing| listing.keys().cloned().collect()).unwrap_or_default()
    }

    /// What was there and is not in the listing that is under way.
    pub(super) fn missing(&self, kind: Kind) -> Vec<ObjectRef> {
        let shelves = self.shelves();
        let Some(Shelf { objects, listing: Some(listing), .. }) = shelves.get(&kind) else { return Vec::new() };
        objects.keys().filter(|name| !listing.contains_key(*name)).cloned().collect()
    }

    /// The listing is complete. Of what it misses, what is not proved to be gone stays as it was.
    pub(super) fn commit(&self, kind: Kind, gone: &BTreeSet<ObjectRef>) {
        self.change(kind, |shelf| {
            let Some(mut listing) = shelf.listing.take() else { return false };
            for (name, kept) in std::mem::take(&mut shelf.objects) {
                if !gone.contains(&name) {
                    listing.entry(name).or_insert(kept);
                }
            }
            shelf.objects = listing;
            shelf.listed = true;
            shelf.doubt = None;
            true
        });
    }

    /// One has come or changed.
    pub(super) fn put(&self, kind: Kind, object: &DynamicObject) {
        let Some((name, kept)) = keep(kind, object) else { return };
        self.change(kind, |shelf| {
            let news = shelf.objects.get(&name).is_none_or(|before| before.said != kept.said);
            shelf.objects.insert(name, kept);
            news
        });
    }

    /// One is proved to be gone.
    pub(super) fn remove(&self, kind: Kind, name: &ObjectRef) {
        self.change(kind, |shelf| shelf.objects.remove(name).is_some());
    }

    /// Kinds that were not yet listed completely, and why if that is known.
    pub fn waiting(&self) -> Vec<(Kind, Option<String>)> {
        let shelves = self.shelves();
        let shelf = |kind: &Kind| shelves.get(kind).is_none_or(|shelf| !shelf.listed);
        Kind::ALL.into_iter().filter(shelf).map(|kind| (kind, shelves.get(&kind).and_then(|s| s.doubt.clone()))).collect()
    }

    /// Says why a kind cannot be listed or watched now.
    pub(super) fn doubt(&self, kind: Kind, why: String) {
        self.change(kind, |shelf| {
            shelf.doubt = Some(why);
            false
        });
    }

    /// Everything, as the loop takes it.
    pub fn desired(&self) -> Desired {
        let shelves = self.shelves();
        let complete = |kind: Kind| shelves.get(&kind).is_some_and(|shelf| shelf.listed);
        let mut desired = Desired { complete: Kind::ALL.into_iter().all(complete), ..Desired::default() };
        for kept in shelves.values().flat_map(|shelf| shelf.objects.values()) {
            match &kept.said {
                Ok(declared) => declared.clone().add_to(&mut desired.objects),
                Err(broken) => desired.broken.push(broken.clone()),
            }
        }
        desired
    }

    /// Uid and status of an object, as they stand there.
    pub(super) fn standing(&self, object: &ObjectRef) -> Option<(String, Value)> {
        let shelves = self.shelves();
        let kept = shelves.get(&object.kind)?.objects.get(object)?;
        Some((kept.uid.clone(), kept.status.clone()))
    }
}

/// The reference of an object.
pub(super) fn name_of(kind: Kind, meta: &ObjectMeta) -> Option<ObjectRef> {
    let name = meta.name.as_deref()?;
    Some(match meta.namespace.as_deref().filter(|_| kind.is_namespaced()) {
        Some(namespace) => ObjectRef::namespaced(kind, namespace, name),
        None => ObjectRef::cluster(kind, name),
    })
}

/// The reference of an object, and what is kept of it.
fn keep(kind: Kind, object: &DynamicObject) -> Option<(ObjectRef, Kept)> {
    let meta = &object.metadata;
    let object_ref = name_of(kind, meta)?;
    let mut value = object.data.clone();
    let status = value.get_mut("status").map(Value::take).unwrap_or_default();
    let mut kept_meta = Map::new();
    for (key, member) in [
        ("name", json!(meta.name)),
        ("namespace", json!(meta.namespace)),
        ("labels", json!(meta.labels)),
        ("annotations", json!(meta.annotations)),
        ("generation", json!(meta.generation)),
    ] {
        if !member.is_null() {
            kept_meta.insert(key.to_owned(), member);
        }
    }
    if let Some(members) = value.as_object_mut() {
        members.insert("metadata".to_owned(), Value::Object(kept_meta));
        members.insert("apiVersion".to_owned(), crate::api::API_VERSION.into());
        members.insert("kind".to_owned(), kind.as_str().into());
    }
    // Objects may be older than our rules, or of a newer definition: the API server does not judge again what it has.
    let said = judge(kind, &value).map_err(|errors| Broken {
        object: Some(object_ref.clone()),
        origin: object_ref.to_string().into(),
        message: errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into(),
        priority: salvaged_priority(kind, &value),
    });
    Some((object_ref, Kept { said, uid: meta.uid.clone().unwrap_or_default(), status }))
}

/// See [`Broken::priority`].
fn salvaged_priority(kind: Kind, object: &Value) -> Option<i32> {
    let spec = object.get("spec").filter(|_| kind == Kind::ControlPolicy)?;
    let audits = spec.get("mode").is_none_or(|mode| mode == "Audit");
    let priority = spec.get("priority").and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    (!audits).then(|| priority.unwrap_or_default())
}
