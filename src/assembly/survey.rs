//! `plan` and `explain`: look at a hub once, decide everything, write nothing.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::core::objects::Desired;
use crate::engine::keeper::{Keeper, Purpose};
use crate::engine::ports::World;

/// Reads the hub of this name whole and decides every finding. The keeper that comes back tells the rest; its
/// [`Keeper::failure`] says why it knows nothing.
pub async fn survey(world: World, desired: Arc<Desired>, hub: &str, stop: CancellationToken) -> Keeper {
    let (_sender, receiver) = watch::channel(desired);
    Keeper::new(world, hub, Purpose::Survey).run(receiver, stop).await
}
