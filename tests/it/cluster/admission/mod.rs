//! Admission: for every rule and bound of the definitions the API server refuses the bad and takes the good, and so does the verdict
//! without a cluster. One table drives both, and is complete: what the definitions have and no case is of, fails.

mod goods;
mod other_versions;
mod table;
mod walk;

use std::collections::BTreeSet;

use futures::StreamExt as _;
use hubkeeper::api::judge::judge;
use hubkeeper::cluster::resource::resource;
use hubkeeper::core::ids::Kind;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams};
use kube::core::Status;
use kube::{Api, Client};
use serde_json::{Value, json};

use self::goods::good;
use super::{admin, controllers};

/// One mistake.
pub struct Case {
    what: String,
    bad: Value,
    says: Vec<Says>,
    /// The nearest that is no mistake, where that is not the good manifest itself.
    good: Option<Value>,
}

/// What a person reads.
pub struct Says {
    field: String,
    server_field: String,
    server: String,
    offline: String,
}

impl Says {
    fn new(field: &str, server: &str, offline: &str) -> Self {
        Self { field: field.to_owned(), server_field: field.to_owned(), server: server.to_owned(), offline: offline.to_owned() }
    }
}

fn kind_of(object: &Value) -> Kind {
    object["kind"].as_str().unwrap().parse().unwrap()
}

fn api(client: &Client, kind: Kind) -> Api<DynamicObject> {
    if kind.is_namespaced() {
        Api::namespaced_with(client.clone(), "default", &resource(kind))
    } else {
        Api::all_with(client.clone(), &resource(kind))
    }
}

/// As kubectl creates it, on trial: what the API server refuses, or nothing.
async fn created(client: &Client, object: &Value) -> Option<Status> {
    let kind = kind_of(object);
    let scope = if kind.is_namespaced() { "namespaces/default/" } else { "" };
    let path = format!("/apis/hubkeeper.dev/v1alpha1/{scope}{}?dryRun=All&fieldValidation=Strict", resource(kind).plural);
    let request = http::Request::post(path).header("content-type", "application/json");
    match client.request::<Value>(request.body(object.to_string().into_bytes()).unwrap()).await {
        Ok(_) => None,
        Err(kube::Error::Api(status)) => Some(*status),
        Err(other) => panic!("{other}"),
    }
}

/// What it says of each field. Unknown fields have no cause of their own.
fn told(status: &Status) -> Vec<(String, String)> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let mut told = Vec::new();
    for cause in causes {
        // A whole object that is wrong is named in the message.
        let named = cause.message.split('"').nth(3).filter(|_| cause.field == "<nil>");
        told.push((named.unwrap_or(&cause.field).to_owned(), cause.message.clone()));
    }
    for unknown in status.message.split("unknown field ").skip(1) {
        let field = unknown.split('"').nth(1).unwrap();
        told.push((field.to_owned(), "unknown field".to_owned()));
    }
    told
}

/// Everything about a case that is not as it should be.
async fn wrong(client: &Client, case: &Case) -> Vec<String> {
    let mut wrong = Vec::new();
    let has =
        |all: &[(String, String)], field: &str, says: &str| all.iter().any(|(at, message)| at == field && message.contains(says));
    match created(client, &case.bad).await {
        None => wrong.push(format!("{}: the API server takes the bad", case.what)),
        Some(status) => {
            let told = told(&status);
            for says in &case.says {
                if !has(&told, &says.server_field, &says.server) {
                    wrong.push(format!(
                        "{}: the API server does not say {:?} of {}: {told:?} {}",
                        case.what, says.server, says.server_field, status.message
                    ));
                }
            }
        }
    }
    match judge(kind_of(&case.bad), &case.bad) {
        Ok(_) => wrong.push(format!("{}: the offline verdict takes the bad", case.what)),
        Err(errors) => {
            let told: Vec<_> = errors.into_iter().map(|error| (error.path, error.message)).collect();
            for says in &case.says {
                if !has(&told, &says.field, &says.offline) {
                    wrong.push(format!(
                        "{}: the offline verdict does not say {:?} of {}: {told:?}",
                        case.what, says.offline, says.field
                    ));
                }
            }
        }
    }
    if let Some(good) = &case.good {
        if let Some(status) = created(client, good).await {
            wrong.push(format!("{}: the API server refuses the good: {}", case.what, status.message));
        }
        if let Err(errors) = judge(kind_of(good), good) {
            wrong.push(format!("{}: the offline verdict refuses the good: {errors:?}", case.what));
        }
    }
    wrong
}

async fn all_right(cases: &[Case]) {
    let client = admin().await;
    let wrong: Vec<String> = futures::stream::iter(cases).map(|case| wrong(&client, case)).buffered(8).concat().await;
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_kind_is_taken_with_every_field_that_it_has() {
    let client = admin().await;
    for kind in Kind::ALL {
        assert!(created(&client, &good(kind)).await.is_none(), "{kind}");
        assert!(judge(kind, &good(kind)).is_ok(), "{kind}");
    }
}

#[tokio::test]
async fn every_bound_is_kept_by_the_api_server_and_by_the_verdict_without_it() {
    let cases: Vec<Case> = Kind::ALL.into_iter().flat_map(walk::cases).collect();
    assert!(cases.len() > 800, "{}", cases.len());
    all_right(&cases).await;
}

#[tokio::test]
async fn every_rule_is_kept_by_the_api_server_and_by_the_verdict_without_it() {
    let (of, cases): (Vec<_>, Vec<_>) = table::cases().into_iter().unzip();
    let tested: BTreeSet<_> = of.into_iter().chain(table::changes().into_iter().map(|(rule, ..)| rule)).collect();
    let there: BTreeSet<_> = table::rules().into_iter().collect();
    assert_eq!(
        there.symmetric_difference(&tested).collect::<Vec<_>>(),
        Vec::<&table::Rule>::new(),
        "rules without cases, or cases without rules"
    );
    all_right(&cases).await;
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_when_somebody_does() {
    // What is stored is kept by any controller that runs.
    let _one = controllers().await;
    let client = admin().await;
    for (rule, field, bad, neighbour) in table::changes() {
        let kind: Kind = rule.kind.parse().unwrap();
        let (api, name) = (api(&client, kind), format!("change-{}", rule.kind.to_lowercase()));
        let mut object = good(kind);
        object["metadata"]["name"] = name.clone().into();
        api.create(&PostParams::default(), &serde_json::from_value(object).unwrap()).await.unwrap();
        let patched = async |spec: Value| api.patch(&name, &PatchParams::default(), &Patch::Merge(json!({"spec": spec}))).await;
        let Err(kube::Error::Api(status)) = patched(bad).await else { panic!("{rule:?} is not kept") };
        assert!(told(&status).iter().any(|(at, message)| at == field && message.contains(&rule.message)), "{status:?}");
        if let Some(neighbour) = neighbour {
            patched(neighbour).await.unwrap();
        }
        api.delete(&name, &DeleteParams::default()).await.unwrap();
    }
}

#[tokio::test]
async fn what_only_aws_can_refuse_is_taken_by_the_api_server_and_refused_by_us() {
    let client = admin().await;
    for kind in Kind::ALL {
        let mut matches = Vec::new();
        walk::places(kind, &mut |place| {
            if place.schema.pointer("/properties/filters").is_some() {
                matches.push((place.pointer.clone(), place.field.clone()));
            }
        });
        for (pointer, around) in matches {
            for (name, value, field, says) in table::SLIPS {
                let bad = walk::with(kind, &format!("{pointer}/{name}"), serde_json::from_str(value).unwrap());
                assert!(created(&client, &bad).await.is_none(), "{bad}");
                let errors = judge(kind, &bad).expect_err(value);
                let field = format!("{around}.{field}");
                assert!(
                    errors.iter().any(|error| error.path.starts_with(&field) && error.message.contains(says)),
                    "{field}: {errors:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn names_and_labels_are_judged_as_the_api_server_does() {
    let mut cases = Vec::new();
    let mut case = |pointer: &str, field: &str, bad: Value, neighbour: Value| {
        let (bad, good) = (walk::with(Kind::Account, pointer, bad), walk::with(Kind::Account, pointer, neighbour));
        cases.push(Case {
            what: format!("{field} {bad}"),
            bad,
            says: vec![Says { server_field: field.split('.').take(2).collect::<Vec<_>>().join("."), ..Says::new(field, "", "") }],
            good: Some(good),
        });
    };
    for (bad, good) in [("Main", "main"), ("a..b", "a.b"), ("a.-b", "a.b-c"), ("-a", "a-b"), ("a_b", "0"), ("ä", "a")] {
        case("/metadata/name", "metadata.name", json!(bad), json!(good));
    }
    case("/metadata/name", "metadata.name", json!("a".repeat(254)), json!("a".repeat(253)));
    for (bad, good) in [("a b", "a"), ("-a", ""), ("a/b", "A_b.c-d")] {
        case("/metadata/labels", "metadata.labels.env", json!({"env": bad}), json!({"env": good}));
    }
    case("/metadata/labels", "metadata.labels.env", json!({"env": "a".repeat(64)}), json!({"env": "a".repeat(63)}));
    all_right(&cases).await;
}
