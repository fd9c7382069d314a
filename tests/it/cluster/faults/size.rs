//! Many objects, and large ones.

use futures::StreamExt as _;
use hubkeeper::cluster::resource::resource;
use hubkeeper::core::ids::Kind;
use kube::Api;
use kube::api::{DynamicObject, PostParams};
use serde_json::{Value, json};

use super::{HUB, Replica, becomes, ground, hub, policy, rests, until};

/// More than a page of them.
const MANY: usize = 600;

fn exception(number: usize) -> Value {
    let resources: Vec<String> = (0..20).map(|resource| format!("arn:aws:s3:::bucket-{number}-{resource}")).collect();
    json!({
        "apiVersion": "hubkeeper.dev/v1alpha1",
        "kind": "FindingException",
        "metadata": {"name": format!("e-{number}"), "namespace": "default"},
        "spec": {
            "effect": "Accept", "reason": "CompensatingControl", "justification": "x".repeat(200), "owner": "pay-sec@example.com",
            "targets": [{"controls": ["S3.8"], "accounts": ["111122223333"], "resources": resources}],
            "startsAt": "2026-01-01T00:00:00Z", "expiresAt": "2034-12-31T00:00:00Z",
        },
    })
}

/// Peak resident memory in KiB.
fn peak(replica: &Replica) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", replica.running.0.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_objects_and_the_largest_that_are_taken_leave_memory_and_metrics_bounded() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let logs = hub.fail("S3.9", "arn:aws:s3:::logs");
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("logs", "S3.9")].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    becomes(&hub, &logs, "SUPPRESSED");
    let (little, series) = (peak(&replica), replica.metrics().lines().filter(|line| !line.starts_with('#')).count());
    assert_eq!(replica.stop(), Some(0));

    // A hundred thousand ids, and a megabyte of text: refused with a sentence.
    let client = ground.client().await;
    let api: Api<DynamicObject> = Api::default_namespaced_with(client, &resource(Kind::FindingException));
    let create = async |object: Value| {
        let object = serde_json::from_value(object).unwrap();
        api.create(&PostParams::default(), &object).await.map(|_| ()).map_err(|error| error.to_string())
    };
    let mut ids = exception(0);
    ids["spec"]["targets"][0]["resources"] = (0..100_000).map(|id| json!(format!("arn:aws:s3:::{id}"))).collect();
    let said = create(ids).await.unwrap_err();
    assert!(said.contains("spec.targets[0].resources: Too many"), "{said:.300}");
    let mut large = exception(0);
    large["spec"]["justification"] = "x".repeat(1_000_000).into();
    let said = create(large).await.unwrap_err();
    assert!(said.contains("spec.justification: Too long"), "{said:.300}");

    // What is taken: an object with as much around it as there may be, and very many of the usual size.
    let mut padded = exception(0);
    padded["metadata"]["annotations"] = json!({"example.com/pad": "x".repeat(200_000)});
    padded["metadata"]["name"] = "padded".into();
    create(padded).await.unwrap();
    let all = futures::stream::iter(0..MANY).map(|number| create(exception(number))).buffer_unordered(16);
    assert!(all.all(async |made| made.is_ok()).await);
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    until("it is ready", || replica.is_ready());
    ground.says("-n default findingexception/e-0", "NotGranted");
    until("the hub is kept", || replica.is_converged());
    let much = peak(&replica);
    assert!(much < little + 64 * 1024, "{much} KiB with {MANY} objects, {little} without");
    let now = replica.metrics().lines().filter(|line| !line.starts_with('#')).count();
    assert!(now <= series + 20 && now < 1000, "{now} series, {series} before");
    for of_an_object in ["e-17", "arn:aws", "padded", "default"] {
        assert!(!replica.metrics().contains(of_an_object), "{of_an_object}");
    }
    // Statuses of all are there, and then it is quiet.
    let told = || proxy.count(|seen| seen.resource == "findingexceptions/status");
    until("all are told", || told() > MANY);
    rests(&hub, &[&proxy], &replica);
    assert!(told() <= 2 * (MANY + 1), "{} statuses", told());
    assert_eq!(replica.stop(), Some(0));
}
