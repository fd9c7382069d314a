//! `Accept`: the finding is suppressed while the exception is in force.

use super::Wish;
use crate::core::objects::ExceptionSpec;

pub(super) const WISH: Wish = Wish::Suppressed;

pub(super) fn note(spec: &ExceptionSpec) -> String {
    let ticket = spec.ticket_ref.as_ref().map(|ticket| format!(", {ticket}")).unwrap_or_default();
    format!(" until {}: {:?} ({}{ticket}). {}", spec.expires_at, spec.reason, spec.owner, spec.justification)
}
