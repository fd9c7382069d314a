"""Products that send findings, and the subscriptions to them. The account of most rows is a stranger to the organization, with a hub as
EnableSecurityHub makes it."""

from table import HOME, LINKED, Call, Fails, Family

OWN = "321432143214"


def product(path, region=HOME):
    return f"arn:aws:securityhub:{region}::product/{path}"


def subscription(path, account=OWN):
    return {"ProductSubscriptionArn": f"arn:aws:securityhub:{HOME}:{account}:product-subscription/{path}"}


def own(operation, given=None, **more):
    return Call(operation, given or {}, account=OWN, **more)


def fails(operation, code, given):
    return Fails(operation, code, given, account=OWN)


def paths(answer):
    return {arn.split("product-subscription/")[1] for arn in answer["ProductSubscriptions"]}


def findings(path, **more):
    return {
        "Findings": [
            {
                "SchemaVersion": "2018-10-08",
                "Id": f"{path}/1",
                "ProductArn": product(path),
                "GeneratorId": "scanner",
                "AwsAccountId": OWN,
                "Types": ["Software and Configuration Checks"],
                "CreatedAt": "2026-11-21T08:00:00Z",
                "UpdatedAt": "2026-11-21T08:00:00Z",
                "Severity": {"Label": "HIGH"},
                "Title": "An open port",
                "Description": "Port 22 is open to the world.",
                "Resources": [{"Type": "Other", "Id": "sg-1"}],
                **more,
            }
        ]
    }


def of(name):
    return {"Filters": {"ProductName": [{"Value": name, "Comparison": "EQUALS"}]}}


def company(answer):
    return [f["CompanyName"] for f in answer["Findings"]]


FAMILY = Family(
    [
        Fails("ListEnabledProductsForImport", "InvalidAccessException", account=OWN),
        own("EnableSecurityHub"),
        own("DescribeProducts", pages=7, then=lambda a: len(a["Products"]) > 20),
        own(
            "DescribeProducts",
            {"ProductArn": product("prowler/prowler")},
            then=lambda a: [(p["ProductName"], p["CompanyName"], p["IntegrationTypes"]) for p in a["Products"]]
            == [("Prowler", "Prowler", ["SEND_FINDINGS_TO_SECURITY_HUB"])],
        ),
        own("DescribeProducts", {"ProductArn": product("acme/scanner")}, then=lambda a: a["Products"] == []),
        fails("DescribeProducts", "InvalidInputException", {"ProductArn": "arn:aws:nothing"}),
        # AWS's own but Macie, and partners once they are enabled.
        own(
            "ListEnabledProductsForImport",
            pages=4,
            then=lambda a: {"aws/securityhub", "aws/guardduty"} <= paths(a) and all(p.startswith("aws/") and p != "aws/macie" for p in paths(a)),
        ),
        fails("BatchImportFindings", "AccessDeniedException", findings("prowler/prowler")),
        own("EnableImportFindingsForProduct", {"ProductArn": product("prowler/prowler")}, then=lambda a: a == {**a, **subscription("prowler/prowler")}),
        own("BatchImportFindings", findings("prowler/prowler", ProductName="Mine"), then=lambda a: a["SuccessCount"] == 1),
        own("GetFindings", of("Prowler"), then=lambda a: company(a) == ["Prowler"]),
        own("BatchImportFindings", findings("aws/guardduty"), then=lambda a: a["SuccessCount"] == 1),
        own("GetFindings", of("GuardDuty"), then=lambda a: company(a) == ["Amazon"]),
        own("ListEnabledProductsForImport", then=lambda a: "prowler/prowler" in paths(a)),
        fails("EnableImportFindingsForProduct", "ResourceConflictException", {"ProductArn": product("prowler/prowler")}),
        fails("EnableImportFindingsForProduct", "ResourceConflictException", {"ProductArn": product("aws/guardduty")}),
        fails("EnableImportFindingsForProduct", "ResourceNotFoundException", {"ProductArn": product("acme/scanner")}),
        fails("EnableImportFindingsForProduct", "InvalidInputException", {"ProductArn": product("prowler/prowler", LINKED)}),
        fails("EnableImportFindingsForProduct", "InvalidInputException", {"ProductArn": "arn:aws:nothing"}),
        own("DisableImportFindingsForProduct", subscription("prowler/prowler")),
        fails("BatchImportFindings", "AccessDeniedException", findings("prowler/prowler")),
        own("GetFindings", of("Prowler"), then=lambda a: len(a["Findings"]) == 1),
        fails("DisableImportFindingsForProduct", "ResourceNotFoundException", subscription("prowler/prowler")),
        fails("DisableImportFindingsForProduct", "AccessDeniedException", subscription("aws/guardduty", "123412341234")),
        fails("DisableImportFindingsForProduct", "InvalidInputException", {"ProductSubscriptionArn": "arn:aws:nothing"}),
        # The generated organization takes findings of all.
        Call("ListEnabledProductsForImport", then=lambda a: {"aws/macie", "prowler/prowler"} <= paths(a)),
        # For what is tried beside the rows.
        own("EnableImportFindingsForProduct", {"ProductArn": product("aws/macie")}),
        own("DescribeProducts", {"ProductArn": product("aws/macie")}),
        own("ListEnabledProductsForImport"),
    ],
)
