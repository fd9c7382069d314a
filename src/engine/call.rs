//! Effects on the world: each passes the fence and the gate before it starts, and the gate again after it ended.

use std::collections::BTreeSet;
use std::future::Future;

use super::ports::{AwsFailure, Blocked, Effect, FailureKind, HubPorts, Patch, Unprocessed, World};
use crate::core::ids::{FindingKey, ObjectRef, Region};

/// A write that did not succeed.
#[derive(Debug)]
pub struct NotWritten {
    /// Why.
    pub failure: AwsFailure,
    /// Whether it may have had its effect all the same.
    pub perhaps: bool,
}

/// Turns a blocked gate into a failed call.
fn blocked(action: &str, blocked: &Blocked) -> AwsFailure {
    let kind = match blocked {
        Blocked::Fail => FailureKind::Transient,
        Blocked::Stop => FailureKind::Stopped,
    };
    AwsFailure { action: action.to_owned(), kind, code: None, message: blocked.to_string(), retry_after: None }
}

/// Runs one effect through the gate.
pub async fn gated<T, F>(world: &World, effect: &Effect, action: &str, call: impl FnOnce() -> F) -> Result<T, NotWritten>
where
    F: Future<Output = Result<T, AwsFailure>>,
{
    if !world.fence.may_write().await {
        let failure = AwsFailure {
            action: action.to_owned(),
            kind: FailureKind::Stopped,
            code: None,
            message: "another instance leads now".to_owned(),
            retry_after: None,
        };
        return Err(NotWritten { failure, perhaps: false });
    }
    world.gate.before(effect).await.map_err(|stop| NotWritten { failure: blocked(action, &stop), perhaps: false })?;
    let result = call().await;
    let passed = world.gate.after(effect).await;
    match (result, passed) {
        (Ok(value), Ok(())) => Ok(value),
        (Ok(_), Err(stop)) => Err(NotWritten { failure: blocked(action, &stop), perhaps: true }),
        (Err(failure), _) => {
            let perhaps = matches!(failure.kind, FailureKind::Transient | FailureKind::Unreachable);
            Err(NotWritten { failure, perhaps })
        }
    }
}

/// One BatchUpdateFindings, once each of these owners is proved to be gone.
pub async fn update(
    world: &World,
    ports: &HubPorts,
    region: &Region,
    keys: &[FindingKey],
    patch: &Patch,
    absent: &BTreeSet<ObjectRef>,
) -> Result<Vec<Unprocessed>, NotWritten> {
    for owner in absent {
        let kind = FailureKind::Transient;
        let message = match world.absence.is_gone(owner).await {
            Ok(true) => continue,
            Ok(false) => format!("{owner} is not listed, and is there all the same: nothing is given back for it"),
            Err(error) => error.to_string(),
        };
        let failure = AwsFailure { action: "update findings".to_owned(), kind, code: None, message, retry_after: None };
        return Err(NotWritten { failure, perhaps: false });
    }
    gated(world, &Effect::HubWrite(keys.len()), "update findings", || ports.write.update(region, keys, patch)).await
}
