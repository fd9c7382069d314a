//! `suppress`: the finding is set SUPPRESSED, and held there as long as the rule decides it.

use super::Wish;
use crate::core::objects::Reason;

pub(super) const WISH: Wish = Wish::Suppressed;

pub(super) fn words(reason: Reason) -> String {
    format!("suppress ({reason:?})")
}

pub(super) fn note(reason: Reason) -> String {
    format!(": {reason:?}")
}
