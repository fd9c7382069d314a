//! Whose the hub of each place is, looked at again and again. What is not known to be ours is not written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Done, Keeper, Purpose};
use crate::core::hub_owner::Standing;
use crate::core::ids::{Kind, ObjectRef, Region};
use crate::core::reasons;
use crate::engine::backoff::Backoff;
use crate::engine::hub_owner::{Hub, Look};
use crate::engine::ports::{AwsFailure, Event, FailureKind};
use crate::inventory::Place;

/// How often the tags are read: so long, and the calls under way, it takes at most until we notice that another took over.
pub(in crate::engine) const LOOK: Duration = Duration::from_mins(2);
/// Once after a claim the next look comes so soon: another's claim may have been slower than the time ours was left to settle.
const AFTER_CLAIM: Duration = Duration::from_secs(30);
/// No write starts on knowledge that is older than this, if the tags cannot be read meanwhile.
const VALID: Duration = Duration::from_mins(5);
/// How long letting go of the hub may take.
const LETTING_GO: Duration = Duration::from_secs(10);

/// What is known of one place.
#[derive(Debug, Default)]
pub(in crate::engine) struct Owned {
    standing: Option<Standing>,
    /// When the read that said so began.
    as_of: Duration,
    /// Why the last look told nothing.
    trouble: Option<AwsFailure>,
    looking: bool,
    /// When the next look is due.
    due: Duration,
    backoff: Backoff,
}

/// What keeps a place from being written.
#[derive(Debug)]
pub(in crate::engine) enum NotOurs<'a> {
    /// Nobody looked yet.
    Unseen,
    /// The tags cannot be read, or set.
    Unknown(&'a AwsFailure),
    /// Another's.
    Elsewhere(&'a Standing),
}

impl Owned {
    fn is_ours(&self, elapsed: Duration) -> bool {
        // Who denies us the tags means it: no knowledge outlasts that.
        let denied = self.trouble.as_ref().is_some_and(|failure| failure.kind == FailureKind::AccessDenied);
        !denied && matches!(self.standing, Some(Standing::Ours(_))) && elapsed < self.as_of + VALID
    }

    fn why_not(&self, elapsed: Duration) -> Option<NotOurs<'_>> {
        match (&self.standing, &self.trouble) {
            _ if self.is_ours(elapsed) => None,
            (Some(elsewhere @ Standing::Elsewhere(_)), _) => Some(NotOurs::Elsewhere(elsewhere)),
            (_, Some(failure)) => Some(NotOurs::Unknown(failure)),
            (_, None) => Some(NotOurs::Unseen),
        }
    }
}

impl Keeper {
    fn owned(&self, place: Place) -> Option<&Owned> {
        self.owners.get(&place)
    }

    /// Whether writes to this place may start.
    pub(super) fn is_ours(&self, place: Place, elapsed: Duration) -> bool {
        self.purpose == Purpose::Survey || self.owned(place).is_some_and(|owned| owned.is_ours(elapsed))
    }

    /// Whether all of the hub is ours to write.
    pub(in crate::engine) fn owns_all(&self) -> bool {
        let elapsed = self.world.clock.elapsed();
        !self.places.is_empty() && self.place_numbers().all(|place| self.is_ours(place, elapsed))
    }

    /// The first Region that is not ours to write, and why: another's before one that nobody knows of.
    pub(in crate::engine) fn not_ours(&self) -> Option<(&Region, NotOurs<'_>)> {
        if self.purpose == Purpose::Survey {
            return None;
        }
        let elapsed = self.world.clock.elapsed();
        let why = |(n, region)| {
            let place = Place(u8::try_from(n).ok()?);
            Some((region, self.owned(place).map_or(Some(NotOurs::Unseen), |owned| owned.why_not(elapsed))?))
        };
        let mut all: Vec<_> = self.places.iter().enumerate().filter_map(why).collect();
        all.sort_by_key(|(_, why)| match why {
            NotOurs::Elsewhere(_) => 0,
            NotOurs::Unknown(_) => 1,
            NotOurs::Unseen => 2,
        });
        all.into_iter().next()
    }

    /// Whose the hub is in each Region where that is known, home first.
    pub fn standings(&self) -> Vec<(Region, Standing)> {
        let known = |(n, region): (usize, &Region)| {
            let standing = self.owned(Place(u8::try_from(n).ok()?))?.standing.clone()?;
            Some((region.clone(), standing))
        };
        self.places.iter().enumerate().filter_map(known).collect()
    }

    /// Who owns the hub of the home Region, as far as that is known.
    pub(in crate::engine) fn owner_at_home(&self) -> Option<String> {
        let standing = self.owned(Place(0))?.standing.as_ref()?;
        standing.named().map(|named| named.name.clone())
    }

    /// Whether every look that a survey makes is over.
    pub(super) fn has_looked(&self) -> bool {
        self.place_numbers().all(|place| self.owned(place).is_some_and(|o| o.standing.is_some() || o.trouble.is_some()))
    }

    /// Looks at the tags of every place where that is due, and claims what is nobody's.
    pub(super) fn look_at_owners(&mut self, elapsed: Duration) {
        let (Some(ports), Some(description)) = (&self.ports, &self.description) else { return };
        for (n, region) in self.places.iter().enumerate() {
            let Ok(place) = u8::try_from(n).map(Place) else { continue };
            let owned = self.owners.entry(place).or_default();
            let once = self.purpose == Purpose::Survey && (owned.standing.is_some() || owned.trouble.is_some());
            if owned.looking || once || owned.due > elapsed || !owned.backoff.open(elapsed) {
                continue;
            }
            owned.looking = true;
            let hub = Hub::new(ports, &description.hub_arn, region.clone());
            let (world, claims) = (self.world.clone(), self.purpose == Purpose::Keep);
            self.in_flight.push(Box::pin(async move {
                let result = if claims { hub.look_or_claim(&world).await } else { hub.look(&world).await };
                Done::Looked { place, result }
            }));
        }
    }

    pub(super) fn owner_looked_at(&mut self, place: Place, result: Result<Look, AwsFailure>, elapsed: Duration) {
        let jitter = self.world.rng.fraction();
        let owned = self.owners.entry(place).or_default();
        owned.looking = false;
        self.planned = None;
        let look = match result {
            Ok(look) => look,
            Err(failure) => {
                owned.backoff.failed(elapsed, failure.retry_after, jitter);
                owned.trouble = Some(failure);
                return;
            }
        };
        let ours = matches!(look.standing, Standing::Ours(_));
        if look.standing == Standing::Nobodys && self.purpose == Purpose::Keep {
            // Claimed, and removed again: somebody does not want that just now.
            owned.backoff.failed(elapsed, None, jitter);
        } else {
            owned.backoff.reset();
        }
        owned.trouble = None;
        owned.as_of = look.as_of;
        owned.due = elapsed + if look.claimed { AFTER_CLAIM } else { LOOK };
        owned.standing = Some(look.standing);
        if let (true, true, Some(region)) = (look.claimed, ours, self.region(place)) {
            let object = ObjectRef::cluster(Kind::SecurityHub, &self.hub);
            let message = format!("the hub in {region} was nobody's and is {}'s from now on", self.world.owner);
            self.world.events.emit(Event { object, reason: reasons::CLAIMED, warning: false, message });
        }
    }

    /// The tags are read again at once.
    pub(super) fn look_again(&mut self) {
        for owned in self.owners.values_mut() {
            owned.due = Duration::ZERO;
        }
    }

    /// When the next look is due, and when what is known is too old.
    pub(super) fn owner_wakes(&self) -> impl Iterator<Item = Duration> {
        let keeps = self.purpose == Purpose::Keep;
        let waiting = self.owners.values().filter(move |owned| keeps && !owned.looking);
        let due = waiting.map(|owned| owned.backoff.opens().unwrap_or_default().max(owned.due));
        let ours = |owned: &&Owned| matches!(owned.standing, Some(Standing::Ours(_)));
        due.chain(self.owners.values().filter(ours).map(|owned| owned.as_of + VALID))
    }

    /// The object of this hub is gone for good: the hub is let go, if nothing is held there any more. What is held would be taken
    /// for abandoned by the next one who claims it, so then the tag stays until somebody moves it on purpose.
    pub async fn let_go(self) {
        let held: u64 = self.inventory.accounts().values().map(|account| account.held).sum();
        if !self.ready() || !self.owns_all() {
            return;
        }
        if held > 0 {
            tracing::warn!(
                hub = %self.hub, held, owner = %self.world.owner,
                "the SecurityHub is gone and findings are still held: they stay as they are, and the hub stays this owner's"
            );
            return;
        }
        let Self { world, hub: name, ports: Some(ports), description: Some(description), places, .. } = self else { return };
        let letting_go = async {
            for region in &places {
                let hub = Hub::new(&ports, &description.hub_arn, region.clone());
                let let_go = async {
                    if matches!(hub.look(&world).await?.standing, Standing::Ours(_)) {
                        hub.let_go(&world).await.map_err(|not| not.failure)?;
                    }
                    Ok::<_, AwsFailure>(())
                };
                match let_go.await {
                    Ok(()) => tracing::info!(hub = %name, %region, "the SecurityHub is gone and nothing is held: let go"),
                    Err(error) => tracing::warn!(hub = %name, %region, %error, "the hub is not let go"),
                }
            }
        };
        tokio::select! {
            biased;
            () = letting_go => {}
            () = world.clock.sleep(LETTING_GO) => tracing::warn!(hub = %name, "the hub is not let go in time"),
        }
    }
}

/// Places and what is known of them.
pub(super) type Owners = BTreeMap<Place, Owned>;
