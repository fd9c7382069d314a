//! What people said of a problem: their newest answer over all its findings, told from what the findings show, from changes
//! that were seen happening, and, in doubt only, from their histories.

use jiff::Timestamp;

use super::decide::{Answer, Finding, Knowledge};
use super::marker::{Hold, Marker, Owner};
use super::status::{RecordState, WorkflowStatus};

/// The newest answer of a person on a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newest {
    /// Nobody suppressed it.
    Nothing,
    /// Suppress it.
    Suppressed,
    /// Somebody suppressed it, and it was taken back since.
    Contrary,
    /// The histories of these rows tell.
    Ask(Vec<u32>),
    /// They were asked, and do not tell.
    Unclear,
}

/// Who undid what a marker says we set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndoneBy {
    /// A person or another program.
    Person,
    /// Security Hub itself: a check passed, or failed again.
    Service,
    /// An automation rule, when the provider refreshed the finding: nobody's answer, and it does so each time.
    Rule,
    /// The history tells.
    Ask,
    /// The history cannot be read.
    Unknown,
}

/// Whether the check changed since the marker was written.
pub fn checked_since(finding: &Finding<'_>, marker: &Marker) -> bool {
    finding.first_observed.is_some_and(|changed| changed > marker.at)
}

/// Tells who undid a held marker. Unless the provider said something since, only a customer's update can have done it; after that an
/// automation rule may have rewritten it, after a change of the check the service may have reset it, and only the history tells.
pub fn undone_by(finding: &Finding<'_>, marker: &Marker) -> UndoneBy {
    let checked_since = checked_since(finding, marker);
    match finding.knowledge {
        Knowledge::Known(Some(answer)) if answer.at >= marker.at && answer.is_by_rule() => UndoneBy::Rule,
        Knowledge::Known(Some(answer)) if answer.at >= marker.at => match answer.status {
            // RESOLVED by a person re-arms: once the check has failed again since, it no longer counts.
            WorkflowStatus::Resolved if checked_since && finding.workflow != WorkflowStatus::Resolved => UndoneBy::Service,
            WorkflowStatus::Suppressed => UndoneBy::Service,
            _ => UndoneBy::Person,
        },
        Knowledge::Known(_) if checked_since => UndoneBy::Service,
        Knowledge::Unasked if checked_since || finding.refreshed => UndoneBy::Ask,
        Knowledge::Denied if checked_since || finding.refreshed => UndoneBy::Unknown,
        _ => UndoneBy::Person,
    }
}

#[derive(Clone, Copy)]
enum Said {
    Suppress(Option<Timestamp>),
    Contrary(Option<Timestamp>),
    /// Inherited: at this time the newest answer was to suppress.
    Carries(Timestamp),
    /// Inherited, and undone by the service or by a person: the history tells.
    Doubtful,
    Nothing,
    Unasked,
    /// What we set was undone, and it is over: by the end of the check or by a person before it.
    Over,
}

fn said(finding: &Finding<'_>) -> Said {
    let known = match finding.knowledge {
        Knowledge::Known(known) => Some(known.as_ref()),
        Knowledge::Unasked | Knowledge::Denied => None,
    };
    let at_if = |status: fn(WorkflowStatus) -> bool| known.flatten().filter(|a| status(a.status)).map(|a| a.at);
    if let Some(marker) = finding.ours() {
        return if marker.owner == Owner::Inherited { Said::Carries(marker.at) } else { Said::Nothing };
    }
    if finding.workflow == WorkflowStatus::Suppressed {
        return Said::Suppress(at_if(|status| status == WorkflowStatus::Suppressed));
    }
    if let Some(marker) = finding.mismatch() {
        // A person's word is theirs, also where the service has moved the finding since.
        match known.flatten().filter(|answer| answer.at >= marker.at && !answer.is_by_rule()) {
            Some(Answer { status: WorkflowStatus::Suppressed, at, .. }) => return Said::Suppress(Some(*at)),
            Some(answer) => return Said::Contrary(Some(answer.at)),
            None => {}
        }
        let inherited = marker.owner == Owner::Inherited;
        return match undone_by(finding, marker) {
            // Also one that a check has passed since: RESOLVED by a person before it ends what was inherited.
            _ if !finding.actionable() && *finding.knowledge == Knowledge::Unasked => Said::Over,
            _ if !finding.actionable() => Said::Nothing,
            UndoneBy::Person => Said::Contrary(Some(marker.at)),
            UndoneBy::Service | UndoneBy::Rule if inherited => Said::Carries(marker.at),
            UndoneBy::Service | UndoneBy::Rule => Said::Nothing,
            UndoneBy::Ask | UndoneBy::Unknown if inherited => Said::Doubtful,
            UndoneBy::Ask | UndoneBy::Unknown => Said::Unasked,
        };
    }
    // What they suppressed before we gave it back is over: an exception had adopted it, or only Git may suppress.
    let given_back = finding.marker.marker().filter(|marker| marker.hold == Hold::Released && marker.set == finding.workflow);
    if let (Some(marker), Some(Some(answer))) = (given_back, known)
        && answer.status == WorkflowStatus::Suppressed
        && answer.at <= marker.at
    {
        return Said::Nothing;
    }
    // The service sets RESOLVED only on a check that passes: on any other, a person did.
    let resolved_by_hand =
        finding.workflow == WorkflowStatus::Resolved && finding.actionable() && finding.facts.control.is_some();
    let released = finding.marker.marker().filter(|marker| marker.hold == Hold::Released).map(|marker| marker.at);
    match known {
        // Taken over by us since, and given back or reopened: that was the end of it.
        Some(Some(Answer { status: WorkflowStatus::Suppressed, at, .. })) if released.is_some_and(|since| since >= *at) => {
            Said::Nothing
        }
        // Suppressed by a person and reset by the service since: their word stands.
        Some(Some(Answer { status: WorkflowStatus::Suppressed, at, .. })) => Said::Suppress(Some(*at)),
        // RESOLVED and failing again since: it ended what was before it, which is all it does.
        Some(Some(answer)) => Said::Contrary(Some(answer.at)),
        _ if resolved_by_hand => Said::Contrary(None),
        Some(None) => Said::Nothing,
        None => Said::Unasked,
    }
}

/// The newest answer that row `own`, which is not ours, would inherit. Problems without a control are single findings and
/// inherit nothing.
pub fn newest(problem: &[Finding<'_>], own: u32) -> Newest {
    let said: Vec<(&Finding<'_>, Said)> = problem.iter().map(|finding| (finding, said(finding))).collect();
    let suppresses = |said: &Said| matches!(said, Said::Suppress(_) | Said::Carries(_) | Said::Doubtful);
    if !said.iter().any(|(_, said)| suppresses(said)) {
        return Newest::Nothing;
    }
    // Its own history counts as well: a person may have reopened exactly this one.
    let mut ask: Vec<u32> =
        said.iter().filter(|(f, said)| f.row == own && matches!(said, Said::Unasked)).map(|(f, _)| f.row).collect();
    ask.extend(said.iter().filter(|(_, said)| matches!(said, Said::Doubtful | Said::Over)).map(|(f, _)| f.row));
    let contrary = said.iter().any(|(_, said)| matches!(said, Said::Contrary(_)));
    if contrary {
        let timeless = |said: &Said| matches!(said, Said::Suppress(None) | Said::Contrary(None));
        ask.extend(said.iter().filter(|(f, said)| timeless(said) && f.row != own).map(|(f, _)| f.row));
        ask.extend(said.iter().filter(|(f, said)| timeless(said) && f.row == own).map(|(f, _)| f.row));
    }
    if !ask.is_empty() {
        return askable(problem, ask);
    }
    let newest_suppress = said.iter().filter_map(|(_, said)| match said {
        Said::Suppress(at) => Some(at.unwrap_or(Timestamp::MIN)),
        Said::Carries(at) => Some(*at),
        _ => None,
    });
    let newest_contrary = said.iter().filter_map(|(_, said)| match said {
        Said::Contrary(at) => Some(at.unwrap_or(Timestamp::MIN)),
        _ => None,
    });
    match newest_contrary.max() {
        Some(contrary) if newest_suppress.max().is_none_or(|suppress| contrary >= suppress) => Newest::Contrary,
        _ => Newest::Suppressed,
    }
}

/// Whether the answer that row `own` inherited at `since` still stands. Only a contrary answer ends it: a source that is gone
/// with its retention does not.
pub fn for_inherited(problem: &[Finding<'_>], own: u32, since: Timestamp) -> Newest {
    let others = || problem.iter().filter(|finding| finding.row != own);
    let mut newest_suppress = None;
    let mut newest_contrary = None;
    let mut timeless_contrary = Vec::new();
    let mut unasked = Vec::new();
    for finding in others() {
        match said(finding) {
            Said::Suppress(at) => newest_suppress = newest_suppress.max(Some(at.unwrap_or(since))),
            Said::Contrary(Some(at)) => newest_contrary = newest_contrary.max(Some(at)),
            Said::Contrary(None) => timeless_contrary.push(finding.row),
            // It may have been the source, and reopened while nobody was running.
            Said::Unasked if finding.created_at <= since && finding.facts.record_state == RecordState::Active => {
                unasked.push(finding.row);
            }
            Said::Carries(_) | Said::Doubtful | Said::Nothing | Said::Unasked | Said::Over => {}
        }
    }
    if !timeless_contrary.is_empty() {
        return askable(problem, timeless_contrary);
    }
    match (newest_suppress, newest_contrary) {
        (_, Some(contrary)) if contrary > since && newest_suppress.is_none_or(|suppress| contrary >= suppress) => {
            Newest::Contrary
        }
        (Some(_), _) => Newest::Suppressed,
        (None, _) if !unasked.is_empty() => askable(problem, unasked),
        (None, _) => Newest::Nothing,
    }
}

/// Asks those that were not asked yet; if all were, nothing more is to be learnt.
fn askable(problem: &[Finding<'_>], mut rows: Vec<u32>) -> Newest {
    rows.retain(|row| problem.iter().any(|finding| finding.row == *row && *finding.knowledge == Knowledge::Unasked));
    rows.sort_unstable();
    rows.dedup();
    if rows.is_empty() { Newest::Unclear } else { Newest::Ask(rows) }
}
