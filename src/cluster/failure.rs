//! What the API server refuses, in a sentence that says what to do.

use kube::core::Status;
use kube::runtime::watcher;

/// A request that failed; `action` completes "failed to".
pub fn of(error: &kube::Error, action: &str) -> String {
    match error {
        kube::Error::Api(status) => of_status(status, action),
        other => format!("failed to {action}: {other}; check the kubeconfig, and whether the API server can be reached"),
    }
}

/// A watch of a resource (by its plural) that failed.
pub fn of_watch(error: &watcher::Error, plural: &str) -> String {
    let action = format!("watch {plural}");
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => of(error, &action),
        watcher::Error::WatchError(status) => of_status(status, &action),
        watcher::Error::NoResourceVersion => format!("failed to {action}: the API server gave no resourceVersion"),
    }
}

/// Whether the API server says no, and goes on saying so until a person does something.
pub(super) fn is_refusal(error: &watcher::Error) -> bool {
    let refused = |status: &Status| matches!(status.code, 401 | 403);
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => matches!(error, kube::Error::Api(status) if refused(status)),
        watcher::Error::WatchError(status) => refused(status),
        watcher::Error::NoResourceVersion => false,
    }
}

fn of_status(status: &Status, action: &str) -> String {
    let advice = match status.code {
        401 => "; sign in again, or check the kubeconfig",
        403 => "; allow it with RBAC: the chart's ClusterRole has what Hubkeeper needs",
        404 if action.contains("watch ") || action.contains("count ") => {
            "; install the definitions: hubkeeper crds | kubectl apply --server-side -f -"
        }
        _ => "",
    };
    let code = if status.reason.is_empty() { status.code.to_string() } else { status.reason.clone() };
    format!("failed to {action}: {} ({code}){advice}", status.message)
}
