//! Every operation by boto3 and by the AWS CLI, which know the service's model: one table of rows for each family, read by
//! `operations/run.py` and `operations/cli.py`.

use hubkeeper::local::Local;
use serde_json::Value;

use super::moto::{Served, python};

/// What a script reports, which has nothing to complain about.
async fn report(script: &str) -> Value {
    let local = Local::builder().findings(120).accounts(3).regions(2).seed(7).build().unwrap();
    let said = python(script, &Served::start(&local).await, &[]).await;
    let report: Value = serde_json::from_str(&said).unwrap();
    let failures: Vec<String> = report["failures"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(operation, failures)| {
            failures.as_array().unwrap().iter().map(move |failure| format!("{operation}: {failure}"))
        })
        .collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    report
}

fn length(report: &Value, list: &str) -> usize {
    report[list].as_array().unwrap().len()
}

/// A number of the report. Fewer than `least` would mean that the tables have become shorter.
fn at_least(report: &Value, number: &str, least: u64) -> u64 {
    let is = report[number].as_u64().unwrap();
    assert!(is >= least, "{is} {number}, and there were {least}");
    is
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_the_services_model_says_or_is_refused_by_name() {
    let report = report("operations/run.py").await;
    let (served, refused) = (length(&report, "served"), length(&report, "refused"));
    assert_eq!(served + refused, 126);
    assert!(served >= 68, "{report}");
    let (checks, errors) = (at_least(&report, "checks", 2_450), at_least(&report, "errorsProvoked", 300));
    println!("boto3: {served} of 126 operations, {checks} checks, {errors} errors provoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_is_typed_into_the_aws_cli_or_is_refused_by_name_there() {
    let report = report("operations/cli.py").await;
    let (served, refused, unknown) = (length(&report, "served"), length(&report, "refused"), length(&report, "unknown"));
    assert_eq!(served + refused + unknown, 126);
    assert!(served >= 68 && refused >= 48, "{report}");
    let (checks, errors) = (at_least(&report, "checks", 1_800), at_least(&report, "errorsProvoked", 100));
    let commands = at_least(&report, "commands", 780);
    // Most of what AWS documents works without what it names.
    assert!(report["documentedExamples"]["answered"].as_u64().unwrap() >= 44, "{report}");
    println!("AWS CLI: {served} of 126 operations, {commands} commands, {checks} checks, {errors} errors provoked");
}
