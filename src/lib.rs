//! Hubkeeper keeps AWS Security Hub the way Git says.

pub mod api;
pub mod assembly;
pub mod aws;
pub mod cli;
pub mod core;
pub mod engine;
pub mod inventory;
pub mod local;
pub mod manifest;
pub mod telemetry;
pub mod wire;
