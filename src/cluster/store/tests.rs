use serde_json::json;

use super::*;

const KIND: Kind = Kind::ControlPolicy;

/// A policy as the API server tells it.
fn policy(uid: &str, generation: i64, version: u64, matches: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": crate::api::API_VERSION,
        "kind": "ControlPolicy",
        "metadata": {"name": "p", "uid": uid, "generation": generation, "resourceVersion": version.to_string()},
        "spec": {"mode": "Enforce", "rules": [{"name": "a", "match": matches, "response": {"suppress": {"reason": "OutOfScope"}}}]},
    }))
    .unwrap()
}

fn narrow() -> Value {
    json!({"controls": ["S3.9"], "severities": ["LOW"]})
}

fn name() -> ObjectRef {
    ObjectRef::cluster(KIND, "p")
}

#[test]
fn a_state_from_before_what_is_known_is_told_apart_and_so_is_an_object_that_is_gone() {
    let store = Store::default();
    let old = |uid, generation, version| store.is_old(KIND, &policy(uid, generation, version, &narrow()));
    assert!(!old("1", 1, 7), "nothing is known");
    store.put(KIND, &policy("1", 2, 9, &narrow()));
    assert_eq!((old("1", 1, 7), old("1", 2, 8), old("1", 2, 9), old("1", 3, 11)), (true, true, false, false));
    assert!(!old("2", 1, 3), "another object of that name");
    store.remove(KIND, &name());
    assert_eq!((old("1", 3, 12), old("2", 1, 13)), (true, false));
}

#[test]
fn what_was_taken_out_of_an_object_that_nobody_changed_makes_it_unreadable_until_it_is_changed_or_whole_again() {
    let store = Store::default();
    let broken = || store.desired().broken.into_iter().map(|broken| (broken.object, broken.generation)).collect::<Vec<_>>();
    let wide = json!({"controls": ["S3.9"]});
    store.put(KIND, &policy("1", 1, 1, &narrow()));
    assert_eq!(broken(), []);
    // Twice, as when a status is written on top of it.
    for version in [2, 3] {
        store.put(KIND, &policy("1", 1, version, &wide));
        assert_eq!(broken(), [(Some(name()), 1)]);
    }
    store.begin(KIND);
    store.list(KIND, &policy("1", 1, 4, &wide));
    store.commit(KIND, &BTreeSet::new());
    assert_eq!(broken(), [(Some(name()), 1)]);
    store.put(KIND, &policy("1", 1, 5, &narrow()));
    assert_eq!(broken(), []);
    store.put(KIND, &policy("1", 2, 6, &wide));
    assert_eq!(broken(), [], "somebody means it");
}

#[test]
fn a_kind_that_may_not_be_watched_any_more_is_unreadable_until_it_may() {
    let store = Store::default();
    for kind in Kind::ALL {
        store.begin(kind);
        store.commit(kind, &BTreeSet::new());
    }
    let mut changes = store.changes();
    changes.mark_unchanged();
    store.doubt(KIND, "the connection is lost".to_owned(), false);
    assert!(!changes.has_changed().unwrap() && store.desired().broken.is_empty());
    store.doubt(KIND, "forbidden".to_owned(), true);
    assert!(changes.has_changed().unwrap());
    let desired = store.desired();
    assert_eq!((desired.complete, desired.broken.len(), &*desired.broken[0].message), (true, 1, "forbidden"));
    assert_eq!(desired.broken[0].object, None);
    changes.mark_unchanged();
    store.doubt(KIND, "forbidden".to_owned(), true);
    assert!(!changes.has_changed().unwrap(), "no news");
    store.trust(KIND);
    assert!(changes.has_changed().unwrap() && store.desired().broken.is_empty());
}

#[test]
fn what_is_declared_is_complete_once_every_kind_was_listed_to_its_end() {
    let store = Store::default();
    for kind in Kind::ALL {
        assert!(!store.desired().complete, "{kind} is not listed yet");
        store.begin(kind);
        assert!(!store.desired().complete, "the listing of {kind} only begins");
        store.commit(kind, &BTreeSet::new());
    }
    assert!(store.desired().complete);
}

#[tokio::test]
async fn of_a_status_that_was_written_the_next_who_asks_is_told_once_by_a_watch_and_by_a_listing() {
    let store = Store::default();
    let with = |version, status: &str| {
        let mut object = policy("1", 1, version, &narrow());
        object.data["status"] = json!({"state": status});
        object
    };
    store.put(KIND, &with(1, "a"));
    store.put(KIND, &with(2, "b"));
    assert_eq!(store.restated().await, BTreeSet::from([name()]));
    store.put(KIND, &with(3, "b"));
    store.begin(KIND);
    store.list(KIND, &with(4, "c"));
    store.commit(KIND, &BTreeSet::new());
    assert_eq!(store.restated().await, BTreeSet::from([name()]));
    assert!(futures::FutureExt::now_or_never(store.restated()).is_none());
}
