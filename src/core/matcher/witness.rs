//! Which property to file a rule under: a necessary one that few findings have.

use crate::core::catalogue::standard_name;
use crate::core::filter::Field;
use crate::core::ids::AccountId;
use crate::core::status::SeverityLabel;

use super::controls::ControlSet;
use super::literals::SHORTEST;
use super::{Glob, Matcher, SECURITY_HUB, StandardPattern, view};

/// One value of a property: a finding that the rule matches has at least one of the rule's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Key<'a> {
    /// Control in lower case, and account.
    ControlIn(&'a str, AccountId),
    /// In lower case.
    Control(&'a str),
    /// In lower case.
    Service(&'a str),
    Account(AccountId),
    Generator(&'a str),
    Product(&'a str),
    Region(&'a str),
    Severity(u8),
    ResourceType(&'a str),
    /// Name without prefix and version.
    Standard(&'a str),
    /// A whole resource id.
    Resource(&'a str),
    Tag(&'a str, &'a str),
    /// A text that some resource id contains.
    Literal(&'a str),
}

impl Key<'_> {
    /// The number of the kind, below 32.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Self::ControlIn(..) => 0,
            Self::Control(_) => 1,
            Self::Service(_) => 2,
            Self::Account(_) => 3,
            Self::Generator(_) => 4,
            Self::Product(_) => 5,
            Self::Region(_) => 6,
            Self::Severity(_) => 7,
            Self::ResourceType(_) => 8,
            Self::Standard(_) => 9,
            Self::Resource(_) => 10,
            Self::Tag(..) => 11,
            Self::Literal(_) => 12,
        }
    }

    /// How many findings in a million have this, roughly: only the order matters, and a wrong guess costs time, never truth.
    fn share(&self) -> u64 {
        match self {
            Self::ControlIn(..) => 50,
            Self::Control(_) => 2_500,
            Self::Service(_) => 25_000,
            Self::Account(_) | Self::Product(_) => 20_000,
            Self::Generator(_) => 2_000,
            Self::Region(_) => 120_000,
            Self::Severity(label) => match SeverityLabel::ALL.get(usize::from(*label)) {
                Some(SeverityLabel::Critical) => 60_000,
                Some(SeverityLabel::High) => 150_000,
                Some(SeverityLabel::Medium) => 450_000,
                Some(SeverityLabel::Low) => 350_000,
                Some(SeverityLabel::Informational) | None => 20_000,
            },
            Self::ResourceType(_) | Self::Tag(..) => 40_000,
            Self::Standard(_) => 400_000,
            Self::Resource(_) => 5,
            Self::Literal(text) => literal_share(text),
        }
    }
}

/// More than this and filing is no better than looking at the rule every time.
const TOO_MANY: u64 = 500_000;
/// A rule is filed under at most so many pairs of control and account.
const MAX_PAIRS: usize = 64;

/// The best property of the rule with all its values; `None`: it has none that is worth it. Ties go to the first in this order.
pub(super) fn best(matcher: &Matcher) -> Option<Vec<Key<'_>>> {
    let mut best = Best { share: TOO_MANY, keys: None };
    let listed = matcher.accounts.as_deref();
    if let Some(set) = &matcher.controls {
        best.offer(control_keys(set));
        if let (Some(accounts), true) = (listed, set.services().is_empty())
            && set.ids().len().saturating_mul(accounts.len()) <= MAX_PAIRS
        {
            let pairs = set.ids().iter().flat_map(|id| accounts.iter().map(|account| Key::ControlIn(id, *account)));
            best.offer(pairs.collect());
        }
    }
    if let Some(accounts) = listed {
        best.offer(accounts.iter().copied().map(Key::Account).collect());
    }
    if let Some(generators) = &matcher.generators {
        best.offer(generators.iter().map(|generator| Key::Generator(generator)).collect());
    }
    for globs in &matcher.resources {
        best.offer_some(globs.iter().map(glob_key).collect());
    }
    for test in &matcher.tags {
        best.offer(test.values.iter().map(|value| Key::Tag(&test.key, value)).collect());
    }
    for kinds in &matcher.resource_types {
        best.offer(kinds.iter().map(|kind| Key::ResourceType(kind)).collect());
    }
    if let Some(regions) = &matcher.regions {
        best.offer(regions.iter().map(|region| Key::Region(region)).collect());
    }
    // Nearly every finding is of the hub itself.
    if let Some(products) =
        matcher.products.as_ref().filter(|products| !products.iter().any(|product| **product == *SECURITY_HUB))
    {
        best.offer(products.iter().map(|product| Key::Product(product)).collect());
    }
    for standards in &matcher.standards {
        best.offer(standards.iter().map(standard_key).collect());
    }
    if let Some(labels) = view::confined_severities(matcher.mask) {
        best.offer(labels.map(Key::Severity).collect());
    }
    for filters in &matcher.filters {
        let keys: [(Field, KeyOf); 5] = [
            (Field::AWS_ACCOUNT_ID, |text| text.parse().ok().map(Key::Account)),
            (Field::GENERATOR_ID, |text| Some(Key::Generator(text))),
            (Field::REGION, |text| Some(Key::Region(text))),
            (Field::RESOURCE_TYPE, |text| Some(Key::ResourceType(text))),
            (Field::RESOURCE_ID, |text| Some(Key::Resource(text))),
        ];
        for (field, key) in keys {
            if let Some(values) = filters.equals_any(field) {
                // A value that cannot be (an account of eleven digits) is no value that a finding may have.
                best.offer(values.iter().filter_map(|value| key(value)).collect());
            }
        }
        if let Some(entries) = filters.equals_any_entry(Field::RESOURCE_TAGS) {
            best.offer(entries.iter().map(|(key, value)| Key::Tag(key, value)).collect());
        }
    }
    best.keys
}

/// The key of a value that filters ask for.
type KeyOf = fn(&str) -> Option<Key<'_>>;

struct Best<'a> {
    share: u64,
    keys: Option<Vec<Key<'a>>>,
}

impl<'a> Best<'a> {
    fn offer(&mut self, keys: Vec<Key<'a>>) {
        let share = keys.iter().map(Key::share).sum();
        if share < self.share {
            *self = Self { share, keys: Some(keys) };
        }
    }

    fn offer_some(&mut self, keys: Option<Vec<Key<'a>>>) {
        if let Some(keys) = keys {
            self.offer(keys);
        }
    }
}

fn control_keys(set: &ControlSet) -> Vec<Key<'_>> {
    set.ids().iter().map(|id| Key::Control(id)).chain(set.services().iter().map(|service| Key::Service(service))).collect()
}

fn glob_key(glob: &Glob) -> Option<Key<'_>> {
    let (literal, _) = glob.literal();
    glob.exact().map(Key::Resource).or_else(|| (literal.len() >= SHORTEST).then_some(Key::Literal(literal)))
}

fn standard_key(pattern: &StandardPattern) -> Key<'_> {
    match pattern {
        StandardPattern::Name(text) | StandardPattern::Version(text) | StandardPattern::Whole(text) => {
            Key::Standard(standard_name(text))
        }
    }
}

/// Looking for literals costs a pass over every resource id, so they count double. What all ARNs share says nothing.
fn literal_share(text: &str) -> u64 {
    let (rest, service) = match text.strip_prefix("arn:").map(|rest| rest.splitn(3, ':').collect::<Vec<_>>()) {
        Some(parts) => (parts.get(2).copied().unwrap_or_default(), parts.get(1).is_some_and(|service| !service.is_empty())),
        None => (text, false),
    };
    let told = rest.bytes().filter(|byte| *byte != b':').count();
    2 * match (told, service) {
        (0, false) => 500_000,
        (0, true) => 50_000,
        (1, _) => 200_000,
        (2, _) => 100_000,
        (3, _) => 40_000,
        (4 | 5, _) => 15_000,
        (6 | 7, _) => 5_000,
        (8..12, _) => 2_000,
        _ => 500,
    }
}
