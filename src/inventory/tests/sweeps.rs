//! Coverage, and what complete reads prove gone.

use super::*;

fn window(from: i64, to: i64) -> Window {
    Window { from: Some(minute(from)), to: Some(minute(to)) }
}

#[test]
fn a_finding_is_gone_when_two_complete_reads_miss_it_and_not_before() {
    let mut inventory = Inventory::new(LAG);
    for number in 1..=3 {
        see(&mut inventory, &Finding::new(number), read(100));
    }
    see(&mut inventory, &Finding::new(1), read(200));
    assert_eq!(inventory.sweep(HOME, minute(200)), []);
    assert_eq!(inventory.sweep(HOME, minute(200)), [], "the same read again proves nothing more");
    assert_eq!(inventory.sweep(Place(1), minute(300)), [], "another place's reads neither");
    see(&mut inventory, &Finding::new(1), read(300));
    see(&mut inventory, &Finding::new(3), read(300));
    let removed = inventory.sweep(HOME, minute(300));
    assert_eq!(removed.iter().map(|removed| &removed.key.id).collect::<Vec<_>>(), [&Finding::new(2).id()]);
    assert_eq!(inventory.len(), 2);
    assert_eq!(inventory.by_problem(Finding::new(2).problem()), []);
}

#[test]
fn a_sighting_between_the_reads_starts_the_count_again() {
    let mut inventory = Inventory::new(LAG);
    see(&mut inventory, &Finding::new(1), read(100));
    assert_eq!(inventory.sweep(HOME, minute(200)), []);
    assert_eq!(change(&mut inventory, &Finding::new(1).version(99), read(110)), Change::Stale, "old, but there");
    assert_eq!(inventory.sweep(HOME, minute(300)), []);
    assert_eq!(inventory.sweep(HOME, minute(400)).len(), 1);
}

#[test]
fn what_was_seen_after_the_read_began_is_not_missed() {
    let mut inventory = Inventory::new(LAG);
    see(&mut inventory, &Finding::new(1), event(201));
    for _ in 0..3 {
        assert_eq!(inventory.sweep(HOME, minute(200)), []);
    }
    assert_eq!(inventory.sweep(HOME, minute(201)), []);
    assert_eq!(inventory.len(), 1);
}

fn within(window: &Window, at: i64) -> bool {
    let (from, to) = window.bounds();
    (from..=to).contains(&at)
}

#[test]
fn windows_between_quantiles_hold_about_equal_numbers_and_together_everything() {
    let mut inventory = Inventory::new(LAG);
    for number in 0..1000 {
        see(&mut inventory, &Finding::new(number), read(2000));
    }
    let cuts = inventory.quantiles(HOME, 8);
    let windows = Window::split(&cuts);
    let created = || inventory.rows().map(|row| inventory.get(row).unwrap().created_at().as_millisecond());
    let counts: Vec<usize> = windows.iter().map(|window| created().filter(|at| within(window, *at)).count()).collect();
    assert_eq!(counts, [125; 8]);
    assert_eq!(inventory.quantiles(Place(1), 8), []);
    assert_eq!(Window::split(&[]), [Window::ALL]);
}

#[test]
fn findings_of_one_moment_are_not_cut_apart() {
    let mut inventory = Inventory::new(LAG);
    for number in 0..10 {
        let mut finding = Finding::new(number);
        finding.created = 5;
        see(&mut inventory, &finding, read(100));
    }
    assert_eq!(inventory.quantiles(HOME, 4), []);
}

#[test]
fn a_place_is_proven_since_its_oldest_window_and_only_without_gaps() {
    let mut coverage = Coverage::new();
    let [old, middle, new] = <[Window; 3]>::try_from(Window::split(&[minute(100), minute(200)])).unwrap();
    coverage.mark(HOME, old, minute(1000));
    coverage.mark(HOME, new, minute(1010));
    assert_eq!(coverage.proven_since(HOME), None);
    coverage.mark(HOME, middle, minute(1020));
    assert_eq!(coverage.proven_since(HOME), Some(minute(1000)));
    coverage.mark(HOME, old, minute(2000));
    assert_eq!(coverage.proven_since(HOME), Some(minute(1010)), "proof of the pass before lasts");
    assert_eq!(coverage.proven_since(Place(1)), None);
}

#[test]
fn a_read_that_ends_late_does_not_age_newer_proof() {
    let mut coverage = Coverage::new();
    coverage.mark(HOME, window(10, 20), minute(500));
    coverage.mark(HOME, Window::ALL, minute(400));
    assert_eq!(coverage.proven_since(HOME), Some(minute(400)));
    coverage.mark(HOME, window(15, 30), minute(600));
    coverage.mark(HOME, Window { from: None, to: Some(minute(10)) }, minute(600));
    coverage.mark(HOME, Window { from: Some(minute(20)), to: None }, minute(600));
    assert_eq!(coverage.proven_since(HOME), Some(minute(500)));
}

proptest::proptest! {
    #[test]
    fn coverage_agrees_with_a_list_of_every_minute(
        marks in proptest::collection::vec((0_i64..12, 0_i64..12, 0_i64..5, proptest::bool::ANY), 0..12),
    ) {
        let mut coverage = Coverage::new();
        // Index 0 and 13 stand for all before and after.
        let mut naive = [None::<i64>; 14];
        for (a, b, started, open) in marks {
            let (from, to) = (a.min(b), a.max(b));
            let end = Timestamp::from_millisecond(minute(to + 1).as_millisecond() - 1).unwrap();
            let (window, cells) = if open {
                (Window { from: None, to: None }, 0..=13)
            } else {
                (Window { from: Some(minute(from)), to: Some(end) }, from + 1..=to + 1)
            };
            coverage.mark(HOME, window, minute(1000 + started));
            for cell in cells {
                let cell = &mut naive[usize::try_from(cell).unwrap()];
                *cell = (*cell).max(Some(started));
            }
        }
        let oldest = naive.iter().copied().min().flatten().map(|started| minute(1000 + started));
        proptest::prop_assert_eq!(coverage.proven_since(HOME), oldest);
    }
}
