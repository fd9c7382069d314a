//! Members and their administrator, and the invitations between them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `MemberStatus`: what binds a member account to its administrator. The model has it as free text; these are the words that it
/// documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberStatus {
    /// On the list, and not invited yet.
    Created,
    /// Invited, and has not answered.
    Invited,
    /// A member. The only status with which the administrator sees its findings.
    Enabled,
    /// The administrator disassociated it.
    Removed,
    /// It declined the invitation, or disassociated itself.
    Resigned,
    /// An account of the organization that was suspended when it was to become a member.
    AccountSuspended,
}

/// CreateMembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreateMembers {
    pub account_details: Vec<AccountDetails>,
}

/// One account of CreateMembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AccountDetails {
    pub account_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// GetMembers, DeleteMembers, DisassociateMembers, InviteMembers, DeclineInvitations, DeleteInvitations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AccountIds {
    pub account_ids: Vec<String>,
}

/// AcceptAdministratorInvitation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AcceptAdministratorInvitation {
    pub administrator_id: String,
    pub invitation_id: String,
}

/// AcceptInvitation, deprecated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AcceptInvitation {
    pub master_id: String,
    pub invitation_id: String,
}

/// One member account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Member {
    pub account_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    pub master_id: String,
    pub administrator_id: String,
    pub member_status: MemberStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// The answer of ListMembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Members {
    pub members: Vec<Member>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// The answer of GetMembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct MembersByName {
    pub members: Vec<Member>,
    pub unprocessed_accounts: Vec<UnprocessedAccount>,
}

/// The answer of CreateMembers, DeleteMembers, InviteMembers, DeclineInvitations, DeleteInvitations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UnprocessedAccounts {
    pub unprocessed_accounts: Vec<UnprocessedAccount>,
}

/// An account with which nothing was done, and why. `Result` in the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UnprocessedAccount {
    pub account_id: String,
    pub processing_result: String,
}

/// What a member knows of its administrator, or of one that invites it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Invitation {
    pub account_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_at: Option<Timestamp>,
    pub member_status: MemberStatus,
}

/// The answer of GetAdministratorAccount; empty for an administrator or a standalone account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AdministratorAccount {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub administrator: Option<Invitation>,
}

/// The answer of GetMasterAccount, deprecated: the same under its old name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct MasterAccount {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<Invitation>,
}

/// The answer of ListInvitations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct Invitations {
    pub invitations: Vec<Invitation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// The answer of GetInvitationsCount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct InvitationsCount {
    pub invitations_count: usize,
}
