use std::sync::Mutex;

use async_trait::async_trait;
use kube::client::Body;
use tokio::time::Instant;

use super::*;
use crate::engine::ports::Fence as _;

/// Tokio's clock, paused, from a fixed wall time, and at some rate of it.
#[derive(Debug)]
struct Paused {
    since: Instant,
    rate: f64,
}

impl Paused {
    fn at_rate(rate: f64) -> Arc<dyn Clock> {
        Arc::new(Self { since: Instant::now(), rate })
    }
}

#[async_trait]
impl Clock for Paused {
    fn now(&self) -> Timestamp {
        "2026-12-10T08:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::try_from(self.elapsed()).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.since.elapsed().mul_f64(self.rate)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration.div_f64(self.rate)).await;
    }
}

#[derive(Debug)]
struct Half;

impl Rng for Half {
    fn fraction(&self) -> f64 {
        0.5
    }
}

#[derive(Debug)]
struct Open;

#[async_trait]
impl Gate for Open {
    async fn before(&self, _: &Effect) -> Result<(), Blocked> {
        Ok(())
    }

    async fn after(&self, _: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

/// An API server with nothing but one Lease, whose answers to writes take some time, after they had their effect.
fn slow(answers_after: Duration) -> Api<Lease> {
    let stored: Arc<Mutex<Option<Lease>>> = Arc::default();
    let server = tower::service_fn(move |request: http::Request<Body>| {
        let stored = Arc::clone(&stored);
        async move {
            let is_write = request.method() != http::Method::GET;
            let body = request.into_body().collect_bytes().await.unwrap();
            let lease = {
                let mut stored = stored.lock().unwrap();
                if is_write {
                    let mut lease: Lease = serde_json::from_slice(&body).unwrap();
                    let version = lease.metadata.resource_version.map_or(1, |version| version.parse::<u64>().unwrap() + 1);
                    lease.metadata.resource_version = Some(version.to_string());
                    *stored = Some(lease);
                }
                stored.clone()
            };
            if is_write {
                tokio::time::sleep(answers_after).await;
            }
            let (code, text) = match lease {
                Some(lease) => (200, serde_json::to_vec(&lease).unwrap()),
                None => {
                    (404, br#"{"kind":"Status","status":"Failure","code":404,"reason":"NotFound","message":"none"}"#.to_vec())
                }
            };
            let answer = http::Response::builder().status(code).body(Body::from(text)).unwrap();
            Ok::<_, std::convert::Infallible>(answer)
        }
    });
    Api::namespaced(kube::Client::new(server, "default"), "default")
}

/// The write counts on the API server from before its answer: another may take the lease that much earlier.
#[tokio::test(start_paused = true)]
async fn the_right_to_write_counts_from_the_start_of_a_renewal_and_not_from_its_late_answer() {
    let terms = Terms::lasting(Duration::from_secs(30), "hubkeeper", "a");
    let clock = Paused::at_rate(1.0);
    let late = Duration::from_secs(5);
    assert!(late < terms.request);
    let mut candidate = Candidate::new(slow(late), terms.clone(), Arc::clone(&clock), Arc::new(Half), Arc::new(Open));
    let fence = candidate.fence();
    assert!(!fence.may_write().await, "nobody's yet");
    assert!(candidate.lead(&CancellationToken::new()).await);
    let nearly = terms.deadline.saturating_sub(late + Duration::from_millis(1));
    clock.sleep(nearly).await;
    assert!(fence.may_write().await);
    clock.sleep(Duration::from_millis(1)).await;
    assert!(!fence.may_write().await, "taken");

    candidate.renew().await.unwrap();
    clock.sleep(nearly).await;
    assert!(fence.may_write().await);
    clock.sleep(Duration::from_millis(1)).await;
    assert!(!fence.may_write().await, "renewed");
}

/// Who leads starts nothing after half of the lease, who follows waits for all of it: clocks may differ by nearly that factor.
#[tokio::test(start_paused = true)]
async fn of_two_whose_clocks_run_at_different_rates_never_both_may_write() {
    let server = slow(Duration::ZERO);
    for (slower, faster) in [(1.0, 1.0), (0.95, 1.05), (0.7, 1.3)] {
        let candidate = |identity: &str, rate: f64| {
            let terms = Terms::lasting(Duration::from_secs(30), "hubkeeper", identity);
            Candidate::new(server.clone(), terms, Paused::at_rate(rate), Arc::new(Half), Arc::new(Open))
        };
        let mut leader = candidate(&format!("leader-{slower}"), slower);
        assert!(leader.lead(&CancellationToken::new()).await);
        let right = leader.fence();
        assert!(right.may_write().await);
        // The leader stops renewing.
        let mut follower = candidate(&format!("follower-{faster}"), faster);
        follower.observe().await.unwrap();
        while !follower.is_free() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert!(!right.may_write().await, "the leader at {slower}, the follower at {faster}");
        follower.lead(&CancellationToken::new()).await;
        follower.release().await;
    }
}
