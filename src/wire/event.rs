//! The EventBridge events of a finding: it was changed, or sent to a custom action.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::core::ids::{AccountId, Region};

/// `detail-type` of the event that every new and every changed finding causes.
pub const IMPORTED: &str = "Security Hub Findings - Imported";
/// `detail-type` of the event of a finding that somebody sent to a custom action.
pub const CUSTOM_ACTION: &str = "Security Hub Findings - Custom Action";
/// `source` of Security Hub's events.
pub const SOURCE: &str = "aws.securityhub";

/// The event as a receiver needs it: the finding stays bytes. Take account and Region from the finding, never from the
/// envelope: the administrator's bus carries other accounts' findings.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// Unique per event; a redelivery repeats it.
    pub id: String,
    /// [`IMPORTED`], or something that is not for us.
    #[serde(rename = "detail-type")]
    pub detail_type: String,
    /// What happened.
    #[serde(borrow)]
    pub detail: Detail<'a>,
}

/// `detail` of an event.
#[derive(Debug, Deserialize)]
pub struct Detail<'a> {
    /// One finding, in events that are [`IMPORTED`].
    #[serde(borrow, default)]
    pub findings: Vec<&'a RawValue>,
}

/// The event of one finding on the bus of `account` in `region`; `finding` is its JSON text.
pub fn imported(id: &str, at: Timestamp, account: AccountId, region: &Region, resource: &str, finding: &str) -> String {
    event(IMPORTED, (id, at, account, region), resource, &json!({}), finding)
}

/// The event of one finding that was sent to a custom action; `action`: its ARN, name and description.
/// Source: the guide's securityhub-cwe-event-formats.
pub fn custom_action(
    id: &str,
    at: Timestamp,
    account: AccountId,
    region: &Region,
    (arn, name, description): (&str, &str, &str),
    finding: &str,
) -> String {
    let more = json!({"actionName": name, "actionDescription": description});
    event(CUSTOM_ACTION, (id, at, account, region), arn, &more, finding)
}

/// `more`: what `detail` has beside the finding.
fn event(
    kind: &str,
    (id, at, account, region): (&str, Timestamp, AccountId, &Region),
    resource: &str,
    more: &Value,
    finding: &str,
) -> String {
    let seconds = at.round(jiff::Unit::Second).unwrap_or(at);
    let head = json!({
        "version": "0", "id": id, "detail-type": kind, "source": SOURCE, "account": account, "time": seconds.to_string(),
        "region": region, "resources": [resource],
    });
    let mut text = head.to_string();
    // The finding is spliced in as it is: parsing it again would cost more than everything else here.
    text.pop();
    text.push_str(",\"detail\":");
    text.push_str(&more.to_string());
    text.pop();
    if more.as_object().is_some_and(|more| !more.is_empty()) {
        text.push(',');
    }
    text.push_str("\"findings\":[");
    text.push_str(finding);
    text.push_str("]}}");
    text
}

/// `resources[0]` of the event, and `ProductFields.aws/securityhub/FindingId`: ProductArn, a slash, Id.
pub fn resource_of(finding: &Value) -> String {
    let text = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", text("ProductArn"), text("Id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_json_with_the_finding_as_it_is() {
        let (account, region) = ("111122223333".parse().unwrap(), "eu-west-1".parse().unwrap());
        let text = imported("e1", "2026-11-21T08:00:00.4Z".parse().unwrap(), account, &region, "arn:p/i", r#"{"Id":"i"}"#);
        let event: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(event["detail-type"], IMPORTED);
        assert_eq!(event["time"], "2026-11-21T08:00:00Z");
        assert_eq!(event["account"], "111122223333");
        assert_eq!(event["detail"]["findings"][0]["Id"], "i");
        let action = ("arn:aws:securityhub:eu-west-1:111122223333:action/custom/Chat", "To {chat}", "Sends it}");
        let at = "2026-11-21T08:00:00Z".parse().unwrap();
        let sent: Value = serde_json::from_str(&custom_action("e2", at, account, &region, action, r#"{"Id":"i"}"#)).unwrap();
        let expected = json!({
            "version": "0", "id": "e2", "detail-type": "Security Hub Findings - Custom Action", "source": "aws.securityhub",
            "account": "111122223333", "time": "2026-11-21T08:00:00Z", "region": "eu-west-1", "resources": [action.0],
            "detail": {"actionName": action.1, "actionDescription": action.2, "findings": [{"Id": "i"}]},
        });
        assert_eq!(sent, expected);
        let envelope: Envelope<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(envelope.detail.findings[0].get(), r#"{"Id":"i"}"#);
    }
}
