//! A finding prepared for many questions: the small closed vocabularies as one bit each, the control in lower case.

use crate::core::catalogue::Catalogue;
use crate::core::facts::Facts;
use crate::core::filter::{Field, Fields, Item};
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel};

use super::SECURITY_HUB;

// The bits of a mask, from below: 5 severities and "unknown"; 4 compliance statuses and "none" for findings of Security Hub;
// the same for findings of other products; 2 record states.
const SEVERITY_UNKNOWN: u32 = 1 << 5;
const HUB: u32 = 6;
const OTHER: u32 = 11;
const NO_COMPLIANCE: u32 = 4;
const RECORD: u32 = 16;

/// Everything is allowed.
pub(super) const ANY: u32 = (1 << 18) - 1;

/// The severity that `severities` asks for: the control's rating where the catalogue knows it. Otherwise the finding's own,
/// but not of a control that did not fail: that is INFORMATIONAL whatever the rating, so it is unknown.
pub fn effective_severity(facts: &Facts<'_>) -> Option<SeverityLabel> {
    let Some(control) = facts.control else { return facts.severity };
    match Catalogue::built_in().get(control) {
        Some(control) => Some(control.severity),
        None if facts.compliance == Some(ComplianceStatus::Failed) => facts.severity,
        None => None,
    }
}

pub(super) fn severities(allowed: &[SeverityLabel]) -> u32 {
    let bits = allowed.iter().fold(0, |bits, label| bits | 1 << (*label as u32));
    (ANY & !((1 << HUB) - 1)) | bits
}

/// These statuses, and findings without one where said so: `(of Security Hub, of other products)`.
pub(super) fn compliance(allowed: &[ComplianceStatus], without: (bool, bool)) -> u32 {
    let bits = allowed.iter().fold(0, |bits, status| bits | 1 << (*status as u32));
    let half = |without: bool| bits | (u32::from(without) << NO_COMPLIANCE);
    (ANY & !(((1 << 10) - 1) << HUB)) | (half(without.0) << HUB) | (half(without.1) << OTHER)
}

pub(super) fn record_state(allowed: RecordState) -> u32 {
    (ANY & !(3 << RECORD)) | (1 << (RECORD + allowed as u32))
}

/// Nothing but findings of Security Hub itself: no compliance of another product is allowed.
pub(super) const HUB_ONLY: u32 = ANY & !(31 << OTHER);

/// Whether a mask alone confines to findings of Security Hub itself.
pub(super) fn is_hub_only(mask: u32) -> bool {
    mask & !HUB_ONLY == 0
}

/// One finding, prepared.
pub(super) struct View<'a> {
    pub(super) facts: &'a Facts<'a>,
    /// One bit of each vocabulary.
    pub(super) bits: u32,
    lower: Lower,
}

enum Lower {
    None,
    /// AWS's ids are far shorter: nothing is allocated for them.
    Short([u8; 48], usize),
    Long(Box<str>),
}

impl<'a> View<'a> {
    pub(super) fn new(facts: &'a Facts<'a>) -> Self {
        let severity = effective_severity(facts).map_or(SEVERITY_UNKNOWN, |label| 1 << (label as u32));
        let half = if facts.product == SECURITY_HUB { HUB } else { OTHER };
        let compliance = 1 << (half + facts.compliance.map_or(NO_COMPLIANCE, |status| status as u32));
        let record = 1 << (RECORD + facts.record_state as u32);
        let lower = match facts.control {
            None => Lower::None,
            Some(control) => {
                let mut buffer = [0; 48];
                match buffer.get_mut(..control.len()) {
                    Some(short) => {
                        short.copy_from_slice(control.as_bytes());
                        short.make_ascii_lowercase();
                        Lower::Short(buffer, control.len())
                    }
                    None => Lower::Long(control.to_ascii_lowercase().into()),
                }
            }
        };
        Self { facts, bits: severity | compliance | record, lower }
    }

    /// The control, in lower case.
    pub(super) fn control(&self) -> Option<&str> {
        match &self.lower {
            Lower::None => None,
            Lower::Short(buffer, length) => buffer.get(..*length).and_then(|bytes| std::str::from_utf8(bytes).ok()),
            Lower::Long(text) => Some(text),
        }
    }

    pub(super) fn passes(&self, mask: u32) -> bool {
        mask & self.bits == self.bits
    }
}

/// A finding as `filters` see it: what [`Facts`] says itself comes from there, so that a question "as if it were failing" holds
/// for filters too; everything else from [`Facts::more`].
pub struct FactsFields<'a>(pub &'a Facts<'a>);

/// Whether [`FactsFields`] answers this field from the facts themselves.
pub(super) fn is_base(field: Field) -> bool {
    matches!(
        field,
        Field::AWS_ACCOUNT_ID
            | Field::REGION
            | Field::GENERATOR_ID
            | Field::SEVERITY_LABEL
            | Field::COMPLIANCE_STATUS
            | Field::COMPLIANCE_SECURITY_CONTROL_ID
            | Field::COMPLIANCE_ASSOCIATED_STANDARDS_ID
            | Field::RECORD_STATE
            | Field::WORKFLOW_STATUS
            | Field::RESOURCE_TYPE
            | Field::RESOURCE_ID
    )
}

impl Fields for FactsFields<'_> {
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>)) {
        let facts = self.0;
        let mut text = |text: &str| visit(Item::Text(text));
        match field {
            Field::AWS_ACCOUNT_ID => {
                let mut digits = [0; 12];
                let mut rest = facts.account.number();
                for digit in digits.iter_mut().rev() {
                    *digit = b"0123456789"[(rest % 10) as usize];
                    rest /= 10;
                }
                text(std::str::from_utf8(&digits).unwrap_or_default());
            }
            Field::REGION => text(facts.region),
            Field::GENERATOR_ID => text(facts.generator),
            Field::SEVERITY_LABEL => facts.severity.iter().for_each(|label| text(label.as_str())),
            Field::COMPLIANCE_STATUS => facts.compliance.iter().for_each(|status| text(status.as_str())),
            Field::COMPLIANCE_SECURITY_CONTROL_ID => facts.control.iter().for_each(|control| text(control)),
            Field::COMPLIANCE_ASSOCIATED_STANDARDS_ID => facts.standards.iter().for_each(|standard| text(standard)),
            Field::RECORD_STATE => text(facts.record_state.as_str()),
            Field::WORKFLOW_STATUS => text(facts.workflow.as_str()),
            Field::RESOURCE_TYPE => facts.resources.iter().for_each(|resource| text(&resource.kind)),
            Field::RESOURCE_ID => facts.resources.iter().for_each(|resource| text(&resource.id)),
            other => facts.more.visit(other, visit),
        }
    }
}

/// The severities that a mask confines a rule to, as numbers of [`SeverityLabel::ALL`]; `None`: it does not.
pub(super) fn confined_severities(mask: u32) -> Option<impl Iterator<Item = u8>> {
    (mask & SEVERITY_UNKNOWN == 0).then(|| (0..5).filter(move |bit| mask & (1 << bit) != 0))
}

/// The severity in a finding's bits, as a number of [`SeverityLabel::ALL`]; `None`: unknown.
pub(super) fn severity_number(bits: u32) -> Option<u8> {
    (0..5).find(|bit| bits & (1 << bit) != 0)
}
