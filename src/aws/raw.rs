//! GetFindings as bytes: the SDK signs, sends and reads errors; the body of a success is ours.
//!
//! An interceptor puts our deserializer where the operation's own would be found. Answers that are no success go to the
//! operation's own, so that its typed errors stay. If a later SDK stops looking there, the slot stays empty and the call fails:
//! a test holds that.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_securityhub::operation::get_findings::builders::GetFindingsFluentBuilder;
use aws_sdk_securityhub::operation::get_findings::{GetFindings, GetFindingsError, GetFindingsOutput};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef, Error, Output,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin as _;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};
use bytes::Bytes;
use futures::FutureExt as _;
use http_body_util::BodyExt as _;

use super::failure::{Fail, read};
use crate::engine::ports::FailureKind;

type Slot = Arc<Mutex<Option<Bytes>>>;

/// Sends one GetFindings and returns the body as it came.
pub(super) async fn get_findings(request: GetFindingsFluentBuilder) -> Result<Bytes, Fail> {
    let slot = Slot::default();
    let sent: Result<_, SdkError<GetFindingsError, HttpResponse>> =
        request.customize().interceptor(UseRaw { slot: Arc::clone(&slot) }).send().await;
    sent.map_err(|error| read(&error))?;
    let body = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    body.ok_or_else(|| Fail::new(FailureKind::Invalid, "this version of the AWS SDK did not hand over the response body"))
}

#[derive(Debug)]
struct UseRaw {
    slot: Slot,
}

impl Intercept for UseRaw {
    fn name(&self) -> &'static str {
        "hubkeeper::UseRaw"
    }

    fn read_before_execution(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let typed = GetFindings::new().config().ok_or("GetFindings has no configuration")?;
        let raw = RawDeserializer { typed, slot: Arc::clone(&self.slot) };
        cfg.interceptor_state().store_put(SharedResponseDeserializer::new(raw));
        Ok(())
    }
}

#[derive(Debug)]
struct RawDeserializer {
    typed: FrozenLayer,
    slot: Slot,
}

impl DeserializeResponse for RawDeserializer {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        cfg: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        if !response.status().is_success() {
            let typed = self.typed.load::<SharedResponseDeserializer>();
            let typed = typed.ok_or_else(|| OrchestratorError::other("GetFindings has no deserializer"))?;
            return typed.deserialize_nonstreaming_with_config(response, cfg);
        }
        // Loaded already, so that this is ready at once and shares the bytes.
        let body = response.body().try_clone().and_then(|body| body.collect().now_or_never());
        let body = body.ok_or_else(|| OrchestratorError::other("the response body is not loaded"))?;
        let body = body.map_err(OrchestratorError::other)?.to_bytes();
        *self.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        // The operation promises this type; nobody looks at it.
        Ok(Output::erase(GetFindingsOutput::builder().set_findings(Some(Vec::new())).build()))
    }
}

/// Refuses a success without a body: the SDK's parsers take it for an answer with nothing in it.
#[derive(Debug)]
pub(super) struct RefuseEmpty;

impl Intercept for RefuseEmpty {
    fn name(&self) -> &'static str {
        "hubkeeper::RefuseEmpty"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let empty = response.body().bytes().is_none_or(|body| body.trim_ascii().is_empty());
        if response.status().is_success() && empty { Err("the answer has no body".into()) } else { Ok(()) }
    }
}
