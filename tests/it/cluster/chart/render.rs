//! What the chart says, without a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};

use super::{CHART, IMAGE, helm, helmed};
use crate::cli::{code, root, text};

/// Everything that can be switched on.
const ALL: [&str; 4] = [
    "--set=serviceMonitor.enabled=true",
    "--set=serviceAccount.annotations.eks\\.amazonaws\\.com/role-arn=arn:aws:iam::111122223333:role/hubkeeper",
    "--set-json=approvals.trustedUsers=[\"system:serviceaccount:flux-system:kustomize-controller\"]",
    "--set-json=envFrom=[{\"secretRef\":{\"name\":\"aws\"}}]",
];

fn rendered(more: &[&str]) -> String {
    helmed(&[&["template", "hubkeeper", CHART, "--namespace", "hubkeeper", IMAGE][..], more].concat())
}

fn objects(rendered: &str) -> Vec<Value> {
    let documents = rendered.split("\n---\n").map(|document| document.trim_start_matches("---\n"));
    let parsed = documents.map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
    parsed.filter(|object| !object.is_null()).collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

fn file(name: &str) -> String {
    fs::read_to_string(root().join(CHART).join(name)).unwrap()
}

#[test]
fn it_passes_helms_own_lint_with_and_without_values() {
    for more in [&[][..], &[IMAGE], &[&[IMAGE][..], &ALL].concat()] {
        let output = helm(&[&["lint", "--strict", CHART][..], more].concat());
        assert_eq!(code(&output), 0, "{more:?}: {}{}", text(&output.stdout), text(&output.stderr));
    }
}

#[test]
fn the_same_values_give_the_same_objects() {
    let more = [&ALL[..], &["--set=crds.install=false"]].concat();
    let first = rendered(&more);
    assert_eq!(first, rendered(&more));
    insta::assert_snapshot!(first);
}

#[test]
fn its_definitions_are_the_generated_ones_and_outlive_the_release() {
    let generated: BTreeMap<String, String> = hubkeeper::api::crds_yaml().unwrap().into_iter().collect();
    let entries = fs::read_dir(root().join(CHART).join("files/crds")).unwrap();
    let there: BTreeMap<String, String> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    assert!(there == generated, "charts/hubkeeper/files/crds is not what src/api says: run make generate");

    let all = objects(&rendered(&[]));
    let definitions = of_kind(&all, "CustomResourceDefinition");
    assert_eq!(definitions.len(), generated.len());
    for definition in definitions {
        assert_eq!(definition["metadata"]["annotations"], json!({"helm.sh/resource-policy": "keep"}));
        // As the API server reads it: helm writes 1 where we write 1.0.
        let mut bare: CustomResourceDefinition = serde_json::from_value(definition.clone()).unwrap();
        (bare.metadata.annotations, bare.metadata.labels) = (None, None);
        let made = &generated[&format!("{}.yaml", bare.spec.names.plural)];
        assert_eq!(bare, serde_saphyr::from_str(made).unwrap());
    }
}

#[test]
fn it_has_the_version_of_the_program() {
    let chart: Value = serde_saphyr::from_str(&file("Chart.yaml")).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((chart["version"].as_str(), chart["appVersion"].as_str()), (Some(version), Some(version)));
}

#[test]
fn without_an_image_it_says_that_none_is_published() {
    let output = helm(&["template", "hubkeeper", CHART]);
    assert_ne!(code(&output), 0);
    assert!(text(&output.stderr).contains("image.repository must be set: no image is published yet"), "{}", text(&output.stderr));
}

#[test]
fn values_that_are_wrong_or_unknown_are_refused_with_their_path() {
    let refused = [
        ("--set=replica=3", "additional properties 'replica' not allowed"),
        ("--set=replicas=two", "at '/replicas': got string, want integer"),
        ("--set=lease.seconds=4", "at '/lease/seconds': minimum: got 4, want 5"),
        ("--set=lease.second=40", "at '/lease': additional properties 'second' not allowed"),
        ("--set=approvals.trustedUsers=flux", "at '/approvals/trustedUsers': got string, want array"),
        ("--set-json=approvals.trustedUsers=[\"system:*\"]", "at '/approvals/trustedUsers/0': 'system:*' does not match pattern"),
        ("--set=image.digest=sha256:12", "at '/image/digest'"),
        ("--set=log.format=xml", "at '/log/format': value must be one of 'json', 'text'"),
        ("--set=serviceAccount.annotations.a=1", "at '/serviceAccount/annotations/a': got number, want string"),
        ("--set=owner=a b", "at '/owner': 'a b' does not match pattern"),
        ("--set=rbac.create=false", "at '/rbac': additional properties 'create' not allowed"),
    ];
    for (value, said) in refused {
        let output = helm(&["template", "hubkeeper", CHART, IMAGE, value]);
        let stderr = text(&output.stderr);
        assert!(code(&output) != 0 && stderr.contains(said), "{value}: {stderr}");
    }
}

/// Paths of what a schema allows by name.
fn named(schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        if inner["properties"].is_object() {
            assert_eq!(inner["additionalProperties"], false, "{path}");
            named(inner, &path, into);
        } else {
            into.insert(path);
        }
    }
}

/// Paths of what values have, as deep as the schema names them.
fn given(values: &Value, schema: &Value, path: &str, into: &mut BTreeSet<String>) {
    for (name, inner) in values.as_object().into_iter().flatten() {
        let (path, schema) = (format!("{path}.{name}"), &schema["properties"][name]);
        if schema["properties"].is_object() {
            given(inner, schema, &path, into);
        } else {
            into.insert(path);
        }
    }
}

#[test]
fn every_value_has_a_default_a_schema_and_a_comment() {
    let (values, schema): (Value, Value) =
        (serde_saphyr::from_str(&file("values.yaml")).unwrap(), serde_json::from_str(&file("values.schema.json")).unwrap());
    let (mut with_default, mut with_schema) = (BTreeSet::new(), BTreeSet::new());
    given(&values, &schema, "", &mut with_default);
    named(&schema, "", &mut with_schema);
    // Helm itself hands it to a chart that lies in another.
    with_schema.remove(".global");
    assert_eq!(with_default, with_schema);

    let page = file("values.yaml");
    for (line, before) in page.lines().skip(1).zip(page.lines()) {
        let gives = !line.trim().is_empty() && !line.trim_start().starts_with('#') && !line.ends_with(':');
        assert!(!gives || before.trim_start().starts_with("# "), "values.yaml: nothing says what this is: {line}");
    }
}

#[test]
fn no_rule_has_a_wildcard_a_secret_or_a_way_to_more_rights() {
    let all = objects(&rendered(&ALL));
    let roles = [of_kind(&all, "ClusterRole"), of_kind(&all, "Role")].concat();
    assert_eq!(roles.len(), 5);
    for role in roles {
        let name = &role["metadata"]["name"];
        for rule in role["rules"].as_array().unwrap() {
            let words = |key: &str| -> BTreeSet<&str> {
                rule[key].as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
            };
            let (groups, resources, verbs) = (words("apiGroups"), words("resources"), words("verbs"));
            let known = BTreeSet::from(["", "hubkeeper.dev", "events.k8s.io", "coordination.k8s.io"]);
            assert!(groups.is_subset(&known), "{name}: {groups:?}");
            assert!(!resources.iter().any(|resource| resource.contains('*') || resource.contains("secret")), "{name}");
            let forbidden = BTreeSet::from(["*", "escalate", "bind", "impersonate"]);
            assert!(verbs.is_disjoint(&forbidden), "{name}: {verbs:?}");
            // Of the core group nothing but which cluster this is.
            let identity = (BTreeSet::from(["namespaces"]), BTreeSet::from(["kube-system"]), BTreeSet::from(["get"]));
            assert!(!groups.contains("") || (resources.clone(), words("resourceNames"), verbs.clone()) == identity, "{name}");
            // Who edits does not approve: only a role that no other takes in may write Approvals.
            let writes = verbs.intersection(&BTreeSet::from(["create", "update", "patch", "delete"])).next().is_some();
            let labels = role["metadata"]["labels"].as_object().unwrap();
            let aggregated = labels.keys().any(|label| label.contains("aggregate-to"));
            assert!(!(writes && aggregated && resources.contains("approvals")), "{name}");
        }
    }
}

#[test]
fn what_is_optional_can_be_switched_on_and_off() {
    let kinds = |more: &[&str]| -> BTreeSet<String> {
        objects(&rendered(more)).iter().map(|object| object["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert!(!kinds(&[]).contains("ServiceMonitor") && kinds(&ALL).contains("ServiceMonitor"));
    assert!(!kinds(&["--set=crds.install=false"]).contains("CustomResourceDefinition"));
    assert!(!kinds(&["--set=podDisruptionBudget.enabled=false"]).contains("PodDisruptionBudget"));
    assert!(!kinds(&["--set=serviceAccount.create=false"]).contains("ServiceAccount"));
    assert!(!rendered(&["--set=crds.keep=false"]).contains("helm.sh/resource-policy"));
    assert!(!rendered(&["--set=rbac.aggregate=false"]).contains("aggregate-to"));
    let digest = format!("sha256:{}", "0".repeat(64));
    let pinned = rendered(&[&format!("--set=image.digest={digest}"), "--set=image.tag=v1"]);
    assert!(pinned.contains(&format!("image: registry.example.com/hubkeeper@{digest}\n")));
    // With a name of its own nobody asks which cluster it is.
    let owned = rendered(&["--set=owner=prod/eu"]);
    let asks = |page: &str| page.contains("resourceNames: [kube-system]");
    assert!(owned.contains("\"--owner=prod/eu\"") && !asks(&owned));
    assert!(!rendered(&[]).contains("--owner") && asks(&rendered(&[])));
    // One ServiceAccount that is there: everything is bound to it.
    let named = objects(&rendered(&["--set=serviceAccount.create=false", "--set=serviceAccount.name=other"]));
    for binding in [of_kind(&named, "ClusterRoleBinding"), of_kind(&named, "RoleBinding")].concat() {
        assert_eq!(binding["subjects"][0]["name"], "other");
    }
    assert_eq!(of_kind(&named, "Deployment")[0]["spec"]["template"]["spec"]["serviceAccountName"], "other");
}
