//! BatchImportFindings: what providers say of findings, and the service's own checks.
//!
//! Sources: the guide's finding-update-batchimportfindings, controls-findings-create-update, asff-required-attributes.

use std::borrow::Cow;
use std::io;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::core::catalogue::Catalogue;
use crate::core::filter::timestamp;
use crate::core::ids::{AccountId, Region};
use crate::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};
use crate::local::clock::stamp;
use crate::local::document::{Form, require};
use crate::wire::error::AwsError;
use crate::wire::event::resource_of;
use crate::wire::finding::{check, without_strays};
use crate::wire::limits::{FINDING_BYTES, IMPORT_MAX, MAP_KEY_CHARS, MAP_PAIRS, PRODUCT_VALUE_CHARS, USER_VALUE_CHARS};
use crate::wire::securityhub::{BatchImportFindings, BatchImportFindingsAnswer, FailedFinding};

use super::Hub;
use super::caller::Caller;
use super::given::batch;
use super::products::{is_custom, names};
use super::store::{CONTROLS, TWINS, text};
use super::workflow::{Said, first, next};

/// What a provider may set once, when it makes a finding, and never after.
pub(super) const CUSTOMERS: [&str; 4] = ["Note", "UserDefinedFields", "VerificationState", "Workflow"];
/// What the service fills in and a provider's later version does not take away.
const SERVICES: [&str; 2] = ["CreatedAt", "WorkflowState"];

impl Hub {
    /// BatchImportFindings. Under `product/aws/securityhub` it is the service's own check run, and may then also be about the
    /// members that the caller administers and the Regions that it sees.
    pub fn import(
        &mut self,
        caller: &Caller,
        request: &BatchImportFindings,
        now: Timestamp,
    ) -> Result<BatchImportFindingsAnswer, AwsError> {
        // The service reads the whole request before it does anything.
        let read: Vec<(Cow<'_, Value>, Vec<String>)> = request.findings.iter().map(read).collect::<Result<_, _>>()?;
        self.require_enabled(caller)?;
        batch("Findings", read.len(), IMPORT_MAX)?;
        let view = self.view(caller, now);
        for (finding, _) in &read {
            let account: Option<AccountId> = text(finding, "AwsAccountId").parse().ok();
            let own = account == Some(caller.account);
            let administered = account.is_some_and(|account| view.reaches(account, &caller.region)) && is_control(finding);
            // prowler, issue 867: the whole request.
            if account.is_some() && !own && !administered {
                return Err(AwsError::access_denied(format!(
                    "User: {} is not authorized to perform: securityhub:BatchImportFindings for account {}",
                    caller.arn(),
                    text(finding, "AwsAccountId")
                )));
            }
        }
        // In the same words; prowler, issue 872. A ProductArn of another Region is told finding by finding.
        let here = |arn: &&str| arn.split(':').nth(3) == Some(caller.region.as_str());
        let products = read.iter().map(|(finding, _)| text(finding, "ProductArn")).filter(here);
        if let Some(refused) = products.into_iter().find(|arn| !self.accepts(caller, arn)) {
            return Err(AwsError::access_denied(format!(
                "User: {} is not authorized to perform: securityhub:BatchImportFindings on resource: {refused}",
                caller.arn()
            )));
        }
        let mut answer = BatchImportFindingsAnswer::default();
        for (mut finding, problems) in read {
            let view = self.view(caller, now);
            let placed = validate(&mut finding, &problems).and_then(|account| {
                let finding = finding.as_ref();
                let region = region_of(finding, &caller.region)?;
                if region != caller.region && !(is_control(finding) && view.reaches(account, &region)) {
                    return Err("data.ProductArn is not of this Region".to_owned());
                }
                if is_control(finding) && !self.is_checked(account, &region, finding, now) {
                    return Err(format!("The control of data.Compliance is off in account {account}, so its check does not run"));
                }
                Ok((account, region))
            });
            match placed {
                Ok((account, region)) => {
                    self.take(account, &region, &finding, now);
                    answer.success_count += 1;
                }
                Err(problem) => {
                    answer.failed_count += 1;
                    answer.failed_findings.push(FailedFinding {
                        id: text(&finding, "Id").to_owned(),
                        error_code: "InvalidInput".to_owned(),
                        error_message: format!("Finding does not adhere to Amazon Finding Format. {problem}"),
                    });
                }
            }
        }
        Ok(answer)
    }

    /// Takes one valid finding of `account` in `region`: a new one is made, a newer version of a known one replaces it, an
    /// older one is ignored. Gives its row, if it was taken.
    pub(in crate::local) fn take(&mut self, account: AccountId, region: &Region, finding: &Value, now: Timestamp) -> Option<u32> {
        let (id, product_arn) = (text(finding, "Id"), text(finding, "ProductArn"));
        let mut known = self.store.find(id, product_arn).into_iter();
        let known = known.find(|(_, row)| row.account == account && row.region == region);
        let mut new = finding.clone();
        self.complete(&mut new, account, region, now)?;
        let control = is_control(finding);
        if control {
            self.associate(&mut new, account, region, now);
        }
        if new.pointer("/Workflow/Status").is_none() {
            new["Workflow"] = json!({"Status": first(said(&new), control).as_str()});
        }
        let original = self.is_ruled(account, region).then(|| new.clone());
        let Some((row, stored)) = known else {
            let ruled = self.apply_rules(account, region, original.as_ref(), new, now);
            let row = self.store.add(account, region, &ruled.finding, now, self.lag)?;
            self.record_rules(row, ruled, now);
            self.changed(row);
            return Some(row);
        };
        if timestamp(text(finding, "UpdatedAt")).map_or(0, Timestamp::as_millisecond) <= stored.updated {
            return None;
        }
        let old = stored.value()?;
        let twins = TWINS.into_iter().filter(|twin| stored.is_customers(twin));
        let kept = CUSTOMERS.into_iter().chain(SERVICES).chain(twins);
        let new_members = new.as_object_mut()?;
        // Otherwise it would move with the CreatedAt of a version, which does not count.
        let first_observed = finding.get("FirstObservedAt").is_none().then_some("FirstObservedAt");
        for name in kept.chain(first_observed) {
            match old.get(name) {
                Some(value) => new_members.insert(name.to_owned(), value.clone()),
                None => new_members.remove(name),
            };
        }
        let (before, after) = (said(&old), said(&new));
        let is = old
            .pointer("/Workflow/Status")
            .and_then(Value::as_str)
            .and_then(WorkflowStatus::parse)
            .unwrap_or(WorkflowStatus::New);
        let status = next(is, before, after, control, self.switches);
        new["Workflow"] = json!({"Status": status.as_str()});
        if control {
            let first_observed =
                if before.compliance == after.compliance { text(&old, "FirstObservedAt") } else { text(&new, "UpdatedAt") };
            new["FirstObservedAt"] = first_observed.into();
            if let Some(previous) = before.compliance {
                new["ProductFields"]["PreviousComplianceStatus"] = previous.as_str().into();
            }
        }
        let product = text(&new, "ProductArn").to_owned();
        self.record(row, now, false, product, &old, &new);
        let ruled = self.apply_rules(account, region, original.as_ref(), new, now);
        self.store.replace(row, &old, &ruled.finding, now, self.lag);
        self.record_rules(row, ruled, now);
        self.changed(row);
        Some(row)
    }

    /// The standards that an active finding is for are those in which its control is on.
    fn associate(&self, finding: &mut Value, account: AccountId, region: &Region, now: Timestamp) {
        let known = finding.pointer("/Compliance/SecurityControlId").and_then(Value::as_str);
        let known = known.and_then(|control| Catalogue::built_in().get(control));
        let (Some(control), Some(settings)) = (known, self.settings(account, region)) else { return };
        let active = text(finding, "RecordState") == RecordState::Active.as_str();
        if active && Form::of(text(finding, "Id")) == Form::Consolidated && !control.standards.is_empty() {
            let standards = settings.enabled_standards_of(control, now);
            finding["Compliance"]["AssociatedStandards"] =
                standards.iter().map(|standard| json!({"StandardsId": standard.standards_id()})).collect();
            require(&mut finding["Compliance"], control, &standards);
        }
    }

    /// What the service fills in.
    fn complete(&self, finding: &mut Value, account: AccountId, region: &Region, now: Timestamp) -> Option<()> {
        let resource = resource_of(finding);
        let product_arn = text(finding, "ProductArn");
        let (product, company) = names(product_arn);
        // Only custom products, and the service itself, say what they are called.
        let says = is_custom(product_arn) || is_control(finding);
        let members = finding.as_object_mut()?;
        for name in ["CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt"] {
            if let Some(at) = members.get(name).and_then(Value::as_str).and_then(timestamp) {
                members.insert(name.to_owned(), stamp(at).into());
            }
        }
        for (name, from) in [("FirstObservedAt", "CreatedAt"), ("LastObservedAt", "UpdatedAt")] {
            if !members.contains_key(name) {
                let value = members.get(from).cloned().unwrap_or_default();
                members.insert(name.to_owned(), value);
            }
        }
        members.insert("ProcessedAt".to_owned(), stamp(now).into());
        members.insert("Region".to_owned(), region.as_str().into());
        members.insert("WorkflowState".to_owned(), "NEW".into());
        members.entry("RecordState").or_insert_with(|| RecordState::Active.as_str().into());
        if let Some(name) = self.topology.name(account) {
            members.insert("AwsAccountName".to_owned(), name.into());
        }
        let [product, company] = [("ProductName", product), ("CompanyName", company)].map(|(name, known)| {
            let said = members.get(name).filter(|said| says && said.is_string()).cloned();
            let value = said.unwrap_or_else(|| known.into());
            members.insert(name.to_owned(), value.clone());
            value
        });
        let fields = members.entry("ProductFields").or_insert_with(|| json!({})).as_object_mut()?;
        fields.insert("aws/securityhub/FindingId".to_owned(), resource.into());
        fields.insert("aws/securityhub/ProductName".to_owned(), product);
        fields.insert("aws/securityhub/CompanyName".to_owned(), company);
        provider_fields(members);
        Some(())
    }
}

/// What the provider says goes into `FindingProviderFields`, and from there to the top. What it says no more is gone.
fn provider_fields(members: &mut Map<String, Value>) {
    let mut provider = members.remove("FindingProviderFields").and_then(|value| value.as_object().cloned()).unwrap_or_default();
    for twin in TWINS {
        if twin == "Severity" {
            let Some(top) = severity(members.get(twin), provider.get(twin)) else { continue };
            let said = |name: &str| top.get(name).map(|value| (name.to_owned(), value.clone()));
            provider.insert(twin.to_owned(), ["Label", "Original"].into_iter().filter_map(said).collect());
            members.insert(twin.to_owned(), top.into());
        } else if let Some(value) = provider.get(twin).or_else(|| members.get(twin)).cloned() {
            provider.insert(twin.to_owned(), value.clone());
            members.insert(twin.to_owned(), value);
        }
    }
    if !provider.is_empty() {
        members.insert("FindingProviderFields".to_owned(), Value::Object(provider));
    }
}

/// The severity as it is shown. What is given is kept, Normalized beside another Label too; of Label and Normalized, what is
/// missing follows from the other. `FindingProviderFields` has the last word, but no Normalized of its own.
fn severity(top: Option<&Value>, provider: Option<&Value>) -> Option<Map<String, Value>> {
    let [top, provider] = [top, provider].map(|given| given.and_then(Value::as_object));
    let mut said = top.or(provider)?.clone();
    if let Some(provider) = provider {
        if provider.contains_key("Label") && provider.get("Label") != said.get("Label") {
            said.clear();
        }
        said.extend(provider.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    let label = said.get("Label").and_then(Value::as_str).and_then(SeverityLabel::parse);
    let normalized = said.get("Normalized").and_then(Value::as_i64);
    let (shown, number) = both(label, normalized).unwrap_or((SeverityLabel::Informational, 0));
    // A finding that is imported as it was read has both, and stays as it is.
    if let (Some(label), None) = (label, normalized) {
        said.entry("Original").or_insert_with(|| label.as_str().into());
    }
    said.insert("Label".to_owned(), shown.as_str().into());
    said.insert("Normalized".to_owned(), number.into());
    Some(said)
}

/// Label and Normalized: of the two, what is missing follows from the other [M].
pub(super) fn both(label: Option<SeverityLabel>, normalized: Option<i64>) -> Option<(SeverityLabel, i64)> {
    match (label, normalized) {
        (Some(label), number) => Some((label, number.unwrap_or_else(|| normalized_of(label)))),
        (None, Some(number)) => Some((label_of(number), number)),
        (None, None) => None,
    }
}

/// The label of a normalized severity [M].
fn label_of(normalized: i64) -> SeverityLabel {
    match normalized {
        ..=0 => SeverityLabel::Informational,
        1..=39 => SeverityLabel::Low,
        40..=69 => SeverityLabel::Medium,
        70..=89 => SeverityLabel::High,
        90.. => SeverityLabel::Critical,
    }
}

/// The normalized severity that the service gives a label [M].
fn normalized_of(label: SeverityLabel) -> i64 {
    match label {
        SeverityLabel::Informational => 0,
        SeverityLabel::Low => 1,
        SeverityLabel::Medium => 40,
        SeverityLabel::High => 70,
        SeverityLabel::Critical => 90,
    }
}

/// What the provider says of it.
fn said(finding: &Value) -> Said {
    let record = RecordState::parse(text(finding, "RecordState")).unwrap_or(RecordState::Active);
    let compliance = finding.pointer("/Compliance/Status").and_then(Value::as_str).and_then(ComplianceStatus::parse);
    Said { compliance, record }
}

/// Whether it is one of the service's own checks.
pub fn is_control(finding: &Value) -> bool {
    text(finding, "ProductArn").ends_with(CONTROLS)
}

/// The Region that a finding belongs to.
fn region_of(finding: &Value, caller: &Region) -> Result<Region, String> {
    let of_arn = text(finding, "ProductArn").split(':').nth(3).filter(|region| !region.is_empty());
    let said = finding.get("Region").and_then(Value::as_str).or(of_arn).unwrap_or(caller.as_str());
    if of_arn.is_some_and(|region| region != said) {
        return Err("data.Region is not the Region of data.ProductArn".to_owned());
    }
    said.parse().map_err(|_| "data.Region should be an AWS Region".to_owned())
}

/// A finding of a request as the service reads it, and what is against bounds and vocabularies in it.
fn read(finding: &Value) -> Result<(Cow<'_, Value>, Vec<String>), AwsError> {
    let checked = check(finding).map_err(|wrong| AwsError::serialization(format!("The request cannot be read: {wrong}")))?;
    let finding = if checked.strays { Cow::Owned(without_strays(finding.clone())) } else { Cow::Borrowed(finding) };
    Ok((finding, checked.problems))
}

/// What is not as the format has it, in the words of its schema; otherwise the account. `problems`: what the model has against it.
///
/// A control finding that is too large loses the details of its resources first (the guide's controls-findings-create-update).
fn validate(finding: &mut Cow<'_, Value>, problems: &[String]) -> Result<AccountId, String> {
    if !problems.is_empty() {
        return Err(problems.join(", "));
    }
    let mut size = bytes(finding);
    if size > FINDING_BYTES && is_control(finding) {
        let resources = finding.to_mut().get_mut("Resources").and_then(Value::as_array_mut);
        for resource in resources.into_iter().flatten().filter_map(Value::as_object_mut) {
            resource.remove("Details");
        }
        size = bytes(finding);
    }
    let finding = finding.as_ref();
    if size > FINDING_BYTES {
        return Err("Finding size exceeded 240 KB".to_owned());
    }
    if text(finding, "SchemaVersion") != "2018-10-08" {
        return Err("data.SchemaVersion should be equal to one of the allowed values".to_owned());
    }
    if !text(finding, "ProductArn").starts_with("arn:") || !text(finding, "ProductArn").contains(":product/") {
        return Err("data.ProductArn should be the ARN of a product".to_owned());
    }
    let account: AccountId =
        text(finding, "AwsAccountId").parse().map_err(|_| "data.AwsAccountId should match pattern \"^[0-9]{12}$\"")?;
    let at = |pointer: &str| finding.pointer(pointer);
    for pointer in ["/CreatedAt", "/UpdatedAt", "/FirstObservedAt", "/LastObservedAt", "/Note/UpdatedAt"] {
        if at(pointer).is_some_and(|value| value.as_str().and_then(timestamp).is_none()) {
            return Err(format!("data{} should match format \"date-time\"", pointer.replace('/', ".")));
        }
    }
    // Both by the guide's asff-required-attributes; in either place.
    let severities = ["/Severity/Label", "/Severity/Normalized", "/FindingProviderFields/Severity/Label"];
    if !severities.into_iter().any(|pointer| at(pointer).is_some()) {
        return Err("data.Severity should have required property 'Label' or 'Normalized'".to_owned());
    }
    let types = ["/Types", "/FindingProviderFields/Types"].into_iter().filter_map(at).filter_map(Value::as_array);
    if types.flatten().next().is_none() {
        return Err("data.Types should NOT have fewer than 1 items".to_owned());
    }
    for (name, most) in [("ProductFields", PRODUCT_VALUE_CHARS), ("UserDefinedFields", USER_VALUE_CHARS)] {
        let Some(map) = finding.get(name).and_then(Value::as_object) else { continue };
        if map.len() > MAP_PAIRS {
            return Err(format!("data.{name} should NOT have more than {MAP_PAIRS} properties"));
        }
        let fits = |name: &String, value: &Value| {
            (1..=MAP_KEY_CHARS).contains(&name.chars().count())
                && value.as_str().is_some_and(|value| value.chars().count() <= most)
        };
        if !map.iter().all(|(name, value)| fits(name, value)) {
            return Err(format!("data.{name} should have keys of 1 to 128 and values of at most {most} characters"));
        }
    }
    if is_control(finding) {
        is_check(finding)?;
    }
    Ok(account)
}

/// What every check says beside: its result, and in its id, if that is an ARN, where it ran. A control that the catalogue does not
/// know is welcome: AWS adds some every month.
fn is_check(finding: &Value) -> Result<(), String> {
    let check = finding.get("Compliance").ok_or("data should have required property 'Compliance'")?;
    check.get("Status").ok_or("data.Compliance should have required property 'Status'")?;
    let parts: Vec<&str> = text(finding, "Id").splitn(6, ':').collect();
    let ["arn", _, "securityhub", region, account, _] = parts.as_slice() else { return Ok(()) };
    if *account != text(finding, "AwsAccountId") {
        return Err("data.Id is not of the account of data.AwsAccountId".to_owned());
    }
    if text(finding, "ProductArn").split(':').nth(3) != Some(region) {
        return Err("data.Id is not of the Region of data.ProductArn".to_owned());
    }
    Ok(())
}

/// How long it is as JSON.
fn bytes(finding: &Value) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Neither can fail.
    let _ = serde_json::to_writer(&mut count, finding);
    count.0
}
