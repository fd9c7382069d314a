use ::http::Method;
use serde_json::{Value, json};

use super::client::Client;
use super::local;
use crate::local::faults::{CallFault, Fault, Faults};

/// As SDKs send it: everything encoded.
const HUB: &str = "/tags/arn%3Aaws%3Asecurityhub%3Aeu-west-1%3A111122223333%3Ahub%2Fdefault";

async fn untag(client: &Client, path: &str, keys: &str) -> (u16, Value) {
    let (status, body) = client.send(Method::DELETE, &format!("{path}?{keys}"), "securityhub", &[], String::new()).await;
    (status, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn tags_of_the_hub_are_set_listed_and_removed() {
    let local = local(0);
    let client = Client::admin(&local, "hubkeeper");
    assert_eq!(client.get(HUB).await, (200, json!({"Tags": {}})));
    assert_eq!(client.post(HUB, json!({"Tags": {"team": "sec", "hubkeeper.dev/cluster": "a b"}})).await, (200, json!({})));
    assert_eq!(client.post(HUB, json!({"Tags": {"team": "pay"}})).await.0, 200);
    assert_eq!(client.get(HUB).await.1, json!({"Tags": {"team": "pay", "hubkeeper.dev/cluster": "a b"}}));
    assert_eq!(untag(&client, HUB, "tagKeys=hubkeeper.dev%2Fcluster&tagKeys=never").await, (200, json!({})));
    // Some clients leave the slash and the colons as they are.
    let plain = HUB.replace("%3A", ":").replace("%2F", "/");
    assert_eq!(client.get(&plain).await.1, json!({"Tags": {"team": "pay"}}));
    let count = local.count("ListTagsForResource");
    assert_eq!((count.calls, count.errors), (3, 0));
}

#[tokio::test]
async fn what_is_wrong_with_tags_is_said_by_the_errors_of_the_model() {
    let local = local(0);
    let client = Client::admin(&local, "hubkeeper");
    for body in [json!({}), json!({"Tags": {}}), json!({"Tags": {"aws:x": "y"}}), json!({"Tags": {"k": "x".repeat(257)}})] {
        let (status, answer) = client.post(HUB, body).await;
        assert_eq!((status, client.error(&answer).as_str()), (400, "InvalidInputException"));
    }
    let (status, answer) = untag(&client, HUB, "").await;
    assert_eq!((status, client.error(&answer).as_str()), (400, "InvalidInputException"));
    for path in [HUB.replace("eu-west-1", "us-east-1"), HUB.replace("default", "other")] {
        let (status, answer) = client.get(&path).await;
        assert_eq!((status, client.error(&answer).as_str()), (404, "ResourceNotFoundException"));
    }
    let denied = CallFault::of("TagResource", Fault::AccessDenied);
    local.set_faults(Faults { calls: vec![denied], ..Faults::default() });
    let (status, answer) = client.post(HUB, json!({"Tags": {"k": "v"}})).await;
    assert_eq!((status, client.error(&answer).as_str()), (403, "AccessDeniedException"));
    assert!(answer["Message"].as_str().unwrap().contains("securityhub:TagResource"), "{answer}");
}

#[tokio::test]
async fn a_hub_is_enabled_with_tags_or_not_at_all() {
    let local = local(0);
    let client = Client::new(&local, "999999999999", "alice", "sa-east-1");
    let path = "/tags/arn%3Aaws%3Asecurityhub%3Asa-east-1%3A999999999999%3Ahub%2Fdefault";
    assert_eq!(client.post("/accounts", json!({"Tags": {"aws:x": "y"}})).await.0, 400);
    assert_eq!(client.get("/accounts").await.0, 401);
    assert_eq!(client.get(path).await.0, 404);
    assert_eq!(client.post("/accounts", json!({"Tags": {"team": "sec"}})).await.0, 200);
    assert_eq!(client.get(path).await, (200, json!({"Tags": {"team": "sec"}})));
}
