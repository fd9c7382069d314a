//! What becomes of objects while nobody runs: on the control plane that all tests share, because it takes namespaces away.

use jiff::{Timestamp, ToSpan as _};

use super::{LATER, becomes, exception, grant, policy, until};
use crate::cluster::run::{blocking, hub, replica};
use crate::cluster::{apply, controllers, kubectl};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_deleted_expired_narrowed_replaced_or_lost_its_namespace_while_nobody_ran_is_given_back_exactly() {
    let _one = controllers().await;
    let hub = hub().await;
    let key = |name: &str| hub.fail("S3.8", &format!("arn:aws:s3:::{name}"));
    let [deleted, expired, kept, narrowed, replaced, with_namespace] =
        ["deleted", "expired", "wide-kept", "wide-narrowed", "replaced", "with-namespace"].map(key);
    let policed = hub.fail("S3.9", "arn:aws:s3:::policed");
    let all = [&deleted, &expired, &kept, &narrowed, &replaced, &with_namespace, &policed];
    let of = |name: &str, resource: &str| exception("departed", name, "S3.8", &format!("arn:aws:s3:::{resource}"), LATER);
    let declared = [
        grant("departed", ""),
        grant("departed-too", ""),
        of("deleted", "deleted"),
        of("expired", "expired"),
        of("wide", "wide-*"),
        of("replaced", "replaced"),
        exception("departed-too", "gone", "S3.8", "arn:aws:s3:::with-namespace", LATER),
        policy("policed", "S3.9"),
    ]
    .concat();
    blocking(move || apply(&declared)).await;
    let (mut first, _) = replica(&hub, "ops", &["--lease-name", "departed"]);
    for key in all {
        becomes(&hub, key, "SUPPRESSED");
    }
    assert_eq!(blocking(move || first.stop()).await, Some(0));
    let soon = Timestamp::now().checked_add(2.seconds()).unwrap();
    let expires = soon.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let expiring = exception("departed", "expired", "S3.8", "arn:aws:s3:::expired", &expires);
    let narrower = [of("wide", "wide-kept"), of("another", "replaced"), expiring].concat();
    blocking(move || {
        apply(&narrower);
        kubectl(&["delete", "findingexception", "deleted", "replaced", "-n", "departed"], "");
        kubectl(&["delete", "namespace", "departed-too", "--wait"], "");
        kubectl(&["delete", "controlpolicy", "policed"], "");
    })
    .await;
    until("it has expired", || Timestamp::now() > soon);
    for key in all {
        assert_eq!(hub.workflow(key), "SUPPRESSED", "nobody runs");
    }
    let writes = super::hub_writes(&hub);
    let (mut second, address) = replica(&hub, "bob", &["--lease-name", "departed"]);
    for key in [&deleted, &expired, &narrowed, &with_namespace, &policed] {
        becomes(&hub, key, "NEW");
    }
    until("the hub is kept", || crate::cli::converged(&address));
    for (key, owner) in [(&kept, "FindingException/departed/wide"), (&replaced, "FindingException/departed/another")] {
        let finding = hub.local.finding(key).unwrap();
        assert_eq!(finding["Workflow"]["Status"], "SUPPRESSED");
        assert_eq!(finding["UserDefinedFields"]["hubkeeper.dev/owner"], owner);
        let changes: Vec<String> = super::changes(&hub, key).into_iter().map(|(_, status)| status).collect();
        assert_eq!(changes[0], "SUPPRESSED");
        assert!(changes.iter().all(|status| status == "SUPPRESSED"), "without a moment in between: {changes:?}");
    }
    assert!(super::hub_writes(&hub) > writes);
    assert_eq!(blocking(move || second.stop()).await, Some(0));
}
