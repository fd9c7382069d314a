"""An organization from nothing, by boto3 alone: topology.py ENDPOINT, where no hub is on and nobody administers anybody."""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

MANAGEMENT, ADMIN, MEMBER, LATER = "000000000000", "111122223333", "444455556666", "777788889999"
HOME, LINKED = "eu-west-1", "us-east-1"
ACCOUNTS, REGIONS = [ADMIN, MEMBER, LATER], [HOME, LINKED]


def client(service, account, region=HOME):
    return boto3.client(
        service,
        endpoint_url=sys.argv[1],
        region_name=region,
        aws_access_key_id=account,
        aws_secret_access_key="alice",
        config=Config(retries={"total_max_attempts": 1}),
    )


checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"not so: {what}")


def refused(code, call, **given):
    try:
        call(**given)
        check(False, f"refused with {code}")
    except ClientError as error:
        check(error.response["Error"]["Code"] == code, f"{code}, and not {error}")


def finding(account, region):
    identity = f"arn:aws:securityhub:{region}:{account}:security-control/S3.8/finding/0f0e0d0c-1111-4222-8333-{account}"
    product = f"arn:aws:securityhub:{region}::product/aws/securityhub"
    return {
        "SchemaVersion": "2018-10-08",
        "Id": identity,
        "ProductArn": product,
        "GeneratorId": "security-control/S3.8",
        "AwsAccountId": account,
        "Region": region,
        "Types": ["Software and Configuration Checks/Industry and Regulatory Standards"],
        "CreatedAt": "2026-11-21T07:00:00.000Z",
        "UpdatedAt": "2026-11-21T07:00:00.000Z",
        "Severity": {"Label": "HIGH"},
        "Title": "S3 general purpose buckets should block public access",
        "Description": "A bucket is public.",
        "Resources": [{"Type": "AwsS3Bucket", "Id": f"arn:aws:s3:::{account}-{region}"}],
        "Compliance": {"Status": "FAILED", "SecurityControlId": "S3.8"},
    }


def seen(account, region):
    """Account and Region of every finding that is seen from there, by pages of two."""
    pages = client("securityhub", account, region).get_paginator("get_findings").paginate(PaginationConfig={"PageSize": 2})
    return sorted((found["AwsAccountId"], found["Region"]) for page in pages for found in page["Findings"])


def every(accounts, regions):
    return sorted((account, region) for account in accounts for region in regions)


# What tools ask first.
check(client("sts", ADMIN).get_caller_identity()["Account"] == ADMIN, "a key is an account")
regions = {region["RegionName"] for region in client("ec2", ADMIN).describe_regions()["Regions"]}
check(set(REGIONS) <= regions, "there are Regions")
for account in ACCOUNTS:
    for region in REGIONS:
        refused("InvalidAccessException", client("securityhub", account, region).describe_hub)

# Hubs, administrator, members, aggregator.
for region in REGIONS:
    client("securityhub", MEMBER, region).enable_security_hub(EnableDefaultStandards=True)
    refused("AccessDeniedException", client("securityhub", ADMIN, region).enable_organization_admin_account, AdminAccountId=ADMIN)
    client("securityhub", MANAGEMENT, region).enable_organization_admin_account(AdminAccountId=ADMIN)
    admin = client("securityhub", ADMIN, region)
    answer = admin.create_members(AccountDetails=[{"AccountId": account} for account in (MEMBER, LATER)])
    check(answer["UnprocessedAccounts"] == [], "both are members at once")
    members = [member for page in admin.get_paginator("list_members").paginate(PaginationConfig={"PageSize": 1}) for member in page["Members"]]
    check([member["MemberStatus"] for member in members] == ["Enabled"] * 2, "and enabled")
    check(client("securityhub", LATER, region).describe_hub()["ControlFindingGenerator"] == "SECURITY_CONTROL", "hubs come with it")
admin = client("securityhub", ADMIN)
arn = admin.create_finding_aggregator(RegionLinkingMode="SPECIFIED_REGIONS", Regions=[LINKED])["FindingAggregatorArn"]
check(client("securityhub", MEMBER).get_administrator_account()["Administrator"]["AccountId"] == ADMIN, "members know it")
check(client("securityhub", LATER, LINKED).list_finding_aggregators()["FindingAggregators"][0]["FindingAggregatorArn"] == arn, "and its aggregator")

# Checks run everywhere; who sees what.
for account in ACCOUNTS:
    for region in REGIONS:
        answer = client("securityhub", account, region).batch_import_findings(Findings=[finding(account, region)])
        check((answer["SuccessCount"], answer["FailedCount"]) == (1, 0), f"the check runs: {answer}")
check(seen(ADMIN, HOME) == every(ACCOUNTS, REGIONS), "the administrator sees all from home")
check(seen(ADMIN, LINKED) == every(ACCOUNTS, [LINKED]), "and its members elsewhere")
for account in (MEMBER, LATER):
    check(seen(account, HOME) == every([account], REGIONS), "a member sees its own from home")
    check(seen(account, LINKED) == every([account], [LINKED]), "and its own elsewhere")

# Updates go both ways.
theirs = {key: finding(MEMBER, LINKED)[key] for key in ("Id", "ProductArn")}
answer = admin.batch_update_findings(FindingIdentifiers=[theirs], Workflow={"Status": "NOTIFIED"}, Note={"Text": "told", "UpdatedBy": "a"})
check(len(answer["ProcessedFindings"]) == 1, "the administrator updates a member's finding from home")
own = client("securityhub", MEMBER, LINKED)
check(own.get_findings()["Findings"][0]["Workflow"]["Status"] == "NOTIFIED", "the member sees it where it is")
own.batch_update_findings(FindingIdentifiers=[theirs], Workflow={"Status": "SUPPRESSED"})
wanted = {"Filters": {"Id": [{"Value": theirs["Id"], "Comparison": "EQUALS"}]}}
check(admin.get_findings(**wanted)["Findings"][0]["Workflow"]["Status"] == "SUPPRESSED", "and home sees the member's")
answer = client("securityhub", LATER).batch_update_findings(FindingIdentifiers=[theirs], Workflow={"Status": "NEW"})
check(answer["UnprocessedFindings"][0]["ErrorCode"] == "FindingNotFound", "another member does not")

# Every change was told to the administrator, at home.
queue, told = client("sqs", ADMIN), []
url = f"{sys.argv[1]}/{ADMIN}/hubkeeper"
while messages := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
    for message in messages:
        event = json.loads(message["Body"])
        told.append((event["account"], event["region"], event["detail"]["findings"][0]["AwsAccountId"]))
        queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
check({bus[:2] for bus in told} == {(ADMIN, HOME)} and len(told) == 8, f"six imports and two updates: {told}")

# It ends as it began.
admin.disassociate_members(AccountIds=[LATER])
check(seen(ADMIN, HOME) == every([ADMIN, MEMBER], REGIONS), "who left is out of sight at home")
check(seen(ADMIN, LINKED) == every(ACCOUNTS, [LINKED]), "and still there where it did not leave")
admin.delete_finding_aggregator(FindingAggregatorArn=arn)
check(seen(ADMIN, HOME) == every([ADMIN, MEMBER], REGIONS), "what had flown stays when the aggregator is gone")
refused("InvalidInputException", admin.disable_security_hub)
refused("InvalidAccessException", client("securityhub", MEMBER).disable_security_hub)
for region in REGIONS:
    client("securityhub", MANAGEMENT, region).disable_organization_admin_account(AdminAccountId=ADMIN)
    for account in ACCOUNTS:
        hub = client("securityhub", account, region)
        check(hub.list_members(OnlyAssociated=False)["Members"] == [], "nobody administers anybody")
        hub.disable_security_hub()
        refused("InvalidAccessException", hub.describe_hub)
print(f"{checks} checks passed")
