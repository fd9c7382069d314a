//! What was in force, joined with what a source says now.

use std::collections::BTreeSet;

use super::{Declared, Hidden};
use crate::core::ids::ObjectRef;
use crate::core::objects::{Desired, Object, Objects};

/// Joins what a source says now with what was in force: an unreadable object keeps its last good version, and while the
/// listing is incomplete nothing that was known is gone.
pub fn carry_over(previous: Option<&Objects>, desired: &Desired) -> Declared {
    let named: BTreeSet<&ObjectRef> = desired.broken.iter().filter_map(|broken| broken.object.as_ref()).collect();
    let mut objects = desired.objects.clone();
    let mut kept = BTreeSet::new();
    if let Some(previous) = previous {
        let keep = |object: &ObjectRef| named.contains(object) || !desired.complete;
        carry(&mut objects.hubs, &previous.hubs, &keep, &mut kept);
        carry(&mut objects.accounts, &previous.accounts, &keep, &mut kept);
        carry(&mut objects.policies, &previous.policies, &keep, &mut kept);
        carry(&mut objects.exceptions, &previous.exceptions, &keep, &mut kept);
        carry(&mut objects.exception_policies, &previous.exception_policies, &keep, &mut kept);
        carry(&mut objects.approvals, &previous.approvals, &keep, &mut kept);
    }
    let hole = |object: &ObjectRef| !kept.contains(object);
    let unreadable = named.iter().copied().filter(|object| hole(object)).cloned().collect();
    let hidden = desired.broken.iter().filter(|broken| broken.object.as_ref().is_none_or(hole)).filter_map(|broken| {
        let name = broken.object.as_ref().map_or_else(|| broken.origin.to_string(), ToString::to_string);
        Some(Hidden { name, priority: broken.priority? })
    });
    Declared { objects, complete: desired.complete, unreadable, hidden: hidden.collect() }
}

fn carry<S: Clone>(
    now: &mut Vec<Object<S>>,
    previous: &[Object<S>],
    keep: &impl Fn(&ObjectRef) -> bool,
    kept: &mut BTreeSet<ObjectRef>,
) {
    let present: BTreeSet<ObjectRef> = now.iter().map(|object| object.meta.object.clone()).collect();
    for object in previous {
        if !present.contains(&object.meta.object) && keep(&object.meta.object) {
            kept.insert(object.meta.object.clone());
            now.push(object.clone());
        }
    }
    now.sort_by(|a, b| a.meta.object.cmp(&b.meta.object));
}
