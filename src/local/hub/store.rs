//! The findings: JSON text each, with what queries order and select by beside it.
//!
//! Text and not a tree: a page is served by joining texts, an event by splicing one in, and a finding of 2 KB takes 2 KB.
//! A query reads only the members that it filters by.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::core::filter::timestamp;
use crate::core::ids::{AccountId, Region};
use crate::local::clock::before;

/// `CreatedAt` in milliseconds, then the number of the finding.
pub type Position = (i64, u32);

/// One finding.
#[derive(Debug)]
pub struct Entry {
    /// Owner.
    pub account: AccountId,
    /// Where it was made.
    pub region: Region,
    /// `Id`.
    pub id: Arc<str>,
    /// `ProductArn`.
    pub product_arn: Arc<str>,
    /// The finding.
    pub text: Arc<str>,
    /// `CreatedAt` in milliseconds.
    pub created: i64,
    /// `UpdatedAt` in milliseconds.
    pub updated: i64,
    /// When the hub got it.
    pub made: Timestamp,
    /// Which top-level twins of `FindingProviderFields` are the customer's now.
    pub customers: BTreeSet<&'static str>,
    /// What was written when, and what had been there before; only as far back as the lag needs.
    past: VecDeque<(Timestamp, Option<Arc<str>>)>,
}

impl Entry {
    /// The finding as a read sees it that lags behind by `lag`; `None`: not yet there.
    pub fn seen(&self, now: Timestamp, lag: Duration) -> Option<&Arc<str>> {
        let horizon = before(now, lag);
        match self.past.iter().find(|(written, _)| *written > horizon) {
            Some((_, old)) => old.as_ref(),
            None => Some(&self.text),
        }
    }
}

/// All findings.
#[derive(Debug, Default)]
pub struct Store {
    entries: Vec<Entry>,
    ids: BTreeMap<Arc<str>, Vec<u32>>,
    created: BTreeSet<Position>,
    by_control: BTreeMap<String, BTreeSet<Position>>,
    by_resource: BTreeMap<String, BTreeSet<Position>>,
    by_place: BTreeMap<(AccountId, Region), BTreeSet<Position>>,
    /// One copy of each.
    products: BTreeSet<Arc<str>>,
}

impl Store {
    /// Number of findings.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no finding.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Finding number `seq`.
    pub fn get(&self, seq: u32) -> Option<&Entry> {
        self.entries.get(seq as usize)
    }

    /// Finding number `seq`, to mark what is the customer's.
    pub fn get_mut(&mut self, seq: u32) -> Option<&mut Entry> {
        self.entries.get_mut(seq as usize)
    }

    /// Every finding with its number, oldest import first.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (0..).zip(&self.entries)
    }

    /// Those with this Id and ProductArn: one per owner.
    pub fn find(&self, id: &str, product_arn: &str) -> impl Iterator<Item = (u32, &Entry)> {
        let numbers = self.ids.get(id).map(Vec::as_slice).unwrap_or_default();
        numbers
            .iter()
            .filter_map(|seq| Some((*seq, self.get(*seq)?)))
            .filter(move |(_, entry)| entry.product_arn.as_ref() == product_arn)
    }

    /// Files a finding that is new. `lag`: as [`Store::replace`].
    pub fn add(&mut self, account: AccountId, region: &Region, finding: &Value, now: Timestamp, lag: Duration) -> Option<u32> {
        let seq = u32::try_from(self.entries.len()).ok()?;
        let id: Arc<str> = text(finding, "Id").into();
        let product: &str = text(finding, "ProductArn");
        let product_arn = match self.products.get(product) {
            Some(known) => known.clone(),
            None => Arc::from(product),
        };
        self.products.insert(product_arn.clone());
        let (created, updated) = (millis(finding, "CreatedAt"), millis(finding, "UpdatedAt"));
        self.ids.entry(id.clone()).or_default().push(seq);
        let position = (created, seq);
        self.created.insert(position);
        if let Some(control) = control(finding) {
            self.by_control.entry(control).or_default().insert(position);
        }
        for resource in resources(finding) {
            self.by_resource.entry(resource.to_owned()).or_default().insert(position);
        }
        self.by_place.entry((account, region.clone())).or_default().insert(position);
        let mut past = VecDeque::new();
        if !lag.is_zero() {
            past.push_back((now, None));
        }
        self.entries.push(Entry {
            account,
            region: region.clone(),
            id,
            product_arn,
            text: finding.to_string().into(),
            created,
            updated,
            made: now,
            customers: BTreeSet::new(),
            past,
        });
        Some(seq)
    }

    /// Writes a finding anew. The old text is kept as long as a read that lags behind by `lag` may see it.
    pub fn replace(&mut self, seq: u32, finding: &Value, now: Timestamp, lag: Duration) {
        let Some(entry) = self.entries.get_mut(seq as usize) else { return };
        let old = std::mem::replace(&mut entry.text, finding.to_string().into());
        entry.updated = millis(finding, "UpdatedAt");
        let horizon = before(now, lag);
        while entry.past.front().is_some_and(|(written, _)| *written <= horizon) {
            entry.past.pop_front();
        }
        if !lag.is_zero() {
            entry.past.push_back((now, Some(old)));
        }
        // A provider may name other resources or another control later: the old entries stay, since queries look again.
        let position = (entry.created, seq);
        if let Some(control) = control(finding) {
            self.by_control.entry(control).or_default().insert(position);
        }
        for resource in resources(finding) {
            self.by_resource.entry(resource.to_owned()).or_default().insert(position);
        }
    }

    /// All positions, oldest first.
    pub fn all(&self) -> &BTreeSet<Position> {
        &self.created
    }

    /// Positions of the findings with one of these ids.
    pub fn with_ids(&self, ids: &[String]) -> BTreeSet<Position> {
        let numbers = ids.iter().filter_map(|id| self.ids.get(id.as_str())).flatten();
        numbers.filter_map(|seq| Some((self.get(*seq)?.created, *seq))).collect()
    }

    /// Positions of the findings of these controls, whatever their case.
    pub fn of_controls<'a>(&'a self, controls: &'a [String]) -> Vec<&'a BTreeSet<Position>> {
        distinct(controls.iter().map(|control| control.to_ascii_lowercase()))
            .iter()
            .filter_map(|control| self.by_control.get(control))
            .collect()
    }

    /// Positions of the findings of these resources.
    pub fn of_resources<'a>(&'a self, resources: &'a [String]) -> Vec<&'a BTreeSet<Position>> {
        distinct(resources.iter().cloned()).iter().filter_map(|resource| self.by_resource.get(resource)).collect()
    }

    /// Positions of the findings of the places that `keep` wants.
    pub fn of_places(&self, keep: impl Fn(AccountId, &Region) -> bool) -> Vec<&BTreeSet<Position>> {
        self.by_place.iter().filter(|((account, region), _)| keep(*account, region)).map(|(_, set)| set).collect()
    }

    /// See [`super::Hub::texts`].
    pub fn sorted_texts(&self) -> Vec<Arc<str>> {
        let mut entries: Vec<&Entry> = self.entries.iter().collect();
        entries.sort_by(|a, b| (&a.product_arn, &a.id, a.account, &a.region).cmp(&(&b.product_arn, &b.id, b.account, &b.region)));
        entries.into_iter().map(|entry| entry.text.clone()).collect()
    }
}

fn distinct(texts: impl Iterator<Item = String>) -> BTreeSet<String> {
    texts.collect()
}

/// A string member at the top; empty if there is none.
pub fn text<'a>(finding: &'a Value, name: &str) -> &'a str {
    finding.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn millis(finding: &Value, name: &str) -> i64 {
    timestamp(text(finding, name)).map_or(0, Timestamp::as_millisecond)
}

fn control(finding: &Value) -> Option<String> {
    Some(finding.pointer("/Compliance/SecurityControlId")?.as_str()?.to_ascii_lowercase())
}

/// Ids of the resources.
pub fn resources(finding: &Value) -> impl Iterator<Item = &str> {
    let list = finding.get("Resources").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(|resource| resource.get("Id")?.as_str())
}
