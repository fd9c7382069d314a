//! The errors of AWS services: code, HTTP status and words.

use serde_json::json;

/// An error as a service answers it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct AwsError {
    /// The code: what clients decide by. In the header `x-amzn-ErrorType` for REST.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// For people.
    pub message: String,
}

/// How a service spells its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Security Hub: the code in a header, `{"Message", "Code"}` as body.
    RestJson,
    /// SQS: `{"__type", "message"}`.
    AwsJson,
    /// STS: XML.
    Query,
    /// EC2: other XML.
    Ec2,
}

macro_rules! errors {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $status:literal;)+) => {
        impl AwsError {
            $($(#[$meta])* pub fn $name(message: impl Into<String>) -> Self {
                Self { code: $code, status: $status, message: message.into() }
            })+
        }
    };
}

// Statuses: the service's own model (botocore, securityhub 2018-10-26), unless the line says otherwise.
errors! {
    /// A value or a combination of values is refused.
    invalid_input = "InvalidInputException", 400;
    /// The body is not the JSON that the operation takes.
    serialization = "SerializationException", 400;
    /// The hub is off here, or the caller may not do this.
    invalid_access = "InvalidAccessException", 401;
    /// IAM or an organization policy says no. Not in the model of GetFindings and BatchUpdateFindings.
    access_denied = "AccessDeniedException", 403;
    /// What was named does not exist.
    not_found = "ResourceNotFoundException", 404;
    /// It exists already.
    conflict = "ResourceConflictException", 409;
    /// It is being changed by somebody else.
    in_use = "ResourceInUseException", 400;
    /// Over the quota, as the model has it.
    limit_exceeded = "LimitExceededException", 429;
    /// Over the quota, as the front door says it in practice (aws-samples/aws-secure-environment-accelerator, issue 1024).
    too_many_requests = "TooManyRequestsException", 429;
    /// Our fault, says the service.
    internal = "InternalException", 500;
    /// The service cannot be reached behind its front door.
    unavailable = "ServiceUnavailable", 503;
    /// A path or an action that the service does not know.
    unknown_operation = "UnknownOperationException", 404;
    /// An operation that AWS has and Security Hub Local has not. Not AWS's: a status that no SDK retries.
    not_implemented = "NotImplementedException", 501;
    /// The request is larger than the service takes.
    too_large = "RequestEntityTooLargeException", 413;
    /// The request is not signed.
    missing_token = "MissingAuthenticationTokenException", 403;
    /// The access key is not one that exists.
    unrecognized_client = "UnrecognizedClientException", 403;
    /// The signature is not that of the key's secret.
    invalid_signature = "InvalidSignatureException", 403;
    /// Temporary credentials are past their end.
    expired_token = "ExpiredTokenException", 403;
    /// SQS: no such queue.
    no_queue = "QueueDoesNotExist", 400;
    /// SQS: a receipt that is not one of this queue's.
    bad_receipt = "ReceiptHandleIsInvalid", 400;
    /// SQS: a batch of nothing.
    empty_batch = "EmptyBatchRequest", 400;
    /// SQS: a batch of more than ten.
    too_many_entries = "TooManyEntriesInBatchRequest", 400;
    /// SQS: an id of a batch that is none.
    invalid_entry_id = "InvalidBatchEntryId", 400;
    /// SQS: two entries of a batch have the same id.
    repeated_entry_id = "BatchEntryIdsNotDistinct", 400;
    /// SQS, STS: a value is refused.
    invalid_parameter = "InvalidParameterValue", 400;
    /// STS: not allowed.
    sts_access_denied = "AccessDenied", 403;
    /// STS: a value is refused.
    validation = "ValidationError", 400;
    /// STS: a session policy is no JSON.
    malformed_policy = "MalformedPolicyDocument", 400;
    /// STS, EC2: no operation is named.
    missing_action = "MissingAction", 400;
    /// STS, EC2: the service has no operation of this name.
    invalid_action = "InvalidAction", 400;
    /// EC2: it would have been done.
    dry_run = "DryRunOperation", 412;
}

impl AwsError {
    /// The hub is off; the words are the ones that Prowler looks for.
    pub fn not_subscribed(account: impl std::fmt::Display) -> Self {
        Self::invalid_access(format!("Account {account} is not subscribed to AWS Security Hub"))
    }

    /// An operation of a service that is not served here, by its `X-Amz-Target`. The status is that of services with such targets.
    pub fn unknown_target(target: &str) -> Self {
        let target: String = target.chars().take(128).collect();
        Self { status: 400, ..Self::unknown_operation(format!("Security Hub Local does not have {target}")) }
    }

    /// The query of a page token is another one (demisto/content, PR 11476).
    pub fn query_changed() -> Self {
        Self::invalid_input("Invalid NextToken: Input Query has changed")
    }

    /// The same, as a service of this protocol calls it: the front doors of the query protocols have words of their own (STS:
    /// common errors; EC2: errors-overview).
    #[must_use]
    pub fn spoken(self, protocol: Protocol) -> Self {
        let (code, status) = match (protocol, self.code) {
            (Protocol::Query | Protocol::Ec2, "MissingAuthenticationTokenException") => ("MissingAuthenticationToken", 403),
            (Protocol::Query, "UnrecognizedClientException") => ("InvalidClientTokenId", 403),
            (Protocol::Query, "InvalidSignatureException") => ("SignatureDoesNotMatch", 403),
            (Protocol::Query, "ExpiredTokenException") => ("ExpiredToken", 403),
            (Protocol::Query, "AccessDeniedException") => ("AccessDenied", 403),
            (Protocol::Ec2, "UnrecognizedClientException" | "InvalidSignatureException") => ("AuthFailure", 401),
            (Protocol::Ec2, "ExpiredTokenException") => ("RequestExpired", 400),
            (Protocol::Ec2, "AccessDeniedException") => ("UnauthorizedOperation", 403),
            (Protocol::Ec2, "TooManyRequestsException" | "LimitExceededException") => ("RequestLimitExceeded", 503),
            (Protocol::Ec2, "InternalException") => ("InternalError", self.status),
            _ => (self.code, self.status),
        };
        Self { code, status, message: self.message }
    }

    /// The body, in the service's own format. `request_id`: for those that have it there.
    pub fn body(&self, protocol: Protocol, request_id: &str) -> String {
        let Self { code, status, message } = self;
        match protocol {
            Protocol::RestJson => json!({"Message": message, "Code": code}).to_string(),
            Protocol::AwsJson => {
                // What the front door says is no service's own.
                let of = if *code == "UnknownOperationException" { "com.amazon.coral.service" } else { "com.amazonaws.sqs" };
                json!({"__type": format!("{of}#{code}"), "message": message}).to_string()
            }
            Protocol::Query => super::sts::error(code, message, *status < 500, request_id),
            Protocol::Ec2 => super::ec2::error(code, message, request_id),
        }
    }

    /// The content type of [`AwsError::body`].
    pub fn content_type(protocol: Protocol) -> &'static str {
        match protocol {
            Protocol::RestJson => "application/json",
            Protocol::AwsJson => "application/x-amz-json-1.0",
            Protocol::Query | Protocol::Ec2 => "text/xml;charset=UTF-8",
        }
    }
}

/// Why one finding of BatchUpdateFindings was not processed; the words are AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum UnprocessedCode {
    /// Another write of the same finding at the same time: try again.
    ConcurrentUpdateError,
    /// Named twice in one call.
    DuplicatedFindingIdentifier,
    /// There is none, or it is not the caller's to see.
    FindingNotFound,
    /// It would grow over 240 KB.
    FindingSizeExceeded,
    /// Try again.
    InternalFailure,
    /// A value is refused.
    InvalidInput,
}

impl UnprocessedCode {
    /// All six.
    pub const ALL: [Self; 6] = [
        Self::ConcurrentUpdateError,
        Self::DuplicatedFindingIdentifier,
        Self::FindingNotFound,
        Self::FindingSizeExceeded,
        Self::InternalFailure,
        Self::InvalidInput,
    ];

    /// The code as AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConcurrentUpdateError => "ConcurrentUpdateError",
            Self::DuplicatedFindingIdentifier => "DuplicatedFindingIdentifier",
            Self::FindingNotFound => "FindingNotFound",
            Self::FindingSizeExceeded => "FindingSizeExceeded",
            Self::InternalFailure => "InternalFailure",
            Self::InvalidInput => "InvalidInput",
        }
    }

    /// The message that comes with it.
    pub fn message(self) -> &'static str {
        match self {
            Self::ConcurrentUpdateError => "Concurrent finding updates detected",
            Self::DuplicatedFindingIdentifier => "Finding Identifier is duplicated",
            Self::FindingNotFound => "Finding Not Found",
            Self::FindingSizeExceeded => "Finding size exceeded 240 KB",
            Self::InternalFailure => "Internal service failure",
            Self::InvalidInput => "Invalid Input",
        }
    }
}
