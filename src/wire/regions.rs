//! The Regions of partition `aws`. Source: AWS Account Management reference, and botocore's endpoints (1.44.5).

/// Those that are on in every account, first the one that examples call home.
#[rustfmt::skip] // a list of names
pub const ON_BY_DEFAULT: [&str; 17] = [
    "eu-west-1", "us-east-1", "ap-northeast-1", "eu-central-1", "us-west-2", "ap-southeast-1", "eu-north-1", "ca-central-1", "eu-west-2",
    "eu-west-3", "us-east-2", "us-west-1", "ap-south-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-2", "sa-east-1",
];

/// Those that an account has to opt in to.
#[rustfmt::skip] // a list of names
pub const OPT_IN: [&str; 17] = [
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6",
    "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
];

/// Whether an account has to opt in to it.
pub fn is_opt_in(region: &str) -> bool {
    OPT_IN.contains(&region)
}
