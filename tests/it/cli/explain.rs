//! `explain`: the chain with the answer of each check, in every state that a finding may be in.

use hubkeeper::core::ids::FindingKey;
use hubkeeper::core::status::ComplianceStatus::{Failed, Passed};
use hubkeeper::core::status::WorkflowStatus::{New, Suppressed};
use hubkeeper::local::Local;
use hubkeeper::local::document::ControlFinding;
use hubkeeper::local::faults::{CallFault, Fault, Faults};

use super::{Hub, Manifests, days, page};

const RULE: &str = "{name: logs, match: {controls: [S3.9]}, response: {suppress: {reason: OutOfScope}}}";

fn hub_and(more: &str) -> String {
    format!(
        "apiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {{name: main}}\nspec:\n  homeRegion: eu-west-1\n  limits: {{maxFindings: 100, maxPercent: 100}}\n  approvalNamespaces: [sec]\n{more}"
    )
}

fn policy(name: &str, more: &str, rule: &str) -> String {
    format!(
        "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {{name: {name}}}\nspec:\n  mode: Enforce\n{more}  rules:\n  - {rule}\n"
    )
}

fn exception(from: i64, to: i64, approvals: &str) -> String {
    format!(
        "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: ExceptionPolicy\nmetadata: {{name: team}}\nspec:\n  namespaces: {{names: [team]}}\n  grants: [{{accounts: [\"111122223333\"]}}]\n  effects: [Accept]\n  maxDays: 180\n  maxFindings: 50\n{approvals}---\napiVersion: hubkeeper.dev/v1alpha1\nkind: FindingException\nmetadata: {{name: cdn, namespace: team}}\nspec:\n  targets: [{{controls: [S3.8], accounts: [\"111122223333\"]}}]\n  reason: CompensatingControl\n  justification: only through CloudFront\n  owner: pay@example.com\n  startsAt: \"{}\"\n  expiresAt: \"{}\"\n",
        days(from),
        days(to)
    )
}

struct Explained {
    hub: Hub,
    pages: Vec<String>,
}

impl Explained {
    async fn new() -> Self {
        Self { hub: Hub::start(Local::builder()).await, pages: Vec::new() }
    }

    /// Explains a finding under these manifests.
    async fn add(&mut self, title: &str, key: &FindingKey, declared: &str) {
        let manifests = Manifests::new(&[("all.yaml", declared)]);
        let short = &key.id[key.id.len() - 36..];
        let said = self.hub.said(manifests.path(), &["explain", short, "-f", "."]).await;
        // New ids are new every time.
        let ids = regex::Regex::new("finding/[0-9a-f-]{36}").unwrap();
        let said = ids.replace_all(&said, "finding/ID").replace(short, "ID");
        self.pages.push(format!("# {title}\n{said}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_declared_decides() {
    let mut explained = Explained::new().await;
    let logs = explained.hub.fail("S3.9", "arn:aws:s3:::logs");
    let public = explained.hub.fail("S3.8", "arn:aws:s3:::public");
    let one = hub_and(&policy("p", "", RULE));
    explained.add("suppressed by a rule", &logs, &one).await;
    explained.add("no match", &public, &one).await;
    explained.add("an exception in force", &public, &(hub_and("") + &exception(-1, 30, ""))).await;
    explained.add("an exception that has not begun", &public, &(hub_and("") + &exception(5, 30, ""))).await;
    explained.add("an exception that has ended", &public, &(hub_and("") + &exception(-30, -1, ""))).await;
    let approvals = "  approvals: [{namespaces: [sec], count: 1}]\n";
    explained.add("an exception that nobody approved", &public, &(hub_and("") + &exception(-1, 30, approvals))).await;
    let ignore = "{name: keep, response: {ignore: {}}}";
    explained.add("a higher policy leaves it", &logs, &(one.clone() + &policy("keep", "  priority: 9\n", ignore))).await;
    explained.add("two policies disagree", &logs, &(one.clone() + &policy("keep", "", ignore))).await;
    explained.add("a policy in Audit", &logs, &hub_and(&policy("p", "", RULE).replace("Enforce", "Audit"))).await;
    explained.add("a suspended policy", &logs, &hub_and(&policy("p", "  suspend: true\n", RULE))).await;
    insta::assert_snapshot!("explain_declared", page(&explained.pages));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_did_and_what_the_service_found() {
    let mut explained = Explained::new().await;
    let hub = &explained.hub;
    let keys: Vec<FindingKey> =
        ["byhand", "again", "passed", "archived"].map(|name| hub.fail("S3.9", &format!("arn:aws:s3:::{name}"))).into();
    let alice = hub.local.as_person("alice");
    for key in &keys[..2] {
        assert!(alice.set_workflow(key, Suppressed).unwrap().unprocessed_findings.is_empty());
    }
    let next = hub.local.recreate(&keys[1], Failed).unwrap();
    assert!(hub.local.check(&keys[2], Passed) && hub.local.archive(&keys[3]));
    let one = hub_and(&policy("p", "", RULE));
    explained.add("suppressed by hand: respected", &keys[0], &one).await;
    explained.add("the next finding of its problem: inherited", &next, &one).await;
    let revert = hub_and(
        &policy("p", "  manualSuppression: Revert\n", &RULE.replace("S3.9", "S3.1"))
            .replace("S3.1]", "S3.9], accounts: [\"444455556666\"]"),
    );
    explained.add("suppressed by hand, and no policy governs it", &keys[0], &revert).await;
    let adopt =
        (hub_and("") + &exception(-1, 30, "")).replace("[S3.8]", "[S3.9]").replace("  reason:", "  adopt: true\n  reason:");
    explained.add("an exception adopts it", &keys[0], &adopt).await;
    explained.add("passed", &keys[2], &one).await;
    explained.add("archived", &keys[3], &one).await;
    insta::assert_snapshot!("explain_people", page(&explained.pages));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_explained_by_its_marker() {
    let mut explained = Explained::new().await;
    let key = explained.hub.fail("S3.9", "arn:aws:s3:::logs");
    let undone = explained.hub.fail("S3.9", "arn:aws:s3:::undone");
    let one = hub_and(&policy("p", "", RULE));
    explained.hub.keep(&Manifests::new(&[("all.yaml", &one)])).await;
    assert_eq!(explained.hub.workflow(&key), "SUPPRESSED");
    explained.add("held", &key, &one).await;
    explained.add("held, and its policy is gone", &key, &hub_and("")).await;
    explained.add("held, and its policy no longer matches", &key, &one.replace("S3.9", "S3.8")).await;
    let people = explained.hub.local.as_person("alice");
    people.set_workflow(&undone, hubkeeper::core::status::WorkflowStatus::New).unwrap();
    explained.add("taken back by a person", &undone, &one).await;
    let broken =
        one.clone() + "---\napiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: other}\nspec: {rules: 3}\n";
    explained.add("manifests with an error", &key, &broken).await;
    insta::assert_snapshot!("explain_held", page(&explained.pages));
}

/// Two findings of one problem; a person has suppressed and reopened one after the other.
async fn answered_in_turn(hub: &Hub, manifests: &Manifests) -> [FindingKey; 2] {
    let local = &hub.local;
    let (at, home) = (local.clock().now(), local.home().clone());
    let one = ControlFinding::failed(local.administrator(), home, "S3.9", "AwsS3Bucket", "arn:aws:s3:::shared", at);
    let two = ControlFinding { uuid: "11111111-2222-4333-8444-555555555555".to_owned(), ..one.clone() };
    let keys = [&one, &two].map(|finding| FindingKey { id: finding.id(), product_arn: finding.product_arn() });
    assert_eq!(local.import(vec![one.document(), two.document()]).unwrap().failed_count, 0);
    let [first, second] = &keys;
    let alice = local.as_person("alice");
    for (key, status, inheriting) in [(first, Suppressed, second), (first, New, second), (second, Suppressed, first)] {
        assert!(alice.set_workflow(key, status).unwrap().unprocessed_findings.is_empty());
        hub.keep(manifests).await;
        assert_eq!(hub.workflow(inheriting), status.as_str());
    }
    assert!(alice.set_workflow(first, New).unwrap().unprocessed_findings.is_empty());
    keys
}

#[tokio::test(flavor = "multi_thread")]
async fn where_answers_differ_the_history_is_asked_whoever_looks() {
    let mut explained = Explained::new().await;
    let other = hub_and(&policy("p", "", &RULE.replace("S3.9", "S3.1")));
    let manifests = Manifests::new(&[("all.yaml", &other)]);
    let [first, _] = answered_in_turn(&explained.hub, &manifests).await;
    explained.add("the newest answer is to reopen it", &first, &other).await;
    // The same by the person who answered.
    let mut command = super::hubkeeper(&["explain", &first.id, "-f", manifests.given()]);
    super::reach(&mut command, &explained.hub.served.endpoint()).env("AWS_SECRET_ACCESS_KEY", "alice");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(super::text(&output.stdout).contains("leave (NoMatch)"), "{output:?}");
    let denied = CallFault::of("GetFindingHistory", Fault::AccessDenied);
    explained.hub.local.set_faults(Faults { calls: vec![denied], ..Faults::default() });
    explained.add("the history may not be read", &first, &other).await;
    insta::assert_snapshot!("explain_doubt", page(&explained.pages));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_rewriting_a_finding_is_named() {
    let mut explained = Explained::new().await;
    let hub = &explained.hub;
    let key = hub.fail("S3.9", "arn:aws:s3:::logs");
    let one = hub_and(&policy("p", "  manualSuppression: Revert\n", RULE));
    let manifests = Manifests::new(&[("all.yaml", &one)]);
    for _ in 0..3 {
        hub.keep(&manifests).await;
        assert_eq!(hub.workflow(&key), "SUPPRESSED");
        assert!(hub.local.as_person("bob").set_workflow(&key, New).unwrap().unprocessed_findings.is_empty());
    }
    explained.add("somebody undoes it for the third time", &key, &one).await;
    insta::assert_snapshot!("explain_flapping", page(&explained.pages));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_gets_the_same_as_json() {
    let hub = Hub::start(Local::builder()).await;
    hub.fail("S3.9", "arn:aws:s3:::logs");
    let manifests = Manifests::new(&[("all.yaml", &hub_and(&policy("p", "", RULE)))]);
    insta::assert_snapshot!("explain_json", hub.said(manifests.path(), &["explain", "arn:", "-f", ".", "-o", "json"]).await);
}
