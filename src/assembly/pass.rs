//! Gates and fences.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::core::ids::ObjectRef;
use crate::engine::ports::{Absence, Blocked, Effect, Fence, Gate, SinkError};

/// Lets everything pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenGate;

#[async_trait]
impl Gate for OpenGate {
    async fn before(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }

    async fn after(&self, _effect: &Effect) -> Result<(), Blocked> {
        Ok(())
    }
}

/// Where a crash test ends the process: at the n-th passage of any effect (`7`), or of one kind of effect (`HubWrite:2`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbortAt {
    effect: Option<&'static str>,
    passage: u64,
}

/// Kinds of effects, as [`AbortAt`] names them.
const EFFECTS: [&str; 8] = ["HubWrite", "HubTag", "QueueAck", "Lease", "Status", "Event", "State", "Sts"];

fn name(effect: &Effect) -> &'static str {
    let number = match effect {
        Effect::HubWrite(_) => 0,
        Effect::HubTag => 1,
        Effect::QueueAck(_) => 2,
        Effect::Lease => 3,
        Effect::Status(_) => 4,
        Effect::Event(_) => 5,
        Effect::State => 6,
        Effect::Sts => 7,
    };
    EFFECTS[number]
}

/// Neither a passage nor an effect and a passage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a number from 1, nor an effect and a number")]
pub struct NoPassage;

impl FromStr for AbortAt {
    type Err = NoPassage;

    fn from_str(text: &str) -> Result<Self, NoPassage> {
        let (effect, passage) = match text.split_once(':') {
            Some((effect, passage)) => (Some(*EFFECTS.iter().find(|name| **name == effect).ok_or(NoPassage)?), passage),
            None => (None, text),
        };
        let passage = passage.parse().ok().filter(|passage| *passage > 0).ok_or(NoPassage)?;
        Ok(Self { effect, passage })
    }
}

/// Ends the process at a passage, without any tidying: for crash tests of the real program.
#[derive(Debug)]
pub struct AbortGate {
    at: AbortAt,
    passages: AtomicU64,
}

impl AbortGate {
    /// Passages are counted from 1; each effect has two, before and after.
    pub fn at(at: AbortAt) -> Self {
        Self { at, passages: AtomicU64::new(0) }
    }

    fn pass(&self, effect: &Effect) {
        if self.at.effect.is_none_or(|of| of == name(effect))
            && self.passages.fetch_add(1, Ordering::SeqCst) + 1 == self.at.passage
        {
            std::process::abort();
        }
    }
}

#[async_trait]
impl Gate for AbortGate {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        self.pass(effect);
        Ok(())
    }

    async fn after(&self, effect: &Effect) -> Result<(), Blocked> {
        self.pass(effect);
        Ok(())
    }
}

/// A listing is proof enough: a directory is read whole or not at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListingProves;

#[async_trait]
impl Absence for ListingProves {
    async fn is_gone(&self, _object: &ObjectRef) -> Result<bool, SinkError> {
        Ok(true)
    }
}

/// There is one writer by construction: whoever holds the state directory's lock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoleWriter;

#[async_trait]
impl Fence for SoleWriter {
    async fn may_write(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_is_a_number_alone_or_of_one_effect() {
        let read = |text: &str| text.parse::<AbortAt>().map(|at| (at.effect, at.passage));
        assert_eq!((read("7"), read("HubWrite:2")), (Ok((None, 7)), Ok((Some("HubWrite"), 2))));
        for wrong in ["", "0", "-1", "x", "HubWrite", "HubWrite:0", "Nothing:1", ":1"] {
            assert_eq!(read(wrong), Err(NoPassage), "{wrong}");
        }
    }
}
