//! One declared object → its part of a [`super::PolicySet`], with what is wrong with it.

use jiff::ToSpan;

use super::{Exception, Fault, Guardrail, Policy};
use crate::core::digest;
use crate::core::grant;
use crate::core::matcher::{Context, Defaults, MatchError, Matcher};
use crate::core::objects::{ExceptionPolicySpec, ExceptionSpec, MatchSpec, Meta, Object, PolicySpec};
use crate::core::reasons;

fn faults(errors: &[MatchError], place: &str) -> Fault {
    let sentences: Vec<String> = errors.iter().map(|error| format!("{place}: {error}")).collect();
    Fault::new(reasons::INVALID, sentences.join("; "))
}

/// Whether what a match selects depends on other objects.
fn depends(spec: &MatchSpec) -> bool {
    spec.account_selector.is_some() || !spec.groups.is_empty()
}

pub(super) fn guardrail(object: &Object<ExceptionPolicySpec>, context: &Context<'_>) -> Guardrail {
    let mut fault = None;
    let mut compile =
        |spec: &MatchSpec, place: String| match Matcher::compile_pair(&MatchSpec::default(), spec, Defaults::Grant, context) {
            Ok(matcher) => Some(matcher),
            Err(errors) => {
                fault.get_or_insert_with(|| faults(&errors, &place));
                None
            }
        };
    let spec = &object.spec;
    let grants = spec.grants.iter().enumerate().filter_map(|(n, g)| compile(g, format!("spec.grants[{n}]"))).collect();
    let approvals = spec
        .approvals
        .iter()
        .enumerate()
        .filter_map(|(n, a)| compile(&a.matches, format!("spec.approvals[{n}].match")))
        .collect();
    Guardrail { meta: object.meta.clone(), spec: spec.clone(), fault, grants, approvals }
}

pub(super) fn exception(
    object: &Object<ExceptionSpec>,
    guardrails: &[Guardrail],
    context: &Context<'_>,
) -> (Exception, Vec<Matcher>) {
    let Object { meta, spec } = object;
    let mut fault = None;
    let mut matchers = Vec::new();
    for (number, target) in spec.targets.iter().enumerate() {
        let place = format!("spec.targets[{number}]");
        let named = !target.controls.is_empty() || !target.generators.is_empty();
        if !named || (target.accounts.is_empty() && target.resources.is_empty()) {
            let message = format!("{place}: a target names controls or generators, and accounts or resources");
            fault.get_or_insert_with(|| Fault::new(reasons::INVALID, message));
        }
        match Matcher::compile_pair(&MatchSpec::default(), target, Defaults::Target, context) {
            Ok(matcher) => matchers.push(matcher),
            Err(errors) => {
                fault.get_or_insert_with(|| faults(&errors, &place));
            }
        }
    }
    if spec.targets.is_empty() || spec.starts_at >= spec.expires_at {
        let message = "spec.targets names at least one target, and spec.expiresAt is after spec.startsAt";
        fault.get_or_insert_with(|| Fault::new(reasons::INVALID, message));
    }
    let (admitted_by, refusal) = judge(meta, spec, guardrails, context);
    if admitted_by.is_empty()
        && let Some(refusal) = refusal
    {
        fault.get_or_insert(refusal);
    }
    let depends = spec.targets.iter().any(depends);
    let digest = digest::short(&(&spec.targets, spec.effect));
    // One that can never act is not asked about findings.
    let matchers = if fault.is_none() { matchers } else { Vec::new() };
    let exception = Exception {
        meta: meta.clone(),
        spec: spec.clone(),
        fault,
        guardrail: admitted_by.first().copied(),
        guardrails: admitted_by,
        digest,
        depends,
    };
    (exception, matchers)
}

fn admits_namespace(guardrail: &Guardrail, meta: &Meta) -> bool {
    meta.object.namespace.as_deref().is_some_and(|namespace| guardrail.spec.namespaces.iter().any(|name| name == namespace))
}

/// The guardrails that admit the exception, and why the others do not: one that is malformed first, because it might.
fn judge(meta: &Meta, spec: &ExceptionSpec, guardrails: &[Guardrail], context: &Context<'_>) -> (Vec<usize>, Option<Fault>) {
    let mut admitted_by = Vec::new();
    let mut refusal: Option<Fault> = None;
    for (number, guardrail) in guardrails.iter().enumerate().filter(|(_, g)| admits_namespace(g, meta)) {
        match refuse(spec, guardrail, context) {
            None => admitted_by.push(number),
            Some(fault) if fault.reason == reasons::INVALID => refusal = Some(fault),
            Some(fault) => {
                refusal.get_or_insert(fault);
            }
        }
    }
    let nobody = || {
        let namespace = meta.object.namespace.as_deref().unwrap_or_default();
        let message =
            format!("no ExceptionPolicy names namespace {namespace:?} in spec.namespaces.names: ask an administrator for one");
        Fault::new(reasons::NOT_GRANTED, message)
    };
    let refusal = refusal.or_else(|| admitted_by.is_empty().then(nobody));
    (admitted_by, refusal)
}

fn refuse(spec: &ExceptionSpec, guardrail: &Guardrail, context: &Context<'_>) -> Option<Fault> {
    let name = &guardrail.meta.object;
    let ExceptionPolicySpec { effects, max_days, grants, .. } = &guardrail.spec;
    if let Some(fault) = &guardrail.fault {
        return Some(Fault::new(reasons::INVALID, format!("{name} is invalid and grants nothing: {}", fault.message)));
    }
    if !effects.contains(&spec.effect) {
        return Some(Fault::new(reasons::EFFECT_NOT_GRANTED, format!("{name} does not grant effect {:?}", spec.effect)));
    }
    let latest = spec.starts_at.checked_add((i64::from(*max_days) * 24).hours());
    if latest.is_ok_and(|latest| spec.expires_at > latest) {
        let message = format!("spec.expiresAt is more than {max_days} days after spec.startsAt, which is what {name} grants");
        return Some(Fault::new(reasons::TOO_LONG, message));
    }
    let outside = |(number, target)| Some((number, grant::outside(target, grants, context)?));
    let (number, what) = spec.targets.iter().enumerate().find_map(outside)?;
    Some(Fault::new(reasons::OUT_OF_GRANT, format!("spec.targets[{number}] is outside what {name} grants: {what}")))
}

pub(super) fn policy(object: &Object<PolicySpec>, context: &Context<'_>) -> (Policy, Option<Matcher>, Vec<Matcher>) {
    let Object { meta, spec } = object;
    let mut fault = None;
    let mut compile = |rule: &MatchSpec, place: String| match Matcher::compile_pair(&spec.scope, rule, Defaults::Rule, context) {
        Ok(matcher) => Some(matcher),
        Err(errors) => {
            fault.get_or_insert_with(|| faults(&errors, &place));
            None
        }
    };
    let scope = compile(&MatchSpec::default(), "spec.scope".to_owned());
    let rules: Vec<Matcher> =
        spec.rules.iter().enumerate().filter_map(|(n, rule)| compile(&rule.matches, format!("spec.rules[{n}].match"))).collect();
    let digests = spec.rules.iter().map(|rule| digest::short(&(&spec.scope, &rule.matches, rule.response))).collect();
    let depends = depends(&spec.scope) || spec.rules.iter().any(|rule| depends(&rule.matches));
    let scoped = scope.is_some();
    (Policy { meta: meta.clone(), spec: spec.clone(), fault, scoped, digests, depends }, scope, rules)
}
