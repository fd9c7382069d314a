//! Words: which rows hold which value of a field with many values. A word is a digest of field and value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::set::{Bits, Set};
use crate::core::filter::{Field, Filters, OwnedItem, extract};

/// Fields with many values that are filed word by word.
const FIELDS: [Field; 4] = [Field::ID, Field::RESOURCE_ID, Field::USER_DEFINED_FIELDS, Field::RESOURCE_TAGS];
/// Rows above which a word has a set of its own: one of a tag that most resources have is joined at once, not row by row.
const COMMON: usize = 4_096;

/// Words and their rows.
#[derive(Debug, Default)]
pub struct Words {
    /// Word and row.
    rare: BTreeSet<(u64, u32)>,
    /// Those that have become frequent.
    common: BTreeMap<u64, Set>,
}

/// Rows that hold one of some values.
#[derive(Debug)]
pub enum Holders {
    /// These, ascending.
    Few(Vec<u32>),
    /// These.
    Many(Bits),
}

impl Holders {
    /// Whether it holds the value, perhaps.
    pub fn has(&self, row: u32) -> bool {
        match self {
            Self::Few(rows) => rows.binary_search(&row).is_ok(),
            Self::Many(bits) => bits.has(row),
        }
    }
}

impl Words {
    /// Files a row under the words of its finding, where that was `old` and is `new`; `None`: there was none, or is none.
    pub fn put(&mut self, row: u32, old: Option<&Value>, new: Option<&Value>) {
        let (was, is) = (old.map(of).unwrap_or_default(), new.map(of).unwrap_or_default());
        for word in was.difference(&is) {
            match self.common.get_mut(word) {
                Some(rows) => rows.remove(row),
                None => {
                    self.rare.remove(&(*word, row));
                }
            }
        }
        for word in is.difference(&was) {
            self.insert(*word, row);
        }
    }

    fn insert(&mut self, word: u64, row: u32) {
        if let Some(rows) = self.common.get_mut(&word) {
            rows.insert(row);
            return;
        }
        self.rare.insert((word, row));
        // Counting takes a look at each: at one row of 64 it is enough.
        if row.wrapping_mul(0x9e37_79b1) < 1 << 26 && self.rows(word).nth(COMMON).is_some() {
            let rows: Vec<u32> = self.rows(word).collect();
            let set = self.common.entry(word).or_default();
            for row in rows {
                self.rare.remove(&(word, row));
                set.insert(row);
            }
        }
    }

    /// The rows that hold a value, perhaps, ascending.
    pub fn with(&self, field: Field, value: &str) -> impl Iterator<Item = u32> + '_ {
        let word = word(field, "", value);
        self.rows(word).chain(self.common.get(&word).into_iter().flat_map(Set::iter))
    }

    fn rows(&self, word: u64) -> impl Iterator<Item = u32> + '_ {
        self.rare.range((word, 0)..=(word, u32::MAX)).map(|(_, row)| *row)
    }

    /// For each of the fields that `filters` ask for values, the rows that hold one of them, surely complete; a field that is
    /// asked otherwise has none. Up to `few` rows are a list; `size`: rows there are. The fewest first.
    pub fn holders(&self, filters: &Filters, few: usize, size: usize) -> Vec<Holders> {
        let mut all = Vec::new();
        for field in FIELDS {
            let texts = filters.equals_any(field).unwrap_or_default().iter().map(|text| word(field, "", text));
            let entries =
                filters.equals_any_entry(field).unwrap_or_default().iter().map(|(name, value)| word(field, name, value));
            let wanted: BTreeSet<u64> = texts.chain(entries).collect();
            if wanted.is_empty() {
                continue;
            }
            let rare = || wanted.iter().flat_map(|word| self.rows(*word));
            let sets: Vec<&Set> = wanted.iter().filter_map(|word| self.common.get(word)).collect();
            if sets.is_empty() && rare().nth(few).is_none() {
                let rows: BTreeSet<u32> = rare().collect();
                all.push(Holders::Few(rows.into_iter().collect()));
                continue;
            }
            let mut bits = Bits::none(size);
            for set in sets {
                bits.add(set);
            }
            for row in rare() {
                bits.insert(row);
            }
            all.push(Holders::Many(bits));
        }
        all.sort_by_cached_key(|holders| match holders {
            Holders::Few(rows) => rows.len(),
            Holders::Many(bits) => bits.count(),
        });
        all
    }

    /// Every word and row, those of each word together.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u32)> + '_ {
        let common = self.common.iter().flat_map(|(word, set)| set.iter().map(|row| (*word, row)));
        self.rare.iter().copied().chain(common)
    }
}

impl FromIterator<(u64, u32)> for Words {
    fn from_iter<I: IntoIterator<Item = (u64, u32)>>(pairs: I) -> Self {
        let mut pairs: Vec<(u64, u32)> = pairs.into_iter().collect();
        pairs.sort_unstable();
        let (mut common, mut rare) = (BTreeMap::<u64, Set>::new(), Vec::new());
        for rows in pairs.chunk_by(|one, next| one.0 == next.0) {
            match rows {
                [(word, _), ..] if rows.len() > COMMON => {
                    let set = common.entry(*word).or_default();
                    for (_, row) in rows {
                        set.insert(*row);
                    }
                }
                _ => rare.extend_from_slice(rows),
            }
        }
        // A tree that is made of a list is full, one that grows at its end is half empty.
        Self { rare: rare.into_iter().collect(), common }
    }
}

/// The words that a finding is filed under.
fn of(finding: &Value) -> BTreeSet<u64> {
    let items = extract(finding, &FIELDS);
    let word = |(field, item): &(Field, OwnedItem)| match item {
        OwnedItem::Text(text) => Some(word(*field, "", text)),
        OwnedItem::Entry(name, value) => Some(word(*field, name, value)),
        OwnedItem::Number(_) | OwnedItem::Flag(_) => None,
    };
    items.iter().filter_map(word).collect()
}

/// A digest of a value: FNV-1a, its bits mixed. Two values may have the same: whoever finds a row looks at it.
fn word(field: Field, name: &str, value: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in [field.name(), name, value] {
        for byte in part.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn finding(number: u32, team: &str) -> Value {
        let resource = json!({"Id": format!("bucket-{number}"), "Tags": {"team": team}});
        json!({"Id": format!("finding-{number}"), "Resources": [resource]})
    }

    fn of_team(words: &Words, team: &str) -> Vec<u32> {
        let filters = json!({"ResourceTags": [{"Key": "team", "Value": team, "Comparison": "EQUALS"}]});
        match words.holders(&Filters::parse(&filters).unwrap(), 10, 20_000).as_slice() {
            [Holders::Few(rows)] => rows.clone(),
            [Holders::Many(bits)] => bits.iter().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_word_that_has_become_common_finds_what_a_rare_one_would_and_so_does_what_was_saved() {
        let mut words = Words::default();
        for row in 0..10_000 {
            words.put(row, None, Some(&finding(row, if row % 2 == 0 { "even" } else { "odd" })));
        }
        assert_eq!(words.common.len(), 2);
        for row in (0..10_000).step_by(4) {
            words.put(row, Some(&finding(row, "even")), Some(&finding(row, "four")));
        }
        words.put(1, Some(&finding(1, "odd")), None);
        let pairs: Vec<(u64, u32)> = words.iter().collect();
        for words in [words, pairs.into_iter().collect()] {
            assert!(of_team(&words, "even").into_iter().eq((2..10_000).step_by(4)));
            assert!(of_team(&words, "odd").into_iter().eq((3..10_000).step_by(2)));
            assert!(of_team(&words, "four").into_iter().eq((0..10_000).step_by(4)));
            assert!(words.with(Field::ID, "finding-7").eq([7]) && words.with(Field::ID, "finding-1").next().is_none());
        }
    }
}
