"""Members, their administrator, and invitations. The accounts of these rows are strangers to the generated organization."""

from table import ADMIN, HOME, MEMBER, Call, Fails, Family

REGION = "ca-central-1"
FIRST, SECOND, GUEST, OTHER = "321000000001", "321000000002", "321000000003", "321000000004"
UNKNOWN = "321000000009"


def by(account, operation, given=None, **more):
    return Call(operation, given or {}, account=account, region=REGION, **more)


def fails(account, operation, code, given=None):
    return Fails(operation, code, given or {}, account=account, region=REGION)


def details(*accounts):
    return {"AccountDetails": [{"AccountId": account, "Email": f"a{account}@example.com"} for account in accounts]}


def named(*accounts):
    return {"AccountIds": list(accounts)}


def unprocessed(answer):
    assert all(account["ProcessingResult"].startswith("The request is rejected") for account in answer["UnprocessedAccounts"])
    return [account["AccountId"] for account in answer["UnprocessedAccounts"]]


def statuses(answer):
    return {member["AccountId"]: member["MemberStatus"] for member in answer["Members"]}


def invitation(world, sender):
    invitations = world.call("ListInvitations", {}, GUEST, REGION)["Invitations"]
    [found] = [invitation for invitation in invitations if invitation["AccountId"] == sender]
    return found["InvitationId"]


def accepted(world):
    return {"AdministratorId": FIRST, "InvitationId": invitation(world, FIRST)}


def accepted_master(world):
    return {"MasterId": SECOND, "InvitationId": invitation(world, SECOND)}


FAMILY = Family(
    [
        # Those of the generator.
        Call("ListMembers", {"OnlyAssociated": True}, pages=1, then=lambda a: list(statuses(a).values()) == ["Enabled"] * 2),
        Call("ListMembers", {"OnlyAssociated": False}, then=lambda a: list(statuses(a).values()) == ["Enabled"] * 2),
        Call("ListMembers", account=MEMBER, then=lambda a: a["Members"] == []),
        Call("GetAdministratorAccount", account=MEMBER, then=lambda a: a["Administrator"]["AccountId"] == ADMIN),
        Call("GetMasterAccount", account=MEMBER, then=lambda a: a["Master"]["AccountId"] == ADMIN),
        Call("GetAdministratorAccount", then=lambda a: "Administrator" not in a),
        Call("GetMasterAccount", then=lambda a: "Master" not in a),
        Fails("DisassociateFromAdministratorAccount", "InvalidAccessException", account=MEMBER),
        Fails("CreateMembers", "InvalidAccessException", details(UNKNOWN), account=MEMBER),
        Fails("InviteMembers", "InvalidAccessException", named(UNKNOWN), account=MEMBER),
        # By hand: added, invited, accepted.
        *[by(account, "EnableSecurityHub", {"EnableDefaultStandards": False}) for account in (FIRST, SECOND, GUEST)],
        by(FIRST, "CreateMembers", details(GUEST, OTHER), then=lambda a: unprocessed(a) == []),
        by(FIRST, "CreateMembers", details(GUEST, FIRST), then=lambda a: unprocessed(a) == [GUEST, FIRST]),
        fails(FIRST, "CreateMembers", "InvalidInputException", {"AccountDetails": [{"AccountId": "12"}]}),
        fails(FIRST, "CreateMembers", "InvalidInputException", {"AccountDetails": [{"AccountId": GUEST, "Email": " "}]}),
        fails(FIRST, "CreateMembers", "InvalidInputException", {"AccountDetails": [{"Email": "a@example.com"}]}),
        by(FIRST, "ListMembers", then=lambda a: a["Members"] == []),
        by(FIRST, "ListMembers", {"OnlyAssociated": False}, pages=1, then=lambda a: set(statuses(a).values()) == {"Created"}),
        by(
            FIRST,
            "GetMembers",
            named(GUEST, UNKNOWN),
            then=lambda a: (statuses(a), unprocessed(a)) == ({GUEST: "Created"}, [UNKNOWN]),
        ),
        by(FIRST, "InviteMembers", named(GUEST, UNKNOWN), then=lambda a: unprocessed(a) == [UNKNOWN]),
        by(FIRST, "GetMembers", named(GUEST), then=lambda a: statuses(a) == {GUEST: "Invited"} and a["Members"][0]["InvitedAt"]),
        by(SECOND, "CreateMembers", details(GUEST)),
        by(SECOND, "InviteMembers", named(GUEST), then=lambda a: unprocessed(a) == []),
        by(GUEST, "GetInvitationsCount", then=lambda a: a["InvitationsCount"] == 2),
        by(GUEST, "ListInvitations", pages=1, then=lambda a: [i["MemberStatus"] for i in a["Invitations"]] == ["Invited"] * 2),
        fails(GUEST, "AcceptAdministratorInvitation", "ResourceNotFoundException", {"AdministratorId": FIRST, "InvitationId": "0"}),
        fails(GUEST, "AcceptInvitation", "ResourceNotFoundException", {"MasterId": UNKNOWN, "InvitationId": "0"}),
        by(GUEST, "AcceptAdministratorInvitation", accepted),
        Fails("AcceptInvitation", "InvalidInputException", accepted_master, account=GUEST, region=REGION),
        by(GUEST, "GetInvitationsCount", then=lambda a: a["InvitationsCount"] == 1),
        by(GUEST, "GetAdministratorAccount", then=lambda a: (a["Administrator"]["AccountId"], a["Administrator"]["MemberStatus"]) == (FIRST, "Enabled")),
        by(FIRST, "ListMembers", then=lambda a: statuses(a) == {GUEST: "Enabled"}),
        # It is so in this Region only.
        Fails("ListMembers", "InvalidAccessException", account=FIRST, region=HOME),
        # While it lasts.
        fails(GUEST, "DisableSecurityHub", "InvalidAccessException"),
        fails(FIRST, "DisableSecurityHub", "InvalidInputException"),
        by(FIRST, "DeleteMembers", named(GUEST), then=lambda a: unprocessed(a) == [GUEST]),
        # It leaves, comes again by the other name, is sent away, and is gone.
        by(GUEST, "DisassociateFromAdministratorAccount"),
        fails(GUEST, "DisassociateFromAdministratorAccount", "ResourceNotFoundException"),
        by(FIRST, "GetMembers", named(GUEST), then=lambda a: statuses(a) == {GUEST: "Resigned"}),
        by(GUEST, "AcceptInvitation", accepted_master),
        by(GUEST, "GetMasterAccount", then=lambda a: a["Master"]["AccountId"] == SECOND),
        by(GUEST, "DisassociateFromMasterAccount"),
        fails(GUEST, "DisassociateFromMasterAccount", "ResourceNotFoundException"),
        by(GUEST, "AcceptAdministratorInvitation", accepted),
        fails(FIRST, "DisassociateMembers", "ResourceNotFoundException", named(GUEST, UNKNOWN)),
        by(FIRST, "DisassociateMembers", named(GUEST)),
        by(FIRST, "GetMembers", named(GUEST), then=lambda a: statuses(a) == {GUEST: "Removed"}),
        by(FIRST, "InviteMembers", named(GUEST), then=lambda a: unprocessed(a) == []),
        by(GUEST, "DeclineInvitations", named(FIRST, UNKNOWN), then=lambda a: unprocessed(a) == [UNKNOWN]),
        by(FIRST, "GetMembers", named(GUEST), then=lambda a: statuses(a) == {GUEST: "Resigned"}),
        by(GUEST, "DeleteInvitations", named(FIRST, UNKNOWN), then=lambda a: unprocessed(a) == [UNKNOWN]),
        by(GUEST, "ListInvitations", then=lambda a: [i["AccountId"] for i in a["Invitations"]] == [SECOND]),
        by(FIRST, "DeleteMembers", named(GUEST, UNKNOWN), then=lambda a: unprocessed(a) == [UNKNOWN]),
        by(FIRST, "ListMembers", {"OnlyAssociated": False}, then=lambda a: statuses(a) == {OTHER: "Created"}),
        by(FIRST, "DisableSecurityHub"),
        by(FIRST, "EnableSecurityHub", {"EnableDefaultStandards": False}),
        by(FIRST, "ListMembers", {"OnlyAssociated": False}, then=lambda a: statuses(a) == {}),
    ],
    not_provoked={
        ("CreateMembers", "ResourceConflictException"): "accounts that are members already are unprocessed",
        ("GetMembers", "ResourceNotFoundException"): "accounts that are not on the list are unprocessed",
        ("DeleteMembers", "ResourceNotFoundException"): "accounts that are not on the list are unprocessed",
        ("InviteMembers", "ResourceNotFoundException"): "accounts that are not on the list are unprocessed",
        ("DeclineInvitations", "ResourceNotFoundException"): "accounts without an invitation are unprocessed",
        ("DeleteInvitations", "ResourceNotFoundException"): "accounts without an invitation are unprocessed",
        ("GetInvitationsCount", "InvalidInputException"): "it takes no input",
        ("GetAdministratorAccount", "InvalidInputException"): "it takes no input",
        ("GetAdministratorAccount", "ResourceNotFoundException"): "an account without administrator is answered without one",
        ("GetMasterAccount", "InvalidInputException"): "it takes no input",
        ("GetMasterAccount", "ResourceNotFoundException"): "an account without administrator is answered without one",
        ("DisassociateFromAdministratorAccount", "InvalidInputException"): "it takes no input",
        ("DisassociateFromMasterAccount", "InvalidInputException"): "it takes no input",
    },
)
