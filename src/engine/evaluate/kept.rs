//! Values that many rows share, each kept once and known by a small number. They stay as long as the declared set: there are as
//! many as findings differ for it, not as many as there are findings.

use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Kept<T> {
    numbers: BTreeMap<Arc<T>, u32>,
    values: Vec<Arc<T>>,
}

impl<T: Ord> Kept<T> {
    pub(super) fn new() -> Self {
        Self { numbers: BTreeMap::new(), values: Vec::new() }
    }

    /// The value's number. Numbers are below `u32::MAX`: there are fewer values than rows.
    pub(super) fn number(&mut self, value: T) -> u32 {
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let (value, number) = (Arc::new(value), u32::try_from(self.values.len()).unwrap_or(u32::MAX));
        self.numbers.insert(Arc::clone(&value), number);
        self.values.push(value);
        number
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<T>> {
        self.values.get(number as usize)
    }
}
