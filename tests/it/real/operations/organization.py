"""The organization: its delegated administrator, how its accounts are configured, central configuration. After the aggregators."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

MANAGEMENT = "000000000000"
REGION = "ap-southeast-2"
NEW = "321000000011"


def management(operation, given=None, region=REGION, **more):
    return Call(operation, given or {}, account=MANAGEMENT, region=region, **more)


def refused(operation, code, given, account=MANAGEMENT, region=REGION):
    return Fails(operation, code, given, account=account, region=region)


def joins(world):
    world.admin("POST", "accounts", {"id": NEW, "inOrganization": True, "name": "new"})


def leaves(world):
    world.admin("POST", "accounts", {"id": NEW, "inOrganization": False})


def administrators(answer):
    return [(account["AccountId"], account["Status"]) for account in answer["AdminAccounts"]]


def configuration(answer):
    of = answer["OrganizationConfiguration"]
    return answer["AutoEnable"], answer["AutoEnableStandards"], of["ConfigurationType"], of["Status"]


def wanted(auto_enable, standards=None, kind=None):
    given = {"AutoEnable": auto_enable}
    if standards:
        given["AutoEnableStandards"] = standards
    if kind:
        given["OrganizationConfiguration"] = {"ConfigurationType": kind}
    return given


def members(answer):
    return [member["AccountId"] for member in answer["Members"]]


FAMILY = Family(
    [
        # The administrator is designated Region by Region, and is the same in all.
        management("ListOrganizationAdminAccounts", region=HOME, then=lambda a: administrators(a) == [(ADMIN, "ENABLED")]),
        management("ListOrganizationAdminAccounts", then=lambda a: administrators(a) == []),
        refused("EnableOrganizationAdminAccount", "AccessDeniedException", {"AdminAccountId": ADMIN}, account=ADMIN, region=HOME),
        refused("EnableOrganizationAdminAccount", "InvalidInputException", {"AdminAccountId": MEMBER}),
        refused("EnableOrganizationAdminAccount", "InvalidInputException", {"AdminAccountId": "twelve"}),
        refused("DisableOrganizationAdminAccount", "InvalidInputException", {"AdminAccountId": ADMIN}),
        refused("DisableOrganizationAdminAccount", "AccessDeniedException", {"AdminAccountId": ADMIN}, account=MEMBER, region=HOME),
        management(
            "EnableOrganizationAdminAccount",
            {"AdminAccountId": ADMIN},
            then=lambda a: (a["AdminAccountId"], a["Feature"]) == (ADMIN, "SecurityHub"),
        ),
        management("ListOrganizationAdminAccounts", {"MaxResults": 1, "Feature": "SecurityHub"}, then=lambda a: administrators(a) == [(ADMIN, "ENABLED")] and "NextToken" not in a),
        management("EnableOrganizationAdminAccount", {"AdminAccountId": MEMBER, "Feature": "SecurityHubV2"}),
        management("ListOrganizationAdminAccounts", {"Feature": "SecurityHubV2"}, then=lambda a: administrators(a) == [(MEMBER, "ENABLED")]),
        management("DisableOrganizationAdminAccount", {"AdminAccountId": MEMBER, "Feature": "SecurityHubV2"}),
        # Its hub is on for it; accounts of the organization are members at once.
        Call("DescribeHub", region=REGION),
        Fails("DisableSecurityHub", "InvalidInputException", region=REGION),
        Call("CreateMembers", {"AccountDetails": [{"AccountId": MEMBER}]}, region=REGION, then=lambda a: a["UnprocessedAccounts"] == []),
        Call("CreateMembers", {"AccountDetails": [{"AccountId": MANAGEMENT}]}, region=REGION, then=lambda a: len(a["UnprocessedAccounts"]) == 1),
        Call("ListMembers", region=REGION, then=lambda a: members(a) == [MEMBER]),
        Call("DescribeHub", account=MEMBER, region=REGION),
        Call("DeleteMembers", {"AccountIds": [MEMBER]}, region=REGION, then=lambda a: len(a["UnprocessedAccounts"]) == 1),
        # How accounts that join are configured: here, and not elsewhere.
        Call("DescribeOrganizationConfiguration", region=REGION, then=lambda a: configuration(a) == (False, "DEFAULT", "LOCAL", "ENABLED") and not a["MemberAccountLimitReached"]),
        Call("UpdateOrganizationConfiguration", wanted(True, "NONE"), region=REGION, before=leaves),
        Call("DescribeOrganizationConfiguration", region=REGION, then=lambda a: configuration(a) == (True, "NONE", "LOCAL", "ENABLED")),
        Call("DescribeOrganizationConfiguration", then=lambda a: configuration(a) == (False, "DEFAULT", "LOCAL", "ENABLED")),
        Call("ListMembers", region=REGION, before=joins, then=lambda a: members(a) == [NEW, MEMBER]),
        Call("GetEnabledStandards", account=NEW, region=REGION, then=lambda a: a["StandardsSubscriptions"] == []),
        Call("ListMembers", then=lambda a: NEW not in members(a)),
        Call("ListMembers", region=REGION, before=leaves, then=lambda a: members(a) == [MEMBER]),
        Fails("UpdateOrganizationConfiguration", "InvalidAccessException", wanted(True), account=MEMBER, region=REGION),
        Fails("DescribeOrganizationConfiguration", "InvalidAccessException", account=MEMBER, region=REGION),
        # Without its administrator they are standalone accounts.
        management("DisableOrganizationAdminAccount", {"AdminAccountId": ADMIN}),
        Call("ListMembers", {"OnlyAssociated": False}, region=REGION, then=lambda a: members(a) == []),
        Call("GetAdministratorAccount", account=MEMBER, region=REGION, then=lambda a: "Administrator" not in a),
        Call("DescribeHub", account=MEMBER, region=REGION),
        Call("DisableSecurityHub", region=REGION),
        Call("EnableSecurityHub", {"EnableDefaultStandards": False}, region=REGION),
        # Central configuration: from the home Region, which there is none of, in all that are linked.
        Fails("UpdateOrganizationConfiguration", "ResourceNotFoundException", wanted(False, kind="CENTRAL")),
        Call("CreateFindingAggregator", {"RegionLinkingMode": "SPECIFIED_REGIONS", "Regions": [LINKED]}),
        Fails("UpdateOrganizationConfiguration", "InvalidInputException", wanted(True, kind="CENTRAL")),
        Fails("UpdateOrganizationConfiguration", "InvalidInputException", wanted(False, "DEFAULT", "CENTRAL")),
        Fails("UpdateOrganizationConfiguration", "InvalidInputException", wanted(False, kind="CENTRAL"), region=LINKED),
        Fails("UpdateOrganizationConfiguration", "InvalidInputException", wanted(False, kind="GLOBAL")),
        Call("UpdateOrganizationConfiguration", wanted(False, "NONE", "CENTRAL")),
        Call("DescribeOrganizationConfiguration", region=LINKED, then=lambda a: configuration(a) == (False, "NONE", "CENTRAL", "PENDING")),
        Fails("UpdateOrganizationConfiguration", "ResourceConflictException", wanted(False)),
        Call("DescribeOrganizationConfiguration", advance=30, then=lambda a: configuration(a) == (False, "NONE", "CENTRAL", "ENABLED")),
        Fails("UpdateOrganizationConfiguration", "InvalidInputException", wanted(True)),
        refused("DisableOrganizationAdminAccount", "InvalidInputException", {"AdminAccountId": ADMIN}, region=HOME),
        Call("UpdateOrganizationConfiguration", wanted(False, "NONE", "LOCAL")),
        Call("DescribeOrganizationConfiguration", then=lambda a: configuration(a) == (False, "NONE", "LOCAL", "ENABLED")),
        Call("UpdateOrganizationConfiguration", wanted(False, "DEFAULT")),
    ],
    not_provoked={
        ("EnableOrganizationAdminAccount", "InvalidAccessException"): "who is not the management account has AccessDeniedException",
        ("DisableOrganizationAdminAccount", "InvalidAccessException"): "who is not the management account has AccessDeniedException",
        ("DescribeOrganizationConfiguration", "InvalidInputException"): "it takes no input",
    },
)
