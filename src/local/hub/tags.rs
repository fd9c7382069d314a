//! Tags of the hub's resources, by ARN.
//!
//! What can be tagged is said in one place, `Hub::require_taggable`: a resource that is added later adds its line there.

use crate::core::ids::{AccountId, Region};
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::securityhub::tags::{ResourceTags, TAGS_MAX, Tags, refusal, refusal_of_keys};

use super::Hub;
use super::caller::Caller;

impl Hub {
    /// ListTagsForResource.
    pub fn tags_of(&self, caller: &Caller, arn: &str) -> Result<ResourceTags, AwsError> {
        self.require_taggable(caller, arn)?;
        Ok(ResourceTags { tags: self.tags.get(arn).cloned().unwrap_or_default() })
    }

    /// TagResource: the named keys are set, others stay.
    pub fn tag(&mut self, caller: &Caller, arn: &str, tags: &Tags) -> Result<(), AwsError> {
        check(tags)?;
        self.require_taggable(caller, arn)?;
        let known = self.tags.get(arn);
        let new = tags.keys().filter(|key| known.is_none_or(|known| !known.contains_key(*key))).count();
        if known.map_or(0, Tags::len) + new > TAGS_MAX {
            // The model of this operation has no other error for it.
            return Err(AwsError::invalid_input(format!("The resource {arn} may have at most {TAGS_MAX} tags")));
        }
        self.tags.entry(arn.to_owned()).or_default().extend(tags.clone());
        Ok(())
    }

    /// UntagResource: a key that is not there is no error.
    pub fn untag(&mut self, caller: &Caller, arn: &str, keys: &[String]) -> Result<(), AwsError> {
        if let Some(message) = refusal_of_keys(keys) {
            return Err(AwsError::invalid_input(message));
        }
        self.require_taggable(caller, arn)?;
        if let Some(known) = self.tags.get_mut(arn) {
            known.retain(|key, _| !keys.contains(key));
        }
        Ok(())
    }

    /// What was in a hub that was off for too long has no tags.
    pub(super) fn forget_tags_in(&mut self, account: AccountId, region: &Region) {
        let place = arn::Place { account, region: region.clone() };
        self.tags.retain(|arn, _| arn::read(arn).is_none_or(|(of, _)| of != place));
    }

    /// A resource that is gone has no tags.
    pub(super) fn forget_tags(&mut self, arn: &str) {
        self.tags.remove(arn);
    }

    /// Refused: what is no ARN of Security Hub; what is not there, not the caller's, in another Region, or of a kind that has no
    /// tags. The model of these operations has no error for a hub that is off: it is not there.
    fn require_taggable(&self, caller: &Caller, arn: &str) -> Result<(), AwsError> {
        let (place, resource) = arn::read(arn).ok_or_else(|| {
            AwsError::invalid_input(format!("Invalid parameter 'ResourceArn': {arn} is no ARN of Security Hub"))
        })?;
        let own = (place.account, &place.region) == (caller.account, &caller.region);
        let there = match resource {
            "hub/default" => self.require_enabled(caller).is_ok(),
            _ if resource.starts_with("automation-rule/") => self.has_rule(caller, arn),
            _ => false,
        };
        if own && there { Ok(()) } else { Err(AwsError::not_found(format!("Resource {arn} not found"))) }
    }
}

/// Refuses tags that cannot be set.
pub fn check(tags: &Tags) -> Result<(), AwsError> {
    match refusal(tags) {
        Some(message) => Err(AwsError::invalid_input(message)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{caller, hub};
    use super::*;
    use crate::wire::securityhub::EnableSecurityHub;

    const ARN: &str = "arn:aws:securityhub:eu-west-1:111122223333:hub/default";

    fn tags(keys: std::ops::Range<usize>) -> Tags {
        keys.map(|n| (format!("k{n}"), "v".to_owned())).collect()
    }

    #[test]
    fn a_resource_has_at_most_fifty_tags_and_setting_one_again_costs_nothing() {
        let (mut hub, me) = (hub(), caller("111122223333", "eu-west-1"));
        hub.tag(&me, ARN, &tags(0..30)).unwrap();
        let over = hub.tag(&me, ARN, &tags(20..51)).unwrap_err();
        assert_eq!((over.code, hub.tags_of(&me, ARN).unwrap().tags.len()), ("InvalidInputException", 30));
        hub.tag(&me, ARN, &tags(20..50)).unwrap();
        hub.untag(&me, ARN, &["k0".to_owned(), "never".to_owned()]).unwrap();
        assert_eq!(hub.tags_of(&me, ARN).unwrap().tags, tags(1..50));
    }

    #[test]
    fn what_is_not_there_not_ours_or_has_no_tags_is_not_found_and_what_is_no_arn_is_refused() {
        let (hub, me) = (hub(), caller("111122223333", "eu-west-1"));
        for arn in [
            "arn:aws:securityhub:us-east-1:111122223333:hub/default",
            "arn:aws:securityhub:eu-west-1:444455556666:hub/default",
            "arn:aws:securityhub:eu-west-1:111122223333:hub/other",
            "arn:aws:securityhub:eu-west-1:111122223333:finding-aggregator/local",
        ] {
            assert_eq!(hub.tags_of(&me, arn).unwrap_err().code, "ResourceNotFoundException", "{arn}");
        }
        for arn in ["", "hub/default", "arn:aws:s3:::bucket"] {
            assert_eq!(hub.tags_of(&me, arn).unwrap_err().code, "InvalidInputException", "{arn}");
        }
    }

    #[test]
    fn a_hub_has_the_tags_that_it_was_enabled_with_whenever_it_is_on() {
        const OWN: &str = "arn:aws:securityhub:eu-west-1:999999999999:hub/default";
        let (mut hub, stranger) = (hub(), caller("999999999999", "eu-west-1"));
        let now = "2026-12-01T08:00:00Z".parse().unwrap();
        let with = |tags| EnableSecurityHub { tags: Some(tags), ..EnableSecurityHub::default() };
        let wrong = Tags::from([("aws:x".to_owned(), "y".to_owned())]);
        assert_eq!(hub.enable(&stranger, &with(wrong), now).unwrap_err().code, "InvalidInputException");
        assert_eq!(hub.tags_of(&stranger, OWN).unwrap_err().code, "ResourceNotFoundException");
        hub.enable(&stranger, &with(tags(0..1)), now).unwrap();
        assert_eq!(hub.tags_of(&stranger, OWN).unwrap().tags, tags(0..1));
        hub.disable(&stranger, now).unwrap();
        assert_eq!(hub.tags_of(&stranger, OWN).unwrap_err().code, "ResourceNotFoundException");
        hub.enable(&stranger, &EnableSecurityHub::default(), now).unwrap();
        assert_eq!(hub.tags_of(&stranger, OWN).unwrap().tags, tags(0..1));
    }
}
