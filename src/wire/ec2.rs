//! EC2: its query protocol's XML, as far as DescribeRegions needs it.

use super::sts::escape;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// What EC2 says of a Region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionInfo {
    /// `eu-west-1`.
    pub name: String,
    /// Whether the account has to opt in to it, and has.
    pub status: OptInStatus,
}

impl RegionInfo {
    /// The host of EC2 there.
    pub fn endpoint(&self) -> String {
        format!("ec2.{}.amazonaws.com", self.name)
    }
}

/// `optInStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptInStatus {
    /// On in every account.
    NotRequired,
    /// The account has opted in.
    OptedIn,
    /// It has not: the Region is off.
    NotOptedIn,
}

impl OptInStatus {
    /// As AWS spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotRequired => "opt-in-not-required",
            Self::OptedIn => "opted-in",
            Self::NotOptedIn => "not-opted-in",
        }
    }
}

/// The answer of DescribeRegions.
pub fn regions(regions: &[RegionInfo], request_id: &str) -> String {
    let item = |region: &RegionInfo| {
        format!(
            "<item><regionName>{}</regionName><regionEndpoint>{}</regionEndpoint><optInStatus>{}</optInStatus></item>",
            escape(&region.name),
            escape(&region.endpoint()),
            region.status.as_str()
        )
    };
    let items: String = regions.iter().map(item).collect();
    format!(
        "<DescribeRegionsResponse xmlns=\"{NAMESPACE}\"><requestId>{}</requestId><regionInfo>{items}</regionInfo>\
         </DescribeRegionsResponse>",
        escape(request_id)
    )
}

/// An error of EC2.
pub fn error(code: &str, message: &str, request_id: &str) -> String {
    format!(
        "<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors><RequestID>{}</RequestID></Response>",
        escape(code),
        escape(message),
        escape(request_id)
    )
}
