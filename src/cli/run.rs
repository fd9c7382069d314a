//! `hubkeeper run`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Ended;
use super::cluster::ClusterFlags;
use super::environment::{Environment, names};
use super::failure::Failure;
use super::logging::LogFlags;
use super::out::remark;
use super::read::Way;
use super::signals;
use crate::assembly::keep::{self, Keep};
use crate::assembly::lead::{self, Lead, LeadError};
use crate::core::hub_owner::HubOwner;

/// Keep the hub: watch the manifests and the hub until told to stop
#[derive(Debug, clap::Args)]
#[command(after_help = "Stops on SIGTERM or Ctrl-C, after the call that is under way. A second one stops at once.")]
pub(super) struct Args {
    /// Directory of manifests (.yaml, .yml, .json; subdirectories too). Default: the objects of a cluster
    #[arg(short = 'f', long, value_name = "DIR", conflicts_with_all = ["namespace", "lease_name", "lease_seconds"])]
    manifests: Option<PathBuf>,
    /// With -f: directory for the lock and the status files; deleting it loses nothing
    #[arg(long, value_name = "DIR", default_value = "hubkeeper-state")]
    state_dir: PathBuf,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// Namespace of the Lease. Default: the pod's own, or the context's
    #[arg(short, long, value_name = "NAME", help_heading = "Cluster")]
    namespace: Option<String>,
    /// Name of the Lease that says which replica writes
    #[arg(long, value_name = "NAME", default_value = "hubkeeper", help_heading = "Cluster")]
    lease_name: String,
    /// A replica that did not renew the Lease for this long is succeeded; 5 to 3600
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=3600), help_heading = "Cluster")]
    lease_seconds: u64,
    /// By what name hubs are owned, as a tag on each says: who is not named there writes nothing. Default: with -f `files`, in a
    /// cluster the uid of the namespace kube-system
    #[arg(long, value_name = "NAME")]
    owner: Option<HubOwner>,
    /// Serve /livez, /readyz and /metrics here; port 0 takes a free one and prints it. Default: not served
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    logging: LogFlags,
    #[command(flatten)]
    way: Way,
}

pub(super) async fn execute(args: Args, environment: &Environment) -> Result<Ended, Failure> {
    args.logging.start(environment)?;
    let abort_at = match &environment.abort_at_effect {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| {
            Failure::new(
                format!("failed to use {} {text:?}", names::ABORT_AT_EFFECT),
                "Give it a number from 1, or an effect and a number such as HubWrite:1, or unset it.",
            )
        })?),
    };
    let reach = args.way.reach()?;
    let listening = |address: SocketAddr| remark(format_args!("listening on http://{address}"));
    let stopping = Some("stopping: the call that is under way is finished");
    if let Some(manifests) = args.manifests {
        let owner = args.owner.unwrap_or_else(HubOwner::files);
        let settings = Keep { manifests, state: args.state_dir, listen: args.listen, owner, reach, abort_at };
        return signals::until(stopping, |token| async move {
            keep::keep(settings, token, listening).await.map(|()| Ended::Done).map_err(Failure::said)
        })
        .await;
    }
    let settings = Lead {
        cluster: args.cluster.cluster(),
        namespace: args.namespace,
        lease: args.lease_name,
        lease_duration: Duration::from_secs(args.lease_seconds),
        identity: identity(environment),
        listen: args.listen,
        owner: args.owner,
        reach,
        abort_at,
    };
    signals::until(stopping, |token| async move {
        lead::lead(settings, token, listening).await.map(|()| Ended::Done).map_err(|error| match error {
            LeadError::Cluster(error) => error.into(),
            other => Failure::said(other),
        })
    })
    .await
}

/// Who this process is: readable, and like no other.
fn identity(environment: &Environment) -> String {
    let host = environment.host.as_deref().unwrap_or("hubkeeper");
    format!("{host}_{:08x}", fastrand::u32(..))
}
