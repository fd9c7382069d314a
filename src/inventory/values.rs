//! The values of the filter fields that current rules name, as if we had never touched the finding.

use serde_json::{Map, Value};

use super::base::Values;
use super::state::NoteKind;
use crate::core::filter::{Field, extract, extract_raw};
use crate::core::marker::MarkerState;
use crate::core::marker::{OWNER_KEY, STATE_KEY};
use crate::core::status::WorkflowStatus;

/// The sets of fields that rows were projected with. A row keeps the number of its set; a set without rows may be replaced.
#[derive(Debug)]
pub(super) struct PathSets {
    sets: Vec<(Vec<Field>, usize)>,
    current: u8,
}

/// The empty set, always there.
const NOTHING: u8 = 0;

impl PathSets {
    pub(super) fn new() -> Self {
        Self { sets: vec![(Vec::new(), 0)], current: NOTHING }
    }

    pub(super) fn current(&self) -> &[Field] {
        self.fields(self.current)
    }

    fn fields(&self, set: u8) -> &[Field] {
        self.sets.get(usize::from(set)).map_or(&[], |(fields, _)| fields)
    }

    /// Makes `fields` current. `false`: there are too many sets in use (255), so that the rows of some must first be released.
    pub(super) fn set(&mut self, fields: &[Field]) -> bool {
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        fields.dedup();
        let known = self.sets.iter().position(|(known, _)| *known == fields);
        let unused = || self.sets.iter().skip(1).position(|&(_, rows)| rows == 0).map(|at| at + 1);
        let at = known.or_else(unused).unwrap_or_else(|| {
            self.sets.push((Vec::new(), 0));
            self.sets.len() - 1
        });
        if let Ok(at) = u8::try_from(at) {
            if let Some((known, _)) = self.sets.get_mut(usize::from(at)) {
                *known = fields;
            }
            self.current = at;
            return true;
        }
        self.sets.pop();
        false
    }

    /// A row is projected with the current set; its number.
    pub(super) fn enter(&mut self) -> u8 {
        if let Some((_, rows)) = self.sets.get_mut(usize::from(self.current)) {
            *rows += 1;
        }
        self.current
    }

    /// A row of a set is gone or projected anew.
    pub(super) fn leave(&mut self, set: u8) {
        if let Some((_, rows)) = self.sets.get_mut(usize::from(set)) {
            *rows = rows.saturating_sub(1);
        }
    }

    /// A row of another set now counts as projected with none.
    pub(super) fn demote(&mut self, set: u8) -> u8 {
        self.leave(set);
        if let Some((_, rows)) = self.sets.get_mut(usize::from(NOTHING)) {
            *rows += 1;
        }
        NOTHING
    }

    /// Whether rows of this set know the values of a field.
    pub(super) fn has(&self, set: u8, field: Field) -> bool {
        self.fields(set).binary_search(&field).is_ok()
    }

    /// Whether rows of this set lack one of the current fields.
    pub(super) fn lacks(&self, set: u8) -> bool {
        !self.current().iter().all(|&field| self.has(set, field))
    }

    /// The current fields that rows of this set lack, ascending.
    pub(super) fn missing(&self, set: u8) -> Vec<Field> {
        self.current().iter().copied().filter(|&field| !self.has(set, field)).collect()
    }
}

/// The values of `fields`: our keys, our note and the workflow status that we set are not seen.
pub(super) fn values(
    raw: &str,
    fields: &[Field],
    marker: &MarkerState,
    note: NoteKind,
    workflow: WorkflowStatus,
) -> serde_json::Result<Values> {
    if fields.is_empty() {
        return Ok(Vec::new());
    }
    if *marker == MarkerState::None && note != NoteKind::Ours {
        return extract_raw(raw, fields);
    }
    let mut finding: Map<String, Value> = serde_json::from_str(raw)?;
    if let Some(Value::Object(fields)) = finding.get_mut("UserDefinedFields") {
        fields.remove(OWNER_KEY);
        fields.remove(STATE_KEY);
    }
    if note == NoteKind::Ours {
        finding.remove("Note");
    }
    if let Some(marker) = marker.held().filter(|marker| marker.is_ours(workflow))
        && let Some(Value::Object(members)) = finding.get_mut("Workflow")
    {
        members.insert("Status".to_owned(), Value::from(marker.prior.as_str()));
    }
    Ok(extract(&Value::Object(finding), fields))
}
