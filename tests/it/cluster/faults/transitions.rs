//! Objects that change quickly, or into something that cannot be used.

use super::{HUB, LATER, Replica, becomes, changes, exception, grant, ground, hub, hub_writes, policy, rests, until};

#[tokio::test(flavor = "multi_thread")]
async fn of_many_edits_the_last_counts_and_what_cannot_be_used_is_told_with_its_generation() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let (logs, cdn) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("logs", "S3.9")].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    becomes(&hub, &logs, "SUPPRESSED");
    let generation = || ground.field("controlpolicy/logs", "{.metadata.generation}");
    let observed = || ground.field("controlpolicy/logs", "{.status.observedGeneration}");

    // Ten edits as fast as they go.
    let client = ground.client().await;
    let resource = hubkeeper::cluster::resource::resource(hubkeeper::core::ids::Kind::ControlPolicy);
    let policies: kube::Api<kube::api::DynamicObject> = kube::Api::all_with(client, &resource);
    for edit in 0..10 {
        let control = if edit % 2 == 0 { "S3.7" } else { "S3.8" };
        let rules = serde_json::json!({"spec": {"rules": [
            {"name": "one", "match": {"controls": [control]}, "response": {"suppress": {"reason": "OutOfScope"}}},
        ]}});
        policies.patch("logs", &kube::api::PatchParams::default(), &kube::api::Patch::Merge(rules)).await.unwrap();
    }
    becomes(&hub, &cdn, "SUPPRESSED");
    becomes(&hub, &logs, "NEW");
    until("the last generation is observed", || observed() == generation() && generation() == "11");
    rests(&hub, &[&proxy], &replica);

    // Refused by the API server: what is there stays. Taken by it and useless: told, and nothing is given back.
    let writes = hub_writes(&hub);
    let refused =
        ground.tried(&["patch", "controlpolicy", "logs", "--type=merge", "-p", r#"{"spec":{"mode":"Everything"}}"#], "");
    assert!(refused.unwrap_err().contains("spec.mode"));
    let useless = r#"{"spec":{"rules":[{"name":"one","match":{"groups":["no-such-group"]},"response":{"suppress":{"reason":"OutOfScope"}}}]}}"#;
    ground.kubectl(&["patch", "controlpolicy", "logs", "--type=merge", "-p", useless], "");
    ground.says("controlpolicy/logs", "no-such-group");
    let said = ground.ready("controlpolicy/logs");
    assert!(said.starts_with("False"), "{said}");
    until("this generation is observed", || observed() == "12");
    until("there is an event", || ground.events("logs").contains("no-such-group"));
    assert_eq!((hub_writes(&hub), hub.workflow(&cdn)), (writes, "SUPPRESSED".to_owned()), "{said}");

    // Mended: it counts again.
    ground.apply(&policy("logs", "S3.9"));
    becomes(&hub, &cdn, "NEW");
    becomes(&hub, &logs, "SUPPRESSED");
    ground.says("controlpolicy/logs", "True");
    until("this generation is observed", || observed() == generation());
    rests(&hub, &[&proxy], &replica);
    assert_eq!(replica.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approved_exception_that_is_edited_is_given_back_until_that_state_is_approved() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let cdn = hub.fail("S3.8", "arn:aws:s3:::cdn");
    let proxy = ground.proxy().await;
    let approvals = "  approvals: [{match: {controls: [S3.8]}, namespaces: [default], count: 1}]";
    let excepted = exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER);
    ground.apply(&[HUB, &grant("team-pay", approvals), &excepted].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    let digest = || ground.field("-n team-pay findingexception/cdn", "{.status.digest}");
    until("the digest is told", || digest().starts_with("sha256:"));
    let approve = |namespace: &str, name: &str, digest: &str| {
        ground.apply(&format!(
            "{{apiVersion: hubkeeper.dev/v1alpha1, kind: Approval, metadata: {{name: {name}, namespace: {namespace}}}, spec: {{subject: \
             {{kind: FindingException, namespace: team-pay, name: cdn}}, digest: \"{digest}\", decision: Approve, approver: alice, \
             reason: seen}}}}"
        ));
    };
    // Forged: in the requester's own namespace, of another state, and as a status.
    approve("team-pay", "own", &digest());
    approve("default", "other", &format!("sha256:{}", "0".repeat(64)));
    let forged = r#"{"status":{"state":"Active","grantedBy":"team-pay","approvals":1}}"#;
    let patch = ["patch", "findingexception", "cdn", "-n", "team-pay", "--subresource=status", "--type=merge", "-p", forged];
    ground.kubectl(&patch, "");
    ground.says("-n team-pay approval/own", "does not count");
    ground.says("-n default approval/other", "does not count");
    ground.says("-n team-pay findingexception/cdn", "ApprovalNeeded");
    rests(&hub, &[&proxy], &replica);
    assert_eq!((hub_writes(&hub), hub.workflow(&cdn)), (0, "NEW".to_owned()));

    approve("default", "cdn", &digest());
    becomes(&hub, &cdn, "SUPPRESSED");
    let before = digest();
    ground.apply(&excepted.replace("arn:aws:s3:::cdn", "arn:aws:s3:::*"));
    becomes(&hub, &cdn, "NEW");
    until("another state is to be approved", || digest() != before && digest().starts_with("sha256:"));
    approve("default", "again", &digest());
    becomes(&hub, &cdn, "SUPPRESSED");
    rests(&hub, &[&proxy], &replica);
    assert_eq!(changes(&hub, &cdn).len(), 3);
    assert_eq!(replica.stop(), Some(0));
}
