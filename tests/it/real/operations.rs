//! Every operation by boto3, which knows the service's model: `operations/run.py`, one table of rows for each family.

use hubkeeper::local::Local;
use serde_json::Value;

use super::moto::{Served, python};

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_as_the_services_model_says_or_is_refused_by_name() {
    let local = Local::builder().findings(120).accounts(3).regions(2).seed(7).build().unwrap();
    let said = python("operations/run.py", &Served::start(&local).await, &[]).await;
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
    let count = |name: &str| report[name].as_array().unwrap().len();
    assert_eq!(count("served") + count("refused"), 126);
    println!("{} of 126 operations, {} checks, {} errors provoked", count("served"), report["checks"], report["errorsProvoked"]);
    // Fewer would mean that the tables have become shorter.
    assert!(report["checks"].as_u64().unwrap() >= 1_800 && count("served") >= 68, "{report}");
}
