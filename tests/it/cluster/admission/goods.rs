//! Good manifests: one of each kind, with every field that there is; the bad ones differ from them in one thing.

use hubkeeper::core::ids::Kind;
use serde_json::{Value, json};

/// Every field of a match.
fn everything() -> Value {
    json!({
        "controls": ["S3.8", "EC2.*"],
        "exceptControls": ["IAM.*"],
        "generators": ["aws/guardduty"],
        "groups": ["public-exposure"],
        "categories": ["Resilience"],
        "standards": ["aws-foundational-security-best-practices"],
        "products": ["aws/inspector"],
        "severities": ["CRITICAL", "HIGH"],
        "compliance": ["FAILED"],
        "accounts": ["111122223333"],
        "accountSelector": {
            "matchLabels": {"env": "prod"},
            "matchExpressions": [{"key": "env", "operator": "In", "values": ["prod", "staging"]}],
        },
        "regions": ["eu-west-1"],
        "resourceTypes": ["AwsS3Bucket"],
        "resources": ["arn:aws:s3:::cdn-*"],
        "tags": {"env": ["prod"]},
        "filters": {"ResourceTags": [{"Key": "env", "Value": "prod", "Comparison": "EQUALS"}]},
    })
}

/// A good manifest of a kind.
pub fn good(kind: Kind) -> Value {
    let spec = match kind {
        Kind::SecurityHub => json!({
            "homeRegion": "eu-west-1",
            "linkedRegions": ["us-east-1"],
            "role": {"arn": "arn:aws:iam::111122223333:role/hubkeeper", "externalId": "example"},
            "events": {"queueUrl": "https://sqs.eu-west-1.amazonaws.com/111122223333/hubkeeper"},
            "syncIntervalSeconds": 43_200,
            "freshnessSeconds": 600,
            "apiQuotaPercent": 50,
            "limits": {"maxFindings": 800, "maxPercent": 10},
            "approvalNamespaces": ["sec-approvals"],
            "controlGroups": [{"name": "crown-jewels", "controls": ["IAM.*", "S3.8"]}],
            "suspend": false,
        }),
        Kind::Account => json!({"id": "111122223333", "owner": "pay-sec@example.com"}),
        Kind::ControlPolicy => json!({
            "hubs": ["main"],
            "mode": "Enforce",
            "priority": 100,
            "scope": everything(),
            "manualSuppression": "Revert",
            "limits": {"maxFindings": 500, "maxPercent": 5},
            "deletionPolicy": "Retain",
            "rules": [
                {"name": "availability", "match": everything(), "response": {"suppress": {"reason": "OutOfScope"}}},
                {"name": "rest", "response": {"ignore": {}}},
            ],
            "suspend": true,
        }),
        Kind::FindingException => json!({
            "effect": "Accept",
            "targets": [everything()],
            "reason": "CompensatingControl",
            "justification": "Served only through CloudFront with origin access control.",
            "owner": "pay-sec@example.com",
            "ticketRef": "PAY-812",
            "startsAt": "2026-12-01T00:00:00Z",
            "expiresAt": "2027-01-31T00:00:00Z",
            "adopt": true,
            "suspend": false,
        }),
        Kind::ExceptionPolicy => json!({
            "namespaces": {"names": ["team-pay"]},
            "grants": [everything()],
            "effects": ["Accept"],
            "maxDays": 180,
            "maxFindings": 50,
            "approvals": [{"match": everything(), "namespaces": ["sec-approvals"], "count": 1}],
        }),
        Kind::Approval => json!({
            "subject": {"kind": "FindingException", "namespace": "team-pay", "name": "cdn"},
            "digest": format!("sha256:{}", "0a".repeat(32)),
            "decision": "Approve",
            "approver": "alice",
            "reason": "seen with the team",
            "expiresAt": "2027-01-31T00:00:00Z",
            "maxFindings": 800,
        }),
    };
    let mut metadata = json!({"name": "admission"});
    if kind.is_namespaced() {
        metadata["namespace"] = "default".into();
    }
    json!({"apiVersion": hubkeeper::api::API_VERSION, "kind": kind.as_str(), "metadata": metadata, "spec": spec})
}
