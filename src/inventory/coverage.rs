//! What has been read completely, and when: windows over CreatedAt, per place where we read.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A place where we read and write: the home Region, or a Region that is not linked to it. Numbered by the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(pub u8);

/// A window over CreatedAt, both ends inclusive, at millisecond precision as AWS keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    /// From; `None`: from the beginning.
    pub from: Option<Timestamp>,
    /// To; `None`: without end.
    pub to: Option<Timestamp>,
}

impl Window {
    /// All of time.
    pub const ALL: Self = Self { from: None, to: None };

    /// The windows between cuts (ascending): together all of time, without overlap. A cut is the first moment of its window.
    pub fn split(cuts: &[Timestamp]) -> Vec<Self> {
        let cuts: std::collections::BTreeSet<i64> = cuts.iter().map(|cut| cut.as_millisecond()).collect();
        let mut windows = Vec::with_capacity(cuts.len() + 1);
        let mut from = None;
        for cut in cuts {
            windows.push(Self { from, to: Timestamp::from_millisecond(cut - 1).ok() });
            from = Timestamp::from_millisecond(cut).ok();
        }
        windows.push(Self { from, to: None });
        windows
    }

    /// First and last millisecond.
    pub(super) fn bounds(&self) -> (i64, i64) {
        (self.from.map_or(i64::MIN, Timestamp::as_millisecond), self.to.map_or(i64::MAX, Timestamp::as_millisecond))
    }
}

/// Disjoint segments by first millisecond, each with its last and when the read that covered it was started.
type Segments = BTreeMap<i64, (i64, Timestamp)>;

/// What has been read completely, and when.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    places: BTreeMap<Place, Segments>,
}

impl Coverage {
    /// Nothing has been read.
    pub fn new() -> Self {
        Self::default()
    }

    /// A window of a place has been read to its last page, by a read started at `started_at`.
    pub fn mark(&mut self, place: Place, window: Window, started_at: Timestamp) {
        let (from, to) = window.bounds();
        if from > to {
            return;
        }
        let segments = self.places.entry(place).or_default();
        // An older read that ends late proves less than what is there: cut the new one around newer segments.
        let overlapping: Vec<(i64, (i64, Timestamp))> =
            segments.range(..=to).filter(|&(_, &(end, _))| end >= from).map(|(&start, &value)| (start, value)).collect();
        let mut next = Some(from);
        for (start, (end, at)) in overlapping {
            if at >= started_at {
                if let Some(open) = next.filter(|&open| open < start) {
                    segments.insert(open, (start - 1, started_at));
                }
                next = end.checked_add(1);
                continue;
            }
            segments.remove(&start);
            if start < from {
                segments.insert(start, (from - 1, at));
            }
            if end > to {
                segments.insert(to + 1, (end, at));
            }
        }
        if let Some(open) = next.filter(|&open| open <= to) {
            segments.insert(open, (to, started_at));
        }
        Self::join(segments);
    }

    /// Joins neighbours of the same read, so that the map stays as small as the last pass.
    fn join(segments: &mut Segments) {
        let mut joined: Vec<(i64, (i64, Timestamp))> = Vec::with_capacity(segments.len());
        for (&start, &(end, at)) in &*segments {
            match joined.last_mut() {
                Some((_, (last, when))) if *when == at && last.checked_add(1) == Some(start) => *last = end,
                _ => joined.push((start, (end, at))),
            }
        }
        *segments = joined.into_iter().collect();
    }

    /// Every finding of this place that existed at this time has been seen since then. `None`: there are unread windows.
    pub fn proven_since(&self, place: Place) -> Option<Timestamp> {
        let mut next = Some(i64::MIN);
        let mut oldest: Option<Timestamp> = None;
        for (&start, &(end, at)) in self.places.get(&place)? {
            if next != Some(start) {
                return None;
            }
            oldest = Some(oldest.map_or(at, |oldest| oldest.min(at)));
            next = end.checked_add(1);
        }
        oldest.filter(|_| next.is_none())
    }
}
