//! From files to desired state: documents, lists, identities, duplicates.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::files::{self, File, Files};
use super::problem::{Problem, Verdict};
use super::warnings;
use super::yaml::{self, Data, Document, Node};
use crate::api::judge::{Declared, compares, judge, judge_change};
use crate::api::parse::FieldError;
use crate::api::{API_VERSION, GROUP};
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::{Broken, Desired};

/// Largest object: the API server's store takes 1.5 MiB, with what it adds.
const MAX_OBJECT_BYTES: usize = 1024 * 1024;

/// A directory, read and judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// The desired state.
    pub desired: Desired,
    /// What there is to say about it.
    pub verdict: Verdict,
}

/// Reads a directory (or one file) and judges everything in it.
pub fn load(directory: &Path) -> Loaded {
    let mut cache = Cache::default();
    assemble(&files::read(directory), &mut cache)
}

/// What was known when the files were last read.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// What each file said: one that did not change is not judged again.
    files: BTreeMap<String, (Arc<str>, Arc<Judged>)>,
    /// The last good version of every object of which something cannot be changed.
    versions: BTreeMap<ObjectRef, Value>,
}

#[cfg(test)]
impl Cache {
    pub(super) fn judged(&self, name: &str, directory: &Path) -> &Arc<Judged> {
        &self.files[&directory.join(name).display().to_string()].1
    }
}

/// One file, judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Judged {
    objects: Vec<(Declared, Node)>,
    broken: Vec<Unusable>,
    notes: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// What is no object, or none that can be used.
#[derive(Debug, Clone, Default, PartialEq)]
struct Unusable {
    /// If that much could be read.
    object: Option<ObjectRef>,
    /// See [`Broken::priority`].
    priority: Option<i32>,
    /// At least one.
    problems: Vec<Problem>,
}

/// Puts judged files together.
pub(super) fn assemble(files: &Files, cache: &mut Cache) -> Loaded {
    let mut verdict = Verdict { notes: files.notes.clone(), ..Verdict::default() };
    let mut desired = Desired { complete: files.unlisted.is_empty(), ..Desired::default() };
    for problem in &files.unlisted {
        desired.broken.push(broken(None, None, problem));
        verdict.errors.push(problem.clone());
    }
    let mut fresh = BTreeMap::new();
    // Object to the places where it is declared.
    let mut places: BTreeMap<ObjectRef, Vec<Place>> = BTreeMap::new();
    for file in &files.all {
        let judged = judged(file, cache);
        if let Ok(text) = &file.text {
            fresh.insert(file.name.clone(), (Arc::clone(text), Arc::clone(&judged)));
        }
        verdict.notes.extend(judged.notes.iter().cloned());
        verdict.warnings.extend(judged.warnings.iter().cloned());
        for (declared, node) in &judged.objects {
            let mut declared = declared.clone();
            let meta = declared.meta_mut();
            meta.origin = Some(format!("{}:{}", file.name, node.line).into());
            let place =
                Place { file: file.name.clone(), line: node.line, found: Found::Whole(Box::new((declared, node.clone()))) };
            places.entry(place.object()).or_default().push(place);
        }
        for Unusable { object, priority, problems } in &judged.broken {
            verdict.errors.extend(problems.iter().cloned());
            let Some(first) = problems.first() else { continue };
            if let Some(object) = object {
                let found = Found::Broken { object: object.clone(), priority: *priority, message: told(problems) };
                places.entry(object.clone()).or_default().push(Place { file: first.file.clone(), line: first.line, found });
            } else {
                desired.complete = false;
                let (origin, message) = (first.place().into(), told(problems).into());
                desired.broken.push(Broken { object: None, origin, message, priority: *priority, generation: 0 });
            }
        }
    }
    if files.all.is_empty() && files.unlisted.is_empty() {
        let message = "holds no manifests: they end in .yaml, .yml or .json".to_owned();
        verdict.notes.push(Problem { file: files.root.clone(), line: 0, field: String::new(), message });
    }
    cache.files = fresh;
    if desired.complete {
        // What is not there is deleted: made again, it is another object.
        cache.versions.retain(|object, _| places.contains_key(object));
    }
    let mut nodes = BTreeMap::new();
    for (object, mut places) in places {
        if places.len() > 1 {
            twice(&object, &places, &mut desired, &mut verdict);
            continue;
        }
        let Some(place) = places.pop() else { continue };
        match place.found {
            Found::Whole(whole) => {
                let (declared, node) = *whole;
                let refused = changed(&object, &place.file, &node, &mut cache.versions);
                if !refused.is_empty() {
                    let (origin, message) = (format!("{}:{}", place.file, place.line).into(), told(&refused).into());
                    desired.broken.push(Broken {
                        object: Some(object),
                        origin,
                        message,
                        priority: declared.enforced_priority(),
                        generation: 0,
                    });
                    verdict.errors.extend(refused);
                    continue;
                }
                declared.add_to(&mut desired.objects);
                nodes.insert(object, (place.file, node));
            }
            Found::Broken { object, priority, message } => {
                let origin = format!("{}:{}", place.file, place.line).into();
                desired.broken.push(Broken { object: Some(object), origin, message: message.into(), priority, generation: 0 });
            }
        }
    }
    warnings::across(&desired, &nodes, &mut verdict);
    desired.broken.sort_by(|a, b| (&a.object, &a.origin).cmp(&(&b.object, &b.origin)));
    verdict.sort();
    Loaded { desired, verdict }
}

struct Place {
    file: String,
    line: u32,
    found: Found,
}

enum Found {
    Whole(Box<(Declared, Node)>),
    Broken { object: ObjectRef, priority: Option<i32>, message: String },
}

impl Place {
    fn object(&self) -> ObjectRef {
        match &self.found {
            Found::Whole(whole) => whole.0.meta().object.clone(),
            Found::Broken { object, .. } => object.clone(),
        }
    }

    /// See [`Broken::priority`].
    fn priority(&self) -> Option<i32> {
        match &self.found {
            Found::Whole(whole) => whole.0.enforced_priority(),
            Found::Broken { priority, .. } => *priority,
        }
    }

    fn name(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }
}

/// Which of them is meant cannot be known: none of them is used.
fn twice(object: &ObjectRef, places: &[Place], desired: &mut Desired, verdict: &mut Verdict) {
    let priority = places.iter().filter_map(Place::priority).max();
    for (index, place) in places.iter().enumerate() {
        let others: Vec<String> =
            places.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other.name()).collect();
        let message = format!("{object} is declared twice, here and in {}: remove one", others.join(" and "));
        let problem = Problem { file: place.file.clone(), line: place.line, field: String::new(), message };
        desired.broken.push(broken(Some(object.clone()), priority, &problem));
        verdict.errors.push(problem);
    }
}

/// What cannot be changed of an object and was; if nothing, this is its last good version from now on.
fn changed(object: &ObjectRef, file: &str, node: &Node, versions: &mut BTreeMap<ObjectRef, Value>) -> Vec<Problem> {
    if !compares(object.kind) {
        return Vec::new();
    }
    let new = without_nulls_of_metadata(node.to_value());
    let errors = versions.get(object).map(|old| judge_change(object.kind, old, &new)).unwrap_or_default();
    if errors.is_empty() {
        versions.insert(object.clone(), new);
    }
    let problem = |error: FieldError| Problem {
        file: file.to_owned(),
        line: node.line_of(&error.path),
        field: error.path,
        message: error.message,
    };
    errors.into_iter().map(problem).collect()
}

fn broken(object: Option<ObjectRef>, priority: Option<i32>, problem: &Problem) -> Broken {
    Broken { object, origin: problem.place().into(), message: problem.sentence().into(), priority, generation: 0 }
}

/// What can be read of the rank of an object that is otherwise no good; `whole`: nothing of its text is missing.
fn salvaged_priority(kind: Kind, node: &Node, whole: bool) -> Option<i32> {
    if kind != Kind::ControlPolicy {
        return None;
    }
    let member = |key: &str| node.get("spec").and_then(|spec| spec.get(key));
    let audits = member("mode").map_or(whole, |mode| mode.text() == Some("Audit"));
    let priority = member("priority").and_then(|node| node.to_value().as_i64()).and_then(|number| i32::try_from(number).ok());
    (!audits).then(|| priority.unwrap_or_default())
}

fn told(problems: &[Problem]) -> String {
    problems.iter().map(Problem::sentence).collect::<Vec<_>>().join("; ")
}

fn judged(file: &File, cache: &Cache) -> Arc<Judged> {
    let whole = |message: String| {
        let problem = Problem { file: file.name.clone(), line: 0, field: String::new(), message };
        Arc::new(Judged { broken: vec![Unusable { problems: vec![problem], ..Unusable::default() }], ..Judged::default() })
    };
    match &file.text {
        Err(message) => whole(message.clone()),
        Ok(text) if text.trim().is_empty() => {
            whole("is empty: an empty file counts as half-written; delete it, or write something into it".to_owned())
        }
        Ok(text) => match cache.files.get(&file.name) {
            Some((known, judged)) if known == text => Arc::clone(judged),
            _ => Arc::new(judge_file(&file.name, text)),
        },
    }
}

fn judge_file(name: &str, text: &str) -> Judged {
    let mut judged = Judged::default();
    let documents = yaml::parse(text);
    if documents.is_empty() {
        let message = "passed over: it holds no object".to_owned();
        judged.notes.push(Problem { file: name.to_owned(), line: 0, field: String::new(), message });
    }
    for Document { root, faults } in documents {
        let problem = |line: u32, message: String| Problem { file: name.to_owned(), line, field: String::new(), message };
        if !faults.is_empty() {
            let problems: Vec<Problem> = faults.into_iter().map(|fault| problem(fault.line, fault.message)).collect();
            // A list of objects that cannot be read whole may have held any.
            match identity(&root) {
                Identity::Ours(kind, object) => {
                    let priority = salvaged_priority(kind, &root, false);
                    judged.broken.push(Unusable { object, priority, problems });
                }
                Identity::Foreign(what) => {
                    judged.notes.extend(
                        problems.into_iter().map(|p| Problem { message: format!("{what} passed over: {}", p.message), ..p }),
                    );
                }
                _ => judged.broken.push(Unusable { problems, ..Unusable::default() }),
            }
            continue;
        }
        judge_object(name, &root, &mut judged);
    }
    judged
}

enum Identity {
    /// Nothing there: `---` twice.
    Nothing,
    /// Not ours: passed over.
    Foreign(String),
    /// A list of objects.
    List,
    /// Ours; the reference if it could be read.
    Ours(Kind, Option<ObjectRef>),
    /// Nobody knows: line, field and message.
    Unclear(u32, &'static str, String),
}

fn identity(node: &Node) -> Identity {
    if node.is_null() {
        return Identity::Nothing;
    }
    if !matches!(node.data, Data::Map(_)) {
        return Identity::Unclear(node.line, "", "is not an object: an object begins with apiVersion and kind".to_owned());
    }
    let text = |key: &str| node.get(key).and_then(Node::text);
    let kinds = || Kind::ALL.map(Kind::as_str).join(", ");
    let (api_version, kind) = match (text("apiVersion"), text("kind")) {
        (Some(api_version), Some(kind)) => (api_version, kind),
        (None, _) => {
            let line = node.line_of("apiVersion");
            return Identity::Unclear(line, "apiVersion", format!("Required value: for example {API_VERSION}"));
        }
        (_, None) => return Identity::Unclear(node.line_of("kind"), "kind", format!("Required value: one of {}", kinds())),
    };
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    if kind == "List" && group.is_empty() || kind.ends_with("List") && group == GROUP {
        return Identity::List;
    }
    if group != GROUP {
        return Identity::Foreign(format!("{api_version} {kind}"));
    }
    let Ok(kind) = kind.parse::<Kind>() else {
        let message = format!("Unsupported value: {kind:?}: supported values: {}", kinds());
        return Identity::Unclear(node.line_of("kind"), "kind", message);
    };
    let member = |key: &str| node.get("metadata").and_then(|metadata| metadata.get(key)).and_then(Node::text);
    // What cannot be part of a reference is no identity.
    let member = |key: &str| member(key).filter(|text| !text.is_empty() && !text.contains('/'));
    let object = match (kind.is_namespaced(), member("namespace"), member("name")) {
        (true, Some(namespace), Some(name)) => Some(ObjectRef::namespaced(kind, namespace, name)),
        (false, _, Some(name)) => Some(ObjectRef::cluster(kind, name)),
        _ => None,
    };
    Identity::Ours(kind, object)
}

fn judge_object(file: &str, node: &Node, judged: &mut Judged) {
    let problem =
        |line: u32, field: &str, message: String| Problem { file: file.to_owned(), line, field: field.to_owned(), message };
    let unclear = |problem: Problem| Unusable { problems: vec![problem], ..Unusable::default() };
    match identity(node) {
        Identity::Nothing => {}
        Identity::Foreign(what) => {
            judged.notes.push(problem(node.line, "", format!("{what} passed over: not of the group {GROUP}")));
        }
        // Kustomize's own file may leave these out.
        Identity::Unclear(..) if Path::new(file).file_stem().is_some_and(|stem| stem == "kustomization") => {
            judged.notes.push(problem(node.line, "", "passed over: Kustomize's own file".to_owned()));
        }
        Identity::Unclear(line, field, message) => judged.broken.push(unclear(problem(line, field, message))),
        Identity::List => match node.get("items").map(|items| &items.data) {
            Some(Data::List(items)) => {
                for item in items {
                    // One level: a list of lists is nothing that kubectl makes.
                    if matches!(identity(item), Identity::List) {
                        let message = "a list must not hold lists".to_owned();
                        judged.broken.push(unclear(problem(item.line, "items", message)));
                    } else {
                        judge_object(file, item, judged);
                    }
                }
            }
            _ => judged.broken.push(unclear(problem(node.line, "items", "Required value: a list of objects".to_owned()))),
        },
        Identity::Ours(kind, object) => {
            let priority = salvaged_priority(kind, node, true);
            let api_version = node.get("apiVersion").and_then(Node::text).unwrap_or_default();
            if api_version != API_VERSION {
                let message = format!("Unsupported value: {api_version:?}: supported values: {API_VERSION:?}");
                let problems = vec![problem(node.line_of("apiVersion"), "apiVersion", message)];
                judged.broken.push(Unusable { object, priority, problems });
                return;
            }
            let value = node.to_value();
            let size = value.to_string().len();
            if size > MAX_OBJECT_BYTES {
                let message = format!("Too long: {size} bytes: an object may have {MAX_OBJECT_BYTES}");
                judged.broken.push(Unusable { object, priority, problems: vec![problem(node.line, "", message)] });
                return;
            }
            if !kind.is_namespaced() && node.get("metadata").and_then(|metadata| metadata.get("namespace")).is_some() {
                let message = format!("has no effect: a {kind} lives in no namespace");
                judged.warnings.push(problem(node.line_of("metadata.namespace"), "metadata.namespace", message));
            }
            match judge(kind, &without_nulls_of_metadata(value)) {
                Ok(declared) => judged.objects.push((declared, node.clone())),
                Err(errors) => {
                    let problems =
                        errors.into_iter().map(|error| problem(node.line_of(&error.path), &error.path, error.message)).collect();
                    judged.broken.push(Unusable { object, priority, problems });
                }
            }
        }
    }
}

/// kubectl and its friends write `creationTimestamp: null`.
fn without_nulls_of_metadata(mut value: Value) -> Value {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, member| !member.is_null());
    }
    value
}
