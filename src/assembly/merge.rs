//! Several hubs, one status: a policy or an exception acts in every hub, and its status says what is true of all of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::gated::gated;
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Condition, Detail, ObjectStatus, SinkError, StatusSink, World};

type Known = BTreeMap<ObjectRef, BTreeMap<Arc<str>, ObjectStatus>>;

/// Joins what the loops of all hubs say of an object.
pub struct MergedStatus {
    inner: Arc<dyn StatusSink>,
    known: Mutex<Known>,
}

impl MergedStatus {
    /// Writes to `inner`.
    pub fn new(inner: Arc<dyn StatusSink>) -> Arc<Self> {
        Arc::new(Self { inner, known: Mutex::default() })
    }

    /// The sink of one hub's loop.
    pub fn of_hub(self: &Arc<Self>, hub: &str) -> Arc<dyn StatusSink> {
        Arc::new(OfHub { hub: hub.into(), merged: Arc::clone(self) })
    }

    /// A hub is no longer kept: what only its loop said is said no longer.
    pub async fn leave(self: &Arc<Self>, world: &World, hub: &str) {
        let of_hub = self.of_hub(hub);
        let said: Vec<ObjectRef> =
            self.known().iter().filter(|(_, hubs)| hubs.contains_key(hub)).map(|(object, _)| object.clone()).collect();
        for object in said {
            if let Err(error) = gated(world, &object, of_hub.forget(&object)).await {
                tracing::warn!(%error, %object, "a status is not removed");
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct OfHub {
    hub: Arc<str>,
    merged: Arc<MergedStatus>,
}

#[async_trait]
impl StatusSink for OfHub {
    async fn write(&self, status: &ObjectStatus) -> Result<(), SinkError> {
        let joined = {
            let mut known = self.merged.known();
            let hubs = known.entry(status.object.clone()).or_default();
            hubs.insert(Arc::clone(&self.hub), status.clone());
            join(hubs)
        };
        match joined {
            Some(joined) => self.merged.inner.write(&joined).await,
            None => Ok(()),
        }
    }

    async fn listed(&self) -> Result<Vec<ObjectRef>, SinkError> {
        self.merged.inner.listed().await
    }

    async fn forget(&self, object: &ObjectRef) -> Result<(), SinkError> {
        let left = {
            let mut known = self.merged.known();
            let hubs = known.entry(object.clone()).or_default();
            hubs.remove(&self.hub);
            let left = join(hubs);
            if left.is_none() {
                known.remove(object);
            }
            left
        };
        match left {
            Some(joined) => self.merged.inner.write(&joined).await,
            None => self.merged.inner.forget(object).await,
        }
    }
}

fn join(hubs: &BTreeMap<Arc<str>, ObjectStatus>) -> Option<ObjectStatus> {
    let mut statuses = hubs.iter();
    let (first_hub, first) = statuses.next()?;
    let mut joined = first.clone();
    let several = hubs.len() > 1;
    let named = |hub: &str, condition: &Condition| {
        let fine = condition.status == Some(condition.kind == "Ready");
        let message = if several && !fine { format!("hub {hub}: {}", condition.message) } else { condition.message.clone() };
        Condition { message, ..condition.clone() }
    };
    joined.conditions = first.conditions.iter().map(|condition| named(first_hub, condition)).collect();
    for (hub, status) in statuses {
        for (mine, other) in joined.conditions.iter_mut().zip(&status.conditions) {
            if rank(other) > rank(mine) {
                *mine = named(hub, other);
            }
        }
        add(&mut joined.detail, &status.detail);
    }
    Some(joined)
}

/// How much a condition matters: what is wrong before what is not known before what is right.
fn rank(condition: &Condition) -> u8 {
    match (condition.kind, condition.status) {
        ("Ready", Some(false)) | (_, Some(true)) if condition.kind != "Ready" || condition.status == Some(false) => 2,
        (_, None) => 1,
        _ => 0,
    }
}

fn add(sum: &mut Detail, more: &Detail) {
    match (sum, more) {
        (Detail::Policy(sum), Detail::Policy(more)) => {
            sum.in_scope += more.in_scope;
            sum.decided += more.decided;
            sum.held += more.held;
            sum.respected += more.respected;
            sum.excepted += more.excepted;
            sum.pending_changes += more.pending_changes;
            sum.limit_holds.extend(more.limit_holds.iter().cloned());
        }
        (Detail::Exception(sum), Detail::Exception(more)) => {
            sum.matched += more.matched;
            sum.held += more.held;
            sum.overridden += more.overridden;
            sum.limit_holds.extend(more.limit_holds.iter().cloned());
        }
        (Detail::Account(sum), Detail::Account(more)) => {
            sum.findings += more.findings;
            sum.held += more.held;
        }
        (Detail::ExceptionPolicy(sum), Detail::ExceptionPolicy(more)) => {
            sum.exceptions = sum.exceptions.max(more.exceptions);
            sum.active = sum.active.max(more.active);
        }
        (Detail::Approval(sum), Detail::Approval(more)) => sum.counts |= more.counts,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::Kind;
    use crate::engine::ports::PolicyDetail;

    fn status(ready: Option<bool>, held: u64) -> ObjectStatus {
        let condition = |kind, status| Condition { kind, status, reason: "R", message: "m".to_owned() };
        ObjectStatus {
            object: ObjectRef::cluster(Kind::ControlPolicy, "p"),
            observed_generation: 1,
            handled_request: None,
            conditions: vec![condition("Ready", ready), condition("Stalled", Some(ready == Some(false)))],
            detail: Detail::Policy(PolicyDetail { held, ..PolicyDetail::default() }),
        }
    }

    #[test]
    fn the_worst_hub_is_named_and_counts_are_added() {
        let hubs = BTreeMap::from([
            ("a".into(), status(Some(true), 2)),
            ("b".into(), status(Some(false), 3)),
            ("c".into(), status(None, 0)),
        ]);
        let joined = join(&hubs).unwrap();
        assert_eq!(joined.conditions[0].status, Some(false));
        assert_eq!(joined.conditions[0].message, "hub b: m");
        assert_eq!(joined.conditions[1].status, Some(true));
        let Detail::Policy(detail) = joined.detail else { panic!("a policy stays one") };
        assert_eq!(detail.held, 5);
    }

    #[test]
    fn one_hub_alone_is_not_named() {
        let joined = join(&BTreeMap::from([("a".into(), status(Some(false), 1))])).unwrap();
        assert_eq!(joined.conditions[0].message, "m");
    }
}
