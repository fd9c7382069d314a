//! What a failed call means: one reader for every operation, by variant, status and code.
//!
//! Codes: Security Hub's API model (statuses of its exceptions), `TooManyRequestsException` of its front door, which is in no
//! model, and the codes common to all AWS services.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::engine::ports::{AwsFailure, Blocked, FailureKind};

/// The longest wait that we let a service ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(5);
/// Messages are for status and logs: longer ones are cut.
const LONGEST_MESSAGE: usize = 512;

/// One failed attempt, without the action it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    /// What follows from it.
    pub kind: FailureKind,
    /// The service's code.
    pub code: Option<String>,
    /// The service's message, or ours where there is none.
    pub message: String,
    /// What the service asked us to wait.
    pub retry_after: Option<Duration>,
}

impl Fail {
    /// A failure that no service named.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, code: None, message: message.into(), retry_after: None }
    }

    /// With what was tried: "call GetFindings in eu-west-1".
    pub fn during(self, action: impl Into<String>) -> AwsFailure {
        let Self { kind, code, message, retry_after } = self;
        AwsFailure { action: action.into(), kind, code, message, retry_after }
    }
}

/// Reads the failure of any operation of any service.
pub fn read<E>(error: &SdkError<E, HttpResponse>) -> Fail
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let headers = answer.raw().headers();
            let retry_after = headers.get("retry-after").and_then(|seconds| seconds.trim().parse().ok());
            let status = answer.raw().status().as_u16();
            service(status, answer.err().code(), answer.err().message(), retry_after.map(Duration::from_secs))
        }
        SdkError::TimeoutError(_) => Fail::new(FailureKind::Transient, "no answer in time"),
        SdkError::ResponseError(_) => Fail::new(FailureKind::Transient, format!("the answer cannot be read: {}", cause(error))),
        SdkError::DispatchFailure(failure) => {
            if let Some(fail) = credentials(error) {
                return fail;
            }
            let kind = if failure.is_timeout() {
                silence(error)
            } else if failure.is_io() {
                connection(error)
            } else if failure.is_user() {
                FailureKind::Invalid
            } else {
                FailureKind::Transient
            };
            Fail::new(kind, cause(error))
        }
        _ => credentials(error).unwrap_or_else(|| Fail::new(FailureKind::Invalid, cause(error))),
    }
}

/// What a service's answer means. `status` first where it can stand alone, because proxies answer without a code.
fn service(status: u16, code: Option<&str>, message: Option<&str>, retry_after: Option<Duration>) -> Fail {
    let text = message.unwrap_or_default();
    let kind = match code.unwrap_or_default() {
        "TooManyRequestsException"
        | "LimitExceededException"
        | "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "OverLimit"
        | "KmsThrottled"
        | "KMS.ThrottlingException" => FailureKind::Throttled,
        "InvalidAccessException" if text.is_empty() || mentions_subscription(text) => FailureKind::NotEnabled,
        "SubscriptionRequiredException" | "OptInRequired" => FailureKind::NotEnabled,
        "InvalidAccessException"
        | "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "UnauthorizedException"
        | "NotAuthorizedException"
        | "AuthorizationError"
        | "KmsAccessDenied"
        | "KMS.AccessDeniedException" => FailureKind::AccessDenied,
        // The SDK learns the skew from this answer: the next attempt is signed with the service's time.
        "RequestTimeTooSkewed" => FailureKind::Transient,
        "InvalidSignatureException" | "SignatureDoesNotMatch"
            if text.starts_with("Signature expired") || text.starts_with("Signature not yet current") =>
        {
            FailureKind::Transient
        }
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "AuthFailure"
        | "InvalidToken"
        | "InvalidIdentityToken" => FailureKind::Credentials,
        "QueueDoesNotExist" | "AWS.SimpleQueueService.NonExistentQueue" | "InvalidAddress" => FailureKind::NoQueue,
        "RequestTimeout" | "RequestTimeoutException" | "ServiceUnavailable" | "ServiceUnavailableException" => {
            FailureKind::Transient
        }
        _ => match status {
            429 => FailureKind::Throttled,
            // A 2xx that the SDK could not read, a proxy's hiccup, a server's fault.
            200..=399 | 408 | 500 | 502..=599 => FailureKind::Transient,
            401 => FailureKind::Credentials,
            403 => FailureKind::AccessDenied,
            _ => FailureKind::Invalid,
        },
    };
    let message = match message {
        Some(message) if !message.is_empty() => shorten(message),
        _ if code.is_some() => format!("the service answered with status {status}"),
        _ => format!("the service answered with status {status} and no code"),
    };
    Fail { kind, code: code.map(shorten), message, retry_after: retry_after.map(|wait| wait.min(LONGEST_RETRY_AFTER)) }
}

/// Security Hub says "Account 111122223333 is not subscribed to AWS Security Hub".
fn mentions_subscription(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("subscribed") || message.contains("not enabled")
}

/// The failure of getting credentials, if that is what it is. An outage of STS is no defect of the trust policy.
fn credentials(error: &(dyn Error + 'static)) -> Option<Fail> {
    let found = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    if let Some(blocked) = chain(found).find_map(|cause| cause.downcast_ref::<Blocked>()) {
        let kind = match blocked {
            Blocked::Stop => FailureKind::Stopped,
            Blocked::Fail => FailureKind::Transient,
        };
        return Some(Fail::new(kind, blocked.to_string()));
    }
    if let Some(assume) = chain(found).find_map(|cause| cause.downcast_ref::<SdkError<AssumeRoleError, HttpResponse>>()) {
        let fail = read(assume);
        let kind = match fail.kind {
            kind @ (FailureKind::Throttled | FailureKind::Transient | FailureKind::Unreachable | FailureKind::Stopped) => kind,
            _ => FailureKind::Credentials,
        };
        return Some(Fail { kind, message: format!("the role cannot be assumed: {}", fail.message), ..fail });
    }
    let kind = match found {
        CredentialsError::ProviderTimedOut(_) => FailureKind::Transient,
        _ => FailureKind::Credentials,
    };
    Some(Fail::new(kind, format!("there are no usable credentials: {}", cause(found))))
}

/// A connection that broke may be had again; one that was never made says that the place is wrong or the network down.
fn connection(error: &(dyn Error + 'static)) -> FailureKind {
    let broken = chain(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>()).any(|io| {
        matches!(
            io.kind(),
            ErrorKind::ConnectionReset
                | ErrorKind::ConnectionAborted
                | ErrorKind::BrokenPipe
                | ErrorKind::UnexpectedEof
                | ErrorKind::TimedOut
                | ErrorKind::Interrupted
        )
    });
    if broken { FailureKind::Transient } else { FailureKind::Unreachable }
}

/// Silence while connecting is a wrong place or a closed network; silence afterwards passes. The SDK tells them apart in words
/// only ("HTTP connect timeout occurred after 3s").
fn silence(error: &(dyn Error + 'static)) -> FailureKind {
    let connecting = chain(error).any(|cause| cause.to_string().starts_with("HTTP connect timeout"));
    if connecting { FailureKind::Unreachable } else { FailureKind::Transient }
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The innermost cause: the outer ones say "dispatch failure".
fn cause(error: &(dyn Error + 'static)) -> String {
    shorten(&chain(error).last().map(ToString::to_string).unwrap_or_default())
}

fn shorten(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}...", &message[..end]),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, code: &str, message: &str) -> FailureKind {
        service(status, (!code.is_empty()).then_some(code), (!message.is_empty()).then_some(message), None).kind
    }

    #[test]
    fn every_answer_is_told_by_code_and_where_there_is_none_by_status() {
        use FailureKind::{AccessDenied, Credentials, Invalid, NoQueue, NotEnabled, Throttled, Transient};
        for (status, code, message, expected) in [
            (429, "TooManyRequestsException", "Too Many Requests", Throttled),
            (429, "LimitExceededException", "", Throttled),
            (400, "ThrottlingException", "Rate exceeded", Throttled),
            (429, "", "", Throttled),
            (403, "OverLimit", "Too many messages in flight", Throttled),
            (500, "InternalException", "", Transient),
            (503, "", "", Transient),
            (200, "", "", Transient),
            (301, "", "", Transient),
            (408, "", "", Transient),
            (501, "NotImplemented", "Security Hub Local has no such operation", Invalid),
            (401, "InvalidAccessException", "Account 111122223333 is not subscribed to AWS Security Hub", NotEnabled),
            (401, "InvalidAccessException", "", NotEnabled),
            (401, "InvalidAccessException", "only the administrator account may do this", AccessDenied),
            (403, "AccessDeniedException", "", AccessDenied),
            (403, "", "", AccessDenied),
            (403, "ExpiredTokenException", "", Credentials),
            (403, "UnrecognizedClientException", "", Credentials),
            (403, "InvalidSignatureException", "The request signature does not match", Credentials),
            (403, "InvalidSignatureException", "Signature expired: 2026 is now earlier than 2027", Transient),
            (403, "RequestTimeTooSkewed", "", Transient),
            (401, "", "", Credentials),
            (400, "InvalidInputException", "Invalid NextToken: Input Query has changed", Invalid),
            (404, "ResourceNotFoundException", "", Invalid),
            (400, "AWS.SimpleQueueService.NonExistentQueue", "", NoQueue),
            (400, "QueueDoesNotExist", "", NoQueue),
            (402, "", "", Invalid),
        ] {
            assert_eq!(kind(status, code, message), expected, "{status} {code} {message}");
        }
    }

    #[test]
    fn a_service_may_ask_for_a_wait_but_not_for_ever() {
        let fail = service(429, None, None, Some(Duration::from_hours(24)));
        assert_eq!(fail.retry_after, Some(LONGEST_RETRY_AFTER));
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let fail = service(400, None, Some(&"é".repeat(2_000)), None);
        assert_eq!(fail.message.chars().count(), LONGEST_MESSAGE + 3);
    }

    #[test]
    fn a_broken_connection_is_tried_again_and_a_refused_one_is_reported() {
        let io = |kind| std::io::Error::from(kind);
        assert_eq!(connection(&io(ErrorKind::ConnectionReset)), FailureKind::Transient);
        assert_eq!(connection(&io(ErrorKind::ConnectionRefused)), FailureKind::Unreachable);
    }

    #[test]
    fn an_outage_of_sts_is_no_defect_of_the_trust_policy() {
        let sts = SdkError::<AssumeRoleError, HttpResponse>::timeout_error("slow");
        let outage = CredentialsError::provider_error(sts);
        assert_eq!(credentials(&outage).unwrap().kind, FailureKind::Transient);
        assert_eq!(credentials(&CredentialsError::not_loaded_no_source()).unwrap().kind, FailureKind::Credentials);
        assert_eq!(credentials(&CredentialsError::provider_error(Blocked::Stop)).unwrap().kind, FailureKind::Stopped);
        assert_eq!(credentials(&std::io::Error::from(ErrorKind::NotFound)), None);
    }
}
