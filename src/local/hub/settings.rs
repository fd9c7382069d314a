//! What an account has set in a Region: its hub, the standards it subscribes to, its controls.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::core::catalogue::{Catalogue, Control, Standard};
use crate::core::ids::{AccountId, ControlId, Region};
use crate::wire::error::AwsError;
use crate::wire::securityhub::{ControlStatus, Generator, ParameterValue, StatusReasonCode, SubscriptionStatus};

use super::Hub;
use super::actions::Actions;
use super::caller::Caller;
use super::insights::Insights;
use super::products::Subscribed;
use super::rules::Rules;

/// An account in a Region.
pub type Place = (AccountId, Region);

/// The settings of a hub that is on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Settings {
    /// Since when it is on.
    pub since: Timestamp,
    /// `AutoEnableControls`. Only shown: this build knows no control that came later.
    pub auto_enable_controls: bool,
    /// What its own account chose; what rules is the administrator's choice.
    pub generator: Generator,
    subscriptions: BTreeMap<Standard, Subscription>,
    /// Parameters that somebody set.
    pub parameters: BTreeMap<ControlId, Customized>,
    /// Its automation rules.
    pub(super) rules: Rules,
    /// The products from which it takes findings.
    pub(super) products: Subscribed,
    /// Its custom actions.
    pub(super) actions: Actions,
    /// Its insights.
    pub(super) insights: Insights,
}

/// A subscription to a standard.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subscription {
    /// `StandardsInput`.
    pub input: BTreeMap<String, String>,
    since: Timestamp,
    ready: Timestamp,
    /// When it will be gone, once it was disabled.
    gone: Option<Timestamp>,
    /// INCOMPLETE or FAILED, and why.
    trouble: Option<(SubscriptionStatus, StatusReasonCode)>,
    /// Controls that were switched on or off by name.
    switched: BTreeMap<ControlId, Association>,
}

/// Whether a control is on in a standard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    /// On or off.
    pub status: ControlStatus,
    /// Since when.
    pub at: Timestamp,
    /// Why it was switched.
    pub reason: Option<String>,
}

/// The parameters of a control that somebody set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customized {
    /// Those with a value of their own.
    pub values: BTreeMap<String, ParameterValue>,
    /// UPDATING until then.
    pub ready: Timestamp,
    /// `LastUpdateReason`.
    pub reason: Option<String>,
}

impl Settings {
    /// A hub that is on since `now`, without standards.
    pub fn new(now: Timestamp, generator: Generator) -> Self {
        Self {
            since: now,
            auto_enable_controls: true,
            generator,
            subscriptions: BTreeMap::new(),
            parameters: BTreeMap::new(),
            rules: Rules::default(),
            products: Subscribed::default(),
            actions: Actions::default(),
            insights: Insights::default(),
        }
    }

    /// A hub that is on since `now`, with every standard, all ready, and every product.
    pub fn whole(now: Timestamp) -> Self {
        let mut settings = Self::new(now, Generator::default());
        settings.products = Subscribed::whole();
        settings.with_every_standard(now)
    }

    /// Subscribed to every standard, all ready.
    #[must_use]
    pub(super) fn with_every_standard(mut self, now: Timestamp) -> Self {
        for standard in Standard::ALL {
            self.subscribe(*standard, BTreeMap::new(), now, now);
        }
        self
    }

    /// The settings of a hub that was off, and is on again since `now`: standards are not, the rest is.
    #[must_use]
    pub(super) fn again(mut self, now: Timestamp) -> Self {
        self.since = now;
        self.subscriptions.clear();
        self
    }

    /// The standards that are subscribed to, and those on their way out, in the order of [`Standard::ALL`].
    pub fn subscriptions(&self, now: Timestamp) -> impl Iterator<Item = (Standard, &Subscription)> {
        self.subscriptions
            .iter()
            .map(|(standard, of)| (*standard, of))
            .filter(move |(_, of)| of.gone.is_none_or(|gone| now < gone))
    }

    /// The subscription to `standard`, while there is one.
    pub fn subscription(&self, standard: Standard, now: Timestamp) -> Option<&Subscription> {
        self.subscriptions.get(&standard).filter(|of| of.gone.is_none_or(|gone| now < gone))
    }

    /// The same, to switch controls: only once it is READY.
    pub fn updatable(&mut self, standard: Standard, now: Timestamp) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(&standard).filter(|of| of.status(now) == SubscriptionStatus::Ready)
    }

    /// Subscribes, with all controls on, whatever they were before; a subscription that is there stays as it is.
    pub fn subscribe(&mut self, standard: Standard, input: BTreeMap<String, String>, now: Timestamp, ready: Timestamp) {
        if self.subscriptions.get(&standard).is_some_and(|of| of.gone.is_none()) {
            return;
        }
        let new = Subscription { input, since: now, ready, gone: None, trouble: None, switched: BTreeMap::new() };
        self.subscriptions.insert(standard, new);
    }

    /// Unsubscribes.
    pub fn unsubscribe(&mut self, standard: Standard, gone: Timestamp) {
        if let Some(of) = self.subscriptions.get_mut(&standard).filter(|of| of.gone.is_none()) {
            of.gone = Some(gone);
            of.trouble = None;
        }
    }

    /// The subscription is INCOMPLETE or FAILED from now on, or as it would be without. False: there is none.
    pub fn trouble(
        &mut self,
        standard: Standard,
        trouble: Option<(SubscriptionStatus, StatusReasonCode)>,
        now: Timestamp,
    ) -> bool {
        let there = self.subscriptions.get_mut(&standard).filter(|of| of.gone.is_none_or(|gone| now < gone));
        there.map(|of| (of.gone, of.trouble) = (None, trouble)).is_some()
    }

    /// The subscribed standards that hold this control.
    pub fn standards_of(&self, control: &Control, now: Timestamp) -> Vec<Standard> {
        let holding = self.subscriptions(now).filter(|(standard, of)| of.gone.is_none() && control.standards.contains(standard));
        holding.map(|(standard, _)| standard).collect()
    }

    /// Those of them in which it is on: what its findings say.
    pub fn enabled_standards_of(&self, control: &Control, now: Timestamp) -> Vec<Standard> {
        let on = |standard: &Standard| {
            self.subscription(*standard, now).is_some_and(|of| of.association(&control.id).status == ControlStatus::Enabled)
        };
        self.standards_of(control, now).into_iter().filter(on).collect()
    }

    /// Whether the control is checked: on in any subscribed standard. One that this build does not know, or that is in no
    /// standard, is.
    pub fn checks(&self, control: &str, now: Timestamp) -> bool {
        match Catalogue::built_in().get(control).filter(|control| !control.standards.is_empty()) {
            Some(control) => !self.enabled_standards_of(control, now).is_empty(),
            None => true,
        }
    }
}

impl Subscription {
    /// PENDING, READY or DELETING.
    pub fn status(&self, now: Timestamp) -> SubscriptionStatus {
        if let Some((status, _)) = self.trouble {
            status
        } else if self.gone.is_some() {
            SubscriptionStatus::Deleting
        } else if now < self.ready {
            SubscriptionStatus::Pending
        } else {
            SubscriptionStatus::Ready
        }
    }

    /// Why it is in trouble.
    pub fn reason(&self) -> Option<StatusReasonCode> {
        self.trouble.map(|(_, reason)| reason)
    }

    /// Whether this control is on in it. All are, from the start.
    pub fn association(&self, control: &ControlId) -> Association {
        let on = || Association { status: ControlStatus::Enabled, at: self.since, reason: None };
        self.switched.get(control).cloned().unwrap_or_else(on)
    }

    /// Switches a control. False: it was so already, and nothing was done.
    pub fn switch(&mut self, control: &ControlId, status: ControlStatus, reason: Option<String>, now: Timestamp) -> bool {
        if self.association(control).status == status {
            return false;
        }
        self.switched.insert(control.clone(), Association { status, at: now, reason });
        true
    }
}

impl Hub {
    /// Whether Security Hub is on there.
    pub fn is_enabled(&self, account: AccountId, region: &Region) -> bool {
        self.settings(account, region).is_some()
    }

    /// The Regions in which an account's hub is on.
    pub fn regions_of(&self, account: AccountId) -> BTreeSet<Region> {
        self.enabled.keys().filter(|(of, _)| *of == account).map(|(_, region)| region.clone()).collect()
    }

    /// In how many accounts and Regions it is on.
    pub fn places_enabled(&self) -> usize {
        self.enabled.len()
    }

    /// The settings of a hub that is on.
    pub(super) fn settings(&self, account: AccountId, region: &Region) -> Option<&Settings> {
        self.enabled.get(&(account, region.clone()))
    }

    /// The caller's own, to change them. Refused where the hub is off.
    pub(super) fn own_settings(&mut self, caller: &Caller) -> Result<&mut Settings, AwsError> {
        let own = self.enabled.get_mut(&(caller.account, caller.region.clone()));
        own.ok_or_else(|| AwsError::not_subscribed(caller.account))
    }

    /// What the findings of a place are like: a member's are as its administrator chose.
    pub(super) fn generator(&self, account: AccountId, region: &Region) -> Generator {
        let of = |account| self.settings(account, region).map(|settings| settings.generator);
        let ruled = self.topology.administrator(account, region).and_then(of);
        ruled.or_else(|| of(account)).unwrap_or_default()
    }

    /// Whether a control is checked there.
    pub(super) fn checks(&self, account: AccountId, region: &Region, control: &str, now: Timestamp) -> bool {
        self.settings(account, region).is_some_and(|settings| settings.checks(control, now))
    }
}
