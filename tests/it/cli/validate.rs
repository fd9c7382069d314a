//! `validate`: everything that is wrong, at once; and directories as people have them.

use std::fs;

use super::{Manifests, code, hubkeeper, page, run, said, text};

const ACCOUNT: &str = "apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nmetadata: {name: NAME}\nspec: {id: \"111122223333\"}\n";

fn account(name: &str) -> String {
    ACCOUNT.replace("NAME", name).replace("111122223333", &id(name))
}

/// An id for each name.
fn id(name: &str) -> String {
    format!("{:012}", name.bytes().fold(1_u64, |sum, byte| sum * 31 % 1_000_000_007 + u64::from(byte)))
}

/// Wrong in every way that its schema, its rules and AWS know.
const BAD_VALUES: &str = "apiVersion: hubkeeper.dev/v1alpha1
kind: SecurityHub
metadata: {name: main}
spec:
  homeRegion: Ireland
  linkedRegions: [us-east-1, us-east-1]
  role: {arn: hubkeeper}
  apiQuotaPercent: 200
  limits: {maxFindings: 0, maxPercent: 5.5}
  syncInterval: 5m
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ControlPolicy
metadata: {name: Base_Line}
spec:
  mode: Enforced
  rules:
    - name: both
      match: {severities: [SEVERE], controls: [EC2.1*], resources: \"arn:aws:s3:::x\"}
      response: {ignore: {}, suppress: {reason: OutOfScope}}
    - name: filters
      match:
        filters:
          ResourceType: [{Value: AwsS3Bucket, Comparison: CONTAINS}]
          Title: [{Value: a, Comparison: EQUALS}, {Value: b, Comparison: NOT_EQUALS}]
      response: {suppress: {reason: Whatever}}
---
apiVersion: hubkeeper.dev/v1alpha1
kind: FindingException
metadata: {name: cdn}
spec:
  targets: [{controls: [S3.8]}]
  reason: CompensatingControl
  justification: none
  owner: pay
  startsAt: 2026-12-01
  expiresAt: tomorrow
---
apiVersion: hubkeeper.dev/v1alpha1
kind: ExceptionPolicy
metadata: {name: team}
spec:
  namespaces: {names: []}
  grants: []
  effects: [Accept, Forgive]
  maxDays: 100000
---
apiVersion: hubkeeper.dev/v1alpha1
kind: Approval
metadata: {name: yes, namespace: sec}
spec:
  subject: {kind: ControlPolicy, namespace: x, name: base}
  digest: md5:1234
  decision: Maybe
  approver: \"\"
  reason: x
---
apiVersion: hubkeeper.dev/v1alpha1
kind: Account
metadata: {name: pay}
spec: {id: 111122223333}
";

#[test]
fn bad_values_of_every_kind() {
    let manifests = Manifests::new(&[("bad.yaml", BAD_VALUES)]);
    insta::assert_snapshot!("bad_values", said(manifests.path(), &["validate", "."]));
    insta::assert_snapshot!("bad_values_json", said(manifests.path(), &["validate", ".", "-o", "json"]));
}

#[test]
fn bad_files_of_every_sort() {
    let manifests = Manifests::new(&[]);
    let huge = format!("{}{}", account("huge"), "# more\n".repeat(700_000));
    let bomb: String = ('a'..='h').zip('`'..'h').fold(String::from("a: &a [x]\n"), |text, (now, before)| match before {
        '`' => text,
        _ => format!("{text}{now}: &{now} [{}]\n", vec![format!("*{before}"); 9].join(",")),
    });
    for (name, content) in [
        ("empty.yaml", String::new()),
        ("blank.yaml", " \n\n".to_owned()),
        ("half.yaml", "apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nspec: {id: \"1111".to_owned()),
        ("tab.yaml", "apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nmetadata:\n\tname: tab\n".to_owned()),
        ("twice.yaml", account("twin") + "---\n" + &account("twin")),
        ("key.yaml", account("key") + "spec: {id: \"444455556666\"}\n"),
        ("kind.yaml", account("kind").replace("Account", "Acount")),
        ("version.yaml", account("version").replace("v1alpha1", "v1")),
        ("unnamed.yaml", account("x").replace("{name: x}", "{}")),
        ("list.yaml", "- a\n- b\n".to_owned()),
        ("bomb.yaml", bomb),
        ("cut.json", "{\"apiVersion\": \"hubkeeper.dev/v1alpha1\", \"kind\"".to_owned()),
        ("huge.yaml", huge),
    ] {
        manifests.write(name, content);
    }
    manifests.write("latin.yaml", b"apiVersion: hubkeeper.dev/v1alpha1\n# caf\xe9\n");
    std::os::unix::fs::symlink("nowhere.yaml", manifests.path().join("dangling.yaml")).unwrap();
    insta::assert_snapshot!(said(manifests.path(), &["validate", "."]));
}

#[test]
fn a_directory_as_people_have_it_is_valid() {
    let manifests = Manifests::new(&[]);
    let (swap, json) = (account("swap"), |name: &str| {
        format!(
            "{{\"apiVersion\":\"hubkeeper.dev/v1alpha1\",\"kind\":\"Account\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"id\":\"{}\"}}}}",
            id(name)
        )
    });
    for (name, content) in [
        ("crlf.yaml", account("crlf").replace('\n', "\r\n")),
        ("bom.yaml", format!("\u{feff}{}", account("bom"))),
        ("two.yaml", format!("# first\n---\n---\n{}---\n{}...\n", account("one"), account("two"))),
        ("plain.json", json("plain")),
        ("list.json", format!("{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}}", json("listed"))),
        ("sub/deep/er.yml", account("deep")),
        ("anchor.yaml", "apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nmetadata: {name: &n anchor, labels: {app: *n}}\nspec: {id: \"111122223333\"}\n".to_owned()),
        ("comment.yaml", "# nothing yet\n".to_owned()),
        ("kustomization.yaml", "resources: [crlf.yaml]\n".to_owned()),
        ("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n".to_owned()),
        (".git/config.yaml", swap.clone()),
        (".swap.yaml.swp", swap.clone()),
        ("swap.yaml~", swap.clone()),
        ("#swap.yaml#", swap.clone()),
        ("swap.yaml.bak", swap.clone()),
        ("README.md", "# Manifests\n".to_owned()),
        ("4913", swap),
    ] {
        manifests.write(name, content);
    }
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, manifests.path().join(name)).unwrap();
    link("sub", "again");
    link(".", "loop");
    link("crlf.yaml", "linked.yaml");
    insta::assert_snapshot!(said(manifests.path(), &["validate", "."]));
}

#[test]
fn what_is_not_there_is_said() {
    let manifests = Manifests::new(&[("notes.txt", "nothing\n"), ("one/hub.yaml", &account("one"))]);
    let of = |args: &[&str]| said(manifests.path(), args);
    insta::assert_snapshot!(page(&[
        of(&["validate", "nowhere"]),
        of(&["plan", "nowhere"]),
        of(&["validate"]),
        of(&["plan", "."]),
        of(&["validate", "one/hub.yaml"]),
        of(&["validate", "notes.txt"]),
        {
            fs::create_dir(manifests.path().join("none")).unwrap();
            of(&["validate", "none"])
        },
    ]));
}

#[test]
fn the_examples_are_valid() {
    for example in
        ["examples/quickstart", "examples/organization", "examples/exceptions/platform", "examples/exceptions/team-pay"]
    {
        let output = run(&["validate", example]);
        assert_eq!((code(&output), text(&output.stderr)), (0, String::new()), "{}", text(&output.stdout));
    }
}

#[test]
fn all_errors_are_said_at_once_with_file_line_field_and_what_is_allowed() {
    let directory = tempfile::tempdir().unwrap();
    let bad = "apiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {name: main}\nspec:\n  homeRegion: Ireland\n  apiQuotaPercent: 200\n";
    fs::write(directory.path().join("hub.yaml"), bad).unwrap();
    let output = hubkeeper(&["validate", "."]).current_dir(directory.path()).output().unwrap();
    assert_eq!(code(&output), 1);
    let said = text(&output.stdout);
    assert!(said.contains("hub.yaml:5: error: spec.homeRegion"), "{said}");
    assert!(said.contains("hub.yaml:6: error: spec.apiQuotaPercent"), "{said}");
    let output = hubkeeper(&["validate", ".", "-o", "json"]).current_dir(directory.path()).output().unwrap();
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((code(&output), json["errors"][0]["line"].as_u64()), (1, Some(5)));
    let plan = hubkeeper(&["plan", "."]).current_dir(directory.path()).output().unwrap();
    assert_eq!(code(&plan), 1, "manifests with errors are no plan");
}
