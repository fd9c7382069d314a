//! STS over HTTP: the query protocol.

use std::time::Duration;

use crate::local::Local;
use crate::local::faults::Fault;
use crate::wire::error::AwsError;
use crate::wire::sigv4::parse_form;
use crate::wire::sts;

use super::Incoming;
use super::identity::identity;
use super::securityhub::error_of;

/// Seconds that a session may last.
const SESSION_SECONDS: std::ops::RangeInclusive<u64> = 900..=43_200;

pub(super) fn handle(local: &Local, incoming: &Incoming) -> Result<String, AwsError> {
    let form = String::from_utf8_lossy(&incoming.body).into_owned();
    let argument = |name: &str| parse_form(&form).find(|(named, _)| named == name).map(|(_, value)| value);
    let action = argument("Action").unwrap_or_default();
    let now = local.clock().now();
    let bad = |message: String| AwsError { code: "ValidationError", ..AwsError::invalid_parameter(message) };
    match action.as_str() {
        "GetCallerIdentity" => {
            let caller = local.identities().caller(incoming, now)?;
            Ok(sts::caller_identity(&identity(&caller), &local.uuid()))
        }
        "AssumeRole" => {
            let caller = local.identities().caller(incoming, now)?;
            let fault = local.state().switchboard.judge_named("AssumeRole", &caller);
            if let Some(Fault::Throttle(_) | Fault::ServerError(_) | Fault::AccessDenied) = fault {
                let error = error_of(fault, "sts:AssumeRole", &caller);
                // STS has its own word for it.
                return Err(if error.status == 403 { AwsError::sts_access_denied(error.message) } else { error });
            }
            let required = |name: &str| {
                argument(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                bad(format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"))
            })
            };
            let (role, session) = (required("RoleArn")?, required("RoleSessionName")?);
            let named = (2..=64).contains(&session.len())
                && session.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_=,.@-".contains(&byte));
            if !named {
                return Err(bad(format!("RoleSessionName {session:?} must be 2 to 64 of the characters [a-zA-Z0-9_=,.@-]")));
            }
            let seconds = match argument("DurationSeconds") {
                None => 3600,
                Some(text) => text
                    .parse()
                    .ok()
                    .filter(|seconds| SESSION_SECONDS.contains(seconds))
                    .ok_or_else(|| bad(format!("DurationSeconds {text:?} must be between 900 and 43200")))?,
            };
            let external_id = argument("ExternalId");
            let lasts = Duration::from_secs(seconds);
            let (identity, credentials) =
                local.identities().assume(&caller, &role, &session, external_id.as_deref(), lasts, now)?;
            Ok(sts::assumed_role(&identity, &credentials, &local.uuid()))
        }
        "" => Err(AwsError::unknown_operation("Security Hub Local takes GetCallerIdentity and AssumeRole here, as a form")),
        other => Err(AwsError::not_implemented(format!("Security Hub Local does not have {other}"))),
    }
}
