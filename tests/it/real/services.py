"""EC2's DescribeRegions and STS, by boto3: services.py ENDPOINT ROLE, where the role takes the external id "example"."""

import sys

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

ACCOUNT, REGION = "111122223333", "eu-west-1"
ENDPOINT, ROLE = sys.argv[1:]
DEFAULTS = dict(endpoint_url=ENDPOINT, region_name=REGION)


def client(service, key=ACCOUNT, secret="alice", token=None, **config):
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False, **config)
    return boto3.client(
        service, aws_access_key_id=key, aws_secret_access_key=secret, aws_session_token=token, config=config, **DEFAULTS
    )


checks = 0


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        sys.exit(f"not so: {what}")


def refused(code, status, call, **given):
    """Gives what was said."""
    try:
        answer = call(**given)
    except ClientError as error:
        said = error.response
        check(said["Error"]["Code"] == code, f"{code}, and not {error}")
        check(said["ResponseMetadata"]["HTTPStatusCode"] == status, f"{said['ResponseMetadata']['HTTPStatusCode']} of {code}")
        check(said["ResponseMetadata"].get("RequestId"), f"a request id in {said}")
        return said["Error"]["Message"]
    sys.exit(f"not refused with {code}: {given} is answered by {answer}")


# EC2: the Regions of an account, on and off.
ec2 = client("ec2")


def names(**given):
    return {region["RegionName"] for region in ec2.describe_regions(**given)["Regions"]}


def statuses(**given):
    return {region["RegionName"]: region["OptInStatus"] for region in ec2.describe_regions(**given)["Regions"]}


def where(**filters):
    return [{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()]


known = set(boto3.session.Session().get_available_regions("securityhub"))
check(names(AllRegions=True) == known, f"every Region that botocore knows, and no other: {names(AllRegions=True) ^ known}")
check(set(statuses().values()) == {"opt-in-not-required"} and len(names()) == 17, "without those that are off")
check(statuses(AllRegions=True)["me-south-1"] == "not-opted-in", "one that is off is said to be")
check(statuses(RegionNames=["me-south-1", REGION]) == {"me-south-1": "not-opted-in", REGION: "opt-in-not-required"}, "one is named")
check(ec2.describe_regions(RegionNames=[REGION])["Regions"][0]["Endpoint"] == f"ec2.{REGION}.amazonaws.com", "its endpoint")
check(names(Filters=where(region_name=["eu-west-?", "us-east-1"])) == {"eu-west-1", "eu-west-2", "eu-west-3", "us-east-1"}, "patterns")
check(names(Filters=where(region_name=["eu-*"], endpoint=["*-1.amazonaws.com"])) == {"eu-west-1", "eu-central-1", "eu-north-1"}, "both filters")
check(names(Filters=where(opt_in_status=["not-opted-in"])) == set(), "those that are off are not asked for")
check(len(names(Filters=where(opt_in_status=["not-opted-in", "opted-in"]), AllRegions=True)) == 17, "until they are")
boto3.client("securityhub", endpoint_url=ENDPOINT, region_name="me-south-1", aws_access_key_id=ACCOUNT, aws_secret_access_key="x").enable_security_hub()
check(statuses(AllRegions=True)["me-south-1"] == "opted-in" and "me-south-1" in names(), "who has a hub there has opted in")
refused("InvalidParameterValue", 400, ec2.describe_regions, RegionNames=["eu-nowhere-1"])
refused("InvalidParameterValue", 400, ec2.describe_regions, Filters=where(colour=["red"]))
refused("InvalidParameterValue", 400, ec2.describe_regions, Filters=where(region_name=[]))
refused("DryRunOperation", 412, ec2.describe_regions, DryRun=True)
check("DescribeInstances" in refused("NotImplementedException", 501, ec2.describe_instances), "others are refused by name")
refused("AuthFailure", 401, client("ec2", key="AKIDEXAMPLE").describe_regions)
refused("MissingAuthenticationToken", 403, client("ec2", signature_version=UNSIGNED).describe_regions)

# STS: who one is.
sts = client("sts")
me = sts.get_caller_identity()
check((me["Account"], me["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/alice") and me["UserId"].startswith("AIDA"), f"{me}")
root = client("sts", secret="nobody").get_caller_identity()
check(root["Arn"] == f"arn:aws:iam::{ACCOUNT}:root", f"{root}")
refused("InvalidClientTokenId", 403, client("sts", key="AKIDEXAMPLE").get_caller_identity)
refused("MissingAuthenticationToken", 403, client("sts", signature_version=UNSIGNED).get_caller_identity)
for other in ("get_session_token", "get_federation_token"):
    given = {"Name": "bob"} if "federation" in other else {}
    said = refused("NotImplementedException", 501, getattr(sts, other), **given)
    check(other.replace("_", "") in said.lower(), f"{said} names {other}")

# STS: who one becomes.
valid = dict(RoleArn=ROLE, RoleSessionName="s-1", ExternalId="example")


def without(name):
    return {key: value for key, value in valid.items() if key != name}


answer = sts.assume_role(**valid, DurationSeconds=43200, SourceIdentity="alice", Policy='{"Version": "2012-10-17"}', Tags=[{"Key": "a", "Value": "b"}])
check(answer["SourceIdentity"] == "alice", "who it was at first")
check(answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/hubkeeper/s-1", f"{answer['AssumedRoleUser']}")
check(answer["AssumedRoleUser"]["AssumedRoleId"].endswith(":s-1"), f"{answer['AssumedRoleUser']}")
lasts = (answer["Credentials"]["Expiration"] - sts.assume_role(**valid)["Credentials"]["Expiration"]).total_seconds()
check(lasts == 43200 - 3600, f"twelve hours, and one unless told otherwise: {lasts}")
keys = answer["Credentials"]
session = client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
check(session.get_caller_identity()["Arn"] == answer["AssumedRoleUser"]["Arn"], "the session is the role")
free = "arn:aws:iam::444455556666:role/any/path/reader"
check(session.assume_role(RoleArn=free, RoleSessionName="s.2", DurationSeconds=3600)["AssumedRoleUser"]["Arn"].endswith(":assumed-role/reader/s.2"), "and takes the next")
said = refused("ValidationError", 400, session.assume_role, RoleArn=free, RoleSessionName="s.2", DurationSeconds=3601)
check("1 hour session limit" in said, said)
refused("SignatureDoesNotMatch", 403, client("sts", keys["AccessKeyId"], "guessed", keys["SessionToken"]).get_caller_identity)
refused("InvalidClientTokenId", 403, client("sts", keys["AccessKeyId"], keys["SecretAccessKey"], "forged").get_caller_identity)
refused("AuthFailure", 401, client("ec2", keys["AccessKeyId"], "guessed", keys["SessionToken"]).describe_regions)
for wrong in ({}, {"ExternalId": "another"}):
    said = refused("AccessDenied", 403, sts.assume_role, **{**without("ExternalId"), **wrong})
    check(f"not authorized to perform: sts:AssumeRole on resource: {ROLE}" in said, said)
for name, values in {
    "RoleArn": [None, "short", "arn:aws:iam::12:role/hubkeeper", f"arn:aws:iam::{ACCOUNT}:user/hubkeeper", "x" * 2049],
    "RoleSessionName": [None, "s", "s" * 65, "with space", "slash/ed"],
    "ExternalId": ["e", "e" * 1225, "with space"],
    "DurationSeconds": [899, 43201, "long"],
    "SourceIdentity": ["s", "s" * 65, "with space"],
    "TokenCode": ["12345", "abcdef"],
    "SerialNumber": ["short", "with space inside"],
    "Policy": ["x" * 2049],
    "Tags": [[{"Key": f"k{n}", "Value": "v"} for n in range(51)]],
}.items():
    for value in values:
        given = without(name) if value is None else {**valid, name: value}
        refused("ValidationError", 400, sts.assume_role, **given)
refused("MalformedPolicyDocument", 400, sts.assume_role, **valid, Policy="no JSON")
print(f"{checks} checks passed")
