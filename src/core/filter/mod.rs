//! AWS finding filters (`AwsSecurityFindingFilters`): one implementation, used by the matcher and by Security Hub Local.
//!
//! [`Filters::parse`] takes exactly what GetFindings takes and refuses the rest; [`Filters::matches`] answers. What AWS does not
//! document is answered so that it widens nothing, and where both readings are plausible it is a switch ([`MissingField`]):
//!
//! - **A negative on a missing field or map key** does not match; the switch says otherwise.
//! - **Times** are compared in milliseconds, to which AWS rounds those of findings. `Start` and `End` are inclusive. `WITHIN` n
//!   days is from `now` less n times 24 hours up to `now`, both inclusive; `OLDER_THAN` is what lies before. AWS refuses `Start`
//!   or `End` alone (seen in elastic/integrations pull request 19101).
//! - **Several filters of one date, number, IP, boolean or keyword attribute** are alternatives, as positive string filters are;
//!   the bounds within one number filter hold together.
//! - **A field with several values** (resources, types, standards): a positive asks for any of them, a negative forbids all.
//!   `PREFIX` with negatives is a question to the finding, not to a single value, as AWS's example words it.
//! - **Keyword** is looked for, case-sensitively, within every text of the finding.
//! - **An empty list** of filters, or `null`, is refused: it would be no condition.

mod eval;
mod fields;
#[cfg(test)]
mod laws;
mod parse;
mod project;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::{RoundMode, SignedDuration, Timestamp, TimestampRound, Unit};
use serde::{Deserialize, Serialize};

pub use fields::{Field, FieldKind};
pub use parse::{FilterError, FilterErrors, MAX_ATTRIBUTES, MAX_VALUES, Refusal};
pub use project::{OwnedItem, Projected, extract, extract_raw};

/// One value of a field in a finding; a field has none, one or several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item<'a> {
    /// A string, a date or an IP address.
    Text(&'a str),
    /// One entry of a map.
    Entry(&'a str, &'a str),
    /// A number.
    Number(f64),
    /// A boolean.
    Flag(bool),
}

/// A finding, as far as filters look at it.
pub trait Fields {
    /// Calls `visit` with every value of `field`, in document order.
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>));
}

/// What a negative filter says of a finding that does not have the field, or the map key. AWS does not document it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum MissingField {
    /// It does not match: the reading that widens no action.
    #[default]
    NoMatch,
    /// It matches: what is not there is not equal.
    Match,
}

/// Compiled filters. Attributes are joined by AND.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filters {
    /// Ascending by field, each field once.
    tests: Vec<(Field, Test)>,
}

/// What is asked of one attribute.
#[derive(Debug, Clone, PartialEq)]
enum Test {
    Text(TextTest),
    Map(MapTest),
    /// Alternatives.
    Date(Vec<Window>),
    /// Alternatives.
    Number(Vec<Bounds>),
    /// Alternatives.
    Ip(Vec<IpNet>),
    /// Alternatives.
    Flag(Vec<bool>),
    /// Alternatives.
    Keyword(Vec<String>),
}

/// `(no positive, or any of them) and all negatives`. Values in the order they were written.
#[derive(Debug, Clone, PartialEq, Default)]
struct TextTest {
    equals: Vec<String>,
    prefixes: Vec<String>,
    not_equals: Vec<String>,
    not_prefixes: Vec<String>,
}

/// Either `equals` or `not_equals` is empty.
#[derive(Debug, Clone, PartialEq, Default)]
struct MapTest {
    equals: Vec<(String, String)>,
    not_equals: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Window {
    /// Both inclusive.
    Between(Timestamp, Timestamp),
    /// Days before `now`.
    Within(i32),
    /// Days before `now`.
    OlderThan(i32),
}

/// All given bounds hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Bounds {
    eq: Option<f64>,
    gte: Option<f64>,
    lte: Option<f64>,
    gt: Option<f64>,
    lt: Option<f64>,
}

impl Filters {
    /// Whether there is no condition: everything matches.
    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    /// The fields that it names, ascending.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.tests.iter().map(|(field, _)| *field)
    }

    /// The same without what they ask of these fields: everything that the whole matches, and more.
    #[must_use]
    pub fn without(&self, fields: &[Field]) -> Self {
        Self { tests: self.tests.iter().filter(|(field, _)| !fields.contains(field)).cloned().collect() }
    }

    /// Only what they ask of this field: a finding that the whole matches, this matches.
    #[must_use]
    pub fn only(&self, field: Field) -> Self {
        Self { tests: self.tests.iter().filter(|(named, _)| *named == field).cloned().collect() }
    }

    /// The times between which, both inclusive, lies a value of this date attribute in every finding that matches at `now`.
    /// `None`: it is not asked for.
    pub fn hull(&self, field: Field, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let Test::Date(windows) = self.test(field)? else { return None };
        let now = whole_millis(now);
        let ends = |window: &Window| match window {
            Window::Between(start, end) => (*start, *end),
            Window::Within(days) => (days_before(now, *days), now),
            Window::OlderThan(days) => (Timestamp::MIN, days_before(now, *days)),
        };
        windows.iter().map(ends).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    /// Whether the answer may change by time alone: it asks for days before `now`.
    pub fn is_relative(&self) -> bool {
        self.tests.iter().any(|(_, test)| match test {
            Test::Date(windows) => windows.iter().any(|window| !matches!(window, Window::Between(..))),
            _ => false,
        })
    }

    /// The values of a string attribute that is asked for by EQUALS alone: a finding that matches has one of them, so an index
    /// can file the filters under these. `None` for any other attribute.
    pub fn equals_any(&self, field: Field) -> Option<&[String]> {
        match self.test(field)? {
            Test::Text(test) if test.prefixes.is_empty() && test.not_equals.is_empty() && test.not_prefixes.is_empty() => {
                Some(&test.equals)
            }
            _ => None,
        }
    }

    /// The entries of a map attribute that is asked for by EQUALS: a finding that matches has one of them.
    pub fn equals_any_entry(&self, field: Field) -> Option<&[(String, String)]> {
        match self.test(field)? {
            Test::Map(test) if test.not_equals.is_empty() => Some(&test.equals),
            _ => None,
        }
    }

    fn test(&self, field: Field) -> Option<&Test> {
        self.tests.iter().find(|(named, _)| *named == field).map(|(_, test)| test)
    }
}

/// Reads a time as Security Hub takes it: `2026-01-31T23:00:00Z`, with up to 9 digits of a fraction, and `Z` or an offset of at
/// most 18 hours (`+09:00`, `-0930`, `+09`). Rounded to milliseconds, as the service does. Source: API reference, Timestamps.
pub fn timestamp(text: &str) -> Option<Timestamp> {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00";
    let digits = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
    let (start, rest) = text.as_bytes().split_at_checked(SHAPE.len())?;
    if !start.iter().zip(SHAPE).all(|(is, shape)| if *shape == b'0' { is.is_ascii_digit() } else { is == shape }) {
        return None;
    }
    let offset = match rest.split_first() {
        Some((b'.', fraction)) => {
            let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            (1..=9).contains(&length).then(|| &fraction[length..])?
        }
        _ => rest,
    };
    match offset {
        b"Z" => {}
        [b'+' | b'-', hours @ ..] if hours.len() >= 2 && digits(&hours[..2]) => {
            let minutes = match &hours[2..] {
                [] => &b"00"[..],
                [b':', minutes @ ..] | minutes if minutes.len() == 2 && digits(minutes) => minutes,
                _ => return None,
            };
            if (&hours[..2], minutes) > (&b"18"[..], &b"00"[..]) {
                return None;
            }
        }
        _ => return None,
    }
    text.parse::<Timestamp>().ok()?.round(Unit::Millisecond).ok()
}

/// `now` without what is below a millisecond: an answer changes at a millisecond, not between two.
fn whole_millis(now: Timestamp) -> Timestamp {
    now.round(TimestampRound::new().smallest(Unit::Millisecond).mode(RoundMode::Floor)).unwrap_or(now)
}

/// `now` less `days` of 24 hours; the earliest time there is where that is earlier still.
fn days_before(now: Timestamp, days: i32) -> Timestamp {
    now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN)
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}
