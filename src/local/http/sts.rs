//! STS over HTTP: the query protocol. No permission is checked here, so a session policy is read and limits nothing.

use std::time::Duration;

use crate::local::Local;
use crate::local::hub::caller::{Caller, Principal};
use crate::wire::error::AwsError;
use crate::wire::sts;

use super::Incoming;
use super::form::Form;
use super::identity::identity;
use super::securityhub::beset;

/// Operations that STS has and Security Hub Local has not.
const OTHERS: [&str; 9] = [
    "AssumeRoleWithSAML",
    "AssumeRoleWithWebIdentity",
    "AssumeRoot",
    "DecodeAuthorizationMessage",
    "GetAccessKeyInfo",
    "GetDelegatedAccessToken",
    "GetFederationToken",
    "GetSessionToken",
    "GetWebIdentityToken",
];

/// Seconds that a session may last, at least and at most.
const SESSION_SECONDS: (u64, u64) = (900, 43_200);
/// Seconds that a session lasts unless told otherwise, and at most where a session assumes the next role.
const HOUR: u64 = 3_600;
/// Session tags, at most.
const TAGS_MAX: usize = 50;
/// Characters of all session policies.
const POLICY_CHARS: usize = 2_048;

/// A parameter that is text: its characters, and which; the model's words for these.
struct Text {
    name: &'static str,
    least: usize,
    most: usize,
    marks: &'static [u8],
    pattern: &'static str,
}

#[rustfmt::skip] // a table
const ROLE_ARN: Text = Text { name: "RoleArn", least: 20, most: 2048, marks: b"", pattern: "" };
#[rustfmt::skip]
const SESSION_NAME: Text = Text { name: "RoleSessionName", least: 2, most: 64, marks: b"_+=,.@-", pattern: "[\\w+=,.@-]*" };
#[rustfmt::skip]
const EXTERNAL_ID: Text = Text { name: "ExternalId", least: 2, most: 1224, marks: b"_+=,.@:/-", pattern: "[\\w+=,.@:\\/-]*" };
#[rustfmt::skip]
const SOURCE_IDENTITY: Text = Text { name: "SourceIdentity", least: 2, most: 64, marks: b"_+=,.@-", pattern: "[\\w+=,.@-]*" };
#[rustfmt::skip]
const SERIAL_NUMBER: Text = Text { name: "SerialNumber", least: 9, most: 256, marks: b"_+=/:,.@-", pattern: "[\\w+=/:,.@-]*" };
#[rustfmt::skip]
const TOKEN_CODE: Text = Text { name: "TokenCode", least: 6, most: 6, marks: b"", pattern: "[\\d]*" };

pub(super) async fn handle(local: &Local, incoming: &Incoming) -> Result<String, AwsError> {
    let form = Form::of(incoming);
    let act: fn(&Local, &Form, &Caller) -> Result<String, AwsError> = match form.action()? {
        "GetCallerIdentity" => |local, _, caller| Ok(sts::caller_identity(&identity(caller), &local.uuid())),
        "AssumeRole" => assume,
        other if OTHERS.contains(&other) => {
            return Err(AwsError::not_implemented(format!("Security Hub Local does not have {other} of STS")));
        }
        other => return Err(AwsError::invalid_action(format!("Could not find operation {other} for version 2011-06-15"))),
    };
    let (operation, caller) = (form.action()?, local.identities().caller(incoming, "sts", local.clock().now())?);
    let verdict = local.state().switchboard.judge_named(operation, &caller);
    let act = async { act(local, &form, &caller) };
    beset(&verdict, &format!("sts:{operation}"), &caller, |_| (), act).await
}

fn assume(local: &Local, form: &Form, caller: &Caller) -> Result<String, AwsError> {
    let (role, session) = (required(form, &ROLE_ARN)?, required(form, &SESSION_NAME)?);
    let external_id = optional(form, &EXTERNAL_ID)?;
    let source_identity = optional(form, &SOURCE_IDENTITY)?;
    for text in [&SERIAL_NUMBER, &TOKEN_CODE] {
        optional(form, text)?;
    }
    let seconds = seconds(form, caller)?;
    policies(form)?;
    let tags = form.list("Tags.member").into_iter().filter(|(_, of, _)| *of == "Key").count();
    if tags > TAGS_MAX {
        return Err(refused("tags", &tags.to_string(), &format!("Member must have length less than or equal to {TAGS_MAX}")));
    }
    let (lasts, now) = (Duration::from_secs(seconds), local.clock().now());
    let (identity, credentials) = local.identities().assume(caller, role, session, external_id, lasts, now)?;
    Ok(sts::assumed_role(&identity, &credentials, source_identity, &local.uuid()))
}

fn seconds(form: &Form, caller: &Caller) -> Result<u64, AwsError> {
    let Some(text) = form.argument("DurationSeconds") else { return Ok(HOUR) };
    let (least, most) = SESSION_SECONDS;
    let seconds: u64 =
        text.parse().map_err(|_| AwsError::validation(format!("DurationSeconds {text:?} is no whole number of seconds")))?;
    if seconds < least {
        return Err(refused("durationSeconds", text, &format!("Member must have value greater than or equal to {least}")));
    }
    if seconds > most {
        return Err(refused("durationSeconds", text, &format!("Member must have value less than or equal to {most}")));
    }
    if seconds > HOUR && matches!(caller.principal, Principal::Session { .. }) {
        return Err(AwsError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    Ok(seconds)
}

/// Session policies are read, though they limit nothing here.
fn policies(form: &Form) -> Result<(), AwsError> {
    let Some(policy) = form.argument("Policy") else { return Ok(()) };
    let length = policy.chars().count();
    if length == 0 || length > POLICY_CHARS {
        return Err(refused("policy", policy, &format!("Member must have length between 1 and {POLICY_CHARS}")));
    }
    let read: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(policy);
    match read {
        Ok(_) => Ok(()),
        Err(error) => Err(AwsError::malformed_policy(format!("Syntax errors in policy: {error}"))),
    }
}

fn required<'a>(form: &'a Form, text: &Text) -> Result<&'a str, AwsError> {
    optional(form, text)?.ok_or_else(|| {
        let member = member(text.name);
        AwsError::validation(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn optional<'a>(form: &'a Form, text: &Text) -> Result<Option<&'a str>, AwsError> {
    let Some(value) = form.argument(text.name) else { return Ok(None) };
    let length = value.chars().count();
    let why = if length < text.least {
        format!("Member must have length greater than or equal to {}", text.least)
    } else if length > text.most {
        format!("Member must have length less than or equal to {}", text.most)
    } else if text.fits(value) {
        return Ok(Some(value));
    } else {
        format!("Member must satisfy regular expression pattern: {}", text.pattern)
    };
    Err(refused(&member(text.name), value, &why))
}

impl Text {
    fn fits(&self, value: &str) -> bool {
        let letter = |byte: u8| match self.pattern {
            "" => !byte.is_ascii_control(),
            "[\\d]*" => byte.is_ascii_digit(),
            _ => byte.is_ascii_alphanumeric() || self.marks.contains(&byte),
        };
        value.bytes().all(letter)
    }
}

fn refused(member: &str, value: &str, why: &str) -> AwsError {
    AwsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {why}"
    ))
}

/// As its errors name it: `roleArn`.
fn member(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
