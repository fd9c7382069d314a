"""Custom actions."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

ARN = f"arn:aws:securityhub:{HOME}:{ADMIN}:action/custom/Chat"
TICKET = ARN.replace("Chat", "Ticket7")
MISSING = ARN.replace("Chat", "None")


def target(**more):
    return {"Name": "Send to chat", "Description": "Sends findings to chat", "Id": "Chat", **more}


def targets(answer):
    return [(t["ActionTargetArn"], t["Name"], t["Description"]) for t in answer["ActionTargets"]]


def invoked(world):
    """What only the console does on AWS: the event is on the queue, with the finding as it is."""
    finding = world.call("GetFindings", {"MaxResults": 1})["Findings"][0]
    key = {"Id": finding["Id"], "ProductArn": finding["ProductArn"]}
    answer = world.admin("POST", "action", {"ActionTargetArn": ARN, "FindingIdentifiers": [key]})
    assert answer == {"events": 1}, answer


FAMILY = Family(
    [
        Call("DescribeActionTargets", then=lambda a: a["ActionTargets"] == []),
        Call("CreateActionTarget", target(), then=lambda a: a["ActionTargetArn"] == ARN),
        Call("CreateActionTarget", target(Id="Ticket7", Name="Make a ticket", Description="Ticket")),
        Call("CreateActionTarget", target(Id="a" * 20, Name="b" * 20), region=LINKED),
        Fails("CreateActionTarget", "ResourceConflictException", target()),
        *[
            Fails("CreateActionTarget", "InvalidInputException", target(**bad))
            for bad in ({"Id": "to-chat"}, {"Id": "a" * 21}, {"Id": ""}, {"Name": "b" * 21}, {"Name": " "}, {"Description": ""})
        ],
        Call("DescribeActionTargets", pages=1, then=lambda a: [t[0] for t in targets(a)] == [ARN, TICKET], before=invoked),
        Call("DescribeActionTargets", {"ActionTargetArns": [TICKET]}, then=lambda a: targets(a) == [(TICKET, "Make a ticket", "Ticket")]),
        Fails("DescribeActionTargets", "ResourceNotFoundException", {"ActionTargetArns": [ARN, MISSING]}),
        Fails("DescribeActionTargets", "InvalidInputException", {"ActionTargetArns": ["arn:aws:nothing"]}),
        Call("DescribeActionTargets", account=MEMBER, then=lambda a: a["ActionTargets"] == []),
        Call("UpdateActionTarget", {"ActionTargetArn": TICKET, "Name": "Open a ticket"}),
        Call("UpdateActionTarget", {"ActionTargetArn": TICKET, "Description": "In the tracker"}),
        Call("DescribeActionTargets", {"ActionTargetArns": [TICKET]}, then=lambda a: targets(a) == [(TICKET, "Open a ticket", "In the tracker")]),
        Fails("UpdateActionTarget", "InvalidInputException", {"ActionTargetArn": TICKET, "Name": "b" * 21}),
        Fails("UpdateActionTarget", "InvalidInputException", {"ActionTargetArn": "arn:aws:nothing", "Name": "b"}),
        Fails("UpdateActionTarget", "ResourceNotFoundException", {"ActionTargetArn": MISSING, "Name": "b"}),
        Fails("UpdateActionTarget", "ResourceNotFoundException", {"ActionTargetArn": ARN, "Name": "b"}, account=MEMBER),
        Call("DeleteActionTarget", {"ActionTargetArn": ARN}, then=lambda a: a["ActionTargetArn"] == ARN),
        Fails("DeleteActionTarget", "ResourceNotFoundException", {"ActionTargetArn": ARN}),
        Fails("DeleteActionTarget", "InvalidInputException", {"ActionTargetArn": "arn:aws:nothing"}),
        Call("CreateActionTarget", target(Id="Last")),
        Call("DescribeActionTargets"),
    ],
)
