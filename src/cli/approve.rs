//! `hubkeeper approve`.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::Ended;
use super::failure::Failure;
use super::out::Out;
use super::subject::{Subject, SubjectArgs};
use crate::assembly::manifests::API_VERSION;

/// Print an Approval manifest: put it where approvals of the subject count from
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples, in a cluster and in a directory:
  hubkeeper approve FindingException/cdn -n team-pay --reason 'seen with the team' | kubectl apply -f -
  hubkeeper approve -f DIR FindingException/team-pay/cdn --approver alice --reason 'seen with the team' > DIR/approval.yaml")]
pub(super) struct Args {
    #[command(flatten)]
    subject: SubjectArgs,
    /// Who decides. Default: in a cluster, you, as it knows you
    #[arg(long, value_name = "WHO")]
    approver: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// No instead of yes
    #[arg(long)]
    deny: bool,
    /// Namespace of the Approval. Default: the only one that it can count from
    #[arg(long, value_name = "NAMESPACE")]
    approval_namespace: Option<String>,
    /// Name of the Approval. Default: the subject's name and the beginning of the digest
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Until when it counts, RFC 3339. Default: as long as the state does not change
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Approval<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: Metadata,
    spec: Spec<'a>,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    subject: Named<'a>,
    digest: &'a str,
    decision: &'a str,
    approver: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_findings: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

#[derive(Debug, Serialize)]
struct Named<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

pub(super) async fn execute(args: Args, out: &mut Out) -> Result<Ended, Failure> {
    let subject = args.subject.read().await?;
    let approver = approver(&args, &subject).await?;
    let expires_at = args.expires_at.as_deref().map(|text| {
        text.parse::<Timestamp>().map(|at| at.to_string()).map_err(|_| {
            Failure::new(format!("failed to use --expires-at {text:?}: it is no time"), "Write it as 2027-01-31T00:00:00Z.")
        })
    });
    let short = subject.digest.trim_start_matches("sha256:").get(..8).unwrap_or_default().to_owned();
    let approval = Approval {
        api_version: API_VERSION,
        kind: "Approval",
        metadata: Metadata {
            name: args.name.clone().unwrap_or_else(|| format!("{}-{short}", subject.object.name)),
            namespace: namespace(&args, &subject)?,
        },
        spec: Spec {
            subject: Named {
                kind: subject.object.kind.as_str(),
                namespace: subject.object.namespace.as_deref(),
                name: &subject.object.name,
            },
            digest: &subject.digest,
            decision: if args.deny { "Deny" } else { "Approve" },
            approver: &approver,
            reason: &args.reason,
            max_findings: subject.max_findings,
            expires_at: expires_at.transpose()?,
        },
    };
    let yaml = serde_saphyr::to_string(&approval).map_err(|error| Failure::said(format!("failed to write YAML: {error}")))?;
    out.text(&yaml)?;
    Ok(Ended::Done)
}

/// Who decides: only a cluster knows who asks.
async fn approver(args: &Args, subject: &Subject) -> Result<String, Failure> {
    match (&args.approver, &subject.connected) {
        (Some(named), _) => Ok(named.clone()),
        (None, Some(connected)) => Ok(connected.who().await?),
        (None, None) => Err(Failure::new("failed to know who decides: a directory cannot tell", "Name them with --approver.")),
    }
}

/// Where it counts from: the hub's approvalNamespaces for limits, those of the guardrails for an exception.
fn namespace(args: &Args, subject: &Subject) -> Result<String, Failure> {
    let objects = &subject.desired.objects;
    let (allowed, of): (BTreeSet<&str>, _) = if let Some(hub) = &subject.hub {
        let hub = objects.hubs.iter().find(|object| *object.meta.object.name == **hub);
        let names = hub.into_iter().flat_map(|hub| &hub.spec.approval_namespaces).map(String::as_str);
        (names.collect(), "spec.approvalNamespaces of its SecurityHub")
    } else {
        let own = subject.object.namespace.as_deref().unwrap_or_default();
        let guardrails = objects.exception_policies.iter().filter(|g| g.spec.namespaces.iter().any(|name| name == own));
        let rules = guardrails.flat_map(|guardrail| &guardrail.spec.approvals);
        (rules.flat_map(|rule| &rule.namespaces).map(String::as_str).collect(), "spec.approvals of its ExceptionPolicy")
    };
    let listed = || allowed.iter().copied().collect::<Vec<_>>().join(", ");
    match (&args.approval_namespace, allowed.len()) {
        (Some(named), _) if allowed.contains(named.as_str()) => Ok(named.clone()),
        (_, 0) => Err(Failure::new(
            format!("failed to find a namespace that an approval of {} counts from", subject.object),
            format!("Name one in {of}; without it nothing has to be, or can be, approved."),
        )),
        (Some(named), _) => Err(Failure::new(
            format!("failed to use --approval-namespace {named}: an approval there does not count"),
            format!("It counts from {} ({of}).", listed()),
        )),
        (None, 1) => Ok(listed()),
        (None, _) => Err(Failure::new(
            "failed to choose a namespace: approvals count from several",
            format!("Name one with --approval-namespace: {}.", listed()),
        )),
    }
}
