//! Every effect of every scenario, one after the other.

use std::time::Instant;

use hubkeeper::engine::ports::Effect;
use hubkeeper::local::faults::Faults;

use super::gate::{Blow, Passage, Passages};
use super::play::{Back, End, Play, marker};
use super::scenarios::{self, Scenario};

/// How one run differs from the clean one.
#[derive(Debug, Clone)]
struct Variation {
    blows: Vec<(usize, Blow)>,
    back: Back,
    lag_millis: u64,
}

impl Variation {
    fn none() -> Self {
        Self { blows: Vec::new(), back: Back::Soon, lag_millis: 0 }
    }
}

/// Runs on a clock of its own. Gives the end and the passages.
fn run(scenario: &Scenario, variation: &Variation) -> Result<(End, Vec<Passage>), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let faults = Faults { lag_millis: variation.lag_millis, ..Faults::default() };
        let mut play = Play::new(Passages::striking(variation.blows.clone()), variation.back, faults);
        for step in &scenario.steps {
            play.step(step).await;
        }
        play.rest().await;
        let log = play.gate.log();
        // What was struck last has its time to be told, too.
        play.rest().await;
        let end = play.end();
        play.stays().await?;
        if variation.back == Back::Late {
            play.fresh().await?;
        }
        play.sim.crash().await;
        Ok((end, log))
    })
}

fn clean(scenario: &Scenario) -> (End, Vec<Passage>) {
    run(scenario, &Variation::none()).unwrap()
}

/// What is wrong with this end. One who was away while something was declared and gone again never held anything for it, and
/// nobody else did: then only what a process that starts from nothing says counts.
fn compare(clean: &End, end: &End, back: Back) -> Result<(), String> {
    for (name, expected) in &clean.findings {
        let found = &end.findings[name];
        if found != expected && back == Back::Soon {
            return Err(format!("finding {name}\n  is        {found}\n  should be {expected}"));
        }
        let (most, writes) = (clean.writes[name] + 1, end.writes[name]);
        if writes > most {
            return Err(format!("finding {name} was written {writes} times, at most {most} would do"));
        }
    }
    if back == Back::Late {
        return Ok(());
    }
    for (name, expected) in &clean.statuses {
        let found = end.statuses.get(name);
        if found != Some(expected) {
            return Err(format!("status of {name}\n  is        {found:?}\n  should be {expected:?}"));
        }
    }
    match end.statuses.keys().find(|name| !clean.statuses.contains_key(*name)) {
        Some(name) => Err(format!("a status of {name}, which is gone")),
        None => Ok(()),
    }
}

/// Plays a scenario under every variation that `vary` makes of its clean log; everything that fails is told at once.
fn hold(scenarios: Vec<Scenario>, what: &str, vary: impl Fn(&[Passage]) -> Vec<Variation>) {
    let started = Instant::now();
    let (mut runs, mut failures) = (0, Vec::new());
    for scenario in scenarios {
        let (expected, log) = clean(&scenario);
        for variation in vary(&log) {
            runs += 1;
            let outcome = run(&scenario, &variation).and_then(|(end, _)| compare(&expected, &end, variation.back));
            if let Err(why) = outcome {
                let places: Vec<String> =
                    variation.blows.iter().map(|(n, blow)| format!("{blow:?} at passage {n}, {}", at(&log, *n))).collect();
                failures.push(format!("{}: {} ({variation:?}): {why}", scenario.name, places.join("; ")));
            }
        }
    }
    println!("{what}: {runs} runs in {:.1} s", started.elapsed().as_secs_f64());
    assert!(runs > 0);
    assert!(failures.is_empty(), "{} of {runs} runs:\n{}", failures.len(), failures.join("\n"));
}

/// Whether to leave nothing out: `HUBKEEPER_CRASHES=all`.
fn all() -> bool {
    std::env::var("HUBKEEPER_CRASHES").is_ok_and(|what| what == "all")
}

fn is_status(passage: &Passage) -> bool {
    matches!(passage.effect, Effect::Status(_))
}

/// Every passage, but for those after a status that is followed by the next status: between the two nothing happens, so a crash
/// after the one is a crash before the other.
fn distinct(log: &[Passage]) -> Vec<usize> {
    let same = |n: usize| log[n].after && is_status(&log[n]) && log.get(n + 1).is_some_and(|next| is_status(next) && !next.after);
    (0..log.len()).filter(|n| all() || !same(*n)).collect()
}

/// Every passage of the hub and the queue, and of each object's status the first and the last before and after it.
fn failing(log: &[Passage]) -> Vec<usize> {
    let seen = |n: usize, others: std::ops::Range<usize>| others.into_iter().any(|other| log[other] == log[n]);
    (0..log.len()).filter(|&n| !is_status(&log[n]) || !seen(n, 0..n) || !seen(n, n + 1..log.len())).collect()
}

fn at(log: &[Passage], passage: usize) -> String {
    log.get(passage).map_or_else(|| "past the clean run".to_owned(), ToString::to_string)
}

#[test]
fn every_scenario_ends_as_it_should_when_nothing_goes_wrong() {
    for scenario in scenarios::all() {
        let started = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut play = Play::new(Passages::default(), Back::Soon, Faults::default());
            for step in &scenario.steps {
                play.step(step).await;
            }
            play.rest().await;
            for (name, workflow, owner) in &scenario.ends {
                let key = play.key(name);
                let is = (play.sim.workflow(&key), play.sim.held_for(&key));
                let should_be = (*workflow, owner.map(str::to_owned));
                assert_eq!(is, should_be, "{}: {name}: {:#?}", scenario.name, play.end());
            }
            play.stays().await.unwrap();
            let log = play.gate.log();
            let count = |is: fn(&Effect) -> bool| log.iter().filter(|p| !p.after && is(&p.effect)).count();
            let writes = count(|effect| matches!(effect, Effect::HubWrite(_)));
            let tags = count(|effect| *effect == Effect::HubTag);
            let acks = count(|effect| matches!(effect, Effect::QueueAck(_)));
            let (name, effects) = (scenario.name, log.len() / 2);
            println!(
                "{name}: {effects} effects: {writes} writes, {acks} acknowledgements, {tags} tags; {:.2} s",
                started.elapsed().as_secs_f64()
            );
            assert!(writes > 0 && acks > 0 && tags == 1);
            assert!(play.names.values().all(|key| marker(&play.sim.finding(key)).is_none_or(|marker| marker.again == 0)));
        });
    }
}

#[test]
fn a_crash_before_or_after_any_effect_changes_nothing_in_the_end() {
    hold(scenarios::all(), "crashes", |log| {
        let crash = |n| Variation { blows: vec![(n, Blow::Crash)], ..Variation::none() };
        let late = |n| Variation { back: Back::Late, ..crash(n) };
        // Statuses decide nothing: for the hub it is all the same after which of them it stays down.
        let matters = |n: &usize| !matches!(log[*n].effect, Effect::Status(_));
        distinct(log).into_iter().map(crash).chain((0..log.len()).filter(matters).map(late)).collect()
    });
}

#[test]
fn an_effect_that_fails_or_whose_answer_is_lost_changes_nothing_in_the_end() {
    hold(scenarios::all(), "failures", |log| {
        let first: Vec<usize> = if all() { (0..log.len()).collect() } else { failing(log) };
        first.into_iter().map(|n| Variation { blows: vec![(n, Blow::Fail)], ..Variation::none() }).collect()
    });
}

#[test]
fn a_hub_that_answers_with_the_state_before_a_write_changes_nothing_in_the_end() {
    hold(scenarios::all(), "stale answers", |log| {
        let writes = (0..log.len()).filter(|n| matches!(log[*n].effect, Effect::HubWrite(_)));
        let stale = |n, blow| Variation { blows: vec![(n, blow)], lag_millis: 240_000, back: Back::Soon };
        writes.flat_map(|n| [stale(n, Blow::Crash), stale(n, Blow::Fail)]).collect()
    });
}

#[test]
fn two_crashes_change_nothing_either() {
    hold(scenarios::short(), "pairs of crashes", |log| {
        // Status alone decides nothing: pairs are made of what changes the hub or the queue, the second one soon after the
        // restart or later.
        let matters: Vec<usize> = (0..log.len()).filter(|n| !matches!(log[*n].effect, Effect::Status(_))).collect();
        let pairs = matters.iter().flat_map(|first| [1, 4, 9, 16].map(|gap| (*first, first + gap)));
        pairs
            .map(|(first, second)| Variation { blows: vec![(first, Blow::Crash), (second, Blow::Crash)], ..Variation::none() })
            .collect()
    });
}
