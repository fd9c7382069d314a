"""Automation rules V1."""

from table import ADMIN, HOME, LINKED, MEMBER, Call, Fails, Family

OTHERS = f"arn:aws:securityhub:{HOME}:{MEMBER}:automation-rule/none"
MISSING = OTHERS.replace(MEMBER, ADMIN)

# Every criterion that there is, by the kind of its filters.
TEXTS = (
    "ProductArn AwsAccountId Id GeneratorId Type Title Description SourceUrl ProductName CompanyName SeverityLabel ResourceType ResourceId "
    "ResourcePartition ResourceRegion ComplianceStatus ComplianceSecurityControlId ComplianceAssociatedStandardsId VerificationState "
    "WorkflowStatus RecordState RelatedFindingsProductArn RelatedFindingsId NoteText NoteUpdatedBy ResourceApplicationArn "
    "ResourceApplicationName AwsAccountName ResourceProvider ResourceOwnerAccountId ResourceOwnerOrgId"
).split()
DATES = "FirstObservedAt LastObservedAt CreatedAt UpdatedAt NoteUpdatedAt".split()
NUMBERS = "Confidence Criticality".split()
MAPS = "ResourceTags ResourceDetailsOther UserDefinedFields".split()
EVERY = {
    **{name: [{"Value": "x", "Comparison": "CONTAINS"}] for name in TEXTS},
    **{name: [{"DateRange": {"Value": 7, "Unit": "DAYS", "Comparison": "OLDER_THAN"}}] for name in DATES},
    **{name: [{"Gte": 1, "Lte": 99}, {"Eq": 0}] for name in NUMBERS},
    **{name: [{"Key": "k", "Value": "v", "Comparison": "NOT_CONTAINS"}] for name in MAPS},
}
FIELDS = {
    "Note": {"Text": "accepted", "UpdatedBy": "security"},
    "Severity": {"Label": "LOW", "Product": 1.5},
    "VerificationState": "BENIGN_POSITIVE",
    "Confidence": 10,
    "Criticality": 20,
    "Types": ["Software and Configuration Checks/Vulnerabilities"],
    "UserDefinedFields": {"team": "payments"},
    "Workflow": {"Status": "SUPPRESSED"},
    "RelatedFindings": [{"ProductArn": "arn:p", "Id": "i"}],
}


def equals(**criteria):
    return {name: [{"Value": value, "Comparison": "EQUALS"}] for name, value in criteria.items()}


def action(**fields):
    return [{"Type": "FINDING_FIELDS_UPDATE", "FindingFieldsUpdate": fields}]


def rule(**more):
    return {
        "RuleName": "first",
        "RuleOrder": 10,
        "Description": "Port 22 is open on purpose",
        "Criteria": equals(Title="A port for rules"),
        "Actions": action(**FIELDS),
        **more,
    }


def arns(world, *names):
    rules = world.call("ListAutomationRules", {})["AutomationRulesMetadata"]
    return [r["RuleArn"] for name in names for r in rules if r["RuleName"] == name]


def arn(name):
    return lambda world: {"ResourceArn": arns(world, name)[0]}


def batch(*names, more=()):
    return lambda world: {"AutomationRulesArns": arns(world, *names) + list(more)}


def update(name, **changes):
    return lambda world: {"UpdateAutomationRulesRequestItems": [{"RuleArn": arns(world, name)[0], **changes}]}


def names(answer):
    return [r["RuleName"] for r in answer["AutomationRulesMetadata"]]


def codes(answer):
    return [r["ErrorCode"] for r in answer["UnprocessedAutomationRules"]]


def is_whole(answer):
    [found] = answer["Rules"]
    return (
        found["Criteria"] == rule()["Criteria"]
        and found["Actions"] == rule()["Actions"]
        and (found["RuleStatus"], found["IsTerminal"], found["RuleOrder"]) == ("ENABLED", False, 10)
        and found["CreatedBy"].endswith(":user/alice")
        and codes(answer) == [404, 403, 400]
    )


def finding(**more):
    return {
        "SchemaVersion": "2018-10-08",
        "Id": "rules/1",
        "ProductArn": f"arn:aws:securityhub:{HOME}:{ADMIN}:product/{ADMIN}/default",
        "GeneratorId": "scanner",
        "AwsAccountId": ADMIN,
        "Types": ["Software and Configuration Checks"],
        "CreatedAt": "2026-11-21T08:00:00Z",
        "UpdatedAt": "2026-11-21T08:00:00Z",
        "Severity": {"Label": "HIGH"},
        "Title": "A port for rules",
        "Description": "Port 22 is open to the world.",
        "Resources": [{"Type": "Other", "Id": "sg-1"}],
        **more,
    }


def as_the_rule_says(answer):
    [found] = answer["Findings"]
    note, severity = found.pop("Note"), found.pop("Severity")
    wanted = {name: value for name, value in FIELDS.items() if name not in ("Note", "Severity")}
    return (
        {name: found[name] for name in wanted} == wanted
        and (note["Text"], note["UpdatedBy"]) == ("accepted", "security")
        and (severity["Label"], severity["Normalized"]) == ("LOW", 1)
        and found["FindingProviderFields"]["Severity"]["Label"] == "HIGH"
    )


def by_the_rule(answer):
    return ":automation-rule/" in answer["Records"][0]["UpdateSource"]["Identity"] and answer["Records"][-1]["FindingCreated"]


FAMILY = Family(
    [
        Call("ListAutomationRules", then=lambda a: a["AutomationRulesMetadata"] == [] and "NextToken" not in a),
        Call("CreateAutomationRule", rule(Tags={"team": "sec"}), then=lambda a: f":{HOME}:{ADMIN}:automation-rule/" in a["RuleArn"]),
        Call("CreateAutomationRule", rule(RuleName="second", RuleOrder=5, RuleStatus="DISABLED", IsTerminal=True, Criteria=EVERY)),
        Call(
            "CreateAutomationRule",
            rule(RuleName="third", RuleOrder=10, Criteria={"AwsAccountId": [{"Value": str(n), "Comparison": "EQUALS"} for n in range(100)]}),
        ),
        # In the order in which they are applied, page by page.
        Call("ListAutomationRules", {"MaxResults": 2}, then=lambda a: names(a) == ["second", "first"] and "NextToken" in a),
        Call(
            "ListAutomationRules",
            lambda world: {"MaxResults": 2, "NextToken": world.call("ListAutomationRules", {"MaxResults": 2})["NextToken"]},
            then=lambda a: names(a) == ["third"] and "NextToken" not in a,
        ),
        Call("ListAutomationRules", region=LINKED, then=lambda a: a["AutomationRulesMetadata"] == []),
        Fails("ListAutomationRules", "AccessDeniedException", account=MEMBER),
        Call("BatchGetAutomationRules", batch("first", more=[MISSING, OTHERS, "arn:aws:nothing"]), then=is_whole),
        Call("BatchGetAutomationRules", batch("second"), then=lambda a: a["Rules"][0]["Criteria"] == EVERY),
        Fails("BatchGetAutomationRules", "AccessDeniedException", {"AutomationRulesArns": [OTHERS]}, account=MEMBER),
        # What a finding is when it comes in.
        Call("BatchImportFindings", {"Findings": [finding()]}),
        Call("GetFindings", {"Filters": equals(Id="rules/1")}, then=as_the_rule_says),
        Call(
            "GetFindingHistory",
            {"FindingIdentifier": {"Id": "rules/1", "ProductArn": finding()["ProductArn"]}},
            then=by_the_rule,
        ),
        # Tags.
        Call("ListTagsForResource", arn("first"), then=lambda a: a["Tags"] == {"team": "sec"}),
        Call("TagResource", lambda world: {**arn("third")(world), "Tags": {"team": "pay"}}),
        Call("UntagResource", lambda world: {**arn("third")(world), "TagKeys": ["team"]}),
        Call("ListTagsForResource", arn("third"), then=lambda a: a["Tags"] == {}),
        # What is refused.
        *[
            Fails("CreateAutomationRule", "InvalidInputException", rule(**bad))
            for bad in (
                {"RuleName": " "},
                {"Tags": {"aws:x": "y"}},
                {"Criteria": {}},
                {"Criteria": {"Title": [{"Value": "x", "Comparison": "CONTAINS"}, {"Value": "y", "Comparison": "EQUALS"}]}},
                {"Criteria": {"Title": [{"Value": "x", "Comparison": "CONTAINS_WORD"}]}},
                {"Criteria": {"Id": [{"Value": str(n), "Comparison": "EQUALS"} for n in range(21)]}},
                {"Actions": action()},
                {"Actions": action(Confidence=101)},
                {"Actions": action(Workflow={"Status": "DONE"})},
                {"Actions": action(Note={"Text": "x" * 513, "UpdatedBy": "y"})},
                {"Actions": [{"Type": "CLOSE"}]},
            )
        ],
        Fails("CreateAutomationRule", "AccessDeniedException", rule(), account=MEMBER),
        # Changes.
        Call(
            "BatchUpdateAutomationRules",
            update("third", RuleOrder=1, RuleName="third, edited", Description="edited", RuleStatus="DISABLED", IsTerminal=True, Criteria=EVERY, Actions=action(Confidence=1)),
            then=lambda a: len(a["ProcessedAutomationRules"]) == 1 and codes(a) == [],
        ),
        Call("ListAutomationRules", then=lambda a: names(a) == ["third, edited", "second", "first"]),
        Call(
            "BatchUpdateAutomationRules",
            {"UpdateAutomationRulesRequestItems": [{"RuleArn": MISSING, "RuleOrder": 7}, {"RuleArn": OTHERS}]},
            then=lambda a: a["ProcessedAutomationRules"] == [] and codes(a) == [404, 403],
        ),
        Fails("BatchUpdateAutomationRules", "InvalidInputException", update("first", RuleOrder=1100)),
        Fails("BatchUpdateAutomationRules", "InvalidInputException", update("first", Criteria={"Title": []})),
        Fails("BatchUpdateAutomationRules", "InvalidAccessException", {"UpdateAutomationRulesRequestItems": [{"RuleArn": OTHERS}]}, account=MEMBER),
        Fails("BatchDeleteAutomationRules", "InvalidAccessException", {"AutomationRulesArns": [OTHERS]}, account=MEMBER),
        Call(
            "BatchDeleteAutomationRules",
            batch("first", "second", "third, edited", more=[MISSING]),
            then=lambda a: len(a["ProcessedAutomationRules"]) == 3 and codes(a) == [404],
        ),
        Call("ListAutomationRules", then=lambda a: a["AutomationRulesMetadata"] == []),
        Call("BatchGetAutomationRules", {"AutomationRulesArns": [MISSING]}, then=lambda a: a["Rules"] == [] and codes(a) == [404]),
        # What comes in now is as it was sent.
        Call("BatchImportFindings", {"Findings": [finding(Id="rules/2")]}),
        Call("GetFindings", {"Filters": equals(Id="rules/2")}, then=lambda a: a["Findings"][0]["Workflow"]["Status"] == "NEW"),
        Call("CreateAutomationRule", rule(RuleStatus="DISABLED")),
    ],
    not_provoked={
        (operation, "ResourceNotFoundException"): "a rule that is not there is an unprocessed one"
        for operation in ("BatchGetAutomationRules", "BatchUpdateAutomationRules", "BatchDeleteAutomationRules")
    },
)
