//! `hubkeeper explain`.

use std::path::PathBuf;
use std::sync::Arc;

use super::Ended;
use super::cluster::ClusterFlags;
use super::declared::{self, Place};
use super::environment::Environment;
use super::failure::Failure;
use super::out::{Bar, Out, WIDTH, wrap};
use super::read::{self, Format, Way};
use super::signals;
use crate::assembly::look::{Explanation, NoEffect, Sought, look};

/// Show the decision on one finding, with the answer of each check
#[derive(Debug, clap::Args)]
#[command(after_help = "Reads the whole hub, because other findings of the same problem count; writes nothing.")]
pub(super) struct Args {
    /// Id of the finding, or how it ends or begins, if that fits one only
    #[arg(value_name = "FINDING")]
    finding: String,
    /// Directory of manifests. Default: the objects of a cluster
    #[arg(short = 'f', long, value_name = "DIR")]
    manifests: Option<PathBuf>,
    /// Only this SecurityHub. Default: all that are declared
    #[arg(long, value_name = "NAME")]
    hub: Option<String>,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value = "text")]
    output: Format,
    #[command(flatten)]
    cluster: ClusterFlags,
    #[command(flatten)]
    way: Way,
}

pub(super) async fn execute(args: Args, environment: &Environment, out: &mut Out) -> Result<Ended, Failure> {
    let reach = args.way.reach()?;
    let place = Place::of(args.manifests, args.cluster);
    let desired = Arc::new(place.read().await?);
    let hubs = declared::hubs(&desired, args.hub.as_deref(), &place)?;
    signals::until(None, |token| async move {
        for hub in &hubs {
            let bar = Bar::reading(environment, hub);
            let surveyed = look(&reach, desired.clone(), hub, bar.progress(), token.clone()).await;
            drop(bar);
            match surveyed.map_err(|error| read::failed(&error))?.explain(&args.finding) {
                Sought::Found(explanation) => {
                    match args.output {
                        Format::Json => out.json(&explanation)?,
                        Format::Text => print(&explanation, out)?,
                    }
                    return Ok(Ended::Done);
                }
                Sought::Several(number, first) => {
                    return Err(Failure::new(
                        format!("failed to choose a finding: {number} fit {:?}", args.finding),
                        format!("Give more of the id. The first are:\n    {}", first.join("\n    ")),
                    ));
                }
                Sought::Nothing => {}
            }
        }
        Err(Failure::new(
            format!("failed to find a finding whose id is, ends with or begins with {:?}", args.finding),
            "Copy the Id from the console or from `hubkeeper plan -o json`; findings are kept for 30 to 90 days.",
        ))
    })
    .await
}

fn print(explanation: &Explanation, out: &mut Out) -> std::io::Result<()> {
    let finding = &explanation.finding;
    let control = finding.control.as_deref().unwrap_or("another product");
    out.line(out.bold(&format!("{control} in account {} ({})", finding.account, finding.region)))?;
    let mut facts = vec![("id", finding.id.clone())];
    facts.extend(explanation.resources.iter().map(|resource| ("resource", resource.clone())));
    let compliance = explanation.compliance.unwrap_or("no compliance");
    facts.push(("state", format!("{}, {compliance}, {}", explanation.workflow, explanation.record_state)));
    if let Some(marker) = &explanation.marker {
        facts.push(("marker", marker.clone()));
    }
    facts.extend(explanation.same_problem.iter().map(|id| ("same problem", id.clone())));
    for (name, value) in facts {
        entry(out, name, &value)?;
    }
    out.line("")?;
    for step in &explanation.chain {
        entry(out, step.check, &step.answer)?;
    }
    out.line("")?;
    let decision = match explanation.sets {
        Some(sets) => format!("{} ({}), which sets {sets}", explanation.action, explanation.reason),
        None => format!("{} ({})", explanation.action, explanation.reason),
    };
    entry(out, "decision", &decision)?;
    if let Some(history) = &explanation.history {
        entry(out, "history", history)?;
    }
    if let Some(decided_by) = &explanation.decided_by {
        entry(out, "decided by", decided_by)?;
    }
    for NoEffect { object, reason, message } in &explanation.without_effect {
        entry(out, "not acting", &format!("{object} names it, and does not act ({reason}): {message}"))?;
    }
    for audit in &explanation.audit {
        entry(out, "audit", audit)?;
    }
    Ok(())
}

fn entry(out: &mut Out, name: &str, value: &str) -> std::io::Result<()> {
    let mut label = format!("{name:<13}");
    // Ids are not broken: they are there to be copied.
    for line in wrap(value, WIDTH - 15) {
        let shown = out.dim(&label);
        out.line(format_args!("  {shown}{line}"))?;
        label = " ".repeat(13);
    }
    Ok(())
}
