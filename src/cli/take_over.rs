//! `hubkeeper take-over`.

use std::path::PathBuf;

use super::Ended;
use super::cluster::ClusterFlags;
use super::declared::{self, Place as Declared};
use super::failure::Failure;
use super::out::Out;
use super::read::Way;
use super::signals;
use crate::assembly::take_over::{Holding, Place, TakeOverError};
use crate::core::hub_owner::HubOwner;
use crate::core::objects::{Desired, HubSpec};

/// Make a hub this cluster's, whosever it was; without --yes only say whose it is
#[derive(Debug, clap::Args)]
#[command(after_help = "\
One owner writes to a hub: the one that the tag hubkeeper.dev/cluster on its ARN names.
The former owner writes no more once it has read that: within two minutes, or five at the worst.
Exit code: 0 done, or nothing to do; 2 it would be changed, and --yes is missing; 1 an error.")]
pub(super) struct Args {
    /// Name of the SecurityHub. Default: the only one that is declared
    #[arg(value_name = "HUB")]
    hub: Option<String>,
    /// Directory of manifests. Default: the objects of a cluster
    #[arg(short = 'f', long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    #[command(flatten)]
    cluster: ClusterFlags,
    /// By what name the hub is to be owned: what `run --owner` was given. Default: with -f `files`; in a cluster what its
    /// controller says, else the uid of the namespace kube-system
    #[arg(long, value_name = "NAME")]
    owner: Option<HubOwner>,
    /// Do it
    #[arg(long)]
    yes: bool,
    /// Let go instead: remove the tag where it names this owner, for when Hubkeeper is uninstalled
    #[arg(long)]
    release: bool,
    #[command(flatten)]
    way: Way,
}

pub(super) async fn execute(args: Args, out: &mut Out) -> Result<Ended, Failure> {
    let reach = args.way.reach()?;
    signals::until(None, |token| async move {
        let work = async {
            let (hub, spec, owner) = meant(&args).await?;
            let holding = Holding::look(&reach, &spec, owner).await.map_err(|error| failed(&error))?;
            out.line(format_args!("hub {hub}: account {}", holding.account))?;
            if args.release { release(&args, &holding, out).await } else { take(&args, &holding, out).await }
        };
        tokio::select! {
            biased;
            ended = work => ended,
            () = token.cancelled() => Err(Failure::said("failed to finish: interrupted; run it again without --yes to see whose the hub is")),
        }
    })
    .await
}

/// The hub that is meant, and by what name it is to be owned.
async fn meant(args: &Args) -> Result<(String, HubSpec, HubOwner), Failure> {
    let place = Declared::of(args.manifests.clone(), args.cluster.clone());
    let (desired, there): (Desired, _) = match &place {
        Declared::Directory(directory) => (declared::manifests(directory)?, None),
        Declared::Cluster(cluster) => {
            let there = cluster.connect().await.map_err(|error| failed(&error.into()))?;
            (there.hubs().await.map_err(|error| failed(&error.into()))?, Some(there))
        }
    };
    let hubs = declared::hubs(&desired, args.hub.as_deref(), &place)?;
    let [hub] = hubs.as_slice() else {
        return Err(Failure::new("failed to know which hub is meant", format!("Name one of {}.", hubs.join(", "))));
    };
    let found = desired.objects.hubs.iter().find(|declared| *declared.meta.object.name == **hub);
    let spec = found.map(|declared| declared.spec.clone()).ok_or_else(|| Failure::said("failed to find the hub"))?;
    let owner = match (&args.owner, there) {
        (Some(owner), _) => owner.clone(),
        (None, Some(there)) => there.owner(hub).await.map_err(|error| failed(&error.into()))?,
        (None, None) => HubOwner::files(),
    };
    Ok((hub.clone(), spec, owner))
}

fn failed(error: &TakeOverError) -> Failure {
    match error.advice() {
        Some(advice) => Failure::new(error.to_string(), advice),
        None => Failure::said(error),
    }
}

fn whose(place: &Place) -> String {
    match &place.named {
        None => "nobody".to_owned(),
        Some(named) if place.ours => format!("{named}: as it should be"),
        Some(named) => named.to_string(),
    }
}

fn tell(places: &[Place], out: &mut Out) -> std::io::Result<()> {
    for place in places {
        out.line(format_args!("  {:<14} owned by {}", place.region.as_str(), whose(place)))?;
    }
    Ok(())
}

async fn take(args: &Args, holding: &Holding, out: &mut Out) -> Result<Ended, Failure> {
    let (places, owner) = (holding.places(), holding.owner());
    tell(&places, out)?;
    if places.iter().all(|place| place.ours) {
        out.line(format_args!("{owner} owns it: nothing to do"))?;
        return Ok(Ended::Done);
    }
    if !args.yes {
        out.line(format_args!("{owner} would own it, and nobody else would write to it: --yes does that"))?;
        return Ok(Ended::Changes);
    }
    for region in holding.take().await.map_err(|error| failed(&error))? {
        out.line(format_args!("  {:<14} owned by {owner} from now on", region.as_str()))?;
    }
    if places.iter().any(|place| place.named.is_some() && !place.ours) {
        out.line("taken over: the former owner writes no more once it has read that, within five minutes")?;
    }
    Ok(Ended::Done)
}

async fn release(args: &Args, holding: &Holding, out: &mut Out) -> Result<Ended, Failure> {
    let (places, owner) = (holding.places(), holding.owner());
    for place in &places {
        let named = place.named.as_ref().map_or_else(|| "nobody".to_owned(), ToString::to_string);
        out.line(format_args!("  {:<14} owned by {named}", place.region.as_str()))?;
    }
    if !places.iter().any(|place| place.ours) {
        out.line(format_args!("{owner} does not own it: nothing to let go"))?;
        return Ok(Ended::Done);
    }
    if !args.yes {
        out.line(format_args!("{owner} would let it go, and whoever comes first would own it: --yes does that"))?;
        return Ok(Ended::Changes);
    }
    for region in holding.let_go().await.map_err(|error| failed(&error))? {
        out.line(format_args!("  {:<14} owned by nobody from now on", region.as_str()))?;
    }
    out.line("let go: stop Hubkeeper here, or it takes the hub again within minutes")?;
    Ok(Ended::Done)
}
