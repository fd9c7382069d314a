//! Members, their administrator, and invitations. Operations with "Master" in their name are the same under older names.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::{AcceptAdministratorInvitation, AcceptInvitation, AccountIds, CreateMembers, MasterAccount};

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("CreateMembers", create),
    ("ListMembers", list),
    ("GetMembers", get),
    ("DeleteMembers", delete),
    ("DisassociateMembers", disassociate),
    ("InviteMembers", invite),
    ("GetAdministratorAccount", administrator),
    ("GetMasterAccount", master),
    ("ListInvitations", invitations),
    ("GetInvitationsCount", invitations_count),
    ("AcceptAdministratorInvitation", accept),
    ("AcceptInvitation", accept_master),
    ("DeclineInvitations", decline),
    ("DeleteInvitations", delete_invitations),
    ("DisassociateFromAdministratorAccount", resign),
    ("DisassociateFromMasterAccount", resign),
];

fn create(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: CreateMembers = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.create_members(ask.caller, &request, now))?)
}

fn list(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let ((size, token), only) = (ask.page()?, ask.truth("OnlyAssociated")?);
    Done::with(&local.with_hub(|hub, _| hub.members(ask.caller, only, size, token.as_deref()))?)
}

fn get(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AccountIds = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.members_by_name(ask.caller, &request))?)
}

fn delete(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AccountIds = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.delete_members(ask.caller, &request))?)
}

fn disassociate(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AccountIds = ask.body()?;
    local.with_hub(|hub, now| hub.disassociate_members(ask.caller, &request, now))?;
    Ok(Done::empty())
}

fn invite(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AccountIds = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.invite_members(ask.caller, &request, now))?)
}

fn administrator(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.administrator(ask.caller))?)
}

fn master(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let master = local.with_hub(|hub, _| hub.administrator(ask.caller))?.administrator;
    Done::with(&MasterAccount { master })
}

fn invitations(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (size, token) = ask.page()?;
    Done::with(&local.with_hub(|hub, _| hub.invitations(ask.caller, size, token.as_deref()))?)
}

fn invitations_count(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.invitations_count(ask.caller))?)
}

fn accept(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let AcceptAdministratorInvitation { administrator_id, invitation_id } = ask.body()?;
    local.with_hub(|hub, now| hub.accept_invitation(ask.caller, &administrator_id, &invitation_id, now))?;
    Ok(Done::empty())
}

fn accept_master(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let AcceptInvitation { master_id, invitation_id } = ask.body()?;
    local.with_hub(|hub, now| hub.accept_invitation(ask.caller, &master_id, &invitation_id, now))?;
    Ok(Done::empty())
}

fn decline(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AccountIds = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.decline_invitations(ask.caller, &request, now))?)
}

fn delete_invitations(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: AccountIds = ask.body()?;
    Done::with(&local.with_hub(|hub, now| hub.delete_invitations(ask.caller, &request, now))?)
}

fn resign(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    local.with_hub(|hub, now| hub.disassociate_from_administrator(ask.caller, now))?;
    Ok(Done::empty())
}
