//! Our share of the quota, and the one retry loop.
//!
//! Security Hub's rate limits are token buckets per account and Region, shared by every caller in the account. We keep a bucket
//! of our own at a share of them, one token per attempt.
//!
//! One throttle among many calls is noise, somebody's burst: that call is tried again, and nothing else changes. A second one
//! within `NOISE` calls says that others use more than we left them: our rate falls to seven tenths, once for all calls that
//! were under way, and comes back by a fiftieth of the share with every call that is let through (AIMD). Recovery is counted in
//! calls, not in seconds, so that beside a tool that leaves us little we ask seldom, however long it lasts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::failure::Fail;
use crate::core::ids::Region;
use crate::engine::ports::{AwsFailure, Clock, FailureKind, Fence, Rng};

/// An operation that we call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Operation {
    GetFindings,
    BatchUpdateFindings,
    GetFindingHistory,
    DescribeHub,
    ListFindingAggregators,
    GetFindingAggregator,
    ListTagsForResource,
    TagResource,
    UntagResource,
    GetCallerIdentity,
    ReceiveMessage,
    DeleteMessageBatch,
    SendMessageBatch,
}

impl Operation {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GetFindings => "GetFindings",
            Self::BatchUpdateFindings => "BatchUpdateFindings",
            Self::GetFindingHistory => "GetFindingHistory",
            Self::DescribeHub => "DescribeHub",
            Self::ListFindingAggregators => "ListFindingAggregators",
            Self::GetFindingAggregator => "GetFindingAggregator",
            Self::ListTagsForResource => "ListTagsForResource",
            Self::TagResource => "TagResource",
            Self::UntagResource => "UntagResource",
            Self::GetCallerIdentity => "GetCallerIdentity",
            Self::ReceiveMessage => "ReceiveMessage",
            Self::DeleteMessageBatch => "DeleteMessageBatch",
            Self::SendMessageBatch => "SendMessageBatch",
        }
    }

    /// The bucket that it draws from; `None`: STS and SQS have no limit that we could meet.
    pub fn class(self) -> Option<Class> {
        match self {
            Self::GetFindings => Some(Class::GetFindings),
            Self::BatchUpdateFindings => Some(Class::BatchUpdateFindings),
            Self::GetFindingHistory
            | Self::DescribeHub
            | Self::ListFindingAggregators
            | Self::GetFindingAggregator
            | Self::ListTagsForResource
            | Self::TagResource
            | Self::UntagResource => Some(Class::Other),
            Self::GetCallerIdentity | Self::ReceiveMessage | Self::DeleteMessageBatch | Self::SendMessageBatch => None,
        }
    }

    /// Whether it changes the hub.
    fn writes(self) -> bool {
        matches!(self, Self::BatchUpdateFindings | Self::TagResource | Self::UntagResource)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Operations that Security Hub limits together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 3 a second, burst 6.
    GetFindings,
    /// 10 a second, burst 30.
    BatchUpdateFindings,
    /// All others: 10 a second, burst 30 each; we keep them in one bucket.
    Other,
}

impl Class {
    /// Calls a second and burst, of the whole account in one Region (Security Hub User Guide, quotas).
    pub fn limit(self) -> (f64, f64) {
        match self {
            Self::GetFindings => (3.0, 6.0),
            Self::BatchUpdateFindings | Self::Other => (10.0, 30.0),
        }
    }
}

/// Our part of the quota, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u8);

impl Share {
    /// 1 to 100; anything else is taken as the nearest of these.
    pub fn percent(percent: u8) -> Self {
        Self(percent.clamp(1, 100))
    }

    /// Calls a second and burst that we allow ourselves. A burst below one call would never let one through.
    pub fn of(self, class: Class) -> (f64, f64) {
        let (rate, burst) = class.limit();
        let share = f64::from(self.0) / 100.0;
        (rate * share, (burst * share).max(1.0))
    }
}

/// What the rate falls to at most, as a part of the share: one GetFindings in 11 s at 60 percent.
const FLOOR: f64 = 0.05;
/// What every call that is let through adds to a lowered rate, as a part of the share.
const RECOVERY: f64 = 0.02;
/// What a lowered rate is of the one before: as in AWS's own adaptive retry mode.
const DECREASE: f64 = 0.7;
/// So many calls let through since the last throttle make the next one noise: up to one in twenty-one is tolerated.
const NOISE: u32 = 20;

/// When to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all, the first included, while the service throttles.
    throttled: u32,
    /// Tries in all, the first included, while calls fail in passing.
    transient: u32,
    /// Tries in all, the first included, while there is no connection.
    unreachable: u32,
}

impl Retry {
    /// For what may be repeated freely.
    pub const READ: Self = Self { throttled: 8, transient: 5, unreachable: 3 };
    /// For what may have had its effect although it failed: only a throttle says that it had none.
    pub const WRITE: Self = Self { throttled: 8, transient: 1, unreachable: 1 };

    fn tries(self, kind: FailureKind) -> u32 {
        match kind {
            FailureKind::Throttled => self.throttled,
            FailureKind::Transient => self.transient,
            FailureKind::Unreachable => self.unreachable,
            _ => 1,
        }
    }
}

/// One attempt, for metrics.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What was called.
    pub operation: Operation,
    /// `OK`, the service's code, or the kind of failure where it had none.
    pub code: &'a str,
    /// Whether the service throttled it.
    pub throttled: bool,
}

/// Is told of every attempt.
pub type OnAttempt = Arc<dyn Fn(&Attempt<'_>) + Send + Sync>;

/// Buckets per Region and class, and the retry loop over them. Shared by everything that calls with one identity.
pub struct Quota {
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    fence: Option<Arc<dyn Fence>>,
    on_attempt: Option<OnAttempt>,
    buckets: Mutex<Buckets>,
}

struct Buckets {
    share: Share,
    by_place: BTreeMap<(Region, Class), Arc<Bucket>>,
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Quota").field("share", &lock(&self.buckets).share).finish_non_exhaustive()
    }
}

impl Quota {
    /// Full buckets at `share`.
    pub fn new(clock: Arc<dyn Clock>, rng: Arc<dyn Rng>, share: Share) -> Self {
        let buckets = Mutex::new(Buckets { share, by_place: BTreeMap::new() });
        Self { clock, rng, fence: None, on_attempt: None, buckets }
    }

    /// Asks `fence` before every attempt to write, so that no retry starts after the right to write is lost.
    #[must_use]
    pub fn with_fence(mut self, fence: Arc<dyn Fence>) -> Self {
        self.fence = Some(fence);
        self
    }

    /// Tells `on_attempt` of every attempt.
    #[must_use]
    pub fn with_observer(mut self, on_attempt: OnAttempt) -> Self {
        self.on_attempt = Some(on_attempt);
        self
    }

    /// Changes our share from now on, in every Region.
    pub fn set_share(&self, share: Share) {
        let mut buckets = lock(&self.buckets);
        buckets.share = share;
        for ((_, class), bucket) in &buckets.by_place {
            bucket.set_share(share.of(*class));
        }
    }

    /// Calls a second that we allow ourselves at this moment.
    pub fn rate(&self, region: &Region, class: Class) -> f64 {
        lock(&self.bucket(region, class).state).rate
    }

    /// Waits as `retry` backs off before try number `tries + 1`: full jitter, for work that is repeated outside [`Self::call`].
    pub async fn back_off(&self, base: Duration, tries: u32) {
        self.clock.sleep(self.jitter(base, tries)).await;
    }

    /// Calls until it succeeds, fails for good, or `retry` is used up: one token per try.
    pub async fn call<T, F>(
        &self,
        region: &Region,
        operation: Operation,
        retry: Retry,
        mut attempt: impl FnMut() -> F + Send,
    ) -> Result<T, AwsFailure>
    where
        T: Send,
        F: Future<Output = Result<T, Fail>> + Send,
    {
        let action = || format!("call {operation} in {region}");
        let bucket = operation.class().map(|class| self.bucket(region, class));
        for tries in 1_u32.. {
            let permit = match &bucket {
                Some(bucket) => Some(bucket.take(self.clock.as_ref()).await),
                None => None,
            };
            if operation.writes()
                && let Some(fence) = &self.fence
                && !fence.may_write().await
            {
                return Err(Fail::new(FailureKind::Stopped, "we may not write any more").during(action()));
            }
            let result = attempt().await;
            self.observe(operation, result.as_ref().err());
            let fail = match result {
                Ok(value) => {
                    if let Some(bucket) = &bucket {
                        bucket.let_through();
                    }
                    return Ok(value);
                }
                Err(fail) => fail,
            };
            if fail.kind == FailureKind::Throttled
                && let (Some(bucket), Some(permit)) = (&bucket, permit)
            {
                bucket.throttled(permit, self.clock.elapsed());
            }
            if tries >= retry.tries(fail.kind) {
                return Err(fail.during(action()));
            }
            tracing::debug!(%operation, %region, tries, kind = ?fail.kind, code = fail.code.as_deref(), "trying again");
            let base = Duration::from_millis(if fail.kind == FailureKind::Throttled { 500 } else { 200 });
            let wait = self.jitter(base, tries).max(fail.retry_after.unwrap_or_default());
            self.clock.sleep(wait).await;
        }
        Err(Fail::new(FailureKind::Transient, "tried for ever").during(action()))
    }

    /// Full jitter: anything up to `base` doubled with every try, at most 20 s.
    fn jitter(&self, base: Duration, tries: u32) -> Duration {
        let most = base.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(Duration::from_secs(20));
        most.mul_f64(self.rng.fraction().clamp(0.0, 1.0))
    }

    fn observe(&self, operation: Operation, fail: Option<&Fail>) {
        if let Some(on_attempt) = &self.on_attempt {
            let code = fail.map_or("OK", |fail| fail.code.as_deref().unwrap_or_else(|| kind_name(fail.kind)));
            let throttled = fail.is_some_and(|fail| fail.kind == FailureKind::Throttled);
            on_attempt(&Attempt { operation, code, throttled });
        }
    }

    fn bucket(&self, region: &Region, class: Class) -> Arc<Bucket> {
        let mut buckets = lock(&self.buckets);
        let limit = buckets.share.of(class);
        let fresh = || Arc::new(Bucket::new(limit, self.clock.elapsed()));
        Arc::clone(buckets.by_place.entry((region.clone(), class)).or_insert_with(fresh))
    }
}

fn kind_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Throttled => "Throttled",
        FailureKind::Transient => "Transient",
        FailureKind::NotEnabled => "NotEnabled",
        FailureKind::AccessDenied => "AccessDenied",
        FailureKind::Credentials => "Credentials",
        FailureKind::Misconfigured => "Misconfigured",
        FailureKind::Invalid => "Invalid",
        FailureKind::Unreachable => "Unreachable",
        FailureKind::NoQueue => "NoQueue",
        FailureKind::Stopped => "Stopped",
    }
}

/// When a token was taken: a throttle counts once for all calls that were under way.
#[derive(Debug, Clone, Copy)]
struct Permit(Duration);

struct Bucket {
    /// Held by the one who waits for the next token: first come, first served, and a waiter that is dropped costs nothing.
    turn: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    filled: Duration,
    /// Tokens a second now.
    rate: f64,
    /// Tokens a second of our share.
    ceiling: f64,
    burst: f64,
    /// When the rate was lowered last.
    lowered: Option<Duration>,
    /// Calls let through since the last throttle.
    since_throttle: u32,
}

impl Bucket {
    fn new((rate, burst): (f64, f64), now: Duration) -> Self {
        let state = State { tokens: burst, filled: now, rate, ceiling: rate, burst, lowered: None, since_throttle: NOISE };
        Self { turn: tokio::sync::Mutex::new(()), state: Mutex::new(state) }
    }

    async fn take(&self, clock: &dyn Clock) -> Permit {
        let _turn = self.turn.lock().await;
        loop {
            let now = clock.elapsed();
            let Some(wait) = lock(&self.state).take(now) else { return Permit(now) };
            clock.sleep(wait).await;
        }
    }

    fn let_through(&self) {
        let mut state = lock(&self.state);
        state.since_throttle = state.since_throttle.saturating_add(1);
        state.rate = (state.rate + state.ceiling * RECOVERY).min(state.ceiling);
    }

    fn throttled(&self, permit: Permit, now: Duration) {
        let mut state = lock(&self.state);
        if state.lowered.is_some_and(|lowered| permit.0 < lowered) {
            return;
        }
        if std::mem::take(&mut state.since_throttle) >= NOISE {
            return;
        }
        state.refill(now);
        state.lowered = Some(now);
        state.rate = (state.rate * DECREASE).max(state.ceiling * FLOOR);
        // What we had saved up, others have spent.
        state.tokens = state.tokens.min(0.0);
    }

    fn set_share(&self, (rate, burst): (f64, f64)) {
        let mut state = lock(&self.state);
        state.rate = rate * (state.rate / state.ceiling);
        state.ceiling = rate;
        state.burst = burst;
        state.tokens = state.tokens.min(burst);
    }
}

impl State {
    fn refill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.filled).as_secs_f64();
        self.filled = self.filled.max(now);
        self.tokens = (self.tokens + passed * self.rate).min(self.burst);
    }

    /// Takes a token, or says how long until there is one.
    fn take(&mut self, now: Duration) -> Option<Duration> {
        self.refill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return None;
        }
        // A microsecond more than computed, so that rounding does not wake us just before the token is whole.
        Some(Duration::from_secs_f64((1.0 - self.tokens) / self.rate) + Duration::from_micros(1))
    }
}

/// No code here can panic while it holds a lock; if one did, the numbers would still be numbers.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
