//! Sets of controls.

use crate::core::ids::ControlId;
use crate::core::objects::ControlPattern;

impl ControlPattern {
    /// Whether the control of this id is meant; case is ignored.
    pub fn covers(&self, control: &str) -> bool {
        match self {
            Self::One(id) => id.as_str().eq_ignore_ascii_case(control),
            Self::Service(service) => control.split_once('.').is_some_and(|(own, _)| own.eq_ignore_ascii_case(service)),
        }
    }
}

/// A set of controls: single ones, and services whole. Everything in lower case, sorted; no id lies in a service of the set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::core) struct ControlSet {
    ids: Vec<Box<str>>,
    services: Vec<Box<str>>,
}

impl ControlSet {
    pub(in crate::core) fn new<'a>(patterns: impl IntoIterator<Item = &'a ControlPattern>) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            match pattern {
                ControlPattern::One(id) => set.ids.push(id.as_str().to_ascii_lowercase().into()),
                ControlPattern::Service(service) => set.services.push(service.to_ascii_lowercase().into()),
            }
        }
        set.tidy()
    }

    pub(in crate::core) fn of_ids<'a>(ids: impl IntoIterator<Item = &'a ControlId>) -> Self {
        let ids = ids.into_iter().map(|id| id.as_str().to_ascii_lowercase().into()).collect();
        Self { ids, services: Vec::new() }.tidy()
    }

    fn tidy(mut self) -> Self {
        self.services.sort_unstable();
        self.services.dedup();
        let services = std::mem::take(&mut self.services);
        self.ids.retain(|id| !holds(&services, service_of(id)));
        self.ids.sort_unstable();
        self.ids.dedup();
        self.services = services;
        self
    }

    pub(in crate::core) fn union(mut self, other: Self) -> Self {
        self.ids.extend(other.ids);
        self.services.extend(other.services);
        self.tidy()
    }

    pub(in crate::core) fn intersection(mut self, mut other: Self) -> Self {
        let (own, its) = (self.clone(), other.clone());
        self.ids.retain(|id| its.contains(id));
        other.ids.retain(|id| own.contains(id));
        self.services.retain(|service| holds(&its.services, service));
        self.ids.extend(other.ids);
        self.tidy()
    }

    /// Without what `other` holds, as far as that can be said: a service whole is taken away only whole.
    pub(in crate::core) fn without(mut self, other: &Self) -> Self {
        self.ids.retain(|id| !other.contains(id));
        self.services.retain(|service| !holds(&other.services, service));
        self
    }

    /// Whether the control, in lower case, is in the set.
    pub(in crate::core) fn contains(&self, lower: &str) -> bool {
        holds(&self.ids, lower) || (!self.services.is_empty() && lower.contains('.') && holds(&self.services, service_of(lower)))
    }

    pub(in crate::core) fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.services.is_empty()
    }

    /// Single controls, in lower case.
    pub(in crate::core) fn ids(&self) -> &[Box<str>] {
        &self.ids
    }

    /// Services whole, in lower case.
    pub(in crate::core) fn services(&self) -> &[Box<str>] {
        &self.services
    }
}

/// The part before the dot.
pub(in crate::core) fn service_of(control: &str) -> &str {
    control.split_once('.').map_or(control, |(service, _)| service)
}

fn holds(sorted: &[Box<str>], text: &str) -> bool {
    sorted.binary_search_by(|own| (**own).cmp(text)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> ControlPattern {
        text.to_owned().try_into().unwrap()
    }

    fn set(patterns: &[&str]) -> ControlSet {
        let patterns: Vec<_> = patterns.iter().map(|text| pattern(text)).collect();
        ControlSet::new(&patterns)
    }

    #[test]
    fn a_pattern_means_a_control_or_a_whole_service_and_never_a_substring() {
        assert!(pattern("ec2.13").covers("EC2.13"));
        assert!(!pattern("EC2.1").covers("EC2.13"));
        assert!(pattern("EC2.*").covers("ec2.182"));
        assert!(!pattern("EC.*").covers("EC2.1"));
        assert!(!pattern("EC2.*").covers("EC2"));
    }

    #[test]
    fn sets_meet_join_and_shrink_like_sets() {
        let both = set(&["EC2.*", "S3.8", "IAM.1"]).intersection(set(&["ec2.13", "S3.*"]));
        assert_eq!(both, set(&["EC2.13", "S3.8"]));
        assert_eq!(set(&["EC2.1"]).union(set(&["EC2.*"])), set(&["EC2.*"]));
        assert_eq!(set(&["EC2.*", "S3.8", "S3.9"]).without(&set(&["s3.9", "EC2.1"])), set(&["EC2.*", "S3.8"]));
        assert!(set(&["EC2.*"]).without(&set(&["ec2.*"])).is_empty());
        assert!(set(&["EC2.*"]).contains("ec2.7") && !set(&["EC2.*"]).contains("ec2"));
    }
}
