//! `examples/quickstart`, as it is in the repository, made to fit the tour's hub and clock.

use jiff::{Timestamp, ToSpan};

/// The files.
const QUICKSTART: [(&str, &str); 4] = [
    ("accounts.yaml", include_str!("../../../examples/quickstart/accounts.yaml")),
    ("exceptions.yaml", include_str!("../../../examples/quickstart/exceptions.yaml")),
    ("hub.yaml", include_str!("../../../examples/quickstart/hub.yaml")),
    ("policy.yaml", include_str!("../../../examples/quickstart/policy.yaml")),
];

/// Their names and texts. The exception began ten days before `start` and ends at `ends`; the hub has its event queue.
pub(super) fn all(queue_url: &str, start: Timestamp, ends: Timestamp) -> [(&'static str, String); 4] {
    QUICKSTART.map(|(name, text)| (name, fitted(text, queue_url, start, ends)))
}

fn fitted(text: &str, queue_url: &str, start: Timestamp, ends: Timestamp) -> String {
    let began = start.checked_sub(240.hours()).unwrap_or(start);
    let mut fitted = String::with_capacity(text.len() + 128);
    for line in text.lines() {
        let bare = line.trim_start().trim_start_matches("# ");
        let indent = &line[..line.len() - line.trim_start().len()];
        let instead = match bare.split_once(':').map(|(field, _)| field) {
            Some("startsAt") => Some(format!("startsAt: \"{}\"", seconds(began))),
            Some("expiresAt") => Some(format!("expiresAt: \"{}\"", seconds(ends))),
            Some("events") => Some(format!("events: {{queueUrl: \"{queue_url}\"}}")),
            _ => None,
        };
        match instead {
            Some(instead) => {
                fitted.push_str(indent);
                fitted.push_str(&instead);
            }
            None => fitted.push_str(line),
        }
        fitted.push('\n');
    }
    fitted
}

fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_queue_are_fitted_and_nothing_else_changes() {
        let (start, ends) = ("2026-11-21T08:00:00.5Z".parse().unwrap(), "2026-11-21T08:12:00.5Z".parse().unwrap());
        let url = "https://sqs.eu-west-1.amazonaws.com/111122223333/hubkeeper";
        let all: String = super::all(url, start, ends).into_iter().map(|(_, text)| text).collect();
        let before: String = QUICKSTART.iter().map(|(_, text)| *text).collect();
        let changed: Vec<&str> = all.lines().zip(before.lines()).filter(|(new, old)| new != old).map(|(new, _)| new).collect();
        assert_eq!(
            changed,
            [
                "  startsAt: \"2026-11-11T08:00:00Z\"",
                "  expiresAt: \"2026-11-21T08:12:00Z\"",
                "  events: {queueUrl: \"https://sqs.eu-west-1.amazonaws.com/111122223333/hubkeeper\"}"
            ]
        );
        assert_eq!(all.lines().count(), before.lines().count());
    }
}
