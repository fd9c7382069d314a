//! Tag operations: the ARN is in the path, the keys to remove are in the query.

use crate::local::Local;
use crate::local::hub::caller::Caller;
use crate::wire::error::AwsError;
use crate::wire::sigv4::{decode, parse_form};
use crate::wire::tags::TagResource;

use super::Incoming;
use super::securityhub::{Done, done, empty, read};

pub(super) fn perform(local: &Local, incoming: &Incoming, operation: &str, caller: &Caller) -> Result<Done, AwsError> {
    let arn = decode(incoming.path.strip_prefix("/tags/").unwrap_or_default(), false);
    match operation {
        "TagResource" => {
            let TagResource { tags } = read(incoming)?;
            local.state().hub.tag(caller, &arn, &tags.unwrap_or_default())?;
            Ok(empty())
        }
        "UntagResource" => {
            let keys = parse_form(&incoming.query).filter(|(name, _)| name == "tagKeys").map(|(_, key)| key);
            local.state().hub.untag(caller, &arn, &keys.collect::<Vec<_>>())?;
            Ok(empty())
        }
        _ => local.state().hub.tags_of(caller, &arn).and_then(|answer| done(&answer)),
    }
}
