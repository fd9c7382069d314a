//! The forms of the query protocols.

use http::HeaderMap;

use crate::wire::error::{AwsError, Protocol};
use crate::wire::sigv4::{Authorization, parse_form};

use super::Incoming;

/// A form: names and values, lists as `Name.1`, `Name.2`.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Of the body, and of the query string.
    pub(super) fn of(incoming: &Incoming) -> Self {
        let body = String::from_utf8_lossy(&incoming.body);
        Self(parse_form(&incoming.query).chain(parse_form(&body)).collect())
    }

    /// What is asked for.
    pub(super) fn action(&self) -> Result<&str, AwsError> {
        let action = self.argument("Action").filter(|action| !action.is_empty());
        action.ok_or_else(|| AwsError::missing_action("The request must contain the parameter Action"))
    }

    /// One value.
    pub(super) fn argument(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(named, _)| named == name).map(|(_, value)| value.as_str())
    }

    /// The members of a list, in their order: for `Filter` the `1` of `Filter.1.Name`; each with what follows it, and its value.
    pub(super) fn list<'a>(&'a self, name: &str) -> Vec<(usize, &'a str, &'a str)> {
        let member = |(named, value): &'a (String, String)| {
            let rest = named.strip_prefix(name)?.strip_prefix('.')?;
            let (number, rest) = rest.split_once('.').unwrap_or((rest, ""));
            Some((number.parse().ok()?, rest, value.as_str()))
        };
        let mut members: Vec<(usize, &str, &str)> = self.0.iter().filter_map(member).collect();
        members.sort_by_key(|(number, ..)| *number);
        members
    }
}

/// EC2's version of its API; that of STS is another.
const EC2: &str = "2016-11-15";

/// Whose form it is: the service that the request is signed for says so.
pub(super) fn protocol(headers: &HeaderMap) -> Protocol {
    let authorization = headers.get("authorization").and_then(|header| header.to_str().ok()).and_then(Authorization::parse);
    if authorization.is_some_and(|authorization| authorization.service == "ec2") { Protocol::Ec2 } else { Protocol::Query }
}

/// The same, of a request that may not be signed: by the version that it names.
pub(super) fn protocol_of(incoming: &Incoming) -> Protocol {
    match incoming.header("authorization") {
        None if Form::of(incoming).argument("Version") == Some(EC2) => Protocol::Ec2,
        _ => protocol(&incoming.headers),
    }
}
