//! The note and the marker that go with a change. The same for every finding of an owner, so that they share a call.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::compile::{Holder, PolicySet};
use super::decide::{Change, ChangeKind};
use super::marker::{Marker, OWNER_KEY, Owner, STATE_KEY};
use super::{effects, responses};

/// `Note.Text` holds 1 to 512 characters.
const LONGEST: usize = 512;

/// The text that tells people in the console why the finding is as it is.
pub fn text(set: &PolicySet, change: &Change, holder: &Holder, reason: &str) -> String {
    let owner = &change.owner;
    let text = match change.kind {
        ChangeKind::GiveBack => format!("Given back by Hubkeeper: {owner} no longer holds it ({reason})."),
        ChangeKind::Release => format!("Left suppressed by Hubkeeper: {owner} is gone and says to retain."),
        ChangeKind::Reopen => format!("Reopened by Hubkeeper: {owner} allows suppression only through Git."),
        _ if *owner == Owner::Inherited => {
            "Suppressed by Hubkeeper: a person suppressed another finding of the same problem.".to_owned()
        }
        _ => match holder {
            Holder::Exception(x) => {
                format!("Suppressed by Hubkeeper for {owner}{}", effects::note(&set.exceptions[*x].spec))
            }
            Holder::Rule { policy, rule } => {
                let rule = &set.policies[*policy].spec.rules[*rule];
                format!("Suppressed by Hubkeeper for {owner}, rule {}{}.", rule.name, responses::note(rule.response))
            }
            Holder::Nobody | Holder::Conflict(_) => format!("Kept by Hubkeeper for {owner}."),
        },
    };
    shorten(text)
}

fn shorten(text: String) -> String {
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut short: String = text.chars().take(LONGEST - 1).collect();
    short.push('…');
    short
}

/// The marker of a change that is sent at `now`.
pub fn marker(change: &Change, now: Timestamp) -> Marker {
    let Change { owner, workflow, hold, prior, deletion, digest, again, kind: _ } = change.clone();
    // AWS keeps milliseconds.
    let at = Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    Marker { owner, hold, set: workflow, prior, at, deletion, digest, again }
}

/// `UserDefinedFields` as they are sent: ours, and everybody else's along with them.
pub fn user_defined_fields(marker: &Marker, foreign: Option<&BTreeMap<String, String>>) -> BTreeMap<String, String> {
    let mut fields = foreign.cloned().unwrap_or_default();
    fields.insert(OWNER_KEY.to_owned(), marker.owner.to_string());
    fields.insert(STATE_KEY.to_owned(), marker.state());
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_never_exceeds_what_aws_takes_and_is_cut_at_a_character() {
        assert_eq!(shorten("a".repeat(512)).chars().count(), 512);
        let cut = shorten("é".repeat(600));
        assert_eq!(cut.chars().count(), 512);
        assert!(cut.ends_with('…'));
    }
}
