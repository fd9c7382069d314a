"""What boto3 sees of Security Hub Local: smoke.py ENDPOINT REGION ROLE_ARN. Ends with the number of checks that passed."""

import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, region, role = sys.argv[1:]
passed = 0


def client(service, **keys):
    keys = keys or {"aws_access_key_id": "111122223333", "aws_secret_access_key": "alice"}
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=True)
    return boto3.client(service, endpoint_url=endpoint, region_name=region, config=config, **keys)


def check(what, condition):
    global passed
    if not condition:
        sys.exit(f"failed: {what}")
    passed += 1


hub, sts = client("securityhub"), client("sts")

identity = sts.get_caller_identity()
check("the key names the account and the secret the principal", identity["Arn"].endswith(":user/alice"))

described = hub.describe_hub()
check("the hub is on", described["HubArn"] == f"arn:aws:securityhub:{region}:111122223333:hub/default")

pages = list(hub.get_paginator("get_findings").paginate(PaginationConfig={"PageSize": 100}))
findings = [finding for page in pages for finding in page["Findings"]]
unique = {(finding["ProductArn"], finding["Id"], finding["AwsAccountId"]) for finding in findings}
check("pages bring every finding once", len(pages) == 3 and len(findings) == len(unique) == 250)

filters = {
    "ComplianceStatus": [{"Value": "FAILED", "Comparison": "EQUALS"}],
    "RecordState": [{"Value": "ACTIVE", "Comparison": "EQUALS"}],
}
failed = [
    finding for page in hub.get_paginator("get_findings").paginate(Filters=filters) for finding in page["Findings"]
]
expected = [
    finding
    for finding in findings
    if finding.get("Compliance", {}).get("Status") == "FAILED" and finding["RecordState"] == "ACTIVE"
]
check("filters bring what they say", 0 < len(failed) == len(expected) < 250)

try:
    hub.get_findings(Filters={"Title": [{"Value": "x", "Comparison": "CONTAINS"}]})
    check("GetFindings refuses CONTAINS", False)
except ClientError as error:
    check("GetFindings refuses CONTAINS", error.response["Error"]["Code"] == "InvalidInputException")

own = {key: failed[0][key] for key in ("Id", "ProductArn")}
answer = hub.batch_update_findings(
    FindingIdentifiers=[own, {**own, "Id": "arn:aws:nothing"}],
    Workflow={"Status": "SUPPRESSED"},
    Note={"Text": "accepted", "UpdatedBy": "alice"},
)
check(
    "an update says what it did not do",
    answer["ProcessedFindings"] == [own] and answer["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound",
)
read = hub.get_findings(Filters={"Id": [{"Value": own["Id"], "Comparison": "EQUALS"}]})["Findings"]
check("the update is there", [finding["Workflow"]["Status"] for finding in read] == ["SUPPRESSED"])

arn = described["HubArn"]
hub.tag_resource(ResourceArn=arn, Tags={"team": "security", "hubkeeper.dev/cluster": "one"})
hub.untag_resource(ResourceArn=arn, TagKeys=["team", "never"])
check("the hub has tags", hub.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"hubkeeper.dev/cluster": "one"})

finding = {
    "SchemaVersion": "2018-10-08",
    "Id": "scanner/1",
    "ProductArn": f"arn:aws:securityhub:{region}:111122223333:product/111122223333/default",
    "GeneratorId": "scanner",
    "AwsAccountId": "111122223333",
    "Types": ["Software and Configuration Checks/Vulnerabilities"],
    "CreatedAt": "2026-11-21T08:00:00Z",
    "UpdatedAt": "2026-11-21T08:00:00Z",
    "Severity": {"Label": "HIGH"},
    "Title": "An open port",
    "Description": "Port 22 is open to the world.",
    "Resources": [{"Type": "Other", "Id": "sg-1"}],
}
imported = hub.batch_import_findings(Findings=[finding, {**finding, "Id": "scanner/2", "CreatedAt": "yesterday"}])
check("an import takes what it may", (imported["SuccessCount"], imported["FailedCount"]) == (1, 1))

keys = sts.assume_role(RoleArn=role, RoleSessionName="smoke", ExternalId="example")["Credentials"]
assumed = client(
    "sts",
    aws_access_key_id=keys["AccessKeyId"],
    aws_secret_access_key=keys["SecretAccessKey"],
    aws_session_token=keys["SessionToken"],
)
check("a role is assumed", assumed.get_caller_identity()["Arn"].endswith("assumed-role/hubkeeper/smoke"))

print(f"{passed} checks passed")
