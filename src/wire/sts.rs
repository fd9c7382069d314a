//! STS: the query protocol and its XML, as far as GetCallerIdentity and AssumeRole need it.

use jiff::Timestamp;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Who a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Twelve digits.
    pub account: String,
    /// ARN of the caller.
    pub arn: String,
    /// Unique id.
    pub user_id: String,
}

/// Temporary credentials. Its `Debug` does not show the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token.
    pub session_token: String,
    /// When they end.
    pub expiration: Timestamp,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// The answer of GetCallerIdentity.
pub fn caller_identity(identity: &Identity, request_id: &str) -> String {
    let Identity { account, arn, user_id } = identity;
    answer(
        "GetCallerIdentity",
        request_id,
        &format!("<Arn>{}</Arn><UserId>{}</UserId><Account>{}</Account>", escape(arn), escape(user_id), escape(account)),
    )
}

/// The answer of AssumeRole.
pub fn assumed_role(identity: &Identity, credentials: &Credentials, source_identity: Option<&str>, request_id: &str) -> String {
    let source = source_identity.map(|source| format!("<SourceIdentity>{}</SourceIdentity>", escape(source)));
    let expiration = credentials.expiration.round(jiff::Unit::Second).unwrap_or(credentials.expiration);
    answer(
        "AssumeRole",
        request_id,
        &format!(
            "<AssumedRoleUser><AssumedRoleId>{}</AssumedRoleId><Arn>{}</Arn></AssumedRoleUser><Credentials><AccessKeyId>{}\
             </AccessKeyId><SecretAccessKey>{}</SecretAccessKey><SessionToken>{}</SessionToken><Expiration>{expiration}\
             </Expiration></Credentials>{}",
            escape(&identity.user_id),
            escape(&identity.arn),
            escape(&credentials.access_key_id),
            escape(&credentials.secret_access_key),
            escape(&credentials.session_token),
            source.unwrap_or_default(),
        ),
    )
}

/// An error of STS; `sender`: the fault is the caller's.
pub fn error(code: &str, message: &str, sender: bool, request_id: &str) -> String {
    let fault = if sender { "Sender" } else { "Receiver" };
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error>\
         <RequestId>{}</RequestId></ErrorResponse>",
        escape(code),
        escape(message),
        escape(request_id)
    )
}

fn answer(action: &str, request_id: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result><ResponseMetadata><RequestId>{}\
         </RequestId></ResponseMetadata></{action}Response>",
        escape(request_id)
    )
}

/// Text in XML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
