//! Rights that are taken away while it runs.

use std::time::Duration;

use super::proxy::{Proxy, Switches};
use super::{HUB, Replica, becomes, ground, hub, hub_writes, policy, rests, until};

const USER: &str = "rights-tester";

/// Everything that the controller does, and whether it may watch policies.
fn role(policies: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: {USER}}}
rules:
- {{apiGroups: [hubkeeper.dev], resources: [findingexceptions, approvals, securityhubs, exceptionpolicies, accounts], verbs: [get, list, watch]}}
- {{apiGroups: [hubkeeper.dev], resources: [controlpolicies], verbs: [{policies}]}}
- {{apiGroups: [hubkeeper.dev], resources: ['*'], verbs: [patch]}}
- {{apiGroups: [events.k8s.io], resources: [events], verbs: [create]}}
- {{apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, watch, create, update]}}
- {{apiGroups: [''], resources: [namespaces], resourceNames: [kube-system], verbs: [get]}}
---
"
    )
}

const BINDING: &str = "apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: rights-tester}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: rights-tester}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: rights-tester}]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_is_named_and_nothing_is_given_back_until_it_is_granted_again() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let (logs, cdn) = (hub.fail("S3.9", "arn:aws:s3:::logs"), hub.fail("S3.8", "arn:aws:s3:::cdn"));
    let proxy = Proxy::start(ground.config().await, Some(USER)).await;
    ground.apply(&[&role("get, list, watch"), BINDING].join("\n"));
    ground.apply(&[HUB, &policy("logs", "S3.9")].concat());
    proxy.switch(Switches { watches_last: Some(Duration::from_secs(1)), ..Switches::default() });
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    becomes(&hub, &logs, "SUPPRESSED");

    ground.apply(&role("get, list"));
    ground.says("securityhub/main", "failed to watch controlpolicies");
    let said = ground.ready("securityhub/main");
    assert!(said.starts_with("False Unreadable") && said.contains("cannot watch resource \"controlpolicies\""), "{said}");
    assert!(said.contains("RBAC") && said.contains("nothing is given back"), "{said}");
    until("there is an event", || ground.events("main").contains("failed to watch controlpolicies"));
    assert!(replica.log().contains("failed to watch controlpolicies"), "{}", replica.log());
    // What is not heard of is not done, in neither direction.
    let writes = hub_writes(&hub);
    ground.kubectl(&["delete", "controlpolicy", "logs"], "");
    ground.apply(&policy("cdn", "S3.8"));
    let reads = hub.local.count("GetFindings").calls;
    until("the hub is read", || hub.local.count("GetFindings").calls >= reads + 3);
    assert_eq!((hub_writes(&hub), hub.workflow(&logs)), (writes, "SUPPRESSED".to_owned()));

    ground.apply(&role("get, list, watch"));
    becomes(&hub, &logs, "NEW");
    becomes(&hub, &cdn, "SUPPRESSED");
    proxy.heal();
    ground.says("securityhub/main", "True");
    rests(&hub, &[&proxy], &replica);
    assert_eq!(replica.stop(), Some(0));
    ground.kubectl(&["delete", "clusterrole,clusterrolebinding", USER], "");
}
