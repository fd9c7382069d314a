"""Aggregators, members, administrator."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family


def aggregator(world):
    [found] = world.call("ListFindingAggregators", {})["FindingAggregators"]
    return found


FAMILY = Family(
    [
        Call("ListFindingAggregators", then=lambda a: f":{HOME}:{ADMIN}:finding-aggregator/" in a["FindingAggregators"][0]["FindingAggregatorArn"]),
        Call("ListFindingAggregators", {"MaxResults": 1}, then=lambda a: "NextToken" not in a),
        Call("GetFindingAggregator", aggregator, then=lambda a: (a["FindingAggregationRegion"], a["Regions"]) == (HOME, [LINKED])),
        Fails("GetFindingAggregator", "ResourceNotFoundException", {"FindingAggregatorArn": f"arn:aws:securityhub:{HOME}:{ADMIN}:finding-aggregator/none"}),
        Fails("GetFindingAggregator", "InvalidInputException", {"FindingAggregatorArn": "arn:aws:nothing"}),
        Call("ListMembers", {"OnlyAssociated": True}, pages=1, then=lambda a: [m["MemberStatus"] for m in a["Members"]] == ["Enabled"] * 2),
        Call("ListMembers", account=MEMBER, then=lambda a: a["Members"] == []),
        Call("ListMembers", {"OnlyAssociated": True}),
        Call("GetAdministratorAccount", account=MEMBER, then=lambda a: a["Administrator"]["AccountId"] == ADMIN),
        Call("GetAdministratorAccount", then=lambda a: "Administrator" not in a),
    ],
    not_provoked={
        ("GetAdministratorAccount", "InvalidInputException"): "it takes no input",
        ("GetAdministratorAccount", "ResourceNotFoundException"): "an account without administrator is answered without one",
    },
)
