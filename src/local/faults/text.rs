//! One fault of calls, as a person types it: `GetFindings@111122223333/eu-west-1=throttle:LimitExceededException,times=3`.
//!
//! `OPERATION[@ACCOUNT][/REGION]=FAULT[:VALUE][,percent=N][,skip=N][,times=N]`, where OPERATION may be `*`: every operation of
//! Security Hub. The names are those of the JSON form, which may be written instead.

use std::str::FromStr;

use crate::wire::error::UnprocessedCode;
use crate::wire::operations;

use super::{CallFault, DeniedField, Fault, READ, ThrottleCode, UPDATE};

/// Operations of SQS, STS and EC2 that can fail.
const OTHERS: [&str; 13] = [
    "AssumeRole",
    "ChangeMessageVisibility",
    "CreateQueue",
    "DeleteMessage",
    "DeleteMessageBatch",
    "DescribeRegions",
    "GetCallerIdentity",
    "GetQueueAttributes",
    "GetQueueUrl",
    "PurgeQueue",
    "ReceiveMessage",
    "SendMessage",
    "SendMessageBatch",
];

/// Every fault, as it is written.
pub const FAULTS: [&str; 12] = [
    "throttle[:CODE]",
    "serverError[:STATUS]",
    "accessDenied",
    "deniedField:FIELD[=VALUE]",
    "expiredCredentials",
    "timeoutBefore",
    "timeoutAfter",
    "emptyBody",
    "slowMillis:N",
    "staleMillis:N",
    "shortPage",
    "partial:CODE[:PERCENT]",
];

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// The JSON form.
    #[error("the JSON is no fault of calls: {0}")]
    Json(String),
    /// No `=`.
    #[error("write OPERATION[@ACCOUNT][/REGION]=FAULT, as GetFindings@111122223333=throttle")]
    Form,
    /// A misspelt operation would never fail.
    #[error("{0:?} is no operation that is served here: write its name as AWS does, or * for all of Security Hub")]
    Operation(String),
    /// The account or the Region.
    #[error("{0:?} is no {1}")]
    Whose(String, &'static str),
    /// What happens.
    #[error("{0:?} is no fault: write one of {all}", all = FAULTS.join(", "))]
    Fault(String),
    /// What belongs to it.
    #[error("{0:?} does not fit: {1}")]
    Value(String, String),
    /// It would never happen.
    #[error("{0} never meets this fault: it is one of {1}")]
    Never(String, &'static str),
}

impl FromStr for CallFault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let fault = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| FaultError::Json(error.to_string()))?
        } else {
            typed(text)?
        };
        require_possible(fault)
    }
}

fn typed(text: &str) -> Result<CallFault, FaultError> {
    let (whose, what) = text.split_once('=').ok_or(FaultError::Form)?;
    let (whose, region) = whose.split_once('/').map_or((whose, None), |(whose, region)| (whose, Some(region)));
    let (operation, account) = whose.split_once('@').map_or((whose, None), |(name, account)| (name, Some(account)));
    let account = account.map(|account| account.parse().map_err(|_| FaultError::Whose(account.to_owned(), "account")));
    let region = region.map(|region| region.parse().map_err(|_| FaultError::Whose(region.to_owned(), "Region")));
    let mut parts = what.split(',');
    let mut fault = CallFault {
        operation: Some(operation.to_owned()).filter(|name| name != "*"),
        account: account.transpose()?,
        region: region.transpose()?,
        ..CallFault::of("", happens(parts.next().unwrap_or_default())?)
    };
    for part in parts {
        let wrong = || FaultError::Value(part.to_owned(), "write percent=N (0 to 100), skip=N or times=N".to_owned());
        let (name, number) = part.split_once('=').ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        match name {
            "percent" => fault.percent = u8::try_from(number).map_err(|_| wrong())?,
            "skip" => fault.skip = number,
            "times" => fault.times = Some(number),
            _ => return Err(wrong()),
        }
    }
    Ok(fault)
}

fn happens(text: &str) -> Result<Fault, FaultError> {
    let (name, value) = text.split_once(':').map_or((text, None), |(name, value)| (name, Some(value)));
    let misfit = |why: &str| FaultError::Value(text.to_owned(), why.to_owned());
    let code = |code: &str| serde_json::from_value(code.into()).ok();
    Ok(match (name, value) {
        ("throttle", None) => Fault::Throttle(ThrottleCode::default()),
        ("throttle", Some(of)) => Fault::Throttle(serde_json::from_value(of.into()).map_err(|error| misfit(&error.to_string()))?),
        ("serverError", of) => {
            let status = of.unwrap_or("500").parse().ok().filter(|status| (500..600).contains(status));
            Fault::ServerError(status.ok_or_else(|| misfit("the status is 500 to 599"))?)
        }
        ("accessDenied", None) => Fault::AccessDenied,
        ("deniedField", Some(of)) => {
            let (field, value) = of.split_once('=').map_or((of, None), |(field, value)| (field, Some(value)));
            Fault::DeniedField(DeniedField::new(field, value).map_err(|error| misfit(&error))?)
        }
        ("expiredCredentials", None) => Fault::ExpiredCredentials,
        ("timeoutBefore", None) => Fault::TimeoutBefore,
        ("timeoutAfter", None) => Fault::TimeoutAfter,
        ("emptyBody", None) => Fault::EmptyBody,
        ("slowMillis", Some(of)) => Fault::SlowMillis(of.parse().map_err(|_| misfit("write a number of milliseconds"))?),
        ("staleMillis", Some(of)) => Fault::StaleMillis(of.parse().map_err(|_| misfit("write a number of milliseconds"))?),
        ("shortPage", None) => Fault::ShortPage,
        ("partial", Some(of)) => {
            let (name, percent) = of.split_once(':').unwrap_or((of, "100"));
            let code: UnprocessedCode = code(name).ok_or_else(|| misfit("write one of the codes of UnprocessedFindings"))?;
            let percent = percent.parse().map_err(|_| misfit("write how many of 100 findings"))?;
            Fault::Partial { code, percent }
        }
        _ => return Err(FaultError::Fault(text.to_owned())),
    })
}

/// Refuses what would never happen, and whoever typed it would wait for.
fn require_possible(fault: CallFault) -> Result<CallFault, FaultError> {
    let percent = if let Fault::Partial { percent, .. } = fault.fault { percent.max(fault.percent) } else { fault.percent };
    if percent > 100 {
        return Err(FaultError::Value(percent.to_string(), "write a percentage, 0 to 100".to_owned()));
    }
    let Some(operation) = fault.operation.as_deref() else { return Ok(fault) };
    if operations::named(operation).is_none() && !OTHERS.contains(&operation) {
        return Err(FaultError::Operation(operation.to_owned()));
    }
    let only = match fault.fault {
        Fault::DeniedField(_) | Fault::Partial { .. } => UPDATE,
        Fault::ShortPage | Fault::StaleMillis(_) => READ,
        _ => return Ok(fault),
    };
    if operation == only { Ok(fault) } else { Err(FaultError::Never(operation.to_owned(), only)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_types_is_the_fault_that_it_says() {
        let parse = |text: &str| text.parse::<CallFault>().unwrap();
        let throttle = parse("GetFindings@111122223333/eu-west-1=throttle:LimitExceededException,percent=5,skip=2,times=3");
        let expected = CallFault {
            account: Some("111122223333".parse().unwrap()),
            region: Some("eu-west-1".parse().unwrap()),
            ..CallFault::of("GetFindings", Fault::Throttle(ThrottleCode::LimitExceeded)).percent(5).after(2).times(3)
        };
        assert_eq!(throttle, expected);
        assert_eq!(parse(&serde_json::to_string(&expected).unwrap()), expected);
        assert_eq!(parse("*=timeoutAfter"), CallFault { operation: None, ..CallFault::of("", Fault::TimeoutAfter) });
        let denied = Fault::DeniedField(DeniedField::new("Workflow.Status", Some("SUPPRESSED")).unwrap());
        assert_eq!(parse("BatchUpdateFindings=deniedField:Workflow.Status=SUPPRESSED").fault, denied);
        let partial = Fault::Partial { code: UnprocessedCode::ConcurrentUpdateError, percent: 10 };
        assert_eq!(parse("BatchUpdateFindings=partial:ConcurrentUpdateError:10").fault, partial);
        assert_eq!(parse("GetFindings=staleMillis:60000").fault, Fault::StaleMillis(60_000));
        assert_eq!(parse("AssumeRole=expiredCredentials").fault, Fault::ExpiredCredentials);
    }

    #[test]
    fn every_fault_that_is_listed_can_be_typed() {
        for written in FAULTS {
            let text = written.replace("[:CODE]", "").replace("[:STATUS]", ":503").replace("FIELD[=VALUE]", "Note.Text");
            let text = text.replace("Millis:N", "Millis:5").replace("CODE[:PERCENT]", "InvalidInput");
            let fault: CallFault = format!("*={text}").parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let json = serde_json::to_value(&fault.fault).unwrap();
            let name = json.as_str().map_or_else(|| json.as_object().unwrap().keys().next().unwrap().clone(), str::to_owned);
            assert!(written.starts_with(&name), "{written}: {name}");
        }
    }

    #[test]
    fn what_would_never_happen_is_refused_with_what_to_write_instead() {
        for (text, says) in [
            ("throttle", "OPERATION[@ACCOUNT][/REGION]=FAULT"),
            ("GetFinding=throttle", "no operation"),
            ("GetFindings@1=throttle", "no account"),
            ("GetFindings/Mars=throttle", "no Region"),
            ("GetFindings=throtle", "throttle[:CODE]"),
            ("GetFindings=throttle:Slow", "LimitExceededException"),
            ("GetFindings=serverError:404", "500 to 599"),
            ("GetFindings=emptyBody:5", "no fault"),
            ("GetFindings=slowMillis:soon", "milliseconds"),
            ("GetFindings=throttle,often=3", "times=N"),
            ("GetFindings=throttle,percent=101", "percentage"),
            ("BatchUpdateFindings=deniedField:Workflow", "Workflow.Status"),
            ("BatchUpdateFindings=partial:Wrong", "UnprocessedFindings"),
            ("GetFindings=partial:InvalidInput", "BatchUpdateFindings"),
            ("DescribeHub=staleMillis:5", "GetFindings"),
            ("{\"fault\": 5}", "JSON"),
        ] {
            let error = text.parse::<CallFault>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
