//! The sentence that each mistake gets.

use super::*;

#[test]
fn a_bad_manifest_gets_a_sentence_with_file_line_field_and_what_is_allowed() {
    let policy = |rest: &str| format!("{POLICY}{rest}");
    let exception = |rest: &str| format!("{EXCEPTION}{REST}{rest}");
    let rule =
        |matches: &str| format!("{POLICY}  rules:\n    - name: a\n      match: {matches}\n      response: {{ignore: {{}}}}\n");
    let table: Vec<(String, &[&str])> = vec![
        (
            policy(&format!("  mode: enforce\n{RULES}")),
            &[r#"f.yaml:5: spec.mode: Unsupported value: "enforce": supported values: "Audit", "Enforce""#],
        ),
        (
            policy(&format!("  mod: Audit\n{RULES}")),
            &["f.yaml:5: spec.mod: unknown field: did you mean mode? allowed: deletionPolicy, hubs, limits, manualSuppression, \
               mode, priority, rules, scope, suspend"],
        ),
        (
            policy(&format!("  priority: \"7\"\n{RULES}")),
            &[r#"f.yaml:5: spec.priority: Invalid value: "7": must be of type integer, not string: write it without quotes"#],
        ),
        (
            policy(&format!("  limits: {{maxFindings: 0, maxPercent: 101}}\n{RULES}")),
            &[
                "f.yaml:5: spec.limits.maxFindings: Invalid value: 0: should be greater than or equal to 1",
                "f.yaml:5: spec.limits.maxPercent: Invalid value: 101: should be less than or equal to 100",
            ],
        ),
        (
            policy("  mode: Audit\n"),
            &[
                "f.yaml:4: spec.rules: Required value: for example [{name: availability, match: {categories: [Resilience]}, response: \
               {suppress: {reason: OutOfScope}}}]",
            ],
        ),
        (policy("  rules: []\n"), &["f.yaml:5: spec.rules: Invalid value: 0 items: should have at least 1"]),
        (
            policy("  rules: [{name: a, response: {}}]\n"),
            &["f.yaml:5: spec.rules[0].response: Invalid value: must have exactly one of suppress, ignore, and has none"],
        ),
        (
            policy("  rules: [{name: a, response: {ignore: {}, suppress: {reason: OutOfScope}}}]\n"),
            &[
                "f.yaml:5: spec.rules[0].response: Invalid value: must have exactly one of suppress, ignore, and has suppress and \
               ignore",
            ],
        ),
        (
            policy("  rules: [{name: a, response: {notify: {}}}]\n"),
            &[
                "f.yaml:5: spec.rules[0].response: Invalid value: must have exactly one of suppress, ignore, and has none",
                "f.yaml:5: spec.rules[0].response.notify: unknown field: allowed: ignore, suppress",
            ],
        ),
        (
            policy("  rules: [{name: a, response: {suppress: {}}}]\n"),
            &["f.yaml:5: spec.rules[0].response.suppress.reason: Required value: for example OutOfScope"],
        ),
        (
            policy("  rules:\n  - {name: a, response: {ignore: {}}}\n  - {name: a, response: {ignore: {}}}\n"),
            &["f.yaml:5: spec.rules: Invalid value: rules must have distinct names."],
        ),
        (
            rule("{controls: [EC2, S3.8, \"*\"]}"),
            &[
                "f.yaml:7: spec.rules[0].match.controls[0]: Invalid value: \"EC2\": should be a security control id such as EC2.13, \
                 or EC2.* for all controls of a service",
                "f.yaml:7: spec.rules[0].match.controls[2]: Invalid value: \"*\": should be a security control id such as EC2.13, \
                 or EC2.* for all controls of a service",
            ],
        ),
        (
            rule("{controls: []}"),
            &["f.yaml:7: spec.rules[0].match.controls: Invalid value: 0 items: should have at least 1, or leave the field out"],
        ),
        (
            rule("{controls: }"),
            &["f.yaml:7: spec.rules[0].match.controls: Invalid value: null: give it a value, or remove the field"],
        ),
        (
            rule("{accounts: [111122223333]}"),
            &[
                "f.yaml:7: spec.rules[0].match.accounts[0]: Invalid value: 111122223333: must be of type string, not integer: put it in \
               quotes",
            ],
        ),
        (
            rule("{accounts: [\"12\"]}"),
            &[
                "f.yaml:7: spec.rules[0].match.accounts[0]: Invalid value: \"12\": should be twelve digits, quoted in YAML so that \
               leading zeros stay",
            ],
        ),
        (
            rule("{severities: [High]}"),
            &[
                "f.yaml:7: spec.rules[0].match.severities[0]: Unsupported value: \"High\": supported values: \"CRITICAL\", \"HIGH\", \
               \"MEDIUM\", \"LOW\", \"INFORMATIONAL\"",
            ],
        ),
        (
            rule("{categories: [Resilence]}"),
            &["f.yaml:7: spec.rules[0].match.categories[0]: Invalid value: \"Resilence\" is not a known category; did you mean \
               \"Resilience\"?"],
        ),
        (
            rule("{filters: {Title: [{Value: x, Comparison: CONTAINS}]}}"),
            &[
                "f.yaml:7: spec.rules[0].match.filters.Title[0].Comparison: Invalid value: CONTAINS works only in automation rules, not with GetFindings: use one of EQUALS, PREFIX, NOT_EQUALS, PREFIX_NOT_EQUALS",
            ],
        ),
        (
            rule("{accountSelector: {matchExpressions: [{key: env, operator: In}]}}"),
            &[
                "f.yaml:7: spec.rules[0].match.accountSelector.matchExpressions[0]: Invalid value: values must be given for In and \
               NotIn, and not for Exists and DoesNotExist.",
            ],
        ),
        (
            exception(&format!("{DATES}  targets: [{{regions: [eu-west-1]}}]\n")),
            &[
                "f.yaml:10: spec.targets[0]: Invalid value: a target must name accounts, accountSelector or resources: an exception is of something \
                 somewhere.",
                "f.yaml:10: spec.targets[0]: Invalid value: a target must name controls or generators: an exception is of something.",
            ],
        ),
        (
            exception(&format!("{TARGET}  startsAt: \"2027-02-01T00:00:00Z\"\n  expiresAt: \"2027-01-31T00:00:00Z\"\n")),
            &["f.yaml:10: spec.expiresAt: Invalid value: expiresAt must be later than startsAt."],
        ),
        (
            exception(&format!("{TARGET}  startsAt: 2026-12-01\n  expiresAt: \"2027-01-31T00:00:00+25:00\"\n")),
            &[
                "f.yaml:9: spec.startsAt: Invalid value: \"2026-12-01\": should be an RFC 3339 time with a time zone, as in \
                 \"2026-12-01T00:00:00Z\"",
                "f.yaml:10: spec.expiresAt: Invalid value: \"2027-01-31T00:00:00+25:00\": should be an RFC 3339 time with a time \
                 zone, as in \"2026-12-01T00:00:00Z\"",
            ],
        ),
        (
            exception(&format!("{TARGET}  startsAt: \"2026-12-01T00:00:00Z\"\n")),
            &["f.yaml:4: spec.expiresAt: Required value: for example \"2027-01-31T00:00:00Z\""],
        ),
        (
            exception(&format!("{TARGET}  startsAt: \"2026-12-01T00:00:00Z\"\n  expiresAt: \"2027-02-30T00:00:00Z\"\n")),
            &[
                "f.yaml:10: spec.expiresAt: Invalid value: \"2027-02-30T00:00:00Z\" is not a time: write it as RFC 3339 with a time \
               zone, as in \"2026-12-01T00:00:00Z\" or \"2026-12-01T09:00:00+09:00\"",
            ],
        ),
        (
            "apiVersion: hubkeeper.dev/v1alpha1\nkind: Approval\nmetadata: {name: a, namespace: s}\nspec:\n  subject: {kind: \
             ControlPolicy, namespace: x, name: p}\n  digest: sha256:12\n  decision: Yes\n  approver: a\n  reason: r\n"
                .to_owned(),
            &[
                "f.yaml:5: spec.subject: Invalid value: subject.namespace must be given for a FindingException, and not for a \
                 cluster-scoped kind.",
                "f.yaml:6: spec.digest: Invalid value: \"sha256:12\": should be sha256: and 64 hexadecimal digits, as hubkeeper \
                 digest prints it",
                "f.yaml:7: spec.decision: Invalid value: true: must be of type string, not boolean: put it in quotes",
            ],
        ),
        (
            HUB.replace("{homeRegion: eu-west-1}", "{homeRegion: Ireland, linkedRegions: [eu-west-1, eu-west-1]}"),
            &[
                "f.yaml:4: spec.homeRegion: Invalid value: \"Ireland\": should be an AWS Region code such as eu-west-1",
                "f.yaml:4: spec.linkedRegions: Invalid value: linkedRegions must name each Region once.",
            ],
        ),
        (
            HUB.replace("{homeRegion: eu-west-1}", "{homeRegion: eu-west-1, linkedRegions: [eu-west-1]}"),
            &["f.yaml:4: spec.linkedRegions: Invalid value: linkedRegions must not name the home Region: it is always kept."],
        ),
        (
            HUB.replace("{homeRegion: eu-west-1}", "{homeRegion: eu-west-1, linkedRegions: [us-east-1, us-east-1]}"),
            &["f.yaml:4: spec.linkedRegions: Invalid value: linkedRegions must name each Region once."],
        ),
        (
            EXCEPTION.replace(", namespace: t", "") + REST + TARGET + DATES,
            &["f.yaml:3: metadata.namespace: Required value: for example team-pay"],
        ),
        (
            HUB.replace("name: main", "name: Main"),
            &["f.yaml:3: metadata.name: Invalid value: \"Main\": should be lower case letters, digits, \
            dashes and dots, beginning and ending with a letter or digit"],
        ),
        (
            HUB.replace("v1alpha1", "v1"),
            &["f.yaml:1: apiVersion: Unsupported value: \"hubkeeper.dev/v1\": supported values: \"hubkeeper.dev/v1alpha1\""],
        ),
        (
            HUB.replace("SecurityHub", "SecurityHubs"),
            &["f.yaml:2: kind: Unsupported value: \"SecurityHubs\": supported values: SecurityHub, Account, ControlPolicy, \
               FindingException, ExceptionPolicy, Approval"],
        ),
        ("metadata: {name: main}\n".to_owned(), &["f.yaml:1: apiVersion: Required value: for example hubkeeper.dev/v1alpha1"]),
        ("just a text\n".to_owned(), &["f.yaml:1: is not an object: an object begins with apiVersion and kind"]),
        (format!("{HUB}spec: {{}}\n"), &["f.yaml:5: key \"spec\" is given twice: the first time in line 4"]),
        (String::new(), &["f.yaml: is empty: an empty file counts as half-written; delete it, or write something into it"]),
    ];
    let mut wrong = Vec::new();
    for (text, wanted) in table {
        let found = errors(&text);
        if found != wanted {
            wrong.push(format!("{text}\nfound  {found:#?}\nwanted {wanted:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn all_errors_of_all_files_are_told_at_once() {
    let (loaded, errors, _) = loaded(&[
        (
            "a.yaml",
            &format!(
                "{POLICY}  mode: x\n  extra: 1\n  rules: [{{name: a, match: {{categories: [Nope]}}, response: {{ignore: {{}}}}}}]\n"
            ),
        ),
        (
            "b.json",
            r#"{"apiVersion": "hubkeeper.dev/v1alpha1", "kind": "Account", "metadata": {"name": "a"}, "spec": {"id": 1}}"#,
        ),
        ("c.yml", HUB),
    ]);
    assert_eq!(errors.len(), 4, "{errors:#?}");
    assert!(errors.iter().any(|error| error.starts_with("a.yaml:7: spec.rules[0].match.categories[0]")), "{errors:#?}");
    assert_eq!(loaded.desired.objects.hubs.len(), 1);
    assert!(loaded.desired.complete, "the broken objects are known by name");
}
