"""Insights."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

MANAGED = "arn:aws:securityhub:::insight/securityhub/default/29"
MISSING = f"arn:aws:securityhub:{HOME}:{ADMIN}:insight/{ADMIN}/custom/none"
ACTIVE = {"RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}]}


def insight(**more):
    return {"Name": "By account", "Filters": ACTIVE, "GroupByAttribute": "AwsAccountId", **more}


def named(name):
    """Its ARN, once the server runs."""

    def given(world):
        [found] = [i for i in world.call("GetInsights", {})["Insights"] if i["Name"] == name]
        return {"InsightArn": found["InsightArn"]}

    return given


def update(name, **changes):
    return lambda world: {**named(name)(world), **changes}


def listed(*names):
    return lambda world: {"InsightArns": [named(name)(world)["InsightArn"] for name in names]}


def names(answer):
    return [i["Name"] for i in answer["Insights"]]


def groups(answer):
    return [(v["GroupByAttributeValue"], v["Count"]) for v in answer["InsightResults"]["ResultValues"]]


def right(answer):
    """The largest first; as many as there are findings."""
    counts = [count for _, count in groups(answer)]
    return counts == sorted(counts, reverse=True) and {ADMIN, MEMBER} <= {value for value, _ in groups(answer)}


FAMILY = Family(
    [
        Call("GetInsights", then=lambda a: a["Insights"] == []),
        Call("CreateInsight", insight(), then=lambda a: f":insight/{ADMIN}/custom/" in a["InsightArn"]),
        Call("CreateInsight", insight(Name="By severity", Filters={}, GroupByAttribute="SeverityLabel")),
        Call("CreateInsight", insight(Name="By resource", GroupByAttribute="ResourceId")),
        *[
            Fails("CreateInsight", "InvalidInputException", insight(**bad))
            for bad in (
                {"Name": " "},
                {"GroupByAttribute": "Colour"},
                {"GroupByAttribute": "ResourceTags"},
                {"Filters": {"Title": [{"Value": "x", "Comparison": "CONTAINS"}]}},
                {"Filters": {"CreatedAt": [{"DateRange": {"Value": "7", "Unit": "DAYS"}}]}},
            )
        ],
        Call("GetInsights", pages=1, then=lambda a: names(a) == ["By account", "By severity", "By resource"]),
        Call("GetInsights", listed("By severity"), then=lambda a: [(i["Filters"], i["GroupByAttribute"]) for i in a["Insights"]] == [({}, "SeverityLabel")]),
        Fails("GetInsights", "ResourceNotFoundException", {"InsightArns": [MISSING]}),
        Fails("GetInsights", "InvalidInputException", {"InsightArns": ["arn:aws:nothing"]}),
        Call("GetInsights", region=LINKED, then=lambda a: a["Insights"] == []),
        Call("GetInsights", {"InsightArns": [MANAGED]}, then=lambda a: names(a) == ["Severity by counts of findings"]),
        Call("GetInsightResults", {"InsightArn": MANAGED}, then=lambda a: {"HIGH", "MEDIUM", "LOW"} <= {value for value, _ in groups(a)}),
        Fails("UpdateInsight", "InvalidInputException", {"InsightArn": MANAGED, "Name": "mine"}),
        Fails("DeleteInsight", "InvalidInputException", {"InsightArn": MANAGED}),
        Call("GetInsightResults", named("By account"), then=right),
        Call("GetInsightResults", named("By severity"), then=lambda a: {"HIGH", "MEDIUM", "LOW"} <= {value for value, _ in groups(a)}),
        Call("GetInsightResults", named("By resource"), then=lambda a: 0 < len(groups(a)) <= 100),
        Fails("GetInsightResults", "ResourceNotFoundException", {"InsightArn": MISSING}),
        Fails("GetInsightResults", "ResourceNotFoundException", named("By account"), account=MEMBER),
        Fails("GetInsightResults", "InvalidInputException", {"InsightArn": "arn:aws:nothing"}),
        Call("UpdateInsight", update("By resource", Name="By Region", Filters={}, GroupByAttribute="Region")),
        Call("GetInsightResults", named("By Region"), then=lambda a: {value for value, _ in groups(a)} == {HOME, LINKED}),
        Call("UpdateInsight", update("By Region", Name="By place")),
        Call("GetInsights", listed("By place"), then=lambda a: a["Insights"][0]["GroupByAttribute"] == "Region"),
        Fails("UpdateInsight", "InvalidInputException", update("By place", GroupByAttribute="Keyword")),
        Fails("UpdateInsight", "InvalidInputException", {"InsightArn": "arn:aws:nothing"}),
        Fails("UpdateInsight", "ResourceNotFoundException", {"InsightArn": MISSING, "Name": "x"}),
        Call("DeleteInsight", named("By place"), then=lambda a: ":insight/" in a["InsightArn"]),
        Fails("DeleteInsight", "ResourceNotFoundException", {"InsightArn": MISSING}),
        Fails("DeleteInsight", "InvalidInputException", {"InsightArn": "arn:aws:nothing"}),
        Call("GetInsights", then=lambda a: names(a) == ["By account", "By severity"]),
    ],
    not_provoked={("CreateInsight", "ResourceConflictException"): "names need not differ, and nothing else can be there already"},
)
