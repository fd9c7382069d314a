use std::sync::Mutex;

use async_trait::async_trait;
use axum::response::Response;
use serde_json::json;

use super::*;
use crate::aws::failure::read;
use crate::aws::inprocess::InProcess;
use crate::aws::testing::{Seen, Server, TokioClock, credentials, json, region};
use crate::engine::ports::{Blocked, FailureKind};

#[test]
fn plain_http_is_for_this_machine_only() {
    for good in [
        "https://securityhub.eu-west-1.amazonaws.com",
        "https://10.0.0.1:8443",
        "http://127.0.0.1:4600",
        "http://127.8.9.10:1",
        "http://[::1]:4600",
        "http://localhost:4600/",
        "http://LOCALHOST",
    ] {
        let endpoint: Endpoint = good.parse().unwrap();
        assert_eq!(endpoint.as_str(), good.trim_end_matches('/'));
        assert_eq!(endpoint.is_loopback(), good.starts_with("http:"));
    }
    for clear in
        ["http://10.0.0.1:4600", "http://localhost.example.com", "http://hub", "http://[2001:db8::1]:80", "http://0.0.0.0:1"]
    {
        let error = clear.parse::<Endpoint>().unwrap_err();
        assert_eq!(error, EndpointError::Clear(clear.to_owned()));
        assert!(error.to_string().contains("use https"));
    }
    for bad in [
        "",
        "localhost:4600",
        "127.0.0.1",
        "ftp://localhost",
        "http://localhost@example.com",
        "https://",
        "/path",
        "https://a/?b",
    ] {
        assert_eq!(bad.parse::<Endpoint>().unwrap_err(), EndpointError::Shape(bad.to_owned()), "{bad}");
    }
}

/// STS gives the role's credentials for 15 minutes; Security Hub describes itself.
fn answer(request: &Seen) -> Response {
    if !request.host.starts_with("sts.") {
        return json(200, json!({"HubArn": "arn:hub"}));
    }
    let xml = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
        <AccessKeyId>assumed</AccessKeyId><SecretAccessKey>x</SecretAccessKey><SessionToken>y</SessionToken>\
        <Expiration>2026-11-21T09:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";
    json(200, xml)
}

fn settings(server: &Server, respond: impl Fn(&Seen) -> Response + Clone + Send + Sync + 'static) -> Settings {
    let router = server.router(move |request, _| {
        let response = respond(&request);
        async move { response }
    });
    let mut settings = Settings::new(region(), Arc::new(TokioClock::new()));
    settings.http = Some(SharedHttpClient::new(InProcess::new(router)));
    settings.credentials = Some(credentials());
    settings.role =
        Some(Role { arn: "arn:aws:iam::111122223333:role/hubkeeper".to_owned(), external_id: Some("example".to_owned()) });
    settings
}

async fn described(transport: &Transport) -> Result<(), crate::aws::failure::Fail> {
    let described = transport.security_hub(&region()).describe_hub().send().await;
    described.map(drop).map_err(|error| read(&error))
}

#[derive(Default)]
struct Recorder {
    passed: Mutex<Vec<&'static str>>,
    block: Option<Blocked>,
}

#[async_trait]
impl Gate for Recorder {
    async fn before(&self, effect: &Effect) -> Result<(), Blocked> {
        assert_eq!(*effect, Effect::Sts);
        self.passed.lock().unwrap().push("before");
        self.block.clone().map_or(Ok(()), Err)
    }
    async fn after(&self, _: &Effect) -> Result<(), Blocked> {
        self.passed.lock().unwrap().push("after");
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_once_for_all_clients_through_the_gate() {
    let server = Server::default();
    let gate = Arc::new(Recorder::default());
    let mut settings = settings(&server, answer);
    settings.gate = Some(gate.clone());
    let transport = Transport::load(settings).await.unwrap();
    assert_eq!(server.count(), 0, "loading calls nothing");
    for _ in 0..3 {
        described(&transport).await.unwrap();
    }
    let seen = server.seen();
    assert_eq!(seen.iter().filter(|seen| seen.host == "sts.eu-west-1.amazonaws.com").count(), 1);
    for part in ["Action=AssumeRole", "ExternalId=example", "RoleSessionName=hubkeeper"] {
        assert!(seen[0].body.contains(part), "{}", seen[0].body);
    }
    assert!(seen[1].headers["authorization"].to_str().unwrap().contains("Credential=assumed/"));
    assert_eq!(*gate.passed.lock().unwrap(), ["before", "after"]);
}

#[tokio::test(start_paused = true)]
async fn credentials_are_renewed_when_they_expire_by_our_clock() {
    let server = Server::default();
    let transport = Transport::load(settings(&server, answer)).await.unwrap();
    described(&transport).await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    described(&transport).await.unwrap();
    assert_eq!(server.seen().iter().filter(|seen| seen.host.starts_with("sts.")).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_cannot_be_assumed_says_so_with_the_code_of_sts() {
    let denied = |request: &Seen| {
        assert!(request.host.starts_with("sts."), "nothing is called without credentials");
        let xml = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
            <Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
        json(403, xml)
    };
    let transport = Transport::load(settings(&Server::default(), denied)).await.unwrap();
    let fail = described(&transport).await.unwrap_err();
    assert_eq!((fail.kind, fail.code.as_deref()), (FailureKind::Credentials, Some("AccessDenied")));
    assert!(fail.message.contains("sts:AssumeRole"), "{}", fail.message);
}

#[tokio::test(start_paused = true)]
async fn an_sts_that_is_down_is_a_passing_fault() {
    let server = Server::default();
    let transport = Transport::load(settings(&server, |_| json(503, ""))).await.unwrap();
    assert_eq!(described(&transport).await.unwrap_err().kind, FailureKind::Transient);
    assert_eq!(server.count(), 1, "the SDK does not try again by itself");
}

#[tokio::test(start_paused = true)]
async fn a_blocked_gate_is_told_from_a_network_fault() {
    for (block, kind) in [(Blocked::Stop, FailureKind::Stopped), (Blocked::Fail, FailureKind::Transient)] {
        let server = Server::default();
        let mut settings = settings(&server, answer);
        settings.gate = Some(Arc::new(Recorder { block: Some(block), ..Recorder::default() }));
        let transport = Transport::load(settings).await.unwrap();
        assert_eq!(described(&transport).await.unwrap_err().kind, kind);
        assert_eq!(server.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_override_serves_every_region_and_service() {
    let server = Server::default();
    let mut settings = settings(&server, answer);
    settings.role = None;
    settings.endpoint = Some("http://127.0.0.1:4600".parse().unwrap());
    let transport = Transport::load(settings).await.unwrap();
    transport.security_hub(&"us-east-1".parse().unwrap()).describe_hub().send().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].host, "127.0.0.1:4600");
    assert!(seen[0].headers["authorization"].to_str().unwrap().contains("/us-east-1/securityhub/"));
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_clock_of_its_own_does_not_move_our_signatures() {
    let server = Server::default();
    let late = |_: &Seen| {
        let mut response = json(200, json!({"HubArn": "arn:hub"}));
        response.headers_mut().insert("date", "Sat, 21 Nov 2026 09:00:00 GMT".parse().unwrap());
        response
    };
    let mut settings = settings(&server, late);
    settings.role = None;
    let transport = Transport::load(settings).await.unwrap();
    described(&transport).await.unwrap();
    described(&transport).await.unwrap();
    let dates: Vec<_> = server.seen().iter().map(|seen| seen.headers["x-amz-date"].clone()).collect();
    assert_eq!(dates, ["20261121T080000Z", "20261121T080000Z"]);
}

#[derive(Debug)]
struct Environment(&'static str);

impl aws_types::service_config::LoadServiceConfig for Environment {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        (key.service_id() == "SQS" && key.env() == "AWS_ENDPOINT_URL").then(|| self.0.to_owned())
    }
}

#[test]
fn endpoints_of_the_environment_are_per_service_and_under_the_same_rule() {
    let loaded = |sqs: &'static str, all: &str| SdkConfig::builder().service_config(Environment(sqs)).endpoint_url(all).build();
    let found = Endpoints::of(&loaded("http://127.0.0.1:5000", "https://proxy.example.com")).unwrap();
    assert_eq!(found.sqs.unwrap().as_str(), "http://127.0.0.1:5000");
    assert_eq!(found.sts, found.security_hub);
    assert_eq!(found.sts.unwrap().as_str(), "https://proxy.example.com");
    assert!(matches!(Endpoints::of(&loaded("http://queue.example.com", "https://a")), Err(EndpointError::Clear(_))));
    assert!(matches!(Endpoints::of(&loaded("https://a", "http://proxy.example.com")), Err(EndpointError::Clear(_))));
    let none = Endpoints::of(&SdkConfig::builder().build()).unwrap();
    assert_eq!((none.security_hub, none.sts, none.sqs), (None, None, None));
}

/// A transport that uses the SDK's own HTTP client.
async fn over_sockets(endpoint: String) -> Transport {
    let mut settings = Settings::new(region(), Arc::new(TokioClock::new()));
    settings.credentials = Some(credentials());
    settings.endpoint = Some(endpoint.parse().unwrap());
    Transport::load(settings).await.unwrap()
}

#[tokio::test]
async fn a_place_where_nobody_listens_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let fail = described(&over_sockets(endpoint).await).await.unwrap_err();
    assert_eq!((fail.kind, fail.code), (FailureKind::Unreachable, None), "{}", fail.message);
}

#[tokio::test]
async fn over_a_real_connection_pages_are_bytes_and_a_cut_one_is_no_page() {
    let body = r#"{"Findings":[{"Resources":[{"Details":{}}]}]}"#;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = Server::default();
    let router = server.router(move |request, nth| async move {
        assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/findings"));
        if nth == 0 {
            return json(200, body);
        }
        let cut = futures::stream::iter([Ok::<_, std::io::Error>(body)]);
        let head = Response::builder().header("content-length", body.len() + 1);
        head.body(axum::body::Body::from_stream(cut)).unwrap()
    });
    let asked = async {
        let client = over_sockets(endpoint).await.security_hub(&region());
        let whole = crate::aws::raw::get_findings(client.get_findings()).await;
        (whole, crate::aws::raw::get_findings(client.get_findings()).await)
    };
    let (whole, cut) = tokio::select! {
        answers = asked => answers,
        ended = async { axum::serve(listener, router).await } => panic!("the server ended: {ended:?}"),
    };
    assert_eq!(whole.unwrap(), body);
    assert_eq!(cut.unwrap_err().kind, FailureKind::Transient);
}
