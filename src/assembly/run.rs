//! `run`: one loop for each SecurityHub that is declared, for as long as it is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::gated::gated;
use super::merge::MergedStatus;
use crate::core::ids::ObjectRef;
use crate::core::objects::{Desired, Meta, Object, PolicySpec};
use crate::core::reasons;
use crate::engine::keeper::{Keeper, Purpose};
use crate::engine::ports::{Clock, Condition, DesiredSource, Detail, Event, Meter, ObjectStatus, World};

/// How long a source that cannot be read is left alone.
const SOURCE_RETRY: Duration = Duration::from_secs(5);

/// A hub's loop, from outside.
struct Running {
    desired: watch::Sender<Arc<Desired>>,
    stop: CancellationToken,
}

/// Makes the meter of a hub, by the name of its object.
pub type MeterOf = Arc<dyn Fn(&str) -> Arc<dyn Meter> + Send + Sync>;

/// Every hub's loop.
struct Fleet {
    world: World,
    meter_of: MeterOf,
    merged: Arc<MergedStatus>,
    shutdown: CancellationToken,
    loops: FuturesUnordered<BoxFuture<'static, Arc<str>>>,
    running: BTreeMap<Arc<str>, Running>,
}

impl Fleet {
    /// Starts a loop for every hub that has none, tells the others what is declared, and stops those whose hub is gone.
    fn follow(&mut self, desired: &Arc<Desired>) {
        let hubs: Vec<Arc<str>> = desired.objects.hubs.iter().map(|hub| Arc::clone(&hub.meta.object.name)).collect();
        for hub in &hubs {
            if let Some(known) = self.running.get(hub) {
                known.desired.send_replace(Arc::clone(desired));
                continue;
            }
            let (sender, receiver) = watch::channel(Arc::clone(desired));
            let stop = self.shutdown.child_token();
            let mut own = self.world.clone();
            own.status = self.merged.of_hub(hub);
            own.meter = (self.meter_of)(hub);
            let keeper = Keeper::new(own, hub, Purpose::Keep);
            let (name, token, shutdown) = (Arc::clone(hub), stop.clone(), self.shutdown.clone());
            self.loops.push(Box::pin(async move {
                let keeper = keeper.run(receiver, token).await;
                // Gone for good, unless everything ends.
                tokio::select! {
                    biased;
                    () = shutdown.cancelled() => {}
                    () = keeper.let_go() => {}
                }
                name
            }));
            self.running.insert(Arc::clone(hub), Running { desired: sender, stop });
        }
        // A hub that is proved to be gone is let go; one that is only unreadable goes on with its last good version.
        for (_, known) in self.running.iter().filter(|(name, _)| !hubs.contains(name)) {
            known.desired.send_replace(Arc::clone(desired));
            if desired.complete && desired.broken.is_empty() {
                known.stop.cancel();
            }
        }
    }
}

/// Keeps every declared hub until `shutdown`; then each loop finishes what it started. `loaded` is called when the desired state
/// is first known.
pub async fn run(
    world: World,
    meter_of: MeterOf,
    mut source: Box<dyn DesiredSource>,
    shutdown: CancellationToken,
    loaded: impl Fn() + Send,
) {
    let mut fleet = Fleet {
        merged: MergedStatus::new(Arc::clone(&world.status)),
        world: world.clone(),
        meter_of,
        shutdown: shutdown.clone(),
        loops: FuturesUnordered::new(),
        running: BTreeMap::new(),
    };
    let mut orphans: BTreeMap<ObjectRef, ObjectStatus> = BTreeMap::new();
    let mut last: Option<Arc<Desired>> = None;
    let mut retry: Option<Duration> = None;
    loop {
        let clock: Arc<dyn Clock> = Arc::clone(&world.clock);
        let wait = retry.map_or(Duration::ZERO, |at| at.saturating_sub(clock.elapsed()));
        tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(hub) = fleet.loops.next(), if !fleet.loops.is_empty() => {
                fleet.running.remove(&hub);
                // Gone for good, unless everything ends: then what was said stays.
                if !shutdown.is_cancelled() {
                    fleet.merged.leave(&world, &hub).await;
                    if let Some(desired) = &last {
                        // It may have been declared again meanwhile.
                        fleet.follow(desired);
                        tell_orphans(&world, desired, &mut orphans).await;
                    }
                }
            }
            () = clock.sleep(wait), if retry.is_some() => retry = None,
            next = source.next(), if retry.is_none() => match next {
                Ok(desired) => {
                    loaded();
                    if desired.objects.hubs.is_empty() {
                        tracing::warn!("no SecurityHub is declared: nothing is kept");
                    }
                    fleet.follow(&desired);
                    tell_orphans(&world, &desired, &mut orphans).await;
                    last = Some(desired);
                }
                Err(error) => {
                    tracing::warn!(%error, "the desired state cannot be read; nothing changes meanwhile");
                    retry = Some(clock.elapsed() + SOURCE_RETRY);
                }
            },
        }
    }
    while fleet.loops.next().await.is_some() {}
}

/// What no loop speaks of: policies that name no declared hub, and everything where none is declared at all.
async fn tell_orphans(world: &World, desired: &Desired, told: &mut BTreeMap<ObjectRef, ObjectStatus>) {
    let objects = &desired.objects;
    let known = |name: &String| objects.hubs.iter().any(|hub| *hub.meta.object.name == **name);
    let mut unheard: Vec<(&Meta, String)> = Vec::new();
    if objects.hubs.is_empty() && desired.complete && desired.broken.is_empty() {
        let message = "no SecurityHub is declared: nothing is kept, and nothing expires".to_owned();
        unheard.extend(objects.metas().map(|meta| (meta, message.clone())));
    } else {
        let without = |policy: &&Object<PolicySpec>| !policy.spec.hubs.is_empty() && !policy.spec.hubs.iter().any(known);
        unheard.extend(objects.policies.iter().filter(without).map(|policy| {
            let names = policy.spec.hubs.join(", ");
            (&policy.meta, format!("spec.hubs names {names}, and no SecurityHub of that name is declared"))
        }));
    }
    let mut orphans = BTreeMap::new();
    for (meta, message) in unheard {
        let condition =
            |kind, status| Condition { kind, status: Some(status), reason: reasons::UNKNOWN_HUB, message: message.clone() };
        let status = ObjectStatus {
            object: meta.object.clone(),
            observed_generation: meta.generation,
            handled_request: meta.requested_at.clone(),
            conditions: vec![condition("Ready", false), condition("Reconciling", false), condition("Stalled", true)],
            detail: Detail::empty(meta.object.kind),
        };
        if told.get(&status.object) != Some(&status) {
            let object = status.object.clone();
            world.events.emit(Event {
                object: object.clone(),
                reason: reasons::UNKNOWN_HUB,
                warning: true,
                message: message.clone(),
            });
            if let Err(error) = gated(world, &object, world.status.write(&status)).await {
                tracing::warn!(%error, %object, "a status is not written");
                continue;
            }
        }
        orphans.insert(status.object.clone(), status);
    }
    *told = orphans;
}
