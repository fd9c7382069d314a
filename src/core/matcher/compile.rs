//! From `Match` as written to [`Matcher`]: names resolved, lists sorted, defaults added.

use std::collections::BTreeMap;

use crate::core::catalogue::{Catalogue, Unknown, standard_without_prefix};
use crate::core::filter::{Field, FilterErrors, Filters};
use crate::core::ids::{AccountId, Region};
use crate::core::objects::{AccountSpec, ControlGroup, MatchSpec, Object};
use crate::core::status::{ComplianceStatus, RecordState};

use super::controls::ControlSet;
use super::{Glob, Matcher, SECURITY_HUB, StandardPattern, TagTest, labels, view};

/// What names in a match are resolved against: it is resolved again when one of these changes.
#[derive(Debug, Clone, Default)]
pub struct Context<'a> {
    accounts: Vec<(AccountId, &'a BTreeMap<String, String>)>,
    groups: BTreeMap<&'a str, ControlSet>,
}

impl<'a> Context<'a> {
    /// The declared accounts, and the control groups of a hub. A declared group hides a built-in one of its name; of two that
    /// are declared under one name, both count.
    pub fn new(accounts: &'a [Object<AccountSpec>], groups: impl IntoIterator<Item = &'a ControlGroup>) -> Self {
        let mut context = Self::default();
        context.accounts.extend(accounts.iter().map(|account| (account.spec.id, &account.meta.labels)));
        for group in groups {
            let set = ControlSet::new(&group.controls);
            let before = context.groups.remove(group.name.as_str()).unwrap_or_default();
            context.groups.insert(&group.name, before.union(set));
        }
        context
    }

    /// Whether a group of this name is declared or built in.
    pub fn known_group(&self, name: &str) -> Result<(), Unknown> {
        Catalogue::built_in().known_group(name, self.groups.keys().copied())
    }

    fn group(&self, name: &str) -> Option<ControlSet> {
        let catalogue = Catalogue::built_in();
        let built_in = || Some(ControlSet::of_ids(catalogue.group(name)?.controls(catalogue).map(|control| &control.id)));
        self.groups.get(name).cloned().or_else(built_in)
    }
}

/// Why a match cannot be compiled. It then matches nothing and its object has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// No such control group.
    #[error("groups: {0}")]
    Group(Unknown),
    /// No control has such a category.
    #[error("categories: {0}")]
    Category(Unknown),
    /// Kubernetes would refuse it.
    #[error("accountSelector: {0}")]
    Selector(String),
    /// AWS would refuse them.
    #[error("filters: {0}")]
    Filters(FilterErrors),
}

impl MatchError {
    /// The field of the match that is wrong, as manifests spell it.
    pub fn field(&self) -> &'static str {
        match self {
            Self::Group(_) => "groups",
            Self::Category(_) => "categories",
            Self::Selector(_) => "accountSelector",
            Self::Filters(_) => "filters",
        }
    }
}

/// What is assumed where nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defaults {
    /// A rule in its scope: findings of Security Hub that are ACTIVE and FAILED, each only where neither names that field.
    Rule,
    /// A target of an exception: the same.
    Target,
    /// A grant, or a condition for approvals: nothing.
    Grant,
}

/// Fields that scope or rule name, which therefore have no default.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    product: bool,
    record_state: bool,
    compliance: bool,
}

impl Named {
    fn of(spec: &MatchSpec, filters: &[Filters]) -> Self {
        let by_filter = |wanted: &[Field]| filters.iter().flat_map(Filters::fields).any(|field| wanted.contains(&field));
        Self {
            // A GeneratorId belongs to one product: under the default product it would match nothing of the others.
            product: !spec.products.is_empty()
                || !spec.generators.is_empty()
                || by_filter(&[Field::PRODUCT_ARN, Field::PRODUCT_NAME, Field::COMPANY_NAME]),
            record_state: by_filter(&[Field::RECORD_STATE]),
            compliance: !spec.compliance.is_empty() || by_filter(&[Field::COMPLIANCE_STATUS]),
        }
    }
}

impl Default for Matcher {
    fn default() -> Self {
        Self {
            never: false,
            mask: view::ANY,
            controls: None,
            except: ControlSet::default(),
            accounts: None,
            regions: None,
            products: None,
            generators: None,
            standards: Vec::new(),
            resource_types: Vec::new(),
            resources: Vec::new(),
            tags: Vec::new(),
            filters: Vec::new(),
        }
    }
}

impl Matcher {
    /// Compiles exactly what is written, without defaults. All errors at once, in the order of the fields.
    pub fn compile(spec: &MatchSpec, context: &Context<'_>) -> Result<Self, Vec<MatchError>> {
        let mut errors = Vec::new();
        let mut matcher = Self {
            controls: controls(spec, context, &mut errors),
            except: ControlSet::new(&spec.except_controls),
            accounts: accounts(spec, context, &mut errors),
            regions: given(&spec.regions).map(|regions| sorted(regions.iter().map(Region::as_str))),
            products: given(&spec.products).map(|products| sorted(products.iter().map(|product| product.trim()))),
            generators: given(&spec.generators).map(|generators| sorted(generators.iter().map(String::as_str))),
            standards: given(&spec.standards)
                .map(|names| names.iter().map(|name| standard(name)).collect())
                .into_iter()
                .collect(),
            resource_types: given(&spec.resource_types)
                .map(|kinds| sorted(kinds.iter().map(String::as_str)))
                .into_iter()
                .collect(),
            resources: given(&spec.resources)
                .map(|globs| globs.iter().map(|glob| Glob::new(glob)).collect())
                .into_iter()
                .collect(),
            ..Self::default()
        };
        if !spec.severities.is_empty() {
            matcher.mask &= view::severities(&spec.severities);
        }
        if !spec.compliance.is_empty() {
            matcher.mask &= view::compliance(&spec.compliance, (false, false));
        }
        for (key, values) in &spec.tags {
            matcher.tags.push(TagTest { key: key.as_str().into(), values: sorted(values.iter().map(String::as_str)) });
        }
        match spec.filters.as_ref().map(Filters::parse) {
            Some(Ok(filters)) => matcher.filters.push(filters),
            Some(Err(refused)) => errors.push(MatchError::Filters(refused)),
            None => {}
        }
        if errors.is_empty() { Ok(matcher.tidy()) } else { Err(errors) }
    }

    /// Compiles a rule in its scope: both must hold. For a target or a grant, `scope` is the empty match.
    pub fn compile_pair(
        scope: &MatchSpec,
        rule: &MatchSpec,
        defaults: Defaults,
        context: &Context<'_>,
    ) -> Result<Self, Vec<MatchError>> {
        let (scoped, ruled) = match (Self::compile(scope, context), Self::compile(rule, context)) {
            (Ok(scoped), Ok(ruled)) => (scoped, ruled),
            (scoped, ruled) => return Err([scoped.err(), ruled.err()].into_iter().flatten().flatten().collect()),
        };
        let named = [Named::of(scope, &scoped.filters), Named::of(rule, &ruled.filters)];
        let mut matcher = scoped.and(ruled);
        if defaults != Defaults::Grant {
            if !named.iter().any(|named| named.product) {
                let hub = Self { products: Some(vec![SECURITY_HUB.into()]), ..Self::default() };
                matcher = matcher.and(hub);
            }
            if !named.iter().any(|named| named.record_state) {
                matcher.mask &= view::record_state(RecordState::Active);
            }
            if !named.iter().any(|named| named.compliance) {
                matcher.mask &= view::compliance(&[ComplianceStatus::Failed], (false, true));
            }
        }
        Ok(matcher)
    }

    /// What both match.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.never |= other.never;
        self.mask &= other.mask;
        self.controls = both(self.controls, other.controls, ControlSet::intersection);
        self.except = self.except.union(other.except);
        self.accounts = both(self.accounts, other.accounts, intersection);
        self.regions = both(self.regions, other.regions, intersection);
        self.products = both(self.products, other.products, intersection);
        self.generators = both(self.generators, other.generators, intersection);
        self.standards.extend(other.standards);
        self.resource_types.extend(other.resource_types);
        self.resources.extend(other.resources);
        self.tags.extend(other.tags);
        self.filters.extend(other.filters);
        self.tidy()
    }

    fn tidy(mut self) -> Self {
        self.controls = self.controls.map(|set| set.without(&self.except));
        if let Some([product]) = self.products.as_deref()
            && **product == *SECURITY_HUB
        {
            // The usual case costs no comparison of texts.
            self.mask &= view::HUB_ONLY;
        }
        let nothing = |list: &Option<Vec<Box<str>>>| list.as_ref().is_some_and(Vec::is_empty);
        self.never |= self.controls.as_ref().is_some_and(ControlSet::is_empty)
            || self.accounts.as_ref().is_some_and(Vec::is_empty)
            || [&self.regions, &self.products, &self.generators].into_iter().any(nothing)
            || self.tags.iter().any(|test| test.values.is_empty());
        self
    }
}

/// `controls`, `groups` and `categories` are three fields: a control must be in each that is given.
fn controls(spec: &MatchSpec, context: &Context<'_>, errors: &mut Vec<MatchError>) -> Option<ControlSet> {
    let catalogue = Catalogue::built_in();
    let mut set = given(&spec.controls).map(ControlSet::new);
    if let Some(names) = given(&spec.groups) {
        let mut grouped = ControlSet::default();
        for name in names {
            match context.group(name) {
                Some(group) => grouped = grouped.union(group),
                None => errors.extend(context.known_group(name).err().map(MatchError::Group)),
            }
        }
        set = both(set, Some(grouped), ControlSet::intersection);
    }
    if let Some(categories) = given(&spec.categories) {
        errors
            .extend(categories.iter().filter_map(|category| catalogue.known_category(category).err()).map(MatchError::Category));
        let ids = categories.iter().flat_map(|category| catalogue.of_category(category)).map(|control| &control.id);
        set = both(set, Some(ControlSet::of_ids(ids)), ControlSet::intersection);
    }
    set
}

/// `accounts` and `accountSelector` are two fields. A selector that selects nothing matches nothing.
fn accounts(spec: &MatchSpec, context: &Context<'_>, errors: &mut Vec<MatchError>) -> Option<Vec<AccountId>> {
    let listed = given(&spec.accounts).map(|accounts| sorted(accounts.iter().copied()));
    let selected = spec.account_selector.as_ref().map(|selector| {
        errors.extend(labels::check(selector).err().map(MatchError::Selector));
        sorted(context.accounts.iter().filter(|(_, own)| labels::selects(selector, own)).map(|(id, _)| *id))
    });
    both(listed, selected, intersection)
}

fn standard(text: &str) -> StandardPattern {
    let lower = text.trim().to_ascii_lowercase();
    // A StandardsArn ends with the StandardsId.
    let id = lower.rsplit(':').next().unwrap_or_default();
    let rest = standard_without_prefix(id);
    match (rest.contains("/v/"), rest.len() < id.len()) {
        (true, true) => StandardPattern::Whole(id.into()),
        (true, false) => StandardPattern::Version(rest.into()),
        (false, _) => StandardPattern::Name(rest.into()),
    }
}

fn given<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

fn sorted<T: Ord>(values: impl IntoIterator<Item = impl Into<T>>) -> Vec<T> {
    let mut list: Vec<T> = values.into_iter().map(Into::into).collect();
    list.sort_unstable();
    list.dedup();
    list
}

fn both<T>(a: Option<T>, b: Option<T>, meet: impl FnOnce(T, T) -> T) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(meet(a, b)),
        (a, b) => a.or(b),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it has the shape of ControlSet::intersection")]
fn intersection<T: Ord>(mut a: Vec<T>, b: Vec<T>) -> Vec<T> {
    a.retain(|value| b.binary_search(value).is_ok());
    a
}
