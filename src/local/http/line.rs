//! One line of the log for each call of a client: account, Region, operation, code, milliseconds.
//!
//! A call that nobody waited for has its line too: it is written when the call is dropped, whatever became of it.

use tokio::time::Instant;

use crate::wire::error::Protocol;
use crate::wire::operations;
use crate::wire::sigv4::parse_form;

use super::Incoming;

/// Of whose lines this is the target: `--log warn,hubkeeper::local::call=info`.
pub const TARGET: &str = "hubkeeper::local::call";
/// The code of a call that went well.
pub const DONE: &str = "OK";
/// The code of a call whose answer was made empty by a fault.
pub const EMPTY: &str = "EmptyBody";
/// The code of a call whose client did not wait for the answer.
const NO_ANSWER: &str = "NoAnswer";
/// What stands for an account, a Region or an operation that cannot be told.
const UNKNOWN: &str = "-";
/// Longer names are of no operation.
const NAME_BYTES: usize = 64;

/// The line of a call that is under way.
pub struct Line<'a> {
    incoming: &'a Incoming,
    operation: String,
    began: Instant,
    code: &'static str,
}

impl<'a> Line<'a> {
    /// The call begins. `sqs`: its operation, if it is one of SQS.
    pub fn begin(incoming: &'a Incoming, sqs: Option<&str>, protocol: Protocol) -> Self {
        let action = || {
            let form = String::from_utf8_lossy(&incoming.body);
            parse_form(&form).find(|(name, _)| name == "Action").map(|(_, action)| action)
        };
        let operation = match (sqs, protocol) {
            (Some(operation), _) => Some(operation.to_owned()),
            (None, Protocol::Query | Protocol::Ec2) => action(),
            (None, _) => operations::find(incoming.method.as_str(), &incoming.path).map(|(found, _)| found.name.to_owned()),
        };
        // It is a client's word: no line is broken, or made up, by it.
        let is_name = |name: &String| name.len() <= NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let operation = operation.filter(is_name).unwrap_or_else(|| UNKNOWN.to_owned());
        Self { incoming, operation, began: Instant::now(), code: NO_ANSWER }
    }

    /// The call has ended with this code, [`DONE`] if it went well.
    pub fn end(mut self, code: &'static str) {
        self.code = code;
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let caller = self.incoming.caller.get();
        let account = caller.map_or_else(|| UNKNOWN.to_owned(), |caller| caller.account.to_string());
        let region = caller.map_or(UNKNOWN, |caller| caller.region.as_str());
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(target: TARGET, account, region, operation = self.operation, code = self.code, ms);
    }
}
