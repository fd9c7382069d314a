//! What an exception does to a finding: one file for each effect, and this one that asks the right file.

mod accept;

use super::objects::{Effect, ExceptionSpec};
use super::responses::Wish;

/// What it wants of a finding that is covered.
pub fn wish(effect: Effect) -> Wish {
    match effect {
        Effect::Accept => accept::WISH,
    }
}

/// What the note on a covered finding says, after the name of the exception.
pub fn note(spec: &ExceptionSpec) -> String {
    match spec.effect {
        Effect::Accept => accept::note(spec),
    }
}
