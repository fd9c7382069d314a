//! Objects and marks of people who want more than they were granted.

use hubkeeper::core::status::WorkflowStatus;
use hubkeeper::local::document::ControlFinding;

use super::{HUB, LATER, Replica, becomes, exception, grant, ground, hub, hub_writes, policy, rests, until};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_outside_a_grant_has_no_effect_and_names_are_of_a_kind_and_a_namespace() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let (cdn, logs) = (hub.fail("S3.8", "arn:aws:s3:::cdn"), hub.fail("S3.9", "arn:aws:s3:::logs"));
    let (key, other) = (hub.fail("IAM.1", "arn:aws:s3:::key"), hub.fail("S3.1", "arn:aws:s3:::other"));
    // Somebody else's, which "every account" means too.
    let account =
        hub.local.organization().accounts().map(|account| account.id).find(|id| *id != hub.local.administrator()).unwrap();
    let theirs = ControlFinding::failed(
        account,
        hub.local.home().clone(),
        "S3.1",
        "AwsS3Bucket",
        "arn:aws:s3:::theirs",
        hub.local.clock().now(),
    );
    assert_eq!(hub.local.import(vec![theirs.document()]).unwrap().failed_count, 0);
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &grant("team-pay", "")].concat());
    // A namespace without a grant; everything of a service, of which a part is not granted; a wildcard beyond the account.
    ground.kubectl(&["create", "namespace", "team-evil"], "");
    ground.apply(&exception("team-evil", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER));
    ground.apply(&exception("team-pay", "all", "\"S3.*\", \"IAM.*\"", "*", LATER));
    let everywhere = exception("team-pay", "everywhere", "S3.1", "*", LATER);
    ground.apply(&everywhere.replace("accounts: [\"111122223333\"], ", ""));
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    ground.says("-n team-evil findingexception/cdn", "NotGranted");
    for name in ["all", "everywhere"] {
        ground.says(&format!("-n team-pay findingexception/{name}"), "OutOfGrant");
        until("there is an event", || ground.events(name).contains("OutOfGrant"));
    }
    rests(&hub, &[&proxy], &replica);
    assert_eq!(hub_writes(&hub), 0);

    // The same name thrice: what one holds is not the others'.
    ground.apply(&[policy("cdn", "S3.9"), exception("team-pay", "cdn", "S3.8", "arn:aws:s3:::cdn", LATER)].concat());
    becomes(&hub, &cdn, "SUPPRESSED");
    becomes(&hub, &logs, "SUPPRESSED");
    let owner = |key| hub.local.finding(key).unwrap()["UserDefinedFields"]["hubkeeper.dev/owner"].as_str().map(str::to_owned);
    assert_eq!(owner(&cdn).as_deref(), Some("FindingException/team-pay/cdn"));
    assert_eq!(owner(&logs).as_deref(), Some("ControlPolicy/cdn"));
    rests(&hub, &[&proxy], &replica);
    let writes = hub_writes(&hub);
    ground.kubectl(&["delete", "findingexception", "cdn", "-n", "team-evil"], "");
    rests(&hub, &[&proxy], &replica);
    assert_eq!(hub_writes(&hub), writes);
    ground.kubectl(&["delete", "controlpolicy", "cdn"], "");
    becomes(&hub, &logs, "NEW");
    assert_eq!(hub.workflow(&cdn), "SUPPRESSED");
    for key in [&key, &other] {
        assert_eq!(hub.workflow(key), "NEW");
    }
    assert_eq!(replica.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_somebody_else_sets_gives_no_right_and_what_it_hides_is_only_given_back() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    let (real, nobody, bystander) =
        (hub.fail("S3.9", "arn:aws:s3:::a"), hub.fail("S3.7", "arn:aws:s3:::b"), hub.fail("S3.6", "arn:aws:s3:::c"));
    let proxy = ground.proxy().await;
    ground.apply(&[HUB, &policy("logs", "S3.9")].concat());
    let replica = Replica::start(&hub, &proxy, "ops", &[], &[]);
    becomes(&hub, &real, "SUPPRESSED");
    rests(&hub, &[&proxy], &replica);
    let writes = hub_writes(&hub);

    // Copied from a finding that is held: on one that somebody suppressed, and on one that nobody did.
    let marker = hub.local.finding(&real).unwrap()["UserDefinedFields"].clone();
    let fields: Vec<(&str, &str)> =
        marker.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    let mallory = hub.local.as_person("mallory");
    mallory.set_workflow(&nobody, WorkflowStatus::Suppressed).unwrap();
    for key in [&nobody, &bystander] {
        mallory.set_user_fields(key, &fields).unwrap();
    }
    // The policy would not decide the one: its suppression does not outlive the lie. The other is as it was.
    becomes(&hub, &nobody, "NEW");
    rests(&hub, &[&proxy], &replica);
    assert_eq!((hub.workflow(&bystander), hub.workflow(&real)), ("NEW".to_owned(), "SUPPRESSED".to_owned()));
    assert!(hub_writes(&hub) <= writes + 2, "{} after {writes}", hub_writes(&hub));

    // One that cannot be read freezes its finding, and is told.
    mallory.set_user_fields(&bystander, &[("hubkeeper.dev/owner", "\u{1b}[31m"), ("hubkeeper.dev/state", "held")]).unwrap();
    ground.says("securityhub/main", "MarkerUnreadable");
    assert_eq!(hub.workflow(&bystander), "NEW");
    assert!(!replica.log().contains('\u{1b}'), "{}", replica.log());
    assert_eq!(replica.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_would_move_a_terminal_or_turn_a_line_around_is_not_repeated_as_it_is() {
    let guard = ground().await;
    let (ground, hub) = (guard.as_ref().unwrap(), hub().await);
    hub.fail("S3.8", "arn:aws:s3:::cdn");
    let proxy = ground.proxy().await;
    let nasty = "\\u001b[2J\\u001b]0;owned\\u0007 \\u202egnp.exe\\r\\n2026-01-01 INFO all is well";
    let excepted = exception("team-pay", "nasty", "S3.8", "arn:aws:s3:::cdn", LATER);
    ground.apply(&[HUB, &grant("team-pay", "")].concat());
    // In every free text of an exception, and in what a message repeats: a control group that is not known.
    let free = excepted.replace("Served only through CloudFront", &format!("\"{nasty}\""));
    let taken = ground.tried(&["apply", "-f", "-"], &free);
    let group = format!(
        "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {{name: nasty}}\nspec: {{mode: Enforce, rules: [{{name: one, \
         match: {{filters: {{Title: [{{Value: \"{nasty}\", Comparison: \"{nasty}\"}}]}}}}, response: {{suppress: {{reason: OutOfScope}}}}}}]}}\n"
    );
    let told = ground.tried(&["apply", "-f", "-"], &group);
    let replica = Replica::start(&hub, &proxy, "ops", &["--log", "debug"], &[]);
    until("it is ready", || replica.is_ready());
    if told.is_ok() {
        ground.says("controlpolicy/nasty", "False");
    }
    if taken.is_ok() {
        until("the exception is looked at", || !ground.ready("-n team-pay findingexception/nasty").is_empty());
    }
    let events = ground.events("nasty");
    let statuses = ground.ready("controlpolicy/nasty") + &ground.ready("-n team-pay findingexception/nasty");
    let note = hub.local.findings_json()[0]["Note"].to_string();
    for (whose, text) in [("log", &replica.log()), ("events", &events), ("statuses", &statuses), ("note", &note)] {
        for bad in ['\u{1b}', '\u{7}', '\u{202e}'] {
            assert!(!text.contains(bad), "{whose}: {bad:?} in {text:?}");
        }
        assert!(!text.lines().any(|line| line.starts_with("2026-01-01 INFO")), "{whose}: {text}");
    }
    assert_eq!(replica.stop(), Some(0));
}
