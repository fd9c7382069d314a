//! Connections: each is served by itself, none may keep the hub waiting, and none the hub from ending.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::local::Local;

/// How long the hub waits for clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the beginning of a connection, or from the last answer, until a request's headers are there; then it is closed.
    pub headers: Duration,
    /// Until the body is there; then the answer is 408, and the connection is closed.
    pub body: Duration,
    /// When the hub ends: until what was begun is answered; then the connections are closed.
    pub ending: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { headers: Duration::from_mins(1), body: Duration::from_mins(1), ending: Duration::from_secs(5) }
    }
}

/// Serves until `shutdown` is done; then finishes what it has begun, as far as [`Patience`] goes, but waits for no message that
/// may come.
pub async fn serve(listener: TcpListener, local: Local, shutdown: impl Future<Output = ()> + Send + 'static) {
    serve_patiently(listener, local, shutdown, Patience::default()).await;
}

pub(in crate::local) async fn serve_patiently(
    listener: TcpListener,
    local: Local,
    shutdown: impl Future<Output = ()> + Send,
    patience: Patience,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience.headers);
    let listens = listener.local_addr().ok().map(|address| address.ip());
    let (router, ending) = (local.router_at(listens, patience), CancellationToken::new());
    let mut connections = JoinSet::new();
    {
        let (mut shutdown, mut keeping) = (pin!(shutdown), pin!(local.keep_time()));
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                () = &mut keeping => break,
                Some(_) = connections.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(http.clone(), stream, router.clone(), ending.clone()));
                    }
                    Err(error) => {
                        // Of one connection, or of too many at once: then there is one less after a while.
                        tracing::debug!(%error, "failed to accept a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
    }
    drop(listener);
    local.queues().end_waits();
    ending.cancel();
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(patience.ending, all).await.is_err() {
        tracing::warn!(connections = connections.len(), "closed connections that were not answered in time");
    }
}

async fn connection(http: http1::Builder, stream: TcpStream, router: Router, ending: CancellationToken) {
    let mut connection = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;
    use tokio_util::task::TaskTracker;

    use super::*;

    /// What is waited for at most: far longer than anything should take, on any machine.
    const LONG: Duration = Duration::from_mins(5);
    const SHORT: Duration = Duration::from_millis(200);

    /// Served with this patience; what ends it, and the end.
    async fn served(patience: Patience) -> (std::net::SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let local = Local::builder().speed(crate::local::clock::Speed::Real).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, (end, ends)) = (listener.local_addr().unwrap(), oneshot::channel());
        let shutdown = async move {
            let _ = ends.await;
        };
        (address, end, TaskTracker::new().spawn(async move { serve_patiently(listener, local, shutdown, patience).await }))
    }

    /// All that is answered to `text` until the connection is closed.
    async fn answer(address: std::net::SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        tokio::time::timeout(LONG, stream.read_to_string(&mut answer)).await.expect("it is closed").unwrap();
        answer
    }

    #[tokio::test]
    async fn who_sends_too_slowly_is_refused_or_closed_and_others_are_served() {
        let patience = Patience { headers: SHORT, body: SHORT, ending: LONG };
        let (address, end, ended) = served(patience).await;
        let whole = answer(address, "GET /_local/clock HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(whole.starts_with("HTTP/1.1 200 OK"), "{whole}");
        // Headers that never end, and a connection that nobody uses any more.
        answer(address, "GET /_local/clock HTTP/1.1\r\nHost: localhost\r\n").await;
        let kept = answer(address, "GET /_local/clock HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        assert!(kept.starts_with("HTTP/1.1 200 OK"), "{kept}");
        let half = answer(address, "POST /findings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{").await;
        assert!(half.starts_with("HTTP/1.1 408") && half.contains("x-amzn-errortype: RequestTimeout"), "{half}");
        end.send(()).unwrap();
        ended.await.unwrap();
    }

    #[tokio::test]
    async fn nobody_keeps_the_hub_from_ending() {
        let (address, end, ended) = served(Patience { headers: LONG, body: LONG, ending: SHORT }).await;
        let mut streams = Vec::new();
        for text in ["", "GET / HTTP/1.1\r\n", "POST /findings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            streams.push(stream);
        }
        // They are accepted in their order, so that this one is answered once they are.
        let last = answer(address, "GET /_local/clock HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await;
        assert!(last.starts_with("HTTP/1.1 200 OK"));
        end.send(()).unwrap();
        tokio::time::timeout(LONG, ended).await.expect("it ends").unwrap();
        for mut stream in streams {
            let mut rest = Vec::new();
            // Closed, or cut off.
            let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await.expect("it is closed");
        }
    }
}
