//! What bad input gets, and that good input gets nothing.
#![expect(clippy::disallowed_methods, reason = "tests make and read directories")]

mod verdicts;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Reason;

const HUB: &str =
    "apiVersion: hubkeeper.dev/v1alpha1\nkind: SecurityHub\nmetadata: {name: main}\nspec: {homeRegion: eu-west-1}\n";
const POLICY: &str = "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: p}\nspec:\n";
const EXCEPTION: &str = "apiVersion: hubkeeper.dev/v1alpha1\nkind: FindingException\nmetadata: {name: e, namespace: t}\nspec:\n";
const REST: &str = "  reason: FalsePositive\n  justification: j\n  owner: o\n";
const DATES: &str = "  startsAt: \"2026-12-01T00:00:00Z\"\n  expiresAt: \"2027-01-31T00:00:00Z\"\n";
const TARGET: &str = "  targets: [{controls: [S3.8], accounts: [\"111122223333\"]}]\n";
const RULES: &str = "  rules: [{name: a, match: {controls: [EC2.1]}, response: {ignore: {}}}]\n";

fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = directory.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    directory
}

fn told(problems: &[Problem], directory: &Path) -> Vec<String> {
    let prefix = format!("{}/", directory.display());
    problems.iter().map(|problem| problem.to_string().replace(&prefix, "")).collect()
}

fn loaded(files: &[(&str, &str)]) -> (Loaded, Vec<String>, Vec<String>) {
    let directory = directory(files);
    let loaded = load(directory.path());
    let (errors, warnings) = (told(&loaded.verdict.errors, directory.path()), told(&loaded.verdict.warnings, directory.path()));
    (loaded, errors, warnings)
}

fn errors(text: &str) -> Vec<String> {
    loaded(&[("f.yaml", text)]).1
}

#[test]
fn every_example_is_clean() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut seen = 0;
    for entry in fs::read_dir(&examples).unwrap() {
        let directory = entry.unwrap().path();
        let Loaded { desired, verdict } = load(&directory);
        // Namespaces and bindings are told to be passed over.
        let ours = Verdict { notes: Vec::new(), ..verdict };
        assert_eq!(ours, Verdict::default(), "{}", directory.display());
        assert!(desired.complete && desired.broken.is_empty());
        let objects = &desired.objects;
        assert!(!objects.policies.is_empty() || !objects.exceptions.is_empty(), "{} declares nothing", directory.display());
        seen += 1;
    }
    assert!(seen >= 2);
}

#[test]
fn good_manifests_are_read_with_their_defaults() {
    let (loaded, errors, warnings) = loaded(&[
        ("hub.yaml", HUB),
        (
            "sub/p.yaml",
            "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: p, annotations: \
            {hubkeeper.dev/requestedAt: now}}\nspec: {rules: [{name: all, response: {suppress: {reason: OutOfScope}}}]}\n",
        ),
    ]);
    assert_eq!((errors, warnings), (vec![], vec![]));
    let hub = &loaded.desired.objects.hubs[0];
    assert_eq!((hub.spec.sync_interval_seconds, hub.spec.freshness_seconds, hub.spec.api_quota_percent), (86_400, 300, 60));
    assert_eq!((hub.spec.limits.max_findings, hub.spec.limits.max_percent), (5000, 20));
    assert!(hub.meta.origin.as_deref().unwrap().ends_with("hub.yaml:1"));
    let policy = &loaded.desired.objects.policies[0];
    assert_eq!(policy.spec.mode, crate::core::objects::Mode::Audit);
    assert_eq!(policy.spec.manual_suppression, crate::core::objects::ManualSuppression::Respect);
    assert_eq!(policy.spec.rules[0].response, crate::core::objects::Response::Suppress { reason: Reason::OutOfScope });
    assert_eq!(policy.meta.requested_at.as_deref(), Some("now"));
}

#[test]
fn a_digest_depends_on_what_is_said_and_not_on_how_it_is_written() {
    let digest = |text: &str| loaded(&[("f.yaml", text)]).0.desired.objects.hubs[0].meta.digest.clone();
    let plain = digest(HUB);
    assert!(plain.starts_with("sha256:") && plain.len() == 71);
    assert_eq!(
        plain,
        digest(&HUB.replace("{homeRegion: eu-west-1}", "{suspend: false, freshnessSeconds: 300, homeRegion: eu-west-1}"))
    );
    assert_eq!(plain, digest(&HUB.replace("{name: main}", "{name: main, labels: {a: b}}")));
    assert_ne!(plain, digest(&HUB.replace("eu-west-1", "eu-west-2")));
}

#[test]
fn a_half_written_file_freezes_and_the_others_go_on() {
    for (text, known) in [("", false), ("  \n", false), ("apiVersion: [", false), ("\u{0}\u{1}", false)] {
        let (loaded, errors, _) = loaded(&[("a.yaml", HUB), ("b.yaml", text)]);
        assert_eq!(loaded.desired.objects.hubs.len(), 1);
        assert_eq!(loaded.desired.complete, known, "{text:?}: {errors:?}");
        assert_eq!(loaded.desired.broken.len(), 1, "{text:?}");
    }
}

#[test]
fn a_cut_file_still_says_which_object_it_was() {
    let whole = format!("{EXCEPTION}{REST}{TARGET}{DATES}");
    let object = ObjectRef::namespaced(Kind::FindingException, "t", "e");
    let known_from = EXCEPTION.len();
    for cut in 1..whole.len() {
        let (loaded, errors, _) = loaded(&[("a.yaml", HUB), ("b.yaml", &whole[..cut])]);
        let desired = &loaded.desired;
        assert_eq!(desired.objects.hubs.len(), 1);
        if desired.objects.exceptions.is_empty() {
            assert_eq!(desired.broken.len(), 1, "cut at {cut}: {errors:?}");
            if cut >= known_from {
                assert_eq!(desired.broken[0].object.as_ref(), Some(&object), "cut at {cut}: {errors:?}");
            } else {
                assert!(!desired.complete || desired.broken[0].object.is_some(), "cut at {cut}");
            }
        } else {
            assert!(cut + 2 >= whole.len(), "cut at {cut} it is not whole");
        }
    }
}

#[test]
fn an_object_without_metadata_is_told_so() {
    let (_, errors, _) =
        loaded(&[("a.yaml", "apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nspec: {id: \"111122223333\"}\n")]);
    assert_eq!(errors, ["a.yaml:1: metadata: Required value"]);
}

#[test]
fn two_hubs_of_one_place_and_two_accounts_of_one_id_are_warned_of() {
    let account = |name: &str| {
        format!("apiVersion: hubkeeper.dev/v1alpha1\nkind: Account\nmetadata: {{name: {name}}}\nspec: {{id: \"111122223333\"}}\n")
    };
    let other = HUB.replace("name: main", "name: second");
    let (_, errors, warnings) =
        loaded(&[("a.yaml", HUB), ("b.yaml", &other), ("c.yaml", &account("a")), ("d.yaml", &account("b"))]);
    assert!(errors.is_empty(), "{errors:?}");
    assert!(warnings.iter().any(|text| text.contains("SecurityHub/main has the same home Region and role")), "{warnings:?}");
    assert!(warnings.iter().any(|text| text.contains("Account/a has the same id")), "{warnings:?}");
}

#[test]
fn of_a_policy_that_is_no_good_the_priority_is_still_read() {
    let policy = |spec: &str| {
        let head = "apiVersion: hubkeeper.dev/v1alpha1\nkind: ControlPolicy\nmetadata: {name: p}\n";
        let (loaded, errors, _) = loaded(&[("a.yaml", HUB), ("b.yaml", &format!("{head}{spec}"))]);
        assert_eq!(loaded.desired.broken.len(), 1, "{spec:?}: {errors:?}");
        loaded.desired.broken[0].priority
    };
    assert_eq!(policy("spec: {mode: Enforce, priority: 7, rules: []}\n"), Some(7));
    assert_eq!(policy("spec: {mode: Enforce, rules: []}\n"), Some(0), "the default");
    assert_eq!(policy("spec: {mode: Enforc, priority: 7, rules: []}\n"), Some(7), "it may be meant to enforce");
    assert_eq!(policy("spec: {mode: Audit, priority: 7, rules: []}\n"), None, "an audit comes before nobody");
    assert_eq!(policy("spec: {priority: 7, rules: []}\n"), None, "the default is Audit");
    assert_eq!(policy("spec:\n  priority: 7\n  rules: [\n"), Some(7), "of a cut file the mode may be missing");
}

#[test]
fn the_same_object_in_two_files_is_used_from_neither() {
    let (loaded, errors, _) = loaded(&[("a.yaml", HUB), ("b.yaml", &format!("# two\n{HUB}"))]);
    assert!(loaded.desired.objects.hubs.is_empty() && loaded.desired.complete);
    assert_eq!(loaded.desired.broken.len(), 2);
    assert!(loaded.desired.broken.iter().all(|broken| broken.object == Some(ObjectRef::cluster(Kind::SecurityHub, "main"))));
    assert!(errors[0].starts_with("a.yaml:1: SecurityHub/main is declared twice, here and in b.yaml:2"), "{errors:?}");
    assert!(errors[1].starts_with("b.yaml:2: SecurityHub/main is declared twice, here and in a.yaml:1"), "{errors:?}");
}

#[test]
fn hidden_backup_and_swap_files_and_other_kinds_are_passed_over() {
    let (loaded, errors, warnings) = loaded(&[
        ("hub.yaml", HUB),
        (".hub.yaml", "x: ["),
        (".hub.yaml.swp", "x"),
        ("hub.yaml~", HUB),
        ("hub.yaml.bak", HUB),
        ("hub.orig", HUB),
        ("..data/hub.yaml", HUB),
        ("notes.txt", "hello"),
        ("kustomization.yaml", "resources: [hub.yaml]\n"),
        ("config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n---\n---\n# nothing\n"),
    ]);
    assert_eq!((errors, warnings), (vec![], vec![]));
    assert!(loaded.desired.complete);
    assert_eq!(loaded.desired.objects.hubs.len(), 1);
    assert_eq!(loaded.verdict.notes.len(), 2, "{:?}", loaded.verdict.notes);
}

#[test]
fn a_missing_directory_is_incomplete_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let loaded = load(&directory.path().join("none"));
    assert!(!loaded.desired.complete);
    assert_eq!(loaded.verdict.errors.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_config_map_mount_is_read_once_and_links_in_a_circle_end() {
    use std::os::unix::fs::symlink;
    let directory = directory(&[("..2026_12_01/hub.yaml", HUB), ("sub/p.yaml", &format!("{POLICY}{RULES}"))]);
    symlink("..2026_12_01", directory.path().join("..data")).unwrap();
    symlink("..data/hub.yaml", directory.path().join("hub.yaml")).unwrap();
    symlink("..", directory.path().join("sub/up")).unwrap();
    symlink("sub", directory.path().join("again")).unwrap();
    let loaded = load(directory.path());
    assert_eq!(loaded.verdict.errors, vec![]);
    assert_eq!((loaded.desired.objects.hubs.len(), loaded.desired.objects.policies.len()), (1, 1));
    symlink("nowhere.yaml", directory.path().join("gone.yaml")).unwrap();
    assert!(!load(directory.path()).desired.complete, "a link to nothing may have been a manifest");
}

#[test]
fn hostile_files_are_refused_in_bounded_space() {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_block = (0..10_000).map(|level| " ".repeat(level) + "a:").collect::<Vec<_>>().join("\n");
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d \
                [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n";
    let many: String = (0..100_000).map(|_| "EC2.1,").collect();
    let many = format!("{POLICY}  rules: [{{name: a, match: {{controls: [{many}]}}, response: {{ignore: {{}}}}}}]\n");
    let circle = "a: &a [*a]\n";
    let huge = "x".repeat(5 * 1024 * 1024);
    let numbers = format!("{POLICY}  priority: 1e400\n{RULES}");
    let wide = format!("{POLICY}  priority: 9007199254740993000000000\n{RULES}");
    let fields = format!(
        "{POLICY}{}{RULES}",
        (0..100_000).map(|n| n.to_string() + ": 1\n  ").fold("  ".to_owned(), |all, one| all + &one).trim_end().to_owned() + "\n"
    );
    let flood = loaded(&[("f.yaml", &fields)]).1;
    assert_eq!(flood.len(), 50, "errors are bounded too");
    for text in [&deep, &deep_block, bomb, &many, circle, &huge, &numbers, &wide] {
        let (loaded, errors, _) = loaded(&[("good.yaml", HUB), ("bad.yaml", text)]);
        assert!(!errors.is_empty() && errors.len() <= 3, "{text:.80}: {errors:?}");
        assert!(errors.iter().all(|error| error.starts_with("bad.yaml") && error.len() < 600), "{errors:?}");
        assert_eq!(loaded.desired.objects.hubs.len(), 1);
    }
    assert_eq!(errors(&many), ["f.yaml:5: spec.rules[0].match.controls: Too many: 100000: must have at most 1000 items"]);
}

#[test]
fn aliases_and_merge_keys_work_as_people_use_them() {
    let text = format!(
        "{POLICY}  limits: &l {{maxFindings: 7, maxPercent: 3}}\n  rules:\n    - &r\n      name: a\n      match: {{controls: [EC2.1]}}\n      \
         response: {{ignore: {{}}}}\n    - <<: *r\n      name: b\n"
    );
    let (loaded, errors, _) = loaded(&[("f.yaml", &text)]);
    assert_eq!(errors, Vec::<String>::new());
    let rules = &loaded.desired.objects.policies[0].spec.rules;
    assert_eq!((rules[0].name.as_str(), rules[1].name.as_str()), ("a", "b"));
    assert_eq!(rules[0].matches, rules[1].matches);
}

#[test]
fn names_that_nothing_answers_to_are_warned_of() {
    let (_, errors, warnings) = loaded(&[
        ("hub.yaml", HUB),
        (
            "p.yaml",
            &format!(
                "{POLICY}  hubs: [mian]\n  scope: {{groups: [nope], standards: [fsbq], accountSelector: {{matchLabels: {{env: prod}}}}}}\n{RULES}"
            ),
        ),
        ("e.yaml", &format!("{EXCEPTION}{REST}{TARGET}{DATES}")),
    ]);
    assert_eq!(errors, Vec::<String>::new());
    let begins = [
        "e.yaml:3: metadata.namespace: no ExceptionPolicy here names the namespace \"t\": without one the exception has no effect",
        "p.yaml:5: spec.hubs[0]: no SecurityHub is named \"mian\": the policy does nothing there",
        "p.yaml:6: spec.scope.accountSelector: no Account has these labels: it matches nothing",
        "p.yaml:6: spec.scope.groups[0]: \"nope\" is not a known control group",
        "p.yaml:6: spec.scope.standards[0]: \"fsbq\" is not a known standard",
    ];
    assert_eq!(warnings.len(), begins.len(), "{warnings:#?}");
    for (warning, begin) in warnings.iter().zip(begins) {
        assert!(warning.starts_with(begin), "{warning}");
    }
}

#[test]
fn nothing_is_missed_where_something_cannot_be_read() {
    let (_, _, warnings) = loaded(&[("e.yaml", &format!("{EXCEPTION}{REST}{TARGET}{DATES}")), ("x.yaml", "")]);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn the_offline_verdict_knows_every_keyword_and_pattern_of_the_definitions() {
    fn walk(schema: &Value, found: &mut BTreeSet<String>) {
        let Some(members) = schema.as_object() else { return };
        for (keyword, value) in members {
            found.insert(keyword.clone());
            match keyword.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(|schema| walk(schema, found)),
                "items" | "additionalProperties" => walk(value, found),
                "pattern" => {
                    let pattern = value.as_str().unwrap();
                    assert!(regex::Regex::new(pattern).is_ok(), "{pattern}");
                    assert!(crate::api::schema::in_words(pattern).is_some(), "{pattern} has no words");
                }
                _ => {}
            }
        }
    }
    let mut found = BTreeSet::new();
    for crd in crate::api::all_crds() {
        let schema = crd.spec.versions[0].schema.as_ref().unwrap().open_api_v3_schema.as_ref().unwrap();
        walk(&serde_json::to_value(schema).unwrap(), &mut found);
    }
    let unknown: Vec<&String> =
        found.iter().filter(|keyword| !crate::api::judge::structure::KEYWORDS.contains(&keyword.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn an_unchanged_file_is_not_judged_again() {
    let directory = directory(&[("hub.yaml", HUB), ("p.yaml", &format!("{POLICY}{RULES}"))]);
    let mut cache = load::Cache::default();
    let first = load::assemble(&files::read(directory.path()), &mut cache);
    let before = Arc::as_ptr(cache.judged("hub.yaml", directory.path()));
    fs::write(directory.path().join("p.yaml"), format!("{POLICY}  priority: 3\n{RULES}")).unwrap();
    let second = load::assemble(&files::read(directory.path()), &mut cache);
    assert_eq!(before, Arc::as_ptr(cache.judged("hub.yaml", directory.path())));
    assert_eq!(first.desired.objects.hubs, second.desired.objects.hubs);
    assert_eq!(second.desired.objects.policies[0].spec.priority, 3);
}

#[test]
fn a_filter_that_aws_refuses_is_told_beside_whatever_else_is_wrong() {
    let rule = "  mode: enforce\n  rules:\n  - name: a\n    match: {filters: {Title: [{Value: x, Comparison: CONTAINS}]}}\n    respons: {}\n";
    let errors = errors(&format!("{POLICY}{rule}"));
    let told = |what: &str| errors.iter().any(|error| error.contains(what));
    assert!(told("spec.mode") && told("respons") && told("spec.rules[0].match.filters.Title"), "{errors:#?}");
}
