//! What is declared, read once and whole, for who looks and does not stay: no watch, no writes. What is not read completely is
//! not read at all.

use std::collections::BTreeSet;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use serde_json::Value;

use super::absence::found;
use super::identity::{self, IdentityError};
use super::resource::{api_of, resource};
use super::store::Store;
use crate::api::GROUP;
use crate::core::hub_owner::HubOwner;
use crate::core::ids::{Kind, ObjectRef};
use crate::core::objects::Desired;

/// How many objects a page of a listing has.
const PAGE: u32 = 500;
/// How often a listing begins anew that grew too old between two pages.
const TRIES: usize = 3;

/// Why something could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("failed to {verb} {resource}{place}: {why}")]
pub struct ReadError {
    verb: &'static str,
    /// `findingexceptions.hubkeeper.dev`.
    resource: String,
    /// ` in team-pay`, or nothing: everywhere.
    place: String,
    why: Why,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Why {
    #[error("the API server at {server} cannot be reached ({cause})")]
    Unreachable { server: String, cause: String },
    #[error("the API server does not know who asks, or no longer")]
    Unauthenticated,
    #[error("{message}")]
    Forbidden { message: String, namespace: Option<String> },
    #[error("the API server does not have it")]
    NoSuchResource,
    #[error("the API server gave {given} objects of {announced}")]
    Incomplete { given: usize, announced: usize },
    #[error("{0}")]
    Other(String),
}

impl ReadError {
    /// What a person does next. `flags` are those by which kubectl finds the same cluster, each with a space before it.
    pub fn advice(&self, flags: &str) -> String {
        let Self { verb, resource, .. } = self;
        match &self.why {
            Why::Unreachable { .. } => {
                format!("Check the kubeconfig: `kubectl{flags} cluster-info` tells whether anybody answers there.")
            }
            Why::Unauthenticated => format!("Sign in again: `kubectl{flags} auth whoami` tells whether that helped."),
            Why::Forbidden { message, namespace } => {
                let (bind, place) = match namespace {
                    None => ("clusterrolebinding", " --all-namespaces".to_owned()),
                    Some(namespace) => ("rolebinding", format!(" -n {namespace}")),
                };
                let there = if namespace.is_some() { place.as_str() } else { "" };
                format!(
                    "`kubectl{flags} auth can-i {verb} {resource}{place}` tells whether you may; an administrator lets you by\n  \
                     kubectl create {bind} hubkeeper-view-{} --clusterrole=hubkeeper-view {}{there}",
                    short(who(message)),
                    subject(who(message)),
                )
            }
            Why::NoSuchResource if resource.ends_with(GROUP) => format!(
                "Install the definitions: `hubkeeper crds | kubectl{flags} apply --server-side -f -`, or the chart of Hubkeeper."
            ),
            Why::NoSuchResource => "It needs Kubernetes 1.28 or later.".to_owned(),
            Why::Incomplete { .. } | Why::Other(_) => {
                format!("Try again; `kubectl{flags} get --raw /readyz` tells how the API server is.")
            }
        }
    }
}

/// The user that a refusal names: `... is forbidden: User "maria" cannot list ...`.
fn who(message: &str) -> &str {
    message.split_once("User \"").and_then(|(_, rest)| rest.split_once('"')).map_or("YOU", |(who, _)| who)
}

/// How kubectl is told of a user, or of a ServiceAccount.
fn subject(who: &str) -> String {
    match who.strip_prefix("system:serviceaccount:") {
        Some(account) => quoted(&format!("--serviceaccount={account}")),
        None => quoted(&format!("--user={who}")),
    }
}

/// A name for an object that is about a user.
fn short(who: &str) -> String {
    let last = who.rsplit([':', '/']).next().unwrap_or(who).to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    last.chars().map(plain).collect::<String>().trim_matches('-').to_owned()
}

/// Reads, and keeps what it has read.
pub struct Reader {
    client: Client,
    /// Where the API server is, for people.
    server: String,
    store: Store,
}

/// A listing that is too old for its next page; or any other failure.
enum Failed {
    TooOld,
    For(ReadError),
}

impl Reader {
    /// Asks by `client`, whose API server is at `server`.
    pub fn new(client: Client, server: String) -> Self {
        Self { client, server, store: Store::default() }
    }

    /// What was read.
    pub fn desired(&self) -> Desired {
        self.store.desired()
    }

    /// Everything that is declared.
    pub async fn everything(&self) -> Result<(), ReadError> {
        for kind in Kind::ALL {
            self.list(kind).await?;
        }
        Ok(())
    }

    /// All objects of a kind, of all namespaces, as they were at one moment.
    pub async fn list(&self, kind: Kind) -> Result<(), ReadError> {
        for _ in 0..TRIES {
            match self.pages(kind).await {
                Err(Failed::TooOld) => {}
                Err(Failed::For(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
        Err(Self::error("list", kind, None, Why::Other(format!("{TRIES} times it grew too old before it was complete"))))
    }

    async fn pages(&self, kind: Kind) -> Result<(), Failed> {
        let api: Api<DynamicObject> = Api::all_with(self.client.clone(), &resource(kind));
        self.store.begin(kind);
        let (mut given, mut announced, mut token) = (0_usize, None, None::<String>);
        loop {
            let mut params = ListParams::default().limit(PAGE);
            params.continue_token = token.take();
            let later = params.continue_token.is_some();
            let page = api.list(&params).await.map_err(|error| match error {
                kube::Error::Api(status) if later && status.code == 410 => Failed::TooOld,
                error => Failed::For(Self::error("list", kind, None, self.why(&error, None))),
            })?;
            for object in &page.items {
                self.store.list(kind, object);
            }
            given += page.items.len();
            let left = page.metadata.remaining_item_count.and_then(|left| usize::try_from(left).ok()).unwrap_or(0);
            let announced = *announced.get_or_insert(given + left);
            token = page.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                if given < announced {
                    return Err(Failed::For(Self::error("list", kind, None, Why::Incomplete { given, announced })));
                }
                self.store.commit(kind, &BTreeSet::new());
                return Ok(());
            }
        }
    }

    /// One object, if it is there.
    pub async fn get(&self, object: &ObjectRef) -> Result<(), ReadError> {
        let api: Api<DynamicObject> = api_of(&self.client, object);
        match found(api.get(&object.name).await, &object.name) {
            Ok(there) => {
                if let Some(there) = there {
                    self.store.put(object.kind, &there);
                }
                Ok(())
            }
            Err(error) => {
                let namespace = object.namespace.as_deref();
                Err(Self::error("get", object.kind, namespace, self.why(&error, namespace)))
            }
        }
    }

    /// By what name the controller of this cluster owns a hub that was read, if it has said so.
    pub fn keeper(&self, hub: &str) -> Option<HubOwner> {
        let keeper = |status: &Value| status.get("keeper")?.as_str()?.parse().ok();
        self.store.status(&ObjectRef::cluster(Kind::SecurityHub, hub), keeper)?
    }

    /// By what name this cluster owns hubs, unless its controller says otherwise.
    pub async fn identity(&self) -> Result<HubOwner, IdentityError> {
        identity::of(&self.client).await
    }

    /// Who asks, as the API server knows them.
    pub async fn who(&self) -> Result<String, ReadError> {
        let failed = |why| ReadError {
            verb: "create",
            resource: "selfsubjectreviews.authentication.k8s.io".to_owned(),
            place: String::new(),
            why,
        };
        let api: Api<SelfSubjectReview> = Api::all(self.client.clone());
        let review = api.create(&PostParams::default(), &SelfSubjectReview::default()).await;
        let review = review.map_err(|error| failed(self.why(&error, None)))?;
        let name = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
        name.ok_or_else(|| failed(Why::Other("the answer names nobody".to_owned())))
    }

    fn error(verb: &'static str, kind: Kind, namespace: Option<&str>, why: Why) -> ReadError {
        let place = namespace.map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        ReadError { verb, resource: format!("{}.{GROUP}", resource(kind).plural), place, why }
    }

    fn why(&self, error: &kube::Error, namespace: Option<&str>) -> Why {
        match error {
            kube::Error::Api(status) => match status.code {
                401 => Why::Unauthenticated,
                403 => {
                    let message = status.message.split_once("is forbidden: ").map_or(status.message.as_str(), |(_, why)| why);
                    Why::Forbidden { message: message.to_owned(), namespace: namespace.map(str::to_owned) }
                }
                404 => Why::NoSuchResource,
                _ => Why::Other(status.message.clone()),
            },
            kube::Error::HyperError(_) | kube::Error::Service(_) | kube::Error::ReadEvents(_) => {
                Why::Unreachable { server: self.server.clone(), cause: cause(error) }
            }
            kube::Error::Auth(_) => Why::Other(format!("signing in does not work: {}", cause(error))),
            _ => Why::Other(cause(error)),
        }
    }
}

/// The first cause of an error: what is above it only says where it passed.
pub fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut first = error;
    while let Some(source) = first.source() {
        first = source;
    }
    first.to_string().lines().next().unwrap_or_default().to_owned()
}

/// As a shell takes it for one word.
pub fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_command_that_lets_whoever_was_refused() {
        let advice = |user: &str, namespace: Option<&str>| {
            let why = Why::Forbidden {
                message: format!("User \"{user}\" cannot list resource"),
                namespace: namespace.map(str::to_owned),
            };
            let advice = Reader::error("list", Kind::Account, namespace, why).advice("");
            advice.lines().last().unwrap_or_default().trim().to_owned()
        };
        let role = "--clusterrole=hubkeeper-view";
        assert_eq!(advice("maria", None), format!("kubectl create clusterrolebinding hubkeeper-view-maria {role} --user=maria"));
        assert_eq!(
            advice("arn:aws:iam::111122223333:role/Pay O'Team", None),
            format!(
                r"kubectl create clusterrolebinding hubkeeper-view-pay-o-team {role} '--user=arn:aws:iam::111122223333:role/Pay O'\''Team'"
            )
        );
        assert_eq!(
            advice("system:serviceaccount:flux-system:plan", Some("team-pay")),
            format!("kubectl create rolebinding hubkeeper-view-plan {role} --serviceaccount=flux-system:plan -n team-pay")
        );
    }
}
