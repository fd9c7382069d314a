//! What AWS leaves unsaid: readings in which every switch stands both ways, and every two of them together in all four ways.

use std::time::Duration;

use hubkeeper::core::filter::MissingField;
use hubkeeper::local::Local;
use hubkeeper::local::buckets::Sharing;
use hubkeeper::local::faults::ThrottleCode;
use hubkeeper::local::hub::topology::view::OldFindings;
use hubkeeper::local::hub::{BadValue, EventAccount, Resets, RulesSee, SuppressedOnPassed, Switches, UserFields};
use hubkeeper::local::options::Builder;

use super::Sim;

/// A row is a reading, a column a switch, in the order of [`Reading::of`]; `x`: not the default.
///
/// Every column has four of the last six rows, and each another four. So two of them share a row, each has one that the other
/// has not, and the first row has neither. There are fifteen columns of that kind.
const READINGS: [&str; 7] = [
    "...........", //
    ".xx.xx.xx.x",
    ".xxx.xx.xxx",
    "x.x.xxxx.x.",
    "x.xxx..xxxx",
    "xx.x.xxx..x",
    "xx.xx.x.xx.",
];
const SWITCHES: usize = READINGS[0].len();

/// One reading of everything that AWS leaves unsaid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Reading {
    switches: Switches,
    sharing: Sharing,
    throttle: ThrottleCode,
}

impl Reading {
    fn all() -> impl Iterator<Item = Self> {
        READINGS.iter().map(|row| Self::of(std::array::from_fn(|column| row.as_bytes()[column] == b'x')))
    }

    /// `true`: not the default.
    fn of(other: [bool; SWITCHES]) -> Self {
        let [user_fields, on_passed, missing_field, bad_value, deletion, rules_see, old_findings, shared, modelled, rest @ ..] =
            other;
        let [of_controls, findings_account] = rest;
        Self {
            switches: Switches {
                user_fields: if user_fields { UserFields::Merge } else { UserFields::Replace },
                suppressed_on_passed: if on_passed { SuppressedOnPassed::Resolved } else { SuppressedOnPassed::Stays },
                missing_field: if missing_field { MissingField::Match } else { MissingField::NoMatch },
                bad_value: if bad_value { BadValue::PerFinding } else { BadValue::WholeRequest },
                deletion_resets_notified: deletion,
                rules_see: if rules_see { RulesSee::Current } else { RulesSee::Original },
                old_findings: if old_findings { OldFindings::Replicated } else { OldFindings::OnceUpdated },
                resets: if of_controls { Resets::OfControls } else { Resets::All },
                event_account: if findings_account { EventAccount::Finding } else { EventAccount::Bus },
            },
            sharing: if shared { Sharing::Others } else { Sharing::Each },
            throttle: if modelled { ThrottleCode::LimitExceeded } else { ThrottleCode::TooManyRequests },
        }
    }

    fn set(self, hub: Builder) -> Builder {
        hub.switches(self.switches).sharing(self.sharing).throttle(self.throttle)
    }
}

/// Plays a scenario under both settings of every switch, and every two of them in all four ways: for what may depend on what is
/// unsaid. The hub has the service's quota, and others have used it up whenever the loop starts.
pub async fn everywhere(scenario: impl AsyncFn(Sim)) {
    everywhere_with(|hub| hub, scenario).await;
}

/// The same on a hub that is built in another way.
pub async fn everywhere_with(build: impl Fn(Builder) -> Builder, scenario: impl AsyncFn(Sim)) {
    play(Reading::all(), build, scenario).await;
}

/// Plays a scenario twice, with every switch at its default and with every switch at its other setting: for what should not
/// depend on what is unsaid, where seven plays would take their time for little.
pub async fn both_ways(scenario: impl AsyncFn(Sim)) {
    both_ways_with(|hub| hub, scenario).await;
}

/// The same on a hub that is built in another way.
pub async fn both_ways_with(build: impl Fn(Builder) -> Builder, scenario: impl AsyncFn(Sim)) {
    play([false, true].map(|other| Reading::of([other; SWITCHES])), build, scenario).await;
}

async fn play(readings: impl IntoIterator<Item = Reading>, build: impl Fn(Builder) -> Builder, scenario: impl AsyncFn(Sim)) {
    for reading in readings {
        let told = TellOnPanic(reading);
        let mut sim = Sim::with(reading.set(build(Local::builder().buckets(true))));
        sim.crowded = true;
        scenario(sim).await;
        drop(told);
    }
}

/// What the loop calls, and for how many seconds others leave it none.
const CROWD: [(&str, u64); 5] =
    [("DescribeHub", 1), ("ListTagsForResource", 2), ("TagResource", 3), ("GetFindings", 4), ("BatchUpdateFindings", 7)];

/// Others in the administrator's account use its quota up.
pub(super) fn crowd(local: &Local) {
    for (operation, seconds) in CROWD {
        for region in local.organization().regions() {
            local.use_up(local.administrator(), region, operation, Duration::from_secs(seconds));
        }
    }
}

/// Says under which reading a scenario failed.
struct TellOnPanic(Reading);

impl Drop for TellOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("under {:?}", self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hubkeeper::local::options::LocalOptions;

    use super::super::{START, at};
    use super::*;

    /// Which switches are not as by default, in the order of [`Reading::of`]. A switch that is new, and a third setting of one,
    /// does not compile here until it has its column.
    fn settings(reading: Reading) -> [bool; SWITCHES] {
        let Reading { switches, sharing, throttle } = reading;
        let Switches {
            user_fields,
            suppressed_on_passed,
            missing_field,
            bad_value,
            deletion_resets_notified,
            rules_see,
            old_findings,
            resets,
            event_account,
        } = switches;
        [
            match user_fields {
                UserFields::Replace => false,
                UserFields::Merge => true,
            },
            match suppressed_on_passed {
                SuppressedOnPassed::Stays => false,
                SuppressedOnPassed::Resolved => true,
            },
            match missing_field {
                MissingField::NoMatch => false,
                MissingField::Match => true,
            },
            match bad_value {
                BadValue::WholeRequest => false,
                BadValue::PerFinding => true,
            },
            deletion_resets_notified,
            match rules_see {
                RulesSee::Original => false,
                RulesSee::Current => true,
            },
            match old_findings {
                OldFindings::OnceUpdated => false,
                OldFindings::Replicated => true,
            },
            match sharing {
                Sharing::Each => false,
                Sharing::Others => true,
            },
            match throttle {
                ThrottleCode::TooManyRequests => false,
                ThrottleCode::LimitExceeded => true,
            },
            match resets {
                Resets::All => false,
                Resets::OfControls => true,
            },
            match event_account {
                EventAccount::Bus => false,
                EventAccount::Finding => true,
            },
        ]
    }

    /// What a hub can be told at all, and which of it are switches: an option that is new has to be called one or the other here.
    fn switches_of(options: &LocalOptions) -> Reading {
        let LocalOptions {
            switches,
            sharing,
            throttle,
            // What is made, how fast time goes, and what goes wrong: said by whoever asks for it, and not left unsaid by AWS.
            findings: _,
            accounts: _,
            regions: _,
            first_region: _,
            bare: _,
            management: _,
            seed: _,
            start: _,
            speed: _,
            keep_speed: _,
            lifetimes: _,
            pace: _,
            checks: _,
            buckets: _,
            faults: _,
            principals: _,
            external_ids: _,
            queue: _,
            max_receives: _,
            record_calls: _,
        } = options;
        Reading { switches: *switches, sharing: *sharing, throttle: *throttle }
    }

    #[test]
    fn every_switch_is_played_both_ways_and_every_two_of_them_in_all_four() {
        let rows: Vec<[bool; SWITCHES]> = Reading::all().map(settings).collect();
        assert_eq!(rows[0], [false; SWITCHES]);
        assert_eq!(Reading::all().next(), Some(switches_of(&LocalOptions::new(at(START)))), "the first is the default");
        for one in 0..SWITCHES {
            for other in 0..one {
                let together: BTreeSet<_> = rows.iter().map(|row| (row[one], row[other])).collect();
                assert_eq!(together.len(), 4, "columns {other} and {one}");
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_scenario_is_played_under_these_readings_with_a_quota_that_others_use_up() {
        let played = std::sync::Mutex::new(Vec::new());
        everywhere(async |mut sim| {
            let (buckets, sharing, throttle) = sim.local.throttling();
            assert!(buckets);
            played.lock().unwrap().push(Reading { switches: sim.local.switches(), sharing, throttle });
            sim.declare(&super::super::hub());
            sim.start();
            sim.settle().await;
            let code = match throttle {
                ThrottleCode::TooManyRequests => "TooManyRequestsException",
                ThrottleCode::LimitExceeded => "LimitExceededException",
            };
            let calls = sim.local.calls();
            let mut throttled = calls.iter().filter(|call| call.throttled).peekable();
            assert_eq!(throttled.peek().map(|call| call.operation), Some("DescribeHub"), "the first that it calls");
            assert!(throttled.all(|call| call.error == Some(code)));
        })
        .await;
        assert_eq!(played.into_inner().unwrap(), Reading::all().collect::<Vec<_>>());
    }
}
