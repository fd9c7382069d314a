//! The projection of a finding: what matching can name, split so that each part repeats as often as it can.
//!
//! An [`Origin`] is shared by the findings of an account and Region, a [`Check`] by those of a control, a [`Subject`] by those
//! of a resource.

use std::sync::Arc;

use super::key::Parts;
use super::pool::{Pool, Texts, hash_of};
use crate::core::doc::Doc;
use crate::core::facts::ResourceFacts;
use crate::core::filter::{Field, OwnedItem};
use crate::core::ids::AccountId;

/// Where a finding comes from.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) account: AccountId,
    pub(super) region: Arc<str>,
    pub(super) product_arn: Arc<str>,
    /// Head of the id.
    pub(super) head: Arc<str>,
    /// Of ProductArn and head: a part of the key's hash.
    pub(super) hash: u64,
}

impl Origin {
    /// What follows `product/` in the ProductArn.
    pub(super) fn product(&self) -> &str {
        self.product_arn.split_once("product/").map_or(&*self.product_arn, |(_, product)| product)
    }
}

/// What was checked.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) control: Option<Arc<str>>,
    pub(super) generator: Arc<str>,
    /// Sorted, each once.
    pub(super) standards: Box<[Arc<str>]>,
    /// Middle of the id.
    pub(super) middle: Arc<str>,
    /// Of the middle: a part of the key's hash.
    pub(super) hash: u64,
}

/// Values of filter fields, sorted by field.
pub(super) type Values = Vec<(Field, OwnedItem)>;

/// What it was checked on.
#[derive(Debug)]
pub(super) struct Subject {
    /// In document order.
    pub(super) resources: Box<[ResourceFacts]>,
    /// `None`: no value.
    pub(super) values: Option<Box<Values>>,
}

impl Subject {
    /// The values of some fields.
    pub(super) fn values_where(&self, wanted: impl Fn(Field) -> bool) -> impl Iterator<Item = &(Field, OwnedItem)> {
        self.values.iter().flat_map(|values| values.iter()).filter(move |(field, _)| wanted(*field))
    }

    fn heap(&self) -> usize {
        let values = self.values.as_deref().map_or(0, |values| {
            let texts = values.iter().map(|(_, item)| match item {
                OwnedItem::Text(text) => text.len(),
                OwnedItem::Entry(key, value) => key.len() + value.len(),
                OwnedItem::Number(_) | OwnedItem::Flag(_) => 0,
            });
            size_of::<Values>() + values.capacity() * size_of::<(Field, OwnedItem)>() + texts.sum::<usize>()
        });
        size_of_val(&*self.resources) + values
    }
}

/// The numbers of one finding's parts; each holds one use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refs {
    pub(super) origin: u32,
    pub(super) check: u32,
    pub(super) subject: u32,
}

/// All parts of all findings.
#[derive(Debug)]
pub(super) struct Bases {
    pub(super) origins: Pool<Origin>,
    pub(super) checks: Pool<Check>,
    pub(super) subjects: Pool<Subject>,
    texts: Texts,
}

/// The hash of ProductArn and head.
pub(super) fn origin_hash(product_arn: &str, head: &str) -> u64 {
    hash_of((product_arn, head))
}

/// The hash of a middle.
pub(super) fn check_hash(middle: &str) -> u64 {
    hash_of(middle)
}

impl Bases {
    pub(super) fn new() -> Self {
        Self { origins: Pool::new(), checks: Pool::new(), subjects: Pool::new(), texts: Texts::new() }
    }

    /// The parts of a finding, one use each.
    pub(super) fn acquire(&mut self, doc: &Doc<'_>, account: AccountId, parts: Parts<'_>, values: &[(Field, OwnedItem)]) -> Refs {
        let texts = &mut self.texts;
        let (product_arn, region) = (&*doc.product_arn, doc.region.as_deref().unwrap_or_default());
        let origin = self.origins.acquire(
            hash_of((account, region, product_arn, parts.head)),
            |known| {
                known.account == account
                    && *known.region == *region
                    && *known.product_arn == *product_arn
                    && *known.head == *parts.head
            },
            || {
                let origin = Origin {
                    account,
                    region: texts.get(region),
                    product_arn: texts.get(product_arn),
                    head: texts.get(parts.head),
                    hash: origin_hash(product_arn, parts.head),
                };
                (origin, 0)
            },
        );

        let control = doc.control_id();
        let generator = &*doc.generator_id;
        let listed = doc.compliance.iter().flat_map(|compliance| &compliance.associated_standards);
        let mut standards: Vec<&str> = listed.map(|standard| &*standard.standards_id).collect();
        standards.sort_unstable();
        standards.dedup();
        let check = self.checks.acquire(
            hash_of((control, generator, &standards, parts.middle)),
            |known| {
                known.control.as_deref() == control
                    && *known.generator == *generator
                    && known.standards.iter().map(|standard| &**standard).eq(standards.iter().copied())
                    && *known.middle == *parts.middle
            },
            || {
                let check = Check {
                    control: control.map(|control| texts.get(control)),
                    generator: texts.get(generator),
                    standards: standards.iter().map(|standard| texts.get(standard)).collect(),
                    middle: texts.get(parts.middle),
                    hash: check_hash(parts.middle),
                };
                let heap = size_of_val(&*check.standards);
                (check, heap)
            },
        );

        let resources: Vec<(&str, &str)> = doc.resources.iter().map(|resource| (&*resource.kind, &*resource.id)).collect();
        let hash = hash_of((&resources, values));
        let known_values = |known: &Subject| known.values.as_deref().map_or(values.is_empty(), |known| known == values);
        let subject = self.subjects.acquire(
            hash,
            |known| {
                known.resources.iter().map(|known| (&*known.kind, &*known.id)).eq(resources.iter().copied())
                    && known_values(known)
            },
            || {
                let resources = resources.iter().map(|&(kind, id)| ResourceFacts { kind: texts.get(kind), id: texts.get(id) });
                let values = (!values.is_empty()).then(|| Box::new(values.to_vec()));
                let subject = Subject { resources: resources.collect(), values };
                let heap = subject.heap();
                (subject, heap)
            },
        );
        Refs { origin, check, subject }
    }

    /// One use less of each.
    pub(super) fn release(&mut self, refs: Refs) {
        self.origins.release(refs.origin, |_| 0);
        self.checks.release(refs.check, |check| size_of_val(&*check.standards));
        self.subjects.release(refs.subject, Subject::heap);
    }

    pub(super) fn bytes(&self) -> usize {
        self.origins.bytes() + self.checks.bytes() + self.subjects.bytes() + self.texts.bytes()
    }
}
