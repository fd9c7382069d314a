//! The store in a snapshot: findings as they are packed, and of the indexes what would take long to make again.

use jiff::Timestamp;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::columns::{Columns, FIELDS, Items};
use super::pack::{Packed, Packer, put, take, unzigzag, zigzag};
use super::past::Past;
use super::words::Words;
use super::{CONTROLS, Kept, NEVER, Places, Store};
use crate::core::filter::{Field, OwnedItem};
use crate::core::ids::{AccountId, Region};
use crate::local::hub::lifetime::Lifetimes;
use crate::local::latin;

/// Words in one piece of the list of them.
const PIECE: usize = 4096;

/// What is written, and read in the same order: what a row needs is there before the rows.
#[derive(Serialize)]
struct Written<'a> {
    packer: &'a Packer,
    places: Vec<&'a (AccountId, Region)>,
    columns: Vec<(&'static str, Vec<Vec<&'a OwnedItem>>)>,
    past: &'a Past,
    lifetimes: Lifetimes,
    free: &'a [u32],
    rows: Rows<'a>,
    words: AllWords<'a>,
}

impl Serialize for Store {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        // Whole: who adds a member says here whether it is kept or made again.
        let Self {
            packer,
            rows: _,
            free,
            live: _,
            places,
            created: _,
            updated: _,
            processed: _,
            by_created: _,
            by_updated: _,
            columns,
            words,
            rounds: _,
            orders: _,
            past,
            lifetimes,
            hours: _,
            ends: _,
        } = self;
        Written {
            packer,
            places: places.places.iter().map(|(place, _)| place).collect(),
            columns: columns.values().into_iter().map(|(field, items)| (field.name(), values(items))).collect(),
            past,
            lifetimes: *lifetimes,
            free,
            rows: Rows(self),
            words: AllWords(words),
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Members)
    }
}

/// Reads the members one after the other, straight into a store: nothing is in memory twice.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Store;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the findings of a snapshot")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Store, A::Error> {
        let packer = member(&mut from, "packer")?;
        let mut places = Places::default();
        for (account, region) in member::<Vec<(AccountId, Region)>, A>(&mut from, "places")? {
            places.number(account, &region);
        }
        let columns = columns(member(&mut from, "columns")?)?;
        let past = member(&mut from, "past")?;
        let lifetimes = member(&mut from, "lifetimes")?;
        let free = member(&mut from, "free")?;
        let mut store = Store { packer, free, places, columns, past, lifetimes, ..Store::default() };
        named(&mut from, "rows")?;
        from.next_value_seed(IntoRows(&mut store))?;
        named(&mut from, "words")?;
        store.words = from.next_value_seed(IntoWords)?;
        if let Some(name) = from.next_key::<String>()? {
            return Err(damaged(&format!("{name} is not known")));
        }
        if store.free.len() + store.live.len() != store.rows.len() {
            return Err(damaged("rows are missing"));
        }
        Ok(store)
    }
}

fn damaged<E: serde::de::Error>(what: &str) -> E {
    E::custom(format!("the findings are damaged: {what}"))
}

/// The next member, which has this name.
fn member<'de, T: Deserialize<'de>, A: MapAccess<'de>>(from: &mut A, name: &str) -> Result<T, A::Error> {
    named(from, name)?;
    from.next_value()
}

fn named<'de, A: MapAccess<'de>>(from: &mut A, name: &str) -> Result<(), A::Error> {
    let next: Option<String> = from.next_key()?;
    if next.as_deref() == Some(name) { Ok(()) } else { Err(damaged(&format!("{name} is not where it belongs"))) }
}

fn columns<E: serde::de::Error>(saved: Vec<(String, Vec<Vec<OwnedItem>>)>) -> Result<Columns, E> {
    let mut values = Vec::new();
    for (name, items) in saved {
        let field = Field::from_name(&name).ok_or_else(|| damaged("a column of no field"))?;
        let items = items.into_iter().map(|items| items.into_iter().map(|item| (field, item)).collect()).collect();
        values.push((field, items));
    }
    Columns::with_values(values).ok_or_else(|| damaged("other columns"))
}

/// Files the rows in a store that has all else that they need.
struct IntoRows<'a>(&'a mut Store);

impl<'de> DeserializeSeed<'de> for IntoRows<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for IntoRows<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<(), A::Error> {
        let Self(store) = self;
        let (mut created, mut updated) = (Vec::new(), Vec::new());
        for row in 0.. {
            let Some(saved) = from.next_element::<Option<SavedRow>>()? else { break };
            let (kept, [create, update, process], hour) = match saved {
                None => (None, [0; 3], NEVER),
                Some(SavedRow { kept, times, hour, codes }) => {
                    let mut codes = codes.into_iter();
                    store.columns.put_codes(row, || codes.next()).ok_or_else(|| damaged("a value that no column has"))?;
                    store.places.set(kept.place).ok_or_else(|| damaged("an owner that is not named"))?.insert(row);
                    store.live.insert(row);
                    if let (Some(((account, region), _)), Some(control)) =
                        (store.places.get(kept.place), store.columns.text(row, Field::COMPLIANCE_SECURITY_CONTROL_ID))
                        && store.columns.text(row, Field::PRODUCT_ARN).is_some_and(|arn| arn.ends_with(CONTROLS))
                    {
                        store.rounds.add(row, *account, region, control);
                    }
                    if hour != NEVER {
                        store.ends.entry(hour).or_default().insert(row);
                    }
                    created.push((times[0], row));
                    updated.push((times[1], row));
                    (Some(kept), times, hour)
                }
            };
            store.rows.push(kept);
            store.created.push(create);
            store.updated.push(update);
            store.processed.push(process);
            store.hours.push(hour);
        }
        store.by_created = created.into_iter().collect();
        store.by_updated = updated.into_iter().collect();
        Ok(())
    }
}

/// Makes the words of all rows.
struct IntoWords;

impl<'de> DeserializeSeed<'de> for IntoWords {
    type Value = Words;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Words, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for IntoWords {
    type Value = Words;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the words of findings")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Words, A::Error> {
        let mut all = Vec::new();
        while let Some(Piece(words)) = from.next_element()? {
            all.extend(words);
        }
        Ok(all.into_iter().collect())
    }
}

fn values(items: &[Items]) -> Vec<Vec<&OwnedItem>> {
    items.iter().map(|items| items.iter().map(|(_, item)| item).collect()).collect()
}

/// One row: a string of numbers and the packed text.
struct SavedRow {
    kept: Kept,
    /// Created, updated, processed.
    times: [i64; 3],
    hour: i32,
    codes: [u32; FIELDS.len()],
}

struct Rows<'a>(&'a Store);

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self(store) = self;
        let mut rows = to.serialize_seq(Some(store.rows.len()))?;
        let mut bytes = Vec::new();
        for (row, kept) in (0_u32..).zip(&store.rows) {
            let Some(Kept { packed, place, customers, made }) = kept else {
                rows.serialize_element(&())?;
                continue;
            };
            bytes.clear();
            let time = |times: &[i64]| times.get(row as usize).copied().unwrap_or_default();
            put(&mut bytes, u64::from(*place));
            put(&mut bytes, u64::from(*customers));
            put(&mut bytes, zigzag(made.as_second()));
            put(&mut bytes, zigzag(i64::from(made.subsec_nanosecond())));
            for times in [&store.created, &store.updated, &store.processed] {
                put(&mut bytes, zigzag(time(times)));
            }
            put(&mut bytes, zigzag(i64::from(store.hours.get(row as usize).copied().unwrap_or(NEVER))));
            for code in store.columns.codes(row) {
                put(&mut bytes, u64::from(code));
            }
            bytes.extend_from_slice(&packed.0);
            rows.serialize_element(&latin::write(&bytes))?;
        }
        rows.end()
    }
}

impl SavedRow {
    fn read(text: &str) -> Option<Self> {
        let bytes = latin::read(text)?;
        let mut rest: &[u8] = &bytes;
        let place = u32::try_from(take(&mut rest)?).ok()?;
        let customers = u8::try_from(take(&mut rest)?).ok()?;
        let mut signed = || take(&mut rest).map(unzigzag);
        let made = Timestamp::new(signed()?, i32::try_from(signed()?).ok()?).ok()?;
        let times = [signed()?, signed()?, signed()?];
        let hour = i32::try_from(signed()?).ok()?;
        let mut codes = [0; FIELDS.len()];
        for code in &mut codes {
            *code = u32::try_from(take(&mut rest)?).ok()?;
        }
        Some(Self { kept: Kept { packed: Packed(rest.into()), place, customers, made }, times, hour, codes })
    }
}

impl<'de> Deserialize<'de> for SavedRow {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::read(&text).ok_or_else(|| D::Error::custom("a finding is damaged"))
    }
}

/// Every word and row, in pieces of differences.
struct AllWords<'a>(&'a Words);

impl Serialize for AllWords<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut pieces = to.serialize_seq(None)?;
        let (mut bytes, mut count, mut last) = (Vec::new(), 0, 0);
        for (word, row) in self.0.iter() {
            // A piece ends where words do not ascend: it holds differences.
            if count == PIECE || word < last {
                pieces.serialize_element(&latin::write(&bytes))?;
                bytes.clear();
                (count, last) = (0, 0);
            }
            put(&mut bytes, word - last);
            put(&mut bytes, u64::from(row));
            (last, count) = (word, count + 1);
        }
        pieces.serialize_element(&latin::write(&bytes))?;
        pieces.end()
    }
}

/// One piece.
struct Piece(Vec<(u64, u32)>);

impl Piece {
    fn read(text: &str) -> Option<Self> {
        let bytes = latin::read(text)?;
        let (mut rest, mut last, mut words) = (&bytes[..], 0_u64, Vec::with_capacity(PIECE));
        while !rest.is_empty() {
            last = last.checked_add(take(&mut rest)?)?;
            words.push((last, u32::try_from(take(&mut rest)?).ok()?));
        }
        Some(Self(words))
    }
}

impl<'de> Deserialize<'de> for Piece {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::read(&text).ok_or_else(|| D::Error::custom("the words of findings are damaged"))
    }
}
