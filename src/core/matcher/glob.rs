//! Globs over resource ids: `*` is any number of any characters, everything else is itself. Linear in text and pattern.

/// A compiled glob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    prefix: Box<str>,
    /// Between two stars, in order; none is empty.
    middle: Box<[Box<str>]>,
    /// `None`: no star at all, `prefix` is the whole text.
    suffix: Option<Box<str>>,
}

impl Glob {
    /// Compiles any text.
    pub fn new(pattern: &str) -> Self {
        let Some((prefix, rest)) = pattern.split_once('*') else {
            return Self { prefix: pattern.into(), middle: Box::default(), suffix: None };
        };
        let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
        let middle = middle.split('*').filter(|piece| !piece.is_empty()).map(Into::into).collect();
        Self { prefix: prefix.into(), middle, suffix: Some(suffix.into()) }
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let Some(suffix) = &self.suffix else { return *self.prefix == *text };
        let Some(mut rest) = text.strip_prefix(&*self.prefix).and_then(|rest| rest.strip_suffix(&**suffix)) else { return false };
        // Taking each piece where it first occurs leaves the most room for the next ones, so there is nothing to go back to.
        for piece in &self.middle {
            let Some((_, after)) = rest.split_once(&**piece) else { return false };
            rest = after;
        }
        true
    }

    /// The whole text, if there is no star.
    pub(super) fn exact(&self) -> Option<&str> {
        self.suffix.is_none().then_some(&*self.prefix)
    }

    /// The longest text that every match contains, and whether every match starts with it. Empty for `*`.
    pub(super) fn literal(&self) -> (&str, bool) {
        let mut best = (&*self.prefix, true);
        for piece in self.middle.iter().chain(&self.suffix) {
            if piece.len() > best.0.len() {
                best = (piece, false);
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The textbook definition.
    fn oracle(pattern: &[u8], text: &[u8]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((b'*', rest)) => (0..=text.len()).any(|n| oracle(rest, &text[n..])),
            Some((c, rest)) => text.first() == Some(c) && oracle(rest, &text[1..]),
        }
    }

    #[test]
    fn a_star_crosses_everything_and_nothing_else_is_special() {
        for (pattern, text, expected) in [
            ("arn:aws:s3:::cdn", "arn:aws:s3:::cdn", true),
            ("arn:aws:s3:::cdn", "arn:aws:s3:::cdn2", false),
            ("arn:*:role/ci-*", "arn:aws:iam::111122223333:role/ci-a/b:c", true),
            ("*", "", true),
            ("", "a", false),
            ("a*a", "a", false),
            ("a*b*", "a[b", true),
            ("a?c", "abc", false),
            ("*é*", "café au lait", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length() {
        let pattern = "a*".repeat(20_000) + "b";
        assert!(!Glob::new(&pattern).matches(&"a".repeat(200_000)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_definition(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(Glob::new(&pattern).matches(&text), oracle(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn every_match_contains_the_literal(pattern in "[ab*]{0,8}", text in "[ab]{0,10}") {
            let glob = Glob::new(&pattern);
            let (literal, anchored) = glob.literal();
            if glob.matches(&text) {
                prop_assert!(text.contains(literal) && (!anchored || text.starts_with(literal)));
            }
        }
    }
}
