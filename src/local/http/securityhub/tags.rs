//! Tags of resources: the ARN is in the path, the keys to remove are in the query.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::TagResource;

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[("TagResource", tag), ("UntagResource", untag), ("ListTagsForResource", list)];

fn tag(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let TagResource { tags } = ask.body()?;
    local.with_hub(|hub, _| hub.tag(ask.caller, &ask.label(), &tags))?;
    Ok(Done::empty())
}

fn untag(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    local.with_hub(|hub, _| hub.untag(ask.caller, &ask.label(), &ask.arguments("tagKeys")))?;
    Ok(Done::empty())
}

fn list(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    Done::with(&local.with_hub(|hub, _| hub.tags_of(ask.caller, &ask.label()))?)
}
