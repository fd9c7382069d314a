//! Values that many rows share, each kept once and freed with its last user.

use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher, BuildHasherDefault, Hash};
use std::sync::Arc;

use hashbrown::HashTable;

/// The same on every run: no result may depend on it, but memory figures should not wander either.
pub(super) fn hash_of(value: impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(value)
}

/// A list that grows by pieces: growing never needs a second copy of what is there.
#[derive(Debug)]
pub(super) struct Chunks<T> {
    pieces: Vec<Vec<T>>,
}

const PIECE: usize = 4096;

impl<T> Chunks<T> {
    pub(super) fn new() -> Self {
        Self { pieces: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.last().map_or(0, |last| (self.pieces.len() - 1) * PIECE + last.len())
    }

    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.pieces.get(index as usize / PIECE)?.get(index as usize % PIECE)
    }

    pub(super) fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        self.pieces.get_mut(index as usize / PIECE)?.get_mut(index as usize % PIECE)
    }

    /// Appends; the index. Indexes end before `u32::MAX`, which is kept free to mean none.
    pub(super) fn push(&mut self, value: T) -> u32 {
        let index = self.len();
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.push(value),
            _ => {
                // The first piece grows as a list does, so that a small inventory stays small.
                let mut piece = if self.pieces.is_empty() { Vec::new() } else { Vec::with_capacity(PIECE) };
                piece.push(value);
                self.pieces.push(piece);
            }
        }
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }

    pub(super) fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.capacity() * size_of::<T>()).sum()
    }
}

/// Bytes of a table: capacity is 7/8 of its buckets, each with one control byte.
pub(super) fn table_bytes<T>(table: &HashTable<T>) -> usize {
    (table.capacity() * 8 / 7) * (size_of::<T>() + 1)
}

#[derive(Debug)]
struct Slot<T> {
    /// `None`: free.
    value: Option<T>,
    users: u32,
    hash: u64,
}

/// Shared values by number.
#[derive(Debug)]
pub(super) struct Pool<T> {
    slots: Chunks<Slot<T>>,
    table: HashTable<u32>,
    free: Vec<u32>,
    /// Bytes that the values own on the heap.
    heap: usize,
}

impl<T> Pool<T> {
    pub(super) fn new() -> Self {
        Self { slots: Chunks::new(), table: HashTable::new(), free: Vec::new(), heap: 0 }
    }

    /// The value's number, with one user more. `make` gives the value and its bytes on the heap, if it is not known.
    pub(super) fn acquire(&mut self, hash: u64, same: impl Fn(&T) -> bool, make: impl FnOnce() -> (T, usize)) -> u32 {
        let slots = &self.slots;
        let known = self.table.find(hash, |&slot| slots.get(slot).and_then(|slot| slot.value.as_ref()).is_some_and(&same));
        if let Some(&slot) = known {
            self.retain(slot);
            return slot;
        }
        let (value, heap) = make();
        self.heap += heap;
        let slot = Slot { value: Some(value), users: 1, hash };
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(place) = self.slots.get_mut(index) {
                    *place = slot;
                }
                index
            }
            None => self.slots.push(slot),
        };
        let slots = &self.slots;
        self.table.insert_unique(hash, index, |&slot| slots.get(slot).map_or(0, |slot| slot.hash));
        index
    }

    /// One user more.
    pub(super) fn retain(&mut self, index: u32) {
        if let Some(slot) = self.slots.get_mut(index) {
            slot.users += 1;
        }
    }

    /// One user less; `heap`: what the value owned, as `make` said.
    pub(super) fn release(&mut self, index: u32, heap: impl FnOnce(&T) -> usize) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        slot.users = slot.users.saturating_sub(1);
        if slot.users > 0 {
            return;
        }
        if let Some(value) = slot.value.take() {
            self.heap = self.heap.saturating_sub(heap(&value));
            let hash = slot.hash;
            if let Ok(entry) = self.table.find_entry(hash, |&known| known == index) {
                entry.remove();
            }
            self.free.push(index);
        }
    }

    pub(super) fn get(&self, index: u32) -> Option<&T> {
        self.slots.get(index)?.value.as_ref()
    }

    /// How many different values.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.bytes() + table_bytes(&self.table) + self.free.capacity() * 4 + self.heap
    }

    #[cfg(test)]
    pub(super) fn users(&self) -> u64 {
        self.slots.iter().filter(|slot| slot.value.is_some()).map(|slot| u64::from(slot.users)).sum()
    }
}

/// Shared texts. Those that nobody uses any more go when the table would grow.
#[derive(Debug)]
pub(super) struct Texts {
    table: HashTable<Arc<str>>,
    sweep_at: usize,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { table: HashTable::new(), sweep_at: 1024 }
    }

    pub(super) fn get(&mut self, text: &str) -> Arc<str> {
        let hash = hash_of(text);
        if let Some(known) = self.table.find(hash, |known| **known == *text) {
            return Arc::clone(known);
        }
        if self.table.len() >= self.sweep_at {
            self.table.retain(|known| Arc::strong_count(known) > 1);
            self.sweep_at = (self.table.len() + self.table.len() / 2).max(1024);
        }
        let text: Arc<str> = text.into();
        self.table.insert_unique(hash, Arc::clone(&text), |known| hash_of(&**known));
        text
    }

    /// Two counters before each text.
    pub(super) fn bytes(&self) -> usize {
        table_bytes(&self.table) + self.table.iter().map(|text| text.len() + 2 * size_of::<usize>()).sum::<usize>()
    }
}
