//! When to try again: exponential with jitter, and not before what the service asked for.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// The back-off of one kind of call.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
    opens: Option<Duration>,
}

impl Backoff {
    /// Whether a call may start at `elapsed`.
    pub fn open(&self, elapsed: Duration) -> bool {
        self.opens.is_none_or(|opens| opens <= elapsed)
    }

    /// When it opens, if it is shut.
    pub fn opens(&self) -> Option<Duration> {
        self.opens
    }

    /// A call failed at `elapsed`; `jitter` is in `0.0..1.0`.
    pub fn failed(&mut self, elapsed: Duration, retry_after: Option<Duration>, jitter: f64) {
        let longest = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        // Half of it is fixed, so that a storm of failures never becomes a storm of tries.
        let wait = longest.mul_f64(0.5 + jitter / 2.0).max(retry_after.unwrap_or_default());
        self.failures = self.failures.saturating_add(1);
        self.opens = Some(elapsed + wait);
    }

    /// A call succeeded.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_five_minutes_and_honour_the_service() {
        let mut backoff = Backoff::default();
        assert!(backoff.open(Duration::ZERO));
        let mut waits = Vec::new();
        for _ in 0..12 {
            backoff.failed(Duration::ZERO, None, 0.999);
            waits.push(backoff.opens().unwrap().as_secs());
        }
        assert!(waits.is_sorted() && *waits.last().unwrap() >= 290);
        backoff.failed(Duration::ZERO, Some(Duration::from_mins(15)), 0.0);
        assert_eq!(backoff.opens(), Some(Duration::from_mins(15)));
        backoff.reset();
        assert!(backoff.open(Duration::ZERO));
    }
}
