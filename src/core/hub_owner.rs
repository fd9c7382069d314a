//! Whose a hub is: one cluster's, or one directory's, by tags on the hub's ARN. Two that write to one hub would undo each other's
//! work for ever, so whoever is not named there writes nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;

use super::ids::Region;

/// The tag that names the owner.
pub const OWNER_TAG: &str = "hubkeeper.dev/cluster";
/// The tag that says since when, RFC 3339.
pub const SINCE_TAG: &str = "hubkeeper.dev/cluster-since";
/// The owner of hubs that are kept from a directory, unless it is given another name: the same on every machine, so that neither a
/// restart elsewhere nor a deleted state directory locks anybody out.
pub const FILES: &str = "files";
/// Characters of a name: what a tag's value takes is more (256).
const NAME_CHARS: usize = 128;

/// The name by which somebody owns hubs: 1 to 128 ASCII letters, digits and `_ . : / = + - @`, not beginning with `aws:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HubOwner(Arc<str>);

/// A text that is no name of an owner.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no name of an owner: 1 to 128 letters, digits and _ . : / = + - @, not beginning with aws:")]
pub struct NameError(String);

impl HubOwner {
    /// See [`FILES`].
    pub fn files() -> Self {
        Self(FILES.into())
    }

    /// As the tag has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tags of a hub that is this owner's from `now` on.
    pub fn tags(&self, now: Timestamp) -> BTreeMap<String, String> {
        [(OWNER_TAG, self.to_string()), (SINCE_TAG, format!("{now:.0}"))].map(|(key, value)| (key.to_owned(), value)).into()
    }
}

impl FromStr for HubOwner {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/=+-@".contains(&byte);
        let reserved = text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
        if !reserved && (1..=NAME_CHARS).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(NameError(text.chars().take(NAME_CHARS).collect()))
        }
    }
}

impl fmt::Display for HubOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who the tags of a hub name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// As the tag has it: not necessarily a name that we would give.
    pub name: String,
    /// Since when, if a tag says so.
    pub since: Option<Timestamp>,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.as_str() {
            "" => f.write_str("somebody without a name")?,
            name => f.write_str(name)?,
        }
        self.since.map_or(Ok(()), |since| write!(f, " since {since:.0}"))
    }
}

/// Whose a hub is, as one of those who might own it sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No tag.
    Nobodys,
    /// The one's who asks.
    Ours(Named),
    /// Another's.
    Elsewhere(Named),
}

impl Standing {
    /// What the tags of a hub say to `own`.
    pub fn of(tags: &BTreeMap<String, String>, own: &HubOwner) -> Self {
        let Some(name) = tags.get(OWNER_TAG) else { return Self::Nobodys };
        let since = tags.get(SINCE_TAG).and_then(|since| since.parse().ok());
        // For terminals and statuses: what others wrote there may be anything.
        let named = Named { name: name.chars().filter(|c| !c.is_control()).take(256).collect(), since };
        if name == own.as_str() { Self::Ours(named) } else { Self::Elsewhere(named) }
    }

    /// Who is named.
    pub fn named(&self) -> Option<&Named> {
        match self {
            Self::Nobodys => None,
            Self::Ours(named) | Self::Elsewhere(named) => Some(named),
        }
    }
}

/// ARN of the same account's hub in another Region.
pub fn arn_in(hub_arn: &str, region: &Region) -> String {
    let mut parts: Vec<&str> = hub_arn.split(':').collect();
    if let Some(part) = parts.get_mut(3) {
        *part = region.as_str();
    }
    parts.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_what_a_tag_takes_and_people_can_type() {
        for name in ["files", "5f0c1c5e-0a1b-4c2d-8e3f-444455556666", "prod/eu", "a@b+c=d:e_f.g", &"x".repeat(128)] {
            assert_eq!(name.parse::<HubOwner>().unwrap().as_str(), name);
        }
        for name in ["", " ", "a b", "aws:x", "AWS:x", "ä", "a\n", &"x".repeat(129)] {
            assert!(name.parse::<HubOwner>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn tags_say_whose_a_hub_is() {
        let (own, now): (HubOwner, Timestamp) = ("one".parse().unwrap(), "2026-12-01T08:00:00.5Z".parse().unwrap());
        let tags = own.tags(now);
        let since = "2026-12-01T08:00:00Z".parse().ok();
        assert_eq!(Standing::of(&tags, &own), Standing::Ours(Named { name: "one".into(), since }));
        let other = Standing::of(&tags, &HubOwner::files());
        assert_eq!(other.named().unwrap().to_string(), "one since 2026-12-01T08:00:00Z");
        assert!(matches!(other, Standing::Elsewhere(_)));
        let foreign = |name: &str| Standing::of(&BTreeMap::from([(OWNER_TAG.to_owned(), name.to_owned())]), &own);
        assert_eq!(foreign("a\u{1b}[2Jb").named().unwrap().to_string(), "a[2Jb");
        assert_eq!(foreign("").named().unwrap().to_string(), "somebody without a name");
        assert_eq!(Standing::of(&BTreeMap::from([("team".to_owned(), "one".to_owned())]), &own), Standing::Nobodys);
    }

    #[test]
    fn the_hub_of_another_region_has_the_same_arn_but_for_the_region() {
        let arn = arn_in("arn:aws-cn:securityhub:cn-north-1:111122223333:hub/default", &"cn-northwest-1".parse().unwrap());
        assert_eq!(arn, "arn:aws-cn:securityhub:cn-northwest-1:111122223333:hub/default");
    }
}
