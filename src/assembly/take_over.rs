//! `take-over`: whose a hub is, moved on purpose. Values only, no text layout.

use crate::cluster::identity::IdentityError;
use crate::core::hub_owner::{HubOwner, Named, Standing};
use crate::core::ids::{AccountId, Region};
use crate::core::objects::HubSpec;
use crate::engine::hub_owner::{Hub, SETTLE};
use crate::engine::keeper::Regions;
use crate::engine::ports::{AwsFailure, World};

use super::cluster::ClusterError;
use super::reach::{Progress, Reach};

/// Why a hub's owner cannot be told or moved.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// The cluster, and what is declared there.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Which cluster it is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// AWS said no.
    #[error("{0}")]
    Aws(#[from] AwsFailure),
    /// Somebody else was later.
    #[error("failed to own the hub in {region}: {owner} took it at the same moment")]
    Lost {
        /// Where.
        region: Region,
        /// Who.
        owner: String,
    },
}

impl TakeOverError {
    /// What a person does next, where the message does not say it.
    pub fn advice(&self) -> Option<&str> {
        match self {
            Self::Cluster(error) => Some(error.advice()),
            Self::Aws(failure) => Some(failure.advice()),
            Self::Lost { .. } => Some("Agree with them, then run it again."),
            Self::Identity(_) => None,
        }
    }
}

/// A hub in all Regions where it is written, and whose it is in each.
pub struct Holding {
    world: World,
    /// The account of the hub.
    pub account: AccountId,
    places: Vec<(Region, Hub, Standing)>,
}

/// Whose the hub of one Region is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub region: Region,
    /// Who is named, if anybody is.
    pub named: Option<Named>,
    /// Whether that is us.
    pub ours: bool,
}

impl Holding {
    /// Reads whose a hub is, as `owner` sees it.
    pub async fn look(reach: &Reach, spec: &HubSpec, owner: HubOwner) -> Result<Self, TakeOverError> {
        let world = World { owner, ..reach.onlooker(Progress::none()) };
        let ports = world.connector.connect(spec).await?;
        let description = ports.read.describe().await?;
        let unlinked = Regions::of(spec, &description).unlinked;
        let mut places = Vec::new();
        for region in std::iter::once(spec.home_region.clone()).chain(unlinked) {
            let hub = Hub::new(&ports, &description.hub_arn, region.clone());
            let standing = hub.look(&world).await?.standing;
            places.push((region, hub, standing));
        }
        Ok(Self { world, account: description.account, places })
    }

    /// By what name it would be owned.
    pub fn owner(&self) -> &HubOwner {
        &self.world.owner
    }

    /// Whose it is, home first.
    pub fn places(&self) -> Vec<Place> {
        let place = |(region, _, standing): &(Region, Hub, Standing)| Place {
            region: region.clone(),
            named: standing.named().cloned(),
            ours: matches!(standing, Standing::Ours(_)),
        };
        self.places.iter().map(place).collect()
    }

    /// Makes it ours wherever it is not, and looks whether that stayed. Gives the Regions that were changed.
    pub async fn take(&self) -> Result<Vec<Region>, TakeOverError> {
        let mut taken = Vec::new();
        for (region, hub, _) in self.places.iter().filter(|(_, _, standing)| !matches!(standing, Standing::Ours(_))) {
            hub.take(&self.world).await.map_err(|not| not.failure)?;
            taken.push((region, hub));
        }
        if !taken.is_empty() {
            self.world.clock.sleep(SETTLE).await;
        }
        for (region, hub) in &taken {
            match hub.look(&self.world).await?.standing {
                Standing::Ours(_) => {}
                other => {
                    let owner = other.named().map_or_else(|| "nobody".to_owned(), |named| named.name.clone());
                    return Err(TakeOverError::Lost { region: (*region).clone(), owner });
                }
            }
        }
        Ok(taken.into_iter().map(|(region, _)| region.clone()).collect())
    }

    /// Makes it nobody's wherever it is ours. Gives the Regions that were changed.
    pub async fn let_go(&self) -> Result<Vec<Region>, TakeOverError> {
        let mut left = Vec::new();
        for (region, hub, _) in self.places.iter().filter(|(_, _, standing)| matches!(standing, Standing::Ours(_))) {
            hub.let_go(&self.world).await.map_err(|not| not.failure)?;
            left.push(region.clone());
        }
        Ok(left)
    }
}
