//! What an approval is about: shared by `digest` and `approve`.

use std::path::PathBuf;
use std::sync::Arc;

use super::failure::Failure;
use super::read;
use crate::assembly::manifests::find;
use crate::core::decide::ChangeKind;
use crate::core::digest::over_limit;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Desired;

/// The object, and for changes over a limit which.
#[derive(Debug, clap::Args)]
pub(super) struct SubjectArgs {
    /// The object: FindingException/NAMESPACE/NAME, ControlPolicy/NAME
    #[arg(value_name = "KIND/[NAMESPACE/]NAME")]
    object: String,
    /// Directory of manifests
    #[arg(short = 'f', long, value_name = "DIR")]
    manifests: PathBuf,
    /// For changes over a limit; without it: for an exception's whole spec
    #[arg(long, requires_all = ["action", "max_findings"])]
    over_limit: bool,
    /// What is over the limit, as `plan` and the status say it: suppress, "give back", ...
    #[arg(long, requires = "over_limit", value_name = "ACTION")]
    action: Option<String>,
    /// How many findings the approval allows
    #[arg(long, requires = "over_limit", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    max_findings: Option<u32>,
    /// The SecurityHub whose limit it is. Default: the only one
    #[arg(long, requires = "over_limit", value_name = "NAME")]
    hub: Option<String>,
    /// The object is deleted and what it held is to be given back
    #[arg(long, requires = "over_limit")]
    deleted: bool,
}

/// One state of one object.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) object: ObjectRef,
    pub(super) digest: String,
    /// The ceiling, for changes over a limit.
    pub(super) max_findings: Option<u32>,
    pub(super) desired: Arc<Desired>,
    pub(super) hub: Option<String>,
}

const ACTIONS: [ChangeKind; 4] = [ChangeKind::Suppress, ChangeKind::Adopt, ChangeKind::GiveBack, ChangeKind::Reopen];

impl SubjectArgs {
    pub(super) fn read(&self) -> Result<Subject, Failure> {
        let object: ObjectRef =
            self.object.parse().map_err(|error| Failure::said(format!("failed to name the object: {error}")))?;
        if !matches!(object.kind, Kind::FindingException | Kind::ControlPolicy) {
            return Err(Failure::new(
                format!("failed to make a digest of {object}: approvals are of a FindingException or a ControlPolicy"),
                "Name the owner that the status or `hubkeeper plan` names.",
            ));
        }
        let desired = read::manifests(&self.manifests)?;
        let spec = match find(&desired.objects, &object) {
            Some(_) if self.deleted => {
                let sentence = format!("failed to make a digest: {object} is declared, and --deleted says that it is not");
                return Err(Failure::new(sentence, "Leave --deleted out."));
            }
            Some(meta) => meta.digest.to_string(),
            None if self.deleted => "absent".to_owned(),
            None => {
                return Err(Failure::new(
                    format!("failed to find {object} in {}", self.manifests.display()),
                    "Check the name; for what a deleted object still holds, add --deleted.",
                ));
            }
        };
        let (digest, hub) = match (&self.action, self.max_findings) {
            (Some(action), Some(ceiling)) => {
                let action = ACTIONS.into_iter().map(ChangeKind::as_str).find(|known| known == action).ok_or_else(|| {
                    let allowed: Vec<&str> = ACTIONS.into_iter().map(ChangeKind::as_str).collect();
                    Failure::new(
                        format!("failed to use --action {action:?}: no limit counts it"),
                        format!("Allowed: {}.", allowed.join(", ")),
                    )
                })?;
                let hub = self.hub(&desired)?;
                (over_limit(&hub, &object.to_string(), &spec, action, ceiling.into()), Some(hub))
            }
            _ if object.kind == Kind::FindingException => (spec, None),
            _ => {
                return Err(Failure::new(
                    format!("failed to make a digest: {object} needs approval only for changes over a limit"),
                    "Add --over-limit --action ACTION --max-findings N, as `hubkeeper plan` prints them.",
                ));
            }
        };
        Ok(Subject { object, digest, max_findings: self.max_findings, desired, hub })
    }

    fn hub(&self, desired: &Desired) -> Result<String, Failure> {
        match read::hubs(desired, self.hub.as_deref())?.as_slice() {
            [hub] => Ok(hub.clone()),
            hubs => Err(Failure::new(
                "failed to know whose limit is meant: several hubs are declared",
                format!("Name one with --hub: {}.", hubs.join(", ")),
            )),
        }
    }
}
