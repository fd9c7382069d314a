"""The hub itself. The account of these rows is a stranger to the organization, so that the others find theirs as it was."""

from table import ADMIN, HOME, MEMBER, Call, Fails, Family

OWN, REGION = "123412341234", "ap-northeast-1"
ARN = f"arn:aws:securityhub:{REGION}:{OWN}:hub/default"


def own(operation, given=None, **more):
    return Call(operation, given or {}, account=OWN, region=REGION, **more)


def generator(answer):
    return answer["ControlFindingGenerator"]


FAMILY = Family(
    [
        Fails("DescribeHub", "InvalidAccessException", account=OWN, region=REGION),
        Fails("DisableSecurityHub", "InvalidAccessException", account=OWN, region=REGION),
        own("EnableSecurityHub", {"EnableDefaultStandards": True, "ControlFindingGenerator": "STANDARD_CONTROL"}),
        Fails("EnableSecurityHub", "ResourceConflictException", account=OWN, region=REGION),
        own("DescribeHub", then=lambda a: (a["HubArn"], a["AutoEnableControls"], generator(a)) == (ARN, True, "STANDARD_CONTROL")),
        own("GetEnabledStandards", then=lambda a: [s["StandardsStatus"] for s in a["StandardsSubscriptions"]] == ["PENDING"] * 2),
        own("GetEnabledStandards", advance=30, then=lambda a: [s["StandardsStatus"] for s in a["StandardsSubscriptions"]] == ["READY"] * 2),
        own("UpdateSecurityHubConfiguration", {"AutoEnableControls": False, "ControlFindingGenerator": "SECURITY_CONTROL"}),
        own("DescribeHub", {"HubArn": ARN}, then=lambda a: (a["AutoEnableControls"], generator(a)) == (False, "SECURITY_CONTROL")),
        Fails("DescribeHub", "ResourceNotFoundException", {"HubArn": ARN.replace(OWN, ADMIN)}, account=OWN, region=REGION),
        Fails("DescribeHub", "InvalidInputException", {"HubArn": "hub"}, account=OWN, region=REGION),
        # What findings are like is the administrator's to say.
        Fails(
            "UpdateSecurityHubConfiguration",
            "InvalidAccessException",
            {"ControlFindingGenerator": "STANDARD_CONTROL"},
            account=MEMBER,
        ),
        Fails("DisableSecurityHub", "InvalidInputException", account=ADMIN, region=HOME),
        Fails("DisableSecurityHub", "InvalidAccessException", account=MEMBER, region=HOME),
        own("DisableSecurityHub"),
        own("EnableSecurityHub", {"EnableDefaultStandards": False}),
        own("GetEnabledStandards", then=lambda a: a["StandardsSubscriptions"] == []),
        own("DescribeHub", then=lambda a: generator(a) == "SECURITY_CONTROL"),
        own("DisableSecurityHub"),
        own("EnableSecurityHub"),
        Call("DescribeHub", then=lambda a: a["ControlFindingGenerator"] == "SECURITY_CONTROL"),
        Call("UpdateSecurityHubConfiguration", {"AutoEnableControls": True}),
    ],
    not_provoked={
        ("EnableSecurityHub", "InvalidAccessException"): "no account here is forbidden to enable its hub",
        ("UpdateSecurityHubConfiguration", "ResourceNotFoundException"): "a hub that is off answers InvalidAccessException",
        ("DisableSecurityHub", "ResourceNotFoundException"): "a hub that is off answers InvalidAccessException",
    },
)
