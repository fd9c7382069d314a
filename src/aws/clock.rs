//! The SDK's time is ours: signing, credential expiry, timeouts and back-off follow the [`Clock`] port.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};

use super::exclusive::Exclusive;
use crate::engine::ports::Clock;

/// A [`Clock`] as the SDK's `TimeSource` and `AsyncSleep`.
#[derive(Debug, Clone)]
pub struct SdkClock(Arc<dyn Clock>);

impl SdkClock {
    /// The SDK's view of `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    /// For the time source of a configuration.
    pub fn time_source(&self) -> SharedTimeSource {
        SharedTimeSource::new(self.clone())
    }

    /// For the sleep implementation of a configuration.
    pub fn async_sleep(&self) -> SharedAsyncSleep {
        SharedAsyncSleep::new(self.clone())
    }
}

impl TimeSource for SdkClock {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

impl AsyncSleep for SdkClock {
    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = Arc::clone(&self.0);
        Sleep::new(Shareable(Exclusive::new(Box::pin(async move { clock.sleep(duration).await }))))
    }
}

/// A sleeping future, with the `Sync` that [`Sleep`] asks for.
struct Shareable(Exclusive<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl Future for Shareable {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.0.get_mut().as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::testing::TokioClock;

    #[tokio::test(start_paused = true)]
    async fn the_sdk_sees_and_sleeps_the_time_of_the_port() {
        let clock = Arc::new(TokioClock::new());
        let sdk = SdkClock::new(clock.clone());
        let before = sdk.time_source().now();
        sdk.async_sleep().sleep(Duration::from_hours(1)).await;
        assert_eq!(sdk.time_source().now().duration_since(before).unwrap(), Duration::from_hours(1));
        assert_eq!(clock.elapsed(), Duration::from_hours(1));
    }
}
