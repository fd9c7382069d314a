//! What the inventory costs: bytes a finding, and the time of a sighting.
//!
//! Bytes are told twice: by the inventory's own accounting (capacities, exact for what it counts) and by the growth of the
//! process's resident memory (Linux: `/proc/self/statm`, pages of 4 KiB), which holds the allocator's share too.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hubkeeper::core::compile::{PolicySet, carry_over};
use hubkeeper::core::doc::Doc;
use hubkeeper::engine::evaluate::Evaluator;
use hubkeeper::inventory::{Inventory, Place, Seen, Source};
use jiff::Timestamp;

use super::world;

/// Prints the figures.
#[expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a benchmark measures time and prints")]
pub fn run() {
    println!(
        "inventory: consolidated control findings, 40 accounts, 3 Regions, 250 controls, 5 findings a resource, one a problem"
    );
    println!(
        "{:>9}  {:>6} {:>7} {:>10} {:>6} {:>6}  {:>9}  {:>9}  {:>9} {:>9}",
        "findings", "rows", "indexes", "projection", "total", "RSS", "first us", "again us", "decided B", "+RSS"
    );
    // Against the start: what the first round gave back, the second uses again.
    let before = resident();
    for findings in [100_000_u32, 1_000_000] {
        let mut inventory = Inventory::new(Duration::from_mins(30));
        let mut text = String::new();
        let mut pass = |at: i64| {
            let started = Instant::now();
            let mut making = Duration::ZERO;
            let seen = Seen { at: Timestamp::from_second(at).unwrap_or_default(), source: Source::Read, place: Place(0) };
            for number in 0..findings {
                let make = Instant::now();
                finding(number, &mut text);
                making += make.elapsed();
                if let Ok(doc) = Doc::parse(&text)
                    && let Err(error) = inventory.observe(&doc, &text, seen)
                {
                    println!("{error}");
                    return 0.0;
                }
            }
            (started.elapsed().saturating_sub(making)).as_secs_f64() * 1e6 / f64::from(findings)
        };
        let (first, again) = (pass(1_795_000_000), pass(1_795_086_400));
        let resident = resident().zip(before).map(|(now, before)| now.saturating_sub(before));
        let memory = inventory.memory();
        let mut evaluator = Evaluator::new(set());
        evaluator.round(&inventory, Timestamp::from_second(1_795_086_400).unwrap_or_default());
        let decided = self::resident().zip(before).map(|(now, before)| now.saturating_sub(before));
        let each = |bytes: usize| bytes / inventory.len().max(1);
        println!(
            "{:>9}  {:>6} {:>7} {:>10} {:>6} {:>6}  {first:>9.2}  {again:>9.2}  {:>9} {:>9}",
            inventory.len(),
            each(memory.rows),
            each(memory.indexes),
            each(memory.projection),
            each(memory.total()),
            resident.map_or_else(|| "?".to_owned(), |bytes| each(bytes).to_string()),
            each(evaluator.bytes()),
            decided
                .zip(resident)
                .map_or_else(|| "?".to_owned(), |(decided, held)| each(decided.saturating_sub(held)).to_string()),
        );
    }
    println!("bytes a finding by accounting (rows to total) and by resident memory (RSS); times include parsing the JSON");
    println!("decided: what the evaluator adds, of 20 policies one that wants to suppress a fifth; nothing of it is written yet");
}

/// Twenty policies, of which one suppresses: every fifth finding is failing and wanted.
fn set() -> Arc<PolicySet> {
    let mut manifests = world::hub();
    let rule =
        |control: &str| format!("{{name: r, match: {{controls: [{control}]}}, response: {{suppress: {{reason: OutOfScope}}}}}}");
    for number in 0..19 {
        manifests += &world::policy(&format!("other-{number}"), &rule("S3.9"));
    }
    let fifth: Vec<String> = (0..50).map(|n| format!("EC2.{}", n * 5)).collect();
    manifests += &world::policy("fifth", &rule(&fifth.join(", ")));
    let declared = carry_over(None, &world::parse(&manifests));
    PolicySet::compile(&declared, "main").map(Arc::new).unwrap()
}

/// Bytes of resident memory; `None` where there is no such file.
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at its own process")]
fn resident() -> Option<usize> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split(' ').nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

/// A finding as the service words it, without what Hubkeeper does not read.
fn finding(number: u32, out: &mut String) {
    use std::fmt::Write as _;
    let (resource, check) = (number / 5, number % 5);
    let account = 111_122_223_300_u64 + u64::from(resource % 40);
    let region = ["eu-west-1", "us-east-1", "ap-northeast-1"][resource as usize / 40 % 3];
    let control = resource / 120 % 50 * 5 + check;
    let uuid = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let [a, b] = [uuid >> 96, uuid & 0xffff_ffff_ffff];
    let second = number % 3600;
    out.clear();
    // Writing to a String does not fail.
    let _ = write!(
        out,
        r#"{{"SchemaVersion":"2018-10-08","Id":"arn:aws:securityhub:{region}:{account}:security-control/EC2.{control}/finding/{a:08x}-1111-4222-8333-{b:012x}",
"ProductArn":"arn:aws:securityhub:{region}::product/aws/securityhub","GeneratorId":"security-control/EC2.{control}",
"AwsAccountId":"{account}","Region":"{region}","CreatedAt":"2026-07-24T{:02}:{:02}:{:02}.891Z","UpdatedAt":"2026-07-24T19:05:04.979Z",
"ProcessedAt":"2026-07-24T19:05:25.002Z","FirstObservedAt":"2026-07-24T19:02:49.891Z","Severity":{{"Label":"HIGH","Normalized":70}},
"Resources":[{{"Type":"AwsEc2Instance","Id":"arn:aws:ec2:{region}:{account}:instance/i-{resource:017x}","Tags":{{"team":"pay"}}}}],
"Compliance":{{"Status":"FAILED","SecurityControlId":"EC2.{control}","AssociatedStandards":[{{"StandardsId":"standards/aws-foundational-security-best-practices/v/1.0.0"}}]}},
"Workflow":{{"Status":"NEW"}},"RecordState":"ACTIVE"}}"#,
        second / 150,
        second / 60 % 60,
        second % 60,
    );
}
