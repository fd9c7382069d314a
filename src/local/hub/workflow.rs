//! What a check or a provider's import does to the workflow status.
//!
//! Sources: the user guide's findings-workflow-status and controls-overall-status. What they leave open is a switch.

use crate::core::status::{ComplianceStatus, RecordState, WorkflowStatus};

use super::{Resets, SuppressedOnPassed, Switches};

/// What the provider says of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// `None` for findings that are no checks.
    pub compliance: Option<ComplianceStatus>,
    /// Active or archived.
    pub record: RecordState,
}

/// The workflow status after the provider said `new` where it had said `old`.
pub fn next(is: WorkflowStatus, old: Said, new: Said, is_control: bool, switches: Switches) -> WorkflowStatus {
    use WorkflowStatus::{New, Notified, Resolved, Suppressed};

    let passed = |said: Said| said.compliance == Some(ComplianceStatus::Passed);
    let resets = is_control || switches.resets == Resets::All;
    let reopened = match is {
        Notified | Resolved if resets => New,
        _ => is,
    };
    let back = old.record == RecordState::Archived && new.record == RecordState::Active;
    if is_control && passed(new) && !passed(old) {
        return match (is, switches.suppressed_on_passed) {
            (Suppressed, SuppressedOnPassed::Stays) => Suppressed,
            _ => Resolved,
        };
    }
    if back {
        // Also where it passed before and passes again: it does not become PASSED by that.
        return reopened;
    }
    if passed(old) && new.compliance.is_some() && !passed(new) {
        return reopened;
    }
    let deleted = new.record == RecordState::Archived
        && old.record == RecordState::Active
        && new.compliance == Some(ComplianceStatus::NotAvailable);
    if switches.deletion_resets_notified && deleted && is == Notified { New } else { is }
}

/// The workflow status of a control finding that is new.
pub fn first(said: Said, is_control: bool) -> WorkflowStatus {
    if is_control && said.compliance == Some(ComplianceStatus::Passed) { WorkflowStatus::Resolved } else { WorkflowStatus::New }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ComplianceStatus::{Failed, NotAvailable, Passed, Warning};
    use RecordState::{Active, Archived};
    use WorkflowStatus::{New, Notified, Resolved, Suppressed};

    fn said(compliance: ComplianceStatus, record: RecordState) -> Said {
        Said { compliance: Some(compliance), record }
    }

    /// One row of the guide's table: what becomes of NEW, NOTIFIED, RESOLVED, SUPPRESSED.
    fn row(old: Said, new: Said, switches: Switches) -> [WorkflowStatus; 4] {
        [New, Notified, Resolved, Suppressed].map(|is| next(is, old, new, true, switches))
    }

    #[test]
    fn the_state_machine_is_the_documented_table() {
        let usual = Switches::default();
        let stays = [New, Notified, Resolved, Suppressed];
        let resets = [New, New, New, Suppressed];
        for bad in [Failed, Warning, NotAvailable] {
            assert_eq!(row(said(bad, Active), said(Passed, Active), usual), [Resolved, Resolved, Resolved, Suppressed]);
            assert_eq!(row(said(Passed, Active), said(bad, Active), usual), resets);
            assert_eq!(row(said(bad, Archived), said(bad, Active), usual), resets);
            assert_eq!(row(said(bad, Active), said(bad, Archived), usual), stays);
            assert_eq!(row(said(bad, Active), said(bad, Active), usual), stays);
        }
        assert_eq!(row(said(Passed, Active), said(Passed, Active), usual), stays);
        assert_eq!(row(said(Passed, Archived), said(Passed, Active), usual), resets);
        assert_eq!(row(said(Failed, Archived), said(Passed, Active), usual), [Resolved, Resolved, Resolved, Suppressed]);
        assert_eq!(row(said(Failed, Active), said(Warning, Active), usual), stays);
        assert_eq!(row(said(Failed, Active), said(NotAvailable, Archived), usual), stays);
    }

    #[test]
    fn the_switches_change_only_what_they_are_for() {
        let guide = Switches { suppressed_on_passed: SuppressedOnPassed::Resolved, ..Switches::default() };
        assert_eq!(row(said(Failed, Active), said(Passed, Active), guide), [Resolved; 4]);
        let of_controls = Switches { resets: Resets::OfControls, ..Switches::default() };
        let back = |is_control| {
            [Notified, Resolved].map(|is| next(is, said(Failed, Archived), said(Failed, Active), is_control, of_controls))
        };
        assert_eq!((back(true), back(false)), ([New, New], [Notified, Resolved]));
        let field = Switches { deletion_resets_notified: true, ..Switches::default() };
        assert_eq!(row(said(Failed, Active), said(NotAvailable, Archived), field), [New, New, Resolved, Suppressed]);
    }

    #[test]
    fn findings_of_other_products_are_not_resolved_by_passing() {
        assert_eq!(next(New, said(Failed, Active), said(Passed, Active), false, Switches::default()), New);
        let none = |record| Said { compliance: None, record };
        assert_eq!(next(Notified, none(Archived), none(Active), false, Switches::default()), New);
        assert_eq!(next(Resolved, none(Active), none(Active), false, Switches::default()), Resolved);
    }

    #[test]
    fn a_new_passed_control_finding_starts_resolved() {
        assert_eq!(first(said(Passed, Active), true), Resolved);
        assert_eq!(first(said(Failed, Active), true), New);
        assert_eq!(first(said(Passed, Active), false), New);
    }
}
