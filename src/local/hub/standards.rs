//! Standards and the subscriptions to them; their controls one by one, the old way. Sources: the service's model; the guide's
//! standards-view-manage, disable-controls-overview.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::core::catalogue::{Catalogue, Control, Standard};
use crate::local::clock::{after, stamp};
use crate::local::document::remediation_url;
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{PAGE_DEFAULT, PAGE_MAX, SUBSCRIPTIONS_MAX};
use crate::wire::securityhub::{
    BatchDisableStandards, BatchEnableStandards, ControlStatus, GetEnabledStandards, ManagedBy, Standard as StandardAnswer,
    Standards, StandardsControl, StandardsControls, StatusReason, StatusReasonCode, Subscription as SubscriptionAnswer,
    SubscriptionStatus, Subscriptions, UpdateStandardsControl,
};

use super::Hub;
use super::caller::Caller;
use super::controls::{description, rating};
use super::given::batch;
use super::page::{Asked, page_size};
use super::settings::{Place, Subscription};

/// What EnableSecurityHub subscribes to unless it is told not to.
pub const DEFAULT_STANDARDS: [Standard; 2] = [Standard::Fsbp, Standard::Cis12];

/// Whose resources standards and controls may be about; all that this build knows are about AWS's.
const PROVIDERS: [&str; 3] = ["AWS", "Azure", "GCP"];

/// `Provider` of everything here.
pub(super) const PROVIDER: &str = "AWS";

/// Whether what is about AWS's resources is asked for.
pub(super) fn wants_aws(providers: &[String]) -> Result<bool, AwsError> {
    if let Some(unknown) = providers.iter().find(|provider| !PROVIDERS.contains(&provider.as_str())) {
        return Err(AwsError::invalid_input(format!("Invalid parameter 'Providers': {unknown} is not one of AWS, Azure, GCP")));
    }
    Ok(providers.is_empty() || providers.iter().any(|provider| provider == PROVIDER))
}

impl Hub {
    /// DescribeStandards.
    pub fn standards(
        &self,
        caller: &Caller,
        providers: &[String],
        size: Option<i64>,
        token: Option<&str>,
    ) -> Result<Standards, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        let wanted = wants_aws(providers)?;
        let all = Standard::ALL.iter().filter(|_| wanted).map(|standard| StandardAnswer {
            standards_arn: arn::standard(*standard, &caller.region),
            name: standard.title().to_owned(),
            description: format!("The automated controls of {}.", standard.title()),
            enabled_by_default: DEFAULT_STANDARDS.contains(standard),
            provider: PROVIDER.to_owned(),
            standards_managed_by: ManagedBy { company: "AWS".to_owned(), product: "Security Hub".to_owned() },
        });
        let arguments = providers.join(",");
        let asked = Asked { operation: "DescribeStandards", caller, arguments: &arguments, size, token };
        let (standards, next_token) = self.page(&asked, all)?;
        Ok(Standards { standards, next_token })
    }

    /// BatchEnableStandards: all of them, or none if one of them is not there.
    pub fn enable_standards(
        &mut self,
        caller: &Caller,
        request: &BatchEnableStandards,
        now: Timestamp,
    ) -> Result<Subscriptions, AwsError> {
        self.require_enabled(caller)?;
        let requests = &request.standards_subscription_requests;
        batch("StandardsSubscriptionRequests", requests.len(), SUBSCRIPTIONS_MAX)?;
        let mut wanted: BTreeMap<Standard, BTreeMap<String, String>> = BTreeMap::new();
        for request in requests {
            let standard = arn::read_standard(&request.standards_arn, &caller.region).ok_or_else(|| {
                AwsError::invalid_input(format!(
                    "Invalid parameter 'StandardsArn': {} is not the ARN of a standard in {}",
                    request.standards_arn, caller.region
                ))
            })?;
            wanted.insert(standard, request.standards_input.clone().unwrap_or_default());
        }
        let ready = after(now, self.pace.enabling);
        let named: Vec<Standard> = wanted.keys().copied().collect();
        if let Some(settings) = self.enabled.get_mut(&(caller.account, caller.region.clone())) {
            for (standard, input) in wanted {
                settings.subscribe(standard, input, now, ready);
            }
        }
        Ok(self.these(caller, &named, now))
    }

    /// BatchDisableStandards: all of them, or none if one of them is not subscribed to.
    pub fn disable_standards(
        &mut self,
        caller: &Caller,
        request: &BatchDisableStandards,
        now: Timestamp,
    ) -> Result<Subscriptions, AwsError> {
        self.require_enabled(caller)?;
        let arns = &request.standards_subscription_arns;
        batch("StandardsSubscriptionArns", arns.len(), SUBSCRIPTIONS_MAX)?;
        let mut named = Vec::new();
        for arn in arns {
            let standard = subscribed(caller, arn)?;
            let there = self.settings(caller.account, &caller.region).and_then(|of| of.subscription(standard, now));
            if there.is_none() {
                return Err(AwsError::invalid_input(format!(
                    "Invalid parameter 'StandardsSubscriptionArns': {arn} is not subscribed to"
                )));
            }
            named.push(standard);
        }
        named.sort_unstable();
        named.dedup();
        let gone = after(now, self.pace.disabling);
        if let Some(settings) = self.enabled.get_mut(&(caller.account, caller.region.clone())) {
            for standard in &named {
                settings.unsubscribe(*standard, gone);
            }
        }
        for control in Catalogue::built_in().controls() {
            if control.standards.iter().any(|standard| named.contains(standard)) {
                self.archive_later(caller.account, &caller.region, control, now);
            }
        }
        Ok(self.these(caller, &named, now))
    }

    /// GetEnabledStandards. ARNs of what is not subscribed to are left out.
    pub fn enabled_standards(
        &self,
        caller: &Caller,
        request: &GetEnabledStandards,
        now: Timestamp,
    ) -> Result<Subscriptions, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(request.max_results, PAGE_DEFAULT, PAGE_MAX)?;
        let providers = request.providers.as_deref().unwrap_or_default();
        let wanted = wants_aws(providers)?;
        let mut named = None;
        if let Some(arns) = &request.standards_subscription_arns {
            batch("StandardsSubscriptionArns", arns.len(), SUBSCRIPTIONS_MAX)?;
            named = Some(arns.iter().map(|arn| subscribed(caller, arn)).collect::<Result<Vec<_>, _>>()?);
        }
        let there = self.settings(caller.account, &caller.region).into_iter().flat_map(|settings| settings.subscriptions(now));
        let there = there
            .filter(|(standard, _)| wanted && named.as_ref().is_none_or(|named| named.contains(standard)))
            .map(|(standard, of)| subscription(caller, standard, of, now));
        let arguments = format!("{:?} {providers:?}", request.standards_subscription_arns);
        let token = request.next_token.as_deref();
        let asked = Asked { operation: "GetEnabledStandards", caller, arguments: &arguments, size, token };
        let (standards_subscriptions, next_token) = self.page(&asked, there)?;
        Ok(Subscriptions { standards_subscriptions, next_token })
    }

    /// DescribeStandardsControls: nothing while the standard is not ready.
    pub fn standards_controls(
        &self,
        caller: &Caller,
        subscription_arn: &str,
        size: Option<i64>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<StandardsControls, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, PAGE_DEFAULT, PAGE_MAX)?;
        let standard = subscribed(caller, subscription_arn)?;
        let of = self.settings(caller.account, &caller.region).and_then(|settings| settings.subscription(standard, now));
        let of = of.ok_or_else(|| AwsError::not_found(format!("Standards subscription {subscription_arn} not found")))?;
        let ready = of.status(now) == SubscriptionStatus::Ready;
        let controls = Catalogue::built_in().controls().iter().filter(|control| ready && control.standards.contains(&standard));
        let rows = controls.flat_map(|control| standards_control(caller, standard, control, of));
        let asked = Asked { operation: "DescribeStandardsControls", caller, arguments: subscription_arn, size, token };
        let (controls, next_token) = self.page(&asked, rows)?;
        Ok(StandardsControls { controls, next_token })
    }

    /// UpdateStandardsControl.
    pub fn update_standards_control(
        &mut self,
        caller: &Caller,
        control_arn: &str,
        request: &UpdateStandardsControl,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        self.require_enabled(caller)?;
        let status = request
            .control_status
            .as_deref()
            .and_then(ControlStatus::parse)
            .ok_or_else(|| AwsError::invalid_input("Invalid parameter 'ControlStatus': must be one of ENABLED, DISABLED"))?;
        let reason = request.disabled_reason.as_ref().filter(|reason| !reason.trim().is_empty());
        if status == ControlStatus::Disabled && reason.is_none() {
            return Err(AwsError::invalid_input("Invalid parameter 'DisabledReason': is required to disable a control"));
        }
        let own = |place: &arn::Place| place.account == caller.account && place.region == caller.region;
        // A wrong ARN is told as a missing right (hashicorp/terraform-provider-aws, issue 36295): also one of a control that the
        // standard does not have. A standard that is off is not found.
        let denied = || {
            AwsError::access_denied(format!(
                "User: {} is not authorized to perform: securityhub:UpdateStandardsControl on resource: {control_arn}",
                caller.arn()
            ))
        };
        let missing = || AwsError::not_found(format!("Standards control {control_arn} not found"));
        let (_, standard, own_id) =
            arn::read_standards_control(control_arn).filter(|(place, ..)| own(place)).ok_or_else(denied)?;
        let in_standard =
            |control: &&Control| control.standards.contains(&standard) && standard.own_ids(control).contains(&own_id);
        let control = Catalogue::built_in().controls().iter().find(in_standard).ok_or_else(denied)?;
        let settings = self.enabled.get_mut(&(caller.account, caller.region.clone())).ok_or_else(missing)?;
        let of = settings.updatable(standard, now).ok_or_else(missing)?;
        if of.switch(&control.id, status, reason.cloned(), now) && status == ControlStatus::Disabled {
            self.archive_later(caller.account, &caller.region, control, now);
        }
        Ok(())
    }

    /// A subscription is in trouble from now on, INCOMPLETE or FAILED for a reason, as no operation makes it; `None`: no longer.
    pub fn trouble_standard(
        &mut self,
        place: &Place,
        standards_arn: &str,
        trouble: Option<(SubscriptionStatus, StatusReasonCode)>,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let (account, region) = place;
        let standard = arn::read_standard(standards_arn, region)
            .ok_or_else(|| AwsError::invalid_input(format!("{standards_arn} is not the ARN of a standard in {region}")))?;
        let there = self.enabled.get_mut(place).is_some_and(|settings| settings.trouble(standard, trouble, now));
        if there {
            return Ok(());
        }
        Err(AwsError::not_found(format!("account {account} does not subscribe to {standards_arn} in {region}")))
    }

    fn these(&self, caller: &Caller, named: &[Standard], now: Timestamp) -> Subscriptions {
        let there = self.settings(caller.account, &caller.region).into_iter().flat_map(|settings| settings.subscriptions(now));
        let there = there.filter(|(standard, _)| named.contains(standard));
        let standards_subscriptions = there.map(|(standard, of)| subscription(caller, standard, of, now)).collect();
        Subscriptions { standards_subscriptions, next_token: None }
    }
}

/// The standard of a subscription's ARN, if it may be one of the caller's here.
fn subscribed(caller: &Caller, text: &str) -> Result<Standard, AwsError> {
    let own = |place: &arn::Place| place.account == caller.account && place.region == caller.region;
    arn::read_subscription(text).filter(|(place, _)| own(place)).map(|(_, standard)| standard).ok_or_else(|| {
        AwsError::invalid_input(format!(
            "Invalid parameter 'StandardsSubscriptionArn': {text} is not the ARN of a subscription of account {} in {}",
            caller.account, caller.region
        ))
    })
}

fn subscription(caller: &Caller, standard: Standard, of: &Subscription, now: Timestamp) -> SubscriptionAnswer {
    let status = of.status(now);
    let updatable = if status == SubscriptionStatus::Ready { "READY_FOR_UPDATES" } else { "NOT_READY_FOR_UPDATES" };
    SubscriptionAnswer {
        standards_subscription_arn: arn::subscription(standard, caller.account, &caller.region),
        standards_arn: arn::standard(standard, &caller.region),
        standards_input: of.input.clone(),
        standards_status: status,
        standards_status_reason: of.reason().map(|status_reason_code| StatusReason { status_reason_code }),
        standards_controls_updatable: updatable.to_owned(),
        provider: PROVIDER.to_owned(),
    }
}

/// One row for each id that the control has in the standard.
fn standards_control<'a>(
    caller: &'a Caller,
    standard: Standard,
    control: &'a Control,
    of: &'a Subscription,
) -> impl Iterator<Item = StandardsControl> + 'a {
    let association = of.association(&control.id);
    standard.own_ids(control).into_iter().map(move |own_id| StandardsControl {
        standards_control_arn: arn::standards_control(standard, own_id, caller.account, &caller.region),
        control_status: association.status,
        disabled_reason: association.reason.clone(),
        control_status_updated_at: stamp(association.at),
        control_id: own_id.to_owned(),
        title: control.title.to_string(),
        description: description(control),
        remediation_url: remediation_url(control.id.as_str()),
        severity_rating: rating(control),
        related_requirements: standard.requirements(control),
    })
}
