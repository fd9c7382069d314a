//! What is beside Security Hub, by boto3: EC2's Regions and STS; and an organization from nothing, by all of them.

use hubkeeper::local::Local;

use super::moto::{Served, python};

async fn checks(local: &Local, script: &str, arguments: &[&str]) -> u32 {
    let said = python(script, &Served::start(local).await, arguments).await;
    let last = said.lines().last().unwrap_or_default();
    last.strip_suffix(" checks passed").and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn regions_are_described_and_roles_assumed_and_what_is_wrong_is_refused_in_the_words_of_ec2_and_sts() {
    let role = "arn:aws:iam::111122223333:role/path/hubkeeper";
    let local = Local::builder().external_id(role, "example").build().unwrap();
    // Fewer would mean that the script has become shorter.
    assert!(checks(&local, "services.py", &[role]).await >= 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_made_from_nothing_by_its_operations_and_ended_by_them() {
    let local = Local::builder().accounts(3).regions(2).bare(true).build().unwrap();
    assert_eq!(local.standing().administrator, None);
    assert!(checks(&local, "topology.py", &[]).await >= 50);
    assert!(local.findings_json().len() == 6 && local.standing().members.is_empty());
}
