//! Acting as a person: what somebody does in the console, without quota or faults.

use crate::core::ids::{AccountId, FindingKey, Region};
use crate::core::status::WorkflowStatus;
use crate::wire::arn;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{
    BatchUpdateFindings, BatchUpdateFindingsAnswer, EnableSecurityHub, FindingHistory, FindingIdentifier, GetFindingHistory,
    NoteUpdate, Tags, WorkflowUpdate,
};

use super::Local;
use super::hub::caller::{Caller, Principal};

/// A person in the administrator's account and home Region, until sent elsewhere.
#[derive(Debug, Clone)]
pub struct Person {
    local: Local,
    caller: Caller,
}

impl Local {
    /// `user/name` of the administrator's account, in the home Region.
    pub fn as_person(&self, name: &str) -> Person {
        let caller =
            Caller { account: self.administrator(), region: self.home().clone(), principal: Principal::User(name.into()) };
        Person { local: self.clone(), caller }
    }
}

impl Person {
    /// The same name in another account.
    #[must_use]
    pub fn in_account(mut self, account: AccountId) -> Self {
        self.caller.account = account;
        self
    }

    /// In another Region.
    #[must_use]
    pub fn in_region(mut self, region: Region) -> Self {
        self.caller.region = region;
        self
    }

    /// ARN, as histories have it.
    pub fn arn(&self) -> String {
        self.caller.arn()
    }

    /// Any update; what it says of `FindingIdentifiers` is replaced.
    pub fn update(&self, keys: &[FindingKey], request: BatchUpdateFindings) -> Result<BatchUpdateFindingsAnswer, AwsError> {
        let request = BatchUpdateFindings { finding_identifiers: keys.iter().map(identifier).collect(), ..request };
        self.local.with_hub(|hub, now| hub.update(&self.caller, &request, now, &mut |_| None))
    }

    /// Sets the workflow status of one finding.
    pub fn set_workflow(&self, key: &FindingKey, status: WorkflowStatus) -> Result<BatchUpdateFindingsAnswer, AwsError> {
        let workflow = Some(WorkflowUpdate { status: Some(status.as_str().to_owned()) });
        self.update(std::slice::from_ref(key), BatchUpdateFindings { workflow, ..BatchUpdateFindings::default() })
    }

    /// Writes a note on one finding.
    pub fn set_note(&self, key: &FindingKey, text: &str) -> Result<BatchUpdateFindingsAnswer, AwsError> {
        let note = Some(NoteUpdate { text: text.to_owned(), updated_by: self.caller.arn() });
        self.update(std::slice::from_ref(key), BatchUpdateFindings { note, ..BatchUpdateFindings::default() })
    }

    /// Writes all of `UserDefinedFields` of one finding.
    pub fn set_user_fields(&self, key: &FindingKey, fields: &[(&str, &str)]) -> Result<BatchUpdateFindingsAnswer, AwsError> {
        let request = BatchUpdateFindings { user_defined_fields: Some(owned(fields)), ..BatchUpdateFindings::default() };
        self.update(std::slice::from_ref(key), request)
    }

    /// Switches Security Hub on, with these tags and the default standards.
    pub fn enable_hub(&self, tags: &[(&str, &str)]) -> Result<(), AwsError> {
        let tags = (!tags.is_empty()).then(|| owned(tags));
        let request = EnableSecurityHub { tags, ..EnableSecurityHub::default() };
        self.local.with_hub(|hub, now| hub.enable(&self.caller, &request, now))
    }

    /// Tags the hub.
    pub fn tag_hub(&self, tags: &[(&str, &str)]) -> Result<(), AwsError> {
        self.local.with_hub(|hub, _| hub.tag(&self.caller, &self.hub_arn(), &owned(tags)))
    }

    /// Takes tags of the hub away.
    pub fn untag_hub(&self, keys: &[&str]) -> Result<(), AwsError> {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        self.local.with_hub(|hub, _| hub.untag(&self.caller, &self.hub_arn(), &keys))
    }

    /// The tags of the hub.
    pub fn hub_tags(&self) -> Result<Tags, AwsError> {
        self.local.with_hub(|hub, _| hub.tags_of(&self.caller, &self.hub_arn())).map(|answer| answer.tags)
    }

    fn hub_arn(&self) -> String {
        arn::hub(self.caller.account, &self.caller.region)
    }

    /// The first page of a finding's history.
    pub fn history(&self, key: &FindingKey) -> Result<FindingHistory, AwsError> {
        let request = GetFindingHistory {
            finding_identifier: identifier(key),
            start_time: None,
            end_time: None,
            next_token: None,
            max_results: None,
        };
        self.local.with_hub(|hub, now| hub.finding_history(&self.caller, &request, now))
    }
}

fn identifier(key: &FindingKey) -> FindingIdentifier {
    FindingIdentifier { id: key.id.clone(), product_arn: key.product_arn.clone() }
}

fn owned(tags: &[(&str, &str)]) -> Tags {
    tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
