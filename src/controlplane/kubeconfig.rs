//! How clients find the API server and say who they are. Keys are inside, so that one file is all that a user needs.

use super::certificates::{Authority, Identity};

/// For a client with a certificate.
pub(super) fn with_certificate(port: u16, authority: &Authority, identity: &Identity) -> String {
    let user = format!(
        "client-certificate-data: {}\n    client-key-data: {}",
        base64(identity.certificate().as_bytes()),
        base64(identity.key().as_bytes())
    );
    whole(port, authority.certificate(), &user)
}

/// For a client with a bearer token.
pub(super) fn with_token(port: u16, authority: &str, token: &str) -> String {
    whole(port, authority, &format!("token: {token}"))
}

fn whole(port: u16, authority: &str, user: &str) -> String {
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: hubkeeper
  cluster:
    server: https://127.0.0.1:{port}
    certificate-authority-data: {}
users:
- name: user
  user:
    {user}
contexts:
- name: hubkeeper
  context: {{cluster: hubkeeper, user: user}}
current-context: hubkeeper
",
        base64(authority.as_bytes())
    )
}

fn base64(bytes: &[u8]) -> String {
    serde_json::to_value(k8s_openapi::ByteString(bytes.to_vec()))
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
