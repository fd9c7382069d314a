"""Finding aggregators. The rows end with none, and what was in linked Regions out of sight: no family about findings follows."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

NONE = f"arn:aws:securityhub:{HOME}:{ADMIN}:finding-aggregator/none"


def arn(world):
    [found] = world.call("ListFindingAggregators", {})["FindingAggregators"]
    return found["FindingAggregatorArn"]


def aggregator(world):
    return {"FindingAggregatorArn": arn(world)}


def linked(mode, *regions):
    return lambda world: {"FindingAggregatorArn": arn(world), "RegionLinkingMode": mode, "Regions": list(regions)}


def described(answer):
    return answer["FindingAggregationRegion"], answer["RegionLinkingMode"], answer["Regions"]


def refused(mode, *regions):
    return Fails("CreateFindingAggregator", "InvalidInputException", {"RegionLinkingMode": mode, "Regions": list(regions)})


FAMILY = Family(
    [
        Call("ListFindingAggregators", then=lambda a: f":{HOME}:{ADMIN}:finding-aggregator/" in a["FindingAggregators"][0]["FindingAggregatorArn"]),
        Call("ListFindingAggregators", {"MaxResults": 1}, region=LINKED, then=lambda a: "NextToken" not in a),
        Call("GetFindingAggregator", aggregator, then=lambda a: described(a) == (HOME, "SPECIFIED_REGIONS", [LINKED])),
        Call("GetFindingAggregator", aggregator, account=MEMBER, region=LINKED, then=lambda a: described(a)[2] == [LINKED]),
        Fails("GetFindingAggregator", "ResourceNotFoundException", {"FindingAggregatorArn": NONE}),
        Fails("GetFindingAggregator", "InvalidInputException", {"FindingAggregatorArn": "arn:aws:nothing"}),
        # Members may not.
        Fails("CreateFindingAggregator", "InvalidInputException", {"RegionLinkingMode": "ALL_REGIONS"}, account=MEMBER),
        Fails("UpdateFindingAggregator", "AccessDeniedException", linked("ALL_REGIONS"), account=MEMBER),
        Fails("DeleteFindingAggregator", "AccessDeniedException", aggregator, account=MEMBER),
        # From the home Region only.
        Fails("UpdateFindingAggregator", "InvalidInputException", linked("ALL_REGIONS"), region=LINKED),
        Fails("DeleteFindingAggregator", "InvalidInputException", aggregator, region=LINKED),
        Call("UpdateFindingAggregator", linked("ALL_REGIONS"), then=lambda a: described(a) == (HOME, "ALL_REGIONS", [])),
        Call("UpdateFindingAggregator", linked("NO_REGIONS"), then=lambda a: described(a) == (HOME, "NO_REGIONS", [])),
        Call(
            "UpdateFindingAggregator",
            linked("ALL_REGIONS_EXCEPT_SPECIFIED", "us-west-2", "us-east-2"),
            then=lambda a: described(a) == (HOME, "ALL_REGIONS_EXCEPT_SPECIFIED", ["us-east-2", "us-west-2"]),
        ),
        Fails("UpdateFindingAggregator", "InvalidInputException", linked("NO_REGIONS", LINKED)),
        Fails("UpdateFindingAggregator", "InvalidInputException", linked("SPECIFIED_REGIONS", HOME)),
        Fails("UpdateFindingAggregator", "ResourceNotFoundException", {"FindingAggregatorArn": NONE, "RegionLinkingMode": "ALL_REGIONS"}),
        # One for an account.
        refused("SPECIFIED_REGIONS", LINKED),
        Fails("DeleteFindingAggregator", "ResourceNotFoundException", {"FindingAggregatorArn": NONE}),
        Fails("DeleteFindingAggregator", "InvalidInputException", {"FindingAggregatorArn": "finding-aggregator"}),
        Call("DeleteFindingAggregator", aggregator),
        Call("ListFindingAggregators", then=lambda a: a["FindingAggregators"] == []),
        Call("ListFindingAggregators", account=MEMBER, then=lambda a: a["FindingAggregators"] == []),
        *[refused(*row) for row in [("NO_REGIONS", LINKED), ("ALL_REGIONS", LINKED), ("SPECIFIED_REGIONS",), ("ALL_REGIONS_EXCEPT_SPECIFIED",)]],
        *[refused(*row) for row in [("SPECIFIED_REGIONS", HOME), ("SPECIFIED_REGIONS", "Mars"), ("EVERYTHING",)]],
        Call(
            "CreateFindingAggregator",
            {"RegionLinkingMode": "SPECIFIED_REGIONS", "Regions": [LINKED]},
            then=lambda a: described(a) == (HOME, "SPECIFIED_REGIONS", [LINKED]) and a["FindingAggregatorArn"] != NONE,
        ),
        Call("DeleteFindingAggregator", aggregator),
    ],
)
