//! Sizes and rates. Sources: (M) the service's model (botocore, securityhub 2018-10-26), (UG) the Security Hub User Guide,
//! (SQS) the model of SQS.

/// Findings a page of GetFindings and records a page of GetFindingHistory, at most (M).
pub const PAGE_MAX: usize = 100;
/// Findings a page where MaxResults is absent. Not documented for GetFindings; what its pages hold in practice.
pub const PAGE_DEFAULT: usize = 100;
/// Definitions or associations a page where MaxResults is absent (M).
pub const DEFINITIONS_PAGE: usize = 25;
/// Standards in one BatchEnableStandards, BatchDisableStandards or GetEnabledStandards (M).
pub const SUBSCRIPTIONS_MAX: usize = 25;
/// Controls or associations in one batch. The model has no bound; the guide's other batches have this one.
pub const BATCH_MAX: usize = 100;
/// Members a page of ListMembers, at most (M).
pub const MEMBERS_PAGE_MAX: usize = 50;
/// Accounts in one CreateMembers (M).
pub const CREATE_MEMBERS_MAX: usize = 50;
/// Member accounts of the organization, of an administrator in a Region (UG: securityhub-account-restrictions-recommendations).
pub const MEMBERS_MAX: usize = 10_000;
/// Invited member accounts of an administrator in a Region (the same page).
pub const INVITED_MAX: usize = 1_000;
/// Administrators a page of ListOrganizationAdminAccounts, at most (M).
pub const ADMINISTRATORS_PAGE_MAX: usize = 10;
/// Identifiers in one BatchUpdateFindings (M).
pub const UPDATE_MAX: usize = 100;
/// Findings in one BatchImportFindings (M).
pub const IMPORT_MAX: usize = 100;
/// Bytes of one finding (UG).
pub const FINDING_BYTES: usize = 240 * 1024;
/// Bytes of one BatchImportFindings (partner guide).
pub const IMPORT_BYTES: usize = 6 * 1024 * 1024;
/// Bytes of any other request: far above what 100 identifiers and 20 values a field need.
pub const REQUEST_BYTES: usize = 2 * 1024 * 1024;
/// Automation rules of an administrator in a Region (UG, and the General Reference: it cannot be raised).
pub const RULES_MAX: usize = 100;
/// Rules in one batch (M).
pub const RULES_BATCH: usize = 100;
/// `RuleOrder`, from 1 (M).
pub const RULE_ORDER_MAX: i64 = 1000;
/// Custom actions of an account in a Region (General Reference).
pub const ACTIONS_MAX: usize = 50;
/// Characters of the name of a custom action, and of its id (M).
pub const ACTION_CHARS: usize = 20;
/// Findings that are sent to a custom action at a time (UG).
pub const ACTION_FINDINGS: usize = 20;
/// Custom insights of an account in a Region (General Reference).
pub const INSIGHTS_MAX: usize = 100;
/// Groups in the results of an insight (General Reference).
pub const INSIGHT_GROUPS: usize = 100;
/// Characters of `Note.Text` (M).
pub const NOTE_CHARS: usize = 512;
/// Pairs in `UserDefinedFields` and in `ProductFields` (M).
pub const MAP_PAIRS: usize = 50;
/// Characters of a key of those maps (M).
pub const MAP_KEY_CHARS: usize = 128;
/// Characters of a value in `UserDefinedFields` (M).
pub const USER_VALUE_CHARS: usize = 1024;
/// Characters of a value in `ProductFields` (M).
pub const PRODUCT_VALUE_CHARS: usize = 2048;
/// Entries of `Types` (M).
pub const TYPES_MAX: usize = 50;
/// Entries of `Compliance.RelatedRequirements` (M).
pub const REQUIREMENTS_MAX: usize = 32;
/// Entries of `RelatedFindings`, at least one (M).
pub const RELATED_MAX: usize = 10;
/// Messages in one ReceiveMessage or DeleteMessageBatch (SQS).
pub const MESSAGES_MAX: usize = 10;
/// Seconds a ReceiveMessage waits, at most (SQS).
pub const WAIT_SECONDS_MAX: u64 = 20;
/// Seconds a message is invisible, at most (SQS).
pub const VISIBILITY_SECONDS_MAX: u64 = 43_200;
/// Seconds a message is late at its sender's wish, at most (SQS).
pub const DELAY_SECONDS_MAX: i64 = 900;
/// Characters of a queue's name and of the id of an entry of a batch: letters, digits, hyphens, underscores (SQS).
pub const NAME_CHARS: usize = 80;
/// Receipts until a message is a dead letter, at most (SQS).
pub const RECEIVES_MAX: u32 = 1000;
/// Bytes of one message (SQS).
pub const MESSAGE_BYTES: usize = 1024 * 1024;

/// A token bucket of the service: per account and Region, shared by every caller in the account [M, service documentation].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Tokens a second.
    pub per_second: u32,
    /// Tokens in a full bucket.
    pub burst: u32,
}

/// GetFindings.
pub const RATE_GET_FINDINGS: Rate = Rate { per_second: 3, burst: 6 };
/// BatchUpdateFindings.
pub const RATE_UPDATE_FINDINGS: Rate = Rate { per_second: 10, burst: 30 };
/// BatchImportFindings.
pub const RATE_IMPORT_FINDINGS: Rate = Rate { per_second: 10, burst: 30 };
/// BatchEnableStandards.
pub const RATE_ENABLE_STANDARDS: Rate = Rate { per_second: 1, burst: 1 };
/// UpdateStandardsControl.
pub const RATE_STANDARDS_CONTROL: Rate = Rate { per_second: 1, burst: 5 };
/// All other operations: whether each has a bucket or all share one is not said.
pub const RATE_OTHER: Rate = Rate { per_second: 10, burst: 30 };
