//! Pages of lists: MaxResults, and a token that holds the place in the list.

use crate::wire::error::AwsError;

use super::Hub;
use super::caller::Caller;

/// MaxResults, from 1 to `most`; absent: `default`.
pub fn page_size(asked: Option<i64>, default: usize, most: usize) -> Result<usize, AwsError> {
    let Some(asked) = asked else { return Ok(default) };
    usize::try_from(asked)
        .ok()
        .filter(|size| (1..=most).contains(size))
        .ok_or_else(|| AwsError::invalid_input(format!("Invalid parameter 'MaxResults': {asked} is not between 1 and {most}")))
}

/// What a list is asked for: the operation, who asks, and every argument but the token, which is bound to them.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `ListMembers`.
    pub operation: &'static str,
    /// Who and where.
    pub caller: &'a Caller,
    /// Every other argument, in any form that tells two requests apart.
    pub arguments: &'a str,
    /// Items a page.
    pub size: usize,
    /// NextToken.
    pub token: Option<&'a str>,
}

impl Hub {
    /// One page of a list, and the token of the next.
    pub(super) fn page<T>(
        &self,
        asked: &Asked<'_>,
        items: impl Iterator<Item = T>,
    ) -> Result<(Vec<T>, Option<String>), AwsError> {
        let Asked { operation, caller, arguments, size, token } = asked;
        let query = format!("{operation} {} {} {size} {arguments}", caller.account, caller.region);
        let start: usize = match token {
            None => 0,
            Some(token) => self.tokens.open(&query, token)?.parse().map_err(|_| AwsError::query_changed())?,
        };
        let mut rest = items.skip(start).peekable();
        let page: Vec<T> = rest.by_ref().take(*size).collect();
        let next = rest.peek().map(|_| self.tokens.seal(&query, &(start + page.len()).to_string()));
        Ok((page, next))
    }
}
