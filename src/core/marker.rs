//! The marker: how a finding says who holds it. Two keys in `UserDefinedFields`, readable in the console, filterable in the
//! API, surviving a rebuilt cluster.
//!
//! `hubkeeper.dev/owner` names the object; `hubkeeper.dev/state` is a line of `key=value` words.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;

use super::ids::{Kind, ObjectRef};
use super::objects::DeletionPolicy;
use super::status::WorkflowStatus;

/// `UserDefinedFields` key that names the owner.
pub const OWNER_KEY: &str = "hubkeeper.dev/owner";
/// `UserDefinedFields` key that holds the rest.
pub const STATE_KEY: &str = "hubkeeper.dev/state";
/// `Note.UpdatedBy` of the notes that are ours.
pub const NOTE_AUTHOR: &str = "hubkeeper";

/// Who holds a finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// An exception or a policy.
    Object(ObjectRef),
    /// Nobody's object: the newest human answer on another finding of the same problem.
    Inherited,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(object) => object.fmt(f),
            Self::Inherited => f.write_str("inherited"),
        }
    }
}

impl FromStr for Owner {
    type Err = MarkerError;

    fn from_str(text: &str) -> Result<Self, MarkerError> {
        if text == "inherited" {
            return Ok(Self::Inherited);
        }
        let object: ObjectRef = text.parse().map_err(|_| MarkerError::Owner(text.to_owned()))?;
        match object.kind {
            Kind::FindingException | Kind::ControlPolicy => Ok(Self::Object(object)),
            _ => Err(MarkerError::Owner(text.to_owned())),
        }
    }
}

/// Whether a marker still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hold {
    /// We keep the workflow status.
    Held,
    /// We gave it back or let it go.
    Released,
}

/// What a finding says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker {
    /// Who.
    pub owner: Owner,
    /// Held or released.
    pub hold: Hold,
    /// The workflow status that we set last.
    pub set: WorkflowStatus,
    /// The workflow status before we came; never `SUPPRESSED`.
    pub prior: WorkflowStatus,
    /// When we decided to write it, to the millisecond.
    pub at: Timestamp,
    /// What to do when the owner is deleted, also while nobody is running.
    pub deletion: DeletionPolicy,
    /// A short digest of what decided (targets, effect, response): read only to lift `Overridden`.
    pub digest: Digest8,
    /// How often in a row, within a day, something else undid this and we set it again; survives a restart.
    pub again: u8,
}

/// What a finding says of its holder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MarkerState {
    /// No marker.
    #[default]
    None,
    /// A marker of this program, held or released.
    Ours(Arc<Marker>),
    /// Something under our keys that we cannot read: the finding is frozen.
    Broken(Arc<MarkerError>),
}

impl MarkerState {
    /// The marker, if there is a readable one.
    pub fn marker(&self) -> Option<&Arc<Marker>> {
        match self {
            Self::Ours(marker) => Some(marker),
            Self::None | Self::Broken(_) => None,
        }
    }

    /// The marker, if it is held, whatever the workflow status is.
    pub fn held(&self) -> Option<&Arc<Marker>> {
        self.marker().filter(|marker| marker.hold == Hold::Held)
    }
}

/// The first eight bytes of a SHA-256, as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest8(pub u64);

impl fmt::Display for Digest8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Why the two keys of a finding are not a marker of ours: such a finding is frozen, never given back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    /// The owner key holds something else.
    #[error("{OWNER_KEY} {0:?} names neither a FindingException, a ControlPolicy nor \"inherited\"")]
    Owner(String),
    /// The state key is missing or holds something else.
    #[error("{STATE_KEY} {0:?} is not a state that this version writes")]
    State(String),
}

impl Marker {
    /// Reads the two keys. `Ok(None)`: no marker at all.
    pub fn read(owner: Option<&str>, state: Option<&str>) -> Result<Option<Self>, MarkerError> {
        let (Some(owner), state) = (owner, state.unwrap_or_default()) else {
            return match state {
                None => Ok(None),
                Some(state) => Err(MarkerError::State(state.to_owned())),
            };
        };
        let owner: Owner = owner.parse()?;
        Self::parse_state(owner, state).map(Some).ok_or_else(|| MarkerError::State(state.to_owned()))
    }

    fn parse_state(owner: Owner, state: &str) -> Option<Self> {
        let mut words = state.split(' ');
        (words.next()? == "v1").then_some(())?;
        let hold = match words.next()? {
            "held" => Hold::Held,
            "released" => Hold::Released,
            _ => return None,
        };
        let mut value = |key: &str| words.next()?.strip_prefix(key)?.strip_prefix('=');
        let set = WorkflowStatus::parse(value("set")?)?;
        let prior = WorkflowStatus::parse(value("prior")?)?;
        let at = value("at")?.parse().ok()?;
        let deletion = match value("deletion")? {
            "revert" => DeletionPolicy::Revert,
            "retain" => DeletionPolicy::Retain,
            _ => return None,
        };
        let digest = value("digest")?;
        let digest = (digest.len() == 16).then(|| u64::from_str_radix(digest, 16).ok()).flatten().map(Digest8)?;
        let again = value("again")?.parse().ok()?;
        words.next().is_none().then_some(Self { owner, hold, set, prior, at, deletion, digest, again })
    }

    /// The value of [`STATE_KEY`].
    pub fn state(&self) -> String {
        let hold = match self.hold {
            Hold::Held => "held",
            Hold::Released => "released",
        };
        let deletion = match self.deletion {
            DeletionPolicy::Revert => "revert",
            DeletionPolicy::Retain => "retain",
        };
        let Self { set, prior, at, digest, again, .. } = self;
        format!("v1 {hold} set={set} prior={prior} at={at} deletion={deletion} digest={digest} again={again}")
    }

    /// Whether the finding, seen with this workflow status, is ours: held, and as we set it.
    pub fn is_ours(&self, workflow: WorkflowStatus) -> bool {
        self.hold == Hold::Held && self.set == workflow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker {
            owner: "FindingException/team-pay/cdn".parse().unwrap(),
            hold: Hold::Held,
            set: WorkflowStatus::Suppressed,
            prior: WorkflowStatus::New,
            at: "2026-11-21T08:00:00Z".parse().unwrap(),
            deletion: DeletionPolicy::Revert,
            digest: Digest8(0x1f),
            again: 0,
        }
    }

    #[test]
    fn a_marker_survives_being_written_and_read() {
        let marker = marker();
        let state = marker.state();
        assert_eq!(
            state,
            "v1 held set=SUPPRESSED prior=NEW at=2026-11-21T08:00:00Z deletion=revert digest=000000000000001f again=0"
        );
        assert_eq!(Marker::read(Some("FindingException/team-pay/cdn"), Some(&state)), Ok(Some(marker)));
    }

    #[test]
    fn half_a_marker_or_a_foreign_one_is_an_error_and_not_an_absence() {
        let state = marker().state();
        assert_eq!(Marker::read(None, None), Ok(None));
        assert!(Marker::read(Some("FindingException/team-pay/cdn"), None).is_err());
        assert!(Marker::read(None, Some(&state)).is_err());
        assert!(Marker::read(Some("Ticket/sec/x"), Some(&state)).is_err());
        assert!(Marker::read(Some("inherited"), Some("v2 held")).is_err());
        assert!(Marker::read(Some("inherited"), Some(&format!("{state} more=1"))).is_err());
    }
}
