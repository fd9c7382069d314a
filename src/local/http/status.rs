//! `GET /`: what is in the hub, what was called, and how its switches stand, as one page for people.
//!
//! Plain HTML: no script, nothing from elsewhere, and every value escaped, whoever chose it.

use std::fmt::{self, Write as _};

use axum::response::Response;
use http::{HeaderValue, Method, StatusCode, header};
use serde::Serialize;

use crate::core::filter::MissingField;
use crate::core::ids::Region;
use crate::local::buckets::Sharing;
use crate::local::clock::stamp;
use crate::local::faults::{Faults, ThrottleCode};
use crate::local::hub::topology::view::OldFindings;
use crate::local::hub::{BadValue, Resets, RulesSee, SuppressedOnPassed, Switches, UserFields};
use crate::local::{Count, Local};

use super::{admin, respond};

/// What a browser may do with it: show it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const STYLE: &str = "body{font-family:sans-serif;margin:2em;max-width:60em}table{border-collapse:collapse}\
    td,th{border:1px solid #999;padding:.2em .6em;text-align:left}td.n{text-align:right}";

/// The page; for HEAD all but the page.
pub(super) fn handle(local: &Local, method: &Method) -> Response {
    // Writing to a String does not fail.
    let page = page(local).unwrap_or_default();
    let length = page.len();
    let page = if *method == Method::HEAD { String::new() } else { page };
    let mut response = respond(local, StatusCode::OK, "text/html; charset=utf-8", page);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn page(local: &Local) -> Result<String, fmt::Error> {
    let mut page = String::new();
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Security Hub Local</title>\
         <style>{STYLE}</style></head><body>\n<h1>Security Hub Local is ready</h1>\n"
    )?;
    table(&mut page, "What is in it", &["", ""], &contents(local))?;
    let calls = calls(local);
    if calls.is_empty() {
        writeln!(page, "<h2>Calls</h2>\n<p>None of Security Hub yet.</p>")?;
    } else {
        table(&mut page, "Calls", &["Operation", "Calls", "Errors", "Throttled", "Findings"], &calls)?;
    }
    table(&mut page, "Switches", &["Switch", "Is", "Default"], &switches(local))?;
    writeln!(page, "<p>For scripts, under <code>/_local/</code>: {}.</p>\n</body></html>", admin::ALL)?;
    Ok(page)
}

fn table(page: &mut String, title: &str, heads: &[&str], rows: &[Vec<String>]) -> fmt::Result {
    write!(page, "<h2>{title}</h2>\n<table>")?;
    if heads.iter().any(|head| !head.is_empty()) {
        page.push_str("<tr>");
        for head in heads {
            write!(page, "<th>{head}</th>")?;
        }
        page.push_str("</tr>");
    }
    for row in rows {
        page.push_str("\n<tr>");
        for cell in row {
            let number = !cell.is_empty() && cell.bytes().all(|byte| byte.is_ascii_digit());
            let class = if number { " class=\"n\"" } else { "" };
            write!(page, "<td{class}>{}</td>", Escaped(cell))?;
        }
        page.push_str("</tr>");
    }
    page.push_str("</table>\n");
    Ok(())
}

fn contents(local: &Local) -> Vec<Vec<String>> {
    let standing = local.standing();
    let none = || "none".to_owned();
    let regions = standing.home.iter().chain(&standing.regions).map(Region::as_str).collect::<Vec<_>>().join(", ");
    let messages = local.queues().depth(&local.event_queue()).unwrap_or_default();
    let snapshot = if local.is_kept() { "written at the end and on POST /_local/snapshot" } else { "none" };
    [
        ("Findings", local.len().to_string()),
        ("Hubs that are on", local.state().hub.places_enabled().to_string()),
        ("Administrator", standing.administrator.map_or_else(none, |account| account.to_string())),
        ("Members", standing.members.len().to_string()),
        ("Home Region", standing.home.as_ref().map_or_else(none, Region::to_string)),
        ("Regions", regions),
        ("Event queue", local.event_queue_url()),
        ("Events that wait", messages.visible.to_string()),
        ("Events that were received and not deleted", messages.in_flight.to_string()),
        ("Events that are late", messages.delayed.to_string()),
        ("Clock", format!("{}, {}", stamp(local.clock().now()), local.clock().speed())),
        ("Snapshot", snapshot.to_owned()),
    ]
    .map(|(name, value)| vec![name.to_owned(), value])
    .to_vec()
}

fn calls(local: &Local) -> Vec<Vec<String>> {
    let row = |(operation, count): (&'static str, Count)| {
        let Count { calls, errors, throttled, findings } = count;
        [operation.to_owned()].into_iter().chain([calls, errors, throttled, findings].map(|count| count.to_string())).collect()
    };
    local.counts().into_iter().map(row).collect()
}

/// By the names of the flags of `hubkeeper local`: the switch, how it stands, its default.
fn switches(local: &Local) -> Vec<Vec<String>> {
    // Whole: who adds a switch says here what it is called.
    let Switches {
        user_fields,
        suppressed_on_passed,
        missing_field,
        bad_value,
        deletion_resets_notified,
        resets,
        rules_see,
        old_findings,
    } = local.switches();
    let (buckets, sharing, throttle) = local.throttling();
    let Faults { calls, lag_millis, short_page_percent, events, findings } = local.faults();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let fields = match user_fields {
        UserFields::Replace => "replace",
        UserFields::Merge => "merge",
    };
    let passed = match suppressed_on_passed {
        SuppressedOnPassed::Stays => "stays",
        SuppressedOnPassed::Resolved => "resolved",
    };
    let sight = match rules_see {
        RulesSee::Original => "original",
        RulesSee::Current => "current",
    };
    let code = match throttle {
        ThrottleCode::TooManyRequests => "too-many-requests",
        ThrottleCode::LimitExceeded => "limit-exceeded",
    };
    [
        ("user-fields", fields.to_owned(), "replace"),
        ("suppressed-on-passed", passed.to_owned(), "stays"),
        ("negative-filters-match-missing", yes(missing_field == MissingField::Match), "no"),
        ("bad-value-per-finding", yes(bad_value == BadValue::PerFinding), "no"),
        ("deletion-resets-notified", yes(deletion_resets_notified), "no"),
        ("only-controls-reset", yes(resets == Resets::OfControls), "no"),
        ("rules-see", sight.to_owned(), "original"),
        ("link-old-findings", yes(old_findings == OldFindings::Replicated), "no"),
        ("throttle-code", code.to_owned(), "too-many-requests"),
        ("no-buckets", yes(!buckets), "no"),
        ("one-bucket-for-others", yes(sharing == Sharing::Others), "no"),
        ("lag-millis", lag_millis.to_string(), "0"),
        ("short-page-percent", short_page_percent.to_string(), "0"),
        ("event-delay-millis", events.delay_millis.to_string(), "0"),
        ("event-duplicate-percent", events.duplicate_percent.to_string(), "0"),
        ("event-disorder-percent", events.disorder_percent.to_string(), "0"),
        ("event-loss-percent", events.loss_percent.to_string(), "0"),
        ("faults: calls", text(&calls), "[]"),
        ("faults: findings", text(&findings), "[]"),
    ]
    .map(|(name, is, default)| vec![name.to_owned(), is, default.to_owned()])
    .to_vec()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Text in HTML.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
