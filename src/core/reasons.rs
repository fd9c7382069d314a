//! Reasons, as they stand in conditions, events, plans and explanations. They are API: add, never rename.

macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident = $text:literal;)+) => {
        $($(#[$meta])* pub const $name: &str = $text;)+
        /// Every reason.
        pub const ALL: &[&str] = &[$($text),+];
    };
}

reasons! {
    // Of decisions.
    /// The finding is archived: left as it is.
    ARCHIVED = "Archived";
    /// The check passes: nothing to decide.
    PASSED = "Passed";
    /// A person suppressed it, and it is respected.
    RESPECTED = "Respected";
    /// A person took back what we set; not applied again until what decides it changes.
    OVERRIDDEN = "Overridden";
    /// Another finding of the same problem was suppressed by a person.
    INHERITED = "Inherited";
    /// A valid exception covers it.
    EXCEPTED = "Excepted";
    /// A rule suppresses it.
    SUPPRESSED_BY_RULE = "SuppressedByRule";
    /// A rule says to leave it.
    IGNORED = "Ignored";
    /// Policies of equal priority disagree.
    CONFLICTED = "Conflicted";
    /// Nothing declared matches it.
    NO_MATCH = "NoMatch";
    /// Only Git may suppress here: reopened.
    REVERTED = "Reverted";
    /// Something else keeps rewriting it: we stopped.
    FLAPPING = "Flapping";
    /// The marker is not one that we can read: left as it is.
    MARKER_UNREADABLE = "MarkerUnreadable";
    /// Its owner cannot be read now, or is not proved to be gone: left as it is.
    OWNER_UNREADABLE = "OwnerUnreadable";
    /// Its owner is suspended.
    SUSPENDED = "Suspended";
    /// Who changed it has to be asked first.
    IN_DOUBT = "InDoubt";

    /// A person's answer came between our read and our write, and was replaced: said once, not repeated.
    LOST_RACE = "LostRace";

    // Why something is given back.
    /// The exception has ended.
    EXPIRED = "Expired";
    /// The owner was deleted.
    OWNER_DELETED = "OwnerDeleted";
    /// The owner no longer matches it.
    NARROWED = "Narrowed";
    /// The answer that it inherited has changed.
    ANSWER_CHANGED = "AnswerChanged";
    /// The deleted owner says to leave it suppressed.
    RETAINED = "Retained";

    // Of exceptions.
    /// Not begun yet.
    PENDING = "Pending";
    /// In force.
    ACTIVE = "Active";
    /// No ExceptionPolicy grants it.
    NOT_GRANTED = "NotGranted";
    /// Partly outside its grant.
    OUT_OF_GRANT = "OutOfGrant";
    /// Covers more findings than its grant allows.
    TOO_MANY_FINDINGS = "TooManyFindings";
    /// Lasts longer than its grant allows.
    TOO_LONG = "TooLong";
    /// Its effect is not granted.
    EFFECT_NOT_GRANTED = "EffectNotGranted";
    /// Waits for approvals.
    APPROVAL_NEEDED = "ApprovalNeeded";
    /// Somebody said no.
    DENIED = "Denied";
    /// The spec cannot be used.
    INVALID = "Invalid";

    // Of objects in general.
    /// As declared.
    SUCCEEDED = "ReconciliationSucceeded";
    /// On the way.
    PROGRESSING = "Progressing";
    /// The first read of the hub is not complete.
    SYNCING = "Syncing";
    /// A rule names a finding field that has to be read first.
    BACKFILLING = "Backfilling";
    /// Over a limit: waits for an approval or for the hour to pass.
    LIMIT_EXCEEDED = "LimitExceeded";
    /// AWS refused.
    AWS_FAILED = "AwsFailed";
    /// A setting cannot be used: a Region, an endpoint, a queue's address.
    MISCONFIGURED = "Misconfigured";
    /// Security Hub does not take a change of some findings, and trying again is useless.
    REFUSED = "Refused";
    /// Access denied by IAM.
    ACCESS_DENIED = "AccessDenied";
    /// Security Hub is off.
    HUB_NOT_ENABLED = "HubNotEnabled";
    /// Credentials are missing, expired or refused.
    CREDENTIALS_FAILED = "CredentialsFailed";
    /// The endpoint cannot be reached.
    UNREACHABLE = "Unreachable";
    /// A listed Region is not linked by the finding aggregator.
    REGION_NOT_LINKED = "RegionNotLinked";
    /// The event queue cannot be read.
    QUEUE_FAILED = "QueueFailed";
    /// The quota cannot meet the interval.
    INTERVAL_TOO_SHORT = "IntervalTooShort";
    /// The last good version stays in force.
    UNREADABLE = "Unreadable";
    /// No SecurityHub of that name.
    UNKNOWN_HUB = "UnknownHub";
    /// An approval that counts.
    COUNTS = "Counts";
    /// An approval for another state than the present one.
    STALE = "Stale";
}
