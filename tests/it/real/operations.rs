//! Every operation by boto3, which knows the service's model: `operations/run.py`, one table of rows for each family.

use std::process::Stdio;

use hubkeeper::local::Local;
use serde_json::Value;

use super::moto::{Served, program};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_the_services_model_says_or_is_refused_by_name() {
    let local = Local::builder().findings(120).accounts(3).regions(2).seed(7).build().unwrap();
    let served = Served::start(&local).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/real/operations/run.py");
    let output = tokio::process::Command::new(program("python3"))
        .args([script, &served.endpoint()])
        // Nothing of this machine's own configuration, and nothing left behind.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures: Vec<String> = report["failures"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(operation, failures)| {
            failures.as_array().unwrap().iter().map(move |failure| format!("{operation}: {failure}"))
        })
        .collect();
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
    let count = |name: &str| report[name].as_array().unwrap().len();
    assert_eq!(count("served") + count("refused"), 126);
    println!("{} of 126 operations, {} checks, {} errors provoked", count("served"), report["checks"], report["errorsProvoked"]);
    // Fewer would mean that the tables have become shorter.
    assert!(report["checks"].as_u64().unwrap() >= 1_800 && count("served") >= 68, "{report}");
}
