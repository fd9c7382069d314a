//! Log lines: text for people, JSON lines for machines, on stderr, with the time of our clock.

use std::fmt;
use std::io;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Layer as _, Registry};

use crate::engine::ports::Clock;

/// What is logged when nothing else is asked for. The SDK's words about credentials are left out: ours say the same, shorter.
pub const DEFAULT_FILTER: &str = "warn,aws_config=error,hubkeeper=info";

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text {
        /// With colours.
        colour: bool,
    },
    /// One JSON object a line.
    Json,
}

/// Why there is no log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The filter does not parse.
    #[error("failed to use the log filter {filter:?}: {cause}; write it as info, or as warn,hubkeeper=debug")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Something logs already.
    #[error("failed to start logging: it was started before")]
    Started,
}

/// Starts logging to stderr. `filter`: levels by target as `RUST_LOG` knows them, [`DEFAULT_FILTER`] if empty.
pub fn init(format: Format, filter: &str, clock: Arc<dyn Clock>) -> Result<(), LogError> {
    let subscriber = subscriber(format, filter, clock, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Started)
}

fn subscriber<W>(
    format: Format,
    filter: &str,
    clock: Arc<dyn Clock>,
    writer: W,
) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let text = if filter.trim().is_empty() { DEFAULT_FILTER } else { filter };
    let levels = EnvFilter::builder()
        .parse(text)
        .map_err(|error| LogError::Filter { filter: text.to_owned(), cause: error.to_string() })?;
    let lines = tracing_subscriber::fmt::layer().with_timer(ClockTime(clock)).with_writer(writer);
    let lines = match format {
        Format::Text { colour } => lines.with_ansi(colour).boxed(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    Ok(Registry::default().with(levels).with(filter_fn(is_ours_to_tell)).with(lines))
}

/// Below `info` the SDK and the HTTP stack write requests and responses: findings, messages, session tokens.
fn is_ours_to_tell(metadata: &Metadata<'_>) -> bool {
    const TALKATIVE: [&str; 7] = ["aws_", "hyper", "h2", "rustls", "tower", "axum", "kube"];
    *metadata.level() <= LevelFilter::INFO || !TALKATIVE.iter().any(|prefix| metadata.target().starts_with(prefix))
}

/// Timestamps of our clock: simulated where it is.
struct ClockTime(Arc<dyn Clock>);

impl FormatTime for ClockTime {
    fn format_time(&self, w: &mut Writer<'_>) -> fmt::Result {
        write!(w, "{:.3}", self.0.now())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Mutex;
    use std::time::Duration;

    use async_trait::async_trait;
    use jiff::Timestamp;

    use super::*;

    #[derive(Debug)]
    struct Stopped;

    #[async_trait]
    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            "2026-11-21T08:00:00.0004Z".parse().unwrap()
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
        async fn sleep(&self, _: Duration) {}
    }

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(format: Format, filter: &str, body: impl FnOnce()) -> String {
        let page = Page::default();
        let writer = page.clone();
        let subscriber = subscriber(format, filter, Arc::new(Stopped), move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, body);
        String::from_utf8(page.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_json_line_has_time_level_message_and_fields() {
        let lines = written(Format::Json, "info", || tracing::info!(findings = 3, "read a page"));
        let line: serde_json::Value = serde_json::from_str(lines.trim()).unwrap();
        assert_eq!(line["timestamp"], "2026-11-21T08:00:00.000Z");
        assert_eq!((line["level"].as_str(), line["message"].as_str()), (Some("INFO"), Some("read a page")));
        assert_eq!(line["findings"], 3);
    }

    #[test]
    fn a_text_line_for_a_file_has_no_colours() {
        let lines = written(Format::Text { colour: false }, "", || tracing::warn!("queue is gone"));
        assert!(lines.contains("WARN") && lines.contains("queue is gone") && !lines.contains('\u{1b}'), "{lines}");
    }

    #[test]
    fn even_a_trace_filter_does_not_make_the_sdk_tell_bodies() {
        let lines = written(Format::Text { colour: false }, "trace,aws_smithy_runtime=trace", || {
            tracing::debug!(target: "aws_smithy_runtime::client::orchestrator", "the secret body");
            tracing::debug!("ours");
        });
        assert!(lines.contains("ours") && !lines.contains("secret"), "{lines}");
    }

    #[test]
    fn a_filter_that_does_not_parse_is_refused_with_a_sentence() {
        let error = subscriber(Format::Json, "hubkeeper=loud", Arc::new(Stopped), io::sink).err().unwrap();
        assert!(error.to_string().contains("hubkeeper=loud"), "{error}");
    }
}
