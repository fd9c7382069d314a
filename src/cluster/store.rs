//! What the API server said last: every declared object, judged once when it came, and of it only what is needed.

mod seen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use kube::api::{DynamicObject, ObjectMeta};
use serde_json::{Map, Value, json};
use tokio::sync::{Notify, watch};

use self::seen::{Departed, Seen};
use super::{applied, managed};
use crate::api::judge::{Declared, judge};
use crate::api::parse::FieldError;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::{Broken, Desired};

/// One object.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    /// What it declares, or why that cannot be used.
    said: Result<Declared, Broken>,
    /// Which state of it.
    seen: Seen,
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
    /// Why it cannot be listed or watched now.
    doubt: Option<Doubt>,
    /// Those that are proved to be gone.
    departed: Departed,
}

/// Why a kind cannot be listed or watched now.
#[derive(Debug)]
struct Doubt {
    why: String,
    /// Whether a person has to do something about it.
    refused: bool,
}

/// Objects of all kinds.
#[derive(Debug)]
pub struct Store {
    shelves: Mutex<BTreeMap<Kind, Shelf>>,
    changes: watch::Sender<u64>,
    /// Whose status was written since somebody asked.
    restated: Mutex<BTreeSet<ObjectRef>>,
    news_of_statuses: Notify,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            shelves: Mutex::default(),
            changes: watch::Sender::new(0),
            restated: Mutex::default(),
            news_of_statuses: Notify::new(),
        }
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

    fn restate(&self, objects: impl IntoIterator<Item = ObjectRef>) {
        let mut objects = objects.into_iter().peekable();
        if objects.peek().is_some() {
            self.restated.lock().unwrap_or_else(PoisonError::into_inner).extend(objects);
            self.news_of_statuses.notify_one();
        }
    }

    /// Waits until somebody has written statuses, and tells once of which objects.
    pub(super) async fn restated(&self) -> BTreeSet<ObjectRef> {
        loop {
            let objects = std::mem::take(&mut *self.restated.lock().unwrap_or_else(PoisonError::into_inner));
            if !objects.is_empty() {
                return objects;
            }
            self.news_of_statuses.notified().await;
        }
    }

    /// Whether this state of an object is one from before what is known: then whoever told it may be behind.
    pub(super) fn is_old(&self, kind: Kind, object: &DynamicObject) -> bool {
        let Some(name) = name_of(kind, &object.metadata) else { return false };
        let (shelves, seen) = (self.shelves(), Seen::of(object));
        let Some(shelf) = shelves.get(&kind) else { return false };
        shelf.departed.has(&seen) || shelf.objects.get(&name).is_some_and(|kept| seen.is_before(&kept.seen))
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
        let Some(name) = name_of(kind, &object.metadata) else { return };
        self.change(kind, |shelf| {
            let kept = keep(&name, object, shelf.objects.get(&name));
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
        let mut restated = Vec::new();
        self.change(kind, |shelf| {
            let Some(mut listing) = shelf.listing.take() else { return false };
            for (name, kept) in std::mem::take(&mut shelf.objects) {
                if listing.get(&name).is_some_and(|listed| listed.status != kept.status) {
                    restated.push(name.clone());
                }
                if gone.contains(&name) {
                    shelf.departed.add(kept.seen);
                } else {
                    listing.entry(name).or_insert(kept);
                }
            }
            shelf.objects = listing;
            shelf.listed = true;
            shelf.doubt = None;
            true
        });
        self.restate(restated);
    }

    /// One has come or changed.
    pub(super) fn put(&self, kind: Kind, object: &DynamicObject) {
        let Some(name) = name_of(kind, &object.metadata) else { return };
        let mut restated = None;
        self.change(kind, |shelf| {
            let before = shelf.objects.get(&name);
            let kept = keep(&name, object, before);
            restated = before.is_some_and(|before| before.status != kept.status).then(|| name.clone());
            let news = before.is_none_or(|before| before.said != kept.said);
            shelf.objects.insert(name, kept);
            news
        });
        self.restate(restated);
    }

    /// One is proved to be gone.
    pub(super) fn remove(&self, kind: Kind, name: &ObjectRef) {
        self.change(kind, |shelf| {
            let Some(kept) = shelf.objects.remove(name) else { return false };
            shelf.departed.add(kept.seen);
            true
        });
    }

    /// Kinds that were not yet listed completely, and why if that is known.
    pub fn waiting(&self) -> Vec<(Kind, Option<String>)> {
        let shelves = self.shelves();
        let shelf = |kind: &Kind| shelves.get(kind).is_none_or(|shelf| !shelf.listed);
        Kind::ALL
            .into_iter()
            .filter(shelf)
            .map(|kind| (kind, shelves.get(&kind).and_then(|s| Some(s.doubt.as_ref()?.why.clone()))))
            .collect()
    }

    /// Says why a kind cannot be listed or watched now; `refused`: until a person does something about it.
    pub(super) fn doubt(&self, kind: Kind, why: String, refused: bool) {
        self.change(kind, |shelf| {
            // Readiness says why; of what was listed once, only a refusal changes what is believed.
            let news = (refused || !shelf.listed) && shelf.doubt.as_ref().is_none_or(|doubt| doubt.why != why);
            shelf.doubt = Some(Doubt { why, refused });
            news
        });
    }

    /// It is watched again.
    pub(super) fn trust(&self, kind: Kind) {
        self.change(kind, |shelf| shelf.doubt.take().is_some_and(|doubt| doubt.refused));
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
        // What is not heard of any more may have changed: as long as that is so, nothing is missing for sure.
        for (kind, shelf) in shelves.iter().filter(|(_, shelf)| shelf.listed) {
            if let Some(Doubt { why, refused: true }) = &shelf.doubt {
                let origin = kind.as_str().into();
                desired.broken.push(Broken { object: None, origin, message: why.as_str().into(), priority: None, generation: 0 });
            }
        }
        desired
    }

    /// The uid of an object, if it is there.
    pub(super) fn uid(&self, object: &ObjectRef) -> Option<String> {
        self.kept(object, |kept| kept.seen.uid.clone())
    }

    /// Reads the status of an object as it stands there; `None`: the object is not there.
    pub(super) fn status<R>(&self, object: &ObjectRef, read: impl FnOnce(&Value) -> R) -> Option<R> {
        self.kept(object, |kept| read(&kept.status))
    }

    fn kept<R>(&self, object: &ObjectRef, read: impl FnOnce(&Kept) -> R) -> Option<R> {
        self.shelves().get(&object.kind)?.objects.get(object).map(read)
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

/// What is kept of an object, of which this was known before.
fn keep(name: &ObjectRef, object: &DynamicObject, before: Option<&Kept>) -> Kept {
    let (meta, kind) = (&object.metadata, name.kind);
    let mut seen = Seen::of(object);
    let unchanged = before.filter(|before| seen.is_same_generation(&before.seen));
    seen.values = seen.values.max(unchanged.map_or(0, |before| before.seen.values));
    let reads_less = seen.values > Seen::of(object).values;
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
    let mut lost = applied::nulls(&value);
    let managed: Vec<Value> = meta.managed_fields.iter().flatten().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
    lost.extend(managed::pruned(&managed, &value));
    if reads_less && lost.is_empty() {
        lost.push(FieldError { path: "spec".to_owned(), message: READS_LESS.to_owned() });
    }
    let said = judge(kind, &value).and_then(|declared| if lost.is_empty() { Ok(declared) } else { Err(lost) });
    let said = said.map_err(|errors| Broken {
        object: Some(name.clone()),
        origin: name.to_string().into(),
        message: errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ").into(),
        priority: salvaged_priority(kind, &value),
        generation: meta.generation.unwrap_or_default(),
    });
    Kept { said, seen, status }
}

/// A definition was replaced under our eyes.
const READS_LESS: &str = "Invalid value: the API server leaves out what it has shown before, and nobody has changed the object: its \
                          CustomResourceDefinition was replaced by one that does not have all fields; install the definitions of \
                          this version (hubkeeper crds), and apply the object again";

/// See [`Broken::priority`].
fn salvaged_priority(kind: Kind, object: &Value) -> Option<i32> {
    let spec = object.get("spec").filter(|_| kind == Kind::ControlPolicy)?;
    let audits = spec.get("mode").is_none_or(|mode| mode == "Audit");
    let priority = spec.get("priority").and_then(Value::as_i64).and_then(|number| i32::try_from(number).ok());
    (!audits).then(|| priority.unwrap_or_default())
}
