//! Products that send findings, and the subscriptions to them.

use crate::local::Local;
use crate::wire::error::AwsError;
use crate::wire::securityhub::EnableImportForProduct;

use super::ask::{Ask, Done, Family};

pub(super) const OPERATIONS: Family = &[
    ("DescribeProducts", describe),
    ("EnableImportFindingsForProduct", enable),
    ("DisableImportFindingsForProduct", disable),
    ("ListEnabledProductsForImport", list),
];

fn describe(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (arn, (size, token)) = (ask.argument("ProductArn"), ask.page()?);
    Done::with(&local.with_hub(|hub, _| hub.products(ask.caller, arn.as_deref(), size, token.as_deref()))?)
}

fn enable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let request: EnableImportForProduct = ask.body()?;
    Done::with(&local.with_hub(|hub, _| hub.enable_product(ask.caller, &request))?)
}

fn disable(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    local.with_hub(|hub, _| hub.disable_product(ask.caller, &ask.label()))?;
    Ok(Done::empty())
}

fn list(local: &Local, ask: &Ask<'_>) -> Result<Done, AwsError> {
    let (size, token) = ask.page()?;
    Done::with(&local.with_hub(|hub, _| hub.enabled_products(ask.caller, size, token.as_deref()))?)
}
