//! What a rule does about a finding: one file for each response, and this one that asks the right file.

mod ignore;
mod suppress;

use super::objects::Response;

/// What a response or an effect wants of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wish {
    /// Set SUPPRESSED, and held there.
    Suppressed,
    /// Left as it is.
    Untouched,
}

/// What it wants of a finding that is decided by it.
pub fn wish(response: Response) -> Wish {
    match response {
        Response::Suppress { .. } => suppress::WISH,
        Response::Ignore => ignore::WISH,
    }
}

/// In words, for the chain that `explain` prints.
pub fn words(response: Response) -> String {
    match response {
        Response::Suppress { reason } => suppress::words(reason),
        Response::Ignore => ignore::WORDS.to_owned(),
    }
}

/// What the note on a finding says of it, after the name of the rule.
pub fn note(response: Response) -> String {
    match response {
        Response::Suppress { reason } => suppress::note(reason),
        Response::Ignore => String::new(),
    }
}
