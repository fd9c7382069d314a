//! Real parts: real sockets, real time, moto's SQS, and clients of AWS that are not ours: boto3, the AWS CLI, the SDK for Rust.

mod boto;
mod events;
mod http;
pub mod moto;
mod operations;
mod sdk;
mod services;
mod shapes;
