//! Evaluation: does a finding match?

use jiff::Timestamp;

use super::{
    Bounds, Field, Fields, Filters, Item, MapTest, MissingField, Test, TextTest, Window, address, days_before, timestamp,
    whole_millis,
};

impl Filters {
    /// Whether `finding` matches at `now`; a negative on a field that is not there does not.
    pub fn matches(&self, finding: &dyn Fields, now: Timestamp) -> bool {
        self.matches_with(finding, now, MissingField::NoMatch)
    }

    /// Whether `finding` matches at `now`, under either reading of a negative on what is not there.
    pub fn matches_with(&self, finding: &dyn Fields, now: Timestamp, missing: MissingField) -> bool {
        let now = whole_millis(now);
        self.tests.iter().all(|(field, test)| test.holds(*field, finding, now, missing))
    }
}

impl Test {
    fn holds(&self, field: Field, finding: &dyn Fields, now: Timestamp, missing: MissingField) -> bool {
        let any = |wanted: &dyn Fn(Item<'_>) -> bool| {
            let mut found = false;
            finding.visit(field, &mut |item| found = found || wanted(item));
            found
        };
        match self {
            Self::Text(test) => test.holds(field, finding, missing),
            Self::Map(test) => test.holds(field, finding, missing),
            Self::Date(windows) => any(&|item| match item {
                Item::Text(text) => timestamp(text).is_some_and(|time| windows.iter().any(|window| window.has(time, now))),
                _ => false,
            }),
            Self::Number(bounds) => any(&|item| match item {
                Item::Number(number) => bounds.iter().any(|bounds| bounds.hold(number)),
                _ => false,
            }),
            Self::Ip(nets) => any(&|item| match item {
                Item::Text(text) => address(text).is_some_and(|address| nets.iter().any(|net| net.contains(&address))),
                _ => false,
            }),
            Self::Flag(wanted) => any(&|item| matches!(item, Item::Flag(flag) if wanted.contains(&flag))),
            Self::Keyword(words) => any(&|item| match item {
                Item::Text(text) => words.iter().any(|word| text.contains(word.as_str())),
                _ => false,
            }),
        }
    }
}

impl TextTest {
    /// Whether EQUALS is all that is asked.
    pub(super) fn is_equals(&self) -> bool {
        let Self { equals, prefixes, not_equals, not_prefixes, contains, not_contains } = self;
        !equals.is_empty() && [prefixes, not_equals, not_prefixes, contains, not_contains].iter().all(|others| others.is_empty())
    }

    fn holds(&self, field: Field, finding: &dyn Fields, missing: MissingField) -> bool {
        let mut present = false;
        let mut included = self.equals.is_empty() && self.prefixes.is_empty() && self.contains.is_empty();
        let mut excluded = false;
        finding.visit(field, &mut |item| {
            let Item::Text(text) = item else { return };
            present = true;
            included = included
                || self.equals.iter().any(|value| value == text)
                || self.prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()))
                || self.contains.iter().any(|part| text.contains(part.as_str()));
            excluded = excluded
                || self.not_equals.iter().any(|value| value == text)
                || self.not_prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()))
                || self.not_contains.iter().any(|part| text.contains(part.as_str()));
        });
        included && !excluded && (present || missing == MissingField::Match)
    }
}

impl MapTest {
    /// Whether EQUALS is all that is asked.
    pub(super) fn is_equals(&self) -> bool {
        !self.equals.is_empty() && self.not_equals.is_empty() && self.contains.is_empty() && self.not_contains.is_empty()
    }

    fn holds(&self, field: Field, finding: &dyn Fields, missing: MissingField) -> bool {
        let mut included = self.equals.is_empty() && self.contains.is_empty();
        let mut excluded = false;
        // Which keys of the negatives are there: one bit each.
        let mut seen = 0u32;
        let has = |entry: &(String, String), key: &str, value: &str| entry.0 == key && entry.1 == value;
        let holds = |entry: &(String, String), key: &str, value: &str| entry.0 == key && value.contains(entry.1.as_str());
        finding.visit(field, &mut |item| {
            let Item::Entry(key, value) = item else { return };
            included = included
                || self.equals.iter().any(|entry| has(entry, key, value))
                || self.contains.iter().any(|entry| holds(entry, key, value));
            // They never stand together.
            for (number, entry) in self.not_equals.iter().chain(&self.not_contains).enumerate() {
                if entry.0 == key {
                    seen |= 1 << number;
                }
            }
            excluded = excluded
                || self.not_equals.iter().any(|entry| has(entry, key, value))
                || self.not_contains.iter().any(|entry| holds(entry, key, value));
        });
        let all = self.not_equals.len() + self.not_contains.len() == seen.count_ones() as usize;
        included && !excluded && (all || missing == MissingField::Match)
    }
}

impl Window {
    fn has(self, time: Timestamp, now: Timestamp) -> bool {
        match self {
            Self::Between(start, end) => (start..=end).contains(&time),
            Self::Within(days) => (days_before(now, days)..=now).contains(&time),
            Self::OlderThan(days) => time < days_before(now, days),
        }
    }
}

impl Bounds {
    #[expect(clippy::float_cmp, reason = "`Eq` asks for exactly this number")]
    fn hold(&self, number: f64) -> bool {
        self.eq.is_none_or(|bound| number == bound)
            && self.gte.is_none_or(|bound| number >= bound)
            && self.lte.is_none_or(|bound| number <= bound)
            && self.gt.is_none_or(|bound| number > bound)
            && self.lt.is_none_or(|bound| number < bound)
    }
}
