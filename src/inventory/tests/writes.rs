//! Writes of ours, their echoes, and a hub that lags.

use super::*;

const OWNER: &str = "ControlPolicy/fsbp-prod";

/// A finding that we suppress at minute 200.
fn suppressing(inventory: &mut Inventory) -> (RowId, Finding, Finding) {
    let before = Finding::new(1);
    let row = see(inventory, &before, read(199)).row;
    let marker = marker(OWNER, 200);
    inventory.expect(
        row,
        Expected { workflow: WorkflowStatus::Suppressed, marker: Some(Arc::clone(&marker)), note: true, sent_at: minute(200) },
    );
    let after = Finding::new(1).version(200).workflow(WorkflowStatus::Suppressed).marked(&marker);
    (row, before, after)
}

#[test]
fn a_settled_write_is_taken_over_at_once_and_the_lagging_hub_ignored() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, after) = suppressing(&mut inventory);
    let snapshot = inventory.settle(row).unwrap();
    assert_eq!((snapshot.workflow, snapshot.marker), (WorkflowStatus::New, MarkerState::None));
    assert_eq!(inventory.settle(row), None);
    let view = inventory.get(row).unwrap();
    assert!(view.is_ours());
    assert_eq!(view.note(), NoteKind::Ours);
    assert_eq!(inventory.by_owner(&OWNER.parse().unwrap()).collect::<Vec<_>>(), [row]);
    // F11: five minutes of the value before.
    for at in 201..206 {
        assert_eq!(change(&mut inventory, &before, read(at)), Change::Stale);
        assert_eq!(change(&mut inventory, &before, event(at)), Change::Stale);
    }
    assert!(inventory.get(row).unwrap().is_ours());
    assert!(matches!(change(&mut inventory, &after, event(206)), Change::Confirmed { .. }));
    assert_eq!(inventory.pending.rows().count(), 0);
    assert_eq!(change(&mut inventory, &after, event(206)), Change::Same);
    assert_eq!(change(&mut inventory, &before, read(207)), Change::Stale, "older by its version");
}

#[test]
fn an_echo_before_the_answer_confirms() {
    let mut inventory = Inventory::new(LAG);
    let (row, _, after) = suppressing(&mut inventory);
    assert!(matches!(change(&mut inventory, &after, event(200)), Change::Confirmed { .. }));
    assert_eq!(inventory.settle(row), None);
    assert!(inventory.get(row).unwrap().is_ours());
}

#[test]
fn an_echo_older_than_what_we_know_confirms_without_going_back() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, after) = suppressing(&mut inventory);
    inventory.settle(row);
    // The check ran again before our write was visible: compliance is new, the status is ours.
    let warning = before.version(205).compliance(ComplianceStatus::Warning);
    let Change::Changed { before, overwritten: false } = change(&mut inventory, &warning, read(206)) else { panic!() };
    assert_eq!(before.compliance, Some(ComplianceStatus::Failed));
    let view = inventory.get(row).unwrap();
    assert_eq!((view.compliance(), view.is_ours()), (Some(ComplianceStatus::Warning), true));
    assert!(matches!(change(&mut inventory, &after, event(207)), Change::Confirmed { .. }));
    assert_eq!(inventory.get(row).unwrap().compliance(), Some(ComplianceStatus::Warning));
    assert_eq!(inventory.pending.rows().count(), 0);
}

#[test]
fn what_is_neither_our_write_nor_the_state_before_it_is_somebody_elses() {
    let mut inventory = Inventory::new(LAG);
    let (row, _, after) = suppressing(&mut inventory);
    inventory.settle(row);
    let person = after.version(201).workflow(WorkflowStatus::Notified);
    assert!(matches!(change(&mut inventory, &person, read(202)), Change::Changed { overwritten: true, .. }));
    assert_eq!((inventory.pending.rows().count(), inventory.get(row).unwrap().workflow()), (0, WorkflowStatus::Notified));
}

#[test]
fn a_write_that_never_shows_is_given_up_after_the_lag() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, _) = suppressing(&mut inventory);
    inventory.settle(row);
    assert_eq!(inventory.pending_expired(minute(229)), []);
    assert_eq!(change(&mut inventory, &before, read(229)), Change::Stale);
    assert_eq!(inventory.pending_expired(minute(230)), [row]);
    assert_eq!(change(&mut inventory, &before, event(231)), Change::Doubtful);
    let Change::Changed { before, overwritten: false } = change(&mut inventory, &before, read(231)) else { panic!() };
    assert_eq!(before.workflow, WorkflowStatus::Suppressed);
    assert_eq!(inventory.by_owner(&OWNER.parse().unwrap()).count(), 0);
}

#[test]
fn a_second_write_before_the_first_shows_takes_either_earlier_state_for_lag() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, between) = suppressing(&mut inventory);
    inventory.settle(row);
    let released = Arc::new(Marker { hold: Hold::Released, ..(*marker(OWNER, 203)).clone() });
    inventory.expect(
        row,
        Expected { workflow: WorkflowStatus::New, marker: Some(Arc::clone(&released)), note: false, sent_at: minute(203) },
    );
    inventory.settle(row);
    assert_eq!(change(&mut inventory, &before, read(204)), Change::Stale);
    assert_eq!(change(&mut inventory, &between, event(204)), Change::Stale);
    let after = Finding::new(1).version(203).marked(&released);
    assert!(matches!(change(&mut inventory, &after, read(205)), Change::Confirmed { .. }));
    assert_eq!(inventory.by_owner(&OWNER.parse().unwrap()).count(), 0);
}

#[test]
fn a_refused_write_is_withdrawn_and_leaves_no_trace() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, _) = suppressing(&mut inventory);
    inventory.withdraw(row);
    assert_eq!((inventory.pending.rows().count(), inventory.pending(row)), (0, None));
    assert_eq!(change(&mut inventory, &before, read(201)), Change::Same);
}

#[test]
fn a_check_that_passes_while_a_write_is_pending_is_nobodys_rewrite() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, _) = suppressing(&mut inventory);
    inventory.settle(row);
    let passed = before.version(201).compliance(ComplianceStatus::Passed).workflow(WorkflowStatus::Resolved);
    assert!(matches!(change(&mut inventory, &passed, event(202)), Change::Changed { overwritten: false, .. }));
    assert_eq!(inventory.get(row).unwrap().workflow(), WorkflowStatus::Resolved);
}

#[test]
fn what_somebody_else_wrote_before_our_write_is_told_apart_from_older_states_and_from_later_ones() {
    let mut inventory = Inventory::new(LAG);
    let (row, before, after) = suppressing(&mut inventory);
    let theirs = |minute| Finding::new(1).version(minute).workflow(WorkflowStatus::Notified);
    let base = inventory.decided_on(row).unwrap();
    assert_eq!(base.1, WorkflowStatus::New);
    // Before our answer, after it, after our echo, and at the very moment of our write: it was replaced.
    for step in ["sent", "answered", "seen"] {
        match step {
            "answered" => drop(inventory.settle(row)),
            "seen" => assert!(matches!(change(&mut inventory, &after, event(201)), Change::Confirmed { .. })),
            _ => {}
        }
        let seen = see(&mut inventory, &theirs(200), event(202));
        assert_eq!((seen.change, seen.raced), (Change::Stale, true), "{step}");
        assert_eq!(inventory.get(row).unwrap().workflow() == WorkflowStatus::Suppressed, step != "sent");
        assert!(!see(&mut inventory, &before, event(202)).raced, "{step}: what we had decided on");
        let older = Finding::new(1).version(before.version - 1).workflow(WorkflowStatus::Notified);
        assert!(!see(&mut inventory, &older, event(202)).raced, "{step}: older than what we had decided on");
    }
    assert!(!see(&mut inventory, &theirs(200), event(230)).raced, "too late to tell");
    let later = after.version(205).workflow(WorkflowStatus::Notified);
    let seen = see(&mut inventory, &later, event(206));
    assert!(matches!(seen.change, Change::Changed { .. }) && !seen.raced, "after ours, and theirs stands");
    inventory.close_race(row);
    assert!(!see(&mut inventory, &theirs(200), event(207)).raced, "told once");
}

#[test]
fn a_write_that_is_refused_after_somebody_else_wrote_has_to_be_followed_by_a_look() {
    let mut inventory = Inventory::new(LAG);
    let (row, ..) = suppressing(&mut inventory);
    assert!(see(&mut inventory, &Finding::new(1).version(200).workflow(WorkflowStatus::Notified), event(201)).raced);
    assert!(inventory.withdraw(row));
    assert!(!inventory.withdraw(row));
}
