//! Which of many literals occur in a text: one automaton over all of them, behind a filter that most texts do not pass.
//!
//! The filter is a bitmap of four-byte windows, one of each literal: a text without any of these windows contains none of the
//! literals, and looking at its windows costs a fraction of the automaton's walk.

use aho_corasick::AhoCorasick;

/// Shorter literals are in too many texts to be worth looking for.
pub(super) const SHORTEST: usize = 4;

/// What nearly every resource id contains: no window to tell texts apart by, if a literal has another.
const COMMON: &str = "arn:aws:s3:::arn:aws:iam::arn:aws:ec2:eu-west-1:us-east-1:ap-northeast-1:AWS::::Account:security-group/role/policy/user/\
                      instance/volume/snapshot/function:cluster:cluster/db:key/log-group:topic:loadbalancer/app/prod-dev-test-";

/// The literals, by number.
#[derive(Debug)]
pub(super) struct Literals {
    automaton: AhoCorasick,
    bits: Box<[u64]>,
    /// How far a hash is shifted to be a number of a bit.
    shift: u32,
}

impl Literals {
    /// `None` where there is nothing to look for, a literal is shorter than [`SHORTEST`], or they are more than an automaton holds.
    pub(super) fn new(literals: &[&str]) -> Option<Self> {
        if literals.is_empty() || literals.iter().any(|literal| literal.len() < SHORTEST) {
            return None;
        }
        let automaton = AhoCorasick::new(literals).ok()?;
        // About a thousand bits for each literal, within what a second-level cache holds.
        let log = (literals.len().next_power_of_two().trailing_zeros() + 10).clamp(12, 20);
        let mut filter = Self { automaton, bits: vec![0; 1 << (log - 6)].into(), shift: 32 - log };
        for literal in literals {
            let rarest = windows(literal).min_by_key(|window| windows(COMMON).filter(|common| common == window).count());
            if let Some(window) = rarest {
                let (word, bit) = filter.place(window);
                if let Some(word) = filter.bits.get_mut(word) {
                    *word |= bit;
                }
            }
        }
        Some(filter)
    }

    fn place(&self, window: u32) -> (usize, u64) {
        let number = window.wrapping_mul(0x9e37_79b1) >> self.shift;
        ((number >> 6) as usize, 1 << (number & 63))
    }

    /// Calls `each` with the number of every literal that occurs in the text, as often as it does.
    pub(super) fn find(&self, text: &str, mut each: impl FnMut(usize)) {
        let passes = windows(text).any(|window| {
            let (word, bit) = self.place(window);
            self.bits.get(word).is_none_or(|word| word & bit != 0)
        });
        if passes {
            self.automaton.find_overlapping_iter(text).for_each(|found| each(found.pattern().as_usize()));
        }
    }
}

fn windows(text: &str) -> impl Iterator<Item = u32> {
    text.as_bytes().array_windows::<SHORTEST>().map(|window| u32::from_le_bytes(*window))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_literals_and_none_at_all_are_not_looked_for() {
        assert!(Literals::new(&[]).is_none());
        assert!(Literals::new(&["long enough", "abc"]).is_none());
    }

    proptest! {
        #[test]
        fn it_finds_exactly_what_the_text_contains(literals in vec("[ab:é]{4,7}", 1..40), text in "[ab:é]{0,40}") {
            let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
            let mut found = Vec::new();
            Literals::new(&literals).unwrap().find(&text, |number| found.push(number));
            found.sort_unstable();
            found.dedup();
            let expected: Vec<usize> = (0..literals.len()).filter(|number| text.contains(literals[*number])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
