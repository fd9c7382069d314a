//! The clock of Security Hub Local: real, accelerated, or stepped by hand.
//!
//! It stands on tokio's clock, so paused time drives it, and asks the system for nothing: the caller says when it starts. Whatever
//! its speed, it can be stepped ahead, never back.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

/// A call steps it ahead by a year at most: more is a mistake of units, and all that is due by then happens before the answer.
pub const STEP_MAX: Duration = Duration::from_hours(24 * 366);
/// It is stepped to no time from here on: 9999-01-01T00:00:00Z. Findings write years in four digits.
const YEAR_9999_SECONDS: i64 = 253_370_764_800;

/// Why the clock is not stepped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Too far at once.
    #[error("{0} seconds are more than a call steps, a year ({max} seconds): are they milliseconds?", max = STEP_MAX.as_secs())]
    TooFar(u64),
    /// Past the times that it can show.
    #[error("the clock shows {0} and cannot be stepped into the year 9999")]
    PastEnd(String),
}

/// How fast the clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Speed {
    /// As tokio's clock.
    #[default]
    Real,
    /// This many times as fast as tokio's clock; 0 counts as 1.
    Accelerated(u32),
    /// Not at all, but for [`LocalClock::advance`].
    Stepped,
}

/// Why a text is no speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no speed of the clock: write real, stepped, or how many times as fast as real, as 60x")]
pub struct SpeedError(String);

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        match text {
            "real" => Ok(Self::Real),
            "stepped" => Ok(Self::Stepped),
            _ => {
                let factor = text.strip_suffix('x').and_then(|factor| factor.parse().ok()).filter(|factor| *factor > 0);
                factor.map(Self::Accelerated).ok_or_else(|| SpeedError(text.to_owned()))
            }
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Accelerated(factor) => write!(f, "{factor}x"),
            Self::Stepped => f.write_str("stepped"),
        }
    }
}

/// What a clock shows, to go on from later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Wall time.
    pub now: Timestamp,
    /// Since the start, in the time of the clock.
    pub elapsed: Duration,
}

/// A clock. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct LocalClock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// What it showed at first.
    first: Reading,
    start: Instant,
    speed: Speed,
    /// What was stepped by hand.
    stepped: watch::Sender<Duration>,
}

impl LocalClock {
    /// A clock that shows `wall0` now.
    pub fn new(wall0: Timestamp, speed: Speed) -> Self {
        Self::going_on(Reading { now: wall0, elapsed: Duration::ZERO }, speed)
    }

    /// A clock that goes on where another was read.
    pub fn going_on(first: Reading, speed: Speed) -> Self {
        Self(Arc::new(Inner { first, start: Instant::now(), speed, stepped: watch::Sender::new(Duration::ZERO) }))
    }

    /// What it shows.
    pub fn read(&self) -> Reading {
        let since = self.since();
        Reading { now: after(self.0.first.now, since), elapsed: self.0.first.elapsed.saturating_add(since) }
    }

    /// How fast it goes.
    pub fn speed(&self) -> Speed {
        self.0.speed
    }

    /// Wall time.
    pub fn now(&self) -> Timestamp {
        self.read().now
    }

    /// Since the start, in the time of this clock.
    pub fn elapsed(&self) -> Duration {
        self.read().elapsed
    }

    fn since(&self) -> Duration {
        let ticked = self.0.start.elapsed();
        let ticked = match self.0.speed {
            Speed::Real => ticked,
            Speed::Accelerated(factor) => ticked.saturating_mul(factor.max(1)),
            Speed::Stepped => Duration::ZERO,
        };
        ticked.saturating_add(*self.0.stepped.borrow())
    }

    /// Whether it may be stepped ahead so far.
    pub fn check_step(&self, by: Duration) -> Result<(), StepError> {
        if by > STEP_MAX {
            return Err(StepError::TooFar(by.as_secs()));
        }
        let now = self.now();
        if after(now, by).as_second() >= YEAR_9999_SECONDS { Err(StepError::PastEnd(stamp(now))) } else { Ok(()) }
    }

    /// Steps ahead at once, whatever the speed.
    pub fn advance(&self, by: Duration) {
        self.0.stepped.send_modify(|stepped| *stepped = stepped.saturating_add(by));
    }

    /// Returns when this clock shows `at` or later.
    pub async fn sleep_until(&self, at: Timestamp) {
        let mut steps = self.0.stepped.subscribe();
        loop {
            let now = self.now();
            if now >= at {
                return;
            }
            let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
            let tick = match self.0.speed {
                Speed::Real => Some(left),
                // Rounded up, so that it does not wake a moment too early for ever.
                Speed::Accelerated(factor) => Some(left / factor.max(1) + Duration::from_nanos(1)),
                Speed::Stepped => None,
            };
            let ticking = async {
                match tick {
                    Some(tick) => tokio::time::sleep(tick).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = steps.changed() => {}
                () = ticking => {}
            }
        }
    }

    /// Returns after `duration` of this clock.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(after(self.now(), duration)).await;
    }
}

/// `at` plus `by`; the end of time if that is later.
pub fn after(at: Timestamp, by: Duration) -> Timestamp {
    i128::try_from(by.as_nanos())
        .ok()
        .and_then(|by| at.as_nanosecond().checked_add(by))
        .and_then(|nanos| Timestamp::from_nanosecond(nanos).ok())
        .unwrap_or(Timestamp::MAX)
}

/// `at` minus `by`; the start of time if that is earlier.
pub fn before(at: Timestamp, by: Duration) -> Timestamp {
    i128::try_from(by.as_nanos())
        .ok()
        .and_then(|by| at.as_nanosecond().checked_sub(by))
        .and_then(|nanos| Timestamp::from_nanosecond(nanos).ok())
        .unwrap_or(Timestamp::MIN)
}

/// As findings have it: UTC with milliseconds.
pub fn stamp(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Timestamp {
        "2026-11-21T08:00:00Z".parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn paused_time_drives_the_real_and_the_accelerated_clock() {
        let (real, fast) = (LocalClock::new(start(), Speed::Real), LocalClock::new(start(), Speed::Accelerated(60)));
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(stamp(real.now()), "2026-11-21T08:00:02.000Z");
        assert_eq!(stamp(fast.now()), "2026-11-21T08:02:00.000Z");
        let before = Instant::now();
        fast.sleep(Duration::from_hours(1)).await;
        assert_eq!(before.elapsed().as_secs(), 60);
    }

    #[test]
    fn a_speed_is_written_as_it_is_read() {
        for text in ["real", "stepped", "1x", "60x"] {
            assert_eq!(text.parse::<Speed>().unwrap().to_string(), text);
        }
        for text in ["", "x", "0x", "-1x", "60", "60 x", "fast"] {
            assert!(text.parse::<Speed>().unwrap_err().to_string().contains("as 60x"), "{text}");
        }
    }

    #[test]
    fn a_step_ends_before_the_year_9999_and_is_a_year_at_most() {
        assert_eq!(Timestamp::from_second(YEAR_9999_SECONDS).unwrap().to_string(), "9999-01-01T00:00:00Z");
        let clock = LocalClock::new(start(), Speed::Stepped);
        assert_eq!(clock.check_step(STEP_MAX), Ok(()));
        let refused = clock.check_step(Duration::from_secs(1_732_225_000_000)).unwrap_err().to_string();
        assert!(refused.contains("31622400 seconds") && refused.contains("milliseconds"), "{refused}");
        let late = LocalClock::new("9998-12-31T23:59:00Z".parse().unwrap(), Speed::Stepped);
        assert_eq!(late.check_step(Duration::from_secs(59)), Ok(()));
        let refused = late.check_step(Duration::from_mins(1)).unwrap_err().to_string();
        assert!(refused.contains("9998-12-31T23:59:00.000Z"), "{refused}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_goes_on_where_another_was_read() {
        let clock = LocalClock::new(start(), Speed::Accelerated(60));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let next = LocalClock::going_on(clock.read(), Speed::Stepped);
        tokio::time::sleep(Duration::from_secs(2)).await;
        next.advance(Duration::from_secs(1));
        assert_eq!(stamp(next.now()), "2026-11-21T08:02:01.000Z");
        assert_eq!(next.elapsed(), Duration::from_secs(121));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stepped_clock_stands_still_and_wakes_its_sleepers_when_stepped() {
        let clock = LocalClock::new(start(), Speed::Stepped);
        let sleeper = clock.sleep(Duration::from_secs(10));
        tokio::pin!(sleeper);
        assert!(tokio::time::timeout(Duration::from_hours(1), sleeper.as_mut()).await.is_err());
        clock.advance(Duration::from_secs(9));
        assert!(tokio::time::timeout(Duration::from_hours(1), sleeper.as_mut()).await.is_err());
        clock.advance(Duration::from_secs(1));
        sleeper.await;
        assert_eq!(stamp(clock.now()), "2026-11-21T08:00:10.000Z");
    }
}
