//! From bytes to rows: pages of reads, events of the queue. What a sighting says of people's answers is noted here, because only
//! here before and after are known.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::core::decide::{Answer, Knowledge};
use crate::core::doc::{self, Doc};
use crate::core::status::WorkflowStatus;
use crate::inventory::{Change, Inventory, Place, RowId, Seen, Snapshot, Source};

/// What a page or an event brought.
#[derive(Debug, Default)]
pub struct Taken {
    /// Rows that deciding has to look at again.
    pub touched: Vec<RowId>,
    /// Rows whose state is doubtful: to be read again.
    pub doubtful: Vec<RowId>,
    /// Rows of which it shows what a write of ours may have replaced unseen.
    pub raced: Vec<RowId>,
    /// Writes of ours that are in the hub now.
    pub confirmed: usize,
    /// `CreatedAt` of every finding of a page, in its order.
    pub created: Vec<Timestamp>,
    /// The next page's token.
    pub token: Option<String>,
    /// Findings that do not parse: the first reason.
    pub unreadable: usize,
    /// Why the first unreadable one does not parse.
    pub first_error: Option<String>,
}

/// Takes in a page that was asked for at `asked_at`, but for findings of Regions that `keeps` refuses. An error: the body is no
/// page at all.
pub fn page(
    inventory: &mut Inventory,
    body: &[u8],
    place: Place,
    asked_at: Timestamp,
    born_after: Option<Timestamp>,
    keeps: &dyn Fn(&str) -> bool,
) -> Result<Taken, String> {
    let page = doc::page(body).map_err(|error| error.to_string())?;
    let mut taken = Taken { token: page.next_token.map(|token| token.to_string()), ..Taken::default() };
    for raw in page.findings {
        let seen = Seen { at: asked_at, source: Source::Read, place };
        if let Some(created) = finding(inventory, raw, seen, born_after, keeps, &mut taken) {
            taken.created.push(created);
        }
    }
    Ok(taken)
}

/// The part of the event envelope that matters.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "detail-type", borrow)]
    detail_type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    detail: Detail<'a>,
}

#[derive(Deserialize)]
struct Detail<'a> {
    #[serde(borrow, default)]
    findings: Vec<&'a RawValue>,
}

/// Longest event that is looked at, in bytes: a finding has 240 KB at most, SQS carries 1 MiB.
const LONGEST_EVENT: usize = 1 << 20;

/// Takes in an event of the queue. An error: it is not one of ours, and belongs into the dead-letter queue.
pub fn event(
    inventory: &mut Inventory,
    body: &str,
    received_at: Timestamp,
    place_of: impl Fn(&str) -> Option<Place>,
    born_after: Option<Timestamp>,
) -> Result<Taken, String> {
    if body.len() > LONGEST_EVENT {
        return Err(format!("the event has {} bytes, more than the {LONGEST_EVENT} that a queue carries", body.len()));
    }
    let envelope: Envelope<'_> =
        serde_json::from_str(body).map_err(|error| format!("the event is not what EventBridge sends: {error}"))?;
    let mut taken = Taken::default();
    if !envelope.detail_type.starts_with("Security Hub Findings") {
        return Err(format!("detail-type {:?} is not \"Security Hub Findings - Imported\"", envelope.detail_type));
    }
    if envelope.detail.findings.is_empty() {
        return Err("the event carries no finding".to_owned());
    }
    for raw in envelope.detail.findings {
        // Account and Region are the finding's: buses carry other accounts' findings.
        let region = serde_json::from_str::<RegionOnly<'_>>(raw.get()).ok().and_then(|finding| finding.region);
        let Some(place) = region.as_deref().map_or_else(|| place_of(""), &place_of) else { continue };
        let seen = Seen { at: received_at, source: Source::Event, place };
        finding(inventory, raw, seen, born_after, &|_| true, &mut taken);
    }
    match (taken.unreadable, &taken.first_error) {
        (0, _) | (_, None) => Ok(taken),
        (_, Some(error)) if taken.touched.is_empty() => Err(format!("the finding does not parse: {error}")),
        _ => Ok(taken),
    }
}

#[derive(Deserialize)]
struct RegionOnly<'a> {
    #[serde(rename = "Region", borrow, default)]
    region: Option<std::borrow::Cow<'a, str>>,
}

fn finding(
    inventory: &mut Inventory,
    raw: &RawValue,
    seen: Seen,
    born_after: Option<Timestamp>,
    keeps: &dyn Fn(&str) -> bool,
    taken: &mut Taken,
) -> Option<Timestamp> {
    let parsed = Doc::parse(raw.get()).map_err(|error| error.to_string());
    if let Ok(doc) = &parsed
        && !keeps(doc.region.as_ref().map_or("", |region| region))
    {
        return Some(doc.created_at);
    }
    let observed = parsed.and_then(|doc| match inventory.observe(&doc, raw.get(), seen) {
        Ok(observed) => Ok((doc.created_at, observed)),
        Err(error) => Err(error.to_string()),
    });
    let (created, observed) = match observed {
        Ok(observed) => observed,
        Err(error) => {
            taken.unreadable += 1;
            taken.first_error.get_or_insert(error);
            return None;
        }
    };
    let row = observed.row;
    if observed.raced {
        taken.raced.push(row);
    }
    match observed.change {
        Change::New => {
            // Born while we were looking, and untouched: nobody has answered it yet.
            let untouched = inventory.get(row).is_some_and(|view| view.workflow() == WorkflowStatus::New);
            if untouched && born_after.is_some_and(|since| created >= since) {
                inventory.set_knowledge(row, Knowledge::Known(None));
            }
            taken.touched.push(row);
        }
        Change::Changed { before, overwritten } => {
            learn(inventory, row, &before, overwritten, seen.at);
            taken.touched.push(row);
        }
        Change::Confirmed { before } => {
            taken.confirmed += 1;
            learn_check(inventory, row, &before);
            taken.touched.push(row);
        }
        Change::Doubtful => taken.doubtful.push(row),
        Change::Same | Change::Stale => {}
    }
    Some(created)
}

/// Notes who answered, where the change itself tells.
fn learn(inventory: &mut Inventory, row: RowId, before: &Snapshot, overwritten: bool, seen_at: Timestamp) {
    let Some(view) = inventory.get(row) else { return };
    let (workflow, version) = (view.workflow(), view.version());
    if workflow == before.workflow && !overwritten {
        return;
    }
    let check_changed = view.compliance() != before.compliance || view.record_state() != before.record_state;
    if check_changed {
        learn_check(inventory, row, before);
        return;
    }
    // Our own update, seen before its answer came or after a restart, is nobody's answer. It always brings a new marker.
    let ours = view.marker() != &before.marker && view.marker().marker().is_some_and(|marker| marker.set == workflow);
    if ours {
        return;
    }
    // Together with what its provider said, or after it: an automation rule writes then, and only the history tells it from a person.
    let held = before.marker.held().is_some_and(|marker| marker.set == before.workflow);
    if held && view.refreshed() {
        inventory.set_knowledge(row, Knowledge::Unasked);
        return;
    }
    // It happened after what it was done to: the version of a customer's update is inferred, not promised.
    let since = before.marker.marker().map_or(Timestamp::MIN, |marker| marker.at);
    let at = version.min(seen_at).max(since);
    inventory.set_knowledge(row, Knowledge::Known(Some(Answer { status: workflow, at, by: None })));
}

/// The check changed with it, so the service may have moved the workflow status. A suppression that a person made is still
/// their word then.
fn learn_check(inventory: &mut Inventory, row: RowId, before: &Snapshot) {
    let Some((workflow, at)) = inventory.get(row).map(|view| (view.workflow(), view.version())) else { return };
    let held = before.marker.held().is_some_and(|marker| marker.set == before.workflow);
    let moved = workflow != before.workflow;
    let lost = before.workflow == WorkflowStatus::Suppressed && !held && moved;
    if held && moved {
        // The service or a person: what was known of answers before is no longer the newest.
        inventory.set_knowledge(row, Knowledge::Unasked);
    }
    if lost && matches!(inventory.knowledge(row), Knowledge::Unasked) {
        inventory.set_knowledge(row, Knowledge::Known(Some(Answer { status: WorkflowStatus::Suppressed, at, by: None })));
    }
}
