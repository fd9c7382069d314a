//! The EventBridge event of a changed finding.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::core::ids::{AccountId, Region};

/// `detail-type` of the event that every new and every changed finding causes.
pub const IMPORTED: &str = "Security Hub Findings - Imported";
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
    let seconds = at.round(jiff::Unit::Second).unwrap_or(at);
    let head = json!({
        "version": "0", "id": id, "detail-type": IMPORTED, "source": SOURCE, "account": account, "time": seconds.to_string(),
        "region": region, "resources": [resource],
    });
    let mut text = head.to_string();
    // The finding is spliced in as it is: parsing it again would cost more than everything else here.
    text.pop();
    text.push_str(",\"detail\":{\"findings\":[");
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
        let envelope: Envelope<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(envelope.detail.findings[0].get(), r#"{"Id":"i"}"#);
    }
}
