//! A plan as text: grouped by who, what and why, with samples.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use crate::assembly::look::{HubPlan, Named, NoEffect, OverLimit, Owned, PlannedChange};
use crate::cli::declared::Place;
use crate::cli::out::{Out, WIDTH, count, shorten, wrap};

/// Findings shown of each group.
const SAMPLES: usize = 3;
/// Columns left for a resource.
const RESOURCE: usize = WIDTH - 6 - 14 - 12 - 14 - 3;

/// All hubs, for scripts.
#[derive(Debug, Serialize)]
pub(super) struct Plans<'a> {
    pub(super) hubs: &'a [HubPlan],
}

type Groups<'a> = BTreeMap<(&'a str, &'static str, &'static str), Vec<&'a PlannedChange>>;

/// Changes by owner, action and reason.
pub(in crate::cli) fn groups(plan: &HubPlan) -> Groups<'_> {
    let mut groups = Groups::new();
    for change in &plan.changes {
        groups.entry((change.owner.as_str(), change.action, change.reason)).or_default().push(change);
    }
    groups
}

fn audited(plan: &HubPlan) -> BTreeMap<&str, Vec<&Named>> {
    let mut policies: BTreeMap<&str, Vec<&Named>> = BTreeMap::new();
    for audited in &plan.audited {
        policies.entry(&audited.policy).or_default().push(&audited.finding);
    }
    policies
}

fn headline(plan: &HubPlan) -> String {
    let account = plan.account.as_deref().unwrap_or("?");
    format!("hub {}: account {account}, {}; {} read", plan.hub, plan.regions.join(", "), count(plan.findings, "finding"))
}

/// Who alone writes to the hub; once, if that is the same everywhere.
fn owners(plan: &HubPlan) -> Vec<String> {
    let alike = plan.owners.iter().all(|owned| Some(&owned.owner) == plan.owners.first().map(|first| &first.owner));
    let told = plan.owners.iter().take(if alike { 1 } else { usize::MAX });
    let sentence = |owned: &Owned| {
        let place = if alike { String::new() } else { format!("in {} ", owned.region) };
        let since = owned.since.as_ref().map(|since| format!(" since {since}")).unwrap_or_default();
        format!("{place}owned by {}{since}", owned.owner)
    };
    told.map(sentence).collect()
}

fn summary(plan: &HubPlan) -> String {
    let held: u64 = plan.over_limit.iter().map(|hold| hold.wanted).sum();
    let mut text = match plan.changes.len() {
        0 => "nothing to do".to_owned(),
        number => count(number, "change"),
    };
    if held > 0 {
        text = format!("{text}, {held} of them over a limit");
    }
    text
}

/// How an approval of what is planned is made.
#[derive(Debug)]
pub(super) struct Approving {
    /// By which `hubkeeper approve` reads what is planned, each with a space before it.
    flags: String,
    /// Who decides: a cluster knows it.
    who: &'static str,
    when: &'static str,
}

impl Approving {
    pub(super) fn at(place: &Place, proposed: bool) -> Self {
        let who = if matches!(place, Place::Directory(_)) { "--approver YOU " } else { "" };
        let when = if proposed { "after it has been applied" } else { "after the plan has been read" };
        Self { flags: place.flags(), who, when }
    }

    /// The command.
    fn command(&self, plan: &HubPlan, hold: &OverLimit) -> String {
        format!(
            "hubkeeper approve{} {} \\\n  --over-limit --action {} --max-findings {} --hub {} \\\n  {}--reason WHY",
            self.flags,
            hold.owner,
            if hold.action.contains(' ') { format!("'{}'", hold.action) } else { hold.action.to_owned() },
            hold.max_findings,
            plan.hub,
            self.who
        )
    }
}

fn name(finding: &Named, all: bool) -> String {
    let Named { control, account, region, resource, .. } = finding;
    let control = control.as_deref().unwrap_or("-");
    let resource = if all { resource.clone() } else { shorten(resource, RESOURCE) };
    format!("{control:<14} {account} {region:<14} {resource}")
}

/// For people, in 80 columns.
pub(super) fn table(plan: &HubPlan, all: bool, approving: &Approving, out: &mut Out) -> io::Result<()> {
    for line in wrap(&headline(plan), WIDTH) {
        out.line(out.bold(&line))?;
    }
    for owner in owners(plan) {
        out.line(out.dim(&owner))?;
    }
    if plan.suspended {
        out.line(out.yellow("suspended: nothing of this is written but expiry"))?;
    }
    let shown = |number: usize| if all { number } else { SAMPLES };
    let list = |findings: &[&Named], out: &mut Out| -> io::Result<()> {
        for finding in findings.iter().take(shown(findings.len())) {
            out.line(format_args!("      {}", name(finding, all)))?;
        }
        let more = findings.len().saturating_sub(shown(findings.len()));
        if more > 0 { out.line(out.dim(&format!("      and {more} more"))) } else { Ok(()) }
    };
    let mut owner = "";
    for ((next, action, reason), changes) in groups(plan) {
        if next != owner {
            owner = next;
            out.line("")?;
            out.line(out.bold(owner))?;
        }
        out.line(format_args!("  {:>6}  {action} ({reason})", changes.len()))?;
        let findings: Vec<&Named> = changes.iter().map(|change| &change.finding).collect();
        list(&findings, out)?;
    }
    for (policy, findings) in audited(plan) {
        out.line("")?;
        out.line(format_args!("{} in Audit would suppress {}", out.bold(policy), count(findings.len(), "finding")))?;
        list(&findings, out)?;
    }
    for hold in &plan.over_limit {
        out.line("")?;
        let what = format!("over a limit: {} of {} findings for {}", hold.action, hold.wanted, hold.owner);
        out.line(out.yellow(&what))?;
        out.line(format_args!("  {}", hold.digest))?;
        out.line(format_args!("  to allow it, {}:", approving.when))?;
        for line in approving.command(plan, hold).lines() {
            out.line(format_args!("    {line}"))?;
        }
    }
    if !plan.without_effect.is_empty() {
        out.line("")?;
        out.line(out.yellow("declared, and not acting:"))?;
        for NoEffect { object, reason, message } in &plan.without_effect {
            for (number, line) in wrap(&format!("{object} ({reason}): {message}"), WIDTH - 6).iter().enumerate() {
                out.line(format_args!("{}{line}", if number == 0 { "  " } else { "      " }))?;
            }
        }
    }
    if plan.in_doubt > 0 {
        out.line("")?;
        out.line(format_args!("{} left in doubt: see `hubkeeper explain`", count(plan.in_doubt, "finding")))?;
    }
    out.line("")?;
    out.line(out.bold(&summary(plan)))
}

/// For a pull request.
pub(super) fn markdown(plan: &HubPlan, all: bool, approving: &Approving, out: &mut Out) -> io::Result<()> {
    out.line(format_args!("### Plan of {}", cell(&headline(plan))))?;
    out.line("")?;
    out.line(format_args!(
        "**{}**{}",
        summary(plan),
        if plan.suspended { " (suspended: nothing is written but expiry)" } else { "" }
    ))?;
    out.line("")?;
    for owner in owners(plan) {
        out.line(format_args!("{}.", cell(&owner)))?;
        out.line("")?;
    }
    let groups = groups(plan);
    if !groups.is_empty() {
        out.line("| Owner | Action | Reason | Findings |")?;
        out.line("| --- | --- | --- | ---: |")?;
        for ((owner, action, reason), changes) in &groups {
            out.line(format_args!("| {} | {action} | {reason} | {} |", cell(owner), changes.len()))?;
        }
        out.line("")?;
    }
    for (policy, findings) in audited(plan) {
        out.line(format_args!("`{policy}` in Audit would suppress {}.", count(findings.len(), "finding")))?;
        out.line("")?;
    }
    for hold in &plan.over_limit {
        out.line(format_args!(
            "**Over a limit**: {} of {} findings for `{}`. To allow it, {}:",
            hold.action, hold.wanted, hold.owner, approving.when
        ))?;
        out.line(format_args!("\n```sh\n{}\n```\n", approving.command(plan, hold)))?;
    }
    for NoEffect { object, reason, message } in &plan.without_effect {
        out.line(format_args!("- {} does not act ({reason}): {}", cell(object), cell(message)))?;
    }
    if !plan.without_effect.is_empty() {
        out.line("")?;
    }
    if !groups.is_empty() {
        out.line(if all { "<details><summary>Findings</summary>" } else { "<details><summary>Samples</summary>" })?;
        out.line("")?;
        out.line("| Owner | Action | Control | Account | Region | Resource |")?;
        out.line("| --- | --- | --- | --- | --- | --- |")?;
        for ((owner, action, _), changes) in &groups {
            for change in changes.iter().take(if all { changes.len() } else { SAMPLES }) {
                let finding = &change.finding;
                let control = finding.control.as_deref().unwrap_or("-");
                let resource = cell(&finding.resource);
                let (account, region) = (&finding.account, &finding.region);
                out.line(format_args!("| {} | {action} | {} | {account} | {region} | {resource} |", cell(owner), cell(control)))?;
            }
        }
        out.line("")?;
        out.line("</details>")?;
        out.line("")?;
    }
    Ok(())
}

/// Text of others in a cell: as code, so that nothing in it is markup.
fn cell(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c == '|' || c == '`' || c.is_control() { '·' } else { c }).collect();
    if plain.contains(['<', '>', '*', '_', '[', '@', '#', '&', '!']) { format!("`{plain}`") } else { plain }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn owned(region: &str) -> Owned {
        Owned { region: region.to_owned(), owner: "one".to_owned(), since: Some("2026-12-01T08:00:00Z".to_owned()) }
    }

    fn plan() -> HubPlan {
        let finding = |n: usize| Named {
            control: Some("S3.8".to_owned()),
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            resource: format!("arn:aws:s3:::bucket-<b>{n}|x"),
            id: format!("arn:aws:securityhub:eu-west-1:111122223333:security-control/S3.8/finding/{n}"),
            product_arn: "arn:aws:securityhub:eu-west-1::product/aws/securityhub".to_owned(),
        };
        let change = |n: usize| PlannedChange {
            owner: "ControlPolicy/baseline".to_owned(),
            action: "suppress",
            reason: "SuppressedByRule",
            finding: finding(n),
            from: "NEW",
            to: "SUPPRESSED",
        };
        HubPlan {
            hub: "main".to_owned(),
            account: Some("111122223333".to_owned()),
            regions: vec!["eu-west-1".to_owned()],
            findings: 12,
            owners: vec![owned("eu-west-1"), owned("us-east-1")],
            suspended: false,
            changes: (0..5).map(change).collect(),
            over_limit: vec![OverLimit {
                owner: "ControlPolicy/baseline".to_owned(),
                action: "suppress",
                wanted: 5,
                max_findings: 5,
                digest: format!("sha256:{}", "0".repeat(64)),
            }],
            audited: Vec::new(),
            without_effect: Vec::new(),
            in_doubt: 0,
        }
    }

    fn approving() -> Approving {
        Approving::at(&Place::Directory("security".into()), false)
    }

    fn printed(render: impl FnOnce(&mut Out) -> io::Result<()>) -> String {
        let page = Page::default();
        let mut out = Out::to(page.clone());
        render(&mut out).unwrap();
        let bytes = page.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_table_groups_samples_and_says_how_to_approve() {
        let text = printed(|out| table(&plan(), false, &approving(), out));
        assert_eq!(text.matches("S3.8 ").count(), SAMPLES, "{text}");
        for line in [
            "hub main: account 111122223333, eu-west-1; 12 findings read",
            "       5  suppress (SuppressedByRule)",
            "      S3.8           111122223333 eu-west-1      arn:aws:s3:::bucket-<b>0|x",
            "      and 2 more",
            "    hubkeeper approve -f security ControlPolicy/baseline \\",
            "      --over-limit --action suppress --max-findings 5 --hub main \\",
            "      --approver YOU --reason WHY",
            "5 changes, 5 of them over a limit",
        ] {
            assert!(text.lines().any(|there| there == line), "{line}\n{text}");
        }
    }

    #[test]
    fn whose_a_hub_is_stands_in_the_plan_once_where_it_is_the_same_everywhere() {
        let owners = |plan: &HubPlan| {
            let text = printed(|out| table(plan, false, &approving(), out));
            text.lines().filter(|line| line.contains("owned by")).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut plan = plan();
        assert_eq!(owners(&plan), ["owned by one since 2026-12-01T08:00:00Z"]);
        plan.owners[1].owner = "two".to_owned();
        plan.owners[1].since = None;
        assert_eq!(owners(&plan), ["in eu-west-1 owned by one since 2026-12-01T08:00:00Z", "in us-east-1 owned by two"]);
        plan.owners.clear();
        assert_eq!(owners(&plan), Vec::<String>::new());
        plan.owners.push(Owned { owner: "<b>".to_owned(), ..owned("eu-west-1") });
        let text = printed(|out| markdown(&plan, false, &approving(), out));
        assert!(text.contains("`owned by <b> since 2026-12-01T08:00:00Z`."), "{text}");
    }

    #[test]
    fn no_line_of_a_table_is_wider_than_80_columns() {
        let text = printed(|out| table(&plan(), false, &approving(), out));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn text_of_findings_is_no_markup_in_markdown() {
        let text = printed(|out| markdown(&plan(), true, &approving(), out));
        assert!(text.contains("| `arn:aws:s3:::bucket-<b>4·x` |"), "{text}");
        assert_eq!(text.matches("bucket-").count(), 5);
    }
}
