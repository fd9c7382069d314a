//! From what is wanted to what is sent: limits, approvals, freshness.

use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;
use crate::core::limits::{self, Ledger};
use crate::engine::act::{self, Circumstances, Plan};

/// A world of `count` findings under a policy that suppresses them all and may change `most` of them in an hour.
fn limited(count: u32, most: u32) -> World {
    let mut p = policy("p");
    p.spec.limits = Some(Limits { max_findings: most, max_percent: 100 });
    let mut world = World::with(vec![p], vec![]);
    for number in 1..=count {
        world.add(number, &format!("r{number}"));
    }
    world.decide();
    world
}

/// What the loop keeps.
#[derive(Default)]
struct Books {
    ledger: Ledger,
    reserved: BTreeMap<String, u64>,
    writing: BTreeSet<RowId>,
    looking: BTreeSet<RowId>,
}

impl Books {
    fn plan(&self, world: &World) -> Plan {
        let at = Circumstances {
            now: world.now,
            ledger: &self.ledger,
            reserved: &self.reserved,
            elsewhere: &|_| false,
            blocked: &|row| self.writing.contains(&row),
            looking: &|row| self.looking.contains(&row),
            arrived: &|_| None,
            freshness: Duration::from_mins(5),
            calls: (0..=u8::MAX).map(|place| (Place(place), usize::MAX)).collect(),
            idle: true,
        };
        act::plan(&world.evaluator, &world.inventory, &at)
    }

    fn send(&mut self, batch: &act::Batch) {
        self.writing.extend(&batch.rows);
        for (owner, paid) in &batch.paid {
            *self.reserved.entry(owner.clone()).or_default() += paid;
            *self.reserved.entry(String::new()).or_default() += paid;
        }
    }

    fn written(&mut self, world: &mut World, batch: &act::Batch) {
        for row in &batch.rows {
            self.writing.remove(row);
            let wanted = world.evaluator.wanted()[row].clone();
            world.apply(*row, &wanted);
        }
        for (owner, paid) in &batch.paid {
            self.ledger.note(owner, world.now, *paid);
            for account in [owner.as_str(), ""] {
                *self.reserved.get_mut(account).unwrap() -= paid;
            }
        }
    }
}

fn sent(plan: &Plan) -> usize {
    plan.batches.iter().map(|batch| batch.rows.len()).sum()
}

#[test]
fn a_batch_within_its_limit_shares_calls_of_a_hundred() {
    let world = limited(250, 250);
    let plan = Books::default().plan(&world);
    assert_eq!(plan.batches.iter().map(|batch| batch.rows.len()).collect::<Vec<_>>(), [100, 100, 50]);
    assert!(plan.held.is_empty() && plan.stale.is_empty());
}

#[test]
fn a_batch_over_its_limit_is_held_whole_until_its_digest_is_approved() {
    let mut world = limited(11, 10);
    let mut books = Books::default();
    let plan = books.plan(&world);
    assert_eq!((sent(&plan), plan.held.len()), (0, 1));
    let hold = plan.held[0].hold.clone();
    assert_eq!((hold.action, hold.wanted, hold.ceiling), ("suppress", 11, 20));
    let owner = world.objects.policies[0].meta.object.clone();
    let mut yes = approval("alice", owner, &hold.digest);
    yes.spec.max_findings = Some(20);
    for change in 0..5 {
        let mut wrong = yes.clone();
        match change {
            0 => wrong.spec.max_findings = Some(19),
            1 => wrong.meta.object = ObjectRef::namespaced(Kind::Approval, "team", "alice"),
            2 => wrong.spec.expires_at = Some(world.now),
            3 => wrong.spec.subject = ObjectRef::cluster(Kind::ControlPolicy, "q"),
            _ => wrong.spec.decision = ApprovalDecision::Deny,
        }
        world.declare(|objects| objects.approvals = vec![wrong]);
        world.decide();
        assert_eq!(sent(&books.plan(&world)), 0, "change {change}");
    }
    world.declare(|objects| objects.approvals = vec![yes]);
    world.decide();
    let plan = books.plan(&world);
    assert_eq!((sent(&plan), plan.held.len()), (11, 0));
    // Up to its ceiling within the hour, and not once for every batch.
    for batch in &plan.batches {
        books.send(batch);
        books.written(&mut world, batch);
    }
    for number in 100..110 {
        world.add(number, &format!("r{number}"));
    }
    world.decide();
    assert_eq!(sent(&books.plan(&world)), 0);
    world.hub.remove(&109);
    world.decide();
    assert_eq!(sent(&books.plan(&world)), 9);
}

#[test]
fn a_changed_spec_voids_the_approval() {
    let mut world = limited(11, 10);
    let digest = Books::default().plan(&world).held[0].hold.digest.clone();
    let mut yes = approval("alice", world.objects.policies[0].meta.object.clone(), &digest);
    yes.spec.max_findings = Some(20);
    world.declare(|objects| {
        objects.approvals = vec![yes];
        objects.policies[0].meta.digest = "sha256:1".into();
    });
    world.decide();
    assert_eq!(sent(&Books::default().plan(&world)), 0);
}

#[test]
fn the_rest_of_an_admitted_batch_follows_while_parts_are_in_flight_and_after_they_are_written() {
    let mut world = limited(250, 250);
    let mut books = Books::default();
    let first = books.plan(&world).batches[0].clone();
    books.send(&first);
    let rest = books.plan(&world);
    assert_eq!((sent(&rest), rest.held.len()), (150, 0));
    books.written(&mut world, &first);
    world.decide();
    let rest = books.plan(&world);
    assert_eq!((sent(&rest), rest.held.len()), (150, 0));
}

#[test]
fn rows_that_are_read_again_belong_to_the_batch() {
    let world = limited(12, 10);
    let books = Books { looking: world.inventory.rows().take(5).collect(), ..Books::default() };
    let plan = books.plan(&world);
    assert_eq!((sent(&plan), plan.held[0].hold.wanted), (0, 12), "seven would fit, twelve are wanted");
    let plan = books.plan(&limited(10, 10));
    assert!(plan.held.is_empty() && plan.waits_since.is_some(), "within the limit, and those at hand wait for the others' page");
}

#[test]
fn what_was_seen_too_long_ago_is_read_again_and_not_sent() {
    let mut world = limited(3, 10);
    world.pass(SignedDuration::from_mins(6));
    let plan = Books::default().plan(&world);
    assert_eq!((sent(&plan), plan.stale.len()), (0, 3));
    let reads = act::look_ups(&world.inventory, &plan.stale);
    assert_eq!(reads.len(), 1);
}

#[test]
fn a_known_problem_under_a_new_id_costs_nothing_and_expiry_is_exempt() {
    let mut world = limited(1, 1);
    let mut books = Books::default();
    let batch = books.plan(&world).batches[0].clone();
    books.send(&batch);
    books.written(&mut world, &batch);
    world.add(2, "r1");
    world.add(3, "other");
    world.decide();
    let plan = books.plan(&world);
    assert_eq!((sent(&plan), plan.held[0].hold.wanted), (1, 1));
    let mut world = World::with(vec![], vec![accept("cdn")]);
    for number in 1..=9 {
        world.add(number, &format!("r{number}"));
    }
    world.settle();
    world.declare(|objects| {
        objects.hubs[0].spec.limits.max_findings = 1;
        objects.hubs[0].spec.suspend = true;
    });
    world.pass(SignedDuration::from_hours(24 * 30));
    world.decide();
    assert_eq!(sent(&Books::default().plan(&world)), 9);
    // Deleting it is not.
    let mut world = World::with(vec![], vec![accept("cdn")]);
    world.add(1, "a");
    world.add(2, "b");
    world.settle();
    world.declare(|objects| {
        objects.exceptions.clear();
        objects.hubs[0].spec.limits.max_findings = 1;
    });
    world.decide();
    assert_eq!(sent(&Books::default().plan(&world)), 0);
}

#[test]
fn a_suspended_hub_writes_nothing() {
    let mut world = limited(3, 10);
    world.declare(|objects| objects.hubs[0].spec.suspend = true);
    world.decide();
    let plan = Books::default().plan(&world);
    assert_eq!((sent(&plan), plan.held.len()), (0, 0));
}

#[test]
fn a_foreign_note_and_foreign_fields_are_left_and_sent_along() {
    let mut world = World::with(vec![policy("p")], vec![]);
    world.add(1, "a").fields = serde_json::from_value(json!({"team": "pay"})).unwrap();
    world.decide();
    let plan = Books::default().plan(&world);
    let patch = &plan.batches[0].patch;
    assert_eq!((patch.user_defined_fields["team"].as_str(), patch.user_defined_fields.len()), ("pay", 3));
    assert!(patch.note.is_some());
    let mut finding = world.hub[&1].json();
    finding["Note"] = json!({"Text": "mine", "UpdatedBy": "alice", "UpdatedAt": world.now});
    finding["ProcessedAt"] = json!(world.now);
    let body = json!({"Findings": [finding]}).to_string();
    ingest::page(&mut world.inventory, body.as_bytes(), Place(0), world.now, None, &|_| true).unwrap();
    world.evaluator.touch_all();
    world.evaluator.round(&world.inventory, world.now);
    assert_eq!(Books::default().plan(&world).batches[0].patch.note, None);
}

proptest! {
    #![proptest_config(Config { cases: 100, failure_persistence: None, ..Config::default() })]

    /// I9: whatever comes when, and however the calls overlap, no rolling hour has more changes than allowed.
    #[test]
    fn never_more_than_allowed_in_a_rolling_hour(
        own in 1..12u32,
        of_hub in 1..20u32,
        steps in prop::collection::vec((0..9u32, 0..40i64, any::<bool>(), 0..3usize), 1..25),
    ) {
        let mut world = limited(0, own);
        world.declare(|objects| {
            objects.hubs[0].spec.limits.max_findings = of_hub;
            let mut other = policy("q");
            other.spec.priority = 1;
            other.spec.scope = matching(json!({"accounts": [OTHER]}));
            objects.policies.push(other);
        });
        let mut books = Books::default();
        let mut flying: Vec<act::Batch> = Vec::new();
        let mut changed: Vec<(Timestamp, String)> = Vec::new();
        for (count, minutes, land, account) in steps {
            for _ in 0..count {
                let number = u32::try_from(world.hub.len()).unwrap() + 1;
                let finding = world.add(number, &format!("r{number}"));
                finding.account = if account == 0 { OTHER } else { ACCOUNT };
            }
            world.pass(SignedDuration::from_mins(minutes));
            if land {
                for batch in flying.drain(..) {
                    let owners = batch.paid.iter().flat_map(|(owner, paid)| (0..*paid).map(|_| owner.clone()));
                    changed.extend(owners.map(|owner| (world.now, owner)));
                    books.written(&mut world, &batch);
                }
            }
            if flying.is_empty() {
                world.decide();
            }
            let plan = books.plan(&world);
            for batch in plan.batches {
                books.send(&batch);
                flying.push(batch);
            }
            for (end, _) in &changed {
                let hour = |at: &Timestamp| at <= end && *at > *end - SignedDuration::from_hours(1);
                prop_assert!(changed.iter().filter(|(at, _)| hour(at)).count() <= of_hub as usize);
                let of_own = changed.iter().filter(|(at, owner)| hour(at) && owner == POLICY).count();
                prop_assert!(of_own <= own as usize, "{of_own} of {own}");
            }
        }
        prop_assert!(limits::ceiling(u64::from(own)) >= u64::from(own));
    }
}
