//! Findings: GetFindings, BatchUpdateFindings, BatchImportFindings, GetFindingHistory.

use crate::local::Local;
use crate::wire::error::{AwsError, UnprocessedCode};
use crate::wire::securityhub::{BatchImportFindings, BatchUpdateFindings, FindingIdentifier, GetFindingHistory, GetFindings};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family =
    &[("GetFindings", get), ("BatchUpdateFindings", update), ("BatchImportFindings", import), ("GetFindingHistory", history)];

fn get(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: GetFindings = ask.body()?;
    let page = {
        let now = local.clock().now();
        let mut state = local.state();
        let asked = request.max_results.and_then(|asked| usize::try_from(asked).ok()).unwrap_or(100);
        let most = state.switchboard.short_page(asked, ask.verdict);
        state.hub.get_findings_behind(ask.verdict.stale, ask.caller, &request, now, most)?
    };
    Ok(Done { findings: page.texts.len(), unprocessed: 0, body: page.body() })
}

fn update(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchUpdateFindings = ask.body()?;
    let count = request.finding_identifiers.len();
    // Drawn beforehand: the hub is busy while it asks.
    let mut drawn: Vec<Option<UnprocessedCode>> = {
        let mut state = local.state();
        let mut draw = || {
            let drawn = ask.verdict.partial.iter().find(|(_, percent)| state.switchboard.chance(*percent));
            drawn.map(|(code, _)| *code)
        };
        (0..count).map(|_| draw()).collect()
    };
    drawn.reverse();
    let spoilt = local.faults().findings;
    let named = |key: &FindingIdentifier| spoilt.iter().find(|fault| fault.id == key.id);
    if let Some(poison) = request.finding_identifiers.iter().filter_map(named).find(|fault| fault.code.is_none()) {
        return Err(AwsError::invalid_input(format!("Invalid finding identifier: {}", poison.id)));
    }
    let mut refuse = |key: &FindingIdentifier| {
        let drawn = drawn.pop().flatten();
        named(key).and_then(|fault| fault.code).or(drawn)
    };
    let answer = local.with_hub(|hub, now| hub.update(ask.caller, &request, now, &mut refuse))?;
    Done::about(&answer, count, answer.unprocessed_findings.len())
}

fn import(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: BatchImportFindings = ask.body()?;
    let answer = local.with_hub(|hub, now| hub.import(ask.caller, &request, now))?;
    Done::about(&answer, request.findings.len(), answer.failed_count)
}

fn history(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: GetFindingHistory = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.finding_history(ask.caller, &request, now))?)
}
