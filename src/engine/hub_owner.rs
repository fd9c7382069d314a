//! Whose a hub is: read from its tags, claimed where it is nobody's, let go. AWS has no conditional write: who claims waits for
//! others that read "nobody's" at the same time, and looks whose claim stayed.

use std::time::Duration;

use super::call::{self, NotWritten};
use super::ports::{AwsFailure, Effect, HubPorts, World};
use crate::core::hub_owner::{OWNER_TAG, SINCE_TAG, Standing, arn_in};
use crate::core::ids::Region;

/// How long a claim is left to be overwritten before it is read back: longer than another takes from reading "nobody's" to its own
/// claim. Who is slower than that is noticed by the next regular look.
pub const SETTLE: Duration = Duration::from_secs(2);

/// What a look at the tags found.
#[derive(Debug)]
pub struct Look {
    /// Whose the hub is.
    pub standing: Standing,
    /// When the read that says so was asked for, by the clock's elapsed time.
    pub as_of: Duration,
    /// Whether it was nobody's before.
    pub claimed: bool,
}

/// The hub of one Region.
#[derive(Clone)]
pub struct Hub {
    ports: HubPorts,
    region: Region,
    arn: String,
}

impl Hub {
    /// The hub in `region` of the account whose hub in some Region has the ARN `hub_arn`.
    pub fn new(ports: &HubPorts, hub_arn: &str, region: Region) -> Self {
        Self { ports: ports.clone(), arn: arn_in(hub_arn, &region), region }
    }

    /// Whose it is now.
    pub async fn look(&self, world: &World) -> Result<Look, AwsFailure> {
        let as_of = world.clock.elapsed();
        let tags = self.ports.tags.tags(&self.region, &self.arn).await?;
        Ok(Look { standing: Standing::of(&tags, &world.owner), as_of, claimed: false })
    }

    /// Whose it is now; it becomes ours if it is nobody's, unless another is later.
    pub async fn look_or_claim(&self, world: &World) -> Result<Look, AwsFailure> {
        let seen = self.look(world).await?;
        if seen.standing != Standing::Nobodys {
            return Ok(seen);
        }
        self.take(world).await.map_err(|not| not.failure)?;
        world.clock.sleep(SETTLE).await;
        Ok(Look { claimed: true, ..self.look(world).await? })
    }

    /// Makes it ours, whosever it is.
    pub async fn take(&self, world: &World) -> Result<(), NotWritten> {
        let Self { ports, region, arn } = self;
        let tags = world.owner.tags(world.clock.now());
        call::gated(world, &Effect::HubTag, "tag the hub", || ports.tags.tag(region, arn, &tags)).await
    }

    /// Makes it nobody's.
    pub async fn let_go(&self, world: &World) -> Result<(), NotWritten> {
        let Self { ports, region, arn } = self;
        let keys = [OWNER_TAG, SINCE_TAG];
        call::gated(world, &Effect::HubTag, "untag the hub", || ports.tags.untag(region, arn, &keys)).await
    }
}
