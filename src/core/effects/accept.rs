//! `Accept`: the finding is suppressed while the exception is in force.

use super::Wish;
use crate::core::objects::ExceptionSpec;

pub(super) const WISH: Wish = Wish::Suppressed;

pub(super) fn note(spec: &ExceptionSpec) -> String {
    let ticket = spec.ticket_ref.as_ref().map(|ticket| format!(", {ticket}")).unwrap_or_default();
    let note = format!(" until {}: {:?} ({}{ticket}). {}", spec.expires_at, spec.reason, spec.owner, spec.justification);
    note.chars().map(shown).collect()
}

/// A note is read in consoles, terminals and chats: nothing in it moves a cursor, ends a line or turns the direction of a text.
fn shown(letter: char) -> char {
    let turns = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match letter {
        '\n' | '\r' | '\t' => ' ',
        _ if turns || letter.is_control() => char::REPLACEMENT_CHARACTER,
        _ => letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_a_cursor_or_turn_a_line_around_is_replaced() {
        let told: String = "a\u{1b}[2J\u{202e}b\r\nc\u{0}日本語".chars().map(shown).collect();
        assert_eq!(told, "a\u{fffd}[2J\u{fffd}b  c\u{fffd}日本語");
    }
}
