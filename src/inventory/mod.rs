//! What we know of every finding: a pure cache. Everything that must survive is in Security Hub or in declared objects; this
//! can be dropped at any time and read again.
//!
//! Invariants: no async, no I/O, no clock (`now` and "seen at" are arguments); results never depend on hash order; every index
//! equals a recount of the rows.
//!
//! `store` keeps the rows (`row`), `observe` takes over sightings, `view` reads one row; `key`, `base` and `values` are what rows
//! share through `pool`; `index` finds rows by problem, owner and account; `pending` knows our own writes until the hub shows
//! them; `coverage` is about when. What is due is asked of what is declared: `core::compile`.

mod base;
mod coverage;
mod index;
mod key;
mod observe;
mod pending;
mod pool;
mod row;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod values;
mod view;

pub use coverage::{Coverage, Place, Window};
pub use observe::ObserveError;
pub use state::{Change, Expected, NoteKind, Observed, Removed, Seen, Snapshot, Source};
pub use store::{AccountCount, Inventory, Memory, RowId};
pub use view::RowView;
