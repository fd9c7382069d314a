//! EC2 over HTTP: DescribeRegions, because tools ask it first. The query protocol.

use std::collections::BTreeMap;

use crate::local::Local;
use crate::local::hub::caller::Caller;
use crate::wire::ec2::{self, OptInStatus, RegionInfo};
use crate::wire::error::AwsError;
use crate::wire::regions::{ON_BY_DEFAULT, OPT_IN, is_opt_in};

use super::Incoming;
use super::form::Form;
use super::securityhub::beset;

pub(super) async fn handle(local: &Local, incoming: &Incoming) -> Result<String, AwsError> {
    let form = Form::of(incoming);
    let caller = local.identities().caller(incoming, "ec2", local.clock().now())?;
    match form.action()? {
        "DescribeRegions" => {
            let verdict = local.state().switchboard.judge_named("DescribeRegions", &caller);
            let act = async {
                let regions = describe(&form, known(local, &caller))?;
                Ok(ec2::regions(&regions, &local.uuid()))
            };
            beset(&verdict, "ec2:DescribeRegions", &caller, |_| (), act).await
        }
        other => Err(AwsError::not_implemented(format!("Security Hub Local does not have {other} of EC2"))),
    }
}

/// Every Region, by name. One that has to be opted in to is opted in to where the account's hub is on; Regions that only this
/// server knows, are as those that need no opting in.
fn known(local: &Local, caller: &Caller) -> Vec<RegionInfo> {
    let on = local.with_hub(|hub, _| hub.regions_of(caller.account));
    let mut all: BTreeMap<&str, OptInStatus> = BTreeMap::new();
    all.extend(ON_BY_DEFAULT.iter().map(|name| (*name, OptInStatus::NotRequired)));
    all.extend(OPT_IN.iter().map(|name| (*name, OptInStatus::NotOptedIn)));
    for region in &on {
        let status = if is_opt_in(region.as_str()) { OptInStatus::OptedIn } else { OptInStatus::NotRequired };
        all.insert(region.as_str(), status);
    }
    all.into_iter().map(|(name, status)| RegionInfo { name: name.to_owned(), status }).collect()
}

fn describe(form: &Form, all: Vec<RegionInfo>) -> Result<Vec<RegionInfo>, AwsError> {
    let dry = truth(form, "DryRun")?;
    let every = truth(form, "AllRegions")?;
    let names: Vec<&str> = form.list("RegionName").into_iter().map(|(_, _, name)| name).collect();
    let unknown: Vec<&str> = names.iter().copied().filter(|name| !all.iter().any(|region| region.name == *name)).collect();
    if !unknown.is_empty() {
        return Err(AwsError::invalid_parameter(format!("Invalid region names: [{}]", unknown.join(", "))));
    }
    let filters = filters(form)?;
    if dry {
        return Err(AwsError::dry_run("Request would have succeeded, but DryRun flag is set."));
    }
    let wanted = |region: &RegionInfo| {
        let on = every || region.status != OptInStatus::NotOptedIn;
        // One that is named is described, on or off.
        let named = if names.is_empty() { on } else { names.contains(&region.name.as_str()) };
        named && filters.iter().all(|filter| filter.lets(region))
    };
    Ok(all.into_iter().filter(wanted).collect())
}

fn truth(form: &Form, name: &str) -> Result<bool, AwsError> {
    // The model calls it dryRun, and its clients send DryRun.
    let value = form.argument(name).or_else(|| (name == "DryRun").then(|| form.argument("dryRun")).flatten());
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(AwsError::invalid_parameter(format!(
            "Value ({other}) for parameter {name} is invalid. Must be either true or false"
        ))),
    }
}

/// One filter: its values are alternatives.
struct Filter<'a> {
    of: fn(&RegionInfo) -> String,
    values: Vec<&'a str>,
}

impl Filter<'_> {
    fn lets(&self, region: &RegionInfo) -> bool {
        let value = (self.of)(region);
        self.values.iter().any(|pattern| matches(pattern.as_bytes(), value.as_bytes()))
    }
}

fn filters(form: &Form) -> Result<Vec<Filter<'_>>, AwsError> {
    let mut read: BTreeMap<usize, (Option<&str>, Vec<&str>)> = BTreeMap::new();
    for (number, rest, value) in form.list("Filter") {
        let (name, values) = read.entry(number).or_default();
        match rest.split_once('.') {
            Some(("Value", _)) => values.push(value),
            None if rest == "Name" => *name = Some(value),
            _ => {}
        }
    }
    let filter = |(name, values): (Option<&str>, &[&str])| -> Result<fn(&RegionInfo) -> String, AwsError> {
        let name = name.unwrap_or("null");
        match name {
            _ if values.is_empty() => {
                Err(AwsError::invalid_parameter(format!("The filter '{name}' must have at least one value")))
            }
            "endpoint" => Ok(RegionInfo::endpoint),
            "opt-in-status" => Ok(|region| region.status.as_str().to_owned()),
            "region-name" => Ok(|region| region.name.clone()),
            other => Err(AwsError::invalid_parameter(format!("The filter '{other}' is invalid"))),
        }
    };
    read.into_values().map(|(name, values)| Ok(Filter { of: filter((name, &values))?, values })).collect()
}

/// A part of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// `*`
    Any,
    /// `?`
    One,
    Letter(u8),
}

/// EC2's patterns: `*` is any text, `?` any letter, a backslash takes that away.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let mut parts = Vec::with_capacity(pattern.len());
    let mut letters = pattern.iter();
    while let Some(letter) = letters.next() {
        parts.push(match letter {
            b'*' => Part::Any,
            b'?' => Part::One,
            b'\\' => Part::Letter(*letters.next().unwrap_or(letter)),
            letter => Part::Letter(*letter),
        });
    }
    // The last star takes as little as it can: going back to it is enough, and no pattern takes long.
    let (mut part, mut at, mut star) = (0, 0, None);
    while let Some(letter) = text.get(at) {
        match parts.get(part) {
            Some(Part::Any) => {
                star = Some((part, at));
                part += 1;
            }
            Some(Part::One) => (part, at) = (part + 1, at + 1),
            Some(Part::Letter(wanted)) if wanted == letter => (part, at) = (part + 1, at + 1),
            _ => match star {
                Some((of, from)) => {
                    star = Some((of, from + 1));
                    (part, at) = (of + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    parts.get(part..).is_some_and(|rest| rest.iter().all(|part| *part == Part::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_have_stars_question_marks_and_backslashes() {
        let is = |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes());
        assert!(is("eu-*", "eu-west-1") && is("*-1", "eu-west-1") && is("eu-west-?", "eu-west-1") && is("**", ""));
        assert!(!is("eu-*", "us-east-1") && !is("eu-west-?", "eu-west-") && !is("eu-west-1", "eu-west-10") && !is("", "x"));
        assert!(is("a\\*b", "a*b") && !is("a\\*b", "axb"));
        let (stars, letters) = ("a*".repeat(2_000) + "b", "a".repeat(2_000));
        assert!(!is(&stars, &letters), "and it takes no time");
    }
}
