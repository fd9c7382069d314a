//! Who may turn the hub's switches over HTTP: programs, and no page that a browser shows.
//!
//! A page from anywhere may send requests to a server on loopback. It cannot read the answers, but a step of the clock is made
//! by then; and a name that its owner lets mean 127.0.0.1 makes the hub a part of its own site. So under `/_local/` a request is
//! refused that a browser sent for another site (`Origin`), and one to a name that is not this machine's (`Host`). AWS's
//! operations need no such rule: a browser asks before it sends `Authorization`, and is told no.

use std::net::IpAddr;

use http::header;

use super::Incoming;

/// Why a request under `/_local/` is refused; `None`: it is not. `listens`: `None` in process.
pub(super) fn refusal(incoming: &Incoming, listens: Option<IpAddr>) -> Option<String> {
    let own = format!("{}://{}", incoming.scheme, incoming.host);
    let mut origins = incoming.headers.get_all(header::ORIGIN).iter();
    if let Some(origin) = origins.find(|origin| !origin.as_bytes().eq_ignore_ascii_case(own.as_bytes())) {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        return Some(format!("a page of {origin} may not use this: call it from a program, without Origin"));
    }
    let listens = listens?;
    (listens.is_loopback() && !is_own(&incoming.host, listens))
        .then(|| format!("{} is no name of this machine: call it at {listens} or localhost", incoming.host))
}

/// Whether a `Host` means this machine, whoever answers for names. Where it listens to other machines, they have names for it
/// that are not known here.
fn is_own(host: &str, listens: IpAddr) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address == listens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known_by_its_names_and_addresses_and_by_no_other() {
        let listens: IpAddr = "127.0.0.1".parse().unwrap();
        for host in ["127.0.0.1:4600", "127.0.0.1", "127.1.2.3:1", "localhost:4600", "LOCALHOST", "hub.localhost:1", "[::1]:4600"]
        {
            assert!(is_own(host, listens), "{host}");
        }
        for host in [
            "evil.example:4600",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "10.0.0.1:4600",
            "",
            "[::1",
            "nolocalhost",
        ] {
            assert!(!is_own(host, listens), "{host}");
        }
    }
}
