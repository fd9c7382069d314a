//! Finding aggregators: from which Regions findings flow to the home Region.

use serde::{Deserialize, Serialize};

/// CreateFindingAggregator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct CreateFindingAggregator {
    pub region_linking_mode: String,
    #[serde(default)]
    pub regions: Option<Vec<String>>,
}

/// UpdateFindingAggregator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct UpdateFindingAggregator {
    pub finding_aggregator_arn: String,
    pub region_linking_mode: String,
    #[serde(default)]
    pub regions: Option<Vec<String>>,
}

/// `RegionLinkingMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkingMode {
    /// Every Region, those to come too.
    AllRegions,
    /// Every Region but those that are named.
    AllRegionsExceptSpecified,
    /// Those that are named.
    SpecifiedRegions,
    /// None: there is a home Region, and nothing flows to it.
    NoRegions,
}

impl LinkingMode {
    /// All four.
    pub const ALL: [Self; 4] = [Self::AllRegions, Self::AllRegionsExceptSpecified, Self::SpecifiedRegions, Self::NoRegions];

    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllRegions => "ALL_REGIONS",
            Self::AllRegionsExceptSpecified => "ALL_REGIONS_EXCEPT_SPECIFIED",
            Self::SpecifiedRegions => "SPECIFIED_REGIONS",
            Self::NoRegions => "NO_REGIONS",
        }
    }

    /// The mode of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text)
    }
}

/// The answer of ListFindingAggregators.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingAggregators {
    pub finding_aggregators: Vec<AggregatorArn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One entry of ListFindingAggregators; the Region in the ARN is the home Region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct AggregatorArn {
    pub finding_aggregator_arn: String,
}

/// The answer of CreateFindingAggregator, UpdateFindingAggregator and GetFindingAggregator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[allow(missing_docs)]
pub struct FindingAggregator {
    pub finding_aggregator_arn: String,
    pub finding_aggregation_region: String,
    pub region_linking_mode: String,
    pub regions: Vec<String>,
}
