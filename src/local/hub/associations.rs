//! Whether a control is on in a standard: List, BatchGet and BatchUpdateStandardsControlAssociations. Sources: the service's
//! model; the guide's disable-controls-overview. The model sets no bound on a batch; here it is 100.

use jiff::Timestamp;

use crate::core::catalogue::{Catalogue, Control, Standard};
use crate::local::clock::stamp;
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::limits::{BATCH_MAX, DEFINITIONS_PAGE, PAGE_MAX};
use crate::wire::securityhub::{
    Association, AssociationCode, AssociationDetails, AssociationUpdate, AssociationUpdates, Associations, BatchGetAssociations,
    BatchUpdateAssociations, ControlStatus, SubscriptionStatus, UnprocessedAssociation, UnprocessedAssociationUpdate,
};

use super::Hub;
use super::caller::Caller;
use super::controls::{description, find};
use super::given::batch;
use super::page::{Asked, page_size};
use super::settings::Subscription;

/// Why one of a batch is not processed.
type Refused = (AssociationCode, String);

impl Hub {
    /// ListStandardsControlAssociations: in the enabled standards that are ready.
    pub fn associations(
        &self,
        caller: &Caller,
        control: &str,
        size: Option<i64>,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Associations, AwsError> {
        self.require_enabled(caller)?;
        let size = page_size(size, DEFINITIONS_PAGE, PAGE_MAX)?;
        let found = find(caller, control).map_err(|(_, problem)| AwsError::invalid_input(problem))?;
        let there = self.settings(caller.account, &caller.region).into_iter().flat_map(|settings| settings.subscriptions(now));
        let rows = there
            .filter(|(standard, of)| found.standards.contains(standard) && of.status(now) == SubscriptionStatus::Ready)
            .map(|(standard, of)| association(caller, standard, found, of, false));
        let asked = Asked { operation: "ListStandardsControlAssociations", caller, arguments: control, size, token };
        let (standards_control_association_summaries, next_token) = self.page(&asked, rows)?;
        Ok(Associations { standards_control_association_summaries, next_token })
    }

    /// BatchGetStandardsControlAssociations.
    pub fn association_details(
        &self,
        caller: &Caller,
        request: &BatchGetAssociations,
        now: Timestamp,
    ) -> Result<AssociationDetails, AwsError> {
        self.require_enabled(caller)?;
        let ids = &request.standards_control_association_ids;
        batch("StandardsControlAssociationIds", ids.len(), BATCH_MAX)?;
        let mut answer = AssociationDetails::default();
        for id in ids {
            let found = in_standard(caller, &id.security_control_id, &id.standards_arn).and_then(|(control, standard)| {
                let settings = self.settings(caller.account, &caller.region);
                let of = settings.and_then(|settings| settings.subscription(standard, now));
                let of = of.filter(|of| of.status(now) == SubscriptionStatus::Ready).ok_or_else(|| off(&id.standards_arn))?;
                Ok(association(caller, standard, control, of, true))
            });
            match found {
                Ok(detail) => answer.standards_control_association_details.push(detail),
                Err((error_code, error_reason)) => answer.unprocessed_associations.push(UnprocessedAssociation {
                    standards_control_association_id: id.clone(),
                    error_code,
                    error_reason,
                }),
            }
        }
        Ok(answer)
    }

    /// BatchUpdateStandardsControlAssociations, one after the other. What is so already stays as it is, its reason too.
    pub fn update_associations(
        &mut self,
        caller: &Caller,
        request: &BatchUpdateAssociations,
        now: Timestamp,
    ) -> Result<AssociationUpdates, AwsError> {
        self.require_enabled(caller)?;
        let updates = &request.standards_control_association_updates;
        batch("StandardsControlAssociationUpdates", updates.len(), BATCH_MAX)?;
        let mut answer = AssociationUpdates::default();
        for update in updates {
            if let Err((error_code, error_reason)) = self.update_association(caller, update, now) {
                answer.unprocessed_association_updates.push(UnprocessedAssociationUpdate {
                    standards_control_association_update: update.clone(),
                    error_code,
                    error_reason,
                });
            }
        }
        Ok(answer)
    }

    fn update_association(&mut self, caller: &Caller, update: &AssociationUpdate, now: Timestamp) -> Result<(), Refused> {
        let status = ControlStatus::parse(&update.association_status)
            .ok_or_else(|| (AssociationCode::InvalidInput, "AssociationStatus must be one of ENABLED, DISABLED".to_owned()))?;
        let (control, standard) = in_standard(caller, &update.security_control_id, &update.standards_arn)?;
        if update.updated_reason.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            return Err((AssociationCode::InvalidInput, "UpdatedReason must not be empty".to_owned()));
        }
        let settings = self.enabled.get_mut(&(caller.account, caller.region.clone()));
        let of = settings.and_then(|settings| settings.updatable(standard, now)).ok_or_else(|| off(&update.standards_arn))?;
        let switched = of.switch(&control.id, status, update.updated_reason.clone(), now);
        if switched && status == ControlStatus::Disabled {
            self.archive_later(caller.account, &caller.region, control, now);
        }
        Ok(())
    }
}

/// The control and the standard, if the one is in the other.
fn in_standard(caller: &Caller, control: &str, standard_arn: &str) -> Result<(&'static Control, Standard), Refused> {
    let control = find(caller, control)?;
    let standard = arn::read_standard(standard_arn, &caller.region).ok_or_else(|| {
        (AssociationCode::InvalidInput, format!("{standard_arn} is not the ARN of a standard in {}", caller.region))
    })?;
    if control.standards.contains(&standard) {
        return Ok((control, standard));
    }
    Err((AssociationCode::ResourceNotFound, format!("Control {} is not in {standard_arn}", control.id)))
}

fn off(standard_arn: &str) -> Refused {
    (AssociationCode::ResourceNotFound, format!("Standard {standard_arn} is not enabled, or not ready for updates"))
}

fn association(caller: &Caller, standard: Standard, control: &Control, of: &Subscription, details: bool) -> Association {
    let (account, region) = (caller.account, &caller.region);
    let is = of.association(&control.id);
    let arns =
        || standard.own_ids(control).into_iter().map(|own| arn::standards_control(standard, own, account, region)).collect();
    Association {
        standards_arn: arn::standard(standard, region),
        security_control_id: control.id.to_string(),
        security_control_arn: arn::security_control(control.id.as_str(), account, region),
        association_status: is.status,
        related_requirements: standard.requirements(control),
        updated_at: stamp(is.at),
        updated_reason: is.reason,
        standards_control_title: control.title.to_string(),
        standards_control_description: description(control),
        standards_control_arns: details.then(arns),
    }
}

/// All controls of a standard, in the order of the catalogue.
pub(super) fn controls_of(standard: Standard) -> impl Iterator<Item = &'static Control> {
    Catalogue::built_in().controls().iter().filter(move |control| control.standards.contains(&standard))
}
