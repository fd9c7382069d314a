//! Taking over a sighting: what is newer, what is ours, what somebody else did.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::base::Refs;
use super::key::{Parts, pack};
use super::pending::{Pending, Written};
use super::row::{Bits, Millis, NOWHERE, Row, Small};
use super::state::{Change, NoteKind, Observed, Seen, Source};
use super::store::{Inventory, RowId};
use super::values::values;
use crate::core::doc::Doc;
use crate::core::ids::{AccountId, IdError};
use crate::core::marker::MarkerState;
use crate::core::marker::{Marker, NOTE_AUTHOR, OWNER_KEY, STATE_KEY};
use crate::core::problem::ProblemId;

/// Why a finding could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// `AwsAccountId`.
    #[error("failed to read the finding's AwsAccountId: {0}")]
    Account(#[from] IdError),
    /// A value that a rule's filter names.
    #[error("failed to read the values that filters name: {0}")]
    Values(#[from] serde_json::Error),
    /// Row numbers have 32 bits.
    #[error("failed to keep the finding: the inventory is full")]
    Full,
}

/// What a sighting is worth, by its version and by what we wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Old, or the hub is lagging.
    Stale,
    /// Old, but it shows our write.
    ConfirmOnly,
    /// Shows our write.
    Confirm,
    /// Newer than the row, but without our write: take over everything else.
    KeepOurs,
    /// Take it over; whether somebody else's write replaced ours.
    Take { overwritten: bool },
}

/// What the document says, before it is compared.
struct Incoming {
    account: AccountId,
    small: Small,
    written: Written,
    version: i64,
}

impl Inventory {
    /// Takes over a sighting. `raw` is the finding's JSON, from which `doc` was parsed.
    pub fn observe(&mut self, doc: &Doc<'_>, raw: &str, seen: Seen) -> Result<Observed, ObserveError> {
        let incoming = Incoming::of(doc)?;
        let parts = Parts::of(&doc.id);
        let Some(row) = self.find_parts(&doc.product_arn, parts) else {
            return self.insert(doc, raw, &incoming, seen).map(|row| Observed { row, change: Change::New, raced: false });
        };
        let raced = self.row(row).is_some_and(|known| self.raced(row, known, &incoming, seen));
        let (change, raced) = self.revise(row, doc, raw, incoming, seen, raced)?;
        if raced {
            self.pending.raced(row);
        }
        Ok(Observed { row, change, raced })
    }

    fn insert(&mut self, doc: &Doc<'_>, raw: &str, incoming: &Incoming, seen: Seen) -> Result<RowId, ObserveError> {
        let Written { workflow, marker } = &incoming.written;
        let values = values(raw, self.paths.current(), marker, incoming.small.note, *workflow)?;
        let parts = Parts::of(&doc.id);
        if !self.has_room() {
            return Err(ObserveError::Full);
        }
        let Refs { origin, check, subject } = self.bases.acquire(doc, incoming.account, parts, &values);
        let (form, tail) = self.tails.keep(parts.tail);
        let foreign = foreign_fields(doc);
        let mut small = incoming.small;
        small.form = form;
        small.foreign = foreign.is_some();
        small.refreshed = refreshed(doc, marker);
        let mut row = Row {
            tail,
            origin,
            check,
            subject,
            marker: self.acquire_marker(marker),
            problem: NOWHERE,
            created: Millis::of(doc.created_at),
            version: Millis::from_ms(incoming.version),
            observed: doc.first_observed_at.map_or(Millis::NONE, Millis::of),
            seen: Millis::of(seen.at),
            bits: Bits::new(small),
            place: seen.place,
            paths: self.paths.enter(),
        };
        let id = self.allocate();
        row.problem = self.problems.add(ProblemId::of(doc), id);
        self.holders.add(id, Some(incoming.account), marker, *workflow);
        if let Some(foreign) = foreign {
            self.foreign.insert(id, foreign);
        }
        self.place_row(id, row);
        Ok(id)
    }

    /// Whether somebody else's write lies between what our last write was decided on and our write: newer than the one, of the
    /// same check, and without the marker that the other brings. Whoever uses the console leaves the marker as it is.
    fn raced(&self, id: RowId, known: &Row, incoming: &Incoming, seen: Seen) -> bool {
        let Some(basis) = self.pending.basis(id).filter(|basis| !self.outlasts(basis.sent_at, seen.at)) else { return false };
        let (before, small) = (&basis.before, &incoming.small);
        let ours = self.pending.get(id).map(|pending| pending.expected.written().marker);
        let ours = ours.as_ref().unwrap_or_else(|| self.marker_of(known));
        *ours != before.marker
            && incoming.version > basis.version
            && incoming.written.marker == before.marker
            && incoming.written.workflow != before.workflow
            && (small.compliance, small.record_state) == (before.compliance, before.record_state)
    }

    fn judge(&self, known: &Row, pending: Option<&Pending>, incoming: &Incoming, seen: Seen, raced: bool) -> Verdict {
        let confirmed = pending.is_some_and(|pending| pending.is_confirmed_by(&incoming.written));
        if incoming.version < known.version.ms() {
            if confirmed {
                return Verdict::ConfirmOnly;
            }
            // The version is inferred, not promised: what reads go on to show after the longest lag is the truth.
            let late = seen.source == Source::Read && self.outlasts(known.seen.time(), seen.at);
            if !late {
                return Verdict::Stale;
            }
        }
        if confirmed {
            return Verdict::Confirm;
        }
        let Some(pending) = pending.filter(|pending| !self.outlasts(pending.expected.sent_at, seen.at)) else {
            // Of the same moment as our write, which has been seen since.
            let replaced = raced && incoming.version == known.version.ms();
            return if replaced { Verdict::Stale } else { Verdict::Take { overwritten: false } };
        };
        if !raced && !pending.is_before(&incoming.written) {
            return Verdict::Take { overwritten: true };
        }
        if incoming.version > known.version.ms() { Verdict::KeepOurs } else { Verdict::Stale }
    }

    /// What the sighting changed, and whether it shows what our write replaced.
    fn revise(
        &mut self,
        id: RowId,
        doc: &Doc<'_>,
        raw: &str,
        incoming: Incoming,
        seen: Seen,
        raced: bool,
    ) -> Result<(Change, bool), ObserveError> {
        let Some(known) = self.row(id).copied() else { return Ok((Change::Stale, false)) };
        let verdict = self.judge(&known, self.pending.get(id), &incoming, seen, raced);
        let raced = raced && matches!(verdict, Verdict::Stale | Verdict::KeepOurs);
        if seen.source == Source::Read {
            // Lagging or not, it is there.
            self.missed.remove(&id);
        }
        match verdict {
            Verdict::Stale => return Ok((Change::Stale, raced)),
            Verdict::ConfirmOnly => {
                let before = self.settle(id).unwrap_or_else(|| self.snapshot_of(&known));
                self.pending.remove(id);
                return Ok((Change::Confirmed { before }, false));
            }
            Verdict::Confirm | Verdict::KeepOurs | Verdict::Take { .. } => {}
        }

        let before = self.snapshot_of(&known);
        let old = known.small();
        let Written { workflow, marker } = &incoming.written;
        let values = values(raw, self.paths.current(), marker, incoming.small.note, *workflow)?;
        let refs = self.bases.acquire(doc, incoming.account, Parts::of(&doc.id), &values);
        let problem = ProblemId::of(doc);
        let keep = verdict == Verdict::KeepOurs;
        let written = if keep { Written { workflow: old.workflow, marker: before.marker.clone() } } else { incoming.written };

        let foreign = foreign_fields(doc);
        let mut small = Small { form: old.form, foreign: foreign.is_some(), workflow: written.workflow, ..incoming.small };
        if keep {
            small.note = old.note;
        }
        small.refreshed = refreshed(doc, &written.marker);
        let known_refs = Refs { origin: known.origin, check: known.check, subject: known.subject };
        let checked = (small.compliance, small.record_state);
        let rechecked = checked != (old.compliance, old.record_state);
        let lacks = self.paths.lacks(known.paths);
        let content = written.marker != before.marker
            || (small.workflow, small.severity) != (old.workflow, old.severity)
            || rechecked
            || (refs.origin, refs.check) != (known.origin, known.check)
            || self.subject_differs(&known, refs.subject)
            || problem != self.problems.id(known.problem);
        let differs = content || lacks;
        if content
            && seen.source == Source::Event
            && incoming.version == known.version.ms()
            && matches!(verdict, Verdict::Take { .. })
        {
            self.bases.release(refs);
            return Ok((Change::Doubtful, false));
        }

        // From here on the row changes.
        self.holders.remove(id, self.account_of(&known), &before.marker, before.workflow);
        self.holders.add(id, Some(incoming.account), &written.marker, written.workflow);
        let marker = self.acquire_marker(&written.marker);
        self.release_marker(known.marker);
        self.bases.release(known_refs);
        let slot = if problem == self.problems.id(known.problem) {
            known.problem
        } else {
            self.problems.remove(known.problem, id);
            self.problems.add(problem, id)
        };
        match foreign {
            Some(foreign) => {
                self.foreign.insert(id, foreign);
            }
            None => {
                self.foreign.remove(&id);
            }
        }
        self.paths.leave(known.paths);
        let paths = self.paths.enter();
        self.missed.remove(&id);
        if let Some(row) = self.row_mut(id) {
            row.origin = refs.origin;
            row.check = refs.check;
            row.subject = refs.subject;
            row.marker = marker;
            row.problem = slot;
            row.created = Millis::of(doc.created_at);
            row.version = Millis::from_ms(incoming.version);
            row.observed = doc.first_observed_at.map_or(Millis::NONE, Millis::of);
            if !keep {
                row.seen = Millis::from_ms(known.seen.ms().max(seen.at.as_millisecond()));
            }
            row.bits = Bits::new(small);
            row.place = seen.place;
            row.paths = paths;
        }
        self.tally.remove(&known);
        if let Some(row) = self.row(id).copied() {
            self.tally.add(&row);
        }
        let change = match verdict {
            Verdict::Confirm => {
                self.pending.remove(id);
                Change::Confirmed { before }
            }
            Verdict::Take { overwritten } if differs => {
                self.pending.remove(id);
                Change::Changed { before, overwritten: overwritten && !rechecked }
            }
            Verdict::KeepOurs if differs => Change::Changed { before, overwritten: false },
            Verdict::KeepOurs => Change::Stale,
            _ => Change::Same,
        };
        Ok((change, raced))
    }

    /// Whether resources differ, or values of fields that were named both then and now.
    fn subject_differs(&self, known: &Row, subject: u32) -> bool {
        if known.subject == subject {
            return false;
        }
        let subjects = &self.bases.subjects;
        let (Some(old), Some(new)) = (subjects.get(known.subject), subjects.get(subject)) else { return true };
        let common = |field| self.paths.has(known.paths, field) && self.paths.current().contains(&field);
        old.resources != new.resources || old.values_where(common).ne(new.values_where(common))
    }

    /// Whether `at` is `lag` or more after `since`.
    pub(super) fn outlasts(&self, since: Timestamp, at: Timestamp) -> bool {
        super::store::outlasts(self.lag, since, at)
    }

    /// The row of an id in parts.
    pub(super) fn find_parts(&self, product_arn: &str, parts: Parts<'_>) -> Option<RowId> {
        let packed = pack(parts.tail);
        let hash = super::key::key_hash(
            super::base::origin_hash(product_arn, parts.head),
            super::base::check_hash(parts.middle),
            parts.tail,
            packed,
        );
        let same = |&row: &u32| {
            self.row(RowId(row)).is_some_and(|row| {
                self.tails.is(row.small().form, row.tail, parts.tail, packed)
                    && self
                        .bases
                        .origins
                        .get(row.origin)
                        .is_some_and(|origin| *origin.product_arn == *product_arn && *origin.head == *parts.head)
                    && self.bases.checks.get(row.check).is_some_and(|check| *check.middle == *parts.middle)
            })
        };
        self.keys.find(hash, same).map(|&row| RowId(row))
    }
}

impl Incoming {
    fn of(doc: &Doc<'_>) -> Result<Self, IdError> {
        let fields = &doc.user_defined_fields;
        let value = |key: &str| fields.iter().find(|(name, _)| &***name == key).map(|(_, value)| &**value);
        let marker = match Marker::read(value(OWNER_KEY), value(STATE_KEY)) {
            Ok(None) => MarkerState::None,
            Ok(Some(marker)) => MarkerState::Ours(Arc::new(marker)),
            Err(error) => MarkerState::Broken(Arc::new(error)),
        };
        let note = match &doc.note {
            None => NoteKind::None,
            Some(note) if note.updated_by.as_deref() == Some(NOTE_AUTHOR) => NoteKind::Ours,
            Some(_) => NoteKind::Foreign,
        };
        let workflow = doc.workflow_status();
        let small = Small {
            workflow,
            compliance: doc.compliance_status(),
            record_state: doc.record_state,
            severity: doc.severity.as_ref().and_then(|severity| severity.label),
            note,
            foreign: false,
            form: super::key::Form::Short,
            refreshed: false,
        };
        Ok(Self {
            account: doc.aws_account_id.parse()?,
            small,
            written: Written { workflow, marker },
            version: doc.version().as_millisecond(),
        })
    }
}

/// Whether the provider has said something since the marker was written: `UpdatedAt` is its own, no customer moves it.
fn refreshed(doc: &Doc<'_>, marker: &MarkerState) -> bool {
    marker.marker().is_some_and(|marker| doc.updated_at > marker.at)
}

/// Every user-defined field but our two.
fn foreign_fields(doc: &Doc<'_>) -> Option<Arc<BTreeMap<String, String>>> {
    let fields = doc.user_defined_fields.iter().map(|(key, value)| (&**key, &**value));
    let foreign: BTreeMap<String, String> = fields
        .filter(|(key, _)| *key != OWNER_KEY && *key != STATE_KEY)
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    (!foreign.is_empty()).then(|| Arc::new(foreign))
}
