//! A client that signs, as small as it can be.

use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::local::Local;
use crate::wire::sigv4::{Authorization, Signed, hex, hmac, sha256};

pub struct Client {
    pub router: axum::Router,
    pub access_key: String,
    pub secret_key: String,
    pub session_token: Option<String>,
    pub region: String,
    last_error: std::sync::Mutex<String>,
}

impl Client {
    /// The administrator's account in the home Region; the secret key names the principal.
    pub fn admin(local: &Local, secret_key: &str) -> Self {
        Self::new(local, &local.administrator().to_string(), secret_key, local.home().as_str())
    }

    pub fn new(local: &Local, access_key: &str, secret_key: &str, region: &str) -> Self {
        Self {
            router: local.router(),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            session_token: None,
            region: region.to_owned(),
            last_error: std::sync::Mutex::default(),
        }
    }

    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.json(Method::PATCH, path, body).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        let (status, body) = self.send(Method::GET, path, "securityhub", &[], String::new()).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> (u16, Value) {
        let (status, body) = self.send(method, path, "securityhub", &[], body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    pub async fn sqs(&self, operation: &str, body: Value) -> (u16, Value) {
        let target = format!("AmazonSQS.{operation}");
        let (status, body) = self.send(Method::POST, "/", "sqs", &[("x-amz-target", &target)], body.to_string()).await;
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    pub async fn sts(&self, form: &str) -> (u16, String) {
        self.send(Method::POST, "/", "sts", &[("content-type", "application/x-www-form-urlencoded")], form.to_owned()).await
    }

    /// The code of the last error: as the SDK for Rust takes it, from the header.
    pub fn error(&self, body: &Value) -> String {
        assert!(body["Message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        self.last_error.lock().unwrap().clone()
    }

    pub async fn send(
        &self,
        method: Method,
        path_and_query: &str,
        service: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> (u16, String) {
        let date = "20261121";
        let mut all = vec![("host", "hub.local:4600".to_owned()), ("x-amz-date", format!("{date}T080000Z"))];
        all.extend(headers.iter().map(|(name, value)| (*name, (*value).to_owned())));
        all.extend(self.session_token.iter().map(|token| ("x-amz-security-token", token.clone())));
        all.sort();
        let mut authorization = Authorization {
            access_key: self.access_key.clone(),
            date: date.to_owned(),
            region: self.region.clone(),
            service: service.to_owned(),
            signed_headers: all.iter().map(|(name, _)| (*name).to_owned()).collect(),
            signature: String::new(),
        };
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let header = |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        let payload_hash = hex(&sha256(body.as_bytes()));
        let signed = Signed { method: method.as_str(), path, query, header: &header, payload_hash: &payload_hash };
        let to_sign = signed.string_to_sign(&authorization).unwrap();
        authorization.signature = hex(&hmac(&authorization.signing_key(&self.secret_key), to_sign.as_bytes()));
        let mut request = Request::builder().method(method).uri(format!("http://hub.local:4600{path_and_query}")).header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={}/{date}/{}/{service}/aws4_request, SignedHeaders={}, Signature={}",
                self.access_key,
                self.region,
                authorization.signed_headers.join(";"),
                authorization.signature
            ),
        );
        for (name, value) in &all {
            request = request.header(*name, value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let code = response.headers().get("x-amzn-errortype").map(|code| code.to_str().unwrap().to_owned());
        *self.last_error.lock().unwrap() = code.unwrap_or_default();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }
}
