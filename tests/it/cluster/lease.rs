//! Leadership on real Leases.

use std::sync::Arc;
use std::time::Duration;

use hubkeeper::assembly::pass::OpenGate;
use hubkeeper::assembly::time::{Dice, HouseClock};
use hubkeeper::cluster::lease::{Candidate, Ended, Terms};
use hubkeeper::engine::ports::Fence as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{Patch, PatchParams};
use tokio_util::sync::CancellationToken;

use super::admin;

/// Short, and still long against what a request takes here.
const DURATION: Duration = Duration::from_secs(6);

async fn leases() -> Api<Lease> {
    Api::namespaced(admin().await, "default")
}

async fn candidate(lease: &str, identity: &str) -> Candidate {
    let terms = Terms::lasting(DURATION, lease, identity);
    Candidate::new(leases().await, terms, Arc::new(HouseClock::system()), Arc::new(Dice::fair()), Arc::new(OpenGate))
}

async fn holder(lease: &str) -> Option<String> {
    leases().await.get(lease).await.unwrap().spec.unwrap().holder_identity
}

#[tokio::test]
async fn one_leads_and_hands_over_at_once_when_it_is_told_to_stop() {
    let (mut first, mut second) = (candidate("hand-over", "first").await, candidate("hand-over", "second").await);
    let (stop, never) = (CancellationToken::new(), CancellationToken::new());
    assert!(first.lead(&stop).await && first.fence().may_write().await);
    let fence = second.fence();
    let waiting = async {
        assert!(second.lead(&never).await);
        second
    };
    let holding = async {
        // Longer than the lease: only renewing keeps it.
        tokio::time::sleep(DURATION + DURATION / 2).await;
        assert!(!fence.may_write().await);
        stop.cancel();
    };
    let (second, ended, ()) = tokio::join!(
        waiting,
        async {
            let ended = first.hold(&stop).await;
            assert!(first.fence().may_write().await, "what is under way may finish");
            first.release().await;
            assert!(!first.fence().may_write().await);
            ended
        },
        holding
    );
    assert_eq!(ended, Ended::Stopped);
    assert!(second.fence().may_write().await);
    assert_eq!(holder("hand-over").await.as_deref(), Some("second"));
    let spec = leases().await.get("hand-over").await.unwrap().spec.unwrap();
    assert_eq!(spec.lease_transitions, Some(2));
}

#[tokio::test]
async fn of_many_that_start_at_once_exactly_one_leads() {
    let never = CancellationToken::new();
    let mut candidates = Vec::new();
    for number in 0..6 {
        candidates.push(candidate("many", &format!("candidate-{number}")).await);
    }
    let mut fences = Vec::new();
    let mut race = futures::stream::FuturesUnordered::new();
    for mut candidate in candidates {
        fences.push(candidate.fence());
        let never = never.clone();
        race.push(async move {
            candidate.lead(&never).await;
            candidate
        });
    }
    let first = futures::StreamExt::next(&mut race).await.unwrap();
    let mut leading = 0;
    for fence in &fences {
        leading += u32::from(fence.may_write().await);
    }
    assert_eq!(leading, 1);
    // Nobody else gets it for as long as it lasts.
    assert!(tokio::time::timeout(DURATION / 2, futures::StreamExt::next(&mut race)).await.is_err());
    drop(first);
    assert!(futures::StreamExt::next(&mut race).await.is_some(), "one that is dropped without a word is succeeded");
}

#[tokio::test]
async fn a_leader_that_does_not_renew_stops_writing_before_another_begins() {
    let (mut first, mut second) = (candidate("paused", "first").await, candidate("paused", "second").await);
    let never = CancellationToken::new();
    assert!(first.lead(&never).await);
    let fence = first.fence();
    let watched = async {
        let mut both = 0;
        let (theirs, mut stopped) = (second.fence(), false);
        let mut race = Box::pin(second.lead(&never));
        loop {
            tokio::select! {
                _ = &mut race => break,
                () = tokio::time::sleep(Duration::from_millis(50)) => {
                    both += u32::from(fence.may_write().await && theirs.may_write().await);
                    stopped |= !fence.may_write().await;
                }
            }
        }
        assert!(stopped, "it knew before the other began");
        both
    };
    assert_eq!(watched.await, 0);
    assert_eq!(first.hold(&never).await, Ended::Lost, "it sees that another leads");
}

#[tokio::test]
async fn the_clock_of_another_node_does_not_matter() {
    let (mut first, mut second) = (candidate("skew", "first").await, candidate("skew", "second").await);
    let never = CancellationToken::new();
    assert!(first.lead(&never).await);
    // As if the holder's clock were a day slow, and then a day fast.
    for time in ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"] {
        let patch = serde_json::json!({"spec": {"renewTime": time}});
        leases().await.patch("skew", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        assert!(tokio::time::timeout(DURATION / 2, second.lead(&never)).await.is_err());
    }
    assert!(second.lead(&never).await, "it runs out by the clock of the one that waits");
}

#[tokio::test]
async fn a_lease_that_somebody_deletes_is_made_anew_and_has_one_holder() {
    let mut first = candidate("deleted", "first").await;
    let stop = CancellationToken::new();
    assert!(first.lead(&stop).await);
    leases().await.delete("deleted", &kube::api::DeleteParams::default()).await.unwrap();
    let ended = tokio::time::timeout(DURATION * 2, first.hold(&stop)).await;
    assert_eq!(ended, Ok(Ended::Lost), "what it stood on is gone");
    assert!(!first.fence().may_write().await && first.lead(&stop).await && first.fence().may_write().await);
}
