//! What an approval is about: shared by `digest` and `approve`.

use std::path::PathBuf;

use super::cluster::ClusterFlags;
use super::declared::{self, Place};
use super::failure::Failure;
use crate::assembly::cluster::Connected;
use crate::assembly::manifests::find;
use crate::core::decide::ChangeKind;
use crate::core::digest::over_limit;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Desired;

/// The object, and for changes over a limit which.
#[derive(Debug, clap::Args)]
pub(super) struct SubjectArgs {
    /// The object: FindingException/NAMESPACE/NAME, ControlPolicy/NAME; in a cluster FindingException/NAME too
    #[arg(value_name = "KIND/[NAMESPACE/]NAME")]
    object: String,
    /// Directory of manifests. Default: the objects of a cluster
    #[arg(short = 'f', long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Namespace of the object, where its name gives none. Default: the context's
    #[arg(short, long, value_name = "NAME", conflicts_with = "manifests", help_heading = "Cluster")]
    namespace: Option<String>,
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
    pub(super) desired: Desired,
    pub(super) hub: Option<String>,
    /// Who asks, if a cluster was asked.
    pub(super) connected: Option<Connected>,
}

const ACTIONS: [ChangeKind; 4] = [ChangeKind::Suppress, ChangeKind::Adopt, ChangeKind::GiveBack, ChangeKind::Reopen];

impl SubjectArgs {
    pub(super) async fn read(&self) -> Result<Subject, Failure> {
        let place = Place::of(self.manifests.clone(), self.cluster.clone());
        let connected = match &place {
            Place::Directory(_) => None,
            Place::Cluster(cluster) => Some(cluster.connect().await?),
        };
        let object = self.object(connected.as_ref())?;
        if !matches!(object.kind, Kind::FindingException | Kind::ControlPolicy) {
            return Err(Failure::new(
                format!("failed to make a digest of {object}: approvals are of a FindingException or a ControlPolicy"),
                "Name the owner that the status or `hubkeeper plan` names.",
            ));
        }
        let desired = match &connected {
            None => place.read().await?,
            // Where an approval counts from.
            Some(connected) => {
                let kind = if self.over_limit { Kind::SecurityHub } else { Kind::ExceptionPolicy };
                connected.about(&object, kind).await?
            }
        };
        declared::unusable(&desired, |there| *there == object)?;
        let spec = match find(&desired.objects, &object) {
            Some(_) if self.deleted => {
                let sentence = format!("failed to make a digest: {object} is declared, and --deleted says that it is not");
                return Err(Failure::new(sentence, "Leave --deleted out."));
            }
            Some(meta) => meta.digest.to_string(),
            None if self.deleted => "absent".to_owned(),
            None => {
                return Err(Failure::new(
                    match &self.manifests {
                        Some(manifests) => format!("failed to find {object} in {}", manifests.display()),
                        None => format!("failed to find {object} in the cluster"),
                    },
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
                let hub = self.hub(&desired, &place)?;
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
        Ok(Subject { object, digest, max_findings: self.max_findings, desired, hub, connected })
    }

    /// Which object; in a cluster a name without a namespace is one of the namespace that is meant.
    fn object(&self, connected: Option<&Connected>) -> Result<ObjectRef, Failure> {
        let (kind, name) = self.object.split_once('/').unwrap_or((&self.object, ""));
        // As kubectl prints it, too: findingexception.hubkeeper.dev/cdn.
        let as_printed = |known: &Kind| kind.trim_end_matches(".hubkeeper.dev").eq_ignore_ascii_case(known.as_str());
        let text = match (Kind::ALL.into_iter().find(as_printed), connected) {
            (Some(kind), Some(connected)) if kind.is_namespaced() && !name.contains('/') => {
                let namespace = self.namespace.as_deref().unwrap_or_else(|| connected.namespace());
                format!("{kind}/{namespace}/{name}")
            }
            (Some(kind), _) => format!("{kind}/{name}"),
            (None, _) => self.object.clone(),
        };
        let object: ObjectRef = text.parse().map_err(|error| Failure::said(format!("failed to name the object: {error}")))?;
        match (&object.namespace, &self.namespace) {
            (Some(own), Some(meant)) if **own != **meant => Err(Failure::new(
                format!("failed to name the object: {object} is in {own}, and --namespace says {meant}"),
                "Leave one of them out.",
            )),
            _ => Ok(object),
        }
    }

    fn hub(&self, desired: &Desired, place: &Place) -> Result<String, Failure> {
        match declared::hubs(desired, self.hub.as_deref(), place)?.as_slice() {
            [hub] => Ok(hub.clone()),
            hubs => Err(Failure::new(
                "failed to know whose limit is meant: several hubs are declared",
                format!("Name one with --hub: {}.", hubs.join(", ")),
            )),
        }
    }
}
