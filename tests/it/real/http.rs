//! The shipped adapters over real sockets against Security Hub Local.

use std::sync::Arc;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use hubkeeper::assembly::connect::AwsConnector;
use hubkeeper::assembly::pass::{OpenGate, SoleWriter};
use hubkeeper::assembly::time::{Dice, HouseClock};
use hubkeeper::core::doc;
use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::objects::HubSpec;
use hubkeeper::core::status::WorkflowStatus;
use hubkeeper::engine::ports::{Connector, FailureKind, Gate, Order, PageRequest, Patch, ReadFilter};
use hubkeeper::local::Local;
use hubkeeper::local::clock::Speed;

use super::moto::Served;
use crate::sim::world;

const ROLE: &str = "arn:aws:iam::111122223333:role/hubkeeper";

/// The connector as it ships, on real time and real sockets.
pub fn connector(endpoint: &str, account: &str, gate: Arc<dyn Gate>) -> AwsConnector {
    AwsConnector {
        clock: Arc::new(HouseClock::system()),
        rng: Arc::new(Dice::seeded(7)),
        gate,
        fence: Arc::new(SoleWriter),
        http: None,
        credentials: Some(SharedCredentialsProvider::new(Credentials::new(account, "hubkeeper", None, None, "tests"))),
        endpoint: Some(endpoint.parse().unwrap()),
        profile: None,
        on_attempt: None,
        feed: true,
        longest: None,
    }
}

fn hub(role: &str) -> HubSpec {
    let manifest = format!(
        "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {{name: main}}\nspec:\n  homeRegion: eu-west-1\n{role}"
    );
    let desired = world::parse(&manifest);
    assert!(desired.broken.is_empty(), "{:#?}", desired.broken);
    desired.objects.hubs[0].spec.clone()
}

fn local() -> Local {
    let local = Local::builder().findings(230).accounts(3).regions(2).seed(7).speed(Speed::Real);
    local.external_id(ROLE, "example").build().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assumed_role_with_its_external_id_reads_pages_and_writes_in_its_own_name() {
    let local = local();
    let served = Served::start(&local).await;
    let spec = hub(&format!("  role: {{arn: \"{ROLE}\", externalId: example}}\n"));
    let ports = connector(&served.endpoint(), "111122223333", Arc::new(OpenGate)).connect(&spec).await.unwrap();
    let description = ports.read.describe().await.unwrap();
    assert!(description.caller_arn.contains(":assumed-role/hubkeeper/"), "{description:?}");
    assert_eq!(description.account.to_string(), "111122223333");

    let mut request = PageRequest {
        region: local.home().clone(),
        filter: ReadFilter::default(),
        order: Some(Order::Oldest),
        token: None,
        size: 100,
    };
    let mut keys = Vec::new();
    loop {
        let body = ports.read.page(&request).await.unwrap();
        let page = doc::page(&body).unwrap();
        for raw in &page.findings {
            let doc = doc::Doc::parse(raw.get()).unwrap();
            keys.push(FindingKey { id: doc.id.to_string(), product_arn: doc.product_arn.to_string() });
        }
        match page.next_token {
            Some(token) => request.token = Some(token.to_string()),
            None => break,
        }
    }
    assert_eq!((keys.len(), local.count("GetFindings").calls), (230, 3));

    let patch = Patch { workflow: WorkflowStatus::Notified, note: None, user_defined_fields: [("a".into(), "b".into())].into() };
    let gone = FindingKey { id: "arn:aws:nothing".to_owned(), ..keys[0].clone() };
    let unprocessed = ports.write.update(local.home(), &[keys[0].clone(), gone.clone()], &patch).await.unwrap();
    assert_eq!(unprocessed.iter().map(|one| (&one.key, one.code.as_str())).collect::<Vec<_>>(), [(&gone, "FindingNotFound")]);
    assert_eq!(local.finding(&keys[0]).unwrap()["Workflow"]["Status"], "NOTIFIED");
    let history = ports.history.history(local.home(), &keys[0]).await.unwrap();
    let newest = history.first().unwrap();
    assert_eq!(newest.workflow, Some(WorkflowStatus::Notified));
    assert_eq!(newest.identity, description.caller_arn);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_without_its_external_id_is_refused_and_nothing_is_read() {
    let local = local();
    let served = Served::start(&local).await;
    let spec = hub(&format!("  role: {{arn: \"{ROLE}\", externalId: other}}\n"));
    let ports = connector(&served.endpoint(), "111122223333", Arc::new(OpenGate)).connect(&spec).await.unwrap();
    let failure = ports.read.describe().await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::AccessDenied | FailureKind::Credentials), "{failure:?}");
    assert_eq!((local.count("DescribeHub").calls, local.count("GetFindings").calls), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_hub_is_off_is_told_so_by_kind() {
    let local = local();
    let served = Served::start(&local).await;
    let ports = connector(&served.endpoint(), "999988887777", Arc::new(OpenGate)).connect(&hub("")).await.unwrap();
    assert_eq!(ports.read.describe().await.unwrap_err().kind, FailureKind::NotEnabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_where_nobody_listens_is_unreachable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ports = connector(&format!("http://{free}"), "111122223333", Arc::new(OpenGate)).connect(&hub("")).await.unwrap();
    assert_eq!(ports.read.describe().await.unwrap_err().kind, FailureKind::Unreachable);
}
