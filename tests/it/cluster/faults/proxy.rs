//! What may stand between a controller and its API server: an HTTP proxy with switches, and a network that can be cut.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream;
use http_body_util::BodyExt as _;
use kube::Client;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What is wrong. By default nothing is.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Before every answer.
    pub delay: Duration,
    /// Instead of writing a status.
    pub status_writes: Option<u16>,
    /// Instead of everything but leases.
    pub everything: Option<u16>,
    /// Watches end after this time.
    pub watches_last: Option<Duration>,
    /// A watch is told that it is too old.
    pub watches_are_gone: bool,
    /// Watches bring bookmarks, and keep everything else back.
    pub quiet_watches: bool,
    /// So many objects a page, instead of those asked for.
    pub page: Option<u32>,
    /// The third page of a listing of this resource fails.
    pub third_page_fails: Option<&'static str>,
    /// Listings end after the first object, as if there were no more.
    pub lists_lack: bool,
    /// What is counted lacks the same.
    pub counts_lack: bool,
    /// Listings of this resource are answered with the first there was.
    pub stale: Option<&'static str>,
    /// Nothing is found by name, in the words of something that does not know the resource.
    pub no_such_page: bool,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `LIST`, `WATCH`, or the method of a write.
    pub verb: String,
    /// `controlpolicies/status`.
    pub resource: String,
    /// Of the object.
    pub name: String,
    /// What was answered.
    pub answer: u16,
}

impl Seen {
    /// Whether something was written, other than a lease.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "GET" | "LIST" | "WATCH") && self.resource != "leases"
    }
}

/// The way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    Up,
    /// Connections break, and new ones are closed.
    Cut,
    /// Nothing comes through, and nobody says so.
    Hole,
}

struct Inner {
    upstream: Client,
    /// Who the API server is told that it is.
    user: Option<String>,
    switches: Mutex<Switches>,
    seen: Mutex<Vec<Seen>>,
    pages: Mutex<BTreeMap<String, usize>>,
    lists: Mutex<BTreeMap<String, Bytes>>,
}

pub struct Proxy {
    inner: Arc<Inner>,
    network: watch::Sender<Network>,
    kubeconfig: tempfile::NamedTempFile,
}

impl Proxy {
    /// In front of an API server, to which everybody is `user`, or else the administrator.
    pub async fn start(mut config: kube::Config, user: Option<&str>) -> Self {
        config.default_retry = false;
        config.read_timeout = None;
        let inner = Arc::new(Inner {
            upstream: Client::try_from(config).unwrap(),
            user: user.map(str::to_owned),
            switches: Mutex::default(),
            seen: Mutex::default(),
            pages: Mutex::default(),
            lists: Mutex::default(),
        });
        let behind = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let to = behind.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(behind, app).await });
        let front = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = front.local_addr().unwrap().port();
        let network = watch::Sender::new(Network::Up);
        let told = network.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = front.accept().await {
                tokio::spawn(carry(client, to, told.clone()));
            }
        });
        let kubeconfig = tempfile::NamedTempFile::new().unwrap();
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": format!("http://127.0.0.1:{port}")}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        });
        std::fs::write(kubeconfig.path(), text.to_string()).unwrap();
        Self { inner, network, kubeconfig }
    }

    pub fn kubeconfig(&self) -> &Path {
        self.kubeconfig.path()
    }

    pub fn network(&self, network: Network) {
        self.network.send_replace(network);
    }

    /// From now on this is wrong, and nothing else.
    pub fn switch(&self, switches: Switches) {
        *self.switches() = switches;
    }

    pub fn heal(&self) {
        self.switch(Switches::default());
    }

    /// Breaks every connection, so that watches begin anew.
    pub fn reconnect(&self) {
        self.network(Network::Cut);
        self.network(Network::Up);
    }

    fn switches(&self) -> MutexGuard<'_, Switches> {
        self.inner.switches.lock().unwrap()
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.inner.seen.lock().unwrap().clone()
    }

    pub fn forget(&self) {
        self.inner.seen.lock().unwrap().clear();
    }

    /// How many requests were such.
    pub fn count(&self, such: impl Fn(&Seen) -> bool) -> usize {
        self.inner.seen.lock().unwrap().iter().filter(|seen| such(seen)).count()
    }

    /// Everything that was written, leases aside.
    pub fn writes(&self) -> Vec<Seen> {
        self.seen().into_iter().filter(Seen::is_write).collect()
    }
}

/// Carries one connection as long as the network is up.
async fn carry(mut client: TcpStream, to: SocketAddr, mut network: watch::Receiver<Network>) {
    let now = *network.borrow_and_update();
    let server = if now == Network::Up { TcpStream::connect(to).await.ok() } else { None };
    if let Some(mut server) = server {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
            // However short it was.
            _ = network.changed() => {
                if *network.borrow() == Network::Hole {
                    // Open, and dead: also when the network is up again.
                    let _ = network.wait_for(|network| *network != Network::Hole).await;
                }
            }
        }
    } else if now == Network::Hole {
        let _ = network.wait_for(|network| *network != Network::Hole).await;
    }
}

/// What a path and a query ask for.
struct Asked {
    verb: String,
    resource: String,
    name: String,
    is_metadata: bool,
}

fn asked(request: &Request) -> Asked {
    let path: Vec<&str> = request.uri().path().trim_matches('/').split('/').collect();
    let rest = match path.first() {
        Some(&"apis") => path.get(3..),
        Some(&"api") => path.get(2..),
        _ => None,
    };
    let rest = rest.unwrap_or_default();
    let rest = if rest.first() == Some(&"namespaces") && rest.len() > 2 { &rest[2..] } else { rest };
    let (resource, name) = match rest {
        [] => (path.join("/"), ""),
        [resource] => ((*resource).to_owned(), ""),
        [resource, name] => ((*resource).to_owned(), *name),
        [resource, name, more @ ..] => (format!("{resource}/{}", more.join("/")), *name),
    };
    let query = request.uri().query().unwrap_or_default();
    let verb = match request.method().as_str() {
        "GET" if query.contains("watch=") => "WATCH",
        "GET" if name.is_empty() && !rest.is_empty() => "LIST",
        method => method,
    };
    let accept = request.headers().get("accept").and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    Asked { verb: verb.to_owned(), resource, name: name.to_owned(), is_metadata: accept.contains("PartialObjectMetadata") }
}

fn ours(resource: &str) -> bool {
    resource != "leases"
}

fn status(code: u16, reason: &str) -> Response {
    let body = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": "as the test has it",
    });
    Response::builder().status(code).header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (asked, switches) = (asked(&request), inner.switches.lock().unwrap().clone());
    tokio::time::sleep(switches.delay).await;
    let answer = match faulty(&inner, &asked, &switches, &request) {
        Some(answer) => answer,
        None => pass_on(&inner, &asked, &switches, request).await,
    };
    let Asked { verb, resource, name, .. } = asked;
    inner.seen.lock().unwrap().push(Seen { verb, resource, name, answer: answer.status().as_u16() });
    answer
}

/// What the API server is not asked for.
fn faulty(inner: &Inner, asked: &Asked, switches: &Switches, request: &Request) -> Option<Response> {
    if let Some(code) = switches.everything.filter(|_| ours(&asked.resource)) {
        return Some(status(code, if code == 429 { "TooManyRequests" } else { "InternalError" }));
    }
    if let Some(code) = switches.status_writes.filter(|_| asked.resource.ends_with("/status") && asked.verb == "PATCH") {
        return Some(status(code, if code == 409 { "Conflict" } else { "InternalError" }));
    }
    if asked.verb == "WATCH" && switches.watches_are_gone && ours(&asked.resource) {
        let gone = json!({"type": "ERROR", "object": {
            "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old",
        }});
        return Some(Response::new(Body::from(format!("{gone}\n"))));
    }
    // Which cluster it is, and what definitions it has, it knows.
    let is_object = ours(&asked.resource) && asked.resource != "namespaces" && !asked.name.is_empty();
    if asked.verb == "GET" && switches.no_such_page && is_object {
        return Some(Response::builder().status(404).body(Body::from("404 page not found\n")).unwrap());
    }
    if asked.verb != "LIST" || asked.is_metadata {
        return None;
    }
    let continues = request.uri().query().unwrap_or_default().contains("continue=");
    let page = {
        let mut pages = inner.pages.lock().unwrap();
        let page = pages.entry(asked.resource.clone()).or_default();
        *page = if continues { *page + 1 } else { 1 };
        *page
    };
    if switches.third_page_fails == Some(asked.resource.as_str()) && page == 3 {
        return Some(status(500, "InternalError"));
    }
    if switches.stale == Some(asked.resource.as_str()) {
        let remembered = inner.lists.lock().unwrap().get(&asked.resource).cloned();
        return remembered
            .map(|list| Response::builder().header("content-type", "application/json").body(Body::from(list)).unwrap());
    }
    None
}

async fn pass_on(inner: &Inner, asked: &Asked, switches: &Switches, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut path = parts.uri.path_and_query().unwrap().to_string();
    if let Some(page) = switches.page.filter(|_| asked.verb == "LIST") {
        path = path.replace("limit=500", &format!("limit={page}"));
    }
    let version = path.split(['?', '&']).find_map(|part| part.strip_prefix("resourceVersion=")).unwrap_or("0").to_owned();
    parts.uri = path.parse().unwrap();
    for hop in ["host", "connection", "content-length"] {
        parts.headers.remove(hop);
    }
    if let Some(user) = &inner.user {
        parts.headers.insert("impersonate-user", user.parse().unwrap());
    }
    let answer = inner.upstream.send(http::Request::from_parts(parts, kube::client::Body::from(body.to_vec()))).await;
    let Ok(answer) = answer else { return status(503, "ServiceUnavailable") };
    let (mut parts, body) = answer.into_parts();
    for hop in ["connection", "transfer-encoding", "content-length"] {
        parts.headers.remove(hop);
    }
    let body = if asked.verb == "WATCH" && ours(&asked.resource) {
        watched(body, switches, &asked.resource, &version)
    } else if asked.verb == "LIST" && ours(&asked.resource) && parts.status.is_success() {
        let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let lacks = if asked.is_metadata { switches.counts_lack } else { switches.lists_lack };
        let bytes = if lacks { lacking(&bytes) } else { bytes };
        if !asked.is_metadata {
            inner.lists.lock().unwrap().entry(asked.resource.clone()).or_insert_with(|| bytes.clone());
        }
        Body::from(bytes)
    } else {
        Body::new(body)
    };
    Response::from_parts(parts, body)
}

/// Its first object, and nothing that tells of more.
fn lacking(list: &Bytes) -> Bytes {
    let mut list: Value = serde_json::from_slice(list).unwrap();
    // The API server gives null where there are none and only metadata is asked for.
    if let Some(items) = list["items"].as_array_mut() {
        items.truncate(1);
    }
    let metadata = list["metadata"].as_object_mut().unwrap();
    metadata.remove("continue");
    metadata.remove("remainingItemCount");
    list.to_string().into()
}

fn watched(body: kube::client::Body, switches: &Switches, resource: &str, version: &str) -> Body {
    let data = body.into_data_stream().take_while(|chunk| std::future::ready(chunk.is_ok())).filter_map(async |chunk| chunk.ok());
    if switches.quiet_watches {
        // As long as this connection lasts: what it keeps back comes with the next.
        let kind = json!({"apiVersion": "hubkeeper.dev/v1alpha1", "kind": resource, "metadata": {"resourceVersion": version}});
        let bookmark = Bytes::from(format!("{}\n", json!({"type": "BOOKMARK", "object": kind})));
        let bookmarks = stream::unfold((), move |()| {
            let bookmark = bookmark.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Some((bookmark, ()))
            }
        });
        let ends = tokio::time::sleep(Duration::from_secs(3));
        return Body::from_stream(bookmarks.take_until(ends).map(Ok::<_, Infallible>));
    }
    match switches.watches_last {
        Some(time) => Body::from_stream(data.take_until(tokio::time::sleep(time)).map(Ok::<_, Infallible>)),
        None => Body::from_stream(data.map(Ok::<_, Infallible>)),
    }
}

/// Requests such as these are at most one a second for each object since then.
pub fn assert_calm(proxy: &Proxy, since: Instant, such: impl Fn(&Seen) -> bool) {
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for seen in proxy.seen().into_iter().filter(|seen| such(seen)) {
        *counts.entry((seen.resource, seen.name)).or_default() += 1;
    }
    let most = since.elapsed().as_secs() + 2;
    assert!(counts.values().all(|count| *count <= most), "{counts:?} in {:?}", since.elapsed());
}
