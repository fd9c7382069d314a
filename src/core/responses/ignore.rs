//! `ignore`: the finding is left alone, and no later rule and no lower policy decides it.

use super::Wish;

pub(super) const WISH: Wish = Wish::Untouched;

pub(super) const WORDS: &str = "ignore";
