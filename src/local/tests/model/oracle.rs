//! What Security Hub should do, in as few words as possible: a list of findings, and no index, text or row.
//!
//! Written from the documentation alone (API reference, User Guide); it shares no code with what it is compared with. Times are
//! milliseconds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::rules::Rule;

pub const ADMINISTRATOR: &str = "111122223333";
pub const HOME: &str = "eu-west-1";
const DAY: i64 = 86_400_000;

/// What AWS leaves unsaid.
#[derive(Debug, Clone, Copy)]
pub struct Readings {
    pub merges_user_fields: bool,
    pub resolves_suppressed: bool,
    pub negatives_match_missing: bool,
    pub bad_value_per_finding: bool,
}

/// Account and Region of a signature.
pub type Caller = (&'static str, &'static str);

/// A finding is known by Id and ProductArn.
pub type Key = (String, String);

#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub account: String,
    pub region: String,
    pub created: i64,
    pub updated: i64,
    pub processed: i64,
    pub title: String,
    pub compliance: Option<String>,
    pub record: String,
    pub workflow: String,
    /// Text, by whom, when.
    pub note: Option<(String, String, i64)>,
    pub user_fields: Option<BTreeMap<String, String>>,
    /// Label and number.
    pub severity: (String, i64),
    /// Whether the top has the provider's own word beside them.
    original: bool,
    pub provider_severity: String,
    /// Whether the provider gave a word, and the confidence that it gave.
    provider_says: (bool, Option<i64>),
    pub confidence: Option<i64>,
    pub verification: Option<String>,
    /// What a customer has set, and a provider does not any more.
    customers: BTreeSet<&'static str>,
    /// Who changed it: `true` a customer.
    pub history: Vec<(i64, bool)>,
}

/// What a provider says of a finding.
#[derive(Debug, Clone)]
pub struct Version {
    pub account: String,
    pub region: String,
    pub updated: i64,
    pub created: i64,
    pub title: String,
    pub compliance: Option<String>,
    pub record: String,
    /// Label, or number.
    pub severity: Result<String, i64>,
    pub confidence: Option<i64>,
    /// Workflow status, note and user-defined field of one that is made.
    pub first: Option<(String, String, String)>,
}

/// One set of values.
#[derive(Debug, Clone, Default)]
pub struct Values {
    pub workflow: Option<String>,
    pub note: Option<(String, String)>,
    pub user_fields: Option<BTreeMap<String, String>>,
    pub severity: Option<Result<String, i64>>,
    pub confidence: Option<i64>,
    pub verification: Option<String>,
}

/// A filter of one attribute.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Comparison and value.
    Text(&'static str, Vec<(&'static str, String)>),
    /// Comparison, key, value.
    Map(Vec<(&'static str, String, String)>),
    /// From, to.
    Date(&'static str, i64, i64),
    /// At least, at most.
    Number(&'static str, i64, i64),
}

/// The code of an error of the whole call.
pub type Refused = &'static str;

pub struct Oracle {
    pub now: i64,
    readings: Readings,
    /// A rule that it has wrong.
    wrong: Option<Rule>,
    pub findings: BTreeMap<Key, Finding>,
    /// Id, and the code that a test wants for it.
    pub refusal: Option<(String, String)>,
    /// ProductArn, a slash, Id: one for each change.
    pub events: Vec<String>,
    members: Vec<String>,
    linked: Vec<String>,
}

fn word(label: &str) -> i64 {
    match label {
        "INFORMATIONAL" => 0,
        "LOW" => 1,
        "MEDIUM" => 40,
        "HIGH" => 70,
        _ => 90,
    }
}

fn label(number: i64) -> &'static str {
    match number {
        0 => "INFORMATIONAL",
        1..40 => "LOW",
        40..70 => "MEDIUM",
        70..90 => "HIGH",
        _ => "CRITICAL",
    }
}

impl Oracle {
    pub fn new(now: i64, readings: Readings, wrong: Option<Rule>, members: &[&str], linked: &[&str]) -> Self {
        let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let (findings, events) = (BTreeMap::new(), Vec::new());
        Self { now, readings, wrong, findings, refusal: None, events, members: own(members), linked: own(linked) }
    }

    /// Whether it has this rule wrong.
    pub fn has_wrong(&self, rule: Rule) -> bool {
        self.wrong == Some(rule)
    }

    /// Administrators see their members; the home Region sees the linked ones.
    fn sees(&self, (by, at): Caller, account: &str, region: &str) -> bool {
        let accounts = by == account
            || self.has_wrong(Rule::MembersSeeTheirOwnOnly)
            || by == ADMINISTRATOR && self.members.iter().any(|member| member == account);
        let regions = at == region
            || self.has_wrong(Rule::OnlyHomeSeesLinkedRegions)
            || at == HOME && self.linked.iter().any(|linked| linked == region);
        accounts && regions
    }

    fn subscribed(&self, (by, _): Caller) -> Result<(), Refused> {
        let known = by == ADMINISTRATOR || self.members.iter().any(|member| member == by);
        if known || self.has_wrong(Rule::AHubThatIsOffRefuses) { Ok(()) } else { Err("InvalidAccessException") }
    }

    /// SuccessCount and FailedCount.
    pub fn import(&mut self, by: Caller, versions: &[(Key, Version)]) -> Result<(usize, usize), Refused> {
        self.subscribed(by)?;
        let own_check = |(_, arn): &Key| arn.ends_with("product/aws/securityhub");
        for (key, version) in versions {
            let administers = own_check(key) && self.sees((by.0, HOME), &version.account, HOME);
            if version.account != by.0 && !administers {
                return Err("AccessDeniedException");
            }
        }
        let mut counts = (0, 0);
        for (key, version) in versions {
            let taken = version.region == by.1 || own_check(key) && self.sees(by, &version.account, &version.region);
            if taken {
                counts.0 += 1;
                self.take(key, version, own_check(key));
            } else {
                counts.1 += 1;
            }
        }
        Ok(counts)
    }

    fn take(&mut self, key: &Key, version: &Version, own_check: bool) {
        let wrong = |rule| self.wrong == Some(rule);
        let own_check = own_check || wrong(Rule::OnlyChecksOfTheServiceAreResolved);
        let severity = match &version.severity {
            Ok(label) => (label.clone(), word(label)),
            Err(number) if wrong(Rule::AProvidersNumberStays) => (label(*number).to_owned(), word(label(*number))),
            Err(number) => (label(*number).to_owned(), *number),
        };
        let original = version.severity.is_ok();
        let passed = version.compliance.as_deref() == Some("PASSED");
        let event = format!("{}/{}", key.1, key.0);
        let Some(known) = self.findings.get_mut(key) else {
            let (mut workflow, mut note, mut user_fields) = (None, None, None);
            if let Some((status, text, field)) = version.first.as_ref().filter(|_| !wrong(Rule::ProvidersSayHowAFindingBegins)) {
                workflow = Some(status.clone());
                note = Some((text.clone(), "provider".to_owned(), version.created));
                user_fields = Some(BTreeMap::from([("first".to_owned(), field.clone())]));
            }
            let first = if own_check && passed && !wrong(Rule::AFirstCheckThatPassesIsResolved) { "RESOLVED" } else { "NEW" };
            let finding = Finding {
                account: version.account.clone(),
                region: version.region.clone(),
                created: version.created,
                updated: version.updated,
                processed: self.now,
                title: version.title.clone(),
                compliance: version.compliance.clone(),
                record: version.record.clone(),
                workflow: workflow.unwrap_or_else(|| first.to_owned()),
                note,
                user_fields,
                provider_severity: severity.0.clone(),
                severity,
                original,
                provider_says: (original, version.confidence),
                confidence: version.confidence,
                verification: None,
                customers: BTreeSet::new(),
                history: vec![(self.now, false)],
            };
            self.findings.insert(key.clone(), finding);
            self.events.push(event);
            return;
        };
        // A version that is not newer is ignored.
        let ignored = match version.updated.cmp(&known.updated) {
            Ordering::Less => !wrong(Rule::OldVersionsAreIgnored),
            Ordering::Equal => !wrong(Rule::VersionsOfTheSameTimeAreIgnored),
            Ordering::Greater => false,
        };
        if ignored {
            return;
        }
        let before = known.clone();
        let was_passed = known.compliance.as_deref() == Some("PASSED");
        let returns = known.record == "ARCHIVED" && version.record == "ACTIVE";
        let is = known.workflow.as_str();
        let resolves_suppressed = self.readings.resolves_suppressed != wrong(Rule::SuppressedOnPassedIsASwitch);
        let returns = returns && !wrong(Rule::WhatIsBackIsNew);
        let fails = was_passed && !passed && version.compliance.is_some() && !wrong(Rule::WhatPassesNoLongerIsNew);
        let next = if own_check && passed && !was_passed {
            match is {
                "SUPPRESSED" if !resolves_suppressed => is,
                "NEW" | "NOTIFIED" if wrong(Rule::ACheckThatPassesIsResolved) => is,
                _ => "RESOLVED",
            }
        } else if (returns || fails) && matches!(is, "NOTIFIED" | "RESOLVED") {
            "NEW"
        } else {
            is
        };
        known.workflow = next.to_owned();
        known.updated = version.updated;
        known.processed = self.now;
        known.title.clone_from(&version.title);
        known.compliance.clone_from(&version.compliance);
        known.record.clone_from(&version.record);
        known.provider_severity.clone_from(&severity.0);
        if !known.customers.contains("Severity") || wrong(Rule::TheSeverityThatACustomerSetStays) {
            (known.severity, known.original) = (severity, original);
        }
        if !known.customers.contains("Confidence") || wrong(Rule::TheConfidenceThatACustomerSetStays) {
            known.confidence = version.confidence;
        }
        known.provider_says = (original, version.confidence);
        // Times alone are no change.
        let times = Finding { updated: known.updated, processed: known.processed, ..before };
        if times != *known {
            known.history.push((self.now, false));
        }
        self.events.push(event);
    }

    /// For each identifier `None`, or why it was not processed.
    pub fn update(&mut self, by: Caller, keys: &[Key], values: &Values) -> Result<Vec<Option<String>>, Refused> {
        self.subscribed(by)?;
        if keys.is_empty() && !self.has_wrong(Rule::AnUpdateNamesAFinding) {
            return Err("InvalidInputException");
        }
        let statuses = ["NEW", "NOTIFIED", "RESOLVED", "SUPPRESSED"];
        let bad = values.workflow.as_ref().is_some_and(|status| !statuses.contains(&status.as_str()))
            || values.note.as_ref().is_some_and(|(text, _)| text.is_empty() || text.len() > 512)
            || values.confidence.is_some_and(|confidence| !(0..=100).contains(&confidence))
            || values.user_fields.as_ref().is_some_and(|fields| fields.len() > 50);
        if bad && self.readings.bad_value_per_finding == self.has_wrong(Rule::OneBadValueIsASwitch) {
            return Err("InvalidInputException");
        }
        let mut seen = BTreeSet::new();
        let mut outcomes = Vec::new();
        for key in keys {
            let refused = self.refusal.as_ref().filter(|(id, _)| *id == key.0).map(|(_, code)| code.as_str());
            let sees =
                |known: &Finding| self.sees(by, &known.account, &known.region) || self.has_wrong(Rule::WhatIsNotSeenIsNotFound);
            let visible = self.findings.get(key).is_some_and(sees);
            let code = if !seen.insert(key) && !self.has_wrong(Rule::WhatIsNamedTwiceIsDoneOnce) {
                Some("DuplicatedFindingIdentifier")
            } else if bad {
                Some("InvalidInput")
            } else if refused.is_some() {
                refused
            } else if !visible {
                Some("FindingNotFound")
            } else {
                None
            };
            let code = code.map(str::to_owned);
            if code.is_none() {
                self.change(key, values);
            }
            outcomes.push(code);
        }
        Ok(outcomes)
    }

    fn change(&mut self, key: &Key, values: &Values) {
        let wrong = |rule| self.wrong == Some(rule);
        let Some(known) = self.findings.get_mut(key) else { return };
        let before = known.clone();
        if let Some(status) = &values.workflow {
            known.workflow.clone_from(status);
        }
        if let Some((text, by)) = &values.note {
            let earlier = known.note.take().filter(|_| wrong(Rule::ThereIsOneNote)).map(|note| note.0);
            known.note = Some((earlier.unwrap_or_default() + text, by.clone(), self.now));
        }
        // Nothing can be cleared.
        if let Some(fields) = values.user_fields.as_ref().filter(|fields| !fields.is_empty()) {
            let merges = self.readings.merges_user_fields != wrong(Rule::UserFieldsAreASwitch);
            let kept = if merges { known.user_fields.take() } else { None };
            let mut all = kept.unwrap_or_default();
            all.extend(fields.clone());
            known.user_fields = Some(all);
        }
        match &values.severity {
            Some(Ok(label)) => known.severity = (label.clone(), word(label)),
            // Within the range of its label a number is kept.
            Some(Err(number)) => {
                let kept = if wrong(Rule::ACustomersNumberStays) { word(label(*number)) } else { *number };
                known.severity = (label(*number).to_owned(), kept);
            }
            None => {}
        }
        if values.severity.is_some() {
            known.customers.insert("Severity");
        }
        if values.confidence.is_some() {
            known.confidence = values.confidence;
            known.customers.insert("Confidence");
        }
        if values.verification.is_some() {
            known.verification.clone_from(&values.verification);
        }
        // `UpdatedAt` is the provider's.
        if wrong(Rule::UpdatesLeaveUpdatedAt) {
            known.updated = self.now;
        }
        let differs = Finding { customers: before.customers.clone(), ..known.clone() } != before;
        if !wrong(Rule::UpdatesMoveProcessedAt) {
            known.processed = self.now;
        }
        if differs || wrong(Rule::WhatChangesNothingIsNoHistory) {
            known.history.push((self.now, true));
        }
        if !differs && wrong(Rule::EveryUpdateIsAnEvent) {
            return;
        }
        self.events.push(format!("{}/{}", key.1, key.0));
    }

    /// What a caller may read and the filters let through.
    pub fn read(&self, by: Caller, filters: &[Filter]) -> Result<BTreeSet<Key>, Refused> {
        self.subscribed(by)?;
        for filter in filters {
            if let Filter::Text(_, values) = filter {
                let has = |wanted: &str| values.iter().any(|(comparison, _)| *comparison == wanted);
                if has("EQUALS")
                    && !self.has_wrong(Rule::EqualsGoesWithNoNegative)
                    && (has("NOT_EQUALS") || has("PREFIX_NOT_EQUALS"))
                {
                    return Err("InvalidInputException");
                }
            }
        }
        let matches = |finding: &Finding| filters.iter().all(|filter| self.matches(finding, filter));
        let visible = self.findings.iter().filter(|(_, known)| self.sees(by, &known.account, &known.region));
        Ok(visible.filter(|(_, known)| matches(known)).map(|(key, _)| key.clone()).collect())
    }

    fn matches(&self, finding: &Finding, filter: &Filter) -> bool {
        let missing = self.readings.negatives_match_missing != self.has_wrong(Rule::MissingFieldsAreASwitch);
        match filter {
            Filter::Text(name, values) => {
                let is = match *name {
                    "ComplianceStatus" => finding.compliance.clone(),
                    "WorkflowStatus" => Some(finding.workflow.clone()),
                    "RecordState" => Some(finding.record.clone()),
                    "SeverityLabel" => Some(finding.severity.0.clone()),
                    "AwsAccountId" => Some(finding.account.clone()),
                    "Region" => Some(finding.region.clone()),
                    "Title" => Some(finding.title.clone()),
                    "NoteText" => finding.note.as_ref().map(|note| note.0.clone()),
                    "VerificationState" => finding.verification.clone(),
                    other => panic!("{other}"),
                };
                let Some(is) = is else {
                    return missing && values.iter().all(|(how, _)| how.contains("NOT"));
                };
                let one = |(how, value): &(&str, String)| match *how {
                    "EQUALS" => is == *value,
                    "PREFIX" => is.starts_with(value.as_str()),
                    "NOT_EQUALS" => is != *value,
                    _ => !is.starts_with(value.as_str()),
                };
                let negative = |(how, _): &&(&'static str, String)| how.contains("NOT");
                let mut positives = values.iter().filter(|value| !negative(value)).peekable();
                let any = positives.peek().is_none()
                    || if self.has_wrong(Rule::PositivesAreAlternatives) { positives.all(one) } else { positives.any(one) };
                let mut negatives = values.iter().filter(negative).peekable();
                let all = negatives.peek().is_none()
                    || if self.has_wrong(Rule::NegativesAllHold) { negatives.any(one) } else { negatives.all(one) };
                any && all
            }
            Filter::Map(entries) => {
                let holds = |key: &String| finding.user_fields.as_ref().and_then(|fields| fields.get(key));
                let mut positives = entries.iter().filter(|(how, ..)| *how == "EQUALS").peekable();
                let one = |(_, key, value): &(&str, String, String)| holds(key) == Some(value);
                let any = positives.peek().is_none()
                    || if self.has_wrong(Rule::EntriesOfMapsAreAlternatives) { positives.all(one) } else { positives.any(one) };
                let negatives = |(_, key, value): &(&str, String, String)| match holds(key) {
                    Some(is) => is != value,
                    None => missing,
                };
                any && entries.iter().filter(|(how, ..)| *how != "EQUALS").all(negatives)
            }
            Filter::Date(name, from, to) => {
                let at = if *name == "UpdatedAt" { finding.updated } else { finding.created };
                (*from..=*to).contains(&at)
            }
            Filter::Number(name, from, to) => {
                let is = if *name == "Confidence" { finding.confidence } else { Some(finding.severity.1) };
                let to = *to - i64::from(self.has_wrong(Rule::NumbersReachTheirEnds));
                is.is_some_and(|is| (*from..=to).contains(&is))
            }
        }
    }

    /// Time passes. Active findings go after 90 days without an update, archived ones after 30; of those that are no checks of
    /// the service's own, being processed counts as well.
    pub fn pass(&mut self, millis: i64) {
        self.now += millis;
        let (now, wrong) = (self.now, self.wrong);
        self.findings.retain(|(_, arn), known| {
            let own_check = arn.ends_with("product/aws/securityhub");
            let last = if own_check || wrong == Some(Rule::BeingProcessedKeepsWhatIsNoCheck) {
                known.updated
            } else {
                known.updated.max(known.processed)
            };
            let sooner = known.record == "ARCHIVED" && wrong != Some(Rule::ArchivedFindingsEndSooner);
            if known.record != "ARCHIVED" && wrong == Some(Rule::ActiveFindingsEnd) {
                return true;
            }
            let days = if sooner { 30 } else { 90 };
            now - last <= days * DAY
        });
    }

    /// What is compared of a finding.
    pub fn shown(&self, key: &Key) -> Value {
        let finding = &self.findings[key];
        let mut shown = json!({
            "Id": key.0, "ProductArn": key.1, "AwsAccountId": finding.account, "Region": finding.region,
            "CreatedAt": time(finding.created), "UpdatedAt": time(finding.updated), "ProcessedAt": time(finding.processed),
            "Title": finding.title, "RecordState": finding.record, "Workflow": {"Status": finding.workflow},
            "Severity": [finding.severity.0, finding.severity.1], "Provider": finding.provider_severity,
        });
        let members: &mut Map<String, Value> = shown.as_object_mut().unwrap();
        if let Some(status) = &finding.compliance {
            members.insert("Compliance".to_owned(), json!(status));
        }
        if let Some((text, by, at)) = &finding.note {
            members.insert("Note".to_owned(), json!({"Text": text, "UpdatedBy": by, "UpdatedAt": time(*at)}));
        }
        if let Some(fields) = &finding.user_fields {
            members.insert("UserDefinedFields".to_owned(), json!(fields));
        }
        if let Some(confidence) = finding.confidence {
            members.insert("Confidence".to_owned(), json!(confidence));
        }
        if let Some(state) = &finding.verification {
            members.insert("VerificationState".to_owned(), json!(state));
        }
        shown
    }
}

/// As the service writes it.
pub fn time(millis: i64) -> String {
    format!("{:.3}", jiff::Timestamp::from_millisecond(millis).unwrap())
}
