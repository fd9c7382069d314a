//! The closed vocabularies of a finding.

use serde::{Deserialize, Serialize};

macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// As AWS spells it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// Reads AWS's spelling, exactly; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// `Workflow.Status`: what people (and we) say of a finding.
    WorkflowStatus {
        /// Nobody has looked.
        New = "NEW",
        /// The owner was told.
        Notified = "NOTIFIED",
        /// Somebody says it is done; set by the service when a check passes.
        Resolved = "RESOLVED",
        /// Not to be acted on.
        Suppressed = "SUPPRESSED",
    }
}

vocabulary! {
    /// `Compliance.Status`: what the check says.
    ComplianceStatus {
        /// Passed.
        Passed = "PASSED",
        /// The check could not tell.
        Warning = "WARNING",
        /// Failed.
        Failed = "FAILED",
        /// The check could not run, or the resource is gone.
        NotAvailable = "NOT_AVAILABLE",
    }
}

vocabulary! {
    /// `RecordState`: whether the provider still stands by the finding.
    RecordState {
        /// Current.
        Active = "ACTIVE",
        /// Retired by the provider.
        Archived = "ARCHIVED",
    }
}

vocabulary! {
    /// `Severity.Label`, and the rating of a control.
    SeverityLabel {
        /// 0.
        Informational = "INFORMATIONAL",
        /// 1 to 39.
        Low = "LOW",
        /// 40 to 69.
        Medium = "MEDIUM",
        /// 70 to 89.
        High = "HIGH",
        /// 90 to 100.
        Critical = "CRITICAL",
    }
}
