//! Which findings an object means: `Match` compiled once, asked often.
//!
//! All given fields must hold, values in one field are alternatives. A [`Matcher`] answers for one rule; the [`Index`] answers
//! for all of them at once and looks only at those that share a necessary property with the finding. [`naive`] is its oracle.

mod compile;
mod controls;
mod glob;
mod index;
mod labels;
mod literals;
mod view;
mod witness;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use compile::{Context, Defaults, MatchError};
pub(in crate::core) use controls::{ControlSet, service_of};
pub use glob::Glob;
pub use index::{Index, RuleKey, Scratch};
pub use labels::selects;
pub use view::{FactsFields, effective_severity};

use super::facts::Facts;
use super::filter::{Field, Fields, Filters, Item};
use super::ids::AccountId;
use view::View;

/// The product name of Security Hub CSPM itself: what follows `product/` in the ProductArn of control findings.
pub const SECURITY_HUB: &str = "aws/securityhub";

/// A compiled match, or the conjunction of several. The default one matches everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    /// A field resolved to nothing, or two fields exclude each other.
    never: bool,
    /// Allowed severities, compliance and record states: see [`view`].
    mask: u32,
    controls: Option<ControlSet>,
    except: ControlSet,
    /// Sorted; so are the next three.
    accounts: Option<Vec<AccountId>>,
    regions: Option<Vec<Box<str>>>,
    products: Option<Vec<Box<str>>>,
    generators: Option<Vec<Box<str>>>,
    /// A finding may have several of the following, so each list of alternatives stands for itself.
    standards: Vec<Vec<StandardPattern>>,
    /// Sorted.
    resource_types: Vec<Vec<Box<str>>>,
    resources: Vec<Vec<Glob>>,
    tags: Vec<TagTest>,
    filters: Vec<Filters>,
}

/// Some resource has this key with one of these values.
#[derive(Debug, Clone, PartialEq)]
struct TagTest {
    key: Box<str>,
    values: Vec<Box<str>>,
}

/// A standard as a match names it.
#[derive(Debug, Clone, PartialEq)]
enum StandardPattern {
    /// `pci-dss`: every version.
    Name(Box<str>),
    /// `pci-dss/v/4.0.1`.
    Version(Box<str>),
    /// `standards/pci-dss/v/4.0.1`.
    Whole(Box<str>),
}

impl StandardPattern {
    fn covers(&self, standards_id: &str) -> bool {
        match self {
            Self::Name(name) => super::catalogue::standard_name(standards_id) == &**name,
            Self::Version(version) => super::catalogue::standard_without_prefix(standards_id) == &**version,
            Self::Whole(whole) => standards_id == &**whole,
        }
    }
}

impl Matcher {
    /// Whether the finding is meant. `now` is for filters over relative dates.
    pub fn matches(&self, facts: &Facts<'_>, now: Timestamp) -> bool {
        self.admits(&View::new(facts), now)
    }

    /// Whether no finding at all can match: a field resolved to nothing, such as a selector without accounts.
    pub fn is_never(&self) -> bool {
        self.never
    }

    /// The accounts that it is confined to, ascending; `None`: not confined.
    pub fn accounts(&self) -> Option<&[AccountId]> {
        self.accounts.as_deref()
    }

    /// The Regions that it is confined to, ascending; `None`: not confined.
    pub fn regions(&self) -> Option<&[Box<str>]> {
        self.regions.as_deref()
    }

    /// The controls that it is confined to, by `controls`, `groups` and `categories`.
    pub(in crate::core) fn controls(&self) -> Option<&ControlSet> {
        self.controls.as_ref()
    }

    /// `exceptControls`.
    pub(in crate::core) fn excepted(&self) -> &ControlSet {
        &self.except
    }

    /// The fields outside [`Facts`]' own that it asks a finding for, ascending: what a projection must keep.
    pub fn projected_fields(&self) -> Vec<Field> {
        let mut fields: Vec<Field> =
            self.filters.iter().flat_map(Filters::fields).filter(|field| !view::is_base(*field)).collect();
        if !self.tags.is_empty() {
            fields.push(Field::RESOURCE_TAGS);
        }
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// Whether it asks a finding for one of these fields.
    pub fn projects(&self, fields: &[Field]) -> bool {
        self.projected_fields().iter().any(|field| fields.contains(field))
    }

    /// The same without what it asks of these projected fields: everything that the whole matches, and more. What may match a
    /// finding of which they are not known.
    #[must_use]
    pub fn without(&self, fields: &[Field]) -> Self {
        let tags = if fields.contains(&Field::RESOURCE_TAGS) { Vec::new() } else { self.tags.clone() };
        Self { tags, filters: self.filters.iter().map(|filters| filters.without(fields)).collect(), ..self.clone() }
    }

    /// Whether time alone can change what it matches: a filter over relative dates.
    pub fn is_relative(&self) -> bool {
        self.filters.iter().any(Filters::is_relative)
    }

    /// Cheapest first.
    fn admits(&self, view: &View<'_>, now: Timestamp) -> bool {
        let facts = view.facts;
        !self.never
            && view.passes(self.mask)
            && self.controls.as_ref().is_none_or(|set| view.control().is_some_and(|control| set.contains(control)))
            && (self.except.is_empty() || view.control().is_none_or(|control| !self.except.contains(control)))
            && self.accounts.as_ref().is_none_or(|accounts| accounts.binary_search(&facts.account).is_ok())
            && self.regions.as_ref().is_none_or(|regions| holds(regions, facts.region))
            && (view::is_hub_only(self.mask) || self.products.as_ref().is_none_or(|products| holds(products, facts.product)))
            && self.generators.as_ref().is_none_or(|generators| holds(generators, facts.generator))
            && self.standards.iter().all(|any| facts.standards.iter().any(|id| any.iter().any(|pattern| pattern.covers(id))))
            && self.resource_types.iter().all(|any| facts.resources.iter().any(|resource| holds(any, &resource.kind)))
            && self
                .resources
                .iter()
                .all(|any| facts.resources.iter().any(|resource| any.iter().any(|glob| glob.matches(&resource.id))))
            && self.tags.iter().all(|test| test.holds(facts.more))
            && self.filters.iter().all(|filters| filters.matches(&FactsFields(facts), now))
    }
}

impl TagTest {
    fn holds(&self, finding: &dyn Fields) -> bool {
        let mut found = false;
        finding.visit(Field::RESOURCE_TAGS, &mut |item| {
            if let Item::Entry(key, value) = item {
                found = found || (key == &*self.key && self.values.iter().any(|allowed| &**allowed == value));
            }
        });
        found
    }
}

/// Every rule that matches, in the order given: the loop that the index must agree with.
pub fn naive<'r, K>(rules: &'r [(K, Matcher)], facts: &'r Facts<'_>, now: Timestamp) -> impl Iterator<Item = &'r K> {
    let view = View::new(facts);
    rules.iter().filter(move |(_, matcher)| matcher.admits(&view, now)).map(|(key, _)| key)
}

fn holds(sorted: &[Box<str>], text: &str) -> bool {
    sorted.binary_search_by(|own| (**own).cmp(text)).is_ok()
}
