//! One finding in 64 bytes.

use jiff::Timestamp;

use super::coverage::Place;
use super::key::Form;
use super::state::NoteKind;
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};

/// A time in 6 bytes: milliseconds, to which AWS rounds. All zero: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Millis([u8; 6]);

impl Millis {
    pub(super) const NONE: Self = Self([0; 6]);
    /// 557 years: everything from 1413 to 9999, the last year that RFC 3339 has, is positive and fits.
    const SHIFT: i64 = 1 << 44;
    const MAX: i64 = (1 << 48) - 1 - Self::SHIFT;

    pub(super) fn from_ms(ms: i64) -> Self {
        let [_, _, bytes @ ..] = (ms.clamp(1 - Self::SHIFT, Self::MAX) + Self::SHIFT).to_be_bytes();
        Self(bytes)
    }

    pub(super) fn of(time: Timestamp) -> Self {
        Self::from_ms(time.as_millisecond())
    }

    pub(super) fn ms(self) -> i64 {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&self.0);
        i64::from_be_bytes(bytes) - Self::SHIFT
    }

    pub(super) fn time(self) -> Timestamp {
        Timestamp::from_millisecond(self.ms()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    pub(super) fn time_opt(self) -> Option<Timestamp> {
        (self != Self::NONE).then(|| self.time())
    }
}

/// The small closed values, in 15 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits(u16);

/// What [`Bits`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Small {
    pub(super) workflow: WorkflowStatus,
    pub(super) compliance: Option<ComplianceStatus>,
    pub(super) record_state: RecordState,
    pub(super) severity: Option<SeverityLabel>,
    pub(super) note: NoteKind,
    pub(super) foreign: bool,
    pub(super) form: Form,
    /// The provider has said something since the marker was written.
    pub(super) refreshed: bool,
}

fn option_bits<T>(value: Option<T>, bits: impl Fn(T) -> u16) -> u16 {
    value.map_or(7, bits)
}

impl Bits {
    pub(super) fn new(small: Small) -> Self {
        let Small { workflow, compliance, record_state, severity, note, foreign, form, refreshed } = small;
        Self(
            workflow as u16
                | option_bits(compliance, |value| value as u16) << 2
                | (record_state as u16) << 5
                | option_bits(severity, |value| value as u16) << 6
                | (note as u16) << 9
                | u16::from(foreign) << 11
                | (form as u16) << 12
                | u16::from(refreshed) << 14,
        )
    }

    pub(super) fn small(self) -> Small {
        let part = |shift: u32, bits: u32| usize::from(self.0 >> shift & ((1 << bits) - 1));
        Small {
            workflow: WorkflowStatus::ALL.get(part(0, 2)).copied().unwrap_or(WorkflowStatus::New),
            compliance: ComplianceStatus::ALL.get(part(2, 3)).copied(),
            record_state: RecordState::ALL.get(part(5, 1)).copied().unwrap_or(RecordState::Active),
            severity: SeverityLabel::ALL.get(part(6, 3)).copied(),
            note: match part(9, 2) {
                0 => NoteKind::None,
                1 => NoteKind::Ours,
                _ => NoteKind::Foreign,
            },
            foreign: part(11, 1) == 1,
            form: Form::from_bits(self.0 >> 12),
            refreshed: part(14, 1) == 1,
        }
    }
}

/// No pool has this number.
pub(super) const NOWHERE: u32 = u32::MAX;

/// One finding. Everything that repeats is a number in a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) tail: [u8; 16],
    /// Account, Region, ProductArn, head of the id; [`NOWHERE`]: this row is free.
    pub(super) origin: u32,
    /// Control, generator, standards, middle of the id.
    pub(super) check: u32,
    /// Resources and projected values.
    pub(super) subject: u32,
    /// Marker; [`NOWHERE`]: none.
    pub(super) marker: u32,
    pub(super) problem: u32,
    pub(super) created: Millis,
    pub(super) version: Millis,
    pub(super) observed: Millis,
    pub(super) seen: Millis,
    pub(super) bits: Bits,
    pub(super) place: Place,
    /// Which fields were projected: a number in the list of path sets.
    pub(super) paths: u8,
}

impl Row {
    pub(super) fn small(&self) -> Small {
        self.bits.small()
    }

    pub(super) fn update(&mut self, change: impl FnOnce(&mut Small)) {
        let mut small = self.small();
        change(&mut small);
        self.bits = Bits::new(small);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_64_bytes() {
        assert_eq!(size_of::<Row>(), 64);
    }

    #[test]
    fn every_small_value_survives_packing() {
        for &workflow in WorkflowStatus::ALL {
            for compliance in ComplianceStatus::ALL.iter().copied().map(Some).chain([None]) {
                for severity in SeverityLabel::ALL.iter().copied().map(Some).chain([None]) {
                    for &record_state in RecordState::ALL {
                        for (note, form, foreign) in [
                            (NoteKind::None, Form::Uuid, true),
                            (NoteKind::Ours, Form::Hex, false),
                            (NoteKind::Foreign, Form::Short, true),
                            (NoteKind::None, Form::Long, false),
                        ] {
                            let refreshed = foreign;
                            let small = Small { workflow, compliance, record_state, severity, note, foreign, form, refreshed };
                            assert_eq!(Bits::new(small).small(), small);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn times_keep_their_millisecond_and_none_is_none() {
        for text in ["1969-12-31T23:59:59.999Z", "1970-01-01T00:00:00Z", "2026-11-21T08:00:00.123Z", "9999-12-30T00:00:00Z"] {
            let time: Timestamp = text.parse().unwrap();
            assert_eq!(Millis::of(time).time(), time);
            assert_eq!(Millis::of(time).time_opt(), Some(time));
        }
        assert_eq!(Millis::NONE.time_opt(), None);
    }
}
