"""Findings: read, update, import, history."""

from table import ADMIN, HOME, Call, Fails, Family


def first(world):
    return world.call("GetFindings", {"MaxResults": 1})["Findings"][0]


def identifier(world):
    return {key: first(world)[key] for key in ("Id", "ProductArn")}


def update(world):
    known = identifier(world)
    return {
        "FindingIdentifiers": [known, {**known, "Id": "arn:aws:nothing"}, known],
        "Note": {"Text": "seen", "UpdatedBy": "alice"},
        "Workflow": {"Status": "NOTIFIED"},
        "UserDefinedFields": {"team": "payments"},
        "Severity": {"Label": "LOW"},
        "VerificationState": "TRUE_POSITIVE",
        "Confidence": 42,
        "Criticality": 99,
        "Types": ["Software and Configuration Checks/Vulnerabilities"],
        "RelatedFindings": [known],
    }


def finding(**more):
    return {
        "SchemaVersion": "2018-10-08",
        "Id": "scanner/1",
        "ProductArn": f"arn:aws:securityhub:{HOME}:{ADMIN}:product/{ADMIN}/default",
        "GeneratorId": "scanner",
        "AwsAccountId": ADMIN,
        "Types": ["Software and Configuration Checks/Vulnerabilities"],
        "CreatedAt": "2026-11-21T08:00:00Z",
        "UpdatedAt": "2026-11-21T08:00:00Z",
        "Severity": {"Label": "HIGH"},
        "Title": "An open port",
        "Description": "Port 22 is open to the world.",
        "Resources": [{"Type": "Other", "Id": "sg-1"}],
        **more,
    }


FAMILY = Family(
    [
        Call("GetFindings", {"MaxResults": 50}, pages=7, then=lambda a: len(a["Findings"]) == 50),
        Call("GetFindings", {"SortCriteria": [{"Field": "UpdatedAt", "SortOrder": "desc"}], "MaxResults": 5}),
        Fails("GetFindings", "InvalidInputException", {"Filters": {"Title": [{"Value": "x", "Comparison": "CONTAINS"}]}}),
        Call(
            "BatchUpdateFindings",
            update,
            then=lambda a: len(a["ProcessedFindings"]) == 1
            and [f["ErrorCode"] for f in a["UnprocessedFindings"]] == ["FindingNotFound", "DuplicatedFindingIdentifier"],
        ),
        Fails("BatchUpdateFindings", "InvalidInputException", lambda world: {**update(world), "Workflow": {"Status": "DONE"}}),
        Call("GetFindings", then=lambda a: a["Findings"][0]["Note"]["Text"] == "seen"),
        Call(
            "GetFindingHistory",
            lambda world: {"FindingIdentifier": identifier(world)},
            pages=1,
            then=lambda a: a["Records"][0]["UpdateSource"]["Identity"].endswith(":user/alice"),
        ),
        Fails("GetFindingHistory", "InvalidInputException", lambda world: {"FindingIdentifier": {**identifier(world), "Id": "arn:aws:nothing"}}),
        Call(
            "BatchImportFindings",
            {"Findings": [finding(), finding(Id="scanner/2", CreatedAt="yesterday")]},
            then=lambda a: (a["SuccessCount"], [f["ErrorCode"] for f in a["FailedFindings"]]) == (1, ["InvalidInput"]),
        ),
        Fails("BatchImportFindings", "AccessDeniedException", {"Findings": [finding(AwsAccountId="555555555555")]}),
    ]
)
