//! Security controls, across standards: what they are, whether they are on, and their parameters. Sources: the service's model;
//! the guide's custom-control-parameters.

use std::collections::BTreeMap;

use jiff::Timestamp;
use regex::Regex;

use crate::core::catalogue::{Catalogue, Control, Parameter, ParameterKind};
use crate::local::clock::after;
use crate::local::document::remediation_url;
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{BATCH_MAX, DEFINITIONS_PAGE, PAGE_MAX};
use crate::wire::securityhub::{
    AssociationCode, BatchGetSecurityControls, ControlDefinition, ControlDefinitions, ControlStatus, OneDefinition,
    ParameterConfiguration, ParameterDefinition, ParameterValue, SecurityControl, SecurityControls, UnprocessedControl,
    UpdateSecurityControl,
};

use super::Hub;
use super::associations::controls_of;
use super::caller::Caller;
use super::given::batch;
use super::page::{Asked, page_size};
use super::settings::{Customized, Settings};
use super::standards::{PROVIDER, wants_aws};

impl Hub {
    /// ListSecurityControlDefinitions: of a standard, or all.
    pub fn definitions(
        &self,
        caller: &Caller,
        standard_arn: Option<&str>,
        providers: &[String],
        size: Option<i64>,
        token: Option<&str>,
    ) -> Result<ControlDefinitions, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, DEFINITIONS_PAGE, PAGE_MAX)?;
        let wanted = wants_aws(providers)?;
        let controls: Vec<&Control> = match standard_arn {
            None => Catalogue::built_in().controls().iter().collect(),
            Some(text) => {
                let standard = arn::read_standard(text, &caller.region).ok_or_else(|| {
                    AwsError::invalid_input(format!(
                        "Invalid parameter 'StandardsArn': {text} is not the ARN of a standard in {}",
                        caller.region
                    ))
                })?;
                controls_of(standard).collect()
            }
        };
        let rows = controls.into_iter().filter(|_| wanted).map(definition);
        let arguments = format!("{standard_arn:?} {providers:?}");
        let asked = Asked { operation: "ListSecurityControlDefinitions", caller, arguments: &arguments, size, token };
        let (security_control_definitions, next_token) = self.page(&asked, rows)?;
        Ok(ControlDefinitions { security_control_definitions, next_token })
    }

    /// GetSecurityControlDefinition: by id, not by ARN.
    pub fn definition(&self, caller: &Caller, id: &str) -> Result<OneDefinition, AwsError> {
        self.require_enabled(caller)?;
        if id.starts_with("arn:") {
            return Err(AwsError::invalid_input("Invalid parameter 'SecurityControlId': an ARN is not accepted here"));
        }
        let control =
            Catalogue::built_in().get(id).ok_or_else(|| AwsError::not_found(format!("Security control {id} not found")))?;
        Ok(OneDefinition { security_control_definition: definition(control) })
    }

    /// BatchGetSecurityControls.
    pub fn security_controls(
        &self,
        caller: &Caller,
        request: &BatchGetSecurityControls,
        now: Timestamp,
    ) -> Result<SecurityControls, AwsError> {
        self.require_enabled(caller)?;
        batch("SecurityControlIds", request.security_control_ids.len(), BATCH_MAX)?;
        let mut answer = SecurityControls::default();
        let settings = self.settings(caller.account, &caller.region).ok_or_else(|| AwsError::not_subscribed(caller.account))?;
        for id in &request.security_control_ids {
            match find(caller, id) {
                Ok(control) => answer.security_controls.push(security_control(caller, settings, control, now)),
                Err((error_code, error_reason)) => {
                    let security_control_id = id.clone();
                    answer.unprocessed_ids.push(UnprocessedControl { security_control_id, error_code, error_reason });
                }
            }
        }
        Ok(answer)
    }

    /// UpdateSecurityControl: the parameters that are named; the others stay.
    pub fn update_security_control(
        &mut self,
        caller: &Caller,
        request: &UpdateSecurityControl,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let control = find(caller, &request.security_control_id).map_err(|(code, problem)| match code {
            AssociationCode::ResourceNotFound => AwsError::not_found(problem),
            AssociationCode::AccessDenied => AwsError::access_denied(problem),
            AssociationCode::InvalidInput | AssociationCode::LimitExceeded => AwsError::invalid_input(problem),
        })?;
        if request.last_update_reason.as_ref().is_some_and(|reason| !is_reason(reason)) {
            return Err(AwsError::invalid_input(
                "Invalid parameter 'LastUpdateReason': only letters, digits, spaces, dashes and underscores are allowed",
            ));
        }
        if request.parameters.is_empty() {
            return Err(AwsError::invalid_input("Invalid parameter 'Parameters': must name a parameter"));
        }
        let mut changes: BTreeMap<&str, Option<ParameterValue>> = BTreeMap::new();
        for (name, configuration) in &request.parameters {
            changes.insert(name, choose(control, name, configuration)?);
        }
        let ready = after(now, self.pace.updating);
        let Some(settings) = self.enabled.get_mut(&(caller.account, caller.region.clone())) else {
            return Err(AwsError::not_subscribed(caller.account));
        };
        let mut values = BTreeMap::new();
        if let Some(known) = settings.parameters.get(&control.id) {
            if now < known.ready {
                return Err(AwsError::in_use(format!("Security control {} is being updated", control.id)));
            }
            values = known.values.clone();
        }
        for (name, value) in changes {
            match value {
                Some(value) => values.insert(name.to_owned(), value),
                None => values.remove(name),
            };
        }
        let customized = Customized { values, ready, reason: request.last_update_reason.clone() };
        settings.parameters.insert(control.id.clone(), customized);
        Ok(())
    }
}

/// The control of an id or ARN, if it may be the caller's here.
pub(super) fn find(caller: &Caller, text: &str) -> Result<&'static Control, (AssociationCode, String)> {
    let id = if text.starts_with("arn:") {
        let (place, id) = arn::read_security_control(text)
            .ok_or_else(|| (AssociationCode::InvalidInput, format!("{text} is not the ARN of a security control")))?;
        if place.account != caller.account || place.region != caller.region {
            let problem = format!("{text} is not of account {} in {}", caller.account, caller.region);
            return Err((AssociationCode::AccessDenied, problem));
        }
        id
    } else {
        text
    };
    if id.trim().is_empty() {
        return Err((AssociationCode::InvalidInput, "SecurityControlId must not be empty".to_owned()));
    }
    Catalogue::built_in().get(id).ok_or_else(|| (AssociationCode::ResourceNotFound, format!("Security control {id} not found")))
}

/// The description that AWS gives is not part of the catalogue.
pub(super) fn description(control: &Control) -> String {
    format!("This control checks the following: {}. The control fails if the resource does not comply.", control.title)
}

pub(super) fn rating(control: &Control) -> String {
    control.severity.as_str().to_owned()
}

fn definition(control: &Control) -> ControlDefinition {
    let parameters = control.parameters();
    let definitions = || parameters.iter().map(|parameter| (parameter.name.to_owned(), ParameterDefinition::from(parameter)));
    ControlDefinition {
        security_control_id: control.id.to_string(),
        title: control.title.to_string(),
        description: description(control),
        remediation_url: remediation_url(control.id.as_str()),
        severity_rating: rating(control),
        current_region_availability: "AVAILABLE".to_owned(),
        customizable_properties: if parameters.is_empty() { Vec::new() } else { vec!["Parameters".to_owned()] },
        parameter_definitions: (!parameters.is_empty()).then(|| definitions().collect()),
        provider: PROVIDER.to_owned(),
    }
}

fn security_control(caller: &Caller, settings: &Settings, control: &Control, now: Timestamp) -> SecurityControl {
    let on = !settings.enabled_standards_of(control, now).is_empty();
    let customized = settings.parameters.get(&control.id);
    let updating = customized.is_some_and(|customized| now < customized.ready);
    let parameter = |parameter: &Parameter| {
        let own = customized.and_then(|customized| customized.values.get(parameter.name)).cloned();
        let value_type = if own.is_some() { "CUSTOM" } else { "DEFAULT" }.to_owned();
        let value = own.or_else(|| ParameterValue::default_of(parameter));
        (parameter.name.to_owned(), ParameterConfiguration { value_type, value })
    };
    SecurityControl {
        security_control_id: control.id.to_string(),
        security_control_arn: arn::security_control(control.id.as_str(), caller.account, &caller.region),
        title: control.title.to_string(),
        description: description(control),
        remediation_url: remediation_url(control.id.as_str()),
        severity_rating: rating(control),
        security_control_status: if on { ControlStatus::Enabled } else { ControlStatus::Disabled },
        update_status: if updating { "UPDATING" } else { "READY" }.to_owned(),
        parameters: control.parameters().iter().map(parameter).collect(),
        last_update_reason: customized.and_then(|customized| customized.reason.clone()),
        provider: PROVIDER.to_owned(),
    }
}

/// `LastUpdateReason` [M: AlphaNumericNonEmptyString].
fn is_reason(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_ ".contains(c))
}

/// The custom value that a parameter is set to; `None`: its default.
fn choose(control: &Control, name: &str, to: &ParameterConfiguration) -> Result<Option<ParameterValue>, AwsError> {
    let bad = |problem: String| AwsError::invalid_input(format!("Invalid parameter 'Parameters.{name}': {problem}"));
    let parameter = control.parameters().iter().find(|parameter| parameter.name == name);
    let parameter = parameter.ok_or_else(|| bad(format!("control {} does not have it", control.id)))?;
    match to.value_type.as_str() {
        "DEFAULT" => Ok(None),
        "CUSTOM" => {
            let value = to.value.clone().ok_or_else(|| bad("a value is required with CUSTOM".to_owned()))?;
            fits(parameter.kind, &value).map_err(bad)?;
            Ok(Some(value))
        }
        other => Err(bad(format!("ValueType {other} is not one of DEFAULT, CUSTOM"))),
    }
}

/// Whether a value is one that the parameter may have.
fn fits(kind: ParameterKind, value: &ParameterValue) -> Result<(), String> {
    let number = |value: &i64, min: i64, max: i64| {
        if (min..=max).contains(value) { Ok(()) } else { Err(format!("{value} is not between {min} and {max}")) }
    };
    let count = |count: usize, most: usize| {
        if (1..=most).contains(&count) { Ok(()) } else { Err(format!("a list has 1 to {most} items")) }
    };
    let word = |value: &str, allowed: &[&str]| {
        if allowed.contains(&value) { Ok(()) } else { Err(format!("{value} is not one of {}", allowed.join(", "))) }
    };
    let form = |value: &str, pattern: &str, about: &str| {
        let fits = Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(value));
        if fits { Ok(()) } else { Err(format!("{value} is not allowed: {about}")) }
    };
    match (kind, value) {
        (ParameterKind::Integer { min, max, .. }, ParameterValue::Integer(value)) => number(value, min, max),
        (ParameterKind::IntegerList { min, max, max_items, .. }, ParameterValue::IntegerList(values)) => {
            count(values.len(), max_items)?;
            values.iter().try_for_each(|value| number(value, min, max))
        }
        (ParameterKind::Double { min, max, .. }, ParameterValue::Double(value)) if (min..=max).contains(value) => Ok(()),
        (ParameterKind::Double { min, max, .. }, ParameterValue::Double(value)) => {
            Err(format!("{value} is not between {min} and {max}"))
        }
        (ParameterKind::String { pattern, about, .. }, ParameterValue::String(value)) => form(value, pattern, about),
        (ParameterKind::StringList { pattern, max_items, about }, ParameterValue::StringList(values)) => {
            count(values.len(), max_items)?;
            values.iter().try_for_each(|value| form(value, pattern, about))
        }
        (ParameterKind::Boolean { .. }, ParameterValue::Boolean(_)) => Ok(()),
        (ParameterKind::Enum { allowed, .. }, ParameterValue::Enum(value)) => word(value, allowed),
        (ParameterKind::EnumList { allowed, max_items, .. }, ParameterValue::EnumList(values)) => {
            count(values.len(), max_items)?;
            values.iter().try_for_each(|value| word(value, allowed))
        }
        (kind, _) => Err(format!("the value is not of its type, {}", type_of(kind))),
    }
}

fn type_of(kind: ParameterKind) -> &'static str {
    match kind {
        ParameterKind::Integer { .. } => "Integer",
        ParameterKind::IntegerList { .. } => "IntegerList",
        ParameterKind::Double { .. } => "Double",
        ParameterKind::String { .. } => "String",
        ParameterKind::StringList { .. } => "StringList",
        ParameterKind::Boolean { .. } => "Boolean",
        ParameterKind::Enum { .. } => "Enum",
        ParameterKind::EnumList { .. } => "EnumList",
    }
}
