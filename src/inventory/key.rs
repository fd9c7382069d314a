//! Finding ids, kept small and given back exactly.
//!
//! `arn:aws:securityhub:eu-west-1:111122223333:` + `security-control/S3.8/finding/` + `0f0e0d0c-1111-…`: the first part is the
//! same for all findings of an account and Region, the second for all of a control, the third is 16 bytes where it is a UUID
//! or as many hex digits.

use super::pool::{Chunks, hash_of};

/// An id in three parts; together they are the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    pub(super) head: &'a str,
    pub(super) middle: &'a str,
    pub(super) tail: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn of(id: &'a str) -> Self {
        let head = if id.starts_with("arn:") { id.match_indices(':').nth(4).map_or(0, |(at, _)| at + 1) } else { 0 };
        let (head, rest) = id.split_at(head);
        let (middle, tail) = rest.split_at(rest.rfind('/').map_or(0, |at| at + 1));
        Self { head, middle, tail }
    }
}

/// How a tail is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Form {
    /// A lower-case UUID with dashes.
    Uuid = 0,
    /// 32 lower-case hex digits.
    Hex = 1,
    /// At most 15 bytes, after one byte of length.
    Short = 2,
    /// The number of a text kept aside.
    Long = 3,
}

impl Form {
    pub(super) fn from_bits(bits: u16) -> Self {
        match bits & 3 {
            0 => Self::Uuid,
            1 => Self::Hex,
            2 => Self::Short,
            _ => Self::Long,
        }
    }
}

const DASHES: [usize; 4] = [8, 13, 18, 23];

fn hex(digits: impl Iterator<Item = u8>) -> Option<u128> {
    let mut value = 0;
    for digit in digits {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        value = value << 4 | u128::from(digit);
    }
    Some(value)
}

/// The 16 bytes of a tail that fits into them.
pub(super) fn pack(tail: &str) -> Option<(Form, [u8; 16])> {
    let bytes = tail.as_bytes();
    match bytes.len() {
        36 if DASHES.iter().all(|&at| bytes[at] == b'-') => {
            let digits = bytes.iter().enumerate().filter(|(at, _)| !DASHES.contains(at)).map(|(_, &byte)| byte);
            hex(digits).map(|value| (Form::Uuid, value.to_be_bytes()))
        }
        32 => hex(bytes.iter().copied()).map(|value| (Form::Hex, value.to_be_bytes())),
        length @ 0..=15 => {
            let mut packed = [0; 16];
            packed[0] = u8::try_from(length).ok()?;
            packed[1..=length].copy_from_slice(bytes);
            Some((Form::Short, packed))
        }
        _ => None,
    }
}

/// The text of a packed tail, appended to `out`.
fn unpack(form: Form, packed: [u8; 16], out: &mut String) {
    use std::fmt::Write as _;
    match form {
        Form::Uuid => {
            let value = u128::from_be_bytes(packed);
            let part = |shift: u32, digits: u32| (value >> shift) & ((1 << (4 * digits)) - 1);
            let [first, last] = [part(96, 8), part(0, 12)];
            let middle = [part(80, 4), part(64, 4), part(48, 4)];
            // Writing to a String does not fail.
            let _ = write!(out, "{first:08x}-{:04x}-{:04x}-{:04x}-{last:012x}", middle[0], middle[1], middle[2]);
        }
        Form::Hex => {
            let _ = write!(out, "{:032x}", u128::from_be_bytes(packed));
        }
        Form::Short => {
            let length = usize::from(packed[0]).min(15);
            out.push_str(str::from_utf8(&packed[1..=length]).unwrap_or_default());
        }
        Form::Long => {}
    }
}

/// Tails that do not fit into 16 bytes.
#[derive(Debug)]
pub(super) struct LongTails {
    texts: Chunks<Option<Box<str>>>,
    free: Vec<u32>,
    heap: usize,
}

impl LongTails {
    pub(super) fn new() -> Self {
        Self { texts: Chunks::new(), free: Vec::new(), heap: 0 }
    }

    /// Keeps a tail: its 16 bytes.
    pub(super) fn keep(&mut self, tail: &str) -> (Form, [u8; 16]) {
        if let Some(packed) = pack(tail) {
            return packed;
        }
        self.heap += tail.len();
        let text = Some(Box::from(tail));
        let index = match self.free.pop() {
            Some(index) => {
                if let Some(slot) = self.texts.get_mut(index) {
                    *slot = text;
                }
                index
            }
            None => self.texts.push(text),
        };
        let mut packed = [0; 16];
        packed[..4].copy_from_slice(&index.to_be_bytes());
        (Form::Long, packed)
    }

    /// Lets a tail go.
    pub(super) fn free(&mut self, form: Form, packed: [u8; 16]) {
        if form == Form::Long
            && let Some(text) = self.texts.get_mut(index(packed)).and_then(Option::take)
        {
            self.heap -= text.len();
            self.free.push(index(packed));
        }
    }

    fn long(&self, packed: [u8; 16]) -> &str {
        self.texts.get(index(packed)).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Appends the text of a tail.
    pub(super) fn write(&self, form: Form, packed: [u8; 16], out: &mut String) {
        match form {
            Form::Long => out.push_str(self.long(packed)),
            _ => unpack(form, packed, out),
        }
    }

    /// Whether the kept tail is this text; `wanted` is [`pack`] of it.
    pub(super) fn is(&self, form: Form, packed: [u8; 16], tail: &str, wanted: Option<(Form, [u8; 16])>) -> bool {
        match wanted {
            Some(wanted) => wanted == (form, packed),
            None => form == Form::Long && self.long(packed) == tail,
        }
    }

    /// The hash of a kept key: `origin` and `check` are those of the ProductArn with the head, and of the middle.
    pub(super) fn hash(&self, origin: u64, check: u64, form: Form, packed: [u8; 16]) -> u64 {
        match form {
            Form::Long => key_hash(origin, check, self.long(packed), None),
            _ => key_hash(origin, check, "", Some((form, packed))),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.texts.bytes() + self.free.capacity() * 4 + self.heap
    }
}

/// The hash of a key, by its content.
pub(super) fn key_hash(origin: u64, check: u64, tail: &str, packed: Option<(Form, [u8; 16])>) -> u64 {
    match packed {
        Some((form, packed)) => hash_of((origin, check, form as u8, u128::from_be_bytes(packed))),
        None => hash_of((origin, check, tail)),
    }
}

fn index(packed: [u8; 16]) -> u32 {
    let [a, b, c, d, ..] = packed;
    u32::from_be_bytes([a, b, c, d])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(id: &str) -> (Form, String) {
        let parts = Parts::of(id);
        let mut tails = LongTails::new();
        let (form, packed) = tails.keep(parts.tail);
        let mut text = format!("{}{}", parts.head, parts.middle);
        tails.write(form, packed, &mut text);
        (form, text)
    }

    #[test]
    fn a_control_findings_id_is_split_where_it_repeats() {
        let id = "arn:aws:securityhub:eu-west-1:111122223333:security-control/S3.8/finding/0f0e0d0c-1111-4222-8333-444455556666";
        let parts = Parts::of(id);
        assert_eq!(parts.head, "arn:aws:securityhub:eu-west-1:111122223333:");
        assert_eq!(parts.middle, "security-control/S3.8/finding/");
        assert_eq!(round(id), (Form::Uuid, id.to_owned()));
    }

    #[test]
    fn only_what_can_be_given_back_exactly_is_packed() {
        assert_eq!(pack("0F0e0d0c-1111-4222-8333-444455556666"), None);
        assert_eq!(pack("0f0e0d0c11114222833344445555666").map(|(form, _)| form), None);
        assert_eq!(pack("0f0e0d0c111142228333444455556666").map(|(form, _)| form), Some(Form::Hex));
        assert_eq!(pack("äöü").map(|(form, _)| form), Some(Form::Short));
    }

    #[test]
    fn long_tails_are_kept_aside_and_let_go() {
        let mut tails = LongTails::new();
        let (form, packed) = tails.keep("a tail of more than sixteen bytes");
        assert_eq!(form, Form::Long);
        tails.free(form, packed);
        assert_eq!(tails.heap, 0);
        assert_eq!(tails.keep("another tail of more than sixteen").1, packed);
    }

    proptest! {
        #[test]
        fn every_id_comes_back_exactly(id in "(arn:[a-z:]{0,12})?[a-zäA-Z0-9:/-]{0,60}([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})?") {
            prop_assert_eq!(round(&id).1, id);
        }
    }
}
