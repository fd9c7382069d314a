//! An unmodified AWS SDK of another language against Security Hub Local.

use std::process::Stdio;

use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;

use super::moto::{Served, program};

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_pages_filters_imports_updates_and_assumes_a_role() {
    let role = "arn:aws:iam::111122223333:role/hubkeeper";
    let local =
        Local::builder().findings(250).accounts(3).regions(2).seed(7).speed(Speed::Real).external_id(role, "example").build();
    let local = local.unwrap();
    let served = Served::start(&local).await;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/real/smoke.py");
    let output = tokio::process::Command::new(program("python3"))
        .args([script, &served.endpoint(), local.home().as_str(), role])
        // Nothing of this machine's own configuration.
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env_remove("AWS_PROFILE")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    assert_eq!(said.lines().last(), Some("10 checks passed"), "{said}{errors}");
    assert_eq!(local.count("GetFindings").errors, 1);
}
