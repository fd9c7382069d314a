//! Events about objects: a log line and a metric each, the same one once an hour.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::metrics::Metrics;
use crate::core::ids::ObjectRef;
use crate::engine::ports::{Clock, Event, EventSink};

/// How long an equal event says nothing new.
const QUIET: Duration = Duration::from_hours(1);
/// Events remembered; the oldest is forgotten first, and may then be shown again.
const REMEMBERED: usize = 4096;

type Key = (ObjectRef, &'static str, bool, String);

/// Shows events.
pub struct Events {
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    recent: Mutex<Recent>,
    onward: Option<Arc<dyn EventSink>>,
}

#[derive(Default)]
struct Recent {
    shown: BTreeMap<Key, Duration>,
    order: VecDeque<Key>,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").finish_non_exhaustive()
    }
}

impl Events {
    /// Logs, and counts in `metrics`.
    pub fn new(clock: Arc<dyn Clock>, metrics: Metrics) -> Self {
        Self { clock, metrics, recent: Mutex::default(), onward: None }
    }

    /// Hands what is news on to another sink.
    #[must_use]
    pub fn onward(self, sink: Arc<dyn EventSink>) -> Self {
        Self { onward: Some(sink), ..self }
    }

    /// Whether `key` is news at `now`; remembers it if it is.
    fn is_news(&self, key: Key, now: Duration) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |at: Duration| now.saturating_sub(at) >= QUIET;
        // In order of time: what has become old is at the front.
        while let Some(first) = recent.order.front() {
            let expired = recent.shown.get(first).is_none_or(|at| old(*at));
            if !expired && recent.order.len() < REMEMBERED {
                break;
            }
            if let Some(first) = recent.order.pop_front() {
                recent.shown.remove(&first);
            }
        }
        if recent.shown.contains_key(&key) {
            return false;
        }
        recent.order.push_back(key.clone());
        recent.shown.insert(key, now);
        true
    }
}

impl EventSink for Events {
    fn emit(&self, event: Event) {
        let Event { object, reason, warning, message } = event;
        if !self.is_news((object.clone(), reason, warning, message.clone()), self.clock.elapsed()) {
            return;
        }
        self.metrics.event(reason, warning);
        if let Some(onward) = &self.onward {
            onward.emit(Event { object: object.clone(), reason, warning, message: message.clone() });
        }
        if warning {
            tracing::warn!(%object, reason, "{message}");
        } else {
            tracing::info!(%object, reason, "{message}");
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use jiff::Timestamp;

    use super::*;
    use crate::core::ids::Kind;

    #[derive(Debug, Default)]
    struct Stepped(Mutex<Duration>);

    #[async_trait]
    impl Clock for Stepped {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
        fn elapsed(&self) -> Duration {
            *self.0.lock().unwrap()
        }
        async fn sleep(&self, duration: Duration) {
            *self.0.lock().unwrap() += duration;
        }
    }

    fn event(message: &str) -> Event {
        let object = ObjectRef::cluster(Kind::ControlPolicy, "fsbp");
        Event { object, reason: "LimitReached", warning: true, message: message.into() }
    }

    fn shown(metrics: &Metrics) -> u64 {
        let text = metrics.text().unwrap();
        let line = text.lines().find(|line| line.starts_with("hubkeeper_events_total{"));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
    }

    #[tokio::test]
    async fn an_equal_event_is_shown_once_an_hour() {
        let (clock, metrics) = (Arc::new(Stepped::default()), Metrics::new());
        let events = Events::new(clock.clone(), metrics.clone());
        for _ in 0..50 {
            events.emit(event("held back"));
        }
        events.emit(event("another"));
        assert_eq!(shown(&metrics), 2);
        clock.sleep(QUIET).await;
        events.emit(event("held back"));
        assert_eq!(shown(&metrics), 3);
    }

    #[test]
    fn memory_is_bounded_whatever_is_said() {
        let events = Events::new(Arc::new(Stepped::default()), Metrics::new());
        for n in 0..3 * REMEMBERED {
            events.emit(event(&n.to_string()));
        }
        let recent = events.recent.lock().unwrap();
        assert!(recent.shown.len() <= REMEMBERED && recent.order.len() == recent.shown.len());
    }
}
