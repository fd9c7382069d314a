//! Real parts: real sockets, real time, moto's SQS and boto3. `make test` installs them (`tests/setup.sh moto`).

mod boto;
mod events;
mod http;
pub mod moto;
mod operations;
mod services;
