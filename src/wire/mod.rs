//! Security Hub's wire: shapes, errors, limits, page tokens, the event envelope; what STS, EC2 and SQS need beside it.
//!
//! Invariant: values only. No I/O, no clock; every number that is AWS's says where it was read.

pub mod arn;
pub mod ec2;
pub mod error;
pub mod event;
pub mod finding;
pub mod limits;
pub mod operations;
pub mod regions;
pub mod securityhub;
pub mod shapes;
pub mod sigv4;
pub mod sqs;
pub mod sts;
pub mod token;
