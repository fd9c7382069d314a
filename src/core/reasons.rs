//! Reasons, as they stand in conditions, events, plans and explanations. They are API: add, never rename.

// Of decisions.
/// The finding is archived: left as it is.
pub const ARCHIVED: &str = "Archived";
/// The check passes: nothing to decide.
pub const PASSED: &str = "Passed";
/// A person suppressed it, and it is respected.
pub const RESPECTED: &str = "Respected";
/// A person took back what we set; not applied again until what decides it changes.
pub const OVERRIDDEN: &str = "Overridden";
/// Another finding of the same problem was suppressed by a person.
pub const INHERITED: &str = "Inherited";
/// A valid exception covers it.
pub const EXCEPTED: &str = "Excepted";
/// A rule suppresses it.
pub const SUPPRESSED_BY_RULE: &str = "SuppressedByRule";
/// A rule says to leave it.
pub const IGNORED: &str = "Ignored";
/// Policies of equal priority disagree.
pub const CONFLICTED: &str = "Conflicted";
/// Nothing declared matches it.
pub const NO_MATCH: &str = "NoMatch";
/// Only Git may suppress here: reopened.
pub const REVERTED: &str = "Reverted";
/// Something else keeps rewriting it: we stopped.
pub const FLAPPING: &str = "Flapping";
/// The marker is not one that we can read: left as it is.
pub const MARKER_UNREADABLE: &str = "MarkerUnreadable";
/// Its owner cannot be read now, or is not proved to be gone: left as it is.
pub const OWNER_UNREADABLE: &str = "OwnerUnreadable";
/// Its owner is suspended.
pub const SUSPENDED: &str = "Suspended";
/// Who changed it has to be asked first.
pub const IN_DOUBT: &str = "InDoubt";

// Why something is given back.
/// The exception has ended.
pub const EXPIRED: &str = "Expired";
/// The owner was deleted.
pub const OWNER_DELETED: &str = "OwnerDeleted";
/// The owner no longer matches it.
pub const NARROWED: &str = "Narrowed";
/// The answer that it inherited has changed.
pub const ANSWER_CHANGED: &str = "AnswerChanged";
/// The deleted owner says to leave it suppressed.
pub const RETAINED: &str = "Retained";

// Of what people did.
/// A person's answer came between our read and our write, and was replaced: said once, not repeated.
pub const LOST_RACE: &str = "LostRace";
/// The clock of the machine was set back: everything is read anew.
pub const CLOCK_SET_BACK: &str = "ClockSetBack";

// Of exceptions.
/// Not begun yet.
pub const PENDING: &str = "Pending";
/// In force.
pub const ACTIVE: &str = "Active";
/// No ExceptionPolicy grants it.
pub const NOT_GRANTED: &str = "NotGranted";
/// Partly outside its grant.
pub const OUT_OF_GRANT: &str = "OutOfGrant";
/// Covers more findings than its grant allows.
pub const TOO_MANY_FINDINGS: &str = "TooManyFindings";
/// Lasts longer than its grant allows.
pub const TOO_LONG: &str = "TooLong";
/// Its effect is not granted.
pub const EFFECT_NOT_GRANTED: &str = "EffectNotGranted";
/// Waits for approvals.
pub const APPROVAL_NEEDED: &str = "ApprovalNeeded";
/// Somebody said no.
pub const DENIED: &str = "Denied";
/// The spec cannot be used.
pub const INVALID: &str = "Invalid";

// Of objects in general.
/// As declared.
pub const SUCCEEDED: &str = "ReconciliationSucceeded";
/// On the way.
pub const PROGRESSING: &str = "Progressing";
/// The first read of the hub is not complete.
pub const SYNCING: &str = "Syncing";
/// A rule names a finding field that has to be read first.
pub const BACKFILLING: &str = "Backfilling";
/// Over a limit: waits for an approval or for the hour to pass.
pub const LIMIT_EXCEEDED: &str = "LimitExceeded";
/// AWS refused.
pub const AWS_FAILED: &str = "AwsFailed";
/// A setting cannot be used: a Region, an endpoint, a queue's address.
pub const MISCONFIGURED: &str = "Misconfigured";
/// Security Hub does not take a change of some findings, and trying again is useless.
pub const REFUSED: &str = "Refused";
/// The hub's tag names another owner: nothing is written.
pub const OWNED_ELSEWHERE: &str = "OwnedElsewhere";
/// The hub's tag cannot be read or set, so that nobody knows whose it is: nothing is written.
pub const OWNER_UNKNOWN: &str = "OwnerUnknown";
/// The hub was nobody's, and is ours from now on.
pub const CLAIMED: &str = "Claimed";
/// Access denied by IAM.
pub const ACCESS_DENIED: &str = "AccessDenied";
/// Security Hub is off.
pub const HUB_NOT_ENABLED: &str = "HubNotEnabled";
/// Credentials are missing, expired or refused.
pub const CREDENTIALS_FAILED: &str = "CredentialsFailed";
/// The endpoint cannot be reached.
pub const UNREACHABLE: &str = "Unreachable";
/// A listed Region is not linked by the finding aggregator.
pub const REGION_NOT_LINKED: &str = "RegionNotLinked";
/// The event queue cannot be read.
pub const QUEUE_FAILED: &str = "QueueFailed";
/// The quota cannot meet the interval.
pub const INTERVAL_TOO_SHORT: &str = "IntervalTooShort";
/// The last good version stays in force.
pub const UNREADABLE: &str = "Unreadable";
/// No SecurityHub of that name.
pub const UNKNOWN_HUB: &str = "UnknownHub";
/// An approval that counts.
pub const COUNTS: &str = "Counts";
/// An approval for another state than the present one.
pub const STALE: &str = "Stale";
