//! Sets of row numbers: small where few, a bit each where many; and one dense set to join them in.

/// Rows of one chunk.
const CHUNK: u32 = 1 << 16;
/// Above so many rows a chunk takes bits: a number takes two bytes, the bits of a chunk eight thousand.
const FEW: usize = 4096;
const WORDS: usize = (CHUNK / 64) as usize;

/// A set of row numbers that grows and shrinks by one.
#[derive(Debug, Default)]
pub struct Set {
    /// By chunk, ascending.
    chunks: Vec<(u16, Chunk)>,
    length: usize,
}

#[derive(Debug)]
enum Chunk {
    /// Ascending.
    Few(Vec<u16>),
    Many(Box<[u64; WORDS]>, usize),
}

/// Chunk, and row within it.
fn split(row: u32) -> (u16, u16) {
    let [a, b, c, d] = row.to_be_bytes();
    (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

fn bit(low: u16) -> (usize, u64) {
    (usize::from(low / 64), 1 << (low % 64))
}

impl Set {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Adds a row.
    pub fn insert(&mut self, row: u32) {
        let (high, low) = split(row);
        let place = match self.chunks.binary_search_by_key(&high, |(number, _)| *number) {
            Ok(place) => place,
            Err(place) => {
                self.chunks.insert(place, (high, Chunk::Few(Vec::new())));
                place
            }
        };
        let Some((_, chunk)) = self.chunks.get_mut(place) else { return };
        self.length += usize::from(chunk.insert(low));
    }

    /// Takes a row out.
    pub fn remove(&mut self, row: u32) {
        let (high, low) = split(row);
        let Ok(place) = self.chunks.binary_search_by_key(&high, |(number, _)| *number) else { return };
        let Some((_, chunk)) = self.chunks.get_mut(place) else { return };
        self.length -= usize::from(chunk.remove(low));
        if chunk.len() == 0 {
            self.chunks.remove(place);
        }
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.chunks.iter().flat_map(|(high, chunk)| chunk.rows().map(move |low| u32::from(*high) * CHUNK + low))
    }
}

impl Chunk {
    fn len(&self) -> usize {
        match self {
            Self::Few(rows) => rows.len(),
            Self::Many(_, length) => *length,
        }
    }

    /// Whether it was not there.
    fn insert(&mut self, low: u16) -> bool {
        match self {
            Self::Few(rows) => match rows.binary_search(&low) {
                Ok(_) => false,
                Err(place) if rows.len() < FEW => {
                    rows.insert(place, low);
                    true
                }
                Err(_) => {
                    let mut words = Box::new([0; WORDS]);
                    for row in rows.iter().chain([&low]) {
                        let (word, bit) = bit(*row);
                        words[word] |= bit;
                    }
                    *self = Self::Many(words, FEW + 1);
                    true
                }
            },
            Self::Many(words, length) => {
                let (word, bit) = bit(low);
                let new = words[word] & bit == 0;
                words[word] |= bit;
                *length += usize::from(new);
                new
            }
        }
    }

    /// Whether it was there.
    fn remove(&mut self, low: u16) -> bool {
        match self {
            Self::Few(rows) => {
                let found = rows.binary_search(&low);
                if let Ok(place) = found {
                    rows.remove(place);
                }
                found.is_ok()
            }
            Self::Many(words, length) => {
                let (word, bit) = bit(low);
                let old = words[word] & bit != 0;
                words[word] &= !bit;
                *length -= usize::from(old);
                // Half as many as it takes to go the other way, so that one row that comes and goes does not turn it each time.
                if *length < FEW / 2 {
                    *self = Self::Few(ones(&words[..]).map(|row| split(row).1).collect());
                }
                old
            }
        }
    }

    fn rows(&self) -> Box<dyn Iterator<Item = u32> + '_> {
        match self {
            Self::Few(rows) => Box::new(rows.iter().map(|row| u32::from(*row))),
            Self::Many(words, _) => Box::new(ones(&words[..])),
        }
    }
}

/// The numbers of the bits that are set, ascending.
fn ones(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    (0..).step_by(64).zip(words).flat_map(|(base, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(base + bit)
        })
    })
}

/// A set with a bit for each row: to join others in.
#[derive(Debug, Clone, Default)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// None of `rows` rows.
    pub fn none(rows: usize) -> Self {
        Self(vec![0; rows.div_ceil(64)])
    }

    /// Adds a row.
    pub fn insert(&mut self, row: u32) {
        if let Some(word) = self.0.get_mut(row as usize / 64) {
            *word |= 1 << (row % 64);
        }
    }

    /// Whether a row is in it.
    pub fn has(&self, row: u32) -> bool {
        self.0.get(row as usize / 64).is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    /// Adds all of `set`.
    pub fn add(&mut self, set: &Set) {
        for (high, chunk) in &set.chunks {
            let start = usize::from(*high) * WORDS;
            match chunk {
                Chunk::Few(rows) => {
                    for row in rows {
                        let (word, bit) = bit(*row);
                        if let Some(mine) = self.0.get_mut(start + word) {
                            *mine |= bit;
                        }
                    }
                }
                Chunk::Many(words, _) => {
                    for (mine, theirs) in self.0.iter_mut().skip(start).zip(words.iter()) {
                        *mine |= theirs;
                    }
                }
            }
        }
    }

    /// Adds all of `other`.
    pub fn add_bits(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine |= theirs;
        }
    }

    /// Keeps what is in `other` too.
    pub fn keep(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= theirs;
        }
    }

    /// Takes out what is in `other`.
    pub fn drop_all(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine &= !theirs;
        }
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        ones(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Rows of two chunks, and many of them in a narrow place, so that chunks turn.
    fn change() -> impl Strategy<Value = (bool, u32, u32)> {
        (prop::bool::weighted(0.6), prop_oneof![Just(0_u32), Just(65_000), Just(131_000)], 1..5_000_u32)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_set_holds_what_a_tree_set_holds(changes in prop::collection::vec(change(), 1..12)) {
            let (mut set, mut model) = (Set::default(), BTreeSet::new());
            for (insert, start, length) in changes {
                for row in (start..start + length).step_by(if length > 4_000 { 1 } else { 3 }) {
                    if insert {
                        set.insert(row);
                        model.insert(row);
                    } else {
                        set.remove(row);
                        model.remove(&row);
                    }
                }
                prop_assert_eq!(set.len(), model.len());
            }
            prop_assert!(set.iter().eq(model.iter().copied()));
            let mut bits = Bits::none(140_000);
            bits.add(&set);
            prop_assert_eq!(bits.count(), model.len());
            prop_assert!(bits.iter().eq(model.iter().copied()));
            prop_assert!((0..140_000).all(|row| bits.has(row) == model.contains(&row)));
        }
    }
}
