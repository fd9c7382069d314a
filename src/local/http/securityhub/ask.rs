//! A call as its operation gets it: who asks, and what; read once, here.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::local::Local;
use crate::local::faults::Verdict;
use crate::local::http::Incoming;
use crate::local::hub::caller::Caller;
use crate::wire::error::AwsError;
use crate::wire::shapes;
use crate::wire::sigv4::{decode, parse_form};

/// Does what an operation does.
pub type Handler = fn(&Local, &Ask<'_>) -> Result<Done, AwsError>;

/// The operations of one family, by the names that [`crate::wire::operations`] lists.
pub type Family = &'static [(&'static str, Handler)];

/// A call that was admitted.
pub struct Ask<'a> {
    /// Who and where.
    pub caller: &'a Caller,
    /// The faults that it meets.
    pub verdict: &'a Verdict,
    pub(super) incoming: &'a Incoming,
    /// What the label of the path stands for, as it is in the path.
    pub(super) label: &'a str,
}

/// What a call did: the answer, and for the books how many findings it was about and how many were refused.
pub struct Done {
    /// JSON.
    pub body: String,
    /// See [`crate::local::Call::findings`].
    pub findings: usize,
    /// See [`crate::local::Call::unprocessed`].
    pub unprocessed: usize,
}

impl Done {
    /// An answer that is not about findings.
    pub fn with(answer: &impl Serialize) -> Result<Self, AwsError> {
        Self::about(answer, 0, 0)
    }

    /// An answer about so many findings, of which so many were refused.
    pub fn about(answer: &impl Serialize, findings: usize, unprocessed: usize) -> Result<Self, AwsError> {
        let body = serde_json::to_string(answer).map_err(|error| AwsError::internal(error.to_string()))?;
        Ok(Self { body, findings, unprocessed })
    }

    /// The answer without members.
    pub fn empty() -> Self {
        Self { body: "{}".to_owned(), findings: 0, unprocessed: 0 }
    }
}

impl Ask<'_> {
    /// The body as the operation takes it; no body is no members. What is no such JSON is `SerializationException`, a required
    /// member that is not there `InvalidInputException`.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, AwsError> {
        let body: &[u8] = if self.incoming.body.is_empty() { b"{}" } else { &self.incoming.body };
        shapes::read(body).map_err(|error| match missing(&error) {
            Some(member) => AwsError::invalid_input(format!("Invalid parameter '{member}': must be present")),
            None => AwsError::serialization(format!("The request cannot be read: {error}")),
        })
    }

    /// The label of the path: an ARN or an id.
    pub fn label(&self) -> String {
        decode(self.label, false)
    }

    /// An argument of the query string.
    pub fn argument(&self, name: &str) -> Option<String> {
        parse_form(&self.incoming.query).find(|(named, _)| named == name).map(|(_, value)| value)
    }

    /// An argument that must be there.
    pub fn required(&self, name: &str) -> Result<String, AwsError> {
        let given = self.argument(name).filter(|value| !value.trim().is_empty());
        given.ok_or_else(|| AwsError::invalid_input(format!("Invalid parameter '{name}': must be present")))
    }

    /// Every value of an argument that may be repeated.
    pub fn arguments(&self, name: &str) -> Vec<String> {
        parse_form(&self.incoming.query).filter(|(named, _)| named == name).map(|(_, value)| value).collect()
    }

    /// An argument that is true or false.
    pub fn truth(&self, name: &str) -> Result<Option<bool>, AwsError> {
        let read = |text: String| {
            text.parse()
                .map_err(|_| AwsError::invalid_input(format!("Invalid parameter '{name}': {text:?} is neither true nor false")))
        };
        self.argument(name).map(read).transpose()
    }

    /// MaxResults and NextToken of the query string.
    pub fn page(&self) -> Result<(Option<i64>, Option<String>), AwsError> {
        let size = self.argument("MaxResults").map(|text| {
            text.parse().map_err(|_| AwsError::invalid_input(format!("Invalid parameter 'MaxResults': {text:?} is not a number")))
        });
        Ok((size.transpose()?, self.argument("NextToken")))
    }
}

/// The required member that is not there.
fn missing(error: &serde_json::Error) -> Option<String> {
    // The type of the error says no more than "data".
    let text = error.to_string();
    let (member, _) = text.strip_prefix("missing field `")?.split_once('`')?;
    Some(member.to_owned())
}
