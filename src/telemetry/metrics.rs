//! Metrics in OpenMetrics text. Labels: the name of a hub, an operation, a code, a reason; never anything of a finding.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::engine::ports::{Figures, Meter};

/// Distinct values of one label that comes from outside; further ones are told as `other`.
const LABEL_VALUES: usize = 64;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfHub {
    hub: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCall {
    operation: &'static str,
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfOperation {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfEvent {
    reason: &'static str,
    warning: &'static str,
}

type Level = Family<OfHub, Gauge<u64, AtomicU64>>;
type Total = Family<OfHub, Counter>;

/// All metrics of one process. Cheap to share.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    hub: HubFamilies,
    requests: Family<OfCall, Counter>,
    throttles: Family<OfOperation, Counter>,
    events: Family<OfEvent, Counter>,
    codes: Mutex<BTreeSet<String>>,
    hubs: Mutex<BTreeSet<String>>,
}

#[derive(Clone, Default)]
struct HubFamilies {
    findings: Level,
    unreadable: Level,
    held: Level,
    pending: Level,
    unindexed: Level,
    syncing: Level,
    converged: Level,
    owned: Level,
    writes: Total,
    written_findings: Total,
    pages_read: Total,
    events_handled: Total,
    events_poisoned: Total,
    races_lost: Total,
    rows_visited: Total,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("hubkeeper");
        let hub = HubFamilies::default();
        let requests = Family::default();
        let throttles = Family::default();
        let events = Family::default();
        registry.register("findings", "Findings known", hub.findings.clone());
        registry.register("findings_unreadable", "Findings that did not parse in the last full read", hub.unreadable.clone());
        registry.register("findings_held", "Findings held suppressed by Hubkeeper", hub.held.clone());
        registry.register("changes_pending", "Changes wanted and not yet made", hub.pending.clone());
        registry.register(
            "rules_unindexed",
            "Declared rules and targets that every finding is asked about",
            hub.unindexed.clone(),
        );
        registry.register("syncing", "1 during a full sync", hub.syncing.clone());
        registry.register("converged", "1 while nothing is left to do", hub.converged.clone());
        registry.register("owned", "1 while the hub is known to be this owner's, so that it may be written", hub.owned.clone());
        registry.register("writes", "Calls that changed findings", hub.writes.clone());
        registry.register("written_findings", "Findings changed", hub.written_findings.clone());
        registry.register("pages_read", "Pages of findings read", hub.pages_read.clone());
        registry.register("queue_events_handled", "Events of the queue handled", hub.events_handled.clone());
        registry.register("queue_events_poisoned", "Events of the queue that cannot be read", hub.events_poisoned.clone());
        registry.register("races_lost", "Answers of people that a write replaced unseen", hub.races_lost.clone());
        registry.register("findings_visited", "Findings matched or looked at for figures", hub.rows_visited.clone());
        registry.register("aws_requests", "Attempts to call AWS by operation and code, OK for success", requests.clone());
        registry.register("aws_throttles", "Attempts that AWS throttled by operation", throttles.clone());
        registry.register("events", "Events about objects by reason", events.clone());
        let (codes, hubs) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { registry, hub, requests, throttles, events, codes, hubs }))
    }

    /// The meter of one SecurityHub object.
    pub fn meter(&self, hub: &str) -> HubMeter {
        let hub = bounded(&self.0.hubs, hub);
        HubMeter { metrics: self.clone(), labels: OfHub { hub } }
    }

    /// One attempt to call AWS. `operation` as AWS spells it; `code`: `OK`, or the service's.
    pub fn aws_request(&self, operation: &'static str, code: &str, throttled: bool) {
        let code = bounded(&self.0.codes, code);
        self.0.requests.get_or_create(&OfCall { operation, code }).inc();
        if throttled {
            self.0.throttles.get_or_create(&OfOperation { operation }).inc();
        }
    }

    /// One event that was shown.
    pub fn event(&self, reason: &'static str, warning: bool) {
        let warning = if warning { "true" } else { "false" };
        self.0.events.get_or_create(&OfEvent { reason, warning }).inc();
    }

    /// Everything, as OpenMetrics text.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.0.registry)?;
        Ok(text)
    }
}

/// Figures of one hub as metrics.
#[derive(Debug, Clone)]
pub struct HubMeter {
    metrics: Metrics,
    labels: OfHub,
}

impl Meter for HubMeter {
    fn record(&self, figures: Figures) {
        let hub = &self.metrics.0.hub;
        let level = |family: &Level, value: u64| {
            family.get_or_create(&self.labels).set(value);
        };
        // The loop counts itself; a counter never goes back.
        let total = |family: &Total, value: u64| {
            family.get_or_create(&self.labels).inner().fetch_max(value, Ordering::Relaxed);
        };
        level(&hub.findings, figures.findings);
        level(&hub.unreadable, figures.unreadable);
        level(&hub.held, figures.held);
        level(&hub.pending, figures.pending_changes);
        level(&hub.unindexed, figures.unindexed);
        level(&hub.syncing, figures.syncing.into());
        level(&hub.converged, figures.converged.into());
        level(&hub.owned, figures.owned.into());
        total(&hub.writes, figures.writes);
        total(&hub.written_findings, figures.written_findings);
        total(&hub.pages_read, figures.pages_read);
        total(&hub.events_handled, figures.events_handled);
        total(&hub.events_poisoned, figures.events_poisoned);
        total(&hub.races_lost, figures.races_lost);
        total(&hub.rows_visited, figures.rows_visited);
    }
}

/// `value` as a label, unless it is no word or there are too many already.
fn bounded(known: &Mutex<BTreeSet<String>>, value: &str) -> String {
    let word = (1..=64).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    if word && (known.contains(value) || known.len() < LABEL_VALUES) {
        if !known.contains(value) {
            known.insert(value.to_owned());
        }
        return value.to_owned();
    }
    "other".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_become_series_of_their_hub() {
        let metrics = Metrics::new();
        let meter = metrics.meter("main");
        meter.record(Figures { findings: 7, writes: 3, syncing: true, ..Figures::default() });
        meter.record(Figures { findings: 5, writes: 4, ..Figures::default() });
        let text = metrics.text().unwrap();
        assert!(text.contains("hubkeeper_findings{hub=\"main\"} 5\n"), "{text}");
        assert!(text.contains("hubkeeper_writes_total{hub=\"main\"} 4\n"), "{text}");
        assert!(text.contains("hubkeeper_syncing{hub=\"main\"} 0\n"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn a_counter_never_goes_back() {
        let metrics = Metrics::new();
        let meter = metrics.meter("main");
        meter.record(Figures { pages_read: 9, ..Figures::default() });
        meter.record(Figures::default());
        assert!(metrics.text().unwrap().contains("hubkeeper_pages_read_total{hub=\"main\"} 9\n"));
    }

    #[test]
    fn calls_are_counted_by_operation_and_code() {
        let metrics = Metrics::new();
        metrics.aws_request("GetFindings", "OK", false);
        metrics.aws_request("GetFindings", "TooManyRequestsException", true);
        metrics.aws_request("GetFindings", "TooManyRequestsException", true);
        let text = metrics.text().unwrap();
        let line = "hubkeeper_aws_requests_total{operation=\"GetFindings\",code=\"TooManyRequestsException\"} 2\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("hubkeeper_aws_throttles_total{operation=\"GetFindings\"} 2\n"), "{text}");
    }

    #[test]
    fn codes_from_outside_cannot_multiply_the_series_or_carry_ids() {
        let metrics = Metrics::new();
        for n in 0..1_000 {
            metrics.aws_request("GetFindings", &format!("Code{n}"), false);
        }
        metrics.aws_request("GetFindings", "arn:aws:iam::111122223333:role/x", false);
        let text = metrics.text().unwrap();
        assert_eq!(text.matches("hubkeeper_aws_requests_total{").count(), LABEL_VALUES + 1);
        assert!(!text.contains("111122223333"));
    }
}
