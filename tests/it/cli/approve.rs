//! `digest` and `approve`.

use std::fs;

use super::{Manifests, code, days, page, root, run, said, text};

/// A guardrail that asks for an approval of whatever is critical, and an exception of that.
pub fn critical() -> Manifests {
    let manifests = Manifests::example("quickstart");
    let guardrail = fs::read_to_string(manifests.path().join("exceptions.yaml")).unwrap();
    let approvals = "  maxFindings: 50\n  approvals: [{match: {severities: [LOW, MEDIUM, HIGH, CRITICAL]}, namespaces: [sec-approvals], count: 1}]\n";
    let (from, to) = (days(-10), days(90));
    let guardrail = guardrail
        .replace("  maxFindings: 50\n", approvals)
        .replace("2026-11-01T00:00:00Z", &from)
        .replace("2027-01-31T00:00:00Z", &to);
    manifests.write("exceptions.yaml", guardrail);
    manifests
}

#[test]
fn digests_and_approvals_as_they_are_printed() {
    let manifests = critical();
    let of = |args: &[&str]| said(manifests.path(), args);
    let limit = ["ControlPolicy/baseline", "-f", ".", "--over-limit", "--action", "suppress", "--max-findings", "1000"];
    let who = ["--approver", "alice", "--reason", "read the plan: all of it"];
    insta::assert_snapshot!(page(&[
        of(&["digest", "-f", ".", "FindingException/team-pay/cdn"]),
        of(&[&["digest"][..], &limit, &["-o", "json"]].concat()),
        of(&[&["approve", "-f", ".", "FindingException/team-pay/cdn"][..], &who, &["--deny"]].concat()),
        of(&[&["approve"][..], &limit, &who, &["--name", "november", "--expires-at", &days(30)]].concat()),
    ]));
}

#[test]
fn what_cannot_be_approved_is_refused_with_what_can() {
    let manifests = critical();
    let of = |args: &[&str]| said(manifests.path(), args);
    let who = ["-f", ".", "--approver", "alice", "--reason", "seen"];
    let approve = |args: &[&str]| of(&[&["approve"][..], args, &who].concat());
    insta::assert_snapshot!(page(&[
        of(&["digest", "-f", ".", "cdn"]),
        of(&["digest", "-f", ".", "Account/security"]),
        of(&["digest", "-f", ".", "FindingException/team-pay/nope"]),
        of(&["digest", "-f", ".", "ControlPolicy/baseline"]),
        of(&["digest", "-f", ".", "ControlPolicy/baseline", "--over-limit", "--action", "delete", "--max-findings", "5"]),
        of(&["digest", "-f", ".", "ControlPolicy/baseline", "--over-limit"]),
        of(&[
            "digest",
            "-f",
            ".",
            "ControlPolicy/baseline",
            "--over-limit",
            "--action",
            "suppress",
            "--max-findings",
            "5",
            "--deleted"
        ]),
        approve(&["FindingException/team-pay/cdn", "--approval-namespace", "team-pay"]),
        approve(&["FindingException/team-pay/cdn", "--expires-at", "soon"]),
    ]));
}

#[test]
fn an_approval_carries_the_digest_and_is_a_valid_manifest() {
    let directory = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(root().join("examples/quickstart")).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    let manifests = directory.path().to_str().unwrap();
    let limit = ["ControlPolicy/baseline", "--over-limit", "--action", "suppress", "--max-findings", "1000"];
    let digest = run(&[&["digest", "-f", manifests][..], &limit].concat());
    let digest = text(&digest.stdout).trim().to_owned();
    let who = ["--approver", "alice", "--reason", "read the plan: all of it", "--expires-at", "2027-01-31T00:00:00Z"];
    let approval = run(&[&["approve", "-f", manifests][..], &limit, &who].concat());
    let yaml = text(&approval.stdout);
    assert!(digest.starts_with("sha256:") && yaml.contains(&digest), "{yaml}\n{}", text(&approval.stderr));
    assert!(yaml.contains("namespace: sec-approvals") && yaml.contains("maxFindings: 1000"), "{yaml}");
    fs::write(directory.path().join("approval.yaml"), yaml).unwrap();
    let validated = run(&["validate", manifests]);
    assert_eq!(code(&validated), 0, "{}", text(&validated.stdout));
    // The quickstart's guardrail asks for no approval: there is nowhere to put one.
    let exception = run(&[&["approve", "-f", manifests, "FindingException/team-pay/cdn"][..], &who].concat());
    assert_eq!(code(&exception), 1);
}
