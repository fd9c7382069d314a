//! BatchUpdateFindings: what customers say of findings.
//!
//! `UpdatedAt` is not touched, `ProcessedAt` moves. Sources: the service's model, the guide's
//! finding-update-batchupdatefindings.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::core::status::{SeverityLabel, WorkflowStatus};
use crate::local::clock::stamp;
use crate::wire::error::{AwsError, UnprocessedCode};
use crate::wire::limits::{
    FINDING_BYTES, MAP_KEY_CHARS, MAP_PAIRS, NOTE_CHARS, RELATED_MAX, TYPES_MAX, UPDATE_MAX, USER_VALUE_CHARS,
};
use crate::wire::securityhub::{
    BatchUpdateFindings, BatchUpdateFindingsAnswer, FindingIdentifier, SeverityUpdate, UnprocessedFinding,
};

use super::caller::Caller;
use super::given::batch;
use super::import::both;
use super::{BadValue, Hub, UserFields};

/// The values of `VerificationState`.
const VERIFICATIONS: [&str; 4] = ["UNKNOWN", "TRUE_POSITIVE", "FALSE_POSITIVE", "BENIGN_POSITIVE"];

impl Hub {
    /// BatchUpdateFindings. `refuse`: findings that are to fail, for tests of the callers.
    pub fn update(
        &mut self,
        caller: &Caller,
        request: &BatchUpdateFindings,
        now: Timestamp,
        refuse: &mut dyn FnMut(&FindingIdentifier) -> Option<UnprocessedCode>,
    ) -> Result<BatchUpdateFindingsAnswer, AwsError> {
        self.require_enabled(caller)?;
        let identifiers = &request.finding_identifiers;
        batch("FindingIdentifiers", identifiers.len(), UPDATE_MAX)?;
        let bad = validate(request).err();
        if let (Some(problem), BadValue::WholeRequest) = (&bad, self.switches.bad_value) {
            return Err(AwsError::invalid_input(problem.clone()));
        }
        let mut answer = BatchUpdateFindingsAnswer::default();
        let mut named = BTreeSet::new();
        for key in identifiers {
            let own_first = |found: &(u32, bool)| !found.1;
            let view = self.view(caller, now);
            let mut found: Vec<(u32, bool)> = self
                .store
                .find(&key.id, &key.product_arn)
                .into_iter()
                .filter(|(row, found)| view.shows(*row, found.account, found.region))
                .map(|(row, found)| (row, found.account == caller.account))
                .collect();
            found.sort_by_key(own_first);
            let outcome = if !named.insert(key) {
                Err(UnprocessedCode::DuplicatedFindingIdentifier)
            } else if bad.is_some() {
                Err(UnprocessedCode::InvalidInput)
            } else if let Some(code) = refuse(key) {
                Err(code)
            } else {
                found
                    .first()
                    .ok_or(UnprocessedCode::FindingNotFound)
                    .and_then(|(row, _)| self.update_one(caller, *row, request, now))
            };
            match outcome {
                Ok(()) => answer.processed_findings.push(key.clone()),
                Err(code) => answer.unprocessed_findings.push(UnprocessedFinding {
                    finding_identifier: key.clone(),
                    error_code: code.as_str().to_owned(),
                    error_message: code.message().to_owned(),
                }),
            }
        }
        Ok(answer)
    }

    fn update_one(
        &mut self,
        caller: &Caller,
        row: u32,
        request: &BatchUpdateFindings,
        now: Timestamp,
    ) -> Result<(), UnprocessedCode> {
        let stored = self.store.get(row).ok_or(UnprocessedCode::FindingNotFound)?;
        let old = stored.value().ok_or(UnprocessedCode::InternalFailure)?;
        let mut new = old.clone();
        let applied = apply(&mut new, request, self.switches.user_fields, now).ok_or(UnprocessedCode::InternalFailure)?;
        if applied.overfull {
            return Err(UnprocessedCode::InvalidInput);
        }
        if new.to_string().len() > FINDING_BYTES {
            return Err(UnprocessedCode::FindingSizeExceeded);
        }
        self.record(row, now, true, caller.arn(), &old, &new);
        self.store.replace_from(Some(&caller.region), row, &old, &new, now, self.lag);
        self.store.give_to_customer(row, &applied.twins);
        self.changed(row);
        Ok(())
    }
}

/// What an update did beside writing into the finding.
#[derive(Debug, Default)]
pub(super) struct Applied {
    /// The twins of `FindingProviderFields` that are the customer's from now on.
    pub(super) twins: Vec<&'static str>,
    /// `UserDefinedFields` would have more pairs than it may, so it stays as it was.
    pub(super) overfull: bool,
}

/// Writes the values into the finding. There is no way to clear a field: what is empty says nothing.
pub(super) fn apply(
    finding: &mut Value,
    request: &BatchUpdateFindings,
    user_fields: UserFields,
    now: Timestamp,
) -> Option<Applied> {
    let finding = finding.as_object_mut()?;
    let mut applied = Applied::default();
    let severity = request.severity.as_ref().filter(|update| **update != SeverityUpdate::default());
    let severity = severity.map(|update| severity_of(finding.get("Severity"), update));
    let fields = request.user_defined_fields.as_ref().filter(|fields| !fields.is_empty());
    if let Some(fields) = fields {
        let kept = match user_fields {
            UserFields::Replace => None,
            UserFields::Merge => finding.get("UserDefinedFields").and_then(Value::as_object).cloned(),
        };
        let mut map = kept.unwrap_or_default();
        map.extend(fields.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
        applied.overfull = map.len() > MAP_PAIRS;
        if !applied.overfull {
            finding.insert("UserDefinedFields".to_owned(), Value::Object(map));
        }
    }
    let mut set = |name: &'static str, value: Value, twin: bool| {
        finding.insert(name.to_owned(), value);
        if twin {
            applied.twins.push(name);
        }
    };
    set("ProcessedAt", stamp(now).into(), false);
    if let Some(note) = &request.note {
        set("Note", json!({"Text": note.text, "UpdatedBy": note.updated_by, "UpdatedAt": stamp(now)}), false);
    }
    if let Some(state) = &request.verification_state {
        set("VerificationState", state.as_str().into(), false);
    }
    if let Some(confidence) = request.confidence {
        set("Confidence", confidence.into(), true);
    }
    if let Some(criticality) = request.criticality {
        set("Criticality", criticality.into(), true);
    }
    if let Some(types) = request.types.as_ref().filter(|types| !types.is_empty()) {
        set("Types", json!(types), true);
    }
    if let Some(related) = &request.related_findings {
        set("RelatedFindings", json!(related), true);
    }
    if let Some(status) = request.workflow.as_ref().and_then(|workflow| workflow.status.as_deref()) {
        set("Workflow", json!({"Status": status}), false);
    }
    if let Some(severity) = severity {
        set("Severity", severity.into(), true);
    }
    Some(applied)
}

/// The severity after an update: members that it does not name stay, but Label and Normalized go together.
fn severity_of(is: Option<&Value>, update: &SeverityUpdate) -> Map<String, Value> {
    let mut severity = is.and_then(Value::as_object).cloned().unwrap_or_default();
    let label = update.label.as_deref().and_then(SeverityLabel::parse);
    if let Some((label, normalized)) = both(label, update.normalized) {
        severity.insert("Label".to_owned(), label.as_str().into());
        severity.insert("Normalized".to_owned(), normalized.into());
    }
    if let Some(product) = update.product {
        severity.insert("Product".to_owned(), product.into());
    }
    severity
}

/// What is wrong with the values.
pub(super) fn validate(request: &BatchUpdateFindings) -> Result<(), String> {
    let check = |ok: bool, name: &str, rule: &str| {
        if ok { Ok(()) } else { Err(format!("Invalid parameter '{name}': {rule}")) }
    };
    let length = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
    let percent = |number: Option<i64>| number.is_none_or(|number| (0..=100).contains(&number));
    for key in &request.finding_identifiers {
        check(!key.id.trim().is_empty() && !key.product_arn.trim().is_empty(), "FindingIdentifiers", "must not be blank")?;
    }
    if let Some(note) = &request.note {
        check(length(&note.text, NOTE_CHARS), "Note.Text", "must have 1 to 512 characters")?;
        check(length(&note.updated_by, NOTE_CHARS), "Note.UpdatedBy", "must have 1 to 512 characters")?;
    }
    check(percent(request.confidence), "Confidence", "must be between 0 and 100")?;
    check(percent(request.criticality), "Criticality", "must be between 0 and 100")?;
    if let Some(state) = &request.verification_state {
        check(
            VERIFICATIONS.contains(&state.as_str()),
            "VerificationState",
            &format!("must be one of {}", VERIFICATIONS.join(", ")),
        )?;
    }
    if let Some(status) = request.workflow.as_ref().and_then(|workflow| workflow.status.as_deref()) {
        check(WorkflowStatus::parse(status).is_some(), "Workflow.Status", "must be one of NEW, NOTIFIED, RESOLVED, SUPPRESSED")?;
    }
    if let Some(severity) = &request.severity {
        let known = severity.label.as_deref().is_none_or(|label| SeverityLabel::parse(label).is_some());
        check(known, "Severity.Label", "must be one of INFORMATIONAL, LOW, MEDIUM, HIGH, CRITICAL")?;
        check(percent(severity.normalized), "Severity.Normalized", "must be between 0 and 100")?;
    }
    if let Some(types) = &request.types {
        check(
            types.len() <= TYPES_MAX && types.iter().all(|text| !text.trim().is_empty()),
            "Types",
            "must have at most 50 items",
        )?;
    }
    if let Some(related) = &request.related_findings {
        check((1..=RELATED_MAX).contains(&related.len()), "RelatedFindings", "must have 1 to 10 items")?;
    }
    if let Some(fields) = &request.user_defined_fields {
        check(fields.len() <= MAP_PAIRS, "UserDefinedFields", "must have at most 50 pairs")?;
        for (name, value) in fields {
            check(length(name, MAP_KEY_CHARS), "UserDefinedFields", "keys must have 1 to 128 characters")?;
            check(value.chars().count() <= USER_VALUE_CHARS, "UserDefinedFields", "values must have at most 1024 characters")?;
        }
    }
    Ok(())
}
