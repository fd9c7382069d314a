"""Standards, and their controls one by one."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

PCI = f"arn:aws:securityhub:{HOME}::standards/pci-dss/v/4.0.1"
CIS = "arn:aws:securityhub:::ruleset/cis-aws-foundations-benchmark/v/1.2.0"
SUBSCRIPTION = f"arn:aws:securityhub:{HOME}:{ADMIN}:subscription"
PCI_SUBSCRIPTION = f"{SUBSCRIPTION}/pci-dss/v/4.0.1"
CIS_SUBSCRIPTION = f"{SUBSCRIPTION}/cis-aws-foundations-benchmark/v/1.2.0"
CONTROL = f"arn:aws:securityhub:{HOME}:{ADMIN}:control/cis-aws-foundations-benchmark/v/1.2.0"
PCI_CONTROL = f"arn:aws:securityhub:{HOME}:{ADMIN}:control/pci-dss/v/4.0.1"


def statuses(answer):
    return [(s["StandardsArn"], s["StandardsStatus"]) for s in answer["StandardsSubscriptions"]]


def arns(answer):
    return {s["StandardsArn"] for s in answer["Standards"]}


def disabled(answer):
    return [c["ControlId"] for c in answer["Controls"] if c["ControlStatus"] == "DISABLED"]


FAMILY = Family(
    [
        Call("DescribeStandards", pages=3, then=lambda a: len(a["Standards"]) == 10 and {PCI, CIS} <= arns(a)),
        Call("DescribeStandards", {"Providers": ["Azure", "GCP"]}, then=lambda a: a["Standards"] == []),
        Call("DescribeStandards", {"Providers": ["Azure", "AWS"]}, then=lambda a: len(a["Standards"]) == 10),
        Call("GetEnabledStandards", {"Providers": ["AWS"]}, pages=4, then=lambda a: len(a["StandardsSubscriptions"]) == 10),
        # Disabled, gone, enabled, ready.
        Fails("BatchDisableStandards", "InvalidInputException", {"StandardsSubscriptionArns": ["arn:aws:nothing"]}),
        Fails("BatchDisableStandards", "InvalidInputException", {"StandardsSubscriptionArns": [PCI_SUBSCRIPTION.replace(ADMIN, MEMBER)]}),
        Call("BatchDisableStandards", {"StandardsSubscriptionArns": [PCI_SUBSCRIPTION]}, then=lambda a: statuses(a) == [(PCI, "DELETING")]),
        Call("DescribeStandardsControls", {"StandardsSubscriptionArn": PCI_SUBSCRIPTION}, then=lambda a: a["Controls"] == []),
        Fails("DescribeStandardsControls", "ResourceNotFoundException", {"StandardsSubscriptionArn": PCI_SUBSCRIPTION}, advance=30),
        Fails("UpdateStandardsControl", "ResourceNotFoundException", {"StandardsControlArn": f"{PCI_CONTROL}/ACM.1", "ControlStatus": "ENABLED"}),
        Fails("DescribeStandardsControls", "InvalidInputException", {"StandardsSubscriptionArn": "arn:aws:nothing"}),
        Call("GetEnabledStandards", {"StandardsSubscriptionArns": [PCI_SUBSCRIPTION, CIS_SUBSCRIPTION]}, then=lambda a: statuses(a) == [(CIS, "READY")]),
        Fails("GetEnabledStandards", "InvalidInputException", {"StandardsSubscriptionArns": ["arn:aws:nothing"]}),
        Fails("BatchEnableStandards", "InvalidInputException", {"StandardsSubscriptionRequests": [{"StandardsArn": PCI.replace(HOME, LINKED)}]}),
        Call(
            "BatchEnableStandards",
            {"StandardsSubscriptionRequests": [{"StandardsArn": PCI, "StandardsInput": {"key": "value"}}]},
            then=lambda a: (statuses(a), a["StandardsSubscriptions"][0]["StandardsInput"]) == ([(PCI, "PENDING")], {"key": "value"}),
        ),
        Call("GetEnabledStandards", {"StandardsSubscriptionArns": [PCI_SUBSCRIPTION]}, advance=30, then=lambda a: statuses(a) == [(PCI, "READY")]),
        # A control that is two of the standard's.
        Call("UpdateStandardsControl", {"StandardsControlArn": f"{CONTROL}/1.1", "ControlStatus": "DISABLED", "DisabledReason": "no root user"}),
        Call("DescribeStandardsControls", {"StandardsSubscriptionArn": CIS_SUBSCRIPTION}, pages=20, then=lambda a: disabled(a) == ["1.1", "3.3"]),
        Call("UpdateStandardsControl", {"StandardsControlArn": f"{CONTROL}/3.3", "ControlStatus": "ENABLED"}),
        Call("DescribeStandardsControls", {"StandardsSubscriptionArn": CIS_SUBSCRIPTION}, then=lambda a: disabled(a) == []),
        Fails("UpdateStandardsControl", "AccessDeniedException", {"StandardsControlArn": f"{CONTROL}/9.9", "ControlStatus": "ENABLED"}),
        Fails("UpdateStandardsControl", "InvalidInputException", {"StandardsControlArn": f"{CONTROL}/1.1", "ControlStatus": "DISABLED"}),
        Fails("UpdateStandardsControl", "AccessDeniedException", {"StandardsControlArn": CONTROL.replace(ADMIN, MEMBER) + "/1.1", "ControlStatus": "ENABLED"}),
    ]
)
