//! An unmodified AWS SDK of another language against Security Hub Local.

use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;

use super::moto::{Served, python};

#[tokio::test(flavor = "multi_thread")]
async fn boto3_reads_pages_filters_imports_updates_and_assumes_a_role() {
    let role = "arn:aws:iam::111122223333:role/hubkeeper";
    let local =
        Local::builder().findings(250).accounts(3).regions(2).seed(7).speed(Speed::Real).external_id(role, "example").build();
    let local = local.unwrap();
    let served = Served::start(&local).await;
    let said = python("smoke.py", &served, &[local.home().as_str(), role]).await;
    assert_eq!(said.lines().last(), Some("10 checks passed"), "{said}");
    assert_eq!(local.count("GetFindings").errors, 1);
}
