//! The index against the loop over all rules, at 10, 1,000 and 5,000 rules, clean and with a fifth of wildcard globs.
//!
//! All variants take turns in one process; the best of five passes is a round, and the median of seven rounds counts. Only
//! ratios are figures: times depend on the machine.

#![expect(clippy::expect_used, reason = "the data of a benchmark is known")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use fastrand::Rng;
use hubkeeper::core::catalogue::Catalogue;
use hubkeeper::core::doc::Doc;
use hubkeeper::core::facts::{Facts, ResourceFacts};
use hubkeeper::core::filter::{Field, Fields, Item};
use hubkeeper::core::ids::AccountId;
use hubkeeper::core::matcher::{Context, Defaults, Index, Matcher, RuleKey, SECURITY_HUB, Scratch, naive};
use hubkeeper::core::objects::MatchSpec;
use hubkeeper::core::status::{ComplianceStatus, RecordState, SeverityLabel, WorkflowStatus};
use jiff::Timestamp;
use serde_json::json;

const FINDINGS: usize = 2_000;
const ACCOUNTS: u64 = 60;
const ROUNDS: usize = 7;
const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "ap-northeast-1"];
const TEAMS: [&str; 8] = ["pay", "search", "ops", "data", "mobile", "web", "core", "labs"];

struct Finding {
    account: AccountId,
    region: &'static str,
    control: String,
    standards: Vec<std::sync::Arc<str>>,
    resources: Vec<ResourceFacts>,
    team: Tags,
    json: String,
}

struct Tags(&'static str);

impl Fields for Tags {
    fn visit(&self, field: Field, visit: &mut dyn FnMut(Item<'_>)) {
        if field == Field::RESOURCE_TAGS {
            visit(Item::Entry("team", self.0));
        }
    }
}

impl Finding {
    fn facts(&self) -> Facts<'_> {
        Facts {
            account: self.account,
            region: self.region,
            control: Some(&self.control),
            generator: "security-control",
            product: SECURITY_HUB,
            standards: &self.standards,
            severity: Some(SeverityLabel::High),
            compliance: Some(ComplianceStatus::Failed),
            record_state: RecordState::Active,
            workflow: WorkflowStatus::New,
            resources: &self.resources,
            more: &self.team,
        }
    }
}

fn word(rng: &mut Rng) -> String {
    (0..rng.usize(6..12)).map(|_| rng.lowercase()).collect()
}

fn account(rng: &mut Rng) -> AccountId {
    AccountId::from_number(111_100_000_000 + rng.u64(0..ACCOUNTS)).expect("twelve digits")
}

fn control(rng: &mut Rng) -> String {
    let controls = Catalogue::built_in().controls();
    controls[rng.usize(0..controls.len())].id.to_string()
}

fn finding(rng: &mut Rng) -> Finding {
    let (account, region, control) = (account(rng), REGIONS[rng.usize(0..3)], control(rng));
    let kind = if rng.bool() { "AwsS3Bucket" } else { "AwsEc2SecurityGroup" };
    let team = TEAMS[rng.usize(0..8)];
    let id = format!("arn:aws:ec2:{region}:{account}:security-group/{team}-{}-{}", word(rng), word(rng));
    let json = json!({
        "SchemaVersion": "2018-10-08", "Id": format!("arn:aws:securityhub:{region}:{account}:security-control/{control}/finding/{}", word(rng)),
        "ProductArn": format!("arn:aws:securityhub:{region}::product/aws/securityhub"), "GeneratorId": format!("security-control/{control}"),
        "AwsAccountId": account.to_string(), "Region": region, "Title": "Security groups should be strict", "Description": "A text of usual length. ".repeat(8),
        "CreatedAt": "2026-07-24T19:02:49.891Z", "UpdatedAt": "2026-07-24T19:05:04.979Z", "Severity": {"Label": "HIGH", "Normalized": 70},
        "ProductFields": {"aws/securityhub/ProductName": "Security Hub", "aws/securityhub/CompanyName": "AWS"},
        "Resources": [{"Type": kind, "Id": id, "Partition": "aws", "Region": region, "Tags": {"team": team}}],
        "Compliance": {"Status": "FAILED", "SecurityControlId": control,
            "AssociatedStandards": [{"StandardsId": "standards/aws-foundational-security-best-practices/v/1.0.0"}]},
        "Workflow": {"Status": "NEW"}, "RecordState": "ACTIVE",
    });
    Finding {
        account,
        region,
        control,
        standards: vec!["standards/aws-foundational-security-best-practices/v/1.0.0".into()],
        resources: vec![ResourceFacts { kind: kind.into(), id: id.into() }],
        team: Tags(team),
        json: json.to_string(),
    }
}

/// Like rules that people write: three accounts, a control, two severities and one thing about the resource.
fn clean(rng: &mut Rng) -> MatchSpec {
    let accounts: Vec<String> = (0..3).map(|_| account(rng).to_string()).collect();
    let mut rule = json!({"accounts": accounts, "controls": [control(rng)], "severities": ["HIGH", "CRITICAL", "MEDIUM", "LOW"]});
    match rng.u8(0..3) {
        0 => rule["tags"] = json!({"team": [TEAMS[rng.usize(0..8)]]}),
        1 => rule["resources"] = json!([format!("arn:aws:ec2:*:security-group/{}-*", TEAMS[rng.usize(0..8)])]),
        _ => rule["resourceTypes"] = json!(["AwsS3Bucket"]),
    }
    serde_json::from_value(rule).expect("a match")
}

/// Nothing but an unanchored glob.
fn wildcard(rng: &mut Rng) -> MatchSpec {
    serde_json::from_value(json!({"resources": [format!("*{}*", word(rng))]})).expect("a match")
}

struct Case {
    name: String,
    rules: Vec<(RuleKey, Matcher)>,
    index: Index,
    build: Duration,
}

fn case(rng: &mut Rng, rules: u32, wildcards: u32) -> Case {
    let context = Context::default();
    let specs: Vec<MatchSpec> = (0..rules).map(|n| if n % 100 < wildcards { wildcard(rng) } else { clean(rng) }).collect();
    let start = now();
    let compile = |spec| Matcher::compile_pair(&MatchSpec::default(), spec, Defaults::Rule, &context).expect("it compiles");
    let rules: Vec<_> = (0..).map(RuleKey).zip(specs.iter().map(compile)).collect();
    let index = Index::build(rules.clone());
    Case { name: format!("{} rules, {wildcards} % wildcards", rules.len()), rules, index, build: start.elapsed() }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// Nanoseconds a finding, the best of five passes after one to warm up.
fn time(mut work: impl FnMut() -> usize) -> (f64, usize) {
    let found = black_box(work());
    let pass = |_| {
        let start = now();
        black_box(work());
        start.elapsed().as_secs_f64() * 1e9 / FINDINGS as f64
    };
    ((0..5).map(pass).fold(f64::INFINITY, f64::min), found)
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn indexed(case: &Case, findings: &[Finding], scratch: &mut Scratch, at: Timestamp, parse: bool) -> usize {
    let mut found = 0;
    for finding in findings {
        if parse {
            black_box(Doc::parse(&finding.json).expect("it parses"));
        }
        case.index.matching(&finding.facts(), at, scratch, |_| found += 1);
    }
    found
}

/// Prints the figures.
#[expect(clippy::print_stdout, reason = "figures are the output")]
pub fn run() {
    let mut rng = Rng::with_seed(7);
    let at: Timestamp = "2026-11-21T08:00:00Z".parse().expect("a time");
    let findings: Vec<Finding> = (0..FINDINGS).map(|_| finding(&mut rng)).collect();
    let cases: Vec<Case> =
        [(10, 0), (1_000, 0), (5_000, 0), (1_000, 20), (5_000, 20)].map(|(rules, wild)| case(&mut rng, rules, wild)).into();
    let mut scratch = Scratch::default();
    let mut times = vec![[const { Vec::new() }; 3]; cases.len()];
    let mut parse_only = Vec::new();
    for _ in 0..ROUNDS {
        parse_only.push(time(|| findings.iter().filter(|finding| Doc::parse(&finding.json).is_ok()).count()).0);
        let mut found = Vec::new();
        for (case, times) in cases.iter().zip(&mut times) {
            let (index, count) = time(|| indexed(case, &findings, &mut scratch, at, false));
            let (whole, _) = time(|| indexed(case, &findings, &mut scratch, at, true));
            times[0].push(index);
            times[1].push(whole);
            found.push(count);
        }
        // The loop takes long enough for the machine to change its mind, so it stays out of the others' turns.
        for ((case, times), found) in cases.iter().zip(&mut times).zip(found) {
            let (all, expected) = time(|| findings.iter().map(|finding| naive(&case.rules, &finding.facts(), at).count()).sum());
            assert_eq!(found, expected, "index and loop disagree on {}", case.name);
            times[2].push(all);
        }
    }
    let medians: Vec<[f64; 3]> = times.into_iter().map(|times| times.map(median)).collect();
    let parse = median(parse_only);
    println!("matcher: ns a finding, {FINDINGS} findings, median of {ROUNDS} interleaved rounds; parsing alone {parse:.0} ns");
    for (case, [index, whole, all]) in cases.iter().zip(&medians) {
        let looks: usize = findings.iter().map(|finding| case.index.candidate_count(&finding.facts())).sum();
        println!(
            "  {:28} index {index:7.0}  with parsing {whole:7.0}  loop {all:9.0}  loop/index {:7.1}  candidates {:.2}  always {}  built in {:.1} ms",
            case.name,
            all / index,
            looks as f64 / FINDINGS as f64,
            case.index.always_count(),
            case.build.as_secs_f64() * 1e3,
        );
    }
    // Parsing is the larger and noisier part: its median is added, so that both sides of a ratio carry the same.
    let rate = |slow: usize, fast: usize| [0.0, parse].map(|parse| (parse + medians[fast][0]) / (parse + medians[slow][0]));
    for (what, [alone, parsing]) in [
        ("5,000 rules against 10", rate(2, 0)),
        ("1,000 rules, 20 % wildcards against clean", rate(3, 1)),
        ("5,000 rules, 20 % wildcards against clean", rate(4, 2)),
    ] {
        println!("  rate of {what}: {alone:.2} matching alone, {parsing:.2} with parsing");
    }
}
