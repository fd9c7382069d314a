//! What is allowed and looks like a mistake: names that nothing answers to.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problem, Verdict};
use super::yaml::Node;
use crate::core::catalogue::Catalogue;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::{Desired, HubSpec, LabelExpression, LabelOperator, LabelSelector, MatchSpec, Object};

/// Where each object was read.
pub(super) type Nodes = BTreeMap<ObjectRef, (String, Node)>;

struct Warnings<'a> {
    nodes: &'a Nodes,
    verdict: &'a mut Verdict,
}

impl Warnings<'_> {
    fn warn(&mut self, object: &ObjectRef, field: &str, message: String) {
        if let Some((file, node)) = self.nodes.get(object) {
            let problem = Problem { file: file.clone(), line: node.line_of(field), field: field.to_owned(), message };
            self.verdict.warnings.push(problem);
        }
    }
}

/// Warnings that need all objects. Where something cannot be read, it may be what is missed: then nothing is said.
pub(super) fn across(desired: &Desired, nodes: &Nodes, verdict: &mut Verdict) {
    let mut warnings = Warnings { nodes, verdict };
    let unread = |kind: Kind| {
        !desired.complete || desired.broken.iter().any(|broken| broken.object.as_ref().is_none_or(|object| object.kind == kind))
    };
    let objects = &desired.objects;
    let groups: BTreeSet<&str> =
        objects.hubs.iter().flat_map(|hub| &hub.spec.control_groups).map(|group| group.name.as_str()).collect();
    let know = Know {
        groups: (!unread(Kind::SecurityHub)).then_some(groups),
        accounts: (!unread(Kind::Account)).then(|| objects.accounts.iter().map(|account| &account.meta.labels).collect()),
    };
    for (index, hub) in objects.hubs.iter().enumerate() {
        let same = |other: &&Object<HubSpec>| other.spec.home_region == hub.spec.home_region && other.spec.role == hub.spec.role;
        if let Some(other) = objects.hubs[..index].iter().find(same) {
            let message = format!("{} has the same home Region and role: both would keep one hub", other.meta.object);
            warnings.warn(&hub.meta.object, "spec.homeRegion", message);
        }
    }
    for (index, account) in objects.accounts.iter().enumerate() {
        if let Some(other) = objects.accounts[..index].iter().find(|other| other.spec.id == account.spec.id) {
            let message = format!("{} has the same id: a selector that fits either selects the account", other.meta.object);
            warnings.warn(&account.meta.object, "spec.id", message);
        }
    }
    for policy in &objects.policies {
        let object = &policy.meta.object;
        if !unread(Kind::SecurityHub) {
            for (index, name) in policy.spec.hubs.iter().enumerate() {
                if objects.hubs.iter().all(|hub| *hub.meta.object.name != **name) {
                    let message = format!("no SecurityHub is named {name:?}: the policy does nothing there");
                    warnings.warn(object, &format!("spec.hubs[{index}]"), message);
                }
            }
        }
        matches(&mut warnings, &know, object, "spec.scope", &policy.spec.scope);
        for (index, rule) in policy.spec.rules.iter().enumerate() {
            matches(&mut warnings, &know, object, &format!("spec.rules[{index}].match"), &rule.matches);
            let all = rule.matches == MatchSpec::default();
            if all && index + 1 < policy.spec.rules.len() {
                let message =
                    format!("this rule matches all of the scope, so that the rules after {:?} decide nothing", rule.name);
                warnings.warn(object, &format!("spec.rules[{index}]"), message);
            }
        }
    }
    for exception in &objects.exceptions {
        let object = &exception.meta.object;
        let namespace = object.namespace.as_deref().unwrap_or_default();
        let named = objects.exception_policies.iter().any(|policy| policy.spec.namespaces.iter().any(|name| name == namespace));
        if !named && !unread(Kind::ExceptionPolicy) {
            let message =
                format!("no ExceptionPolicy here names the namespace {namespace:?}: without one the exception has no effect");
            warnings.warn(object, "metadata.namespace", message);
        }
        for (index, target) in exception.spec.targets.iter().enumerate() {
            matches(&mut warnings, &know, object, &format!("spec.targets[{index}]"), target);
        }
    }
    for policy in &objects.exception_policies {
        let object = &policy.meta.object;
        for (index, grant) in policy.spec.grants.iter().enumerate() {
            matches(&mut warnings, &know, object, &format!("spec.grants[{index}]"), grant);
        }
        for (index, rule) in policy.spec.approvals.iter().enumerate() {
            matches(&mut warnings, &know, object, &format!("spec.approvals[{index}].match"), &rule.matches);
        }
    }
}

/// What is known for certain; `None`: not all of it could be read.
struct Know<'a> {
    groups: Option<BTreeSet<&'a str>>,
    accounts: Option<Vec<&'a BTreeMap<String, String>>>,
}

fn matches(warnings: &mut Warnings<'_>, know: &Know<'_>, object: &ObjectRef, path: &str, spec: &MatchSpec) {
    let catalogue = Catalogue::built_in();
    if let Some(declared) = &know.groups {
        for (index, group) in spec.groups.iter().enumerate() {
            if let Err(unknown) = catalogue.known_group(group, declared.iter().copied()) {
                warnings.warn(object, &format!("{path}.groups[{index}]"), format!("{unknown}: it matches nothing"));
            }
        }
    }
    for (index, standard) in spec.standards.iter().enumerate() {
        if let Err(unknown) = catalogue.known_standard(standard) {
            warnings.warn(object, &format!("{path}.standards[{index}]"), format!("{unknown}"));
        }
    }
    if let (Some(accounts), Some(selector)) = (&know.accounts, &spec.account_selector)
        && !accounts.iter().any(|labels| selects(selector, labels))
    {
        let message = "no Account has these labels: it matches nothing".to_owned();
        warnings.warn(object, &format!("{path}.accountSelector"), message);
    }
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let holds = |expression: &LabelExpression| {
        let value = labels.get(&expression.key);
        let listed = value.is_some_and(|value| expression.values.contains(value));
        match expression.operator {
            LabelOperator::In => listed,
            LabelOperator::NotIn => !listed,
            LabelOperator::Exists => value.is_some(),
            LabelOperator::DoesNotExist => value.is_none(),
        }
    };
    selector.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
        && selector.match_expressions.iter().all(holds)
}
