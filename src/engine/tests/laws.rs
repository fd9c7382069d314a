//! Laws over random objects, findings and histories. `PROPTEST_CASES` makes them longer.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;
use crate::core::marker::Owner;
use crate::core::matcher::{Context, Defaults, Matcher};

const RESOURCES: [&str; 3] = ["a", "b", "c"];
const CONTROLS: [&str; 3] = ["S3.8", "EC2.13", "IAM.4"];
const ACCOUNTS: [&str; 2] = [ACCOUNT, OTHER];

/// What happens to the hub.
#[derive(Debug, Clone)]
enum Event {
    Add { account: usize, control: usize, resource: usize, compliance: ComplianceStatus, workflow: WorkflowStatus },
    Person(prop::sample::Index, WorkflowStatus),
    Check(prop::sample::Index, ComplianceStatus),
    Relapse(prop::sample::Index),
    Archive(prop::sample::Index),
    Declare(Box<Objects>),
    Restart,
    Hours(i64),
    Settle,
}

fn one_of<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(values)
}

fn any_match() -> impl Strategy<Value = Value> {
    let part = |key: &'static str, values: Vec<Value>| prop_oneof![2 => Just(None), 1 => prop::sample::subsequence(values, 1..=2).prop_map(move |v| Some((key, Value::from(v))))];
    (
        part("controls", CONTROLS.iter().map(|c| json!(c)).chain([json!("S3.*")]).collect()),
        part("accounts", ACCOUNTS.iter().map(|a| json!(a)).collect()),
        part("resources", RESOURCES.iter().map(|r| json!(format!("arn:aws:s3:::{r}"))).collect()),
        part("compliance", vec![json!("FAILED"), json!("WARNING"), json!("PASSED")]),
        prop_oneof![4 => Just(None), 1 => Just(Some(("accountSelector", json!({"matchLabels": {"env": "prod"}}))))],
    )
        .prop_map(|(a, b, c, d, e)| [a, b, c, d, e].into_iter().flatten().map(|(k, v)| (k.to_owned(), v)).collect())
}

fn any_policy(name: &'static str) -> impl Strategy<Value = Object<PolicySpec>> {
    let rules = prop::collection::vec((any_match(), prop::bool::weighted(0.8)), 1..3);
    (
        rules,
        any_match(),
        0..2i32,
        prop::bool::weighted(0.85),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
    )
        .prop_map(move |(rules, scope, priority, enforce, revert, suspend, retain)| {
            let mut p = policy(name);
            p.spec.rules = rules.into_iter().map(|(matches, suppress)| rule("r", matches, suppress)).collect();
            p.spec.scope = matching(scope);
            p.spec.priority = priority;
            p.spec.mode = if enforce { Mode::Enforce } else { Mode::Audit };
            p.spec.suspend = suspend;
            if revert {
                p.spec.manual_suppression = ManualSuppression::Revert;
            }
            if retain {
                p.spec.deletion_policy = DeletionPolicy::Retain;
            }
            p
        })
}

fn any_exception(name: &'static str) -> impl Strategy<Value = Object<ExceptionSpec>> {
    let target = (
        prop::sample::subsequence(CONTROLS.as_slice(), 1..=2),
        prop::sample::subsequence(ACCOUNTS.as_slice(), 1..=2),
        any_match(),
    );
    (target, 1..60i64, prop::bool::weighted(0.3), prop::bool::weighted(0.1)).prop_map(
        move |((controls, accounts, more), hours, adopt, suspend)| {
            let mut target = more;
            target["controls"] = json!(controls);
            target["accounts"] = json!(accounts);
            let mut x = exception(name, target);
            x.spec.expires_at = start() + SignedDuration::from_hours(hours);
            (x.spec.adopt, x.spec.suspend) = (adopt, suspend);
            x
        },
    )
}

fn any_objects() -> impl Strategy<Value = Objects> {
    let policies = (any_policy("p"), any_policy("q"), any_policy("r"), prop::sample::subsequence(vec![0, 1, 2], 0..=3));
    let exceptions = (any_exception("x"), any_exception("y"), prop::sample::subsequence(vec![0, 1], 0..=2));
    let grants = prop::collection::vec((any_match(), 0..6u32, prop::bool::weighted(0.2)), 0..3);
    (policies, exceptions, grants, any::<bool>(), any::<bool>()).prop_map(
        |((p, q, r, ps), (x, y, xs), grants, known, approved)| {
            let policies = [p, q, r];
            let exceptions = [x, y];
            let exceptions: Vec<_> = xs.into_iter().map(|n| exceptions[n].clone()).collect();
            let approvals = exceptions.iter().filter(|_| approved);
            let approvals = approvals.map(|x| approval(&x.meta.object.name, x.meta.object.clone(), &x.meta.digest)).collect();
            let exception_policies = grants.into_iter().enumerate().map(|(n, (grant, most, asks))| {
                let mut g = guardrail(&format!("g{n}"), json!([grant]));
                g.spec.max_findings = most;
                if asks {
                    g.spec.approvals = vec![ApprovalRule {
                        matches: matching(json!({"controls": ["S3.8"]})),
                        namespaces: vec!["sec".to_owned()],
                        count: 1,
                    }];
                }
                g
            });
            Objects {
                hubs: vec![hub()],
                accounts: if known { vec![account(ACCOUNT, json!({"env": "prod"}))] } else { vec![] },
                policies: ps.into_iter().map(|n| policies[n].clone()).collect(),
                exceptions,
                exception_policies: exception_policies.collect(),
                approvals,
            }
        },
    )
}

fn any_event() -> impl Strategy<Value = Event> {
    let status = || one_of(&[New, Notified, Resolved, Suppressed]);
    let compliance = || one_of(&[Failed, Failed, Passed, Warning, NotAvailable]);
    let which = any::<prop::sample::Index>;
    prop_oneof![
        6 => (0..2usize, 0..3usize, 0..3usize, compliance(), status())
            .prop_map(|(account, control, resource, compliance, workflow)| Event::Add { account, control, resource, compliance, workflow }),
        4 => (which(), status()).prop_map(|(n, status)| Event::Person(n, status)),
        3 => (which(), compliance()).prop_map(|(n, compliance)| Event::Check(n, compliance)),
        1 => which().prop_map(Event::Relapse),
        1 => which().prop_map(Event::Archive),
        2 => any_objects().prop_map(|objects| Event::Declare(Box::new(objects))),
        1 => Just(Event::Restart),
        1 => (1..30i64).prop_map(Event::Hours),
        5 => Just(Event::Settle),
    ]
}

fn history() -> impl Strategy<Value = (Objects, Vec<Event>)> {
    (any_objects(), prop::collection::vec(any_event(), 1..14))
}

fn pick(world: &World, index: prop::sample::Index) -> Option<u32> {
    let numbers: Vec<u32> = world.hub.keys().copied().collect();
    (!numbers.is_empty()).then(|| *index.get(&numbers))
}

/// Plays a history; `check` sees the world after every settling.
fn play((objects, events): (Objects, Vec<Event>), check: impl FnMut(&mut World)) -> World {
    let mut world = World::new();
    world.declare(|own| *own = objects);
    run(&mut world, events.into_iter().chain([Event::Settle]), check);
    world
}

fn run(world: &mut World, events: impl IntoIterator<Item = Event>, mut check: impl FnMut(&mut World)) {
    for event in events {
        match event {
            Event::Add { account, control, resource, compliance, workflow } => {
                let number = u32::try_from(world.hub.len()).unwrap() + 1;
                let finding = world.add(number, RESOURCES[resource]);
                (finding.account, finding.control) = (ACCOUNTS[account], CONTROLS[control]);
                (finding.compliance, finding.workflow) = (compliance, workflow);
                if workflow != New {
                    finding.history.push((finding.created, workflow));
                }
            }
            Event::Person(index, status) => {
                if let Some(number) = pick(world, index) {
                    world.person(number, status);
                }
            }
            Event::Check(index, compliance) => {
                if let Some(number) = pick(world, index) {
                    world.check(number, compliance);
                }
            }
            Event::Relapse(index) => {
                if let Some(number) = pick(world, index) {
                    world.relapse(number);
                }
            }
            Event::Archive(index) => {
                if let Some(number) = pick(world, index) {
                    world.tick();
                    let now = world.now;
                    let finding = world.hub.get_mut(&number).unwrap();
                    (finding.record, finding.version) = (RecordState::Archived, now);
                }
            }
            Event::Declare(objects) => world.declare(|own| *own = *objects),
            Event::Restart => world.restart(),
            Event::Hours(hours) => world.pass(SignedDuration::from_hours(hours)),
            Event::Settle => {
                world.settle();
                check(world);
            }
        }
    }
}

fn config(cases: u32) -> Config {
    // The environment's PROPTEST_CASES, if it asks for more.
    let asked = Config::default().cases;
    Config { cases: if asked == 256 { cases } else { asked }, failure_persistence: None, ..Config::default() }
}

proptest! {
    #![proptest_config(config(300))]

    /// I6: `settle` ends only when nothing is wanted; then nothing is, also after a restart.
    #[test]
    fn deciding_settles_and_then_wants_nothing(history in history()) {
        let mut world = play(history, |world| assert_eq!(world.settle(), 0));
        world.restart();
        world.settle();
        prop_assert_eq!(world.settle(), 0);
    }

    /// I12: what an exception holds anew is granted, finding by finding, by one guardrail that is satisfied.
    #[test]
    fn exceptions_suppress_only_inside_a_grant(history in history()) {
        play(history, |world| {
            let set = Arc::clone(world.evaluator.set());
            let context = Context::new(&world.objects.accounts, &[]);
            for (number, finding) in &world.hub {
                let Some(marker) = finding.marker().filter(|_| finding.is_held() && finding.record == RecordState::Active) else { continue };
                let Owner::Object(object) = &marker.owner else { continue };
                let Some(x) = set.exceptions.iter().position(|x| x.meta.object == *object) else { continue };
                if set.exceptions[x].spec.suspend {
                    continue;
                }
                let view = world.inventory.get(world.row(*number)).unwrap();
                // By the grants as written; a passing finding as if it were failing.
                let granted = world.objects.exception_policies.iter().flat_map(|g| &g.spec.grants).any(|grant| {
                    let matcher = Matcher::compile_pair(&MatchSpec::default(), grant, Defaults::Grant, &context).unwrap();
                    [Some(Failed), Some(Warning), Some(NotAvailable), Some(finding.compliance)].into_iter().any(|compliance| {
                        matcher.matches(&crate::core::facts::Facts { compliance, ..view.facts() }, world.now)
                    })
                });
                assert!(granted, "finding {number} is held by {object} and granted by nobody");
            }
        });
    }

    /// I4: what a person suppressed under `Respect` stays suppressed, unless an exception adopted it.
    #[test]
    fn a_persons_suppression_is_never_removed_under_respect((mut objects, mut events) in history()) {
        let respect = |objects: &mut Objects| {
            objects.policies.iter_mut().for_each(|p| p.spec.manual_suppression = ManualSuppression::Respect);
            objects.exceptions.iter_mut().for_each(|x| x.spec.adopt = false);
        };
        respect(&mut objects);
        for event in &mut events {
            if let Event::Declare(objects) = event {
                respect(objects);
            }
        }
        let mut world = World::new();
        world.declare(|own| *own = objects);
        for event in events {
            run(&mut world, [event], |_| {});
            let theirs: Vec<u32> =
                world.hub.values().filter(|f| f.workflow == Suppressed && f.marker().is_none()).map(|f| f.number).collect();
            world.settle();
            for number in theirs {
                prop_assert_eq!(world.workflow(number), Suppressed);
                prop_assert!(world.hub[&number].marker().is_none());
            }
        }
    }

    /// I3, I9: while the source is incomplete, nothing is given back for a missing owner.
    #[test]
    fn an_incomplete_source_gives_nothing_back(history in history()) {
        let mut world = play(history, |_| {});
        let held: Vec<(u32, Marker)> =
            world.hub.values().filter(|f| f.is_held()).map(|f| (f.number, f.marker().unwrap())).collect();
        world.complete = false;
        world.declare(|objects| {
            objects.policies.clear();
            objects.exceptions.clear();
            objects.exception_policies.clear();
            objects.approvals.clear();
            objects.accounts.clear();
        });
        world.restart();
        world.settle();
        for (number, marker) in held.into_iter().filter(|(_, marker)| marker.owner != Owner::Inherited) {
            prop_assert_eq!(world.hub[&number].marker(), Some(marker));
        }
    }

    /// I3: after everything is deleted exactly what was held for objects is given back, or released where that was said.
    #[test]
    fn deleting_everything_gives_back_exactly_what_is_held(history in history()) {
        let mut world = play(history, |_| {});
        let before = world.hub.clone();
        world.declare(|objects| {
            objects.policies.clear();
            objects.exceptions.clear();
        });
        world.settle();
        for (number, was) in before {
            let is = &world.hub[&number];
            let marker = was.marker();
            let held = was.is_held() && was.record == RecordState::Active;
            match marker.filter(|marker| held && marker.owner != Owner::Inherited) {
                Some(marker) if marker.deletion == DeletionPolicy::Retain => {
                    prop_assert_eq!(is.workflow, Suppressed);
                    prop_assert!(!is.is_held());
                }
                Some(marker) => {
                    let prior = if marker.prior == Notified { Notified } else { New };
                    prop_assert_eq!(is.workflow, if was.compliance == Passed { Resolved } else { prior });
                }
                // An inherited answer may end with what is known of it, but nothing else moves.
                None if was.is_held() && was.record == RecordState::Active => {}
                None => prop_assert_eq!((is.workflow, &is.fields), (was.workflow, &was.fields)),
            }
        }
    }

    /// The order of objects, findings and siblings does not matter.
    #[test]
    fn order_does_not_matter(history in history()) {
        let mut world = play(history, |_| {});
        world.restart();
        world.decide();
        let wanted = |world: &World| -> BTreeMap<u32, String> {
            let wanted = world.evaluator.wanted().iter();
            wanted.map(|(row, w)| (world.number(*row), format!("{:?} {}", w.change, w.reason))).collect()
        };
        let first = wanted(&world);
        let reasons: Vec<&str> = world.hub.keys().map(|n| world.reason(*n)).collect();
        world.objects.policies.reverse();
        world.objects.exceptions.reverse();
        world.objects.accounts.reverse();
        world.restart();
        // Seen in another order, rows have other numbers.
        let findings: Vec<Value> = world.hub.values().rev().map(Fake::json).collect();
        let body = json!({"Findings": findings}).to_string();
        ingest::page(&mut world.inventory, body.as_bytes(), Place(0), world.now, None, &|_| true).unwrap();
        world.decide();
        prop_assert_eq!(first, wanted(&world));
        let again: Vec<&str> = world.hub.keys().map(|n| world.reason(*n)).collect();
        prop_assert_eq!(reasons, again);
    }
}
