//! Guardrails: what a namespace may except, as far as it can be said without looking at findings.
//!
//! An exception that is partly outside its grants has no effect at all. Here that is proved from what is written, for the
//! fields that a target and a grant both name: accounts, Regions, controls. The rest shows finding by finding.

use std::collections::BTreeSet;

use super::catalogue::Catalogue;
use super::ids::AccountId;
use super::matcher::{Context, ControlSet, Matcher, service_of};
use super::objects::MatchSpec;

/// Which value of the target is too much, as the end of a sentence; `None`: not provably outside. Several grants count
/// together: each combination of account, Region and control must lie in one of them. A grant that cannot be compiled grants
/// nothing; a target that cannot be compiled is somebody else's error.
pub fn outside(target: &MatchSpec, grants: &[MatchSpec], context: &Context<'_>) -> Option<String> {
    let target = Matcher::compile(target, context).ok().filter(|target| !target.is_never())?;
    let grants: Vec<Matcher> = grants.iter().filter_map(|grant| Matcher::compile(grant, context).ok()).collect();
    let grants: Vec<&Matcher> = grants.iter().filter(|grant| !grant.is_never()).collect();
    if grants.is_empty() {
        return Some("nothing is granted".to_owned());
    }
    let accounts = target.accounts().unwrap_or_default();
    let accounts =
        values(accounts.iter().map(|account| format!("account {account}")), accounts, &grants, |grant, account: &AccountId| {
            grant.accounts().is_none_or(|own| own.contains(account))
        });
    let regions = target.regions().unwrap_or_default();
    let regions = values(regions.iter().map(|region| format!("Region {region}")), regions, &grants, |grant, region| {
        grant.regions().is_none_or(|own| own.contains(region))
    });
    let pieces = pieces(&target, &grants);
    let controls = values(pieces.iter().map(Piece::to_string), &pieces, &grants, |grant, piece| piece.is_in(grant));

    let fields = [accounts, regions, controls];
    let alone = fields.iter().flatten().find(|value| value.granted_by.is_empty());
    if let Some(value) = alone {
        return Some(format!("{} is in no grant", value.name));
    }
    together(&fields)
}

/// A value that the target names, and the grants that hold it.
struct Value {
    name: String,
    granted_by: Grants,
}

/// A set of grants, by number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Grants(Vec<u64>);

impl Grants {
    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }
}

fn values<T>(
    names: impl Iterator<Item = String>,
    values: &[T],
    grants: &[&Matcher],
    holds: impl Fn(&Matcher, &T) -> bool,
) -> Vec<Value> {
    let granted_by = |value: &T| {
        let words = grants
            .chunks(64)
            .map(|chunk| chunk.iter().enumerate().fold(0, |word, (bit, grant)| word | u64::from(holds(grant, value)) << bit));
        Grants(words.collect())
    };
    names.zip(values).map(|(name, value)| Value { name, granted_by: granted_by(value) }).collect()
}

/// The first combination of one value of each field that no grant holds. Values that the same grants hold are asked once, so
/// this is bounded by how the grants differ and not by how much the target lists.
fn together(fields: &[Vec<Value>]) -> Option<String> {
    let mut combined: Vec<(Grants, Vec<&str>)> = Vec::new();
    for field in fields.iter().filter(|field| !field.is_empty()) {
        let mut next: Vec<(Grants, Vec<&str>)> = Vec::new();
        let mut seen = BTreeSet::new();
        for value in distinct(field) {
            if combined.is_empty() {
                next.push((value.granted_by.clone(), vec![&value.name]));
            }
            for (granted_by, names) in &combined {
                let both = granted_by.and(&value.granted_by);
                let names = || names.iter().copied().chain([value.name.as_str()]).collect::<Vec<_>>();
                if both.is_empty() {
                    return Some(format!("{} together are in no grant", names().join(" and ")));
                }
                if seen.insert(both.clone()) {
                    next.push((both, names()));
                }
            }
        }
        combined = next;
    }
    None
}

fn distinct(field: &[Value]) -> impl Iterator<Item = &Value> {
    let mut seen = BTreeSet::new();
    field.iter().filter(move |value| seen.insert(&value.granted_by))
}

/// A part of the target's controls that lies in a grant as a whole or not at all.
enum Piece<'a> {
    Control(&'a str),
    /// All controls of a service but those that the target or some grant names.
    Others(&'a str),
}

impl std::fmt::Display for Piece<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let catalogue = Catalogue::built_in();
        match self {
            Self::Control(id) => write!(f, "control {}", catalogue.get(id).map_or(*id, |control| control.id.as_str())),
            Self::Others(service) => {
                let known = catalogue.controls().iter().map(|control| service_of(control.id.as_str()));
                write!(f, "{}.*", { known }.find(|own| own.eq_ignore_ascii_case(service)).unwrap_or(service))
            }
        }
    }
}

impl Piece<'_> {
    fn is_in(&self, grant: &Matcher) -> bool {
        match self {
            Self::Control(id) => grant.controls().is_none_or(|own| own.contains(id)) && !grant.excepted().contains(id),
            Self::Others(service) => {
                let whole = |set: &ControlSet| set.services().iter().any(|own| **own == **service);
                grant.controls().is_none_or(whole) && !whole(grant.excepted())
            }
        }
    }
}

fn pieces<'a>(target: &'a Matcher, grants: &[&'a Matcher]) -> Vec<Piece<'a>> {
    let Some(set) = target.controls() else { return Vec::new() };
    let mut ids: Vec<&str> = set.ids().iter().map(|id| &**id).collect();
    for service in set.services() {
        let named =
            grants.iter().flat_map(|grant| grant.controls().into_iter().chain([grant.excepted()])).flat_map(ControlSet::ids);
        ids.extend(named.map(|id| &**id).filter(|id| service_of(id) == &**service));
    }
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| !target.excepted().contains(id));
    let others = set.services().iter().map(|service| Piece::Others(service));
    ids.into_iter().map(Piece::Control).chain(others).collect()
}

#[cfg(test)]
mod tests;
