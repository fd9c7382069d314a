//! Random sequences of calls, done by Security Hub Local over HTTP and by a model of it that was written apart (`oracle`): after
//! each call both know the same findings, and every answer is the same.

mod oracle;
mod rules;
mod steps;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::client::Client;
use crate::core::filter::MissingField;
use crate::local::Local;
use crate::local::faults::{Faults, FindingFault};
use crate::local::hub::{BadValue, SuppressedOnPassed, Switches, UserFields};
use oracle::{ADMINISTRATOR, Caller, Filter, HOME, Key, Oracle, Readings, Values, Version, time};
use rules::Rule;
use steps::{Said, Step, plays};

const LINKED: &str = "us-east-1";
/// Not of the organization: its hub is off.
const STRANGER: &str = "999988887777";
/// Steps of the clock and ages of versions are whole ones, half of one apart: no time is up within the hour in which it is.
const STEP: i64 = 3 * 3_600_000;

/// Security Hub Local, the model, and who asks.
struct World {
    local: Local,
    oracle: Oracle,
    member: &'static str,
}

impl World {
    fn new(readings: Readings, wrong: Option<Rule>) -> Self {
        let switches = Switches {
            user_fields: if readings.merges_user_fields { UserFields::Merge } else { UserFields::Replace },
            suppressed_on_passed: if readings.resolves_suppressed {
                SuppressedOnPassed::Resolved
            } else {
                SuppressedOnPassed::Stays
            },
            missing_field: if readings.negatives_match_missing { MissingField::Match } else { MissingField::NoMatch },
            bad_value: if readings.bad_value_per_finding { BadValue::PerFinding } else { BadValue::WholeRequest },
            ..Switches::default()
        };
        let local = Local::builder().accounts(2).regions(2).switches(switches).build().unwrap();
        let organization = local.organization();
        assert_eq!((organization.administrator.id.to_string().as_str(), organization.home.as_str()), (ADMINISTRATOR, HOME));
        assert_eq!(organization.linked.iter().map(ToString::to_string).collect::<Vec<_>>(), [LINKED]);
        // A few cases: their texts may stay.
        let member: &'static str = organization.members[0].id.to_string().leak();
        let oracle = Oracle::new(local.clock().now().as_millisecond(), readings, wrong, &[member], &[LINKED]);
        Self { local, oracle, member }
    }

    /// Mostly the administrator and the member, in both Regions.
    fn caller(&self, number: usize) -> Caller {
        match number {
            0..3 => (ADMINISTRATOR, HOME),
            3 => (ADMINISTRATOR, LINKED),
            4..6 => (self.member, HOME),
            6..8 => (self.member, LINKED),
            _ => (STRANGER, HOME),
        }
    }

    fn client(&self, (account, region): Caller) -> Client {
        Client::new(&self.local, account, "alice", region)
    }

    /// Two findings of each account in each Region: a check of the service's own, and one of the account's own product; the
    /// ninth is nowhere.
    fn key(&self, what: usize) -> (Key, &'static str, &'static str) {
        let account = if what & 1 == 0 { ADMINISTRATOR } else { self.member };
        let region = if what & 2 == 0 { HOME } else { LINKED };
        let key = if what & 4 == 0 {
            let id = format!(
                "arn:aws:securityhub:{region}:{account}:security-control/S3.8/finding/0000000{what}-1111-4222-8333-444455556666"
            );
            (id, format!("arn:aws:securityhub:{region}::product/aws/securityhub"))
        } else {
            (format!("scan/{what}"), format!("arn:aws:securityhub:{region}:{account}:product/{account}/default"))
        };
        let key = if what == 8 { ("scan/nowhere".to_owned(), key.1) } else { key };
        (key, account, region)
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Import { by, said } => self.import(self.caller(*by), said).await?,
            Step::Update { by, what, values } => self.update(self.caller(*by), what, values).await?,
            Step::Read { by, filters, page } => self.read(self.caller(*by), filters, *page).await?,
            Step::History { by, what } => self.history(self.caller(*by), *what).await?,
            Step::Refuse(refusal) => {
                let refusal = refusal.map(|(what, code)| (self.key(what).0.0, code));
                let findings = refusal.iter().map(|(id, code)| FindingFault { id: id.clone(), code: Some(*code) }).collect();
                self.local.set_faults(Faults { findings, ..Faults::default() });
                self.oracle.refusal = refusal.map(|(id, code)| (id, code.as_str().to_owned()));
            }
            Step::Pass(steps) => {
                self.local.advance(Duration::from_millis((steps * STEP).cast_unsigned()));
                self.oracle.pass(steps * STEP);
            }
        }
        let (told, expected) = (self.events(), std::mem::take(&mut self.oracle.events));
        prop_assert_eq!(told, expected, "events");
        // The administrator sees all from home.
        self.read((ADMINISTRATOR, HOME), &[], 100).await
    }

    async fn import(&mut self, by: Caller, said: &[Said]) -> Result<(), TestCaseError> {
        let mut versions = Vec::new();
        for said in said {
            let (key, account, region) = self.key(said.what);
            let own_check = said.what & 4 == 0;
            let updated = self.oracle.now - said.age * STEP - STEP / 2;
            let version = Version {
                account: account.to_owned(),
                region: region.to_owned(),
                updated,
                created: 1_795_248_000_000 - 5 * STEP - STEP / 2,
                title: said.title.to_owned(),
                compliance: (own_check || said.age > 1).then(|| said.compliance.to_owned()),
                record: said.record.to_owned(),
                severity: said.severity.map(str::to_owned),
                confidence: said.confidence,
                first: said.first.map(|status| (status.to_owned(), "first".to_owned(), "yes".to_owned())),
            };
            versions.push((key, version));
        }
        let findings: Vec<Value> = versions.iter().map(|(key, version)| document(key, version)).collect();
        let client = self.client(by);
        let (status, body) = client.post("/findings/import", json!({"Findings": findings})).await;
        let answer = if status == 200 {
            Ok((body["SuccessCount"].as_u64().unwrap_or(99), body["FailedCount"].as_u64().unwrap_or(99)))
        } else {
            Err(client.error(&body))
        };
        let expected = self.oracle.import(by, &versions).map(|(taken, failed)| (taken as u64, failed as u64));
        prop_assert_eq!(answer, expected.map_err(str::to_owned), "{}", body);
        Ok(())
    }

    async fn update(&mut self, by: Caller, what: &[usize], values: &Values) -> Result<(), TestCaseError> {
        let keys: Vec<Key> = what.iter().map(|what| self.key(*what).0).collect();
        let identifiers: Vec<Value> = keys.iter().map(|(id, arn)| json!({"Id": id, "ProductArn": arn})).collect();
        let mut request = json!({"FindingIdentifiers": identifiers});
        if let Some(status) = &values.workflow {
            request["Workflow"] = json!({"Status": status});
        }
        if let Some((text, by)) = &values.note {
            request["Note"] = json!({"Text": text, "UpdatedBy": by});
        }
        if let Some(fields) = &values.user_fields {
            request["UserDefinedFields"] = json!(fields);
        }
        match &values.severity {
            Some(Ok(label)) => request["Severity"] = json!({"Label": label}),
            Some(Err(number)) => request["Severity"] = json!({"Normalized": number}),
            None => {}
        }
        if let Some(confidence) = values.confidence {
            request["Confidence"] = json!(confidence);
        }
        if let Some(state) = &values.verification {
            request["VerificationState"] = json!(state);
        }
        let client = self.client(by);
        let (status, body) = client.patch("/findings/batchupdate", request).await;
        let pair = |key: &Value| (key["Id"].as_str().unwrap().to_owned(), key["ProductArn"].as_str().unwrap().to_owned());
        let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
        let answer = if status == 200 {
            let unprocessed = list("UnprocessedFindings").into_iter();
            let code = |one: &Value| one["ErrorCode"].as_str().unwrap().to_owned();
            let unprocessed = unprocessed.map(|one| (pair(&one["FindingIdentifier"]), code(&one)));
            Ok((list("ProcessedFindings").iter().map(pair).collect::<Vec<_>>(), unprocessed.collect::<Vec<_>>()))
        } else {
            Err(client.error(&body))
        };
        let expected = self.oracle.update(by, &keys, values).map(|outcomes| {
            let all = || keys.iter().cloned().zip(outcomes.iter().cloned());
            let done = all().filter(|(_, code)| code.is_none()).map(|(key, _)| key);
            (done.collect::<Vec<_>>(), all().filter_map(|(key, code)| Some((key, code?))).collect::<Vec<_>>())
        });
        prop_assert_eq!(answer, expected.map_err(str::to_owned), "{}", body);
        Ok(())
    }

    async fn read(&self, by: Caller, filters: &[Filter], page: i64) -> Result<(), TestCaseError> {
        let mut wanted = serde_json::Map::new();
        let mut asked = Vec::new();
        for filter in filters {
            let filter = match filter {
                // Relative to now.
                Filter::Date(name, from, to) => Filter::Date(name, self.oracle.now + from, self.oracle.now + to),
                other => other.clone(),
            };
            let (name, value) = written(&filter);
            // One filter an attribute.
            if wanted.insert(name.to_owned(), value).is_some() {
                return Ok(());
            }
            asked.push(filter);
        }
        let client = self.client(by);
        let mut request = json!({"Filters": wanted, "MaxResults": page});
        let (mut found, mut keys) = (Vec::new(), BTreeSet::new());
        let answer = loop {
            let (status, body) = client.post("/findings", request.clone()).await;
            if status != 200 {
                break Err(client.error(&body));
            }
            let findings = body["Findings"].as_array().unwrap();
            prop_assert!(findings.len() <= usize::try_from(page).unwrap());
            // A token that begins one too late.
            let missed =
                usize::from(request.get("NextToken").is_some() && self.oracle.has_wrong(Rule::TokensGoOnWhereThePageEnded));
            for finding in findings.iter().skip(missed) {
                let text = |name: &str| finding[name].as_str().unwrap().to_owned();
                prop_assert!(keys.insert((text("Id"), text("ProductArn"))), "twice: {}", finding);
                found.push(shown(finding));
            }
            match body.get("NextToken") {
                Some(token) => request["NextToken"] = token.clone(),
                None => break Ok(keys),
            }
        };
        let expected = self.oracle.read(by, &asked);
        prop_assert_eq!(&answer, &expected.map_err(str::to_owned), "{:?} {}", by, request);
        for finding in &found {
            let text = |name: &str| finding[name].as_str().unwrap().to_owned();
            prop_assert_eq!(finding, &self.oracle.shown(&(text("Id"), text("ProductArn"))));
        }
        Ok(())
    }

    async fn history(&self, by: Caller, what: usize) -> Result<(), TestCaseError> {
        let (key, account, region) = self.key(what);
        let client = self.client(by);
        let request = json!({"FindingIdentifier": {"Id": key.0, "ProductArn": key.1}});
        let (status, body) = client.post("/findingHistory/get", request).await;
        let readable = self.oracle.read(by, &[]).map(|keys| keys.contains(&key));
        let expected = match readable {
            Err(code) => Err(code.to_owned()),
            Ok(false) => Err("InvalidInputException".to_owned()),
            Ok(true) => {
                let of = |by_customer| if by_customer { "BATCH_UPDATE_FINDINGS" } else { "BATCH_IMPORT_FINDINGS" };
                let history = self.oracle.findings[&key].history.iter().rev();
                Ok(history.map(|(at, by_customer)| (*at, of(*by_customer).to_owned())).collect::<Vec<_>>())
            }
        };
        let answer = if status == 200 {
            let records = body["Records"].as_array().unwrap().iter();
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let millis = |value: &Value| text(value).parse::<jiff::Timestamp>().unwrap().as_millisecond();
            Ok(records.map(|record| (millis(&record["UpdateTime"]), text(&record["UpdateSource"]["Type"]))).collect())
        } else {
            Err(client.error(&body))
        };
        prop_assert_eq!(answer, expected, "{:?} of {} in {}: {}", by, account, region, body);
        Ok(())
    }

    /// What came into the queue since the last look.
    fn events(&self) -> Vec<String> {
        let resource = |body: String| {
            let event: Value = serde_json::from_str(&body).unwrap();
            event["resources"][0].as_str().unwrap().to_owned()
        };
        let (queues, queue) = (self.local.queues(), self.local.event_queue());
        let events = queues.bodies(&queue).into_iter().map(resource).collect();
        queues.purge(&queue).unwrap();
        events
    }
}

/// The finding as a provider writes it.
fn document((id, arn): &Key, version: &Version) -> Value {
    let severity = match &version.severity {
        Ok(label) => json!({"Label": label}),
        Err(number) => json!({"Normalized": number}),
    };
    let mut document = json!({
        "SchemaVersion": "2018-10-08", "Id": id, "ProductArn": arn, "GeneratorId": "generator",
        "AwsAccountId": version.account, "Region": version.region, "CreatedAt": time(version.created),
        "UpdatedAt": time(version.updated), "Title": version.title, "Description": "Words.", "Severity": severity,
        "Types": ["Software and Configuration Checks"], "RecordState": version.record,
        "Resources": [{"Type": "AwsS3Bucket", "Id": "arn:aws:s3:::example"}],
    });
    if let Some(status) = &version.compliance {
        document["Compliance"] = json!({"Status": status});
        if arn.ends_with("product/aws/securityhub") {
            document["Compliance"]["SecurityControlId"] = json!("S3.8");
        }
    }
    if let Some(confidence) = version.confidence {
        document["Confidence"] = json!(confidence);
    }
    if let Some((status, text, field)) = &version.first {
        document["Workflow"] = json!({"Status": status});
        document["Note"] = json!({"Text": text, "UpdatedBy": "provider", "UpdatedAt": time(version.created)});
        document["UserDefinedFields"] = json!({"first": field});
    }
    document
}

/// Of a finding what the model knows.
fn shown(finding: &Value) -> Value {
    let names = [
        "Id",
        "ProductArn",
        "AwsAccountId",
        "Region",
        "CreatedAt",
        "UpdatedAt",
        "ProcessedAt",
        "Title",
        "RecordState",
        "Workflow",
        "Note",
        "UserDefinedFields",
        "Confidence",
        "VerificationState",
    ];
    let mut shown: BTreeMap<&str, Value> = names.iter().filter_map(|name| Some((*name, finding.get(name)?.clone()))).collect();
    shown.insert("Severity", json!([finding["Severity"]["Label"], finding["Severity"]["Normalized"]]));
    shown.insert("Provider", finding["FindingProviderFields"]["Severity"]["Label"].clone());
    if let Some(status) = finding.pointer("/Compliance/Status") {
        shown.insert("Compliance", status.clone());
    }
    json!(shown)
}

fn written(filter: &Filter) -> (&'static str, Value) {
    match filter {
        Filter::Text(name, values) => {
            (name, values.iter().map(|(how, value)| json!({"Value": value, "Comparison": how})).collect())
        }
        Filter::Map(entries) => {
            let entry = |(how, key, value): &(&str, String, String)| json!({"Key": key, "Value": value, "Comparison": how});
            ("UserDefinedFields", entries.iter().map(entry).collect())
        }
        Filter::Date(name, from, to) => (name, json!([{"Start": time(*from), "End": time(*to)}])),
        Filter::Number(name, from, to) => (name, json!([{"Gte": from, "Lte": to}])),
    }
}

/// Whether both agree, after every step; `wrong`: a rule that the model has wrong.
fn compare(readings: Readings, steps: &[Step], wrong: Option<Rule>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(readings, wrong);
        for step in steps {
            world.step(step).await?;
        }
        Ok(())
    })
}

proptest! {
    #[test]
    fn it_answers_as_a_model_written_from_the_documentation((readings, steps) in plays()) {
        compare(readings, &steps, None)?;
    }
}

/// The test above can fail: whichever rule were broken, on either side, a few runs of its cases would find it.
#[test]
fn a_model_that_has_one_rule_wrong_is_found_out() {
    let unnoticed: Vec<Rule> = Rule::ALL.iter().copied().filter(|rule| !is_found_out(*rule)).collect();
    assert!(unnoticed.is_empty(), "{unnoticed:?}");
}

fn is_found_out(wrong: Rule) -> bool {
    let config = Config { cases: 1_024, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let ended = runner.run(&plays(), |(readings, steps)| compare(readings, &steps, Some(wrong)));
    matches!(ended, Err(TestError::Fail(..)))
}
