//! The rules of the model by name, so that a test can have one of them wrong.

macro_rules! rules {
    ($($(#[$meta:meta])* $name:ident,)+) => {
        /// A rule of the service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rule {
            $($(#[$meta])* $name,)+
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)+];
        }
    };
}

rules! {
    MembersSeeTheirOwnOnly,
    OnlyHomeSeesLinkedRegions,
    AHubThatIsOffRefuses,
    /// A version that is older than what is known is ignored.
    OldVersionsAreIgnored,
    /// So is one of the same time.
    VersionsOfTheSameTimeAreIgnored,
    ProvidersSayHowAFindingBegins,
    AFirstCheckThatPassesIsResolved,
    /// NEW and NOTIFIED become RESOLVED.
    ACheckThatPassesIsResolved,
    /// What becomes of SUPPRESSED then is a switch.
    SuppressedOnPassedIsASwitch,
    OnlyChecksOfTheServiceAreResolved,
    /// NOTIFIED and RESOLVED become NEW.
    WhatPassesNoLongerIsNew,
    /// From ARCHIVED to ACTIVE they do, too.
    WhatIsBackIsNew,
    AProvidersNumberStays,
    TheSeverityThatACustomerSetStays,
    TheConfidenceThatACustomerSetStays,
    AnUpdateNamesAFinding,
    OneBadValueIsASwitch,
    WhatIsNamedTwiceIsDoneOnce,
    WhatIsNotSeenIsNotFound,
    /// A note takes the place of the one before.
    ThereIsOneNote,
    UserFieldsAreASwitch,
    ACustomersNumberStays,
    UpdatesLeaveUpdatedAt,
    UpdatesMoveProcessedAt,
    /// Also one that changes nothing.
    EveryUpdateIsAnEvent,
    WhatChangesNothingIsNoHistory,
    /// With `NOT_EQUALS` or `PREFIX_NOT_EQUALS` on one attribute.
    EqualsGoesWithNoNegative,
    PositivesAreAlternatives,
    NegativesAllHold,
    EntriesOfMapsAreAlternatives,
    MissingFieldsAreASwitch,
    NumbersReachTheirEnds,
    ActiveFindingsEnd,
    ArchivedFindingsEndSooner,
    BeingProcessedKeepsWhatIsNoCheck,
    /// Had wrong by whoever reads the pages.
    TokensGoOnWhereThePageEnded,
}
