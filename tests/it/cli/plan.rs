//! `plan`: what would change and why, as a table, JSON and Markdown, and its exit codes.

use hubkeeper::local::Local;

use super::{Hub, Manifests, SMALL, against, approve, code, days, hubkeeper, local, page, reach, root, text, transcript};

const HUB: &str = "apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {name: main}
spec:
  homeRegion: eu-west-1
  limits: {maxFindings: 100, maxPercent: 100}
  approvalNamespaces: [sec-approvals]
";

fn policy(name: &str, more: &str, controls: &str) -> String {
    format!(
        "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {{name: {name}}}\nspec:\n  mode: Enforce\n{more}  rules:\n  - {{name: all, match: {{controls: [{controls}]}}, response: {{suppress: {{reason: OutOfScope}}}}}}\n"
    )
}

/// An exception and its guardrail, which asks for an approval.
fn exception() -> String {
    format!(
        "---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {{name: team-pay}}
spec:
  namespaces: {{names: [team-pay]}}
  grants: [{{accounts: [\"111122223333\"]}}]
  effects: [Accept]
  maxDays: 180
  maxFindings: 50
  approvals: [{{match: {{severities: [MEDIUM, HIGH, CRITICAL]}}, namespaces: [sec-approvals], count: 1}}]
---
apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {{name: cdn, namespace: team-pay}}
spec:
  targets: [{{controls: [S3.8], accounts: [\"111122223333\"]}}]
  reason: CompensatingControl
  justification: only through CloudFront
  owner: pay@example.com
  startsAt: \"{}\"
  expiresAt: \"{}\"
",
        days(-1),
        days(30)
    )
}

/// Five buckets without access logging, two that may be public.
async fn hub() -> Hub {
    let hub = Hub::start(Local::builder().accounts(2)).await;
    for n in 0..5 {
        hub.fail("S3.9", &format!("arn:aws:s3:::logs-{n}"));
    }
    for n in 0..2 {
        hub.fail("S3.8", &format!("arn:aws:s3:::public-{n}"));
    }
    hub
}

/// The plan in its three forms.
async fn forms(hub: &Hub, manifests: &Manifests) -> String {
    let plan = async |more: &[&str]| hub.said(manifests.path(), &[&["plan", "."][..], more].concat()).await;
    page(&[plan(&[]).await, plan(&["-o", "json"]).await, plan(&["-o", "markdown"]).await])
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_and_what_audit_would_change() {
    let hub = hub().await;
    let audit = policy("audit", "  priority: 9\n", "S3.*").replace("Enforce", "Audit");
    let manifests = Manifests::new(&[("all.yaml", &(HUB.to_owned() + &audit + &policy("logs", "", "S3.9")))]);
    insta::assert_snapshot!("plan_changes", forms(&hub, &manifests).await);
    insta::assert_snapshot!("plan_all", hub.said(manifests.path(), &["plan", ".", "--all"]).await);
    let only_audit = Manifests::new(&[("all.yaml", &(HUB.to_owned() + &audit))]);
    insta::assert_snapshot!("plan_audit", forms(&hub, &only_audit).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_over_its_limit_and_how_to_allow_it() {
    let hub = hub().await;
    let limits = "  limits: {maxFindings: 2, maxPercent: 100}\n";
    let manifests = Manifests::new(&[("all.yaml", &(HUB.to_owned() + &policy("logs", limits, "S3.9")))]);
    insta::assert_snapshot!("plan_over_limit", forms(&hub, &manifests).await);
    // What it prints works: the approval releases the changes.
    let args =
        "approve -f . ControlPolicy/logs --over-limit --action suppress --max-findings 5 --hub main --approver a --reason b";
    let args: Vec<&str> = args.split(' ').collect();
    let approval = hubkeeper(&args).current_dir(manifests.path()).output().unwrap();
    assert_eq!(code(&approval), 0, "{}", text(&approval.stderr));
    manifests.write("approval.yaml", approval.stdout);
    let after = hub.said(manifests.path(), &["plan", "."]).await;
    assert!(after.contains("\n5 changes\n--- exit code 2\n"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_that_needs_approval_has_no_effect_and_says_so_until_it_is_given() {
    let hub = hub().await;
    let manifests = Manifests::new(&[("all.yaml", &(HUB.to_owned() + &exception()))]);
    insta::assert_snapshot!("plan_needs_approval", forms(&hub, &manifests).await);
    let args = ["approve", "-f", ".", "FindingException/team-pay/cdn", "--approver", "alice", "--reason", "seen"];
    let approval = hubkeeper(&args).current_dir(manifests.path()).output().unwrap();
    manifests.write("approval.yaml", approval.stdout);
    insta::assert_snapshot!("plan_approved", hub.said(manifests.path(), &["plan", "."]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_hubs_and_one_of_them() {
    let hub = hub().await;
    let member = hub.local.organization().accounts().nth(1).unwrap().id;
    let other =
        format!("---\n{}  role: {{arn: \"arn:aws:iam::{member}:role/keeper\"}}\n  suspend: true\n", HUB.replace("main", "other"));
    let declared = HUB.to_owned() + &other + &policy("logs", "  hubs: [main]\n", "S3.9");
    let manifests = Manifests::new(&[("all.yaml", &declared)]);
    insta::assert_snapshot!("plan_several_hubs", forms(&hub, &manifests).await);
    insta::assert_snapshot!("plan_one_hub", hub.said(manifests.path(), &["plan", ".", "--hub", "other"]).await);
}

#[test]
fn nothing_to_do_is_0_and_changes_are_2_and_an_error_is_1() {
    let (_hub, url, _) = local(&["--findings", "0", "--accounts", "2", "--no-buckets"]);
    let manifests = approve::critical();
    let plan = |url: &str| code(&against(&mut hubkeeper(&["plan", manifests.given()]), url));
    assert_eq!(plan(&url), 0);
    assert_eq!(plan("http://127.0.0.1:9"), 1);
    let (_hub, url, _) = local(&SMALL);
    assert_eq!(plan(&url), 2);
}

/// The example that the README and the demo show, on the hub that they show.
#[test]
fn the_quickstart_on_a_company_of_the_generator() {
    let (_hub, url, _) = local(&[&SMALL[..], &["--start", "2026-11-01T08:00:00Z", "--seed", "7"]].concat());
    let manifests = approve::critical();
    let args = ["plan", "."];
    let output = reach(&mut hubkeeper(&args), &url).current_dir(manifests.path()).output().unwrap();
    let said = transcript(&args, &output);
    insta::assert_snapshot!("plan_quickstart", said);
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

#[test]
fn every_example_of_policies_plans_changes_on_a_hub_of_its_shape_and_that_of_exceptions_says_what_is_not_granted() {
    let role = "arn:aws:iam::111122223333:role/hubkeeper=example";
    let shape = ["--findings", "600", "--accounts", "6", "--regions", "3", "--no-buckets", "--external-id", role];
    let (_hub, url, _) = local(&shape);
    for example in std::fs::read_dir(root().join("examples")).unwrap() {
        let example = example.unwrap().path();
        let plan = against(&mut hubkeeper(&["plan", example.to_str().unwrap()]), &url);
        let said = text(&plan.stdout) + &text(&plan.stderr);
        // It has no policies, and its buckets are in no generated hub.
        let (expected, tells) = if example.ends_with("exceptions") {
            (0, "FindingException/team-pay/root (")
        } else {
            (2, "suppress (SuppressedByRule)")
        };
        assert_eq!(code(&plan), expected, "{}: {said}", example.display());
        assert!(said.contains(tells), "{said}");
    }
}
