"""Commands as people type them: options, shorthand, files, pages, queries, tables. After the rows, in this order."""

import json
from dataclasses import dataclass, field
from typing import Any, Callable

from findings import finding
from table import ADMIN, HOME, MEMBER

NEW = "432100000001"
HUB = f"arn:aws:securityhub:{HOME}:{ADMIN}:hub/default"
FSBP = f"arn:aws:securityhub:{HOME}::standards/aws-foundational-security-best-practices/v/1.0.0"
TITLE = "Größe – 大きさ"
FINDINGS = json.dumps([{**finding(Id="typed/1"), "Title": TITLE}], ensure_ascii=False)


@dataclass
class Line:
    """What is typed, and what must be true of what is shown: the JSON, the text without its last line's end, or what an error says.

    `keep`: variables for the lines that follow, each found in the answer by a query. `shell`: bash starts the program, so that files,
    pipes and a process of its own are tried; a tenth of a second becomes a whole one, so few are.
    """

    text: str
    then: Callable[[Any], bool] = lambda shown: True
    code: int = 0
    keep: dict[str, str] = field(default_factory=dict)
    shell: bool = False
    account: str = ADMIN
    region: str = HOME


def columns(shown):
    return [line.split("\t") for line in shown.splitlines()]


def statuses(answer):
    return [finding["Workflow"]["Status"] for finding in answer["Findings"]]


LINES = [
    # Who and where.
    Line(
        "aws sts get-caller-identity",
        lambda a: (a["Account"], a["Arn"]) == (ADMIN, f"arn:aws:iam::{ADMIN}:user/alice"),
        shell=True,
    ),
    Line("aws ec2 describe-regions --query 'Regions[].RegionName' --output text", lambda t: HOME in t.split("\t")),
    Line("aws securityhub describe-hub --query HubArn --output text", lambda t: t == HUB, shell=True),
    Line("aws securityhub describe-hub --output table", lambda t: f"|  {HUB} " in t and "DescribeHub" in t),
    Line(
        "aws securityhub describe-hub",
        lambda e: f"Account {NEW} is not subscribed to AWS Security Hub" in e,
        code=255,
        account=NEW,
        shell=True,
    ),
    # Findings: pages and queries.
    Line(
        'aws securityhub get-findings --filters \'{"RecordState":[{"Value":"ACTIVE","Comparison":"EQUALS"}]}\' --max-items 5',
        lambda a: len(a["Findings"]) == 5 and {f["RecordState"] for f in a["Findings"]} == {"ACTIVE"},
        keep={"TOKEN": "NextToken", "LAST": "Findings[-1].Id"},
    ),
    Line(
        "aws securityhub get-findings --filters 'RecordState=[{Value=ACTIVE,Comparison=EQUALS}]' --max-items 5"
        " --starting-token \"$TOKEN\" --query 'Findings[].Id'",
        lambda a: len(a) == 5,
        keep={"NEXT": "[0]"},
    ),
    Line(
        "aws securityhub get-findings --filters 'RecordState=[{Value=ACTIVE,Comparison=EQUALS}]' --max-items 6 --page-size 4"
        " --query 'Findings[].[Id,Severity.Label]' --output text"
        ' | sed -n 5,6p | cut -f 1 | diff - <(printf "%s\\n" "$LAST" "$NEXT") && echo no gap',
        lambda t: t == "no gap",
        shell=True,
    ),
    Line(
        "aws securityhub get-findings --sort-criteria Field=UpdatedAt,SortOrder=desc --max-items 9"
        " --query 'Findings[].[UpdatedAt,Severity.Label]' --output text",
        lambda t: (times := [line[0] for line in columns(t) if len(line) == 2]) == sorted(times, reverse=True) and len(times) == 9,
    ),
    Line("aws securityhub get-findings --max-items 1 --output table", lambda t: "GetFindings" in t and "|  SchemaVersion" in t),
    Line(
        "aws securityhub get-findings --filters 'WorkflowStatus=[{Value=NEW,Comparison=EQUALS}]' --max-items 1",
        keep={"ID": "Findings[0].Id", "PRODUCT": "Findings[0].ProductArn"},
    ),
    # Its status, by whom.
    Line(
        'aws securityhub batch-update-findings --finding-identifiers Id="$ID",ProductArn="$PRODUCT"'
        ' --note Text="On purpose",UpdatedBy=alice --workflow Status=NOTIFIED --user-defined-fields team=pay,stage=prod',
        lambda a: len(a["ProcessedFindings"]) == 1 and a["UnprocessedFindings"] == [],
        shell=True,
    ),
    Line(
        "aws securityhub get-findings --filters Id=[{Value=$ID,Comparison=EQUALS}]",
        lambda a: statuses(a) == ["NOTIFIED"] and a["Findings"][0]["UserDefinedFields"] == {"team": "pay", "stage": "prod"},
    ),
    Line(
        'aws securityhub get-finding-history --finding-identifier Id="$ID",ProductArn="$PRODUCT" --max-items 1'
        ' --query "Records[0].UpdateSource"',
        lambda a: (a["Type"], a["Identity"].endswith(":user/alice")) == ("BATCH_UPDATE_FINDINGS", True),
    ),
    Line(
        'aws securityhub batch-update-findings --finding-identifiers Id="$ID",ProductArn="$PRODUCT"'
        ' Id=none,ProductArn="$PRODUCT" --workflow Status=SUPPRESSED',
        lambda a: [f["ErrorCode"] for f in a["UnprocessedFindings"]] == ["FindingNotFound"],
    ),
    Line(
        'aws securityhub batch-update-findings --finding-identifiers Id="$ID",ProductArn="$PRODUCT" --workflow Status=DONE',
        lambda e: "(InvalidInputException)" in e,
        code=255,
    ),
    Line(
        "aws securityhub get-findings --filters 'Title=[{Value=x,Comparison=CONTAINS}]'",
        lambda e: "(InvalidInputException)" in e,
        code=255,
        shell=True,
    ),
    # From a file.
    Line(
        f"aws securityhub batch-import-findings --findings file://<(cat <<'END'\n{FINDINGS}\nEND\n)",
        lambda a: (a["SuccessCount"], a["FailedCount"], a["FailedFindings"]) == (1, 0, []),
        shell=True,
    ),
    Line(
        "aws securityhub get-findings --filters 'Title=[{Value=Größe,Comparison=PREFIX}]' --query 'Findings[].Title'"
        " --output text",
        lambda t: t == TITLE,
    ),
    # Standards and controls.
    Line("aws securityhub describe-standards --query 'Standards[].Name' --output text", lambda t: len(t.split("\t")) == 10),
    Line(
        "aws securityhub batch-update-standards-control-associations"
        " --standards-control-association-updates SecurityControlId=EC2.18,AssociationStatus=DISABLED,UpdatedReason=accepted"
        f",StandardsArn={FSBP}",
        lambda a: a["UnprocessedAssociationUpdates"] == [],
    ),
    Line(
        "aws securityhub list-standards-control-associations --security-control-id EC2.18"
        f" --query \"StandardsControlAssociationSummaries[?StandardsArn=='{FSBP}'].[AssociationStatus,UpdatedReason]\""
        " --output text",
        lambda t: t.split("\t") == ["DISABLED", "accepted"],
    ),
    Line(
        "aws securityhub update-security-control --security-control-id ACM.1"
        " --parameters 'daysToExpiration={ValueType=CUSTOM,Value={Integer=15}}' --last-update-reason sooner",
        lambda t: t == "",
    ),
    Line(
        "aws securityhub batch-get-security-controls --security-control-ids ACM.1 EC2.18"
        " --query 'SecurityControls[0].Parameters.daysToExpiration.Value.Integer'",
        lambda t: t == "15",
    ),
    # Tags, actions, insights, rules.
    Line(f"aws securityhub tag-resource --resource-arn {HUB} --tags team=sec,stage=prod", lambda t: t == ""),
    Line(f"aws securityhub untag-resource --resource-arn {HUB} --tag-keys stage none", lambda t: t == ""),
    Line(
        f"aws securityhub list-tags-for-resource --resource-arn {HUB} --query Tags.team --output text",
        lambda t: t == "sec",
        shell=True,
    ),
    Line(
        "aws securityhub create-action-target --name 'Send to mail' --description 'To the owner' --id Mail",
        lambda a: a["ActionTargetArn"].endswith(":action/custom/Mail"),
    ),
    Line(
        "aws securityhub create-insight --name 'By resource'"
        " --filters 'SeverityLabel=[{Value=HIGH,Comparison=EQUALS},{Value=MEDIUM,Comparison=EQUALS}]'"
        " --group-by-attribute ResourceId",
        keep={"INSIGHT": "InsightArn"},
    ),
    Line(
        "aws securityhub get-insight-results --insight-arn $INSIGHT --query 'InsightResults.ResultValues[].Count'",
        lambda a: a and a == sorted(a, reverse=True),
    ),
    Line("aws securityhub delete-insight --insight-arn $INSIGHT --query InsightArn --output text", lambda t: ":insight/" in t),
    Line("aws securityhub get-insight-results --insight-arn $INSIGHT", lambda e: "(ResourceNotFoundException)" in e, code=255),
    Line(
        "aws securityhub create-automation-rule --rule-order 7 --rule-name typed --description typed"
        " --criteria 'Title=[{Value=nothing,Comparison=CONTAINS}]'"
        " --actions 'Type=FINDING_FIELDS_UPDATE,FindingFieldsUpdate={Severity={Label=LOW},Note={Text=known,UpdatedBy=sec}}'"
        " --tags team=sec",
        keep={"RULE": "RuleArn"},
    ),
    Line(
        "aws securityhub batch-get-automation-rules --automation-rules-arns $RULE"
        " --query 'Rules[0].Actions[0].FindingFieldsUpdate.Severity.Label' --output text",
        lambda t: t == "LOW",
    ),
    Line(
        "aws securityhub batch-delete-automation-rules --automation-rules-arns $RULE",
        lambda a: len(a["ProcessedAutomationRules"]) == 1,
    ),
    # Accounts.
    Line("aws securityhub enable-security-hub --no-enable-default-standards --tags team=sec", lambda t: t == "", account=NEW),
    Line("aws securityhub get-enabled-standards --query 'StandardsSubscriptions'", lambda a: a == [], account=NEW),
    Line(
        f"aws securityhub create-members --account-details AccountId={MEMBER},Email=a@example.com AccountId={NEW}",
        account=ADMIN,
        then=lambda a: "UnprocessedAccounts" in a,
    ),
    Line(
        "aws securityhub list-members --no-only-associated --query 'Members[].AccountId' --output text",
        lambda t: MEMBER in t.split("\t"),
    ),
    Line(
        "aws securityhub disable-security-hub",
        lambda e: f"is a member account of administrator {ADMIN}" in e,
        code=255,
        account=NEW,
    ),
    Line(f"aws securityhub disassociate-members --account-ids {NEW}", lambda t: t == ""),
    Line("aws securityhub disable-security-hub", lambda t: t == "", account=NEW),
]
