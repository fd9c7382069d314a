//! Every operation that is served, by the SDK for Rust as people use it: typed inputs, answers, errors and paginators. A file for each
//! family; each test says which operations are its own, and together they are all that are served.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_securityhub::Client;
use aws_sdk_securityhub::config::retry::RetryConfig;
use aws_sdk_securityhub::config::{BehaviorVersion, Config, Region};
use aws_sdk_securityhub::types::{StringFilter, StringFilterComparison};
use axum::body::Body;
use hubkeeper::local::Local;
use hubkeeper::local::faults::{CallFault, Fault, Faults, ThrottleCode};
use tower::ServiceExt as _;

use super::moto::Served;

/// The call fails with an error that the SDK knows as this one, and says why.
macro_rules! refused {
    ($call:expr, $is:ident) => {{
        let error = $call.send().await.unwrap_err();
        let known = error.as_service_error().unwrap_or_else(|| panic!("no error of the service: {error:?}"));
        assert!(known.$is(), "not {}: {error:?}", stringify!($is));
        assert!(known.meta().message().is_some_and(|message| !message.is_empty()), "without a message: {error:?}");
    }};
}

/// What the service's own trouble looks like, which every operation has.
macro_rules! in_trouble {
    ($world:expr, $operation:literal, $call:expr) => {{
        $world.fault($operation, hubkeeper::local::faults::Fault::ServerError(500));
        refused!($call, is_internal_exception);
        $world.no_faults();
    }};
}

/// Operations with a quota in their model: trouble, and calls over it.
macro_rules! over_quota {
    ($world:expr, $operation:literal, $call:expr) => {{
        in_trouble!($world, $operation, $call);
        let code = hubkeeper::local::faults::ThrottleCode::LimitExceeded;
        $world.fault($operation, hubkeeper::local::faults::Fault::Throttle(code));
        refused!($call, is_limit_exceeded_exception);
        $world.no_faults();
    }};
}

/// All items, by the SDK's paginator with pages of this size, and how many calls it took.
macro_rules! pages {
    ($world:expr, $operation:literal, $call:expr, $size:literal) => {{
        let before = $world.local.count($operation).calls;
        let items = $call.into_paginator().page_size($size).items().send();
        let items = items.collect::<Result<Vec<_>, _>>().await.unwrap();
        (items, $world.local.count($operation).calls - before)
    }};
}

mod actions;
mod aggregators;
mod controls;
mod findings;
mod hub;
mod insights;
mod members;
mod organization;
mod products;
mod rules;
mod standards;
mod tags;

const ADMIN: &str = "111122223333";
const MEMBER: &str = "444455556666";
const HOME: &str = "eu-west-1";
const LINKED: &str = "us-east-1";

/// Security Hub Local on a socket, and clients of it.
struct World {
    local: Local,
    served: Served,
}

impl World {
    async fn start() -> Self {
        let local = Local::builder().findings(120).accounts(3).regions(2).seed(7).build().unwrap();
        let served = Served::start(&local).await;
        Self { local, served }
    }

    /// The account's client, which does not repeat what fails.
    fn client(&self, account: &str, region: &str) -> Client {
        self.client_that(RetryConfig::disabled(), account, region)
    }

    fn client_that(&self, retries: RetryConfig, account: &str, region: &str) -> Client {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(self.served.endpoint())
            .credentials_provider(Credentials::new(account, "alice", None, None, "tests"))
            .retry_config(retries)
            .build();
        Client::from_conf(config)
    }

    fn admin(&self) -> Client {
        self.client(ADMIN, HOME)
    }

    fn fault(&self, operation: &str, fault: Fault) {
        self.local.set_faults(Faults { calls: vec![CallFault::of(operation, fault)], ..Faults::default() });
    }

    fn no_faults(&self) {
        self.local.set_faults(Faults::default());
    }

    /// Each of these was answered at least once, and refused at least once.
    fn assert_called(&self, operations: &[&str]) {
        for operation in operations {
            let count = self.local.count(operation);
            assert!(count.calls > count.errors, "{operation} was never answered");
            assert!(count.errors > 0, "{operation} was never refused");
        }
    }
}

fn equals(value: &str) -> StringFilter {
    StringFilter::builder().value(value).comparison(StringFilterComparison::Equals).build()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_tries_again_what_it_would_try_again_on_aws_and_nothing_else() {
    let world = World::start().await;
    let admin = world.client_that(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)), ADMIN, HOME);
    let (limit, busy) = (Fault::Throttle(ThrottleCode::LimitExceeded), Fault::Throttle(ThrottleCode::TooManyRequests));
    for fault in [limit, busy, Fault::ServerError(500), Fault::ServerError(503)] {
        let before = world.local.count("DescribeHub");
        let calls = vec![CallFault::of("DescribeHub", fault).times(1)];
        world.local.set_faults(Faults { calls, ..Faults::default() });
        assert!(admin.describe_hub().send().await.unwrap().hub_arn().is_some());
        let after = world.local.count("DescribeHub");
        assert_eq!((after.calls - before.calls, after.errors - before.errors), (2, 1), "{fault:?}");
    }
    world.no_faults();
    let before = world.local.count("DescribeHub").calls;
    refused!(admin.describe_hub().hub_arn("hub"), is_invalid_input_exception);
    assert_eq!(world.local.count("DescribeHub").calls - before, 1);
}

#[tokio::test]
async fn every_operation_that_is_served_is_called_by_one_of_the_families() {
    let local = Local::builder().build().unwrap();
    let request = http::Request::get("/_local/operations").body(Body::empty()).unwrap();
    let answer = local.router().oneshot(request).await.unwrap();
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    let all: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let served = all.as_array().unwrap().iter().filter(|operation| operation["served"] == true);
    let served: BTreeSet<&str> = served.map(|operation| operation["name"].as_str().unwrap()).collect();
    let families = [
        actions::OPERATIONS,
        aggregators::OPERATIONS,
        controls::DEFINED,
        controls::SWITCHED,
        findings::CHANGED,
        findings::READ,
        hub::OPERATIONS,
        insights::OPERATIONS,
        members::INVITED,
        members::KNOWN,
        organization::CONFIGURED,
        organization::DESIGNATED,
        products::OPERATIONS,
        rules::OPERATIONS,
        standards::OPERATIONS,
        tags::OPERATIONS,
    ];
    let called: BTreeSet<&str> = families.into_iter().flatten().copied().collect();
    assert_eq!(called, served);
}
