//! A status, through the gate.

use crate::core::ids::ObjectRef;
use crate::engine::ports::{Blocked, Effect, SinkError, World};

/// Writes or removes a status, through the gate.
pub(super) async fn gated(
    world: &World,
    object: &ObjectRef,
    effect: impl Future<Output = Result<(), SinkError>>,
) -> Result<(), SinkError> {
    let passage = Effect::Status(object.clone());
    let stopped = |blocked: Blocked| SinkError { action: format!("write the status of {object}"), message: blocked.to_string() };
    world.gate.before(&passage).await.map_err(stopped)?;
    let written = effect.await;
    world.gate.after(&passage).await.map_err(stopped)?;
    written
}
