//! Findings packed: what a text shares with an earlier one of its kind, and with itself, is a reference.
//!
//! A hub's findings repeat each other: those of one control differ in ids, times and the resource. The first text of a kind is
//! its template; every text is kept as literals and copies, out of the template and what has been written before it. A finding
//! of 2.5 KB takes some 0.4 KB, and is read back by copying bytes: no entropy coding, so that a page costs microseconds.
//!
//! Packed: the number of the template plus one (0: none), then literal length, literal, copy length (0: the end), place of the
//! copy, and again. Numbers are LEB128. A place is, doubled, the way from where the last copy in the template ended (zigzag), or,
//! doubled plus one, the distance back in the text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::local::latin;

/// Kinds with a template; texts of any further kind use the first template.
const KINDS: usize = 2048;
/// Longest template: longer texts serve as one up to here.
const TEMPLATE_BYTES: usize = 1 << 14;
/// Shortest copy that is found by search; shorter ones cost as much as they save.
const SHORTEST: usize = 6;
/// Shortest copy that goes on where the last one ended: its place takes one byte.
const SHORTEST_NEXT: usize = 3;
/// Places remembered by the hash of what stands there.
const SLOTS: usize = 1 << 11;

/// A packed text; only the [`Packer`] that packed it reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed(pub(super) Box<[u8]>);

impl Serialize for Packed {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        latin::write(&self.0).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Packed {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = latin::read(&text).ok_or_else(|| serde::de::Error::custom("a packed text is damaged"))?;
        Ok(Self(bytes.into_boxed_slice()))
    }
}

/// Packs texts and reads them back.
#[derive(Debug, Default)]
pub struct Packer {
    kinds: BTreeMap<String, u32>,
    templates: Vec<Template>,
}

#[derive(Debug)]
struct Template {
    text: Box<[u8]>,
    places: Box<[u16]>,
}

impl Template {
    fn new(text: &[u8]) -> Self {
        let text: Box<[u8]> = text.get(..TEMPLATE_BYTES).unwrap_or(text).into();
        let mut places = vec![0; SLOTS].into_boxed_slice();
        for (place, window) in text.windows(SHORTEST).enumerate() {
            if let Some(slot) = places.get_mut(slot(window)) {
                // 0 is none: the start of a text is found by going on.
                *slot = u16::try_from(place).unwrap_or_default();
            }
        }
        Self { text, places }
    }
}

fn slot(window: &[u8]) -> usize {
    let mut word = [0; 8];
    word[..SHORTEST].copy_from_slice(&window[..SHORTEST]);
    let mixed = u64::from_le_bytes(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 53).unwrap_or_default()
}

/// Length of what `a` and `b` begin with.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// A copy: from where, how long.
#[derive(Clone, Copy)]
struct Copy {
    back: bool,
    place: usize,
    length: usize,
}

impl Packer {
    /// Packs `text`; the first of its `kind` becomes the template of the kind.
    pub fn pack(&mut self, kind: &str, text: &str) -> Packed {
        let number = match self.kinds.get(kind) {
            Some(known) => *known,
            None if self.templates.len() < KINDS => {
                let number = u32::try_from(self.templates.len()).unwrap_or_default();
                self.templates.push(Template::new(text.as_bytes()));
                self.kinds.insert(kind.to_owned(), number);
                number
            }
            None => 0,
        };
        let mut packed = Vec::with_capacity(512);
        if let Some(template) = self.templates.get(number as usize) {
            put(&mut packed, u64::from(number) + 1);
            pack(template, text.as_bytes(), &mut packed);
        } else {
            put(&mut packed, 0);
            put(&mut packed, text.len() as u64);
            packed.extend_from_slice(text.as_bytes());
            put(&mut packed, 0);
        }
        Packed(packed.into_boxed_slice())
    }

    /// The text; `None`: these bytes were not packed here.
    pub fn unpack(&self, packed: &Packed) -> Option<String> {
        let mut rest: &[u8] = &packed.0;
        let number = usize::try_from(take(&mut rest)?).ok()?;
        let template: &[u8] = match number {
            0 => &[],
            number => &self.templates.get(number - 1)?.text,
        };
        let mut text = Vec::with_capacity(3072);
        let mut next = 0;
        loop {
            let length = usize::try_from(take(&mut rest)?).ok()?;
            text.extend_from_slice(rest.split_off(..length)?);
            let length = usize::try_from(take(&mut rest)?).ok()?;
            if length == 0 {
                return rest.is_empty().then(|| String::from_utf8(text).ok()).flatten();
            }
            let place = take(&mut rest)?;
            if place & 1 == 1 {
                let from = text.len().checked_sub(usize::try_from(place >> 1).ok()?)?;
                // A copy may reach into what it makes.
                for at in from..from.checked_add(length)? {
                    let byte = *text.get(at)?;
                    text.push(byte);
                }
            } else {
                let from = usize::try_from(next + unzigzag(place >> 1)).ok()?;
                let end = from.checked_add(length)?;
                text.extend_from_slice(template.get(from..end)?);
                next = i64::try_from(end).ok()?;
            }
        }
    }
}

fn pack(template: &Template, text: &[u8], packed: &mut Vec<u8>) {
    let mut own = [0_u16; SLOTS];
    let (mut at, mut literal, mut next) = (0, 0, 0);
    while at < text.len() {
        let rest = &text[at..];
        // Texts of one kind go in step: after a literal, the template goes on as far along.
        let in_step = next + (at - literal);
        let mut best = None;
        for place in [in_step, next] {
            let length = template.text.get(place..).map_or(0, |there| common(there, rest));
            if length >= SHORTEST_NEXT && best.is_none_or(|best: Copy| length > best.length) {
                best = Some(Copy { back: false, place, length });
            }
        }
        if let Some(window) = rest.get(..SHORTEST) {
            let slot = slot(window);
            if best.is_none_or(|best| best.length < 32) {
                let place = usize::from(template.places[slot]);
                let length = template.text.get(place..).map_or(0, |there| common(there, rest));
                if length >= SHORTEST && best.is_none_or(|best| length > best.length + 2) {
                    best = Some(Copy { back: false, place, length });
                }
                let place = usize::from(own[slot]);
                let length = if place < at { common(&text[place..], rest) } else { 0 };
                if length >= SHORTEST && best.is_none_or(|best| length > best.length + 2) {
                    best = Some(Copy { back: true, place, length });
                }
            }
        }
        let Some(copy) = best else {
            remember(&mut own, text, at);
            at += 1;
            continue;
        };
        put(packed, (at - literal) as u64);
        packed.extend_from_slice(&text[literal..at]);
        put(packed, copy.length as u64);
        if copy.back {
            put(packed, ((at - copy.place) as u64) << 1 | 1);
        } else {
            put(packed, zigzag(way(next, copy.place)) << 1);
            next = copy.place + copy.length;
        }
        // Every other place is enough to be found again.
        for place in (at..at + copy.length).step_by(2) {
            remember(&mut own, text, place);
        }
        at += copy.length;
        literal = at;
    }
    put(packed, (at - literal) as u64);
    packed.extend_from_slice(&text[literal..at]);
    put(packed, 0);
}

fn remember(own: &mut [u16; SLOTS], text: &[u8], at: usize) {
    if let (Some(window), Ok(place)) = (text.get(at..at + SHORTEST), u16::try_from(at)) {
        own[slot(window)] = place;
    }
}

/// From one place to another.
fn way(from: usize, to: usize) -> i64 {
    // Both are below TEMPLATE_BYTES.
    i64::try_from(to).unwrap_or_default() - i64::try_from(from).unwrap_or_default()
}

/// Small numbers of either sign as small numbers.
pub(super) fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

/// What [`zigzag`] was made from.
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Writes a number, seven bits a byte, low ones first.
pub(super) fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Reads what [`put`] wrote.
pub(super) fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = rest.split_off_first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// How a packer is kept: kind and template, in the order of their numbers.
#[derive(Serialize, Deserialize)]
struct Kept(Vec<(String, String)>);

impl Serialize for Packer {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Self { kinds, templates } = self;
        let mut kept = vec![(String::new(), String::new()); templates.len()];
        for (kind, number) in kinds {
            if let (Some(place), Some(template)) = (kept.get_mut(*number as usize), templates.get(*number as usize)) {
                *place = (kind.clone(), latin::write(&template.text));
            }
        }
        Kept(kept).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Packer {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Kept(kept) = Kept::deserialize(from)?;
        let mut packer = Self::default();
        for (number, (kind, text)) in (0..).zip(kept) {
            let text = latin::read(&text).ok_or_else(|| serde::de::Error::custom("a template is damaged"))?;
            packer.templates.push(Template::new(&text));
            packer.kinds.insert(kind, number);
        }
        Ok(packer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finding(number: u32) -> String {
        let account = 111_122_223_333_u64 + u64::from(number % 7);
        format!(
            r#"{{"Id":"arn:aws:securityhub:eu-west-1:{account}:security-control/S3.8/finding/{:08x}-1111","AwsAccountId":"{account}","Title":"S3 general purpose buckets should block public access","Resources":[{{"Id":"arn:aws:s3:::bucket-{number}","Type":"AwsS3Bucket"}}],"ProductFields":{{"Resources:0/Id":"arn:aws:s3:::bucket-{number}"}}}}"#,
            number.wrapping_mul(0x9e37_79b9)
        )
    }

    #[test]
    fn a_text_like_its_template_takes_a_fraction_and_is_read_back_whole() {
        let mut packer = Packer::default();
        let texts: Vec<String> = (0..50).map(finding).collect();
        let packed: Vec<Packed> = texts.iter().map(|text| packer.pack("S3.8", text)).collect();
        for (text, packed) in texts.iter().zip(&packed) {
            assert_eq!(packer.unpack(packed).as_ref(), Some(text));
            assert!(packed.0.len() * 4 < text.len(), "{} of {}", packed.0.len(), text.len());
        }
    }

    #[test]
    fn a_packer_is_the_same_after_it_was_kept() {
        let mut packer = Packer::default();
        let first = packer.pack("a", "é, \u{1f600} and \"quotes\"");
        let second = packer.pack("b", &finding(1));
        let mut read: Packer = serde_json::from_str(&serde_json::to_string(&packer).unwrap()).unwrap();
        assert_eq!(read.unpack(&first).as_deref(), Some("é, \u{1f600} and \"quotes\""));
        assert_eq!(read.unpack(&second), Some(finding(1)));
        assert_eq!(read.pack("b", &finding(2)), packer.pack("b", &finding(2)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_whole(texts in proptest::collection::vec("[ab\"\u{e9}]{0,40}|[ -~]{0,400}|(xyzxyz){0,60}", 1..6)) {
            let mut packer = Packer::default();
            let packed: Vec<Packed> = texts.iter().map(|text| packer.pack("one kind", text)).collect();
            for (text, packed) in texts.iter().zip(&packed) {
                prop_assert_eq!(packer.unpack(packed), Some(text.clone()));
            }
        }

        #[test]
        fn bytes_that_were_not_packed_are_refused_or_read_as_text(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut packer = Packer::default();
            packer.pack("one kind", &finding(1));
            // Whatever comes out, nothing panics and nothing grows beyond what the lengths say.
            let _ = packer.unpack(&Packed(bytes.into_boxed_slice()));
        }
    }
}
