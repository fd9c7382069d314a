//! Random histories against a list of plain structs: what is known, and every index, is a recount of the list.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::core::filter::Field;

const OWNERS: [&str; 3] = ["ControlPolicy/fsbp-prod", "FindingException/team-pay/cdn", "inherited"];
const FINDINGS: u32 = 5;
const LAG_MINUTES: i64 = 30;

/// No marker, a held or released one, or something that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    None,
    Held(usize, i64),
    Released(usize, i64),
    Broken,
}

impl Mark {
    fn marker(self) -> Option<Arc<Marker>> {
        match self {
            Self::Held(owner, at) => Some(marker(OWNERS[owner], at)),
            Self::Released(owner, at) => Some(Arc::new(Marker { hold: Hold::Released, ..(*marker(OWNERS[owner], at)).clone() })),
            Self::None | Self::Broken => None,
        }
    }

    fn put(self, finding: Finding) -> Finding {
        match self {
            Self::Broken => {
                let mut finding = finding;
                finding.fields.push((OWNER_KEY.to_owned(), "somebody".to_owned()));
                finding
            }
            _ => match self.marker() {
                Some(marker) => finding.marked(&marker),
                None => finding,
            },
        }
    }
}

type Written = (WorkflowStatus, Mark);

#[derive(Debug, Clone)]
struct Wait {
    expected: Written,
    before: Vec<Written>,
    sent: i64,
    settled: bool,
}

#[derive(Debug, Clone)]
struct Known {
    finding: Finding,
    mark: Mark,
    version: i64,
    seen: i64,
    /// Projected while rules named the tags.
    tags: bool,
    lacking: bool,
    wait: Option<Wait>,
    basis: Option<Basis>,
    missed: Option<i64>,
}

/// What the last write was decided on.
#[derive(Debug, Clone)]
struct Basis {
    version: i64,
    written: Written,
    check: (ComplianceStatus, RecordState),
    sent: i64,
}

impl Known {
    fn written(&self) -> Written {
        (self.finding.workflow, self.mark)
    }

    /// Whether somebody else made this of what the last write was decided on.
    fn raced(&self, finding: &Finding, mark: Mark, now: i64) -> bool {
        let ours = self.wait.as_ref().map_or(self.mark, |wait| wait.expected.1);
        self.basis.as_ref().is_some_and(|basis| {
            now - basis.sent < LAG_MINUTES
                && ours != basis.written.1
                && mark == basis.written.1
                && finding.workflow != basis.written.0
                && finding.version > basis.version
                && (finding.compliance, finding.record_state) == basis.check
        })
    }

    /// The plain rules: what it changed, and whether it shows what our write replaced.
    fn observe(&mut self, finding: &Finding, mark: Mark, source: Source, now: i64, tags: bool) -> (&'static str, bool) {
        let raced = self.raced(finding, mark, now);
        let (before, version) = (self.written(), self.version);
        let word = self.take_over(finding, mark, source, now, tags, raced);
        let kept = before == self.written() && version < self.version;
        (word, raced && (word == "stale" || (word == "changed" && kept && (finding.workflow, mark) != before)))
    }

    fn take_over(&mut self, finding: &Finding, mark: Mark, source: Source, now: i64, tags: bool, raced: bool) -> &'static str {
        let seen: Written = (finding.workflow, mark);
        let confirms = self.wait.as_ref().is_some_and(|wait| wait.expected == seen);
        if source == Source::Read {
            self.missed = None;
        }
        let old = finding.version < self.version;
        if old && confirms {
            if let Some(wait) = self.wait.take()
                && !wait.settled
            {
                (self.finding.workflow, self.mark) = wait.expected;
            }
            return "confirmed";
        }
        if old && !(source == Source::Read && now - self.seen >= LAG_MINUTES) {
            return "stale";
        }
        let waiting = self.wait.as_ref().filter(|wait| now - wait.sent < LAG_MINUTES);
        if waiting.is_none() && !confirms && raced && finding.version == self.version {
            return "stale";
        }
        let lagging = !confirms && waiting.is_some_and(|wait| raced || wait.before.contains(&seen));
        let keep = lagging && finding.version > self.version;
        if lagging && !keep {
            return "stale";
        }
        let overwritten = !confirms && !keep && waiting.is_some();
        let (workflow, kept) = if keep { self.written() } else { seen };
        let rechecked = (finding.compliance, finding.record_state) != (self.finding.compliance, self.finding.record_state);
        let content = rechecked
            || (workflow, kept) != self.written()
            || (&finding.resource, &finding.account) != (&self.finding.resource, &self.finding.account);
        let differs = content || self.lacking;
        if content && !confirms && !keep && source == Source::Event && finding.version == self.version {
            return "doubtful";
        }
        self.finding = finding.clone().workflow(workflow);
        self.mark = kept;
        self.version = finding.version;
        self.tags = tags;
        self.lacking = false;
        self.missed = None;
        if !keep {
            self.seen = self.seen.max(now);
        }
        match () {
            () if confirms => {
                self.wait = None;
                "confirmed"
            }
            () if keep && differs => "changed",
            () if keep => "stale",
            () if differs => {
                self.wait = None;
                if overwritten && !rechecked { "overwritten" } else { "changed" }
            }
            () => "same",
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Observe {
        number: u32,
        workflow: usize,
        compliance: usize,
        mark: Mark,
        version: i64,
        event: bool,
        resource: u8,
        archived: bool,
    },
    Expect {
        number: u32,
        workflow: usize,
        mark: Mark,
    },
    /// The hub shows the expected state.
    Echo {
        number: u32,
        newer: bool,
        event: bool,
    },
    Settle(u32),
    Withdraw(u32),
    Sweep,
    Remove(u32),
    Paths(bool),
    Expire,
    Pass(i64),
}

fn mark() -> impl Strategy<Value = Mark> {
    prop_oneof![
        3 => Just(Mark::None),
        3 => (0..OWNERS.len(), 0_i64..2).prop_map(|(owner, at)| Mark::Held(owner, at)),
        1 => (0..OWNERS.len(), 0_i64..2).prop_map(|(owner, at)| Mark::Released(owner, at)),
        1 => Just(Mark::Broken),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..FINDINGS;
    prop_oneof![
        8 => (number.clone(), 0_usize..3, 0_usize..2, mark(), 0_i64..6, any::<bool>(), 0_u8..3, prop::bool::weighted(0.1)).prop_map(
            |(number, workflow, compliance, mark, version, event, resource, archived)| {
                Step::Observe { number, workflow, compliance, mark, version, event, resource, archived }
            }
        ),
        3 => (number.clone(), 0_usize..3, mark()).prop_map(|(number, workflow, mark)| Step::Expect { number, workflow, mark }),
        3 => (number.clone(), any::<bool>(), any::<bool>()).prop_map(|(number, newer, event)| Step::Echo { number, newer, event }),
        3 => number.clone().prop_map(Step::Settle),
        1 => number.clone().prop_map(Step::Withdraw),
        2 => Just(Step::Sweep),
        1 => number.prop_map(Step::Remove),
        1 => any::<bool>().prop_map(Step::Paths),
        1 => Just(Step::Expire),
        4 => (0_i64..20).prop_map(Step::Pass),
    ]
}

const WORKFLOWS: [WorkflowStatus; 3] = [WorkflowStatus::New, WorkflowStatus::Notified, WorkflowStatus::Suppressed];
const COMPLIANCES: [ComplianceStatus; 2] = [ComplianceStatus::Failed, ComplianceStatus::Passed];

struct World {
    inventory: Inventory,
    known: BTreeMap<u32, Known>,
    rows: BTreeMap<u32, RowId>,
    now: i64,
    tags: bool,
}

impl World {
    fn see(&mut self, finding: &Finding, mark: Mark, event: bool) {
        let source = if event { Source::Event } else { Source::Read };
        let seen = Seen { at: minute(self.now), source, place: HOME };
        let observed = see(&mut self.inventory, &mark.put(finding.clone()), seen);
        let word = match observed.change {
            Change::New => "new",
            Change::Changed { overwritten: true, .. } => "overwritten",
            Change::Changed { .. } => "changed",
            Change::Confirmed { .. } => "confirmed",
            Change::Same => "same",
            Change::Stale => "stale",
            Change::Doubtful => "doubtful",
        };
        let tags = self.tags;
        let expected = if let Some(known) = self.known.get_mut(&finding.number) {
            known.observe(finding, mark, source, self.now, tags)
        } else {
            let (finding, version, seen) = (finding.clone(), finding.version, self.now);
            self.rows.insert(finding.number, observed.row);
            let known = Known { mark, version, seen, tags, lacking: false, wait: None, basis: None, missed: None, finding };
            self.known.insert(known.finding.number, known);
            ("new", false)
        };
        assert_eq!((word, observed.raced), expected);
        assert_eq!(self.rows[&finding.number], observed.row);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Observe { number, workflow, compliance, mark, version, event, resource, archived } => {
                let mut finding =
                    Finding::new(number).version(100 + version).workflow(WORKFLOWS[workflow]).compliance(COMPLIANCES[compliance]);
                // Two accounts, and problems that several findings share.
                finding.account = if number % 2 == 0 { "111122223333" } else { "444455556666" }.to_owned();
                finding.resource = format!("arn:aws:s3:::{resource}");
                if number % 3 == 0 {
                    finding.tags = json!({"env": "prod"});
                }
                if archived {
                    finding.record_state = RecordState::Archived;
                }
                self.see(&finding, mark, event);
            }
            Step::Echo { number, newer, event } => {
                let Some(known) = self.known.get(&number) else { return };
                let Some(wait) = &known.wait else { return };
                let (workflow, mark) = wait.expected;
                let finding = known.finding.clone().workflow(workflow).version(known.version + i64::from(newer));
                self.see(&finding, mark, event);
            }
            Step::Expect { number, workflow, mark } => {
                let (Some(known), Some(&row)) = (self.known.get_mut(&number), self.rows.get(&number)) else { return };
                let mark = if mark == Mark::Broken { Mark::None } else { mark };
                let expected = (WORKFLOWS[workflow], mark);
                let now = known.written();
                let mut before = known.wait.take().map(|wait| wait.before).unwrap_or_default();
                if !before.contains(&now) {
                    before.push(now);
                }
                if before.len() > crate::inventory::pending::REMEMBERED {
                    before.remove(0);
                }
                before.retain(|state| *state != expected);
                let check = (known.finding.compliance, known.finding.record_state);
                known.basis = Some(Basis { version: known.version, written: now, check, sent: self.now });
                known.wait = Some(Wait { expected, before, sent: self.now, settled: false });
                let sent_at = minute(self.now);
                self.inventory
                    .expect(row, Expected { workflow: WORKFLOWS[workflow], marker: mark.marker(), note: false, sent_at });
            }
            Step::Settle(number) => {
                let (Some(known), Some(&row)) = (self.known.get_mut(&number), self.rows.get(&number)) else { return };
                let fresh = known.wait.as_mut().filter(|wait| !wait.settled).map(|wait| {
                    wait.settled = true;
                    wait.expected
                });
                assert_eq!(self.inventory.settle(row).is_some(), fresh.is_some());
                if let Some(expected) = fresh {
                    (known.finding.workflow, known.mark) = expected;
                }
            }
            Step::Withdraw(number) => {
                let (Some(known), Some(&row)) = (self.known.get_mut(&number), self.rows.get(&number)) else { return };
                known.wait = known.wait.take().filter(|wait| wait.settled);
                self.inventory.withdraw(row);
            }
            Step::Sweep => {
                let removed = self.inventory.sweep(HOME, minute(self.now));
                let mut gone = BTreeSet::new();
                for (&number, known) in &mut self.known {
                    if known.seen < self.now {
                        match known.missed {
                            None => known.missed = Some(self.now),
                            Some(first) if first < self.now => {
                                gone.insert(number);
                            }
                            Some(_) => {}
                        }
                    }
                }
                let rows: BTreeSet<RowId> = gone.iter().map(|number| self.rows[number]).collect();
                assert_eq!(removed.iter().map(|removed| removed.row).collect::<BTreeSet<_>>(), rows);
                for number in gone {
                    self.known.remove(&number);
                    self.rows.remove(&number);
                }
            }
            Step::Remove(number) => {
                if let Some(row) = self.rows.remove(&number) {
                    self.known.remove(&number);
                    assert_eq!(self.inventory.remove(row).map(|removed| removed.row), Some(row));
                }
            }
            Step::Paths(tags) => {
                let fields: &[Field] = if tags { &[Field::RESOURCE_TAGS] } else { &[] };
                self.inventory.set_paths(fields);
                for known in self.known.values_mut() {
                    known.lacking = tags && !known.tags;
                }
                self.tags = tags;
            }
            Step::Expire => {
                let old: BTreeSet<u32> = self
                    .known
                    .iter()
                    .filter(|(_, known)| known.wait.as_ref().is_some_and(|wait| self.now - wait.sent >= LAG_MINUTES))
                    .map(|(&number, _)| number)
                    .collect();
                let rows: BTreeSet<RowId> = old.iter().map(|number| self.rows[number]).collect();
                assert_eq!(self.inventory.pending_expired(minute(self.now)).into_iter().collect::<BTreeSet<_>>(), rows);
                for number in old {
                    if let Some(known) = self.known.get_mut(&number) {
                        known.wait = None;
                    }
                }
            }
            Step::Pass(minutes) => self.now += minutes,
        }
    }

    /// Everything that can be asked, asked of the list.
    fn check(&self) {
        let inventory = &self.inventory;
        let rows: BTreeSet<RowId> = self.rows.values().copied().collect();
        assert_eq!(inventory.rows().collect::<Vec<_>>(), rows.iter().copied().collect::<Vec<_>>());
        assert_eq!((inventory.len(), self.known.len()), (rows.len(), rows.len()));
        let mut owners: BTreeMap<String, Vec<RowId>> = BTreeMap::new();
        let mut problems: BTreeMap<ProblemId, Vec<RowId>> = BTreeMap::new();
        let mut accounts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        let (mut broken, mut pending) = (Vec::new(), Vec::new());
        let mut ordered: Vec<(RowId, &Known)> = self.known.iter().map(|(number, known)| (self.rows[number], known)).collect();
        ordered.sort_by_key(|(row, _)| *row);
        for (row, known) in ordered {
            let view = inventory.get(row).unwrap();
            assert_eq!(view.key().id, known.finding.id());
            assert_eq!(inventory.find(&view.key()), Some(row));
            assert_eq!(
                (view.workflow(), view.compliance(), view.record_state(), view.version(), view.seen_at()),
                (
                    known.finding.workflow,
                    Some(known.finding.compliance),
                    known.finding.record_state,
                    minute(known.version),
                    minute(known.seen)
                )
            );
            assert_eq!(&*view.facts().resources[0].id, known.finding.resource);
            assert_eq!(view.marker().marker().cloned(), known.mark.marker());
            assert_eq!(inventory.pending(row).is_some(), known.wait.is_some());
            assert_eq!(!inventory.get(row).unwrap().missing().is_empty(), known.lacking);
            let held = match known.mark {
                Mark::Held(owner, _) => Some(owner),
                _ => None,
            };
            let count = accounts.entry(known.finding.account.clone()).or_default();
            *count = (count.0 + 1, count.1 + u64::from(held.is_some()));
            if let Some(owner) = held {
                owners.entry(OWNERS[owner].to_owned()).or_default().push(row);
            }
            if known.mark == Mark::Broken {
                broken.push(row);
            }
            if known.wait.is_some() {
                pending.push(row);
            }
            problems.entry(known.finding.problem()).or_default().push(row);
        }
        for owner in OWNERS {
            let rows: Vec<RowId> = inventory.by_owner(&owner.parse().unwrap()).collect();
            assert_eq!(rows, owners.get(owner).cloned().unwrap_or_default());
        }
        assert_eq!(
            inventory.holders.owners.iter().map(|(owner, rows)| (owner.to_string(), rows.len())).collect::<BTreeMap<_, _>>(),
            owners.iter().map(|(owner, rows)| (owner.clone(), rows.len())).collect()
        );
        for (problem, rows) in &problems {
            assert_eq!(inventory.by_problem(*problem), rows);
        }
        assert_eq!(inventory.problems(), problems.len());
        let counted = inventory.accounts().iter().map(|(account, count)| (account.to_string(), (count.findings, count.held)));
        assert_eq!(counted.collect::<BTreeMap<_, _>>(), accounts);
        assert_eq!(inventory.broken().collect::<Vec<_>>(), broken);
        assert_eq!(inventory.pending.rows().collect::<Vec<_>>(), pending);
        assert_eq!(inventory.count(HOME), rows.len());
        // Nothing shared is leaked or freed too early.
        let users = rows.len() as u64;
        let bases = &inventory.bases;
        assert_eq!([bases.origins.users(), bases.checks.users(), bases.subjects.users()], [users; 3]);
        let marked = self.known.values().filter(|known| known.mark != Mark::None).count();
        assert_eq!(inventory.markers.users(), marked as u64);
    }
}

proptest! {
    #[test]
    fn the_inventory_agrees_with_a_plain_list_after_every_step(steps in prop::collection::vec(step(), 1..80)) {
        let mut world =
            World { inventory: Inventory::new(LAG), known: BTreeMap::new(), rows: BTreeMap::new(), now: 200, tags: false };
        for step in steps {
            world.take(&step);
            world.check();
        }
        let rows: Vec<RowId> = world.inventory.rows().collect();
        for row in rows {
            world.inventory.remove(row);
        }
        prop_assert!(world.inventory.is_empty());
        prop_assert_eq!(world.inventory.bases.subjects.len() + world.inventory.problems(), 0);
    }
}
